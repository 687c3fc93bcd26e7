//! Fields of protobuf messages: the wire format is read in place, nothing is copied, and messages
//! within others are read when asked for.
//!
//! ```text
//! message = (key value)*        key = number << 3 | type, a varint
//! type 0  varint        type 1  8 bytes        type 2  length, as a varint, and so many bytes        type 5  4 bytes
//! ```
//! Source: "Encoding" in the documentation of protocol buffers.

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// Its value.
    pub value: Value<'a>,
}

/// The value of a field. Numbers of fixed size are not told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number; a negative one is its two's complement.
    Number(u64),
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The fields of one message, in the order in which they stand. An error ends it.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// The message ends within a field, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Bytes of the message behind the place.
    pub left: usize,
    /// Whether it ends there, so that it may be right as far as it goes.
    pub is_end: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `message`.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<Field<'a>, Broken> {
        let left = self.rest.len();
        let wrong = Broken { left, is_end: false };
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0).ok_or(wrong)?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(
                self.take(8)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
            ),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| wrong)?)?)
            }
            5 => Value::Number(
                self.take(4)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
            ),
            _ => return Err(wrong),
        };
        Ok(Field { number, value })
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let left = self.rest.len();
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let [byte, rest @ ..] = self.rest else { return Err(Broken { left, is_end: true }) };
            self.rest = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken { left, is_end: false })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Broken { left: self.rest.len(), is_end: true })?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bytes(_) => None,
        }
    }

    /// The bytes; none for a number.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let bytes = [
            0x08, 0xe7, 0x24, 0x12, 2, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0,
            0x82, 1, 0,
        ];
        let fields: Vec<Field<'_>> = Fields::new(&bytes).map(Result::unwrap).collect();
        let want = [
            (1, Value::Number(4711)),
            (2, Value::Bytes(b"hi")),
            (3, Value::Number(1)),
            (4, Value::Number(2)),
            (16, Value::Bytes(b"")),
        ];
        assert_eq!(
            fields.iter().map(|field| (field.number, field.value)).collect::<Vec<_>>(),
            want
        );
        for end in 1..bytes.len() {
            let whole = [3, 7, 12, 21].contains(&end);
            assert_eq!(Fields::new(&bytes[..end]).all(|field| field.is_ok()), whole, "{end}");
        }
    }

    #[test]
    fn numbers() {
        let negative = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(
            Fields::new(&negative).next(),
            Some(Ok(Field { number: 1, value: Value::Number(u64::MAX) }))
        );
        let endless = [[0x08].as_slice(), &[0xff; 11]].concat();
        assert_eq!(Fields::new(&endless).next(), Some(Err(Broken { left: 11, is_end: false })));
        for wrong in [
            &[0x00][..],
            &[0x07, 1],
            &[0x0b],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] {
            assert!(Fields::new(wrong).next().unwrap().is_err());
            assert_eq!(Fields::new(wrong).count(), 1);
        }
    }
}
