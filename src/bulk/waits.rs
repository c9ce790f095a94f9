//! A job waits for the store, and for the tenant.

use std::time::Duration;

use crate::domain::Backoff;
use crate::shutdown::Shutdown;
use crate::store::StoreError;

/// Waits while the store or the tenant takes nothing, and how often it is tried: some ten minutes. Then the job is taken up again from
/// where it was noted last.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(10));
const TRIES: u32 = 65;

/// Why nothing came of waiting.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The process ends.
    Stopped,
    /// The store or the tenant takes nothing.
    Interrupted,
    /// The store will never take it.
    Failed(StoreError),
}

/// Waits for the store, until the process ends.
#[derive(Clone, Copy)]
pub(crate) struct Waits<'a> {
    pub(crate) shutdown: &'a Shutdown,
}

impl Waits<'_> {
    /// Asks the store, again while it does not answer.
    pub(crate) async fn asked<T, F>(self, ask: impl Fn() -> F) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut failures = 0;
        loop {
            match ask().await {
                Ok(found) => return Ok(found),
                Err(error) if error.kind.is_lasting() => return Err(Unanswered::Failed(error)),
                Err(_) => self.pause(&mut failures).await?,
            }
        }
    }

    /// Waits after one more failure.
    pub(crate) async fn pause(self, failures: &mut u32) -> Result<(), Unanswered> {
        *failures += 1;
        if *failures > TRIES {
            return Err(Unanswered::Interrupted);
        }
        self.sleep(BACKOFF.after(*failures)).await
    }

    /// Waits for so long.
    pub(crate) async fn sleep(self, time: Duration) -> Result<(), Unanswered> {
        tokio::select! {
            () = self.shutdown.begun() => Err(Unanswered::Stopped),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }
}
