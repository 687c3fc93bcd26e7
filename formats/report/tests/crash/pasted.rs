//! Reports as people paste them: old and new layouts, prefixes, quotes, HTML, prose around them.
//! What is right was written from the texts.

use symtool_report::{At, CrashError, CrashEvent, Frame, FrameKind, Reports, parse, split};

use super::bytes;

/// What a crash is: what it is about, its thread's name or number, and its frames as
/// `CLASS.FUNCTION[ in MODULE][ at FILE:LINE]`.
type Want<'a> = (&'a str, &'a str, &'a [&'a str]);

fn crashes(name: &str) -> Vec<CrashEvent> {
    let stream = bytes(name);
    let reports = Reports::new(stream.as_slice()).map(|report| report.unwrap().bytes.unwrap());
    let parts = reports.flat_map(|report| split(&report).unwrap_or_else(|| vec![report]));
    let read: Result<Vec<CrashEvent>, CrashError> = parts.map(|part| parse(&part)).collect();
    read.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn shown(event: &CrashEvent, frame: &Frame) -> String {
    let function = frame.function.as_deref().unwrap_or("?");
    let class = frame
        .module
        .as_deref()
        .filter(|_| frame.kind == FrameKind::Java)
        .map_or(String::new(), |class| format!("{class}."));
    let image = frame
        .image
        .and_then(|image| event.images.get(usize::try_from(image).unwrap())?.name.as_deref());
    let image = image.map_or(String::new(), |image| format!(" in {image}"));
    let line = frame.line.map_or(String::new(), |line| format!(":{line}"));
    let place = frame.file.as_deref().map_or(String::new(), |file| format!(" at {file}{line}"));
    format!("{class}{function}{image}{place}")
}

fn told(event: &CrashEvent) -> String {
    let exceptions = event.exceptions.iter().filter_map(|exception| exception.kind.as_deref());
    let reason = [&event.reason.kind, &event.reason.signal, &event.reason.message];
    reason
        .into_iter()
        .filter_map(|text| text.as_deref())
        .chain(exceptions)
        .collect::<Vec<&str>>()
        .join(" | ")
}

fn thread(event: &CrashEvent) -> String {
    let thread = event.crashed_thread.map(|index| &event.threads[index]);
    let id = thread.and_then(|thread| thread.id.map(|id| id.to_string()));
    id.or_else(|| thread.and_then(|thread| thread.name.clone())).unwrap_or_default()
}

#[track_caller]
fn assert_crashes(name: &str, wanted: &[Want<'_>]) {
    let found = crashes(name);
    assert_eq!(found.len(), wanted.len(), "{name}");
    for (event, (about, in_thread, frames)) in found.iter().zip(wanted) {
        assert!(told(event).contains(about), "{name}: {} lacks {about}", told(event));
        assert_eq!(thread(event), *in_thread, "{name}");
        let shown: Vec<String> =
            event.crash_frames().iter().map(|frame| shown(event, frame)).collect();
        assert_eq!(shown, *frames, "{name}");
    }
}

#[test]
fn debuggers() {
    assert_crashes(
        "gdb-wrapped.txt",
        &[(
            "",
            "",
            &[
                "__GI_raise at ../sysdeps/unix/sysv/linux/raise.c:51",
                "__GI_abort at abort.c:79",
                "g_assertion_message at ../../glib/gtestutils.c:3065",
                "lamp_refill at src/lamp.c:44",
                "main at src/main.c:7",
            ],
        )],
    );
    assert_crashes(
        "gdb-windows.txt",
        &[("", "1", &["wick_light at C:/src/wick.c:12", "main at C:/src/main.c:7"])],
    );
    assert_crashes(
        "gdb-old.txt",
        &[("SIGSEGV", "", &["wick_light at wick.c:12", "main at main.c:7"])],
    );
    let escaped = ["wick_light in Lantern at wick.c:12", "lamp_refill in Lantern at lamp.c:44"];
    assert_crashes("lldb-escaped.txt", &[("EXC_BAD_ACCESS", "3", &escaped)]);
}

#[test]
fn backtraces_of_programs() {
    let numbered = [
        "_Z7handleri in lantern",
        "? in libc.so.6",
        "_ZN7lantern4Wick5lightEv in lantern",
        "main in lantern",
        "_start in lantern",
    ];
    assert_crashes("frames-numbered.txt", &[("", "", &numbered)]);
    let server = [
        "xorg_backtrace in Xorg",
        "? in Xorg",
        "? in libpthread.so.0",
        "wick_light in lamp_drv.so",
        "_start in Xorg",
    ];
    assert_crashes("frames-xorg.txt", &[("", "", &server)]);
    // `(0x55d0c0c00000+0x1b8d39)` counts from where the file was loaded.
    assert_eq!(
        crashes("frames-xorg.txt")[0].crash_frames()[1].relative.unwrap().address,
        0x001b_8d39
    );
    let handler =
        "folly::symbolizer::(anonymous namespace)::innerSignalHandler(int, siginfo_t*, void*)";
    let place = " at /src/folly/experimental/symbolizer/SignalHandler.cpp";
    let outer = "folly::symbolizer::(anonymous namespace)::signalHandler(int, siginfo_t*, void*)";
    let (inner, outer) = (format!("{handler}{place}:449"), format!("{outer}{place}:470"));
    assert_crashes(
        "glog-folly.txt",
        &[(
            "SIGSEGV",
            "",
            &[
                &inner,
                &outer,
                "?",
                "lantern::Wick::light() at /src/wick.cc:12",
                "main at /src/main.cc:7",
            ],
        )],
    );
    // `PC: @ 0x0 (unknown)` is none.
    let list = ["?", "lantern::SendSignal()", "main"];
    assert_crashes("glog-prefix.txt", &[("SIGBUS", "", &list)]);
    let write = ["main.(*Wick).Light at /src/wick.go:12", "main.main.func1 at /src/main.go:7"];
    assert_crashes(
        "go-race.txt",
        &[("DATA RACE", "Write at 0x00c0000b4010 by goroutine 7", &write)],
    );
}

#[test]
fn stacks_of_chromium_llvm_and_node() {
    let signal = crashes("chromium-signal.txt").remove(0);
    // The processor's words tell the signal where its number differs between machines.
    assert_eq!(
        (signal.reason.signal.as_deref(), signal.reason.code.as_deref()),
        (Some("SIGBUS"), Some("BUS_ADRERR"))
    );
    let framework = [
        "base::debug::CollectStackTrace(void const**, unsigned long) in Electron Framework",
        "base::debug::StackTrace::StackTrace() in Electron Framework",
        "logging::LogMessage::~LogMessage() in Electron Framework",
        "logging::CheckError::~CheckError() in Electron Framework",
        "lantern::Request::~Request() in Electron Framework",
        "lantern::Node::TakeRequest(std::__Cr::unique_ptr<lantern::Request>) in Electron Framework",
        "start in dyld",
    ];
    assert_crashes("chromium-mac.txt", &[("Check failed: is_done_.", "", &framework)]);
    let frontend = [
        "llvm::sys::PrintStackTrace(llvm::raw_ostream&, int) in lantern-frontend",
        "llvm::sys::RunSignalHandlers() in lantern-frontend",
        "SignalHandler(int) in lantern-frontend",
        "_sigtramp in libsystem_platform.dylib",
        "lantern::Wick::light() in lantern-frontend",
        "start in dyld",
    ];
    assert_crashes("llvm-mac.txt", &[("", "", &frontend)]);
    // What the signal interrupted is no call.
    assert_eq!(crashes("llvm-mac.txt")[0].crash_frames()[4].at, At::Instruction);
    let checked = [
        "node::Assert(node::AssertionInfo const&) in node",
        "lantern::Wick::Light() in node",
        "node::Start(int, char**) in node",
    ];
    assert_crashes("node-checked.txt", &[("Assertion failed: !oil_.empty()", "", &checked)]);
    let limit = [
        "node::Abort() in node",
        "? in node",
        "v8::Utils::ReportOOMFailure(v8::internal::Isolate*, char const*, v8::OOMDetails const&) in node",
    ];
    assert_crashes("node-docker.txt", &[("heap out of memory", "", &limit)]);
}

#[test]
fn sanitizers_and_kernels() {
    let light = "lantern::Wick::light() at /src/wick.cc:12";
    let main = "main at /src/main.cc:7";
    let two: [Want<'_>; 2] = [
        ("member call on null pointer", "", &[light, main, "__libc_start_main in libc.so.6"]),
        ("SEGV", "", &[light, main]),
    ];
    assert_crashes("sanitizer-ubsan-two.txt", &two);
    let noted = ["lantern::Lamp::of(lantern::Wick*) at /src/lamp.h:44", "main at /src/main.cc:7"];
    assert_crashes("sanitizer-ubsan-note.txt", &[("downcast of address", "", &noted)]);
    let decoded = [
        "dump_stack_lvl at lib/dump_stack.c:107",
        "print_address_description.constprop.0 at mm/kasan/report.c:365",
        "wick_test_super at fs/wick/mount.c:286",
        "print_report at mm/kasan/report.c:476",
        "kasan_report at mm/kasan/report.c:590",
        "wick_test_super at fs/wick/mount.c:286",
        "sget_fc at fs/super.c:700",
    ];
    assert_crashes("kernel-decoded.txt", &[("slab-use-after-free", "", &decoded)]);
    let write = "write to 0xffff88800853aa88 of 4 bytes by task 4712 on cpu 1";
    assert_crashes(
        "kernel-kcsan.txt",
        &[("data-race", write, &["wick_light", "vfs_write", "do_syscall_64"])],
    );
    // Below `BUG: …`, `Oops: 0000 [#1] SMP` begins no other report.
    let old = ["wick_light", "lamp_refill", "vfs_read", "vfs_write", "system_call_fastpath"];
    assert_crashes("kernel-old.txt", &[("NULL pointer dereference", "", &old)]);
}

#[test]
fn android_and_apple() {
    let java = [
        "org.example.lantern.Wick.light at Wick.kt:12",
        "org.example.lantern.Lamp.refill at Lamp.kt:44",
    ];
    let two: [Want<'_>; 2] = [
        ("java.lang.IllegalStateException", "main", &java),
        ("SIGSEGV", "4720", &["Wick::light() in libother.so"]),
    ];
    assert_crashes("logcat-long-two.txt", &two);
    let place = [
        "abort in libc.so",
        "lantern::Wick::light() in liblantern.so at wick.cpp:12",
        "? in liblantern.so",
    ];
    assert_crashes("crashlytics-place.txt", &[("SIGABRT", "Thread", &place)]);
    let dart = [
        "Wick.light at wick.dart:12",
        "_LampState.refill at lamp.dart:44",
        "State.setState at framework.dart:1139",
        "main at main.dart:7",
    ];
    assert_crashes("crashlytics-dart.txt", &[("FlutterError", "", &dart)]);
    let heroku = [
        "org.example.lantern.Wick.light at Wick.java:12",
        "org.example.lantern.Lamp.refill at Lamp.java:44",
    ];
    let event = crashes("prefix-java.txt").remove(0);
    assert_eq!(
        event.exceptions[0].frames.iter().map(|frame| shown(&event, frame)).collect::<Vec<_>>(),
        heroku
    );
    assert_eq!(event.exceptions[1].kind.as_deref(), Some("java.io.IOException"));
    let quoted = crashes("apple-quoted.txt").remove(0);
    let names: Vec<&str> =
        quoted.crash_frames().iter().filter_map(|frame| frame.function.as_deref()).collect();
    assert_eq!(names, ["__exceptionPreprocess", "objc_exception_throw", "-[Wick light]", "main"]);
    // The report has a sign of quotation where the text that was read has none.
    assert!(quoted.frames().all(|frame| frame.span.range().is_empty()));
    assert_crashes(
        "apple-fenced.txt",
        &[("EXC_BAD_ACCESS", "1", &["? in Lantern", "main in Lantern at main.swift:7"])],
    );
}
