//! Opens the modules of a PDB, and reads the records and lines of each: [`ParsedModule`].

use rayon::prelude::*;

use super::addresses::Addresses;
use super::fields::Fields;
use super::header::{DebugInfo, ModuleEntry};
use super::lines::LineData;
use super::streams::{Stream, Streams, bytes};
use super::symbols::ModuleRecords;
use crate::module::{DropCounts, DropReason};

/// All modules, with their streams.
pub struct OpenModules<'a>(Vec<(ModuleEntry<'a>, Option<Stream>)>);

impl<'a> OpenModules<'a> {
    /// Opens the stream of each. Those that cannot be read are counted.
    pub fn open(
        debug_info: &DebugInfo<'a>,
        streams: &Streams<'_>,
        dropped: &mut DropCounts,
    ) -> Self {
        let open = |entry: ModuleEntry<'a>| {
            let stream = match entry.stream.map(|number| streams.get(number)) {
                Some(Ok(stream)) => stream,
                Some(Err(_)) => {
                    dropped.count(DropReason::BadUnit);
                    None
                }
                None => None,
            };
            (entry, stream)
        };
        Self(debug_info.modules().into_iter().map(open).collect())
    }

    /// Reads the records and lines of each.
    pub fn parse(
        &'a self,
        addresses: &Addresses,
        dropped: &mut DropCounts,
    ) -> Vec<ParsedModule<'a>> {
        let parsed: Vec<(ParsedModule<'a>, DropCounts)> = self
            .0
            .par_iter()
            .map(|(entry, stream)| {
                let mut dropped = DropCounts::default();
                let mut fields = Fields(bytes(stream.as_ref()));
                let parts = (|| {
                    let symbols = fields.part(entry.symbol_bytes)?;
                    let _old_lines = fields.part(entry.old_line_bytes)?;
                    Some((symbols, fields.part(entry.line_bytes)?))
                })();
                if parts.is_none() && stream.is_some() {
                    dropped.count(DropReason::BadUnit);
                }
                let (symbols, lines) = parts.unwrap_or_default();
                let records = ModuleRecords::parse(symbols.0, &mut dropped);
                let lines = LineData::parse(lines.0, addresses, &mut dropped);
                (ParsedModule { name: entry.name, records, lines, bytes: symbols.0.len() }, dropped)
            })
            .collect();
        parsed.iter().for_each(|(_, counts)| dropped.merge(counts));
        parsed.into_iter().map(|(module, _)| module).collect()
    }
}

/// A module whose records were read.
pub struct ParsedModule<'a> {
    pub name: &'a [u8],
    pub records: ModuleRecords<'a>,
    pub lines: LineData<'a>,
    /// Of its records.
    pub bytes: usize,
}
