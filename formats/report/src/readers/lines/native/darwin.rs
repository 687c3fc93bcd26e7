//! Reads `backtrace_symbols(3)` on Apple's platforms, as Chromium and LLVM print it too.
//!
//! ```text
//! 3   Electron Framework    0x00000001200202f8 logging::LogMessage::~LogMessage() + 160
//! ```
//!
//! The same as in reports of crashes, whose frames people paste alone.

use crate::event::frame::At;
use crate::event::image::{Image, ImageKind};
use crate::readers::apple_text;
use crate::readers::lines::line::NativeLine;
use crate::scan::text::{is_number, word};

/// An address with all its digits.
const ADDRESS_BYTES: usize = 18;

/// `NUMBER IMAGE 0xADDRESS FUNCTION + OFFSET`, with all digits of the address. Without the base of
/// its image, that is all there is.
pub fn frame(line: &str) -> Option<NativeLine> {
    let (number, rest) = word(line)?;
    let address = rest.split_ascii_whitespace().find(|word| word.starts_with("0x"))?;
    if !is_number(number) || number.len() > 4 || address.len() != ADDRESS_BYTES {
        return None;
    }
    let frame = apple_text::frame(line)?;
    let name = frame.package.clone().filter(|name| !name.starts_with(['?', '(']));
    if frame.function.is_none() && name.is_none() {
        return None;
    }
    let image = name.map(|name| Image {
        kind: ImageKind::MachO,
        name: Some(name.clone()),
        path: Some(name),
        ..Image::default()
    });
    Some(NativeLine {
        frame: crate::Frame { at: At::Instruction, ..frame },
        number: number.parse().ok(),
        image,
        is_plain: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let line = frame("12  My App   0x00000001200202f8 a::B::~B() + 160").unwrap();
        assert_eq!(
            (line.number, line.frame.address, line.frame.function.as_deref()),
            (Some(12), Some(0x1_2002_02f8), Some("a::B::~B()"))
        );
        assert_eq!(line.image.and_then(|image| image.name).as_deref(), Some("My App"));
        for line in [
            "0  Lantern  0x1234 Wick.light() + 12",
            "12 0x00000001200202f8",
            "a b 0x00000001200202f8 c",
            "0: 0x00000001200202f8 f",
        ] {
            assert_eq!(frame(line), None, "{line}");
        }
    }
}
