//! Any bytes as grouping rules, and as frames to ask them about: both must end, without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use symtool_grouping::rules::{FrameFacts, Rules};

fuzz_target!(|bytes: &[u8]| {
    // Rules, a NUL, names of functions, one a line.
    let (rules, names) =
        bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let Ok(rules) = Rules::parse(&String::from_utf8_lossy(rules), "input") else { return };
    let names = String::from_utf8_lossy(names);
    let facts = names.lines().map(|name| FrameFacts {
        function: Some(name),
        package: Some(name),
        ..FrameFacts::default()
    });
    let seen: Vec<_> = facts.take(64).map(|facts| rules.look(&facts)).collect();
    let stack: Vec<_> = seen.iter().collect();
    rules.judge(&stack, None);
    rules.without_effect().for_each(drop);
});
