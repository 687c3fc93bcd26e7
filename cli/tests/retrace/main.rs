//! Which mapping a trace is retraced by, and how: by files, ids and what R8 writes into programs,
//! in texts and in streams.
//!
//! The mappings and traces are those of `testdata/mapping/builds.py`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod chosen;
mod files;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Run, Sandbox, json_lines};

fn build(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mapping/builds").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(build(name)).unwrap()
}

/// The id of a mapping, as its head has it.
fn id(name: &str) -> String {
    let text = text(name);
    text.lines().find_map(|line| line.strip_prefix("# pg_map_hash: SHA-256 ")).unwrap().to_owned()
}

fn done(run: Run) -> String {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn import(sandbox: &Sandbox, names: &[&str]) -> Run {
    let paths = names.iter().map(|name| build(name).to_str().unwrap().to_owned());
    sandbox.run(std::iter::once("import".to_owned()).chain(paths))
}

fn retrace(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(std::iter::once(&"retrace").chain(args))
}

fn path(name: &str) -> String {
    build(name).to_str().unwrap().to_owned()
}

/// What the traces stand for, in the house with this name.
fn original(room: &str) -> String {
    format!(
        "house.{room}.Dark: dark\n\tat house.{room}.Lamp.light(Lamp.kt:12)\n\tat house.{room}.Lamp$Bulb.glow(Lamp.kt:7)\n"
    )
}

fn plain(room: &str) -> String {
    format!(
        "java.lang.IllegalStateException: dark\n\tat house.{room}.Lamp.light(Lamp.kt:12)\n\tat house.{room}.Lamp$Bulb.glow(Lamp.kt:7)\n"
    )
}

/// A path is the mapping in that file, whatever others are called.
#[test]
fn a_path_is_that_file() {
    let sandbox = Sandbox::new();
    for room in ["hall", "attic"] {
        fs::create_dir(sandbox.path(room)).unwrap();
        fs::copy(build(&format!("{room}.mapping.txt")), sandbox.path(room).join("mapping.txt"))
            .unwrap();
    }
    let mapping = |room: &str| sandbox.path(room).join("mapping.txt").to_str().unwrap().to_owned();
    done(sandbox.run(["import", &mapping("attic")]));
    let trace = path("plain.trace.txt");
    let other = retrace(&sandbox, &["--mapping", &mapping("hall"), &trace]);
    assert_eq!((other.code, &*other.stdout), (1, ""), "{}", other.stderr);
    assert!(other.stderr.contains("is not in the store; import it"), "{}", other.stderr);
    let symbolicated = sandbox.run(["symbolicate", "--mapping", &mapping("hall"), &trace]);
    assert_eq!((symbolicated.code, &*symbolicated.stdout), (1, ""));
    done(sandbox.run(["import", &mapping("hall")]));
    for room in ["hall", "attic"] {
        assert_eq!(done(retrace(&sandbox, &["--mapping", &mapping(room), &trace])), plain(room));
        let resolved = done(sandbox.run(["resolve", "--module", &mapping(room), "a.b.c:2"]));
        assert_eq!(resolved, format!("a.b.c:2: house.{room}.Lamp.light at Lamp.kt:12\n"));
    }
    // A name that both have.
    let both = retrace(&sandbox, &["--mapping", "mapping.txt", &trace]);
    assert_eq!(both.code, 1);
    assert!(
        both.stderr.contains("2 mappings have this name: ")
            && both.stderr.contains("pass an id or a path"),
        "{}",
        both.stderr
    );
    // Nothing is there.
    let none = retrace(&sandbox, &["--mapping", "nowhere/mapping.txt", &trace]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("nowhere/mapping.txt: no such file"), "{}", none.stderr);
    done(sandbox.run(["modules", "remove", &mapping("hall")]));
    assert_eq!(
        json_lines(&done(sandbox.run(["modules", "list", "--json"])))[0]["id"],
        id("attic.mapping.txt")
    );
}

/// Older R8 calls a mapping by the first seven digits of its hash.
#[test]
fn seven_digits() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["old.mapping.txt", "hall.mapping.txt"]));
    let want = "a.x: dark\n\tat house.old.Lamp.light(Lamp.java:5)\n";
    let trace = path("old.trace.txt");
    assert_eq!(done(retrace(&sandbox, &[&trace])), want);
    let id = id("old.mapping.txt");
    for name in [&id, &id[..7], &id[..12]] {
        assert_eq!(done(retrace(&sandbox, &[&trace, "--mapping", name])), want, "{name}");
    }
    done(sandbox.run(["crash", "add", &trace]));
    let group = json_lines(&done(sandbox.run(["groups", "list", "--json"]))).remove(0);
    assert_eq!(
        (&group["title"], &group["kind"]),
        (&"a.x in house.old.Lamp.light".into(), &"resolved".into())
    );
    // Another mapping whose id begins so.
    let other = sandbox.write(
        "other.txt",
        format!("# compiler: R8\n# pg_map_id: {}0\nother.Lamp -> q.b:\n", &id[..7]),
    );
    done(sandbox.run(["import", other.to_str().unwrap()]));
    let run = retrace(&sandbox, &[&trace]);
    assert_eq!((run.code, &*run.stdout), (1, &*text("old.trace.txt")));
    assert!(
        run.stderr.contains("several ids begin like this") && run.stderr.contains(&id[..12]),
        "{}",
        run.stderr
    );
}

/// Each trace of a text is of the build that its frames name; what precedes them is, too.
#[test]
fn traces_of_several_builds() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["hall.mapping.txt", "attic.mapping.txt"]));
    let both = original("hall") + &original("attic");
    assert_eq!(done(retrace(&sandbox, &[&path("two.trace.txt")])), both);
    assert_eq!(done(retrace(&sandbox, &[&path("hall.trace.txt"), &path("attic.trace.txt")])), both);
    assert_eq!(done(sandbox.run(["symbolicate", &path("two.trace.txt")])), both);
    // Frames before the first that names it, causes and other lines.
    let file = |name: &str| format!("r8-map-id-{}", id(name));
    let (hall, attic) = (file("hall.mapping.txt"), file("attic.mapping.txt"));
    let log = format!(
        "I/App: a.x: only said\nE/App: a.x: dark\nE/App: more of it\nE/App: \tat java.util.Objects.check(Objects.java:9)\nE/App: \tat a.b.c({hall}:2)
E/App: Caused by: a.x: c\nE/App: \tat a.b$a.a(SourceFile:1)\nE/App: \t... 3 more\nE/App: a.x: lit\nE/App: \tat a.b.c({attic}:1)\nE/App: \tat a.b.c({attic}:3)\n"
    );
    let want = "I/App: house.hall.Dark: only said\nE/App: house.hall.Dark: dark\nE/App: more of it\nE/App: \tat java.util.Objects.check(Objects.java:9)
E/App: \tat house.hall.Lamp.light(Lamp.kt:12)\nE/App: Caused by: house.hall.Dark: c\nE/App: \tat house.hall.Lamp$Bulb.glow(Lamp.kt:7)
E/App: \t... 3 more\nE/App: house.attic.Dark: lit\nE/App: \tat house.attic.Lamp.light(Lamp.kt:11)\nE/App: \tat house.attic.Lamp.light(Lamp.kt:13)\n";
    let run = sandbox.run_with_input(&["retrace", "-"], log.as_bytes());
    assert_eq!((run.code, &*run.stdout), (0, want), "{}", run.stderr);
    // Much of it, on any number of threads.
    let (log, want) = (log.repeat(20_000), want.repeat(20_000));
    let file = sandbox.write("log.txt", &log);
    for jobs in ["1", "4"] {
        let got = done(retrace(&sandbox, &["-j", jobs, file.to_str().unwrap()]));
        assert!(got == want, "{jobs} threads");
        let piped = sandbox.run_with_input(&["retrace", "-j", jobs, "-"], log.as_bytes());
        assert!(piped.stdout == want, "{jobs} threads, piped: {}", piped.stderr);
    }
    // What one says overrides what frames say.
    assert_eq!(
        done(retrace(&sandbox, &["--mapping", &id("attic.mapping.txt"), &path("hall.trace.txt")])),
        original("attic")
    );
    // A build that is not there stays as it is, and is told.
    done(sandbox.run(["modules", "remove", &id("hall.mapping.txt")]));
    let run = retrace(&sandbox, &[&path("two.trace.txt")]);
    assert_eq!((run.code, run.stdout), (1, text("hall.trace.txt") + &original("attic")));
    assert!(
        run.stderr.contains(&format!(
            "the mapping {}, which is not in the store",
            id("hall.mapping.txt")
        )),
        "{}",
        run.stderr
    );
}

#[test]
fn verbose_and_expressions() {
    let sandbox = Sandbox::new();
    let (mapping, trace) = (path("hall.mapping.txt"), path("plain.trace.txt"));
    let verbose = "java.lang.IllegalStateException: dark\n\tat house.hall.Lamp.void light(int)(Lamp.kt:12)\n\tat house.hall.Lamp$Bulb.void glow()(Lamp.kt:7)\n";
    assert_eq!(done(retrace(&sandbox, &["--verbose", &mapping, &trace])), verbose);
    let line = sandbox.write("line.txt", "[2] a.b#c line 2\n[3] a.b.c(X:2)\n");
    let args = ["--regex", r"\[\d+\] %c#%m line %l", &mapping, line.to_str().unwrap()];
    assert_eq!(
        done(retrace(&sandbox, &args)),
        "[2] house.hall.Lamp#light line 12\n[3] a.b.c(X:2)\n"
    );
    for (regex, told) in [
        ("(", "no regular expression"),
        ("%f", "fields of mappings are not kept"),
        ("%z", "%z stands for nothing"),
    ] {
        let run = retrace(&sandbox, &["--regex", regex, &mapping, &trace]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
}

/// A small mapping of `app`, different for each number.
fn mapping(app: &str, number: usize) -> String {
    format!(
        "# compiler: R8\n# pg_map_id: {number:04}{:08}\n{app}.Lamp -> a.b:\n    1:1:void light{number}():7:7 -> c\n",
        app.len()
    )
}

/// The first label of each module, sorted; `-` where it has none.
fn first_labels(sandbox: &Sandbox) -> Vec<String> {
    let modules = json_lines(&done(sandbox.run(["modules", "list", "--json"])));
    let mut all: Vec<String> = modules
        .iter()
        .map(|module| module["labels"][0].as_str().unwrap_or("-").to_owned())
        .collect();
    all.sort();
    all
}

/// Labels name builds: by them `gc` counts, commands find mappings, and reports theirs.
#[test]
fn labels() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("apps/garden/release")).unwrap();
    sandbox.write("apps/garden/release/mapping.txt", mapping("garden", 1));
    let import = |args: &[&str]| done(sandbox.run(["import"].iter().chain(args)));
    // By default, the path below the folder.
    import(&[sandbox.path("apps").to_str().unwrap()]);
    for number in 1..=3 {
        let file = sandbox.write("mapping.txt", mapping("shop", number));
        import(&["--label", &format!("com.shop@1.{number}"), file.to_str().unwrap()]);
    }
    for number in 4..=6 {
        let file = sandbox.write("mapping.txt", mapping("plain", number));
        import(&[file.to_str().unwrap()]);
    }
    fs::remove_file(sandbox.path("mapping.txt")).unwrap();
    let garden = "garden/release/mapping.txt";
    let all = ["-", "-", "-", "com.shop@1.1", "com.shop@1.2", "com.shop@1.3", garden];
    assert_eq!(first_labels(&sandbox), all);
    done(sandbox.run(["modules", "gc", "--keep", "2"]));
    assert_eq!(first_labels(&sandbox), ["-", "-", "com.shop@1.2", "com.shop@1.3", garden]);
    let line = done(sandbox.run(["modules", "list", "com.shop@1.3"]));
    assert!(line.lines().count() == 1 && line.trim_end().ends_with("com.shop@1.3"), "{line}");
    assert!(
        done(sandbox.run(["modules", "show", "com.shop@1.3"]))
            .contains("label       com.shop@1.3\n")
    );
    let trace = sandbox.write("trace.txt", " at a.b.c(X:1)\n");
    for (name, want) in [
        ("com.shop@1.2", " at shop.Lamp.light2(Lamp.java:7)\n"),
        (garden, " at garden.Lamp.light1(Lamp.java:7)\n"),
    ] {
        assert_eq!(done(retrace(&sandbox, &["--mapping", name, trace.to_str().unwrap()])), want);
    }
    // A label for what is there already.
    let file = sandbox.write("again.txt", mapping("shop", 3));
    import(&["--label", "com.shop@nightly", file.to_str().unwrap()]);
    assert_eq!(
        done(retrace(&sandbox, &["--mapping", "com.shop@nightly", trace.to_str().unwrap()])),
        " at shop.Lamp.light3(Lamp.java:7)\n"
    );
    assert_eq!(first_labels(&sandbox).len(), 5);
    assert_eq!(sandbox.run(["import", "--label", "", file.to_str().unwrap()]).code, 2);
}

/// A report that names no mapping is answered by the one that its release is a label of.
#[test]
fn a_release_is_a_label() {
    let sandbox = Sandbox::new();
    for number in 1..=3 {
        let file = sandbox.write("mapping.txt", mapping("shop", number));
        let label = format!("com.shop@1.{number}");
        done(sandbox.run(["import", "--label", &label, file.to_str().unwrap()]));
    }
    let event = format!(
        r#"{{"event_id":"{:032x}","platform":"java","release":"com.shop@1.2+77","exception":{{"values":[{{"type":"X","module":"java.lang","stacktrace":{{"frames":[{{"module":"a.b","function":"c","lineno":1,"filename":"X"}}]}}}}]}}}}"#,
        3
    );
    let event = sandbox.write("event.json", event);
    done(sandbox.run(["crash", "add", event.to_str().unwrap()]));
    let group = json_lines(&done(sandbox.run(["groups", "list", "--json"]))).remove(0);
    assert_eq!(group["title"], "java.lang.X in shop.Lamp.light2");
    assert!(done(sandbox.run(["symbolicate", event.to_str().unwrap()])).contains("\"shop.Lamp\""));
}

/// What R8 writes into the head of a mapping.
#[test]
fn heads_are_shown() {
    let sandbox = Sandbox::new();
    done(import(&sandbox, &["old.mapping.txt"]));
    let id = id("old.mapping.txt");
    let shown = done(sandbox.run(["modules", "show", &id]));
    for line in [
        "compiler    R8 1.6.84",
        "min_api     26",
        &format!("pg_map_id   {}", &id[..7]),
        &format!("pg_map_hash SHA-256 {id}"),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let json = json_lines(&done(sandbox.run(["modules", "show", "--json", &id]))).remove(0);
    assert_eq!(
        (&json["mapping"]["compiler"], &json["mapping"]["min_api"]),
        (&"R8".into(), &"26".into())
    );
}
