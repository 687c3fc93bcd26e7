//! At every address the first file that knows it answers, whatever the order.

use symtool_debug::{ModuleSymbols, Range};
use symtool_module::Detail;
use symtool_store::block::layers::source_at;
use symtool_store::pack::{Layers, Packed};
use symtool_store::unpack::unpack;
use symtool_unwind::RuleFlags;

use crate::Sandbox;
use crate::made::{ADDRESSES, frames, module};

/// Checks that at each address the rule of the best file stands: one that holds everywhere before
/// one that holds in the body, then that of the first file.
fn check_unwind(modules: &[ModuleSymbols], together: &ModuleSymbols, layers: &Layers) -> Vec<u64> {
    let mut answered = vec![0; modules.len()];
    for address in 0..ADDRESSES + 12 {
        let rule = |module: &ModuleSymbols| {
            module.unwind.at(address).map(|row| module.unwind.rule(row).clone())
        };
        let offers = modules.iter().enumerate().filter_map(|(at, module)| {
            rule(module).map(|rule| (rule.flags.has(RuleFlags::BODY_ONLY), at))
        });
        let best = offers.min().map(|(_, at)| at);
        assert_eq!(rule(together), best.and_then(|best| rule(&modules[best])), "{address}");
        if let Some(best) = best {
            assert_eq!(source_at(&layers.unwind, address), best, "{address}");
            answered[best] += 1;
        }
    }
    answered
}

fn orders() -> [[usize; 3]; 6] {
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
}

/// Commits the modules in every order; returns what is stored, which is the same each time.
fn commit_in_every_order(modules: &[ModuleSymbols], bytes: [u64; 3]) -> Packed {
    let outcomes = orders().map(|order| {
        let sandbox = Sandbox::new();
        for at in order {
            assert!(!sandbox.commit(&modules[at], bytes[at]).was_there);
        }
        let stored = sandbox.stored();
        // Once more, in whatever order, nothing changes.
        for at in 0..3 {
            assert!(sandbox.commit(&modules[at], bytes[at]).was_there);
        }
        assert!(sandbox.stored() == stored);
        stored
    });
    for (order, outcome) in orders().iter().zip(&outcomes) {
        assert_eq!(outcome.record, outcomes[0].record, "order {order:?}");
        assert!(outcome.blocks == outcomes[0].blocks, "order {order:?}");
    }
    outcomes.into_iter().next().unwrap()
}

/// The best module that knows `address`, and the one that has to answer: the same, or none where a
/// better one knows a part of what the best says as one run.
fn best_at(modules: &[ModuleSymbols], address: u64) -> (Option<usize>, Option<usize>) {
    let best = modules.iter().position(|module| !frames(module, address).is_empty());
    // From where on the best file says the same, no better one may say anything.
    let known = best.filter(|known| {
        let here = frames(&modules[*known], address);
        let mut run =
            (0..=address).rev().take_while(|before| frames(&modules[*known], *before) == here);
        run.all(|before| modules[..*known].iter().all(|better| frames(better, before).is_empty()))
    });
    (best, known)
}

#[test]
fn every_address_is_answered_by_the_first_file_that_knows_it() {
    let (mut layered, mut blank) = (0, 0);
    for seed in 0..8 {
        let second = if seed % 2 == 0 { Detail::Symbols } else { Detail::Debug };
        let details = [Detail::Debug, second, Detail::Exports];
        let module = |(detail, number)| module(seed * 8 + number, detail, number);
        let modules: Vec<ModuleSymbols> = details.into_iter().zip(1..).map(module).collect();
        // By rank: more detail, then the larger file.
        let stored = commit_in_every_order(&modules, [300, 200, 100]);
        let (together, layers) = unpack(&stored.record, &stored.blocks).unwrap();
        let mut answered = [0; 3];
        for address in 0..ADDRESSES + 2 {
            let (best, known) = best_at(&modules, address);
            blank += usize::from(known.is_none() && best.is_some());
            let want = known.map_or_else(Vec::new, |known| frames(&modules[known], address));
            assert_eq!(frames(&together, address), want, "seed {seed} address {address}");
            if let Some(known) = known {
                let source = source_at(&layers.ranges, address);
                assert_eq!(source, known, "seed {seed} address {address}");
                answered[known] += 1;
            }
        }
        let sources = &stored.record.sources;
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["lib1.so", "lib2.so", "lib3.so"]);
        let addresses: Vec<u64> = sources.iter().map(|source| source.addresses).collect();
        assert_eq!(addresses, answered, "seed {seed}");
        let unwound: Vec<u64> =
            sources.iter().filter_map(|source| source.unwind_addresses).collect();
        assert_eq!(unwound, check_unwind(&modules, &together, &layers), "seed {seed}");
        assert_eq!(stored.record.name, "lib1.so");
        assert_eq!(stored.record.other_names, ["lib2.so", "lib3.so"]);
        // Neighbours that say the same are one range.
        let is_split = |pair: &[Range]| {
            pair[0].end == pair[1].start
                && frames(&together, pair[0].start) == frames(&together, pair[1].start)
        };
        assert!(!together.ranges.windows(2).any(is_split), "seed {seed}");
        layered += usize::from(!layers.ranges.is_empty());
    }
    assert!(layered > 4 && blank > 4, "files never completed each other: {layered} {blank}");
}
