#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

pub mod apply;
mod architecture;
mod breakpad;
mod budget;
mod cfi;
mod compact;
mod drops;
mod ehabi;
mod limits;
mod registers;
mod rule;
mod sections;
mod table;
pub mod windows;

pub use architecture::Architecture;
pub use breakpad::{BreakpadReader, write_cfi};
pub use drops::{UnwindDropReason, UnwindDrops};
pub use rule::{Cfa, Recovery, Register, Rule, RuleFlags};
pub use sections::{CodeRange, Section, UnwindSections};
pub use table::{RuleId, UnwindRow, UnwindTable, UnwindTableBuilder};
