//! Parses types.
//!
//! Itanium C++ ABI, `<type>`: every type but the built-in ones can be referred to by substitutions.

use super::ids::NodeId;
use super::node::{Node, RefQualifier};
use super::parser::Parser;

impl Parser<'_> {
    /// `<type>`
    pub fn ty(&mut self) -> Option<NodeId> {
        self.deeper(|parser| {
            let first = parser.peek(0);
            if let Some(word) = builtin(first) {
                parser.at += 1;
                return parser.add(Node::Word(word));
            }
            match first {
                b'D' => parser.d_type(),
                b'S' if parser.peek(1) != b't' => parser.substituted_type(),
                _ => {
                    let ty = parser.new_type(first)?;
                    parser.remember(ty);
                    Some(ty)
                }
            }
        })
    }

    fn new_type(&mut self, first: u8) -> Option<NodeId> {
        let simple: fn(NodeId) -> Node = match first {
            b'P' => Node::Pointer,
            b'R' => Node::Reference,
            b'O' => Node::RightReference,
            b'C' => |ty| Node::Postfixed { ty, text: " complex" },
            b'G' => |ty| Node::Postfixed { ty, text: " imaginary" },
            b'r' | b'V' | b'K' if self.is_function_type() => return self.function_type(),
            b'r' | b'V' | b'K' | b'U' => return self.qualified_type(),
            b'F' => return self.function_type(),
            b'A' => return self.array_type(),
            b'M' => return self.member_pointer(),
            b'u' => return self.vendor_type(),
            b'T' if !matches!(self.peek(1), b's' | b'u' | b'e') => return self.parameter_type(),
            _ => return self.class_type(),
        };
        self.at += 1;
        let ty = self.ty()?;
        self.add(simple(ty))
    }

    /// A substitution alone is no new type.
    fn substituted_type(&mut self) -> Option<NodeId> {
        let (mut ty, is_substitution) = self.unscoped_name(None)?;
        if self.peek(0) == b'I' && (!is_substitution || self.takes_args || self.is_gnu) {
            if !is_substitution {
                self.remember(ty);
            }
            let args = self.template_args(false)?;
            ty = self.add(Node::Template { name: ty, args })?;
        } else if is_substitution {
            return Some(ty);
        }
        self.remember(ty);
        Some(ty)
    }

    /// After qualifiers, is there a function type?
    fn is_function_type(&self) -> bool {
        let qualifiers = [b'r', b'V', b'K']
            .iter()
            .fold(0, |at, &qualifier| at + usize::from(self.peek(at) == qualifier));
        match self.peek(qualifiers) {
            b'F' => true,
            b'D' => matches!(self.peek(qualifiers + 1), b'o' | b'O' | b'w' | b'x'),
            _ => false,
        }
    }

    /// `u <source-name> [I <type> E]`
    fn vendor_type(&mut self) -> Option<NodeId> {
        self.at += 1;
        let name = self.identifier()?;
        if !self.eat(b'I') {
            return self.add(Node::Text(name));
        }
        let ty = self.ty()?;
        self.expect(b'E')?;
        self.add(Node::Transformed { name, ty })
    }

    fn parameter_type(&mut self) -> Option<NodeId> {
        let name = self.template_parameter()?;
        if self.peek(0) != b'I' || !self.takes_args && !self.is_gnu {
            return Some(name);
        }
        let (start, substitutions) = (self.at, self.substitutions());
        // So says the ABI, and so does GNU; to LLVM the parameter without its arguments is nothing
        // to refer to.
        if self.is_gnu {
            self.remember(name);
        }
        let args = self.template_args(false)?;
        if !self.takes_args && self.peek(0) != b'I' {
            // The arguments are the conversion's own. Reading them again is bounded by the number
            // of nodes.
            self.at = start;
            self.forget_from(substitutions);
            return Some(name);
        }
        self.add(Node::Template { name, args })
    }

    /// Types that begin with `D`.
    fn d_type(&mut self) -> Option<NodeId> {
        let code = self.peek(1);
        let node = match code {
            b'd' => Node::Word("decimal64"),
            b'e' => Node::Word("decimal128"),
            b'f' => Node::Word("decimal32"),
            b'h' => Node::Word("half"),
            b'i' => Node::Word("char32_t"),
            b's' => Node::Word("char16_t"),
            b'u' => Node::Word("char8_t"),
            b'a' => Node::Word("auto"),
            b'c' => Node::Word("decltype(auto)"),
            b'n' => Node::NullptrType,
            b'F' => {
                self.at += 2;
                let mut bits = self.number(false)?;
                if self.is_gnu && self.eat(b'x') {
                    bits.end += 1;
                } else {
                    self.expect(b'_')?;
                }
                let bits = self.add(Node::Text(bits))?;
                return self.add(Node::BinaryFloat(bits));
            }
            b'B' | b'U' => return self.bit_int(),
            b'k' | b'K' if !self.is_gnu => {
                self.at += 2;
                let constraint = self.name(None)?;
                return self.add(Node::Postfixed {
                    ty: constraint,
                    text: if code == b'k' { " auto" } else { " decltype(auto)" },
                });
            }
            _ => {
                let ty = match code {
                    b't' | b'T' => self.decltype()?,
                    b'v' => self.vector()?,
                    b'o' | b'O' | b'w' | b'x' => self.function_type()?,
                    b'p' => {
                        self.at += 2;
                        let pattern = self.ty()?;
                        self.add(Node::Expansion(pattern))?
                    }
                    _ => return None,
                };
                self.remember(ty);
                return Some(ty);
            }
        };
        self.at += 2;
        self.add(node)
    }

    /// `DB <number> _`, `DU <expression> _`
    fn bit_int(&mut self) -> Option<NodeId> {
        let is_signed = self.peek(1) == b'B';
        self.at += 2;
        let bits = if self.peek(0).is_ascii_digit() {
            let number = self.number(false)?;
            self.add(Node::Text(number))?
        } else {
            self.expression()?
        };
        self.expect(b'_')?;
        self.add(Node::BitInt { bits, is_signed })
    }

    /// `Dt <expression> E`, `DT <expression> E`
    pub fn decltype(&mut self) -> Option<NodeId> {
        self.at += 2;
        let operand = self.expression()?;
        self.expect(b'E')?;
        self.add(Node::Enclosed { prefix: "decltype", operand })
    }

    /// `Dv <number> _ <type>`, `Dv [<expression>] _ <type>`; the type `p` is a pixel.
    fn vector(&mut self) -> Option<NodeId> {
        self.at += 2;
        let length = if self.peek(0).is_ascii_digit() && self.peek(0) != b'0' {
            let number = self.number(false)?;
            let length = self.add(Node::Text(number))?;
            self.expect(b'_')?;
            if self.eat(b'p') {
                return self.add(Node::PixelVector(length));
            }
            Some(length)
        } else if self.eat(b'_') != self.is_gnu {
            if self.is_gnu {
                return None;
            }
            None
        } else {
            let length = self.expression()?;
            self.expect(b'_')?;
            Some(length)
        };
        let element = self.ty()?;
        self.add(Node::Vector { element, length })
    }

    /// `A [<number>] _ <type>`, `A [<expression>] _ <type>`
    fn array_type(&mut self) -> Option<NodeId> {
        self.at += 1;
        let length = if self.peek(0).is_ascii_digit() {
            let number = self.number(false)?;
            self.expect(b'_')?;
            Some(self.add(Node::Text(number))?)
        } else if self.eat(b'_') {
            None
        } else {
            let length = self.expression()?;
            self.expect(b'_')?;
            Some(length)
        };
        let element = self.ty()?;
        self.add(Node::Array { element, length })
    }

    /// `M <class> <type>`
    fn member_pointer(&mut self) -> Option<NodeId> {
        self.at += 1;
        let class = self.ty()?;
        let member = self.ty()?;
        self.add(Node::MemberPointer { class, member })
    }

    /// `[Ts|Tu|Te] <name>`
    fn class_type(&mut self) -> Option<NodeId> {
        let kind = match (self.peek(0), self.peek(1)) {
            (b'T', _) if self.is_gnu => return None,
            (b'T', b's') => "struct",
            (b'T', b'u') => "union",
            (b'T', b'e') => "enum",
            _ => return self.name(None),
        };
        self.at += 2;
        let ty = self.name(None)?;
        self.add(Node::Elaborated { kind, ty })
    }

    /// `U <source-name> [<args>] <type>`, or `<qualifiers> <type>`
    fn qualified_type(&mut self) -> Option<NodeId> {
        self.deeper(|parser| {
            if parser.eat(b'U') {
                return parser.vendor_qualified();
            }
            let qualifiers = parser.qualifiers();
            let ty = parser.ty()?;
            if qualifiers.is_empty() {
                Some(ty)
            } else {
                parser.add(Node::Qualified { ty, qualifiers })
            }
        })
    }

    fn vendor_qualified(&mut self) -> Option<NodeId> {
        let text = self.identifier()?;
        if !self.is_gnu && text.of(self.input).starts_with(b"objcproto") {
            // The protocol's name is within the qualifier.
            let after = std::mem::replace(&mut self.at, text.start as usize + b"objcproto".len());
            let protocol = self.identifier().filter(|protocol| protocol.end <= text.end)?;
            self.at = after;
            let ty = self.qualified_type()?;
            return self.add(Node::ObjcProtocol { ty, protocol });
        }
        let args = if self.peek(0) == b'I' { Some(self.template_args(false)?) } else { None };
        let ty = if self.is_gnu { self.ty()? } else { self.qualified_type()? };
        self.add(Node::Vendor { ty, text, args })
    }

    /// `[<qualifiers>] [<exceptions>] [Dx] F [Y] <return type> {<type>} [R|O] E`
    fn function_type(&mut self) -> Option<NodeId> {
        let qualifiers = self.qualifiers();
        let exceptions = if self.eat_text(b"Do") {
            Some(self.add(Node::Word("noexcept"))?)
        } else if self.eat_text(b"DO") {
            let condition = self.expression()?;
            self.expect(b'E')?;
            Some(self.add(Node::Noexcept(condition))?)
        } else if self.eat_text(b"Dw") {
            let types = self.list_until(b'E', Self::ty)?;
            Some(self.add(Node::Throws(types))?)
        } else {
            None
        };
        let is_safe = self.eat_text(b"Dx");
        let exceptions = if is_safe && self.is_gnu {
            Some(self.add(Node::Word("transaction_safe"))?)
        } else {
            exceptions
        };
        self.expect(b'F')?;
        // extern "C"
        self.eat(b'Y');
        let returns = self.ty()?;
        let mut reference = RefQualifier::None;
        let params = self.list(|parser| {
            while parser.eat(b'v') {}
            let end = match (parser.peek(0), parser.peek(1)) {
                (b'E', _) => RefQualifier::None,
                (b'R', b'E') => RefQualifier::Left,
                (b'O', b'E') => RefQualifier::Right,
                _ => return parser.ty().map(Some),
            };
            parser.at += if end == RefQualifier::None { 1 } else { 2 };
            reference = end;
            Some(None)
        })?;
        let signature = self.add(Node::Signature { params, qualifiers, reference, tail: None })?;
        self.add(Node::FunctionType { returns, signature, exceptions })
    }
}

fn builtin(letter: u8) -> Option<&'static str> {
    Some(match letter {
        b'v' => "void",
        b'w' => "wchar_t",
        b'b' => "bool",
        b'c' => "char",
        b'a' => "signed char",
        b'h' => "unsigned char",
        b's' => "short",
        b't' => "unsigned short",
        b'i' => "int",
        b'j' => "unsigned int",
        b'l' => "long",
        b'm' => "unsigned long",
        b'x' => "long long",
        b'y' => "unsigned long long",
        b'n' => "__int128",
        b'o' => "unsigned __int128",
        b'f' => "float",
        b'd' => "double",
        b'e' => "long double",
        b'g' => "__float128",
        b'z' => "...",
        _ => return None,
    })
}
