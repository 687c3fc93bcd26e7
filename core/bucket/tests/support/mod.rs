//! A bucket on a server of this process, and modules to put into it.

#![allow(dead_code, reason = "each test file uses its part")]

mod dates;
pub mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use server::{Request, Server};
use symtool_bucket::{
    BucketImport, BucketUrl, CacheOptions, CachedBucket, Connection, Objects, Wanted,
};
use symtool_core::Import;
use symtool_core::import::{Event, Outcome, Summary};
use symtool_store::seal::MasterKey;
use symtool_store::{Reader, Store};

/// A file of `testdata/objects/`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/objects").join(name)
}

pub fn url() -> BucketUrl {
    BucketUrl::parse("s3://symbols/team").unwrap()
}

/// A connection to `server`, whose answers may take `timeout`.
pub fn connect(server: &Server, timeout: Duration) -> Connection {
    let objects = Objects::s3(&url(), &server.endpoint(), "key", "secret", timeout).unwrap();
    Connection::over(objects).unwrap()
}

pub const LONG: Duration = Duration::from_secs(60);

pub fn options() -> CacheOptions {
    CacheOptions { is_offline: false, retry_missing: Duration::ZERO, quota: None, wait: LONG }
}

pub fn cached(server: &Server, folder: &Path, key: Option<&MasterKey>) -> CachedBucket {
    CachedBucket::new(connect(server, LONG), key.cloned(), folder, options())
}

/// Imports `files` by a process of its own, as it were. Returns how many were imported, unchanged
/// and failed.
pub fn import(
    server: &Server,
    folder: &Path,
    files: &[PathBuf],
    key: Option<&MasterKey>,
) -> Summary {
    let connection = connect(server, LONG);
    let bucket = connection.open_or_create(key).unwrap();
    let make = || Import::of(files.to_vec());
    let import =
        BucketImport { bucket: &bucket, key: key.cloned(), folder, wait: LONG, import: &make };
    import
        .run(&|event| {
            if let Event::Done(report) = event
                && let Outcome::Failed(failure) = &report.outcome
            {
                panic!("{failure}");
            }
            Ok(())
        })
        .unwrap()
}

pub const NAMES: [&str; 3] = ["asm-gas-dwarf5.so", "c-gcc-O2-dwarf5.so", "cpp-gcc-O2-dwarf5.so"];

pub fn files(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| fixture(name)).collect()
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The store that the same files make on disk.
pub fn local(folder: &Path, names: &[&str]) -> Reader {
    let store = Store::at(folder, LONG);
    for name in names {
        Import::of(files(&[name])).run(&store, &|_| Ok(())).unwrap();
    }
    store.read().unwrap()
}

pub fn key() -> MasterKey {
    MasterKey::parse(&MasterKey::generate().unwrap()).unwrap()
}

pub fn named(name: &str) -> Wanted {
    Wanted::Name(vec![name.to_owned()])
}

/// The names of the builds that a bucket has of `wanted`.
pub fn found(cache: &CachedBucket, wanted: &Wanted) -> Vec<String> {
    let builds = cache.find(std::slice::from_ref(wanted)).unwrap().remove(0);
    builds.into_iter().map(|build| build.record.name).collect()
}

/// Method and folder of the requests that `server` has seen.
pub fn requests(server: &Server) -> Vec<String> {
    let told = |request: &Request| {
        let folder = request.key.strip_prefix("team/").unwrap_or(&request.key);
        let folder = folder.split('/').next().unwrap_or_default();
        let method = if request.is_list { "LIST" } else { &request.method };
        format!("{method} {folder}")
    };
    server.seen().iter().map(|(request, _)| told(request)).collect()
}

/// The fixture without DWARF, and without symbols: two files of one build.
pub fn halves(folder: &Path) -> [PathBuf; 2] {
    let whole = std::fs::read(fixture(NAMES[2])).unwrap();
    let (mut code, mut debug) = (whole.clone(), whole.clone());
    let mark = b".debug_";
    for at in 0..code.len() - mark.len() {
        if code[at..].starts_with(mark) {
            code[at + 1] = b'x';
        }
    }
    let number = |at: usize, bytes: usize| {
        whole[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    for header in (0..number(0x3c, 2)).map(|section| number(0x28, 8) + section * 64) {
        // SHT_SYMTAB and SHT_DYNSYM become SHT_PROGBITS.
        if matches!(debug[header + 4], 2 | 11) {
            debug[header + 4] = 1;
        }
    }
    [("code.so", code), ("debug.so", debug)].map(|(name, bytes)| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    })
}
