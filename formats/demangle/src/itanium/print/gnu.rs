//! Prints what GNU (libiberty) spells differently from LLVM.
//!
//! Expressions are in `gnu_expressions.rs`.

use super::super::ids::NodeId;
use super::super::node::{Invented, Node, Qualifiers, Special};
use super::Printer;

impl Printer<'_> {
    /// Writes `node` if GNU has a way of its own to, and says whether it did.
    pub(super) fn left_as_gnu(&mut self, id: NodeId, node: Node) -> bool {
        let outer = std::mem::take(&mut self.outer);
        match node {
            Node::Argument(index) if self.scopes.lambdas > 0 => {
                self.contextual += 1;
                let text = format!("auto:{}", index + 1);
                self.put(&text);
            }
            Node::Argument(index) => self.through_argument(index, |printer, argument| {
                printer.outer = outer;
                printer.left(argument);
                printer.outer = Qualifiers::default();
            }),
            Node::Reference(target) | Node::RightReference(target) => {
                self.reference_as_gnu(id, target);
            }
            Node::Function { name, returns, .. } => {
                let args = self.args_of(name);
                if let Some(returns) = returns {
                    self.inside(args, |printer| {
                        printer.left(returns);
                        let has_right = printer.has_right(returns);
                        printer.put(if has_right { "" } else { " " });
                    });
                }
                self.whole(name);
            }
            Node::FunctionType { returns, .. } => {
                self.left(returns);
                let has_right = self.has_right(returns);
                self.put(if has_right { "" } else { " " });
            }
            Node::Template { name, args } => {
                let arguments = self.args_of(id);
                let written = std::mem::replace(&mut self.scopes.written, arguments);
                self.whole(name);
                if self.out.last() == Some(&b'<') {
                    self.put(" ");
                }
                self.whole(args);
                self.scopes.written = written;
            }
            Node::Conversion(ty) => {
                self.put("operator ");
                self.contextual += 1;
                let args = self.scopes.written;
                self.inside(args, |printer| printer.whole(ty));
            }
            Node::TemplateArgs(args) => {
                self.put("<");
                self.list(args);
                let is_next = self.out.last() == Some(&b'>') && self.gap != Some(self.out.len());
                self.put(if is_next { " >" } else { ">" });
            }
            Node::Qualified { ty, qualifiers } => self.qualified(ty, qualifiers, outer),
            _ => return self.name_as_gnu(node),
        }
        true
    }

    fn name_as_gnu(&mut self, node: Node) -> bool {
        match node {
            Node::Local { function, name } => {
                self.without_return(function);
                self.put("::");
                self.whole(name);
            }
            Node::InDefaultArgument { number, name } => {
                self.put("{default arg#");
                // The last one has none, the one before it is 0.
                self.put_ordinal(number.of(self.input));
                self.put("}::");
                self.whole(name);
            }
            Node::Unnamed(number) => {
                self.put("{unnamed type#");
                self.put_ordinal(number.of(self.input));
                self.put("}");
            }
            Node::Lambda { body, number } => {
                self.put("{lambda");
                self.scopes.lambdas += 1;
                self.lambda_body(body);
                self.scopes.lambdas -= 1;
                self.put("#");
                self.put_ordinal(number.of(self.input));
                self.put("}");
            }
            Node::Auto(index) => {
                let text = format!("auto:{}", index + 1);
                self.put(&text);
            }
            Node::Invented { kind, number } => {
                let letter = match kind {
                    Invented::Type => "$T",
                    Invented::Value => "$N",
                    Invented::Template => "$TT",
                };
                let text = format!("{letter}{number}");
                self.put(&text);
            }
            _ => return self.thing_as_gnu(node),
        }
        true
    }

    /// What has a name.
    fn thing_as_gnu(&mut self, node: Node) -> bool {
        match node {
            Node::Suffixed { name, suffix } => {
                self.whole(name);
                self.put(" [clone ");
                self.put_span(suffix);
                self.put("]");
            }
            Node::Special { kind, name } => {
                self.put(match kind {
                    Special::ThreadWrapper => "TLS wrapper function for ",
                    Special::ThreadInit => "TLS init function for ",
                    Special::ReferenceTemporary => "reference temporary #0 for ",
                    kind => super::names::special_text(kind),
                });
                self.whole(name);
            }
            Node::OperatorName(operator) => {
                self.put("operator");
                let symbol = operator.symbol.trim_end();
                self.put(if symbol.starts_with(|letter: char| letter.is_ascii_lowercase()) {
                    " "
                } else {
                    ""
                });
                self.put(symbol);
            }
            _ => return self.type_as_gnu(node),
        }
        true
    }

    fn type_as_gnu(&mut self, node: Node) -> bool {
        match node {
            Node::NullptrType => self.put("decltype(nullptr)"),
            Node::Postfixed { ty, text } => {
                self.left(ty);
                self.put(match text {
                    " complex" => " _Complex",
                    " imaginary" => " _Imaginary",
                    text => text,
                });
            }
            Node::Vendor { ty, text, args } => {
                self.left(ty);
                let is_function = self.is_function(ty);
                self.put(if is_function { "( " } else { " " });
                self.put_span(text);
                if let Some(args) = args {
                    self.whole(args);
                }
            }
            Node::PackParameter(parameter) => {
                self.left(parameter);
                if self.out.last() == Some(&b' ') {
                    self.out.pop();
                    self.taken_back += 1;
                }
                self.put("... ");
            }
            Node::Vector { element, length } => {
                self.whole(element);
                self.put(" __vector(");
                if let Some(length) = length {
                    self.whole(length);
                }
                self.put(")");
            }
            Node::Friend { .. }
            | Node::ExplicitObject(_)
            | Node::PixelVector(_)
            | Node::BitInt { .. }
            | Node::Transformed { .. } => {
                self.is_refused = true;
            }
            _ => return self.expression_as_gnu(node),
        }
        true
    }

    /// No qualifier is said twice.
    fn qualified(&mut self, ty: NodeId, own: Qualifiers, outer: Qualifiers) {
        self.outer = Qualifiers {
            is_const: own.is_const || outer.is_const,
            is_volatile: own.is_volatile || outer.is_volatile,
            is_restrict: own.is_restrict || outer.is_restrict,
        };
        let is_transparent =
            matches!(self.tree.node(ty), Node::Qualified { .. } | Node::Argument(_));
        if !is_transparent {
            self.outer = Qualifiers::default();
        }
        self.left(ty);
        self.outer = Qualifiers::default();
        self.qualifiers(Qualifiers {
            is_const: own.is_const && !outer.is_const,
            is_volatile: own.is_volatile && !outer.is_volatile,
            is_restrict: own.is_restrict && !outer.is_restrict,
        });
    }

    /// The right half of `node`, if GNU has a way of its own, and whether it has.
    pub(super) fn right_as_gnu(&mut self, id: NodeId, node: Node) -> bool {
        match node {
            Node::Argument(index) => self.through_argument(index, Self::right),
            Node::Reference(target) | Node::RightReference(target) => {
                self.reference_end_as_gnu(id, target);
            }
            Node::Vendor { ty, .. } => {
                let is_function = self.is_function(ty);
                self.put(if is_function { ")" } else { "" });
                self.right(ty);
            }
            Node::Function { name, returns, signature } => {
                let args = self.args_of(name);
                self.inside(args, |printer| printer.signature(returns, signature));
            }
            _ => return false,
        }
        true
    }

    /// GNU leaves out what a function returns where it is the scope of a name.
    fn without_return(&mut self, function: NodeId) {
        match self.tree.node(function) {
            Node::Function { name, signature, .. } => {
                self.whole(name);
                let args = self.args_of(name);
                self.inside(args, |printer| printer.signature(None, signature));
            }
            _ => self.whole(function),
        }
    }

    /// One more than a number that counts from 0, whose first one is left out.
    pub(super) fn put_ordinal(&mut self, digits: &[u8]) {
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u32>().ok());
        let text = number.map_or(1, |number| u64::from(number) + 2).to_string();
        self.put(&text);
    }
}
