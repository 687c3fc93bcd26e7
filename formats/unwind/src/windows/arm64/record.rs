//! What `.xdata` says about a function of 64-bit ARM: Microsoft, "ARM64 exception handling",
//! section ".xdata records".
//!
//! ```text
//! word 0    bits 0-17 length in instructions, 18-19 version, 20 X: it has a handler,
//!                21   E: one epilog at the end, 22-26 epilogs (with E: its first code), 27-31 words of codes
//! word 1    where both counts are 0: bits 0-15 epilogs, 16-23 words of codes
//! scopes    of each epilog, without E: bits 0-17 its start in instructions, 22-31 its first code
//! codes     first those of the prolog
//! ```

use super::codes::{self, Code};
use super::{INSTRUCTION_BYTES, machine};
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::windows::arm::{Epilog, Function, Parsed};
use crate::windows::image::{PeImage, u32_at};

/// Reads the record at `address`. What of it was left out has a reason.
pub fn parse(image: &PeImage<'_>, address: u32, budget: &mut Budget) -> Parsed<Code> {
    let bad = UnwindDropReason::BadEntry;
    let bytes = image.from(address).ok_or(bad)?;
    let head = u32_at(bytes, 0).ok_or(bad)?;
    if head >> 18 & 3 != 0 {
        return Err(UnwindDropReason::NotSupported);
    }
    let (mut epilogs, mut words, mut at) = (head >> 22 & 31, head >> 27, 4);
    if epilogs == 0 && words == 0 {
        let extended = u32_at(bytes, 4).ok_or(bad)?;
        (epilogs, words, at) = (extended & 0xffff, extended >> 16 & 0xff, 8);
    }
    let is_single = head >> 21 & 1 == 1;
    let count = |number: u32| usize::try_from(number).map_err(|_| bad);
    let scopes = if is_single { 0 } else { count(epilogs)? };
    let codes_at = at + 4 * scopes;
    let code_bytes = bytes.get(codes_at..codes_at + 4 * count(words)?).ok_or(bad)?;
    let sequence = |first: u32, budget: &mut Budget| {
        let codes = code_bytes.get(count(first)?..).and_then(codes::parse).ok_or(bad)?;
        budget.spend(codes.len() + 1)?;
        Ok(codes)
    };
    let bytes_of_code = INSTRUCTION_BYTES * u64::from(head & 0x3_ffff);
    let prolog = sequence(0, budget)?;
    let mut function = Function { bytes: bytes_of_code, prolog, epilogs: Vec::new() };
    let mut dropped = None;
    let mut push = |start: Option<u64>, codes: Vec<Code>| match start {
        Some(start) if start < bytes_of_code => function.epilogs.push(Epilog { start, codes }),
        _ => dropped = Some(bad),
    };
    if is_single {
        let codes = sequence(epilogs, budget)?;
        // The instruction that leaves the function has no code.
        let bytes = machine().total_bytes(&codes) + INSTRUCTION_BYTES;
        push(bytes_of_code.checked_sub(bytes), codes);
    }
    for scope in bytes[at..codes_at].chunks_exact(4) {
        let scope = u32_at(scope, 0).ok_or(bad)?;
        match sequence(scope >> 22, budget) {
            Ok(codes) => push(Some(INSTRUCTION_BYTES * u64::from(scope & 0x3_ffff)), codes),
            Err(UnwindDropReason::TooMuchWork) => return Err(UnwindDropReason::TooMuchWork),
            Err(_) => push(None, Vec::new()),
        }
    }
    Ok((function, dropped))
}
