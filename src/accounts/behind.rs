//! One bounded writer for what is recorded behind an answer: the user's own list of sign-ins, and the entries in the logs of teams.
//!
//! Whoever signs in waits for none of it, so that the time of an answer tells nobody whether there is such an account. An orderly stop
//! waits for what was begun; a kill loses it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Writes in flight: more than passwords are compared in the time of a write.
const AT_ONCE: usize = 128;

/// Too much is being written: what was to be written is lost, and its owner counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many are being written")]
pub struct TooMany;

/// See the module.
pub struct BackgroundWriter {
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Outlives the threads of HTTP, which end before what they began is written.
    runtime: Handle,
}

impl BackgroundWriter {
    /// Must be called within the runtime that lasts as long as the process.
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        }
    }

    /// Begins to write, and does not wait. The write bounds its own time.
    pub fn begin(&self, writing: impl Future<Output = ()> + Send + 'static) -> Result<(), TooMany> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_full| TooMany)?;
        let writing = async move {
            writing.await;
            drop(place);
        };
        self.tasks.spawn_on(writing, &self.runtime);
        Ok(())
    }

    /// Waits, at most so long, until all that was begun is written; how many writes are not.
    pub(super) async fn finished(&self, limit: Duration) -> usize {
        self.tasks.close();
        // Whether it was in time shows in the count.
        let _ = timeout(limit, self.tasks.wait()).await;
        self.tasks.len()
    }

    /// Writes that are not done.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.tasks.len()
    }
}

impl std::fmt::Debug for BackgroundWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackgroundWriter")
    }
}
