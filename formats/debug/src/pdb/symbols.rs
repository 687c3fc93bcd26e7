//! Reads the symbol records of a module: its functions and thunks, and which calls were inlined
//! into which ([`ModuleRecords`]).

use super::fields::Fields;
use crate::limits::MAX_INLINE_DEPTH;
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
        Some(Self { section, offset, bytes, name: fields.text(), sites: Vec::new() })
    }

    /// A thunk, likewise.
    fn parse_thunk(mut fields: Fields<'a>) -> Option<Self> {
        fields.skip(12)?;
        let (offset, section, bytes, _kind) =
            (fields.u32()?, fields.u16()?, fields.u16()?, fields.u8()?);
        let bytes = bytes.into();
        Some(Self { section, offset, bytes, name: fields.text(), sites: Vec::new() })
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
        records
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
            // S_BLOCK32, S_WITH32, S_SEPCODE, functions of .NET and of MIPS and Itanium.
            0x1103 | 0x1104 | 0x1132 | 0x112a | 0x112b | 0x1114 | 0x1115 | 0x1118 | 0x1119
            | 0x1148 | 0x1149 | 0x114a | 0x114b => {
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
