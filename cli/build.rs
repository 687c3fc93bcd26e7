//! Hands the target over to `--version -v`, and links the C++ runtime statically where the compiler
//! has it.
//!
//! RocksDB asks for `-lstdc++`. Linked dynamically, a third of the time that `symtool --version`
//! takes goes into looking up its symbols, and the program needs the runtime of the machine that
//! built it. A linker takes the first folder that has the library in any form, so a folder that
//! holds the archive alone decides.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const ARCHIVE: &str = "libstdc++.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CXX");
    println!("cargo::rustc-env=SYMTOOL_TARGET={}", env::var("TARGET").unwrap_or_default());
    let wanted = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if !wanted {
        return;
    }
    let Some(archive) = archive() else { return };
    let Some(folder) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    if std::fs::copy(archive, folder.join(ARCHIVE)).is_ok() {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
}

/// Where the C++ compiler has the archive of its runtime.
fn archive() -> Option<PathBuf> {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let printed =
        Command::new(compiler).arg(format!("-print-file-name={ARCHIVE}")).output().ok()?;
    let path = String::from_utf8(printed.stdout).ok()?;
    // A compiler that has none prints the name as it was given.
    let path = Path::new(path.trim()).to_owned();
    path.is_absolute().then_some(path)
}
