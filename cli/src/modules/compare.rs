//! Compares the store's answer at one address with that of a [`ReferenceReader`]: they agree, or
//! differ by a known rule, or differ.
//!
//! The store answers as llvm-symbolizer does; the addr2line crate has rules of its own. A
//! difference counts as explained only if applying the rule to the witness's answer gives exactly
//! the store's.
//!
//! [`ReferenceReader`]: super::reference::ReferenceReader

use super::reference::{Frame, Symbol};

/// What comes of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every frame is the same.
    Equal,
    /// The same but for a rule that is known; the first of them if there are several.
    Explained(Reason),
    /// The witness has no answer to compare with.
    Skipped(Gap),
    /// Not the same.
    Different,
}

/// A rule by which the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The store calls the outermost function as the symbol table does (`f.cold`); the witness as
    /// the debug data does.
    SymbolName,
    /// Where debug data gives the outermost frame no file, the store has the one that the symbol
    /// table gives.
    SymbolFile,
    /// The witness has no column beside a line of 0; the store keeps it.
    ColumnOfLine0,
    /// The linker has folded functions with the same code into one, and each reader has taken
    /// another of them.
    Folded,
}

/// Why the witness has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// It failed to read the unit.
    Unreadable,
    /// It has the line, which is the same, but no function: where functions overlap, it may find
    /// neither.
    NoFunction,
    /// It has the line and the outer functions, which are the same, and has lost the inner ones: it
    /// does not look for a call inlined into one that does not cover the address itself.
    LostCalls,
    /// All that it has is the same, but it has no line: where line sequences overlap, it may find
    /// none.
    NoLine,
    /// All that it has is the same, but it has no file for a call: it takes file 0, the first of
    /// DWARF 5, for none.
    NoFile,
}

impl Reason {
    /// What `--json` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SymbolName => "symbol_name",
            Self::SymbolFile => "symbol_file",
            Self::ColumnOfLine0 => "column_of_line_0",
            Self::Folded => "folded",
        }
    }
}

impl Gap {
    /// What `--json` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoFunction => "no_function",
            Self::LostCalls => "lost_calls",
            Self::NoLine => "no_line",
            Self::NoFile => "no_file",
        }
    }
}

/// Compares `store`, the frames of the store, with `witness`, those of the witness, and the symbol
/// there.
pub fn compare(store: &[Frame], witness: &[Frame], symbol: Option<&Symbol<'_>>) -> Verdict {
    match with_files_of_calls(store, witness) {
        None => compare_whole(store, witness, symbol),
        Some(witness) => match compare_whole(store, &witness, symbol) {
            Verdict::Equal | Verdict::Explained(_) => Verdict::Skipped(Gap::NoFile),
            verdict => verdict,
        },
    }
}

/// The witness's frames with the store's files, where it has the line of a call and no file; `None`
/// if it lacks none.
fn with_files_of_calls(store: &[Frame], witness: &[Frame]) -> Option<Vec<Frame>> {
    let mut filled = witness.to_vec();
    let callers = filled.iter_mut().zip(store).skip(1);
    let lacking = callers.filter(|(frame, stored)| {
        frame.file.is_empty() && frame.line > 0 && frame.line == stored.line
    });
    let count = lacking.map(|(frame, stored)| frame.file.clone_from(&stored.file)).count();
    (count > 0).then_some(filled)
}

fn compare_whole(store: &[Frame], witness: &[Frame], symbol: Option<&Symbol<'_>>) -> Verdict {
    let (expected, mut reason) = named_by_symbol(witness, symbol);
    let without_columns = |frame: &Frame| {
        if frame.line == 0 { Frame { column: 0, ..frame.clone() } } else { frame.clone() }
    };
    if store != expected {
        let store: Vec<Frame> = store.iter().map(without_columns).collect();
        if store != expected {
            return not_the_same(&store, &expected, witness);
        }
        reason = reason.or(Some(Reason::ColumnOfLine0));
    }
    reason.map_or(Verdict::Equal, Verdict::Explained)
}

/// The witness's frames with what the symbol table knows of the outermost one, and the first rule
/// that made a difference.
fn named_by_symbol(witness: &[Frame], symbol: Option<&Symbol<'_>>) -> (Vec<Frame>, Option<Reason>) {
    let (mut frames, mut reason) = (witness.to_vec(), None);
    let Some(symbol) = symbol else { return (frames, reason) };
    match frames.last_mut() {
        // Only the symbol table knows the address.
        None => frames.push(Frame {
            function: symbol.name.to_vec(),
            file: symbol.file.to_vec(),
            ..Frame::default()
        }),
        Some(outermost) => {
            if outermost.function != symbol.name {
                outermost.function = symbol.name.to_vec();
                reason = Some(Reason::SymbolName);
            }
            if outermost.file.is_empty() && !symbol.file.is_empty() {
                outermost.file = symbol.file.to_vec();
                reason = reason.or(Some(Reason::SymbolFile));
            }
        }
    }
    (frames, reason)
}

/// Whether the witness gave up, after all that it says has been found to be the same.
fn not_the_same(store: &[Frame], expected: &[Frame], witness: &[Frame]) -> Verdict {
    let ([innermost, ..], [first, outer @ ..]) = (store, expected) else {
        return Verdict::Different;
    };
    // Nothing at all, so that all it has to say is the symbol.
    let has_line = witness.first().is_some_and(|frame| !frame.file.is_empty() || frame.line > 0);
    if !has_line {
        let is_the_same = innermost.line > 0
            && store.len() == expected.len()
            && innermost.function == first.function
            && store[1..] == *outer;
        return if is_the_same { Verdict::Skipped(Gap::NoLine) } else { Verdict::Different };
    }
    if !is_one_place(innermost, first) {
        return Verdict::Different;
    }
    let lost = store.len().saturating_sub(expected.len());
    match witness {
        [only] if only.function.is_empty() => Verdict::Skipped(Gap::NoFunction),
        _ if lost > 0 && store[lost].function == first.function && store[lost + 1..] == *outer => {
            Verdict::Skipped(Gap::LostCalls)
        }
        _ => Verdict::Different,
    }
}

fn is_one_place(a: &Frame, b: &Frame) -> bool {
    (&a.file, a.line, a.column) == (&b.file, b.line, b.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str, line: u32, column: u32) -> Frame {
        Frame { function: function.into(), file: file.into(), line, column }
    }

    #[test]
    fn only_what_a_rule_gives_exactly_is_explained() {
        let symbol = Symbol::named(b"run.cold", b"");
        let witness = [frame("pop", "ring.h", 9, 2), frame("run", "pool.cc", 30, 4)];
        let cold = [frame("pop", "ring.h", 9, 2), frame("run.cold", "pool.cc", 30, 4)];
        assert_eq!(compare(&witness, &witness, None), Verdict::Equal);
        assert_eq!(compare(&cold, &witness, Some(&symbol)), Verdict::Explained(Reason::SymbolName));
        assert_eq!(
            compare(&witness, &witness, Some(&symbol)),
            Verdict::Different,
            "the symbol's name was to be there"
        );
        for changed in [
            [frame("pop", "ring.h", 8, 2), cold[1].clone()],
            [frame("pop", "ring.h", 9, 3), cold[1].clone()],
            [frame("pop", "rinG.h", 9, 2), cold[1].clone()],
            [frame("push", "ring.h", 9, 2), cold[1].clone()],
            [cold[0].clone(), frame("run", "pool.cc", 30, 4)],
            [cold[0].clone(), frame("run.cold", "pool.cc", 31, 4)],
        ] {
            assert_eq!(
                compare(&changed, &witness, Some(&symbol)),
                Verdict::Different,
                "{changed:?}"
            );
        }
        assert_eq!(
            compare(&cold[1..], &witness, Some(&symbol)),
            Verdict::Different,
            "a frame is missing"
        );
        assert_eq!(compare(&[], &witness, Some(&symbol)), Verdict::Different);
    }

    #[test]
    fn symbols_answer_where_debug_data_does_not() {
        let symbol = Symbol::named(b"local", b"scan.c");
        assert_eq!(compare(&[frame("local", "scan.c", 0, 0)], &[], Some(&symbol)), Verdict::Equal);
        assert_eq!(compare(&[frame("local", "", 0, 0)], &[], Some(&symbol)), Verdict::Different);
        assert_eq!(compare(&[], &[], Some(&symbol)), Verdict::Different, "the store lacks it");
        assert_eq!(
            compare(&[frame("local", "", 0, 0)], &[], None),
            Verdict::Different,
            "the file lacks it"
        );
        assert_eq!(compare(&[], &[], None), Verdict::Equal);
        let outermost = [frame("local", "", 0, 0)];
        assert_eq!(
            compare(&[frame("local", "scan.c", 0, 0)], &outermost, Some(&symbol)),
            Verdict::Explained(Reason::SymbolFile)
        );
    }

    #[test]
    fn a_line_of_0_has_no_column_to_compare() {
        let witness = [frame("main", "a.c", 0, 0)];
        assert_eq!(
            compare(&[frame("main", "a.c", 0, 7)], &witness, None),
            Verdict::Explained(Reason::ColumnOfLine0)
        );
        assert_eq!(compare(&[frame("main", "b.c", 0, 7)], &witness, None), Verdict::Different);
        assert_eq!(compare(&[frame("main", "a.c", 1, 7)], &witness, None), Verdict::Different);
    }

    #[test]
    fn what_the_witness_has_must_be_the_same_where_it_gives_up() {
        let store = [frame("a", "a.h", 1, 1), frame("b", "b.h", 2, 2), frame("main", "m.c", 3, 3)];
        let skipped = |gap| Verdict::Skipped(gap);
        // Inner calls are lost: the innermost line stands in the function that is left.
        assert_eq!(compare(&store, &[frame("main", "a.h", 1, 1)], None), skipped(Gap::LostCalls));
        assert_eq!(
            compare(&store, &[frame("b", "a.h", 1, 1), store[2].clone()], None),
            skipped(Gap::LostCalls)
        );
        assert_eq!(compare(&store, &[frame("main", "a.h", 2, 1)], None), Verdict::Different);
        assert_eq!(compare(&store, &[frame("other", "a.h", 1, 1)], None), Verdict::Different);
        assert_eq!(
            compare(&store, &[frame("b", "a.h", 1, 1), frame("main", "m.c", 4, 3)], None),
            Verdict::Different
        );
        // No function.
        assert_eq!(compare(&store[..1], &[frame("", "a.h", 1, 1)], None), skipped(Gap::NoFunction));
        assert_eq!(compare(&store[..1], &[frame("", "a.h", 2, 1)], None), Verdict::Different);
        // No line.
        let without_line = [frame("a", "", 0, 0), store[1].clone(), store[2].clone()];
        assert_eq!(compare(&store, &without_line, None), skipped(Gap::NoLine));
        assert_eq!(compare(&store[1..], &without_line[1..], None), Verdict::Equal);
        let renamed = [frame("x", "", 0, 0), store[1].clone(), store[2].clone()];
        assert_eq!(compare(&store, &renamed, None), Verdict::Different);
    }
}
