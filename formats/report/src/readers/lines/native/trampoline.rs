//! Settles what only a whole stack tells: which frames are instructions, and where in their files
//! they lie.
//!
//! A signal's handler returns through a trampoline, which the C library has put there instead of a
//! call. So the frame behind that is where the signal came: an instruction, and no return address.
//!
//! ```text
//! ./abs(+0x1188)                  handler
//! /lib/libc.so.6(+0x3c050)        trampoline: a function's first byte, which no call returns to
//! ./abs(+0x1169)                  the instruction
//! ./abs(_Z6refillPi+0x5)          as far from the frames above in memory as in the file: 0x11a6
//! ```

use crate::event::CrashEvent;
use crate::event::frame::{At, Frame, FrameKind, Relative, Space};
use crate::event::image::{Image, file_name};

/// Names of trampolines: of glibc, of the kernel, of bionic and musl, of debuggers, of Apple, of
/// Windows.
const NAMES: [&str; 9] = [
    "__restore_rt",
    "__restore",
    "__kernel_rt_sigreturn",
    "__kernel_sigreturn",
    "__default_rt_sa_restorer",
    "__default_sa_restorer",
    "<signal handler called>",
    "_sigtramp",
    "KiUserExceptionDispatcher",
];

/// Functions begin at such addresses in glibc.
const FUNCTION_ALIGNMENT: u64 = 16;

/// Settles `event`.
pub fn finish(event: &mut CrashEvent) {
    let CrashEvent { threads, images, .. } = event;
    for thread in threads.iter_mut() {
        for at in 1..thread.frames.len() {
            if is_trampoline(&thread.frames[at - 1], at == 1, images)
                && thread.frames[at].at == At::Return
            {
                thread.frames[at].at = At::Instruction;
            }
        }
    }
    let mut biases = vec![None; images.len()];
    let frames = || threads.iter().flat_map(|thread| &thread.frames);
    for frame in frames() {
        if let (Some(bias), Some(image)) =
            (bias(frame), image_of(frame).and_then(|image| biases.get_mut(image)))
        {
            image.get_or_insert(bias);
        }
    }
    for frame in threads.iter_mut().flat_map(|thread| &mut thread.frames) {
        let bias = image_of(frame).and_then(|image| *biases.get(image)?);
        if let (None, Some(address), Some(bias)) = (frame.relative, frame.address, bias) {
            let address = address.checked_sub(bias);
            frame.relative = address.map(|address| Relative { address, space: Space::File });
        }
    }
}

fn is_trampoline(frame: &Frame, is_first: bool, images: &[Image]) -> bool {
    if let Some(function) = frame.function.as_deref() {
        return NAMES.contains(&function);
    }
    // glibc has no name for its own.
    let image = image_of(frame).and_then(|image| images.get(image)?.path.as_deref()).map(file_name);
    let is_libc = image.is_some_and(|name| {
        ["libc.so", "libc-2.", "libpthread"].iter().any(|start| name.starts_with(start))
    });
    let address = frame.relative.map(|relative| relative.address);
    is_libc
        && !is_first
        && frame.at == At::Return
        && address.is_some_and(|address| address % FUNCTION_ALIGNMENT == 0)
}

/// How far the file's own addresses are from those in memory. An address that is moved into its
/// call is not in either.
fn bias(frame: &Frame) -> Option<u64> {
    let relative = frame
        .relative
        .filter(|relative| relative.space == Space::File && frame.at != At::Adjusted)?;
    frame.address.filter(|_| frame.kind == FrameKind::Native)?.checked_sub(relative.address)
}

fn image_of(frame: &Frame) -> Option<usize> {
    usize::try_from(frame.image?).ok()
}
