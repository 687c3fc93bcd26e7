//! Prints names, functions and what compilers generate.

use super::super::ids::{NodeId, NodeList};
use super::super::node::{Invented, Node, Special, StdName};
use super::Printer;

impl Printer<'_> {
    /// Writes `node` if it is a name, and says whether it was.
    pub(super) fn left_of_name(&mut self, node: Node) -> bool {
        match node {
            Node::Nested { scope, name }
            | Node::Resolved { scope, name }
            | Node::Local { function: scope, name } => {
                self.whole(scope);
                self.put("::");
                self.whole(name);
            }
            Node::Template { name, args } => {
                self.whole(name);
                self.whole(args);
            }
            Node::TemplateArgs(args) => self.angled(|printer| printer.list(args)),
            Node::Known(known) => {
                self.put("std::");
                self.put(short_name(known));
            }
            Node::KnownInFull(known) => self.known_in_full(known),
            Node::Constructor(class) => self.base_name(class),
            Node::Destructor(class) => {
                self.put("~");
                self.base_name(class);
            }
            Node::DestructorOf(class) => {
                self.put("~");
                self.left(class);
            }
            Node::OperatorName(operator) => {
                self.put("operator");
                if operator.symbol.starts_with(|letter: char| letter.is_ascii_lowercase()) {
                    self.put(" ");
                }
                self.put(operator.symbol);
            }
            Node::Conversion(ty) => {
                self.put("operator ");
                self.whole(ty);
            }
            Node::LiteralOperator(name) => {
                self.put("operator\"\" ");
                self.whole(name);
            }
            _ => return self.rarer_name(node),
        }
        true
    }

    /// Names that functions seldom have.
    fn rarer_name(&mut self, node: Node) -> bool {
        match node {
            Node::Global(name) => {
                self.put("::");
                self.whole(name);
            }
            Node::InDefaultArgument { name, .. } => self.whole(name),
            Node::StringOf(function) => {
                self.whole(function);
                self.put("::string literal");
            }
            Node::Friend { scope, name } => {
                self.whole(scope);
                self.put("::friend ");
                self.whole(name);
            }
            Node::Tagged { name, tag } => {
                self.left(name);
                self.put("[abi:");
                self.put_span(tag);
                self.put("]");
            }
            Node::Unnamed(number) => {
                self.put("'unnamed");
                self.put_span(number);
                self.put("'");
            }
            Node::Lambda { body, number } => {
                self.put("'lambda");
                self.put_span(number);
                self.put("'");
                self.lambda_body(body);
            }
            Node::Bindings(names) => self.enclosed('[', ']', |printer| printer.list(names)),
            _ => return self.left_of_thing(node),
        }
        true
    }

    /// What has a name, and what templates declare.
    fn left_of_thing(&mut self, node: Node) -> bool {
        match node {
            Node::Module { parent, name, is_partition } => self.module(parent, name, is_partition),
            Node::InModule { module, name } => {
                self.whole(name);
                self.put("@");
                self.whole(module);
            }
            Node::Special { kind, name } => {
                self.put(special_text(kind));
                self.whole(name);
            }
            Node::ConstructionVtable { inner, outer } => {
                self.put("construction vtable for ");
                self.whole(inner);
                self.put("-in-");
                self.whole(outer);
            }
            Node::Function { name, returns, .. } => {
                if let Some(returns) = returns {
                    self.left(returns);
                    if !self.has_right(returns) {
                        self.put(" ");
                    }
                }
                self.whole(name);
            }
            Node::ExplicitObject(ty) => {
                self.put("this ");
                self.whole(ty);
            }
            Node::Suffixed { name, suffix } => {
                self.whole(name);
                self.put(" (");
                self.put_span(suffix);
                self.put(")");
            }
            _ => return self.left_of_parameter(node),
        }
        true
    }

    /// What templates declare, and what stands for it.
    fn left_of_parameter(&mut self, node: Node) -> bool {
        match node {
            Node::Auto(_) => self.put("auto"),
            Node::ParameterText(span) => self.put_span(span),
            Node::Invented { kind, number } => self.invented(kind, number),
            Node::TypeParameter(_) => self.put("typename "),
            Node::ConstrainedParameter { constraint, .. } => {
                self.whole(constraint);
                self.put(" ");
            }
            Node::ValueParameter { ty, .. } => {
                self.left(ty);
                if !self.has_right(ty) {
                    self.put(" ");
                }
            }
            Node::TemplateParameter { params, .. } => {
                self.put("template");
                self.angled(|printer| printer.list(params));
                self.put(" typename ");
            }
            Node::PackParameter(parameter) => {
                self.left(parameter);
                self.put("...");
            }
            _ => return false,
        }
        true
    }

    /// The name of a class without scope and arguments, as its constructor has it; nothing if it
    /// has none.
    fn base_name(&mut self, class: NodeId) {
        self.deeper(|printer| match printer.tree.node(class) {
            Node::Text(span) => printer.put_span(span),
            Node::Word(text) => printer.put(text),
            Node::Nested { name, .. }
            | Node::Resolved { name, .. }
            | Node::Local { name, .. }
            | Node::Template { name, .. }
            | Node::Tagged { name, .. }
            | Node::Friend { name, .. }
            | Node::InModule { name, .. }
            | Node::InDefaultArgument { name, .. }
            | Node::Global(name) => printer.base_name(name),
            Node::OperatorName(_) => printer.left(class),
            Node::Known(known) => printer.put(short_name(known)),
            Node::KnownInFull(known) => printer.put(full_name(known)),
            Node::Forward(number) => printer.through_forward(number, Self::base_name),
            _ => {}
        });
    }

    fn known_in_full(&mut self, known: StdName) {
        self.put("std::");
        self.put(full_name(known));
        if matches!(known, StdName::Allocator | StdName::BasicString) {
            return;
        }
        self.put("<char, std::char_traits<char>");
        if known == StdName::String {
            self.put(", std::allocator<char>");
        }
        self.put(if self.is_gnu { " >" } else { ">" });
    }

    pub(super) fn lambda_body(&mut self, body: NodeId) {
        let Node::LambdaBody { decls, params, constraints } = self.tree.node(body) else { return };
        let (before, after) = match constraints.map(|constraints| self.tree.node(constraints)) {
            Some(Node::LambdaConstraints { before, after }) => (before, after),
            _ => (None, None),
        };
        if !decls.is_empty() {
            self.angled(|printer| printer.list(decls));
        }
        if let Some(before) = before {
            self.put(" requires ");
            self.whole(before);
            self.put(" ");
        }
        self.parameters(params);
        if let Some(after) = after {
            self.put(" requires ");
            self.whole(after);
        }
    }

    /// `(a, b)`
    pub(super) fn parameters(&mut self, params: NodeList) {
        self.enclosed('(', ')', |printer| printer.list(params));
    }

    fn module(&mut self, parent: Option<NodeId>, name: NodeId, is_partition: bool) {
        if let Some(parent) = parent {
            self.whole(parent);
        }
        if is_partition {
            self.put(":");
        } else if parent.is_some() {
            self.put(".");
        }
        self.whole(name);
    }

    fn invented(&mut self, kind: Invented, number: u32) {
        self.put(match kind {
            Invented::Type => "$T",
            Invented::Value => "$N",
            Invented::Template => "$TT",
        });
        if number > 0 {
            let text = (number - 1).to_string();
            self.put(&text);
        }
    }
}

fn short_name(known: StdName) -> &'static str {
    match known {
        StdName::Allocator => "allocator",
        StdName::BasicString => "basic_string",
        StdName::String => "string",
        StdName::Istream => "istream",
        StdName::Ostream => "ostream",
        StdName::Iostream => "iostream",
    }
}

fn full_name(known: StdName) -> &'static str {
    match known {
        StdName::Allocator => "allocator",
        StdName::BasicString | StdName::String => "basic_string",
        StdName::Istream => "basic_istream",
        StdName::Ostream => "basic_ostream",
        StdName::Iostream => "basic_iostream",
    }
}

pub(super) fn special_text(kind: Special) -> &'static str {
    match kind {
        Special::Vtable => "vtable for ",
        Special::Vtt => "VTT for ",
        Special::Typeinfo => "typeinfo for ",
        Special::TypeinfoName => "typeinfo name for ",
        Special::TemplateParameterObject => "template parameter object for ",
        Special::CovariantThunk => "covariant return thunk to ",
        Special::NonVirtualThunk => "non-virtual thunk to ",
        Special::VirtualThunk => "virtual thunk to ",
        Special::ThreadWrapper => "thread-local wrapper routine for ",
        Special::ThreadInit => "thread-local initialization routine for ",
        Special::Guard => "guard variable for ",
        Special::ReferenceTemporary => "reference temporary for ",
        Special::Transaction => "transaction clone for ",
        Special::NoTransaction => "non-transaction clone for ",
        Special::ModuleInit => "initializer for module ",
        Special::Block => "invocation function for block in ",
    }
}
