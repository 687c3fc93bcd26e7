//! Job tests of the drop-ins: the program beside binutils' addr2line 2.40 and llvm-symbolizer 19,
//! the same bytes out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

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

#[test]
fn addr2line_with_every_flag() {
    for fixture in FIXTURES.into_iter().filter(|fixture| !WRONG.contains(fixture)) {
        // Files of one build complete each other in a store, so that each has its own.
        let pair = Pair::new(ADDR2LINE);
        let (path, input) = (path(fixture), lines(&outside_of_nested_symbols(fixture)));
        // In C++, binutils names inlined functions by the symbol around them, but only at the first
        // time: docs/deviations.md.
        let with_names = !fixture.starts_with("cpp");
        for flags in ["-e", "-ae", "-pe", "-se", "-iape"]
            .into_iter()
            .chain(["-fie", "-fipe", "-afipse", "-ife"].into_iter().filter(|_| with_names))
        {
            pair.compare(&[flags, &path], &input);
        }
    }
    let pair = Pair::new(ADDR2LINE);
    let (path, input) = (path("c-gcc-O2-dwarf4.so"), lines(&addresses("c-gcc-O2-dwarf4.so")));
    pair.compare(&["-fipCe", &path], &input);
    pair.compare(
        &["--functions", "--inl", "--demangle=gnu-v3", "--exe", &path, "--addresses"],
        &input,
    );
    pair.compare(&["-b", "elf64-x86-64", "-C", "--demangle=none", "-fe", &path], &input);
}

#[test]
fn addr2line_relative_to_a_section() {
    let pair = Pair::new(ADDR2LINE);
    let path = path("c-gcc-O3-dwarf5.so");
    for section in [".text", ".plt", ".rodata", ".debug_info", ".init"] {
        pair.compare(
            &["-fie", &path, "-j", section],
            b"0\n4\n10\n20\n100\nfff\n100000\nffffffffffffffff\n",
        );
    }
    pair.compare(&["-fie", &path, "-j", ".nowhere"], b"0\n");
}

#[test]
fn addr2line_takes_any_line() {
    let pair = Pair::new(ADDR2LINE);
    let path = path("c-gcc-O3-dwarf5.so");
    let name = "scan_next";
    let mut input = format!(
        "1100\n 0x1110 junk\n\nzz\n-1\n+10\n0x\n99999999999999999999\nabc\nc_head\n{name}\n{name}+4\n {name} + 0x10 x\n{name}-1\n"
    );
    input.push_str(&"0".repeat(98));
    input.push_str("1110\r\n1120");
    pair.compare(&["-afie", &path], input.as_bytes());
    pair.compare(&["-afie", &path, "1100", name, "", "zz", "--", "-5"], b"");
    // From a file of words.
    let words = pair.sandbox.write("words", format!("-a -f '-e'\n\"{path}\" 1100"));
    pair.compare(&[&format!("@{}", words.display()), "-i"], b"");
    pair.compare(&["-e", &path, "@/no/such/file"], b"");
}

#[test]
fn addr2line_refuses_as_the_real_one() {
    let pair = Pair::new(ADDR2LINE);
    let folder = pair.sandbox.path("");
    let folder = folder.to_str().unwrap();
    let empty = pair.sandbox.write("empty", "");
    let text = pair.sandbox.write("text", "no object");
    let archive = pair.sandbox.write("x.a", "!<arch>\n");
    for file in [
        "/no/such/file",
        folder,
        empty.to_str().unwrap(),
        text.to_str().unwrap(),
        archive.to_str().unwrap(),
    ] {
        pair.compare(&["-e", file, "10"], b"");
    }
    let path = path("c-gcc-O3-dwarf5.so");
    pair.compare(&["-e", &path, "-b", "nonsense", "10"], b"");
    pair.compare(&["-e", &path, "--demangle=nonsense", "10"], b"");
    for (wrong, first) in [
        ("-z", "addr2line: invalid option -- 'z'"),
        ("--foo", "addr2line: unrecognized option '--foo'"),
    ] {
        let (real, ours) = (pair.real(&[wrong], b""), pair.ours(&[wrong], b""));
        assert_eq!((real.code, real.stderr.lines().next()), (1, Some(first)));
        assert_eq!((ours.code, ours.stderr.lines().next()), (1, Some(first)));
        assert_eq!(real.stderr.lines().nth(1), ours.stderr.lines().nth(1));
    }
    for known in [["--demangle=gnat", "-e"], ["--target=pei-i386", "-e"]] {
        let ours = pair.ours(&[known[0], known[1], &path, "10"], b"");
        assert_eq!((ours.code, ours.stdout.as_str()), (2, ""), "{known:?}");
        assert!(ours.stderr.contains("is not supported by symtool"), "{}", ours.stderr);
    }
    assert!(
        pair.ours(&["--help"], b"").stdout.starts_with("Usage: addr2line [option(s)] [addr(s)]\n")
    );
    assert!(pair.ours(&["-v"], b"").stdout.contains("GNU addr2line"));
}

#[test]
fn symbolizer_with_every_flag() {
    for fixture in FIXTURES {
        let pair = Pair::new(SYMBOLIZER);
        let (path, input) = (path(fixture), lines(&addresses(fixture)));
        let object = format!("--obj={path}");
        for flags in [
            &["--no-demangle"][..],
            &["--no-demangle", "--output-style=GNU", "-a"],
            &["--no-demangle", "--output-style", "JSON"],
            &["--no-demangle", "-p", "--print-address", "-i"],
            &["--no-demangle", "--verbose"],
            &["--no-demangle", "--verbose", "--output-style=GNU", "-p"],
            &["--no-demangle", "--no-inlines"],
            &["--no-demangle", "--inlining=false", "--output-style=GNU"],
            &["--no-demangle", "--no-inlines", "--output-style=JSON"],
            &["--no-demangle", "-s"],
            &["--no-demangle", "--basenames", "--relativenames", "--output-style=JSON"],
            &["--no-demangle", "--relativenames"],
            &["--functions=none", "-p"],
            &["--functions=short", "-p"],
        ] {
            if flags[0] == "--functions=short" && fixture.starts_with("cpp") {
                // Templates are named after their linkage names, not as the compiler spelled them.
                continue;
            }
            let flags: Vec<&str> =
                [&object].into_iter().map(String::as_str).chain(flags.iter().copied()).collect();
            pair.compare(&flags, &input);
        }
    }
}

#[test]
fn symbolizer_takes_any_request() {
    let pair = Pair::new(SYMBOLIZER);
    let (path, other) = (path("c-gcc-O3-dwarf5.so"), path("c-clang-O2-dwarf5.so"));
    let input = format!(
        "{path} 0x1100\nCODE {other} 0x1110\n\"{path}\" 4352\n'{path}' 010400\nFILE:{path} 0x1120 junk\n\n \n0x1100\n{path}\n\
         {path} 11zz\n\"{path} 0x1\n/no/such/file 0x1\n/no/such/file 0x2\n/etc/passwd 0x1\n/tmp 0x1\nBUILDID:0123456789 0x1\n\
         BUILDID:0123456789 0x2\nBUILDID:xy 0x1\nFILE:FILE:x 1\nFILE:\n{path} scan_next\n{path} scan_next+4\n{path} nobody\n{other} 0x1100\r\n{path} 0x1130"
    );
    for style in ["--output-style=LLVM", "--output-style=GNU", "--output-style=JSON"] {
        pair.compare(&[style], input.as_bytes());
        pair.compare(&[style, "-a", "-p"], input.as_bytes());
        let requests: Vec<&str> = input.lines().collect();
        pair.compare(&[&[style], &requests[..]].concat(), b"");
        pair.compare(
            &[
                style,
                "-e",
                &path,
                "0x1100",
                "11zz",
                "scan_next",
                "nobody",
                "CODE 0x1100",
                "FILE:x 1",
                "+5",
            ],
            b"",
        );
        pair.compare(&[style, "-e", "/no/such/file", "0x1100"], b"");
        pair.compare(
            &[style, &format!("--exe={path}"), "--adjust-vma=0x100000", "0x101100", "0x1100"],
            b"",
        );
        pair.compare(&[style, "--build-id=0123456789", "0x1"], b"");
    }
}

#[test]
fn symbolizer_refuses_as_the_real_one() {
    let pair = Pair::new(SYMBOLIZER);
    let path = path("c-gcc-O3-dwarf5.so");
    for args in [
        &["--foo", "--unknown"][..],
        &["-x"],
        &["-fiz"],
        &["--no-inline"],
        &["-e"],
        &["--obj"],
        &["--", "-5"],
        &["--adjust-vma=zz"],
        &["--build-id=zz", "0x1"],
        &["--build-id=94", "-e", "x"],
        &["--dsym-hint=x", "-e", &path, "0x1100"],
        &["-demangle=false", "-e", &path, "0x1100"],
        &["--functions=bogus", "--output-style=bogus", "-e", &path, "0x1100"],
    ] {
        pair.compare(args, b"");
    }
    for known in ["--dwp=x", "--filter-markup", "--debuginfod", "--print-source-context-lines=3"] {
        let ours = pair.ours(&[known, "-e", &path, "0x1100"], b"");
        assert_eq!((ours.code, ours.stdout.as_str()), (2, ""), "{known}");
        assert!(ours.stderr.contains("is not supported by symtool"), "{}", ours.stderr);
    }
    assert!(pair.ours(&["--help"], b"").stdout.starts_with("OVERVIEW: llvm-symbolizer\n"));
    assert!(pair.ours(&["--version"], b"").stdout.contains("LLVM version 19"));
}

#[test]
fn options_from_the_environment() {
    let pair = Pair::new(SYMBOLIZER);
    let options = format!("-e '{}' -p", path("c-gcc-O3-dwarf5.so"));
    let real =
        run(Command::new(pair.real).env("LLVM_SYMBOLIZER_OPTS", &options).arg("0x1100"), b"");
    let ours = run(
        pair.sandbox.command().env("LLVM_SYMBOLIZER_OPTS", &options).arg(pair.tool).arg("0x1100"),
        b"",
    );
    assert_eq!((ours.code, ours.stdout), (real.code, real.stdout));
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

#[test]
fn an_image_of_windows_is_answered_by_the_pdb_beside_it() {
    let pair = Pair::new(SYMBOLIZER);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/windows");
    let image = pair.sandbox.path("shop64.dll");
    std::fs::copy(fixtures.join("shop64.dll"), &image).unwrap();
    let answer =
        || pair.ours(&["--no-demangle", "-e", image.to_str().unwrap(), "0x10e2"], b"").stdout;
    assert!(!answer().contains("lib.cc"));
    std::fs::copy(fixtures.join("shop64.pdb"), pair.sandbox.path("shop64.pdb")).unwrap();
    // From the files, then from the store.
    for _ in 0..2 {
        let answer = answer();
        assert!(answer.starts_with("?fault@shop@@YAHPECHH@Z\n/src/lib.cc:19:"), "{answer}");
    }
    // One of another build is left alone.
    let image = pair.sandbox.path("other/shop64.dll");
    std::fs::create_dir(image.parent().unwrap()).unwrap();
    std::fs::copy(fixtures.join("shop86.dll"), &image).unwrap();
    std::fs::copy(fixtures.join("shop64.pdb"), image.with_file_name("shop86.pdb")).unwrap();
    let run = pair.ours(&["--no-demangle", "-e", image.to_str().unwrap(), "0x1080"], b"");
    assert!(run.code == 0 && !run.stdout.contains("lib.cc"), "{}", run.stdout);
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

#[test]
fn objects_by_build_id() {
    let pair = Pair::new(SYMBOLIZER);
    let bytes = std::fs::read(object("c-gcc-O3-dwarf5.so")).unwrap();
    let id = object::File::parse(&*bytes).unwrap().build_id().unwrap().unwrap().to_vec();
    let id = id.iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
    let folder = pair.sandbox.path(&format!("debug/.build-id/{}", &id[..2]));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{}.debug", &id[2..])), &bytes).unwrap();
    let folder = format!("--debug-file-directory={}", pair.sandbox.path("debug").display());
    for style in ["LLVM", "GNU", "JSON"] {
        let style = format!("--output-style={style}");
        pair.compare(&[&folder, &style, &format!("--build-id={id}"), "0x1100"], b"");
        pair.compare(
            &[
                &folder,
                &style,
                &format!("BUILDID:{id} 0x1100"),
                &format!("BUILDID:{} 0x1110", id.to_uppercase()),
            ],
            b"",
        );
    }
    // What the store knows needs no file.
    let known = pair.ours(&[&format!("--build-id={id}"), "0x1100"], b"");
    assert_eq!(known.stdout, pair.real(&["-e", &path("c-gcc-O3-dwarf5.so"), "0x1100"], b"").stdout);
}
