//! Picks addresses inside the function symbols of a file, the same in every run.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};
use symbolic_common::ByteView;

/// The functions of a file.
#[derive(Debug)]
pub struct Sample {
    /// Sorted by start, each once, none empty.
    functions: Vec<Function>,
    load_address: u64,
}

/// A function lies at `start..start + size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    start: u64,
    size: u64,
}

impl Sample {
    /// Reads the symbol tables of the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, has no debug info, or no function symbol with a size; names it.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        if path.is_dir() {
            bail!("{name}: a directory; pass ELF or dSYM files with debug info");
        }
        let data = ByteView::open(path).with_context(|| {
            format!("{name}: cannot be read; pass an ELF or dSYM file with debug info")
        })?;
        let file = object::File::parse(&*data).with_context(|| {
            format!("{name}: not an object file; pass an ELF or dSYM file with debug info")
        })?;
        if file.section_by_name(".debug_info").is_none() {
            bail!(
                "{name}: no .debug_info, so the peers have nothing to read; pass the unstripped file or its .debug file"
            );
        }
        let mut functions: Vec<Function> = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
            .map(|symbol| Function { start: symbol.address(), size: symbol.size() })
            .filter(|function| {
                function.size > 0 && function.start.checked_add(function.size).is_some()
            })
            .collect();
        functions.extend(without_size(&file));
        functions.sort_unstable();
        functions.dedup();
        if functions.is_empty() {
            bail!(
                "{name}: no function symbol with a size to take addresses from; pass a file that was not stripped of .symtab"
            );
        }
        let text = file.segments().find(|segment| matches!(segment.name(), Ok(Some("__TEXT"))));
        let first = text.or_else(|| file.segments().next());
        Ok(Self { functions, load_address: first.map_or(0, |segment| segment.address()) })
    }

    /// The address that the file's first segment of code is linked at. Symcache counts from there.
    pub fn load_address(&self) -> u64 {
        self.load_address
    }

    /// Addresses without end: small functions come as often as large ones, every byte of a function
    /// equally often.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        let mut random = Random(0);
        std::iter::from_fn(move || {
            let index = usize::try_from(random.below(self.functions.len() as u64)).ok()?;
            let function = self.functions.get(index)?;
            Some(function.start + random.below(function.size))
        })
    }
}

/// The functions of a Mach-O file, whose symbol table has no sizes: each reaches to the next of its
/// section.
fn without_size(file: &object::File<'_>) -> Vec<Function> {
    if file.format() != object::BinaryFormat::MachO {
        return Vec::new();
    }
    let functions =
        file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
    let mut starts: Vec<_> = functions
        .filter_map(|symbol| Some((symbol.section_index()?.0, symbol.address())))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let pairs = starts.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    pairs.map(|pair| Function { start: pair[0].1, size: pair[1].1 - pair[0].1 }).collect()
}

/// Splitmix64, as in Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0. The limits here are far below 2^64, so the remainder
    /// will do.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Writes a batch file, one address a line.
///
/// # Errors
/// If it cannot be written; names it.
pub fn write_batch(path: &Path, addresses: &[u64]) -> Result<()> {
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        addresses.iter().try_for_each(|address| writeln!(out, "{address:#x}"))?;
        out.flush()
    };
    write().with_context(|| path.display().to_string())
}

/// Reads what [`write_batch`] wrote.
///
/// # Errors
/// If it cannot be read, or a line is no address; names it.
pub fn read_batch(path: &Path) -> Result<Vec<u64>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let address = |line: &str| {
        let digits = line.strip_prefix("0x").unwrap_or(line);
        u64::from_str_radix(digits, 16)
            .with_context(|| format!("{}: not an address: {line}", path.display()))
    };
    text.lines().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(functions: &[(u64, u64)]) -> Sample {
        let functions = functions.iter().map(|&(start, size)| Function { start, size }).collect();
        Sample { functions, load_address: 0 }
    }

    #[test]
    fn addresses_stay_inside_functions_and_reach_both_ends() {
        let sample = sample(&[(10, 1), (100, 3), (u64::MAX - 2, 2)]);
        let mut met: Vec<u64> = sample.addresses().take(1000).collect();
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, [10, 100, 101, 102, u64::MAX - 2, u64::MAX - 1]);
    }

    #[test]
    fn addresses_are_the_same_in_every_run() {
        let sample = sample(&[(0, u64::MAX)]);
        let first: Vec<u64> = sample.addresses().take(100).collect();
        assert_eq!(first, sample.addresses().take(100).collect::<Vec<_>>());
        assert!(first.windows(2).any(|pair| pair[0] > pair[1]), "not sorted");
    }

    /// From the reference implementation at <https://prng.di.unimi.it/splitmix64.c>, seed 0.
    #[test]
    fn random_numbers_are_splitmix64() {
        let mut random = Random(0);
        assert_eq!([random.next(), random.next()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn batches_come_back() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        write_batch(file.path(), &[0, 0x10, u64::MAX])?;
        assert_eq!(fs::read_to_string(file.path())?, "0x0\n0x10\n0xffffffffffffffff\n");
        assert_eq!(read_batch(file.path())?, [0, 0x10, u64::MAX]);
        Ok(())
    }

    #[test]
    fn a_file_that_cannot_be_sampled_is_named_with_the_next_step() -> Result<()> {
        let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects");
        let empty = tempfile::NamedTempFile::new()?;
        for (path, fact) in [
            (objects.join("absent"), "cannot be read"),
            (objects.clone(), "a directory"),
            (objects.join("c-gcc-O2-symtab.so"), "no .debug_info"),
            (empty.path().to_owned(), "not an object file"),
            (Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"), "not an object file"),
        ] {
            let error = Sample::read(&path).expect_err("no sample").to_string();
            assert!(
                error.starts_with(&format!("{}: {fact}", path.display()))
                    && error.contains("; pass"),
                "{error}"
            );
        }
        Ok(())
    }
}
