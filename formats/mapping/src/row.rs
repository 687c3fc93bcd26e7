//! What a mapping knows of one class: [`ClassRow`], which can be stored apart from all others.
//!
//! ```text
//! ClassRow ─ methods       by obfuscated name
//!          │   └ members   one for each original method of that name, in the mapping's order
//!          │       └ lines each one frame: obfuscated lines -> signature, original lines; lines of one range are inlined into
//!          │               each other, innermost first
//!          ├ signatures    class (if another one), name, arguments, return type
//!          ├ holders       other classes whose methods were inlined, and their source files
//!          └ extras        rules and positions of outlines that few lines have
//! ```
//!
//! Fields are left out: no stack trace names them.

use std::ops::Range;

use super::limits::MAX_CLASS_NAME_BYTES;
use super::names::{NameId, Names};
use super::source::Sources;

/// All that is needed to retrace the frames of one obfuscated class. [`ClassRow::encode`] makes
/// bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRow {
    pub(super) names: Names,
    pub(super) obfuscated: NameId,
    pub(super) original: NameId,
    pub(super) source: Option<NameId>,
    pub(super) synthesized: bool,
    pub(super) holders: Vec<Holder>,
    pub(super) signatures: Vec<Signature>,
    /// Sorted by name.
    pub(super) methods: Vec<Method>,
    pub(super) members: Vec<Member>,
    pub(super) lines: Vec<MappedLine>,
    pub(super) extras: Vec<Extra>,
}

/// Another class that has methods here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) name: NameId,
    pub(super) source: Option<NameId>,
}

/// An original method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Signature {
    /// Index into the row's holders; absent if it is the class itself.
    pub(super) holder: Option<u32>,
    pub(super) name: NameId,
    pub(super) returns: NameId,
    /// Types with commas between them, without blanks.
    pub(super) arguments: NameId,
}

/// All members of one obfuscated name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) name: NameId,
    /// The member behind its last one.
    pub(super) members_end: u32,
}

/// An original method and what was inlined into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The line behind its last one.
    pub(super) lines_end: u32,
    /// Made by the compiler: no frame of the original program.
    pub(super) synthesized: bool,
    /// Code that was moved out of several methods.
    pub(super) outline: bool,
    /// The descriptor that it has in the obfuscated program, if that was written down.
    pub(super) residual: Option<NameId>,
}

/// One line of the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MappedLine {
    pub(super) range: Option<LineRange>,
    pub(super) original: Original,
    pub(super) signature: u32,
    /// Index into the row's extras.
    pub(super) extra: Option<u32>,
}

/// Line numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineRange {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl LineRange {
    /// In either order, as R8 takes `5:3` for `3:5`.
    pub(super) fn new(one: u32, other: u32) -> Self {
        Self { first: one.min(other), last: one.max(other) }
    }

    pub(super) fn contains(self, line: u32) -> bool {
        (self.first..=self.last).contains(&line)
    }

    /// One less than the lines there are, which may be 2^32.
    pub(super) fn width(self) -> u32 {
        self.last - self.first
    }
}

/// The original lines of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Original {
    /// None given: the obfuscated ones.
    Same,
    /// `:c`: where the call to the frame before it stands.
    One(u32),
    /// `:c:d`.
    Lines(LineRange),
}

impl Original {
    pub(super) fn span(self) -> Option<LineRange> {
        match self {
            Self::Same => None,
            Self::One(line) => Some(LineRange::new(line, line)),
            Self::Lines(span) => Some(span),
        }
    }
}

/// What few lines have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extra {
    pub(super) rules: Vec<RewriteRule>,
    /// Position in the outline -> position here; sorted.
    pub(super) callsite: Vec<(u32, u32)>,
}

/// `rewriteFrame`: what becomes of frames if all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RewriteRule {
    /// `throws(DESCRIPTOR)`: the descriptors.
    pub(super) throws: Vec<NameId>,
    /// `removeInnerFrames(N)`: how many, all actions together.
    pub(super) remove: u32,
}

impl ClassRow {
    /// The name that the class has in traces.
    pub fn obfuscated(&self) -> &str {
        self.names.get(self.obfuscated)
    }

    /// The name that it had before.
    pub fn original(&self) -> &str {
        self.names.get(self.original)
    }

    /// Its source file, if the mapping names it.
    pub fn source_file(&self) -> Option<&str> {
        self.source.map(|id| self.names.get(id))
    }

    /// Whether the compiler made the class.
    pub fn is_synthesized(&self) -> bool {
        self.synthesized
    }

    /// How many lines of the mapping are in it, its own aside.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether the mapping has no method of it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Gives the classes that were inlined here their source files. Those stand elsewhere in the
    /// mapping, perhaps behind this class, so that it is done when all of it was read.
    pub fn name_sources(&mut self, sources: &Sources) {
        for holder in &mut self.holders {
            if let Some(file) = sources
                .get(self.names.get(holder.name))
                .filter(|_| self.names.text().len() <= 2 * MAX_CLASS_NAME_BYTES)
            {
                holder.source = Some(self.names.push(file));
            }
        }
    }

    /// The members of the methods called `name`, as indices. Empty if there is no such method.
    pub(super) fn members_of(&self, name: &str) -> Range<usize> {
        let Ok(index) =
            self.methods.binary_search_by(|method| self.names.get(method.name).cmp(name))
        else {
            return 0..0;
        };
        let start =
            index.checked_sub(1).map_or(0, |before| self.methods[before].members_end as usize);
        start..self.methods[index].members_end as usize
    }

    /// The lines of a member, as indices.
    pub(super) fn lines_of(&self, member: usize) -> Range<usize> {
        let start =
            member.checked_sub(1).map_or(0, |before| self.members[before].lines_end as usize);
        start..self.members[member].lines_end as usize
    }

    pub(super) fn signature(&self, line: &MappedLine) -> &Signature {
        &self.signatures[line.signature as usize]
    }

    /// The original class of a method.
    pub(super) fn class_of(&self, signature: &Signature) -> &str {
        signature
            .holder
            .map_or(self.original(), |holder| self.names.get(self.holders[holder as usize].name))
    }

    /// The source file of a method's class, if the mapping names it.
    pub(super) fn source_of(&self, signature: &Signature) -> Option<&str> {
        let source =
            signature.holder.map_or(self.source, |holder| self.holders[holder as usize].source);
        source.map(|id| self.names.get(id))
    }

    pub(super) fn extra(&self, line: &MappedLine) -> Option<&Extra> {
        line.extra.map(|extra| &self.extras[extra as usize])
    }
}
