//! Reads `STACK WIN` records, which hold the frame data of a PDB.
//!
//! ```text
//! STACK WIN TYPE ADDRESS CODE_SIZE PROLOG_SIZE EPILOG_SIZE PARAMETER_SIZE SAVED_REGISTER_SIZE LOCAL_SIZE
//!           MAX_STACK_SIZE HAS_PROGRAM PROGRAM or ALLOCATES_BASE_POINTER     numbers are hexadecimal
//! ```

use super::hex;
use crate::windows::{FpoData, FpoFrame, FrameData, FrameDataRows};

/// Reads the record `text` into `rows`; `None` if it cannot be read.
pub fn read(text: &[u8], rows: &mut FrameDataRows) -> Option<()> {
    let mut fields = text.splitn(11, |byte| *byte == b' ');
    let mut number = || fields.next().and_then(hex);
    let (kind, start) = (number()?, number()?);
    let mut size = || u32::try_from(number()?).ok();
    let (code_bytes, prolog_bytes, _epilog_bytes) = (size()?, size()?, size()?);
    let (parameter_bytes, saved_register_bytes, local_bytes) = (size()?, size()?, size()?);
    let _max_stack_bytes = size()?;
    let has_program = match size()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let last = fields.next()?;
    if has_program {
        rows.push(&FrameData {
            start,
            code_bytes,
            prolog_bytes,
            local_bytes,
            parameter_bytes,
            saved_register_bytes,
            is_function_start: false,
            program: std::str::from_utf8(last).ok()?.trim(),
        });
        return Some(());
    }
    rows.push_fpo(&FpoData {
        start,
        code_bytes,
        prolog_bytes,
        local_bytes,
        parameter_bytes,
        saved_register_bytes,
        frame: match kind {
            1 => FpoFrame::Trap,
            2 => FpoFrame::Tss,
            3 => FpoFrame::FramePointer,
            _ => FpoFrame::Fpo,
        },
        allocates_base_pointer: hex(last.trim_ascii())? != 0,
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::breakpad::BreakpadReader;
    use crate::{Cfa, Recovery, Register, UnwindDropReason, UnwindTable};

    const ESP: Register = Register(4);
    const EBP: Register = Register(5);

    fn read(records: &[&str]) -> UnwindTable {
        let mut reader = BreakpadReader::new("i386");
        records.iter().for_each(|record| reader.win(record.as_bytes()));
        reader.finish()
    }

    #[test]
    fn programs_and_fpo() {
        let table = read(&[
            "4 1000 7b 4 0 c 0 0 0 1 $T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =",
            "4 1001 7a 3 0 c 4 0 0 1 $T0 $ebp 4 + = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 4 - ^ =",
            "0 2000 10 0 0 8 4 c 0 0 1\r",
        ]);
        let rows: Vec<_> = table.rows.iter().map(|row| (row.start, row.end)).collect();
        assert_eq!(rows, [(0x1000, 0x1001), (0x1001, 0x107b), (0x2000, 0x2010)]);
        let framed = &table.rules[1];
        assert_eq!(framed.cfa, Cfa::Register(EBP, 8));
        assert_eq!(framed.return_address, Recovery::AtCfa(-4));
        assert_eq!((framed.recovery(EBP), framed.argument_bytes), (&Recovery::AtCfa(-8), 12));
        let fpo = &table.rules[2];
        assert_eq!((&fpo.cfa, fpo.argument_bytes), (&Cfa::Register(ESP, 20), 8));
        assert_eq!(table.drops.iter().count(), 0);
    }

    #[test]
    fn records_that_cannot_be_read_are_counted() {
        let table = read(&[
            "4 1000",
            "4 1000 zz 4 0 c 0 0 0 1 $T0",
            "0 1000 10 0 0 8 4 c 0 2 1",
            "0 1 1 0 0 8 4 c 0 0 x",
        ]);
        assert!(table.rows.is_empty());
        assert_eq!(table.drops.of(UnwindDropReason::BadEntry), 4);
    }
}
