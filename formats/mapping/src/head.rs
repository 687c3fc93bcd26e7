//! What a mapping says of itself in its comments, and whether a file is a mapping.

use super::limits::{MAX_FACT_BYTES, MAX_HEAD_BYTES};
use super::line;
use super::map_id::hex_bytes;
use super::note::Note;

/// The latest version of notes that is known.
const KNOWN_VERSION: (u32, u32) = (2, 2);

/// The comments at the head of a mapping, as they stand there. Of two the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `compiler`: `R8`. `ProGuard` writes none.
    pub compiler: Option<String>,
    /// `compiler_version`.
    pub compiler_version: Option<String>,
    /// `min_api`: the API level of Android.
    pub min_api: Option<String>,
    /// `pg_map_id`: the id that R8 also writes into the program, as source file of its classes
    /// (`r8-map-id-…`).
    pub pg_map_id: Option<String>,
    /// `pg_map_hash`: `SHA-256`, and the hash.
    pub pg_map_hash: Option<String>,
    /// The version of R8's notes (`com.android.tools.r8.mapping`).
    pub version: Option<String>,
}

impl Header {
    /// That of a mapping that begins with `bytes`: the comments before its first class.
    pub fn of(bytes: &[u8]) -> Self {
        let mut header = Self::default();
        let head = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
        let lines = head
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty());
        for line in lines
            .map(|line| line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))
            .take_while(|line| line.starts_with(b"#"))
        {
            if let Ok(comment) = std::str::from_utf8(&line[1..]) {
                header.read(comment);
            }
        }
        header
    }

    /// The SHA-256 of everything behind the line that says so. `None` if there is none, or one of
    /// another kind.
    pub fn hash(&self) -> Option<[u8; 32]> {
        let hash = self.pg_map_hash.as_deref()?.strip_prefix("SHA-256 ")?;
        hex_bytes(hash.trim())?.try_into().ok()
    }

    /// Whether its notes are of a later version than those that are known, so that some may have
    /// been left out.
    pub fn is_later_version(&self) -> bool {
        let numbers = |text: &str| {
            let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        };
        self.version
            .as_deref()
            .is_some_and(|version| numbers(version).is_none_or(|version| version > KNOWN_VERSION))
    }

    /// Keeps what a comment says, without its `#`.
    pub(super) fn read(&mut self, comment: &str) {
        let Some((key, value)) = comment.split_once(':') else { return };
        let fact = match key.trim() {
            "compiler" => &mut self.compiler,
            "compiler_version" => &mut self.compiler_version,
            "min_api" => &mut self.min_api,
            "pg_map_id" => &mut self.pg_map_id,
            "pg_map_hash" => &mut self.pg_map_hash,
            _ => return,
        };
        let value = value.trim();
        if fact.is_none() && !value.is_empty() && value.len() <= MAX_FACT_BYTES {
            *fact = Some(value.to_owned());
        }
    }

    pub(super) fn read_version(&mut self, version: &str) {
        if self.version.is_none() && version.len() <= MAX_FACT_BYTES {
            self.version = Some(version.to_owned());
        }
    }
}

/// Whether a file that begins with `bytes` is a mapping: its comments are those of R8, or most of
/// its first lines are classes and members.
pub fn is_mapping(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // The last line may have been cut.
    let whole = if bytes.len() > head.len() {
        head.rsplitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default()
    } else {
        head
    };
    let mut header = Header::default();
    let (mut lines, mut good) = (0, 0);
    for line in whole
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty())
    {
        let text = std::str::from_utf8(line).unwrap_or_default();
        if let Some(comment) = text.trim().strip_prefix('#') {
            match Note::parse(comment.trim()) {
                Ok(Note::Version(version)) => header.read_version(&version),
                _ => header.read(comment),
            }
            continue;
        }
        let is_member = || {
            text.starts_with(|first: char| first.is_ascii_whitespace())
                && line::member(text.trim()).is_ok()
        };
        lines += 1;
        good += usize::from(line::class(text).is_some() || is_member());
        if lines == HEAD_LINES {
            break;
        }
    }
    let is_of_r8 = header.version.is_some()
        || (header.compiler.is_some() && (header.pg_map_id.is_some() || header.min_api.is_some()));
    is_of_r8 || 2 * good > lines
}

/// Lines, comments aside, by which a mapping is told.
const HEAD_LINES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_told_by_their_content() {
        for text in [
            "a.B -> a:\n    void m() -> a\n",
            "\u{feff}# compiler: R8\r\n# pg_map_id: 12ab\r\n\r\na.B -> a:\r\n",
            "# compiler: R8\n# min_api: 21\n",
            "# {\"id\":\"com.android.tools.r8.mapping\",\"version\":\"2.2\"}\n",
            "ComposeStackTrace -> $$compose:\n  1:1:void a.B.c():7:7 -> m$12\n",
            "a -> b:",
        ] {
            assert!(is_mapping(text.as_bytes()), "{text}");
        }
        let long = format!("a.B -> a:\n    void m({}", "int,".repeat(MAX_HEAD_BYTES));
        assert!(is_mapping(long.as_bytes()));
        // Some of it is broken.
        assert!(is_mapping(
            b"    void lost() -> a\na.B -> a:\n    1:x:void m( -> b\n    int f -> c\n"
        ));
        for text in [
            "",
            "# a comment\n",
            "key: value\n",
            "a -> b:\nand so on\n",
            "\tat a.b.c(D.java:1)\n",
            "graph -> {\n",
            "{\"a\": 1}",
        ] {
            assert!(!is_mapping(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn later_versions() {
        for (version, is_later) in [
            ("2.2", false),
            ("1.0", false),
            ("2.3", true),
            ("3", true),
            ("2", false),
            ("experimental", true),
        ] {
            let mut header = Header::default();
            header.read_version(version);
            assert_eq!(header.is_later_version(), is_later, "{version}");
        }
        assert!(!Header::default().is_later_version());
    }
}
