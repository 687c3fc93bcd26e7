//! Which of two releases is the later one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::groups::Group;
use crate::stored::{Crashes, Tally, rows};
use symtool_store::Error;

/// A part of a version, for comparison: numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word<'r> {
    Number(u64),
    Text(&'r str),
}

/// The application that `release` is of (`app` in `app@1.2`), and its version.
fn parts(release: &str) -> (&str, &str) {
    release.rsplit_once('@').unwrap_or(("", release))
}

fn words(version: &str) -> Vec<Word<'_>> {
    let word = |word| str::parse(word).map_or(Word::Text(word), Word::Number);
    version.split(['.', '_', ' ']).map(word).collect()
}

/// Orders versions as Semantic Versioning 2.0.0 does (section 11), for any number of parts: a
/// pre-release comes before its release, and what follows `+` does not count.
fn compare(one: &str, other: &str) -> Ordering {
    let split = |version: &str| {
        let version = version.split_once('+').map_or(version, |(version, _)| version).to_owned();
        match version.split_once('-') {
            Some((version, pre)) => (version.to_owned(), Some(pre.to_owned())),
            None => (version, None),
        }
    };
    let ((one, one_pre), (other, other_pre)) = (split(one), split(other));
    let of_pre = || match (&one_pre, &other_pre) {
        (Some(one), Some(other)) => words(one).cmp(&words(other)),
        (one, other) => other.is_some().cmp(&one.is_some()),
    };
    words(&one).cmp(&words(&other)).then_with(of_pre)
}

/// Whether `release` is a later one than `other` of the same application.
pub fn is_later(release: &str, other: &str) -> bool {
    let ((app, version), (other_app, other_version)) = (parts(release), parts(other));
    // A version alone is one of any application.
    let is_same = app == other_app || other_app.is_empty();
    is_same && compare(version, other_version) == Ordering::Greater
}

/// The latest release of each application that has several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatestReleases(BTreeMap<String, Latest>);

/// The latest release, and whether there are others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Latest {
    release: String,
    has_others: bool,
}

impl LatestReleases {
    pub(super) fn see(&mut self, release: &str) {
        let latest = self.0.entry(parts(release).0.to_owned()).or_default();
        latest.has_others |= !latest.release.is_empty() && latest.release != release;
        if latest.release.is_empty() || is_later(release, &latest.release) {
            release.clone_into(&mut latest.release);
        }
    }

    /// Whether all crashes of `group` came in the latest release of their application.
    pub fn has_new(&self, group: &Group) -> bool {
        let releases = &group.tally.releases;
        let is_latest = |release: &String| {
            let latest = self.0.get(parts(release).0);
            latest.is_some_and(|latest| latest.has_others && latest.release == *release)
        };
        let known: u64 = releases.values().sum();
        !releases.is_empty() && known == group.tally.crashes && releases.keys().all(is_latest)
    }
}

impl Group {
    /// Whether the group first came in `release`: it has crashes in it, and none in another that is
    /// not later.
    pub fn is_new_in(&self, release: &str) -> bool {
        let releases = &self.tally.releases;
        let is_fine = |other: &String| other == release || is_later(other, release);
        let known: u64 = releases.values().sum();
        known == self.tally.crashes
            && releases.contains_key(release)
            && releases.keys().all(is_fine)
    }
}

impl Crashes {
    /// The latest release of each application that crashes are from.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn latest_releases(&self) -> Result<LatestReleases, Error> {
        let mut latest = LatestReleases::default();
        self.database.each(rows::area::TALLIES, rows::area::TALLIES, |_, value| {
            let tally: Tally = self.database.decode(&value)?;
            tally.releases.keys().for_each(|release| latest.see(release));
            Ok(true)
        })?;
        Ok(latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_releases() {
        // Semantic Versioning 2.0.0, section 11, and versions of more or fewer parts.
        let ordered = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0.1",
            "1.2",
            "1.10",
            "2.0.0",
        ];
        for (at, one) in ordered.iter().enumerate() {
            for (other_at, other) in ordered.iter().enumerate() {
                let (one, other) = (format!("app@{one}"), format!("app@{other}"));
                assert_eq!(is_later(&one, &other), at > other_at, "{one} {other}");
            }
        }
        assert!(!is_later("app@1.0+2", "app@1.0+1"));
        assert!(!is_later("other@2.0", "app@1.0") && is_later("app@2.0", "1.0"));
        let mut latest = LatestReleases::default();
        ["app@1.9", "app@1.10", "app@1.2", "tool@7"].iter().for_each(|one| latest.see(one));
        let latest_of = |app: &str| (latest.0[app].release.as_str(), latest.0[app].has_others);
        assert_eq!((latest_of("app"), latest_of("tool")), (("app@1.10", true), ("tool@7", false)));
    }
}
