//! What a line asks for: a report, alone or with what belongs to it.

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use symtool_crashes::FingerprintId;
use symtool_crashes::fingerprint::AssessedBefore;

/// A report on a line.
#[derive(Debug)]
pub struct Task {
    /// The report.
    pub report: Vec<u8>,
    /// Whether it is the line itself, and not a text on it.
    pub is_line: bool,
    /// What came of the crash before.
    pub was: Option<AssessedBefore>,
    /// Given back with the answer.
    pub key: Option<Value>,
}

#[derive(Deserialize)]
struct Wrapped {
    report: String,
    #[serde(default)]
    was: Option<Was>,
    #[serde(default)]
    key: Option<Value>,
}

#[derive(Deserialize)]
struct Was {
    fingerprint: String,
    digest: String,
    resolved: u32,
}

impl Was {
    fn parse(self) -> Result<AssessedBefore, String> {
        let fingerprint = FingerprintId::parse(&self.fingerprint)
            .ok_or_else(|| format!("`{}` is no fingerprint", self.fingerprint))?;
        let digest = u64::from_str_radix(&self.digest, 16)
            .map_err(|_| format!("`{}` is no digest", self.digest))?;
        Ok(AssessedBefore { fingerprint, digest, resolved: self.resolved })
    }
}

impl Task {
    /// What `line` asks for; `None` is a line that is too long.
    ///
    /// # Errors
    /// Why it asks for nothing.
    pub fn parse(line: Option<&[u8]>) -> Result<Self, String> {
        let line = line.ok_or("the line is longer than a report may be")?.trim_ascii();
        if !line.starts_with(b"{") {
            return Err("the line is no JSON object".to_owned());
        }
        // Most lines are reports, which are not parsed twice.
        let wrapped = memmem::find(line, b"\"report\"").map(|_| serde_json::from_slice(line));
        Ok(match wrapped {
            Some(Ok(Wrapped { report, was, key })) => {
                let was = was.map(Was::parse).transpose()?;
                Self { report: report.into_bytes(), is_line: false, was, key }
            }
            Some(Err(error)) if has_text(line) => {
                return Err(format!("`was` or `key` is not as it should be: {error}"));
            }
            _ => Self { report: line.to_vec(), is_line: true, was: None, key: None },
        })
    }
}

/// Whether `line` is an object with a report as a text.
fn has_text(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Bare {
        #[serde(rename = "report")]
        _report: String,
    }
    serde_json::from_slice::<Bare>(line).is_ok()
}
