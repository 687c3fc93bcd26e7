//! Reports that are JSON.

use symtool_module::ModuleKind;
use symtool_report::{
    At, Format, FrameKind, ImageKind, Relation, Relative, Space, Trust, all, parse,
};

use crate::{at, functions, id, java, lookups, read, spans, text};

#[test]
fn sentry_native() {
    let (event, report) = read("sentry-native.json");
    assert_eq!(
        (event.format, text(&event.event_id), event.time_ms),
        (Format::Sentry, "F00DFACE-0000-4000-8000-000000000001", Some(1_709_280_000_500))
    );
    assert_eq!(
        (text(&event.app.release), text(&event.app.build), text(&event.arch)),
        ("player@1.2.3", "77", "arm64")
    );
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
    assert_eq!(
        (text(&frames[0].raw_function), frames[0].address, frames[0].in_app),
        ("abort()", Some(0x70_0000_2020), Some(false))
    );
    assert_eq!(frames[2].relative, Some(Relative { address: 0x1040, space: Space::Image }));
    let trust: Vec<Option<Trust>> = frames.iter().map(|frame| frame.trust).collect();
    assert_eq!(trust, [Some(Trust::Context), Some(Trust::Scan), Some(Trust::FramePointer)]);
    assert!(
        spans(&report, frames)[1]
            .starts_with("{ \"instruction_addr\": \"0x7000001010\", \"function\": \"decode\"")
    );
    assert!(spans(&report, frames).iter().all(|span| span.starts_with('{') && span.ends_with('}')));
    assert_eq!(
        event.threads.iter().map(|thread| thread.id).collect::<Vec<_>>(),
        [Some(40), Some(41), Some(42)]
    );
    assert_eq!(at(&event.threads[0].frames), [At::Instruction]);
    assert_eq!(at(&event.threads[2].frames), [At::Adjusted, At::Adjusted]);
    let build_id = [
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
        0, 1, 2, 3, 4,
    ];
    assert!(event.images[0].id.as_ref().unwrap().is_of(ModuleKind::Elf, &build_id));
    assert_eq!(event.images[1].id, id("0123456789abcdef0123456789abcdef01234567"));
    assert_eq!((event.images[2].kind, text(&event.images[2].name)), (ImageKind::Pe, "plugin.dll"));
    assert_eq!(event.images[2].id, id("00112233445566778899aabbccddeeff"));
}

#[test]
fn sentry_java() {
    let (event, _) = read("sentry-java.json");
    let kinds: Vec<(&str, &str, Relation, Option<usize>)> = event
        .exceptions
        .iter()
        .map(|it| (text(&it.kind), text(&it.module), it.relation, it.parent))
        .collect();
    let want = [
        ("a.b$c", "-", Relation::Thrown, None),
        ("IOException", "java.io", Relation::Suppressed, Some(0)),
        ("NullPointerException", "java.lang", Relation::Cause, Some(0)),
    ];
    assert_eq!(kinds, want);
    let frames = event.crash_frames();
    assert_eq!(java(&frames[1]), ("b.d", "run", "Unknown Source", Some(12)));
    assert_eq!(
        java(&frames[2]),
        ("android.os.Handler", "dispatchMessage", "Handler.java", Some(106))
    );
    assert_eq!(
        (frames[0].kind, lookups(&event, frames)),
        (FrameKind::Native, vec![Some((2, 0x10)), None, None])
    );
    assert_eq!(java(&event.exceptions[2].frames[0]), ("b.c", "a", "SourceFile", Some(7)));
    assert_eq!(
        (event.images[0].kind, &event.images[0].id),
        (ImageKind::Proguard, &id("6d0b2b4c1a2b3c4d8e8f909192939495"))
    );
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
    assert_eq!(
        (event.crashed_thread, event.threads[1].id, text(&event.threads[1].name)),
        (Some(0), Some(1), "worker 🚀")
    );
    assert_eq!(functions(&event.threads[0].frames), ["-[View café:]", "<redacted>"]);
    // The registers say where the thread was: in the second function bit 0 of the address is all
    // that differs.
    assert_eq!(at(&event.threads[0].frames), [At::Instruction, At::Return]);
    assert_eq!(at(event.crash_frames()), [At::Return, At::Return]);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x4010)), Some((0, 0x4001))]);
    let lookup = event.lookup(&event.crash_frames()[0]).unwrap();
    assert_eq!(
        (lookup.space, lookup.file_address(event.images[0].vmaddr.unwrap())),
        (Space::Image, 0x1_0000_4010)
    );
    assert_eq!((event.images[0].kind, text(&event.images[0].arch)), (ImageKind::MachO, "arm64"));
    assert_eq!(event.images[0].id, id("7964c290eee736fa82d90b14a40c0b12"));
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.kind), text(&reason.signal), text(&reason.code)),
        ("EXC_BAD_ACCESS", "SIGSEGV", "SEGV_NOOP")
    );
    assert_eq!((reason.fault_address, event.time_ms), (Some(8), Some(1_485_425_111_000)));
    assert_eq!(
        spans(&report, event.crash_frames()),
        [r#"{"instruction_addr":"0x100004010"}"#, r#"{"instruction_addr":"0x100004001"}"#]
    );
}

#[test]
fn apple_ips() {
    let (event, report) = read("apple-mac.ips");
    assert_eq!(
        (event.format, text(&event.event_id), event.time_ms),
        (Format::Ips, "11111111-2222-4333-8444-555555555555", Some(1_668_255_254_750))
    );
    assert_eq!(
        (text(&event.app.release), text(&event.app.build), text(&event.arch)),
        ("5.0", "500", "arm64")
    );
    assert_eq!(
        (text(&event.os.name), text(&event.os.version), text(&event.os.build)),
        ("macOS", "13.0", "22A380")
    );
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.code), reason.fault_address, text(&reason.message)),
        ("KERN_INVALID_ADDRESS", Some(0x20), "mixer: lost a channel")
    );
    assert_eq!(
        (event.crashed_thread, text(&event.threads[1].name), event.exceptions.len()),
        (Some(1), "audio", 0)
    );
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["clamp(_:)", "Gain.apply(_:)", "-", "-"]);
    assert_eq!(
        frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(),
        [true, false, false, false]
    );
    assert_eq!(at(frames), [At::Instruction, At::Instruction, At::Return, At::Return]);
    assert_eq!(
        lookups(&event, frames),
        [Some((0, 16640)), Some((0, 16640)), Some((0, 20000)), Some((2, 64))]
    );
    assert_eq!((text(&frames[1].file), frames[1].line), ("Gain.swift", Some(40)));
    assert_eq!(spans(&report, frames)[2], r#"{"imageOffset":20000,"imageIndex":0}"#);
    assert_eq!(
        (&event.images[0].id, text(&event.images[1].name)),
        (&id("00112233445536778899aabbccddeeff"), "libsystem_kernel.dylib")
    );
    let (event, _) = read("apple-exception.ips");
    assert_eq!(
        (text(&event.exceptions[0].kind), text(&event.exceptions[0].message)),
        ("NSInvalidArgumentException", "nil key")
    );
    assert_eq!(
        (functions(event.crash_frames()), at(event.crash_frames())),
        (vec!["__exceptionPreprocess", "-"], vec![At::Return; 2])
    );
    assert_eq!((event.crashed_thread, event.time_ms), (Some(0), Some(1_672_628_645_000)));
}

#[test]
fn kscrash() {
    let (event, report) = read("kscrash-signal.json");
    assert_eq!(
        (event.format, event.time_ms, text(&event.arch)),
        (Format::KsCrash, Some(1_433_664_550_000), "armv7")
    );
    assert_eq!(
        (event.crashed_thread, event.threads[1].id, text(&event.threads[1].name)),
        (Some(1), Some(3), "tuner")
    );
    let frames = event.crash_frames();
    assert_eq!(
        (functions(frames), at(frames)),
        (vec!["-[Tuner seek:]", "main"], vec![At::Instruction, At::Return])
    );
    assert_eq!(lookups(&event, frames), [Some((0, 256)), Some((0, 513))]);
    assert_eq!(
        (event.images[0].vmaddr, text(&event.images[0].arch), text(&event.images[0].name)),
        (Some(16384), "armv7", "Radio")
    );
    assert_eq!(event.images[1].id, id("fedcba9876543210fedcba9876543210"));
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.kind), text(&reason.code), reason.fault_address),
        ("EXC_BAD_ACCESS", "KERN_INVALID_ADDRESS", Some(0xffff_ffff))
    );
    assert!(spans(&report, frames)[0].starts_with("{ \"instruction_addr\": 16640"));
    let (event, _) = read("kscrash-exception.json");
    assert_eq!(
        (text(&event.exceptions[0].kind), text(&event.exceptions[0].message)),
        ("TunerException", "no station")
    );
    // What was recorded when the exception was thrown are return addresses, all of them.
    assert_eq!(at(event.crash_frames()), [At::Return, At::Return]);
    assert_eq!((event.time_ms, event.crash_frames().len()), (Some(1_433_664_550_250), 2));
}

#[test]
fn models_of_devices() {
    let model = |report: &str| parse(report.as_bytes()).unwrap().device;
    // A device's name is what its owner calls it, and no model.
    let sentry = r#"{"event_id":"f00dface000040008000000000000001","platform":"native",
        "contexts":{"device":{"name":"Mia's phone","model":"Pixel 7","arch":"arm64"}},
        "exception":{"values":[{"type":"SIGSEGV","stacktrace":{"frames":[{"instruction_addr":"0x1"}]}}]}}"#;
    assert_eq!(model(sentry).as_deref(), Some("Pixel 7"));
    assert_eq!(model(&sentry.replace(r#""model":"Pixel 7","#, "")), None);
    let ips = String::from_utf8(crate::bytes("apple-mac.ips")).unwrap();
    let ips =
        ips.replacen("\"procName\"", "\"modelCode\" : \"MacBookAir10,1\",\n  \"procName\"", 1);
    assert_eq!(model(&ips).as_deref(), Some("MacBookAir10,1"));
    let kscrash = String::from_utf8(crate::bytes("kscrash-signal.json")).unwrap();
    let kscrash = kscrash.replacen("\"cpu_arch\"", "\"machine\": \"iPad3,1\", \"cpu_arch\"", 1);
    assert_eq!(model(&kscrash).as_deref(), Some("iPad3,1"));
    let (text, metrickit) = (crate::bytes("apple-ios.crash"), crate::bytes("metrickit.json"));
    assert_eq!(parse(&text).unwrap().device.as_deref(), Some("iPhone12,1"));
    let first = all(&metrickit).remove(0).event.unwrap();
    assert_eq!(first.device.as_deref(), Some("iPhone15,4"));
}
