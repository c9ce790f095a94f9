//! Every route as every role: allowed is what the table of roles allows, and another tenant's ids answer like ids that nobody has.

use std::collections::BTreeMap;

use super::super::isolation::broadcasts::broadcast_of;
use super::super::isolation::{Guard, routes};
use super::*;
use crate::domain::roles::Right;

/// Calls after which there is nobody who could make the next one.
fn ends_the_session(method: &str, path: &str) -> bool {
    (method, path) == ("DELETE", "/v1/session") || (method, path) == ("PUT", "/v1/password")
}

/// Whether a role may make a call; `None` where that is decided by something else.
pub(super) fn may(role: Role, guard: Guard) -> Option<bool> {
    let needs = |scope: &Scope| match scope {
        Scope::Send => Right::Answer,
        Scope::Read | Scope::Agents | Scope::ActAs => Right::Read,
    };
    match guard {
        Guard::Key(scopes) => Some(scopes.iter().all(|scope| role.allows(needs(scope)))),
        Guard::Managed(_, right) | Guard::Right(right) => Some(role.allows(right)),
        Guard::Open | Guard::Operator | Guard::Session | Guard::Ticket => None,
    }
}

/// The same kinds of ids, by the variables of paths.
pub(super) type Ids = BTreeMap<&'static str, String>;

pub(super) fn with_ids(path: &str, ids: &Ids) -> String {
    let mut path = path.to_owned();
    for (variable, id) in ids {
        path = path.replace(&format!("{{{variable}}}"), id);
    }
    assert!(!path.contains('{'), "nobody made an id for {path}");
    path
}

/// What an answer says, without the ids that it was asked for.
pub(super) fn said(answer: &Answer, ids: &Ids) -> (u16, String) {
    let mut text = String::from_utf8_lossy(&answer.body).into_owned();
    for id in ids.values() {
        text = text.replace(id.as_str(), "ID");
    }
    (answer.status, text)
}

pub(super) fn nobodys() -> Ids {
    let hex = "0".repeat(32);
    BTreeMap::from([
        ("conversation_id", hex.clone()),
        ("message_id", hex.clone()),
        ("contact_id", hex.clone()),
        ("note_id", hex.clone()),
        ("list_id", hex.clone()),
        ("merge_id", "0".repeat(48)),
        ("purpose", "marketing".to_owned()),
        ("key", "nobodys".to_owned()),
        ("user_id", hex.clone()),
        ("segment_id", hex.clone()),
        ("import_id", hex.clone()),
        ("broadcast_id", hex.clone()),
        ("team_id", hex),
        ("session_id", "000000000000".to_owned()),
        ("invitation_id", "000000000000".to_owned()),
        ("key_id", "000000000000".to_owned()),
        ("template_id", "0".repeat(32)),
        ("shortcut", "nobodys".to_owned()),
        ("phone_number_id", "999".to_owned()),
        ("media_id", "0".repeat(64)),
        ("upload_id", "0".repeat(64)),
    ])
}

impl Browser {
    pub(super) async fn made(&self, api: &Api, path: &str, body: Value) -> Value {
        let made = self.send(api, "POST", path, body).await;
        assert!(made.status < 300, "{path}: {}", made.json());
        made.json()
    }

    /// Ids of everything that can be named of this owner's tenant.
    async fn ids(&self, api: &Api, tenant: TenantId) -> Ids {
        let conversation = api.conversation_of(tenant, "628123456789").await;
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        let send = json!({ "conversation_id": conversation, "type": "text", "text": { "body": "halo" } });
        let sent = self.made(api, "/v1/messages", send).await;
        let reply = self
            .send(api, "PUT", "/v1/canned-replies/theirs", json!({ "text": "x" }))
            .await;
        assert_eq!(reply.status, 201);
        let contact = api.contact_of(tenant, conversation).await;
        let notes = format!("/v1/contacts/{contact}/notes");
        let note = self.made(api, &notes, json!({ "text": "x" })).await;
        let other = json!({ "phone": "628999999999" });
        let other = self.made(api, "/v1/contacts", other).await;
        let merge = format!("/v1/contacts/{contact}/merge");
        let merged = self.made(api, &merge, json!({ "other": other["id"] })).await;
        let list = self.made(api, "/v1/lists", json!({ "name": "theirs" })).await;
        let attribute = json!({ "name": "x", "type": "text" });
        let attribute = self.send(api, "PUT", "/v1/attributes/theirs", attribute).await;
        assert_eq!(attribute.status, 201);
        let invite = json!({ "email": "theirs@example.com", "role": "agent" });
        let invited = self.made(api, "/v1/team/invitations", invite).await;
        let team = json!({ "name": "theirs", "members": [], "numbers": [] });
        let team = self.made(api, "/v1/teams", team).await;
        let key = json!({ "name": "till", "scopes": ["read"] });
        let key = self.made(api, "/v1/keys", key).await;
        let number = json!({
            "phone_number_id": "106540352242922", "waba_id": "102290129340398", "display_phone_number": "+62 812",
            "access_token": "EAAG-secret",
        });
        let number = self.made(api, "/v1/numbers", number).await;
        let segment = json!({ "name": "theirs", "filter": "opted_out" });
        let segment = self.made(api, "/v1/segments", segment).await;
        let import = self
            .made(api, "/v1/imports", json!({ "phone": "+628123456789" }))
            .await;
        let broadcast = self
            .made(api, "/v1/broadcasts", broadcast_of("106540352242922"))
            .await;
        let template = json!({
            "waba_id": "102290129340398", "name": "theirs", "language": "en", "category": "UTILITY",
            "components": [{ "type": "BODY", "text": "Hello!" }],
        });
        let template = self.made(api, "/v1/templates", template).await;
        let media = api.picture_of(tenant, super::super::number(tenant)).await;
        let upload = json!({ "bytes": 9, "mime": "image/png" });
        let upload = self.made(api, "/v1/uploads", upload).await;
        BTreeMap::from([
            ("template_id", text(&template, "template_id")),
            ("conversation_id", conversation.to_string()),
            ("message_id", text(&sent, "message_id")),
            ("contact_id", contact.to_string()),
            ("note_id", text(&note, "note_id")),
            ("list_id", text(&list, "list_id")),
            ("merge_id", text(&merged, "merge_id")),
            ("purpose", "marketing".to_owned()),
            ("key", "theirs".to_owned()),
            ("user_id", self.user().to_owned()),
            ("segment_id", text(&segment, "segment_id")),
            ("import_id", text(&import, "import_id")),
            ("team_id", text(&team, "team_id")),
            ("session_id", text(&self.said, "session_id")),
            ("invitation_id", text(&invited, "invitation_id")),
            ("key_id", text(&key, "key_id")),
            ("shortcut", "theirs".to_owned()),
            ("phone_number_id", text(&number, "phone_number_id")),
            ("media_id", media.to_string()),
            ("upload_id", text(&upload, "upload_id")),
            ("broadcast_id", text(&broadcast["broadcast"], "broadcast_id")),
        ])
    }

    /// What the owner of a tenant sees of it.
    async fn sees(&self, api: &Api) -> Vec<String> {
        let mut seen = Vec::new();
        for path in [
            "/v1/conversations",
            "/v1/canned-replies",
            "/v1/contacts",
            "/v1/attributes",
            "/v1/lists",
            "/v1/segments",
            "/v1/imports",
            "/v1/templates",
            "/v1/broadcasts",
            "/v1/team",
            "/v1/teams",
            "/v1/team/invitations",
            "/v1/keys",
            "/v1/numbers",
            "/v1/business",
        ] {
            let answer = self.get(api, path).await;
            assert_eq!(answer.status, 200, "{path}");
            seen.push(String::from_utf8_lossy(&answer.body).into_owned());
        }
        seen
    }
}

#[actix_web::test]
async fn each_role_may_do_what_the_table_allows_and_in_its_own_tenant_alone() {
    let api = start().await;
    let stranger = member(&api, OTHER, "stranger@example.com", Role::Owner).await;
    let (theirs, nobodys) = (stranger.ids(&api, OTHER).await, nobodys());
    let before = stranger.sees(&api).await;
    let (mut asked, mut compared) = (0, 0);
    for role in Role::ALL {
        let who = member(&api, ONE, &format!("{}@example.com", role.as_str()), role).await;
        for (method, path, guard, body) in routes() {
            if ends_the_session(method, path) {
                continue;
            }
            let at = format!("{role:?} {method} {path}");
            let ids = if path.starts_with("/v1/admin") || guard == Guard::Open {
                path.replace(['{', '}'], "")
            } else {
                with_ids(path, &theirs)
            };
            let answer = who.call(&api, method, &ids).json(&body).send().await;
            let refused = answer.outcome() == (403, "forbidden".to_owned());
            match may(role, guard) {
                Some(allowed) => {
                    assert_ne!(answer.status, 401, "{at}");
                    assert_eq!(refused, !allowed, "{at}: {:?}", answer.outcome());
                }
                None if guard == Guard::Operator => {
                    assert_eq!(answer.outcome(), (401, "unauthorized".to_owned()), "{at}");
                }
                None if guard == Guard::Session => {
                    assert_ne!(answer.outcome(), (401, "unauthorized".to_owned()), "{at}");
                }
                None => {}
            }
            asked += 1;
            let compares = matches!(
                guard,
                Guard::Key(_) | Guard::Managed(..) | Guard::Right(_) | Guard::Session
            );
            if compares && path.contains('{') {
                let path = with_ids(path, &nobodys);
                let other = who.call(&api, method, &path).json(&body).send().await;
                assert_eq!(
                    said(&answer, &theirs),
                    said(&other, &nobodys),
                    "{at}: another tenant's ids are told from ids that nobody has"
                );
                compared += 1;
            }
        }
        // An id in a body, too.
        for tenant in [OTHER, TenantId::new(999)] {
            let change = json!({ "tenant_id": tenant });
            let change = who.send(&api, "PUT", "/v1/session/tenant", change).await;
            assert_eq!(change.outcome(), (404, "not_found".to_owned()), "{role:?}");
        }
    }
    assert!(asked > 5 * 55 && compared > 5 * 14, "{asked} {compared}");
    assert_eq!(
        stranger.sees(&api).await,
        before,
        "somebody else changed something"
    );
}

#[actix_web::test]
async fn a_session_says_what_the_role_allows() {
    let api = start().await;
    for role in Role::ALL {
        let who = member(&api, ONE, &format!("{}@example.com", role.as_str()), role).await;
        let rights: Vec<&str> = role.rights().map(Right::as_str).collect();
        assert_eq!(who.said["rights"], json!(rights), "{role:?}");
    }
}
