//! Outcomes that nobody can tell yet, and when to stop waiting for a status that tells them: calls without an answer, and
//! messages that Meta holds back.
//!
//! That no status came proves something only if statuses do arrive: those of claims made *later* on the same number. Meta
//! may hold a template back for up to a day, and then silence proves nothing at all.
//! Source: Cloud API, Status messages, Template pacing.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::limits::UnknownLimits;
use super::waiting::Moment;
use crate::domain::{AttemptToken, MessageId, Timestamp, UnknownPolicy};
use crate::store::{MessageRef, OutboxRow, OutboxState};

/// Claims remembered, to tell whether a status belongs to a later one. At 80 messages a second this is 13 seconds; Meta's
/// first status usually takes one or two.
const REMEMBERED: usize = 1_024;

/// How long the ledger may take to settle a message whose status was seen.
const SETTLING: Duration = Duration::from_secs(30);

/// Number of a claim within a lane, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct ClaimNumber(u64);

/// An unknown outcome.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// The message.
    pub(super) at: MessageRef,
    /// The call whose outcome is unknown.
    pub(super) attempt: u8,
    policy: UnknownPolicy,
    may_be_held: bool,
    kind: Kind,
    claim: ClaimNumber,
    seen: Duration,
    age_when_seen: Duration,
    /// A status came: the ledger should have settled the message.
    reported: bool,
}

/// What nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whether Meta took it.
    Unknown,
    /// What Meta, which took it, will do with it.
    Held,
}

impl Doubt {
    /// An unknown outcome of a call that was claimed at `claimed`. Statuses of all claims after `claim` count as proof.
    pub(super) fn new(row: &OutboxRow, claimed: Timestamp, claim: ClaimNumber, now: Moment) -> Self {
        Self {
            at: row.at,
            attempt: row.attempt,
            policy: row.on_unknown,
            may_be_held: row.may_be_held,
            kind: if row.state == OutboxState::Held {
                Kind::Held
            } else {
                Kind::Unknown
            },
            claim,
            seen: now.mono,
            age_when_seen: now.wall.since(claimed),
            reported: false,
        }
    }

    /// Whether Meta took it and holds it back.
    pub(super) fn is_held(&self) -> bool {
        self.kind == Kind::Held
    }

    /// The time on the monotonic clock at which the claim is as old as this.
    fn at_age(&self, age: Duration) -> Duration {
        self.seen + age.saturating_sub(self.age_when_seen)
    }
}

/// What is to be done about an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing more: it stays unknown.
    GiveUp,
    /// One more call; the policy allows it.
    SendAgain,
    /// A status was seen: look whether the ledger settled the message.
    Check,
}

/// The unknown outcomes of one lane.
#[derive(Debug)]
pub(super) struct Watch {
    limits: UnknownLimits,
    capacity: usize,
    doubts: HashMap<MessageId, Doubt>,
    held: usize,
    looks: BTreeSet<(Duration, MessageId)>,
    look_at: HashMap<MessageId, Duration>,
    last_claim: ClaimNumber,
    claims: HashMap<MessageId, ClaimNumber>,
    claim_order: VecDeque<(MessageId, ClaimNumber)>,
    /// The latest claims of which a status was seen, latest first; at most `limits.proof` of them.
    proven: Vec<ClaimNumber>,
}

impl Watch {
    /// Keeps at most `capacity` unknown outcomes.
    pub(super) fn new(limits: UnknownLimits, capacity: usize) -> Self {
        Self {
            limits,
            capacity,
            doubts: HashMap::new(),
            held: 0,
            looks: BTreeSet::new(),
            look_at: HashMap::new(),
            last_claim: ClaimNumber::default(),
            claims: HashMap::new(),
            claim_order: VecDeque::new(),
            proven: Vec::new(),
        }
    }

    /// Numbers a claim.
    pub(super) fn note_claim(&mut self, message: MessageId) -> ClaimNumber {
        self.last_claim = ClaimNumber(self.last_claim.0.saturating_add(1));
        self.claims.insert(message, self.last_claim);
        self.claim_order.push_back((message, self.last_claim));
        if self.claim_order.len() > REMEMBERED
            && let Some((oldest, number)) = self.claim_order.pop_front()
            && self.claims.get(&oldest) == Some(&number)
        {
            self.claims.remove(&oldest);
        }
        self.last_claim
    }

    /// Takes note of a status: proof for older doubts, and perhaps the answer to one.
    pub(super) fn note_status(&mut self, token: &AttemptToken, now: Duration) {
        if let Some(claim) = self.claims.remove(&token.message) {
            self.proven.push(claim);
            self.proven.sort_unstable_by(|one, other| other.cmp(one));
            self.proven.truncate(self.limits.proof);
        }
        if let Some(doubt) = self.doubts.get_mut(&token.message)
            && doubt.attempt == token.attempt
        {
            doubt.reported = true;
            self.look(token.message, now + SETTLING);
        }
    }

    /// The call ended after all, and its result is committed: that is to be looked at now.
    pub(super) fn note_late_result(&mut self, token: &AttemptToken, now: Duration) {
        if let Some(doubt) = self.doubts.get_mut(&token.message)
            && doubt.attempt == token.attempt
        {
            doubt.reported = true;
            self.look(token.message, now);
        }
    }

    /// The ledger did not settle a message of which a status was seen: its waiting goes on.
    pub(super) fn unsettled(&mut self, message: MessageId, now: Duration) {
        if let Some(doubt) = self.doubts.get_mut(&message) {
            doubt.reported = false;
            self.look(message, now + self.limits.recheck);
        }
    }

    /// Watches an unknown outcome, if there is room; otherwise it is found in the outbox later.
    pub(super) fn add(&mut self, doubt: Doubt) -> Watched {
        let message = doubt.at.message;
        if self.doubts.len() >= self.capacity && !self.doubts.contains_key(&message) {
            return Watched::NoRoom;
        }
        let first = match doubt.policy {
            _ if doubt.is_held() => self.limits.at_latest,
            UnknownPolicy::RetryAfterDeadline if doubt.attempt < 2 => self.limits.send_again_after,
            UnknownPolicy::Ask => self.limits.at_latest,
            UnknownPolicy::NeverDuplicate | UnknownPolicy::RetryAfterDeadline if doubt.may_be_held => {
                self.limits.at_latest
            }
            UnknownPolicy::NeverDuplicate | UnknownPolicy::RetryAfterDeadline => self.limits.give_up_after,
        };
        let at = doubt.at_age(first);
        self.remove(message);
        self.held += usize::from(doubt.is_held());
        self.doubts.insert(message, doubt);
        self.look(message, at);
        Watched::Yes
    }

    /// Stops watching.
    pub(super) fn remove(&mut self, message: MessageId) -> Option<Doubt> {
        if let Some(at) = self.look_at.remove(&message) {
            self.looks.remove(&(at, message));
        }
        let doubt = self.doubts.remove(&message)?;
        self.held = self.held.saturating_sub(usize::from(doubt.is_held()));
        Some(doubt)
    }

    /// The next outcome about which something is to be done. It is watched no more, unless it is only to be checked.
    pub(super) fn decide(&mut self, now: Duration) -> Option<(Doubt, Verdict)> {
        while let Some((at, message)) = self.looks.first().copied()
            && at <= now
        {
            let verdict = self
                .doubts
                .get(&message)
                .and_then(|doubt| self.verdict(doubt, now));
            match verdict {
                Some(verdict @ (Verdict::GiveUp | Verdict::SendAgain)) => {
                    return self.remove(message).map(|doubt| (doubt, verdict));
                }
                Some(Verdict::Check) => {
                    self.look(message, now + SETTLING);
                    return self.doubts.get(&message).map(|doubt| (*doubt, Verdict::Check));
                }
                None => self.look(message, now + self.limits.recheck),
            }
        }
        None
    }

    /// When [`Watch::decide`] is worth asking again.
    pub(super) fn next_look(&self) -> Option<Duration> {
        self.looks.first().map(|(at, _)| *at)
    }

    /// Whether an outcome is watched.
    pub(super) fn holds(&self, message: MessageId) -> bool {
        self.doubts.contains_key(&message)
    }

    /// Whether an outcome is watched as what it is.
    pub(super) fn knows(&self, doubt: &Doubt) -> bool {
        let known = self.doubts.get(&doubt.at.message);
        known.is_some_and(|known| known.kind == doubt.kind)
    }

    /// How many outcomes are watched.
    pub(super) fn len(&self) -> usize {
        self.doubts.len()
    }

    /// How many of them are messages that Meta holds back.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    fn look(&mut self, message: MessageId, at: Duration) {
        if let Some(before) = self.look_at.insert(message, at) {
            self.looks.remove(&(before, message));
        }
        self.looks.insert((at, message));
    }

    fn verdict(&self, doubt: &Doubt, now: Duration) -> Option<Verdict> {
        let limits = self.limits;
        let older_than = |age| now >= doubt.at_age(age);
        if doubt.reported {
            return Some(Verdict::Check);
        }
        if older_than(limits.at_latest) {
            return Some(Verdict::GiveUp);
        }
        if doubt.is_held() {
            return None;
        }
        let silence_says_something = !doubt.may_be_held && self.proves(doubt.claim);
        match doubt.policy {
            UnknownPolicy::RetryAfterDeadline if doubt.attempt < 2 => {
                older_than(limits.send_again_after).then_some(Verdict::SendAgain)
            }
            UnknownPolicy::Ask => None,
            UnknownPolicy::NeverDuplicate | UnknownPolicy::RetryAfterDeadline => {
                (silence_says_something && older_than(limits.give_up_after)).then_some(Verdict::GiveUp)
            }
        }
    }

    fn proves(&self, claim: ClaimNumber) -> bool {
        let needed = self.limits.proof;
        self.proven.len() >= needed && self.proven.last().is_none_or(|oldest| *oldest > claim)
    }
}

/// Whether an outcome is watched now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// It is.
    Yes,
    /// There was no room.
    NoRoom,
}
