//! The state of parsing a mangled name: numbers, substitutions and template parameters, for the
//! productions of the grammar in the files beside this one.
//!
//! Nothing is tried twice: a production that fails fails the name, so what a failure leaves behind
//! does not matter.

use super::ids::{NameSpan, NodeId, NodeList};
use super::node::{Node, Qualifiers, RefQualifier};
use super::tree::Tree;
use crate::limits::{MAX_DEMANGLE_DEPTH, MAX_DEMANGLE_NODES};

/// Memory that one name leaves to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// The nodes.
    pub tree: Tree,
    pub(super) substitutions: Vec<NodeId>,
    pending: Vec<NodeId>,
    pub(super) arguments: Vec<NodeId>,
    pub(super) levels: Vec<Level>,
}

/// What `TL0_…` refers to.
#[derive(Clone, Debug)]
pub(super) enum Level {
    /// The innermost arguments of the encoding that is read.
    Arguments,
    /// Parameters that a lambda, or a template that is a parameter, declares.
    Declared(Vec<NodeId>),
    /// Parameters of a lambda that are `auto`.
    Undeclared,
}

/// What the end of an encoding has to know about its name.
#[derive(Debug, Default)]
pub struct NameState {
    /// A constructor, destructor or conversion, which have no return type.
    pub has_no_return: bool,
    /// A template, which has one.
    pub ends_with_args: bool,
    /// Of a member function.
    pub qualifiers: Qualifiers,
    /// Of a member function.
    pub reference: RefQualifier,
    /// The first parameter is `this`.
    pub has_explicit_object: bool,
}

/// Which parameters and arguments were known before an encoding within another one.
#[derive(Debug)]
pub struct Scope {
    pub(super) first_level: usize,
    pub(super) first_argument: usize,
}

/// Reads one name.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says how one production of the grammar is to be read"
)]
pub struct Parser<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) memory: Memory,
    pub(super) first_level: usize,
    pub(super) first_argument: usize,
    depth: usize,
    /// Are arguments after a type the type's? Not after the type of a conversion.
    pub(super) takes_args: bool,
    /// May a parameter refer to arguments that follow?
    pub(super) allows_forward: bool,
    /// Are parameters kept as they are written?
    pub(super) in_constraint: bool,
    /// How many levels of parameters there were before the lambda whose parameters are read.
    pub(super) lambda_level: Option<usize>,
    pub(super) invented: [u32; 3],
    /// As GNU does where the two understand the grammar differently.
    pub(super) is_gnu: bool,
    /// The identifier that was read last, which GNU takes for the name of the class before a
    /// constructor.
    pub(super) last_name: Option<NodeId>,
}

impl<'a> Parser<'a> {
    /// For a name; `memory` may have been used for another.
    pub fn new(input: &'a [u8], mut memory: Memory, is_gnu: bool) -> Self {
        memory.tree.clear();
        memory.tree.is_gnu = is_gnu;
        memory.substitutions.clear();
        memory.pending.clear();
        memory.arguments.clear();
        memory.levels.clear();
        Self {
            input,
            at: 0,
            memory,
            first_level: 0,
            first_argument: 0,
            depth: 0,
            takes_args: true,
            allows_forward: false,
            in_constraint: false,
            lambda_level: None,
            invented: [0; 3],
            is_gnu,
            last_name: None,
        }
    }

    /// The memory, for the next name.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    /// The byte `ahead` of the next one, 0 after the end.
    #[inline]
    pub fn peek(&self, ahead: usize) -> u8 {
        self.input.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Has everything been read?
    pub fn is_at_end(&self) -> bool {
        self.at >= self.input.len()
    }

    /// Passes `byte` if it is next.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.input.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes `text` if it is next.
    #[inline]
    pub fn eat_text(&mut self, text: &[u8]) -> bool {
        let is_next = self.input.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Passes `byte`, which has to be next.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// What has been read since `start`.
    pub fn since(&self, start: usize) -> Option<NameSpan> {
        Some(NameSpan { start: u32::try_from(start).ok()?, end: u32::try_from(self.at).ok()? })
    }

    /// Adds a node.
    #[inline]
    pub fn add(&mut self, node: Node) -> Option<NodeId> {
        self.memory.tree.add(node, MAX_DEMANGLE_NODES)
    }

    /// One level deeper into the grammar. `None` if that is too deep.
    #[inline]
    pub fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        if self.depth > MAX_DEMANGLE_DEPTH {
            return None;
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// Nodes that `read` gives until it gives none.
    pub fn list(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<Option<NodeId>>,
    ) -> Option<NodeList> {
        let start = self.memory.pending.len();
        while let Some(id) = read(self)? {
            self.memory.pending.push(id);
        }
        let Memory { tree, pending, .. } = &mut self.memory;
        tree.add_list(pending.drain(start..))
    }

    /// Nodes that `read` gives up to `end`.
    pub fn list_until(
        &mut self,
        end: u8,
        mut read: impl FnMut(&mut Self) -> Option<NodeId>,
    ) -> Option<NodeList> {
        self.list(|parser| if parser.eat(end) { Some(None) } else { read(parser).map(Some) })
    }

    /// `[n] <digits>`, empty if there are none.
    pub fn number(&mut self, may_be_negative: bool) -> Option<NameSpan> {
        let start = self.at;
        if may_be_negative {
            self.eat(b'n');
        }
        if !self.peek(0).is_ascii_digit() {
            return Some(NameSpan::default());
        }
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
        self.since(start)
    }

    /// A number that has to be there.
    pub fn some_number(&mut self, may_be_negative: bool) -> Option<NameSpan> {
        self.number(may_be_negative).filter(|span| span.end > span.start)
    }

    /// Digits that are a size.
    pub fn size(&mut self) -> Option<usize> {
        let mut size = 0usize;
        if !self.peek(0).is_ascii_digit() {
            return None;
        }
        while self.peek(0).is_ascii_digit() {
            size = size.checked_mul(10)?.checked_add(usize::from(self.peek(0) - b'0'))?;
            self.at += 1;
        }
        Some(size)
    }

    /// `<length> <identifier>`
    pub fn identifier(&mut self) -> Option<NameSpan> {
        let length = self.size()?;
        let start = self.at;
        let end = start.checked_add(length).filter(|&end| end <= self.input.len() && length > 0)?;
        self.at = end;
        self.since(start)
    }

    /// `[0-9A-Z]*` to base 36, `None` if there is none.
    fn sequence_number(&mut self) -> Option<usize> {
        let mut number = None;
        loop {
            let digit = match self.peek(0) {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'A'..=b'Z' => digit - b'A' + 10,
                _ => return number,
            };
            self.at += 1;
            number =
                Some(number.unwrap_or(0usize).checked_mul(36)?.checked_add(usize::from(digit))?);
        }
    }

    /// `[<seq-id>] _`: the first is `_`, the second `0_`.
    pub fn sequence_index(&mut self) -> Option<usize> {
        if self.eat(b'_') {
            return Some(0);
        }
        let number = self.sequence_number()?;
        self.expect(b'_')?;
        number.checked_add(1)
    }

    /// `[<number>] _`: the first is `_`, the second `0_`.
    pub fn parameter_index(&mut self) -> Option<usize> {
        if self.eat(b'_') {
            return Some(0);
        }
        let number = self.size()?;
        self.expect(b'_')?;
        number.checked_add(1)
    }

    /// `[r] [V] [K]`
    pub fn qualifiers(&mut self) -> Qualifiers {
        let is_restrict = self.eat(b'r');
        let is_volatile = self.eat(b'V');
        Qualifiers { is_const: self.eat(b'K'), is_volatile, is_restrict }
    }

    /// Remembers `id` for substitutions.
    pub fn remember(&mut self, id: NodeId) {
        self.memory.substitutions.push(id);
    }

    /// Forgets what was remembered last: a nested name as a whole is remembered by who reads it, if
    /// at all.
    pub fn forget_last(&mut self) -> Option<NodeId> {
        self.memory.substitutions.pop()
    }

    /// How many substitutions there are.
    pub fn substitutions(&self) -> usize {
        self.memory.substitutions.len()
    }

    /// Goes back to `count` substitutions.
    pub fn forget_from(&mut self, count: usize) {
        self.memory.substitutions.truncate(count);
    }

    /// The substitution of a number.
    pub fn substitution_at(&self, index: usize) -> Option<NodeId> {
        self.memory.substitutions.get(index).copied()
    }
}
