//! Reads what `minidump_stackwalk -m` prints for programs: fields between bars.
//!
//! ```text
//! OS|Linux|0.0.0 Linux 6.1.0 #1 SMP x86_64
//! CPU|amd64|family 6 model 85 stepping 7|4
//! Crash|SIGSEGV /SEGV_MAPERR|0x18|0                                          the thread that crashed
//! Module|lantern||lantern|00112233445566778899AABBCCDDEEFF0|0x55d0c0de0000|0x55d0c0deffff|1
//!
//! 0|0|lantern|Wick::light()|/src/wick.cc|12|0x5                              from the line, or the function
//! 0|2|liblamp.so||||0x1180                                                   from the module; without one, an address
//! ```
//!
//! Bars within a field have been left out.

use super::dialect::{Dialect, Said};
use super::found::{FoundFrame, in_image, known};
use crate::event::Format;
use crate::event::image::{Image, ImageKind, file_name};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::readers::reason::{arch, kind_of};
use crate::scan::text::{hex, prefixed_hex, some};

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    begins_report(line).then(|| Box::new(Machine::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    line.strip_prefix("OS|").is_some_and(|rest| rest.contains('|'))
}

#[derive(Debug, Default)]
struct Machine {
    crashed: Option<u64>,
    thread: Option<u64>,
    kind: ImageKind,
}

impl Dialect for Machine {
    fn format(&self) -> Format {
        Format::Minidump
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let fields: Vec<&str> = text.line.split('|').collect();
        let event = &mut stacks.event;
        match fields[..] {
            ["OS", name, version, ..] => {
                (event.os.name, event.os.version) = (some(name), some(version));
                self.kind = kind_of(name);
            }
            ["CPU", name, ..] => event.arch = some(arch(name)),
            ["Crash", reason, address, thread, ..] => {
                event.reason.take_breakpad(reason);
                event.reason.fault_address = hex(address);
                self.crashed = thread.parse().ok();
            }
            ["Module", name, version, _debug_file, debug_id, start, last, ..] => {
                let start = hex(start);
                stacks.loaded(
                    Image {
                        kind: self.kind,
                        debug_id: some(debug_id),
                        name: some(file_name(name)),
                        path: some(name),
                        version: some(version),
                        load_address: start,
                        size: start
                            .zip(hex(last))
                            .and_then(|(start, last)| last.checked_sub(start)?.checked_add(1)),
                        ..Image::default()
                    }
                    .identified(),
                );
            }
            [thread, number, module, function, file, line, offset, ..] => {
                if let Some(line) = self
                    .frame([module, function, file, line, offset])
                    .filter(|_| number.parse::<u32>().is_ok())
                {
                    self.thread(thread.parse().ok(), stacks);
                    return Said::Frame(Box::new(line));
                }
            }
            _ => {}
        }
        Said::Own
    }
}

impl Machine {
    fn thread(&mut self, number: Option<u64>, stacks: &mut Stacks) {
        if number != self.thread {
            stacks.begin_thread(number, None, number.is_some() && number == self.crashed);
            self.thread = number;
        }
    }

    fn frame(&self, [module, function, file, line, offset]: [&str; 5]) -> Option<NativeLine> {
        let offset = prefixed_hex(offset);
        let relative = offset.filter(|_| function.is_empty() && !module.is_empty()).map(in_image);
        let address = offset.filter(|_| function.is_empty() && module.is_empty());
        if function.is_empty() && offset.is_none() {
            return None;
        }
        let mut found = FoundFrame {
            address,
            relative,
            function: known(function),
            path: module,
            ..FoundFrame::default()
        }
        .line();
        found.image = found.image.map(|image| Image { kind: self.kind, ..image });
        (found.frame.file, found.frame.line) = (some(file), line.parse().ok());
        Some(NativeLine { is_plain: true, ..found })
    }
}
