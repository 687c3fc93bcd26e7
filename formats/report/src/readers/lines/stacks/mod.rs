//! Collects frames, exceptions and threads, line by line, into the stacks of an event.

mod exceptions;
mod images;

use std::collections::HashMap;

use super::line::NativeLine;
use crate::event::frame::{At, Frame, FrameKind, Span};
use crate::event::image::Image;
use crate::event::{CrashEvent, Format, Thread};
use crate::limits::MAX_IMAGES;
use crate::readers::room::Room;
use crate::scan::text::some;
use exceptions::Pending;
use images::ImageKey;

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
    images: HashMap<ImageKey, u32>,
    /// The first image of each name.
    names: HashMap<String, u32>,
    target: Option<Target>,
    /// Frames that went to the target.
    in_target: usize,
    /// Exceptions that others can belong to, each with the indentation of its head in bytes: ever
    /// further to the right.
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

    /// A thread begins, to which the next frames of machine code belong. The crashed one may have
    /// been named before.
    pub fn begin_thread(&mut self, id: Option<u64>, name: Option<String>, crashed: bool) {
        self.target = None;
        let named =
            |thread: &Thread| thread.crashed && thread.id.is_none() && thread.frames.is_empty();
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

    /// Adds a frame of Apple's platforms: of a thread, or of the exception that was thrown, whose
    /// stack was taken behind its calls.
    pub fn push_apple(&mut self, line: NativeLine, span: Span) -> Option<Target> {
        self.event.platform.get_or_insert_with(|| "cocoa".to_owned());
        self.pending_is_heading();
        // An inlined function has the number of the one that it was inlined into: only below a
        // heading a stack begins.
        let begins = line.number == Some(0) && self.in_target > 0 && self.heading.is_some();
        let at = match self.target {
            Some(Target::Thread(_)) if !begins && line.number == Some(0) => At::Instruction,
            Some(_) if !begins => At::Return,
            _ => return self.push_native(line, span),
        };
        let image = line.image.and_then(|image| self.image(image));
        self.push(Frame { at, image, span, ..line.frame })
    }

    /// Adds a frame of machine code that Java tells of. Behind the backtrace of the same crash it
    /// says nothing new.
    pub fn push_echo(&mut self, line: NativeLine, span: Span) -> Option<Target> {
        self.confirm();
        let is_told =
            |thread: &Thread| thread.frames.iter().any(|frame| frame.kind == FrameKind::Native);
        let is_first = self.echo.is_none() || self.echo != self.target;
        if is_first
            && !matches!(self.target, Some(Target::Exception(_)))
            && self.event.threads.iter().any(is_told)
        {
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
            && let Some(thread) =
                self.event.threads.get_mut(index).filter(|thread| !thread.frames.is_empty())
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
        self.event
            .threads
            .retain(|thread| indices.next().is_none_or(|index| !superfluous(index, thread)));
        (self.target, self.in_target) = (None, 0);
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

    /// The event, finished.
    pub fn finish(mut self) -> CrashEvent {
        if self.event.exceptions.is_empty()
            && self.event.threads.iter().all(|thread| !thread.crashed)
        {
            // Where no stack is marked, the first one is why the report was written.
            self.event.crashed_thread = (!self.event.threads.is_empty()).then_some(0);
        }
        self.share_frames();
        self.room.finish(self.event)
    }
}
