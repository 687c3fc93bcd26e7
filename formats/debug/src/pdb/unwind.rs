//! Reads frame data of 32-bit x86, which says how callers are found: the streams `FrameData`, whose
//! records have programs, and `FPO`, those of old compilers.
//!
//! ```text
//! FrameData  0 start   4 code bytes   8 locals  12 parameters  16 most bytes of stack
//!           20 program, in /names    24 prolog bytes (16 bits)  26 saved registers (16 bits)
//!           28 flags: 4 a function begins here
//! FPO        0 start   4 code bytes   8 locals in words  12 parameters in words (16 bits)
//!           14 prolog bytes  15 bits 0-2 saved registers, 4 ebp is one of them, 6-7 kind of frame
//! ```
//!
//! Formats: `FrameData` of LLVM's `CodeView/CodeView.h`, `FPO_DATA` of `winnt.h`.

use symtool_unwind::windows::{FpoData, FpoFrame, FrameData, FrameDataRows, PeImage};
use symtool_unwind::{UnwindDropReason, UnwindTable, UnwindTableBuilder};

use super::addresses::Omap;
use super::fields::Fields;
use super::text_at;
use crate::object::code::Code;

/// Bytes of a record with a program, and of one without.
const FRAME_DATA_BYTES: usize = 32;
const FPO_BYTES: usize = 16;
/// A function begins with the record.
const FUNCTION_START: u32 = 4;

/// The streams with frame data, and what their records refer to.
pub struct FrameDataStreams<'a> {
    pub frame_data: &'a [u8],
    pub fpo: &'a [u8],
    /// The texts in `/names`.
    pub strings: &'a [u8],
    /// The executable addresses before the image was rearranged.
    pub code: &'a Code,
    /// Where addresses are now.
    pub omap: Option<&'a Omap>,
}

impl FrameDataStreams<'_> {
    /// Reads all records. The code in `image` shows what they do not say.
    pub fn read(&self, image: Option<&PeImage<'_>>) -> UnwindTable {
        let (mut rows, mut builder) = (FrameDataRows::default(), UnwindTableBuilder::default());
        for record in records(self.frame_data, FRAME_DATA_BYTES) {
            self.frame_data(record, &mut rows, &mut builder);
        }
        for record in records(self.fpo, FPO_BYTES) {
            self.fpo(record, &mut rows);
        }
        match image {
            Some(image) => rows.finish_with_code(image, &mut builder),
            None => rows.finish(&mut builder),
        }
        builder.finish()
    }

    fn frame_data(
        &self,
        mut record: Fields<'_>,
        rows: &mut FrameDataRows,
        builder: &mut UnwindTableBuilder,
    ) {
        let mut fields = [0; 6];
        fields.fill_with(|| record.u32().unwrap_or_default());
        let [start, code_bytes, local_bytes, parameter_bytes, _most, program] = fields;
        let mut short = || u32::from(record.u16().unwrap_or_default());
        let (prolog_bytes, saved_register_bytes) = (short(), short());
        let flags = record.u32().unwrap_or_default();
        let program = text_at(self.strings, program).and_then(|text| str::from_utf8(text).ok());
        let Some(program) = program else {
            return builder.count(UnwindDropReason::BadEntry);
        };
        for (old, start, code_bytes) in self.places(start, code_bytes) {
            let is_first = old == u64::from(fields[0]);
            rows.push(&FrameData {
                start,
                code_bytes,
                prolog_bytes,
                local_bytes,
                parameter_bytes,
                saved_register_bytes,
                is_function_start: is_first && flags & FUNCTION_START != 0,
                program,
            });
        }
    }

    fn fpo(&self, mut record: Fields<'_>, rows: &mut FrameDataRows) {
        let mut word = || record.u32().unwrap_or_default();
        let (first, code_bytes, locals) = (word(), word(), word());
        let parameters = u32::from(record.u16().unwrap_or_default());
        let (prolog, bits) = (record.u8().unwrap_or_default(), record.u8().unwrap_or_default());
        let frame = match bits >> 6 {
            0 => FpoFrame::Fpo,
            1 => FpoFrame::Trap,
            2 => FpoFrame::Tss,
            _ => FpoFrame::FramePointer,
        };
        for (old, start, code_bytes) in self.places(first, code_bytes) {
            rows.push_fpo(&FpoData {
                start,
                code_bytes,
                prolog_bytes: if old == u64::from(first) { prolog.into() } else { 0 },
                local_bytes: locals.saturating_mul(4),
                parameter_bytes: 4 * parameters,
                saved_register_bytes: 4 * u32::from(bits & 7),
                frame,
                allocates_base_pointer: bits & 0x10 != 0,
            });
        }
    }

    /// Where the code of a record is: its address in the record, the one that it has now, and its
    /// size. What lies in no section of code is left out.
    fn places(&self, start: u32, bytes: u32) -> Vec<(u64, u64, u32)> {
        let (start, end) = (u64::from(start), u64::from(start) + u64::from(bytes));
        if !self.code.contains(start) {
            return Vec::new();
        }
        let size = |(old, (start, end)): (u64, (u64, u64))| {
            Some((old, start, u32::try_from(end - start).ok()?))
        };
        match self.omap {
            Some(omap) => omap.pieces(start, end).filter_map(size).collect(),
            None => size((start, (start, end))).into_iter().collect(),
        }
    }
}

/// The records of `bytes` bytes in `stream`, before which an address may stand that the linker
/// filled in.
fn records(stream: &[u8], bytes: usize) -> impl Iterator<Item = Fields<'_>> {
    let stream = if stream.len() % bytes == 4 { &stream[4..] } else { stream };
    stream.chunks_exact(bytes).map(Fields)
}
