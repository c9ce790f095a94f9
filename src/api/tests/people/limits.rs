//! Members who are limited to numbers and teams: nothing of other numbers reaches them.

mod recipients;

use std::collections::BTreeMap;

use super::super::isolation::broadcasts::broadcast_of;
use super::super::isolation::{Guard, routes};
use super::matrix::{Ids, may, nobodys, said, with_ids};
use super::*;
use crate::api::limit::{Honours, honours};
use crate::telemetry::Label as _;
use crate::telemetry::labels::HttpRoute;

/// A number of the tenant beside its `101`.
const FAR: &str = "109900000000002";
/// A customer of that number.
const FAR_PHONE: &str = "628990000002";
const LIMITED: [Role; 3] = [Role::Supervisor, Role::Agent, Role::ReadOnly];

/// What a number has.
struct OfNumber {
    conversation: String,
    message: String,
    contact: String,
    note: String,
    merge: String,
    media: String,
    broadcast: String,
}

impl OfNumber {
    fn ids(&self) -> Ids {
        BTreeMap::from([
            ("conversation_id", self.conversation.clone()),
            ("message_id", self.message.clone()),
            ("contact_id", self.contact.clone()),
            ("note_id", self.note.clone()),
            ("merge_id", self.merge.clone()),
            ("purpose", "marketing".to_owned()),
            ("media_id", self.media.clone()),
            ("broadcast_id", self.broadcast.clone()),
        ])
    }
}

async fn add_numbers(api: &Api, owner: &Browser) {
    for id in ["101", FAR] {
        let number = json!({
            "phone_number_id": id, "waba_id": "102290129340398", "display_phone_number": "+62 812",
            "access_token": "EAAG-secret",
        });
        owner.made(api, "/v1/numbers", number).await;
    }
}

async fn fill(api: &Api, owner: &Browser, number: &str, phone: &str) -> OfNumber {
    let broadcast = owner.made(api, "/v1/broadcasts", broadcast_of(number)).await;
    let number = PhoneNumberId::parse(number).unwrap();
    let at = api.customer_writes_to(ONE, number.clone(), phone, "halo").await;
    let media = api.picture_of(ONE, number).await.to_string();
    let send = json!({ "conversation_id": at.conversation, "type": "text", "text": { "body": "ya" } });
    let sent = owner.made(api, "/v1/messages", send).await;
    let contact = api.contact_of(ONE, at.conversation).await.to_string();
    let notes = format!("/v1/contacts/{contact}/notes");
    let note = owner.made(api, &notes, json!({ "text": "x" })).await;
    let twin = json!({ "phone": format!("{phone}1") });
    let twin = owner.made(api, "/v1/contacts", twin).await;
    let merge = format!("/v1/contacts/{contact}/merge");
    let merge = owner.made(api, &merge, json!({ "other": twin["id"] })).await;
    OfNumber {
        contact,
        note: note["note_id"].as_str().unwrap().to_owned(),
        merge: merge["merge_id"].as_str().unwrap().to_owned(),
        conversation: at.conversation.to_string(),
        message: sent["message_id"].as_str().unwrap().to_owned(),
        media,
        broadcast: broadcast["broadcast"]["broadcast_id"]
            .as_str()
            .unwrap()
            .to_owned(),
    }
}

/// A member whom the owner invites with a limit.
async fn limited(api: &Api, owner: &Browser, role: Role, limit: Value) -> Browser {
    let email = format!("{}@example.com", role.as_str());
    let invite = json!({ "email": email, "role": role, "limit": limit });
    let made = owner.made(api, "/v1/team/invitations", invite).await;
    let token = made["token"].as_str().unwrap();
    Browser::of(&accept(api, ONE, token, "Ana K", PASSWORD).await)
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[actix_web::test]
async fn nothing_of_other_numbers_is_shown_or_changed_by_any_route() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let near = fill(&api, &owner, "101", "628110000001").await;
    let far = fill(&api, &owner, FAR, FAR_PHONE).await;
    let team = json!({ "name": "far", "members": [owner.user()], "numbers": [FAR] });
    owner.made(&api, "/v1/teams", team).await;
    let (mut hidden, mut shown) = (0, 0);
    for role in LIMITED {
        let who = limited(&api, &owner, role, json!({ "numbers": ["101"] })).await;
        assert_eq!(who.said["limit"], json!({ "numbers": ["101"] }));
        for (method, path, guard, body) in routes() {
            let at = format!("{role:?} {method} {path}");
            if names_one(path) {
                let answer = who.call(&api, method, &with_ids(path, &far.ids())).json(&body);
                let answer = answer.send().await;
                let nobody = who.call(&api, method, &with_ids(path, &nobodys())).json(&body);
                let nobody = nobody.send().await;
                assert_eq!(said(&answer, &far.ids()), said(&nobody, &nobodys()), "{at}");
                if may(role, guard) == Some(true) {
                    assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{at}");
                    hidden += 1;
                }
                if method == "GET" && may(role, guard) == Some(true) {
                    let own = who.get(&api, &with_ids(path, &near.ids())).await;
                    // Nothing can be foretold of a draft.
                    let status = if path.ends_with("/dry-run") { 409 } else { 200 };
                    assert_eq!(own.status, status, "{at}");
                    shown += 1;
                }
            } else if method == "GET" && !path.contains('{') && path.starts_with("/v1/") {
                let path = if path == "/v1/events" {
                    "/v1/events?after=0"
                } else {
                    path
                };
                let seen = text(&who.get(&api, path).await);
                for secret in [FAR, FAR_PHONE, &far.conversation, &far.message, &far.contact] {
                    assert!(!seen.contains(secret), "{at} shows {secret}: {seen}");
                }
            }
        }
        // There is something to be seen.
        for path in [
            "/v1/contacts",
            "/v1/contacts?sort=activity",
            "/v1/contacts?sort=name",
        ] {
            let (seen, all) = (
                text(&who.get(&api, path).await),
                text(&owner.get(&api, path).await),
            );
            assert!(
                seen.contains(&near.contact) && !seen.contains(&far.contact),
                "{path}"
            );
            assert!(
                all.contains(&near.contact) && all.contains(&far.contact),
                "{path}"
            );
        }
        for path in ["/v1/conversations", "/v1/events?after=0"] {
            assert!(
                text(&who.get(&api, path).await).contains(&near.conversation),
                "{path}"
            );
            assert!(
                text(&owner.get(&api, path).await).contains(&far.conversation),
                "{path}"
            );
        }
        assert!(text(&who.get(&api, "/v1/numbers").await).contains("\"101\""));
        let body = json!({ "type": "text", "text": { "body": "x" } });
        let send = async |to: Value| {
            let (Value::Object(mut message), Value::Object(to)) = (body.clone(), to) else {
                panic!()
            };
            message.extend(to);
            who.send(&api, "POST", "/v1/messages", Value::Object(message))
                .await
        };
        let far_contact = send(json!({ "to": FAR_PHONE, "number": FAR })).await;
        let no_number = send(json!({ "to": FAR_PHONE, "number": "999" })).await;
        assert_eq!(text(&far_contact), text(&no_number), "{role:?}");
        let into = send(json!({ "conversation_id": far.conversation })).await;
        assert_eq!(into.status, if role == Role::ReadOnly { 403 } else { 404 });
        if role != Role::ReadOnly {
            let own = send(json!({ "conversation_id": near.conversation })).await;
            assert_eq!(own.status, 202, "{}", own.json());
        }
    }
    assert!(hidden >= 3 * 3 + 2 * 7 && shown == 24, "{hidden} {shown}");
}

/// Whether a path is about one thing of one number.
fn names_one(path: &str) -> bool {
    let ids = [
        "{conversation_id}",
        "{message_id}",
        "{contact_id}",
        "{merge_id}",
        "{media_id}",
    ];
    // What else can be done about a broadcast is for those who are never limited.
    let broadcasts = ["{broadcast_id}", "/recipients", "/dry-run"];
    ids.iter().any(|id| path.contains(id)) || broadcasts.iter().any(|end| path.ends_with(end))
}

#[test]
fn each_route_says_how_it_honours_a_limit() {
    for route in HttpRoute::ALL {
        let path = route.label();
        assert_eq!(honours(*route) == Honours::Hides, names_one(path), "{path}");
        if honours(*route) != Honours::Unlimited {
            continue;
        }
        for (method, _, guard, _) in routes().iter().filter(|(_, other, ..)| *other == path) {
            let is_kept_out = match guard {
                Guard::Operator => true,
                Guard::Managed(_, right) | Guard::Right(right) => {
                    LIMITED.iter().all(|role| !role.allows(*right))
                }
                // Who is an owner is asked of the team's row.
                Guard::Session => *route == HttpRoute::TeamOwner,
                Guard::Open | Guard::Key(_) | Guard::Ticket => false,
            };
            assert!(is_kept_out, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn a_filter_tells_whoever_is_limited_nothing_of_other_numbers() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let phone = "628110000001";
    let near = fill(&api, &owner, "101", phone).await;
    // The same customer writes to the other number, too.
    let far = PhoneNumberId::parse(FAR).unwrap();
    api.customer_writes_to(ONE, far, phone, "halo").await;
    let who = limited(&api, &owner, Role::Agent, json!({ "numbers": ["101"] })).await;
    let on_far = format!("filter=number%20%3D%20%22{FAR}%22");
    for (query, is_seen) in [
        ("number=101", true),
        (&format!("number={FAR}"), false),
        (&on_far, false),
        (&format!("number=101&{on_far}"), false),
    ] {
        let path = format!("/v1/contacts?{query}");
        let seen = text(&who.get(&api, &path).await);
        assert_eq!(seen.contains(&near.contact), is_seen, "{query}: {seen}");
        let all = text(&owner.get(&api, &path).await);
        assert!(all.contains(&near.contact), "{query}: {all}");
    }
}

#[actix_web::test]
async fn a_limit_by_a_team_follows_the_team_and_is_empty_once_there_is_none() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let near = fill(&api, &owner, "101", "628110000001").await;
    let far = fill(&api, &owner, FAR, FAR_PHONE).await;
    let team = json!({ "name": "east", "members": [], "numbers": ["101"] });
    let team = owner.made(&api, "/v1/teams", team).await;
    let team = team["team_id"].as_str().unwrap();
    let who = limited(&api, &owner, Role::Agent, json!({ "teams": [team] })).await;
    let sees = async || {
        let list = text(&who.get(&api, "/v1/conversations").await);
        (
            list.contains(&near.conversation),
            list.contains(&far.conversation),
        )
    };
    assert_eq!(sees().await, (true, false));
    let path = format!("/v1/teams/{team}");
    let other = json!({ "name": "east", "members": [who.user()], "numbers": [FAR] });
    assert_eq!(owner.send(&api, "PUT", &path, other).await.status, 200);
    assert_eq!(sees().await, (false, true));
    assert_eq!(owner.send(&api, "DELETE", &path, json!({})).await.status, 200);
    assert_eq!(sees().await, (false, false));
    let list = owner.get(&api, "/v1/team").await.json();
    let listed = list["members"].as_array().unwrap();
    let agent = listed.iter().find(|one| one["user_id"] == who.user()).unwrap();
    assert_eq!(agent["limit"], json!({ "numbers": [], "teams": [] }));
    // Back to all numbers.
    let path = format!("/v1/team/{}", who.user());
    let all = json!({ "role": "agent", "limit": null });
    assert_eq!(owner.send(&api, "PUT", &path, all).await.status, 200);
    assert_eq!(sees().await, (true, true));
}

#[actix_web::test]
async fn a_conversation_goes_to_nobody_who_is_limited_away_from_it() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let near = fill(&api, &owner, "101", "628110000001").await;
    let far = fill(&api, &owner, FAR, FAR_PHONE).await;
    let who = limited(&api, &owner, Role::Agent, json!({ "numbers": ["101"] })).await;
    let assign = async |to: &OfNumber| {
        let path = format!("/v1/conversations/{}/assign", to.conversation);
        owner
            .send(&api, "POST", &path, json!({ "agent": who.user() }))
            .await
    };
    assert_eq!(assign(&near).await.status, 200);
    assert_eq!(assign(&far).await.outcome(), (409, "assignee_limited".to_owned()));
}

#[actix_web::test]
async fn limits_are_for_those_who_answer_and_name_what_is_there() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let who = limited(&api, &owner, Role::Agent, json!({ "numbers": ["101"] })).await;
    let path = format!("/v1/team/{}", who.user());
    let set = async |role: &str, limit: Value| {
        let body = json!({ "role": role, "limit": limit });
        owner.send(&api, "PUT", &path, body).await.outcome()
    };
    let numbers = json!({ "numbers": ["101"] });
    assert_eq!(set("admin", numbers).await, (400, "limit_not_allowed".to_owned()));
    let unknown = json!({ "numbers": ["999"] });
    assert_eq!(set("agent", unknown).await, (400, "invalid_request".to_owned()));
    let unknown = json!({ "teams": ["0".repeat(32)] });
    assert_eq!(set("agent", unknown).await, (404, "not_found".to_owned()));
    // A role without a word of the limit leaves it as it is.
    let role = json!({ "role": "agent" });
    assert_eq!(owner.send(&api, "PUT", &path, role).await.status, 200);
    let said = who.get(&api, "/v1/session").await.json();
    assert_eq!(said["limit"], json!({ "numbers": ["101"] }));
    assert_eq!(owner.said["limit"], Value::Null);
    let log = text(&owner.get(&api, "/v1/audit").await);
    assert!(log.contains("role_changed"), "{log}");
}

#[actix_web::test]
async fn whoever_leaves_and_comes_back_without_a_limit_has_none() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let none = json!({ "numbers": [], "teams": [] });
    let who = limited(&api, &owner, Role::Agent, none).await;
    assert_eq!(who.said["limit"], json!({ "numbers": [] }));
    let path = format!("/v1/team/{}", who.user());
    assert_eq!(owner.send(&api, "DELETE", &path, json!({})).await.status, 200);
    // Another moment: a membership is told from the one before by it.
    api.clock.advance(Duration::from_secs(1));
    let token = invited(&api, ONE, "agent@example.com", Role::Agent).await;
    let back = Browser::of(&accept(&api, ONE, &token, "Ana K", PASSWORD).await);
    assert_eq!(back.user(), who.user());
    assert_eq!(back.said["limit"], Value::Null);
}

#[actix_web::test]
async fn what_is_everybodys_is_changed_by_whoever_manages_the_business() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let near = fill(&api, &owner, "101", "628110000001").await;
    let agent = limited(&api, &owner, Role::Agent, json!({ "numbers": ["101"] })).await;
    let attribute = json!({ "name": "City", "type": "text" });
    let made = owner
        .send(&api, "PUT", "/v1/attributes/city", attribute.clone())
        .await;
    assert_eq!(made.status, 201);
    let list = owner.made(&api, "/v1/lists", json!({ "name": "x" })).await;
    let list = format!("/v1/lists/{}", list["list_id"].as_str().unwrap());
    let note = format!("/v1/contacts/{}/notes/{}", near.contact, near.note);
    for (method, path, body) in [
        ("PUT", "/v1/attributes/city", attribute),
        ("DELETE", "/v1/attributes/city", json!({})),
        ("POST", "/v1/lists", json!({ "name": "y" })),
        ("PUT", &list, json!({ "name": "y" })),
        ("DELETE", &list, json!({})),
        ("DELETE", &note, json!({})),
    ] {
        let refused = agent.send(&api, method, path, body).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.json());
    }
    let own = format!("/v1/contacts/{}/notes", near.contact);
    let own_note = agent
        .send(&api, "POST", &own, json!({ "text": "mine" }))
        .await
        .json();
    let own_note = format!("{own}/{}", own_note["note_id"].as_str().unwrap());
    assert_eq!(agent.send(&api, "DELETE", &own_note, json!({})).await.status, 200);
    assert_eq!(owner.send(&api, "DELETE", &note, json!({})).await.status, 200);
    // Names and phones of customers, whom the member may not see, stand in filters.
    let segment = json!({ "name": "One", "filter": format!("phone = \"{FAR_PHONE}\"") });
    owner.made(&api, "/v1/segments", segment).await;
    let seen = text(&agent.get(&api, "/v1/segments").await);
    assert!(seen.contains("\"One\"") && !seen.contains(FAR_PHONE), "{seen}");
    assert!(text(&owner.get(&api, "/v1/segments").await).contains(FAR_PHONE));
}

#[actix_web::test]
async fn conditions_on_conversations_tell_nothing_of_other_numbers() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    // One customer on both numbers, another on the far one alone.
    for (number, phone) in [("101", "628110000001"), (FAR, "628110000001"), (FAR, FAR_PHONE)] {
        let number = PhoneNumberId::parse(number).unwrap();
        api.customer_writes_to(ONE, number, phone, "halo").await;
    }
    let agent = limited(&api, &owner, Role::Agent, json!({ "numbers": ["101"] })).await;
    let far = format!("number = \"{FAR}\"");
    for (filter, seen, all) in [
        ("", 1, 2),
        (far.as_str(), 0, 2),
        ("number = \"101\"", 1, 1),
        ("has conversation", 1, 2),
    ] {
        for (who, expected) in [(&agent, seen), (&owner, all)] {
            let counted = who
                .send(&api, "POST", "/v1/contacts/count", json!({ "filter": filter }))
                .await;
            assert_eq!(counted.json()["count"], expected, "{filter}");
        }
    }
}
