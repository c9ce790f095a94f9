//! Sends the mails that wait, a few of each class at a time: one that hangs holds up some of its own class and none of another. One
//! that fails for now is tried again, later each time.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::class::{Class, OfEach};
use super::{Failure, Transport, Waiting};
use crate::domain::backoff::{Backoff, spread};
use crate::telemetry::labels::MailOutcome;
use crate::telemetry::metrics;

/// How long one attempt may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);
/// Attempts of each class at a time: mail servers take few connections of one client.
pub(super) const AT_ONCE: usize = 2;
/// Attempts for each mail: the last comes about half an hour after the first, when a link that holds for an hour is still good.
pub(super) const ATTEMPTS: u32 = 6;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(10),
    factor: 4,
    longest: Duration::from_secs(900),
};

/// One that failed, and when it is tried again. The earliest is the greatest, as a heap wants it.
struct Again {
    due: Reverse<Instant>,
    failures: u32,
    mail: Waiting,
}

impl PartialEq for Again {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Again {}

impl PartialOrd for Again {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Again {
    fn cmp(&self, other: &Self) -> Ordering {
        self.due.cmp(&other.due)
    }
}

/// One whose turn has come, and how often it failed.
struct Ready {
    mail: Waiting,
    failures: u32,
}

/// An attempt that ended.
struct Ended {
    ready: Ready,
    result: Result<(), Failure>,
}

/// The queue's other end.
pub(super) struct Worker {
    transport: Arc<dyn Transport>,
    mails: mpsc::Receiver<Waiting>,
    /// Those whose turn has come, in order. They have their places still, which bound them.
    ready: OfEach<VecDeque<Ready>>,
    attempts: FuturesUnordered<BoxFuture<'static, Ended>>,
    in_flight: OfEach<usize>,
    again: BinaryHeap<Again>,
    random: fastrand::Rng,
    stage: Stage,
}

/// Whether mails are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Ending,
}

impl Worker {
    pub(super) fn new(transport: Arc<dyn Transport>, mails: mpsc::Receiver<Waiting>, seed: u64) -> Self {
        Self {
            transport,
            mails,
            ready: OfEach::default(),
            attempts: FuturesUnordered::new(),
            in_flight: OfEach::default(),
            again: BinaryHeap::new(),
            random: fastrand::Rng::with_seed(seed),
            stage: Stage::Open,
        }
    }

    /// Until it is told to end: then what waits is tried once more, without waiting for its time.
    async fn run(mut self, closing: CancellationToken) {
        loop {
            self.begin();
            let due = self.again.peek().map(|again| again.due.0);
            tokio::select! {
                biased;
                () = closing.cancelled() => break,
                Some(ended) = self.attempts.next() => self.end(ended),
                () = until(due) => {
                    if let Some(Again { failures, mail, .. }) = self.again.pop() {
                        self.put(Ready { mail, failures });
                    }
                }
                mail = self.mails.recv() => match mail {
                    Some(mail) => self.put(Ready { mail, failures: 0 }),
                    None => break,
                },
            }
        }
        self.stage = Stage::Ending;
        self.mails.close();
        for class in Class::ALL {
            for ready in self.ready.of(class) {
                ready.failures = ATTEMPTS.saturating_sub(1);
            }
        }
        while let Ok(mail) = self.mails.try_recv() {
            self.put_last(mail);
        }
        while let Some(again) = self.again.pop() {
            self.put_last(again.mail);
        }
        self.begin();
        while let Some(ended) = self.attempts.next().await {
            self.end(ended);
            self.begin();
        }
    }

    fn put(&mut self, ready: Ready) {
        self.ready.of(ready.mail.message.class).push_back(ready);
    }

    /// For one attempt, the last.
    fn put_last(&mut self, mail: Waiting) {
        let failures = ATTEMPTS.saturating_sub(1);
        self.put(Ready { mail, failures });
    }

    /// Begins as many attempts as there may be.
    fn begin(&mut self) {
        for class in Class::ALL {
            while *self.in_flight.of(class) < AT_ONCE {
                let Some(ready) = self.ready.of(class).pop_front() else {
                    break;
                };
                *self.in_flight.of(class) += 1;
                let transport = Arc::clone(&self.transport);
                self.attempts.push(Box::pin(async move {
                    let sending = tokio::time::timeout(DEADLINE, transport.send(&ready.mail.message));
                    let result = sending
                        .await
                        .unwrap_or_else(|_elapsed| Err(Failure::ForNow("it took too long".to_owned())));
                    Ended { ready, result }
                }));
            }
        }
    }

    fn end(&mut self, Ended { ready, result }: Ended) {
        let Ready { mail, failures } = ready;
        let in_flight = self.in_flight.of(mail.message.class);
        *in_flight = in_flight.saturating_sub(1);
        let kind = mail.message.kind;
        let told = |outcome| metrics::mails_total(kind, outcome).increment(1);
        let failures = failures.saturating_add(1);
        match result {
            Ok(()) => told(MailOutcome::Sent),
            Err(Failure::ForNow(why)) if failures < ATTEMPTS => {
                told(MailOutcome::Delayed);
                if self.stage == Stage::Ending {
                    return self.put_last(mail);
                }
                let wait = spread(BACKOFF.after(failures), self.random.f64());
                tracing::warn!(mail.kind = ?kind, why, wait_s = wait.as_secs(), "a mail was not sent: it is tried again");
                let due = Reverse(Instant::now() + wait);
                self.again.push(Again { due, failures, mail });
            }
            Err(Failure::ForNow(why) | Failure::ForGood(why)) => {
                told(MailOutcome::Failed);
                tracing::error!(mail.kind = ?kind, why, "a mail is given up: whoever waits for it has to ask again");
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The worker of a [`super::Mailer`], which has to be run.
pub struct MailWorker {
    worker: Worker,
    closing: CancellationToken,
}

impl MailWorker {
    pub(super) fn of(worker: Worker, closing: CancellationToken) -> Self {
        Self { worker, closing }
    }

    /// What would be sent.
    #[cfg(test)]
    pub(super) fn into_mails(self) -> mpsc::Receiver<Waiting> {
        self.worker.mails
    }

    /// Sends from now on. Must be called within a runtime.
    pub fn start(self) -> Running {
        let Self { worker, closing } = self;
        Running {
            task: tokio::spawn(worker.run(closing.clone())),
            closing,
        }
    }
}

impl std::fmt::Debug for MailWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailWorker")
    }
}

/// A worker at work.
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<()>,
    closing: CancellationToken,
}

impl Running {
    /// Takes no more mails, and tries those that wait once more, at most this long. Whether it came to the end.
    pub async fn finish(mut self, limit: Duration) -> bool {
        self.closing.cancel();
        let ended = tokio::time::timeout(limit, &mut self.task).await;
        if ended.is_err() {
            self.task.abort();
        }
        ended.is_ok()
    }
}
