//! Addresses that are secrets: whoever knows the address of a webhook may write to it.

use std::fmt;

use zeroize::Zeroizing;

use crate::limits::MAX_URL_BYTES;

/// An address that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl {
    text: Zeroizing<String>,
    /// How many bytes of it are the scheme, the host and the port.
    origin: usize,
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
        let host = host_of(authority).ok_or(UrlError::Host)?;
        if scheme == "http://" && !is_this_machine(host) {
            return Err(UrlError::Plain);
        }
        let origin = scheme.len() + authority.len();
        Ok(Self { text: Zeroizing::new(text.to_owned()), origin })
    }

    /// Scheme, host and port, which may be shown.
    pub fn place(&self) -> &str {
        &self.text[..self.origin]
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
        Self { text, origin: self.origin }
    }

    /// All of it, for the request.
    pub(crate) fn secret(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.place())
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
