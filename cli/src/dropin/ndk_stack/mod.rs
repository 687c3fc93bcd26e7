//! `ndk-stack`, as the NDK has it since r27 (`ndk-stack.py`): crash dumps out of a log, their frames
//! resolved by llvm-symbolizer.
//!
//! ```text
//! words -> args.rs
//! lines -> frame.rs    a frame: number, address, file
//!       -> library.rs  the library in the folder of symbols that it lies in, checked by its build-id
//!       -> llvm_symbolizer, with --demangle --functions=linkage --inlines
//! ```

mod args;
mod frame;
mod library;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use super::llvm_symbolizer::Embedded;
use super::{Call, stream};
use args::{Args, Parsed};
use frame::Frame;
use library::Libraries;

/// What stands before each crash dump in a log.
const BANNER: &[u8] = b"*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***";

/// What is repeated of a crash dump.
const TAGS: [&[u8]; 2] = [b"Build fingerprint:", b"Abort message:"];

/// Runs the tool.
///
/// # Errors
/// If the log cannot be read or stdout not be written.
pub fn run(call: &Call) -> Result<ExitCode> {
    let args = match Args::parse(&call.words) {
        Parsed::Args(args) => args,
        Parsed::Help => {
            io::stdout().write_all(args::HELP.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Parsed::Wrong(reason) => return Ok(wrong(&reason)),
    };
    let input: Box<dyn Read + Send> = match &args.input {
        Some(path) if path != "-" => match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => return Ok(wrong(&args::cannot_open(path, &error))),
        },
        _ => Box::new(io::stdin()),
    };
    if !args.symbols.exists() {
        let _ = writeln!(io::stderr(), "{} does not exist!\n", args.symbols.display());
        return Ok(ExitCode::FAILURE);
    }
    let Ok(symbolizer) = Embedded::new(call) else { return Ok(ExitCode::FAILURE) };
    let mut log = Log { symbolizer, libraries: Libraries::in_folder(args.symbols), crash: None };
    stream::each_run(input, |run, out| {
        for line in run.split_inclusive(|byte| *byte == b'\n') {
            log.line(line.trim_ascii_end(), out);
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says what is wrong with the command line.
fn wrong(reason: &str) -> ExitCode {
    let _ =
        io::stderr().write_all(format!("{}ndk-stack: error: {reason}\n", args::USAGE).as_bytes());
    ExitCode::from(2)
}

/// A log that is read line by line.
struct Log<'c> {
    symbolizer: Embedded<'c>,
    libraries: Libraries,
    /// Within a crash dump, whether a frame of its backtrace has come.
    crash: Option<bool>,
}

impl Log<'_> {
    /// Answers a line without its end.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let Some(saw_frame) = &mut self.crash else {
            if memchr::memmem::find(line, BANNER).is_some() {
                self.crash = Some(false);
                out.extend_from_slice(b"********** Crash dump: **********\n");
            }
            return;
        };
        for at in TAGS.iter().filter_map(|tag| memchr::memmem::find(line, tag)) {
            out.extend_from_slice(&line[at..]);
            out.push(b'\n');
        }
        let Some(mut frame) = Frame::parse(line) else {
            if *saw_frame {
                self.crash = None;
                out.extend_from_slice(b"Crash dump is completed\n\n");
            }
            return;
        };
        // Frames of a sanitizer stand in the abort message, and the backtrace behind it.
        *saw_frame |= !frame.is_sanitizer;
        let library = self.libraries.of(&mut frame, out);
        let start = out.len();
        for part in [frame.number, b" 0x", frame.address, b" ", &frame.tail, b"\n"] {
            out.extend_from_slice(part);
        }
        let indent = memchr::memchr(b'(', &out[start..]).map_or(0, |at| at + 1);
        if let Some(library) = library {
            self.resolve(&library, frame.address, indent, out);
        }
    }

    /// Writes what llvm-symbolizer says of `address` in `library`, up to the first empty line.
    fn resolve(&mut self, library: &Path, address: &[u8], indent: usize, out: &mut Vec<u8>) {
        let path = library.as_os_str().as_bytes();
        let request = [&b"\""[..], path, b"\" 0x", address].concat();
        let mut answer = Vec::new();
        self.symbolizer.answer(&request, &mut answer);
        let lines = answer.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        for line in lines.take_while(|line| !line.is_empty()) {
            out.resize(out.len() + indent, b' ');
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
}
