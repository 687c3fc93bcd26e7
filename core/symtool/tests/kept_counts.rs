//! Counts that are kept are those that counting gives, whatever happens to a store: crashes come,
//! one by one or many, are removed and regrouped, groups are merged, and runs undone. Meanwhile
//! small chunks are joined, and all crashes stay in their order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod events;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use events::{Made, World};
use symtool_crashes::groups::{Group, GroupSort};
use symtool_crashes::{CrashWriter, Crashes, FingerprintKind, GroupId, Place, Retention, Slot};
use symtool_crashes::{StoredCrash, fingerprint::Modules};
use symtool_report::ImageId;

/// Of a group: crashes, the first, the last.
type Count = (u64, Option<i64>, Option<i64>);

/// What the crashes of a store say when they are counted one by one.
#[derive(Debug, Default)]
struct Counted {
    /// Ids in the order in which crashes came.
    ids: Vec<String>,
    groups: BTreeMap<GroupId, Count>,
    /// By the id that reports spell: crashes, those that wait, and their groups.
    images: BTreeMap<String, (u64, u64, BTreeSet<GroupId>)>,
}

impl Counted {
    fn of(crashes: &Crashes) -> Self {
        let mut counted = Self::default();
        let groups = crashes.groups().unwrap();
        let signatures = groups.iter().flat_map(|group| &group.signatures);
        let signatures: BTreeMap<_, _> = signatures.map(|one| (one.id, one)).collect();
        let each = |listed: symtool_crashes::Listed<'_>| {
            counted.ids.push(listed.crash.id.to_string());
            let count = counted.groups.entry(listed.group).or_default();
            let StoredCrash { time_ms, .. } = listed.crash;
            count.0 += 1;
            count.1 = [count.1, *time_ms].into_iter().flatten().min();
            count.2 = count.2.max(*time_ms);
            let signature = signatures[&listed.state.signature];
            let spelled = |image: u32| {
                let image = listed.chunk.image(image).unwrap();
                image.id.is_some().then(|| listed.chunk.text_of(image.spelled_id).unwrap())
            };
            let mut waiting: BTreeSet<&str> = BTreeSet::new();
            for frame in listed.chunk.frames(listed.crash) {
                if let Place::Image { image, .. } = frame.place
                    && signature.kind != FingerprintKind::Resolved
                    && signature.frames.contains(&listed.chunk.spelled(frame.place))
                {
                    waiting.extend(spelled(image));
                }
            }
            let images = listed.chunk.images_of(listed.crash);
            for image in images.iter().filter_map(|image| spelled(*image)).collect::<BTreeSet<_>>()
            {
                let count = counted.images.entry(image.to_owned()).or_default();
                count.0 += 1;
                if waiting.contains(image) {
                    count.1 += 1;
                    count.2.insert(listed.group);
                }
            }
            Ok(true)
        };
        crashes.each(each).unwrap();
        counted
    }
}

fn listed(crashes: &Crashes, sort: GroupSort, reverse: bool, at_once: usize) -> Vec<GroupId> {
    let mut ids = Vec::new();
    let each = |group: Group| -> Result<bool, symtool_store::Error> {
        ids.push(group.id);
        Ok(true)
    };
    crashes.each_group(sort, reverse, at_once, each).unwrap();
    ids
}

/// Compares all that is kept with what counting gives. Returns the ids of crashes, in their order.
fn check(world: &World) -> Vec<String> {
    let crashes = Crashes::open(&world.store).unwrap();
    crashes.verify().unwrap();
    let counted = Counted::of(&crashes);
    let groups = crashes.groups().unwrap();
    let kept: BTreeMap<GroupId, Count> = groups
        .iter()
        .map(|group| (group.id, (group.tally.crashes, group.tally.first_ms, group.tally.last_ms)))
        .collect();
    assert_eq!(kept, counted.groups);
    let rank = |id: &GroupId, sort: GroupSort| {
        let (crashes, first, last) = counted.groups[id];
        match sort {
            GroupSort::Crashes => (false, Reverse(i64::try_from(crashes).unwrap()), 0),
            GroupSort::Last => (last.is_none(), Reverse(last.unwrap_or(0)), 0),
            GroupSort::First => (first.is_none(), Reverse(0), first.unwrap_or(0)),
            _ => (false, Reverse(0), 0),
        }
    };
    for sort in [GroupSort::Crashes, GroupSort::Last, GroupSort::First, GroupSort::Id] {
        let mut wanted: Vec<GroupId> = counted.groups.keys().copied().collect();
        wanted.sort_by_key(|id| rank(id, sort));
        assert_eq!(listed(&crashes, sort, false, 3), wanted, "{sort:?}");
        wanted.reverse();
        // Those without a time are last, either way.
        wanted.sort_by_key(|id| rank(id, sort).0);
        assert_eq!(listed(&crashes, sort, true, 1), wanted, "{sort:?}, reversed");
    }
    let reader = world.store.read().unwrap();
    let catalog = reader.catalog();
    let modules = Modules::of(catalog.modules().unwrap());
    let there = |id: &str| modules.find(&ImageId::Whole(hex::decode(id).unwrap()), None).is_some();
    let mut wanted = counted.images;
    wanted.retain(|id, _| !there(id));
    let mut missing = BTreeMap::new();
    for module in crashes.missing(&modules).unwrap() {
        let groups = crashes.groups_waiting_for(&module).unwrap();
        assert_eq!(groups.len() as u64, module.groups);
        missing.insert(module.id, (module.crashes, module.waiting, groups));
    }
    assert_eq!(missing, wanted);
    counted.ids
}

/// Does any one thing to the store; returns how many crashes moved to another group.
fn change_something(world: &World, made: &mut Made, random: &mut fastrand::Rng) -> u64 {
    match random.u8(..20) {
        0..9 => drop(world.add(&made.some(world, random, 1))),
        9..12 => {
            let count = random.usize(2..60);
            world.add(&made.some(world, random, count));
        }
        12 => world.import(random.usize(..world.builds.len())),
        13 => world.remove_module(random.usize(..world.builds.len())),
        14..16 => return world.reprocess().1,
        16 => {
            // There may be nothing to undo.
            let _ = CrashWriter::open(&world.store).unwrap().undo(None);
        }
        17 => {
            let writer = CrashWriter::open(&world.store).unwrap();
            let groups = writer.groups().unwrap();
            let some: Vec<GroupId> =
                random.choose_multiple(&groups, 2).iter().map(|group| group.id).collect();
            let _ = writer.merge(&some);
        }
        18 => {
            let writer = CrashWriter::open(&world.store).unwrap();
            let mut slots: Vec<Slot> = Vec::new();
            let each = |listed: symtool_crashes::Listed<'_>| {
                slots.extend((random.u8(..20) == 0).then_some(listed.at));
                Ok(true)
            };
            writer.each(each).unwrap();
            writer.remove(&slots).unwrap();
        }
        _ => {
            let writer = CrashWriter::open(&world.store).unwrap();
            let keeps = Retention { keep: Some(30), ..Retention::default() };
            let gone = writer.beyond(keeps).unwrap().crashes;
            writer.remove(&gone.iter().map(|going| going.at).collect::<Vec<_>>()).unwrap();
        }
    }
    0
}

#[test]
fn counts_are_those_of_the_crashes_whatever_happens() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::new();
    let mut made = Made::default();
    let mut order: Vec<String> = Vec::new();
    let mut moved = 0;
    for step in 0..160 {
        moved += change_something(&world, &mut made, &mut random);
        let ids = check(&world);
        // What is there comes in the order in which it came first, unless another report of it is
        // shown now.
        let again: BTreeSet<&String> = made.again.iter().collect();
        let stays = |id: &&String| !again.contains(*id);
        order.retain(|id| ids.contains(id));
        let known: BTreeSet<&String> = order.iter().collect();
        let old: Vec<&String> = ids.iter().filter(|id| known.contains(id)).filter(stays).collect();
        assert_eq!(old, order.iter().filter(stays).collect::<Vec<_>>(), "step {step}");
        let new: Vec<String> = ids.iter().filter(|id| !known.contains(id)).cloned().collect();
        order.extend(new);
    }
    assert!(moved > 20, "too little has happened: {moved} crashes moved");
}

/// What a module's crashes depend on is what it holds, not when it came.
#[test]
fn a_module_that_comes_again_changes_nothing() {
    let world = World::new();
    let mut made = Made::default();
    world.import(0);
    world.add(&made.some(&world, &mut fastrand::Rng::with_seed(3), 300));
    world.reprocess();
    let acknowledged = || std::fs::read(world.store.path().join("crashes.ack")).unwrap();
    let before = acknowledged();
    world.remove_module(0);
    world.import(0);
    assert_eq!(world.reprocess(), (0, 0));
    assert_eq!(acknowledged(), before, "nothing was written");
    // A run in between keeps what crashes had; the next one finds it as it was.
    world.remove_module(0);
    let (selected, moved) = world.reprocess();
    assert!(selected > 50 && moved == 0, "{selected}, {moved}");
    world.import(0);
    let (_, moved) = world.reprocess();
    assert_eq!(moved, 0);
    let crashes = Crashes::open(&world.store).unwrap();
    assert!(crashes.runs().unwrap().is_empty(), "a run that moves nothing leaves no trace");
    drop(crashes);
    check(&world);
}
