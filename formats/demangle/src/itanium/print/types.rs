//! Prints types in two halves.

use super::super::ids::NodeId;
use super::super::node::{Node, Qualifiers, RefQualifier};
use super::super::operators::Precedence;
use super::Printer;

impl Printer<'_> {
    /// Writes the left half of `node` if it is a type, and says whether it was.
    pub(super) fn left_of_type(&mut self, node: Node) -> bool {
        match node {
            Node::Qualified { ty, qualifiers } => {
                self.left(ty);
                self.qualifiers(qualifiers);
            }
            Node::Pointer(pointee) => self.pointer(pointee),
            Node::Reference(target) => self.reference(target, false),
            Node::RightReference(target) => self.reference(target, true),
            Node::NullptrType => self.put("std::nullptr_t"),
            Node::Vendor { ty, text, args } => {
                self.whole(ty);
                self.put(" ");
                self.put_span(text);
                if let Some(args) = args {
                    self.whole(args);
                }
            }
            Node::Postfixed { ty, text } => {
                self.left(ty);
                self.put(text);
            }
            Node::Elaborated { kind, ty } => {
                self.put(kind);
                self.put(" ");
                self.whole(ty);
            }
            Node::Transformed { name, ty } => {
                self.put_span(name);
                self.put("(");
                self.whole(ty);
                self.put(")");
            }
            Node::ObjcProtocol { ty, protocol } => {
                self.whole(ty);
                self.put("<");
                self.put_span(protocol);
                self.put(">");
            }
            Node::MemberPointer { class, member } => {
                self.left(member);
                let is_bracketed = self.is_bracketed(member);
                self.put(if is_bracketed { "(" } else { " " });
                self.whole(class);
                self.put("::*");
            }
            Node::Array { element, .. } => self.left(element),
            Node::FunctionType { returns, .. } => {
                self.left(returns);
                self.put(" ");
            }
            _ => return self.rarer_type(node),
        }
        true
    }

    /// Types of extensions, and what stands behind functions.
    fn rarer_type(&mut self, node: Node) -> bool {
        match node {
            Node::Noexcept(condition) => {
                self.put("noexcept");
                self.enclosed('(', ')', |printer| {
                    printer.operand(condition, Precedence::Any, false);
                });
            }
            Node::Throws(types) => {
                self.put("throw");
                self.parameters(types);
            }
            Node::Vector { element, length } => {
                self.whole(element);
                self.put(" vector[");
                if let Some(length) = length {
                    self.whole(length);
                }
                self.put("]");
            }
            Node::PixelVector(length) => {
                self.put("pixel vector[");
                self.whole(length);
                self.put("]");
            }
            Node::BinaryFloat(bits) => {
                self.put("_Float");
                self.whole(bits);
            }
            Node::BitInt { bits, is_signed } => {
                self.put(if is_signed { "_BitInt" } else { "unsigned _BitInt" });
                self.enclosed('(', ')', |printer| printer.operand(bits, Precedence::Any, false));
            }
            _ => return false,
        }
        true
    }

    /// The right half of a type, and a function's parameters.
    pub(super) fn right_of_type(&mut self, node: Node) {
        match node {
            Node::Qualified { ty, .. } => self.right(ty),
            Node::Pointer(pointee) => {
                self.close_brackets(pointee);
                self.right(pointee);
            }
            Node::Reference(target) | Node::RightReference(target) => {
                let (target, _) = self.collapsed(target, false);
                self.close_brackets(target);
                self.right(target);
            }
            Node::MemberPointer { member, .. } => {
                self.close_brackets(member);
                self.right(member);
            }
            Node::Array { element, length } => {
                self.contextual += 1;
                if self.out.last() != Some(&b']') {
                    self.put(" ");
                }
                self.enclosed('[', ']', |printer| {
                    if let Some(length) = length {
                        printer.whole(length);
                    }
                });
                self.right(element);
            }
            Node::FunctionType { returns, signature, exceptions } => {
                self.signature(Some(returns), signature);
                if let Some(exceptions) = exceptions {
                    self.put(" ");
                    self.whole(exceptions);
                }
            }
            Node::Function { returns, signature, .. } => self.signature(returns, signature),
            _ => {}
        }
    }

    /// `(params)`, what stands right of the function in what it returns, and what follows.
    pub(super) fn signature(&mut self, returns: Option<NodeId>, signature: NodeId) {
        let Node::Signature { params, qualifiers, reference, tail } = self.tree.node(signature)
        else {
            return;
        };
        self.parameters(params);
        if !self.is_gnu {
            self.right_of(returns);
        }
        self.qualifiers(qualifiers);
        self.put(match reference {
            RefQualifier::None => "",
            RefQualifier::Left => " &",
            RefQualifier::Right => " &&",
        });
        if self.is_gnu {
            self.right_of(returns);
        }
        let Some(Node::SignatureTail { conditions, requires }) =
            tail.map(|tail| self.tree.node(tail))
        else {
            return;
        };
        if let Some(conditions) = conditions {
            self.put(" [enable_if:");
            self.list(conditions);
            self.put("]");
        }
        if let Some(requires) = requires {
            self.put(" requires ");
            self.whole(requires);
        }
    }

    fn right_of(&mut self, returns: Option<NodeId>) {
        if let Some(returns) = returns {
            self.right(returns);
        }
    }

    pub(super) fn qualifiers(&mut self, qualifiers: Qualifiers) {
        if qualifiers.is_const {
            self.put(" const");
        }
        if qualifiers.is_volatile {
            self.put(" volatile");
        }
        if qualifiers.is_restrict {
            self.put(" restrict");
        }
    }

    /// Pointers to arrays and functions stand in parentheses.
    fn is_bracketed(&mut self, pointee: NodeId) -> bool {
        self.is_array(pointee) || self.is_function(pointee)
    }

    pub(super) fn open_brackets(&mut self, pointee: NodeId) {
        self.left(pointee);
        if self.is_array(pointee) {
            self.put(" (");
        } else if self.is_function(pointee) {
            self.put("(");
        }
    }

    pub(super) fn close_brackets(&mut self, pointee: NodeId) {
        if self.is_bracketed(pointee) {
            self.put(")");
        }
    }

    fn pointer(&mut self, pointee: NodeId) {
        if let Node::ObjcProtocol { ty, protocol } = self.tree.node(pointee)
            && let Node::Text(name) = self.tree.node(ty)
            && name.of(self.input) == b"objc_object"
        {
            // "objc_object<protocol>*" is written "id<protocol>".
            self.put("id<");
            self.put_span(protocol);
            self.put(">");
            return;
        }
        self.open_brackets(pointee);
        self.put("*");
    }

    fn reference(&mut self, target: NodeId, is_right: bool) {
        let (target, is_right) = self.collapsed(target, is_right);
        self.open_brackets(target);
        self.put(if is_right { "&&" } else { "&" });
    }

    /// What references to references come down to, and whether all of them are `&&`.
    fn collapsed(&mut self, mut target: NodeId, mut is_right: bool) -> (NodeId, bool) {
        let mut forwards = 0;
        loop {
            self.steps += 1;
            let next = match self.tree.node(target) {
                Node::Reference(next) => {
                    is_right = false;
                    next
                }
                Node::RightReference(next) => next,
                // Only a reference counts that a pack or a later argument stands for.
                Node::Pack(list) => match self.pack_member(list) {
                    Some(next) if self.stands_for_reference(next) => next,
                    _ => return (target, is_right),
                },
                Node::Forward(number) => {
                    self.contextual += 1;
                    forwards += 1;
                    let next =
                        self.tree.forwards.get(number as usize).and_then(|forward| forward.target);
                    match next {
                        Some(next) if forwards < 64 && self.stands_for_reference(next) => next,
                        _ => return (target, is_right),
                    }
                }
                _ => return (target, is_right),
            };
            target = next;
        }
    }

    fn stands_for_reference(&self, id: NodeId) -> bool {
        matches!(
            self.tree.node(id),
            Node::Reference(_) | Node::RightReference(_) | Node::Forward(_) | Node::Pack(_)
        )
    }
}
