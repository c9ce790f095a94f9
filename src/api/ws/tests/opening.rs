//! Handshakes: who is let in, and what those who are not are told.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Error;

use super::rig::{BOTH, Client, Rig, TENANT, key, options, put_key, put_scopes};
use crate::domain::{TenantId, Timestamp};
use crate::store::directory::Scope;

fn status(result: Result<Client, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

fn protocol(ticket: &str) -> String {
    format!("mesej.v2, ticket.{ticket}")
}

#[actix::test]
async fn a_ticket_opens_one_socket_and_the_server_answers_its_protocol_alone() {
    let rig = Rig::start(options()).await;
    let offer = protocol(&rig.ticket("ana"));
    let headers = [("Sec-WebSocket-Protocol", offer.as_str())];
    let mut first = rig.handshake(&headers).await.unwrap();
    first.say(serde_json::json!({"type": "hello", "ref": "h"})).await;
    let welcome = first.frame().await;
    assert_eq!(welcome["agent"], "ana");
    assert_eq!(welcome["heartbeat_s"], 15);
    let mut second = rig.handshake(&headers).await.unwrap();
    assert_eq!(second.frame().await["code"], "bad_ticket");
    assert_eq!(second.closed().await, 4401);
    rig.stop().await;
}

#[actix::test]
async fn a_socket_without_a_ticket_is_told_so_by_its_close_code() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        for offer in ["mesej.v2", "mesej.v2, ticket.", "mesej.v2, ticket.made-up"] {
            let mut client = rig.handshake(&[("Sec-WebSocket-Protocol", offer)]).await.unwrap();
            assert_eq!(client.closed().await, 4401, "{offer}");
            client.gone().await;
        }
        rig.stop().await;
    }
}

#[actix::test]
async fn pages_of_foreign_origins_are_refused_and_their_tickets_stay_good() {
    let rig = Rig::start(options()).await;
    let offer = protocol(&rig.ticket("ana"));
    let offer = ("Sec-WebSocket-Protocol", offer.as_str());
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(
            status(rig.handshake(&[offer, ("Origin", origin)]).await),
            403,
            "{origin}"
        );
    }
    let own = format!("http://{}", rig.address);
    assert!(rig.handshake(&[offer, ("Origin", &own)]).await.is_ok());
    rig.stop().await;
}

#[actix::test]
async fn what_does_not_speak_the_protocol_is_refused_by_http() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        for unknown in ["chat", "mesej.v0", "mesej"] {
            assert_eq!(
                status(rig.handshake(&[("Sec-WebSocket-Protocol", unknown)]).await),
                400,
                "{unknown}"
            );
        }
        assert_eq!(status(rig.handshake(&[]).await), 400);
        rig.stop().await;
    }
}

#[actix::test]
async fn the_newest_name_of_the_protocol_that_is_offered_is_the_answer() {
    let rig = Rig::start(options()).await;
    for (offer, answer) in [
        ("mesej.v2, ticket.made-up", "mesej.v2"),
        ("mesej.v1, mesej.v2, ticket.made-up", "mesej.v2"),
        ("mesej.v3, mesej.v1, ticket.made-up", "mesej.v1"),
    ] {
        let client = rig.handshake(&[("Sec-WebSocket-Protocol", offer)]).await.unwrap();
        assert_eq!(client.protocol, answer, "{offer}");
    }
    rig.stop().await;
}

#[actix::test]
async fn the_subprotocols_may_come_in_any_order_and_in_two_headers() {
    let rig = Rig::start(options()).await;
    let name = "Sec-WebSocket-Protocol";
    let ticket = format!("ticket.{}", rig.ticket("ana"));
    let other = format!("ticket.{}, mesej.v2", rig.ticket("ben"));
    for headers in [
        &[(name, "mesej.v2"), (name, ticket.as_str())][..],
        &[(name, other.as_str())],
    ] {
        let mut client = rig.handshake(headers).await.unwrap();
        client.say(serde_json::json!({"type": "hello"})).await;
        assert_eq!(client.frame().await["type"], "welcome");
    }
    rig.stop().await;
}

#[actix::test]
async fn an_agent_has_only_so_many_sockets_and_leaving_makes_room() {
    let rig = Rig::start(super::SocketOptions {
        per_agent: 2,
        ..options()
    })
    .await;
    let first = rig.greet("ana", None).await;
    let _second = rig.greet("ana", None).await;
    assert_eq!(rig.connect("ana").await.closed().await, 4409);
    rig.greet("ben", None).await;
    drop(first);
    loop {
        let mut client = rig.connect("ana").await;
        client.say(serde_json::json!({"type": "hello"})).await;
        match client.frame().await["type"].as_str() {
            Some("welcome") => break,
            _ => assert_eq!(client.closed().await, 4409),
        }
    }
    rig.stop().await;
}

#[actix::test]
async fn a_full_or_rushed_server_asks_to_come_back_later() {
    let rig = Rig::start(super::SocketOptions {
        total: 1,
        ..options()
    })
    .await;
    let offer = protocol(&rig.ticket("ben"));
    let _first = rig.greet("ana", None).await;
    let refused = rig.handshake(&[("Sec-WebSocket-Protocol", &offer)]).await;
    let Err(Error::Http(response)) = refused else {
        panic!()
    };
    assert_eq!(response.status().as_u16(), 503);
    assert!(response.headers().contains_key("retry-after"));
    rig.stop().await;

    let rig = Rig::start(super::SocketOptions {
        handshakes_per_s: 1,
        handshake_patience: Duration::ZERO,
        ..options()
    })
    .await;
    let _first = rig.connect("ana").await;
    let offer = protocol(&rig.ticket("ben"));
    assert_eq!(
        status(rig.handshake(&[("Sec-WebSocket-Protocol", &offer)]).await),
        503
    );
    rig.stop().await;
}

#[actix::test]
async fn whoever_has_no_ticket_uses_up_nobodys_handshakes() {
    let rig = Rig::start(super::SocketOptions {
        handshakes_per_s: 1,
        handshake_patience: Duration::ZERO,
        ..options()
    })
    .await;
    for offer in ["mesej.v2", "mesej.v2, ticket.made-up"].repeat(20) {
        let mut stranger = rig.handshake(&[("Sec-WebSocket-Protocol", offer)]).await.unwrap();
        assert_eq!(stranger.closed().await, 4401);
    }
    let _ana = rig.connect("ana").await;
    let offer = protocol(&rig.ticket("ben"));
    let too_fast = rig.handshake(&[("Sec-WebSocket-Protocol", &offer)]).await;
    assert_eq!(status(too_fast), 503);
    // A refusal leaves the ticket as it was.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while rig
        .handshake(&[("Sec-WebSocket-Protocol", &offer)])
        .await
        .is_err()
    {
        assert!(tokio::time::Instant::now() < deadline, "the ticket was used up");
    }
    rig.stop().await;
}

#[actix::test]
async fn a_tenant_that_is_not_there_closes_the_socket() {
    let rig = Rig::start(options()).await;
    let offer = protocol(&rig.ticket_of(TenantId::new(0), "ana"));
    let mut client = rig
        .handshake(&[("Sec-WebSocket-Protocol", &offer)])
        .await
        .unwrap();
    assert_eq!(client.closed().await, 4503);
    assert_ne!(TENANT, TenantId::new(0));
    rig.stop().await;
}

#[actix::test]
async fn a_ticket_from_before_its_key_was_revoked_or_lost_a_scope_opens_nothing() {
    let rig = Rig::start(options()).await;
    let offer = protocol(&rig.ticket("ana"));
    put_key(&rig.port, Some(Timestamp::from_secs(2))).await;
    rig.keys.forget(key());
    let mut client = rig
        .handshake(&[("Sec-WebSocket-Protocol", &offer)])
        .await
        .unwrap();
    assert_eq!(client.frame().await["code"], "unauthorized");
    assert_eq!(client.closed().await, 4401);

    let offer = protocol(&rig.ticket("ana"));
    put_scopes(&rig.port, &[Scope::Agents, Scope::Send]).await;
    rig.keys.forget(key());
    let mut client = rig
        .handshake(&[("Sec-WebSocket-Protocol", &offer)])
        .await
        .unwrap();
    assert_eq!(client.frame().await["code"], "forbidden");
    assert_eq!(client.closed().await, 4401);
    rig.stop().await;
}

#[actix::test]
async fn a_tenant_has_only_so_many_sockets() {
    let rig = Rig::start(options()).await;
    let mut row = crate::store::Tenant::new(
        TENANT,
        "a shop",
        crate::domain::Retention::DEFAULT,
        crate::domain::Timestamp::from_secs(1),
    );
    row.quotas.set(crate::domain::Quota::Sockets, Some(2));
    rig.port.store.put_tenant(row).await.unwrap();
    let _first = rig.greet("ana", None).await;
    let _second = rig.greet("ben", None).await;
    assert_eq!(rig.sockets.open_of(TENANT), 2);
    let mut third = rig.connect("eve").await;
    let said = third.frame().await;
    assert_eq!(said["code"], "too_many_sockets");
    assert_eq!(
        said["quota"],
        serde_json::json!({ "name": "sockets", "limit": 2 })
    );
    assert_eq!(third.closed().await, 4409);
    rig.stop().await;
}
