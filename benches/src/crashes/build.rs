//! Compiles and links every module of every build of the app, with its debug file in `now/` or
//! `late/`.
//!
//! ```text
//! crash-src/, source.rs ─ compile ─> objects, once a platform
//!                                      ├─ link, in a shuffled order, with other padding ─> build 0
//!                                      ├─ …                                               build 1
//! ```
//!
//! As a platform's builds are of the same objects, a function has the same bytes in all of them,
//! and another address in each.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;
use object::{Object, ObjectSymbol, SymbolKind};

use super::module::Module;
use super::modules::{RECIPES, Recipe};
use super::options::Options;
use super::platform::{PLATFORMS, Platform};
use super::source::source;
use super::system::number_of;
use super::tools::{self, Run};

/// Sizes of the functions that move others. Each build has some of them.
const PADDING_BYTES: [u32; 8] = [20, 52, 132, 268, 604, 1500, 3988, 20_004];

/// A module of a build.
#[derive(Debug)]
pub struct Linked {
    /// What it is.
    pub module: Module,
    /// The image, in the work folder.
    pub image: PathBuf,
    /// The debug file.
    pub debug: PathBuf,
    /// Whether the debug file comes late.
    pub is_late: bool,
}

/// All builds of a platform.
#[derive(Debug)]
pub struct Builds {
    /// Which.
    pub platform: Platform,
    /// By build, then in the order of [`RECIPES`].
    pub builds: Vec<Vec<Linked>>,
}

/// Makes them. `work` is a folder that is not kept.
///
/// # Errors
/// If a tool fails or a file cannot be read or written; names it.
pub fn build(options: &Options, work: &Path) -> Result<Vec<Builds>> {
    write_sources(work, options.seed)?;
    tools::run_all(&compiles(work))?;

    let mut rng = Rng::with_seed(options.seed ^ number_of(&["builds"]));
    let mut links = Vec::new();
    let mut plans = Vec::new();
    for platform in PLATFORMS {
        for build in 0..options.builds {
            for recipe in &RECIPES {
                let name = platform.file_name(recipe);
                let is_late = rng.u32(..100) < options.withheld;
                let dir = options
                    .out
                    .join("modules")
                    .join(if is_late { "late" } else { "now" })
                    .join(format!("{}-{build:02}", platform.name()));
                let images = work.join(format!("{}-{build:02}", platform.name()));
                for dir in [&dir, &images] {
                    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
                }
                let debug = dir.join(&name);
                let image = if platform.is_apple() { images.join(&name) } else { debug.clone() };
                let order = images.join(format!("{}.order", recipe.name));
                let objects = choose_objects(platform, recipe, work, &order, &mut rng)?;
                links.push(platform.link(recipe, work, &objects, &order, &image, &debug));
                plans.push((platform, build, image, debug, is_late));
            }
        }
    }
    tools::run_all(&links)?;

    let mut all: Vec<Builds> =
        PLATFORMS.map(|platform| Builds { platform, builds: Vec::new() }).into();
    for (platform, build, image, debug, is_late) in plans {
        let builds = &mut all[platform.index()].builds;
        builds.resize_with(build + 1, Vec::new);
        builds[build].push(Linked { module: Module::read(&image)?, image, debug, is_late });
    }
    Ok(all)
}

/// The commands that compile all units of all platforms.
fn compiles(work: &Path) -> Vec<Vec<Run>> {
    let mut compiles = Vec::new();
    for platform in PLATFORMS {
        for recipe in &RECIPES {
            compiles.extend(units(recipe).iter().map(|unit| {
                let source = if *unit == GENERATED {
                    format!("{}-generated.cc", recipe.name)
                } else {
                    (*unit).to_owned()
                };
                vec![platform.compile(work, &source, &object(platform, recipe.name, unit), &[])]
            }));
        }
        for (number, bytes) in PADDING_BYTES.iter().enumerate() {
            let defines = [format!("-DNUMBER={number}"), format!("-DBYTES={bytes}")];
            compiles.push(vec![platform.compile(
                work,
                "padding.cc",
                &padding(platform, number),
                &defines,
            )]);
        }
    }
    compiles
}

/// The objects that an image is linked from, with or without padding; writes a shuffled order of
/// their functions to `order`.
fn choose_objects(
    platform: Platform,
    recipe: &Recipe,
    work: &Path,
    order: &Path,
    rng: &mut Rng,
) -> Result<Vec<String>> {
    let mut objects: Vec<String> =
        units(recipe).iter().map(|unit| object(platform, recipe.name, unit)).collect();
    let mut symbols = functions(work, &objects)?;
    for number in 0..PADDING_BYTES.len() {
        if rng.bool() {
            objects.push(padding(platform, number));
            symbols.push(format!("{}padding_{number}", if platform.is_apple() { "_" } else { "" }));
        }
    }
    rng.shuffle(&mut symbols);
    symbols.push(String::new());
    fs::write(order, symbols.join("\n")).with_context(|| order.display().to_string())?;
    Ok(objects)
}

/// The unit that is generated.
const GENERATED: &str = "generated";

fn units(recipe: &Recipe) -> Vec<&'static str> {
    recipe.sources.iter().copied().chain(recipe.shape.map(|_| GENERATED)).collect()
}

fn object(platform: Platform, module: &str, unit: &str) -> String {
    format!("{}-{module}-{unit}.o", platform.name())
}

fn padding(platform: Platform, number: usize) -> String {
    format!("{}-padding-{number}.o", platform.name())
}

fn write_sources(work: &Path, seed: u64) -> Result<()> {
    let write = |name: &str, text: &str| {
        fs::write(work.join(name), text).with_context(|| work.join(name).display().to_string())
    };
    for (name, text) in [
        ("base.h", include_str!("../../crash-src/base.h")),
        ("app.cc", include_str!("../../crash-src/app.cc")),
        ("core.cc", include_str!("../../crash-src/core.cc")),
        ("guard.cc", include_str!("../../crash-src/guard.cc")),
        ("padding.cc", include_str!("../../crash-src/padding.cc")),
    ] {
        write(name, text)?;
    }
    for (recipe, number) in RECIPES.iter().zip(1..) {
        if let Some(shape) = &recipe.shape {
            write(
                &format!("{}-generated.cc", recipe.name),
                &source(shape, seed.wrapping_mul(31).wrapping_add(number))?,
            )?;
        }
    }
    Ok(())
}

/// The functions that `objects` define, by symbol as the linker knows them, sorted.
fn functions(work: &Path, objects: &[String]) -> Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for object in objects {
        let path = work.join(object);
        let data = fs::read(&path).with_context(|| path.display().to_string())?;
        let file = object::File::parse(&*data).with_context(|| path.display().to_string())?;
        let functions = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
        names.extend(functions.filter_map(|symbol| {
            symbol.name().ok().filter(|name| !name.is_empty()).map(str::to_owned)
        }));
    }
    Ok(names.into_iter().collect())
}
