//! A file server on this machine that does as it is told: well, or badly.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A file, with an `ETag` and in parts as RFC 9110 has it.
    File(Vec<u8>),
    /// The same, but it breaks off after so many bytes.
    Cut(Vec<u8>, usize),
    /// The same, in small pieces with pauses.
    Slow(Vec<u8>),
    /// A status without a file.
    Status(u16),
    /// A redirect.
    Moved(String),
    /// These bytes, head and all.
    Raw(Vec<u8>),
    /// Nothing, for as long as the other side waits.
    Silence,
}

/// What it got.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Decides on the answer; the number says how many requests for this path came before.
type Answers = dyn Fn(&Request, usize) -> Reply + Send + Sync;

pub struct Server {
    port: u16,
    got: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn new(answers: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (answers, kept): (Arc<Answers>, _) = (Arc::new(answers), Arc::clone(&got));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, got) = (Arc::clone(&answers), Arc::clone(&kept));
                // Who breaks off is not this side's concern.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &*answers, &got)));
            }
        });
        Self { port, got }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All that came.
    pub fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }

    /// The paths of all that came.
    pub fn paths(&self) -> Vec<String> {
        self.got().into_iter().map(|request| request.path).collect()
    }
}

/// What the server calls these bytes.
pub fn etag(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31) ^ u64::from(*byte));
    format!("\"{}-{sum:x}\"", bytes.len())
}

fn serve(stream: TcpStream, answers: &Answers, got: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let request = Request { path, headers };
    let before = {
        let mut got = got.lock().unwrap();
        let before = got.iter().filter(|known| known.path == request.path).count();
        got.push(request.clone());
        before
    };
    match answers(&request, before) {
        Reply::File(bytes) => file(&request, stream.get_mut(), &bytes, usize::MAX, false),
        Reply::Cut(bytes, at) => file(&request, stream.get_mut(), &bytes, at, false),
        Reply::Slow(bytes) => file(&request, stream.get_mut(), &bytes, usize::MAX, true),
        Reply::Status(status) => head(stream.get_mut(), status, 0, ""),
        Reply::Moved(to) => head(stream.get_mut(), 302, 0, &format!("Location: {to}\r\n")),
        Reply::Raw(bytes) => stream.get_mut().write_all(&bytes),
        // Until the other side has enough.
        Reply::Silence => stream.read_to_end(&mut Vec::new()).map(drop),
    }
}

fn head(out: &mut TcpStream, status: u16, bytes: usize, more: &str) -> std::io::Result<()> {
    write!(
        out,
        "HTTP/1.1 {status} Said\r\nContent-Length: {bytes}\r\n{more}Connection: close\r\n\r\n"
    )
}

/// Sends `bytes` from where it is asked, until `end`.
fn file(
    request: &Request,
    out: &mut TcpStream,
    bytes: &[u8],
    end: usize,
    is_slow: bool,
) -> std::io::Result<()> {
    let tag = etag(bytes);
    let more = format!("ETag: {tag}\r\n");
    if request.header("If-None-Match") == Some(&tag) {
        return head(out, 304, 0, &more);
    }
    let start = request
        .header("Range")
        .filter(|_| request.header("If-Range").is_none_or(|known| known == tag))
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match start {
        Some(start) if start >= bytes.len() => return head(out, 416, 0, &more),
        Some(start) => {
            let (last, all) = (bytes.len() - 1, bytes.len());
            let more = format!("{more}Content-Range: bytes {start}-{last}/{all}\r\n");
            head(out, 206, bytes.len() - start, &more)?;
        }
        None => head(out, 200, bytes.len(), &more)?,
    }
    let sent = &bytes[start.unwrap_or(0)..];
    let sent = &sent[..sent.len().min(end)];
    if !is_slow {
        return out.write_all(sent);
    }
    for piece in sent.chunks(sent.len().div_ceil(5).max(1)) {
        out.write_all(piece)?;
        out.flush()?;
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
