//! Demangling against the tools whose spelling it has, and against names that were made to break
//! it.
//!
//! `MUTANTS=100000` makes more broken names, `SEED=7` others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use fastrand::Rng;
use symtool_demangle::limits::MAX_DEMANGLED_BYTES;
use symtool_demangle::{Spelling, demangle};

/// Names, and what llvm-cxxfilt and c++filt made of them (testdata/demangle/refresh.py).
const NAMES: &str = include_str!("../../../testdata/demangle/names.txt");

/// Of these, GNU says what we do not.
const UNLIKE_GNU: [&str; 4] = [
    // Parameters that a lambda declares, outside of it.
    "_ZZ1fvENKUlTyT_E_clIiEEDaS_",
    "_ZZ1fvENKUlTtTyEvE_clI1aEEDav",
    // Of a function that is both, noexcept comes first.
    "_Z1fPKDoFvvE",
    // No compiler says `void` twice.
    "_Z1fvv",
];

/// Half of what a thread has on macOS, where it is least; code that is not optimized takes more.
const STACK: usize = if cfg!(debug_assertions) { 4 << 20 } else { 256 << 10 };

fn names() -> Vec<(&'static str, Option<&'static str>, Option<&'static str>)> {
    NAMES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split('\t');
            let name = columns.next().unwrap();
            let mut answer =
                || columns.next().map(|answer| (answer != "-").then_some(answer)).unwrap();
            // D names stay as they are (docs/deviations.md).
            (name, answer().filter(|_| !name.starts_with("_D")), answer())
        })
        .collect()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Runs `job` on a thread with little stack.
fn on_small_stack(job: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK).spawn(job).unwrap().join().unwrap();
}

/// Demangles `name` in every spelling: each has to end, and within its limit.
fn check(name: &[u8]) {
    for spelling in [Spelling::Symtool, Spelling::Llvm, Spelling::Gnu] {
        let text = demangle(name, spelling);
        let shown = String::from_utf8_lossy(&name[..name.len().min(300)]);
        assert!(
            text.is_none_or(|text| text.len() <= MAX_DEMANGLED_BYTES + 256),
            "{spelling:?}: {shown}"
        );
    }
}

#[test]
fn names_are_spelled_as_the_tools_do() {
    let names = names();
    assert!(names.len() > 800, "only {} names", names.len());
    for (name, llvm, gnu) in names {
        assert_eq!(demangle(name.as_bytes(), Spelling::Llvm).as_deref(), llvm, "{name} as LLVM");
        let is_like = demangle(name.as_bytes(), Spelling::Gnu).as_deref() == gnu;
        assert_eq!(
            is_like,
            !UNLIKE_GNU.contains(&name),
            "{name} as GNU: {:?}, not {gnu:?}",
            demangle(name.as_bytes(), Spelling::Gnu)
        );
    }
}

#[test]
fn symtool_shows_cpp_as_llvm_and_rust_without_hashes() {
    for (name, want) in [
        ("_ZN3foo3barEi", Some("foo::bar(int)")),
        ("__ZN3foo3barEi", Some("foo::bar(int)")),
        ("____ZN3foo3barEi_block_invoke", Some("invocation function for block in foo::bar(int)")),
        ("_ZN1aIN1bIiEEEC2Ev", Some("a<b<int>>::a()")),
        ("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", Some("core::fmt::Write::write_fmt")),
        (
            "_ZN4llvm3pdb7PDBFile17hasPDBStringTableEv",
            Some("llvm::pdb::PDBFile::hasPDBStringTable()"),
        ),
        ("_RNvCs4fqI2P2rA04_7mycrate3foo", Some("mycrate::foo")),
        ("__RNvC7mycrate3foo", Some("mycrate::foo")),
        ("___Z1fv_block_invoke", Some("invocation function for block in f()")),
        ("$s4main3FooV3baryyF", Some("main.Foo.bar() -> ()")),
        ("_$s4main3FooV3baryyF", Some("main.Foo.bar() -> ()")),
        ("-[Note weight]", None),
        ("$s", None),
        ("main", None),
        ("_init", None),
        ("_ZN3foo", None),
        ("", None),
        ("_", None),
    ] {
        assert_eq!(demangle(name.as_bytes(), Spelling::Symtool).as_deref(), want, "{name}");
    }
    assert_eq!(demangle(b"\xff\xfe", Spelling::Symtool), None);
    assert_eq!(demangle(b"_Z2\xff\xfe", Spelling::Symtool), None);
}

/// What binutils takes off a name before it demangles it, and puts back.
#[test]
fn gnu_keeps_what_stands_around_a_name() {
    for (name, want) in [
        ("._Z1fv", "._Z1fv"),
        ("..$_Z1fv", "..$f()"),
        ("_Z1fv@@V_1", "f()@@V_1"),
        ("_Z1fv@plt", "f()@plt"),
    ] {
        let want = want.replace("_Z1fv", "f()");
        assert_eq!(demangle(name.as_bytes(), Spelling::Gnu), Some(want), "{name}");
    }
}

/// What one name leaves in memory must not reach the next.
#[test]
fn a_name_says_the_same_after_any_other() {
    let names = names();
    let mut rng = Rng::with_seed(1);
    for _ in 0..20_000 {
        let (before, _, _) = names[rng.usize(..names.len())];
        let cut = rng.usize(..=before.len());
        demangle(before.as_bytes().get(..cut).unwrap(), Spelling::Gnu);
        let (name, llvm, _) = names[rng.usize(..names.len())];
        assert_eq!(
            demangle(name.as_bytes(), Spelling::Llvm).as_deref(),
            llvm,
            "{name} after {before}"
        );
    }
}

#[test]
fn the_deepest_real_names_are_read() {
    // As deep as a recursive template of 60 levels.
    let deep = (0..60).fold("i".to_owned(), |inner, _| format!("N1a1bI{inner}EE"));
    assert!(demangle(format!("_Z1f{deep}").as_bytes(), Spelling::Llvm).is_some());
    let pointers = format!("_Z1f{}i", "P".repeat(100));
    assert_eq!(
        demangle(pointers.as_bytes(), Spelling::Llvm),
        Some(format!("f(int{})", "*".repeat(100)))
    );
}

/// The number of a substitution, to base 36.
fn substitution(index: usize) -> String {
    let mut digits = Vec::new();
    let mut rest = index;
    while rest > 0 {
        rest -= 1;
        digits.push(char::from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 36]));
        rest /= 36;
    }
    format!("S{}_", digits.iter().rev().collect::<String>())
}

/// A function whose every parameter has the one before it twice.
fn doubling(levels: usize) -> String {
    let mut name = "_Z1f1a1bIS_S_E".to_owned();
    for level in 0..levels {
        let last = substitution(level + 2);
        name.extend(["S0_I", &last, &last, "E"]);
    }
    name
}

#[test]
fn a_name_that_explodes_stays_raw() {
    assert!(demangle(doubling(5).as_bytes(), Spelling::Llvm).is_some());
    for spelling in [Spelling::Symtool, Spelling::Llvm, Spelling::Gnu] {
        assert_eq!(demangle(doubling(60).as_bytes(), spelling), None);
    }
    let long = format!("_Z{}{}v", 70_000, "x".repeat(70_000));
    assert_eq!(demangle(long.as_bytes(), Spelling::Llvm), None);
}

/// What stands before, is repeated, and stands after.
const REPEATED: [(&str, &str, &str); 37] = [
    ("_ZTI", "P", "i"),
    ("_ZTI", "PF", "i"),
    ("_ZTI", "A_", "i"),
    ("_ZTI", "M1a", "i"),
    ("_ZTI", "KP", "i"),
    ("_ZTI", "U1a", "i"),
    ("_Z1fI", "1aI", ""),
    ("_Z1fI", "J", ""),
    ("_Z1fIX", "ng", ""),
    ("_Z1fIX", "qu", ""),
    ("_Z1fIiEvDT", "cvT_I", ""),
    ("_Z1fIiEvDT", "il", ""),
    ("_Z1fIiEvDT", "tl1adi1b", ""),
    ("_Z1fIJEEv", "Dp", "T_"),
    ("_Z1fIRiEv", "O", "T_"),
    ("_ZN1a", "cvT_I", ""),
    ("_ZN1a", "cvT_IX", ""),
    ("_ZN", "1a", "E"),
    ("_ZN", "1aIiE", "E"),
    ("_ZN1a", "Ul", ""),
    ("_ZN1aUl", "Tt", ""),
    ("_ZN1aUl", "Tp", ""),
    ("_ZN1aUl", "T_", "E_"),
    ("_ZN1a", "C", ""),
    ("_ZN1a", "CI1", ""),
    ("_", "Z", ""),
    ("_Z", "Z1fvE", "1a"),
    ("_Z", "ZN1aC1EvE", "1a"),
    ("_Z1f", "i", ""),
    ("_Z1a", "B1b", ""),
    ("_ZGI", "W1a", ""),
    ("_Z", "GV", "1a"),
    ("_Z", "Tc", ""),
    ("_Z1fv", ".a", ""),
    ("_Z1fv", ".1", ""),
    ("_R", "Nv", "C1a1b"),
    ("_RINvC1a1b", "R", "hE"),
];

#[test]
fn names_made_to_break_a_demangler_end_soon() {
    let many = 20_000;
    let repeated =
        |before: &str, part: &str, after: &str| format!("{before}{}{after}", part.repeat(many));
    let mut names = vec![
        doubling(30),
        doubling(300),
        "_Z99999999999999999999999999f".to_owned(),
        "_ZNSaIc".to_owned(),
    ];
    for (before, part, after) in REPEATED {
        names.push(repeated(before, part, after));
    }
    // Packs that are empty, of packs that are empty: nothing to print, and for ever.
    let mut empty = "_Z1fIJEEv1bIDpT_DpT_E".to_owned();
    for level in 2..60 {
        let last = substitution(level);
        empty.extend(["S0_IDp", &last, "Dp", &last, "E"]);
    }
    names.push(empty);
    // A conversion to a type that it is itself an argument of.
    names.extend(
        ["_ZN1acvT_IS0_EEv", "_ZN1acvT_IPT_EEv", "_ZN1acvT_IT_EEv", "_ZN1acvRT_IRT_EEv"]
            .map(str::to_owned),
    );
    on_small_stack(move || names.iter().for_each(|name| check(name.as_bytes())));
}

/// Changes `name` in one of the ways that matter to a grammar.
fn mutate(name: &mut Vec<u8>, names: &[&'static str], rng: &mut Rng) {
    const LETTERS: &[u8] = b"NZIEJXLSTPROKVFAMDCUWBQ_0123456789abcdefghijklmnopqrstuvwxyz.";
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(..=name.len());
        let other = names[rng.usize(..names.len())].as_bytes();
        match rng.u32(..6) {
            0 => name.insert(at, LETTERS[rng.usize(..LETTERS.len())]),
            1 if at < name.len() => name[at] = LETTERS[rng.usize(..LETTERS.len())],
            2 if at < name.len() => drop(name.remove(at)),
            3 => {
                let end = rng.usize(at..=name.len());
                let part = name[at..end].to_vec();
                name.splice(at..at, part);
            }
            4 => {
                let start = rng.usize(..=other.len());
                let part = &other[start..rng.usize(start..=other.len())];
                name.splice(at..at, part.iter().copied());
            }
            _ if rng.u32(..8) == 0 => name.truncate(at),
            _ => {}
        }
    }
}

#[test]
fn broken_names_end_soon() {
    let seed = setting("SEED", 1);
    let mutants = setting("MUTANTS", 1_000);
    on_small_stack(move || {
        let names: Vec<&'static str> = names().into_iter().map(|(name, _, _)| name).collect();
        let mut rng = Rng::with_seed(seed);
        let mut readable = 0;
        for name in &names {
            for _ in 0..mutants {
                let mut mutant = name.as_bytes().to_vec();
                mutate(&mut mutant, &names, &mut rng);
                check(&mutant);
                readable += usize::from(demangle(&mutant, Spelling::Llvm).is_some());
            }
        }
        // Otherwise the names are too broken to reach most of the grammar.
        assert!(readable > names.len(), "only {readable} of the broken names could be read");
    });
}
