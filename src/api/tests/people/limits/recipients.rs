//! Recipients of a broadcast, for members who are limited to some numbers.

use super::*;
use crate::api::tests::broadcasts::worked;
use crate::domain::BroadcastId;
use crate::domain::roles::Right;
use crate::store::tables::BroadcastState;

const ANA: &str = "628120001001";

#[actix_web::test]
async fn who_is_limited_sees_what_became_of_recipients_and_not_who_they_are() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    add_numbers(&api, &owner).await;
    let contact = json!({ "phone": format!("+{ANA}"), "given_name": "Ana Kartika" });
    owner.made(&api, "/v1/contacts", contact).await;
    let mut body = broadcast_of("101");
    let ask = json!([{ "type": "body", "parameters": [{ "type": "text", "text": { "from": "name", "fallback": "you" } }] }]);
    body["template"]["components"] = ask;
    let made = owner.made(&api, "/v1/broadcasts", body).await;
    let id = made["broadcast"]["broadcast_id"].as_str().unwrap();
    let path = format!("/v1/broadcasts/{id}");
    let file = owner
        .call(&api, "PUT", &format!("{path}/audience"))
        .header("Content-Type", "text/csv")
        .body(format!("phone\n+{ANA}\n+628120001002\n"));
    assert_eq!(file.send().await.status, 200);
    let planned = owner.send(&api, "POST", &format!("{path}/plan"), json!({})).await;
    assert_eq!(planned.status, 202, "{}", planned.json());
    let broadcast: BroadcastId = id.parse().unwrap();
    worked(&api, broadcast, |row| row.unwrap().state == BroadcastState::Ready).await;
    let recipients = format!("{path}/recipients?filled=true");
    let secrets = ["Ana Kartika", ANA, "628120001002", "template"];
    let all = text(&owner.get(&api, &recipients).await);
    for secret in secrets {
        assert!(all.contains(secret), "{secret}: {all}");
    }
    for role in LIMITED {
        if may(role, Guard::Managed(&[Scope::Read], Right::SeeBroadcasts)) != Some(true) {
            continue;
        }
        let who = limited(&api, &owner, role, json!({ "numbers": ["101"] })).await;
        let seen = who.get(&api, &recipients).await;
        assert_eq!(seen.status, 200);
        let rows = seen.json()["recipients"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 2, "{role:?}");
        assert!(rows.iter().all(|one| one["outcome"] == "planned"), "{role:?}");
        for secret in secrets {
            assert!(!text(&seen).contains(secret), "{role:?} sees {secret}");
        }
    }
}
