//! Lines that are a frame of machine code: in, a line without prefix and indentation; out, the frame and the image that it names.
//!
//! ```text
//! Android     #01 pc 0000000000012eed  /system/lib64/libc.so (offset 0x1000) (abort+60) (BuildId: 1122…)
//! sanitizer   #1 0x55aa in parse(char*) /src/a.cc:12:3
//!             #1 0x55aa in parse(char*) (/lib/liba.so+0x31daf) (BuildId: 1122…)
//! plain       #01 libfoo.so+0x1234 (BuildId 1122…)            the number may be missing
//! glibc       ./a.out(parse+0x1c) [0x401136]                  backtrace_symbols(3)
//! ```

use super::android;
use crate::crash::frame::{At, Frame, Relative, Space};
use crate::crash::image::{Image, ImageKind, file_name, image_id};
use crate::crash::text::{hex, prefixed_hex, some, word};

/// A frame and what its line says besides.
#[derive(Debug, PartialEq, Eq)]
pub struct NativeLine {
    /// The frame, without place and image.
    pub frame: Frame,
    /// Its number, if it has one.
    pub number: Option<usize>,
    /// The image that it lies in, without an index.
    pub image: Option<Image>,
    /// Whether [`Frame::at`] is for the stack to say: the first frame is the instruction itself, others are return addresses.
    pub is_plain: bool,
}

/// Reads `line` if it is a frame.
pub fn frame(line: &str) -> Option<NativeLine> {
    let line = line.trim_end();
    let Some((number, rest)) = numbered(line) else { return unnumbered(line) };
    let parsed = android::frame(rest).or_else(|| sanitizer(rest)).or_else(|| plain(rest))?;
    Some(NativeLine { number: Some(number), ..parsed })
}

/// Whether `line` begins like a frame with a number, though it may be cut off.
pub fn begins_frame(line: &str) -> bool {
    numbered(line).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with("pc") || rest.starts_with("0x"))
}

/// `#01 rest`.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = word(line.strip_prefix('#')?)?;
    // `word` skips blanks, of which there are none between the sign and the number.
    let is_number = number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit()) && !line.starts_with("# ");
    is_number.then(|| Some((number.parse().ok()?, rest)))?
}

fn unnumbered(line: &str) -> Option<NativeLine> {
    let name = line.split_once("+0x")?.0;
    if line.ends_with(']') {
        return backtrace_symbols(line);
    }
    (!name.contains([' ', '\t', '('])).then(|| plain(line))?
}

/// `0xADDRESS [in FUNCTION] (FILE:LINE:COLUMN | (PATH+0xADDRESS))`. Sanitizers have moved addresses into their calls.
fn sanitizer(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest)?;
    let address = prefixed_hex(address)?;
    let (rest, build_id) = strip_build_id(rest);
    let (function, place) = match rest.strip_prefix("in ") {
        Some(rest) => function_and_place(rest),
        None => ("", rest),
    };
    let function = function_name(function);
    let in_image_at = place.strip_prefix('(').and_then(|place| place.strip_suffix(')')).and_then(|place| place.rsplit_once('+'));
    if let Some((path, offset)) = in_image_at {
        let found = Found {
            address: Some(address),
            address_in_file: prefixed_hex(offset)?,
            function,
            path,
            build_id,
            package_offset: None,
            at: At::Adjusted,
        };
        return Some(in_image(found));
    }
    let (file, line, column) = source(place);
    let frame = Frame { address: Some(address), function, at: At::Adjusted, file: some(file), line, column, ..Frame::default() };
    Some(NativeLine { frame, number: None, image: None, is_plain: false })
}

/// A function, which may have blanks, then a path or `(PATH+0xN)`, which seldom has.
fn function_and_place(text: &str) -> (&str, &str) {
    if text.ends_with(')')
        && text.contains("+0x")
        && let Some(at) = text.rfind(" (")
    {
        return (&text[..at], &text[at + 1..]);
    }
    // gdb: `main (argc=1) at a.c:12`.
    if let Some((function, place)) = text.rsplit_once(" at ") {
        return (function, place);
    }
    match text.find(" /").or_else(|| text.rfind(' ').filter(|at| text[*at..].contains(':'))) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

/// `FILE[:LINE[:COLUMN]]`.
fn source(text: &str) -> (&str, Option<u32>, Option<u32>) {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let last = text.rsplit_once(':').and_then(|(rest, last)| Some((rest, number(last)?)));
    let Some((rest, last)) = last else { return (text, None, None) };
    match rest.rsplit_once(':').and_then(|(file, line)| Some((file, number(line)?))) {
        Some((file, line)) => (file, Some(line), Some(last)),
        None => (rest, Some(last), None),
    }
}

/// `NAME+0xADDRESS [(BuildId ID)]`.
fn plain(rest: &str) -> Option<NativeLine> {
    let (rest, build_id) = strip_build_id(rest);
    let (path, offset) = rest.rsplit_once('+')?;
    let address_in_file = prefixed_hex(offset)?;
    if path.is_empty() {
        return None;
    }
    let found = Found { address: None, address_in_file, function: None, path, build_id, package_offset: None, at: At::Instruction };
    Some(NativeLine { is_plain: true, ..in_image(found) })
}

/// `PATH(FUNCTION+0xN) [0xADDRESS]`. Without a function, `0xN` is the file's own address; with one, it counts from the function.
fn backtrace_symbols(line: &str) -> Option<NativeLine> {
    let (front, address) = line.strip_suffix(']')?.rsplit_once(" [")?;
    let address = prefixed_hex(address)?;
    let (path, symbol) = front.strip_suffix(')')?.rsplit_once('(')?;
    let (function, offset) = symbol.rsplit_once('+')?;
    let offset = prefixed_hex(offset)?;
    let found = Found {
        address: Some(address),
        address_in_file: offset,
        function: some(function),
        path,
        build_id: None,
        package_offset: None,
        at: At::Return,
    };
    let mut parsed = in_image(found);
    if parsed.frame.function.is_some() {
        parsed.frame.relative = None;
    }
    Some(parsed)
}

/// What a line says of a frame in an image.
pub struct Found<'a> {
    pub address: Option<u64>,
    pub address_in_file: u64,
    pub function: Option<String>,
    pub path: &'a str,
    pub build_id: Option<&'a str>,
    pub package_offset: Option<u64>,
    pub at: At,
}

/// The frame that `found` is.
pub fn in_image(found: Found<'_>) -> NativeLine {
    let Found { address, address_in_file, function, path, build_id, package_offset, at } = found;
    let frame = Frame {
        address,
        relative: Some(Relative { address: address_in_file, space: Space::File }),
        function,
        package: some(path),
        at,
        ..Frame::default()
    };
    // `<unknown>`, `<anonymous:7f…>` and `[anon:…]` are memory that no file is in.
    let image = (!path.is_empty() && !path.starts_with(['<', '['])).then(|| Image {
        kind: ImageKind::Elf,
        id: image_id(ImageKind::Elf, None, build_id),
        code_id: build_id.and_then(some),
        name: some(file_name(path)),
        path: some(path),
        package_offset,
        ..Image::default()
    });
    NativeLine { frame, number: None, image, is_plain: false }
}

/// Takes `(BuildId: ID)` off the end.
pub fn strip_build_id(rest: &str) -> (&str, Option<&str>) {
    let rest = rest.trim_end();
    let Some((front, id)) = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once("(BuildId")) else { return (rest, None) };
    (front.trim_end(), Some(id.trim_start_matches([':', ' ']).trim()))
}

/// `FUNCTION+N`, `FUNCTION + N` or `FUNCTION+0xN`: the function.
pub fn function_name(text: &str) -> Option<String> {
    let name = match text.rsplit_once('+') {
        Some((name, offset)) if hex(offset.trim_start()).is_some() => name,
        _ => text,
    };
    some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::image::ImageId;

    /// Number, address, address in the file, function, path.
    type Parts = (Option<usize>, Option<u64>, Option<u64>, Option<String>, Option<String>);

    fn parts(line: &str) -> Parts {
        let NativeLine { frame, number, image, .. } = frame(line).unwrap_or_else(|| panic!("{line}"));
        let relative = frame.relative.map(|relative| relative.address);
        (number, frame.address, relative, frame.function, image.and_then(|image| image.path))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what lines have")]
    fn owned(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn lines_of_android() {
        let line = "#06 pc 0000000000018958  /data/app/x/base.apk!libfoo.so (offset 0x1000) (start(void*)+52) (BuildId: 00112233)";
        assert_eq!(parts(line), (Some(6), None, Some(0x18958), owned("start(void*)"), owned("/data/app/x/base.apk!libfoo.so")));
        let image = frame(line).unwrap().image.unwrap();
        assert_eq!((image.package_offset, image.name), (Some(0x1000), owned("libfoo.so")));
        assert_eq!(image.id, Some(ImageId::Whole(vec![0, 0x11, 0x22, 0x33])));
        assert_eq!(parts("#05 pc 00000c6f  /system/xbin/my crasher"), (Some(5), None, Some(0xc6f), None, owned("/system/xbin/my crasher")));
        assert_eq!(parts("#00  pc 12  <anonymous:7f00>"), (Some(0), None, Some(0x12), None, None));
        assert_eq!(parts("#00 pc 12  /a.so (deleted) (f+1)"), (Some(0), None, Some(0x12), owned("f"), owned("/a.so")));
        assert_eq!(parts("#00 pc 12"), (Some(0), None, Some(0x12), None, None));
    }

    #[test]
    fn lines_of_sanitizers() {
        let want = (Some(1), Some(0x72), Some(0x31daf), None, owned("/lib/liba.so"));
        assert_eq!(parts("#1 0x72  (/lib/liba.so+0x31daf)"), want);
        let want = (Some(1), Some(0x72), Some(0x31daf), owned("parse(char const*, int)"), owned("/lib/liba.so"));
        assert_eq!(parts("#1 0x72 in parse(char const*, int) (/lib/liba.so+0x31daf) (BuildId: aabb)"), want);
        let resolved = frame("#10 0x72 in parse(char const*, int) /src/a b.cc:12:3").unwrap().frame;
        assert_eq!((resolved.file.as_deref(), resolved.line, resolved.column), (Some("/src/a b.cc"), Some(12), Some(3)));
        let gdb = frame("#2  0x0000555 in main (argc=1) at a.c:12").unwrap().frame;
        assert_eq!((gdb.function.as_deref(), gdb.file.as_deref(), gdb.line), (Some("main (argc=1)"), Some("a.c"), Some(12)));
    }

    #[test]
    fn plain_lines() {
        let line = frame("#00 libfoo.so+0x1234 (BuildId aabb)").unwrap();
        assert!(line.is_plain);
        assert_eq!(line.image.unwrap().id, Some(ImageId::Whole(vec![0xaa, 0xbb])));
        assert_eq!(parts("libfoo.so+0x1234"), (None, None, Some(0x1234), None, owned("libfoo.so")));
        assert_eq!(parts("./a.out(+0x1139) [0x401139]"), (None, Some(0x0040_1139), Some(0x1139), None, owned("./a.out")));
        assert_eq!(parts("./a.out(main+0x9) [0x401139]"), (None, Some(0x0040_1139), None, owned("main"), owned("./a.out")));
    }

    #[test]
    fn other_lines() {
        for line in [
            "",
            "#",
            "# 0 pc 0",
            "#00",
            "#00 pc",
            "#00 pc xyz /a",
            "#00  0000007ff8f33b80  0000000000000000",
            "a sentence with libfoo.so+0x12",
            "x+0x",
            "+0x12",
            "#99999999999999999999 pc 0 /a",
        ] {
            assert_eq!(frame(line), None, "{line}");
        }
    }
}
