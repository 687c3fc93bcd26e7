//! Android's unwinder: `#01 pc 0000000000012eed  /system/lib64/libc.so (offset 0x1000) (abort+60) (BuildId: 1122…)`.

use super::{Found, NativeLine, function_name, in_file, strip_build_id};
use crate::crash::frame::At;
use crate::crash::text::{hex, word};

/// `pc ADDRESS  PATH [(offset 0xN)] [(FUNCTION+N)] [(BuildId: ID)]`. The address is the file's own and has been moved into the call.
pub fn frame(rest: &str) -> Option<NativeLine> {
    let (address, rest) = word(rest.strip_prefix("pc ")?)?;
    let address = hex(address)?;
    let (rest, build_id) = strip_build_id(rest);
    let (path, mut notes) = rest.find(" (").map_or((rest, ""), |at| (&rest[..at], rest[at..].trim()));
    let mut package_offset = None;
    loop {
        if let Some((offset, behind)) = notes.strip_prefix("(offset ").and_then(|notes| notes.split_once(')')) {
            package_offset = hex(offset);
            notes = behind.trim_start();
        } else if let Some(behind) = notes.strip_prefix("(deleted)") {
            notes = behind.trim_start();
        } else {
            break;
        }
    }
    let function = notes.strip_prefix('(').and_then(|notes| notes.strip_suffix(')')).and_then(function_name);
    let found = Found {
        relative: Some(in_file(address)),
        function,
        path: path.trim(),
        build_id,
        package_offset,
        at: At::Adjusted,
        ..Found::default()
    };
    Some(found.line())
}
