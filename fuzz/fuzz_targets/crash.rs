//! Any bytes as crash reports: cutting them, reading each and marking its frames must end, without
//! a panic, with places that lie within the report.

#![no_main]

use libfuzzer_sys::fuzz_target;
use symtool_report::{CrashEvent, LogReader, Reports, annotate, parse};

fn check(event: &CrashEvent, report: &[u8]) {
    assert!(event.crashed_thread.is_none_or(|index| index < event.threads.len()));
    for frame in event.frames() {
        assert!(frame.span.start < frame.span.end && frame.span.range().end <= report.len());
        assert!(event.lookup(frame).is_none_or(|lookup| lookup.image < event.images.len()));
    }
    // Nothing is resolved, so nothing may change.
    let mut text = Vec::new();
    annotate(report, event, &[], &mut text);
}

fuzz_target!(|bytes: &[u8]| {
    let mut end = 0;
    for report in Reports::new(bytes).map_while(Result::ok) {
        let Ok(report_bytes) = report.bytes else { continue };
        assert!(report.offset >= end);
        end = report.offset + report_bytes.len() as u64;
        if let Ok(event) = parse(&report_bytes) {
            check(&event, &report_bytes);
        }
    }
    if let Ok(event) = parse(bytes) {
        check(&event, bytes);
    }
    let mut log = LogReader::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Some(found) = log.feed(line) {
            assert!(found.frame.span.range().end <= line.len());
        }
    }
});
