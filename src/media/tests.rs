//! Files from the event that tells of them to the bytes that are kept, with a Meta that does what a test wants.

mod hostile;
mod later;
mod meta;
mod room;
mod sending;
mod sweeping;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;

use self::meta::ScriptedMeta;
use super::fetch::Fetched;
use super::storage::{Files, ObjectName, StoredObject};
use super::{Media, MediaError};
use crate::domain::Clock as _;
use crate::domain::message::{Author, Delivery, Side, UnknownPolicy};
use crate::domain::{
    Alias, ContactAliases, ContactId, Content, ContentKind, ConversationId, DeliveryState, Epoch, Fence,
    MediaState, Message, MessageId, MessageMedia, PhoneNumberId, Priority, Purpose, Retention, SendRate, Seq,
    StatusTimes, TenantId, TestClock, Timestamp, WabaId, Wamid,
};
use crate::store::directory::AccessToken;
use crate::store::memory::MemoryStore;
use crate::store::op::{MediaChange, Naming, Op, Receive, Submit};
use crate::store::tables::{MediaFile, MediaTask};
use crate::store::{Append, MessageRef, Number, Store as _, Tenant};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const TENANT: TenantId = TenantId::new(7);
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and the rest of it";

/// A tenant with a number, a customer who sends files, and the one who fetches them.
struct Scene {
    store: Arc<MemoryStore>,
    clock: TestClock,
    meta: Arc<ScriptedMeta>,
    media: Media,
    fence: Fence,
    head: Seq,
    sent: u32,
}

impl Scene {
    async fn new() -> Self {
        Self::with(Files::in_memory()).await
    }

    async fn in_folder(folder: &std::path::Path) -> Self {
        Self::with(Files::in_folder(folder).unwrap()).await
    }

    async fn with(files: Files) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::at(NOW));
        let meta = Arc::new(ScriptedMeta::default());
        let media = Media::new(store.clone(), Arc::new(clock.clone()), files, meta.clone());
        let number = Number {
            id: number(),
            tenant: TENANT,
            waba: WabaId::parse("9").unwrap(),
            app: None,
            display: "+62 811".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("secret"),
        };
        let tenant = Tenant::new(TENANT, "Toko", Retention::DEFAULT, NOW);
        store.put_tenant(tenant).await.unwrap();
        store.put_number(number).await.unwrap();
        // Where another scene used the folder before, it is not this one's.
        media.confirm_ownership().await.unwrap().ok();
        let fence = store.lease(TENANT).await.unwrap();
        let head = store
            .open_tenant(TENANT, fence, Epoch::new(1))
            .await
            .unwrap()
            .head;
        Self {
            store,
            clock,
            meta,
            media,
            fence,
            head,
            sent: 0,
        }
    }

    async fn commit(&mut self, op: Op) {
        let batch = Append {
            tenant: TENANT,
            fence: self.fence,
            expect_head: self.head,
            now: self.clock.now(),
            retention: Retention::DEFAULT,
            ops: vec![op],
        };
        self.head = self.store.append(batch).await.unwrap().head;
    }

    /// The customer sends a file; what is to be fetched then.
    async fn receive(&mut self, json: &str) -> Option<MediaTask> {
        self.sent += 1;
        let content: Content = serde_json::from_str(json).unwrap();
        let receive = Receive {
            number: number(),
            by: Side::Customer,
            via: None,
            aliases: ContactAliases::of([Alias::phone("628111111").unwrap()]),
            naming: Naming::Current,
            group: None,
            name: None,
            username: None,
            wamid: Wamid::parse(&format!("wamid.{}", self.sent)).unwrap(),
            at: self.clock.now(),
            content,
            keyword: None,
        };
        let before = self.head;
        self.commit(Op::Receive(Box::new(receive))).await;
        let found = self.media.discover(TENANT, before, 9).await.unwrap();
        assert!(found.is_all && found.seq == self.head);
        found.tasks.into_iter().next()
    }

    /// The business sends something; where it stands, and what is to be fetched then.
    async fn submit(&mut self, content: &serde_json::Value) -> (MessageRef, Vec<MediaTask>) {
        self.sent += 1;
        let (now, aliases) = (
            self.clock.now(),
            ContactAliases::of([Alias::phone("628111111").unwrap()]),
        );
        let contact = aliases.new_contact_id(TENANT).unwrap();
        let kind = content["type"].as_str().unwrap();
        let id = MessageId::new(now, 0, u64::from(self.sent));
        let submit = Submit {
            id,
            number: number(),
            contact,
            aliases,
            author: Author::BusinessApp,
            content: Content::from_value(ContentKind::of(kind), content),
            delivery: Delivery {
                state: DeliveryState::Queued,
                times: StatusTimes::default(),
                priority: Priority::Interactive,
                on_unknown: UnknownPolicy::NeverDuplicate,
                attempts: 0,
                send_at: None,
                valid_until: None,
                gave_up: None,
                error: None,
                category: None,
                client_msg_id: None,
                biz_opaque_callback_data: None,
            },
            payload: Arc::from(serde_json::value::to_raw_value(content).unwrap()),
            may_be_held: false,
            purpose: Purpose::Other,
            once: None,
            unless_after: None,
            window_at: None,
            broadcast: None,
            hours: None,
        };
        let before = self.head;
        self.commit(Op::Submit(Box::new(submit))).await;
        let found = self.media.discover(TENANT, before, 9).await.unwrap();
        let conversation = ConversationId::derive(TENANT, &number(), contact);
        let at = MessageRef {
            conversation,
            message: id,
        };
        (at, found.tasks)
    }

    async fn picture(&mut self) -> MediaTask {
        let json = r#"{"type":"image","image":{"id":"900","mime_type":"image/png"}}"#;
        self.receive(json).await.unwrap()
    }

    async fn fetch(&self, task: &MediaTask) -> Fetched {
        self.media.fetch(TENANT, task).await.unwrap()
    }

    /// Fetches a file and has its message show how that ended.
    async fn settle(&mut self, task: &MediaTask) -> MessageMedia {
        let Fetched::Ended(change) = self.fetch(task).await else {
            panic!("it has no end")
        };
        let shown = change.media.clone();
        self.commit(Op::Media(Box::new(change))).await;
        self.media.end_task(TENANT, task.id).await.unwrap();
        shown
    }

    async fn objects(&self) -> Vec<StoredObject> {
        self.media.files().list().try_collect().await.unwrap()
    }

    async fn tasks(&self) -> Vec<MediaTask> {
        self.media.open_tasks(TENANT, None).await.unwrap().0
    }

    async fn bytes(&self, file: &MediaFile) -> Vec<u8> {
        let name = ObjectName {
            tenant: TENANT,
            id: file.id,
            key: file.file.unwrap(),
        };
        let pieces = self
            .media
            .files()
            .read(&name, None, &file.expected())
            .await
            .unwrap()
            .unwrap();
        pieces.try_collect::<Vec<Bytes>>().await.unwrap().concat()
    }
}

fn number() -> PhoneNumberId {
    PhoneNumberId::parse("101").unwrap()
}

#[tokio::test]
async fn a_customers_file_is_fetched_once_and_shown_with_its_message() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    let shown = scene.settle(&task).await;
    assert_eq!(
        (shown.state, shown.bytes),
        (MediaState::Stored, Some(u64::try_from(PNG.len()).unwrap()))
    );
    let file = scene.media.find(TENANT, task.id).await.unwrap().unwrap();
    assert_eq!(scene.bytes(&file).await, PNG);
    assert_eq!(scene.media.find(TenantId::new(8), task.id).await.unwrap(), None);
    assert!(scene.tasks().await.is_empty());
    // Whoever reads the events again has nothing to do.
    let again = scene.media.discover(TENANT, Seq::default(), 9).await.unwrap();
    assert!(again.tasks.is_empty());
    assert_eq!(scene.meta.downloads(), 1);
    assert_eq!(scene.objects().await.len(), 1);
}

#[tokio::test]
async fn what_a_kill_left_between_two_steps_is_done_to_its_end_and_fetched_once() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    // Killed after the row was written: nobody committed what the message is to show.
    let first = scene.fetch(&task).await;
    assert_eq!(scene.tasks().await.len(), 1);
    let again = scene.settle(&task).await;
    assert_eq!(
        first,
        Fetched::Ended(MediaChange {
            media: again,
            at: message_of(&first)
        })
    );
    assert_eq!(scene.meta.downloads(), 1);
}

fn message_of(fetched: &Fetched) -> crate::store::MessageRef {
    match fetched {
        Fetched::Ended(change) => change.at,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_meta_does_not_hand_over_is_tried_again_with_longer_waits_for_seven_days() {
    let mut scene = Scene::new().await;
    let mut task = scene.picture().await;
    let (mut waits, began) = (Vec::new(), scene.clock.now());
    loop {
        match scene.fetch(&task).await {
            Fetched::Later(due) => {
                waits.push(due.since(scene.clock.now()));
                scene.clock.advance(due.since(scene.clock.now()));
                task = scene.tasks().await.remove(0);
                assert_eq!(task.due, due);
            }
            Fetched::Ended(change) => {
                assert_eq!(change.media.state, MediaState::Failed);
                break;
            }
            Fetched::Gone => panic!("nobody wants it"),
        }
    }
    assert!(waits.windows(2).all(|two| two[0] <= two[1]), "{waits:?}");
    assert!(waits.len() < 400, "{}", waits.len());
    let took = scene.clock.now().since(began);
    assert!(took >= MediaFile::AT_META && took < MediaFile::AT_META + Duration::from_hours(2));
}

#[tokio::test]
async fn an_id_that_leads_to_nothing_is_given_up_after_a_few_tries() {
    let mut scene = Scene::new().await;
    scene.meta.refuses(400, 100);
    let mut task = scene.picture().await;
    let mut tries = 1;
    while let Fetched::Later(due) = scene.fetch(&task).await {
        scene.clock.advance(due.since(scene.clock.now()));
        task = scene.tasks().await.remove(0);
        tries += 1;
    }
    assert_eq!(tries, 5);
    let row = scene.media.find(TENANT, task.id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.why.as_deref()),
        (MediaState::Failed, Some("Meta does not have it"))
    );
}

#[tokio::test]
async fn a_file_that_breaks_off_leaves_nothing_and_is_tried_again() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    scene.meta.breaks_off_after(12);
    let task = scene.picture().await;
    assert!(matches!(scene.fetch(&task).await, Fetched::Later(_)));
    assert!(scene.objects().await.is_empty());
    scene.meta.serves("image/png", PNG);
    assert_eq!(scene.settle(&task).await.state, MediaState::Stored);
}

#[tokio::test]
async fn a_file_goes_with_its_message_when_that_is_taken_back() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    scene.settle(&task).await;
    let before = scene.head;
    let message = scene.message(&task).await;
    scene.revoke(&message).await;
    let gone = scene.media.find(TENANT, task.id).await.unwrap().unwrap();
    assert_eq!(
        gone.state,
        MediaState::Removed,
        "nobody is handed it, although it is still there"
    );
    scene.media.discover(TENANT, before, 9).await.unwrap();
    assert!(scene.objects().await.is_empty());
    assert_eq!(scene.media.find(TENANT, task.id).await.unwrap(), None);
}

#[tokio::test]
async fn files_of_an_erased_customer_go_at_once_with_their_rows_and_their_bytes() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let (first, second) = (scene.picture().await, scene.picture().await);
    scene.settle(&first).await;
    let contact = scene.message(&first).await.contact_id;
    scene.media.erase_contacts(TENANT, vec![contact]).await.unwrap();
    for task in [&first, &second] {
        assert_eq!(scene.media.find(TENANT, task.id).await.unwrap(), None);
    }
    assert!(scene.objects().await.is_empty());
    assert_eq!(scene.fetch(&second).await, Fetched::Gone);
    assert_eq!(scene.meta.downloads(), 1);
    // The same phone is the same contact, whose new files stay.
    let again = scene.picture().await;
    scene.settle(&again).await;
    scene
        .media
        .erase_contacts(TENANT, vec![ContactId::from_bytes([9; 16])])
        .await
        .unwrap();
    assert_eq!(scene.objects().await.len(), 1);
}

#[tokio::test]
async fn an_erasure_that_was_killed_before_the_bytes_went_is_ended_by_the_sweep() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let before = scene.picture().await;
    scene.settle(&before).await;
    let contact = scene.message(&before).await.contact_id;
    scene.store.erase_contact(TENANT, contact).await.unwrap();
    assert_eq!(scene.objects().await.len(), 1);
    let after = scene.picture().await;
    scene.settle(&after).await;
    // Nothing is as old as a day, and still it goes.
    scene.clock.jump_wall_to(Timestamp::from_secs(1));
    scene.media.sweep(|| true).await.unwrap();
    let left: Vec<_> = scene
        .objects()
        .await
        .iter()
        .map(|object| object.name.id)
        .collect();
    assert_eq!(left, [after.id]);
}

#[tokio::test]
async fn files_of_expired_messages_go_with_the_next_sweep() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    scene.settle(&task).await;
    scene.clock.advance(Duration::from_hours(24 * 400));
    let gone = scene.media.find(TENANT, task.id).await.unwrap();
    assert!(gone.is_none_or(|file| file.state == MediaState::Removed));
    assert_eq!(scene.media.sweep(|| true).await.unwrap().unwrap().removed, 1);
    assert!(scene.objects().await.is_empty());
    assert_eq!(scene.media.find(TENANT, task.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_link_works_until_it_ends_and_tells_of_nobody() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    scene.settle(&task).await;
    let token = scene.media.link(TENANT, task.id).await.unwrap();
    assert!(!task.id.to_string().contains(&token) && !token.contains(&task.id.to_string()[..8]));
    let (tenant, file) = scene.media.linked(&token).await.unwrap().unwrap();
    assert_eq!((tenant, file.id), (TENANT, task.id));
    assert!(
        scene
            .media
            .linked(&token.replace(&token[..1], "x"))
            .await
            .unwrap()
            .is_none()
    );
    scene.clock.advance(super::LINK_LASTS);
    assert!(scene.media.linked(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn how_far_events_were_read_never_goes_back_within_a_ledger() -> Result<(), MediaError> {
    let scene = Scene::new().await;
    let (one, other) = (Epoch::new(1), Epoch::new(2));
    scene.media.note_read(TENANT, one, Seq::new(5)).await?;
    scene.media.note_read(TENANT, one, Seq::new(3)).await?;
    assert_eq!(scene.media.read_to(TENANT, one).await?, Seq::new(5));
    assert_eq!(scene.media.read_to(TENANT, other).await?, Seq::default());
    scene.media.note_read(TENANT, other, Seq::new(1)).await?;
    assert_eq!(scene.media.read_to(TENANT, other).await?, Seq::new(1));
    Ok(())
}

impl Scene {
    async fn message(&self, task: &MediaTask) -> Message {
        let file = self.media.find(TENANT, task.id).await.unwrap().unwrap();
        let at = file.message().unwrap();
        self.store
            .message(TENANT, at, self.clock.now())
            .await
            .unwrap()
            .unwrap()
    }

    async fn revoke(&mut self, message: &Message) {
        let notice = Receive {
            number: number(),
            by: Side::Customer,
            via: None,
            aliases: ContactAliases::of([Alias::phone("628111111").unwrap()]),
            naming: Naming::Current,
            group: None,
            name: None,
            username: None,
            wamid: Wamid::parse("wamid.revocation").unwrap(),
            at: self.clock.now(),
            content: serde_json::from_str(r#"{"type":"revoke","revoke":{}}"#).unwrap(),
            keyword: None,
        };
        let amend = crate::store::op::Amend {
            notice,
            original: message.wamid.clone().unwrap(),
            change: crate::domain::message::Amendment::Revoked,
        };
        self.commit(Op::Amend(Box::new(amend))).await;
    }
}
