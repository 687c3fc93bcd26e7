//! Builds the [`ClassRow`] of one class from its lines and notes.

use hashbrown::HashMap;
use symtool_module::number_of;

use super::limits::{MAX_CLASS_LINES, MAX_CLASS_NAME_BYTES};
use super::line::{ClassLine, MethodLine, signature};
use super::names::{Interner, NameId};
use super::note::Note;
use super::row::{ClassRow, Extra, Holder, MappedLine, Member, Method, RewriteRule, Signature};

/// Collects the lines of a class. Used again for the next one, so that its memory is.
#[derive(Debug, Default)]
pub(super) struct Builder {
    names: Interner,
    holders: Vec<Holder>,
    holder_ids: HashMap<NameId, u32>,
    signatures: Vec<Signature>,
    signature_ids: HashMap<Signature, u32>,
    /// In the mapping's order, with the method of each and what notes say of it.
    lines: Vec<Draft>,
    /// Names of methods, in the order in which they came.
    methods: Vec<NameId>,
    method_ids: HashMap<NameId, u32>,
    extras: Vec<Extra>,
    class: Option<Class>,
    last: Last,
    arguments: String,
}

#[derive(Clone, Copy, Debug)]
struct Class {
    original: NameId,
    obfuscated: NameId,
    source: Option<NameId>,
    synthesized: bool,
    has_members: bool,
}

/// What the line before had: often the same.
#[derive(Debug, Default)]
struct Last {
    signature: String,
    signature_id: u32,
    method: String,
    method_id: u32,
    /// Whether notes belong to the last line: none do after a field, or after a line that was left
    /// out.
    is_open: bool,
}

#[derive(Clone, Copy, Debug)]
struct Draft {
    line: MappedLine,
    method: u32,
    synthesized: bool,
    outline: bool,
    residual: Option<NameId>,
}

/// The class has too much already.
#[derive(Debug)]
pub(super) struct Full;

impl Builder {
    pub(super) fn is_begun(&self) -> bool {
        self.class.is_some()
    }

    pub(super) fn begin(&mut self, line: &ClassLine) {
        let original = self.names.intern(line.original);
        let obfuscated = self.names.intern(line.obfuscated);
        self.class = Some(Class {
            original,
            obfuscated,
            source: None,
            synthesized: false,
            has_members: false,
        });
    }

    /// A field is left out, and the notes behind it.
    pub(super) fn field(&mut self) {
        self.close_line();
    }

    /// The next notes belong to nothing that is kept.
    pub(super) fn close_line(&mut self) {
        self.last.is_open = false;
        if let Some(class) = &mut self.class {
            class.has_members = true;
        }
    }

    pub(super) fn method(&mut self, line: &MethodLine) -> Result<(), Full> {
        self.close_line();
        if self.lines.len() == MAX_CLASS_LINES || self.names.bytes() > MAX_CLASS_NAME_BYTES {
            return Err(Full);
        }
        let signature = self.signature(line.signature);
        let method = self.method_id(line.obfuscated);
        let line =
            MappedLine { range: line.range, original: line.original, signature, extra: None };
        self.lines.push(Draft { line, method, synthesized: false, outline: false, residual: None });
        self.last.is_open = true;
        Ok(())
    }

    fn signature(&mut self, text: &str) -> u32 {
        if self.last.signature == text && !self.signatures.is_empty() {
            return self.last.signature_id;
        }
        let (returns, holder, name, arguments) = signature(text);
        let holder = holder
            .map(|holder| self.names.intern(holder))
            .filter(|id| self.class.is_none_or(|class| class.original != *id));
        let holder = holder.map(|name| {
            *self.holder_ids.entry(name).or_insert_with(|| {
                self.holders.push(Holder { name, source: None });
                number_of(self.holders.len() - 1)
            })
        });
        let [name, returns] = [name, returns].map(|name| self.names.intern(name));
        let arguments = if arguments.contains(' ') {
            self.arguments.clear();
            self.arguments.extend(arguments.chars().filter(|c| *c != ' '));
            self.names.intern(&self.arguments)
        } else {
            self.names.intern(arguments)
        };
        let signature = Signature { holder, name, returns, arguments };
        let id = *self.signature_ids.entry(signature).or_insert_with(|| {
            self.signatures.push(signature);
            number_of(self.signatures.len() - 1)
        });
        self.last.signature.clear();
        self.last.signature.push_str(text);
        self.last.signature_id = id;
        id
    }

    fn method_id(&mut self, name: &str) -> u32 {
        if self.last.method == name && !self.methods.is_empty() {
            return self.last.method_id;
        }
        let id = self.names.intern(name);
        let index = *self.method_ids.entry(id).or_insert_with(|| {
            self.methods.push(id);
            number_of(self.methods.len() - 1)
        });
        self.last.method.clear();
        self.last.method.push_str(name);
        self.last.method_id = index;
        index
    }

    /// A note below the class or its last line. Those of a field, or of a line that was left out,
    /// go with it.
    pub(super) fn note(&mut self, note: &Note) -> Result<(), Full> {
        let Some(class) = &mut self.class else { return Ok(()) };
        if self.names.bytes() > MAX_CLASS_NAME_BYTES {
            return Err(Full);
        }
        if !class.has_members {
            match note {
                Note::SourceFile(file) if class.source.is_none() => {
                    class.source = Some(self.names.intern(file));
                }
                Note::Synthesized => class.synthesized = true,
                _ => {}
            }
            return Ok(());
        }
        let Some(draft) = self.lines.last_mut().filter(|_| self.last.is_open) else {
            return Ok(());
        };
        match note {
            Note::Synthesized => draft.synthesized = true,
            Note::Outline => draft.outline = true,
            Note::Residual(descriptor) => draft.residual = Some(self.names.intern(descriptor)),
            Note::Rewrite { throws, remove } => {
                let throws =
                    throws.iter().map(|descriptor| self.names.intern(descriptor)).collect();
                extra(&mut self.extras, &mut draft.line)
                    .rules
                    .push(RewriteRule { throws, remove: *remove });
            }
            Note::Callsite(positions) => {
                extra(&mut self.extras, &mut draft.line).callsite.clone_from(positions);
            }
            _ => {}
        }
        Ok(())
    }

    /// The original name of the class and its source file, if it has one.
    pub(super) fn source(&self) -> Option<(&str, &str)> {
        let class = self.class?;
        Some((self.names.names().get(class.original), self.names.names().get(class.source?)))
    }

    /// The class, and an empty builder.
    pub(super) fn finish(&mut self) -> Option<ClassRow> {
        let class = self.class.take()?;
        self.last.is_open = false;
        self.holder_ids.clear();
        self.signature_ids.clear();
        self.method_ids.clear();
        let names = self.names.take();
        let mut order: Vec<u32> = (0..).take(self.methods.len()).collect();
        order.sort_by_key(|method| names.get(self.methods[*method as usize]));
        let mut rank = vec![0u32; order.len()];
        (0..).zip(&order).for_each(|(at, method)| rank[*method as usize] = at);
        let mut drafts = std::mem::take(&mut self.lines);
        // Stable: lines of one method keep the mapping's order.
        drafts.sort_by_key(|draft| rank[draft.method as usize]);
        let (mut methods, mut members) =
            (Vec::with_capacity(order.len()), Vec::with_capacity(order.len()));
        let mut end = 0;
        for drafts in drafts.chunk_by(|a, b| a.method == b.method) {
            push_members(&mut members, &mut end, drafts);
            let name = self.methods[drafts[0].method as usize];
            methods.push(Method { name, members_end: number_of(members.len()) });
        }
        self.methods.clear();
        let lines = drafts.iter().map(|draft| draft.line).collect();
        drafts.clear();
        self.lines = drafts;
        Some(ClassRow {
            names,
            obfuscated: class.obfuscated,
            original: class.original,
            source: class.source,
            synthesized: class.synthesized,
            holders: std::mem::take(&mut self.holders),
            signatures: std::mem::take(&mut self.signatures),
            methods,
            members,
            lines,
            extras: std::mem::take(&mut self.extras),
        })
    }
}

fn extra<'a>(extras: &'a mut Vec<Extra>, line: &mut MappedLine) -> &'a mut Extra {
    let index = *line.extra.get_or_insert_with(|| {
        extras.push(Extra::default());
        number_of(extras.len() - 1)
    });
    &mut extras[index as usize]
}

/// Parts the lines of a method into members: lines of one range are one stack, whose last is the
/// member itself; stacks of one signature behind each other are one member. If the first stack and
/// the last line have the same signature, all lines are one. R8,
/// `MappedRangesOfName.partitionOnMethodSignature`.
fn push_members(members: &mut Vec<Member>, end: &mut u32, drafts: &[Draft]) {
    let stacks: Vec<&[Draft]> =
        drafts.chunk_by(|a, b| a.line.range.is_some() && a.line.range == b.line.range).collect();
    let outermost = |stack: &[Draft]| stack.last().map(|draft| draft.line.signature);
    let is_one = stacks.first().is_some_and(|first| outermost(first) == outermost(drafts));
    for stacks in stacks.chunk_by(|a, b| is_one || outermost(a) == outermost(b)) {
        let mut member =
            Member { lines_end: *end, synthesized: false, outline: false, residual: None };
        for draft in stacks.iter().copied().flatten() {
            member.lines_end += 1;
            member.synthesized |= draft.synthesized;
            member.outline |= draft.outline;
            member.residual = member.residual.or(draft.residual);
        }
        *end = member.lines_end;
        members.push(member);
    }
}
