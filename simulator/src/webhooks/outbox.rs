//! What is waiting to be posted. Updates wait in small records until they are due and are written out only then;
//! webhooks that failed wait as bytes, and their number is bounded: beyond it, updates stay where they are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::WebhookStats;
use super::signature::Signing;
use crate::clock::Timestamp;
use crate::config::WebhookConfig;
use crate::inbound::InboundIndex;
use crate::numbers::NumberIndex;
use crate::sends::{SendIndex, Step};

/// Something to tell the gateway.
#[derive(Debug, Clone)]
pub(crate) enum Update {
    /// A send got further.
    Status {
        send: SendIndex,
        step: Step,
        /// Why it failed; 0 when it did not.
        error: u32,
        /// When it happened, which is before it is told.
        at: Timestamp,
    },
    /// A customer wrote.
    Inbound {
        index: InboundIndex,
        message: Arc<RawValue>,
    },
    /// Anything else, given whole.
    Other(Arc<OtherUpdate>),
    /// A message that nobody wrote; its webhook is badly signed.
    Forged {
        number: NumberIndex,
        message: Arc<RawValue>,
    },
    /// A message to a number that is not ours.
    Foreign { message: Arc<RawValue> },
}

/// An update of another field than `messages`, or one that a script wrote.
#[derive(Debug)]
pub(crate) struct OtherUpdate {
    pub(crate) waba: String,
    pub(crate) field: String,
    pub(crate) value: Box<RawValue>,
    pub(crate) at: Timestamp,
    /// Told only while this review of a template stands.
    pub(crate) review: Option<Review>,
}

/// One review of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) template: u64,
    /// The first is 1.
    pub(crate) turn: u64,
}

#[derive(Debug)]
pub(super) struct Due {
    at_us: u64,
    /// Keeps what is due at the same time in the order in which it came.
    order: u64,
    pub(super) update: Update,
    /// Told when the webhook was answered.
    pub(super) told: Option<oneshot::Sender<()>>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.order) == (other.at_us, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.order).cmp(&(other.at_us, other.order))
    }
}

/// One request to the gateway.
#[derive(Debug)]
pub(crate) struct Post {
    pub(super) url: String,
    pub(super) body: Bytes,
    pub(super) signing: Signing,
    /// The inbound messages in it.
    pub(super) inbound: Vec<InboundIndex>,
    /// Who waits for it to be answered.
    pub(super) told: Vec<oneshot::Sender<()>>,
    /// How often it was posted before.
    pub(super) attempt: u32,
    /// Which world it belongs to: a reset begins another.
    pub(super) reign: u64,
}

impl Post {
    fn aim(&mut self, from: &str, to: &str) {
        if self.url == from {
            to.clone_into(&mut self.url);
        }
    }
}

#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) at_us: u64,
    order: u64,
    post: Post,
}

impl PartialEq for Repeat {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.order) == (other.at_us, other.order)
    }
}

impl Eq for Repeat {}

impl PartialOrd for Repeat {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Repeat {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.order).cmp(&(other.at_us, other.order))
    }
}

/// What the dispatcher is to do.
#[derive(Debug)]
pub(super) enum Next {
    Post(Box<Post>),
    /// Nothing before this time.
    At(u64),
    /// Nothing at all.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    pub(super) config: WebhookConfig,
    pub(super) updates: BinaryHeap<Reverse<Due>>,
    pub(super) repeats: BinaryHeap<Reverse<Repeat>>,
    /// The callback that was set before the present one, and that one.
    redirected: Option<(String, String)>,
    order: u64,
    /// Until when the dispatcher sleeps.
    pub(super) sleeping_until_us: u64,
    wake: bool,
    pub(crate) stats: WebhookStats,
}

impl Outbox {
    pub(crate) fn new(config: WebhookConfig) -> Self {
        Self {
            config,
            updates: BinaryHeap::new(),
            repeats: BinaryHeap::new(),
            redirected: None,
            order: 0,
            sleeping_until_us: 0,
            wake: false,
            stats: WebhookStats::default(),
        }
    }

    /// Lets an update wait until its time, and a little longer so that others can join it.
    pub(crate) fn push(&mut self, update: Update, due_us: u64) {
        let linger_us = (self.config.linger_ms * 1_000).max(1);
        self.put(update, due_us.div_ceil(linger_us) * linger_us, None);
    }

    /// Takes back what is to be told of some sends, which are in order.
    pub(crate) fn withdraw(&mut self, sends: &[SendIndex]) {
        self.updates.retain(|Reverse(due)| match &due.update {
            Update::Status { send, .. } => sends.binary_search(send).is_err(),
            _ => true,
        });
    }

    /// Lets an update leave at once and tells when it was answered.
    pub(crate) fn push_urgent(&mut self, update: Update, now_us: u64, told: oneshot::Sender<()>) {
        self.put(update, now_us, Some(told));
    }

    fn put(&mut self, update: Update, at_us: u64, told: Option<oneshot::Sender<()>>) {
        self.order += 1;
        self.updates.push(Reverse(Due {
            at_us,
            order: self.order,
            update,
            told,
        }));
        self.wake_before(at_us);
    }

    fn wake_before(&mut self, at_us: u64) {
        self.wake |= at_us < self.sleeping_until_us;
    }

    /// Makes the dispatcher look again.
    pub(crate) fn wake_now(&mut self) {
        self.wake = true;
    }

    pub(crate) fn take_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    /// Updates that wait for their time.
    pub(crate) fn waiting(&self) -> usize {
        self.updates.len()
    }

    pub(crate) fn stats(&self) -> WebhookStats {
        let mut stats = self.stats;
        stats.waiting = u64::try_from(self.updates.len()).unwrap_or(u64::MAX);
        stats.retrying = u64::try_from(self.repeats.len()).unwrap_or(u64::MAX);
        stats
    }

    /// Sends what is to be repeated to the callback that is set now: Meta repeats to the one that it finds.
    pub(crate) fn redirect(&mut self, from: Option<String>, to: Option<String>) {
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        let aim = |Reverse(mut repeat): Reverse<Repeat>| {
            repeat.post.aim(&from, &to);
            Reverse(repeat)
        };
        self.repeats = std::mem::take(&mut self.repeats).into_iter().map(aim).collect();
        self.redirected = Some((from, to));
    }

    /// Repeats a webhook later: the first time at once, then ever less often. Gives it up after the last attempt.
    pub(super) fn repeat(&mut self, mut post: Post, now_us: u64) {
        post.attempt += 1;
        post.told.clear();
        // It may have been under way when that changed.
        if let Some((from, to)) = &self.redirected {
            post.aim(from, to);
        }
        if post.attempt >= self.config.attempts {
            self.stats.abandoned += 1;
            return;
        }
        let wait_ms = match post.attempt {
            1 => 0,
            later => self
                .config
                .retry_ms
                .saturating_mul(1 << (later - 2).min(32))
                .min(self.config.retry_max_ms),
        };
        let at_us = now_us.saturating_add(wait_ms.saturating_mul(1_000));
        self.order += 1;
        self.repeats.push(Reverse(Repeat {
            at_us,
            order: self.order,
            post,
        }));
        self.wake_before(at_us);
    }

    pub(super) fn due_repeat(&mut self, now_us: u64) -> Option<Post> {
        if self.repeats.peek()?.0.at_us > now_us {
            return None;
        }
        self.repeats.pop().map(|Reverse(repeat)| repeat.post)
    }

    pub(super) fn peek_due(&self, now_us: u64) -> Option<&Update> {
        let Reverse(first) = self.updates.peek()?;
        (first.at_us <= now_us).then_some(&first.update)
    }

    pub(super) fn next_at_us(&self) -> Option<u64> {
        let update = self.updates.peek().map(|Reverse(due)| due.at_us);
        let repeat = self.repeats.peek().map(|Reverse(repeat)| repeat.at_us);
        match (update, repeat) {
            (Some(update), Some(repeat)) => Some(update.min(repeat)),
            (one, other) => one.or(other),
        }
    }
}

pub(crate) fn micros(delay: std::time::Duration) -> u64 {
    u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)
}
