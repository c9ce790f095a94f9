//! A broadcast as the ledger knows it: whether it goes on, and how many of its recipients came to what.
//!
//! Counts move in the commit of what they count, so that no scan ever has to add anything up and a repetition changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{BroadcastId, PhoneNumberId, WamidHash};
use super::status::DeliveryState;
use super::usage::PricingCategory;

mod billed;
mod forecast;
mod hours;
mod last;
mod pacing;
mod problem;
mod recent;
mod timetable;
mod zone;

pub use billed::{BilledCategory, BilledMessages};
pub use forecast::{Forecast, ForecastHour, ZoneShare};
pub use hours::{RecipientHours, SendingHours, WeekHours, WhoseZone};
pub use last::LastBroadcast;
pub use pacing::{PaceLimit, Pacing};
pub use problem::{BroadcastProblem, ToldProblem};
pub use recent::{BadResult, RecentResults, ResultShare};
pub use timetable::{Due, LocalStart, Timetable, ZoneSpan, ZoneTooLate};
pub use zone::{LocalTime, Zone, ZoneSet};

/// One recipient of a broadcast, by the number that it has in the frozen audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BroadcastRecipient {
    /// The broadcast.
    #[serde(rename = "broadcast_id")]
    pub broadcast: BroadcastId,
    /// Which of its recipients.
    pub no: u32,
}

impl BroadcastRecipient {
    /// Under this key the seen-index tells that the recipient had its turn, and leads to the message.
    pub fn key(&self) -> WamidHash {
        self.key_in("recipient")
    }

    /// Under this key the seen-index tells that nothing was sent to the recipient for this reason.
    pub fn suppressed_key(&self, why: Suppression) -> WamidHash {
        self.key_in(why.as_str())
    }

    fn key_in(&self, space: &str) -> WamidHash {
        WamidHash::of_other(space, &[self.broadcast.as_bytes(), &self.no.to_be_bytes()])
    }
}

/// Whether a broadcast goes on. What was claimed goes on in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BroadcastRun {
    /// Its messages are claimed.
    Running,
    /// None is claimed for now.
    Halted,
    /// None is claimed any more: what waits is taken back.
    Cancelled,
}

impl BroadcastRun {
    /// Name used in the API and in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Halted => "halted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why nothing was sent to a recipient when its turn came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// The customer wants no marketing.
    OptedOut,
    /// The customer is under age.
    ContactIsMinor,
    /// The number blocks the customer.
    Blocked,
    /// The contact is not there any more: it was erased.
    ContactGone,
    /// The customer turned out to be one who had a turn already.
    Duplicate,
}

impl Suppression {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::OptedOut,
        Self::ContactIsMinor,
        Self::Blocked,
        Self::ContactGone,
        Self::Duplicate,
    ];

    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::ContactIsMinor => "contact_is_minor",
            Self::Blocked => "blocked",
            Self::ContactGone => "contact_gone",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What a recipient to whom a message was accepted came to. Each stands in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientOutcome {
    /// It waits, or its call is under way.
    Queued,
    /// Nobody can tell whether Meta took it.
    Unknown,
    /// Meta took it and holds it back for a quality check.
    Held,
    /// Meta took it.
    Sent,
    /// It reached the phone.
    Delivered,
    /// The customer read it.
    Read,
    /// Meta refused it, or the customer wanted it no more.
    Failed,
    /// Its validity ended first.
    Expired,
    /// It was taken back.
    Cancelled,
    /// It waited, and its message went: the customer was erased.
    Erased,
}

impl RecipientOutcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Unknown,
        Self::Held,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Erased,
    ];

    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Erased => "erased",
        }
    }

    /// That of a message which has left the outbox.
    pub const fn of_state(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Queued | DeliveryState::Claimed => Self::Queued,
            DeliveryState::Unknown => Self::Unknown,
            DeliveryState::Held => Self::Held,
            DeliveryState::Sent => Self::Sent,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::Read | DeliveryState::Played => Self::Read,
            DeliveryState::Failed => Self::Failed,
            DeliveryState::Expired => Self::Expired,
            DeliveryState::Cancelled => Self::Cancelled,
        }
    }
}

/// What a recipient came to, with Meta's code where it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// What.
    pub outcome: RecipientOutcome,
    /// Why it failed; 0 without a code of Meta's.
    pub code: i64,
}

/// What a customer did who got the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// They wrote.
    Replied,
    /// They pressed one of its buttons.
    Clicked,
    /// They stopped marketing.
    OptedOut,
}

/// How many recipients came to what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastCounts {
    /// Recipients whose turn has come: those below, and the suppressed ones.
    pub submitted: u64,
    /// Recipients by what they came to; those that none came to are left out.
    pub outcomes: BTreeMap<RecipientOutcome, u64>,
    /// Recipients to whom nothing was sent when their turn came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suppressed: BTreeMap<Suppression, u64>,
    /// The failed ones by Meta's code, 0 where there was none. A code that was counted once stays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed_by_code: BTreeMap<i64, u64>,
    /// The failed ones with further codes.
    #[serde(default)]
    pub failed_by_other_codes: u64,
    /// Customers by what they did within [`LastBroadcast::COUNTS_FOR`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reactions: BTreeMap<Reaction, u64>,
    /// Messages by Meta's category, each when Meta first told it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<PricingCategory, u64>,
    /// Those of them that Meta charges for.
    #[serde(default, skip_serializing_if = "BilledMessages::is_empty")]
    pub billed: BilledMessages,
    /// Bytes of the messages.
    #[serde(default)]
    pub bytes: u64,
}

impl BroadcastCounts {
    /// Codes that are told apart.
    const MOST_CODES: usize = 32;

    /// Recipients that came to this.
    pub fn of(&self, outcome: RecipientOutcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Messages that were accepted, whatever became of them.
    pub fn messages(&self) -> u64 {
        self.submitted.saturating_sub(self.suppressed.values().sum())
    }

    fn add(&mut self, reached: Reached) {
        add(&mut self.outcomes, reached.outcome);
        if reached.outcome == RecipientOutcome::Failed {
            let is_known = self.failed_by_code.contains_key(&reached.code);
            if is_known || self.failed_by_code.len() < Self::MOST_CODES {
                add(&mut self.failed_by_code, reached.code);
            } else {
                self.failed_by_other_codes = self.failed_by_other_codes.saturating_add(1);
            }
        }
    }

    fn remove(&mut self, reached: Reached) {
        if let Some(count) = self.outcomes.get_mut(&reached.outcome) {
            *count = count.saturating_sub(1);
        }
        if reached.outcome == RecipientOutcome::Failed {
            // A code keeps its place, so that what was counted under it is found under it.
            match self.failed_by_code.get_mut(&reached.code) {
                Some(count) => *count = count.saturating_sub(1),
                None => self.failed_by_other_codes = self.failed_by_other_codes.saturating_sub(1),
            }
        }
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

/// What a progress event adds to what those before it told: by this, usage is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressSince {
    /// Messages that were accepted.
    pub messages: u64,
    /// Messages by Meta's category, each when Meta first told it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<PricingCategory, u64>,
    /// Bytes of the messages.
    #[serde(default)]
    pub bytes: u64,
}

/// A progress event.
#[derive(Debug, Serialize)]
pub struct BroadcastProgress<'a> {
    /// Whose.
    pub broadcast_id: BroadcastId,
    /// The numbers that send it.
    pub numbers: &'a [PhoneNumberId],
    /// Whether it goes on.
    pub run: BroadcastRun,
    /// Why it does not, where no person wanted that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ToldProblem>,
    /// How many recipients came to what.
    pub counts: &'a BroadcastCounts,
    /// What of that no event told before.
    pub since: ProgressSince,
}

/// A broadcast's row in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastTally {
    /// Which broadcast.
    pub broadcast: BroadcastId,
    /// The numbers that send it.
    pub numbers: Vec<PhoneNumberId>,
    /// Whether it goes on.
    pub run: BroadcastRun,
    /// Why it does not, where no person wanted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<BroadcastProblem>,
    /// How many recipients came to what.
    pub counts: BroadcastCounts,
    /// What the last messages came to, since it began or went on.
    #[serde(default)]
    pub recent: RecentResults,
    /// Which version of the broadcast said so.
    #[serde(default)]
    version: u64,
    /// When a count moved last.
    pub moved: Timestamp,
    /// What progress events told so far.
    told: ProgressSince,
    /// When the last of them was.
    told_at: Timestamp,
    /// Whether a count moved since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_behind: bool,
}

impl BroadcastTally {
    /// How long it is kept after the last change.
    pub const KEPT: Duration = Duration::from_hours(24 * 396);
    /// The shortest time between two progress events.
    const BETWEEN: Duration = Duration::from_secs(1);

    /// Of a broadcast that begins now.
    pub fn new(
        broadcast: BroadcastId,
        numbers: Vec<PhoneNumberId>,
        run: BroadcastRun,
        now: Timestamp,
    ) -> Self {
        Self {
            broadcast,
            numbers,
            run,
            problem: None,
            version: 0,
            counts: BroadcastCounts::default(),
            recent: RecentResults::beginning(now),
            moved: now,
            told: ProgressSince::default(),
            told_at: now,
            is_behind: true,
        }
    }

    /// A message to a recipient was accepted.
    pub fn accept(&mut self, bytes: usize, now: Timestamp) {
        self.counts.submitted = self.counts.submitted.saturating_add(1);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.counts.bytes = self.counts.bytes.saturating_add(bytes);
        add(&mut self.counts.outcomes, RecipientOutcome::Queued);
        self.note(now);
    }

    /// Nothing is sent to a recipient whose turn came.
    pub fn suppress(&mut self, why: Suppression, now: Timestamp) {
        self.counts.submitted = self.counts.submitted.saturating_add(1);
        add(&mut self.counts.suppressed, why);
        self.note(now);
    }

    /// A recipient came to something else, whose message Meta took then, if that is known.
    pub fn change(&mut self, from: Reached, to: Reached, sent: Option<Timestamp>, now: Timestamp) {
        if from != to {
            self.recent.change(from, to, sent, now);
            self.counts.remove(from);
            self.counts.add(to);
            self.note(now);
        }
    }

    /// Meta told for the first time in which category it counts a message.
    pub fn price(&mut self, category: PricingCategory, now: Timestamp) {
        category.count(&mut self.counts.categories, 1);
        self.note(now);
    }

    /// A customer did something who got the message, which is from then.
    pub fn react(&mut self, reaction: Reaction, of: Timestamp, now: Timestamp) {
        add(&mut self.counts.reactions, reaction);
        if reaction == Reaction::OptedOut {
            self.recent.opted_out(of, now);
        }
        self.note(now);
    }

    /// Goes on, halts or ends, as a version of the broadcast says. Says whether it is so then: what was cancelled stays so, and a version
    /// that says so late, after a newer one did, changes nothing. A newer one that has it go on looks at nothing that came before.
    pub fn steer(
        &mut self,
        to: BroadcastRun,
        why: Option<BroadcastProblem>,
        version: u64,
        now: Timestamp,
    ) -> bool {
        let is_newer = version > self.version;
        if version < self.version {
            return true;
        }
        if is_newer {
            // Remembered also where it says nothing new.
            self.version = version;
            self.is_behind = true;
        }
        if self.run == BroadcastRun::Cancelled {
            return to == BroadcastRun::Cancelled;
        }
        if is_newer && to == BroadcastRun::Running {
            self.recent = RecentResults::beginning(now);
            self.note(now);
        }
        if (self.run, self.problem) != (to, why) {
            (self.run, self.problem) = (to, why);
            self.note(now);
        }
        true
    }

    /// Which version of the broadcast said how it goes on.
    pub const fn version(&self) -> u64 {
        self.version
    }

    fn note(&mut self, now: Timestamp) {
        self.moved = now;
        self.is_behind = true;
    }

    /// Whether an event is to tell how it goes: not more often than once a second, unless somebody set the clock back.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let rests = now >= self.told_at && now < self.told_at.after(Self::BETWEEN);
        self.is_behind && !rests
    }

    /// Whether there is anything that no event told.
    pub const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Takes note that an event tells how it stands now, and says what of it is new.
    pub fn tell(&mut self, now: Timestamp) -> ProgressSince {
        let whole = ProgressSince {
            messages: self.counts.messages(),
            categories: self.counts.categories.clone(),
            bytes: self.counts.bytes,
        };
        let before = std::mem::replace(&mut self.told, whole.clone());
        (self.told_at, self.is_behind) = (now, false);
        let told = |category: &PricingCategory| before.categories.get(category).copied().unwrap_or_default();
        let categories = whole.categories.into_iter().filter_map(|(category, count)| {
            let news = count.saturating_sub(told(&category));
            (news > 0).then_some((category, news))
        });
        ProgressSince {
            messages: whole.messages.saturating_sub(before.messages),
            categories: categories.collect(),
            bytes: whole.bytes.saturating_sub(before.bytes),
        }
    }
}

#[cfg(test)]
mod tests;
