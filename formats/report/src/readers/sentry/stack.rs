//! Reads `exception`, `threads` and their frames; the platform of the frames is settled later.

use std::collections::VecDeque;

use crate::event::frame::{At, Frame, FrameKind, Relative, Space, Trust};
use crate::event::{Exception, Reason, Thread};
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::{Json, Read};

use super::mechanism::{Mechanism, mechanism};
use super::{Adjustment, Flags, Ids, kind_of};

/// One exception.
#[derive(Default)]
pub struct Thrown {
    /// All of it but its frames.
    pub exception: Exception,
    /// Its frames.
    pub stack: Stack,
    /// Its number and its parent's.
    pub ids: Ids,
    reason: Reason,
}

impl Thrown {
    /// Whether a language threw it, rather than the processor: then it ended the process by
    /// `abort`, which is `EXC_CRASH` to Mach.
    pub fn is_of_language(&self) -> bool {
        let is_signal = |kind: &str| kind.starts_with("EXC_") || kind.starts_with("SIG");
        self.reason.kind.as_deref() == Some("EXC_CRASH")
            && self.exception.kind.as_deref().is_some_and(|kind| !is_signal(kind))
    }

    /// Why the process ended, if this is what ended it.
    pub fn reason(&self) -> Reason {
        let Exception { kind, message, .. } = &self.exception;
        Reason {
            kind: self.reason.kind.clone().or_else(|| kind.clone()),
            message: message.clone(),
            ..self.reason.clone()
        }
    }
}

/// Frames as they are listed.
#[derive(Default)]
pub struct Stack {
    /// The far end first.
    listed: VecDeque<Listed>,
    adjustment: Adjustment,
    /// Where the thread was.
    pc: Option<u64>,
}

/// One frame, and what it says about itself besides.
#[derive(Default)]
struct Listed {
    frame: Frame,
    /// Its platform's kind, if that is not the event's.
    kind: Option<FrameKind>,
    /// Whether its address is a return address.
    adjust: Option<bool>,
}

impl Stack {
    /// The stack of an exception, which was taken where it was thrown: each frame was calling the
    /// next one, the first the runtime.
    pub fn of_calls(self) -> Self {
        let adjustment = match self.adjustment {
            Adjustment::Auto if self.pc.is_none() => Adjustment::All,
            said => said,
        };
        Self { adjustment, ..self }
    }

    /// The frames, in an event of `platform`.
    pub fn frames(self, platform: Option<&str>) -> Vec<Frame> {
        let Self { listed, adjustment, pc } = self;
        let kind = kind_of(platform);
        let finished = listed.into_iter().rev().enumerate().map(|(index, listed)| {
            let Listed { mut frame, kind: own_kind, adjust } = listed;
            let has_address = frame.address.is_some() || frame.relative.is_some();
            frame.kind = if has_address { FrameKind::Native } else { own_kind.unwrap_or(kind) };
            // In Thumb code one of the two may have bit 0 set.
            let is_context =
                pc.is_none_or(|pc| frame.address.is_none_or(|address| address | 1 == pc | 1));
            frame.at = match adjust {
                Some(true) => At::Return,
                Some(false) => At::Adjusted,
                None => adjustment.at(index, is_context),
            };
            frame
        });
        finished.collect()
    }
}

/// Reads an exception. `raw_stacktrace` is what the client sent, before a server resolved it: it
/// wins.
pub fn thrown(json: &mut Json<'_>, room: &mut Room) -> Read<Thrown> {
    let mut thrown = Thrown::default();
    let mut raw = Stack::default();
    json.object(|json, key| match key {
        "type" => set(&mut thrown.exception.kind, json.text()?),
        "value" => set(&mut thrown.exception.message, json.text()?),
        "module" => set(&mut thrown.exception.module, json.text()?),
        "thread_id" => set(&mut thrown.exception.thread_id, json.unsigned()?),
        "mechanism" => {
            let Mechanism { reason, relation, ids } = mechanism(json)?;
            thrown.exception.relation = relation;
            thrown.ids = ids;
            set(&mut thrown.reason, reason)
        }
        "stacktrace" => set(&mut thrown.stack, stack(json, room)?),
        "raw_stacktrace" => set(&mut raw, stack(json, room)?),
        _ => json.skip(),
    })?;
    if !raw.listed.is_empty() {
        thrown.stack = raw;
    }
    Ok(thrown)
}

/// Reads a thread.
pub fn thread(json: &mut Json<'_>, room: &mut Room) -> Read<(Thread, Stack, Flags)> {
    let (mut thread, mut flags) = (Thread::default(), Flags::default());
    let (mut own, mut raw, mut number) = (Stack::default(), Stack::default(), None);
    json.object(|json, key| match key {
        "id" => set(&mut thread.id, json.unsigned()?),
        // Clients of 2017 number their threads so.
        "uuid" => set(&mut number, json.unsigned()?),
        "name" => set(&mut thread.name, json.text()?),
        "crashed" => set(&mut thread.crashed, json.is_true()?),
        "current" => set(&mut flags.current, json.is_true()?),
        "stacktrace" => set(&mut own, stack(json, room)?),
        "raw_stacktrace" => set(&mut raw, stack(json, room)?),
        _ => json.skip(),
    })?;
    thread.id = thread.id.or(number);
    Ok((thread, if raw.listed.is_empty() { own } else { raw }, flags))
}

/// Reads a stack, whose oldest frame is listed first.
pub fn stack(json: &mut Json<'_>, room: &mut Room) -> Read<Stack> {
    let mut stack = Stack::default();
    json.object(|json, key| match key {
        "frames" => json.array(|json| {
            let frame = frame(json)?;
            room.push_nearer(&mut stack.listed, frame);
            Ok(())
        }),
        "registers" => json.object(|json, key| match key {
            "pc" | "rip" | "eip" => set(&mut stack.pc, json.unsigned()?),
            _ => json.skip(),
        }),
        "instruction_addr_adjustment" => {
            let adjustment = match json.text()?.as_deref() {
                Some("all") => Adjustment::All,
                Some("all_but_first") => Adjustment::AllButFirst,
                Some("none") => Adjustment::None,
                _ => Adjustment::Auto,
            };
            set(&mut stack.adjustment, adjustment)
        }
        _ => json.skip(),
    })?;
    Ok(stack)
}

fn frame(json: &mut Json<'_>) -> Read<Listed> {
    let mut listed = Listed::default();
    let Listed { frame, kind, adjust } = &mut listed;
    // Which image the address counts from: `rel:` and its index.
    let mut base = None;
    frame.span = json.spanned(|json| {
        json.object(|json, key| match key {
            "instruction_addr" => set(&mut frame.address, json.unsigned()?),
            "addr_mode" => set(
                &mut base,
                json.text()?.and_then(|mode| mode.strip_prefix("rel:")?.parse::<u32>().ok()),
            ),
            "package" => set(&mut frame.package, json.text()?),
            "function" => set(&mut frame.function, json.text()?),
            "raw_function" => set(&mut frame.raw_function, json.text()?),
            "module" => set(&mut frame.module, json.text()?),
            "filename" => set(&mut frame.file, json.text()?),
            "abs_path" => set(&mut frame.path, json.text()?),
            "lineno" => set(&mut frame.line, json.small()?),
            "colno" => set(&mut frame.column, json.small()?),
            "in_app" => set(&mut frame.in_app, json.flag()?),
            "trust" => set(&mut frame.trust, json.text()?.as_deref().map(Trust::named)),
            "platform" => {
                set(kind, json.text()?.as_deref().map(|platform| kind_of(Some(platform))))
            }
            "adjust_instruction_addr" => set(adjust, json.flag()?),
            _ => json.skip(),
        })
    })?;
    if let (Some(image), Some(address)) = (base, frame.address) {
        frame.address = None;
        frame.relative = Some(Relative { address, space: Space::Image });
        frame.image = Some(image);
    }
    Ok(listed)
}
