//! Job tests of the drop-ins: the program beside binutils' addr2line 2.40 and llvm-symbolizer 19,
//! the same bytes out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod addr2line;
#[path = "../support/mod.rs"]
mod support;
mod symbolizer;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use object::{Object, ObjectSection, ObjectSymbol};
use support::{Run, Sandbox, object};

/// What a tool is given, and what comes out of it.
struct Pair {
    sandbox: Sandbox,
    tool: &'static str,
    real: &'static str,
}

const ADDR2LINE: (&str, &str) = ("addr2line", "addr2line");
const SYMBOLIZER: (&str, &str) = ("llvm-symbolizer", "llvm-symbolizer-19");

/// Fixtures with all that makes a difference: C and C++, gcc and clang, DWARF 4 and 5, symbols
/// alone, lines alone.
const FIXTURES: [&str; 8] = [
    "cpp-gcc-O2-dwarf5.so",
    "cpp-clang-O2-dwarf4.so",
    "c-gcc-O2-dwarf4.so",
    "c-clang-O2-dwarf5.so",
    "c-clang-O2-lines-only.so",
    "c-gcc-O2-symtab.so",
    "c-gcc-O2-dynsym.so",
    "c-gcc-O3-dwarf5.so",
];

/// Those where binutils 2.40 takes the first file of DWARF 5 for another, or loses inlined calls:
/// docs/deviations.md.
const WRONG: [&str; 2] = ["c-gcc-O3-dwarf5.so", "c-clang-O2-dwarf5.so"];

impl Pair {
    fn new((tool, real): (&'static str, &'static str)) -> Self {
        Self { sandbox: Sandbox::new(), tool, real }
    }

    /// The real tool, which has to be there.
    fn real(&self, args: &[&str], input: &[u8]) -> Run {
        run(Command::new(self.real).args(args), input)
    }

    /// `symtool TOOL`, with the store of this test.
    fn ours(&self, args: &[&str], input: &[u8]) -> Run {
        run(self.sandbox.command().arg(self.tool).args(args), input)
    }

    /// Compares all that both write; the real one names itself by the program's name.
    fn compare(&self, args: &[&str], input: &[u8]) {
        let (real, ours) = (self.real(args, input), self.ours(args, input));
        // Deviation: of two functions at one address, the one that the symbol rule names is printed
        // everywhere.
        let mut want = real.stdout;
        for between in [" at ", "\n"] {
            let of = |name: &str| format!("{name}{between}/src/c/stub.s:50");
            want = want.replace(&of("stub_alias_b"), &of("stub_alias_a"));
        }
        assert_eq!(ours.stdout, want, "{args:?}");
        assert_eq!(
            ours.stderr,
            real.stderr.replace(&format!("{}:", self.real), &format!("{}:", self.tool)),
            "{args:?}"
        );
        assert_eq!(ours.code, real.code, "{args:?}");
    }
}

fn run(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // Who has gone reads no more.
        scope.spawn(move || drop(stdin.write_all(input)));
        Run::of(child.wait_with_output().unwrap())
    })
}

fn path(fixture: &str) -> String {
    object(fixture).into_os_string().into_string().unwrap()
}

/// Every address of the code of a fixture, and some around it, in an order that jumps.
fn addresses(fixture: &str) -> Vec<u64> {
    let bytes = std::fs::read(object(fixture)).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let code = file.sections().filter(|section| section.kind() == object::SectionKind::Text);
    let mut addresses: Vec<u64> =
        code.flat_map(|section| section.address()..section.address() + section.size()).collect();
    addresses.extend([0, 1, 0x10, u64::MAX, u64::MAX / 2, 1 << 40]);
    addresses.sort_by_key(|address| address.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    addresses
}

/// The same without those around symbols that lie in others: binutils goes on with the symbol of
/// the request before.
fn outside_of_nested_symbols(fixture: &str) -> Vec<u64> {
    let bytes = std::fs::read(object(fixture)).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let nested = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.name().is_ok_and(|name| name.starts_with("stub_")));
    let nested: Vec<u64> = nested.map(|symbol| symbol.address()).collect();
    let is_near = |address: &u64| nested.iter().any(|start| address.abs_diff(*start) < 0x10);
    addresses(fixture).into_iter().filter(|address| !is_near(address)).collect()
}

fn lines(addresses: &[u64]) -> Vec<u8> {
    addresses.iter().flat_map(|address| format!("{address:#x}\n").into_bytes()).collect()
}

/// Feeds one line, takes its answer, feeds the next.
fn converse(child: &mut Child, talk: &[(&str, &str)]) {
    let (mut stdin, mut stdout) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for (request, want) in talk {
        stdin.write_all(request.as_bytes()).unwrap();
        stdin.flush().unwrap();
        let mut answer = String::new();
        while answer.len() < want.len() {
            assert_ne!(stdout.read_line(&mut answer).unwrap(), 0, "{request}");
        }
        assert_eq!(answer, *want, "{request}");
    }
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(child.wait().unwrap().success());
}

#[test]
fn each_request_is_answered_at_once() {
    for tool in [ADDR2LINE, SYMBOLIZER] {
        let pair = Pair::new(tool);
        let path = path("c-gcc-O3-dwarf5.so");
        let requests = ["0x1100\n", "0x1110\n", "0x0\n", "0x1100\n"];
        let answers =
            requests.map(|request| pair.real(&["-f", "-e", &path], request.as_bytes()).stdout);
        let talk: Vec<(&str, &str)> =
            requests.into_iter().zip(answers.iter().map(String::as_str)).collect();
        let mut child = pair.sandbox.spawn_piped(&[pair.tool, "-f", "-e", &path]);
        converse(&mut child, &talk);
    }
}

/// A link to the program, called as a tool is.
fn link(sandbox: &Sandbox, name: &str) -> PathBuf {
    let link = sandbox.path(name);
    symlink(env!("CARGO_BIN_EXE_symtool"), &link).unwrap();
    link
}

#[test]
fn a_link_is_the_tool() {
    let path = path("c-gcc-O3-dwarf5.so");
    for (tool, name) in [
        (ADDR2LINE, "addr2line"),
        (SYMBOLIZER, "llvm-symbolizer"),
        (SYMBOLIZER, "llvm-symbolizer-19"),
    ] {
        let pair = Pair::new(tool);
        let link = link(&pair.sandbox, name);
        let called = |args: &[&str]| {
            run(Command::new(&link).env("SYMTOOL_STORE", pair.sandbox.store()).args(args), b"")
        };
        let args = ["-f", "-i", "-e", &path, "0x1100", "0x1130"];
        assert_eq!(called(&args).stdout, pair.real(&args, b"").stdout);
        // Messages begin with the path that it was called by.
        assert!(
            called(&["-e", "/no/such/file", "1"])
                .stderr
                .starts_with(&format!("{}: ", link.display()))
        );
    }
}

/// Files in a folder, however deep.
fn files_in(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| if entry.path().is_dir() { files_in(&entry.path()) } else { 1 })
        .sum()
}

#[test]
fn the_first_run_imports_into_the_cache() {
    let pair = Pair::new(ADDR2LINE);
    let (path, cache) = (path("c-gcc-O3-dwarf5.so"), pair.sandbox.path("cache"));
    let link = link(&pair.sandbox, "addr2line");
    let called = |cache: &Path| {
        let start = Instant::now();
        let mut command = Command::new(&link);
        let run = run(
            command
                .env_remove("SYMTOOL_STORE")
                .env("XDG_CACHE_HOME", cache)
                .args(["-fie", &path, "1130"]),
            b"",
        );
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        (run.stdout, start.elapsed())
    };
    let real = pair.real(&["-fie", &path, "1130"], b"").stdout;
    assert_eq!(called(&cache).0, real);
    let store = cache.join("symtool/store");
    let listed = run(
        Command::new(env!("CARGO_BIN_EXE_symtool"))
            .arg("--store")
            .arg(&store)
            .args(["modules", "list"]),
        b"",
    );
    assert!(listed.stdout.contains("c-gcc-O3-dwarf5.so"), "{}", listed.stdout);
    // The second run takes it from there: nothing is written.
    let before = files_in(&store);
    assert_eq!(called(&cache).0, real);
    assert_eq!(files_in(&store), before);
    // Without a place to keep it, it is answered from memory.
    let closed = pair.sandbox.path("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(closed.join("symtool"), "in the way").unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(called(&closed).0, real);
    assert_eq!(files_in(&closed), 1);
}
