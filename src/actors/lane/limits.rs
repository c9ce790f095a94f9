//! The bounds of a lane, each with its reason.

use std::time::Duration;

use crate::limiter::PairRule;

/// Bounds, deadlines and policies of a lane. The defaults suit production.
#[derive(Debug, Clone)]
pub struct LaneLimits {
    /// Messages to the lane itself that are not handled yet. A refused one is found in the outbox again.
    pub mailbox: usize,
    /// Waiting messages kept in memory, of each priority: about 3 MB. The rest stays in the outbox.
    pub waiting: usize,
    /// Messages kept in memory whose time has not come. The rest stays in the outbox.
    pub scheduled: usize,
    /// Unknown outcomes kept in memory. The rest stays in the outbox.
    pub watched: usize,
    /// Outbox rows read at once.
    pub page: usize,
    /// Calls in flight at the least. A fast number has as many as half a second of its rate, so that answers which take
    /// that long do not slow it down.
    pub in_flight: usize,
    /// Places in flight that bulk leaves to interactive messages, however slow the answers are.
    pub kept_for_interactive: usize,
    /// Claims asked for at once, and claims of a priority that wait for their call: what may become unknown if the machine
    /// dies, or on a cluster the process.
    pub claims: usize,
    /// Claims are kept ready for so long at the least, so that a store that stands still does not stop the calls.
    pub ready: Duration,
    /// Bulk gets one of this many messages when interactive ones wait too.
    pub bulk_one_in: u32,
    /// How fast one customer may be written to.
    pub pair: PairRule,
    /// How long a call may take before it counts as unknown. Longer than the client's own limit.
    pub call_deadline: Duration,
    /// Read receipts and typing signs that wait or are under way.
    pub receipts: usize,
    /// How long a receipt may wait, and how long its call may take.
    pub receipt_deadline: Duration,
    /// Calls for one message. Below 255, which no claim can exceed.
    pub max_attempts: u8,
    /// How long a message without `valid_until` is tried again after its first refusal.
    pub retry_for: Duration,
    /// A message that waits longer than this for its next try lets later ones to the same customer pass.
    pub order_patience: Duration,
    /// When an unknown outcome is given up or sent again.
    pub unknown: UnknownLimits,
    /// How long a paused lane stands still before one message is tried. Doubles with each refusal, up to an hour.
    pub probe_after: Duration,
    /// The same for bulk alone, up to 24 hours: trying earlier would hurt the number's quality.
    pub bulk_probe_after: Duration,
    /// Ambiguous answers in a row after which the circuit breaker opens: Meta has trouble, and each further call would add an
    /// unknown outcome.
    pub trip_after: u32,
}

/// When an unknown outcome is given up or sent again. Times count from the claim.
#[derive(Debug, Clone, Copy)]
pub struct UnknownLimits {
    /// Sent once more under the policy that allows it.
    pub send_again_after: Duration,
    /// Given up, if webhooks are proven to arrive.
    pub give_up_after: Duration,
    /// Statuses of later claims that prove it.
    pub proof: usize,
    /// Given up in any case. Also the time in which Meta may report on a message that it holds back.
    pub at_latest: Duration,
    /// How often something is looked at again that could be given up but for proof.
    pub recheck: Duration,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self {
            mailbox: 2_048,
            waiting: 10_000,
            scheduled: 10_000,
            watched: 10_000,
            page: 500,
            in_flight: 40,
            kept_for_interactive: 4,
            claims: 128,
            ready: Duration::from_millis(20),
            bulk_one_in: 20,
            pair: PairRule::default(),
            call_deadline: Duration::from_secs(45),
            receipts: 16,
            receipt_deadline: Duration::from_secs(5),
            max_attempts: 200,
            retry_for: Duration::from_hours(24),
            order_patience: Duration::from_secs(120),
            unknown: UnknownLimits::default(),
            probe_after: Duration::from_secs(300),
            bulk_probe_after: Duration::from_hours(1),
            trip_after: 5,
        }
    }
}

impl Default for UnknownLimits {
    fn default() -> Self {
        Self {
            send_again_after: Duration::from_secs(20),
            give_up_after: Duration::from_secs(600),
            proof: 3,
            at_latest: Duration::from_hours(24),
            recheck: Duration::from_secs(10),
        }
    }
}
