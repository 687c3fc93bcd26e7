//! Counts what a mapping has that cannot be used, by reason, with the line of the first.

/// Why a line was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// Neither a class nor a member nor a comment.
    NotALine,
    /// A member before any class, or of a class whose own line was left out.
    NoClass,
    /// Line numbers that are none: too large, or one where two belong.
    LineNumbers,
    /// Bytes that are no UTF-8.
    NotText,
    /// Longer than [`super::limits::MAX_LINE_BYTES`].
    TooLong,
    /// Beyond [`super::limits::MAX_CLASS_LINES`], [`super::limits::MAX_CLASS_NAME_BYTES`] or
    /// [`super::limits::MAX_SOURCES`].
    TooMany,
    /// A comment with a JSON object that cannot be read.
    Note,
    /// A note of a kind that is not known: of a later version of R8.
    UnknownNote,
    /// A rule of a kind that is not known: it is never applied.
    UnknownRule,
}

const REASONS: [SkipReason; 9] = [
    SkipReason::NotALine,
    SkipReason::NoClass,
    SkipReason::LineNumbers,
    SkipReason::NotText,
    SkipReason::TooLong,
    SkipReason::TooMany,
    SkipReason::Note,
    SkipReason::UnknownNote,
    SkipReason::UnknownRule,
];

impl SkipReason {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotALine => "not_a_line",
            Self::NoClass => "no_class",
            Self::LineNumbers => "line_numbers",
            Self::NotText => "not_utf8",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Note => "note",
            Self::UnknownNote => "unknown_note",
            Self::UnknownRule => "unknown_rule",
        }
    }

    /// What it says to people, behind a number: `3 lines: ...`.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotALine => "neither class nor member",
            Self::NoClass => "member without class",
            Self::LineNumbers => "bad line numbers",
            Self::NotText => "not UTF-8",
            Self::TooLong => "too long",
            Self::TooMany => "over the limits of one class",
            Self::Note => "damaged note",
            Self::UnknownNote => "note of an unknown kind",
            Self::UnknownRule => "rule of an unknown kind",
        }
    }
}

/// Lines that were left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// In the order of [`REASONS`].
    counts: [SkipCount; REASONS.len()],
}

/// How many, and the number of the first, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkipCount {
    /// How many lines.
    pub lines: u64,
    /// The first one; 0 if there is none.
    pub first_line: u64,
}

impl Skipped {
    pub(super) fn add(&mut self, reason: SkipReason, line: u64) {
        if let Some((_, count)) =
            REASONS.iter().zip(&mut self.counts).find(|(known, _)| **known == reason)
        {
            count.first_line = if count.lines == 0 { line } else { count.first_line };
            count.lines += 1;
        }
    }

    /// The lines left out for `reason`.
    pub fn get(&self, reason: SkipReason) -> SkipCount {
        REASONS
            .iter()
            .zip(&self.counts)
            .find(|(known, _)| **known == reason)
            .map_or(SkipCount::default(), |(_, count)| *count)
    }

    /// All reasons that there were.
    pub fn iter(&self) -> impl Iterator<Item = (SkipReason, SkipCount)> {
        REASONS.into_iter().zip(self.counts).filter(|(_, count)| count.lines > 0)
    }

    /// Whether everything was used.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}
