#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod address;
mod bucket;
mod checked;
mod entry;
mod error;
mod find;
mod gc;
mod head;
mod keys;
pub mod limits;
mod objects;
mod probe;
mod publish;

pub use address::{BucketUrl, Scheme};
pub use bucket::{Bucket, Connection};
pub use entry::Entry;
pub use error::BucketError;
pub use find::Wanted;
pub use gc::Garbage;
pub use objects::Objects;
pub use publish::{Offer, Published};

pub use object_store::ObjectStore;
type Bytes = bytes::Bytes;
