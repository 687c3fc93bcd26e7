//! Bundles, apps and archives as folders, and the dSYMs in them.

use std::fs;

use crate::support::archives::{DEFLATED, STORED, zip};
use crate::support::shapes::copy;
use crate::support::{Sandbox, json_lines, object};
use crate::{import, modules, pairs, statuses};

/// A dSYM of one architecture, and what it says at an address of its code.
pub const DSYM: &str = "macho-objc-arm64-O2-dwarf4";

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
    copy(&object("macho-empty.dSYM"), &sandbox.path("build/macho-empty.dSYM"));
    copy(&object("macho-no-info.dSYM"), &sandbox.path("build/macho-no-info.dSYM"));
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
    copy(&object(dsym), &archive.join("dSYMs/App.app.dSYM"));
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
    copy(&object("macho-beside/app.dSYM"), &sandbox.path("symbols/App.app.dSYM"));
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
    copy(&object("macho-no-info.dSYM"), &sandbox.path("others/app.dSYM"));
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

/// In an .xcarchive, symbol maps are found without being told of.
#[test]
fn symbol_maps_of_an_archive_are_found() {
    let sandbox = Sandbox::new();
    let archive = sandbox.path("App.xcarchive");
    copy(&object("macho-symbolmap-plist/hidden.dSYM"), &archive.join("dSYMs/hidden.dSYM"));
    copy(&object("macho-symbolmap-plist/BCSymbolMaps"), &archive.join("BCSymbolMaps"));
    let run = import(&sandbox, &[&archive]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let run = sandbox.run(["resolve", "--module", "hidden", "--no-demangle", "0x950"]);
    assert!(run.stdout.contains("+[Note noteOf:] at /src/objc/notes.m"), "{}", run.stdout);
}
