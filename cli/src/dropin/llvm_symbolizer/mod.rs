//! `llvm-symbolizer`, byte for byte as in LLVM 19 (`llvm-symbolizer.cpp`).

mod args;
mod objects;
mod options;
mod request;
mod session;
mod write;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use anyhow::Result;

use crate::dropin::{Call, stream, words};
use crate::style::llvm::Format;
use crate::style::text;
use args::{HELP, Id, Words};
use options::Options;
use session::Session;

/// Bytes of the buffer that it reads lines into.
const LINE_BYTES: usize = 1_024;

/// Runs the tool.
///
/// # Errors
/// If stdin cannot be read or stdout not be written.
pub fn run(call: &Call) -> Result<ExitCode> {
    let mut line = std::env::var_os("LLVM_SYMBOLIZER_OPTS")
        .map(|text| words::split(text.as_bytes()))
        .unwrap_or_default();
    line.extend(call.words.iter().cloned());
    let words = Words::of(words::expand(line));
    if !words.errors.is_empty() {
        words.errors.iter().for_each(|error| say(&format!("error: {error}\n")));
        return Ok(ExitCode::FAILURE);
    }
    if words.has(Id::Help) {
        io::stdout().write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if words.has(Id::Version) {
        writeln!(
            io::stdout(),
            "llvm-symbolizer\nsymtool {} (compatible with LLVM version 19.1.7)",
            env!("CARGO_PKG_VERSION")
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = match Options::of(call, &words) {
        Ok(options) => options,
        Err(exit) => return Ok(exit),
    };
    let mut session = Session::new(call, options);
    if !session.opens() {
        session.flush()?;
        return Ok(ExitCode::FAILURE);
    }
    if words.requests.is_empty() {
        answer_stdin(&mut session)?;
    } else {
        answer_words(&mut session, &words.requests)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The tool as others call it: `llvm-symbolizer --demangle --functions=linkage --inlines`, asked line
/// by line.
pub struct Embedded<'c>(Session<'c>);

impl<'c> Embedded<'c> {
    /// The tool, for `call`.
    ///
    /// # Errors
    /// How the program ends if it cannot run.
    pub fn new(call: &'c Call) -> Result<Self, ExitCode> {
        let words = ["--demangle", "--functions=linkage", "--inlines"].map(OsString::from);
        let options = Options::of(call, &Words::of(words.to_vec()))?;
        Ok(Self(Session::new(call, options)))
    }

    /// Answers `request`, a line without its end.
    pub fn answer(&mut self, request: &[u8], out: &mut Vec<u8>) {
        self.0.answer(&[Cow::Borrowed(request)], b"\n", out);
    }
}

/// Answers the lines of stdin, as they come.
fn answer_stdin(session: &mut Session<'_>) -> Result<()> {
    let is_indented = session.is_indented();
    stream::each_run(io::stdin(), |run, out| {
        let lines: Vec<Cow<'_, [u8]>> =
            stream::requests(run, LINE_BYTES).map(without_ends).collect();
        if !is_indented {
            return session.answer(&lines, b"\n", out);
        }
        let mut answers = Vec::new();
        session.answer(&lines, b"\n", &mut answers);
        for answer in answers.split_inclusive(|&byte| byte == b'\n') {
            text::put_indented(answer, out);
        }
    })
}

/// Answers the requests of the command line; in JSON, all are one list.
fn answer_words(session: &mut Session<'_>, words: &[OsString]) -> Result<()> {
    let requests: Vec<Cow<'_, [u8]>> =
        words.iter().map(|word| Cow::Borrowed(word.as_bytes())).collect();
    let is_json = session.printer().format == Format::Json;
    let (mut answers, mut out) = (Vec::new(), Vec::new());
    answers.extend_from_slice(if is_json { b"[" } else { b"" });
    session.answer(&requests, b",", &mut answers);
    if is_json {
        answers.pop();
        answers.extend_from_slice(b"]\n");
    }
    let is_indented = session.is_indented();
    if is_indented {
        text::put_indented(&answers, &mut out);
    }
    io::stdout().write_all(if is_indented { &out } else { &answers })?;
    Ok(())
}

/// `line` without its end, and without any end of line that stands within.
fn without_ends(line: &[u8]) -> Cow<'_, [u8]> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let kept = line.len() - line.iter().rev().take_while(|byte| is_end(byte)).count();
    if line[..kept].iter().any(is_end) {
        return line.iter().copied().filter(|byte| !is_end(byte)).collect();
    }
    Cow::Borrowed(&line[..kept])
}

fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
