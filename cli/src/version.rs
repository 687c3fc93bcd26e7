//! `symtool --version -v`: what program this is, for reports of faults.

use std::ffi::OsString;

/// Whether `words`, a command line that asks for the version, ask for all of it.
pub fn is_verbose(words: &[OsString]) -> bool {
    words.iter().skip(1).filter_map(|word| word.to_str()).any(|word| {
        let short =
            word.strip_prefix('-').filter(|letters| letters.chars().all(|c| "vV".contains(c)));
        word == "--verbose" || short.is_some_and(|letters| letters.contains('v'))
    })
}

/// Prints the version, the commit that the program was built from, its target and the format of
/// the stores that it writes.
pub fn print() {
    println!("symtool {}", env!("CARGO_PKG_VERSION"));
    println!("commit: {}", option_env!("SYMTOOL_COMMIT").unwrap_or("not recorded"));
    println!("target: {}", env!("SYMTOOL_TARGET"));
    println!("store format: {}", symtool_store::STORE_FORMAT);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_verbose_line(line: &str) -> bool {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        is_verbose(&words)
    }

    #[test]
    fn verbose_in_any_place_and_spelling() {
        for line in ["--version -v", "-v --version", "-Vv", "-vV", "--store s --verbose -V"] {
            assert!(is_verbose_line(&format!("symtool {line}")), "{line}");
        }
        for line in ["--version", "-V", "--store v -V", "-"] {
            assert!(!is_verbose_line(&format!("symtool {line}")), "{line}");
        }
    }
}
