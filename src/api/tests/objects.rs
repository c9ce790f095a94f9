//! What conversations, contacts, messages and deliveries show, held against their documentation. The values are written out in
//! full, so that a new field does not compile before somebody has thought of it here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::domain::message::{Version, Via};
use crate::domain::reach::{UNREACHABLE, Unreachable};
use crate::domain::{
    AliasKind, AttributeValue, Author, BroadcastId, BroadcastRecipient, Card, Consent, ConsentPurpose,
    ConsentState, Contact, ContactId, Conversation, ConversationStatus, Delivery, DeliveryState, Direction,
    FormerName, LastBroadcast, ListId, MediaId, MediaState, Message, MessageId, MessageMedia, MetaError,
    PendingChange, Priority, Retention, Seq, StatusTimes, TakenName, UnknownPolicy, WamidHash, WishSource,
};

const DOCS: &str = include_str!("../../../docs/api.md");
const SOMEBODY: ContactId = ContactId::from_bytes([7; 16]);
const SOME: MessageId = MessageId::from_bytes([8; 16]);

/// The fields in the table below a heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let section = DOCS.split(&format!("\n### {heading}\n")).nth(1).unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next().map(str::to_owned))
        .collect()
}

fn shown(value: Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_field_of_a_conversation_is_documented() {
    let conversation = Conversation {
        id: ConversationId::from_bytes([1; 16]),
        number: number(ONE),
        contact_id: SOMEBODY,
        status: ConversationStatus::Open,
        assignee: Some("ana".parse().unwrap()),
        labels: vec!["vip".to_owned()],
        unread: 1,
        unread_seqs: vec![Seq::new(1)],
        last_inbound: Some(NOW),
        last_activity: NOW,
        last_message_seq: Seq::new(1),
        last_message_by: Some(Author::Contact),
        last_other_seq: Seq::new(1),
        last_message_id: Some(SOME),
        late_message_id: Some(SOME),
        late_message_by: Some(Author::Contact),
        last_message_kind: Some(Content::text("x").kind().clone()),
        last_message_failed: true,
        preview: Some("x".to_owned()),
        last_broadcast: Some(LastBroadcast {
            broadcast: BroadcastId::from_bytes([1; 16]),
            message_id: SOME,
            reactions: std::collections::BTreeSet::new(),
        }),
        is_unlisted: true,
        created: NOW,
    };
    let mut shown = shown(json!(conversation));
    shown.insert("contact".to_owned());
    assert_eq!(documented("A conversation"), shown);
}

#[test]
fn every_field_of_a_contact_is_documented() {
    let consent = Consent {
        state: ConsentState::Withdrawn,
        at: NOW,
        source: WishSource::Refusal.into(),
    };
    let contact = Contact {
        id: SOMEBODY,
        phone: Some("1".into()),
        bsuid: Some("1".into()),
        bsuids: vec!["1".into()],
        parent_bsuid: Some("1".into()),
        group_id: Some("1".into()),
        name: Some("1".into()),
        username: Some("1".into()),
        given_name: Some("1".parse().unwrap()),
        attributes: BTreeMap::from([("a".parse().unwrap(), AttributeValue::Boolean(true))]),
        labels: vec!["1".parse().unwrap()],
        lists: vec![ListId::from_bytes([1; 16])],
        owner: Some("ana".parse().unwrap()),
        is_minor: true,
        linked_to: Some(SOMEBODY),
        linked: vec![SOMEBODY],
        merged_into: Some(SOMEBODY),
        merged: vec![Card {
            contact_id: SOMEBODY,
            phone: Some("1".into()),
            name: None,
            username: None,
            linked: Vec::new(),
            blocked_on: Vec::new(),
            talked_on: vec!["1".parse().unwrap()],
        }],
        named_at: Some(NOW),
        former: vec![FormerName {
            kind: AliasKind::Phone,
            value: "1".into(),
            until: NOW,
        }],
        taken: vec![TakenName {
            kind: AliasKind::Phone,
            value: "1".into(),
            since: NOW,
            from: SOMEBODY,
        }],
        pending: vec![PendingChange {
            original: WamidHash::from_bytes([9; 16]),
            conversation: ConversationId::from_bytes([1; 16]),
            message: SOME,
            retention: Retention::DEFAULT,
        }],
        opted_out_at: Some(NOW),
        opted_out_by: Some(WishSource::Refusal),
        unreachable: Some(Unreachable {
            at: NOW,
            code: UNREACHABLE,
        }),
        opted_in_at: Some(NOW),
        consents: BTreeMap::from([(ConsentPurpose::marketing(), consent.clone())]),
        wishes: vec![consent],
        blocked_on: vec!["1".parse().unwrap()],
        // Nobody is shown it.
        talked_on: vec!["1".parse().unwrap()],
        created: NOW,
        updated: NOW,
    };
    assert_eq!(documented("A contact"), shown(json!(contact.shown())));
}

#[test]
fn every_field_of_a_message_and_of_its_delivery_is_documented() {
    let delivery = Delivery {
        state: DeliveryState::Queued,
        times: StatusTimes::default(),
        priority: Priority::Bulk,
        on_unknown: UnknownPolicy::Ask,
        attempts: 1,
        send_at: Some(NOW),
        valid_until: Some(NOW),
        gave_up: Some(NOW),
        error: Some(MetaError {
            code: 1,
            title: "x".into(),
            details: None,
        }),
        category: crate::domain::usage::PricingCategory::of_pricing(r#"{"category":"utility"}"#),
        client_msg_id: Some("x".parse().unwrap()),
        biz_opaque_callback_data: Some("x".into()),
    };
    let message = Message {
        id: SOME,
        conversation_id: ConversationId::from_bytes([1; 16]),
        contact_id: SOMEBODY,
        number: number(ONE),
        direction: Direction::Outbound,
        author: Author::Contact,
        content: Content::text("x"),
        created: NOW,
        wamid: Some(Wamid::parse("x").unwrap()),
        delivery: Some(delivery.clone()),
        broadcast: Some(BroadcastRecipient {
            broadcast: BroadcastId::from_bytes([1; 16]),
            no: 1,
        }),
        via: Some(Via::History),
        edited_at: Some(NOW),
        versions: vec![Version {
            content: Content::text("x"),
            at: NOW,
        }],
        first_version_missing: true,
        revoked_at: Some(NOW),
        media: Some(MessageMedia {
            media_id: MediaId::of_upload([1; 16]),
            state: MediaState::Stored,
            mime: Some("image/png".into()),
            bytes: Some(1),
            name: Some("x".into()),
            why: Some("x".into()),
        }),
        files: vec![MessageMedia {
            media_id: MediaId::of_upload([1; 16]),
            state: MediaState::Pending,
            mime: None,
            bytes: None,
            name: None,
            why: None,
        }],
        told: vec![Seq::new(1)],
    };
    assert_eq!(documented("A message"), shown(json!(message)));
    assert_eq!(documented("A delivery"), shown(json!(delivery)));
}
