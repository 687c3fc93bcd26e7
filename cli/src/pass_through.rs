//! What a filter does without a store: in, stdin; out, the same bytes, and once why they stay as they are.

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result};
use symtool_core::store;

use crate::exit::Exit;

/// Copies stdin to stdout as it comes: in a pipe, a report as it came is worth more than none.
pub fn run(missing: &store::Error) -> Result<Exit> {
    say!("{missing}; the input is passed on as it is");
    let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
    loop {
        let bytes = input.fill_buf().context("stdin cannot be read")?;
        if bytes.is_empty() {
            return Ok(Exit::Done);
        }
        out.write_all(bytes)?;
        out.flush()?;
        let count = bytes.len();
        input.consume(count);
    }
}
