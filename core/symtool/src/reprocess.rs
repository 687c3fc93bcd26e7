//! Regroups stored crashes under the symbols and rules of today.
//!
//! ```text
//! select    crashes with frames in modules that came, changed or went
//! propose   which of them move, and which groups there will be; nothing is changed
//! apply     all of it at once, unless it is a dry run or a group would gain too much
//! ```
//!
//! A run can be divided: [`Reprocess::shard`] assesses some of the crashes, in as many processes as
//! there are shards, and [`Reprocess::finish`] does all else, with what these have found out.

use symtool_crashes::fingerprint::Assessor;
use symtool_crashes::reprocess::{Proposal, Shard, ShardAnswers, ShardWritten, ShardsMissing};
use symtool_crashes::{CrashWriter, Crashes, Missing, Report};
use symtool_grouping::rules::Rules;
use symtool_store::Store;

use crate::{Error, assessor};

/// How crashes are regrouped.
#[derive(Debug)]
pub struct Reprocess<'r> {
    /// Which frames count.
    pub rules: &'r Rules,
    /// Whether all crashes are looked at, not only those of which symbols or rules have changed.
    pub all: bool,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Nothing is changed if one group would gain more than this share of all crashes, in percent.
    pub max_absorb: Option<u8>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Crashes or groups have changed.
    Applied,
    /// There was nothing to change.
    Unchanged,
    /// Nothing was changed, as asked for.
    DryRun,
    /// Nothing was changed: a group would gain more than [`Reprocess::max_absorb`].
    Refused,
}

/// What a run did, or would do.
#[derive(Debug)]
pub struct Reprocessed {
    /// How it ended.
    pub status: RunStatus,
    /// Which crashes and groups it is about.
    pub report: Report,
    /// Modules that crashes still wait for, those first that most groups wait for.
    pub missing: Vec<Missing>,
    /// How many crashes were counted first, as an earlier version had kept no counters.
    pub counted: Option<u64>,
}

/// What a shard did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardDone {
    /// How many crashes it has assessed.
    pub assessed: u64,
    /// Whether it is what the run will take.
    pub written: ShardWritten,
}

impl Reprocess<'_> {
    /// Regroups the crashes of `store`. `progress` is told how many crashes are selected, and how
    /// many of them are done. A process that is killed leaves the store as before or as after.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn run(
        self,
        store: &Store,
        progress: impl Fn(u64, u64) + Sync,
    ) -> Result<Reprocessed, Error> {
        let reader = store.read()?;
        let catalog = reader.catalog();
        let assessor = assessor(&reader, &catalog, self.rules)?;
        self.run_with(&ShardAnswers::default(), &assessor, store, progress)
    }

    /// Assesses the crashes of one shard and changes none. `progress` is told how many chunks of
    /// crashes are to be looked at, and how many have been.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn shard(
        self,
        store: &Store,
        shard: Shard,
        progress: impl Fn(u64, u64) + Sync,
    ) -> Result<ShardDone, Error> {
        let reader = store.read()?;
        let catalog = reader.catalog();
        let assessor = assessor(&reader, &catalog, self.rules)?;
        let crashes = Crashes::open(store)?;
        let answers = crashes.assess_shard(&assessor, self.all, shard, progress)?;
        let written = crashes.write_shard(&assessor, self.all, shard, &answers)?;
        Ok(ShardDone { assessed: answers.assessed(), written })
    }

    /// Regroups the crashes of `store` once all shards are done, as [`Reprocess::run`] does without
    /// them.
    ///
    /// # Errors
    /// If the store cannot be used; inside, which shards are not done.
    pub fn finish(
        self,
        store: &Store,
        progress: impl Fn(u64, u64) + Sync,
    ) -> Result<Result<Reprocessed, ShardsMissing>, Error> {
        let reader = store.read()?;
        let catalog = reader.catalog();
        let assessor = assessor(&reader, &catalog, self.rules)?;
        let crashes = Crashes::open(store)?;
        let answers = match crashes.read_shards(&assessor, self.all)? {
            Ok(answers) => answers,
            // The run was finished before: whoever did it was ended before it could say so.
            Err(ShardsMissing::All) if crashes.is_settled(&assessor, self.all)? => {
                ShardAnswers::default()
            }
            Err(missing) => return Ok(Err(missing)),
        };
        // Who writes waits for readers.
        drop(crashes);
        self.run_with(&answers, &assessor, store, progress).map(Ok)
    }

    fn run_with(
        self,
        answers: &ShardAnswers,
        assessor: &Assessor<'_>,
        store: &Store,
        progress: impl Fn(u64, u64) + Sync,
    ) -> Result<Reprocessed, Error> {
        if self.dry_run {
            let crashes = Crashes::open(store)?;
            let Proposal { report, .. } =
                crashes.propose_with(answers, assessor, self.all, progress)?;
            let missing = crashes.missing(assessor.modules())?;
            return Ok(Reprocessed { status: RunStatus::DryRun, report, missing, counted: None });
        }
        let writer = CrashWriter::open(store)?;
        let proposal = writer.propose_with(answers, assessor, self.all, progress)?;
        let mut report = proposal.report.clone();
        let gain = report.largest_gain.as_ref().map_or(0, |gain| gain.percent);
        let status = if self.max_absorb.is_some_and(|most| gain > u64::from(most)) {
            RunStatus::Refused
        } else {
            let applied = writer.apply(proposal)?;
            // What shards have found out is of no use from now on.
            writer.forget_shards()?;
            match applied {
                Some(run) => {
                    report = run.report;
                    RunStatus::Applied
                }
                None => RunStatus::Unchanged,
            }
        };
        let missing = writer.missing(assessor.modules())?;
        Ok(Reprocessed { status, report, missing, counted: writer.newly_counted() })
    }
}
