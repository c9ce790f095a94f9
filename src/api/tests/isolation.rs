//! Every route without a key, and with one that allows too little. The table below is complete: it is compared with the page
//! of routes.

mod accounts;
mod answers;
pub(super) mod broadcasts;
mod contacts;
mod operators;
mod templates;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::*;
use crate::domain::roles::Right;
use crate::telemetry::Label as _;
use crate::telemetry::labels::HttpRoute;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Guard {
    Open,
    /// A key with all of these scopes.
    Key(&'static [Scope]),
    /// The same; and whoever is signed in needs this right.
    Managed(&'static [Scope], Right),
    Operator,
    /// Somebody who is signed in.
    Session,
    /// Somebody who is signed in and whose role allows this.
    Right(Right),
    Ticket,
}

const SEND: Guard = Guard::Key(&[Scope::Send]);
const MANAGE: Guard = Guard::Managed(&[Scope::Send], Right::ManageBusiness);
const EXPORT: Guard = Guard::Managed(&[Scope::Read], Right::ManageBusiness);
const AGENTS: Guard = Guard::Key(&[Scope::Agents, Scope::Read]);
const READ: Guard = Guard::Key(&[Scope::Read]);
const TEAM: Guard = Guard::Right(Right::ManageTeam);
const AUDIT: Guard = Guard::Right(Right::ReadAudit);
const BUSINESS: Guard = Guard::Right(Right::ManageBusiness);

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    let text = json!({ "to": "628123456789", "type": "text", "text": { "body": "x" } });
    let mut routes = vec![
        ("POST", "/webhooks/whatsapp", Guard::Open, json!({})),
        ("GET", "/webhooks/whatsapp", Guard::Open, json!({})),
        ("POST", "/webhooks/payments", Guard::Open, json!({})),
        ("GET", "/healthz", Guard::Open, json!({})),
        ("GET", "/readyz", Guard::Open, json!({})),
        ("GET", "/metrics", Guard::Open, json!({})),
        ("GET", "/demo/session", Guard::Open, json!({})),
        ("GET", "/", Guard::Open, json!({})),
        ("GET", "/console/{file:.*}", Guard::Open, json!({})),
        ("POST", "/v1/messages", SEND, text),
        ("GET", "/v1/messages/scheduled", READ, json!({})),
        ("GET", "/v1/messages/{message_id}", READ, json!({})),
        ("DELETE", "/v1/messages/{message_id}", SEND, json!({})),
        (
            "POST",
            "/v1/messages/{message_id}/resolve",
            SEND,
            json!({ "action": "give_up" }),
        ),
        ("GET", "/v1/conversations", READ, json!({})),
        ("GET", "/v1/conversations/{conversation_id}", READ, json!({})),
        (
            "GET",
            "/v1/conversations/{conversation_id}/messages",
            READ,
            json!({}),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/notes",
            SEND,
            json!({ "text": "x" }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/assign",
            SEND,
            json!({ "agent": null }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/labels",
            SEND,
            json!({ "add": ["x"] }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/status",
            SEND,
            json!({ "status": "open" }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/read",
            SEND,
            json!({ "receipt": true }),
        ),
        ("GET", "/v1/events", READ, json!({})),
        ("GET", "/v1/numbers", READ, json!({})),
        ("GET", "/v1/canned-replies", READ, json!({})),
        (
            "PUT",
            "/v1/canned-replies/{shortcut}",
            SEND,
            json!({ "text": "x" }),
        ),
        ("DELETE", "/v1/canned-replies/{shortcut}", SEND, json!({})),
        ("GET", "/v1/segments", READ, json!({})),
        (
            "POST",
            "/v1/segments",
            MANAGE,
            json!({ "name": "x", "filter": "opted_out" }),
        ),
        ("POST", "/v1/segments/explain", READ, json!({ "filter": "" })),
        (
            "PUT",
            "/v1/segments/{segment_id}",
            MANAGE,
            json!({ "name": "x", "filter": "" }),
        ),
        ("DELETE", "/v1/segments/{segment_id}", MANAGE, json!({})),
        ("POST", "/v1/contacts/count", READ, json!({})),
        ("GET", "/v1/contacts/export", EXPORT, json!({})),
        ("GET", "/v1/imports", MANAGE, json!({})),
        (
            "POST",
            "/v1/imports",
            MANAGE,
            json!({ "phone": "+6281122334455" }),
        ),
        ("GET", "/v1/imports/{import_id}", MANAGE, json!({})),
        ("DELETE", "/v1/imports/{import_id}", MANAGE, json!({})),
        (
            "POST",
            "/v1/imports/{import_id}/start",
            MANAGE,
            json!({ "mapping": { "phone": "phone" } }),
        ),
        ("GET", "/v1/imports/{import_id}/errors", MANAGE, json!({})),
        ("POST", "/v1/media", SEND, json!({})),
        ("GET", "/v1/media/usage", READ, json!({})),
        (
            "POST",
            "/v1/uploads",
            SEND,
            json!({ "bytes": 9, "mime": "image/png", "name": "x" }),
        ),
        ("GET", "/v1/uploads/{upload_id}", SEND, json!({})),
        ("PUT", "/v1/uploads/{upload_id}", SEND, json!({})),
        ("GET", "/v1/quick-files", READ, json!({})),
        (
            "PUT",
            "/v1/quick-files/{shortcut}",
            SEND,
            json!({ "media_id": "0".repeat(64) }),
        ),
        ("DELETE", "/v1/quick-files/{shortcut}", SEND, json!({})),
        ("GET", "/v1/media/{media_id}", READ, json!({})),
        ("POST", "/v1/media/{media_id}/link", READ, json!({})),
        ("GET", "/media/{token}", Guard::Open, json!({})),
        ("GET", "/v1/audit", AUDIT, json!({})),
        ("GET", "/v1/audit/export", AUDIT, json!({})),
        ("GET", "/v1/audit/verify", AUDIT, json!({})),
        ("GET", "/v1/team", READ, json!({})),
        ("POST", "/v1/session", Guard::Open, json!({})),
        ("PUT", "/v1/password", Guard::Open, json!({})),
        ("POST", "/v1/invitations/look", Guard::Open, json!({})),
        ("POST", "/v1/invitations/accept", Guard::Open, json!({})),
        ("GET", "/v1/session", Guard::Session, json!({})),
        ("DELETE", "/v1/session", Guard::Session, json!({})),
        (
            "POST",
            "/v1/session/second-factor",
            Guard::Session,
            json!({ "password": "x" }),
        ),
        (
            "PUT",
            "/v1/session/second-factor",
            Guard::Session,
            json!({ "code": "000000" }),
        ),
        (
            "DELETE",
            "/v1/session/second-factor",
            Guard::Session,
            json!({ "password": "x", "code": "000000" }),
        ),
        (
            "POST",
            "/v1/session/recovery-codes",
            Guard::Session,
            json!({ "password": "x", "code": "000000" }),
        ),
        ("GET", "/v1/sign-ins", Guard::Session, json!({})),
        (
            "PUT",
            "/v1/session/tenant",
            Guard::Session,
            json!({ "tenant_id": OTHER }),
        ),
        (
            "PUT",
            "/v1/session/password",
            Guard::Session,
            json!({ "current": "x", "new": "y" }),
        ),
        (
            "POST",
            "/v1/session/provider",
            Guard::Session,
            json!({ "password": "x" }),
        ),
        ("GET", "/v1/session/provider", Guard::Session, json!({})),
        ("DELETE", "/v1/session/provider", Guard::Session, json!({})),
        ("GET", "/v1/sign-in/{tenant_id}", Guard::Open, json!({})),
        ("GET", "/v1/sign-in/{tenant_id}/callback", Guard::Open, json!({})),
        ("GET", "/v1/sessions", Guard::Session, json!({})),
        ("DELETE", "/v1/sessions/{session_id}", Guard::Session, json!({})),
        ("GET", "/v1/team/invitations", TEAM, json!({})),
        (
            "POST",
            "/v1/team/invitations",
            TEAM,
            json!({ "email": "x@example.com", "role": "agent" }),
        ),
        ("DELETE", "/v1/team/invitations/{invitation_id}", TEAM, json!({})),
        (
            "PUT",
            "/v1/team/{user_id}",
            Guard::Session,
            json!({ "role": "agent" }),
        ),
        ("DELETE", "/v1/team/{user_id}", Guard::Session, json!({})),
        ("GET", "/v1/business", BUSINESS, json!({})),
        ("PUT", "/v1/business", BUSINESS, json!({ "region": "id" })),
        ("PUT", "/v1/business/retention", BUSINESS, json!({ "days": 30 })),
        (
            "POST",
            "/v1/business/retention/preview",
            BUSINESS,
            json!({ "days": 30 }),
        ),
        ("GET", "/v1/business/opt-out-words", BUSINESS, json!({})),
        (
            "PUT",
            "/v1/business/opt-out-words",
            BUSINESS,
            json!({ "words": ["enough"] }),
        ),
        ("GET", "/v1/business/webhook", BUSINESS, json!({})),
        ("GET", "/v1/business/sign-in-provider", BUSINESS, json!({})),
        (
            "PUT",
            "/v1/business/sign-in-provider",
            BUSINESS,
            json!({ "issuer": "https://login.example.com", "client_id": "mesej" }),
        ),
        ("DELETE", "/v1/business/sign-in-provider", BUSINESS, json!({})),
        ("GET", "/v1/keys", BUSINESS, json!({})),
        ("GET", "/v1/quotas", BUSINESS, json!({})),
        ("GET", "/v1/usage", BUSINESS, json!({})),
        ("GET", "/v1/subscription", BUSINESS, json!({})),
        (
            "POST",
            "/v1/keys",
            BUSINESS,
            json!({ "name": "till", "scopes": ["read"] }),
        ),
        ("DELETE", "/v1/keys/{key_id}", BUSINESS, json!({})),
        ("POST", "/v1/numbers", BUSINESS, json!({})),
        ("GET", "/v1/numbers/{phone_number_id}/check", BUSINESS, json!({})),
        (
            "PUT",
            "/v1/team/owner",
            Guard::Session,
            json!({ "user_id": "00112233445566778899aabbccddeeff", "password": "x" }),
        ),
        (
            "DELETE",
            "/v1/profile",
            Guard::Session,
            json!({ "password": "x" }),
        ),
        ("GET", "/v1/profile/export", Guard::Session, json!({})),
        ("GET", "/v1/ws", Guard::Ticket, json!({})),
        ("POST", "/v1/ws/ticket", AGENTS, json!({ "agent": "ana" })),
    ];
    routes.extend(contacts::routes());
    routes.extend(broadcasts::routes());
    routes.extend(templates::routes());
    routes.extend(accounts::routes());
    routes.extend(operators::routes());
    routes
}

/// Method and path of every route on the page of routes.
fn on_the_page() -> BTreeSet<(String, String)> {
    let page = include_str!("../../api.rs");
    let mut path = "";
    let mut found = BTreeSet::new();
    for line in page.lines() {
        if let Some((_, name)) = line.split_once("at(HttpRoute::") {
            let name = &name[..name.find(')').unwrap()];
            let mut all = HttpRoute::ALL.iter();
            let route = all.find(|route| format!("{route:?}") == name).unwrap();
            path = route.label();
        }
        for (route, method) in [
            ("get", "GET"),
            ("read", "GET"),
            ("post", "POST"),
            ("put", "PUT"),
            ("delete", "DELETE"),
        ] {
            if line.contains(&format!("{route}().to(")) {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn the_table_holds_every_route_on_the_page() {
    let table: BTreeSet<_> = routes()
        .iter()
        .map(|(method, path, ..)| (method.to_string(), path.to_string()))
        .collect();
    assert_eq!(table, on_the_page());
    assert!(table.len() > 25);
}

#[actix_web::test]
async fn no_route_is_open_that_should_not_be() {
    let api = Api::start().await;
    let every = [Scope::Send, Scope::Read, Scope::Agents];
    for (method, path, guard, body) in routes() {
        let call = || api.plain(method, &path.replace(['{', '}'], "")).json(&body);
        let refused = (401, "unauthorized".to_owned());
        match guard {
            Guard::Open => {}
            Guard::Ticket => {
                let handshake = call()
                    .header("Connection", "Upgrade")
                    .header("Upgrade", "websocket")
                    .header("Sec-WebSocket-Version", "13")
                    .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
                    .header("Sec-WebSocket-Protocol", "mesej.v2, ticket.made-up");
                let mut stream = TcpStream::connect(api.addr).await.unwrap();
                let mut said = handshake.bearer(&api.key).send_on(&mut stream).await.body;
                stream.read_to_end(&mut said).await.unwrap();
                // An error and a close with 4401: no welcome, no event.
                let close = 4401_u16.to_be_bytes();
                assert!(said.windows(2).any(|two| two == close), "{method} {path}");
                let text = String::from_utf8_lossy(&said);
                assert!(text.contains("bad_ticket") && !text.contains("welcome"), "{text}");
            }
            Guard::Operator => {
                // Wrong tokens are slowed.
                api.clock.advance(Duration::from_secs(60));
                assert_eq!(call().send().await.outcome(), refused, "{method} {path}");
                assert_eq!(
                    call().bearer(&api.key).send().await.outcome(),
                    refused,
                    "{method} {path}"
                );
                let (viewer, _) = api.add_operator("viewer").await;
                let answer = call().bearer(&viewer).send().await.outcome();
                let only_looks = (403, "forbidden".to_owned());
                assert_eq!(
                    answer == only_looks,
                    method != "GET",
                    "{method} {path}: {answer:?}"
                );
                assert_ne!(answer, refused, "{method} {path}");
            }
            // A key of a program, an operator's token and a cookie that nobody has are as good as none.
            Guard::Session | Guard::Right(_) => {
                let cookie = format!("__Host-mesej={}", api.key);
                for call in [
                    call(),
                    call().bearer(&api.key),
                    call().bearer(ADMIN),
                    call().header("Cookie", &cookie),
                ] {
                    assert_eq!(call.send().await.outcome(), refused, "{method} {path}");
                }
            }
            Guard::Key(scopes) | Guard::Managed(scopes, _) => {
                assert_eq!(call().send().await.outcome(), refused, "{method} {path}");
                assert_eq!(
                    call().bearer(ADMIN).send().await.outcome(),
                    refused,
                    "{method} {path}"
                );
                for scope in scopes {
                    let others: Vec<Scope> = every.into_iter().filter(|other| other != scope).collect();
                    let key = api.add_key(ONE, &others).await;
                    let answer = call().bearer(&key).send().await;
                    assert_eq!(answer.outcome(), (403, "forbidden".to_owned()), "{method} {path}");
                }
            }
        }
    }
}
