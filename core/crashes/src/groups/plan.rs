//! Plans which group each signature belongs to after a run. Pure.
//!
//! ```text
//! before   g1: p1 (60)      g2: p2 (30)      g3: p3 (8)       p: provisional signatures, r: resolved ones
//! flows    p1 -> r (60)     p2 -> r (30)     p3 -> r (5), p3 -> q (3)
//! after    g1: r (95), aliases g2 and g3, as most of p3 went to r; q (3) gets a group of its own
//! ```
//!
//! - A signature that no crash has any more hands its group on to the one that most of its crashes
//!   went to, its *heir*.
//! - A signature that several groups are handed to, or that has one already, merges them: the
//!   oldest survives, by its first crash and then by its id, the others become aliases.
//! - A signature that nothing is handed to gets a group of its own. So what parts from a group that
//!   lives on is a group, too. One that no crash had before this run counts as new, whatever group
//!   it once belonged to: what a rule has merged parts again without the rule.
//!
//! The order of flows, threads and arrival make no difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{FingerprintId, GroupId};

/// Crashes that go from one signature to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What they had.
    pub from: FingerprintId,
    /// What they get; another one.
    pub to: FingerprintId,
    /// How many.
    pub crashes: u64,
}

/// What a plan has to know of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its group; `None` for one that is new.
    pub group: Option<GroupId>,
    /// Crashes that have it.
    pub crashes: u64,
    /// The group that it gets if it is handed none; no group of that id has signatures.
    pub own: GroupId,
}

/// Which groups there will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The group of each signature that crashes go to.
    pub group_of: BTreeMap<FingerprintId, GroupId>,
    /// Groups that become aliases, and of which.
    pub aliases: BTreeMap<GroupId, GroupId>,
}

/// Says which groups there will be. `before` has all signatures of `flows`, `first_ms` when each of
/// their groups was first seen.
pub fn plan(
    flows: &[Flow],
    before: &BTreeMap<FingerprintId, Before>,
    first_ms: &BTreeMap<GroupId, Option<i64>>,
) -> Plan {
    let mut claims: BTreeMap<FingerprintId, BTreeSet<GroupId>> = BTreeMap::new();
    for flow in flows {
        let alive = before.get(&flow.to).filter(|known| known.crashes > 0);
        claims.entry(flow.to).or_default().extend(alive.and_then(|known| known.group));
    }
    for (from, heir) in heirs(flows, before) {
        claims.entry(heir).or_default().extend(before.get(&from).and_then(|known| known.group));
    }
    let mut merged = Merged::default();
    for groups in claims.values() {
        let mut groups = groups.iter();
        if let Some(first) = groups.next() {
            groups.for_each(|group| merged.join(*first, *group, first_ms));
        }
    }
    let group_of = claims.iter().map(|(signature, groups)| {
        let own =
            || before.get(signature).map_or_else(|| GroupId::of(*signature, 0), |known| known.own);
        (*signature, groups.first().map_or_else(own, |group| merged.survivor(*group)))
    });
    Plan { group_of: group_of.collect(), aliases: merged.aliases() }
}

/// Of each signature that loses all its crashes, where most of them go; of equals the smallest.
fn heirs(
    flows: &[Flow],
    before: &BTreeMap<FingerprintId, Before>,
) -> BTreeMap<FingerprintId, FingerprintId> {
    let mut out: BTreeMap<FingerprintId, BTreeMap<FingerprintId, u64>> = BTreeMap::new();
    for flow in flows {
        *out.entry(flow.from).or_default().entry(flow.to).or_default() += flow.crashes;
    }
    let of_one = |(from, to): (FingerprintId, BTreeMap<FingerprintId, u64>)| {
        let is_empty =
            before.get(&from).is_some_and(|known| to.values().sum::<u64>() >= known.crashes);
        let heir = to.into_iter().rev().max_by_key(|(_, crashes)| *crashes)?.0;
        is_empty.then_some((from, heir))
    };
    out.into_iter().filter_map(of_one).collect()
}

/// Groups that become one.
#[derive(Debug, Default)]
struct Merged(BTreeMap<GroupId, GroupId>);

impl Merged {
    fn survivor(&self, mut group: GroupId) -> GroupId {
        while let Some(into) = self.0.get(&group) {
            group = *into;
        }
        group
    }

    fn join(&mut self, one: GroupId, other: GroupId, first_ms: &BTreeMap<GroupId, Option<i64>>) {
        let (one, other) = (self.survivor(one), self.survivor(other));
        // A group none of whose reports has a time counts as the youngest.
        let age =
            |group: GroupId| (first_ms.get(&group).copied().flatten().unwrap_or(i64::MAX), group);
        if one != other {
            let (older, younger) = if age(one) < age(other) { (one, other) } else { (other, one) };
            self.0.insert(younger, older);
        }
    }

    fn aliases(&self) -> BTreeMap<GroupId, GroupId> {
        self.0.keys().map(|group| (*group, self.survivor(*group))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(name: char) -> FingerprintId {
        FingerprintId([u8::try_from(name).unwrap(); 16])
    }

    fn own(name: char) -> GroupId {
        GroupId::of(signature(name), 0)
    }

    fn group(number: u8) -> GroupId {
        GroupId([number; 8])
    }

    /// Fingerprints `name`, `group`, crashes; flows from, to, crashes; groups and when they were
    /// first seen.
    fn planned(
        known: &[(char, Option<u8>, u64)],
        flows: &[(char, char, u64)],
        first_ms: &[(u8, i64)],
    ) -> Plan {
        let before = known
            .iter()
            .map(|(name, of, crashes)| {
                (
                    signature(*name),
                    Before { group: of.map(group), crashes: *crashes, own: own(*name) },
                )
            })
            .collect();
        let flow = |(from, to, crashes): &(char, char, u64)| Flow {
            from: signature(*from),
            to: signature(*to),
            crashes: *crashes,
        };
        let forward: Vec<Flow> = flows.iter().map(flow).collect();
        let backward: Vec<Flow> = flows.iter().rev().map(flow).collect();
        let first_ms = first_ms.iter().map(|(of, ms)| (group(*of), Some(*ms))).collect();
        let made = plan(&forward, &before, &first_ms);
        assert_eq!(made, plan(&backward, &before, &first_ms), "the order of flows");
        made
    }

    #[test]
    fn a_signature_that_is_resolved_keeps_its_group() {
        let made = planned(&[('p', Some(1), 5), ('r', None, 0)], &[('p', 'r', 5)], &[(1, 10)]);
        assert_eq!(made.group_of, [(signature('r'), group(1))].into());
        assert!(made.aliases.is_empty());
    }

    #[test]
    fn the_oldest_group_survives_a_merge() {
        let known = [('p', Some(1), 60), ('q', Some(2), 30), ('r', None, 0)];
        let flows = [('p', 'r', 60), ('q', 'r', 30)];
        let made = planned(&known, &flows, &[(1, 20), (2, 10)]);
        assert_eq!(made.group_of, [(signature('r'), group(2))].into());
        assert_eq!(made.aliases, [(group(1), group(2))].into());
        // Of two of one age, and of one without time.
        assert_eq!(
            planned(&known, &flows, &[(1, 10), (2, 10)]).aliases,
            [(group(2), group(1))].into()
        );
        assert_eq!(planned(&known, &flows, &[(2, 10)]).aliases, [(group(1), group(2))].into());
    }

    #[test]
    fn an_old_group_takes_over_one_that_was_resolved_from_the_start() {
        let made =
            planned(&[('p', Some(1), 5), ('r', Some(2), 7)], &[('p', 'r', 5)], &[(1, 10), (2, 20)]);
        assert_eq!(made.group_of, [(signature('r'), group(1))].into());
        assert_eq!(made.aliases, [(group(2), group(1))].into());
    }

    #[test]
    fn what_parts_from_a_group_is_one_of_its_own() {
        let made = planned(&[('p', Some(1), 9), ('r', None, 0)], &[('p', 'r', 4)], &[(1, 10)]);
        assert_eq!(made.group_of, [(signature('r'), own('r'))].into());
        assert!(made.aliases.is_empty());
    }

    #[test]
    fn most_crashes_decide_who_inherits() {
        let known = [('p', Some(1), 9), ('r', None, 0), ('s', None, 0)];
        let made = planned(&known, &[('p', 'r', 4), ('p', 's', 5)], &[(1, 10)]);
        assert_eq!(made.group_of, [(signature('r'), own('r')), (signature('s'), group(1))].into());
        let made = planned(
            &[('p', Some(1), 8), ('r', None, 0), ('s', None, 0)],
            &[('p', 'r', 4), ('p', 's', 4)],
            &[(1, 10)],
        );
        assert_eq!(made.group_of[&signature('r')], group(1), "of equals the smallest");
    }

    /// Two signatures that somebody put into one group: each of them brings the group along.
    #[test]
    fn a_merge_by_hand_survives() {
        let known = [('p', Some(1), 3), ('q', Some(1), 2), ('r', None, 0), ('s', None, 0)];
        let made = planned(&known, &[('p', 'r', 3), ('q', 's', 2)], &[(1, 10)]);
        assert_eq!(made.group_of, [(signature('r'), group(1)), (signature('s'), group(1))].into());
    }

    /// A rule had merged two bugs, whose signatures stayed with the group; now it is gone.
    #[test]
    fn what_a_rule_has_merged_parts_without_it() {
        let known = [('x', Some(1), 9), ('p', Some(1), 0), ('q', Some(1), 0)];
        let made = planned(&known, &[('x', 'p', 5), ('x', 'q', 4)], &[(1, 10)]);
        assert_eq!(made.group_of, [(signature('p'), group(1)), (signature('q'), own('q'))].into());
    }

    #[test]
    fn merges_go_on_through_chains() {
        let known = [
            ('a', Some(1), 1),
            ('b', Some(2), 1),
            ('c', Some(2), 1),
            ('d', Some(3), 1),
            ('r', None, 0),
            ('s', None, 0),
        ];
        let flows = [('a', 'r', 1), ('b', 'r', 1), ('c', 's', 1), ('d', 's', 1)];
        let made = planned(&known, &flows, &[(1, 30), (2, 20), (3, 10)]);
        assert_eq!(made.group_of, [(signature('r'), group(3)), (signature('s'), group(3))].into());
        assert_eq!(made.aliases, [(group(1), group(3)), (group(2), group(3))].into());
    }
}
