use serde_json::{Value, json};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

impl Api {
    async fn retention(&self, method: &str, rest: &str, body: &Value) -> Answer {
        let path = format!("/v1/admin/tenants/{ONE}/retention{rest}");
        self.as_admin(method, &path).json(body).send().await
    }

    async fn shown(&self) -> Value {
        let path = format!("/v1/admin/tenants/{ONE}/retention");
        self.as_admin("GET", &path).send().await.json()
    }
}

/// A message each day for ten days, kept for a year.
async fn ten_days() -> Api {
    let api = Api::start().await;
    for n in 0..10 {
        api.customer_writes(ONE, "628123456789", &format!("halo {n}"))
            .await;
        api.clock.advance(DAY);
    }
    api
}

#[actix_web::test]
async fn a_change_is_previewed_asked_for_and_followed() {
    let api = ten_days().await;
    assert_eq!(
        api.shown().await,
        json!({ "retention_days": 365, "change": null })
    );
    let preview = api
        .retention("POST", "/preview", &json!({ "days": 4 }))
        .await
        .json();
    let day = |n: u32| json!(NOW.after(DAY * n));
    assert_eq!((&preview["messages"], &preview["gone"]), (&json!(10), &json!(7)));
    assert_eq!(
        (&preview["gone_oldest"], &preview["gone_newest"]),
        (&day(0), &day(6))
    );
    assert_eq!(
        (&preview["ends_first"], &preview["ends_last"]),
        (&day(11), &day(13))
    );
    assert_eq!(preview["next_cursor"], Value::Null);

    let asked = api.retention("PUT", "", &json!({ "days": 4 })).await;
    assert_eq!(
        (asked.status, &asked.json()["change"]["state"]),
        (202, &json!("waiting"))
    );
    assert_eq!(
        api.core.told.lock().unwrap().pop().unwrap(),
        format!("tenant {ONE}")
    );
    let now = api.clock_now();
    let step = api.store.step_retention(ONE, now, 4).await.unwrap().unwrap();
    assert_eq!((step.messages, step.finished), (4, None));
    let running = api.shown().await;
    assert_eq!(running["change"]["state"], "running");
    assert_eq!(running["change"]["conversations_of"], 1);
    let again = api.retention("PUT", "", &json!({ "days": 4 })).await;
    assert_eq!((again.status, again.json()), (200, running));

    while api
        .store
        .step_retention(ONE, now, 4)
        .await
        .unwrap()
        .unwrap()
        .finished
        .is_none()
    {}
    let done = api.shown().await;
    assert_eq!(done["retention_days"], 4);
    let change = &done["change"];
    assert_eq!(
        (&change["state"], &change["messages_removed"]),
        (&json!("done"), &preview["gone"])
    );
    assert_eq!(change["messages_moved"], 3);
    assert_eq!(change["finished"], json!(now));
}

#[actix_web::test]
async fn whoever_keeps_messages_longer_hears_that_nothing_comes_back() {
    let api = ten_days().await;
    for (days, said) in [(400, "What ended before cannot"), (30, "What goes cannot")] {
        for (method, rest) in [("POST", "/preview"), ("PUT", "")] {
            let answer = api.retention(method, rest, &json!({ "days": days })).await.json();
            let note = answer["note"].as_str().or(answer["change"]["note"].as_str());
            assert!(note.unwrap().starts_with(said), "{answer}");
        }
    }
}

#[actix_web::test]
async fn a_change_that_cannot_be_meant_is_refused() {
    let api = Api::start().await;
    for (body, said) in [
        (json!({ "days": 0 }), "retention is 1 to 1826 days"),
        (json!({ "days": 2_000 }), "retention is 1 to 1826 days"),
        (json!({}), "`days` is missing"),
        (json!({ "day": 4 }), "`days` is missing"),
        (json!({ "days": 4, "now": true }), "unknown field `now`"),
    ] {
        let answer = api.retention("PUT", "", &body).await;
        assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));
        assert!(
            answer.json()["error"]["message"].as_str().unwrap().contains(said),
            "{body}"
        );
    }
    let cursor = json!({ "days": 4, "cursor": "here" });
    assert_eq!(api.retention("POST", "/preview", &cursor).await.status, 400);
    for (method, path) in [
        ("GET", "retention"),
        ("PUT", "retention"),
        ("POST", "retention/preview"),
    ] {
        let path = format!("/v1/admin/tenants/00000000000000ff/{path}");
        let answer = api
            .as_admin(method, &path)
            .json(&json!({ "days": 4 }))
            .send()
            .await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(api.shown().await["change"], Value::Null);
}
