//! The source file of a class, as R8's retrace prints it.

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::limits::MAX_SOURCES;

/// The source files that a mapping names, by original class. For a class it is some 50 bytes.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: HashMap<u128, Box<str>>,
}

impl Sources {
    /// The source file of the original class.
    pub fn get(&self, original: &str) -> Option<&str> {
        self.files.get(&xxh3_128(original.as_bytes())).map(AsRef::as_ref)
    }

    /// Remembers a file. Of two for one class the last counts, as in R8. Returns whether there was
    /// room for it.
    pub(super) fn insert(&mut self, original: &str, file: &str) -> bool {
        let key = xxh3_128(original.as_bytes());
        if self.files.len() == MAX_SOURCES && !self.files.contains_key(&key) {
            return false;
        }
        self.files.insert(key, file.into());
        true
    }
}

/// The file of a class that has none in the mapping: its outermost class, and the extension that
/// `printed`, the file of the trace, suggests. R8, `RetraceUtils.inferSourceFile`.
pub(super) fn inferred(original: &str, printed: &str) -> String {
    if printed == "Native Method" {
        return printed.to_owned();
    }
    let name = outermost(original);
    let file = printed.rsplit('/').next().unwrap_or(printed);
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    match name.strip_suffix("Kt") {
        Some(name) if extension.is_empty() || extension == "kt" => format!("{name}.kt"),
        _ if extension == "kt" => format!("{name}.kt"),
        _ => format!("{name}.java"),
    }
}

/// The name of the class around all others, without its package.
fn outermost(class: &str) -> &str {
    let name = class.rsplit('.').next().unwrap_or(class);
    name.split('$').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R8's documented examples of names: `RetraceUtils`, and its tests of file names.
    #[test]
    fn files_are_guessed_from_classes() {
        for (class, printed, file) in [
            ("com.a.Main", "SourceFile", "Main.java"),
            ("com.a.Main$Inner", "", "Main.java"),
            ("com.a.Main", "x.kt", "Main.kt"),
            ("com.a.Main", "Main.foo", "Main.java"),
            ("com.a.MainKt", "SourceFile", "Main.kt"),
            ("com.a.MainKt", "x.kt", "Main.kt"),
            ("com.a.MainKt", "x.java", "MainKt.java"),
            ("Main", "Native Method", "Native Method"),
            ("Main", "Unknown Source", "Main.java"),
        ] {
            assert_eq!(inferred(class, printed), file, "{class} {printed}");
        }
    }
}
