//! Every address of every fixture, against what llvm-symbolizer says (testdata/golden, made by
//! golden.py).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod cases;
mod stripped;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use cases::{Fixture, Layout, asked, fixtures, goldens, is_relocatable};
use rayon::prelude::*;
use serde_json::Value;
use support::{Sandbox, object, testdata};

type Frame = (String, String, u64, u64);

/// Every address of the fixture, with the frames that it has to have.
fn wanted(fixture: &Fixture, layout: &Layout) -> Vec<(u64, Vec<Frame>)> {
    let by_section = testdata("golden").join(format!("{}.sections.jsonl", fixture.golden)).exists();
    let golden =
        if by_section { format!("{}.sections", fixture.golden) } else { fixture.golden.clone() };
    let mut wanted = Vec::new();
    // Deviation: in a relocatable object an address means the first section that has it, for
    // functions too.
    let mut owners: HashMap<u64, String> = HashMap::new();
    for golden in goldens(&golden) {
        for address in golden.start..golden.end {
            let address = u64::try_from(address).unwrap();
            if let Some(section) = &golden.section
                && owners.entry(address).or_insert_with(|| section.clone()) != section
            {
                continue;
            }
            // Deviation: at the very last address, and at address 0 where the linker has thrown
            // away code, symtool knows nothing; llvm-symbolizer names the last symbol, or that
            // code.
            let has_dead_code = ["-gc-", "-icf"].iter().any(|kind| fixture.golden.contains(kind));
            let is_beside = address == u64::MAX || (address == 0 && has_dead_code);
            let is_nothing = !by_section && !layout.is_code(address) && is_beside;
            // Of a symbol at its section's end, what else is in the table says how large it is: in
            // an image with a debug map there is more than in its dSYM.
            if fixture.name == "macho-map-arm64" && address == 0x1_0000_c010 {
                continue;
            }
            let mut frames = if is_nothing { vec![nothing()] } else { golden.frames.clone() };
            // Deviation: of folded functions, name and line are of one. Line 59 of table.c is in
            // table_used.
            for frame in frames.iter_mut().filter(|_| fixture.golden == "c-clang-O2-icf.so") {
                if frame.0 == "table_count" && frame.1 == "/src/c/table.c" && frame.2 == 59 {
                    "table_used".clone_into(&mut frame.0);
                }
            }
            wanted.push((address, frames));
        }
    }
    if fixture.is_whole {
        let covered = wanted.iter().filter(|(address, _)| layout.is_code(*address)).count() as u64;
        // The sections of a relocatable object lie over each other, unless it is Mach-O.
        let is_elf = !fixture.golden.starts_with("macho-");
        let size = if is_elf && is_relocatable(fixture) {
            layout.code.iter().map(|section| section.end).max().unwrap()
        } else {
            layout.code.iter().map(|section| section.end - section.start).sum()
        };
        assert_eq!(covered, size, "{}: goldens have holes", fixture.name);
    }
    wanted
}

fn nothing() -> Frame {
    (String::new(), String::new(), 0, 0)
}

fn frames(line: &str) -> Vec<Frame> {
    let answer: Value = serde_json::from_str(line).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let frame = |frame: &Value| {
        (
            text(&frame["FunctionName"]),
            text(&frame["FileName"]),
            frame["Line"].as_u64().unwrap(),
            frame["Column"].as_u64().unwrap(),
        )
    };
    answer["Symbol"].as_array().unwrap().iter().map(frame).collect()
}

/// The file itself; one that is compressed as a whole is unpacked first.
fn unpacked(sandbox: &Sandbox, path: &Path) -> PathBuf {
    if path.extension().is_none_or(|extension| extension != "zst") {
        return path.to_owned();
    }
    let file = std::fs::File::open(path).unwrap();
    sandbox
        .write(path.file_stem().unwrap().to_str().unwrap(), zstd::stream::decode_all(file).unwrap())
}

/// Runs symtool where the object is: the places of .dwo files are recorded relative to it.
fn run_beside(sandbox: &Sandbox, path: &Path, args: &[&str]) -> support::Run {
    support::Run::of(
        sandbox.command().args(args).current_dir(path.parent().unwrap()).output().unwrap(),
    )
}

#[test]
fn every_address_of_every_fixture() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 170, "only {} fixtures", fixtures.len());
    let checked: Vec<Result<usize, String>> =
        fixtures.par_iter().with_max_len(1).map(check).collect();
    let failed: Vec<&str> =
        checked.iter().filter_map(|checked| checked.as_ref().err().map(String::as_str)).collect();
    assert!(
        failed.is_empty(),
        "{} of {} fixtures:\n{}",
        failed.len(),
        fixtures.len(),
        failed.join("\n")
    );
    let addresses_checked: usize = checked.into_iter().flatten().sum();
    assert!(addresses_checked > 200_000, "only {addresses_checked} addresses");
}

/// How many addresses were asked, or the first one with a wrong answer.
fn check(fixture: &Fixture) -> Result<usize, String> {
    let sandbox = Sandbox::new();
    let name = &fixture.name;
    let path = unpacked(&sandbox, &fixture.path);
    let path_text = path.to_str().unwrap();
    let mut import = vec!["import", path_text];
    if let Some(folder) = &fixture.debug_dir {
        import.extend(["--debug-dir", folder.to_str().unwrap()]);
    }
    if let Some(folder) = &fixture.symbol_maps {
        import.extend(["--bcsymbolmap", folder.to_str().unwrap()]);
    }
    let run = run_beside(&sandbox, &path, &import);
    if run.code != 0 {
        return Err(format!("{name}: {}", run.stderr));
    }
    // The `object` crate does not read compressed symbol tables; the code is where it is in the
    // same file without.
    let laid_out = if fixture.name.starts_with("packed-symbols-") {
        path.with_file_name("plain.so")
    } else {
        path.clone()
    };
    let layout = Layout::of(asked(fixture, &std::fs::read(laid_out).unwrap()));
    let module = match (&fixture.member, &fixture.arch) {
        (Some(member), Some(arch)) => format!("{member}:{arch}"),
        (None, Some(arch)) => format!("{path_text}:{arch}"),
        _ => path_text.to_owned(),
    };
    assert!(!layout.code.is_empty(), "{name}");
    let want = wanted(fixture, &layout);
    let mut batch = String::new();
    want.iter().for_each(|(address, _)| writeln!(batch, "{address:#x}").unwrap());
    let batch = sandbox.write("batch", batch);
    let args = [
        "resolve",
        "--module",
        &module,
        "--style",
        "llvm-json",
        "--no-demangle",
        "--batch",
        batch.to_str().unwrap(),
    ];
    let run = sandbox.run(args);
    assert_eq!((run.code, run.stdout.lines().count()), (0, want.len()), "{name}: {}", run.stderr);
    let mut wrong =
        run.stdout.lines().map(frames).zip(&want).filter(|(got, (_, want))| got != want);
    match wrong.next() {
        Some((got, (address, want))) => {
            let more = wrong.count();
            Err(format!(
                "{name} {address:#x} (and {more} more of {}):\n  want {want:?}\n  got  {got:?}",
                run.stdout.lines().count()
            ))
        }
        None => Ok(want.len()),
    }
}

#[test]
fn thread_counts_and_order_make_no_difference() {
    let name = "cpp-gcc-O2-dwarf5.so";
    let mut outputs = Vec::new();
    let code = Layout::of(&std::fs::read(object(name)).unwrap()).code;
    for jobs in ["1", "2", "7"] {
        let sandbox = Sandbox::new();
        let path = object(name);
        assert_eq!(sandbox.run(["-j", jobs, "import", path.to_str().unwrap()]).code, 0);
        let addresses: Vec<String> =
            code.iter().cloned().flatten().map(|address| format!("{name} {address:x}")).collect();
        let forward = sandbox.run_with_input(
            &["-j", jobs, "resolve", "--batch", "-", "--style", "llvm"],
            addresses.join("\n").as_bytes(),
        );
        let reversed: Vec<String> = addresses.iter().rev().cloned().collect();
        let backward = sandbox.run_with_input(
            &["-j", jobs, "resolve", "--batch", "-", "--style", "llvm"],
            reversed.join("\n").as_bytes(),
        );
        assert_eq!((forward.code, backward.code), (0, 0));
        // Each answer ends with a blank line.
        let answers: Vec<&str> = backward.stdout.split_terminator("\n\n").collect();
        assert_eq!(answers.len(), addresses.len());
        let mut forward_answers: Vec<&str> = forward.stdout.split_terminator("\n\n").collect();
        forward_answers.reverse();
        assert_eq!(forward_answers, answers);
        outputs.push(forward.stdout);
    }
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}
