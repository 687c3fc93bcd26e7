//! Links from frames to the lines of their source, as the user's settings describe them.

/// Where lines of source can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLink {
    /// What a link is made of.
    parts: Vec<Part>,
    /// Folders that builds were made in, with `/` at the end: they are taken off paths. If there
    /// are some, other paths have no link.
    roots: Vec<String>,
}

/// A part of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Commit,
    Release,
    Path,
    Line,
}

/// Why a template for links cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceLinkError {
    /// It leads elsewhere than to a web server.
    #[error("it does not begin with https:// or http://")]
    Scheme,
    /// It has a word in braces that stands for nothing.
    #[error("in braces can be commit, release, path and line")]
    Word,
    /// It is the same for all files.
    #[error("{{path}} is missing")]
    NoPath,
}

impl SourceLink {
    /// Reads a template such as `https://example.com/blob/{commit}/{path}#L{line}`.
    ///
    /// # Errors
    /// [`SourceLinkError`].
    pub fn parse(template: &str) -> Result<Self, SourceLinkError> {
        if !["https://", "http://"].iter().any(|scheme| template.starts_with(scheme)) {
            return Err(SourceLinkError::Scheme);
        }
        let (mut parts, mut rest) = (Vec::new(), template);
        while let Some((text, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').ok_or(SourceLinkError::Word)?;
            parts.push(Part::Text(text.to_owned()));
            parts.push(match word {
                "commit" => Part::Commit,
                "release" => Part::Release,
                "path" => Part::Path,
                "line" => Part::Line,
                _ => return Err(SourceLinkError::Word),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        if !parts.contains(&Part::Path) {
            return Err(SourceLinkError::NoPath);
        }
        Ok(Self { parts, roots: Vec::new() })
    }

    /// The same for builds that were made in the folders `roots`.
    #[must_use]
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = String>) -> Self {
        let with_slash = |root: String| format!("{}/", root.trim_end_matches('/'));
        self.roots = roots.into_iter().map(with_slash).collect();
        // The nearest folder counts.
        self.roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        self
    }

    /// Where line `line` of `file` can be seen, as it was in `release`; nowhere if the template
    /// asks for something that is not known, or the file lies in none of the folders.
    pub fn to(&self, file: &str, line: u32, release: Option<&str>) -> Option<String> {
        let file = file.replace('\\', "/");
        let path = if self.roots.is_empty() {
            file.trim_start_matches('/')
        } else {
            self.roots.iter().find_map(|root| file.strip_prefix(root.as_str()))?
        };
        let path = whole_path(path)?;
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Commit => encode(&mut text, commit(release?)?),
                Part::Release => encode(&mut text, version(release?)),
                Part::Path => encode(&mut text, &path),
                Part::Line => text.push_str(&line.to_string()),
            }
        }
        Some(text)
    }
}

/// `path` without steps to where it is and to the folder above; none if it leads out.
fn whole_path(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The commit that a release names: all of it, or what stands behind `+`, `-` or `@`. Seven digits
/// or more; a number without letters may be a date, unless it has the length of a whole commit.
fn commit(release: &str) -> Option<&str> {
    let is_commit = |part: &&str| {
        let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let has_letter = part.bytes().any(|byte| byte.is_ascii_alphabetic());
        is_hex && (7..=64).contains(&part.len()) && (has_letter || part.len() >= 40)
    };
    release.rsplit(['+', '-', '@']).find(is_commit)
}

/// The version that a release names: what stands behind the name of the application.
fn version(release: &str) -> &str {
    release.rsplit_once('@').map_or(release, |(_, version)| version)
}

/// Appends `text` so that it stands for itself in a path (RFC 3986, section 2.3).
fn encode(link: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = std::fmt::Write::write_fmt(link, format_args!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "https://example.com/blob/{commit}/{path}#L{line}";

    #[test]
    fn templates_that_cannot_be_used() {
        assert!(SourceLink::parse(TEMPLATE).is_ok());
        for (template, want) in [
            ("javascript:alert({path})", SourceLinkError::Scheme),
            ("{path}", SourceLinkError::Scheme),
            ("https://example.com/{file}", SourceLinkError::Word),
            ("https://example.com/{path", SourceLinkError::Word),
            ("https://example.com/{line}", SourceLinkError::NoPath),
        ] {
            assert_eq!(SourceLink::parse(template), Err(want), "{template}");
        }
    }

    #[test]
    fn links() {
        let any = SourceLink::parse(TEMPLATE).unwrap();
        let rooted = any.clone().with_roots(["/ci/build".to_owned(), "/ci/build/out/".to_owned()]);
        let some = |text: &str| Some(text.to_owned());
        let release = Some("app@1.2+0a1b2c3");
        for (link, file, want) in [
            (&any, "/src/a b.cc", some("https://example.com/blob/0a1b2c3/src/a%20b.cc#L7")),
            (
                &any,
                "src\\./x/../ä\"<.cc",
                some("https://example.com/blob/0a1b2c3/src/%C3%A4%22%3C.cc#L7"),
            ),
            (&any, "../x.cc", None),
            (&any, "/", None),
            (&rooted, "/ci/build/x.cc", some("https://example.com/blob/0a1b2c3/x.cc#L7")),
            (&rooted, "/ci/build/out/y.cc", some("https://example.com/blob/0a1b2c3/y.cc#L7")),
            (&rooted, "/ci/builder/x.cc", None),
            (&rooted, "/rustc/x.rs", None),
        ] {
            assert_eq!(link.to(file, 7, release), want, "{file}");
        }
    }

    #[test]
    fn what_a_release_names() {
        let whole = "0123456789".repeat(4);
        for (release, want) in [
            ("0a1b2c3d", Some("0a1b2c3d")),
            (whole.as_str(), Some(whole.as_str())),
            ("app@1.0-0a1b2c3", Some("0a1b2c3")),
            // A date.
            ("app@20240131", None),
            ("app@1.0", None),
            ("", None),
        ] {
            assert_eq!(commit(release), want, "{release}");
        }
        assert_eq!((version("app@1.0"), version("1.0")), ("1.0", "1.0"));
        let link = SourceLink::parse("https://h/{release}/{path}").unwrap();
        assert_eq!(link.to("a", 1, Some("app@1.0")).as_deref(), Some("https://h/1.0/a"));
        assert_eq!(link.to("a", 1, None), None);
    }
}
