#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod drops;
mod rule;
mod table;

pub use drops::{UnwindDropReason, UnwindDrops};
pub use rule::{Cfa, Recovery, Register, Rule, RuleFlags};
pub use table::{RuleId, UnwindRow, UnwindTable, UnwindTableBuilder};
