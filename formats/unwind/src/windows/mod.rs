//! Reads unwind data of Windows.
//!
//! ```text
//! expression.rs  writes DWARF expressions
//! program.rs     evaluates a program of x86 frame data
//! frame_data.rs  x86 frame data, of PDBs and of `STACK WIN` records, as rows
//! ```
//!
//! Rules speak of general registers alone: nothing in a walk depends on vector registers.

mod expression;
mod frame_data;
pub mod limits;
mod program;

pub use frame_data::{FpoData, FpoFrame, FrameData, FrameDataRows};
