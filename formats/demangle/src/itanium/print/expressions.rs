//! Prints expressions and literals.

use super::super::ids::NodeId;
use super::super::node::{LiteralType, Node};
use super::super::operators::{Operator, Precedence};
use super::Printer;

impl Printer<'_> {
    pub(super) fn expression(&mut self, node: Node) {
        match node {
            Node::Binary { operator, left, right } => self.binary(operator, left, right),
            Node::Prefix { operator, operand } => {
                self.put(operator.symbol);
                self.operand(operand, operator.precedence, false);
            }
            Node::Postfix { operator, operand } => {
                self.operand(operand, operator.precedence, true);
                self.put(operator.symbol);
            }
            Node::Subscript { array, index } => {
                self.operand(array, Precedence::Postfix, false);
                self.enclosed('[', ']', |printer| printer.operand(index, Precedence::Any, false));
            }
            Node::Member { operator, object, member } => {
                self.operand(object, operator.precedence, true);
                self.put(operator.symbol);
                self.operand(member, operator.precedence, false);
            }
            Node::New { is_global, is_array, ty, tail } => {
                self.new_expression(is_global, is_array, ty, tail);
            }
            Node::Delete { is_global, is_array, operand } => {
                self.put(if is_global { "::delete" } else { "delete" });
                self.put(if is_array { "[] " } else { " " });
                self.whole(operand);
            }
            Node::Call { callee, args } => {
                self.whole(callee);
                self.parameters(args);
            }
            Node::Cast { ty, operands } => {
                self.enclosed('(', ')', |printer| printer.whole(ty));
                self.parameters(operands);
            }
            Node::MemberCast { ty, operand } => {
                self.enclosed('(', ')', |printer| printer.whole(ty));
                self.enclosed('(', ')', |printer| printer.whole(operand));
            }
            _ => self.rarer_expression(node),
        }
    }

    /// Expressions that templates seldom have.
    fn rarer_expression(&mut self, node: Node) {
        match node {
            Node::Conditional { condition, yes, no } => {
                self.operand(condition, Precedence::Conditional, false);
                self.put(" ? ");
                self.operand(yes, Precedence::Any, false);
                self.put(" : ");
                self.operand(no, Precedence::Assign, true);
            }
            Node::NamedCast { operator, ty, operand } => {
                self.put(operator.symbol);
                self.angled(|printer| printer.left(ty));
                self.enclosed('(', ')', |printer| printer.operand(operand, Precedence::Any, false));
            }
            Node::Of { operator, operand } => self.call_of(operator.symbol, operand),
            Node::Enclosed { prefix, operand } => self.call_of(prefix, operand),
            Node::SizeofPack(pack) => {
                self.put("sizeof...");
                self.enclosed('(', ')', |printer| printer.expansion(pack));
            }
            Node::Parameter { number } => {
                self.put("fp");
                self.put_span(number);
            }
            _ => self.braced_expression(node),
        }
    }

    /// Lists in braces, folds and parts of objects.
    fn braced_expression(&mut self, node: Node) {
        match node {
            Node::Braces { ty, items } => {
                if let Some(ty) = ty {
                    self.whole(ty);
                }
                self.put("{");
                self.list(items);
                self.put("}");
            }
            Node::Designated { target, init, is_index } => {
                self.put(if is_index { "[" } else { "." });
                self.whole(target);
                self.put(if is_index { "]" } else { "" });
                self.initializer(init);
            }
            Node::DesignatedRange { first, last, init } => {
                self.put("[");
                self.whole(first);
                self.put(" ... ");
                self.whole(last);
                self.put("]");
                self.initializer(init);
            }
            Node::Fold { operator, pack, init, is_left } => {
                self.fold(operator, pack, init, is_left);
            }
            Node::Throw(operand) => {
                self.put("throw ");
                self.whole(operand);
            }
            Node::Subobject { ty, operand, offset } => {
                self.whole(operand);
                self.put(".<");
                self.whole(ty);
                self.put(" at offset ");
                if offset.of(self.input).is_empty() {
                    self.put("0");
                } else {
                    self.put_number(offset);
                }
                self.put(">");
            }
            _ => self.literal(node),
        }
    }

    fn literal(&mut self, node: Node) {
        match node {
            Node::Integer { ty, digits } => {
                if let LiteralType::Cast(ty) = ty {
                    self.put("(");
                    self.put(ty);
                    self.put(")");
                }
                self.put_number(digits);
                if let LiteralType::Suffix(suffix) = ty {
                    self.put(suffix);
                }
            }
            Node::Enumerator { ty, digits } => {
                self.enclosed('(', ')', |printer| printer.whole(ty));
                self.put_number(digits);
            }
            Node::Bool(value) => self.put(if value { "true" } else { "false" }),
            Node::Float { ty, digits } => {
                let text = super::floats::text(ty, digits.of(self.input));
                self.put(&text);
            }
            Node::StringLiteral(ty) => {
                self.put("\"<");
                self.whole(ty);
                self.put(">\"");
            }
            Node::LambdaLiteral(lambda) => {
                self.put("[]");
                if let Node::Lambda { body, .. } = self.tree.node(lambda) {
                    self.lambda_body(body);
                }
                self.put("{...}");
            }
            Node::Nullptr => self.put("nullptr"),
            _ => self.requirement(node),
        }
    }

    fn requirement(&mut self, node: Node) {
        match node {
            Node::Requires { params, requirements } => {
                self.put("requires");
                if !params.is_empty() {
                    self.put(" ");
                    self.parameters(params);
                }
                self.put(" ");
                self.enclosed('{', '}', |printer| {
                    for &requirement in printer.tree.list(requirements) {
                        printer.whole(requirement);
                    }
                    printer.put(" ");
                });
            }
            Node::ExpressionRequirement { operand, is_noexcept, ty } => {
                self.put(" ");
                if is_noexcept || ty.is_some() {
                    self.enclosed('{', '}', |printer| printer.whole(operand));
                } else {
                    self.whole(operand);
                }
                if is_noexcept {
                    self.put(" noexcept");
                }
                if let Some(ty) = ty {
                    self.put(" -> ");
                    self.whole(ty);
                }
                self.put(";");
            }
            Node::TypeRequirement(ty) => {
                self.put(" typename ");
                self.whole(ty);
                self.put(";");
            }
            Node::NestedRequirement(condition) => {
                self.put(" requires ");
                self.whole(condition);
                self.put(";");
            }
            _ => {}
        }
    }

    fn call_of(&mut self, prefix: &str, operand: NodeId) {
        self.put(prefix);
        self.enclosed('(', ')', |printer| printer.whole(operand));
    }

    fn binary(&mut self, operator: &'static Operator, left: NodeId, right: NodeId) {
        // Within template arguments these would end them.
        self.contextual += 1;
        if self.brackets == 0 && matches!(operator.symbol, ">" | ">>") {
            self.enclosed('(', ')', |printer| printer.binary(operator, left, right));
            return;
        }
        let is_assignment = operator.precedence == Precedence::Assign;
        let left_than = if is_assignment { Precedence::OrIf } else { operator.precedence };
        self.operand(left, left_than, !is_assignment);
        if operator.symbol != "," {
            self.put(" ");
        }
        self.put(operator.symbol);
        self.put(" ");
        self.operand(right, operator.precedence, is_assignment);
    }

    fn new_expression(&mut self, is_global: bool, is_array: bool, ty: NodeId, tail: NodeId) {
        let Node::NewTail { placement, init, .. } = self.tree.node(tail) else { return };
        self.put(if is_global { "::new" } else { "new" });
        if is_array {
            self.put("[]");
        }
        if !placement.is_empty() {
            self.parameters(placement);
        }
        self.put(" ");
        self.whole(ty);
        if !init.is_empty() {
            self.parameters(init);
        }
    }

    /// ` = init`, but for designators in a row.
    fn initializer(&mut self, init: NodeId) {
        if !matches!(self.tree.node(init), Node::Designated { .. } | Node::DesignatedRange { .. }) {
            self.put(" = ");
        }
        self.whole(init);
    }

    fn fold(
        &mut self,
        operator: &'static Operator,
        pack: NodeId,
        init: Option<NodeId>,
        is_left: bool,
    ) {
        let put_pack =
            |printer: &mut Self| printer.enclosed('(', ')', |printer| printer.expansion(pack));
        let put_init = |printer: &mut Self, init| printer.operand(init, Precedence::Cast, true);
        let put_operator = |printer: &mut Self| {
            printer.put(" ");
            printer.put(operator.symbol);
            printer.put(" ");
        };
        self.enclosed('(', ')', |printer| {
            match init {
                Some(init) if is_left => put_init(printer, init),
                _ if !is_left => put_pack(printer),
                _ => {}
            }
            if !is_left || init.is_some() {
                put_operator(printer);
            }
            printer.put("...");
            if is_left || init.is_some() {
                put_operator(printer);
            }
            match init {
                _ if is_left => put_pack(printer),
                Some(init) => put_init(printer, init),
                None => {}
            }
        });
    }
}
