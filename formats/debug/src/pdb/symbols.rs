//! Reads the symbol records of a module: its functions and thunks, their code that lies elsewhere,
//! and which calls were inlined into which ([`ModuleRecords`]).

use super::fields::Fields;
use crate::limits::{MAX_CODE_PARTS, MAX_INLINE_DEPTH};
use crate::module::{DropCounts, DropReason};

/// A function, and the calls that were inlined into it.
#[derive(Debug)]
pub struct Procedure<'a> {
    pub section: u16,
    pub offset: u32,
    pub bytes: u32,
    pub name: &'a [u8],
    /// A caller stands before its callees.
    pub sites: Vec<InlineSite<'a>>,
    /// Code that the compiler moved away, such as code that seldom runs. Annotations count these
    /// parts from 1.
    pub parts: Vec<CodePart>,
}

/// A part of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePart {
    pub section: u16,
    pub offset: u32,
    pub bytes: u32,
}

/// A call that was inlined.
#[derive(Clone, Copy, Debug)]
pub struct InlineSite<'a> {
    /// The call that it is in, if it is in another.
    pub caller: Option<usize>,
    /// How many calls it is in.
    pub depth: u32,
    /// The id of its function.
    pub inlinee: u32,
    /// Its addresses and lines: `annotations.rs`.
    pub annotations: &'a [u8],
}

/// Code of the linker that goes on to another function.
#[derive(Clone, Copy, Debug)]
pub struct Trampoline {
    pub section: u16,
    pub offset: u32,
    pub bytes: u16,
    pub target_section: u16,
    pub target_offset: u32,
}

/// What a module has.
#[derive(Debug, Default)]
pub struct ModuleRecords<'a> {
    /// Functions, and thunks of the compiler, in the order of the records.
    pub procedures: Vec<Procedure<'a>>,
    pub trampolines: Vec<Trampoline>,
    /// Parts that did not follow their function, each with the place of that.
    strays: Vec<(CodePart, (u16, u32))>,
}

/// What the end of a scope ends.
#[derive(Clone, Copy)]
enum Scope {
    Procedure,
    Site,
    Other,
}

impl<'a> Procedure<'a> {
    /// A function, from the fields of its record.
    fn parse(mut fields: Fields<'a>) -> Option<Self> {
        fields.skip(12)?;
        let bytes = fields.u32()?;
        // Debug start and end, type.
        fields.skip(12)?;
        let (offset, section, _flags) = (fields.u32()?, fields.u16()?, fields.u8()?);
        Some(Self::new(CodePart { section, offset, bytes }, fields.text()))
    }

    /// A thunk, likewise.
    fn parse_thunk(mut fields: Fields<'a>) -> Option<Self> {
        fields.skip(12)?;
        let (offset, section, bytes, _kind) =
            (fields.u32()?, fields.u16()?, fields.u16()?, fields.u8()?);
        let bytes = bytes.into();
        Some(Self::new(CodePart { section, offset, bytes }, fields.text()))
    }

    fn new(code: CodePart, name: &'a [u8]) -> Self {
        let CodePart { section, offset, bytes } = code;
        Self { section, offset, bytes, name, sites: Vec::new(), parts: Vec::new() }
    }

    /// The code where it begins.
    pub fn main_part(&self) -> CodePart {
        let Self { section, offset, bytes, .. } = *self;
        CodePart { section, offset, bytes }
    }

    /// Whether `place` is in its code, wherever that lies.
    fn has(&self, place: (u16, u32)) -> bool {
        self.main_part().has(place) || self.parts.iter().any(|part| part.has(place))
    }
}

impl CodePart {
    fn has(self, (section, offset): (u16, u32)) -> bool {
        section == self.section && offset.checked_sub(self.offset).is_some_and(|at| at < self.bytes)
    }
}

impl Trampoline {
    fn parse(mut fields: Fields<'_>) -> Option<Self> {
        let (_kind, bytes) = (fields.u16()?, fields.u16()?);
        let (offset, target_offset) = (fields.u32()?, fields.u32()?);
        let (section, target_section) = (fields.u16()?, fields.u16()?);
        Some(Self { section, offset, bytes, target_section, target_offset })
    }
}

impl<'a> ModuleRecords<'a> {
    /// Reads the records in `bytes`. What cannot be read ends it, and is counted.
    pub fn parse(bytes: &'a [u8], dropped: &mut DropCounts) -> Self {
        let mut records = Self::default();
        let mut fields = Fields(bytes);
        let Some(signature) = fields.u32() else { return records };
        // CV_SIGNATURE_C13, and C11, whose records are the same.
        if !matches!(signature, 2 | 4) {
            dropped.count(DropReason::BadEntries);
            return records;
        }
        let mut scopes = Scopes::default();
        while !fields.is_empty() {
            let taken = fields
                .record()
                .and_then(|(kind, record)| records.record(kind, record, &mut scopes, dropped));
            if taken.is_none() {
                dropped.count(DropReason::BadEntries);
                break;
            }
        }
        records.place_strays(dropped);
        records
    }

    /// `S_SEPCODE`: code that belongs to an enclosing scope. Microsoft's compiler writes it behind
    /// the function that it was moved out of.
    fn part(&mut self, mut fields: Fields<'a>) -> Option<()> {
        fields.skip(8)?;
        let (bytes, _flags) = (fields.u32()?, fields.u32()?);
        let (offset, parent_offset) = (fields.u32()?, fields.u32()?);
        let (section, parent_section) = (fields.u16()?, fields.u16()?);
        let (part, parent) = (CodePart { section, offset, bytes }, (parent_section, parent_offset));
        match self.procedures.last_mut().filter(|last| last.has(parent)) {
            Some(last) if last.parts.len() < MAX_CODE_PARTS => last.parts.push(part),
            _ => self.strays.push((part, parent)),
        }
        Some(())
    }

    /// Adds parts that stand elsewhere to their functions, and counts those without one.
    fn place_strays(&mut self, dropped: &mut DropCounts) {
        let strays = std::mem::take(&mut self.strays);
        if strays.is_empty() {
            return;
        }
        let place =
            |(at, procedure): (usize, &Procedure<'a>)| ((procedure.section, procedure.offset), at);
        let mut starts: Vec<_> = self.procedures.iter().enumerate().map(place).collect();
        starts.sort_unstable();
        for (part, parent) in strays {
            let after = starts.partition_point(|(start, _)| *start <= parent);
            let found = after.checked_sub(1).map(|at| &mut self.procedures[starts[at].1]);
            match found.filter(|procedure| procedure.has(parent)) {
                Some(procedure) if procedure.parts.len() < MAX_CODE_PARTS => {
                    procedure.parts.push(part);
                }
                _ => dropped.count(DropReason::BadEntries),
            }
        }
    }

    fn record(
        &mut self,
        kind: u16,
        mut fields: Fields<'a>,
        scopes: &mut Scopes,
        dropped: &mut DropCounts,
    ) -> Option<()> {
        match kind {
            // S_LPROC32, S_GPROC32, with ids, and deferred procedure calls.
            0x110f | 0x1110 | 0x1146 | 0x1147 | 0x1155 | 0x1156 => {
                self.procedures.push(Procedure::parse(fields)?);
                scopes.open(Scope::Procedure);
            }
            // S_THUNK32.
            0x1102 => {
                self.procedures.push(Procedure::parse_thunk(fields)?);
                scopes.open(Scope::Procedure);
            }
            // S_INLINESITE, and S_INLINESITE2 with a count of calls.
            0x114d | 0x115d => {
                fields.skip(8)?;
                let inlinee = fields.u32()?;
                if kind == 0x115d {
                    fields.skip(4)?;
                }
                self.site(inlinee, fields.0, scopes, dropped);
            }
            // S_TRAMPOLINE.
            0x112c => self.trampolines.push(Trampoline::parse(fields)?),
            0x1132 => {
                self.part(fields)?;
                scopes.open(Scope::Other);
            }
            // S_BLOCK32, S_WITH32, functions of .NET and of MIPS and Itanium.
            0x1103 | 0x1104 | 0x112a | 0x112b | 0x1114 | 0x1115 | 0x1118 | 0x1119 | 0x1148
            | 0x1149 | 0x114a | 0x114b => {
                scopes.open(Scope::Other);
            }
            // S_END, S_INLINESITE_END, S_PROC_ID_END.
            0x0006 | 0x114e | 0x114f => scopes.close(),
            _ => {}
        }
        Some(())
    }

    fn site(
        &mut self,
        inlinee: u32,
        annotations: &'a [u8],
        scopes: &mut Scopes,
        dropped: &mut DropCounts,
    ) {
        let depth = scopes.sites.len();
        let procedure = self.procedures.last_mut().filter(|_| scopes.procedures > 0);
        match procedure {
            Some(procedure) if depth < MAX_INLINE_DEPTH as usize => {
                let caller = scopes.sites.last().copied();
                let depth = u32::try_from(depth).unwrap_or(u32::MAX);
                procedure.sites.push(InlineSite { caller, depth, inlinee, annotations });
                scopes.sites.push(procedure.sites.len() - 1);
                scopes.open(Scope::Site);
            }
            Some(_) => {
                dropped.count(DropReason::TooDeep);
                scopes.open(Scope::Other);
            }
            None => scopes.open(Scope::Other),
        }
    }
}

/// What is open.
#[derive(Default)]
struct Scopes {
    open: Vec<Scope>,
    procedures: usize,
    /// The inlined calls among them, by their index.
    sites: Vec<usize>,
}

impl Scopes {
    fn open(&mut self, scope: Scope) {
        if matches!(scope, Scope::Procedure) {
            self.procedures += 1;
            // Nothing is inlined into what another function contains.
            self.sites.clear();
        }
        self.open.push(scope);
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Scope::Procedure) => self.procedures -= 1,
            Some(Scope::Site) => drop(self.sites.pop()),
            Some(Scope::Other) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, contents: &[u8]) -> Vec<u8> {
        let bytes = u16::try_from(contents.len() + 2).unwrap();
        [&bytes.to_le_bytes()[..], &kind.to_le_bytes(), contents].concat()
    }

    fn procedure(name: &str) -> Vec<u8> {
        let numbers: Vec<u8> =
            [0u32, 0, 0, 0x20, 0, 0, 0, 0x100].into_iter().flat_map(u32::to_le_bytes).collect();
        record(0x1110, &[&numbers[..], &[1, 0, 0], name.as_bytes(), b"\0"].concat())
    }

    fn site(inlinee: u32) -> Vec<u8> {
        let numbers: Vec<u8> = [0, 0, inlinee].into_iter().flat_map(u32::to_le_bytes).collect();
        record(0x114d, &[&numbers[..], &[3, 0, 4, 8]].concat())
    }

    #[test]
    fn sites_nest_across_blocks() {
        let end = record(6, &[]);
        let site_end = record(0x114e, &[]);
        let block = record(0x1103, &[0; 16]);
        let bytes = [
            &4u32.to_le_bytes()[..],
            &procedure("outer"),
            &site(1),
            &block,
            &site(2),
            &site_end,
            &end,
            &site_end,
            &site(3),
            &site_end,
            &end,
            &procedure("next"),
            &end,
        ]
        .concat();
        let mut dropped = DropCounts::default();
        let records = ModuleRecords::parse(&bytes, &mut dropped);
        assert_eq!(dropped, DropCounts::default());
        let names: Vec<&[u8]> = records.procedures.iter().map(|procedure| procedure.name).collect();
        assert_eq!(names, [&b"outer"[..], b"next"]);
        let outer = &records.procedures[0];
        assert_eq!((outer.section, outer.offset, outer.bytes), (1, 0x100, 0x20));
        let sites: Vec<_> =
            outer.sites.iter().map(|site| (site.inlinee, site.caller, site.depth)).collect();
        assert_eq!(sites, [(1, None, 0), (2, Some(0), 1), (3, None, 0)]);
    }

    fn part((section, offset): (u16, u32), parent: (u16, u32)) -> Vec<u8> {
        let numbers = [0, 0, 8, 0, offset, parent.1].map(u32::to_le_bytes).concat();
        let sections = [section, parent.0].map(u16::to_le_bytes).concat();
        record(0x1132, &[numbers, sections].concat())
    }

    #[test]
    fn code_that_was_moved_away_belongs_to_its_function() {
        let end = record(6, &[]);
        let bytes = [
            &4u32.to_le_bytes()[..],
            &part((1, 0x900), (1, 0x110)),
            &end,
            &procedure("split"),
            &end,
            &part((1, 0x800), (1, 0x100)),
            &end,
            // Out of the part before it, and out of nothing that there is.
            &part((2, 0x10), (1, 0x804)),
            &end,
            &part((1, 0xa00), (3, 0x100)),
            &end,
        ]
        .concat();
        let mut dropped = DropCounts::default();
        let records = ModuleRecords::parse(&bytes, &mut dropped);
        let parts: Vec<_> =
            records.procedures[0].parts.iter().map(|part| (part.section, part.offset)).collect();
        assert_eq!(parts, [(1, 0x800), (2, 0x10), (1, 0x900)]);
        assert_eq!(dropped.iter().collect::<Vec<_>>(), [(DropReason::BadEntries, 1)]);
    }

    #[test]
    fn calls_nested_without_end_are_counted() {
        let mut bytes = [&4u32.to_le_bytes()[..], &procedure("deep")].concat();
        (0..MAX_INLINE_DEPTH + 5).for_each(|number| bytes.extend(site(number)));
        let mut dropped = DropCounts::default();
        let records = ModuleRecords::parse(&bytes, &mut dropped);
        assert_eq!(records.procedures[0].sites.len(), MAX_INLINE_DEPTH as usize);
        assert!(dropped.has(DropReason::TooDeep));
    }

    #[test]
    fn a_record_longer_than_the_rest_ends_it() {
        let bytes = [&4u32.to_le_bytes()[..], &procedure("kept"), &[0xff, 0xff, 6, 0]].concat();
        let mut dropped = DropCounts::default();
        assert_eq!(ModuleRecords::parse(&bytes, &mut dropped).procedures.len(), 1);
        assert!(dropped.has(DropReason::BadEntries));
    }
}
