//! stub
use crate::args::{Check, Global};
use crate::exit::Exit;
/// Runs the command.
pub fn run(_global: &Global, _args: &Check) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
