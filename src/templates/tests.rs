//! Rows against a Meta that says what a test has it say.

pub(crate) mod graph;
mod keeping_up;
mod news;
mod sending;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::{PhoneNumberId, SendRate, TemplateName, TenantId, TestClock, Timestamp, WabaId};
use crate::store::Number;
use crate::store::directory::AccessToken;
use crate::store::memory::MemoryStore;
use crate::store::plain::PlainValue;
use crate::store::tables::Template;
use crate::whatsapp::client::BearerToken;
use graph::TemplatesAtMeta;
use sync::{Synced, Wanted};

const ONE: TenantId = TenantId::new(1);
const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

struct Stage {
    book: Arc<TemplateBook>,
    meta: Arc<TemplatesAtMeta>,
    store: Arc<MemoryStore>,
    clock: TestClock,
}

fn waba() -> WabaId {
    WabaId::parse("102290129340398").unwrap()
}

fn bearer() -> BearerToken {
    BearerToken::parse("token").unwrap()
}

/// A template as Meta lists it.
fn listed(name: &str, status: &str) -> Value {
    json!({
        "id": "42", "name": name, "language": "en_US", "status": status, "category": "UTILITY",
        "quality_score": { "score": "GREEN" }, "rejected_reason": "NONE", "parameter_format": "POSITIONAL",
        "components": [{ "type": "BODY", "text": "Hi {{1}}!" }]
    })
}

/// A template as a message names it.
fn used(name: &str, values: &[&str]) -> Value {
    let parameters: Vec<Value> = values
        .iter()
        .map(|text| json!({ "type": "text", "text": text }))
        .collect();
    json!({ "name": name, "language": { "code": "en_US" },
        "components": [{ "type": "body", "parameters": parameters }] })
}

impl Stage {
    async fn with(templates: Vec<Value>) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::at(NOW));
        let meta = Arc::new(TemplatesAtMeta::default());
        meta.list(templates);
        let book = TemplateBook::new(store.clone(), Arc::new(clock.clone()), meta.clone(), 7);
        let number = Number {
            id: PhoneNumberId::parse("101").unwrap(),
            tenant: ONE,
            waba: waba(),
            app: None,
            display: "+1 555".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("token"),
        };
        store.put_number(number).await.unwrap();
        Self {
            book: Arc::new(book),
            meta,
            store,
            clock,
        }
    }

    /// One that is looked up already.
    async fn synced(templates: Vec<Value>) -> Self {
        let stage = Self::with(templates).await;
        assert!(matches!(stage.sync().await, Synced::Done(_)));
        stage
    }

    async fn sync(&self) -> Synced {
        self.clock.advance(Duration::from_secs(10));
        self.sync_now().await
    }

    async fn sync_now(&self) -> Synced {
        self.book.sync(ONE, &waba(), Some(bearer()), Wanted::Anew).await
    }

    async fn row(&self, name: &str) -> Template {
        let id = TemplateName::new(waba(), name, "en_US").id();
        self.book.get(ONE, id).await.unwrap().unwrap()
    }

    async fn history(&self, name: &str) -> Vec<(String, String)> {
        let id = TemplateName::new(waba(), name, "en_US").id();
        let versions = self.book.versions(ONE, id).await.unwrap();
        let told = versions.into_iter();
        told.map(|version| (version.status.as_str().to_owned(), version.why))
            .collect()
    }
}

#[tokio::test]
async fn all_pages_are_taken_over_and_what_is_gone_is_marked() {
    let stage = Stage::synced(vec![
        listed("a", "APPROVED"),
        listed("b", "PAUSED"),
        listed("c", "APPROVED"),
        json!({ "odd": true }),
    ])
    .await;
    assert_eq!(stage.meta.calls().len(), 2, "two pages");
    let account = stage.book.account(ONE, &waba()).await.unwrap().unwrap();
    assert_eq!(account.synced_at, Some(NOW.after(Duration::from_secs(10))));
    assert_eq!(account.running_until, None);
    assert_eq!(account.counts.get(&TemplateStatus::Approved), Some(&2));
    assert_eq!(stage.row("b").await.status, TemplateStatus::Paused);
    let unchanged = stage.row("a").await;
    stage
        .meta
        .list(vec![listed("a", "APPROVED"), listed("b", "APPROVED")]);
    let Synced::Done(account) = stage.sync().await else {
        panic!("done")
    };
    assert_eq!(account.counts.get(&TemplateStatus::Deleted), Some(&1));
    assert_eq!(
        stage.row("a").await,
        unchanged,
        "nothing is written where nothing changed"
    );
    assert_eq!(stage.row("c").await.status, TemplateStatus::Deleted);
    let told = |status: &str| (status.to_owned(), "sync".to_owned());
    assert_eq!(stage.history("b").await, [told("APPROVED"), told("PAUSED")]);
}

#[tokio::test]
async fn a_list_that_breaks_off_deletes_nothing_and_says_why() {
    let stage = Stage::synced(vec![
        listed("a", "APPROVED"),
        listed("b", "APPROVED"),
        listed("c", "APPROVED"),
    ])
    .await;
    stage.meta.fail_from(1);
    let Synced::Failed(error) = stage.sync().await else {
        panic!("failed")
    };
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert_eq!(stage.row("c").await.status, TemplateStatus::Approved);
    let account = stage.book.account(ONE, &waba()).await.unwrap().unwrap();
    assert!(account.error.unwrap().contains("connection refused"));
    assert!(account.synced_at.is_some() && account.running_until.is_none());
    stage.meta.fail_from(usize::MAX);
    assert!(matches!(stage.sync().await, Synced::Done(account) if account.error.is_none()));
}

#[tokio::test]
async fn an_account_is_looked_up_by_one_at_a_time_and_not_again_without_need() {
    let stage = Stage::with(vec![listed("a", "APPROVED")]).await;
    let other = TemplateBook::new(
        stage.store.clone(),
        Arc::new(stage.clock.clone()),
        stage.meta.clone(),
        9,
    );
    let open = stage.meta.hold();
    let account = waba();
    let first = stage.book.sync(ONE, &account, Some(bearer()), Wanted::Anew);
    let second = async {
        let elsewhere = other.sync(ONE, &account, Some(bearer()), Wanted::Anew).await;
        drop(open);
        elsewhere
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first, Synced::Done(_)) && matches!(second, Synced::Elsewhere));
    assert!(matches!(
        other
            .sync(
                ONE,
                &waba(),
                Some(bearer()),
                Wanted::Within(Duration::from_secs(60))
            )
            .await,
        Synced::Fresh(_)
    ));
    // Whoever was killed at it is not waited for.
    let open = stage.meta.hold();
    let killed = stage.book.sync(ONE, &account, Some(bearer()), Wanted::Anew);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), killed)
            .await
            .is_err()
    );
    drop(open);
    let state = async || stage.book.account(ONE, &waba()).await.unwrap().unwrap();
    assert!(state().await.is_running(stage.clock.now()));
    stage.clock.advance(Duration::from_secs(20));
    assert!(!state().await.is_running(stage.clock.now()));
    assert!(matches!(stage.sync().await, Synced::Done(_)));
}

#[tokio::test]
async fn a_lease_of_a_clock_that_was_set_back_is_void() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    stage.clock.jump_wall_to(NOW.after(Duration::from_hours(1)));
    let open = stage.meta.hold();
    let account = waba();
    let killed = stage.book.sync(ONE, &account, Some(bearer()), Wanted::Anew);
    let killed = tokio::time::timeout(Duration::from_millis(20), killed);
    assert!(killed.await.is_err());
    drop(open);
    stage.clock.jump_wall_to(NOW);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_takes_long_is_not_begun_by_another_and_ends_when_another_took_over() {
    let stage = Stage::with(vec![listed("a", "APPROVED")]).await;
    let open = stage.meta.hold();
    let account = waba();
    let long = stage.book.sync(ONE, &account, Some(bearer()), Wanted::Anew);
    let others = async {
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stage.clock.advance(Duration::from_secs(5));
            // Whoever is at it says so again.
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(matches!(stage.sync_now().await, Synced::Elsewhere));
        }
        // It did not get to say so for long: somebody else begins one.
        stage.clock.advance(Duration::from_secs(60));
        let taken_over = stage.book.claim(ONE, &account, Wanted::Anew).await;
        assert!(taken_over.is_ok());
    };
    let (long, ()) = tokio::join!(long, others);
    assert!(matches!(long, Synced::Elsewhere));
    drop(open);
}

#[tokio::test]
async fn an_account_reads_its_own_templates_alone() {
    let stage = Stage::with((0..250).map(|n| listed(&format!("t{n}"), "APPROVED")).collect()).await;
    // A row of another account that cannot be read: whoever reads all is stopped by it.
    let first = TemplateName::first_of(&waba());
    assert!(first > [0; 4]);
    let unreadable = PlainValue {
        body: "x".into(),
        expires: None,
    };
    let key = Template::of(ONE).row(&[0; 16]);
    let put = stage
        .store
        .replace_plain_row(key, None, Some(unreadable), stage.clock.now());
    assert!(put.await.unwrap());
    let other = WabaId::parse("2").unwrap();
    let synced = stage.book.sync(ONE, &other, Some(bearer()), Wanted::Anew).await;
    let of = |synced: Synced| match synced {
        Synced::Done(account) => account.counts,
        other => panic!("{other:?}"),
    };
    assert_eq!(of(synced).get(&TemplateStatus::Approved), Some(&250));
    stage.meta.list(vec![listed("t7", "APPROVED")]);
    let counts = of(stage.sync().await);
    assert_eq!(counts.get(&TemplateStatus::Approved), Some(&1));
    assert_eq!(counts.get(&TemplateStatus::Deleted), None);
    stage.meta.list(Vec::new());
    assert_eq!(of(stage.sync().await).get(&TemplateStatus::Deleted), Some(&1));
}

#[tokio::test]
async fn a_version_that_a_kill_kept_from_being_noted_is_noted_with_the_next() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    // Whoever wrote this was killed before they noted it.
    let table = stage.book.table::<Template>();
    let id = TemplateName::new(waba(), "a", "en_US").id();
    let key = Template::at(ONE, id);
    let found = table.get(&key).await.unwrap().unwrap();
    let paused = Template {
        status: TemplateStatus::Paused,
        ..found.row.clone()
    };
    assert!(table.replace(&key, Some(&found), Some(&paused)).await.unwrap());
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    let states: Vec<String> = stage
        .history("a")
        .await
        .into_iter()
        .map(|(status, _)| status)
        .collect();
    assert_eq!(states, ["APPROVED", "PAUSED", "APPROVED"]);
}

#[tokio::test]
async fn a_list_in_circles_deletes_nothing() {
    let stage = Stage::synced(vec![
        listed("a", "APPROVED"),
        listed("b", "APPROVED"),
        listed("c", "APPROVED"),
    ])
    .await;
    stage.meta.go_in_circles();
    assert!(matches!(stage.sync().await, Synced::Failed(_)));
    assert_eq!(stage.row("c").await.status, TemplateStatus::Approved);
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_was_set_right_keeps_nothing_from_being_taken_over() {
    let stage = Stage::with(vec![listed("a", "APPROVED")]).await;
    stage.clock.jump_wall_to(NOW.after(Duration::from_hours(1)));
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    let row = stage.row("a").await;
    let change = Change {
        components: Some(json!([{ "type": "BODY", "text": "Hello {{1}}!" }])),
        ..Change::default()
    };
    stage.book.edit(ONE, &row, change, &bearer()).await.unwrap();
    stage.clock.jump_wall_to(NOW);
    stage.meta.list(vec![listed("a", "REJECTED")]);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    let row = stage.row("a").await;
    assert_eq!(row.status, TemplateStatus::Rejected);
    assert_eq!(row.components[0]["text"], "Hi {{1}}!");
    stage.meta.list(Vec::new());
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    assert_eq!(stage.row("a").await.status, TemplateStatus::Deleted);
}

#[tokio::test]
async fn components_that_no_row_holds_are_left_out_and_nothing_fails_for_them() {
    let mut long = listed("long", "APPROVED");
    long["components"][0]["text"] = json!("x".repeat(60_000));
    let stage = Stage::synced(vec![long]).await;
    assert_eq!(stage.row("long").await.components, Value::Null);
    stage
        .book
        .check(ONE, &waba(), &used("long", &["a", "b"]))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_the_business_makes_edits_and_deletes_is_at_meta_first() {
    let stage = Stage::synced(Vec::new()).await;
    let new = NewTemplate {
        name: TemplateName::new(waba(), "new", "en_US"),
        category: "UTILITY".to_owned(),
        source: TemplateSource::Written {
            format: crate::whatsapp::templates::ParameterFormat::Positional,
            components: json!([{ "type": "BODY", "text": "Hi {{1}}!" }]),
            ttl_seconds: Some(600),
        },
    };
    let made = stage.book.create(ONE, new.clone(), &bearer()).await.unwrap();
    assert_eq!(
        (made.status.as_str(), made.meta_id.as_deref()),
        ("PENDING", Some("77"))
    );
    assert_eq!(made.ttl_seconds, Some(600));
    // It is not listed yet, and yet it is not gone.
    stage.clock.advance(Duration::from_secs(1));
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    stage.meta.list(vec![listed("new", "APPROVED")]);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    let change = Change {
        components: Some(json!([{ "type": "BODY", "text": "Hello {{1}}!" }])),
        ..Change::default()
    };
    let row = stage.row("new").await;
    let edited = stage
        .book
        .edit(ONE, &row, change.clone(), &bearer())
        .await
        .unwrap();
    assert_eq!(edited.status, TemplateStatus::Pending);
    assert_eq!(edited.components[0]["text"], "Hello {{1}}!");
    stage.meta.refuse(2_388_019, "too many");
    let refused = stage.book.create(ONE, new.clone(), &bearer()).await;
    let is_limit = |result: &Result<Template, TemplateError>| match result {
        Err(TemplateError::Limit { limit, .. }) => Some(limit.as_str()),
        _ => None,
    };
    assert_eq!(is_limit(&refused), Some("creations"));
    stage.meta.refuse(100, "Invalid parameter");
    let refused = stage.book.edit(ONE, &row, change, &bearer()).await;
    assert_eq!(
        is_limit(&refused),
        Some("edits"),
        "it was approved and edited before"
    );
    assert!(
        stage
            .book
            .delete(ONE, &row, Reach::OneLanguage, &bearer())
            .await
            .is_err()
    );
    assert_eq!(
        stage.row("new").await,
        edited,
        "nothing changed by what Meta refused"
    );
    stage.meta.allow();
    stage
        .book
        .delete(ONE, &row, Reach::AllLanguages, &bearer())
        .await
        .unwrap();
    assert_eq!(stage.row("new").await.status, TemplateStatus::Deleted);
    stage.meta.refuse(100, "Invalid parameter");
    let refused = stage.book.create(ONE, new, &bearer()).await;
    assert_eq!(is_limit(&refused), Some("name"));
    let why: Vec<String> = stage
        .history("new")
        .await
        .into_iter()
        .map(|(_, why)| why)
        .collect();
    assert_eq!(why.first().map(String::as_str), Some("deleted"));
    assert!(
        why.contains(&"created".to_owned()) && why.contains(&"edited".to_owned()),
        "{why:?}"
    );
}

#[tokio::test]
async fn one_of_metas_library_is_approved_at_once_and_told_whole_by_the_next_list() {
    let stage = Stage::synced(Vec::new()).await;
    let new = NewTemplate {
        name: TemplateName::new(waba(), "new", "en_US"),
        category: "UTILITY".to_owned(),
        source: TemplateSource::Library(crate::whatsapp::templates::LibraryDraft {
            library_name: "delivery_update_1".to_owned(),
            buttons: Some(json!([])),
            body: None,
        }),
    };
    stage.meta.approve_at_once();
    let made = stage.book.create(ONE, new, &bearer()).await.unwrap();
    assert_eq!(
        (made.status, made.components),
        (TemplateStatus::Approved, Value::Null)
    );
    let asked = stage.meta.calls().pop().unwrap();
    assert!(asked.contains("delivery_update_1"), "{asked}");
    stage.meta.list(vec![listed("new", "APPROVED")]);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    assert_eq!(stage.row("new").await.components[0]["text"], "Hi {{1}}!");
}
