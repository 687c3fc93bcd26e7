//! The instructions of one function, each decoded once however often it is asked for.

use iced_x86::{Decoder, DecoderOptions, Instruction};

use crate::windows::image::PeImage;

/// The instructions of a function.
#[derive(Default)]
pub struct Code<'a> {
    start: u64,
    /// `None` where the image has no bytes.
    decoder: Option<Decoder<'a>>,
    /// By distance from the start: one more than the number of the instruction that begins there,
    /// 0 if none was decoded yet.
    numbers: Vec<u32>,
    instructions: Vec<Instruction>,
}

impl<'a> Code<'a> {
    /// Goes on to the code of `image` from `start` to `end`, in the same memory.
    pub fn go_to(&mut self, image: &PeImage<'a>, start: u64, end: u64) {
        let bytes = u32::try_from(start).ok().and_then(|start| image.from(start));
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let length = length.min(bytes.map_or(0, <[u8]>::len));
        self.start = start;
        self.decoder = bytes.map(|bytes| Decoder::with_ip(32, bytes, start, DecoderOptions::NONE));
        self.numbers.clear();
        self.numbers.resize(length, 0);
        self.instructions.clear();
    }

    /// The instruction at `address`, which may lie behind the function; `None` if there is none.
    pub fn at(&mut self, address: u64) -> Option<Instruction> {
        match self.number(address) {
            Some(number) => self.instructions.get(number).copied(),
            None => self.decode(address),
        }
        .filter(|instruction| !instruction.is_invalid())
    }

    /// The number of the instruction at `address`, from 0 in the order in which they are asked for;
    /// `None` behind the function.
    pub fn number(&mut self, address: u64) -> Option<usize> {
        let at = usize::try_from(address.checked_sub(self.start)?).ok()?;
        if *self.numbers.get(at)? == 0 {
            let instruction = self.decode(address)?;
            self.instructions.push(instruction);
            self.numbers[at] = u32::try_from(self.instructions.len()).ok()?;
        }
        usize::try_from(self.numbers[at] - 1).ok()
    }

    /// The instructions that were asked for and their numbers, by address.
    pub fn decoded(&self) -> impl Iterator<Item = (usize, &Instruction)> {
        let numbers = self.numbers.iter().filter_map(|number| number.checked_sub(1));
        numbers.filter_map(|number| {
            let number = usize::try_from(number).ok()?;
            Some((number, self.instructions.get(number)?))
        })
    }

    fn decode(&mut self, address: u64) -> Option<Instruction> {
        let decoder = self.decoder.as_mut()?;
        if decoder.ip() != address {
            let at = usize::try_from(address.checked_sub(self.start)?).ok()?;
            decoder.set_position(at).ok()?;
            decoder.set_ip(address);
        }
        Some(decoder.decode())
    }
}
