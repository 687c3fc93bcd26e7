//! Traces with the names of the source, as text or frame by frame, by the rows of the classes that
//! they name.
//!
//! ```text
//! text ─ lines ─> frame, exception, lock ─ trace_line.rs ─> Query ─ find.rs ─> lines of a row ─ stack.rs ─> alternatives
//!              └> frame in a native stack ─ art_line.rs ─┤                                                      │
//!              └> what an expression says ─ pattern.rs ──┘                                                      │
//! text <─ print_r8.rs, print_pattern.rs, print_proguard.rs <────────────────────────────────────────────────────┘
//! ```

mod art_line;
mod blank;
mod find;
mod frame;
mod message;
mod pattern;
mod print_pattern;
mod print_proguard;
mod print_r8;
mod stack;
mod trace_line;
mod types;

use std::sync::Arc;

use memchr::memchr;

pub use frame::{Alternative, Context, MAX_LINE, OriginalMethod, Query, RetracedFrame};
pub use pattern::{Pattern, PatternError};

use super::limits::MAX_TRACE_LINE_BYTES;
use super::row::ClassRow;
use stack::{Stacks, class_only, stacks};
use trace_line::Grammar;

/// Where rows come from.
pub trait Classes {
    /// What can go wrong.
    type Error;

    /// The row of the class that is called `obfuscated` in traces, with dots. `None` if the mapping
    /// has no such class.
    ///
    /// # Errors
    /// Whatever hinders to look it up.
    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Self::Error>;
}

/// Whose output it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetraceStyle {
    /// R8's `retrace`: `<OR>` before alternatives.
    #[default]
    R8,
    /// The same with `--verbose`: methods with their return types and arguments.
    R8Verbose,
    /// `ProGuard`'s `ReTrace`: alternatives below each other, without what they have in common.
    Proguard,
}

impl RetraceStyle {
    fn is_verbose(self) -> bool {
        self == Self::R8Verbose
    }
}

/// Retraces frames and texts.
#[derive(Debug)]
pub struct Retrace<C> {
    classes: C,
    style: RetraceStyle,
    /// What lines are told by instead of R8's own rules.
    pattern: Option<Arc<Pattern>>,
    context: Context,
    /// The beginning of a line that goes on in the next piece.
    carry: Vec<u8>,
    /// Whether that line is too long, and passes through.
    is_long: bool,
}

impl<C: Classes> Retrace<C> {
    /// Retraces with the rows of `classes`.
    pub fn new(classes: C, style: RetraceStyle) -> Self {
        Self {
            classes,
            style,
            pattern: None,
            context: Context::default(),
            carry: Vec::new(),
            is_long: false,
        }
    }

    /// Tells lines by `pattern`, where the style is R8's.
    #[must_use]
    pub fn with_pattern(mut self, pattern: Option<Arc<Pattern>>) -> Self {
        self.pattern = pattern;
        self
    }

    /// What the rows came from.
    pub fn into_classes(self) -> C {
        self.classes
    }

    /// Retraces the next piece of a text, which may end anywhere, and appends it to `out`; the
    /// beginning of a line is kept for the next call. What is no frame, no exception and no lock
    /// passes through as it is; `ProGuard`'s style makes all ends of lines `\n`.
    ///
    /// # Errors
    /// Those of the classes. What was appended until then stays.
    pub fn text(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), C::Error> {
        let mut rest = piece;
        while !rest.is_empty() {
            let (line, behind) =
                rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
            rest = behind;
            let is_whole = line.ends_with(b"\n");
            if self.is_long || self.carry.len() + line.len() > MAX_TRACE_LINE_BYTES {
                out.append(&mut self.carry);
                out.extend_from_slice(line);
                self.is_long = !is_whole;
                self.context = Context::default();
            } else if !is_whole {
                self.carry.extend_from_slice(line);
            } else if self.carry.is_empty() {
                self.line(line, out)?;
            } else {
                let mut whole = std::mem::take(&mut self.carry);
                whole.extend_from_slice(line);
                self.line(&whole, out)?;
            }
        }
        Ok(())
    }

    /// The line that the text ended with, if it had no end.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), C::Error> {
        let line = std::mem::take(&mut self.carry);
        let is_long = std::mem::take(&mut self.is_long);
        if !line.is_empty() {
            self.line(&line, out)?;
        }
        if is_long && self.style == RetraceStyle::Proguard {
            out.push(b'\n');
        }
        self.context = Context::default();
        Ok(())
    }

    /// A line with its end, if it has one.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), C::Error> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match self.style {
            RetraceStyle::R8 | RetraceStyle::R8Verbose => match self.pattern.clone() {
                Some(pattern) => self.line_by_pattern(&pattern, text, &line[text.len()..], out),
                None => self.line_as_r8(text, &line[text.len()..], out),
            },
            RetraceStyle::Proguard => self.line_as_proguard(text, out),
        }
    }

    /// The original name of a class. `None` if the mapping does not have it.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_class(&mut self, obfuscated: &str) -> Result<Option<String>, C::Error> {
        Ok(self.classes.class(obfuscated)?.map(|row| row.original().to_owned()))
    }

    /// The original methods that a method may be, in the mapping's order. Inlined ones are left
    /// out.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_method(
        &mut self,
        class: &str,
        method: &str,
    ) -> Result<Vec<OriginalMethod>, C::Error> {
        let Some(row) = self.classes.class(class)? else { return Ok(Vec::new()) };
        let mut methods = Vec::new();
        for member in row.members_of(method) {
            let Some(outermost) = row.lines_of(member).next_back() else { continue };
            let signature = row.signature(&row.lines[outermost]);
            let [method, arguments, returns] =
                [signature.name, signature.arguments, signature.returns]
                    .map(|name| row.names.get(name).to_owned());
            let found = OriginalMethod {
                class: row.class_of(signature).to_owned(),
                method,
                arguments,
                returns,
            };
            if !methods.contains(&found) {
                methods.push(found);
            }
        }
        Ok(methods)
    }

    /// What a frame stands for, in R8's order; more than one if it is ambiguous. Empty if the
    /// mapping does not have the class. `context` is what the lines before left, and becomes what
    /// the next frame has to know.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_frame(
        &mut self,
        query: &Query,
        context: &mut Context,
    ) -> Result<Vec<Alternative>, C::Error> {
        let before = std::mem::take(context);
        let Some(mut stacks) = self.stacks(query, &before)? else { return Ok(Vec::new()) };
        stacks.alternatives.sort_by(|(a, _), (b, _)| a.visible().next().cmp(&b.visible().next()));
        stacks.alternatives.dedup();
        *context = after(&stacks.alternatives);
        Ok(stacks.alternatives.into_iter().map(|(alternative, _)| alternative).collect())
    }

    fn stacks(&mut self, query: &Query, context: &Context) -> Result<Option<Stacks>, C::Error> {
        let Some(row) = self.classes.class(query.class)? else { return Ok(None) };
        let query = &Query { line: query.line.filter(|line| *line <= MAX_LINE), ..*query };
        let mut members: Vec<usize> = row.members_of(query.method).collect();
        if let Some(descriptor) = query.descriptor.filter(|_| members.len() > 1) {
            self.keep_described(&row, &mut members, descriptor)?;
        }
        let found = find::find(&row, &members, query.line, context.outline);
        Ok(Some(found.map_or_else(
            || class_only(&row, query),
            |found| stacks(&row, query, &found, context.thrown.as_deref()),
        )))
    }

    /// Keeps the members that have `descriptor` in the obfuscated program; all if none has.
    fn keep_described(
        &mut self,
        row: &ClassRow,
        members: &mut Vec<usize>,
        descriptor: &str,
    ) -> Result<(), C::Error> {
        let signature = self.remap_descriptor(descriptor)?;
        let is_described = |member: &usize| match (
            row.members[*member].residual,
            row.lines_of(*member).next_back(),
            &signature,
        ) {
            (Some(residual), ..) => row.names.get(residual) == descriptor,
            (None, Some(outermost), Some((arguments, returns))) => {
                let signature = row.signature(&row.lines[outermost]);
                row.names.get(signature.arguments) == arguments
                    && row.names.get(signature.returns) == returns
            }
            _ => false,
        };
        if members.iter().any(is_described) {
            members.retain(is_described);
        }
        Ok(())
    }
}

/// Whether `line` is a frame of Java code, in a Java stack or in a native one. Its end does not
/// matter.
pub fn is_frame(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    trace_line::frame(line, Grammar::R8).is_some() || art_line::art_frame(line).is_some()
}

/// What the next frame has to know: what the only alternative leaves; if nothing is to be seen of
/// any, what the last one leaves.
fn after(alternatives: &[(Alternative, Context)]) -> Context {
    let mut visible =
        alternatives.iter().filter(|(alternative, _)| alternative.visible().next().is_some());
    match (visible.next(), visible.next()) {
        (Some((_, context)), None) => context.clone(),
        (None, _) => alternatives.last().map(|(_, context)| context.clone()).unwrap_or_default(),
        _ => Context::default(),
    }
}
