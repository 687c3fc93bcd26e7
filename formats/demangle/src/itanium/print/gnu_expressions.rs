//! Prints expressions as GNU does: without spaces, and with everything but plain names in
//! parentheses.

use super::super::ids::{NodeId, NodeList};
use super::super::node::{FloatType, Node, RefQualifier};
use super::super::operators::{Operator, OperatorKind};
use super::{PackPlace, Printer};

impl Printer<'_> {
    /// Writes `node` if it is an expression that GNU writes in its own way, and says whether it
    /// was.
    pub(super) fn expression_as_gnu(&mut self, node: Node) -> bool {
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
            _ => return self.call_as_gnu(node),
        }
        true
    }

    /// Calls and what is written like them.
    fn call_as_gnu(&mut self, node: Node) -> bool {
        match node {
            Node::New { is_global, ty, tail, .. } => {
                let Node::NewTail { placement, init, has_init } = self.tree.node(tail) else {
                    return true;
                };
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
            _ => return self.other_expression_as_gnu(node),
        }
        true
    }

    fn other_expression_as_gnu(&mut self, node: Node) -> bool {
        match node {
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
            Node::Fold { operator, pack, init, is_left } => {
                self.fold_as_gnu(operator, pack, init, is_left);
            }
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
    fn is_of_qualified_object(&self, signature: NodeId) -> bool {
        match self.tree.node(signature) {
            Node::Signature { qualifiers, reference, .. } => {
                !qualifiers.is_empty() || reference != RefQualifier::None
            }
            _ => false,
        }
    }

    /// An operand, in parentheses if it is no plain name.
    pub(super) fn inner(&mut self, id: NodeId) {
        let is_plain = self.is_plain(id);
        self.put(if is_plain { "" } else { "(" });
        self.whole(id);
        self.put(if is_plain { "" } else { ")" });
    }

    /// Is it never put in parentheses?
    pub(super) fn is_plain(&self, id: NodeId) -> bool {
        match self.tree.node(id) {
            Node::Resolved { name, .. } => !matches!(self.tree.node(name), Node::Template { .. }),
            Node::Text(_) | Node::Nested { .. } | Node::Braces { .. } | Node::Parameter { .. } => {
                true
            }
            Node::Word(text) => text == "this",
            _ => false,
        }
    }

    fn bracketed(&mut self, list: NodeList) {
        self.put("(");
        self.list(list);
        self.put(")");
    }

    fn of(&mut self, operator: &'static Operator, operand: NodeId) {
        self.put(operator.symbol);
        if operator.kind == OperatorKind::OfType {
            self.put("(");
            self.whole(operand);
            self.put(")");
        } else {
            self.inner(operand);
        }
    }

    fn initializer_as_gnu(&mut self, init: NodeId) {
        if matches!(self.tree.node(init), Node::Designated { .. } | Node::DesignatedRange { .. }) {
            self.whole(init);
        } else {
            self.put("=");
            self.inner(init);
        }
    }

    fn fold_as_gnu(
        &mut self,
        operator: &'static Operator,
        pack: NodeId,
        init: Option<NodeId>,
        is_left: bool,
    ) {
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
