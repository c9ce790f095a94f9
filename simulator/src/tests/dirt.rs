//! Webhooks as bad as Meta allows itself, and worse.

use super::faults::rig_with;
use super::*;
use crate::control::SendQuery;

#[actix_web::test]
async fn a_send_without_statuses_stays_without() {
    let rig = rig_with(Faults {
        status_never: 1.0,
        ..Faults::default()
    })
    .await;
    rig.receiver.message().await;
    assert_eq!(rig.send_text(CUSTOMER, "x", "t").await.0, 200);
    assert!(rig.simulator.quiesce(Duration::from_secs(10)).await.quiet());
    assert!(rig.receiver.drain().await.is_empty());
}

#[actix_web::test]
async fn doubled_updates_come_twice() {
    let rig = Rig::start(SimulatorConfig {
        faults: Faults {
            duplicated: 1.0,
            reordered_by: Millis::none(),
            ..Faults::default()
        },
        ..quick()
    })
    .await;
    let wamid = rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    for _ in 0..2 {
        assert_eq!(rig.receiver.message().await["id"], wamid);
    }
}

#[actix_web::test]
async fn forged_webhooks_are_posted_once_and_a_gullible_gateway_is_caught() {
    for gullible in [false, true] {
        let receiver = Receiver::start_as(gullible);
        let simulator = start(SimulatorConfig {
            webhook_url: Some(receiver.url.clone()),
            faults: Faults {
                forged: 1.0,
                ..Faults::default()
            },
            ..quick()
        })
        .await
        .unwrap();
        for _ in 0..20 {
            simulator.say_text(CUSTOMER, "hi").unwrap();
        }
        let webhooks = simulator.quiesce(Duration::from_secs(10)).await;
        assert_eq!((webhooks.forged, receiver.badly_signed()), (20, 20));
        assert_eq!(webhooks.forged_accepted, if gullible { 20 } else { 0 });
        let report = simulator.report();
        assert_eq!(report.invariants[0].violations, if gullible { 20 } else { 0 });
    }
}

#[actix_web::test]
async fn foreign_messages_are_signed_well_and_for_another_number() {
    let rig = Rig::start(SimulatorConfig {
        faults: Faults {
            foreign: 1.0,
            ..Faults::default()
        },
        ..quick()
    })
    .await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    let numbers: Vec<String> = rig
        .receiver
        .drain()
        .await
        .iter()
        .map(|body| {
            body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(numbers.len(), 2);
    assert!(numbers.iter().any(|number| number != NUMBER));
    assert_eq!(rig.receiver.badly_signed(), 0);
}

#[actix_web::test]
async fn updates_are_joined_and_scattered_without_losing_any() {
    for scattered in [0.0, 1.0] {
        let receiver = Receiver::start();
        let mut config = quick();
        config.faults.scattered = scattered;
        config.numbers[0].rate = 1_000;
        let simulator = start(config).await.unwrap();
        // Held back until a callback is set, they are due together.
        let mut wanted: Vec<String> = (0..30)
            .map(|line| {
                simulator
                    .say_text(&format!("+6281234567{line:03}"), "hi")
                    .unwrap()
            })
            .collect();
        simulator
            .set_webhook(&control::WebhookTarget {
                url: Some(receiver.url.clone()),
                ..control::WebhookTarget::default()
            })
            .await
            .unwrap();
        simulator.quiesce(Duration::from_secs(10)).await;
        let bodies = receiver.drain().await;
        let entries: usize = bodies
            .iter()
            .map(|body| body["entry"].as_array().unwrap().len())
            .sum();
        let mut got: Vec<String> = bodies
            .iter()
            .flat_map(|body| receiver::items(body, "messages"))
            .map(|message| message["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(entries, if scattered > 0.5 { 30 } else { bodies.len() });
        assert!(bodies.len() < 5, "{} requests", bodies.len());
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted);
    }
}

#[actix_web::test]
async fn held_and_failing_templates_say_so() {
    let rig = rig_with(Faults {
        held: 1.0,
        failed_later: 1.0,
        ..Faults::default()
    })
    .await;
    let (_, answer) = rig
        .post(&json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
            "template": {"name": "weekend_news", "language": {"code": "en_US"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}}))
        .await;
    assert_eq!(
        answer["messages"][0]["message_status"],
        "held_for_quality_assessment"
    );
    let failed = rig.receiver.status("failed").await;
    assert_eq!(failed["errors"][0]["code"], 131_049);
}

fn weekend_news() -> Value {
    json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
        "template": {"name": "weekend_news", "language": {"code": "en_US"}, "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}})
}

#[actix_web::test]
async fn messages_that_are_held_fail_when_their_template_is_paused() {
    let mut config = SimulatorConfig {
        faults: Faults {
            held: 1.0,
            ..Faults::default()
        },
        ..quick()
    };
    config.statuses.held = Millis::between(60_000, 60_000);
    let rig = Rig::start(config).await;
    rig.post(&weekend_news()).await;
    let fate = TemplateFate {
        name: "weekend_news".to_owned(),
        language: "en_US".to_owned(),
        status: Some("PAUSED".to_owned()),
        ..TemplateFate::default()
    };
    rig.simulator.change_template(&fate).unwrap();
    let failed = rig.receiver.status("failed").await;
    assert_eq!(failed["errors"][0]["code"], 132_015);
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    assert!(
        rig.simulator
            .sends(&SendQuery::default())
            .iter()
            .all(|sent| sent.status.as_deref() == Some("failed")),
        "nothing else is told of them"
    );
}

#[actix_web::test]
async fn a_template_meets_its_fate_after_so_many_messages() {
    let rig = rig_with(Faults::default()).await;
    let fate = TemplateFate {
        name: "weekend_news".to_owned(),
        language: "en_US".to_owned(),
        status: Some("PAUSED".to_owned()),
        after_sends: Some(2),
        ..TemplateFate::default()
    };
    rig.simulator.change_template(&fate).unwrap();
    for _ in 0..2 {
        let (status, answer) = rig.post(&weekend_news()).await;
        assert_eq!(status, 200, "{answer}");
    }
    let (_, answer) = rig.post(&weekend_news()).await;
    assert_eq!(answer["error"]["code"], 132_015, "{answer}");
}

#[actix_web::test]
async fn a_number_that_is_flagged_is_told_without_its_quality() {
    let rig = rig_with(Faults::default()).await;
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    rig.receiver.drain().await;
    let fate = NumberFate {
        quality_rating: Some("RED".to_owned()),
        event: Some("FLAGGED".to_owned()),
        ..NumberFate::default()
    };
    rig.simulator.change_number(&fate).unwrap();
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    let bodies = rig.receiver.drain().await;
    let change = &bodies[0]["entry"][0]["changes"][0];
    assert_eq!(change["field"], "phone_number_quality_update");
    assert_eq!(change["value"]["event"], "FLAGGED");
    let display = change["value"]["display_phone_number"].as_str().unwrap();
    assert!(display.bytes().all(|byte| byte.is_ascii_digit()), "{display}");
}

#[actix_web::test]
async fn shares_of_sends_fail_each_with_its_own_code_and_some_customers_stop() {
    for (faults, capped, code) in [
        (
            Faults {
                errored_later: 1.0,
                ..Faults::default()
            },
            false,
            131_000,
        ),
        (
            Faults {
                unreachable_later: 1.0,
                ..Faults::default()
            },
            false,
            131_026,
        ),
        (Faults::default(), true, 131_049),
    ] {
        let rig = rig_with(faults).await;
        let customer = CustomerSpec {
            phone: Some(CUSTOMER.into()),
            capped: Some(capped),
            ..CustomerSpec::default()
        };
        rig.simulator.customer(&customer).unwrap();
        rig.post(&weekend_news()).await;
        let failed = rig.receiver.status("failed").await;
        assert_eq!(failed["errors"][0]["code"], code);
    }
    let rig = rig_with(Faults {
        stops_later: 1.0,
        ..Faults::default()
    })
    .await;
    rig.post(&weekend_news()).await;
    rig.receiver.status("delivered").await;
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    rig.post(&weekend_news()).await;
    let failed = rig.receiver.status("failed").await;
    assert_eq!(failed["errors"][0]["code"], 131_050);
}

#[actix_web::test]
async fn who_stops_marketing_says_so_and_gets_none() {
    let rig = rig_with(Faults::default()).await;
    rig.receiver.message().await;
    let with = |marketing| CustomerSpec {
        phone: Some(CUSTOMER.into()),
        marketing: Some(marketing),
        ..CustomerSpec::default()
    };
    for (marketing, value) in [(false, "stop"), (false, ""), (true, "resume")] {
        rig.simulator.customer(&with(marketing)).unwrap();
        rig.simulator.quiesce(Duration::from_secs(10)).await;
        let bodies = rig.receiver.drain().await;
        let told: Vec<&Value> = bodies
            .iter()
            .map(|body| &body["entry"][0]["changes"][0])
            .collect();
        if value.is_empty() {
            assert!(told.is_empty(), "nothing changed");
            continue;
        }
        assert_eq!(told[0]["field"], "user_preferences");
        assert_eq!(told[0]["value"]["user_preferences"][0]["value"], value);
        assert_eq!(told[0]["value"]["user_preferences"][0]["wa_id"], "6281234567890");
    }
    rig.simulator.customer(&with(false)).unwrap();
    let (_, answer) = rig
        .post(&json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
            "template": {"name": "weekend_news", "language": {"code": "en_US"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}}))
        .await;
    let failed = rig.receiver.status("failed").await;
    assert_eq!(failed["id"], answer["messages"][0]["id"]);
    assert_eq!(failed["errors"][0]["code"], 131_050);
}

#[actix_web::test]
async fn a_reset_forgets_what_was_and_keeps_where_webhooks_go() {
    let rig = rig_with(Faults {
        duplicated: 1.0,
        ..Faults::default()
    })
    .await;
    rig.receiver.message().await;
    rig.simulator.reset();
    assert_eq!(rig.simulator.faults(), Faults::default());
    assert_eq!(code(&rig.send_text(CUSTOMER, "x", "t").await.1), 131_047);
    let wamid = rig.simulator.say_text(CUSTOMER, "again").unwrap();
    assert_eq!(
        rig.receiver.find(|item| item["text"]["body"] == "again").await["id"],
        wamid
    );
    assert_eq!(rig.simulator.stats().inbound, 1);
}
