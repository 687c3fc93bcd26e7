//! Which mapping each line of a text is of: the one that is named, or that R8 has written into the
//! frames of its trace.
//!
//! ```text
//! java.lang.IllegalStateException: text          waits for a frame
//!     at java.util.Objects.check(Objects.java:9) waits
//!     at a.b.c(r8-map-id-aaaa…:2)                says it, for the lines before it and those behind it
//! Caused by: a.x                                 the same
//! a.y: text                                      the trace is over: waits
//! ```

use std::collections::VecDeque;
use std::ops::Range;

use symtool_mapping::{MapId, is_frame};
use symtool_store::{Catalog, Mapping, Mappings, Module};

use super::limits::{MAX_WAITING_BYTES, MAX_WAITING_LINES};
use crate::advice;
use crate::find;

/// Lines of one mapping. Absent if they have none, so that they stay as they are.
pub type Span = (Range<usize>, Option<usize>);

/// Which mapping a trace is of; none if that is not in the store.
type OfTrace = Option<usize>;

/// Chooses mappings.
pub struct Choice<'m> {
    mappings: &'m Mappings<'m>,
    catalog: &'m Catalog<'m>,
    /// Those met so far.
    met: Vec<Mapping<'m>>,
    /// Ids met so far, each with its mapping, or why it has none.
    ids: Vec<(MapId, Result<usize, String>)>,
    /// What lines are of that name none.
    default: Option<usize>,
    /// Whether all lines are of that.
    is_fixed: bool,
    /// The trace that goes on, once it is known of which mapping it is.
    trace: Option<OfTrace>,
    /// Frames that name no mapping, where there is no other way to know it.
    nameless: u64,
}

/// Lines that wait for a frame that names their mapping.
#[derive(Debug, Default)]
struct Waiting {
    /// Where they begin.
    lines: VecDeque<usize>,
    /// How many of them are frames.
    frames: u64,
}

impl<'m> Choice<'m> {
    /// All lines are of `mapping`.
    pub fn fixed(
        mappings: &'m Mappings<'m>,
        catalog: &'m Catalog<'m>,
        mapping: Mapping<'m>,
    ) -> Self {
        Self { is_fixed: true, ..Self::new(mappings, catalog, Some(mapping)) }
    }

    /// Lines that name no mapping are of `default`.
    pub fn new(
        mappings: &'m Mappings<'m>,
        catalog: &'m Catalog<'m>,
        default: Option<Mapping<'m>>,
    ) -> Self {
        let met: Vec<Mapping<'m>> = default.into_iter().collect();
        let default = (!met.is_empty()).then_some(0);
        Self {
            mappings,
            catalog,
            met,
            ids: Vec::new(),
            default,
            is_fixed: false,
            trace: None,
            nameless: 0,
        }
    }

    /// The mapping numbered `number`.
    pub fn mapping(&self, number: usize) -> Option<Mapping<'m>> {
        self.met.get(number).copied()
    }

    /// Says of which mapping the whole lines of `text` are, one after the other. Those at its end
    /// that wait for the next ones are left out, unless `is_last`.
    pub fn spans(&mut self, text: &[u8], is_last: bool) -> Vec<Span> {
        if self.is_fixed {
            return vec![(0..text.len(), self.default)];
        }
        let mut spans = Vec::new();
        let mut named = MapId::all_in(text).peekable();
        if named.peek().is_none() && self.ids.is_empty() && self.default.is_some() {
            return vec![(0..text.len(), self.default)];
        }
        let (mut waiting, mut start) = (Waiting::default(), 0);
        while start < text.len() {
            let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at + 1);
            let mut id = None;
            while let Some((_, found)) = named.next_if(|(at, _)| *at < end) {
                id.get_or_insert(found);
            }
            self.line(&text[start..end], start..end, id, &mut waiting, &mut spans);
            start = end;
        }
        if is_last {
            self.give(text.len(), None, &mut waiting, &mut spans);
        }
        spans
    }

    fn line(
        &mut self,
        line: &[u8],
        at: Range<usize>,
        id: Option<MapId>,
        waiting: &mut Waiting,
        spans: &mut Vec<Span>,
    ) {
        if let Some(id) = id {
            let mapping = self.by_id(id);
            waiting.lines.push_back(at.start);
            self.give(at.end, Some(mapping), waiting, spans);
            self.trace = Some(mapping);
            return;
        }
        let is_frame = is_frame(line);
        let is_of_trace = is_frame || goes_on(line);
        if let Some(mapping) = self.trace.filter(|_| is_of_trace) {
            return push(spans, at, mapping);
        }
        // Another trace begins, or none.
        if !is_of_trace && self.trace.take().is_none() && waiting.frames > 0 {
            self.give(at.start, None, waiting, spans);
        }
        waiting.lines.push_back(at.start);
        waiting.frames += u64::from(is_frame);
        if waiting.frames == 0 && waiting.lines.len() > MAX_WAITING_LINES {
            // So far before a frame is no exception that it belongs to.
            let first = waiting.lines.pop_front().zip(waiting.lines.front().copied());
            let mapping = self.default.or_else(|| self.only_named());
            first.into_iter().for_each(|(start, end)| push(spans, start..end, mapping));
        } else if waiting.lines.front().is_some_and(|start| at.end - start > MAX_WAITING_BYTES) {
            self.give(at.end, None, waiting, spans);
        }
    }

    /// The lines that wait, up to `end`, are of `mapping`; of the default one if nothing says of
    /// which.
    fn give(
        &mut self,
        end: usize,
        mapping: Option<OfTrace>,
        waiting: &mut Waiting,
        spans: &mut Vec<Span>,
    ) {
        let Waiting { lines, frames } = std::mem::take(waiting);
        let Some(start) = lines.front() else { return };
        let mapping = mapping.unwrap_or_else(|| {
            let mapping = self.default.or_else(|| self.only_named());
            self.nameless += if mapping.is_none() { frames } else { 0 };
            mapping
        });
        push(spans, *start..end, mapping);
    }

    /// The mapping of all traces so far, if it is one.
    fn only_named(&self) -> Option<usize> {
        match &self.ids[..] {
            [(_, Ok(only))] => Some(*only),
            _ => None,
        }
    }

    fn by_id(&mut self, id: MapId) -> Option<usize> {
        if let Some((_, known)) = self.ids.iter().find(|(known, _)| *known == id) {
            return known.as_ref().ok().copied();
        }
        let found = by_id(self.catalog, &id).map(|module| {
            self.met.push(self.mappings.of(module));
            self.met.len() - 1
        });
        let number = found.as_ref().ok().copied();
        self.ids.push((id, found));
        number
    }

    /// Why some traces stayed as they are.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().filter_map(|(_, found)| found.as_ref().err().map(String::as_str))
    }

    /// How many frames named no mapping, where that was the only way to know it.
    pub fn nameless(&self) -> u64 {
        self.nameless
    }
}

/// The mapping that R8 calls `id`.
fn by_id<'c>(catalog: &'c Catalog<'_>, id: &MapId) -> Result<&'c Module, String> {
    let digits = id.digits();
    match catalog.mappings_by_id(digits).map_err(|error| advice::store(&error))?[..] {
        [only] => Ok(only),
        [] => Err(format!(
            "the trace needs the mapping {digits}, which is not in the store; import it, or pass --mapping"
        )),
        ref several => {
            let candidates = find::candidates(several.to_vec());
            Err(format!(
                "the trace needs the mapping {digits}, and several ids begin like this: {candidates}; pass --mapping with the id of one"
            ))
        }
    }
}

/// Whether a line belongs to the trace before it, though it is no frame.
fn goes_on(line: &[u8]) -> bool {
    let words: [&[u8]; 4] = [b"Caused by:", b"Suppressed:", b"[CIRCULAR REFERENCE:", b"... "];
    words.iter().any(|word| memchr::memmem::find(line, word).is_some())
}

fn push(spans: &mut Vec<Span>, lines: Range<usize>, mapping: Option<usize>) {
    match spans.last_mut().filter(|(last, of)| *of == mapping && last.end == lines.start) {
        Some((last, _)) => last.end = lines.end,
        None => spans.push((lines, mapping)),
    }
}
