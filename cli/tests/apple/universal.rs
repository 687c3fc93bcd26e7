//! Universal files: a module for each slice, one of them picked, and files that lie.

use std::fs;
use std::path::PathBuf;

use crate::bundles::DSYM;
use crate::support::{Sandbox, json_lines, object};
use crate::{import, modules, pairs, statuses};

#[test]
fn every_slice_is_a_module_of_its_own() {
    let sandbox = Sandbox::new();
    let fat = object("macho-fat/three");
    let run = import(&sandbox, &[&fat]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let want =
        [("three:x86_64", "imported"), ("three:armv7", "imported"), ("three:arm64", "imported")];
    assert_eq!(statuses(&run), pairs(&want));
    let arches: Vec<String> = modules(&sandbox).into_iter().map(|(.., arch, _)| arch).collect();
    assert_eq!(arches, ["arm64", "armv7", "x86_64"]);
    // Which one is meant has to be said, by the file or by the name.
    let text = fat.to_str().unwrap();
    for name in [text, "three"] {
        let run = sandbox.run(["resolve", "--module", name, "0x400"]);
        assert_eq!(run.code, 1);
        assert!(run.stdout.contains("ambiguous_module"), "{}", run.stdout);
    }
    for name in [format!("{text}:arm64"), "three:arm64".to_owned()] {
        let run = sandbox.run(["resolve", "--module", &name, "0x400"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }
    let run = sandbox.run(["resolve", "--module", &format!("{text}:ppc"), "0x400"]);
    assert!(run.stderr.contains("no slice for ppc; it has x86_64, armv7, arm64"), "{}", run.stderr);
}

#[test]
fn one_slice_can_be_picked() {
    let sandbox = Sandbox::new();
    let pick = |name: &str, arch: &str| {
        PathBuf::from(format!("{}:{arch}", object(name).to_str().unwrap()))
    };
    let run = import(
        &sandbox,
        &[
            &pick("macho-fat/three", "armv7"),
            &pick("macho-fat/wide", "arm64"),
            &pick(DSYM, "arm64"),
        ],
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(
        statuses(&run),
        pairs(&[
            ("three:armv7", "imported"),
            ("wide:arm64", "imported"),
            (&format!("{DSYM}:arm64"), "imported")
        ])
    );
    for (path, has) in [
        (pick("macho-fat/three", "arm64e"), "x86_64, armv7, arm64"),
        (pick(DSYM, "x86_64"), "arm64"),
    ] {
        let run = import(&sandbox, &[&path]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(&format!("; it has {has}")), "{}", run.stderr);
    }
}

/// Slices of one UUID are told apart by their architecture.
#[test]
fn slices_may_have_the_same_uuid() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &[&object("macho-fat/same-uuid")]).code, 0);
    let found = modules(&sandbox);
    let [one, other] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&one.2, &one.1[..], &other.1[..]), (&other.2, "arm64", "x86_64"));
    let run = sandbox.run(["resolve", "--module", &one.2, "0x400"]);
    assert!(
        run.stderr.contains(&format!("{}:arm64, {}:x86_64", &one.2[..12], &one.2[..12])),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.run(["resolve", "--module", &format!("{}:arm64", one.2), "0x400"]).code, 0);
    assert!(import(&sandbox, &[&object("macho-fat/same-uuid")]).stdout.contains("unchanged"));
}

#[test]
fn members_of_universal_libraries() {
    let sandbox = Sandbox::new();
    let run = import(&sandbox, &[&object("macho-fat/lib.a")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let want = [
        "lib.a:x86_64(queue.o)",
        "lib.a:x86_64(tally.o)",
        "lib.a:arm64(queue.o)",
        "lib.a:arm64(tally.o)",
    ];
    assert_eq!(statuses(&run), pairs(&want.map(|member| (member, "imported"))));
}

/// Header and table of a universal file of 32 bits: each slice's CPU type, offset and size.
fn fat(slices: &[(u32, u32, u32)], declared: u32, contents: &[u8]) -> Vec<u8> {
    let mut bytes = [0xcafe_babe_u32, declared].map(u32::to_be_bytes).concat();
    for (cpu, offset, size) in slices {
        bytes.extend([*cpu, 0, *offset, *size, 0].map(u32::to_be_bytes).concat());
    }
    bytes.resize(bytes.len().max(4096), 0);
    bytes.extend_from_slice(contents);
    bytes
}

#[test]
fn universal_files_that_lie() {
    let (arm64, x86_64) = (0x0100_000c, 0x0100_0007);
    let dsym = fs::read(object(DSYM)).unwrap();
    let size = u32::try_from(dsym.len()).unwrap();
    for (bytes, reason, imported) in [
        (
            fat(&[(arm64, 4096, size), (x86_64, 4096, size)], 2, &dsym),
            ":x86_64: damaged object file (it has bytes that belong to another slice)",
            1,
        ),
        (
            fat(&[(arm64, 4096, size), (x86_64, 1 << 30, size)], 2, &dsym),
            ":x86_64: damaged object file (it lies outside the file)",
            1,
        ),
        (
            fat(&[(arm64, 4096, size), (x86_64, u32::MAX, u32::MAX)], 2, &dsym),
            "it lies outside the file",
            1,
        ),
        (fat(&[], 1_000_000, &dsym), "damaged object file (", 0),
        (fat(&[], 300, &[0; 8192]), "it declares 300 slices, over the limit of 64", 0),
        (fat(&[], 0, &[]), "no object files in this archive", 0),
        (
            vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 29],
            "neither ELF, Mach-O, PE, PDB nor a Breakpad symbol file (a Java class)",
            0,
        ),
    ] {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, &[&sandbox.write("fat", bytes)]);
        assert_eq!(run.code, 1, "{reason}");
        assert!(run.stderr.contains(reason), "{reason}: {}", run.stderr);
        assert_eq!(json_lines(&run.stdout).last().unwrap()["imported"], imported, "{reason}");
    }
    // A table of a million slices, all there.
    let sandbox = Sandbox::new();
    let run = import(
        &sandbox,
        &[&sandbox.write("fat", fat(&vec![(arm64, 4096, size); 1_000_000], 1_000_000, &[]))],
    );
    assert!(
        run.stderr.contains("it declares 1000000 slices, over the limit of 64"),
        "{}",
        run.stderr
    );
}

/// One damaged slice does not stand in the way of another.
#[test]
fn a_slice_is_picked_whatever_the_others_are() {
    let sandbox = Sandbox::new();
    let dsym = fs::read(object(DSYM)).unwrap();
    let size = u32::try_from(dsym.len()).unwrap();
    let path = sandbox
        .write("fat", fat(&[(0x0100_0007, 1 << 30, size), (0x0100_000c, 4096, size)], 2, &dsym));
    let slice = PathBuf::from(format!("{}:arm64", path.to_str().unwrap()));
    let run = import(&sandbox, &[&slice]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(sandbox.run(["resolve", "--module", slice.to_str().unwrap(), "0x400"]).code, 0);
}
