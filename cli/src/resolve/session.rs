//! Answers requests run by run: parses them, looks them up in one batch, and writes the answers in
//! order.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use rayon::prelude::*;
use symtool_mapping::{self as mapping, Query, Retrace};
use symtool_store::Mappings;
use symtool_store::resolve::{Answer, Origin, Rendered, Request};

use super::args::Resolve;
use super::chunk::{self, Asked, Chunk, What};
use super::failures::Failures;
use super::input::{Lines, RunSize};
use super::names::{self, Names};
use crate::advice;
use crate::exit::TryLater;
use crate::find::NotOne;
use crate::progress::{Meter, Reached, Unit};
use crate::style::{self, Line, Look, Status};

/// Answers that a thread writes at a time: few enough that their text is still in its cache when it
/// leaves the program.
const ANSWERS_AT_A_TIME: usize = 512;

/// A run of the command.
pub struct Session<'s> {
    pub(super) args: &'s Resolve,
    pub(super) look: Look<'s>,
    pub(super) names: Names<'s>,
    /// Those of the store, if there is one.
    pub(super) mappings: Option<Mappings<'s>>,
    /// What requests name that name nothing.
    pub(super) default_name: Option<usize>,
    pub(super) failures: Failures,
    pub(super) next_line: u64,
    /// Whether every line has an answer, which names it, and nothing is told besides.
    pub(super) is_worker: bool,
}

/// A chunk on its way: what has been looked up for it.
struct Job<'l> {
    chunk: Chunk<'l>,
    /// Lines before it, plus one.
    first_line: u64,
    /// Requests before it.
    first_request: usize,
    /// Numbers of its names.
    names: Vec<usize>,
}

impl Session<'_> {
    /// Answers all requests of `lines`.
    pub(super) fn stream(
        &mut self,
        mut lines: Lines<impl Read>,
        bytes: Option<u64>,
        shown: bool,
        out: &mut (impl Write + Send),
    ) -> Result<()> {
        let meter = Meter::new(shown, "resolve", Unit::Of("requests"));
        let mut read_bytes = 0;
        let mut size = RunSize::default();
        let (mut requests, mut rendered) = (Vec::new(), Rendered::default());
        while let Some(run) = lines.next_run(size.bytes())? {
            let run_length = run.len();
            let jobs = self.look_up(run)?;
            requests.clear();
            requests.extend(
                jobs.par_iter()
                    .map(|job| self.requests(job))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .flatten(),
            );
            self.answer(&mut requests, &mut rendered)?;
            self.write(&jobs, &rendered, out)?;
            out.flush()?;
            self.names.forget();
            read_bytes += run_length as u64;
            meter.set(Reached {
                count: self.next_line - 1,
                part: bytes.map(|bytes| (read_bytes, bytes)),
            });
            size.learn(run_length, rendered.bytes());
        }
        Ok(())
    }

    /// Parses `run`, and looks up what it names. What names nothing is told.
    fn look_up<'l>(&mut self, run: &'l [u8]) -> Result<Vec<Job<'l>>> {
        let parts = chunk::cut(run, rayon::current_num_threads());
        let chunks: Vec<Chunk<'l>> =
            parts.into_par_iter().map(|part| Chunk::parse(part, self.is_worker)).collect();
        let mut jobs = Vec::with_capacity(chunks.len());
        let mut first_request = 0;
        let asked: Vec<&OsStr> = chunks
            .iter()
            .flat_map(|chunk| chunk.names.iter().map(|name| OsStr::new(name.as_ref())))
            .collect();
        let mut numbers = self.names.numbers(&asked)?.into_iter();
        for chunk in chunks {
            let names = numbers.by_ref().take(chunk.names.len()).collect();
            let job = Job { first_line: self.next_line, first_request, names, chunk };
            self.next_line += u64::from(job.chunk.lines);
            first_request += job.chunk.asked.len();
            if !self.is_worker {
                self.tell_failures(&job);
            }
            jobs.push(job);
        }
        Ok(jobs)
    }

    fn tell_failures(&mut self, job: &Job<'_>) {
        let is_bad = |name: usize| self.names.get(name).is_none_or(|name| name.module.is_err());
        let has_bad_name = job.names.iter().any(|name| is_bad(*name));
        let has_nothing = job.chunk.has_nameless && self.default_name.is_none_or(is_bad);
        if !(has_bad_name || has_nothing || job.chunk.has_malformed) {
            return;
        }
        for asked in &job.chunk.asked {
            let Err((_, reason)) = self.asked(job, asked) else { continue };
            let line = job.first_line + u64::from(asked.line);
            let name = self.name(job, asked);
            let is_said = name
                .is_some_and(|name| self.failures.said.as_deref() == Some(OsStr::new(&name.text)));
            if is_said && asked.what.is_ok() {
                self.failures.count_silently(1);
            } else {
                let reason = reason.to_owned();
                self.failures.count(line, &reason);
            }
        }
    }

    /// How the module of a request is called.
    fn name(&self, job: &Job<'_>, asked: &Asked) -> Option<&names::Name> {
        let number = asked.name.map(|name| job.names[name as usize]).or(self.default_name)?;
        self.names.get(number)
    }

    /// The module that is asked, and where; or what is wrong with the request.
    fn asked<'n>(
        &'n self,
        job: &Job<'_>,
        asked: &Asked,
    ) -> Result<(names::Answering, What), (Status, &'n str)> {
        let what = asked.what.map_err(|reason| (Status::Malformed, reason))?;
        let name = self
            .name(job, asked)
            .ok_or((Status::NoModule, "names no module; write MODULE ADDR, or pass --module"))?;
        let module = name.module.as_ref().map_err(|error| match error {
            NotOne::Unknown(reason) => (Status::NoModule, &reason[..]),
            NotOne::Ambiguous(reason) => (Status::AmbiguousModule, &reason[..]),
            // It ended the command.
            NotOne::Unreadable(_) => (Status::Corrupt, "the store cannot be read"),
        })?;
        Ok((*module, what))
    }

    fn requests(&self, job: &Job<'_>) -> Vec<Request> {
        let asked = job.chunk.asked.iter().enumerate();
        asked
            .filter_map(|(index, asked)| {
                let (module, What::Address(address)) = self.asked(job, asked).ok()? else {
                    return None;
                };
                Some(Request {
                    module: module.number,
                    address: self.names.lookup(module, address),
                    number: job.first_request + index,
                })
            })
            .collect()
    }

    fn answer(&self, requests: &mut [Request], rendered: &mut Rendered<Status>) -> Result<()> {
        let (damage, is_out_of_reach) = (Mutex::new(None), AtomicBool::new(false));
        self.names.resolver.batch_into(requests, rendered, |module, answer, text| {
            if let Answer::Corrupt(error) = &answer
                && error.is_temporary()
            {
                is_out_of_reach.store(true, Ordering::Relaxed);
            }
            let (status, error) =
                style::frames(self.look, answer, self.names.demangler(module), text);
            if let Some(error) = error {
                damage.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            status
        });
        match damage.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // What may be read later is no answer.
            Some(error) if self.is_worker && is_out_of_reach.into_inner() => {
                return Err(TryLater(error).into());
            }
            Some(error) if !self.is_worker => say!("{error}"),
            _ => {}
        }
        Ok(())
    }

    /// Writes the answers of a run: while some are written, the next are put into words.
    fn write(
        &mut self,
        jobs: &[Job<'_>],
        rendered: &Rendered<Status>,
        out: &mut (impl Write + Send),
    ) -> io::Result<()> {
        let pieces: Vec<(&Job<'_>, usize, &[Asked])> = jobs
            .iter()
            .flat_map(|job| {
                let pieces = job.chunk.asked.chunks(ANSWERS_AT_A_TIME).enumerate();
                pieces.map(move |(number, asked)| {
                    (job, job.first_request + number * ANSWERS_AT_A_TIME, asked)
                })
            })
            .collect();
        let (mut done, mut next): (Vec<Piece>, Vec<Piece>) = (Vec::new(), Vec::new());
        let mut unanswered = 0;
        for group in pieces.chunks(rayon::current_num_threads()).chain([&[][..]]) {
            next.resize_with(group.len(), Piece::default);
            let this = &*self;
            let compose = || {
                group
                    .par_iter()
                    .zip(&mut next)
                    .for_each(|(piece, text)| this.compose(*piece, rendered, text));
            };
            let (written, ()) = rayon::join(
                || done.iter().try_for_each(|piece| out.write_all(&piece.text)),
                compose,
            );
            written?;
            unanswered += next.iter().map(|piece| piece.unanswered).sum::<u64>();
            std::mem::swap(&mut done, &mut next);
        }
        self.failures.count_silently(unanswered);
        Ok(())
    }

    /// Renders what a mapping has for method `method` of a job. A module with addresses has
    /// nothing.
    fn methods(&self, job: &Job<'_>, asked: &Asked, method: u32, text: &mut Vec<u8>) -> Status {
        let origin = self.name(job, asked).and_then(|name| self.names.origin(name));
        let (Some(method), Some(origin)) = (job.chunk.methods.get(method as usize), origin) else {
            return Status::NoRange;
        };
        let of_reader;
        let mapping = match origin {
            Origin::Store(reader, module) => {
                // Modules of a bucket have readers of their own.
                of_reader = Mappings::new(reader);
                let own = self.mappings.as_ref().unwrap_or(&of_reader);
                own.of(module)
            }
            Origin::Memory(held) => {
                of_reader = Mappings::default();
                of_reader.of_held(held)
            }
        };
        let query = Query {
            class: method.class,
            method: method.name,
            line: method.line,
            ..Query::default()
        };
        let found = Retrace::new(mapping, mapping::RetraceStyle::R8)
            .remap_frame(&query, &mut mapping::Context::default());
        match found {
            Ok(found) => {
                // Of several answers the first; `retrace` shows all.
                let methods: Vec<mapping::RetracedFrame> = found
                    .first()
                    .map(|first| first.visible().cloned().collect())
                    .unwrap_or_default();
                style::methods(self.look, &methods, text)
            }
            Err(error) => {
                if !self.is_worker {
                    say!("{}", advice::store(&error));
                }
                Status::Corrupt
            }
        }
    }

    fn compose(
        &self,
        (job, first_request, asked): (&Job<'_>, usize, &[Asked]),
        rendered: &Rendered<Status>,
        piece: &mut Piece,
    ) {
        // Pieces stand side by side in memory; a thread works on one of its own.
        let mut text = std::mem::take(&mut piece.text);
        let mut unanswered = 0;
        text.clear();
        for (index, asked) in asked.iter().enumerate() {
            let mut of_method = Vec::new();
            let (frames, status) = match self.asked(job, asked) {
                Ok((_, What::Method(method))) => {
                    let status = self.methods(job, asked, method, &mut of_method);
                    (&of_method[..], status)
                }
                Ok(_) => rendered.get(first_request + index).unwrap_or((&[], Status::Corrupt)),
                Err((status, _)) => (&[][..], status),
            };
            let is_unanswered = status == Status::Corrupt
                || (self.args.strict && matches!(status, Status::NoRange | Status::Unknown));
            unanswered += u64::from(is_unanswered);
            let name = self.name(job, asked).filter(|_| asked.what.is_ok());
            let (address, method) = match asked.what {
                Ok(What::Address(address)) => (Some(address), None),
                Ok(What::Method(method)) => {
                    (None, job.chunk.methods.get(method as usize).map(|method| method.text))
                }
                Err(_) => (None, None),
            };
            let line = Line {
                number: job.first_line + u64::from(asked.line),
                request: job.chunk.texts.get(first_request - job.first_request + index).copied(),
                address,
                method,
                module: name.and_then(|name| self.names.module(name)),
                asked: name.map_or("", |name| &name.text),
                status,
                frames,
            };
            style::line(self.look, &line, &mut text);
        }
        *piece = Piece { text, unanswered };
    }
}

/// Some answers as text.
#[derive(Debug, Default)]
struct Piece {
    text: Vec<u8>,
    /// How many of them count as failed.
    unanswered: u64,
}
