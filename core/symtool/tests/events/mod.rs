//! A store, fixtures to import into it, and crashes in them that are made for a test.

#![allow(dead_code, reason = "each test uses a part")]

use std::path::PathBuf;
use std::time::Duration;

use symtool_core::{AddCrashes, AddSummary, Import, Reprocess, assessor};
use symtool_crashes::CrashId;
use symtool_crashes::fingerprint::Assessor;
use symtool_grouping::rules::Rules;
use symtool_store::{Module, Store};

/// Builds of one library, of which crashes come.
const BUILDS: [&str; 3] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so", "c-clang-O0-dwarf5.so"];

/// A store in a folder of its own.
pub struct World {
    folder: tempfile::TempDir,
    pub store: Store,
    pub rules: Rules,
    /// Files, and their build ids.
    pub builds: Vec<(PathBuf, String)>,
}

/// An event, as JSON.
pub struct Event<'a> {
    /// It makes the event's id.
    pub number: u64,
    /// Build ids of images, each at a place of its own.
    pub images: &'a [&'a str],
    /// Frames, the crashing side first: the number of an image and an offset in it.
    pub frames: &'a [(usize, u64)],
    /// Seconds since 1970.
    pub time: Option<u64>,
    pub release: &'a str,
}

impl Event<'_> {
    pub fn json(&self) -> String {
        let base = |image: usize| 0x7f00_0000_0000 + image as u64 * 0x100_0000;
        let frames: Vec<String> = self
            .frames
            .iter()
            .rev()
            .map(|(image, offset)| {
                format!(r#"{{"instruction_addr":"{:#x}"}}"#, base(*image) + offset)
            })
            .collect();
        let image = |(number, id): (usize, &&str)| {
            format!(
                r#"{{"type":"elf","code_file":"/data/app/lib/lib{number}.so","code_id":"{id}","image_addr":"{:#x}","image_size":1048576}}"#,
                base(number)
            )
        };
        let images: Vec<String> = self.images.iter().enumerate().map(image).collect();
        let time = self.time.map(|time| format!(r#""timestamp":{time},"#)).unwrap_or_default();
        format!(
            r#"{{"event_id":"{:032x}",{time}"platform":"native","release":"{}","exception":{{"values":[{{"type":"SIGSEGV","value":"Segfault","stacktrace":{{"frames":[{}]}}}}]}},"debug_meta":{{"images":[{}]}}}}"#,
            self.number,
            self.release,
            frames.join(","),
            images.join(",")
        )
    }

    pub fn id(&self) -> String {
        CrashId::of(Some(&format!("{:032x}", self.number)), b"").to_string()
    }
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("store"), Duration::from_secs(20));
        let objects = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects");
        let paths = BUILDS.map(|name| objects.join(name));
        let other = Store::at(&folder.path().join("ids"), Duration::ZERO);
        let builds = paths.map(|path| {
            Import::of(vec![path.clone()]).run(&other, &|_| Ok(())).unwrap();
            let reader = other.read().unwrap();
            let catalog = reader.catalog();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_it = |module: &&Module| module.record.name == name;
            let id = catalog.modules().unwrap().iter().find(is_it).unwrap().record.id.to_string();
            (path, id)
        });
        store.create().unwrap();
        Self { folder, store, rules: Rules::builtin(), builds: builds.into() }
    }

    /// Adds events, a line each.
    pub fn add(&self, events: &[String]) -> AddSummary {
        let path = self.folder.path().join("events.ndjson");
        std::fs::write(&path, events.join("\n") + "\n").unwrap();
        let add = AddCrashes { paths: vec![path], rules: &self.rules, mapping: None };
        add.run(&self.store, &mut |_| Ok(())).unwrap()
    }

    pub fn import(&self, build: usize) {
        let path = self.builds[build].0.clone();
        Import::of(vec![path]).run(&self.store, &|_| Ok(())).unwrap();
    }

    pub fn remove_module(&self, build: usize) {
        let reader = self.store.read().unwrap();
        let catalog = reader.catalog();
        let id = &self.builds[build].1;
        let modules = catalog.modules().unwrap();
        if let Some(module) = modules.iter().find(|module| module.record.id == id.as_str()) {
            self.store.remove(&[module.generation.module]).unwrap();
        }
    }

    /// Returns how many crashes were selected, and how many have moved.
    pub fn reprocess(&self) -> (u64, u64) {
        let run = Reprocess { rules: &self.rules, all: false, dry_run: false, max_absorb: None };
        let crashes = run.run(&self.store, |_, _| {}).unwrap().report.crashes;
        (crashes.selected, crashes.moved)
    }

    /// Calls `with` with what says what crashes are grouped by.
    pub fn assessed<T>(&self, with: impl FnOnce(&Assessor<'_>) -> T) -> T {
        let reader = self.store.read().unwrap();
        let catalog = reader.catalog();
        with(&assessor(&reader, &catalog, &self.rules).unwrap())
    }
}

/// Events that were made.
#[derive(Default)]
pub struct Made {
    number: u64,
    /// Ids of crashes of which there is more than one report.
    pub again: Vec<String>,
}

impl Made {
    /// Some more, of few bugs in the builds of `world` and in two that it has not.
    pub fn some(&mut self, world: &World, random: &mut fastrand::Rng, count: usize) -> Vec<String> {
        let unknown = ["11".repeat(20), "22".repeat(20)];
        let mut events = Vec::with_capacity(count);
        for _ in 0..count {
            let build = &world.builds[random.usize(..world.builds.len())].1;
            let images = [build.as_str(), &unknown[random.usize(..2)]];
            let depth = random.usize(1..6);
            let frame = |random: &mut fastrand::Rng| {
                let offset = [0x1139, 0x1150, 0x1180, 0x11a0, 0x1000][random.usize(..5)];
                (usize::from(random.u8(..4) == 0), offset)
            };
            let frames: Vec<(usize, u64)> = (0..depth).map(|_| frame(random)).collect();
            let is_again = self.number > 3 && random.u8(..12) == 0;
            let number = if is_again { random.u64(1..=self.number) } else { self.number + 1 };
            self.number = self.number.max(number);
            let time = (random.u8(..6) > 0).then(|| 1_700_000_000 + random.u64(..100_000));
            let event = Event { number, images: &images, frames: &frames, time, release: "app@1" };
            self.again.extend(is_again.then(|| event.id()));
            events.push(event.json());
        }
        events
    }
}
