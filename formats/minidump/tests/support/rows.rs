//! Unwind rows of modules, from symbol files and function tables.

use std::collections::HashMap;
use std::path::Path;

use object::{Object, ObjectSection};
use symtool_minidump::{FoundRule, Minidump, UnwindRows};
use symtool_unwind::windows::{FrameData, FrameDataRows, PeImage, PeSection, read_function_table};
use symtool_unwind::{BreakpadReader, UnwindTable, UnwindTableBuilder};

use super::base_name;

/// Tables by the number of their module in a dump.
#[derive(Default)]
pub struct Tables(pub HashMap<usize, UnwindTable>);

impl UnwindRows for Tables {
    fn find(&mut self, module: usize, offset: u64) -> FoundRule<'_> {
        let Some(table) = self.0.get(&module) else { return FoundRule::NoData };
        match table.at(offset) {
            Some(row) => FoundRule::Row { rule: table.rule(row), start: row.start },
            None => FoundRule::NoRow,
        }
    }
}

impl Tables {
    /// The tables of all modules of a dump for which `folder` has a symbol file with records.
    pub fn of_symbols(dump: &Minidump<'_>, folder: &Path) -> Self {
        let mut tables = Self::default();
        for (number, module) in dump.modules.iter().enumerate() {
            let name = base_name(module.name.as_deref().unwrap_or_default());
            let stem = name.strip_suffix(".dll").unwrap_or(name);
            let Ok(text) = std::fs::read_to_string(folder.join(format!("{stem}.sym"))) else {
                continue;
            };
            tables.0.insert(number, symbols(&text));
        }
        tables
    }

    /// The table of the only module of a dump: the function table of an image of Windows.
    pub fn of_image(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        Self(HashMap::from([(0, function_table(&bytes))]))
    }
}

/// The `STACK` records of a symbol file.
pub fn symbols(text: &str) -> UnwindTable {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let mut cfi = BreakpadReader::new(head[2]);
    let mut rows = FrameDataRows::default();
    let mut has_frame_data = false;
    for line in lines {
        if let Some(record) = line.strip_prefix("STACK CFI ") {
            cfi.cfi(record.as_bytes());
        } else if let Some(record) = line.strip_prefix("STACK WIN 4 ") {
            rows.push(&frame_data(record));
            has_frame_data = true;
        }
    }
    if !has_frame_data {
        return cfi.finish();
    }
    let mut builder = UnwindTableBuilder::default();
    rows.finish(&mut builder);
    builder.finish()
}

fn frame_data(record: &str) -> FrameData<'_> {
    let words: Vec<&str> = record.splitn(10, ' ').collect();
    let number = |at: usize| u32::from_str_radix(words[at], 16).unwrap();
    FrameData {
        start: number(0).into(),
        code_bytes: number(1),
        prolog_bytes: number(2),
        parameter_bytes: number(4),
        saved_register_bytes: number(5),
        local_bytes: number(6),
        is_function_start: false,
        program: words[9],
    }
}

fn function_table(bytes: &[u8]) -> UnwindTable {
    let file = object::File::parse(bytes).unwrap();
    let base = file.relative_address_base();
    let sections: Vec<PeSection<'_>> = file
        .sections()
        .map(|section| PeSection {
            start: u32::try_from(section.address() - base).unwrap(),
            memory_bytes: u32::try_from(section.size()).unwrap(),
            bytes: section.data().unwrap(),
            is_code: section.kind() == object::SectionKind::Text,
        })
        .collect();
    let (machine, name) = match file.architecture() {
        object::Architecture::X86_64 => (0x8664, ".pdata"),
        object::Architecture::Aarch64 => (0xaa64, ".pdata"),
        other => panic!("{other:?}"),
    };
    let table = file.section_by_name(name).unwrap();
    let start = u32::try_from(table.address() - base).unwrap();
    let mut builder = UnwindTableBuilder::default();
    let bytes = u32::try_from(table.size()).unwrap();
    read_function_table(&PeImage::new(sections), machine, (start, bytes), &mut builder);
    builder.finish()
}
