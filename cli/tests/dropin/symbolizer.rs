//! As llvm-symbolizer 19.

use std::path::Path;
use std::process::Command;

use object::Object;

use crate::support::object;
use crate::{FIXTURES, Pair, SYMBOLIZER, addresses, lines, path, run};

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
    for known in ["--dwp=x", "--filter-markup", "--print-source-context-lines=3"] {
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
