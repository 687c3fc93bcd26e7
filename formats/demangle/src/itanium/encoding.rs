//! Parses functions, data and what compilers generate beside them.
//!
//! Itanium C++ ABI, "General Structure" and "Special Names".

use super::ids::{NodeId, NodeList};
use super::node::{Node, Special};
use super::parser::{NameState, Parser};

impl Parser<'_> {
    /// A whole name: `_Z <encoding> [. <suffix>]`, or the function of a block: `___Z <encoding>
    /// _block_invoke [[_] <number>]`.
    pub fn whole(&mut self) -> Option<NodeId> {
        if self.eat_text(b"_Z") {
            let name = self.encoding()?;
            if self.is_at_end() {
                return Some(name);
            }
            return self.suffixed(name);
        }
        if self.is_gnu || !self.eat_text(b"___Z") {
            return None;
        }
        let function = self.encoding()?;
        if !self.eat_text(b"_block_invoke") {
            return None;
        }
        let needs_number = self.eat(b'_');
        let number = self.number(false)?;
        if needs_number && number.start == number.end {
            return None;
        }
        if !self.is_at_end() {
            self.expect(b'.')?;
        }
        self.add(Node::Special { kind: Special::Block, name: function })
    }

    /// LLVM takes all from the first `.` for one suffix; GNU knows `.cold.1` and the like, each one
    /// for itself.
    fn suffixed(&mut self, mut name: NodeId) -> Option<NodeId> {
        if !self.is_gnu {
            let start = self.at;
            self.expect(b'.')?;
            self.at = self.input.len();
            let suffix = self.since(start)?;
            return self.add(Node::Suffixed { name, suffix });
        }
        while !self.is_at_end() {
            let start = self.at;
            self.expect(b'.')?;
            if self.pass(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                == 0
            {
                return None;
            }
            while self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
                self.at += 1;
                self.pass(|byte| byte.is_ascii_digit());
            }
            let suffix = self.since(start)?;
            name = self.add(Node::Suffixed { name, suffix })?;
        }
        Some(name)
    }

    /// Passes bytes for which `is_one` holds, and says how many.
    fn pass(&mut self, is_one: fn(u8) -> bool) -> usize {
        let count = self
            .input
            .get(self.at..)
            .unwrap_or_default()
            .iter()
            .take_while(|&&byte| is_one(byte))
            .count();
        self.at += count;
        count
    }

    /// `<name> <bare-function-type>`, `<name>`, `<special-name>`
    pub fn encoding(&mut self) -> Option<NodeId> {
        let hidden = self.hide_parameters();
        let encoding = self.deeper(Self::bare_encoding);
        self.show_parameters(&hidden);
        encoding
    }

    fn bare_encoding(&mut self) -> Option<NodeId> {
        if matches!(self.peek(0), b'G' | b'T') {
            return self.special_name();
        }
        let first_forward = self.memory.tree.forwards.len();
        let mut state = NameState::default();
        let name = self.name(Some(&mut state))?;
        self.resolve_forwards(first_forward)?;
        // Data has no suffix, says GNU.
        if self.is_at_end_of_encoding() && !(self.is_gnu && self.peek(0) == b'.') {
            return Some(name);
        }
        let conditions = if !self.is_gnu && self.eat_text(b"Ua9enable_ifI") {
            Some(self.list_until(b'E', Self::template_arg)?)
        } else {
            None
        };
        let returns =
            if state.ends_with_args && !state.has_no_return { Some(self.ty()?) } else { None };
        let params = self.params(state.has_explicit_object)?;
        let requires = if self.eat(b'Q') { Some(self.constraint()?) } else { None };
        let tail = if conditions.is_some() || requires.is_some() {
            Some(self.add(Node::SignatureTail { conditions, requires })?)
        } else {
            None
        };
        let signature = self.add(Node::Signature {
            params,
            qualifiers: state.qualifiers,
            reference: state.reference,
            tail,
        })?;
        self.add(Node::Function { name, returns, signature })
    }

    fn params(&mut self, has_explicit_object: bool) -> Option<NodeList> {
        if self.eat(b'v') {
            return Some(NodeList::default());
        }
        let mut count = 0usize;
        self.list(|parser| {
            if count > 0 && (parser.is_at_end_of_encoding() || parser.peek(0) == b'Q') {
                return Some(None);
            }
            count += 1;
            let ty = parser.ty()?;
            if count == 1 && has_explicit_object {
                parser.add(Node::ExplicitObject(ty)).map(Some)
            } else {
                Some(Some(ty))
            }
        })
    }

    fn is_at_end_of_encoding(&self) -> bool {
        matches!(self.peek(0), 0 | b'E' | b'.' | b'_')
    }

    fn special_name(&mut self) -> Option<NodeId> {
        let code = [self.peek(0), self.peek(1)];
        self.at += 2;
        let (kind, name) = match &code {
            b"TA" => (Special::TemplateParameterObject, self.template_arg()?),
            b"TV" => (Special::Vtable, self.ty()?),
            b"TT" => (Special::Vtt, self.ty()?),
            b"TI" => (Special::Typeinfo, self.ty()?),
            b"TS" => (Special::TypeinfoName, self.ty()?),
            b"Tc" => {
                self.call_offset()?;
                self.call_offset()?;
                (Special::CovariantThunk, self.encoding()?)
            }
            b"TC" => {
                let outer = self.ty()?;
                self.some_number(true)?;
                self.expect(b'_')?;
                let inner = self.ty()?;
                return self.add(Node::ConstructionVtable { inner, outer });
            }
            b"TW" => (Special::ThreadWrapper, self.name(None)?),
            b"TH" => (Special::ThreadInit, self.name(None)?),
            b"GV" => (Special::Guard, self.name(None)?),
            b"GR" => (Special::ReferenceTemporary, self.reference_temporary()?),
            b"GI" => {
                let mut module = None;
                self.module_name(&mut module)?;
                (Special::ModuleInit, module?)
            }
            b"GT" if self.is_gnu => {
                let is_safe = self.eat(b't');
                if !is_safe {
                    self.expect(b'n')?;
                }
                (
                    if is_safe { Special::Transaction } else { Special::NoTransaction },
                    self.encoding()?,
                )
            }
            [b'T', kind] => {
                self.at -= 1;
                let kind =
                    if *kind == b'v' { Special::VirtualThunk } else { Special::NonVirtualThunk };
                self.call_offset()?;
                (kind, self.encoding()?)
            }
            _ => return None,
        };
        self.add(Node::Special { kind, name })
    }

    /// The object whose temporary it is, and the temporary's number.
    fn reference_temporary(&mut self) -> Option<NodeId> {
        let name = self.name(None)?;
        // Old compilers left the number out.
        let has_number = self.peek(0).is_ascii_digit() || self.peek(0).is_ascii_uppercase();
        if self.is_gnu {
            self.number(false)?;
        } else if has_number || self.peek(0) == b'_' {
            self.sequence_index()?;
        }
        Some(name)
    }

    /// `h <number> _`, `v <number> _ <number> _`
    fn call_offset(&mut self) -> Option<()> {
        let is_virtual = self.eat(b'v');
        if !is_virtual {
            self.expect(b'h')?;
        }
        for _ in 0..=usize::from(is_virtual) {
            self.some_number(true)?;
            self.expect(b'_')?;
        }
        Some(())
    }
}
