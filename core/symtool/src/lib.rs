#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod error;
pub mod import;
pub mod mapping;
pub mod objects;

pub use error::Error;
pub use import::Import;
