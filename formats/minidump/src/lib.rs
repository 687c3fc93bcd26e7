#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod bytes;
mod error;
mod extent;
pub mod limits;
mod read;
mod walk;

pub use bytes::faults::{DumpFaults, DumpPart, FaultKind};
pub use bytes::source::DumpSource;
pub use error::MinidumpError;
pub use extent::{Completeness, DumpExtent, MissingParts, ZeroedRange};
pub use read::Minidump;
pub use read::context::Context;
pub use read::crashpad::{CrashpadInfo, ModuleAnnotations};
pub use read::directory::{DumpStream, is_minidump};
pub use read::exception::DumpException;
pub use read::linux::{LinuxFiles, LinuxMap, auxiliary_vector, linux_maps};
pub use read::memory::{Memory, MemoryRange};
pub use read::modules::{CodeView, DumpModule, UnloadedModule};
pub use read::process::{Assertion, BreakpadInfo, ProcessInfo};
pub use read::reader::FileRange;
pub use read::regions::{Region, Regions};
pub use read::system::{Cpu, DumpOs, SystemInfo};
pub use read::threads::DumpThread;
pub use walk::{
    DumpWalk, FoundRule, FrameTrust, ModuleUse, NoUnwindRows, UnwindRows, WalkEnd, WalkFrame,
    WalkedThread,
};
