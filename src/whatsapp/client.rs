//! Calls to the Graph API, and what their outcomes prove.
//!
//! [`Graph`] is what lanes and commands know; [`GraphClient`] is the real one. A call is made once: whether it may be made
//! again is for the lane to decide, from what [`SendResult`] proves. A call whose future is dropped is ambiguous.

mod answer;
mod files;
mod http;
mod samples;
mod templates;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::error::{RefusalScope, RetryAdvice};
use super::number_check::{NumberFacts, SubscribedApp};
use crate::domain::{Alias, ContactAliases, MetaError, PhoneNumberId, WabaId, Wamid};

pub use files::{FileAddress, FileUpload, GraphFiles, Pieces};
pub use http::{ClientError, GraphClient, GraphSettings};
pub use samples::{Sample, SampleRest, SampleSession};
pub use templates::{GraphTemplates, TemplatePage};

/// An access token as the header wants it, checked once. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(reqwest::header::HeaderValue);

/// Why a text cannot be an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an access token must be visible ASCII characters")]
pub struct BearerTokenError;

impl BearerToken {
    /// Checks that the token can stand in a header.
    pub fn parse(token: &str) -> Result<Self, BearerTokenError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BearerTokenError);
        }
        let mut header = reqwest::header::HeaderValue::from_str(&format!("Bearer {token}"))
            .ok()
            .ok_or(BearerTokenError)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// One call that sends a message.
#[derive(Clone)]
pub struct SendCall {
    /// The number that sends.
    pub number: PhoneNumberId,
    /// Its token.
    pub token: BearerToken,
    /// The request body, attempt token included: see [`super::payload::with_token`]. Personal data.
    pub body: Bytes,
}

impl fmt::Debug for SendCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendCall({}, {} bytes)", self.number, self.body.len())
    }
}

/// What is done to a customer on a number's blocklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockChange {
    /// They can neither write nor be written to.
    Block,
    /// They can again.
    Unblock,
}

/// One call about one customer of a number's blocklist.
#[derive(Debug, Clone)]
pub struct BlockCall {
    /// The number that blocks.
    pub number: PhoneNumberId,
    /// Its token.
    pub token: BearerToken,
    /// What is done.
    pub change: BlockChange,
    /// To whom: a phone or a BSUID. Meta takes no parent BSUID here.
    pub who: Alias,
}

/// A page of a number's blocklist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockedPage {
    /// By what Meta names those who stand there.
    pub names: Vec<Alias>,
    /// Where the next page begins; `None` at the end.
    pub after: Option<String>,
}

/// What Meta does with a message that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It goes out now.
    Sending,
    /// It waits for a quality check of its template, and may be dropped after it.
    Held,
}

/// What a call that sends proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendResult {
    /// Meta took the message.
    Accepted {
        /// Meta's id.
        wamid: Wamid,
        /// What Meta does with it.
        acceptance: Acceptance,
        /// By what other names than those it was sent to Meta knows the recipient, as far as it says so.
        recipient: ContactAliases,
    },
    /// Provably not taken: it may be tried again after a wait.
    NotAccepted {
        /// When, and whom the wait concerns.
        retry: RetryAdvice,
        /// Why.
        cause: NotAcceptedCause,
        /// What Meta said, if it was reached.
        error: Option<MetaError>,
    },
    /// Refused for good.
    Refused {
        /// How far the refusal reaches.
        scope: RefusalScope,
        /// What Meta said.
        error: MetaError,
    },
    /// It may or may not have gone out. Never repeated blindly.
    Ambiguous {
        /// Why nobody can tell.
        cause: AmbiguousCause,
        /// What Meta said, if anything readable.
        error: Option<MetaError>,
    },
}

/// Why a message was provably not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotAcceptedCause {
    /// No connection: not a byte of the request left.
    NoConnection,
    /// Meta limits the rate.
    Throttled,
    /// Meta said that it did not process the request.
    Unprocessed,
    /// Not the Graph API answered, but a proxy, a redirect or nobody that says who it is.
    NotGraph,
}

impl NotAcceptedCause {
    /// Name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoConnection => "no_connection",
            Self::Throttled => "throttled",
            Self::Unprocessed => "unprocessed",
            Self::NotGraph => "not_graph",
        }
    }
}

/// Why nobody can tell what became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AmbiguousCause {
    /// No answer in time.
    Timeout,
    /// The connection broke after the request began to leave.
    Broken,
    /// An answer came that cannot be read.
    Unreadable,
    /// Meta reported an error of its own.
    ServerError,
}

impl AmbiguousCause {
    /// Name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Unreadable => "unreadable",
            Self::ServerError => "server_error",
        }
    }

    /// What is told where Meta said nothing.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Timeout => "WhatsApp did not answer in time",
            Self::Broken => "the connection broke before WhatsApp answered",
            Self::Unreadable => "WhatsApp's answer cannot be read",
            Self::ServerError => "WhatsApp had an error of its own",
        }
    }
}

/// Why a call that sends no message failed. Such calls may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// No answer.
    #[error("the Graph API cannot be reached: {0}")]
    Unreachable(String),
    /// Meta refused.
    #[error("the Graph API answered {http_status}: {} (code {})", error.title, error.code)]
    Refused {
        /// The HTTP status.
        http_status: u16,
        /// What Meta said.
        error: MetaError,
    },
    /// The answer is not what the documentation says.
    #[error("the Graph API's answer cannot be read: {0}")]
    Unreadable(String),
}

/// What the gateway asks of the Graph API about numbers.
#[async_trait]
pub trait GraphNumbers: Send + Sync + 'static {
    /// What Meta says about a number.
    async fn describe_number(
        &self,
        number: &PhoneNumberId,
        token: &BearerToken,
    ) -> Result<NumberFacts, GraphError>;
}

/// What the gateway asks of the Graph API.
#[async_trait]
pub trait Graph: GraphNumbers {
    /// Sends a message: one HTTP request, never repeated.
    /// Source: Cloud API, `POST /{phone-number-id}/messages`.
    async fn send(&self, call: SendCall) -> SendResult;

    /// Marks an inbound message, and all before it, as read; the body may ask for a typing sign too.
    /// See [`super::payload::mark_read`].
    async fn mark_read(&self, call: SendCall) -> Result<(), GraphError>;

    /// Has a number block a customer, or block them no more. Repeating it changes nothing.
    /// Source: Cloud API, Block users (May 21 2026).
    async fn block(&self, call: BlockCall) -> Result<(), GraphError>;

    /// A page of whom a number blocks.
    async fn blocked(
        &self,
        number: &PhoneNumberId,
        after: Option<&str>,
        token: &BearerToken,
    ) -> Result<BlockedPage, GraphError>;

    /// The apps that get an account's webhooks.
    async fn subscribed_apps(
        &self,
        waba: &WabaId,
        token: &BearerToken,
    ) -> Result<Vec<SubscribedApp>, GraphError>;

    /// Subscribes the token's app to an account's webhooks.
    async fn subscribe_app(&self, waba: &WabaId, token: &BearerToken) -> Result<(), GraphError>;

    /// Has Meta say what time it is, which the clock is told as by every other answer.
    async fn ask_time(&self) -> Result<(), GraphError>;
}
