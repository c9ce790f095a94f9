//! More messages than memory has room for.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::domain::{ConversationId, DeliveryState, MessageId, SendRate};

fn small() -> LaneLimits {
    LaneLimits {
        waiting: 250,
        scheduled: 250,
        page: 50,
        ..LaneLimits::default()
    }
}

#[actix::test]
async fn five_thousand_messages_pass_through_a_queue_of_250_in_order_and_none_is_lost() {
    let mut world = World::new().await;
    world.number.rate = SendRate::new(1_000).unwrap();
    let lane = world.lane(small());
    // Two messages for each of many customers, so that order can be seen.
    let mut sent = Vec::new();
    for customer in (0..2_500).chain(0..2_500) {
        let waiting = world.submit(&bulk(customer)).await;
        lane.enqueue(waiting.clone());
        sent.push(waiting);
    }
    let snapshot = lane.snapshot().await.unwrap();
    assert!(snapshot.bulk <= 250 && snapshot.beyond > 2_500, "{snapshot:?}");
    assert!(lane.backlog() > 3_750);
    let asked = world.clock_now();
    let reply = world.send(&lane, &[letter(99_999)]).await;
    world
        .until("the reply went", || async {
            truth(!world.calls_for(&reply[0]).is_empty())
        })
        .await;
    assert!(between(asked, world.clock_now()) < Duration::from_millis(100));
    world.settled().await;
    assert_eq!(world.seen().len(), sent.len() + 1);
    let mut last: HashMap<ConversationId, MessageId> = HashMap::new();
    for call in world.seen() {
        let before = last.insert(call.token.conversation, call.token.message);
        assert!(
            before.is_none_or(|before| before < call.token.message),
            "overtaken"
        );
    }
    let reads = *world.store.outbox_reads.lock().unwrap();
    assert!(reads < 400, "{reads} reads: each message is read about once");
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(lane.backlog(), 0);
    world.check();
}

#[actix::test]
async fn what_a_full_mailbox_refuses_is_found_in_the_outbox() {
    let world = World::new().await;
    let limits = LaneLimits {
        mailbox: 4,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    let mut sent = Vec::new();
    for customer in 0..100 {
        sent.push(world.submit(&bulk(customer)).await);
    }
    // All at once: the lane has no turn in between.
    for waiting in &sent {
        lane.enqueue(waiting.clone());
    }
    world.settled().await;
    for waiting in &sent {
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}

#[actix::test]
async fn more_scheduled_messages_than_memory_holds_all_go_at_their_time() {
    let world = World::new().await;
    let limits = LaneLimits {
        scheduled: 20,
        page: 50,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    // Accepted in another order than they are due.
    let letters: Vec<_> = (0..200_u32)
        .map(|customer| Letter {
            send_at: Some(world.wall_in(Duration::from_secs(100 + u64::from((customer * 37) % 200) * 10))),
            ..letter(customer)
        })
        .collect();
    let sent = world.send(&lane, &letters).await;
    world.settled().await;
    for (letter, waiting) in letters.iter().zip(&sent) {
        let went = world
            .seen()
            .iter()
            .find(|call| call.token.message == waiting.message)
            .unwrap()
            .at;
        let due = letter
            .send_at
            .unwrap()
            .since(world.wall_in(Duration::ZERO).before(world.clock_now()));
        let late = went.checked_sub(due).expect("not before its time");
        assert!(late < Duration::from_millis(500), "{late:?} late");
    }
    world.check();
}

#[actix::test]
async fn a_message_beyond_memory_still_says_why_it_waits() {
    let world = World::new().await;
    let limits = LaneLimits {
        waiting: 10,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    let sent = world.send(&lane, &(0..300).map(bulk).collect::<Vec<_>>()).await;
    assert!(lane.delay_estimate(sent[299].message).await.is_some());
    world.settled().await;
    assert!(lane.delay_estimate(sent[299].message).await.is_none());
}

#[actix::test]
async fn more_doubts_than_memory_holds_are_all_resolved() {
    let world = World::new().await;
    world.script(|_| ambiguous());
    let limits = LaneLimits {
        watched: 4,
        trip_after: u32::MAX,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    let sent = world.send(&lane, &(0..30).map(letter).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(lane.snapshot().await.unwrap().unknown, 4);
    world.pass(Duration::from_secs(90_000)).await;
    assert!(world.rows().is_empty(), "{} left", world.rows().len());
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Unknown);
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}
