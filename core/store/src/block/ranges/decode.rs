//! Columns -> ranges: all of a block, or the one range that holds an address.

use std::ops::ControlFlow;

use super::bodies::{Bodies, Body, Passed, began};
use super::{Frame, Level, NO_FRAME, ROOT, RangeBlock, Spot};
use crate::block::functions::Call;

impl RangeBlock {
    /// Decodes what [`super::Encoder`] made, with the calls of functions as `call` knows them.
    ///
    /// # Errors
    /// `Ok(None)` if the block is damaged, and whatever `call` returns.
    pub fn decode<E>(
        raw: &[u8],
        call: impl FnMut(u32, u32) -> Result<Option<Call>, E>,
    ) -> Result<Option<Self>, E> {
        rethrow(call, |call| {
            let mut bodies = Bodies::of(raw)?;
            let mut block = Self::default();
            block.starts.reserve(bodies.operations.0.len());
            block.spots.reserve(bodies.operations.0.len());
            while !bodies.is_done() {
                let body = bodies.next()?;
                block.push(&mut bodies, &body, call)?;
            }
            bodies.is_empty().then_some(block)
        })
    }

    /// Decodes only the range or gap that holds `address`, as a block that begins at the address
    /// returned. `call` is asked for the calls on the way to that range and no others.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_at<E>(
        raw: &[u8],
        address: u64,
        call: impl FnMut(u32, u32) -> Result<Option<Call>, E>,
    ) -> Result<Option<(u64, Self)>, E> {
        rethrow(call, |call| {
            let mut bodies = Bodies::of(raw)?;
            let mut block = Self::default();
            while !bodies.is_done() {
                let body = bodies.next()?;
                if address < body.start {
                    let first = body.start - body.gap;
                    block.push_gap(first);
                    block.end = body.start;
                    return Some((first, block));
                }
                if let ControlFlow::Break((path, start, end)) = bodies.find(&body, address)? {
                    block.push_path(&body, &path, call)?;
                    block.starts.push(start);
                    block.end = end;
                    return Some((start, block));
                }
            }
            None
        })
    }

    /// Appends the frames along `path`, which begins with the outermost one of `body`, and the
    /// place in the last of them.
    fn push_path(
        &mut self,
        body: &Body<'_>,
        path: &[Passed],
        call: &mut dyn FnMut(u32, u32) -> Option<Call>,
    ) -> Option<()> {
        let mut function = body.function;
        for (at, passed) in path.iter().enumerate() {
            let (mut caller, mut call_site) = (NO_FRAME, 0);
            if at > 0 {
                let target = call(function, passed.call)?;
                (function, call_site) = (target.callee, target.site);
                caller = u32::try_from(self.frames.len() - 1).ok()?;
            }
            self.frames.push(Frame {
                function,
                caller,
                call_site,
                start: passed.start,
                symtab: body.symtab && at == 0,
            });
        }
        let innermost = path.last()?;
        let after_call = innermost
            .after_call
            .map_or(Some(0), |index| Some(i64::from(call(function, index)?.site) + 1))?;
        // The site has been read: the next one would come after it.
        let site =
            u32::try_from(after_call.checked_add(innermost.next_site)?.checked_sub(1)?).ok()?;
        self.spots.push(Spot { frame: u32::try_from(self.frames.len() - 1).ok()?, site });
        Some(())
    }

    fn push_gap(&mut self, start: u64) {
        self.starts.push(start);
        self.spots.push(Spot { frame: NO_FRAME, site: 0 });
    }

    /// Decodes `body`, to which `bodies` has come, and what is before it.
    fn push(
        &mut self,
        bodies: &mut Bodies<'_>,
        body: &Body<'_>,
        call: &mut dyn FnMut(u32, u32) -> Option<Call>,
    ) -> Option<()> {
        let mut at = body.start;
        if body.gap > 0 {
            self.push_gap(at - body.gap);
        }
        let root = Frame {
            function: body.function,
            caller: NO_FRAME,
            call_site: 0,
            start: began(bodies.begins.number()?, at),
            symtab: body.symtab,
        };
        // The frame of each level beside what the encoder keeps of it.
        let mut levels =
            vec![(Level::new(0, body.function), u32::try_from(self.frames.len()).ok()?)];
        self.frames.push(root);
        for &operation in body.operations {
            let (left, entered) =
                if operation == ROOT { (0, body.entered) } else { bodies.counts(operation)? };
            let kept = levels.len().checked_sub(left).filter(|kept| *kept > 0)?;
            levels.truncate(kept);
            for _ in 0..entered {
                let (caller, caller_frame) = levels.last_mut()?;
                let index =
                    u32::try_from(caller.next_call.checked_add(bodies.calls.signed()?)?).ok()?;
                let target = call(caller.function, index)?;
                caller.next_call = i64::from(index) + 1;
                caller.next_site = i64::from(target.site) + 1;
                let start = began(bodies.begins.number()?, at);
                let frame = Frame {
                    function: target.callee,
                    caller: *caller_frame,
                    call_site: target.site,
                    start,
                    symtab: false,
                };
                levels.push((Level::new(0, target.callee), u32::try_from(self.frames.len()).ok()?));
                self.frames.push(frame);
            }
            let (level, frame) = levels.last_mut()?;
            let site = u32::try_from(level.next_site.checked_add(bodies.sites.signed()?)?).ok()?;
            level.next_site = i64::from(site) + 1;
            self.starts.push(at);
            self.spots.push(Spot { frame: *frame, site });
            at = at.checked_add(bodies.lengths.number()?)?;
        }
        bodies.at = at;
        self.end = at;
        Some(())
    }
}

/// Runs `decode` with a `call` that fails like any other damage, and returns the failure of `call`
/// if that is what stopped it.
fn rethrow<T, E>(
    mut call: impl FnMut(u32, u32) -> Result<Option<Call>, E>,
    decode: impl FnOnce(&mut dyn FnMut(u32, u32) -> Option<Call>) -> Option<T>,
) -> Result<Option<T>, E> {
    let mut failure = None;
    let decoded = decode(&mut |function, index| {
        call(function, index).unwrap_or_else(|error| {
            failure = Some(error);
            None
        })
    });
    failure.map_or(Ok(decoded), Err)
}
