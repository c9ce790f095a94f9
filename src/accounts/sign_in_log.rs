//! What a user sees of sign-ins: where there were some, and which tries were refused.
//!
//! Rows are written after the answer, by the writer of `behind.rs`: whoever signs in does not wait for them, and an answer takes as long
//! for an address that nobody has.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::behind::BackgroundWriter;
use super::sessions::shortened;
use super::{AccountError, Accounts, SignInOrigin, device, letters, sign_in};
use crate::domain::email::EmailAddress;
use crate::domain::{Timestamp, UserId};
use crate::mail::{Letter, Mailer};
use crate::store::plain::{Found, PlainTable};
use crate::store::tables::{SignInEvent, SignInResult, User};
use crate::store::{Page, Store, StoreError, StoreErrorKind};
use crate::telemetry::{Seldom, metrics};

#[cfg(test)]
mod tests;

/// Rows of a user's sign-ins that are kept, and as many of refusals: who tries passwords does not push out where the user signed in.
const MOST: usize = 100;
/// Rows that are read at once: all of a user's, and what gateways add at the same moment.
const READ: usize = 3 * MOST;
/// How long one may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Places for rows of one user in one millisecond.
const IN_A_MOMENT: u8 = 8;
/// How often the log tells of rows that were lost.
const TOLD_EACH: Duration = Duration::from_secs(60);

/// Writes them.
pub(super) struct SignInLog {
    store: Arc<dyn Store>,
    mailer: Mailer,
    kept: Duration,
    writer: Arc<BackgroundWriter>,
    told: Seldom,
}

/// Whose list it is for.
enum Whom {
    /// Whoever can prove this address, if anybody has it.
    At(EmailAddress),
    /// This user, whatever the address.
    User(UserId),
}

/// Something to write.
struct Noted {
    whom: Whom,
    origin: SignInOrigin,
    outcome: SignInResult,
    at: Timestamp,
}

impl SignInLog {
    /// On a store; rows are kept for so many days.
    pub(super) fn new(
        store: Arc<dyn Store>,
        kept_days: u32,
        mailer: Mailer,
        writer: Arc<BackgroundWriter>,
    ) -> Self {
        Self {
            store,
            mailer,
            kept: Duration::from_secs(86_400).saturating_mul(kept_days),
            writer,
            told: Seldom::each(TOLD_EACH),
        }
    }

    /// Begins to write, and does not wait. Whether anybody has this address is found out there.
    fn note(self: &Arc<Self>, noted: Noted, monotonic: Duration) {
        let log = Arc::clone(self);
        let writing = async move {
            match timeout(DEADLINE, log.write(noted)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => log.lost(&error.to_string(), monotonic),
                Err(_elapsed) => log.lost("the store took too long", monotonic),
            }
        };
        if let Err(error) = self.writer.begin(writing) {
            self.lost(&error.to_string(), monotonic);
        }
    }

    fn lost(&self, why: &str, now: Duration) {
        metrics::sign_in_events_lost_total().increment(1);
        if let Some(count) = self.told.happened(now) {
            tracing::warn!(why, count, "sign-ins or refusals are missing in people's lists");
        }
    }

    async fn write(&self, noted: Noted) -> Result<(), StoreError> {
        let found = match &noted.whom {
            Whom::At(email) => sign_in::user_with(self.store.as_ref(), email, noted.at).await?,
            Whom::User(user) => {
                let users = PlainTable::<User>::of(self.store.as_ref(), noted.at);
                users.get(&User::at(*user)).await?.map(|found| found.row)
            }
        };
        let Some(user) = found else {
            return Ok(());
        };
        let table = PlainTable::<SignInEvent>::of(self.store.as_ref(), noted.at);
        let before = table.page(SignInEvent::of(user.id), None, READ).await?.items;
        let device = letters::device(&noted.origin, noted.at);
        let event = self.event(&user, noted, &before);
        let same = before
            .iter()
            .filter(|found| found.row.outcome.is_refusal() == event.outcome.is_refusal());
        for old in same.skip(MOST.saturating_sub(1)) {
            table.remove(SignInEvent::of(user.id).row(&old.sort)).await?;
        }
        // The later of two stands before the other here, too.
        for nth in (0..IN_A_MOMENT).rev() {
            let key = SignInEvent::at(user.id, event.at, nth);
            if table.replace(&key, None, Some(&event)).await? {
                // The address of an account that a provider made was proved by nobody.
                if event.is_new_device && !user.password.is_empty() {
                    self.mailer.send(&user.email, &Letter::NewDevice { device });
                }
                return Ok(());
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Overloaded,
            "many tries at one moment",
        ))
    }

    fn event(&self, user: &User, noted: Noted, before: &[Found<SignInEvent>]) -> SignInEvent {
        let event = SignInEvent {
            at: noted.at,
            outcome: noted.outcome,
            address: noted.origin.address.map(|address| address.to_string()),
            browser: shortened(&noted.origin.browser),
            is_new_device: false,
            expires: noted.at.after(self.kept),
        };
        let before = before.iter().map(|found| &found.row);
        SignInEvent {
            is_new_device: event.outcome == SignInResult::SignedIn
                && device::is_new(&event, before, user.created),
            ..event
        }
    }
}

impl Accounts {
    /// Notes that somebody signed in, or was refused, for the user's own list.
    pub(super) fn note_sign_in(&self, email: &EmailAddress, origin: &SignInOrigin, outcome: SignInResult) {
        let noted = Noted {
            whom: Whom::At(email.clone()),
            origin: origin.clone(),
            outcome,
            at: self.now(),
        };
        self.sign_in_log.note(noted, self.clock.monotonic());
    }

    /// The same for a user whom a provider let in, who may have no address that leads to the account.
    pub(super) fn note_sign_in_of(&self, user: UserId, origin: &SignInOrigin) {
        let noted = Noted {
            whom: Whom::User(user),
            origin: origin.clone(),
            outcome: SignInResult::SignedIn,
            at: self.now(),
        };
        self.sign_in_log.note(noted, self.clock.monotonic());
    }

    /// A user's sign-ins and refusals after a place in their list, the newest first.
    pub async fn sign_ins(
        &self,
        user: UserId,
        after: Option<Bytes>,
        limit: usize,
    ) -> Result<Page<Found<SignInEvent>>, AccountError> {
        let page = self.table().page(SignInEvent::of(user), after, limit);
        Ok(page.await?)
    }

    /// The addresses from which somebody signed in to the account with an e-mail address, the latest last. As many reads for an address
    /// that nobody has.
    pub(super) async fn stored_networks(&self, email: &EmailAddress) -> Result<Vec<IpAddr>, AccountError> {
        let user = self.by_email(email).await?;
        let of = user.map_or(UserId::from_bytes(email.key()), |user| user.id);
        let table = self.table::<SignInEvent>();
        let rows = table.page(SignInEvent::of(of), None, READ).await?.items;
        let signed_in = rows
            .iter()
            .rev()
            .filter(|found| found.row.outcome == SignInResult::SignedIn);
        let addresses = signed_in.filter_map(|found| found.row.address.as_deref()?.parse().ok());
        Ok(addresses.collect())
    }

    /// What is recorded behind answers goes through this writer.
    pub fn background(&self) -> &BackgroundWriter {
        &self.background
    }

    /// Waits, at most so long, until all that was noted is written, here and in the audit log; how many rows are not.
    pub async fn sign_ins_written(&self, limit: Duration) -> usize {
        self.background.finished(limit).await
    }
}
