//! Crashes that come one by one lie together in the end, and are not written often for that.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod events;

use std::collections::BTreeSet;
use std::path::Path;

use events::{Made, World};
use symtool_crashes::fingerprint::Assessor;
use symtool_crashes::{CrashWriter, Crashes, Incoming, Listed, Prepared};

const CRASHES: usize = 600;
/// What a crash may be written, in times of what it takes when it comes.
const MAX_WRITTEN: u64 = 4;
/// Chunks that may be small: 16 of each of three ranks.
const MAX_SMALL: usize = 48;

fn incoming(events: &[String]) -> Vec<Incoming> {
    let incoming = |event: &String| Incoming {
        report: event.clone().into_bytes().into(),
        source: "events.ndjson".to_owned(),
        arrived_ms: Some(1),
    };
    events.iter().map(incoming).collect()
}

fn add(writer: &CrashWriter, assessor: &Assessor<'_>, events: &[String]) {
    let prepared = Prepared::of(incoming(events), assessor, None);
    writer.add(prepared, assessor).unwrap();
}

fn bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let is_row = |file: &std::fs::DirEntry| {
        file.path().extension().is_some_and(|extension| extension == "sst" || extension == "log")
    };
    files.filter(is_row).map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn single_crashes_are_joined_and_seldom_written() {
    let (single, together) = (World::new(), World::new());
    let mut made = Made::default();
    let events = made.some(&single, &mut fastrand::Rng::with_seed(5), CRASHES);
    let written = single.assessed(|assessor| {
        let writer = CrashWriter::open(&single.store).unwrap();
        let mut own = 0;
        for (number, event) in events.iter().enumerate() {
            add(&writer, assessor, std::slice::from_ref(event));
            // Nothing is joined before there are 16 chunks.
            if number + 1 == 16 {
                own = writer.bytes_written() / 16;
            }
        }
        let each = writer.bytes_written() / events.len() as u64;
        println!("a crash takes {own} bytes when it comes, and {each} were written for each");
        assert!(each <= MAX_WRITTEN * own, "{each} of {own}");
        each
    });
    let at_once = together.assessed(|assessor| {
        let writer = CrashWriter::open(&together.store).unwrap();
        add(&writer, assessor, &events);
        writer.bytes_written() / events.len() as u64
    });
    println!("at once, {at_once} bytes are written for each");
    let crashes = Crashes::open(&single.store).unwrap();
    let mut chunks: BTreeSet<u64> = BTreeSet::new();
    let mut ids = Vec::new();
    let each = |listed: Listed<'_>| {
        chunks.insert(listed.at.chunk);
        ids.push((listed.crash.id, crashes.report(listed.at).unwrap()));
        Ok(true)
    };
    crashes.each(each).unwrap();
    assert!(chunks.len() <= MAX_SMALL, "{}", chunks.len());
    crashes.verify().unwrap();
    let others = Crashes::open(&together.store).unwrap();
    let mut others_ids = Vec::new();
    let each = |listed: Listed<'_>| {
        others_ids.push((listed.crash.id, others.report(listed.at).unwrap()));
        Ok(true)
    };
    others.each(each).unwrap();
    ids.sort_unstable();
    others_ids.sort_unstable();
    assert_eq!(ids, others_ids, "the same reports are shown");
    let folders = [&single, &together].map(|world| bytes(&world.store.crashes()));
    println!("{folders:?} bytes on disk one by one and at once, {written} written");
}
