//! What the gateway's history says of a message.

use serde::{Deserialize, Serialize};

/// The state of an outbound message, as the gateway's API writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Accepted; not called for.
    Queued,
    /// A call may be under way.
    Claimed,
    /// Nobody can tell whether Meta took it.
    Unknown,
    /// Meta took it and holds it back.
    Held,
    /// Meta took it.
    Sent,
    /// It reached the phone.
    Delivered,
    /// The customer read it.
    Read,
    /// The customer played the voice note.
    Played,
    /// Meta refused it.
    Failed,
    /// Its validity ended before it could be sent.
    Expired,
    /// It was taken back before it was claimed.
    Cancelled,
}

impl DeliveryState {
    /// Its name in the gateway's API.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Claimed => "claimed",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}
