//! Keeping the crash database sound and small: removing crashes, repair after damage, and migration
//! from format 3.

mod format3;
mod rebuild;
mod remove;
mod repair;
mod retention;
mod takeover;

pub use format3::migrate;
pub use repair::{CrashRepair, LostCrash, repair};
pub use retention::{Going, Retention, RetentionPlan};
