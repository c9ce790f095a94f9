//! What Graph answers.

use super::*;
use crate::clock::{Clock as _, SystemClock};

#[actix_web::test]
async fn each_refusal_has_metas_code_and_status() {
    let rig = Rig::start(SimulatorConfig {
        undeliverable: Refusal::AtOnce,
        ..quick()
    })
    .await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    rig.simulator
        .customer(&CustomerSpec {
            phone: Some("+16505550000".into()),
            on_whatsapp: Some(false),
            ..CustomerSpec::default()
        })
        .unwrap();
    let bsuid = rig.simulator.customer(&CustomerSpec::default()).unwrap().user_id;
    let text =
        |to: &str| json!({"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "x"}});
    let template = |name: &str| {
        json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
               "template": {"name": name, "language": {"code": "en_US"}}})
    };
    let cases = [
        ("to the number itself", text("+1 555 071 0000"), 400, 131_021),
        ("outside the window", text("+16505551234"), 400, 131_047),
        ("not on WhatsApp", text("+16505550000"), 400, 131_026),
        ("unknown template", template("nope"), 404, 132_001),
        ("paused template", template("paused_offer"), 400, 132_015),
        (
            "unknown media",
            json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "image", "image": {"id": "12"}}),
            400,
            131_053,
        ),
        (
            "a code to an id",
            json!({"messaging_product": "whatsapp", "recipient": bsuid, "type": "template", "template": {
                "name": "verification_code", "language": {"code": "en_US"}, "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
                    {"type": "button", "sub_type": "url", "index": "0",
                     "parameters": [{"type": "text", "text": "123456"}]}]}}),
            400,
            131_062,
        ),
        (
            "an unknown id",
            json!({"messaging_product": "whatsapp", "recipient": "US.1", "type": "text", "text": {"body": "x"}}),
            400,
            131_026,
        ),
        (
            "an unknown message marked as read",
            json!({"messaging_product": "whatsapp", "status": "read",
            "message_id": "wamid.nope"}),
            400,
            131_009,
        ),
    ];
    for (label, body, status, wanted) in cases {
        let (got, answer) = rig.post(&body).await;
        assert_eq!((got, code(&answer)), (status, wanted), "{label}: {answer}");
        assert_eq!(answer["error"]["type"], "OAuthException", "{label}");
        assert!(answer["error"]["fbtrace_id"].is_string(), "{label}");
    }
    let (status, answer) = rig.post_to("v25.0/999/messages", &text(CUSTOMER)).await;
    assert_eq!((status, code(&answer)), (400, 100));
    assert_eq!(answer["error"]["error_subcode"], 33);
    let answer = rig
        .client
        .post(format!("{}/{NUMBER}/messages", rig.simulator.url()))
        .bearer_auth("another")
        .body(text(CUSTOMER).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(code(&answer.json().await.unwrap()), 190);
    assert_eq!(rig.simulator.stats().graph.sends_accepted, 0);
}

#[actix_web::test]
async fn an_accepted_send_is_answered_as_meta_answers() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let (status, answer) = rig.send_text("+62 812-3456-7890", "hello", "t").await;
    assert_eq!(status, 200);
    assert_eq!(answer["messaging_product"], "whatsapp");
    assert_eq!(
        answer["contacts"],
        json!([{"input": "+62 812-3456-7890", "wa_id": "6281234567890"}])
    );
    let wamid = answer["messages"][0]["id"].as_str().unwrap();
    assert!(wamid.starts_with("wamid.HBg"));
    assert!(answer["messages"][0].get("message_status").is_none());
    let kept = rig.simulator.sends(&control::SendQuery {
        to: Some(CUSTOMER.into()),
        contains: Some("hello".into()),
        ..control::SendQuery::default()
    });
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].wamid, wamid);
    assert_eq!(kept[0].token.as_deref(), Some("t"));

    let (_, answer) = rig
        .post_to(
            &format!("{NUMBER}/messages"),
            &json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
                    "template": {"name": "hello_world", "language": {"code": "en_US"}}}),
        )
        .await;
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
}

#[actix_web::test]
async fn parameters_may_come_as_a_form_and_as_json_within_text() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let cards = json!([{"name": {"formatted_name": "Ana P", "first_name": "Ana"}}]).to_string();
    let (status, answer) = rig
        .post(
            &json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "contacts", "contacts": cards}),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    let answer = rig
        .client
        .post(format!("{}/v25.0/{NUMBER}/messages", rig.simulator.url()))
        .bearer_auth("simulated-access-token")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(
            "messaging_product=whatsapp&to=%2B6281234567890&type=text&text=%7B%22body%22%3A%22hi+there%22%7D",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let kept = rig.simulator.sends(&control::SendQuery {
        contains: Some("hi there".into()),
        ..control::SendQuery::default()
    });
    assert_eq!(kept.len(), 1);
}

#[actix_web::test]
async fn a_message_can_be_marked_as_read_and_typing_shown() {
    let rig = Rig::start(quick()).await;
    let wamid = rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let (status, answer) = rig
        .post(
            &json!({"messaging_product": "whatsapp", "status": "read", "message_id": wamid,
                      "typing_indicator": {"type": "text"}}),
        )
        .await;
    assert_eq!((status, answer), (200, json!({"success": true})));
    assert_eq!(rig.simulator.stats().graph.read_marks, 1);
}

#[actix_web::test]
async fn the_rate_counts_what_customers_write_too() {
    let mut config = quick();
    config.numbers[0].rate = 10;
    config.pair.interval_ms = 0;
    let rig = Rig::start(config).await;
    for _ in 0..6 {
        rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    }
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(code(&rig.send_text(CUSTOMER, "x", "t").await.1));
    }
    assert_eq!(codes, [0, 0, 0, 0, 130_429]);
}

#[actix_web::test]
async fn one_customer_cannot_be_written_to_without_end() {
    let mut config = quick();
    config.numbers[0].rate = 1_000;
    config.pair.burst = 3;
    let rig = Rig::start(config).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    rig.simulator.say_text("+16505551234", "hi").unwrap();
    let mut codes = Vec::new();
    for to in [CUSTOMER, CUSTOMER, CUSTOMER, CUSTOMER, "+16505551234"] {
        codes.push(code(&rig.send_text(to, "x", "t").await.1));
    }
    assert_eq!(codes, [0, 0, 0, 131_056, 0]);
}

#[actix_web::test]
async fn templates_are_listed_in_pages() {
    let rig = Rig::start(quick()).await;
    let (_, first) = rig
        .get("v25.0/102290129340398/message_templates?limit=10&fields=name,status")
        .await;
    assert_eq!(first["data"].as_array().unwrap().len(), 10);
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let (_, second) = rig
        .get(&format!(
            "v25.0/102290129340398/message_templates?limit=100&after={after}"
        ))
        .await;
    let names = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(first["data"][0].get("components").is_none());
    assert!(second["data"][0]["components"].is_array());
    assert!(second["paging"].get("next").is_none());
    assert!(names(&first).iter().all(|id| !names(&second).contains(id)));
    let (_, approved) = rig
        .get("102290129340398/message_templates?status=APPROVED&limit=1000")
        .await;
    assert_eq!(
        names(&approved).len() + 4,
        names(&first).len() + names(&second).len()
    );
}

#[actix_web::test]
async fn a_file_can_be_uploaded_sent_fetched_and_forgotten() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let form = reqwest::multipart::Form::new()
        .text("messaging_product", "whatsapp")
        .part(
            "file",
            reqwest::multipart::Part::bytes(b"\x89PNG picture".as_slice())
                .file_name("a.png")
                .mime_str("image/png")
                .unwrap(),
        );
    let answer = rig
        .client
        .post(format!("{}/v25.0/{NUMBER}/media", rig.simulator.url()))
        .bearer_auth("simulated-access-token")
        .multipart(form)
        .send()
        .await
        .unwrap();
    let id = answer.json::<Value>().await.unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let use_as = |kind: &str| {
        let mut body = json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": kind});
        body[kind] = json!({"id": id});
        body
    };
    assert_eq!(rig.post(&use_as("image")).await.0, 200);
    assert_eq!(code(&rig.post(&use_as("document")).await.1), 131_053);
    let (_, fields) = rig.get(&format!("v25.0/{id}")).await;
    assert_eq!(fields["mime_type"], "image/png");
    let url = fields["url"].as_str().unwrap();
    let anonymous = rig.client.get(url).send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
    let file = rig
        .client
        .get(url)
        .bearer_auth("simulated-access-token")
        .send()
        .await
        .unwrap();
    assert_eq!(&file.bytes().await.unwrap()[..], b"\x89PNG picture");
    let forgotten = rig
        .client
        .delete(format!("{}/v25.0/{id}", rig.simulator.url()))
        .bearer_auth("simulated-access-token")
        .send()
        .await
        .unwrap();
    assert_eq!(forgotten.status(), 200);
    assert_eq!(rig.get(&format!("v25.0/{id}")).await.0, 400);
}

#[actix_web::test]
async fn a_setup_check_finds_what_it_asks_for() {
    let rig = Rig::start(quick()).await;
    let (_, number) = rig
        .get(&format!(
            "v25.0/{NUMBER}?fields=status,quality_rating,throughput,webhook_configuration,\
             whatsapp_business_manager_messaging_limit"
        ))
        .await;
    assert_eq!(number["status"], "CONNECTED");
    assert_eq!(number["throughput"]["level"], "STANDARD");
    assert_eq!(number["webhook_configuration"]["application"], rig.receiver.url);
    let (_, token) = rig
        .get("v25.0/debug_token?input_token=simulated-access-token")
        .await;
    assert_eq!(token["data"]["is_valid"], true);
    assert_eq!(
        token["data"]["granular_scopes"][0]["target_ids"][0],
        "102290129340398"
    );
    let (_, apps) = rig.get("v25.0/102290129340398/subscribed_apps").await;
    assert_eq!(apps["data"].as_array().unwrap().len(), 1);
    let (_, numbers) = rig.get("v25.0/102290129340398/phone_numbers").await;
    assert_eq!(numbers["data"][0]["id"], NUMBER);
}

#[actix_web::test]
async fn an_override_takes_the_messages_of_its_number() {
    let rig = Rig::start(quick()).await;
    let other = Receiver::start();
    let (status, _) = rig
        .post_to(
            &format!("v25.0/{NUMBER}"),
            &json!({"webhook_configuration": {"override_callback_uri": other.url,
                    "verify_token": "simulated-verify-token"}}),
        )
        .await;
    assert_eq!(status, 200);
    let wamid = rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    assert_eq!(other.message().await["id"], wamid);
    assert!(rig.receiver.drain().await.is_empty());
}

#[actix_web::test]
async fn a_window_that_began_before_the_simulator_did_is_open_for_the_rest_of_its_day() {
    let rig = Rig::start(quick()).await;
    let now = SystemClock::new().now().as_secs();
    for (n, hours_ago, refused) in [(1, None, 131_047), (2, Some(23), 0), (3, Some(25), 131_047)] {
        let phone = format!("+628129999000{n}");
        rig.simulator
            .customer(&CustomerSpec {
                phone: Some(phone.clone()),
                wrote_at: hours_ago.map(|hours| now - hours * 3_600),
                ..CustomerSpec::default()
            })
            .unwrap();
        let (_, answer) = rig.send_text(&phone, "x", "t").await;
        assert_eq!(code(&answer), refused, "{hours_ago:?}: {answer}");
    }
}
