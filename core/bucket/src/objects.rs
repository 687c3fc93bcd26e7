//! Objects of a bucket: read, created, replaced if nobody else did, listed. Keys are relative to
//! the bucket's prefix.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig, UpdateVersion,
};

use crate::address::{BucketUrl, Scheme};
use crate::keys::SEGMENTS;
use crate::{BucketError, Bytes};

/// Pauses between tries.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Of the time that an answer may take, one try may take so much: one that hangs is not the last.
const TRIES_PER_ANSWER: u32 = 3;
/// A segment may take so much longer than another answer: the largest have some hundred MiB.
const SEGMENT_TIMES: u32 = 20;

/// The objects below a prefix.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The same, which gives large objects more time.
    bulk: Arc<dyn ObjectStore>,
    /// Lists keys that begin with any text; without it only those of whole folders can be listed.
    pages: Option<Arc<dyn PaginatedListStore>>,
    prefix: Path,
    place: String,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Objects({})", self.place)
    }
}

/// An object as it was when it was read.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it holds.
    pub bytes: Bytes,
    /// What a replacement of exactly this one names.
    pub version: UpdateVersion,
}

/// What became of a write that depends on what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Done,
    /// Something else is there, or was put there by this write, whose answer was lost.
    Other,
}

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written last, by the clock of the storage.
    pub modified: SystemTime,
}

impl Objects {
    /// Those at `url`, with the credentials and the endpoint of the environment. An answer may take
    /// `timeout`, tries that failed included.
    ///
    /// # Errors
    /// If the environment does not say enough.
    pub fn at(url: &BucketUrl, timeout: Duration) -> Result<Self, BucketError> {
        // Whoever was first has chosen the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |error: Error| BucketError::Address {
            address: url.to_string(),
            cause: error.to_string(),
        };
        match url.scheme() {
            Scheme::S3 => Self::over(url, timeout, |options, retry| {
                let store = s3(options).with_url(url.root()).with_retry(retry);
                store.build().map_err(wrong)
            }),
            Scheme::Gs => Self::over(url, timeout, |options, retry| {
                let store = GoogleCloudStorageBuilder::from_env().with_url(url.root());
                store.with_client_options(options).with_retry(retry).build().map_err(wrong)
            }),
            Scheme::Az => Self::over(url, timeout, |options, retry| {
                let store = MicrosoftAzureBuilder::from_env().with_url(url.root());
                store.with_client_options(options).with_retry(retry).build().map_err(wrong)
            }),
        }
    }

    /// Those at `url` of the server at `endpoint`, with these credentials.
    ///
    /// # Errors
    /// If they make no sense.
    pub fn s3(
        url: &BucketUrl,
        endpoint: &str,
        access_key: &str,
        secret_key: &str,
        timeout: Duration,
    ) -> Result<Self, BucketError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self::over(url, timeout, |options, retry| {
            let store = AmazonS3Builder::new()
                .with_client_options(options.with_allow_http(true))
                .with_allow_http(true)
                .with_endpoint(endpoint)
                .with_access_key_id(access_key)
                .with_secret_access_key(secret_key)
                .with_url(url.root())
                .with_retry(retry)
                .build();
            store.map_err(|error| BucketError::Address {
                address: url.to_string(),
                cause: error.to_string(),
            })
        })
    }

    /// Those at `url`, by the clients that `build` makes.
    fn over<S: ObjectStore + PaginatedListStore>(
        url: &BucketUrl,
        timeout: Duration,
        build: impl Fn(ClientOptions, RetryConfig) -> Result<S, BucketError>,
    ) -> Result<Self, BucketError> {
        let (options, retry) = patience(timeout);
        let store = Arc::new(build(options.clone(), retry.clone())?);
        let bulk = build(options.with_timeout(timeout * SEGMENT_TIMES), retry)?;
        let pages: Arc<dyn PaginatedListStore> = store.clone();
        let (prefix, place) = (url.prefix().clone(), url.to_string());
        Ok(Self { store, bulk: Arc::new(bulk), pages: Some(pages), prefix, place })
    }

    /// Those of `store`, which is called `place`.
    pub fn of(store: Arc<dyn ObjectStore>, place: &str) -> Self {
        let (bulk, prefix) = (Arc::clone(&store), Path::default());
        Self { store, bulk, pages: None, prefix, place: place.to_owned() }
    }

    /// Who answers for the object at `key`.
    fn store(&self, key: &str) -> &dyn ObjectStore {
        if key.starts_with(SEGMENTS) { &*self.bulk } else { &*self.store }
    }

    /// What the bucket is called.
    pub fn place(&self) -> &str {
        &self.place
    }

    fn path(&self, key: &str) -> Result<Path, BucketError> {
        let whole = format!("{}/{key}", self.prefix);
        Path::parse(whole.trim_start_matches('/'))
            .map_err(|error| self.error(key, &error.to_string()))
    }

    /// The error of a request for `what`.
    pub(crate) fn error(&self, what: &str, cause: &str) -> BucketError {
        let (place, what) = (self.place.clone(), what.to_owned());
        BucketError::Request { place, what, cause: told(cause) }
    }

    /// The error of an object whose bytes are not what they should be.
    pub(crate) fn altered(&self, what: &str) -> BucketError {
        BucketError::Altered { place: self.place.clone(), what: what.to_owned() }
    }

    /// The object at `key`, which has `max` bytes at most; `None` if there is none in a bucket that
    /// is there.
    pub(crate) async fn read(&self, key: &str, max: u64) -> Result<Option<Object>, BucketError> {
        let read = async {
            let found = self.store(key).get(&self.path(key)?).await;
            let found = match found {
                Err(Error::NotFound { source, .. }) if !is_of_bucket(&source.to_string()) => {
                    return Ok(None);
                }
                found => found.map_err(|error| self.error(key, &error.to_string()))?,
            };
            if found.meta.size > max {
                return Err(self.error(key, &format!("{} bytes are too many", found.meta.size)));
            }
            let version = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            let bytes = found.bytes().await.map_err(|error| self.error(key, &error.to_string()))?;
            Ok(Some(Object { bytes, version }))
        };
        read.await
    }

    /// Puts `bytes` at `key`, whatever is there.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BucketError> {
        let put = self.store(key).put(&self.path(key)?, bytes.into()).await;
        put.map(drop).map_err(|error| self.error(key, &error.to_string()))
    }

    /// Puts `bytes` at `key` if nothing is there.
    ///
    /// # Errors
    /// If it is not known what became of it.
    pub(crate) async fn create(&self, key: &str, bytes: Bytes) -> Result<Written, BucketError> {
        self.put_if(key, bytes, PutMode::Create).await
    }

    /// Puts `bytes` at `key` if what is there has this `version`.
    ///
    /// # Errors
    /// If it is not known what became of it.
    pub(crate) async fn replace(
        &self,
        key: &str,
        bytes: Bytes,
        version: &UpdateVersion,
    ) -> Result<Written, BucketError> {
        self.put_if(key, bytes, PutMode::Update(version.clone())).await
    }

    async fn put_if(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<Written, BucketError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store(key).put_opts(&self.path(key)?, bytes.into(), options).await {
            Ok(_) => Ok(Written::Done),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Written::Other),
            Err(error @ (Error::NotImplemented { .. } | Error::NotSupported { .. })) => {
                Err(BucketError::Unfit { place: self.place.clone(), cause: error.to_string() })
            }
            Err(error) => Err(self.error(key, &error.to_string())),
        }
    }

    /// Takes the object at `key` away, if there is one.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), BucketError> {
        match self.store.delete(&self.path(key)?).await {
            Err(Error::NotFound { .. }) => Ok(()),
            done => done.map_err(|error| self.error(key, &error.to_string())),
        }
    }

    /// When the object at `key` was written last; `None` if there is none.
    pub(crate) async fn modified(&self, key: &str) -> Result<Option<SystemTime>, BucketError> {
        match self.store.head(&self.path(key)?).await {
            Err(Error::NotFound { .. }) => Ok(None),
            found => found
                .map(|meta| Some(meta.last_modified.into()))
                .map_err(|error| self.error(key, &error.to_string())),
        }
    }

    /// All objects whose keys begin with `beginning`, of which a folder is the least.
    pub(crate) async fn list(&self, beginning: &str) -> Result<Vec<Listed>, BucketError> {
        let mut found = Vec::new();
        let failed = |error: Error| self.error(&format!("list of {beginning}"), &error.to_string());
        let Some(pages) = &self.pages else {
            let folder = beginning.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut all = self.store.list(Some(&self.path(folder)?));
            while let Some(meta) = all.try_next().await.map_err(failed)? {
                found.extend(self.listed(&meta).filter(|it| it.key.starts_with(beginning)));
            }
            return Ok(found);
        };
        let whole = self.path(beginning.trim_end_matches('/'))?.to_string()
            + if beginning.ends_with('/') { "/" } else { "" };
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let page = pages.list_paginated(Some(&whole), options).await.map_err(failed)?;
            found.extend(page.result.objects.into_iter().filter_map(|meta| self.listed(&meta)));
            page_token = page.page_token;
            if page_token.is_none() {
                return Ok(found);
            }
        }
    }

    fn listed(&self, meta: &object_store::ObjectMeta) -> Option<Listed> {
        let key = meta.location.as_ref().strip_prefix(self.prefix.as_ref())?;
        let key = key.trim_start_matches('/').to_owned();
        Some(Listed { key, modified: meta.last_modified.into() })
    }
}

/// How long one try may take, and how long there may be others.
fn patience(timeout: Duration) -> (ClientOptions, RetryConfig) {
    let try_time = timeout / TRIES_PER_ANSWER;
    let options = ClientOptions::new().with_timeout(try_time).with_connect_timeout(try_time);
    let retry = RetryConfig {
        backoff: BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 },
        max_retries: usize::MAX,
        retry_timeout: timeout,
    };
    (options, retry)
}

/// S3 as the environment describes it, as the SDKs of AWS read it: an endpoint over HTTP is meant.
fn s3(options: ClientOptions) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::from_env();
    if let Ok(endpoint) = std::env::var("AWS_ENDPOINT_URL_S3") {
        builder = builder.with_endpoint(endpoint);
    }
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let is_http = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    builder.with_client_options(options.with_allow_http(is_http)).with_allow_http(is_http)
}

/// Whether a 404 says that the bucket itself is not there.
fn is_of_bucket(answer: &str) -> bool {
    ["NoSuchBucket", "ContainerNotFound", "bucket does not exist"]
        .iter()
        .any(|code| answer.contains(code))
}

/// Of what an answer says, or of why there is none, what people need: a status with its code, else
/// the last reason, in one line.
fn told(cause: &str) -> String {
    const MAX_CHARS: usize = 200;
    let words = cause.split_whitespace().collect::<Vec<_>>().join(" ");
    let between = |from: &str, to: char| {
        let (_, rest) = words.split_once(from)?;
        Some(rest.split(to).next().unwrap_or(rest).trim())
    };
    if let Some(status) = between("status code: ", ':') {
        let code = between("<Code>", '<').map(|code| format!(" ({code})"));
        return format!("answered {status}{}", code.unwrap_or_default());
    }
    let reason = words.split_once("HTTP error: ").map_or(words.as_str(), |(_, reason)| reason);
    match reason.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_short() {
        let answer = "Object not found: Error performing GET http://h/a in 1ms - Server returned non-2xx status code: 403 Forbidden: <?xml?>\n<Error><Code>AccessDenied</Code></Error>";
        assert_eq!(told(answer), "answered 403 Forbidden (AccessDenied)");
        let silence = "Error performing GET http://h/a in 2s, after 17 retries - HTTP error: error sending request";
        assert_eq!(told(silence), "error sending request");
        assert_eq!(told("a\n b"), "a b");
        assert_eq!(told(&"ä".repeat(300)).chars().count(), 201);
    }
}
