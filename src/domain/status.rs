//! How far an outbound message has come: a lattice of times, merged by rank and never by arrival.
//!
//! Meta's statuses come twice, late, early and out of order. Every time is kept at its earliest value and the state shown
//! is computed from all of them, so that any order of the same statuses gives the same result.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// The state shown for an outbound message, in order of rank; `Failed`, `Expired` and `Cancelled` stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Accepted and durable; waits for its lane, or for its `send_at`.
    Queued,
    /// An attempt is claimed: one call to Meta may be under way.
    Claimed,
    /// Nobody can tell yet whether Meta took it. Never repeated blindly.
    Unknown,
    /// Meta took it but holds it back for a quality check of its template.
    Held,
    /// Meta took it.
    Sent,
    /// It reached the phone.
    Delivered,
    /// The customer read it.
    Read,
    /// The customer played the voice note.
    Played,
    /// Meta refused it, at once or later.
    Failed,
    /// Its validity ended before it could be sent.
    Expired,
    /// It was taken back before it was claimed.
    Cancelled,
}

impl DeliveryState {
    /// Whether nothing more is expected, except a better status for a sent one.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Queued | Self::Claimed | Self::Unknown | Self::Held)
    }

    /// Whether it did not reach the customer and will not.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }

    /// Name used in the API, in events and in metrics.
    pub const fn as_str(self) -> &'static str {
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

/// When an outbound message first reached each state. All absent means queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatusTimes {
    /// When the first attempt was claimed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claimed: Option<Timestamp>,
    /// When an attempt's outcome became unknown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown: Option<Timestamp>,
    /// When Meta said that it holds the message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held: Option<Timestamp>,
    /// When Meta took it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sent: Option<Timestamp>,
    /// When it reached the phone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered: Option<Timestamp>,
    /// When it was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read: Option<Timestamp>,
    /// When the voice note was played.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub played: Option<Timestamp>,
    /// When it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed: Option<Timestamp>,
    /// When its validity ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expired: Option<Timestamp>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled: Option<Timestamp>,
}

impl StatusTimes {
    /// Times with a single state set.
    pub fn only(state: DeliveryState, at: Timestamp) -> Self {
        let mut times = Self::default();
        times.record(state, at);
        times
    }

    /// Notes that a state was reached; an earlier note of the same state wins.
    pub fn record(&mut self, state: DeliveryState, at: Timestamp) {
        let slot = match state {
            DeliveryState::Queued => return,
            DeliveryState::Claimed => &mut self.claimed,
            DeliveryState::Unknown => &mut self.unknown,
            DeliveryState::Held => &mut self.held,
            DeliveryState::Sent => &mut self.sent,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Read => &mut self.read,
            DeliveryState::Played => &mut self.played,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Expired => &mut self.expired,
            DeliveryState::Cancelled => &mut self.cancelled,
        };
        *slot = earliest(*slot, Some(at));
    }

    /// When a state was first reached.
    pub const fn of(&self, state: DeliveryState) -> Option<Timestamp> {
        match state {
            DeliveryState::Queued => None,
            DeliveryState::Claimed => self.claimed,
            DeliveryState::Unknown => self.unknown,
            DeliveryState::Held => self.held,
            DeliveryState::Sent => self.sent,
            DeliveryState::Delivered => self.delivered,
            DeliveryState::Read => self.read,
            DeliveryState::Played => self.played,
            DeliveryState::Failed => self.failed,
            DeliveryState::Expired => self.expired,
            DeliveryState::Cancelled => self.cancelled,
        }
    }

    /// Joins two sets of times. Commutative, associative and idempotent.
    pub fn merge(self, other: Self) -> Self {
        Self {
            claimed: earliest(self.claimed, other.claimed),
            unknown: earliest(self.unknown, other.unknown),
            held: earliest(self.held, other.held),
            sent: earliest(self.sent, other.sent),
            delivered: earliest(self.delivered, other.delivered),
            read: earliest(self.read, other.read),
            played: earliest(self.played, other.played),
            failed: earliest(self.failed, other.failed),
            expired: earliest(self.expired, other.expired),
            cancelled: earliest(self.cancelled, other.cancelled),
        }
    }

    /// The state to show: the highest rank, and failure only while nothing proves delivery.
    pub fn state(&self) -> DeliveryState {
        if self.played.is_some() {
            DeliveryState::Played
        } else if self.read.is_some() {
            DeliveryState::Read
        } else if self.delivered.is_some() {
            DeliveryState::Delivered
        } else if self.failed.is_some() {
            DeliveryState::Failed
        } else if self.sent.is_some() {
            DeliveryState::Sent
        } else if self.held.is_some() {
            DeliveryState::Held
        } else if self.expired.is_some() {
            DeliveryState::Expired
        } else if self.cancelled.is_some() {
            DeliveryState::Cancelled
        } else if self.unknown.is_some() {
            DeliveryState::Unknown
        } else if self.claimed.is_some() {
            DeliveryState::Claimed
        } else {
            DeliveryState::Queued
        }
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [DeliveryState; 10] = [
        DeliveryState::Claimed,
        DeliveryState::Unknown,
        DeliveryState::Held,
        DeliveryState::Sent,
        DeliveryState::Delivered,
        DeliveryState::Read,
        DeliveryState::Played,
        DeliveryState::Failed,
        DeliveryState::Expired,
        DeliveryState::Cancelled,
    ];

    #[test]
    fn a_late_sent_status_does_not_undo_delivered() {
        let delivered = StatusTimes::only(DeliveryState::Delivered, Timestamp::from_secs(10));
        let late = delivered.merge(StatusTimes::only(DeliveryState::Sent, Timestamp::from_secs(9)));
        assert_eq!(late.state(), DeliveryState::Delivered);
    }

    #[test]
    fn a_failure_beats_sent_but_not_delivered() {
        let failed = StatusTimes::only(DeliveryState::Failed, Timestamp::from_secs(1));
        let sent = StatusTimes::only(DeliveryState::Sent, Timestamp::from_secs(1));
        let delivered = StatusTimes::only(DeliveryState::Delivered, Timestamp::from_secs(1));
        assert_eq!(failed.merge(sent).state(), DeliveryState::Failed);
        assert_eq!(failed.merge(delivered).state(), DeliveryState::Delivered);
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_of_statuses_gives_one_result(
            steps in proptest::collection::vec((0_usize..10, 0_i64..1_000), 0..12),
            turn in 0_usize..12,
        ) {
            let apply = |order: &[(usize, i64)]| order.iter().fold(StatusTimes::default(), |times, (state, at)| {
                times.merge(StatusTimes::only(ALL[*state], Timestamp::from_millis(*at)))
            });
            let mut turned = steps.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
                turned.reverse();
                turned.push(steps[by]);
            }
            prop_assert_eq!(apply(&steps), apply(&turned));
        }
    }
}
