//! Segments, filters in words, counts.

use serde_json::{Value, json};

use super::*;
use crate::domain::{ContactChange, ContactLabel};
use crate::store::op::{Audience, ChangeContact, Whom};

async fn label(api: &Api, tenant: TenantId, phone: &str, label: &str) {
    let change = ChangeContact {
        who: Whom::Named(ContactAliases::of([Alias::phone(phone).unwrap()])),
        changes: vec![ContactChange::AddLabel(label.parse::<ContactLabel>().unwrap())],
        by: crate::domain::Author::BusinessApp,
        audience: Audience::Nobody,
    };
    api.core.commit(tenant, Op::ChangeContact(Box::new(change))).await;
}

async fn count(api: &Api, body: Value) -> u64 {
    let mut body = body;
    let mut count = 0;
    loop {
        let answer = api.post("/v1/contacts/count", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        let page = answer.json();
        count += page["count"].as_u64().unwrap();
        if page["next_cursor"].is_null() {
            return count;
        }
        body["cursor"] = page["next_cursor"].clone();
    }
}

#[actix_web::test]
async fn a_segment_is_kept_in_its_one_form_and_told_in_words() {
    let api = Api::start().await;
    let made = api
        .post(
            "/v1/segments",
            &json!({ "name": "Best", "filter": "label=\"vip\" AND (not opted_out)" }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.json());
    let segment = made.json();
    assert_eq!(segment["filter"], "label = \"vip\" and not opted_out");
    assert_eq!(
        segment["words"],
        "contacts with the label “vip” and who have not stopped marketing"
    );
    let path = format!("/v1/segments/{}", segment["segment_id"].as_str().unwrap());
    let change = json!({ "name": "All", "filter": "" });
    let changed = api.call("PUT", &path).json(&change).send().await;
    assert_eq!(
        (changed.status, &changed.json()["words"]),
        (200, &json!("all contacts"))
    );
    let list = api.get("/v1/segments").await.json();
    assert_eq!(list["segments"], json!([changed.json()]));
    let theirs = api.plain("DELETE", &path).bearer(&api.other_key).send().await;
    assert_eq!(theirs.outcome(), (404, "not_found".to_owned()));
    assert_eq!(api.call("DELETE", &path).send().await.status, 200);
    for method in ["PUT", "DELETE"] {
        let gone = api.call(method, &path).json(&change).send().await;
        assert_eq!(gone.outcome(), (404, "not_found".to_owned()), "{method}");
    }
}

#[actix_web::test]
async fn a_filter_that_cannot_be_read_says_where() {
    let api = Api::start().await;
    let body = json!({ "filter": "label = \"é\" or lbl" });
    for path in ["/v1/segments/explain", "/v1/contacts/count"] {
        let refused = api.post(path, &body).await;
        assert_eq!(refused.outcome(), (422, "invalid_filter".to_owned()), "{path}");
        assert_eq!(refused.json()["error"]["position"], 18, "{path}");
    }
    let explained = api
        .post("/v1/segments/explain", &json!({ "filter": "number = \"101\"" }))
        .await
        .json();
    assert!(
        explained["words"]
            .as_str()
            .unwrap()
            .starts_with("contacts with a conversation on the number ")
    );
}

#[actix_web::test]
async fn a_count_goes_on_until_it_has_counted_all() {
    let api = Api::start().await;
    for n in 0..30 {
        let vip = if n % 3 == 0 { "vip" } else { "other" };
        label(&api, ONE, &format!("62812345{n:04}"), vip).await;
        label(&api, OTHER, &format!("62812345{n:04}"), "vip").await;
    }
    let number = json!({
        "phone_number_id": "101", "waba_id": "102290129340398", "display_phone_number": "+62 812",
        "access_token": "EAAG-secret",
    });
    let numbers = format!("/v1/admin/tenants/{ONE}/numbers");
    assert_eq!(
        api.as_admin("POST", &numbers).json(&number).send().await.status,
        201
    );
    api.conversation_of(ONE, "628123450000").await;
    assert_eq!(count(&api, json!({})).await, 30);
    assert_eq!(count(&api, json!({ "filter": "label = \"VIP\"" })).await, 10);
    assert_eq!(
        count(&api, json!({ "filter": "label = \"vip\" or label = \"other\"" })).await,
        30
    );
    assert_eq!(count(&api, json!({ "filter": "label != \"vip\"" })).await, 20);
    assert_eq!(count(&api, json!({ "filter": "has conversation" })).await, 1);
    assert_eq!(
        count(&api, json!({ "filter": "last_active < 1h and label = \"vip\"" })).await,
        1
    );
    assert_eq!(count(&api, json!({ "filter": "not has conversation" })).await, 29);
    let segment = json!({ "name": "Best", "filter": "label = \"vip\"" });
    let segment = api.post("/v1/segments", &segment).await.json()["segment_id"].clone();
    assert_eq!(count(&api, json!({ "segment": segment })).await, 10);
    assert_eq!(
        count(&api, json!({ "segment": segment, "filter": "has conversation" })).await,
        1
    );
    let none = api
        .post("/v1/contacts/count", &json!({ "segment": "0".repeat(32) }))
        .await;
    assert_eq!(none.outcome(), (404, "not_found".to_owned()));
    let wrong = api.post("/v1/contacts/count", &json!({ "cursor": "x" })).await;
    assert_eq!(wrong.outcome(), (400, "invalid_request".to_owned()));
}

#[actix_web::test]
async fn a_filter_names_what_is_there_and_a_segment_whose_attribute_is_gone_means_nobody() {
    let api = Api::start().await;
    label(&api, ONE, "628123450001", "vip").await;
    for (path, key) in [
        ("/v1/contacts/count", "filter"),
        ("/v1/segments/explain", "filter"),
    ] {
        let refused = api.post(path, &json!({ key: "attribute.nosuch != \"x\"" })).await;
        assert_eq!(refused.outcome(), (422, "invalid_filter".to_owned()), "{path}");
        assert_eq!(refused.json()["error"]["position"], 0);
    }
    for path in ["/v1/contacts?filter=", "/v1/contacts/export?filter="] {
        let refused = api.get(&format!("{path}not%20(nosuch%20%3D%20%22x%22)")).await;
        assert_eq!(refused.outcome(), (422, "invalid_filter".to_owned()), "{path}");
    }
    let plan = json!({ "name": "Plan", "type": "text" });
    let made = api.call("PUT", "/v1/attributes/plan").json(&plan).send().await;
    assert_eq!(made.status, 201);
    let kept = json!({ "name": "Stays", "filter": "plan != \"cancelled\"" });
    let segment = api.post("/v1/segments", &kept).await.json();
    assert_eq!(segment["problem"], Value::Null);
    let body = json!({ "segment": segment["segment_id"] });
    assert_eq!(count(&api, body.clone()).await, 1);
    assert_eq!(api.call("DELETE", "/v1/attributes/plan").send().await.status, 200);
    assert_eq!(count(&api, body).await, 0, "not everybody");
    let shown = api.get("/v1/segments").await.json()["segments"][0].clone();
    assert_eq!(shown["problem"], "there is no attribute `plan`");
    assert_eq!(
        (&shown["words"], &shown["filter"]),
        (&Value::Null, &segment["filter"])
    );
}

#[actix_web::test]
async fn a_program_that_acts_as_a_member_is_meant_by_me_and_one_that_does_not_is_told() {
    let api = Api::start().await;
    let refused = api
        .post("/v1/contacts/count", &json!({ "filter": "owner = me" }))
        .await;
    assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
}
