//! Images of Windows and PDBs, from import to answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use serde_json::json;
use support::{Run, Sandbox, json_lines, testdata};

/// The GUID of shop64's build.
const GUID: &str = "3723F168-66A9-9C53-4C4C-44205044422E";

fn fixture(name: &str) -> PathBuf {
    testdata("windows").join(name)
}

fn import(sandbox: &Sandbox, names: &[&str]) -> Run {
    let mut command = sandbox.command();
    command.args(["import", "--json"]).args(names.iter().map(|name| fixture(name)));
    Run::of(command.output().unwrap())
}

fn resolve(sandbox: &Sandbox, module: &str, address: &str) -> Run {
    sandbox.run(["resolve", "--module", module, address])
}

#[test]
fn an_image_and_its_pdb_complete_each_other_in_either_order() {
    let mut answers = Vec::new();
    for files in [["shop64.dll", "shop64.pdb"], ["shop64.pdb", "shop64.dll"]] {
        let sandbox = Sandbox::new();
        for (number, file) in files.into_iter().enumerate() {
            let run = import(&sandbox, &[file]);
            let is_told = run.stderr.contains("are in shop64.pdb; import");
            // Only while the store has no more of the build.
            let is_alone = number == 0 && file == "shop64.dll";
            assert_eq!((run.code, is_told), (0, is_alone), "{}", run.stderr);
        }
        let run = sandbox.run(["modules", "show", "--json", "shop64.dll"]);
        let shown = &json_lines(&run.stdout)[0];
        assert_eq!((&shown["kind"], &shown["arch"]), (&json!("pe"), &json!("x86_64")), "{shown}");
        assert_eq!(shown["sources"].as_array().unwrap().len(), 2, "{shown}");
        let run = resolve(&sandbox, "shop64.pdb", "0x11f8");
        assert_eq!(run.code, 0, "{}", run.stderr);
        answers.push(run.stdout);
    }
    assert_eq!(answers[0], answers[1]);
    let [first, ..] = &answers[..] else { panic!("no answer") };
    assert_eq!(
        first,
        "0x11f8: shop::add at /src/lib.cc:9\n  \
         (inlined by) shop::taxed at /src/lib.cc:11\n  \
         (inlined by) shop::line_total at /src/lib.cc:14\n  \
         (inlined by) shop::Cart::total(struct shop::Item const *, int) at /src/lib.cc:26:14\n"
    );
}

/// The bytes of an image of 32-bit x86 that exports nothing, as programs do: neither functions nor
/// unwind data are its own.
fn without_exports(name: &str) -> Vec<u8> {
    let mut image = fs::read(fixture(name)).unwrap();
    let header = u32::from_le_bytes(image[0x3c..0x40].try_into().unwrap()) as usize;
    let optional = header + 24;
    assert_eq!(image[optional..optional + 2], [0x0b, 0x01], "PE32");
    image[optional + 96..optional + 104].fill(0);
    image
}

#[test]
fn a_program_whose_functions_are_in_its_pdb_is_no_failure_beside_it() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("build")).unwrap();
    let image = sandbox.write("build/shop86.exe", without_exports("shop86.dll"));
    let alone = sandbox.run([OsStr::new("import"), image.as_os_str()]);
    assert_eq!(alone.code, 1, "{}", alone.stderr);
    assert!(alone.stderr.contains("shop86.pdb; import that file"), "{}", alone.stderr);
    let pdb = image.with_file_name("shop86.pdb");
    fs::copy(fixture("shop86.pdb"), &pdb).unwrap();
    for paths in [vec![image.as_path(), &pdb], vec![image.parent().unwrap()]] {
        let run = Run::of(sandbox.command().arg("import").args(paths).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

#[test]
fn an_id_has_many_spellings() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &["shop64.pdb", "shop86.pdb"]).code, 0);
    let bare = GUID.replace('-', "");
    for name in [
        GUID.to_owned(),
        format!("{GUID}-1"),
        format!("{bare}1"),
        format!("{}1", bare.to_lowercase()),
        format!("{bare}00000001"),
        bare[..12].to_owned(),
    ] {
        let run = resolve(&sandbox, &name, "0x10e0");
        assert!(
            run.stdout.contains("shop::fault(int volatile *, int)"),
            "{name}: {}{}",
            run.stdout,
            run.stderr
        );
    }
    assert_eq!(resolve(&sandbox, &format!("{GUID}-2"), "0x10e0").code, 1);
}

#[test]
fn a_time_stamp_and_a_size_are_an_id() {
    let sandbox = Sandbox::new();
    let mut bytes = fs::read(fixture("shop64.dll")).unwrap();
    let at = bytes.windows(4).position(|bytes| bytes == b"RSDS").unwrap();
    bytes[at..at + 4].copy_from_slice(b"NONE");
    let file = sandbox.write("shop.dll", bytes);
    assert_eq!(sandbox.run(["import".as_ref(), file.as_os_str()]).code, 0);
    for name in ["4F2596DA6000", "4f2596da00006000"] {
        let run = resolve(&sandbox, name, "0x1120");
        assert!(run.stdout.starts_with("0x1120: checkout"), "{name}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn names_in_c_of_32_bits_are_plain_and_raw_ones_are_kept() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &["shop86.pdb"]).code, 0);
    for (address, name, raw) in [
        ("0x1120", "entry", "_entry@12"),
        ("0x10d0", "checkout", "_checkout"),
        ("0x1080", "shop::fault(int volatile *, int)", "?fault@shop@@YAHPCHH@Z"),
    ] {
        let run = resolve(&sandbox, "shop86.pdb", address);
        assert!(run.stdout.starts_with(&format!("{address}: {name} at ")), "{}", run.stdout);
        let run = sandbox.run(["resolve", "--no-demangle", "--module", "shop86.pdb", address]);
        assert!(run.stdout.starts_with(&format!("{address}: {raw} at ")), "{}", run.stdout);
    }
}

#[test]
fn dwarf_of_mingw_answers() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &["mingw64.dll"]).code, 0);
    let run = resolve(&sandbox, "mingw64.dll", "0x10e2");
    assert_eq!(run.stdout, "0x10e2: shop::fault(int volatile*, int) at /src/lib.cc:19:10\n");
}

/// A Sentry event names an image by GUID and age, and frames by absolute addresses.
#[test]
fn frames_of_a_report_find_their_image() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &["shop64.pdb"]).code, 0);
    let event = json!({
        "event_id": "f00dface000040008000000000000001",
        "platform": "native",
        "debug_meta": {"images": [{
            "type": "pe", "code_file": "C:\\shop\\shop64.dll", "debug_id": format!("{GUID}-1"),
            "image_addr": "0x7ff600000000", "image_size": 0x6000
        }]},
        "exception": {"values": [{"type": "EXCEPTION_ACCESS_VIOLATION_WRITE", "stacktrace": {"frames": [
            {"instruction_addr": "0x7ff600001149"}, {"instruction_addr": "0x7ff6000010e0"}
        ]}}]}
    });
    let report = sandbox.write("event.json", event.to_string());
    let run = sandbox.run(["symbolicate".as_ref(), report.as_os_str()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in ["shop::fault", "checkout"] {
        assert!(run.stdout.contains(name), "{name}: {}", run.stdout);
    }
}

#[test]
fn check_and_verify_know_what_they_cannot_tell() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &["shop64.pdb"]).code, 0);
    let path = fixture("shop64.pdb");
    let run = sandbox.run(["modules", "verify"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = sandbox.run(["modules".as_ref(), "verify".as_ref(), path.as_os_str()]);
    assert!(
        format!("{}{}", run.stdout, run.stderr).contains("the other reader does not know"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let run = sandbox.run(["check".as_ref(), path.as_os_str()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = sandbox.run(["check".as_ref(), fixture("shop64.dll").as_os_str()]);
    assert!(
        run.stdout.contains("those are in its PDB; pass that file too"),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

#[test]
fn other_pdbs_are_named() {
    let sandbox = Sandbox::new();
    let portable = sandbox.write("net.pdb", b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0PDB v1.0");
    let run = sandbox.run(["import".as_ref(), portable.as_os_str()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("net.pdb: a portable PDB"), "{}", run.stderr);
}
