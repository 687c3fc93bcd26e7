//! Crashlytics' texts: headings of threads, and the frames of Apple's platforms. Android's frames
//! and Java traces are read as everywhere.
//!
//! ```text
//! # Platform: apple
//!
//!           Crashed: com.apple.main-thread
//! EXC_BAD_ACCESS KERN_INVALID_ADDRESS 0x0000000000000018
//! 0  Lantern                        0x1234 Wick.light() + 12 (Wick.swift:12)      an address within the image
//! 1  Lantern                        0x9999 (Missing UUID 00112233445566778899aabbccddeeff)
//!
//! com.apple.uikit.eventfetch-thread
//! 0  libsystem_kernel.dylib         0x2d4f8 mach_msg_trap + 8
//!
//!           Crashed: Thread 1: SIGSEGV  0x0000000000000000                        Android
//! #00 pc 0x444 liblamp.so (BuildId: 0011…)
//! ```

use crate::event::frame::{At, Frame, Relative, Space};
use crate::event::image::{Image, ImageKind};
use crate::readers::apple_text;
use crate::scan::text::{between, is_number, prefixed_hex, some, word};

use super::line::NativeLine;
use super::state::{CrashHead, TextReader};
use symtool_module::{CodeId, DebugId};

/// Where addresses of processes begin on Apple's platforms of 64 bits: what is below is one within
/// an image. Older versions printed those.
const FIRST_ADDRESS: u64 = 1 << 32;

/// Reads `line` if it is one of its own.
pub fn field(reader: &mut TextReader, line: &str) -> bool {
    if let Some(crashed) = crashed(line) {
        reader.head.get_or_insert(CrashHead::Crashlytics);
        // `Thread 1: SIGSEGV  0x0`, and `: SIGSEGV` if the thread has no name.
        let (name, what) = match crashed.rsplit_once(": ").filter(|(_, what)| is_signal(what)) {
            Some((name, what)) => (name.trim_end_matches([' ', ':']), Some(what)),
            None => (crashed, None),
        };
        if let Some(what) = what {
            signal(reader, what);
        }
        reader.stacks.begin_thread(None, some(name), true);
        return true;
    }
    if let Some(rest) = line.strip_prefix("# ") {
        return about(reader, rest);
    }
    let is_behind_head = reader.head == Some(CrashHead::Crashlytics) && reader.frames == 0;
    if is_behind_head && is_signal(line) {
        signal(reader, line);
        return true;
    }
    false
}

/// `Application: org.example.lantern` or `Version: 2.1 (210)` of the lines that a download begins
/// with.
fn about(reader: &mut TextReader, line: &str) -> bool {
    let app = &mut reader.stacks.event.app;
    if let Some(id) = line.strip_prefix("Application: ") {
        app.id = some(id);
    } else if let Some(version) = line.strip_prefix("Version: ") {
        let parted =
            version.trim_end().strip_suffix(')').and_then(|version| version.rsplit_once(" ("));
        (app.release, app.build) =
            parted.map_or((some(version), None), |(version, build)| (some(version), some(build)));
    } else {
        return false;
    }
    true
}

/// The thread in `[3. ]Crashed: THREAD`.
fn crashed(line: &str) -> Option<&str> {
    let line = line.strip_prefix('#').unwrap_or(line);
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let line = if rest.len() < line.len() { rest.strip_prefix(". ")? } else { line };
    let thread = line.strip_prefix("Crashed: ")?.trim();
    (!thread.is_empty() && !thread.ends_with('.')).then_some(thread)
}

/// `SIGSEGV [SEGV_MAPERR] 0x18` or `EXC_BAD_ACCESS KERN_INVALID_ADDRESS 0x18`.
fn is_signal(text: &str) -> bool {
    const SIGNALS: [&str; 12] = [
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGILL",
        "SIGKILL",
        "SIGPIPE",
        "SIGQUIT",
        "SIGSEGV",
        "SIGSTKFLT",
        "SIGSYS",
        "SIGTERM",
        "SIGTRAP",
    ];
    let first = word(text).map_or("", |(word, _)| word);
    let is_exception = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    SIGNALS.contains(&first) || first.strip_prefix("EXC_").is_some_and(is_exception)
}

fn signal(reader: &mut TextReader, text: &str) {
    let reason = &mut reader.stacks.event.reason;
    let Some((name, rest)) = word(text) else { return };
    if name.starts_with("EXC_") {
        reason.kind = some(name);
    } else {
        reason.signal = some(name);
    }
    for part in rest.split_ascii_whitespace() {
        match prefixed_hex(part) {
            Some(address) => reason.fault_address = Some(address),
            None if reason.code.is_none() => reason.code = some(part),
            None => {}
        }
    }
}

/// `0  IMAGE   0xADDRESS [FUNCTION]`: a frame of Apple's platforms.
pub fn apple_frame(line: &str) -> Option<NativeLine> {
    let (number, _) = word(line)?;
    let number: usize = number.parse().ok()?;
    let mut frame = apple_text::frame(line)?;
    let name = frame.package.clone()?;
    let address = frame.address?;
    let uuid: Option<String> = frame
        .function
        .as_deref()
        .and_then(|function| between(function, "(Missing UUID ", ")"))
        .and_then(some);
    if frame.function.as_deref().is_some_and(|function| function.starts_with("(Missing")) {
        frame.function = None;
    }
    if let Some(function) = frame.function.take() {
        let function = function.strip_suffix("(<compiler-generated>)").unwrap_or(&function);
        let function = function.trim_end();
        frame.function = some(
            function
                .rsplit_once(" + ")
                .filter(|(_, offset)| is_number(offset))
                .map_or(function, |(name, _)| name),
        );
    }
    let mut image = None;
    if address < FIRST_ADDRESS && name != "???" && name != "(null)" {
        frame.address = None;
        frame.relative = Some(Relative { address, space: Space::Image });
        image = Some(
            Image {
                kind: ImageKind::MachO,
                name: Some(name.clone()),
                path: Some(name),
                // What tells it from others of its name.
                code_id: uuid.as_deref().map(CodeId::from),
                debug_id: uuid.map(DebugId::from),
                ..Image::default()
            }
            .identified(),
        );
    }
    let frame = Frame { at: At::Instruction, ..frame };
    Some(NativeLine { frame, number: Some(number), image, is_plain: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashed_threads() {
        for (line, thread) in [
            ("Crashed: com.apple.main-thread", Some("com.apple.main-thread")),
            ("#2. Crashed: com.apple.main-thread", Some("com.apple.main-thread")),
            (
                "19. Crashed: com.twitter.crashlytics.ios.exception",
                Some("com.twitter.crashlytics.ios.exception"),
            ),
            (
                "Crashed: Thread 1: SIGSEGV  0x0000000000000000",
                Some("Thread 1: SIGSEGV  0x0000000000000000"),
            ),
            ("Crashed: it did.", None),
            ("Crashed:", None),
            ("1 Crashed: x", None),
        ] {
            assert_eq!(crashed(line), thread, "{line}");
        }
        assert!(is_signal("EXC_BAD_ACCESS KERN_INVALID_ADDRESS 0x18") && is_signal("SIGSEGV 0x18"));
        assert!(!is_signal("SIGNALS are") && !is_signal("SIgsegv") && !is_signal(""));
    }

    #[test]
    fn frames_of_apple() {
        for (line, function, address, file, uuid) in [
            (
                "0  Lantern    0x1234 Wick.light() + 12 (Wick.swift:12)",
                Some("Wick.light()"),
                0x1234,
                Some("Wick.swift"),
                None,
            ),
            ("1  My App     0x1400 -[Lamp refill]", Some("-[Lamp refill]"), 0x1400, None, None),
            (
                "2  Lantern    0x9999 (Missing UUID 00112233445566778899aabbccddeeff)",
                None,
                0x9999,
                None,
                Some("00112233445566778899aabbccddeeff"),
            ),
            ("3  Lantern    0x9999 (Missing)", None, 0x9999, None, None),
            (
                "4  Lantern    0x8f10 thunk for @callee () -> () + 20 (<compiler-generated>)",
                Some("thunk for @callee () -> ()"),
                0x8f10,
                None,
                None,
            ),
        ] {
            let NativeLine { frame, image, .. } =
                apple_frame(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(frame.relative, Some(Relative { address, space: Space::Image }), "{line}");
            assert_eq!(
                (frame.function.as_deref(), frame.file.as_deref()),
                (function, file),
                "{line}"
            );
            assert_eq!(image.unwrap().debug_id, uuid.map(DebugId::from), "{line}");
        }
        let absolute =
            apple_frame("0  libobjc.A.dylib   0x187b917f4 objc_object::release() + 8").unwrap();
        assert_eq!((absolute.frame.address, absolute.image), (Some(0x1_87b9_17f4), None));
        assert!(apple_frame("main").is_none() && apple_frame("0 x").is_none());
    }
}
