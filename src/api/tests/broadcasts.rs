//! Broadcasts: customers who are erased while one is prepared, and what is left of one that is deleted.

mod at_work;
mod audiences;

use serde_json::{Value, json};

use super::isolation::broadcasts::broadcast_of;
use super::*;
use crate::domain::{BroadcastId, ContactId, SendRate, WabaId};
use crate::store::Number;
use crate::store::directory::AccessToken;
use crate::store::plain::PlainTable;
use crate::store::tables::{Broadcast, BroadcastChunk, BroadcastState, BroadcastUpload, ContactErasure};

/// Longer than any plan here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
const ANA: &str = "628120001001";
const BOB: &str = "628120001002";

/// A broadcast to the rows of a file.
async fn made(api: &Api) -> BroadcastId {
    let number = Number {
        id: number(ONE),
        tenant: ONE,
        waba: WabaId::parse("2001").unwrap(),
        app: None,
        display: "+62 812".to_owned(),
        rate: SendRate::STANDARD,
        access_token: AccessToken::new("token"),
    };
    let of = number.id.to_string();
    api.store.put_number(number).await.unwrap();
    let made = api.post("/v1/broadcasts", &broadcast_of(&of)).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = made.json()["broadcast"]["broadcast_id"].clone();
    id.as_str().unwrap().parse().unwrap()
}

async fn upload(api: &Api, id: BroadcastId) {
    upload_file(api, id, format!("phone\n+{ANA}\n+{BOB}\n")).await;
}

async fn upload_file(api: &Api, id: BroadcastId, file: String) {
    let path = format!("/v1/broadcasts/{id}/audience");
    let answer = api
        .call("PUT", &path)
        .header("Content-Type", "text/csv")
        .body(file);
    let answer = answer.send().await;
    assert_eq!(answer.status, 200, "{}", answer.json());
}

/// Somebody erased a customer who was no contact of that phone any more, a moment ago.
async fn erased(api: &Api, phone: &str) {
    let aliases = ContactAliases::of([Alias::phone(phone).unwrap()]);
    let contact = ContactId::from_bytes([9; 16]);
    let row = crate::domain::Contact::new(contact, &aliases, NOW);
    let (place, erased) = ContactErasure::new(ONE, contact, &[row], NOW).ended(NOW);
    let table = PlainTable::<ContactErasure>::of(api.store.as_ref(), NOW);
    assert!(table.replace(&place, None, Some(&erased)).await.unwrap());
}

async fn row(api: &Api, id: BroadcastId) -> Option<Broadcast> {
    let table = PlainTable::<Broadcast>::of(api.store.as_ref(), NOW);
    let found = table.get(&Broadcast::at(ONE, id)).await.unwrap();
    found.map(|found| found.row)
}

/// Works at broadcasts until something is so.
pub(super) async fn worked(api: &Api, id: BroadcastId, is_so: impl Fn(Option<&Broadcast>) -> bool) {
    let shutdown = Shutdown::default();
    let (stop, broadcasts) = (shutdown.clone(), Arc::clone(&api.state.broadcasts));
    let running = actix_web::rt::spawn(async move { broadcasts.run(&shutdown).await });
    let end = async {
        while !is_so(row(api, id).await.as_ref()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, end).await.unwrap();
    stop.begin();
    running.await.unwrap();
}

async fn planned(api: &Api, id: BroadcastId) -> Value {
    let planned = api.post(&format!("/v1/broadcasts/{id}/plan"), &json!({})).await;
    assert_eq!(planned.status, 202, "{}", planned.json());
    worked(api, id, |row| row.unwrap().state == BroadcastState::Ready).await;
    api.get(&format!("/v1/broadcasts/{id}")).await.json()["broadcast"]["plan"].clone()
}

async fn chunk(api: &Api, id: BroadcastId, plan: u32, number: u32) -> Option<BroadcastChunk> {
    let table = PlainTable::<BroadcastChunk>::of(api.store.as_ref(), NOW);
    let found = table
        .get(&BroadcastChunk::at(ONE, id, plan, number))
        .await
        .unwrap();
    found.map(|found| found.row)
}

async fn uploaded(api: &Api, id: BroadcastId, upload: u64) -> Option<BroadcastUpload> {
    let table = PlainTable::<BroadcastUpload>::of(api.store.as_ref(), NOW);
    let found = table.get(&BroadcastUpload::at(ONE, id, upload, 0)).await.unwrap();
    found.map(|found| found.row)
}

#[actix_web::test]
async fn no_plan_has_who_was_erased_since_it_began() {
    let api = Api::start().await;
    let id = made(&api).await;
    upload(&api, id).await;
    erased(&api, ANA).await;
    let plan = planned(&api, id).await;
    assert_eq!(plan["suppressed"], json!({ "contact_gone": 1 }), "{plan}");
    assert_eq!(plan["recipients"], 1);
    let chunk = chunk(&api, id, 1, 0).await.unwrap();
    let phones: Vec<_> = chunk.recipients.iter().map(|one| one.phone.as_deref()).collect();
    assert_eq!(phones, [None, Some(BOB)]);
}

#[actix_web::test]
async fn no_file_has_who_was_erased_while_it_was_read() {
    let api = Api::start().await;
    let id = made(&api).await;
    erased(&api, ANA).await;
    upload(&api, id).await;
    let named = row(&api, id).await.unwrap().upload.unwrap().upload;
    let rows = uploaded(&api, id, named).await.unwrap().rows;
    let phones: Vec<_> = rows.iter().map(|row| row.phone.as_deref()).collect();
    assert_eq!(phones, [None, Some(BOB)]);
}

#[actix_web::test]
async fn a_plan_removes_what_earlier_ones_left_wherever_they_were_cut_off() {
    let api = Api::start().await;
    let id = made(&api).await;
    upload(&api, id).await;
    planned(&api, id).await;
    // Two that were cut off: one while it was removed, and the next before its first row.
    let table = PlainTable::<BroadcastChunk>::of(api.store.as_ref(), NOW);
    let left = chunk(&api, id, 1, 0).await.unwrap();
    let key = BroadcastChunk::at(ONE, id, 1, 3);
    assert!(table.replace(&key, None, Some(&left)).await.unwrap());
    table.remove(BroadcastChunk::at(ONE, id, 1, 0)).await.unwrap();
    let cut_off = |before: Option<&Broadcast>| {
        Ok::<_, crate::store::StoreError>(before.map(|before| Broadcast {
            plan: None,
            plans: 2,
            ..before.clone()
        }))
    };
    let rows = PlainTable::<Broadcast>::of(api.store.as_ref(), NOW);
    rows.change(Broadcast::at(ONE, id), cut_off).await.unwrap();
    let plan = planned(&api, id).await;
    assert_eq!(plan["recipients"], 2, "{plan}");
    assert!(chunk(&api, id, 1, 3).await.is_none(), "nothing finds it any more");
    let row = row(&api, id).await.unwrap();
    assert_eq!((row.plans, row.plans_left()), (3, 3..=3));
}

#[actix_web::test]
async fn of_a_broadcast_that_is_deleted_nothing_is_left() {
    let api = Api::start().await;
    let id = made(&api).await;
    upload(&api, id).await;
    let first = row(&api, id).await.unwrap().upload.unwrap().upload;
    upload(&api, id).await;
    let second = row(&api, id).await.unwrap().upload.unwrap().upload;
    assert!(uploaded(&api, id, first).await.is_none(), "another file counts");
    planned(&api, id).await;
    let path = format!("/v1/broadcasts/{id}");
    assert_eq!(api.call("DELETE", &path).send().await.status, 200);
    // Nobody is told of it, although all of it is there still, as after a kill.
    assert!(chunk(&api, id, 1, 0).await.is_some());
    assert_eq!(api.get(&path).await.status, 404);
    assert_eq!(api.get("/v1/broadcasts").await.json()["broadcasts"], json!([]));
    assert_eq!(api.call("DELETE", &path).send().await.status, 404);
    let planned = api.post(&format!("{path}/plan"), &json!({})).await;
    assert_eq!(planned.status, 404, "{}", planned.json());
    worked(&api, id, |row| row.is_none()).await;
    assert!(chunk(&api, id, 1, 0).await.is_none());
    assert!(uploaded(&api, id, second).await.is_none());
}

#[actix_web::test]
async fn a_dry_run_tells_who_gets_it_when_and_what_it_costs() {
    let api = Api::start().await;
    let id = made(&api).await;
    let path = format!("/v1/broadcasts/{id}/dry-run");
    let early = api.get(&path).await;
    assert_eq!(early.outcome(), (409, "broadcast_state".to_owned()));
    let file = format!("phone\n+{ANA}\n+{BOB}\n+{ANA}\nnobody\n+16502530000\n+4915112345678\n");
    upload_file(&api, id, file).await;
    planned(&api, id).await;
    let answer = api.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let told = answer.json()["dry_run"].clone();
    assert_eq!((&told["total"], &told["recipients"]), (&json!(6), &json!(4)));
    assert_eq!(
        told["suppressed"],
        json!({ "duplicate": 1, "phone_invalid": 1 }),
        "{told}"
    );
    let suppressed = api
        .get(told["suppressed_recipients"].as_str().unwrap())
        .await
        .json();
    let lines: Vec<_> = suppressed["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["line"].clone())
        .collect();
    assert_eq!(lines, [4, 5]);
    // Four of eighty a second.
    assert_eq!(told["starts_at"], json!(NOW));
    assert_eq!(told["ends_at"], json!(NOW.after(Duration::from_millis(50))));
    assert_eq!(
        (&told["per_second"], &told["limited_by"]),
        (&json!(80), &json!("number_rate"))
    );
    assert_eq!(told["hours"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&told["hours"][0]["messages"], &told["later"]),
        (&json!(4), &json!(0))
    );
    let spend = &told["spend"];
    assert_eq!(
        (
            &spend["category"],
            &spend["currency"],
            &spend["rate_card"]["date"]
        ),
        (&json!("marketing"), &json!("USD"), &json!("2026-01-01"))
    );
    let market = |name: &str, country: &str, messages: u32, price: &str, cost: &str| json!({ "market": name, "countries": { country: messages }, "messages": messages, "price": price, "cost": cost });
    let markets = [
        market("Germany", "DE", 1, "0.1365", "0.1365"),
        market("Indonesia", "ID", 2, "0.0411", "0.0822"),
        market("North America", "US", 1, "0.025", "0.025"),
    ];
    assert_eq!(spend["markets"], json!(markets));
    assert_eq!(
        (&spend["total"], &spend["unpriced"]),
        (&json!("0.2437"), &json!(0))
    );
}
