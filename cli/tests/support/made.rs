//! Shared libraries made for a test: ELF files whose symbol table names the given functions. What
//! they have to answer is known by construction: function `n` has the 16 bytes from `address(n)`
//! on.

/// Bytes of one function.
pub const FUNCTION_BYTES: u64 = 16;

/// Functions of which every file has the code, whichever its symbols name: files of one id have one
/// code.
const FUNCTIONS: u64 = 8192;

/// Where the code begins.
const CODE: u64 = 0x1000;

/// The first address of function `number`.
pub fn address(number: u64) -> u64 {
    CODE + number * FUNCTION_BYTES
}

/// A file with the build-id `id` and the functions `numbers`, each named `PREFIX_NUMBER`. Two files
/// with prefixes of one length differ in the names alone.
pub fn library(id: [u8; 20], prefix: &str, numbers: std::ops::Range<u64>) -> Vec<u8> {
    assert!(numbers.end <= FUNCTIONS, "{numbers:?}");
    let code_bytes = FUNCTIONS * FUNCTION_BYTES;
    let note = [&4u32.to_le_bytes()[..], &20u32.to_le_bytes(), &3u32.to_le_bytes(), b"GNU\0", &id]
        .concat();
    let (mut names, mut symbols) = (vec![0u8], vec![0u8; 24]);
    for number in numbers {
        let name = u32::try_from(names.len()).unwrap();
        names.extend_from_slice(format!("{prefix}_{number}\0").as_bytes());
        symbols.extend_from_slice(&name.to_le_bytes());
        // A global function in section 1.
        symbols.extend_from_slice(&[0x12, 0, 1, 0]);
        symbols.extend_from_slice(&address(number).to_le_bytes());
        symbols.extend_from_slice(&FUNCTION_BYTES.to_le_bytes());
    }
    let section_names = b"\0.text\0.note.gnu.build-id\0.symtab\0.strtab\0.shstrtab\0".to_vec();
    let text = vec![0x90; usize::try_from(code_bytes).unwrap()];
    // Words: name, type, link, info. Numbers: flags, address, alignment, size of an entry.
    let sections = [
        ([1, 1, 0, 0], [6, CODE, 16, 0], text),
        ([7, 7, 0, 0], [2, 0x200, 4, 0], note),
        ([26, 2, 4, 1], [0, 0, 8, 24], symbols),
        ([34, 3, 0, 0], [0, 0, 1, 0], names),
        ([42, 3, 0, 0], [0, 0, 1, 0], section_names),
    ];
    let mut file = vec![0u8; 64];
    let mut headers = vec![0u8; 64];
    for ([name, kind, link, info], [flags, at, alignment, entry], contents) in &sections {
        file.resize(file.len().next_multiple_of(16), 0);
        let (offset, size) = (file.len() as u64, contents.len() as u64);
        headers.extend([name, kind].into_iter().flat_map(|word: &u32| word.to_le_bytes()));
        headers.extend([*flags, *at, offset, size].into_iter().flat_map(u64::to_le_bytes));
        headers.extend([link, info].into_iter().flat_map(|word| word.to_le_bytes()));
        headers.extend([*alignment, *entry].into_iter().flat_map(u64::to_le_bytes));
        file.extend_from_slice(contents);
    }
    file.resize(file.len().next_multiple_of(16), 0);
    let table = file.len() as u64;
    file.extend_from_slice(&headers);
    file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    // A shared object for x86-64.
    file[16..24].copy_from_slice(&[3, 0, 62, 0, 1, 0, 0, 0]);
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[52..64].copy_from_slice(&[64, 0, 56, 0, 0, 0, 64, 0, 6, 0, 5, 0]);
    file
}
