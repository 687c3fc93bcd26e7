//! Lines that an expression has told the parts of, with original names.

use std::io::Write;
use std::ops::Range;

use super::frame::{Context, Query, RetracedFrame, line_number};
use super::pattern::{Parsed, Pattern};
use super::print_r8::{Printed, print, put_alternative, put_method, text};
use super::{Classes, Retrace};
use crate::source::inferred;

impl<C: Classes> Retrace<C> {
    /// Appends what `line` stands for, as `pattern` tells its parts, with `end` behind each line.
    pub(super) fn line_by_pattern(
        &mut self,
        pattern: &Pattern,
        line: &[u8],
        end: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let context = std::mem::take(&mut self.context);
        let Some(parsed) = pattern.line(line) else {
            [line, end].iter().for_each(|part| out.extend_from_slice(part));
            return Ok(());
        };
        let mut same = Replaced::of(line);
        if let Some((range, kind)) =
            parsed.returns.clone().and_then(|range| Some((range.clone(), text(line, range)?)))
        {
            same.put(range, self.remap_type(kind)?);
        }
        if let Some((range, types)) =
            parsed.arguments.clone().and_then(|range| Some((range.clone(), text(line, range)?)))
        {
            same.put(range, self.remap_arguments(types)?);
        }
        let class = parsed.class.as_ref().and_then(|(range, has_slashes)| {
            Some((range.clone(), *has_slashes, text(line, range.clone())?))
        });
        let Some((at, has_slashes, class)) = class else {
            same.write(line, end, out);
            return Ok(());
        };
        let class = if has_slashes { class.replace('/', ".") } else { class.to_owned() };
        match parsed.method.clone().and_then(|range| text(line, range)) {
            Some(method) => {
                self.method_by_pattern(line, end, (&parsed, &class, method), &context, &same, out)
            }
            None => {
                self.context = Context::thrown(&class);
                if let Some(row) = self.classes.class(&class)? {
                    same.put(at, spelled(row.original(), has_slashes));
                    if let Some(file) = parsed.file {
                        let printed = text(line, file.clone()).unwrap_or_default();
                        same.put(
                            file,
                            row.source_file()
                                .map_or_else(|| inferred(row.original(), printed), str::to_owned),
                        );
                    }
                }
                same.write(line, end, out);
                Ok(())
            }
        }
    }

    /// A line with a class and a method.
    fn method_by_pattern(
        &mut self,
        line: &[u8],
        end: &[u8],
        (parsed, class, method): (&Parsed, &str, &str),
        context: &Context,
        same: &Replaced<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let digits = parsed
            .line
            .clone()
            .and_then(|range| text(line, range))
            .map(|digits| digits.trim_start_matches(':'));
        let number = digits.and_then(line_number);
        let file = parsed.file.clone().and_then(|range| text(line, range));
        let Some(stacks) =
            self.stacks(&Query { class, method, descriptor: None, file, line: number }, context)?
        else {
            same.write(line, end, out);
            return Ok(());
        };
        let printed = Printed::of(&stacks, number, self.style.is_verbose());
        self.context = print(stacks, printed, |frame, is_other| {
            let mut replaced = same.clone();
            replaced.frame(frame, parsed, printed, number.is_none());
            let mut text = Vec::new();
            replaced.write(line, end, &mut text);
            // R8 marks alternatives before the first `at `, else before the first word.
            let at = memchr::memmem::find(&text, b"at ")
                .or_else(|| text.iter().position(|byte| !byte.is_ascii_whitespace()))
                .unwrap_or(0);
            put_alternative(&text, at, is_other, out);
            out.extend_from_slice(&text[at..]);
        });
        Ok(())
    }

    /// Types with commas between them, and blanks as they are.
    fn remap_arguments(&mut self, types: &str) -> Result<String, C::Error> {
        let mut out = String::with_capacity(types.len());
        for part in types.split_inclusive(',') {
            let kind = part.trim_end_matches(',').trim();
            let start = part.len() - part.trim_start().len();
            out.push_str(&part[..start]);
            out.push_str(&self.remap_type(kind)?);
            out.push_str(&part[start + kind.len()..]);
        }
        Ok(out)
    }
}

fn spelled(class: &str, has_slashes: bool) -> String {
    if has_slashes { class.replace('.', "/") } else { class.to_owned() }
}

/// A line, and what stands in it instead of some of its parts.
#[derive(Clone, Debug)]
struct Replaced<'l> {
    line: &'l [u8],
    parts: Vec<(Range<usize>, Vec<u8>)>,
}

impl<'l> Replaced<'l> {
    fn of(line: &'l [u8]) -> Self {
        Self { line, parts: Vec::new() }
    }

    fn put(&mut self, range: Range<usize>, text: impl Into<Vec<u8>>) {
        self.parts.push((range, text.into()));
    }

    /// Puts `frame` in the place of the obfuscated one; where `keeps_line`, a line that is not
    /// known stays as it is.
    fn frame(
        &mut self,
        frame: &RetracedFrame,
        parsed: &Parsed,
        printed: Printed,
        keeps_line: bool,
    ) {
        if let Some((range, has_slashes)) = &parsed.class {
            self.put(range.clone(), spelled(&frame.class, *has_slashes));
        }
        if let Some(range) = &parsed.method {
            let mut name = Vec::new();
            put_method(frame, printed.is_verbose, &mut name);
            self.put(range.clone(), name);
        }
        if let Some(range) = &parsed.file {
            self.put(range.clone(), frame.file.as_bytes());
        }
        if let Some(range) = &parsed.line {
            let mut text = Vec::new();
            match frame.line.filter(|_| printed.has_line) {
                Some(number) => {
                    drop(write!(text, "{}{number}", if parsed.has_colon { ":" } else { "" }));
                }
                None if keeps_line => text.extend_from_slice(&self.line[range.clone()]),
                None => {}
            }
            self.put(range.clone(), text);
        }
    }

    fn write(&self, line: &[u8], end: &[u8], out: &mut Vec<u8>) {
        let mut parts: Vec<&(Range<usize>, Vec<u8>)> = self.parts.iter().collect();
        parts.sort_by_key(|(range, _)| range.start);
        let mut from = 0;
        for (range, text) in parts.into_iter().filter(|(range, _)| range.start <= range.end) {
            out.extend_from_slice(line.get(from..range.start).unwrap_or_default());
            out.extend_from_slice(text);
            from = range.end;
        }
        out.extend_from_slice(line.get(from..).unwrap_or_default());
        out.extend_from_slice(end);
    }
}
