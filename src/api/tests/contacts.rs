mod erasing;
mod leaving;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::domain::{SendRate, WabaId};
use crate::store::Number;
use crate::store::directory::AccessToken;

const ALL: &str = "/v1/contacts";

async fn make(api: &Api, body: Value) -> String {
    let made = api.post(ALL, &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn put(api: &Api, path: &str, body: Value) -> Answer {
    api.call("PUT", path).json(&body).send().await
}

/// The tenant's number, which customers write to.
pub(super) async fn add_number(api: &Api) {
    let number = Number {
        id: number(ONE),
        tenant: ONE,
        waba: WabaId::parse("2001").unwrap(),
        display: "+62 811".to_owned(),
        rate: SendRate::STANDARD,
        app: None,
        access_token: AccessToken::new("secret"),
    };
    api.store.put_number(number).await.unwrap();
}

/// Ids of all pages of a list.
async fn listed(api: &Api, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = format!("{ALL}?limit=3&{query}");
    for _ in 0..50 {
        let page = api.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.json());
        let page = page.json();
        let rows = page["contacts"].as_array().unwrap();
        assert!(rows.len() <= 3);
        found.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{ALL}?limit=3&{query}&cursor={cursor}"),
            None => return found,
        }
    }
    panic!("{query} does not end");
}

#[actix_web::test]
async fn a_contact_is_made_once_changed_and_shown_with_its_conversations() {
    let api = Api::start().await;
    add_number(&api).await;
    assert_eq!(
        put(
            &api,
            "/v1/attributes/tier",
            json!({ "name": "Tier", "type": "number" })
        )
        .await
        .status,
        201
    );
    let body = json!({
        "phone": "+62 812-3456-789", "given_name": "Ibu Ana", "labels": ["vip"], "attributes": { "tier": 2 },
    });
    let id = make(&api, body.clone()).await;
    let again = api.post(ALL, &body).await;
    assert_eq!(again.outcome(), (409, "contact_exists".to_owned()));
    assert_eq!(again.json()["error"]["contact_id"], id.as_str());
    let path = format!("{ALL}/{id}");
    let changed = put(
        &api,
        &path,
        json!({
            "given_name": null, "labels": { "add": ["new"], "remove": ["vip"] }, "is_minor": true,
            "owner": "ana", "attributes": { "tier": null },
        }),
    )
    .await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    let row = changed.json();
    assert_eq!(
        (&row["labels"], &row["is_minor"], &row["owner"]),
        (&json!(["new"]), &json!(true), &json!("ana"))
    );
    assert_eq!((row.get("given_name"), row.get("attributes")), (None, None));
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let shown = api.get(&path).await.json();
    assert_eq!(shown["contact"]["id"], id.as_str());
    assert_eq!(shown["conversations"][0]["id"], conversation.to_string());
    let told = api.get("/v1/events?after=0").await.json();
    let changes = told["events"].as_array().unwrap().iter();
    let changes: Vec<&Value> = changes.filter(|event| event["kind"] == "contact").collect();
    assert!(changes.len() >= 2);
    assert_eq!(changes[1]["data"]["changed"], json!(["details"]));
    assert_eq!(changes[1]["data"]["by"]["kind"], "api");
}

#[actix_web::test]
async fn what_cannot_be_noted_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    let id = make(&api, json!({ "phone": "628123456789" })).await;
    let path = format!("{ALL}/{id}");
    let choice = json!({ "name": "Tier", "type": "choice", "choices": ["gold", "silver"] });
    assert_eq!(put(&api, "/v1/attributes/tier", choice).await.status, 201);
    for body in [
        json!({ "given_name": "" }),
        json!({ "labels": { "add": ["a\nb"] } }),
        json!({ "labels": { "adds": ["a"] } }),
        json!({ "attributes": { "tier": "bronze" } }),
        json!({ "attributes": { "unknown": "x" } }),
        json!({ "lists": { "add": ["0".repeat(32)] } }),
        json!({ "owner": "a b" }),
        json!({ "name": "x" }),
    ] {
        let refused = put(&api, &path, body.clone()).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{body}");
    }
    let before = api.get(&path).await.json()["contact"].clone();
    assert_eq!(before["created"], before["updated"]);
    for (key, body) in [
        ("Tier", json!({ "name": "x", "type": "text" })),
        ("x", json!({ "name": "x", "type": "colour" })),
        ("x", json!({ "name": "x", "type": "choice" })),
        ("x", json!({ "name": "x", "type": "text", "choices": ["a"] })),
        ("tier", json!({ "name": "x", "type": "text" })),
    ] {
        let refused = put(&api, &format!("/v1/attributes/{key}"), body.clone()).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{body}");
    }
    for bad in [
        "sort=age",
        "order=up",
        "sort=activity&order=asc",
        "search=-",
        "consent=x",
        "attribute=x",
    ] {
        let refused = api.get(&format!("{ALL}?{bad}")).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{bad}");
    }
}

#[actix_web::test]
async fn a_list_shows_whom_it_is_asked_for_in_every_order() {
    let api = Api::start().await;
    add_number(&api).await;
    put(
        &api,
        "/v1/attributes/city",
        json!({ "name": "City", "type": "text" }),
    )
    .await;
    let mut all = Vec::new();
    for n in 0..9_usize {
        api.clock.advance(Duration::from_secs(1));
        let name = format!("{} Budi", ["Zed", "Áda", "Mia"][n % 3]);
        let mut body = json!({ "phone": format!("62812000{n:03}"), "given_name": name, "labels": [] });
        if n.is_multiple_of(2) {
            body["labels"] = json!(["vip"]);
            body["attributes"] = json!({ "city": "Jakarta" });
            body["owner"] = json!("ana");
        }
        all.push(make(&api, body).await);
    }
    let vip: Vec<String> = all.iter().step_by(2).cloned().collect();
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    let newest: Vec<String> = all.iter().rev().cloned().collect();
    assert_eq!(listed(&api, "").await, newest);
    assert_eq!(listed(&api, "order=asc").await, all);
    for query in ["label=VIP", "attribute=city:jakarta", "owner=ana"] {
        assert_eq!(listed(&api, &format!("order=asc&{query}")).await, vip, "{query}");
    }
    assert_eq!(listed(&api, "owner=none").await.len(), 4);
    let adas = [&all[1], &all[4], &all[7]];
    let found = listed(&api, "search=ada%20bud&order=asc").await;
    assert_eq!(found.iter().collect::<Vec<_>>(), adas);
    assert_eq!(listed(&api, "search=2000-003").await, [all[3].clone()]);
    assert_eq!(listed(&api, "search=ada&label=vip").await, [all[4].clone()]);
    assert_eq!(listed(&api, "search=udi").await, [""; 0]);
    // By name: the A's, the M's, the Z's; of one name in any order.
    for query in ["sort=name", "sort=name&search=budi"] {
        let by_name = listed(&api, query).await;
        assert_eq!(
            set(&by_name[..3]),
            set(&[all[1].clone(), all[4].clone(), all[7].clone()])
        );
        assert_eq!(
            set(&by_name[6..]),
            set(&[all[0].clone(), all[3].clone(), all[6].clone()])
        );
        let mut turned = listed(&api, &format!("{query}&order=desc")).await;
        turned.reverse();
        assert_eq!(turned, by_name);
    }
    for n in [5, 2, 8] {
        api.clock.advance(Duration::from_secs(1));
        api.customer_writes(ONE, &format!("62812000{n:03}"), "halo").await;
    }
    let active = [all[8].clone(), all[2].clone(), all[5].clone()];
    assert_eq!(listed(&api, "sort=activity").await, active);
    assert_eq!(listed(&api, "sort=activity&label=vip").await, active[..2]);
    let number = number(ONE);
    assert_eq!(
        set(&listed(&api, &format!("number={number}")).await),
        set(&active)
    );
    assert_eq!(listed(&api, "number=999").await, [""; 0]);
    assert_eq!(listed(&api, "consent=opted_out").await, [""; 0]);
    assert_eq!(listed(&api, "consent=allowed").await.len(), 9);
    let page = api.get(&format!("{ALL}?limit=3")).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for other in ["sort=name", "label=vip", "sort=activity"] {
        let refused = api.get(&format!("{ALL}?limit=3&{other}&cursor={cursor}")).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{other}");
    }
}

#[actix_web::test]
async fn contacts_stand_on_lists_until_those_are_removed() {
    let api = Api::start().await;
    let made = api.post("/v1/lists", &json!({ "name": "Ramadan" })).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let list = made.json()["list_id"].as_str().unwrap().to_owned();
    let twice = api.post("/v1/lists", &json!({ "name": "Ramadan" })).await;
    assert_eq!(twice.outcome(), (400, "invalid_request".to_owned()));
    let one = make(&api, json!({ "phone": "628120001", "lists": [list] })).await;
    let two = make(&api, json!({ "phone": "628120002" })).await;
    let members = format!("/v1/lists/{list}/members");
    let head = api.core.head_seq(ONE);
    let body = json!({ "add": [one, two, "0".repeat(32)], "remove": [] });
    let added = api.post(&members, &body).await;
    assert_eq!(added.json(), json!({ "added": 1, "removed": 0 }));
    assert_eq!(api.core.head_seq(ONE), head, "nobody is told of each");
    assert_eq!(listed(&api, &format!("list={list}")).await.len(), 2);
    let removed = api.post(&members, &json!({ "remove": [one] })).await;
    assert_eq!(removed.json(), json!({ "added": 0, "removed": 1 }));
    assert_eq!(
        listed(&api, &format!("list={list}")).await,
        std::slice::from_ref(&two)
    );
    let path = format!("/v1/lists/{list}");
    assert_eq!(
        put(&api, &path, json!({ "name": "Eid" })).await.json()["name"],
        "Eid"
    );
    let gone = api.call("DELETE", &path).send().await;
    assert_eq!(gone.json(), json!({ "list_id": list, "done": true }));
    assert_eq!(api.get("/v1/lists").await.json(), json!({ "lists": [] }));
    let row = api.get(&format!("{ALL}/{two}")).await.json();
    assert_eq!(row["contact"].get("lists"), None);
    assert_eq!(api.post(&members, &json!({})).await.status, 404);
}

#[actix_web::test]
async fn an_attribute_that_is_removed_is_taken_from_contacts() {
    let api = Api::start().await;
    let text = json!({ "name": "City", "type": "text" });
    assert_eq!(put(&api, "/v1/attributes/city", text.clone()).await.status, 201);
    assert_eq!(put(&api, "/v1/attributes/city", text).await.status, 200);
    let body = json!({ "phone": "628120001", "attributes": { "city": "Jakarta" } });
    let id = make(&api, body).await;
    let list = api.get("/v1/attributes").await.json();
    assert_eq!(
        list["attributes"],
        json!([{ "key": "city", "name": "City", "type": "text" }])
    );
    let gone = api.call("DELETE", "/v1/attributes/city").send().await;
    assert_eq!(gone.json(), json!({ "key": "city", "done": true }));
    let row = api.get(&format!("{ALL}/{id}")).await.json();
    assert_eq!(row["contact"].get("attributes"), None);
}

#[actix_web::test]
async fn a_wrong_value_of_an_attribute_is_told_by_its_key_and_rule() {
    let api = Api::start().await;
    assert_eq!(
        put(
            &api,
            "/v1/attributes/city",
            json!({ "name": "City", "type": "text" })
        )
        .await
        .status,
        201
    );
    let id = make(&api, json!({ "phone": "628120001" })).await;
    for value in [json!(""), json!(["x"]), json!("a\tb"), json!({})] {
        let refused = put(
            &api,
            &format!("{ALL}/{id}"),
            json!({ "attributes": { "city": value } }),
        )
        .await;
        let why = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            why.starts_with("`attributes.city` must be a text of 1 to 256"),
            "{why}"
        );
    }
}

#[actix_web::test]
async fn a_person_is_listed_by_what_happened_under_a_linked_contact() {
    let api = Api::start().await;
    add_number(&api).await;
    let far = PhoneNumberId::parse("109900000000002").unwrap();
    let other = Number {
        id: far.clone(),
        tenant: ONE,
        waba: WabaId::parse("2001").unwrap(),
        display: "+62 812".to_owned(),
        rate: SendRate::STANDARD,
        app: None,
        access_token: AccessToken::new("secret"),
    };
    api.store.put_number(other).await.unwrap();
    let names = |names: &[Alias]| ContactAliases::of(names.to_vec());
    let phone = Alias::phone("628120001").unwrap();
    let id = Alias::bsuid("ID.1").unwrap();
    api.somebody_writes_to(ONE, number(ONE), names(std::slice::from_ref(&phone)), "a")
        .await;
    let far_away = api
        .somebody_writes_to(ONE, far, names(std::slice::from_ref(&id)), "b")
        .await;
    let linked = api.contact_of(ONE, far_away.conversation).await;
    api.clock.advance(Duration::from_secs(1));
    let near = api
        .somebody_writes_to(ONE, number(ONE), names(&[phone, id]), "both are one")
        .await;
    let rows = api
        .store
        .contacts(ONE, vec![linked, api.contact_of(ONE, near.conversation).await])
        .await
        .unwrap();
    let person = rows
        .iter()
        .flatten()
        .find(|row| row.linked_to.is_none())
        .unwrap()
        .id
        .to_string();
    let activity = async || listed(&api, "sort=activity").await;
    assert_eq!(activity().await, std::slice::from_ref(&person));
    // Found by whichever number, and by having any; which ones these are is nobody's to see who may not see all.
    for query in [
        "number=109900000000002",
        "number=109900000000002&sort=name",
        "filter=number%20%3D%20%22109900000000002%22%20or%20label%20%3D%20%22x%22",
        "filter=last_active%20%3C%201d",
        "filter=has%20conversation&sort=name",
    ] {
        assert_eq!(
            listed(&api, query).await,
            std::slice::from_ref(&person),
            "{query}"
        );
    }
    for path in [
        "/v1/contacts".to_owned(),
        format!("/v1/contacts/{person}"),
        "/v1/conversations".to_owned(),
        "/v1/events?after=0".to_owned(),
    ] {
        let shown = api.get(&path).await.json().to_string();
        assert!(
            shown.contains("628120001") && !shown.contains("talked_on"),
            "{shown}"
        );
    }
    // Something happens in the conversation that stayed with the linked contact.
    api.clock.advance(Duration::from_secs(1));
    let send = json!({ "conversation_id": far_away.conversation, "type": "text", "text": { "body": "x" } });
    assert_eq!(api.post("/v1/messages", &send).await.status, 202);
    assert_eq!(activity().await, [person]);
}

#[actix_web::test]
async fn notes_about_a_contact_are_kept_newest_first_and_go_with_it() {
    let api = Api::start().await;
    let id = make(&api, json!({ "phone": "628120001" })).await;
    let path = format!("{ALL}/{id}/notes");
    let mut ids = Vec::new();
    for text in ["first", "second"] {
        api.clock.advance(Duration::from_secs(1));
        let made = api.post(&path, &json!({ "text": text })).await;
        assert_eq!(made.status, 201, "{}", made.json());
        ids.push(made.json()["note_id"].as_str().unwrap().to_owned());
    }
    let texts = async || {
        let list = api.get(&path).await.json();
        let notes = list["notes"].as_array().unwrap().clone();
        notes
            .iter()
            .map(|note| note["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts().await, ["second", "first"]);
    let gone = api.call("DELETE", &format!("{path}/{}", ids[0])).send().await;
    assert_eq!(gone.json(), json!({ "note_id": ids[0] }));
    let again = api.call("DELETE", &format!("{path}/{}", ids[0])).send().await;
    assert_eq!(again.outcome(), (404, "not_found".to_owned()));
    assert_eq!(texts().await, ["second"]);
    api.store.erase_contact(ONE, id.parse().unwrap()).await.unwrap();
    assert_eq!(api.get(&path).await.outcome(), (404, "not_found".to_owned()));
    let left = api.store.export_plain(None, 99, NOW).await.unwrap();
    let notes = left
        .records
        .iter()
        .filter(|row| row.key.partition.table == "contact_note");
    assert_eq!(notes.count(), 0);
}

#[actix_web::test]
async fn a_search_finds_a_phone_in_its_other_form_and_one_that_the_customer_had_before() {
    let api = Api::start().await;
    let brazilian = make(&api, json!({ "phone": "5511987654321" })).await;
    for form in ["551187654321", "5511987654321", "1187654321"] {
        let found = listed(&api, &format!("search={form}")).await;
        assert_eq!(found, std::slice::from_ref(&brazilian), "{form}");
    }
    let talk = api.customer_writes(ONE, "628120001", "halo").await.conversation;
    let id = api.contact_of(ONE, talk).await.to_string();
    api.clock.advance(Duration::from_secs(60));
    let names = |phone: &str| ContactAliases::of([Alias::phone(phone).unwrap()]);
    let moves = crate::store::op::Relate {
        number: number(ONE),
        at: api.clock_now(),
        from: names("628120001"),
        to: names("628129999"),
        once: crate::domain::WamidHash::of_other("test", &[b"moves"]),
    };
    api.core.commit(ONE, Op::Relate(moves)).await;
    for phone in ["628129999", "628120001"] {
        let found = listed(&api, &format!("search={phone}")).await;
        assert_eq!(found, std::slice::from_ref(&id), "{phone}");
    }
}
