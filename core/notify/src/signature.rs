//! Signatures by HMAC-SHA256 (RFC 2104), each as its receiver wants them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a receiver and this program share. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Of `text`, as the receiver shows it. White space around it does not count.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The signature of Standard Webhooks: of id, time and body. A secret that begins with `whsec_`
    /// is the rest of it as base64.
    pub(crate) fn standard_webhooks(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let decoded = self.0.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
        let key = Zeroizing::new(decoded.unwrap_or_else(|| self.0.as_bytes().to_vec()));
        let head = format!("{id}.{seconds}.");
        format!("v1,{}", hmac(&key, &[head.as_bytes(), body]))
    }

    /// The signature of Feishu's custom bots: of nothing, by time and secret as the key.
    pub(crate) fn feishu(&self, seconds: i64) -> String {
        let key = Zeroizing::new(format!("{seconds}\n{}", self.0.as_str()));
        hmac(key.as_bytes(), &[])
    }

    /// The signature of `DingTalk`'s custom bots: of time and secret, by the secret.
    pub(crate) fn dingtalk(&self, milliseconds: i64) -> String {
        let text = Zeroizing::new(format!("{milliseconds}\n{}", self.0.as_str()));
        hmac(self.0.as_bytes(), &[text.as_bytes()])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The HMAC-SHA256 of `parts`, as base64.
fn hmac(key: &[u8], parts: &[&[u8]]) -> String {
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    parts.iter().for_each(|part| mac.update(part));
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        // RFC 4231, test case 2.
        assert_eq!(
            hmac(b"Jefe", &[b"what do ya ", b"want for nothing?"]),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        );
        // The example of the specification of Standard Webhooks.
        let secret = Secret::new(" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            secret.standard_webhooks(id, 1_614_265_330, b"{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        // What the Python examples in the documentation of the two print for these.
        let secret = Secret::new("this is secret");
        assert_eq!(secret.feishu(1_599_360_473), "/eYKrXQBzTjUZJ3s6NX16VxGbTwmK7AEs8/FnvC1CSw=");
        assert_eq!(
            secret.dingtalk(1_599_360_473_000),
            "hXZTWifRGHclNuZSKxoXc//sh51SWfVfRIhcdeKs63I="
        );
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
