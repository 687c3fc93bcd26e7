//! `symtool rules`: checks files of grouping rules, and explains for each frame of a crash what it
//! counted for and which rule says so.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::report::origin;
use symtool_crashes::fingerprint::{Counts, Explained, FrameCache, StackFrame};
use symtool_crashes::{Crashes, FingerprintKind};
use symtool_grouping::rules::{RuleError, Rules};

use crate::context::Context;
use crate::crash;
use crate::exit::{Exit, Usage};
use crate::output;
use crate::terminal::clean;

const RULES: &str = "Examples:
  symtool rules check rules.txt
  symtool rules explain c1f2e3
  symtool rules show";

const RULES_CHECK: &str = "Examples:
  symtool rules check rules.txt";

const RULES_EXPLAIN: &str = "Examples:
  symtool rules explain c1f2e3
  symtool rules explain c1f2e3 --rules new-rules.txt";

const RULES_SHOW: &str = "Examples:
  symtool rules show
  symtool rules show | grep objc_msgSend";

#[derive(Debug, clap::Subcommand)]
#[command(after_help = RULES)]
pub enum RulesArgs {
    /// Checks files of grouping rules
    #[command(after_help = RULES_CHECK)]
    Check(RulesCheck),
    /// Shows for each frame of a crash whether it counts, and which rule says so
    #[command(after_help = RULES_EXPLAIN)]
    Explain(RulesExplain),
    /// Shows the built-in rules
    #[command(after_help = RULES_SHOW)]
    Show,
}

#[derive(Debug, clap::Args)]
pub struct RulesCheck {
    /// Files of rules
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct RulesExplain {
    /// A crash's id, its first digits, or the report's own id
    #[arg(value_name = "CRASH")]
    pub crash: String,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

/// Runs the command.
pub fn run(context: &Context, args: &RulesArgs) -> Result<Exit> {
    match args {
        RulesArgs::Check(args) => check(context, &args.files),
        RulesArgs::Explain(args) => explain(context, args),
        RulesArgs::Show => show(),
    }
}

/// The built-in rules, and then those of the user: of `file`, else of the config file.
pub fn load(context: &Context, file: Option<&Path>) -> Result<Rules> {
    let Some(path) = file.or(context.config.rules.as_deref()) else { return Ok(Rules::builtin()) };
    let text = read(path)?;
    Rules::with_builtin(&[(&path.to_string_lossy(), &text)]).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(RuleError::to_string).collect();
        Usage(format!(
            "{}\nnothing was done; `symtool rules check FILE` checks rules",
            lines.join("\n")
        ))
        .into()
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Usage(format!(
            "{}: the rules cannot be read ({error}); name a text file of rules",
            path.display()
        ))
        .into()
    })
}

/// What is wrong with rules.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Checked<'a> {
    path: &'a str,
    status: Status,
    rules: usize,
    errors: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
    Failed,
}

fn check(context: &Context, files: &[PathBuf]) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let mut failed = false;
    for path in files {
        let name = path.to_string_lossy();
        let parsed = read(path).map_err(|error| vec![error.to_string()]).and_then(|text| {
            Rules::parse(&text, &name)
                .map_err(|errors| errors.iter().map(RuleError::to_string).collect())
        });
        let mut checked = Checked {
            path: &name,
            status: Status::Ok,
            rules: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        match parsed {
            Ok(rules) => {
                checked.rules = rules.len();
                let idle = |(rule, action): (String, &'static str)| {
                    format!("{rule}: {action} has no effect here")
                };
                checked.warnings = rules.without_effect().map(idle).collect();
            }
            Err(errors) => {
                (checked.status, checked.errors, failed) = (Status::Failed, errors, true);
            }
        }
        if context.json {
            writeln!(out, "{}", output::json(&checked)?)?;
            continue;
        }
        checked.errors.iter().for_each(|error| say!("{error}"));
        checked.warnings.iter().for_each(|warning| warn!("{warning}"));
        if checked.errors.is_empty() && !context.quiet {
            writeln!(out, "{}: {} rules, no errors", clean(&name), checked.rules)?;
        }
    }
    out.flush()?;
    Ok(Exit::failed_if(failed))
}

fn show() -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    for (name, text) in Rules::builtin_texts() {
        writeln!(out, "# --- {name}\n{}", text.trim_end())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// A frame and what was decided.
#[derive(Debug, JsonSchema, Serialize)]
#[expect(
    clippy::struct_field_names,
    clippy::struct_excessive_bools,
    reason = "they are keys that scripts rely on"
)]
struct Frame<'a> {
    frame: usize,
    name: &'a str,
    source: &'static str,
    inlined: bool,
    in_app: bool,
    in_app_by: &'a str,
    counts: bool,
    counts_by: &'a str,
    /// Whether it is part of the signature.
    part: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<&'static str>,
}

/// Why a crash is in its group.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Why<'a> {
    id: String,
    group: String,
    kind: FingerprintKind,
    signature: &'a [String],
    /// Whether the crash has another signature, until the next `reprocess`.
    outdated: bool,
    frames: Vec<Frame<'a>>,
}

fn explain(context: &Context, args: &RulesExplain) -> Result<Exit> {
    let rules = load(context, args.rules.as_deref())?;
    let store = context.open_store()?;
    let crashes = Crashes::open(&store)?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    let assessor = symtool_core::assessor(&reader, &catalog, &rules)?;
    let at = crash::one(&crashes, &args.crash)?;
    let (mut told, mut desk) = (Ok(()), FrameCache::default());
    crashes.each_of(&[at], |listed| {
        let explained = assessor.explain(listed.chunk, listed.crash, &mut desk);
        let tokens: Vec<String> =
            explained.frames.iter().map(|(link, _)| link.token(listed.chunk)).collect();
        let why = Why {
            id: listed.crash.id.to_string(),
            group: listed.group.to_string(),
            kind: explained.signature.kind,
            signature: &explained.signature.frames,
            outdated: explained.signature.id != listed.state.signature,
            frames: explained
                .frames
                .iter()
                .zip(&tokens)
                .map(|(frame, token)| Frame::of(frame, token))
                .collect(),
        };
        told = why.tell(context, &explained);
        Ok(false)
    })?;
    told?;
    Ok(Exit::Done)
}

impl<'a> Frame<'a> {
    fn of((link, counts): &'a (StackFrame<'_>, Counts), name: &'a str) -> Self {
        Self {
            frame: link.frame,
            name,
            source: origin(link.origin),
            inlined: link.inlined,
            in_app: counts.in_app.0,
            in_app_by: &counts.in_app.1,
            counts: counts.group.0,
            counts_by: &counts.group.1,
            part: counts.is_part,
            why_not: counts.why_not,
        }
    }
}

impl Why<'_> {
    fn tell(&self, context: &Context, explained: &Explained<'_>) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if context.json {
            writeln!(out, "{}", output::json(self)?)?;
            return Ok(out.flush()?);
        }
        writeln!(
            out,
            "crash {} is in group {}; fingerprint ({}): {}",
            self.id,
            self.group,
            self.kind.name(),
            clean(&explained.signature.title)
        )?;
        if self.outdated {
            writeln!(
                out,
                "it was grouped under other symbols or rules; `symtool reprocess` moves it"
            )?;
        }
        for frame in &self.frames {
            let mark = if frame.part { '*' } else { ' ' };
            let number = if frame.inlined { String::new() } else { format!("#{}", frame.frame) };
            writeln!(out, "{mark} {number:>4} {}", clean(frame.name))?;
            let yes = |is: bool| if is { "yes" } else { "no" };
            writeln!(out, "         in app: {:<3}  {}", yes(frame.in_app), clean(frame.in_app_by))?;
            let why_not = frame.why_not.map(|why| format!("; left out: {why}")).unwrap_or_default();
            writeln!(
                out,
                "         counts: {:<3}  {}{why_not}",
                yes(frame.counts),
                clean(frame.counts_by)
            )?;
        }
        Ok(out.flush()?)
    }
}
