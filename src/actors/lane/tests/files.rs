//! Messages whose files have to be at Meta first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::request::DelayReason;
use crate::domain::{Clock as _, DeliveryState, MediaId, MetaError, Priority};
use crate::media::outbound::{FileAtMeta, FileToSend, NotAtMeta, OutboundFiles};
use crate::whatsapp::RefusalScope;

fn upload() -> MediaId {
    MediaId::of_upload([7; 16])
}

/// Brings files to Meta as it is told; in the end everything is there after a moment.
#[derive(Default)]
pub(super) struct ScriptedFiles {
    ends: Mutex<VecDeque<NotAtMeta>>,
    takes: Mutex<Duration>,
    asked: Mutex<Vec<FileToSend>>,
    forgotten: Mutex<Vec<FileAtMeta>>,
}

#[async_trait]
impl OutboundFiles for ScriptedFiles {
    async fn forget(&self, file: &FileAtMeta) {
        self.forgotten.lock().unwrap().push(file.clone());
    }

    async fn at_meta(&self, file: &FileToSend) -> Result<Arc<str>, NotAtMeta> {
        self.asked.lock().unwrap().push(file.clone());
        let takes = *self.takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        match self.ends.lock().unwrap().pop_front() {
            Some(end) => Err(end),
            None if file.upload == upload() => Ok("4711".into()),
            None => Ok("4712".into()),
        }
    }
}

fn with_file(customer: u32) -> Letter {
    Letter {
        body: Some(serde_json::json!({ "type": "image", "image": { "media_id": upload() } })),
        ..letter(customer)
    }
}

#[actix::test]
async fn a_message_is_sent_with_metas_id_of_its_file_and_holds_up_its_own_customer_alone() {
    let world = World::new().await;
    *world.files.takes.lock().unwrap() = Duration::from_secs(5);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[with_file(1), letter(1), letter(2)]).await;
    world.settled().await;
    let seen = world.seen();
    let order: Vec<_> = seen.iter().map(|call| call.token.message).collect();
    assert_eq!(order, [sent[2].message, sent[0].message, sent[1].message]);
    assert_eq!(seen[1].body["image"], serde_json::json!({ "id": "4711" }));
    assert!(seen[1].at >= Duration::from_secs(4) + seen[0].at);
    let asked = world.files.asked.lock().unwrap().clone();
    assert_eq!(
        (asked.len(), asked[0].upload, asked[0].at),
        (1, upload(), sent[0].at())
    );
    world.check();
}

#[actix::test]
async fn a_message_waits_for_all_of_its_files_and_each_stands_in_its_place() {
    let world = World::new().await;
    world
        .files
        .ends
        .lock()
        .unwrap()
        .extend([NotAtMeta::Later("Meta is away".to_owned())]);
    let lane = world.lane(LaneLimits::default());
    let header = |media_id: MediaId| serde_json::json!({ "parameters": [{ "type": "image", "image": { "media_id": media_id } }] });
    let (first, second) = (upload(), MediaId::of_upload([8; 16]));
    let letter = Letter {
        body: Some(
            serde_json::json!({ "type": "template", "template": { "components": [
            header(first), { "type": "carousel", "cards": [
                { "components": [header(second)] }, { "components": [header(first)] } ] } ] } }),
        ),
        ..letter(1)
    };
    let sent = world.send(&lane, &[letter]).await;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    let body = &world.seen()[0].body;
    let ids = [
        "/template/components/0/parameters/0/image",
        "/template/components/1/cards/0/components/0/parameters/0/image",
        "/template/components/1/cards/1/components/0/parameters/0/image",
    ]
    .map(|place| body.pointer(place).unwrap().clone());
    let id = |id: &str| serde_json::json!({ "id": id });
    assert_eq!(ids, [id("4711"), id("4712"), id("4711")]);
    let asked: Vec<MediaId> = world
        .files
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|file| file.upload)
        .collect();
    assert_eq!(asked, [first, first, second]);
    world.check();
}

#[actix::test]
async fn a_file_that_does_not_get_there_is_tried_again_and_the_message_goes_once() {
    let world = World::new().await;
    let later = NotAtMeta::Later("Meta is away".to_owned());
    world.files.ends.lock().unwrap().extend([later.clone(), later]);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[with_file(1)]).await;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    assert_eq!(world.calls_for(&sent[0]), [1]);
    assert_eq!(world.files.asked.lock().unwrap().len(), 3);
    world.check();
}

#[actix::test]
async fn a_file_that_meta_does_not_take_fails_its_message_with_metas_reason() {
    let world = World::new().await;
    let error = MetaError {
        code: 131_053,
        title: "Media upload error".into(),
        details: None,
    };
    world
        .files
        .ends
        .lock()
        .unwrap()
        .push_back(NotAtMeta::Never(error.clone()));
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[with_file(1), letter(1)]).await;
    world.settled().await;
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!(
        (delivery.state, delivery.attempts, delivery.error),
        (DeliveryState::Failed, 0, Some(error))
    );
    assert_eq!(world.state(&sent[1]).await, DeliveryState::Sent);
    assert!(world.calls_for(&sent[0]).is_empty());
    world.check();
}

#[actix::test]
async fn a_message_fails_after_hours_in_which_its_file_did_not_get_to_meta() {
    let world = World::new().await;
    let away = std::iter::repeat_n(NotAtMeta::Later("Meta is away".to_owned()), 100);
    world.files.ends.lock().unwrap().extend(away);
    let lane = world.lane(LaneLimits::default());
    let broadcast = Letter {
        priority: Priority::Bulk,
        ..with_file(1)
    };
    let sent = world.send(&lane, &[broadcast]).await;
    world.settled().await;
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(delivery.error.unwrap().details.as_deref(), Some("Meta is away"));
    let asked = world.files.asked.lock().unwrap().len();
    assert!((20..60).contains(&asked), "{asked}");
    world.check();
}

#[actix::test]
async fn a_reply_whose_file_does_not_get_to_meta_keeps_its_customer_waiting_for_minutes_at_the_most() {
    let world = World::new().await;
    let away = std::iter::repeat_n(NotAtMeta::Later("Meta is away".to_owned()), 100);
    world.files.ends.lock().unwrap().extend(away);
    // A try may hang, too.
    *world.files.takes.lock().unwrap() = Duration::from_secs(500);
    let lane = world.lane(LaneLimits::default());
    let began = world.clock.monotonic();
    let sent = world.send(&lane, &[with_file(1), letter(1)]).await;
    world.pass(Duration::from_secs(30)).await;
    for waiting in &sent {
        let told = lane.delay_estimate(waiting.message).await.unwrap();
        assert_eq!(told.reason, DelayReason::File, "the agent sees why");
    }
    world.settled().await;
    let waited = world.clock.monotonic() - began;
    assert!(waited < Duration::from_mins(12), "{waited:?}");
    assert!(waited > Duration::from_mins(9), "{waited:?}");
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(world.state(&sent[1]).await, DeliveryState::Sent);
    world.check();
}

#[actix::test]
async fn a_claim_whose_file_is_not_known_is_given_back_and_nothing_is_sent_without_it() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[with_file(1)]).await;
    // The claim is under way for a while.
    *world.store.delay.lock().unwrap() = Duration::from_secs(1);
    world
        .until("its file is there and it is being claimed", || async {
            truth(*world.store.claims.lock().unwrap() > 0)
        })
        .await;
    lane.lose_files().await;
    *world.store.delay.lock().unwrap() = Duration::ZERO;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    let seen = world.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body["image"], serde_json::json!({ "id": "4711" }));
    assert_eq!(
        world.files.asked.lock().unwrap().len(),
        2,
        "it was asked for again"
    );
    world.check();
}

#[actix::test]
async fn a_message_that_waits_for_its_file_uses_up_nothing_of_its_customers_limit() {
    let world = World::new().await;
    let later = NotAtMeta::Later("Meta is away".to_owned());
    world.files.ends.lock().unwrap().extend(vec![later; 3]);
    let mut limits = LaneLimits::default();
    limits.pair.burst = 1;
    limits.pair.every = Duration::from_secs(60);
    let lane = world.lane(limits);
    let began = world.clock.monotonic();
    let sent = world.send(&lane, &[with_file(1)]).await;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    let waited = world.seen()[0].at.saturating_sub(began);
    assert!(waited < Duration::from_secs(30), "{waited:?}");
    assert_eq!(world.files.asked.lock().unwrap().len(), 4);
    world.check();
}

#[actix::test]
async fn the_next_lane_asks_again_for_a_message_that_waits() {
    let world = World::new().await;
    *world.files.takes.lock().unwrap() = Duration::from_secs(50);
    let earlier = world.lane(LaneLimits::default());
    let sent = world.send(&earlier, &[with_file(1)]).await;
    world.pass(Duration::from_secs(5)).await;
    earlier.die().await;
    let _lane = world.lane(LaneLimits::default());
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    assert_eq!(world.calls_for(&sent[0]), [1]);
    world.check();
}

#[actix::test]
async fn an_id_that_meta_refuses_is_forgotten_and_the_message_goes_once_more() {
    let world = World::new().await;
    world.script(|token| match token.attempt {
        1 => refused(RefusalScope::Message, 131_053),
        _ => accepted(token),
    });
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[with_file(1)]).await;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    let forgotten = world.files.forgotten.lock().unwrap().clone();
    assert_eq!(forgotten.len(), 1);
    assert_eq!((forgotten[0].upload, &*forgotten[0].id), (upload(), "4711"));
    assert_eq!(world.files.asked.lock().unwrap().len(), 2);
    world.check();
}

#[actix::test]
async fn what_meta_refuses_again_or_for_something_else_fails() {
    let world = World::new().await;
    world.script(|_| refused(RefusalScope::Message, 131_053));
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[with_file(1), letter(2)]).await;
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Failed);
    assert_eq!(world.calls_for(&sent[1]), [1], "it has no file");
    world.script(|_| refused(RefusalScope::Message, 100));
    let sent = world.send(&lane, &[with_file(3)]).await;
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1]);
    world.check();
}
