//! Webhooks of every kind, each alone, all in batches, and everything twice.

use std::collections::BTreeSet;

use mesej_simulator::NumberConfig;
use mesej_simulator::ids::{PhoneNumberId, WabaId};
use serde_json::{Value, json};

use crate::gateway::{ADMIN, TestGateway, until};
use crate::kept::Kept;
use crate::payloads::payloads;
use crate::told::now;

/// Every text under a key, anywhere.
fn collect<'a>(value: &'a Value, key: &str, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key
                    && let Some(text) = field.as_str()
                {
                    found.insert(text);
                }
                collect(field, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        _ => {}
    }
}

/// Changes every time of Meta's, whether it is written as a number or as a text.
fn each_time(value: &mut Value, change: &mut impl FnMut(i64) -> i64) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let changed = match &*field {
                    Value::Number(at) if name == "timestamp" => at.as_i64().map(|at| change(at).into()),
                    Value::String(at) if name == "timestamp" => {
                        at.parse::<i64>().ok().map(|at| change(at).to_string().into())
                    }
                    _ => None,
                };
                match changed {
                    Some(changed) => *field = changed,
                    None => each_time(field, change),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_time(item, change)),
        _ => {}
    }
}

/// As if it were posted now: what is older than the retention is not kept.
fn of_today(mut webhook: Value) -> Value {
    let mut newest = i64::MIN;
    each_time(&mut webhook, &mut |at| {
        newest = newest.max(at);
        at
    });
    let ago = now() - 60;
    each_time(&mut webhook, &mut |at| at - newest + ago);
    webhook
}

fn entries(sample: &Value) -> Vec<Value> {
    sample["entry"].as_array().cloned().unwrap_or_default()
}

/// Whether somebody can be found by it: examples about an account that is called by words, and about no number, are nobody's.
fn names_somebody(sample: &Value) -> bool {
    let mut numbers = BTreeSet::new();
    collect(sample, "phone_number_id", &mut numbers);
    let is_id = |entry: &Value| {
        let id = entry["id"].as_str().unwrap_or_default();
        id.bytes().all(|byte| byte.is_ascii_digit())
    };
    !numbers.is_empty() || entries(sample).iter().all(is_id)
}

#[actix::test]
async fn every_sample_webhook_is_taken_alone_in_batches_and_twice_and_its_messages_stand_in_history_once() {
    let samples: Vec<Value> = payloads("webhooks")
        .into_iter()
        .map(|(_, webhook)| of_today(webhook))
        .filter(names_somebody)
        .collect();
    let gateway = TestGateway::start(Kept::in_a_folder()).await;
    let (mut numbers, mut accounts) = (BTreeSet::new(), BTreeSet::new());
    for sample in &samples {
        collect(sample, "phone_number_id", &mut numbers);
        collect(sample, "waba_id", &mut accounts);
        accounts.extend(
            sample["entry"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|entry| entry["id"].as_str()),
        );
    }
    // Where an example calls its account by words, it goes by its number.
    let accounts: Vec<_> = accounts
        .into_iter()
        .filter(|account| account.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    for (index, account) in accounts.iter().enumerate() {
        let mut number = NumberConfig::numbered(u32::try_from(index).unwrap() + 100);
        if let Some(id) = numbers.iter().nth(index) {
            number.phone_number_id = PhoneNumberId::parse(id).unwrap();
        }
        number.waba_id = WabaId::parse(account).unwrap();
        gateway.add_number(&number).await;
    }
    for id in numbers.iter().skip(accounts.len()) {
        let number = NumberConfig {
            phone_number_id: PhoneNumberId::parse(id).unwrap(),
            ..NumberConfig::default()
        };
        gateway.add_number(&number).await;
    }
    for _ in 0..2 {
        for sample in &samples {
            assert_eq!(gateway.webhook(sample.to_string().as_bytes()).await, 200);
        }
        for batch in samples.chunks(25) {
            let entry: Vec<_> = batch.iter().flat_map(entries).collect();
            let body = json!({ "object": "whatsapp_business_account", "entry": entry });
            assert_eq!(gateway.webhook(body.to_string().as_bytes()).await, 200);
        }
    }
    let wanted: BTreeSet<Vec<String>> = samples
        .iter()
        .flat_map(entries)
        .flat_map(|entry| entry["changes"].as_array().cloned().unwrap_or_default())
        .filter(|change| change["field"] == "messages")
        .flat_map(|change| {
            change["value"]["messages"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        })
        // One that changes another stands for that one, or by itself as long as the other is not known.
        .map(|message| {
            let kind = message["type"].as_str().unwrap_or_default();
            let ids = [&message[kind]["original_message_id"], &message["id"]];
            ids.into_iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect()
        })
        .collect();
    let found = until("every message is in history", || async {
        let found: Vec<String> = gateway
            .history()
            .await
            .iter()
            .filter_map(|row| row["wamid"].as_str().map(str::to_owned))
            .collect();
        let distinct: BTreeSet<_> = found.iter().cloned().collect();
        let stands = |ids: &Vec<String>| ids.iter().any(|id| distinct.contains(id));
        wanted.iter().all(stands).then_some(found)
    })
    .await;
    let distinct: BTreeSet<_> = found.iter().cloned().collect();
    assert_eq!(found.len(), distinct.len(), "no message stands there twice");
    let url = format!("{}/v1/admin/quarantine", gateway.base);
    let listed = gateway
        .client
        .get(url)
        .bearer_auth(ADMIN)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        !listed.contains("\"reason\""),
        "nothing that is valid is put aside: {listed}"
    );
    gateway.stop().await;
}
