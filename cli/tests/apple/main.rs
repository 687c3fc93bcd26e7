//! Job tests of what comes from Apple's tools: bundles, universal files, debug maps, symbol maps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod bundles;
mod debug_maps;
#[path = "../support/mod.rs"]
mod support;
mod universal;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Run, Sandbox, json_lines, object};

fn import(sandbox: &Sandbox, paths: &[&Path]) -> Run {
    sandbox.run(
        ["import", "--json"]
            .iter()
            .map(AsRef::as_ref)
            .chain(paths.iter().map(|path| path.as_os_str())),
    )
}

/// Of each report: the last component of the path, and the status.
fn statuses(run: &Run) -> Vec<(String, String)> {
    let reports = json_lines(&run.stdout);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let last = |path: String| path.rsplit('/').next().unwrap().to_owned();
    reports
        .iter()
        .filter(|report| report.get("path").is_some())
        .map(|report| (last(text(&report["path"])), text(&report["status"])))
        .collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(path, status)| ((*path).to_owned(), (*status).to_owned())).collect()
}

/// Of every module: name, architecture, id.
fn modules(sandbox: &Sandbox) -> Vec<(String, String, String)> {
    let modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    let text = |module: &Value, key: &str| module[key].as_str().unwrap().to_owned();
    let mut modules: Vec<_> = modules
        .iter()
        .map(|module| (text(module, "name"), text(module, "arch"), text(module, "id")))
        .collect();
    modules.sort();
    modules
}

/// Numbers of the header and of load commands, replaced by what they cannot be.
#[test]
fn load_commands_that_lie() {
    let image = fs::read(object("macho-image-dylib-arm64")).unwrap();
    let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let commands = usize::try_from(number(16)).unwrap();
    let mut places = vec![16, 20];
    let mut at = 32;
    for _ in 0..commands {
        let bytes = usize::try_from(number(at + 4)).unwrap();
        places.extend((at..at + bytes).step_by(4));
        at += bytes;
    }
    let (mut read, mut refused) = (0, 0);
    for chunk in places.chunks(40) {
        let sandbox = Sandbox::new();
        let mut paths = Vec::new();
        for (place, value) in chunk
            .iter()
            .flat_map(|place| [0, 7, 0x7fff_ffff, u32::MAX].map(|value| (*place, value)))
        {
            let mut broken = image.clone();
            broken[place..place + 4].copy_from_slice(&value.to_le_bytes());
            paths.push(sandbox.write(&format!("{place}-{value}"), broken));
        }
        let run = import(&sandbox, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        assert!(run.code == 0 || run.code == 1, "{}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        let found = statuses(&run);
        assert_eq!(found.len(), paths.len());
        let failed = found.iter().filter(|(_, status)| status == "failed").count();
        refused += failed;
        read += found.len() - failed;
    }
    assert!(read > 100 && refused > 20, "{read} read, {refused} refused");
}

#[test]
fn hidden_names_are_named_as_such() {
    let sandbox = Sandbox::new();
    let hidden = object("macho-symbolmap/hidden");
    let run = import(&sandbox, &[&hidden]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains(
            "names are hidden (`__hidden#…_`); pass the folder with its .bcsymbolmap file"
        ),
        "{}",
        run.stderr
    );
    let maps = object("macho-symbolmap/BCSymbolMaps");
    let run = sandbox.run([
        "import",
        "--json",
        "--force",
        "--bcsymbolmap",
        maps.to_str().unwrap(),
        hidden.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

/// Addresses are the file's own; the image base tells how to come from a process to them.
#[test]
fn image_bases_and_uuids_as_apple_writes_them() {
    let sandbox = Sandbox::new();
    assert_eq!(import(&sandbox, &[&object("macho-image-exec-arm64-chained")]).code, 0);
    let (name, _, id) = modules(&sandbox).remove(0);
    let shown = &json_lines(&sandbox.run(["modules", "show", "--json", &name]).stdout)[0];
    assert_eq!(shown["image_base"], 0x1_0000_0000_u64, "{shown}");
    let id = id.to_ascii_uppercase();
    let uuid = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    let run = sandbox.run(["resolve", "--module", &uuid, "0x100000000"]);
    assert!(run.stdout.contains("_mh_execute_header"), "{}{}", run.stdout, run.stderr);
}
