//! Getting a file: as it comes, from where an earlier try broke off, and no more than is wanted.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use crate::client::{Client, HttpError, told};
use crate::limits::{MAX_REDIRECTS, MAX_VALIDATOR_BYTES, READ_BYTES};
use crate::url::SecretUrl;

/// What to get, and within which bounds.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// From where.
    pub url: &'a SecretUrl,
    /// What an earlier try has left.
    pub part: Option<Part<'a>>,
    /// The `ETag` of a file that is not wanted: if it is still the same one, nothing is sent
    /// (RFC 9110, section 13.1.2).
    pub unless: Option<&'a str>,
    /// How long the other side may say nothing.
    pub silence: Duration,
    /// How long all of it may take.
    pub within: Duration,
    /// Bytes that the file may have.
    pub max_bytes: u64,
}

/// The beginning of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// How many bytes of it are there.
    pub bytes: u64,
    /// The [`IncomingFile::validator`] that came with them.
    pub validator: &'a str,
}

/// What came of a [`Get`].
#[derive(Debug)]
pub enum Got {
    /// The file begins to come.
    File(IncomingFile),
    /// It is the one that is not wanted.
    Unchanged,
    /// Another status.
    Status {
        /// Which.
        status: u16,
        /// `Retry-After`, as it was written.
        retry_after: Option<String>,
    },
}

/// A file on its way.
#[derive(Debug)]
pub struct IncomingFile {
    url: SecretUrl,
    body: Body,
    max_bytes: u64,
    /// The offset of its first byte to come: 0, or [`Part::bytes`] if the part is of the same file.
    pub start: u64,
    /// Bytes of the whole file, if the other side says.
    pub bytes: Option<u64>,
    /// What says whether a later answer is of the same file: a strong `ETag`, else `Last-Modified`
    /// (RFC 9110, section 13.1.5).
    pub validator: Option<String>,
    /// The `ETag`, weak or strong.
    pub etag: Option<String>,
}

/// Why a file did not come.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// The other side.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is more of it than is wanted.
    #[error("{place} has more than {max_bytes} bytes")]
    TooLarge {
        /// Which file.
        place: String,
        /// How much is wanted.
        max_bytes: u64,
    },
    /// Whoever is told how much came wants no more.
    #[error("{0} was stopped")]
    Stopped(String),
    /// It cannot be kept.
    #[error("what comes cannot be written ({0})")]
    Write(io::Error),
}

impl Client {
    /// Asks for a file. Redirects are followed, but not from HTTPS to HTTP. What is packed for the
    /// transfer comes as it is.
    ///
    /// # Errors
    /// [`GetError`] if nothing came back, or there is too much of it. A status that brings no file
    /// is a [`Got`].
    pub fn get(&self, get: &Get<'_>) -> Result<Got, GetError> {
        self.can_trust(get.url)?;
        let begun = Instant::now();
        let silence = get.silence.min(get.within);
        let mut request = self
            .agent
            .get(get.url.secret())
            .config()
            .timeout_global(Some(get.within))
            .timeout_connect(Some(silence))
            .timeout_recv_response(Some(silence))
            .timeout_per_read(Some(silence))
            .max_redirects(MAX_REDIRECTS)
            .max_redirects_will_error(true)
            .https_only(get.url.is_secure())
            .build();
        if let Some(part) = get.part.filter(|part| part.bytes > 0) {
            request = request
                .header(header::RANGE, format!("bytes={}-", part.bytes))
                .header(header::IF_RANGE, part.validator);
        }
        if let Some(etag) = get.unless {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let answer = request.call().map_err(|error| told(get.url, &error))?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT
                if get.part.is_some() && !continues(get, answer.headers()) =>
            {
                // It is another file by now, or not all of the rest: all of it is asked for.
                let within = get.within.saturating_sub(begun.elapsed());
                self.get(&Get { part: None, within, ..*get })
            }
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => incoming(get, answer).map(Got::File),
            StatusCode::NOT_MODIFIED => Ok(Got::Unchanged),
            status => Ok(Got::Status {
                status: status.as_u16(),
                retry_after: text(answer.headers(), &header::RETRY_AFTER),
            }),
        }
    }
}

/// Whether the part that comes is all that an earlier try has left of the same file. Not every
/// server heeds `If-Range`.
fn continues(get: &Get<'_>, headers: &HeaderMap) -> bool {
    let Some(part) = get.part else { return false };
    let range = text(headers, &header::CONTENT_RANGE);
    range.as_deref().and_then(rest_from) == Some(part.bytes)
        && validator(headers).is_none_or(|now| now == part.validator)
}

/// What says whether a later answer is of the same file.
fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = text(headers, &header::ETAG).filter(|etag| !etag.starts_with("W/"));
    strong.or_else(|| text(headers, &header::LAST_MODIFIED))
}

/// The file that `answer` brings.
fn incoming(get: &Get<'_>, answer: Response<Body>) -> Result<IncomingFile, GetError> {
    let protocol =
        |cause: &str| HttpError::Protocol { place: get.url.shown(), cause: cause.to_owned() };
    let headers = answer.headers();
    let length = text(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
    if length.is_none() && !is_chunked {
        // Where it ends with the connection, a cut looks like the end.
        return Err(protocol("it does not say how long the file is").into());
    }
    let start = if answer.status() == StatusCode::PARTIAL_CONTENT {
        let start = text(headers, &header::CONTENT_RANGE).as_deref().and_then(rest_from);
        start
            .filter(|start| get.part.is_some_and(|part| part.bytes == *start))
            .ok_or_else(|| protocol("it sends another part of the file than was asked for"))?
    } else {
        0
    };
    let bytes = length.and_then(|length| start.checked_add(length));
    if start.max(bytes.unwrap_or_default()) > get.max_bytes {
        return Err(GetError::TooLarge { place: get.url.shown(), max_bytes: get.max_bytes });
    }
    let etag = text(headers, &header::ETAG);
    // An answer with the rest need not repeat what the beginning came with.
    let before = || get.part.filter(|_| start > 0).map(|part| part.validator.to_owned());
    let validator = validator(headers).or_else(before);
    let (url, max_bytes) = (get.url.clone(), get.max_bytes);
    let body = answer.into_body();
    Ok(IncomingFile { url, body, max_bytes, start, bytes, validator, etag })
}

/// The value of a header, unless nobody would write one like it.
fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= MAX_VALIDATOR_BYTES).then(|| value.to_owned())
}

/// The offset in `bytes FIRST-LAST/ALL`, if LAST is the last byte of all (RFC 9110, section 14.4).
fn rest_from(range: &str) -> Option<u64> {
    let (first, rest) = range.strip_prefix("bytes ")?.split_once('-')?;
    let (last, all) = rest.split_once('/')?;
    let (last, all): (u64, u64) = (last.parse().ok()?, all.parse().ok()?);
    if last.checked_add(1)? == all { first.parse().ok() } else { None }
}

impl IncomingFile {
    /// Writes what comes to `out`, which stands at [`IncomingFile::start`]. Gives back how many
    /// bytes came. `each` is told how many came each time, and says whether more is wanted.
    ///
    /// # Errors
    /// [`GetError`]; what came before it has been written.
    pub fn copy_to(
        self,
        out: &mut dyn Write,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<u64, GetError> {
        let Self { url, body, max_bytes, start, .. } = self;
        let (mut reader, mut buffer, mut came) = (body.into_reader(), vec![0; READ_BYTES], 0_u64);
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok(came),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(&url, error).into()),
            };
            came += count as u64;
            if start.saturating_add(came) > max_bytes {
                return Err(GetError::TooLarge { place: url.shown(), max_bytes });
            }
            if !each(count as u64) {
                return Err(GetError::Stopped(url.shown()));
            }
            out.write_all(&buffer[..count]).map_err(GetError::Write)?;
        }
    }
}

/// Why the file broke off.
fn broken(url: &SecretUrl, error: io::Error) -> HttpError {
    match told(url, &ureq::Error::from(error)) {
        HttpError::Connect { place, .. } => HttpError::Cut(place),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, want) in [
            ("bytes 5-9/10", Some(5)),
            ("bytes 5-7/10", None),
            ("bytes 0-9/*", None),
            ("bytes */10", None),
            ("5-9/10", None),
            ("bytes 99999999999999999999-1/2", None),
            ("", None),
        ] {
            assert_eq!(rest_from(range), want, "{range}");
        }
    }
}
