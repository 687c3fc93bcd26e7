//! What is known of frames: a [`Resolution`] for each, of functions ([`ResolvedFrame`]) or methods
//! ([`JavaFrame`]).

use crate::event::frame::{Frame, FrameKind};

/// A function that a module has at a frame's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedFrame {
    /// Its name, as people are to see it.
    pub function: String,
    /// Its name as the linker knows it, where that differs.
    pub raw_function: Option<String>,
    /// Its source file, with its path.
    pub file: Option<String>,
    /// The line, from 1; 0 if there is none.
    pub line: u32,
    /// The column, from 1; 0 if there is none.
    pub column: u32,
    /// Whether it was inlined into the next one.
    pub inlined: bool,
    /// Bytes from its start to the frame's address. What is written behind a `+`; that of the
    /// outermost function counts.
    pub function_offset: Option<u64>,
}

/// A method that a mapping has for a frame of Java code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JavaFrame {
    /// Its class, with its package.
    pub class: String,
    /// Its name.
    pub method: String,
    /// Its source file.
    pub file: Option<String>,
    /// The line, from 1; 0 if there is none.
    pub line: u32,
}

/// What is known of one frame. An empty list says as little as [`Resolution::Unresolved`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// Nothing: the frame stays as it is.
    #[default]
    Unresolved,
    /// The functions at the address, innermost first.
    Native(Vec<ResolvedFrame>),
    /// The methods, innermost first.
    Java(Vec<JavaFrame>),
}

/// An answer that its frame can have.
#[derive(Clone, Copy)]
pub enum Calls<'a> {
    /// Functions; none if only the frame's number changes.
    Native(&'a [ResolvedFrame]),
    /// Methods.
    Java(&'a [JavaFrame]),
}

impl<'a> Calls<'a> {
    /// The answer for `frame`, if it is one.
    pub fn of(frame: &Frame, resolution: &'a Resolution) -> Option<Self> {
        match (frame.kind, resolution) {
            (FrameKind::Native, Resolution::Native(calls)) if !calls.is_empty() => {
                Some(Self::Native(calls))
            }
            (FrameKind::Java, Resolution::Java(calls)) if !calls.is_empty() => {
                Some(Self::Java(calls))
            }
            _ => None,
        }
    }
}
