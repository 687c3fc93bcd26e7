//! Every spelling of an id that Sentry, Apple and Microsoft print names the module.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use support::{Sandbox, json_lines, object, testdata};

/// `8-4-4-4-12` of 32 digits.
fn dashed(digits: &str) -> String {
    let ends = [0, 8, 12, 16, 20, 32];
    ends.windows(2).map(|end| &digits[end[0]..end[1]]).collect::<Vec<_>>().join("-")
}

/// The id that symtool itself prints for the module that `spelling` names.
fn id(sandbox: &Sandbox, spelling: &str) -> String {
    let run = sandbox.run(["modules", "show", "--json", spelling]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{spelling}");
    json_lines(&run.stdout)[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn ids_as_others_print_them() {
    let sandbox = Sandbox::new();
    let pdb = testdata("windows/frames86.pdb");
    for path in [object("cpp-gcc-O2-dwarf5.so"), pdb] {
        assert_eq!(sandbox.run(["import", path.to_str().unwrap()]).code, 0);
    }
    // A build-id, and Sentry's debug id of it: its first 16 bytes as a little-endian GUID.
    let elf = "7872b17fb1a0719b8cfefc50ded20d09a63a5d0d";
    let debug_id = "7fb17278-a0b1-9b71-8cfe-fc50ded20d09";
    for spelling in [
        elf,
        &elf.to_uppercase(),
        &elf[..12],
        debug_id,
        &debug_id.to_uppercase(),
        &debug_id.replace('-', ""),
        &format!("{debug_id}-0"),
    ] {
        assert_eq!(id(&sandbox, spelling), elf);
    }
    // A GUID and its age: of symbol servers, of debuggers, of Sentry.
    let pe = "ad8dad2ac6792bcf4c4c44205044422e00000001";
    let (guid, upper) = (&pe[..32], pe[..32].to_uppercase());
    let braced = format!("{{{}}}", dashed(&upper));
    for spelling in [
        pe,
        &format!("{upper}1"),
        &dashed(guid),
        &format!("{}-1", dashed(guid)),
        &braced,
        &format!("{braced}-1"),
        &format!("<{}>", dashed(guid)),
        &format!("<{upper}>"),
    ] {
        assert_eq!(id(&sandbox, spelling), pe);
    }
}
