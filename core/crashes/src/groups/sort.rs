//! Orders in which groups are listed. Most of them are kept sorted (`../stored/counters/mod.rs`).

use std::cmp::Reverse;

use crate::groups::Group;
use crate::stored::counters::GroupOrder;
use crate::stored::rows;

/// An order of groups. Equals are by id; groups without a time come last, also in reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSort {
    /// Most crashes first.
    Crashes,
    /// The first seen first.
    First,
    /// The last seen first.
    Last,
    /// By title.
    Title,
    /// By id.
    Id,
}

impl GroupSort {
    /// Where its groups are, one prefix of keys after the other; absent if it is not kept. Keys end
    /// with the id of a group.
    pub(super) fn kept(self) -> Option<Vec<Vec<u8>>> {
        let order = match self {
            Self::Crashes => GroupOrder::Crashes,
            Self::First => GroupOrder::First,
            Self::Last => GroupOrder::Last,
            Self::Title => return None,
            Self::Id => return Some(vec![rows::area::GROUP_TALLIES.to_vec()]),
        };
        Some([true, false].map(|has_rank| rows::groups_in_order(order as u8, has_rank)).into())
    }

    /// Sorts `groups`, which are by id.
    pub fn sort(self, groups: &mut [Group], reverse: bool) {
        // Sorting keeps the order of equals.
        match self {
            Self::Crashes => groups.sort_by_key(|group| Reverse(group.tally.crashes)),
            Self::First => groups.sort_by_key(|group| group.tally.first_ms),
            Self::Last => groups.sort_by_key(|group| Reverse(group.tally.last_ms)),
            Self::Title => groups.sort_by(|a, b| a.title().cmp(b.title())),
            Self::Id => {}
        }
        if reverse {
            groups.reverse();
        }
        if matches!(self, Self::First | Self::Last) {
            groups.sort_by_key(|group| group.tally.first_ms.is_none());
        }
    }
}
