//! How a command ends: in, what went wrong, if anything; out, the exit code.

use std::io;
use std::process::ExitCode;

use symtool_core::store;

/// Exit codes that scripts rely on. Wrong usage exits with 2, by clap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done,
    /// Done, but some input failed; each was named on stderr.
    SomeFailed,
    /// The store cannot be used.
    Store,
}

impl Exit {
    /// Done, or not wholly.
    pub fn failed_if(failed: bool) -> Self {
        if failed { Self::SomeFailed } else { Self::Done }
    }

    /// Says on stderr what stopped the command, unless the reader of its output has gone, which is no error.
    pub fn report(error: &anyhow::Error) -> Self {
        let is_closed_pipe = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
        };
        if error.chain().any(is_closed_pipe) {
            return Self::Done;
        }
        say!("{error:#}");
        if error.is::<store::Error>() { Self::Store } else { Self::SomeFailed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::SomeFailed => Self::from(1),
            Exit::Store => Self::from(3),
        }
    }
}
