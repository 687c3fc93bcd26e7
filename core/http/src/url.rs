//! Addresses that are secrets: whoever knows the address of a webhook may write to it, and those of
//! private symbol servers often have a token.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::limits::MAX_URL_BYTES;

/// An address that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl {
    text: Zeroizing<String>,
    /// How many bytes of it are the scheme, the host and the port.
    origin: usize,
    /// What [`SecretUrl::join`] was given, which may be shown.
    joined: String,
}

/// Why a text is no address that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is neither of HTTPS nor of HTTP.
    #[error("it does not begin with https://")]
    Scheme,
    /// Everybody on the way could read it.
    #[error("http:// is for this machine only; use https://")]
    Plain,
    /// No host follows the scheme.
    #[error("it names no host")]
    Host,
    /// A name or a password stands before the host.
    #[error("it has a user before the host, which is not supported")]
    User,
    /// It has white space or other characters that no address has.
    #[error("it has characters that no address has")]
    Characters,
    /// It is longer than any address.
    #[error("it is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
}

impl SecretUrl {
    /// Reads an address. White space around it does not count: it comes from files and variables.
    ///
    /// # Errors
    /// [`UrlError`], which says nothing of the address.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = Self::parse_or_plain(text)?;
        let host = url.place().split_once("://").and_then(|(_, authority)| host_of(authority));
        if !url.is_secure() && !host.is_some_and(is_this_machine) {
            return Err(UrlError::Plain);
        }
        Ok(url)
    }

    /// The same, also of `http://` elsewhere: for what nobody on the way may not read, and what is
    /// checked when it has come.
    ///
    /// # Errors
    /// [`UrlError`], which says nothing of the address.
    pub fn parse_or_plain(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['"', '<', '>', '\\'])
        {
            return Err(UrlError::Characters);
        }
        let scheme = ["https://", "http://"].into_iter().find(|scheme| {
            text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
        });
        let scheme = scheme.ok_or(UrlError::Scheme)?;
        let rest = &text[scheme.len()..];
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        host_of(authority).ok_or(UrlError::Host)?;
        let origin = scheme.len() + authority.len();
        Ok(Self { text: Zeroizing::new(text.to_owned()), origin, joined: String::new() })
    }

    /// Scheme, host and port, which may be shown.
    pub fn place(&self) -> &str {
        &self.text[..self.origin]
    }

    /// Whether nobody on the way can read what is sent.
    pub fn is_secure(&self) -> bool {
        self.text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    /// What messages call it: [`SecretUrl::place`], and what was joined to it. Between them stands
    /// `…` for a path that is a secret.
    pub fn shown(&self) -> String {
        let path = &self.text[self.origin..];
        let begin = path.split(['?', '#']).next().unwrap_or_default();
        let own = begin.len().saturating_sub(encoded(&self.joined).len());
        match (self.joined.is_empty(), begin[..own].trim_matches('/').is_empty()) {
            (true, _) => self.place().to_owned(),
            (false, true) => format!("{}/{}", self.place(), self.joined),
            (false, false) => format!("{}/…/{}", self.place(), self.joined),
        }
    }

    /// A short text that stands for the address and does not tell it.
    pub fn tag(&self) -> String {
        let digest = Sha256::digest(self.text.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        format!("{:032x}", u128::from_be_bytes(first))
    }

    /// The address of `path` below this one, whose query it keeps. `path` has `/` between its parts
    /// and is encoded.
    ///
    /// # Errors
    /// [`UrlError::TooLong`].
    pub fn join(&self, path: &str) -> Result<Self, UrlError> {
        let rest = self.text[self.origin..].split('#').next().unwrap_or_default();
        let (base, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let text = Zeroizing::new(format!(
            "{}{}/{}{query}",
            self.place(),
            base.trim_end_matches('/'),
            encoded(path)
        ));
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        Ok(Self { text, origin: self.origin, joined: path.to_owned() })
    }

    /// The same address with more in its query, encoded as forms are.
    #[must_use]
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> Self {
        let mut text = Zeroizing::new(self.text.split('#').next().unwrap_or_default().to_owned());
        for (key, value) in pairs {
            let sign = if text.contains('?') { '&' } else { '?' };
            text.push(sign);
            text.push_str(key);
            text.push('=');
            encode(&mut text, value);
        }
        Self { text, origin: self.origin, joined: self.joined.clone() }
    }

    /// All of it, for the request.
    pub(crate) fn secret(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.joined.is_empty() {
            return write!(f, "{}/…", self.place());
        }
        f.write_str(&self.shown())
    }
}

/// The host of `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    (!host.is_empty() && port.is_none_or(is_port)).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `path` with everything encoded that does not stand for itself in a path; `/` parts it.
fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for (at, part) in path.split('/').enumerate() {
        text.push_str(if at > 0 { "/" } else { "" });
        encode(&mut text, part);
    }
    text
}

/// Appends `text` so that it stands for itself in a query (RFC 3986, section 2.3).
fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = fmt::Write::write_fmt(url, format_args!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, place) in [
            ("https://hooks.example.com/a?b=c#d", "https://hooks.example.com"),
            (" HTTPS://example.com:8443/x\n", "HTTPS://example.com:8443"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9"),
            ("http://[::1]:9/x", "http://[::1]:9"),
            ("http://localhost", "http://localhost"),
        ] {
            let url = SecretUrl::parse(text).unwrap();
            assert_eq!(url.place(), place);
            assert_eq!(format!("{url:?}"), format!("{place}/…"));
        }
        for (text, error) in [
            ("", UrlError::Scheme),
            ("ftp://example.com", UrlError::Scheme),
            ("hooks.example.com/a", UrlError::Scheme),
            ("http://example.com/a", UrlError::Plain),
            ("http://127.0.0.1.example.com/a", UrlError::Plain),
            ("https:///a", UrlError::Host),
            ("https://example.com:0/a", UrlError::Host),
            ("https://example.com:x/a", UrlError::Host),
            ("https://[::1/a", UrlError::Host),
            ("https://user:pass@example.com/a", UrlError::User),
            ("https://example.com/a b", UrlError::Characters),
            ("https://example.com/ä", UrlError::Characters),
            ("https://example.com/\r\nHost: x", UrlError::Characters),
        ] {
            assert_eq!(SecretUrl::parse(text).unwrap_err(), error, "{text}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES));
        assert_eq!(SecretUrl::parse(&long).unwrap_err(), UrlError::TooLong);
    }

    #[test]
    fn paths_below() {
        let url = |text| SecretUrl::parse_or_plain(text).unwrap();
        for (base, path, whole, shown) in [
            ("https://a.example", "x/y", "https://a.example/x/y", "https://a.example/x/y"),
            ("http://a.example/", "x", "http://a.example/x", "http://a.example/x"),
            (
                "https://a.example/hidden/?t=hidden#top",
                "x y/ä%",
                "https://a.example/hidden/x%20y/%C3%A4%25?t=hidden",
                "https://a.example/…/x y/ä%",
            ),
        ] {
            let joined = url(base).join(path).unwrap();
            assert_eq!((joined.secret(), &*joined.shown()), (whole, shown));
            assert_eq!(format!("{joined:?}"), shown);
            assert_eq!(url(base).shown(), joined.place());
            assert_ne!(url(base).tag(), joined.tag());
        }
        let long = "a".repeat(MAX_URL_BYTES);
        assert_eq!(url("https://a.example").join(&long), Err(UrlError::TooLong));
    }

    #[test]
    fn queries() {
        let url = |text| SecretUrl::parse(text).unwrap();
        let with = url("https://example.com/a").with_query(&[("t", "1"), ("sign", "a+b/c=")]);
        assert_eq!(with.secret(), "https://example.com/a?t=1&sign=a%2Bb%2Fc%3D");
        let with = url("https://example.com/a?token=x#top").with_query(&[("t", "1")]);
        assert_eq!(
            (with.secret(), with.place()),
            ("https://example.com/a?token=x&t=1", "https://example.com")
        );
    }
}
