//! Commands of the shell that are told.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::notice::Notice;

/// The variable that has the notice's id.
const ID: &str = "SYMTOOL_NOTICE_ID";

/// Runs `line` with `notice` as JSON on its standard input; what it prints goes to standard error.
///
/// # Errors
/// How it went wrong, as what a command does: "cannot be run", "failed".
pub fn run(line: &str, notice: &Notice) -> Result<(), String> {
    let body = serde_json::to_vec(notice).map_err(|error| error.to_string())?;
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).env(ID, &notice.id).stdin(Stdio::piped()).stdout(std::io::stderr());
    let mut child = shell.spawn().map_err(|error| format!("cannot be run ({error})"))?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input may be fine with that.
        let _ = input.write_all(&body).and_then(|()| input.write_all(b"\n"));
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for ({error})"))?;
    if status.success() { Ok(()) } else { Err(format!("failed ({status})")) }
}
