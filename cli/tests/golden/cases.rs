//! The fixtures and their goldens: which files are imported together, and what is asked of them.

use std::ops::Range;
use std::path::PathBuf;

use object::read::archive::ArchiveFile;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{Object, ObjectSection, SectionFlags, elf, macho};
use serde_json::Value;

use crate::Frame;
use crate::support::{object, objects, testdata};

/// A run of addresses with the same answer; the end can be 2^64.
pub struct Golden {
    /// Of a relocatable object, the section whose offsets these are.
    pub section: Option<String>,
    pub start: u128,
    pub end: u128,
    pub frames: Vec<Frame>,
}

pub fn goldens(name: &str) -> Vec<Golden> {
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
pub struct Fixture {
    pub name: String,
    pub path: PathBuf,
    pub golden: String,
    pub debug_dir: Option<PathBuf>,
    pub symbol_maps: Option<PathBuf>,
    /// Of a universal file, the slice.
    pub arch: Option<String>,
    /// Of an archive, the member.
    pub member: Option<String>,
    /// Whether the golden has every address of the code.
    pub is_whole: bool,
}

/// The files in objects/, and the cases of cases.json.
pub fn fixtures() -> Vec<Fixture> {
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
pub struct Layout {
    pub code: Vec<Range<u64>>,
}

impl Layout {
    pub fn of(bytes: &[u8]) -> Self {
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

    pub fn is_code(&self, address: u64) -> bool {
        self.code.iter().any(|section| section.contains(&address))
    }
}

/// The bytes of the object that is asked: a slice, or a member, of the file of `bytes`.
pub fn asked<'d>(fixture: &Fixture, bytes: &'d [u8]) -> &'d [u8] {
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

/// Whether it is an object that is not linked.
pub fn is_relocatable(fixture: &Fixture) -> bool {
    [".o", ".ko", ".ko.debug", ".o.zst"]
        .iter()
        .any(|end| fixture.path.to_str().unwrap().ends_with(end))
}
