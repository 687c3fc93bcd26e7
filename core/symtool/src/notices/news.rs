//! What happened to groups since somebody was told last.

use std::collections::{BTreeMap, BTreeSet};

use symtool_crashes::groups::{DAY_MS, Days, Group};
use symtool_crashes::{Crashes, GroupId, RunKind};
use symtool_notify::{Event, EventKind};
use symtool_store::{Error, now_ms};

use super::Interest;
use super::kept::Kept;
use super::limits::{
    MAX_WAITING_GROUPS, NOTICE_ALIASES, NOTICE_RELEASE_BYTES, NOTICE_RELEASES, NOTICE_TITLE_BYTES,
    SPIKE_DAYS, USUAL_DAYS,
};
use crate::time;

/// What is remembered of somebody who knows all that there is.
pub fn from_now_on(crashes: &Crashes) -> Result<Kept, Error> {
    let regressed = regressed(crashes)?.into_iter();
    Ok(Kept {
        mark: crashes.news_mark()?,
        waiting: Vec::new(),
        regressed: regressed.map(|(group, release)| (group.id, release)).collect(),
        spikes: Vec::new(),
        day: today(),
        pending: None,
    })
}

/// What happened since `kept`, and what is to be remembered from now on.
pub fn since(
    crashes: &Crashes,
    kept: &Kept,
    interest: &Interest,
) -> Result<(Kept, Vec<Event>), Error> {
    let mut next = Kept { mark: crashes.news_mark()?, day: today(), ..kept.clone() };
    let arrivals = crashes.arrivals(&kept.mark)?;
    let mut events = Vec::new();
    if interest.new {
        new_groups(crashes, &arrivals, interest, &mut next, &mut events)?;
    }
    if interest.regressed {
        came_again(crashes, interest, &mut next, &mut events)?;
    }
    if interest.merged {
        merges(crashes, kept, interest, &mut events)?;
    }
    if let Some(times) = interest.spike {
        spikes(
            crashes,
            &arrivals,
            (kept.day, times, interest.min_crashes),
            &mut next,
            &mut events,
        )?;
    }
    Ok((next, events))
}

/// The day, in days since 1970 in UTC.
fn today() -> i64 {
    i64::try_from(now_ms()).unwrap_or(i64::MAX).div_euclid(DAY_MS)
}

fn event(group: &Group, kind: EventKind) -> Event {
    let title = cut(group.title(), NOTICE_TITLE_BYTES);
    Event { group: group.id.to_string(), title, crashes: group.tally.crashes, kind }
}

/// `text`, or the beginning of it.
fn cut(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

fn releases<'a>(releases: impl Iterator<Item = &'a str>) -> Vec<String> {
    releases.take(NOTICE_RELEASES).map(|release| cut(release, NOTICE_RELEASE_BYTES)).collect()
}

/// Groups of which no crash was there before, once they have enough.
fn new_groups(
    crashes: &Crashes,
    arrivals: &BTreeMap<GroupId, u64>,
    interest: &Interest,
    next: &mut Kept,
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let waiting: BTreeSet<GroupId> = next.waiting.drain(..).collect();
    for id in waiting.iter().chain(arrivals.keys().filter(|id| !waiting.contains(id))) {
        // One that was merged into another since is told as merged, if at all.
        let Some(group) = crashes.group(*id)?.filter(|group| group.tally.crashes > 0) else {
            continue;
        };
        let is_new = waiting.contains(id) || arrivals.get(id) == Some(&group.tally.crashes);
        if is_new && group.tally.crashes < interest.min_crashes {
            next.waiting.push(*id);
        } else if is_new {
            let releases = releases(group.tally.releases.keys().map(String::as_str));
            events.push(event(&group, EventKind::New { releases }));
        }
    }
    let too_many = next.waiting.len().saturating_sub(MAX_WAITING_GROUPS);
    next.waiting.drain(..too_many);
    Ok(())
}

/// Groups that have regressed, each with the release in which it was resolved.
fn regressed(crashes: &Crashes) -> Result<Vec<(Group, String)>, Error> {
    let marked = crashes.marked_groups()?.into_iter();
    let regressed = marked.filter(|(group, marks)| marks.is_regressed(group));
    Ok(regressed
        .filter_map(|(group, marks)| marks.resolved_in.map(|mark| (group, mark.text)))
        .collect())
}

/// Groups that have regressed and were not told yet. One that was resolved anew may regress anew.
fn came_again(
    crashes: &Crashes,
    interest: &Interest,
    next: &mut Kept,
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let told = std::mem::take(&mut next.regressed);
    for (group, marks) in crashes.marked_groups()? {
        let later: Vec<&str> = marks.regressed_in(&group).collect();
        let Some(resolved) = marks.resolved_in.as_ref().filter(|_| !later.is_empty()) else {
            continue;
        };
        let told_as = (group.id, resolved.text.clone());
        if told.contains(&told_as) {
            next.regressed.push(told_as);
        } else if group.tally.crashes >= interest.min_crashes {
            let resolved_in = cut(&resolved.text, NOTICE_RELEASE_BYTES);
            let releases = releases(later.into_iter());
            events.push(event(&group, EventKind::Regressed { resolved_in, releases }));
            next.regressed.push(told_as);
        }
    }
    Ok(())
}

/// Groups that runs have merged others into.
fn merges(
    crashes: &Crashes,
    kept: &Kept,
    interest: &Interest,
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let runs = crashes.runs_after(&kept.mark)?;
    for run in runs.iter().filter(|run| run.kind == RunKind::Reprocess) {
        for merge in &run.report.merged {
            let standing = crashes.standing_group(merge.group)?;
            let Some(group) = crashes.group(standing)? else { continue };
            if group.tally.crashes >= interest.min_crashes {
                let aliases: Vec<String> =
                    merge.aliases.iter().take(NOTICE_ALIASES).map(GroupId::to_string).collect();
                let more = (merge.aliases.len() - aliases.len()) as u64;
                events.push(event(&group, EventKind::Merged { run: run.run, aliases, more }));
            }
        }
    }
    Ok(())
}

/// Groups that came far more often than usual on a day since `last_day`, which was looked at before
/// it was over.
fn spikes(
    crashes: &Crashes,
    arrivals: &BTreeMap<GroupId, u64>,
    (last_day, times, min_crashes): (i64, u32, u64),
    next: &mut Kept,
    events: &mut Vec<Event>,
) -> Result<(), Error> {
    let first_day = last_day.max(next.day - SPIKE_DAYS + 1).min(next.day);
    next.spikes.retain(|(_, day)| *day >= first_day);
    let mut groups = Vec::new();
    for id in arrivals.keys() {
        let group = crashes.group(*id)?;
        groups.extend(group.filter(|group| group.tally.crashes >= min_crashes));
    }
    if groups.is_empty() {
        return Ok(());
    }
    let days_of = crashes.days_of(&groups, first_day - USUAL_DAYS)?;
    for (group, days) in groups.iter().zip(&days_of) {
        for day in first_day..=next.day {
            let Some((on_day, usual)) = spike(group, days, day, times) else { continue };
            if !next.spikes.contains(&(group.id, day)) {
                next.spikes.push((group.id, day));
                let day = time::day(day);
                events.push(event(group, EventKind::Spike { day, on_day, usual }));
            }
        }
    }
    Ok(())
}

/// The crashes on `day`, and on a usual one, if these are more than `times` as many. A group that
/// was not there before has no usual day; one that comes less than once a day comes once.
#[expect(clippy::cast_precision_loss, reason = "counts of crashes are far below 2^52")]
fn spike(group: &Group, days: &Days, day: i64, times: u32) -> Option<(u64, f64)> {
    let known = group.tally.first_ms.map(|ms| ms.div_euclid(DAY_MS));
    let first = [known, days.keys().next().copied()].into_iter().flatten().min()?;
    let first = first.max(day - USUAL_DAYS);
    if first >= day {
        return None;
    }
    let on_day = days.get(&day).copied().unwrap_or(0);
    let before: u64 = days.range(first..day).map(|(_, count)| count).sum();
    let usual = (before as f64 / (day - first) as f64).max(1.0);
    (on_day as f64 > f64::from(times) * usual).then_some((on_day, (usual * 10.0).round() / 10.0))
}
