#![doc = include_str!("../README.md")]
//!
//! # Layers
//!
//! Each uses those before it:
//!
//! ```text
//! block/      columns of ranges, functions, files, … as bytes, compressed
//! module/     keys and records of modules
//! pack/       ModuleSymbols -> blocks;  unpack/  blocks -> ModuleSymbols, checked
//! seal/       blocks and rows as they lie on disk: with a checksum, or encrypted
//! complete/   several files of one build as one module
//! database/   RocksDB: atomic imports, repair after damage
//! resolve/    addresses -> frames, one or millions at a time
//! unwind.rs   addresses -> how the caller's frame is found
//! ```

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

pub mod block;
pub mod complete;
pub mod database;
pub mod limits;
pub mod module;
pub mod pack;
pub mod resolve;
pub mod seal;
pub mod unpack;
mod unwind;

pub use database::{Catalog, Error, Mapping, Mappings, Module, Named, Reader, STORE_FORMAT, Store};
pub use module::{Generation, ModuleKey, ModuleRecord, Source, now_ms};
pub use unwind::{UnwindRow, Unwinder};
