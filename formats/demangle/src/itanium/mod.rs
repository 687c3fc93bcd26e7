//! Demangles names of the Itanium C++ ABI (<https://itanium-cxx-abi.github.io/cxx-abi/abi.html>) as
//! LLVM or GNU spell them.
//!
//! A name is read into a tree (`parser.rs` and the productions beside it), then written (`print/`).

mod encoding;
mod expressions;
mod ids;
mod literals;
mod locals;
mod names;
mod node;
mod operators;
mod parameters;
mod parser;
mod print;
mod templates;
mod tree;
mod types;

use std::cell::Cell;

use parser::{Memory, Parser};
use print::{Printer, Written};

/// GNU gives up on longer names: it counts two parts for each byte, and allows for 2,048 of them.
const MAX_GNU_BYTES: usize = 1_024;

thread_local! {
    /// What the last name of this thread took, for the next.
    static MEMORY: Cell<(Memory, Vec<Written>)> = Cell::default();
}

/// The text of `name`, which begins with `_Z` or `___Z`. `None` if it is none, or stands for more
/// than the limits allow.
pub fn demangle(name: &[u8], is_gnu: bool) -> Option<String> {
    if is_gnu && name.len() > MAX_GNU_BYTES {
        return None;
    }
    let (memory, written) = MEMORY.take();
    let mut parser = Parser::new(name, memory, is_gnu);
    let whole = parser.whole();
    let memory = parser.into_memory();
    let (text, written) = match whole {
        Some(id) => Printer::new(&memory.tree, name, written, is_gnu).text(id),
        None => (None, written),
    };
    MEMORY.set((memory, written));
    text
}
