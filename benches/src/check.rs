//! Same answers first: in, symtool's innermost frames; out, how many of a peer's are the same, or an error that
//! names the first address where they are not.
//!
//! Compared are the raw function name and the line. Peers differ a little by design, and symtool answers as
//! llvm-symbolizer does:
//!
//! - Of several symbols at one address the largest names the function, and the last of equally large ones
//!   (`testdata/README.md`); a peer may take another, so constructors (`C1`, `C2`) and identical functions that
//!   the linker folded differ in name.
//! - Padding that a function's symbol covers but no line row does: a peer may say the row before it, or nothing.
//! - Symcache makes one call site of each inlined range and drops the line rows that it crosses; where a line
//!   changes without the inlined function ending, it may say the earlier line. It also keeps only the first of
//!   two functions with the same range.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use symbolic_common::ByteView;

use crate::peers::{Addr2line, Frame, Symcache};

/// Of 100 answers, this many must be the same.
const WANTED_PERCENT: usize = 95;

/// The innermost frame at an address; the default where nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Raw linkage name; empty where none is known.
    pub function: String,
    /// 1-based, 0 for none.
    pub line: u32,
}

/// How far a peer gave the same answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The peer.
    pub peer: &'static str,
    /// Addresses with the same answer.
    pub same: usize,
    /// Addresses asked for, at least one.
    pub asked: usize,
}

/// Compares `answers`, symtool's for `addresses` of `file`, with the addr2line crate's.
///
/// # Errors
/// If the crate cannot read the file, or too few answers are the same.
pub fn with_addr2line(file: &Path, addresses: &[u64], answers: &[Place]) -> Result<Agreement> {
    let peer = Addr2line::open(file)?;
    compare("addr2line", file, addresses, answers, |address, each| peer.frames(address, each))
}

/// Compares `answers`, symtool's for `addresses` of `file`, with those from the file's symcache at `cache`.
///
/// # Errors
/// If that is no symcache, or too few answers are the same.
pub fn with_symcache(file: &Path, cache: &Path, load_address: u64, addresses: &[u64], answers: &[Place]) -> Result<Agreement> {
    let data = ByteView::open(cache).with_context(|| cache.display().to_string())?;
    let peer = Symcache::open(&data, load_address)?;
    compare("symcache", file, addresses, answers, |address, each| {
        peer.frames(address, each);
        Ok(())
    })
}

fn compare(
    peer: &'static str,
    file: &Path,
    addresses: &[u64],
    answers: &[Place],
    frames: impl Fn(u64, &mut dyn FnMut(Frame<'_>)) -> Result<()>,
) -> Result<Agreement> {
    let mut agreement = Agreement { peer, same: 0, asked: addresses.len() };
    let mut first = None;
    for (&address, ours) in addresses.iter().zip(answers) {
        let mut innermost = None;
        frames(address, &mut |frame| {
            innermost.get_or_insert_with(|| Place { function: frame.function.to_owned(), line: frame.line });
        })?;
        let theirs = innermost.unwrap_or_default();
        if theirs == *ours {
            agreement.same += 1;
        } else if first.is_none() {
            first = Some(format!("{address:#x}, where symtool says {ours} and {peer} {theirs}"));
        }
    }
    match first {
        Some(first) if agreement.same * 100 < agreement.asked * WANTED_PERCENT => bail!(
            "{}: symtool gives the same answer as {agreement}, {WANTED_PERCENT} % wanted; begin with {first}, and see what llvm-symbolizer says",
            file.display()
        ),
        _ => Ok(agreement),
    }
}

impl Agreement {
    /// Thousandths with the same answer, rounded down: 1000 means all.
    pub fn per_mille(&self) -> usize {
        self.same * 1000 / self.asked.max(1)
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_mille = self.per_mille();
        write!(f, "{} {}.{} %", self.peer, per_mille / 10, per_mille % 10)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = if self.function.is_empty() { "??" } else { &self.function };
        write!(f, "{function}:{}", self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(function: &str, line: u32) -> Place {
        Place { function: function.to_owned(), line }
    }

    /// A peer that says `main:7` everywhere but where it knows nothing.
    fn agreement_of(answers: &[Place]) -> Result<Agreement> {
        let addresses: Vec<u64> = (0..answers.len() as u64).collect();
        compare("peer", Path::new("a.so"), &addresses, answers, |address, each| {
            if address != 1 {
                each(Frame { function: "main", file: "main.c", line: 7 });
                each(Frame { function: "caller", file: "main.c", line: 9 });
            }
            Ok(())
        })
    }

    #[test]
    fn only_the_innermost_frame_counts_and_knowing_nothing_is_an_answer() -> Result<()> {
        let agreement = agreement_of(&[place("main", 7), Place::default(), place("main", 7)])?;
        assert_eq!(agreement, Agreement { peer: "peer", same: 3, asked: 3 });
        assert_eq!(agreement.to_string(), "peer 100.0 %");
        Ok(())
    }

    #[test]
    fn a_few_differences_are_counted() -> Result<()> {
        let mut answers = vec![place("main", 7); 100];
        answers[1] = Place::default();
        for other in &mut answers[95..] {
            *other = place("other", 7);
        }
        assert_eq!(agreement_of(&answers)?.to_string(), "peer 95.0 %");
        answers[94] = place("main", 8);
        let error = agreement_of(&answers).expect_err("94 %").to_string();
        assert!(error.starts_with("a.so: ") && error.contains("peer 94.0 %, 95 % wanted"), "{error}");
        assert!(error.contains("0x5e, where symtool says main:8 and peer main:7"), "{error}");
        Ok(())
    }

    #[test]
    fn an_unknown_function_is_spelt_as_addr2line_does() {
        let error = agreement_of(&[Place::default(), place("main", 7)]).expect_err("0 %").to_string();
        assert!(error.contains("0x0, where symtool says ??:0 and peer main:7"), "{error}");
    }
}
