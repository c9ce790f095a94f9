//! A write that stands still until a test has done something else.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::FaultyStore;

/// The next write of a table's rows, which waits.
#[derive(Clone)]
pub(crate) struct Pause {
    table: &'static str,
    arrived: Arc<Semaphore>,
    gone_on: Arc<Semaphore>,
}

impl Pause {
    /// Returns once somebody is about to write.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets the write be done.
    pub(crate) fn go_on(&self) {
        self.gone_on.add_permits(1);
    }

    pub(super) async fn stand(&self) {
        self.arrived.add_permits(1);
        self.gone_on.acquire().await.unwrap().forget();
    }
}

impl FaultyStore {
    /// Has the next write of this table's rows wait.
    pub(crate) fn pause(&self, table: &'static str) -> Pause {
        let pause = Pause {
            table,
            arrived: Arc::new(Semaphore::new(0)),
            gone_on: Arc::new(Semaphore::new(0)),
        };
        self.plain_pauses.lock().unwrap().push(pause.clone());
        pause
    }

    pub(super) fn pause_at(&self, table: &str) -> Option<Pause> {
        let mut pauses = self.plain_pauses.lock().unwrap();
        let at = pauses.iter().position(|pause| pause.table == table)?;
        Some(pauses.remove(at))
    }
}
