//! Finds the argument that a template parameter stands for where GNU meets it.
//!
//! GNU looks parameters up while it writes, in the template around what it writes just then. A
//! substitution can stand in another template than what it repeats, and then says something else;
//! references to parameters remember where they stood first.

use super::super::ids::{NodeId, NodeList};
use super::super::node::Node;
use super::Printer;

/// A template within others: its place in [`Scopes::entered`].
pub(super) type Scope = Option<usize>;

/// The templates that have been entered, and the one that is meant.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// Their arguments, and what they are in.
    entered: Vec<(NodeList, Scope)>,
    current: Scope,
    /// Where references to a parameter stood first.
    first: Vec<(NodeId, Scope)>,
    /// References that are being written.
    open: Vec<NodeId>,
    /// The template that is being written, which a conversion in it refers to.
    pub(super) written: Option<NodeList>,
    /// How many lambdas' parameters are being written: parameters of templates in them are `auto`.
    pub(super) lambdas: usize,
}

impl Printer<'_> {
    /// Prints with parameters that stand for `args`.
    pub(super) fn inside(&mut self, args: Option<NodeList>, print: impl FnOnce(&mut Self)) {
        let Some(args) = args else { return print(self) };
        let outer = self.scopes.current;
        self.scopes.entered.push((args, outer));
        self.within(Some(self.scopes.entered.len() - 1), print);
    }

    /// Prints with the templates of `scope` around.
    pub(super) fn within(&mut self, scope: Scope, print: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.scopes.current, scope);
        print(self);
        self.scopes.current = outer;
    }

    /// The arguments that the last part of a function's name has.
    pub(super) fn args_of(&self, name: NodeId) -> Option<NodeList> {
        match self.tree.node(name) {
            Node::Template { args, .. } => match self.tree.node(args) {
                Node::TemplateArgs(args) => Some(args),
                _ => None,
            },
            Node::Local { name, .. } | Node::InDefaultArgument { name, .. } => self.args_of(name),
            _ => None,
        }
    }

    /// The argument that a parameter stands for in `scope`; of a pack, the one that is meant.
    fn argument(&mut self, index: usize, scope: Scope) -> Option<NodeId> {
        self.contextual += 1;
        let argument = scope
            .and_then(|scope| self.scopes.entered.get(scope))
            .and_then(|&(args, _)| self.tree.list(args).get(index).copied());
        let Some(argument) = argument else {
            self.is_refused = true;
            return None;
        };
        match self.tree.node(argument) {
            Node::PackArgs(_) if self.pack.is_whole() => Some(argument),
            Node::PackArgs(args) => self.pack_member(args),
            _ => Some(argument),
        }
    }

    /// The length of the pack that a parameter stands for.
    pub(super) fn pack_length(&mut self, pack: NodeId) -> usize {
        let Node::Argument(index) = self.tree.node(pack) else { return 0 };
        self.contextual += 1;
        let args = self
            .scopes
            .current
            .and_then(|scope| self.scopes.entered.get(scope))
            .map(|&(args, _)| args);
        let argument = args.and_then(|args| self.tree.list(args).get(index).copied());
        match argument.map(|argument| self.tree.node(argument)) {
            Some(Node::PackArgs(args)) => args.len(),
            _ => 0,
        }
    }

    /// How many arguments `operand` makes; none if they are a function's.
    pub(super) fn args_length(&mut self, operand: NodeId) -> usize {
        let Node::Several(args) = self.tree.node(operand) else { return 0 };
        let args = self.tree.list(args);
        args.iter()
            .map(|&id| {
                if let Node::Expansion(pack) = self.tree.node(id) {
                    self.pack_length(pack)
                } else {
                    1
                }
            })
            .sum()
    }

    /// Prints what a parameter stands for, which may be a parameter of the template around.
    pub(super) fn through_argument(&mut self, index: usize, print: impl FnOnce(&mut Self, NodeId)) {
        self.contextual += 1;
        if self.scopes.lambdas > 0 {
            return;
        }
        let scope = self.scopes.current;
        if let Some(argument) = self.argument(index, scope) {
            let around = scope
                .and_then(|scope| self.scopes.entered.get(scope))
                .and_then(|&(_, around)| around);
            self.within(around, |printer| print(printer, argument));
        }
    }

    /// What a reference to `target` refers to once references to references are one, whether as
    /// `&&` says if the reference does, and the scope to print it in.
    pub(super) fn smashed(&mut self, reference: NodeId, target: NodeId) -> (NodeId, bool, Scope) {
        let is_right = matches!(self.tree.node(reference), Node::RightReference(_));
        let mut scope = self.scopes.current;
        let mut sub = target;
        if let Node::Argument(index) = self.tree.node(target)
            && self.scopes.lambdas == 0
        {
            self.contextual += 1;
            match self.scopes.first.iter().find(|(id, _)| *id == target) {
                None => self.scopes.first.push((target, scope)),
                Some(&(_, first)) if !self.scopes.open.contains(&reference) => scope = first,
                Some(_) => {}
            }
            match self.argument(index, scope) {
                Some(argument) => sub = argument,
                None => return (target, is_right, scope),
            }
        }
        match self.tree.node(sub) {
            Node::Reference(inner) => (inner, false, scope),
            Node::RightReference(inner) => (inner, is_right, scope),
            _ => (target, is_right, scope),
        }
    }

    /// The left half of a reference.
    pub(super) fn reference_as_gnu(&mut self, reference: NodeId, target: NodeId) {
        let (target, is_right, scope) = self.smashed(reference, target);
        self.scopes.open.push(reference);
        self.within(scope, |printer| {
            printer.open_brackets(target);
            printer.put(if is_right { "&&" } else { "&" });
        });
        self.scopes.open.pop();
    }

    /// The right half of a reference.
    pub(super) fn reference_end_as_gnu(&mut self, reference: NodeId, target: NodeId) {
        let (target, _, scope) = self.smashed(reference, target);
        self.scopes.open.push(reference);
        self.within(scope, |printer| {
            printer.close_brackets(target);
            printer.right(target);
        });
        self.scopes.open.pop();
    }
}
