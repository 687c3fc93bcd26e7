#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod arch;
mod guid;
mod id;
mod kind;
mod named;
mod number;
mod text;

pub use arch::is_same as is_same_arch;
pub use guid::{first_16, swapped_guid};
pub use id::ModuleId;
pub use kind::{Detail, ModuleKind};
pub use named::{Name, Named};
pub use number::number_of;
pub use text::{Arch, BuildId, CodeId, DebugId};
