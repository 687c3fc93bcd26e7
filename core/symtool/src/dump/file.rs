//! The bytes of a dump: of a file, mapped; of a stream or an archive they go into a file first, so
//! that a dump of any size takes little memory.

use std::io::{self, Read, Write};
use std::path::Path;

use symtool_crashes::{ReportBytes, dump_tail, ends_like_tail};
use symtool_debug::Mapped;
use symtool_store::Store;
use symtool_store::database::Spool;

use super::limits::{MAX_DUMP_BYTES, MAX_DUMP_BYTES_IN_MEMORY};

/// A dump's bytes.
#[derive(Debug)]
pub struct DumpFile {
    bytes: ReportBytes,
    /// The file of the store that has them, if there is one.
    spool: Option<Spool>,
    /// Why the stream that it came in ended.
    error: Option<io::Error>,
}

impl DumpFile {
    /// The file at `path`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let size = std::fs::metadata(path)?.len();
        let bytes = if size > MAX_DUMP_BYTES_IN_MEMORY {
            ReportBytes::Mapped(Mapped::open(path).map_err(io::Error::other)?)
        } else {
            ReportBytes::Memory(std::fs::read(path)?)
        };
        Ok(Self { bytes, spool: None, error: None })
    }

    /// All of `stream`, which has at least a byte; of one that cannot be read to its end, what came
    /// before. If it is long, it is put into a file of `store`.
    ///
    /// # Errors
    /// If there is no room for it, or it is too large.
    pub fn of_stream(stream: &mut dyn Read, store: &Store) -> io::Result<Self> {
        let mut stream = stream.take(MAX_DUMP_BYTES + 1);
        let (mut first, mut spool, mut bytes, mut error) = (Vec::new(), None, 0u64, None);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => &buffer[..count],
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => {
                    error = Some(cause);
                    break;
                }
            };
            bytes += read.len() as u64;
            if bytes <= MAX_DUMP_BYTES_IN_MEMORY {
                first.extend_from_slice(read);
                continue;
            }
            let file = match &mut spool {
                Some(file) => file,
                none => {
                    let file = none.insert(store.spool().map_err(io::Error::other)?);
                    file.write_all(&first)?;
                    first = Vec::new();
                    file
                }
            };
            file.write_all(read)?;
        }
        if bytes > MAX_DUMP_BYTES {
            let fact = format!("a dump of more than {MAX_DUMP_BYTES} bytes");
            return Err(io::Error::other(format!("{fact}; unpack it, and pass the file")));
        }
        let bytes = match &spool {
            Some(file) => ReportBytes::Mapped(file.map().map_err(io::Error::other)?),
            None => ReportBytes::Memory(first),
        };
        Ok(Self { bytes, spool, error })
    }

    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, to be kept with the `event` that came with it; that is empty if none did. What has
    /// to be copied for that is put into a file of `store`.
    ///
    /// # Errors
    /// If it is too large for that, or there is no room for it.
    pub fn into_kept(self, event: &[u8], store: &Store) -> io::Result<ReportBytes> {
        let bytes = self.bytes.len();
        if bytes as u64 > MAX_DUMP_BYTES {
            let fact = format!("a dump of {bytes} bytes; no more than {MAX_DUMP_BYTES} are stored");
            let step = "store what a debugger prints of its stacks";
            return Err(io::Error::other(format!("{fact}; {step}")));
        }
        if event.is_empty() && !ends_like_tail(&self.bytes) {
            return Ok(self.bytes);
        }
        self.with_tail(&dump_tail(event), store)
    }

    /// The bytes with `tail` behind them.
    fn with_tail(self, tail: &[u8], store: &Store) -> io::Result<ReportBytes> {
        let mut spool = match (self.spool, self.bytes) {
            (Some(spool), _) => spool,
            (None, ReportBytes::Memory(bytes)) => {
                return Ok(ReportBytes::Memory([&bytes, tail].concat()));
            }
            (None, ReportBytes::Mapped(mapped)) => {
                let mut spool = store.spool().map_err(io::Error::other)?;
                spool.write_all(mapped.bytes())?;
                spool
            }
        };
        spool.write_all(tail)?;
        Ok(ReportBytes::Mapped(spool.map().map_err(io::Error::other)?))
    }

    /// What went wrong with them: they did not come whole, or somebody has written to the file since
    /// it was opened.
    pub fn faults(&self) -> Vec<String> {
        let cut =
            self.error.as_ref().map(|error| format!("{error}; what came before that was read"));
        cut.into_iter().chain(self.bytes.unchanged().err()).collect()
    }
}

/// Bytes of a stream that are copied at once.
const BUFFER_BYTES: usize = 64 << 10;
