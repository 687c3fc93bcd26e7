//! Lines of source around locations: from folders, source bundles and debug data, in `resolve`, in
//! reports and on pages.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Sandbox, json_lines, testdata};
use zip::write::SimpleFileOptions;

/// What llvm-symbolizer 19 prints for the address with `--print-source-context-lines=5`: two lines
/// before and after line 9.
const AROUND: [&str; 5] = [
    "{",
    "    int all = 0;",
    "    for (int at = 0; at < count; at++)",
    "        all += pour(&row[at], at - 1); /* é <b>& */",
    "    return all + wicks;",
];

fn module() -> PathBuf {
    testdata("sources/embedded.so")
}

/// A store with the module, and the address of `light` in it.
fn sandbox() -> (Sandbox, String) {
    use object::{Object, ObjectSymbol};
    let sandbox = Sandbox::store_of(&module());
    let bytes = fs::read(module()).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let light = file.symbols().find(|symbol| symbol.name() == Ok("light")).unwrap();
    (sandbox, format!("{:#x}", light.address()))
}

/// The context of the frame of `light` as JSON.
fn context(sandbox: &Sandbox, address: &str, more: &[&str]) -> Value {
    let words = ["resolve", "--json", "--module", "embedded.so", address, "--source-context", "2"];
    let run = sandbox.run([&words[..], more].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{more:?}");
    json_lines(&run.stdout)[0]["frames"][0]["context"].clone()
}

/// A source bundle of `lamp.c`, as sentry-cli makes them, behind `head`.
fn bundle(head: &[u8], path: &str) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    out.write_all(head).unwrap();
    let mut zip = zip::ZipWriter::new(out);
    let text = fs::read(testdata("sources/lamp.c")).unwrap();
    let manifest = json!({
        "files": {"files/src/lamp.c": {"type": "source", "path": path, "url": "", "headers": {}}},
        "arch": "x86_64", "debug_id": "00000000-0000-0000-0000-000000000000",
    });
    for (name, bytes) in
        [("files/src/lamp.c", text), ("manifest.json", manifest.to_string().into_bytes())]
    {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn wherever_source_is_at_hand() {
    let (sandbox, address) = sandbox();
    let want = json!({"first_line": 7, "lines": AROUND});
    let folder = testdata("sources");
    let map = format!("/src={}", folder.display());
    let sentry = [b"SYSB", &2u32.to_le_bytes()[..]].concat();
    let bundles = [
        sandbox.write("behind", bundle(&sentry, "/src/lamp.c")),
        sandbox.write("plain.zip", bundle(b"", "/src/lamp.c")),
    ];
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let root = sandbox.path(".");
    for more in [
        vec!["--source-dir".to_owned(), text(&module())],
        vec!["--source-dir".to_owned(), text(&testdata("sources/injected.pdb"))],
        vec!["--source-dir".to_owned(), text(&bundles[0])],
        vec!["--source-dir".to_owned(), text(&bundles[1])],
        vec!["--source-dir".to_owned(), text(&folder), "--map".to_owned(), "/src=.".to_owned()],
        vec!["--source-dir".to_owned(), text(&root), "--map".to_owned(), map],
    ] {
        let words: Vec<&str> = more.iter().map(String::as_str).collect();
        assert_eq!(context(&sandbox, &address, &words), want, "{more:?}");
    }
    // Not at hand: the answer is what it always is.
    assert_eq!(context(&sandbox, &address, &["--source-dir", root.to_str().unwrap()]), Value::Null);
}

#[test]
fn lines_for_people() {
    let (sandbox, address) = sandbox();
    let source = module();
    let words =
        ["resolve", "--module", "embedded.so", &address, "--source-dir", source.to_str().unwrap()];
    let run = sandbox.run([&words[..], &["--source-context", "1"]].concat());
    let want = format!(
        "{address}: light at /src/lamp.c:9:25\n        8 | {}\n  >     9 | {}\n       10 | {}\n",
        AROUND[1], AROUND[2], AROUND[3]
    );
    assert_eq!((run.code, run.stdout), (0, want));
    let bare = sandbox.run(&words[..4]);
    assert_eq!(bare.stdout, format!("{address}: light at /src/lamp.c:9:25\n"));
}

#[test]
fn what_cannot_be() {
    let (sandbox, address) = sandbox();
    let base = ["resolve", "--module", "embedded.so", &address];
    let no_bundle = sandbox.write("no.zip", {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("a", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap().into_inner()
    });
    for (more, code, want) in [
        (vec!["--source-context", "2"], 2, "--source-dir"),
        (vec!["--source-dir", "/", "--map", "x"], 2, "FROM=TO"),
        (vec!["--source-dir", "/", "--style", "gnu"], 2, "--style pretty and json"),
        (vec!["--source-dir", "/nowhere/at/all"], 1, "/nowhere/at/all: no such file or folder"),
        (vec!["--source-dir", no_bundle.to_str().unwrap()], 1, "it has no manifest.json"),
    ] {
        let run = sandbox.run([&base[..], &more].concat());
        assert_eq!(run.code, code, "{more:?}: {}", run.stderr);
        assert!(run.stderr.contains(want), "{more:?}: {}", run.stderr);
    }
}

#[test]
fn on_pages() {
    let (sandbox, address) = sandbox();
    let frame = json!({"function": "light", "filename": "/src/lamp.c", "abs_path": "/src/lamp.c", "lineno": 9, "instruction_addr": address});
    let event = json!({
        "event_id": format!("{:032x}", 7), "platform": "native",
        "exception": {"values": [{"type": "SIGSEGV", "stacktrace": {"frames": [frame]}}]},
    });
    let path = sandbox.write("event.json", event.to_string());
    assert_eq!(sandbox.run(["crash", "add", path.to_str().unwrap()]).code, 0);
    let crash = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout)[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (source, page) = (module(), sandbox.path("crash.html"));
    let words = [
        "report",
        "--json",
        "--crash",
        &crash,
        "-o",
        page.to_str().unwrap(),
        "--source-dir",
        source.to_str().unwrap(),
    ];
    let run = sandbox.run(words);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let context = &json_lines(&run.stdout)[0]["crash"]["frames"][0]["context"];
    assert_eq!(
        (&context["first_line"], context["lines"].as_array().unwrap().len()),
        (&json!(6), 7)
    );
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("<mark>     9      for (int at = 0; at &lt; count; at++)\n</mark>"),
        "{page}"
    );
    assert!(page.contains("/* é &lt;b&gt;&amp; */"));
}
