//! A client that read the rows at some position and applied every event after it has what the rows are then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

use super::doings::Moment;
use super::steps::{Doing, NAMES, doing};
use crate::domain::{Alias, Epoch, Event, Fence, MarketingWish, Retention, Seq, Timestamp, WishSource};
use crate::store::conformance::scene::{DAY_ONE, TENANT};
use crate::store::conformance::{Backend, Memory, ops};
use crate::store::op::{Op, Prefer};
use crate::store::{Append, ConversationFilter, Store};

/// What only the gateway counts by: a client has it as of its last whole row.
const GATEWAYS: [&str; 5] = [
    "last_broadcast",
    "unread_seqs",
    "last_other_seq",
    "late_message_id",
    "late_message_by",
];
/// What people see of a contact.
const SHOWN: [&str; 7] = [
    "name",
    "username",
    "phone",
    "bsuid",
    "group_id",
    "opted_out_at",
    "linked_to",
];

/// A merge patch, as RFC 7396 defines it.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let fields = target.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// What a client knows.
#[derive(Debug, Default)]
struct Client {
    conversations: BTreeMap<String, Value>,
    contacts: BTreeMap<String, Value>,
    /// Conversations that show the beginning of their last message for sure: an event about it came.
    previewed: BTreeSet<String>,
}

impl Client {
    /// Reads all rows.
    async fn load(store: &dyn Store) -> Self {
        let mut client = Self::default();
        for row in rows(store).await {
            let contact = store.contact(TENANT, row.contact_id).await.unwrap();
            client.learn(serde_json::to_value(contact).unwrap());
            let id = row.id.to_string();
            client.previewed.insert(id.clone());
            client
                .conversations
                .insert(id, serde_json::to_value(row).unwrap());
        }
        client
    }

    /// Reads the log from a position on, as it stands now: some of it may be erased.
    async fn catch_up(&mut self, store: &dyn Store, after: Seq, now: Timestamp) {
        let page = store.events_after(TENANT, after, 10_000, now).await.unwrap();
        if page.oldest > after.next() {
            // What comes next is no longer kept: all is loaded again.
            *self = Self::load(store).await;
            return;
        }
        for event in page.events {
            let id = event.conversation.map(|id| id.to_string());
            if let Some(id) = id.filter(|id| !self.conversations.contains_key(id)) {
                // What told of it is erased: it is read by REST.
                let row = rows(store).await.into_iter().find(|row| row.id.to_string() == id);
                let Some(row) = row else { continue };
                let contact = store.contact(TENANT, row.contact_id).await.unwrap();
                self.learn(serde_json::to_value(contact).unwrap());
                self.previewed.insert(id.clone());
                self.conversations.insert(id, serde_json::to_value(row).unwrap());
            }
            self.apply(&event);
        }
    }

    fn learn(&mut self, contact: Value) {
        if let Some(id) = contact["id"].as_str() {
            self.contacts.insert(id.to_owned(), contact);
        }
    }

    fn apply(&mut self, event: &Event) {
        let mut event: Value = serde_json::from_slice(&event.json).unwrap();
        let mut data = event["data"].take();
        // Who turned out to be this person goes by the same names.
        for linked in data["linked"].as_array().into_iter().flatten() {
            let id = linked.as_str().unwrap().to_owned();
            self.contacts.insert(id, data["contact"].clone());
        }
        self.learn(data["contact"].take());
        self.learn(data["member"].take());
        let whole = data["conversation"].take();
        let patch = data["conversation_changes"].take();
        let id = whole["id"].as_str().or(event["conversation_id"].as_str());
        let Some(id) = id.map(str::to_owned) else { return };
        let about = data["message"]["id"].clone();
        match event["kind"].as_str().unwrap() {
            "status" => self.move_on(&id, &data),
            "contact" => {
                self.show(&id, |row| *row = whole, &about);
                let joined = self.conversations[&id]["contact_id"].clone();
                for left in data["instead_of"].as_array().into_iter().flatten() {
                    if let Some(row) = self.conversations.get_mut(left.as_str().unwrap()) {
                        row["contact_id"] = joined.clone();
                    }
                }
            }
            _ if whole.is_object() => {
                assert!(patch.is_null(), "both of a whole row and changes");
                self.show(&id, |row| *row = whole, &about);
            }
            _ => {
                assert!(patch.is_object(), "neither a whole row nor changes: {data}");
                for field in GATEWAYS {
                    assert!(patch.get(field).is_none(), "{field} in {patch}");
                }
                let is_known = self.conversations.contains_key(&id);
                assert!(
                    is_known,
                    "changes of a conversation that nobody was told of: {patch}"
                );
                self.show(&id, |row| merge(row, patch), &about);
            }
        }
    }

    /// Takes a row over. Its preview stays known as long as its last message is the same.
    fn show(&mut self, id: &str, change: impl FnOnce(&mut Value), about: &Value) {
        let row = self.conversations.entry(id.to_owned()).or_insert(Value::Null);
        let (last, preview) = (row["last_message_id"].clone(), row["preview"].clone());
        change(row);
        let now = &row["last_message_id"];
        if now == about {
            self.previewed.insert(id.to_owned());
        } else if *now != last {
            self.previewed.remove(id);
        } else if row["preview"].is_null() && preview.is_string() {
            row["preview"] = preview;
        }
    }

    fn move_on(&mut self, id: &str, status: &Value) {
        let Some(row) = self.conversations.get_mut(id) else {
            return;
        };
        if row["last_message_id"] == status["message_id"] {
            let state = status["state"].as_str().unwrap();
            row["last_message_failed"] = Value::Bool(["failed", "expired"].contains(&state));
        }
    }

    /// All that it shows is what the rows are.
    async fn compare(&self, store: &dyn Store) {
        let rows = rows(store).await;
        assert_eq!(self.conversations.len(), rows.len());
        for row in rows {
            let id = row.id.to_string();
            let mut found = self.conversations[&id].clone();
            let contact = store.contact(TENANT, row.contact_id).await.unwrap();
            let mut expected = serde_json::to_value(row).unwrap();
            for row in [&mut found, &mut expected] {
                let fields = row.as_object_mut().unwrap();
                fields.retain(|name, value| {
                    let is_absent = value.is_null() || (name == "last_message_failed" && *value == false);
                    !is_absent && !GATEWAYS.contains(&name.as_str())
                });
                if !self.previewed.contains(&id) {
                    fields.remove("preview");
                }
            }
            assert_eq!(found, expected);
            let contact = serde_json::to_value(contact.unwrap()).unwrap();
            let known = &self.contacts[contact["id"].as_str().unwrap()];
            // Of one that turned out to be somebody else, the other's names are shown.
            if contact["linked_to"].is_null() && known["id"] == contact["id"] {
                for field in SHOWN {
                    assert_eq!(known[field], contact[field], "{field} of {contact}");
                }
            }
        }
    }
}

async fn rows(store: &dyn Store) -> Vec<crate::domain::Conversation> {
    let all = ConversationFilter::default();
    let page = store.page_conversations(TENANT, all, None, 1_000);
    page.await.unwrap().items
}

/// What a client may see.
#[derive(Debug, Clone)]
enum Move {
    /// Things that happen in one commit. Another client may read rows that are newer than the position it goes on from.
    Commit { doings: Vec<Any>, is_read_ahead: bool },
    /// Time goes by.
    Wait(u32),
    /// Another client comes.
    Load,
    /// A client goes away.
    Leave,
    /// Those who are away come back, and read what they missed.
    Return,
}

#[derive(Debug, Clone)]
enum Any {
    Doing(Doing),
    /// Somebody writes in a group.
    InGroup {
        from: usize,
        wamid: u8,
    },
    /// A customer stops marketing, or wants it again.
    Wish {
        name: usize,
        stops: bool,
    },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let name = 0..NAMES.len();
    let any = prop_oneof![
        12 => doing().prop_map(Any::Doing),
        2 => (name.clone(), 10_u8..20).prop_map(|(from, wamid)| Any::InGroup { from, wamid }),
        1 => (name, any::<bool>()).prop_map(|(name, stops)| Any::Wish { name, stops }),
    ];
    let step = prop_oneof![
        10 => (proptest::collection::vec(any, 1..4), proptest::bool::weighted(0.2))
            .prop_map(|(doings, is_read_ahead)| Move::Commit { doings, is_read_ahead }),
        3 => prop_oneof![3 => 1_u32..900, 1 => 3_600_u32..80_000].prop_map(Move::Wait),
        1 => Just(Move::Load),
        2 => Just(Move::Leave),
        2 => Just(Move::Return),
    ];
    proptest::collection::vec(step, 1..40)
}

struct Followed {
    store: Arc<dyn Store>,
    fence: Fence,
    head: Seq,
    now: Timestamp,
    clients: Vec<Client>,
    /// Clients that went away, each with how far it had read.
    away: Vec<(Client, Seq)>,
}

impl Followed {
    async fn op(&self, any: &Any) -> Op {
        match any {
            Any::Doing(doing) => {
                let moment = Moment {
                    store: &*self.store,
                    tenant: TENANT,
                    now: self.now,
                };
                moment.op(doing).await
            }
            Any::InGroup { from, wamid } => {
                let mut receive = ops::receive(NAMES[*from], &wamid.to_string(), self.now, "to all");
                receive.group = Alias::group("Y2FwaV9ncm91cDo-");
                receive.name = Some(format!("member {from}").into());
                receive.into()
            }
            Any::Wish { name, stops } => Op::Prefer(Prefer {
                number: None,
                aliases: ops::names(NAMES[*name]),
                wish: if *stops {
                    MarketingWish::Stop(WishSource::Preference)
                } else {
                    MarketingWish::Resume(WishSource::Preference)
                },
                at: Some(self.now),
            }),
        }
    }

    async fn run(&mut self, step: &Move) {
        match step {
            Move::Wait(seconds) => self.now = self.now.after(Duration::from_secs(u64::from(*seconds))),
            Move::Load => self.clients.push(Client::load(&*self.store).await),
            Move::Leave => {
                let head = self.head;
                self.away.extend(self.clients.pop().map(|client| (client, head)));
            }
            Move::Return => {
                for (mut client, after) in std::mem::take(&mut self.away) {
                    client.catch_up(&*self.store, after, self.now).await;
                    client.compare(&*self.store).await;
                    self.clients.push(client);
                }
            }
            Move::Commit {
                doings,
                is_read_ahead,
            } => {
                let mut ops = Vec::new();
                for any in doings {
                    ops.push(self.op(any).await);
                }
                let batch = Append {
                    tenant: TENANT,
                    fence: self.fence,
                    expect_head: self.head,
                    now: self.now,
                    // A row falls back without an event when its last message expires: nothing does here.
                    retention: Retention::DEFAULT,
                    ops,
                };
                let appended = self.store.append(batch).await.unwrap();
                if *is_read_ahead {
                    self.clients.push(Client::load(&*self.store).await);
                }
                for (place, event) in appended.events.iter().enumerate() {
                    let behind = u64::try_from(place).unwrap() + 1;
                    assert_eq!(event.seq.get(), self.head.get() + behind, "a hole");
                    for client in &mut self.clients {
                        client.apply(event);
                    }
                }
                self.head = appended.head;
                for client in &self.clients {
                    client.compare(&*self.store).await;
                }
            }
        }
    }
}

#[test]
fn whoever_applies_every_event_has_what_the_rows_are() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(1_000));
    let outcome = runner.run(&moves(), |moves| {
        runtime.block_on(async {
            let store = Memory::open().store();
            let fence = store.lease(TENANT).await.unwrap();
            let at = store.open_tenant(TENANT, fence, Epoch::new(7)).await.unwrap();
            let mut followed = Followed {
                store,
                fence,
                head: at.head,
                now: DAY_ONE,
                clients: vec![Client::default()],
                away: Vec::new(),
            };
            for step in &moves {
                followed.run(step).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
