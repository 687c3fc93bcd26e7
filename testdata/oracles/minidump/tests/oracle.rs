//! What is read of the dumps, against what the crate `minidump` 0.27 reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use minidump::{
    MinidumpException, MinidumpMemoryList, MinidumpModuleList, MinidumpSystemInfo,
    MinidumpThreadList, MinidumpThreadNames, Module,
};
use symtool_minidump::{CodeView, Context, Minidump};
use symtool_unwind::Register;

/// The dumps of Linux and of Windows.
const LINUX: [&str; 7] = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];
const WINDOWS: [&str; 4] = ["shop64", "shop86", "shop86fp", "shoparm64"];

/// The bytes of a dump, unpacked.
fn dump(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../minidump");
    let packed = folder.join(format!("{name}.dmp.zst"));
    match std::fs::read(&packed) {
        Ok(bytes) => zstd::decode_all(bytes.as_slice()).unwrap(),
        Err(_) => std::fs::read(packed.with_extension("")).unwrap(),
    }
}

/// The registers of a context under the names that the other reader gives them.
const X64: [&str; 17] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "rip",
];
const X86: [&str; 9] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"];

fn assert_same_registers(ours: &Context, theirs: &minidump::MinidumpContext, about: &str) {
    let arm: Vec<String> = (0..29).map(|number| format!("x{number}")).collect();
    let names: Vec<&str> = match ours.cpu().name() {
        "amd64" => X64.to_vec(),
        "x86" => X86.to_vec(),
        "arm64" => arm.iter().map(String::as_str).chain(["fp", "lr", "sp", "pc"]).collect(),
        other => panic!("{other}"),
    };
    assert_eq!(ours.registers().len(), names.len(), "{about}");
    for (name, number) in names.iter().zip(0..) {
        let theirs = theirs.get_register(name);
        assert_eq!(ours.get(Register(number)), theirs, "{about}: {name}");
    }
}

fn check(name: &str, bytes: &[u8]) {
    let ours = Minidump::read(bytes).unwrap();
    let theirs = minidump::Minidump::read(bytes).unwrap();
    let system = theirs.get_stream::<MinidumpSystemInfo>().unwrap();
    let own = ours.system.as_ref().unwrap();
    assert_eq!(own.cpu.name(), system.cpu.to_string(), "{name}");
    assert_eq!(own.os.name().to_lowercase(), system.os.long_name().to_lowercase(), "{name}");
    assert_eq!(own.service_pack.as_deref().unwrap_or(""), system.csd_version().unwrap(), "{name}");

    let crash = theirs.get_stream::<MinidumpException<'_>>().unwrap();
    let exception = ours.exception.as_ref().unwrap();
    assert_eq!(exception.thread, crash.get_crashing_thread_id(), "{name}");
    let reason = crash.get_crash_reason(system.os, system.cpu).to_string();
    assert_eq!(exception.reason(own), reason, "{name}");
    let address = crash.get_crash_address(system.os, system.cpu);
    assert_eq!(exception.crash_address(own), address, "{name}");
    let context = crash.context(&system, None).unwrap();
    assert_same_registers(&ours.context(exception.context).unwrap(), &context, name);

    let threads = theirs.get_stream::<MinidumpThreadList<'_>>().unwrap();
    let memory = theirs.get_stream::<MinidumpMemoryList<'_>>().unwrap();
    let memory = minidump::UnifiedMemoryList::Memory(memory);
    let names = theirs.get_stream::<MinidumpThreadNames>().unwrap_or_default();
    assert_eq!(ours.threads.len(), threads.threads.len(), "{name}");
    for (own, thread) in ours.threads.iter().zip(&threads.threads) {
        let about = format!("{name}: thread {}", own.id);
        assert_eq!(own.id, thread.raw.thread_id, "{about}");
        assert_eq!(own.name.as_deref(), names.get_name(own.id).as_deref(), "{about}");
        let context = thread.context(&system, None).unwrap();
        assert_same_registers(&ours.context(own.context).unwrap(), &context, &about);
        let stack = thread.stack_memory(&memory).unwrap();
        assert_eq!(own.stack_start, stack.base_address(), "{about}");
        let mut bytes = vec![0; stack.bytes().len()];
        assert!(ours.memory.read(own.stack_start, &mut bytes), "{about}");
        assert_eq!(bytes, stack.bytes(), "{about}");
    }

    let modules = theirs.get_stream::<MinidumpModuleList>().unwrap();
    let theirs: Vec<&minidump::MinidumpModule> = modules.iter().collect();
    assert_eq!(ours.modules.len(), theirs.len(), "{name}");
    for (own, module) in ours.modules.iter().zip(theirs) {
        let about = format!("{name}: {:?}", own.name);
        assert_eq!((own.base, own.size), (module.base_address(), module.size()), "{about}");
        assert_eq!(own.name.as_deref(), Some(&*module.code_file()), "{about}");
        let id = module.debug_identifier().unwrap();
        match &own.code_view {
            CodeView::Pdb70 { guid, age, file } => {
                assert_eq!((guid, *age), (id.uuid().as_bytes(), id.appendix()), "{about}");
                assert_eq!(Some(file.as_str()), module.debug_file().as_deref(), "{about}");
            }
            CodeView::Elf(bytes) => {
                let id = module.code_identifier().unwrap();
                let own = own.id(ours.os().unwrap()).unwrap();
                assert_eq!((&own.bytes, own.to_string()), (bytes, id.to_string()), "{about}");
            }
            other => panic!("{about}: {other:?}"),
        }
    }
}

#[test]
fn parts_of_a_dump_are_those_of_another_reader() {
    for name in LINUX.into_iter().chain(WINDOWS) {
        check(name, &dump(name));
    }
}

/// Crashpad's stream of `c1`: the other reader keeps its annotations.
#[test]
fn annotations_are_those_of_another_reader() {
    let bytes = dump("c1");
    let ours = Minidump::read(&bytes).unwrap();
    let theirs = minidump::Minidump::read(bytes.as_slice()).unwrap();
    let theirs = theirs.get_stream::<minidump::MinidumpCrashpadInfo>().unwrap();
    let own = ours.crashpad.as_ref().unwrap();
    let id =
        |id: Option<[u8; 16]>| id.unwrap_or_default().map(|byte| format!("{byte:02x}")).concat();
    let plain = |id: &minidump::format::GUID| id.to_string().replace('-', "");
    assert_eq!(id(own.report_id), plain(&theirs.raw.report_id));
    assert_eq!(id(own.client_id), plain(&theirs.raw.client_id));
    assert_ne!(own.report_id, None);
    let annotations = theirs.simple_annotations.into_iter().collect::<Vec<_>>();
    let mut own_annotations = own.annotations.clone();
    own_annotations.sort();
    assert_eq!(own_annotations, annotations);
    assert_eq!(own.modules.len(), theirs.module_list.len());
}
