//! The documents say what is so: their commands run and print what stands there, their links lead
//! somewhere, and their tables of limits and of JSON keys are those of the program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod blocks;
mod commands;
mod json_keys;
mod limits;
mod links;
mod pages;
mod scenario;
#[path = "../support/mod.rs"]
mod support;
