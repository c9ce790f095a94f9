//! Other processes on the same cluster: their tenants are theirs as long as they live, and looked after here when one is gone.
//! A number that one of them adds or changes is known here a few seconds later.

use std::time::Duration;

use tokio::time::Instant;

use super::each;
use crate::actors::Directory;
use crate::actors::directory::Look;
use crate::store::StoreError;

/// How often this process says that it lives, and looks who else does. What it says is believed for four times as long.
const LOOK: Duration = Duration::from_secs(2);

/// Starts tenants whose process is gone, and that have something to send.
pub(super) async fn succeed(directory: &Directory) {
    let mut due = each(LOOK);
    let mut is_gone = false;
    loop {
        due.tick().await;
        is_gone |= directory.look_at_others().await == Look::SomebodyGone;
        if is_gone {
            is_gone = told(directory.start_due().await).is_err();
        }
    }
}

/// Takes over numbers that others add or change. There may be very many of them: reading them takes a tenth of the time at most.
pub(super) async fn read_numbers(directory: &Directory) {
    let mut is_failing = false;
    loop {
        let began = Instant::now();
        let read = directory.read_numbers_again().await;
        let was_failing = std::mem::replace(&mut is_failing, read.is_err());
        if let Err(error) = read
            && !was_failing
        {
            tracing::warn!(%error, "cannot tell whether another gateway added a number");
        }
        let rest = if is_failing {
            LOOK
        } else {
            LOOK.max(began.elapsed() * 9)
        };
        tokio::time::sleep(rest).await;
    }
}

fn told(started: Result<(), StoreError>) -> Result<(), StoreError> {
    match &started {
        Ok(()) => tracing::info!("another gateway is gone: its tenants that have something to send run here"),
        Err(error) => tracing::warn!(%error, "cannot tell yet what a gateway left that is gone"),
    }
    started
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::actors::DirectoryParts;
    use crate::domain::SystemClock;
    use crate::store::faulty::FaultyStore;

    /// How often it is looked for changed numbers within 99 seconds, where each look takes so long.
    async fn looks(each: Duration) -> usize {
        let store = Arc::new(FaultyStore::default());
        let parts = DirectoryParts::for_tests(store.clone(), Arc::new(SystemClock::new()), Vec::new());
        let directory = Directory::open(parts).await.unwrap();
        *store.number_delay.lock().unwrap() = each;
        let before = store.number_looks.load(Ordering::Acquire);
        let work = read_numbers(&directory);
        tokio::time::timeout(Duration::from_secs(99), work)
            .await
            .unwrap_err();
        store.number_looks.load(Ordering::Acquire) - before
    }

    #[tokio::test(start_paused = true)]
    async fn changed_numbers_are_looked_for_often_and_for_a_tenth_of_the_time_at_most() {
        assert_eq!(looks(Duration::ZERO).await, 50);
        assert_eq!(looks(Duration::from_millis(100)).await, 48);
        assert_eq!(looks(Duration::from_secs(1)).await, 10);
        assert_eq!(looks(Duration::from_secs(10)).await, 1);
    }
}
