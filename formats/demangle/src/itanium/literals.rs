//! Parses literals (`L…E`).
//!
//! Itanium C++ ABI, `<expr-primary>`.

use super::ids::NodeId;
use super::node::{FloatType, LiteralType, Node};
use super::parser::Parser;

impl Parser<'_> {
    /// `L <type> <value> E`, `L _Z <encoding> E`
    pub fn literal(&mut self) -> Option<NodeId> {
        self.expect(b'L')?;
        if self.is_gnu {
            return self.literal_as_gnu();
        }
        let first = self.peek(0);
        if let Some(ty) = integer_type(first) {
            self.at += 1;
            let digits = self.some_number(true)?;
            self.expect(b'E')?;
            return self.add(Node::Integer { ty, digits });
        }
        match first {
            b'b' => self.boolean(),
            b'f' => self.float(FloatType::Float, 8),
            b'd' => self.float(FloatType::Double, 16),
            b'e' => self.float(FloatType::LongDouble, 20),
            b'_' => {
                if !self.eat_text(b"_Z") {
                    return None;
                }
                let encoding = self.encoding()?;
                self.expect(b'E')?;
                Some(encoding)
            }
            b'A' => {
                let ty = self.ty()?;
                self.expect(b'E')?;
                self.add(Node::StringLiteral(ty))
            }
            b'D' => {
                if !self.eat_text(b"Dn") {
                    return None;
                }
                self.eat(b'0');
                self.expect(b'E')?;
                self.add(Node::Nullptr)
            }
            b'T' => None,
            b'U' => {
                if self.peek(1) != b'l' {
                    return None;
                }
                let lambda = self.deeper(|parser| parser.unnamed_type(false))?;
                self.expect(b'E')?;
                self.add(Node::LambdaLiteral(lambda))
            }
            _ => {
                let ty = self.ty()?;
                let digits = self.some_number(true)?;
                self.expect(b'E')?;
                self.add(Node::Enumerator { ty, digits })
            }
        }
    }

    /// GNU takes any text for a value.
    fn literal_as_gnu(&mut self) -> Option<NodeId> {
        if self.eat_text(b"_Z") || self.eat(b'Z') {
            let encoding = self.encoding()?;
            self.expect(b'E')?;
            return Some(encoding);
        }
        let first = self.peek(0);
        let ty = self.ty()?;
        if matches!(self.memory.tree.node(ty), Node::NullptrType) && self.eat(b'E') {
            return self.add(Node::Nullptr);
        }
        let start = self.at;
        self.at += self.input.get(start..)?.iter().position(|&byte| byte == b'E')?;
        let digits = self.since(start).filter(|digits| digits.end > digits.start)?;
        self.at += 1;
        let float = match first {
            b'f' => Some(FloatType::Float),
            b'd' => Some(FloatType::Double),
            b'e' => Some(FloatType::LongDouble),
            _ => None,
        };
        let node = match (first, digits.of(self.input), float) {
            (b'b', b"0", _) => Node::Bool(false),
            (b'b', b"1", _) => Node::Bool(true),
            (_, _, Some(ty)) => Node::Float { ty, digits },
            _ => integer_type(first)
                .map_or(Node::Enumerator { ty, digits }, |ty| Node::Integer { ty, digits }),
        };
        self.add(node)
    }

    fn boolean(&mut self) -> Option<NodeId> {
        let value = if self.eat_text(b"b1E") {
            true
        } else if self.eat_text(b"b0E") {
            false
        } else {
            return None;
        };
        self.add(Node::Bool(value))
    }

    /// The value's bytes, the most significant first, in hexadecimal.
    fn float(&mut self, ty: FloatType, length: usize) -> Option<NodeId> {
        self.at += 1;
        let start = self.at;
        let digits = self.input.get(start..start + length)?;
        if !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        self.at += length;
        let digits = self.since(start)?;
        self.expect(b'E')?;
        self.add(Node::Float { ty, digits })
    }
}

fn integer_type(letter: u8) -> Option<LiteralType> {
    Some(match letter {
        b'i' => LiteralType::Suffix(""),
        b'j' => LiteralType::Suffix("u"),
        b'l' => LiteralType::Suffix("l"),
        b'm' => LiteralType::Suffix("ul"),
        b'x' => LiteralType::Suffix("ll"),
        b'y' => LiteralType::Suffix("ull"),
        b'w' => LiteralType::Cast("wchar_t"),
        b'c' => LiteralType::Cast("char"),
        b'a' => LiteralType::Cast("signed char"),
        b'h' => LiteralType::Cast("unsigned char"),
        b's' => LiteralType::Cast("short"),
        b't' => LiteralType::Cast("unsigned short"),
        b'n' => LiteralType::Cast("__int128"),
        b'o' => LiteralType::Cast("unsigned __int128"),
        _ => return None,
    })
}
