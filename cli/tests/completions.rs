//! Completions as shells make them: names of modules and ids of groups and crashes, from the store
//! that the line names. A shell that is not there is passed over.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;
use std::process::Command;

use support::{Sandbox, json_lines, testdata};

/// What `shell` prints for `script`, with the program's folder first in its PATH; `None` if there is
/// no such shell.
fn printed(sandbox: &Sandbox, shell: &[&str], script: &str) -> Option<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_symtool"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let file = sandbox.write("script", script);
    let mut command = Command::new(shell[0]);
    sandbox.isolate(&mut command);
    let run = command.args(&shell[1..]).arg(file).env("PATH", path).output().ok()?;
    assert!(run.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&run.stderr));
    Some(String::from_utf8(run.stdout).unwrap())
}

/// A store with a module and a crash, and the ids of the crash and its group.
fn sandbox() -> (Sandbox, String, String) {
    let sandbox = Sandbox::in_memory();
    sandbox.import("cpp-gcc-O2-dwarf5.so");
    let report = testdata("demo/reports");
    assert_eq!(sandbox.run(["crash", "add", report.to_str().unwrap()]).code, 0);
    let crash = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout).remove(0);
    let text = |key: &str| crash[key].as_str().unwrap().to_owned();
    let ids = (text("id"), text("group"));
    (sandbox, ids.0, ids.1)
}

/// Lines as they are typed up to the cursor, each with what stands there then.
fn lines(store: &str, crash: &str, group: &str) -> Vec<(String, String)> {
    let line =
        |words: &str, want: &str| (format!("symtool --store {store} {words}"), want.to_owned());
    vec![
        line("resolve --module cpp-g", "cpp-gcc-O2-dwarf5.so"),
        line("modules show cpp", "cpp-gcc-O2-dwarf5.so"),
        line(&format!("groups show {}", &group[..6]), group),
        line(&format!("report --group {}", &group[..6]), group),
        line(&format!("crash show {}", &crash[..6]), crash),
        // What the shell knew before.
        line("modul", "modules"),
    ]
}

#[test]
fn names_for_scripts() {
    let (sandbox, crash, group) = sandbox();
    let store = sandbox.store();
    for (line, want) in lines(store.to_str().unwrap(), &crash, &group) {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        let run = sandbox.run([&["complete-names", "--"], &words[..]].concat());
        let first = run.stdout.lines().next().and_then(|line| line.split('\t').next());
        let want = (want != "modules").then_some(want.as_str());
        assert_eq!((run.code, run.stderr.as_str(), first), (0, "", want), "{line}");
    }
    // A store that is not there has no names, and nobody is told.
    let run = sandbox.run(["complete-names", "--", "--store", "/nowhere", "groups", "show", ""]);
    assert_eq!((run.code, run.stdout, run.stderr), (0, String::new(), String::new()));
    // No command is run for a key.
    let asked = sandbox.path("asked");
    let key = format!("touch {}", asked.display());
    let words = ["--key-command", &key, "complete-names", "--", "groups", "show", ""];
    assert_eq!(sandbox.run(words).stdout, "");
    assert!(!asked.exists());
}

#[test]
fn bash_completes_names() {
    let (sandbox, crash, group) = sandbox();
    let store = sandbox.store();
    for (line, want) in lines(store.to_str().unwrap(), &crash, &group) {
        let script = format!(
            "eval \"$(symtool completions bash)\"\nCOMP_WORDS=({line})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\nCOMP_LINE='{line}'\nCOMP_POINT=${{#COMP_LINE}}\n_symtool_names symtool \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let Some(printed) = printed(&sandbox, &["bash", "--norc"], &script) else { return };
        assert!(printed.lines().any(|line| line == want), "{line}: {printed}");
    }
}

#[test]
fn fish_completes_names() {
    let (sandbox, crash, group) = sandbox();
    let store = sandbox.store();
    for (line, want) in lines(store.to_str().unwrap(), &crash, &group) {
        let script = format!("symtool completions fish | source\ncomplete -C '{line}'\n");
        let Some(printed) = printed(&sandbox, &["fish", "--no-config"], &script) else { return };
        let names = printed.lines().filter_map(|line| line.split('\t').next());
        assert!(names.into_iter().any(|name| name == want), "{line}: {printed}");
    }
}

#[test]
fn zsh_completes_names() {
    let (sandbox, crash, group) = sandbox();
    let store = sandbox.store();
    for (line, want) in lines(store.to_str().unwrap(), &crash, &group) {
        // What zsh adds is only seen by its own widgets: the function is asked what it would add.
        let script = format!(
            "compdef() {{ :; }}; _symtool() {{ print modules; }}\ncompadd() {{ print -l -- $names; }}\nsource =(symtool completions zsh | sed -n '/^# Names of modules/,$p')\nwords=({line}); CURRENT=${{#words}}\n_symtool_names\n"
        );
        let Some(printed) = printed(&sandbox, &["zsh", "-f"], &script) else { return };
        assert!(printed.lines().any(|line| line == want), "{line}: {printed}");
    }
}
