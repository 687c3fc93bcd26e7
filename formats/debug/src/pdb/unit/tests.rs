use super::*;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn record(kind: u16, contents: &[u8]) -> Vec<u8> {
    let bytes = u16::try_from(contents.len() + 2).unwrap();
    [&bytes.to_le_bytes()[..], &kind.to_le_bytes(), contents].concat()
}

fn places(first: u16, second: u16) -> Vec<u8> {
    [first, second].map(u16::to_le_bytes).concat()
}

/// A section of code at 0x1000.
fn addresses() -> Addresses {
    let header = [&b".text\0\0\0"[..], &words(&[0x1000, 0x1000, 0, 0, 0, 0, 0, 0x6000_0020])];
    Addresses::parse(&header.concat())
}

#[test]
fn code_that_was_moved_away_has_the_function_and_its_calls() {
    let end = record(6, &[]);
    let procedure = [&words(&[0, 0, 0, 0x10, 0, 0, 0, 0x100])[..], &[1, 0, 0], b"hot\0"].concat();
    // Two bytes at 4 in the function; then the first three bytes of its part.
    let annotations = [3, 4, 4, 2, 2, 1, 3, 0, 4, 3, 0, 0];
    let site = [&words(&[0, 0, 7])[..], &annotations].concat();
    let part = [words(&[0, 0, 8, 0, 0x800, 0x100]), places(1, 1)].concat();
    let records = [
        words(&[4]),
        record(0x1110, &procedure),
        record(0x114d, &site),
        record(0x114e, &[]),
        end.clone(),
        record(0x1132, &part),
        end,
    ]
    .concat();
    let mut dropped = DropCounts::default();
    let records = ModuleRecords::parse(&records, &mut dropped);
    let (addresses, publics, work) = (addresses(), Publics::default(), Work::for_bytes(4096));
    let shared = Shared { addresses: &addresses, publics: &publics, strings: &[], work: &work };
    let lines = LineData::default();
    let find = |_| InlinedFunction { name: Some(b"cold"), path: None, line: 9 };
    let unit = read(&records, &lines, &shared, find, &mut dropped).ok().unwrap();
    assert_eq!(dropped, DropCounts::default());
    let names = |range: &Range| {
        let (mut names, mut at) = (Vec::new(), Some(range.chain));
        while let Some(chain) = at {
            let chain = unit.chains[chain.index() as usize];
            names.push(
                chain.function.map(|function| unit.functions[function.index() as usize].name),
            );
            at = chain.caller.map(|(caller, _)| caller);
        }
        names
    };
    let ranges: Vec<_> =
        unit.ranges.iter().map(|range| (range.start, range.end, names(range).len())).collect();
    assert_eq!(
        ranges,
        [
            (0x1100, 0x1104, 1),
            (0x1104, 0x1106, 2),
            (0x1106, 0x1110, 1),
            (0x1800, 0x1803, 2),
            (0x1803, 0x1808, 1),
        ]
    );
    assert_eq!(names(&unit.ranges[3]), [Some(&b"cold"[..]), Some(b"hot")]);
    // The part belongs to the function that begins elsewhere.
    let outermost = unit.chains[unit.ranges[4].chain.index() as usize];
    assert_eq!(
        (outermost.start.address(), unit.ranges[4].chain),
        (Some(0x1100), unit.ranges[0].chain)
    );
}
