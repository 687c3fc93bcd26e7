//! Runs the program in a pseudo-terminal, and knows what the terminal shows.

#![expect(
    unsafe_code,
    reason = "a terminal is opened and made a process's own by calls to the system"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program on a terminal of its own.
pub struct Pty {
    master: File,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Pty {
    /// Starts `command` on a terminal of `columns`, which is its stdin and stderr, and its stdout
    /// unless that goes to `stdout`.
    pub fn start(mut command: Command, columns: u16, stdout: Option<File>) -> Self {
        let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let (mut master, mut slave) = (-1, -1);
        // SAFETY: both numbers and the size outlive the call; the name and the settings may be
        // null.
        let opened = unsafe {
            libc::openpty(
                &raw mut master,
                &raw mut slave,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                (&raw const size).cast_mut(),
            )
        };
        assert_eq!(opened, 0);
        // SAFETY: both were opened just now, and nobody else has them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), File::from_raw_fd(slave)) };
        let stdout = stdout.unwrap_or_else(|| slave.try_clone().unwrap());
        command.stdin(slave.try_clone().unwrap()).stdout(stdout).stderr(slave.try_clone().unwrap());
        // SAFETY: both calls may be made between fork and exec. Keys that are typed become signals
        // of this process.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        // Only the program holds the terminal open from now on.
        drop((slave, command));
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let reader = std::thread::spawn({
            let (seen, mut master) = (Arc::clone(&seen), master.try_clone().unwrap());
            move || {
                let mut buffer = [0; 4096];
                // The end of a terminal is an error.
                while let Ok(read @ 1..) = master.read(&mut buffer) {
                    seen.lock().unwrap().extend_from_slice(&buffer[..read]);
                }
            }
        });
        assert!(master.as_raw_fd() >= 0);
        Self { master, child, seen, reader }
    }

    /// Waits until the terminal was given `text`.
    pub fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !String::from_utf8_lossy(&self.seen.lock().unwrap()).contains(text) {
            assert!(start.elapsed() < Duration::from_secs(20), "{text} never came");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Types `keys`.
    pub fn type_keys(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    /// Waits for the end; how it ended, and all that the terminal was given.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let seen = String::from_utf8(self.seen.lock().unwrap().clone()).unwrap();
        (status, seen)
    }
}

/// The lines that a terminal of `columns` shows after it was given `text`, as far as the program
/// moves its cursor: to the start of a line, and erasing a line. What is too long goes on in the
/// next line. Colours are left out.
pub fn screen(text: &str, columns: u16) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                lines.resize_with(lines.len().max(row + 1), Vec::new);
            }
            '\x1b' => {
                assert_eq!(chars.next(), Some('['), "{text:?}");
                let mut number = String::new();
                while let Some(digit) =
                    chars.next_if(|char| char.is_ascii_digit() || *char == ';' || *char == '?')
                {
                    number.push(digit);
                }
                match chars.next().unwrap() {
                    'K' if number == "2" => lines[row].clear(),
                    'm' => {}
                    other => panic!("what is {other} in {text:?}?"),
                }
            }
            char => {
                if column == usize::from(columns) {
                    (row, column) = (row + 1, 0);
                    lines.resize_with(lines.len().max(row + 1), Vec::new);
                }
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = char;
                column += 1;
            }
        }
    }
    lines
        .into_iter()
        .map(|line| line.into_iter().collect::<String>().trim_end().to_owned())
        .collect()
}
