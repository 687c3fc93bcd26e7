//! The documents say what is so: their commands run and print what stands there, their links lead
//! somewhere, and their tables of limits and of JSON keys are those of the program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod blocks;
mod commands;
#[path = "../../../core/bucket/tests/support/dates.rs"]
mod dates;
mod json_keys;
mod limits;
mod links;
mod pages;
mod scenario;
#[path = "../../../core/bucket/tests/support/server.rs"]
#[allow(dead_code, reason = "this test has no faults")]
mod server;
#[path = "../support/mod.rs"]
mod support;
