//! Crashes of Java: methods beside addresses, builds that are one group, events that keep their shape.

use serde_json::Value;

use crate::support::{Sandbox, json_lines};
use crate::{done, import};

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
pub fn build(build: usize) -> (String, String) {
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
