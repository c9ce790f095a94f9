//! Clients that do not read: what they cost, and how they end.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::SocketOptions;
use super::rig::{Rig, options, until};

fn hasty() -> SocketOptions {
    SocketOptions {
        stuck: Duration::from_millis(300),
        send_buffer: 4_096,
        ..options()
    }
}

#[actix::test]
async fn a_client_that_never_reads_is_cut_off_and_nobody_else_notices() {
    let rig = Rig::start(hasty()).await;
    let mut stuck = rig.connect_narrow("stuck").await;
    stuck.say(serde_json::json!({"type": "hello"})).await;
    let (mut healthy, _) = rig.greet("healthy", None).await;
    let open = |rig: &Rig| format!("{:?}", rig.sockets);
    assert!(open(&rig).contains("total: 2"), "{}", open(&rig));
    let text = "x".repeat(2_000);
    let publish = async {
        let mut last = 0;
        while open(&rig).contains("total: 2") {
            last = rig.say(&text).await.get();
            assert!(last < 100_000, "it is never cut off");
        }
        last
    };
    let mut publish = Box::pin(publish);
    let mut at = 0;
    let last = loop {
        tokio::select! {
            last = &mut publish => break last,
            events = healthy.events() => {
                for seq in events {
                    assert_eq!(seq, at + 1);
                    at = seq;
                }
            }
        }
    };
    drop(publish);
    healthy.events_to(at, last).await;
    // What reached the client before is still read, and then the connection is gone.
    stuck.gone().await;
    rig.stop().await;
}

#[actix::test]
async fn an_idle_client_is_not_cut_off() {
    let rig = Rig::start(hasty()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    for seen in 0..2 {
        let silence = tokio::time::timeout(hasty().stuck * 3, client.stream.next()).await;
        assert!(silence.is_err(), "{silence:?}");
        rig.say("hello").await;
        client.events_to(seen, seen + 1).await;
    }
    rig.stop().await;
}

#[actix::test]
async fn a_client_that_reads_slowly_catches_up_and_is_not_cut_off() {
    let rig = Rig::start(SocketOptions {
        stuck: Duration::from_secs(5),
        ..hasty()
    })
    .await;
    let mut slow = rig.connect_narrow("slow").await;
    slow.say(serde_json::json!({"type": "hello"})).await;
    assert_eq!(slow.frame().await["type"], "welcome");
    let text = "x".repeat(1_000);
    for _ in 0..2_000 {
        rig.say(&text).await;
    }
    slow.events_to(0, 2_000).await;
    rig.stop().await;
}

#[actix::test]
async fn a_client_that_writes_and_never_reads_is_cut_off() {
    let rig = Rig::start(SocketOptions {
        closing: Duration::from_millis(100),
        stuck: Duration::from_secs(3_600),
        frames_per_s: 1_000_000,
        ..hasty()
    })
    .await;
    let mut client = rig.connect_narrow("rude").await;
    client.say(serde_json::json!({"type": "hello"})).await;
    let ping = serde_json::json!({"type": "ping", "ref": "x".repeat(64)}).to_string();
    let flood = async {
        use futures_util::SinkExt as _;
        while client
            .stream
            .send(tokio_tungstenite::tungstenite::Message::text(ping.clone()))
            .await
            .is_ok()
        {}
    };
    tokio::time::timeout(Duration::from_secs(20), flood)
        .await
        .unwrap();
    until(|| format!("{:?}", rig.sockets).contains("total: 0")).await;
    rig.stop().await;
}
