//! Tests that listen to the log, each on its own thread.

use std::sync::OnceLock;

use tracing::Dispatch;
use tracing::dispatcher::{DefaultGuard, set_default};

/// Has this thread's log lines go to a subscriber until the guard is dropped.
///
/// While a process has only one subscriber, a place in the code that is reached for the first time asks the subscriber of
/// the thread that got there, and what it answers holds for all threads: a test that listens to nothing would switch the
/// place off for the one that does. With a second subscriber, whom nobody speaks to, all of them are asked.
pub(crate) fn listen(subscriber: impl Into<Dispatch>) -> DefaultGuard {
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
    set_default(&subscriber.into())
}
