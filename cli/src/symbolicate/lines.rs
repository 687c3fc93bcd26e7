//! Resolves a log line by line: each goes out before the next one comes.

use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::{Context as _, Result};
use symtool_report::limits::MAX_REPORT_BYTES;
use symtool_report::{LogReader, annotate_line};

use super::known::Known;
use crate::exit::Exit;

/// Writes all lines of `input`, with their frames resolved.
pub fn write(known: &Known<'_>, mut input: BufReader<impl Read>) -> Result<Exit> {
    let Known { symbols, mapping, .. } = known;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut log = LogReader::new();
    let mut retrace = mapping.map(|mapping| symbols.retrace(mapping));
    let (mut line, mut text, mut retraced) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        line.clear();
        // A line without end is passed on in pieces.
        if input
            .by_ref()
            .take(MAX_REPORT_BYTES as u64)
            .read_until(b'\n', &mut line)
            .context("the input cannot be read")?
            == 0
        {
            break;
        }
        text.clear();
        match (known.report_of_line(&line)?, log.feed(&line)) {
            (Some(report), _) => text.extend_from_slice(&report),
            (None, Some(frame)) => {
                annotate_line(&line, &frame, &symbols.resolve_line(&frame), &mut text);
            }
            (None, None) => text.extend_from_slice(&line),
        }
        if let Some(retrace) = &mut retrace {
            retraced.clear();
            retrace.text(&text, &mut retraced)?;
            std::mem::swap(&mut text, &mut retraced);
        }
        out.write_all(&text)?;
        // Before a wait for more.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    if let Some(retrace) = &mut retrace {
        text.clear();
        retrace.finish(&mut text)?;
        out.write_all(&text)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
