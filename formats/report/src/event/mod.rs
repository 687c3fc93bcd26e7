//! The neutral value of a crash report: [`CrashEvent`], which every reader of reports produces.
//!
//! ```text
//! CrashEvent ─ images        what was loaded: id, path, where
//!            ─ threads       of which at most one crashed
//!            │   └ frames    crash side first
//!            └ exceptions    the one that ended the process first, then what it was caused by
//!                └ frames    where it was thrown, crash side first
//! ```
//!
//! Values are the report's own. What is computed instead says so where it stands.

pub mod error;
pub mod format;
pub mod frame;
pub mod image;
pub mod lookup;

use std::borrow::Cow;

pub use format::Format;
use frame::Frame;
use image::Image;
use symtool_module::Arch;

/// A crash, as one report tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashEvent {
    /// What the report was detected to be.
    pub format: Format,
    /// The id that its writer gave it, as written: with or without dashes, upper or lower case.
    pub event_id: Option<String>,
    /// Milliseconds since 1970-01-01 UTC. Computed from what the report has; a time without zone is
    /// taken as UTC, one without year is absent.
    pub time_ms: Option<i64>,
    /// Sentry's name of the platform (`cocoa`, `native`, `java`, …). Computed from the format where
    /// the report has none.
    pub platform: Option<String>,
    /// The application.
    pub app: App,
    /// The operating system.
    pub os: Os,
    /// The architecture, as the report names it; compare with [`symtool_module::is_same_arch`].
    pub arch: Option<Arch>,
    /// The device's model, as the report names it: `iPhone12,1`, `Pixel 7`.
    pub device: Option<String>,
    /// The process.
    pub process: Process,
    /// Why it ended.
    pub reason: Reason,
    /// What was loaded.
    pub images: Vec<Image>,
    /// The threads, in the report's order.
    pub threads: Vec<Thread>,
    /// Index into [`CrashEvent::threads`] of the one that crashed. Computed where the report marks
    /// it by another number.
    pub crashed_thread: Option<usize>,
    /// The exceptions: first the one that ended the process, each of the others after the one that
    /// it belongs to.
    pub exceptions: Vec<Exception>,
    /// Files that came along with it, which are not read.
    pub attachments: usize,
    /// What did not fit into the limits. The raw report still has it.
    pub dropped: DropCounts,
}

/// The application that crashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// The bundle or package id.
    pub id: Option<String>,
    /// The version people know, or Sentry's release as a whole.
    pub release: Option<String>,
    /// The build number, or Sentry's `dist`.
    pub build: Option<String>,
}

/// The operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Os {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its build: Apple's number, Android's fingerprint.
    pub build: Option<String>,
}

/// The process that crashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub pid: Option<u64>,
    /// The path of its executable.
    pub path: Option<String>,
}

/// Why the process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The Mach exception, the exception's class, or the kind of a sanitizer's error.
    pub kind: Option<String>,
    /// The signal's name.
    pub signal: Option<String>,
    /// The signal's number.
    pub signal_number: Option<i64>,
    /// The signal's or Mach exception's code, by name where the report has that.
    pub code: Option<String>,
    /// What the process or the runtime said: abort message, exception's reason, watchdog's verdict.
    pub message: Option<String>,
    /// The address that could not be accessed.
    pub fault_address: Option<u64>,
}

/// One thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The system's or the report's number of it.
    pub id: Option<u64>,
    /// Its name or its dispatch queue's; of a stack that is not a thread's (a sanitizer's `freed
    /// by`), what the report calls it.
    pub name: Option<String>,
    /// Whether the report says that it crashed.
    pub crashed: bool,
    /// Its frames, crash side first.
    pub frames: Vec<Frame>,
}

/// One exception or error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// Its class or type.
    pub kind: Option<String>,
    /// What it says.
    pub message: Option<String>,
    /// Its type's module, where that is given apart.
    pub module: Option<String>,
    /// The id of the thread that threw it.
    pub thread_id: Option<u64>,
    /// How it belongs to [`Exception::parent`].
    pub relation: Relation,
    /// Index of the exception that it caused, or that suppressed it; absent for the first.
    pub parent: Option<usize>,
    /// Frames at the far end that it shares with its parent and that the report left out (Java's
    /// `... 12 more`). They are among its frames all the same, and stand nowhere.
    pub shared: u32,
    /// Its frames, the one that threw first.
    pub frames: Vec<Frame>,
}

/// How an exception belongs to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It ended the process.
    #[default]
    Thrown,
    /// Its parent was thrown because of it.
    Cause,
    /// It was thrown while its parent was on its way.
    Suppressed,
}

/// What did not fit into the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts {
    /// Frames beyond [`crate::limits::MAX_FRAMES`].
    pub frames: usize,
    /// Images beyond [`crate::limits::MAX_IMAGES`].
    pub images: usize,
    /// Threads and exceptions beyond [`crate::limits::MAX_STACKS`].
    pub stacks: usize,
}

impl Exception {
    /// Its type with its module before it, where that is given apart: the whole name of a Java
    /// class.
    pub fn class(&self) -> Option<Cow<'_, str>> {
        let kind = self.kind.as_deref()?;
        Some(
            match self.module.as_deref().filter(|module| !module.is_empty() && !kind.contains('.'))
            {
                Some(module) => Cow::Owned(format!("{module}.{kind}")),
                None => Cow::Borrowed(kind),
            },
        )
    }
}

impl CrashEvent {
    /// An event of which nothing is known yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            event_id: None,
            time_ms: None,
            platform: None,
            app: App::default(),
            os: Os::default(),
            arch: None,
            device: None,
            process: Process::default(),
            reason: Reason::default(),
            images: Vec::new(),
            threads: Vec::new(),
            crashed_thread: None,
            exceptions: Vec::new(),
            attachments: 0,
            dropped: DropCounts::default(),
        }
    }

    /// The stack that says where it crashed, the crashing side first: that of the first exception
    /// that has one, else the crashed thread's, else the only thread's. Empty if the report has
    /// none.
    pub fn crash_frames(&self) -> &[Frame] {
        if let Some(thrown) = self.exceptions.iter().find(|exception| !exception.frames.is_empty())
        {
            return &thrown.frames;
        }
        let thread = self.crashed_thread.or_else(|| (self.threads.len() == 1).then_some(0));
        thread.and_then(|index| self.threads.get(index)).map_or(&[], |thread| &thread.frames)
    }

    /// All stacks: those of exceptions, then those of threads.
    pub fn stacks(&self) -> impl Iterator<Item = &[Frame]> {
        self.exceptions
            .iter()
            .map(|exception| &exception.frames[..])
            .chain(self.threads.iter().map(|thread| &thread.frames[..]))
    }

    /// All frames, of exceptions and then of threads.
    pub fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.stacks().flatten()
    }

    /// All frames, to be changed.
    pub(crate) fn frames_mut(&mut self) -> impl Iterator<Item = &mut Frame> {
        let exceptions = self.exceptions.iter_mut().flat_map(|exception| &mut exception.frames);
        exceptions.chain(self.threads.iter_mut().flat_map(|thread| &mut thread.frames))
    }

    /// Fills in the platform and the crashed thread where the rest of the event tells them.
    pub fn fill_in(&mut self) {
        if self.platform.is_none() {
            self.platform = self.format.platform().map(str::to_owned);
        }
        if self.crashed_thread.is_none() {
            self.crashed_thread = self.threads.iter().position(|thread| thread.crashed);
        }
    }
}
