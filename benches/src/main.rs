//! Prints ratios of symtool to its peers, a few lines for each debug file, from one interleaved
//! run.
//!
//! ```text
//! $ symtool-benches cpp.so
//! cpp.so (--rounds 5 --addresses 200000): of 5000 answers the same as addr2line 99.8 %, symcache 99.1 %
//! import cpp.so x124 -j1: 0.24 x symcache (convert), 0.60 x addr2line (every unit parsed); less is faster
//! resolve cpp.so random -j1: 12.3 x addr2line, 2.50 x symcache (lookup); more is faster
//! ```
//!
//! Every measure is the wall time of a whole process: start-up, reading the input, the work. The
//! peers run as child processes of this same executable (`symtool-benches peer VERB …`), in turn
//! with symtool, and the medians of the rounds are compared. An import ratio is symtool's time over
//! the peer's; a resolve ratio is symtool's addresses per second over the peer's, on the same batch
//! file.
//!
//! | measure | symtool | peer | what the peer does not do |
//! | --- | --- | --- | --- |
//! | import | `import` into a new store, on one core and on all | symcache: the file converted to a cache file | keep columns; compress what it writes, or sync it; use more than one core |
//! | | | addr2line: lines, functions and inlined calls of every unit parsed | store anything; use more than one core |
//! | resolve | `-j 1 resolve --style gnu --no-demangle`, output to /dev/null | addr2line: raw name, file and line of every frame | write output; import first: it parses a unit when an address is in it |
//! | | | symcache: the same from its cache file | write output; know columns; decompress |
//!
//! A small file is imported in many copies at once (`x124`), each with a build-id of its own, so
//! that the measure is not only the start of a process. What symtool does once for each module,
//! such as syncing the store, weighs most there; a large file shows the work. What is measured on
//! generated files stands in [`mapping::bench`] and [`crashes::bench`]. Nothing is timed before
//! [`check`] has found the same answers.

mod aliases;
mod builds;
mod check;
mod copies;
mod crashes;
mod eval;
mod floor;
mod folder;
mod mapping;
mod measure;
mod options;
mod peers;
mod proguard;
mod report;
mod rows;
mod sample;
mod symtool;

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, thread};

use anyhow::{Context, Result};

use copies::Copies;
use measure::{Before, Race};
use options::{Asked, Options};
use report::{Ratio, Report};
use rows::Rows;
use sample::Sample;
use symtool::Symtool;

/// Addresses at which the answers are compared before anything is timed.
const CHECKED_ADDRESSES: usize = 5_000;
/// Rounds of the benches of generated files at most: they take a while each.
const MAX_ROUNDS: usize = 3;

fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).collect();
    if let Some((verb, args)) = args.split_first()
        && verb == peers::VERB
    {
        return exit_code(peers::run(args).map(|()| true));
    }
    match args.split_first() {
        Some((verb, args)) if verb == "crashes" => {
            return subcommand(
                crashes::options::parse(args.iter().cloned()),
                crashes::options::USAGE,
                crashes::run,
            );
        }
        Some((verb, args)) if verb == "eval" => {
            return subcommand(
                eval::options::parse(args.iter().cloned()),
                eval::options::USAGE,
                eval::run,
            );
        }
        Some((verb, args)) if verb == "mapping" => {
            return subcommand(
                mapping::options::parse(args.iter().cloned()),
                mapping::options::USAGE,
                mapping::run,
            );
        }
        Some((verb, args)) if verb == proguard::VERB => {
            return subcommand(
                proguard::parse(args.iter().cloned()),
                proguard::USAGE,
                proguard::run,
            );
        }
        Some((verb, args)) if verb == builds::VERB => {
            return subcommand(builds::parse(args.iter().cloned()), builds::USAGE, builds::run);
        }
        Some((verb, args)) if verb == floor::VERB => {
            return subcommand(floor::parse(args.iter().cloned()), floor::USAGE, floor::run);
        }
        _ => {}
    }
    match options::parse(args) {
        Ok(Asked::Help) => {
            println!("{}", options::USAGE);
            ExitCode::SUCCESS
        }
        Ok(Asked::Run(options)) => exit_code(run(&options)),
        Err(wrong) => {
            eprintln!("symtool-benches: {wrong}\n{}", options::USAGE);
            ExitCode::from(2)
        }
    }
}

/// A command with options of its own; `None` of them asks for help.
fn subcommand<O>(
    options: Result<Option<O>, String>,
    usage: &str,
    run: fn(&O) -> Result<()>,
) -> ExitCode {
    match options {
        Ok(None) => {
            println!("{usage}");
            ExitCode::SUCCESS
        }
        Ok(Some(options)) => exit_code(run(&options).map(|()| true)),
        Err(wrong) => {
            eprintln!("symtool-benches: {wrong}\n{usage}");
            ExitCode::from(2)
        }
    }
}

fn exit_code(all_went_well: Result<bool>) -> ExitCode {
    match all_went_well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("symtool-benches: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Benches one file after the other, then what is generated. One that fails is named on stderr and
/// does not stop the others; the answer says whether none did.
fn run(options: &Options) -> Result<bool> {
    let myself = env::current_exe()
        .context("cannot find this program's own path, which the peers are started by")?;
    let symtool = options.symtool.clone().unwrap_or_else(|| myself.with_file_name("symtool"));
    symtool::find(&symtool)?;
    let mut all_went_well = true;
    let mut print = |outcome: Result<String>| match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => {
            eprintln!("symtool-benches: {error:#}");
            all_went_well = false;
        }
    };
    for file in &options.files {
        let as_asked = |report: Report| {
            if options.json { report.to_json().to_string() } else { report.to_string() }
        };
        print(bench_file(file, options, &symtool, &myself).map(as_asked));
    }
    let bench = Bench {
        symtool: &symtool,
        myself: &myself,
        rounds: options.rounds.min(MAX_ROUNDS),
        jobs: jobs().last().copied().unwrap_or(1),
    };
    let as_asked =
        |rows: Rows| if options.json { rows.to_json().to_string() } else { rows.to_string() };
    if options.mappings {
        print(mapping::bench::run(&bench).map(as_asked));
    }
    if options.crashes {
        print(crashes::bench::run(&bench).map(as_asked));
    }
    Ok(all_went_well)
}

/// What the benches of generated files need.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The program to bench.
    pub symtool: &'a Path,
    /// This program, which has the peers.
    pub myself: &'a Path,
    /// Rounds of the run.
    pub rounds: usize,
    /// All cores.
    pub jobs: usize,
}

/// One file: sample its addresses, import it, check the answers, time, compare.
fn bench_file(file: &Path, options: &Options, symtool: &Path, myself: &Path) -> Result<Report> {
    let sample = Sample::read(file)?;
    let file = fs::canonicalize(file).with_context(|| file.display().to_string())?;
    let work = tempfile::tempdir()
        .context("no temporary directory; set TMPDIR to a place with room for twice the file")?;
    let at = |name: &str| work.path().join(name);

    let random = write_batches(&sample, options.addresses, [&at("random"), &at("sorted")])?;
    let ours = Symtool::new(symtool, at("store"));
    ours.import(&file)?;
    peers::symcache_convert(&file, &at("cache"))?;
    let agreements = agreements(&ours, &file, &sample, &random, work.path())?;

    let copies = Copies::make(&file, &at("copies"))?;

    let mut race = Race::default();
    let mut imports = Vec::new();
    for jobs in jobs() {
        let store = at(&format!("import-j{jobs}"));
        let import = Symtool::new(symtool, store.clone()).import_command(copies.paths(), jobs);
        imports.push((jobs, race.enter(import, Before::Remove(store))));
    }
    let convert = race.enter(
        peers::convert_command(myself, copies.paths(), &at("converted")),
        Before::Remove(at("converted")),
    );
    let parse = race.enter(peers::parse_command(myself, copies.paths()), Before::Nothing);
    let resolves = ["random", "sorted"].map(|order| {
        let symtool = race.enter(ours.resolve_command(&file, &at(order)), Before::Nothing);
        let addr2line =
            race.enter(peers::addr2line_command(myself, &file, &at(order)), Before::Nothing);
        let symcache = race.enter(
            peers::symcache_command(myself, &at("cache"), sample.load_address(), &at(order)),
            Before::Nothing,
        );
        (order, symtool, addr2line, symcache)
    });
    let medians = race.run(options.rounds).with_context(|| file.display().to_string())?;

    let imports = imports.into_iter().map(|(jobs, symtool)| Ratio {
        of: format!("-j{jobs}"),
        addr2line: medians.ratio(symtool, parse),
        symcache: medians.ratio(symtool, convert),
    });
    let resolves = resolves.map(|(order, symtool, addr2line, symcache)| Ratio {
        of: format!("{order} -j1"),
        addr2line: medians.ratio(addr2line, symtool),
        symcache: medians.ratio(symcache, symtool),
    });
    Ok(Report {
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        rounds: options.rounds,
        addresses: random.len(),
        copies: copies.paths().len(),
        agreements,
        imports: imports.collect(),
        resolves: resolves.into(),
    })
}

/// Writes `count` addresses of `sample` in a random order and sorted, and returns the former.
fn write_batches(sample: &Sample, count: usize, [random, sorted]: [&Path; 2]) -> Result<Vec<u64>> {
    let addresses: Vec<u64> = sample.addresses().take(count).collect();
    sample::write_batch(random, &addresses)?;
    let mut in_order = addresses.clone();
    in_order.sort_unstable();
    sample::write_batch(sorted, &in_order)?;
    Ok(addresses)
}

/// How often symtool and its peers agree on the first of `addresses`.
fn agreements(
    ours: &Symtool,
    file: &Path,
    sample: &Sample,
    addresses: &[u64],
    work: &Path,
) -> Result<[check::Agreement; 2]> {
    let checked = &addresses[..addresses.len().min(CHECKED_ADDRESSES)];
    let answers = ours.answers(file, checked, &work.join("checked"))?;
    let cache = work.join("cache");
    Ok([
        check::with_addr2line(file, checked, &answers)?,
        check::with_symcache(file, &cache, sample.load_address(), checked, &answers)?,
    ])
}

/// How many cores symtool imports on: one, and all there are.
fn jobs() -> Vec<usize> {
    let all = thread::available_parallelism().map_or(1, NonZero::get);
    if all == 1 { vec![1] } else { vec![1, all] }
}
