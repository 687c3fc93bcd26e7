//! A store of address ranges that resolves addresses, and of the crashes whose addresses they are, in groups.
//!
//! Knows the database and compression; knows no object file, no command line, and prints nothing.

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

pub mod assess;
pub mod block;
pub mod complete;
pub mod contents;
pub mod crash;
pub mod group;
pub mod layers;
pub mod limits;
pub mod pack;
pub mod reprocess;
pub mod resolve;
pub mod seal;
pub mod store;
pub mod unpack;
