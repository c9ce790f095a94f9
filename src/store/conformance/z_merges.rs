//! Z: contacts that somebody merged, and parted again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::contact_details::Age;
use crate::domain::{
    AttributeValue, Card, Consent, ConsentPurpose, ConsentState, Contact, ContactChange, ContactId,
    EventKind, Facts, MarketingWish, MergeDone, Purpose, Seq, Term, TermKey, WishSource,
};
use crate::store::ListOrder;
use crate::store::op::{Audience, ChangeContact, Merge, Op, OpOutcome, OpRefusal, Prefer, Unmerge, Whom};
use crate::store::row::ClaimOutcome;

const ADA: &str = "628111111";
const BOB: &str = "628222222";
const CYN: &str = "628333333";

fn label(text: &str) -> ContactChange {
    ContactChange::AddLabel(text.parse().unwrap())
}

fn attribute(key: &str, value: &str) -> ContactChange {
    let value = AttributeValue::Text(value.parse().unwrap());
    ContactChange::Attribute(key.parse().unwrap(), Some(value))
}

async fn noted(scene: &mut Scene, phone: &str, changes: Vec<ContactChange>) -> ContactId {
    let op = ChangeContact {
        who: Whom::Named(ops::names(&[phone])),
        changes,
        by: ops::agent("ana"),
        audience: Audience::Agents,
    };
    match scene.one(Op::ChangeContact(Box::new(op))).await {
        OpOutcome::Contact { contact, .. } => contact,
        other => panic!("not noted: {other:?}"),
    }
}

async fn row(scene: &Scene, contact: ContactId) -> Contact {
    scene.store.contact(TENANT, contact).await.unwrap().unwrap()
}

/// Merges the second into the first; what it did.
async fn merged(scene: &mut Scene, contact: ContactId, other: ContactId) -> MergeDone {
    let done = MergeDone::of(&row(scene, contact).await, &row(scene, other).await).unwrap();
    let outcome = merge(scene, &done).await;
    assert!(
        matches!(outcome, OpOutcome::Contact { seq: Some(_), .. }),
        "{outcome:?}"
    );
    done
}

async fn merge(scene: &mut Scene, done: &MergeDone) -> OpOutcome {
    let (done, by) = (done.clone(), ops::agent("ana"));
    scene.one(Op::Merge(Box::new(Merge { done, by }))).await
}

async fn parted(scene: &mut Scene, done: &MergeDone) -> OpOutcome {
    let (done, by) = (done.clone(), ops::agent("ana"));
    scene.one(Op::Unmerge(Box::new(Unmerge { done, by }))).await
}

fn stop(name: &str, scene: &Scene) -> Op {
    Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[name]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(scene.now),
    })
}

/// As it was, but for when it changed last.
fn is_as(now: &Contact, before: &Contact) -> bool {
    let mut now = now.clone();
    now.updated = before.updated;
    now == *before
}

async fn under(scene: &Scene, term: Term) -> Vec<ContactId> {
    let order = ListOrder::Ascending;
    let page = scene
        .store
        .page_term(TENANT, term, None, order, 99)
        .await
        .unwrap();
    page.items.into_iter().map(|place| place.contact).collect()
}

pub(super) async fn two_cards_are_one_customer_until_that_is_undone(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = noted(&mut scene, ADA, vec![label("vip"), attribute("city", "Jakarta")]).await;
    let changes = vec![
        label("wholesale"),
        attribute("city", "Bandung"),
        attribute("pet", "cat"),
    ];
    let bob = noted(&mut scene, BOB, changes).await;
    scene.one(stop(BOB, &scene)).await;
    let before = (row(&scene, ada).await, row(&scene, bob).await);
    scene.later(Duration::from_secs(60));
    let done = merged(&mut scene, ada, bob).await;

    let (one, other) = (row(&scene, ada).await, row(&scene, bob).await);
    assert_eq!(one.labels, ["vip".parse().unwrap(), "wholesale".parse().unwrap()]);
    let text = |text: &str| AttributeValue::Text(text.parse().unwrap());
    assert_eq!(one.attributes[&"city".parse().unwrap()], text("Jakarta"));
    assert_eq!(one.attributes[&"pet".parse().unwrap()], text("cat"));
    assert!(one.merged == [Card::of(&other)]);
    assert_eq!(other.merged_into, Some(ada));
    assert!(
        one.refuses(Purpose::Marketing),
        "the stricter consent holds for both"
    );
    // Shown once, and found by what either goes by.
    let key = TermKey::of(TENANT);
    assert_eq!(under(&scene, key.all()).await, [ada]);
    assert_eq!(under(&scene, key.digits("2222")).await, [ada]);
    // What comes of either shows what is noted of the customer.
    scene.hears(&[BOB], "hello", "hello").await;
    // And is found by the number on which it came, and nobody is told of that.
    let number = key.number(&ops::number("1"));
    assert_eq!(under(&scene, number).await, [ada]);
    let page = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    let events = page.await.unwrap().events;
    let last = events
        .iter()
        .rfind(|event| event.kind == EventKind::Message)
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&last.json).unwrap();
    let shown = &told["data"]["contact"];
    assert_eq!(shown["merged_into"], serde_json::json!(ada));
    assert_eq!(shown["labels"], serde_json::json!(["vip", "wholesale"]));
    assert!(
        events
            .iter()
            .all(|event| !String::from_utf8_lossy(&event.json).contains("talked_on"))
    );
    // The same again, and once more in other words, changes nothing.
    assert!(matches!(
        merge(&mut scene, &done).await,
        OpOutcome::Contact { seq: None, .. }
    ));
    assert!(MergeDone::of(&one, &other).is_none());

    assert!(matches!(
        parted(&mut scene, &done).await,
        OpOutcome::Contact { seq: Some(_), .. }
    ));
    let again = (row(&scene, ada).await, row(&scene, bob).await);
    assert!(is_as(&again.0, &before.0));
    assert_eq!(under(&scene, number).await, [bob]);
    assert_eq!(again.1.labels, before.1.labels);
    assert!(again.1.attributes == before.1.attributes);
    assert!(again.1.refuses(Purpose::Marketing));
    let refused = OpOutcome::Refused(OpRefusal::NotMerged);
    assert_eq!(parted(&mut scene, &done).await, refused);
    assert_eq!(under(&scene, key.digits("2222")).await, [bob]);
}

pub(super) async fn what_holds_for_a_customer_holds_on_every_card(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = noted(&mut scene, ADA, vec![]).await;
    let bob = noted(&mut scene, BOB, vec![]).await;
    merged(&mut scene, ada, bob).await;
    let mut offer = ops::submit(TENANT, &[ADA], ops::id(scene.now, 1), "buy this");
    offer.purpose = Purpose::Marketing;
    let at = scene.place(offer.clone()).await;
    scene.later(Duration::from_secs(60));
    scene.one(stop(BOB, &scene)).await;
    let claimed = scene
        .store
        .claim(TENANT, scene.fence, vec![ops::want(at.message, 0)], scene.now);
    assert!(matches!(claimed.await.unwrap()[..], [ClaimOutcome::OptedOut]));
    // What the business says of any of them is said of all.
    scene.later(Duration::from_secs(60));
    let consent = Consent {
        state: ConsentState::Given,
        at: scene.now,
        source: "form".to_owned().try_into().unwrap(),
    };
    let given = ContactChange::Consent(ConsentPurpose::marketing(), consent);
    noted(
        &mut scene,
        BOB,
        vec![given, label("back"), ContactChange::Minor(Age::Minor)],
    )
    .await;
    for id in [ada, bob] {
        let row = row(&scene, id).await;
        assert!(!row.refuses(Purpose::Marketing) && row.is_minor);
    }
    assert_eq!(row(&scene, ada).await.labels.len(), 1);
    offer.id = ops::id(scene.now, 2);
    for to in [ADA, BOB] {
        offer.aliases = ops::names(&[to]);
        let refused = scene.one(offer.clone()).await;
        assert_eq!(refused, OpOutcome::Refused(OpRefusal::ContactIsMinor));
    }
    noted(&mut scene, BOB, vec![ContactChange::Minor(Age::Other)]).await;
    assert!(!row(&scene, bob).await.is_minor);
    scene.place(offer).await;
}

pub(super) async fn an_inner_merge_is_undone_by_itself(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = noted(&mut scene, ADA, vec![label("a")]).await;
    let bob = noted(&mut scene, BOB, vec![label("b")]).await;
    let cyn = noted(&mut scene, CYN, vec![label("c")]).await;
    let before = [
        row(&scene, ada).await,
        row(&scene, bob).await,
        row(&scene, cyn).await,
    ];
    let inner = merged(&mut scene, ada, bob).await;
    // They are not as they were read any more.
    let stale = OpOutcome::Refused(OpRefusal::ContactsChanged);
    let late = MergeDone::of(&before[0], &before[2]).unwrap();
    assert_eq!(merge(&mut scene, &late).await, stale);
    let outer = merged(&mut scene, cyn, ada).await;
    let all = row(&scene, cyn).await;
    assert_eq!((all.labels.len(), all.merged.len()), (3, 2));
    assert_eq!(row(&scene, bob).await.merged_into, Some(cyn));
    assert!(matches!(
        parted(&mut scene, &inner).await,
        OpOutcome::Contact { .. }
    ));
    assert!(is_as(&row(&scene, bob).await, &before[1]));
    let left = row(&scene, cyn).await;
    assert_eq!(left.labels, ["a".parse().unwrap(), "c".parse().unwrap()]);
    assert!(matches!(
        parted(&mut scene, &outer).await,
        OpOutcome::Contact { .. }
    ));
    for (id, before) in [ada, bob, cyn].into_iter().zip(&before) {
        assert!(is_as(&row(&scene, id).await, before), "{id}");
    }
}

pub(super) async fn erasing_any_card_erases_the_customer(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = noted(&mut scene, ADA, vec![]).await;
    let bob = noted(&mut scene, BOB, vec![]).await;
    let cyn = noted(&mut scene, CYN, vec![]).await;
    merged(&mut scene, ada, bob).await;
    scene.hears(&[ADA], "from ada", "hello").await;
    scene.store.erase_contact(TENANT, bob).await.unwrap();
    for gone in [ada, bob] {
        assert!(scene.store.contact(TENANT, gone).await.unwrap().is_none());
    }
    assert_eq!(under(&scene, TermKey::of(TENANT).all()).await, [cyn]);
}

pub(super) async fn undoing_takes_only_what_goes_with_the_other(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = noted(&mut scene, ADA, vec![label("a")]).await;
    let bob = noted(&mut scene, BOB, vec![label("b")]).await;
    let cyn = noted(&mut scene, CYN, vec![label("c")]).await;
    let first = merged(&mut scene, bob, cyn).await;
    let second = merged(&mut scene, ada, bob).await;
    parted(&mut scene, &first).await;
    // Who came with the other at the second merge is the card that stays by now.
    merged(&mut scene, cyn, ada).await;
    assert!(matches!(
        parted(&mut scene, &second).await,
        OpOutcome::Contact { .. }
    ));
    let left = row(&scene, cyn).await;
    assert_eq!(left.labels, ["a".parse().unwrap(), "c".parse().unwrap()]);
    assert_eq!(row(&scene, ada).await.merged_into, Some(cyn));
    let gone = row(&scene, bob).await;
    assert!(!gone.is_merged());
    assert_eq!(gone.labels, ["b".parse().unwrap()]);
}

pub(super) async fn who_leaves_with_the_other_keeps_what_is_noted_of_it(backend: impl Backend) {
    const DEA: &str = "628444444";
    let mut scene = Scene::of(&backend).await;
    let ada = noted(&mut scene, ADA, vec![label("a")]).await;
    let bob = noted(&mut scene, BOB, vec![label("b")]).await;
    let cyn = noted(&mut scene, CYN, vec![label("c")]).await;
    let dea = noted(&mut scene, DEA, vec![label("d")]).await;
    let first = merged(&mut scene, bob, cyn).await;
    let second = merged(&mut scene, ada, bob).await;
    // Who was parted comes back by another way, and goes with the other by the record of the second merge.
    parted(&mut scene, &first).await;
    merged(&mut scene, dea, cyn).await;
    merged(&mut scene, dea, ada).await;
    parted(&mut scene, &second).await;
    let gone = row(&scene, bob).await;
    assert!(gone.merged == [Card::of(&row(&scene, cyn).await)]);
    assert_eq!(gone.labels, ["b".parse().unwrap(), "c".parse().unwrap()]);
    let left = row(&scene, dea).await;
    assert_eq!((left.id, left.merged.len()), (dea, 1));
    assert!(left.labels.contains(&"a".parse().unwrap()) && left.labels.contains(&"d".parse().unwrap()));
}

pub(super) async fn two_cards_that_turn_out_to_be_a_third_lose_nothing(backend: impl Backend) {
    const ID: &str = "BR.1";
    let mut scene = Scene::of(&backend).await;
    let rita = noted(&mut scene, ID, vec![]).await;
    let bob = noted(&mut scene, BOB, vec![label("bob")]).await;
    let ada = noted(&mut scene, ADA, vec![label("ada")]).await;
    merged(&mut scene, ada, bob).await;
    scene.later(Duration::from_secs(60));
    // Two links in one op, of which the first writes the other's card.
    scene.one(ops::relate(&[ID, BOB], &[ADA], "moved")).await;
    let rows = check(&scene, &BTreeSet::from([rita, bob, ada])).await;
    let stays = rows.iter().find(|row| row.linked_to.is_none()).unwrap();
    assert_eq!(stays.labels, ["ada".parse().unwrap(), "bob".parse().unwrap()]);
    assert!(!stays.is_merged());
}

/// All that is there, with what must always be true of it.
async fn check(scene: &Scene, ids: &BTreeSet<ContactId>) -> Vec<Contact> {
    let rows = scene
        .store
        .contacts(TENANT, ids.iter().copied().collect())
        .await
        .unwrap();
    let rows: Vec<Contact> = rows.into_iter().flatten().collect();
    let of = |id: ContactId| rows.iter().find(|row| row.id == id);
    for row in &rows {
        if let Some(person) = row.linked_to {
            assert!(!row.is_merged(), "who leads to another is no card: {row:?}");
            assert!(of(person).is_some(), "{row:?}");
        }
        if let Some(main) = row.merged_into {
            assert!(row.merged.is_empty(), "{row:?}");
            let main = of(main).unwrap();
            assert!(main.merged_into.is_none() && main.linked_to.is_none(), "{main:?}");
            assert!(main.merged.contains(&Card::of(row)), "{row:?} in {main:?}");
            assert_eq!(Facts::of(main), Facts::of(row), "{row:?} {main:?}");
        }
        let cards: BTreeSet<_> = row.merged.iter().map(|card| card.contact_id).collect();
        assert_eq!(cards.len(), row.merged.len(), "{row:?}");
        assert!(
            cards
                .iter()
                .all(|card| of(*card).unwrap().merged_into == Some(row.id)),
            "{row:?}"
        );
    }
    rows
}

pub(super) async fn whatever_happens_cards_are_of_one_customer_and_nothing_is_lost(backend: impl Backend) {
    for seed in 0..3 {
        whatever_happens(&backend, seed).await;
    }
}

async fn whatever_happens(backend: &impl Backend, seed: u64) {
    // The store may be the same for all of them: nobody of one is known to another.
    let phones = [1, 2, 3, 4, 5, 6].map(|n| format!("62810{seed}000{n}"));
    let phones = phones.each_ref().map(String::as_str);
    let ids_of_meta = [1, 2, 3, 4].map(|n| format!("ID.{seed}{n}"));
    let ids_of_meta = ids_of_meta.each_ref().map(String::as_str);
    let mut scene = Scene::of(backend).await;
    let mut dice = fastrand::Rng::with_seed(0x6d65_7267 + seed);
    let mut ids = BTreeSet::new();
    let mut labels = BTreeSet::new();
    let mut undone = 0;
    let mut all_done: Vec<MergeDone> = Vec::new();
    for (index, name) in phones.iter().enumerate() {
        let text = format!("l{index}");
        ids.insert(noted(&mut scene, name, vec![label(&text)]).await);
        labels.insert(text);
    }
    for step in 0..160 {
        scene.later(Duration::from_secs(1));
        let pick = |dice: &mut fastrand::Rng| phones[dice.usize(..phones.len())];
        match dice.u8(..8) {
            0..=2 => {
                let rows = check(&scene, &ids).await;
                let cards: Vec<_> = rows
                    .iter()
                    .filter(|row| row.linked_to.is_none() && row.merged_into.is_none())
                    .collect();
                let (one, other) = (cards[dice.usize(..cards.len())], cards[dice.usize(..cards.len())]);
                if let Some(done) = MergeDone::of(one, other) {
                    merge(&mut scene, &done).await;
                    all_done.push(done);
                }
            }
            3 | 4 if !all_done.is_empty() => {
                let done = all_done.swap_remove(dice.usize(..all_done.len()));
                undone += usize::from(matches!(
                    parted(&mut scene, &done).await,
                    OpOutcome::Contact { .. }
                ));
            }
            5 => {
                let id = ids_of_meta[dice.usize(..ids_of_meta.len())];
                scene
                    .one(ops::relate(&[id], &[pick(&mut dice)], &format!("r{seed}.{step}")))
                    .await;
            }
            6 => {
                let phone = pick(&mut dice);
                let names: &[&str] = if dice.bool() {
                    &[ids_of_meta[dice.usize(..ids_of_meta.len())], phone]
                } else {
                    &[phone]
                };
                let op = ops::receive(names, &format!("m{seed}.{step}"), scene.now, "hello");
                scene.one(op).await;
            }
            _ => {
                let text = format!("s{step}");
                let op = if dice.bool() {
                    stop(pick(&mut dice), &scene)
                } else {
                    Op::ChangeContact(Box::new(ChangeContact {
                        who: Whom::Named(ops::names(&[pick(&mut dice)])),
                        changes: vec![label(&text)],
                        by: ops::agent("ana"),
                        audience: Audience::Nobody,
                    }))
                };
                if let Op::ChangeContact(_) = &op {
                    labels.insert(text);
                }
                scene.one(op).await;
            }
        }
        for name in phones.iter().chain(&ids_of_meta) {
            ids.extend(scene.contact(name).await);
        }
        let rows = check(&scene, &ids).await;
        // What is noted stands where people look.
        let shown = |row: &&Contact| row.linked_to.is_none() && row.merged_into.is_none();
        let kept: BTreeSet<String> = rows
            .iter()
            .filter(shown)
            .flat_map(|row| row.labels.iter().map(|label| label.as_str().to_owned()))
            .collect();
        assert!(
            labels.is_subset(&kept),
            "seed {seed} step {step}: {:?}",
            labels.difference(&kept)
        );
    }
    assert!(undone > 5, "{undone}");
    // The customer of one name goes, with all cards; nobody else does.
    let gone = scene.contact(phones[0]).await.unwrap();
    let rows = check(&scene, &ids).await;
    let main = rows.iter().find(|row| row.id == gone).unwrap().shown_under();
    scene.store.erase_contact(TENANT, gone).await.unwrap();
    let left = check(&scene, &ids).await;
    assert!(left.len() < rows.len() && left.iter().all(|row| row.shown_under() != main));
}
