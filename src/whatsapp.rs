//! Meta's Cloud API in our words: what comes in, what goes out, and what an answer proves.
//!
//! [`signature`] vouches for a webhook's bytes and [`webhook`] reads them; [`outbound`] checks what a caller wants to send,
//! [`templates`] whether it fills its template, and [`mod@payload`] writes it for Graph; [`client`] makes the call and says what its outcome proves; [`error`] knows
//! Meta's codes. Nothing here stores, routes or decides.

pub mod client;
pub mod error;
mod lenient;
pub mod number_check;
pub mod outbound;
pub mod payload;
#[cfg(test)]
#[path = "../tests/payloads/folders.rs"]
pub(crate) mod payloads;
mod place;
pub mod signature;
#[cfg(test)]
mod simulated;
pub mod templates;
pub mod webhook;

pub use client::{
    Acceptance, BearerToken, Graph, GraphClient, GraphError, GraphNumbers, SendCall, SendResult,
};
pub use error::{ContactRefusal, PauseReason, RefusalScope, RetryAdvice, RetryScope};

pub use outbound::{Audience, MessageClass, OutboundContent, parse_outbound};
pub use payload::{Recipient, payload, with_token};
pub use signature::{AppIndex, AppSecret, Signature, SignatureError};
pub use webhook::{
    Element, IdentityChange, IncomingMessage, IncomingStatus, Malformed, OtherEvent, ParseError, Webhook,
    parse,
};
