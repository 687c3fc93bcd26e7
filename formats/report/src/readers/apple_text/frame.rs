//! Parses a frame of Apple's texts.
//!
//! ```text
//! 12  My App             0x000000010226860c 0x10211c000 + 1361420                       not symbolicated
//! 5   Crash-Tester       0x0000f6d9 0x8000 + 30425 (-[Crasher throwException] + 101)    with a name besides
//! 9   com.apple.AppKit   0x00007fff910de1a3 -[NSApplication run] + 517                  symbolicated on the device
//! 13  My App             0x00000000000ea004 main (in My App) (main.m:16)                symbolicated by atos
//! ```

use crate::event::frame::Frame;
use crate::scan::text::{hex, prefixed_hex, some, word};

/// Reads `line`.
pub fn frame(line: &str) -> Option<Frame> {
    let (number, rest) = word(line)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (package, address, symbol) = rest.match_indices("0x").find_map(|(at, _)| {
        let (address, symbol) = word(&rest[at..])?;
        let is_word = rest[..at].ends_with([' ', '\t']);
        Some((&rest[..at], prefixed_hex(address).filter(|_| is_word)?, symbol))
    })?;
    let mut frame = Frame { address: Some(address), package: some(package), ..Frame::default() };
    symbolicated(&mut frame, symbol);
    // What is counted from the image's start has no name: `Lantern + 4660`.
    if frame.function.is_some() && frame.function == frame.package {
        frame.function = None;
    }
    Some(frame)
}

/// Where the image of the frame in `line` was loaded, if it is counted from there: `0x10211c000 +
/// 1361420` or `My App + 1361420`.
pub fn load_address(line: &str, frame: &Frame) -> Option<u64> {
    let (front, rest) = line.rsplit_once(" + ")?;
    let offset = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()?;
    let base = word(front.rsplit([' ', '\t']).next()?).and_then(|(word, _)| prefixed_hex(word));
    let address = frame.address?;
    let package = frame.package.as_deref()?;
    match base {
        Some(base) => (base.checked_add(offset) == Some(address) && base > 0).then_some(base),
        None => front
            .ends_with(package)
            .then(|| address.checked_sub(offset))?
            .filter(|_| frame.function.is_none()),
    }
}

fn symbolicated(frame: &mut Frame, symbol: &str) {
    let (symbol, inlined) = symbol
        .strip_suffix("[inlined]")
        .map_or((symbol, false), |symbol| (symbol.trim_end(), true));
    frame.inlined = inlined;
    // Load address and offset: the images say the same.
    let symbol = match symbol.split_once(" + ") {
        Some((base, rest)) if prefixed_hex(base).is_some() => {
            let behind = rest.find(' ').map_or("", |at| rest[at..].trim_start());
            behind.strip_prefix('(').and_then(|symbol| symbol.strip_suffix(')')).unwrap_or(behind)
        }
        _ => symbol,
    };
    let symbol = source(frame, symbol);
    let symbol = symbol
        .strip_suffix(')')
        .and_then(|front| front.rsplit_once(" (in "))
        .map_or(symbol, |(symbol, _)| symbol);
    let symbol = match symbol.rsplit_once(" + ") {
        Some((symbol, offset))
            if offset.bytes().all(|byte| byte.is_ascii_digit()) || hex(offset).is_some() =>
        {
            symbol
        }
        _ => symbol,
    };
    frame.function = some(symbol);
}

/// Takes `(main.m:16)` off the end.
fn source<'a>(frame: &mut Frame, symbol: &'a str) -> &'a str {
    let place = symbol.strip_suffix(')').and_then(|front| front.rsplit_once(" ("));
    let Some((front, (file, line))) =
        place.and_then(|(front, place)| Some((front, place.rsplit_once(':')?)))
    else {
        return symbol;
    };
    let Ok(line) = line.parse() else { return symbol };
    frame.file = some(file);
    frame.line = Some(line);
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, package, address, function, file) in [
            (
                "12  My App   0x000000010226860c 0x10211c000 + 1361420",
                "My App",
                0x1_0226_860c,
                None,
                None,
            ),
            (
                "5   Crash-Tester       0x0000f6d9 0x8000 + 30425 (-[Crasher throwException] + 101)",
                "Crash-Tester",
                0xf6d9,
                Some("-[Crasher throwException]"),
                None,
            ),
            (
                "0\tcom.apple.AppKit\t0x00007fff910de1a3 operator+ (a b) + 517",
                "com.apple.AppKit",
                0x7fff_910d_e1a3,
                Some("operator+ (a b)"),
                None,
            ),
            (
                "13  My App  0x00000000000ea004 main (in My App) (main.m:16)",
                "My App",
                0xea004,
                Some("main"),
                Some(("main.m", 16)),
            ),
            (
                "1   A  0x1 closure #1 in f(x:) + 12 (a b.swift:7)",
                "A",
                1,
                Some("closure #1 in f(x:)"),
                Some(("a b.swift", 7)),
            ),
            (
                "2   ???                                 0x0000000054485244 0x0 + 0",
                "???",
                0x5448_5244,
                None,
                None,
            ),
            ("3   0xdeadbeefx   0x10 f", "0xdeadbeefx", 0x10, Some("f"), None),
        ] {
            let frame = frame(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (frame.package.as_deref(), frame.address, frame.function.as_deref()),
                (Some(package), Some(address), function),
                "{line}"
            );
            assert_eq!(frame.file.as_deref().zip(frame.line), file, "{line}");
        }
    }

    #[test]
    fn load_addresses() {
        for (line, function, base) in [
            ("12  My App   0x000000010226860c 0x10211c000 + 1361420", None, Some(0x1_0211_c000)),
            ("3   My App   0x0000000100ec5234 My App + 4660", None, Some(0x1_00ec_4000)),
            ("3   main     0x0000000100ec5234 start + 4660", Some("start"), None),
            ("2   ???      0x0000000054485244 0x0 + 1414025796", None, None),
            ("2   A        0x10 0x8 + 4", None, None),
        ] {
            let frame = frame(line).unwrap();
            assert_eq!(frame.function.as_deref(), function, "{line}");
            assert_eq!(load_address(line, &frame), base, "{line}");
        }
    }

    #[test]
    fn inlined_functions() {
        let frame = frame("0   A  0x1 f (in A) (a.swift:7) [inlined]").unwrap();
        assert!(frame.inlined && frame.function.as_deref() == Some("f"));
    }

    #[test]
    fn other_lines() {
        for line in ["", "0", "0   A", "0   A   0xyz", "x   A  0x1", "0   A0x1"] {
            assert_eq!(frame(line), None, "{line}");
        }
    }
}
