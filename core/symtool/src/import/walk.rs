//! Walks through files and archives, archives within archives included, one object after the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::vec;

use symtool_debug::Error;
use symtool_debug::Mapped;
use symtool_debug::container::{self, Format, Kind, Member};
use symtool_debug::limits::{MAX_EXPANSION, MAX_NESTED_ARCHIVES, MIN_UNPACKED_BYTES};

use super::budget::{MemoryBudget, Permit};
use super::event::{Event, Events};
use super::files::{Files, Found};
use symtool_module::Arch;

/// The way through all files.
pub struct Walk<'a> {
    files: vec::IntoIter<Found>,
    /// Archives that are being listed, the outermost first.
    open: Vec<Open<'a>>,
    /// Bytes that members of the outermost archive may still take once unpacked.
    room_bytes: u64,
    /// Whether anything came since the last folder or archive that was named.
    any: bool,
    passed_over: u64,
    budget: &'a MemoryBudget,
    events: Events<'a>,
}

#[derive(Debug)]
struct Open<'a> {
    format: Format,
    members: vec::IntoIter<Result<Member, Error>>,
    /// The memory that the members are in, unless it is a file's.
    memory: Option<Arc<Permit<'a>>>,
    /// Bytes that were unpacked for this archive.
    own_bytes: u64,
}

/// Something to import.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its path, with the name of its member.
    pub path: PathBuf,
    /// Bytes of the input that it stands for.
    pub weight: u64,
    /// What it is.
    pub content: Content<'a>,
}

/// What an [`Item`] is.
#[derive(Debug)]
pub enum Content<'a> {
    /// A file, and whether it was named itself.
    File { is_named: bool },
    /// A member of an archive, whether that is one for the linker, and the memory that the member
    /// is in or will be.
    Member { member: Member, in_library: bool, memory: Option<Arc<Permit<'a>>> },
    /// What cannot be opened, and why.
    Failed(String),
    /// The end of what was found in a folder or archive.
    End { what: &'static str },
}

impl<'a> Walk<'a> {
    /// Goes through `files`. Unpacked members use up `budget`, and `events` is told what is to
    /// come.
    pub fn new(files: Files, budget: &'a MemoryBudget, events: Events<'a>) -> Self {
        let walk = Self {
            files: Vec::new().into_iter(),
            open: Vec::new(),
            room_bytes: 0,
            any: false,
            passed_over: files.passed_over,
            budget,
            events,
        };
        for found in &files.found {
            match found {
                Found::File { bytes, .. }
                | Found::Archive { bytes, .. }
                | Found::Slice { bytes, .. } => walk.expect(1, *bytes),
                Found::Failed { .. } => walk.expect(1, 0),
                Found::End { .. } => {}
            }
        }
        Self { files: files.found.into_iter(), ..walk }
    }

    fn expect(&self, files: usize, bytes: u64) {
        // It only shows progress.
        let _ = (self.events)(Event::Expect { files, bytes });
    }

    fn passed(&self, files: usize, bytes: u64) {
        let _ = (self.events)(Event::Passed { files, bytes });
    }

    /// Files and members so far that are neither objects nor archives.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    fn next_member(&mut self) -> Option<Item<'a>> {
        while let Some(archive) = self.open.last_mut() {
            let Some(member) = archive.members.next() else {
                self.open.pop();
                continue;
            };
            let item = member.and_then(|member| match member.kind() {
                Kind::Archive(format) => self.open_nested(member, format).map(|()| None),
                _ => self.member(member).map(Some),
            });
            match item {
                Ok(None) => {}
                Ok(Some(item)) => return Some(item),
                Err(error) => {
                    return Some(Item::failed(error.path().to_owned(), error.to_string()));
                }
            }
        }
        None
    }

    /// The same member, unpacked into a file if how long it is shows only so.
    fn spooled(&mut self, member: Member) -> Result<Member, Error> {
        let (member, bytes) = member.spooled(self.room_bytes)?;
        self.room_bytes -= bytes;
        Ok(member)
    }

    fn member(&mut self, member: Member) -> Result<Item<'a>, Error> {
        let (weight, path) = (self.weight(&member), member.path().to_owned());
        let member = self.spooled(member)?;
        let unpacked = self.unpacked(&member)?;
        let archive = self.open.last();
        let memory = unpacked.or_else(|| archive.and_then(|archive| archive.memory.clone()));
        let in_library = archive.is_some_and(|archive| archive.format == Format::Ar);
        Ok(Item { path, weight, content: Content::Member { member, in_library, memory } })
    }

    fn open_nested(&mut self, member: Member, format: Format) -> Result<(), Error> {
        if self.open.len() >= MAX_NESTED_ARCHIVES {
            return Err(Error::Nested { path: member.path().to_owned() });
        }
        let (weight, own_bytes) = (self.weight(&member), member.unpacked_bytes());
        let member = self.spooled(member)?;
        let unpacked = self.unpacked(&member)?;
        let memory =
            unpacked.or_else(|| self.open.last().and_then(|archive| archive.memory.clone()));
        let members = self.list(&member.open()?, format);
        self.passed(1, weight);
        self.open.push(Open { format, members, memory, own_bytes });
        Ok(())
    }

    /// Sets memory aside for a member that has to be unpacked.
    fn unpacked(&mut self, member: &Member) -> Result<Option<Arc<Permit<'a>>>, Error> {
        let bytes = member.unpacked_bytes();
        if bytes > self.room_bytes {
            return Err(Error::TooLarge {
                path: member.path().to_owned(),
                bytes,
                limit: self.room_bytes,
            });
        }
        self.room_bytes -= bytes;
        let own = self.open.iter().map(|archive| archive.own_bytes).sum();
        Ok((bytes > 0).then(|| Arc::new(self.budget.wait_for(bytes, own))))
    }

    fn open_file(&mut self, path: PathBuf, format: Format, bytes: u64) -> Option<Item<'a>> {
        self.room_bytes = MIN_UNPACKED_BYTES.max(bytes.saturating_mul(MAX_EXPANSION));
        let archive = match Mapped::open(&path) {
            Ok(archive) => archive,
            Err(error) => {
                return Some(Item { weight: bytes, ..Item::failed(path, error.to_string()) });
            }
        };
        let members = self.list(&archive, format);
        self.push(format, members, bytes);
        None
    }

    fn open_slice(&mut self, path: PathBuf, arch: &Arch, bytes: u64) -> Option<Item<'a>> {
        self.room_bytes = MIN_UNPACKED_BYTES.max(bytes.saturating_mul(MAX_EXPANSION));
        match container::open_slice(&path, arch) {
            Ok(slice) => {
                self.expect(1, 0);
                self.push(Format::Fat, vec![Ok(slice)].into_iter(), bytes);
                None
            }
            Err(error) => Some(Item { weight: bytes, ..Item::failed(path, error.to_string()) }),
        }
    }

    fn push(&mut self, format: Format, members: vec::IntoIter<Result<Member, Error>>, bytes: u64) {
        let to_come: u64 = members.as_slice().iter().flatten().map(Member::stored_bytes).sum();
        self.passed(1, bytes.saturating_sub(to_come));
        self.open.push(Open { format, members, memory: None, own_bytes: 0 });
    }

    fn list(&mut self, archive: &Mapped, format: Format) -> vec::IntoIter<Result<Member, Error>> {
        let listing = container::list(archive, format);
        self.passed_over += listing.passed_over;
        self.expect(listing.members.len(), 0);
        listing.members.into_iter()
    }

    /// Bytes of the input that `member` stands for: the whole of a nested archive counts when it is
    /// opened.
    fn weight(&self, member: &Member) -> u64 {
        if self.open.len() == 1 { member.stored_bytes() } else { 0 }
    }

    /// The end of a path, or what to say if nothing was there.
    fn end(&mut self, path: PathBuf, what: &'static str) -> Item<'a> {
        if std::mem::take(&mut self.any) {
            return Item { path, weight: 0, content: Content::End { what } };
        }
        self.expect(1, 0);
        let reason = format!(
            "{}: no object files in this {what}; pass the one that holds the .so, .debug or dSYM files",
            path.display()
        );
        Item::failed(path, reason)
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        // Modules that wait to be committed have to go before more is read.
        let own = self.open.iter().map(|archive| archive.own_bytes).sum();
        drop(self.budget.wait_for(0, own));
        loop {
            if let Some(item) = self.next_member() {
                self.any = true;
                return Some(item);
            }
            let item = match self.files.next()? {
                Found::File { path, bytes, is_named } => {
                    Some(Item { path, weight: bytes, content: Content::File { is_named } })
                }
                Found::Archive { path, format, bytes } => self.open_file(path, format, bytes),
                Found::Slice { path, arch, bytes } => self.open_slice(path, &arch, bytes),
                Found::Failed { path, reason } => Some(Item::failed(path, reason)),
                Found::End { path, what } => return Some(self.end(path, what)),
            };
            if let Some(item) = item {
                self.any = true;
                return Some(item);
            }
        }
    }
}

impl Item<'_> {
    fn failed(path: PathBuf, reason: String) -> Self {
        Self { path, weight: 0, content: Content::Failed(reason) }
    }
}
