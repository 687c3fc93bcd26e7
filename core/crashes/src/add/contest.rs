//! Several reports of one crash: all of their texts are kept, and the one that says most is shown
//! and grouped, whichever came first.
//!
//! ```text
//! i crash -> slot of the one that is shown          its State counts
//! w crash slot of another one                       its State is outdone
//! ```

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::add::prepare::Seen;
use crate::ids::CrashId;
use crate::stored::changes::{Changes, Old};
use crate::stored::chunk::Chunk;
use crate::stored::state::{Slot, Standing, State};
use crate::stored::stored_report::{Contents, ReportReader, Weight};
use crate::stored::tally_changes::{Change, ChunkStates, TallyChanges};
use crate::stored::{CrashWriter, rows};
use symtool_store::Error;

/// A report's rank among those of one crash: whether it comes with another mapping than the stored
/// one, and how much it says.
type Rank = (bool, (Weight, u64, std::cmp::Reverse<u128>));

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entrant {
    /// The stored report that is shown until now.
    Stored(Slot),
    /// One that comes, by its slot among those that were prepared.
    Coming(u16),
}

/// The reports of one crash that may be shown.
#[derive(Debug, Default)]
struct Contest {
    entrants: Vec<(Rank, Entrant)>,
    /// What all reports hold that are there.
    contents: Vec<Contents>,
    is_stored: bool,
}

/// All crashes of a batch of which there is more than one report.
#[derive(Debug)]
pub struct Contests<'c> {
    crashes: &'c CrashWriter,
    /// Crashes that come again come in the order in which they came before.
    stored: ReportReader<'c>,
    all: HashMap<CrashId, Contest>,
}

impl<'c> Contests<'c> {
    /// None yet.
    pub fn new(crashes: &'c CrashWriter) -> Self {
        Self { crashes, stored: ReportReader::new(crashes), all: HashMap::new() }
    }

    /// Takes the report `coming` of a crash of which there is a `stored` one, or one that was `met`
    /// before in the batch. Returns whether it is one that is not there yet. With `is_remapped` it
    /// has another mapping than the stored one: then it is shown, even if its text is known.
    pub fn enter(
        &mut self,
        stored: Option<Slot>,
        met: Option<(u16, &Seen)>,
        (slot, coming): (u16, &Seen),
        is_remapped: bool,
    ) -> Result<bool, Error> {
        let contest = match self.all.entry(coming.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Contest::begin(
                (self.crashes, &mut self.stored),
                coming.id,
                stored,
                met,
            )?),
        };
        let contents = Contents::of_coming(&coming.incoming.report);
        if !is_remapped && contest.contents.contains(&contents) {
            return Ok(false);
        }
        contest.contents.push(contents);
        contest.entrants.push(((is_remapped, coming.weight.rank(contents)), Entrant::Coming(slot)));
        Ok(true)
    }

    /// What becomes of each of the reports in `fresh` slots.
    pub fn decide(&self, fresh: &[u16]) -> Vec<Standing> {
        let mut outdone: HashSet<u16> = HashSet::new();
        for contest in self.all.values() {
            let winner = contest.winner();
            outdone.extend(contest.entrants.iter().filter_map(|(_, entrant)| match entrant {
                Entrant::Coming(slot) if winner != Some(*entrant) => Some(*slot),
                _ => None,
            }));
        }
        fresh
            .iter()
            .map(|slot| if outdone.contains(slot) { Standing::Outdone } else { Standing::Shown })
            .collect()
    }

    /// Whether a report of the crash `id` is stored.
    pub fn is_stored(&self, id: CrashId) -> bool {
        self.all.get(&id).is_some_and(|contest| contest.is_stored)
    }

    /// Takes away from stored reports that are outdone what they had.
    pub fn put_aside(
        &self,
        changes: &mut Changes<'_>,
        tallies: &mut TallyChanges,
    ) -> Result<(), Error> {
        let mut by_chunk: BTreeMap<u64, Vec<(CrashId, u16)>> = BTreeMap::new();
        for (id, contest) in &self.all {
            for (_, entrant) in &contest.entrants {
                if let (Entrant::Stored(at), true) = (entrant, contest.winner() != Some(*entrant)) {
                    by_chunk.entry(at.chunk).or_default().push((*id, at.slot));
                }
            }
        }
        let crashes = self.crashes;
        let database = &crashes.database;
        for (number, outdone) in by_chunk {
            let chunk: Chunk = crashes.chunk(number)?.ok_or_else(|| database.damaged())?;
            let key = rows::states(number);
            let old = database.bytes(&key)?;
            let before: Vec<State> = crashes.states(number)?;
            let mut after = before.clone();
            let mut losing = Vec::with_capacity(outdone.len());
            for (id, slot) in outdone {
                let Some(state) = after.get_mut(usize::from(slot)) else { continue };
                state.standing = Standing::Outdone;
                losing.push(Change { slot, lost: Some(state.signature), gained: None });
                changes.put_bytes(
                    rows::other_report(id, Slot { chunk: number, slot }),
                    Old::Absent,
                    Vec::new(),
                )?;
            }
            changes.head.crashes = changes.head.crashes.saturating_sub(losing.len() as u64);
            tallies.take(
                database,
                number,
                &chunk,
                ChunkStates { before: &before, after: &after },
                &losing,
            )?;
            changes.put_packed(key, Old::read(old.as_deref()), &after)?;
        }
        Ok(())
    }
}

impl Contest {
    fn begin(
        (crashes, reader): (&CrashWriter, &mut ReportReader<'_>),
        id: CrashId,
        stored: Option<Slot>,
        met: Option<(u16, &Seen)>,
    ) -> Result<Self, Error> {
        let mut contest = Self { is_stored: stored.is_some(), ..Self::default() };
        let others = if stored.is_some() { crashes.other_reports(id)? } else { Vec::new() };
        for at in stored.into_iter().chain(others) {
            let (weight, contents) = reader.contents(at)?;
            if stored == Some(at) {
                contest.entrants.push(((false, weight.rank(contents)), Entrant::Stored(at)));
            }
            contest.contents.push(contents);
        }
        if let Some((slot, seen)) = met {
            let contents = Contents::of_coming(&seen.incoming.report);
            contest.entrants.push(((false, seen.weight.rank(contents)), Entrant::Coming(slot)));
            contest.contents.push(contents);
        }
        Ok(contest)
    }

    fn winner(&self) -> Option<Entrant> {
        self.entrants.iter().max_by_key(|(rank, _)| *rank).map(|(_, entrant)| *entrant)
    }
}
