//! A receiver of notices on this machine: it answers as it is told, and keeps what it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::testdata;

/// What it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This status, with these headers and this body.
    Status(u16, &'static str, &'static str),
    /// Nothing, for as long as the other side waits.
    Silence,
    /// Nothing: it hangs up.
    HangUp,
}

/// What it got.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What came, and what is to be answered.
#[derive(Default)]
struct Shared {
    got: Mutex<Vec<Request>>,
    came: Condvar,
    replies: Mutex<Vec<Reply>>,
    usual: Mutex<Option<Reply>>,
}

pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
}

impl Receiver {
    /// One that gives these replies, and then says that all is well.
    pub fn new(replies: &[Reply]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), replies, None)
    }

    /// The same on a port that was chosen before.
    pub fn at(port: u16, replies: &[Reply]) -> Self {
        Self::on(TcpListener::bind(("127.0.0.1", port)).unwrap(), replies, None)
    }

    /// One that speaks TLS with the certificate `name` of `testdata/tls`.
    pub fn secure(name: &str) -> Self {
        let certificate =
            CertificateDer::from_pem_file(testdata(&format!("tls/{name}.pem"))).unwrap();
        let key = PrivateKeyDer::from_pem_file(testdata(&format!("tls/{name}.key"))).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), &[], Some(Arc::new(config)))
    }

    fn on(listener: TcpListener, replies: &[Reply], tls: Option<Arc<ServerConfig>>) -> Self {
        let shared = Arc::new(Shared::default());
        replies.clone_into(&mut shared.replies.lock().unwrap());
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, tls) = (Arc::clone(&serving), tls.clone());
                thread::spawn(move || {
                    let Ok(stream) = stream else { return };
                    // Who breaks off is not this side's concern.
                    let _ = match tls {
                        Some(config) => {
                            let server = ServerConnection::new(config).unwrap();
                            serve(StreamOwned::new(server, stream), &shared)
                        }
                        None => serve(stream, &shared),
                    };
                });
            }
        });
        Self { port, shared }
    }

    /// What it answers from now on.
    pub fn answer_always(&self, reply: Reply) {
        *self.shared.usual.lock().unwrap() = Some(reply);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address; the part behind the host is a secret.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hidden-path?token=hidden-token", self.port)
    }

    /// All that came.
    pub fn got(&self) -> Vec<Request> {
        self.shared.got.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        let mut got = self.shared.got.lock().unwrap();
        while got.len() < count {
            got = self.shared.came.wait(got).unwrap();
        }
        got.clone()
    }
}

/// A port at which nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve(stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    shared.got.lock().unwrap().push(Request { path, headers, body });
    shared.came.notify_all();
    let reply = {
        let mut replies = shared.replies.lock().unwrap();
        if replies.is_empty() {
            shared.usual.lock().unwrap().clone()
        } else {
            Some(replies.remove(0))
        }
    };
    match reply.unwrap_or(Reply::Status(200, "", "ok")) {
        Reply::Status(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n",
                body.len()
            );
            let stream = stream.get_mut();
            stream.write_all(head.as_bytes())?;
            stream.write_all(body.as_bytes())?;
            stream.flush()
        }
        // Until the other side has enough.
        Reply::Silence => stream.read_to_end(&mut Vec::new()).map(drop),
        Reply::HangUp => Ok(()),
    }
}
