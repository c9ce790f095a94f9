//! An import waits for the store, and for the tenant.

use std::time::Duration;

use super::job::{Ended, Failure};
use crate::domain::Backoff;
use crate::shutdown::Shutdown;
use crate::store::StoreError;

/// Waits while the store or the tenant takes nothing, and how often it is tried: some ten minutes. Then it is taken up again from where
/// it was noted last.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(10));
const TRIES: u32 = 65;

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
                    tracing::error!(%error, "an import cannot go on");
                    return Err(Ended::Failed(Failure::Internal));
                }
                Err(_) => self.pause(&mut failures).await?,
            }
        }
    }

    /// Waits after one more failure.
    pub(super) async fn pause(self, failures: &mut u32) -> Result<(), Ended> {
        *failures += 1;
        if *failures > TRIES {
            return Err(Ended::Interrupted);
        }
        tokio::select! {
            () = self.shutdown.begun() => Err(Ended::Stopped),
            () = tokio::time::sleep(BACKOFF.after(*failures)) => Ok(()),
        }
    }
}
