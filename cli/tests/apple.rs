//! Job tests of what comes from Apple's tools: bundles, universal files, debug maps, symbol maps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::archives::{DEFLATED, STORED, zip};
use support::{Run, Sandbox, json_lines, object};

/// A dSYM of one architecture, and what it says at an address of its code.
const DSYM: &str = "macho-objc-arm64-O2-dwarf4";

fn import(sandbox: &Sandbox, paths: &[&Path]) -> Run {
    sandbox.run(
        ["import", "--json"]
            .iter()
            .map(AsRef::as_ref)
            .chain(paths.iter().map(|path| path.as_os_str())),
    )
}

/// Of each report: the last component of the path, and the status.
fn statuses(run: &Run) -> Vec<(String, String)> {
    let reports = json_lines(&run.stdout);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let last = |path: String| path.rsplit('/').next().unwrap().to_owned();
    reports
        .iter()
        .filter(|report| report.get("path").is_some())
        .map(|report| (last(text(&report["path"])), text(&report["status"])))
        .collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(path, status)| ((*path).to_owned(), (*status).to_owned())).collect()
}

/// Of every module: name, architecture, id.
fn modules(sandbox: &Sandbox) -> Vec<(String, String, String)> {
    let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    let text = |module: &Value, key: &str| module[key].as_str().unwrap().to_owned();
    let mut modules: Vec<_> = modules
        .iter()
        .map(|module| (text(module, "name"), text(module, "arch"), text(module, "id")))
        .collect();
    modules.sort();
    modules
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn every_file_of_a_bundle_is_imported_and_junk_passed_over() {
    let sandbox = Sandbox::new();
    let run = import(&sandbox, &[&object("macho-two.dSYM")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(
        statuses(&run),
        pairs(&[(DSYM, "imported"), ("macho-port-i386-O2-dwarf2", "imported")])
    );
    // The property list, the relocations and what macOS leaves beside files.
    assert!(json_lines(&run.stdout)[2]["skipped"].as_u64().unwrap() >= 2, "{}", run.stdout);
    assert_eq!(modules(&sandbox).len(), 2);
}

/// What a bundle says of itself does not matter.
#[test]
fn property_lists_may_lie_or_be_missing() {
    for (bundle, arch) in [("macho-lies.dSYM", "arm64_32"), ("macho-no-info.dSYM", "armv7k")] {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, &[&object(bundle)]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{bundle}");
        assert_eq!(modules(&sandbox)[0].1, arch);
        // The bundle stands for the one file in it.
        let path = object(bundle);
        let run = sandbox.run(["modules", "verify", path.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn an_empty_bundle_is_named_and_the_rest_imported() {
    let sandbox = Sandbox::new();
    copy_folder(&object("macho-empty.dSYM"), &sandbox.path("build/macho-empty.dSYM"));
    copy_folder(&object("macho-no-info.dSYM"), &sandbox.path("build/macho-no-info.dSYM"));
    for path in ["build", "build/macho-empty.dSYM"] {
        let run = import(&sandbox, &[&sandbox.path(path)]);
        assert_eq!(run.code, 1);
        assert!(
            run.stderr.contains(
                "macho-empty.dSYM: a dSYM bundle without an object file; was it copied whole?"
            ),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    assert_eq!(modules(&sandbox).len(), 1);
    let path = sandbox.path("build/macho-empty.dSYM");
    fs::create_dir_all(path.join("Contents/Resources/DWARF")).unwrap();
    let run = sandbox.run(["resolve", "--module", path.to_str().unwrap(), "0"]);
    assert!(run.stderr.contains("a dSYM bundle with 0 object files"), "{}", run.stderr);
}

#[test]
fn apps_archives_and_frameworks_are_trees_like_others() {
    let sandbox = Sandbox::new();
    let (app, dsym) = (fs::read(object("macho-beside/app")).unwrap(), "macho-beside/app.dSYM");
    let archive = sandbox.path("App.xcarchive");
    for folder in ["Products/Applications/App.app", "BCSymbolMaps"] {
        fs::create_dir_all(archive.join(folder)).unwrap();
    }
    fs::write(archive.join("Products/Applications/App.app/app"), &app).unwrap();
    copy_folder(&object(dsym), &archive.join("dSYMs/App.app.dSYM"));
    let run = import(&sandbox, &[&archive]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    // The image and its dSYM are one module.
    assert_eq!(statuses(&run), pairs(&[("app", "imported"), ("app", "imported")]));
    assert_eq!(modules(&sandbox).len(), 1);
    // The same in a zip file, as an .ipa is.
    let packed = Sandbox::new();
    let file = fs::read(object(dsym).join("Contents/Resources/DWARF/app")).unwrap();
    let ipa = zip(&[
        ("Payload/App.app/Info.plist", STORED, b"bplist00"),
        ("Payload/App.app/app", DEFLATED, &app),
        (
            "__MACOSX/App.app.dSYM/Contents/Resources/DWARF/._app",
            DEFLATED,
            b"\x00\x05\x16\x07\x00\x02\x00\x00",
        ),
        ("App.app.dSYM/Contents/Resources/DWARF/app", DEFLATED, &file),
    ]);
    let run = import(&packed, &[&packed.write("App.ipa", ipa)]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(json_lines(&run.stdout)[2]["skipped"], 2);
    assert_eq!(modules(&packed), modules(&sandbox));
}

/// The answers at all addresses of `macho-beside`.
fn answers(sandbox: &Sandbox) -> String {
    let addresses: Vec<String> = (0x300..0x700).map(|address| format!("{address:#x}")).collect();
    let args = ["resolve", "--module", "app", "--style", "llvm-json", "--batch", "-"];
    let run = sandbox.run_with_input(&args, addresses.join("\n").as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

#[test]
fn an_image_and_its_dsym_complete_each_other_in_either_order() {
    let image = fs::read(object("macho-beside/app")).unwrap();
    let dsym = object("macho-beside/app.dSYM");
    let mut outcomes = Vec::new();
    for image_first in [true, false] {
        let sandbox = Sandbox::new();
        // Where its dSYM is not beside it.
        let image = sandbox.write("app", &image);
        let paths = if image_first { [&image, &dsym] } else { [&dsym, &image] };
        for path in paths {
            assert_eq!(import(&sandbox, &[path]).code, 0);
        }
        assert_eq!(modules(&sandbox).len(), 1);
        outcomes.push(answers(&sandbox));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert!(outcomes[0].contains("/src/port/queue.c"));
}

#[test]
fn a_dsym_is_found_in_a_debug_folder_by_uuid() {
    let sandbox = Sandbox::new();
    let bundle = sandbox.path("build/Products/App.app");
    fs::create_dir_all(&bundle).unwrap();
    fs::copy(object("macho-beside/app"), bundle.join("app")).unwrap();
    copy_folder(&object("macho-beside/app.dSYM"), &sandbox.path("symbols/App.app.dSYM"));
    let (image, symbols) = (bundle.join("app"), sandbox.path("symbols"));
    let run = sandbox.run([
        "import",
        "--json",
        "--debug-dir",
        symbols.to_str().unwrap(),
        image.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(answers(&sandbox).contains("/src/port/queue.c"));
    // One of another build is not taken.
    let other = Sandbox::new();
    copy_folder(&object("macho-no-info.dSYM"), &sandbox.path("others/app.dSYM"));
    let wrong = sandbox.path("others/app.dSYM/Contents/Resources/DWARF");
    fs::rename(wrong.join("macho-port-armv7k-O2-dwarf5"), wrong.join("app")).unwrap();
    let others = sandbox.path("others");
    assert_eq!(
        other
            .run(["import", "--debug-dir", others.to_str().unwrap(), image.to_str().unwrap()])
            .code,
        0
    );
    assert!(!answers(&other).contains("/src/port/queue.c"));
}

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

/// Numbers of the header and of load commands, replaced by what they cannot be.
#[test]
fn load_commands_that_lie() {
    let image = fs::read(object("macho-image-dylib-arm64")).unwrap();
    let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let commands = usize::try_from(number(16)).unwrap();
    let mut places = vec![16, 20];
    let mut at = 32;
    for _ in 0..commands {
        let bytes = usize::try_from(number(at + 4)).unwrap();
        places.extend((at..at + bytes).step_by(4));
        at += bytes;
    }
    let (mut read, mut refused) = (0, 0);
    for chunk in places.chunks(40) {
        let sandbox = Sandbox::new();
        let mut paths = Vec::new();
        for (place, value) in chunk
            .iter()
            .flat_map(|place| [0, 7, 0x7fff_ffff, u32::MAX].map(|value| (*place, value)))
        {
            let mut broken = image.clone();
            broken[place..place + 4].copy_from_slice(&value.to_le_bytes());
            paths.push(sandbox.write(&format!("{place}-{value}"), broken));
        }
        let run = import(&sandbox, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        assert!(run.code == 0 || run.code == 1, "{}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        let found = statuses(&run);
        assert_eq!(found.len(), paths.len());
        let failed = found.iter().filter(|(_, status)| status == "failed").count();
        refused += failed;
        read += found.len() - failed;
    }
    assert!(read > 100 && refused > 20, "{read} read, {refused} refused");
}

#[test]
fn object_files_of_a_debug_map_that_are_missing_are_named() {
    let sandbox = Sandbox::new();
    copy_folder(&object("macho-map-arm64"), &sandbox.path("build"));
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let (app, elsewhere) = (sandbox.path("build/app"), sandbox.path("elsewhere"));
    for file in ["libtwo.a", "pool.o"] {
        fs::rename(sandbox.path("build").join(file), elsewhere.join(file)).unwrap();
    }
    let run = import(&sandbox, &[&app]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("and 1 more, not found as the linker saw it: symbols answer instead;"),
        "{}",
        run.stderr
    );
    let report = &json_lines(&run.stdout)[0];
    assert!(report["dropped"]["missing_object"].as_u64().unwrap() > 3, "{report}");
    let run = sandbox.run([
        "import",
        "--json",
        "--force",
        "--debug-dir",
        elsewhere.to_str().unwrap(),
        app.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(json_lines(&run.stdout)[0]["dropped"], serde_json::json!({}));
    assert!(import(&sandbox, &[&app]).stdout.contains("unchanged"));
    // All of them gone.
    let bare = Sandbox::new();
    let run = import(&bare, &[&bare.write("app", fs::read(&app).unwrap())]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("make a dSYM where the object files are (dsymutil)"),
        "{}",
        run.stderr
    );
}

/// Whatever a map of object files leaves out, a dSYM knows better.
#[test]
fn a_dsym_comes_before_a_debug_map() {
    for map_first in [true, false] {
        let sandbox = Sandbox::new();
        let image = object("macho-map-missing/app");
        let dsym = sandbox.write("app", fs::read(object("macho-map-x86_64-dsym")).unwrap());
        let paths = if map_first { [&image, &dsym] } else { [&dsym, &image] };
        for path in paths {
            assert_eq!(import(&sandbox, &[path]).code, 0);
        }
        let shown = &json_lines(&sandbox.run(["modules", "show", "--json", "app"]).stdout)[0];
        let details: Vec<&str> = shown["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|source| source["detail"].as_str().unwrap())
            .collect();
        assert_eq!(details, ["debug", "debug_map"], "{shown}");
    }
}

#[test]
fn object_files_of_another_architecture_are_not_taken() {
    let sandbox = Sandbox::new();
    copy_folder(&object("macho-map-arm64"), &sandbox.path("build"));
    fs::copy(object("macho-x86_64.o"), sandbox.path("build/one.o")).unwrap();
    let run = import(&sandbox, &[&sandbox.path("build/app")]);
    assert!(run.stderr.contains("one.o, not found as the linker saw it"), "{}", run.stderr);
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

#[test]
fn object_files_written_since_are_used_and_named() {
    let sandbox = Sandbox::new();
    let run = import(&sandbox, &[&object("macho-map-stale/app")]);
    assert!(run.stderr.contains("written anew since the image was linked"), "{}", run.stderr);
    // A member of another time is another member.
    assert!(
        run.stderr.contains("libtwo.a(two.o), not found as the linker saw it"),
        "{}",
        run.stderr
    );
}

#[test]
fn hidden_names_are_named_as_such() {
    let sandbox = Sandbox::new();
    let hidden = object("macho-symbolmap/hidden");
    let run = import(&sandbox, &[&hidden]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains(
            "names are hidden (`__hidden#…_`); pass the folder with its .bcsymbolmap file"
        ),
        "{}",
        run.stderr
    );
    let maps = object("macho-symbolmap/BCSymbolMaps");
    let run = sandbox.run([
        "import",
        "--json",
        "--force",
        "--bcsymbolmap",
        maps.to_str().unwrap(),
        hidden.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

/// In an .xcarchive, symbol maps are found without being told of.
#[test]
fn symbol_maps_of_an_archive_are_found() {
    let sandbox = Sandbox::new();
    let archive = sandbox.path("App.xcarchive");
    copy_folder(&object("macho-symbolmap-plist/hidden.dSYM"), &archive.join("dSYMs/hidden.dSYM"));
    copy_folder(&object("macho-symbolmap-plist/BCSymbolMaps"), &archive.join("BCSymbolMaps"));
    let run = import(&sandbox, &[&archive]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let run = sandbox.run(["resolve", "--module", "hidden", "--no-demangle", "0x950"]);
    assert!(run.stdout.contains("+[Note noteOf:] at /src/objc/notes.m"), "{}", run.stdout);
}

/// Addresses are the file's own; the image base tells how to come from a process to them.
#[test]
fn image_bases_and_uuids_as_apple_writes_them() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &[&object("macho-image-exec-arm64-chained")]).code, 0);
    let (name, _, id) = modules(&sandbox).remove(0);
    let shown = &json_lines(&sandbox.run(["modules", "show", "--json", &name]).stdout)[0];
    assert_eq!(shown["image_base"], 0x1_0000_0000_u64, "{shown}");
    let id = id.to_ascii_uppercase();
    let uuid = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    let run = sandbox.run(["resolve", "--module", &uuid, "0x100000000"]);
    assert!(run.stdout.contains("_mh_execute_header"), "{}{}", run.stdout, run.stderr);
}
