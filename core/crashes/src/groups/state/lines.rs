//! States and sums of crashes as lines of JSON.
//!
//! ```text
//! sums    {"fingerprint":"s…","kind":"resolved","title":"…","frames":["…"],"release":"…","crashes":3,"first_ms":…,"last_ms":…}
//!         {"from":"s…","fingerprint":"s…",…}                     the same of crashes that had another one
//! state   {"groups":1,"fingerprints":2,"aliases":1}              what follows: a file that was cut off is seen
//!         {"fingerprint":"s…","group":"g…","kind":…,"title":…,"frames":…,"crashes":3,"first_ms":…,"last_ms":…,"releases":{"…":3}}
//!         {"alias":"g…","group":"g…"}
//! ```

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::sums::MadeOf;
use super::{CrashSums, GroupState, KnownFingerprint};
use crate::ids::{FingerprintId, GroupId};
use crate::stored::state::FingerprintRow;
use crate::stored::{FingerprintKind, Tally};

/// The version of states.
const VERSION: u32 = 1;

/// Why lines cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// A line is not what it should be.
    #[error("line {line}: {fact}")]
    Wrong {
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        fact: String,
    },
    /// The lines are not all there.
    #[error("{0}")]
    Cut(String),
    /// They cannot be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Crashes with one fingerprint, of one release.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountedCrashes {
    /// What they are grouped by.
    pub fingerprint: String,
    /// What they had before, if that was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether the fingerprint will stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FingerprintKind>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is made of, the crashing side first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Vec<String>>,
    /// Absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// How many they are; a line without is one crash.
    #[serde(default = "one")]
    pub crashes: u64,
    /// The earliest, in milliseconds since 1970; absent if no report has a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<i64>,
    /// The latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ms: Option<i64>,
}

fn one() -> u64 {
    1
}

impl CrashSums {
    /// Adds the crashes of `lines`: all of them move, or none does.
    ///
    /// # Errors
    /// [`LineError`]; what came before is added then.
    pub fn add_lines(&mut self, lines: impl BufRead, are_flows: bool) -> Result<(), LineError> {
        each_line(lines, |line| {
            let line: CountedCrashes = parse(line)?;
            let fingerprint = fingerprint(&line.fingerprint)?;
            let from = line.from.as_deref().map(self::fingerprint).transpose()?;
            match (from, are_flows) {
                (None, true) => return Err("a flow needs `from`, and this line has none".into()),
                (Some(_), false) => {
                    return Err("a line with `from` is a flow, and no tally".into());
                }
                _ => {}
            }
            let (crashes, first_ms, last_ms) = (line.crashes, line.first_ms, line.last_ms);
            let releases = line.release.into_iter().map(|release| (release, crashes)).collect();
            self.count(from, fingerprint, &Tally { crashes, first_ms, last_ms, releases });
            if let (Some(kind), Some(title), Some(frames)) = (line.kind, line.title, line.frames) {
                self.describe(fingerprint, MadeOf { kind, title, frames });
            }
            Ok(())
        })
    }
}

#[derive(Deserialize, Serialize)]
struct Head {
    groups: u32,
    fingerprints: u64,
    aliases: u64,
}

#[derive(Deserialize, Serialize)]
struct FingerprintLine {
    fingerprint: String,
    group: String,
    kind: FingerprintKind,
    title: String,
    frames: Vec<String>,
    crashes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_ms: Option<i64>,
    releases: BTreeMap<String, u64>,
}

#[derive(Deserialize, Serialize)]
struct AliasLine {
    alias: String,
    group: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StateLine {
    Fingerprint(FingerprintLine),
    Alias(AliasLine),
    Head(Head),
}

impl GroupState {
    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let (fingerprints, aliases) = (self.fingerprints(), self.aliases.len() as u64);
        put(&mut out, &Head { groups: VERSION, fingerprints, aliases })?;
        for (id, KnownFingerprint { row, tally }) in &self.fingerprints {
            let line = FingerprintLine {
                fingerprint: id.to_string(),
                group: row.group.to_string(),
                kind: row.kind,
                title: row.title.clone(),
                frames: row.frames.clone(),
                crashes: tally.crashes,
                first_ms: tally.first_ms,
                last_ms: tally.last_ms,
                releases: tally.releases.clone(),
            };
            put(&mut out, &line)?;
        }
        for (alias, group) in &self.aliases {
            put(&mut out, &AliasLine { alias: alias.to_string(), group: group.to_string() })?;
        }
        out.flush()
    }

    /// Reads what [`GroupState::write`] has written.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn read(lines: impl BufRead) -> Result<Self, LineError> {
        let (mut state, mut head) = (Self::default(), None);
        each_line(lines, |line| {
            match (parse(line)?, &head) {
                (StateLine::Head(found), None) if found.groups == VERSION => head = Some(found),
                (StateLine::Head(Head { groups, .. }), None) => {
                    return Err(format!(
                        "a state of version {groups}; this program reads {VERSION}"
                    ));
                }
                (_, None) => return Err("no state of groups begins like this".to_owned()),
                (StateLine::Head(_), Some(_)) => return Err("a second state begins".to_owned()),
                (StateLine::Fingerprint(line), _) => state.take(line)?,
                (StateLine::Alias(line), _) => {
                    state.aliases.insert(group(&line.alias)?, group(&line.group)?);
                }
            }
            Ok(())
        })?;
        let head = head.ok_or_else(|| LineError::Cut("the state is empty".to_owned()))?;
        let found = (state.fingerprints(), state.aliases.len() as u64);
        if found != (head.fingerprints, head.aliases) {
            return Err(LineError::Cut(format!(
                "the state has {} of its {} fingerprints and {} of its {} aliases",
                found.0, head.fingerprints, found.1, head.aliases
            )));
        }
        Ok(state)
    }

    fn take(&mut self, line: FingerprintLine) -> Result<(), String> {
        let FingerprintLine { crashes, first_ms, last_ms, releases, .. } = line;
        let row = FingerprintRow {
            group: group(&line.group)?,
            kind: line.kind,
            title: line.title,
            frames: line.frames,
        };
        let tally = Tally { crashes, first_ms, last_ms, releases };
        self.fingerprints.insert(fingerprint(&line.fingerprint)?, KnownFingerprint { row, tally });
        Ok(())
    }
}

fn put(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn each_line(
    mut lines: impl BufRead,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), LineError> {
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        bytes.clear();
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        number += 1;
        let line = bytes.trim_ascii();
        if !line.is_empty() {
            each(line).map_err(|fact| LineError::Wrong { line: number, fact })?;
        }
    }
}

fn parse<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

fn fingerprint(text: &str) -> Result<FingerprintId, String> {
    FingerprintId::parse(text).ok_or_else(|| format!("`{text}` is no fingerprint"))
}

fn group(text: &str) -> Result<GroupId, String> {
    GroupId::parse(text).ok_or_else(|| format!("`{text}` is no group"))
}
