//! Runs a line program (DWARF 5, section 6.2.5), which is a fifth of what reading a file costs:
//! special opcodes, of which it mostly consists, are looked up in a table, and only what a row is
//! asked for is kept. Faults and dead sequences are told as gimli tells them.

use gimli::{EndianSlice, Endianity, LineProgramHeader, Reader, constants as dw};

/// The state of the machine that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Where the row begins.
    pub address: u64,
    /// Index into the program's file table, as the program counts.
    pub file: u64,
    /// 1-based, 0 for none.
    pub line: u64,
    /// 1-based, 0 for none.
    pub column: u64,
    /// 0 for none.
    pub discriminator: u64,
    /// The operation within an instruction that has several.
    operation: u64,
    /// Whether a linker threw the code away: rows are not told until a new address is set.
    is_dead: bool,
}

const START: Registers = Registers {
    address: 0,
    file: 1,
    line: 1,
    column: 0,
    discriminator: 0,
    operation: 0,
    is_dead: false,
};

/// What the program comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A row.
    Row,
    /// The end of a sequence; of the registers only the address counts.
    End,
    /// An address beyond the end of the address space.
    Overflow,
}

/// What a special opcode advances.
#[derive(Clone, Copy, Default)]
struct Special {
    operations: u8,
    lines: i16,
}

/// Runs the program behind `header`, and tells `each` what it comes to.
///
/// # Errors
/// If an opcode cannot be read; what stands before it has been told.
pub fn run<E: Endianity>(
    header: &LineProgramHeader<EndianSlice<'_, E>>,
    mut each: impl FnMut(Event, &Registers),
) -> gimli::Result<()> {
    let specials = specials(header);
    let mut input = header.raw_program_buf();
    let mut registers = START;
    while let [opcode, ..] = *input.slice() {
        input.skip(1)?;
        if opcode >= header.opcode_base() {
            let special = specials[usize::from(opcode)];
            registers.advance_line(i64::from(special.lines));
            if registers.advance(u64::from(special.operations), header) {
                registers.row(&mut each);
            } else {
                registers.overflow(&mut each);
            }
            continue;
        }
        match dw::DwLns(opcode) {
            dw::DwLns(0) => registers.extended(&mut input, header, &mut each)?,
            dw::DW_LNS_copy => registers.row(&mut each),
            dw::DW_LNS_advance_pc => {
                let operations = read_number(&mut input)?;
                if !registers.advance(operations, header) {
                    registers.overflow(&mut each);
                }
            }
            dw::DW_LNS_advance_line => registers.advance_line(input.read_sleb128()?),
            dw::DW_LNS_set_file => registers.file = read_number(&mut input)?,
            dw::DW_LNS_set_column => registers.column = read_number(&mut input)?,
            dw::DW_LNS_negate_stmt
            | dw::DW_LNS_set_basic_block
            | dw::DW_LNS_set_prologue_end
            | dw::DW_LNS_set_epilogue_begin => {}
            dw::DW_LNS_const_add_pc => {
                if !registers.advance(u64::from(specials[255].operations), header) {
                    registers.overflow(&mut each);
                }
            }
            dw::DW_LNS_fixed_advance_pc => {
                let bytes = u64::from(input.read_u16()?);
                if !registers.advance_bytes(bytes, header.address_size()) {
                    registers.overflow(&mut each);
                }
            }
            dw::DW_LNS_set_isa => drop(input.read_uleb128()?),
            _ => {
                let mut counts = *header.standard_opcode_lengths();
                counts.skip(usize::from(opcode - 1))?;
                for _ in 0..counts.read_u8()? {
                    input.read_uleb128()?;
                }
            }
        }
    }
    Ok(())
}

impl Registers {
    #[inline]
    fn row(&mut self, each: &mut impl FnMut(Event, &Self)) {
        if !self.is_dead {
            each(Event::Row, self);
        }
        self.discriminator = 0;
    }

    #[cold]
    fn overflow(&mut self, each: &mut impl FnMut(Event, &Self)) {
        each(Event::Overflow, self);
        self.discriminator = 0;
    }

    #[inline]
    fn advance_line(&mut self, lines: i64) {
        self.line = if lines < 0 {
            self.line.saturating_sub(lines.unsigned_abs())
        } else {
            self.line.wrapping_add(lines.unsigned_abs())
        };
    }

    /// Returns whether there is such an address.
    #[inline]
    fn advance<E: Endianity>(
        &mut self,
        operations: u64,
        header: &LineProgramHeader<EndianSlice<'_, E>>,
    ) -> bool {
        let at_once = u64::from(header.maximum_operations_per_instruction());
        let instructions = if at_once == 1 {
            operations
        } else if self.is_dead {
            return true;
        } else {
            let operations = self.operation.wrapping_add(operations);
            self.operation = operations % at_once;
            operations / at_once
        };
        let length = u64::from(header.minimum_instruction_length());
        self.move_by(instructions.wrapping_mul(length), header.address_size())
    }

    /// The same in bytes; begins a new instruction.
    fn advance_bytes(&mut self, bytes: u64, address_bytes: u8) -> bool {
        let can = self.move_by(bytes, address_bytes);
        if can && !self.is_dead {
            self.operation = 0;
        }
        can
    }

    #[inline]
    fn move_by(&mut self, bytes: u64, address_bytes: u8) -> bool {
        if self.is_dead {
            return true;
        }
        let address = self.address.checked_add(bytes);
        match address.filter(|address| *address <= highest(address_bytes)) {
            Some(address) => {
                self.address = address;
                true
            }
            None => false,
        }
    }

    /// An opcode that stands behind its length.
    fn extended<E: Endianity>(
        &mut self,
        input: &mut EndianSlice<'_, E>,
        header: &LineProgramHeader<EndianSlice<'_, E>>,
        each: &mut impl FnMut(Event, &Self),
    ) -> gimli::Result<()> {
        let length =
            usize::try_from(read_number(input)?).map_err(|_| gimli::Error::UnsupportedOffset)?;
        let mut operands = input.split(length)?;
        match dw::DwLne(operands.read_u8()?) {
            dw::DW_LNE_end_sequence => {
                if !self.is_dead {
                    each(Event::End, self);
                }
                *self = START;
            }
            dw::DW_LNE_set_address => {
                let address = operands.read_address(header.address_size())?;
                // Linkers write -1 or -2 where they threw code away, or 0, or what was to be added
                // to its address. Within a sequence addresses rise.
                self.is_dead = address < self.address
                    || address >= highest(header.address_size()).wrapping_sub(1);
                if !self.is_dead {
                    self.address = address;
                    self.operation = 0;
                }
            }
            dw::DW_LNE_set_discriminator => self.discriminator = read_number(&mut operands)?,
            // Paths are looked up in the header's table, as LLVM does; what it adds is passed over.
            dw::DW_LNE_define_file if header.version() <= 4 => {
                operands.read_null_terminated_slice()?;
                for _ in 0..3 {
                    operands.read_uleb128()?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn specials<E: Endianity>(header: &LineProgramHeader<EndianSlice<'_, E>>) -> [Special; 256] {
    let mut specials = [Special::default(); 256];
    let (base, range) = (i16::from(header.line_base()), i16::from(header.line_range()));
    let mut next = Special { operations: 0, lines: base };
    for special in &mut specials[usize::from(header.opcode_base())..] {
        *special = next;
        next.lines += 1;
        if next.lines == base + range {
            next = Special { operations: next.operations.wrapping_add(1), lines: base };
        }
    }
    specials
}

#[inline]
fn read_number<E: Endianity>(input: &mut EndianSlice<'_, E>) -> gimli::Result<u64> {
    match *input.slice() {
        [first, ..] if first < 0x80 => {
            input.skip(1)?;
            Ok(u64::from(first))
        }
        _ => input.read_uleb128(),
    }
}

/// The highest address.
#[inline]
fn highest(address_bytes: u8) -> u64 {
    u64::MAX >> (64 - 8 * u32::from(address_bytes.clamp(1, 8)))
}

#[cfg(test)]
mod tests {
    use gimli::{DebugLine, DebugLineOffset, LittleEndian};

    use super::*;

    /// What is compared: kind, address, file, line, column, discriminator.
    type Told = (Event, u64, u64, u64, u64, u64);

    /// A section with one program of random opcodes, mostly such as compilers write.
    fn program(random: &mut fastrand::Rng) -> Vec<u8> {
        let version = random.u8(2..=5);
        let address_bytes = [4, 8][random.usize(..2)];
        let opcode_base = random.u8(10..=16);
        let mut head = vec![random.u8(1..=4)];
        head.extend((version >= 4).then(|| [1, 1, 1, 4][random.usize(..4)]));
        head.extend([1, random.i8(-10..=0).cast_unsigned(), random.u8(1..=20), opcode_base]);
        head.extend(
            [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 2, 3][..usize::from(opcode_base) - 1].iter(),
        );
        head.extend(if version == 5 {
            [1, 1, 8, 0].repeat(2)
        } else {
            vec![b'a', 0, 0, 0, 0, 0, 0]
        });
        let mut body = vec![version, 0];
        body.extend((version == 5).then_some([address_bytes, 0]).into_iter().flatten());
        body.extend(u32::try_from(head.len()).unwrap().to_le_bytes());
        body.extend(head);
        for _ in 0..random.usize(..60) {
            opcode(random, address_bytes, &mut body);
        }
        [u32::try_from(body.len()).unwrap().to_le_bytes().to_vec(), body].concat()
    }

    fn opcode(random: &mut fastrand::Rng, address_bytes: u8, body: &mut Vec<u8>) {
        match random.u8(..10) {
            0 => {
                let address = match random.u8(..8) {
                    0 => u64::MAX - random.u64(..3),
                    1 => random.u64(..),
                    _ => random.u64(..0x1000),
                };
                body.extend([0, address_bytes + 1, 2]);
                body.extend(&address.to_le_bytes()[..usize::from(address_bytes)]);
            }
            1 => body.extend([0, 1, 1]),
            2 => body.extend([0, 2, 4, random.u8(..0x80)]),
            3 => body.extend([5, random.u8(..), random.u8(..0x80)]),
            4 => body.extend([random.u8(1..14), random.u8(..0x80)]),
            5 => body.push(random.u8(..)),
            _ => body.push(random.u8(10..)),
        }
    }

    fn told_by_gimli(section: &[u8], address_bytes: u8) -> (Vec<Told>, bool) {
        let lines = DebugLine::new(section, LittleEndian);
        let program = lines.program(DebugLineOffset(0), address_bytes, None, None).unwrap();
        let (mut rows, mut told) = (program.rows(), Vec::new());
        loop {
            match rows.next_row() {
                Ok(Some((_, row))) if row.end_sequence() => {
                    told.push((Event::End, row.address(), 0, 0, 0, 0));
                }
                Ok(Some((_, row))) => {
                    let column = match row.column() {
                        gimli::ColumnType::LeftEdge => 0,
                        gimli::ColumnType::Column(column) => column.get(),
                    };
                    let line = row.line().map_or(0, std::num::NonZero::get);
                    told.push((
                        Event::Row,
                        row.address(),
                        row.file_index(),
                        line,
                        column,
                        row.discriminator(),
                    ));
                }
                Ok(None) => return (told, true),
                Err(gimli::Error::AddressOverflow) => told.push((Event::Overflow, 0, 0, 0, 0, 0)),
                Err(_) => return (told, false),
            }
        }
    }

    fn told_here(section: &[u8], address_bytes: u8) -> (Vec<Told>, bool) {
        let lines = DebugLine::new(section, LittleEndian);
        let program = lines.program(DebugLineOffset(0), address_bytes, None, None).unwrap();
        let mut told = Vec::new();
        let result = run(program.header(), |event, at| {
            told.push(match event {
                Event::Row => (event, at.address, at.file, at.line, at.column, at.discriminator),
                Event::End => (event, at.address, 0, 0, 0, 0),
                Event::Overflow => (event, 0, 0, 0, 0, 0),
            });
        });
        (told, result.is_ok())
    }

    #[test]
    fn rows_are_those_that_gimli_reads() {
        let mut random = fastrand::Rng::with_seed(21);
        let (mut rows, mut overflows, mut faults) = (0, 0, 0);
        for _ in 0..40_000 {
            let section = program(&mut random);
            let address_bytes = [4, 8][random.usize(..2)];
            let expected = told_by_gimli(&section, address_bytes);
            assert_eq!(told_here(&section, address_bytes), expected, "{section:x?}");
            rows += expected.0.iter().filter(|told| told.0 == Event::Row).count();
            overflows += expected.0.iter().filter(|told| told.0 == Event::Overflow).count();
            faults += usize::from(!expected.1);
        }
        assert!(rows > 100_000 && overflows > 100 && faults > 1000, "{rows} {overflows} {faults}");
    }
}
