//! Parses expressions in types and arguments.
//!
//! Itanium C++ ABI, `<expression>`.

use super::ids::{NodeId, NodeList};
use super::node::Node;
use super::operators::{self, Operator, OperatorKind};
use super::parser::Parser;

impl Parser<'_> {
    /// `<expression>`
    pub fn expression(&mut self) -> Option<NodeId> {
        self.deeper(|parser| {
            let is_global = parser.eat_text(b"gs");
            let code = [parser.peek(0), parser.peek(1)];
            if parser.is_gnu && matches!(&code, b"te" | b"ti" | b"nx") {
                return None;
            }
            if let Some(operator) = operators::find(code) {
                parser.at += 2;
                return parser.operation(operator, is_global);
            }
            parser.other_expression(code, is_global)
        })
    }

    /// An expression whose parameters are kept as they are written.
    pub fn constraint(&mut self) -> Option<NodeId> {
        // GNU knows none yet.
        if self.is_gnu {
            return None;
        }
        let outer = std::mem::replace(&mut self.in_constraint, true);
        let constraint = self.expression()?;
        self.in_constraint = outer;
        Some(constraint)
    }

    fn operation(&mut self, operator: &'static Operator, is_global: bool) -> Option<NodeId> {
        let node = match operator.kind {
            OperatorKind::Binary => {
                Node::Binary { operator, left: self.expression()?, right: self.expression()? }
            }
            OperatorKind::Prefix => Node::Prefix { operator, operand: self.expression()? },
            OperatorKind::Postfix if self.eat(b'_') => {
                Node::Prefix { operator, operand: self.expression()? }
            }
            OperatorKind::Postfix => Node::Postfix { operator, operand: self.expression()? },
            OperatorKind::Subscript => {
                Node::Subscript { array: self.expression()?, index: self.expression()? }
            }
            OperatorKind::Member | OperatorKind::Dot => {
                Node::Member { operator, object: self.expression()?, member: self.expression()? }
            }
            OperatorKind::New { is_array } => return self.new_expression(is_global, is_array),
            OperatorKind::Delete { is_array } => {
                Node::Delete { is_global, is_array, operand: self.expression()? }
            }
            OperatorKind::Call => Node::Call {
                callee: self.expression()?,
                args: self.list_until(b'E', Self::expression)?,
            },
            OperatorKind::Cast => return self.cast(),
            OperatorKind::Conditional => Node::Conditional {
                condition: self.expression()?,
                yes: self.expression()?,
                no: self.expression()?,
            },
            OperatorKind::NamedCast => {
                Node::NamedCast { operator, ty: self.ty()?, operand: self.expression()? }
            }
            OperatorKind::OfType => Node::Of { operator, operand: self.ty()? },
            OperatorKind::OfValue => Node::Of { operator, operand: self.expression()? },
            OperatorKind::NameOnly if self.is_gnu => {
                Node::Prefix { operator, operand: self.expression()? }
            }
            OperatorKind::NameOnly => return None,
        };
        self.add(node)
    }

    /// `{<placement>} _ <type> E`, `{<placement>} _ <type> pi {<expression>} E`
    fn new_expression(&mut self, is_global: bool, is_array: bool) -> Option<NodeId> {
        let placement = self.list_until(b'_', Self::expression)?;
        let ty = self.ty()?;
        let has_init = self.eat_text(b"pi");
        let init = if has_init {
            self.list_until(b'E', Self::expression)?
        } else {
            self.expect(b'E')?;
            NodeList::default()
        };
        let tail = self.add(Node::NewTail { placement, init, has_init })?;
        self.add(Node::New { is_global, is_array, ty, tail })
    }

    /// `<type> <expression>`, `<type> _ {<expression>} E`
    fn cast(&mut self) -> Option<NodeId> {
        let outer = std::mem::replace(&mut self.takes_args, false);
        let ty = self.ty()?;
        self.takes_args = outer;
        let operands = if self.eat(b'_') {
            self.list_until(b'E', Self::expression)?
        } else {
            let operand = self.expression()?;
            self.list_of(operand)?
        };
        self.add(Node::Cast { ty, operands })
    }

    fn list_of(&mut self, id: NodeId) -> Option<NodeList> {
        self.memory.tree.add_list(std::iter::once(id))
    }

    fn other_expression(&mut self, code: [u8; 2], is_global: bool) -> Option<NodeId> {
        if self.input.len().saturating_sub(self.at) < 2 {
            return None;
        }
        match &code {
            b"fp" => return self.function_parameter(),
            b"fL" if !self.is_gnu && self.peek(2).is_ascii_digit() => {
                return self.function_parameter();
            }
            [b'L', _] => return self.literal(),
            [b'T', _] => return self.template_parameter(),
            [b'f', _] => return self.fold(),
            [b'u', _] => return self.vendor_expression(),
            b"rq" | b"rQ" => return self.requires_expression(),
            b"il" | b"mc" | b"nx" | b"so" | b"sp" | b"sZ" | b"sP" | b"tl" | b"tr" | b"tw" => {
                self.at += 2;
            }
            _ => return self.unresolved_name(is_global),
        }
        let node = match &code {
            b"il" => Node::Braces { ty: None, items: self.list_until(b'E', Self::designated)? },
            b"tl" => Node::Braces {
                ty: Some(self.ty()?),
                items: self.list_until(b'E', Self::designated)?,
            },
            b"nx" => Node::Enclosed { prefix: "noexcept ", operand: self.expression()? },
            b"sp" => Node::Expansion(self.expression()?),
            b"tr" => Node::Word("throw"),
            b"tw" => Node::Throw(self.expression()?),
            b"mc" => {
                let node = Node::MemberCast { ty: self.ty()?, operand: self.expression()? };
                self.number(true)?;
                self.expect(b'E')?;
                node
            }
            b"so" => self.subobject()?,
            b"sZ" if self.peek(0) == b'T' => Node::SizeofPack(self.template_parameter()?),
            b"sZ" => Node::Enclosed { prefix: "sizeof... ", operand: self.function_parameter()? },
            _ => {
                let args = self.list_until(b'E', Self::template_arg)?;
                Node::Enclosed { prefix: "sizeof... ", operand: self.add(Node::Several(args))? }
            }
        };
        self.add(node)
    }

    /// `<type> <expression> [<number>] {_ [<number>]} [p] E`
    fn subobject(&mut self) -> Option<Node> {
        let ty = self.ty()?;
        let operand = self.expression()?;
        let offset = self.number(true)?;
        while self.eat(b'_') {
            self.number(false)?;
        }
        self.eat(b'p');
        self.expect(b'E')?;
        Some(Node::Subobject { ty, operand, offset })
    }

    /// `fpT`, `fp [<qualifiers>] [<number>] _`, `fL <number> p [<qualifiers>] [<number>] _`
    fn function_parameter(&mut self) -> Option<NodeId> {
        if self.eat_text(b"fpT") {
            return self.add(Node::Word("this"));
        }
        if self.eat_text(b"fL") {
            self.some_number(false)?;
            self.expect(b'p')?;
        } else if !self.eat_text(b"fp") {
            return None;
        }
        let qualifiers = self.qualifiers();
        if self.is_gnu && !qualifiers.is_empty() {
            return None;
        }
        let number = self.number(false)?;
        self.expect(b'_')?;
        self.add(Node::Parameter { number })
    }

    /// `fl|fr <operator> <pack>`, `fL <operator> <init> <pack>`, `fR <operator> <pack> <init>`
    fn fold(&mut self) -> Option<NodeId> {
        let kind = self.peek(1);
        if !matches!(kind, b'l' | b'r' | b'L' | b'R') {
            return None;
        }
        self.at += 2;
        let operator = operators::find([self.peek(0), self.peek(1)])?;
        self.at += 2;
        if !(operator.kind == OperatorKind::Binary
            || operator.kind == OperatorKind::Dot && operator.symbol.ends_with('*'))
        {
            return None;
        }
        let first = self.expression()?;
        let second = if matches!(kind, b'L' | b'R') { Some(self.expression()?) } else { None };
        let (pack, init) = match (kind, second) {
            (b'L', Some(pack)) => (pack, Some(first)),
            _ => (first, second),
        };
        self.add(Node::Fold { operator, pack, init, is_left: matches!(kind, b'l' | b'L') })
    }

    /// `<expression>`, `di <field> <init>`, `dx <index> <init>`, `dX <first> <last> <init>`
    fn designated(&mut self) -> Option<NodeId> {
        self.deeper(|parser| {
            let code = parser.peek(1);
            if parser.peek(0) != b'd' || !matches!(code, b'i' | b'x' | b'X') {
                return parser.expression();
            }
            parser.at += 2;
            let target = if code == b'i' { parser.source_name()? } else { parser.expression()? };
            let node = if code == b'X' {
                Node::DesignatedRange {
                    first: target,
                    last: parser.expression()?,
                    init: parser.designated()?,
                }
            } else {
                Node::Designated { target, init: parser.designated()?, is_index: code == b'x' }
            };
            parser.add(node)
        })
    }

    /// `u <source-name> {<template-arg>} E`; of `__uuidof`, `t <type>` or `z <expression>`
    fn vendor_expression(&mut self) -> Option<NodeId> {
        self.at += 1;
        let name = self.identifier()?;
        let callee = self.add(Node::Text(name))?;
        let args = match (name.of(self.input), self.peek(0)) {
            (b"__uuidof", b't' | b'z') if self.is_gnu => return None,
            (b"__uuidof", b't') => {
                self.at += 1;
                let ty = self.ty()?;
                self.list_of(ty)?
            }
            (b"__uuidof", b'z') => {
                self.at += 1;
                let operand = self.expression()?;
                self.list_of(operand)?
            }
            _ => self.list_until(b'E', Self::template_arg)?,
        };
        self.add(Node::Call { callee, args })
    }

    /// `rq {<requirement>} E`, `rQ {<type>} _ {<requirement>} E`
    fn requires_expression(&mut self) -> Option<NodeId> {
        let has_params = self.peek(1) == b'Q';
        self.at += 2;
        let params =
            if has_params { self.list_until(b'_', Self::ty)? } else { NodeList::default() };
        let requirements = self.list_until(b'E', |parser| {
            let code = parser.peek(0);
            parser.at += 1;
            let node = match code {
                b'X' => {
                    let operand = parser.expression()?;
                    let is_noexcept = parser.eat(b'N');
                    let ty = if parser.eat(b'R') { Some(parser.name(None)?) } else { None };
                    Node::ExpressionRequirement { operand, is_noexcept, ty }
                }
                b'T' => Node::TypeRequirement(parser.ty()?),
                b'Q' => Node::NestedRequirement(parser.expression()?),
                _ => return None,
            };
            parser.add(node)
        })?;
        if requirements.is_empty() {
            return None;
        }
        self.add(Node::Requires { params, requirements })
    }

    /// A name that depends on parameters: `[gs] <base>`, `sr <type> <base>`, `srN <type>
    /// {<simple-id>} E <base>`, `[gs] sr {<simple-id>} E <base>`
    fn unresolved_name(&mut self, is_global: bool) -> Option<NodeId> {
        if !self.is_gnu && self.eat_text(b"srN") {
            let mut scope = self.unresolved_scope()?;
            while !self.eat(b'E') {
                let name = self.simple_id()?;
                scope = self.add(Node::Resolved { scope, name })?;
            }
            let name = self.unresolved_base()?;
            return self.add(Node::Resolved { scope, name });
        }
        if !self.eat_text(b"sr") {
            let name = self.unresolved_base()?;
            return if is_global { self.add(Node::Global(name)) } else { Some(name) };
        }
        let scope = if self.peek(0).is_ascii_digit() {
            let first = self.simple_id()?;
            let mut scope = if is_global { self.add(Node::Global(first))? } else { first };
            while !self.eat(b'E') {
                let name = self.simple_id()?;
                scope = self.add(Node::Resolved { scope, name })?;
            }
            scope
        } else {
            self.unresolved_scope()?
        };
        let name = self.unresolved_base()?;
        self.add(Node::Resolved { scope, name })
    }

    fn unresolved_scope(&mut self) -> Option<NodeId> {
        let scope = self.unresolved_type()?;
        self.with_args(scope)
    }

    fn with_args(&mut self, name: NodeId) -> Option<NodeId> {
        if self.peek(0) != b'I' {
            return Some(name);
        }
        let args = self.template_args(false)?;
        self.add(Node::Template { name, args })
    }

    fn unresolved_type(&mut self) -> Option<NodeId> {
        if self.is_gnu {
            return self.ty();
        }
        let ty = match (self.peek(0), self.peek(1)) {
            (b'T', _) => self.template_parameter()?,
            (b'D', b't' | b'T') => self.decltype()?,
            _ => return self.substitution(),
        };
        self.remember(ty);
        Some(ty)
    }

    /// `<simple-id>`, `dn <destructor-name>`, `[on] <operator-name> [<args>]`
    fn unresolved_base(&mut self) -> Option<NodeId> {
        if self.peek(0).is_ascii_digit() {
            return self.simple_id();
        }
        if self.eat_text(b"dn") {
            if self.is_gnu {
                return None;
            }
            let name = if self.peek(0).is_ascii_digit() {
                self.simple_id()?
            } else {
                self.unresolved_type()?
            };
            return self.add(Node::DestructorOf(name));
        }
        if self.eat_text(b"on") && self.is_gnu && self.peek(0).is_ascii_digit() {
            return self.simple_id();
        }
        let name = self.operator_name(None)?;
        self.with_args(name)
    }

    fn simple_id(&mut self) -> Option<NodeId> {
        let name = self.source_name()?;
        self.with_args(name)
    }
}
