//! What the last messages of a broadcast came to, a minute at a time: by this it is told when it goes wrong.
//!
//! A failure counts in the minute in which Meta took its message, however late it is told, so that a share is one of messages that
//! went out together. What went before the broadcast went on last counts no more.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Reached, RecipientOutcome};
use crate::domain::clock::Timestamp;
use crate::domain::consent::MARKETING_STOPPED;

/// What a bad result says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BadResult {
    /// The message failed, and nothing says that it was for its customer's sake.
    #[serde(rename = "f")]
    Failed,
    /// The customer cannot be reached.
    #[serde(rename = "u")]
    Unreachable,
    /// The customer stopped marketing.
    #[serde(rename = "o")]
    OptedOut,
    /// Meta refuses the template.
    #[serde(rename = "t")]
    TemplateRefused,
}

impl BadResult {
    /// What a failure with this code says of the broadcast; nothing where Meta, or the business itself, keeps the message from this
    /// customer: a limit of marketing for each person, an experiment, a block. Codes as in `whatsapp::error`, whose tests compare.
    pub const fn of_code(code: i64) -> Option<Self> {
        match code {
            // No code of Meta's: the customer is under age, or nothing is told.
            0 | 130_403 | 130_472 | 131_049 => None,
            MARKETING_STOPPED => Some(Self::OptedOut),
            130_497 | 131_026 | 131_030 => Some(Self::Unreachable),
            132_000 | 132_001 | 132_007 | 132_015 | 132_016 | 132_068 | 134_102 | 139_200 => {
                Some(Self::TemplateRefused)
            }
            _ => Some(Self::Failed),
        }
    }
}

/// Minutes that are told apart.
const MINUTES: i64 = 20;
const MINUTE: i64 = 60;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Minute {
    #[serde(rename = "m")]
    number: i64,
    #[serde(rename = "n", default)]
    results: u32,
    #[serde(rename = "b", default, skip_serializing_if = "BTreeMap::is_empty")]
    bad: BTreeMap<BadResult, u32>,
}

/// Results of a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultShare {
    /// Messages that Meta took, or that failed.
    pub results: u32,
    /// Of those, the bad ones. Of one message two things can be bad.
    pub bad: BTreeMap<BadResult, u32>,
}

impl ResultShare {
    /// How many are bad in this way.
    pub fn of(&self, bad: BadResult) -> u32 {
        self.bad.get(&bad).copied().unwrap_or_default()
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecentResults {
    /// What went out before does not count.
    #[serde(default)]
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    minutes: Vec<Minute>,
}

impl RecentResults {
    /// The longest time that can be asked about.
    pub const LONGEST: Duration = Duration::from_mins(MINUTES.unsigned_abs());

    /// Counts from now on.
    pub(super) fn beginning(now: Timestamp) -> Self {
        Self {
            since: now,
            minutes: Vec::new(),
        }
    }

    /// A recipient came to something else, whose message went out then, if that is known.
    pub(super) fn change(&mut self, from: Reached, to: Reached, sent: Option<Timestamp>, now: Timestamp) {
        let at = sent.unwrap_or(now);
        if at < self.since {
            return;
        }
        let Some(minute) = self.minute(at, now) else {
            return;
        };
        if is_result(to.outcome) && !is_result(from.outcome) {
            minute.results = minute.results.saturating_add(1);
        }
        if let Some(bad) = bad(from) {
            let count = minute.bad.entry(bad).or_default();
            *count = count.saturating_sub(1);
        }
        if let Some(bad) = bad(to) {
            let count = minute.bad.entry(bad).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// A customer stopped marketing whose message is from then.
    pub(super) fn opted_out(&mut self, of: Timestamp, now: Timestamp) {
        if of < self.since {
            return;
        }
        if let Some(minute) = self.minute(of, now) {
            let count = minute.bad.entry(BadResult::OptedOut).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What came of messages that went out within this time.
    pub fn within(&self, time: Duration, now: Timestamp) -> ResultShare {
        let first = number(now.before(time));
        let mut share = ResultShare::default();
        for minute in self.minutes.iter().filter(|minute| minute.number > first) {
            share.results = share.results.saturating_add(minute.results);
            for (bad, count) in &minute.bad {
                let sum = share.bad.entry(*bad).or_default();
                *sum = sum.saturating_add(*count);
            }
        }
        share
    }

    /// The minute of a time, unless it is too long ago to be asked about. Few are kept: they are written with every count.
    fn minute(&mut self, at: Timestamp, now: Timestamp) -> Option<&mut Minute> {
        let (wanted, current) = (number(at), number(now));
        // Minutes that are to come are those of a clock that was set back.
        self.minutes
            .retain(|minute| minute.number > current - MINUTES && minute.number <= current + 1);
        if wanted <= current - MINUTES || wanted > current + 1 {
            return None;
        }
        let place = match self.minutes.binary_search_by_key(&wanted, |minute| minute.number) {
            Ok(place) => place,
            Err(place) => {
                let minute = Minute {
                    number: wanted,
                    results: 0,
                    bad: BTreeMap::new(),
                };
                self.minutes.insert(place, minute);
                place
            }
        };
        self.minutes.get_mut(place)
    }
}

const fn number(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(MINUTE)
}

fn bad(reached: Reached) -> Option<BadResult> {
    (reached.outcome == RecipientOutcome::Failed)
        .then(|| BadResult::of_code(reached.code))
        .flatten()
}

/// Whether Meta decided about a message: what waits, and what is in doubt, is none.
const fn is_result(outcome: RecipientOutcome) -> bool {
    match outcome {
        RecipientOutcome::Held
        | RecipientOutcome::Sent
        | RecipientOutcome::Delivered
        | RecipientOutcome::Read
        | RecipientOutcome::Failed => true,
        RecipientOutcome::Queued
        | RecipientOutcome::Unknown
        | RecipientOutcome::Expired
        | RecipientOutcome::Cancelled
        | RecipientOutcome::Erased => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(10);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + seconds)
    }

    const fn reached(outcome: RecipientOutcome, code: i64) -> Reached {
        Reached { outcome, code }
    }

    const QUEUED: Reached = reached(RecipientOutcome::Queued, 0);
    const SENT: Reached = reached(RecipientOutcome::Sent, 0);

    fn failed(code: i64) -> Reached {
        reached(RecipientOutcome::Failed, code)
    }

    #[test]
    fn a_failure_counts_where_its_message_went_out_however_late_it_is_told() {
        let mut recent = RecentResults::beginning(at(0));
        for _ in 0..10 {
            recent.change(QUEUED, SENT, Some(at(1)), at(1));
        }
        recent.change(SENT, failed(131_000), Some(at(1)), at(300));
        recent.change(SENT, reached(RecipientOutcome::Read, 0), Some(at(1)), at(300));
        let share = recent.within(WINDOW, at(301));
        assert_eq!((share.results, share.of(BadResult::Failed)), (10, 1));
        // Told when its minute is not asked about any more.
        recent.change(SENT, failed(131_000), Some(at(1)), at(700));
        assert_eq!(recent.within(WINDOW, at(700)), ResultShare::default());
        // What is shown as failed and reached the customer all the same.
        recent.change(QUEUED, failed(131_026), None, at(700));
        recent.change(failed(131_026), SENT, None, at(701));
        let share = recent.within(WINDOW, at(701));
        assert_eq!((share.results, share.of(BadResult::Unreachable)), (1, 0));
    }

    #[test]
    fn what_went_out_before_it_went_on_counts_no_more() {
        let mut recent = RecentResults::beginning(at(100));
        recent.change(SENT, failed(132_015), Some(at(99)), at(101));
        recent.opted_out(at(99), at(101));
        assert_eq!(recent.within(WINDOW, at(101)), ResultShare::default());
        recent.change(SENT, failed(132_015), Some(at(100)), at(101));
        recent.opted_out(at(100), at(101));
        let share = recent.within(WINDOW, at(101));
        assert_eq!(
            (
                share.of(BadResult::TemplateRefused),
                share.of(BadResult::OptedOut)
            ),
            (1, 1)
        );
    }

    #[test]
    fn what_meta_keeps_from_a_customer_is_no_failure() {
        let mut recent = RecentResults::beginning(at(0));
        for code in [0, 130_403, 130_472, 131_049] {
            recent.change(QUEUED, failed(code), None, at(1));
        }
        let share = recent.within(WINDOW, at(1));
        assert_eq!((share.results, share.bad.len()), (4, 0));
        recent.change(QUEUED, failed(MARKETING_STOPPED), None, at(1));
        assert_eq!(recent.within(WINDOW, at(1)).of(BadResult::OptedOut), 1);
    }

    #[test]
    fn few_minutes_are_kept_and_those_of_a_clock_that_was_set_back_go() {
        let mut recent = RecentResults::beginning(at(0));
        for second in 0..10_000 {
            recent.change(QUEUED, SENT, Some(at(second)), at(second));
        }
        assert!(recent.minutes.len() <= usize::try_from(MINUTES).unwrap());
        assert!(serde_json::to_vec(&recent).unwrap().len() < 1_000);
        recent.change(QUEUED, SENT, Some(at(100)), at(100));
        assert_eq!(recent.within(WINDOW, at(100)).results, 1);
    }
}
