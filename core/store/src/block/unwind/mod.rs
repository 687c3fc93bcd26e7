//! Blocks that say how stacks are walked: the unwind rows of a module, and the rules that they name.

pub mod rows;
pub mod rules;
