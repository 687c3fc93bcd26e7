//! Merges groups by hand, when somebody knows that they are one bug.

use crate::ids::GroupId;
use crate::reprocess::apply::{GroupRows, Movement, Step};
use crate::stored::CrashWriter;
use crate::stored::journal::{Run, RunKind};
use crate::stored::report::{CrashCounts, Merge, Report};
use symtool_store::Error;

/// Why groups cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum CannotMerge {
    /// They are one already.
    #[error("they are one group already: {0}")]
    Same(GroupId),
    /// One is not there.
    #[error("{0}: no such group")]
    Unknown(GroupId),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Error),
}

impl CrashWriter {
    /// Makes `groups` one: the oldest survives, the others become its aliases. Signatures that
    /// their crashes get later come along.
    ///
    /// # Errors
    /// [`CannotMerge`]; nothing was changed then.
    pub fn merge(&self, groups: &[GroupId]) -> Result<Run, CannotMerge> {
        let mut known = Vec::with_capacity(groups.len());
        for id in groups {
            known.push(self.group(*id)?.ok_or(CannotMerge::Unknown(*id))?);
        }
        known.sort_by_key(|group| (group.tally.first_ms.unwrap_or(i64::MAX), group.id));
        known.dedup_by_key(|group| group.id);
        let (into, aliases) = match &known[..] {
            [] => return Err(CannotMerge::Same(GroupId([0; 8]))),
            [one] => return Err(CannotMerge::Same(one.id)),
            [into, aliases @ ..] => (into, aliases),
        };
        let mut group_rows = GroupRows::new(&self.database);
        group_rows
            .merge_all(&[(into.id, aliases.iter().map(|alias| alias.id).collect())].into())?;
        let largest = known.iter().max_by_key(|group| {
            group.main().map(|main| (main.crashes, std::cmp::Reverse(main.id)))
        });
        let merge = Merge {
            group: into.id,
            title: largest.unwrap_or(into).title().to_owned(),
            aliases: aliases.iter().map(|alias| alias.id).collect(),
            crashes: aliases.iter().map(|alias| alias.tally.crashes).sum(),
        };
        let stored = self.database.head().crashes;
        let crashes = CrashCounts {
            stored,
            groups_before: known.len() as u64,
            groups_after: 1,
            ..CrashCounts::default()
        };
        let report = Report { crashes, merged: vec![merge], ..Report::default() };
        Ok(self.carry_out(Step {
            kind: RunKind::Merge,
            movement: Movement::default(),
            group_rows,
            known: Vec::new(),
            report,
            undone: None,
        })?)
    }
}
