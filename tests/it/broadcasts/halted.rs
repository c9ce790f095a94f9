//! What changed since the plan, or the launch: deleted after a cancel, held after a restore, and marketing that was none.

use mesej_simulator::TemplateFate;
use mesej_simulator::control::SendQuery;
use reqwest::Method;
use serde_json::json;

use super::{NAME, definition, launched, list_of, made, phone, planned, sends, started, until_state};
use crate::gateway::{TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    one_that_was_cancelled_is_deleted_at_once_and_sends_nothing_more,
    a_template_that_becomes_marketing_after_the_plan_goes_to_nobody_who_stopped_it,
}

async fn one_that_was_cancelled_is_deleted_at_once_and_sends_nothing_more(kept: Kept) {
    let gateway = started(kept, 5).await;
    let list = list_of(&gateway, 40).await;
    let audience = json!({ "type": "list", "list_id": list });
    let path = made(&gateway, &definition(&audience, &json!("5%"))).await;
    planned(&gateway, &path).await;
    launched(&gateway, &path).await;
    let all = || gateway.meta.sends(&SendQuery::default()).len();
    until("some are sent", || async { (all() >= 2).then_some(()) }).await;
    let (status, _) = gateway.post(&format!("{path}/cancel"), None, &json!({})).await;
    assert_eq!(status, 200);
    let (status, _) = gateway.ask(Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, 200);
    // A reply on the same number goes out behind all that would have gone.
    gateway.customer_says("hello").await;
    let reply = gateway.send_text("at once").await;
    gateway.until_state(&reply, "read").await;
    let sent = all();
    assert!(sent < 20, "{sent} were sent");
    let gateway = gateway.restart().await;
    let reply = gateway.send_text("once more").await;
    gateway.until_state(&reply, "read").await;
    let after = gateway.meta.sends(&SendQuery::default()).len();
    assert_eq!(after, sent + 1);
    gateway.stop().await;
}

/// Meta takes the template for something else, and the gateway knows.
async fn recategorised(gateway: &TestGateway, category: &str) {
    let fate = TemplateFate {
        name: NAME.to_owned(),
        language: "en_US".to_owned(),
        category: Some(category.to_owned()),
        ..TemplateFate::default()
    };
    gateway.meta.change_template(&fate).unwrap();
    until("the gateway knows of it", || async {
        let (_, listed) = gateway.get("/v1/templates").await;
        let mut all = listed["templates"].as_array()?.iter();
        all.any(|one| one["name"] == NAME && one["category"] == category)
            .then_some(())
    })
    .await;
}

async fn a_template_that_becomes_marketing_after_the_plan_goes_to_nobody_who_stopped_it(kept: Kept) {
    let gateway = started(kept, 200).await;
    recategorised(&gateway, "UTILITY").await;
    let list = list_of(&gateway, 4).await;
    gateway.meta.say_text(&phone(0), "stop").unwrap();
    gateway.in_history("stop").await;
    let audience = json!({ "type": "list", "list_id": list });
    let path = made(&gateway, &definition(&audience, &json!("5%"))).await;
    let ready = planned(&gateway, &path).await;
    assert_eq!(ready["plan"]["recipients"], 4, "it is no marketing: {ready}");
    recategorised(&gateway, "MARKETING").await;
    launched(&gateway, &path).await;
    let done = until_state(&gateway, &path, "done").await;
    assert_eq!(done["counts"]["suppressed"], json!({ "opted_out": 1 }), "{done}");
    assert_eq!(sends(&gateway, &phone(0)), 0);
    assert_eq!((1..4).map(|n| sends(&gateway, &phone(n))).sum::<usize>(), 3);
    gateway.stop().await;
}

#[actix_web::test]
async fn after_a_restore_nobody_gets_one_again_before_somebody_says_so() {
    let kept = Kept::in_a_folder();
    let folder = kept.folder().join("data");
    let gateway = started(kept, 10).await;
    let list = list_of(&gateway, 30).await;
    let audience = json!({ "type": "list", "list_id": list });
    let path = made(&gateway, &definition(&audience, &json!("5%"))).await;
    planned(&gateway, &path).await;
    launched(&gateway, &path).await;
    let all = || gateway.meta.sends(&SendQuery::default()).len();
    until("some are sent", || async { (all() >= 3).then_some(()) }).await;
    // What a start with `--accept-loss` leaves for the one that settles it.
    std::fs::write(folder.join("loss-accepted"), "0").unwrap();
    let gateway = gateway.restart().await;
    let held = until_state(&gateway, &path, "paused").await;
    assert_eq!(held["problem"]["code"], "restored", "{held}");
    let (status, _) = gateway.post(&format!("{path}/resume"), None, &json!({})).await;
    assert_eq!(status, 200);
    until_state(&gateway, &path, "done").await;
    for n in 0..30 {
        assert!(sends(&gateway, &phone(n)) <= 1, "recipient {n}");
    }
    gateway.stop().await;
}
