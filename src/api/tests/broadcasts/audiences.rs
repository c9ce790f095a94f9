//! Whom a plan has.

use super::*;
use crate::domain::reach::UNREACHABLE;
use crate::domain::{Fence, MetaError};
use crate::store::op::{AttemptResult, Attempted, Op};
use crate::store::{ClaimOutcome, ClaimWant};

async fn contact(api: &Api, phone: &str, labels: &[&str], lists: &[&str]) -> ContactId {
    let body = json!({ "phone": format!("+{phone}"), "labels": labels, "lists": lists });
    let made = api.post("/v1/contacts", &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().parse().unwrap()
}

async fn segment(api: &Api, name: &str, filter: &str) -> String {
    let made = api
        .post("/v1/segments", &json!({ "name": name, "filter": filter }))
        .await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["segment_id"].as_str().unwrap().to_owned()
}

/// A broadcast from the tenant's number to somebody else than the rows of a file, planned.
async fn planned_for(api: &Api, audience: Value, exclude: Value) -> (BroadcastId, Value) {
    // The number, and one that nobody looks at.
    made(api).await;
    let mut body = broadcast_of(number(ONE).as_str());
    (body["audience"], body["exclude"]) = (audience, exclude);
    let made = api.post("/v1/broadcasts", &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = made.json()["broadcast"]["broadcast_id"].clone();
    let id = id.as_str().unwrap().parse().unwrap();
    let plan = planned(api, id).await;
    (id, plan)
}

#[actix_web::test]
async fn a_segment_is_sent_to_without_who_is_in_a_list_or_a_segment_that_is_left_out() {
    let api = Api::start().await;
    let list = api.post("/v1/lists", &json!({ "name": "staff" })).await;
    assert_eq!(list.status, 201, "{}", list.json());
    let staff = list.json()["list_id"].as_str().unwrap().to_owned();
    let ana = contact(&api, ANA, &["vip"], &[]).await;
    let bob = contact(&api, BOB, &["vip"], &[&staff]).await;
    let eva = contact(&api, "628120001003", &["vip", "late"], &[]).await;
    let both = contact(&api, "628120001004", &["vip", "late"], &[&staff]).await;
    contact(&api, "628120001005", &[], &[]).await;
    let vips = segment(&api, "vips", "label = \"vip\"").await;
    let late = segment(&api, "late", "label = \"late\"").await;
    let audience = json!({ "type": "segment", "segment_id": vips });
    let exclude = json!({ "lists": [staff], "segments": [late] });
    let (id, plan) = planned_for(&api, audience, exclude).await;
    assert_eq!(
        (&plan["total"], &plan["recipients"]),
        (&json!(4), &json!(1)),
        "{plan}"
    );
    assert_eq!(plan["suppressed"], json!({ "excluded": 3 }));
    let page = api.get(&format!("/v1/broadcasts/{id}/recipients")).await.json();
    for one in page["recipients"].as_array().unwrap() {
        let who: ContactId = one["contact_id"].as_str().unwrap().parse().unwrap();
        if who == ana {
            assert_eq!(one["outcome"], "planned", "{one}");
        } else {
            assert!([bob, eva, both].contains(&who), "{one}");
            assert_eq!(
                (&one["outcome"], &one["reason"]),
                (&json!("suppressed"), &json!("excluded"))
            );
        }
    }
}

/// A message did not reach somebody, so long ago.
async fn missed(api: &Api, phone: &str, ago: Duration) {
    let message = json!({ "to": format!("+{phone}"), "type": "text", "text": { "body": "halo" } });
    let sent = api.post("/v1/messages", &message).await;
    assert_eq!(sent.status, 202, "{}", sent.json());
    let want = ClaimWant {
        number: number(ONE),
        message: sent.json()["message_id"].as_str().unwrap().parse().unwrap(),
        attempt: 0,
    };
    let claimed = api.store.claim(ONE, Fence::new(1), vec![want], NOW).await;
    let Some(ClaimOutcome::Granted(claim)) = claimed.unwrap().pop() else {
        panic!("not granted")
    };
    let error = MetaError {
        code: UNREACHABLE,
        title: "Message undeliverable".into(),
        details: None,
    };
    let attempted = Attempted {
        token: claim.token,
        number: number(ONE),
        at: NOW.before(ago),
        result: AttemptResult::Refused { error },
        recipient: ContactAliases::default(),
    };
    api.core.commit(ONE, Op::Attempted(attempted)).await;
}

#[actix_web::test]
async fn who_could_not_be_reached_lately_is_left_out_and_who_could_not_long_ago_is_tried() {
    let api = Api::start().await;
    let ana = contact(&api, ANA, &[], &[]).await;
    contact(&api, BOB, &[], &[]).await;
    contact(&api, "628120001003", &[], &[]).await;
    let day = |days: u64| Duration::from_hours(24 * days);
    missed(&api, ANA, day(29)).await;
    missed(&api, BOB, day(31)).await;
    let shown = api.get(&format!("/v1/contacts/{ana}")).await.json();
    let mark = json!({ "at": NOW.before(day(29)), "code": 131_026 });
    assert_eq!(shown["contact"]["unreachable"], mark);
    let all = segment(&api, "all", "").await;
    let audience = json!({ "type": "segment", "segment_id": all });
    let (_, plan) = planned_for(&api, audience, json!({})).await;
    assert_eq!(plan["suppressed"], json!({ "unreachable": 1 }), "{plan}");
    assert_eq!(plan["recipients"], 2);
    let found = api
        .post("/v1/contacts/count", &json!({ "filter": "unreachable" }))
        .await;
    assert_eq!(found.json()["count"], 2, "{}", found.json());
}
