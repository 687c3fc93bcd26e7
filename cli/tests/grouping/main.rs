//! Which crashes are of one bug: pairs of stacks that a person would put together or keep apart,
//! each with the reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod classes;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write;

use serde_json::Value;
use support::{Sandbox, json_lines};

/// A sanitizer's report of `frames`, the crash side first: `function file:line`, or what else
/// stands behind an address.
fn report(frames: &[&str]) -> String {
    let mut text = String::from(
        "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000010 (pc 0x000000401000 bp 0x1 sp 0x2 T0)\n",
    );
    for (number, frame) in frames.iter().enumerate() {
        let inside = if frame.starts_with('(') { "" } else { "in " };
        writeln!(text, "    #{number} {:#x} {inside}{frame}", 0x40_1000 + number * 64).unwrap();
    }
    text + "SUMMARY: AddressSanitizer: SEGV\n==1==ABORTING\n"
}

/// The groups of crashes with these stacks, in their order.
fn groups_of(stacks: &[&[&str]]) -> Vec<String> {
    let sandbox = Sandbox::new();
    for (number, frames) in stacks.iter().enumerate() {
        let text = report(frames);
        let name = format!("{number}.txt");
        let run =
            sandbox.run(["crash".as_ref(), "add".as_ref(), sandbox.write(&name, text).as_os_str()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let crashes = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
    assert_eq!(crashes.len(), stacks.len(), "{crashes:?}");
    crashes.iter().map(|crash| crash["group"].as_str().unwrap().to_owned()).collect()
}

fn together(why: &str, one: &[&str], other: &[&str]) {
    // Ids of crashes without one of their own are hashes of their texts: a line more makes another.
    let one: Vec<&str> = one.iter().copied().chain(["_start (/app/tool+0x40)"]).collect();
    let groups = groups_of(&[&one, other]);
    assert_eq!(groups[0], groups[1], "{why}\n{one:#?}\n{other:#?}");
}

fn apart(why: &str, one: &[&str], other: &[&str]) {
    let groups = groups_of(&[one, other]);
    assert_ne!(groups[0], groups[1], "{why}\n{one:#?}\n{other:#?}");
}

#[test]
fn what_compilers_and_inputs_change_makes_no_difference() {
    together(
        "templates with other arguments",
        &[
            "doc::Ring<int>::push(int) /s/ring.h:4",
            "void doc::sort_rows<int>(int*) /s/sort.cc:9",
            "main /s/main.cc:3",
        ],
        &[
            "doc::Ring<std::pair<char, long>>::push(std::pair<char, long>) /s/ring.h:4",
            "void doc::sort_rows<long>(long*) /s/sort.cc:9",
            "main /s/main.cc:3",
        ],
    );
    let deep = |depth: usize| -> Vec<&'static str> {
        let mut stack = vec!["doc::print_node(doc::Node*) /s/print.cc:4"];
        stack.extend(
            std::iter::repeat_n(
                [
                    "doc::visit_list(doc::Node*) /s/visit.cc:9",
                    "doc::Walker::walk_tree() /s/walk.cc:20",
                ],
                depth,
            )
            .flatten(),
        );
        stack.extend(["doc::save_file() /s/save.cc:8", "main /s/main.cc:3"]);
        stack
    };
    together("recursion of other depths", &deep(2), &deep(40));
    together(
        "clones of a function",
        &[
            "parse_value.part.0 /s/parse.c:4",
            "load_config.constprop.3 /s/config.c:9",
            "main /s/main.c:3",
        ],
        &["parse_value /s/parse.c:4", "load_config /s/config.c:9", "main /s/main.c:3"],
    );
    together(
        "the standard library and a fuzzer's memcpy on top",
        &[
            "__asan_memcpy /llvm/compiler-rt/lib/asan/x.cpp:22",
            "std::copy(char*, char*) /usr/include/c++/12/bits/x.h:3",
            "doc::Table::read_names() /s/table.cc:90",
            "main /s/main.cc:3",
        ],
        &[
            "__memmove_avx_unaligned (/lib/x86_64-linux-gnu/libc.so.6+0x10)",
            "__asan_memcpy (/app/tool+0x5)",
            "doc::Table::read_names() /s/table.cc:90",
            "main /s/main.cc:3",
        ],
    );
}

/// What stands above a bug when it is reported by a handler.
const HANDLERS: [&[&str]; 14] = [
    &[
        "gsignal (/app/tool+0x1)",
        "abort (/app/tool+0x2)",
        "logging::LogMessage::~LogMessage() (/app/tool+0x3)",
    ],
    &["V8_Fatal(char const*, int, char const*, ...) (/app/tool+0x3)"],
    &["WTFCrash (/app/tool+0x3)"],
    &[
        "_g_log_abort (/app/tool+0x1)",
        "g_log_default_handler (/app/tool+0x2)",
        "g_logv (/app/tool+0x3)",
        "g_log (/app/tool+0x4)",
    ],
    &[
        "fuzzer::PrintStackTrace() (/app/tool+0x1)",
        "fuzzer::Fuzzer::CrashCallback() (/app/tool+0x2)",
        "raise (/app/tool+0x3)",
        "abort (/app/tool+0x4)",
    ],
    &[
        "raise (/app/tool+0x1)",
        "qAbort() (/app/tool+0x2)",
        "QMessageLogger::fatal(char const*, ...) const (/app/tool+0x2)",
    ],
    &[
        "KCrash::defaultCrashHandler(int) (/app/tool+0x1)",
        "<signal handler called> (/app/tool+0x2)",
    ],
    &[
        "runtime.throw (/app/tool+0x1)",
        "runtime.panicmem (/app/tool+0x2)",
        "runtime.sigpanic (/app/tool+0x3)",
    ],
    &[
        "absl::lts_20240722::log_internal::LogMessage::Die() (/app/tool+0x1)",
        "absl::lts_20240722::log_internal::LogMessageFatal::~LogMessageFatal() (/app/tool+0x2)",
    ],
    &[
        "google::LogMessage::Fail() (/app/tool+0x1)",
        "google::LogMessageFatal::~LogMessageFatal() (/app/tool+0x2)",
    ],
    &[
        "MOZ_CrashSequence(void*, long) (/app/tool+0x1)",
        "mozalloc_abort(char const*) (/app/tool+0x2)",
    ],
    &["boost::assertion_failed(char const*, char const*, char const*, long) (/app/tool+0x1)"],
    &["my::check_impl::assertion_failed(char const*) (/app/tool+0x1)"],
    &[
        "rust_panic (/app/tool+0x1)",
        "std::panicking::rust_panic_with_hook::h0123456789abcdef (/app/tool+0x2)",
        "rust_begin_unwind (/app/tool+0x3)",
        "core::panicking::panic_fmt::h0123456789abcdef (/app/tool+0x4)",
    ],
];

#[test]
fn handlers_join_nothing() {
    for handler in HANDLERS {
        let stack = |bug: &'static [&'static str]| {
            handler.iter().copied().chain(bug.iter().copied()).collect::<Vec<&str>>()
        };
        let (one, other) =
            (stack(&["doc::load_file() /s/doc.cc:5"]), stack(&["net::send_all() /s/net.cc:5"]));
        apart("the handler is not the bug", &one, &other);
        together("the bug is below the handler", &one, &["doc::load_file() /s/doc.cc:5"]);
        // Nothing but the handler: each stands alone.
        let again: Vec<&str> = handler.iter().copied().chain(["_start (/app/tool+0x40)"]).collect();
        apart("a handler alone tells nothing", handler, &again);
    }
}

#[test]
fn callbacks_out_of_what_does_not_count_are_the_bug() {
    apart(
        "qsort is intercepted, and calls back",
        &[
            "doc::by_height(void const*, void const*) /s/sort.cc:5",
            "__interceptor_qsort (/app/tool+0x1)",
            "doc::sort_all() /s/sort.cc:40",
            "main /s/main.cc:3",
        ],
        &[
            "doc::by_colour(void const*, void const*) /s/sort.cc:50",
            "__interceptor_qsort (/app/tool+0x1)",
            "doc::sort_all() /s/sort.cc:40",
            "main /s/main.cc:3",
        ],
    );
    let ends = [
        "__asan::AsanThread::ThreadStart(unsigned long long) (/app/tool+0x1)",
        "start_thread (/lib/x86_64-linux-gnu/libc.so.6+0x2)",
    ];
    let of = |bug: &'static str| [bug, ends[0], ends[1]];
    apart(
        "a thread's start ends the stack",
        &of("doc::load_file() /s/doc.cc:5"),
        &of("net::send_all() /s/net.cc:5"),
    );
}

#[test]
fn what_is_not_known_is_never_resolved() {
    let sandbox = Sandbox::new();
    let wild = |number: usize, bug: &[&str]| {
        let address = 0x6310_0000_1000_usize + number * 0x1000;
        let text = report(&[&["(<unknown module>)"], bug].concat()).replacen(
            "0x401000 ",
            &format!("{address:#x} "),
            1,
        );
        let run = sandbox.run_with_input(&["crash", "add", "-"], text.as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
    };
    // A wild jump is passed over.
    wild(1, &["doc::load_file() /s/doc.cc:5", "main /s/main.cc:3"]);
    wild(2, &["doc::load_file() /s/doc.cc:5", "main /s/main.cc:3"]);
    // With nothing else, each crash stands alone.
    wild(3, &[]);
    wild(4, &[]);
    // A module and an offset wait for symbols, with or without an id.
    wild(5, &["(/app/tool+0x1234)"]);
    let groups = json_lines(&sandbox.run(["groups", "list", "--json"]).stdout);
    let kind = |group: &Value| {
        (group["kind"].as_str().unwrap().to_owned(), group["crashes"].as_u64().unwrap())
    };
    let mut kinds: Vec<(String, u64)> = groups.iter().map(kind).collect();
    kinds.sort();
    let of = |kind: &str, crashes| (kind.to_owned(), crashes);
    assert_eq!(
        kinds,
        [of("provisional", 1), of("resolved", 2), of("unassigned", 1), of("unassigned", 1)]
    );
    let text = groups.iter().map(ToString::to_string).collect::<String>();
    assert!(!text.contains("0x6310"), "an address of one process is part of nothing: {text}");
    let unassigned =
        json_lines(&sandbox.run(["groups", "list", "--json", "--kind", "unassigned"]).stdout);
    assert_eq!(unassigned.len(), 2);
    let shown = sandbox.run(["groups", "list"]).stdout;
    assert_eq!(shown.lines().filter(|line| line.contains("  unassigned ")).count(), 2, "{shown}");
}
