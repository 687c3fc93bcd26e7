//! What people say of groups: in which release one was resolved, who looks at it, where it is
//! tracked, and notes.
//!
//! A mark stays with the id of the group that was marked. A group that others were merged into has
//! their marks as well, the latest of each kind; when they part again, each has its own.

use serde::{Deserialize, Serialize};

use crate::groups::Group;
use crate::groups::release::is_later;
use crate::ids::GroupId;
use crate::limits::{MAX_GROUP_NOTES, MAX_MARK_BYTES};
use crate::stored::changes::Old;
use crate::stored::{CrashWriter, Crashes, rows};
use symtool_store::{Error, now_ms};

/// What people say of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMarks {
    /// The release in which it was resolved.
    pub resolved_in: Option<Mark>,
    /// Who looks at it.
    pub assignee: Option<Mark>,
    /// Where it is tracked.
    pub link: Option<Mark>,
    /// Notes, the first first.
    pub notes: Vec<Mark>,
}

/// Something that was said, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What; empty if it was taken back.
    pub text: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Which mark of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// [`GroupMarks::resolved_in`].
    ResolvedIn,
    /// [`GroupMarks::assignee`].
    Assignee,
    /// [`GroupMarks::link`].
    Link,
    /// One of [`GroupMarks::notes`].
    Note,
}

/// Why a group cannot be marked.
#[derive(Debug, thiserror::Error)]
pub enum CannotMark {
    /// The text is too long.
    #[error("the text has more than {MAX_MARK_BYTES} bytes")]
    TooLong,
    /// It has too many notes.
    #[error("the group has {MAX_GROUP_NOTES} notes already")]
    TooMany,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Error),
}

impl GroupMarks {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `group`, which these are of, was resolved and came again in a later release.
    pub fn is_regressed(&self, group: &Group) -> bool {
        self.regressed_in(group).next().is_some()
    }

    /// The releases after that in which it was resolved that `group`, which these are of, came in.
    pub fn regressed_in<'g>(&self, group: &'g Group) -> impl Iterator<Item = &'g str> {
        let releases = group.tally.releases.keys().map(String::as_str);
        let resolved = self.resolved_in.as_ref();
        releases.filter(move |release| {
            resolved.is_some_and(|resolved| is_later(release, &resolved.text))
        })
    }

    /// Takes what was said of another group that belongs to this one.
    fn absorb(&mut self, other: Self) {
        for (own, other) in [
            (&mut self.resolved_in, other.resolved_in),
            (&mut self.assignee, other.assignee),
            (&mut self.link, other.link),
        ] {
            let time = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.at_ms);
            if time(&other) > time(own) {
                *own = other;
            }
        }
        self.notes.extend(other.notes);
    }

    /// Without what was taken back, notes by time.
    fn tidy(&mut self) {
        for mark in [&mut self.resolved_in, &mut self.assignee, &mut self.link] {
            if mark.as_ref().is_some_and(|mark| mark.text.is_empty()) {
                *mark = None;
            }
        }
        self.notes.sort_by_key(|note| note.at_ms);
    }
}

impl Crashes {
    /// Whether any group was marked.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn has_marks(&self) -> Result<bool, Error> {
        self.database.has_any(rows::area::MARKS)
    }

    /// What was said of `group`, or of those that were merged into it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn marks(&self, group: &Group) -> Result<GroupMarks, Error> {
        let ids = std::iter::once(&group.id).chain(&group.aliases);
        let found: Vec<Option<GroupMarks>> =
            self.database.get_all(ids.map(|id| rows::marks(*id)))?;
        let mut marks = GroupMarks::default();
        found.into_iter().flatten().for_each(|other| marks.absorb(other));
        marks.tidy();
        Ok(marks)
    }
}

impl CrashWriter {
    /// Marks `group`, which is no alias, with `text`; an empty one takes back what was said.
    ///
    /// # Errors
    /// [`CannotMark`].
    pub fn mark(&self, group: GroupId, kind: MarkKind, text: &str) -> Result<(), CannotMark> {
        if text.len() > MAX_MARK_BYTES {
            return Err(CannotMark::TooLong);
        }
        let database = &self.crashes.database;
        let key = rows::marks(group);
        let before = database.bytes(&key)?;
        let marks = before.as_deref().map(|row| database.decode::<GroupMarks>(row)).transpose()?;
        let mut marks = marks.unwrap_or_default();
        let mark = Mark { text: text.to_owned(), at_ms: now_ms() };
        match kind {
            MarkKind::ResolvedIn => marks.resolved_in = Some(mark),
            MarkKind::Assignee => marks.assignee = Some(mark),
            MarkKind::Link => marks.link = Some(mark),
            MarkKind::Note if marks.notes.len() >= MAX_GROUP_NOTES => {
                return Err(CannotMark::TooMany);
            }
            MarkKind::Note => marks.notes.push(mark),
        }
        let mut changes = database.changes();
        changes.put(key, Old::read(before.as_deref()), &marks)?;
        Ok(changes.commit()?)
    }
}
