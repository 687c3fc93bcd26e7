//! Streams of reports, live logs, and what is no report or not a whole one.

use symtool_report::{At, CrashError, CrashEvent, Format, LogReader, Place, Reports, parse};

use crate::{bytes, read, text};

#[test]
fn sentry_lines() {
    let stream = bytes("sentry.ndjson");
    let reports: Vec<_> = Reports::new(&stream[..]).map(Result::unwrap).collect();
    assert_eq!(reports.iter().map(|report| report.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let events: Vec<Result<CrashEvent, CrashError>> =
        reports.iter().map(|report| parse(report.bytes.as_ref().unwrap())).collect();
    let ids: Vec<Option<&str>> = events
        .iter()
        .map(|event| event.as_ref().ok().and_then(|event| event.event_id.as_deref()))
        .collect();
    let want = [
        Some("0c5f3d6a9b2e4f7081a2b3c4d5e6f708"),
        None,
        Some("b0b0b0b0b0b040008000000000000002"),
        Some("ECFC9BBCF3DC4BF192C6EBA600E1FD1C"),
    ];
    assert_eq!(ids, want);
    assert!(matches!(
        events[1],
        Err(CrashError::Truncated { format: Format::Sentry, place: Place::Byte(1500), .. })
    ));
    assert_eq!(events[0].as_ref().unwrap().crash_frames().len(), 14);
    for report in &reports {
        let start = usize::try_from(report.offset).unwrap();
        assert!(stream[start..].starts_with(report.bytes.as_ref().unwrap()));
    }
}

#[test]
fn lines_of_a_live_log() {
    let log = bytes("logcat-native.txt");
    let mut reader = LogReader::new();
    let mut seen = Vec::new();
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let Some(found) = reader.feed(line) else { continue };
        let name = found.image.as_ref().and_then(|image| image.name.clone());
        let place = String::from_utf8(line[found.frame.span.range()].to_vec()).unwrap();
        seen.push((
            name,
            found.arch.map(|arch| arch.as_str().to_owned()),
            place.split_once(' ').unwrap().0.to_owned(),
        ));
    }
    let owned = |text: &str| Some(text.to_owned());
    let want = [
        (None, None, "at".to_owned()),
        (owned("libcanvas.so"), owned("arm"), "#00".to_owned()),
        // Another program's, of which nothing else is known.
        (None, None, "at".to_owned()),
        (owned("libcanvas.so"), owned("arm"), "#01".to_owned()),
    ];
    assert_eq!(seen, want);
}

/// What one crash said of its process is forgotten when the next one begins.
#[test]
fn crashes_of_a_live_log() {
    let mut reader = LogReader::new();
    let prefix = "01-26 10:05:11.123  1  1 F DEBUG   : ";
    let mut arches = Vec::new();
    for line in [
        "*** *** *** ***",
        "ABI: 'arm'",
        "#00 pc 1 /a.so",
        "*** *** *** ***",
        "#00 pc 2 /a.so",
        "ABI: 'arm64'",
        "#01 pc 3 /a.so",
    ] {
        let line = format!("{prefix}{line}\n");
        arches.extend(
            reader
                .feed(line.as_bytes())
                .map(|found| found.arch.map(|arch| arch.as_str().to_owned())),
        );
    }
    assert_eq!(arches, [Some("arm".to_owned()), None, Some("arm64".to_owned())]);
}

#[test]
fn a_live_log_without_end_takes_no_memory() {
    let mut reader = LogReader::new();
    let mut count = 0;
    for number in 0..200_000 {
        let line = format!("#00 pc 00000123  /data/app/lib{number}.so (f+1)\n");
        count += usize::from(
            reader
                .feed(line.as_bytes())
                .is_some_and(|found| found.frame.at == At::Adjusted && found.image.is_some()),
        );
    }
    assert_eq!(count, 200_000);
}

#[test]
fn what_is_no_report() {
    for (text, found) in [
        ("", "nothing but blanks"),
        (" \n\t", "nothing but blanks"),
        ("hello", "text without a stack frame"),
        ("{\"a\":1}", "a JSON object of another kind"),
        ("[{\"event_id\":\"x\"}]", "a JSON array of no crash reports"),
        (
            "{\"event_id\":\"x\",\"message\":\"hi\"}",
            "a Sentry event without exception, thread or stack trace",
        ),
        ("\u{7f}ELF\u{2}\u{1}\u{1}\0", "an ELF file; import takes it, if it has symbols"),
        ("MDMP\u{13}\0", "a minidump; pass what `symtool symbolicate --style json` prints of it"),
        (
            "MODULE Linux x86_64 33221100554477668899AABBCCDDEEFF0 tide\nFUNC 1 2 0 f\n",
            "a Breakpad symbol file",
        ),
        ("{\"crash_info\":{},\"threads\":[]}", "minidump-stackwalk's JSON without a stack"),
        (
            "{\"signal\":6,\"executable\":\"/bin/a\",\"stacktrace\":[]}",
            "an ABRT report without a stack of machine code",
        ),
    ] {
        assert_eq!(parse(text.as_bytes()), Err(CrashError::NotACrash { found }), "{text}");
    }
}

#[test]
fn what_is_damaged() {
    let wrong = parse(b"{\"event_id\":\"x\",\"exception\":{\"values\":[}}").unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "Sentry event: damaged at byte 39 (a bracket that nothing opens); fetch it again, or send it as it was written"
    );
    let mut report = bytes("sentry-cocoa.json");
    report.extend_from_slice(b" trailing");
    assert!(matches!(parse(&report), Err(CrashError::Malformed { format: Format::Sentry, .. })));
    let deep = format!("{{\"event_id\":{}", "[".repeat(1 << 20));
    assert!(matches!(parse(deep.as_bytes()), Err(CrashError::Malformed { .. })));
}

#[test]
fn bytes_that_are_no_text() {
    let mut report = bytes("tombstone-arm64.txt");
    let name = report.windows(11).position(|window| window == b"Page loader").unwrap();
    report[name] = 0xff;
    let event = parse(&report).unwrap();
    assert_eq!(text(&event.threads[0].name), "?age loader");
    let (whole, _) = read("tombstone-arm64.txt");
    assert_eq!(event.threads[0].frames, whole.threads[0].frames);
}

#[test]
fn large_reports() {
    let frame = r#"{"instruction_addr":"0x1000","function":"recurse"},"#;
    let count = 1_000_000;
    let report = format!(
        "{{\"event_id\":\"x\",\"exception\":[{{\"stacktrace\":{{\"frames\":[{}{{\"function\":\"last\"}}]}}}}]}}",
        frame.repeat(count)
    );
    assert!(report.len() > 50_000_000);
    let event = parse(report.as_bytes()).unwrap();
    // The crash side is kept.
    assert_eq!(text(&event.crash_frames()[0].function), "last");
    assert_eq!(event.crash_frames().len() + event.dropped.frames, count + 1);
    let cut = parse(&report.as_bytes()[..report.len() - 4]).unwrap_err();
    assert!(matches!(cut, CrashError::Truncated { .. }));
    let over = vec![b' '; symtool_report::limits::MAX_REPORT_BYTES + 1];
    assert!(matches!(parse(&over), Err(CrashError::TooLarge { .. })));
}
