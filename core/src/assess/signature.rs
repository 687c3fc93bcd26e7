//! From a stack to what it is grouped by: in, links and rules; out, a signature, and for each link what was decided.
//!
//! A frame counts if rules let it, and if it is the application's own; where no frame is, all that rules let count do. Of those, the first [`SIGNATURE_FRAMES`] from the crashing side make the signature. If one of them has no name yet, the
//! signature is provisional, and has up to twice as many: some of them may turn out not to count.
//!
//! A crash stands alone if nothing tells its cause: one without any frame that counts and of which no more is known than a signal, and one
//! whose stack ends after a frame or two of the system. They would all be alike.

use symtool_formats::crash::FrameKind;
use symtool_formats::normal;
use symtool_formats::rules::{ExceptionFacts, Judged, Rules};

use super::fold::fold;
use super::stack::{Link, Origin};
use crate::crash::chunk::{Chunk, StoredCrash};
use crate::crash::{SignatureId, SignatureKind};
use crate::limits::{MIN_SYSTEM_FRAMES, SIGNATURE_FRAMES};

/// What a crash is grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The hash of all of it.
    pub id: SignatureId,
    /// Whether it will stay.
    pub kind: SignatureKind,
    /// What people call it.
    pub title: String,
    /// What it is made of, the crashing side first.
    pub frames: Vec<String>,
}

/// What was decided about a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Whether it is the application's own code, and who says so.
    pub in_app: (bool, String),
    /// Whether rules let it count, and who says so.
    pub group: (bool, String),
    /// Whether it is part of the signature.
    pub is_part: bool,
    /// If it is not though rules let it count, why.
    pub why_not: Option<&'static str>,
}

/// What a stack is grouped by, and for each link why.
pub fn explained(
    rules: &Rules,
    (chunk, crash): (&Chunk, &StoredCrash),
    links: &[Link<'_>],
    thrown: Option<&str>,
) -> (Signature, Vec<Counts>) {
    let mut judged = Judged::default();
    let decided = decide(rules, &mut judged, (chunk, crash), links, thrown);
    let counts = (0..links.len()).map(|index| decided.picked.counts(rules, &judged, index)).collect();
    (decided.signature((chunk, crash), links, thrown), counts)
}

/// What was decided about a stack.
pub struct Decided {
    /// The signature's id.
    pub id: SignatureId,
    kind: SignatureKind,
    picked: Picked,
}

/// What was picked of a stack.
struct Picked {
    /// The links that rules have judged, in the order of verdicts.
    trusted: Vec<usize>,
    /// Those that may be part: of the application, if one is.
    candidates: Vec<usize>,
    /// What is left of them once recursion is folded.
    folded: Vec<usize>,
    /// What makes the signature.
    parts: Vec<usize>,
}

/// Decides what `crash` with the stack `links` is grouped by. The memory of `judged` is used.
pub fn decide(
    rules: &Rules,
    judged: &mut Judged,
    (chunk, crash): (&Chunk, &StoredCrash),
    links: &[Link<'_>],
    thrown: Option<&str>,
) -> Decided {
    let trusted = trusted(links);
    let seen: Vec<_> = trusted.iter().map(|index| &links[*index].name.seen).collect();
    let exception = ExceptionFacts {
        kind: thrown.or(chunk.text_of(crash.kind)),
        value: chunk.text_of(crash.message),
        mechanism: chunk.text_of(crash.signal),
    };
    rules.judge_into(judged, &seen, Some(&exception));
    let (candidates, is_of_app) = candidates(judged, &trusted);
    let identities: Vec<u128> = candidates.iter().map(|index| links[*index].identity).collect();
    let folded: Vec<usize> = fold(&identities).into_iter().map(|index| candidates[index]).collect();
    let limit = match judged.max_frames.map(|limit| limit.frames) {
        None => SIGNATURE_FRAMES,
        Some(0) => links.len(),
        Some(frames) => usize::try_from(frames).unwrap_or(links.len()),
    };
    let is_provisional = |part: &[usize]| part.iter().any(|index| links[*index].origin == Origin::Unknown);
    let mut parts = folded[..limit.min(folded.len())].to_vec();
    let mut kind = SignatureKind::Resolved;
    if is_provisional(&parts) {
        kind = SignatureKind::Provisional;
        parts = folded[..limit.saturating_mul(2).min(folded.len())].to_vec();
    }
    let is_cut_off = links.len() < MIN_SYSTEM_FRAMES && !is_of_app;
    let id = id(kind, (chunk, crash), parts.iter().map(|index| &links[*index]), is_cut_off, thrown);
    Decided { id, kind, picked: Picked { trusted, candidates, folded, parts } }
}

/// What was found by scanning the stack may be junk, which must not count and of which rules must not conclude anything; if something better
/// was found at all.
fn trusted(links: &[Link<'_>]) -> Vec<usize> {
    let has_better = links.iter().skip(1).any(|link| !link.is_guess);
    (0..links.len()).filter(|index| !(has_better && links[*index].is_guess)).collect()
}

/// The links that may be part, and whether they are the application's own.
fn candidates(judged: &Judged, trusted: &[usize]) -> (Vec<usize>, bool) {
    let counting = || judged.frames.iter().zip(trusted).filter(|(verdict, _)| verdict.counts);
    let in_app: Vec<usize> = counting().filter(|(verdict, _)| verdict.in_app).map(|(_, index)| *index).collect();
    if in_app.is_empty() { (counting().map(|(_, index)| *index).collect(), false) } else { (in_app, true) }
}

fn id<'l>(
    kind: SignatureKind,
    (chunk, crash): (&Chunk, &StoredCrash),
    parts: impl ExactSizeIterator<Item = &'l Link<'l>>,
    is_cut_off: bool,
    known_thrown: Option<&str>,
) -> SignatureId {
    // Hashed at once, as a few texts in a row take three times as long.
    let mut bytes = Vec::with_capacity(256);
    bytes.push(kind as u8);
    if parts.len() == 0 {
        match without_frames(chunk, crash) {
            Some((thrown, message)) => {
                bytes.push(b'w');
                bytes.extend_from_slice(thrown.as_bytes());
                bytes.push(0);
                bytes.extend_from_slice(message.as_bytes());
            }
            None => {
                bytes.push(b'c');
                bytes.extend_from_slice(&crash.id.0);
            }
        }
        return SignatureId::of(&bytes);
    }
    if is_cut_off {
        bytes.push(b'c');
        bytes.extend_from_slice(&crash.id.0);
    }
    if let Some(thrown) = thrown(chunk, crash, known_thrown) {
        bytes.push(b'e');
        bytes.extend_from_slice(thrown.as_bytes());
        bytes.push(0);
    }
    parts.for_each(|part| bytes.extend_from_slice(&part.identity.to_le_bytes()));
    SignatureId::of(&bytes)
}

/// What was thrown, if that tells Java crashes apart; by the name that is `known`, if a mapping has one.
fn thrown<'a>(chunk: &'a Chunk, crash: &StoredCrash, known: Option<&'a str>) -> Option<&'a str> {
    known.or(chunk.text_of(crash.kind)).filter(|_| chunk.frames(crash).iter().any(|frame| frame.kind == FrameKind::Java))
}

/// A crash without any frame is grouped by what was said, if a program said it; one of which only a signal is known stands alone.
fn without_frames<'a>(chunk: &'a Chunk, crash: &StoredCrash) -> Option<(&'a str, String)> {
    let thrown = chunk.text_of(crash.kind).filter(|kind| !kind.starts_with("EXC_") && !kind.starts_with("SIG"));
    let message = chunk.text_of(crash.message).map(normal::message).filter(|message| !message.is_empty());
    thrown.zip(message)
}

impl Decided {
    /// The signature, spelled out.
    pub fn signature(&self, (chunk, crash): (&Chunk, &StoredCrash), links: &[Link<'_>], known_thrown: Option<&str>) -> Signature {
        let mut frames: Vec<String> = self.picked.parts.iter().map(|index| links[*index].token(chunk)).collect();
        let title = match (frames.first(), thrown(chunk, crash, known_thrown)) {
            (Some(first), Some(thrown)) => format!("{thrown} in {first}"),
            (Some(first), None) => first.clone(),
            (None, _) => without_frames(chunk, crash).map_or_else(
                || format!("{}, nothing known of its cause", chunk.text_of(crash.kind).or(chunk.text_of(crash.signal)).unwrap_or("crash")),
                |(thrown, message)| format!("{thrown}: {message}"),
            ),
        };
        if frames.is_empty() {
            frames.push(title.clone());
        }
        Signature { id: self.id, kind: self.kind, title, frames }
    }
}

impl Picked {
    fn counts(&self, rules: &Rules, judged: &Judged, index: usize) -> Counts {
        let Some(verdict) = self.trusted.iter().position(|known| *known == index).and_then(|at| judged.frames.get(at)) else {
            let nobody = || (false, "found by scanning the stack: it may be junk".to_owned());
            return Counts { in_app: nobody(), group: nobody(), is_part: false, why_not: None };
        };
        let is_part = self.parts.contains(&index);
        let why_not = match () {
            () if is_part || !verdict.counts => None,
            () if self.folded.contains(&index) => Some("far from the crash"),
            () if self.candidates.contains(&index) => Some("recursion"),
            () => Some("not the application's"),
        };
        Counts {
            in_app: (verdict.in_app, rules.because(verdict.in_app_by)),
            group: (verdict.counts, rules.because(verdict.counts_by)),
            is_part,
            why_not,
        }
    }
}
