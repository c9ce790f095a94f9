//! H: the list of conversations is always in order of activity.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::{ConversationId, ConversationStatus};
use crate::store::op::{Op, OrganiseChange};
use crate::store::{ConversationCursor, ConversationFilter};

async fn listed(scene: &Scene, filter: ConversationFilter, limit: usize) -> Vec<ConversationId> {
    let mut found = Vec::new();
    let mut after: Option<ConversationCursor> = None;
    loop {
        let page = scene
            .store
            .page_conversations(TENANT, filter.clone(), after, limit)
            .await
            .unwrap();
        found.extend(page.items.iter().map(|row| row.id));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

pub(super) async fn ten_thousand_touches_leave_the_list_in_order(backend: impl Backend) {
    const CUSTOMERS: usize = 60;
    let mut chance = fastrand::Rng::with_seed(8);
    let mut scene = Scene::of(&backend).await;
    let mut order: Vec<usize> = Vec::new();
    let mut left = 10_000;
    while left > 0 {
        let count = chance.usize(1..200).min(left);
        left -= count;
        let mut ops: Vec<Op> = Vec::new();
        let mut touched = Vec::new();
        for n in 0..count {
            let who = chance.usize(0..CUSTOMERS);
            let name = format!("6281000{who:02}");
            ops.push(ops::receive(&[&name], &format!("w{left}.{n}"), scene.now, "x").into());
            touched.push(who);
        }
        scene.commit(ops).await;
        scene.later(Duration::from_millis(1));
        touched.sort_unstable();
        touched.dedup();
        order.retain(|who| !touched.contains(who));
        // Those of one batch were touched at the same time: their ids decide, the greater first.
        let id = |who: &usize| ops::conversation_of(TENANT, "1", &[&format!("6281000{who:02}")]);
        touched.sort_by_key(|who| std::cmp::Reverse(id(who)));
        order.splice(0..0, touched);
    }
    let expected: Vec<ConversationId> = order
        .iter()
        .map(|who| ops::conversation_of(TENANT, "1", &[&format!("6281000{who:02}")]))
        .collect();
    for limit in [1, 7, 1_000] {
        assert_eq!(
            listed(&scene, ConversationFilter::default(), limit).await,
            expected
        );
    }
}

pub(super) async fn filters_show_what_they_name_and_nothing_else(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut all = Vec::new();
    for n in 0..24 {
        scene.later(Duration::from_secs(1));
        let name = format!("6281000{n:02}");
        let mut receive = ops::receive(&[&name], &format!("w{n}"), scene.now, "x");
        receive.number = ops::number(if n % 2 == 0 { "1" } else { "2" });
        let at = scene.place(receive).await;
        let status = [
            ConversationStatus::Open,
            ConversationStatus::Pending,
            ConversationStatus::Resolved,
        ][n % 3];
        if status != ConversationStatus::Open {
            scene
                .one(ops::organise(at.conversation, OrganiseChange::Status(status)))
                .await;
        }
        all.insert(
            0,
            (
                at.conversation,
                status,
                ops::number(if n % 2 == 0 { "1" } else { "2" }),
            ),
        );
    }
    let statuses = [
        None,
        Some(ConversationStatus::Open),
        Some(ConversationStatus::Pending),
        Some(ConversationStatus::Resolved),
    ];
    for status in statuses {
        for number in [
            None,
            Some(ops::number("1")),
            Some(ops::number("2")),
            Some(ops::number("3")),
        ] {
            let expected: Vec<ConversationId> = all
                .iter()
                .filter(|(_, of, _)| status.is_none_or(|status| status == *of))
                .filter(|(_, _, of)| number.as_ref().is_none_or(|number| number == of))
                .map(|(id, _, _)| *id)
                .collect();
            let filter = ConversationFilter { status, number };
            for limit in [1, 3, 100] {
                assert_eq!(
                    listed(&scene, filter.clone(), limit).await,
                    expected,
                    "{filter:?}"
                );
            }
        }
    }
}

pub(super) async fn a_conversation_stands_in_the_list_once(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.hears(&["628111111"], "w1", "x").await;
    for status in [
        ConversationStatus::Pending,
        ConversationStatus::Resolved,
        ConversationStatus::Open,
    ] {
        scene
            .one(ops::organise(at.conversation, OrganiseChange::Status(status)))
            .await;
        assert_eq!(
            listed(&scene, ConversationFilter::default(), 10).await,
            [at.conversation]
        );
        for other in [
            ConversationStatus::Pending,
            ConversationStatus::Resolved,
            ConversationStatus::Open,
        ] {
            let filter = ConversationFilter {
                status: Some(other),
                number: None,
            };
            let expected = usize::from(other == status);
            assert_eq!(listed(&scene, filter, 10).await.len(), expected);
        }
    }
}
