//! Bounds what input may cost, each bound with its reason.

/// Steps of reading a section or an image, besides [`STEPS_PER_BYTE`].
pub const MIN_STEPS: u64 = 4 << 20;

/// Steps for each byte of it. A step is to look at one register of a rule, which each row does once,
/// to apply an unwind code, or to decode an instruction. Reading the `.eh_frame` of librgw takes one
/// and a half, images of Windows less than one.
pub const STEPS_PER_BYTE: u64 = 16;

/// Steps for a register of a rule that no row had before, or of a CIE: it takes 32 bytes of memory
/// for as long as the module is read.
pub const STEPS_PER_KEPT_REGISTER: u64 = 64;

/// Registers of one rule. The most that an architecture could save is 188 (MIPS).
pub const MAX_RULE_REGISTERS: usize = 256;

/// Bytes of one DWARF expression. Those of signal frames have less than 10, those of a PLT 11.
pub const MAX_EXPRESSION_BYTES: usize = 4096;

/// Rules that `DW_CFA_remember_state` keeps at one time. Compilers remember one; assembly that was
/// written by hand has been seen with two.
pub const MAX_REMEMBERED_RULES: usize = 64;

/// Times that the instructions of one ARM function load the stack pointer from memory or another
/// register. Compilers do it once.
pub const MAX_STACK_CHANGES: usize = 8;
