//! The tree of a C++ name: the parser adds nodes, and the printer reads them by number.
//!
//! Nodes are shared (a substitution is a second edge to the same node), so the tree is a graph, and
//! what it prints can be exponentially longer than it is. Nodes only refer to older ones, except
//! for [`Node::Forward`].

use std::num::NonZeroU32;

use super::ids::{NodeId, NodeList};
use super::node::Node;
use super::operators::Precedence;

/// Is it so? Of a pack that depends on which of its types is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// The printer has to look.
    Depends,
}

/// What a node looks like from outside, which decides where spaces and parentheses go.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Does part of it stand right of the name that it declares?
    pub has_right: Answer,
    /// Is it an array?
    pub is_array: Answer,
    /// Is it a function?
    pub is_function: Answer,
}

impl Shape {
    const PLAIN: Self =
        Self { has_right: Answer::No, is_array: Answer::No, is_function: Answer::No };
    const DEPENDS: Self = Self {
        has_right: Answer::Depends,
        is_array: Answer::Depends,
        is_function: Answer::Depends,
    };
    const RIGHT: Self = Self { has_right: Answer::Yes, ..Self::PLAIN };
    const ARRAY: Self = Self { is_array: Answer::Yes, ..Self::RIGHT };
    const FUNCTION: Self = Self { is_function: Answer::Yes, ..Self::RIGHT };
}

/// A reference to an argument that had not been read yet.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// The argument's number.
    pub index: usize,
    /// The argument.
    pub target: Option<NodeId>,
}

/// All nodes of one name.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<(Node, Shape)>,
    members: Vec<NodeId>,
    /// References to arguments that come later.
    pub forwards: Vec<Forward>,
    /// Is it to be written as GNU does?
    pub is_gnu: bool,
}

impl Tree {
    /// Forgets all nodes.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.members.clear();
        self.forwards.clear();
    }

    /// Adds a node. `None` if there are more than `max` nodes.
    pub fn add(&mut self, node: Node, max: usize) -> Option<NodeId> {
        if self.nodes.len() >= max {
            return None;
        }
        let shape = self.shape_of(&node);
        self.nodes.push((node, shape));
        Some(NodeId(NonZeroU32::new(u32::try_from(self.nodes.len()).ok()?)?))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Keeps `ids` as a list.
    pub fn add_list(&mut self, ids: impl Iterator<Item = NodeId>) -> Option<NodeList> {
        let start = u32::try_from(self.members.len()).ok()?;
        self.members.extend(ids);
        Some(NodeList { start, end: u32::try_from(self.members.len()).ok()? })
    }

    /// The node of a number that [`Tree::add`] gave.
    #[inline]
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id.index()).map_or(Node::Word(""), |&(node, _)| node)
    }

    /// Its shape.
    #[inline]
    pub fn shape(&self, id: NodeId) -> Shape {
        self.nodes.get(id.index()).map_or(Shape::PLAIN, |&(_, shape)| shape)
    }

    /// The list's nodes.
    pub fn list(&self, list: NodeList) -> &[NodeId] {
        self.members.get(list.start as usize..list.end as usize).unwrap_or_default()
    }

    fn shape_of(&self, node: &Node) -> Shape {
        match *node {
            Node::Qualified { ty: inner, .. } | Node::Tagged { name: inner, .. } => {
                self.shape(inner)
            }
            Node::Vendor { ty, .. } if self.is_gnu => {
                Shape { has_right: self.shape(ty).has_right, ..Shape::PLAIN }
            }
            Node::Pointer(inner)
            | Node::Reference(inner)
            | Node::RightReference(inner)
            | Node::MemberPointer { member: inner, .. } => {
                Shape { has_right: self.shape(inner).has_right, ..Shape::PLAIN }
            }
            Node::Array { .. } => Shape::ARRAY,
            Node::Function { .. } | Node::FunctionType { .. } => Shape::FUNCTION,
            Node::Forward(_) | Node::Argument(_) => Shape::DEPENDS,
            Node::Pack(list) => {
                let all_lack = |answer: fn(Shape) -> Answer| {
                    let lack =
                        self.list(list).iter().all(|&id| answer(self.shape(id)) == Answer::No);
                    if lack { Answer::No } else { Answer::Depends }
                };
                Shape {
                    has_right: all_lack(|shape| shape.has_right),
                    is_array: all_lack(|shape| shape.is_array),
                    is_function: all_lack(|shape| shape.is_function),
                }
            }
            Node::TypeParameter(_)
            | Node::ConstrainedParameter { .. }
            | Node::ValueParameter { .. }
            | Node::TemplateParameter { .. }
            | Node::PackParameter(_) => Shape::RIGHT,
            _ => Shape::PLAIN,
        }
    }

    /// How tightly an expression binds.
    pub fn precedence(&self, id: NodeId) -> Precedence {
        match self.node(id) {
            Node::Binary { operator, .. }
            | Node::Prefix { operator, .. }
            | Node::Postfix { operator, .. }
            | Node::Member { operator, .. }
            | Node::NamedCast { operator, .. }
            | Node::Of { operator, .. } => operator.precedence,
            Node::Subscript { .. } | Node::Call { .. } => Precedence::Postfix,
            Node::New { .. }
            | Node::Delete { .. }
            | Node::MemberCast { .. }
            | Node::Enclosed { prefix: "noexcept ", .. } => Precedence::Unary,
            Node::Cast { .. } => Precedence::Cast,
            Node::Conditional { .. } => Precedence::Conditional,
            _ => Precedence::Primary,
        }
    }
}
