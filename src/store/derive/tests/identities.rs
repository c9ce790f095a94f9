//! Who a customer is.

use super::scene;
use crate::domain::{ContactAliases, DeliveryState, EventKind};
use crate::store::StoreErrorKind;
use crate::store::conformance::ops;
use crate::store::op::{Op, OpOutcome, ReportTarget};

#[tokio::test]
async fn a_first_message_makes_the_contact_and_the_conversation() {
    let mut scene = scene().await;
    let mut receive = ops::receive(&["628111111"], "w", scene.now, "hello");
    receive.username = Some("ada".into());
    let at = scene.place(receive).await;
    let contact = scene.contact("628111111").await.unwrap();
    let row = scene.store.contact(scene.tenant, contact).await.unwrap().unwrap();
    assert_eq!(
        (row.phone.as_deref(), row.name.as_deref()),
        (Some("628111111"), Some("Ada"))
    );
    assert_eq!((row.username.as_deref(), row.created), (Some("ada"), scene.now));
    let conversation = scene
        .store
        .conversation(scene.tenant, at.conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((conversation.contact_id, conversation.unread), (contact, 1));
    assert_eq!(conversation.preview.as_deref(), Some("hello"));
    assert_eq!(conversation.last_message_seq, scene.head);
    assert_eq!(conversation.last_inbound, Some(scene.now));
}

#[tokio::test]
async fn a_message_without_any_name_of_its_sender_is_impossible() {
    let mut scene = scene().await;
    let mut receive = ops::receive(&["628111111"], "w", scene.now, "x");
    receive.aliases = ContactAliases::default();
    let refused = scene.offer(vec![receive.into()]).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Invalid);
}

#[tokio::test]
async fn a_new_name_of_a_known_customer_leads_to_the_same_contact() {
    let mut scene = scene().await;
    let first = scene.hears(&["628111111"], "w1", "x").await;
    let second = scene.hears(&["628111111", "ID.1", "ID.ENT.9"], "w2", "y").await;
    let third = scene.hears(&["ID.ENT.9"], "w3", "z").await;
    assert_eq!(first.conversation, second.conversation);
    assert_eq!(first.conversation, third.conversation);
    let contact = scene.contact("ID.1").await;
    assert!(contact.is_some());
    assert_eq!(scene.contact("628111111").await, contact);
}

#[tokio::test]
async fn the_strongest_name_decides_when_names_lead_apart() {
    for (weak, strong) in [
        ("628111111", "ID.1"),
        ("ID.1", "ID.ENT.9"),
        ("628111111", "ID.ENT.9"),
    ] {
        let mut scene = scene().await;
        let by_weak = scene.hears(&[weak], "w1", "x").await;
        let by_strong = scene.hears(&[strong], "w2", "y").await;
        assert_ne!(by_weak.conversation, by_strong.conversation);
        let strong_contact = scene.contact(strong).await;
        let by_both = scene.hears(&[weak, strong], "w3", "z").await;
        assert_eq!(by_both.conversation, by_strong.conversation);
        assert_eq!(
            scene.contact(weak).await,
            strong_contact,
            "{weak} is linked to {strong}"
        );
        // History stays where it was.
        assert_eq!(scene.texts(by_weak).await, ["x"]);
    }
}

#[tokio::test]
async fn a_changed_number_leads_to_the_customer_and_so_does_the_old_one() {
    let mut scene = scene().await;
    scene.hears(&["628111111"], "w1", "x").await;
    scene.hears(&["628222222"], "w2", "y").await;
    let customer = scene.contact("628111111").await.unwrap();
    let outcome = scene
        .one(ops::relate(&["628111111"], &["628222222"], "change"))
        .await;
    assert!(matches!(outcome, OpOutcome::Committed { .. }));
    for name in ["628111111", "628222222"] {
        assert_eq!(scene.contact(name).await, Some(customer));
    }
    let row = scene
        .store
        .contact(scene.tenant, customer)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.phone.as_deref(), Some("628222222"));
    let again = scene
        .one(ops::relate(&["628111111"], &["628222222"], "change"))
        .await;
    assert_eq!(again, OpOutcome::Duplicate { at: None });
}

#[tokio::test]
async fn a_status_teaches_the_bsuid_of_a_phone_that_was_written_to() {
    let mut scene = scene().await;
    let at = scene.says(&["628111111"], 1, "x").await;
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(scene.tenant, at, 1);
    let mut told = ops::report(ReportTarget::Token(token), "m", DeliveryState::Sent, scene.now);
    told.aliases = ops::names(&["628111111", "ID.1"]);
    let appended = scene.offer(vec![Op::Report(Box::new(told))]).await.unwrap();
    let kinds: Vec<EventKind> = appended.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Contact, EventKind::Status]);
    assert_eq!(scene.contact("ID.1").await, scene.contact("628111111").await);
    let answer = scene.hears(&["ID.1"], "w", "y").await;
    assert_eq!(answer.conversation, at.conversation);
}

#[tokio::test]
async fn links_that_meet_in_one_customer_end_there() {
    let mut scene = scene().await;
    for (n, name) in ["628111111", "628222222", "628333333"].into_iter().enumerate() {
        scene.hears(&[name], &format!("w{n}"), "x").await;
    }
    scene.one(ops::relate(&["628111111"], &["628222222"], "a")).await;
    scene.one(ops::relate(&["628222222"], &["628333333"], "b")).await;
    // Back again: nobody leads to himself.
    scene.one(ops::relate(&["628333333"], &["628111111"], "c")).await;
    let customer = scene.contact("628111111").await;
    assert!(customer.is_some());
    for name in ["628222222", "628333333"] {
        assert_eq!(scene.contact(name).await, customer);
    }
}
