//! Why something cannot be done with a broadcast.

use crate::actors::request::Refusal;
use crate::bulk::imports::ImportError;
use crate::domain::TemplateStatus;
use crate::store::StoreError;
use crate::store::tables::BroadcastState;

use super::changes::MOST;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// There is none of this id.
    #[error("no broadcast has this id")]
    NotFound,
    /// It is not as the caller saw it.
    #[error("the broadcast is not as you saw it: look at it again")]
    Changed,
    /// It cannot be done where the broadcast stands.
    #[error("the broadcast is {state}: {why}", state = .0.as_str(), why = .1)]
    State(BroadcastState, &'static str),
    /// So many get it that the caller must say how many.
    #[error("{0} people get it: say so in `recipients` to launch it")]
    CountRequired(u32),
    /// The caller thought that others get it.
    #[error("{0} people get it, and not as many as `recipients` says")]
    CountDiffers(u32),
    /// Meta does not send its template.
    #[error("the template is {}, and Meta sends only those that are APPROVED", .0.as_str())]
    TemplateNotSendable(TemplateStatus),
    /// What it says makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The tenant has as many as it may.
    #[error("there are {MOST} broadcasts already: delete some first")]
    TooMany,
    /// Its file cannot be taken.
    #[error(transparent)]
    File(#[from] ImportError),
    /// The tenant does not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<std::io::Error> for BroadcastError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.into())
    }
}
