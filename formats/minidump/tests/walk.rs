//! Walks of dumps against what a debugger said of the living process, or a shadow stack.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use support::rows::Tables;
use support::{LINUX, count, dump, places, testdata, truth};
use symtool_minidump::{FrameTrust, Minidump, WalkEnd};

/// Walks a dump with the rows of symbol files, and compares all frames.
fn check(name: &str, tables: &mut Tables) {
    let bytes = dump(name);
    let dump = Minidump::read(&bytes).unwrap();
    assert!(dump.faults.is_empty(), "{name}: {}", dump.faults);
    let (walk, truth) = (dump.walk(tables), truth(name));
    let system = dump.system.as_ref().unwrap();
    let exception = dump.exception.as_ref().unwrap();
    assert_eq!(exception.reason(system), truth.reason, "{name}");
    assert_eq!(exception.crash_address(system), truth.address, "{name}");
    assert_eq!(walk.crashed.map(|at| walk.threads[at].id), Some(truth.crashed), "{name}");
    let found = places(&dump, &walk);
    assert_eq!(found.len(), truth.threads.len(), "{name}");
    for (id, want) in &truth.threads {
        let (_, got) = found.iter().find(|(known, _)| known == id).unwrap();
        let differs = want.iter().zip(got).position(|(want, got)| want != got);
        let at = differs.unwrap_or(want.len().min(got.len()));
        let next = |frames: &[support::Place]| frames.get(at).cloned();
        assert_eq!(
            (differs, got.len()),
            (None, want.len()),
            "{name}: thread {id}, frame {at}: {:x?} is not {:x?}",
            next(got),
            next(want)
        );
    }
    assert_eq!(count(&walk, FrameTrust::Scan), 0, "{name}");
}

#[test]
fn frames_of_linux_are_those_of_gdb() {
    for name in LINUX.into_iter().filter(|name| *name != "c6") {
        let bytes = dump(name);
        let mut tables =
            Tables::of_symbols(&Minidump::read(&bytes).unwrap(), &testdata("minidump"));
        assert!(tables.0.len() >= 4);
        check(name, &mut tables);
    }
}

#[test]
fn a_stack_that_is_not_in_the_dump_is_told() {
    let bytes = dump("c6");
    let dump = Minidump::read(&bytes).unwrap();
    let walk = dump.walk(&mut Tables::of_symbols(&dump, &testdata("minidump")));
    let crashed = &walk.threads[walk.crashed.unwrap()];
    let context = crashed.context.as_ref().unwrap();
    assert!(matches!(crashed.end, WalkEnd::NoMemory(address) if address >= context.sp() - 8));
    assert_eq!(crashed.frames.len(), 1);
    let frames: usize = walk.threads.iter().map(|thread| thread.frames.len()).sum();
    assert_eq!((frames, count(&walk, FrameTrust::Scan)), (58, 0));
}

#[test]
fn frames_of_windows_are_those_of_the_shadow_stack() {
    for name in ["shop64", "shoparm64"] {
        let image = testdata(&format!("windows/{name}.dll"));
        check(name, &mut Tables::of_image(&image));
    }
    for name in ["shop64", "shop86", "shop86fp"] {
        let bytes = dump(name);
        let dump = Minidump::read(&bytes).unwrap();
        check(name, &mut Tables::of_symbols(&dump, &testdata("minidump")));
    }
}
