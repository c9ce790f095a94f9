//! How others talk to a lane. Nothing here waits for the lane, except where an answer is asked for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use super::Lane;
use super::call::Progress;
use super::gauges::LaneSnapshot;
use super::waiting::Waiting;
use crate::actors::bounded::END_PATIENCE;
use crate::actors::messages::lane::{
    AskDelayEstimate, AskIdle, AskSnapshot, AskState, Drain, Enqueue, Forget, Halt, Join, NoteStatus,
    SendReceipt, SettleNow,
};
use crate::actors::request::{DelayEstimate, LaneState, Receipt, Refusal};
use crate::actors::{BoundedAddr, Refused};
use crate::domain::{
    AttemptToken, BroadcastId, ContactId, DeliveryState, MessageId, MetaError, PhoneNumberId, Timestamp,
    Wamid,
};
use crate::store::op::Settlement;
use crate::store::{MessageRef, Number};
use crate::telemetry::{labels::ActorKind, metrics};
use crate::whatsapp::error::{Class, told_by_status};
use crate::whatsapp::{RefusalScope, RetryScope};

/// How long somebody who wants an answer waits for room, and then for the answer.
const ROOM: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(10);

/// Refusals by status that wait for the lane. More would tell little that is new.
const REFUSALS: usize = 64;

/// What reaches a lane without a place in its mailbox, so that it is never refused. Nothing takes room before it comes.
#[derive(Debug, Default)]
pub(super) struct Shared {
    inbound: AtomicU32,
    overflowed: AtomicBool,
    resumed: AtomicBool,
    backlog: AtomicUsize,
    /// Of calls under way: no more than those.
    progress: Mutex<Vec<Progress>>,
    refusals: Mutex<Vec<LateRefusal>>,
    /// Broadcasts that were told to go on, or ended.
    steered: Mutex<BTreeSet<BroadcastId>>,
    /// Says that one of the above changed.
    pub(super) changed: Notify,
}

impl Shared {
    /// Customers' messages since the last call.
    pub(super) fn take_inbound(&self) -> u32 {
        self.inbound.swap(0, Ordering::AcqRel)
    }

    /// Whether a message was refused since the last call, so that the outbox holds more than the lane knows.
    pub(super) fn take_overflowed(&self) -> bool {
        self.overflowed.swap(false, Ordering::AcqRel)
    }

    /// Whether somebody ended a pause since the last call.
    pub(super) fn take_resumed(&self) -> bool {
        self.resumed.swap(false, Ordering::AcqRel)
    }

    /// What was told of calls since the last call.
    pub(super) fn take_progress(&self) -> Vec<Progress> {
        std::mem::take(&mut *lock(&self.progress))
    }

    /// A call's task tells something. The lane may be gone.
    pub(super) fn report(&self, progress: Progress) {
        lock(&self.progress).push(progress);
        self.changed.notify_one();
    }

    /// Broadcasts that go on, or ended, since the last call.
    pub(super) fn take_steered(&self) -> BTreeSet<BroadcastId> {
        std::mem::take(&mut *lock(&self.steered))
    }

    /// Late refusals since the last call.
    pub(super) fn take_refusals(&self) -> Vec<LateRefusal> {
        std::mem::take(&mut *lock(&self.refusals))
    }

    /// Meta refused something that it had taken.
    fn refuse(&self, refusal: LateRefusal) {
        let mut refusals = lock(&self.refusals);
        if refusals.len() < REFUSALS {
            refusals.push(refusal);
        }
        drop(refusals);
        self.changed.notify_one();
    }

    /// Publishes how much waits.
    pub(super) fn set_backlog(&self, waiting: usize) {
        self.backlog.store(waiting, Ordering::Release);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Meta refused a message long after it took it, in a code that concerns more than the message.
#[derive(Debug)]
pub(super) struct LateRefusal {
    pub(super) token: Option<AttemptToken>,
    pub(super) at: Timestamp,
    pub(super) error: MetaError,
}

/// A handle to a lane, which stops when its last handle is gone.
#[derive(Clone, Debug)]
pub struct LaneHandle(Arc<Reach>);

/// What a handle leads to.
#[derive(Debug)]
struct Reach {
    addr: BoundedAddr<Lane>,
    shared: Arc<Shared>,
    row: watch::Sender<Number>,
    number: PhoneNumberId,
}

impl LaneHandle {
    pub(super) fn new(
        addr: BoundedAddr<Lane>,
        shared: Arc<Shared>,
        row: watch::Sender<Number>,
        number: PhoneNumberId,
    ) -> Self {
        Self(Arc::new(Reach {
            addr,
            shared,
            row,
            number,
        }))
    }

    /// The lane's number.
    pub fn number(&self) -> &PhoneNumberId {
        &self.0.number
    }

    /// Whether the lane lives.
    pub fn is_connected(&self) -> bool {
        self.0.addr.is_connected()
    }

    /// Hands over a message that is queued in the outbox. Never blocks and never loses: what the lane has no room for, it
    /// finds in the outbox when it has.
    pub fn enqueue(&self, waiting: Waiting) {
        if let Err(Refused::Full(_)) = self.0.addr.try_tell(Enqueue(waiting)) {
            metrics::permits_refused_total(ActorKind::Lane).increment(1);
            self.0.shared.overflowed.store(true, Ordering::Release);
            self.0.shared.changed.notify_one();
        }
    }

    /// Takes note that a broadcast goes on, or ended. Never lost while the lane lives; a lane that starts asks for each message anew.
    pub fn broadcast_steered(&self, broadcast: BroadcastId) {
        lock(&self.0.shared.steered).insert(broadcast);
        self.0.shared.changed.notify_one();
    }

    /// A broadcast is halted, or ended: from the answer on no call begins for what was claimed of it before. A lane that does not
    /// answer in time calls for what it has claimed, and for nothing more.
    pub async fn broadcast_halted(&self) {
        let (done, halted) = oneshot::channel();
        if self.0.addr.tell(Halt(done), ROOM).await.is_ok() {
            // A lane that stopped begins no calls.
            let _ = tokio::time::timeout(ANSWER, halted).await;
        }
    }

    /// Lets what waits for several customers, who turned out to be one, go one after the other. If the lane does not hear it,
    /// the next claim tells it.
    pub fn join(&self, from: Vec<ContactId>, to: ContactId) {
        if self.0.addr.try_tell(Join { from, to }).is_err() {
            metrics::permits_refused_total(ActorKind::Lane).increment(1);
        }
    }

    /// Counts customers' messages: Meta counts them with ours.
    pub fn note_inbound(&self, count: u32) {
        self.0.shared.inbound.fetch_add(count, Ordering::AcqRel);
        self.0.shared.changed.notify_one();
    }

    /// Takes note of a status webhook, with our token if it carried one. It proves that webhooks arrive, and may settle an
    /// unknown outcome. Losing one only means waiting longer.
    pub fn note_status(&self, token: Option<AttemptToken>, state: DeliveryState) {
        if let Some(token) = token
            && self.0.addr.try_tell(NoteStatus { token, state }).is_err()
        {
            metrics::permits_refused_total(ActorKind::Lane).increment(1);
        }
    }

    /// Takes note of a failed status. What its code says of the account, the number or the pace concerns more than its
    /// message, as if it had been the answer to a call. `at` is Meta's time.
    pub fn note_failure(&self, token: Option<AttemptToken>, error: &MetaError, at: Timestamp) {
        let concerns_more = match told_by_status(error.code) {
            Class::Refused(scope) => matches!(scope, RefusalScope::Lane(_) | RefusalScope::Bulk(_)),
            Class::Retry(advice) => advice.scope != RetryScope::Message,
            Class::NotGraph | Class::Ambiguous => false,
        };
        if concerns_more {
            self.0.shared.refuse(LateRefusal {
                token,
                at,
                error: error.clone(),
            });
        }
    }

    /// Drops a message that was withdrawn. If the lane does not hear it, the store refuses the claim.
    pub fn forget(&self, message: MessageId) {
        if self.0.addr.try_tell(Forget(message)).is_err() {
            metrics::permits_refused_total(ActorKind::Lane).increment(1);
        }
    }

    /// Marks a customer's message as read, perhaps with a typing sign. Best effort: dropped when the lane has too much in
    /// hand or the limit leaves no room for it within a few seconds.
    pub fn receipt(&self, wamid: Wamid, receipt: Receipt) {
        if self.0.addr.try_tell(SendReceipt { wamid, receipt }).is_err() {
            metrics::permits_refused_total(ActorKind::Lane).increment(1);
        }
    }

    /// Decides about an unknown outcome in place of its policy. `OutcomeKnown` when the outcome is not unknown, or not
    /// any more.
    pub async fn settle(&self, at: MessageRef, how: Settlement) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        match self.0.addr.tell(SettleNow { at, how, reply }, ROOM).await {
            // The decision is carried out even if the answer comes too late for the caller.
            Ok(()) => tokio::time::timeout(ANSWER, answer)
                .await
                .map_or(Err(Refusal::Uncertain), |answer| {
                    answer.unwrap_or(Err(Refusal::Uncertain))
                }),
            Err(_) => Err(Refusal::Busy),
        }
    }

    /// Why a message waits and until when; `None` when it does not wait here.
    pub async fn delay_estimate(&self, message: MessageId) -> Option<DelayEstimate> {
        let (reply, answer) = oneshot::channel();
        self.0
            .addr
            .tell(AskDelayEstimate { message, reply }, ROOM)
            .await
            .ok()?;
        tokio::time::timeout(ANSWER, answer).await.ok()?.ok()?
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.0.shared.resumed.store(true, Ordering::Release);
        self.0.shared.changed.notify_one();
    }

    /// Takes over a new token or rate. That ends a pause, too.
    pub fn update(&self, number: Number) {
        // Fails only when the lane is gone; the next one starts with the row as it is stored.
        let _ = self.0.row.send(number);
    }

    /// Whether it was started with this row, or told of it last.
    pub(in crate::actors) fn knows(&self, number: &Number) -> bool {
        *self.0.row.borrow() == *number
    }

    /// How the lane stands; `None` when it is gone or does not answer.
    pub async fn snapshot(&self) -> Option<LaneSnapshot> {
        let (reply, answer) = oneshot::channel();
        self.0.addr.tell(AskSnapshot(reply), ROOM).await.ok()?;
        tokio::time::timeout(ANSWER, answer).await.ok()?.ok()
    }

    /// Whether the lane has nothing to do, and nothing to remember that its successor would have to know. False also when it
    /// does not say so.
    pub(crate) async fn is_idle(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        self.0.addr.try_tell(AskIdle(reply)).is_ok() && answer.await == Ok(true)
    }

    /// What holds the lane up, if anything does; `None` when it is gone or does not answer.
    pub async fn state(&self) -> Option<LaneState> {
        let (reply, answer) = oneshot::channel();
        self.0.addr.tell(AskState(reply), ROOM).await.ok()?;
        tokio::time::timeout(ANSWER, answer).await.ok()?.ok()
    }

    /// Has the actor forget what it knows of files, as when others took their place.
    #[cfg(test)]
    pub(crate) async fn lose_files(&self) {
        let told = self.0.addr.tell(crate::actors::messages::lane::LoseFiles, ROOM);
        assert!(told.await.is_ok());
    }

    /// Kills the actor.
    #[cfg(test)]
    pub(crate) async fn die(&self) {
        drop(self.0.addr.tell(crate::actors::messages::lane::Die, ROOM).await);
    }

    /// Messages that wait, here and in the outbox beyond what is kept in memory.
    pub fn backlog(&self) -> usize {
        self.0.shared.backlog.load(Ordering::Acquire)
    }

    /// Begins no more calls, gives unstarted claims back, and returns when all that are under way have ended and are
    /// committed. Then the lane stops. May take as long as a call: whoever is in a hurry stops waiting.
    pub async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        if self.0.addr.tell(Drain(done), END_PATIENCE).await.is_ok() {
            // A lane that stopped has nothing under way.
            let _ = drained.await;
        }
    }
}
