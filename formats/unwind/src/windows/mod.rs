//! Reads unwind data of Windows.
//!
//! ```text
//! frame_data.rs  x86 frame data, of PDBs and of `STACK WIN` records, as rows
//! program.rs     evaluates a program of x86 frame data
//! image.rs       an image by its addresses
//! x86/           what the code of 32-bit x86 shows beyond frame data
//! x64/           function tables of 64-bit x86
//! arm.rs, arm/   those of ARM of both widths
//! thumb/         … of 32 bits
//! arm64/         … of 64 bits
//! frame.rs       undoes what a prolog did, which gives a rule
//! pieces.rs      the addresses of a function, and those between functions
//! expression.rs  writes DWARF expressions
//! ```
//!
//! Rules speak of general registers alone: nothing in a walk depends on vector registers.

mod arm;
mod arm64;
mod expression;
mod frame;
mod frame_data;
mod image;
pub mod limits;
mod pieces;
mod program;
mod thumb;
mod x64;
mod x86;

pub use frame_data::{FpoData, FpoFrame, FrameData, FrameDataRows};
pub use image::{PeImage, PeSection};

use crate::drops::UnwindDropReason;
use crate::table::UnwindTableBuilder;

/// Adds the rows of `image` to `builder`. `machine` is its architecture (`IMAGE_FILE_MACHINE_*`),
/// `table` its exception directory: an address relative to the image, and a number of bytes. All
/// addresses of rows are relative to the image.
///
/// Executable addresses that no entry covers belong to functions that change neither the stack nor
/// saved registers. An image without a table, as all of 32-bit x86 are, gets no rows.
pub fn read_function_table(
    image: &PeImage<'_>,
    machine: u16,
    table: (u32, u32),
    builder: &mut UnwindTableBuilder,
) {
    let (address, bytes) = table;
    if bytes == 0 {
        return;
    }
    let Some(rest) = image.from(address).filter(|rest| !rest.is_empty()) else {
        return builder.count(UnwindDropReason::BadEntry);
    };
    let whole = usize::try_from(bytes).ok().and_then(|bytes| rest.get(..bytes));
    if whole.is_none() {
        builder.count(UnwindDropReason::BadEntry);
    }
    let table = whole.unwrap_or(rest);
    match machine {
        0x8664 => x64::read(image, table, builder),
        0x1c4 => thumb::read(image, table, builder),
        0xaa64 => arm64::read(image, table, builder),
        _ => builder.count(UnwindDropReason::NotSupported),
    }
}
