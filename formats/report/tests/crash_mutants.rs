//! Broken reports: every fixture of testdata/crashes cut at every byte, and thousands of times with
//! bytes changed. Reading one must end without a panic, with places and indices that are within
//! bounds.
//!
//! `MUTANTS=1000000` makes more of them, `SEED=7` others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::Path;

use fastrand::Rng;
use symtool_report::{CrashError, CrashEvent, Format, LogReader, Reports, all, parse, split};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/crashes");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 20, "only {} fixtures", files.len());
    files
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// What every event must be, however broken its report is.
fn check(event: &CrashEvent, report: &[u8]) {
    assert!(event.crashed_thread.is_none_or(|index| index < event.threads.len()));
    for frame in event.frames() {
        let is_elsewhere = frame.span.range().is_empty();
        assert!(
            frame.span.range().end <= report.len()
                && (frame.span.start < frame.span.end || is_elsewhere),
            "{frame:?}"
        );
        if let Some(lookup) = event.lookup(frame) {
            assert!(lookup.image < event.images.len());
        }
    }
    for (index, exception) in event.exceptions.iter().enumerate() {
        assert_eq!(exception.parent.is_some(), index > 0);
        assert!(exception.parent.is_none_or(|parent| parent < index));
    }
}

/// All reports of a stream, as a stream and as one; and its lines, as a live log.
fn read(stream: &[u8]) -> Vec<Result<CrashEvent, CrashError>> {
    let mut end = 0;
    let cut = Reports::new(stream).map(|report| {
        let report = report.unwrap();
        let bytes = report.bytes.unwrap();
        let start = usize::try_from(report.offset).unwrap();
        assert!(start >= end && stream[start..].starts_with(&bytes));
        end = start + bytes.len();
        let mut crashes = all(&bytes);
        for told in &crashes {
            told.event.iter().chain(&told.again).for_each(|event| check(event, &bytes));
        }
        if let Some(parts) = split(&bytes) {
            assert!(parts.len() > 1 && parts.len() == crashes.len());
            parts.iter().for_each(|part| drop(parse(part).map(|event| check(&event, part))));
        }
        crashes.swap_remove(0).event
    });
    let events = cut.collect();
    parse(stream).iter().for_each(|event| check(event, stream));
    let mut log = LogReader::new();
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        if let Some(found) = log.feed(line) {
            assert!(found.frame.span.range().end <= line.len());
        }
    }
    events
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.usize(1..=8) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        match rng.u32(..8) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u32(..8),
            // What formats part their fields with.
            2 | 3 => bytes[at] = *rng.choice(b"{}[]\",:\\()<>+-/#. \n\t0x\xff".iter()).unwrap(),
            4 => drop(bytes.remove(at)),
            5 => {
                let words: [&[u8]; 30] = [
                    b"#00 pc ",
                    b"*** *** ***\n",
                    b"0xffffffffffffffff",
                    b"\nThread 0:\n",
                    b"(",
                    b"\n{\"",
                    b"Caused by: a.b",
                    "é".as_bytes(),
                    b"\n#0  0x12 in f (a=1) at a.c:1\n",
                    b"\nThread 1 (LWP 1):\n",
                    b"\n* thread #1, stop reason = signal SIGABRT\n",
                    b"frame #0: 0x1 a`b [inlined] c at d:1",
                    b"\nStack trace of thread 1:\n",
                    b"==1==ERROR: AddressSanitizer: ",
                    b"(+0x1)[0x1]",
                    b"\nPC: @ 0x1 f\n",
                    b"\ngoroutine 1 [running]:\nf(\n\t",
                    b"\nstack backtrace:\n  0: ",
                    b"\nNative frames: (\nC  [a+0x1]",
                    b"\nCall Trace:\n ? f+0x1/0x2 [",
                    b"\nThread 1 (crashed)\n 0  a!b [",
                    b"\n0|0|a|",
                    b"\n[{",
                    b"}]}]",
                    b"\n03-02 10:11:12.131  1  1 F DEBUG   : ",
                    b"\nFATAL EXCEPTION: main\n",
                    b"\n----- pid 1 at 2025-03-02 10:11:12 -----\n",
                    b"\nFull Report\n",
                    b"\nat libx.0x1(Native Method)\n",
                    b"\n\"main\" tid=1 Native\n",
                ];
                let word = *rng.choice(words.iter()).unwrap();
                bytes.splice(at..at, word.iter().copied());
            }
            6 => {
                let length = rng.usize(1..64).min(bytes.len() - at);
                let from = rng.usize(..=bytes.len() - length);
                bytes.copy_within(from..from + length, at);
            }
            _ => bytes.truncate(at),
        }
    }
}

#[test]
fn broken_reports_end() {
    let fixtures = fixtures();
    let each = setting("MUTANTS", 20_000).div_ceil(fixtures.len() as u64);
    let seed = setting("SEED", 1);
    let (mut readable, mut refused) = (0, 0);
    for (index, (name, original)) in fixtures.iter().enumerate() {
        for number in 0..each {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut Rng::with_seed(seed ^ (number << 32) ^ index as u64));
            let events = std::panic::catch_unwind(|| read(&bytes))
                .unwrap_or_else(|_| panic!("{name}: mutant {number} of seed {seed}"));
            readable += events.iter().filter(|event| event.is_ok()).count();
            refused += events.iter().filter(|event| event.is_err()).count();
        }
    }
    // A test in which everything is refused tests nothing.
    assert!(readable > refused / 4 && refused > 0, "{readable} readable, {refused} refused");
}

/// A report that was cut off is recognised as such: JSON wherever it is cut, text wherever that can
/// be told.
#[test]
fn truncated_reports() {
    // Streams of several; one that has a report of another kind; one that is none.
    let others = [
        "sentry.ndjson",
        "sentry-list.json",
        "sentry-envelope.txt",
        "apple-nonfatal.ips",
        "tombstone.pb",
    ];
    for (name, original) in
        fixtures().into_iter().filter(|(name, _)| !others.contains(&name.as_str()))
    {
        let whole = original.trim_ascii_end().len();
        // Behind some a text stands.
        let is_json = original.starts_with(b"{")
            && original.trim_ascii_end().ends_with(b"}")
            && name != "apple-old.ips";
        for end in 0..whole {
            let cut = &original[..end];
            read(cut);
            match parse(cut) {
                Err(CrashError::Truncated { .. }) => {}
                // Before the first key that says what it is.
                Err(CrashError::NotACrash { .. }) => {
                    assert!(end < 250 || !is_json, "{name}: {end}");
                }
                Ok(_) => assert!(!is_json, "{name}: {end}"),
                Err(error) => panic!("{name}: {end}: {error}"),
            }
        }
        // Texts without the stack that they are about.
        if name.strip_suffix(".crash").is_some() {
            let find = |line: &[u8]| original.windows(line.len()).position(|window| window == line);
            let stack = find(b"Last Exception Backtrace:").or(find(b" Crashed:")).unwrap();
            for end in find(b"Code Type:").unwrap() + 20..stack {
                let error = parse(&original[..end]).unwrap_err();
                assert!(
                    matches!(error, CrashError::Truncated { format: Format::AppleText, .. }),
                    "{name}: {end}: {error}"
                );
            }
        }
    }
}

/// Pieces that some reader looks for again at each place.
const PIECES: [&[u8]; 40] = [
    b"{",
    b"[",
    b"{}",
    b"}{",
    b"\"\\",
    b"(",
    b" (",
    b"#00 pc 0 (",
    b"#0 0x1 in ( (\n",
    b"at a.b(c)\n",
    b"Caused by: a.b\n",
    b" Suppressed: a.b: c\n",
    b"Thread 0:\n0 a 0x1 b\n",
    b"0x1 - 0x2 a <b> c\n",
    b"0 0x0x0x0x0x",
    b"*** *** ***\n",
    b"#0  f () at a.c:1\n",
    b"Thread 1 (LWP 1):\n#0  0x1 in f () from b\n",
    b"* thread #1\nframe #0: 0x1 a`b\n",
    b"Stack trace of thread 1:\n#0 0x1 a (b + 0x1)\n",
    b"#0 0x1 in f (a+0x1) (BuildId: 00)\n",
    b"a(+0x1)[0x1]\n",
    b"PC: @ 0x1 f\n@ 0x1 f\n*** SIGABRT received ***\n",
    b"goroutine 1 [x]:\nf()\n\ta.go:1\n",
    b"stack backtrace:\n0: a\n      b\n",
    b"Native frames: (\nC  [a+0x1]\n\nDynamic libraries:\n1-2 r--p 0 0:0 1 /a\n",
    b"BUG: a\nCall Trace:\n f+0x1/0x2\n",
    b"Thread 1\n 0  a + 0x1\nLoaded modules:\n0x1 - 0x2  a  ?\n",
    b"Module|a|||0|0x1|0x2|\n0|0|a||||0x1\n",
    b"a b = ( (x= at from [ [",
    b"[{",
    b"{\"subFrames\":[",
    b"03-02 10:11:12.131  1  1 F DEBUG: *** ***\n",
    b"a.b.Error: ",
    b"a.b.Error: c\nat a.b(c.java:1)\n",
    b"... 9999 more\n",
    b"\"main\" tid=1 Native\n",
    b"{\"type\":\"event\",\"length\":1}\n",
    b"*** First throw call stack:\n(0x1 ",
    b"0  a  0x1 (Missing UUID ",
];

/// Time is linear: input twice as large takes about twice as long, whatever it consists of.
#[test]
fn repeated_pieces_end() {
    for piece in PIECES {
        let most = piece.repeat((1 << 20) / piece.len());
        let heads: [&[u8]; 10] = [
            b"OS|Linux|1\n",
            b"Core was generated by `a'.\n",
            b"",
            b"{\"event_id\":",
            b"Incident Identifier: 1\nBinary Images:\n",
            b"Abort message: '",
            b"[",
            b"{\"event_id\":\"\"}\n",
            b"{\"callStackTree\":{\"callStacks\":[{\"callStackRootFrames\":[",
            b"\x08\x01\x12\x05a/b/c",
        ];
        for head in heads {
            // Behind a head a quarter is enough.
            let repeated = if head.is_empty() { &most[..] } else { &most[..most.len() / 4] };
            read(&[head, repeated].concat());
        }
    }
}

/// The JSON reader takes all that another one takes.
#[test]
fn json_is_read_as_others_read_it() {
    let json: Vec<(String, Vec<u8>)> = fixtures()
        .into_iter()
        .filter(|(name, bytes)| bytes.starts_with(b"{") && name.strip_suffix(".json").is_some())
        .collect();
    let seed = setting("SEED", 1);
    let mut taken = 0;
    for (name, original) in &json {
        for number in 0..2000 {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut Rng::with_seed(seed ^ (number << 32)));
            if serde_json::from_slice::<serde_json::Value>(&bytes)
                .is_ok_and(|value| value.is_object())
            {
                taken += 1;
                let error = parse(&bytes).err();
                let is_read = error
                    .as_ref()
                    .is_none_or(|error| matches!(error, CrashError::NotACrash { .. }));
                assert!(is_read, "{name}: mutant {number}: {error:?}");
            }
        }
    }
    assert!(taken > 100, "only {taken}");
}
