//! `symtool addr2line`, `atos`, `llvm-symbolizer` and `ndk-stack`, also through a link with their
//! name: the same options, output and exit codes as those tools.
//!
//! ```text
//! words -> words.rs          @FILE, words of an environment variable
//!       -> *_args.rs         what the tool makes of them
//! paths -> objects           the module, from the store, or imported on first use      symtool_core::objects
//!       -> symbols.rs        what the tool asks the object's own symbol table
//! stdin -> stream.rs         as it comes
//!       -> addr2line/, atos/, llvm_symbolizer/    requests -> answers
//!       -> ndk_stack/                             a log -> its frames, asked of llvm_symbolizer/
//! ```

mod addr2line;
mod atos;
mod llvm_symbolizer;
mod ndk_stack;
mod stream;
mod symbols;
mod words;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use symtool_core::objects::Objects;
use symtool_module::Arch;
use symtool_store::Store;

use crate::args::Global;
use crate::args::{Args, Command};
use crate::config::Config;
use crate::config::path_in;
use crate::context::Context;
use crate::exit::Exit;

/// The tools that the program can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Addr2line,
    Atos,
    LlvmSymbolizer,
    NdkStack,
}

/// The command line of a tool.
#[derive(Debug)]
pub struct CallLine {
    tool: Tool,
    /// What its messages begin with.
    program: String,
    /// Options of this program before the tool's name.
    pub global: Global,
    /// Its own words.
    words: Vec<OsString>,
}

/// A tool that is to run.
#[derive(Debug)]
pub struct Call {
    tool: Tool,
    program: String,
    /// The settings of this program.
    pub context: Context,
    words: Vec<OsString>,
}

/// Exit code for what the real tool can do and this one cannot.
const UNSUPPORTED: u8 = 2;

/// Folders are made for a store unless it takes longer than this, in seconds, to get at it.
const MAX_WAIT: u64 = 10;

impl Tool {
    const ALL: [Self; 4] = [Self::Addr2line, Self::Atos, Self::LlvmSymbolizer, Self::NdkStack];

    /// The tool that a program called `name` is, such as through a link: `addr2line`,
    /// `llvm-symbolizer-19`.
    fn of_program(name: &OsStr) -> Option<Self> {
        match Path::new(name).file_name()?.to_str()? {
            "addr2line" => Some(Self::Addr2line),
            "atos" => Some(Self::Atos),
            "ndk-stack" => Some(Self::NdkStack),
            name => {
                let version = name.strip_prefix("llvm-symbolizer")?;
                let is_version = |version: &str| {
                    !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
                };
                (version.is_empty() || version.strip_prefix('-').is_some_and(is_version))
                    .then_some(Self::LlvmSymbolizer)
            }
        }
    }

    fn of_command(command: &Command) -> Option<Self> {
        match command {
            Command::Addr2line => Some(Self::Addr2line),
            Command::Atos => Some(Self::Atos),
            Command::LlvmSymbolizer => Some(Self::LlvmSymbolizer),
            Command::NdkStack => Some(Self::NdkStack),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Addr2line => "addr2line",
            Self::Atos => "atos",
            Self::LlvmSymbolizer => "llvm-symbolizer",
            Self::NdkStack => "ndk-stack",
        }
    }
}

impl CallLine {
    /// The call that `words`, the program's name first, stand for: `None` if they call no such
    /// tool.
    pub fn of(words: &[OsString]) -> Option<Self> {
        let (program, rest) = words.split_first()?;
        if let Some(tool) = Tool::of_program(program) {
            let global = Args::try_parse_from(["symtool", tool.name()]).ok()?.global;
            return Some(Self {
                tool,
                program: program.to_string_lossy().into_owned(),
                global,
                words: rest.to_vec(),
            });
        }
        // Options of this program end with the name of the tool: all that follows is the tool's.
        let names = Tool::ALL.map(Tool::name);
        let ends = (0..rest.len()).filter(|at| names.iter().any(|name| rest[*at] == *name));
        ends.into_iter().find_map(|at| {
            let args = Args::try_parse_from(&words[..at + 2]).ok()?;
            let tool = Tool::of_command(&args.command)?;
            Some(Self {
                tool,
                program: tool.name().to_owned(),
                global: args.global,
                words: rest[at + 1..].to_vec(),
            })
        })
    }

    /// The call, with the settings of a config file.
    pub fn with(self, config: Config) -> Call {
        Call {
            tool: self.tool,
            program: self.program,
            context: Context::new(self.global, config),
            words: self.words,
        }
    }
}

impl Call {
    /// Does what the tool does.
    pub fn run(self) -> ExitCode {
        let done = match self.tool {
            Tool::Addr2line => addr2line::run(&self),
            Tool::Atos => atos::run(&self),
            Tool::LlvmSymbolizer => llvm_symbolizer::run(&self),
            Tool::NdkStack => ndk_stack::run(&self),
        };
        done.unwrap_or_else(|error| Exit::report(&error).into())
    }

    /// Writes a line to stderr as the tool does.
    fn say(&self, text: &str) {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("{}: {text}\n", self.program),
        );
    }

    /// Says that the tool could do what this one cannot.
    fn unsupported(&self, what: &str) -> ExitCode {
        self.say(&format!("{what} is not supported by symtool; use {} itself", self.tool.name()));
        ExitCode::from(UNSUPPORTED)
    }

    /// Where objects are found: modules in the store that was named, else in the user's cache
    /// folder.
    fn objects(&self, debug_dirs: &[PathBuf], default_arch: Option<Arch>) -> Objects {
        // The tools keep what they read on disk.
        let own = self.context.store.clone();
        let own = own.filter(|_| self.context.bucket_address().is_none());
        let folder = own.or_else(cache_folder);
        let wait = Duration::from_secs(self.context.wait.unwrap_or(MAX_WAIT).min(MAX_WAIT));
        Objects {
            store: folder.map(|folder| Store::at(&folder, wait)),
            search: self.context.search(debug_dirs, &[]),
            default_arch,
            debuginfod: None,
        }
    }
}

fn cache_folder() -> Option<PathBuf> {
    let cache = path_in("XDG_CACHE_HOME").or_else(|| Some(path_in("HOME")?.join(".cache")))?;
    Some(cache.join("symtool/store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &[&str]) -> Option<(Tool, String, Vec<OsString>)> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        CallLine::of(&words).map(|call| (call.tool, call.program, call.words))
    }

    #[test]
    fn names_of_programs_and_commands() {
        let of = |tool, program: &str, words: &[&str]| {
            Some((tool, program.to_owned(), words.iter().map(OsString::from).collect()))
        };
        assert_eq!(
            call(&["/usr/bin/addr2line", "-e", "x"]),
            of(Tool::Addr2line, "/usr/bin/addr2line", &["-e", "x"])
        );
        assert_eq!(
            call(&["llvm-symbolizer-19"]),
            of(Tool::LlvmSymbolizer, "llvm-symbolizer-19", &[])
        );
        assert_eq!(
            call(&["symtool", "addr2line", "-h", "--store"]),
            of(Tool::Addr2line, "addr2line", &["-h", "--store"])
        );
        let stored =
            ["symtool", "--store", "addr2line", "-j2", "llvm-symbolizer", "addr2line", "0x1"];
        assert_eq!(
            call(&stored),
            of(Tool::LlvmSymbolizer, "llvm-symbolizer", &["addr2line", "0x1"])
        );
        for words in [
            &["symtool", "import", "addr2line"][..],
            &["llvm-symbolizer-x"],
            &["symtool", "--store", "addr2line"],
            &["symtool"],
            &[],
        ] {
            assert_eq!(call(words), None, "{words:?}");
        }
    }
}
