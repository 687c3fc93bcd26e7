//! Job tests of what all commands share: settings, help, completions, manual pages, levels, pipes,
//! names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Run, Sandbox, json_lines, object};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";

const COMMANDS: [&[&str]; 47] = [
    &["import"],
    &["bundle"],
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
    &["missing"],
    &["report"],
    &["rules"],
    &["rules", "check"],
    &["rules", "explain"],
    &["rules", "show"],
];

/// The program without `--store`.
fn bare(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &Path)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symtool"));
    sandbox.isolate(&mut command);
    Run::of(command.args(args).envs(variables.iter().copied()).output().unwrap())
}

fn own_config(sandbox: &Sandbox, text: &str) {
    fs::create_dir_all(sandbox.path("config/symtool")).unwrap();
    sandbox.write("config/symtool/symtool.toml", text);
}

#[test]
fn the_config_file_names_the_store() {
    let sandbox = Sandbox::new();
    own_config(&sandbox, "store = \"../../from-config\"\njobs = 1\n");
    let fixture = object(FIXTURE);
    let fixture = fixture.to_str().unwrap();
    let where_is = |name: &str| sandbox.path(name).join("FORMAT").is_file();
    assert_eq!(bare(&sandbox, &["import", fixture], &[]).code, 0);
    assert!(where_is("from-config"));
    // The environment beats it, and the command line beats both.
    let by_variable = sandbox.path("by-variable");
    assert_eq!(bare(&sandbox, &["import", fixture], &[("SYMTOOL_STORE", &by_variable)]).code, 0);
    assert!(where_is("by-variable"));
    let by_flag = sandbox.path("by-flag");
    let args = ["--store", by_flag.to_str().unwrap(), "import", fixture];
    assert_eq!(bare(&sandbox, &args, &[("SYMTOOL_STORE", &by_variable)]).code, 0);
    assert!(where_is("by-flag"));
    // Another file, by variable and by flag, with the home folder in it.
    let other = sandbox.write("other.toml", "store = \"~/in-home\"\n");
    assert_eq!(bare(&sandbox, &["import", fixture], &[("SYMTOOL_CONFIG", &other)]).code, 0);
    assert!(where_is("in-home"));
    let run = bare(
        &sandbox,
        &["--config", "/dev/null", "-v", "modules", "list"],
        &[("XDG_DATA_HOME", &sandbox.path("data"))],
    );
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains(sandbox.path("data/symtool").to_str().unwrap()), "{}", run.stderr);
}

#[test]
fn debug_dirs_of_the_config_file_are_searched() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("code")).unwrap();
    fs::create_dir_all(sandbox.path("config/symtool/dbg")).unwrap();
    let code = sandbox.path("code/lib.so");
    fs::copy(object("link-stripped/lib.so"), &code).unwrap();
    fs::copy(object("link-stripped/lib.so.debug"), sandbox.path("config/symtool/dbg/lib.so.debug"))
        .unwrap();
    assert_eq!(sandbox.run(["check".as_ref(), code.as_os_str()]).code, 1);
    own_config(&sandbox, "debug-dirs = [\"dbg\"]\n");
    let run = sandbox.run(["-v".as_ref(), "check".as_ref(), code.as_os_str()]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    // With -v, every place is named.
    assert!(
        run.stderr.contains("/code/lib.so.debug: not there")
            && run.stderr.contains("dbg/lib.so.debug: there"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_bad_config_file_is_wrong_usage() {
    let sandbox = Sandbox::new();
    for (text, want) in [
        (
            "stor = \"x\"",
            "symtool.toml: unknown key `stor`; known are store, jobs, wait, color, key-file, key-command, quota, crash-quota, debug-dirs",
        ),
        ("jobs = 0", "symtool.toml: `jobs` has to be a number from 1 to 1024"),
        ("jobs = = 1", "symtool.toml: line 1: "),
    ] {
        own_config(&sandbox, text);
        let run = sandbox.run(["modules", "list"]);
        assert_eq!((run.code, run.stderr.lines().count()), (2, 1), "{}", run.stderr);
        assert!(run.stderr.contains(want), "{}", run.stderr);
    }
    let run = sandbox.run(["--config", "/nowhere/symtool.toml", "modules", "list"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("/nowhere/symtool.toml: the config file cannot be read"),
        "{}",
        run.stderr
    );
    // What needs no settings works all the same.
    assert_eq!(sandbox.run(["completions", "bash"]).code, 0);
}

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
    let mut tried = 0;
    for command in [&[][..]].iter().chain(&COMMANDS) {
        let help = sandbox.run([command, &["--help"][..]].concat()).stdout;
        let examples = help.split_once("Examples:\n").unwrap().1;
        for line in examples.lines().filter(|line| line.starts_with("  symtool ")) {
            // What comes after is no argument: a comment after three spaces, a pipe, a redirection.
            let line = line.trim_start().split("   ").next().unwrap();
            let words =
                line.split_whitespace().skip(1).take_while(|word| !["|", ">"].contains(word));
            let mut arguments: Vec<String> =
                words.map(|word| word.trim_matches('\'').to_owned()).collect();
            if arguments[0] == "man" {
                arguments.truncate(1);
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

fn has(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
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

#[test]
fn stats_json_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox.import("macho-cpp-arm64-O2-dwarf5");
    let run = sandbox.run(["stats", "--json"]);
    let stats = &json_lines(&run.stdout)[0];
    let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    let sum = |key: &str| modules.iter().map(|module| module[key].as_u64().unwrap()).sum::<u64>();
    let of = |value: &serde_json::Value, key: &str| value[key].as_u64().unwrap();
    assert_eq!(stats["version"], 1);
    for key in ["functions", "files", "ranges", "bytes_in", "bytes_stored"] {
        assert_eq!(of(&stats["total"], key), sum(key), "{key}");
        assert_eq!(
            of(&stats["modules"]["elf"], key) + of(&stats["modules"]["macho"], key),
            sum(key),
            "{key}"
        );
    }
    assert_eq!(stats["total"]["modules"], 2);
    let kinds = stats["blocks"].as_object().unwrap();
    assert_eq!(
        kinds.keys().collect::<Vec<_>>(),
        ["files", "footer", "functions", "ranges", "unwind_rows", "unwind_rules"]
    );
    // All blocks but records are what modules count.
    let stored: u64 = kinds
        .iter()
        .filter(|(kind, _)| *kind != "footer")
        .map(|(_, kind)| of(kind, "bytes_stored"))
        .sum();
    assert_eq!(stored, sum("bytes_stored"));
    // The record of each module stands twice.
    assert_eq!(of(&kinds["footer"], "blocks"), 4);
    assert!(kinds.values().all(|kind| of(kind, "bytes_expanded") > 0));
    assert_eq!(of(&stats["others"], "blocks"), 0);
    let files = walkdir(&sandbox.store());
    assert_eq!(of(stats, "disk_bytes"), files);
    let table = sandbox.run(["stats"]).stdout;
    assert!(
        table.lines().all(|line| line.len() <= 60)
            && table.contains("ranges")
            && table.contains("on disk"),
        "{table}"
    );
    assert_eq!(Sandbox::new().run(["stats"]).code, 3);
}

/// Bytes of all files in `folder`.
fn walkdir(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                walkdir(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}

#[test]
fn quiet_and_verbose() {
    let sandbox = Sandbox::new();
    let fixture = object(FIXTURE);
    let fixture = fixture.to_str().unwrap();
    let run = sandbox.run(["import", "-q", fixture, "split-nothing.so"]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.lines().count()),
        (1, "", 1),
        "{}",
        run.stderr
    );
    // Results that were asked for are not silenced.
    assert!(sandbox.run(["-q", "modules", "list"]).stdout.contains(FIXTURE));
    assert!(sandbox.run(["-q", "resolve", "--module", FIXTURE, "1146"]).stdout.contains("Adder"));
    assert_eq!(json_lines(&sandbox.run(["-q", "import", "--json", fixture]).stdout).len(), 2);
    let run = sandbox.run(["-q", "modules", "verify", fixture]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    let run = sandbox.run(["-v", "modules", "list"]);
    assert!(
        run.stderr.contains("symtool: store ") && run.stderr.contains("/store\n"),
        "{}",
        run.stderr
    );
    let run = sandbox.run(["-v", "import", "--force", fixture]);
    assert!(run.stderr.contains(" ms") && run.stderr.contains(FIXTURE), "{}", run.stderr);
    let run = sandbox.run(["-q", "modules", "remove", FIXTURE]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert_eq!(sandbox.run(["-q", "-v", "modules", "list"]).code, 2);
}

#[test]
fn closed_pipes_end_every_command_quietly() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let fixture = object(FIXTURE);
    let fixture = fixture.to_str().unwrap();
    for args in [
        &["--help"][..],
        &["import", "--force", fixture],
        &["import", "--force", "--json", fixture],
        &["resolve", "--module", FIXTURE, "1146"],
        &["check", fixture],
        &["check", "--json", fixture],
        &["modules", "list"],
        &["modules", "show", FIXTURE],
        &["modules", "verify", fixture],
        &["modules", "verify", "--json", fixture],
        &["stats"],
        &["stats", "--json"],
        &["completions", "bash"],
        &["man"],
        &["modules", "remove", FIXTURE],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command().args(args).stdout(writer).output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn paths_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"lib\xff\xfe.so");
    let folder = sandbox.path("").join(OsStr::from_bytes(b"build\xff"));
    fs::create_dir(&folder).unwrap();
    let path = folder.join(name);
    fs::copy(object(FIXTURE), &path).unwrap();
    let mut with_arch = path.clone().into_os_string();
    with_arch.push(":amd64");
    let batch = folder.join("batch");
    fs::write(&batch, "0x1146\n").unwrap();
    let path = path.as_os_str();
    let os = |text: &'static str| OsStr::new(text);
    for args in [
        vec![os("import"), path],
        vec![os("import"), folder.as_os_str()],
        vec![os("check"), path],
        vec![os("check"), os("--debug-dir"), folder.as_os_str(), path],
        vec![os("modules"), os("show"), path],
        vec![os("modules"), os("verify"), path],
        vec![os("modules"), os("verify"), &with_arch],
        vec![os("resolve"), os("--module"), path, os("0x1146")],
        vec![os("resolve"), os("--module"), &with_arch, os("--batch"), batch.as_os_str()],
        vec![os("man"), folder.as_os_str()],
        vec![os("modules"), os("remove"), path],
    ] {
        let run = sandbox.run(&args);
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    }
    let run = sandbox.run([os("resolve"), os("--module"), path, os("0x1146")]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("lib\u{fffd}\u{fffd}.so: this build"), "{}", run.stderr);
}

#[test]
fn of_several_builds_the_last_one_imported() {
    let sandbox = Sandbox::new();
    let builds = ["c-gcc-O0-dwarf5.so", "c-gcc-O2-dwarf5.so", FIXTURE, "rust-O2-dwarf5.so"];
    for (number, fixture) in builds.iter().enumerate() {
        fs::create_dir(sandbox.path(&number.to_string())).unwrap();
        fs::copy(object(fixture), sandbox.path(&format!("{number}/lib.so"))).unwrap();
    }
    let path =
        |number: usize| sandbox.path(&format!("{number}/lib.so")).to_str().unwrap().to_owned();
    let id = |sandbox: &Sandbox| -> String {
        let shown =
            json_lines(&sandbox.run(["modules", "show", "--latest", "--json", "lib.so"]).stdout);
        shown[0]["id"].as_str().unwrap().to_owned()
    };
    let own_id = |number: usize| {
        json_lines(&sandbox.run(["check", "--json", &path(number)]).stdout)[0]["module"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // All within a second, and some in one command: the last path wins.
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let store = Sandbox::new();
        assert_eq!(store.run(["import", &path(order[0])]).code, 0);
        assert_eq!(store.run(["import", &path(order[1])]).code, 0);
        assert_eq!(id(&store), own_id(order[1]));
        assert_eq!(store.run(["import", &path(order[2]), &path(order[3])]).code, 0);
        assert_eq!(id(&store), own_id(order[3]));
        // What is removed and verified is the same.
        assert_eq!(store.run(["modules", "verify", "lib.so"]).code, 1);
        assert_eq!(store.run(["modules", "verify", "--latest", "lib.so"]).code, 0);
        assert_eq!(store.run(["modules", "remove", "--latest", "lib.so"]).code, 0);
        assert_eq!(id(&store), own_id(order[2]));
    }
}

#[test]
fn architectures_by_any_name() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox.import("macho-fat/three");
    for module in [
        format!("{FIXTURE}:amd64"),
        format!("{FIXTURE}:X86_64"),
        format!("{}:amd64", object(FIXTURE).display()),
        "three:aarch64".to_owned(),
        "three:ARM64".to_owned(),
        format!("{}:AArch64", object("macho-fat/three").display()),
    ] {
        let run = sandbox.run(["modules", "show", &module]);
        assert_eq!(run.code, 0, "{module}: {}", run.stderr);
    }
    let run = sandbox.run(["modules", "show", &format!("{FIXTURE}:arm64")]);
    assert_eq!(run.code, 1);
}

#[test]
fn apps_and_frameworks_stand_for_their_image() {
    let sandbox = Sandbox::new();
    for bundle in ["Small.app/Small", "Small.framework/Small", "Desk.app/Contents/MacOS/Desk"] {
        let path = sandbox.path(bundle);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(object("macho-image-exec-arm64-flat"), &path).unwrap();
    }
    assert_eq!(sandbox.run(["import", sandbox.path("Small.app").to_str().unwrap()]).code, 0);
    for bundle in ["Small.app", "Small.framework", "Desk.app", "Small.app:arm64"] {
        let run = sandbox.run(["modules", "show", sandbox.path(bundle).to_str().unwrap()]);
        assert_eq!(run.code, 0, "{bundle}: {}", run.stderr);
    }
    let run = sandbox.run(["modules", "show", sandbox.path("Small.app:x86_64").to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("no slice for x86_64; it has arm64"), "{}", run.stderr);
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
