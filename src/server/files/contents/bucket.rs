//! Contents in a bucket of an S3 service: Amazon's, or one that speaks its protocol. `contents` calls it. All nodes reach
//! it, so none needs a disk of the others.
//!
//! S3 has no renaming: an object is copied and then removed. A crash in between leaves both, which the next sweep finds,
//! and both have the same content.

use std::{io, ops::Range, path::Path as FolderPath, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::AmazonS3Builder, buffered::BufWriter, path::Path,
};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;
use tokio_util::io::StreamReader;

use super::{LEFT_AFTER, REMOVING, Reading, http_client::Connector};
use crate::server::{
    config::{BucketPlace, BucketSettings},
    files::FileError,
};

/// Bytes of one part of an upload to the bucket. S3 takes parts from 5 MiB, and 10,000 of them.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way at the same time: what an upload holds in memory is three parts, with the one that is being filled.
const PARTS_AT_ONCE: usize = 2;
/// A person waits for the answer: what does not work within this time is told to them.
const RETRY_FOR: Duration = Duration::from_secs(20);
const RETRIES: usize = 5;

/// The bucket.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Age at which a removal is one that did not end.
    aside_after: Duration,
}

impl Bucket {
    /// Opens the bucket, and asks it for something, so that wrong settings end the start and not the first upload.
    pub(super) async fn open(
        place: &BucketPlace,
        settings: &BucketSettings,
        is_alone: bool,
    ) -> io::Result<Self> {
        let is_plain = settings.files_endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&place.bucket)
            .with_client_options(ClientOptions::new().with_allow_http(is_plain))
            .with_http_connector(Connector::new()?)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES,
                retry_timeout: RETRY_FOR,
            });
        if let Some(region) = &settings.files_region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &settings.files_endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let (Some(key), Some(secret)) = (&settings.files_access_key, &settings.files_secret_key) {
            builder = builder.with_access_key_id(key).with_secret_access_key(&secret.0);
        }
        let store = Arc::new(builder.build()?);
        let prefix = Path::parse(&place.prefix).map_err(io::Error::other)?;
        let aside_after = if is_alone { Duration::ZERO } else { LEFT_AFTER };
        let bucket = Self { store, prefix, aside_after };
        bucket.names_in(REMOVING).await.map_err(io::Error::other)?;
        Ok(bucket)
    }

    fn path(&self, path: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(path).parts()))
    }

    /// Writes and removes something, so that credentials that may only read end the start.
    pub(super) async fn probe(&self) -> Result<(), FileError> {
        let path = self.path(&format!("{REMOVING}/start.{}", uuid::Uuid::new_v4().simple()));
        self.store.put(&path, "a start".into()).await.map_err(io::Error::from)?;
        Ok(self.store.delete(&path).await.map_err(io::Error::from)?)
    }

    /// Copies a file of this machine into its place.
    pub(super) async fn put(&self, path: &str, from: TempPath) -> Result<(), FileError> {
        let mut file = tokio::fs::File::open(&from).await?;
        let path = self.path(path);
        let mut writer = BufWriter::with_capacity(self.store.clone(), path, PART_BYTES)
            .with_max_concurrency(PARTS_AT_ONCE);
        match tokio::io::copy(&mut file, &mut writer).await {
            // It removes the parts by itself when it fails.
            Ok(_) => Ok(writer.shutdown().await?),
            Err(error) => {
                // The parts that are there already would stay and cost for ever.
                drop(writer.abort().await);
                Err(error.into())
            }
        }
    }

    pub(super) async fn read(
        &self,
        path: &str,
        part: Option<Range<u64>>,
    ) -> Result<Option<Reading>, FileError> {
        // S3 has no empty range, and refuses one of an empty object.
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        let found = match self.store.get_opts(&self.path(path), options).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(io::Error::from)?,
        };
        let size = found.meta.size;
        Ok(Some(Reading { size, bytes: found.into_stream().map_err(io::Error::from).boxed() }))
    }

    /// Copies an object to a file of this machine; `None` if it is not there.
    pub(super) async fn fetch(&self, path: &str, folder: &FolderPath) -> Result<Option<TempPath>, FileError> {
        let Some(found) = self.read(path, None).await? else { return Ok(None) };
        let (file, path) = NamedTempFile::new_in(folder)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        tokio::io::copy(&mut StreamReader::new(found.bytes), &mut file).await?;
        file.flush().await?;
        Ok(Some(path))
    }

    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<bool, FileError> {
        let is_there = self.copy(from, to).await?;
        if is_there {
            self.store.delete(&self.path(from)).await.map_err(io::Error::from)?;
        }
        Ok(is_there)
    }

    /// Copies an object within the bucket; false if it is not there.
    pub(super) async fn copy(&self, from: &str, to: &str) -> Result<bool, FileError> {
        match self.store.copy(&self.path(from), &self.path(to)).await {
            Err(Error::NotFound { .. }) => Ok(false),
            copied => {
                copied.map_err(io::Error::from)?;
                // S3 may answer 200 to a copy that failed.
                self.store.head(&self.path(to)).await.map_err(io::Error::from)?;
                Ok(true)
            }
        }
    }

    pub(super) async fn remove(&self, path: &str) -> Result<(), FileError> {
        match self.store.delete(&self.path(path)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            removed => Ok(removed.map_err(io::Error::from)?),
        }
    }

    pub(super) async fn names_in(&self, path: &str) -> Result<Vec<String>, FileError> {
        self.names_of(path, |_| true).await
    }

    /// The names of contents that were moved aside by a removal that did not end, of whatever node. Those that are young may
    /// be of one that goes on: its copy must stay until it has removed the content itself and asked again.
    pub(super) async fn left_aside(&self) -> Result<Vec<String>, FileError> {
        let now = std::time::SystemTime::now();
        let is_left = |changed: std::time::SystemTime| {
            now.duration_since(changed).unwrap_or_default() >= self.aside_after
        };
        self.names_of(REMOVING, is_left).await
    }

    async fn names_of(
        &self,
        path: &str,
        wanted: impl Fn(std::time::SystemTime) -> bool,
    ) -> Result<Vec<String>, FileError> {
        let mut listed = self.store.list(Some(&self.path(path)));
        let mut names = Vec::new();
        while let Some(object) = listed.try_next().await.map_err(io::Error::from)? {
            if wanted(object.last_modified.into()) {
                names.extend(object.location.filename().map(str::to_owned));
            }
        }
        Ok(names)
    }
}
