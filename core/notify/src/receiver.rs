//! Sends a notice to a webhook or a command, again and again while that may help.

use std::time::Duration;

use symtool_http::{Answer, Backoff, Client, Failure, HttpError, Retry, SecretUrl};

use crate::command;
use crate::notice::Notice;
use crate::signature::Secret;
use crate::style::{Signed, Style};

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// A webhook.
    Webhook(Webhook),
    /// A command of the shell, which gets the notice as JSON on its standard input.
    Command(String),
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its address.
    pub url: SecretUrl,
    /// How it wants to be told.
    pub style: Style,
    /// What messages are signed with; see [`Style::can_sign`].
    pub secret: Option<Secret>,
    /// How long one try may take.
    pub timeout: Duration,
}

/// Why a notice was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing came back.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The webhook did not want it.
    #[error("{place} did not take it: {fact}")]
    Refused {
        /// Which one.
        place: String,
        /// Why.
        fact: String,
    },
    /// The command went wrong.
    #[error("the command {0}")]
    Command(String),
}

impl Receiver {
    /// Sends `notice`, and returns once it was taken. No try begins later than `within` after the
    /// first one. A receiver that takes a notice and cannot say so in time gets it once more, with
    /// the same id.
    ///
    /// # Errors
    /// Why the last try failed.
    pub fn send(&self, notice: &Notice, within: Duration) -> Result<(), SendError> {
        let backoff = Backoff::within(within);
        let sent = match self {
            Self::Webhook(webhook) => {
                let client = Client::new(webhook.timeout);
                backoff.run(|| webhook.post(&client, notice))
            }
            Self::Command(line) => backoff.run(|| {
                command::run(line, notice)
                    .map_err(|fact| Failure { error: SendError::Command(fact), retry: Retry::Soon })
            }),
        };
        sent.map_err(|failure| failure.error)
    }
}

impl Webhook {
    fn post(&self, client: &Client, notice: &Notice) -> Result<(), Failure<SendError>> {
        let answer = self.ask(client, notice).map_err(|error| {
            let retry = if error.may_pass() { Retry::Soon } else { Retry::Never };
            Failure { error: error.into(), retry }
        })?;
        self.style.verdict(&answer).map_err(|(fact, retry)| {
            let place = self.url.place().to_owned();
            Failure { error: SendError::Refused { place, fact }, retry }
        })
    }

    fn ask(&self, client: &Client, notice: &Notice) -> Result<Answer, HttpError> {
        let now = jiff::Timestamp::now();
        let (seconds, secret) = (now.as_second(), self.secret.as_ref());
        let mut headers = vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("idempotency-key", notice.id.clone()),
        ];
        let (mut url, mut signed) = (self.url.clone(), None);
        match (self.style, secret) {
            (Style::Feishu, Some(secret)) => {
                signed = Some(Signed { seconds, signature: secret.feishu(seconds) });
            }
            (Style::Dingtalk, Some(secret)) => {
                let at = now.as_millisecond();
                let pairs = [("timestamp", &*at.to_string()), ("sign", &*secret.dingtalk(at))];
                url = url.with_query(&pairs);
            }
            _ => {}
        }
        let body = self.style.body(notice, signed.as_ref());
        if self.style == Style::Generic {
            headers.push(("webhook-id", notice.id.clone()));
            headers.push(("webhook-timestamp", seconds.to_string()));
            if let Some(secret) = secret {
                let signature = secret.standard_webhooks(&notice.id, seconds, &body);
                headers.push(("webhook-signature", signature));
            }
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.post(&url, &headers, &body)
    }
}
