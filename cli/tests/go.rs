//! Job tests of Go programs without debug data: what `.gopclntab` tells is what llvm-symbolizer 19
//! says of the file before it was stripped, but for spellings that docs/deviations.md names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;

use object::{Object, ObjectSection};
use serde_json::Value;
use support::{Sandbox, json_lines, object, testdata};

fn unpacked(name: &str) -> Vec<u8> {
    zstd::stream::decode_all(std::fs::File::open(object(name)).unwrap()).unwrap()
}

/// An ELF file without its debug sections and symbols: their headers say that they are something
/// else.
fn stripped(mut bytes: Vec<u8>) -> Vec<u8> {
    let file = object::File::parse(&*bytes).unwrap();
    let names = file.section_by_name(".shstrtab").unwrap().file_range().unwrap();
    let count = file.sections().count();
    let table = usize::try_from(u64::from_le_bytes(bytes[40..48].try_into().unwrap())).unwrap();
    for header in (0..=count).map(|number| table + 64 * number) {
        let name = u32::from_le_bytes(bytes[header..header + 4].try_into().unwrap());
        let name = usize::try_from(names.0).unwrap() + name as usize;
        if bytes[name..].starts_with(b".debug_") || bytes[name..].starts_with(b".zdebug_") {
            bytes[name..name + 3].copy_from_slice(b".xx");
        }
        // A table of symbols.
        if bytes[header + 4] == 2 {
            bytes[header + 4] = 1;
        }
    }
    bytes
}

type Frame = (String, String, u64);

/// Addresses of the golden `name`, and the frames there.
fn golden(name: &str) -> Vec<(String, Vec<Frame>)> {
    let text = std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| {
            let frame = |frame: &Value| {
                let text = |at: usize| frame[at].as_str().unwrap().to_owned();
                (text(0), text(1), frame[2].as_u64().unwrap())
            };
            (
                line["start"].as_str().unwrap().to_owned(),
                line["frames"].as_array().unwrap().iter().map(frame).collect(),
            )
        })
        .collect()
}

/// The spelling of the table: no type arguments, no mark of the calling convention, no folder for
/// relative paths.
fn spelled((function, file, line): &Frame) -> Frame {
    let function = function.strip_suffix(".abi0").unwrap_or(function);
    let function = match (function.find('['), function.rfind(']')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}[...]{}", &function[..start], &function[end + 1..])
        }
        _ => function.to_owned(),
    };
    (function, file.strip_prefix("./").unwrap_or(file).to_owned(), *line)
}

/// The answers of `file` at the addresses of `golden`: how many are equal, and the others.
fn compare(file: &[u8], golden: &[(String, Vec<Frame>)]) -> (usize, Vec<String>) {
    let sandbox = Sandbox::new();
    let path = sandbox.write("shapes", file);
    let run = sandbox.run(["import".as_ref(), path.as_os_str()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let batch = golden.iter().fold(String::new(), |batch, (address, _)| batch + address + "\n");
    let batch = sandbox.write("batch", batch);
    let module = Path::new(&path).to_str().unwrap();
    let args = [
        "resolve",
        "--module",
        module,
        "--style",
        "json",
        "--no-demangle",
        "--batch",
        batch.to_str().unwrap(),
    ];
    let (mut equal, mut others) = (0, Vec::new());
    for (answer, (address, want)) in json_lines(&sandbox.run(args).stdout).iter().zip(golden) {
        let frames = answer["frames"].as_array().cloned().unwrap_or_default();
        assert!(
            frames
                .iter()
                .all(|frame| frame["source"] == "gopclntab" || frame.get("line").is_none()),
            "{answer}"
        );
        let frame = |frame: &Value| {
            let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
            (text("function"), text("file"), frame["line"].as_u64().unwrap_or(0))
        };
        let got: Vec<Frame> = frames.iter().map(|value| spelled(&frame(value))).collect();
        let want: Vec<Frame> = want
            .iter()
            .map(spelled)
            .filter(|(function, file, _)| !(function.is_empty() && file.is_empty()))
            .collect();
        if got == want {
            equal += 1;
        } else {
            others.push(format!("{address}: {got:?}, not {want:?}"));
        }
    }
    (equal, others)
}

/// Here the table has another line than the debug data: `go tool addr2line` of Go 1.19 says what
/// the table does.
const GO_SAYS_SO: &str =
    "0x40ed1b: [(\"runtime.bulkBarrierPreWriteSrcOnly\", \"runtime/mbitmap.go\", 665)]";

/// Whether the two differ as docs/deviations.md says: marks of the linker, functions that debug
/// data does not know, and methods that the compiler has made.
fn is_known(other: &str) -> bool {
    ["runtime.etext", "go:textfips", "<autogenerated>", "go.go", GO_SAYS_SO]
        .iter()
        .any(|word| other.contains(word))
}

#[test]
fn stripped_programs_say_what_they_said_before() {
    for (name, file, of) in [
        ("Go 1.19", unpacked("go-stripped/shapes.zst"), "go"),
        ("Go 1.27, loadable anywhere", stripped(unpacked("go/1.27-pie.zst")), "go-1.27-pie"),
        ("Go 1.19 for macOS", unpacked("go-stripped/macho.zst"), "macho-go"),
    ] {
        let golden = golden(of);
        let (equal, others) = compare(&file, &golden);
        let unknown: Vec<&String> = others.iter().filter(|other| !is_known(other)).collect();
        assert!(
            unknown.is_empty(),
            "{name}: {equal} equal, {} others:\n{unknown:#?}",
            others.len()
        );
        assert!(
            equal * 100 >= golden.len() * 95,
            "{name}: {equal} of {}: {others:#?}",
            golden.len()
        );
        let inlined = golden.iter().filter(|(_, frames)| frames.len() > 1).count();
        assert!(inlined > 100, "{name}: {inlined} addresses with inlined calls");
    }
}

#[test]
fn its_table_is_what_a_stripped_program_has() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("shapes", unpacked("go-stripped/shapes.zst"));
    let path = path.to_str().unwrap();
    assert_eq!(sandbox.run(["import", path]).code, 0);
    let module = &json_lines(&sandbox.run(["modules", "show", "--json", path]).stdout)[0];
    assert_eq!(module["detail"], "gopclntab");
    let run = sandbox.run(["modules", "verify", path]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stderr.contains(".gopclntab"), "{}", run.stderr);
    // Debug data takes its place.
    let whole = sandbox.write("whole", unpacked("go/shapes.zst"));
    assert_eq!(sandbox.run(["import", whole.to_str().unwrap()]).code, 0);
    let run = sandbox.run([
        "resolve",
        "--module",
        whole.to_str().unwrap(),
        "--style",
        "json",
        "0x401040",
    ]);
    assert_eq!(json_lines(&run.stdout)[0]["frames"][0]["source"], "dwarf");
}

/// However broken the table is, reading it ends, and what is not damaged is told.
#[test]
fn broken_tables_end() {
    let whole = unpacked("go-stripped/shapes.zst");
    let file = object::File::parse(&*whole).unwrap();
    let (offset, size) = file.section_by_name(".gopclntab").unwrap().file_range().unwrap();
    let (offset, size) = (usize::try_from(offset).unwrap(), usize::try_from(size).unwrap());
    let sandbox = Sandbox::new();
    for part in 0..24 {
        let mut bytes = whole.clone();
        let at = offset + if part < 8 { part * 8 } else { size * (part - 8) / 16 };
        bytes[at..at + 8].copy_from_slice(&[0xff; 8]);
        let path = sandbox.write(&format!("broken{part}"), bytes);
        let run = sandbox.run(["import", "--json", path.to_str().unwrap()]);
        assert!(run.code == 0 || run.code == 1, "{part}: {} {}", run.code, run.stderr);
        assert!(!run.stderr.contains("panicked"), "{part}: {}", run.stderr);
    }
}
