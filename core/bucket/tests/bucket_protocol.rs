//! What a bucket promises: what comes out is what went in, at the requests that it says, whoever
//! writes at the same time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::server::{Fault, Server};
use support::{
    LONG, NAMES, cached, connect, files, folder, found, halves, import, key, local, named, requests,
};
use symtool_bucket::{BucketError, BucketImport, CachedBucket};
use symtool_core::Import;
use symtool_store::{Reader, Store};

/// What comes out of a bucket is, block for block, what a store on disk would have.
#[test]
fn modules_come_back_as_they_went_in() {
    let (server, folder) = (Server::start(), folder());
    server.page(2);
    let summary = import(&server, &folder.path().join("a"), &files(&NAMES), None);
    assert_eq!((summary.imported, summary.unchanged), (3, 0));
    let summary = import(&server, &folder.path().join("b"), &files(&NAMES), None);
    assert_eq!((summary.imported, summary.unchanged), (0, 3));
    let local = local(&folder.path().join("local"), &NAMES);
    let catalog = local.catalog();
    let cache = cached(&server, &folder.path().join("cache"), None);
    for want in catalog.modules().unwrap() {
        let wanted = named(&want.record.name);
        let builds = cache.find(&[wanted]).unwrap().remove(0);
        let brought = cache.bring(&builds).unwrap();
        let [module] = &brought.modules[..] else { panic!("{}", brought.modules.len()) };
        let segment = |reader: &Reader, module| reader.segment(module).unwrap();
        assert_eq!(segment(&brought.reader, module), segment(&local, want));
    }
    assert_eq!(connect(&server, LONG).open(None).unwrap().all().unwrap().len(), 3);
}

#[test]
fn an_id_costs_two_requests_a_name_three_and_what_is_cached_one() {
    let (server, folder) = (Server::start(), folder());
    import(&server, &folder.path().join("a"), &files(&NAMES), None);
    let local = local(&folder.path().join("local"), &NAMES);
    let id = local.catalog().modules().unwrap()[0].record.id.to_string();
    server.seen();
    let ask = |cache: &CachedBucket, text: &str| {
        let builds = cache.find(&[named(text)]).unwrap().remove(0);
        assert_eq!(builds.len(), 1, "{text}");
        cache.bring(&builds).unwrap();
        requests(&server)
    };
    let cache = |name: &str| cached(&server, &folder.path().join(name), None);
    assert_eq!(ask(&cache("id"), &id), ["GET symtool.json", "GET modules", "GET segments"]);
    let list = ["GET symtool.json", "LIST ids", "GET modules", "GET segments"];
    assert_eq!(ask(&cache("prefix"), &id[..9]), list);
    let name = ["GET symtool.json", "LIST names", "GET modules", "GET segments"];
    let by_name = cache("name");
    assert_eq!(ask(&by_name, NAMES[0]), name);
    // The same process asks nothing twice; another one asks whether there is something newer.
    assert!(ask(&by_name, NAMES[0]).is_empty());
    assert_eq!(ask(&cache("id"), &id), ["GET symtool.json", "GET modules"]);
}

/// The builds of one name beside it, and the other modules, cost nothing.
#[test]
fn bytes_of_an_answer_do_not_grow_with_the_bucket() {
    let bytes = |modules: usize| {
        let (server, folder) = (Server::start(), folder());
        import(&server, &folder.path().join("a"), &files(&NAMES[..1]), None);
        server.fill("team", modules);
        server.bytes_sent();
        let cache = cached(&server, &folder.path().join("c"), None);
        let builds = cache.find(&[named(NAMES[0])]).unwrap().remove(0);
        cache.bring(&builds).unwrap();
        server.bytes_sent()
    };
    assert_eq!(bytes(10), bytes(10_000));
}

/// Code and debug file of one module, each by a process that has seen nothing of the other: however
/// the race ends, the module is what it is on one disk.
#[test]
fn the_loser_of_a_race_completes_what_the_winner_wrote() {
    let folder = folder();
    let pair = halves(folder.path());
    let store = Store::at(&folder.path().join("local"), LONG);
    for file in &pair {
        let summary = Import::of(vec![file.clone()]).run(&store, &|_| Ok(())).unwrap();
        assert_eq!(summary.imported, 1);
    }
    let local = store.read().unwrap();
    let want = local.segment(&local.catalog().modules().unwrap()[0]).unwrap();
    for round in 0..8 {
        let (server, place) = (Server::start(), folder.path().join(format!("round-{round}")));
        connect(&server, LONG).open_or_create(None).unwrap();
        std::thread::scope(|scope| {
            for (number, file) in pair.iter().enumerate() {
                let (server, place) = (&server, place.join(number.to_string()));
                scope.spawn(move || import(server, &place, std::slice::from_ref(file), None));
            }
        });
        let entries = connect(&server, LONG).open(None).unwrap().all().unwrap();
        assert_eq!((entries.len(), entries[0].generation), (1, 2), "round {round}");
        let cache = cached(&server, &place.join("cache"), None);
        let builds = cache.find(&[named("debug.so")]).unwrap().remove(0);
        let brought = cache.bring(&builds).unwrap();
        assert!(brought.reader.segment(&brought.modules[0]).unwrap() == want, "round {round}");
    }
}

#[test]
fn a_writer_that_was_killed_leaves_nothing_that_is_found() {
    let (server, folder) = (Server::start(), folder());
    import(&server, &folder.path().join("a"), &files(&NAMES[..1]), None);
    // The commit is never made.
    server.fail(|request| {
        let is_commit = request.key.starts_with("team/modules/") && request.method == "PUT";
        if is_commit { Fault::Status(403, "AccessDenied") } else { Fault::None }
    });
    let bucket = connect(&server, LONG).open(None).unwrap();
    let make = || Import::of(files(&NAMES[1..2]));
    let import = BucketImport {
        bucket: &bucket,
        key: None,
        folder: folder.path(),
        wait: LONG,
        import: &make,
    };
    let error = import.run(&|_| Ok(())).unwrap_err();
    assert!(error.may_pass(), "{error}");
    server.heal();
    let cache = cached(&server, &folder.path().join("cache"), None);
    assert!(found(&cache, &named(NAMES[1])).is_empty());
    assert_eq!(found(&cache, &named(NAMES[0])), [NAMES[0]]);
    let garbage = bucket.collect_garbage(false).unwrap();
    assert_eq!((garbage.modules, garbage.segments, garbage.markers), (1, 0, 0));
    assert!(garbage.young >= 3, "{garbage:?}");
    server.age(Duration::from_secs(90_000));
    let before = server.objects().len();
    let would = bucket.collect_garbage(true).unwrap();
    assert_eq!(server.objects().len(), before);
    let garbage = bucket.collect_garbage(false).unwrap();
    assert_eq!((would, garbage.segments, garbage.young), (garbage, 1, 0));
    assert_eq!(server.objects().len(), before - 1 - usize::try_from(garbage.markers).unwrap());
    assert_eq!(bucket.collect_garbage(true).unwrap().segments, 0);
    assert_eq!(
        found(&cached(&server, &folder.path().join("d"), None), &named(NAMES[0])),
        [NAMES[0]]
    );
}

/// That a module is not there is believed of no single answer by who removes what it refers to.
#[test]
fn garbage_is_not_collected_by_a_false_answer() {
    let (server, folder) = (Server::start(), folder());
    import(&server, &folder.path().join("a"), &files(&NAMES[..2]), None);
    let bucket = connect(&server, LONG).open(None).unwrap();
    server.age(Duration::from_secs(90_000));
    let before = server.objects();
    let is_told = AtomicBool::new(false);
    server.fail(move |request| {
        let is_read = request.key.starts_with("team/modules/") && request.method == "GET";
        let is_first = is_read && !is_told.swap(true, Ordering::Relaxed);
        if is_first { Fault::Status(404, "NoSuchKey") } else { Fault::None }
    });
    let error = bucket.collect_garbage(false).unwrap_err();
    assert!(error.may_pass(), "{error}");
    assert_eq!(server.objects(), before);
    assert_eq!(bucket.collect_garbage(false).unwrap().segments, 0);
    assert_eq!(server.objects(), before);
}

#[test]
fn storage_that_lets_everybody_win_is_refused() {
    let (server, folder) = (Server::start(), folder());
    server.ignore_conditions();
    let error = connect(&server, LONG).open_or_create(None).unwrap_err();
    assert!(matches!(error, BucketError::Unfit { .. }), "{error}");
    assert!(server.objects().is_empty());
    // One that was fit, and is so no more.
    let server = Server::start();
    import(&server, folder.path(), &files(&NAMES[..1]), None);
    server.ignore_conditions();
    let bucket = connect(&server, LONG).open(None).unwrap();
    assert!(matches!(bucket.probe(), Err(BucketError::Unfit { .. })));
    let error = connect(&server, LONG).open_or_create(None).unwrap_err();
    assert!(matches!(error, BucketError::Unfit { .. }), "{error}");
}

#[test]
fn a_bucket_is_made_once_and_opens_with_its_key_only() {
    let (server, [key, other]) = (Server::start(), [key(), key()]);
    let connection = connect(&server, LONG);
    assert!(matches!(connection.open(None), Err(BucketError::Missing { .. })));
    connection.open_or_create(Some(&key)).unwrap();
    let made = server.objects();
    connection.open_or_create(Some(&key)).unwrap();
    assert_eq!(server.objects(), made);
    assert!(matches!(connection.open(None), Err(BucketError::NoKey { .. })));
    assert!(matches!(connection.open(Some(&other)), Err(BucketError::WrongKey { .. })));
    let open = Server::start();
    connect(&open, LONG).open_or_create(None).unwrap();
    let error = connect(&open, LONG).open(Some(&key));
    assert!(matches!(error, Err(BucketError::Open { .. })));
}

#[test]
fn a_sealed_bucket_shows_no_name_and_opens_with_its_key_only() {
    let [key, other] = [key(), key()];
    let (server, folder) = (Server::start(), folder());
    import(&server, &folder.path().join("a"), &files(&NAMES), Some(&key));
    let id = local(&folder.path().join("local"), &NAMES).catalog().modules().unwrap()[0]
        .record
        .id
        .to_string();
    for (object, bytes) in server.objects() {
        let text = format!("{object} {}", String::from_utf8_lossy(&bytes));
        // Shorter texts stand in what is encrypted by chance.
        for secret in ["asm-gas", "gcc-O2", "dwarf5", "x86_64", "/src/", &id[..8]] {
            assert!(!text.contains(secret), "{object}: {secret}");
        }
    }
    let cache = cached(&server, &folder.path().join("cache"), Some(&key));
    for wanted in [named(NAMES[0]), named(&id), named(&id[..8])] {
        let builds = cache.find(&[wanted]).unwrap().remove(0);
        assert_eq!(cache.bring(&builds).unwrap().modules.len(), 1);
    }
    server.seen();
    let cache = cached(&server, &folder.path().join("other"), Some(&other));
    let error = cache.find(&[named(NAMES[0])]).unwrap_err();
    assert!(matches!(error, BucketError::WrongKey { .. }), "{error}");
    assert_eq!(requests(&server), ["GET symtool.json"]);
}

#[test]
fn what_killed_importers_left_on_disk_is_removed() {
    let (server, folder) = (Server::start(), folder());
    let left = folder.path().join("import-killed");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("segment"), "half").unwrap();
    import(&server, folder.path(), &files(&NAMES[..1]), None);
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with("import-")));
}
