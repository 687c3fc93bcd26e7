//! A frame before and after retracing: [`Query`], [`RetracedFrame`], [`Alternative`], and the
//! [`Context`] that it is in.

use std::cmp::Ordering;

/// The largest number of a line. Java counts lines with 31 bits.
pub const MAX_LINE: u32 = 0x7fff_ffff;

/// The line that digits stand for. `None` for a number that no line has, as in R8.
pub(super) fn line_number(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|line| *line <= MAX_LINE)
}

/// A frame as a trace has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// The obfuscated class, with dots.
    pub class: &'a str,
    /// The obfuscated method.
    pub method: &'a str,
    /// The method's descriptor (`(La/b;I)V`), if it is known: then methods of the same name are
    /// told apart by it.
    pub descriptor: Option<&'a str>,
    /// The source file as printed. Of an unmapped one only the extension counts.
    pub file: Option<&'a str>,
    /// The line as printed. Absent, 0 and numbers above [`MAX_LINE`] mean the same: not known.
    pub line: Option<u32>,
}

/// A frame of the original program. Frames are ordered as R8 lists alternatives: by class, method,
/// return type, number and types of arguments, file, line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetracedFrame {
    /// The class.
    pub class: String,
    /// The method.
    pub method: String,
    /// Types of its arguments, with commas between them; absent if the mapping does not have the
    /// method.
    pub arguments: Option<String>,
    /// Its return type; absent if the mapping does not have the method.
    pub returns: Option<String>,
    /// The source file: the mapping's, else guessed from the class.
    pub file: String,
    /// The line, from 1; absent where the mapping has none.
    pub line: Option<u32>,
    /// Whether the compiler made it: no frame of the original program, to be left out of what
    /// people see.
    pub synthesized: bool,
}

impl RetracedFrame {
    /// Whether the mapping has the method, at the frame's line. If not, its class alone is known.
    pub fn is_known(&self) -> bool {
        self.arguments.is_some()
    }

    /// How many arguments there are, and of which types.
    fn arguments(&self) -> Option<(usize, Vec<&str>)> {
        let types: Vec<&str> =
            self.arguments.as_deref()?.split(',').filter(|kind| !kind.is_empty()).collect();
        Some((types.len(), types))
    }
}

impl Ord for RetracedFrame {
    fn cmp(&self, other: &Self) -> Ordering {
        fn key(frame: &RetracedFrame) -> impl Ord + '_ {
            let signature = (frame.is_known(), &frame.returns, frame.arguments());
            (&frame.class, &frame.method, signature, &frame.file, frame.line, frame.synthesized)
        }
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for RetracedFrame {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What one obfuscated frame may stand for: the innermost function first, then what it was inlined
/// into. Empty if a rule of the mapping removes all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternative {
    /// The frames.
    pub frames: Vec<RetracedFrame>,
}

impl Alternative {
    /// The frames that the original program had.
    pub fn visible(&self) -> impl Iterator<Item = &RetracedFrame> {
        self.frames.iter().filter(|frame| !frame.synthesized)
    }

    /// Whether the mapping has the method, at the frame's line. If not, its class alone is known:
    /// the method keeps its name.
    pub fn is_known(&self) -> bool {
        self.frames.iter().all(RetracedFrame::is_known)
    }
}

/// A method of the original program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginalMethod {
    /// The class.
    pub class: String,
    /// The method.
    pub method: String,
    /// Types of its arguments, with commas between them.
    pub arguments: String,
    /// Its return type.
    pub returns: String,
}

/// What a frame has to know of the lines before it. One for each stack;
/// [`super::Retrace::remap_frame`] takes it from frame to frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The exception as printed, if its line stands directly before.
    pub(super) thrown: Option<String>,
    /// The position in an outline, if the frame before is one.
    pub(super) outline: Option<u32>,
}

impl Context {
    /// Of the first frame below the exception `class`, an obfuscated name as printed.
    pub fn thrown(class: &str) -> Self {
        Self { thrown: Some(class.to_owned()), outline: None }
    }
}
