//! What the tests share: fixtures, unwind rows of modules, dumps made by hand.

#![allow(dead_code, reason = "each test uses some of it")]

pub mod build;
pub mod rows;

use std::path::{Path, PathBuf};

use serde_json::Value;
use symtool_minidump::{DumpWalk, FrameTrust, Minidump};

/// The dumps of Linux and of Windows.
pub const LINUX: [&str; 7] = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];
pub const WINDOWS: [&str; 4] = ["shop64", "shop86", "shop86fp", "shoparm64"];

pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// The bytes of a dump, unpacked.
pub fn dump(name: &str) -> Vec<u8> {
    let packed = testdata(&format!("minidump/{name}.dmp.zst"));
    match std::fs::read(&packed) {
        Ok(bytes) => zstd::decode_all(bytes.as_slice()).unwrap(),
        Err(_) => std::fs::read(packed.with_extension("")).unwrap(),
    }
}

/// The last component of a path of any system.
pub fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A frame as debuggers tell it: the module's name and the address in it.
pub type Place = (Option<String>, u64);

/// What a debugger, or a shadow stack, said of a dump.
pub struct Truth {
    pub crashed: u32,
    pub reason: String,
    pub address: u64,
    /// The physical frames of each thread, innermost first.
    pub threads: Vec<(u32, Vec<Place>)>,
}

fn hex(text: &Value) -> u64 {
    u64::from_str_radix(text.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

pub fn truth(name: &str) -> Truth {
    let text = std::fs::read_to_string(testdata(&format!("minidump/{name}.truth.json"))).unwrap();
    let told: Value = serde_json::from_str(&text).unwrap();
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let mut threads = Vec::new();
    for thread in told["threads"].as_array().unwrap() {
        let mut frames = Vec::new();
        for frame in thread["frames"].as_array().unwrap() {
            if frame["inlined"].as_bool().unwrap() {
                continue;
            }
            let module = frame["module"].as_str().map(str::to_owned);
            let times = frame["repeat"].as_u64().unwrap_or(1);
            for _ in 0..times {
                frames.push((module.clone(), hex(&frame["address"])));
            }
        }
        threads.push((number(&thread["id"]), frames));
    }
    let reason = told["reason"].as_str().unwrap().to_owned();
    Truth {
        crashed: number(&told["crashed_thread"]),
        reason,
        address: hex(&told["address"]),
        threads,
    }
}

/// The frames of a walk as debuggers tell them.
pub fn places(dump: &Minidump<'_>, walk: &DumpWalk) -> Vec<(u32, Vec<Place>)> {
    let place = |frame: &symtool_minidump::WalkFrame| match frame.module() {
        Some(module) => {
            let module = &dump.modules[module];
            let name = module.name.as_deref().map(|name| base_name(name).to_owned());
            (name, frame.address - module.base)
        }
        None => (None, frame.address),
    };
    walk.threads
        .iter()
        .map(|thread| (thread.id, thread.frames.iter().map(place).collect()))
        .collect()
}

/// How many frames of all threads were found in this way.
pub fn count(walk: &DumpWalk, trust: FrameTrust) -> usize {
    let frames = walk.threads.iter().flat_map(|thread| &thread.frames);
    frames.filter(|frame| frame.trust == trust).count()
}
