//! Addresses of buckets: `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`.

use object_store::path::Path;
use url::Url;

use crate::BucketError;

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    scheme: Scheme,
    bucket: String,
    prefix: Path,
}

/// Who serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// S3, and what speaks like it.
    S3,
    /// Google's.
    Gs,
    /// Microsoft's.
    Az,
}

impl Scheme {
    const ALL: [(Self, &str); 3] = [(Self::S3, "s3"), (Self::Gs, "gs"), (Self::Az, "az")];

    fn of(text: &str) -> Option<Self> {
        let (scheme, _) = text.split_once("://")?;
        Self::ALL.into_iter().find(|(_, name)| scheme.eq_ignore_ascii_case(name)).map(|(it, _)| it)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(it, _)| *it == self).map_or("", |(_, name)| name)
    }
}

impl BucketUrl {
    /// The address written as `text`.
    ///
    /// # Errors
    /// [`BucketError::Address`] if it is none.
    pub fn parse(text: &str) -> Result<Self, BucketError> {
        let wrong = |cause: &str| BucketError::Address {
            // Nobody should write a password there, but somebody will.
            address: if text.contains('@') { "…".to_owned() } else { text.to_owned() },
            cause: cause.to_owned(),
        };
        let scheme = Scheme::of(text).ok_or_else(|| wrong("its scheme is not known"))?;
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() || url.port().is_some() {
            return Err(wrong("it has more than a bucket and a prefix"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it has more than a bucket and a prefix"));
        }
        let bucket = url.host_str().filter(|host| !host.is_empty());
        let bucket = bucket.ok_or_else(|| wrong("it names no bucket"))?.to_owned();
        let prefix = Path::from_url_path(url.path()).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { scheme, bucket, prefix })
    }

    /// Who serves it.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket's own address, without the prefix.
    pub fn root(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.bucket)
    }

    /// What all its keys begin with.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }
}

impl std::fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.root())?;
        if self.prefix.as_ref().is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_prefix() {
        let shown = |text: &str| BucketUrl::parse(text).map(|url| url.to_string()).ok();
        assert_eq!(shown("s3://symbols").as_deref(), Some("s3://symbols"));
        assert_eq!(shown("s3://symbols/a/b/").as_deref(), Some("s3://symbols/a/b"));
        assert_eq!(shown("gs://symbols/a").as_deref(), Some("gs://symbols/a"));
        assert_eq!(shown("az://container/a").as_deref(), Some("az://container/a"));
        for wrong in ["s3://", "s3:///a", "s3://u:p@symbols/a", "s3://symbols/a?b=c", "ftp://a/b"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
        let error = BucketUrl::parse("s3://user:secret@symbols").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
