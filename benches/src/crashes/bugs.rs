//! Makes bugs: lists of places in code that their crashes lead through.
//!
//! What makes truth well defined: take of each bug the first five functions of the app on its crash
//! side, inlined ones included, each once where it recurs, the crash handler's left out. No two
//! bugs have the same five by their plain names, whether or not `base::check_failed` counts where
//! it stands on top. Bugs may share any four of them, and everything behind them.

use std::collections::HashSet;

use fastrand::Rng;

use super::modules::RECIPES;
use super::platform::{PLATFORMS, Platform};
use super::sites::{Site, Sites, Spot};
use super::system::{number_of, system};

/// Functions that tell bugs apart.
pub const DECISIVE: usize = 5;
/// Sites of a bug at least and at most.
const SITES: (usize, usize) = (5, 9);
/// Sites between a bug and what a thread begins with, that its crashes draw from.
const MIDDLES: usize = 6;
/// Draws of one bug before the code is taken for too small.
const MAX_TRIES: usize = 1000;

/// A bug.
#[derive(Debug)]
pub struct Bug {
    /// Where it occurs.
    pub platforms: Vec<Platform>,
    /// What its crashes go through, crash side first.
    pub steps: Vec<Step>,
    /// Indices of steps that recur, as a range.
    pub recurs: Option<(usize, usize)>,
    /// What stands above the first step.
    pub top: Top,
    /// By platform, which of its signals it ends in, if [`Bug::top`] does not say.
    pub signal: usize,
    /// Sites that may stand behind its last step.
    pub middles: Vec<Step>,
    /// How its threads begin: some of [`ENDS`].
    pub ends: Vec<usize>,
    /// The functions that tell it from others.
    pub decisive: Vec<String>,
}

/// What stands above a bug's first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// Nothing: its first step failed.
    Nothing,
    /// A function of the system, which was given a bad pointer: index into
    /// [`super::system::System::memory`], modulo its length.
    Memory(usize),
    /// A failed check: `base::check_failed`, and the system's way to end a process.
    Check,
}

/// One site on a bug's stacks, and where in it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Index into [`Sites::sites`].
    pub site: usize,
    /// By platform, lines that its crashes have: the first of them mostly.
    pub spots: [Vec<Spot>; PLATFORMS.len()],
}

/// How threads begin: the app's functions, crash side first, and whether it is the main thread.
pub const ENDS: [(&[&str], bool); 3] = [
    (
        &[
            "shop::EventLoop::dispatch",
            "shop::EventLoop::turn",
            "shop::EventLoop::run",
            "shop::run_app",
            "main",
        ],
        true,
    ),
    (&["shop::ThreadPool::run_task", "shop::ThreadPool::work", "shop::ThreadPool::start"], false),
    (&["shop::Timer::fire", "shop::Timer::start"], false),
];

/// The function of a failed check.
pub const CHECK: &str = "base::check_failed";

/// Makes `count` bugs.
///
/// # Errors
/// If there is too little code for so many.
pub fn bugs(sites: &Sites, count: usize, seed: u64) -> Result<Vec<Bug>, String> {
    let (inner, outer) = candidates(&sites.sites);
    if inner.len().min(outer.len()) < 4 * SITES.1 {
        return Err(
            "too little code in all platforms alike; see what the compilers made".to_owned()
        );
    }
    let mut draw = Draw { sites, inner, outer, rng: Rng::with_seed(seed ^ number_of(&["bugs"])) };
    let mut taken = HashSet::new();
    let mut bugs: Vec<Bug> = Vec::new();
    for _ in 0..count {
        let bug = (0..MAX_TRIES)
            .map(|_| draw.bug(&bugs))
            .find(|bug| names(sites, bug).iter().all(|names| !taken.contains(names)));
        let bug = bug.ok_or_else(|| {
            format!("--bugs {count}: there is code for {} bugs only; pass less", bugs.len())
        })?;
        taken.extend(names(sites, &bug));
        bugs.push(bug);
    }
    Ok(bugs)
}

/// Sites of bugs: those where an instruction can fail, and those that calls lead through.
fn candidates(sites: &[Site]) -> (Vec<usize>, Vec<usize>) {
    let of_bugs = |site: &Site| {
        RECIPES[site.module].shape.is_some() && !site.functions.iter().any(|name| is_of_all(name))
    };
    let all = |spots: &[Vec<Spot>]| spots.iter().all(|spots| !spots.is_empty());
    let with = |spots: fn(&Site) -> &[Vec<Spot>]| {
        (0..)
            .zip(sites)
            .filter(|(_, site)| of_bugs(site) && all(spots(site)))
            .map(|(index, _)| index)
            .collect()
    };
    (with(|site| &site.instructions), with(|site| &site.calls))
}

/// Whether a function is on the stacks of many bugs, where it says nothing.
fn is_of_all(name: &str) -> bool {
    name == CHECK || ENDS.iter().any(|(functions, _)| functions.contains(&name))
}

/// The decisive functions of `bug`, without and with the failed check on top.
fn names(sites: &Sites, bug: &Bug) -> [Vec<String>; 2] {
    let mut functions: Vec<String> = Vec::new();
    for name in bug.steps.iter().flat_map(|step| &sites.sites[step.site].functions) {
        if functions.last() != Some(name) {
            functions.push(name.clone());
        }
    }
    let mut below_check = functions.clone();
    if bug.top == Top::Check {
        below_check.insert(0, CHECK.to_owned());
    }
    functions.truncate(DECISIVE);
    below_check.truncate(DECISIVE);
    [functions, below_check]
}

struct Draw<'a> {
    sites: &'a Sites,
    inner: Vec<usize>,
    outer: Vec<usize>,
    rng: Rng,
}

impl Draw<'_> {
    fn bug(&mut self, before: &[Bug]) -> Bug {
        let top = match self.rng.u8(..10) {
            0..6 => Top::Nothing,
            6..8 => Top::Memory(self.rng.usize(..16)),
            _ => Top::Check,
        };
        let count = self.rng.usize(SITES.0..=SITES.1);
        // One in three is like an earlier one but for a step; one in six begins like one; one in
        // twelve ends like one.
        let kind = self.rng.u8(..12);
        let other = self.rng.choice(before);
        if let (Some(other), 0..4) = (other, kind) {
            let mut steps = other.steps.clone();
            let at = self.rng.usize(..DECISIVE);
            steps[at] = self.new_step(&steps, at == 0 && other.top == Top::Nothing);
            return Bug { platforms: other.platforms.clone(), ..self.finish(steps, other.top) };
        }
        let mut steps = match other {
            Some(other) if (4..6).contains(&kind) && other.top == top => {
                other.steps[..self.rng.usize(1..4)].to_owned()
            }
            _ => Vec::new(),
        };
        while steps.len() < count {
            let step = self.new_step(&steps, steps.is_empty() && top == Top::Nothing);
            steps.push(step);
        }
        if let (Some(other), 6) = (other, kind) {
            steps.truncate(DECISIVE);
            steps.extend_from_slice(&other.steps[DECISIVE..]);
        }
        self.finish(steps, top)
    }

    fn finish(&mut self, steps: Vec<Step>, top: Top) -> Bug {
        let platforms = match self.rng.u8(..10) {
            0..5 => PLATFORMS.into(),
            _ => vec![PLATFORMS[self.rng.usize(..PLATFORMS.len())]],
        };
        // The first step is not called: it is where the process failed.
        let recurs = match self.rng.u8(..8) {
            0 => Some((self.rng.usize(1..steps.len()), 1)),
            1 => Some((self.rng.usize(1..steps.len() - 1), 2)),
            _ => None,
        };
        let recurs = recurs.map(|(from, count)| (from, from + count));
        let middles = (0..MIDDLES).map(|_| self.step(false)).collect();
        let count = self.rng.usize(1..=2);
        let ends = self.rng.choose_multiple(0..ENDS.len(), count);
        let signal = self.rng.usize(..system(Platform::Linux).signals.len());
        let mut bug =
            Bug { platforms, steps, recurs, top, signal, middles, ends, decisive: Vec::new() };
        let [decisive, _] = names(self.sites, &bug);
        bug.decisive = decisive;
        bug
    }

    /// A step that is not among `steps` yet. What recurs is written once, so that a bug's own steps
    /// are all different.
    fn new_step(&mut self, steps: &[Step], is_first: bool) -> Step {
        loop {
            let step = self.step(is_first);
            let functions = |step: &Step| &self.sites.sites[step.site].functions;
            if steps.iter().all(|other| functions(other) != functions(&step)) {
                return step;
            }
        }
    }

    /// A site, and up to three lines in it. Some sites come more often than others.
    fn step(&mut self, is_first: bool) -> Step {
        let from = if is_first { &self.inner } else { &self.outer };
        let site = from[self.rng.usize(..from.len()).min(self.rng.usize(..from.len()))];
        let lines = self.rng.usize(1..=3);
        let rng = &mut self.rng;
        let of = &self.sites.sites[site];
        let spots = std::array::from_fn(|platform| {
            let spots = if is_first { &of.instructions[platform] } else { &of.calls[platform] };
            rng.choose_multiple(spots.iter().copied(), lines)
        });
        Step { site, spots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` functions in one module, each with a spot of every kind.
    fn sites(count: usize) -> Sites {
        let spots = || [(); 3].map(|()| vec![Spot { symbol: 0, offset: 4 }]);
        let site = |number| Site {
            module: 2,
            functions: vec![format!("f{number}")],
            calls: spots(),
            instructions: spots(),
        };
        Sites { sites: (0..count).map(site).collect(), tables: Vec::new() }
    }

    #[test]
    fn no_two_bugs_have_the_same_decisive_functions() {
        let sites = sites(60);
        let bugs = bugs(&sites, 500, 3).unwrap();
        let lists: HashSet<&Vec<String>> = bugs.iter().map(|bug| &bug.decisive).collect();
        assert_eq!(lists.len(), 500);
        assert!(
            bugs.iter().all(|bug| bug.decisive.len() == DECISIVE && bug.steps.len() >= SITES.0)
        );
    }

    #[test]
    fn some_bugs_are_alike_but_for_one_function() {
        let sites = sites(60);
        let bugs = bugs(&sites, 200, 3).unwrap();
        let differences = |one: &Bug, other: &Bug| {
            one.decisive.iter().zip(&other.decisive).filter(|(one, other)| one != other).count()
        };
        let is_sibling = |(index, bug): &(usize, &Bug)| {
            bugs[..*index].iter().any(|other| differences(bug, other) == 1)
        };
        assert!(bugs.iter().enumerate().filter(is_sibling).count() > 20);
    }

    #[test]
    fn too_little_code_is_an_error() {
        assert!(bugs(&sites(9), 1, 3).unwrap_err().starts_with("too little code"));
    }
}
