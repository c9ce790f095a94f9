//! Files at Meta: where one is, its bytes, and bringing one there.
//!
//! An access token goes to the Graph API and to the hosts that the settings name, nowhere else, wherever an answer points.
//! Source: Cloud API, Media (Dec 11 2025, revised Jun 16 2026).

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{AUTHORIZATION, LOCATION};
use reqwest::{Body, Method, Response, Url, multipart};
use serde_json::Value;

use super::http::{GraphClient, in_path, unreachable};
use super::samples::{Sample, SampleRest, SampleSession};
use super::{BearerToken, GraphError};
use crate::domain::PhoneNumberId;
use crate::domain::ids::parse_hex;

/// The longest that a file may take from its first byte to its last, either way.
pub(super) const WHOLE_FILE: Duration = Duration::from_secs(600);
/// The longest silence within one.
const SILENCE: Duration = Duration::from_secs(30);
/// Times that one address may lead to another.
const REDIRECTS: usize = 3;

/// A file's bytes as they come.
pub type Pieces = BoxStream<'static, Result<Bytes, GraphError>>;

/// Where a file is, for five minutes, and what Meta says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAddress {
    /// The address.
    pub url: String,
    /// Its type.
    pub mime: Option<String>,
    /// Its size, as declared.
    pub bytes: Option<u64>,
    /// What its bytes add up to.
    pub sha256: Option<[u8; 32]>,
}

/// A file that is brought to Meta.
pub struct FileUpload {
    /// The number that will send it.
    pub number: PhoneNumberId,
    /// Its token.
    pub token: BearerToken,
    /// Its type.
    pub mime: String,
    /// Its size.
    pub bytes: u64,
    /// Its bytes.
    pub pieces: Pieces,
}

/// Files at Meta.
#[async_trait]
pub trait GraphFiles: Send + Sync + 'static {
    /// Where a file is. Source: Cloud API, `GET /{media-id}`.
    async fn find_file(
        &self,
        id: &str,
        number: &PhoneNumberId,
        token: &BearerToken,
    ) -> Result<FileAddress, GraphError>;

    /// A file's bytes.
    async fn download(&self, address: &FileAddress, token: &BearerToken) -> Result<Pieces, GraphError>;

    /// Brings a file to Meta, which keeps it for 30 days; its id there. Source: Cloud API, `POST /{phone-number-id}/media`.
    async fn upload(&self, file: FileUpload) -> Result<String, GraphError>;

    /// Begins to bring a sample for the review of a template. Source: Graph API, `POST /{app-id}/uploads`.
    async fn begin_sample(&self, sample: &Sample, token: &BearerToken) -> Result<SampleSession, GraphError>;

    /// How much of a sample Meta has. Source: Graph API, `GET /upload:{session}`.
    async fn sample_offset(&self, session: &SampleSession, token: &BearerToken) -> Result<u64, GraphError>;

    /// Brings the rest of a sample; its handle. Source: Graph API, `POST /upload:{session}`.
    async fn send_sample(
        &self,
        session: &SampleSession,
        rest: SampleRest,
        token: &BearerToken,
    ) -> Result<String, GraphError>;
}

/// Hosts that are shown a token.
#[derive(Debug, Clone)]
pub(super) struct FileHosts {
    /// The Graph API's own address.
    graph: Option<Url>,
    named: Vec<String>,
}

impl FileHosts {
    pub(super) fn new(base_url: &str, named: Vec<String>) -> Self {
        Self {
            graph: Url::parse(base_url).ok(),
            named,
        }
    }

    /// The address, if a token may go there.
    fn checked(&self, address: &str) -> Result<Url, GraphError> {
        let refused = || GraphError::Unreadable("a file's address is not at one of Meta's hosts".to_owned());
        let url = Url::parse(address).map_err(|_malformed| refused())?;
        let is_bare = url.username().is_empty() && url.password().is_none();
        let is_graph = self.graph.as_ref().is_some_and(|graph| {
            graph.scheme() == url.scheme()
                && graph.host_str() == url.host_str()
                && graph.port_or_known_default() == url.port_or_known_default()
        });
        let is_named = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| self.names(host));
        if is_bare && (is_graph || is_named) {
            Ok(url)
        } else {
            Err(refused())
        }
    }

    fn names(&self, host: &str) -> bool {
        self.named.iter().any(|named| match named.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => host == named,
        })
    }
}

#[async_trait]
impl GraphFiles for GraphClient {
    async fn find_file(
        &self,
        id: &str,
        number: &PhoneNumberId,
        token: &BearerToken,
    ) -> Result<FileAddress, GraphError> {
        let path = format!("{}?phone_number_id={number}", in_path(id));
        let answer = self.ask(self.request(Method::GET, &path, token)).await?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        // A number by the examples, a text by the schema.
        let bytes = answer.get("file_size").and_then(|size| match size {
            Value::String(text) => text.parse().ok(),
            size => size.as_u64(),
        });
        let url =
            text("url").ok_or_else(|| GraphError::Unreadable("a file without an address".to_owned()))?;
        Ok(FileAddress {
            url,
            mime: text("mime_type"),
            bytes,
            sha256: text("sha256").and_then(|digest| sha256(&digest)),
        })
    }

    async fn download(&self, address: &FileAddress, token: &BearerToken) -> Result<Pieces, GraphError> {
        let mut url = self.file_hosts().checked(&address.url)?;
        for _ in 0..=REDIRECTS {
            let request = self
                .http()
                .get(url.clone())
                .header(AUTHORIZATION, token.0.clone());
            let response = self
                .call(request.timeout(WHOLE_FILE))
                .await
                .map_err(unreachable)?;
            if response.status().is_redirection() {
                let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| url.join(to).ok());
                let to = to.ok_or_else(|| GraphError::Unreadable("a redirect to nowhere".to_owned()))?;
                url = self.file_hosts().checked(to.as_str())?;
                continue;
            }
            if !response.status().is_success() {
                let status = response.status().as_u16();
                return Err(GraphError::Unreachable(format!(
                    "HTTP {status} instead of a file"
                )));
            }
            return Ok(pieces(response));
        }
        Err(GraphError::Unreadable("too many redirects".to_owned()))
    }

    async fn upload(&self, file: FileUpload) -> Result<String, GraphError> {
        let FileUpload {
            number,
            token,
            mime,
            bytes,
            pieces,
        } = file;
        let broken = |error: GraphError| std::io::Error::other(error.to_string());
        let body = Body::wrap_stream(pieces.map_err(broken));
        // What customers see it called stands in the message.
        let part = multipart::Part::stream_with_length(body, bytes).file_name("file");
        let part = part.mime_str(&mime).map_err(unreachable)?;
        let form = multipart::Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime)
            .part("file", part);
        let request = self.request(Method::POST, &format!("{number}/media"), &token);
        let answer = self.ask(request.multipart(form).timeout(WHOLE_FILE)).await?;
        let id = answer.get("id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| GraphError::Unreadable("an uploaded file without an id".to_owned()))
    }

    async fn begin_sample(&self, sample: &Sample, token: &BearerToken) -> Result<SampleSession, GraphError> {
        self.begin(sample, token).await
    }

    async fn sample_offset(&self, session: &SampleSession, token: &BearerToken) -> Result<u64, GraphError> {
        self.offset(session, token).await
    }

    async fn send_sample(
        &self,
        session: &SampleSession,
        rest: SampleRest,
        token: &BearerToken,
    ) -> Result<String, GraphError> {
        self.carry_on(session, rest, token).await
    }
}

/// A digest in hex, as the examples have it, or in base64, as webhooks do.
fn sha256(digest: &str) -> Option<[u8; 32]> {
    parse_hex(digest).or_else(|| STANDARD.decode(digest).ok()?.try_into().ok())
}

/// A body, piece by piece; one that falls silent ends with an error.
fn pieces(response: Response) -> Pieces {
    let next = |mut response: Response| async move {
        match tokio::time::timeout(SILENCE, response.chunk()).await {
            Ok(Ok(Some(piece))) => Ok(Some((piece, response))),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(failure)) => Err(unreachable(failure)),
            Err(_elapsed) => Err(GraphError::Unreachable("the file stopped coming".to_owned())),
        }
    };
    stream::try_unfold(response, next).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_in_either_way_and_what_is_none_is_not_believed() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert!(sha256(hex).is_some());
        assert_eq!(sha256(hex), sha256(base64));
        for none in ["", "x", "47DEQpj8", &hex[..62]] {
            assert_eq!(sha256(none), None, "{none}");
        }
    }

    #[test]
    fn a_token_goes_to_metas_hosts_alone() {
        let hosts = FileHosts::new(
            "http://127.0.0.1:9100",
            vec!["lookaside.fbsbx.com".to_owned(), "*.fbcdn.net".to_owned()],
        );
        for good in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
            "https://scontent.xx.fbcdn.net/a",
            "http://127.0.0.1:9100/media-files/1",
        ] {
            assert!(hosts.checked(good).is_ok(), "{good}");
        }
        for bad in [
            "http://lookaside.fbsbx.com/a",
            "https://lookaside.fbsbx.com:8443/a",
            "https://lookaside.fbsbx.com.evil.example/a",
            "https://lookaside.fbsbx.com@evil.example/a",
            "https://user@lookaside.fbsbx.com/a",
            "https://evil-fbcdn.net/a",
            "https://fbcdn.net/a",
            "http://127.0.0.1:9101/a",
            "https://127.0.0.1:9100/a",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "//evil.example",
            "",
        ] {
            assert!(hosts.checked(bad).is_err(), "{bad}");
        }
    }
}
