//! Reads what systemd says of a core file: `coredumpctl info`, and the same in the journal.
//!
//! ```text
//!            PID: 471 (lantern)
//!         Signal: 11 (SEGV)
//!        Message: Process 471 (lantern) of user 1000 dumped core.
//!                 Module liblamp.so with build-id 00112233445566778899aabbccddeeff00112233
//!                 Stack trace of thread 471:
//!                 #0  0x000055d1c0de1128 wick_light (lantern + 0x1128)
//!                 #1  0x00007f1134561180 n/a (liblamp.so + 0x1180)
//!                 #2  0x00007f8df8f4986b raise (libc.so.6)                      before systemd 246
//! ```
//!
//! Offsets count from the first page of the module.

use std::collections::HashMap;

use super::cxx::{strip_brackets, strip_module};
use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, image, in_image, known};
use crate::event::Format;
use crate::event::image::{file_name, hex_bytes};
use crate::limits::MAX_IMAGES;
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, kept, prefixed_hex, some, word};
use crate::scan::time;
use symtool_module::Arch;

/// `0xADDRESS FUNCTION (MODULE + 0xOFFSET)`.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest)?;
    let (function, path, offset) = strip_module(rest).filter(|_| rest.contains(" + 0x"))?;
    Some(found(prefixed_hex(address)?, function, path, Some(offset)))
}

/// `0xADDRESS FUNCTION (MODULE)`.
fn frame_without_offset(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest)?;
    let (function, path) = strip_brackets(rest).filter(|(function, _)| function.ends_with(' '))?;
    Some(found(prefixed_hex(address)?, function, path, None))
}

fn found(address: u64, function: &str, path: &str, offset: Option<u64>) -> NativeLine {
    let path = path.trim_end_matches(" (deleted)");
    let path = known(path).map_or("", |_| path);
    let relative = offset.filter(|_| !path.is_empty()).map(in_image);
    let found = FoundFrame {
        address: Some(address),
        relative,
        function: known(function),
        path,
        ..FoundFrame::default()
    };
    NativeLine { is_plain: true, ..found.line() }
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = begins_report(line)
        || thread(line).is_some()
        || super::number(line).is_some_and(|(_, rest)| frame(rest).is_some());
    is_own.then(|| Box::new(Coredump::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    pid(line).is_some() || dumped(line).is_some()
}

/// `PID: 471 (lantern)`: pid and name.
fn pid(line: &str) -> Option<(u64, &str)> {
    let (pid, name) = line.strip_prefix("PID: ")?.split_once(" (")?;
    Some((pid.trim().parse().ok()?, name.strip_suffix(')')?))
}

/// `Process 471 (lantern) of user 1000 dumped core.`: pid and name.
fn dumped(line: &str) -> Option<(u64, &str)> {
    let rest = line.split_once("Process ")?.1;
    let (who, _) =
        rest.split_once(" of user ").filter(|(_, rest)| rest.contains(" dumped core"))?;
    let (pid, name) = who.split_once(" (")?;
    Some((pid.parse().ok()?, name.strip_suffix(')')?))
}

/// `Stack trace of thread 471:`.
fn thread(line: &str) -> Option<u64> {
    line.strip_prefix("Stack trace of thread ")?.trim_end_matches(':').parse().ok()
}

/// `Module NAME with build-id ID`: name and id.
fn module(line: &str) -> Option<(&str, &str)> {
    let (name, id) = line.strip_prefix("Module ")?.split_once(" with build-id ")?;
    let id = word(id)?.0.trim_end_matches('.');
    hex_bytes(id).map(|_| (name, id))
}

#[derive(Debug, Default)]
struct Coredump {
    /// Build-ids by the names of files.
    ids: HashMap<String, String>,
}

impl Dialect for Coredump {
    fn format(&self) -> Format {
        Format::Coredumpctl
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some((_, rest)) = super::number(line) {
            return match frame(rest).or_else(|| frame_without_offset(rest)) {
                Some(line) => Said::Frame(Box::new(self.with_id(line))),
                None => Said::Other,
            };
        }
        if let Some(number) = thread(line) {
            let is_first = stacks.event.threads.is_empty();
            stacks.begin_thread(Some(number), None, is_first);
        } else if let Some((name, id)) = module(line) {
            if self.ids.len() < MAX_IMAGES {
                self.ids.insert(kept(file_name(name)), kept(id));
            }
        } else {
            head(stacks, line);
        }
        Said::Own
    }
}

impl Coredump {
    /// `line` with the build-id of its module.
    fn with_id(&self, line: NativeLine) -> NativeLine {
        let path = line.image.as_ref().and_then(|image| image.path.as_deref());
        let id = path.and_then(|path| self.ids.get(file_name(path)));
        match (id, path) {
            (Some(id), Some(path)) => NativeLine { image: image(path, Some(id)), ..line },
            _ => line,
        }
    }
}

fn head(stacks: &mut Stacks, line: &str) {
    let event = &mut stacks.event;
    if let Some((pid, name)) = pid(line).or_else(|| dumped(line)) {
        event.process.pid = Some(pid);
        event.process.name = some(name);
    } else if let Some(signal) = line.strip_prefix("Signal: ") {
        let (number, _) = word(signal).unwrap_or_default();
        event.reason.signal_number = number.parse().ok();
        event.reason.signal =
            between(signal, "(", ")").map(|name| format!("SIG{}", name.trim_start_matches("SIG")));
    } else if let Some(path) = line.strip_prefix("Executable: ") {
        event.process.path = some(path);
    } else if let Some(machine) = line.strip_prefix("ELF object binary architecture: ") {
        event.arch = arch(machine);
    } else if let Some(time) = line.strip_prefix("Timestamp: ") {
        // The day of the week stands before it, how long ago that was behind. Most zones are named,
        // and names say little.
        let date = time
            .split_once(' ')
            .map_or("", |(_, date)| date.split(" (").next().unwrap_or_default());
        event.time_ms = time::milliseconds(date);
    }
}

/// What libdw calls machines, as LLVM calls them.
fn arch(machine: &str) -> Option<Arch> {
    let name = match machine {
        "AMD x86-64" => "x86_64",
        "Intel 80386" => "i386",
        "AARCH64" => "aarch64",
        "ARM" => "arm",
        "RISC-V" => "riscv64",
        other => other,
    };
    some(name)
}
