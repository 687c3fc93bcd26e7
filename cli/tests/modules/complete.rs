//! Files of one build complete each other, and their records say so.

use crate::support::Sandbox;
use crate::{debug_only, import, record, stripped};

/// What the store answers at every address of the fixture's code.
fn answers(sandbox: &Sandbox) -> String {
    let batch: Vec<String> = (0x1000..0x2000).map(|address| format!("{address:x}")).collect();
    let args = [
        "resolve",
        "--module",
        "debug.so",
        "--style",
        "llvm-json",
        "--no-demangle",
        "--batch",
        "-",
    ];
    let run = sandbox.run_with_input(&args, batch.join("\n").as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

#[test]
fn files_of_one_id_complete_each_other_in_either_order() {
    let alone = Sandbox::new();
    import(&alone, &debug_only(&alone));
    let debug_answers = answers(&alone);
    let mut outcomes = Vec::new();
    for first_is_debug in [true, false] {
        let sandbox = Sandbox::new();
        let (debug, code) = (debug_only(&sandbox), stripped(&sandbox));
        let order = if first_is_debug { [&debug, &code] } else { [&code, &debug] };
        for path in order {
            assert_eq!(import(&sandbox, path)["status"], "imported");
        }
        let before = record(&sandbox);
        for path in order {
            assert_eq!(import(&sandbox, path)["status"], "unchanged");
        }
        assert_eq!(record(&sandbox), before);
        outcomes.push((before, answers(&sandbox)));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    // What the debug file knew is as it was; the code file has names where it knew nothing.
    let (record, together) = &outcomes[0];
    let mut filled = 0;
    for (both, debug) in together.lines().zip(debug_answers.lines()) {
        if both != debug {
            assert!(
                debug.contains("\"FunctionName\":\"\"") && both.contains("\"Line\":0"),
                "{debug} {both}"
            );
            filled += 1;
        }
    }
    assert!(filled > 10, "{filled}");
    let name = "_ZN5route4walkEPKNS_5PointEj";
    assert!(together.contains(name) && !debug_answers.contains(name));
    let sources = record["sources"].as_array().unwrap();
    let of = |key: &str| sources.iter().map(|source| source[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        (of("name"), of("detail")),
        (vec!["debug.so".into(), "stripped.so".into()], vec!["debug".into(), "symbols".into()])
    );
    assert!(sources[1]["addresses"].as_u64().unwrap() >= filled);
    assert_eq!(record["other_names"], serde_json::json!(["stripped.so"]));
}

#[test]
fn modules_show_lists_what_a_module_is_made_from() {
    let sandbox = Sandbox::new();
    import(&sandbox, &stripped(&sandbox));
    import(&sandbox, &debug_only(&sandbox));
    let shown = sandbox.run(["modules", "show", "stripped.so"]).stdout;
    let sources: Vec<&str> = shown.lines().filter(|line| line.starts_with("source")).collect();
    assert_eq!(sources.len(), 2, "{shown}");
    assert!(
        sources[0].contains("debug.so: debug, ") && sources[1].contains("stripped.so: symbols, "),
        "{shown}"
    );
    assert!(sources.iter().all(|source| source.contains(" answers ")), "{shown}");
}
