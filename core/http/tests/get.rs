//! Getting files from a server that is well, down, slow, or breaks off.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod server;

use std::time::Duration;

use server::{Reply, Server, etag};
use symtool_http::{Client, Get, GetError, Got, HttpError, Part, SecretUrl};

const LONG: Duration = Duration::from_secs(300);

fn url(server: &Server, path: &str) -> SecretUrl {
    SecretUrl::parse(&server.url()).unwrap().join(path).unwrap()
}

fn get(url: &SecretUrl) -> Get<'_> {
    Get { url, part: None, unless: None, silence: LONG, within: LONG, max_bytes: 1 << 20 }
}

/// What comes, from where on, how it is known, and how it ended.
fn fetch(get: &Get<'_>) -> (Vec<u8>, u64, Option<String>, Result<u64, GetError>) {
    let Got::File(file) = Client::new(LONG).get(get).unwrap() else { panic!("no file") };
    let (mut bytes, mut told) = (Vec::new(), 0);
    let (start, validator) = (file.start, file.validator.clone());
    let done = file.copy_to(&mut bytes, &mut |count| {
        told += count;
        true
    });
    assert_eq!(told, bytes.len() as u64);
    (bytes, start, validator, done)
}

fn sample() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_file_that_broke_off_is_continued() {
    let server = Server::new(|_, before| match before {
        0 => Reply::Cut(sample(), 300_000),
        _ => Reply::Slow(sample()),
    });
    let url = url(&server, "a");
    let (mut bytes, start, validator, done) = fetch(&get(&url));
    assert!(matches!(done, Err(GetError::Http(HttpError::Cut(place))) if place == url.shown()));
    assert_eq!((start, validator.as_deref()), (0, Some(&*etag(&sample()))));
    let part = Part { bytes: bytes.len() as u64, validator: &validator.unwrap() };
    let (rest, start, _, done) = fetch(&Get { part: Some(part), ..get(&url) });
    assert_eq!((start, done.unwrap()), (part.bytes, rest.len() as u64));
    bytes.extend(rest);
    assert_eq!(bytes, sample());
    // A server that does not heed `If-Range` sends the end of another file, or not all of it.
    let careless = Server::new(|request, _| {
        match request.header("range") {
        None => Reply::File(b"a new file".to_vec()),
        Some(_) => Reply::Raw(
            b"HTTP/1.1 206 Part\r\nContent-Length: 1\r\nETag: \"new\"\r\nContent-Range: bytes 9-9/10\r\n\r\ne"
                .to_vec(),
        ),
    }
    });
    let short = Server::new(|request, _| match request.header("range") {
        None => Reply::File(b"a new file".to_vec()),
        Some(_) => Reply::Raw(
            b"HTTP/1.1 206 Part\r\nContent-Length: 1\r\nContent-Range: bytes 8-8/10\r\n\r\nl"
                .to_vec(),
        ),
    });
    for (server, bytes) in [(&careless, 9), (&short, 8)] {
        let other = self::url(server, "a");
        let part = Part { bytes, validator: "\"old\"" };
        let (bytes, start, ..) = fetch(&Get { part: Some(part), ..get(&other) });
        assert_eq!((start, &bytes[..]), (0, &b"a new file"[..]));
    }
    // Of another file nothing is kept.
    let part = Part { validator: "\"other\"", ..part };
    let (bytes, start, ..) = fetch(&Get { part: Some(part), ..get(&url) });
    assert_eq!((start, bytes), (0, sample()));
}

#[test]
fn what_is_known_is_not_sent() {
    let server = Server::new(|_, _| Reply::File(sample()));
    let (url, tag) = (url(&server, "a"), etag(&sample()));
    let again = Get { unless: Some(&tag), ..get(&url) };
    assert!(matches!(Client::new(LONG).get(&again), Ok(Got::Unchanged)));
    let other = Get { unless: Some("\"x\""), ..get(&url) };
    assert_eq!(fetch(&other).0, sample());
    let part = Part { bytes: sample().len() as u64, validator: &tag };
    let whole = Get { part: Some(part), ..get(&url) };
    let beyond = Client::new(LONG).get(&whole).unwrap();
    assert!(matches!(beyond, Got::Status { status: 416, .. }));
}

#[test]
fn bounds_hold() {
    let chunked = |body: &str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        Reply::Raw([head, body].concat().into_bytes())
    };
    let server = Server::new(move |request, _| match &*request.path {
        "/sized" => Reply::File(sample()),
        "/chunked" => chunked("4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n"),
        "/cut" => chunked("4\r\nabcd\r\n4\r\nef"),
        "/unsized" => Reply::Raw(b"HTTP/1.1 200 OK\r\n\r\nabc".to_vec()),
        "/other" => Reply::Raw(
            b"HTTP/1.1 206 Part\r\nContent-Length: 1\r\nContent-Range: bytes 9-9/10\r\n\r\nx"
                .to_vec(),
        ),
        "/silent" => Reply::Silence,
        _ => Reply::Status(503),
    });
    let client = Client::new(LONG);
    let sized = url(&server, "sized");
    let small = Get { max_bytes: 10, ..get(&sized) };
    assert!(matches!(client.get(&small), Err(GetError::TooLarge { max_bytes: 10, .. })));
    let chunked = url(&server, "chunked");
    assert_eq!(fetch(&get(&chunked)).0, b"abcdefgh");
    let Ok(Got::File(file)) = client.get(&get(&chunked)) else { panic!("no file") };
    let mut none = Vec::new();
    assert!(matches!(file.copy_to(&mut none, &mut |_| false), Err(GetError::Stopped(_))));
    assert!(none.is_empty());
    let small = fetch(&Get { max_bytes: 5, ..get(&chunked) });
    assert!(matches!(small.3, Err(GetError::TooLarge { .. })));
    let cut = fetch(&get(&url(&server, "cut")));
    assert!(matches!(cut.3, Err(GetError::Http(HttpError::Cut(_)))), "{:?}", cut.3);
    for path in ["unsized", "other"] {
        let url = url(&server, path);
        let got = client.get(&get(&url));
        assert!(matches!(got, Err(GetError::Http(HttpError::Protocol { .. }))), "{got:?}");
    }
    let silent = url(&server, "silent");
    let short = Get { silence: Duration::from_millis(50), ..get(&silent) };
    assert!(matches!(client.get(&short), Err(GetError::Http(HttpError::Timeout(_)))));
    let down = url(&server, "down");
    assert!(matches!(client.get(&get(&down)), Ok(Got::Status { status: 503, .. })));
}

#[test]
fn redirects_are_followed_and_errors_have_no_secret() {
    let server = Server::new(|request, _| match &*request.path {
        "/hidden/a?token=hidden" => Reply::Moved("/b".to_owned()),
        "/b" => Reply::File(b"there".to_vec()),
        _ => Reply::Moved("/again?token=hidden".to_owned()),
    });
    let base = SecretUrl::parse(&format!("{}/hidden?token=hidden", server.url())).unwrap();
    assert_eq!(fetch(&get(&base.join("a").unwrap())).0, b"there");
    let circle = base.join("circle").unwrap();
    let error = Client::new(LONG).get(&get(&circle)).unwrap_err().to_string();
    let want = format!("{}/…/circle", server.url());
    assert!(error.contains(&want) && error.contains("redirects too often"), "{error}");
    assert!(!error.contains("hidden"), "{error}");
}
