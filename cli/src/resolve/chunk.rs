//! A part of a run for one thread: parses its lines, and writes the text of their answers.

use std::borrow::Cow;
use std::collections::HashMap;

use symtool_module::number_of;

use super::input::MAX_LINE_BYTES;
use super::request::{self, Method};

/// What one line asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Lines of the chunk before this one.
    pub line: u32,
    /// Index into [`Chunk::names`], if it names a module.
    pub name: Option<u32>,
    /// The address, or why the line is no request.
    pub what: Result<What, &'static str>,
}

/// What a line asks for.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// An address.
    Address(u64),
    /// A method: index into [`Chunk::methods`].
    Method(u32),
}

/// Some lines of a run.
#[derive(Debug, Default)]
pub struct Chunk<'l> {
    /// Blank lines and comments are left out, unless each line is to be answered.
    pub asked: Vec<Asked>,
    /// The lines of these, if each is to be answered.
    pub texts: Vec<&'l [u8]>,
    /// Modules as the lines name them, each once.
    pub names: Vec<Cow<'l, str>>,
    /// Methods that lines ask for.
    pub methods: Vec<Method<'l>>,
    /// How many lines there are.
    pub lines: u32,
    /// Whether a request names no module.
    pub has_nameless: bool,
    /// Whether a line is no request.
    pub has_malformed: bool,
}

impl<'l> Chunk<'l> {
    /// Parses `text`. Blank lines and comments are malformed requests if `each_line` is to be
    /// answered.
    pub fn parse(text: &'l [u8], each_line: bool) -> Self {
        let mut chunk = Self::default();
        let mut numbers: HashMap<Cow<'l, str>, u32> = HashMap::new();
        let mut last: Option<u32> = None;
        for text in text.split_inclusive(|&byte| byte == b'\n') {
            let line = chunk.lines;
            chunk.lines += 1;
            let blank = || each_line.then_some(Err("the line is blank, or a comment"));
            let whole = text.strip_suffix(b"\n").unwrap_or(text);
            // However much of a long line was read at once, the answer is the same.
            let is_long = whole.len() > MAX_LINE_BYTES;
            let text = if is_long { &whole[..MAX_LINE_BYTES] } else { text };
            let parsed = match request::parse(text) {
                Some(_) if is_long => Some(Err("the line is longer than a request may be")),
                parsed => parsed,
            };
            let Some(request) = parsed.or_else(blank) else { continue };
            chunk.texts.extend(each_line.then_some(text));
            let (name, what) = match request {
                Err(reason) => (None, Err(reason)),
                Ok(request) => {
                    let name = request.module.map(|name| {
                        // The next request most often names the same.
                        let number = match last.filter(|last| chunk.names[*last as usize] == name) {
                            Some(last) => last,
                            None => *numbers.entry(name.clone()).or_insert_with(|| {
                                chunk.names.push(name);
                                number_of(chunk.names.len() - 1)
                            }),
                        };
                        last = Some(number);
                        number
                    });
                    let what = match request.what {
                        request::What::Address(address) => What::Address(address),
                        request::What::Method(method) => {
                            chunk.methods.push(method);
                            What::Method(number_of(chunk.methods.len() - 1))
                        }
                    };
                    (name, Ok(what))
                }
            };
            chunk.has_nameless |= name.is_none();
            chunk.has_malformed |= what.is_err();
            chunk.asked.push(Asked { line, name, what });
        }
        chunk
    }
}

/// Cuts `run` into about `count` parts of whole lines, of some thousand bytes at least.
pub fn cut(run: &[u8], count: usize) -> Vec<&[u8]> {
    const MIN_BYTES: usize = 8 << 10;
    let size = run.len().div_ceil(count.max(1)).max(MIN_BYTES);
    let mut parts = Vec::with_capacity(count);
    let mut rest = run;
    while rest.len() > size {
        let end = rest[size..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(rest.len(), |at| size + at + 1);
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed_with_each_name_once() {
        let chunk = Chunk::parse(b"# who\na 10\nb 20\n\na 30\n40\nb zz", false);
        assert_eq!(
            (chunk.lines, &chunk.names[..]),
            (7, &[Cow::Borrowed("a"), Cow::Borrowed("b")][..])
        );
        let address = |asked: &Asked| {
            asked.what.ok().and_then(|what| {
                if let What::Address(address) = what { Some(address) } else { None }
            })
        };
        let asked: Vec<_> =
            chunk.asked.iter().map(|asked| (asked.line, asked.name, address(asked))).collect();
        assert_eq!(
            asked,
            [
                (1, Some(0), Some(16)),
                (2, Some(1), Some(32)),
                (4, Some(0), Some(48)),
                (5, None, Some(64)),
                (6, None, None)
            ]
        );
    }

    #[test]
    fn runs_are_cut_between_lines() {
        let run: Vec<u8> =
            (0..10_000).flat_map(|number| format!("{number:x}\n").into_bytes()).collect();
        for count in [1, 2, 3, 7] {
            let parts = cut(&run, count);
            assert!((count.min(5)..=count).contains(&parts.len()), "{count}: {}", parts.len());
            assert!(parts.iter().all(|part| part.ends_with(b"\n")));
            assert_eq!(parts.concat(), run);
        }
        assert_eq!(cut(b"10", 4), [b"10"]);
        assert!(cut(b"", 4).is_empty());
    }
}
