//! Makes the signature of a stack, and records for each link what was decided.
//!
//! ```text
//! links -> judged       rules say which count, and which are the application's own
//!       -> candidates   the application's own if one counts; what lies nowhere is passed over
//!       -> folded       recursion is gone through once (fold.rs)
//!       -> window       the first [`SIGNATURE_FRAMES`] from the crashing side
//!       -> parts        without the way within one class: it is how the crash was come to, not where it is
//! ```
//!
//! If a frame of the window has no name yet, the signature is provisional, and has up to twice as
//! many frames, all of them: some may turn out not to count, and any may turn out to be of another
//! class.
//!
//! A crash stands alone if nothing tells its cause: one without any frame that counts and of which
//! no more is known than a signal, and one whose stack ends after a frame or two of the system.
//! They would all be alike.

use hashbrown::HashMap;
use symtool_grouping::normal;
use symtool_grouping::rules::{ExceptionFacts, Judged, Limit, Rules};
use symtool_report::{Format, FrameKind};

use crate::fingerprint::fold::fold;
use crate::fingerprint::stack::{Origin, StackFrame};
use crate::ids::FingerprintId;
use crate::limits::{MIN_SYSTEM_FRAMES, SIGNATURE_FRAMES};
use crate::stored::FingerprintKind;
use crate::stored::chunk::{Chunk, StoredCrash};
use crate::stored::counters::waits_of;

/// What a crash is grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash of all of it.
    pub id: FingerprintId,
    /// Whether it will stay.
    pub kind: FingerprintKind,
    /// What people call it.
    pub title: String,
    /// What it is made of, the crashing side first.
    pub frames: Vec<String>,
    /// The images that may name what has no name yet, by the first of their keys.
    pub waits: Vec<[u8; 16]>,
}

/// Adds `more` to what is `known`. Reports may spell a module in several ways, and a title has that
/// of its report: the smallest title stays, in whatever order they come.
pub fn keep_smallest(
    known: &mut HashMap<FingerprintId, Fingerprint>,
    more: impl IntoIterator<Item = (FingerprintId, Fingerprint)>,
) {
    for (id, one) in more {
        match known.get_mut(&id) {
            Some(known) if (&one.title, &one.frames) < (&known.title, &known.frames) => {
                *known = one;
            }
            Some(_) => {}
            None => drop(known.insert(id, one)),
        }
    }
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
    links: &[StackFrame<'_>],
    thrown: Option<&str>,
) -> (Fingerprint, Vec<Counts>) {
    let mut judged = Judged::default();
    let decided = decide(rules, &mut judged, (chunk, crash), links, thrown);
    let counts = links
        .iter()
        .enumerate()
        .map(|(index, link)| decided.picked.counts(rules, &judged, (index, link.origin)))
        .collect();
    (decided.signature((chunk, crash), links, thrown), counts)
}

/// What was decided about a stack.
pub struct Decided {
    /// The signature's id.
    pub id: FingerprintId,
    kind: FingerprintKind,
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
    /// Those of them that are near enough to the crash.
    window: Vec<usize>,
    /// What makes the signature.
    parts: Vec<usize>,
}

/// Decides what `crash` with the stack `links` is grouped by. The memory of `judged` is used.
pub fn decide(
    rules: &Rules,
    judged: &mut Judged,
    (chunk, crash): (&Chunk, &StoredCrash),
    links: &[StackFrame<'_>],
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
    let (picked, is_of_app) = Picked::of(judged, trusted, links);
    let said = if picked.parts.is_empty() { without_frames(chunk, crash) } else { None };
    let kind = if said.is_none() && picked.tells_nothing(judged, links, is_of_app) {
        FingerprintKind::Unassigned
    } else if picked.parts.iter().any(|index| links[*index].origin == Origin::Unknown) {
        FingerprintKind::Provisional
    } else {
        FingerprintKind::Resolved
    };
    let id = match said {
        Some((thrown, message)) => id_of_message(kind, thrown, &message),
        None => id(kind, (chunk, crash), picked.parts.iter().map(|index| &links[*index]), thrown),
    };
    Decided { id, kind, picked }
}

impl Picked {
    /// What `judged` leaves of `links`, and whether it is the application's own.
    fn of(judged: &Judged, trusted: Vec<usize>, links: &[StackFrame<'_>]) -> (Self, bool) {
        let (candidates, is_of_app) = candidates(judged, &trusted, links);
        let identities: Vec<u128> = candidates.iter().map(|index| links[*index].identity).collect();
        let folded: Vec<usize> =
            fold(&identities).into_iter().map(|index| candidates[index]).collect();
        let limit = match judged.max_frames.map(|limit| limit.frames) {
            None => SIGNATURE_FRAMES,
            Some(0) => links.len(),
            Some(frames) => usize::try_from(frames).unwrap_or(links.len()),
        };
        let first = |count: usize| folded[..count.min(folded.len())].to_vec();
        let mut window = first(limit);
        let parts = if window.iter().any(|index| links[*index].origin == Origin::Unknown) {
            window = first(limit.saturating_mul(2));
            window.clone()
        } else {
            without_detours(&window, links)
        };
        (Self { trusted, candidates, folded, window, parts }, is_of_app)
    }

    /// Whether nothing here tells crashes apart: no frame, fewer than rules ask for, or the end of
    /// a stack that is the system's.
    fn tells_nothing(&self, judged: &Judged, links: &[StackFrame<'_>], is_of_app: bool) -> bool {
        let known = links.iter().filter(|link| link.origin != Origin::Nowhere).count();
        let is_few = |limit: Limit| {
            usize::try_from(limit.frames).is_ok_and(|least| self.candidates.len() < least)
        };
        self.parts.is_empty()
            || judged.min_frames.is_some_and(is_few)
            || known < MIN_SYSTEM_FRAMES && !is_of_app
    }
}

/// What was found by scanning the stack may be junk, which must not count and of which rules must
/// not conclude anything; if something better was found at all.
fn trusted(links: &[StackFrame<'_>]) -> Vec<usize> {
    let has_better = links.iter().skip(1).any(|link| !link.is_guess);
    (0..links.len()).filter(|index| !(has_better && links[*index].is_guess)).collect()
}

/// The links that may be part, and whether they are the application's own. What lies nowhere
/// differs in every run.
fn candidates(judged: &Judged, trusted: &[usize], links: &[StackFrame<'_>]) -> (Vec<usize>, bool) {
    let lies_somewhere = |index: usize| links[index].origin != Origin::Nowhere;
    let counting = || {
        judged
            .frames
            .iter()
            .zip(trusted)
            .filter(|(verdict, index)| verdict.counts && lies_somewhere(**index))
    };
    let in_app: Vec<usize> =
        counting().filter(|(verdict, _)| verdict.in_app).map(|(_, index)| *index).collect();
    if in_app.is_empty() {
        (counting().map(|(_, index)| *index).collect(), false)
    } else {
        (in_app, true)
    }
}

/// `window` without the way within one class: of functions of one class and file that call each
/// other, those that lead to the one nearest the crash are left out. A function whose name tells
/// nothing alone (`at`, `push`) is kept together with who called it.
fn without_detours(window: &[usize], links: &[StackFrame<'_>]) -> Vec<usize> {
    let mut parts: Vec<usize> = Vec::with_capacity(window.len());
    for index in window {
        let called = parts.last().map(|last| links[*last].name);
        if !called.is_some_and(|called| called.is_telling && called.shares_home(links[*index].name))
        {
            parts.push(*index);
        }
    }
    parts
}

fn id<'l>(
    kind: FingerprintKind,
    (chunk, crash): (&Chunk, &StoredCrash),
    parts: impl Iterator<Item = &'l StackFrame<'l>>,
    known_thrown: Option<&str>,
) -> FingerprintId {
    // Hashed at once, as a few texts in a row take three times as long.
    let mut bytes = Vec::with_capacity(256);
    bytes.push(kind as u8);
    if kind == FingerprintKind::Unassigned {
        bytes.push(b'c');
        bytes.extend_from_slice(&crash.id.0);
    }
    if let Some(thrown) = thrown(chunk, crash, known_thrown) {
        bytes.push(b'e');
        bytes.extend_from_slice(thrown.as_bytes());
        bytes.push(0);
    }
    parts.for_each(|part| bytes.extend_from_slice(&part.identity.to_le_bytes()));
    FingerprintId::of(&bytes)
}

fn id_of_message(kind: FingerprintKind, thrown: &str, message: &str) -> FingerprintId {
    let mut bytes = vec![kind as u8, b'w'];
    bytes.extend_from_slice(thrown.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(message.as_bytes());
    FingerprintId::of(&bytes)
}

/// What was thrown, if that tells Java crashes apart; by the name that is `known`, if a mapping has
/// one.
fn thrown<'a>(chunk: &'a Chunk, crash: &StoredCrash, known: Option<&'a str>) -> Option<&'a str> {
    known
        .or(chunk.text_of(crash.kind))
        .filter(|_| chunk.frames(crash).iter().any(|frame| frame.kind == FrameKind::Java))
}

/// A crash without any frame is grouped by what was said, if a program said it; one of which only a
/// signal is known stands alone, and so does one of native code: what a sanitizer or a runtime says
/// there is the same for many bugs.
fn without_frames<'a>(chunk: &'a Chunk, crash: &StoredCrash) -> Option<(&'a str, String)> {
    let is_native = crash.format == Format::Sanitizer
        || chunk.frames(crash).iter().any(|frame| frame.kind == FrameKind::Native);
    let thrown = chunk
        .text_of(crash.kind)
        .filter(|kind| !is_native && !kind.starts_with("EXC_") && !kind.starts_with("SIG"));
    let message =
        chunk.text_of(crash.message).map(normal::message).filter(|message| !message.is_empty());
    thrown.zip(message)
}

impl Decided {
    /// The signature, spelled out.
    pub fn signature(
        &self,
        (chunk, crash): (&Chunk, &StoredCrash),
        links: &[StackFrame<'_>],
        known_thrown: Option<&str>,
    ) -> Fingerprint {
        let mut frames: Vec<String> =
            self.picked.parts.iter().map(|index| links[*index].token(chunk)).collect();
        let title = match (frames.first(), thrown(chunk, crash, known_thrown)) {
            (Some(first), Some(thrown)) => format!("{thrown} in {first}"),
            (Some(first), None) => first.clone(),
            (None, _) => without_frames(chunk, crash).map_or_else(
                || {
                    format!(
                        "{}, nothing known of its cause",
                        chunk
                            .text_of(crash.kind)
                            .or(chunk.text_of(crash.signal))
                            .unwrap_or("crash")
                    )
                },
                |(thrown, message)| format!("{thrown}: {message}"),
            ),
        };
        if frames.is_empty() {
            frames.push(title.clone());
        }
        let waits = waits_of(chunk, crash, self.kind, &frames);
        Fingerprint { id: self.id, kind: self.kind, title, frames, waits }
    }
}

impl Picked {
    fn counts(&self, rules: &Rules, judged: &Judged, (index, origin): (usize, Origin)) -> Counts {
        let Some(verdict) = self
            .trusted
            .iter()
            .position(|known| *known == index)
            .and_then(|at| judged.frames.get(at))
        else {
            let nobody = || (false, "found by scanning the stack: it may be junk".to_owned());
            return Counts { in_app: nobody(), group: nobody(), is_part: false, why_not: None };
        };
        let is_part = self.parts.contains(&index);
        let why_not = match () {
            () if is_part || !verdict.counts => None,
            () if origin == Origin::Nowhere => {
                Some("lies nowhere: neither a module nor a name is known")
            }
            () if self.window.contains(&index) => Some("leads to a function of the same class"),
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
