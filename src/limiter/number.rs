//! A number's own limit: so many messages in any sliding second, inbound and outbound together.
//!
//! Two rules, both of which must agree. The *logs* of the last messages make it exact: a message goes only if it, and all
//! messages of the second before it, are within the limit, with room left for what is about to come in. The *pacer*
//! spreads messages over the second, at the pace that inbound traffic leaves. Inbound messages cannot be held back; they
//! are counted when seen, and sending gives way to them.
//! Source: Cloud API, Throughput (Nov 21 2025): 80 per second, 1,000 after an upgrade.

use std::collections::VecDeque;
use std::time::Duration;

use super::departures::Departures;
use super::inflow::Inflow;
use super::pacer::Pacer;
use crate::domain::SendRate;

/// How long a message that came in counts.
const SECOND: Duration = Duration::from_secs(1);

/// How soon it is worth asking again when only a forecast stands in the way.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

/// Messages that may leave together, as time at full pace: what a late timer may make good.
const CATCH_UP: Duration = Duration::from_millis(100);

/// How long the pace stays halved after Meta complained again.
const SLOW_FOR: Duration = Duration::from_secs(10);

/// What is left of the full pace, and how long, when Meta complains once: a single message that met a full second is no
/// sign that the pace is wrong.
const EASED: f64 = 0.9;
const EASED_FOR: Duration = Duration::from_secs(1);

/// By how much of the full pace it grows back, each second after that.
const REGAINED_PER_SECOND: f64 = 0.05;

/// However often Meta complains and however much comes in, the pacer keeps this share of the full pace: its last word
/// stays in force until the next message, and the logs are exact anyway.
const SLOWEST: f64 = 0.02;

/// Why a message has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// The number's limit.
    NumberRate,
    /// Meta complained a short while ago.
    SlowedDown,
    /// The lane is paused.
    Paused,
}

impl Hold {
    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NumberRate => "number_limit",
            Self::SlowedDown => "throttled",
            Self::Paused => "lane_paused",
        }
    }
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Not before this long. Never zero.
    pub delay: Duration,
    /// Why.
    pub hold: Hold,
}

/// One number's limiter.
#[derive(Debug, Clone)]
pub struct NumberLimiter {
    rate: SendRate,
    /// What went out and still counts.
    sent: Departures,
    /// When those of the last second came in; of a flood, the last `rate` of them.
    inbound: VecDeque<Duration>,
    inflow: Inflow,
    pacer: Pacer,
    slow: Option<Slow>,
    paused_until: Duration,
    last: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Slow {
    share: f64,
    since: Duration,
    until: Duration,
}

impl NumberLimiter {
    /// A limiter that has seen nothing yet.
    pub fn new(rate: SendRate) -> Self {
        Self {
            rate,
            sent: Departures::default(),
            inbound: VecDeque::new(),
            inflow: Inflow::default(),
            pacer: pacer(rate),
            slow: None,
            paused_until: Duration::ZERO,
            last: Duration::ZERO,
        }
    }

    /// Takes a new limit, after an upgrade or a downgrade. What was counted stays counted.
    pub fn set_rate(&mut self, rate: SendRate) {
        if rate != self.rate {
            self.rate = rate;
            self.pacer = pacer(rate);
        }
    }

    /// Counts as many messages as the limit allows, as if all had left at this time: for what an earlier sender may have
    /// sent until then. Times must not go back.
    pub fn assume_full(&mut self, at: Duration, now: Duration) {
        if Departures::count_at(at, now) {
            for _ in 0..self.limit() {
                self.sent.add(at);
            }
            // All of them stop counting at once; what follows goes at the pace all the same.
            self.pacer.begin_at(Departures::latest_end(at));
        }
    }

    /// Counts a customer's message.
    pub fn note_inbound(&mut self, now: Duration) {
        let now = self.step(now);
        self.forget(now);
        self.inbound.push_back(now);
        self.inflow.note(now);
        while self.inbound.len() > self.limit() {
            self.inbound.pop_front();
        }
    }

    /// Customers' messages that counted when it was last looked.
    pub fn inbound(&self) -> usize {
        self.inbound.len()
    }

    /// Lets one message go now and counts it, or says how long it must wait and why.
    pub fn try_take(&mut self, now: Duration) -> Result<(), Wait> {
        let now = self.step(now);
        if now < self.paused_until {
            return Err(Wait {
                delay: self.paused_until.saturating_sub(now),
                hold: Hold::Paused,
            });
        }
        self.forget(now);
        let share = self.share(now);
        let full_pace = f64::from(self.rate.per_second());
        let expected = self.expected(now);
        let left = full_pace - u32::try_from(self.inbound.len().max(expected)).map_or(full_pace, f64::from);
        self.pacer.set_rate((share * left).max(SLOWEST * full_pace));
        let by_log = self.room_at(now, expected).saturating_sub(now);
        let by_pacer = self.pacer.wait(now);
        let delay = by_log.max(by_pacer);
        if !delay.is_zero() {
            let hold = if share < 1.0 && by_pacer >= by_log {
                Hold::SlowedDown
            } else {
                Hold::NumberRate
            };
            return Err(Wait { delay, hold });
        }
        self.pacer.take(now);
        self.sent.add(now);
        Ok(())
    }

    /// A message that was let go at `began` was answered after so long: a slow answer may mean that it arrived late.
    pub fn note_answer(&mut self, began: Duration, took: Duration, now: Duration) {
        let now = self.step(now);
        self.sent.answered(began, took, now);
    }

    /// Meta said that the number sends too fast (130429): eases the pace a little for a second at the first complaint,
    /// and halves it for ten at each one that comes before the full pace is back; then it grows back.
    ///
    /// Complaints within a second count as one: they are about messages that left before the first was heard.
    pub fn slow_down(&mut self, now: Duration) {
        let now = self.step(now);
        if self.slow.is_some_and(|slow| now < slow.since + SECOND) {
            return;
        }
        let share = self.share(now);
        let (share, slow_for) = if share < 1.0 {
            ((share / 2.0).max(SLOWEST), SLOW_FOR)
        } else {
            (EASED, EASED_FOR)
        };
        self.slow = Some(Slow {
            share,
            since: now,
            until: now.saturating_add(slow_for),
        });
    }

    /// Lets nothing go before the given time. An earlier end of an earlier pause is overruled, a later one stays.
    pub fn pause(&mut self, until: Duration) {
        self.paused_until = self.paused_until.max(until);
    }

    /// Ends a pause.
    pub fn resume(&mut self) {
        self.paused_until = Duration::ZERO;
    }

    /// The part of the full pace that is in force, 0 to 1.
    pub fn share(&self, now: Duration) -> f64 {
        let Some(slow) = self.slow else { return 1.0 };
        let growing = now.saturating_sub(slow.until).as_secs_f64();
        (slow.share + growing * REGAINED_PER_SECOND).min(1.0)
    }

    /// Whether it holds nothing back: one that has seen nothing yet would let go just as much.
    pub fn is_free(&mut self, now: Duration) -> bool {
        let now = self.step(now);
        self.forget(now);
        self.sent.len() == 0 && self.paused_until <= now && self.share(now) >= 1.0
    }

    fn limit(&self) -> usize {
        usize::try_from(self.rate.per_second()).unwrap_or(usize::MAX)
    }

    /// Drops what no longer counts.
    fn forget(&mut self, now: Duration) {
        self.sent.forget(now);
        while self.inbound.front().is_some_and(|at| *at + SECOND <= now) {
            self.inbound.pop_front();
        }
    }

    /// Inbound messages to be expected in a second. Never more than half of the limit, so that a flood that is over does
    /// not hold up sending.
    fn expected(&self, now: Duration) -> usize {
        self.inflow.expected(now).min(self.limit() / 2)
    }

    /// When so many messages will have stopped counting that one more fits; now, when it does already.
    ///
    /// Inbound messages take as much as was seen, or as is expected if that is more. What is expected stays expected: only
    /// messages that were seen beyond it make room when they grow old.
    fn room_at(&self, now: Duration, expected: usize) -> Duration {
        let reserved = self.inbound.len().max(expected);
        let too_many = (self.sent.len() + reserved + 1).saturating_sub(self.limit());
        if too_many == 0 {
            return now;
        }
        let mut sent = self.sent.ends(too_many).into_iter().peekable();
        let beyond = reserved - expected;
        let mut inbound = self.inbound.iter().take(beyond).map(|at| *at + SECOND).peekable();
        let mut room_at = now;
        for _ in 0..too_many {
            let next = match (sent.peek(), inbound.peek()) {
                (Some(out), Some(came)) if out > came => inbound.next(),
                (Some(_), _) => sent.next(),
                (None, _) => inbound.next(),
            };
            // With nothing left that could pass, the forecast must fall first: asked again soon.
            room_at = next.unwrap_or(now + SHORTEST_LOOK);
        }
        room_at
    }

    /// A monotonic clock read on two threads may step back by a hair.
    fn step(&mut self, now: Duration) -> Duration {
        self.last = self.last.max(now);
        self.last
    }
}

fn pacer(rate: SendRate) -> Pacer {
    let catch_up = Duration::from_secs(1).as_millis() / CATCH_UP.as_millis();
    let burst = u128::from(rate.per_second()).div_ceil(catch_up);
    Pacer::new(rate.per_second(), u32::try_from(burst).unwrap_or(u32::MAX).max(2))
}

#[cfg(test)]
mod tests;
