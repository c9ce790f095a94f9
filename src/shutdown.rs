//! One signal for an orderly end, and a count of the parts that have not finished yet.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
/// A part that has to finish before the process ends; dropping it says that it has.
pub use tokio_util::task::task_tracker::TaskTrackerToken as Part;

/// Tells every part of the process to end, and waits for them. Clones share the signal.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    signal: CancellationToken,
    parts: TaskTracker,
}

impl Shutdown {
    /// Tells everybody to end.
    pub fn begin(&self) {
        self.signal.cancel();
    }

    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        self.signal.is_cancelled()
    }

    /// Waits until the end begins. Safe to drop and call again.
    pub async fn begun(&self) {
        self.signal.cancelled().await;
    }

    /// Joins the parts that are waited for.
    pub fn part(&self) -> Part {
        self.parts.token()
    }

    /// Waits until every part has finished, at most this long; returns how many have not.
    pub async fn drained(&self, limit: Duration) -> usize {
        self.parts.close();
        // Whether it was in time shows in the count.
        let _ = tokio::time::timeout(limit, self.parts.wait()).await;
        self.parts.len()
    }

    /// Begins the end when the process is told to stop (SIGTERM, or SIGINT from a terminal).
    pub async fn begin_on_signal(self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.begin();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
