//! `symtool groups resolve`, `assign`, `note` and `link`: what people say of a group.

use std::io::Write;

use anyhow::{Error, Result};
use schemars::JsonSchema;
use serde::Serialize;
use symtool_crashes::groups::{CannotMark, GroupMarks, Mark, MarkKind};
use symtool_store::Store;

use super::args::{GroupsAssign, GroupsLink, GroupsNote, GroupsResolve};
use crate::context::Context;
use crate::counted::open_writer;
use crate::exit::{Exit, Usage};
use crate::moment::iso;
use crate::output;
use crate::terminal::clean;

/// What was said of a group: keys of JSON objects that the documentation describes.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct Marks {
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
}

/// A note.
#[derive(Debug, JsonSchema, Serialize)]
struct Note {
    at: String,
    text: String,
}

/// What was said, as the JSON object that the documentation describes.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Marked<'a> {
    /// The group.
    pub id: String,
    /// What was said.
    #[serde(flatten)]
    pub marks: &'a Marks,
}

impl From<GroupMarks> for Marks {
    fn from(marks: GroupMarks) -> Self {
        let text = |mark: Option<Mark>| mark.map(|mark| mark.text);
        let note = |mark: Mark| Note {
            at: iso(i64::try_from(mark.at_ms).unwrap_or(i64::MAX)),
            text: mark.text,
        };
        Self {
            resolved_in: text(marks.resolved_in),
            assignee: text(marks.assignee),
            link: text(marks.link),
            notes: marks.notes.into_iter().map(note).collect(),
        }
    }
}

impl Marks {
    /// Writes a line for each.
    pub fn write(&self, out: &mut impl Write) -> Result<()> {
        let marks = [
            ("resolved in", &self.resolved_in),
            ("assigned to", &self.assignee),
            ("link", &self.link),
        ];
        for (what, text) in marks {
            if let Some(text) = text {
                writeln!(out, "{what:<11} {}", clean(text))?;
            }
        }
        for Note { at, text } in &self.notes {
            writeln!(out, "{:<11} {at} {}", "note", clean(text))?;
        }
        Ok(())
    }
}

/// Runs `resolve`.
pub fn resolve(context: &Context, store: &Store, args: &GroupsResolve) -> Result<Exit> {
    mark(context, store, &args.group, (MarkKind::ResolvedIn, args.release.as_deref()))
}

/// Runs `assign`.
pub fn assign(context: &Context, store: &Store, args: &GroupsAssign) -> Result<Exit> {
    mark(context, store, &args.group, (MarkKind::Assignee, args.name.as_deref()))
}

/// Runs `note`.
pub fn note(context: &Context, store: &Store, args: &GroupsNote) -> Result<Exit> {
    mark(context, store, &args.group, (MarkKind::Note, Some(&args.text)))
}

/// Runs `link`.
pub fn link(context: &Context, store: &Store, args: &GroupsLink) -> Result<Exit> {
    let is_link = |url: &str| ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if let Some(url) = args.url.as_ref().filter(|url| !is_link(url)) {
        return Err(Usage(format!("{url}: not a link; begin it with https://")).into());
    }
    mark(context, store, &args.group, (MarkKind::Link, args.url.as_deref()))
}

/// Marks the group that `name` names with the text, or takes back what was said.
fn mark(
    context: &Context,
    store: &Store,
    name: &str,
    (kind, text): (MarkKind, Option<&str>),
) -> Result<Exit> {
    if text.is_some_and(|text| text.trim().is_empty()) {
        return Err(
            Usage("an empty text says nothing; --clear takes back what was said".into()).into()
        );
    }
    let writer = open_writer(store)?;
    let group = super::one(&writer, name)?;
    match writer.mark(group.id, kind, text.unwrap_or_default()) {
        Ok(()) => {}
        Err(CannotMark::Store(error)) => return Err(error.into()),
        Err(error) => return Err(Error::from(Usage(format!("{}: {error}", group.id)))),
    }
    let marks = Marks::from(writer.marks(&group)?);
    let mut out = std::io::stdout().lock();
    if context.json {
        let marked = Marked { id: group.id.to_string(), marks: &marks };
        writeln!(out, "{}", output::json(&marked)?)?;
    } else if !context.quiet {
        writeln!(out, "{:<11} {} {}", "group", group.id, clean(group.title()))?;
        marks.write(&mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
