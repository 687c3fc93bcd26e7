//! Prints the unwind rows of a module of Windows, a line of JSON for each:
//! `windows_unwind FILE`, an image or a PDB.
//!
//! `testdata/unwind_readobj.py` compares them with what llvm-readobj prints.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_unwind::{Cfa, Recovery, Rule};

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn recovery(recovery: &Recovery) -> String {
    match recovery {
        Recovery::Undefined => r#"["undefined"]"#.to_owned(),
        Recovery::SameValue => r#"["same"]"#.to_owned(),
        Recovery::AtCfa(offset) => format!(r#"["at",{offset}]"#),
        Recovery::CfaPlus(offset) => format!(r#"["cfa",{offset}]"#),
        Recovery::Register(register, offset) => format!(r#"["register",{},{offset}]"#, register.0),
        Recovery::AtExpression(bytes) => format!(r#"["at_expression","{}"]"#, hex(bytes)),
        Recovery::Expression(bytes) => format!(r#"["expression","{}"]"#, hex(bytes)),
    }
}

fn json(start: u64, end: u64, rule: &Rule) -> String {
    let cfa = match &rule.cfa {
        Cfa::Register(register, offset) => format!(r#"["register",{},{offset}]"#, register.0),
        Cfa::Expression(bytes) => format!(r#"["expression","{}"]"#, hex(bytes)),
    };
    let saved: Vec<String> = rule
        .saved()
        .iter()
        .map(|(register, saved)| format!(r#""{}":{}"#, register.0, recovery(saved)))
        .collect();
    let (saved, address) = (saved.join(","), recovery(&rule.return_address));
    let (flags, arguments) = (rule.flags.bits(), rule.argument_bytes);
    format!(
        r#"{{"start":{start},"end":{end},"cfa":{cfa},"ra":{address},"saved":{{{saved}}},"flags":{flags},"arguments":{arguments}}}"#
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("windows_unwind FILE")?;
    let mapped = Mapped::open(Path::new(&path))?;
    let file = DebugFile::parse(&mapped)?;
    let table = file.read(&Search::nowhere(), &Progress::default())?;
    for row in &table.unwind.rows {
        println!("{}", json(row.start, row.end, table.unwind.rule(row)));
    }
    for (reason, count) in table.dropped.iter() {
        eprintln!("{}: {count}", reason.name());
    }
    Ok(())
}
