//! Collects frames, exceptions and threads, line by line, into the stacks of an event.

use std::collections::HashMap;

use crate::event::frame::{At, Frame, FrameKind, Span};
use crate::event::image::Image;
use crate::event::{CrashEvent, Exception, Format, Relation, Thread};
use crate::limits::{MAX_IMAGES, MAX_MESSAGE_LINES, MAX_TEXT_BYTES};
use crate::readers::javascript;
use crate::readers::room::Room;
use crate::scan::text::{kept, some};

use super::java::Head;
use super::line::NativeLine;

/// The stack that frames go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Index into the event's threads.
    Thread(usize),
    /// Index into the event's exceptions.
    Exception(usize),
}

/// The stacks of one event as they grow.
#[derive(Debug)]
pub struct Stacks {
    /// The event so far.
    pub event: CrashEvent,
    room: Room,
    images: HashMap<Key, u32>,
    /// The first image of each name.
    names: HashMap<String, u32>,
    target: Option<Target>,
    /// Frames that went to the target.
    in_target: usize,
    /// Exceptions that others can belong to, each with the indentation of its head in bytes: ever further to the right.
    open: Vec<(usize, usize)>,
    /// The head of an exception, if the next line confirms it.
    pending: Option<Pending>,
    /// What the last line said that was no frame.
    heading: Option<String>,
    /// A stack that was told before is being told again.
    is_echo: bool,
    /// The stack that is told by an echo alone.
    echo: Option<Target>,
}

/// What tells one image from another.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    path: Option<String>,
    code_id: Option<String>,
    package_offset: Option<u64>,
}

#[derive(Debug)]
struct Pending {
    exception: Exception,
    thread: Option<String>,
    indent: usize,
    lines: usize,
}

impl Default for Stacks {
    fn default() -> Self {
        Self {
            event: CrashEvent::new(Format::Frames),
            room: Room::default(),
            images: HashMap::new(),
            names: HashMap::new(),
            target: None,
            in_target: 0,
            open: Vec::new(),
            pending: None,
            heading: None,
            is_echo: false,
            echo: None,
        }
    }
}

impl Stacks {
    /// Forgets what a log without end would let grow.
    pub fn bound(&mut self) {
        /// Stacks of a live log that are kept for the sake of their heads.
        const MAX_LIVE_STACKS: usize = 1024;
        if self.event.threads.len() + self.event.exceptions.len() > MAX_LIVE_STACKS {
            self.event.threads.clear();
            self.event.exceptions.clear();
            self.open.clear();
            self.target = None;
        }
        if self.images.len() >= MAX_IMAGES {
            self.images.clear();
            self.names.clear();
            self.event.images.clear();
        }
    }

    /// A thread begins, to which the next frames of machine code belong. The crashed one may have been named before.
    pub fn begin_thread(&mut self, id: Option<u64>, name: Option<String>, crashed: bool) {
        self.target = None;
        let named = |thread: &Thread| thread.crashed && thread.id.is_none() && thread.frames.is_empty();
        if crashed && let Some(index) = self.event.threads.iter().position(named) {
            let thread = &mut self.event.threads[index];
            (thread.id, thread.name) = (id, name.or(thread.name.take()));
            self.target = Some(Target::Thread(index));
        } else if self.room.has_stack(self.event.threads.len()) {
            self.event.threads.push(Thread { id, name, crashed, frames: Vec::new() });
            self.target = Some(Target::Thread(self.event.threads.len() - 1));
        }
        (self.in_target, self.is_echo) = (0, false);
        self.heading = None;
    }

    /// The thread in which a Java crash is.
    pub fn crashed_thread(&mut self, name: &str) {
        self.begin_thread(None, some(name), true);
    }

    /// What was taken for an exception's head is the heading of a stack of machine code: threads of Apple's have names like classes.
    fn pending_is_heading(&mut self) {
        let Some(Pending { exception, lines: 0, .. }) = self.pending.take() else { return };
        self.heading = exception.kind;
    }

    /// Adds a frame of machine code. One with the number 0 begins a stack.
    pub fn push_native(&mut self, line: NativeLine, span: Span) -> Option<Target> {
        self.pending_is_heading();
        let NativeLine { mut frame, number, image, is_plain } = line;
        let begins = number == Some(0) && self.in_target > 0;
        if begins || !matches!(self.target, Some(Target::Thread(_))) {
            // Of the first stack, what stands above it says little: any text may.
            let heading = self.heading.take().filter(|_| !self.event.threads.is_empty());
            self.begin_thread(None, heading, false);
        }
        if is_plain && (number.unwrap_or(self.in_target) > 0) {
            frame.at = At::Return;
        }
        frame.image = image.and_then(|image| self.image(image));
        frame.span = span;
        self.push(frame)
    }

    /// Adds a frame of Apple's platforms: of a thread, or of the exception that was thrown, whose stack was taken behind its calls.
    pub fn push_apple(&mut self, line: NativeLine, span: Span) -> Option<Target> {
        self.event.platform.get_or_insert_with(|| "cocoa".to_owned());
        self.pending_is_heading();
        // An inlined function has the number of the one that it was inlined into: only below a heading a stack begins.
        let begins = line.number == Some(0) && self.in_target > 0 && self.heading.is_some();
        let at = match self.target {
            Some(Target::Thread(_)) if !begins && line.number == Some(0) => At::Instruction,
            Some(_) if !begins => At::Return,
            _ => return self.push_native(line, span),
        };
        let image = line.image.and_then(|image| self.image(image));
        self.push(Frame { at, image, span, ..line.frame })
    }

    /// Adds a frame of machine code that Java tells of. Behind the backtrace of the same crash it says nothing new.
    pub fn push_echo(&mut self, line: NativeLine, span: Span) -> Option<Target> {
        self.confirm();
        let is_told = |thread: &Thread| thread.frames.iter().any(|frame| frame.kind == FrameKind::Native);
        let is_first = self.echo.is_none() || self.echo != self.target;
        if is_first && !matches!(self.target, Some(Target::Exception(_))) && self.event.threads.iter().any(is_told) {
            self.is_echo = true;
            return None;
        }
        let image = line.image.and_then(|image| self.image(image));
        self.echo = self.push_java(Frame { image, ..line.frame }, span);
        self.echo
    }

    /// Adds a frame of Java code.
    pub fn push_java(&mut self, mut frame: Frame, span: Span) -> Option<Target> {
        self.confirm();
        if self.is_echo {
            return None;
        }
        if self.target.is_none() {
            let heading = self.heading.take();
            self.begin_thread(None, heading, false);
        }
        frame.span = span;
        self.push(frame)
    }

    fn push(&mut self, frame: Frame) -> Option<Target> {
        let frames = match self.target? {
            Target::Thread(index) => &mut self.event.threads.get_mut(index)?.frames,
            Target::Exception(index) => &mut self.event.exceptions.get_mut(index)?.frames,
        };
        self.room.push_frame(frames, frame);
        self.in_target += 1;
        self.pending = None;
        self.target
    }

    /// The frame that came last.
    pub fn last_frame(&mut self) -> Option<&mut Frame> {
        match self.target? {
            Target::Thread(index) => self.event.threads.get_mut(index)?.frames.last_mut(),
            Target::Exception(index) => self.event.exceptions.get_mut(index)?.frames.last_mut(),
        }
    }

    /// Puts the frame that came last into `image`.
    pub fn set_image(&mut self, image: Option<Image>) {
        let index = image.and_then(|image| self.image(image));
        if let Some(frame) = self.last_frame() {
            frame.image = index;
        }
    }

    /// Whether there is a frame.
    pub fn has_frames(&self) -> bool {
        self.event.frames().next().is_some()
    }

    /// Whether no frame came since a stack began, or none has begun.
    pub fn is_empty_thread(&self) -> bool {
        self.in_target == 0
    }

    /// Whether the stack has one frame so far.
    pub fn is_only_frame(&self) -> bool {
        self.in_target == 1
    }

    /// Takes the first frame of the stack out again.
    pub fn drop_first(&mut self) {
        if let Some(Target::Thread(index)) = self.target
            && let Some(thread) = self.event.threads.get_mut(index).filter(|thread| !thread.frames.is_empty())
        {
            thread.frames.remove(0);
            self.room.give_back();
            self.in_target = self.in_target.saturating_sub(1);
        }
    }

    /// The index of the thread that began last.
    pub fn last_thread(&self) -> Option<usize> {
        self.event.threads.len().checked_sub(1)
    }

    /// The thread that began last has crashed.
    pub fn mark_crashed(&mut self) {
        if let Some(thread) = self.event.threads.last_mut() {
            thread.crashed = true;
        }
    }

    /// The thread with `id` is the one that has crashed.
    pub fn crashed_with_id(&mut self, id: u64) {
        for thread in &mut self.event.threads {
            thread.crashed = thread.id == Some(id);
        }
    }

    /// The only thread is the one that has `id`.
    pub fn name_only(&mut self, id: u64) {
        if let [thread] = &mut self.event.threads[..] {
            thread.id = thread.id.or(Some(id));
        }
    }

    /// Forgets all threads: what follows says more of them.
    pub fn clear_threads(&mut self) {
        self.event.threads.clear();
        (self.target, self.in_target) = (None, 0);
    }

    /// Leaves out the threads that are `superfluous`, which is given the index of each.
    pub fn drop_threads(&mut self, superfluous: impl Fn(usize, &Thread) -> bool) {
        let mut indices = 0..;
        self.event.threads.retain(|thread| indices.next().is_none_or(|index| !superfluous(index, thread)));
        (self.target, self.in_target) = (None, 0);
    }

    /// The first image that has a file's name.
    pub fn named(&mut self, name: &str) -> Option<&mut Image> {
        let index = *self.names.get(name)?;
        self.event.images.get_mut(usize::try_from(index).ok()?)
    }

    /// Adds an image of which it is known where it was loaded, or says that of one that frames have named.
    pub fn loaded(&mut self, image: Image) {
        let named = image.name.as_deref().and_then(|name| self.named(name));
        match named.filter(|known| known.load_address.is_none() && known.id.is_none()) {
            Some(known) => *known = Image { path: known.path.take(), ..image },
            None => drop(self.image(image)),
        }
    }

    /// Takes the last frame of `target` out again.
    pub fn take(&mut self, target: Target) -> Option<Frame> {
        let frames = match target {
            Target::Thread(index) => &mut self.event.threads.get_mut(index)?.frames,
            Target::Exception(index) => &mut self.event.exceptions.get_mut(index)?.frames,
        };
        self.room.give_back();
        frames.pop()
    }

    /// The index of `image`, which is added unless it is there.
    pub fn image(&mut self, image: Image) -> Option<u32> {
        let key = Key { path: image.path.clone(), code_id: image.code_id.clone(), package_offset: image.package_offset };
        if let Some(index) = self.images.get(&key) {
            return Some(*index);
        }
        let index = self.event.images.len();
        let name = image.name.clone();
        self.room.push_image(&mut self.event.images, image);
        let index = (index < self.event.images.len()).then(|| u32::try_from(index).ok())??;
        if let Some(name) = name {
            self.names.entry(name).or_insert(index);
        }
        self.images.insert(key, index);
        Some(index)
    }

    /// An exception begins. One without a sure word before it has to be confirmed by a frame, or by its cause; and so has one behind
    /// another, with which another crash begins.
    pub fn java_head(&mut self, head: &Head<'_>, indent: usize) {
        if head.is_cause() {
            self.confirm();
        }
        let message = head.message.map(kept);
        let exception = Exception { kind: Some(kept(head.class)), message, relation: head.relation, ..Exception::default() };
        self.pending = Some(Pending { exception, thread: head.thread.map(kept), indent, lines: 0 });
        if head.is_sure && !self.is_another() {
            self.confirm();
        }
    }

    /// Whether an exception waits to be confirmed.
    pub fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether the exception that waits belongs to no other, and there was one with a stack before it.
    pub fn is_another(&self) -> bool {
        let is_thrown = self.pending.as_ref().is_some_and(|pending| pending.exception.relation == Relation::Thrown);
        is_thrown && self.event.exceptions.iter().any(|exception| !exception.frames.is_empty())
    }

    /// The exception that waits, as the first of another crash.
    pub fn split_pending(&mut self) -> Self {
        Self { pending: self.pending.take(), ..Self::default() }
    }

    /// Whether the stack of JavaScript comes next, or goes on.
    pub fn awaits_javascript(&self) -> bool {
        let Some(exception) = self.exception() else { return false };
        let is_begun = || exception.frames.last().is_some_and(|frame| frame.kind == FrameKind::Other);
        let is_announced = || exception.message.as_deref().is_some_and(|message| message.trim_end().ends_with("stack:"));
        exception.kind.as_deref().is_some_and(javascript::is_of) && (is_announced() || is_begun())
    }

    /// Whether the last exception is one of Apple's platforms, as far as its name and frames say.
    pub fn is_thrown_of_apple(&self) -> bool {
        let is_native = |frame: &Frame| frame.kind == FrameKind::Native;
        let is_of_apple = |exception: &Exception| {
            exception.kind.as_deref().is_some_and(|kind| !kind.contains('.')) && exception.frames.iter().all(is_native)
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

    /// A line of text: of the message of an exception that has no frame yet, else the next stack's heading.
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
    fn confirm(&mut self) {
        let Some(Pending { mut exception, thread, indent, .. }) = self.pending.take() else { return };
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

    /// The exception that the next one belongs to. A cause stands as far to the right as what it caused; what was suppressed further.
    fn parent(&mut self, relation: Relation, indent: usize) -> Option<usize> {
        let is_closed = |other: usize| if relation == Relation::Suppressed { other >= indent } else { other > indent };
        while self.open.pop_if(|(_, other)| is_closed(*other)).is_some() {}
        let parent = self.open.last().map(|(index, _)| *index);
        // A cause of a cause belongs to the nearer one.
        self.open.pop_if(|(_, other)| *other == indent);
        self.open.push((self.event.exceptions.len(), indent));
        parent.or_else(|| self.event.exceptions.len().checked_sub(1))
    }

    /// The event, finished.
    pub fn finish(mut self) -> CrashEvent {
        if self.event.exceptions.is_empty() && self.event.threads.iter().all(|thread| !thread.crashed) {
            // Of stacks that nothing is said about, the first one is why the report was written.
            self.event.crashed_thread = (!self.event.threads.is_empty()).then_some(0);
        }
        self.share_frames();
        self.room.finish(self.event)
    }

    /// Gives each exception the frames that it shares with the one that it belongs to. They stand there, and nowhere else.
    fn share_frames(&mut self) {
        for index in 0..self.event.exceptions.len() {
            let (before, rest) = self.event.exceptions.split_at_mut(index);
            let Some(exception) = rest.first_mut() else { continue };
            let Some(parent) = exception.parent.and_then(|parent| before.get(parent)) else { continue };
            let count = usize::try_from(exception.shared).unwrap_or(usize::MAX).min(parent.frames.len());
            for frame in &parent.frames[parent.frames.len() - count..] {
                self.room.push_frame(&mut exception.frames, Frame { span: Span::default(), ..frame.clone() });
            }
        }
    }
}
