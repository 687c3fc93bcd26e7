//! Grouping rules in the syntax of Sentry's stack trace rules: which frames are the application's
//! own, which count for grouping, and which rule says so.
//!
//! ```text
//! texts ── parse.rs ──> rules ── index.rs, glob.rs ── look: one frame ──> FrameMatches, kept for equal frames
//!                                                └── judge.rs: a stack of them, crash side first ──> Judged
//! ```
//!
//! Syntax, meaning and differences from Sentry: `docs/rules.md`.

mod builtin;
mod error;
mod glob;
mod index;
mod judge;
pub mod limits;
mod parse;
mod rule;

use std::fmt::Write;
use std::sync::Arc;

use hashbrown::HashMap;
use xxhash_rust::xxh3::Xxh3;

pub use error::RuleError;
pub use judge::{By, Judged, Limit, Verdict};
pub use rule::Family;

use glob::Glob;
use index::Index;
use rule::{Field, Rule, Test};

/// Part of [`Rules::version`]: one more whenever the same rules can judge otherwise.
const ENGINE: u32 = 1;

/// Rules, ready to be asked. They never change.
#[derive(Debug)]
pub struct Rules {
    sources: Vec<String>,
    list: Vec<Rule>,
    globs: Vec<Glob>,
    /// In the order of [`field_index`].
    indexes: [Index; 4],
    /// Per pattern, the rules that cannot match unless it does.
    waiting: Vec<Vec<u32>>,
    /// Rules that wait for no pattern.
    always: Vec<u32>,
    categories: Vec<String>,
    version: u128,
}

/// What rules can ask about one frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameFacts<'a> {
    /// What kind of code it is.
    pub family: Family,
    /// The function as it is displayed: demangled, with its arguments. `function:` matches if this
    /// or [`FrameFacts::normal`] does.
    pub function: Option<&'a str>,
    /// The function's normalised name ([`crate::normal::function`]; for Java the bare method
    /// again).
    pub normal: Option<&'a str>,
    /// The path of the image or jar that it is in.
    pub package: Option<&'a str>,
    /// The class (Java) or module (other managed code).
    pub module: Option<&'a str>,
    /// The source file.
    pub path: Option<&'a str>,
    /// Whether the report calls it the application's own code.
    pub in_app: Option<bool>,
}

/// What rules can ask about the exception that a stack belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExceptionFacts<'a> {
    /// Its type: a class, a signal.
    pub kind: Option<&'a str>,
    /// Its message.
    pub value: Option<&'a str>,
    /// How it was caught: `signal`, `mach`, `minidump`, …
    pub mechanism: Option<&'a str>,
}

/// What all rules have to say about one frame alone. Cheap to clone; the same for equal
/// [`FrameFacts`], so that it can be kept. Good for the [`Rules`] that made it only.
#[derive(Clone, Debug)]
pub struct FrameMatches(Arc<Matches>);

#[derive(Debug)]
struct Matches {
    /// Rules whose matchers for the frame itself hold, as far as that does not change; sorted.
    rules: Box<[u32]>,
    /// Patterns that match; sorted.
    patterns: Box<[u32]>,
    family: Family,
    in_app: Option<bool>,
}

impl Rules {
    /// Reads one text. `source_name` is what errors and reasons call it.
    ///
    /// # Errors
    /// One for each line that is no rule.
    pub fn parse(text: &str, source_name: &str) -> Result<Self, Vec<RuleError>> {
        Self::read(&[(source_name, text)])
    }

    /// The built-in rules, which users' rules follow.
    pub fn builtin() -> Self {
        // A test reads them; what it may miss, users are not to stumble over.
        Self::read(&builtin::TEXTS).unwrap_or_else(|_| Self::empty())
    }

    /// The built-in rules and then `texts` (name, text), in their order: what comes later has the
    /// last word.
    ///
    /// # Errors
    /// One for each line that is no rule.
    pub fn with_builtin(texts: &[(&str, &str)]) -> Result<Self, Vec<RuleError>> {
        let all: Vec<(&str, &str)> = builtin::TEXTS.iter().chain(texts).copied().collect();
        Self::read(&all)
    }

    /// The names and texts of the built-in rules, in their order.
    pub fn builtin_texts() -> &'static [(&'static str, &'static str)] {
        &builtin::TEXTS
    }

    fn read(texts: &[(&str, &str)]) -> Result<Self, Vec<RuleError>> {
        let mut all = Self::empty();
        let mut numbers = Numbers::default();
        let mut errors = Vec::new();
        let mut hash = Xxh3::new();
        hash.update(&ENGINE.to_le_bytes());
        let mut bytes = 0usize;
        for (source, (name, text)) in texts.iter().enumerate() {
            bytes = bytes.saturating_add(text.len());
            if bytes > limits::MAX_TEXT_BYTES {
                let (fact, advice) =
                    ("the rules have more than 4 MiB".to_owned(), "leave some out".to_owned());
                errors.push(RuleError {
                    source_name: (*name).to_owned(),
                    line: 1,
                    column: 1,
                    fact,
                    advice,
                });
                break;
            }
            // What a file is called changes nothing.
            hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(text.as_bytes());
            parse::lines(source, name, text, &mut numbers, &mut all.list, &mut errors);
            all.sources.push((*name).to_owned());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        (all.globs, all.categories) = (numbers.globs, numbers.categories);
        for ((field, _), id) in &numbers.patterns {
            all.indexes[field_index(*field)].add(*id, &all.globs[*id as usize]);
        }
        all.waiting = vec![Vec::new(); all.globs.len()];
        for (id, rule) in (0..).zip(&all.list) {
            let first = rule.own.iter().find_map(|matcher| match matcher.test {
                Test::Pattern(pattern) if !matcher.negated => Some(pattern),
                _ => None,
            });
            first.map_or(&mut all.always, |pattern| &mut all.waiting[pattern as usize]).push(id);
        }
        all.version = hash.digest128();
        Ok(all)
    }

    fn empty() -> Self {
        Self {
            sources: Vec::new(),
            list: Vec::new(),
            globs: Vec::new(),
            indexes: Default::default(),
            waiting: Vec::new(),
            always: Vec::new(),
            categories: Vec::new(),
            version: 0,
        }
    }

    /// A hash of all texts and their names: another one whenever a rule changes.
    pub fn version(&self) -> u128 {
        self.version
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Actions that are read and do nothing here (`invert-stacktrace`, `prefix`, `sentinel`): the
    /// rule, and the action's name.
    pub fn without_effect(&self) -> impl Iterator<Item = (String, &'static str)> + '_ {
        (0..).zip(&self.list).flat_map(move |(id, rule)| {
            rule.idle.iter().map(move |action| (self.rule_text(id), *action))
        })
    }

    /// What a category is called.
    pub fn category(&self, category: u32) -> Option<&str> {
        self.categories.get(category as usize).map(String::as_str)
    }

    /// Why something is as it is, for people: `builtin/system.txt:12 family:native
    /// package:/usr/lib/** -app`.
    pub fn because(&self, by: By) -> String {
        match by {
            By::Rule(rule) => self.rule_text(rule),
            By::Report => "no rule; the report says so".to_owned(),
            By::Default => "no rule".to_owned(),
        }
    }

    fn rule_text(&self, id: u32) -> String {
        let mut text = String::new();
        if let Some(rule) = self.list.get(id as usize) {
            let source = self.sources.get(rule.source).map_or("", String::as_str);
            // Writing to a String does not fail.
            let _ = write!(text, "{source}:{} {}", rule.line, rule.text);
        }
        text
    }

    /// Which conditions hold for the frame alone.
    pub fn look(&self, facts: &FrameFacts<'_>) -> FrameMatches {
        let mut patterns = Vec::new();
        let function = facts.function.unwrap_or("<unknown>");
        self.find(Field::Function, function, &mut patterns);
        if let Some(normal) = facts.normal.filter(|normal| *normal != function) {
            self.find(Field::Function, normal, &mut patterns);
        }
        if let Some(module) = facts.module {
            self.find(Field::Module, module, &mut patterns);
        }
        for (field, value) in [(Field::Package, facts.package), (Field::Path, facts.path)] {
            let Some(value) = value else { continue };
            let start = value.len().saturating_sub(limits::MAX_PATH_BYTES);
            let start = (start..value.len())
                .find(|start| value.is_char_boundary(*start))
                .unwrap_or_default();
            let value = &value[start..];
            let path = format!("/{}", value.to_ascii_lowercase().replace('\\', "/"));
            self.find(field, &path[1..], &mut patterns);
            if !path[1..].starts_with('/') {
                // A relative path matches as if it were not, too.
                self.find(field, &path, &mut patterns);
            }
        }
        patterns.sort_unstable();
        patterns.dedup();
        let holds = |id: &u32| {
            self.list.get(*id as usize).is_some_and(|rule| {
                rule.own.iter().all(|matcher| {
                    matcher.negated
                        != match &matcher.test {
                            Test::Pattern(pattern) => patterns.binary_search(pattern).is_ok(),
                            Test::Family(bits) => bits & facts.family.bit() != 0,
                            // Asked when it is known.
                            Test::App(_) | Test::Category(_) | Test::Exception(..) => {
                                !matcher.negated
                            }
                        }
                })
            })
        };
        let waiting = patterns.iter().flat_map(|pattern| &self.waiting[*pattern as usize]);
        let mut rules: Vec<u32> = waiting.chain(&self.always).copied().filter(holds).collect();
        rules.sort_unstable();
        FrameMatches(Arc::new(Matches {
            rules: rules.into(),
            patterns: patterns.into(),
            family: facts.family,
            in_app: facts.in_app,
        }))
    }

    fn find(&self, field: Field, value: &str, patterns: &mut Vec<u32>) {
        let value = &value.as_bytes()[..value.len().min(limits::MAX_NAME_BYTES)];
        self.indexes[field_index(field)].candidates(value, |id| {
            if self.globs[id as usize].matches(value) {
                patterns.push(id);
            }
        });
    }
}

fn field_index(field: Field) -> usize {
    match field {
        Field::Function => 0,
        Field::Module => 1,
        Field::Package => 2,
        Field::Path => 3,
    }
}

/// Patterns and categories while rules are read.
#[derive(Default)]
struct Numbers {
    patterns: HashMap<(Field, String), u32>,
    globs: Vec<Glob>,
    categories: Vec<String>,
}

impl parse::Numbers for Numbers {
    fn pattern(&mut self, field: Field, text: &str, glob: Glob) -> u32 {
        *self.patterns.entry((field, text.to_owned())).or_insert_with(|| {
            self.globs.push(glob);
            // There are fewer patterns than bytes of text.
            u32::try_from(self.globs.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn category(&mut self, name: &str) -> u32 {
        let at =
            self.categories.iter().position(|category| category == name).unwrap_or_else(|| {
                self.categories.push(name.to_owned());
                self.categories.len() - 1
            });
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}
