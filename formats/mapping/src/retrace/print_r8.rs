//! Lines as R8's `retrace` prints them, one or more for each line of a trace.
//!
//! R8, `StringRetrace.joinAmbiguousLines`: alternatives stand below each other, first their
//! innermost frames, then the next ones.

use std::io::Write;
use std::ops::Range;

use super::art_line::{ArtLine, art_frame};
use super::frame::{Alternative, Context, Query, RetracedFrame, line_number};
use super::stack::Stacks;
use super::trace_line::{FrameLine, Grammar, frame, object, words};
use super::{Classes, Retrace, after};

impl<C: Classes> Retrace<C> {
    /// Appends what `line` stands for, with `end` behind each line.
    pub(super) fn line_as_r8(
        &mut self,
        line: &[u8],
        end: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let context = std::mem::take(&mut self.context);
        if let Some(found) = frame(line, Grammar::R8) {
            return self.frame_as_r8(line, end, &found, &context, out);
        }
        if let Some(found) = art_frame(line) {
            return self.art_frame(line, end, &found, out);
        }
        if let Some(class) = object(line) {
            self.put_class(line, class.clone(), out)?;
            out.extend_from_slice(&line[class.end..]);
        } else if let Some(class) = self.thrown(line)? {
            self.put_class(line, class.clone(), out)?;
            self.put_message(line, class, out)?;
        } else {
            out.extend_from_slice(line);
        }
        out.extend_from_slice(end);
        Ok(())
    }

    /// What stands before `class`, and its original name.
    fn put_class(
        &mut self,
        line: &[u8],
        class: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        out.extend_from_slice(&line[..class.start]);
        let original = match text(line, class.clone()) {
            Some(class) => self.remap_class(class)?,
            None => None,
        };
        out.extend_from_slice(
            original.as_ref().map_or(&line[class], |original| original.as_bytes()),
        );
        Ok(())
    }

    /// What the exception `class` says, with the original names of the classes in it.
    fn put_message(
        &mut self,
        line: &[u8],
        class: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let is_exception = class.start > 0 || line[class.clone()].contains(&b'.');
        let rest = &line[class.end..];
        match std::str::from_utf8(rest).ok().filter(|_| is_exception && !rest.is_empty()) {
            Some(message) => out.extend_from_slice(self.remap_message(message)?.as_bytes()),
            None => out.extend_from_slice(rest),
        }
        Ok(())
    }

    /// The class of the exception in a line: the first word; or, if the mapping does not have it,
    /// the first with a dot that it has. It is what the next frame was thrown by.
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

    fn frame_as_r8(
        &mut self,
        line: &[u8],
        end: &[u8],
        found: &FrameLine,
        context: &Context,
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let texts = [&found.class, &found.method, &found.file, &found.line]
            .map(|range| text(line, range.clone()));
        let [Some(class), Some(method), file, digits] = texts else {
            out.extend_from_slice(line);
            out.extend_from_slice(end);
            return Ok(());
        };
        let number = digits.and_then(line_number);
        let query = Query { class, method, descriptor: None, file, line: number };
        let Some(stacks) = self.stacks(&query, context)? else {
            out.extend_from_slice(line);
            out.extend_from_slice(end);
            return Ok(());
        };
        let printed = Printed::of(&stacks, number, self.style.is_verbose());
        self.context = print(stacks, printed, |frame, is_other| {
            let FrameLine { at, class, method, file, close, .. } = found;
            put_alternative(line, *at, is_other, out);
            out.extend_from_slice(&line[*at..class.start]);
            out.extend_from_slice(frame.class.as_bytes());
            out.push(b'.');
            put_method(frame, printed.is_verbose, out);
            out.extend_from_slice(&line[method.end..file.start]);
            out.extend_from_slice(frame.file.as_bytes());
            match frame.line.filter(|_| printed.has_line) {
                // Writing to memory does not fail.
                Some(number) => drop(write!(out, ":{number}")),
                // A number that no line has stays.
                None if number.is_none() && digits.is_some_and(|digits| !digits.is_empty()) => {
                    out.extend_from_slice(&line[file.end..*close]);
                }
                None => {}
            }
            out.extend_from_slice(&line[*close..]);
            out.extend_from_slice(end);
        });
        Ok(())
    }

    /// A frame of Java code in a native stack: a line for each of its methods.
    fn art_frame(
        &mut self,
        line: &[u8],
        end: &[u8],
        found: &ArtLine,
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let stacks = match (text(line, found.class.clone()), text(line, found.method.clone())) {
            (Some(class), Some(method)) => {
                self.stacks(&Query { class, method, ..Query::default() }, &Context::default())?
            }
            _ => None,
        };
        let Some(stacks) = stacks else {
            out.extend_from_slice(line);
            out.extend_from_slice(end);
            return Ok(());
        };
        let printed = Printed::of(&stacks, None, self.style.is_verbose());
        print(stacks, printed, |frame, is_other| {
            put_alternative(line, found.at, is_other, out);
            out.extend_from_slice(&line[found.at..found.class.start]);
            out.extend_from_slice(frame.class.as_bytes());
            out.push(b'.');
            put_method(frame, printed.is_verbose, out);
            out.extend_from_slice(&line[found.method.end..]);
            out.extend_from_slice(end);
        });
        Ok(())
    }
}

pub(super) fn text(line: &[u8], range: Range<usize>) -> Option<&str> {
    std::str::from_utf8(&line[range]).ok()
}

/// What stands before `at`; of an alternative, with its mark.
pub(super) fn put_alternative(line: &[u8], at: usize, is_other: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&line[..at]);
    if is_other {
        out.extend_from_slice(b"<OR> ");
    }
}

/// The name of a method; `is_verbose` with its types, if the mapping has them.
pub(super) fn put_method(frame: &RetracedFrame, is_verbose: bool, out: &mut Vec<u8>) {
    match (&frame.returns, &frame.arguments) {
        (Some(returns), Some(arguments)) if is_verbose => {
            [returns, " ", &frame.method, "(", arguments, ")"]
                .iter()
                .for_each(|part| out.extend_from_slice(part.as_bytes()));
        }
        _ => out.extend_from_slice(frame.method.as_bytes()),
    }
}

/// What is printed of frames, and so what tells two of them apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Printed {
    /// Whether the trace has a line.
    is_line_known: bool,
    /// Whether the original line is printed: not if it was added to an ambiguous frame.
    pub(super) has_line: bool,
    pub(super) is_verbose: bool,
}

impl Printed {
    /// Of a frame that has line `number` in the trace.
    pub(super) fn of(stacks: &Stacks, number: Option<u32>, is_verbose: bool) -> Self {
        Self {
            is_line_known: is_verbose || number.is_some_and(|line| line > 0),
            has_line: is_verbose || number.is_some() || !stacks.is_ambiguous,
            is_verbose,
        }
    }

    /// Whether two frames are one alternative. R8, `RetraceStackTraceElementProxyEquivalence`.
    fn is_one(self, a: &RetracedFrame, b: &RetracedFrame) -> bool {
        self.is_same_method(a, b) && (!self.is_line_known || a.line == b.line)
    }

    /// Whether two frames are printed alike.
    fn is_same_text(self, a: &RetracedFrame, b: &RetracedFrame) -> bool {
        self.is_same_method(a, b) && (!self.has_line || a.line == b.line)
    }

    fn is_same_method(self, a: &RetracedFrame, b: &RetracedFrame) -> bool {
        let is_same_name = (&a.class, &a.method, &a.file) == (&b.class, &b.method, &b.file);
        is_same_name
            && (!self.is_verbose || (&a.arguments, &a.returns) == (&b.arguments, &b.returns))
    }
}

/// Gives what people see of all alternatives to `put`, each once, and whether it is not of the
/// first one. Returns what the next frame has to know.
pub(super) fn print(
    stacks: Stacks,
    printed: Printed,
    mut put: impl FnMut(&RetracedFrame, bool),
) -> Context {
    // Most frames.
    if let [(alternative, context)] = &*stacks.alternatives {
        alternative.visible().for_each(|frame| put(frame, false));
        return context.clone();
    }
    let mut alternatives: Vec<(Alternative, Context)> =
        Vec::with_capacity(stacks.alternatives.len());
    let mut unseen = Vec::new();
    for (alternative, context) in stacks.alternatives {
        let Some(first) = alternative.visible().next() else {
            unseen.push((alternative, context));
            continue;
        };
        if !alternatives
            .iter()
            .filter_map(|(other, _)| other.visible().next())
            .any(|other| printed.is_one(other, first))
        {
            alternatives.push((alternative, context));
        }
    }
    let context = after(if alternatives.is_empty() { &unseen } else { &alternatives });
    alternatives.sort_by(|(a, _), (b, _)| a.visible().next().cmp(&b.visible().next()));
    let depth = alternatives
        .iter()
        .map(|(alternative, _)| alternative.visible().count())
        .max()
        .unwrap_or(0);
    let mut seen: Vec<&RetracedFrame> = Vec::new();
    for level in 0..depth {
        seen.clear();
        for (index, (alternative, _)) in alternatives.iter().enumerate() {
            let Some(frame) = alternative.visible().nth(level) else { continue };
            if !seen.iter().any(|other| printed.is_same_text(other, frame)) {
                put(frame, index > 0);
                seen.push(frame);
            }
        }
    }
    context
}
