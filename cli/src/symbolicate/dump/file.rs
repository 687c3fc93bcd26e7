//! The bytes of a dump: a file is mapped, and what comes as a stream is put into a file first, so
//! that a dump of any size takes little memory.

use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use symtool_core::dump::limits::MAX_DUMP_BYTES;
use symtool_debug::Mapped;
use tempfile::NamedTempFile;

/// A dump's bytes.
pub struct DumpFile {
    mapped: Mapped,
    /// Why the stream that it came in ended.
    error: Option<io::Error>,
    /// Is deleted with this value.
    _file: Option<NamedTempFile>,
}

impl DumpFile {
    /// The file at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { mapped: Mapped::open(path)?, error: None, _file: None })
    }

    /// All of `stream`, which has at least a byte; of one that cannot be read to its end, what
    /// came before.
    pub fn of_stream(stream: &mut dyn Read) -> Result<Self> {
        let mut file = NamedTempFile::new().context("no file can be made to put a dump into")?;
        let mut stream = stream.take(MAX_DUMP_BYTES + 1);
        let mut buffer = vec![0; BUFFER_BYTES];
        let (mut bytes, mut error) = (0, None);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    file.write_all(&buffer[..count]).context("a dump cannot be unpacked")?;
                    bytes += count as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    error = Some(cause);
                    break;
                }
            }
        }
        if bytes > MAX_DUMP_BYTES {
            bail!("a dump of more than {MAX_DUMP_BYTES} bytes; unpack it, and pass the file");
        }
        let mapped = Mapped::open(file.path())?;
        Ok(Self { mapped, error, _file: Some(file) })
    }

    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        self.mapped.bytes()
    }

    /// Tells what went wrong with them. Returns whether nothing did: they came whole, and nobody
    /// has written to the file since it was opened.
    pub fn ended(&self, name: &str) -> bool {
        if let Some(error) = &self.error {
            say!("{name}: {error}; what came before that was read");
        }
        let unchanged = self.mapped.unchanged();
        if let Err(error) = &unchanged {
            say!("{error}");
        }
        self.error.is_none() && unchanged.is_ok()
    }
}

/// Bytes that are copied at once.
const BUFFER_BYTES: usize = 64 << 10;
