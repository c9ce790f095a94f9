mod numbers;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::actors::request::LaneState;
use crate::domain::{JournalId, PhoneNumberId};
use crate::store::Quarantined;

fn new_number() -> Value {
    json!({
        "phone_number_id": "106540352242922", "waba_id": "102290129340398",
        "display_phone_number": "+62 812 3456 789", "access_token": "EAAG-secret", "app": "main",
    })
}

impl Api {
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.as_admin(method, &format!("/v1/admin{path}"))
            .json(body)
            .send()
            .await
    }

    async fn admin_get(&self, path: &str) -> Answer {
        self.as_admin("GET", &format!("/v1/admin{path}")).send().await
    }

    async fn put_aside(&self, n: u8, body: &'static str) -> JournalId {
        self.put_aside_because(n, "unknown_number", body).await
    }

    async fn put_aside_because(&self, n: u8, reason: &str, body: &'static str) -> JournalId {
        let id = JournalId::from_bytes([n; 16]);
        let item = Quarantined {
            id,
            at: NOW,
            reason: reason.to_owned(),
            body: Bytes::from(body),
        };
        self.store.quarantine(item).await.unwrap();
        id
    }
}

#[actix_web::test]
async fn from_nothing_to_a_key_that_sends() {
    let api = Api::start().await;
    let tenant = api
        .admin(
            "POST",
            "/tenants",
            &json!({ "name": " Toko Maju ", "retention_days": 90 }),
        )
        .await;
    assert_eq!(tenant.status, 201);
    let tenant = tenant.json();
    assert_eq!(
        (&tenant["name"], &tenant["retention_days"]),
        (&json!("Toko Maju"), &json!(90))
    );
    let id: TenantId = tenant["tenant_id"].as_str().unwrap().parse().unwrap();
    let of = |what: &str| format!("/tenants/{id}{what}");
    assert_eq!(api.admin_get(&of("")).await.json(), tenant);
    assert!(
        api.admin_get("/tenants").await.json()["tenants"]
            .as_array()
            .unwrap()
            .contains(&tenant)
    );

    let number = api.admin("POST", &of("/numbers"), &new_number()).await;
    assert_eq!((number.status, &number.json()["rate"]), (201, &json!(80)));
    let listed = api.admin_get(&of("/numbers")).await;
    let mut shown = number.json();
    shown["lane"] = json!({ "state": "running", "scope": "all" });
    shown["standing"] = Value::Null;
    assert_eq!(listed.json(), json!({ "numbers": [shown] }));
    assert!(
        !String::from_utf8_lossy(&listed.body).contains("EAAG"),
        "a token is never shown"
    );

    let key = api
        .admin(
            "POST",
            &of("/keys"),
            &json!({ "name": "till", "scopes": ["read", "send", "read"] }),
        )
        .await;
    assert_eq!(
        (key.status, &key.json()["scopes"]),
        (201, &json!(["send", "read"]))
    );
    let secret = key.json()["key"].as_str().unwrap().to_owned();
    let mine = api.plain("GET", "/v1/numbers").bearer(&secret).send().await;
    assert_eq!(mine.json()["numbers"][0]["phone_number_id"], "106540352242922");
    assert!(!String::from_utf8_lossy(&mine.body).contains("EAAG"));
    assert_eq!(
        mine.json()["numbers"][0]["lane"],
        json!({ "state": "running", "scope": "all" })
    );
    let paused = LaneState {
        state: "paused",
        reason: Some("payment"),
        code: Some(131_042),
        title: Some("Business eligibility payment issue".into()),
        ..LaneState::RUNNING
    };
    let number = PhoneNumberId::parse("106540352242922").unwrap();
    api.core.lanes.lock().unwrap().insert(number, paused);
    let mine = api.plain("GET", "/v1/numbers").bearer(&secret).send().await;
    assert_eq!(
        mine.json()["numbers"][0]["lane"],
        json!({
            "state": "paused", "scope": "all", "reason": "payment", "code": 131_042,
            "title": "Business eligibility payment issue",
        })
    );
    // What Meta tells when it is asked is shown from then on.
    assert_eq!(
        api.admin_get(&of("/numbers/106540352242922/check")).await.status,
        200
    );
    let mine = api.plain("GET", "/v1/numbers").bearer(&secret).send().await;
    assert_eq!(
        mine.json()["numbers"][0]["standing"],
        json!({
            "quality": "GREEN", "messaging_limit": "TIER_2K", "name_status": "APPROVED", "status": "CONNECTED",
            "at": NOW, "quality_since": NOW,
        })
    );
    let keys = api.admin_get(&of("/keys")).await;
    assert_eq!(keys.json()["keys"][0]["key_id"], key.json()["key_id"]);
    assert!(
        !String::from_utf8_lossy(&keys.body).contains(&secret),
        "a key is shown once"
    );
    let told = api.core.told.lock().unwrap().clone();
    assert_eq!(
        told,
        [format!("tenant {id}"), "number 106540352242922".to_owned()]
    );
}

#[actix_web::test]
async fn the_operators_calls_need_the_operators_token_and_are_not_there_without_one() {
    let api = Api::start().await;
    let paths = ["/v1/admin/tenants", "/v1/admin/quarantine"];
    for path in paths {
        for (case, request) in [
            ("none", api.plain("GET", path)),
            ("a tenant's key", api.plain("GET", path).bearer(&api.key)),
            (
                "a longer one",
                api.plain("GET", path).bearer(&format!("{ADMIN}x")),
            ),
            ("a shorter one", api.plain("GET", path).bearer(&ADMIN[1..])),
            ("none at all", api.plain("GET", path).bearer("")),
        ] {
            assert_eq!(
                request.send().await.outcome(),
                (401, "unauthorized".to_owned()),
                "{path}: {case}"
            );
        }
    }
    let closed = Api::start_with(Setup {
        admin_token: "",
        ..Setup::default()
    })
    .await;
    for path in paths {
        for request in [
            closed.plain("GET", path),
            closed.as_admin("GET", path),
            closed.plain("GET", path).bearer(""),
        ] {
            assert_eq!(
                request.send().await.outcome(),
                (404, "not_found".to_owned()),
                "{path}"
            );
        }
    }
}

#[actix_web::test]
async fn what_the_operator_mistypes_is_said() {
    let api = Api::start().await;
    let numbers = format!("/tenants/{ONE}/numbers");
    let keys = format!("/tenants/{ONE}/keys");
    let number_with = |name: &str, value: Value| {
        let mut body = new_number();
        body[name] = value;
        body
    };
    for (path, body, said) in [
        ("/tenants", json!({}), "`name` is missing"),
        (
            "/tenants",
            json!({ "name": "" }),
            "`name` must be 1 to 100 characters",
        ),
        (
            "/tenants",
            json!({ "name": "x", "retention_days": 0 }),
            "retention is 1 to 1826 days",
        ),
        (
            "/tenants",
            json!({ "name": "x", "retention": 5 }),
            "did you mean `retention_days`?",
        ),
        (
            &numbers,
            number_with("app", json!("other")),
            "is not a name in `whatsapp.apps`",
        ),
        (&numbers, number_with("rate", json!(0)), "`rate`"),
        (
            &numbers,
            number_with("access_token", json!("a b")),
            "`access_token`",
        ),
        (
            &numbers,
            number_with("phone_number_id", json!("+62")),
            "`phone_number_id`",
        ),
        (&numbers, number_with("waba_id", json!("../x")), "`waba_id`"),
        (&keys, json!({ "name": "x", "scopes": [] }), "at least one"),
        (
            &keys,
            json!({ "name": "x", "scopes": ["everything"] }),
            "`scopes`",
        ),
        ("/quarantine/replay", json!({}), "either `ids` or"),
        (
            "/quarantine/replay",
            json!({ "all": true, "ids": [] }),
            "either `ids` or",
        ),
    ] {
        let answer = api.admin("POST", path, &body).await;
        assert_eq!(
            answer.outcome(),
            (400, "invalid_request".to_owned()),
            "{path} {body}"
        );
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message:?} lacks {said:?}");
    }
    api.admin("POST", &numbers, &new_number()).await;
    let taken = api
        .admin("POST", &format!("/tenants/{OTHER}/numbers"), &new_number())
        .await;
    assert!(
        taken.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("another tenant")
    );
}

#[actix_web::test]
async fn what_is_not_there_is_named_with_what_helps() {
    let api = Api::start().await;
    let nobody = "0".repeat(16);
    for (path, told) in [
        (
            format!("/tenants/{nobody}"),
            "no tenant has the id 0000000000000000: `mesej tenant list`",
        ),
        (
            "/tenants/x".to_owned(),
            "tenant_id must be 16 lower-case hex digits",
        ),
        (
            format!("/tenants/{ONE}/numbers/12345/check"),
            "the tenant has no number 12345: `mesej number list",
        ),
        ("/nothing".to_owned(), "no call has this path"),
    ] {
        let answer = api.admin_get(&path).await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{path}");
        let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(told), "{path}: {said}");
    }
    for (path, told) in [
        (
            format!("/v1/conversations/{}", "0".repeat(32)),
            "no such conversation",
        ),
        (
            format!("/v1/messages/{}", "0".repeat(32)),
            "no such outbound message",
        ),
        ("/v1/nothing".to_owned(), "no call has this path"),
    ] {
        let said = api.get(&path).await.json()["error"]["message"].to_string();
        assert!(said.contains(told), "{path}: {said}");
    }
}

#[actix_web::test]
async fn what_was_put_aside_goes_back_on_the_way_in_and_only_then_leaves() {
    let api = Api::start().await;
    let first = api.put_aside(1, "one").await;
    api.put_aside(2, "two").await;
    let third = api.put_aside(3, "three").await;
    let listed = api.admin_get("/quarantine?limit=2").await.json();
    assert_eq!(
        listed["quarantined"][0],
        json!({ "id": first, "at": NOW, "reason": "unknown_number", "app": null, "bytes": 3 })
    );
    let rest = api
        .admin_get(&format!(
            "/quarantine?cursor={}",
            listed["next_cursor"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(
        (rest["quarantined"][0]["id"].clone(), rest["next_cursor"].clone()),
        (json!(third), Value::Null)
    );

    *api.journal.full.lock().unwrap() = Some(Duration::from_secs(5));
    let replay = |body: Value| {
        let call = api.as_admin("POST", "/v1/admin/quarantine/replay").json(&body);
        async move { call.send().await }
    };
    assert_eq!(replay(json!({ "all": true })).await.code(), "unavailable");
    assert_eq!(
        api.store.quarantined(None, 10, NOW).await.unwrap().len(),
        3,
        "nothing leaves before it is in the journal"
    );
    *api.journal.full.lock().unwrap() = None;

    assert_eq!(
        replay(json!({ "ids": [third] })).await.json(),
        json!({ "replayed": 1, "more": false })
    );
    assert_eq!(replay(json!({ "ids": [third] })).await.code(), "not_found");
    assert_eq!(
        replay(json!({ "all": true })).await.json(),
        json!({ "replayed": 2, "more": false })
    );
    assert_eq!(api.journal.taken(), ["three", "one", "two"]);
    assert!(api.store.quarantined(None, 10, NOW).await.unwrap().is_empty());
}

#[actix_web::test]
async fn putting_all_back_comes_to_an_end_although_it_is_put_aside_again_and_some_must_stay() {
    let api = Api::start().await;
    let put_aside = |n: u32, reason: &str, at| Quarantined {
        id: JournalId::from_bytes(u128::from(n).to_be_bytes()),
        at,
        reason: reason.to_owned(),
        body: Bytes::from("{}"),
    };
    // Nobody knows any more who signed these: they stay, and must not hide what comes after them.
    for n in 0..1_200 {
        let item = put_aside(n, "wrong_app", NOW);
        api.store.quarantine(item).await.unwrap();
    }
    for n in 2_000..2_010 {
        let item = put_aside(n, "unknown_number", NOW);
        api.store.quarantine(item).await.unwrap();
    }
    let mut body = json!({ "all": true });
    let mut replayed = 0;
    for round in 0..9_u32 {
        let call = api.as_admin("POST", "/v1/admin/quarantine/replay").json(&body);
        let answer = call.send().await.json();
        let some = u32::try_from(answer["replayed"].as_u64().unwrap()).unwrap();
        replayed += some;
        // They are put aside again at once.
        for n in 0..some {
            let again = put_aside(
                3_000 + 100 * round + n,
                "unknown_number",
                NOW.after(Duration::from_secs(1)),
            );
            api.store.quarantine(again).await.unwrap();
        }
        assert_eq!(answer["more"] == json!(true), answer["next"].is_object());
        match answer.get("next") {
            Some(next) => body = next.clone(),
            None => break,
        }
    }
    assert_eq!((replayed, api.journal.taken().len()), (10, 10));
}

#[actix_web::test]
async fn what_another_app_signed_is_put_back_with_its_signer_or_not_at_all() {
    let api = Api::start().await;
    // A mark, the length of the name, the name, the body.
    let signed = api.put_aside_because(1, "wrong_app", "\u{1}\0\u{5}other{}").await;
    let unsigned = api.put_aside_because(2, "wrong_app", "{}").await;
    let listed = api.admin_get("/quarantine").await.json();
    assert_eq!(listed["quarantined"][0]["app"], json!("other"));
    let replay = |body: Value| {
        let call = api.as_admin("POST", "/v1/admin/quarantine/replay").json(&body);
        async move { call.send().await }
    };
    let refused = replay(json!({ "ids": [signed, unsigned] })).await;
    assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(replay(json!({ "all": true })).await.json()["replayed"], json!(1));
    let other = crate::actors::Signer::App("other".into());
    assert_eq!(*api.journal.signers.lock().unwrap(), [other]);
    let left = api.store.quarantined(None, 10, NOW).await.unwrap();
    assert_eq!(left.iter().map(|item| item.id).collect::<Vec<_>>(), [unsigned]);
}

#[actix_web::test]
async fn with_two_apps_a_number_names_its_own() {
    let second = "[[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"test_app_secret_1\"]\nverify_token = \"let me in\"\n\
                  [[whatsapp.apps]]\nname = \"more\"\napp_secrets = [\"test_app_secret_2\"]\nverify_token = \"let me in\"\n";
    let mut number = new_number();
    number.as_object_mut().unwrap().remove("app");
    for (apps, status) in [(APPS, 201), (second, 400)] {
        let api = Api::start_with(Setup {
            apps,
            ..Setup::default()
        })
        .await;
        let answer = api
            .admin("POST", &format!("/tenants/{ONE}/numbers"), &number)
            .await;
        assert_eq!(answer.status, status);
        if status == 400 {
            assert!(
                answer.json()["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("main, more")
            );
        }
    }
}
