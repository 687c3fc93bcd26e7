//! Judges a stack: for each frame whether it is the application's own, whether it counts, and which
//! rule says so.
//!
//! As in Sentry there are two rounds, each from the first rule to the last. The first sets what
//! rules can ask (`app`, `category`), the second what they cannot (`group`, `max-frames`, …) and
//! sees the outcome of the first. A rule is asked of all frames before it changes any.
//!
//! Sentry's frames are the other way round, and its rules act on the frame farthest from the crash
//! first. So of what one rule does to one frame, `v` counts before the frame's own action, and that
//! before `^`.

use std::sync::Arc;

use super::limits::MAX_NAME_BYTES;
use super::rule::{Flag, Matcher, Of, Rule, Test};
use super::{ExceptionFacts, FrameMatches, Rules};

/// Who decided something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum By {
    /// Nobody: a frame is the application's own, and counts.
    #[default]
    Default,
    /// The report.
    Report,
    /// The rule of that number, the last that has said it.
    Rule(u32),
}

/// What rules say about one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the application's own code.
    pub in_app: bool,
    /// Who says so.
    pub in_app_by: By,
    /// Whether it counts for grouping.
    pub counts: bool,
    /// Who says so.
    pub counts_by: By,
    /// Its category, for [`Rules::category`], and who says so.
    pub category: Option<(u32, By)>,
}

/// A number of frames that a rule has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Frames; 0 for no limit.
    pub frames: u32,
    /// The rule.
    pub by: By,
}

/// What rules say about a stack. Can be used again for the next one.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Per frame, crash side first.
    pub frames: Vec<Verdict>,
    /// How many of the frames that count are to be looked at, from the crash side. Not applied to
    /// [`Judged::frames`].
    pub max_frames: Option<Limit>,
    /// How many frames have to count, or the stack does not.
    pub min_frames: Option<Limit>,
    /// Rules that hold for any frame; sorted.
    rules: Vec<u32>,
    /// Per frame, how many of its rules are behind.
    cursors: Vec<usize>,
    /// Frames for which the current rule holds.
    hits: Vec<usize>,
}

impl Rules {
    /// Applies all rules, from the first to the last, to a stack, crash side first.
    pub fn judge(&self, stack: &[&FrameMatches], exception: Option<&ExceptionFacts<'_>>) -> Judged {
        let mut judged = Judged::default();
        self.judge_into(&mut judged, stack, exception);
        judged
    }

    /// [`Rules::judge`], in memory that is there already.
    pub fn judge_into(
        &self,
        judged: &mut Judged,
        stack: &[&FrameMatches],
        exception: Option<&ExceptionFacts<'_>>,
    ) {
        let none = ExceptionFacts::default();
        let exception = exception.unwrap_or(&none);
        judged.begin(stack);
        for round in [Round::Modify, Round::Update] {
            judged.cursors.clear();
            judged.cursors.resize(stack.len(), 0);
            for index in 0..judged.rules.len() {
                let id = judged.rules[index];
                let Some(rule) = self.list.get(id as usize) else { continue };
                let is_due = if round == Round::Modify { rule.modifies() } else { rule.updates() };
                judged
                    .collect(stack, id, |frames, at| is_due && self.holds(rule, stack, frames, at));
                if judged.hits.is_empty()
                    || !rule.exception.iter().all(|matcher| is_raised(matcher, exception))
                {
                    continue;
                }
                match round {
                    Round::Modify => judged.modify(rule, By::Rule(id)),
                    Round::Update => judged.update(rule, By::Rule(id)),
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Modify,
    Update,
}

impl Judged {
    fn begin(&mut self, stack: &[&FrameMatches]) {
        (self.max_frames, self.min_frames) = (None, None);
        self.frames.clear();
        self.frames.extend(stack.iter().map(|seen| Verdict {
            in_app: seen.0.in_app.unwrap_or(true),
            in_app_by: if seen.0.in_app.is_some() { By::Report } else { By::Default },
            counts: true,
            counts_by: By::Default,
            category: None,
        }));
        self.rules.clear();
        let mut enough = 1 << 12;
        for (at, seen) in stack.iter().enumerate() {
            // Recursion repeats frames.
            if at == 0 || !Arc::ptr_eq(&stack[at - 1].0, &seen.0) {
                self.rules.extend_from_slice(&seen.0.rules);
            }
            // Each rule once, before long stacks make the list long.
            if self.rules.len() > enough {
                self.rules.sort_unstable();
                self.rules.dedup();
                enough = (2 * self.rules.len()).max(1 << 12);
            }
        }
        self.rules.sort_unstable();
        self.rules.dedup();
    }

    /// The frames that rule `id` holds for.
    fn collect(
        &mut self,
        stack: &[&FrameMatches],
        id: u32,
        holds: impl Fn(&[Verdict], usize) -> bool,
    ) {
        self.hits.clear();
        for (at, seen) in stack.iter().enumerate() {
            if seen.0.rules.get(self.cursors[at]) == Some(&id) {
                self.cursors[at] += 1;
                if holds(&self.frames, at) {
                    self.hits.push(at);
                }
            }
        }
    }

    fn modify(&mut self, rule: &Rule, by: By) {
        self.apply(rule.app, |frame, value| (frame.in_app, frame.in_app_by) = (value, by));
        if let Some(category) = rule.category {
            for hit in &self.hits {
                self.frames[*hit].category = Some((category, by));
            }
        }
    }

    fn update(&mut self, rule: &Rule, by: By) {
        self.apply(rule.group, |frame, value| (frame.counts, frame.counts_by) = (value, by));
        let limit = |frames: Option<u32>| frames.map(|frames| Limit { frames, by });
        self.max_frames = limit(rule.max_frames).or(self.max_frames);
        self.min_frames = limit(rule.min_frames).or(self.min_frames);
    }

    fn apply(&mut self, flag: Flag, mut set: impl FnMut(&mut Verdict, bool)) {
        let (Some(&first), Some(&last)) = (self.hits.first(), self.hits.last()) else { return };
        if let Some(value) = flag.up {
            self.frames[..last].iter_mut().for_each(|frame| set(frame, value));
        }
        if let Some(value) = flag.own {
            self.hits.iter().for_each(|hit| set(&mut self.frames[*hit], value));
        }
        if let Some(value) = flag.down {
            self.frames[first + 1..].iter_mut().for_each(|frame| set(frame, value));
        }
    }
}

impl Rules {
    /// Whether what may change holds for frame `at`, and what is asked of its neighbours.
    fn holds(&self, rule: &Rule, stack: &[&FrameMatches], frames: &[Verdict], at: usize) -> bool {
        let is = |matcher: &Matcher, at: usize| match (stack.get(at), frames.get(at)) {
            (Some(seen), Some(frame)) => matcher.negated != self.passes(&matcher.test, seen, frame),
            _ => false,
        };
        let is_own = rule.own.iter().all(|matcher| {
            !matches!(matcher.test, Test::App(_) | Test::Category(_)) || is(matcher, at)
        });
        is_own
            && rule.caller.as_ref().is_none_or(|matcher| is(matcher, at + 1))
            && rule
                .callee
                .as_ref()
                .is_none_or(|matcher| at.checked_sub(1).is_some_and(|called| is(matcher, called)))
    }

    fn passes(&self, test: &Test, seen: &FrameMatches, frame: &Verdict) -> bool {
        match test {
            Test::Pattern(pattern) => seen.0.patterns.binary_search(pattern).is_ok(),
            Test::Family(bits) => bits & seen.0.family.bit() != 0,
            Test::App(app) => frame.in_app == *app,
            Test::Category(glob) => {
                let name = frame.category.and_then(|(category, _)| self.category(category));
                name.is_some_and(|name| glob.matches(name.as_bytes()))
            }
            Test::Exception(..) => false,
        }
    }
}

fn is_raised(matcher: &Matcher, exception: &ExceptionFacts<'_>) -> bool {
    let Test::Exception(of, glob) = &matcher.test else { return true };
    let value = match of {
        Of::Type => exception.kind,
        Of::Value => exception.value,
        Of::Mechanism => exception.mechanism,
    };
    let value = value.unwrap_or("<unknown>").as_bytes();
    matcher.negated != glob.matches(&value[..value.len().min(MAX_NAME_BYTES)])
}
