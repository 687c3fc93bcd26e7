//! Reads the head of Go's table and its functions, in every version since Go 1.2.
//!
//! ```text
//! magic       Go          head                            functions                      paths
//! fffffffb    1.2–1.15    functions                       address, offset (words)        number -> offset
//! fffffffa    1.16–1.17   functions, files, offsets       address, offset (words)        unit's number -> offset
//! fffffff0    1.18–1.19   the same, and where code begins from there, offset (32 bits)   the same
//! fffffff1    1.20–       the same                        the same                       the same
//! ```

use memchr::memchr;
use object::ObjectSection;

use super::image::{Image, number};
use crate::limits::MAX_NAME_BYTES;

/// The layout of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Go1_2,
    Go1_16,
    Go1_18,
    Go1_20,
}

/// A table.
pub struct FunctionTable<'d> {
    pub version: Version,
    data: &'d [u8],
    address: u64,
    is_little: bool,
    word_bytes: usize,
    quantum: u64,
    /// Where the program's code begins.
    text: u64,
    count: usize,
    /// Their addresses, and where each is described, of which one more has an address.
    functions: Vec<(u64, usize)>,
    names: &'d [u8],
    units: &'d [u8],
    paths: &'d [u8],
    steps: &'d [u8],
    /// What functions are described in.
    entries: &'d [u8],
}

/// A function.
#[derive(Clone, Debug)]
pub struct FunctionEntry<'d> {
    pub start: u64,
    pub end: u64,
    /// Where its name begins.
    pub name: u32,
    /// Its steps of files and lines.
    pub files: u32,
    pub lines: u32,
    /// What is added to its numbers of files.
    unit: u32,
    /// Where its further steps begin, and how many there are; 4 bytes each.
    pub tables: (&'d [u8], usize),
    /// Where what follows these lies.
    pub after: u64,
    /// How many further data there are, if it has a byte, or a number, for that.
    pub data_counts: [usize; 2],
}

impl<'d> FunctionTable<'d> {
    /// The table in `section`; `None` if it is damaged, or of a version that nobody knows.
    pub fn of(image: &Image<'d>, section: &object::Section<'d, '_>) -> Option<Self> {
        let (data, address, is_little) =
            (section.data().ok()?, section.address(), image.is_little());
        let version = match number(data.get(..4)?, is_little)? {
            0xffff_fffb => Version::Go1_2,
            0xffff_fffa => Version::Go1_16,
            0xffff_fff0 => Version::Go1_18,
            0xffff_fff1 => Version::Go1_20,
            _ => return None,
        };
        let [0, 0, quantum @ (1 | 2 | 4), word_bytes @ (4 | 8)] = *data.get(4..8)? else {
            return None;
        };
        let word_bytes = usize::from(word_bytes);
        let word = |index: usize| {
            let at = 8 + index * word_bytes;
            usize::try_from(number(data.get(at..at + word_bytes)?, is_little)?).ok()
        };
        let part = |index: usize| data.get(word(index)?..);
        let mut table = Self {
            version,
            data,
            address,
            is_little,
            word_bytes,
            quantum: u64::from(quantum),
            text: 0,
            count: word(0)?,
            functions: Vec::new(),
            names: data,
            units: &[],
            paths: data,
            steps: data,
            entries: data,
        };
        if version != Version::Go1_2 {
            let first = if version == Version::Go1_16 { 2 } else { 3 };
            [table.names, table.units, table.paths] =
                [part(first)?, part(first + 1)?, part(first + 2)?];
            [table.steps, table.entries] = [part(first + 3)?, part(first + 4)?];
        }
        if version >= Version::Go1_18 {
            table.text = table.code_start(image, word(2)? as u64)?;
        }
        table.functions = table.list(image)?;
        if version == Version::Go1_2 {
            // Behind the functions stands where the paths are listed.
            let behind = 8 + word_bytes + (2 * table.count + 1) * word_bytes;
            table.units = data.get(table.number32(data, behind)? as usize..)?;
        }
        Some(table)
    }

    /// Where the program's code begins: `declared`, unless that is written while the program is
    /// loaded.
    fn code_start(&self, image: &Image<'d>, declared: u64) -> Option<u64> {
        // Since Go 1.26 it stands with the runtime's pointers only.
        let here =
            image.word(self.address + 8 + 2 * self.word_bytes as u64).filter(|text| *text > 0);
        let start = here.or(Some(declared).filter(|declared| *declared > 0));
        start.or_else(|| {
            self.module(image)
                .and_then(|module| image.pointer(module + MODULE_TEXT * image.word_bytes()))
        })
    }

    /// Where the runtime's description of the program lies (`runtime.firstmoduledata`): it begins
    /// with a pointer to the table, and one to its names.
    pub fn module(&self, image: &Image<'d>) -> Option<u64> {
        let names = self.address + (self.data.len() - self.names.len()) as u64;
        let second = |at: u64| image.pointer(at + image.word_bytes());
        image.pointers_to(self.address).into_iter().find(|at| second(*at) == Some(names))
    }

    /// Addresses of all functions and of the end, and where they are described.
    fn list(&self, image: &Image<'d>) -> Option<Vec<(u64, usize)>> {
        let (list, field) = match self.version {
            Version::Go1_2 => (self.data.get(8 + self.word_bytes..)?, self.word_bytes),
            Version::Go1_16 => (self.entries, self.word_bytes),
            _ => (self.entries, 4),
        };
        let fields = list.get(..self.count.checked_mul(2)?.checked_add(1)?.checked_mul(field)?)?;
        let first = self.address + (self.data.len() - list.len()) as u64;
        let address = |index: usize| match self.version {
            Version::Go1_2 | Version::Go1_16 => image.word(first + (2 * index * field) as u64),
            _ => self
                .number32(fields, 2 * index * field)
                .map(|offset| self.text.wrapping_add(u64::from(offset))),
        };
        let described =
            |index: usize| match fields.get((2 * index + 1) * field..(2 * index + 2) * field) {
                Some(bytes) => {
                    number(bytes, self.is_little).and_then(|offset| usize::try_from(offset).ok())
                }
                None => Some(0),
            };
        (0..=self.count).map(|index| Some((address(index)?, described(index)?))).collect()
    }

    /// How many functions there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.data.len() as u64
    }

    /// Bytes of the shortest instruction, which lengths are counted in.
    pub fn quantum(&self) -> u64 {
        self.quantum
    }

    /// Function `index`.
    pub fn entry(&self, index: usize) -> Option<FunctionEntry<'d>> {
        let (&(start, described), &(end, _)) =
            (self.functions.get(index)?, self.functions.get(index + 1)?);
        let entry = self.entries.get(described..)?;
        // The first field is its address.
        let fields =
            entry.get(if self.version >= Version::Go1_18 { 4 } else { self.word_bytes }..)?;
        let field = |at: usize| self.number32(fields, 4 * at);
        let (unit, counts) = match self.version {
            Version::Go1_2 => (0, 7),
            Version::Go1_16 | Version::Go1_18 => (field(7)?, 8),
            Version::Go1_20 => (field(7)?, 9),
        };
        let tables = fields.get(4 * counts + 4..)?;
        let table_count = field(6)? as usize;
        let after = tables.get(table_count.checked_mul(4)?..)?;
        let after = self.address + (self.data.len() - after.len()) as u64;
        let data_counts = [usize::from(*fields.get(4 * counts + 3)?), field(counts)? as usize];
        Some(FunctionEntry {
            start,
            end,
            name: field(0)?,
            files: field(4)?,
            lines: field(5)?,
            unit,
            tables: (tables, table_count),
            after,
            data_counts,
        })
    }

    /// Steps at `offset`.
    pub fn steps(&self, offset: u32) -> Option<&'d [u8]> {
        self.steps.get(offset as usize..)
    }

    /// The name at `offset`.
    pub fn name(&self, offset: u32) -> Option<&'d [u8]> {
        string(self.names, offset)
    }

    /// Whether a name begins at `offset`, and not within another.
    pub fn begins_name(&self, offset: u32) -> bool {
        let before = (offset as usize)
            .checked_sub(1)
            .map_or(Some(0), |before| self.names.get(before).copied());
        before == Some(0) && self.name(offset).is_some_and(|name| !name.is_empty())
    }

    /// The path at `offset`.
    pub fn path(&self, offset: u32) -> Option<&'d [u8]> {
        string(self.paths, offset)
    }

    /// Where the path of file `file` of a function's begins.
    pub fn file(&self, entry: &FunctionEntry<'d>, file: i32) -> Option<u32> {
        let index = u32::try_from(file).ok()?.checked_add(entry.unit)?;
        // Before, files were numbered from 1.
        let is_one = self.version != Version::Go1_2 || index > 0;
        let offset =
            self.number32(self.units, (index as usize).checked_mul(4)?).filter(|_| is_one)?;
        (offset != u32::MAX).then_some(offset)
    }

    /// A 32-bit number at `at` of `bytes`.
    pub fn number32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let number = number(bytes.get(at..at.checked_add(4)?)?, self.is_little)?;
        u32::try_from(number).ok()
    }
}

/// Word of the runtime's description that says where code begins.
const MODULE_TEXT: u64 = 22;

fn string(table: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = table.get(offset as usize..)?;
    let rest = rest.get(..rest.len().min(MAX_NAME_BYTES + 1))?;
    rest.get(..memchr(0, rest)?)
}
