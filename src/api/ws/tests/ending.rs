//! How sockets end: by silence, by revocation, by the server's own end.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::super::ComeBack;
use super::SocketOptions;
use super::rig::{BOTH, Rig, TENANT, key, options, put_key, put_scopes, until};
use crate::accounts::{
    Accepting, Actor, Confirmation, Ending, Inviting, NewLink, NewToken, Newcomer, Removal, SignInOrigin,
    SignedIn,
};
use crate::actors::feed::Presence;
use crate::actors::feed::rig::Asked;
use crate::actors::request::Attendance;
use crate::domain::roles::Role;
use crate::domain::{ConversationId, Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::directory::Scope;

fn soon() -> ComeBack {
    ComeBack {
        after: Duration::ZERO,
        within: Duration::from_secs(1),
    }
}

#[actix::test]
async fn whoever_says_no_hello_is_closed() {
    let rig = Rig::start(SocketOptions {
        hello: Duration::from_millis(50),
        ..options()
    })
    .await;
    assert_eq!(rig.connect("ana").await.closed().await, 4408);
    rig.stop().await;
}

#[actix::test]
async fn a_silent_client_is_pinged_and_then_closed() {
    for transport in BOTH {
        let (heartbeat, silence) = (Duration::from_millis(50), Duration::from_millis(300));
        let rig = Rig::start_over(
            transport,
            SocketOptions {
                heartbeat,
                silence,
                ..options()
            },
        )
        .await;
        let (mut client, _) = rig.greet("ana", None).await;
        // As long as the client reads, its library answers pings.
        let mut pings = 0;
        while pings < 12 {
            match client.message().await {
                Some(Ok(Message::Ping(_))) => pings += 1,
                other => panic!("{other:?}"),
            }
        }
        // Now the bytes are read and nobody answers.
        let mut rest = Vec::new();
        client.stream.into_inner().read_to_end(&mut rest).await.unwrap();
        let code = 4408_u16.to_be_bytes();
        assert!(rest.windows(2).any(|bytes| bytes == code), "{rest:?}");
        rig.stop().await;
    }
}

/// No ping is due for long: what ends a socket then is that it is told.
pub(super) fn without_pings() -> SocketOptions {
    let hour = Duration::from_secs(3_600);
    SocketOptions {
        heartbeat: hour,
        silence: hour,
        ..options()
    }
}

#[actix::test]
async fn a_revoked_key_closes_all_its_sockets_at_once() {
    let rig = Rig::start(without_pings()).await;
    let mut clients = Vec::new();
    // More than look-ups at once.
    for number in 0..100 {
        clients.push(rig.greet(&format!("agent{number}"), None).await.0);
    }
    // One that is forgotten and holds stays.
    rig.keys.forget(key());
    rig.say("still there").await;
    for client in &mut clients {
        client.events().await;
    }
    put_key(&rig.port, Some(Timestamp::from_secs(2))).await;
    rig.keys.forget(key());
    for client in &mut clients {
        assert_eq!(client.closed().await, 4401);
    }
    rig.stop().await;
}

/// Somebody signs in for the first time.
pub(super) async fn sign_in(rig: &Rig) -> SignedIn {
    let new = |id: &str| NewToken {
        id: id.to_owned(),
        hash: KeyHash::of(id),
    };
    let inviting = Inviting {
        tenant: TENANT,
        by: Actor::Operator,
        email: "ana@example.com".parse().unwrap(),
        role: Role::Agent,
        limit: None,
        link: NewLink::of(new("invitation")),
    };
    rig.accounts.invite(inviting).await.unwrap();
    let accepting = Accepting {
        tenant: TENANT,
        token: KeyHash::of("invitation"),
        newcomer: Newcomer::of_age("Ana"),
        password: "kopi tubruk di pasar minggu".into(),
        code: None,
        fresh: UserId::from_bytes([7; 16]),
        session: new("session"),
        origin: SignInOrigin {
            address: None,
            browser: String::new(),
        },
    };
    rig.accounts.accept(accepting).await.unwrap()
}

#[actix::test]
async fn a_person_who_is_signed_out_everywhere_is_cut_off_at_once() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    let (mut client, _) = rig.greet_as(&who).await;
    let (mut other, _) = rig.greet("ben", None).await;
    let ended = rig
        .accounts
        .end_sessions(who.user, Ending::OfTenant(TENANT))
        .await;
    assert_eq!(ended.unwrap(), [who.token]);
    rig.keys.forget_user(who.user);
    assert_eq!(client.closed().await, 4401);
    // Nobody else is.
    rig.say("still there").await;
    other.events().await;
    rig.stop().await;
}

#[actix::test]
async fn a_program_that_acts_as_a_member_is_cut_off_when_the_member_leaves() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    let acts = [Scope::Send, Scope::Read, Scope::Agents, Scope::ActAs];
    put_scopes(&rig.port, &acts).await;
    let (mut client, _) = rig.greet_acting(&who).await;
    let removal = Removal {
        tenant: TENANT,
        by: Actor::Operator,
        user: who.user,
        assign_to: None,
        confirmed: Confirmation::Shown,
    };
    rig.accounts.remove_member(removal).await.unwrap();
    let late = rig.ticket_acting(&who);
    rig.keys.forget_user(who.user);
    assert_eq!(client.closed().await, 4401);
    // So is a ticket from before.
    assert_eq!(rig.connect_by(late).await.closed().await, 4401);
    rig.stop().await;
}

#[actix::test]
async fn nothing_is_assigned_to_who_left() {
    let rig = Rig::start(without_pings()).await;
    let who = sign_in(&rig).await;
    let (mut client, _) = rig.greet("ben", None).await;
    let assign = |to: &str| json!({"type": "assign", "ref": "r1", "conversation_id": "00112233445566778899aabbccddeeff", "agent": to});
    client.say(assign(&who.user.to_string())).await;
    assert_eq!(client.frame_of("ok").await["ref"], "r1");
    let removal = Removal {
        tenant: TENANT,
        by: Actor::Operator,
        user: who.user,
        assign_to: None,
        confirmed: Confirmation::Shown,
    };
    rig.accounts.remove_member(removal).await.unwrap();
    client.say(assign(&who.user.to_string())).await;
    assert_eq!(client.frame_of("error").await["code"], "not_found");
    client.say(assign("cem")).await;
    client.frame_of("ok").await;
    rig.stop().await;
}

#[actix::test]
async fn a_client_that_leaves_is_answered() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        let (mut client, _) = rig.greet("ana", None).await;
        client.send(Message::Close(None)).await;
        assert_eq!(client.closed().await, 1000);
        client.gone().await;
        rig.stop().await;
    }
}

#[actix::test]
async fn when_the_server_stops_everybody_is_told_when_to_come_back() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        let mut clients = Vec::new();
        for number in 0..20 {
            clients.push(rig.greet(&format!("agent{number}"), None).await.0);
        }
        let (after, within) = (Duration::from_secs(2), Duration::from_secs(10));
        let goodbyes = async {
            let mut waits = Vec::new();
            for client in &mut clients {
                waits.push(client.frame_of("reconnect").await["after_ms"].as_u64().unwrap());
                assert_eq!(client.closed().await, 1012);
                client.gone().await;
            }
            waits
        };
        let (waits, ()) = tokio::join!(
            goodbyes,
            rig.sockets
                .drain(ComeBack { after, within }, Duration::from_secs(20))
        );
        assert!(
            waits.iter().all(|wait| (2_000..12_000).contains(wait)),
            "{waits:?}"
        );
        assert!(
            waits.iter().max().unwrap() - waits.iter().min().unwrap() > 2_000,
            "{waits:?}"
        );
        let protocol = format!("mesej.v2, ticket.{}", rig.ticket("late"));
        let Err(Error::Http(refused)) = rig.handshake(&[("Sec-WebSocket-Protocol", &protocol)]).await else {
            panic!()
        };
        assert_eq!(refused.status().as_u16(), 503);
        rig.stop().await;
    }
}

#[actix::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    let gate = rig.port.gate.lock().await;
    client
        .say(json!({
            "type": "send", "client_msg_id": "m1", "conversation_id": "00112233445566778899aabbccddeeff",
            "message": {"type": "text", "text": {"body": "hello"}},
        }))
        .await;
    rig.port.wait_for(|asked| matches!(asked, Asked::Submit(_))).await;
    let rest = async {
        client.frame_of("reconnect").await;
        drop(gate);
        assert_eq!(client.frame_of("accepted").await["client_msg_id"], "m1");
        assert_eq!(client.closed().await, 1012);
        // Only now does it close its side.
        client.gone().await;
    };
    tokio::join!(rest, rig.sockets.drain(soon(), Duration::from_secs(20)));
    rig.stop().await;
}

#[actix::test]
async fn whoever_does_not_leave_is_cut_off_at_the_deadline() {
    for transport in BOTH {
        let rig = Rig::start_over(transport, options()).await;
        let (mut client, _) = rig.greet("ana", None).await;
        let gate = rig.port.gate.lock().await;
        client
            .say(json!({
                "type": "send", "client_msg_id": "m1", "conversation_id": "00112233445566778899aabbccddeeff",
                "message": {"type": "text", "text": {"body": "hello"}},
            }))
            .await;
        rig.port.wait_for(|asked| matches!(asked, Asked::Submit(_))).await;
        let drained = rig.sockets.drain(soon(), Duration::from_millis(200));
        tokio::join!(client.gone(), drained);
        drop(gate);
        rig.stop().await;
    }
}

#[actix::test]
async fn a_ledger_that_is_replaced_is_followed_without_a_gap() {
    let rig = Rig::start(options()).await;
    let (mut client, _) = rig.greet("ana", None).await;
    rig.say("before").await;
    let ledger = rig.port.ledger(TENANT).await.unwrap();
    ledger.finish().await;
    until(|| !ledger.is_connected()).await;
    rig.say("between").await;
    rig.say("after").await;
    client.events_to(0, 3).await;
    rig.stop().await;
}

#[actix::test]
async fn a_tenant_that_is_replaced_is_told_again_who_is_there_and_what_they_look_at() {
    let rig = Rig::start(options()).await;
    let conversation = ConversationId::from_bytes([7; 16]);
    let (mut ana, _) = rig.greet("ana", None).await;
    let _silent = rig.connect("silent").await;
    ana.say(json!({"type": "presence", "state": "busy"})).await;
    ana.say(json!({"type": "viewing", "conversation_id": conversation}))
        .await;
    let viewing = Attendance::Viewing(Some(conversation));
    let is_viewing = |asked: &Asked| matches!(asked, Asked::Attend(_, _, what) if *what == viewing);
    rig.port.wait_for(is_viewing).await;
    rig.port.asked.lock().unwrap().clear();
    let ledger = rig.port.ledger(TENANT).await.unwrap();
    ledger.finish().await;
    // What she looks at is told last.
    rig.port.wait_for(is_viewing).await;
    let asked = rig.port.asked.lock().unwrap().clone();
    let told = asked.into_iter().map(|asked| match asked {
        Asked::Attend(agent, _, what) => (agent.as_str().to_owned(), what),
        other => panic!("{other:?}"),
    });
    let told: Vec<_> = told.collect();
    let busy = Attendance::Presence(Presence::Busy);
    assert_eq!(told, [("ana".to_owned(), busy), ("ana".to_owned(), viewing)]);
    rig.stop().await;
}
