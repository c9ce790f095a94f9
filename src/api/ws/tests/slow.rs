//! Clients that do not read: what they cost, and how they end.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::SocketOptions;
use super::rig::{BOTH, Rig, options, until};

fn hasty() -> SocketOptions {
    SocketOptions {
        stuck: Duration::from_millis(300),
        send_buffer: 4_096,
        ..options()
    }
}

#[actix::test]
async fn a_client_that_never_reads_is_cut_off_and_nobody_else_notices() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, hasty()).await;
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
                assert!(last < 100_000, "it is never cut off over {transport:?}");
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

#[test]
fn who_does_not_read_on_a_quiet_tenant_is_gone_within_45_seconds_and_two_pings_may_be_lost() {
    let options = SocketOptions::of(&crate::config::Config::defaults().unwrap());
    assert!(options.silence + options.closing + options.reaper_tick * 2 < Duration::from_secs(45));
    assert!(options.silence > options.heartbeat * 2);
}

#[actix::test]
async fn a_client_that_never_reads_ends_although_nothing_is_said_to_it() {
    for transport in BOTH {
        let rig = Rig::start_over(
            transport,
            SocketOptions {
                heartbeat: Duration::from_millis(50),
                silence: Duration::from_secs(1),
                closing: Duration::from_secs(1),
                ..options()
            },
        )
        .await;
        let mut stuck = rig.connect_narrow("stuck").await;
        stuck.say(serde_json::json!({"type": "hello"})).await;
        until(|| format!("{:?}", rig.sockets).contains("total: 1")).await;
        until(|| format!("{:?}", rig.sockets).contains("total: 0")).await;
        rig.stop().await;
    }
}

#[actix::test]
async fn a_client_that_reads_slowly_and_answers_no_ping_stays_while_it_reads() {
    use tokio::io::AsyncReadExt as _;
    let silence = Duration::from_secs(2);
    let rig = Rig::start(SocketOptions {
        heartbeat: Duration::from_millis(100),
        silence,
        reaper_tick: Duration::from_millis(10),
        closing: Duration::from_millis(100),
        stuck: Duration::from_secs(3_600),
        ..hasty()
    })
    .await;
    let mut slow = rig.connect_narrow("slow").await;
    slow.say(serde_json::json!({"type": "hello"})).await;
    let text = "x".repeat(1_000);
    let publish = async {
        for _ in 0..3_000 {
            rig.say(&text).await;
        }
    };
    // Bytes alone: nobody answers the pings among them. It takes three times as long as a client may be silent.
    let mut bytes = slow.stream.into_inner();
    let read = async {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        let began = tokio::time::Instant::now();
        let mut piece = [0_u8; 4_096];
        while began.elapsed() < silence * 3 {
            pace.tick().await;
            assert!(bytes.read(&mut piece).await.unwrap() > 0, "it was cut off");
        }
    };
    futures_util::future::join(publish, read).await;
    assert!(format!("{:?}", rig.sockets).contains("total: 1"));
    until(|| format!("{:?}", rig.sockets).contains("total: 0")).await;
    rig.stop().await;
}

#[actix::test]
async fn a_client_that_reads_slowly_catches_up_and_is_not_cut_off() {
    for transport in BOTH {
        let rig = Rig::start_over(
            transport,
            SocketOptions {
                stuck: Duration::from_secs(5),
                ..hasty()
            },
        )
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
}

#[actix::test]
async fn a_client_that_writes_and_never_reads_is_cut_off() {
    for transport in BOTH {
        let rig = Rig::start_over(
            transport,
            SocketOptions {
                closing: Duration::from_millis(100),
                stuck: Duration::from_secs(3_600),
                frames_per_s: 1_000_000,
                ..hasty()
            },
        )
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
}
