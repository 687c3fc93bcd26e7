//! The range store: in, [`symtool_formats::ModuleSymbols`]; out, answers for addresses.
//!
//! Knows the database and compression; knows no object file, no command line, and prints nothing.

#![deny(missing_docs)]

pub mod block;
pub mod complete;
pub mod contents;
pub mod layers;
pub mod limits;
pub mod pack;
pub mod resolve;
pub mod seal;
pub mod store;
pub mod unpack;
