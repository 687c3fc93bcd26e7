//! A frame in a crash dump of Android, as `ndk-stack.py` takes it out of a line by its regular
//! expressions.

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'l> {
    /// `#01`.
    pub number: &'l [u8],
    /// Hexadecimal, relative to the library.
    pub address: &'l [u8],
    /// What stands behind the address.
    pub tail: Vec<u8>,
    /// The file: a library, or an app.
    pub file: &'l [u8],
    /// The app that has the library, where that is written `APP!LIBRARY`.
    pub container: Option<&'l [u8]>,
    /// Where in the app the library was mapped.
    pub offset: Option<u64>,
    /// The library's build-id, in hexadecimal.
    pub build_id: Option<&'l [u8]>,
    /// Whether a sanitizer wrote it.
    pub is_sanitizer: bool,
}

impl<'l> Frame<'l> {
    /// The frame in `line`, if there is one: `… #NN pc ADDRESS FILE…`, or `… #NN 0x… (FILE+0xADDRESS)`.
    pub fn parse(line: &'l [u8]) -> Option<Self> {
        let marks =
            || memchr::memrchr_iter(b'#', line).filter(|at| *at > 0 && line[at - 1] == b' ');
        marks()
            .find_map(|at| Self::of_unwinder(&line[at..]))
            .or_else(|| marks().find_map(|at| Self::of_sanitizer(&line[at..])))
    }

    /// `(#[0-9]+) +pc (?:0x)?([0-9a-f]+) +(([^ ]+).*)`.
    fn of_unwinder(text: &'l [u8]) -> Option<Self> {
        let (number, rest) = number(text)?;
        let rest = blanks(rest)?.strip_prefix(b"pc ")?;
        let rest = rest.strip_prefix(b"0x").unwrap_or(rest);
        let (address, rest) = hexadecimal(rest)?;
        let tail = blanks(rest).filter(|tail| !tail.is_empty())?;
        let file = tail.split(|byte| *byte == b' ').next().unwrap_or_default();
        Some(Self::new(number, address, tail, file, false))
    }

    /// `(#[0-9]+) +0x[0-9a-f]* +\(([^ ]+)\+0x([0-9a-f]+)\)`.
    fn of_sanitizer(text: &'l [u8]) -> Option<Self> {
        let (number, rest) = number(text)?;
        let rest = blanks(rest)?.strip_prefix(b"0x")?;
        let digits = rest.iter().take_while(|byte| is_hexadecimal(**byte)).count();
        let rest = blanks(&rest[digits..])?.strip_prefix(b"(")?;
        let word = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
        let (file, address) = memchr::memmem::rfind_iter(word, b"+0x").find_map(|at| {
            let (address, behind) = hexadecimal(&word[at + 3..])?;
            (at > 0 && behind.starts_with(b")")).then_some((&word[..at], address))
        })?;
        Some(Self::new(number, address, file, file, true))
    }

    fn new(
        number: &'l [u8],
        address: &'l [u8],
        tail: &'l [u8],
        file: &'l [u8],
        is_sanitizer: bool,
    ) -> Self {
        let offset = bracketed(tail, b"(offset").and_then(|digits| {
            let (digits, behind) = hexadecimal(digits.strip_prefix(b"0x")?)?;
            let digits = std::str::from_utf8(digits).ok().filter(|_| behind.starts_with(b")"))?;
            Some(u64::from_str_radix(digits, 16).unwrap_or(u64::MAX))
        });
        let build_id = bracketed(tail, b"(BuildId:").and_then(|digits| {
            let (digits, behind) = hexadecimal(digits)?;
            behind.starts_with(b")").then_some(digits)
        });
        let (file, container) = parted(file);
        let tail = tail.to_vec();
        Self { number, address, tail, file, container, offset, build_id, is_sanitizer }
    }
}

/// `APP!LIBRARY` in its parts. Some systems write `libc.so!libc.so`, which is no app.
fn parted(file: &[u8]) -> (&[u8], Option<&[u8]>) {
    let parts = memchr::memchr(b'!', file).map(|at| (&file[..at], &file[at + 1..]));
    match parts.filter(|(app, library)| !app.is_empty() && !library.is_empty()) {
        Some((app, library)) if base_name(app) == base_name(library) => (app, None),
        Some((app, library)) => (library, Some(app)),
        None => (file, None),
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The last component of `path`, as Python's `PurePosixPath.name`.
pub fn name(path: &[u8]) -> &[u8] {
    let mut parts = path.split(|byte| *byte == b'/');
    parts.rfind(|part| !part.is_empty() && *part != b".").unwrap_or_default()
}

fn is_hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// `#` and digits, and what stands behind.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = text.get(1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| text.split_at(1 + digits))
}

/// Hexadecimal digits, and what stands behind.
fn hexadecimal(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = text.iter().take_while(|byte| is_hexadecimal(**byte)).count();
    (digits > 0).then(|| text.split_at(digits))
}

/// What stands behind blanks, of which there has to be one.
fn blanks(text: &[u8]) -> Option<&[u8]> {
    let count = text.iter().take_while(|byte| **byte == b' ').count();
    (count > 0).then(|| &text[count..])
}

/// What stands behind `open` and white space, wherever that is.
fn bracketed<'t>(text: &'t [u8], open: &[u8]) -> Option<&'t [u8]> {
    let rest = &text[memchr::memmem::find(text, open)? + open.len()..];
    let trimmed = rest.trim_ascii_start();
    (trimmed.len() < rest.len()).then_some(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_writer() {
        let line = b"  #01 pc 0000abcd  /data/app/x/base.apk!libx.so (offset 0x1000) (f+4) (BuildId: 12ab)";
        let frame = Frame::parse(line).unwrap();
        assert_eq!((frame.number, frame.address), (&b"#01"[..], &b"0000abcd"[..]));
        assert_eq!(frame.tail, line[19..]);
        assert_eq!(
            (frame.file, frame.container, frame.offset, frame.build_id),
            (&b"libx.so"[..], Some(&b"/data/app/x/base.apk"[..]), Some(0x1000), Some(&b"12ab"[..]))
        );
        let frame = Frame::parse(b"I DEBUG: #2 pc 0x1f /system/lib/libc.so!libc.so").unwrap();
        assert_eq!(
            (frame.address, frame.file, frame.container),
            (&b"1f"[..], &b"/system/lib/libc.so"[..], None)
        );
        let frame = Frame::parse(b"    #0 0x7f00aa (/data/l+0x1/libx.so+0x12ab)").unwrap();
        assert_eq!(
            (frame.address, frame.file, frame.is_sanitizer),
            (&b"12ab"[..], &b"/data/l+0x1/libx.so"[..], true)
        );
        for line in ["#00 pc 1 x", " #00 pc  x", " #00 pc 12AB", " # pc 1 x", " #1  0x1 (x)", ""] {
            assert_eq!(Frame::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn names_as_python_has_them() {
        for (path, want) in [("/a/b.so", "b.so"), ("a/", "a"), ("a/.", "a"), ("", ""), ("b", "b")] {
            assert_eq!(name(path.as_bytes()), want.as_bytes());
        }
    }
}
