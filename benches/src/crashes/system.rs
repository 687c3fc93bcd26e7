//! What the systems' own libraries contribute to stacks. They have no debug files, now or ever.

use super::platform::Platform;

/// Which library, and the function's name.
pub type Call = (usize, &'static str);

/// A platform's system.
#[derive(Debug)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    /// Its versions. Each has libraries of its own.
    pub versions: &'static [&'static str],
    /// Paths of its libraries.
    pub libraries: &'static [&'static str],
    /// What a signal handler returns to.
    pub trampoline: Call,
    /// What stands above a failed check, crash side first.
    pub abort: &'static [Call],
    /// What fails when it is given a bad pointer.
    pub memory: &'static [Call],
    /// What calls the app's event loop's handlers, crash side first.
    pub main: &'static [Call],
    /// What a thread begins with, crash side first.
    pub thread: &'static [Call],
    /// What a thread waits in, crash side first.
    pub idle: &'static [&'static [Call]],
    /// The signals that bugs end in: number, name.
    pub signals: &'static [(u8, &'static str)],
}

/// Bytes of a system library.
pub const LIBRARY_BYTES: u64 = 0x20_0000;

/// The system of `platform`.
pub fn system(platform: Platform) -> &'static System {
    match platform {
        Platform::Linux => &LINUX,
        Platform::Android => &ANDROID,
        Platform::Ios => &IOS,
    }
}

static LINUX: System = System {
    name: "Linux",
    versions: &["5.15.0", "6.1.0", "6.8.0"],
    libraries: &["/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libpthread.so.0"],
    trampoline: (0, "__restore_rt"),
    abort: &[(0, "pthread_kill"), (0, "raise"), (0, "abort")],
    memory: &[
        (0, "__memmove_avx_unaligned_erms"),
        (0, "__strlen_avx2"),
        (0, "malloc_consolidate"),
        (0, "_int_free"),
    ],
    main: &[(0, "__libc_start_call_main"), (0, "__libc_start_main")],
    thread: &[(1, "start_thread"), (0, "clone3")],
    idle: &[
        &[(0, "epoll_wait")],
        &[(0, "__futex_abstimed_wait_common"), (0, "pthread_cond_wait")],
        &[(0, "__poll")],
    ],
    signals: &[(11, "SIGSEGV"), (7, "SIGBUS"), (4, "SIGILL"), (8, "SIGFPE")],
};

static ANDROID: System = System {
    name: "Android",
    versions: &["11", "13", "14"],
    libraries: &[
        "/apex/com.android.runtime/lib64/bionic/libc.so",
        "/system/lib64/libutils.so",
        "/system/lib64/libandroid_runtime.so",
        "[vdso]",
    ],
    trampoline: (3, "__kernel_rt_sigreturn"),
    abort: &[(0, "abort")],
    memory: &[(0, "__memcpy"), (0, "__strlen_aarch64"), (0, "scudo_free")],
    main: &[
        (1, "android::Looper::pollInner(int)"),
        (1, "android::Looper::pollOnce(int, int*, int*, void**)"),
        (2, "android::AndroidRuntime::start"),
        (0, "__libc_init"),
    ],
    thread: &[(0, "__pthread_start(void*)"), (0, "__start_thread")],
    idle: &[
        &[(0, "__epoll_pwait"), (1, "android::Looper::pollInner(int)")],
        &[(0, "syscall"), (0, "__futex_wait_ex")],
        &[(0, "__ppoll")],
    ],
    signals: &[(11, "SIGSEGV"), (7, "SIGBUS"), (4, "SIGILL"), (8, "SIGFPE")],
};

static IOS: System = System {
    name: "iOS",
    versions: &["15.7", "16.6", "17.2"],
    libraries: &[
        "/usr/lib/system/libsystem_kernel.dylib",
        "/usr/lib/system/libsystem_pthread.dylib",
        "/usr/lib/system/libsystem_c.dylib",
        "/usr/lib/system/libsystem_platform.dylib",
        "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation",
        "/System/Library/PrivateFrameworks/UIKitCore.framework/UIKitCore",
    ],
    trampoline: (3, "_sigtramp"),
    abort: &[(0, "__pthread_kill"), (1, "pthread_kill"), (2, "abort")],
    memory: &[(3, "_platform_memmove"), (3, "_platform_strlen"), (2, "free")],
    main: &[
        (4, "__CFRunLoopDoSource0"),
        (4, "__CFRunLoopRun"),
        (4, "CFRunLoopRunSpecific"),
        (5, "UIApplicationMain"),
    ],
    thread: &[(1, "_pthread_start"), (1, "thread_start")],
    idle: &[
        &[(0, "mach_msg_trap"), (0, "mach_msg"), (4, "__CFRunLoopServiceMachPort")],
        &[(0, "__psynch_cvwait"), (1, "_pthread_cond_wait")],
        &[(0, "__workq_kernreturn")],
    ],
    signals: &[(11, "SIGSEGV"), (10, "SIGBUS"), (4, "SIGILL"), (5, "SIGTRAP")],
};

/// FNV-1a of `parts`, mixed: a number for what has no other.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
pub fn number_of(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ hash >> 32
}

impl System {
    /// The build-id or UUID of a library in a version.
    pub fn library_id(&self, version: usize, library: usize, bytes: usize) -> Vec<u8> {
        let parts = [self.name, self.versions[version], self.libraries[library]];
        let words =
            ["a", "b", "c"].map(|part| number_of(&[&parts[..], &[part]].concat()).to_be_bytes());
        words.concat()[..bytes].to_owned()
    }

    /// Where in its library a call of a function returns to.
    pub fn offset(&self, version: usize, call: Call) -> u64 {
        let (library, name) = call;
        let number = number_of(&[self.versions[version], self.libraries[library], name]);
        0x2000 + (number % (LIBRARY_BYTES - 0x4000)) / 4 * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crashes::platform::PLATFORMS;

    #[test]
    fn calls_name_libraries_and_lie_in_them() {
        for system in PLATFORMS.map(system) {
            let lists =
                [system.abort, system.memory, system.main, system.thread, &[system.trampoline]];
            for call in lists.into_iter().chain(system.idle.iter().copied()).flatten() {
                assert!(call.0 < system.libraries.len(), "{}", call.1);
                assert!((0x2000..LIBRARY_BYTES - 0x2000).contains(&system.offset(0, *call)));
                assert_ne!(system.offset(0, *call), system.offset(1, *call), "another version");
            }
            assert_ne!(system.library_id(0, 0, 16), system.library_id(1, 0, 16));
            assert_eq!(system.library_id(0, 0, 20).len(), 20);
        }
    }
}
