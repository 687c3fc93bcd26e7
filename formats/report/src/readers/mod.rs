//! Reads reports: a module for each format that has a reader of its own, and `lines/` for
//! everything that is written line by line.

pub mod abrt;
mod apple;
pub mod apple_text;
pub mod ips;
mod javascript;
pub mod kscrash;
pub mod lines;
pub mod metrickit;
pub mod minidump;
mod reason;
mod room;
pub mod sentry;
pub mod tombstone_proto;
