//! Tellings put together: a crash may be told of by several, as when a handler dumps it, the system
//! does so too, and the runtime throws what the handler told.

use crate::event::CrashEvent;
use crate::event::error::CrashError;
use crate::event::frame::Span;
use crate::scan::text::{self, TextLine};

use super::bare::message;
use super::line::Text;
use super::log::{Channel, Log};
use super::reader::NO_FRAME;
use super::state::CrashHead;
use super::unity;

/// One crash in a text.
#[derive(Debug)]
pub struct Crash {
    /// What the one says that says most.
    pub event: Result<CrashEvent, CrashError>,
    /// What others say of the same crash.
    pub again: Vec<CrashEvent>,
    /// All lines that tell of it, in their order, without their ends.
    pub lines: Vec<Span>,
}

/// One crash as one writer tells of it.
struct Telling {
    event: Result<CrashEvent, CrashError>,
    head: Option<CrashHead>,
    is_crash: bool,
    pid: Option<u64>,
    is_echo: bool,
    lines: Vec<Span>,
}

/// The crashes that `text` tells of, in the order in which they begin; one that cannot be read, if
/// there is none.
///
/// If something says that there was a crash, traces of exceptions in the same log are no crashes:
/// programs log those that they caught.
pub fn crashes(text: &str) -> Vec<Crash> {
    let mut tellings = tellings(text);
    if tellings.iter().any(|telling| telling.is_crash) {
        tellings.retain(|telling| telling.is_crash);
    } else if tellings.iter().any(|telling| telling.event.is_ok()) {
        tellings.retain(|telling| telling.event.is_ok());
    }
    let mut crashes: Vec<(Crash, Telling)> = Vec::new();
    let (echoes, firsts): (Vec<Telling>, Vec<Telling>) =
        tellings.into_iter().partition(|telling| telling.is_echo);
    for telling in firsts.into_iter().chain(echoes) {
        match crashes.iter_mut().find(|(_, first)| first.is_same(&telling)) {
            Some((crash, _)) => crash.also(telling),
            None => {
                let Telling { event, lines, head, is_crash, pid, is_echo } = telling;
                let key = Telling {
                    event: event.clone(),
                    head,
                    is_crash,
                    pid,
                    is_echo,
                    lines: Vec::new(),
                };
                crashes.push((Crash { event, again: Vec::new(), lines }, key));
            }
        }
    }
    if crashes.is_empty() {
        return vec![Crash { event: Err(NO_FRAME), again: Vec::new(), lines: Vec::new() }];
    }
    let mut crashes: Vec<Crash> = crashes.into_iter().map(|(crash, _)| crash).collect();
    crashes.sort_by_key(|crash| crash.lines.first().map(|line| line.start));
    crashes
}

fn tellings(text: &str) -> Vec<Telling> {
    let mut log = Log::default();
    let mut last: Option<TextLine<'_>> = None;
    let mut is_cut = false;
    for line in text::lines(text) {
        let target = log.line(line.text, line.span);
        is_cut = line.is_open && target.is_none() && {
            let message = message(line.text);
            let text = Text::new(message, line.text, line.span);
            log.reader().is_some_and(|reader| reader.begins_frame(text.line))
        };
        last = Some(line);
    }
    let number = last.map_or(0, |line| line.number);
    let (channels, with_last) = log.finish();
    let telling = |(index, channel): (usize, Channel)| {
        let Channel { pid, reader, lines } = channel;
        let (head, is_crash) = (reader.head, reader.is_crash());
        let is_echo = unity::is_echo(&reader.stacks.event);
        let event = reader.finish(number, is_cut && with_last == Some(index));
        let named = event.as_ref().ok().and_then(|event| event.process.pid);
        Telling { event, head, is_crash, pid: named.or(pid).filter(|pid| *pid > 0), is_echo, lines }
    };
    channels.into_iter().enumerate().map(telling).collect()
}

impl Telling {
    /// Whether `other`, which comes later, is about the same crash: a process dies once.
    fn is_same(&self, other: &Self) -> bool {
        let is_native = self.head == Some(CrashHead::Tombstone);
        let is_echo = other.is_echo && (self.is_echo || is_native);
        if is_echo {
            return self.pid.is_none() || other.pid.is_none() || self.pid == other.pid;
        }
        let (Ok(one), Ok(two)) = (&self.event, &other.event) else { return false };
        let thread = |event: &CrashEvent| {
            event.crashed_thread.and_then(|index| event.threads.get(index)?.id)
        };
        let is_dumped_twice =
            is_native && other.head == Some(CrashHead::Tombstone) && self.pid.is_some();
        is_dumped_twice
            && self.pid == other.pid
            && thread(one) == thread(two)
            && one.reason.signal == two.reason.signal
    }
}

impl Crash {
    /// `telling` is about this crash, too.
    fn also(&mut self, telling: Telling) {
        self.lines.extend(telling.lines);
        self.lines.sort_by_key(|line| line.start);
        match (telling.event, &mut self.event) {
            (Ok(event), Ok(first)) if !telling.is_echo && weight(&event) > weight(first) => {
                self.again.push(std::mem::replace(first, event));
            }
            (Ok(event), Ok(_)) => self.again.push(event),
            (Ok(event), first @ Err(_)) => *first = Ok(event),
            (Err(_), _) => {}
        }
    }

    /// The bytes of `report` that tell of it.
    pub fn excerpt(&self, report: &[u8]) -> Vec<u8> {
        let mut excerpt = Vec::new();
        for line in &self.lines {
            let range = line.range();
            let rest = report.get(range.end..).unwrap_or_default();
            let end = match rest {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] => 1,
                _ => 0,
            };
            excerpt.extend_from_slice(report.get(range.start..range.end + end).unwrap_or_default());
        }
        excerpt
    }
}

/// How much an event says: frames of the crash that can be named, then threads.
fn weight(event: &CrashEvent) -> (usize, usize) {
    let frames = event.crash_frames();
    let is_known = |frame: &&crate::event::frame::Frame| {
        let image = frame.image.and_then(|index| event.images.get(usize::try_from(index).ok()?));
        frame.function.is_some() || image.is_some_and(|image| image.id.is_some())
    };
    (frames.iter().filter(is_known).count(), event.threads.len())
}
