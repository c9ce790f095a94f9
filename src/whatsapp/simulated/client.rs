//! The gateway's client and number check against Graph as the simulator has it.

use std::collections::HashSet;
use std::sync::Arc;

use super::*;
use crate::domain::{
    Alias, AttemptToken, ContactAliases, ConversationId, MessageId, PhoneNumberId, SystemClock, TenantId,
    WabaId,
};
use crate::whatsapp::client::{
    Acceptance, AmbiguousCause, BearerToken, BlockCall, BlockChange, Graph as _, GraphClient, GraphError,
    GraphNumbers as _, GraphSettings, NotAcceptedCause, SendCall, SendResult,
};
use crate::whatsapp::number_check::{Verdict, Wanted, check_number};
use crate::whatsapp::payload::{Recipient, payload, with_token};
use crate::whatsapp::webhook::{Element, parse};
use mesej_simulator::{ChatterConfig, StormKind, Storms, control};

fn token() -> AttemptToken {
    AttemptToken {
        tenant: TenantId::new(7),
        conversation: ConversationId::from_bytes([1; 16]),
        message: MessageId::from_bytes([2; 16]),
        attempt: 1,
    }
}

pub(super) fn graph(rig: &Rig) -> GraphClient {
    let mut settings = GraphSettings::new(rig.simulator.url(), "v25.0");
    settings.total_timeout = Duration::from_millis(500);
    GraphClient::new(settings, Arc::new(SystemClock::new())).unwrap()
}

pub(super) fn bearer() -> BearerToken {
    BearerToken::parse("simulated-access-token").unwrap()
}

async fn send(rig: &Rig) -> SendResult {
    let customer = ContactAliases::of(Alias::phone(CUSTOMER));
    let content = crate::domain::Content::text("hello");
    let body = payload(&content, Recipient::Contact(&customer)).unwrap();
    let call = SendCall {
        number: PhoneNumberId::parse(NUMBER).unwrap(),
        token: bearer(),
        body: with_token(&body, &token()),
    };
    graph(rig).send(call).await
}

async fn rig_with(faults: Faults) -> Rig {
    let rig = Rig::start(SimulatorConfig { faults, ..quick() }).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    rig
}

#[actix_web::test]
async fn the_gateway_reads_every_webhook_that_customers_cause() {
    let mut config = quick();
    config.numbers[0].rate = 10_000;
    config.faults.scattered = 0.2;
    let rig = Rig::start(config).await;
    rig.simulator
        .set_chatter(ChatterConfig {
            rate: 2_000.0,
            customers: 100,
            ..ChatterConfig::default()
        })
        .unwrap();
    let mut wamids = HashSet::new();
    while wamids.len() < 500 {
        for element in parse(&rig.webhook().await).unwrap().elements {
            match element {
                Element::Message(message) => {
                    assert!(message.name.is_some(), "{:?}", message.content);
                    assert!(wamids.insert(message.wamid));
                }
                other => panic!("no message: {other:?}"),
            }
        }
    }
}

#[actix_web::test]
async fn the_gateway_reads_statuses_with_its_token_and_a_change_of_number() {
    let rig = rig_with(Faults::default()).await;
    let SendResult::Accepted {
        wamid, acceptance, ..
    } = send(&rig).await
    else {
        panic!("accepted")
    };
    assert_eq!(acceptance, Acceptance::Sending);
    rig.simulator
        .move_number(&control::MoveNumber {
            from: CUSTOMER.into(),
            to: "+6281299999999".into(),
            phone_number_id: None,
        })
        .unwrap();
    let (mut states, mut moved) = (Vec::new(), false);
    while states.len() < 3 || !moved {
        for element in parse(&rig.webhook().await).unwrap().elements {
            match element {
                Element::Status(status) => {
                    assert_eq!(status.token, Some(token()));
                    assert_eq!(status.wamid, wamid);
                    states.push(status.state.as_str());
                }
                Element::Message(message) => moved |= message.identity_change.is_some(),
                other => panic!("neither: {other:?}"),
            }
        }
    }
    assert_eq!(states, ["sent", "delivered", "read"]);
}

#[actix_web::test]
async fn a_customer_is_blocked_and_why_not_is_told() {
    let rig = rig_with(Faults::default()).await;
    let call = |change, phone: &str| BlockCall {
        number: PhoneNumberId::parse(NUMBER).unwrap(),
        token: bearer(),
        change,
        who: Alias::phone(phone).unwrap(),
    };
    let graph = graph(&rig);
    assert_eq!(graph.block(call(BlockChange::Block, CUSTOMER)).await, Ok(()));
    assert!(matches!(send(&rig).await, SendResult::Refused { .. }));
    assert_eq!(graph.block(call(BlockChange::Unblock, CUSTOMER)).await, Ok(()));
    assert!(matches!(send(&rig).await, SendResult::Accepted { .. }));
    // Only who wrote within a day. What counts is what is said of the customer, not of the call.
    let refused = graph.block(call(BlockChange::Block, "+16505551234")).await;
    let Err(GraphError::Refused { http_status, error }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((http_status, error.code), (400, 131_047));
}

#[actix_web::test]
async fn the_gateway_tells_each_fault_for_what_it_proves() {
    let none = Faults::default();
    let storm = |kind| Faults {
        storms: Some(Storms {
            every_ms: 1_000_000,
            for_ms: 1_000_000,
            kind,
        }),
        ..none
    };
    let broken = Some(AmbiguousCause::Broken);
    let server = Some(AmbiguousCause::ServerError);
    for (label, faults, doubt) in [
        (
            "5xx before",
            Faults {
                error_before: 1.0,
                ..none
            },
            server,
        ),
        (
            "5xx after",
            Faults {
                error_after: 1.0,
                ..none
            },
            server,
        ),
        (
            "reset before",
            Faults {
                reset_before: 1.0,
                ..none
            },
            broken,
        ),
        (
            "reset after",
            Faults {
                reset_after: 1.0,
                ..none
            },
            broken,
        ),
        (
            "hang",
            Faults {
                hang_after: 1.0,
                ..none
            },
            Some(AmbiguousCause::Timeout),
        ),
        (
            "garbled",
            Faults {
                garbled_after: 1.0,
                ..none
            },
            Some(AmbiguousCause::Unreadable),
        ),
        (
            "throttled",
            Faults {
                throttled: 1.0,
                ..none
            },
            None,
        ),
        (
            "too many",
            Faults {
                too_many: 1.0,
                ..none
            },
            None,
        ),
        (
            "pair",
            Faults {
                pair_limited: 1.0,
                ..none
            },
            None,
        ),
        ("storm", storm(StormKind::Throttled), None),
        ("maintenance", storm(StormKind::Maintenance), None),
    ] {
        let rig = rig_with(faults).await;
        match (send(&rig).await, doubt) {
            (SendResult::Ambiguous { cause, .. }, Some(wanted)) => assert_eq!(cause, wanted, "{label}"),
            (SendResult::NotAccepted { cause, .. }, None) => {
                assert_ne!(cause, NotAcceptedCause::NoConnection, "{label}");
            }
            (other, _) => panic!("{label}: {other:?}"),
        }
        rig.simulator.stop().await;
    }
}

#[actix_web::test]
async fn the_gateway_finds_the_number_ready_and_a_missing_subscription_at_fault() {
    let mut config = quick();
    config.numbers[0].rate = 80;
    let rig = Rig::start(config).await;
    let number = PhoneNumberId::parse(NUMBER).unwrap();
    let waba = WabaId::parse("102290129340398").unwrap();
    let graph = graph(&rig);
    let look = async || {
        let facts = graph.describe_number(&number, &bearer()).await.unwrap();
        let apps = graph.subscribed_apps(&waba, &bearer()).await.unwrap();
        let wanted = Wanted {
            number: &number,
            per_second: 80,
            callback: Some(&rig.callback),
            app: Some("main"),
            apps: &["main".into()],
        };
        check_number(&facts, &apps, wanted)
            .into_iter()
            .filter(|check| check.verdict != Verdict::Good)
            .collect::<Vec<_>>()
    };
    assert_eq!(look().await, []);
    reqwest::Client::builder()
        .build()
        .unwrap()
        .delete(format!("{}/102290129340398/subscribed_apps", rig.simulator.url()))
        .bearer_auth("simulated-access-token")
        .send()
        .await
        .unwrap();
    assert!(!look().await.is_empty());
    graph.subscribe_app(&waba, &bearer()).await.unwrap();
    assert_eq!(look().await, []);
}
