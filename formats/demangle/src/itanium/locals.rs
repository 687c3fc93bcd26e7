//! Parses entities within functions, and unnamed ones (`Z…E…`, `Ut…_`, `Ul…E_`).
//!
//! Itanium C++ ABI, `<local-name>`, `<unnamed-type-name>`, `<closure-type-name>`.

use super::ids::{NodeId, NodeList};
use super::node::Node;
use super::parser::{NameState, Parser};

impl Parser<'_> {
    /// `Z <encoding> E <name> [<discriminator>]`, `Z <encoding> E s [<discriminator>]`, `Z
    /// <encoding> E d [<number>] _ <name>`
    pub fn local_name(&mut self, state: Option<&mut NameState>) -> Option<NodeId> {
        self.expect(b'Z')?;
        let function = self.encoding()?;
        self.expect(b'E')?;
        if self.eat(b's') {
            self.discriminator();
            return self.add(Node::StringOf(function));
        }
        let hidden = self.hide_parameters();
        let name = if self.eat(b'd') {
            let number = self.number(true)?;
            self.expect(b'_')?;
            let name = self.name(state)?;
            self.add(Node::InDefaultArgument { number, name })?
        } else {
            let name = self.name(state)?;
            self.discriminator();
            name
        };
        self.show_parameters(&hidden);
        self.add(Node::Local { function, name })
    }

    /// `_ <digit>`, `__ <number> _`; old compilers wrote digits alone. Which of several things of
    /// one name it is, is not shown.
    fn discriminator(&mut self) {
        if self.is_gnu {
            self.discriminator_as_gnu();
        } else if self.peek(0) == b'_' {
            if self.peek(1).is_ascii_digit() {
                self.at += 2;
            } else if self.peek(1) == b'_' {
                let digits = self
                    .input
                    .get(self.at + 2..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                if digits > 0 && self.peek(2 + digits) == b'_' {
                    self.at += digits + 3;
                }
            }
        } else if self.input.get(self.at..).unwrap_or_default().iter().all(u8::is_ascii_digit) {
            self.at = self.input.len();
        }
    }

    /// GNU takes `_` without a number, too.
    pub fn discriminator_as_gnu(&mut self) {
        if !self.eat(b'_') {
            return;
        }
        let is_long = self.eat(b'_');
        let number = self.number(false).unwrap_or_default();
        if is_long && number.of(self.input).len() > 1 {
            self.eat(b'_');
        }
    }

    /// `Ut [<number>] _`, `Ul <lambda-sig> E [<number>] _`, `Ub [<number>] _`
    pub fn unnamed_type(&mut self, is_in_encoding: bool) -> Option<NodeId> {
        // Parameters refer to the innermost arguments.
        if is_in_encoding {
            self.forget_levels();
        }
        let code = self.peek(1);
        self.at += 2;
        match code {
            b't' => {
                let number = self.number(false)?;
                self.expect(b'_')?;
                let id = self.add(Node::Unnamed(number))?;
                if self.is_gnu {
                    // Once more than the ABI says.
                    self.remember(id);
                }
                Some(id)
            }
            b'l' => self.lambda(),
            b'b' if !self.is_gnu => {
                self.number(false)?;
                self.expect(b'_')?;
                self.add(Node::Word("'block-literal'"))
            }
            _ => None,
        }
    }

    fn lambda(&mut self) -> Option<NodeId> {
        let levels = self.levels();
        let outer_lambda = self.lambda_level.replace(levels);
        self.open_level();
        let decls = self.list(|parser| {
            if parser.is_parameter_declaration() {
                parser.parameter_declaration(Some(levels)).map(Some)
            } else {
                Some(None)
            }
        })?;
        if decls.is_empty() {
            self.close_levels(levels);
        }
        let before = if self.eat(b'Q') { Some(self.constraint()?) } else { None };
        let mut is_first = true;
        let params = if self.eat(b'v') {
            NodeList::default()
        } else {
            self.list(|parser| {
                if !is_first && matches!(parser.peek(0), b'E' | b'Q') {
                    return Some(None);
                }
                is_first = false;
                parser.ty().map(Some)
            })?
        };
        let after = if self.eat(b'Q') { Some(self.constraint()?) } else { None };
        self.expect(b'E')?;
        let number = self.number(false)?;
        self.expect(b'_')?;
        self.close_levels(levels);
        self.lambda_level = outer_lambda;
        let is_constrained = before.is_some() || after.is_some();
        let constraints = if is_constrained {
            Some(self.add(Node::LambdaConstraints { before, after })?)
        } else {
            None
        };
        let body = self.add(Node::LambdaBody { decls, params, constraints })?;
        self.add(Node::Lambda { body, number })
    }
}
