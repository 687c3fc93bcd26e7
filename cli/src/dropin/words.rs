//! Command lines as GNU and LLVM tools take them: `@FILE` is replaced by the words in that file.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Bytes of one `@FILE` that are read: command lines are not longer.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Files that are read in all: one may name another, and itself.
const MAX_FILES: usize = 200;

/// Replaces every `@FILE` by the words in that file, and those that stand there too. One that
/// cannot be read stays as it is, as in both tools.
pub fn expand(words: Vec<OsString>) -> Vec<OsString> {
    let mut ahead: VecDeque<OsString> = words.into();
    let (mut expanded, mut files) = (Vec::new(), 0);
    while let Some(word) = ahead.pop_front() {
        let inside =
            word.as_bytes().strip_prefix(b"@").filter(|_| files < MAX_FILES).and_then(read);
        let Some(text) = inside else {
            expanded.push(word);
            continue;
        };
        files += 1;
        split(&text).into_iter().rev().for_each(|word| ahead.push_front(word));
    }
    expanded
}

fn read(path: &[u8]) -> Option<Vec<u8>> {
    let file = File::open(OsStr::from_bytes(path))
        .ok()
        .filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).ok()?;
    Some(text)
}

/// The words of `text`: separated by white space, except within quotes of either kind; a backslash
/// takes the meaning from what follows it.
pub fn split(text: &[u8]) -> Vec<OsString> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => word.get_or_insert_default().extend(bytes.next()),
            _ if quote == Some(byte) => quote = None,
            b'"' | b'\'' if quote.is_none() => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            _ if quote.is_none() && byte.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        for (text, want) in [
            ("", &[][..]),
            (" -e  lib.so\n0x10 ", &["-e", "lib.so", "0x10"]),
            ("\"a b\" 'c \"d\"' e\\ f", &["a b", "c \"d\"", "e f"]),
            ("--obj='my lib'x ''", &["--obj=my libx", ""]),
            ("'open", &["open"]),
            ("x\\", &["x"]),
        ] {
            assert_eq!(split(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_file_that_names_itself_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        let name = OsString::from_vec([b"@", path.as_os_str().as_bytes()].concat());
        std::fs::write(&path, [b"-f ", name.as_bytes()].concat()).unwrap();
        let words = expand(vec![name, "@/no/such/file".into()]);
        assert_eq!(words.len(), MAX_FILES + 2);
        assert_eq!(words[0], "-f");
        assert_eq!(words[MAX_FILES + 1], "@/no/such/file");
    }
}
