//! How a job waits for the store, and why it may not come to its end.

use std::time::Duration;

use crate::actors::request::Refusal;
use crate::domain::Backoff;
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::tables::BroadcastProblem;

/// Waits while the store or the tenant takes nothing, and how often it is tried: some minutes. Then the job begins anew from its rows.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(10));
const TRIES: u32 = 30;

/// Why a job did not come to its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// Somebody changed the broadcast: there is nothing more to do here.
    CalledOff,
    /// The process ends; it goes on with the next.
    Stopped,
    /// The store or the tenant takes nothing: it is taken up again.
    Interrupted,
    /// It cannot go on.
    Failed(BroadcastProblem),
}

/// Waits for the store, until the process ends.
#[derive(Clone, Copy)]
pub(super) struct Waits<'a> {
    pub(super) shutdown: &'a Shutdown,
}

impl Waits<'_> {
    /// Asks the store, again while it does not answer.
    pub(super) async fn asked<T, F>(self, ask: impl Fn() -> F) -> Result<T, Ended>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut failures = 0;
        loop {
            match ask().await {
                Ok(found) => return Ok(found),
                Err(error) if error.kind.is_lasting() => {
                    tracing::error!(%error, "a broadcast cannot go on");
                    return Err(Ended::Failed(BroadcastProblem::Internal));
                }
                Err(_) => self.pause(&mut failures).await?,
            }
        }
    }

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
                self.pause(failures).await
            }
            Refusal::BroadcastCancelled => Err(Ended::CalledOff),
            Refusal::UnknownNumber => Err(Ended::Failed(BroadcastProblem::NumberGone)),
            refusal => {
                tracing::error!(%refusal, "a broadcast cannot go on");
                Err(Ended::Failed(BroadcastProblem::Internal))
            }
        }
    }

    /// Waits after one more failure.
    async fn pause(self, failures: &mut u32) -> Result<(), Ended> {
        *failures += 1;
        if *failures > TRIES {
            return Err(Ended::Interrupted);
        }
        self.sleep(BACKOFF.after(*failures)).await
    }

    /// Waits for so long.
    pub(super) async fn sleep(self, time: Duration) -> Result<(), Ended> {
        tokio::select! {
            () = self.shutdown.begun() => Err(Ended::Stopped),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }
}
