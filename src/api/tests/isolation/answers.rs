//! Nothing of another tenant, and nothing that a key may not read, is in an answer.

use super::*;
use crate::store::RecordKind;

#[actix_web::test]
async fn what_belongs_to_another_tenant_is_not_there() {
    let api = Api::start().await;
    let conversation = api.conversation_of(OTHER, "628123456789").await;
    let send = json!({ "conversation_id": conversation, "type": "text", "text": { "body": "halo" } });
    let sent = api
        .plain("POST", "/v1/messages")
        .bearer(&api.other_key)
        .json(&send)
        .send()
        .await;
    let message = sent.json()["message_id"].as_str().unwrap().to_owned();
    let contact = api.contact_of(OTHER, conversation).await.to_string();
    let made = async |path: String, body: Value, id: &str| {
        let call = api.plain("POST", &path).bearer(&api.other_key).json(&body);
        call.send().await.json()[id].as_str().unwrap().to_owned()
    };
    let notes = format!("/v1/contacts/{contact}/notes");
    let note = made(notes, json!({ "text": "x" }), "note_id").await;
    let list = made("/v1/lists".to_owned(), json!({ "name": "theirs" }), "list_id").await;
    let second = made(
        "/v1/contacts".to_owned(),
        json!({ "phone": "628123456781" }),
        "id",
    )
    .await;
    let into = format!("/v1/contacts/{contact}/merge");
    let merge = made(into, json!({ "other": second }), "merge_id").await;
    let theirs = api
        .store
        .export(OTHER, RecordKind::Message, None, 9, NOW)
        .await
        .unwrap();
    assert!(!theirs.records.is_empty());
    let template = api.template_of_other().await;
    let media = api.picture_of(OTHER, number(OTHER)).await.to_string();
    let begun = json!({ "bytes": 9, "mime": "image/png" });
    let begun = api
        .plain("POST", "/v1/uploads")
        .bearer(&api.other_key)
        .json(&begun)
        .send()
        .await;
    let upload = begun.json()["upload_id"].as_str().unwrap().to_owned();
    let mut tried = 0;
    for (method, path, guard, body) in routes() {
        // A shortcut is the caller's own name for something of its tenant's, no id that leads anywhere.
        if !matches!(guard, Guard::Key(_)) || !path.contains("_id}") {
            continue;
        }
        let foreign = path
            .replace("{conversation_id}", &conversation.to_string())
            .replace("{message_id}", &message)
            .replace("{contact_id}", &contact)
            .replace("{note_id}", &note)
            .replace("{merge_id}", &merge)
            .replace("{list_id}", &list)
            .replace("{template_id}", &template)
            .replace("{media_id}", &media)
            .replace("{upload_id}", &upload);
        // A contact that is there for its owner alone.
        let nobody = format!("\"{}\"", "0".repeat(32));
        let body = body.to_string().replace(&nobody, &format!("\"{contact}\""));
        let body: Value = serde_json::from_str(&body).unwrap();
        let with = |id: &str| {
            let ids = [
                "conversation_id",
                "message_id",
                "contact_id",
                "note_id",
                "list_id",
                "template_id",
            ];
            let named = ids.into_iter().map(|name| format!("{{{name}}}"));
            // Half as long again, and twice as long as the others.
            let long: String = id.repeat(2).chars().take(48).collect();
            let path = path
                .replace("{merge_id}", &long)
                .replace("{media_id}", &id.repeat(2))
                .replace("{upload_id}", &id.repeat(2));
            named.fold(path, |path, name| path.replace(&name, id))
        };
        let (nonsense, nobodys) = (with("x"), with(&"0".repeat(32)));
        let mut answers = Vec::new();
        for path in [&foreign, &nonsense, &nobodys] {
            let answer = api.call(method, path).json(&body).send().await;
            assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{method} {path}");
            answers.push(answer.body);
        }
        assert!(
            answers.windows(2).all(|two| two[0] == two[1]),
            "{method} {path}: the answers tell them apart"
        );
        let owner = api
            .plain(method, &foreign)
            .bearer(&api.other_key)
            .json(&body)
            .send()
            .await;
        assert_ne!(owner.status, 404, "{method} {path}: it is there for its owner");
        tried += 1;
    }
    assert!(tried >= 9);
    let reply = api.post("/v1/messages", &send).await;
    assert_eq!(reply.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn lists_and_cursors_hold_nothing_of_another_tenant() {
    let api = Api::start().await;
    for phone in ["628123456789", "628123456780"] {
        api.conversation_of(OTHER, phone).await;
    }
    let reply = api
        .plain("PUT", "/v1/canned-replies/hello")
        .bearer(&api.other_key)
        .json(&json!({ "text": "call 628123456789" }))
        .send()
        .await;
    assert_eq!(reply.status, 201);
    let removed = api.call("DELETE", "/v1/canned-replies/hello").send().await;
    assert_eq!(removed.outcome(), (404, "not_found".to_owned()));
    for path in [
        "/v1/conversations",
        "/v1/numbers",
        "/v1/canned-replies",
        "/v1/contacts",
        "/v1/contacts?search=62812345678",
        "/v1/contacts?sort=activity",
        "/v1/events?after=0",
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("62812345678"),
            "{path}"
        );
    }
    let page = api
        .plain("GET", "/v1/conversations?limit=1")
        .bearer(&api.other_key)
        .send()
        .await
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let answer = api
        .get(&format!("/v1/conversations?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));
}

#[actix_web::test]
async fn a_key_that_may_only_send_reads_nothing_by_what_it_changes() {
    let api = Api::start().await;
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let key = api.add_key(ONE, &[Scope::Send]).await;
    let send = json!({ "conversation_id": conversation, "type": "text", "text": { "body": "halo" } });
    let sent = api.post("/v1/messages", &send).await.json();
    let message = sent["message_id"].as_str().unwrap();
    let (mut changed, secrets) = (0, ["628123456789", "Siti", "halo", "\"contact\""]);
    for (method, path, guard, body) in routes() {
        let path = path
            .replace("{conversation_id}", &conversation.to_string())
            .replace("{message_id}", message);
        let answer = api.plain(method, &path).bearer(&key).json(&body).send().await;
        let text = String::from_utf8_lossy(&answer.body);
        let told: Vec<_> = secrets.iter().filter(|secret| text.contains(**secret)).collect();
        assert!(guard == Guard::Open || told.is_empty(), "{method} {path}: {text}");
        changed += usize::from(guard == SEND && answer.status < 300);
    }
    assert!(changed >= 6, "{changed}");
    // Whoever may read, too, sees what it changed.
    let labels = format!("/v1/conversations/{conversation}/labels");
    let answer = api.post(&labels, &json!({ "add": ["vip"] })).await;
    assert_eq!(answer.json()["contact"]["phone"], "628123456789");
}

#[actix_web::test]
async fn an_agents_name_is_one_line() {
    let api = Api::start().await;
    for name in ["An\na", "Ana\u{1b}[31m", "Ana\u{202e}", " ", &"x".repeat(129)] {
        let refused = api
            .post("/v1/ws/ticket", &json!({ "agent": "ana", "name": name }))
            .await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{name:?}");
    }
}

#[actix_web::test]
async fn a_tenant_has_its_share_of_tickets() {
    let api = Api::start_with(Setup {
        sections: "[limits]\ntickets_per_tenant = 2\n",
        ..Setup::default()
    })
    .await;
    let ticket = json!({ "agent": "ana" });
    for _ in 0..2 {
        assert_eq!(api.post("/v1/ws/ticket", &ticket).await.status, 201);
    }
    let refused = api.post("/v1/ws/ticket", &ticket).await;
    assert_eq!(refused.outcome(), (429, "too_many_tickets".to_owned()));
    let others = api.plain("POST", "/v1/ws/ticket").bearer(&api.other_key);
    assert_eq!(others.json(&ticket).send().await.status, 201);
}
