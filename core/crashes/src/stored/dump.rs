//! Minidumps as reports: their bytes are kept as they came, and what is grouped is read from them
//! again when other modules are in the store.

use symtool_report::CrashEvent;

use crate::stored::counters::ImageKey;
use crate::stored::stored_report::Weight;
use crate::stored::{StoredDump, rows};
use symtool_store::Error;

/// Reads minidumps, and walks the stack that says where they crashed with the unwind data at hand.
pub trait ReadDumps: Send + Sync {
    /// What the minidump `bytes` says, or why nothing of it can be read. The same bytes and modules
    /// give the same.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn read(&self, bytes: &[u8]) -> Result<Reading<ReadDump>, Error>;

    /// What the walk of a stored minidump finds now, or why nothing of it can be read. What cannot
    /// be fetched of it is told by [`StoredDump::check`].
    ///
    /// # Errors
    /// If the store cannot be read.
    fn walk(&self, dump: &StoredDump<'_>) -> Result<Reading<WalkedDump>, Error>;

    /// What a stored minidump says besides stacks and images. None if nothing of it can be read.
    fn event(&self, dump: &StoredDump<'_>) -> Option<CrashEvent>;

    /// The annotations of a stored minidump: names and values, of the process and of its modules.
    /// None if nothing of it can be read.
    fn annotations(&self, dump: &StoredDump<'_>) -> Vec<(String, String)>;
}

impl<R: ReadDumps + ?Sized> ReadDumps for &R {
    fn read(&self, bytes: &[u8]) -> Result<Reading<ReadDump>, Error> {
        (**self).read(bytes)
    }

    fn walk(&self, dump: &StoredDump<'_>) -> Result<Reading<WalkedDump>, Error> {
        (**self).walk(dump)
    }

    fn event(&self, dump: &StoredDump<'_>) -> Option<CrashEvent> {
        (**self).event(dump)
    }

    fn annotations(&self, dump: &StoredDump<'_>) -> Vec<(String, String)> {
        (**self).annotations(dump)
    }
}

impl WalkedDump {
    /// The images whose unwind data cannot be read, by their keys in the index of images. What the
    /// walk found is what it finds without them, until they are read.
    pub(crate) fn damaged_keys(&self) -> Vec<ImageKey> {
        let images = self.damaged.iter().filter_map(|index| self.event.images.get(*index));
        images.flat_map(|image| rows::image_keys(image.id.as_ref())).collect()
    }

    /// Takes what `event`, which came with the dump, says besides: the release, and what the dump
    /// does not say.
    pub fn take_event(&mut self, event: &[u8]) {
        let Some(said) = symtool_report::event_facts(event) else { return };
        let own = &mut self.event;
        own.app.release = said.app.release.or(own.app.release.take());
        own.event_id = own.event_id.take().or(said.event_id);
        own.time_ms = own.time_ms.or(said.time_ms);
        own.platform = said.platform.or(own.platform.take());
        // Without a stack, crashes with one message would be one group.
        let said = said.reason.message.filter(|_| self.depth > 0);
        own.reason.message = own.reason.message.take().or(said);
    }
}

/// What came of reading a minidump.
#[derive(Clone, Debug)]
pub enum Reading<T> {
    /// What it says.
    Done(T),
    /// Nothing of it can be read, and why.
    Unreadable(String),
}

/// What a minidump says that comes in.
#[derive(Clone, Debug)]
pub struct ReadDump {
    /// The crash.
    pub walked: WalkedDump,
    /// How much it says.
    pub weight: Weight,
    /// What of it is missing, and what to do; absent if it is whole.
    pub damage: Option<String>,
}

/// What a minidump says of a crash.
#[derive(Clone, Debug)]
pub struct WalkedDump {
    /// The crash. Of the stack that says where it crashed both ends are enough; there is none if
    /// the dump lacks too much to be grouped.
    pub event: CrashEvent,
    /// How many frames that stack has.
    pub depth: u32,
    /// Images, by their index in [`WalkedDump::event`], whose unwind data the walk asked for. Frames
    /// need not lie in them.
    pub asked: Vec<usize>,
    /// Those of them, by the same index, whose unwind data is in the store and cannot be read.
    pub damaged: Vec<usize>,
}

/// Marks the end of a report that is a minidump with something behind it.
const TAIL_MARK: [u8; 16] = *b"\0symtool event\0\0";

/// Bytes of the end of such a report: the length of the event, and the mark.
pub const TAIL_END_BYTES: usize = 8 + TAIL_MARK.len();

/// What stands behind a minidump in its report if an event came with it, in a Sentry envelope:
///
/// ```text
/// minidump | event | length of the event, 8 bytes, little-endian | mark, 16 bytes
/// ```
///
/// A minidump that itself ends with the mark has an empty event behind it.
pub fn dump_tail(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    [event, &length, &TAIL_MARK].concat()
}

/// Whether a minidump needs a tail to be told from one that has one.
pub fn ends_like_tail(dump: &[u8]) -> bool {
    dump.ends_with(&TAIL_MARK)
}

/// Of a report of so many bytes that ends with `end`: how many its minidump has, and how many the
/// event.
pub fn dump_lengths(bytes: u64, end: &[u8]) -> (u64, u64) {
    let length = end
        .strip_suffix(&TAIL_MARK)
        .and_then(|before| before.last_chunk())
        .map(|length| u64::from_le_bytes(*length));
    length
        .and_then(|event| {
            let dump = bytes.checked_sub(event.checked_add(TAIL_END_BYTES as u64)?)?;
            Some((dump, event))
        })
        .unwrap_or((bytes, 0))
}

/// The minidump of a report that is one, and the event that came with it; that is empty if none did,
/// or the report is something else.
pub fn dump_and_event(report: &[u8]) -> (&[u8], &[u8]) {
    if !is_dump(report) {
        return (report, &[]);
    }
    let end = &report[report.len().saturating_sub(TAIL_END_BYTES)..];
    let (dump, event) = dump_lengths(report.len() as u64, end);
    let at = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let (dump, rest) = report.split_at_checked(at(dump)).unwrap_or((report, &[]));
    (dump, rest.get(..at(event)).unwrap_or_default())
}

/// Whether `report` is a minidump.
pub fn is_dump(report: &[u8]) -> bool {
    report.starts_with(b"MDMP") || report.starts_with(b"PMDM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_minidump() {
        let dump = b"MDMP and so on";
        let with = |dump: &[u8], event: &[u8]| [dump, &dump_tail(event)].concat();
        assert_eq!(dump_and_event(dump), (&dump[..], &b""[..]));
        assert_eq!(dump_and_event(&with(dump, b"{}")), (&dump[..], &b"{}"[..]));
        // One that ends like a report with an event.
        let alike = with(dump, b"{}");
        assert!(ends_like_tail(&alike) && !ends_like_tail(dump));
        assert_eq!(dump_and_event(&with(&alike, b"")), (&alike[..], &b""[..]));
        // Lengths that are wrong.
        for length in [u64::MAX, 15, u64::MAX - 23] {
            let wrong = [&dump[..], &length.to_le_bytes(), &TAIL_MARK].concat();
            assert_eq!(dump_and_event(&wrong), (&wrong[..], &b""[..]), "{length}");
        }
        assert_eq!(dump_and_event(b""), (&b""[..], &b""[..]));
    }
}
