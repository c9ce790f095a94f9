//! Files of messages that wait: each is brought to Meta before its message is claimed.
//!
//! Its customer's queue rests meanwhile, so that nothing overtakes it there; the lane's others go on. What is known here is a hint: a lane
//! that starts afresh asks again, and is told at once what was brought before.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use tokio::time::timeout;

use super::Lane;
use super::waiting::{Hold, Moment, Waiting};
use crate::actors::request::DelayReason;
use crate::domain::{
    Backoff, DeliveryState, MediaId, MessageId, MetaError, PhoneNumberId, Priority, TenantId,
};
use crate::media::outbound::{FileToSend, NotAtMeta};
use crate::store::Store;
use crate::store::op::Withdraw;
use crate::whatsapp::payload::uploads_in;

/// Files of one number that are brought to Meta at once.
const AT_ONCE: usize = 4;
/// Messages whose files are remembered; more are asked for again.
const MOST: usize = 10_000;
/// How long a message rests while its file is brought there. Should nobody say how that ended, it is looked at again.
const REST: Duration = Duration::from_secs(60);
/// Waits between tries.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(300));
/// For so long a file is tried that a person waits for, and with it all that goes to the same customer. Then the message fails, and says
/// why: whoever wrote it is there, and decides.
const REPLY_PATIENCE: Duration = Duration::from_mins(10);
/// The same for a file of a broadcast.
const BULK_PATIENCE: Duration = Duration::from_hours(3);
/// The least time that a try has, however long the others took.
const SHORTEST_TRY: Duration = Duration::from_secs(30);
/// What a message fails with whose file could not be brought to Meta: Meta's own code for that.
const FILE_FAILED: i64 = 131_053;

/// Meta's ids of the uploads that a message names. None: it only looked as if it named some.
type AtMeta = Arc<[(MediaId, Arc<str>)]>;
/// How it ended.
type Brought = Result<AtMeta, NotAtMeta>;

/// What is known of files of messages that wait.
#[derive(Debug, Default)]
pub(super) struct WaitingFiles {
    wanted: VecDeque<Waiting>,
    /// Those that are wanted or under way.
    asked_for: HashSet<MessageId>,
    underway: usize,
    ready: HashMap<MessageId, AtMeta>,
    failures: HashMap<MessageId, Failures>,
}

/// How often a message's file did not get there, and since when it is tried.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Duration,
}

const fn patience(priority: Priority) -> Duration {
    match priority {
        Priority::Interactive => REPLY_PATIENCE,
        Priority::Bulk => BULK_PATIENCE,
    }
}

impl WaitingFiles {
    /// Meta's ids of a message's files.
    pub(super) fn of(&self, message: MessageId) -> Option<&[(MediaId, Arc<str>)]> {
        self.ready.get(&message).map(AsRef::as_ref)
    }

    /// Whether a message has to wait for its file.
    pub(super) fn lacks(&self, waiting: &Waiting) -> bool {
        waiting.has_file && !self.ready.contains_key(&waiting.message)
    }

    /// A message needs no file any more.
    pub(super) fn forget(&mut self, message: MessageId) {
        self.ready.remove(&message);
        self.failures.remove(&message);
    }

    /// How long the next try of a file may take.
    fn time_for(&self, waiting: &Waiting, now: Duration) -> Duration {
        let since = self
            .failures
            .get(&waiting.message)
            .map_or(now, |failed| failed.since);
        let left = (since + patience(waiting.priority)).saturating_sub(now);
        left.max(SHORTEST_TRY)
    }

    /// Notes that a file did not get there by a try; when the next one is, if there is one.
    fn failed(&mut self, waiting: &Waiting, began: Duration, now: Duration) -> Option<Duration> {
        if self.failures.len() >= MOST {
            // Of messages that went another way; the others have more time then.
            self.failures.clear();
        }
        let first = Failures {
            count: 0,
            since: began,
        };
        let failures = self.failures.entry(waiting.message).or_insert(first);
        failures.count = failures.count.saturating_add(1);
        let end = failures.since + patience(waiting.priority);
        let next = (now + BACKOFF.after(failures.count)).min(end);
        (now < end).then_some(next)
    }

    /// Lets a message rest until its file is at Meta, if it has to.
    pub(super) fn rest(&mut self, waiting: &Waiting, now: Moment) -> Option<Hold> {
        if !self.lacks(waiting) {
            return None;
        }
        if self.wanted.len() < MOST && self.asked_for.insert(waiting.message) {
            self.wanted.push_back(waiting.clone());
        }
        Some(Hold {
            until: now.mono + REST,
            reason: DelayReason::File,
        })
    }

    /// Makes room for what is known of one more message: of those that `is_claimed` says something of it is kept.
    fn make_room(&mut self, is_claimed: impl Fn(MessageId) -> bool) {
        if self.ready.len() >= MOST {
            self.ready.retain(|message, _| is_claimed(*message));
        }
    }
}

/// What a message's row says of its files, and where those are at Meta: one after the other, each known there from its end on.
async fn bring(
    files: Arc<dyn crate::media::outbound::OutboundFiles>,
    store: Arc<dyn Store>,
    (tenant, number): (TenantId, PhoneNumberId),
    waiting: Waiting,
) -> Brought {
    let row = store.outbox_row(tenant, number.clone(), waiting.message).await;
    let row = row.map_err(|error| NotAtMeta::Later(error.to_string()))?;
    let mut brought = Vec::new();
    for upload in row.map(|row| uploads_in(&row.payload)).unwrap_or_default() {
        let file = FileToSend {
            tenant,
            number: number.clone(),
            at: waiting.at(),
            contact: waiting.contact,
            upload,
        };
        brought.push((upload, files.at_meta(&file).await?));
    }
    Ok(brought.into())
}

impl Lane {
    /// Brings files to Meta, a few at once.
    pub(super) fn bring_files(&mut self, ctx: &mut Context<Self>) {
        while self.files.underway < AT_ONCE
            && self.draining.is_none()
            && let Some(waiting) = self.files.wanted.pop_front()
        {
            let (message, began) = (waiting.message, self.now().mono);
            let time = self.files.time_for(&waiting, began);
            self.files.underway += 1;
            let place = (self.tenant, self.row.id.clone());
            let work = bring(
                Arc::clone(&self.outbound_files),
                Arc::clone(&self.store),
                place,
                waiting.clone(),
            );
            let work = async move {
                let late = || NotAtMeta::Later("bringing it to Meta took too long".to_owned());
                timeout(time, work).await.unwrap_or_else(|_elapsed| Err(late()))
            };
            ctx.spawn(work.into_actor(self).map(move |brought, lane, ctx| {
                lane.files.underway = lane.files.underway.saturating_sub(1);
                lane.files.asked_for.remove(&message);
                lane.file_came(&waiting, began, brought, ctx);
                lane.turn_soon(ctx);
            }));
        }
    }

    fn file_came(&mut self, waiting: &Waiting, began: Duration, brought: Brought, ctx: &mut Context<Self>) {
        let (now, message) = (self.now(), waiting.message);
        let error = match brought {
            Ok(ids) => {
                let (in_flight, claiming) = (&self.in_flight, &self.claiming);
                self.files
                    .make_room(|message| in_flight.holds(message) || claiming.asks_for(message));
                self.files.failures.remove(&message);
                self.files.ready.insert(message, ids);
                return self.queue.hold(message, DelayReason::File, None, now);
            }
            Err(NotAtMeta::Never(error)) => error,
            Err(NotAtMeta::Later(why)) => {
                tracing::debug!(tenant.id = %self.tenant, message.id = %message, why, "a message waits for its file");
                if let Some(next) = self.files.failed(waiting, began, now.mono) {
                    return self.queue.hold(message, DelayReason::File, Some(next), now);
                }
                MetaError {
                    code: FILE_FAILED,
                    title: "the file could not be brought to WhatsApp".into(),
                    details: Some(why.into()),
                }
            }
        };
        self.files.forget(message);
        // It may have been taken back, or be claimed by a predecessor's claim: then the store refuses.
        self.queue.forget(message, now);
        let fail = Withdraw {
            at: waiting.at(),
            number: self.row.id.clone(),
            to: DeliveryState::Failed,
            error: Some(error),
        };
        self.withdraw(fail, ctx, |_| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn what_is_known_of_files_makes_room_and_keeps_what_a_claim_needs() {
        let mut files = WaitingFiles::default();
        let id = |number: u64| MessageId::new(Timestamp::from_secs(1), 0, number);
        for number in 0..10_000 {
            files.make_room(|message| message == id(3));
            files.ready.insert(id(number), Arc::default());
        }
        files.make_room(|message| message == id(3));
        assert!(files.of(id(3)).is_some() && files.of(id(4)).is_none());
    }
}
