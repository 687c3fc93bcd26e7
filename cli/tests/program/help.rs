//! Help with its examples, completions, manual pages, and what `--version` says.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::Sandbox;
use crate::{FIXTURE, has};

const COMMANDS: [&[&str]; 57] = [
    &["import"],
    &["bundle"],
    &["bucket"],
    &["bucket", "probe"],
    &["bucket", "gc"],
    &["resolve"],
    &["check"],
    &["modules"],
    &["modules", "list"],
    &["modules", "show"],
    &["modules", "remove"],
    &["modules", "verify"],
    &["modules", "gc"],
    &["modules", "export"],
    &["modules", "repair"],
    &["modules", "compact"],
    &["key"],
    &["key", "generate"],
    &["key", "rotate"],
    &["key", "show"],
    &["stats"],
    &["completions"],
    &["man"],
    &["crash"],
    &["crash", "add"],
    &["crash", "list"],
    &["crash", "show"],
    &["crash", "remove"],
    &["crash", "gc"],
    &["crash", "forget"],
    &["symbolicate"],
    &["retrace"],
    &["reprocess"],
    &["groups"],
    &["groups", "list"],
    &["groups", "show"],
    &["groups", "resolve"],
    &["groups", "assign"],
    &["groups", "note"],
    &["groups", "link"],
    &["groups", "diff"],
    &["groups", "history"],
    &["groups", "undo"],
    &["groups", "merge"],
    &["groups", "state"],
    &["groups", "plan"],
    &["groups", "of"],
    &["worker"],
    &["worker", "symbolicate"],
    &["worker", "assess"],
    &["worker", "resolve"],
    &["missing"],
    &["report"],
    &["rules"],
    &["rules", "check"],
    &["rules", "explain"],
    &["rules", "show"],
];

#[test]
fn every_help_has_examples() {
    let sandbox = Sandbox::new();
    for command in [&[][..]].iter().chain(&COMMANDS) {
        let help = sandbox.run([command, &["--help"][..]].concat()).stdout;
        let examples =
            help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command:?}: {help}")).1;
        assert!(
            examples.contains(["  symtool", &command.join(" ")].join(" ").trim_end())
                || examples.contains(&format!(" {} ", command.join(" "))),
            "{command:?}: {help}"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command:?}: {help}");
        assert!(!help.contains('`'), "{command:?}: {help}");
    }
    let help = sandbox.run(["resolve", "--help"]).stdout;
    for said in [":ARCH", "build-id or UUID", "amd64"] {
        assert!(help.contains(said), "{help}");
    }
}

/// Commands in examples are accepted: none is wrong usage.
#[test]
fn examples_in_help_are_right() {
    let sandbox = Sandbox::new();
    for rules in ["rules.txt", "new-rules.txt"] {
        sandbox.write(rules, "function:abort -group\n");
    }
    sandbox.write("known.ndjson", "");
    fs::create_dir_all(sandbox.path("config/symtool")).unwrap();
    let source = "[[source]]\ntype = \"gdb\"\npath = \"served\"\n";
    sandbox.write("config/symtool/symtool.toml", source);
    let mut tried = 0;
    for command in [&[][..]].iter().chain(&COMMANDS) {
        let help = sandbox.run([command, &["--help"][..]].concat()).stdout;
        let examples = help.split_once("Examples:\n").unwrap().1;
        for line in examples.lines().filter(|line| line.starts_with("  symtool ")) {
            // What comes after is no argument: a comment after three spaces, a pipe, a redirection.
            let line = line.trim_start().split("   ").next().unwrap();
            let words =
                line.split_whitespace().skip(1).take_while(|word| !["|", ">", "<"].contains(word));
            let mut arguments: Vec<String> =
                words.map(|word| word.trim_matches('\'').to_owned()).collect();
            if arguments[0] == "man" {
                arguments.truncate(1);
            }
            if command.first() == Some(&"bucket") {
                // These need a bucket: cli/tests/buckets.rs runs them.
                continue;
            }
            let output = sandbox
                .command()
                .current_dir(sandbox.path(""))
                .args(&arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_ne!(
                output.status.code(),
                Some(2),
                "{line}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let sandbox = Sandbox::new();
    for (shell, said) in [
        ("bash", "complete -F _symtool"),
        ("zsh", "#compdef symtool"),
        ("fish", "complete -c symtool"),
    ] {
        let script = sandbox.run(["completions", shell]).stdout;
        for word in [said, "import", "verify", "llvm-json", "debug-dir"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let path = sandbox.write(shell, &script);
        if has(shell) {
            let checked = Command::new(shell).arg("-n").arg(&path).output().unwrap();
            assert!(
                checked.status.success() && checked.stderr.is_empty(),
                "{shell}: {}",
                String::from_utf8_lossy(&checked.stderr)
            );
        }
    }
    assert!(has("bash"));
    // What bash makes of it: the word that is being typed becomes one of the commands.
    let ask = format!(
        ". {}; COMP_WORDS=(symtool mod); COMP_CWORD=1; _symtool symtool mod symtool; echo \"${{COMPREPLY[@]}}\"",
        sandbox.path("bash").display()
    );
    let answer = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(
        String::from_utf8(answer.stdout).unwrap().trim(),
        "modules",
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    assert_eq!(sandbox.run(["completions", "tcsh"]).code, 2);
}

#[test]
fn manual_pages_render() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("new/man1");
    let run = sandbox.run(["man", folder.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    let pages = fs::read_dir(&folder).unwrap().count();
    let dropins: [&[&str]; 4] = [&["addr2line"], &["atos"], &["llvm-symbolizer"], &["ndk-stack"]];
    assert_eq!(pages, COMMANDS.len() + dropins.len() + 1);
    assert_eq!(sandbox.run(["man"]).stdout, fs::read_to_string(folder.join("symtool.1")).unwrap());
    for command in [&[][..]].iter().chain(&COMMANDS).chain(&dropins) {
        let name = [&["symtool"], *command].concat().join("-");
        let page = folder.join(format!("{name}.1"));
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains(".SH EXAMPLES\n.nf\n  symtool "), "{name}: {text}");
        let is_own = !dropins.contains(command);
        for section in ["EXIT STATUS", "ENVIRONMENT", "FILES"] {
            assert_eq!(text.contains(&format!("\n.SH {section}\n")), is_own, "{name}: {text}");
        }
        if has("groff") {
            let rendered = Command::new("groff")
                .args(["-man", "-Tutf8", "-P-cbou", "-ww"])
                .arg(&page)
                .output()
                .unwrap();
            let errors = String::from_utf8(rendered.stderr).unwrap();
            assert!(rendered.status.success() && errors.is_empty(), "{name}: {errors}");
            assert!(String::from_utf8(rendered.stdout).unwrap().contains("EXAMPLES"));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_brings_its_cpp_runtime() {
    use ::object::Object as _;

    let bytes = fs::read(env!("CARGO_BIN_EXE_symtool")).unwrap();
    let program = ::object::File::parse(&*bytes).unwrap();
    let needed: Vec<String> = program
        .import_libraries()
        .unwrap()
        .map(|library| String::from_utf8_lossy(library.unwrap().name()).into_owned())
        .collect();
    assert!(needed.iter().any(|library| library.starts_with("libc.so")), "{needed:?}");
    assert!(!needed.iter().any(|library| library.starts_with("libstdc++")), "{needed:?}");
}

#[test]
fn the_whole_version_names_target_and_format() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["--version", "-v"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], format!("symtool {}", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("commit: "), "{lines:?}");
    assert!(lines[2].contains(std::env::consts::ARCH), "{lines:?}");
    sandbox.import(FIXTURE);
    let store = fs::read_to_string(sandbox.store().join("FORMAT")).unwrap();
    let format = lines[3].strip_prefix("store format: ").unwrap();
    assert!(store.starts_with(&format!("symtool store {format}\n")), "{store}");
    assert_eq!(sandbox.run(["-V"]).stdout, format!("{}\n", lines[0]));
}
