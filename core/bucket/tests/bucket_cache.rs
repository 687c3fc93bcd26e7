//! The cache of a bucket: small, offline, of one bucket.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use support::server::Server;
use support::{
    LONG, NAMES, cached, connect, files, folder, found, import, local, named, options, requests,
    url,
};
use symtool_bucket::{BucketError, CacheOptions, CachedBucket};

#[test]
fn a_small_cache_gives_the_same_answers() {
    let (server, folder) = (Server::start(), folder());
    let more = ["c-clang-O2-dwarf5.so", "cpp-clang-O2-dwarf5.so"];
    let names: Vec<&str> = NAMES.into_iter().chain(more).collect();
    import(&server, &folder.path().join("a"), &files(&names), None);
    let local = local(&folder.path().join("local"), &names);
    let catalog = local.catalog();
    let modules = catalog.modules().unwrap();
    let quota = modules.iter().map(|module| module.record.bytes_stored).max();
    let small = CacheOptions { quota, ..options() };
    let mut sizes = BTreeSet::new();
    for round in 0..2 {
        for want in modules {
            let cache = CachedBucket::new(
                connect(&server, LONG),
                None,
                &folder.path().join("cache"),
                small,
            );
            let builds = cache.find(&[named(want.record.id.as_str())]).unwrap().remove(0);
            let brought = cache.bring(&builds).unwrap();
            let segment = brought.reader.segment(&brought.modules[0]).unwrap();
            assert_eq!(segment, local.segment(want).unwrap(), "{round} {}", want.record.name);
            let catalog = brought.reader.catalog();
            let held = catalog.modules().unwrap().iter().map(|module| module.record.bytes_stored);
            sizes.insert(held.sum::<u64>());
        }
    }
    assert!(sizes.last().copied() <= quota, "{sizes:?} {quota:?}");
}

#[test]
fn what_is_missing_is_remembered_and_offline_nothing_is_asked() {
    let (server, folder) = (Server::start(), folder());
    import(&server, &folder.path().join("a"), &files(&NAMES[..2]), None);
    let place = folder.path().join("cache");
    let with = |retry_missing, is_offline| {
        let options = CacheOptions { retry_missing, is_offline, ..options() };
        CachedBucket::new(connect(&server, LONG), None, &place, options)
    };
    let online = with(LONG, false);
    assert!(found(&online, &named("nobody.so")).is_empty());
    let builds = online.find(&[named(NAMES[0])]).unwrap().remove(0);
    online.bring(&builds).unwrap();
    server.seen();
    assert!(found(&with(LONG, false), &named("nobody.so")).is_empty());
    assert_eq!(requests(&server), ["GET symtool.json"]);
    assert!(found(&with(Duration::ZERO, false), &named("nobody.so")).is_empty());
    assert_eq!(requests(&server), ["GET symtool.json", "LIST names", "LIST names"]);
    // Asked again without luck, it is forgotten; so it is when something has come.
    assert!(found(&with(LONG, false), &named("nobody.so")).is_empty());
    server.seen();
    let offline = with(LONG, true);
    assert!(found(&offline, &named("nobody.so")).is_empty());
    let builds = offline.find(&[named(NAMES[0])]).unwrap().remove(0);
    assert_eq!(offline.bring(&builds).unwrap().modules.len(), 1);
    for unknown in [NAMES[1], "other.so"] {
        let error = offline.find(&[named(unknown)]).unwrap_err();
        assert!(matches!(error, BucketError::Offline { .. }) && error.may_pass(), "{error}");
    }
    online.forget_missing().unwrap();
    assert!(offline_again(&with(LONG, true)).may_pass());
    assert!(server.seen().is_empty());
}

fn offline_again(offline: &CachedBucket) -> BucketError {
    offline.find(&[named("nobody.so")]).unwrap_err()
}

#[test]
fn a_cache_is_one_bucket_s() {
    let (first, second, folder) = (Server::start(), Server::start(), folder());
    for server in [&first, &second] {
        import(server, &folder.path().join("a"), &files(&NAMES[..1]), None);
    }
    let place = folder.path().join("cache");
    assert_eq!(found(&cached(&first, &place, None), &named(NAMES[0])), [NAMES[0]]);
    let error = cached(&second, &place, None).find(&[named(NAMES[0])]).unwrap_err();
    assert!(matches!(error, BucketError::OtherCache { .. }), "{error}");
    assert!(error.to_string().contains(&url().to_string()));
}
