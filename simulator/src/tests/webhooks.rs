//! What arrives at the gateway.

use super::receiver::items;
use super::*;

#[actix_web::test]
async fn what_a_customer_says_arrives_signed_and_counts_as_acknowledged() {
    let rig = Rig::start(quick()).await;
    let wamid = rig.simulator.say_text(CUSTOMER, "Halo 👋").unwrap();
    let body = rig.receiver.body().await;
    assert_eq!(body["object"], "whatsapp_business_account");
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!(value["metadata"]["phone_number_id"], NUMBER);
    assert_eq!(value["metadata"]["display_phone_number"], "15550710000");
    let message = &value["messages"][0];
    assert_eq!(message["id"], wamid);
    assert_eq!(message["from"], "6281234567890");
    assert_eq!(message["text"]["body"], "Halo 👋");
    assert_eq!(value["contacts"][0]["wa_id"], "6281234567890");
    assert_eq!(value["contacts"][0]["user_id"], message["from_user_id"]);
    let webhooks = rig.simulator.quiesce(Duration::from_secs(10)).await;
    assert!(webhooks.quiet());
    assert_eq!(rig.simulator.stats().inbound_acknowledged, 1);
}

#[actix_web::test]
async fn a_send_is_reported_sent_delivered_and_read_with_its_token() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let (status, answer) = rig.send_text(CUSTOMER, "hello", "order 7").await;
    assert_eq!(status, 200, "{answer}");
    let wamid = answer["messages"][0]["id"].as_str().unwrap().to_owned();
    for step in ["sent", "delivered", "read"] {
        let found = rig.receiver.status(step).await;
        assert_eq!(found["id"], wamid.as_str());
        assert_eq!(found["biz_opaque_callback_data"], "order 7");
        assert_eq!(found["recipient_id"], "6281234567890");
        assert!(found["recipient_user_id"].as_str().unwrap().starts_with("ID."));
        assert_eq!(found.get("pricing").is_some(), step != "read");
        assert!(found.get("conversation").is_none());
    }
}

#[actix_web::test]
async fn a_webhook_is_repeated_until_it_is_answered_200() {
    let mut config = quick();
    config.webhooks.retry_ms = 1;
    config.webhooks.retry_max_ms = 5;
    let rig = Rig::start(config).await;
    for refusal in [500, 202] {
        rig.receiver.answer_with(refusal);
        let failed = rig.simulator.stats().webhooks.failed;
        let wamid = rig.simulator.say_text(CUSTOMER, "hi").unwrap();
        while rig.simulator.stats().webhooks.failed < failed + 3 {
            tokio::task::yield_now().await;
        }
        rig.receiver.answer_with(200);
        let message = rig.receiver.message().await;
        assert_eq!(message["id"], wamid, "after {refusal}");
    }
}

#[actix_web::test]
async fn a_webhook_is_given_up_after_its_last_attempt() {
    let mut config = quick();
    config.webhooks.attempts = 3;
    config.webhooks.retry_ms = 1;
    let rig = Rig::start(config).await;
    rig.receiver.answer_with(503);
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    let webhooks = rig.simulator.quiesce(Duration::from_secs(10)).await;
    assert_eq!((webhooks.posted, webhooks.abandoned), (3, 1));
    assert_eq!(rig.simulator.stats().inbound_acknowledged, 0);
}

#[actix_web::test]
async fn a_customer_without_a_shown_phone_is_known_by_id_alone() {
    let rig = Rig::start(quick()).await;
    let customer = rig
        .simulator
        .customer(&CustomerSpec {
            username: Some("ana.p".into()),
            name: Some("Ana".into()),
            ..CustomerSpec::default()
        })
        .unwrap();
    rig.simulator.say_text(&customer.user_id, "hi").unwrap();
    let body = rig.receiver.body().await;
    let value = &body["entry"][0]["changes"][0]["value"];
    assert!(value["messages"][0].get("from").is_none());
    assert_eq!(value["contacts"][0]["profile"]["username"], "ana.p");
    assert!(value["contacts"][0].get("wa_id").is_none());

    let (status, answer) = rig
        .post(
            &json!({"messaging_product": "whatsapp", "recipient": customer.user_id, "type": "text",
                      "text": {"body": "hello"}}),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    let contact = &answer["contacts"][0];
    assert_eq!(contact["user_id"], customer.user_id);
    assert!(contact.get("wa_id").is_none());
    let sent = rig.receiver.status("sent").await;
    assert!(sent.get("recipient_id").is_none());
    assert_eq!(sent["recipient_user_id"], customer.user_id);
}

#[actix_web::test]
async fn a_number_change_tells_old_and_new_identity() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text("+16505551234", "hi").unwrap();
    let before = rig.receiver.message().await;
    let after = rig
        .simulator
        .move_number(&control::MoveNumber {
            from: "+16505551234".into(),
            to: "+12195555358".into(),
            phone_number_id: None,
        })
        .unwrap();
    let body = rig.receiver.body().await;
    let value = &body["entry"][0]["changes"][0]["value"];
    assert!(value.get("contacts").is_none());
    let message = &value["messages"][0];
    assert_eq!(message["from"], "16505551234");
    assert_eq!(message["system"]["type"], "user_changed_number");
    assert_eq!(message["system"]["wa_id"], "12195555358");
    assert_eq!(message["system"]["user_id"], after.user_id);
    assert_eq!(message["system"]["previous_user_id"], before["from_user_id"]);
}

#[actix_web::test]
async fn a_failed_status_has_no_contacts_and_names_its_reason() {
    let rig = Rig::start(quick()).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    rig.receiver.message().await;
    rig.simulator
        .customer(&CustomerSpec {
            phone: Some(CUSTOMER.into()),
            on_whatsapp: Some(false),
            ..CustomerSpec::default()
        })
        .unwrap();
    assert_eq!(rig.send_text(CUSTOMER, "hello", "t").await.0, 200);
    let body = rig.receiver.body().await;
    assert!(body["entry"][0]["changes"][0]["value"].get("contacts").is_none());
    let status = &items(&body, "statuses")[0];
    assert_eq!(status["status"], "failed");
    assert_eq!(status["errors"][0]["code"], 131_026);
    assert_eq!(status["recipient_id"], "6281234567890");
    assert!(status.get("recipient_user_id").is_none());
}

#[actix_web::test]
async fn a_callback_must_echo_the_challenge() {
    let rig = Rig::start(quick()).await;
    rig.simulator.verify_webhook().await.unwrap();
    let wrong = control::WebhookTarget {
        url: Some(rig.receiver.url.clone()),
        verify_token: Some("another".into()),
        verify: true,
        ..control::WebhookTarget::default()
    };
    assert!(matches!(
        rig.simulator.set_webhook(&wrong).await,
        Err(SimulatorError::Callback { .. })
    ));
}

#[actix_web::test]
async fn webhooks_wait_for_a_callback_to_be_set() {
    let receiver = Receiver::start();
    let simulator = start(quick()).await.unwrap();
    let wamid = simulator.say_text(CUSTOMER, "hi").unwrap();
    let target = control::WebhookTarget {
        url: Some(receiver.url.clone()),
        ..control::WebhookTarget::default()
    };
    simulator.set_webhook(&target).await.unwrap();
    assert_eq!(receiver.message().await["id"], wamid);
}

#[actix_web::test]
async fn what_is_repeated_goes_to_the_callback_that_is_set_then() {
    let mut config = quick();
    config.webhooks.retry_ms = 1;
    config.webhooks.retry_max_ms = 5;
    let rig = Rig::start(config).await;
    rig.receiver.answer_with(503);
    let wamid = rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    while rig.simulator.stats().webhooks.failed < 2 {
        tokio::task::yield_now().await;
    }
    let elsewhere = Receiver::start();
    let target = control::WebhookTarget {
        url: Some(elsewhere.url.clone()),
        ..control::WebhookTarget::default()
    };
    rig.simulator.set_webhook(&target).await.unwrap();
    assert_eq!(elsewhere.message().await["id"], wamid);
}
