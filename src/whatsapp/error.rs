//! What Meta's error codes prove: taken or not, whose fault, and what an agent should do.
//!
//! The codes stand in one table, [`table::ROWS`]. What an answer proves follows from its HTTP status, `type`, `code`,
//! `error_subcode` and `is_transient` together ([`classify`]). The same code may come as the answer to a call, by status
//! webhook, or both.
//! Source: Cloud API, Error codes (Dec 12 2025, with additions up to Jun 18 2026).

pub mod table;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Backoff;
pub use table::Row;

/// Whom a wait concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryScope {
    /// This message alone.
    Message,
    /// Every message of the number.
    Number,
    /// Only messages to the same customer.
    Pair,
    /// Every number of the account.
    Account,
}

/// How long to wait before a message that was provably not taken may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAdvice {
    /// Whom the wait concerns.
    pub scope: RetryScope,
    /// How long after so many failed attempts. Without jitter: the caller adds its own.
    pub backoff: Backoff,
}

impl RetryAdvice {
    /// A wait that doubles, from one second to a minute.
    pub const DOUBLING: Self = Self {
        scope: RetryScope::Number,
        backoff: Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60)),
    };

    /// A wait that stays the same.
    pub const fn after(scope: RetryScope, wait: Duration) -> Self {
        Self {
            scope,
            backoff: Backoff::constant(wait),
        }
    }
}

/// Why a number, or all bulk on it, must stop until a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The access token is invalid or expired.
    AccessToken,
    /// The token lacks a permission.
    Permission,
    /// Meta blocked, restricted or locked the account.
    AccountBlocked,
    /// There is no valid way to pay.
    Payment,
    /// The number is not registered, was deleted, or its registration is broken.
    NumberNotReady,
    /// The display name is not approved.
    DisplayName,
    /// Terms were not accepted.
    Terms,
    /// Too many messages were blocked or reported as spam.
    SpamLimit,
    /// The account misused template categories.
    Misclassification,
}

impl PauseReason {
    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Permission => "permission",
            Self::AccountBlocked => "account_blocked",
            Self::Payment => "payment",
            Self::NumberNotReady => "number_not_ready",
            Self::DisplayName => "display_name",
            Self::Terms => "terms",
            Self::SpamLimit => "spam_limit",
            Self::Misclassification => "misclassification",
        }
    }
}

/// Why one customer cannot be written to, whatever the message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactRefusal {
    /// Meta limits how much marketing a person gets; not again for at least 24 hours.
    MarketingLimit,
    /// The customer stopped marketing messages: an opt-out.
    MarketingStopped,
    /// The business blocked the customer.
    Blocked,
    /// Meta withholds the message as part of an experiment.
    Experiment,
    /// Not on WhatsApp, or cannot be reached with this kind of message.
    Unreachable,
    /// Meta forbids messages to the customer's country.
    Country,
}

impl ContactRefusal {
    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MarketingLimit => "marketing_limit",
            Self::MarketingStopped => "marketing_stopped",
            Self::Blocked => "blocked",
            Self::Experiment => "experiment",
            Self::Unreachable => "unreachable",
            Self::Country => "country",
        }
    }
}

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalScope {
    /// This message alone.
    Message,
    /// Messages to this customer.
    Contact(ContactRefusal),
    /// Every message with this template.
    Template,
    /// Everything in bulk on this number: pause it until a person acts. Replies may go on.
    Bulk(PauseReason),
    /// Everything on this number: pause its lane until a person acts.
    Lane(PauseReason),
}

/// What an error answer proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Rejected before processing: safe to try again.
    Retry(RetryAdvice),
    /// Not an answer of the Graph API, and whoever gave it did not do what was asked: safe to try again.
    NotGraph,
    /// May have gone out: never repeated blindly.
    Ambiguous,
    /// Refused for good.
    Refused(RefusalScope),
}

/// What an error of the Graph API says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said<'a> {
    /// `code`.
    pub code: i64,
    /// `error_subcode`.
    pub subcode: Option<i64>,
    /// `type`.
    pub kind: Option<&'a str>,
    /// `is_transient`.
    pub is_transient: bool,
}

impl Said<'_> {
    /// An error that says nothing beside its code.
    pub const fn only(code: i64) -> Self {
        Self {
            code,
            subcode: None,
            kind: None,
            is_transient: false,
        }
    }

    /// Whether the object that was called, a number, is not there or not to be seen with this token. Graph says so in a
    /// general code, which by itself would be the message's fault.
    fn is_about_the_number(&self) -> bool {
        let general = lookup(self.code).is_none_or(|row| row.class == Class::Refused(RefusalScope::Message));
        let of_method = self.kind == Some("GraphMethodException");
        general && (of_method || (self.code, self.subcode) == (INVALID, Some(UNKNOWN_OBJECT)))
    }

    /// Whether it calls itself transient in a code that says nothing in particular.
    fn may_pass(&self) -> bool {
        let general = matches!(self.code, INVALID | NOT_UNDERSTOOD) || lookup(self.code).is_none();
        self.is_transient && general
    }
}

/// Invalid parameter.
const INVALID: i64 = 100;
/// The object does not exist, may not be seen with this token, or does not support the method.
const UNKNOWN_OBJECT: i64 = 33;
/// Generic user error.
const NOT_UNDERSTOOD: i64 = 135_000;

/// The table's row for a code, if Meta documents it.
pub fn lookup(code: i64) -> Option<&'static Row> {
    let end = table::ROWS.partition_point(|row| row.first <= code);
    table::ROWS
        .get(end.checked_sub(1)?)
        .filter(|row| code <= row.last)
}

/// What a code that came by status webhook, long after the call, means for further messages: how far its refusal reaches, or
/// whom to give a rest. An unknown code concerns its message alone, and so do one that leaves an answer in doubt and a missing
/// one, which is 0: no status tells that nobody could authenticate.
pub fn told_by_status(code: i64) -> Class {
    match lookup(code).filter(|_| code != 0).map(|row| row.class) {
        Some(class @ (Class::Refused(_) | Class::Retry(_))) => class,
        Some(Class::NotGraph | Class::Ambiguous) | None => Class::Refused(RefusalScope::Message),
    }
}

/// Whether a message that failed may be sent again when a person wants that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendAgain {
    /// The same would come of it, or nobody may.
    Never,
    /// Once what the code says is mended, or has passed.
    Once,
    /// Not before this time after the failure.
    After(Duration),
}

impl SendAgain {
    /// How long Meta keeps marketing from a customer who got too much of it, at least.
    const CAPPED: Duration = Duration::from_hours(24);

    /// By the code with which Meta said, once and for all, that the message failed. One in doubt is none of these.
    pub fn of_failed(code: i64) -> Self {
        // No code of Meta's.
        let row = lookup(code).filter(|_| code != 0);
        match (row.map(|row| row.class), code) {
            (Some(Class::Retry(_) | Class::Refused(RefusalScope::Lane(_) | RefusalScope::Bulk(_))), _)
            | (Some(Class::Ambiguous), 2 | 131_000 | 131_016)
            | (Some(Class::Refused(RefusalScope::Template)), 132_001 | 132_015) => Self::Once,
            (Some(Class::Refused(RefusalScope::Contact(ContactRefusal::MarketingLimit))), _) => {
                Self::After(Self::CAPPED)
            }
            (
                Some(
                    Class::Refused(RefusalScope::Message | RefusalScope::Contact(_) | RefusalScope::Template)
                    | Class::Ambiguous
                    | Class::NotGraph,
                )
                | None,
                _,
            ) => Self::Never,
        }
    }
}

/// Why a message failed, in a word of the API; `None` where the code concerns the message alone.
pub fn failure_reason(code: i64) -> Option<&'static str> {
    let row = lookup(code).filter(|_| code != 0)?;
    match row.class {
        Class::Refused(RefusalScope::Contact(refusal)) => Some(refusal.as_str()),
        Class::Refused(RefusalScope::Lane(reason) | RefusalScope::Bulk(reason)) => Some(reason.as_str()),
        Class::Refused(RefusalScope::Template) => Some("template"),
        Class::Retry(_) => Some("throttled"),
        Class::Refused(RefusalScope::Message) | Class::Ambiguous | Class::NotGraph => None,
    }
}

/// What an agent should be told about a code, in plain English.
pub fn advice(code: i64) -> &'static str {
    lookup(code).map_or(
        "WhatsApp refused the message for a reason that is not documented.",
        |row| row.advice,
    )
}

/// What an error answer proves, from all that it says and the HTTP status it came with; `None` where no error of the Graph
/// API can be read.
///
/// A server error is believed only where Meta documents the code with that kind of status: anything else may have
/// happened after the message was taken.
pub fn classify(said: Option<&Said<'_>>, http_status: u16) -> Class {
    let Some(said) = said else {
        return without_verdict(http_status);
    };
    let row = lookup(if said.is_about_the_number() {
        UNKNOWN_OBJECT
    } else {
        said.code
    });
    let documented = row.is_some_and(|row| row.http_status >= 500);
    match http_status {
        408 => Class::Ambiguous,
        500.. if !documented => Class::Ambiguous,
        429 => match row.map(|row| row.class) {
            Some(class @ (Class::Retry(_) | Class::Refused(_))) => class,
            Some(Class::Ambiguous | Class::NotGraph) | None => Class::Retry(RetryAdvice::DOUBLING),
        },
        _ if said.may_pass() && !said.is_about_the_number() => Class::Ambiguous,
        401 if row.is_none() => Class::Refused(RefusalScope::Lane(PauseReason::AccessToken)),
        _ => row.map_or(Class::Refused(RefusalScope::Message), |row| row.class),
    }
}

/// What an HTTP status proves by itself: a proxy's page, an empty answer, a redirect. None of them is Graph's verdict on a
/// message, and Graph answers 200 to one that it took.
///
/// A client error says that the request was not carried out, and so does a redirect that asks for the request elsewhere or
/// answers from a cache. A redirect to the outcome (303) may follow a request that was carried out, and behind a server error
/// or a time-out the message may be on its way.
const fn without_verdict(http_status: u16) -> Class {
    match http_status {
        429 => Class::Retry(RetryAdvice::DOUBLING),
        300..=302 | 304..=407 | 409..=499 => Class::NotGraph,
        _ => Class::Ambiguous,
    }
}

#[cfg(test)]
mod tests;
