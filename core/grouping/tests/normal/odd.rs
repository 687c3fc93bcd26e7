//! Broken and long names end soon and stay as they are.

use std::time::Instant;

use symtool_grouping::normal::{function, java, message, of_raw};

use crate::names;

#[test]
fn a_normalised_name_stays_as_it_is() {
    let names = names();
    assert!(names.len() > 2000);
    let mut wrong = Vec::new();
    for name in &names {
        let once = function(name);
        assert!(once.is_empty() == name.trim().is_empty(), "{name}");
        let twice = function(&once);
        if once != twice {
            wrong.push(format!("{name}\n  {once}\n  {twice}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Cut anywhere, doubled, or with brackets out of balance, names are names.
#[test]
fn broken_names_are_read() {
    let mut random = fastrand::Rng::with_seed(7);
    for name in names() {
        for _ in 0..8 {
            let mut signs: Vec<char> = name.chars().collect();
            let at = random.usize(..=signs.len());
            match random.u8(..4) {
                0 => signs.truncate(at),
                1 => signs.insert(
                    at,
                    random
                        .choice(vec![
                            '(', ')', '<', '>', '[', ']', '{', '}', '\'', '`', ':', '#', ' ', '.',
                            '$', '@', 'é', '-',
                        ])
                        .unwrap(),
                ),
                2 => signs = signs.split_off(at),
                _ => signs.extend_from_within(at..),
            }
            let broken: String = signs.into_iter().collect();
            assert_eq!(function(&broken).is_empty(), broken.trim().is_empty(), "{broken}");
            let _ = (message(&broken), java(&broken, &broken), of_raw(broken.as_bytes()));
        }
    }
}

#[test]
fn long_names_take_no_long_time() {
    let start = Instant::now();
    for part in [
        "(",
        "<",
        "a<",
        "<a as ",
        "::",
        "{",
        "'",
        "[",
        " in ",
        "closure #1 in ",
        "x #1 in ",
        ".1",
        "$LT$",
        "operator<",
        "a(b)",
        " (",
    ] {
        let _ = function(&part.repeat((64 << 10) / part.len()));
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

/// `cargo test --release -p symtool-grouping --test normal -- --ignored --nocapture`
#[test]
#[ignore = "prints times"]
fn speed() {
    let names: Vec<String> = names()
        .into_iter()
        .filter(|name| (60..100).contains(&name.len()) && name.contains("::"))
        .collect();
    let start = Instant::now();
    let mut bytes = 0;
    for _ in 0..200 {
        bytes += names.iter().map(|name| function(name).len()).sum::<usize>();
    }
    println!(
        "{} names, {bytes}: {:?} each",
        names.len(),
        start.elapsed() / u32::try_from(names.len() * 200).unwrap()
    );
}
