//! Names the formats of crash reports: [`Format`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Format {
    /// Sentry's event JSON.
    Sentry,
    /// An Android tombstone.
    Tombstone,
    /// Lines of Android's log, with a native crash, a Java one, or both.
    Logcat,
    /// Apple's text, also as written by `KSCrash` and `PLCrashReporter`.
    AppleText,
    /// Apple's JSON: a header and a body.
    Ips,
    /// `KSCrash`'s own JSON.
    KsCrash,
    /// A report of a sanitizer.
    Sanitizer,
    /// A stack trace of Java or Kotlin.
    Java,
    /// Frames, one a line.
    Frames,
    /// What gdb prints.
    Gdb,
    /// What lldb prints.
    Lldb,
    /// What systemd says of a core file.
    Coredumpctl,
    /// A stack of Chromium's `base::debug`.
    Chromium,
    /// A crash of one of LLVM's tools.
    Llvm,
    /// A stack of glibc's `backtrace_symbols`.
    Glibc,
    /// A failed check or a signal, as glog and absl print it.
    Glog,
    /// A panic or fatal error of Go.
    Go,
    /// A panic of Rust.
    Rust,
    /// A Java VM's `hs_err_pid….log`.
    HsErr,
    /// A fatal error of Node.js.
    Node,
    /// An oops, warning or sanitizer's report of the Linux kernel.
    Kernel,
    /// What `minidump_stackwalk` makes of a minidump: its text, its fields, or rust-minidump's
    /// JSON.
    Minidump,
    /// ABRT's `core_backtrace`.
    Abrt,
    /// A stack of Dart.
    Dart,
    /// Threads of an Android process that did not answer.
    Anr,
    /// Crashlytics' text, of machine code.
    Crashlytics,
    /// A crash diagnostic of Apple's `MetricKit`.
    MetricKit,
    /// A minidump itself, whose stacks are walked.
    Mdmp,
}

impl Format {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sentry => "sentry",
            Self::Tombstone => "tombstone",
            Self::Logcat => "logcat",
            Self::AppleText => "apple-text",
            Self::Ips => "ips",
            Self::KsCrash => "kscrash",
            Self::Sanitizer => "sanitizer",
            Self::Java => "java",
            Self::Frames => "frames",
            Self::Gdb => "gdb",
            Self::Lldb => "lldb",
            Self::Coredumpctl => "coredumpctl",
            Self::Chromium => "chromium",
            Self::Llvm => "llvm",
            Self::Glibc => "glibc",
            Self::Glog => "glog",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::HsErr => "hs-err",
            Self::Node => "node",
            Self::Kernel => "kernel",
            Self::Minidump => "minidump",
            Self::Abrt => "abrt",
            Self::Dart => "dart",
            Self::Anr => "anr",
            Self::Crashlytics => "crashlytics",
            Self::MetricKit => "metrickit",
            Self::Mdmp => "mdmp",
        }
    }

    /// Whether functions in its reports are those that the address lies in: of debug data, or of a
    /// symbol that reaches to it. Other tools name the nearest symbol that is exported, however far
    /// before the address it ends.
    pub fn vouches_for_names(self) -> bool {
        !matches!(
            self,
            Self::Sentry
                | Self::AppleText
                | Self::Ips
                | Self::KsCrash
                | Self::Java
                | Self::Frames
                | Self::Minidump
                | Self::MetricKit
                | Self::Mdmp
        )
    }

    /// The platform of reports that name none.
    pub(crate) fn platform(self) -> Option<&'static str> {
        match self {
            Self::AppleText | Self::Ips | Self::KsCrash | Self::MetricKit => Some("cocoa"),
            Self::Java | Self::Anr => Some("java"),
            Self::Go => Some("go"),
            Self::Node => Some("node"),
            Self::Dart => Some("dart"),
            Self::Sentry | Self::Logcat => None,
            _ => Some("native"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sentry => "Sentry event",
            Self::Tombstone => "Android tombstone",
            Self::Logcat => "logcat",
            Self::AppleText => "Apple crash report",
            Self::Ips => "Apple .ips report",
            Self::KsCrash => "KSCrash report",
            Self::Sanitizer => "sanitizer report",
            Self::Java => "Java stack trace",
            Self::Frames => "stack frames",
            Self::Gdb => "gdb backtrace",
            Self::Lldb => "lldb backtrace",
            Self::Coredumpctl => "coredumpctl info",
            Self::Chromium => "Chromium stack trace",
            Self::Llvm => "LLVM stack dump",
            Self::Glibc => "glibc backtrace",
            Self::Glog => "glog failure",
            Self::Go => "Go panic",
            Self::Rust => "Rust panic",
            Self::HsErr => "Java VM's error log",
            Self::Node => "Node.js error",
            Self::Kernel => "Linux kernel log",
            Self::Minidump => "minidump-stackwalk output",
            Self::Abrt => "ABRT backtrace",
            Self::Dart => "Dart stack trace",
            Self::Anr => "Android's dump of threads",
            Self::Crashlytics => "Crashlytics report",
            Self::MetricKit => "MetricKit diagnostic",
            Self::Mdmp => "minidump",
        })
    }
}
