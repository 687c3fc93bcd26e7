//! Bounds what unwind data of Windows may cost, each bound with its reason.

/// Tokens of a program of x86 frame data. Microsoft's compiler writes up to 60.
pub const MAX_PROGRAM_TOKENS: usize = 256;

/// Values that one value of such a program is computed from. A program that aligns its frame needs
/// six; one that adds a variable to itself doubles it with each step.
pub const MAX_PROGRAM_VALUES: u16 = 64;
