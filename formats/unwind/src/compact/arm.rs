//! Encodings of 32-bit ARM, which Apple's watches have (armv7k).

use super::{Encoded, MODE, body_only};
use crate::drops::UnwindDropReason;
use crate::rule::{Cfa, Recovery, Register, Rule};

const FRAME: u32 = 0x0100_0000;
/// The same, and vector registers are saved below the others.
const FRAME_D: u32 = 0x0200_0000;
const DWARF: u32 = 0x0400_0000;

const FP: Register = Register(7);
const LR: Register = Register(14);

/// Bits of an encoding, and the registers that they say are saved, from the frame pointer down.
const SAVED: [(u32, u16); 8] =
    [(4, 6), (2, 5), (1, 4), (0x80, 12), (0x40, 11), (0x20, 10), (0x10, 9), (8, 8)];

/// What `encoding` says. r7 points to where the caller's was saved, lr is above it, and above that
/// up to three arguments that the function itself has pushed.
pub fn rule(encoding: u32) -> Result<Encoded, UnwindDropReason> {
    match encoding & MODE {
        0 | DWARF => Ok(Encoded::Nothing),
        FRAME | FRAME_D => {
            let pushed = 4 * i64::from(encoding >> 22 & 3);
            let mut at = -4 - pushed;
            let mut rule = Rule::new(Cfa::Register(FP, 8 + pushed), Recovery::AtCfa(at));
            rule.save(LR, Recovery::AtCfa(at));
            let saved = SAVED.iter().filter(|(bit, _)| encoding & bit != 0);
            for register in std::iter::once(FP.0).chain(saved.map(|(_, register)| *register)) {
                at -= 4;
                rule.save(Register(register), Recovery::AtCfa(at));
            }
            Ok(body_only(rule))
        }
        _ => Err(UnwindDropReason::NotSupported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleFlags;

    /// What clang 19 writes for armv7k, with the rules of the DWARF that it writes for the same
    /// functions with `-femit-dwarf-unwind=always`, without vector registers.
    #[test]
    fn encodings_say_what_dwarf_says() {
        for (encoding, cfa, saved) in [
            (0x0100_0000, 8, &[(7, -8), (14, -4)][..]),
            (0x0100_000f, 8, &[(4, -20), (5, -16), (6, -12), (7, -8), (8, -24), (14, -4)]),
            (
                0x0100_006f,
                8,
                &[(4, -20), (5, -16), (6, -12), (7, -8), (8, -32), (10, -28), (11, -24), (14, -4)],
            ),
            (0x0200_0305, 8, &[(4, -16), (6, -12), (7, -8), (14, -4)]),
            (0x01c0_0003, 20, &[(4, -28), (5, -24), (7, -20), (14, -16)]),
        ] {
            let Ok(Encoded::Rule(rule)) = rule(encoding) else { panic!("{encoding:#x}") };
            let link = saved.iter().find(|(register, _)| *register == LR.0).unwrap().1;
            let mut want = Rule::new(Cfa::Register(FP, cfa), Recovery::AtCfa(link));
            saved.iter().for_each(|(register, at)| {
                want.save(Register(*register), Recovery::AtCfa(*at));
            });
            want.flags.set(RuleFlags::BODY_ONLY);
            assert_eq!(rule, want, "{encoding:#x}");
        }
        for nothing in [0, 0x0400_0000] {
            assert!(matches!(rule(nothing), Ok(Encoded::Nothing)));
        }
        assert!(rule(0x0300_0000).is_err());
    }
}
