//! The configuration file, and folders that it names.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::FIXTURE;
use crate::support::{Run, Sandbox, object};

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
            "symtool.toml: unknown key `stor`; known are store, jobs, wait, color, key-file, key-command, cache, cache-quota, retry-missing, timeout, quota, crash-quota, debug-dirs",
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
