//! Every bound on what one report shows, with its reason.

/// Groups that a report shows unless it is asked for more or fewer: a page that people read.
pub const SHOWN_GROUPS: usize = 200;

/// Functions of a stack in a report of several groups: what is farther from the crash seldom tells
/// more.
pub const SHOWN_FRAMES: usize = 12;

/// Bytes of names, paths and reasons of a stack in a report of several groups, of which the first
/// function is shown in any case: with them, a page of 200 groups stays below 1 MB.
pub const SHOWN_STACK_BYTES: usize = 800;

/// Bytes of each other text of a crash in such a report, and of each value of a facet.
pub const SHOWN_TEXT_BYTES: usize = 200;

/// Bytes of a title. Names of C++ may have some hundred, and rarely more than a thousand.
pub const SHOWN_TITLE_BYTES: usize = 1_024;

/// Values of a facet, such as releases, that a group shows; the others are counted.
pub const SHOWN_VALUES: usize = 4;

/// Days whose crashes are counted one by one.
pub const SHOWN_DAYS: i64 = 30;

/// Groups that a run has changed whose origins are shown.
pub const SHOWN_FLOWS: usize = 16;

/// Origins of such a group that are shown; the others are counted.
pub const SHOWN_ORIGINS: usize = 5;

/// Changes of a group that are shown, the latest.
pub const SHOWN_CHANGES: usize = 4;

/// Other groups that a change names; the others are counted.
pub const SHOWN_OTHERS: usize = 3;

/// Missing modules that are shown; the others are counted.
pub const SHOWN_MODULES: usize = 20;
