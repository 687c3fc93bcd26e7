//! Checks that the storage lets one of several writers win, and says so to each: what every commit
//! stands on.

use futures_util::future::join_all;

use crate::BucketError;
use crate::head::random;
use crate::keys::PROBES;
use crate::limits::{MAX_HEAD_BYTES, PROBE_ROUNDS, RACERS};
use crate::objects::{Object, Objects, Written};

/// Lets writers race to create one object, then to replace it, round after round.
///
/// # Errors
/// [`BucketError::Unfit`] if not exactly one of them wins each time.
pub async fn run(objects: &Objects) -> Result<(), BucketError> {
    let name = random().map_err(|error| objects.error(PROBES, &error.to_string()))?;
    let key = format!("{PROBES}{name}");
    let probed = race(objects, &key).await;
    // What cannot be removed is found by gc.
    let removed = objects.delete(&key).await;
    probed.and(removed)
}

async fn race(objects: &Objects, key: &str) -> Result<(), BucketError> {
    let text = |round: usize, racer: usize| format!("{round} {racer}").into_bytes();
    let creations = (0..RACERS).map(|racer| objects.create(key, text(0, racer).into()));
    let mut before = None;
    let mut now = won(objects, key, "create", 0, join_all(creations).await).await?;
    for round in 1..=PROBE_ROUNDS {
        let version = now.version.clone();
        let changes =
            (0..RACERS).map(|racer| objects.replace(key, text(round, racer).into(), &version));
        let results = join_all(changes).await;
        before =
            Some(std::mem::replace(&mut now, won(objects, key, "replace", round, results).await?));
    }
    if let Some(before) = before {
        let stale = objects.replace(key, text(usize::MAX, 0).into(), &before.version).await?;
        if stale == Written::Done {
            return Err(unfit(objects, "it replaced an object that had been replaced before"));
        }
    }
    if objects.create(key, text(usize::MAX, 1).into()).await? == Written::Done {
        return Err(unfit(objects, "it created an object that was there"));
    }
    Ok(())
}

/// What stands at `key` after a race of which these are the `results`.
async fn won(
    objects: &Objects,
    key: &str,
    what: &str,
    round: usize,
    results: Vec<Result<Written, BucketError>>,
) -> Result<Object, BucketError> {
    let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let winners: Vec<usize> =
        (0..results.len()).filter(|at| results[*at] == Written::Done).collect();
    let there = objects.read(key, MAX_HEAD_BYTES).await?;
    let there = there.ok_or_else(|| unfit(objects, "what was written is not there"))?;
    match winners[..] {
        [winner] if there.bytes == format!("{round} {winner}").as_bytes() => Ok(there),
        // Who won asked again, as the answer was lost, and was told of its own write.
        [] if there.bytes.starts_with(format!("{round} ").as_bytes()) => {
            Err(objects.error(key, "the answer to the request that won was lost"))
        }
        [_] => Err(unfit(objects, &format!("of {RACERS} that {what} an object another one won"))),
        _ => {
            let count = winners.len();
            Err(unfit(
                objects,
                &format!("of {RACERS} that {what} an object {count} were told that they did"),
            ))
        }
    }
}

fn unfit(objects: &Objects, cause: &str) -> BucketError {
    BucketError::Unfit { place: objects.place().to_owned(), cause: cause.to_owned() }
}
