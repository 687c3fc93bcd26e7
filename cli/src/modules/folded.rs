//! Explains code of several functions at one address, which the linker has folded (ICF), by what
//! each function says of a place there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use addr2line::gimli::{self, ColumnType, EndianSlice, RunTimeEndian};

use super::reference::Frame;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The last component of the path; empty for none.
    file: Arc<[u8]>,
    line: u32,
    column: u32,
}

impl Place {
    /// Whether `frame` is there.
    fn is_of(&self, frame: &Frame) -> bool {
        let file = frame.file.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // Beside a line of 0, readers differ in the column.
        self.line == frame.line
            && *self.file == *file
            && (self.line == 0 || self.column == frame.column)
    }
}

#[cfg(test)]
impl Place {
    pub fn new(file: &str, line: u32, column: u32) -> Self {
        Self { file: file.as_bytes().into(), line, column }
    }
}

/// The line sequences that share their beginning with others.
#[derive(Debug, Default)]
pub struct Folded(HashMap<u64, Vec<Sequence>>);

#[derive(Debug)]
struct Sequence {
    end: u64,
    /// By address; of equal ones the last counts.
    rows: Vec<(u64, Place)>,
}

impl Folded {
    /// Reads all units of `dwarf`, as far as they can be read.
    pub fn of(dwarf: &gimli::Dwarf<Slice<'_>>) -> Self {
        let (mut starts, mut shared) = (HashSet::new(), HashSet::new());
        each_program(dwarf, |_, sequences, _| {
            shared.extend(
                sequences
                    .iter()
                    .map(|sequence| sequence.start)
                    .filter(|start| !starts.insert(*start)),
            );
        });
        let mut folded = Self::default();
        if shared.is_empty() {
            return folded;
        }
        each_program(dwarf, |program, sequences, unit| {
            let mut names = HashMap::new();
            for sequence in sequences.iter().filter(|sequence| shared.contains(&sequence.start)) {
                let rows = rows(program, sequence, &mut |file| {
                    let name = || {
                        file_name(dwarf, unit, program.header(), file).unwrap_or_default().into()
                    };
                    Arc::clone(names.entry(file).or_insert_with(name))
                });
                folded
                    .0
                    .entry(sequence.start)
                    .or_default()
                    .push(Sequence { end: sequence.end, rows });
            }
        });
        folded
    }

    /// What the functions that begin at `start` say of `address`; nothing if there are not several.
    pub fn places(&self, start: u64, address: u64) -> impl Iterator<Item = &Place> {
        let sequences =
            self.0.get(&start).into_iter().flatten().filter(move |sequence| address < sequence.end);
        sequences.filter_map(move |sequence| {
            let after = sequence.rows.partition_point(|(row, _)| *row <= address);
            sequence.rows.get(after.checked_sub(1)?).map(|(_, place)| place)
        })
    }
}

/// Whether `store`, the frames of the store, are those of one of several functions at an address,
/// of which `witness` are those of another one, or of another one's lines. `names` are the symbols
/// there, `places` what the functions say.
pub fn is_of_one<'a>(
    store: &[Frame],
    witness: &[Frame],
    mut names: impl Iterator<Item = &'a [u8]>,
    mut places: impl Iterator<Item = &'a Place>,
) -> bool {
    let ([innermost, ..], Some(outermost)) = (store, store.last()) else { return false };
    let call = |frame: &Frame| (frame.file.clone(), frame.line, frame.column);
    let is_same_function = witness.last().is_some_and(|frame| frame.function == outermost.function);
    let has_same_calls = || {
        let calls = |frames: &[Frame]| frames.iter().skip(1).map(call).collect::<Vec<_>>();
        let functions = |frames: &[Frame]| {
            frames.iter().map(|frame| frame.function.clone()).collect::<Vec<_>>()
        };
        functions(store) == functions(witness) && calls(store) == calls(witness)
    };
    let is_named = if is_same_function {
        has_same_calls()
    } else {
        names.any(|name| name == outermost.function)
    };
    is_named && places.any(|place| place.is_of(innermost))
}

type Program<'a> = gimli::CompleteLineProgram<Slice<'a>>;

fn each_program<'a>(
    dwarf: &gimli::Dwarf<Slice<'a>>,
    mut each: impl FnMut(&Program<'a>, &[gimli::LineSequence<Slice<'a>>], &gimli::Unit<Slice<'a>>),
) {
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        let Ok(unit) = dwarf.unit(header) else { continue };
        if let Some(Ok((program, sequences))) =
            unit.line_program.clone().map(gimli::IncompleteLineProgram::sequences)
        {
            each(&program, &sequences, &unit);
        }
    }
}

fn rows<'a>(
    program: &Program<'a>,
    sequence: &gimli::LineSequence<Slice<'a>>,
    name: &mut impl FnMut(u64) -> Arc<[u8]>,
) -> Vec<(u64, Place)> {
    let mut rows = Vec::new();
    let mut machine = program.resume_from(sequence);
    while let Ok(Some((_, row))) = machine.next_row() {
        if !row.end_sequence() {
            let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            let column = match row.column() {
                ColumnType::LeftEdge => 0,
                ColumnType::Column(column) => number(column.get()),
            };
            let line = row.line().map_or(0, |line| number(line.get()));
            rows.push((row.address(), Place { file: name(row.file_index()), line, column }));
        }
    }
    rows
}

fn file_name(
    dwarf: &gimli::Dwarf<Slice<'_>>,
    unit: &gimli::Unit<Slice<'_>>,
    header: &gimli::LineProgramHeader<Slice<'_>>,
    file: u64,
) -> Option<Vec<u8>> {
    let path = dwarf.attr_string(unit, header.file(file)?.path_name()).ok()?;
    path.slice().rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str, line: u32) -> Frame {
        Frame { function: function.into(), file: file.into(), line, column: 7 }
    }

    #[test]
    fn only_whole_answers_of_one_function_are_explained() {
        let places = [Place::new("x.cc", 7, 7), Place::new("y.cc", 9, 7)];
        let names = [&b"get_x"[..], b"get_y"];
        let is = |store: &[Frame], witness: &[Frame]| {
            is_of_one(store, witness, names.into_iter(), places.iter())
        };
        assert!(is(&[frame("get_y", "/src/y.cc", 9)], &[frame("get_x", "/src/x.cc", 7)]));
        // The witness has the function, and another one's line.
        assert!(is(&[frame("kept", "/src/y.cc", 9)], &[frame("kept", "/src/x.cc", 7)]));
        assert!(
            !is(&[frame("get_y", "/src/y.cc", 10)], &[frame("get_x", "/src/x.cc", 7)]),
            "no function's line"
        );
        assert!(
            !is(&[frame("get_y", "/src/z.cc", 9)], &[frame("get_x", "/src/x.cc", 7)]),
            "no function's file"
        );
        assert!(
            !is(&[frame("get_z", "/src/y.cc", 9)], &[frame("get_x", "/src/x.cc", 7)]),
            "no function there"
        );
        let call = [frame("inner", "/src/y.cc", 9), frame("kept", "/src/y.cc", 20)];
        assert!(is(&call, &[frame("inner", "/src/x.cc", 7), frame("kept", "/src/y.cc", 20)]));
        assert!(
            !is(&call, &[frame("inner", "/src/x.cc", 7), frame("kept", "/src/y.cc", 21)]),
            "another call"
        );
        assert!(
            !is(&call, &[frame("other", "/src/x.cc", 7), frame("kept", "/src/y.cc", 20)]),
            "another inlined function"
        );
        assert!(!is(&call, &[frame("kept", "/src/x.cc", 7)]), "a call is missing");
        assert!(!is(&[], &[frame("get_x", "/src/x.cc", 7)]));
    }

    #[test]
    fn the_last_row_at_or_before_an_address_counts() {
        let sequence = |line| Sequence {
            end: 0x20,
            rows: vec![(0x10, Place::new("a.c", 1, 1)), (0x10, Place::new("a.c", line, 1))],
        };
        let folded = Folded(HashMap::from([(0x10, vec![sequence(2), sequence(5)])]));
        let lines = |start, address| {
            folded.places(start, address).map(|place| place.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(0x10, 0x10), [2, 5]);
        assert_eq!(lines(0x10, 0x1f), [2, 5]);
        assert_eq!(lines(0x10, 0x20), [0u32; 0]);
        assert_eq!(lines(0x11, 0x12), [0u32; 0]);
    }
}
