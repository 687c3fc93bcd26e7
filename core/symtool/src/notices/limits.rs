//! Every bound on what is told and remembered of groups, with its reason.

/// Days that tell how often a group comes on a usual day.
pub const USUAL_DAYS: i64 = 28;

/// Days that are looked at for spikes, if nobody was told for longer.
pub const SPIKE_DAYS: i64 = 7;

/// New groups that are remembered until they have the crashes that a subscriber asks for, the
/// latest: those that have few crashes after so many others rarely get them.
pub const MAX_WAITING_GROUPS: usize = 10_000;

/// Bytes of a title in a notice.
pub const NOTICE_TITLE_BYTES: usize = 1_024;

/// Releases that an event names.
pub const NOTICE_RELEASES: usize = 10;

/// Bytes of a release that an event names.
pub const NOTICE_RELEASE_BYTES: usize = 200;

/// Aliases that an event names.
pub const NOTICE_ALIASES: usize = 20;
