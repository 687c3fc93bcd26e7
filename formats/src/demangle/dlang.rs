//! Demangles the few D names that LLVM 19 knows: data of type `int`, and what compilers generate.
//!
//! <https://dlang.org/spec/abi.html#name_mangling>. Types other than `int`, and with them functions, stay raw in LLVM.

use crate::limits::MAX_DEMANGLED_BYTES;

/// What the name of something that a compiler makes ends in, and what is said instead.
const MADE: [(&[u8], &str); 5] = [
    (b"__initZ", "initializer for "),
    (b"__vtblZ", "vtable for "),
    (b"__ClassZ", "ClassInfo for "),
    (b"__InterfaceZ", "Interface for "),
    (b"__ModuleInfoZ", "ModuleInfo for "),
];

/// The text of `raw`. `None` if LLVM leaves it raw.
pub fn demangle(raw: &[u8]) -> Option<String> {
    if raw == b"_Dmain" {
        return Some("D main".to_owned());
    }
    let mut name = Name { raw, at: raw.strip_prefix(b"_D").map(|_| 2)?, text: Vec::new() };
    name.path()?;
    // What compilers make has no type.
    if !name.eat(b'Z') {
        name.ty()?;
    }
    let is_whole = name.at == raw.len() && !name.text.is_empty();
    is_whole.then(|| String::from_utf8(name.text).ok())?
}

struct Name<'a> {
    raw: &'a [u8],
    at: usize,
    text: Vec<u8>,
}

impl Name<'_> {
    fn peek(&self) -> u8 {
        self.raw.get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// `{<symbol>}`
    fn path(&mut self) -> Option<()> {
        let mut is_first = true;
        loop {
            // Without a name.
            if self.eat(b'0') {
                while self.eat(b'0') {}
            } else {
                if !is_first {
                    self.text.push(b'.');
                }
                is_first = false;
                self.identifier()?;
                if self.text.len() > MAX_DEMANGLED_BYTES {
                    return None;
                }
            }
            if !self.is_symbol() {
                return Some(());
            }
        }
    }

    /// Is a name next, or a reference to one?
    fn is_symbol(&self) -> bool {
        match self.peek() {
            byte if byte.is_ascii_digit() => true,
            b'Q' => self.reference().is_some_and(|(target, _)| self.raw.get(target).is_some_and(u8::is_ascii_digit)),
            _ => false,
        }
    }

    /// `<length> <bytes>`, or `Q <distance>` back to such.
    fn identifier(&mut self) -> Option<()> {
        loop {
            if self.peek() == b'Q' {
                let (target, after) = self.reference()?;
                self.at = target;
                let length = self.number()?;
                self.bytes(length)?;
                self.at = after;
                return Some(());
            }
            let length = self.number()?;
            if length == 0 {
                return None;
            }
            let bytes = self.raw.get(self.at..self.at.checked_add(length)?)?;
            // A parent that only tells declarations of one name apart.
            let is_fake = bytes.strip_prefix(b"__S").is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
            if !is_fake {
                return self.bytes(length);
            }
            self.at += length;
        }
    }

    fn bytes(&mut self, length: usize) -> Option<()> {
        let rest = self.raw.get(self.at..)?;
        for (name, said) in MADE {
            // The `Z` is not among the bytes that are counted.
            if length + 1 == name.len() && rest.starts_with(name) {
                let text = said.bytes().chain(self.text.drain(..)).collect();
                self.text = text;
                // Together with the dot before it.
                self.text.pop();
                self.at += length;
                return Some(());
            }
        }
        self.text.extend_from_slice(rest.get(..length)?);
        self.at += length;
        Some(())
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while self.peek().is_ascii_digit() {
            number = Some(number.unwrap_or(0usize).checked_mul(10)?.checked_add(usize::from(self.peek() - b'0'))?);
            self.at += 1;
        }
        number
    }

    /// Where a reference points to, and where it ends: digits to base 26, the last one in lower case.
    fn reference(&self) -> Option<(usize, usize)> {
        let mut distance = 0usize;
        for (at, &letter) in self.raw.iter().enumerate().skip(self.at + 1) {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a',
                _ => return None,
            };
            distance = distance.checked_mul(26)?.checked_add(usize::from(digit))?;
            if letter.is_ascii_lowercase() {
                let target = self.at.checked_sub(distance).filter(|_| distance > 0)?;
                return Some((target, at + 1));
            }
        }
        None
    }

    /// `i`, or `Q <distance>` back to it.
    fn ty(&mut self) -> Option<()> {
        let (target, after) = if self.peek() == b'Q' { self.reference()? } else { (self.at, self.at + 1) };
        self.at = after;
        (self.raw.get(target) == Some(&b'i')).then_some(())
    }
}
