//! One rule: what it asks of a frame, and what it then does.

use super::glob::Glob;

/// What kind of code a frame is in, as Sentry parts them. Java, Kotlin and Python are `Other`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Machine code.
    #[default]
    Native,
    /// JavaScript.
    JavaScript,
    /// All else.
    Other,
}

impl Family {
    pub(super) fn bit(self) -> u8 {
        match self {
            Self::Native => 1,
            Self::JavaScript => 2,
            Self::Other => 4,
        }
    }
}

/// A text that patterns are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Function,
    Module,
    Package,
    Path,
}

/// What of an exception is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Type,
    Value,
    Mechanism,
}

#[derive(Clone, Debug)]
pub enum Test {
    /// A number of [`super::Rules`]' patterns.
    Pattern(u32),
    /// Bits of [`Family`].
    Family(u8),
    App(bool),
    Category(Glob),
    Exception(Of, Glob),
}

#[derive(Clone, Debug)]
pub struct Matcher {
    pub negated: bool,
    pub test: Test,
}

/// A flag's new values, for the frame itself, those towards the crash, and those away from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag {
    pub own: Option<bool>,
    pub up: Option<bool>,
    pub down: Option<bool>,
}

impl Flag {
    pub fn is_set(self) -> bool {
        self != Self::default()
    }
}

/// A rule, read.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub source: usize,
    pub line: u32,
    /// As it was written, without the blanks around it and without a comment behind it.
    pub text: Box<str>,
    pub own: Vec<Matcher>,
    pub caller: Option<Matcher>,
    pub callee: Option<Matcher>,
    /// Of exceptions, wherever they stood.
    pub exception: Vec<Matcher>,
    pub app: Flag,
    pub group: Flag,
    pub category: Option<u32>,
    pub max_frames: Option<u32>,
    pub min_frames: Option<u32>,
    /// Actions that are read and do nothing.
    pub idle: Vec<&'static str>,
}

impl Rule {
    /// Whether it changes what other rules can ask.
    pub fn modifies(&self) -> bool {
        self.app.is_set() || self.category.is_some()
    }

    pub fn updates(&self) -> bool {
        self.group.is_set() || self.max_frames.is_some() || self.min_frames.is_some()
    }
}
