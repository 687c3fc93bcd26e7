//! Runs symtool as a process, and reads its answers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::check::{Chain, Place};
use crate::measure::failure;
use crate::sample::write_batch;

/// The program, working on one store.
#[derive(Debug)]
pub struct Symtool {
    program: PathBuf,
    store: PathBuf,
}

/// Sees to it that there is a program at `path`.
///
/// # Errors
/// If there is none; says how to get it.
pub fn find(path: &Path) -> Result<()> {
    if !path.is_file() {
        bail!(
            "{}: no such program; build it with cargo build --release -p symtool, or pass --symtool PATH",
            path.display()
        );
    }
    Ok(())
}

impl Symtool {
    /// `program` on the store in the directory `store`, which is made by the first import.
    pub fn new(program: &Path, store: PathBuf) -> Self {
        Self { program: program.to_owned(), store }
    }

    /// Imports `files` on `jobs` cores.
    pub fn import_command(&self, files: &[PathBuf], jobs: usize) -> Command {
        let mut command = self.command(jobs);
        command.arg("-q").arg("import").args(files);
        command
    }

    /// Retraces the text `trace` on one core, through the store's only mapping.
    pub fn retrace_command(&self, trace: &Path) -> Command {
        let mut command = self.command(1);
        command.arg("retrace").arg(trace);
        command
    }

    /// Stores the crashes of `events` on `jobs` cores.
    pub fn crash_add_command(&self, events: &Path, jobs: usize) -> Command {
        let mut command = self.command(jobs);
        command.args(["-q", "crash", "add"]).arg(events);
        command
    }

    /// Groups the stored crashes anew, after modules came, on `jobs` cores.
    pub fn reprocess_command(&self, jobs: usize) -> Command {
        let mut command = self.command(jobs);
        command.args(["-q", "reprocess"]);
        command
    }

    /// Lists the stored crashes, one JSON object a line.
    pub fn crash_list_command(&self) -> Command {
        let mut command = self.command(1);
        command.args(["--json", "crash", "list"]);
        command
    }

    /// Resolves the `MODULE ADDRESS` lines of `batch` on `jobs` cores.
    pub fn resolve_all_command(&self, batch: &Path, jobs: usize) -> Command {
        let mut command = self.command(jobs);
        command.args(["resolve", "--style", "gnu", "--no-demangle", "--batch"]).arg(batch);
        command
    }

    /// Resolves the addresses of `batch` in `module`, on one core.
    pub fn resolve_command(&self, module: &Path, batch: &Path) -> Command {
        self.resolve_in_style("gnu", module, batch)
    }

    /// Imports `file`, untimed.
    ///
    /// # Errors
    /// If symtool fails; names the command and passes on what it said.
    pub fn import(&self, file: &PathBuf) -> Result<()> {
        said(self.import_command(std::slice::from_ref(file), 1))
            .with_context(|| file.display().to_string())?;
        Ok(())
    }

    /// The frames at `addresses`, which are virtual addresses of `module`, in their order. `batch`
    /// is where a file may be written.
    ///
    /// # Errors
    /// If symtool fails or answers something else than was asked.
    pub fn answers(&self, module: &Path, addresses: &[u64], batch: &Path) -> Result<Vec<Chain>> {
        write_batch(batch, addresses)?;
        let text = said(self.resolve_in_style("llvm-json", module, batch))
            .with_context(|| module.display().to_string())?;
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() != addresses.len() {
            bail!(
                "{}: symtool gave {} answers to {} addresses; see what resolve --style llvm-json prints",
                module.display(),
                lines.len(),
                addresses.len()
            );
        }
        let answer = |(line, address): (&&str, &u64)| {
            chain(line, *address).with_context(|| {
                format!(
                    "{}: symtool answered {line}; see what resolve --style llvm-json prints",
                    module.display()
                )
            })
        };
        lines.iter().zip(addresses).map(answer).collect()
    }

    fn resolve_in_style(&self, style: &str, module: &Path, batch: &Path) -> Command {
        let mut command = self.command(1);
        command
            .arg("resolve")
            .arg("--module")
            .arg(module)
            .args(["--style", style, "--no-demangle", "--batch"])
            .arg(batch);
        command
    }

    fn command(&self, jobs: usize) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--store").arg(&self.store).arg("-j").arg(jobs.to_string());
        command
    }
}

/// What `command` prints.
///
/// # Errors
/// If it fails; names it and passes on what it said.
pub fn said(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        return Err(failure(&command, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The frames of one line of `--style llvm-json`, which is to be about `address`.
fn chain(line: &str, address: u64) -> Result<Chain> {
    let answer: Value = serde_json::from_str(line)?;
    if answer["Address"] != format!("{address:#x}") {
        bail!("not about {address:#x}");
    }
    let frames = answer["Symbol"].as_array().context("no array \"Symbol\"")?;
    frames.iter().map(place).collect()
}

fn place(frame: &Value) -> Result<Place> {
    let function = frame["FunctionName"].as_str().context("no string \"FunctionName\"")?.to_owned();
    let line = frame["Line"]
        .as_u64()
        .and_then(|line| u32::try_from(line).ok())
        .context("no number \"Line\"")?;
    Ok(Place { function, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_innermost_first() -> Result<()> {
        let line = r#"{"Address":"0x10","ModuleName":"a.so","Symbol":[{"Column":1,"FunctionName":"callee","Line":7},{"FunctionName":"caller","Line":9}]}"#;
        assert_eq!(chain(line, 0x10)?, [Place::new("callee", 7), Place::new("caller", 9)]);
        assert_eq!(chain(r#"{"Address":"0x10","ModuleName":"a.so","Symbol":[]}"#, 0x10)?, []);
        Ok(())
    }

    #[test]
    fn another_answer_is_an_error() {
        for line in [
            "",
            "{}",
            r#"{"Address":"0x11","Symbol":[]}"#,
            r#"{"Address":"0x10","Error":{"Message":"no"}}"#,
            r#"{"Address":"0x10","Symbol":[{}]}"#,
            r#"{"Address":"0x10","Symbol":[{"FunctionName":"main","Line":-1}]}"#,
        ] {
            assert!(chain(line, 0x10).is_err(), "{line}");
        }
    }
}
