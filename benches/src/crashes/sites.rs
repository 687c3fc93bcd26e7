//! Places in code that a stack can lead through, in the builds of all platforms.
//!
//! A site is a list of functions, the outermost of which has code of its own and the others of
//! which are inlined into it. Which function has code at an address, the symbol table says; what is
//! inlined there, the addr2line crate. Only sites that every platform has are kept: where one
//! compiler inlines more than the other, the stacks of one bug would have other functions on each.

use std::collections::BTreeMap;

use addr2line::gimli::DW_LANG_C_plus_plus;
use anyhow::{Result, bail};

use super::build::{Builds, Linked};
use super::module::{Code, Function};
use super::modules::RECIPES;
use super::platform::{PLATFORMS, Platform};
use crate::peers::Addr2line;

/// Spots of one kind that are kept of each site.
const MAX_SPOTS: usize = 32;

/// A place within a function's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Index into [`Table::symbols`] of its platform.
    pub symbol: usize,
    /// Bytes from the function's start.
    pub offset: u64,
}

/// Functions that stand on a stack together.
#[derive(Debug, Default)]
pub struct Site {
    /// Index into [`RECIPES`].
    pub module: usize,
    /// Plain names, innermost first.
    pub functions: Vec<String>,
    /// By platform, where a direct call returns to.
    pub calls: [Vec<Spot>; PLATFORMS.len()],
    /// By platform, where an instruction may fail. The byte before it has the same functions.
    pub instructions: [Vec<Spot>; PLATFORMS.len()],
}

impl Site {
    /// Where a stack may lead through it on the platform with this index: behind calls, if it has
    /// any.
    pub fn returns(&self, platform: usize) -> &[Spot] {
        let calls = &self.calls[platform];
        if calls.is_empty() { &self.instructions[platform] } else { calls }
    }
}

/// The functions of a platform.
#[derive(Debug, Default)]
pub struct Table {
    /// Module and symbol.
    pub symbols: Vec<(usize, String)>,
    /// By build, then by symbol, the first address.
    pub starts: Vec<Vec<u64>>,
}

/// All sites.
#[derive(Debug)]
pub struct Sites {
    /// In the order of their module and functions.
    pub sites: Vec<Site>,
    /// By platform.
    pub tables: Vec<Table>,
}

/// Module, and raw names without what the compiler adds to clones, innermost first.
type Key = (usize, Vec<String>);

impl Sites {
    /// Finds them.
    ///
    /// # Errors
    /// If a module cannot be read, or a function is not of the same size in every build.
    pub fn find(builds: &[Builds]) -> Result<Self> {
        let mut sites: BTreeMap<Key, Site> = BTreeMap::new();
        let mut tables = Vec::new();
        for builds in builds {
            let mut table =
                Table { symbols: Vec::new(), starts: vec![Vec::new(); builds.builds.len()] };
            for module in 0..RECIPES.len() {
                let linked: Vec<&Linked> =
                    builds.builds.iter().filter_map(|build| build.get(module)).collect();
                let Some(first) = linked.first() else { continue };
                let (code, names) = (Code::read(&first.image)?, Addr2line::open(&first.debug)?);
                for (symbol, function) in first
                    .module
                    .functions
                    .iter()
                    .filter(|(symbol, _)| !symbol.starts_with("padding_"))
                {
                    let all = in_every_build(&linked, symbol, builds.platform)?;
                    let size = all.iter().map(|function| function.size).min().unwrap_or(0);
                    let walk = Walk {
                        code: &code,
                        names: &names,
                        symbol,
                        function: Function { size, ..*function },
                        platform: builds.platform,
                    };
                    let number = table.symbols.len();
                    walk.spots(|functions, is_call, offset| {
                        let place = sites.entry((module, functions)).or_default();
                        let spots =
                            if is_call { &mut place.calls } else { &mut place.instructions };
                        let spots = &mut spots[builds.platform.index()];
                        if spots.len() < MAX_SPOTS {
                            spots.push(Spot { symbol: number, offset });
                        }
                    })?;
                    table.symbols.push((module, symbol.clone()));
                    table
                        .starts
                        .iter_mut()
                        .zip(&all)
                        .for_each(|(starts, function)| starts.push(function.start));
                }
            }
            tables.push(table);
        }
        let named = sites.into_iter().map(|((module, raw), site)| {
            let functions = raw.iter().map(|name| plain(name)).collect();
            Site { module, functions, ..site }
        });
        let everywhere =
            |site: &Site| (0..PLATFORMS.len()).all(|platform| !site.returns(platform).is_empty());
        Ok(Self { sites: named.filter(everywhere).collect(), tables })
    }

    /// The sites at which the function `name` has code of its own and nothing is inlined.
    pub fn of(&self, name: &str) -> impl Iterator<Item = usize> {
        let is_it = move |site: &Site| site.functions.len() == 1 && site.functions[0] == name;
        (0..).zip(&self.sites).filter(move |(_, site)| is_it(site)).map(|(index, _)| index)
    }
}

/// The function `symbol` of each build.
fn in_every_build(linked: &[&Linked], symbol: &str, platform: Platform) -> Result<Vec<Function>> {
    let mut all: Vec<Function> = Vec::new();
    for linked in linked {
        let Some(function) = linked.module.functions.get(symbol) else {
            bail!("{}: no {symbol}, which another build has", linked.image.display())
        };
        // Of Mach-O files, what lies behind a function counts too.
        if !platform.is_apple() && all.first().is_some_and(|first| first.size != function.size) {
            bail!(
                "{}: {symbol} is not of the same size as in another build",
                linked.image.display()
            );
        }
        all.push(*function);
    }
    Ok(all)
}

/// A walk through one function.
struct Walk<'a> {
    code: &'a Code,
    names: &'a Addr2line,
    symbol: &'a str,
    /// In the build that the two others are of.
    function: Function,
    platform: Platform,
}

impl Walk<'_> {
    /// Calls `each` with functions, whether a call returns there, and offset.
    fn spots(&self, mut each: impl FnMut(Vec<String>, bool, u64)) -> Result<()> {
        for offset in self.code.calls(self.function, self.platform.is_arm()) {
            if let Some(functions) = self.functions(offset - 1)? {
                each(functions, true, offset);
            }
        }
        let mut before = self.functions(0)?;
        for offset in
            (0..self.function.size).step_by(if self.platform.is_arm() { 4 } else { 1 }).skip(1)
        {
            let here = self.functions(offset)?;
            if let (true, Some(here)) = (here == before, &here) {
                each(here.clone(), false, offset);
            }
            before = here;
        }
        Ok(())
    }

    /// The functions at `offset`, if the outermost one is the symbol's.
    fn functions(&self, offset: u64) -> Result<Option<Vec<String>>> {
        let mut functions = Vec::new();
        self.names.frames(self.function.start + offset, &mut |frame| {
            functions.push(without_clone(frame.function).to_owned());
        })?;
        let is_whole = functions.iter().all(|name| !name.is_empty());
        Ok((is_whole
            && functions.last().is_some_and(|outermost| outermost == without_clone(self.symbol)))
        .then_some(functions))
    }
}

/// `symbol` without `.cold`, `.part.0` and the like.
fn without_clone(symbol: &str) -> &str {
    symbol.split_once('.').map_or(symbol, |(name, _)| name)
}

/// A symbol's name in the source, without arguments and template arguments. Two functions of one
/// plain name count as one.
///
/// The sources have no operator with an angle bracket.
pub fn plain(symbol: &str) -> String {
    let symbol = without_clone(symbol);
    let Some(name) = addr2line::demangle(symbol, DW_LANG_C_plus_plus) else {
        return symbol.to_owned();
    };
    let mut out = String::new();
    let (mut angles, mut rounds) = (0_usize, 0_usize);
    let mut rest = name.as_str();
    while let Some(character) = rest.chars().next() {
        if angles + rounds == 0 && rest.starts_with("operator()") {
            out.push_str("operator()");
            rest = &rest["operator()".len()..];
            continue;
        }
        if let (true, Some(behind)) = (angles + rounds == 0, rest.strip_prefix(" const")) {
            rest = behind;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '<' => angles += 1,
            '>' => angles = angles.saturating_sub(1),
            '(' => rounds += 1,
            ')' => rounds = rounds.saturating_sub(1),
            // What has been written so far was a return type.
            ' ' if angles + rounds == 0 => out.clear(),
            _ if angles + rounds == 0 => out.push(character),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_have_no_arguments() {
        for (symbol, want) in [
            ("main", "main"),
            ("_ZN5AdderD1Ev", "Adder::~Adder"),
            ("_ZN5Adder3runEj.cold", "Adder::run"),
            ("_ZN4shop4cart6BasketclEj", "shop::cart::Basket::operator()"),
            ("_ZN4shop6WalkerINS_4cart6BasketELj2EE4stepEj", "shop::Walker::step"),
            ("_ZN4base4eachIiEEjT_j", "base::each"),
            ("_ZZN4shop6Basket5visitEjENKUljE_clEj", "shop::Basket::visit::{lambda#1}::operator()"),
        ] {
            assert_eq!(plain(symbol), want, "{symbol}");
        }
    }

    #[test]
    fn overloads_are_one_function() {
        assert_eq!(plain("_ZN4shop6Basket4openEj"), plain("_ZN4shop6Basket4openEjPKc"));
        assert_ne!(plain("_ZN4shop6Basket4openEj"), plain("_ZN4shop6Ledger4openEj"));
    }
}
