//! Mappings of Java and Kotlin: in the store like other modules, traces through them, and crashes
//! of many builds that are one bug.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod events;
#[path = "../support/mod.rs"]
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
