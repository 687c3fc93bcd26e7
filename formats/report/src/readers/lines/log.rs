//! Lines of a log by who wrote them, so that crashes that are logged at once are read apart.
//!
//! ```text
//! 9001 DEBUG  *** *** ***            crash_dump of one process  ─┐
//! 9002 DEBUG  *** *** ***            crash_dump of another      ─┼─> a reader each
//! 4800 AndroidRuntime  FATAL …       a process itself           ─┘
//!             Process: …             without prefix: whoever wrote the line before
//! ```

use hashbrown::{Equivalent, HashMap};

use crate::event::frame::Span;
use crate::limits::MAX_LOG_WRITERS;

use super::beginning::is_beginning;
use super::line::Text;
use super::prefix::Prefix;
use super::stacks::Target;
use super::state::{Step, TextReader};
use super::{html, logcat, native};

/// A log on its way to its readers.
#[derive(Debug, Default)]
pub struct Log {
    channels: Vec<Channel>,
    by_writer: HashMap<Writer, usize>,
    /// Whose line the last one was: index of a channel.
    last: usize,
    /// Whether a line had a prefix.
    has_prefixes: bool,
    /// Whether the last line says who wrote the next one.
    is_behind_header: bool,
    /// What lines of other logs than Android's begin with.
    prefix: Prefix,
    /// Crashes that others followed.
    done: Vec<Channel>,
    /// Whether nobody asks for lines and crashes that are over: a log without end.
    is_live: bool,
}

/// What one writer writes.
#[derive(Debug, Default)]
pub struct Channel {
    /// The process, where the log says.
    pub pid: Option<u64>,
    /// What reads it.
    pub reader: TextReader,
    /// The lines of the crash, without their ends.
    pub lines: Vec<Span>,
}

#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Writer {
    pid: Option<u64>,
    tag: String,
}

#[derive(PartialEq, Eq, Hash)]
struct WriterRef<'a> {
    pid: Option<u64>,
    tag: &'a str,
}

impl Equivalent<Writer> for WriterRef<'_> {
    fn equivalent(&self, writer: &Writer) -> bool {
        self.pid == writer.pid && self.tag == writer.tag
    }
}

impl Log {
    /// A log without end, of which nothing is kept but what later lines need.
    pub fn live() -> Self {
        Self { is_live: true, ..Self::default() }
    }

    /// Reads a line at `span`. Says where its frame went, if it is one.
    pub fn line(&mut self, line: &str, span: Span) -> Option<Target> {
        let (message, is_prefixed) = self.message(line);
        let unescaped;
        let mut text = Text::new(message, line, span);
        if let Some(owned) = html::unescape(text.line) {
            unescaped = owned;
            text.line = unescaped.trim();
        }
        if self.channels.is_empty() {
            self.channels.push(Channel::default());
        }
        let Self { channels, done, is_live, last, is_behind_header, .. } = self;
        let channel = channels.get_mut(*last)?;
        let is_header = is_prefixed && message.is_empty() && line.ends_with(']');
        let header = std::mem::replace(is_behind_header, is_header);
        // Of what is over in a log without end, nothing says more of what comes.
        if channel.reader.begins(text.line) || *is_live && native::begins_report(text.line) {
            let header = header.then(|| channel.lines.pop()).flatten();
            if !channel.reader.is_empty() && !*is_live {
                done.push(std::mem::take(channel));
                channel.pid = done.last().and_then(|done| done.pid);
            }
            channel.begin(header);
        }
        let before = (channel.reader.head, channel.reader.frames);
        let mut step = channel.reader.read(text);
        if step == Step::Another {
            let next = channel.split();
            let over = std::mem::replace(channel, next);
            if !*is_live {
                done.push(over);
            }
            step = channel.reader.read(text);
        }
        let reader = &mut channel.reader;
        reader.has_prefix |= is_prefixed && before != (reader.head, reader.frames);
        if !*is_live {
            channel.lines.push(span);
        }
        match step {
            Step::Read(target) => target,
            Step::Another => None,
        }
    }

    /// The reader of the last line.
    pub fn reader(&mut self) -> Option<&mut TextReader> {
        self.channels.get_mut(self.last).map(|channel| &mut channel.reader)
    }

    /// All that was told, in the order in which it began; and which of it has the last line.
    pub fn finish(self) -> (Vec<Channel>, Option<usize>) {
        let Self { channels, last, done, .. } = self;
        let last_line = channels.get(last).and_then(|channel| channel.lines.last()).copied();
        let mut all: Vec<Channel> =
            done.into_iter().chain(channels).filter(|channel| !channel.reader.is_empty()).collect();
        all.sort_by_key(|channel| channel.lines.first().map(|line| line.start));
        let last = last_line
            .and_then(|line| all.iter().position(|channel| channel.lines.last() == Some(&line)));
        (all, last)
    }

    /// What was written in `line`, and whether it has a prefix; [`Log::last`] is whoever wrote it.
    fn message<'a>(&mut self, line: &'a str) -> (&'a str, bool) {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let Some(prefixed) = logcat::split(line) else { return (self.prefix.strip(line), false) };
        let reader = self.reader();
        // A tombstone ends with what was in the log before the crash.
        let is_of_dump =
            reader.as_ref().is_some_and(|reader| !reader.has_prefix && reader.is_in_dump());
        // Ordinary text may look like a prefix: in the middle of something else it is no log.
        let is_text = prefixed.is_weak
            && !is_beginning(prefixed.message.trim_start())
            && reader.is_some_and(|reader| !reader.is_idle());
        if is_of_dump || is_text && !self.has_prefixes {
            return (self.prefix.strip(line), false);
        }
        self.has_prefixes |= !prefixed.is_weak || is_beginning(prefixed.message.trim_start());
        // A tag that is not repeated stands in a line before.
        if prefixed.pid.is_some() || !prefixed.tag.is_empty() {
            self.last = self.channel(&WriterRef { pid: prefixed.pid, tag: prefixed.tag });
        }
        (prefixed.message, true)
    }

    /// The channel of `writer`, which is made unless it is there.
    fn channel(&mut self, writer: &WriterRef<'_>) -> usize {
        if let Some(index) = self.by_writer.get(writer) {
            return *index;
        }
        if self.channels.len() >= MAX_LOG_WRITERS {
            self.forget_idle();
        }
        if self.channels.len() >= MAX_LOG_WRITERS {
            // Nobody logs so many crashes at once: those who come now are taken for one.
            return self.channels.len() - 1;
        }
        let index = self.channels.len();
        self.channels.push(Channel { pid: writer.pid, ..Channel::default() });
        self.by_writer.insert(Writer { pid: writer.pid, tag: writer.tag.to_owned() }, index);
        index
    }

    /// Lets go of those who have told nothing so far.
    fn forget_idle(&mut self) {
        let is_kept: Vec<bool> =
            self.channels.iter().map(|channel| !channel.reader.is_idle()).collect();
        let mut next = 0;
        let indices: Vec<Option<usize>> = is_kept
            .iter()
            .map(|is_kept| {
                next += usize::from(*is_kept);
                is_kept.then(|| next - 1)
            })
            .collect();
        let mut kept = is_kept.iter();
        self.channels.retain(|_| kept.next() == Some(&true));
        self.by_writer.retain(|_, index| match indices.get(*index).copied().flatten() {
            Some(now) => {
                *index = now;
                true
            }
            None => false,
        });
        self.last = self.last.min(self.channels.len().saturating_sub(1));
    }
}

impl Channel {
    /// A crash begins: whatever was told before it is not its, but for the line that says who
    /// writes.
    fn begin(&mut self, header: Option<Span>) {
        self.reader = TextReader::default();
        self.lines.clear();
        self.lines.extend(header);
    }

    /// The crash that the last exception's head began.
    fn split(&mut self) -> Self {
        let before = self.reader.lines_before_head.min(self.lines.len());
        Self { pid: self.pid, reader: self.reader.next(), lines: self.lines.split_off(before) }
    }
}
