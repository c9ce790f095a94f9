//! What a conversation knows of the last broadcast whose message it got, and what of its customer's doings counts for that.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Reaction;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{BroadcastId, MessageId};

/// The last broadcast whose message a conversation got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBroadcast {
    /// Which.
    #[serde(rename = "broadcast_id")]
    pub broadcast: BroadcastId,
    /// The message.
    pub message_id: MessageId,
    /// What the customer did since, each counted once.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reactions: BTreeSet<Reaction>,
}

impl LastBroadcast {
    /// How long after the message what a customer does counts for the broadcast.
    pub const COUNTS_FOR: Duration = Duration::from_hours(7 * 24);

    /// Notes what the customer did; says whether it is to be counted.
    pub fn react(&mut self, reaction: Reaction, now: Timestamp) -> bool {
        let counts = now < self.message_id.timestamp().after(Self::COUNTS_FOR);
        counts && self.reactions.insert(reaction)
    }
}
