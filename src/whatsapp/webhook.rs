//! A webhook's bytes in the gateway's words: leniently, so that no element can fail its batch.
//!
//! Nothing that Meta sends is dropped: what this version does not know is kept raw as [`Element::Other`], and what cannot be
//! read at all becomes [`Element::Malformed`] with a body that can be replayed. Whose number it is, and what to do about
//! an element, is for the layers above.
//! Source: Cloud API, Webhooks overview and references (Nov 2025 to Sep 2026).

mod aliases;
mod calls;
mod coexistence;
mod debug;
mod envelope;
mod glance;
mod message;
mod numbers;
mod other;
mod preferences;
mod read;
mod status;
mod surrogates;
mod templates;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::domain::message::{Amendment, Side, Via};
use crate::domain::{
    AttemptToken, ContactAliases, Content, DeliveryState, MetaError, PhoneNumberId, Timestamp, WabaId, Wamid,
    WamidHash,
};

pub use calls::{IncomingCall, calls};
pub use glance::{Glance, Haste, glance};
pub use numbers::{NumberNews, Warning, is_about_numbers, number_news};
pub use preferences::{Preference, preferences};
pub use read::parse;
pub use templates::{TemplateChange, TemplateNews, template_news};

/// Everything that one POST holds, in its order.
#[derive(Debug, Clone, Default)]
pub struct Webhook {
    /// The elements.
    pub elements: Vec<Element>,
}

/// Why a body is no webhook at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is JSON without `entry`.
    #[error("the body has no entries")]
    NoEntries,
}

/// One thing that a webhook tells.
#[derive(Debug, Clone)]
pub enum Element {
    /// A message: a customer's, or one that the business wrote elsewhere.
    Message(Box<IncomingMessage>),
    /// How far an outbound message has come.
    Status(Box<IncomingStatus>),
    /// Anything else, kept as it came.
    Other(Box<OtherEvent>),
    /// Something that cannot be read.
    Malformed(Malformed),
}

/// A message: a customer's, or one that the business wrote elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingMessage {
    /// The business number.
    pub number: PhoneNumberId,
    /// Who wrote it.
    pub by: Side,
    /// How it came to be known, when it was not sent to this gateway.
    pub via: Option<Via>,
    /// That number as people write it, if told.
    pub display_phone: Option<Arc<str>>,
    /// The account, since 2026 the Messaging Account.
    pub waba: Option<WabaId>,
    /// Names of the customer, whoever wrote it. For a message that tells of a change, the names before it. Empty only where
    /// an imported message of the business names nobody.
    pub aliases: ContactAliases,
    /// Profile name.
    pub name: Option<Arc<str>>,
    /// User name, without `@`.
    pub username: Option<Arc<str>>,
    /// Meta's id.
    pub wamid: Wamid,
    /// Meta's time.
    pub at: Timestamp,
    /// What it says: Meta's object without id, sender and time.
    pub content: Content,
    /// The group that it was written in; the names are its writer's.
    pub group_id: Option<Arc<str>>,
    /// The change of number or identity that it tells.
    pub identity_change: Option<IdentityChange>,
    /// The change of another message that it tells.
    pub amends: Option<Amends>,
}

/// An author changes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amends {
    /// Meta's id of the message.
    pub original: Wamid,
    /// What changes.
    pub change: Amendment,
}

/// A customer goes by new names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityChange {
    /// Names before. Never empty.
    pub from: ContactAliases,
    /// Names since. Never empty.
    pub to: ContactAliases,
}

/// How far an outbound message has come.
#[derive(Clone)]
pub struct IncomingStatus {
    /// The number that sent it.
    pub number: PhoneNumberId,
    /// That number as people write it, if told.
    pub display_phone: Option<Arc<str>>,
    /// The account.
    pub waba: Option<WabaId>,
    /// Meta's id of the message.
    pub wamid: Wamid,
    /// What is reported: `Sent`, `Delivered`, `Read`, `Played` or `Failed`.
    pub state: DeliveryState,
    /// Meta's time.
    pub at: Timestamp,
    /// Our own attempt, if the callback data is one of our tokens.
    pub token: Option<AttemptToken>,
    /// The callback data as it came.
    pub callback_data: Option<Arc<str>>,
    /// Meta's error, for a failure.
    pub error: Option<MetaError>,
    /// Meta's pricing object, as it came.
    pub pricing: Option<Arc<RawValue>>,
    /// Names of the recipient; for a group, of the member who is reported on. May be empty.
    pub aliases: ContactAliases,
    /// The group that it was sent to.
    pub group_id: Option<Arc<str>>,
    raw: Arc<RawValue>,
}

/// Anything that is neither a message nor a status, as it came.
#[derive(Clone)]
pub struct OtherEvent {
    /// The webhook field: `account_update`, `user_preferences`, …; empty when Meta named none.
    pub field: Arc<str>,
    /// The number that it concerns, if told.
    pub number: Option<PhoneNumberId>,
    /// That number as people write it, if told; some fields tell nothing else.
    pub display_phone: Option<Arc<str>>,
    /// The entry's id: the account, or for some partner events the partner's portfolio.
    pub waba: Option<WabaId>,
    /// Which part of the field's value this is: `value` for all of it, else the key it stood under.
    pub part: Arc<str>,
    /// The part as it came. Personal data.
    pub value: Arc<RawValue>,
    /// When Meta noticed it, if told.
    pub at: Option<Timestamp>,
    /// The same for every repetition of the same event.
    pub key: WamidHash,
}

/// An element that cannot be read.
#[derive(Clone)]
pub struct Malformed {
    /// Why, as a stable code.
    pub reason: MalformedReason,
    /// A complete webhook body that holds just this element. Personal data.
    pub body: Bytes,
}

/// Why an element cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MalformedReason {
    /// It is not an object, where one must be.
    Shape,
    /// Messages or statuses of no number.
    NoNumber,
    /// Nested deeper than anything that Meta sends.
    TooDeep,
}

impl MalformedReason {
    /// Name used in metrics and in quarantine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::NoNumber => "no_number",
            Self::TooDeep => "too_deep",
        }
    }
}

impl IncomingStatus {
    /// The status as it came. Personal data.
    pub fn raw(&self) -> &RawValue {
        &self.raw
    }
}

impl Element {
    /// A complete webhook body that holds just this element: parsing it gives the element again.
    pub fn to_single_webhook(&self) -> Bytes {
        match self {
            Self::Message(message) => envelope::wrap_message(message),
            Self::Status(status) => envelope::wrap_status(status),
            Self::Other(other) => envelope::wrap_other(other),
            Self::Malformed(malformed) => malformed.body.clone(),
        }
    }

    /// The number that the element concerns, if told.
    pub fn number(&self) -> Option<&PhoneNumberId> {
        match self {
            Self::Message(message) => Some(&message.number),
            Self::Status(status) => Some(&status.number),
            Self::Other(other) => other.number.as_ref(),
            Self::Malformed(_) => None,
        }
    }

    /// What it is, as metrics call it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Status(_) => "status",
            Self::Other(_) => "other",
            Self::Malformed(_) => "malformed",
        }
    }
}
