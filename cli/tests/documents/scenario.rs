//! Every command that prints JSON, once at least, on stores in which it has something to say.

use std::path::Path;

use serde_json::Value;

use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines, object, testdata};

/// The heading in `docs/json.md`, and an object that was printed.
pub type Printed = (&'static str, Value);

/// What commands of one sandbox printed.
struct Story {
    sandbox: Sandbox,
    printed: Vec<Printed>,
}

impl Story {
    fn new() -> Self {
        Self { sandbox: Sandbox::new(), printed: Vec::new() }
    }

    /// Runs `symtool --json ARGS`, whose exit code has to be `code`, and returns the objects.
    fn run(&mut self, heading: &'static str, code: i32, args: &[&str]) -> Vec<Value> {
        let run = self.sandbox.run(["--json"].iter().chain(args));
        assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
        let objects = json_lines(&run.stdout);
        assert!(!objects.is_empty(), "{args:?} printed nothing");
        self.printed.extend(objects.iter().map(|object| (heading, object.clone())));
        objects
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All of them.
pub fn all() -> Vec<Printed> {
    let stories = [
        modules(),
        build_machine(),
        damage(),
        buckets(),
        keys(),
        dumps(),
        crashes(),
        groups(),
        runs(),
        workers(),
    ];
    stories.concat()
}

fn buckets() -> Vec<Printed> {
    let (sandbox, server) = (Sandbox::new(), crate::server::Server::start());
    let library = object("asm-gas-dwarf5.so");
    let mut printed = Vec::new();
    for words in [&["bucket", "probe"][..], &["import", path(&library)], &["bucket", "gc"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_symtool"));
        sandbox.isolate(&mut command);
        command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
        command.env("AWS_ENDPOINT_URL", server.endpoint());
        command.args(["--json", "--store", "s3://symbols/team"]).args(words);
        let run = crate::support::Run::of(command.output().unwrap());
        assert_eq!(run.code, 0, "{words:?}: {}", run.stderr);
        let heading = if words[0] == "import" { "import" } else { "bucket" };
        printed.extend(json_lines(&run.stdout).into_iter().map(|object| (heading, object)));
    }
    printed
}

fn modules() -> Vec<Printed> {
    let mut story = Story::new();
    let (library, stripped) = (object("cpp-gcc-O2-dwarf5.so"), object("link-stripped/lib.so"));
    let mapping = testdata("mapping/shop.mapping.txt");
    let compiled = testdata("mapping/builds/attic.mapping.txt");
    let broken = story.sandbox.write("broken.so", b"\x7fELF");
    let paths =
        [path(&library), path(&broken), path(&mapping), path(&compiled), "--label", "app@1"];
    story.run("import", 1, &[&["import"], &paths[..]].concat());
    story.run("import", 0, &["import", path(&stripped)]);
    let (discarded, early) = (object("c-gcc-O2-gc-bfd-dwarf4.so"), object("c-gcc-O2-dwarf2.so"));
    story.run(
        "import",
        0,
        &["import", path(&object("link-stripped/lib.so.debug")), path(&discarded), path(&early)],
    );
    let requests = [
        "resolve",
        "--module",
        "cpp-gcc-O2-dwarf5.so",
        "0x1146",
        "0x1",
        "z",
        "nothing.so 1",
        "shop.mapping.txt store.Shop.a:1022",
    ];
    story.run("resolve", 1, &requests);
    let lamp = path(&testdata("sources/embedded.so")).to_owned();
    story.run("resolve", 0, &["resolve", "-e", &lamp, "--source-dir", &lamp, "0x1380"]);
    let folded = object("folded/lld.so");
    story.run("import", 0, &["import", path(&folded)]);
    story.run("resolve", 0, &["resolve", "--module", path(&folded), "0x1330"]);
    story.run(
        "check",
        1,
        &[
            "check",
            path(&library),
            path(&stripped),
            path(&broken),
            path(&object("c-gcc-O2-no-id.so")),
            path(&compiled),
        ],
    );
    story.run("modules list", 0, &["modules", "list"]);
    story.run("modules verify", 0, &["modules", "verify", path(&library)]);
    story.run("modules verify", 0, &["modules", "verify", path(&early)]);
    story.run("modules verify", 1, &["modules", "verify", "nothing.so"]);
    let segment = story.sandbox.path("x.segment");
    story.run(
        "modules export",
        0,
        &["modules", "export", "cpp-gcc-O2-dwarf5.so", "-o", path(&segment)],
    );
    story.run("stats", 0, &["stats"]);
    story.run("modules remove", 0, &["modules", "gc", "--keep", "0", "--dry-run"]);
    story.run("modules remove", 0, &["modules", "remove", "shop.mapping.txt"]);
    story.run("modules compact", 0, &["modules", "compact"]);
    story.printed
}

/// What a build machine runs before it uploads.
fn build_machine() -> Vec<Printed> {
    let mut story = Story::new();
    let (library, new) = (object("cpp-gcc-O2-dwarf5.so"), object("rust-O2-dwarf5.so"));
    let broken = story.sandbox.write("broken.so", b"\x7fELF");
    story.sandbox.import("cpp-gcc-O2-dwarf5.so");
    story.run("import", 0, &["import", "--dry-run", path(&new)]);
    let failures = story.sandbox.path("failures");
    for code in [1, 0] {
        let list = ["import", "--known-failures", path(&failures), path(&broken)];
        story.run("import", code, &list);
    }
    let known = story.sandbox.run(["modules", "list", "--json"]).stdout;
    let known = story.sandbox.write("known.ndjson", known);
    let bundle = story.sandbox.path("x.tar.zst");
    let bundled =
        ["bundle", path(&new), path(&library), "--known", path(&known), "-o", path(&bundle)];
    story.run("bundle", 0, &bundled);
    story.printed
}

/// A store one of whose modules is damaged.
fn damage() -> Vec<Printed> {
    let mut story = Story::new();
    story.sandbox.import("cpp-gcc-O2-dwarf5.so");
    let tables = crate::support::shapes::files(&story.sandbox.store().join("symbols"));
    let tables =
        tables.iter().filter(|path| path.extension().is_some_and(|extension| extension == "sst"));
    for table in tables.map(|table| story.sandbox.store().join("symbols").join(table)) {
        let mut bytes = std::fs::read(&table).unwrap();
        let quarter = bytes.len() / 4;
        bytes[quarter..2 * quarter].fill(0x55);
        std::fs::write(&table, bytes).unwrap();
    }
    story.run("modules verify", 3, &["modules", "verify"]);
    story.run("modules repair", 1, &["modules", "repair"]);
    story.printed
}

fn keys() -> Vec<Printed> {
    let mut story = Story::new();
    let [old, new] = ["old.key", "new.key"].map(|name| story.sandbox.path(name));
    for key in [&old, &new] {
        story.run("key", 0, &["key", "generate", path(key)]);
    }
    story.run(
        "import",
        0,
        &["--key-file", path(&old), "import", path(&object("cpp-gcc-O2-dwarf5.so"))],
    );
    story.run("key", 0, &["--key-file", path(&old), "key", "rotate", "--new-key-file", path(&new)]);
    story.run("key", 0, &["--key-file", path(&new), "key", "show"]);
    story.printed
}

/// A dump that is whole, and one that was cut off.
fn dumps() -> Vec<Printed> {
    let mut story = Story::new();
    let unpacked = |name: &str| {
        let packed = std::fs::read(testdata(&format!("minidump/{name}.zst"))).unwrap();
        zstd::decode_all(packed.as_slice()).unwrap()
    };
    let dump = unpacked("c1.dmp");
    let victim = story.sandbox.write("victim", unpacked("victim"));
    let whole = story.sandbox.write("c1.dmp", &dump);
    let cut = story.sandbox.write("cut.dmp", &dump[..dump.len() / 2]);
    story.run("import", 0, &["import", path(&victim)]);
    story.run("symbolicate", 0, &["symbolicate", path(&whole)]);
    story.run("symbolicate", 1, &["symbolicate", path(&cut)]);
    story.run("crash add", 1, &["crash", "add", path(&cut)]);
    let listed = story.run("crash list", 0, &["crash", "list"]);
    let id = listed[0]["id"].as_str().unwrap();
    story.run("crash show", 0, &["crash", "show", id]);
    story.run("crash add", 0, &["crash", "add", path(&whole)]);
    story.run("crash show", 0, &["crash", "show", id]);
    story.run("missing", 0, &["missing"]);
    let engine = story.sandbox.write("libengine.so", unpacked("libengine.so"));
    let served = story.sandbox.path("served");
    let lay_out = ["modules", "export", "--layout", "gdb", path(&served), path(&engine)];
    story.run("modules export", 0, &lay_out);
    let source = "[[source]]\ntype = \"gdb\"\npath = \"served\"\n";
    let settings = story.sandbox.write("symtool.toml", source);
    let fetch = ["--config", path(&settings), "missing", "--fetch"];
    let fetched = story.run("missing", 0, &fetch);
    assert!(fetched.iter().any(|module| module["status"] == "fetched"), "{fetched:?}");
    story.run("import", 0, &["import", path(&engine)]);
    story.run("reprocess", 0, &["reprocess"]);
    story.run("crash remove", 0, &["crash", "gc", "--keep", "0", "--drop-dumps"]);
    story.run("import", 0, &["import", path(&testdata("minidump/libc.so.6.sym"))]);
    story.run("reprocess", 0, &["reprocess"]);
    story.printed
}

fn crashes() -> Vec<Printed> {
    let mut story = Story::new();
    story.sandbox.import("cpp-gcc-O2-dwarf5.so");
    let cut = story.sandbox.write(
        "cut.json",
        br#"{"event_id":"0123456789abcdef0123456789abcdef","exception":{"values":["#,
    );
    let folder = testdata("crashes");
    story.run(
        "crash add",
        1,
        &["crash", "add", path(&folder), path(&cut), path(&story.sandbox.path("nowhere"))],
    );
    story.run("crash add", 0, &["crash", "add", path(&testdata("demo/reports"))]);
    story.run("crash list", 0, &["crash", "list", "--failed"]);
    let listed = story.run("crash list", 0, &["crash", "list"]);
    let ids: Vec<&str> = listed.iter().map(|crash| crash["id"].as_str().unwrap()).collect();
    story.run("crash show", 0, &[&["crash", "show"], &ids[..]].concat());
    let link = "source-link = \"https://example.com/{path}#L{line}\"\n";
    let settings = story.sandbox.write("symtool.toml", link);
    story.run(
        "crash show",
        0,
        &[&["--config", path(&settings), "crash", "show"], &ids[..]].concat(),
    );
    for id in &ids {
        story.run("rules explain", 0, &["rules", "explain", id]);
        story.run("report", 0, &["report", "--crash", id]);
    }
    let groups = story.run("groups list", 0, &["groups", "list"]);
    let groups: Vec<&str> = groups.iter().map(|group| group["id"].as_str().unwrap()).collect();
    story.run("groups show", 0, &[&["groups", "show"], &groups[..]].concat());
    story.run("missing", 0, &["missing"]);
    story.run("crash remove", 0, &["crash", "remove", ids[0]]);
    story.run("crash remove", 0, &["crash", "gc", "--keep", "0", "--last", "--dry-run"]);
    let [good, bad] = [("good.txt", "function:a -group\n"), ("bad.txt", "function:a -grup\n")]
        .map(|(name, text)| story.sandbox.write(name, text));
    story.run("rules check", 1, &["rules", "check", path(&good), path(&bad)]);
    story.printed
}

/// Two builds of one source.
const BUILDS: [&str; 2] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so"];

/// Crashes of two bugs in two builds of one source; symbols of both come late, and a mapping is put
/// right.
fn two_bugs() -> Story {
    let mut story = Story::new();
    let names = BUILDS;
    let bugs: [&[&str]; 2] =
        [&["primary", "expression", "grammar_eval"], &["probe", "table_find", "grammar_eval"]];
    let mut events = Vec::new();
    for (at, build) in (0..).zip(names.map(Build::of)) {
        events.extend(
            (0..).zip(bugs).map(|(bug, functions)| event(at * 2 + bug + 1, &build, functions)),
        );
    }
    let events = story.sandbox.write("events.ndjson", events.join("\n"));
    story.run("crash add", 0, &["crash", "add", path(&events)]);
    let java = story.sandbox.write(
        "java.txt",
        "java.lang.Error: x\n\tat a.b.c(SourceFile:3)\n\tat a.b.d(SourceFile:4)\n",
    );
    story.run(
        "crash add",
        0,
        &["crash", "add", path(&java), "--mapping", "11111111-2222-3333-4444-555555555555"],
    );
    story.run(
        "crash add",
        0,
        &["crash", "add", path(&java), "--mapping", "66666666-2222-3333-4444-555555555555"],
    );
    let fixtures = names.map(object);
    story.run("import", 0, &["import", path(&fixtures[0])]);
    story.run("reprocess", 0, &["reprocess", "--dry-run"]);
    story.run("reprocess", 0, &["reprocess"]);
    story.run("import", 0, &["import", path(&fixtures[1])]);
    story.run("reprocess", 1, &["reprocess", "--max-absorb", "0"]);
    story.run("reprocess", 0, &["reprocess"]);
    story
}

/// What people note about groups, and merging them.
fn groups() -> Vec<Printed> {
    let mut story = two_bugs();
    let listed = story.run("groups list", 0, &["groups", "list"]);
    let ids: Vec<&str> = listed.iter().map(|group| group["id"].as_str().unwrap()).collect();
    for words in [&["resolve", "--in", "app@0"][..], &["assign", "mia"], &["note", "odd"]] {
        let words = [&["groups", words[0], ids[0]], &words[1..]].concat();
        story.run("groups mark", 0, &words);
    }
    story.run("groups mark", 0, &["groups", "link", ids[0], "https://tracker.example.com/1"]);
    story.run("groups list", 0, &["groups", "list"]);
    story.run("groups show", 0, &[&["groups", "show"], &ids[..]].concat());
    story.run("groups history", 0, &["groups", "merge", ids[0], ids[1]]);
    let merged = story.run("groups history", 0, &["groups", "history"]).len().to_string();
    story.run("groups history", 0, &["groups", "undo"]);
    story.run("groups diff", 0, &["groups", "diff", &merged]);
    let history = story.run("groups history", 0, &["groups", "history"]);
    for run in 1..=history.len() {
        story.run("report", 0, &["report", "--run", &run.to_string()]);
    }
    story.printed
}

/// Runs by other rules, what they changed, and what is left once all is removed.
fn runs() -> Vec<Printed> {
    let mut story = two_bugs();
    // Rules under which both bugs are one; without them they part.
    let broad = ["primary", "expression", "probe", "table_find"]
        .map(|function| format!("function:{function} -group\n"))
        .concat();
    let rules = story.sandbox.write("rules.txt", broad);
    story.run("reprocess", 0, &["reprocess", "--rules", path(&rules)]);
    story.run("reprocess", 0, &["reprocess"]);
    let history = story.run("groups history", 0, &["groups", "history"]);
    for run in 1..=history.len() {
        story.run("report", 0, &["report", "--run", &run.to_string()]);
    }
    story.run("report", 0, &["report", "--since", "2000-01-01"]);
    for run in 0..history.len() {
        story.run("groups diff", 0, &["groups", "diff", &run.to_string()]);
    }
    story.run("modules remove", 0, &["modules", "remove", BUILDS[0]]);
    story.run("reprocess", 0, &["reprocess"]);
    story.run("crash remove", 0, &["crash", "gc", "--keep", "0", "--last"]);
    story.printed
}

/// Workers, a plan of what they say, and a run in shards.
fn workers() -> Vec<Printed> {
    let mut story = two_bugs();
    let events = std::fs::read_to_string(story.sandbox.path("events.ndjson")).unwrap();
    let folded = object("folded/lld.so");
    story.run("import", 0, &["import", path(&folded)]);
    // Without the objects in reports, which are whatever they were.
    let task = |report: &str| serde_json::json!({ "report": report, "key": 7 }).to_string() + "\n";
    let reports = events.lines().map(task).collect::<String>() + "{}\n";
    let requests = format!("{} 0x1330\n{} 0x1139\nx a.b.c:1\n", path(&folded), BUILDS[0]);
    let mut tallies = String::new();
    for (job, input) in [("symbolicate", &reports), ("assess", &reports), ("resolve", &requests)] {
        let run = story.sandbox.run_with_input(&["worker", job, "--end-row"], input.as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let objects = json_lines(&run.stdout);
        story.printed.extend(objects.into_iter().map(|object| ("worker", object)));
        if job == "assess" {
            tallies = run.stdout;
        }
    }
    let is_counted = |line: &&str| line.contains("\"fingerprint\"");
    let tallies: Vec<&str> = tallies.lines().filter(is_counted).collect();
    let tallies = story.sandbox.write("tallies.ndjson", tallies.join("\n"));
    let state = story.sandbox.path("groups.state");
    let plan = ["groups", "plan", "--tallies", path(&tallies), "-o", path(&state)];
    story.run("groups plan", 0, &plan);
    // As if one of the crashes had had another fingerprint.
    let first = events.lines().next().unwrap();
    let was = serde_json::json!({ "fingerprint": format!("s{}", "0".repeat(32)), "digest": "0", "resolved": 0 });
    let moved = serde_json::json!({ "report": first, "was": was }).to_string();
    let run = story.sandbox.run_with_input(&["worker", "assess"], moved.as_bytes());
    story.printed.extend(json_lines(&run.stdout).into_iter().map(|object| ("worker", object)));
    let crashes = story.sandbox.run(["crash", "list", "--json"]).stdout;
    let crash = json_lines(&crashes)[0]["id"].as_str().unwrap().to_owned();
    story.run("groups of", 0, &["groups", "of", &crash]);
    story.run("reprocess shard", 0, &["reprocess", "--all", "--shard", "0/1"]);
    story.printed
}
