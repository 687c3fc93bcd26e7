//! What stops a job.

/// What stops a job as a whole. What is wrong with a single file or report is told in the events of
/// the job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] symtool_store::Error),
    /// A block that an answer needs is damaged: the fact.
    #[error("{0}")]
    Damaged(String),
    /// Whoever receives the events of the job returned this.
    #[error(transparent)]
    Receiver(#[from] std::io::Error),
}
