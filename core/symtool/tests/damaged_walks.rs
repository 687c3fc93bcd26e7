//! Minidumps that were walked while unwind data in the store could not be read: they are walked again
//! until it can, though no module has changed by its contents.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod events;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use events::{Event, World};
use symtool_crashes::fingerprint::{Assessor, Symbols};
use symtool_crashes::{
    CrashCounts, CrashWriter, Crashes, Incoming, Prepared, ReadDump, ReadDumps, Reading,
    StoredDump, WalkedDump, Weight,
};
use symtool_report::{
    At, CrashEvent, Format, Frame, Image, ImageId, ImageKind, Relative, Space, Thread, Trust,
};
use symtool_store::Error;

/// Walks any dump to three frames of one module, or to one while its unwind data is damaged.
struct Walker {
    build: Vec<u8>,
    is_damaged: Arc<AtomicBool>,
}

impl Walker {
    fn walked(&self) -> WalkedDump {
        let is_damaged = self.is_damaged.load(Ordering::Relaxed);
        let frame = |address: u64| Frame {
            address: Some(0x10_0000 + address),
            relative: Some(Relative { address, space: Space::Image }),
            at: At::Return,
            image: Some(0),
            trust: Some(Trust::Cfi),
            ..Frame::default()
        };
        let frames: Vec<Frame> = [0x1139, 0x1180, 0x11a0].map(frame).into();
        let depth = if is_damaged { 1 } else { frames.len() };
        let thread =
            Thread { crashed: true, frames: frames[..depth].to_vec(), ..Thread::default() };
        let mut event = CrashEvent::new(Format::Mdmp);
        (event.threads, event.crashed_thread) = (vec![thread], Some(0));
        event.images = vec![Image {
            kind: ImageKind::Elf,
            id: Some(ImageId::Whole(self.build.clone())),
            load_address: Some(0x10_0000),
            ..Image::default()
        }];
        let damaged = if is_damaged { vec![0] } else { Vec::new() };
        WalkedDump { event, depth: depth.try_into().unwrap(), asked: vec![0], damaged }
    }
}

impl ReadDumps for Walker {
    fn read(&self, _: &[u8]) -> Result<Reading<ReadDump>, Error> {
        let weight = Weight { is_whole: true, frames: u32::MAX, stacks: 1 };
        Ok(Reading::Done(ReadDump { walked: self.walked(), weight, damage: None }))
    }

    fn walk(&self, _: &StoredDump<'_>) -> Result<Reading<WalkedDump>, Error> {
        Ok(Reading::Done(self.walked()))
    }

    fn event(&self, _: &StoredDump<'_>) -> Option<CrashEvent> {
        None
    }

    fn annotations(&self, _: &StoredDump<'_>) -> Vec<(String, String)> {
        Vec::new()
    }
}

struct Test {
    world: World,
    is_damaged: Arc<AtomicBool>,
}

impl Test {
    /// With a module, and crashes that a run has seen.
    fn new() -> Self {
        let world = World::new();
        let event = Event {
            number: 1,
            images: &[&world.builds[1].1],
            frames: &[(0, 0x1139)],
            time: None,
            release: "1",
        };
        world.add(&[event.json()]);
        world.import(0);
        world.reprocess();
        Self { world, is_damaged: Arc::default() }
    }

    fn damage(&self, is_damaged: bool) {
        self.is_damaged.store(is_damaged, Ordering::Relaxed);
    }

    fn with<T>(&self, job: impl FnOnce(&Assessor<'_>) -> T) -> T {
        let reader = self.world.store.read().unwrap();
        let catalog = reader.catalog();
        let build = hex::decode(&self.world.builds[0].1).unwrap();
        let walker = Walker { build, is_damaged: Arc::clone(&self.is_damaged) };
        let symbols = Symbols::new(&reader, &catalog).unwrap();
        job(&Assessor::new(symbols, &self.world.rules).with_dumps(Box::new(walker)))
    }

    fn add(&self) {
        self.with(|assessor| {
            let report = b"MDMP of a test".to_vec().into();
            let incoming = Incoming { report, source: "a.dmp".to_owned(), arrived_ms: None };
            let prepared = Prepared::of(vec![incoming], assessor, None);
            CrashWriter::open(&self.world.store).unwrap().add(prepared, assessor).unwrap();
        });
    }

    fn run(&self) -> CrashCounts {
        self.with(|assessor| {
            let writer = CrashWriter::open(&self.world.store).unwrap();
            let proposal = writer.propose(assessor, false, |_, _| {}).unwrap();
            let counts = proposal.report.crashes;
            writer.apply(proposal).unwrap();
            writer.verify().unwrap();
            counts
        })
    }

    fn depth(&self) -> u32 {
        let mut depth = 0;
        let crashes = Crashes::open(&self.world.store).unwrap();
        crashes
            .each(|listed| {
                if listed.crash.format == Format::Mdmp {
                    depth = listed.crash.depth;
                }
                Ok(true)
            })
            .unwrap();
        depth
    }
}

#[test]
fn one_that_was_added_meanwhile_is_walked_again() {
    let test = Test::new();
    test.damage(true);
    test.add();
    assert_eq!(test.depth(), 1);
    // Each run looks at it, until the data can be read.
    for _ in 0..2 {
        assert_eq!((test.run().walked, test.depth()), (1, 1));
    }
    test.damage(false);
    assert_eq!((test.run().walked, test.depth()), (1, 3));
    assert_eq!(test.run().selected, 0);
}

#[test]
fn one_that_a_run_walked_meanwhile_is_walked_again() {
    let test = Test::new();
    test.add();
    assert_eq!((test.run().walked, test.depth()), (0, 3));
    test.world.remove_module(0);
    test.run();
    test.damage(true);
    test.world.import(0);
    test.run();
    assert_eq!(test.run().walked, 1);
    test.damage(false);
    assert_eq!((test.run().walked, test.depth()), (1, 3));
    assert_eq!(test.run().selected, 0);
}
