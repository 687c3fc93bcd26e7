//! Replays the annotations of an inlined call, a program that says which addresses and lines are
//! its own.
//!
//! Opcodes and operands are numbers of one, two or four bytes (`CVUncompressData` and
//! `BinaryAnnotationOpcode` in Microsoft's `cvinfo.h`). Every change of the address begins a row;
//! it ends at a length, or where the next row begins. A length moves the address behind the row,
//! but one that comes with the address does not: clang 19 and MSVC both write it so.

use super::fields::Fields;

/// Addresses of an inlined call, relative to a part of its function, and their line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteRow {
    /// 0 for where the function begins, else the number of a part that was moved away.
    pub part: u32,
    pub start: u32,
    pub end: u32,
    /// As [`super::lines::LineData::path`] takes it; absent where it is the function's own.
    pub file: Option<u32>,
    pub line: u32,
    pub column: u32,
}

/// Makes `rows` what `annotations` make of a function that stands at `line`. False if they end in an
/// error.
pub fn replay(annotations: &[u8], line: u32, rows: &mut Vec<SiteRow>) -> bool {
    rows.clear();
    let mut replay = Replay { rows, is_open: false, part: 0, code: 0, file: None, line, column: 0 };
    let mut fields = Fields(annotations);
    let mut is_whole = true;
    while !fields.is_empty() {
        match replay.step(&mut fields) {
            Some(true) => {}
            Some(false) => break,
            None => {
                is_whole = false;
                break;
            }
        }
    }
    // A row that nothing ends has no addresses.
    if replay.is_open {
        replay.rows.pop();
    }
    rows.retain(|row| row.start < row.end);
    is_whole
}

struct Replay<'r> {
    rows: &'r mut Vec<SiteRow>,
    /// The last row has no end yet.
    is_open: bool,
    part: u32,
    code: u32,
    file: Option<u32>,
    line: u32,
    column: u32,
}

impl Replay<'_> {
    /// Takes one annotation; `Some(false)` at the end.
    fn step(&mut self, fields: &mut Fields<'_>) -> Option<bool> {
        match number(fields)? {
            // Fills up the record.
            0 => return Some(false),
            1 => {
                self.code = number(fields)?;
                self.row(None);
            }
            2 => self.enter(number(fields)?),
            3 => {
                self.code = self.code.wrapping_add(number(fields)?);
                self.row(None);
            }
            4 => {
                let bytes = number(fields)?;
                self.close(self.code.saturating_add(bytes));
                self.code = self.code.wrapping_add(bytes);
            }
            5 => self.file = Some(number(fields)?),
            6 => self.line = self.line.wrapping_add_signed(signed(number(fields)?)),
            // How many lines it spans, and whether it is a statement.
            7 | 8 | 10 | 13 => drop(number(fields)?),
            9 => self.column = number(fields)?,
            11 => {
                let both = number(fields)?;
                self.line = self.line.wrapping_add_signed(signed(both >> 4));
                self.code = self.code.wrapping_add(both & 0xf);
                self.row(None);
            }
            12 => {
                let (bytes, code) = (number(fields)?, number(fields)?);
                self.code = self.code.wrapping_add(code);
                self.row(Some(bytes));
            }
            _ => return None,
        }
        Some(true)
    }

    /// Goes on at the start of another part of the function.
    fn enter(&mut self, part: u32) {
        if self.is_open {
            self.rows.pop();
            self.is_open = false;
        }
        (self.part, self.code) = (part, 0);
    }

    fn row(&mut self, bytes: Option<u32>) {
        let start = self.code;
        self.close(start);
        let end = start.saturating_add(bytes.unwrap_or(0));
        self.is_open = bytes.is_none();
        self.rows.push(SiteRow {
            part: self.part,
            start,
            end,
            file: self.file,
            line: self.line,
            column: self.column,
        });
    }

    /// Ends the last row at `end`, if it has no end yet.
    fn close(&mut self, end: u32) {
        if let Some(last) = self.rows.last_mut().filter(|_| self.is_open) {
            last.end = end;
        }
        self.is_open = false;
    }
}

fn number(fields: &mut Fields<'_>) -> Option<u32> {
    let first = u32::from(fields.u8()?);
    if first & 0x80 == 0 {
        return Some(first);
    }
    let second = u32::from(fields.u8()?);
    if first & 0x40 == 0 {
        return Some((first & 0x3f) << 8 | second);
    }
    let (third, fourth) = (u32::from(fields.u8()?), u32::from(fields.u8()?));
    (first & 0x20 == 0).then_some((first & 0x1f) << 24 | second << 16 | third << 8 | fourth)
}

/// The sign is in the lowest bit.
fn signed(number: u32) -> i32 {
    let value = (number >> 1).cast_signed();
    if number & 1 == 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(annotations: &[u8], line: u32) -> (Vec<SiteRow>, bool) {
        let mut rows = Vec::new();
        let is_whole = super::replay(annotations, line, &mut rows);
        (rows, is_whole)
    }

    fn rows(annotations: &[u8]) -> Vec<(u32, u32, u32)> {
        replay(annotations, 100).0.iter().map(|row| (row.start, row.end, row.line)).collect()
    }

    #[test]
    fn rows_end_where_the_next_begins_or_at_a_length() {
        // +4 code, +1 line; +2 code and +2 lines; length 3; +1 code, -1 line; length 5.
        assert_eq!(
            rows(&[6, 2, 3, 4, 11, 0x42, 4, 3, 11, 0x31, 4, 5, 0, 0]),
            [(4, 6, 101), (6, 9, 103), (10, 15, 102)]
        );
    }

    #[test]
    fn line_and_code_may_change_apart() {
        assert_eq!(rows(&[3, 0, 6, 4, 3, 2, 4, 2]), [(0, 2, 100), (2, 4, 102)]);
    }

    #[test]
    fn a_length_with_an_address_does_not_move_it() {
        assert_eq!(rows(&[12, 3, 4, 12, 2, 8]), [(4, 7, 100), (12, 14, 100)]);
    }

    #[test]
    fn parts_of_a_function_are_counted_from_their_start() {
        // Two bytes at 4; then in part 1, whose first three bytes are line 101.
        let (rows, is_whole) = replay(&[3, 4, 4, 2, 3, 9, 2, 1, 11, 0x20, 4, 3], 100);
        let rows: Vec<_> =
            rows.iter().map(|row| (row.part, row.start, row.end, row.line)).collect();
        assert_eq!(rows, [(0, 4, 6, 100), (1, 0, 3, 101)]);
        assert!(is_whole);
    }

    #[test]
    fn files_and_numbers_of_all_widths() {
        let (rows, is_whole) =
            replay(&[5, 0x81, 0x02, 3, 0xc0, 0x01, 0x00, 0x02, 9, 7, 3, 1, 4, 1], 100);
        assert!(is_whole);
        assert_eq!(
            rows[0],
            SiteRow {
                part: 0,
                start: 0x1_0002,
                end: 0x1_0003,
                file: Some(0x102),
                line: 100,
                column: 0
            }
        );
        assert_eq!(
            rows[1],
            SiteRow {
                part: 0,
                start: 0x1_0003,
                end: 0x1_0004,
                file: Some(0x102),
                line: 100,
                column: 7
            }
        );
    }

    #[test]
    fn what_stood_before_an_error_is_kept() {
        for broken in [
            &[3, 1, 4, 2, 14][..],
            &[3, 1, 4, 2, 3],
            &[3, 1, 4, 2, 3, 0xff, 0xff, 0xff, 0xff],
            &[3, 1, 4, 2, 3, 0x80],
        ] {
            let (rows, is_whole) = replay(broken, 100);
            assert!(!is_whole && rows.len() == 1, "{broken:?}");
        }
    }
}
