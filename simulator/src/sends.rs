//! What Graph accepted. One small record for each send, so that a million fit; the newest bodies are kept beside it.

use std::collections::VecDeque;

use serde::Serialize;

use super::customers::CustomerIndex;
use super::numbers::NumberIndex;
use crate::clock::Timestamp;
use crate::token::AttemptToken;

/// An accepted send's place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SendIndex(pub(crate) u32);

/// What came in `biz_opaque_callback_data`.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// Nothing.
    None,
    /// A token of the gateway.
    Attempt(AttemptToken),
    /// Somebody else's text.
    Other(Box<str>),
}

impl Token {
    pub(crate) fn of(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::None };
        AttemptToken::read(text)
            // Only what is written back to the same letter may be kept in short form: statuses echo it.
            .filter(|token| token.to_string() == text)
            .map_or_else(|| Self::Other(text.into()), Self::Attempt)
    }

    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Attempt(token) => Some(token.to_string()),
            Self::Other(text) => Some(text.to_string()),
        }
    }
}

/// Whom a message was addressed to, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// By phone number.
    Phone(CustomerIndex),
    /// By business-scoped user id.
    UserId(CustomerIndex),
    /// A group, by its place among the groups.
    Group(u32),
}

impl Recipient {
    pub(crate) const fn customer(self) -> Option<CustomerIndex> {
        match self {
            Self::Phone(index) | Self::UserId(index) => Some(index),
            Self::Group(_) => None,
        }
    }
}

/// What Meta charges a message as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Service,
    FreeService,
    Utility,
    Marketing,
    MarketingLite,
    Authentication,
}

impl Category {
    /// `pricing.category`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Service | Self::FreeService => "service",
            Self::Utility => "utility",
            Self::Marketing => "marketing",
            Self::MarketingLite => "marketing_lite",
            Self::Authentication => "authentication",
        }
    }
}

/// One accepted send.
#[derive(Debug, Clone)]
pub(crate) struct Send {
    pub(crate) at: Timestamp,
    pub(crate) number: NumberIndex,
    pub(crate) to: Recipient,
    /// The address in its wamid.
    pub(crate) address: u64,
    pub(crate) kind: &'static str,
    pub(crate) category: Category,
    pub(crate) token: Token,
    /// The furthest status that was posted, or is about to be.
    pub(crate) reached: Option<Step>,
}

/// A status, in the order in which they happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Sent,
    Delivered,
    Read,
    Failed,
}

impl Step {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// An accepted send, as the control interface tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct SendView {
    /// Its position: later sends have higher ones.
    pub index: u32,
    /// Meta's id.
    pub wamid: String,
    /// The business number.
    pub phone_number_id: String,
    /// The customer's phone, id, or the group.
    pub to: String,
    /// The message type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_at_ms: i64,
    /// What came in `biz_opaque_callback_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The message id inside the token, when the gateway wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The attempt inside the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u8>,
    /// The furthest status so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The body, while it is among the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

/// All accepted sends.
#[derive(Debug)]
pub(crate) struct Sends {
    all: Vec<Send>,
    bodies: VecDeque<Box<str>>,
    keep_bodies: usize,
}

impl Sends {
    pub(crate) fn new(keep_bodies: usize) -> Self {
        Self {
            all: Vec::new(),
            bodies: VecDeque::new(),
            keep_bodies,
        }
    }

    pub(crate) fn add(&mut self, send: Send, body: &str) -> SendIndex {
        let index = SendIndex(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(send);
        if self.keep_bodies > 0 {
            if self.bodies.len() >= self.keep_bodies {
                self.bodies.pop_front();
            }
            self.bodies.push_back(body.into());
        }
        index
    }

    pub(crate) fn get(&self, index: SendIndex) -> Option<&Send> {
        self.all.get(usize::try_from(index.0).ok()?)
    }

    pub(crate) fn get_mut(&mut self, index: SendIndex) -> Option<&mut Send> {
        self.all.get_mut(usize::try_from(index.0).ok()?)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SendIndex, &Send)> {
        (0_u32..).map(SendIndex).zip(&self.all)
    }

    pub(crate) fn body(&self, index: SendIndex) -> Option<&str> {
        let first_kept = self.all.len().checked_sub(self.bodies.len())?;
        let offset = usize::try_from(index.0).ok()?.checked_sub(first_kept)?;
        self.bodies.get(offset).map(|body| &**body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{MessageId, TenantId};

    fn send() -> Send {
        Send {
            at: Timestamp::default(),
            number: NumberIndex(0),
            to: Recipient::Group(0),
            address: 1,
            kind: "text",
            category: Category::Service,
            token: Token::None,
            reached: None,
        }
    }

    #[test]
    fn only_the_newest_bodies_are_kept() {
        let mut sends = Sends::new(2);
        for body in ["a", "b", "c"] {
            sends.add(send(), body);
        }
        assert_eq!(sends.body(SendIndex(0)), None);
        assert_eq!(sends.body(SendIndex(1)), Some("b"));
        assert_eq!(sends.body(SendIndex(2)), Some("c"));
        assert_eq!(sends.body(SendIndex(3)), None);
    }

    #[test]
    fn a_token_comes_back_to_the_letter() {
        let ours = AttemptToken {
            tenant: TenantId::from_bytes([1; 8]),
            conversation: [2; 16],
            message: MessageId::from_bytes([3; 16]),
            attempt: 1,
        }
        .to_string();
        for text in [ours.as_str(), "order 7", ""] {
            assert_eq!(Token::of(Some(text)).text().as_deref(), Some(text));
        }
        assert!(matches!(Token::of(Some(&ours)), Token::Attempt(_)));
        assert_eq!(Token::of(None).text(), None);
    }

    #[test]
    fn a_send_is_small() {
        assert!(size_of::<Send>() <= 128, "{}", size_of::<Send>());
    }
}
