//! A linked module: its id, where it is loaded, and which function lies where, by its symbol table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{
    BinaryFormat, Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionKind, SymbolKind,
};

/// What is known of an image.
#[derive(Debug)]
pub struct Module {
    /// The build-id or UUID.
    pub id: Vec<u8>,
    /// The address of its first loaded page, by its own counting.
    pub base: u64,
    /// Bytes from there to the end of its last segment.
    pub size: u64,
    /// Functions by symbol, `_` of Mach-O's names left out.
    pub functions: BTreeMap<String, Function>,
}

/// Where a function lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its first address, by the image's own counting.
    pub start: u64,
    /// Its bytes. In Mach-O files, those up to the next symbol: padding counts.
    pub size: u64,
}

impl Module {
    /// Reads the image at `path`.
    ///
    /// # Errors
    /// If it cannot be read, or has no id or no functions; names it.
    pub fn read(path: &Path) -> Result<Self> {
        let named = || path.display().to_string();
        let data = fs::read(path).with_context(named)?;
        let file = object::File::parse(&*data).with_context(named)?;
        let is_macho = file.format() == BinaryFormat::MachO;
        let id = match (file.build_id().with_context(named)?, file.mach_uuid().with_context(named)?)
        {
            (Some(id), _) => id.to_owned(),
            (None, Some(id)) => id.to_vec(),
            (None, None) => bail!("{}: the linker wrote no id", path.display()),
        };
        let loaded = || {
            file.segments()
                .filter(|segment| !matches!(segment.name(), Ok(Some("__PAGEZERO" | "__LINKEDIT"))))
        };
        let base = loaded().map(|segment| segment.address()).min().unwrap_or(0);
        let end = loaded().map(|segment| segment.address() + segment.size()).max().unwrap_or(0);
        let mut functions = BTreeMap::new();
        let is_function = |symbol: &object::Symbol<'_, '_>| {
            symbol.kind() == SymbolKind::Text && symbol.is_definition()
        };
        let mut ends: Vec<u64> =
            file.symbols().filter(is_function).map(|symbol| symbol.address()).collect();
        ends.extend(
            file.sections()
                .filter(|section| section.kind() == SectionKind::Text)
                .map(|section| section.address() + section.size()),
        );
        ends.sort_unstable();
        for symbol in file.symbols().filter(is_function) {
            let name = symbol.name().with_context(named)?;
            let start = symbol.address();
            let next =
                ends[ends.partition_point(|end| *end <= start)..].first().map_or(start, |end| *end);
            let size = if is_macho { next - start } else { symbol.size() };
            let name = if is_macho { name.strip_prefix('_').unwrap_or(name) } else { name };
            if size > 0 {
                functions.insert(name.to_owned(), Function { start, size });
            }
        }
        if functions.is_empty() {
            bail!("{}: no functions in its symbol table", path.display());
        }
        Ok(Self { id, base, size: (end - base).next_multiple_of(0x1000), functions })
    }
}

/// The sections of code of an image, to look for calls in.
#[derive(Debug)]
pub struct Code {
    /// Address and bytes.
    sections: Vec<(u64, Vec<u8>)>,
}

impl Code {
    /// Reads the image at `path`.
    ///
    /// # Errors
    /// If it cannot be read; names it.
    pub fn read(path: &Path) -> Result<Self> {
        let named = || path.display().to_string();
        let data = fs::read(path).with_context(named)?;
        let file = object::File::parse(&*data).with_context(named)?;
        let code = file.sections().filter(|section| section.kind() == SectionKind::Text);
        let sections = code
            .map(|section| Ok((section.address(), section.data().with_context(named)?.to_owned())));
        Ok(Self { sections: sections.collect::<Result<_>>()? })
    }

    /// The offsets in `function` at which a direct call has ended.
    pub fn calls(&self, function: Function, is_arm: bool) -> Vec<u64> {
        let Some(bytes) = self.bytes(function) else { return Vec::new() };
        let after = if is_arm {
            after_arm_calls(bytes)
        } else {
            self.after_x86_calls(bytes, function.start)
        };
        after.into_iter().filter_map(|offset| u64::try_from(offset).ok()).collect()
    }

    /// E8 and a distance that leads to code. A byte of another instruction may look so; it does no
    /// harm.
    fn after_x86_calls(&self, bytes: &[u8], start: u64) -> Vec<usize> {
        let is_call = |(offset, window): &(usize, &[u8])| {
            let Ok(distance) = <[u8; 4]>::try_from(&window[1..]) else { return false };
            let Ok(end) = u64::try_from(offset + window.len()) else { return false };
            let target =
                start.wrapping_add(end).wrapping_add_signed(i32::from_le_bytes(distance).into());
            window[0] == 0xe8 && self.bytes(Function { start: target, size: 1 }).is_some()
        };
        bytes
            .windows(5)
            .enumerate()
            .filter(is_call)
            .map(|(offset, window)| offset + window.len())
            .collect()
    }

    fn bytes(&self, function: Function) -> Option<&[u8]> {
        self.sections.iter().find_map(|(address, data)| {
            let from = usize::try_from(function.start.checked_sub(*address)?).ok()?;
            data.get(from..from.checked_add(usize::try_from(function.size).ok()?)?)
        })
    }
}

/// BL: the upper 6 bits are 100101.
fn after_arm_calls(bytes: &[u8]) -> Vec<usize> {
    let is_call = |word: &[u8]| word.last().is_some_and(|top| top & 0xfc == 0x94);
    bytes
        .chunks_exact(4)
        .enumerate()
        .filter(|(_, word)| is_call(word))
        .map(|(index, _)| index * 4 + 4)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_x86_lead_to_code() {
        // At 0x1000: call 0x1000; call 0x9000; ret.
        let bytes = vec![0xe8, 0xfb, 0xff, 0xff, 0xff, 0xe8, 0xf6, 0x7f, 0, 0, 0xc3];
        let code = Code { sections: vec![(0x1000, bytes)] };
        assert_eq!(code.calls(Function { start: 0x1000, size: 11 }, false), [5]);
        assert_eq!(
            code.calls(Function { start: 0x1000, size: 12 }, false),
            [0; 0],
            "beyond the section"
        );
    }

    #[test]
    fn calls_of_arm_are_bl() {
        // b 4; bl 8; ret.
        let bytes = [0x1400_0001_u32, 0x9400_0002, 0xd65f_03c0]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let code = Code { sections: vec![(0x1000, bytes)] };
        assert_eq!(code.calls(Function { start: 0x1000, size: 12 }, true), [8]);
    }

    #[test]
    fn symbols_of_a_fixture() -> Result<()> {
        let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects");
        let module = Module::read(&objects.join("cpp-gcc-O2-dwarf5.so"))?;
        // As readelf -sW prints them.
        assert_eq!(
            module.functions.get("_ZN5AdderD1Ev").map(|function| function.start),
            Some(0x1300)
        );
        assert_eq!((module.base, module.id.len()), (0, 20));
        let code = Code::read(&objects.join("cpp-gcc-O2-dwarf5.so"))?;
        let function = module.functions["_ZN5Adder3runEj.cold"];
        assert!(!code.calls(function, false).is_empty() || function.size < 5);
        Ok(())
    }
}
