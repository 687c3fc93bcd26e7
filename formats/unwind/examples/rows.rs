//! Prints the unwind rows of an object file, and to stderr what was left out: `rows FILE`.
//! `rows FILE --count` only prints how many rows and rules there are, and `rows FILE --gimli`
//! how many rows gimli finds in `.eh_frame`, which it walks without keeping any.

#![allow(clippy::unwrap_used, reason = "an example that fails says so by panicking")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write;

use gimli::{
    BaseAddresses, CieOrFde, EhFrame, EndianSlice, LittleEndian, UnwindContext, UnwindSection,
};
use symtool_unwind::UnwindSections;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap();
    let bytes = std::fs::read(path).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let sections = support::sections(&file);
    let mut out = std::io::stdout().lock();
    match arguments.next().as_deref() {
        None => {
            let table = sections.read();
            out.write_all(support::text(&table).as_bytes()).unwrap();
            for (reason, count) in table.drops.iter() {
                eprintln!("{}: {count}", reason.name());
            }
        }
        Some("--count") => {
            let table = sections.read();
            writeln!(out, "{} rows, {} rules", table.rows.len(), table.rules.len()).unwrap();
        }
        Some(_) => writeln!(out, "{} rows", by_gimli(&sections)).unwrap(),
    }
}

fn by_gimli(sections: &UnwindSections<'_>) -> u64 {
    let section = sections.eh_frame.unwrap();
    let frame = EhFrame::new(section.bytes, LittleEndian);
    let bases = BaseAddresses::default().set_eh_frame(section.address);
    let mut context = UnwindContext::new();
    let mut entries = frame.entries(&bases);
    let mut count = 0;
    let mut last: Option<(usize, gimli::CommonInformationEntry<EndianSlice<'_, LittleEndian>>)> =
        None;
    while let Some(entry) = entries.next().unwrap() {
        let CieOrFde::Fde(fde) = entry else { continue };
        let fde = fde
            .parse(|frame, bases, offset| match &last {
                Some((known, cie)) if *known == offset.0 => Ok(cie.clone()),
                _ => {
                    let cie = frame.cie_from_offset(bases, offset)?;
                    last = Some((offset.0, cie.clone()));
                    Ok(cie)
                }
            })
            .unwrap();
        let mut rows = fde.rows(&frame, &bases, &mut context).unwrap();
        while rows.next_row().unwrap().is_some() {
            count += 1;
        }
    }
    count
}
