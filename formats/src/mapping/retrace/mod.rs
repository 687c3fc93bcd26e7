//! Traces with original names: in, a trace as text, or one frame of it, and the rows of the classes that it names; out, the same with
//! the names of the source.
//!
//! ```text
//! text ─ lines ─> frame, exception, lock ─ trace_line.rs ─> Query ─ find.rs ─> lines of a row ─ stack.rs ─> alternatives
//!                                                                                                              │
//! text <─ print_r8.rs, print_proguard.rs <─────────────────────────────────────────────────────────────────────┘
//! ```

mod find;
mod frame;
mod print_proguard;
mod print_r8;
mod stack;
mod trace_line;

use std::sync::Arc;

use memchr::memchr;

pub use frame::{Alternative, Context, Frame, OriginalMethod, Query};

use super::limits::MAX_TRACE_LINE_BYTES;
use super::row::ClassRow;
use stack::{Stacks, class_only, stacks};

/// Where rows come from.
pub trait Classes {
    /// What can go wrong.
    type Error;

    /// The row of the class that is called `obfuscated` in traces, with dots. `None` if the mapping has no such class.
    ///
    /// # Errors
    /// Whatever hinders to look it up.
    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Self::Error>;
}

/// Whose output it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// R8's `retrace`: `<OR>` before alternatives.
    #[default]
    R8,
    /// `ProGuard`'s `ReTrace`: alternatives below each other, without what they have in common.
    Proguard,
}

/// Retraces frames and texts.
#[derive(Debug)]
pub struct Retrace<C> {
    classes: C,
    style: Style,
    context: Context,
    /// The beginning of a line that goes on in the next piece.
    carry: Vec<u8>,
    /// Whether that line is too long, and passes through.
    is_long: bool,
}

impl<C: Classes> Retrace<C> {
    /// Retraces with the rows of `classes`.
    pub fn new(classes: C, style: Style) -> Self {
        Self { classes, style, context: Context::default(), carry: Vec::new(), is_long: false }
    }

    /// What the rows came from.
    pub fn into_classes(self) -> C {
        self.classes
    }

    /// Retraces the next piece of a text, which may end anywhere, and appends it to `out`; the beginning of a line is kept for the next
    /// call. What is no frame, no exception and no lock passes through as it is; `ProGuard`'s style makes all ends of lines `\n`.
    ///
    /// # Errors
    /// Those of the classes. What was appended until then stays.
    pub fn text(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), C::Error> {
        let mut rest = piece;
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
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
        if is_long && self.style == Style::Proguard {
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
            Style::R8 => self.line_as_r8(text, &line[text.len()..], out),
            Style::Proguard => self.line_as_proguard(text, out),
        }
    }

    /// The original name of a class. `None` if the mapping does not have it.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_class(&mut self, obfuscated: &str) -> Result<Option<String>, C::Error> {
        Ok(self.classes.class(obfuscated)?.map(|row| row.original().to_owned()))
    }

    /// The original methods that a method may be, in the mapping's order. Inlined ones are left out.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_method(&mut self, class: &str, method: &str) -> Result<Vec<OriginalMethod>, C::Error> {
        let Some(row) = self.classes.class(class)? else { return Ok(Vec::new()) };
        let mut methods = Vec::new();
        for member in row.members_of(method) {
            let Some(outermost) = row.lines_of(member).next_back() else { continue };
            let signature = row.signature(&row.lines[outermost]);
            let [method, arguments, returns] =
                [signature.name, signature.arguments, signature.returns].map(|name| row.names.get(name).to_owned());
            let found = OriginalMethod { class: row.class_of(signature).to_owned(), method, arguments, returns };
            if !methods.contains(&found) {
                methods.push(found);
            }
        }
        Ok(methods)
    }

    /// What a frame stands for, in R8's order; more than one if it is ambiguous. Empty if the mapping does not have the class. `context`
    /// is what the lines before left, and becomes what the next frame has to know.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_frame(&mut self, query: &Query, context: &mut Context) -> Result<Vec<Alternative>, C::Error> {
        let before = std::mem::take(context);
        let Some(mut stacks) = self.stacks(query, &before)? else { return Ok(Vec::new()) };
        stacks.alternatives.sort_by(|(a, _), (b, _)| a.visible().next().cmp(&b.visible().next()));
        stacks.alternatives.dedup();
        *context = after(&stacks.alternatives);
        Ok(stacks.alternatives.into_iter().map(|(alternative, _)| alternative).collect())
    }

    /// A message with the names of classes in it: words with a dot in them that the mapping has.
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_message(&mut self, message: &str) -> Result<String, C::Error> {
        let mut out = String::with_capacity(message.len());
        for part in message.split_inclusive(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '$' | '-')) {
            let (word, rest) = match part.char_indices().next_back() {
                Some((at, last)) if !last.is_alphanumeric() && !matches!(last, '_' | '$') => part.split_at(at),
                _ => (part, ""),
            };
            let original = if word.contains('.') { self.remap_class(word)? } else { None };
            out.push_str(original.as_deref().unwrap_or(word));
            out.push_str(rest);
        }
        Ok(out)
    }

    fn stacks(&mut self, query: &Query, context: &Context) -> Result<Option<Stacks>, C::Error> {
        let Some(row) = self.classes.class(query.class)? else { return Ok(None) };
        let mut members: Vec<usize> = row.members_of(query.method).collect();
        if let Some(descriptor) = query.descriptor.filter(|_| members.len() > 1) {
            self.keep_described(&row, &mut members, descriptor)?;
        }
        let found = find::find(&row, &members, query.line, context.outline);
        Ok(Some(found.map_or_else(|| class_only(&row, query), |found| stacks(&row, query, &found, context.thrown.as_deref()))))
    }

    /// Keeps the members that have `descriptor` in the obfuscated program; all if none has.
    fn keep_described(&mut self, row: &ClassRow, members: &mut Vec<usize>, descriptor: &str) -> Result<(), C::Error> {
        let signature = self.remap_descriptor(descriptor)?;
        let is_described = |member: &usize| match (row.members[*member].residual, row.lines_of(*member).next_back(), &signature) {
            (Some(residual), ..) => row.names.get(residual) == descriptor,
            (None, Some(outermost), Some((arguments, returns))) => {
                let signature = row.signature(&row.lines[outermost]);
                row.names.get(signature.arguments) == arguments && row.names.get(signature.returns) == returns
            }
            _ => false,
        };
        if members.iter().any(is_described) {
            members.retain(is_described);
        }
        Ok(())
    }

    /// Arguments and return type of a descriptor, as the mapping spells the original ones.
    fn remap_descriptor(&mut self, descriptor: &str) -> Result<Option<(String, String)>, C::Error> {
        let Some((arguments, returns)) = descriptor.strip_prefix('(').and_then(|text| text.split_once(')')) else { return Ok(None) };
        Ok(self.remap_types(arguments)?.zip(self.remap_types(returns)?))
    }

    /// Types behind each other, with commas between them.
    fn remap_types(&mut self, mut text: &str) -> Result<Option<String>, C::Error> {
        let mut types = String::new();
        while !text.is_empty() {
            let element = text.trim_start_matches('[');
            let dimensions = text.len() - element.len();
            let Some(kind) = element.chars().next() else { return Ok(None) };
            let end = if kind == 'L' { element.find(';') } else { Some(0) };
            let Some(end) = end.filter(|_| kind.is_ascii()) else { return Ok(None) };
            if !types.is_empty() {
                types.push(',');
            }
            let primitive = match kind {
                'V' => "void",
                'Z' => "boolean",
                'B' => "byte",
                'C' => "char",
                'S' => "short",
                'I' => "int",
                'J' => "long",
                'F' => "float",
                'D' => "double",
                'L' => "",
                _ => return Ok(None),
            };
            types.push_str(primitive);
            if kind == 'L' {
                let class = element[1..end].replace('/', ".");
                types.push_str(&self.remap_class(&class)?.unwrap_or(class));
            }
            types.extend(std::iter::repeat_n("[]", dimensions));
            text = &element[end + 1..];
        }
        Ok(Some(types))
    }
}

/// What the next frame has to know: what the only alternative leaves; if nothing is to be seen of any, what the last one leaves.
fn after(alternatives: &[(Alternative, Context)]) -> Context {
    let mut visible = alternatives.iter().filter(|(alternative, _)| alternative.visible().next().is_some());
    match (visible.next(), visible.next()) {
        (Some((_, context)), None) => context.clone(),
        (None, _) => alternatives.last().map(|(_, context)| context.clone()).unwrap_or_default(),
        _ => Context::default(),
    }
}
