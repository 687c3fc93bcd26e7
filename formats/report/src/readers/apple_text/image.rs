//! Parses a line of `Binary Images:`.
//!
//! ```text
//!  0x10211c000 -  0x1024b3fff My App arm64  <debeff4e…> /private/…/My App                           iOS
//!  0x10864e000 -  0x10ee0ffff +Mac x86_64 (400.9.4 - 1.0.0) <2d903291…> /Users/…                    PLCrashReporter
//!  0x1017ff000 -  0x101885fff +com.example.app (1.2 - 34) <7B639009-221F-…> /Users/…                macOS
//! ```
//! A `+` marks what is not the system's.

use crate::event::image::{Image, ImageKind, file_name};
use crate::scan::text::{prefixed_hex, some};
use symtool_module::Arch;

/// Reads `line`.
pub fn image(line: &str) -> Option<Image> {
    let (start, rest) = line.split_once('-')?;
    let start = prefixed_hex(start.trim())?;
    let (last, rest) = rest.trim_start().split_once([' ', '\t'])?;
    let last = prefixed_hex(last)?;
    let (name, rest) = rest.split_once('<')?;
    let (uuid, path) = rest.split_once('>')?;
    let (name, arch, version) = parts(name.trim().trim_start_matches('+'));
    let path: Option<String> = some(path);
    Some(
        Image {
            kind: ImageKind::MachO,
            debug_id: some(uuid),
            // macOS lists the bundle's id, where iOS, frames and `.ips` reports have the file's name.
            name: path
                .as_deref()
                .filter(|path| *path != "???")
                .and_then(|path| some(file_name(path)))
                .or_else(|| some(name)),
            path,
            arch,
            version,
            load_address: Some(start),
            size: last.checked_sub(start).map(|size| size.saturating_add(1)),
            ..Image::default()
        }
        .identified(),
    )
}

/// `NAME [ARCH] [(ARCH|VERSION)]`.
fn parts(text: &str) -> (&str, Option<Arch>, Option<String>) {
    let (front, note) = match text.strip_suffix(')').and_then(|front| front.rsplit_once('(')) {
        Some((front, note)) => (front.trim_end(), Some(note)),
        None => (text, None),
    };
    let version = note.filter(|note| !is_arch(note)).and_then(some);
    if let Some(arch) = note.filter(|note| is_arch(note)) {
        return (front, some(arch), None);
    }
    match front.rsplit_once(' ').filter(|(_, arch)| is_arch(arch)) {
        Some((name, arch)) => (name, some(arch), version),
        None => (front, None, version),
    }
}

fn is_arch(word: &str) -> bool {
    ["arm", "x86", "i386", "ppc"].iter().any(|family| word.starts_with(family))
        && word.len() <= "arm64_32".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, name, arch, version) in [
            (
                "0x1000 - 0x1fff My App arm64  <00112233445566778899aabbccddeeff> /a/My App",
                "My App",
                Some("arm64"),
                None,
            ),
            (
                "0x1000 -        0x1fff +Mac x86_64 (4 - 1.0.0) <00112233445566778899aabbccddeeff> /a b/Mac",
                "Mac",
                Some("x86_64"),
                Some("4 - 1.0.0"),
            ),
            (
                "0x1000 - 0x1fff  com.x (x86_64)  <00112233-4455-6677-8899-AABBCCDDEEFF> /a/b c",
                "b c",
                Some("x86_64"),
                None,
            ),
            (
                "0x1000 - 0x1fff  com.x (x86_64)  <00112233-4455-6677-8899-AABBCCDDEEFF>",
                "com.x",
                Some("x86_64"),
                None,
            ),
            (
                "0x1000 - 0x1fff +com.example.app (1.2 - 34) <00112233-4455-6677-8899-AABBCCDDEEFF> /a/App",
                "App",
                None,
                Some("1.2 - 34"),
            ),
            (
                "0x1000 - 0x1fff ??? (*) <00112233-4455-6677-8899-AABBCCDDEEFF> ???",
                "???",
                None,
                Some("*"),
            ),
        ] {
            let image = image(line).unwrap_or_else(|| panic!("{line}"));
            let got = (
                image.name.as_deref(),
                image.arch.as_ref().map(Arch::as_str),
                image.version.as_deref(),
            );
            assert_eq!(got, (Some(name), arch, version), "{line}");
            assert_eq!((image.load_address, image.size), (Some(0x1000), Some(0x1000)));
            assert!(image.id.is_some());
        }
    }

    #[test]
    fn other_lines() {
        for line in [
            "",
            "0x1000",
            "0x1000 - 0x1fff",
            "0x1000 - 0x1fff name",
            "0x1000 - 0x1fff name <00",
            "x - y z <> a",
        ] {
            assert_eq!(image(line), None, "{line}");
        }
        let all = image("0x0 - 0xffffffffffffffff a <> b").unwrap();
        assert_eq!((all.size, all.id), (Some(u64::MAX), None));
    }
}
