//! Exit codes, and the errors that decide them.

use std::io;
use std::process::ExitCode;

use crate::advice;

/// Exit codes that scripts rely on. Wrong usage exits with 2, by clap too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done,
    /// Done, but some input failed; each was named on stderr.
    SomeFailed,
    /// What was asked for cannot be.
    Usage,
    /// The store cannot be used.
    Store,
    /// Something was out of reach, and may be there later: a bucket, what a worker needs, or a
    /// receiver of notices, who is told by the next command that tells.
    TryAgain,
}

/// What was asked for cannot be: why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Something is out of reach that may be there later: what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryLater(pub String);

impl std::fmt::Display for TryLater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TryLater {}

/// The key of a store cannot be had: why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoKey(pub String);

impl std::fmt::Display for NoKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoKey {}

impl Exit {
    /// Done, or not wholly.
    pub fn failed_if(failed: bool) -> Self {
        if failed { Self::SomeFailed } else { Self::Done }
    }

    /// Says on stderr what stopped the command, unless the reader of its output has gone, which is
    /// no error.
    pub fn report(error: &anyhow::Error) -> Self {
        let is_closed_pipe = |cause: &(dyn std::error::Error + 'static)| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
        };
        let is_receiver_gone = || match error.downcast_ref() {
            Some(symtool_core::Error::Receiver(cause)) => cause.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        };
        if error.chain().any(is_closed_pipe) || is_receiver_gone() {
            return Self::Done;
        }
        say!("{}", advice::any(error));
        #[cfg(feature = "bucket")]
        if let Some(cause) = error.downcast_ref() {
            return crate::bucket::exit(cause);
        }
        match error {
            error if advice::store_error(error).is_some() || error.is::<NoKey>() => Self::Store,
            error if error.is::<Usage>() => Self::Usage,
            error if error.is::<TryLater>() => Self::TryAgain,
            _ => Self::SomeFailed,
        }
    }
}

/// The same error, as one that may pass if that is so: a busy store, a pipe or a disk that fails.
pub fn or_try_later(error: anyhow::Error) -> anyhow::Error {
    let is_closed_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    let is_temporary = match advice::store_error(&error) {
        Some(store) => store.is_temporary(),
        None => error.downcast_ref::<io::Error>().is_some_and(|cause| !is_closed_pipe(cause)),
    };
    if is_temporary { TryLater(advice::any(&error)).into() } else { error }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::SomeFailed => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Store => Self::from(3),
            Exit::TryAgain => Self::from(75),
        }
    }
}
