//! Encodings of ARM64.

use super::{Encoded, MODE, body_only};
use crate::drops::UnwindDropReason;
use crate::rule::{Cfa, Recovery, Register, Rule};

const FRAMELESS: u32 = 0x0200_0000;
const DWARF: u32 = 0x0300_0000;
const FRAME: u32 = 0x0400_0000;

/// Pairs of registers and their bits, in the order in which they are saved.
const PAIRS: [(u32, u16); 9] = [
    (0x001, 19),
    (0x002, 21),
    (0x004, 23),
    (0x008, 25),
    (0x010, 27),
    (0x100, 72),
    (0x200, 74),
    (0x400, 76),
    (0x800, 78),
];

const FP: Register = Register(29);
const LR: Register = Register(30);
const SP: Register = Register(31);

/// What `encoding` says.
pub fn rule(encoding: u32) -> Result<Encoded, UnwindDropReason> {
    let pairs = PAIRS.iter().filter(|(bit, _)| encoding & bit != 0).map(|(_, first)| *first);
    match encoding & MODE {
        0 | DWARF => Ok(Encoded::Nothing),
        FRAME => {
            let mut rule = Rule::new(Cfa::Register(FP, 16), Recovery::AtCfa(-8));
            rule.save(FP, Recovery::AtCfa(-16));
            rule.save(LR, Recovery::AtCfa(-8));
            save(&mut rule, pairs, -24);
            Ok(body_only(rule))
        }
        FRAMELESS => {
            let size = i64::from(encoding >> 12 & 0xfff) * 16;
            let mut rule = Rule::new(Cfa::Register(SP, size), Recovery::Register(LR, 0));
            save(&mut rule, pairs, -8);
            // Without anything on the stack there is neither prolog nor epilog.
            Ok(if size == 0 && rule.saved().is_empty() {
                Encoded::Rule(rule)
            } else {
                body_only(rule)
            })
        }
        _ => Err(UnwindDropReason::NotSupported),
    }
}

/// Pairs are saved from `top` of the frame down, the first of each above the second.
fn save(rule: &mut Rule, pairs: impl Iterator<Item = u16>, top: i64) {
    let mut offset = top;
    for first in pairs {
        rule.save(Register(first), Recovery::AtCfa(offset));
        rule.save(Register(first + 1), Recovery::AtCfa(offset - 8));
        offset -= 16;
    }
}
