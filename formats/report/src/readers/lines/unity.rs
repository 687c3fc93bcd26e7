//! Unity's echo of a native crash: its handler throws what the processor told as a Java error,
//! whose frames are those of machine code.
//!
//! ```text
//! java.lang.Error: signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x18
//!     at libil2cpp.0x12348(Native Method)                        an address of the file; before 2019 without `0x`
//!     at libmono.mono_runtime_invoke(mono_runtime_invoke:141)    a function, and bytes from its start
//!     at Unknown.000083d8(Unknown Source)                        memory that no file is in
//! ```
//! The tombstone says more, and comes along: in the message, or in the log of the same process.
//! Alone, the echo is the crash.

use crate::event::frame::{At, Frame, FrameKind, Relative, Space};
use crate::event::image::{Image, ImageKind};
use crate::event::{CrashEvent, Exception, Thread};
use crate::scan::text::{hex, kept, some};

use super::line::NativeLine;

/// The class of what Unity throws.
const ERROR: &str = "java.lang.Error";

/// Whether `line` is the message of an echo; a tombstone's fields may follow it.
pub fn is_signal(message: &str) -> bool {
    message.starts_with("signal ") && message.contains(" (SIG") && message.contains("code ")
}

/// `LIBRARY.0xADDRESS(Native Method)` or `LIBRARY.FUNCTION(FUNCTION:OFFSET)`: what follows `at `.
pub fn frame(text: &str) -> Option<NativeLine> {
    let (place, source) = text.strip_suffix(')')?.rsplit_once('(')?;
    let (library, function) = place.split_once('.')?;
    if library == "Unknown" {
        let address = hex(function).filter(|_| function.len() >= 8)?;
        let frame = Frame { address: Some(address), at: At::Return, ..Frame::default() };
        return Some(NativeLine { frame, number: None, image: None, is_plain: false });
    }
    if !library.starts_with("lib") || library.contains(['/', '$', ' ']) {
        return None;
    }
    let address = match function.strip_prefix("0x") {
        Some(digits) => hex(digits),
        None => hex(function).filter(|_| function.len() >= 8),
    };
    let (function, relative) = match address {
        Some(address) if matches!(source, "Native Method" | "Unknown Source") => {
            (None, Some(Relative { address, space: Space::File }))
        }
        Some(_) => return None,
        // Its offset counts from the function, which is named twice, the second time without
        // arguments.
        None => {
            let (name, offset) = source.rsplit_once(':')?;
            let is_twice =
                function.contains(name) && offset.bytes().all(|byte| byte.is_ascii_digit());
            (is_twice.then(|| kept(function)), None)
        }
    };
    if function.is_none() && relative.is_none() {
        return None;
    }
    let name = format!("{library}.so");
    let image = Image {
        kind: ImageKind::Elf,
        name: Some(name.clone()),
        path: Some(name.clone()),
        ..Image::default()
    };
    let frame = Frame {
        kind: FrameKind::Native,
        function,
        relative,
        package: Some(name),
        at: At::Adjusted,
        ..Frame::default()
    };
    Some(NativeLine { frame, number: None, image: Some(image), is_plain: false })
}

/// Whether the exceptions of `event` are an echo: all that they call is machine code.
pub fn is_echo(event: &CrashEvent) -> bool {
    let of_unity = |frame: &Frame| frame.kind == FrameKind::Native;
    let thrown = &event.exceptions;
    thrown.iter().any(|exception| {
        exception.kind.as_deref() == Some(ERROR) && exception.frames.iter().any(of_unity)
    }) && thrown
        .iter()
        .all(|exception| exception.frames.is_empty() || exception.frames.iter().any(of_unity))
}

/// Puts right an event whose exceptions are an echo: of a crash that it tells of itself nothing is
/// left of them but the signal, else their frames are the crashed thread's.
pub fn finish(event: &mut CrashEvent) {
    let is_native = |frame: &Frame| frame.kind == FrameKind::Native;
    let is_told = event.threads.iter().any(|thread| thread.frames.iter().any(is_native));
    let is_bare = |exception: &Exception| {
        exception.kind.as_deref() == Some(ERROR) && exception.frames.is_empty()
    };
    let is_heading =
        is_told && !event.exceptions.is_empty() && event.exceptions.iter().all(is_bare);
    if !is_echo(event) && !is_heading {
        return;
    }
    let exceptions = std::mem::take(&mut event.exceptions);
    let messages = exceptions.iter().rev().filter_map(|exception| exception.message.as_deref());
    let said = messages.flat_map(str::lines).map(str::trim).find(|line| is_signal(line));
    if event.reason.kind.as_deref() == Some(ERROR) {
        (event.reason.kind, event.reason.message) = (None, said.and_then(some));
    }
    if let Some(said) = said.filter(|_| event.reason.signal.is_none()) {
        super::tombstone::signal(&mut event.reason, said);
    }
    let Some(echo) = exceptions
        .into_iter()
        .rev()
        .find(|exception| !exception.frames.is_empty())
        .filter(|_| !is_told)
    else {
        return;
    };
    let crashed = event.threads.iter().position(|thread| thread.crashed);
    match crashed.and_then(|index| event.threads.get_mut(index)) {
        Some(thread) => thread.frames = echo.frames,
        None => {
            event.threads.push(Thread { crashed: true, frames: echo.frames, ..Thread::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_libraries() {
        for (text, function, address, library) in [
            ("libil2cpp.0x12348(Native Method)", None, Some(0x12348), "libil2cpp.so"),
            ("libunity.0053e554(Native Method)", None, Some(0x0053_e554), "libunity.so"),
            (
                "libmono.mono_runtime_invoke(mono_runtime_invoke:141)",
                Some("mono_runtime_invoke"),
                None,
                "libmono.so",
            ),
            (
                "libart.art::interpreter::Execute(art::Thread*, bool) (.llvm.17)(Execute:240)",
                Some("art::interpreter::Execute(art::Thread*, bool) (.llvm.17)"),
                None,
                "libart.so",
            ),
        ] {
            let line = frame(text).unwrap_or_else(|| panic!("{text}"));
            let found = line.frame;
            assert_eq!(
                (found.function.as_deref(), found.relative.map(|at| at.address)),
                (function, address),
                "{text}"
            );
            assert_eq!(line.image.unwrap().name.as_deref(), Some(library));
        }
        assert_eq!(frame("Unknown.000083d8(Unknown Source)").unwrap().frame.address, Some(0x83d8));
        for text in [
            "java.lang.Thread.run(Thread.java:833)",
            "lib.a.B.c(B.java:12)",
            "libx.y(Native Method)",
            "library.deadbeef(X.java:1)",
            "Unknown.x(Unknown Source)",
        ] {
            assert_eq!(frame(text), None, "{text}");
        }
    }
}
