//! Erasing a customer: who may, what is answered, and what is left.

use serde_json::json;

use super::super::*;
use super::{ALL, make};
use crate::domain::roles::Role;
use crate::domain::{EventKind, Seq};
use crate::privacy::Erasures;

const ANA: &str = "628120001";

/// Carries erasures out for as long as it is kept.
struct Running(Shutdown);

impl Running {
    fn begin(erasures: Arc<Erasures>) -> Self {
        let shutdown = Shutdown::default();
        let ends = shutdown.clone();
        actix_web::rt::spawn(async move { erasures.run(&ends).await });
        Self(shutdown)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.begin();
    }
}

async fn erase(api: &Api, id: &str) -> Answer {
    api.call("DELETE", &format!("{ALL}/{id}")).send().await
}

#[actix_web::test]
async fn a_customer_is_erased_with_all_cards_and_nothing_is_left_but_digests() {
    let api = Api::start().await;
    let _running = Running::begin(Arc::clone(&api.state.erasures));
    let other = make(&api, json!({ "phone": "628120002", "given_name": "Pak Bob" })).await;
    let talk = api.customer_writes(ONE, ANA, "a secret").await.conversation;
    let id = api.contact_of(ONE, talk).await.to_string();
    let merge = json!({ "other": other });
    assert_eq!(api.post(&format!("{ALL}/{id}/merge"), &merge).await.status, 200);
    for card in [&id, &other] {
        let note = json!({ "text": "likes tea" });
        assert_eq!(api.post(&format!("{ALL}/{card}/notes"), &note).await.status, 201);
    }
    // By whichever card.
    let erased = erase(&api, &other).await;
    assert_eq!(erased.status, 200, "{}", erased.json());
    assert_eq!(erased.json(), json!({ "contact_id": id, "done": true }));
    for card in [&id, &other] {
        let path = format!("{ALL}/{card}");
        assert_eq!(api.get(&path).await.outcome(), (404, "not_found".to_owned()));
        assert_eq!(erase(&api, card).await.outcome(), (404, "not_found".to_owned()));
    }
    let talk = format!("/v1/conversations/{talk}");
    assert_eq!(api.get(&talk).await.outcome(), (404, "not_found".to_owned()));
    let told = api
        .store
        .events_after(ONE, Seq::default(), 99, NOW)
        .await
        .unwrap();
    let kinds: Vec<EventKind> = told.events.iter().map(|event| event.kind).collect();
    assert!(kinds.len() > 2, "a message, a merge, and that it is done");
    assert!(kinds.iter().all(|kind| *kind == EventKind::Erased), "{kinds:?}");
    let left = api.store.export_plain(None, 99, NOW).await.unwrap();
    for row in left.records {
        let table = row.key.partition.table;
        assert!(!matches!(table, "contact_note" | "consent" | "merge"), "{table}");
        let text = String::from_utf8_lossy(&row.value.body).into_owned();
        assert!(
            !text.contains(ANA) && !text.contains("628120002"),
            "{table}: {text}"
        );
    }
}

#[actix_web::test]
async fn an_erasure_that_takes_long_says_so_and_goes_on() {
    let api = Api::start().await;
    let id = make(&api, json!({ "phone": ANA })).await;
    // Nobody carries it out yet.
    let begun = erase(&api, &id).await;
    assert_eq!(begun.status, 202, "{}", begun.json());
    assert_eq!(begun.json(), json!({ "contact_id": id, "done": false }));
    let _running = Running::begin(Arc::clone(&api.state.erasures));
    let (contact, patience) = (id.parse().unwrap(), Duration::from_secs(60));
    let ends = api.state.erasures.ends_within(ONE, contact, patience);
    assert!(ends.await.unwrap());
    assert_eq!(erase(&api, &id).await.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn webhooks_that_came_before_an_erasure_are_applied_before_it() {
    let api = Api::start().await;
    let id = make(&api, json!({ "phone": ANA })).await;
    let waits = crate::store::JournalEntry {
        id: crate::domain::JournalId::from_bytes([1; 16]),
        received: NOW,
        body: bytes::Bytes::from_static(b"{}"),
    };
    api.store.journal_append(waits.clone()).await.unwrap();
    let contact = id.parse().unwrap();
    let rows = api.store.contacts(ONE, vec![contact]).await.unwrap();
    let customer: Vec<_> = rows.into_iter().flatten().collect();
    let erasures = &api.state.erasures;
    erasures.begin(ONE, contact, &customer).await.unwrap();
    let _running = Running::begin(Arc::clone(erasures));
    let soon = Duration::from_secs(2);
    assert!(!erasures.ends_within(ONE, contact, soon).await.unwrap());
    assert_eq!(api.get(&format!("{ALL}/{id}")).await.status, 200);
    api.store.journal_done(vec![waits.id]).await.unwrap();
    let patience = Duration::from_secs(60);
    assert!(erasures.ends_within(ONE, contact, patience).await.unwrap());
    assert_eq!(api.get(&format!("{ALL}/{id}")).await.status, 404);
}

#[actix_web::test]
async fn whoever_manages_the_business_erases_and_nobody_else() {
    let api = Api::start().await;
    let _running = Running::begin(Arc::clone(&api.state.erasures));
    let id = make(&api, json!({ "phone": ANA })).await;
    let path = format!("{ALL}/{id}");
    for role in [Role::Supervisor, Role::Agent, Role::ReadOnly] {
        let email = format!("{}@example.com", role.as_str().replace('_', "-"));
        let member = people::member(&api, ONE, &email, role).await;
        let refused = member.send(&api, "DELETE", &path, json!({})).await;
        assert_eq!(refused.outcome(), (403, "forbidden".to_owned()), "{role:?}");
    }
    let reads = api.add_key(ONE, &[Scope::Read]).await;
    let refused = Request::new(api.addr, "DELETE", &path).bearer(&reads);
    assert_eq!(refused.send().await.outcome(), (403, "forbidden".to_owned()));
    let theirs = Request::new(api.addr, "DELETE", &path).bearer(&api.other_key);
    assert_eq!(theirs.send().await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(api.get(&path).await.status, 200);
    let admin = people::member(&api, ONE, "admin@example.com", Role::Admin).await;
    let erased = admin.send(&api, "DELETE", &path, json!({})).await;
    assert_eq!(erased.status, 200, "{}", erased.json());
}
