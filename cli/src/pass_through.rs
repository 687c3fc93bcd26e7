//! What a filter does without a store: it copies stdin to stdout, and reports once why the text
//! stays as it is.

use std::io::{self, BufRead, Write};

use anyhow::{Context as _, Result};
use symtool_store::database as store;

use crate::exit::Exit;

/// Copies stdin to stdout as it comes: in a pipe, a report as it came is worth more than none.
pub fn run(missing: &store::Error) -> Result<Exit> {
    say!("{missing}; the input is passed through unchanged");
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
