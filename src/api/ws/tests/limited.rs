//! Sockets of members who are limited to some numbers.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ending::{sign_in, without_pings};
use super::rig::{Client, Rig, TENANT};
use crate::accounts::{Actor, SignedIn};
use crate::actors::feed::{Signal, Typing};
use crate::actors::request::{Named, Roster};
use crate::domain::message::Side;
use crate::domain::{
    AgentId, Alias, ContactAliases, Content, ConversationId, MemberLimit, PhoneNumberId, Timestamp, Wamid,
};
use crate::store::op::{Naming, Op, OpOutcome, Receive};

const NEAR: &str = "101";
const FAR: &str = "109900000000002";

async fn limit(rig: &Rig, who: &SignedIn, numbers: &[&str]) {
    let numbers: BTreeSet<_> = numbers
        .iter()
        .map(|id| PhoneNumberId::parse(id).unwrap())
        .collect();
    let limit = MemberLimit {
        numbers,
        teams: BTreeSet::new(),
    };
    let set = rig
        .accounts
        .set_limit(TENANT, Actor::Operator, who.user, Some(limit));
    set.await.unwrap();
    rig.keys.forget_user(who.user);
}

/// A customer writes to a number.
async fn arrives(rig: &Rig, number: &str, n: u32) -> (ConversationId, u64) {
    let receive = Receive {
        number: PhoneNumberId::parse(number).unwrap(),
        by: Side::Customer,
        via: None,
        aliases: ContactAliases::of([Alias::phone(if number == NEAR {
            "628110000001"
        } else {
            "628990000002"
        })
        .unwrap()]),
        naming: Naming::Current,
        keyword: None,
        group: None,
        name: Some("Siti".into()),
        username: None,
        wamid: Wamid::parse(&format!("wamid.{number}.{n}")).unwrap(),
        at: Timestamp::from_secs(1_790_000_000 + i64::from(n)),
        content: Content::text("halo"),
    };
    let ledger = rig.port.ledger(TENANT).await.unwrap();
    match ledger.commit(Op::Receive(Box::new(receive))).await.unwrap() {
        OpOutcome::Committed {
            at: Some(at), seq, ..
        } => (at.conversation, seq.get()),
        other => panic!("{other:?}"),
    }
}

/// Reads to a position: what was sent and what was skipped follow each other, and nothing tells of the other number. The events.
async fn read_to(client: &mut Client, after: u64, to: u64) -> Vec<u64> {
    let (mut at, mut seen) = (after, Vec::new());
    while at < to {
        let frame = client.frame().await;
        assert!(!frame.to_string().contains(FAR), "{frame}");
        match frame["type"].as_str().unwrap() {
            "events" => {
                for event in frame["events"].as_array().unwrap() {
                    at += 1;
                    assert_eq!(event["seq"], at);
                    seen.push(at);
                }
            }
            "skipped" => {
                assert_eq!(frame["from"], at + 1);
                at = frame["to"].as_u64().unwrap();
            }
            _ => {}
        }
    }
    assert_eq!(at, to);
    seen
}

#[actix::test]
async fn events_of_other_numbers_are_skipped_live_and_by_cursor() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    limit(&rig, &who, &[NEAR]).await;
    let (mut client, welcome) = rig.greet_as(&who).await;
    let (mut other, _) = rig.greet("ben", None).await;
    let begin = welcome["seq"].as_u64().unwrap();
    let (mut expected, mut last) = (Vec::new(), begin);
    for (n, number) in (0_u32..).zip([FAR, FAR, NEAR, FAR, NEAR, NEAR, FAR]) {
        let (_, seq) = arrives(&rig, number, n).await;
        expected.extend((number == NEAR).then_some(seq));
        last = seq;
    }
    assert_eq!(read_to(&mut client, begin, last).await, expected);
    // Whoever is not limited is sent all of them, and no skips.
    other.events_to(begin, last).await;
    // By cursor, from wherever.
    let epoch = welcome["epoch"].as_str().unwrap().to_owned();
    for from in begin..last {
        let (mut again, _) = rig.greet_as_after(&who, Some((&epoch, from))).await;
        let rest: Vec<u64> = expected.iter().copied().filter(|seq| *seq > from).collect();
        assert_eq!(read_to(&mut again, from, last).await, rest, "from {from}");
    }
    rig.stop().await;
}

#[actix::test]
async fn what_the_feed_does_not_hold_is_read_from_the_log_without_other_numbers() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    limit(&rig, &who, &[NEAR]).await;
    // Before anybody has the feed opened, and more than a page of the log.
    let (mut expected, mut last) = (Vec::new(), 0);
    for n in 0..200 {
        let number = if n % 3 == 0 { NEAR } else { FAR };
        let (_, seq) = arrives(&rig, number, n).await;
        expected.extend((number == NEAR).then_some(seq));
        last = seq;
    }
    let (client, welcome) = rig.greet_as(&who).await;
    let (epoch, head) = (
        welcome["epoch"].as_str().unwrap(),
        welcome["seq"].as_u64().unwrap(),
    );
    assert_eq!(head, last, "the feed begins here");
    for from in [0, 70, last - 1] {
        let (mut again, _) = rig.greet_as_after(&who, Some((epoch, from))).await;
        let rest: Vec<u64> = expected.iter().copied().filter(|seq| *seq > from).collect();
        assert_eq!(read_to(&mut again, from, last).await, rest, "from {from}");
    }
    drop(client);
    rig.stop().await;
}

#[actix::test]
async fn signals_and_commands_of_other_numbers_are_as_if_there_were_none() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    let (near, _) = arrives(&rig, NEAR, 1).await;
    let (far, _) = arrives(&rig, FAR, 1).await;
    limit(&rig, &who, &[NEAR]).await;
    let ben = AgentId::parse("ben").unwrap();
    let viewing = [far, near].map(|id| (id, vec![ben.clone()]));
    *rig.port.roster.lock().unwrap() = Roster {
        named: Arc::new(Named::new(Vec::new(), viewing.to_vec())),
        count: 1,
    };
    let (mut client, welcome) = rig.greet_as(&who).await;
    let seen = json!([{ "conversation_id": near, "agents": ["ben"] }]);
    assert_eq!(welcome["viewing"], seen);
    let ask = |kind: &str, id: ConversationId, more: Value| {
        let mut frame = json!({ "type": kind, "ref": "r", "conversation_id": id });
        frame
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        frame
    };
    let nobody = ConversationId::from_bytes([9; 16]);
    for (kind, more) in [
        ("viewing", json!({})),
        ("typing", json!({ "on": true })),
        ("assign", json!({ "agent": "ben" })),
        ("label", json!({ "add": ["x"] })),
        ("status", json!({ "status": "resolved" })),
        ("read", json!({})),
        ("note", json!({ "client_msg_id": "n1", "text": "x" })),
        (
            "send",
            json!({ "client_msg_id": "m1", "message": { "type": "text", "text": { "body": "x" } } }),
        ),
    ] {
        let mut said = Vec::new();
        for id in [far, nobody] {
            client.say(ask(kind, id, more.clone())).await;
            said.push(client.frame_of("error").await);
        }
        assert_eq!(said[0]["code"], "not_found", "{kind}: {}", said[0]);
        assert_eq!(said[0], said[1], "{kind}");
    }
    assert!(
        rig.port
            .asked
            .lock()
            .unwrap()
            .iter()
            .all(|asked| !format!("{asked:?}").contains(&far.to_string()))
    );
    client.say(ask("typing", near, json!({ "on": true }))).await;
    let ledger = rig.port.ledger(TENANT).await.unwrap();
    for conversation in [far, near] {
        ledger.relay(Signal::Typing {
            conversation,
            agent: AgentId::parse("ben").unwrap(),
            on: Typing::Began,
        });
    }
    let typing = client.frame_of("typing").await;
    assert_eq!(
        typing["conversation_id"],
        near.to_string(),
        "the other one came first"
    );
    rig.stop().await;
}

#[actix::test]
async fn another_limit_ends_the_socket_and_holds_when_it_comes_back() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    let (mut client, welcome) = rig.greet_as(&who).await;
    let (_, first) = arrives(&rig, FAR, 1).await;
    client.events_to(first - 1, first).await;
    limit(&rig, &who, &[NEAR]).await;
    client.frame_of("limit_changed").await;
    assert_eq!(client.closed().await, 4410);
    let epoch = welcome["epoch"].as_str().unwrap();
    let (mut again, _) = rig.greet_as_after(&who, Some((epoch, first))).await;
    arrives(&rig, FAR, 2).await;
    let (_, last) = arrives(&rig, NEAR, 2).await;
    assert_eq!(read_to(&mut again, first, last).await, [last]);
    rig.stop().await;
}
