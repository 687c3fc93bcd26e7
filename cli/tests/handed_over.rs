//! Job tests of files as they are handed over: debug files of kernel modules, folders with `.dwo`,
//! `.dwp` and dwz files, packages of split DWARF that come late, files without a build-id whose
//! code is the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::path::PathBuf;

use object::{Object, ObjectSection};
use support::{Run, Sandbox, json_lines, object};

fn import(sandbox: &Sandbox, path: &std::path::Path) -> Run {
    sandbox.run(["import".as_ref(), path.as_os_str()])
}

/// The fixtures `names` in a folder of their own.
fn folder(sandbox: &Sandbox, folder: &str, names: &[&str]) -> PathBuf {
    let folder = sandbox.path(folder);
    fs::create_dir(&folder).unwrap();
    for name in names {
        let path = object(name);
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn companions_in_folders_are_no_failures() {
    for (fixture, modules) in [
        ("split-c-clang-dwarf5", 1),
        ("split-c-clang-dwarf5-dwp", 1),
        ("split-c-gcc-dwarf4-dwp", 1),
        ("split-beside-debug", 1),
        ("dwz-dwarf5", 2),
        ("dwz-dwarf4", 2),
        ("ko-debug", 1),
        ("dwarf-alone", 1),
    ] {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, &object(fixture));
        assert_eq!(run.code, 0, "{fixture}: {}", run.stderr);
        assert!(
            !run.stderr.contains(".dwp:") && !run.stderr.contains(".dwo:"),
            "{fixture}: {}",
            run.stderr
        );
        assert_eq!(
            json_lines(&sandbox.run(["modules", "list", "--json"]).stdout).len(),
            modules,
            "{fixture}"
        );
    }
}

#[test]
fn companions_alone_say_what_they_belong_to() {
    for (fixture, word) in [
        ("split-c-clang-dwarf5-dwp/lib.so.dwp", "import that image"),
        ("split-c-clang-dwarf5/scan.dwo", "import that one"),
        ("dwz-dwarf5/common.debug", "import them"),
    ] {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, &object(fixture));
        assert_eq!(run.code, 1, "{fixture}: {}", run.stdout);
        assert!(run.stderr.contains(word), "{fixture}: {}", run.stderr);
    }
}

/// The debug file of a kernel module answers like the module.
#[test]
fn debug_files_of_kernel_modules() {
    let answers = |fixture: &str| {
        let sandbox = Sandbox::new();
        assert_eq!(import(&sandbox, &object(fixture)).code, 0);
        let addresses = (0..0x40u64).map(|address| format!("{address:#x}"));
        let path = object(fixture);
        let args =
            ["resolve", "--module", path.to_str().unwrap(), "--style", "llvm"].map(str::to_owned);
        sandbox.run(args.into_iter().chain(addresses)).stdout
    };
    let whole = answers("module-gcc.ko");
    assert!(whole.contains(".c:"), "{whole}");
    for fixture in ["ko-debug/module.ko.debug", "ko-beside/module.ko"] {
        assert_eq!(answers(fixture), whole, "{fixture}");
    }
}

/// The header's field `e_shstrndx` names no section: answers are llvm-symbolizer's, which come from
/// symbols.
#[test]
fn sections_without_names() {
    for index in [0u16, 0x7777, 0xfff1, 0xffff] {
        let sandbox = Sandbox::new();
        let mut bytes = fs::read(object("c-gcc-O2-dwarf5.so")).unwrap();
        bytes[62..64].copy_from_slice(&index.to_le_bytes());
        let path = sandbox.write("nameless.so", bytes);
        let run = import(&sandbox, &path);
        assert_eq!(run.code, 0, "{index:#x}: {}", run.stderr);
        assert!(run.stderr.contains("its sections have no names"), "{index:#x}: {}", run.stderr);
        let args = [
            "resolve",
            "--module",
            path.to_str().unwrap(),
            "--style",
            "llvm",
            "0x1050",
            "0x16c0",
            "0x1220",
        ];
        let want = "fail\n??:0:0\n\nprimary\ngrammar.c:0:0\n\nspan_number.constprop.0.isra.0\nscan.c:0:0\n\n";
        assert_eq!(sandbox.run(args).stdout, want, "{index:#x}");
    }
}

/// A package that was missing is read when its library is imported once more, without being forced
/// to.
#[test]
fn packages_may_come_later() {
    for (library, package, late) in [
        ("split-c-clang-dwarf5-dwp/lib.so", "split-c-clang-dwarf5-dwp/lib.so.dwp", "lib.so.dwp"),
        ("split-c-gcc-dwarf4-dwp/lib.so", "split-c-gcc-dwarf4-dwp/lib.so.dwp", "lib.dwp"),
    ] {
        let sandbox = Sandbox::new();
        let folder = folder(&sandbox, "app", &[library]);
        let path = folder.join("lib.so");
        let answers = || {
            let addresses = (0x1000..0x1400u64).step_by(3).map(|address| format!("{address:#x}"));
            let args = ["resolve", "--module", path.to_str().unwrap(), "--style", "llvm"]
                .map(str::to_owned);
            sandbox.run(args.into_iter().chain(addresses)).stdout
        };
        let run = import(&sandbox, &path);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let without = answers();
        fs::copy(object(package), folder.join(late)).unwrap();
        let run = import(&sandbox, &path);
        assert!(
            run.code == 0 && !run.stdout.contains("unchanged"),
            "{library}: {} {}",
            run.stdout,
            run.stderr
        );
        let whole = Sandbox::store_of(&object(library));
        let addresses = (0x1000..0x1400u64).step_by(3).map(|address| format!("{address:#x}"));
        let args = ["resolve", "--module", "lib.so", "--style", "llvm"].map(str::to_owned);
        let want = whole.run(args.into_iter().chain(addresses)).stdout;
        assert!(want != without && answers() == want, "{library}");
    }
}

/// A copy of `fixture` in which the name of a function is another.
fn renamed(fixture: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = fs::read(object(fixture)).unwrap();
    let mut count = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            count += 1;
        }
    }
    assert!(count > 0, "{fixture}");
    bytes
}

/// Files without a build-id whose code is the same are modules of their own if they say other
/// things of it.
#[test]
fn equal_code_does_not_make_one_module() {
    let fixture = "c-gcc-O2-no-id.so";
    let bytes = fs::read(object(fixture)).unwrap();
    let other = renamed(fixture, b"grammar_eval", b"grammar_oval");
    let text = |bytes: &[u8]| {
        object::File::parse(bytes)
            .unwrap()
            .section_by_name(".text")
            .unwrap()
            .data()
            .unwrap()
            .to_vec()
    };
    assert_eq!(text(&bytes), text(&other));
    let sandbox = Sandbox::new();
    let paths = [sandbox.write("one.so", bytes), sandbox.write("other.so", other)];
    for path in &paths {
        let run = import(&sandbox, path);
        assert!(run.code == 0 && run.stdout.contains("imported"), "{} {}", run.stdout, run.stderr);
    }
    assert_eq!(json_lines(&sandbox.run(["modules", "list", "--json"]).stdout).len(), 2);
    let names = paths.map(|path| {
        let addresses = (0x1000..0x3000u64).step_by(16).map(|address| format!("{address:#x}"));
        let args =
            ["resolve", "--module", path.to_str().unwrap(), "--style", "llvm"].map(str::to_owned);
        sandbox.run(args.into_iter().chain(addresses)).stdout
    });
    assert!(names[0].contains("grammar_eval") && !names[0].contains("grammar_oval"));
    assert!(names[1].contains("grammar_oval") && !names[1].contains("grammar_eval"));
}
