//! Parses template arguments and parameters (`I…E`, `Ty…`).
//!
//! Itanium C++ ABI, `<template-args>`, `<template-param-decl>`.

use super::ids::NodeId;
use super::node::{Invented, Node};
use super::parser::Parser;

impl Parser<'_> {
    /// `I {<template-arg>} [Q <constraint>] E`. Those of an encoding's own name are what parameters
    /// in it refer to.
    pub fn template_args(&mut self, are_of_encoding: bool) -> Option<NodeId> {
        self.expect(b'I')?;
        if are_of_encoding {
            self.begin_arguments();
        }
        let last_name = self.last_name;
        let takes_args = self.takes_args;
        self.takes_args |= self.is_gnu;
        let mut constraint = None;
        let args = self.list(|parser| {
            if constraint.is_some() || parser.eat(b'E') {
                return Some(None);
            }
            let arg = parser.template_arg()?;
            if are_of_encoding {
                let target = match parser.memory.tree.node(arg) {
                    Node::ArgumentOf { argument } => argument,
                    Node::PackArgs(args) => parser.add(Node::Pack(args))?,
                    _ => arg,
                };
                parser.add_argument(target);
            }
            parser.closing_constraint(&mut constraint)?;
            Some(Some(arg))
        })?;
        self.last_name = last_name;
        self.takes_args = takes_args;
        self.add(Node::TemplateArgs(args))
    }

    /// `Q <constraint> E`, if there is one.
    fn closing_constraint(&mut self, constraint: &mut Option<NodeId>) -> Option<()> {
        if self.eat(b'Q') {
            *constraint = Some(self.constraint()?);
            self.expect(b'E')?;
        }
        Some(())
    }

    /// `<type>`, `X <expression> E`, `L…E`, `J {<template-arg>} E`, `<declaration> <template-arg>`
    pub fn template_arg(&mut self) -> Option<NodeId> {
        match self.peek(0) {
            b'X' => {
                self.at += 1;
                let expression = self.expression()?;
                self.expect(b'E')?;
                Some(expression)
            }
            b'J' => self.deeper(|parser| {
                parser.at += 1;
                let args = parser.list_until(b'E', Self::template_arg)?;
                parser.add(Node::PackArgs(args))
            }),
            b'L' if self.peek(1) == b'Z' => {
                self.at += 2;
                let encoding = self.encoding()?;
                self.expect(b'E')?;
                Some(encoding)
            }
            b'L' => self.literal(),
            b'T' if !self.is_gnu && self.is_parameter_declaration() => self.deeper(|parser| {
                parser.parameter_declaration(None)?;
                let argument = parser.template_arg()?;
                parser.add(Node::ArgumentOf { argument })
            }),
            _ => self.ty(),
        }
    }
    /// Is a declaration of a parameter next?
    pub fn is_parameter_declaration(&self) -> bool {
        self.peek(0) == b'T'
            && (matches!(self.peek(1), b'y' | b'p' | b't' | b'n')
                || self.peek(1) == b'k' && !self.is_gnu)
    }

    /// `Ty`, `Tk <name>`, `Tn <type>`, `Tt {<declaration>} E`, `Tp <declaration>`; `level` is that
    /// which it joins.
    pub fn parameter_declaration(&mut self, level: Option<usize>) -> Option<NodeId> {
        self.deeper(|parser| {
            let code = parser.peek(1);
            if !parser.is_parameter_declaration() {
                return None;
            }
            parser.at += 2;
            match code {
                b'y' => {
                    let name = parser.invent(Invented::Type, level)?;
                    parser.add(Node::TypeParameter(name))
                }
                b'k' => {
                    let constraint = parser.name(None)?;
                    let name = parser.invent(Invented::Type, level)?;
                    parser.add(Node::ConstrainedParameter { constraint, name })
                }
                b'n' => {
                    let name = parser.invent(Invented::Value, level)?;
                    let ty = parser.ty()?;
                    parser.add(Node::ValueParameter { ty, name })
                }
                b't' => {
                    let name = parser.invent(Invented::Template, level)?;
                    let levels = parser.levels();
                    parser.open_level();
                    let mut requires = None;
                    let params = parser.list(|parser| {
                        if requires.is_some() || parser.eat(b'E') {
                            return Some(None);
                        }
                        let declaration = parser.parameter_declaration(Some(levels))?;
                        parser.closing_constraint(&mut requires)?;
                        Some(Some(declaration))
                    })?;
                    parser.close_levels(levels);
                    parser.add(Node::TemplateParameter { name, params, requires })
                }
                _ => {
                    let parameter = parser.parameter_declaration(level)?;
                    parser.add(Node::PackParameter(parameter))
                }
            }
        })
    }
}
