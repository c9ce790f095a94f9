//! Y: what a business notes of contacts, and by what they are found.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::{
    Contact, ContactChange, ContactId, DetailLimit, EventKind, ListId, NoteId, Seq, TenantId, Term, TermKey,
    TermPlace,
};
use crate::store::op::{Audience, ChangeContact, ContactFate, Op, OpOutcome, OpRefusal, Whom};
use crate::store::plain::PlainTable;
use crate::store::tables::ContactNote;
use crate::store::{ListOrder, RecordKind};

const ADA: &str = "628111111";
const BOB: &str = "628222222";
const KEY: fn() -> TermKey = || TermKey::of(TENANT);

fn change(who: Whom, changes: Vec<ContactChange>, audience: Audience) -> Op {
    Op::ChangeContact(Box::new(ChangeContact {
        who,
        changes,
        by: ops::agent("ana"),
        audience,
    }))
}

fn label(text: &str) -> ContactChange {
    ContactChange::AddLabel(text.parse().unwrap())
}

fn vip() -> Term {
    KEY().label(&"vip".parse().unwrap())
}

async fn made(scene: &mut Scene, phone: &str, changes: Vec<ContactChange>) -> ContactId {
    let op = change(Whom::New(ops::names(&[phone])), changes, Audience::Agents);
    match scene.one(op).await {
        OpOutcome::Contact {
            contact,
            fate: ContactFate::Created,
            seq: Some(_),
        } => contact,
        other => panic!("not made: {other:?}"),
    }
}

async fn changed(scene: &mut Scene, contact: ContactId, changes: Vec<ContactChange>) -> OpOutcome {
    let op = change(Whom::Known(contact), changes, Audience::Agents);
    scene.one(op).await
}

async fn row(scene: &Scene, contact: ContactId) -> Contact {
    let rows = scene.store.contacts(TENANT, vec![contact]).await.unwrap();
    rows.into_iter().next().flatten().unwrap()
}

/// Whoever stands under a term.
async fn under(scene: &Scene, term: Term) -> Vec<ContactId> {
    let page = scene
        .store
        .page_term(TENANT, term, None, ListOrder::Ascending, 99);
    let page = page.await.unwrap();
    assert!(!page.more);
    page.items.into_iter().map(|place| place.contact).collect()
}

pub(super) async fn what_is_noted_is_kept_told_once_and_found(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = made(
        &mut scene,
        ADA,
        vec![
            ContactChange::GivenName(Some("Ibu Ada".parse().unwrap())),
            label("vip"),
        ],
    )
    .await;
    assert_eq!(scene.contact(ADA).await, Some(ada));
    let list = ListId::from_bytes([7; 16]);
    let noted = vec![label("new"), ContactChange::AddList(list)];
    let first = changed(&mut scene, ada, noted.clone()).await;
    assert!(matches!(
        first,
        OpOutcome::Contact {
            fate: ContactFate::Changed,
            seq: Some(_),
            ..
        }
    ));
    let head = scene.head;
    let again = changed(&mut scene, ada, noted).await;
    let unchanged = OpOutcome::Contact {
        contact: ada,
        fate: ContactFate::Unchanged,
        seq: None,
    };
    assert_eq!((again, scene.head), (unchanged, head));
    let stands = row(&scene, ada).await;
    assert_eq!((stands.labels.len(), stands.lists.as_slice()), (2, &[list][..]));
    for term in [
        vip(),
        KEY().all(),
        KEY().by_name(),
        KEY().list(list),
        KEY().prefix("ib"),
        KEY().digits("1111"),
    ] {
        assert_eq!(under(&scene, term).await, [ada]);
    }
    let gone = vec![
        ContactChange::RemoveLabel("vip".parse().unwrap()),
        ContactChange::GivenName(None),
    ];
    changed(&mut scene, ada, gone).await;
    assert!(under(&scene, vip()).await.is_empty());
    assert!(under(&scene, KEY().prefix("ib")).await.is_empty());
    assert_eq!(under(&scene, KEY().all()).await, [ada]);
    let page = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    let events = page.await.unwrap().events;
    assert!(events.iter().all(|event| event.kind == EventKind::Contact));
    assert_eq!(events.len(), 3);
    drop(scene);
    let scene = Scene::of(&backend.reopen()).await;
    assert_eq!(under(&scene, KEY().list(list)).await, [ada]);
}

pub(super) async fn who_is_there_is_not_made_again_and_what_is_refused_leaves_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = made(&mut scene, ADA, Vec::new()).await;
    let again = change(Whom::New(ops::names(&[ADA])), Vec::new(), Audience::Agents);
    let exists = OpOutcome::Refused(OpRefusal::ContactExists(ada));
    assert_eq!(scene.one(again).await, exists);
    let nobody = changed(&mut scene, ContactId::from_bytes([9; 16]), vec![label("x")]).await;
    assert_eq!(nobody, OpOutcome::Refused(OpRefusal::NotFound));
    let many: Vec<ContactChange> = (0..=Contact::MOST_LABELS)
        .map(|n| label(&n.to_string()))
        .collect();
    let full = OpOutcome::Refused(OpRefusal::ContactFull(DetailLimit::Labels));
    assert_eq!(changed(&mut scene, ada, many.clone()).await, full);
    assert!(row(&scene, ada).await.labels.is_empty());
    let new = change(Whom::New(ops::names(&[BOB])), many, Audience::Agents);
    assert_eq!(scene.one(new).await, full);
    assert_eq!(scene.contact(BOB).await, None);
    assert_eq!(under(&scene, KEY().all()).await, [ada]);
}

pub(super) async fn what_nobody_is_told_of_makes_no_event(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = made(&mut scene, ADA, Vec::new()).await;
    let head = scene.head;
    let named = |phone| {
        change(
            Whom::Named(ops::names(&[phone])),
            vec![label("vip")],
            Audience::Nobody,
        )
    };
    let outcomes = scene.commit(vec![named(ADA), named(BOB), named(BOB)]).await;
    let fates: Vec<ContactFate> = outcomes
        .iter()
        .map(|outcome| match outcome {
            OpOutcome::Contact { fate, seq: None, .. } => *fate,
            other => panic!("told: {other:?}"),
        })
        .collect();
    assert_eq!(
        fates,
        [ContactFate::Changed, ContactFate::Created, ContactFate::Unchanged]
    );
    assert_eq!(scene.head, head);
    let bob = scene.contact(BOB).await.unwrap();
    let mut expected = vec![ada, bob];
    expected.sort_unstable();
    assert_eq!(under(&scene, vip()).await, expected);
    // The ledger goes on.
    scene.hears(&[BOB], "w1", "hello").await;
    assert!(scene.head > head);
}

pub(super) async fn places_are_paged_both_ways_in_order(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut rows = Vec::new();
    for n in 0..23_u64 {
        if n % 3 == 0 {
            scene.later(Duration::from_secs(1));
        }
        let name = format!("{} kin", char::from(b'z' - u8::try_from(n).unwrap()));
        let named = ContactChange::GivenName(Some(name.parse().unwrap()));
        let id = made(&mut scene, &format!("62811{n:06}"), vec![named]).await;
        rows.push(row(&scene, id).await);
    }
    let of = |place: fn(&Contact) -> TermPlace| {
        let mut places: Vec<TermPlace> = rows.iter().map(place).collect();
        places.sort();
        places
    };
    for (term, expected) in [
        (KEY().all(), of(TermPlace::by_age)),
        (KEY().prefix("kin"), of(TermPlace::by_age)),
        (KEY().by_name(), of(TermPlace::by_name)),
    ] {
        for (order, turned) in [(ListOrder::Ascending, false), (ListOrder::Descending, true)] {
            let mut expected = expected.clone();
            if turned {
                expected.reverse();
            }
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = scene
                    .store
                    .page_term(TENANT, term, after, order, 5)
                    .await
                    .unwrap();
                assert!(page.items.len() == 5 || !page.more);
                after = page.items.last().cloned();
                seen.extend(page.items);
                if !page.more {
                    break;
                }
            }
            assert_eq!(seen, expected);
        }
    }
    let other = TermKey::of(TenantId::new(9)).all();
    assert!(under(&scene, other).await.is_empty());
    let page = scene
        .store
        .page_term(TenantId::new(9), KEY().all(), None, ListOrder::Ascending, 9);
    assert!(page.await.unwrap().items.is_empty());
}

pub(super) async fn who_is_one_person_stands_once_with_what_was_noted_of_both(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&[ADA], "w1", "hello").await;
    scene.hears(&["ID.one"], "w2", "hello").await;
    let (ada, one) = (
        scene.contact(ADA).await.unwrap(),
        scene.contact("ID.one").await.unwrap(),
    );
    changed(&mut scene, ada, vec![label("vip")]).await;
    changed(&mut scene, one, vec![label("new")]).await;
    scene.one(ops::relate(&[ADA], &["ID.one"], "linked")).await;
    let person = scene.contact(ADA).await.unwrap();
    let (new, number) = (
        KEY().label(&"new".parse().unwrap()),
        KEY().number(&ops::number("1")),
    );
    for term in [vip(), new, KEY().all(), number, KEY().talks()] {
        assert_eq!(under(&scene, term).await, [person]);
    }
    for term in [vip(), new, number] {
        let by_name = KEY().by_name_under(term).unwrap();
        assert_eq!(under(&scene, by_name).await, [person]);
    }
    // All that are asked for, in the order in which they are.
    let of = |phone| ops::conversation_of(TENANT, "1", &[phone]);
    let ids = vec![of("ID.one"), of(BOB), of(ADA), of("ID.one")];
    let rows = scene.store.conversations(TENANT, ids.clone()).await.unwrap();
    let found: Vec<_> = rows.into_iter().map(|row| row.map(|row| row.id)).collect();
    assert_eq!(found, [Some(ids[0]), None, Some(ids[2]), Some(ids[0])]);
    // Whichever is named, the person is changed.
    for id in [ada, one] {
        let text = id.to_string();
        changed(&mut scene, id, vec![label(text.get(..8).unwrap())]).await;
    }
    assert_eq!(row(&scene, person).await.labels.len(), 4);
}

pub(super) async fn nothing_finds_who_was_erased(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = made(
        &mut scene,
        ADA,
        vec![
            ContactChange::GivenName(Some("Ibu Ada".parse().unwrap())),
            label("vip"),
        ],
    )
    .await;
    let bob = made(&mut scene, BOB, vec![label("vip")]).await;
    scene.says(&[ADA], 7, "hello").await;
    assert_eq!(under(&scene, KEY().number(&ops::number("1"))).await, [ada]);
    let terms = row(&scene, ada).await.terms(KEY());
    assert!(terms.len() > 10);
    scene.store.erase_contact(TENANT, ada).await.unwrap();
    for (term, _) in terms {
        assert!(!under(&scene, term).await.contains(&ada));
    }
    assert_eq!(under(&scene, vip()).await, [bob]);
    // The same phone is somebody new, of whom nothing is noted.
    made(&mut scene, ADA, Vec::new()).await;
    assert_eq!(under(&scene, vip()).await, [bob]);
}

pub(super) async fn who_is_made_by_a_phone_takes_the_row_of_nobody_who_had_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = made(&mut scene, ADA, vec![label("vip")]).await;
    // She is known by an id, too; then somebody else has the number, and goes.
    scene.later(Duration::from_secs(60));
    scene.hears(&[ADA, "ID.1"], "w1", "x").await;
    scene.later(Duration::from_secs(60));
    scene.hears(&[ADA, "ID.2"], "w2", "y").await;
    let bob = scene.contact("ID.2").await.unwrap();
    assert_eq!(
        (scene.contact(ADA).await, scene.contact("ID.1").await),
        (Some(bob), Some(ada))
    );
    scene.store.erase_contact(TENANT, bob).await.unwrap();
    let eve = made(&mut scene, ADA, vec![label("new")]).await;
    assert_ne!(eve, ada);
    let labels = |row: Contact| {
        row.labels
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(labels(row(&scene, ada).await), ["vip"]);
    assert_eq!(labels(row(&scene, eve).await), ["new"]);
    assert_eq!(scene.contact(ADA).await, Some(eve));
}

pub(super) async fn what_was_written_about_who_was_erased_goes_too(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&[ADA], "w1", "hello").await;
    scene.hears(&["ID.one"], "w2", "hello").await;
    let (ada, one) = (
        scene.contact(ADA).await.unwrap(),
        scene.contact("ID.one").await.unwrap(),
    );
    let bob = made(&mut scene, BOB, Vec::new()).await;
    scene.one(ops::relate(&[ADA], &["ID.one"], "linked")).await;
    let store = scene.store.as_ref();
    let table = PlainTable::<ContactNote>::of(store, scene.now);
    for (contact, count) in [(ada, 70), (one, 1), (bob, 1)] {
        for n in 0..count {
            let note = ContactNote {
                id: NoteId::from_bytes([n; 16]),
                text: "likes tea".to_owned(),
                at: scene.now,
                by: ops::agent("ana"),
            };
            let key = ContactNote::at(TENANT, contact, note.id);
            assert!(table.replace(&key, None, Some(&note)).await.unwrap());
        }
    }
    store.erase_contact(TENANT, ada).await.unwrap();
    for (contact, left) in [(ada, 0), (one, 0), (bob, 1)] {
        let page = table.page(ContactNote::of(TENANT, contact), None, 99);
        assert_eq!(page.await.unwrap().items.len(), left);
    }
}

pub(super) async fn a_copy_is_found_by_the_same(backend: impl Backend) {
    let mut from = Scene::of(&super::Memory::open()).await;
    made(&mut from, ADA, vec![label("vip")]).await;
    made(&mut from, BOB, vec![label("new")]).await;
    let mut to = Scene::of(&backend).await;
    for kind in [RecordKind::Contact, RecordKind::Alias] {
        let page = from.store.export(TENANT, kind, None, 99, from.now).await.unwrap();
        let import = to.store.import(TENANT, to.fence, page.records, to.now);
        import.await.unwrap();
    }
    for term in [vip(), KEY().all(), KEY().by_name(), KEY().digits("2222")] {
        assert_eq!(under(&to, term).await, under(&from, term).await);
    }
    let ada = to.contact(ADA).await.unwrap();
    changed(
        &mut to,
        ada,
        vec![ContactChange::RemoveLabel("vip".parse().unwrap())],
    )
    .await;
    assert!(under(&to, vip()).await.is_empty());
}
