//! The road in with a tenant whose ledger is stuck, and with an app that speaks for another's numbers.

mod floods;
mod missing;
mod several;
mod templates;

use std::time::Duration;

use super::*;
use crate::actors::{Directory, DirectoryParts};
use crate::domain::{EventKind, PhoneNumberId, Retention, SendRate, Seq, SystemClock, TenantId, WabaId};
use crate::store::directory::AccessToken;
use crate::store::faulty::FaultyStore;
use crate::store::{Number, Tenant};
use crate::templates::tests::graph::TemplatesAtMeta;

const STUCK: TenantId = TenantId::new(1);
const OTHER: TenantId = TenantId::new(2);

/// A webhook with so many messages to the number of a tenant.
fn webhook(to: TenantId, first: usize, count: usize) -> Bytes {
    webhook_of(to, first, count, 1_800_000_000)
}

/// The same, with messages that were written then, in seconds since 1970.
fn webhook_of(to: TenantId, first: usize, count: usize, written: i64) -> Bytes {
    let messages: Vec<_> = (first..first + count)
        .map(|n| {
            serde_json::json!({
                "from": "628111111", "id": format!("wamid.{to}.{n:06}"), "timestamp": written.to_string(),
                "type": "text", "text": { "body": n.to_string() }
            })
        })
        .collect();
    let body = serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "2001", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "1", "phone_number_id": to.get().to_string() },
            "contacts": [{ "wa_id": "628111111", "profile": { "name": "Ada" } }],
            "messages": messages
        }}]}]
    });
    body.to_string().into()
}

/// The app of the tenants' numbers.
fn demo() -> Signer {
    Signer::App("demo".into())
}

fn parts(directory: &Arc<Directory>) -> IngestParts {
    IngestParts {
        tenants: directory.clone(),
        store: Arc::clone(directory.store()),
        clock: Arc::clone(directory.clock()),
        templates: Arc::new(TemplateBook::new(
            Arc::clone(directory.store()),
            Arc::clone(directory.clock()),
            Arc::new(TemplatesAtMeta::default()),
            0,
        )),
    }
}

async fn directory(store: &Arc<FaultyStore>) -> Arc<Directory> {
    directory_for(store, &["demo"]).await
}

async fn directory_for(store: &Arc<FaultyStore>, apps: &[&str]) -> Arc<Directory> {
    directory_at(store, apps, Arc::new(SystemClock::new())).await
}

async fn directory_at(store: &Arc<FaultyStore>, apps: &[&str], clock: Arc<dyn Clock>) -> Arc<Directory> {
    for id in [STUCK, OTHER] {
        let tenant = Tenant::new(id, "a shop", Retention::DEFAULT, clock.now());
        store.put_tenant(tenant).await.unwrap();
        let number = number_of(id, (id == STUCK).then_some("demo"));
        store.put_number(number).await.unwrap();
    }
    let parts = DirectoryParts {
        apps: apps.iter().map(|app| (*app).into()).collect(),
        ..DirectoryParts::for_tests(store.clone(), clock, vec![actix::Arbiter::current()])
    };
    Arc::new(Directory::open(parts).await.unwrap())
}

/// Texts of a tenant's messages in the order of its log.
async fn texts(store: &FaultyStore, tenant: TenantId) -> Vec<usize> {
    let mut texts = Vec::new();
    let mut after = Seq::default();
    loop {
        let page = store.events_after(tenant, after, 10_000, SystemClock::new().now());
        let events = page.await.unwrap().events;
        let Some(last) = events.last() else {
            return texts;
        };
        after = last.seq;
        texts.extend(events.iter().filter_map(|event| {
            let json: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
            let text = json.pointer("/data/message/content/text/body")?;
            text.as_str()?.parse::<usize>().ok()
        }));
    }
}

async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let late = tokio::time::Instant::now() + within;
    while !holds().await {
        assert!(tokio::time::Instant::now() < late, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix::test]
async fn a_tenant_whose_ledger_is_stuck_holds_up_no_other_and_loses_nothing() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    let shutdown = Shutdown::default();
    let (intake, applier) = open(parts(&directory), shutdown.clone(), 1).await.unwrap();
    let applying = actix::spawn(applier.run());
    *store.stuck.lock().unwrap() = Some(STUCK);
    // Small webhooks, which fill the places of entries, and large ones, which fill the ledger.
    for n in 0..9_000 {
        intake.accept(demo(), webhook(STUCK, n, 1)).await.unwrap();
    }
    for n in 0..10 {
        intake
            .accept(demo(), webhook(STUCK, 9_000 + 100 * n, 100))
            .await
            .unwrap();
        intake.accept(demo(), webhook(OTHER, n, 1)).await.unwrap();
    }
    until(
        "the other tenant has its messages",
        Duration::from_secs(6),
        async || texts(&store, OTHER).await.len() == 10,
    )
    .await;
    assert_eq!(texts(&store, OTHER).await, (0..10).collect::<Vec<_>>());
    assert!(texts(&store, STUCK).await.is_empty());
    // Later ones come as fast as if nothing were wrong.
    intake.accept(demo(), webhook(STUCK, 10_000, 1)).await.unwrap();
    intake.accept(demo(), webhook(OTHER, 10, 1)).await.unwrap();
    until("the next one came", Duration::from_millis(1_500), async || {
        texts(&store, OTHER).await.len() == 11
    })
    .await;
    *store.stuck.lock().unwrap() = None;
    until("everything is applied", Duration::from_secs(120), async || {
        store.journal_open(None, 1).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(texts(&store, STUCK).await, (0..=10_000).collect::<Vec<_>>());
    shutdown.begin();
    applying.await.unwrap();
}

/// A tenant's number, and the app that it names.
fn number_of(tenant: TenantId, app: Option<&str>) -> Number {
    Number {
        id: PhoneNumberId::parse(&tenant.get().to_string()).unwrap(),
        tenant,
        waba: WabaId::parse("2001").unwrap(),
        display: "+1".to_owned(),
        rate: SendRate::STANDARD,
        access_token: AccessToken::new("secret-1"),
        app: app.map(str::to_owned),
    }
}

/// The road in, with these apps configured.
struct Road {
    store: Arc<FaultyStore>,
    directory: Arc<Directory>,
    intake: Arc<Intake>,
    templates: Arc<TemplateBook>,
    shutdown: Shutdown,
    applying: tokio::task::JoinHandle<()>,
}

impl Road {
    async fn open(apps: &[&str]) -> Self {
        let store = Arc::default();
        let directory = directory_for(&store, apps).await;
        Self::over(store, directory, 1).await
    }

    /// On a store that others may use, too.
    async fn over(store: Arc<FaultyStore>, directory: Arc<Directory>, seed: u64) -> Self {
        let shutdown = Shutdown::default();
        let parts = parts(&directory);
        let templates = Arc::clone(&parts.templates);
        let (intake, applier) = open(parts, shutdown.clone(), seed).await.unwrap();
        let applying = actix::spawn(applier.run());
        actix::spawn({
            let (templates, shutdown) = (Arc::clone(&templates), shutdown.clone());
            async move { templates.keep_hearing(&shutdown).await }
        });
        Self {
            store,
            directory,
            intake,
            templates,
            shutdown,
            applying,
        }
    }

    async fn applied(&self) {
        until("everything is applied", Duration::from_secs(9), async || {
            self.store.journal_open(None, 1).await.unwrap().is_empty()
        })
        .await;
    }

    async fn aside(&self) -> Vec<crate::store::Quarantined> {
        self.store
            .quarantined(None, 9, SystemClock::new().now())
            .await
            .unwrap()
    }

    /// Puts everything back that was put aside.
    async fn replay(&self) {
        for item in self.aside().await {
            self.intake.take_back(item.body).await.unwrap();
            self.store.quarantine_remove(item.id).await.unwrap();
        }
        self.applied().await;
    }

    async fn reasons(&self) -> Vec<String> {
        self.aside().await.into_iter().map(|item| item.reason).collect()
    }

    async fn close(self) {
        self.shutdown.begin();
        self.applying.await.unwrap();
    }
}

/// What a webhook about the numbers' account says.
fn account() -> Bytes {
    let value = serde_json::json!({ "event": "said" });
    let change = serde_json::json!({ "field": "account_update", "value": value });
    let entry = serde_json::json!({ "id": "2001", "changes": [change] });
    let body = serde_json::json!({ "object": "whatsapp_business_account", "entry": [entry] });
    body.to_string().into()
}

fn stranger() -> Signer {
    Signer::App("stranger".into())
}

#[actix::test]
async fn what_an_app_says_of_a_number_of_another_app_stays_untrusted_however_often_it_is_put_back() {
    tokio::time::pause();
    let road = Road::open(&["demo", "stranger"]).await;
    road.intake
        .accept(stranger(), webhook(STUCK, 1, 1))
        .await
        .unwrap();
    road.intake.accept(demo(), webhook(STUCK, 2, 1)).await.unwrap();
    road.applied().await;
    assert_eq!(texts(&road.store, STUCK).await, [2]);
    for _ in 0..2 {
        assert_eq!(road.reasons().await, ["wrong_app"]);
        road.replay().await;
        assert_eq!(texts(&road.store, STUCK).await, [2]);
    }
    // Only who says that the number is the other app's makes it so.
    let number = number_of(STUCK, Some("stranger"));
    road.store.put_number(number.clone()).await.unwrap();
    road.directory.number_changed(number).await;
    road.replay().await;
    assert!(road.aside().await.is_empty());
    until("it is applied", Duration::from_secs(9), async || {
        texts(&road.store, STUCK).await == [2, 1]
    })
    .await;
    road.close().await;
}

#[actix::test]
async fn a_webhook_for_a_number_that_another_process_just_added_is_applied() {
    tokio::time::pause();
    let road = Road::open(&["demo"]).await;
    let fresh = TenantId::new(7);
    let tenant = Tenant::new(fresh, "a shop", Retention::DEFAULT, SystemClock::new().now());
    road.store.put_tenant(tenant).await.unwrap();
    road.store
        .put_number(number_of(fresh, Some("demo")))
        .await
        .unwrap();
    road.intake.accept(demo(), webhook(fresh, 1, 1)).await.unwrap();
    road.applied().await;
    assert_eq!(texts(&road.store, fresh).await, [1]);
    assert!(road.aside().await.is_empty());
    road.close().await;
}

#[actix::test]
async fn what_cannot_be_read_is_put_back_as_whose_it_was() {
    tokio::time::pause();
    let road = Road::open(&["demo", "stranger"]).await;
    // It would be read as the other app's if it stood there without its signer.
    let forged = signed::seal(&demo(), webhook(STUCK, 1, 1));
    road.intake.accept(stranger(), forged).await.unwrap();
    road.applied().await;
    assert_eq!(road.reasons().await, ["malformed"]);
    road.replay().await;
    assert_eq!(road.reasons().await, ["malformed"]);
    assert!(texts(&road.store, STUCK).await.is_empty());
    road.close().await;
}

#[actix::test]
async fn what_was_put_aside_of_a_message_goes_when_its_author_takes_it_back() {
    tokio::time::pause();
    let road = Road::open(&["demo", "stranger"]).await;
    let now = SystemClock::new().now().as_secs();
    let nobodys = TenantId::new(7);
    let told = |value: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_slice(&webhook_of(nobodys, 0, 1, now)).unwrap();
        let message = &mut body["entry"][0]["changes"][0]["value"]["messages"][0];
        for (key, part) in value.as_object().unwrap() {
            message[key] = part.clone();
        }
        Bytes::from(body.to_string())
    };
    let original = format!("wamid.{nobodys}.000000");
    let edit = serde_json::json!({ "original_message_id": original, "message": { "type": "text", "text": { "body": "x" } } });
    let revoke = told(
        serde_json::json!({ "id": "wamid.r", "type": "revoke", "revoke": { "original_message_id": original } }),
    );
    let quotes = serde_json::json!({ "id": "wamid.q", "context": { "id": original } });
    for (signer, body) in [
        (demo(), told(serde_json::json!({}))),
        (
            demo(),
            told(serde_json::json!({ "id": "wamid.e", "type": "edit", "edit": edit })),
        ),
        (demo(), told(quotes)),
        // Neither is theirs to take back.
        (stranger(), told(serde_json::json!({}))),
        (demo(), told(serde_json::json!({ "from": "628222222" }))),
    ] {
        road.intake.accept(signer, body).await.unwrap();
    }
    road.applied().await;
    assert_eq!(road.reasons().await, ["unknown_number"; 5]);
    road.intake.accept(demo(), revoke).await.unwrap();
    road.applied().await;
    let left: Vec<bool> = road
        .aside()
        .await
        .iter()
        .map(|item| signed::signer_of(&item.body) == demo())
        .collect();
    // What quotes it, two that are others', and that it was taken back.
    assert_eq!((left.len(), left.iter().filter(|ours| **ours).count()), (4, 3));
    road.close().await;
}

#[actix::test]
async fn a_number_without_an_app_is_spoken_for_only_while_there_is_one_app() {
    tokio::time::pause();
    let road = Road::open(&["demo"]).await;
    road.intake.accept(demo(), webhook(OTHER, 1, 1)).await.unwrap();
    road.intake
        .accept(stranger(), webhook(OTHER, 2, 1))
        .await
        .unwrap();
    // Put aside by a version that did not keep who signed it.
    road.intake.take_back(webhook(OTHER, 3, 1)).await.unwrap();
    road.intake.accept(demo(), account()).await.unwrap();
    road.applied().await;
    assert_eq!(texts(&road.store, OTHER).await, [1, 3]);
    assert_eq!(road.reasons().await, ["wrong_app"]);
    assert!(road.directory.numbers_without_app().is_empty());
    road.close().await;

    let road = Road::open(&["demo", "stranger"]).await;
    road.intake.accept(demo(), webhook(OTHER, 1, 1)).await.unwrap();
    road.intake
        .accept(stranger(), webhook(OTHER, 2, 1))
        .await
        .unwrap();
    road.intake.take_back(webhook(OTHER, 3, 1)).await.unwrap();
    road.intake.accept(stranger(), account()).await.unwrap();
    road.applied().await;
    assert!(texts(&road.store, OTHER).await.is_empty());
    assert_eq!(road.reasons().await, ["wrong_app"; 4]);
    let without = road.directory.numbers_without_app();
    assert_eq!(without, [number_of(OTHER, None).id]);
    road.close().await;
}

#[actix::test]
async fn messages_that_come_long_after_they_were_written_take_no_room_from_replies() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    let shutdown = Shutdown::default();
    let (intake, applier) = open(parts(&directory), shutdown.clone(), 1).await.unwrap();
    let applying = actix::spawn(applier.run());
    let now = SystemClock::new().now().as_secs();
    for (first, age) in [(0, 60), (10, 1), (20, 3_600)] {
        let body = webhook_of(OTHER, first, 10, now - age);
        intake.accept(demo(), body).await.unwrap();
    }
    until("everything is applied", Duration::from_secs(9), async || {
        texts(&store, OTHER).await.len() == 30
    })
    .await;
    let tenant = directory.tenant(OTHER).await.unwrap();
    let lane = tenant.lanes.values().next().unwrap();
    assert_eq!(lane.snapshot().await.unwrap().inbound, 10);
    shutdown.begin();
    applying.await.unwrap();
}
