//! Reads frames as Android's unwinder prints them: machine code of libraries, and Java methods that
//! the runtime has compiled or interprets.
//!
//! ```text
//! #01 pc 0000000000012eed  /system/lib64/libc.so (offset 0x1000) (abort+60) (BuildId: 1122…)
//! #02 pc 0x444 liblamp.so (Wick::light() + 20) (wick.cpp:12) (BuildId: 1122…)                Crashlytics
//! #03 pc 00000000000a1234  /data/app/x/oat/arm64/base.odex (a.b.Lamp.refill+112)             compiled ahead
//! #03 pc 0000000002004a10  /memfd:jit-cache (deleted) (offset 0x2000000) (a.b.Lamp.refill+112)   compiled while running
//! #03 pc 00000000003a1234  /data/app/x/base.apk (a.b.Lamp.refill+0)                          interpreted
//! ```
//! Where the runtime keeps a method says nothing of the bug, and differs between runs: such a frame
//! is a Java frame, in no image.

use crate::event::frame::{At, Frame, FrameKind};
use crate::readers::lines::java::is_class;
use crate::scan::text::{hex, kept, some, word};

use super::cxx::{source, strip_brackets};
use super::found::{FoundFrame, function_name, in_file, strip_build_id};
use crate::readers::lines::line::NativeLine;

/// `pc ADDRESS  PATH [(offset 0xN)] [(FUNCTION+N)] [(BuildId: ID)]`. The address is the file's own
/// and has been moved into the call.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest.strip_prefix("pc ")?)?;
    let address = hex(address)?;
    let (rest, build_id) = strip_build_id(rest);
    let (path, mut notes) =
        rest.find(" (").map_or((rest, ""), |at| (&rest[..at], rest[at..].trim()));
    let mut package_offset = None;
    loop {
        if let Some((offset, behind)) =
            notes.strip_prefix("(offset ").and_then(|notes| notes.split_once(')'))
        {
            package_offset = hex(offset);
            notes = behind.trim_start();
        } else if let Some(behind) = notes.strip_prefix("(deleted)") {
            notes = behind.trim_start();
        } else {
            break;
        }
    }
    let path = path.trim();
    let (notes, file, row) = strip_place(notes);
    let function =
        notes.strip_prefix('(').and_then(|notes| notes.strip_suffix(')')).and_then(function_name);
    if let Some((class, method)) = function.as_deref().and_then(|function| method(function, path)) {
        return Some(java(class, method));
    }
    let relative = Some(in_file(address));
    let found = FoundFrame {
        relative,
        function,
        path,
        build_id,
        package_offset,
        at: At::Adjusted,
        ..FoundFrame::default()
    };
    let mut line = found.line();
    (line.frame.file, line.frame.line) = (some(file), row);
    Some(line)
}

/// Takes `(FILE:LINE[:COLUMN])` off the end, if a function stands before it.
fn strip_place(notes: &str) -> (&str, &str, Option<u32>) {
    let parted = strip_brackets(notes).filter(|(front, _)| front.trim_end().ends_with(')'));
    match parted.map(|(front, place)| (front.trim_end(), source(place))) {
        Some((front, (file, Some(row), _))) => (front, file, Some(row)),
        _ => (notes, "", None),
    }
}

/// A frame of the Java method `method` of `class`.
pub fn java(class: &str, method: &str) -> NativeLine {
    let frame = Frame {
        kind: FrameKind::Java,
        module: Some(kept(class)),
        function: Some(kept(method)),
        ..Frame::default()
    };
    NativeLine { frame, ..NativeLine::default() }
}

/// Class and method, if `function` is a Java method that stands in a file or memory of the
/// runtime's.
///
/// Older releases print a method with what it takes and gives: `void a.b.Lamp.refill(int)`.
pub fn method<'f>(function: &'f str, path: &str) -> Option<(&'f str, &'f str)> {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_own = ["odex", "vdex", "oat", "dex", "art"].contains(&ending)
        || [
            "jit-cache",
            "jit-zygote-cache",
            "jit-code-cache",
            "[anon:dalvik-",
            "anon_inode:dalvik",
        ]
        .iter()
        .any(|name| path.contains(name));
    // Libraries stand in packages too, and their functions may be called `parse.part.0`.
    let is_package = matches!(ending, "apk" | "jar");
    if !is_own && !is_package || function.contains("::") {
        return None;
    }
    let name = function.split('(').next().unwrap_or(function);
    let name = name.rsplit(' ').next().unwrap_or(name);
    let (class, method) = name.rsplit_once('.')?;
    let is_method = matches!(method, "<init>" | "<clinit>")
        || method.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'))
            && method.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'));
    (is_method && is_class(class) && (is_own || class.contains('.'))).then_some((class, method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_wherever_they_are_kept() {
        for path in [
            "/data/app/~~a==/one/oat/arm64/base.odex",
            "/data/app/~~a==/one/oat/arm64/base.vdex",
            "/data/app/~~a==/one/base.apk",
            "/system/framework/framework.jar",
            "/memfd:jit-cache",
            "/dev/ashmem/dalvik-jit-code-cache",
            "[anon:dalvik-jit-code-cache]",
            "[anon:dalvik-classes.dex extracted in memory from /data/app/~~a==/one/base.apk]",
            "/system/framework/arm64/boot-framework.oat",
        ] {
            for function in ["a.b.Lamp.refill", "void a.b.Lamp.refill(int, java.lang.String)"] {
                assert_eq!(method(function, path), Some(("a.b.Lamp", "refill")), "{path}");
            }
            let line = frame(&format!(
                "pc 0000000002004a10  {path} (deleted) (offset 0x2000000) (a.b.Lamp.refill+112)"
            ))
            .unwrap();
            let frame = line.frame;
            assert_eq!(
                (frame.kind, frame.module.as_deref(), frame.function.as_deref()),
                (FrameKind::Java, Some("a.b.Lamp"), Some("refill"))
            );
            assert_eq!((frame.relative, line.image), (None, None));
        }
    }

    #[test]
    fn functions_that_are_no_methods() {
        for (function, path) in [
            ("Lamp::refill()", "/data/app/split_config.arm64_v8a.apk"),
            ("parse.part.0", "/data/app/base.apk"),
            ("parse.cold", "/data/app/base.apk"),
            ("a.b.Lamp.refill", "/data/app/lib/arm64/libx.so"),
            ("a.b.Lamp.refill", "/data/app/base.apk!libx.so"),
            ("art_jni_trampoline", "/system/framework/arm64/boot.oat"),
            ("[DEDUPED]", "/data/app/oat/arm64/base.odex"),
        ] {
            assert_eq!(method(function, path), None, "{function} in {path}");
        }
        let lone = method("a.b", "/data/app/oat/arm64/base.odex");
        assert_eq!(lone, Some(("a", "b")));
    }
}
