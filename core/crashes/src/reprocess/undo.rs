//! Undoes the last run that stands.
//!
//! Crashes that came since stay where they are: those with a signature that the run made get the
//! group that they would have got without it. What is undone is not done again by the next run,
//! until symbols or rules change once more: crashes keep the digest of what the run had made of
//! them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::add::own_groups;
use crate::ids::FingerprintId;
use crate::reprocess::apply::{GroupRows, Movement, Step};
use crate::stored::chunk::Chunk;
use crate::stored::counters::{ImageKey, waits_of};
use crate::stored::joined::Joined;
use crate::stored::journal::{self, Moved, Run, RunKind};
use crate::stored::report::{CrashCounts, Report};
use crate::stored::state::{FingerprintRow, State};
use crate::stored::{CrashWriter, rows};
use symtool_store::Error;

/// Why a run cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum CannotUndo {
    /// There is none.
    #[error("there is no run to undo")]
    Nothing,
    /// It is not the last one.
    #[error(
        "run {wanted} is not the last one that stands: run {last} came after it; undo that first"
    )]
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
    /// Undoes the last run that stands; `wanted`, if given, has to be it. Returns the run that did
    /// so.
    ///
    /// # Errors
    /// [`CannotUndo`]; nothing was changed then.
    pub fn undo(&self, wanted: Option<u64>) -> Result<Run, CannotUndo> {
        let stands = |run: &Run| run.undone_by.is_none() && !matches!(run.kind, RunKind::Undo(_));
        let last = self.runs()?.into_iter().rev().find(stands).ok_or(CannotUndo::Nothing)?;
        match wanted {
            Some(wanted) if wanted != last.run => {
                Err(CannotUndo::NotLast { wanted, last: last.run })
            }
            _ => Ok(self.undo_run(last)?),
        }
    }

    fn undo_run(&self, run: Run) -> Result<Run, Error> {
        let database = &self.database;
        let movement = self.moves_back(run.run)?;
        let mut group_rows = GroupRows::new(database);
        let mut made: Vec<(FingerprintId, FingerprintRow)> = Vec::new();
        journal::each_row(database, run.run, |rows| {
            for row in rows {
                let signature =
                    row.key.strip_prefix(rows::area::SIGNATURES).and_then(FingerprintId::from_key);
                if let (None, Some(signature)) = (&row.before, signature) {
                    made.extend(database.get(&row.key)?.map(|row| (signature, row)));
                }
                group_rows.restore(row);
            }
            Ok(())
        })?;
        self.keep_those_in_use(&mut group_rows, made, &movement.moved)?;
        let changed = movement
            .moved
            .iter()
            .filter(|moved| moved.old.signature != moved.new.signature)
            .count() as u64;
        let crashes = CrashCounts {
            stored: database.head().crashes,
            moved: changed,
            ..CrashCounts::default()
        };
        let report = Report { crashes, ..Report::default() };
        self.carry_out(Step {
            kind: RunKind::Undo(run.run),
            movement,
            group_rows,
            known: Vec::new(),
            report,
            undone: Some(run),
        })
    }

    /// The moves of a run, back.
    fn moves_back(&self, run: u64) -> Result<Movement, Error> {
        let mut back = Movement::default();
        let mut take = |moved: &[Moved]| {
            let by_chunk: Vec<&[Moved]> = moved.chunk_by(|a, b| a.at.chunk == b.at.chunk).collect();
            let of_chunks: Vec<Result<Movement, Error>> =
                by_chunk.par_iter().map(|moved| self.chunk_back(moved)).collect();
            of_chunks.into_iter().try_for_each(|of_chunk| {
                back.absorb(of_chunk?);
                Ok::<_, Error>(())
            })
        };
        if Joined::read(&self.database)?.is_empty() {
            journal::each_moved(&self.database, run, |moved| take(&moved))?;
        } else {
            // What came from several chunks may be in one now.
            let mut all: Vec<Moved> = Vec::new();
            journal::each_moved(&self.database, run, |moved| {
                all.extend(moved);
                Ok(())
            })?;
            all.sort_unstable_by_key(|moved| moved.at);
            take(&all)?;
        }
        Ok(back)
    }

    /// Those of one chunk. Crashes that were removed since are left out.
    fn chunk_back(&self, moved: &[Moved]) -> Result<Movement, Error> {
        let number = moved[0].at.chunk;
        let row = self.states_row(number)?;
        let back = |moved: &Moved| {
            let now =
                row.states.get(usize::from(moved.at.slot)).copied().filter(State::is_shown)?;
            Some(Moved { at: moved.at, old: now, new: State { digest: now.digest, ..moved.old } })
        };
        let back: Vec<Moved> = moved.iter().filter_map(back).collect();
        let chunk = self.chunk(number)?.ok_or_else(|| self.database.damaged())?;
        let waits = self.waits_again(&chunk, &back)?;
        let mut movement = Movement::of_chunk(&self.database, number, &chunk, row, back)?;
        for (signature, waits) in &waits {
            movement.tallies.counters.put_waits(*signature, waits);
        }
        Ok(movement)
    }

    /// What the signatures wait for that crashes of `chunk` get back and no crash has now.
    fn waits_again(
        &self,
        chunk: &Chunk,
        back: &[Moved],
    ) -> Result<Vec<(FingerprintId, Vec<ImageKey>)>, Error> {
        let mut first: BTreeMap<FingerprintId, u16> = BTreeMap::new();
        for moved in back.iter().filter(|moved| moved.old.signature != moved.new.signature) {
            first.entry(moved.new.signature).or_insert(moved.at.slot);
        }
        let ids: Vec<FingerprintId> = first.keys().copied().collect();
        let tallies =
            self.database.bytes_of(&ids.iter().map(|id| rows::tally(*id)).collect::<Vec<_>>())?;
        let gone: Vec<FingerprintId> = ids
            .into_iter()
            .zip(tallies)
            .filter_map(|(id, tally)| tally.is_none().then_some(id))
            .collect();
        let rows: Vec<Option<FingerprintRow>> =
            self.database.get_all(gone.iter().map(|id| rows::signature(*id)))?;
        let waits = |(id, row): (FingerprintId, Option<FingerprintRow>)| {
            let (row, crash) = (row?, chunk.crash(*first.get(&id)?)?);
            Some((id, waits_of(chunk, crash, row.kind, &row.frames)))
        };
        Ok(gone.into_iter().zip(rows).filter_map(waits).collect())
    }

    /// Signatures that the run had `made` and that crashes have that came since.
    fn keep_those_in_use(
        &self,
        group_rows: &mut GroupRows<'_>,
        made: Vec<(FingerprintId, FingerprintRow)>,
        moved: &[Moved],
    ) -> Result<(), Error> {
        let mut leaving: BTreeMap<FingerprintId, u64> = BTreeMap::new();
        moved.iter().for_each(|moved| *leaving.entry(moved.old.signature).or_default() += 1);
        let mut in_use = Vec::new();
        for (signature, row) in made {
            if self.tally(signature)?.crashes > leaving.get(&signature).copied().unwrap_or(0) {
                in_use.push((signature, row));
            }
        }
        let groups = own_groups(
            &self.database,
            &in_use.iter().map(|(signature, _)| *signature).collect::<Vec<_>>(),
        )?;
        for ((signature, row), group) in in_use.into_iter().zip(groups) {
            group_rows.put_signature(signature, &FingerprintRow { group: group.id, ..row })?;
        }
        Ok(())
    }
}
