//! Knows one object file: what it is, where its sections lie, which symbols name its addresses,
//! what its debug sections hold.
//!
//! ```text
//! file.rs           its headers and what they say: id, name, architecture (identity.rs), companion files (links.rs)
//! layout.rs         addresses of sections, laid out where the file is not linked yet
//! code.rs           executable addresses
//! symbol_tables.rs  what the tables of symbols name; symbols.rs decides, elf/, macho/ and pe/ know the tables
//! sections.rs       debug sections, expanded and relocated (relocate.rs)
//! ```

pub mod code;
pub mod elf;
mod file;
pub mod go_table;
mod identity;
pub mod layout;
pub mod links;
pub mod macho;
pub mod pe;
mod relocate;
pub mod sections;
pub mod symbol_tables;
pub mod symbols;

pub use file::{ObjectFile, arch_of};
