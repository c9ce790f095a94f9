//! The form in which a tenant's rows are dumped, the same for all backends, so that dumps can be compared byte by byte.

use bytes::Bytes;
use serde::Serialize;

use super::error::StoreError;
use crate::domain::{Epoch, Seq, Timestamp};

/// What kind of row a dumped key names; its first byte, and so the order of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Where the ledger stands.
    Head,
    /// The tenant itself.
    Tenant,
    /// A number, by Meta's id.
    Number,
    /// An API key, by its hash.
    Key,
    /// An agent, by id.
    Agent,
    /// An event, by position.
    Event,
    /// A conversation, by id.
    Conversation,
    /// A message, by conversation and id.
    Message,
    /// Something that happened once, by digest.
    Seen,
    /// A contact, by id.
    Contact,
    /// What an alias leads to, by digest.
    Alias,
    /// An answer to a named request, by digest.
    Idempotency,
    /// An unsettled outbound message, by number and id.
    Outbox,
    /// The last change of retention.
    Retention,
}

impl Family {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Head => b'0',
            Self::Tenant => b'1',
            Self::Number => b'2',
            Self::Key => b'3',
            Self::Agent => b'4',
            Self::Event => b'5',
            Self::Conversation => b'6',
            Self::Message => b'7',
            Self::Seen => b'8',
            Self::Contact => b'9',
            Self::Alias => b'a',
            Self::Idempotency => b'b',
            Self::Outbox => b'c',
            Self::Retention => b'd',
        }
    }
}

/// A ledger's head as it is dumped.
#[derive(Debug, Serialize)]
pub(super) struct HeadRow {
    pub(super) epoch: Epoch,
    pub(super) head: Seq,
}

#[derive(Serialize)]
struct Value<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    row: &'a T,
}

/// One dumped row. The parts of its key are joined as they are.
pub(super) fn entry(
    family: Family,
    key: &[&[u8]],
    expires: Option<Timestamp>,
    row: &impl Serialize,
) -> Result<(Bytes, Bytes), StoreError> {
    let mut name = vec![family.code()];
    for part in key {
        name.extend_from_slice(part);
    }
    let value =
        serde_json::to_vec(&Value { expires, row }).map_err(|error| StoreError::corrupt("row", error))?;
    Ok((name.into(), value.into()))
}
