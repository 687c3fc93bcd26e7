//! Fixtures with answers stated here, and what has to become of them: testdata/crashes-annotated,
//! edited by hand from the fixtures by the rules of docs/symbolicate.md.

use symtool_report::{CrashEvent, FrameKind, LineFrame, LogReader, Resolution, annotate_line};

use super::{call, folder, java, native, read, written};

/// The file of which golden, with answers for some of the frames of the event.
fn check(name: &str, answers: Vec<(usize, Resolution)>) {
    let report = std::fs::read(folder().join(name)).unwrap();
    let golden = std::fs::read_to_string(folder().join("../crashes-annotated").join(name)).unwrap();
    let event = read(&report);
    let mut resolutions = vec![Resolution::Unresolved; event.frames().count()];
    answers.into_iter().for_each(|(index, answer)| resolutions[index] = answer);
    assert_eq!(
        String::from_utf8(written(&report, &event, &resolutions)).unwrap(),
        golden,
        "{name}"
    );
    if std::path::Path::new(name).extension().is_some_and(|end| end == "json") {
        serde_json::from_str::<serde_json::Value>(&golden).unwrap();
    }
}

/// The functions of a report, as they are read from it.
fn functions(report: &[u8]) -> Vec<String> {
    read(report).frames().map(|frame| frame.function.clone().unwrap_or_default()).collect()
}

/// `report` with the answers for its frames.
fn with(report: &[u8], resolutions: &[Resolution]) -> String {
    String::from_utf8_lossy(&written(report, &read(report), resolutions)).into_owned()
}

#[test]
fn android() {
    let measure =
        call("page::Layout::measure(int, char const*)", Some(("/src/page/layout.cc", 42, 7)));
    check(
        "tombstone-arm64.txt",
        vec![
            (
                0,
                native(
                    vec![
                        call("page::Box::width() const", Some(("/src/page/box.h", 12, 3))),
                        measure,
                    ],
                    36,
                ),
            ),
            (1, native(vec![call("page::Layout::run()", None)], 100)),
            (
                5,
                native(
                    vec![call(
                        "android::Looper::pollInner(int)",
                        Some(("system/core/libutils/Looper.cpp", 341, 0)),
                    )],
                    188,
                ),
            ),
        ],
    );
    check("logcat-native.txt", vec![(0, drawing())]);
}

fn drawing() -> Resolution {
    native(
        vec![
            call("clip(Rect)", Some(("/src/clip.h", 2, 1))),
            call("draw(Canvas*)", Some(("/src/draw.cc", 8, 1))),
        ],
        8,
    )
}

#[test]
fn sanitizers() {
    check(
        "sanitizer.txt",
        vec![
            (
                1,
                native(
                    vec![
                        call("shop::Cart::add(int)", Some(("/src/cart.h", 9, 1))),
                        call("main", Some(("/src/main.cc", 20, 3))),
                    ],
                    1,
                ),
            ),
            (2, native(vec![call("__libc_start_call_main", None)], 0x80)),
            (3, native(vec![call("__interceptor_free", None)], 7)),
        ],
    );
}

#[test]
fn apple() {
    let load = vec![
        call("clamp(_:)", Some(("/b/Map.swift", 3, 1))),
        call("Map.load(_:)", Some(("/b/Trail Map/Map.swift", 88, 9))),
    ];
    check(
        "apple-ios.crash",
        vec![
            (1, native(load, 64)),
            (6, native(vec![call("main", Some(("/b/main.m", 16, 5)))], 30)),
        ],
    );
    let apply = || {
        vec![
            call("clamp(_:)", Some(("/src/Gain.swift", 13, 1))),
            call("Gain.apply(_:)", Some(("/src/Gain.swift", 41, 2))),
        ]
    };
    let mix =
        vec![call("mix \"wet\"\né", Some(("C:\\x\\y.swift", 5, 1))), call("Mixer.run()", None)];
    // Frame 1 is listed as inlined into frame 2: each gets its own answer.
    check(
        "apple-mac.ips",
        vec![(1, native(apply(), 40)), (2, native(apply(), 40)), (3, native(mix, 20))],
    );
}

#[test]
fn kscrash() {
    let seek = vec![
        call("-[Tuner clamp:]", Some(("/r/Tuner.m", 7, 1))),
        call("-[Tuner seekTo:]", Some(("/r/Tuner.m", 31, 1))),
    ];
    check("kscrash-signal.json", vec![(1, native(seek, 32))]);
}

#[test]
fn sentry() {
    let mut next = call("lib::next()", Some(("src/lib.h", 5, 2)));
    next.raw_function = Some("_ZN3lib4nextEv".to_owned());
    let decode = vec![next, call("lib::decode()", Some(("/b/src/lib.cc", 50, 0)))];
    check(
        "sentry-native.json",
        vec![(0, native(vec![call("abort", None)], 4)), (1, native(decode, 9))],
    );
    let run = [
        ("com.example.notes.Saver", "write", Some("Saver.kt"), 20),
        ("com.example.notes.Task", "run", Some("Task.kt"), 99),
    ];
    check(
        "sentry-java.json",
        vec![(1, java(&run)), (3, java(&[("com.example.notes.Note", "id", None, 0)]))],
    );
}

#[test]
fn plain_frames() {
    let total = vec![
        call("cart::round()", Some(("/s/cart.h", 3, 4))),
        call("cart::total()", Some(("/s/cart.cc", 30, 6))),
    ];
    let (run, main) = (
        native(vec![call("cart::run()", None)], 1),
        native(vec![call("main", Some(("/s/main.cc", 9, 0)))], 32),
    );
    check("frames-plain.txt", vec![(0, native(total, 6)), (1, run), (2, main)]);
    check(
        "frames-glibc.txt",
        vec![(0, native(vec![call("shop::crash(int)", Some(("/s/a.cc", 4, 2)))], 28))],
    );
}

#[test]
fn java_traces() {
    let handle =
        [("com.example.Api", "check", Some("Api.kt"), 3), ("com.example.Api", "handle", None, 9)];
    check(
        "java-chained.txt",
        vec![
            (1, java(&handle)),
            (7, java(&[("com.example.db.Row", "<init>", Some("Row.kt"), 51)])),
        ],
    );
}

/// What a filter on a live log makes of `log`, fed with its lines, their ends included.
fn live(log: &str, answer: impl Fn(&LineFrame<'_>) -> Resolution) -> String {
    let (mut reader, mut out) = (LogReader::new(), Vec::new());
    for line in log.split_inclusive('\n') {
        match reader.feed(line.as_bytes()) {
            Some(frame) => annotate_line(line.as_bytes(), &frame, &answer(&frame), &mut out),
            None => out.extend_from_slice(line.as_bytes()),
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn lines_of_a_live_log() {
    let log = std::fs::read_to_string(folder().join("logcat-native.txt")).unwrap();
    let golden =
        std::fs::read_to_string(folder().join("../crashes-annotated/logcat-native.live.txt"))
            .unwrap();
    let kitchen = [
        ("com.example.Oven", "heat", Some("Oven.java"), 5),
        ("com.example.Kitchen", "warmUp", Some("Kitchen.java"), 8),
    ];
    let answer = |frame: &LineFrame<'_>| match frame.frame.relative.map(|relative| relative.address)
    {
        Some(0x12345) => drawing(),
        None if frame.frame.kind == FrameKind::Java
            && frame.frame.function.as_deref() == Some("up") =>
        {
            java(&kitchen)
        }
        _ => Resolution::Unresolved,
    };
    assert_eq!(live(&log, answer), golden);
    let windows = |text: &str| text.trim_end().replace('\n', "\r\n");
    assert_eq!(live(&windows(&log), answer), windows(&golden));
    assert_eq!(live(&log, |_| Resolution::Unresolved), log);
    // Whoever reads what the filter wrote finds the names.
    assert_eq!(functions(golden.as_bytes())[..2], ["draw(Canvas*)", ""]);
}

/// A line by itself has no others that its number depends on.
#[test]
fn a_sanitizer_in_a_live_log() {
    let line = "E/hwasan: #1 0x7b  (/lib/liba.so+0x1b)\r\n";
    let want = "E/hwasan: #1 0x7b in draw(Canvas*) /src/draw.cc:8:1\r\n\
                E/hwasan:     clip(Rect) at /src/clip.h:2:1\r\n\
                E/hwasan:      (inlined by) draw(Canvas*) at /src/draw.cc:8:1\r\n";
    assert_eq!(live(line, |_| drawing()), want);
}

#[test]
fn lines_with_all_their_parts() {
    for (line, want) in [
        (
            "#00  pc 000374e0  /system/lib/libc.so (tgkill+12)",
            "#00  pc 000374e0  /system/lib/libc.so (f(int)+5)",
        ),
        (
            "#00 pc 12 /a.so (deleted) (BuildId: aa)",
            "#00 pc 12 /a.so (deleted) (f(int)+5) (BuildId: aa)",
        ),
        (
            "#00 pc 12 /a.so (offset 0x10) (deleted) (g+1)",
            "#00 pc 12 /a.so (offset 0x10) (deleted) (f(int)+5)",
        ),
        ("#00 pc 12 /a.so", "#00 pc 12 /a.so (f(int)+5)"),
        ("\tnative: #07 pc 12 /a.so (???)", "\tnative: #07 pc 12 /a.so (f(int)+5)"),
        ("#09 0x12 (/a.so+0x5)", "#09 0x12 in f(int) (/a.so+0x5)"),
        ("#9 0x12 in (/a.so+0x5) (BuildId: aa)", "#9 0x12 in f(int) (/a.so+0x5) (BuildId: aa)"),
        ("#9 0x12 in g(x) (/a b.so+0x5)", "#9 0x12 in f(int) (/a b.so+0x5)"),
        ("a.so+0x5  ", "a.so+0x5\n    f(int) at ??:0  "),
    ] {
        let answer = [native(vec![call("f(int)", None)], 5)];
        assert_eq!(with(line.as_bytes(), &answer), want);
        let other = format!("{line}\r\nend\r\n");
        assert_eq!(
            with(other.as_bytes(), &answer),
            format!("{}\r\nend\r\n", want.replace('\n', "\r\n"))
        );
    }
}

#[test]
fn bytes_that_are_no_text_stay() {
    let report = b"\xff\xfe\n\xff #00 pc 12 /x\n  #00 pc 12 /\xe2\x82.so (g+1) (BuildId: aa)\n\xc3";
    let mut want =
        b"\xff\xfe\n\xff #00 pc 12 /x\n  #00 pc 12 /\xe2\x82.so (h+3) (BuildId: aa)\n".to_vec();
    want.extend_from_slice(b"      h at a:1\n\xc3");
    assert_eq!(
        written(report, &read(report), &[native(vec![call("h", Some(("a", 1, 0)))], 3)]),
        want
    );
    let report =
        b"{\"event_id\":\"\xff\",\"stacktrace\":{\"frames\":[{\"vars\":\"\xff\",\"instruction_addr\":\"0x1\",\"data\":{\"a\":1}}]}}";
    let out = written(report, &read(report), &[native(vec![call("h", None)], 3)]);
    let want = b"{\"event_id\":\"\xff\",\"stacktrace\":{\"frames\":[{\"vars\":\"\xff\",\"instruction_addr\":\"0x1\",\
        \"data\":{\"a\":1,\"symbolicator_status\":\"symbolicated\"},\"function\":\"h\"}]}}";
    assert_eq!(out, want);
}

/// Servers of Apple's number inlined calls like frames: they have one address.
#[test]
fn inlined_calls_that_a_report_lists() {
    let report = "Incident Identifier: 1\n\nThread 0 Crashed:\n\
        0   App   \t0x0000000100000010 oops + 0 (a.swift:0)\n\
        1   App   \t0x0000000100000010 load() + 9 (a.swift:8)\n\
        2   App   \t0x0000000100000020 again + 1\n\
        3   App   \t0x0000000100000020 again + 1\n\nBinary Images:\n";
    let two = || {
        native(
            vec![call("Oops", Some(("b.swift", 3, 1))), call("Load()", Some(("b.swift", 9, 1)))],
            8,
        )
    };
    let three = || native(vec![call("x", None), call("Oops", None), call("Load()", None)], 8);
    let answers = [two(), two(), two(), two()];
    let out = with(report.as_bytes(), &answers);
    assert!(
        out.contains("0   App   \t0x0000000100000010 Oops (b.swift:3)\n1   App   \t0x0000000100000010 Load() + 8 (b.swift:9)\n2 "),
        "{out}"
    );
    assert!(out.contains("2   App   \t0x0000000100000020 Oops (b.swift:3) [inlined]\n2   App   \t0x0000000100000020 Load() + 8"), "{out}");
    // Another number of calls than the report has: only the outermost function is sure.
    let out = with(report.as_bytes(), &[three(), three()]);
    assert!(out.contains("0   App   \t0x0000000100000010 oops + 0 (a.swift:0)\n1   App   \t0x0000000100000010 Load() + 8\n2 "), "{out}");
}

#[test]
fn what_is_written_is_not_written_twice() {
    let report = "#00 pc 12 /a.so\n#01 pc 13 /a.so\nend\n";
    let answers = [drawing(), drawing()];
    let once = with(report.as_bytes(), &answers);
    assert_eq!(once.matches("(inlined by)").count(), 2);
    assert_eq!(with(once.as_bytes(), &answers), once);
    let report = br#"{"event_id":"1","stacktrace":{"frames":[{"instruction_addr":"0x10"}]}}"#;
    let once = with(report, &answers);
    assert_eq!(functions(once.as_bytes()), ["clip(Rect)", "draw(Canvas*)"]);
    assert_eq!(with(once.as_bytes(), &answers), once);
}

/// The frame of a crash keeps its meaning when inlined calls stand before it.
#[test]
fn addresses_mean_the_same_afterwards() {
    let image = r#""debug_meta":{"images":[{"type":"elf","code_id":"aabb","image_addr":"0x0","image_size":4096}]}"#;
    let event = |frames: &str| {
        format!(r#"{{"event_id":"1",{image},"stacktrace":{{"frames":[{frames}]}}}}"#)
    };
    let report = event(r#"{"instruction_addr":"0x20"},{"instruction_addr":"0x10"}"#);
    let lookups = |event: &CrashEvent| {
        event
            .frames()
            .map(|frame| event.lookup(frame).unwrap())
            .map(|at| (at.address, at.is_return()))
            .collect::<Vec<_>>()
    };
    assert_eq!(lookups(&read(report.as_bytes())), [(0x10, false), (0x20, true)]);
    let three = native(vec![call("a", None), call("b", None), call("c", None)], 1);
    let out = with(report.as_bytes(), &[three, drawing()]);
    assert_eq!(
        lookups(&read(out.as_bytes())),
        [(0x10, false), (0x10, false), (0x10, false), (0x20, true), (0x20, true)]
    );
}
