//! What only symbols, exports and stubs tell.

use serde_json::Value;

use crate::cases::{Layout, goldens};
use crate::support::{Sandbox, object, objects, testdata};

/// Linkage stubs are named as GNU objdump names them, and in Mach-O after the symbol that
/// llvm-objdump finds for them; in llvm-symbolizer's styles, they are what it makes of them.
#[test]
fn linkage_stubs_have_the_names_of_what_they_call() {
    let mut stubs_checked = 0;
    for (kind, before, after) in [("plt", "", "@plt"), ("stubs", "DYLD-STUB$$", "")] {
        for name in with_golden(kind) {
            let sandbox = Sandbox::new();
            sandbox.import(&name);
            for golden in goldens(&format!("{name}.{kind}")) {
                let want = format!("{before}{}", golden.frames[0].0);
                // A slot that the program fills itself, in a program without dynamic symbols.
                if want.starts_with("*ABS*") {
                    continue;
                }
                for address in [golden.start, golden.end - 1] {
                    let address = format!("{address:#x}");
                    assert_eq!(
                        function_at(&sandbox, &name, &address).as_deref(),
                        Some(&want[..]),
                        "{name} {address}"
                    );
                    let run = sandbox.run([
                        "resolve",
                        "--module",
                        &name,
                        "--style",
                        "llvm",
                        "--no-demangle",
                        &address,
                    ]);
                    let is_named = !before.is_empty() && run.stdout.contains(before)
                        || !after.is_empty() && run.stdout.contains(after);
                    assert!(!is_named, "{name} {address}: {}", run.stdout);
                }
                stubs_checked += 1;
            }
        }
    }
    assert!(stubs_checked > 140, "only {stubs_checked} stubs");
}

/// Fixtures that have a golden of `kind` besides their own.
fn with_golden(kind: &str) -> Vec<String> {
    objects()
        .into_iter()
        .filter(|name| testdata("golden").join(format!("{name}.{kind}.jsonl")).exists())
        .collect()
}

/// What the symbol tables name at `address`, if they do: one frame, which debug data does not know.
fn function_at(sandbox: &Sandbox, module: &str, address: &str) -> Option<String> {
    let run = sandbox.run(["resolve", "--module", module, "--json", "--no-demangle", address]);
    let answer = &crate::support::json_lines(&run.stdout)[0];
    if answer["status"] == "no_range" {
        return None;
    }
    let frames =
        answer["frames"].as_array().unwrap_or_else(|| panic!("{module} {address}: {answer}"));
    assert_eq!(frames.len(), 1, "{module} {address}: {answer}");
    assert_eq!(
        (&frames[0]["inlined"], &frames[0]["source"]),
        (&Value::from(false), &Value::from("symtab"))
    );
    Some(frames[0]["function"].as_str().unwrap().to_owned())
}

/// Addresses and names, such as `["0x500","main"]`.
pub fn table(name: &str) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
    let line = |line: Value| {
        let address = line[0].as_str().unwrap().trim_start_matches("0x").to_owned();
        (u64::from_str_radix(&address, 16).unwrap(), line[1].as_str().unwrap().to_owned())
    };
    crate::support::json_lines(&text).into_iter().map(line).collect()
}

/// In an image without symbols, exports have names and other functions none, whatever symbol stands
/// before them.
#[test]
fn exports_and_function_starts_tell_functions_of_stripped_images() {
    let (mut named, mut nameless) = (0, 0);
    for name in with_golden("exports")
        .iter()
        .filter(|name| name.ends_with("-stripped") || name.ends_with("-bare"))
    {
        let sandbox = Sandbox::new();
        sandbox.import(name);
        let exports = table(&format!("{name}.exports"));
        let starts: Vec<u64> =
            table(&format!("{name}.starts")).into_iter().map(|(start, _)| start & !1).collect();
        let code = Layout::of(&std::fs::read(object(name)).unwrap()).code;
        for (at, &start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).copied().unwrap_or(start + 1);
            let end = code.iter().find(|section| section.contains(&start)).unwrap().end.min(end);
            let mut want: Vec<&str> = exports
                .iter()
                .filter(|(address, _)| *address == start)
                .map(|(_, name)| name.as_str())
                .collect();
            want.sort_unstable();
            for address in [start, end - 1] {
                let found = function_at(&sandbox, name, &format!("{address:#x}"));
                assert_eq!(found.as_deref(), want.first().copied(), "{name} {address:#x}");
            }
            if want.is_empty() { nameless += 1 } else { named += 1 }
        }
    }
    assert!(named >= 10 && nameless >= 4, "{named} named, {nameless} nameless");
}
