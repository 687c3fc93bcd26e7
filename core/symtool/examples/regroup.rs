//! Stores crash reports before their symbols, imports the symbols, and shows how the groups change:
//!
//! ```text
//! cargo run --example regroup -- libgame.so crash-1.txt crash-2.txt
//! ```

use std::path::PathBuf;
use std::time::Duration;

use symtool_core::{AddCrashes, Import, Reprocess};
use symtool_crashes::Crashes;
use symtool_grouping::rules::Rules;
use symtool_store::Store;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let symbols = words.next().ok_or("usage: regroup SYMBOLS REPORT…")?;
    let rules = Rules::builtin();

    let folder = tempfile::tempdir()?;
    let store = Store::at(&folder.path().join("store"), Duration::from_secs(5));
    let added = AddCrashes { paths: words.collect(), rules: &rules, mapping: None }
        .run(&store, &mut |_| Ok(()))?;
    println!("{} crashes in {} groups", added.added, Crashes::open(&store)?.groups()?.len());

    Import::of(vec![symbols]).run(&store, &|_| Ok(()))?;
    let run = Reprocess { rules: &rules, all: false, dry_run: false, max_absorb: None }
        .run(&store, |_, _| {})?;
    println!("{:?}: {} crashes moved", run.status, run.report.crashes.moved);
    for group in Crashes::open(&store)?.groups()? {
        println!("{} {} crashes: {}", group.id, group.tally.crashes, group.title());
    }
    Ok(())
}
