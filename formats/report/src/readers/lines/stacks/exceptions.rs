//! Collects exceptions: heads that wait until something confirms them, what belongs to which, and
//! frames that they share.

use super::{Stacks, Target};
use crate::event::frame::{Frame, FrameKind, Span};
use crate::event::{Exception, Relation};
use crate::limits::{MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use crate::readers::javascript;
use crate::readers::lines::java::ExceptionHead;
use crate::scan::text::{kept, some};

/// The head of an exception that nothing has confirmed yet.
#[derive(Debug)]
pub(super) struct Pending {
    exception: Exception,
    thread: Option<String>,
    indent: usize,
    lines: usize,
}

impl Stacks {
    /// An exception begins. One without a sure word before it has to be confirmed by a frame, or by
    /// its cause; and so has one behind another, with which another crash begins.
    pub fn java_head(&mut self, head: &ExceptionHead<'_>, indent: usize) {
        if head.is_cause() {
            self.confirm();
        }
        let message = head.message.map(kept);
        let exception = Exception {
            kind: Some(kept(head.class)),
            message,
            relation: head.relation,
            ..Exception::default()
        };
        self.pending = Some(Pending { exception, thread: head.thread.map(kept), indent, lines: 0 });
        if head.is_sure && !self.is_another() {
            self.confirm();
        }
    }

    /// Whether an exception waits to be confirmed.
    pub fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether the exception that waits belongs to no other, and there was one with a stack before
    /// it.
    pub fn is_another(&self) -> bool {
        let is_thrown = self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.exception.relation == Relation::Thrown);
        is_thrown && self.event.exceptions.iter().any(|exception| !exception.frames.is_empty())
    }

    /// The exception that waits, as the first of another crash.
    pub fn split_pending(&mut self) -> Self {
        Self { pending: self.pending.take(), ..Self::default() }
    }

    /// Whether the stack of JavaScript comes next, or goes on.
    pub fn awaits_javascript(&self) -> bool {
        let Some(exception) = self.exception() else { return false };
        let is_begun =
            || exception.frames.last().is_some_and(|frame| frame.kind == FrameKind::Other);
        let is_announced = || {
            exception
                .message
                .as_deref()
                .is_some_and(|message| message.trim_end().ends_with("stack:"))
        };
        exception.kind.as_deref().is_some_and(javascript::is_of) && (is_announced() || is_begun())
    }

    /// Whether the last exception is one of Apple's platforms, as far as its name and frames say.
    pub fn is_thrown_of_apple(&self) -> bool {
        let is_native = |frame: &Frame| frame.kind == FrameKind::Native;
        let is_of_apple = |exception: &Exception| {
            exception.kind.as_deref().is_some_and(|kind| !kind.contains('.'))
                && exception.frames.iter().all(is_native)
        };
        self.pending.is_none() && self.exception().is_some_and(is_of_apple)
    }

    /// The exception that lines belong to: that which waits, else the last one.
    fn exception(&self) -> Option<&Exception> {
        match (&self.pending, self.target) {
            (Some(pending), _) => Some(&pending.exception),
            (None, Some(Target::Exception(index))) => self.event.exceptions.get(index),
            _ => None,
        }
    }

    /// The last exception left out so many frames.
    pub fn share(&mut self, count: u32) {
        self.confirm();
        if let Some(Target::Exception(index)) = self.target
            && let Some(exception) = self.event.exceptions.get_mut(index)
        {
            exception.shared = count;
        }
    }

    /// A line of text: of the message of an exception that has no frame yet, else the next stack's
    /// heading.
    pub fn message_line(&mut self, text: &str) {
        let message = match (&mut self.pending, self.target) {
            (Some(pending), _) => {
                pending.lines += 1;
                if pending.lines > MAX_MESSAGE_LINES {
                    self.pending = None;
                    return;
                }
                Some(&mut pending.exception.message)
            }
            (None, Some(Target::Exception(index))) if self.in_target == 0 => {
                self.event.exceptions.get_mut(index).map(|exception| &mut exception.message)
            }
            _ => None,
        };
        match message {
            Some(Some(message)) if message.len() + text.len() < MAX_TEXT_BYTES => {
                message.push('\n');
                message.push_str(text);
            }
            Some(Some(_)) => {}
            Some(message @ None) => *message = some(text),
            None if text.is_empty() => {}
            None => self.heading = some(text.trim_end_matches(':')),
        }
    }

    /// What was taken for an exception's head is one.
    pub(super) fn confirm(&mut self) {
        let Some(Pending { mut exception, thread, indent, .. }) = self.pending.take() else {
            return;
        };
        if let Some(name) = thread {
            self.begin_thread(None, Some(name), true);
        }
        if let Some(message) = &mut exception.message {
            message.truncate(message.trim_end().len());
        }
        exception.parent = self.parent(exception.relation, indent);
        if self.event.exceptions.is_empty() {
            // The end of a trace that was cut off at its front.
            exception.relation = Relation::Thrown;
            self.event.reason.kind.clone_from(&exception.kind);
            self.event.reason.message.clone_from(&exception.message);
        } else if exception.relation == Relation::Thrown {
            exception.relation = Relation::Cause;
        }
        (self.in_target, self.is_echo) = (0, false);
        self.target = None;
        if self.room.has_stack(self.event.exceptions.len()) {
            self.event.exceptions.push(exception);
            self.target = Some(Target::Exception(self.event.exceptions.len() - 1));
        }
    }

    /// The exception that the next one belongs to. A cause stands as far to the right as what it
    /// caused; what was suppressed further.
    fn parent(&mut self, relation: Relation, indent: usize) -> Option<usize> {
        let is_closed = |other: usize| {
            if relation == Relation::Suppressed { other >= indent } else { other > indent }
        };
        while self.open.pop_if(|(_, other)| is_closed(*other)).is_some() {}
        let parent = self.open.last().map(|(index, _)| *index);
        // A cause of a cause belongs to the nearer one.
        self.open.pop_if(|(_, other)| *other == indent);
        self.open.push((self.event.exceptions.len(), indent));
        parent.or_else(|| self.event.exceptions.len().checked_sub(1))
    }

    /// Gives each exception the frames that it shares with the one that it belongs to. They stand
    /// there, and nowhere else.
    pub(super) fn share_frames(&mut self) {
        for index in 0..self.event.exceptions.len() {
            let (before, rest) = self.event.exceptions.split_at_mut(index);
            let Some(exception) = rest.first_mut() else { continue };
            let Some(parent) = exception.parent.and_then(|parent| before.get(parent)) else {
                continue;
            };
            let count =
                usize::try_from(exception.shared).unwrap_or(usize::MAX).min(parent.frames.len());
            for frame in &parent.frames[parent.frames.len() - count..] {
                self.room.push_frame(
                    &mut exception.frames,
                    Frame { span: Span::default(), ..frame.clone() },
                );
            }
        }
    }

    /// What was taken for an exception's head is the heading of a stack of machine code: threads of
    /// Apple's have names like classes.
    pub(super) fn pending_is_heading(&mut self) {
        let Some(Pending { exception, lines: 0, .. }) = self.pending.take() else { return };
        self.heading = exception.kind;
    }
}
