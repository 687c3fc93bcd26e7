//! Parses nested and single names (`N…E`).
//!
//! Itanium C++ ABI, "Name Mangling": `<name>`, `<nested-name>`, `<unqualified-name>`.

use super::ids::NodeId;
use super::node::{Node, Qualifiers, RefQualifier, StdName};
use super::operators::{self, OperatorKind};
use super::parser::{NameState, Parser};

/// A name without its scope, and whether it was a substitution, which only template arguments may
/// follow.
type Unscoped = (NodeId, bool);

impl Parser<'_> {
    /// `<name>`; `state` is for whoever reads an encoding.
    pub fn name(&mut self, state: Option<&mut NameState>) -> Option<NodeId> {
        self.deeper(|parser| match parser.peek(0) {
            b'N' => parser.nested_name(state),
            b'Z' => parser.local_name(state),
            _ => parser.plain_name(state),
        })
    }

    fn plain_name(&mut self, mut state: Option<&mut NameState>) -> Option<NodeId> {
        let (name, is_substitution) = self.unscoped_name(state.as_deref_mut())?;
        if self.peek(0) != b'I' {
            return (!is_substitution).then_some(name);
        }
        if !is_substitution {
            self.remember(name);
        }
        let args = self.template_args(state.is_some())?;
        if let Some(state) = state {
            state.ends_with_args = true;
        }
        self.add(Node::Template { name, args })
    }

    /// `[St] <unqualified-name>`, or a substitution.
    pub fn unscoped_name(&mut self, state: Option<&mut NameState>) -> Option<Unscoped> {
        let scope = if self.eat_text(b"St") { Some(self.add(Node::Word("std"))?) } else { None };
        let mut module = None;
        if self.peek(0) == b'S' {
            let substitution = self.substitution()?;
            if !matches!(self.memory.tree.node(substitution), Node::Module { .. }) {
                return scope.is_none().then_some((substitution, true));
            }
            module = Some(substitution);
        }
        Some((self.unqualified_name(state, scope, module)?, false))
    }

    /// `N [<qualifiers>] <prefix> <unqualified-name> E`
    fn nested_name(&mut self, mut state: Option<&mut NameState>) -> Option<NodeId> {
        self.expect(b'N')?;
        let has_explicit_object = self.eat(b'H');
        let (mut qualifiers, mut reference) = (Qualifiers::default(), RefQualifier::None);
        if !has_explicit_object {
            qualifiers = self.qualifiers();
            reference = match self.peek(0) {
                b'O' => RefQualifier::Right,
                b'R' => RefQualifier::Left,
                _ => RefQualifier::None,
            };
            self.at += usize::from(reference != RefQualifier::None);
        }
        if let Some(state) = state.as_deref_mut() {
            if has_explicit_object {
                state.has_explicit_object = true;
            } else {
                (state.qualifiers, state.reference) = (qualifiers, reference);
            }
        }
        let mut prefix: Option<NodeId> = None;
        while !self.eat(b'E') {
            if let Some(state) = state.as_deref_mut() {
                state.ends_with_args = false;
            }
            match self.prefix_part(prefix, state.as_deref_mut())? {
                Part::Substitution(id) => prefix = Some(id),
                Part::New(id) => {
                    self.remember(id);
                    // Of data members, in names of old compilers.
                    self.eat(b'M');
                    prefix = Some(id);
                }
            }
        }
        let name = prefix?;
        self.forget_last()?;
        Some(name)
    }

    /// One more part of a nested name whose parts so far are `prefix`.
    #[inline]
    fn prefix_part(
        &mut self,
        prefix: Option<NodeId>,
        state: Option<&mut NameState>,
    ) -> Option<Part> {
        let id = match (self.peek(0), self.peek(1)) {
            (b'T', _) if prefix.is_none() => self.template_parameter()?,
            (b'D', b't' | b'T') if prefix.is_none() => self.decltype()?,
            (b'T', _) | (b'D', b't' | b'T') => return None,
            (b'I', _) => {
                let name = prefix?;
                let args = self.template_args(state.is_some())?;
                if !self.is_gnu && matches!(self.memory.tree.node(name), Node::Template { .. }) {
                    return None;
                }
                if let Some(state) = state {
                    state.ends_with_args = true;
                }
                self.add(Node::Template { name, args })?
            }
            (b'S', next) => {
                let substitution = if next == b't' {
                    self.at += 2;
                    self.add(Node::Word("std"))?
                } else {
                    self.substitution()?
                };
                if !matches!(self.memory.tree.node(substitution), Node::Module { .. }) {
                    return prefix.is_none().then_some(Part::Substitution(substitution));
                }
                self.unqualified_name(state, prefix, Some(substitution))?
            }
            _ => self.unqualified_name(state, prefix, None)?,
        };
        Some(Part::New(id))
    }

    /// `[<module>] [F] [L] <operator-name>`, `<ctor-dtor-name>`, `<source-name>`,
    /// `<unnamed-type-name>` or bindings, with tags.
    fn unqualified_name(
        &mut self,
        mut state: Option<&mut NameState>,
        scope: Option<NodeId>,
        mut module: Option<NodeId>,
    ) -> Option<NodeId> {
        self.module_name(&mut module)?;
        let is_friend = scope.is_some() && self.eat(b'F');
        let is_internal = self.eat(b'L');
        let mut scope = scope;
        let mut name = match (self.peek(0), self.peek(1)) {
            (b'1'..=b'9', _) => {
                let name = self.source_name()?;
                if is_internal && self.is_gnu {
                    self.discriminator_as_gnu();
                }
                name
            }
            (b'U', _) => self.unnamed_type(state.is_some())?,
            (b'D', b'C') => {
                self.at += 2;
                let bindings = self.list_until(b'E', Self::source_name)?;
                if bindings.is_empty() {
                    return None;
                }
                self.add(Node::Bindings(bindings))?
            }
            (b'C' | b'D', _) => {
                if module.is_some() {
                    return None;
                }
                let (class, name) = self.structor(scope?, state.as_deref_mut())?;
                scope = Some(class);
                name
            }
            _ => self.operator_name(state.as_deref_mut())?,
        };
        if let Some(module) = module {
            name = self.add(Node::InModule { module, name })?;
        }
        let tagged = self.tags(name)?;
        if self.is_gnu
            && tagged != name
            && let Some(state) = state
        {
            // GNU takes a constructor with tags for a function that returns something.
            state.has_no_return = false;
        }
        name = tagged;
        match scope {
            Some(scope) if is_friend => self.add(Node::Friend { scope, name }),
            Some(scope) => self.add(Node::Nested { scope, name }),
            None => Some(name),
        }
    }

    /// `{W [P] <source-name>}`
    pub fn module_name(&mut self, module: &mut Option<NodeId>) -> Option<()> {
        while self.eat(b'W') {
            let is_partition = self.eat(b'P');
            let name = self.source_name()?;
            let id = self.add(Node::Module { parent: *module, name, is_partition })?;
            self.remember(id);
            *module = Some(id);
        }
        Some(())
    }

    /// `{B <source-name>}`
    pub fn tags(&mut self, mut name: NodeId) -> Option<NodeId> {
        while self.eat(b'B') {
            let tag = self.identifier()?;
            name = self.add(Node::Tagged { name, tag })?;
        }
        Some(name)
    }

    /// `<length> <identifier>`
    pub fn source_name(&mut self) -> Option<NodeId> {
        let name = self.identifier()?;
        let text = name.of(self.input);
        let is_anonymous = if self.is_gnu {
            matches!(
                text,
                [b'_', b'G', b'L', b'O', b'B', b'A', b'L', b'_', b'.' | b'_' | b'$', b'N', ..]
            )
        } else {
            text.starts_with(b"_GLOBAL__N")
        };
        let id = self.add(if is_anonymous {
            Node::Word("(anonymous namespace)")
        } else {
            Node::Text(name)
        })?;
        self.last_name = Some(id);
        Some(id)
    }

    /// `C <digit>`, `CI <digit> <name>`, `D <digit>`: the class as it is written before it, and the
    /// name.
    fn structor(
        &mut self,
        scope: NodeId,
        state: Option<&mut NameState>,
    ) -> Option<(NodeId, NodeId)> {
        let scope = match self.memory.tree.node(scope) {
            Node::Known(known) => self.add(Node::KnownInFull(known))?,
            _ => scope,
        };
        let is_constructor = self.peek(0) == b'C';
        self.at += 1;
        let is_inherited = is_constructor && self.eat(b'I');
        match self.peek(0) {
            b'1' | b'2' | b'4' | b'5' => {}
            b'3' if is_constructor => {}
            b'0' if !is_constructor => {}
            _ => return None,
        }
        self.at += 1;
        let mut state = state;
        if let Some(state) = state.as_deref_mut() {
            state.has_no_return = true;
        }
        if is_inherited && self.is_gnu {
            self.ty()?;
        } else if is_inherited {
            self.name(state)?;
        }
        let class = if self.is_gnu { self.last_name? } else { scope };
        let name = if is_constructor { Node::Constructor(class) } else { Node::Destructor(class) };
        Some((scope, self.add(name)?))
    }

    /// An operator as a function's name: two letters, `cv <type>`, `li <source-name>`, `v <digit>
    /// <source-name>`
    pub fn operator_name(&mut self, state: Option<&mut NameState>) -> Option<NodeId> {
        let code = [self.peek(0), self.peek(1)];
        if let Some(operator) = operators::find(code) {
            self.at += 2;
            if operator.kind == OperatorKind::Cast {
                return self.conversion(state);
            }
            let is_name =
                if self.is_gnu { !matches!(&code, b"te" | b"ti") } else { operator.is_name() };
            return if is_name { self.add(Node::OperatorName(operator)) } else { None };
        }
        if &code == b"li" {
            self.at += 2;
            let suffix = self.source_name()?;
            return self.add(Node::LiteralOperator(suffix));
        }
        if code[0] == b'v' && code[1].is_ascii_digit() {
            self.at += 2;
            let name = self.source_name()?;
            return self.add(Node::Conversion(name));
        }
        None
    }

    /// The type may refer to arguments that follow the name.
    fn conversion(&mut self, state: Option<&mut NameState>) -> Option<NodeId> {
        let outer_takes_args = std::mem::replace(&mut self.takes_args, false);
        let outer_allows_forward = self.allows_forward;
        self.allows_forward |= state.is_some();
        let ty = self.ty()?;
        self.takes_args = outer_takes_args;
        self.allows_forward = outer_allows_forward;
        if let Some(state) = state {
            state.has_no_return = true;
        }
        self.add(Node::Conversion(ty))
    }

    /// `S [<seq-id>] _`, `S <lower-case letter> [<tags>]`
    pub fn substitution(&mut self) -> Option<NodeId> {
        self.expect(b'S')?;
        let known = match self.peek(0) {
            b'a' => StdName::Allocator,
            b'b' => StdName::BasicString,
            b's' => StdName::String,
            b'i' => StdName::Istream,
            b'o' => StdName::Ostream,
            b'd' => StdName::Iostream,
            _ => {
                let index = self.sequence_index()?;
                return self.substitution_at(index);
            }
        };
        self.at += 1;
        if self.is_gnu {
            self.last_name = Some(self.add(Node::KnownInFull(known))?);
        }
        let id = self.add(Node::Known(known))?;
        let tagged = self.tags(id)?;
        if tagged != id {
            self.remember(tagged);
        }
        Some(tagged)
    }
}

/// What one more part makes of a nested name's parts so far.
enum Part {
    /// It is one that is known.
    Substitution(NodeId),
    /// One that substitutions may refer to.
    New(NodeId),
}
