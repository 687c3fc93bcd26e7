#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod backoff;
mod client;
mod get;
mod limits;
mod url;

pub use backoff::{Backoff, Failure, Retry};
pub use client::{Answer, Client, HttpError};
pub use get::{Get, GetError, Got, IncomingFile, Part};
pub use url::{SecretUrl, UrlError};
