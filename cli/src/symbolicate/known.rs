//! Resolves the frames of a report: native ones by symbols, Java's by a mapping.

use anyhow::Result;
use symtool_crashes::fingerprint::Symbols;
use symtool_mapping::{Retrace, RetraceStyle};
use symtool_report::{
    self as crash, CrashEvent, ExceptionName, Resolution, annotate_all, annotate_exceptions,
};
use symtool_store::{Catalog, Mappings, Module};

use crate::retrace::Choice;

/// What frames are resolved with.
pub struct Known<'s> {
    pub symbols: Symbols<'s>,
    pub mappings: &'s Mappings<'s>,
    pub catalog: &'s Catalog<'s>,
    /// The mapping of Java frames that was named.
    pub mapping: Option<&'s Module>,
}

impl Known<'_> {
    /// `report`, which tells of `events`, with its frames resolved.
    pub fn resolved(&self, report: &[u8], events: &[CrashEvent]) -> Result<Vec<u8>> {
        let mut mapping = self.mapping;
        for event in events {
            mapping = mapping
                .map_or_else(|| self.symbols.mapping_of(event), |mapping| Ok(Some(mapping)))?;
        }
        let is_json = report.trim_ascii_start().starts_with(b"{");
        let mut resolutions = Vec::with_capacity(events.len());
        for event in events {
            let mut known = self.symbols.resolve(event);
            if let Some(mapping) = mapping.filter(|_| is_json) {
                self.symbols.resolve_java(event, mapping, &mut known)?;
            }
            resolutions.push(known);
        }
        let mut text = Vec::new();
        let told: Vec<(&CrashEvent, &[Resolution])> =
            events.iter().zip(resolutions.iter().map(Vec::as_slice)).collect();
        annotate_all(report, &told, &mut text);
        match mapping {
            _ if crash::is_binary(report) => Ok(text),
            _ if !is_json => self.retraced(&text, mapping),
            Some(mapping) => self.with_exceptions(&text, mapping),
            None => Ok(text),
        }
    }

    /// A text in which exceptions and their messages have names too: each trace by its own mapping,
    /// those that name none by `mapping`.
    fn retraced(&self, text: &[u8], mapping: Option<&Module>) -> Result<Vec<u8>> {
        let default = mapping.map(|mapping| self.mappings.of(mapping));
        let mut choice = match default.filter(|_| self.mapping.is_some()) {
            Some(mapping) => Choice::fixed(self.mappings, self.catalog, mapping),
            None => Choice::new(self.mappings, self.catalog, default),
        };
        let mut retraced = Vec::with_capacity(text.len());
        for (lines, number) in choice.spans(text, true) {
            match number.and_then(|number| choice.mapping(number)) {
                Some(mapping) => {
                    let mut retrace = Retrace::new(mapping, RetraceStyle::R8);
                    retrace.text(&text[lines], &mut retraced)?;
                    retrace.finish(&mut retraced)?;
                }
                None => retraced.extend_from_slice(&text[lines]),
            }
        }
        Ok(retraced)
    }

    /// A JSON report whose exceptions have the names of the source.
    fn with_exceptions(&self, report: &[u8], mapping: &Module) -> Result<Vec<u8>> {
        let mut retrace = self.symbols.retrace(mapping);
        let mut failed = None;
        let mut text = Vec::with_capacity(report.len());
        let mut keep = |found: Result<Option<String>, _>| {
            found.unwrap_or_else(|error| {
                failed.get_or_insert(error);
                None
            })
        };
        annotate_exceptions(report, &mut text, |name| match name {
            ExceptionName::Class(class) => keep(retrace.remap_class(class)),
            ExceptionName::Message(message) => keep(retrace.remap_message(message).map(Some)),
        });
        failed.map_or(Ok(text), |error| Err(error.into()))
    }
}

impl Known<'_> {
    /// A line that is a report in JSON, with its frames resolved: a stream of these may have begun
    /// with something else.
    pub fn report_of_line(&self, line: &[u8]) -> Result<Option<Vec<u8>>> {
        if !line.starts_with(b"{") {
            return Ok(None);
        }
        let events: Vec<CrashEvent> =
            crash::all(line).into_iter().filter_map(|told| told.event.ok()).collect();
        if events.is_empty() { Ok(None) } else { self.resolved(line, &events).map(Some) }
    }
}
