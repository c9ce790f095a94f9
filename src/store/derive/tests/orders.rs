//! Whatever the order in which Meta's webhooks come, and however often: one history.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::scene;
use crate::domain::message::{Amendment, Side, Via};
use crate::domain::{Content, ContentKind, Conversation, DeliveryState, Message, Timestamp};
use crate::store::conformance::ops;
use crate::store::conformance::scene::{DAY_ONE, Scene, TENANT, mentions};
use crate::store::op::{Amend, Naming, Op, Receive, ReportTarget};
use crate::store::{ConversationFilter, MessageRef};

/// Ada moves to another number, which gives her other ids; Bob gets the number that she left.
const ADA: &[&str] = &["628111111", "ID.1"];
const MOVED: &[&str] = &["628333333", "ID.11"];
const BOB: &[&str] = &["628222222", "ID.2"];
const BOB_LATER: &[&str] = &["628111111", "ID.2"];
/// When that is, in seconds after the beginning.
const MOVES: u64 = 1_000;

/// What was written, and what became of it.
#[derive(Debug, Clone)]
struct Written {
    by: By,
    is_adas: bool,
    secs: u64,
    edits: Vec<u64>,
    is_revoked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Customer,
    Reaction,
    Phone,
    Import,
    /// Imported first or last, and told live.
    Both,
}

fn written() -> impl Strategy<Value = Written> {
    let by = prop_oneof![
        4 => Just(By::Customer),
        1 => Just(By::Reaction),
        2 => Just(By::Phone),
        1 => Just(By::Import),
        1 => Just(By::Both),
    ];
    // Nobody changes ids between a message and what changes it.
    let secs = prop_oneof![0_u64..(MOVES - 300), MOVES..(2 * MOVES)];
    let edits = proptest::collection::vec(1_u64..100, 0..3);
    (by, any::<bool>(), secs, edits, any::<bool>()).prop_map(|(by, is_adas, secs, edits, is_revoked)| {
        Written {
            by,
            is_adas,
            secs,
            edits,
            is_revoked,
        }
    })
}

fn at(secs: u64) -> Timestamp {
    DAY_ONE.after(Duration::from_secs(secs))
}

impl Written {
    fn names(&self, secs: u64) -> &'static [&'static str] {
        match (self.is_adas, secs < MOVES) {
            (true, true) => ADA,
            (true, false) => MOVED,
            (false, true) => BOB,
            (false, false) => BOB_LATER,
        }
    }

    fn told(&self, id: &str, secs: u64, content: Content, via: Option<Via>) -> Receive {
        let by = match self.by {
            By::Phone => Side::Business,
            By::Customer | By::Reaction | By::Import | By::Both => Side::Customer,
        };
        let mut receive = ops::receive(self.names(secs), id, at(secs), "");
        receive.name = None;
        Receive {
            by,
            via,
            content,
            ..receive
        }
    }

    /// All that Meta tells of it.
    fn ops(&self, n: usize) -> Vec<Op> {
        let id = format!("w{n}");
        let text = |version: usize| Content::text(&format!("canary{n}.{version}."));
        let content = match self.by {
            By::Reaction => Content::from_value(
                ContentKind::Reaction,
                &serde_json::json!({"type":"reaction","reaction":{"message_id":"wamid.x","emoji":"👍"}}),
            ),
            By::Customer | By::Phone | By::Import | By::Both => text(0),
        };
        let vias: &[Option<Via>] = match self.by {
            By::Import => &[Some(Via::History)],
            By::Both => &[Some(Via::History), None],
            By::Customer | By::Reaction | By::Phone => &[None],
        };
        let mut ops: Vec<Op> = vias
            .iter()
            .map(|via| self.told(&id, self.secs, content.clone(), *via).into())
            .collect();
        if self.by == By::Reaction {
            return ops;
        }
        let mut secs = self.secs;
        let edits = self.edits.iter().zip(1..).map(|(after, version)| {
            secs += after;
            (format!("e{n}.{version}"), secs, Amendment::Edited(text(version)))
        });
        let edits: Vec<_> = edits.collect();
        let revoked = self
            .is_revoked
            .then(|| (format!("r{n}"), secs + 1, Amendment::Revoked));
        for (name, secs, change) in edits.into_iter().chain(revoked) {
            let edit = Content::from_value(ContentKind::of("edit"), &serde_json::json!({"type":"edit"}));
            ops.push(Op::Amend(Box::new(Amend {
                notice: self.told(&name, secs, edit, vias[n % vias.len()]),
                original: ops::wamid(&id),
                change,
            })));
        }
        ops
    }
}

/// What Meta tells beside messages: a change of number, in two parts, and the id of somebody who was written to.
fn beside(sent: MessageRef) -> Vec<Op> {
    let mut system = ops::receive(ADA, "system", at(MOVES), "");
    system.content = Content::from_value(ContentKind::System, &serde_json::json!({"type":"system"}));
    system.naming = Naming::Former(ops::names(MOVED));
    let target = ReportTarget::Token(ops::token(TENANT, sent, 1));
    let mut report = ops::report(target, "sent", DeliveryState::Delivered, at(1));
    report.aliases = ops::names(ADA);
    vec![
        ops::moved(ADA, MOVED, at(MOVES), "move"),
        system.into(),
        Op::Report(Box::new(report)),
    ]
}

#[derive(Debug, PartialEq)]
struct Thread {
    messages: Vec<String>,
    unread: u32,
    last_inbound: Option<Timestamp>,
}

async fn all(scene: &Scene) -> Vec<(Conversation, Vec<Message>)> {
    let list = scene
        .store
        .page_conversations(TENANT, ConversationFilter::default(), None, 99);
    let mut all = Vec::new();
    for row in list.await.unwrap().items {
        let messages = scene
            .store
            .page_messages(TENANT, row.id, None, 999, scene.now)
            .await
            .unwrap();
        all.push((row, messages.items));
    }
    all
}

fn shown(message: &Message) -> String {
    let versions: Vec<_> = message
        .versions
        .iter()
        .map(|version| (version.at, version.content.preview()))
        .collect();
    format!(
        "{} {:?} {:?} {:?} {:?} {versions:?} {:?} {}",
        message.created.as_secs(),
        message.wamid,
        message.via,
        message.content.preview(),
        message.edited_at,
        message.revoked_at,
        message.first_version_missing,
    )
}

/// What stands in history of each person, who is known by an id; and what must hold of every thread.
async fn threads(scene: &Scene) -> BTreeMap<bool, Thread> {
    let mut threads = BTreeMap::new();
    for (row, messages) in all(scene).await {
        let contact = scene
            .store
            .contact(TENANT, row.contact_id)
            .await
            .unwrap()
            .unwrap();
        let ids = contact.bsuid.iter().map(|id| id.as_ref());
        let former = contact.former.iter().map(|name| name.value.as_ref());
        let is_adas = ids.chain(former).any(|id| id == "ID.1" || id == "ID.11");
        let times: Vec<_> = messages.iter().map(|message| message.created.as_secs()).collect();
        assert!(times.iter().rev().is_sorted(), "out of order: {times:?}");
        assert_eq!(row.last_message_id, messages.first().map(|message| message.id));
        let thread = threads.entry(is_adas).or_insert(Thread {
            messages: Vec::new(),
            unread: 0,
            last_inbound: None,
        });
        thread.messages.extend(messages.iter().map(shown));
        thread.messages.sort();
        thread.unread += row.unread;
        thread.last_inbound = thread.last_inbound.max(row.last_inbound);
    }
    threads
}

async fn told(order: &[usize], all: &[Written]) -> (Scene, Vec<Op>) {
    let mut scene = scene().await;
    scene.hears(ADA, "first", "hello").await;
    let sent = scene.says(&ADA[..1], 1, "to Ada").await;
    assert!(scene.claims(sent.message, 0).await);
    scene.now = at(4_000);
    let mut ops: Vec<Op> = all.iter().enumerate().flat_map(|(n, one)| one.ops(n)).collect();
    ops.extend(beside(sent));
    let mut places: Vec<usize> = (0..ops.len()).collect();
    places.sort_by_key(|place| order.get(*place).copied().unwrap_or(*place));
    let ops: Vec<Op> = places.into_iter().map(|place| ops[place].clone()).collect();
    for op in &ops {
        scene.later(Duration::from_secs(1));
        scene.one(op.clone()).await;
    }
    (scene, ops)
}

async fn check(all_written: Vec<Written>, orders: Vec<Vec<usize>>) {
    let mut before: Option<BTreeMap<bool, Thread>> = None;
    for order in orders {
        let (mut scene, ops) = told(&order, &all_written).await;
        let threads = threads(&scene).await;
        for (is_adas, thread) in &threads {
            for (n, one) in all_written.iter().enumerate() {
                let wamid = format!("{:?}", Some(ops::wamid(&format!("w{n}"))));
                let count = thread
                    .messages
                    .iter()
                    .filter(|shown| shown.contains(&wamid))
                    .count();
                assert_eq!(count, usize::from(one.is_adas == *is_adas), "{n} in {threads:#?}");
            }
        }
        let rows = all(&scene).await;
        for op in ops.iter().rev().chain(&ops) {
            scene.one(op.clone()).await;
        }
        assert_eq!(all(&scene).await, rows, "a repetition changes something");
        let contents = scene.contents().await;
        for (n, _) in all_written
            .iter()
            .enumerate()
            .filter(|(_, one)| one.is_revoked && one.by != By::Reaction)
        {
            assert!(!mentions(&contents, &format!("canary{n}.")), "{n} is still there");
        }
        if let Some(before) = &before {
            assert_eq!(&threads, before);
        }
        before = Some(threads);
    }
}

#[test]
fn any_order_and_repetition_of_webhooks_ends_in_one_history_and_mixes_no_two_people() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 200,
        ..Config::default()
    });
    let orders = proptest::collection::vec(proptest::collection::vec(0_usize..1_000, 40), 2);
    let cases = (proptest::collection::vec(written(), 1..6), orders);
    let outcome = runner.run(&cases, |(all, mut orders)| {
        // The first as it happened.
        orders.insert(0, Vec::new());
        runtime.block_on(check(all, orders));
        Ok(())
    });
    outcome.unwrap();
}
