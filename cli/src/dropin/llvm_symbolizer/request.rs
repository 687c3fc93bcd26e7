//! Parses one request of llvm-symbolizer; errors are in the tool's words (LLVM 19, `parseCommand`).

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'r> {
    pub kind: Kind,
    /// `None` where the command line names one.
    pub module: Option<Module<'r>>,
    pub place: Place<'r>,
}

/// What is to be said of the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Code,
    Data,
    Frame,
}

/// What names an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module<'r> {
    Path(&'r [u8]),
    BuildId(&'r [u8]),
}

/// Where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'r> {
    Address(u64),
    /// Every symbol of that name, and an offset from each.
    Symbol(&'r [u8], u64),
}

/// A line that is no request: the module that it named before it went wrong, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed<'r> {
    pub module: &'r [u8],
    pub reason: &'static str,
}

/// Reads `text`, which is not empty. `has_module` says whether the command line names an object.
///
/// # Errors
/// Why it is no request.
pub fn parse(text: &[u8], has_module: bool) -> Result<Request<'_>, Malformed<'_>> {
    let mut module = b"".as_slice();
    request(text, has_module, &mut module).map_err(|reason| Malformed { module, reason })
}

fn request<'r>(
    text: &'r [u8],
    has_module: bool,
    named: &mut &'r [u8],
) -> Result<Request<'r>, &'static str> {
    let kinds = [(&b"CODE "[..], Kind::Code), (b"DATA ", Kind::Data), (b"FRAME ", Kind::Frame)];
    let kind = kinds.into_iter().find_map(|(word, kind)| Some((kind, text.strip_prefix(word)?)));
    let (kind, mut text) = kind.unwrap_or((Kind::Code, text));
    let mut prefix = None;
    loop {
        text = text.trim_ascii_start();
        let prefixes = [b"FILE:".as_slice(), b"BUILDID:"];
        let Some((found, rest)) =
            prefixes.into_iter().find_map(|found| Some((found, text.strip_prefix(found)?)))
        else {
            break;
        };
        if prefix.replace(found).is_some() {
            return Err("duplicate input file specification prefix");
        }
        text = rest;
    }
    let is_build_id = prefix == Some(b"BUILDID:");
    let module = if prefix.is_some() {
        if text.is_empty() {
            return Err(if is_build_id {
                "must be followed by a hash"
            } else {
                "must be followed by an input file"
            });
        }
        if has_module {
            return Err("input file has already been specified");
        }
        let name = word(&mut text);
        if name.is_empty() {
            return Err("unbalanced quotes in input file name");
        }
        if is_build_id && build_id(name).is_none() {
            return Err("wrong format of build-id");
        }
        Some(if is_build_id { Module::BuildId(name) } else { Module::Path(name) })
    } else if has_module {
        None
    } else {
        let name = word(&mut text);
        if name.is_empty() {
            return Err("no input filename has been specified");
        }
        Some(Module::Path(name))
    };
    if let Some(Module::Path(name)) = module {
        *named = name;
    }
    Ok(Request { kind, module, place: place(text.trim_ascii())? })
}

/// The word that `text` begins with, which may stand in quotes; `text` is what follows. Empty if a
/// quote does not end.
fn word<'r>(text: &mut &'r [u8]) -> &'r [u8] {
    let rest = text.trim_ascii_start();
    let (word, rest) = match rest {
        [quote @ (b'"' | b'\''), inner @ ..] => {
            let Some(end) = inner.iter().position(|byte| byte == quote) else { return b"" };
            (&inner[..end], &inner[end + 1..])
        }
        _ => rest
            .split_at(rest.iter().position(|byte| b" \n\r".contains(byte)).unwrap_or(rest.len())),
    };
    *text = rest;
    word
}

fn place(text: &[u8]) -> Result<Place<'_>, &'static str> {
    // What follows a space is passed over, as in addr2line.
    let text = text.split(|byte| b" \n\r".contains(byte)).next().unwrap_or_default();
    let Some(first) = text.first() else { return Err("no module offset has been specified") };
    if let Some(address) = number(text) {
        return Ok(Place::Address(address));
    }
    if first.is_ascii_digit() {
        return Err("expected a number as module offset");
    }
    let sum = text.iter().rposition(|&byte| byte == b'+').filter(|&plus| plus > 0);
    let sum = sum.and_then(|plus| Some(Place::Symbol(&text[..plus], number(&text[plus + 1..])?)));
    Ok(sum.unwrap_or(Place::Symbol(text, 0)))
}

/// A number without sign whose prefix says its base: `0x`, `0b`, `0o`, `0`.
pub fn number(text: &[u8]) -> Option<u64> {
    let (digits, base) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', b'b' | b'B', digits @ ..] => (digits, 2),
        [b'0', b'o', digits @ ..] => (digits, 8),
        [b'0', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => (digits, 8),
        digits => (digits, 10),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        number
            .checked_mul(u64::from(base))?
            .checked_add(u64::from(char::from(digit).to_digit(base)?))
    })
}

/// The bytes of a build-id written in hexadecimal; an odd digit stands for a byte too.
pub fn build_id(text: &[u8]) -> Option<Vec<u8>> {
    let digits =
        text.iter().map(|&digit| char::from(digit).to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let (odd, pairs) = digits.split_at(digits.len() % 2);
    let bytes = odd
        .chunks(1)
        .chain(pairs.chunks(2))
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
    let bytes: Vec<u8> = bytes.filter_map(|byte| u8::try_from(byte).ok()).collect();
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let path = |path: &'static str| Some(Module::Path(path.as_bytes()));
        let code = |module, place| Ok(Request { kind: Kind::Code, module, place });
        for (text, has_module, want) in [
            ("lib.so 0x10", false, code(path("lib.so"), Place::Address(16))),
            ("CODE  'my lib' 16 junk", false, code(path("my lib"), Place::Address(16))),
            ("FILE:\"lib\" 0b11", false, code(path("lib"), Place::Address(3))),
            ("BUILDID:abc 010", false, code(Some(Module::BuildId(b"abc")), Place::Address(8))),
            ("0x10", true, code(None, Place::Address(16))),
            ("main", true, code(None, Place::Symbol(b"main", 0))),
            ("lib main+0x4", false, code(path("lib"), Place::Symbol(b"main", 4))),
            ("a+b+2", true, code(None, Place::Symbol(b"a+b", 2))),
            ("operator+", true, code(None, Place::Symbol(b"operator+", 0))),
            ("+5", true, code(None, Place::Symbol(b"+5", 0))),
            (
                "DATA lib 1",
                false,
                Ok(Request { kind: Kind::Data, module: path("lib"), place: Place::Address(1) }),
            ),
        ] {
            assert_eq!(parse(text.as_bytes(), has_module), want, "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for (text, has_module, module, reason) in [
            ("0x10", false, "0x10", "no module offset has been specified"),
            ("lib 5a602a", false, "lib", "expected a number as module offset"),
            ("0x", true, "", "expected a number as module offset"),
            ("08", true, "", "expected a number as module offset"),
            (" ", false, "", "no input filename has been specified"),
            ("\"lib 1", false, "", "no input filename has been specified"),
            ("FILE:'lib 1", false, "", "unbalanced quotes in input file name"),
            ("FILE:FILE:x 1", false, "", "duplicate input file specification prefix"),
            ("FILE:BUILDID:x 1", false, "", "duplicate input file specification prefix"),
            ("FILE:", false, "", "must be followed by an input file"),
            ("BUILDID: ", false, "", "must be followed by a hash"),
            ("BUILDID:zz 1", false, "", "wrong format of build-id"),
            ("FILE:x 1", true, "", "input file has already been specified"),
        ] {
            assert_eq!(
                parse(text.as_bytes(), has_module),
                Err(Malformed { module: module.as_bytes(), reason }),
                "{text}"
            );
        }
    }

    #[test]
    fn build_ids() {
        assert_eq!(build_id(b"4A57"), Some(vec![0x4a, 0x57]));
        assert_eq!(build_id(b"abc"), Some(vec![0x0a, 0xbc]));
        assert_eq!(build_id(b""), None);
        assert_eq!(build_id(b"xy"), None);
    }
}
