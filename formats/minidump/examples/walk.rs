//! Reads a minidump, says whether it is whole, and walks its threads: `walk DUMP [FOLDER [FRAMES]]`.
//!
//! FOLDER has the modules' symbol files (`libfoo.so.sym`); of these, only `STACK CFI` records are
//! read. FRAMES is how many frames of each thread are printed, 100 if it is not given.

use std::collections::HashMap;
use std::path::Path;

use symtool_minidump::{Cpu, DumpModule, FoundRule, Minidump, UnwindRows, WalkedThread};
use symtool_unwind::{BreakpadReader, UnwindTable};

/// Tables by the number of their module in the dump.
#[derive(Default)]
struct Tables(HashMap<usize, UnwindTable>);

impl UnwindRows for Tables {
    fn find(&mut self, module: usize, offset: u64) -> FoundRule<'_> {
        let Some(table) = self.0.get(&module) else { return FoundRule::NoData };
        match table.at(offset) {
            Some(row) => FoundRule::Row { rule: table.rule(row), start: row.start },
            None => FoundRule::NoRow,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, rest @ ..] = arguments.as_slice() else {
        return Err("usage: walk DUMP [FOLDER [FRAMES]]".into());
    };
    let bytes = std::fs::read(path)?;
    let dump = Minidump::read(&bytes)?;
    let mut tables = Tables::default();
    if let Some(folder) = rest.first() {
        for (number, module) in dump.modules.iter().enumerate() {
            let path = Path::new(folder).join(format!("{}.sym", name(module)));
            if let Ok(text) = std::fs::read(path) {
                tables.0.insert(number, read_symbols(&text, dump.cpu()));
            }
        }
    }
    println!("{}", dump.extent());
    if !dump.faults.is_empty() {
        println!("faults: {}", dump.faults);
    }
    if let (Some(exception), Some(system)) = (&dump.exception, &dump.system) {
        let (reason, address) = (exception.reason(system), exception.crash_address(system));
        println!("{} {}: {reason} at {address:#x}", system.os.name(), system.cpu.name());
    }
    let walk = dump.walk(&mut tables);
    let most = rest.get(1).and_then(|count| count.parse().ok()).unwrap_or(100);
    for (at, thread) in walk.threads.iter().enumerate() {
        let crashed = if walk.crashed == Some(at) { ", crashed" } else { "" };
        let (count, more) = (thread.frames.len(), thread.frames_left_out);
        println!("thread {}{crashed}: {count} frames, {more} more, {:?}", thread.id, thread.end);
        print_frames(&dump, thread, most);
    }
    Ok(())
}

fn print_frames(dump: &Minidump<'_>, thread: &WalkedThread, most: usize) {
    for frame in thread.frames.iter().take(most) {
        let trust = frame.trust.name();
        match frame.module().and_then(|number| dump.modules.get(number)) {
            Some(module) => {
                println!("  {} {:#x} {trust}", name(module), frame.address - module.base);
            }
            None => println!("  {:#x} {trust}", frame.address),
        }
    }
}

fn name(module: &DumpModule) -> &str {
    let path = module.name.as_deref().unwrap_or("?");
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The `STACK CFI` records of a symbol file.
fn read_symbols(text: &[u8], cpu: Option<Cpu>) -> UnwindTable {
    let mut reader = BreakpadReader::new(match cpu {
        Some(Cpu::X86) => "i386",
        Some(Cpu::X64) => "x86_64",
        Some(Cpu::Arm) => "arm",
        Some(Cpu::Arm64) => "arm64",
        Some(Cpu::Other(_)) | None => "",
    });
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(record) = line.strip_prefix(b"STACK CFI ") {
            reader.cfi(record);
        }
    }
    reader.finish()
}
