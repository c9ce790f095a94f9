//! The oracle: remembers what Graph was asked and what it accepted, what customers wrote and which webhooks were
//! acknowledged, takes what drivers say that the gateway accepted, showed and kept, and tells where these disagree.
//!
//! Under `/_oracle`, for drivers that watch the gateway from outside:
//!
//! | method and path | body | meaning |
//! |---|---|---|
//! | `POST /_oracle/submissions` | list of [`Submission`] | sends that the gateway acknowledged (202, or accepted over a socket) |
//! | `POST /_oracle/events` | list of [`EventsSeen`] | what agents' sockets showed |
//! | `POST /_oracle/history` | [`HistoryRead`] | rows read back from the gateway; each row once |
//! | `POST /_oracle/opt_outs` | list of [`OptOut`] | refusals that the gateway has committed |
//! | `POST /_oracle/tenants` | map of tenant to its numbers' ids | who owns what |
//! | `GET /_oracle/report` | `?format=text` for people | [`Report`] |
//! | `POST /_oracle/forget_history` | – | forgets what was read back, for another reading |
//! | `POST /_oracle/calls` | list of message ids | how many of them Graph was never asked for, left without an answer, and answered: [`Calls`] |
//! | `POST /_oracle/callers_gone` | – | calls that are open now get no answer any more: how many |
//!
//! Sends count as the same when their attempt token names the same message, or when the same recipient gets a text with
//! the same marker: a word that begins with the configured prefix and that the driver uses once.

mod delivery;
mod evidence;
mod report;
mod routes;
mod streams;
mod text;

pub(crate) use routes::routes;

pub use evidence::{EventSeen, EventsSeen, HistoryRead, HistoryRow, OptOut, Policy, Submission};
pub use report::{Invariant, Report, Totals};

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::customers::CustomerIndex;
use super::dice::mix;
use super::sends::{SendIndex, Token};
use crate::ids::{MessageId, PhoneNumberId, TenantId};
use crate::token::AttemptToken;
pub use delivery::DeliveryState;
use evidence::Refused;
use streams::{Stream, StreamKey};

/// Examples kept for each kind of disagreement.
const EXAMPLES: usize = 20;

/// What Graph let its caller know about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Outcome {
    /// Nothing yet.
    #[default]
    Unseen,
    /// An answer that proves that nothing was accepted.
    NotAccepted,
    /// Nothing was accepted, but the caller cannot know.
    Doubtful,
    /// Accepted, whether or not the caller learnt of it.
    Accepted,
}

/// Everything about one message that the gateway sent or promised to send.
#[derive(Debug, Clone, Copy, Default)]
struct MessageFacts {
    /// One bit for each attempt from 1 to 63.
    attempts: u64,
    last: Outcome,
    /// How often Graph accepted it.
    accepted: u8,
    /// Whether the last call was answered while its caller was there.
    answered: bool,
    /// Requests that repeated an attempt.
    repeated: u8,
    /// Attempts that followed one whose outcome the caller could not know, or that was accepted.
    unjustified: u8,
    tenant: Option<TenantId>,
    /// Whether the gateway acknowledged it to its caller.
    submitted: bool,
    /// Whether its sender allowed a repetition in doubt.
    repeatable: bool,
    /// How often it was found in history.
    in_history: u8,
    /// Its state there.
    state: Option<DeliveryState>,
    /// The state that agents were shown last, and where.
    shown: Option<Shown>,
}

/// A state shown to agents, by its place in the ledger.
#[derive(Debug, Clone, Copy)]
struct Shown {
    seq: u64,
    rank: u8,
}

/// What disagrees: how much of it, and some examples.
#[derive(Debug, Default)]
struct Findings {
    count: u64,
    examples: Vec<String>,
}

impl Findings {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// The oracle's book.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    messages: HashMap<MessageId, MessageFacts>,
    /// Accepted sends by recipient and content.
    contents: HashMap<u64, u32>,
    /// Accepted sends by recipient and marker.
    markers: HashMap<u64, u32>,
    /// Sends whose marker the same recipient had before, though under another message.
    marked_twice: Vec<SendIndex>,
    marked_twice_count: u64,
    /// Markers that Graph accepted, whoever got them.
    markers_seen: HashSet<u64>,
    /// Markers that drivers submitted.
    markers_submitted: HashSet<u64>,
    streams: HashMap<StreamKey, Stream>,
    /// What stands at a place of a ledger, as a fingerprint.
    ledger: HashMap<u64, u64>,
    changed: Findings,
    sank: Findings,
    states_shown: u64,
    owners: HashMap<PhoneNumberId, TenantId>,
    strangers: Findings,
    rows_owned: u64,
    refused: HashMap<CustomerIndex, Refused>,
    history_rows: u64,
    /// Forged messages and messages for other numbers that the gateway kept.
    kept_strange: Findings,
    /// Rows that are neither a message of a customer nor one that Graph or a driver knows.
    unknown_rows: u64,
    inbound_shown: HashSet<u32>,
}

impl Oracle {
    /// A request to send arrived and was decided. Says whether the message was accepted before.
    pub(crate) fn request(&mut self, token: &Token, outcome: Outcome) -> Repetition {
        let Token::Attempt(AttemptToken {
            tenant,
            message,
            attempt,
            ..
        }) = token
        else {
            return Repetition::No;
        };
        let facts = self.messages.entry(*message).or_default();
        let before = facts.accepted;
        facts.tenant = Some(*tenant);
        let bit = 1_u64.checked_shl(u32::from(*attempt)).unwrap_or(0);
        if facts.attempts & bit != 0 {
            facts.repeated = facts.repeated.saturating_add(1);
        } else if matches!(facts.last, Outcome::Accepted | Outcome::Doubtful) {
            facts.unjustified = facts.unjustified.saturating_add(1);
        }
        facts.attempts |= bit;
        facts.answered = false;
        if outcome == Outcome::Accepted {
            facts.accepted = facts.accepted.saturating_add(1);
        }
        facts.last = outcome;
        if before > 0 {
            Repetition::OfMessage
        } else {
            Repetition::No
        }
    }

    /// A call got its answer.
    pub(crate) fn answered(&mut self, token: &Token) {
        if let Token::Attempt(token) = token
            && let Some(facts) = self.messages.get_mut(&token.message)
        {
            facts.answered = true;
        }
    }

    /// What Graph knows of calls for messages.
    pub(crate) fn calls(&self, messages: &[MessageId]) -> Calls {
        let mut calls = Calls::default();
        for message in messages {
            match self.messages.get(message).filter(|facts| facts.attempts != 0) {
                None => calls.never += 1,
                Some(facts) if facts.answered => calls.answered += 1,
                Some(_) => calls.unanswered += 1,
            }
        }
        calls
    }

    /// Graph accepted a content for a recipient.
    pub(crate) fn accepted(&mut self, send: SendIndex, recipient: u64, content: &str, marker: &Marker<'_>) {
        *self.contents.entry(mix(recipient, hash(content))).or_default() += 1;
        let Some(word) = find_marker(content, marker.prefix) else {
            return;
        };
        self.markers_seen.insert(hash(word));
        let times = self.markers.entry(mix(recipient, hash(word))).or_default();
        *times += 1;
        // A message that was accepted before is counted by its id.
        if *times > 1 && marker.repetition == Repetition::No {
            self.marked_twice_count += 1;
            if self.marked_twice.len() < EXAMPLES {
                self.marked_twice.push(send);
            }
        }
    }
}

/// What Graph knows of calls for some messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// No call came.
    pub never: u64,
    /// The last one was left without an answer.
    pub unanswered: u64,
    /// The last one was answered.
    pub answered: u64,
}

/// Whether a send repeats an accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repetition {
    No,
    /// The message of its token was accepted before.
    OfMessage,
}

/// How to look for a marker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marker<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) repetition: Repetition,
}

/// The word that names a message alone.
fn find_marker<'content>(content: &'content str, prefix: &str) -> Option<&'content str> {
    if prefix.is_empty() {
        return None;
    }
    let rest = content.get(content.find(prefix)?..)?;
    let tail = rest.get(prefix.len()..)?;
    let length = tail
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        .count();
    (length > 0).then(|| rest.get(..prefix.len() + length))?
}

fn hash(text: &str) -> u64 {
    text.as_bytes().chunks(8).fold(0x5eed, |sum, chunk| {
        let mut word = [0_u8; 8];
        word.iter_mut().zip(chunk).for_each(|(slot, byte)| *slot = *byte);
        mix(sum, u64::from_be_bytes(word))
    })
}

/// Places the states in the order in which they may be shown: never backwards.
const fn rank(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Queued => 0,
        DeliveryState::Claimed => 1,
        DeliveryState::Unknown => 2,
        DeliveryState::Cancelled => 3,
        DeliveryState::Expired => 4,
        DeliveryState::Held => 5,
        DeliveryState::Sent => 6,
        DeliveryState::Failed => 7,
        DeliveryState::Delivered => 8,
        DeliveryState::Read => 9,
        DeliveryState::Played => 10,
    }
}

#[cfg(test)]
mod tests;
