//! Every bound on what a notice may hold, with its reason.

/// Events of one notice; of more, only their number is told. With titles they have some 200 kB.
pub const MAX_EVENTS: usize = 1_000;

/// Events that a message to people shows, the first ones: more than a screen is not read.
pub const SHOWN_EVENTS: usize = 20;

/// Bytes of a title in a message to people. With it a message of all shown events has 10 KB; Feishu
/// and `DingTalk` take 20 KB, Teams 28, and a section of Slack 3,000 characters.
pub const SHOWN_TITLE_BYTES: usize = 200;

/// Bytes of a release in such a message.
pub const SHOWN_RELEASE_BYTES: usize = 64;

/// Bytes of all shown events in one section of a message to Slack, which takes 3,000 characters.
pub const SLACK_SECTION_BYTES: usize = 2_800;

/// Seconds that are waited for at most if a receiver asks for them.
pub const MAX_RETRY_AFTER_SECONDS: u64 = 3_600;
