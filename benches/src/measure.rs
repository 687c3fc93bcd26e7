//! Runs commands in turn, and takes the median wall time of each, to be read as ratios.
//!
//! ```text
//! round 1   a b c      round 2   b c a      round 3   c a b
//! ```
//!
//! Each round begins with another command, so that none always runs after the same one.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};

use crate::folder;

/// Commands that run in turn.
#[derive(Debug, Default)]
pub struct Race {
    entrants: Vec<Entrant>,
}

#[derive(Debug)]
struct Entrant {
    command: Command,
    before: Before,
}

/// What is done, untimed, before each run of a command.
#[derive(Debug)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// This folder is removed.
    Remove(PathBuf),
    /// The second folder becomes a copy of the first.
    Copy(PathBuf, PathBuf),
}

/// Names a command of a [`Race`] in its [`Medians`].
#[derive(Clone, Copy, Debug)]
pub struct Number(usize);

/// The median times of a [`Race`].
#[derive(Debug)]
pub struct Medians(Vec<Duration>);

impl Race {
    /// Adds a command.
    pub fn enter(&mut self, command: Command, before: Before) -> Number {
        self.entrants.push(Entrant { command, before });
        Number(self.entrants.len() - 1)
    }

    /// Runs every command once a round, for `rounds` rounds, of which there is at least one.
    ///
    /// # Errors
    /// If a command fails; names it and passes on what it said.
    pub fn run(mut self, rounds: usize) -> Result<Medians> {
        let count = self.entrants.len();
        let mut times = vec![Vec::with_capacity(rounds); count];
        for round in 0..rounds {
            for turn in 0..count {
                let number = (round + turn) % count;
                times[number].push(self.entrants[number].run()?);
            }
        }
        Ok(Medians(times.into_iter().map(median).collect()))
    }
}

impl Entrant {
    /// The wall time of the whole process.
    fn run(&mut self) -> Result<Duration> {
        match &self.before {
            Before::Nothing => {}
            Before::Remove(dir) => folder::remove(dir)?,
            Before::Copy(from, to) => folder::copy(from, to)?,
        }
        let command =
            self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let output = command.spawn().and_then(std::process::Child::wait_with_output);
        let time = start.elapsed();
        match output {
            Ok(output) if output.status.success() => Ok(time),
            Ok(output) => Err(failure(&self.command, &output)),
            Err(error) => Err(error).with_context(|| format!("{:?}", self.command)),
        }
    }
}

impl Medians {
    /// How many times the time of `below` the time of `above` is.
    pub fn ratio(&self, above: Number, below: Number) -> f64 {
        self.time(above).div_duration_f64(self.time(below))
    }

    /// The median time of a command.
    pub fn time(&self, of: Number) -> Duration {
        self.0[of.0]
    }
}

/// The error for a command that did not end well. Its temporary files are gone when one reads this.
pub fn failure(command: &Command, output: &Output) -> Error {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = if said.trim().is_empty() { "it said nothing" } else { said.trim() };
    anyhow!(
        "{command:?}: {}: {said}; run it by hand, with a store and a batch of your own",
        output.status
    )
}

/// The middle one, or the mean of the two middle ones. 0 of none.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let middle = times.len() / 2;
    match times.as_slice() {
        [] => Duration::ZERO,
        times if times.len() % 2 == 1 => times[middle],
        times => (times[middle - 1] + times[middle]) / 2,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn median_of(seconds: &[u64]) -> Duration {
        median(seconds.iter().copied().map(Duration::from_secs).collect())
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median_of(&[]), Duration::ZERO);
        assert_eq!(median_of(&[4]), Duration::from_secs(4));
        assert_eq!(median_of(&[9, 1]), Duration::from_secs(5));
        assert_eq!(median_of(&[9, 1, 2]), Duration::from_secs(2));
        assert_eq!(median_of(&[1000, 1, 3, 2]), Duration::from_millis(2500));
    }

    #[test]
    fn commands_run_in_turn_and_each_round_begins_with_another() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let log = dir.path().join("log");
        let mut race = Race::default();
        for name in ["a", "b", "c"] {
            let mut command = Command::new("sh");
            command.args(["-c", "echo $0 >> $1; echo to stdout", name]).arg(&log);
            race.enter(command, Before::Nothing);
        }
        assert_eq!(race.run(3)?.0.len(), 3);
        assert_eq!(fs::read_to_string(&log)?.replace('\n', ""), "abcbcacab");
        Ok(())
    }

    #[test]
    fn what_a_run_left_is_removed_before_the_next() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let store = dir.path().join("store");
        let mut command = Command::new("mkdir");
        command.arg(&store);
        let mut race = Race::default();
        race.enter(command, Before::Remove(store));
        race.run(2)?;
        Ok(())
    }

    #[test]
    fn a_run_begins_with_a_copy() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
        fs::create_dir(&from)?;
        let mut command = Command::new("mkdir");
        command.arg(to.join("new"));
        let mut race = Race::default();
        race.enter(command, Before::Copy(from.clone(), to));
        race.run(2)?;
        assert!(!from.join("new").exists());
        Ok(())
    }

    #[test]
    fn a_command_that_fails_is_named_with_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such module >&2; exit 3"]);
        let mut race = Race::default();
        race.enter(command, Before::Nothing);
        let error = race.run(1).expect_err("exit status 3").to_string();
        assert!(
            error.starts_with("\"sh\"")
                && error.contains("exit status: 3: no such module; run it by hand"),
            "{error}"
        );
    }

    #[test]
    fn ratios_are_of_medians() {
        let medians = Medians(vec![Duration::from_millis(300), Duration::from_millis(200)]);
        assert!((medians.ratio(Number(0), Number(1)) - 1.5).abs() < 1e-9);
    }
}
