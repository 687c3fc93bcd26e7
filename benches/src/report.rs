//! Prints the ratios of one file as lines of text or a JSON object. Never seconds.

use std::fmt;

use serde_json::{Value, json};

use crate::check::Agreement;

/// Version of the JSON object's shape.
/// 1: the first.
const JSON_VERSION: u32 = 1;

/// The outcome of one file's bench.
#[derive(Debug)]
pub struct Report {
    /// The file's name.
    pub file: String,
    /// Rounds of the run.
    pub rounds: usize,
    /// Addresses in each batch.
    pub addresses: usize,
    /// Files in one import: the file, or its copies.
    pub copies: usize,
    /// How far each peer gave symtool's answers.
    pub agreements: [Agreement; 2],
    /// symtool's time over the peer's.
    pub imports: Vec<Ratio>,
    /// symtool's addresses per second over the peer's.
    pub resolves: Vec<Ratio>,
}

/// symtool against both peers in one measure.
#[derive(Debug)]
pub struct Ratio {
    /// The measure: order of the addresses, cores symtool had.
    pub of: String,
    /// Against the addr2line crate.
    pub addr2line: f64,
    /// Against symcache.
    pub symcache: f64,
}

impl Report {
    /// One object:
    /// `{"version":1,"file":…,"rounds":…,"addresses":…,"copies":…,
    ///   "same_answers":[{"peer":"symcache","asked":200,"same":190,"explained":198}],
    ///   "import":[{"of":"-j1","addr2line":0.6,"symcache":0.24}],"resolve":[…]}`.
    pub fn to_json(&self) -> Value {
        let ratios = |ratios: &[Ratio]| {
            let ratio = |ratio: &Ratio| json!({"of": ratio.of, "addr2line": rounded(ratio.addr2line), "symcache": rounded(ratio.symcache)});
            ratios.iter().map(ratio).collect::<Vec<_>>()
        };
        let same_answers = self
            .agreements
            .map(|Agreement { peer, same, explained, asked }| json!({"peer": peer, "asked": asked, "same": same, "explained": explained}));
        json!({
            "version": JSON_VERSION,
            "file": self.file,
            "rounds": self.rounds,
            "addresses": self.addresses,
            "copies": self.copies,
            "same_answers": same_answers,
            "import": ratios(&self.imports),
            "resolve": ratios(&self.resolves),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, rounds, addresses, agreements: [one, other], .. } = self;
        write!(
            f,
            "{file} (--rounds {rounds} --addresses {addresses}): of {} answers the same as {one}, {other}",
            one.asked
        )?;
        let copies = if self.copies > 1 { format!(" x{}", self.copies) } else { String::new() };
        for Ratio { of, addr2line, symcache } in &self.imports {
            let (symcache, addr2line) = (Times(*symcache), Times(*addr2line));
            write!(
                f,
                "\nimport {file}{copies} {of}: {symcache} symcache (convert), {addr2line} addr2line (every unit parsed); less is faster"
            )?;
        }
        for Ratio { of, addr2line, symcache } in &self.resolves {
            let (symcache, addr2line) = (Times(*symcache), Times(*addr2line));
            write!(
                f,
                "\nresolve {file} {of}: {addr2line} addr2line, {symcache} symcache (lookup); more is faster"
            )?;
        }
        Ok(())
    }
}

/// A ratio with three digits that mean something: `0.24 x`, `2.50 x`, `12.3 x`, `120 x`.
pub struct Times(pub f64);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Limits are where the shorter form would round up to one digit more.
        let decimals = match self.0 {
            ratio if ratio < 0.0995 => 3,
            ratio if ratio < 9.995 => 2,
            ratio if ratio < 99.95 => 1,
            _ => 0,
        };
        write!(f, "{:.decimals$} x", self.0)
    }
}

/// With three digits behind the point.
pub fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(copies: usize) -> Report {
        Report {
            file: "cpp.so".to_owned(),
            rounds: 5,
            addresses: 1000,
            copies,
            agreements: [
                Agreement { peer: "addr2line", same: 199, explained: 199, asked: 200 },
                Agreement { peer: "symcache", same: 190, explained: 198, asked: 200 },
            ],
            imports: vec![Ratio { of: "-j1".to_owned(), addr2line: 0.6, symcache: 0.2412 }],
            resolves: vec![Ratio { of: "random -j1".to_owned(), addr2line: 12.34, symcache: 2.5 }],
        }
    }

    #[test]
    fn ratios_have_three_digits() {
        for (ratio, want) in [
            (0.0241, "0.024 x"),
            (0.0999, "0.10 x"),
            (0.24, "0.24 x"),
            (1.0, "1.00 x"),
            (9.994, "9.99 x"),
            (9.996, "10.0 x"),
            (12.34, "12.3 x"),
            (99.96, "100 x"),
            (1234.5, "1234 x"),
        ] {
            assert_eq!(Times(ratio).to_string(), want);
        }
    }

    #[test]
    fn lines_say_what_is_compared_with_what() {
        let want = "\
cpp.so (--rounds 5 --addresses 1000): of 200 answers the same as addr2line 99.5 %, symcache 95.0 % (99.0 % by its own rules)
import cpp.so x124 -j1: 0.24 x symcache (convert), 0.60 x addr2line (every unit parsed); less is faster
resolve cpp.so random -j1: 12.3 x addr2line, 2.50 x symcache (lookup); more is faster";
        assert_eq!(report(124).to_string(), want);
        assert!(report(1).to_string().contains("\nimport cpp.so -j1: "));
    }

    #[test]
    fn json_has_a_version_and_no_seconds() {
        let want = json!({
            "version": 1, "file": "cpp.so", "rounds": 5, "addresses": 1000, "copies": 124,
            "same_answers": [
                {"peer": "addr2line", "asked": 200, "same": 199, "explained": 199},
                {"peer": "symcache", "asked": 200, "same": 190, "explained": 198},
            ],
            "import": [{"of": "-j1", "addr2line": 0.6, "symcache": 0.241}],
            "resolve": [{"of": "random -j1", "addr2line": 12.34, "symcache": 2.5}],
        });
        assert_eq!(report(124).to_json(), want);
    }
}
