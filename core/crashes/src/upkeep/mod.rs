//! Keeping the crash database sound and small: removing crashes, repair after damage, and migration
//! from format 3.

mod dumps;
mod format3;
mod rebuild;
mod remove;
mod repair;
mod retention;
mod takeover;

pub use dumps::KeptDump;
pub use format3::migrate;
pub use repair::{CrashRepair, LostCrash, repair};
pub use retention::{Going, Retention, RetentionPlan};
