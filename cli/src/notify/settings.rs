//! `[notify.NAME]` in the settings: how somebody is told, and of what.
//!
//! ```toml
//! [notify.ops]
//! url-env = "OPS_WEBHOOK"            # or url-file = "…", or url = "https://…"
//! style = "slack"                    # or teams, feishu, dingtalk, generic
//! secret-file = "ops.secret"         # or secret-env, secret; signs feishu, dingtalk, generic
//! events = ["new", "regressed"]      # also merged, spike; all of them without this
//! min-crashes = 5                    # groups with fewer crashes are not told
//! spike = 5                          # a day with more than 5 times the usual crashes
//! timeout = 10                       # seconds that one try may take
//! retry = 60                         # seconds in which it is tried again
//!
//! [notify.tracker]
//! command = "file-issue"     # gets JSON on its standard input
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use symtool_core::notices::Interest;
use symtool_http::SecretUrl;
use symtool_notify::{Receiver, Secret, Style, Webhook};
use toml::{Table, Value};

use crate::config::number;
use crate::secret_text::{SecretText, text};

/// Seconds in which a receiver that is down is tried again.
pub const RETRY_SECONDS: u64 = 60;
/// Seconds that one try may take.
const TIMEOUT_SECONDS: u64 = 10;
/// More than a night.
const MAX_RETRY_SECONDS: u64 = 86_400;
const MAX_TIMEOUT_SECONDS: u64 = 600;
/// How many times as many crashes as on a usual day are a spike.
const SPIKE: u32 = 5;

/// Everything there is.
pub const ALL: Interest =
    Interest { new: true, regressed: true, merged: true, spike: Some(SPIKE), min_crashes: 1 };

const KEYS: &str = "url, url-env, url-file, command, style, secret, secret-env, secret-file, events, min-crashes, spike, timeout, retry";

/// What `[notify.NAME]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySettings {
    to: To,
    style: Style,
    secret: Option<SecretText>,
    interest: Interest,
    timeout_seconds: u64,
    /// How long a receiver that is down is tried again.
    pub retry_seconds: u64,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Url(SecretText),
    Command(String),
}

/// All of `[notify]`, whose `table` stands in a file in `folder`.
///
/// # Errors
/// What it says that cannot be.
pub fn all(value: &Value, folder: &Path) -> Result<BTreeMap<String, NotifySettings>, String> {
    let table = value
        .as_table()
        .ok_or("`notify` has to be tables, as in [notify.ops]; each has the name of a receiver")?;
    let mut found = BTreeMap::new();
    for (name, value) in table {
        let table = value
            .as_table()
            .ok_or_else(|| format!("`notify.{name}` has to be a table, as in [notify.{name}]"))?;
        let one = NotifySettings::parse(table, folder)
            .map_err(|error| format!("[notify.{name}]: {error}"))?;
        found.insert(name.clone(), one);
    }
    Ok(found)
}

impl NotifySettings {
    fn parse(table: &Table, folder: &Path) -> Result<Self, String> {
        if let Some(key) = table.keys().find(|key| !KEYS.split(", ").any(|known| known == *key)) {
            return Err(format!("unknown key `{key}`; known are {KEYS}"));
        }
        let command = text(table, "command")?.map(str::to_owned);
        let to = match (SecretText::parse(table, "url", folder)?, command) {
            (Some(url), None) => To::Url(url),
            (None, Some(command)) => To::Command(command),
            (None, None) => return Err("set url-env, url-file, url or command".to_owned()),
            (Some(_), Some(_)) => return Err("a URL and `command` cannot both be set".to_owned()),
        };
        let style = match (text(table, "style")?, &to) {
            (Some(name), To::Url(_)) => Style::named(name).ok_or_else(|| {
                let names: Vec<&str> = Style::NAMES.iter().map(|(name, _)| *name).collect();
                format!("`style` has to be one of {}", names.join(", "))
            })?,
            (None, To::Url(_)) => return Err("`style` is missing".to_owned()),
            (Some(_), To::Command(_)) => return Err("`style` is for URLs".to_owned()),
            (None, To::Command(_)) => Style::Generic,
        };
        let secret = SecretText::parse(table, "secret", folder)?;
        if secret.is_some() && (matches!(to, To::Command(_)) || !style.can_sign()) {
            return Err("messages of this style are not signed, so `secret` has no use".to_owned());
        }
        let number = |key: &str, least: u64, most: u64, default: u64| {
            number(table, key, least..=most, default)
        };
        let spike = u32::try_from(number("spike", 2, 1_000, u64::from(SPIKE))?).unwrap_or(SPIKE);
        Ok(Self {
            to,
            style,
            secret,
            interest: Interest {
                min_crashes: number("min-crashes", 1, u64::from(u32::MAX), 1)?,
                ..interest(table, spike)?
            },
            timeout_seconds: number("timeout", 1, MAX_TIMEOUT_SECONDS, TIMEOUT_SECONDS)?,
            retry_seconds: number("retry", 0, MAX_RETRY_SECONDS, RETRY_SECONDS)?,
        })
    }

    /// What is told.
    pub fn interest(&self) -> Interest {
        self.interest
    }

    /// Who is told. `is_open` says whether others may read the settings.
    ///
    /// # Errors
    /// What is missing, without anything that nobody else may know.
    pub fn receiver(&self, is_open: bool) -> Result<Receiver, String> {
        let url = match &self.to {
            To::Command(line) => return Ok(Receiver::Command(line.clone())),
            To::Url(url) => url,
        };
        let sources = std::iter::once(url).chain(&self.secret);
        if is_open && sources.into_iter().any(SecretText::is_written_out) {
            warn!(
                "other users can read symtool.toml and the address or secret in it; run chmod 600 on it"
            );
        }
        let text = url.read("url")?;
        let url =
            SecretUrl::parse(&text).map_err(|error| format!("the URL cannot be used: {error}"))?;
        let secret = self.secret.as_ref().map(|secret| secret.read("secret")).transpose()?;
        let secret = secret.map(|text| Secret::new(&text));
        if secret.as_ref().is_some_and(Secret::is_empty) {
            return Err("the secret is empty".to_owned());
        }
        let timeout = Duration::from_secs(self.timeout_seconds);
        Ok(Receiver::Webhook(Webhook { url, style: self.style, secret, timeout }))
    }
}

/// The events of a table.
fn interest(table: &Table, spike: u32) -> Result<Interest, String> {
    let Some(value) = table.get("events") else {
        return Ok(Interest { spike: Some(spike), ..ALL });
    };
    let wrong = "`events` has to be a list of new, regressed, merged and spike";
    let mut interest =
        Interest { new: false, regressed: false, merged: false, spike: None, min_crashes: 1 };
    for event in value.as_array().filter(|events| !events.is_empty()).ok_or(wrong)? {
        match event.as_str().ok_or(wrong)? {
            "new" => interest.new = true,
            "regressed" => interest.regressed = true,
            "merged" => interest.merged = true,
            "spike" => interest.spike = Some(spike),
            _ => return Err(wrong.to_owned()),
        }
    }
    Ok(interest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<NotifySettings, String> {
        let table: Table = text.parse().unwrap();
        NotifySettings::parse(&table, Path::new("/etc/st"))
    }

    #[test]
    fn every_key() {
        let text = "url-file = \"u\"\nstyle = \"feishu\"\nsecret-env = \"S\"\nevents = [\"new\", \"spike\"]\nmin-crashes = 3\nspike = 9\ntimeout = 2\nretry = 0\n";
        let want = NotifySettings {
            to: To::Url(SecretText::File("/etc/st/u".into())),
            style: Style::Feishu,
            secret: Some(SecretText::Variable("S".into())),
            interest: Interest {
                new: true,
                regressed: false,
                merged: false,
                spike: Some(9),
                min_crashes: 3,
            },
            timeout_seconds: 2,
            retry_seconds: 0,
        };
        assert_eq!(parse(text), Ok(want));
        let command = parse("command = \"file-issue\"").unwrap();
        assert_eq!((command.interest(), command.retry_seconds), (ALL, RETRY_SECONDS));
        assert_eq!(command.receiver(true), Ok(Receiver::Command("file-issue".into())));
    }

    #[test]
    fn what_cannot_be_is_named_and_no_secret() {
        let url = "url = \"https://example.com/hidden\"\n";
        for (text, want) in [
            ("style = \"slack\"", "set url-env, url-file, url or command"),
            ("url = \"https://example.com/hidden\"", "`style` is missing"),
            (
                &format!("{url}style = \"irc\""),
                "`style` has to be one of slack, teams, feishu, dingtalk, generic",
            ),
            (
                &format!("{url}url-env = \"U\"\nstyle = \"slack\""),
                "only one of `url`, `url-env` and `url-file` can be set",
            ),
            (&format!("{url}command = \"x\""), "a URL and `command` cannot both be set"),
            (
                &format!("{url}style = \"slack\"\nsecret = \"hidden\""),
                "messages of this style are not signed, so `secret` has no use",
            ),
            (
                &format!("{url}style = \"generic\"\nspike = 1"),
                "`spike` has to be a number from 2 to 1000",
            ),
            (
                &format!("{url}style = \"generic\"\nevents = []"),
                "`events` has to be a list of new, regressed, merged and spike",
            ),
            (
                &format!("{url}style = \"generic\"\nevents = [\"old\"]"),
                "`events` has to be a list of new, regressed, merged and spike",
            ),
            ("url = \"\"", "`url` has to be a text in quotes"),
        ] {
            assert_eq!(parse(text), Err(want.to_owned()), "{text}");
        }
        let unknown = parse("ur = \"x\"").unwrap_err();
        assert!(unknown.starts_with("unknown key `ur`; known are url, "), "{unknown}");
        for text in ["http://example.com/hidden", "hidden", "https://hidden@example.com"] {
            let settings = parse(&format!("url = \"{text}\"\nstyle = \"generic\"\n")).unwrap();
            assert!(!format!("{settings:?}").contains("hidden"));
            let error = settings.receiver(false).unwrap_err();
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
