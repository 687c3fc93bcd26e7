//! Packed input: each file in it is resolved like one of its own.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use anyhow::{Error, Result};
use symtool_report::limits::MAX_REPORT_BYTES;
use symtool_report::packed::{Unpacked, unpack};

use super::detect::Input;
use super::{HEAD_BYTES, Job, lines, other_dump, tell_microdump};
use crate::advice;
use crate::exit::Exit;

/// Writes what is in `input`, called `name`.
pub fn write(job: &Job<'_>, name: &str, input: impl Read) -> Result<Exit> {
    let mut members = Members { job, is_failed: false, stopped: None };
    unpack(name, input, &mut members);
    match members.stopped {
        Some(error) => Err(error),
        None => Ok(Exit::failed_if(members.is_failed)),
    }
}

/// The files that come out.
struct Members<'j, 's> {
    job: &'j Job<'s>,
    is_failed: bool,
    /// What stopped the command.
    stopped: Option<Error>,
}

impl Members<'_, '_> {
    fn member(&self, name: &str, stream: &mut dyn BufRead) -> Result<Exit> {
        let mut input = BufReader::with_capacity(HEAD_BYTES, stream);
        let head = input.fill_buf()?;
        let kind = Input::of(head);
        let is_microdump = tell_microdump(name, head);
        let exit = match kind {
            Input::Dump => self.job.dump(name, &self.job.dump_of_stream(name, &mut input)?)?,
            Input::OtherDump(error) => other_dump(name, &error),
            Input::Packed | Input::Report => self.job.reports(name, input)?,
            Input::Lines => {
                let mut first = Vec::new();
                input.by_ref().take(MAX_REPORT_BYTES as u64 + 1).read_to_end(&mut first)?;
                let is_large = first.len() > MAX_REPORT_BYTES;
                let all = BufReader::new(Cursor::new(first).chain(input));
                if is_large {
                    lines::write(&self.job.known()?, all)?
                } else {
                    self.job.reports(name, all)?
                }
            }
        };
        Ok(if is_microdump { Exit::SomeFailed } else { exit })
    }
}

impl Unpacked for Members<'_, '_> {
    fn stream(&mut self, name: &str, stream: &mut dyn BufRead) -> io::Result<()> {
        if self.stopped.is_some() {
            return Ok(());
        }
        match self.member(name, stream) {
            Ok(exit) => self.is_failed |= exit != Exit::Done,
            // A member that cannot be read costs itself.
            Err(error) if is_of_member(&error) => self.lost(name, &format!("{error:#}")),
            Err(error) => self.stopped = Some(error),
        }
        Ok(())
    }

    fn lost(&mut self, name: &str, reason: &str) {
        say!("{name}: {reason}");
        self.is_failed = true;
    }
}

/// Whether an error is not one of the store, or of the output.
fn is_of_member(error: &Error) -> bool {
    let is_output = error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    });
    !is_output && advice::store_error(error).is_none()
}
