//! Every layout, from a folder and from a server; packed files; what minidumps need.

use std::fs;
use std::path::{Path, PathBuf};

use crate::server::{Reply, Server};
use crate::support::events::{Build, event};
use crate::support::{Sandbox, minidump, minidump_modules, object, testdata};
use crate::{count, digits, fetch, library, on_server, settings, stored, waiting};

/// A server of the files in `folder`.
fn serve(folder: &Path) -> Server {
    let folder = folder.to_owned();
    Server::new(move |request, _| {
        let path = request.path.split('?').next().unwrap().trim_start_matches('/');
        let path = path.replace("%2B", "+").replace("%20", " ");
        fs::read(folder.join(path)).map_or(Reply::Status(404), Reply::File)
    })
}

fn folder(layout: &str, path: &Path) -> String {
    format!("[[source]]\ntype = \"{layout}\"\npath = \"{}\"\n", path.display())
}

/// Lays `files` out as `layout`.
fn laid_out(sandbox: &Sandbox, layout: &str, files: &[PathBuf]) -> PathBuf {
    let folder = sandbox.path(&format!("served-{layout}"));
    let mut command = sandbox.command();
    command.args(["modules", "export", "--layout", layout]).arg(&folder).args(files);
    assert!(command.output().unwrap().status.success());
    folder
}

/// A crash in a fixture, in a store of its own.
fn crashed(build: &Build, function: &str) -> Sandbox {
    let sandbox = Sandbox::in_memory();
    let path = sandbox.write("crash.json", event(1, build, &[function]));
    let added = sandbox.run(["crash".as_ref(), "add".as_ref(), path.as_os_str()]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    sandbox
}

#[test]
fn elf_files_come_from_every_layout() {
    let build = Build::of("c-gcc-O2-dwarf4.so");
    let file = object("c-gcc-O2-dwarf4.so");
    let maker = Sandbox::new();
    maker.import("c-gcc-O2-dwarf4.so");
    for layout in ["debuginfod", "gdb", "ssqp", "breakpad"] {
        let files = if layout == "breakpad" { &[][..] } else { std::slice::from_ref(&file) };
        let files = laid_out(&maker, layout, files);
        let server = serve(&files);
        let url = format!("{}?token=hidden", server.url());
        for source in [folder(layout, &files), on_server(layout, &url)] {
            let sandbox = crashed(&build, "scan_next");
            settings(&sandbox, &source);
            let (run, modules, _) = fetch(&sandbox, &[]);
            assert_eq!((run.code, count(&modules, "fetched")), (0, 1), "{layout}: {}", run.stderr);
            assert!(!run.stdout.contains("hidden"), "{}", run.stdout);
            assert_eq!(stored(&sandbox).into_iter().next().as_deref(), Some(&*build.id));
            // It has the name that it has on the device.
            let list = sandbox.run(["modules", "list", "--json"]);
            assert!(list.stdout.contains("\"name\":\"c-gcc-O2-dwarf4.so"), "{}", list.stdout);
            let resolved = sandbox.run(["resolve", "--module", &build.id, "0x1146"]);
            assert_eq!(resolved.code, 0, "{}", resolved.stderr);
            assert!(sandbox.run(["missing"]).stdout.is_empty());
        }
    }
}

#[test]
fn mach_o_and_windows_files_come_by_their_ids() {
    let maker = Sandbox::new();
    let macho = fs::read(object("macho-c-x86_64-O2-dwarf5")).unwrap();
    let (macho, windows) = (maker.write("pool", macho), testdata("windows"));
    let files = [windows.join("shop64.dll"), windows.join("shop64.pdb"), macho];
    let ssqp = serve(&laid_out(&maker, "ssqp", &files));
    let lldb = laid_out(&maker, "lldb", &files[2..]);
    let event = serde_json::json!({
        "event_id": format!("{:032x}", 7), "platform": "native", "timestamp": 1_700_000_000,
        "exception": {"values": [{"type": "x", "stacktrace": {"frames": [
            {"instruction_addr": "0x10001000"}, {"instruction_addr": "0x20001000"}]}}]},
        "debug_meta": {"images": [
            {"type": "pe", "code_file": "C:\\app\\Shop64.dll", "image_addr": "0x10000000",
             "debug_id": "3723f168-66a9-9c53-4c4c-44205044422e-1", "code_id": "4F2596DA6000", "image_size": 0x6000},
            {"type": "macho", "code_file": "/app/pool", "image_addr": "0x20000000",
             "debug_id": "4C4C44C0-5555-3144-A12D-99D5AC2C14D4", "image_size": 0x10_0000}]},
    });
    for sources in
        [on_server("ssqp", &ssqp.url()), folder("lldb", &lldb) + &on_server("ssqp", &ssqp.url())]
    {
        let sandbox = Sandbox::in_memory();
        let path = sandbox.write("crash.json", event.to_string());
        sandbox.run(["crash".as_ref(), "add".as_ref(), path.as_os_str()]);
        settings(&sandbox, &sources);
        let (run, modules, _) = fetch(&sandbox, &["--all"]);
        assert_eq!(count(&modules, "fetched"), 2, "{}{}", run.stdout, run.stderr);
        let ids = stored(&sandbox);
        let want = ["3723f16866a99c534c4c44205044422e00000001", "4c4c44c055553144a12d99d5ac2c14d4"];
        assert_eq!(ids, want.map(str::to_owned).into());
    }
}

#[test]
fn packed_answers_are_unpacked_and_cabinets_are_named() {
    let sandbox = waiting(0..3);
    let server = Server::new(|request, _| {
        let of = |number| request.path == format!("/buildid/{}/debuginfo", digits(number));
        if of(0) {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packed, &library(0)).unwrap();
            return Reply::File(packed.finish().unwrap());
        }
        if of(1) {
            return Reply::File(zstd::encode_all(&*library(1), 1).unwrap());
        }
        if of(2) { Reply::File(b"MSCF\0\0\0\0".to_vec()) } else { Reply::Status(404) }
    });
    settings(&sandbox, &on_server("debuginfod", &server.url()));
    let (run, modules, _) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "fetched")), (1, 2), "{}", run.stderr);
    assert!(run.stderr.contains("a cabinet, which is not read; expand it"), "{}", run.stderr);
    assert_eq!(stored(&sandbox), [digits(0), digits(1)].into());
}

#[test]
fn minidumps_get_their_unwind_data() {
    let maker = Sandbox::new();
    for file in minidump_modules(&maker) {
        let imported = maker.run(["import".as_ref(), file.as_os_str()]);
        assert_eq!(imported.code, 0, "{}", imported.stderr);
    }
    let symbols = laid_out(&maker, "breakpad", &[]);
    let sandbox = Sandbox::in_memory();
    let dump = sandbox.write("c1.dmp", minidump("c1.dmp"));
    sandbox.run(["crash".as_ref(), "add".as_ref(), dump.as_os_str()]);
    let lacks = |sandbox: &Sandbox| sandbox.run(["missing", "--json"]).stdout;
    assert!(lacks(&sandbox).contains("\"unwind\""), "{}", lacks(&sandbox));
    settings(&sandbox, &folder("breakpad", &symbols));
    // A walk may need more modules than the one before.
    for _ in 0..4 {
        let (run, ..) = fetch(&sandbox, &[]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let again = sandbox.run(["reprocess"]);
        assert_eq!(again.code, 0, "{}", again.stderr);
    }
    assert!(stored(&sandbox).len() > 1, "{:?}", stored(&sandbox));
    assert!(!lacks(&sandbox).contains("victim"), "{}", lacks(&sandbox));
}

#[test]
fn a_dump_of_windows_gets_its_image_and_its_pdb() {
    let maker = Sandbox::new();
    let files = ["shop64.dll", "shop64.pdb"].map(|name| testdata("windows").join(name));
    let server = serve(&laid_out(&maker, "ssqp", &files));
    let sandbox = Sandbox::in_memory();
    let dump = testdata("minidump/shop64.dmp");
    sandbox.run(["crash".as_ref(), "add".as_ref(), dump.as_os_str()]);
    settings(&sandbox, &on_server("ssqp", &server.url()));
    let (run, modules, _) = fetch(&sandbox, &[]);
    assert_eq!((run.code, count(&modules, "fetched")), (0, 1), "{}{}", run.stdout, run.stderr);
    let kinds: Vec<&str> = modules
        .iter()
        .flat_map(|module| module["files"].as_array().unwrap())
        .map(|file| file["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["debug", "executable"], "{}", run.stdout);
    assert!(!sandbox.run(["missing"]).stdout.contains("shop64"));
}
