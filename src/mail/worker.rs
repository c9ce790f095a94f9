//! Sends the mails that wait, one at a time. One that fails for now is tried again, later each time; the others go on meanwhile.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::message::Message;
use super::{Failure, Transport, Waiting};
use crate::domain::backoff::{Backoff, spread};
use crate::telemetry::labels::MailOutcome;
use crate::telemetry::metrics;

/// How long one attempt may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);
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

/// The queue's other end.
pub(super) struct Worker {
    transport: Arc<dyn Transport>,
    mails: mpsc::Receiver<Waiting>,
    again: BinaryHeap<Again>,
    random: fastrand::Rng,
}

/// What comes next.
enum Next {
    Mail(Waiting, u32),
    Closing,
}

impl Worker {
    pub(super) fn new(transport: Arc<dyn Transport>, mails: mpsc::Receiver<Waiting>, seed: u64) -> Self {
        Self {
            transport,
            mails,
            again: BinaryHeap::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Until it is told to end: then what waits is tried once more, without waiting for its time.
    async fn run(mut self, closing: CancellationToken) {
        while let Next::Mail(mail, failures) = self.next(&closing).await {
            self.attempt(mail, failures).await;
        }
        self.mails.close();
        while let Ok(mail) = self.mails.try_recv() {
            self.last(mail).await;
        }
        while let Some(again) = self.again.pop() {
            self.last(again.mail).await;
        }
    }

    async fn next(&mut self, closing: &CancellationToken) -> Next {
        let due = self.again.peek().map(|again| again.due.0);
        let is_due = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = closing.cancelled() => Next::Closing,
            () = is_due => match self.again.pop() {
                Some(again) => Next::Mail(again.mail, again.failures),
                None => Next::Closing,
            },
            mail = self.mails.recv() => mail.map_or(Next::Closing, |mail| Next::Mail(mail, 0)),
        }
    }

    async fn send(&self, message: &Message) -> Result<(), Failure> {
        let sending = tokio::time::timeout(DEADLINE, self.transport.send(message));
        sending
            .await
            .unwrap_or_else(|_elapsed| Err(Failure::ForNow("it took too long".to_owned())))
    }

    async fn attempt(&mut self, mail: Waiting, failures: u32) {
        let kind = mail.message.kind;
        let told = |outcome| metrics::mails_total(kind, outcome).increment(1);
        let failures = failures.saturating_add(1);
        match self.send(&mail.message).await {
            Ok(()) => told(MailOutcome::Sent),
            Err(Failure::ForNow(why)) if failures < ATTEMPTS => {
                told(MailOutcome::Delayed);
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

    /// Once more, at the end.
    async fn last(&mut self, mail: Waiting) {
        let before_the_last = ATTEMPTS.saturating_sub(1);
        self.attempt(mail, before_the_last).await;
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
