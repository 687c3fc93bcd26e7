//! Compares symtool's innermost frames with a peer's before anything is timed: how many are the
//! same, and an error that names the first address if too few are.
//!
//! Compared are the raw function name and the line. symtool answers as llvm-symbolizer does, and so
//! does the addr2line crate but for symbols that lie inside others. Symcache differs by rules of
//! its own; what they explain is counted apart:
//!
//! - Of several symbols at one address symtool takes the largest, and of equally large ones the
//!   last; symcache the first. All are names of the function there (`_ZN5AdderD1Ev`,
//!   `_ZN5AdderD2Ev`: cpp-gcc-O2-dwarf5.so 0x1300).
//! - Symcache names all parts of a function by the first, which may be the cold one
//!   (`_ZN5Adder3runEj.cold`: cpp-gcc-O2-dwarf5.so 0x116c).
//! - Symcache keeps the lines of DWARF's functions only. Where an assembler or `-gmlt` wrote lines
//!   but no function, it has the symbol alone, without a file (`stub_inner`: c-clang-O2-dwarf5.so
//!   0x1a94).
//! - Symcache leaves out some inlined functions, mostly where several begin at one address, and
//!   answers with the caller (`_ZNSaIcED4Ev` for `_ZNSt15__new_allocatorIcED4Ev`: librgw 0x39c11f).
//!
//! What remains are holes: symcache has no answer inside some functions with several ranges (librgw
//! 0x851ae0).

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use symbolic_common::ByteView;

use crate::aliases::Aliases;
use crate::peers::{Addr2line, Frame, Symcache};

/// Of 100 answers, this many must be the same, or explained by a peer's own rules.
const WANTED_PERCENT: usize = 95;

/// One frame, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Raw linkage name; empty where none is known.
    pub function: String,
    /// 1-based, 0 for none.
    pub line: u32,
}

/// The frames at an address, innermost first.
pub type Chain = Vec<Place>;

/// A peer's innermost frame.
struct Theirs {
    place: Place,
    has_file: bool,
}

/// How far a peer gave the same answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The peer.
    pub peer: &'static str,
    /// Addresses with the same answer.
    pub same: usize,
    /// Addresses with the same answer, or one that the peer's rules explain.
    pub explained: usize,
    /// Addresses asked for, at least one.
    pub asked: usize,
}

/// Compares `answers`, symtool's for `addresses` of `file`, with the addr2line crate's.
///
/// # Errors
/// If the crate cannot read the file, or too few answers are the same.
pub fn with_addr2line(file: &Path, addresses: &[u64], answers: &[Chain]) -> Result<Agreement> {
    let peer = Addr2line::open(file)?;
    compare(
        "addr2line",
        file,
        addresses,
        answers,
        |address, each| peer.frames(address, each),
        |_, _| false,
    )
}

/// Compares `answers`, symtool's for `addresses` of `file`, with those from the file's symcache at
/// `cache`.
///
/// # Errors
/// If that is no symcache, or too few answers are the same.
pub fn with_symcache(
    file: &Path,
    cache: &Path,
    load_address: u64,
    addresses: &[u64],
    answers: &[Chain],
) -> Result<Agreement> {
    let data = ByteView::open(cache).with_context(|| cache.display().to_string())?;
    let peer = Symcache::open(&data, load_address)?;
    let aliases = Aliases::read(file)?;
    let frames = |address: u64, each: &mut dyn FnMut(Frame<'_>)| {
        peer.frames(address, each);
        Ok(())
    };
    compare("symcache", file, addresses, answers, frames, |ours, theirs| {
        explains(&aliases, ours, theirs)
    })
}

/// Whether symcache's rules make `theirs` of `ours`.
fn explains(aliases: &Aliases, ours: &[Place], theirs: &Theirs) -> bool {
    let is_symbol_alone = !theirs.has_file && theirs.place.line == 0;
    ours.iter().any(|ours| {
        (is_symbol_alone || ours.line == theirs.place.line)
            && aliases.are_same(&ours.function, &theirs.place.function)
    })
}

fn compare(
    peer: &'static str,
    file: &Path,
    addresses: &[u64],
    answers: &[Chain],
    frames: impl Fn(u64, &mut dyn FnMut(Frame<'_>)) -> Result<()>,
    explains: impl Fn(&[Place], &Theirs) -> bool,
) -> Result<Agreement> {
    let mut agreement = Agreement { peer, same: 0, explained: 0, asked: addresses.len() };
    let mut first = None;
    for (&address, chain) in addresses.iter().zip(answers) {
        let mut innermost = None;
        frames(address, &mut |frame| {
            innermost.get_or_insert_with(|| Theirs {
                place: Place::new(frame.function, frame.line),
                has_file: !frame.file.is_empty(),
            });
        })?;
        let theirs =
            innermost.unwrap_or_else(|| Theirs { place: Place::default(), has_file: false });
        let ours = chain.first().cloned().unwrap_or_default();
        if ours == theirs.place {
            agreement.same += 1;
            agreement.explained += 1;
        } else if explains(chain, &theirs) {
            agreement.explained += 1;
        } else if first.is_none() {
            first = Some(format!(
                "{address:#x}, where symtool says {ours} and {peer} {}",
                theirs.place
            ));
        }
    }
    match first {
        Some(first) if agreement.explained * 100 < agreement.asked * WANTED_PERCENT => bail!(
            "{}: symtool gives the same answers as {agreement}, but {WANTED_PERCENT} % are wanted; begin with {first}, and ask llvm-symbolizer",
            file.display()
        ),
        _ => Ok(agreement),
    }
}

impl Place {
    /// `line` of `function`.
    pub fn new(function: &str, line: u32) -> Self {
        Self { function: function.to_owned(), line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = if self.function.is_empty() { "??" } else { &self.function };
        write!(f, "{function}:{}", self.line)
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded down: 100.0 % means all.
        let percent = |count: usize| {
            let per_mille = count * 1000 / self.asked.max(1);
            format!("{}.{} %", per_mille / 10, per_mille % 10)
        };
        write!(f, "{} {}", self.peer, percent(self.same))?;
        if self.explained > self.same {
            write!(f, " ({} by its own rules)", percent(self.explained))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that says `main:7` everywhere but at 1, where it knows nothing.
    fn agreement_of(answers: &[Chain]) -> Result<Agreement> {
        let addresses: Vec<u64> = (0..answers.len() as u64).collect();
        let frames = |address: u64, each: &mut dyn FnMut(Frame<'_>)| {
            if address != 1 {
                each(Frame { function: "main", file: "main.c", line: 7 });
                each(Frame { function: "caller", file: "main.c", line: 9 });
            }
            Ok(())
        };
        compare("peer", Path::new("a.so"), &addresses, answers, frames, |ours, _| {
            ours == [Place::new("explained", 7)]
        })
    }

    #[test]
    fn only_the_innermost_frame_counts_and_knowing_nothing_is_an_answer() -> Result<()> {
        let agreement = agreement_of(&[
            vec![Place::new("main", 7), Place::new("other", 1)],
            vec![],
            vec![Place::new("main", 7)],
        ])?;
        assert_eq!(agreement, Agreement { peer: "peer", same: 3, explained: 3, asked: 3 });
        assert_eq!(agreement.to_string(), "peer 100.0 %");
        Ok(())
    }

    #[test]
    fn a_few_differences_are_counted() -> Result<()> {
        let mut answers = vec![vec![Place::new("main", 7)]; 100];
        answers[1] = vec![];
        for other in &mut answers[95..] {
            *other = vec![Place::new("other", 7)];
        }
        assert_eq!(agreement_of(&answers)?.to_string(), "peer 95.0 %");
        answers[50] = vec![Place::new("explained", 7)];
        assert_eq!(agreement_of(&answers)?.to_string(), "peer 94.0 % (95.0 % by its own rules)");
        answers[94] = vec![Place::new("main", 8)];
        let error = agreement_of(&answers).expect_err("94 %").to_string();
        assert!(
            error.starts_with("a.so: ")
                && error.contains("peer 93.0 % (94.0 % by its own rules), but 95 %"),
            "{error}"
        );
        assert!(error.contains("0x5e, where symtool says main:8 and peer main:7"), "{error}");
        Ok(())
    }

    #[test]
    fn an_unknown_function_is_spelt_as_addr2line_does() {
        let error =
            agreement_of(&[vec![], vec![Place::new("main", 7)]]).expect_err("0 %").to_string();
        assert!(error.contains("0x0, where symtool says ??:0 and peer main:7"), "{error}");
    }

    #[test]
    fn symcache_is_explained_by_its_rules_only() {
        let aliases = Aliases::default();
        let ours = [Place::new("callee", 3), Place::new("caller", 7)];
        let explained = |function: &str, line, has_file| {
            explains(&aliases, &ours, &Theirs { place: Place::new(function, line), has_file })
        };
        assert!(explained("caller", 7, true), "an inlined function left out");
        assert!(explained("caller.cold", 7, true), "the cold half's name");
        assert!(explained("caller", 0, false), "the symbol alone");
        assert!(!explained("caller", 3, true), "another line");
        assert!(!explained("caller", 3, false), "a line without a file");
        assert!(!explained("caller", 0, true), "a file without a line");
        assert!(!explained("other", 7, true), "another function");
        assert!(!explained("", 0, false), "a hole");
    }
}
