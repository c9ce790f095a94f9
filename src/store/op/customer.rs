//! What Meta tells of a customer beside messages.

use crate::domain::{ContactAliases, MarketingWish, PhoneNumberId, Timestamp, WamidHash};

/// Whether names are those by which somebody goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// By these, at the time of the message.
    Current,
    /// By these others: the message tells of a change.
    Former(ContactAliases),
}

/// A customer's call, which opens the service window like a message.
/// Source: Cloud API, Calling, User-initiated calls (2025).
#[derive(Debug, Clone)]
pub struct Called {
    /// The number that was called.
    pub number: PhoneNumberId,
    /// Names of the customer.
    pub aliases: ContactAliases,
    /// Meta's time.
    pub at: Timestamp,
}

/// A contact's number or identity changed.
#[derive(Debug, Clone)]
pub struct Relate {
    /// The number that was told.
    pub number: PhoneNumberId,
    /// Meta's time.
    pub at: Timestamp,
    /// Names that it went by.
    pub from: ContactAliases,
    /// Names that it goes by now.
    pub to: ContactAliases,
    /// Taken once per key.
    pub once: WamidHash,
}

/// What a customer wants to be sent, in Meta's words.
#[derive(Debug, Clone)]
pub struct Prefer {
    /// The number that was told, if one was.
    pub number: Option<PhoneNumberId>,
    /// Names of the customer.
    pub aliases: ContactAliases,
    /// What was said.
    pub wish: MarketingWish,
    /// Meta's time, if told; else it counts from the commit.
    pub at: Option<Timestamp>,
}
