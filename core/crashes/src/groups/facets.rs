//! Counts what the crashes of groups have in common: when they came, and on what they ran.
//!
//! Chunks are read once each, side by side. Operating system and device are read from reports and dumps,
//! as rows of crashes do not have them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::groups::Group;
use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::chunk::{Chunk, StoredCrash};
use crate::stored::read::GroupOf;
use crate::stored::state::{Slot, State};
use crate::stored::stored_report::{ReportReader, StoredReport};
use crate::stored::{Crashes, ReadDumps, StoredDump, rows};
use symtool_module::Arch;
use symtool_report::{CrashEvent, Format};
use symtool_store::Error;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// How many crashes have each value of something. Crashes of which it is not known are in none.
pub type Counts = BTreeMap<String, u64>;

/// What the crashes of a group have in common. A crash without a time has the time when its report
/// arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// How many crashes were counted.
    pub crashes: u64,
    /// The first of them, in milliseconds since 1970; absent if there are none.
    pub first_ms: Option<i64>,
    /// The last of them.
    pub last_ms: Option<i64>,
    /// By day, in days since 1970 in UTC.
    pub days: BTreeMap<i64, u64>,
    /// By release of the application.
    pub releases: Counts,
    /// By operating system, with its version.
    pub systems: Counts,
    /// By model of the device.
    pub devices: Counts,
    /// By architecture.
    pub archs: Counts,
    /// By module that the crash has frames in; a crash may have several.
    pub modules: Counts,
    example: Option<Example>,
}

/// The crash that shows best what a group is about, the greatest: it has the fingerprint that names
/// the group, most frames resolved, is the last of these, and has the smallest id of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Example {
    is_main: bool,
    resolved: u32,
    time_ms: i64,
    id: Reverse<CrashId>,
    at: Slot,
}

/// On what a crash ran, as its report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// The operating system, with its version.
    pub system: Option<String>,
    /// The model of the device.
    pub device: Option<String>,
    /// The architecture.
    pub arch: Option<Arch>,
}

impl Facets {
    /// Where the crash is that shows best what the group is about.
    pub fn example(&self) -> Option<Slot> {
        self.example.map(|example| example.at)
    }

    fn absorb(&mut self, other: Self) {
        self.crashes += other.crashes;
        self.first_ms = [self.first_ms, other.first_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(other.last_ms);
        other.days.into_iter().for_each(|(day, count)| *self.days.entry(day).or_default() += count);
        for (counts, more) in [
            (&mut self.releases, other.releases),
            (&mut self.systems, other.systems),
            (&mut self.devices, other.devices),
            (&mut self.archs, other.archs),
            (&mut self.modules, other.modules),
        ] {
            more.into_iter().for_each(|(value, count)| *counts.entry(value).or_default() += count);
        }
        self.example = self.example.max(other.example);
    }

    fn count(&mut self, chunk: &Chunk, crash: &StoredCrash, example: Example, platform: Platform) {
        self.crashes += 1;
        let time_ms = example.time_ms;
        self.first_ms = [self.first_ms, Some(time_ms)].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(Some(time_ms));
        *self.days.entry(time_ms.div_euclid(DAY_MS)).or_default() += 1;
        let release = chunk.text_of(crash.release).map(str::to_owned);
        for (counts, value) in [
            (&mut self.releases, release),
            (&mut self.systems, platform.system),
            (&mut self.devices, platform.device),
            (&mut self.archs, platform.arch.map(String::from)),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let names: BTreeSet<&str> = modules_of(chunk, crash).collect();
        for name in names {
            match self.modules.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(self.modules.insert(name.to_owned(), 1)),
            }
        }
        self.example = self.example.max(Some(example));
    }
}

/// Names of the modules that a crash has frames in.
fn modules_of<'c>(chunk: &'c Chunk, crash: &StoredCrash) -> impl Iterator<Item = &'c str> {
    let images = chunk.images_of(crash).iter().filter_map(|image| chunk.image(*image));
    images.filter_map(|image| chunk.text_of(image.name))
}

impl Platform {
    /// What `report` says.
    fn of(report: &[u8]) -> Self {
        symtool_report::parse(report).map(Self::of_event).unwrap_or_default()
    }

    /// What a minidump says, and the event that came with it, which knows better. Of the dump, which
    /// may have gigabytes, only what is needed is read.
    fn of_dump(dumps: &dyn ReadDumps, dump: &StoredDump<'_>) -> Result<Self, Error> {
        let said = symtool_report::event_facts(&dump.event()?);
        let said = said.map(Self::of_event).unwrap_or_default();
        let own = dumps.event(dump).map(Self::of_event).unwrap_or_default();
        dump.check()?;
        Ok(Self {
            system: said.system.or(own.system),
            device: said.device.or(own.device),
            arch: said.arch.or(own.arch),
        })
    }

    fn of_event(event: CrashEvent) -> Self {
        let os = event.os;
        let version = os.version.or_else(|| os.build.filter(|_| os.name.is_none()));
        let system = match (os.name, version) {
            (Some(name), Some(version)) => Some(format!("{name} {version}")),
            (name, version) => name.or(version),
        };
        Self { system, device: event.device, arch: event.arch }
    }
}

/// A chunk that is read, and its reports.
pub(super) struct ChunkRows {
    number: u64,
    chunk: Chunk,
    states: Vec<State>,
    reports: Vec<StoredReport>,
}

impl ChunkRows {
    /// Reads chunk `number`.
    pub fn read(crashes: &Crashes, number: u64) -> Result<Self, Error> {
        let chunk = crashes.chunk(number)?.ok_or_else(|| crashes.database.damaged())?;
        let (states, reports) = (crashes.states(number)?, crashes.stored_reports(number)?);
        Ok(Self { number, chunk, states, reports })
    }

    /// The crashes that people see and that came at `since_ms` or later, with their times.
    pub fn crashes(
        &self,
        since_ms: Option<i64>,
    ) -> impl Iterator<Item = (Slot, &StoredCrash, State, i64)> {
        (0..=u16::MAX).zip(self.chunk.crashes()).zip(&self.states).zip(&self.reports).filter_map(
            move |(((slot, crash), state), report)| {
                let arrived_ms = i64::try_from(report.arrived_ms).unwrap_or(i64::MAX);
                let time_ms = crash.time_ms.unwrap_or(arrived_ms);
                let is_meant = state.is_shown() && since_ms.is_none_or(|since| time_ms >= since);
                is_meant.then_some((Slot { chunk: self.number, slot }, crash, *state, time_ms))
            },
        )
    }
}

impl Crashes {
    /// What the crashes of each of `groups` have in common, in their order: those that came at
    /// `since_ms` (milliseconds since 1970) or later, or all. `dumps` reads minidumps.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn facets(
        &self,
        groups: &[Group],
        since_ms: Option<i64>,
        dumps: &dyn ReadDumps,
    ) -> Result<Vec<Facets>, Error> {
        let wanted: HashMap<FingerprintId, (usize, bool)> = groups
            .iter()
            .enumerate()
            .flat_map(|(group, one)| {
                let of_group = one.signatures.iter().enumerate();
                of_group.map(move |(number, signature)| (signature.id, (group, number == 0)))
            })
            .collect();
        let mut chunks = BTreeSet::new();
        for signature in wanted.keys() {
            let prefix = rows::shares(*signature);
            self.database.each(&prefix, &prefix, |key, _| {
                chunks.insert(rows::last_number(key).ok_or_else(|| self.database.damaged())?);
                Ok(true)
            })?;
        }
        let chunks: Vec<u64> = chunks.into_iter().collect();
        let of_chunk = |number: &u64| self.facets_of_chunk(*number, &wanted, since_ms, dumps);
        let merge = |mut all: HashMap<usize, Facets>, more: HashMap<usize, Facets>| {
            more.into_iter()
                .for_each(|(group, facets)| all.entry(group).or_default().absorb(facets));
            Ok(all)
        };
        let mut found = chunks.par_iter().map(of_chunk).try_reduce(HashMap::new, merge)?;
        Ok((0..groups.len()).map(|group| found.remove(&group).unwrap_or_default()).collect())
    }

    fn facets_of_chunk(
        &self,
        number: u64,
        wanted: &HashMap<FingerprintId, (usize, bool)>,
        since_ms: Option<i64>,
        reader: &dyn ReadDumps,
    ) -> Result<HashMap<usize, Facets>, Error> {
        let rows = ChunkRows::read(self, number)?;
        let (mut found, mut reports) = (HashMap::new(), ReportReader::new(self));
        let dumps = self.dumps(number)?;
        for (at, crash, state, time_ms) in rows.crashes(since_ms) {
            let Some((group, is_main)) = wanted.get(&state.signature) else { continue };
            let (resolved, id) = (state.resolved, Reverse(crash.id));
            let example = Example { is_main: *is_main, resolved, time_ms, id, at };
            let facets: &mut Facets = found.entry(*group).or_default();
            let platform = match crash.format {
                Format::Mdmp => Platform::of_dump(reader, &dumps.get(at.slot)?)?,
                _ => Platform::of(&reports.get(at)?.1),
            };
            facets.count(&rows.chunk, crash, example, platform);
        }
        Ok(found)
    }

    /// The operating system, device and architecture of the crash at `at`, as its report says.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn platform_of(&self, at: Slot, dumps: &dyn ReadDumps) -> Result<Platform, Error> {
        let chunk = self.chunk(at.chunk)?.ok_or_else(|| self.database.damaged())?;
        if chunk.crash(at.slot).is_some_and(|crash| crash.format == Format::Mdmp) {
            return Platform::of_dump(dumps, &self.dumps(at.chunk)?.get(at.slot)?);
        }
        Ok(self.report(at)?.map_or_else(Platform::default, |report| Platform::of(&report)))
    }

    /// When the report of the crash at `at` arrived, in milliseconds since 1970.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn arrived_ms(&self, at: Slot) -> Result<Option<u64>, Error> {
        let reports = self.stored_reports(at.chunk)?;
        Ok(reports.get(usize::from(at.slot)).map(|report| report.arrived_ms))
    }

    /// How many crashes each group has that came at `since_ms` (milliseconds since 1970) or later.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn crashes_since(&self, since_ms: i64) -> Result<BTreeMap<GroupId, u64>, Error> {
        let of_chunk = |number: &u64| -> Result<HashMap<FingerprintId, u64>, Error> {
            let (rows, mut counts) = (ChunkRows::read(self, *number)?, HashMap::new());
            for (_, _, state, _) in rows.crashes(Some(since_ms)) {
                *counts.entry(state.signature).or_default() += 1;
            }
            Ok(counts)
        };
        let merge = |mut all: HashMap<FingerprintId, u64>, more: HashMap<FingerprintId, u64>| {
            more.into_iter().for_each(|(id, count)| *all.entry(id).or_default() += count);
            Ok(all)
        };
        let counts =
            self.chunk_numbers()?.par_iter().map(of_chunk).try_reduce(HashMap::new, merge)?;
        let (mut groups, mut of_group) = (GroupOf::default(), BTreeMap::new());
        for (signature, count) in counts {
            *of_group.entry(groups.get(self, signature)?).or_default() += count;
        }
        Ok(of_group)
    }

    /// How many crashes people see, and how many groups these are in.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn totals(&self) -> Result<(u64, u64), Error> {
        let mut groups = 0;
        if self.database.has_counters() {
            self.database.each(rows::area::GROUP_TALLIES, rows::area::GROUP_TALLIES, |_, _| {
                groups += 1;
                Ok(true)
            })?;
        } else {
            groups = self.groups()?.len() as u64;
        }
        Ok((self.database.head().crashes, groups))
    }
}
