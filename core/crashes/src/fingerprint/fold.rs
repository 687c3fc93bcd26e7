//! Folds recursion: each cycle of a stack counts once.
//!
//! ```text
//! crash side                far end
//! b a b a b a main      ->  b a main      whole turns
//! a b a b a b a main    ->  b a main      the crash came in the middle of a turn: what it had of it goes too
//! a b a b a b           ->  a b           no end in sight: the turn that begins with the smallest
//! ```
//!
//! So the depth of recursion, and where in it a stack overflowed, make no difference.

/// The longest cycle that is recognised.
const MAX_PERIOD: usize = 16;

/// Indices of the frames of `stack` that are left, the crashing side first.
pub fn fold<T: Ord>(stack: &[T]) -> Vec<usize> {
    // From the far end, where cycles are entered.
    let mut kept: Vec<usize> = Vec::new();
    let mut at = stack.len();
    while at > 0 {
        let Some((period, turns)) = cycle(&stack[..at]) else {
            at -= 1;
            kept.push(at);
            continue;
        };
        let is_open = at == stack.len();
        let mut turn: Vec<usize> = (at - period..at).rev().collect();
        at -= period * turns;
        // As much of another turn as there is, if that is where the crash came.
        let part = stack[..at]
            .iter()
            .rev()
            .zip(turn.iter())
            .take_while(|(frame, of_turn)| *frame == &stack[**of_turn])
            .count();
        if part == at {
            at = 0;
        }
        if is_open && at == 0 {
            rotate_to_smallest(stack, &mut turn);
        }
        kept.extend(turn);
    }
    kept.reverse();
    kept
}

/// The shortest cycle at the far end of `stack`, and how many whole turns of it there are: two at
/// least.
fn cycle<T: Ord>(stack: &[T]) -> Option<(usize, usize)> {
    let last = stack.last()?;
    let periods = 1..=MAX_PERIOD.min(stack.len() / 2);
    periods.filter(|period| stack[stack.len() - 1 - period] == *last).find_map(|period| {
        let turn = &stack[stack.len() - period..];
        let turns = stack.rchunks_exact(period).take_while(|chunk| *chunk == turn).count();
        (turns >= 2).then_some((period, turns))
    })
}

/// `turn` has the far end first; its order is compared from the crashing side.
fn rotate_to_smallest<T: Ord>(stack: &[T], turn: &mut [usize]) {
    turn.reverse();
    let best = (0..turn.len()).min_by(|a, b| {
        let from =
            |start: usize| turn[start..].iter().chain(&turn[..start]).map(|index| &stack[*index]);
        from(*a).cmp(from(*b))
    });
    turn.rotate_left(best.unwrap_or(0));
    turn.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(stack: &str) -> String {
        let frames: Vec<char> = stack.chars().collect();
        fold(&frames).into_iter().map(|index| frames[index]).collect()
    }

    #[test]
    fn cycles_are_gone_through_once() {
        for (stack, want) in [
            ("", ""),
            ("a", "a"),
            ("abc", "abc"),
            ("aaam", "am"),
            ("xaaam", "xam"),
            ("bababam", "bam"),
            ("xyababam", "xyabam"),
            ("abcabcabcm", "abcm"),
            // Two cycles, one after the other.
            ("aabbm", "abm"),
            ("xababmcdcdn", "xabmcdn"),
        ] {
            assert_eq!(folded(stack), want, "{stack}");
        }
    }

    #[test]
    fn the_depth_of_recursion_makes_no_difference() {
        for depth in 3..40 {
            assert_eq!(folded(&("ba".repeat(depth) + "m")), "bam");
            assert_eq!(
                folded(&("a".to_owned() + &"ba".repeat(depth) + "m")),
                "bam",
                "in the middle of a turn"
            );
            assert_eq!(folded(&("x".to_owned() + &"cba".repeat(depth) + "m")), "xcbam");
        }
    }

    #[test]
    fn a_cycle_without_end_begins_with_its_smallest() {
        for depth in 3..10 {
            for rotated in ["abc", "bca", "cab"] {
                assert_eq!(folded(&rotated.repeat(depth)), "abc", "{rotated}");
                assert_eq!(
                    folded(&(rotated[2..].to_owned() + &rotated.repeat(depth))),
                    "abc",
                    "{rotated}"
                );
            }
        }
    }
}
