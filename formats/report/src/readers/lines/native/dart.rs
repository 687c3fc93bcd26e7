//! Reads what Dart prints: stacks of code compiled ahead of time, as Flutter's apps have them when
//! they are released, and of all other code.
//!
//! ```text
//! Unhandled Exception: Bad state: no oil
//! *** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
//! pid: 15026, tid: 15081, name 1.ui
//! os: android arch: arm64 comp: yes sim: no
//! build_id: '00112233445566778899aabbccddeeff'
//! isolate_dso_base: 7d515d5000, vm_dso_base: 7d515d5000
//!     #00 abs 0000007d518a1233 virt 00000000002cc233 _kDartIsolateSnapshotInstructions+0x1cc233
//! <asynchronous suspension>
//! #0      Wick.light (package:lantern/wick.dart:12:5)
//! ```
//!
//! `virt` is the file's own address, moved into the call. `_kDart…` names all of the code, and no
//! function.

use super::cxx::{source, strip_brackets};
use super::dialect::{Dialect, Said};
use crate::event::Format;
use crate::event::frame::{At, Frame, FrameKind};
use crate::event::image::{Image, ImageKind};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, some, word};

/// The file that Flutter's tools make of an app's code.
const IMAGE: &str = "libapp.so";

/// `abs ADDRESS [virt ADDRESS] SYMBOL+0xN`.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest.strip_prefix("abs ")?)?;
    let virt = rest.strip_prefix("virt ").and_then(word).and_then(|(address, _)| hex(address));
    let relative = virt.map(super::found::in_file);
    let frame =
        Frame { address: Some(hex(address)?), relative, at: At::Adjusted, ..Frame::default() };
    Some(NativeLine { frame, image: virt.map(|_| image(None)), ..NativeLine::default() })
}

/// `FUNCTION (package:APP/FILE:LINE:COLUMN)`, or another place that Dart has.
pub fn managed(rest: &str) -> Option<NativeLine> {
    let (function, place) = strip_brackets(rest).filter(|(function, _)| function.ends_with(' '))?;
    let is_own = ["package:", "dart:", "file:///", "org-dartlang-app:"]
        .iter()
        .any(|start| place.starts_with(start));
    let (file, line, column) = source(place);
    let frame = Frame {
        kind: FrameKind::Other,
        function: some(function),
        file: some(file),
        line,
        column,
        ..Frame::default()
    };
    is_own.then(|| NativeLine { frame, ..NativeLine::default() })
}

fn image(build_id: Option<&str>) -> Image {
    Image {
        kind: ImageKind::Elf,
        code_id: build_id.and_then(some),
        name: some(IMAGE),
        path: some(IMAGE),
        ..Image::default()
    }
    .identified()
}

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = message(line).is_some()
        || base(line).is_some()
        || line.starts_with("os: ") && line.contains(" comp: ");
    let is_own = is_own
        || super::number(line)
            .is_some_and(|(_, rest)| frame(rest).is_some() || managed(rest).is_some());
    is_own.then(|| Box::new(Dart::default()) as Box<dyn Dialect>)
}

/// What follows `Unhandled Exception: `, as Flutter spells it, or `Unhandled exception:`, as Dart
/// does.
fn message(line: &str) -> Option<&str> {
    let rest = line
        .split_once("Unhandled Exception: ")
        .map(|(_, message)| message)
        .or_else(|| line.strip_prefix("Unhandled exception:"))?;
    // .NET's frameworks say the same before a class of theirs.
    (!rest.trim_start().starts_with("System.")).then_some(rest.trim())
}

/// `isolate_dso_base: 7d515d5000, vm_dso_base: …`: the address.
fn base(line: &str) -> Option<u64> {
    hex(line.strip_prefix("isolate_dso_base: ")?.split(',').next()?)
}

#[derive(Debug, Default)]
struct Dart {
    build_id: Option<String>,
    base: Option<u64>,
    /// The message is in the next line.
    is_open: bool,
}

impl Dialect for Dart {
    fn format(&self) -> Format {
        Format::Dart
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if let Some((_, rest)) = super::number(line) {
            return match frame(rest).map(|line| self.placed(line)).or_else(|| managed(rest)) {
                Some(line) => Said::Frame(Box::new(line)),
                None => Said::Other,
            };
        }
        let event = &mut stacks.event;
        if std::mem::take(&mut self.is_open) {
            event.reason.message = some(line);
        } else if let Some(message) = message(line) {
            (event.reason.kind, event.reason.message) =
                (some("Unhandled Exception"), some(message));
            self.is_open = message.is_empty();
        } else if line.starts_with("pid: ") {
            event.process.pid = between(line, "pid: ", ",").and_then(|pid| pid.parse().ok());
            let tid = between(line, "tid: ", ",").and_then(|tid| tid.parse().ok());
            let name = line.split_once(", name ").map(|(_, name)| name);
            stacks.begin_thread(tid, name.and_then(some), true);
        } else if let Some(id) = line.strip_prefix("build_id: ") {
            self.build_id = some(id.trim_matches('\''));
        } else if let Some(system) = line.strip_prefix("os: ") {
            event.os.name = word(system).and_then(|(name, _)| some(name));
            event.arch = between(system, "arch: ", " ").and_then(some);
        } else if let Some(base) = base(line) {
            self.base = Some(base);
        } else {
            return Said::Other;
        }
        Said::Own
    }
}

impl Dart {
    /// A frame with what was said of the file. Old versions leave it to the reader to subtract its
    /// address.
    fn placed(&self, line: NativeLine) -> NativeLine {
        let mut frame = line.frame;
        if let (None, Some(address), Some(base)) = (frame.relative, frame.address, self.base) {
            frame.relative = address.checked_sub(base).map(super::found::in_image);
        }
        let image = frame.relative.map(|_| image(self.build_id.as_deref()));
        NativeLine { frame, image, ..line }
    }
}
