//! Progress on stderr: in, counters that the work moves on; out, a bar, if stderr is a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use symtool_formats::debug::Progress;

const REDRAW_MS: u64 = 100;

/// Whether anybody would see a bar.
pub fn is_wanted(quiet: bool) -> bool {
    !quiet && std::io::stderr().is_terminal()
}

/// Does `work`, showing how far reading a file has come if `wanted`.
pub fn while_importing<T>(wanted: bool, name: &str, progress: &Progress, work: impl FnOnce() -> T) -> T {
    if !wanted {
        return work();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let drawing = scope.spawn(|| {
            let bar =
                bar("{prefix} {decimal_bytes}/{decimal_total_bytes} {msg} {decimal_bytes_per_sec} {wide_bar}").with_prefix(name.to_owned());
            while !done.load(Ordering::Relaxed) {
                let ((units_done, units), (bytes_done, bytes)) = (progress.units(), progress.bytes());
                bar.set_length(bytes);
                bar.set_position(bytes_done);
                let packing = units > 0 && units_done == units;
                bar.set_message(if packing { "packing".to_owned() } else { format!("{units_done}/{units} units") });
                std::thread::park_timeout(Duration::from_millis(REDRAW_MS));
            }
            bar.finish_and_clear();
        });
        let _finish = Finish(&done, drawing.thread());
        work()
    })
}

/// Ends the drawing when the work ends, however it ends.
struct Finish<'a>(&'a AtomicBool, &'a std::thread::Thread);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}

/// A bar for a batch of `bytes` of requests, or of unknown length.
pub fn for_batch(wanted: bool, bytes: Option<u64>) -> ProgressBar {
    if !wanted {
        return ProgressBar::hidden();
    }
    match bytes {
        Some(bytes) => {
            let bar = bar("{decimal_bytes}/{decimal_total_bytes} {msg} {eta} left {wide_bar}");
            bar.set_length(bytes);
            bar
        }
        None => bar("{decimal_bytes} {msg}"),
    }
}

fn bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
