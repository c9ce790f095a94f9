//! What a failure of the driver means for who called: did the request leave, and may it have been carried out?

use std::time::Duration;

use scylla::errors::{DbError, ExecutionError, NewSessionError, PrepareError, RequestAttemptError};

use crate::store::error::{StoreError, StoreErrorKind};

/// When a node that has too much to do may be asked again.
const AGAIN: Duration = Duration::from_millis(250);

/// What a request would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: whether it was carried out does not matter.
    Reads,
    /// It writes: once it left, nobody can tell whether it was carried out.
    Writes,
}

/// A failed request. `name` is that of its statement.
pub(super) fn of_request(name: &str, effect: Effect, error: &ExecutionError) -> StoreError {
    let kind = match error {
        ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => StoreErrorKind::Unavailable,
        ExecutionError::BadQuery(_) => StoreErrorKind::Invalid,
        ExecutionError::LastAttemptError(attempt) => of_attempt(effect, attempt),
        _ => left(effect),
    };
    let failure = StoreError::new(kind, format!("{name}: {}", words(error)));
    if kind == StoreErrorKind::Overloaded {
        failure.retry_after(AGAIN)
    } else {
        failure
    }
}

/// The driver's words, except for those of the server, which may quote values.
fn words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) => error.to_string(),
        other => other.to_string(),
    }
}

/// The request left and was not answered.
const fn left(effect: Effect) -> StoreErrorKind {
    match effect {
        Effect::Reads => StoreErrorKind::Unavailable,
        Effect::Writes => StoreErrorKind::Unknown,
    }
}

fn of_attempt(effect: Effect, error: &RequestAttemptError) -> StoreErrorKind {
    match error {
        RequestAttemptError::UnableToAllocStreamId => StoreErrorKind::Overloaded,
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
            StoreErrorKind::Invalid
        }
        RequestAttemptError::DbError(error, _) => of_server(effect, error),
        _ => left(effect),
    }
}

fn of_server(effect: Effect, error: &DbError) -> StoreErrorKind {
    match error {
        // Refused before anything was done.
        DbError::Unavailable { .. } | DbError::IsBootstrapping => StoreErrorKind::Unavailable,
        DbError::RateLimitReached { .. } => StoreErrorKind::Overloaded,
        DbError::SyntaxError
        | DbError::Invalid
        | DbError::AlreadyExists { .. }
        | DbError::ConfigError
        | DbError::ProtocolError
        | DbError::FunctionFailure { .. } => StoreErrorKind::Invalid,
        DbError::AuthenticationError | DbError::Unauthorized => StoreErrorKind::Unavailable,
        // A coordinator may say so after it began.
        DbError::Overloaded if effect == Effect::Reads => StoreErrorKind::Overloaded,
        _ => left(effect),
    }
}

/// A statement that could not be prepared.
pub(super) fn of_preparing(name: &str, error: &PrepareError) -> StoreError {
    let kind = match error {
        PrepareError::ConnectionPoolError(_) => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Invalid,
    };
    StoreError::new(kind, format!("cannot prepare {name}: {error}"))
}

/// A cluster that could not be reached.
pub(super) fn of_connecting(error: &NewSessionError) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!("cannot reach the cluster: {error}"),
    )
}

/// A cluster that took a connection and then said nothing.
pub(super) fn of_silence() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the cluster does not answer")
}

/// A conditional write of which two nodes were asked, one of which says that the condition does not hold.
pub(super) fn of_two(name: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unknown,
        format!("{name}: not applied, or by another node"),
    )
}

/// An answer of another form than was asked for.
pub(super) fn of_answer(name: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::corrupt(name, error)
}
