//! Cleans the terminal when SIGINT or SIGTERM ends the program while a line of progress is drawn.
//!
//! The store needs no help: what is not in it whole is not in it, and the next writer sweeps what
//! was staged.

use std::sync::Once;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Watches for signals from now on. Where that cannot be done, they end the process as ever, and
/// leave the line.
pub fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let heeded = [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
        let Ok(mut signals) = Signals::new(heeded) else { return };
        thread::spawn(move || {
            for signal in signals.forever() {
                // Held until the end.
                let _line = super::clear();
                // Does not return: whoever waits for this process is told of the signal.
                let _ = emulate_default_handler(signal);
            }
        });
    });
}

/// Whether whoever started this process wants it to live on, as `nohup` does and shells do in the
/// background; known on Linux only (proc(5), `SigIgn`).
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.unwrap_or(0) >> (signal - 1) & 1 == 1
}
