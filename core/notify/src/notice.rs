//! What is told: some events, all of one moment. As JSON it is what commands and generic webhooks
//! get, and what is kept until somebody has taken it.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_EVENTS;

/// The version of the JSON object: within one, keys are only added.
const VERSION: u32 = 1;

/// Some events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Version of the object.
    pub version: u32,
    /// Its id, the same each time that it is sent.
    pub id: String,
    /// For whom it is, as the settings call it.
    pub name: String,
    /// When it was made.
    pub at: String,
    /// What happened, in a sentence.
    pub text: String,
    /// How many events there are of each kind.
    pub counts: Counts,
    /// The events: regressed groups first, then spikes, new and merged ones, each by their crashes.
    pub events: Vec<Event>,
    /// How many events there are besides those.
    pub more: u64,
}

/// How many events there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Groups that came for the first time.
    pub new: u64,
    /// Groups that were resolved and came again in a later release.
    pub regressed: u64,
    /// Groups that others were merged into.
    pub merged: u64,
    /// Groups that came far more often on a day than on others.
    pub spike: u64,
}

/// Something that happened to a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The group.
    pub group: String,
    /// What people call it.
    pub title: String,
    /// How many crashes it has.
    pub crashes: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened to a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// It came for the first time.
    New {
        /// In these releases.
        releases: Vec<String>,
    },
    /// It was resolved and came again.
    Regressed {
        /// The release in which it was resolved.
        resolved_in: String,
        /// Later releases that it came in.
        releases: Vec<String>,
    },
    /// A run merged others into it.
    Merged {
        /// The run.
        run: u64,
        /// The others, some of them if there are many.
        aliases: Vec<String>,
        /// How many others more.
        more: u64,
    },
    /// It came far more often on a day than on others.
    Spike {
        /// The day.
        day: String,
        /// Crashes on it.
        on_day: u64,
        /// Crashes on a usual day, to a tenth.
        usual: f64,
    },
}

impl EventKind {
    /// Its place among others.
    fn order(&self) -> u8 {
        match self {
            Self::Regressed { .. } => 0,
            Self::Spike { .. } => 1,
            Self::New { .. } => 2,
            Self::Merged { .. } => 3,
        }
    }
}

impl Notice {
    /// A notice of `events`, which are sorted; `at` is the time.
    pub fn new(id: &str, name: &str, at: &str, mut events: Vec<Event>) -> Self {
        let mut counts = Counts::default();
        for event in &events {
            *match event.kind {
                EventKind::New { .. } => &mut counts.new,
                EventKind::Regressed { .. } => &mut counts.regressed,
                EventKind::Merged { .. } => &mut counts.merged,
                EventKind::Spike { .. } => &mut counts.spike,
            } += 1;
        }
        events.sort_by(|one, other| {
            let key = |event: &Event| (event.kind.order(), std::cmp::Reverse(event.crashes));
            key(one).cmp(&key(other)).then_with(|| one.group.cmp(&other.group))
        });
        let more = events.len().saturating_sub(MAX_EVENTS) as u64;
        events.truncate(MAX_EVENTS);
        Self {
            version: VERSION,
            id: id.to_owned(),
            name: name.to_owned(),
            at: at.to_owned(),
            text: counts.text(),
            counts,
            events,
            more,
        }
    }
}

impl Counts {
    /// The counts as a sentence.
    fn text(&self) -> String {
        let some = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let parts = [
            some(self.regressed, "regressed group", "regressed groups"),
            some(self.spike, "spike", "spikes"),
            some(self.new, "new group", "new groups"),
            some(
                self.merged,
                "group that others were merged into",
                "groups that others were merged into",
            ),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(group: &str, crashes: u64, kind: EventKind) -> Event {
        Event { group: group.into(), title: "t".into(), crashes, kind }
    }

    #[test]
    fn events_are_sorted_counted_and_bounded() {
        let new = || EventKind::New { releases: Vec::new() };
        let regressed =
            EventKind::Regressed { resolved_in: "1".into(), releases: vec!["2".into()] };
        let events = vec![event("a", 1, new()), event("b", 9, new()), event("c", 1, regressed)];
        let notice = Notice::new("n1", "ops", "2026-11-01T08:00:00Z", events);
        let groups: Vec<&str> = notice.events.iter().map(|event| event.group.as_str()).collect();
        assert_eq!(groups, ["c", "b", "a"]);
        assert_eq!(notice.text, "1 regressed group, 2 new groups");
        let many = (0..1_500).map(|number| event(&format!("{number}"), number, new())).collect();
        let notice = Notice::new("n1", "ops", "2026-11-01T08:00:00Z", many);
        assert_eq!((notice.events.len(), notice.more, notice.counts.new), (1_000, 500, 1_500));
    }

    #[test]
    fn the_same_after_it_was_kept() {
        let spike = EventKind::Spike { day: "2026-11-01".into(), on_day: 40, usual: 2.5 };
        let merged = EventKind::Merged { run: 3, aliases: vec!["x".into()], more: 7 };
        let events = vec![event("a", 50, spike), event("b", 2, merged)];
        let notice = Notice::new("n1", "ops", "2026-11-01T08:00:00Z", events);
        let text = serde_json::to_string(&notice).unwrap();
        assert!(text.starts_with("{\"version\":1,\"id\":\"n1\""), "{text}");
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice);
    }
}
