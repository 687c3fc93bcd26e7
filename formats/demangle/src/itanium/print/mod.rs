//! Prints the tree of a name as LLVM or GNU spell it, within limits.
//!
//! Types surround what they declare (`int (*name)(char)`), so every node has a left and a right
//! half; between them stands the name, or nothing.

mod expressions;
mod floats;
mod gnu;
mod gnu_expressions;
mod names;
mod scopes;
mod shapes;
mod types;

use super::ids::{NameSpan, NodeId, NodeList};
use super::node::{Node, Qualifiers};
use super::operators::Precedence;
use super::tree::{Answer, Tree};
use scopes::Scopes;

use crate::limits::{MAX_DEMANGLE_DEPTH, MAX_DEMANGLE_STEPS, MAX_DEMANGLED_BYTES};

/// Which argument of a pack is meant.
#[derive(Clone, Copy, Debug)]
struct PackPlace {
    index: usize,
    /// How many the first pack that was met has; `None` before that.
    length: Option<usize>,
}

impl PackPlace {
    /// All arguments, one after the other.
    const WHOLE: Self = Self { index: usize::MAX, length: Some(0) };

    fn is_whole(self) -> bool {
        self.index == usize::MAX
    }
}

/// A node's text within the text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    start: u32,
    end: u32,
    /// As long as so often has text been taken back.
    taken_back: u32,
}

/// Writes one name.
pub struct Printer<'a> {
    tree: &'a Tree,
    input: &'a [u8],
    out: Vec<u8>,
    is_gnu: bool,
    pack: PackPlace,
    /// Brackets within the innermost template arguments, in which `>` is an operator; 1 outside of
    /// any.
    brackets: usize,
    /// References that are being printed, and would go on for ever.
    open_forwards: Vec<u32>,
    /// Where in the text the left half of a node stands already; it is copied from there the next
    /// time.
    written: Vec<Written>,
    /// How often text has been written that is different elsewhere.
    contextual: usize,
    /// How often text has been taken back, so that what was said of it no longer holds.
    taken_back: u32,
    /// Templates whose arguments parameters stand for, as GNU looks them up.
    scopes: Scopes,
    /// Qualifiers that stand around a type already, which GNU does not say twice.
    outer: Qualifiers,
    /// Where GNU has taken back a comma and believes that a space stands.
    gap: Option<usize>,
    depth: usize,
    steps: usize,
    is_over_limits: bool,
    /// There is something in the name that GNU does not know.
    is_refused: bool,
}

impl<'a> Printer<'a> {
    /// For names in `tree`, which was read from `input`.
    pub fn new(tree: &'a Tree, input: &'a [u8], mut written: Vec<Written>, is_gnu: bool) -> Self {
        written.clear();
        written.resize(tree.len(), Written::default());
        Self {
            tree,
            input,
            out: Vec::with_capacity(MAX_DEMANGLED_BYTES.min(4 * input.len())),
            is_gnu,
            pack: PackPlace { index: 0, length: None },
            brackets: 1,
            open_forwards: Vec::new(),
            written,
            contextual: 0,
            taken_back: 0,
            scopes: Scopes::default(),
            outer: Qualifiers::default(),
            gap: None,
            depth: 0,
            steps: 0,
            is_over_limits: false,
            is_refused: false,
        }
    }

    /// The text of `id`, and the memory, for the next name. `None` if it exceeds the limits, or is
    /// not text.
    pub fn text(mut self, id: NodeId) -> (Option<String>, Vec<Written>) {
        self.whole(id);
        let is_over =
            self.is_refused || self.is_over_limits || self.out.len() > MAX_DEMANGLED_BYTES;
        (if is_over { None } else { String::from_utf8(self.out).ok() }, self.written)
    }

    /// Both halves.
    fn whole(&mut self, id: NodeId) {
        self.left(id);
        if self.tree.shape(id).has_right != Answer::No {
            self.right(id);
        }
    }

    /// What stands left of what a node declares; all of it, for most.
    fn left(&mut self, id: NodeId) {
        match self.tree.node(id) {
            Node::Word(text) => self.put(text),
            Node::Text(span) => self.put_span(span),
            _ if !self.outer.is_empty() => self.deeper(|printer| printer.left_of(id)),
            _ => {
                if self.write_again(id) {
                    return;
                }
                let (start, contextual) = (self.out.len(), self.contextual);
                self.deeper(|printer| printer.left_of(id));
                if contextual == self.contextual {
                    self.remember(id, start);
                }
            }
        }
    }

    /// Copies the left half of `id` if it has been written, and says whether it has.
    fn write_again(&mut self, id: NodeId) -> bool {
        let Some(&Written { start, end, taken_back }) = self.written.get(id.index()) else {
            return false;
        };
        let is_written = start < end && taken_back == self.taken_back;
        if is_written && self.out.len() <= MAX_DEMANGLED_BYTES {
            self.out.extend_from_within(start as usize..end as usize);
        }
        is_written
    }

    fn remember(&mut self, id: NodeId, start: usize) {
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(self.out.len())) else {
            return;
        };
        if let Some(written) = self.written.get_mut(id.index()) {
            *written = Written { start, end, taken_back: self.taken_back };
        }
    }

    /// What stands right of it.
    fn right(&mut self, id: NodeId) {
        self.deeper(|printer| match printer.tree.node(id) {
            node if printer.is_gnu && printer.right_as_gnu(id, node) => {}
            Node::Pack(list) => {
                if let Some(current) = printer.pack_member(list) {
                    printer.right(current);
                }
            }
            Node::Forward(number) => printer.through_forward(number, Self::right),
            Node::TypeParameter(name) | Node::ConstrainedParameter { name, .. } => {
                printer.whole(name);
            }
            Node::ValueParameter { ty, name } => {
                printer.whole(name);
                printer.right(ty);
            }
            Node::TemplateParameter { name, requires, .. } => {
                printer.whole(name);
                if let Some(requires) = requires {
                    printer.put(" requires ");
                    printer.whole(requires);
                }
            }
            Node::PackParameter(parameter) => printer.right(parameter),
            node => printer.right_of_type(node),
        });
    }

    /// One level down, if there is one left.
    fn deeper(&mut self, print: impl FnOnce(&mut Self)) {
        self.depth += 1;
        self.steps += 1;
        if self.depth > MAX_DEMANGLE_DEPTH
            || self.steps > MAX_DEMANGLE_STEPS
            || self.out.len() > MAX_DEMANGLED_BYTES
        {
            self.is_over_limits = true;
        }
        if !self.is_over_limits {
            print(self);
        }
        self.depth -= 1;
    }

    fn left_of(&mut self, id: NodeId) {
        let node = self.tree.node(id);
        match node {
            _ if self.is_gnu && self.left_as_gnu(id, node) => {}
            Node::Pack(list) => {
                if let Some(current) = self.pack_member(list) {
                    self.left(current);
                }
            }
            Node::Forward(number) => self.through_forward(number, Self::left),
            Node::PackArgs(args) | Node::Several(args) => self.list(args),
            Node::Expansion(pattern) => self.expansion(pattern),
            Node::ArgumentOf { argument } => self.whole(argument),
            _ if self.left_of_name(node) || self.left_of_type(node) => {}
            _ => self.expression(node),
        }
    }

    /// The argument of `list` that is meant: the first, outside of an expansion.
    fn pack_member(&mut self, list: NodeList) -> Option<NodeId> {
        self.contextual += 1;
        if self.pack.length.is_none() {
            self.pack = PackPlace { index: 0, length: Some(list.len()) };
        }
        self.tree.list(list).get(self.pack.index).copied()
    }

    /// `pattern` once for each argument of the packs in it.
    fn expansion(&mut self, pattern: NodeId) {
        let outer = std::mem::replace(&mut self.pack, PackPlace { index: 0, length: None });
        let start = self.out.len();
        self.whole(pattern);
        match self.pack.length {
            // No pack in it, or one that is not known.
            None => {
                if self.is_gnu && !self.is_plain(pattern) {
                    self.out.insert(start, b'(');
                    self.taken_back += 1;
                    self.put(")");
                }
                self.put("...");
            }
            Some(0) => {
                self.out.truncate(start);
                self.taken_back += 1;
            }
            Some(length) => {
                for index in 1..length {
                    if self.is_over_limits {
                        break;
                    }
                    self.put(", ");
                    self.pack.index = index;
                    self.whole(pattern);
                }
            }
        }
        self.pack = outer;
    }

    /// What a reference to a later argument refers to; nothing if that is itself.
    fn through_forward(&mut self, number: u32, print: impl FnOnce(&mut Self, NodeId)) {
        self.contextual += 1;
        let target = self.tree.forwards.get(number as usize).and_then(|forward| forward.target);
        let Some(target) = target.filter(|_| !self.open_forwards.contains(&number)) else { return };
        self.open_forwards.push(number);
        print(self, target);
        self.open_forwards.pop();
    }

    /// `a, b, c`, without those that are empty packs. GNU leaves those out at the end only.
    fn list(&mut self, list: NodeList) {
        if self.is_gnu {
            let mut end = self.out.len();
            for (number, &id) in self.tree.list(list).iter().enumerate() {
                if self.is_over_limits {
                    return;
                }
                self.put(if number > 0 { ", " } else { "" });
                let start = self.out.len();
                self.whole(id);
                if number == 0 || self.out.len() > start {
                    end = self.out.len();
                }
            }
            if self.out.len() > end {
                self.out.truncate(end);
                self.gap = Some(end);
                self.contextual += 1;
            }
            return;
        }
        let mut is_first = true;
        for &id in self.tree.list(list) {
            if self.is_over_limits {
                return;
            }
            let before = self.out.len();
            if !is_first {
                self.put(", ");
            }
            let start = self.out.len();
            self.operand(id, Precedence::Comma, false);
            if self.out.len() == start {
                self.out.truncate(before);
            } else {
                is_first = false;
            }
        }
    }

    /// In parentheses if it does not bind more tightly than `than`, or, if `or_equal` will do,
    /// less.
    fn operand(&mut self, id: NodeId, than: Precedence, or_equal: bool) {
        let precedence = self.tree.precedence(id);
        if precedence > than || precedence == than && !or_equal {
            self.enclosed('(', ')', |printer| printer.whole(id));
        } else {
            self.whole(id);
        }
    }

    /// Within brackets, in which `>` is an operator.
    fn enclosed(&mut self, open: char, close: char, print: impl FnOnce(&mut Self)) {
        self.put_char(open);
        self.brackets += 1;
        print(self);
        self.brackets -= 1;
        self.put_char(close);
    }

    /// Within `<>`, in which it is not.
    fn angled(&mut self, print: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.brackets, 0);
        self.put("<");
        print(self);
        self.put(">");
        self.brackets = outer;
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn put_char(&mut self, letter: char) {
        let mut bytes = [0; 4];
        self.put(letter.encode_utf8(&mut bytes));
    }

    fn put_span(&mut self, span: NameSpan) {
        self.out.extend_from_slice(span.of(self.input));
    }

    /// A number whose minus is written `n`.
    fn put_number(&mut self, digits: NameSpan) {
        match digits.of(self.input) {
            [b'n', digits @ ..] => {
                self.put("-");
                self.out.extend_from_slice(digits);
            }
            digits => self.out.extend_from_slice(digits),
        }
    }
}
