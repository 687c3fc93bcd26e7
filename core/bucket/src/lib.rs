#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod address;
mod bucket;
mod cache;
mod checked;
mod entry;
mod error;
mod find;
mod gc;
mod head;
mod import;
mod keys;
pub mod limits;
mod objects;
mod probe;
mod publish;

pub use address::{BucketUrl, Scheme};
pub use bucket::{Bucket, Connection};
pub use cache::{Brought, Build, CacheOptions, CachedBucket, wanted_build};
pub use entry::Entry;
pub use error::BucketError;
pub use find::Wanted;
pub use gc::Garbage;
pub use import::BucketImport;
pub use objects::Objects;
pub use publish::{Offer, Published};

pub use object_store::ObjectStore;
type Bytes = bytes::Bytes;
