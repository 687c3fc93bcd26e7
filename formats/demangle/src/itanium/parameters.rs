//! Resolves template parameters (`T_`) to the arguments read so far.
//!
//! Itanium C++ ABI, `<template-param>`.

use super::ids::{NameSpan, NodeId};
use super::node::{Invented, Node};
use super::parser::{Level, Parser, Scope};
use super::tree::Forward;

impl Parser<'_> {
    /// Template parameters of one encoding mean nothing in another: those known so far are hidden.
    pub fn hide_parameters(&mut self) -> Scope {
        let hidden = Scope { first_level: self.first_level, first_argument: self.first_argument };
        self.first_level = self.memory.levels.len();
        self.first_argument = self.memory.arguments.len();
        hidden
    }

    /// Forgets those of the inner encoding.
    pub fn show_parameters(&mut self, hidden: &Scope) {
        self.memory.levels.truncate(self.first_level);
        self.memory.arguments.truncate(self.first_argument);
        self.first_level = hidden.first_level;
        self.first_argument = hidden.first_argument;
    }

    /// Parameters refer to the arguments that follow, and to no earlier ones.
    pub fn begin_arguments(&mut self) {
        self.forget_levels();
        self.memory.levels.push(Level::Arguments);
        self.memory.arguments.truncate(self.first_argument);
    }

    /// Parameters refer to nothing for now.
    pub fn forget_levels(&mut self) {
        self.memory.levels.truncate(self.first_level);
    }

    /// What the next parameter refers to.
    pub fn add_argument(&mut self, id: NodeId) {
        self.memory.arguments.push(id);
    }

    /// How many levels of parameters there are.
    pub fn levels(&self) -> usize {
        self.memory.levels.len() - self.first_level
    }

    /// Opens a level of parameters that are declared.
    pub fn open_level(&mut self) {
        self.memory.levels.push(Level::Declared(Vec::new()));
    }

    /// Goes back to `levels` levels.
    pub fn close_levels(&mut self, levels: usize) {
        self.memory.levels.truncate(self.first_level + levels);
    }

    /// A name for a parameter that has none; it joins level `level`, if any.
    pub fn invent(&mut self, kind: Invented, level: Option<usize>) -> Option<NodeId> {
        let number = self.invented.get_mut(kind as usize)?;
        let node = Node::Invented { kind, number: *number };
        *number += 1;
        let id = self.add(node)?;
        if let Some(Level::Declared(parameters)) =
            level.and_then(|level| self.memory.levels.get_mut(self.first_level + level))
        {
            parameters.push(id);
        }
        Some(id)
    }

    /// `T [L <number> _] [<number>] _`
    pub fn template_parameter(&mut self) -> Option<NodeId> {
        let start = self.at;
        self.expect(b'T')?;
        let level = if self.eat(b'L') {
            let level = self.size()?.checked_add(1)?;
            self.expect(b'_')?;
            level
        } else {
            0
        };
        let index = self.parameter_index()?;
        if self.in_constraint {
            let written = self.since(start).map(|span| NameSpan { end: span.end - 1, ..span })?;
            return self.add(Node::ParameterText(written));
        }
        if self.is_gnu {
            return match self.memory.levels.get(self.first_level + level) {
                Some(Level::Declared(parameters)) => parameters.get(index).copied(),
                _ if level == 0 => self.add(Node::Argument(index)),
                _ => None,
            };
        }
        if self.allows_forward && level == 0 {
            let number = u32::try_from(self.memory.tree.forwards.len()).ok()?;
            self.memory.tree.forwards.push(Forward { index, target: None });
            return self.add(Node::Forward(number));
        }
        self.known_parameter(level, index).or_else(|| {
            // The parameter of a lambda that is `auto`.
            if self.lambda_level != Some(level) || level > self.levels() {
                return None;
            }
            if level == self.levels() {
                self.memory.levels.push(Level::Undeclared);
            }
            self.add(Node::Auto(u32::try_from(index).ok()?))
        })
    }

    fn known_parameter(&self, level: usize, index: usize) -> Option<NodeId> {
        match self.memory.levels.get(self.first_level + level)? {
            Level::Arguments => self.memory.arguments.get(self.first_argument + index).copied(),
            Level::Declared(parameters) => parameters.get(index).copied(),
            Level::Undeclared => None,
        }
    }

    /// Gives references that were read before their arguments what they refer to, from number
    /// `first` on.
    pub fn resolve_forwards(&mut self, first: usize) -> Option<()> {
        for number in first..self.memory.tree.forwards.len() {
            let forward = self.memory.tree.forwards.get(number)?;
            if forward.target.is_none() {
                let target = self.known_parameter(0, forward.index)?;
                self.memory.tree.forwards.get_mut(number)?.target = Some(target);
            }
        }
        Some(())
    }
}
