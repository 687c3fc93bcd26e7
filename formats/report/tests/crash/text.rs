//! Reports that are text.

use symtool_report::{At, CrashEvent, Exception, Format, Relation, Space};

use crate::{at, functions, id, java, lookups, read, spans, text};

#[test]
fn tombstone() {
    let (event, report) = read("tombstone-arm64.txt");
    assert_eq!(
        (event.format, text(&event.arch), event.time_ms),
        (Format::Tombstone, "arm64", Some(1_680_667_628_123))
    );
    assert_eq!((text(&event.process.name), event.process.pid), ("com.example.reader", Some(5120)));
    assert_eq!(text(&event.os.build), "example/reader/reader:14/AB1C/1234567:userdebug/test-keys");
    let reason = &event.reason;
    assert_eq!(
        (text(&reason.signal), reason.signal_number, text(&reason.code), reason.fault_address),
        ("SIGSEGV", Some(11), "SEGV_ACCERR", Some(0x7b_0000_1000))
    );
    assert_eq!(
        text(&reason.message),
        "stack pointer is not in a rw map; likely due to stack overflow."
    );
    assert_eq!(event.threads.len(), 2);
    assert_eq!(
        (event.crashed_thread, event.threads[0].id, text(&event.threads[0].name)),
        (Some(0), Some(5149), "Page loader")
    );
    assert_eq!(
        (event.threads[1].id, event.threads[1].crashed, text(&event.threads[1].name)),
        (Some(5120), false, "ample.reader")
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["page::Layout::measure(int, char const*)", "-", "__pthread_start(void*)", "-"]
    );
    assert_eq!(
        lookups(&event, frames),
        [Some((0, 0x12b24)), Some((0, 0x12f0c)), Some((1, 0xf5e68)), None]
    );
    assert!(event.frames().all(|frame| frame.at == At::Adjusted));
    assert_eq!(event.lookup(&frames[0]).unwrap().space, Space::File);
    assert_eq!(
        functions(&event.threads[1].frames),
        ["__epoll_pwait", "android::Looper::pollInner(int)"]
    );
    let spans = spans(&report, frames);
    assert!(spans[0].starts_with("#00 pc 0000000000012b24") && spans[0].ends_with("00010203)"));
    assert_eq!(spans[3], "#03 pc 0000000000000040  <anonymous:7a20000000>");
}

#[test]
fn images_of_a_tombstone() {
    let (event, _) = read("tombstone-arm64.txt");
    let page = &event.images[0];
    assert_eq!((text(&page.name), page.package_offset), ("libpage.so", Some(0x001c_4000)));
    assert_eq!(text(&page.path), "/data/app/~~a==/com.example.reader-b==/base.apk!libpage.so");
    assert_eq!(page.id, id("00112233445566778899aabbccddeeff00010203"));
    // Known from a frame, placed by the memory map.
    let libc = &event.images[1];
    assert_eq!(
        (text(&libc.name), libc.load_address, libc.size),
        ("libc.so", Some(0x7a_4000_0000), Some(0x10_0000))
    );
    let names: Vec<&str> = event.images.iter().map(|image| text(&image.name)).collect();
    assert_eq!(names, ["libpage.so", "libc.so", "libextra.so", "libutils.so"]);
    assert_eq!(
        (event.images[2].load_address, event.images[2].size),
        (Some(0x7a_1000_0000), Some(0x5000))
    );
}

#[test]
fn old_tombstone() {
    let (event, _) = read("tombstone-old.txt");
    assert_eq!(
        (text(&event.reason.message), event.reason.fault_address),
        ("channel 3:\nbuffer is 'full'", None)
    );
    assert_eq!(functions(event.crash_frames()), ["tgkill", "-"]);
    assert_eq!(
        (event.threads.len(), event.process.pid, text(&event.process.name)),
        (1, Some(230), "/system/bin/mixer")
    );
    assert_eq!(event.images[1].id, None);
}

#[test]
fn logcat_native() {
    let (event, report) = read("logcat-native.txt");
    assert_eq!(
        (event.format, text(&event.arch), event.exceptions.len(), event.threads.len()),
        (Format::Logcat, "arm", 0, 1)
    );
    assert_eq!((text(&event.reason.signal), event.reason.fault_address), ("SIGSEGV", Some(8)));
    assert_eq!(functions(event.crash_frames()), ["draw", "-"]);
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x12345)), Some((0, 0x23456))]);
    assert!(spans(&report, event.crash_frames())[1].starts_with("#01 pc 00023456  /data/app"));
}

#[test]
fn logcat_java() {
    let (event, report) = read("logcat-java.txt");
    assert_eq!(
        (event.format, text(&event.process.name), event.process.pid),
        (Format::Logcat, "com.example.mail", Some(4321))
    );
    assert_eq!((event.crashed_thread, text(&event.threads[0].name)), (Some(0), "AsyncTask #2"));
    let [thrown, cause] = &event.exceptions[..] else { panic!("{:?}", event.exceptions) };
    assert_eq!(text(&thrown.message), "An error occurred\nwhile executing doInBackground()");
    assert_eq!(
        (text(&cause.kind), text(&cause.message), cause.shared, cause.parent),
        ("a.b.c", "no mailbox", 3, Some(0))
    );
    assert_eq!(
        thrown.frames.iter().map(java).collect::<Vec<_>>(),
        [
            ("android.os.AsyncTask$4", "done", "AsyncTask.java", Some(415)),
            ("java.lang.Thread", "run", "Thread.java", Some(923))
        ]
    );
    assert_eq!(
        cause.frames.iter().map(java).collect::<Vec<_>>(),
        [
            ("a.b.d", "e", "Unknown Source", Some(14)),
            ("a.b.d", "native", "Native Method", None),
            // Those that it shares with the other one, of which the log has only two.
            ("android.os.AsyncTask$4", "done", "AsyncTask.java", Some(415)),
            ("java.lang.Thread", "run", "Thread.java", Some(923)),
        ]
    );
    assert_eq!(spans(&report, &cause.frames)[0], "at a.b.d.e(Unknown Source:14)");
}

#[test]
fn java_chained() {
    let (event, _) = read("java-chained.txt");
    assert_eq!(
        (event.format, text(&event.platform), text(&event.threads[0].name)),
        (Format::Java, "java", "worker-1")
    );
    let chain: Vec<(&str, &str, Relation, Option<usize>, u32)> = event
        .exceptions
        .iter()
        .map(|Exception { kind, message, relation, parent, shared, .. }| {
            (text(kind), text(message), *relation, *parent, *shared)
        })
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
    assert_eq!(
        java(&frames[1]),
        ("com.example.Api$$Lambda$12/0x0000000800c03000", "handle", "Unknown Source", None)
    );
    assert_eq!((java(&frames[2]).0, text(&frames[2].package)), ("java.lang.Thread", "java.base"));
    assert_eq!(java(&event.exceptions[2].frames[0]), ("com.example.Log", "flush", "Log.kt", None));
    assert_eq!(
        (java(&event.exceptions[3].frames[0]).1, text(&event.exceptions[3].frames[0].package)),
        ("<init>", "store-1.2.jar:1.2")
    );
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
    assert_eq!(
        (event.process.pid, event.crashed_thread, event.threads.len()),
        (Some(777), Some(0), 2)
    );
    assert_eq!(text(&event.threads[1].name), "freed by thread T0 here");
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["shop::Cart::total(int, char const*)", "main", "-"]);
    assert_eq!(
        (text(&frames[0].file), frames[0].line, frames[0].column),
        ("/src/cart.cc", Some(42), Some(7))
    );
    assert_eq!(lookups(&event, frames), [None, Some((0, 0x2000)), Some((1, 0x27890))]);
    assert_eq!(event.images[0].id, id("0a0b0c0d0e0f10111213141516171819aabbccdd"));
    assert_eq!(spans(&report, frames)[2], "#2 0x7f1234567890  (/lib/libc.so.6+0x27890)");
}

#[test]
fn frames() {
    let (event, _) = read("frames-plain.txt");
    assert_eq!((event.format, event.threads.len(), event.images.len()), (Format::Frames, 1, 2));
    assert_eq!(at(event.crash_frames()), [At::Instruction, At::Return, At::Adjusted]);
    assert_eq!(
        lookups(&event, event.crash_frames()),
        [Some((0, 0x1234)), Some((0, 0x2345)), Some((1, 0x420))]
    );
    let (event, _) = read("frames-glibc.txt");
    assert_eq!(at(event.crash_frames()), [At::Return; 3]);
    assert_eq!(functions(event.crash_frames()), ["_ZN4shop5crashEi", "-", "__libc_start_main"]);
    // Where the file lies, the second frame tells.
    assert_eq!(lookups(&event, event.crash_frames()), [Some((0, 0x1234)), Some((0, 0x2345)), None]);
    assert_eq!(event.crash_frames()[0].address, Some(0x55d0_c0de_1234));
}

#[test]
fn apple_text() {
    let (event, report) = read("apple-ios.crash");
    assert_eq!(
        (event.format, text(&event.event_id)),
        (Format::AppleText, "0E4A0DCF-0000-4000-8000-000000000003")
    );
    check_ios(&event, &report);
    let (event, report) = read("apple-old.ips");
    assert_eq!((event.format, text(&event.app.release)), (Format::Ips, "45"));
    check_ios(&event, &report);
}

fn check_ios(event: &CrashEvent, report: &str) {
    assert_eq!(
        (text(&event.process.name), event.process.pid, text(&event.arch)),
        ("Trail Map", Some(812), "arm64")
    );
    assert_eq!(
        (text(&event.app.id), text(&event.app.build), event.time_ms),
        ("com.example.trailmap", "2.3", Some(1_620_277_689_500))
    );
    assert_eq!(
        (text(&event.os.name), text(&event.os.version), text(&event.os.build)),
        ("iPhone OS", "14.5", "18E199")
    );
    assert_eq!((text(&event.reason.kind), text(&event.reason.signal)), ("EXC_CRASH", "SIGABRT"));
    let [thrown] = &event.exceptions[..] else { panic!("{:?}", event.exceptions) };
    assert_eq!(text(&thrown.kind), "NSRangeException");
    assert_eq!(
        text(&thrown.message),
        "*** -[__NSArrayM objectAtIndex:]: index 3 beyond bounds [0 .. 2]"
    );
    assert_eq!(spans(report, event.crash_frames()), ["0x19a0f4100", "0x100a04220", "0x100a04010"]);
    assert_eq!(at(event.crash_frames()), [At::Return; 3]);
    assert_eq!(
        lookups(event, event.crash_frames()),
        [Some((1, 0x4100)), Some((0, 0x4220)), Some((0, 0x4010))]
    );
    assert_eq!(
        (event.crashed_thread, text(&event.threads[0].name)),
        (Some(1), "Dispatch queue: com.apple.main-thread")
    );
    let crashed = &event.threads[1];
    assert_eq!(
        (crashed.crashed, text(&crashed.name), at(&crashed.frames)),
        (true, "Map loader", vec![At::Instruction, At::Return, At::Return])
    );
    assert_eq!(lookups(event, &crashed.frames), [Some((2, 0x104)), Some((0, 0x5ffe)), None]);
    assert_eq!(functions(&event.threads[0].frames), ["mach_msg_trap", "-"]);
    assert_eq!(
        spans(report, &crashed.frames)[1],
        "1   Trail Map                     \t0x0000000100a05ffe 0x100a00000 + 24574"
    );
    let image = &event.images[0];
    assert_eq!(
        (text(&image.name), text(&image.arch), image.size),
        ("Trail Map", "arm64", Some(0x10000))
    );
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
    assert_eq!(
        (text(&event.threads[0].name), text(&event.images[0].arch)),
        ("Dispatch queue: com.apple.main-thread", "armv7")
    );
    assert_eq!((event.exceptions.len(), event.time_ms), (0, Some(1_451_703_845_000)));
    let (event, _) = read("apple-simulator.crash");
    assert_eq!(
        (text(&event.reason.kind), text(&event.reason.signal), text(&event.arch)),
        ("EXC_BAD_INSTRUCTION", "SIGILL", "x86_64")
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["_assertionFailure(_:_:file:line:flags:)", "closure #1 in ViewController.load()"]
    );
    assert_eq!(
        (text(&frames[1].file), frames[1].line, text(&frames[1].package)),
        ("ViewController.swift", Some(17), "com.example.demo")
    );
    assert_eq!(lookups(&event, frames), [Some((1, 0xa_1b2c)), Some((0, 0x1a2b))]);
    assert_eq!(
        (text(&event.images[0].version), event.time_ms),
        ("1.0 - 1", Some(1_570_821_194_000))
    );
}
