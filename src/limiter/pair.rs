//! Meta's limit per customer: one message every six seconds, with a short burst that is borrowed from the future.
//!
//! Whoever sends a burst of n messages must then be silent until n times six seconds after its start. That is not the usual
//! token bucket, which would let single messages pass while the debt is being paid; and the states must be bounded, which a
//! keyed limiter of governor is not. Hence by hand.
//! Source: Cloud API, About the platform (Dec 5 2025): bursts of up to 45 in 6 seconds.

use std::time::Duration;

use lru::LruCache;

use crate::domain::{Backoff, ContactId};

/// Pairs remembered per number. At 1,000 messages a second the oldest of them is 100 seconds old, longer than any debt of
/// a burst of ten.
const MOST_PAIRS: usize = 100_000;

/// The silence after a refusal: each repeated one multiplies it by four, up to 4^6 seconds.
const SILENCE: Backoff = Backoff {
    first: Duration::from_secs(1),
    factor: 4,
    longest: Duration::from_secs(4_096),
};

/// After so long without a refusal the next one counts as the first.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// How fast one customer may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairRule {
    /// One message per this time, in the long run; also the time in which a burst must be sent.
    pub every: Duration,
    /// Messages of a burst. Meta allows 45.
    pub burst: u32,
}

impl PairRule {
    /// How long a burst counts.
    pub const fn reach(self) -> Duration {
        self.every.saturating_mul(self.burst)
    }
}

impl Default for PairRule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(6),
            burst: 10,
        }
    }
}

/// The pair limits of one number.
#[derive(Debug)]
pub struct PairLimiter {
    rule: PairRule,
    pairs: LruCache<ContactId, Pair>,
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    burst_began: Duration,
    sent: u32,
    silent_until: Duration,
    strikes: u32,
}

impl PairLimiter {
    /// Knows nobody yet.
    pub fn new(rule: PairRule) -> Self {
        Self::with_room_for(rule, MOST_PAIRS)
    }

    /// Remembers at most `most` customers, the latest ones.
    pub fn with_room_for(rule: PairRule, most: usize) -> Self {
        Self {
            rule: PairRule {
                burst: rule.burst.max(1),
                ..rule
            },
            pairs: LruCache::unbounded(),
            most: most.max(1),
        }
    }

    /// Whether anything is remembered of this customer.
    pub fn knows(&self, contact: ContactId) -> bool {
        self.pairs.contains(&contact)
    }

    /// Counts what was sent before, so long ago each, to a customer to whom a message was let go as if to one never written
    /// to. Says how long it must wait if it may not go.
    pub fn recall(&mut self, contact: ContactId, ago: Vec<Duration>, now: Duration) -> Result<(), Duration> {
        match Pair::sent_before(ago, self.rule, now) {
            Some(pair) => {
                self.pairs.put(contact, pair);
                self.try_take(contact, now)
            }
            None => Ok(()),
        }
    }

    /// How long until a message may go to this customer; zero when it may now.
    pub fn wait(&self, contact: ContactId, now: Duration) -> Duration {
        self.pairs
            .peek(&contact)
            .map_or(Duration::ZERO, |pair| pair.wait(self.rule, now))
    }

    /// When a message may go to this customer that has so many before it, none of which goes before the given time.
    pub fn when(&self, contact: ContactId, before: u32, from: Duration) -> Duration {
        let Some(mut pair) = self.pairs.peek(&contact).copied() else {
            return match before {
                0 => from,
                before => Pair::first(from).when(self.rule, before - 1, from),
            };
        };
        pair.when(self.rule, before, from)
    }

    /// Lets one message go to this customer and counts it, or says how long it must wait.
    pub fn try_take(&mut self, contact: ContactId, now: Duration) -> Result<(), Duration> {
        let rule = self.rule;
        let Some(pair) = self.pairs.get_mut(&contact) else {
            self.remember(contact, Pair::first(now), now);
            return Ok(());
        };
        let wait = pair.wait(rule, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        pair.take(rule, now);
        Ok(())
    }

    /// Silences a pair for 4^n seconds: Meta refused a message to this customer as too fast (131056).
    pub fn penalise(&mut self, contact: ContactId, now: Duration) {
        if self.pairs.peek(&contact).is_none() {
            self.remember(contact, Pair::first(now), now);
        }
        if let Some(pair) = self.pairs.get_mut(&contact) {
            if now > pair.silent_until.saturating_add(FORGIVEN_AFTER) {
                pair.strikes = 0;
            }
            pair.strikes = pair.strikes.saturating_add(1);
            pair.silent_until = now.saturating_add(SILENCE.after(pair.strikes));
        }
    }

    /// The same for a refusal that is heard of late. What failed before an earlier silence was over says nothing new.
    pub fn penalise_late(&mut self, contact: ContactId, failed: Duration, now: Duration) {
        let known = self.pairs.peek(&contact);
        if known.is_none_or(|pair| failed >= pair.silent_until) {
            self.penalise(contact, now);
        }
    }

    /// Two customers turned out to be one: what was sent to either counts for the second.
    pub fn join(&mut self, from: ContactId, to: ContactId, now: Duration) {
        let Some(mut pair) = self.pairs.pop(&from) else {
            return;
        };
        if let Some(other) = self.pairs.pop(&to) {
            pair = pair.with(other, self.rule, now);
        }
        self.remember(to, pair, now);
    }

    /// Takes over what an earlier limiter of the same number knows of customers whom this one has not met.
    pub fn inherit(&mut self, mut earlier: Self) {
        while self.pairs.len() < self.most
            && let Some((contact, pair)) = earlier.pairs.pop_mru()
        {
            if self.pairs.peek(&contact).is_none() {
                self.pairs.put(contact, pair);
                self.pairs.demote(&contact);
            }
        }
    }

    /// Whether every customer may be written to as if never written to before.
    pub fn is_free(&self, now: Duration) -> bool {
        self.pairs
            .iter()
            .all(|(_, pair)| pair.owes_nothing(self.rule, now))
    }

    /// How many customers are remembered.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds a pair, and forgets up to two that owe nothing any more, so that the memory follows the traffic.
    fn remember(&mut self, contact: ContactId, pair: Pair, now: Duration) {
        self.pairs.put(contact, pair);
        for _ in 0..2 {
            let oldest = self.pairs.peek_lru().map(|(_, oldest)| *oldest);
            if oldest.is_some_and(|oldest| oldest.owes_nothing(self.rule, now))
                || self.pairs.len() > self.most
            {
                self.pairs.pop_lru();
            }
        }
    }
}

impl Pair {
    fn first(now: Duration) -> Self {
        Self {
            burst_began: now,
            sent: 1,
            silent_until: Duration::ZERO,
            strikes: 0,
        }
    }

    /// What is left of messages that were sent so long ago each, perhaps before this clock began; `None` if nothing is.
    fn sent_before(mut ago: Vec<Duration>, rule: PairRule, now: Duration) -> Option<Self> {
        let reach = rule.reach();
        ago.retain(|ago| *ago < reach);
        ago.sort_unstable();
        // On a clock that shows `reach` now.
        let mut times = ago.iter().rev().map(|ago| reach.saturating_sub(*ago));
        let mut pair = Self::first(times.next()?);
        times.for_each(|at| pair.take(rule, at));
        if pair.in_burst(rule, reach) {
            let since = reach.saturating_sub(pair.burst_began);
            return Some(Self {
                burst_began: now.saturating_sub(since),
                ..pair
            });
        }
        let owed = pair.paid_off(rule).saturating_sub(reach);
        (!owed.is_zero()).then(|| Self {
            burst_began: now,
            sent: 0,
            silent_until: now.saturating_add(owed),
            strikes: 0,
        })
    }

    /// What both owe together.
    fn with(self, other: Self, rule: PairRule, now: Duration) -> Self {
        let (later, earlier) = if self.burst_began > other.burst_began {
            (self, other)
        } else {
            (other, self)
        };
        let debt = if now < earlier.paid_off(rule) {
            Self {
                sent: earlier.sent.saturating_add(later.sent),
                ..earlier
            }
        } else {
            later
        };
        Self {
            silent_until: self.silent_until.max(other.silent_until),
            strikes: self.strikes.max(other.strikes),
            ..debt
        }
    }

    fn paid_off(&self, rule: PairRule) -> Duration {
        self.burst_began
            .saturating_add(rule.every.saturating_mul(self.sent))
    }

    fn in_burst(&self, rule: PairRule, now: Duration) -> bool {
        self.sent < rule.burst && now < self.burst_began.saturating_add(rule.every)
    }

    fn wait(&self, rule: PairRule, now: Duration) -> Duration {
        let silence = self.silent_until.saturating_sub(now);
        if self.in_burst(rule, now) {
            return silence;
        }
        silence.max(self.paid_off(rule).saturating_sub(now))
    }

    /// When the message after so many others may go, none of them before the given time.
    fn when(&mut self, rule: PairRule, before: u32, from: Duration) -> Duration {
        let mut at = from.saturating_add(self.wait(rule, from));
        for _ in 0..before {
            self.take(rule, at);
            at = at.saturating_add(self.wait(rule, at));
        }
        at
    }

    fn take(&mut self, rule: PairRule, now: Duration) {
        if now >= self.paid_off(rule) {
            self.burst_began = now;
            self.sent = 0;
        }
        self.sent = self.sent.saturating_add(1);
    }

    fn owes_nothing(&self, rule: PairRule, now: Duration) -> bool {
        let forgiven = if self.strikes == 0 {
            self.silent_until
        } else {
            self.silent_until + FORGIVEN_AFTER
        };
        now >= self.paid_off(rule).max(forgiven)
    }
}

#[cfg(test)]
mod tests;
