//! What Meta tells of messages: that they were written, and that their authors changed them.

use std::sync::Arc;

use super::customer::Naming;
use crate::domain::message::{Amendment, Side, Via};
use crate::domain::{Alias, ContactAliases, Content, Keyword, PhoneNumberId, Timestamp, Wamid};

/// A message that Meta tells of.
#[derive(Debug, Clone)]
pub struct Receive {
    /// The business number.
    pub number: PhoneNumberId,
    /// Who wrote it.
    pub by: Side,
    /// How it came to be known, when it was not sent to this gateway.
    pub via: Option<Via>,
    /// Names of the customer who wrote it, or to whom the business wrote. Empty where Meta names nobody.
    pub aliases: ContactAliases,
    /// Whether the customer goes by these names now.
    pub naming: Naming,
    /// The group that it was written in; then the conversation is the group's.
    pub group: Option<Alias>,
    /// Profile name.
    pub name: Option<Arc<str>>,
    /// User name.
    pub username: Option<Arc<str>>,
    /// Meta's id: the message is taken once.
    pub wamid: Wamid,
    /// Meta's time.
    pub at: Timestamp,
    /// What it says.
    pub content: Content,
    /// What it asks for by being one of the words for it.
    pub keyword: Option<Keyword>,
}

/// An author's change of a message.
#[derive(Debug, Clone)]
pub struct Amend {
    /// The change as it came.
    pub notice: Receive,
    /// Meta's id of the message.
    pub original: Wamid,
    /// What changes.
    pub change: Amendment,
}
