//! Mappings of Java and Kotlin: in the store like other modules, traces through them, and crashes
//! of many builds that are one bug.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Run, Sandbox, json_lines};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mapping").join(name)
}

fn import(sandbox: &Sandbox, args: &[&str]) -> Value {
    let run = sandbox.run(["import", "--json"].iter().chain(args));
    assert_eq!(run.code, 0, "{}", run.stderr);
    json_lines(&run.stdout).remove(0)
}

fn done(run: Run) -> String {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn modules(sandbox: &Sandbox) -> Vec<Value> {
    json_lines(&done(sandbox.run(["modules", "list", "--json"])))
}

/// What `ProGuard`'s own `ReTrace` prints (`testdata/mapping/retrace.sh`), from the store, sealed
/// or not, and from an app bundle.
#[test]
fn traces_are_what_retrace_prints() {
    let shop = fixture("shop.mapping.txt");
    for is_sealed in [false, true] {
        let sandbox = Sandbox::new();
        if is_sealed {
            let key = sandbox.path("key");
            done(sandbox.run(["key", "generate", key.to_str().unwrap()]));
            done(sandbox.run([
                "--key-file",
                key.to_str().unwrap(),
                "import",
                shop.to_str().unwrap(),
            ]));
            let keyless = sandbox.run(["retrace", fixture("shop.trace.txt").to_str().unwrap()]);
            assert_eq!(keyless.code, 3, "{}", keyless.stderr);
        } else {
            done(sandbox.run(["import", shop.to_str().unwrap()]));
        }
        let key = sandbox.path("key");
        let with_key =
            if is_sealed { vec!["--key-file", key.to_str().unwrap()] } else { Vec::new() };
        for name in ["shop", "forms"] {
            if name == "forms" {
                let forms = fixture("forms.mapping.txt");
                done(sandbox.run(with_key.iter().chain(&["import", forms.to_str().unwrap()])));
            }
            let (trace, mapping) =
                (fixture(&format!("{name}.trace.txt")), format!("{name}.mapping.txt"));
            let args =
                ["retrace", trace.to_str().unwrap(), "--mapping", &mapping, "--style", "proguard"];
            let told = done(sandbox.run(with_key.iter().chain(&args)));
            assert_eq!(
                told,
                fs::read_to_string(fixture(&format!("{name}.retrace.txt"))).unwrap(),
                "{name}, sealed: {is_sealed}"
            );
        }
        done(sandbox.run(with_key.iter().chain(&["modules", "verify"])));
    }
}

#[test]
fn a_mapping_in_an_app_bundle_is_found() {
    let sandbox = Sandbox::new();
    let bundle = sandbox.path("app.aab");
    let mut zip = zip::ZipWriter::new(fs::File::create(&bundle).unwrap());
    for (name, bytes) in [
        ("base/assets/notes.txt", b"a -> b is no mapping\n".to_vec()),
        (
            "BUNDLE-METADATA/com.android.tools.build.obfuscation/proguard.map",
            fs::read(fixture("shop.mapping.txt")).unwrap(),
        ),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
    let run = sandbox.run(["import", "--json", bundle.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told = json_lines(&run.stdout);
    assert_eq!(
        (told.len(), &told[0]["module"]["kind"], &told[0]["module"]["name"]),
        (2, &"proguard".into(), &"proguard.map".into())
    );
    assert_eq!(told[1]["skipped"], 1);
    let retraced = done(sandbox.run(["retrace", fixture("shop.trace.txt").to_str().unwrap()]));
    assert!(retraced.contains("\tat store.Shop.half(Shop.java:22)\n"), "{retraced}");
}

#[test]
fn a_mapping_is_a_module_like_others() {
    let sandbox = Sandbox::new();
    let shop = fixture("shop.mapping.txt");
    let shop = shop.to_str().unwrap();
    let told = import(&sandbox, &[shop]);
    assert_eq!(
        (&told["status"], &told["module"]["kind"], &told["module"]["arch"]),
        (&"imported".into(), &"proguard".into(), &"java".into())
    );
    assert_eq!(import(&sandbox, &[shop])["status"], "unchanged");
    assert_eq!(import(&sandbox, &["--force", shop])["status"], "imported");
    let id = told["module"]["id"].as_str().unwrap();
    // What sentry-cli calls it: UUIDv5 of its contents (formats/mapping/tests/mapping.rs compares
    // with the rule).
    let uuid = symtool_mapping::uuid(&fs::read(shop).unwrap()[..]).unwrap();
    assert_eq!(id, hex::encode(uuid));

    // With an id of its own it is another module, which goes by its contents too.
    let own = "550e8400-e29b-41d4-a716-446655440000";
    assert_eq!(import(&sandbox, &["--id", own, shop])["module"]["id"], own.replace('-', ""));
    let listed = modules(&sandbox);
    assert_eq!(listed.len(), 2);
    let named: Vec<&Value> = listed.iter().filter(|module| module["other_ids"][0] == id).collect();
    assert_eq!((named.len(), &named[0]["classes"]), (1, &listed[0]["classes"]));
    assert!(
        listed[0]["classes"].as_u64().unwrap() > 3
            && listed[0]["bytes_stored"].as_u64().unwrap() > 0
    );
    done(sandbox.run(["modules", "show", own]));
    done(sandbox.run(["modules", "verify"]));
    // Another mapping of the same id takes its place.
    let forms = fixture("forms.mapping.txt");
    assert_eq!(import(&sandbox, &["--id", own, forms.to_str().unwrap()])["status"], "imported");
    let retraced = done(sandbox.run(["resolve", "--json", "--module", own, "store.a.a:22"]));
    assert!(retraced.contains("no_range"), "{retraced}");
    done(sandbox.run(["modules", "remove", own]));
    assert_eq!(modules(&sandbox).len(), 1);
    // Exported and taken by another store.
    let exported = sandbox.path("shop.symtool");
    done(sandbox.run(["modules", "export", id, "--output", exported.to_str().unwrap()]));
    let other = Sandbox::new();
    done(other.run(["import", exported.to_str().unwrap()]));
    assert_eq!(modules(&other)[0]["classes"], listed[0]["classes"]);
    done(other.run(["modules", "verify"]));

    let wrong = sandbox.run(["import", "--id", "xyz", shop]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    let none = sandbox.run([
        "import",
        "--id",
        own,
        support::object("c-gcc-O0-dwarf5.so").to_str().unwrap(),
    ]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("none was found"), "{}", none.stderr);
}

/// The rest is used, and what was left out is counted.
#[test]
fn a_malformed_mapping_is_used_as_far_as_it_goes() {
    let sandbox = Sandbox::new();
    let mut bytes =
        b"    void lost() -> a\ncom.a.Main -> a.b:\n    1:3:void run(:7:9 -> c\n    1:x:void run() -> d\n    1:3:void run():7:9 -> e\n"
            .to_vec();
    bytes.extend_from_slice(
        b"    \xff\xfe() -> f\n# {\"id\":\"com.android.tools.r8.mapping\",\"version\":\"9.9\"}\n# {\"id\":\"from.the.future\"}\n    ",
    );
    bytes.extend(std::iter::repeat_n(b'x', 2 << 20));
    bytes.extend_from_slice(b"\ncom.a.Other -> a.c:\n    5:5:void stop():50:50 -> a\n");
    // Told by its first lines.
    let text = [b"# compiler: R8\n# min_api: 21\n".to_vec(), bytes].concat();
    let file = sandbox.write("mapping.txt", text);
    let run = sandbox.run(["import", "--json", file.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told = json_lines(&run.stdout).remove(0);
    let dropped = &told["dropped"];
    for (reason, count) in [
        ("no_class", 1),
        ("not_a_line", 1),
        ("line_numbers", 1),
        ("not_utf8", 1),
        ("too_long", 1),
        ("unknown_note", 1),
    ] {
        assert_eq!(dropped[reason], count, "{reason}: {dropped}");
    }
    assert!(run.stderr.contains("later than what symtool knows"), "{}", run.stderr);
    let answered =
        done(sandbox.run(["resolve", "--json", "--module", "mapping.txt", "a.b.e:2", "a.c.a:5"]));
    assert!(
        answered.contains("\"function\":\"com.a.Main.run\"") && answered.contains("\"line\":8"),
        "{answered}"
    );
    assert!(answered.contains("\"function\":\"com.a.Other.stop\""), "{answered}");
}

#[test]
fn the_mapping_that_is_meant() {
    let sandbox = Sandbox::new();
    let trace = "java.lang.IllegalStateException: x\n\tat a.b.c(r8-map-id-0123456789abcdef:3)\n";
    let file = sandbox.write("trace.txt", trace);
    let none = sandbox.run(["retrace", file.to_str().unwrap()]);
    assert_eq!(none.code, 3, "{}", none.stderr);
    let r8 = "# compiler: R8\n# pg_map_id: 0123456789abcdef\ncom.a.Main -> a.b:\n    1:9:void run():11:19 -> c\n";
    let other = "com.b.Other -> a.b:\n    1:9:void walk():21:29 -> c\n";
    let (r8, other) = (sandbox.write("r8.txt", r8), sandbox.write("other.txt", other));
    done(sandbox.run(["import", other.to_str().unwrap()]));
    let unknown = sandbox.run(["retrace", file.to_str().unwrap()]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("the mapping 0123456789abcdef"), "{}", unknown.stderr);
    done(sandbox.run(["import", r8.to_str().unwrap()]));
    let retrace = |args: &[&str], input: &str| {
        let run = sandbox.run_with_input(&[&["retrace", "-"], args].concat(), input.as_bytes());
        (run.code, run.stdout, run.stderr)
    };
    assert!(retrace(&[], trace).1.contains("\tat com.a.Main.run(Main.java:13)\n"));
    assert!(
        retrace(&["--mapping", "other.txt"], trace)
            .1
            .contains("\tat com.b.Other.walk(Other.java:23)\n")
    );
    let (code, _, told) = retrace(&[], "\tat a.b.c(SourceFile:3)\n");
    assert_eq!(code, 1);
    assert!(told.contains("pass --mapping"), "{told}");
    assert_eq!(retrace(&["--mapping", "nothing"], trace).0, 1);
    // A module with addresses is none.
    sandbox.import("c-gcc-O0-dwarf5.so");
    let (code, _, told) = retrace(&["--mapping", "c-gcc-O0-dwarf5.so"], trace);
    assert_eq!(code, 1);
    assert!(told.contains("not a mapping"), "{told}");
}

/// Requests and addresses in one batch.
#[test]
fn methods_are_resolved_beside_addresses() {
    let sandbox = Sandbox::new();
    let mapping = "com.a.Main -> a.b:\n    1:3:void com.a.Util.twice(int):20:22 -> c\n    1:3:void run():7 -> c\n";
    let mapping = sandbox.write("mapping.txt", mapping);
    done(sandbox.run(["import", mapping.to_str().unwrap()]));
    sandbox.import("c-gcc-O0-dwarf5.so");
    let batch = "mapping.txt a.b.c:2\nc-gcc-O0-dwarf5.so 0\nmapping.txt a.b.x:1\nmapping.txt z.z:1\nc-gcc-O0-dwarf5.so a.b.c:1\nmapping.txt 10\n";
    let run = sandbox.run_with_input(&["resolve", "--json", "--batch", "-"], batch.as_bytes());
    let told = json_lines(&run.stdout);
    assert_eq!(told.len(), 6);
    assert_eq!((&told[0]["method"], &told[0]["status"]), (&"a.b.c:2".into(), &"ok".into()));
    let frames = told[0]["frames"].as_array().unwrap();
    assert_eq!(
        (&frames[0]["function"], &frames[0]["line"], &frames[0]["inlined"]),
        (&"com.a.Util.twice".into(), &21.into(), &true.into())
    );
    assert_eq!(
        (&frames[1]["function"], &frames[1]["line"], &frames[1]["source"]),
        (&"com.a.Main.run".into(), &7.into(), &"mapping".into())
    );
    // The class is known, the method is not: its class at least.
    assert_eq!(told[2]["frames"][0]["function"], "com.a.Main.x");
    assert!([3, 4, 5].iter().all(|line: &usize| told[*line]["status"] == "no_range"), "{told:?}");
    let pretty = done(sandbox.run(["resolve", "--module", "mapping.txt", "a.b.c:2"]));
    assert_eq!(
        pretty,
        "a.b.c:2: com.a.Util.twice at Util.java:21\n  (inlined by) com.a.Main.run at Main.java:7\n"
    );
    let gnu =
        done(sandbox.run(["resolve", "--module", "mapping.txt", "--style", "gnu", "a.b.c:2"]));
    assert_eq!(gnu, "com.a.Util.twice\nUtil.java:21\ncom.a.Main.run\nMain.java:7\n");
    let merged =
        done(sandbox.run(["resolve", "--module", "mapping.txt", "--no-inlines", "a.b.c:2"]));
    assert_eq!(merged, "a.b.c:2: com.a.Main.run at Util.java:21\n");
}

/// Build number `build` of one source: other names, and other lines.
fn build(build: usize) -> (String, String) {
    let (cart, pay) = (format!("a{build}"), format!("b{build}"));
    let mapping = format!(
        "com.shop.Cart -> {cart}.c:\n    {0}:{1}:void pay(int):40:42 -> {pay}\n    {2}:{2}:void lambda$run$0():60:60 -> r\ncom.shop.Failed -> {cart}.f:\ncom.shop.Main -> {cart}.m:\n    1:9:void main(java.lang.String[]):5:13 -> main\n",
        10 * build + 1,
        10 * build + 3,
        10 * build + 7,
    );
    (mapping, format!("{build:08x}-0000-4000-8000-000000000000"))
}

fn java_event(number: usize, of: usize) -> String {
    let frame = |class: &str, method: &str, line: usize| {
        format!(
            r#"{{"module":"{class}","function":"{method}","lineno":{line},"filename":"SourceFile"}}"#
        )
    };
    let frames = [
        frame("java.lang.Thread", "run", 100),
        frame(&format!("a{of}.m"), "main", 3),
        frame(&format!("a{of}.c"), "r", 10 * of + 7),
        frame(&format!("a{of}.c"), &format!("b{of}"), 10 * of + 2),
    ];
    format!(
        r#"{{"event_id":"{number:032x}","timestamp":{},"platform":"java","exception":{{"values":[{{"type":"f","module":"a{of}","value":"no money","stacktrace":{{"frames":[{}]}}}}]}},"debug_meta":{{"images":[{{"type":"proguard","uuid":"{}"}}]}}}}"#,
        1_700_000_000 + number,
        frames.join(","),
        build(of).1
    )
}

/// The same source under a hundred mappings, half of which come late.
#[test]
fn a_hundred_builds_are_one_group() {
    const BUILDS: usize = 100;
    let sandbox = Sandbox::new();
    let import_builds = |which: &dyn Fn(usize) -> bool| {
        for number in (1..=BUILDS).filter(|number| which(*number)) {
            let (mapping, id) = build(number);
            let file = sandbox.write(&format!("mapping-{number}.txt"), mapping);
            import(&sandbox, &["--id", &id, file.to_str().unwrap()]);
        }
    };
    import_builds(&|number| number % 2 == 0);
    let events: Vec<String> = (1..=BUILDS).map(|number| java_event(number, number)).collect();
    let run = sandbox.run_with_input(&["crash", "add", "-"], (events.join("\n") + "\n").as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let groups = || json_lines(&done(sandbox.run(["groups", "list", "--json"])));
    let before = groups();
    // Obfuscated names are alike in builds that have nothing to do with each other.
    assert_eq!(before.len(), BUILDS / 2 + 1, "each build without mapping for itself");
    assert_eq!(before.iter().filter(|group| group["kind"] == "resolved").count(), 1);
    let missing = json_lines(&done(sandbox.run(["missing", "--json"])));
    assert_eq!(missing.len(), BUILDS / 2);
    assert!(missing.iter().all(|module| module["waiting"] == 1), "{}", missing[0]);

    import_builds(&|number| number % 2 == 1);
    let told = json_lines(&done(sandbox.run(["reprocess", "--json"]))).remove(0);
    assert_eq!((&told["crashes"]["assessed"], &told["crashes"]["moved"]), (&50.into(), &50.into()));
    let after = groups();
    assert_eq!(
        (after.len(), &after[0]["crashes"], &after[0]["kind"]),
        (1, &BUILDS.into(), &"resolved".into())
    );
    assert_eq!(after[0]["title"], "com.shop.Failed in com.shop.Cart.pay");
    let crash = json_lines(&done(sandbox.run(["crash", "show", "--json", &format!("{:032x}", 7)])))
        .remove(0);
    let frames: Vec<(&str, Option<u64>)> = crash["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|frame| (frame["function"].as_str().unwrap(), frame["line"].as_u64()))
        .collect();
    assert_eq!(
        frames,
        [
            ("com.shop.Cart.pay", Some(41)),
            ("com.shop.Cart.lambda$run$0", Some(60)),
            ("com.shop.Main.main", Some(7)),
            ("java.lang.Thread.run", Some(100))
        ]
    );
    done(sandbox.run(["groups", "undo"]));
    assert_eq!(groups().len(), before.len());
}

/// Reports that do not name their mapping: R8's id in the frames, or the one that is said.
#[test]
fn plain_traces_find_their_mapping() {
    let sandbox = Sandbox::new();
    let mapping = "# compiler: R8\n# pg_map_id: 0123456789abcdef\ncom.a.Main -> a.b:\n    1:9:void run():11:19 -> c\ncom.a.Bad -> a.x:\n";
    let mapping = sandbox.write("mapping.txt", mapping);
    let trace = "a.x: oops a.b\n\tat a.b.c(r8-map-id-0123456789abcdef:3)\n\tat java.lang.Thread.run(Thread.java:9)\n";
    let plain = "a.x: oops\n\tat a.b.c(SourceFile:4)\n\tat java.lang.Thread.run(Thread.java:9)\n";
    let (trace, plain) = (sandbox.write("trace.txt", trace), sandbox.write("plain.txt", plain));
    done(sandbox.run(["crash", "add", trace.to_str().unwrap()]));
    done(sandbox.run(["crash", "add", "--mapping", "01234567-89abcdef", plain.to_str().unwrap()]));
    let groups = || json_lines(&done(sandbox.run(["groups", "list", "--json"])));
    assert!(groups().iter().all(|group| group["kind"] == "provisional"), "{:?}", groups());
    done(sandbox.run(["import", mapping.to_str().unwrap()]));
    done(sandbox.run(["reprocess"]));
    assert_eq!((groups().len(), &groups()[0]["title"]), (1, &"com.a.Bad in com.a.Main.run".into()));

    // One that is there goes by its name, too, and by the beginning of its id.
    for (name, line) in [("mapping.txt", 5), ("01234567", 6)] {
        let plain =
            sandbox.write("other.txt", format!("a.x: oops\n\tat a.b.c(SourceFile:{line})\n\tat java.lang.Thread.run(Thread.java:9)\n"));
        done(sandbox.run(["crash", "add", "--mapping", name, plain.to_str().unwrap()]));
    }
    assert_eq!((groups().len(), &groups()[0]["crashes"]), (1, &4.into()));
    let unknown =
        sandbox.run(["crash", "add", "--mapping", "nothing.txt", plain.to_str().unwrap()]);
    assert!(
        unknown.code == 1 && unknown.stderr.contains("no such mapping in the store"),
        "{}",
        unknown.stderr
    );

    let symbolicated = done(sandbox.run(["symbolicate", trace.to_str().unwrap()]));
    assert_eq!(
        symbolicated,
        "com.a.Bad: oops com.a.Main\n\tat com.a.Main.run(Main.java:13)\n\tat java.lang.Thread.run(Thread.java:9)\n"
    );
    let unknown = done(sandbox.run(["symbolicate", plain.to_str().unwrap()]));
    assert_eq!(unknown, fs::read_to_string(&plain).unwrap());
    let told =
        done(sandbox.run(["symbolicate", "--mapping", "mapping.txt", plain.to_str().unwrap()]));
    assert!(told.contains("\tat com.a.Main.run(Main.java:14)\n"), "{told}");
    let live = sandbox.run_with_input(
        &["symbolicate", "--mapping", "mapping.txt", "-"],
        b"E AndroidRuntime: \tat a.b.c(SourceFile:4)\nother\n",
    );
    assert_eq!(live.stdout, "E AndroidRuntime: \tat com.a.Main.run(Main.java:14)\nother\n");
}

#[test]
fn events_keep_their_shape() {
    let sandbox = Sandbox::new();
    let (mapping, id) = build(7);
    let file = sandbox.write("mapping.txt", mapping);
    import(&sandbox, &["--id", &id, file.to_str().unwrap()]);
    let event = sandbox.write("event.json", java_event(1, 7));
    let told: Value =
        serde_json::from_str(&done(sandbox.run(["symbolicate", event.to_str().unwrap()]))).unwrap();
    let frames = told["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    let last = frames.last().unwrap();
    assert_eq!(
        (&last["module"], &last["function"], &last["lineno"]),
        (&"com.shop.Cart".into(), &"pay".into(), &41.into())
    );
    assert_eq!(frames[0]["module"], "java.lang.Thread");
}
