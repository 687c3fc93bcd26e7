//! Fits a line of progress into the columns of the terminal.

use std::time::Duration;

use indicatif::DecimalBytes;

use crate::terminal::{clean, columns_of, elide};

/// Columns of a bar, and the fewest that are worth drawing.
const MAX_BAR: usize = 24;
const MIN_BAR: usize = 8;

/// Columns of `, 12 s left`.
const TIME_LEFT: usize = 11;

/// The fewest columns for what is being done now.
const MIN_NOW: usize = 12;

/// All that a line can say, from left to right. Whatever is empty is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// How much of the work is done, of 1.
    pub share: Option<f64>,
    /// What was counted: `3/12 files`.
    pub counted: String,
    /// How fast: `310 MB/s`.
    pub rate: String,
    /// Time left.
    pub left: Option<Duration>,
    /// What is being done now: a file, a step.
    pub now: String,
}

/// The line for a command and `parts`, of at most `columns`. The share stays longest, then time
/// left, a few columns of what is done now, the count, the rate, the rest of what is done now; a
/// bar is drawn if there is room for all.
pub fn fit(verb: &str, parts: &Parts, columns: usize) -> String {
    let share = parts
        .share
        .map(|share| format!("{:.0}%", share.clamp(0.0, 1.0) * 100.0))
        .unwrap_or_default();
    let left = parts.left.map(time_left).unwrap_or_default();
    let now = clean(&parts.now);
    let mut room = columns.saturating_sub(columns_of(verb));
    // Before the share stands a space, before others a comma too.
    let mut take = |text: String, gap: usize, kept: usize| {
        let taken = columns_of(&text) + gap;
        let fits = !text.is_empty() && taken + kept <= room;
        room -= if fits { taken } else { 0 };
        fits.then_some(text)
    };
    let share = take(share, 1, 0);
    let left = take(left, 2, 0);
    let left_comes = left.is_none();
    let kept = columns_of(&now).min(MIN_NOW) + 2;
    let counted = take(parts.counted.clone(), 2, kept);
    let rate = take(parts.rate.clone(), 2, kept);
    let now = if room >= kept { elide(&now, room - 2).into_owned() } else { String::new() };
    let now = Some(now).filter(|now| !now.is_empty());
    room -= now.as_ref().map_or(0, |now| columns_of(now) + 2);
    let mut line = verb.to_owned();
    // Room for what will come, so that the bar does not go again.
    let to_come = if left_comes { TIME_LEFT } else { 0 };
    let bar = room.saturating_sub(3 + to_come).min(MAX_BAR);
    if let Some(share) = parts.share.filter(|_| bar >= MIN_BAR) {
        line.push(' ');
        line.push_str(&draw_bar(share, bar));
    }
    for (at, piece) in [share, counted, rate, left, now].into_iter().flatten().enumerate() {
        line.push_str(if at == 0 { " " } else { ", " });
        line.push_str(&piece);
    }
    line
}

/// `[====>   ]`, `columns` within the brackets.
fn draw_bar(share: f64, columns: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "some columns"
    )]
    let done = ((share.clamp(0.0, 1.0) * columns as f64) as usize).min(columns);
    let head = if done < columns { ">" } else { "" };
    format!("[{}{head:<rest$}]", "=".repeat(done), rest = columns - done)
}

fn time_left(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..60 => format!("{} s left", seconds.max(1)),
        seconds @ 60..3600 => format!("{} min {} s left", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min left", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A number with its thousands, millions or milliards as a letter: `1.2M`.
pub fn short(number: u64) -> String {
    let scaled = |unit: u64, letter: char| {
        let tenths = number / (unit / 10);
        if tenths < 100 {
            format!("{}.{}{letter}", tenths / 10, tenths % 10)
        } else {
            format!("{}{letter}", tenths / 10)
        }
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => scaled(1_000, 'k'),
        1_000_000..1_000_000_000 => scaled(1_000_000, 'M'),
        _ => scaled(1_000_000_000, 'G'),
    }
}

/// Bytes, as people say them.
pub fn bytes(number: u64) -> String {
    DecimalBytes(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import() -> Parts {
        Parts {
            share: Some(0.45),
            counted: "3/12 files".to_owned(),
            rate: "310 MB/s".to_owned(),
            left: Some(Duration::from_secs(12)),
            now: "librgw.so.2.0.0.debug 120/400 units".to_owned(),
        }
    }

    #[test]
    fn every_width_is_kept() {
        for (columns, want) in [
            (10, "import 45%"),
            (24, "import 45%, 12 s left"),
            (40, "import 45%, 12 s left, librg…0/400 units"),
            (60, "import 45%, 3/12 files, 310 MB/s, 12 s left, libr…/400 units"),
            (
                80,
                "import 45%, 3/12 files, 310 MB/s, 12 s left, librgw.so.2.0.0.debug 120/400 units",
            ),
            (
                120,
                "import [==========>             ] 45%, 3/12 files, 310 MB/s, 12 s left, librgw.so.2.0.0.debug 120/400 units",
            ),
        ] {
            let line = fit("import", &import(), columns);
            assert!(columns_of(&line) <= columns, "{columns}: {line}");
            assert_eq!(line, want, "{columns}");
        }
        for columns in 1..200 {
            let line = fit("import", &import(), columns);
            assert!(columns_of(&line) <= columns.max(6), "{columns}: {line}");
        }
    }

    #[test]
    fn names_cannot_move_the_cursor() {
        let parts = Parts { now: "a\x1b[2Jb".to_owned(), ..import() };
        assert!(!fit("import", &parts, 100).contains('\x1b'));
    }

    #[test]
    fn numbers_are_short() {
        for (number, want) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (12_345, "12k"),
            (1_234_567, "1.2M"),
            (9_990_000_000, "9.9G"),
        ] {
            assert_eq!(short(number), want);
        }
        for (seconds, want) in
            [(0, "1 s left"), (59, "59 s left"), (61, "1 min 1 s left"), (7_260, "2 h 1 min left")]
        {
            assert_eq!(time_left(Duration::from_secs(seconds)), want);
        }
        for (share, want) in
            [(0.0, "[>       ]"), (0.5, "[====>   ]"), (1.0, "[========]"), (7.0, "[========]")]
        {
            assert_eq!(draw_bar(share, 8), want);
        }
    }
}
