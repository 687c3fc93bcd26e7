//! Reports with their frames resolved: every fixture of testdata/crashes, with nothing known and
//! with all known; reports written by hand, before and after; lines of a live log; and answers that
//! make no sense.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "annotate/all.rs"]
mod all;
#[path = "annotate/goldens.rs"]
mod goldens;
#[path = "annotate/inputs.rs"]
mod inputs;
#[path = "annotate/mutants.rs"]
mod mutants;

use std::path::{Path, PathBuf};

use symtool_report::{CrashEvent, JavaFrame, Reports, Resolution, ResolvedFrame, annotate, parse};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/crashes")
}

/// The reports of all files of a folder that can be read, with the names of their files.
fn reports(folder: &Path) -> Vec<(String, Vec<u8>, CrashEvent)> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .max_depth(4)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        // A message is no text, and is passed on as it is.
        if path.extension().is_some_and(|end| end == "pb") {
            continue;
        }
        let cut: Vec<Vec<u8>> = Reports::new(&bytes[..])
            .map(|report| report.unwrap())
            .filter_map(|report| report.bytes.ok())
            .collect();
        // A file that is one report stays whole, with what stands around it.
        if let [_] = cut[..] {
            all.push((name, bytes));
        } else {
            all.extend(cut.into_iter().map(|report| (name.clone(), report)));
        }
    }
    all.into_iter()
        .filter_map(|(name, report)| parse(&report).ok().map(|event| (name, report, event)))
        .collect()
}

fn written(report: &[u8], event: &CrashEvent, resolutions: &[Resolution]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    annotate(report, event, resolutions, &mut out);
    out.strip_prefix(b"before").unwrap().to_vec()
}

fn call(function: &str, place: Option<(&str, u32, u32)>) -> ResolvedFrame {
    let (file, line, column) =
        place.map_or((None, 0, 0), |(file, line, column)| (Some(file.to_owned()), line, column));
    ResolvedFrame { function: function.to_owned(), file, line, column, ..ResolvedFrame::default() }
}

/// Functions, innermost first; `offset` is the outermost one's.
fn native(mut calls: Vec<ResolvedFrame>, offset: u64) -> Resolution {
    let inlined = calls.len() - 1;
    calls[..inlined].iter_mut().for_each(|call| call.inlined = true);
    calls[inlined].function_offset = Some(offset);
    Resolution::Native(calls)
}

fn java(calls: &[(&str, &str, Option<&str>, u32)]) -> Resolution {
    let of = |(class, method, file, line): &(&str, &str, Option<&str>, u32)| JavaFrame {
        class: (*class).to_owned(),
        method: (*method).to_owned(),
        file: file.map(str::to_owned),
        line: *line,
    };
    Resolution::Java(calls.iter().map(of).collect())
}

fn read(report: &[u8]) -> CrashEvent {
    parse(report).unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(report)))
}
