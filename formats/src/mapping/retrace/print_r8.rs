//! Lines as R8's `retrace` prints them: in, a line of a trace; out, the lines that it stands for.
//!
//! R8, `StringRetrace.joinAmbiguousLines`: alternatives stand below each other, first their innermost frames, then the next ones.

use std::io::Write;
use std::ops::Range;

use super::frame::{Alternative, Context, Frame, Query};
use super::stack::Stacks;
use super::trace_line::{FrameLine, Grammar, frame, object, words};
use super::{Classes, Retrace, after};

impl<C: Classes> Retrace<C> {
    /// Appends what `line` stands for, with `end` behind each line.
    pub(super) fn line_as_r8(&mut self, line: &[u8], end: &[u8], out: &mut Vec<u8>) -> Result<(), C::Error> {
        let context = std::mem::take(&mut self.context);
        if let Some(found) = frame(line, Grammar::R8) {
            return self.frame_as_r8(line, end, &found, &context, out);
        }
        let class = match object(line) {
            Some(class) => Some(class),
            None => self.thrown(line)?,
        };
        let original = match class.as_ref().and_then(|class| text(line, class.clone())) {
            Some(class) => self.remap_class(class)?,
            None => None,
        };
        match class.zip(original) {
            Some((class, original)) => {
                out.extend_from_slice(&line[..class.start]);
                out.extend_from_slice(original.as_bytes());
                out.extend_from_slice(&line[class.end..]);
            }
            None => out.extend_from_slice(line),
        }
        out.extend_from_slice(end);
        Ok(())
    }

    /// The class of the exception in a line: the first word; or, if the mapping does not have it, the first with a dot that it has. It is
    /// what the next frame was thrown by.
    fn thrown(&mut self, line: &[u8]) -> Result<Option<Range<usize>>, C::Error> {
        let words = words(line, Grammar::R8);
        let mut thrown = words.first().cloned();
        for (index, word) in words.into_iter().enumerate() {
            let class = text(line, word.clone()).filter(|class| index == 0 || class.contains('.'));
            if let Some(class) = class
                && self.classes.class(class)?.is_some()
            {
                thrown = Some(word);
                break;
            }
        }
        if let Some(class) = thrown.clone().and_then(|word| text(line, word)) {
            self.context = Context::thrown(class);
        }
        Ok(thrown)
    }

    fn frame_as_r8(&mut self, line: &[u8], end: &[u8], found: &FrameLine, context: &Context, out: &mut Vec<u8>) -> Result<(), C::Error> {
        let texts = [&found.class, &found.method, &found.file].map(|range| text(line, range.clone()));
        let [Some(class), Some(method), file] = texts else {
            out.extend_from_slice(line);
            out.extend_from_slice(end);
            return Ok(());
        };
        let number = text(line, found.line.clone()).and_then(|digits| digits.parse::<u32>().ok());
        let query = Query { class, method, descriptor: None, file, line: number };
        match self.stacks(&query, context)? {
            Some(stacks) => {
                let printer = Printer { line, end, found, is_line_printed: number.is_some() || !stacks.is_ambiguous };
                self.context = printer.print(stacks, number.is_some_and(|line| line > 0), out);
            }
            None => {
                out.extend_from_slice(line);
                out.extend_from_slice(end);
            }
        }
        Ok(())
    }
}

fn text(line: &[u8], range: Range<usize>) -> Option<&str> {
    std::str::from_utf8(&line[range]).ok()
}

struct Printer<'a> {
    line: &'a [u8],
    end: &'a [u8],
    found: &'a FrameLine,
    /// Whether the original line is printed: not if it was added to an ambiguous frame.
    is_line_printed: bool,
}

impl Printer<'_> {
    /// Prints what people see of all alternatives, each once. Returns what the next frame has to know.
    fn print(&self, stacks: Stacks, is_line_known: bool, out: &mut Vec<u8>) -> Context {
        // Most frames.
        if let [(alternative, context)] = &*stacks.alternatives {
            alternative.visible().for_each(|frame| self.frame(frame, false, out));
            return context.clone();
        }
        let mut alternatives: Vec<(Alternative, Context)> = Vec::with_capacity(stacks.alternatives.len());
        let mut unseen = Vec::new();
        for (alternative, context) in stacks.alternatives {
            let Some(first) = alternative.visible().next() else {
                unseen.push((alternative, context));
                continue;
            };
            let is_same = |other: &&Frame| {
                let is_same_line = !is_line_known || other.line == first.line;
                is_same_line && (&other.class, &other.method, &other.file) == (&first.class, &first.method, &first.file)
            };
            if !alternatives.iter().filter_map(|(other, _)| other.visible().next()).any(|other| is_same(&other)) {
                alternatives.push((alternative, context));
            }
        }
        let context = after(if alternatives.is_empty() { &unseen } else { &alternatives });
        alternatives.sort_by(|(a, _), (b, _)| a.visible().next().cmp(&b.visible().next()));
        let depth = alternatives.iter().map(|(alternative, _)| alternative.visible().count()).max().unwrap_or(0);
        let mut printed: Vec<&Frame> = Vec::new();
        for level in 0..depth {
            printed.clear();
            for (index, (alternative, _)) in alternatives.iter().enumerate() {
                let Some(frame) = alternative.visible().nth(level) else { continue };
                if !printed.iter().any(|other| self.is_same_text(other, frame)) {
                    self.frame(frame, index > 0, out);
                    printed.push(frame);
                }
            }
        }
        context
    }

    fn is_same_text(&self, a: &Frame, b: &Frame) -> bool {
        (&a.class, &a.method, &a.file) == (&b.class, &b.method, &b.file) && (!self.is_line_printed || a.line == b.line)
    }

    fn frame(&self, frame: &Frame, is_other: bool, out: &mut Vec<u8>) {
        let FrameLine { at, class, method, file, close, .. } = self.found;
        out.extend_from_slice(&self.line[..*at]);
        if is_other {
            out.extend_from_slice(b"<OR> ");
        }
        out.extend_from_slice(&self.line[*at..class.start]);
        out.extend_from_slice(frame.class.as_bytes());
        out.push(b'.');
        out.extend_from_slice(frame.method.as_bytes());
        out.extend_from_slice(&self.line[method.end..file.start]);
        out.extend_from_slice(frame.file.as_bytes());
        if let Some(line) = frame.line.filter(|_| self.is_line_printed) {
            // Writing to memory does not fail.
            let _ = write!(out, ":{line}");
        }
        out.extend_from_slice(&self.line[*close..]);
        out.extend_from_slice(self.end);
    }
}
