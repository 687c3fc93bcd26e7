//! Debug files by build-id as LLVM's own client of debuginfod has them: [`Debuginfod`].

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use symtool_debug::{DebugFile, Mapped};
use symtool_http::{Client, Get, Got, SecretUrl};
use symtool_module::ModuleKind;
use xxhash_rust::xxh3::xxh3_64;

use crate::layout::{FileKind, FileOf, Layout};

/// How long a file may come: LLVM has no bound.
const WITHIN: Duration = Duration::from_secs(86_400);

/// Servers, and the folder that LLVM's tools share for what came from them (LLVM 19,
/// `Debuginfod.cpp`).
#[derive(Debug)]
pub struct Debuginfod {
    /// Who is asked, in this order.
    servers: Vec<SecretUrl>,
    cache: PathBuf,
    /// How long a server may say nothing.
    silence: Duration,
    /// Ids that nobody has.
    missed: Mutex<HashSet<Vec<u8>>>,
}

impl Debuginfod {
    /// `servers`, asked in this order, each of which may say nothing for `silence`; what comes is
    /// kept in the folder `cache`.
    pub fn new(servers: Vec<SecretUrl>, cache: PathBuf, silence: Duration) -> Self {
        Self { servers, cache, silence, missed: Mutex::default() }
    }

    /// The debug file of the ELF file with this build-id: from the folder, else from the first
    /// server that has it. A file that nobody had is not asked for again.
    pub fn debug_file(&self, id: &[u8]) -> Option<PathBuf> {
        let of = FileOf { kind: ModuleKind::Elf, id, made_up: false, name: "", code_id: None };
        let key = Layout::Debuginfod.key(FileKind::Debug, &of)?;
        let place = self.cache.join(format!("llvmcache-{}", xxh3_64(key.as_bytes())));
        if place.is_file() {
            return Some(place);
        }
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if missed.contains(id) {
            return None;
        }
        let client = Client::new(WITHIN);
        // LLVM says of none of them why it did not come.
        let brings = |server| self.bring(&client, server, &key, id, &place).is_ok_and(|came| came);
        if self.servers.iter().any(brings) {
            return Some(place);
        }
        missed.insert(id.to_vec());
        None
    }

    /// Brings the file from `server` to `place`. Whether it is there.
    fn bring(
        &self,
        client: &Client,
        server: &SecretUrl,
        key: &str,
        id: &[u8],
        place: &Path,
    ) -> io::Result<bool> {
        let url = server.join(key).map_err(io::Error::other)?;
        let (silence, within) = (self.silence, WITHIN);
        let get = Get { url: &url, part: None, unless: None, silence, within, max_bytes: u64::MAX };
        let file = match client.get(&get).map_err(io::Error::other)? {
            Got::File(file) => file,
            Got::Unchanged | Got::Status { .. } => return Ok(false),
        };
        fs::create_dir_all(&self.cache)?;
        let mut draft = tempfile::NamedTempFile::new_in(&self.cache)?;
        file.copy_to(draft.as_file_mut(), &mut |_| true).map_err(io::Error::other)?;
        let is_right = Mapped::open(draft.path()).is_ok_and(|mapped| {
            DebugFile::parse(&mapped).is_ok_and(|file| file.info().id.bytes == id)
        });
        if is_right {
            draft.persist(place)?;
        }
        Ok(is_right)
    }
}
