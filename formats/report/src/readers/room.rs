//! Keeps frames, images and stacks of a report within the limits, and counts what was left out.

use std::collections::VecDeque;

use crate::event::frame::Frame;
use crate::event::image::Image;
use crate::event::lookup::assign_images;
use crate::event::{CrashEvent, DropCounts};
use crate::limits::{MAX_FRAMES, MAX_IMAGES, MAX_STACKS};

use super::javascript;

/// Most stacks have no more frames.
const USUAL_FRAMES: usize = 32;

/// The room that is left in one event.
#[derive(Debug, Default)]
pub struct Room {
    frames: usize,
    dropped: DropCounts,
}

impl Room {
    /// Adds the next frame of a stack whose crash side comes first: what does not fit is the far
    /// end.
    pub fn push_frame(&mut self, stack: &mut Vec<Frame>, frame: Frame) {
        if self.frames < MAX_FRAMES {
            self.frames += 1;
            stack.push(frame);
        } else {
            self.dropped.frames += 1;
        }
    }

    /// A frame was taken out again.
    pub fn give_back(&mut self) {
        self.frames = self.frames.saturating_sub(1);
    }

    /// Adds the next frame of a stack whose far end comes first, and stays first: the far end makes
    /// room for it.
    pub fn push_nearer<F>(&mut self, stack: &mut VecDeque<F>, frame: F) {
        if self.frames < MAX_FRAMES {
            self.frames += 1;
        } else {
            self.dropped.frames += 1;
            if stack.pop_front().is_none() {
                return;
            }
        }
        // Frames are large: a stack that grows one by one would move them time and again.
        if stack.capacity() == 0 {
            stack.reserve(USUAL_FRAMES);
        }
        stack.push_back(frame);
    }

    /// Whether one more thread or exception fits beside `count` others.
    pub fn has_stack(&mut self, count: usize) -> bool {
        let has = count < MAX_STACKS;
        self.dropped.stacks += usize::from(!has);
        has
    }

    /// Adds an image.
    pub fn push_image(&mut self, images: &mut Vec<Image>, image: Image) {
        if images.len() < MAX_IMAGES {
            images.push(image);
        } else {
            self.dropped.images += 1;
        }
    }

    /// The event with what follows from the rest of it, once all of it is there: stacks in
    /// messages, what was left out, the images that frames lie in.
    pub fn finish(self, mut event: CrashEvent) -> CrashEvent {
        event.dropped = self.dropped;
        event.fill_in();
        event.exceptions.iter_mut().for_each(javascript::expand);
        assign_images(&mut event);
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(line: usize) -> Frame {
        Frame { line: u32::try_from(line).ok(), ..Frame::default() }
    }

    #[test]
    fn the_crash_side_stays() {
        let (mut room, mut stack) = (Room::default(), Vec::new());
        (0..MAX_FRAMES + 2).for_each(|line| room.push_frame(&mut stack, frame(line)));
        assert_eq!((stack.len(), stack[0].line, room.dropped.frames), (MAX_FRAMES, Some(0), 2));
        let (mut room, mut stack) = (Room::default(), VecDeque::new());
        (0..MAX_FRAMES + 2).for_each(|line| room.push_nearer(&mut stack, frame(line)));
        assert_eq!((stack.len(), stack[0].line), (MAX_FRAMES, Some(2)));
        let mut other = VecDeque::new();
        room.push_nearer(&mut other, frame(0));
        assert_eq!((other.len(), room.dropped.frames), (0, 3));
    }
}
