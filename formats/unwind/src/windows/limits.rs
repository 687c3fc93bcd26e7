//! Bounds what unwind data of Windows may cost, each bound with its reason.

/// Bytes of a program of x86 frame data. Those that save all registers have some 200.
pub const MAX_PROGRAM_BYTES: usize = 1024;

/// Tokens of such a program. Microsoft's compiler writes up to 60.
pub const MAX_PROGRAM_TOKENS: usize = 128;

/// Values that one value of such a program is computed from. A program that aligns its frame needs
/// six; one that adds a variable to itself doubles it with each step.
pub const MAX_PROGRAM_VALUES: u16 = 64;

/// Functions whose unwind data one function refers to, one after the other. Windows follows 32.
pub const MAX_CHAINED: usize = 32;
