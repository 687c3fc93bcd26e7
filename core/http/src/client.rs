//! One request and its answer. No error has more of an address than scheme, host and port.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::limits::MAX_ANSWER_BYTES;
use crate::url::SecretUrl;

/// Sends requests. It trusts whom the system trusts (`SSL_CERT_FILE`, `SSL_CERT_DIR`), uses the
/// proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), and follows no redirect of what it posts:
/// what was meant for one place must not come to another. [`Client::get`] follows some.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) agent: Agent,
    has_certificates: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it was written.
    pub retry_after: Option<String>,
    /// The first bytes of the body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// It took too long, or stopped to say anything.
    #[error("{0} did not answer in time")]
    Timeout(String),
    /// Nobody is there, or the connection broke.
    #[error("{place} cannot be reached ({cause})")]
    Connect {
        /// Who.
        place: String,
        /// What the system says.
        cause: String,
    },
    /// It is not who it should be, or speaks no TLS that is safe.
    #[error("{place} is not trusted ({cause})")]
    Tls {
        /// Who.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// The system trusts nobody.
    #[error(
        "this system has no certificates to trust; install ca-certificates or set SSL_CERT_FILE"
    )]
    NoCertificates,
    /// What came back is not HTTP, or the request could not be made.
    #[error("{place} and this program do not understand each other ({cause})")]
    Protocol {
        /// Who.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// The answer broke off.
    #[error("{0} broke off within the file")]
    Cut(String),
}

impl HttpError {
    /// Whether the same request may go well later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Connect { .. } | Self::Cut(_))
    }
}

impl Client {
    /// A client whose requests take `timeout` at most, from the look-up of the name to the last
    /// byte of the answer.
    pub fn new(timeout: Duration) -> Self {
        let found = rustls_native_certs::load_native_certs();
        let certificates: Vec<Certificate<'static>> = found
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let has_certificates = !certificates.is_empty();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&certificates))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("symtool/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), has_certificates }
    }

    /// # Errors
    /// If nobody can be trusted who says that he is the other side.
    pub(crate) fn can_trust(&self, url: &SecretUrl) -> Result<(), HttpError> {
        let can = self.has_certificates || !url.is_secure();
        can.then_some(()).ok_or(HttpError::NoCertificates)
    }

    /// Posts `body` to `url`.
    ///
    /// # Errors
    /// [`HttpError`] if nothing came back. Any status is an [`Answer`].
    pub fn post(
        &self,
        url: &SecretUrl,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, HttpError> {
        self.can_trust(url)?;
        let mut request = self.agent.post(url.secret());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body).map_err(|error| told(url, &error))?;
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        // A body that breaks off changes nothing about the status.
        let _ = answer.body_mut().as_reader().take(MAX_ANSWER_BYTES).read_to_end(&mut body);
        Ok(Answer { status: answer.status().as_u16(), retry_after, body })
    }
}

/// What of `error` may be said.
pub(crate) fn told(url: &SecretUrl, error: &ureq::Error) -> HttpError {
    let place = url.shown();
    match error {
        ureq::Error::Timeout(_) => HttpError::Timeout(place),
        ureq::Error::HostNotFound => connect(place, "no such host"),
        ureq::Error::ConnectionFailed => connect(place, "no connection"),
        ureq::Error::Rustls(cause) => HttpError::Tls { place, cause: cause.to_string() },
        ureq::Error::Tls(cause) => HttpError::Tls { place, cause: (*cause).to_owned() },
        ureq::Error::Io(cause) => {
            let tls = cause.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
            match tls {
                Some(tls) => HttpError::Tls { place, cause: tls.to_string() },
                None => connect(place, &cause.kind().to_string()),
            }
        }
        ureq::Error::Protocol(cause) => HttpError::Protocol { place, cause: cause.to_string() },
        ureq::Error::InvalidProxyUrl => HttpError::Protocol {
            place,
            cause: "the proxy of the environment is no address".into(),
        },
        ureq::Error::TooManyRedirects => {
            HttpError::Protocol { place, cause: "it redirects too often".into() }
        }
        ureq::Error::RequireHttpsOnly(_) => HttpError::Protocol {
            place,
            cause: "it redirects from https:// to http://, which is not followed".into(),
        },
        // Others may quote the address.
        _ => HttpError::Protocol { place, cause: "the request cannot be made".into() },
    }
}

fn connect(place: String, cause: &str) -> HttpError {
    HttpError::Connect { place, cause: cause.to_owned() }
}
