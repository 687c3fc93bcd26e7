//! Turns return addresses into addresses within the call.
//!
//! A return address stands after its call, perhaps on the next line or in the next function. Looked
//! up is what stands before it.

/// An address within the instruction that was called from, as far as `return_address` of a module
/// of architecture `arch` (as LLVM names it) is where that call goes back to.
///
/// x86: one byte earlier, whatever the instruction's length; ARM64: an instruction of four bytes;
/// ARM: bit 0 is the Thumb flag, and instructions have two bytes or four; MIPS: the call and its
/// delay slot.
pub fn call_address(arch: &str, return_address: u64) -> u64 {
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| arch.starts_with(prefix));
    if is(&["aarch64", "arm64"]) {
        return_address.saturating_sub(4)
    } else if is(&["arm", "thumb"]) {
        (return_address & !1).saturating_sub(2)
    } else if is(&["mips"]) {
        return_address.saturating_sub(8)
    } else {
        return_address.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_before_their_return_addresses() {
        for (arch, want) in [
            ("x86_64", 0x1000),
            ("i386", 0x1000),
            ("arm64", 0xffd),
            ("arm64e", 0xffd),
            ("aarch64", 0xffd),
            ("armv7", 0xffe),
            ("thumb", 0xffe),
            ("mips64el", 0xff9),
            ("riscv64", 0x1000),
        ] {
            assert_eq!(call_address(arch, 0x1001), want, "{arch}");
            assert_eq!(call_address(arch, 0), 0, "{arch}");
        }
    }
}
