//! Meta's side of the webhooks: what is waiting to be posted, how it is written, signed, posted and repeated.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>

mod batch;
mod deliver;
mod outbox;
pub(crate) mod signature;
mod wire;

pub(crate) use deliver::{run, verify};
pub(crate) use outbox::{OtherUpdate, Outbox, Review, Update, micros};

use serde::{Deserialize, Serialize};

/// What happened to webhooks so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookStats {
    /// Requests posted, repetitions included.
    pub posted: u64,
    /// Requests answered 200.
    pub accepted: u64,
    /// Requests answered otherwise or not at all.
    pub failed: u64,
    /// Webhooks given up after the last repetition.
    pub abandoned: u64,
    /// Badly signed webhooks posted.
    pub forged: u64,
    /// Badly signed webhooks that were answered 200: must stay 0.
    pub forged_accepted: u64,
    /// Updates of accounts to which no app is subscribed.
    pub unheard: u64,
    /// Updates waiting for their time.
    pub waiting: u64,
    /// Webhooks waiting for their repetition.
    pub retrying: u64,
    /// Requests under way.
    pub in_flight: u64,
}

impl WebhookStats {
    /// Whether nothing is left to post.
    pub fn quiet(&self) -> bool {
        self.waiting == 0 && self.retrying == 0 && self.in_flight == 0
    }
}
