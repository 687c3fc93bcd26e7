//! Whatever goes wrong on the way: the right answer, or an error that may pass.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::server::{Fault, Request, Server};
use support::{
    LONG, NAMES, connect, files, fixture, folder, halves, import, local, named, options,
};
use symtool_bucket::{BucketError, BucketImport, CachedBucket};
use symtool_core::Import;
use symtool_store::{Module, Reader};

/// How long an answer may take: less than a server that hangs.
const SHORT: Duration = Duration::from_secs(1);

/// An answer that was lost is read back: the writer knows its own commit.
#[test]
fn a_commit_whose_answer_was_lost_is_made_once() {
    let (server, folder) = (Server::start(), folder());
    let is_lost = AtomicBool::new(false);
    connect(&server, LONG).open_or_create(None).unwrap();
    server.fail(move |request| {
        let is_commit = request.key.starts_with("team/modules/") && request.method == "PUT";
        let is_first = is_commit && !is_lost.swap(true, Ordering::Relaxed);
        if is_first { Fault::LostReply } else { Fault::None }
    });
    let summary = import(&server, &folder.path().join("a"), &files(&NAMES[..1]), None);
    assert_eq!(summary.imported, 1);
    let entries = connect(&server, LONG).open(None).unwrap().all().unwrap();
    assert_eq!((entries.len(), entries[0].generation), (1, 1));
}

/// Half of what is asked goes wrong, each time in another way.
fn anything(random: &mut fastrand::Rng, request: &Request) -> Fault {
    let is_commit = request.method == "PUT" && request.key.starts_with("team/modules/");
    match random.u8(..if is_commit { 24 } else { 60 }) {
        0 | 1 => Fault::Reset,
        2 | 3 => Fault::LostReply,
        4 => Fault::Stall,
        5 | 6 => Fault::Cut,
        7 | 8 => Fault::Flip,
        9 => Fault::Status(403, "AccessDenied"),
        10 => Fault::Status(404, "NoSuchBucket"),
        11 | 12 => Fault::Status(500, "InternalError"),
        13 => Fault::Status(503, "SlowDown"),
        _ => Fault::None,
    }
}

/// Asks for `want` by `name`, as a process of its own.
fn ask(cache: &CachedBucket, local: &Reader, want: &Module, name: &str) -> Result<(), BucketError> {
    let builds = cache.find(&[named(name)])?.remove(0);
    assert_eq!(builds.len(), 1, "{name} is there");
    let brought = cache.bring(&builds)?;
    let segment = brought.reader.segment(&brought.modules[0]).unwrap();
    assert!(segment == local.segment(want).unwrap(), "{name}");
    Ok(())
}

fn import_again(server: &Server, place: &Path, file: &Path) -> Result<(), BucketError> {
    let bucket = connect(server, SHORT).open_or_create(None)?;
    let make = || Import { force: true, ..Import::of(vec![file.to_owned()]) };
    let import =
        BucketImport { bucket: &bucket, key: None, folder: place, wait: LONG, import: &make };
    import.run(&|_| Ok(())).map(drop)
}

/// 500 requests through whatever goes wrong. A module that is there is never said to be missing,
/// and no generation is committed twice.
#[test]
fn faults_give_the_right_answer_or_none() {
    let (server, folder) = (Server::start(), folder());
    let pair: [PathBuf; 2] = halves(folder.path());
    import(&server, &folder.path().join("a"), &[fixture(NAMES[0]), fixture(NAMES[1])], None);
    let local = local(&folder.path().join("local"), &NAMES[..2]);
    let catalog = local.catalog();
    let random = Mutex::new(fastrand::Rng::with_seed(24));
    server.seen();
    server.fail(move |request| anything(&mut random.lock().unwrap(), request));
    let (mut requests, mut right, mut later) = (0, 0, 0);
    let mut count = |result: Result<(), BucketError>| match result {
        Ok(()) => right += 1,
        Err(error) => {
            assert!(error.may_pass(), "{error}");
            later += 1;
        }
    };
    let mut round = 0;
    while requests < 500 {
        let place = folder.path().join(format!("round-{round}"));
        let cache = CachedBucket::new(connect(&server, SHORT), None, &place, options());
        for want in catalog.modules().unwrap() {
            let id = want.record.id.as_str();
            for name in [&want.record.name, id, &id[..9]] {
                count(ask(&cache, &local, want, name));
            }
        }
        // One file of the pair after the other, whatever the round before has come to.
        count(import_again(&server, &place.join("import"), &pair[round % 2]));
        requests += server.seen().len();
        round += 1;
    }
    assert!(right > 20 && later > 5, "{right} {later}");
    server.heal();
    let entries = connect(&server, LONG).open(None).unwrap().all().unwrap();
    assert_eq!(entries.len(), 3);
    for entry in &entries {
        // Whoever lost its answer did not commit again.
        assert_eq!(server.writes(&format!("team/modules/{}", entry.slot)), entry.generation);
    }
}
