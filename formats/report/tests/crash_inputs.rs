//! Crash reports that are not in the repository, and how fast events are read. Neither is run
//! unless it is asked for:
//!
//! ```text
//! INPUTS=folder cargo test --release -p symtool-report --test crash_inputs -- --ignored --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::time::Instant;

use symtool_report::{CrashEvent, Reports, parse};
use walkdir::WalkDir;

fn summary(event: &CrashEvent) -> String {
    let found = event.frames().filter(|frame| event.lookup(frame).is_some()).count();
    let first = event
        .crash_frames()
        .first()
        .map(|frame| (frame.function.clone(), frame.at, event.lookup(frame)));
    format!(
        "{} arch {:?} time {:?} images {} threads {} crashed {:?} exceptions {} frames {} found {found} crash {} {:?}\n    {:?}",
        event.format.name(),
        event.arch,
        event.time_ms,
        event.images.len(),
        event.threads.len(),
        event.crashed_thread,
        event.exceptions.len(),
        event.frames().count(),
        event.crash_frames().len(),
        first,
        event.reason,
    )
}

/// Prints what is read of each report in each file of the folder `INPUTS`.
#[test]
#[ignore = "needs a folder of reports"]
fn inputs() {
    let folder = std::env::var("INPUTS").unwrap();
    let files = WalkDir::new(&folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file());
    for path in files.map(walkdir::DirEntry::into_path) {
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        for report in Reports::new(file) {
            let report = report.unwrap();
            let event = report.bytes.and_then(|bytes| parse(&bytes));
            println!(
                "{} #{} at {}: {}",
                path.display(),
                report.number,
                report.offset,
                event.as_ref().map_or_else(ToString::to_string, summary)
            );
        }
    }
}

/// Prints how many events of 3 kB are read in a second, by one thread: cut from a stream and
/// parsed, and parsed only; and what part of the time that is which `serde_json` takes to read the
/// same bytes as a tree.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let line = std::fs::read("../../testdata/crashes/sentry-3k.json").unwrap();
    let line = [line.trim_ascii(), b"\n"].concat();
    assert!(!line.trim_ascii().contains(&b'\n'));
    let count = 100_000_u32;
    let stream = line.repeat(count as usize);
    for _ in 0..3 {
        let begin = Instant::now();
        let frames: usize = (0..count).map(|_| parse(&line).unwrap().frames().count()).sum();
        let parsed = begin.elapsed();
        let begin = Instant::now();
        let cut: usize =
            Reports::new(&stream[..]).map(|report| report.unwrap().bytes.unwrap().len()).sum();
        let cutting = begin.elapsed();
        let begin = Instant::now();
        let values = (0..count)
            .filter(|_| serde_json::from_slice::<serde_json::Value>(&line).is_ok())
            .count();
        let peer = begin.elapsed();
        assert_eq!(values, count as usize);
        assert!(frames > 0 && cut >= stream.len() - count as usize);
        let rate = |time: std::time::Duration| f64::from(count) / time.as_secs_f64();
        let ratio = parsed.as_secs_f64() / peer.as_secs_f64();
        println!(
            "{} bytes: parse {:.0} /s, {ratio:.2} x serde_json::Value; cut {:.0} /s",
            line.len(),
            rate(parsed),
            rate(cutting)
        );
    }
}
