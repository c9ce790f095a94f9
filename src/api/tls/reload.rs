//! The certificate's files, read again while the process runs: whoever renews it restarts nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::certificate::{Digest, Pair, PairBytes, PairError, note_end};
use super::{Shown, Tls};
use crate::domain::{Clock, Timestamp};
use crate::shutdown::Shutdown;
use crate::telemetry::labels::ReloadEnd;
use crate::telemetry::metrics;

/// How often the files are looked at.
const EACH: Duration = Duration::from_secs(2);

impl Tls {
    /// Looks at the files until the process ends; at once on SIGHUP.
    pub(in crate::api) fn watch(
        &self,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> + use<> {
        note_end(self.expires);
        let mut watch = Watch::of(self);
        let files = self.files.clone();
        async move {
            let mut hangup = signal(SignalKind::hangup())
                .inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be waited for"))
                .ok();
            loop {
                let urgency = tokio::select! {
                    () = shutdown.begun() => return,
                    () = tokio::time::sleep(EACH) => Urgency::OnceSettled,
                    () = told(&mut hangup) => Urgency::AtOnce,
                };
                let files = files.clone();
                // A disk that hangs must hold up nobody else.
                if let Ok(found) = tokio::task::spawn_blocking(move || files.read()).await {
                    watch.compare(found, urgency, clock.now());
                }
            }
        }
    }
}

async fn told(hangup: &mut Option<Signal>) {
    match hangup {
        Some(signal) => {
            if signal.recv().await.is_none() {
                *hangup = None;
            }
        }
        None => std::future::pending().await,
    }
}

/// Whether files that have just changed may be half of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// They are read once they were read twice and stayed the same: one of the two is written first.
    OnceSettled,
    /// Somebody says that they are as they should be.
    AtOnce,
}

/// What was seen of the files so far.
struct Watch {
    shown: Arc<Shown>,
    /// That which is shown.
    current: Digest,
    /// When they were read last.
    last: Option<Digest>,
    /// That which was refused, so that it is told once.
    refused: Option<Refused>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// The files could not be read.
    Unread,
    /// This is what they held.
    Held(Digest),
}

impl Watch {
    fn of(tls: &Tls) -> Self {
        Self {
            shown: Arc::clone(&tls.shown),
            current: tls.read,
            last: Some(tls.read),
            refused: None,
        }
    }

    /// Compares what the files hold with what is shown: shows it if it is new and can be shown, and tells why not.
    fn compare(&mut self, found: Result<(PairBytes, Digest), PairError>, urgency: Urgency, now: Timestamp) {
        let seen = found.as_ref().ok().map(|(_, digest)| *digest);
        let settled = std::mem::replace(&mut self.last, seen) == seen;
        if seen == Some(self.current) {
            self.refused = None;
            return;
        }
        if !settled && urgency == Urgency::OnceSettled {
            return;
        }
        let before = self.refused;
        let refused = seen.map_or(Refused::Unread, Refused::Held);
        if before == Some(refused) && urgency == Urgency::OnceSettled {
            return;
        }
        match found.and_then(|(bytes, digest)| Ok((usable(&bytes, now)?, bytes.is_exposed, digest))) {
            Ok((pair, is_exposed, digest)) => {
                if is_exposed {
                    tracing::warn!(
                        "every user of this machine can read the new key: in production it would be refused"
                    );
                }
                note_end(pair.expires);
                pair.warn_of_expired_chain(now);
                self.shown.set(pair.key);
                (self.current, self.refused) = (digest, None);
                metrics::tls_reloads_total(ReloadEnd::Loaded).increment(1);
                tracing::info!("a new certificate is shown from now on");
            }
            Err(error) => {
                self.refused = Some(refused);
                metrics::tls_reloads_total(ReloadEnd::Refused).increment(1);
                tracing::error!(%error, "the changed certificate cannot be used: the one before is still shown");
            }
        }
    }
}

/// A pair that is better than the one before: nobody would accept a server's certificate that has ended. An old one further up
/// the chain, such as a cross-signed one, many clients do without.
fn usable(bytes: &PairBytes, now: Timestamp) -> Result<Pair, PairError> {
    let pair = Pair::of(bytes, &ring::default_provider())?;
    if pair.leaf_expires <= now {
        return Err(PairError::Expired);
    }
    Ok(pair)
}

#[cfg(test)]
mod tests;
