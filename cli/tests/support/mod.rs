//! What job tests share: a store of their own, and the real program.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod archives;
pub mod clear;
pub mod disk;
pub mod events;
pub mod made;
pub mod page;
pub mod pty;
pub mod questions;
pub mod receiver;
pub mod shapes;
pub mod truth;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use object::{Object, ObjectSection};

/// A folder with a store in it, gone when dropped.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Default)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with a store that has only `file`.
    pub fn store_of(file: &Path) -> Self {
        let sandbox = Self::new();
        let run = sandbox.run(["import".as_ref(), file.as_os_str()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        sandbox
    }

    /// One whose files are in memory, where that can be had: synced in no time.
    pub fn in_memory() -> Self {
        let shared = Path::new("/dev/shm");
        Self { folder: tempfile::tempdir_in(shared).or_else(|_| tempfile::tempdir()).unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symtool"));
        command.arg("--store").arg(self.store()).stdin(Stdio::null());
        self.isolate(&mut command);
        command
    }

    /// Keeps the settings of whoever runs the tests out of `command`.
    pub fn isolate(&self, command: &mut Command) {
        for variable in [
            "SYMTOOL_STORE",
            "SYMTOOL_CONFIG",
            "XDG_DATA_HOME",
            "XDG_CACHE_HOME",
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(variable);
        }
        command
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("TERM", "xterm");
    }

    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Run {
        Run::of(self.command().args(args).output().unwrap())
    }

    /// The program with the key of the store, if it is sealed, ended by force after five minutes:
    /// hanging is a failure.
    pub fn guarded(&self, key: Option<&Path>) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["-s", "KILL", "300", env!("CARGO_BIN_EXE_symtool"), "--store"])
            .arg(self.store())
            .stdin(Stdio::null());
        if let Some(key) = key {
            command.arg("--key-file").arg(key);
        }
        self.isolate(&mut command);
        command
    }

    /// Runs [`Sandbox::guarded`]; its output may be anything.
    pub fn run_with<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        key: Option<&Path>,
        args: I,
    ) -> Run {
        Run::lossy(&self.guarded(key).args(args).output().unwrap())
    }

    /// Runs it with `input` on its stdin.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Run {
        let mut child = self.spawn_piped(args);
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input).unwrap());
            Run::of(child.wait_with_output().unwrap())
        })
    }

    pub fn spawn_piped(&self, args: &[&str]) -> Child {
        let pipe = Stdio::piped;
        self.command().args(args).stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap()
    }

    /// Imports a fixture and checks that it went in.
    pub fn import(&self, fixture: &str) {
        let run = self.run([OsStr::new("import"), object(fixture).as_os_str()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

impl Run {
    /// With U+FFFD for what is not UTF-8.
    pub fn lossy(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Whether it says that the store is damaged or has lost something, and does not succeed.
    pub fn names_damage(&self) -> bool {
        let told = (self.stdout.clone() + &self.stderr).to_lowercase();
        let words = [
            "damage",
            "corrupt",
            "lost",
            "missing",
            "checksum",
            "cannot be read",
            "not acknowledged",
            "unacknowledged",
            "/format",
        ];
        self.code > 0 && words.iter().any(|word| told.contains(word))
    }

    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path)
}

pub fn object(name: &str) -> PathBuf {
    testdata("objects").join(name)
}

/// Names of all fixtures that are a file of their own.
pub fn objects() -> Vec<String> {
    let entries = std::fs::read_dir(testdata("objects")).unwrap().map(Result::unwrap);
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 30, "fixtures are missing");
    names
}

/// A fixture without its build-id, and with another byte of code for each `number`: each has an id
/// of its own.
pub fn without_build_id(fixture: &str, number: usize) -> Vec<u8> {
    let mut bytes = std::fs::read(object(fixture)).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let place = |name| {
        usize::try_from(file.section_by_name(name).unwrap().file_range().unwrap().0).unwrap()
    };
    let (id, code) = (place(".note.gnu.build-id"), place(".text"));
    // The note's name.
    bytes[id + 12] = b'x';
    bytes[code..code + 8].copy_from_slice(&number.to_le_bytes());
    bytes
}

pub fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bytes of a fixture of `testdata/minidump`, unpacked.
pub fn minidump(name: &str) -> Vec<u8> {
    let packed = testdata(&format!("minidump/{name}.zst"));
    match std::fs::read(&packed) {
        Ok(bytes) => zstd::decode_all(bytes.as_slice()).unwrap(),
        Err(_) => std::fs::read(packed.with_extension("")).unwrap(),
    }
}

/// The modules of the minidumps of Linux, those of which walks need more than of others first.
pub fn minidump_modules(sandbox: &Sandbox) -> Vec<PathBuf> {
    let files = ["victim", "libengine.so"].map(|name| sandbox.write(name, minidump(name)));
    let symbols = ["libc.so.6.sym", "libstdc++.so.6.sym"];
    files.into_iter().chain(symbols.map(|name| testdata(&format!("minidump/{name}")))).collect()
}
