//! A server that speaks as much of S3 as symtool does, on a port of its own, with faults on demand.
//! It keeps objects in memory and checks no signatures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::dates::{http_date, iso_date};

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// The key of an object; of a list the prefix.
    pub key: String,
    pub is_list: bool,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The connection breaks before anything is done.
    Reset,
    /// It is done, and the connection breaks before the answer.
    LostReply,
    /// Nothing is done, and nothing answered, until the client gives up.
    Stall,
    /// The answer ends in the middle of its body.
    Cut,
    /// A bit of the body is another.
    Flip,
    /// Nothing is done but this answered: a status and a code of S3.
    Status(u16, &'static str),
}

#[derive(Clone, Debug)]
struct Stored {
    /// How often this key was written.
    writes: u64,
    bytes: Vec<u8>,
    etag: String,
    modified: SystemTime,
}

type Choose = dyn Fn(&Request) -> Fault + Send + Sync;

#[derive(Default)]
struct State {
    objects: Mutex<BTreeMap<String, Stored>>,
    seen: Mutex<Vec<(Request, Fault)>>,
    bytes_sent: AtomicU64,
    stopped: AtomicBool,
    /// Objects on a page of a list.
    page: AtomicU64,
    fault: Mutex<Option<Arc<Choose>>>,
    ignores_conditions: AtomicBool,
}

/// A server; it stops when it is dropped.
pub struct Server {
    pub port: u16,
    state: Arc<State>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { page: AtomicU64::new(1_000), ..State::default() });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else { continue };
                std::thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
        Self { port, state }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on `choose` says what goes wrong.
    pub fn fail(&self, choose: impl Fn(&Request) -> Fault + Send + Sync + 'static) {
        *self.state.fault.lock().unwrap() = Some(Arc::new(choose));
    }

    pub fn heal(&self) {
        *self.state.fault.lock().unwrap() = None;
    }

    pub fn page(&self, objects: u64) {
        self.state.page.store(objects, Ordering::Relaxed);
    }

    /// Lets everybody win.
    pub fn ignore_conditions(&self) {
        self.state.ignores_conditions.store(true, Ordering::Relaxed);
    }

    /// The requests since this was asked last.
    pub fn seen(&self) -> Vec<(Request, Fault)> {
        std::mem::take(&mut self.state.seen.lock().unwrap())
    }

    /// The bytes of bodies that were sent since this was asked last.
    pub fn bytes_sent(&self) -> u64 {
        self.state.bytes_sent.swap(0, Ordering::Relaxed)
    }

    /// All objects.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let objects = self.state.objects.lock().unwrap();
        objects.iter().map(|(key, stored)| (key.clone(), stored.bytes.clone())).collect()
    }

    /// Adds what so many other modules have in a bucket at `prefix`.
    pub fn fill(&self, prefix: &str, modules: usize) {
        let mut objects = self.state.objects.lock().unwrap();
        for number in 0..modules {
            let slot = format!("{number:032x}");
            for key in [
                format!("modules/{slot}"),
                format!("ids/{:040x}~{slot}", number * 7_919),
                format!("names/lib{number}.so/{number:013}~{slot}"),
            ] {
                let (bytes, etag) = (b"other".to_vec(), "\"other\"".to_owned());
                let stored = Stored { writes: 1, bytes, etag, modified: SystemTime::now() };
                objects.insert(format!("{prefix}/{key}"), stored);
            }
        }
    }

    /// How often `key` was written.
    pub fn writes(&self, key: &str) -> u64 {
        self.state.objects.lock().unwrap().get(key).map_or(0, |stored| stored.writes)
    }

    /// Lets all objects be older.
    pub fn age(&self, by: Duration) {
        for stored in self.state.objects.lock().unwrap().values_mut() {
            stored.modified -= by;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

struct Received {
    request: Request,
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn serve(stream: &TcpStream, state: &State) -> io::Result<()> {
    let Some(read) = read(stream)? else { return Ok(()) };
    let choose = state.fault.lock().unwrap().clone();
    let fault = choose.map_or(Fault::None, |choose| choose(&read.request));
    state.seen.lock().unwrap().push((read.request.clone(), fault));
    let (status, headers, mut body) = match fault {
        Fault::Reset => return stream.shutdown(Shutdown::Both),
        Fault::Stall => {
            // Until the client has gone.
            let _ = (&mut &*stream).read(&mut [0]);
            return Ok(());
        }
        Fault::Status(status, code) => (status, String::new(), error(code)),
        _ => answer(&read, state),
    };
    if fault == Fault::LostReply {
        return stream.shutdown(Shutdown::Both);
    }
    let length = body.len();
    match fault {
        Fault::Cut => body.truncate(length / 2),
        Fault::Flip if length > 0 => body[length / 2] ^= 4,
        _ => {}
    }
    let is_head = read.request.method == "HEAD";
    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    )?;
    if !is_head {
        state.bytes_sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        out.write_all(&body)?;
    }
    out.flush()?;
    stream.shutdown(Shutdown::Write)
}

fn read(stream: &TcpStream) -> io::Result<Option<Received>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect();
    // /BUCKET/KEY
    let object = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    let is_list = query.contains_key("list-type");
    let key =
        if is_list { query.get("prefix").cloned().unwrap_or_default() } else { decode(object) };
    Ok(Some(Received { request: Request { method, key, is_list }, headers, query, body }))
}

/// Status, headers and body.
fn answer(read: &Received, state: &State) -> (u16, String, Vec<u8>) {
    let mut objects = state.objects.lock().unwrap();
    let key = &read.request.key;
    match read.request.method.as_str() {
        "GET" if read.request.is_list => (200, String::new(), list(read, &objects, state)),
        "GET" | "HEAD" => match objects.get(key) {
            None => (404, String::new(), error("NoSuchKey")),
            Some(stored) => get(read, stored),
        },
        "PUT" => {
            let etag = objects.get(key).map(|stored| stored.etag.clone());
            let is_refused = read.headers.contains_key("if-none-match") && etag.is_some()
                || read.headers.get("if-match").is_some_and(|wanted| Some(wanted) != etag.as_ref());
            if is_refused && !state.ignores_conditions.load(Ordering::Relaxed) {
                return (412, String::new(), error("PreconditionFailed"));
            }
            // As those of S3, the same for the same bytes.
            let etag = format!("\"{:016x}{:x}\"", hash(&read.body), read.body.len());
            let headers = format!("ETag: {etag}\r\n");
            let writes = objects.get(key).map_or(0, |stored| stored.writes) + 1;
            let bytes = read.body.clone();
            let stored = Stored { writes, bytes, etag, modified: SystemTime::now() };
            objects.insert(key.clone(), stored);
            (200, headers, Vec::new())
        }
        "POST" if read.query.contains_key("delete") => {
            let text = String::from_utf8_lossy(&read.body);
            let mut body = "<DeleteResult>".to_owned();
            for part in text.split("<Key>").skip(1) {
                let key = part.split("</Key>").next().unwrap_or_default();
                objects.remove(key);
                write!(body, "<Deleted><Key>{key}</Key></Deleted>").unwrap();
            }
            body += "</DeleteResult>";
            (200, String::new(), body.into_bytes())
        }
        "DELETE" => {
            objects.remove(key);
            (204, String::new(), Vec::new())
        }
        _ => (501, String::new(), error("NotImplemented")),
    }
}

fn get(read: &Received, stored: &Stored) -> (u16, String, Vec<u8>) {
    let mut headers =
        format!("ETag: {}\r\nLast-Modified: {}\r\n", stored.etag, http_date(stored.modified));
    let total = stored.bytes.len();
    let range = read.headers.get("range").and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        let from: usize = from.parse().ok()?;
        Some((from, to.parse::<usize>().map_or(total, |to| total.min(to + 1))))
    });
    match range {
        Some((from, to)) if from < to => {
            write!(headers, "Content-Range: bytes {from}-{}/{total}\r\n", to - 1).unwrap();
            (206, headers, stored.bytes[from..to].to_vec())
        }
        _ => (200, headers, stored.bytes.clone()),
    }
}

fn list(read: &Received, objects: &BTreeMap<String, Stored>, state: &State) -> Vec<u8> {
    let prefix = &read.request.key;
    let after = read.query.get("continuation-token").cloned().unwrap_or_default();
    let page = usize::try_from(state.page.load(Ordering::Relaxed)).unwrap();
    let mut found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after);
    let some: Vec<_> = found.by_ref().take(page).collect();
    let is_cut = found.next().is_some();
    let mut text = format!("<ListBucketResult><IsTruncated>{is_cut}</IsTruncated>");
    if let Some((last, _)) = some.last().filter(|_| is_cut) {
        write!(text, "<NextContinuationToken>{last}</NextContinuationToken>").unwrap();
    }
    for (key, stored) in some {
        let (modified, size) = (iso_date(stored.modified), stored.bytes.len());
        let etag = stored.etag.replace('"', "&quot;");
        write!(
            text,
            "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag><Size>{size}</Size></Contents>"
        )
        .unwrap();
    }
    (text + "</ListBucketResult>").into_bytes()
}

fn error(code: &str) -> Vec<u8> {
    format!("<Error><Code>{code}</Code><Message>as asked</Message></Error>").into_bytes()
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
