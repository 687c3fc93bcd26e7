//! Guards mapped files against another process that shortens them while they are read.
//!
//! The system answers a read beyond the new end with SIGBUS, which ends the process, and with it
//! everything else that it imports. Here a handler puts zeros in place of what is gone and
//! remembers that it did; who reads the file asks at the end ([`Guard::is_cut`]), and refuses it. A
//! signal that comes from elsewhere goes to whoever handled it before.

#![expect(
    unsafe_code,
    reason = "a signal handler, and memory in place of a file's, are calls to the system"
)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// Files that are guarded at once. Linux lets a process have some 65,000 mappings; a file beyond
/// that is mapped all the same.
const MAX_GUARDED: usize = 1 << 16;

/// The addresses of one mapped file; nothing where `start` is 0.
struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    is_cut: AtomicBool,
}

/// Read by the handler, which may neither wait for a lock nor ask for memory.
static SLOTS: [Slot; MAX_GUARDED] = [const {
    Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0), is_cut: AtomicBool::new(false) }
}; MAX_GUARDED];
/// As many of the slots have ever been used.
static USED: AtomicUsize = AtomicUsize::new(0);
/// Slots below [`USED`] that are free again.
static FREE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Guards the addresses of a mapping until dropped, which has to be before the mapping is.
#[derive(Debug)]
pub struct Guard(usize);

impl Guard {
    /// Guards `addresses`, all of which are one mapping of a file; `None` if too many are guarded
    /// already.
    pub fn new(addresses: Range<usize>) -> Option<Self> {
        HANDLER.install();
        let slot = {
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            match free.pop() {
                Some(slot) => slot,
                None => {
                    let slot = USED.load(Ordering::Relaxed);
                    SLOTS.get(slot)?;
                    USED.store(slot + 1, Ordering::Release);
                    slot
                }
            }
        };
        SLOTS[slot].is_cut.store(false, Ordering::Relaxed);
        SLOTS[slot].end.store(addresses.end, Ordering::Relaxed);
        SLOTS[slot].start.store(addresses.start, Ordering::Release);
        Some(Self(slot))
    }

    /// Whether something was read that is no longer there, and zeros were read instead.
    pub fn is_cut(&self) -> bool {
        SLOTS[self.0].is_cut.load(Ordering::Acquire)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        SLOTS[self.0].start.store(0, Ordering::Release);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
    }
}

/// The handler, and what handled the signal before it.
struct Handler {
    once: Once,
    page_bytes: AtomicUsize,
    before: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

static HANDLER: Handler = Handler {
    once: Once::new(),
    page_bytes: AtomicUsize::new(0),
    before: UnsafeCell::new(MaybeUninit::uninit()),
};

// SAFETY: `before` is written once, before the handler is there that reads it.
unsafe impl Sync for Handler {}

impl Handler {
    fn install(&self) {
        self.once.call_once(|| {
            // SAFETY: `action` is whole, and `handle` keeps to what a handler may do; `before`
            // belongs to this call alone. Where the system refuses, the signal goes on to do what
            // it did.
            unsafe {
                let page_bytes = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(0);
                self.page_bytes.store(page_bytes, Ordering::Relaxed);
                let before = (*self.before.get()).as_mut_ptr();
                libc::sigaction(libc::SIGBUS, ptr::null(), before);
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handle as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigemptyset(&raw mut action.sa_mask);
                libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut());
            }
        });
    }
}

extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system passes a valid `info`.
    let address = unsafe { (*info).si_addr() }.addr();
    if !replace(address) {
        pass_on(signal, info, context);
    }
}

/// Puts zeros in place of what is gone at `address` and behind it, if that is a guarded file's.
/// Neither waits nor allocates.
fn replace(address: usize) -> bool {
    let used = USED.load(Ordering::Acquire);
    let is_it = |slot: &&Slot| {
        let start = slot.start.load(Ordering::Acquire);
        start != 0 && (start..slot.end.load(Ordering::Relaxed)).contains(&address)
    };
    let Some(slot) = SLOTS.iter().take(used).find(is_it) else { return false };
    slot.is_cut.store(true, Ordering::Release);
    let page_bytes = HANDLER.page_bytes.load(Ordering::Relaxed).max(1);
    let page = address - address % page_bytes;
    let bytes = slot.end.load(Ordering::Relaxed) - page;
    // SAFETY: these pages are the rest of one mapping that nobody writes to and that stays until
    // its guard is gone. Threads that read it meanwhile read bytes of the file or zeros, either of
    // which is a byte.
    unsafe {
        // Succeeds or ends the process, so that nobody finds another errno than before.
        let at = ptr::with_exposed_provenance_mut(page);
        let mapped = libc::mmap(
            at,
            bytes,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        );
        mapped != libc::MAP_FAILED
    }
}

/// Leaves the signal to what handled it before.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: `before` was filled before this handler was installed; what it names is a handler of
    // the kind that it says.
    unsafe {
        let before = (*HANDLER.before.get()).assume_init_ref();
        match before.sa_sigaction {
            // Back in the instruction at fault, the process ends as it would have.
            libc::SIG_DFL | libc::SIG_IGN => {
                libc::signal(signal, libc::SIG_DFL);
            }
            handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
            handler => {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}
