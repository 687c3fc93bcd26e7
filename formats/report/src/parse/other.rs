//! Recognises files that belong to crashes but are not crash reports, by their first bytes.

/// What a file that begins with `bytes` is, if it is one of those that people take for a report.
pub fn named(bytes: &[u8]) -> Option<&'static str> {
    /// Where an ELF file has its type, and the byte order of it.
    const ELF_TYPE: usize = 16;
    const ELF_ORDER: usize = 5;
    const ELF_CORE: [u8; 2] = [4, 0];
    /// Where a Mach-O file has its type.
    const MACH_O_TYPE: usize = 12;
    let is = |magic: &[u8]| bytes.starts_with(magic);
    let at = |offset: usize, value: &[u8]| bytes.get(offset..offset + value.len()) == Some(value);
    Some(match () {
        () if is(b"MDMP") => {
            "a minidump; pass what `symtool symbolicate --style json` prints of it"
        }
        () if is(b"MODULE ")
            && bytes[..bytes.len().min(256)].split(|byte| *byte == b' ').count() > 4 =>
        {
            "a Breakpad symbol file"
        }
        () if is(b"\x7fELF")
            && (at(ELF_TYPE, &ELF_CORE) && at(ELF_ORDER, &[1])
                || at(ELF_TYPE, &[0, 4]) && at(ELF_ORDER, &[2])) =>
        {
            "a core file; open it in gdb, and pass what `thread apply all bt` prints"
        }
        () if is(b"\x7fELF") => "an ELF file; import takes it, if it has symbols",
        () if is(b"\xcf\xfa\xed\xfe") && at(MACH_O_TYPE, &[4]) => {
            "a core file; open it in lldb, and pass what `bt all` prints"
        }
        () if is(b"\xcf\xfa\xed\xfe") || is(b"\xce\xfa\xed\xfe") || is(b"\xca\xfe\xba\xbe") => {
            "a Mach-O file; import takes it"
        }
        () if is(b"MZ") && at(2, &[0x90, 0]) => "a Windows program",
        () if is(b"Microsoft C/C++ MSF 7.00") => "a PDB file",
        () if is(b"PAGEDU64") || is(b"PAGEDUMP") => "a dump of the Windows kernel",
        () if is(b"JAVA PROFILE 1.0") => "a heap dump of a Java VM",
        () if is(b"SQLite format 3\0") => "a database of SQLite",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let elf =
            |order: u8, kind: [u8; 2]| [&b"\x7fELF\x02"[..], &[order], &[1; 10], &kind].concat();
        for (bytes, word) in [
            (b"MDMP\x93\xa7".to_vec(), "minidump"),
            (
                b"MODULE Linux x86_64 33221100554477668899AABBCCDDEEFF0 lantern\n".to_vec(),
                "symbol file",
            ),
            (elf(1, [4, 0]), "core file"),
            (elf(2, [0, 4]), "core file"),
            (elf(1, [3, 0]), "ELF"),
        ] {
            assert!(named(&bytes).is_some_and(|found| found.contains(word)), "{bytes:?}");
        }
        for bytes in [&b""[..], b"MD", b"MODULE x", b"\x7fEL", b"#0 0x1", b"{\"a\":1}", b"MZ\n"] {
            assert_eq!(named(bytes), None, "{bytes:?}");
        }
    }
}
