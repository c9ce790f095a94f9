//! Events: exactly what follows a cursor, whatever happens to the connection.

use std::time::Duration;

use serde_json::{Value, json};

use super::SocketOptions;
use super::rig::{BOTH, Rig, TENANT, options, until};
use crate::actors::feed::rig::Asked;
use crate::actors::feed::{FeedLimits, Presence, Signal, Typing};
use crate::actors::request::{Attendance, Named, Roster};
use crate::domain::{AgentId, ConversationId};

fn epoch(welcome: &Value) -> String {
    welcome["epoch"].as_str().unwrap().to_owned()
}

#[actix::test]
async fn a_socket_begins_at_the_head_and_sees_what_follows() {
    let rig = Rig::start(options()).await;
    rig.say("before").await;
    let (mut client, welcome) = rig.greet("ana", None).await;
    assert_eq!((&welcome["seq"], &welcome["head_seq"]), (&json!(1), &json!(1)));
    rig.say("after").await;
    let frame = client.frame_of("events").await;
    assert_eq!(frame["events"][0]["seq"], 2);
    assert_eq!(frame["events"][0]["data"], "after");
    rig.stop().await;
}

#[actix::test]
async fn a_socket_that_comes_back_gets_exactly_what_it_missed() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        let (client, welcome) = rig.greet("ana", None).await;
        drop(client);
        for number in 0..300 {
            rig.say(&format!("message {number}")).await;
        }
        for after in [0, 1, 120, 299] {
            let (mut client, welcome) = rig.greet("ana", Some((&epoch(&welcome), after))).await;
            assert_eq!(
                (&welcome["seq"], &welcome["head_seq"]),
                (&json!(after), &json!(300))
            );
            client.events_to(after, 300).await;
        }
        rig.stop().await;
    }
}

#[actix::test]
async fn what_a_client_says_before_it_is_greeted_in_a_crowd_stands_afterwards() {
    // So few handshakes a second that two of them are a crowd.
    let rig = Rig::start(SocketOptions {
        handshakes_per_s: 50,
        ..options()
    })
    .await;
    let _first = rig.connect("ana").await;
    let mut client = rig.connect("ben").await;
    client.say(json!({ "type": "hello" })).await;
    client.say(json!({ "type": "presence", "state": "busy" })).await;
    client.frame_of("welcome").await;
    let ben = AgentId::parse("ben").unwrap();
    until(|| {
        let asked = rig.port.asked.lock().unwrap();
        let shown = asked.iter().rev().find_map(|asked| match asked {
            Asked::Attend(agent, _, shown) if *agent == ben => Some(shown),
            _ => None,
        });
        shown == Some(&Attendance::Presence(Presence::Busy))
    })
    .await;
    rig.stop().await;
}

#[actix::test]
async fn sockets_on_all_workers_see_the_same_events() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        let mut clients = Vec::new();
        for number in 0..12 {
            clients.push(rig.greet(&format!("agent{number}"), None).await.0);
        }
        for number in 0..100 {
            rig.say(&format!("message {number}")).await;
        }
        for client in &mut clients {
            client.events_to(0, 100).await;
        }
        rig.stop().await;
    }
}

#[actix::test]
async fn there_is_no_hole_and_no_repetition_over_a_thousand_broken_connections() {
    for transport in BOTH {
        // A small buffer, so that clients come back to the buffer, to pages of the log, and to both.
        let feed = FeedLimits {
            buffer_events: 32,
            ..FeedLimits::default()
        };
        let rig = Rig::start_over(
            transport,
            SocketOptions {
                feed,
                resync_after: 100_000,
                ..options()
            },
        )
        .await;
        let (_, welcome) = rig.greet("ana", None).await;
        let epoch = epoch(&welcome);
        let done = std::rc::Rc::new(std::cell::Cell::new(false));
        let publish = async {
            while !done.get() {
                rig.say("again").await;
            }
        };
        let client = |seed: u64| {
            let (rig, epoch) = (&rig, &epoch);
            async move {
                let mut rng = fastrand::Rng::with_seed(seed);
                let mut at = 0;
                for _ in 0..125 {
                    let (mut client, _) = rig.greet(&format!("agent{seed}"), Some((epoch, at))).await;
                    for _ in 0..rng.u32(0..6) {
                        for seq in client.events().await {
                            assert_eq!(seq, at + 1, "a hole or a repetition");
                            at = seq;
                        }
                    }
                    // Dropped in the middle of whatever is under way.
                }
                at
            }
        };
        let clients = async {
            let ends = futures_util::future::join_all((0..8).map(client)).await;
            done.set(true);
            ends
        };
        let (ends, ()) = tokio::join!(clients, publish);
        assert!(ends.iter().all(|end| *end > 100), "{ends:?}");
        rig.stop().await;
    }
}

#[actix::test]
async fn a_cursor_that_cannot_be_continued_is_told_why_and_goes_on_from_the_head() {
    let rig = Rig::start(SocketOptions {
        resync_after: 20,
        ..options()
    })
    .await;
    let (_, welcome) = rig.greet("ana", None).await;
    let epoch = epoch(&welcome);
    for _ in 0..50 {
        rig.say("again").await;
    }
    for (at, reason) in [
        (("00000000000000ff", 50), "epoch_changed"),
        ((epoch.as_str(), 51), "ahead"),
        ((epoch.as_str(), 29), "too_far"),
    ] {
        let head = rig.say("again").await.get();
        let at = if reason == "ahead" { (at.0, head + 1) } else { at };
        let (mut client, welcome) = rig.greet("ana", Some(at)).await;
        let resync = client.frame().await;
        assert_eq!(
            (&resync["type"], &resync["reason"]),
            (&json!("resync"), &json!(reason))
        );
        assert_eq!(resync["epoch"], json!(epoch));
        assert_eq!(
            (&welcome["seq"], &resync["head_seq"]),
            (&json!(head), &json!(head))
        );
        rig.say("again").await;
        client.events_to(head, head + 1).await;
    }
    rig.stop().await;
}

#[actix::test]
async fn an_event_longer_than_any_frame_arrives_whole() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    let long = "x".repeat(200_000);
    rig.say(&long).await;
    rig.say("short").await;
    let frame = client.frame_of("events").await;
    assert_eq!(frame["events"][0]["data"], json!(long));
    client.events_to(1, 2).await;
    rig.stop().await;
}

#[actix::test]
async fn a_newcomer_learns_who_is_there_and_hears_signals() {
    let rig = Rig::start(options()).await;
    let (ana, conversation) = (
        AgentId::parse("ana").unwrap(),
        ConversationId::from_bytes([3; 16]),
    );
    let (present, viewing) = (
        vec![(ana.clone(), Presence::Busy)],
        vec![(conversation, vec![ana.clone()])],
    );
    *rig.port.roster.lock().unwrap() = Roster {
        named: Named::new(present, viewing).into(),
        count: 1,
    };
    let (mut client, welcome) = rig.greet("ben", None).await;
    assert_eq!(welcome["present"], json!([{"agent": "ana", "state": "busy"}]));
    assert_eq!(welcome["present_count"], 1);
    assert_eq!(
        welcome["viewing"],
        json!([{"conversation_id": conversation, "agents": ["ana"]}])
    );
    let ledger = rig.port.ledger(TENANT).await.unwrap();
    ledger.relay(Signal::Typing {
        conversation,
        agent: ana,
        on: Typing::Began,
    });
    assert_eq!(client.frame_of("typing").await["on"], true);
    rig.stop().await;
}

#[actix::test]
async fn colleagues_are_told_of_coming_and_going() {
    let rig = Rig::start(options()).await;
    let (client, _) = rig.greet("ana", None).await;
    let online = Attendance::Presence(Presence::Online);
    rig.port
        .wait_for(|asked| matches!(asked, Asked::Attend(_, _, what) if *what == online))
        .await;
    drop(client);
    let offline = Attendance::Presence(Presence::Offline);
    rig.port
        .wait_for(|asked| matches!(asked, Asked::Attend(_, _, what) if *what == offline))
        .await;
    rig.stop().await;
}

#[actix::test]
async fn a_long_event_does_not_crawl() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    let began = tokio::time::Instant::now();
    rig.say(&"x".repeat(8_000_000)).await;
    client.events_to(0, 1).await;
    // With room for less than a segment of the loopback's it takes seven: its receiver holds each acknowledgement back.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    rig.stop().await;
}
