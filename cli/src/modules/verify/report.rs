//! Tells what was found of a module, as text and as JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_module::BuildId;
use symtool_store::Module;

use crate::context::Context;
use crate::exit::Exit;
use crate::modules::check::{self, Checked};
use crate::modules::reference;
use crate::output;
use crate::terminal::clean;

/// What was found of one module.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<ModuleName>,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blocks: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<Problem>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) compared: Option<Compared>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Ok,
    Different,
    Failed,
    Damaged,
}

#[derive(Debug, JsonSchema, Serialize)]
struct ModuleName {
    name: String,
    id: BuildId,
}

#[derive(Debug, JsonSchema, Serialize)]
pub struct Problem {
    pub(super) block: &'static str,
    pub(super) last: String,
    pub(super) fault: String,
}

/// What came of comparing with a file.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Compared {
    file: String,
    checked: usize,
    equal: u64,
    explained: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    pub(super) different: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Difference {
    address: String,
    store: Vec<Frame>,
    file: Vec<Frame>,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Frame {
    function: String,
    file: String,
    line: u32,
    column: u32,
}

impl Compared {
    pub(super) fn of(path: &Path, checked: &Checked) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let frames = |frames: &[reference::Frame]| {
            let frame = |frame: &reference::Frame| Frame {
                function: text(&frame.function),
                file: text(&frame.file),
                line: frame.line,
                column: frame.column,
            };
            frames.iter().map(frame).collect()
        };
        let difference = |difference: &check::Difference| Difference {
            address: format!("{:#x}", difference.address),
            store: frames(&difference.store),
            file: frames(&difference.file),
        };
        Self {
            file: path.to_string_lossy().into_owned(),
            checked: checked.addresses,
            equal: checked.equal,
            explained: checked
                .explained
                .iter()
                .map(|(reason, count)| (reason.name(), *count))
                .collect(),
            skipped: checked.skipped.iter().map(|(gap, count)| (gap.name(), *count)).collect(),
            different: checked.different,
            differences: checked.differences.iter().map(difference).collect(),
        }
    }

    /// Writes it for people.
    fn write(&self, out: &mut impl Write) -> Result<()> {
        let list = |counts: &BTreeMap<&str, u64>| -> String {
            let each: Vec<String> =
                counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
        };
        let total = |counts: &BTreeMap<&str, u64>| counts.values().sum::<u64>();
        writeln!(
            out,
            "{}: {} addresses compared: {} equal, {} explained{}, {} skipped{}, {} different",
            clean(&self.file),
            self.checked,
            self.equal,
            total(&self.explained),
            list(&self.explained),
            total(&self.skipped),
            list(&self.skipped),
            self.different
        )?;
        for difference in &self.differences {
            writeln!(out, "  {}", difference.address)?;
            for (who, frames) in [("store", &difference.store), ("file ", &difference.file)] {
                if frames.is_empty() {
                    writeln!(out, "    {who}  nothing")?;
                }
                for frame in frames {
                    let (function, file) = (clean(&frame.function), clean(&frame.file));
                    writeln!(
                        out,
                        "    {who}  {function} at {file}:{}:{}",
                        frame.line, frame.column
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl Report {
    pub(super) fn of(module: &Module) -> Self {
        let name = ModuleName { name: module.record.name.clone(), id: module.record.id.clone() };
        Self { module: Some(name), ..Self::default() }
    }

    pub(super) fn failed(error: String) -> Self {
        Self { status: Status::Failed, error: Some(error), ..Self::default() }
    }

    pub(super) fn damaged(error: String) -> Self {
        Self { status: Status::Damaged, error: Some(error), ..Self::default() }
    }

    pub(super) fn write(&self, context: &Context, out: &mut impl Write) -> Result<()> {
        let name =
            self.module.as_ref().map(|module| format!("{} ({})", module.name, module.id.short()));
        let name = name.unwrap_or_default();
        if let Some(error) = &self.error {
            say!("{error}");
        }
        for problem in &self.problems {
            say!("{name}: {}; import its files again with --force", problem.fault);
        }
        if context.json {
            writeln!(out, "{}", output::json(self)?)?;
            return Ok(());
        }
        if context.quiet && self.status == Status::Ok {
            return Ok(());
        }
        let name = clean(&name);
        if let Some(blocks) = self.blocks {
            let state = match self.problems.len() {
                0 => "intact".to_owned(),
                damaged => format!("{damaged} damaged"),
            };
            writeln!(out, "{name}: {blocks} blocks, {state}")?;
        }
        let Some(compared) = &self.compared else { return Ok(()) };
        compared.write(out)
    }
}

/// The last JSON object.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct Summary {
    ok: u64,
    different: u64,
    failed: u64,
    damaged: u64,
}

impl Summary {
    pub(super) fn count(&mut self, report: &Report) {
        match report.status {
            Status::Ok => self.ok += 1,
            Status::Different => self.different += 1,
            Status::Failed => self.failed += 1,
            Status::Damaged => self.damaged += 1,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        if self.damaged > 0 {
            Exit::Store
        } else {
            Exit::failed_if(self.different + self.failed > 0)
        }
    }
}
