//! The real Graph API over HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::answer::{
    Answer, read_blocked, read_blocklist, read_date, read_other, read_retry_after, read_send,
};
use super::files::FileHosts;
use super::templates::with_query;
use super::{
    AmbiguousCause, BearerToken, BlockCall, BlockChange, BlockedPage, Graph, GraphError, GraphNumbers,
    NotAcceptedCause, SendCall, SendResult,
};
use crate::domain::{AliasKind, Clock, PhoneNumberId, WabaId};
use crate::whatsapp::error::RetryAdvice;
use crate::whatsapp::number_check::{NUMBER_FIELDS, NumberFacts, SubscribedApp};

/// Answers are a few hundred bytes; a larger one is not Meta's.
const LONGEST_ANSWER_BYTES: usize = 1 << 20;

/// Shorter than any server's keep-alive, so that a connection is rarely closed under a request.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// Where the Graph API is and how long it may take.
#[derive(Debug, Clone)]
pub struct GraphSettings {
    /// Scheme, host and port, without a slash at the end.
    pub base_url: String,
    /// Version of the API: `v25.0`.
    pub version: String,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take.
    pub total_timeout: Duration,
    /// Idle connections kept open.
    pub idle_connections: usize,
    /// Hosts from which files are fetched, beside the address's own; `*.` before one stands for all below it.
    pub file_hosts: Vec<String>,
}

impl GraphSettings {
    /// The usual time limits: 3 s to connect, 30 s for a call.
    pub fn new(base_url: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            version: version.into(),
            connect_timeout: Duration::from_secs(3),
            total_timeout: Duration::from_secs(30),
            idle_connections: 256,
            file_hosts: Vec::new(),
        }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The HTTP client refused its settings.
    #[error("the HTTP client cannot be built")]
    Build(#[source] reqwest::Error),
    /// Base address and version do not make a URL.
    #[error("{0:?} is not the address of a Graph API")]
    Address(String),
}

/// The Graph API. Clones share their connections.
///
/// Follows no redirect, uses no proxy and repeats nothing: each call is one request, so that attempts can be counted.
#[derive(Clone)]
pub struct GraphClient {
    http: reqwest::Client,
    root: String,
    clock: Arc<dyn Clock>,
    file_hosts: Arc<FileHosts>,
}

impl GraphClient {
    /// Makes a client. Its connections belong to the runtime that first uses them.
    pub fn new(settings: GraphSettings, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        // Another part of the process may have chosen a provider already; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = format!("{}/{}", settings.base_url.trim_end_matches('/'), settings.version);
        if reqwest::Url::parse(&root).is_err() {
            return Err(ClientError::Address(root));
        }
        let http = reqwest::Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.total_timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(settings.idle_connections)
            .tcp_nodelay(true)
            .user_agent(concat!("mesej/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ClientError::Build)?;
        let file_hosts = Arc::new(FileHosts::new(&settings.base_url, settings.file_hosts));
        Ok(Self {
            http,
            root,
            clock,
            file_hosts,
        })
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn file_hosts(&self) -> &FileHosts {
        &self.file_hosts
    }

    pub(super) fn request(&self, method: Method, path: &str, token: &BearerToken) -> RequestBuilder {
        self.bare_request(method, path)
            .header(AUTHORIZATION, token.0.clone())
    }

    /// A request that says nothing of who makes it.
    pub(super) fn bare_request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/{path}", self.root))
    }

    fn post_messages(&self, call: SendCall) -> RequestBuilder {
        self.request(Method::POST, &format!("{}/messages", call.number), &call.token)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(call.body)
    }

    fn retry_after(&self, response: &Response) -> Option<Duration> {
        let header = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
        read_retry_after(header, self.clock.now())
    }

    /// Makes one request. Its answer says what time it is.
    pub(super) async fn call(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let response = request.send().await?;
        let date = response.headers().get(DATE);
        if let Some(at) = date.and_then(|date| read_date(date.to_str().ok()?)) {
            self.clock.witnessed(at);
        }
        Ok(response)
    }

    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Value, GraphError> {
        let response = self.call(request).await.map_err(unreachable)?;
        let (http_status, retry_after) = (response.status().as_u16(), self.retry_after(&response));
        let body = read_body(response).await.map_err(unreachable)?;
        read_other(&Answer {
            http_status,
            retry_after,
            body: body.as_deref(),
        })
    }
}

#[async_trait]
impl GraphNumbers for GraphClient {
    async fn describe_number(
        &self,
        number: &PhoneNumberId,
        token: &BearerToken,
    ) -> Result<NumberFacts, GraphError> {
        let path = format!("{number}?fields={NUMBER_FIELDS}");
        let answer = self.ask(self.request(Method::GET, &path, token)).await?;
        Ok(NumberFacts::read(&answer))
    }
}

#[async_trait]
impl Graph for GraphClient {
    async fn send(&self, call: SendCall) -> SendResult {
        let response = match self.call(self.post_messages(call)).await {
            Ok(response) => response,
            Err(failure) => return without_answer(&failure),
        };
        let (http_status, retry_after) = (response.status().as_u16(), self.retry_after(&response));
        // A body that breaks off leaves the status, which by itself proves a refusal but never an acceptance.
        let body = read_body(response).await.unwrap_or_default();
        read_send(&Answer {
            http_status,
            retry_after,
            body: body.as_deref(),
        })
    }

    async fn mark_read(&self, call: SendCall) -> Result<(), GraphError> {
        self.ask(self.post_messages(call)).await.map(|_| ())
    }

    async fn block(&self, call: BlockCall) -> Result<(), GraphError> {
        let method = match call.change {
            BlockChange::Block => Method::POST,
            BlockChange::Unblock => Method::DELETE,
        };
        let user = match call.who.kind {
            // Without the sign Meta would put the country of the business before it.
            AliasKind::Phone => json!({ "user": format!("+{}", call.who.value) }),
            AliasKind::Bsuid | AliasKind::ParentBsuid | AliasKind::Group => {
                json!({ "user_id": call.who.value })
            }
        };
        let request = self
            .request(method, &format!("{}/block_users", call.number), &call.token)
            .json(&json!({ "messaging_product": "whatsapp", "block_users": [user] }));
        let response = self.call(request).await.map_err(unreachable)?;
        let (http_status, retry_after) = (response.status().as_u16(), self.retry_after(&response));
        let body = read_body(response).await.map_err(unreachable)?;
        read_blocked(&Answer {
            http_status,
            retry_after,
            body: body.as_deref(),
        })
    }

    async fn blocked(
        &self,
        number: &PhoneNumberId,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<BlockedPage, GraphError> {
        let path = with_query(&format!("{number}/block_users"), &[("after", after)]);
        read_blocklist(&self.ask(self.request(Method::GET, &path, token)).await?)
    }

    async fn subscribed_apps(
        &self,
        waba: &WabaId,
        token: &BearerToken,
    ) -> Result<Vec<SubscribedApp>, GraphError> {
        let path = format!("{}/subscribed_apps", in_path(waba.as_str()));
        let answer = self.ask(self.request(Method::GET, &path, token)).await?;
        Ok(SubscribedApp::read_all(&answer))
    }

    async fn subscribe_app(&self, waba: &WabaId, token: &BearerToken) -> Result<(), GraphError> {
        let path = format!("{}/subscribed_apps", in_path(waba.as_str()));
        self.ask(self.request(Method::POST, &path, token))
            .await
            .map(|_| ())
    }

    async fn ask_time(&self) -> Result<(), GraphError> {
        // Without a token it is refused, and the refusal says when.
        let request = self.http.get(&self.root);
        self.call(request).await.map(|_| ()).map_err(unreachable)
    }
}

/// An id that may stand in a path; account ids are checked less strictly than number ids.
pub(super) fn in_path(id: &str) -> String {
    id.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .collect()
}

/// Reads a body up to the limit; `None` when it is longer.
async fn read_body(mut response: Response) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST_ANSWER_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

fn without_answer(failure: &reqwest::Error) -> SendResult {
    if failure.is_connect() || failure.is_builder() {
        return SendResult::NotAccepted {
            retry: RetryAdvice::DOUBLING,
            cause: NotAcceptedCause::NoConnection,
            error: None,
        };
    }
    SendResult::Ambiguous {
        cause: if failure.is_timeout() {
            AmbiguousCause::Timeout
        } else {
            AmbiguousCause::Broken
        },
        error: None,
    }
}

/// Says what failed without the URL, which names the number.
pub(super) fn unreachable(failure: reqwest::Error) -> GraphError {
    let failure = failure.without_url();
    let mut text = failure.to_string();
    let mut source = std::error::Error::source(&failure);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    GraphError::Unreachable(text)
}
