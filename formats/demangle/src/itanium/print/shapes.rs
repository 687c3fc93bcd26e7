//! Tells whether a type is an array, a function, or has a right half.

use super::super::ids::NodeId;
use super::super::node::Node;
use super::super::tree::Answer;
use super::Printer;

impl Printer<'_> {
    /// What has to be asked of the node that a pack or a later argument stands for.
    fn depends(&mut self, id: NodeId, ask: fn(&mut Self, NodeId) -> bool) -> bool {
        let mut answer = false;
        self.deeper(|printer| match printer.tree.node(id) {
            Node::Pack(list) => {
                if let Some(current) = printer.pack_member(list) {
                    answer = ask(printer, current);
                }
            }
            Node::Argument(index) => {
                printer.through_argument(index, |printer, target| answer = ask(printer, target));
            }
            Node::Reference(inner) | Node::RightReference(inner) if printer.is_gnu => {
                let (target, _, scope) = printer.smashed(id, inner);
                printer.within(scope, |printer| answer = ask(printer, target));
            }
            Node::Vendor { ty, .. } => answer = ask(printer, ty),
            Node::Forward(number) => {
                printer.through_forward(number, |printer, target| answer = ask(printer, target));
            }
            Node::Qualified { ty: inner, .. }
            | Node::Pointer(inner)
            | Node::Reference(inner)
            | Node::RightReference(inner)
            | Node::MemberPointer { member: inner, .. } => answer = ask(printer, inner),
            _ => {}
        });
        answer
    }

    pub(super) fn has_right(&mut self, id: NodeId) -> bool {
        match self.tree.shape(id).has_right {
            Answer::Depends => self.depends(id, Self::has_right),
            answer => answer == Answer::Yes,
        }
    }

    pub(super) fn is_array(&mut self, id: NodeId) -> bool {
        match self.tree.shape(id).is_array {
            Answer::Depends => self.depends(id, Self::is_array),
            answer => answer == Answer::Yes,
        }
    }

    pub(super) fn is_function(&mut self, id: NodeId) -> bool {
        match self.tree.shape(id).is_function {
            Answer::Depends => self.depends(id, Self::is_function),
            answer => answer == Answer::Yes,
        }
    }
}
