//! Reads frames that people write down: `#01 libfoo.so+0x1234 (BuildId 1122…)`; the number may be
//! missing.

use super::found::{FoundFrame, in_file, strip_build_id};
use crate::readers::lines::line::NativeLine;
use crate::scan::text::prefixed_hex;

/// `NAME+0xADDRESS [(BuildId ID)]`.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (rest, build_id) = strip_build_id(rest);
    let (path, offset) = rest.rsplit_once('+')?;
    let relative = Some(in_file(prefixed_hex(offset)?));
    if path.is_empty() {
        return None;
    }
    let found = FoundFrame { relative, path, build_id, ..FoundFrame::default() };
    Some(NativeLine { is_plain: true, ..found.line() })
}

/// The same without a number: of all that has an offset in it, one word.
pub fn unnumbered(line: &str) -> Option<NativeLine> {
    let name = line.split_once("+0x")?.0;
    (!name.contains([' ', '\t', '('])).then(|| frame(line))?
}
