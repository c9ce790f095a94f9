//! The thread on which rows are read.
//!
//! The library that reads phones keeps tables for each thread that uses it: on the threads of a pool they came to 40 MiB. One thread also
//! leaves a processor to messages while files of several businesses are read. Each job hands it one batch and waits, so that no more wait
//! than there are jobs.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

static READER: LazyLock<Sender<Work>> = LazyLock::new(|| {
    let (hand, works) = channel();
    let started = thread::Builder::new().name("import-reader".to_owned());
    if let Err(error) = started.spawn(move || serve(&works)) {
        tracing::error!(%error, "no thread can be started that reads files");
    }
    hand
});

fn serve(works: &Receiver<Work>) {
    while let Ok(work) = works.recv() {
        // Whoever waits is told: its answer is dropped.
        drop(catch_unwind(AssertUnwindSafe(work)));
    }
}

/// Has something read there, in its turn.
pub(crate) async fn reading<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let work: Work = Box::new(move || drop(answer.send(work())));
    READER
        .send(work)
        .map_err(|_ended| io::Error::other("the thread that reads files ended"))?;
    answered.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_is_told_to_who_waits_and_the_next_is_read() {
        let name = || Ok::<_, io::Error>(thread::current().name().map(str::to_owned));
        let first = reading(name).await.unwrap();
        let broken = reading(|| -> io::Result<()> { panic!("broken") }).await;
        assert!(broken.is_err());
        assert_eq!(reading(name).await.unwrap(), first, "on the same thread");
        assert_eq!(first.as_deref(), Some("import-reader"));
    }
}
