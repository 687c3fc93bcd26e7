//! Entries are passed over as gimli passes over them.

use gimli::{DebugAbbrev, DebugAbbrevOffset, DebugInfo, Dwarf, LittleEndian, SectionId};

use super::*;
use crate::dwarf::units::Units;
use crate::module::DropCounts;

const NAMES: [u8; 12] = [0x01, 0x03, 0x11, 0x12, 0x31, 0x3a, 0x47, 0x49, 0x55, 0x57, 0x58, 0x59];

/// Counts what is read.
#[derive(Default)]
struct Seen(usize);

impl<'d, E: Endianity> Receive<'d, E> for Seen {
    fn number(&mut self, _: Slot, _: u64) -> gimli::Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn rare(&mut self, _: &Attribute<EndianSlice<'d, E>>) {
        self.0 += 1;
    }
}

/// A table with a root and an abbreviation of random attributes.
fn table(random: &mut fastrand::Rng) -> Vec<u8> {
    let tag = [0x2e, 0x1d, 0x13, 0x34][random.usize(..4)];
    let mut bytes = vec![1, 0x11, 0, 0, 0, 2, tag, random.u8(..2)];
    for _ in 0..random.u8(..8) {
        let form = [0x01, 0x06, 0x0b, 0x0f, 0x13, 0x17, 0x21, random.u8(1..0x2d)];
        let form = form[random.usize(..form.len())];
        bytes.extend([NAMES[random.usize(..NAMES.len())], form]);
        bytes.extend((form == 0x21).then(|| random.u8(..0x80)));
    }
    bytes.extend([0, 0, 0]);
    bytes
}

/// A unit with a root and an entry of random bytes.
fn unit(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut body = vec![[2, 3, 4][random.usize(..3)], 0, 0, 0, 0, 0, [4, 8][random.usize(..2)]];
    body.extend([1, 2]);
    for _ in 0..random.u8(..80) {
        body.push([0, 1, 2, random.u8(..)][random.usize(..4)]);
    }
    [u32::try_from(body.len()).unwrap().to_le_bytes().to_vec(), body].concat()
}

#[test]
fn entries_are_passed_over_as_by_gimli() {
    let mut random = fastrand::Rng::with_seed(11);
    let (mut passed, mut failed, mut read) = (0, 0, 0);
    for _ in 0..40_000 {
        let (abbreviations, info) = (table(&mut random), unit(&mut random));
        let sections = |id| match id {
            SectionId::DebugInfo => &info[..],
            SectionId::DebugAbbrev => &abbreviations[..],
            _ => &[],
        };
        let dwarf =
            Dwarf::load(|id| Ok::<_, gimli::Error>(EndianSlice::new(sections(id), LittleEndian)));
        let work = std::sync::Arc::new(Work::for_bytes(1000));
        let units = Units::list(dwarf.unwrap(), work, &mut DropCounts::default());
        let unit = units.parse(0).unwrap();

        let header = DebugInfo::new(&info, LittleEndian).units().next().unwrap().unwrap();
        let whole = DebugAbbrev::new(&abbreviations, LittleEndian);
        let whole = whole.abbreviations(DebugAbbrevOffset(0)).unwrap();
        let mut entries = header.entries_raw(&whole, None).unwrap();
        entries.read_abbreviation().unwrap();
        let abbreviation = entries.read_abbreviation().unwrap().unwrap();
        let before = entries.clone();
        let expected = entries.skip_attributes(abbreviation.attributes());

        let mut input = header.range_from(before.next_offset()..).unwrap_or_default();
        let mut plans = Plans::default();
        let plan = plans.of(2, &unit, &units.work).unwrap();
        let mut seen = Seen::default();
        let result = plans.run(plan, &unit, &mut input, &mut seen);
        if expected.is_err() {
            failed += 1;
            assert!(result.is_err(), "{abbreviations:x?} {info:x?}");
            continue;
        }
        // What is read has more ways to fail, as a size of addresses that there is not.
        if result.is_err() {
            continue;
        }
        passed += 1;
        let left = info.len() - entries.next_offset().0;
        assert_eq!(input.len(), left, "{abbreviations:x?} {info:x?}");
        read += seen.0;
    }
    assert!(passed > 10_000 && failed > 1000 && read > 5000, "{passed} {failed} {read}");
}
