//! Messages that are changed, and messages that go past the gateway, with Meta's own limits.

use super::*;
use crate::domain::{Clock as _, SystemClock};
use crate::whatsapp::webhook::{Element, parse};
use mesej_simulator::control::Say;
use mesej_simulator::{Echo, Import, Imported, Standby, WrittenBy};

fn edit(original: &str, body: &str) -> Map<String, Value> {
    let message = json!({ "type": "text", "text": { "body": body } });
    let edit = json!({ "original_message_id": original, "message": message });
    fields(json!({ "type": "edit", "edit": edit }))
}

fn revoke(original: &str) -> Map<String, Value> {
    fields(json!({ "type": "revoke", "revoke": { "original_message_id": original } }))
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn says(from: &str, message: Map<String, Value>) -> Say {
    Say {
        from: from.to_owned(),
        message: Some(message),
        ..Say::default()
    }
}

async fn read(rig: &Rig) -> Vec<Element> {
    parse(&rig.webhook().await).unwrap().elements
}

#[actix_web::test]
async fn a_customer_changes_what_it_wrote_and_nothing_else() {
    let rig = Rig::start(quick()).await;
    let wamid = rig.simulator.say_text(CUSTOMER, "one").unwrap();
    read(&rig).await;
    rig.simulator.say(&says(CUSTOMER, edit(&wamid, "two"))).unwrap();
    let [Element::Message(edited)] = &read(&rig).await[..] else {
        panic!("no message")
    };
    assert_eq!(edited.amends.as_ref().unwrap().original.as_str(), wamid);
    rig.simulator.say(&says(CUSTOMER, revoke(&wamid))).unwrap();
    for (from, message) in [
        ("6281111111111", revoke(&wamid)),
        (CUSTOMER, revoke("wamid.nobodys")),
        (
            CUSTOMER,
            fields(json!({ "type": "edit", "edit": { "original_message_id": wamid } })),
        ),
    ] {
        rig.simulator.say(&says(from, message)).unwrap_err();
    }
    assert_eq!(rig.simulator.stats().inbound, 1, "a change is no message");
}

#[actix_web::test]
async fn what_goes_past_the_gateway_is_told_as_meta_tells_it() {
    let rig = Rig::start(quick()).await;
    let echo = |message, text: Option<&str>| Echo {
        to: CUSTOMER.to_owned(),
        text: text.map(str::to_owned),
        message,
        ..Echo::default()
    };
    let wamid = rig.simulator.echo(&echo(None, Some("from the phone"))).unwrap();
    rig.simulator
        .echo(&echo(Some(edit(&wamid, "better")), None))
        .unwrap();
    rig.simulator
        .echo(&echo(Some(revoke("wamid.nobodys")), None))
        .unwrap_err();
    let now = SystemClock::new().now().as_secs();
    let old = |by, at| Import {
        customer: CUSTOMER.to_owned(),
        messages: vec![Imported {
            by,
            at,
            text: Some("old".to_owned()),
            message: None,
        }],
        ..Import::default()
    };
    rig.simulator
        .import(&old(WrittenBy::Business, now - 86_400))
        .unwrap();
    rig.simulator
        .import(&old(WrittenBy::Customer, now - 181 * 86_400))
        .unwrap_err();
    for by in [WrittenBy::Customer, WrittenBy::Business] {
        let standby = Standby {
            customer: CUSTOMER.to_owned(),
            by,
            text: Some("elsewhere".to_owned()),
            ..Standby::default()
        };
        rig.simulator.stand_by(&standby).unwrap();
    }
    let mut told = Vec::new();
    while told.len() < 6 {
        for element in read(&rig).await {
            match element {
                Element::Message(message) => {
                    assert_eq!(
                        message.aliases.phone.as_ref().unwrap().value.as_ref(),
                        CUSTOMER.trim_start_matches('+')
                    );
                    told.push(format!(
                        "{:?} {:?} {}",
                        message.by,
                        message.via,
                        message.amends.is_some()
                    ));
                }
                other => told.push(other.kind().to_owned()),
            }
        }
    }
    told.sort();
    let expected = [
        "Business None false",
        "Business None true",
        "Business Some(History) false",
        "Business Some(Standby) false",
        "Customer Some(Standby) false",
        "other",
    ];
    assert_eq!(told, expected);
}
