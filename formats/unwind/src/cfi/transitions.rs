//! Remembers what rule the instructions between two rows made of another: functions begin and end
//! alike. It is quicker to ask than to look up a rule by all of its registers.

use hashbrown::HashMap;

use crate::table::RuleId;

/// Everything that a rule after some instructions depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    /// Where the CIE is, whose factors and initial rule instructions refer to.
    cie_offset: usize,
    /// The rule before them.
    from: RuleId,
    /// Up to seven bytes of them, and how many they are.
    instructions: u64,
}

impl Transition {
    /// The transition from `from` by `instructions`; `None` if they are more than usual.
    /// `DW_CFA_restore_state`, whose effect depends on what was before, may not be among them.
    pub fn new(cie_offset: usize, from: RuleId, instructions: &[u8]) -> Option<Self> {
        let length = u8::try_from(instructions.len()).ok().filter(|length| *length < 8)?;
        let mut bytes = [0; 8];
        bytes[..instructions.len()].copy_from_slice(instructions);
        bytes[7] = length;
        Some(Self { cie_offset, from, instructions: u64::from_le_bytes(bytes) })
    }
}

/// The rules that transitions led to.
#[derive(Debug, Default)]
pub struct Transitions(HashMap<Transition, RuleId>);

impl Transitions {
    pub fn get(&self, transition: Transition) -> Option<RuleId> {
        self.0.get(&transition).copied()
    }

    pub fn insert(&mut self, transition: Transition, to: RuleId) {
        self.0.insert(transition, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_anything_is_another_transition() {
        let new = Transition::new;
        let one = new(0, RuleId(1), &[0x0e, 16]);
        assert!(one.is_some());
        for other in [
            new(8, RuleId(1), &[0x0e, 16]),
            new(0, RuleId(2), &[0x0e, 16]),
            new(0, RuleId(1), &[0x0e, 24]),
            new(0, RuleId(1), &[0x0e, 16, 0]),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(new(0, RuleId(1), &[0; 8]), None);
        assert!(new(0, RuleId(1), &[0; 7]).is_some());
    }
}
