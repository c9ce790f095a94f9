//! News of message templates, beside the road in.

use serde_json::json;

use super::*;
use crate::domain::{TemplateName, TemplateStatus, Timestamp};
use crate::store::StoreErrorKind;
use crate::store::faulty::Fault;
use crate::store::plain::PlainTable;
use crate::store::tables::{Template, Told};

fn name() -> TemplateName {
    TemplateName::new(WabaId::parse("2001").unwrap(), "a", "en_US")
}

/// The same, with a template of one of the tenants.
async fn with_template() -> Road {
    let road = Road::open(&["demo"]).await;
    let row = Template {
        waba: name().waba,
        name: name().name,
        language: name().language,
        meta_id: None,
        category: "UTILITY".to_owned(),
        status: TemplateStatus::Approved,
        quality: "GREEN".to_owned(),
        reason: None,
        parameter_format: None,
        ttl_seconds: None,
        components: json!([{ "type": "BODY", "text": "Hi" }]),
        changed_at: Timestamp::from_secs(1),
        told: Told::default(),
    };
    let table = PlainTable::of(road.store.as_ref(), SystemClock::new().now());
    let key = Template::at(STUCK, name().id());
    assert!(table.replace(&key, None, Some(&row)).await.unwrap());
    road
}

impl Road {
    async fn status(&self) -> TemplateStatus {
        let row = self.templates.get(STUCK, name().id()).await.unwrap();
        row.unwrap().status
    }
}

/// A webhook that tells that the template is paused, and then brings a customer's message.
fn paused_and_a_message() -> Bytes {
    let mut body: serde_json::Value = serde_json::from_slice(&webhook(STUCK, 1, 1)).unwrap();
    let news = json!({ "field": "message_template_status_update", "value": {
        "event": "PAUSED", "message_template_id": 42, "message_template_name": "a",
        "message_template_language": "en_US", "reason": "NONE"
    } });
    let changes = body["entry"][0]["changes"].as_array_mut().unwrap();
    changes.insert(0, news);
    body.to_string().into()
}

#[actix::test]
async fn news_of_a_template_keep_no_customer_waiting_and_are_done_once_they_are_written_down() {
    tokio::time::pause();
    let road = with_template().await;
    let writing = road.store.pause("template");
    road.intake.accept(demo(), paused_and_a_message()).await.unwrap();
    writing.arrived().await;
    until("the message is there", Duration::from_secs(5), async || {
        texts(&road.store, STUCK).await == [1]
    })
    .await;
    let left = road.store.journal_open(None, 1).await.unwrap();
    assert_eq!(left.len(), 1, "the news are not written down");
    assert_eq!(road.status().await, TemplateStatus::Approved);
    writing.go_on();
    road.applied().await;
    assert_eq!(road.status().await, TemplateStatus::Paused);
    road.close().await;
}

#[actix::test]
async fn news_that_can_be_written_later_are_told_again_and_those_that_never_can_are_stepped_over() {
    tokio::time::pause();
    let road = with_template().await;
    let refuse = |kind| {
        road.store
            .plain_faults
            .lock()
            .unwrap()
            .push_back(Fault::Refuse(kind));
    };
    refuse(StoreErrorKind::Invalid);
    road.intake.accept(demo(), paused_and_a_message()).await.unwrap();
    road.applied().await;
    assert_eq!(road.status().await, TemplateStatus::Approved);
    refuse(StoreErrorKind::Unavailable);
    refuse(StoreErrorKind::Unavailable);
    road.intake.accept(demo(), paused_and_a_message()).await.unwrap();
    road.applied().await;
    assert_eq!(road.status().await, TemplateStatus::Paused);
    assert_eq!(texts(&road.store, STUCK).await, [1]);
    road.close().await;
}

#[actix::test]
async fn news_that_wait_when_the_process_ends_hold_nothing_up_and_are_told_to_the_next_one() {
    tokio::time::pause();
    let road = with_template().await;
    let writing = road.store.pause("template");
    road.intake.accept(demo(), paused_and_a_message()).await.unwrap();
    writing.arrived().await;
    let (store, directory) = (Arc::clone(&road.store), Arc::clone(&road.directory));
    let began = tokio::time::Instant::now();
    road.close().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let next = Road::over(store, directory, 2).await;
    next.applied().await;
    assert_eq!(next.status().await, TemplateStatus::Paused);
    next.close().await;
}
