//! Every fixture of testdata/crashes, and what has to be read from it, as stated here by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::{Path, PathBuf};

use symtool_formats::ModuleKind;
use symtool_formats::crash::{
    At, CrashError, CrashEvent, Exception, Format, Frame, FrameKind, ImageId, ImageKind, LogReader, Lookup, Place, Relation, Relative,
    Reports, Space, Trust, parse,
};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/crashes").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(name: &str) -> (CrashEvent, String) {
    let bytes = bytes(name);
    let event = parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    (event, String::from_utf8(bytes).unwrap())
}

#[expect(clippy::ref_option, reason = "what fields are")]
fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("-")
}

fn functions(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| text(&frame.function)).collect()
}

fn at(frames: &[Frame]) -> Vec<At> {
    frames.iter().map(|frame| frame.at).collect()
}

/// Image and address of each frame.
fn lookups(event: &CrashEvent, frames: &[Frame]) -> Vec<Option<(usize, u64)>> {
    frames.iter().map(|frame| event.lookup(frame).map(|Lookup { image, address, .. }| (image, address))).collect()
}

fn spans<'a>(report: &'a str, frames: &[Frame]) -> Vec<&'a str> {
    frames.iter().map(|frame| &report[frame.span.range()]).collect()
}

/// Class, method, file and line.
fn java(frame: &Frame) -> (&str, &str, &str, Option<u32>) {
    assert_eq!(frame.kind, FrameKind::Java);
    (text(&frame.module), text(&frame.function), text(&frame.file), frame.line)
}

#[expect(clippy::unnecessary_wraps, reason = "what an image has")]
fn id(digits: &str) -> Option<ImageId> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    Some(ImageId::Whole(pairs.collect()))
}

#[test]
fn sentry_native() {
    let (event, report) = read("sentry-native.json");
    assert_eq!(
        (event.format, text(&event.event_id), event.time_ms),
        (Format::Sentry, "F00DFACE-0000-4000-8000-000000000001", Some(1_709_280_000_500))
    );
    assert_eq!((text(&event.app.release), text(&event.app.build), text(&event.arch)), ("player@1.2.3", "77", "arm64"));
    assert_eq!((text(&event.os.name), text(&event.os.version)), ("Linux", "6.1"));
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.kind), text(&reason.signal), reason.signal_number, text(&reason.code)),
        ("SIGABRT", "SIGABRT", Some(6), "SI_TKILL")
    );
    assert_eq!(text(&reason.message), "assertion \"size > 0\" failed");
    // The thread that the exception names; the raw stack, crash side first.
    assert_eq!(event.crashed_thread, Some(1));
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["abort", "decode", "-"]);
    assert_eq!(at(frames), [At::Instruction, At::Adjusted, At::Return]);
    assert_eq!(lookups(&event, frames), [Some((0, 0x2020)), Some((0, 0x1010)), Some((1, 0x1040))]);
    assert_eq!((text(&frames[0].raw_function), frames[0].address, frames[0].in_app), ("abort()", Some(0x70_0000_2020), Some(false)));
    assert_eq!(frames[2].relative, Some(Relative { address: 0x1040, space: Space::Image }));
    let trust: Vec<Option<Trust>> = frames.iter().map(|frame| frame.trust).collect();
    assert_eq!(trust, [Some(Trust::Context), Some(Trust::Scan), Some(Trust::FramePointer)]);
    assert!(spans(&report, frames)[1].starts_with("{ \"instruction_addr\": \"0x7000001010\", \"function\": \"decode\""));
    assert!(spans(&report, frames).iter().all(|span| span.starts_with('{') && span.ends_with('}')));
    assert_eq!(event.threads.iter().map(|thread| thread.id).collect::<Vec<_>>(), [Some(40), Some(41), Some(42)]);
    assert_eq!(at(&event.threads[0].frames), [At::Instruction]);
    assert_eq!(at(&event.threads[2].frames), [At::Adjusted, At::Adjusted]);
    let build_id = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0, 1, 2, 3, 4];
    assert!(event.images[0].id.as_ref().unwrap().is_of(ModuleKind::Elf, &build_id));
    assert_eq!(event.images[1].id, id("0123456789abcdef0123456789abcdef01234567"));
    assert_eq!((event.images[2].kind, text(&event.images[2].name)), (ImageKind::Pe, "plugin.dll"));
    assert_eq!(event.images[2].id, id("00112233445566778899aabbccddeeff"));
}

#[test]
fn sentry_java() {
    let (event, _) = read("sentry-java.json");
    let kinds: Vec<(&str, &str, Relation, Option<usize>)> =
        event.exceptions.iter().map(|it| (text(&it.kind), text(&it.module), it.relation, it.parent)).collect();
    let want = [
        ("a.b$c", "-", Relation::Thrown, None),
        ("IOException", "java.io", Relation::Suppressed, Some(0)),
        ("NullPointerException", "java.lang", Relation::Cause, Some(0)),
    ];
    assert_eq!(kinds, want);
    let frames = event.crash_frames();
    assert_eq!(java(&frames[1]), ("b.d", "run", "Unknown Source", Some(12)));
    assert_eq!(java(&frames[2]), ("android.os.Handler", "dispatchMessage", "Handler.java", Some(106)));
    assert_eq!((frames[0].kind, lookups(&event, frames)), (FrameKind::Native, vec![Some((2, 0x10)), None, None]));
    assert_eq!(java(&event.exceptions[2].frames[0]), ("b.c", "a", "SourceFile", Some(7)));
    assert_eq!((event.images[0].kind, &event.images[0].id), (ImageKind::Proguard, &id("6d0b2b4c1a2b3c4d8e8f909192939495")));
    assert_eq!((event.images[1].kind, event.images[2].kind), (ImageKind::Other, ImageKind::Elf));
    assert_eq!(
        (text(&event.app.id), text(&event.app.build), text(&event.app.release)),
        ("com.example.notes", "310", "com.example.notes@3.1+310")
    );
    assert_eq!((text(&event.reason.kind), text(&event.reason.message)), ("a.b$c", "cannot save"));
    assert_eq!((event.time_ms, text(&event.platform)), (Some(1_700_000_001_000), "java"));
}

#[test]
fn sentry_cocoa() {
    let (event, report) = read("sentry-cocoa.json");
    assert_eq!((event.crashed_thread, event.threads[1].id, text(&event.threads[1].name)), (Some(0), Some(1), "worker 🚀"));
    assert_eq!(functions(&event.threads[0].frames), ["-[View café:]", "<redacted>"]);
    // The registers say where the thread was: in the second function bit 0 of the address is all that differs.
    assert_eq!(at(&event.threads[0].frames), [At::Instruction, At::Return]);
    assert_eq!(at(event.crash_frames()), [At::Return, At::Return]);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x4010)), Some((0, 0x4001))]);
    let lookup = event.lookup(&event.crash_frames()[0]).unwrap();
    assert_eq!((lookup.space, lookup.file_address(event.images[0].vmaddr.unwrap())), (Space::Image, 0x1_0000_4010));
    assert_eq!((event.images[0].kind, text(&event.images[0].arch)), (ImageKind::MachO, "arm64"));
    assert_eq!(event.images[0].id, id("7964c290eee736fa82d90b14a40c0b12"));
    let reason = &event.reason;
    assert_eq!((text(&reason.kind), text(&reason.signal), text(&reason.code)), ("EXC_BAD_ACCESS", "SIGSEGV", "SEGV_NOOP"));
    assert_eq!((reason.fault_address, event.time_ms), (Some(8), Some(1_485_425_111_000)));
    assert_eq!(spans(&report, event.crash_frames()), [r#"{"instruction_addr":"0x100004010"}"#, r#"{"instruction_addr":"0x100004001"}"#]);
}

#[test]
fn sentry_lines() {
    let stream = bytes("sentry.ndjson");
    let reports: Vec<_> = Reports::new(&stream[..]).map(Result::unwrap).collect();
    assert_eq!(reports.iter().map(|report| report.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let events: Vec<Result<CrashEvent, CrashError>> = reports.iter().map(|report| parse(report.bytes.as_ref().unwrap())).collect();
    let ids: Vec<Option<&str>> = events.iter().map(|event| event.as_ref().ok().and_then(|event| event.event_id.as_deref())).collect();
    let want = [
        Some("0c5f3d6a9b2e4f7081a2b3c4d5e6f708"),
        None,
        Some("b0b0b0b0b0b040008000000000000002"),
        Some("ECFC9BBCF3DC4BF192C6EBA600E1FD1C"),
    ];
    assert_eq!(ids, want);
    assert!(matches!(events[1], Err(CrashError::Truncated { format: Format::Sentry, place: Place::Byte(1500), .. })));
    assert_eq!(events[0].as_ref().unwrap().crash_frames().len(), 14);
    for report in &reports {
        let start = usize::try_from(report.offset).unwrap();
        assert!(stream[start..].starts_with(report.bytes.as_ref().unwrap()));
    }
}

#[test]
fn tombstone() {
    let (event, report) = read("tombstone-arm64.txt");
    assert_eq!((event.format, text(&event.arch), event.time_ms), (Format::Tombstone, "arm64", Some(1_680_667_628_123)));
    assert_eq!((text(&event.process.name), event.process.pid), ("com.example.reader", Some(5120)));
    assert_eq!(text(&event.os.build), "example/reader/reader:14/AB1C/1234567:userdebug/test-keys");
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.signal), reason.signal_number, text(&reason.code), reason.fault_address),
        ("SIGSEGV", Some(11), "SEGV_ACCERR", Some(0x7b_0000_1000))
    );
    assert_eq!(text(&reason.message), "stack pointer is not in a rw map; likely due to stack overflow.");
    assert_eq!(event.threads.len(), 2);
    assert_eq!((event.crashed_thread, event.threads[0].id, text(&event.threads[0].name)), (Some(0), Some(5149), "Page loader"));
    assert_eq!((event.threads[1].id, event.threads[1].crashed, text(&event.threads[1].name)), (Some(5120), false, "ample.reader"));
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["page::Layout::measure(int, char const*)", "-", "__pthread_start(void*)", "-"]);
    assert_eq!(lookups(&event, frames), [Some((0, 0x12b24)), Some((0, 0x12f0c)), Some((1, 0xf5e68)), None]);
    assert!(event.frames().all(|frame| frame.at == At::Adjusted));
    assert_eq!(event.lookup(&frames[0]).unwrap().space, Space::File);
    assert_eq!(functions(&event.threads[1].frames), ["__epoll_pwait", "android::Looper::pollInner(int)"]);
    let page = &event.images[0];
    assert_eq!((text(&page.name), page.package_offset), ("libpage.so", Some(0x001c_4000)));
    assert_eq!(text(&page.path), "/data/app/~~a==/com.example.reader-b==/base.apk!libpage.so");
    assert_eq!(page.id, id("00112233445566778899aabbccddeeff00010203"));
    // Known from a frame, placed by the memory map.
    let libc = &event.images[1];
    assert_eq!((text(&libc.name), libc.load_address, libc.size), ("libc.so", Some(0x7a_4000_0000), Some(0x10_0000)));
    let names: Vec<&str> = event.images.iter().map(|image| text(&image.name)).collect();
    assert_eq!(names, ["libpage.so", "libc.so", "libextra.so", "libutils.so"]);
    assert_eq!((event.images[2].load_address, event.images[2].size), (Some(0x7a_1000_0000), Some(0x5000)));
    let spans = spans(&report, frames);
    assert!(spans[0].starts_with("#00 pc 0000000000012b24") && spans[0].ends_with("00010203)"));
    assert_eq!(spans[3], "#03 pc 0000000000000040  <anonymous:7a20000000>");
}

#[test]
fn old_tombstone() {
    let (event, _) = read("tombstone-old.txt");
    assert_eq!((text(&event.reason.message), event.reason.fault_address), ("channel 3:\nbuffer is 'full'", None));
    assert_eq!(functions(event.crash_frames()), ["tgkill", "-"]);
    assert_eq!((event.threads.len(), event.process.pid, text(&event.process.name)), (1, Some(230), "/system/bin/mixer"));
    assert_eq!(event.images[1].id, None);
}

#[test]
fn logcat_native() {
    let (event, report) = read("logcat-native.txt");
    assert_eq!((event.format, text(&event.arch), event.exceptions.len(), event.threads.len()), (Format::Logcat, "arm", 0, 1));
    assert_eq!((text(&event.reason.signal), event.reason.fault_address), ("SIGSEGV", Some(8)));
    assert_eq!(functions(event.crash_frames()), ["draw", "-"]);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x12345)), Some((0, 0x23456))]);
    assert!(spans(&report, event.crash_frames())[1].starts_with("#01 pc 00023456  /data/app"));
}

#[test]
fn logcat_java() {
    let (event, report) = read("logcat-java.txt");
    assert_eq!((event.format, text(&event.process.name), event.process.pid), (Format::Logcat, "com.example.mail", Some(4321)));
    assert_eq!((event.crashed_thread, text(&event.threads[0].name)), (Some(0), "AsyncTask #2"));
    let [thrown, cause] = &event.exceptions[..] else { panic!("{:?}", event.exceptions) };
    assert_eq!(text(&thrown.message), "An error occurred\nwhile executing doInBackground()");
    assert_eq!((text(&cause.kind), text(&cause.message), cause.shared, cause.parent), ("a.b.c", "no mailbox", 3, Some(0)));
    assert_eq!(
        thrown.frames.iter().map(java).collect::<Vec<_>>(),
        [("android.os.AsyncTask$4", "done", "AsyncTask.java", Some(415)), ("java.lang.Thread", "run", "Thread.java", Some(923))]
    );
    assert_eq!(
        cause.frames.iter().map(java).collect::<Vec<_>>(),
        [("a.b.d", "e", "Unknown Source", Some(14)), ("a.b.d", "native", "Native Method", None)]
    );
    assert_eq!(spans(&report, &cause.frames)[0], "at a.b.d.e(Unknown Source:14)");
}

#[test]
fn java_chained() {
    let (event, _) = read("java-chained.txt");
    assert_eq!((event.format, text(&event.platform), text(&event.threads[0].name)), (Format::Java, "java", "worker-1"));
    let chain: Vec<(&str, &str, Relation, Option<usize>, u32)> = event
        .exceptions
        .iter()
        .map(|Exception { kind, message, relation, parent, shared, .. }| (text(kind), text(message), *relation, *parent, *shared))
        .collect();
    let want = [
        ("com.example.StoreException", "cannot save\norder: 17", Relation::Thrown, None, 0),
        ("java.io.IOException", "close", Relation::Suppressed, Some(0), 2),
        ("java.lang.Error", "inner", Relation::Cause, Some(1), 0),
        ("java.lang.NullPointerException", "-", Relation::Cause, Some(0), 2),
    ];
    assert_eq!(chain, want);
    let frames = event.crash_frames();
    assert_eq!(java(&frames[0]), ("com.example.Store", "save", "Store.java", Some(88)));
    assert_eq!(java(&frames[1]), ("com.example.Api$$Lambda$12/0x0000000800c03000", "handle", "Unknown Source", None));
    assert_eq!((java(&frames[2]).0, text(&frames[2].package)), ("java.lang.Thread", "java.base"));
    assert_eq!(java(&event.exceptions[2].frames[0]), ("com.example.Log", "flush", "Log.kt", None));
    assert_eq!((java(&event.exceptions[3].frames[0]).1, text(&event.exceptions[3].frames[0].package)), ("<init>", "store-1.2.jar:1.2"));
}

#[test]
fn java_plain() {
    let (event, _) = read("java-plain.txt");
    assert_eq!((event.format, event.exceptions.len(), event.threads.len()), (Format::Java, 1, 0));
    assert_eq!(text(&event.reason.kind), "java.lang.ArrayIndexOutOfBoundsException");
    assert_eq!(text(&event.reason.message), "Index 5 out of bounds for length 3");
    assert_eq!(event.crash_frames().len(), 2);
}

#[test]
fn sanitizer() {
    let (event, report) = read("sanitizer.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.reason.fault_address),
        (Format::Sanitizer, "heap-use-after-free", Some(0x6020_0000_0010))
    );
    assert_eq!((event.process.pid, event.crashed_thread, event.threads.len()), (Some(777), Some(0), 2));
    assert_eq!(text(&event.threads[1].name), "freed by thread T0 here");
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["shop::Cart::total(int, char const*)", "main", "-"]);
    assert_eq!((text(&frames[0].file), frames[0].line, frames[0].column), ("/src/cart.cc", Some(42), Some(7)));
    assert_eq!(lookups(&event, frames), [None, Some((0, 0x2000)), Some((1, 0x27890))]);
    assert_eq!(event.images[0].id, id("0a0b0c0d0e0f10111213141516171819aabbccdd"));
    assert_eq!(spans(&report, frames)[2], "#2 0x7f1234567890  (/lib/libc.so.6+0x27890)");
}

#[test]
fn frames() {
    let (event, _) = read("frames-plain.txt");
    assert_eq!((event.format, event.threads.len(), event.images.len()), (Format::Frames, 1, 2));
    assert_eq!(at(event.crash_frames()), [At::Instruction, At::Return, At::Adjusted]);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x1234)), Some((0, 0x2345)), Some((1, 0x420))]);
    let (event, _) = read("frames-glibc.txt");
    assert_eq!(at(event.crash_frames()), [At::Return; 3]);
    assert_eq!(functions(event.crash_frames()), ["_ZN4shop5crashEi", "-", "__libc_start_main"]);
    assert_eq!(lookups(&event, event.crash_frames()), [None, Some((0, 0x2345)), None]);
    assert_eq!(event.crash_frames()[0].address, Some(0x55d0_c0de_1234));
}

#[test]
fn apple_text() {
    let (event, report) = read("apple-ios.crash");
    assert_eq!((event.format, text(&event.event_id)), (Format::AppleText, "0E4A0DCF-0000-4000-8000-000000000003"));
    check_ios(&event, &report);
    let (event, report) = read("apple-old.ips");
    assert_eq!((event.format, text(&event.app.release)), (Format::Ips, "45"));
    check_ios(&event, &report);
}

fn check_ios(event: &CrashEvent, report: &str) {
    assert_eq!((text(&event.process.name), event.process.pid, text(&event.arch)), ("Trail Map", Some(812), "arm64"));
    assert_eq!((text(&event.app.id), text(&event.app.build), event.time_ms), ("com.example.trailmap", "2.3", Some(1_620_277_689_500)));
    assert_eq!((text(&event.os.name), text(&event.os.version), text(&event.os.build)), ("iPhone OS", "14.5", "18E199"));
    assert_eq!((text(&event.reason.kind), text(&event.reason.signal)), ("EXC_CRASH", "SIGABRT"));
    let [thrown] = &event.exceptions[..] else { panic!("{:?}", event.exceptions) };
    assert_eq!(text(&thrown.kind), "NSRangeException");
    assert_eq!(text(&thrown.message), "*** -[__NSArrayM objectAtIndex:]: index 3 beyond bounds [0 .. 2]");
    assert_eq!(spans(report, event.crash_frames()), ["0x19a0f4100", "0x100a04220", "0x100a04010"]);
    assert_eq!(at(event.crash_frames()), [At::Return; 3]);
    assert_eq!(lookups(event, event.crash_frames()), [Some((1, 0x4100)), Some((0, 0x4220)), Some((0, 0x4010))]);
    assert_eq!((event.crashed_thread, text(&event.threads[0].name)), (Some(1), "Dispatch queue: com.apple.main-thread"));
    let crashed = &event.threads[1];
    assert_eq!(
        (crashed.crashed, text(&crashed.name), at(&crashed.frames)),
        (true, "Map loader", vec![At::Instruction, At::Return, At::Return])
    );
    assert_eq!(lookups(event, &crashed.frames), [Some((2, 0x104)), Some((0, 0x5ffe)), None]);
    assert_eq!(functions(&event.threads[0].frames), ["mach_msg_trap", "-"]);
    assert_eq!(spans(report, &crashed.frames)[1], "1   Trail Map                     \t0x0000000100a05ffe 0x100a00000 + 24574");
    let image = &event.images[0];
    assert_eq!((text(&image.name), text(&image.arch), image.size), ("Trail Map", "arm64", Some(0x10000)));
    assert_eq!(image.id, id("00112233445566778899aabbccddeeff"));
    assert_eq!(event.images.len(), 3);
}

#[test]
fn apple_watchdog_and_simulator() {
    let (event, _) = read("apple-watchdog.crash");
    let message = "Namespace SPRINGBOARD, Code 0x8badf00d\nSPRINGBOARD, com.example.scanner failed to scene-create in time";
    assert_eq!((text(&event.reason.message), text(&event.reason.signal)), (message, "SIGKILL"));
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["-[Reader wait:]", "main"]);
    assert_eq!((text(&frames[0].file), frames[0].line), ("Reader.m", Some(31)));
    assert_eq!(lookups(&event, frames), [Some((0, 0x2123)), Some((0, 0x2201))]);
    assert_eq!((text(&event.threads[0].name), text(&event.images[0].arch)), ("Dispatch queue: com.apple.main-thread", "armv7"));
    assert_eq!((event.exceptions.len(), event.time_ms), (0, Some(1_451_703_845_000)));
    let (event, _) = read("apple-simulator.crash");
    assert_eq!((text(&event.reason.kind), text(&event.reason.signal), text(&event.arch)), ("EXC_BAD_INSTRUCTION", "SIGILL", "x86_64"));
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["_assertionFailure(_:_:file:line:flags:)", "closure #1 in ViewController.load()"]);
    assert_eq!((text(&frames[1].file), frames[1].line, text(&frames[1].package)), ("ViewController.swift", Some(17), "com.example.demo"));
    assert_eq!(lookups(&event, frames), [Some((1, 0xa_1b2c)), Some((0, 0x1a2b))]);
    assert_eq!((text(&event.images[0].version), event.time_ms), ("1.0 - 1", Some(1_570_821_194_000)));
}

#[test]
fn apple_ips() {
    let (event, report) = read("apple-mac.ips");
    assert_eq!(
        (event.format, text(&event.event_id), event.time_ms),
        (Format::Ips, "11111111-2222-4333-8444-555555555555", Some(1_668_255_254_750))
    );
    assert_eq!((text(&event.app.release), text(&event.app.build), text(&event.arch)), ("5.0", "500", "arm64"));
    assert_eq!((text(&event.os.name), text(&event.os.version), text(&event.os.build)), ("macOS", "13.0", "22A380"));
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.code), reason.fault_address, text(&reason.message)),
        ("KERN_INVALID_ADDRESS", Some(0x20), "mixer: lost a channel")
    );
    assert_eq!((event.crashed_thread, text(&event.threads[1].name), event.exceptions.len()), (Some(1), "audio", 0));
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["clamp(_:)", "Gain.apply(_:)", "-", "-"]);
    assert_eq!(frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(), [true, false, false, false]);
    assert_eq!(at(frames), [At::Instruction, At::Instruction, At::Return, At::Return]);
    assert_eq!(lookups(&event, frames), [Some((0, 16640)), Some((0, 16640)), Some((0, 20000)), Some((2, 64))]);
    assert_eq!((text(&frames[1].file), frames[1].line), ("Gain.swift", Some(40)));
    assert_eq!(spans(&report, frames)[2], r#"{"imageOffset":20000,"imageIndex":0}"#);
    assert_eq!((&event.images[0].id, text(&event.images[1].name)), (&id("00112233445536778899aabbccddeeff"), "libsystem_kernel.dylib"));
    let (event, _) = read("apple-exception.ips");
    assert_eq!((text(&event.exceptions[0].kind), text(&event.exceptions[0].message)), ("NSInvalidArgumentException", "nil key"));
    assert_eq!((functions(event.crash_frames()), at(event.crash_frames())), (vec!["__exceptionPreprocess", "-"], vec![At::Return; 2]));
    assert_eq!((event.crashed_thread, event.time_ms), (Some(0), Some(1_672_628_645_000)));
}

#[test]
fn kscrash() {
    let (event, report) = read("kscrash-signal.json");
    assert_eq!((event.format, event.time_ms, text(&event.arch)), (Format::KsCrash, Some(1_433_664_550_000), "armv7"));
    assert_eq!((event.crashed_thread, event.threads[1].id, text(&event.threads[1].name)), (Some(1), Some(3), "tuner"));
    let frames = event.crash_frames();
    assert_eq!((functions(frames), at(frames)), (vec!["-[Tuner seek:]", "main"], vec![At::Instruction, At::Return]));
    assert_eq!(lookups(&event, frames), [Some((0, 256)), Some((0, 513))]);
    assert_eq!((event.images[0].vmaddr, text(&event.images[0].arch), text(&event.images[0].name)), (Some(16384), "armv7", "Radio"));
    assert_eq!(event.images[1].id, id("fedcba9876543210fedcba9876543210"));
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.kind), text(&reason.code), reason.fault_address),
        ("EXC_BAD_ACCESS", "KERN_INVALID_ADDRESS", Some(0xffff_ffff))
    );
    assert!(spans(&report, frames)[0].starts_with("{ \"instruction_addr\": 16640"));
    let (event, _) = read("kscrash-exception.json");
    assert_eq!((text(&event.exceptions[0].kind), text(&event.exceptions[0].message)), ("TunerException", "no station"));
    // What was recorded when the exception was thrown are return addresses, all of them.
    assert_eq!(at(event.crash_frames()), [At::Return, At::Return]);
    assert_eq!((event.time_ms, event.crash_frames().len()), (Some(1_433_664_550_250), 2));
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
        seen.push((name, found.arch.map(str::to_owned), place.split_once(' ').unwrap().0.to_owned()));
    }
    let owned = |text: &str| Some(text.to_owned());
    let want = [
        (None, None, "at".to_owned()),
        (owned("libcanvas.so"), owned("arm"), "#00".to_owned()),
        // Another program's.
        (None, owned("arm"), "at".to_owned()),
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
    for line in ["*** *** *** ***", "ABI: 'arm'", "#00 pc 1 /a.so", "*** *** *** ***", "#00 pc 2 /a.so", "ABI: 'arm64'", "#01 pc 3 /a.so"] {
        let line = format!("{prefix}{line}\n");
        arches.extend(reader.feed(line.as_bytes()).map(|found| found.arch.map(str::to_owned)));
    }
    assert_eq!(arches, [Some("arm".to_owned()), None, Some("arm64".to_owned())]);
}

#[test]
fn a_live_log_without_end_takes_no_memory() {
    let mut reader = LogReader::new();
    let mut count = 0;
    for number in 0..200_000 {
        let line = format!("#00 pc 00000123  /data/app/lib{number}.so (f+1)\n");
        count += usize::from(reader.feed(line.as_bytes()).is_some_and(|found| found.frame.at == At::Adjusted && found.image.is_some()));
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
        ("[{\"event_id\":\"x\"}]", "a JSON array; pass its elements one a line"),
        ("{\"event_id\":\"x\",\"message\":\"hi\"}", "a Sentry event without exception, thread or stack trace"),
        ("\u{7f}ELF\u{2}\u{1}\u{1}\0", "text without a stack frame"),
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
    let over = vec![b' '; symtool_formats::crash::limits::MAX_REPORT_BYTES + 1];
    assert!(matches!(parse(&over), Err(CrashError::TooLarge { .. })));
}
