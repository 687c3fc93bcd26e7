//! Prints lines as `ProGuard`'s `ReTrace` 6.2.2 does, byte for byte.
//!
//! What it does was found by running it; `testdata/mapping/check.py` compares. It differs from R8's
//! `retrace` in that
//! - every frame's file is guessed from its class, whether the mapping has it or not, and `Native
//!   Method` too;
//! - frames of which the line is not known are all entries of that name, inlined or not;
//! - entries with original lines, but without obfuscated ones (`void a():1:2 -> b`), are not there;
//! - notes are not read;
//! - of two alternatives without line, the second one has blanks for what it has in common with the
//!   first.

use super::trace_line::{FrameLine, Grammar, frame, words};
use super::{Classes, Retrace};
use crate::row::{ClassRow, MappedLine, Original};

impl<C: Classes> Retrace<C> {
    pub(super) fn line_as_proguard(
        &mut self,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        match std::str::from_utf8(line)
            .ok()
            .and_then(|text| Some((text, frame(line, Grammar::Proguard)?)))
        {
            Some((text, found)) => self.frame_as_proguard(text, &found, out),
            None => self.class_as_proguard(line, out),
        }
    }

    /// The class that stands behind the first quote or colon where one may, else at the start of
    /// the line.
    fn class_as_proguard(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), C::Error> {
        let words = words(line, Grammar::Proguard);
        let word = words.iter().find(|word| word.start > 0).or(words.first());
        let class =
            word.and_then(|word| Some((word, std::str::from_utf8(&line[word.clone()]).ok()?)));
        let original = match class {
            Some((word, class)) => self.remap_class(class)?.map(|original| (word, original)),
            None => None,
        };
        match original {
            Some((word, original)) => {
                out.extend_from_slice(&line[..word.start]);
                out.extend_from_slice(original.as_bytes());
                out.extend_from_slice(&line[word.end..]);
            }
            None => out.extend_from_slice(line),
        }
        out.push(b'\n');
        Ok(())
    }

    fn frame_as_proguard(
        &mut self,
        text: &str,
        found: &FrameLine,
        out: &mut Vec<u8>,
    ) -> Result<(), C::Error> {
        let (class, method) = (&text[found.class.clone()], &text[found.method.clone()]);
        let number = text[found.line.clone()].parse::<i64>().unwrap_or(0);
        let row = self.classes.class(class)?;
        let mut before: Option<String> = None;
        for (row, line) in
            row.iter().flat_map(|row| entries(row, method, number).map(move |line| (row, line)))
        {
            let signature = row.signature(line);
            let original = written(
                text,
                found,
                row.class_of(signature),
                row.names.get(signature.name),
                original_line(line, number),
            );
            let trimmed = match before.as_deref().filter(|_| number == 0) {
                Some(before) => without_common(&original, before),
                None => Some(original.clone()),
            };
            if let Some(trimmed) = trimmed {
                out.extend_from_slice(trimmed.as_bytes());
                out.push(b'\n');
            }
            before = Some(original);
        }
        if before.is_none() {
            let class = row.as_ref().map_or(class, |row| row.original());
            out.extend_from_slice(written(text, found, class, method, number).as_bytes());
            out.push(b'\n');
        }
        Ok(())
    }
}

/// The entries of a method that a line matches: all, if it is not known or the entry has no range.
fn entries<'a>(
    row: &'a ClassRow,
    method: &str,
    number: i64,
) -> impl Iterator<Item = &'a MappedLine> {
    let lines = row
        .members_of(method)
        .flat_map(|member| row.lines_of(member))
        .map(|index| &row.lines[index]);
    lines.filter(move |line| match (line.range, line.original) {
        (None, Original::Lines(_)) => false,
        (Some(range), _) if number != 0 && range.last != 0 => {
            (i64::from(range.first)..=i64::from(range.last)).contains(&number)
        }
        _ => true,
    })
}

/// Original lines without range, or of one line, are where they are; others move with the
/// obfuscated ones.
fn original_line(line: &MappedLine, number: i64) -> i64 {
    let first = line.range.map_or(0, |range| i64::from(range.first));
    let Some(original) = line.original.span() else { return number };
    let (original_first, original_last) = (i64::from(original.first), i64::from(original.last));
    if original_first == first {
        number
    } else if original_last != 0 && original_last != original_first && first != 0 && number != 0 {
        original_first - first + number
    } else {
        original_first
    }
}

fn written(text: &str, found: &FrameLine, class: &str, method: &str, line: i64) -> String {
    let FrameLine { class: class_at, method: method_at, file, line: line_at, close, .. } = found;
    let (before, between) = (&text[..class_at.start], &text[method_at.end..file.start]);
    let name = file_name(class);
    let line = if line_at.is_empty() { String::new() } else { format!(":{line}") };
    format!("{before}{class}.{method}{between}{name}.java{line}{}", &text[*close..])
}

/// The name of the class around all others, without its package; of one without package that begins
/// with `$`, all of it.
fn file_name(class: &str) -> &str {
    let start = class.rfind('.').map_or(0, |dot| dot + 1);
    let end = class[start..].find('$').map(|dollar| start + dollar).filter(|dollar| *dollar > 0);
    &class[start..end.unwrap_or(class.len())]
}

/// `line` with blanks for the names that it begins with as `before` does. `None` if `before` begins
/// with all of it.
fn without_common(line: &str, before: &str) -> Option<String> {
    let common = line.chars().zip(before.chars()).take_while(|(a, b)| a == b).count();
    if common == line.chars().count() {
        return None;
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let names: Vec<char> = line.chars().take(common + 1).collect();
    let blanks = names.iter().rposition(|c| !is_name(*c)).map_or(0, |at| at + 1);
    Some(
        line.chars()
            .enumerate()
            .map(|(at, c)| if at < blanks && !c.is_whitespace() { ' ' } else { c })
            .collect(),
    )
}
