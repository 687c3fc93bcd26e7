//! At every address the first file that knows it answers, whatever the order.

use symtool_debug::{ModuleSymbols, Range};
use symtool_module::Detail;
use symtool_store::block::layers::source_at;
use symtool_store::pack::Layers;
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

#[test]
fn every_address_is_answered_by_the_first_file_that_knows_it() {
    let (mut layered, mut blank) = (0, 0);
    for seed in 0..8 {
        let details = if seed % 2 == 0 {
            [Detail::Debug, Detail::Symbols, Detail::Exports]
        } else {
            [Detail::Debug, Detail::Debug, Detail::Exports]
        };
        let modules: Vec<ModuleSymbols> = details
            .iter()
            .zip(1..)
            .map(|(detail, number)| module(seed * 8 + number, *detail, number))
            .collect();
        // By rank: more detail, then the larger file.
        let bytes = [300, 200, 100];
        let mut outcomes = Vec::new();
        for order in orders() {
            let sandbox = Sandbox::new();
            for at in order {
                assert!(!sandbox.commit(&modules[at], bytes[at]).was_there, "seed {seed}");
            }
            let stored = sandbox.stored();
            // Once more, in whatever order, nothing changes.
            (0..3).for_each(|at| {
                assert!(sandbox.commit(&modules[at], bytes[at]).was_there, "seed {seed}");
            });
            assert!(sandbox.stored() == stored);
            outcomes.push(stored);
        }
        for (order, outcome) in orders().iter().zip(&outcomes) {
            assert_eq!(outcome.record, outcomes[0].record, "seed {seed} order {order:?}");
            assert!(outcome.blocks == outcomes[0].blocks, "seed {seed} order {order:?}");
        }
        let (together, layers) = unpack(&outcomes[0].record, &outcomes[0].blocks).unwrap();
        let mut answered = [0; 3];
        for address in 0..ADDRESSES + 2 {
            let best = modules.iter().position(|module| !frames(module, address).is_empty());
            // From where on the best file says the same, no better one may say anything.
            let known = best.filter(|known| {
                let here = frames(&modules[*known], address);
                let mut run = (0..=address)
                    .rev()
                    .take_while(|before| frames(&modules[*known], *before) == here);
                run.all(|before| {
                    modules[..*known].iter().all(|better| frames(better, before).is_empty())
                })
            });
            blank += usize::from(known.is_none() && best.is_some());
            let want = known.map_or_else(Vec::new, |known| frames(&modules[known], address));
            assert_eq!(frames(&together, address), want, "seed {seed} address {address}");
            if let Some(known) = known {
                assert_eq!(
                    source_at(&layers.ranges, address),
                    known,
                    "seed {seed} address {address}"
                );
                answered[known] += 1;
            }
        }
        let sources = &outcomes[0].record.sources;
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["lib1.so", "lib2.so", "lib3.so"]);
        assert_eq!(
            sources.iter().map(|source| source.addresses).collect::<Vec<_>>(),
            answered,
            "seed {seed}"
        );
        let unwound: Vec<u64> =
            sources.iter().filter_map(|source| source.unwind_addresses).collect();
        assert_eq!(unwound, check_unwind(&modules, &together, &layers), "seed {seed}");
        assert_eq!(
            (outcomes[0].record.name.as_str(), &outcomes[0].record.other_names[..]),
            ("lib1.so", &["lib2.so".to_owned(), "lib3.so".to_owned()][..])
        );
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
