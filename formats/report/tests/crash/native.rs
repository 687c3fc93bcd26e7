//! Reports of debuggers, sanitizers and libraries.

use symtool_report::{At, Format, ImageKind, Space};

use crate::{at, functions, id, images, lookups, places, read, spans, text, threads};

#[test]
fn gdb() {
    let (event, report) = read("gdb.txt");
    assert_eq!(
        (event.format, text(&event.reason.signal), text(&event.reason.message)),
        (Format::Gdb, "SIGSEGV", "Segmentation fault")
    );
    assert_eq!(threads(&event), [(Some(3), "io worker", 4), (Some(2), "-", 6), (Some(1), "-", 2)]);
    assert_eq!(event.crashed_thread, Some(1));
    let frames = event.crash_frames();
    let want = [
        "press::Sheet::trim",
        "press::(anonymous namespace)::fit<int, (lambda at /src/press/fit.cc:7:3)>",
        "press::Job::run",
        "<signal handler called>",
        "press::operator<<",
        "-",
    ];
    assert_eq!(functions(frames), want);
    let want = [
        ("/src/press/sheet.cc", Some(88)),
        ("/src/press/fit.cc", Some(31)),
        ("/src/press/job.cc", Some(140)),
        ("-", None),
        ("C:\\press\\job.cc", Some(12)),
        ("-", None),
    ];
    assert_eq!(places(frames), want);
    assert_eq!(
        at(frames),
        [At::Instruction, At::Return, At::Return, At::Return, At::Instruction, At::Return]
    );
    assert_eq!(
        frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(),
        [false, true, false, false, false, false]
    );
    assert_eq!((frames[0].address, frames[4].address), (None, Some(0x561e_3aa0_3d10)));
    assert!(spans(&report, frames)[2].starts_with("#2  0x0000561e3aa02c51 in press::Job::run"));
    let other = &event.threads[0].frames;
    assert_eq!(
        functions(other),
        ["-", "pthread_cond_wait", "std::function<void ()>::operator()() const", "start_thread"]
    );
    assert_eq!(images(&event, other), ["libc.so.6", "libc.so.6", "-", "-"]);
    assert_eq!(places(other)[3], ("./nptl/pthread_create.c", Some(442)));
}

#[test]
fn gdb_full() {
    let (event, _) = read("gdb-full.txt");
    assert_eq!(
        (event.format, text(&event.reason.signal), event.threads.len()),
        (Format::Gdb, "SIGABRT", 1)
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["__pthread_kill_implementation", "__GI_raise", "brush_dip(Paint*, int)", "main"]
    );
    assert_eq!(places(frames)[3], ("paint.c", Some(21)));
    assert_eq!(images(&event, frames)[2], "libbrush.so.2");
}

#[test]
fn lldb() {
    let (event, _) = read("lldb.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::Lldb, "EXC_BAD_ACCESS", Some(52011))
    );
    assert_eq!((text(&event.reason.code), event.reason.fault_address), ("2", Some(0x1_6b7f_7ff0)));
    assert_eq!(threads(&event), [(Some(1), "com.apple.main-thread", 3), (Some(4), "render", 6)]);
    assert_eq!(event.crashed_thread, Some(1));
    let frames = event.crash_frames();
    let want = [
        "Atlas::Tile::decode",
        "Atlas::clamp",
        "Atlas::Map::draw()",
        "-",
        "(anonymous namespace)::Loop::operator()(int) const",
        "-",
    ];
    assert_eq!(functions(frames), want);
    assert_eq!(
        places(frames)[..3],
        [("tile.cpp", Some(77)), ("clamp.h", Some(4)), ("map.cpp", Some(19))]
    );
    assert_eq!(images(&event, frames), ["Atlas", "Atlas", "Atlas", "Atlas", "Atlas", "-"]);
    assert_eq!(
        (frames[1].inlined, frames[0].at, frames[3].at),
        (true, At::Instruction, At::Return)
    );
    let main = &event.threads[0].frames;
    assert_eq!(
        functions(main),
        [
            "mach_msg2_trap",
            "-[NSApplication(NSEvent) _nextEventMatchingEventMask:untilDate:inMode:dequeue:]",
            "main"
        ]
    );
}

#[test]
fn coredumpctl() {
    let (event, report) = read("coredumpctl.txt");
    assert_eq!(
        (event.format, text(&event.reason.signal), event.process.pid),
        (Format::Coredumpctl, "SIGABRT", Some(20417))
    );
    assert_eq!(
        (text(&event.process.name), text(&event.arch), event.time_ms),
        ("weaver", "x86_64", Some(1_715_679_015_000))
    );
    assert_eq!(threads(&event), [(Some(20420), "-", 5), (Some(20417), "-", 2)]);
    assert_eq!(event.crashed_thread, Some(0));
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["__pthread_kill_implementation", "_ZN4loom6Shed4openEv", "__restore_rt", "-", "-"]
    );
    assert_eq!(images(&event, frames), ["libc.so.6", "libloom.so.3", "libc.so.6", "weaver", "-"]);
    assert_eq!(
        lookups(&event, frames)[1..],
        [Some((1, 0x1c40)), Some((0, 0x3c050)), Some((2, 0x2b10)), None]
    );
    assert_eq!(event.lookup(&frames[1]).unwrap().space, Space::Image);
    // Behind the trampoline is where the signal came.
    assert_eq!(at(frames), [At::Instruction, At::Return, At::Return, At::Instruction, At::Return]);
    assert_eq!(event.images[1].id, id("0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"));
    assert_eq!(event.images[2].id, id("a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"));
    assert_eq!(spans(&report, frames)[3], "#3  0x000055c1de402b10 n/a (weaver + 0x2b10)");
}

#[test]
fn coredump_in_the_journal() {
    let (event, _) = read("coredump-journal.txt");
    assert_eq!(
        (event.format, text(&event.process.name), event.process.pid),
        (Format::Coredumpctl, "grinder", Some(8790))
    );
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["raise", "-", "__libc_start_main"]);
    assert_eq!(images(&event, frames), ["libc.so.6", "grinder", "libc.so.6"]);
    assert_eq!((frames[1].address, frames[1].relative), (Some(0x563a_8716_8673), None));
}

#[test]
fn chromium() {
    let (event, _) = read("chromium.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::Chromium, "Check failed", Some(3120))
    );
    assert_eq!(
        (text(&event.reason.message), event.reason.signal_number),
        ("Check failed: index < count().", Some(6))
    );
    assert_eq!(
        event.threads.iter().map(|thread| thread.frames.len()).collect::<Vec<_>>(),
        [7, 1, 2]
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames)[3],
        "TabStrip::(anonymous namespace)::IndexOf<std::unique_ptr<Tab, std::default_delete<Tab> > >(int)"
    );
    assert_eq!(
        (functions(frames)[4], places(frames)[4]),
        ("TabStrip::Close(int)", ("../../chrome/ui/tab_strip.cc", Some(310)))
    );
    assert_eq!((images(&event, frames)[5], functions(frames)[6]), ("libc.so.6", "-"));
    // The offset is one less than the address says: it is moved into the call.
    assert_eq!((frames[5].at, lookups(&event, frames)[5]), (At::Adjusted, Some((0, 0x29d8f))));
    assert_eq!(text(&event.threads[1].name), "Task trace");
}

#[test]
fn llvm() {
    let (event, _) = read("llvm.txt");
    assert_eq!(
        (event.format, text(&event.process.path)),
        (Format::Llvm, "/opt/stitch/bin/stitchc")
    );
    let frames = event.crash_frames();
    let want = [
        "llvm::sys::PrintStackTrace(llvm::raw_ostream&, int)",
        "SignalHandler(int)",
        "-",
        "stitch::operator/(stitch::Thread const&, int)",
        "stitch::Sema::hem(stitch::Cloth*)::$_0::operator()() const",
        "main",
        "__libc_start_call_main",
    ];
    assert_eq!(functions(frames), want);
    assert_eq!(
        places(frames)[3..5],
        [("/src/stitch/thread.h", Some(9)), ("/src/stitch/my sema.cc", Some(204))]
    );
    assert_eq!(lookups(&event, frames)[0], Some((0, 0x1f6b)));
    // The frame behind libc's trampoline, which is no call's.
    assert_eq!(
        (frames[2].at, frames[3].at, frames[4].at),
        (At::Return, At::Instruction, At::Return)
    );
}

#[test]
fn thread_sanitizer() {
    let (event, _) = read("sanitizer-tsan.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::Sanitizer, "data race", Some(7702))
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        [
            "ferry::Deck::count() const",
            "ferry::load(std::vector<int, std::allocator<int> > const&)",
            "-"
        ]
    );
    assert_eq!(
        places(frames),
        [("/src/ferry/deck.h", Some(31)), ("/src/ferry/load.cc", Some(12)), ("-", None)]
    );
    assert_eq!(
        lookups(&event, frames),
        [Some((0, 0xd1f02)), Some((0, 0xd2a10)), Some((1, 0xdc252))]
    );
    assert_eq!(event.images[0].id, id("3f0a9e6cd4b1c8a2e5f70112233445566778899a"));
    assert!(event.frames().all(|frame| frame.at == At::Adjusted));
    assert_eq!(functions(&event.threads[1].frames), ["operator new(unsigned long)", "main"]);
    assert_eq!(event.threads.len(), 2);
}

#[test]
fn undefined_behaviour_sanitizer() {
    let (event, _) = read("sanitizer-ubsan.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind)),
        (Format::Sanitizer, "left shift of 1 by 40 places cannot be represented in type 'int'")
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["coin::Purse::shift(int)", "main", "__libc_start_call_main", "_start"]
    );
    assert_eq!(places(frames)[2], ("csu/../sysdeps/nptl/libc_start_call_main.h", Some(58)));
    assert_eq!(
        (lookups(&event, frames)[3], frames[0].address),
        (Some((0, 0x2a324)), Some(0x564a_11c0_d2b1))
    );
}

#[test]
fn leak_sanitizer() {
    let (event, _) = read("sanitizer-lsan.txt");
    assert_eq!(
        (text(&event.reason.kind), event.process.pid, event.threads.len()),
        ("detected memory leaks", Some(1188), 2)
    );
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["wrap_malloc", "moss::Bed::grow(int)", "main"]);
    assert_eq!(places(frames)[1..], [("bed.mm", Some(17)), ("main.mm", Some(5))]);
    let image = &event.images[0];
    assert_eq!(
        (text(&image.name), text(&image.arch), image.kind),
        ("libclang_rt.asan_osx_dynamic.dylib", "x86_64h", ImageKind::MachO)
    );
}

#[test]
fn hardware_sanitizer() {
    let (event, _) = read("sanitizer-hwasan.txt");
    assert_eq!(
        (text(&event.reason.kind), event.reason.fault_address),
        ("tag-mismatch", Some(0x0043_0a5e_0010))
    );
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["-", "tide::rise(int)", "-"]);
    assert_eq!(lookups(&event, frames), [Some((0, 0x21b30)), Some((0, 0x22004)), None]);
    assert_eq!(event.images[0].id, id("7766554433221100ffeeddccbbaa998877665544"));
    assert_eq!(frames[2].address, Some(0x006f_9910_e5a8));
}

#[test]
fn fuzzer() {
    let (event, _) = read("sanitizer-fuzzer.txt");
    assert_eq!((text(&event.reason.kind), event.process.pid), ("deadly signal", Some(415)));
    let want = [
        "__sanitizer_print_stack_trace",
        "fuzzer::PrintStackTrace()",
        "yarn::spin(unsigned char const*, unsigned long)",
    ];
    assert_eq!(functions(event.crash_frames()), want);
}

#[test]
fn glibc_in_a_handler() {
    let (event, _) = read("frames-handler.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), text(&event.process.path)),
        (Format::Glibc, "stack smashing detected", "./lathe")
    );
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["_Z7on_diedi", "-", "-", "main", "turn", "-"]);
    assert_eq!(
        images(&event, frames),
        ["lathe", "libc.so.6", "lathe", "lathe", "libturn.so.1", "-"]
    );
    assert_eq!(
        at(frames),
        [At::Return, At::Return, At::Instruction, At::Return, At::Return, At::Return]
    );
    // As far from each other in the file as in memory: 0x55e0c4a01290 is 0x1290.
    assert_eq!(
        lookups(&event, frames)[..4],
        [Some((0, 0x1234)), Some((1, 0x42520)), Some((0, 0x1290)), Some((0, 0x12c5))]
    );
    // Only the memory map tells where that one was loaded.
    let turn = event.lookup(&frames[4]).unwrap();
    assert_eq!((turn.address, turn.space), (0x1108, Space::Image));
}

#[test]
fn glog() {
    let (event, _) = read("glog.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), text(&event.reason.signal)),
        (Format::Glog, "Check failed", "SIGABRT")
    );
    assert_eq!(text(&event.reason.message), "Check failed: sum == total (3 vs. 4) books are off");
    assert_eq!((event.process.pid, event.time_ms), (Some(3120), Some(1_720_723_502_000)));
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames)[2..],
        ["ledger::Book::close(std::map<int, long, std::less<int> > const&)", "main", "-"]
    );
    assert_eq!((frames[2].address, event.threads.len()), (Some(0x004a_2b10), 2));
    // The handler's stack is one of its own.
    assert_eq!(functions(&event.threads[1].frames), ["-", "pthread_kill", "main"]);
    assert_eq!(at(&event.threads[1].frames), [At::Return, At::Instruction, At::Return]);
}

#[test]
fn absl() {
    let (event, _) = read("absl.txt");
    assert_eq!((event.format, text(&event.reason.signal)), (Format::Glog, "SIGFPE"));
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["absl::AbslFailureSignalHandler()", "-", "mill::Wheel::turn(int)", "main", "-"]
    );
    assert_eq!((frames[2].at, frames[3].at), (At::Instruction, At::Return));
}
