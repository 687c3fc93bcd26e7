//! Runs compilers and linkers, and names what is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, thread};

use anyhow::{Context, Result, anyhow, bail};

/// A tool, and the Debian package that has it.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    name: &'static str,
    package: &'static str,
}

/// GNU's C++ compiler.
pub const GXX: Tool = Tool { name: "g++", package: "g++" };
/// LLVM's C++ compiler, for any target.
pub const CLANGXX: Tool = Tool { name: "clang++-19", package: "clang-19" };
/// LLVM's linker of ELF files.
pub const LLD: Tool = Tool { name: "ld.lld-19", package: "lld-19" };
/// LLVM's linker of Mach-O files.
pub const LD64: Tool = Tool { name: "ld64.lld-19", package: "lld-19" };
/// Makes the debug file of a Mach-O file.
pub const DSYMUTIL: Tool = Tool { name: "dsymutil-19", package: "llvm-19" };

/// Sees to it that all of `tools` are on PATH.
///
/// # Errors
/// If one is not; names its package.
pub fn find(tools: &[Tool]) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &Tool| env::split_paths(&path).any(|dir| dir.join(tool.name).is_file());
    match tools.iter().find(|tool| !is_there(tool)) {
        Some(Tool { name, package }) => bail!("{name}: not on PATH; apt-get install {package}"),
        None => Ok(()),
    }
}

/// One run of a tool.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is run.
    pub tool: Tool,
    /// Its arguments.
    pub args: Vec<String>,
    /// The folder it is run in.
    pub dir: PathBuf,
}

impl Run {
    /// # Errors
    /// If the tool does not run or fails; has what it said.
    pub fn run(&self) -> Result<()> {
        let Tool { name, package } = self.tool;
        let mut command = Command::new(name);
        // No times in debug maps.
        command
            .args(&self.args)
            .current_dir(&self.dir)
            .env("ZERO_AR_DATE", "1")
            .stdin(Stdio::null());
        let output = command
            .output()
            .with_context(|| format!("{name}: cannot be run; apt-get install {package}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{name} {}: {}\n{}", self.args.join(" "), output.status, said.trim_end());
        }
        Ok(())
    }
}

/// Runs each of `chains`, one command after the other, on all cores.
///
/// # Errors
/// The first failure.
pub fn run_all(chains: &[Vec<Run>]) -> Result<()> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        let part = chains.len().div_ceil(cores).max(1);
        let run = |part: &[Vec<Run>]| part.iter().flatten().try_for_each(Run::run);
        let threads: Vec<_> =
            chains.chunks(part).map(|part| scope.spawn(move || run(part))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| anyhow!("a thread that ran tools panicked"))?
        })
    })
}

/// `path` as an argument.
pub fn arg(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_its_package() {
        let absent = Tool { name: "no-such-compiler", package: "some-package" };
        assert_eq!(
            find(&[absent]).expect_err("absent").to_string(),
            "no-such-compiler: not on PATH; apt-get install some-package"
        );
    }
}
