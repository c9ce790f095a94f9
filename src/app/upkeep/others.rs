//! Other processes on the same cluster: their tenants are theirs as long as they live, and looked after here when one is gone.
//! A number that one of them adds or changes is known here a few seconds later.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::each;
use crate::actors::Directory;
use crate::shutdown::Shutdown;
use crate::store::{ProcessState, StoreError};

/// How often this process says that it lives, and looks who else does. What it says is believed for four times as long.
const LOOK: Duration = Duration::from_secs(2);

/// Says that this process lives, and looks who else does. A task of its own: nothing else that takes long may keep this process
/// from saying so. It goes on while the process ends, because calls to Meta and commits are under way until the last moment.
pub(in crate::app) struct Heartbeat {
    task: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

impl Heartbeat {
    /// Begins at once.
    pub(in crate::app) fn begin(directory: Arc<Directory>, shutdown: Shutdown) -> Self {
        let (end, ended) = oneshot::channel();
        Self {
            task: tokio::spawn(beat(directory, shutdown, ended)),
            end,
        }
    }

    /// Says nothing more. Waits for what it is saying now, so that this does not come after the row is removed.
    pub(in crate::app) async fn end(mut self) {
        drop(self.end);
        if tokio::time::timeout(LOOK, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn beat(directory: Arc<Directory>, shutdown: Shutdown, mut ended: oneshot::Receiver<()>) {
    let mut due = each(LOOK);
    let mut said = ProcessState::Serving;
    loop {
        tokio::select! {
            _ = &mut ended => return,
            _ = due.tick() => {}
            // Said at once: nothing should be left to this process any more.
            () = shutdown.begun(), if said == ProcessState::Serving => {}
        }
        said = if shutdown.has_begun() {
            ProcessState::Ending
        } else {
            ProcessState::Serving
        };
        directory.look_at_others(said).await;
    }
}

/// Starts tenants whose process is gone, and that have something to send.
pub(super) async fn succeed(directory: &Directory) {
    let departed = directory.departed();
    loop {
        departed.notified().await;
        while told(directory.start_due().await).is_err() {
            tokio::time::sleep(LOOK).await;
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
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::actors::DirectoryParts;
    use crate::domain::SystemClock;
    use crate::store::ProcessId;
    use crate::store::faulty::{FaultyStore, Processes};

    const OWN: ProcessId = ProcessId::new(1);

    /// A directory of one process among others.
    async fn among_others(processes: &Arc<Processes>) -> (Arc<FaultyStore>, Arc<Directory>) {
        let store = FaultyStore::of_process(OWN, processes, &Arc::default());
        let store = Arc::new(store);
        let parts = DirectoryParts::for_tests(store.clone(), Arc::new(SystemClock::new()), Vec::new());
        (store, Arc::new(Directory::open(parts).await.unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_ends_says_so_at_once_and_goes_on_to_say_that_it_lives_until_it_leaves() {
        let processes = Arc::<Processes>::default();
        let (_, directory) = among_others(&processes).await;
        let shutdown = Shutdown::default();
        let heartbeat = Heartbeat::begin(directory, shutdown.clone());
        tokio::time::sleep(LOOK * 2 + LOOK / 2).await;
        assert_eq!(processes.said(OWN), [ProcessState::Serving; 3]);
        shutdown.begin();
        tokio::time::sleep(LOOK / 100).await;
        assert_eq!(processes.said(OWN).last(), Some(&ProcessState::Ending));
        // Calls to Meta are finished meanwhile.
        tokio::time::sleep(LOOK * 10).await;
        let said = processes.said(OWN);
        assert!(said.len() > 12, "{said:?}");
        assert!(said.iter().skip(3).all(|said| *said == ProcessState::Ending));
        heartbeat.end().await;
        tokio::time::sleep(LOOK * 10).await;
        assert_eq!(processes.said(OWN), said, "nothing after it left");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_says_that_it_lives_while_another_process_tenants_hang_at_their_start() {
        let processes = Arc::<Processes>::default();
        let (store, directory) = among_others(&processes).await;
        let heartbeat = Heartbeat::begin(Arc::clone(&directory), Shutdown::default());
        let work = tokio::spawn(async move { succeed(&directory).await });
        let _other = FaultyStore::of_process(ProcessId::new(2), &processes, &Arc::default());
        tokio::time::sleep(LOOK * 2).await;
        *store.due_delay.lock().unwrap() = Duration::MAX;
        processes.kill(ProcessId::new(2));
        tokio::time::sleep(LOOK * 20).await;
        assert_eq!(store.due_reads.load(Ordering::Acquire), 1, "it begins, and hangs");
        let said = processes.said(OWN).len();
        assert!(said > 20, "{said}");
        heartbeat.end().await;
        work.abort();
    }

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
