//! `symtool symbolicate`: prints a crash report or a log with its frames resolved, and all else as
//! it is.
//!
//! ```text
//! minidumps       walked by the unwind rows of the store, and printed as minidump-stackwalk does
//! packed          each file in it like one of its own
//! whole reports   JSON, Apple's texts, files: cut from the stream, each resolved in one batch
//! line by line    what else comes on stdin, and logs that are too large: each line goes out before the next one comes
//! ```

mod detect;
pub mod dump;
mod kept;
pub mod known;
mod lines;
mod packed;

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow};
use symtool_core::dump::{DumpFile, dump_error};
use symtool_crashes::fingerprint::Symbols;
use symtool_report::limits::MAX_REPORT_BYTES;
use symtool_report::{self as crash, CrashError, EnvelopeRead, Envelopes, Reports};
use symtool_store::{Catalog, Mappings, Module, Reader, Store, database};

use self::detect::Input;
use self::dump::{DumpPrinter, DumpStyle};
use self::kept::{Kept, Tee};
use self::known::Known;
use crate::context::Context;
use crate::exit::Exit;
use crate::pass_through;
use crate::retrace;

const SYMBOLICATE: &str = "Examples:
  symtool symbolicate MyApp.crash
  adb logcat | symtool symbolicate -
  symtool symbolicate event.json > resolved.json
  symtool symbolicate crash.dmp
  symtool symbolicate --style json crash.dmp.gz

What cannot be resolved stays as it is, byte for byte. Nothing is stored. A log on stdin is processed line by line.";

#[derive(Debug, clap::Args)]
#[command(after_help = SYMBOLICATE)]
pub struct Symbolicate {
    /// A crash report in any format that `crash add` reads, a log, a minidump, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping for Java frames if the report does not name one: a name or an id
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// How the stacks of a minidump are printed: text unless --json is given
    #[arg(long, value_name = "STYLE")]
    pub style: Option<DumpStyle>,
}

/// Bytes by which it is told whether reports or lines come.
const HEAD_BYTES: usize = 1 << 16;

/// Runs the command.
pub fn run(context: &Context, args: &Symbolicate) -> Result<Exit> {
    let store = context.open_store()?;
    let path = &args.file;
    let reader = match store.read() {
        Err(missing @ database::Error::Missing(_)) if path.as_os_str() == "-" => {
            return pass_through::run(&missing);
        }
        reader => reader?,
    };
    let catalog = reader.catalog();
    let mappings = Mappings::new(&reader);
    let mapping = args.mapping.as_deref().map(|name| retrace::named(&catalog, name)).transpose()?;
    let default = if context.json { DumpStyle::Json } else { DumpStyle::Text };
    let style = args.style.unwrap_or(default);
    let dumps = DumpPrinter { reader: &reader, catalog: &catalog, style };
    let (reader, catalog, mappings) = (&reader, &catalog, &mappings);
    let job = Job { context, store: &store, reader, catalog, mappings, mapping, dumps };
    if path.as_os_str() == "-" { job.stdin() } else { job.file(path) }
}

/// What inputs are resolved with.
struct Job<'s> {
    context: &'s Context,
    store: &'s Store,
    reader: &'s Reader,
    catalog: &'s Catalog<'s>,
    mappings: &'s Mappings<'s>,
    /// The mapping of Java frames that was named.
    mapping: Option<&'s Module>,
    dumps: DumpPrinter<'s>,
}

impl<'s> Job<'s> {
    fn known(&self) -> Result<Known<'s>> {
        let symbols = Symbols::new(self.reader, self.catalog)?;
        let (mappings, catalog, mapping) = (self.mappings, self.catalog, self.mapping);
        Ok(Known { symbols, mappings, catalog, mapping })
    }

    fn stdin(&self) -> Result<Exit> {
        let mut input = BufReader::with_capacity(HEAD_BYTES, io::stdin().lock());
        let head = input.fill_buf().context("stdin cannot be read")?;
        let kind = Input::of(head);
        let is_microdump = tell_microdump("-", head);
        let exit = match kind {
            Input::Dump => self.dump("-", &self.dump_of_stream("-", &mut input)?)?,
            Input::OtherDump(error) => other_dump("-", &error),
            Input::Packed => packed::write(self, "-", input)?,
            Input::Report => self.reports("-", input)?,
            Input::Lines => lines::write(&self.known()?, input)?,
        };
        Ok(if is_microdump { Exit::SomeFailed } else { exit })
    }

    fn file(&self, path: &Path) -> Result<Exit> {
        let name = path.to_string_lossy();
        let no_file = |error: io::Error| {
            anyhow!("{name}: {error}; name a crash report, a log, or - for stdin")
        };
        let open = || -> io::Result<(u64, BufReader<File>)> {
            let file = File::open(path)?;
            Ok((file.metadata()?.len(), BufReader::with_capacity(HEAD_BYTES, file)))
        };
        let (bytes, mut input) = open().map_err(no_file)?;
        let head = input.fill_buf().map_err(no_file)?;
        let is_large = bytes > MAX_REPORT_BYTES as u64;
        let kind = Input::of(head);
        let is_microdump = tell_microdump(&name, head);
        let exit = match kind {
            // A pipe has no bytes that could be mapped.
            Input::Dump if path.is_file() => {
                self.dump(&name, &DumpFile::open(path).with_context(|| name.to_string())?)?
            }
            Input::Dump => self.dump(&name, &self.dump_of_stream(&name, &mut input)?)?,
            Input::OtherDump(error) => other_dump(&name, &error),
            Input::Packed => packed::write(self, &name, input)?,
            Input::Lines if is_large => lines::write(&self.known()?, input)?,
            Input::Report | Input::Lines => self.reports(&name, input)?,
        };
        Ok(if is_microdump { Exit::SomeFailed } else { exit })
    }

    fn dump(&self, name: &str, file: &DumpFile) -> Result<Exit> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let is_missing = self.dumps.print(name, file.bytes(), &mut out)?;
        let faults = file.faults();
        faults.iter().for_each(|fault| say!("{name}: {fault}"));
        Ok(Exit::failed_if(is_missing || !faults.is_empty()))
    }

    fn dump_of_stream(&self, name: &str, stream: &mut dyn Read) -> Result<DumpFile> {
        DumpFile::of_stream(stream, self.store).with_context(|| name.to_owned())
    }
}

/// Tells that a text has a microdump in it. Returns whether it has.
fn tell_microdump(name: &str, head: &[u8]) -> bool {
    let error = detect::microdump(head).filter(|_| !head.contains(&0));
    if let Some(error) = &error {
        say!("{name}: {}", dump_error(error));
    }
    error.is_some()
}

fn other_dump(name: &str, error: &symtool_minidump::MinidumpError) -> Exit {
    say!("{name}: {}", dump_error(error));
    Exit::SomeFailed
}

impl Job<'_> {
    /// Writes the reports of the dumps in the envelopes that `stream` begins with. Whether some
    /// failed.
    fn envelopes(&self, name: &str, stream: &mut Envelopes<impl BufRead>) -> Result<bool> {
        let mut failed = false;
        while stream.fill_buf()?.trim_ascii_start().starts_with(b"{") {
            let mut stopped = None;
            let read = stream.read_envelope(&mut |dump| {
                let written =
                    self.dump_of_stream(name, dump).and_then(|file| self.dump(name, &file));
                written.map(|exit| failed |= exit != Exit::Done).map_err(|error| {
                    stopped = Some(error);
                    io::ErrorKind::Other.into()
                })
            });
            if let Some(error) = stopped {
                return Err(error);
            }
            match read.with_context(|| format!("{name}: the input cannot be read"))? {
                EnvelopeRead::Dumps { .. } => {}
                EnvelopeRead::Other => break,
                EnvelopeRead::TooLarge(bytes) => {
                    say!("{name}: {}; it is left out", CrashError::TooLarge { bytes });
                    failed = true;
                }
            }
        }
        Ok(failed)
    }

    fn reports(&self, name: &str, input: impl BufRead) -> Result<Exit> {
        let mut input = Envelopes::new(input);
        let mut failed = self.envelopes(name, &mut input)?;
        // Dumps need none of it.
        let mut known = None;
        let kept = Rc::new(RefCell::new(Kept::new(io::BufWriter::new(io::stdout().lock()))));
        for report in Reports::new(Tee { input, kept: Rc::clone(&kept) }) {
            let report = report.with_context(|| format!("{name}: the input cannot be read"))?;
            let say = |error: &CrashError| {
                let number = if report.number > 1 {
                    format!(" report {} of it", report.number)
                } else {
                    String::new()
                };
                if !self.context.quiet {
                    say!("{name}:{number} {error}; it is passed through unchanged");
                }
            };
            match report.bytes {
                Ok(bytes) => {
                    let dumps = crash::attached_dumps(&bytes).dumps;
                    if !dumps.is_empty() {
                        kept.borrow_mut().replace(report.offset, bytes.len(), |out| {
                            for dump in dumps.iter().filter_map(|dump| bytes.get(dump.clone())) {
                                failed |= self.dumps.print(name, dump, out)?;
                            }
                            anyhow::Ok(())
                        })?;
                        continue;
                    }
                    let mut events = Vec::new();
                    for told in crash::all(&bytes) {
                        match told.event {
                            Ok(event) => events.push(event),
                            Err(error) => {
                                say(&error);
                                failed = true;
                            }
                        }
                        events.extend(told.again);
                    }
                    if !events.is_empty() {
                        let known = match &mut known {
                            Some(known) => known,
                            none => none.insert(self.known()?),
                        };
                        let resolved = known.resolved(&bytes, &events)?;
                        kept.borrow_mut()
                            .replace(report.offset, bytes.len(), |out| out.write_all(&resolved))?;
                    }
                }
                Err(error) => {
                    say(&error);
                    failed = true;
                }
            }
        }
        kept.borrow_mut().finish()?;
        Ok(Exit::failed_if(failed))
    }
}
