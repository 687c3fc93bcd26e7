//! What is written: it is read again, and each object answers as before.

use crate::{Frame, frames, in_memory, read, testdata};
use symtool_debug::{
    BreakpadHead, DebugFile, Mapped, ModuleSymbols, Progress, Search, Source, write_breakpad,
};
use symtool_module::ModuleKind;

/// A file of several parts: the same functions again and again, each time at other addresses.
fn large(copies: u64) -> String {
    let text = std::fs::read_to_string(testdata("breakpad/cpp-clang-O2-dwarf5.so.sym")).unwrap();
    let (mut head, mut body, mut large) = (String::new(), Vec::new(), String::new());
    for line in text.lines() {
        match line.split(' ').next().unwrap() {
            "MODULE" | "INFO" | "FILE" | "INLINE_ORIGIN" => head = format!("{head}{line}\n"),
            "PUBLIC" => {}
            _ => body.push(line.to_owned()),
        }
    }
    for copy in 0..copies {
        for line in &body {
            let words: Vec<&str> = line.split(' ').collect();
            // Which word is the first address, and how far it is to the next one.
            let (first, step) = match (words[0], words.get(2)) {
                ("FUNC", _) => (1, usize::MAX),
                ("INLINE", _) => (5, 2),
                ("STACK", Some(&"INIT")) => (3, usize::MAX),
                ("STACK", _) => (2, usize::MAX),
                _ => (0, usize::MAX),
            };
            let moved = |(at, word): (usize, &&str)| {
                if at < first || (at - first) % step != 0 {
                    return (*word).to_owned();
                }
                format!("{:x}", u64::from_str_radix(word, 16).unwrap() + copy * 0x1_0000)
            };
            let words: Vec<String> = words.iter().enumerate().map(moved).collect();
            large.push_str(&words.join(" "));
            large.push('\n');
        }
    }
    head + &large
}

#[test]
fn parts_make_the_same_as_the_whole() {
    const COPIES: u64 = 2500;
    let text = large(COPIES);
    assert!(text.len() > 3 * (4 << 20), "{}", text.len());
    let whole = read(text.clone());
    let one = read(large(1));
    assert_eq!(whole.ranges.len(), one.ranges.len() * usize::try_from(COPIES).unwrap());
    assert_eq!(whole.unwind.rows.len(), one.unwind.rows.len() * usize::try_from(COPIES).unwrap());
    assert_eq!(whole.unwind.rules.len(), one.unwind.rules.len());
    for range in &one.ranges {
        for copy in [0, 1, COPIES / 3, COPIES / 2, COPIES - 1] {
            let moved = frames(&whole, range.start + copy * 0x1_0000);
            assert_eq!(moved, frames(&one, range.start), "{:#x}", range.start);
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let serial = pool.install(|| read(text));
    assert_eq!(serial.ranges, whole.ranges);
    assert_eq!(serial.chains, whole.chains);
    assert_eq!(serial.functions, whole.functions);
    assert_eq!(serial.files, whole.files);
    assert_eq!(serial.unwind, whole.unwind);
}

fn written(symbols: &ModuleSymbols) -> Vec<u8> {
    let name = symbols.info.name.clone();
    let head = BreakpadHead { name: &name, code_name: None, generator: "test" };
    let mut out = Vec::new();
    write_breakpad(symbols, &head, &|_| None, &mut out).unwrap();
    out
}

/// Whatever is read of an object is read again of the symbol file that is written of it.
#[test]
fn what_is_written_is_read() {
    let mut compared = 0;
    let files = crate::support::files(testdata("objects"))
        .into_iter()
        .chain(crate::support::files(testdata("breakpad")));
    for path in files {
        let Ok(mapped) = Mapped::open(&path) else { continue };
        let Ok(file) = DebugFile::parse(&mapped) else { continue };
        let file = file.with_debug_data(None, &Search::nowhere());
        let Ok(symbols) = file.read(&Search::nowhere(), &Progress::default()) else { continue };
        let text = written(&symbols);
        let again = in_memory(text);
        let file = DebugFile::parse(&again).unwrap();
        let info = file.info();
        assert_eq!((info.kind, &info.name), (symbols.info.kind, &symbols.info.name));
        if !symbols.info.id.made_up {
            assert_eq!(info.id, symbols.info.id, "{}", path.display());
        }
        let Ok(again) = file.read(&Search::nowhere(), &Progress::default()) else {
            assert!(symbols.ranges.iter().all(|range| told(&symbols, range.start).is_empty()));
            continue;
        };
        assert_eq!(again.dropped.iter().count(), 0, "{}", path.display());
        // Those of 32-bit Windows have no CFI.
        if path.parent().unwrap().ends_with("breakpad") && symbols.info.kind != ModuleKind::Pe {
            assert_eq!(again.unwind.rows, symbols.unwind.rows, "{}", path.display());
            assert_eq!(again.unwind.rules, symbols.unwind.rules, "{}", path.display());
        }
        let base = symbols.info.image_base;
        for range in symbols.ranges.iter().filter(|range| range.start >= base) {
            for address in [range.start, range.end - 1] {
                let want = told(&symbols, address);
                assert_eq!(told(&again, address - base), want, "{} {address:#x}", path.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 50_000, "only {compared}");
}

/// The frames that a symbol file can tell: no line without a file; of what only symbols know the
/// innermost function.
fn told(symbols: &ModuleSymbols, address: u64) -> Vec<Frame> {
    let mut frames = frames(symbols, address);
    let after = symbols.ranges.partition_point(|range| range.end <= address);
    if frames.is_empty() {
        return frames;
    }
    let chain = symbols.chains[symbols.ranges[after].chain.index() as usize];
    let caller = chain.caller.map(|(caller, _)| symbols.chains[caller.index() as usize]);
    let is_synthetic = caller.is_some_and(|caller| caller.source == Source::Symtab);
    if is_synthetic {
        frames.truncate(1);
    }
    if (is_synthetic || chain.source == Source::Symtab) && frames[0].0.is_empty() {
        return Vec::new();
    }
    // A `PUBLIC` record, which reaches on, has no file.
    let reaches_on = symbols.ranges[after].end == u64::MAX;
    for frame in frames.iter_mut().take(1) {
        if frame.1.is_empty() || frame.1 == "??" || reaches_on {
            *frame = (frame.0.clone(), String::new(), 0);
        }
    }
    frames
}
