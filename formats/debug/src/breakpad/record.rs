//! Reads one line of a Breakpad symbol file: [`Record`].

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'d> {
    /// `MODULE` or `INFO`, which stand at the beginning (header.rs), or nothing at all.
    Header,
    /// `FILE NUMBER PATH`
    File(Named<'d>),
    /// `INLINE_ORIGIN NUMBER NAME`: a function that was inlined.
    Origin(Named<'d>),
    /// `FUNC [m] ADDRESS SIZE PARAMETER_SIZE NAME`
    Function(FunctionRecord<'d>),
    /// `ADDRESS SIZE LINE FILE`, of the function before it.
    Line(LineRecord),
    /// `INLINE DEPTH CALL_LINE CALL_FILE ORIGIN [ADDRESS SIZE]+`, of the function before it.
    Inline(InlineRecord<'d>),
    /// `PUBLIC [m] ADDRESS PARAMETER_SIZE NAME`
    Public { address: u64, name: &'d [u8] },
    /// What follows `STACK CFI `.
    StackCfi(&'d [u8]),
    /// What follows `STACK WIN `.
    StackWin(&'d [u8]),
    /// A kind of record that is not known.
    Unknown,
}

/// Something with a number and a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'d> {
    pub number: u32,
    pub name: &'d [u8],
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionRecord<'d> {
    pub start: u64,
    pub size: u64,
    pub name: &'d [u8],
}

/// A line of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRecord {
    pub start: u64,
    pub size: u64,
    /// 0 where there is none.
    pub line: u32,
    pub file: u32,
}

/// A call that was inlined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InlineRecord<'d> {
    /// 0 for one that is in the function itself.
    pub depth: u32,
    pub call_line: u32,
    /// Absent in files of before 2022.
    pub call_file: Option<u32>,
    pub origin: u32,
    /// Addresses and sizes.
    ranges: &'d [u8],
}

impl InlineRecord<'_> {
    /// The first address of each range, and the one after its last; `None` where that is no range.
    pub fn ranges(&self) -> impl Iterator<Item = Option<(u64, u64)>> {
        let mut words = Words(self.ranges);
        std::iter::from_fn(move || {
            let start = words.word()?;
            let size = words.word().and_then(hexadecimal);
            Some(hexadecimal(start).zip(size).and_then(|(start, size)| extent(start, size)))
        })
    }
}

/// The first address and the one after the last of `size` bytes at `start`.
pub fn extent(start: u64, size: u64) -> Option<(u64, u64)> {
    start.checked_add(size).map(|end| (start, end))
}

impl<'d> Record<'d> {
    /// Reads `line`, which has no line feed; `None` if it cannot be used.
    pub fn parse(line: &'d [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (first, rest) = match memchr::memchr(b' ', line) {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &[][..]),
        };
        match first {
            b"" | b"MODULE" | b"INFO" => Some(Self::Header),
            b"FILE" => named(rest).map(Self::File),
            b"INLINE_ORIGIN" => named(rest).map(Self::Origin),
            b"FUNC" => function(rest).map(Self::Function),
            b"INLINE" => inline(rest).map(Self::Inline),
            b"PUBLIC" => public(rest),
            b"STACK" => Some(stack(rest)),
            _ => match hexadecimal(first) {
                Some(start) => self::line(start, rest).map(Self::Line),
                None => Some(Self::Unknown),
            },
        }
    }

    /// Reads `line` if it is a `STACK` record.
    pub fn parse_stack(line: &'d [u8]) -> Option<Self> {
        if line.starts_with(b"STACK ") { Self::parse(line) } else { None }
    }

    /// Whether `line` begins something that does not need the lines before it. `STACK WIN` records
    /// lie within each other.
    pub fn begins_anew(line: &[u8]) -> bool {
        [&b"FUNC "[..], b"PUBLIC ", b"FILE ", b"INLINE_ORIGIN ", b"STACK CFI INIT "]
            .iter()
            .any(|word| line.starts_with(word))
    }
}

fn named(rest: &[u8]) -> Option<Named<'_>> {
    let mut words = Words(rest);
    Some(Named { number: number(words.word()?)?, name: words.rest() })
}

fn function(rest: &[u8]) -> Option<FunctionRecord<'_>> {
    let mut words = Words(rest);
    words.multiple();
    let (start, size) = (hexadecimal(words.word()?)?, hexadecimal(words.word()?)?);
    extent(start, size)?;
    hexadecimal(words.word()?)?;
    Some(FunctionRecord { start, size, name: words.rest() })
}

fn public(rest: &[u8]) -> Option<Record<'_>> {
    let mut words = Words(rest);
    words.multiple();
    let address = hexadecimal(words.word()?)?;
    hexadecimal(words.word()?)?;
    Some(Record::Public { address, name: words.rest() })
}

fn line(start: u64, rest: &[u8]) -> Option<LineRecord> {
    let mut words = Words(rest);
    let size = hexadecimal(words.word()?)?;
    extent(start, size)?;
    let (line, file) = (number(words.word()?)?, number(words.word()?)?);
    words.0.is_empty().then_some(LineRecord { start, size, line, file })
}

fn inline(rest: &[u8]) -> Option<InlineRecord<'_>> {
    let mut words = Words(rest);
    let (depth, call_line) = (number(words.word()?)?, number(words.word()?)?);
    let after = words.0;
    let count = Words(after).count();
    // Ranges are pairs: with an odd number of words there is no file of the call.
    let call_file = if count % 2 == 0 { Some(number(words.word()?)?) } else { None };
    let origin = number(words.word()?)?;
    (count > 2).then_some(InlineRecord { depth, call_line, call_file, origin, ranges: words.0 })
}

fn stack(rest: &[u8]) -> Record<'_> {
    match rest.strip_prefix(b"CFI ") {
        Some(cfi) => Record::StackCfi(cfi),
        None => rest.strip_prefix(b"WIN ").map_or(Record::Unknown, Record::StackWin),
    }
}

/// The words of a line, parted by spaces.
struct Words<'d>(&'d [u8]);

impl<'d> Words<'d> {
    fn word(&mut self) -> Option<&'d [u8]> {
        let start = self.0.iter().position(|byte| *byte != b' ')?;
        let text = &self.0[start..];
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        self.0 = text.get(end + 1..).unwrap_or_default();
        Some(&text[..end])
    }

    /// Passes over the `m` that says that several functions were folded into this one.
    fn multiple(&mut self) {
        self.0 = self.0.strip_prefix(b"m ").unwrap_or(self.0);
    }

    fn count(mut self) -> usize {
        std::iter::from_fn(|| self.word()).count()
    }

    /// All that is left: a name, which may have spaces in it.
    fn rest(self) -> &'d [u8] {
        self.0
    }
}

/// A number in hexadecimal digits.
pub fn hexadecimal(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 16 {
        return None;
    }
    word.iter().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

/// A number in decimal digits.
fn number(word: &[u8]) -> Option<u32> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Record<'_>> {
        Record::parse(line.as_bytes())
    }

    #[test]
    fn records() {
        for (line, want) in [
            ("FILE 3 /src/a b.c", Record::File(Named { number: 3, name: b"/src/a b.c" })),
            (
                "INLINE_ORIGIN 7 f(int, long)",
                Record::Origin(Named { number: 7, name: b"f(int, long)" }),
            ),
            (
                "FUNC 1a0 20 0 f(int, long)\r",
                Record::Function(FunctionRecord {
                    start: 0x1a0,
                    size: 0x20,
                    name: b"f(int, long)",
                }),
            ),
            (
                "FUNC m 1A0 20 8 f",
                Record::Function(FunctionRecord { start: 0x1a0, size: 0x20, name: b"f" }),
            ),
            ("1a0 4 12 3", Record::Line(LineRecord { start: 0x1a0, size: 4, line: 12, file: 3 })),
            ("FACE 4 0 3", Record::Line(LineRecord { start: 0xface, size: 4, line: 0, file: 3 })),
            ("PUBLIC m 2000 0 _init", Record::Public { address: 0x2000, name: b"_init" }),
            ("PUBLIC 2000 0 ", Record::Public { address: 0x2000, name: b"" }),
            ("STACK CFI INIT 10 8 .cfa: $rsp 8 +", Record::StackCfi(b"INIT 10 8 .cfa: $rsp 8 +")),
            ("STACK WIN 4 1000 7b", Record::StackWin(b"4 1000 7b")),
            ("INFO CODE_ID 12AB", Record::Header),
            ("", Record::Header),
            ("TYPE 1 int", Record::Unknown),
        ] {
            assert_eq!(parse(line), Some(want), "{line}");
        }
    }

    #[test]
    fn inlined_calls() {
        let Some(Record::Inline(call)) = parse("INLINE 1 104 18 81 22b7 16 22d0 4") else {
            panic!()
        };
        assert_eq!(
            (call.depth, call.call_line, call.call_file, call.origin),
            (1, 104, Some(18), 81)
        );
        let ranges: Vec<_> = call.ranges().collect();
        assert_eq!(ranges, [Some((0x22b7, 0x22cd)), Some((0x22d0, 0x22d4))]);
        // As they were written before 2022, without the file of the call.
        let Some(Record::Inline(call)) = parse("INLINE 0 104 81 22b7 16") else { panic!() };
        assert_eq!((call.call_file, call.origin, call.ranges().count()), (None, 81, 1));
        let Some(Record::Inline(call)) = parse("INLINE 0 1 2 3 zz 16 ffffffffffffffff 2") else {
            panic!()
        };
        assert_eq!(call.ranges().collect::<Vec<_>>(), [None, None]);
    }

    #[test]
    fn lines_that_cannot_be_used() {
        for line in [
            "FILE x a.c",
            "FILE",
            "FILE 4294967296 a.c",
            "FUNC 1000 10",
            "FUNC 1000 zz 0 f",
            "FUNC ffffffffffffffff 2 0 f",
            "PUBLIC 1000",
            "INLINE 0 1 2",
            "INLINE 0 1 2 3",
            "INLINE x 1 2 3 4 5",
            "1000 10 3",
            "1000 10 -1 3",
            "1000 10 3 4 5",
            "10000000000000000 1 3 4",
        ] {
            assert!(matches!(parse(line), None | Some(Record::Unknown)), "{line}");
        }
    }
}
