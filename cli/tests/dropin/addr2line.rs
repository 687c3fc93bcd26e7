//! As binutils' addr2line 2.40.

use crate::{ADDR2LINE, FIXTURES, Pair, WRONG, addresses, lines, outside_of_nested_symbols, path};

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
