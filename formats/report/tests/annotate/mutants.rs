//! Answers that make no sense, events of other reports, and reports with bytes changed: nothing
//! panics, and what is JSON stays JSON.

use symtool_report::{
    Format, JavaFrame, LogReader, Resolution, ResolvedFrame, annotate_line, parse,
};

use super::{folder, reports, written};

const NAMES: [&str; 12] = [
    "",
    " ",
    "\n#00 pc 1 /x",
    "\"\\",
    "a\u{0}b\u{7f}",
    "é😀\u{2028}",
    "x+1",
    "operator<< (BuildId: aa)",
    "at a.b(c)",
    "[inlined]",
    "(",
    "0x1 0x2",
];

fn name(random: &mut fastrand::Rng) -> String {
    match random.u8(..100) {
        0 => "n".repeat(200_000),
        1 => "é".repeat(70_000),
        _ => random.choice(NAMES).unwrap().to_owned(),
    }
}

fn answer(random: &mut fastrand::Rng) -> Resolution {
    let count = random.usize(..4);
    let number = |random: &mut fastrand::Rng| random.choice([0, 1, 77, u32::MAX]).unwrap();
    match random.u8(..5) {
        0 => Resolution::Unresolved,
        1 => {
            let of = |random: &mut fastrand::Rng| {
                let (class, method, file) =
                    (name(random), name(random), random.bool().then(|| name(random)));
                JavaFrame { class, method, file, line: number(random) }
            };
            Resolution::Java((0..count).map(|_| of(random)).collect())
        }
        _ => {
            let of = |random: &mut fastrand::Rng| ResolvedFrame {
                function: name(random),
                raw_function: random.bool().then(|| name(random)),
                file: random.bool().then(|| name(random)),
                line: number(random),
                column: number(random),
                inlined: random.bool(),
                function_offset: random.choice([None, Some(0), Some(36), Some(u64::MAX)]).unwrap(),
            };
            Resolution::Native((0..count).map(|_| of(random)).collect())
        }
    }
}

#[test]
fn answers_that_make_no_sense() {
    let random = &mut fastrand::Rng::with_seed(7);
    for (name, report, event) in reports(&folder()) {
        for _ in 0..60 {
            let count = event.frames().count() + random.usize(..3);
            let answers: Vec<Resolution> =
                (0..count.saturating_sub(1)).map(|_| answer(random)).collect();
            let out = written(&report, &event, &answers);
            // An envelope is several documents.
            if matches!(event.format, Format::Sentry | Format::KsCrash)
                && !name.contains("envelope")
            {
                let text = std::str::from_utf8(&out).unwrap();
                serde_json::from_str::<serde_json::Value>(text)
                    .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
                assert!(parse(&out).unwrap().frames().count() >= event.frames().count(), "{name}");
            }
            // No name breaks a line: only whole lines are added.
            let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').count();
            let most: usize = answers
                .iter()
                .map(|answer| match answer {
                    Resolution::Native(calls) => calls.len(),
                    Resolution::Java(calls) => calls.len(),
                    Resolution::Unresolved => 0,
                })
                .sum();
            // In JSON that is laid out over lines, keys and calls get lines of their own.
            let is_laid_out = report.starts_with(b"{") && matches!(event.format, Format::Sentry);
            // A list of addresses becomes a line for each.
            let listed = if report.windows(3).any(|part| part == b"(0x") {
                event.frames().count()
            } else {
                0
            };
            assert!(is_laid_out || lines(&out) <= lines(&report) + most + listed, "{name}");
        }
    }
}

#[test]
fn events_of_other_reports() {
    let random = &mut fastrand::Rng::with_seed(8);
    let all = reports(&folder());
    for (_, report, _) in &all {
        for (_, _, event) in &all {
            let answers: Vec<Resolution> = event.frames().map(|_| answer(random)).collect();
            written(report, event, &answers);
            written(&report[..report.len() / 2], event, &answers);
            written(b"", event, &answers);
        }
    }
}

#[test]
fn reports_with_bytes_changed() {
    let random = &mut fastrand::Rng::with_seed(9);
    let all = reports(&folder());
    let mut read = 0;
    for _ in 0..6000 {
        let mut report = random.choice(&all).unwrap().1.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..report.len());
            match random.u8(..4) {
                0 => report[at] = random.u8(..),
                1 => drop(report.remove(at)),
                2 => report.insert(at, *random.choice(b" \n\r()[]#+0x\",:{}\xff").unwrap()),
                _ => {
                    let from = random.usize(..report.len());
                    let part = report[from..(from + random.usize(..80)).min(report.len())].to_vec();
                    report.splice(at..at, part);
                }
            }
        }
        let mut reader = LogReader::new();
        for line in report.split_inclusive(|byte| *byte == b'\n') {
            if let Some(frame) = reader.feed(line) {
                let mut out = Vec::new();
                annotate_line(line, &frame, &Resolution::Unresolved, &mut out);
                assert_eq!(out, line);
                annotate_line(line, &frame, &answer(random), &mut out);
            }
        }
        let Ok(event) = parse(&report) else { continue };
        read += 1;
        super::all::nothing_known("mutant", &report, &event);
        let answers: Vec<Resolution> = event.frames().map(|_| answer(random)).collect();
        written(&report, &event, &answers);
    }
    assert!(read > 1000, "{read}");
}
