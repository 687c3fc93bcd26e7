//! What one would use instead of symtool: the same work done by the addr2line crate and by
//! symcache, in a child process of this program or, for the check, in this one.
//!
//! ```text
//! symtool-benches peer symcache-convert DIR FILE…
//! symtool-benches peer symcache-lookup CACHE LOAD_ADDRESS BATCH
//! symtool-benches peer addr2line-parse FILE…
//! symtool-benches peer addr2line-lookup FILE BATCH
//! ```

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use addr2line::{Context as Units, Loader, gimli};
use anyhow::{Context, Result, anyhow, bail};
use object::{Object, ObjectSection};
use symbolic_common::ByteView;
use symbolic_symcache::{SymCache, SymCacheConverter};

use crate::sample::read_batch;

/// The first argument of a peer's process.
pub const VERB: &str = "peer";

/// One frame of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Raw linkage name; empty where none is known.
    pub function: &'a str,
    /// Path; empty where none is known.
    pub file: &'a str,
    /// 1-based, 0 for none.
    pub line: u32,
}

/// `program` as the peer that makes a symcache of each of `files` in the new directory `dir`.
pub fn convert_command(program: &Path, files: &[PathBuf], dir: &Path) -> Command {
    let mut command = command(program, "symcache-convert");
    command.arg(dir).args(files);
    command
}

/// `program` as the peer that looks up `batch` in the symcache `cache`, of a file linked at
/// `load_address`.
pub fn symcache_command(program: &Path, cache: &Path, load_address: u64, batch: &Path) -> Command {
    let mut command = command(program, "symcache-lookup");
    command.arg(cache).arg(load_address.to_string()).arg(batch);
    command
}

/// `program` as the peer that parses all of `files`.
pub fn parse_command(program: &Path, files: &[PathBuf]) -> Command {
    let mut command = command(program, "addr2line-parse");
    command.args(files);
    command
}

/// `program` as the peer that looks up `batch` in `file`.
pub fn addr2line_command(program: &Path, file: &Path, batch: &Path) -> Command {
    let mut command = command(program, "addr2line-lookup");
    command.args([file, batch]);
    command
}

fn command(program: &Path, verb: &str) -> Command {
    let mut command = Command::new(program);
    command.args([VERB, verb]);
    command
}

/// Does what one of the commands above says; `args` are those after [`VERB`].
///
/// # Errors
/// If the arguments are not those of a peer, or the work fails.
pub fn run(args: &[OsString]) -> Result<()> {
    let (verb, args) = args
        .split_first()
        .context("peer: a verb is missing; these processes are started by the bench")?;
    match (verb.to_str(), args) {
        (Some("symcache-convert"), [dir, files @ ..]) => {
            let dir = Path::new(dir);
            fs::create_dir(dir).with_context(|| dir.display().to_string())?;
            files.iter().enumerate().try_for_each(|(number, file)| {
                symcache_convert(Path::new(file), &dir.join(number.to_string()))
            })
        }
        (Some("symcache-lookup"), [cache, load_address, batch]) => {
            let data =
                ByteView::open(cache).with_context(|| Path::new(cache).display().to_string())?;
            let cache = Symcache::open(&data, load_address.to_string_lossy().parse()?)?;
            look_up(batch, |address, each| {
                cache.frames(address, each);
                Ok(())
            })
        }
        (Some("addr2line-parse"), files) => {
            files.iter().try_for_each(|file| addr2line_parse(Path::new(file)))
        }
        (Some("addr2line-lookup"), [file, batch]) => {
            let file = Addr2line::open(Path::new(file))?;
            look_up(batch, |address, each| file.frames(address, each))?;
            // Freeing the units is no part of looking up.
            std::mem::forget(file);
            Ok(())
        }
        _ => bail!(
            "peer {}: no such verb, or wrong arguments; these processes are started by the bench",
            verb.display()
        ),
    }
}

/// Passes every address of `batch` to `frames`, and takes what a program would print.
fn look_up(
    batch: &OsStr,
    frames: impl Fn(u64, &mut dyn FnMut(Frame<'_>)) -> Result<()>,
) -> Result<()> {
    for address in read_batch(Path::new(batch))? {
        frames(address, &mut |frame| {
            black_box((frame.function, frame.file, frame.line));
        })?;
    }
    Ok(())
}

/// Makes a symcache of the file at `path` and writes it to `cache`.
///
/// # Errors
/// If the file cannot be read or the cache not written; names it.
pub fn symcache_convert(path: &Path, cache: &Path) -> Result<()> {
    let named = || {
        format!(
            "{}: symcache cannot read it; pass an ELF or dSYM file with debug info",
            path.display()
        )
    };
    let data = ByteView::open(path).with_context(named)?;
    let object = symbolic_debuginfo::Object::parse(&data).with_context(named)?;
    let mut converter = SymCacheConverter::new();
    converter.process_object(&object).with_context(named)?;
    let write = || {
        let mut out = BufWriter::new(File::create(cache)?);
        converter.serialize(&mut out)?;
        out.flush()
    };
    write().with_context(|| cache.display().to_string())
}

/// A symcache to look up addresses in.
pub struct Symcache<'d> {
    cache: SymCache<'d>,
    load_address: u64,
}

impl<'d> Symcache<'d> {
    /// Parses what [`symcache_convert`] wrote, for a file whose first segment is linked at
    /// `load_address`.
    ///
    /// # Errors
    /// If it is no symcache.
    pub fn open(data: &'d [u8], load_address: u64) -> Result<Self> {
        Ok(Self { cache: SymCache::parse(data).context("not a symcache")?, load_address })
    }

    /// Calls `each` with the frames at `address`, a virtual address of the file, innermost first.
    pub fn frames(&self, address: u64, each: &mut dyn FnMut(Frame<'_>)) {
        let Some(address) = address.checked_sub(self.load_address) else { return };
        for location in self.cache.lookup(address) {
            let path = location.file().map_or_else(String::new, |file| file.full_path());
            each(Frame {
                function: location.function().name(),
                file: &path,
                line: location.line(),
            });
        }
    }
}

/// Parses everything in the file at `path` that a lookup by the addr2line crate could need. Split
/// units (`.dwo`) are not loaded. At an error (line programs of dSYMs can reach beyond the address
/// space) the crate stops, which is to its advantage.
fn addr2line_parse(path: &Path) -> Result<()> {
    let named = || format!("{}: the addr2line crate cannot read it", path.display());
    let data = ByteView::open(path).with_context(named)?;
    let file = object::File::parse(&*data).with_context(named)?;
    let endian = if file.is_little_endian() {
        gimli::RunTimeEndian::Little
    } else {
        gimli::RunTimeEndian::Big
    };
    let section = |id: gimli::SectionId| match file.section_by_name(id.name()) {
        Some(section) => section.uncompressed_data(),
        None => Ok(Cow::default()),
    };
    let sections = gimli::DwarfSections::load(section).with_context(named)?;
    let mut dwarf = sections.borrow(|section| gimli::EndianSlice::new(section, endian));
    // As the crate's own loader does.
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    let units = Units::from_dwarf(dwarf).with_context(named)?;
    let parsed = (units.parse_lines(), units.parse_inlined_functions());
    black_box(parsed.0.is_ok() && parsed.1.is_ok());
    // What was parsed stays for as long as such a program looks up addresses: freeing it is no part
    // of the work.
    std::mem::forget(black_box(units));
    Ok(())
}

/// A file to look up addresses in with the addr2line crate.
pub struct Addr2line {
    loader: Loader,
    /// What stands before the names of symbols and is not part of them.
    prefix: &'static str,
}

impl Addr2line {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read; names it.
    pub fn open(path: &Path) -> Result<Self> {
        let named = || format!("{}: the addr2line crate cannot read it", path.display());
        let is_macho = object::File::parse(&*ByteView::open(path).with_context(named)?)
            .with_context(named)?
            .format()
            == object::BinaryFormat::MachO;
        let loader = Loader::new(path).map_err(|error| anyhow!("{}: {error}", named()))?;
        Ok(Self { loader, prefix: if is_macho { "_" } else { "" } })
    }

    fn symbol(&self, address: u64) -> Option<&str> {
        self.loader.find_symbol(address).map(|name| name.strip_prefix(self.prefix).unwrap_or(name))
    }

    /// Calls `each` with the frames at `address`, a virtual address of the file, innermost first.
    ///
    /// Like the crate's own program, it names a function that is not inlined by its symbol, which
    /// says more than DWARF does (`run.cold`), and answers from the symbol table where DWARF has no
    /// frame. Of a unit that it cannot read it says nothing.
    ///
    /// # Errors
    /// If the frames of a unit that it could read cannot be followed.
    pub fn frames(&self, address: u64, each: &mut dyn FnMut(Frame<'_>)) -> Result<()> {
        let Ok(mut frames) = self.loader.find_frames(address) else { return Ok(()) };
        let mut frame = frames.next()?;
        if frame.is_none()
            && let Some(function) = self.symbol(address)
        {
            each(Frame { function, file: "", line: 0 });
        }
        while let Some(this) = frame {
            frame = frames.next()?;
            let symbol = if frame.is_none() { self.symbol(address) } else { None };
            let function = match (symbol, &this.function) {
                (Some(symbol), _) => Cow::Borrowed(symbol),
                (None, Some(function)) => function.raw_name()?,
                (None, None) => Cow::default(),
            };
            let (file, line) =
                this.location.map_or((None, None), |location| (location.file, location.line));
            each(Frame {
                function: &function,
                file: file.unwrap_or_default(),
                line: line.unwrap_or_default(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects").join(name)
    }

    fn symcache_names(peer: &Symcache, address: u64) -> Vec<(String, u32)> {
        let mut names = Vec::new();
        peer.frames(address, &mut |frame| names.push((frame.function.to_owned(), frame.line)));
        names
    }

    /// The answer stands in testdata/golden: an inlined function in the cold half of another.
    #[test]
    fn both_peers_know_inlined_frames() -> Result<()> {
        let file = fixture("cpp-gcc-O2-dwarf5.so");
        let want = [
            ("_ZN5store4RingIjLj16EE3popEv".to_owned(), 64),
            ("_ZN5Adder3runEj.cold".to_owned(), 68),
        ];
        let mut names = Vec::new();
        Addr2line::open(&file)?
            .frames(0x10b5, &mut |frame| names.push((frame.function.to_owned(), frame.line)))?;
        assert_eq!(names, want);
        let dir = tempfile::tempdir()?;
        let cache = dir.path().join("cache");
        symcache_convert(&file, &cache)?;
        let data = ByteView::open(&cache)?;
        let symcache = Symcache::open(&data, 0)?;
        assert_eq!(symcache_names(&symcache, 0x10b5), want);
        Ok(())
    }

    /// Symcache counts from the first segment, which in an executable is not at 0.
    #[test]
    fn symcache_addresses_are_relative() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let cache = dir.path().join("cache");
        let file = fixture("c-gcc-O2-exec-dwarf5");
        symcache_convert(&file, &cache)?;
        let data = ByteView::open(&cache)?;
        let load_address = crate::sample::Sample::read(&file)?.load_address();
        assert_eq!(load_address, 0x40_0000);
        let symcache = Symcache::open(&data, load_address)?;
        assert!(!symcache_names(&symcache, 0x40_1070).is_empty());
        assert!(symcache_names(&symcache, 0x1070).is_empty());
        Ok(())
    }

    #[test]
    fn every_unit_of_every_fixture_is_parsed() -> Result<()> {
        for name in [
            "cpp-gcc-O2-dwarf5.so",
            "c-clang-O2-dwarf5.so",
            "rust-O2-dwarf5.so",
            "c-gcc-O2-dwarf2.so",
        ] {
            addr2line_parse(&fixture(name))?;
        }
        Ok(())
    }

    #[test]
    fn wrong_verbs_are_errors() {
        for args in [&[][..], &["fast"], &["addr2line-lookup", "one"]] {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            assert!(run(&args).is_err(), "{args:?}");
        }
    }
}
