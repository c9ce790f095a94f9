//! Customers whom a number blocks.

use super::*;

const PATH: &str = "v25.0/106540352242922/block_users";

impl Rig {
    async fn blocks(&self, method: reqwest::Method, users: &[Value]) -> (u16, Value) {
        let answer = self
            .client
            .request(method, format!("{}/{PATH}", self.simulator.url()))
            .bearer_auth("simulated-access-token")
            .body(json!({"messaging_product": "whatsapp", "block_users": users}).to_string())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[actix_web::test]
async fn who_is_blocked_neither_writes_nor_is_written_to_until_it_is_lifted() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let user = [json!({"user": CUSTOMER})];
    let (status, answer) = rig.blocks(reqwest::Method::POST, &user).await;
    assert_eq!(status, 200, "{answer}");
    let added = &answer["block_users"]["added_users"];
    assert_eq!(added[0]["input"], CUSTOMER);
    assert_eq!(added[0]["wa_id"], "6281234567890");
    // Once more is the same.
    assert_eq!(rig.blocks(reqwest::Method::POST, &user).await.0, 200);

    assert!(rig.simulator.say_text(CUSTOMER, "hello?").is_err());
    let text =
        json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "text", "text": {"body": "x"}});
    let (status, answer) = rig.post(&text).await;
    assert_eq!((status, code(&answer)), (403, 130_403));
    let (_, list) = rig.get(PATH).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["wa_id"], "6281234567890");

    let (status, answer) = rig.blocks(reqwest::Method::DELETE, &user).await;
    assert_eq!(status, 200);
    assert_eq!(answer["block_users"]["removed_users"][0]["input"], CUSTOMER);
    rig.simulator.say_text(CUSTOMER, "hello again").unwrap();
    assert_eq!(rig.post(&text).await.0, 200);
    assert_eq!(rig.get(PATH).await.1["data"], json!([]));
}

#[actix_web::test]
async fn of_some_it_is_done_and_of_others_it_is_told_why_not() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let silent = json!({"user": "+16505551234"});
    let (status, answer) = rig
        .blocks(reqwest::Method::POST, &[json!({"user": CUSTOMER}), silent])
        .await;
    assert_eq!((status, code(&answer)), (400, 139_100));
    let list = &answer["block_users"];
    assert_eq!(list["added_users"].as_array().unwrap().len(), 1);
    assert_eq!(list["failed_users"][0]["input"], "+16505551234");
    assert_eq!(list["failed_users"][0]["errors"][0]["code"], 131_047);

    for (users, wanted) in [
        (vec![], 131_009),
        (vec![json!({})], 131_009),
        (vec![json!({"user_id": "US.ENT.11815799212886844830"})], 131_009),
        (vec![json!({"user": CUSTOMER}); 1_001], 131_009),
    ] {
        let (status, answer) = rig.blocks(reqwest::Method::POST, &users).await;
        assert_eq!((status, code(&answer)), (400, wanted), "{answer}");
    }
}
