//! Undoing: in, the last run that stands; out, crashes and groups as they were before it.
//!
//! Crashes that came since stay where they are: those with a signature that the run made get the group that they would have got without it.
//! What is undone is not done again by the next run, until symbols or rules change once more: crashes keep the digest of what the run had
//! made of them.

use std::collections::BTreeMap;

use super::apply::{Mapping, Step};
use super::journal::{self, Moved, Run, RunKind};
use super::report::{CrashCounts, Report};
use crate::crash::add::own_group;
use crate::crash::state::{Meta, SignatureRow, State};
use crate::crash::{CrashWriter, SignatureId, rows};
use crate::store::Error;

/// Why a run cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum CannotUndo {
    /// There is none.
    #[error("there is no run to undo; `symtool groups history` lists runs")]
    Nothing,
    /// It is not the last one.
    #[error("run {wanted} is not the last one that stands: run {last} came after it; undo that first")]
    NotLast {
        /// The run that was to be undone.
        wanted: u64,
        /// The one to be undone before.
        last: u64,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Error),
}

impl CrashWriter {
    /// Undoes the last run that stands; `wanted`, if given, has to be it. Returns the run that did so.
    ///
    /// # Errors
    /// [`CannotUndo`]; nothing was changed then.
    pub fn undo(&self, wanted: Option<u64>) -> Result<Run, CannotUndo> {
        let stands = |run: &Run| run.undone_by.is_none() && !matches!(run.kind, RunKind::Undo(_));
        let last = self.runs()?.into_iter().rev().find(stands).ok_or(CannotUndo::Nothing)?;
        match wanted {
            Some(wanted) if wanted != last.run => Err(CannotUndo::NotLast { wanted, last: last.run }),
            _ => Ok(self.undo_run(last)?),
        }
    }

    fn undo_run(&self, run: Run) -> Result<Run, Error> {
        let database = &self.database;
        let meta: Meta = database.get(rows::META)?.unwrap_or_default();
        let moved = self.moves_back(run.run)?;
        let mut mapping = Mapping::new(database);
        let mut made: Vec<(SignatureId, SignatureRow)> = Vec::new();
        for (key, before) in journal::before(database, run.run)? {
            let signature = key.strip_prefix(rows::area::SIGNATURES).and_then(SignatureId::from_key);
            if let (None, Some(signature)) = (&before, signature) {
                made.extend(database.get(&key)?.map(|row| (signature, row)));
            }
            mapping.restore((key, before));
        }
        self.keep_those_in_use(&mut mapping, made, &moved)?;
        let changed = moved.iter().filter(|moved| moved.old.signature != moved.new.signature).count() as u64;
        let crashes = CrashCounts { stored: meta.crashes, moved: changed, ..CrashCounts::default() };
        let report = Report { crashes, ..Report::default() };
        self.carry_out(Step { kind: RunKind::Undo(run.run), moved, mapping, report, meta, undone: Some(run) })
    }

    /// The moves of a run, back. Crashes that were removed since are left out.
    fn moves_back(&self, run: u64) -> Result<Vec<Moved>, Error> {
        let mut back = Vec::new();
        let mut states: BTreeMap<u64, Vec<State>> = BTreeMap::new();
        journal::each_moved(&self.database, run, |moved| {
            for moved in moved {
                if let Some(now) = self.state(&mut states, moved.at)? {
                    let new = State { digest: now.digest, ..moved.old };
                    back.push(Moved { at: moved.at, old: now, new });
                }
            }
            Ok(())
        })?;
        Ok(back)
    }

    /// Signatures that the run had `made` and that crashes have that came since.
    fn keep_those_in_use(&self, mapping: &mut Mapping<'_>, made: Vec<(SignatureId, SignatureRow)>, moved: &[Moved]) -> Result<(), Error> {
        let mut leaving: BTreeMap<SignatureId, u64> = BTreeMap::new();
        moved.iter().for_each(|moved| *leaving.entry(moved.old.signature).or_default() += 1);
        for (signature, row) in made {
            if self.tally(signature)?.crashes > leaving.get(&signature).copied().unwrap_or(0) {
                let group = own_group(&self.database, signature)?;
                mapping.put_signature(signature, &SignatureRow { group, ..row })?;
            }
        }
        Ok(())
    }
}
