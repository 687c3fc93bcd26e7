//! Bounds what unwind data of Windows may cost, each bound with its reason.

/// Bytes of a program of x86 frame data. Those that save all registers have some 200.
pub const MAX_PROGRAM_BYTES: usize = 1024;

/// Tokens of such a program. Microsoft's compiler writes up to 60.
pub const MAX_PROGRAM_TOKENS: usize = 128;

/// Values that one value of such a program is computed from. A program that aligns its frame needs
/// six; one that adds a variable to itself doubles it with each step.
pub const MAX_PROGRAM_VALUES: u16 = 64;

/// Steps of reading the function table of an image, besides [`STEPS_PER_BYTE`].
pub const MIN_STEPS: u64 = 4 << 20;

/// Steps for each byte of an image: an unwind code each time it is applied, and an instruction that
/// is decoded. Functions of real images take less than one for each byte of code.
pub const STEPS_PER_BYTE: u64 = 16;

/// Functions whose unwind data one function refers to, one after the other. Windows follows 32.
pub const MAX_CHAINED: usize = 32;
