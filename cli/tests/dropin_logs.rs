//! Job tests of `symtool ndk-stack` and `symtool atos`.
//!
//! What ndk-stack has to print was printed by the tool itself (testdata/ndk-stack/README.md). atos
//! runs on Macs only: its formats are those of its manual, its names and lines llvm-symbolizer's
//! (testdata/golden).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use support::{Run, Sandbox, object, testdata};

/// Runs `symtool TOOL` in the sandbox, with `input` on stdin.
fn run(sandbox: &Sandbox, words: &[&str], input: &[u8]) -> Run {
    let mut command = sandbox.command();
    piped(command.args(words).current_dir(sandbox.path(".")), input)
}

fn piped(command: &mut Command, input: &[u8]) -> Run {
    let pipe = Stdio::piped;
    let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    // A tool that refuses its words does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    Run::of(child.wait_with_output().unwrap())
}

/// The folder that the log was made for.
fn symbols(sandbox: &Sandbox) {
    fs::create_dir(sandbox.path("symbols")).unwrap();
    fs::copy(object("cpp-gcc-O2-dwarf5.so"), sandbox.path("symbols/libpool.so")).unwrap();
    fs::copy(testdata("ndk-stack/base.apk"), sandbox.path("symbols/base.apk")).unwrap();
    sandbox.write("symbols/notes.txt", "text\n");
}

#[test]
fn a_log_of_android_is_resolved() {
    let sandbox = Sandbox::new();
    symbols(&sandbox);
    let log = testdata("ndk-stack/log.txt");
    let want = fs::read_to_string(testdata("ndk-stack/log.want.txt")).unwrap();
    for option in ["-dump", "--dump", "-i"] {
        let run =
            run(&sandbox, &["ndk-stack", "-sym", "symbols", option, log.to_str().unwrap()], b"");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{option}");
        assert_eq!(run.stdout, want, "{option}");
    }
    // From a pipe, and through a link of its name.
    let text = fs::read(&log).unwrap();
    assert_eq!(run(&sandbox, &["ndk-stack", "--sym=symbols"], &text).stdout, want);
    let link = sandbox.path("ndk-stack");
    symlink(env!("CARGO_BIN_EXE_symtool"), &link).unwrap();
    let mut command = Command::new(&link);
    sandbox.isolate(&mut command);
    command.args(["-sym", "symbols"]).current_dir(sandbox.path(".")).env_remove("XDG_CACHE_HOME");
    assert_eq!(piped(&mut command, &text).stdout, want);
}

/// As argparse says it, but for the name of the program.
#[test]
fn wrong_words_of_ndk_stack() {
    let sandbox = Sandbox::new();
    let usage = "usage: ndk-stack [-h] -sym SYMBOL_DIR [-i INPUT]\n";
    for (words, code, want) in [
        (
            &[][..],
            2,
            format!("{usage}ndk-stack: error: the following arguments are required: -sym/--sym\n"),
        ),
        (
            &["-sym", "x", "-dump", "nope"],
            2,
            format!(
                "{usage}ndk-stack: error: argument -i/-dump/--dump: can't open 'nope': [Errno 2] No such file or directory: 'nope'\n"
            ),
        ),
        (&["-sym", "nope"], 1, "nope does not exist!\n\n".to_owned()),
    ] {
        let run = run(&sandbox, &[&["ndk-stack"], words].concat(), b"");
        assert_eq!((run.code, run.stdout.as_str(), run.stderr), (code, "", want), "{words:?}");
    }
    assert!(run(&sandbox, &["ndk-stack", "-h"], b"").stdout.starts_with(usage));
}

const IMAGE: &str = "macho-cpp-arm64-O2-dwarf5";

fn atos(words: &[&str], input: &str) -> Run {
    run(&Sandbox::new(), &[&["atos"], words].concat(), input.as_bytes())
}

/// `0x890` of the fixture: two destructors in `Adder::run`.
#[test]
fn addresses_of_an_image_that_was_loaded() {
    let image = object(IMAGE);
    let image = image.to_str().unwrap();
    let one = format!("Adder::run(unsigned int) (in {IMAGE}) (pool.cc:17)\n");
    let guard = "(anonymous namespace)::Guard::~Guard()";
    let all = format!(
        "{guard} (in {IMAGE}) (pool.cc:17)\n{guard} (in {IMAGE}) (pool.cc:17)\nAdder::run(unsigned int) (in {IMAGE}) (pool.cc:76)\n"
    );
    let loaded = ["-o", image, "-arch", "arm64", "-l", "0x104000000"];
    for (words, want) in [
        (&["0x104000890"][..], one.clone()),
        (&["-i", "0x104000890"], format!("{all}\n")),
        (&["-inlineFrames", "0x104000890", "0x104000890"], format!("{all}\n{all}\n")),
        (&["-i", "-d", "--", "0x104000890"], format!("{all}--\n")),
        (&["-fullPath", "0x104000890"], one.replace("(pool", "(/src/cpp/pool")),
        // What is no address, and an address elsewhere, are repeated.
        (&["main", "0x204000890", "67108864"], "main\n0x204000890\n67108864\n".to_owned()),
    ] {
        let run = atos(&[&loaded[..], words].concat(), "");
        assert_eq!((run.code, run.stdout, run.stderr.as_str()), (0, want, ""), "{words:?}");
    }
    // The same address, counted in other ways.
    for words in [
        &["-offset", "0x890"][..],
        &["--offset", "2192"],
        &["-s", "4000000", "0x4000890"],
        &["0x890"],
    ] {
        assert_eq!(atos(&[&["-o", image], words].concat(), "").stdout, one, "{words:?}");
    }
}

#[test]
fn addresses_from_files_and_pipes() {
    let sandbox = Sandbox::new();
    let image = object(IMAGE);
    let image = image.to_str().unwrap();
    let one = format!("Adder::run(unsigned int) (in {IMAGE}) (pool.cc:17)\n");
    let list = sandbox.write("list", "0x890 0x890\n\n\tx\n").to_str().unwrap().to_owned();
    assert_eq!(atos(&["-o", image, "-f", &list], "").stdout, format!("{one}{one}x\n"));
    assert_eq!(atos(&["-o", image], "0x890\n0x890 x\n").stdout, format!("{one}{one}x\n"));
}

#[test]
fn names_without_lines() {
    let path = |name: &str| object(name).to_str().unwrap().to_owned();
    let (image, lazy) = (path("macho-image-cpp-arm64"), path("macho-image-exec-arm64-lazy"));
    for (words, want) in [
        // `_ZN5Adder3runEj` begins at 0x680, `call_imports` at 0x100000580.
        (
            &["-o", &*image, "0x690"][..],
            "Adder::run(unsigned int) (in macho-image-cpp-arm64) + 16\n",
        ),
        (&["-o", &lazy, "-offset", "0x584"], "call_imports (in macho-image-exec-arm64-lazy) + 4\n"),
        (
            &["-o", &lazy, "-l", "100000000", "0x100000010"],
            "0x0000000100000010 (in macho-image-exec-arm64-lazy)\n",
        ),
        (&["-o", &lazy, "-offset", "0x10"], "0x00000010 (in macho-image-exec-arm64-lazy)\n"),
    ] {
        let run = atos(words, "");
        assert_eq!((run.code, run.stdout.as_str()), (0, want), "{words:?} {}", run.stderr);
    }
    // A dSYM has the name of its image, a universal file the slice that is named.
    let bundle = path("macho-beside/app.dSYM");
    let run = atos(&["-o", &bundle, "-offset", "0x10"], "");
    assert_eq!(run.stdout, "0x00000010 (in app)\n");
    let fat = path("macho-fat/three");
    assert_eq!(atos(&["-o", &fat, "-arch", "arm64", "0x1"], "").code, 0);
    let run = atos(&["-o", &fat, "-arch", "mips", "0x1"], "");
    let want = format!("atos cannot load symbols for the file {fat} for architecture mips.\n");
    assert_eq!((run.code, run.stderr), (1, want));
}

#[test]
fn wrong_words_of_atos() {
    let run = atos(&["0x10"], "");
    let want = "[invalid usage]: no processes or executables specified\n\nUsage: atos ";
    assert!(run.code == 1 && run.stderr.starts_with(want), "{}", run.stderr);
    let run = atos(&["-p", "1", "0x10"], "");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (2, "atos: -p is not supported by symtool; use atos itself\n")
    );
    let image = object(IMAGE);
    let run = atos(&["-o", image.to_str().unwrap(), "-l", "1", "-offset", "0x10"], "");
    assert!(
        run.code == 1 && run.stderr.contains("only one of -s, -l and -offset"),
        "{}",
        run.stderr
    );
    assert!(atos(&["--help"], "").stdout.starts_with("Usage: atos "));
}
