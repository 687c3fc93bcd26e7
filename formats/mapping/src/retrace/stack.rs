//! Makes frames of what was found: every [`Alternative`], and what the next frame has to know.
//!
//! R8, `RetraceFrameResultImpl`.

use super::find::{FoundLines, Pick, is_wide};
use super::frame::{Alternative, Context, Query, RetracedFrame};
use crate::limits::MAX_ALTERNATIVES;
use crate::row::{ClassRow, MappedLine, Member, Signature};
use crate::source::inferred;

/// What a frame stands for.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    /// Each with the context that it leaves.
    pub(super) alternatives: Vec<(Alternative, Context)>,
    /// Whether R8 calls it ambiguous: a line that the trace does not have must not be added then.
    pub(super) is_ambiguous: bool,
}

/// All stacks that were found.
pub(super) fn stacks(
    row: &ClassRow,
    query: &Query,
    found: &FoundLines,
    thrown: Option<&str>,
) -> Stacks {
    let mut maker = Maker { row, query, found, thrown, alternatives: Vec::new() };
    for pick in &found.picks {
        maker.member(pick);
    }
    Stacks { alternatives: maker.alternatives, is_ambiguous: found.is_ambiguous }
}

/// The class alone was found: the method keeps its name.
pub(super) fn class_only(row: &ClassRow, query: &Query) -> Stacks {
    let class = row.original().to_owned();
    let file = row
        .source_file()
        .map_or_else(|| inferred(&class, query.file.unwrap_or_default()), str::to_owned);
    let line = query.line.filter(|line| *line > 0);
    let frame = RetracedFrame {
        class,
        method: query.method.to_owned(),
        file,
        line,
        ..RetracedFrame::default()
    };
    Stacks {
        alternatives: vec![(Alternative { frames: vec![frame] }, Context::default())],
        is_ambiguous: false,
    }
}

struct Maker<'a> {
    row: &'a ClassRow,
    query: &'a Query<'a>,
    found: &'a FoundLines,
    thrown: Option<&'a str>,
    alternatives: Vec<(Alternative, Context)>,
}

impl Maker<'_> {
    fn member(&mut self, pick: &Pick) {
        let member = self.row.members[pick.member];
        if pick.lines.is_empty() {
            let Some(outermost) = self.row.lines_of(pick.member).next_back() else { return };
            let signature = *self.row.signature(&self.row.lines[outermost]);
            let frame = self.frame(&signature, self.query.line, is_made(member));
            return self.push(member, vec![frame]);
        }
        let (row, lines) = (self.row, &pick.lines);
        for stack in lines.chunk_by(|a, b| {
            row.lines[*a].range.is_some() && row.lines[*a].range == row.lines[*b].range
        }) {
            let stack: Vec<&MappedLine> = stack.iter().map(|index| &row.lines[*index]).collect();
            self.stack(member, &stack);
        }
    }

    /// One stack, or several where its innermost frame has several lines.
    fn stack(&mut self, member: Member, lines: &[&MappedLine]) {
        let Some((innermost, _)) = lines.split_first() else { return };
        match innermost.original.span() {
            Some(span) if self.found.is_ambiguous && is_wide(innermost) => {
                let room = u32::try_from(MAX_ALTERNATIVES).unwrap_or(u32::MAX);
                if span.width() >= room {
                    self.frames(member, lines, Some(0));
                    return;
                }
                for line in span.first..=span.last {
                    self.frames(member, lines, Some(line));
                }
            }
            _ => self.frames(member, lines, None),
        }
    }

    /// The frames of `lines`; the innermost is at `first`, if that is given.
    fn frames(&mut self, member: Member, lines: &[&MappedLine], first: Option<u32>) {
        let outermost = lines.len().saturating_sub(1);
        let remove = self.removed(lines);
        let frames = lines.iter().enumerate().skip(remove).map(|(index, line)| {
            let position =
                first.filter(|_| index == 0).or_else(|| self.position(line)).or(self.query.line);
            self.frame(self.row.signature(line), position, index == outermost && is_made(member))
        });
        let frames = frames.collect();
        self.push(member, frames);
    }

    fn push(&mut self, member: Member, frames: Vec<RetracedFrame>) {
        if self.alternatives.len() < MAX_ALTERNATIVES {
            let outline = self.found.position.filter(|_| member.outline);
            self.alternatives.push((Alternative { frames }, Context { thrown: None, outline }));
        }
    }

    /// The original line of an entry; 0 if it has none there. `None` if the trace's own line is the
    /// original one.
    fn position(&self, line: &MappedLine) -> Option<u32> {
        let span = line.original.span();
        if let Some(span) = span.filter(|span| span.width() == 0) {
            return Some(span.first);
        }
        let position = self.found.position;
        if !self.found.is_ambiguous && (line.range.is_none() || position.is_none()) {
            return span.map(|span| span.first).filter(|first| *first > 0);
        }
        let (range, position) = (line.range?, position?);
        range.contains(position).then(|| {
            span.map_or(position, |span| span.first.saturating_add(position - range.first))
        })
    }

    /// How many frames rules take away. More than there are is an error in the mapping: then none.
    fn removed(&self, lines: &[&MappedLine]) -> usize {
        let rules =
            lines.iter().filter_map(|line| self.row.extra(line)).flat_map(|extra| &extra.rules);
        let holds = rules.filter(|rule| {
            rule.throws.iter().all(|descriptor| self.is_thrown(self.row.names.get(*descriptor)))
        });
        let count = holds.fold(0u32, |count, rule| count.saturating_add(rule.remove)) as usize;
        if count > lines.len() { 0 } else { count }
    }

    fn is_thrown(&self, descriptor: &str) -> bool {
        let name = descriptor.strip_prefix('L').and_then(|name| name.strip_suffix(';'));
        let dots = |byte| if byte == b'/' { b'.' } else { byte };
        self.thrown
            .zip(name)
            .is_some_and(|(thrown, name)| thrown.bytes().eq(name.bytes().map(dots)))
    }

    fn frame(
        &self,
        signature: &Signature,
        position: Option<u32>,
        synthesized: bool,
    ) -> RetracedFrame {
        let class = self.row.class_of(signature);
        let file = self.row.source_of(signature);
        RetracedFrame {
            class: class.to_owned(),
            method: self.row.names.get(signature.name).to_owned(),
            arguments: Some(self.row.names.get(signature.arguments).to_owned()),
            returns: Some(self.row.names.get(signature.returns).to_owned()),
            file: file.map_or_else(
                || inferred(class, self.query.file.unwrap_or_default()),
                str::to_owned,
            ),
            line: position.filter(|line| *line > 0),
            synthesized,
        }
    }
}

fn is_made(member: Member) -> bool {
    member.synthesized || member.outline
}
