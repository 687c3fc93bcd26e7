//! Makes shared objects for x86-64 from sections that a test puts together byte by byte.

/// Where the code begins, and how long it is. Its bytes are elsewhere, as in debug files.
pub const CODE: u64 = 0x1000;
pub const CODE_BYTES: u64 = 0x0010_0000;

/// A section: its name, address (0 for none) and contents.
pub type Section<'n> = (&'n str, u64, Vec<u8>);

/// A file with code, and the sections given.
pub fn elf(sections: &[Section<'_>]) -> Vec<u8> {
    let mut names = b"\0.shstrtab\0.text\0".to_vec();
    let mut file = vec![0; 64];
    let mut headers = vec![0; 64];
    // Type 8 has no contents in the file; flags 6 are allocated and executable.
    header(&mut headers, (11, 8, 6), (CODE, 0, CODE_BYTES));
    for (name, address, contents) in sections {
        let place = u32::try_from(names.len()).unwrap();
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        header(
            &mut headers,
            (place, 1, if *address > 0 { 2 } else { 0 }),
            (*address, file.len() as u64, contents.len() as u64),
        );
        file.extend_from_slice(contents);
    }
    header(&mut headers, (1, 3, 0), (0, file.len() as u64, names.len() as u64));
    file.extend_from_slice(&names);
    let table = file.len() as u64;
    file.extend_from_slice(&headers);
    let count = u16::try_from(sections.len() + 3).unwrap();
    file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file[16..24].copy_from_slice(&[3, 0, 62, 0, 1, 0, 0, 0]);
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[52..60].copy_from_slice(&[64, 0, 56, 0, 0, 0, 64, 0]);
    file[60..62].copy_from_slice(&count.to_le_bytes());
    file[62..64].copy_from_slice(&(count - 1).to_le_bytes());
    file
}

fn header(
    headers: &mut Vec<u8>,
    (name, kind, flags): (u32, u32, u64),
    (address, offset, bytes): (u64, u64, u64),
) {
    headers.extend([name, kind].into_iter().flat_map(u32::to_le_bytes));
    headers.extend([flags, address, offset, bytes].into_iter().flat_map(u64::to_le_bytes));
    headers.extend([0u32, 0].into_iter().flat_map(u32::to_le_bytes));
    headers.extend([1u64, 0].into_iter().flat_map(u64::to_le_bytes));
}

/// A number, seven bits in a byte.
pub fn uleb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return bytes;
        }
    }
}
