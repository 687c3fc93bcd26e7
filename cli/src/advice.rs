//! What to do about what went wrong, in this program's own commands and options. Libraries tell
//! facts; the next step is told here.

use symtool_core::import::Failure;
use symtool_store::Error;

use crate::find::NotOne;

/// Lists groups.
pub const LIST_GROUPS: &str = "symtool groups list";

/// Lists modules without symbols.
pub const LIST_MISSING: &str = "symtool missing";

/// Undoes a run.
pub fn undo(run: u64) -> String {
    format!("symtool groups undo {run}")
}

/// Shows a group.
pub fn show_group(id: &str) -> String {
    format!("symtool groups show {id}")
}

/// Shows a crash.
pub fn show_crash(id: &str) -> String {
    format!("symtool crash show {id}")
}

/// Why the store cannot be used, with the next step.
pub fn store(error: &Error) -> String {
    let step = match error {
        Error::Missing(_) => "import a file first, or name another with --store",
        Error::NotAStore(_) => "name another folder with --store",
        Error::FormatLost(_) => "`symtool modules repair` writes it again",
        Error::AckDamaged(_) => "`symtool modules repair` checks the store and writes it again",
        Error::Unacknowledged { .. } => {
            "`symtool modules repair` saves what its files still hold and names what is gone"
        }
        Error::DatabaseLost(_) => {
            "`symtool modules repair` rebuilds the database from its other files"
        }
        Error::Damaged(_) => "`symtool modules repair` saves what is intact and names what is not",
        Error::NoKey { .. } => {
            "give its key with --key-file FILE, --key-command CMD, $SYMTOOL_KEY or `key-file` in symtool.toml"
        }
        Error::WrongKey { wanted, .. } => {
            return format!("{error}; give the one that `symtool key show` calls {wanted}");
        }
        Error::Quota { .. } => {
            "remove modules (`symtool modules gc`, `symtool modules remove`) or raise the quota"
        }
        Error::CrashQuota { .. } => {
            "remove some (`symtool crash gc`, `symtool crash remove`) or raise `crash-quota`"
        }
        Error::Locked { .. } => {
            "let it finish, wait longer with --wait, or end it: what it has not finished will not be in the store"
        }
        Error::Database { .. } | Error::CrashDatabase { .. } => {
            "free some space if the disk is full; if a file is damaged, `symtool modules repair` saves the rest"
        }
        Error::CrashesDamaged { .. } => "`symtool modules repair` saves what can be read",
        Error::CrashRow(_) => "`symtool modules repair` saves the rest",
        Error::Corrupt { .. } => "import its file again with --force",
        // Their facts name the step.
        _ => return error.to_string(),
    };
    format!("{error}; {step}")
}

/// What to do about what is wrong with a bucket.
#[cfg(feature = "bucket")]
fn bucket(error: &symtool_bucket::BucketError) -> &'static str {
    use symtool_bucket::BucketError;
    match error {
        BucketError::Address { .. } => {
            "write s3://BUCKET/PREFIX, gs://… or az://…, and set the variables that docs/bucket.md names"
        }
        BucketError::Missing { .. } => {
            "check the address and the endpoint, or import a file first, which makes it"
        }
        BucketError::Offline { .. } => "leave out --offline",
        BucketError::NoKey { .. } => {
            "give its key with --key-file FILE, --key-command CMD, $SYMTOOL_KEY or `key-file` in symtool.toml"
        }
        BucketError::WrongKey { .. } => "give the key that the bucket is sealed with",
        BucketError::Open { .. } => "leave out the key, or name another prefix",
        BucketError::Format { .. } => "use the version that wrote it",
        BucketError::Unfit { .. } => {
            "use storage with conditional writes; `symtool bucket probe` checks it"
        }
        BucketError::OtherCache { .. } => "name another folder with --cache, or remove this one",
        BucketError::Io { .. } => "make room there, or name another folder with --cache",
        _ => "try again; --timeout SECONDS waits longer",
    }
}

/// What stopped a command, with the next step.
pub fn any(error: &anyhow::Error) -> String {
    #[cfg(feature = "bucket")]
    if let Some(cause) = error.downcast_ref() {
        return format!("{error:#}; {}", bucket(cause));
    }
    match store_error(error) {
        Some(cause) => format!("{error:#}").replace(&cause.to_string(), &store(cause)),
        None => format!("{error:#}"),
    }
}

/// The error of the store that `cause` is, if it is one.
pub fn store_error(cause: &anyhow::Error) -> Option<&Error> {
    let error = cause.downcast_ref().or_else(|| match cause.downcast_ref()? {
        symtool_core::Error::Store(error) => Some(error),
        _ => None,
    });
    error.or_else(|| match cause.downcast_ref()? {
        NotOne::Unreadable(error) => Some(error),
        _ => None,
    })
}

/// Why nothing came of a file, with the next step.
pub fn import(failure: &Failure) -> String {
    match failure {
        Failure::SecondFile(path) => {
            format!(
                "{}: --id applies to one file, and there are several without an id; import them one by one",
                path.display()
            )
        }
        Failure::OtherId { path, what } => {
            format!("{}: --id is no id of {what}; pass one", path.display())
        }
        Failure::Contradiction { id, .. } => {
            format!(
                "{failure}; give it an id of its own, or take the other one out with `modules remove {id}`"
            )
        }
        Failure::Store(error) => store(error),
        _ => failure.to_string(),
    }
}
