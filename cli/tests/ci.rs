//! The shell blocks of docs/ci.md, run as cron and GitHub Actions run them: with nothing in the
//! environment but a PATH of `/usr/bin` and `/bin`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Run, Sandbox, json_lines, object, testdata};

const CRON: [&str; 3] = ["env", "-i", "PATH=/usr/bin:/bin"];

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci.md")).unwrap()
}

/// The block of the page in `language` whose text has `part`.
fn block(language: &str, part: &str) -> String {
    let (page, start) = (page(), format!("```{language}\n"));
    let mut blocks = page.match_indices(&start).map(|(at, _)| {
        let text = &page[at + start.len()..];
        &text[..text.find("```").unwrap()]
    });
    blocks.find(|text| text.contains(part)).unwrap_or_else(|| panic!("no {part}")).to_owned()
}

/// Runs `words` in `folder` with `environment` alone.
fn run(environment: &[&str], words: &[&str], folder: &Path) -> Run {
    let mut command = Command::new(environment[0]);
    command.args(&environment[1..]).args(words).current_dir(folder).stdin(Stdio::null());
    Run::of(command.output().unwrap())
}

/// Folders of the script in a sandbox, with the program in its `/usr/local/bin`.
fn machine(sandbox: &Sandbox) -> impl Fn(&str) -> String {
    let root = sandbox.path("root").to_str().unwrap().to_owned();
    for folder in
        ["usr/local/bin", "srv/symbols", "srv/artifacts", "srv/crashes/incoming", "var/log/symtool"]
    {
        fs::create_dir_all(Path::new(&root).join(folder)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_symtool"), format!("{root}/usr/local/bin/symtool")).unwrap();
    move |text| {
        let mut text = text.to_owned();
        for folder in ["/usr/local/bin", "/srv/", "/var/log/"] {
            text = text.replace(folder, &format!("{root}{folder}"));
        }
        text
    }
}

#[test]
fn the_nightly_script_runs_under_cron() {
    let sandbox = Sandbox::new();
    let here = machine(&sandbox);
    let script = sandbox.write("nightly-symbols", here(&block("sh", "nightly-symbols")));
    sandbox.write("root/srv/symbols/symtool.toml", here(&block("toml", "[notify.ops]")));
    let artifacts = sandbox.path("root/srv/artifacts");
    fs::copy(object("cpp-gcc-O2-dwarf5.so"), artifacts.join("good.so")).unwrap();
    fs::copy(
        testdata("demo/reports").read_dir().unwrap().next().unwrap().unwrap().path(),
        sandbox.path("root/srv/crashes/incoming/report.txt"),
    )
    .unwrap();
    let night = || run(&CRON, &["sh", script.to_str().unwrap()], &sandbox.path("."));
    let first = night();
    assert_eq!((first.code, first.stdout.as_str(), first.stderr.as_str()), (0, "", ""));
    // A bad artifact is reported in the first night.
    fs::write(artifacts.join("bad.so"), b"\x7fELF").unwrap();
    let bad = night();
    assert_eq!((bad.code, bad.stderr.lines().count()), (1, 1), "{}", bad.stderr);
    assert!(bad.stderr.contains("bad.so: damaged object file"), "{}", bad.stderr);
    let next = night();
    assert_eq!((next.code, next.stdout.as_str(), next.stderr.as_str()), (0, "", ""));
    // Another one is a new one.
    fs::write(artifacts.join("bad.so"), b"\x7fELF\x02").unwrap();
    assert_eq!(night().code, 1);
    let stats = fs::read_to_string(sandbox.path("root/var/log/symtool/stats.ndjson")).unwrap();
    assert_eq!(json_lines(&stats).len(), 4);
    // The crash was told in the first night, and only then.
    let told = fs::read_to_string(sandbox.path("root/var/log/symtool/notices.ndjson")).unwrap();
    let told = json_lines(&told);
    assert_eq!((told.len(), told[0]["counts"]["new"].as_u64()), (1, Some(1)));
    assert!(sandbox.path("root/var/log/symtool/report.html").exists());
}

#[test]
fn lines_of_a_crontab_name_programs_that_are_there() {
    let sandbox = Sandbox::new();
    let here = machine(&sandbox);
    sandbox.write("root/usr/local/bin/nightly-symbols", "#!/bin/sh\n");
    let page = page();
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("* * * symbols ")).collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let command = here(line.split_once(" symbols ").unwrap().1);
        let program = command.split(' ').next().unwrap();
        assert!(Path::new(program).is_absolute() && Path::new(program).exists(), "{line}");
    }
    // The second one does its work where there is a store.
    let store = sandbox.path("root/srv/symbols/store");
    let program = sandbox.path("root/usr/local/bin/symtool");
    let words = ["import", object("cpp-gcc-O2-dwarf5.so").to_str().unwrap()].map(str::to_owned);
    let import =
        [program.to_str().unwrap(), "-q", "--store", store.to_str().unwrap(), &words[0], &words[1]];
    assert_eq!(run(&CRON, &import, &sandbox.path(".")).code, 0);
    let line = page.lines().find(|line| line.contains("symtool -q --store")).unwrap();
    let command = here(line.split_once(" symbols ").unwrap().1);
    let run = run(&CRON, &["sh", "-c", &command], &sandbox.path("."));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

/// The commands of the steps of a workflow, each with its name.
fn steps(workflow: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    let (mut name, mut is_block) = (String::new(), false);
    for line in workflow.lines() {
        let text = line.trim_start().trim_start_matches("- ");
        if let Some(title) = text.strip_prefix("name: ").filter(|_| !is_block) {
            title.clone_into(&mut name);
        } else if let Some(command) = text.strip_prefix("run: ") {
            is_block = command == "|";
            steps.push((name.clone(), if is_block { String::new() } else { command.to_owned() }));
        } else if is_block && line.starts_with("          ") {
            let command = &mut steps.last_mut().unwrap().1;
            *command += line.trim_start();
            *command += "\n";
        } else {
            is_block = false;
        }
    }
    steps
}

/// A release as `setup-symtool.sh` looks for it, and the address of all releases.
fn release(sandbox: &Sandbox) -> String {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let name = format!("symtool-0.1.0-{target}");
    let (releases, folder) = (sandbox.path("releases"), sandbox.path(&format!("pack/{name}")));
    fs::create_dir_all(releases.join("v0.1.0")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    // The program itself is large; what it does is not asked here.
    let program = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_symtool"));
    fs::write(folder.join("symtool"), program).unwrap();
    let pack = format!(
        "tar -czf {0}/v0.1.0/{name}.tar.gz -C {1} {name} && cd {0}/v0.1.0 && sha256sum {name}.tar.gz > SHA256SUMS",
        releases.display(),
        sandbox.path("pack").display(),
    );
    let packed = run(&CRON, &["sh", "-c", &pack], &sandbox.path("."));
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    format!("file://{}", releases.display())
}

fn setup(environment: &[&str], sandbox: &Sandbox) -> Run {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/setup-symtool.sh");
    let tools = sandbox.path("tools");
    let words = ["sh", script.to_str().unwrap(), "0.1.0", tools.to_str().unwrap()];
    run(environment, &words, &sandbox.path("."))
}

#[test]
fn steps_of_the_workflow_run() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("lib.c"), "int twice(int x) { return 2 * x; }\n").unwrap();
    let makefile = "build/libxxx.so: lib.c\n\tmkdir -p build\n\t$(CC) $(CFLAGS) $(LDFLAGS) -shared -fPIC -o $@ $<\n";
    fs::write(sandbox.path("Makefile"), makefile).unwrap();
    let releases = format!("SYMTOOL_RELEASES={}", release(&sandbox));
    let path_file = sandbox.path("github-path");
    let github_path = format!("GITHUB_PATH={}", path_file.display());
    let set_up = setup(&[&CRON[..], &[&releases, &github_path]].concat(), &sandbox);
    assert_eq!(set_up.code, 0, "{}", set_up.stderr);
    assert!(set_up.stdout.starts_with("symtool "), "{}", set_up.stdout);
    // Later steps have what the first one put on their PATH.
    let added = fs::read_to_string(&path_file).unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", added.trim_end());
    let steps = steps(&block("yaml", "symtool check"));
    assert_eq!(steps.len(), 4, "{steps:?}");
    for (name, command) in steps {
        let step = run(&["env", "-i", &path], &["bash", "-e", "-c", &command], &sandbox.path("."));
        assert_eq!(step.code, 0, "{name}: {}{}", step.stdout, step.stderr);
    }
    let bundle = sandbox.path("symbols.tar.zst");
    let imported = sandbox.run(["import", "--json", bundle.to_str().unwrap()]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let resolved =
        sandbox.run(["resolve", "--module", "libxxx.so", "--strict", "--style", "json", "0x10f9"]);
    assert!(resolved.stdout.contains("libxxx.so"), "{}{}", resolved.stdout, resolved.stderr);
}

#[test]
fn a_release_with_another_checksum_is_not_used() {
    let sandbox = Sandbox::new();
    let address = release(&sandbox);
    let releases = format!("SYMTOOL_RELEASES={address}");
    let environment = [&CRON[..], &[&releases]].concat();
    // One that was given counts.
    let sha = format!("SYMTOOL_SHA256={}", "0".repeat(64));
    let refused = setup(&[&environment[..], &[&sha]].concat(), &sandbox);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stderr.contains("has the checksum"), "{}", refused.stderr);
    assert!(!sandbox.path("tools/symtool").exists());
    let sums = Path::new(address.strip_prefix("file://").unwrap()).join("v0.1.0/SHA256SUMS");
    let good = fs::read_to_string(&sums).unwrap();
    for bad in [good.replacen(&good[..8], "deadbeef", 1), String::new()] {
        fs::write(&sums, bad).unwrap();
        let refused = setup(&environment, &sandbox);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(!sandbox.path("tools/symtool").exists());
    }
    fs::write(&sums, good).unwrap();
    assert_eq!(setup(&environment, &sandbox).code, 0);
    // What is there is not downloaded again.
    fs::remove_file(&sums).unwrap();
    assert_eq!(setup(&environment, &sandbox).code, 0);
}
