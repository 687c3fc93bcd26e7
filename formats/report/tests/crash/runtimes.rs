//! Reports of languages' runtimes, of the kernel, of minidumps, and of logs with prefixes.

use symtool_report::{At, Format, FrameKind, ImageKind, Space, Trust};

use crate::{at, functions, id, images, java, lookups, places, read, spans, text, threads};

#[test]
fn go() {
    let (event, report) = read("go.txt");
    assert_eq!(
        (event.format, text(&event.platform), text(&event.reason.kind)),
        (Format::Go, "go", "panic")
    );
    let want =
        "close of closed channel [recovered]\npanic: cannot recover: close of closed channel";
    assert_eq!(text(&event.reason.message), want);
    assert_eq!(threads(&event), [(Some(34), "-", 4), (Some(1), "-", 1)]);
    let frames = event.crash_frames();
    let want = [
        "panic",
        "example.net/dock/pier.(*Berth[...]).Release",
        "example.net/dock/pier.unload.func1",
        "example.net/dock/pier.unload",
    ];
    assert_eq!(functions(frames), want);
    assert_eq!(
        places(frames)[1..3],
        [("C:/src/dock/pier/berth.go", Some(71)), ("C:/src/dock/pier/unload.go", Some(18))]
    );
    assert_eq!(
        frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(),
        [false, false, true, false]
    );
    assert_eq!(frames[3].address, Some(0x004a_91bc));
    assert_eq!(
        spans(&report, frames)[1],
        "example.net/dock/pier.(*Berth[...]).Release(0xc00007e1e0, {0xc000012345, 0x3, 0x3})"
    );
}

#[test]
fn rust() {
    let (event, _) = read("rust.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), text(&event.reason.message)),
        (Format::Rust, "panic", "too hot:\nlimit 900")
    );
    assert_eq!(threads(&event), [(None, "worker-2", 5)]);
    let frames = event.crash_frames();
    let want = [
        "rust_begin_unwind",
        "core::panicking::panic_fmt",
        "kiln::fire::<impl kiln::Kiln for T>::heat",
        "kiln::fire::burn::{{closure}}",
        "core::ops::function::FnOnce::call_once{{vtable.shim}}",
    ];
    assert_eq!(functions(frames), want);
    assert_eq!(
        places(frames)[2..],
        [
            ("./crates/kiln/src/fire.rs", Some(52)),
            ("./crates/kiln/src/fire.rs", Some(40)),
            ("-", None)
        ]
    );
    assert_eq!((frames[2].inlined, frames[3].inlined), (true, false));
}

#[test]
fn rust_full() {
    let (event, _) = read("rust-full.txt");
    assert_eq!(text(&event.reason.message), "index out of bounds: the len is 3 but the index is 7");
    let frames = event.crash_frames();
    let want = [
        "std::backtrace_rs::backtrace::dbghelp64::trace",
        "-",
        "bakery::tray::Tray<T,A>::slide::h6d5f1c2b3a495867",
        "bakery::oven::open::h00112233aabbccdd",
        "main",
    ];
    assert_eq!(functions(frames), want);
    let addresses: Vec<_> = frames.iter().map(|frame| frame.address.unwrap()).collect();
    assert_eq!(
        addresses,
        [0x7ff6_f2a4_1b3d, 0x7ff6_f2a4_1b3d, 0x7ff6_f2a3_10f2, 0x7ff6_f2a3_10f2, 0x7ff6_f2a5_a060]
    );
    assert_eq!(places(frames)[3], ("C:\\src\\bakery\\src\\oven.rs", Some(30)));
    assert!(frames.iter().all(|frame| frame.at == At::Return));
}

#[test]
fn kernel_oops() {
    let (event, _) = read("kernel-oops.txt");
    assert_eq!(
        (event.format, text(&event.process.name), event.process.pid),
        (Format::Kernel, "anchorctl", Some(2210))
    );
    assert_eq!(
        text(&event.reason.message),
        "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000028"
    );
    assert_eq!(
        (text(&event.reason.kind), event.reason.fault_address),
        ("Unable to handle kernel NULL pointer dereference", Some(0x28))
    );
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["anchor_drop", "anchor_ioctl", "__arm64_sys_ioctl", "el0t_64_sync"]
    );
    assert_eq!(
        (text(&frames[0].package), text(&frames[1].package), text(&frames[2].package)),
        ("anchor", "anchor", "-")
    );
    assert_eq!((frames[0].at, frames[1].at), (At::Instruction, At::Return));
}

#[test]
fn kernel_kasan() {
    let (event, _) = read("kernel-kasan.txt");
    assert_eq!(
        (text(&event.reason.kind), event.reason.fault_address),
        ("slab-out-of-bounds", Some(0xffff_8881_1d2e_1c40))
    );
    assert_eq!(
        (event.format, text(&event.process.name), event.process.pid),
        (Format::Kernel, "haulier", Some(5120))
    );
    let frames = event.crash_frames();
    let want = [
        "__dump_stack",
        "dump_stack_lvl",
        "kasan_report",
        "chain_link",
        "buoy_haul",
        "__pfx_buoy_haul",
        "do_syscall_64",
    ];
    assert_eq!(functions(frames), want);
    assert_eq!(
        places(frames)[3..5],
        [("include/chain.h", Some(40)), ("drivers/buoy/haul.c", Some(88))]
    );
    assert_eq!(
        (frames[3].inlined, frames[4].inlined, frames[5].trust),
        (true, false, Some(Trust::Scan))
    );
    assert_eq!(
        (text(&event.threads[1].name), event.threads[1].frames.len()),
        ("Allocated by task 5120", 2)
    );
}

#[test]
fn node() {
    let (event, _) = read("node.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::Node, "FATAL ERROR", Some(20811))
    );
    assert_eq!(
        text(&event.reason.message),
        "Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory"
    );
    let frames = event.crash_frames();
    let want = [
        "node::OOMErrorHandler(char const*, v8::OOMDetails const&)",
        "-",
        "std::_Function_handler<void (int), quarry::Dig>::_M_invoke(std::_Any_data const&, int&&)",
        "node::SetCppgcReference",
    ];
    assert_eq!(functions(frames), want);
    assert_eq!(images(&event, frames), ["node", "node", "quarry.node", "-"]);
    assert_eq!((frames[1].address, frames[3].address), (Some(0x013f_098c), Some(0x7ff6_4ea3_18e7)));
}

#[test]
fn node_uncaught() {
    let (event, _) = read("node-uncaught.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), text(&event.reason.message)),
        (Format::Node, "TypeError", "no shovel")
    );
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["Pit.dig", "-", "-"]);
    assert_eq!(
        places(frames)[..2],
        [("/srv/quarry/dig.js", Some(31)), ("C:\\quarry\\main.js", Some(4))]
    );
    assert!(frames.iter().all(|frame| frame.kind == FrameKind::Other));
}

#[test]
fn minidump() {
    let (event, _) = read("minidump.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), text(&event.arch)),
        (Format::Minidump, "EXCEPTION_ACCESS_VIOLATION_READ", "x86_64")
    );
    assert_eq!(threads(&event), [(Some(0), "-", 1), (Some(3), "-", 4)]);
    assert_eq!(event.crashed_thread, Some(1));
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        [
            "Quill::`scalar deleting destructor'(unsigned int)",
            "Page::write(std::string const &, int)",
            "-",
            "-"
        ]
    );
    assert_eq!(
        (places(frames)[0], images(&event, frames)),
        (("quill.h", Some(12)), vec!["scribe.exe", "scribe.exe", "scribe.exe", "-"])
    );
    assert_eq!(
        lookups(&event, frames),
        [Some((1, 0x1234)), Some((1, 0x5010)), Some((1, 0x6120)), None]
    );
    let trust: Vec<_> = frames.iter().map(|frame| frame.trust.unwrap()).collect();
    assert_eq!(trust, [Trust::Context, Trust::Cfi, Trust::FramePointer, Trust::Scan]);
    assert_eq!(at(frames), [At::Instruction, At::Return, At::Return, At::Return]);
    let image = &event.images[1];
    assert_eq!(
        (image.kind, image.id.clone()),
        (ImageKind::Pe, id("5c7b8e1f0a2d4c3b9e8f7a6b5c4d3e2f"))
    );
    assert_eq!((image.load_address, image.size), (Some(0x7ff6_d0a4_0000), Some(0x2_0000)));
}

#[test]
fn minidump_of_rust() {
    let (event, _) = read("minidump-rust.txt");
    assert_eq!(threads(&event), [(Some(2), "WebrtcC~read #1", 3), (Some(3), "-", 0)]);
    assert_eq!((text(&event.reason.signal), text(&event.reason.code)), ("SIGSEGV", "SEGV_MAPERR"));
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["ink::Dot::mix()", "ink::Blot::spread(int)", "-"]);
    assert_eq!(
        (frames[0].inlined, places(frames)[..2].to_vec()),
        (true, vec![("dot.h", Some(9)), ("blot.cc", Some(31))])
    );
    // Its offsets are moved into the calls.
    assert_eq!((frames[2].at, lookups(&event, frames)[2]), (At::Adjusted, Some((0, 0x2d0f))));
}

#[test]
fn minidump_for_programs() {
    let (event, _) = read("minidump-machine.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.reason.fault_address),
        (Format::Minidump, "EXC_BAD_ACCESS", Some(0x20))
    );
    assert_eq!(threads(&event), [(Some(0), "-", 1), (Some(1), "-", 4)]);
    assert_eq!(event.crashed_thread, Some(1));
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        ["harp::String::pluck(int)", "harp::play(harp::Note, int)", "-", "-"]
    );
    assert_eq!(places(frames)[0], ("hg:hg.example.org/harp:src/string.cc:2f4a", Some(66)));
    assert_eq!(lookups(&event, frames)[2], Some((0, 0x1a2b4)));
    assert_eq!((lookups(&event, frames)[3], frames[3].address), (None, Some(0x1_04d0_0010)));
    assert_eq!(event.images[0].id, id("4c4c4420555531a18f2d6c7b8a990011"));
}

#[test]
fn dart_ahead_of_time() {
    let (event, report) = read("dart-aot.txt");
    assert_eq!(
        (event.format, event.process.pid, text(&event.arch)),
        (Format::Logcat, Some(8802), "arm64")
    );
    assert_eq!(text(&event.reason.message), "RangeError (index): Invalid value: 3");
    assert_eq!(threads(&event), [(Some(8840), "1.ui", 2)]);
    let frames = event.crash_frames();
    assert_eq!(functions(frames), ["-", "-"]);
    assert_eq!(lookups(&event, frames), [Some((0, 0x0031_a20b)), Some((0, 0x0031_b7ff))]);
    assert_eq!(
        (event.lookup(&frames[0]).unwrap().space, frames[0].at),
        (Space::File, At::Adjusted)
    );
    assert_eq!(event.images[0].id, id("b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"));
    assert!(spans(&report, frames)[0].starts_with("#00 abs 0000006f40f1a20b virt"));
}

#[test]
fn dart() {
    let (event, _) = read("dart.txt");
    assert_eq!((event.format, text(&event.reason.message)), (Format::Dart, "Bad state: no bread"));
    let frames = event.crash_frames();
    assert_eq!(
        functions(frames),
        [
            "Toaster.toast",
            "main.<anonymous closure>",
            "_delayEntrypointInvocation.<anonymous closure>"
        ]
    );
    assert_eq!(places(frames)[0], ("package:kitchen/toaster.dart", Some(12)));
}

#[test]
fn java_virtual_machine() {
    let (event, _) = read("hs-err.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::HsErr, "EXCEPTION_ACCESS_VIOLATION", Some(12044))
    );
    assert_eq!(threads(&event), [(None, "Render thread", 8)]);
    let frames = event.crash_frames();
    assert_eq!(functions(frames)[..3], ["-", "vlDraw(int, float*)", "-"]);
    assert_eq!(java(&frames[3]), ("com.example.vellum.Draw", "lines", "-", None));
    assert_eq!(java(&frames[4]), ("com.example.vellum.Page", "paint", "-", None));
    assert_eq!(
        (java(&frames[5]).0, text(&frames[5].package), text(&frames[3].package)),
        ("java.lang.Thread", "java.base@21.0.3", "vellum.core@2.1")
    );
    assert_eq!(functions(frames)[6], "~StubRoutines::call_stub");
    assert_eq!(
        functions(frames)[7],
        "JavaCalls::call_helper(class JavaValue *, class methodHandle const &)"
    );
    assert_eq!(
        (places(frames)[1], places(frames)[7]),
        (("draw.c", Some(210)), ("javacalls.cpp", Some(415)))
    );
    assert_eq!(
        (images(&event, frames)[..3].to_vec(), frames[2].address),
        (vec!["vellum64.dll", "vellum64.dll", "-"], Some(0x020a_4f31_46cf))
    );
    assert_eq!(lookups(&event, frames)[..2], [Some((0, 0x18_ec33)), Some((0, 0xa0_b7ee))]);
    assert_eq!(
        (event.images[0].kind, event.images[0].load_address),
        (ImageKind::Pe, Some(0x7ffc_601b_0000))
    );
}

#[test]
fn prefixes() {
    let (event, report) = read("prefix-compose.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::Sanitizer, "stack-buffer-overflow", Some(17))
    );
    assert_eq!(functions(event.crash_frames()), ["bake(char const*)", "main"]);
    assert_eq!(
        spans(&report, event.crash_frames())[1],
        "#1 0x55d3c1a0b3f1 in main /src/oven/main.c:5:3"
    );
    let (event, _) = read("prefix-any.txt");
    assert_eq!(
        (event.format, text(&event.reason.kind), event.process.pid),
        (Format::Sanitizer, "use-of-uninitialized-value", Some(29))
    );
    assert_eq!(functions(event.crash_frames()), ["sift", "LLVMFuzzerTestOneInput"]);
}
