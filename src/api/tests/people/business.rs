//! A business that looks after itself.

use super::*;
use crate::domain::Retention;
use crate::store::RetentionJob;

fn number(id: &str) -> Value {
    json!({
        "phone_number_id": id, "waba_id": "102290129340398", "display_phone_number": "+62 812",
        "access_token": "EAAG-secret",
    })
}

#[actix_web::test]
async fn a_business_says_what_it_is_called_and_whom_to_ask() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Admin).await;
    let at = "/v1/business";
    let business = ana.get(&api, at).await.json();
    assert_eq!(
        business,
        json!({
            "tenant_id": ONE, "name": format!("tenant {ONE}"), "region": null, "privacy_contact": null, "created": NOW,
            "retention": { "days": Retention::DEFAULT, "change": null },
        })
    );
    let body =
        json!({ "name": " Toko Maju ", "region": "Indonesia", "privacy_contact": "privacy@example.com" });
    let put = ana.send(&api, "PUT", at, body).await;
    assert_eq!(put.status, 200, "{}", put.json());
    let changed = ana.get(&api, at).await.json();
    assert_eq!(
        (&changed["name"], &changed["region"], &changed["privacy_contact"]),
        (
            &json!("Toko Maju"),
            &json!("Indonesia"),
            &json!("privacy@example.com")
        )
    );
    assert_eq!(put.json(), changed);
    // What is left out stays; null empties.
    let put = ana.send(&api, "PUT", at, json!({ "region": null })).await.json();
    assert_eq!(
        (&put["name"], &put["region"], &put["privacy_contact"]),
        (&json!("Toko Maju"), &Value::Null, &json!("privacy@example.com"))
    );
    for wrong in [
        json!({ "name": " " }),
        json!({ "region": "a\nb" }),
        json!({ "title": "x" }),
    ] {
        assert_eq!(ana.send(&api, "PUT", at, wrong).await.outcome().0, 400);
    }
    let seen = api
        .as_admin("GET", &format!("/v1/admin/tenants/{ONE}"))
        .send()
        .await;
    assert_eq!(seen.json()["privacy_contact"], "privacy@example.com");
    let webhook = ana.get(&api, "/v1/business/webhook").await.json();
    assert_eq!(
        webhook,
        json!({ "url": "https://mesej.example.com/webhooks/whatsapp", "verify_token_set": true })
    );
}

#[actix_web::test]
async fn a_business_sets_the_words_by_which_customers_stop_marketing() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Admin).await;
    let at = "/v1/business/opt-out-words";
    let shown = ana.get(&api, at).await.json();
    assert_eq!(shown["words"], Value::Null);
    let defaults = shown["defaults"].as_array().unwrap();
    assert!(defaults.contains(&json!("unsubscribe")), "{shown}");
    let words = json!({ "words": ["No más", "enough"] });
    let put = ana.send(&api, "PUT", at, words.clone()).await.json();
    assert_eq!(put["words"], words["words"]);
    assert_eq!(ana.get(&api, at).await.json(), put);
    // Whoever has the tenant goes by them at once.
    assert!(
        api.core
            .told
            .lock()
            .unwrap()
            .iter()
            .any(|told| told.contains(&ONE.to_string()))
    );
    for wrong in [
        json!({}),
        json!({ "words": "stop" }),
        json!({ "words": ["!"] }),
        json!({ "words": vec!["x"; 101] }),
    ] {
        assert_eq!(ana.send(&api, "PUT", at, wrong).await.outcome().0, 400);
    }
    assert_eq!(ana.get(&api, at).await.json(), put);
    let back = ana.send(&api, "PUT", at, json!({ "words": null })).await.json();
    assert_eq!(back["words"], Value::Null);
}

#[actix_web::test]
async fn a_new_name_takes_no_retention_back() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let days = json!({ "days": 30 });
    let preview = ana
        .send(&api, "POST", "/v1/business/retention/preview", days.clone())
        .await;
    assert_eq!((preview.status, &preview.json()["to_days"]), (200, &json!(30)));
    let changed = ana.send(&api, "PUT", "/v1/business/retention", days).await;
    assert_eq!(
        (changed.status, &changed.json()["retention_days"]),
        (202, &json!(30))
    );
    // Another gateway begins a change, and this one still writes the row as it read it before.
    let job = RetentionJob::new(
        ONE,
        Retention::days(30).unwrap(),
        Retention::days(7).unwrap(),
        NOW,
    );
    let row = api.store.tenant(ONE).await.unwrap().unwrap();
    api.store.begin_retention(row, job).await.unwrap();
    let put = ana
        .send(&api, "PUT", "/v1/business", json!({ "name": "Toko" }))
        .await;
    assert_eq!(put.json()["retention"]["days"], 7);
    let row = api.store.tenant(ONE).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.retention.get()), ("Toko", 7));
}

#[actix_web::test]
async fn a_business_makes_and_revokes_its_own_keys() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let body = json!({ "name": "till", "scopes": ["read"], "expires_days": 30 });
    let made = ana.send(&api, "POST", "/v1/keys", body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let (key, id) = (made.json()["key"].clone(), made.json()["key_id"].clone());
    let key = key.as_str().unwrap();
    let call = || api.plain("GET", "/v1/conversations").bearer(key);
    assert_eq!(call().send().await.status, 200);
    let listed = ana.get(&api, "/v1/keys").await.json();
    let ids: Vec<&Value> = listed["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["key_id"])
        .collect();
    assert!(
        ids.contains(&&id) && !listed.to_string().contains(key),
        "{listed}"
    );
    // A key makes no key, whatever it may do.
    let by_key = api.plain("GET", "/v1/keys").bearer(&api.key).send().await;
    assert_eq!(by_key.outcome(), (401, "unauthorized".to_owned()));
    let at = format!("/v1/keys/{}", id.as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(ana.send(&api, "DELETE", &at, json!({})).await.status, 200);
    }
    assert_eq!(call().send().await.outcome(), (401, "unauthorized".to_owned()));
}

#[actix_web::test]
async fn a_number_is_added_by_who_has_its_token_and_no_other_tenant_has_it() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let ben = member(&api, OTHER, "ben@example.com", Role::Owner).await;
    let added = ana
        .send(&api, "POST", "/v1/numbers", number("106540352242922"))
        .await;
    assert_eq!(added.status, 201, "{}", added.json());
    assert!(!added.json().to_string().contains("EAAG"));
    let checked = ana.get(&api, "/v1/numbers/106540352242922/check").await;
    assert_eq!(checked.status, 200, "{}", checked.json());
    let taken = ben
        .send(&api, "POST", "/v1/numbers", number("106540352242922"))
        .await;
    assert_eq!(taken.outcome(), (400, "invalid_request".to_owned()));
    let said = taken.json().to_string();
    assert!(
        !said.contains(&ONE.to_string()) && !said.contains("tenant 1"),
        "{said}"
    );
    // Whose token does not open it at Meta does not get it.
    for (id, refused) in [
        ("wrong-token", (422, "token_refused".to_owned())),
        ("not-seen", (422, "meta_refused".to_owned())),
        ("unreachable", (502, "meta_failed".to_owned())),
        ("an-alias", (422, "meta_refused".to_owned())),
    ] {
        assert_eq!(
            ana.send(&api, "POST", "/v1/numbers", number(id)).await.outcome(),
            refused,
            "{id}"
        );
        let id = crate::domain::PhoneNumberId::parse(id).unwrap();
        assert_eq!(api.store.number(id).await.unwrap(), None);
    }
}

#[actix_web::test]
async fn a_team_has_no_more_members_than_its_quota() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let path = format!("/v1/admin/tenants/{ONE}/quotas");
    let set = api
        .as_admin("PUT", &path)
        .json(&json!({ "agents": 1 }))
        .send()
        .await;
    assert_eq!(set.status, 200, "{}", set.json());
    let token = invited(&api, ONE, "ben@example.com", Role::Agent).await;
    let refused = accept(&api, ONE, &token, "Ben", PASSWORD).await;
    assert_eq!(refused.outcome(), (422, "limit_reached".to_owned()));
    assert_eq!(
        refused.json()["error"]["quota"],
        json!({ "name": "agents", "limit": 1 })
    );
    let shown = ana.get(&api, "/v1/quotas").await.json();
    assert_eq!(
        shown["quotas"][4],
        json!({ "name": "agents", "limit": 1, "used": 1 })
    );
    // The link stays good, and works once there is room.
    let set = api
        .as_admin("PUT", &path)
        .json(&json!({ "agents": null }))
        .send()
        .await;
    assert_eq!(set.status, 200);
    assert_eq!(accept(&api, ONE, &token, "Ben", PASSWORD).await.status, 201);
}

#[actix_web::test]
async fn programs_that_flood_keep_no_person_from_work_nor_from_ending_their_keys() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let made = json!({ "name": "loud", "scopes": ["read"] });
    let made = ana.send(&api, "POST", "/v1/keys", made).await.json();
    let path = format!("/v1/admin/tenants/{ONE}/quotas");
    let set = api.as_admin("PUT", &path).json(&json!({ "requests_per_s": 2 }));
    assert_eq!(set.send().await.status, 200);
    api.clock.advance(Duration::from_secs(60));
    let refused = (429, "rate_limited".to_owned());
    let limit = json!({ "name": "requests_per_s", "limit": 2 });
    for _ in 0..2 {
        assert_eq!(api.get("/v1/numbers").await.status, 200);
    }
    assert_eq!(api.get("/v1/numbers").await.outcome(), refused);
    // People share a pace of their own.
    for _ in 0..2 {
        assert_eq!(ana.get(&api, "/v1/numbers").await.status, 200);
    }
    let late = ana.get(&api, "/v1/numbers").await;
    assert_eq!(late.outcome(), refused);
    assert_eq!(late.json()["error"]["quota"], limit);
    // What ends access is in nobody's pace but one's own.
    let key = format!("/v1/keys/{}", made["key_id"].as_str().unwrap());
    assert_eq!(ana.send(&api, "DELETE", &key, json!({})).await.status, 200);
    assert_eq!(
        ana.send(&api, "DELETE", "/v1/session", json!({})).await.status,
        200
    );
}

#[actix_web::test]
async fn what_takes_long_a_tenant_does_once_at_a_time() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let ben = member(&api, OTHER, "ben@example.com", Role::Owner).await;
    let added = ana
        .send(&api, "POST", "/v1/numbers", number("106540352242922"))
        .await;
    assert_eq!(added.status, 201);
    let days = json!({ "days": 30 });
    let preview = "/v1/business/retention/preview";
    let held = api.state.slow_calls.take(ONE).unwrap();
    for refused in [
        ana.send(&api, "POST", preview, days.clone()).await,
        ana.send(&api, "POST", "/v1/numbers", number("106540352242923"))
            .await,
        ana.get(&api, "/v1/numbers/106540352242922/check").await,
    ] {
        assert_eq!(refused.outcome(), (503, "busy".to_owned()));
    }
    assert_eq!(ben.send(&api, "POST", preview, days.clone()).await.status, 200);
    drop(held);
    assert_eq!(ana.send(&api, "POST", preview, days).await.status, 200);
}

#[actix_web::test]
async fn a_key_tells_who_made_it_and_whoever_removes_that_person_is_told_of_it() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let admin = member(&api, ONE, "admin@example.com", Role::Admin).await;
    let mut ids = Vec::new();
    for name in ["till", "web shop", "old"] {
        let body = json!({ "name": name, "scopes": ["read"] });
        let made = admin.send(&api, "POST", "/v1/keys", body).await.json();
        assert_eq!(
            made["created_by"],
            json!({ "user_id": admin.user(), "name": "Ana K" })
        );
        ids.push(made["key_id"].as_str().unwrap().to_owned());
    }
    let old = format!("/v1/keys/{}", ids.pop().unwrap());
    assert_eq!(owner.send(&api, "DELETE", &old, json!({})).await.status, 200);
    let listed = async || owner.get(&api, "/v1/keys").await.json()["keys"].clone();
    let makers = listed().await;
    let makers = makers.as_array().unwrap().iter();
    let by_operator = makers.clone().filter(|key| key["created_by"].is_null());
    assert_eq!((by_operator.count(), makers.count()), (1, 4));
    let of_admin = format!("/v1/team/{}", admin.user());
    let removed = owner.send(&api, "DELETE", &of_admin, json!({})).await.json();
    let told = removed["keys"].as_array().unwrap().iter();
    let mut told: Vec<&str> = told.map(|key| key["key_id"].as_str().unwrap()).collect();
    told.sort_unstable();
    ids.sort_unstable();
    assert_eq!(told, ids);
    // They work, and are listed with the name of whoever left.
    let name = listed().await;
    let name = name
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "till")
        .unwrap()["created_by"]["name"]
        .clone();
    assert_eq!(name, "Ana K");
}
