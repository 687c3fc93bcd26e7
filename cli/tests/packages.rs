//! Job tests of importing tar archives, packages of Linux and packed files: good ones and bad.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;

use serde_json::Value;
use support::archives::{DEFLATED, cpio, deb, gzip, rpm, tar, xz, zip, zstd};
use support::{Run, Sandbox, json_lines, object, testdata};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const OTHER: &str = "rust-O2-dwarf5.so";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(object(name)).unwrap()
}

/// Imports `contents` as a file called `name`; paths of reports begin with that name.
fn import(sandbox: &Sandbox, name: &str, contents: &[u8]) -> (Run, Vec<(String, String)>) {
    let path = sandbox.write(name, contents);
    let run = sandbox.run(["import", "--json", path.to_str().unwrap()]);
    let folder = format!("{}/", sandbox.path("").to_str().unwrap().trim_end_matches('/'));
    let text = |value: &Value| value.as_str().unwrap().replace(&folder, "");
    let reports = json_lines(&run.stdout);
    let reports = reports.iter().filter(|report| report.get("path").is_some());
    let reports = reports.map(|report| (text(&report["path"]), text(&report["status"]))).collect();
    (run, reports)
}

fn imported(paths: &[&str]) -> Vec<(String, String)> {
    paths.iter().map(|path| ((*path).to_owned(), "imported".to_owned())).collect()
}

/// The names and ids of the store's modules.
fn modules(sandbox: &Sandbox) -> Vec<(String, String)> {
    let listed = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed.iter().map(|module| (text(&module["name"]), text(&module["id"]))).collect()
}

#[test]
fn archives_of_unix_are_opened() {
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    let map = fs::read(testdata("mapping/builds/hall.mapping.txt")).unwrap();
    let plain = tar(&[
        ("./usr/lib/libfirst.so", &first),
        ("./usr/share/doc/x/README", b"text"),
        ("./usr/lib/libsecond.so", &second),
        ("./mapping.txt", &map),
    ]);
    for (name, archive) in [
        ("x.tar", plain.clone()),
        ("x.tar.gz", gzip(&plain)),
        ("x.tar.xz", xz(&plain)),
        ("x.tar.zst", zstd(&plain)),
        // What it is, its first bytes say.
        ("x", zstd(&plain)),
    ] {
        let sandbox = Sandbox::new();
        let (run, reports) = import(&sandbox, name, &archive);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}");
        let want = ["usr/lib/libfirst.so", "usr/lib/libsecond.so", "mapping.txt"];
        let want = want.map(|member| format!("{name}!./{member}"));
        assert_eq!(reports, imported(&want.each_ref().map(String::as_str)), "{name}");
        let summary = json_lines(&run.stdout).pop().unwrap();
        assert_eq!(summary["skipped"], 1, "{name}");
        assert_eq!(modules(&sandbox).len(), 3, "{name}");
        let resolved =
            sandbox.run(["resolve", "--module", "libfirst.so", "--style", "json", "0x1146"]);
        assert!(resolved.stdout.contains("weigh<unsigned int>"), "{}", resolved.stdout);
    }
}

#[test]
fn packages_are_opened() {
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    let members: [(&str, &[u8]); 2] =
        [("./usr/lib/libfirst.so", &first), ("./usr/lib/libsecond.so", &second)];
    let data = tar(&members);
    for (name, package, inner) in [
        ("x.deb", deb(&data, ""), "(data.tar)"),
        ("x.deb", deb(&gzip(&data), ".gz"), "(data.tar.gz)"),
        ("x.deb", deb(&xz(&data), ".xz"), "(data.tar.xz)"),
        ("x.deb", deb(&zstd(&data), ".zst"), "(data.tar.zst)"),
        ("x.rpm", rpm(&cpio(&members)), ""),
        ("x.rpm", rpm(&gzip(&cpio(&members))), ""),
        ("x.rpm", rpm(&xz(&cpio(&members))), ""),
        ("x.rpm", rpm(&zstd(&cpio(&members))), ""),
    ] {
        let sandbox = Sandbox::new();
        let (run, reports) = import(&sandbox, name, &package);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name} {inner}");
        let want = ["libfirst.so", "libsecond.so"]
            .map(|member| format!("{name}{inner}!./usr/lib/{member}"));
        assert_eq!(reports, imported(&want.each_ref().map(String::as_str)), "{name} {inner}");
    }
    // A package in an artifact of a build, which is a zip file.
    let sandbox = Sandbox::new();
    let artifact = zip(&[("x.deb", DEFLATED, &deb(&xz(&data), ".xz"))]);
    assert_eq!(import(&sandbox, "artifact.zip", &artifact).0.code, 0);
    let checked = sandbox.run(["check", "--json", sandbox.path("artifact.zip").to_str().unwrap()]);
    let lines = json_lines(&checked.stdout);
    assert_eq!((checked.code, lines.len(), &lines[2]["good"]), (0, 3, &2.into()));
}

#[test]
fn packed_files_are_opened() {
    let first = fixture(FIXTURE);
    for (name, packed) in [
        ("libfirst.so.debug.gz", gzip(&first)),
        ("libfirst.so.debug.xz", xz(&first)),
        ("libfirst.so.debug.zst", zstd(&first)),
    ] {
        let sandbox = Sandbox::new();
        let (run, reports) = import(&sandbox, name, &packed);
        assert_eq!((run.code, reports), (0, imported(&[name])), "{name} {}", run.stderr);
        assert_eq!(modules(&sandbox)[0].0, "libfirst.so.debug", "{name}");
        // A single file stands for what is in it.
        let path = sandbox.path(name);
        let run = sandbox.run(["resolve", "-e", path.to_str().unwrap(), "0x1146"]);
        assert!(run.stdout.contains("weigh<unsigned int>"), "{name}: {}", run.stdout);
    }
    let map = fs::read(testdata("mapping/builds/hall.mapping.txt")).unwrap();
    let sandbox = Sandbox::new();
    let (run, reports) = import(&sandbox, "mapping.txt.zst", &zstd(&map));
    assert_eq!((run.code, reports), (0, imported(&["mapping.txt.zst"])));
    // Others are passed over in folders.
    fs::create_dir(sandbox.path("logs")).unwrap();
    sandbox.write("logs/a.log.xz", xz(b"a log\n"));
    sandbox.write("logs/b.so.xz", xz(&first));
    let run = sandbox.run(["import", "--json", sandbox.path("logs").to_str().unwrap()]);
    assert_eq!(json_lines(&run.stdout)[1]["skipped"], 1, "{}", run.stdout);
}

/// Imports what `spoil` makes of `whole`: it fails, and its last report's reason has `reason`.
fn refused(name: &str, contents: &[u8], reason: &str) {
    let sandbox = Sandbox::new();
    let (run, _) = import(&sandbox, name, contents);
    assert_eq!(run.code, 1, "{name}: {}", run.stdout);
    assert!(run.stderr.contains(reason), "{name}: {}", run.stderr);
}

#[test]
fn what_is_cut_off_is_named() {
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    let plain = tar(&[("first.so", &first), ("second.so", &second)]);
    // Within the second member: the first is there.
    let sandbox = Sandbox::new();
    let (run, reports) = import(&sandbox, "x.tar", &plain[..first.len() + 4096]);
    assert_eq!((run.code, &reports[0]), (1, &imported(&["x.tar!first.so"])[0]));
    let reason = "x.tar!second.so: damaged archive (it reaches beyond the archive)";
    assert!(run.stderr.contains(reason), "{}", run.stderr);
    // Between members.
    let end = 512 + first.len().next_multiple_of(512);
    refused("x.tar", &plain[..end], "x.tar: damaged archive (it ends without the mark of its end)");
    for packed in [gzip(&plain), xz(&plain), zstd(&plain)] {
        let cut = &packed[..packed.len() - 20];
        refused("x.tar.packed", cut, "x.tar.packed: damaged archive (");
    }
    let list = cpio(&[("first.so", &first)]);
    refused("x.cpio", &list[..list.len() - 124], "x.cpio: damaged archive (no header at byte");
    refused("x.cpio", &list[..5000], "x.cpio!first.so: damaged archive (it reaches beyond");
    let package = rpm(&zstd(&list));
    refused("x.rpm", &package[..110], "x.rpm: damaged archive (its headers end early)");
    refused("x.rpm", &package[..package.len() - 20], "x.rpm: damaged archive (");
    refused("x.rpm", &rpm(b"BZh91AY&SY"), "packed with method bzip2");
    refused("x.rpm", &rpm(b""), "x.rpm: damaged archive (it ends early)");
}

#[test]
fn bombs_are_not_unpacked() {
    // 80 MiB of zeros behind an object take some kilobytes.
    let mut large = fixture(FIXTURE);
    large.resize(80 << 20, 0);
    for (name, bomb) in [("x.so.zst", zstd(&large)), ("x.tar.gz", gzip(&tar(&[("x.so", &large)])))]
    {
        refused(name, &bomb, &format!("{name}: 671"));
        refused(name, &bomb, "bytes once unpacked, over the limit of 67108864");
    }
    // Each of many members could be unpacked, but not all of them.
    let mut part = fixture(FIXTURE);
    part.resize(30 << 20, 0);
    let part = zstd(&part);
    let members = [("a.so.zst", &part[..]), ("b.so.zst", &part), ("c.so.zst", &part)];
    let sandbox = Sandbox::new();
    let (run, reports) = import(&sandbox, "x.tar", &tar(&members));
    let statuses: Vec<&str> = reports.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(
        (run.code, statuses),
        (1, vec!["imported", "unchanged", "failed"]),
        "{}",
        run.stderr
    );
    // Packed seven times.
    let nested = (0..7).fold(fixture(FIXTURE), |inner, _| gzip(&gzip(&inner)[..]));
    refused("x.gz", &nested, "an archive within too many archives");
}

#[test]
fn names_and_links_do_no_harm() {
    let first = fixture(FIXTURE);
    let sandbox = Sandbox::new();
    let members =
        [("../../escape.so", &first[..]), ("/etc/absolute.so", &first), ("a\x1b[2Jb.so", &first)];
    let (run, reports) = import(&sandbox, "x.tar", &tar(&members));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let paths: Vec<&str> = reports.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        ["x.tar!../../escape.so", "x.tar!/etc/absolute.so", "x.tar!a\u{fffd}[2Jb.so"]
    );
    assert!(!sandbox.path("../../escape.so").exists());
    // Links lead nowhere, those in a circle neither.
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, target) in [
        (tar::EntryType::Symlink, "a.so", "/etc/passwd"),
        (tar::EntryType::Symlink, "b.so", "b.so"),
        (tar::EntryType::Link, "c.so", "../../x"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, name, target).unwrap();
    }
    let links = builder.into_inner().unwrap();
    refused("links.tar", &links, "links.tar: no object files in this archive");
}

#[test]
fn files_with_holes_are_named() {
    let mut header = tar::Header::new_gnu();
    header.set_path("x.so").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    header.as_gnu_mut().unwrap().set_real_size(0);
    header.set_cksum();
    let archive = [&header.as_bytes()[..], &[0; 1024]].concat();
    refused("x.tar", &archive, "x.tar!x.so: packed with method GNU sparse");
}
