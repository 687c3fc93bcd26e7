//! Apple's reports as people paste them: with what stands around the JSON, without images, out of a
//! console, from `MetricKit`.

use symtool_report::{At, CrashError, Format, ImageKind, all, parse, split};

use crate::{at, bytes, functions, id, lookups, read, spans, text};

const TIDE: &str = "0a1b2c3d4e5f30718293a4b5c6d7e8f9";

#[test]
fn exceptions_in_a_console() {
    let (event, report) = read("apple-throw.txt");
    assert_eq!(
        (event.format, event.process.pid, text(&event.process.name)),
        (Format::AppleText, Some(4242), "Tide")
    );
    let thrown = &event.exceptions[0];
    assert_eq!(text(&thrown.kind), "NSInvalidArgumentException");
    assert_eq!(
        text(&thrown.message),
        "-[Gauge level]: unrecognized selector\nsent to instance 0x600003d0c120"
    );
    assert_eq!(
        functions(&thrown.frames),
        ["__exceptionPreprocess", "objc_exception_throw", "-[Chart draw]", "-[UIView _redraw]"]
    );
    assert_eq!(
        (at(&thrown.frames), thrown.frames[2].address),
        (vec![At::Return; 4], Some(0x1_02a4_c9f0))
    );
    assert!(spans(&report, &thrown.frames)[3].starts_with("3   UIKitCore"));

    let (event, report) = read("apple-throw-list.txt");
    assert_eq!(
        (text(&event.exceptions[0].kind), text(&event.exceptions[0].message)),
        ("NSGenericException", "tide")
    );
    assert_eq!(spans(&report, event.crash_frames()), ["0x1803f0a10", "0x18008c6b8", "0x102a4c9f0"]);
    // Two of them are two crashes.
    let reports: Vec<_> = symtool_report::Reports::new(&report.repeat(2).into_bytes()[..])
        .count()
        .to_string()
        .chars()
        .collect();
    assert_eq!(reports, ['2']);
}

#[test]
fn texts_without_images() {
    let (event, report) = read("apple-bare.crash");
    assert_eq!(
        (text(&event.event_id), event.crashed_thread),
        ("5A5A5A5A-0000-4000-8000-00000000000A", Some(0))
    );
    assert_eq!(
        functions(event.crash_frames()),
        ["Gauge.mean()", "-", "_dispatch_call_block_and_release"]
    );
    // A frame says where its image was loaded; others of the image lie there, too.
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x89f0)), Some((0, 0x90f0)), None]);
    assert_eq!(
        (event.images.len(), event.images[0].kind, text(&event.images[0].name)),
        (1, ImageKind::MachO, "Tide")
    );
    // Cut off before the stack there is nothing to tell.
    let stack = report.find("Thread 2 Crashed").unwrap();
    assert!(matches!(parse(&report.as_bytes()[..stack]), Err(CrashError::Truncated { .. })));
}

#[test]
fn what_stands_around_the_json() {
    let (event, _) = read("apple-asi.ips");
    assert_eq!((event.format, event.process.pid), (Format::Ips, Some(4244)));
    let thrown = &event.exceptions[0];
    assert_eq!((text(&thrown.kind), text(&thrown.message)), ("NSGenericException", "ebb"));
    // Where it was thrown, not where the process was ended.
    assert_eq!(functions(event.crash_frames()), ["__exceptionPreprocess", "-", "main"]);
    assert_eq!(
        (at(event.crash_frames()), lookups(&event, event.crash_frames())[1]),
        (vec![At::Return; 3], Some((0, 0x89f0)))
    );
    assert!(event.crash_frames().iter().all(|frame| frame.span.range().is_empty()));

    let told = all(&bytes("apple-translated.txt"));
    assert_eq!((told.len(), told[0].again.len()), (1, 1));
    let event = told[0].event.as_ref().unwrap();
    assert_eq!(
        (event.format, text(&event.event_id)),
        (Format::Ips, "5A5A5A5A-0000-4000-8000-00000000000E")
    );
    assert_eq!((event.threads.len(), event.crashed_thread), (2, Some(1)));
    assert_eq!(lookups(event, event.crash_frames()), [Some((0, 0x89f0)), Some((0, 0x90f0))]);
    let text_event = &told[0].again[0];
    assert_eq!(
        (text_event.format, text_event.threads.len(), functions(text_event.crash_frames())),
        (Format::AppleText, 2, vec!["-", "main"])
    );
    // An image of nothing, which would reach everywhere, is none.
    assert_eq!((text_event.images.len(), text_event.images[0].id.clone()), (2, id(TIDE)));

    assert_eq!(
        parse(&bytes("apple-nonfatal.ips")),
        Err(CrashError::NotACrash { found: "a non-fatal report of Apple's: the process went on" })
    );
}

#[test]
fn frames_that_rosetta_made() {
    let (event, _) = read("apple-rosetta.ips");
    assert_eq!(lookups(&event, event.crash_frames()), [None, Some((0, 0x89f0))]);
    assert_eq!(event.crash_frames()[0].address, Some(0x7ff8_162c_4528));
}

#[test]
fn metrickit() {
    let report = bytes("metrickit.json");
    let events: Vec<_> = all(&report).into_iter().map(|told| told.event.unwrap()).collect();
    assert_eq!(events.len(), 2);
    let event = &events[0];
    assert_eq!(
        (event.format, text(&event.app.id), text(&event.app.release)),
        (Format::MetricKit, "com.example.Tide", "3.2")
    );
    assert_eq!(
        (text(&event.os.name), text(&event.os.version), text(&event.arch)),
        ("iPhone OS", "17.5", "arm64e")
    );
    assert_eq!(
        (text(&event.reason.kind), text(&event.reason.signal)),
        ("EXC_BAD_ACCESS", "SIGSEGV")
    );
    assert_eq!(
        (event.threads.len(), event.crashed_thread, event.process.pid),
        (2, Some(1), Some(4246))
    );
    let frames = event.crash_frames();
    assert_eq!(at(frames), [At::Instruction, At::Return, At::Return]);
    assert_eq!(lookups(event, frames), [Some((1, 0x89f0)), Some((1, 0x90f0)), Some((0, 0x1000))]);
    assert_eq!(
        (event.images[1].id.clone(), event.images[1].load_address),
        (id(TIDE), Some(0x1_02a4_4000))
    );
    let event = &events[1];
    assert_eq!(
        (text(&event.exceptions[0].kind), text(&event.exceptions[0].message)),
        ("NSGenericException", "ebb")
    );
    assert_eq!(event.crash_frames().len(), 2);
    let parts = split(&report).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parse(&parts[1]).unwrap().exceptions, event.exceptions);
    // One crash, and only that, is the report itself.
    assert!(split(&parts[0]).is_none());
    let hang = br#"{"timeStampBegin":"x","hangDiagnostics":[{"callStackTree":{"callStacks":[{"callStackRootFrames":[{"address":1}]}]}}]}"#;
    assert_eq!(
        parse(hang),
        Err(CrashError::NotACrash { found: "MetricKit diagnostics of no crash" })
    );
}

#[test]
fn metrickit_of_any_depth() {
    let depth = 2000;
    let stack = r#"{"address":4096,"subFrames":["#.repeat(depth) + &"]}".repeat(depth);
    let report = format!(
        r#"{{"callStackTree":{{"callStacks":[{{"callStackRootFrames":[{stack}]}}]}},"diagnosticMetaData":{{"signal":11}}}}"#
    );
    assert_eq!(parse(report.as_bytes()).unwrap().crash_frames().len(), depth);
}

#[test]
fn envelopes_and_lists() {
    let (event, report) = read("sentry-envelope.txt");
    assert_eq!(
        (event.format, event.attachments, text(&event.reason.signal)),
        (Format::Sentry, 2, "SIGILL")
    );
    assert_eq!(functions(event.crash_frames()), ["ebb", "-"]);
    assert!(
        spans(&report, event.crash_frames())[1]
            .starts_with("{\"instruction_addr\":\"0x7f3000002200\"")
    );
    let none = "{\"sdk\":{}}\n{\"type\":\"session\"}\n{}\n";
    assert_eq!(
        parse(none.as_bytes()),
        Err(CrashError::NotACrash { found: "a Sentry envelope without an event" })
    );

    let list = bytes("sentry-list.json");
    let reports = symtool_report::Reports::new(&list[..])
        .map(|report| parse(&report.unwrap().bytes.unwrap()).unwrap());
    let signals: Vec<String> =
        reports.map(|event| text(&event.exceptions[0].kind).to_owned()).collect();
    assert_eq!(signals, ["SIGILL", "SIGABRT"]);
}
