//! What commands read does not grow with the store: counted in rows, not in time, so that it is the
//! same on every machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod events;

use std::collections::BTreeSet;

use events::{Event, World};
use symtool_crashes::groups::{Group, GroupSort};
use symtool_crashes::limits::CHUNK_CRASHES;
use symtool_crashes::{CrashWriter, Crashes, Incoming, Prepared, fingerprint::Modules};

/// Crashes of the two stores that are compared.
const SIZES: [u64; 2] = [5_000, 100_000];
/// Builds without symbols that crashes are in.
const BUILDS: u64 = 20;
/// Bugs in each of them.
const BUGS: u64 = 25;
/// Crashes in the one build that is imported afterwards.
const LATE: u64 = 400;

/// Rows that were read by each command.
#[derive(Debug)]
struct Read {
    reprocess: u64,
    missing: u64,
    list: Vec<u64>,
    reprocess_late: u64,
    /// A single crash that is added.
    add: u64,
}

fn event(world: &World, number: u64) -> String {
    let late = world.builds[0].1.clone();
    // Those of the late build came together.
    let is_late = (1_000..1_000 + LATE).contains(&number);
    let build = if is_late { late } else { format!("{:02x}", 0x20 + number % BUILDS).repeat(20) };
    let bug = number / BUILDS % BUGS;
    let frames = [(0, if is_late { 0x1139 } else { 0x1000 + 16 * bug }), (1, 0x500), (1, 0x600)];
    let images = [build.as_str(), "77777777777777777777777777777777777777aa"];
    Event {
        number,
        images: &images,
        frames: &frames,
        time: Some(1_700_000_000 + number),
        release: "app@1",
    }
    .json()
}

fn incoming(world: &World, number: u64) -> Incoming {
    Incoming {
        report: event(world, number).into_bytes().into(),
        source: "events.ndjson".to_owned(),
        arrived_ms: Some(number),
    }
}

/// How many chunks hold crashes.
fn chunks_of(crashes: &Crashes) -> u64 {
    let mut chunks = BTreeSet::new();
    let each = |listed: symtool_crashes::Listed<'_>| {
        chunks.insert(listed.at.chunk);
        Ok(true)
    };
    crashes.each(each).unwrap();
    chunks.len() as u64
}

/// The rows that listing 20 groups reads.
fn read_by_list(crashes: &Crashes, sort: GroupSort) -> u64 {
    let mut left = 20;
    let each = |_: Group| -> Result<bool, symtool_store::Error> {
        left -= 1;
        Ok(left > 0)
    };
    crashes.each_group(sort, false, 20, each).unwrap();
    assert_eq!(left, 0);
    crashes.rows_read()
}

fn read_of(size: u64) -> Read {
    let world = World::new();
    world.assessed(|assessor| {
        let writer = CrashWriter::open(&world.store).unwrap();
        let numbers: Vec<u64> = (1..=size).collect();
        for some in numbers.chunks(CHUNK_CRASHES) {
            let incoming = some.iter().map(|number| incoming(&world, *number)).collect();
            writer.add(Prepared::of(incoming, assessor, None), assessor).unwrap();
        }
    });
    let before = || Crashes::open(&world.store).unwrap();
    let reprocess = || {
        world.assessed(|assessor| {
            let writer = CrashWriter::open(&world.store).unwrap();
            let proposal = writer.propose(assessor, false, |_, _| {}).unwrap();
            let selected = proposal.report.crashes.selected;
            writer.apply(proposal).unwrap();
            let missing = writer.missing(assessor.modules()).unwrap();
            assert!(missing.len() as u64 >= BUILDS);
            (selected, writer.rows_read())
        })
    };
    let (selected, read_by_reprocess) = reprocess();
    assert_eq!(selected, 0);
    let reader = world.store.read().unwrap();
    let crashes = before();
    let missing = crashes.missing(&Modules::of(reader.catalog().modules().unwrap())).unwrap();
    let waiting: u64 = missing.iter().map(|module| module.waiting).sum();
    assert_eq!(missing.len() as u64, BUILDS + 2);
    assert!(waiting >= size, "{waiting}");
    let read_by_missing = crashes.rows_read();
    // It shares a lock that writers wait for.
    drop(crashes);
    let list = [GroupSort::Crashes, GroupSort::Last, GroupSort::First, GroupSort::Id]
        .map(|sort| read_by_list(&before(), sort));
    world.import(0);
    let (selected, read_by_late) = reprocess();
    assert_eq!(selected, LATE);
    let writer = CrashWriter::open(&world.store).unwrap();
    let before_add = writer.rows_read();
    let added = world.assessed(|assessor| {
        let incoming = vec![incoming(&world, size + 1)];
        writer.add(Prepared::of(incoming, assessor, None), assessor).unwrap().len()
    });
    assert_eq!(added, 1);
    let add = writer.rows_read() - before_add;
    drop(writer);
    let crashes = before();
    assert_eq!(chunks_of(&crashes), size.div_ceil(CHUNK_CRASHES as u64) + 1);
    crashes.verify().unwrap();
    Read {
        reprocess: read_by_reprocess,
        missing: read_by_missing,
        list: list.into(),
        reprocess_late: read_by_late,
        add,
    }
}

#[test]
fn work_does_not_grow_with_the_store() {
    let [small, large] = SIZES.map(read_of);
    println!("rows read with {SIZES:?} crashes: {small:?}, {large:?}");
    let is_alike = |small: u64, large: u64| 10 * large <= 13 * small + 20;
    assert!(is_alike(small.reprocess, large.reprocess), "{small:?} {large:?}");
    assert!(is_alike(small.missing, large.missing), "{small:?} {large:?}");
    assert!(is_alike(small.reprocess_late, large.reprocess_late), "{small:?} {large:?}");
    assert!(is_alike(small.add, large.add), "{small:?} {large:?}");
    for (small, large) in small.list.into_iter().zip(large.list) {
        assert!(is_alike(small, large), "{small} {large}");
        // Of each group: its place in the order, its own row, its members and what they count.
        assert!(large <= 20 * 8, "{large} rows for 20 groups");
    }
}
