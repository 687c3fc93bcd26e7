//! The progress of an import: files found, read and done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use symtool_core::import::Event;
use symtool_debug::Progress;

use super::layout::Parts;
use super::meter::{Unit, left, rate, share};
use super::{Line, REDRAW_MS};

/// How far a command has come with its files, as a terminal shows it.
#[derive(Debug)]
pub struct Board {
    verb: &'static str,
    wanted: bool,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: usize,
    files_done: usize,
    bytes: u64,
    bytes_done: u64,
    /// Files that are being read, by number.
    shown: BTreeMap<usize, (String, u64, Arc<Progress>)>,
}

impl Board {
    /// A board for the command `verb` that is seen if `wanted`.
    pub fn new(verb: &'static str, wanted: bool) -> Self {
        Self { verb, wanted, start: Instant::now(), state: Mutex::default() }
    }

    /// Shows what `event` tells of files on their way.
    pub fn tell(&self, event: &Event<'_>) {
        let mut state = self.state();
        match event {
            Event::Expect { files, bytes } => {
                state.files += files;
                state.bytes += bytes;
            }
            Event::Passed { files, bytes } => {
                state.files_done += files;
                state.bytes_done += bytes;
            }
            Event::Begin { number, path, bytes, progress } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                state.shown.insert(*number, (name, *bytes, Arc::clone(progress)));
            }
            Event::End { number } => {
                let bytes = state.shown.remove(number).map_or(0, |(_, bytes, _)| bytes);
                state.files_done += 1;
                state.bytes_done += bytes;
            }
            _ => {}
        }
    }

    /// Does `work`, and draws meanwhile.
    pub fn while_shown<T>(&self, work: impl FnOnce() -> T) -> T {
        if !self.wanted {
            return work();
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let drawing = scope.spawn(|| {
                let line = Line::new(self.verb);
                while !done.load(Ordering::Relaxed) {
                    line.draw(&self.parts());
                    std::thread::park_timeout(Duration::from_millis(REDRAW_MS));
                }
            });
            let _finish = Finish(&done, drawing.thread());
            work()
        })
    }

    fn parts(&self) -> Parts {
        let state = self.state();
        let part = |(_, bytes, progress): &(String, u64, Arc<Progress>)| {
            let (done, all) = progress.bytes();
            u64::try_from(u128::from(*bytes) * u128::from(done) / u128::from(all.max(1)))
                .unwrap_or(*bytes)
        };
        let done = state.bytes_done + state.shown.values().map(part).sum::<u64>();
        let biggest = state.shown.values().max_by_key(|(_, bytes, _)| *bytes);
        let took = self.start.elapsed();
        Parts {
            share: (state.bytes > 0).then(|| share(done, state.bytes)),
            counted: if state.files > 1 {
                format!("{}/{} files", state.files_done, state.files)
            } else {
                String::new()
            },
            rate: rate(done, took, Unit::Bytes).unwrap_or_default(),
            left: left(done, state.bytes, took),
            now: match biggest.map(|(name, _, progress)| (name, progress.units())) {
                None if state.files == 0 => "looking for files".to_owned(),
                None => "storing".to_owned(),
                Some((name, (_, 0))) => name.clone(),
                Some((name, (done, all))) if done == all => format!("{name} packing"),
                Some((name, (done, all))) => format!("{name} {done}/{all} units"),
            },
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
