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
    /// A folder for files on their way cannot be used.
    #[error("{}: files on their way cannot be kept there ({cause})", path.display())]
    Folder {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Whoever receives the events of the job returned this.
    #[error(transparent)]
    Receiver(#[from] std::io::Error),
}
