#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod address;
mod checked;
mod error;
mod keys;
pub mod limits;
mod objects;

pub use address::{BucketUrl, Scheme};
pub use error::BucketError;
pub use objects::Objects;

pub use object_store::ObjectStore;
type Bytes = bytes::Bytes;
