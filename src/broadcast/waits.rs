//! How a job waits for the tenant, and why it may not come to its end.

use super::guard::PauseCause;
use crate::actors::request::Refusal;
use crate::bulk::waits::Unanswered;
pub(super) use crate::bulk::waits::Waits;
use crate::domain::{BroadcastProblem, Timestamp};
use crate::store::StoreError;

/// Why a job did not come to its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// Somebody changed the broadcast: there is nothing more to do here.
    CalledOff,
    /// The process ends; it goes on with the next.
    Stopped,
    /// The store or the tenant takes nothing: it is taken up again.
    Interrupted,
    /// Nobody may be sent to before then: it is taken up again.
    Resting(Timestamp),
    /// It cannot go on.
    Failed(BroadcastProblem),
    /// It is to stand still until a person looks at it.
    Held(Box<PauseCause>),
}

impl From<Unanswered> for Ended {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Stopped => Self::Stopped,
            Unanswered::Interrupted => Self::Interrupted,
            Unanswered::Failed(error) => error.into(),
        }
    }
}

/// A search that fails is tried again from the same place.
impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        if error.kind.is_lasting() {
            tracing::error!(%error, "a broadcast cannot go on");
            Self::Failed(BroadcastProblem::Internal)
        } else {
            Self::Interrupted
        }
    }
}

impl Waits<'_> {
    /// Asks the tenant, again while it takes nothing.
    pub(super) async fn taken<T, F>(self, ask: impl Fn() -> F) -> Result<T, Ended>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let mut failures = 0;
        loop {
            match ask().await {
                Ok(done) => return Ok(done),
                Err(refusal) => self.refused(refusal, &mut failures).await?,
            }
        }
    }

    /// Waits after the tenant refused something, where that may help.
    pub(super) async fn refused(self, refusal: Refusal, failures: &mut u32) -> Result<(), Ended> {
        match refusal {
            Refusal::Busy | Refusal::QueueFull | Refusal::Unavailable { .. } | Refusal::Uncertain => {
                Ok(self.pause(failures).await?)
            }
            Refusal::BroadcastCancelled => Err(Ended::CalledOff),
            Refusal::UnknownNumber => Err(Ended::Failed(BroadcastProblem::NumberGone)),
            refusal => {
                tracing::error!(%refusal, "a broadcast cannot go on");
                Err(Ended::Failed(BroadcastProblem::Internal))
            }
        }
    }
}
