//! The platforms of the example app: how each compiles, links and names things.

use super::modules::Recipe;
use super::tools::{self, CLANGXX, DSYMUTIL, GXX, LD64, LLD, Run, Tool};
use std::path::{Path, PathBuf};

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// `x86_64`, gcc, ELF.
    Linux,
    /// arm64, clang, ELF.
    Android,
    /// arm64, clang, Mach-O.
    Ios,
}

/// All of them.
pub const PLATFORMS: [Platform; 3] = [Platform::Linux, Platform::Android, Platform::Ios];

/// All tools that they need.
pub const TOOLS: [Tool; 5] = [GXX, CLANGXX, LLD, LD64, DSYMUTIL];

/// What all compilers are told: no headers but our own, every function in a section of its own.
const FLAGS: [&str; 9] = [
    "-std=c++17",
    "-O2",
    "-g",
    "-fPIC",
    "-ffreestanding",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-stack-protector",
    "-ffunction-sections",
];

impl Platform {
    /// Its index in [`PLATFORMS`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }

    /// Whether its processor is ARM's, whose instructions have 4 bytes each.
    pub fn is_arm(self) -> bool {
        self != Self::Linux
    }

    /// Whether its files are Mach-O.
    pub fn is_apple(self) -> bool {
        self == Self::Ios
    }

    /// How `recipe`'s file is called.
    pub fn file_name(self, recipe: &Recipe) -> String {
        let name = recipe.name;
        match (self, recipe.is_executable) {
            (Self::Linux | Self::Ios, true) => name.to_owned(),
            (Self::Linux | Self::Android, _) => format!("lib{name}.so"),
            (Self::Ios, false) => format!("lib{name}.dylib"),
        }
    }

    /// Compiles `source` of `dir` to `object`, both in `dir`. The folder's name is kept out of the
    /// object.
    pub fn compile(self, dir: &Path, source: &str, object: &str, defines: &[String]) -> Run {
        let (tool, target): (_, &[&str]) = match self {
            Self::Linux => (GXX, &[]),
            Self::Android => (CLANGXX, &["--target=aarch64-linux-android21"]),
            Self::Ios => (CLANGXX, &["--target=arm64-apple-ios14"]),
        };
        let mut args: Vec<String> =
            target.iter().chain(&FLAGS).map(|flag| (*flag).to_owned()).collect();
        args.push(format!("-ffile-prefix-map={}=/src", tools::arg(dir)));
        args.extend(defines.iter().cloned());
        args.extend(["-c", source, "-o", object].map(str::to_owned));
        Run { tool, args, dir: dir.to_owned() }
    }

    /// Links `objects` of `dir` to the image at `image`, its functions in the order of the file
    /// `order`, and makes `debug`, its debug file. Where the image has its own debug information
    /// the two are the same.
    pub fn link(
        self,
        recipe: &Recipe,
        dir: &Path,
        objects: &[String],
        order: &Path,
        image: &Path,
        debug: &Path,
    ) -> Vec<Run> {
        let (order, file, name) = (tools::arg(order), tools::arg(image), self.file_name(recipe));
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let is_executable = name == recipe.name;
        let (tool, mut args) = if self.is_apple() {
            let kind = if is_executable { "-execute" } else { "-dylib" };
            let mut args = words(&[
                "-arch",
                "arm64",
                "-platform_version",
                "ios",
                "14.0",
                "14.0",
                kind,
                "-undefined",
                "dynamic_lookup",
            ]);
            args.extend(words(&[
                "-no_fixup_chains",
                "-oso_prefix",
                &format!("{}/", tools::arg(dir)),
                "-final_output",
                &name,
            ]));
            args.extend(words(&["-order_file", &order]));
            (LD64, args)
        } else {
            let mut args =
                words(if is_executable { &["-pie", "-e", "main"] } else { &["-shared"] });
            args.extend(words(&[
                "--unresolved-symbols=ignore-all",
                "--build-id=sha1",
                "--no-warn-symbol-ordering",
                "-soname",
                &name,
            ]));
            args.push(format!("--symbol-ordering-file={order}"));
            (LLD, args)
        };
        args.extend(objects.iter().cloned());
        args.extend(words(&["-o", &file]));
        let mut runs = vec![Run { tool, args, dir: dir.to_owned() }];
        if self.is_apple() {
            runs.push(Run {
                tool: DSYMUTIL,
                args: words(&["--flat", &file, "-o", &tools::arg(debug)]),
                dir: dir.to_owned(),
            });
        }
        runs
    }

    /// The folder that the app's files are in on a device; `install` is a number made up for each
    /// installation.
    pub fn folder(self, install: u64) -> PathBuf {
        match self {
            Self::Linux => "/opt/shop/lib".into(),
            Self::Android => format!(
                "/data/app/~~{install:016x}==/com.example.shop-{:08x}==/lib/arm64",
                install >> 17
            )
            .into(),
            Self::Ios => {
                let part = |shift: u32| (install >> shift) & 0xffff;
                let id = format!(
                    "{:08X}-{:04X}-{:04X}-{:04X}-{install:012X}",
                    install >> 32,
                    part(0),
                    part(16),
                    part(8)
                );
                format!("/private/var/containers/Bundle/Application/{}/Shop.app", &id[..36]).into()
            }
        }
    }
}
