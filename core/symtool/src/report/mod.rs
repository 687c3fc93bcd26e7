//! Reports on groups and crashes as one value, which people and scripts see alike.
//!
//! ```text
//! Crashes ─ totals, each_group, facets ─> which groups, how many crashes, on what they ran
//!         ─ runs, streams ─> changes.rs   what a run did, what happened to each group
//!         ─ explain ─> stack.rs           the stack of a crash of each, with links (link.rs)
//!         ─ missing                       modules that crashes wait for
//!                                        => value.rs
//! ```

mod changes;
pub mod limits;
mod link;
mod stack;
mod value;

use std::cmp::Reverse;
use std::collections::HashMap;

use symtool_crashes::fingerprint::{Assessor, FrameCache};
use symtool_crashes::groups::{
    Counts, Facets, Group, GroupMarks, GroupSort, LatestReleases, NoSuchRun, Platform,
};
use symtool_crashes::{Crashes, FingerprintKind, GroupId, Listed, Missing, Report, Slot};

use crate::dump::BareDumps;
use crate::sources::Sources;
use crate::time::{day, iso};
use changes::Changes;
use limits::{
    SHOWN_DAYS, SHOWN_MODULES, SHOWN_OTHERS, SHOWN_TEXT_BYTES, SHOWN_TITLE_BYTES, SHOWN_VALUES,
};
pub use link::{SourceLink, SourceLinkError};
pub use stack::{Room, frames, origin};
pub use value::{
    ChangeName, CrashDetails, CrashReport, DayRange, Facet, FacetValue, Flow, FrameDetails,
    GroupChange, GroupDetails, LargestGain, MissingModule, Origin, Overview, RunName, RunSummary,
    Tag,
};

/// What a report is made from.
#[derive(Clone, Copy)]
pub struct Reporter<'a> {
    /// The crashes.
    pub crashes: &'a Crashes,
    /// Names functions, and says what counts.
    pub assessor: &'a Assessor<'a>,
    /// Where lines of source can be seen, if the user says so.
    pub link: Option<&'a SourceLink>,
    /// Where source is at hand, and how many lines before and after each location are shown: in
    /// reports on one group or crash.
    pub sources: Option<(&'a Sources, u32)>,
}

/// What a report is about.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The run; the last one if it is absent, and none in a report on one group.
    pub run: Option<u64>,
    /// Only this group.
    pub group: Option<GroupId>,
    /// Only crashes that came since, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Groups that are shown at most.
    pub limit: usize,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such run.
    #[error("there is no run {0}")]
    NoSuchRun(u64),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] symtool_store::Error),
}

impl From<NoSuchRun> for ReportError {
    fn from(error: NoSuchRun) -> Self {
        match error {
            NoSuchRun::Unknown(run) => Self::NoSuchRun(run),
            NoSuchRun::Store(error) => Self::Store(error),
        }
    }
}

/// A group that is shown, with its crashes and its place among all.
struct Shown {
    group: Group,
    rank: u64,
}

impl Reporter<'_> {
    /// The report on what `scope` says.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn overview(&self, scope: &Scope) -> Result<Overview, ReportError> {
        let runs = self.crashes.runs()?;
        let run = match scope.run {
            Some(number) => {
                let run = runs.iter().find(|run| run.run == number);
                Some(run.ok_or(ReportError::NoSuchRun(number))?)
            }
            // A report on a group is not about a run, unless it is named.
            None => runs.last().filter(|_| scope.group.is_none()),
        };
        let (crashes, groups_total, shown) = self.shown(scope)?;
        let groups: Vec<Group> = shown.iter().map(|shown| shown.group.clone()).collect();
        let facets = self.crashes.facets(&groups, scope.since_ms, &BareDumps)?;
        let last_day = facets.iter().filter_map(|facets| facets.days.keys().next_back()).max();
        let missing = self.crashes.missing(self.assessor.modules())?;
        let missing: Vec<Missing> =
            missing.into_iter().filter(|module| module.waiting > 0).collect();
        let context = GroupContext {
            crashes,
            last_day: last_day.copied(),
            changes: Changes::of(&runs),
            run: run.map(|run| &run.report),
            latest: self.crashes.latest_releases()?,
        };
        Ok(Overview {
            since: scope.since_ms.map(iso),
            crashes,
            groups_total,
            missing_total: missing.len() as u64,
            run: run.map(|run| changes::summary(self.crashes, &runs, run)).transpose()?,
            days: last_day
                .map(|last| DayRange { first: day(last - SHOWN_DAYS + 1), last: day(*last) }),
            groups: self.details(&shown, facets, &context, scope)?,
            missing: missing.iter().take(SHOWN_MODULES).map(MissingModule::of).collect(),
        })
    }

    /// How many crashes and groups there are, and the groups that are shown.
    fn shown(&self, scope: &Scope) -> Result<(u64, u64, Vec<Shown>), ReportError> {
        let crashes = self.crashes;
        let mut shown = Vec::new();
        if let Some(since_ms) = scope.since_ms {
            let mut since: Vec<(GroupId, u64)> =
                crashes.crashes_since(since_ms)?.into_iter().collect();
            since.sort_by_key(|(group, count)| (Reverse(*count), *group));
            let total = since.iter().map(|(_, count)| count).sum();
            let is_meant = |id: GroupId| scope.group.is_none_or(|group| group == id);
            let meant = (1..).zip(&since).filter(|(_, (id, _))| is_meant(*id)).take(scope.limit);
            for (rank, (id, _)) in meant {
                shown.extend(crashes.group(*id)?.map(|group| Shown { group, rank }));
            }
            return Ok((total, since.len() as u64, shown));
        }
        let (total, groups) = crashes.totals()?;
        let mut rank = 0;
        let at_once = if scope.group.is_some() { usize::MAX } else { scope.limit };
        crashes.each_group(
            GroupSort::Crashes,
            false,
            at_once,
            |group| -> Result<bool, ReportError> {
                rank += 1;
                let is_meant = scope.group.is_none_or(|id| group.id == id);
                if is_meant && shown.len() < scope.limit {
                    shown.push(Shown { group, rank });
                }
                Ok(shown.len() < if scope.group.is_some() { 1 } else { scope.limit })
            },
        )?;
        Ok((total, groups, shown))
    }

    fn details(
        &self,
        shown: &[Shown],
        facets: Vec<Facets>,
        context: &GroupContext<'_>,
        scope: &Scope,
    ) -> Result<Vec<GroupDetails>, ReportError> {
        let room = if scope.group.is_some() { Room::ALL } else { Room::FEW };
        let mut slots: Vec<Slot> = facets.iter().filter_map(Facets::example).collect();
        let mut examples: HashMap<Slot, CrashDetails> = HashMap::new();
        // Those of one chunk follow each other, so that it is read once.
        slots.sort_unstable();
        self.each_crash(&slots, room, |at, crash| drop(examples.insert(at, crash)))?;
        let details = |(shown, facets): (&Shown, Facets)| {
            let example = facets.example().and_then(|at| examples.remove(&at));
            let marks = self.crashes.marks(&shown.group)?;
            Ok(context.details(shown, facets, example, &marks))
        };
        shown.iter().zip(facets).map(details).collect()
    }

    /// Calls `each` with what is known of the crashes at `slots`.
    fn each_crash(
        &self,
        slots: &[Slot],
        room: Room,
        mut each: impl FnMut(Slot, CrashDetails),
    ) -> Result<(), symtool_store::Error> {
        self.crashes.each_of(slots, |listed| {
            let platform = self.crashes.platform_of(listed.at, &BareDumps)?;
            let mut details = CrashDetails::of(&listed, platform);
            let arrived = self.crashes.arrived_ms(listed.at)?;
            details.arrived = arrived.and_then(|ms| i64::try_from(ms).ok()).map(iso);
            let mut cache = FrameCache::with_places();
            let explained = self.assessor.explain(listed.chunk, listed.crash, &mut cache);
            details.frames = frames(&listed, &explained, self.link);
            details.more_frames = stack::cut(&mut details.frames, room);
            if let Some((sources, around)) = self.sources.filter(|_| room.is_all()) {
                details.frames.iter_mut().for_each(|frame| {
                    let place = frame.file.as_deref().zip(frame.line);
                    frame.context =
                        place.and_then(|(file, line)| sources.around(file, line, around));
                });
            }
            details.cut_texts(room.text_bytes);
            each(listed.at, details);
            Ok(true)
        })
    }

    /// The report on the crash at `at`.
    ///
    /// # Errors
    /// Any [`symtool_store::Error`].
    pub fn crash(&self, at: Slot) -> Result<Option<CrashReport>, symtool_store::Error> {
        let (mut crash, mut group, mut ids) = (None, None, Vec::new());
        self.each_crash(&[at], Room::ALL, |_, details| crash = Some(details))?;
        self.crashes.each_of(&[at], |listed| {
            group = self.crashes.group(listed.group)?;
            let images = listed.chunk.images_of(listed.crash).iter();
            let images = images.filter_map(|image| listed.chunk.image(*image));
            ids.extend(
                images
                    .filter_map(|image| listed.chunk.text_of(image.spelled_id))
                    .map(str::to_owned),
            );
            Ok(true)
        })?;
        let Some((crash, group)) = crash.zip(group) else { return Ok(None) };
        let missing = self.crashes.missing(self.assessor.modules())?;
        let missing = missing.iter().filter(|module| ids.contains(&module.id));
        Ok(Some(CrashReport {
            crash,
            title: group.title().to_owned(),
            group_crashes: group.tally.crashes,
            missing: missing.take(SHOWN_MODULES).map(MissingModule::of).collect(),
        }))
    }
}

/// What the details of a group depend on besides.
struct GroupContext<'a> {
    /// All crashes.
    crashes: u64,
    /// The last day that is counted.
    last_day: Option<i64>,
    changes: Changes,
    run: Option<&'a Report>,
    latest: LatestReleases,
}

impl GroupContext<'_> {
    fn details(
        &self,
        shown: &Shown,
        facets: Facets,
        example: Option<CrashDetails>,
        marks: &GroupMarks,
    ) -> GroupDetails {
        let Shown { group, rank } = shown;
        let id = group.id.to_string();
        let mut tags = Vec::new();
        tags.extend(self.latest.has_new(group).then_some(Tag::New));
        tags.extend(marks.is_regressed(group).then_some(Tag::Regressed));
        tags.extend(changes::tags(self.run, group.id));
        match group.kind() {
            FingerprintKind::Resolved => {}
            FingerprintKind::Provisional => tags.push(Tag::SymbolsMissing),
            FingerprintKind::Unassigned => tags.push(Tag::Unassigned),
        }
        let days = self.last_day.map_or(0..0, |last| last - SHOWN_DAYS + 1..last + 1);
        GroupDetails {
            rank: *rank,
            title: cut(group.title().to_owned(), SHOWN_TITLE_BYTES),
            kind: group.kind().name(),
            tags,
            crashes: facets.crashes,
            percent: percent(facets.crashes, self.crashes),
            days: days.map(|day| facets.days.get(&day).copied().unwrap_or(0)).collect(),
            first_seen: facets.first_ms.map(iso),
            last_seen: facets.last_ms.map(iso),
            releases: Facet::of(facets.releases),
            systems: Facet::of(facets.systems),
            devices: Facet::of(facets.devices),
            archs: Facet::of(facets.archs),
            modules: Facet::of(facets.modules),
            aliases: group.aliases.iter().take(SHOWN_OTHERS).copied().collect(),
            more_aliases: group.aliases.len().saturating_sub(SHOWN_OTHERS) as u64,
            history: self.changes.of_group(group.id),
            example,
            id,
        }
    }
}

/// `part` of `all`, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a share of that many crashes is rounded anyway")]
fn percent(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { (part as f64 * 1_000.0 / all as f64).round() / 10.0 }
}

impl Facet {
    fn of(counts: Counts) -> Self {
        let mut values: Vec<FacetValue> =
            counts.into_iter().map(|(value, crashes)| FacetValue { value, crashes }).collect();
        // Equals stay by name.
        values.sort_by_key(|value| Reverse(value.crashes));
        let more = values.len().saturating_sub(SHOWN_VALUES) as u64;
        values.truncate(SHOWN_VALUES);
        for one in &mut values {
            one.value = cut(std::mem::take(&mut one.value), SHOWN_TEXT_BYTES);
        }
        Self { values, more }
    }
}

impl CrashDetails {
    fn of(listed: &Listed<'_>, platform: Platform) -> Self {
        let Listed { crash, chunk, group, .. } = listed;
        let owned = |text| chunk.text_of(text).map(str::to_owned);
        Self {
            id: crash.id.to_string(),
            event_id: owned(crash.event_id),
            group: group.to_string(),
            format: crash.format.name(),
            source: chunk.text(crash.source).to_owned(),
            time: crash.time_ms.map(iso),
            platform: owned(crash.platform),
            release: owned(crash.release),
            system: platform.system,
            device: platform.device,
            arch: platform.arch.map(String::from),
            exception: owned(crash.kind),
            signal: owned(crash.signal),
            message: owned(crash.message),
            crashed_thread: owned(crash.thread),
            ..Self::default()
        }
    }

    /// Cuts what the report says to so many bytes each.
    fn cut_texts(&mut self, bytes: usize) {
        for text in [
            &mut self.event_id,
            &mut self.platform,
            &mut self.release,
            &mut self.system,
            &mut self.device,
            &mut self.arch,
            &mut self.exception,
            &mut self.signal,
            &mut self.message,
            &mut self.crashed_thread,
        ] {
            *text = text.take().map(|text| cut(text, bytes));
        }
        self.source = cut(std::mem::take(&mut self.source), bytes);
    }
}

/// `text`, or its beginning and `…` if it has more than `bytes`.
fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

impl MissingModule {
    fn of(missing: &Missing) -> Self {
        let Missing { name, path, id, arch, crashes, waiting, groups, .. } = missing;
        Self {
            name: name.clone(),
            id: id.clone(),
            arch: arch.clone().map(String::from),
            path: path.clone(),
            crashes: *crashes,
            waiting: *waiting,
            groups: *groups,
        }
    }
}
