//! Tells which address of which image a frame stands for. The one place that knows.
//!
//! ```text
//! absolute address  ── image that holds it ──> address - load address    (Space::Image)
//! relative address  ── image it is given for ─> as it is, in its own space
//! no image          ───────────────────────────> nothing can be asked
//! ```

use super::CrashEvent;
use super::frame::{At, Frame, FrameKind, Space};
use super::image::Image;

/// What to ask a module for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// Index into the event's images.
    pub image: usize,
    /// The address within the image; not moved into a call.
    pub address: u64,
    /// What the address counts from.
    pub space: Space,
    /// Whether it is a return address, which lies behind its call.
    pub at: At,
}

impl Lookup {
    /// The address in the file's own virtual addresses, which are what a module answers.
    /// `image_base` is the address that the file gives its first loaded page: the image base of the
    /// module, else [`Image::vmaddr`] of the report.
    pub fn file_address(&self, image_base: u64) -> u64 {
        match self.space {
            Space::File => self.address,
            Space::Image => self.address.wrapping_add(image_base),
        }
    }

    /// Whether it has to be moved into the call before it.
    pub fn is_return(&self) -> bool {
        self.at == At::Return
    }
}

impl CrashEvent {
    /// What to ask for `frame`, one of the event's own. Absent where it is not machine code, has no
    /// address, or lies in no image.
    pub fn lookup(&self, frame: &Frame) -> Option<Lookup> {
        let index = usize::try_from(frame.image?).ok()?;
        let image = self.images.get(index)?;
        let (address, space) = match (frame.relative, frame.address, image.load_address) {
            (Some(relative), _, _) => (relative.address, relative.space),
            (None, Some(address), Some(load_address)) => {
                (address.checked_sub(load_address)?, Space::Image)
            }
            _ => return None,
        };
        Some(Lookup { image: index, address, space, at: frame.at })
    }
}

/// Gives each frame of machine code that has none yet the image that its address lies in.
pub(crate) fn assign_images(event: &mut CrashEvent) {
    let map = AddressMap::new(&event.images);
    for frame in
        event.frames_mut().filter(|frame| frame.kind == FrameKind::Native && frame.image.is_none())
    {
        frame.image = frame.address.and_then(|address| map.find(address));
    }
}

/// Where images lie, by address.
struct AddressMap {
    /// First address, the one behind the last, index; sorted. One of unknown size reaches to the
    /// next.
    spans: Vec<(u64, u64, u32)>,
}

impl AddressMap {
    fn new(images: &[Image]) -> Self {
        let mut spans: Vec<(u64, u64, u32)> = (0..)
            .zip(images)
            .filter(|(_, image)| image.kind.is_native())
            .filter_map(|(index, image)| {
                let start = image.load_address?;
                Some((
                    start,
                    image
                        .size
                        .filter(|size| *size > 0)
                        .map_or(u64::MAX, |size| start.saturating_add(size)),
                    index,
                ))
            })
            .collect();
        spans.sort_unstable();
        // Of two that begin at one address, the one listed first.
        spans.dedup_by_key(|(start, ..)| *start);
        Self { spans }
    }

    /// The image that begins last of those that begin before `address`, if it reaches that far.
    fn find(&self, address: u64) -> Option<u32> {
        let behind = self.spans.partition_point(|(start, ..)| *start <= address);
        let (_, end, index) = self.spans[..behind].last()?;
        (address < *end).then_some(*index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::frame::Relative;
    use crate::event::image::ImageKind;
    use crate::event::{Format, Thread};

    fn image(load_address: u64, size: u64) -> Image {
        Image { load_address: Some(load_address), size: Some(size), ..Image::default() }
    }

    fn event(images: Vec<Image>, frames: Vec<Frame>) -> CrashEvent {
        let threads = vec![Thread { frames, ..Thread::default() }];
        let mut event = CrashEvent { images, threads, ..CrashEvent::new(Format::Sentry) };
        assign_images(&mut event);
        event
    }

    fn at(address: u64) -> Frame {
        Frame { address: Some(address), ..Frame::default() }
    }

    #[test]
    fn absolute_addresses() {
        let images = vec![
            image(0x3000, 0x1000),
            image(0x1000, 0x800),
            image(0x8000, 0),
            image(0x1000, 0x800),
        ];
        let addresses =
            [0xfff, 0x1000, 0x17ff, 0x1800, 0x2fff, 0x3000, 0x3fff, 0x4000, 0x8000, u64::MAX - 1];
        let event = event(images, addresses.into_iter().map(at).collect());
        let found: Vec<Option<(usize, u64)>> = event
            .frames()
            .map(|frame| event.lookup(frame).map(|lookup| (lookup.image, lookup.address)))
            .collect();
        let want = [
            None,
            Some((1, 0)),
            Some((1, 0x7ff)),
            None,
            None,
            Some((0, 0)),
            Some((0, 0xfff)),
            None,
            Some((2, 0)),
            Some((2, u64::MAX - 1 - 0x8000)),
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn spaces() {
        let frame = |relative| Frame {
            relative: Some(relative),
            image: Some(0),
            address: Some(5),
            ..Frame::default()
        };
        let frames = vec![
            frame(Relative { address: 0x10, space: Space::File }),
            frame(Relative { address: 0x10, space: Space::Image }),
            Frame { image: Some(7), ..at(0x1000) },
            Frame { at: At::Return, ..at(0x1010) },
        ];
        let event = event(vec![image(0x1000, 0x100)], frames);
        let lookups: Vec<Option<Lookup>> =
            event.frames().map(|frame| event.lookup(frame)).collect();
        let files: Vec<Option<u64>> = lookups
            .iter()
            .map(|lookup| lookup.map(|lookup| lookup.file_address(0x40_0000)))
            .collect();
        assert_eq!(files, [Some(0x10), Some(0x40_0010), None, Some(0x40_0010)]);
        assert!(lookups[3].unwrap().is_return() && !lookups[0].unwrap().is_return());
    }

    #[test]
    fn mappings_hold_no_code() {
        let images = vec![Image { kind: ImageKind::Proguard, ..image(0x1000, 0x1000) }];
        let event = event(images, vec![at(0x1000), Frame { kind: FrameKind::Java, ..at(0x1000) }]);
        assert!(event.frames().all(|frame| event.lookup(frame).is_none()));
    }
}
