//! Where files of customers and of the business are kept, and from where they are fetched.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::{ByteSize, optional_secret};
use super::url::BaseUrl;

/// Section `media`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MediaConfig {
    /// Where files are kept.
    pub backend: MediaBackend,
    /// The folder; empty for `media` in `store.path`.
    pub path: PathBuf,
    /// What uploads leave free on the folder's disk.
    pub min_free_bytes: ByteSize,
    /// Hosts from which files of customers are fetched, beside `whatsapp.base_url`.
    pub meta_hosts: Vec<String>,
    /// The address of the S3-compatible service; empty for Amazon's.
    pub s3_endpoint: String,
    /// The bucket.
    pub s3_bucket: String,
    /// Its region.
    pub s3_region: String,
    /// Who signs in to the service.
    pub s3_access_key: String,
    /// The key's secret.
    #[serde(with = "optional_secret")]
    pub s3_secret_key: Option<SecretString>,
}

/// A place for files that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaBackend {
    /// A folder of this machine.
    Folder,
    /// A bucket of an S3-compatible service.
    S3,
}

impl MediaConfig {
    /// The folder. `beside` is the store's.
    pub fn folder(&self, beside: &Path) -> PathBuf {
        if self.path.as_os_str().is_empty() {
            beside.join("media")
        } else {
            self.path.clone()
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("media.min_free_bytes", self.min_free_bytes.get(), 0..=1 << 50);
        for (at, host) in self.meta_hosts.iter().enumerate() {
            let name = host.strip_prefix("*.").unwrap_or(host);
            let allowed =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
            if !name.contains('.') || name.starts_with('.') || !name.bytes().all(allowed) {
                problems.add(
                    format!("media.meta_hosts[{at}]"),
                    "must be a host in lower case, such as \"lookaside.fbsbx.com\" or \"*.fbcdn.net\"",
                );
            }
        }
        if self.backend == MediaBackend::Folder {
            return;
        }
        let endpoint = BaseUrl::parse(&self.s3_endpoint);
        if !self.s3_endpoint.is_empty() && !endpoint.is_some_and(|url| url.is_private()) {
            problems.add(
                "media.s3_endpoint",
                "must be an https address, or one of this machine",
            );
        }
        for (key, text) in [
            ("media.s3_bucket", &self.s3_bucket),
            ("media.s3_region", &self.s3_region),
            ("media.s3_access_key", &self.s3_access_key),
        ] {
            if text.is_empty() {
                problems.add(key, "must be set when `media.backend` is \"s3\"");
            }
        }
        if self.s3_secret_key.is_none() {
            problems.add(
                "media.s3_secret_key",
                "must be set when `media.backend` is \"s3\"",
            );
        }
    }
}
