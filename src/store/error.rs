//! The store's one error: a kind to decide by, a text to read, and when to come back.

use std::path::Path;
use std::time::Duration;

/// What a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// The backend does not answer; nothing was written.
    Unavailable,
    /// Too much is waiting already; nothing was written.
    Overloaded,
    /// The disk or a quota is full; nothing was written.
    Full,
    /// The write may or may not have happened: re-read, then decide.
    Unknown,
    /// Another owner took over; drop all state.
    Fenced,
    /// The ledger stands elsewhere than the writer believed; nothing was written.
    HeadMoved,
    /// The call can never succeed as it is.
    Invalid,
    /// What was read makes no sense. Stop and look.
    Corrupt,
}

impl StoreErrorKind {
    /// Whether it does not end by itself, so that somebody has to be told each time.
    pub const fn is_lasting(self) -> bool {
        matches!(self, Self::Invalid | Self::Corrupt)
    }

    /// Name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Full => "full",
            Self::Unknown => "unknown",
            Self::Fenced => "fenced",
            Self::HeadMoved => "head_moved",
            Self::Invalid => "invalid",
            Self::Corrupt => "corrupt",
        }
    }
}

/// A failed store call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("store {}: {detail}", kind.as_str())]
pub struct StoreError {
    /// What a caller can do about it.
    pub kind: StoreErrorKind,
    /// What happened, without personal data.
    pub detail: String,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

impl StoreError {
    /// Describes a failure.
    pub fn new(kind: StoreErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// Another owner took over.
    pub(super) fn fenced() -> Self {
        Self::new(StoreErrorKind::Fenced, "another owner took over")
    }

    /// A writer that did not open its ledger.
    pub(super) fn not_opened() -> Self {
        Self::new(
            StoreErrorKind::Invalid,
            "the ledger was not opened with this fence",
        )
    }

    /// The writer believes the ledger to stand where it does not.
    pub(super) fn head_moved() -> Self {
        Self::new(StoreErrorKind::HeadMoved, "the ledger stands elsewhere")
    }

    /// A number that another tenant has.
    pub(super) fn number_taken() -> Self {
        Self::new(StoreErrorKind::Invalid, "another tenant has this number")
    }

    /// Something stored that cannot be read back, or something that cannot be written down.
    pub(super) fn corrupt(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(StoreErrorKind::Corrupt, format!("{what}: {error}"))
    }

    /// Adds what was found beside it.
    pub(super) fn and(self, other: &Self) -> Self {
        Self {
            detail: format!("{}. Also: {}", self.detail, other.detail),
            ..self
        }
    }

    /// Adds the folder in which it happened, unless it names a place there already.
    pub(super) fn within(self, folder: &Path) -> Self {
        let folder = folder.display().to_string();
        if self.detail.contains(&folder) {
            return self;
        }
        Self {
            detail: format!("{folder}: {}", self.detail),
            ..self
        }
    }

    /// Adds when trying again makes sense.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same failure of a call that may have been carried out before it.
    pub fn into_unknown(self) -> Self {
        Self {
            kind: StoreErrorKind::Unknown,
            ..self
        }
    }

    /// Whether nothing was written and the same call may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Overloaded | StoreErrorKind::Full
        )
    }
}
