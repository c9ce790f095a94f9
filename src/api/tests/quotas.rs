//! What one tenant may have: set by an operator, told when it is reached, and another tenant's untouched.

use serde_json::{Value, json};

use super::*;

async fn set(api: &Api, body: Value) -> Answer {
    let path = format!("/v1/admin/tenants/{ONE}/quotas");
    api.as_admin("PUT", &path).json(&body).send().await
}

fn quota(answer: &Answer) -> Value {
    answer.json()["error"]["quota"].clone()
}

#[actix_web::test]
async fn an_operator_sets_quotas_and_takes_them_back() {
    let api = Api::start().await;
    let path = format!("/v1/admin/tenants/{ONE}/quotas");
    let shown = api.as_admin("GET", &path).send().await.json();
    let defaults = api.state.config.quotas();
    let expected: Vec<Value> = crate::domain::Quota::ALL
        .iter()
        .map(|quota| json!({ "name": quota, "limit": defaults.limit(*quota), "used": 0 }))
        .collect();
    assert_eq!(shown, json!({ "quotas": expected }));
    let answer = set(&api, json!({ "agents": 5, "sockets": 7 })).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(
        answer.json()["quotas"][0],
        json!({ "name": "sockets", "limit": 7, "used": 0 })
    );
    // What is left out stays; null is the settings' own again.
    let answer = set(&api, json!({ "sockets": null })).await.json();
    let limits: Vec<&Value> = answer["quotas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["limit"])
        .collect();
    assert_eq!(
        limits,
        [
            &json!(10_000),
            &json!(10_000),
            &json!(2_000),
            &json!(100_000),
            &json!(5),
            &json!(100_u64 << 30)
        ]
    );
    for wrong in [
        json!({ "agents": 301 }),
        json!({ "sockets": 0 }),
        json!({ "storage": 5 }),
    ] {
        assert_eq!(
            set(&api, wrong).await.outcome(),
            (400, "invalid_request".to_owned())
        );
    }
}

#[actix_web::test]
async fn calls_are_paced_for_all_keys_of_a_tenant_together() {
    let api = Api::start().await;
    assert_eq!(set(&api, json!({ "requests_per_s": 3 })).await.status, 200);
    let second = api.add_key(ONE, &[Scope::Read]).await;
    let call = |key: &str| api.plain("GET", "/v1/numbers").bearer(key);
    let mut answers = Vec::new();
    for key in [&api.key, &second, &api.key, &second] {
        answers.push(call(key).send().await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(answers[3].outcome().1, "rate_limited");
    assert_eq!(
        quota(&answers[3]),
        json!({ "name": "requests_per_s", "limit": 3 })
    );
    assert_eq!(answers[3].header("retry-after"), Some("1"));
    assert_eq!(call(&api.other_key).send().await.status, 200);
    let path = format!("/v1/admin/tenants/{ONE}/quotas");
    let shown = api.as_admin("GET", &path).send().await.json();
    assert_eq!(
        shown["quotas"][2],
        json!({ "name": "requests_per_s", "limit": 3, "used": 3 })
    );
    api.clock.advance(Duration::from_secs(1));
    assert_eq!(call(&second).send().await.status, 200);
    let counted = api.plain("GET", "/metrics").send().await;
    let counted = String::from_utf8_lossy(&counted.body).into_owned();
    assert!(
        counted.contains("mesej_quota_refusals_total{quota=\"requests_per_s\"}"),
        "{counted}"
    );
}

#[actix_web::test]
async fn tickets_say_which_quota_is_reached() {
    let api = Api::start().await;
    assert_eq!(set(&api, json!({ "tickets": 1 })).await.status, 200);
    let ticket = json!({ "agent": "ana" });
    assert_eq!(api.post("/v1/ws/ticket", &ticket).await.status, 201);
    let refused = api.post("/v1/ws/ticket", &ticket).await;
    assert_eq!(refused.outcome(), (429, "too_many_tickets".to_owned()));
    assert_eq!(quota(&refused), json!({ "name": "tickets", "limit": 1 }));
    let others = api.plain("POST", "/v1/ws/ticket").bearer(&api.other_key);
    assert_eq!(others.json(&ticket).send().await.status, 201);
}

#[actix_web::test]
async fn a_full_backlog_says_how_much_may_wait() {
    let api = Api::start().await;
    assert_eq!(set(&api, json!({ "backlog": 4 })).await.status, 200);
    *api.core.refusal.lock().unwrap() = Some(crate::actors::request::Refusal::QueueFull);
    let body = json!({ "to": "628123456789", "type": "text", "text": { "body": "x" } });
    let refused = api.post("/v1/messages", &body).await;
    assert_eq!(refused.outcome(), (429, "queue_full".to_owned()));
    assert_eq!(quota(&refused), json!({ "name": "backlog", "limit": 4 }));
}

#[actix_web::test]
async fn no_upload_is_taken_over_the_storage_and_a_customers_file_is_kept_all_the_same() {
    const ROOM: u64 = 1 << 20;
    let api = Api::start().await;
    assert_eq!(set(&api, json!({ "storage": ROOM })).await.status, 200);
    let upload = async |bytes: usize| {
        let mut file = b"%PDF-1.4\n".to_vec();
        file.resize(bytes, b'x');
        api.call("POST", "/v1/media?name=a.pdf")
            .header("Content-Type", "application/pdf")
            .body(file)
            .send()
            .await
    };
    assert_eq!(upload(700_000).await.status, 201);
    let full = upload(700_000).await;
    assert_eq!(full.outcome(), (507, "storage_full".to_owned()));
    assert_eq!(quota(&full), json!({ "name": "storage", "limit": ROOM }));
    let begun = json!({ "bytes": 700_000, "mime": "application/pdf" });
    let full = api.post("/v1/uploads", &begun).await;
    assert_eq!(full.outcome(), (507, "storage_full".to_owned()));
    assert_eq!(upload(300_000).await.status, 201);
    let shown = api
        .as_admin("GET", &format!("/v1/admin/tenants/{ONE}/quotas"))
        .send()
        .await
        .json();
    assert_eq!(
        shown["quotas"][5],
        json!({ "name": "storage", "limit": ROOM, "used": 1_000_000 })
    );
    assert_eq!(upload(48_577).await.status, 507);
    let id = api.picture_of(ONE, number(ONE)).await;
    assert_eq!(api.get(&format!("/v1/media/{id}")).await.status, 200);
    let used = api.state.media.kept_bytes(ONE).await.unwrap();
    assert_eq!(
        used,
        1_000_000 + u64::try_from(super::meta::PICTURE.len()).unwrap()
    );
}

#[actix_web::test]
async fn no_upload_is_taken_that_would_fill_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let files = crate::media::Files::in_folder(folder.path()).unwrap();
    let api = Api::start_with(Setup {
        files: files.keep_free(u64::MAX / 2),
        ..Setup::default()
    })
    .await;
    let refused = api
        .call("POST", "/v1/media?name=a.png")
        .header("Content-Type", "image/png")
        .body(super::meta::PICTURE.to_vec())
        .send()
        .await;
    assert_eq!(refused.outcome(), (503, "busy".to_owned()));
    let begun = json!({ "bytes": 700_000, "mime": "application/pdf" });
    let refused = api.post("/v1/uploads", &begun).await;
    assert_eq!(refused.outcome(), (503, "busy".to_owned()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
