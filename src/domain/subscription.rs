//! What a business pays for: the state that the payment provider tells, merged so that the order of its events does not matter.
//!
//! Each event says one thing about one subscription at one time. Of two that say the same kind of thing the later one holds, and of two
//! of the same second the one of higher rank; merging is a maximum, so that repeated and shuffled deliveries end in the same state.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Subscriptions of one business that are kept: one that is replaced, and those that were cancelled before.
const MOST: usize = 8;
/// Digits in a row that an id may hold: a card number has at least 13.
const MOST_DIGITS: usize = 11;

/// How it is with a business's subscription. Of two that were told in the same second the greater one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// It needs none.
    None,
    /// A payment failed, or was never made.
    PastDue,
    /// It is tried out.
    Trial,
    /// It is paid.
    Active,
    /// It has ended, or is paused.
    Cancelled,
}

impl SubscriptionState {
    /// All of them.
    pub const ALL: &[Self; 5] = &[
        Self::None,
        Self::PastDue,
        Self::Trial,
        Self::Active,
        Self::Cancelled,
    ];

    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PastDue => "past_due",
            Self::Trial => "trial",
            Self::Active => "active",
            Self::Cancelled => "cancelled",
        }
    }

    /// Of several subscriptions the best one counts.
    const fn worth(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Cancelled => 1,
            Self::PastDue => 2,
            Self::Trial => 3,
            Self::Active => 4,
        }
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A plan's name in the settings: 1 to 32 lowercase letters, digits, `-` and `_`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanName(String);

impl PlanName {
    /// The rule, for error messages.
    pub const RULE: &'static str =
        "1 to 32 lowercase letters (a-z), digits, `-` and `_`, with a letter first";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_ok = (1..=32).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
            })
            && has_few_digits(text);
        if is_ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("must be {}", Self::RULE))
        }
    }
}

impl TryFrom<String> for PlanName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PlanName> for String {
    fn from(name: PlanName) -> Self {
        name.0
    }
}

/// What the payment provider calls a customer or a subscription. Nothing that could be a card number is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaymentId(String);

impl PaymentId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An id that begins like those of its kind.
    pub fn parse(text: &str, beginning: &str) -> Option<Self> {
        text.strip_prefix(beginning)?;
        text.parse().ok()
    }
}

impl FromStr for PaymentId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_ok = (5..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && has_few_digits(text);
        if is_ok {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an id of the payment provider's")
        }
    }
}

impl TryFrom<String> for PaymentId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PaymentId> for String {
    fn from(id: PaymentId) -> Self {
        id.0
    }
}

/// Whether no run of digits is as long as a card number, separators not counted.
fn has_few_digits(text: &str) -> bool {
    let mut run = 0_usize;
    text.bytes().all(|byte| {
        run = match byte {
            b'0'..=b'9' => run + 1,
            b'-' | b'_' => run,
            _ => 0,
        };
        run <= MOST_DIGITS
    })
}

/// What was said, and when. The greater one holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Told<T> {
    /// When the provider said it; whole seconds.
    pub at: Timestamp,
    /// Of two things that were said in one second the one of higher rank is the later one.
    pub rank: u8,
    /// What.
    pub what: T,
}

/// A subscription as the provider describes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Snapshot {
    /// How it is with it.
    pub state: SubscriptionState,
    /// The plan that its price chooses.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan: Option<PlanName>,
    /// When its trial ends or ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trial_ends: Option<Timestamp>,
    /// When the period began that it is in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub period_begins: Option<Timestamp>,
    /// When that period ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub period_ends: Option<Timestamp>,
}

/// What became of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invoice {
    /// A payment failed.
    Failed,
    /// It was paid.
    Paid,
}

/// What is known of one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bought {
    /// What it was described as last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub snapshot: Option<Told<Snapshot>>,
    /// What became of its invoice last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invoice: Option<Told<Invoice>>,
}

impl Bought {
    fn merge(&mut self, other: &Self) {
        // `None` is less than anything.
        if other.snapshot > self.snapshot {
            self.snapshot.clone_from(&other.snapshot);
        }
        if other.invoice > self.invoice {
            self.invoice.clone_from(&other.invoice);
        }
    }

    fn last_told(&self) -> Option<Timestamp> {
        let snapshot = self.snapshot.as_ref().map(|told| told.at);
        snapshot.max(self.invoice.as_ref().map(|told| told.at))
    }

    fn state(&self) -> SubscriptionState {
        use SubscriptionState as State;
        let described = self.snapshot.as_ref().map(|told| (told.at, told.what.state));
        let paid = self.invoice.as_ref().map(|told| (told.at, told.what));
        match (described, paid) {
            // A description is of the same moment or later: the provider sends one with each change.
            (Some((at, State::Trial | State::Active)), Some((paid, Invoice::Failed))) if paid > at => {
                State::PastDue
            }
            (Some((at, State::PastDue)), Some((paid, Invoice::Paid))) if paid > at => State::Active,
            (Some((_, state)), _) => state,
            (None, Some((_, Invoice::Failed))) => State::PastDue,
            (None, Some((_, Invoice::Paid))) => State::Active,
            (None, None) => State::None,
        }
    }

    fn standing(&self, grace: Duration) -> Standing {
        use SubscriptionState as State;
        let told = self.snapshot.as_ref().map(|told| &told.what);
        let state = self.state();
        let trial_ends = told.and_then(|told| told.trial_ends);
        let trial_ends = trial_ends.filter(|_| state == State::Trial);
        let begins = told.and_then(|told| told.period_begins);
        let (paid_until, refused) = match state {
            State::None => (None, None),
            State::Trial => (None, trial_ends.map(|ends| ends.after(grace))),
            State::Active => (told.and_then(|told| told.period_ends), None),
            State::PastDue => {
                // What is unpaid is the period that has begun.
                let since = begins.or_else(|| self.last_told());
                (begins, since.map(|since| since.after(grace)))
            }
            State::Cancelled => (None, Some(Timestamp::from_millis(0))),
        };
        Standing {
            state,
            plan: told.and_then(|told| told.plan.clone()),
            trial_ends,
            paid_until,
            refused_from: refused,
        }
    }
}

/// The subscriptions of one customer or business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subscriptions(BTreeMap<PaymentId, Bought>);

impl Subscriptions {
    /// One, of which this is known.
    pub fn of(id: PaymentId, bought: Bought) -> Self {
        Self(BTreeMap::from([(id, bought)]))
    }

    /// Adds what others say. The order does not matter, and saying it again changes nothing.
    pub fn merge(&mut self, other: &Self) {
        for (id, bought) in &other.0 {
            self.0.entry(id.clone()).or_default().merge(bought);
        }
        while self.0.len() > MOST {
            let key = |(id, bought): (&PaymentId, &Bought)| {
                let is_over = bought.state() == SubscriptionState::Cancelled;
                (!is_over, bought.last_told(), id.clone())
            };
            let Some((_, _, least)) = self.0.iter().map(key).min() else {
                return;
            };
            self.0.remove(&least);
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How it is with the best of them; of two equals with the one that was told of last.
    pub fn standing(&self, grace: Duration) -> Option<Standing> {
        let key = |(id, bought): &(&PaymentId, &Bought)| {
            (bought.state().worth(), bought.last_told(), (*id).clone())
        };
        let best = self.0.iter().max_by_key(key);
        best.map(|(_, bought)| bought.standing(grace))
    }
}

/// How it is with a business's subscription, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: SubscriptionState,
    /// The plan.
    pub plan: Option<PlanName>,
    /// When the trial ends or ended.
    pub trial_ends: Option<Timestamp>,
    /// Until when it is paid.
    pub paid_until: Option<Timestamp>,
    /// From when on nothing is sent; `None` when that does not come by itself.
    pub refused_from: Option<Timestamp>,
}

impl Standing {
    /// Of a business that needs no subscription.
    pub const NONE: Self = Self {
        state: SubscriptionState::None,
        plan: None,
        trial_ends: None,
        paid_until: None,
        refused_from: None,
    };

    /// Of one that tries it out until then.
    pub fn trial(ends: Timestamp, grace: Duration) -> Self {
        Self {
            state: SubscriptionState::Trial,
            trial_ends: Some(ends),
            refused_from: Some(ends.after(grace)),
            ..Self::NONE
        }
    }

    /// Whether nothing is sent any more.
    pub fn is_refused(&self, now: Timestamp) -> bool {
        self.refused_from.is_some_and(|from| from <= now)
    }
}

#[cfg(test)]
mod tests;
