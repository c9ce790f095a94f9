//! L: whatever happens, a store does what the model does, and holds what the model holds.

mod counting;
mod doings;
mod following;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::doings::{Moment, message_id, turn_of};
use self::steps::{MESSAGES, NAMES, Step, step};
use super::contents::contents;
use super::dead_references::{messages_in, without_dead, without_dead_events};
use super::ops;
use super::scene::DAY_ONE;
use super::{Backend, Cluster, Embedded, Memory};
use crate::domain::{
    ContactId, ConversationId, ConversationStatus, Epoch, Fence, MessageId, Retention, Seq, TenantId,
    Timestamp,
};
use crate::store::op::{Op, OpOutcome};
use crate::store::row::{ClaimWant, MessageRef};
use crate::store::{Append, ConversationFilter, Store};

/// Both stores at the same place.
struct Pair<B> {
    model: Memory,
    other: Option<B>,
    tenant: TenantId,
    fence: Fence,
    head: Seq,
    now: Timestamp,
}

impl<B: Backend> Pair<B> {
    fn stores(&self) -> (Arc<dyn Store>, Arc<dyn Store>) {
        (self.model.store(), self.other.as_ref().unwrap().store())
    }

    fn batch(&self, expect_head: Seq, days: u32, ops: Vec<Op>) -> Append {
        Append {
            tenant: self.tenant,
            fence: self.fence,
            expect_head,
            now: self.now,
            retention: Retention::days(days).unwrap(),
            ops,
        }
    }

    async fn run(&mut self, step: &Step) {
        let (model, other) = self.stores();
        let (tenant, now) = (self.tenant, self.now);
        match step {
            Step::Append(days, doings) => {
                let mut all = Vec::new();
                let moment = Moment {
                    store: &*model,
                    tenant,
                    now,
                };
                for doing in doings {
                    all.push(moment.op(doing).await);
                }
                let batch = self.batch(self.head, *days, all);
                let expected = model.append(batch.clone()).await.unwrap();
                let found = other.append(batch).await.unwrap();
                assert_eq!(
                    leading(&*other, tenant, found.outcomes, now).await,
                    leading(&*model, tenant, expected.outcomes, now).await
                );
                assert_eq!(found.events, expected.events);
                assert_eq!(found.head, expected.head);
                self.head = expected.head;
            }
            Step::Claim(wants) => {
                let mut asked = Vec::new();
                for (id, attempt) in wants {
                    let turn = turn_of(&*model, tenant, *id, now).await;
                    let messages = [Some(message_id(*id)), turn.map(|at| at.message)];
                    asked.extend(messages.into_iter().flatten().map(|message| ClaimWant {
                        number: ops::number("1"),
                        message,
                        attempt: *attempt,
                    }));
                }
                let wants = asked;
                let expected = model.claim(tenant, self.fence, wants.clone(), now).await.unwrap();
                let found = other.claim(tenant, self.fence, wants, now).await.unwrap();
                assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            }
            Step::TakeOver => {
                let fence = model.lease(tenant).await.unwrap();
                assert_eq!(other.lease(tenant).await.unwrap(), fence);
                let expected = model.open_tenant(tenant, fence, Epoch::new(9)).await.unwrap();
                assert_eq!(
                    other.open_tenant(tenant, fence, Epoch::new(9)).await.unwrap(),
                    expected
                );
                self.fence = fence;
            }
            Step::StaleAppend => {
                let batch = self.batch(Seq::new(self.head.get() + 1), 365, Vec::new());
                let expected = model.append(batch.clone()).await.unwrap_err().kind;
                assert_eq!(other.append(batch).await.unwrap_err().kind, expected);
            }
            Step::Wait(seconds) => self.now = now.after(Duration::from_secs(u64::from(*seconds))),
            Step::Sweep => {
                for store in [&model, &other] {
                    while store.sweep(now, 7).await.unwrap().more {}
                }
            }
            Step::Erase(name) => {
                let contact = ops::contact_of(tenant, NAMES[*name]);
                model.erase_contact(tenant, contact).await.unwrap();
                other.erase_contact(tenant, contact).await.unwrap();
            }
            Step::Restart => {
                drop((model, other));
                self.other = self.other.take().map(Backend::reopen);
                // Whoever starts takes a tenant over before anything else: sweeps of a cluster are of what is owned alone.
                Box::pin(self.run(&Step::TakeOver)).await;
            }
        }
    }

    /// Every read gives the same.
    async fn compare(&self) {
        let (model, other) = self.stores();
        let (tenant, now) = (self.tenant, self.now);
        let rows = without_dead(contents(model.as_ref(), tenant, now).await);
        assert_eq!(without_dead(contents(other.as_ref(), tenant, now).await), rows);
        let there = messages_in(&rows);
        let expected = model.events_after(tenant, Seq::new(2), 5, now).await.unwrap();
        let expected = without_dead_events(expected, &there);
        let found = other.events_after(tenant, Seq::new(2), 5, now).await.unwrap();
        let found = without_dead_events(found, &there);
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        let number = ops::number("1");
        let expected = model.outbox(tenant, number.clone(), None, 3).await.unwrap();
        let found = other.outbox(tenant, number, None, 3).await.unwrap();
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        for status in [
            None,
            Some(ConversationStatus::Open),
            Some(ConversationStatus::Resolved),
        ] {
            let filter = ConversationFilter { status, number: None };
            let expected = model
                .page_conversations(tenant, filter.clone(), None, 2)
                .await
                .unwrap();
            assert_eq!(
                other.page_conversations(tenant, filter, None, 2).await.unwrap(),
                expected
            );
        }
        for names in NAMES {
            let aliases: Vec<_> = ops::names(names).strongest_first().cloned().collect();
            let expected = model.contacts_by_alias(tenant, aliases.clone()).await.unwrap();
            assert_eq!(other.contacts_by_alias(tenant, aliases).await.unwrap(), expected);
            let id: ConversationId = ops::conversation_of(tenant, "1", names);
            let expected = model.page_messages(tenant, id, None, 3, now).await.unwrap();
            assert_eq!(
                other.page_messages(tenant, id, None, 3, now).await.unwrap(),
                expected
            );
            let contact: ContactId = ops::contact_of(tenant, names);
            let expected = model.contact(tenant, contact).await.unwrap();
            assert_eq!(other.contact(tenant, contact).await.unwrap(), expected);
        }
        let expected = model.broadcast_tally(tenant, ops::BROADCAST, now).await.unwrap();
        let found = other.broadcast_tally(tenant, ops::BROADCAST, now).await.unwrap();
        assert_eq!(found, expected);
        for id in 0..MESSAGES {
            let expected = living(&*model, tenant, message_id(id), now).await;
            assert_eq!(living(&*other, tenant, message_id(id), now).await, expected);
        }
    }
}

/// Where an outbound message stands, if it is there. Leads to one whose time is over end earlier in some stores than in
/// others, as [`without_dead`] says.
async fn living(store: &dyn Store, tenant: TenantId, id: MessageId, now: Timestamp) -> Option<MessageRef> {
    let at = store.find_outbound(tenant, id, now).await.unwrap()?;
    store.message(tenant, at, now).await.unwrap().map(|_| at)
}

/// Outcomes in which what had happened before leads to living messages alone.
async fn leading(
    store: &dyn Store,
    tenant: TenantId,
    mut outcomes: Vec<OpOutcome>,
    now: Timestamp,
) -> Vec<OpOutcome> {
    for outcome in &mut outcomes {
        if let OpOutcome::Duplicate { at: lead } = outcome
            && let Some(at) = *lead
            && store.message(tenant, at, now).await.unwrap().is_none()
        {
            *lead = None;
        }
    }
    outcomes
}

/// Runs sequences of steps on fresh tenants of one store, each later than those before.
fn play<B: Backend>(config: Config, steps: impl Strategy<Value = Vec<Step>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = std::cell::RefCell::new(Some(B::open()));
    let round = std::cell::Cell::new(0_u64);
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&steps, |steps| {
        round.set(round.get() + 1);
        let years = Duration::from_secs(round.get() * 2 * 365 * 86_400);
        let mut pair = Pair {
            model: Memory::open(),
            other: Some(store.take().unwrap_or_else(B::open)),
            tenant: TenantId::new(round.get()),
            fence: Fence::default(),
            head: Seq::default(),
            now: DAY_ONE.after(years),
        };
        runtime.block_on(async {
            pair.run(&Step::TakeOver).await;
            for step in &steps {
                pair.run(step).await;
            }
            pair.compare().await;
        });
        store.replace(pair.other.take());
        Ok(())
    });
    outcome.unwrap();
}

/// So many cases.
fn cases(cases: u32) -> Config {
    Config::with_cases(cases)
}

/// So many cases on a server that other tests use meanwhile. One that fails leaves its keyspace, and so does each attempt at
/// making it smaller: some hundred tables more, and the server has no memory left for anybody.
fn cases_on_a_server(cases: u32) -> Config {
    Config {
        max_shrink_iters: 4,
        ..Config::with_cases(cases)
    }
}

fn any_sequence<B: Backend>(config: Config) {
    play::<B>(config, proptest::collection::vec(step(), 1..30));
}

fn restart_in_the_middle<B: Backend>(config: Config) {
    let steps = (
        proptest::collection::vec(step(), 1..12),
        proptest::collection::vec(step(), 1..12),
    );
    let steps = steps.prop_map(|(mut before, after)| {
        before.push(Step::Restart);
        before.extend(after);
        before
    });
    play::<B>(config, steps);
}

#[test]
fn any_sequence_of_writes_ends_as_the_model_does() {
    any_sequence::<Embedded>(cases(120));
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    restart_in_the_middle::<Embedded>(cases(8));
}

#[test]
fn any_sequence_of_writes_on_a_cluster_ends_as_the_model_does() {
    any_sequence::<Cluster>(cases_on_a_server(40));
}

#[test]
fn a_restart_in_the_middle_changes_nothing_on_a_cluster() {
    restart_in_the_middle::<Cluster>(cases_on_a_server(8));
}
