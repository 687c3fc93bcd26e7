//! Tables on a terminal: headings, and columns that fit its width. Numbers and what tells rows
//! apart are never left out.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::context::Context;
use crate::terminal::{Paint, columns_of, elide, stdout_columns};

/// How a column gives way on a narrow terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// A number, which stays as it is.
    Number,
    /// A text that stays as it is.
    Whole,
    /// A text that stays as it is, unless it is left out: the smallest of these first.
    Optional(u8),
    /// A number that is left out likewise.
    OptionalNumber(u8),
    /// An id, of which some first digits stay: enough to tell those of all rows apart.
    Id,
    /// A text whose middle is left out.
    Text,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What stands above it.
    pub heading: &'static str,
    /// How it gives way.
    pub fit: Fit,
}

impl Column {
    /// A column below `heading`.
    pub const fn new(heading: &'static str, fit: Fit) -> Self {
        Self { heading, fit }
    }
}

/// Rows that are looked at before the first is written: widths are those of these. Later cells that
/// are wider are cut if they are texts, and stand out otherwise.
const ROWS_AHEAD: usize = 1_000;

/// Columns between two cells, and on a narrow terminal.
const GAPS: [usize; 2] = [2, 1];

/// The fewest columns that a text is cut to: both of its ends.
const MIN_TEXT: usize = 4;

/// … as long as there is something that can be left out.
const ROOM_FOR_TEXT: usize = 20;

/// The fewest digits of an id: as many as name a module.
const MIN_ID: usize = 8;

/// A table that is written row by row.
pub struct Table {
    columns: &'static [Column],
    /// Columns of the terminal.
    width: usize,
    paint: Paint,
    waiting: Vec<Vec<String>>,
    layout: Option<Layout>,
}

/// How many columns each cell has; 0 for one that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    widths: Vec<usize>,
    gap: usize,
}

impl Table {
    /// A table for a terminal that is `width` columns wide.
    pub fn new(columns: &'static [Column], width: usize, paint: Paint) -> Self {
        Self { columns, width, paint, waiting: Vec::new(), layout: None }
    }

    /// A table for stdout, if that is a terminal.
    pub fn for_stdout(columns: &'static [Column], context: &Context) -> Option<Self> {
        let width = stdout_columns().filter(|_| !context.json)?;
        Some(Self::new(columns, width, context.paint(&io::stdout())))
    }

    /// Adds a row, which is written to `out` once the widths are known.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn row(&mut self, out: &mut impl Write, cells: Vec<String>) -> io::Result<()> {
        if let Some(layout) = &self.layout {
            return writeln!(out, "{}", layout.line(self.columns, &cells));
        }
        self.waiting.push(cells);
        if self.waiting.len() < ROWS_AHEAD { Ok(()) } else { self.begin(out) }
    }

    /// Writes what waits. Nothing has no headings either.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        if self.waiting.is_empty() { Ok(()) } else { self.begin(out) }
    }

    fn begin(&mut self, out: &mut impl Write) -> io::Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        let layout = Layout::of(self.columns, &rows, self.width);
        let headings: Vec<String> =
            self.columns.iter().map(|column| column.heading.to_owned()).collect();
        let Paint { bold, reset, .. } = self.paint;
        writeln!(out, "{bold}{}{reset}", layout.line(self.columns, &headings))?;
        for row in &rows {
            writeln!(out, "{}", layout.line(self.columns, row))?;
        }
        self.layout = Some(layout);
        Ok(())
    }
}

impl Layout {
    fn of(columns: &[Column], rows: &[Vec<String>], width: usize) -> Self {
        let wide = |at: usize| {
            let cells = rows.iter().filter_map(|cells| cells.get(at));
            cells.map(|cell| columns_of(cell)).chain([columns_of(columns[at].heading)]).max()
        };
        let widest: Vec<usize> = (0..columns.len()).map(|at| wide(at).unwrap_or(0)).collect();
        let rank = |at: usize| match columns[at].fit {
            Fit::Optional(rank) | Fit::OptionalNumber(rank) => Some(rank),
            _ => None,
        };
        let mut optional: Vec<usize> =
            (0..columns.len()).filter(|at| rank(*at).is_some()).collect();
        optional.sort_by_key(|at| rank(*at));
        let mut layout = Self { widths: widest.clone(), gap: GAPS[0] };
        // What tells least goes first; then ids give way, then gaps, then texts once more.
        for (gap, is_short) in [(GAPS[0], false), (GAPS[0], true), (GAPS[1], true)] {
            layout = Self { widths: widest.clone(), gap };
            if is_short {
                layout.shorten_ids(columns, rows);
            }
            for at in &optional {
                if layout.least(columns, ROOM_FOR_TEXT) > width {
                    layout.widths[*at] = 0;
                }
            }
            if layout.least(columns, ROOM_FOR_TEXT) <= width {
                break;
            }
        }
        layout.cut_texts(columns, width);
        layout.use_rest(columns, &widest, width);
        layout
    }

    /// Gives ids as many digits as tell those of all rows apart.
    fn shorten_ids(&mut self, columns: &[Column], rows: &[Vec<String>]) {
        for (at, _) in columns.iter().enumerate().filter(|(_, column)| column.fit == Fit::Id) {
            let ids: HashSet<&str> =
                rows.iter().filter_map(|cells| cells.get(at)).map(String::as_str).collect();
            let tells_apart = |digits: &usize| {
                let short: HashSet<&str> =
                    ids.iter().map(|id| id.get(..*digits).unwrap_or(id)).collect();
                short.len() == ids.len()
            };
            let digits = (MIN_ID..self.widths[at]).find(tells_apart).unwrap_or(self.widths[at]);
            self.widths[at] = digits.max(columns_of(columns[at].heading));
        }
    }

    /// Columns of a row whose texts have no more than `room`.
    fn least(&self, columns: &[Column], room: usize) -> usize {
        let cells = self.widths.iter().zip(columns).filter(|(width, _)| **width > 0);
        let cells = cells.map(|(width, column)| match column.fit {
            Fit::Text => room.min(*width) + self.gap,
            _ => width + self.gap,
        });
        cells.sum::<usize>().saturating_sub(self.gap)
    }

    /// Gives what is left of the terminal's `width` to ids that were cut, and to a text that stands
    /// last.
    fn use_rest(&mut self, columns: &[Column], widest: &[usize], width: usize) {
        let mut rest = width.saturating_sub(self.least(columns, usize::MAX));
        for at in (0..columns.len()).filter(|at| columns[*at].fit == Fit::Id) {
            let more = rest.min(widest[at] - self.widths[at]);
            self.widths[at] += more;
            rest -= more;
        }
        if let Some((last, Column { fit: Fit::Text, .. })) =
            self.widths.last_mut().zip(columns.last())
        {
            *last += rest;
        }
    }

    /// Cuts texts, the longest most, until a row fits.
    fn cut_texts(&mut self, columns: &[Column], width: usize) {
        loop {
            let over = self.least(columns, usize::MAX).saturating_sub(width);
            let texts = (0..columns.len()).filter(|at| columns[*at].fit == Fit::Text);
            let Some(longest) = texts.max_by_key(|at| self.widths[*at]) else { return };
            if over == 0 || self.widths[longest] <= MIN_TEXT {
                return;
            }
            self.widths[longest] -= 1;
        }
    }

    /// A row of these cells.
    fn line(&self, columns: &[Column], cells: &[String]) -> String {
        let mut line = String::new();
        let shown = cells.iter().zip(columns).zip(&self.widths).filter(|(_, width)| **width > 0);
        for (at, ((cell, column), width)) in shown.enumerate() {
            if at > 0 {
                line.push_str(&" ".repeat(self.gap));
            }
            let text = match column.fit {
                Fit::Id => cell.get(..*width).unwrap_or(cell).into(),
                Fit::Text | Fit::Optional(_) => elide(cell, *width),
                Fit::Number | Fit::OptionalNumber(_) | Fit::Whole => cell.into(),
            };
            let pad = " ".repeat(width.saturating_sub(columns_of(&text)));
            match column.fit {
                Fit::Number | Fit::OptionalNumber(_) => line.extend([pad.as_str(), &text]),
                _ => line.extend([&*text, &pad]),
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::new("GROUP", Fit::Id),
        Column::new("CRASHES", Fit::Number),
        Column::new("LAST SEEN", Fit::Optional(1)),
        Column::new("KIND", Fit::Optional(0)),
        Column::new("TITLE", Fit::Text),
    ];

    fn lines(width: usize, rows: &[[&str; 5]]) -> Vec<String> {
        let mut out = Vec::new();
        let mut table = Table::new(COLUMNS, width, Paint::OFF);
        for row in rows {
            table.row(&mut out, row.map(str::to_owned).to_vec()).unwrap();
        }
        table.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn many_counts_leave_little_room() {
        const COUNTS: &[Column] = &[
            Column::new("GROUPS", Fit::Number),
            Column::new("WAITING", Fit::Number),
            Column::new("CRASHES", Fit::Number),
            Column::new("ID", Fit::Id),
            Column::new("MODULE", Fit::Text),
        ];
        let mut out = Vec::new();
        let mut table = Table::new(COUNTS, 40, Paint::OFF);
        for id in ["0123456789ab", "012345678abc", "0123456777777"] {
            let row = ["4", "5", "1234567", id, "libtidewater.so"].map(str::to_owned);
            table.row(&mut out, row.to_vec()).unwrap();
        }
        table.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| columns_of(line) <= 40), "{text}");
        let ids: HashSet<&str> =
            text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(3)).collect();
        assert_eq!((ids.len(), text.matches("1234567 ").count()), (3, 3), "{text}");
    }

    const ROWS: [[&str; 5]; 3] = [
        ["g5be2f495f877e4ba", "12345678", "2026-03-01", "resolved", "parse"],
        [
            "g5be2f495faaaaaaa",
            "1",
            "2026-03-02",
            "provisional",
            "ns::Map<int>::find_or_insert(Key const&)",
        ],
        ["gaca3cce5bedbb8b4", "7", "-", "unassigned", "日本語日本語日本語日本語日本語日本語"],
    ];

    #[test]
    fn rows_fit_and_are_told_apart() {
        for width in 40..200 {
            let lines = lines(width, &ROWS);
            assert_eq!(lines.len(), 4);
            assert!(lines.iter().all(|line| columns_of(line) <= width), "{width}: {lines:?}");
            for (line, row) in lines[1..].iter().zip(&ROWS) {
                let words: Vec<&str> = line.split_whitespace().collect();
                // Ten digits tell the first two ids apart.
                assert!(words[0].len() >= 11 && row[0].starts_with(words[0]), "{width}: {line}");
                assert_eq!(words[1], row[1], "{width}: {line}");
            }
        }
    }

    #[test]
    fn what_tells_least_goes_first() {
        assert_eq!(
            lines(120, &ROWS)[..2],
            [
                "GROUP               CRASHES  LAST SEEN   KIND         TITLE",
                "g5be2f495f877e4ba  12345678  2026-03-01  resolved     parse",
            ]
        );
        assert_eq!(lines(62, &ROWS)[0], "GROUP               CRASHES  LAST SEEN   TITLE");
        assert_eq!(lines(50, &ROWS)[0], "GROUP               CRASHES  TITLE");
        // Ids give way before titles are cut to less than they need to be known.
        let narrow = lines(40, &ROWS);
        assert_eq!(narrow[1], "g5be2f495f8 12345678 parse");
        assert_eq!(narrow[2], "g5be2f495fa        1 ns::Ma…(Key const&)");
        assert_eq!(narrow[3], "gaca3cce5be        7 日本語…日本語日本語");
    }

    #[test]
    fn nothing_has_no_headings() {
        assert_eq!(lines(80, &[]), Vec::<String>::new());
    }

    #[test]
    fn later_rows_have_the_widths_of_the_first() {
        let rows: Vec<[&str; 5]> =
            std::iter::repeat_n(ROWS[0], ROWS_AHEAD).chain([ROWS[1]]).collect();
        let lines = lines(80, &rows);
        assert_eq!(lines.len(), ROWS_AHEAD + 2);
        assert_eq!(
            lines.last().unwrap(),
            "g5be2f495faaaaaaa         1  2026-03-02  pr…ional  ns::Map<i…_insert(Key const&)"
        );
    }
}
