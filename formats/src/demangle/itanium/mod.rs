//! C++ names: in, names mangled by the rules of the Itanium C++ ABI (<https://itanium-cxx-abi.github.io/cxx-abi/abi.html>); out, what
//! they stand for, as LLVM or GNU spell it.
//!
//! A name is read into a tree (`parser.rs` and the productions beside it), then written (`print/`).

mod encoding;
mod expressions;
mod literals;
mod names;
mod operators;
mod parser;
mod print;
mod templates;
mod tree;
mod types;

use std::cell::Cell;

use parser::{Memory, Parser};
use print::Printer;

thread_local! {
    /// What the last name of this thread took, for the next.
    static MEMORY: Cell<Memory> = Cell::default();
}

/// The text of `name`, which begins with `_Z` or `___Z`. `None` if it is none, or stands for more than the limits allow.
pub fn demangle(name: &[u8], is_gnu: bool) -> Option<String> {
    let mut parser = Parser::new(name, MEMORY.take(), is_gnu);
    let whole = parser.whole();
    let memory = parser.into_memory();
    let text = whole.and_then(|id| Printer::new(&memory.tree, name, is_gnu).text(id));
    MEMORY.set(memory);
    text
}
