//! Answers requests from stdin or the command line, and flushes each answer before it waits for the
//! next request.

use std::io::{self, Read, Write};

use anyhow::Result;

use crate::resolve::input::{Ahead, Lines, RunSize};

/// Gives `answer` what has come so far, in whole lines, until there is no more.
///
/// # Errors
/// If `input` cannot be read or stdout not be written.
pub fn each_run(
    input: impl Read + Send + 'static,
    mut answer: impl FnMut(&[u8], &mut Vec<u8>),
) -> Result<()> {
    let mut lines = Lines::new(Ahead::of(input)?);
    let mut out = io::stdout().lock();
    let (mut text, mut size) = (Vec::new(), RunSize::default());
    while let Some(run) = lines.next_run(size.bytes())? {
        let asked_bytes = run.len();
        text.clear();
        answer(run, &mut text);
        out.write_all(&text)?;
        out.flush()?;
        size.learn(asked_bytes, text.len());
    }
    Ok(())
}

/// The requests of a run, as a tool reads them that takes lines through a buffer of `max_bytes` (C,
/// `fgets`): longer lines fall apart. Each with the end of line that it has.
pub fn requests(run: &[u8], max_bytes: usize) -> impl Iterator<Item = &[u8]> {
    run.split_inclusive(|&byte| byte == b'\n').flat_map(move |line| line.chunks(max_bytes - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_fall_apart() {
        let got: Vec<&[u8]> = requests(b"ab\n\nabcdefg\nx", 4).collect();
        assert_eq!(got, [&b"ab\n"[..], b"\n", b"abc", b"def", b"g\n", b"x"]);
    }
}
