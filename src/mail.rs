//! E-mail to people: invitations, links, and what they should know of their accounts.
//!
//! A mail is handed over and sent later, by one worker that has a few attempts of each class under way. Mails wait in memory alone, since they hold links that open accounts: a kill
//! loses those that wait, and each can be asked for again. Whoever hands one over hears whether it was taken.
//!
//! | File | What it holds |
//! |---|---|
//! | `letter.rs` | every text |
//! | `class.rs` | which mails share places and attempts |
//! | `message.rs` | a text as a mail: headers, encoding |
//! | `worker.rs` | the queue's other end: deadlines, retries, the orderly end |
//! | `folder.rs`, `smtp.rs` | where mails go |

mod class;
mod folder;
#[cfg(test)]
pub(crate) mod inbox;
mod letter;
mod message;
mod smtp;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::config::{MailConfig, MailTransport, Sender};
use crate::domain::Clock;
use crate::domain::email::EmailAddress;
use crate::telemetry::labels::MailOutcome;
use crate::telemetry::metrics;
use class::{Class, OfEach};
use folder::Folder;
use message::Message;
use smtp::Smtp;
use worker::Worker;

pub use letter::{Device, Letter, Link};
pub use worker::{MailWorker, Running as RunningMailer};

/// Mails that wait at most; each has some two kibibytes.
pub const MOST: usize = Class::Account.most() + Class::Invitation.most() + Class::Anybody.most();

/// Why there are no mails.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The file of certificates.
    #[error("cannot use the certificates of `mail.tls_ca`, {path}: {reason}")]
    Certificates {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The settings of the connection.
    #[error("cannot send mail by these settings: {0}")]
    Settings(String),
}

/// What became of a mail that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// It waits to be sent.
    Over,
    /// It waits to become a file that only operators read.
    Aside,
    /// It was not taken: too many wait, the process ends, or no mail can have this address.
    Back,
}

/// A mail was not sent.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It never will be.
    ForGood(String),
    /// Perhaps another time.
    ForNow(String),
}

/// Where mails go.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    /// Sends one, once.
    async fn send(&self, message: &Message) -> Result<(), Failure>;
}

/// A mail that waits, with its place.
struct Waiting {
    message: Message,
    _place: Place,
}

/// What bounds the mails that wait. The gauge goes with it.
struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::mails_waiting().decrement(1.0);
    }
}

/// Takes mails. Clones share the queue.
#[derive(Clone)]
pub struct Mailer {
    queue: mpsc::Sender<Waiting>,
    closing: CancellationToken,
    places: OfEach<Arc<Semaphore>>,
    /// What becomes of a mail that is taken.
    taken: Handed,
    clock: Arc<dyn Clock>,
    from: Sender,
    /// Makes ids of mails that no other of this run has.
    next: Arc<AtomicU64>,
}

impl Mailer {
    /// Sends by the settings; the worker is to be run. `seed` is where ids of mails begin.
    pub fn open(
        config: &MailConfig,
        data: &Path,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<(Self, MailWorker), MailError> {
        let (transport, taken): (Arc<dyn Transport>, _) = match config.transport {
            MailTransport::Folder => (
                Arc::new(Folder::beside(data, config.folder_kept(), clock.now())),
                Handed::Aside,
            ),
            MailTransport::Smtp => (Arc::new(Smtp::new(config)?), Handed::Over),
        };
        let (mailer, worker) = Self::through(transport, config.from.clone(), clock, seed);
        Ok((Self { taken, ..mailer }, worker))
    }

    fn through(
        transport: Arc<dyn Transport>,
        from: Sender,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> (Self, MailWorker) {
        let (queue, mails) = mpsc::channel(MOST);
        let closing = CancellationToken::new();
        let mailer = Self {
            queue,
            closing: closing.clone(),
            places: OfEach::new(|class| Arc::new(Semaphore::new(class.most()))),
            taken: Handed::Over,
            clock,
            from,
            next: Arc::new(AtomicU64::new(seed)),
        };
        (
            mailer,
            MailWorker::of(Worker::new(transport, mails, seed), closing),
        )
    }

    /// Hands a mail over.
    pub fn send(&self, to: &EmailAddress, letter: &Letter) -> Handed {
        let kind = letter.kind();
        let (id, now) = (self.next.fetch_add(1, Ordering::Relaxed), self.clock.now());
        let message = match Message::new(&self.from, to, letter, id, now) {
            Ok(message) => message,
            Err(why) => {
                tracing::warn!(mail.kind = ?kind, why, "a mail cannot be written");
                metrics::mails_total(kind, MailOutcome::Failed).increment(1);
                return Handed::Back;
            }
        };
        let taken = self.place(message.class).and_then(|place| {
            let waiting = Waiting {
                message,
                _place: place,
            };
            self.queue.try_send(waiting).ok()
        });
        if taken.is_some() && !self.closing.is_cancelled() {
            return self.taken;
        }
        metrics::mails_total(kind, MailOutcome::Dropped).increment(1);
        Handed::Back
    }

    fn place(&self, class: Class) -> Option<Place> {
        let permit = Arc::clone(self.places.get(class)).try_acquire_owned().ok()?;
        metrics::mails_waiting().increment(1.0);
        Some(Place { _permit: permit })
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer")
    }
}
