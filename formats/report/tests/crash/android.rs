//! Android's reports as people paste them: logs in every layout, dumps of threads, the Play
//! Console, Crashlytics, Unity, React Native.

use symtool_report::{CrashEvent, Format, Frame, FrameKind, ReportedCrash, all, parse, split};

use crate::{bytes, id, java, lookups, read, text};

/// Function of each frame; a Java method with its class.
fn names(frames: &[Frame]) -> Vec<String> {
    let name = |frame: &Frame| match (&frame.module, &frame.function) {
        (Some(class), Some(method)) => format!("{class}.{method}"),
        (_, function) => text(function).to_owned(),
    };
    frames.iter().map(name).collect()
}

/// The crashes that a report tells of.
pub fn crashes(name: &str) -> Vec<CrashEvent> {
    all(&bytes(name))
        .into_iter()
        .map(|told| told.event.unwrap_or_else(|error| panic!("{name}: {error}")))
        .collect()
}

/// Name of the crashed thread.
fn crashed(event: &CrashEvent) -> &str {
    text(&event.threads[event.crashed_thread.unwrap()].name)
}

#[test]
fn android_studio() {
    let (event, _) = read("studio-java.txt");
    assert_eq!(
        (event.format, crashed(&event), event.process.pid),
        (Format::Logcat, "main", Some(8120))
    );
    assert_eq!(
        names(&event.exceptions[0].frames),
        ["android.app.ActivityThread.performLaunchActivity", "android.app.ActivityThread.main"]
    );
    let cause = &event.exceptions[1];
    assert_eq!(text(&cause.kind), "kotlin.UninitializedPropertyAccessException");
    // What it shares with the other one belongs to it, too.
    let want = [
        "com.example.tide.Chart.onCreate",
        "android.app.ActivityThread.performLaunchActivity",
        "android.app.ActivityThread.main",
    ];
    assert_eq!((names(&cause.frames), cause.shared), (want.map(str::to_owned).to_vec(), 2));
    assert!(cause.frames[1].span.range().is_empty() && !cause.frames[0].span.range().is_empty());

    let (event, _) = read("studio-native.txt");
    assert_eq!((text(&event.reason.signal), text(&event.reason.code)), ("SIGFPE", "FPE_INTDIV"));
    assert_eq!((event.threads[0].id, crashed(&event)), (Some(8370), "Gauge reader"));
    assert_eq!(names(event.crash_frames()), ["tide::Gauge::mean()", "-"]);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x4e10)), Some((0, 0x5120))]);
    assert_eq!(event.images[0].id, id(&"5f0c".repeat(10)));

    let (event, _) = read("studio-old.txt");
    assert_eq!((crashed(&event), text(&event.process.name)), ("AsyncTask #3", "com.example.tide"));
    assert_eq!(
        java(&event.exceptions[0].frames[0]),
        ("com.example.tide.Wave", "rise", "Wave.java", Some(58))
    );
    assert_eq!(event.exceptions[0].frames.len(), 2);
}

#[test]
fn processes_that_crash_at_once() {
    let events = crashes("logcat-mixed.txt");
    let told: Vec<_> =
        events.iter().map(|event| (event.process.pid, names(event.crash_frames()))).collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let want = [
        (Some(3301), owned(&["com.example.tide.Moon.phase", "com.example.tide.Main.main"])),
        (Some(3400), owned(&["coral", "polyp"])),
        (Some(3500), owned(&["scale"])),
    ];
    assert_eq!(told, want);
    assert_eq!((text(&events[1].arch), text(&events[1].reason.signal)), ("x86_64", "SIGBUS"));
    // Each of them is a report of its own lines.
    let report = bytes("logcat-mixed.txt");
    let parts = split(&report).unwrap();
    assert_eq!(parts.len(), 3);
    for (part, event) in parts.iter().zip(&events) {
        let again = parse(part).unwrap();
        assert_eq!(
            (names(again.crash_frames()), &again.reason),
            (names(event.crash_frames()), &event.reason)
        );
        assert!(split(part).is_none());
    }
    assert!(
        parts[2]
            .split(|byte| *byte == b'\n')
            .all(|line| line.is_empty() || line[20..].starts_with(b"7008"))
    );
    assert!(split(&bytes("studio-java.txt")).is_none() && split(b"nothing").is_none());
}

#[test]
fn layouts_of_the_log() {
    let (event, _) = read("logcat-long.txt");
    assert_eq!(
        (text(&event.exceptions[0].kind), crashed(&event)),
        ("java.lang.IllegalArgumentException", "pool-1-thread-2")
    );
    assert_eq!(
        names(event.crash_frames()),
        ["com.example.tide.Sonar.ping", "java.lang.Thread.run"]
    );

    let (event, _) = read("logcat-epoch.txt");
    assert_eq!((text(&event.reason.signal), text(&event.reason.code)), ("SIGABRT", "SI_QUEUE"));
    assert_eq!(text(&event.reason.message), "tide table is empty");
    // The runtime's files say nothing of where a method is.
    assert_eq!(names(event.crash_frames()), ["abort", "com.example.tide.Table.row"]);
    let kinds: Vec<_> =
        event.crash_frames().iter().map(|frame| (frame.kind, frame.image.is_some())).collect();
    assert_eq!(kinds, [(FrameKind::Native, true), (FrameKind::Java, false)]);
}

#[test]
fn processes_that_do_not_answer() {
    let (event, _) = read("anr-traces.txt");
    assert_eq!(
        (event.format, event.process.pid, event.time_ms),
        (Format::Anr, Some(5150), Some(1_749_629_420_123))
    );
    assert_eq!(
        (event.threads.len(), crashed(&event), text(&event.reason.kind)),
        (3, "main", "ANR")
    );
    assert_eq!(
        names(event.crash_frames()),
        ["com.example.tide.Chart.draw", "android.view.View.draw"]
    );
    assert_eq!(
        names(&event.threads[2].frames),
        ["java.lang.Thread.sleep", "com.example.tide.Table.load"]
    );
    assert_eq!(crashes("anr-traces.txt").len(), 1);

    let (event, _) = read("anr-play.txt");
    assert_eq!((event.threads.len(), crashed(&event)), (2, "main"));
    assert_eq!(
        names(event.crash_frames()),
        ["__ppoll", "android.os.BinderProxy.transactNative", "com.example.tide.Harbor.query"]
    );
    assert_eq!(
        java(&event.crash_frames()[2]),
        ("com.example.tide.Harbor", "query", "Harbor.kt", Some(61))
    );

    // Two of them, a day apart, are two.
    let one = String::from_utf8(bytes("anr-traces.txt")).unwrap();
    let two = one.clone() + &one.replace("2025-06-11", "2025-06-12");
    assert_eq!(all(two.as_bytes()).len(), 2);
}

#[test]
fn crashlytics() {
    let (event, _) = read("crashlytics-android.txt");
    assert_eq!(
        (event.format, event.threads.len(), crashed(&event)),
        (Format::Crashlytics, 2, "Thread 5")
    );
    assert_eq!((text(&event.reason.signal), event.reason.fault_address), ("SIGABRT", Some(0x1f40)));
    assert_eq!(
        (text(&event.app.id), text(&event.app.release), text(&event.app.build)),
        ("com.example.tide", "3.2.1", "30201")
    );
    assert_eq!(names(event.crash_frames()), ["abort", "-", "__pthread_start(void*)"]);
    assert_eq!(
        lookups(&event, event.crash_frames()),
        [Some((0, 0x56714)), Some((1, 0x4e10)), Some((0, 0x9c3f4))]
    );
    assert_eq!(text(&event.threads[1].name), "main");

    let (event, _) = read("crashlytics-apple.txt");
    assert_eq!(
        (event.format, event.threads.len(), crashed(&event)),
        (Format::Crashlytics, 2, "com.example.tide.reader")
    );
    assert_eq!(text(&event.platform), "cocoa");
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.kind), text(&reason.code), reason.fault_address),
        ("EXC_BAD_ACCESS", "KERN_INVALID_ADDRESS", Some(0x40))
    );
    let want =
        ["Gauge.mean()", "closure #1 in Reader.start()", "-", "_dispatch_call_block_and_release"];
    assert_eq!(names(event.crash_frames()), want);
    assert_eq!(
        lookups(&event, event.crash_frames())[..3],
        [Some((0, 0x8c10)), Some((0, 0x9f00)), Some((1, 0x1f10))]
    );
    assert_eq!(event.images[1].id, id("102132435465768798a9bacbdcedfe0f"));
    assert_eq!(
        (text(&event.crash_frames()[0].file), event.crash_frames()[0].line),
        ("Gauge.swift", Some(19))
    );

    let (event, _) = read("crashlytics-java.txt");
    assert_eq!((event.exceptions.len(), event.threads.len()), (2, 1));
    assert_eq!(text(&event.exceptions[1].kind), "java.io.FileNotFoundException");
    assert_eq!(
        names(&event.exceptions[1].frames),
        ["libcore.io.IoBridge.open", "com.example.tide.Table.read"]
    );
    assert_eq!(text(&event.threads[0].name), "Table loader");
}

#[test]
fn play_console() {
    let (event, _) = read("play-native.txt");
    assert_eq!((event.format, event.threads[0].id), (Format::Tombstone, Some(8370)));
    let want =
        ["tide::Gauge::mean()", "com.example.tide.Gauge.native", "com.example.tide.Reader.run"];
    assert_eq!(names(event.crash_frames()), want);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x4e10)), None, None]);
}

#[test]
fn exceptions_of_a_server() {
    let events = crashes("java-log.txt");
    assert_eq!(events.len(), 2);
    let first = &events[0];
    assert_eq!(
        (text(&first.exceptions[0].kind), text(&first.exceptions[0].message)),
        ("java.lang.IllegalStateException", "no table")
    );
    assert_eq!(
        names(&first.exceptions[1].frames),
        ["com.example.tide.Disk.read", "com.example.tide.Server.get"]
    );
    assert_eq!(text(&events[1].exceptions[0].kind), "java.util.ConcurrentModificationException");
    assert_eq!(
        java(&events[1].exceptions[0].frames[1]),
        ("com.example.tide.Server", "list", "Server.java", Some(240))
    );
    let parts = split(&bytes("java-log.txt")).unwrap();
    assert!(parts[1].starts_with(b"java.util.ConcurrentModificationException\n"));
    assert_eq!(parts.concat(), bytes("java-log.txt"));
}

#[test]
fn javascript() {
    let (event, report) = read("react-native.txt");
    let thrown = &event.exceptions[0];
    assert_eq!(text(&thrown.kind), "com.facebook.react.common.JavascriptException");
    let own: Vec<_> =
        thrown.frames.iter().take_while(|frame| frame.kind == FrameKind::Other).collect();
    let places: Vec<_> =
        own.iter().map(|frame| (frame.function.as_deref(), frame.line, frame.column)).collect();
    assert_eq!(
        places,
        [(Some("drawTide"), Some(1), Some(812_345)), (None, Some(1), Some(812_999))]
    );
    assert_eq!(&report[own[0].span.range()], "drawTide@1:812345");
    assert_eq!(thrown.frames.len(), 4);
    assert!(
        thrown.message.as_deref().unwrap().ends_with("js engine: hermes"),
        "{:?}",
        thrown.message
    );
}

#[test]
fn echoes_of_unity() {
    let told = all(&bytes("unity-log.txt"));
    let [ReportedCrash { event: Ok(event), again }] = &told[..] else { panic!("{told:?}") };
    // The system's dump has a frame more that has a name.
    assert_eq!((event.exceptions.len(), event.crash_frames().len(), again.len()), (0, 3, 2));
    assert_eq!((text(&event.reason.signal), event.threads[0].id), ("SIGSEGV", Some(8831)));
    let lookups = lookups(event, event.crash_frames());
    assert_eq!(lookups, [Some((0, 0x00ab_c010)), Some((1, 0x0012_3456)), Some((2, 0x9c3f4))]);
    assert!(split(&bytes("unity-log.txt")).is_none());

    let (event, _) = read("unity-echo.txt");
    assert_eq!(
        (text(&event.reason.signal), event.exceptions.len(), event.threads.len()),
        ("SIGABRT", 0, 1)
    );
    let libraries: Vec<_> = event.crash_frames().iter().map(|frame| text(&frame.package)).collect();
    assert_eq!(libraries, ["libc.so", "libil2cpp.so", "libunity.so"]);
    assert_eq!(names(event.crash_frames()), ["tgkill", "-", "-"]);
    assert_eq!(event.crash_frames()[1].relative.unwrap().address, 0x00ab_c010);
}

#[test]
fn tombstone_as_a_message() {
    let report = bytes("tombstone.pb");
    let event = parse(&report).unwrap();
    assert_eq!(
        (event.format, text(&event.arch), event.time_ms),
        (Format::Tombstone, "arm64", Some(1_749_627_850_500))
    );
    assert_eq!((event.process.pid, text(&event.process.name)), (Some(8344), "com.example.tide"));
    assert_eq!(text(&event.os.build), "example/boat/boat:15/AB1C/7654321:user/release-keys");
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.signal), text(&reason.code), reason.fault_address),
        ("SIGFPE", "FPE_INTDIV", Some(0x7d_1c2f_0e10))
    );
    assert_eq!((reason.signal_number, text(&reason.message)), (Some(8), "tide table is empty"));
    assert_eq!(
        (event.threads.len(), event.crashed_thread, crashed(&event)),
        (2, Some(1), "Gauge reader")
    );
    let want =
        ["tide::Gauge::mean()", "-", "com.example.tide.Gauge.read", "__pthread_start(void*)", "-"];
    assert_eq!(names(event.crash_frames()), want);
    assert_eq!(
        lookups(&event, event.crash_frames()),
        [Some((1, 0x4e10)), Some((1, 0x5120)), None, Some((0, 0x9c3f4)), None]
    );
    assert_eq!(
        (event.images[1].package_offset, text(&event.images[1].name)),
        (Some(0x88000), "libtide.so")
    );
    assert_eq!(
        (event.images[0].load_address, event.images[0].size),
        (Some(0x7a_4000_0000), Some(0x10_0000))
    );
}
