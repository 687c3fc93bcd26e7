//! Every address of every fixture, against what llvm-symbolizer says (testdata/golden, made by
//! golden.py).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use object::read::archive::ArchiveFile;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{Object, ObjectSection, SectionFlags, elf, macho};
use rayon::prelude::*;
use serde_json::Value;
use support::{Sandbox, object, objects, testdata};

type Frame = (String, String, u64, u64);

/// A run of addresses with the same answer; the end can be 2^64.
struct Golden {
    /// Of a relocatable object, the section whose offsets these are.
    section: Option<String>,
    start: u128,
    end: u128,
    frames: Vec<Frame>,
}

fn goldens(name: &str) -> Vec<Golden> {
    let text = std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
    let number = |value: &Value| {
        u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let frames = line["frames"].as_array().unwrap().iter().map(|frame| {
                let text = |at: usize| frame[at].as_str().unwrap().to_owned();
                (text(0), text(1), frame[2].as_u64().unwrap(), frame[3].as_u64().unwrap())
            });
            let section = line["section"].as_str().map(str::to_owned);
            Golden {
                section,
                start: number(&line["start"]),
                end: number(&line["end"]),
                frames: frames.collect(),
            }
        })
        .collect()
}

/// A file to ask about, and what it has to answer.
struct Fixture {
    name: String,
    path: PathBuf,
    golden: String,
    debug_dir: Option<PathBuf>,
    symbol_maps: Option<PathBuf>,
    /// Of a universal file, the slice.
    arch: Option<String>,
    /// Of an archive, the member.
    member: Option<String>,
    /// Whether the golden has every address of the code.
    is_whole: bool,
}

/// The files in objects/, and the cases of cases.json.
fn fixtures() -> Vec<Fixture> {
    // These have nothing to find addresses by.
    let files = objects().into_iter().filter(|name| {
        !["c-gcc-O2-stripped", "macho-image-armv7-stripped"].contains(&name.as_str())
    });
    let files = files.map(|name| Fixture {
        path: object(&name),
        golden: name.clone(),
        debug_dir: None,
        symbol_maps: None,
        arch: None,
        member: None,
        is_whole: true,
        name,
    });
    let cases: Value =
        serde_json::from_slice(&std::fs::read(testdata("cases.json")).unwrap()).unwrap();
    let is_whole = |case: &Value| {
        case["sample"].is_null()
            && cases[case["same_as"].as_str().unwrap_or_default()]["sample"].is_null()
    };
    let listed = cases
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !LESS_THAN_THERE_IS.contains(&name.as_str()));
    let cases = listed.map(|(name, case)| Fixture {
        name: name.clone(),
        path: object(case["object"].as_str().unwrap()),
        golden: case["same_as"].as_str().unwrap_or(name).to_owned(),
        debug_dir: case["debug_dir"].as_str().map(object),
        symbol_maps: case["symbol_maps"].as_str().map(object),
        arch: case["arch"].as_str().map(str::to_owned),
        member: case["member"].as_str().map(str::to_owned),
        is_whole: is_whole(case),
    });
    files.chain(cases).collect()
}

/// Cases that say what llvm-symbolizer makes of files of which it reads a part, and one that has no
/// section headers.
const LESS_THAN_THERE_IS: [&str; 3] = ["dwz-dwarf4-lost", "dwz-dwarf5-lost", "headless"];

/// Which addresses of a file are what.
struct Layout {
    code: Vec<Range<u64>>,
}

impl Layout {
    fn of(bytes: &[u8]) -> Self {
        let file = object::File::parse(bytes).unwrap();
        let mut layout = Self { code: Vec::new() };
        for section in file.sections() {
            let is_code = match section.flags() {
                // The goldens leave out PLTs, whose entries have names that llvm-symbolizer does
                // not know.
                SectionFlags::Elf { sh_flags, .. } => {
                    sh_flags.contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR)
                        && !section.name().unwrap().starts_with(".plt")
                }
                SectionFlags::MachO { flags, .. } => flags
                    .intersects(macho::S_ATTR_PURE_INSTRUCTIONS | macho::S_ATTR_SOME_INSTRUCTIONS),
                _ => false,
            };
            if is_code {
                layout.code.push(section.address()..section.address() + section.size());
            }
        }
        layout
    }

    fn is_code(&self, address: u64) -> bool {
        self.code.iter().any(|section| section.contains(&address))
    }
}

/// The bytes of the object that is asked: a slice, or a member, of the file of `bytes`.
fn asked<'d>(fixture: &Fixture, bytes: &'d [u8]) -> &'d [u8] {
    let Some(arch) = &fixture.arch else { return bytes };
    let slice = MachOFatFile32::parse(bytes).map_or_else(
        |_| slice(MachOFatFile64::parse(bytes).unwrap().arches(), arch, bytes),
        |file| slice(file.arches(), arch, bytes),
    );
    let Some(name) = &fixture.member else { return slice };
    let members = ArchiveFile::parse(slice).unwrap();
    let member =
        members.members().map(Result::unwrap).find(|member| member.name() == name.as_bytes());
    member.unwrap().data(slice).unwrap()
}

fn slice<'d>(slices: &[impl FatArch], arch: &str, bytes: &'d [u8]) -> &'d [u8] {
    let cpu = match arch {
        "i386" => (macho::CPU_TYPE_X86, macho::CPU_SUBTYPE_I386_ALL),
        "x86_64" => (macho::CPU_TYPE_X86_64, macho::CPU_SUBTYPE_X86_64_ALL),
        "x86_64h" => (macho::CPU_TYPE_X86_64, macho::CPU_SUBTYPE_X86_64_H),
        "armv7" => (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V7),
        "arm64" => (macho::CPU_TYPE_ARM64, macho::CPU_SUBTYPE_ARM64_ALL),
        "arm64e" => (macho::CPU_TYPE_ARM64, macho::CPU_SUBTYPE_ARM64E),
        _ => panic!("{arch}"),
    };
    let slice = slices.iter().find(|slice| (slice.cputype(), slice.cpusubtype().id()) == cpu);
    slice.unwrap().data(bytes).unwrap()
}

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

/// Whether it is an object that is not linked.
fn is_relocatable(fixture: &Fixture) -> bool {
    [".o", ".ko", ".ko.debug", ".o.zst"]
        .iter()
        .any(|end| fixture.path.to_str().unwrap().ends_with(end))
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

/// Linkage stubs are named as GNU objdump names them, and in Mach-O after the symbol that
/// llvm-objdump finds for them; in llvm-symbolizer's styles, they are what it makes of them.
#[test]
fn linkage_stubs_have_the_names_of_what_they_call() {
    let mut stubs_checked = 0;
    for (kind, before, after) in [("plt", "", "@plt"), ("stubs", "DYLD-STUB$$", "")] {
        for name in with_golden(kind) {
            let sandbox = Sandbox::new();
            sandbox.import(&name);
            for golden in goldens(&format!("{name}.{kind}")) {
                let want = format!("{before}{}", golden.frames[0].0);
                // A slot that the program fills itself, in a program without dynamic symbols.
                if want.starts_with("*ABS*") {
                    continue;
                }
                for address in [golden.start, golden.end - 1] {
                    let address = format!("{address:#x}");
                    assert_eq!(
                        function_at(&sandbox, &name, &address).as_deref(),
                        Some(&want[..]),
                        "{name} {address}"
                    );
                    let run = sandbox.run([
                        "resolve",
                        "--module",
                        &name,
                        "--style",
                        "llvm",
                        "--no-demangle",
                        &address,
                    ]);
                    let is_named = !before.is_empty() && run.stdout.contains(before)
                        || !after.is_empty() && run.stdout.contains(after);
                    assert!(!is_named, "{name} {address}: {}", run.stdout);
                }
                stubs_checked += 1;
            }
        }
    }
    assert!(stubs_checked > 140, "only {stubs_checked} stubs");
}

/// Fixtures that have a golden of `kind` besides their own.
fn with_golden(kind: &str) -> Vec<String> {
    objects()
        .into_iter()
        .filter(|name| testdata("golden").join(format!("{name}.{kind}.jsonl")).exists())
        .collect()
}

/// What the symbol tables name at `address`, if they do: one frame, which debug data does not know.
fn function_at(sandbox: &Sandbox, module: &str, address: &str) -> Option<String> {
    let run = sandbox.run(["resolve", "--module", module, "--json", "--no-demangle", address]);
    let answer = &support::json_lines(&run.stdout)[0];
    if answer["status"] == "no_range" {
        return None;
    }
    let frames =
        answer["frames"].as_array().unwrap_or_else(|| panic!("{module} {address}: {answer}"));
    assert_eq!(frames.len(), 1, "{module} {address}: {answer}");
    assert_eq!(
        (&frames[0]["inlined"], &frames[0]["source"]),
        (&Value::from(false), &Value::from("symtab"))
    );
    Some(frames[0]["function"].as_str().unwrap().to_owned())
}

/// Addresses and names, such as `["0x500","main"]`.
fn table(name: &str) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
    let line = |line: Value| {
        let address = line[0].as_str().unwrap().trim_start_matches("0x").to_owned();
        (u64::from_str_radix(&address, 16).unwrap(), line[1].as_str().unwrap().to_owned())
    };
    support::json_lines(&text).into_iter().map(line).collect()
}

/// In an image without symbols, exports have names and other functions none, whatever symbol stands
/// before them.
#[test]
fn exports_and_function_starts_tell_functions_of_stripped_images() {
    let (mut named, mut nameless) = (0, 0);
    for name in with_golden("exports")
        .iter()
        .filter(|name| name.ends_with("-stripped") || name.ends_with("-bare"))
    {
        let sandbox = Sandbox::new();
        sandbox.import(name);
        let exports = table(&format!("{name}.exports"));
        let starts: Vec<u64> =
            table(&format!("{name}.starts")).into_iter().map(|(start, _)| start & !1).collect();
        let code = Layout::of(&std::fs::read(object(name)).unwrap()).code;
        for (at, &start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).copied().unwrap_or(start + 1);
            let end = code.iter().find(|section| section.contains(&start)).unwrap().end.min(end);
            let mut want: Vec<&str> = exports
                .iter()
                .filter(|(address, _)| *address == start)
                .map(|(_, name)| name.as_str())
                .collect();
            want.sort_unstable();
            for address in [start, end - 1] {
                let found = function_at(&sandbox, name, &format!("{address:#x}"));
                assert_eq!(found.as_deref(), want.first().copied(), "{name} {address:#x}");
            }
            if want.is_empty() { nameless += 1 } else { named += 1 }
        }
    }
    assert!(named >= 10 && nameless >= 4, "{named} named, {nameless} nameless");
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
