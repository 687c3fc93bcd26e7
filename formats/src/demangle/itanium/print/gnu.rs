//! What GNU (libiberty) writes otherwise than LLVM: in, nodes; out, text.
//!
//! Expressions come without spaces, and whatever is no plain name stands in parentheses within another.

use super::super::operators::{Kind, Operator};
use super::super::tree::{FloatType, Id, Invented, List, Node, Qualifiers, RefQualifier, Special};
use super::{PackPlace, Printer};

impl Printer<'_> {
    /// Writes `node` if GNU has a way of its own to, and says whether it did.
    pub(super) fn left_as_gnu(&mut self, id: Id, node: Node) -> bool {
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
            Node::Reference(target) | Node::RightReference(target) => self.reference_as_gnu(id, target),
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
                self.put(if symbol.starts_with(|letter: char| letter.is_ascii_lowercase()) { " " } else { "" });
                self.put(symbol);
            }
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
            Node::Friend { .. } | Node::ExplicitObject(_) | Node::PixelVector(_) | Node::BitInt { .. } | Node::Transformed { .. } => {
                self.is_refused = true;
            }
            _ => return self.expression_as_gnu(node),
        }
        true
    }

    /// No qualifier is said twice.
    fn qualified(&mut self, ty: Id, own: Qualifiers, outer: Qualifiers) {
        self.outer = Qualifiers {
            is_const: own.is_const || outer.is_const,
            is_volatile: own.is_volatile || outer.is_volatile,
            is_restrict: own.is_restrict || outer.is_restrict,
        };
        let is_transparent = matches!(self.tree.node(ty), Node::Qualified { .. } | Node::Argument(_));
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
    pub(super) fn right_as_gnu(&mut self, id: Id, node: Node) -> bool {
        match node {
            Node::Argument(index) => self.through_argument(index, Self::right),
            Node::Reference(target) | Node::RightReference(target) => self.reference_end_as_gnu(id, target),
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
    fn without_return(&mut self, function: Id) {
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
    fn put_ordinal(&mut self, digits: &[u8]) {
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u32>().ok());
        let text = number.map_or(1, |number| u64::from(number) + 2).to_string();
        self.put(&text);
    }

    fn expression_as_gnu(&mut self, node: Node) -> bool {
        match node {
            Node::Binary { operator, left, right } => {
                let is_greater = operator.symbol == ">";
                self.put(if is_greater { "(" } else { "" });
                self.inner(left);
                self.put(operator.symbol);
                self.inner(right);
                self.put(if is_greater { ")" } else { "" });
            }
            Node::Prefix { operator, operand } => {
                self.put(operator.symbol);
                self.put(if operator.code == *b"aw" { " " } else { "" });
                match self.tree.node(operand) {
                    // The address of a function comes without its parameters.
                    Node::Function { name, signature, .. }
                        if operator.code == *b"ad"
                            && matches!(self.tree.node(name), Node::Nested { .. })
                            && !self.is_of_qualified_object(signature) =>
                    {
                        self.whole(name);
                    }
                    _ => self.inner(operand),
                }
            }
            Node::Postfix { operator, operand } => {
                self.inner(operand);
                self.put(operator.symbol);
            }
            Node::Subscript { array, index } => {
                self.inner(array);
                self.put("[");
                self.whole(index);
                self.put("]");
            }
            Node::Member { operator, object, member } => {
                self.inner(object);
                self.put(operator.symbol);
                self.inner(member);
            }
            Node::New { is_global, ty, tail, .. } => {
                let Node::NewTail { placement, init, has_init } = self.tree.node(tail) else { return true };
                self.put(if is_global { "::new " } else { "new " });
                if !placement.is_empty() {
                    self.bracketed(placement);
                    self.put(" ");
                }
                self.whole(ty);
                if has_init {
                    self.bracketed(init);
                }
            }
            Node::Delete { is_global, is_array, operand } => {
                self.put(if is_global { "::" } else { "" });
                self.put(if is_array { "delete[] " } else { "delete " });
                self.inner(operand);
            }
            Node::Call { callee, args } => {
                match self.tree.node(callee) {
                    // Arguments follow, no parameters.
                    Node::Function { name, .. } => self.inner(name),
                    _ => self.inner(callee),
                }
                self.bracketed(args);
            }
            Node::Cast { ty, operands } => {
                self.put("(");
                self.whole(ty);
                self.put(")");
                match *self.tree.list(operands) {
                    [operand] => self.inner(operand),
                    _ => self.bracketed(operands),
                }
            }
            Node::Conditional { condition, yes, no } => {
                self.inner(condition);
                self.put("?");
                self.inner(yes);
                self.put(" : ");
                self.inner(no);
            }
            Node::NamedCast { operator, ty, operand } => {
                self.put(operator.symbol);
                self.put("<");
                self.whole(ty);
                self.put(">(");
                self.whole(operand);
                self.put(")");
            }
            Node::Of { operator, operand } => self.of(operator, operand),
            Node::Enclosed { prefix: "sizeof... ", operand } => {
                let text = self.args_length(operand).to_string();
                self.put(&text);
            }
            Node::Enclosed { prefix, operand } => {
                self.put(prefix);
                self.put(if prefix == "decltype" { " (" } else { "(" });
                self.whole(operand);
                self.put(")");
            }
            Node::SizeofPack(pack) => {
                let text = self.pack_length(pack).to_string();
                self.put(&text);
            }
            Node::Parameter { number } => {
                self.put("{parm#");
                self.put_ordinal(number.of(self.input));
                self.put("}");
            }
            Node::Designated { target, init, is_index } => {
                self.put(if is_index { "[" } else { "." });
                self.whole(target);
                self.put(if is_index { "]" } else { "" });
                self.initializer_as_gnu(init);
            }
            Node::DesignatedRange { first, last, init } => {
                self.put("[");
                self.whole(first);
                self.put(" ... ");
                self.whole(last);
                self.put("]");
                self.initializer_as_gnu(init);
            }
            Node::Fold { operator, pack, init, is_left } => self.fold_as_gnu(operator, pack, init, is_left),
            Node::Throw(operand) => {
                self.put("throw ");
                self.inner(operand);
            }
            Node::Noexcept(condition) => {
                self.put("noexcept(");
                self.whole(condition);
                self.put(")");
            }
            _ => return self.literal_as_gnu(node),
        }
        true
    }

    fn literal_as_gnu(&mut self, node: Node) -> bool {
        match node {
            Node::Float { ty, digits } => {
                self.put(match ty {
                    FloatType::Float => "(float)[",
                    FloatType::Double => "(double)[",
                    FloatType::LongDouble => "(long double)[",
                });
                self.put_span(digits);
                self.put("]");
            }
            Node::StringLiteral(ty) | Node::LambdaLiteral(ty) => {
                self.put("(");
                self.whole(ty);
                self.put(")");
            }
            Node::Nullptr => self.put("decltype(nullptr)"),
            Node::Subobject { .. }
            | Node::MemberCast { .. }
            | Node::Requires { .. }
            | Node::ExpressionRequirement { .. }
            | Node::TypeRequirement(_)
            | Node::NestedRequirement(_) => self.is_refused = true,
            _ => return false,
        }
        true
    }

    /// Is it the end of a member function that is `const` or the like?
    fn is_of_qualified_object(&self, signature: Id) -> bool {
        match self.tree.node(signature) {
            Node::Signature { qualifiers, reference, .. } => !qualifiers.is_empty() || reference != RefQualifier::None,
            _ => false,
        }
    }

    /// An operand, in parentheses if it is no plain name.
    pub(super) fn inner(&mut self, id: Id) {
        let is_plain = self.is_plain(id);
        self.put(if is_plain { "" } else { "(" });
        self.whole(id);
        self.put(if is_plain { "" } else { ")" });
    }

    /// Is it never put in parentheses?
    pub(super) fn is_plain(&self, id: Id) -> bool {
        match self.tree.node(id) {
            Node::Resolved { name, .. } => !matches!(self.tree.node(name), Node::Template { .. }),
            Node::Text(_) | Node::Nested { .. } | Node::Braces { .. } | Node::Parameter { .. } => true,
            Node::Word(text) => text == "this",
            _ => false,
        }
    }

    fn bracketed(&mut self, list: List) {
        self.put("(");
        self.list(list);
        self.put(")");
    }

    fn of(&mut self, operator: &'static Operator, operand: Id) {
        self.put(operator.symbol);
        if operator.kind == Kind::OfType {
            self.put("(");
            self.whole(operand);
            self.put(")");
        } else {
            self.inner(operand);
        }
    }

    fn initializer_as_gnu(&mut self, init: Id) {
        if matches!(self.tree.node(init), Node::Designated { .. } | Node::DesignatedRange { .. }) {
            self.whole(init);
        } else {
            self.put("=");
            self.inner(init);
        }
    }

    fn fold_as_gnu(&mut self, operator: &'static Operator, pack: Id, init: Option<Id>, is_left: bool) {
        let outer = std::mem::replace(&mut self.pack, PackPlace::WHOLE);
        self.put("(");
        let (first, second) = match init {
            Some(init) if is_left => (Some(init), Some(pack)),
            Some(init) => (Some(pack), Some(init)),
            None if is_left => (None, Some(pack)),
            None => (Some(pack), None),
        };
        if let Some(first) = first {
            self.inner(first);
            self.put(operator.symbol);
        }
        self.put("...");
        if let Some(second) = second {
            self.put(operator.symbol);
            self.inner(second);
        }
        self.put(")");
        self.pack = outer;
    }
}
