//! One writer of one tenant's ledger, as an actor would be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Backend;
use super::contents::contents;
use super::ops;
use crate::domain::{
    ContactId, DeliveryState, Epoch, Fence, Message, MessageId, Retention, Seq, TenantId, Timestamp,
};
use crate::store::op::{Op, OpOutcome};
use crate::store::row::{ClaimOutcome, MessageRef, OutboxRow};
use crate::store::{Append, Appended, Store, StoreError};

/// A day on which nothing special happens.
pub(in crate::store) const DAY_ONE: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The tenant that most scenes are about.
pub(in crate::store) const TENANT: TenantId = TenantId::new(0x00ff_00ff_00ff_00ff);

/// A writer with its store.
pub(in crate::store) struct Scene {
    pub(in crate::store) store: Arc<dyn Store>,
    pub(in crate::store) tenant: TenantId,
    pub(in crate::store) fence: Fence,
    pub(in crate::store) epoch: Epoch,
    pub(in crate::store) head: Seq,
    pub(in crate::store) now: Timestamp,
    /// How long the tenant keeps messages.
    pub(in crate::store) retention: Retention,
}

impl Scene {
    /// Takes over the usual tenant.
    pub(in crate::store) async fn of(backend: &impl Backend) -> Self {
        Self::take_over(backend.store(), TENANT).await
    }

    /// Takes over a tenant's ledger.
    pub(in crate::store) async fn take_over(store: Arc<dyn Store>, tenant: TenantId) -> Self {
        let fence = store.lease(tenant).await.unwrap();
        let at = store.open_tenant(tenant, fence, Epoch::new(7)).await.unwrap();
        Self {
            store,
            tenant,
            fence,
            epoch: at.epoch,
            head: at.head,
            now: DAY_ONE,
            retention: Retention::DEFAULT,
        }
    }

    pub(in crate::store) fn later(&mut self, by: Duration) -> Timestamp {
        self.now = self.now.after(by);
        self.now
    }

    /// Offers ops, and moves on when they are taken.
    pub(in crate::store) async fn offer(&mut self, ops: Vec<Op>) -> Result<Appended, StoreError> {
        let batch = Append {
            tenant: self.tenant,
            fence: self.fence,
            expect_head: self.head,
            now: self.now,
            retention: self.retention,
            ops,
        };
        let appended = self.store.append(batch).await?;
        self.head = appended.head;
        Ok(appended)
    }

    /// Commits ops and returns what became of each.
    pub(in crate::store) async fn commit(&mut self, ops: Vec<Op>) -> Vec<OpOutcome> {
        self.offer(ops).await.unwrap().outcomes
    }

    /// Commits one op.
    pub(in crate::store) async fn one(&mut self, op: impl Into<Op>) -> OpOutcome {
        self.commit(vec![op.into()]).await.pop().unwrap()
    }

    /// Commits one op that must make or change a message, and returns its place.
    pub(in crate::store) async fn place(&mut self, op: impl Into<Op>) -> MessageRef {
        match self.one(op).await {
            OpOutcome::Committed { at: Some(at), .. } => at,
            other => panic!("not committed: {other:?}"),
        }
    }

    /// Commits one op of a tenant that keeps messages for so many days.
    pub(in crate::store) async fn one_kept(&mut self, days: u32, op: impl Into<Op>) -> OpOutcome {
        let before = std::mem::replace(&mut self.retention, Retention::days(days).unwrap());
        let outcome = self.one(op).await;
        self.retention = before;
        outcome
    }

    /// The same for an op that must make or change a message; returns its place.
    pub(in crate::store) async fn place_kept(&mut self, days: u32, op: impl Into<Op>) -> MessageRef {
        match self.one_kept(days, op).await {
            OpOutcome::Committed { at: Some(at), .. } => at,
            other => panic!("not committed: {other:?}"),
        }
    }

    /// A customer writes.
    pub(in crate::store) async fn hears(&mut self, from: &[&str], id: &str, text: &str) -> MessageRef {
        let receive = ops::receive(from, id, self.now, text);
        self.place(receive).await
    }

    /// Somebody writes to a customer.
    pub(in crate::store) async fn says(&mut self, to: &[&str], tail: u64, text: &str) -> MessageRef {
        let submit = ops::submit(self.tenant, to, ops::id(self.now, tail), text);
        self.place(submit).await
    }

    pub(in crate::store) async fn message(&self, at: MessageRef) -> Option<Message> {
        self.store.message(self.tenant, at, self.now).await.unwrap()
    }

    pub(in crate::store) async fn state(&self, at: MessageRef) -> DeliveryState {
        self.message(at).await.unwrap().delivery.unwrap().state
    }

    /// Claims one message; whether that was granted.
    pub(in crate::store) async fn claims(&self, message: MessageId, attempt: u8) -> bool {
        let wants = vec![ops::want(message, attempt)];
        let outcomes = self
            .store
            .claim(self.tenant, self.fence, wants, self.now)
            .await
            .unwrap();
        matches!(outcomes.as_slice(), [ClaimOutcome::Granted(_)])
    }

    /// What waits on number `1`.
    pub(in crate::store) async fn outbox(&self) -> Vec<OutboxRow> {
        let number = ops::number("1");
        self.store.outbox(self.tenant, number, None, 1_000).await.unwrap()
    }

    pub(in crate::store) async fn contact(&self, name: &str) -> Option<ContactId> {
        let aliases = ops::names(&[name]).strongest_first().cloned().collect();
        self.store
            .contacts_by_alias(self.tenant, aliases)
            .await
            .unwrap()
            .pop()
            .unwrap()
    }

    /// Messages of a conversation, newest first.
    pub(in crate::store) async fn messages(&self, at: MessageRef) -> Vec<Message> {
        let page = self
            .store
            .page_messages(self.tenant, at.conversation, None, 1_000, self.now);
        page.await.unwrap().items
    }

    /// Texts of a conversation, newest first.
    pub(in crate::store) async fn texts(&self, at: MessageRef) -> Vec<String> {
        let all = self.messages(at).await;
        all.iter()
            .filter_map(|message| message.content.preview())
            .collect()
    }

    /// All that is stored.
    pub(in crate::store) async fn contents(&self) -> Vec<(Bytes, Bytes)> {
        contents(self.store.as_ref(), self.tenant, self.now).await
    }

    /// Removes all that expired.
    pub(in crate::store) async fn sweep(&self) -> usize {
        let mut rows = 0;
        loop {
            let swept = self.store.sweep(self.now, 1_000).await.unwrap();
            rows += swept.rows;
            if !swept.more {
                return rows;
            }
        }
    }
}

impl Scene {
    /// Removes all that expired, and says how many messages of one conversation that were: events are never among them.
    pub(in crate::store) async fn sweep_messages(&self, at: MessageRef) -> usize {
        let count = async || {
            let far = Timestamp::default();
            let page = self
                .store
                .page_messages(self.tenant, at.conversation, None, 1_000, far);
            page.await.unwrap().items.len()
        };
        let before = count().await;
        self.sweep().await;
        before - count().await
    }
}

/// Whether contents mention a text.
pub(in crate::store) fn mentions(contents: &[(Bytes, Bytes)], text: &str) -> bool {
    contents
        .iter()
        .any(|(_, value)| value.windows(text.len()).any(|window| window == text.as_bytes()))
}
