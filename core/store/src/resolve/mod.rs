//! Resolves addresses to frames, from the blocks of modules in a store or in memory.
//!
//! ```text
//! requests -> batch.rs   sorted by (module, address), cut into even parts, one thread each
//!          -> walk.rs    per part, one merge walk: each block is opened once, each request is a step forward
//!          -> cache.rs   opened blocks, shared by threads and by the batches that follow
//!          -> answer.rs  what is known at an address, frame by frame
//! ```

mod answer;
mod batch;
mod cache;
mod returns;
mod walk;

pub use answer::{Aliases, Answer, Extras, Frame, Frames, View};
pub use batch::{Origin, Rendered, Request, Resolver};
pub use returns::call_address;
