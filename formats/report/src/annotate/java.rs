//! Writes retraced Java frames into texts, one line for each method.
//!
//! ```text
//!     at app//a.b.c(Unknown Source:7) ~[store.jar]
//!     at app//com.example.Row.read(Row.kt:31) ~[store.jar]        loader, module and jar stay
//!     at app//com.example.Table.open(Table.kt:12) ~[store.jar]
//! ```

use super::place::FrameLine;
use super::resolved::JavaFrame;
use super::words::name;

/// Writes the methods in the place of `line`.
pub fn write(line: &FrameLine<'_>, calls: &[JavaFrame], out: &mut Vec<u8>) {
    let Some((package_end, rest_start)) = parts(&line.text).filter(|_| !calls.is_empty()) else {
        return out.extend_from_slice(line.bytes);
    };
    for (index, call) in calls.iter().enumerate() {
        if index > 0 {
            line.next(out);
        }
        out.extend_from_slice(&line.bytes[..package_end]);
        let file =
            call.file.as_deref().filter(|file| !file.trim().is_empty()).unwrap_or("Unknown Source");
        let number = if call.line > 0 { format!(":{}", call.line) } else { String::new() };
        out.extend_from_slice(
            format!("{}.{}({}{number})", name(&call.class), name(&call.method), name(file))
                .as_bytes(),
        );
        out.extend_from_slice(&line.bytes[rest_start..]);
    }
}

/// Where the class begins, and what follows the closing bracket.
fn parts(text: &str) -> Option<(usize, usize)> {
    let place = text.strip_prefix("at ")?;
    let open = place.find('(')?;
    let close = open + place[open..].find(')')?;
    // The number of a hidden class stands behind a slash too.
    let slash = place[..open]
        .rmatch_indices('/')
        .map(|(at, _)| at)
        .find(|at| !place[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let before = text.len() - place.len();
    Some((before + slash.map_or(0, |at| at + 1), before + close + 1))
}
