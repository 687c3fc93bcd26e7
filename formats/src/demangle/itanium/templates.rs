//! Arguments of templates: in, `I…E`; out, their tree, and what the template's parameters refer to.
//!
//! Itanium C++ ABI, `<template-args>`.

use super::parser::Parser;
use super::tree::{Id, Node};

impl Parser<'_> {
    /// `I {<template-arg>} [Q <constraint>] E`. Those of an encoding's own name are what parameters in it refer to.
    pub fn template_args(&mut self, are_of_encoding: bool) -> Option<Id> {
        self.expect(b'I')?;
        if are_of_encoding {
            self.begin_arguments();
        }
        let last_name = self.last_name;
        let takes_args = self.takes_args;
        self.takes_args |= self.is_gnu;
        let mut is_closed = false;
        let args = self.list(|parser| {
            if is_closed || parser.eat(b'E') {
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
            is_closed = parser.closing_constraint()?.is_some();
            Some(Some(arg))
        })?;
        self.last_name = last_name;
        self.takes_args = takes_args;
        self.add(Node::TemplateArgs(args))
    }

    /// `Q <constraint> E`, if there is one.
    pub fn closing_constraint(&mut self) -> Option<Option<Id>> {
        if !self.eat(b'Q') {
            return Some(None);
        }
        let constraint = self.constraint()?;
        self.expect(b'E')?;
        Some(Some(constraint))
    }

    /// `<type>`, `X <expression> E`, `L…E`, `J {<template-arg>} E`, `<declaration> <template-arg>`
    pub fn template_arg(&mut self) -> Option<Id> {
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
}
