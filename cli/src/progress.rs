//! Progress on stderr: in, counters that the work moves on; out, a bar, if stderr is a terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use symtool_formats::debug::Progress;

const REDRAW_MS: u64 = 100;

/// Whether anybody would see a bar.
pub fn is_wanted(quiet: bool) -> bool {
    !quiet && std::io::stderr().is_terminal()
}

/// How far an import has come, as a terminal shows it.
#[derive(Debug)]
pub struct Board {
    bar: ProgressBar,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: usize,
    files_done: usize,
    bytes: u64,
    bytes_done: u64,
    /// Files that are being read, by a number of their own.
    shown: BTreeMap<usize, (String, u64, Arc<Progress>)>,
    next: usize,
}

/// A file on the board, done when dropped.
#[derive(Debug)]
pub struct Shown<'a> {
    board: &'a Board,
    number: usize,
    progress: Arc<Progress>,
}

impl Board {
    /// A board that is seen if `wanted`.
    pub fn new(wanted: bool) -> Self {
        let bar = if wanted {
            bar("{prefix} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {wide_bar} {msg}")
        } else {
            ProgressBar::hidden()
        };
        Self { bar, state: Mutex::default() }
    }

    /// `files` more are to come, of `bytes`.
    pub fn expect(&self, files: usize, bytes: u64) {
        let mut state = self.state();
        state.files += files;
        state.bytes += bytes;
    }

    /// `files` are done, of `bytes`.
    pub fn finish(&self, files: usize, bytes: u64) {
        let mut state = self.state();
        state.files_done += files;
        state.bytes_done += bytes;
    }

    /// Shows the file at `path`, which stands for `bytes`, until what this returns is dropped.
    pub fn show(&self, path: &Path, bytes: u64) -> Shown<'_> {
        let progress = Arc::<Progress>::default();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.shown.insert(number, (name, bytes, Arc::clone(&progress)));
        drop(state);
        Shown { board: self, number, progress }
    }

    /// Does `work`, and draws meanwhile.
    pub fn while_shown<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.bar.is_hidden() {
            return work();
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let drawing = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    self.draw();
                    std::thread::park_timeout(Duration::from_millis(REDRAW_MS));
                }
                self.bar.finish_and_clear();
            });
            let _finish = Finish(&done, drawing.thread());
            work()
        })
    }

    /// Does `work`, which writes to the terminal, with the board out of the way.
    pub fn beside<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bar.suspend(work)
    }

    fn draw(&self) {
        let state = self.state();
        let part = |(_, bytes, progress): &(String, u64, Arc<Progress>)| {
            let (done, all) = progress.bytes();
            u64::try_from(u128::from(*bytes) * u128::from(done) / u128::from(all.max(1))).unwrap_or(*bytes)
        };
        let reading: u64 = state.shown.values().map(part).sum();
        let biggest = state.shown.values().max_by_key(|(_, bytes, _)| *bytes);
        self.bar.set_length(state.bytes);
        self.bar.set_position(state.bytes_done + reading);
        self.bar.set_prefix(format!("{}/{} files", state.files_done, state.files));
        self.bar.set_message(match biggest.map(|(name, _, progress)| (name, progress.units())) {
            None if state.files == 0 => "looking for files".to_owned(),
            None => "storing".to_owned(),
            Some((name, (_, 0))) => name.clone(),
            Some((name, (done, all))) if done == all => format!("{name} packing"),
            Some((name, (done, all))) => format!("{name} {done}/{all} units"),
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown<'_> {
    /// What reading the file moves on.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        let bytes = state.shown.remove(&self.number).map_or(0, |(_, bytes, _)| bytes);
        state.files_done += 1;
        state.bytes_done += bytes;
    }
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
