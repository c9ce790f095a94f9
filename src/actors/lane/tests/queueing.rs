//! The queue by itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;

use crate::actors::lane::customer_queues::NotYet;
use crate::actors::lane::queue::{Queue, Share, Standing, Waits};
use crate::actors::lane::waiting::{Hold, Item, Moment, PRIORITIES, Waiting};
use crate::actors::request::DelayReason;
use crate::domain::{ContactId, ConversationId, MessageId, Priority, Timestamp};

fn at(ms: u64) -> Moment {
    Moment {
        wall: Timestamp::from_millis(1_000_000 + i64::try_from(ms).unwrap()),
        mono: Duration::from_millis(ms),
    }
}

fn id(number: u32) -> MessageId {
    MessageId::new(Timestamp::from_millis(500_000), 0, u64::from(number))
}

fn waiting(number: u32, contact: u8, priority: Priority) -> Waiting {
    Waiting {
        message: id(number),
        conversation: ConversationId::from_bytes([contact; 16]),
        contact: ContactId::from_bytes([contact; 16]),
        priority,
        due: at(0).wall,
        rest: Duration::ZERO,
        attempt: 0,
        valid_until: None,
        has_file: false,
        hours: None,
    }
}

fn queue() -> Queue {
    Queue::new(1_000, 1_000, Duration::from_secs(120))
}

fn add(queue: &mut Queue, waiting: Waiting, now: Moment) -> Option<Item> {
    queue.add(Item::new(waiting, now), now)
}

fn take(queue: &mut Queue, priority: Priority, now: Moment) -> Option<Item> {
    queue.take(priority, now, |_, _| Ok(()))
}

#[test]
fn a_customer_is_never_written_to_twice_at_once_and_others_are_not_held_up() {
    let (mut queue, now) = (queue(), at(0));
    for (number, contact) in [(1, 7), (2, 7), (3, 8)] {
        add(&mut queue, waiting(number, contact, Priority::Bulk), now);
    }
    let first = take(&mut queue, Priority::Bulk, now).unwrap();
    assert_eq!(first.id(), id(1));
    assert_eq!(take(&mut queue, Priority::Bulk, now).unwrap().id(), id(3));
    assert!(take(&mut queue, Priority::Bulk, now).is_none());
    queue.free(first.waiting.contact, now);
    assert_eq!(take(&mut queue, Priority::Bulk, now).unwrap().id(), id(2));
}

#[test]
fn customers_who_turn_out_to_be_one_are_written_to_one_after_the_other() {
    let (mut queue, now) = (queue(), at(0));
    let reply = Priority::Interactive;
    for (number, contact) in [(1, 7), (2, 7), (3, 8), (4, 8), (5, 9)] {
        add(&mut queue, waiting(number, contact, reply), now);
    }
    let customer = |n: u8| ContactId::from_bytes([n; 16]);
    let first = take(&mut queue, reply, now).unwrap();
    let other = take(&mut queue, reply, now).unwrap();
    assert_eq!((first.id(), other.id()), (id(1), id(3)));
    queue.join(customer(7), customer(8), now);
    queue.join(customer(8), customer(9), now);
    // Both calls are under way.
    queue.free(first.waiting.contact, now);
    assert!(take(&mut queue, reply, now).is_none());
    assert!(queue.give_back(other, now).is_none());
    assert_eq!(queue.forget(id(4), now).map(|item| item.id()), Some(id(4)));
    for (expected, joined_later) in [(2, Some(6)), (3, None), (5, None), (6, None)] {
        let mut asked = None;
        let taken = queue.take(reply, now, |contact, _| {
            asked = Some(contact);
            Ok(())
        });
        let taken = taken.unwrap();
        assert_eq!((taken.id(), asked), (id(expected), Some(customer(9))));
        if let Some(number) = joined_later {
            add(&mut queue, waiting(number, 7, reply), now);
        }
        assert!(take(&mut queue, reply, now).is_none());
        queue.free(taken.waiting.contact, now);
    }
}

#[test]
fn a_message_that_is_tried_again_keeps_its_place_before_what_was_written_later() {
    let mut queue = queue();
    for number in [1, 2] {
        add(&mut queue, waiting(number, 7, Priority::Interactive), at(0));
    }
    let mut first = take(&mut queue, Priority::Interactive, at(0)).unwrap();
    first.waiting.attempt = 1;
    first.waiting.due = at(4_000).wall;
    first.hold = Some(Hold {
        until: Duration::from_secs(4),
        reason: DelayReason::Throttled,
    });
    assert!(queue.give_back(first, at(10)).is_none());
    queue.turn(at(3_999));
    assert!(take(&mut queue, Priority::Interactive, at(3_999)).is_none());
    assert_eq!(queue.next_change(at(3_999)), Some(Duration::from_secs(4)));
    queue.turn(at(4_000));
    assert_eq!(
        take(&mut queue, Priority::Interactive, at(4_000)).unwrap().id(),
        id(1)
    );
}

#[test]
fn a_message_that_waits_long_for_its_next_try_lets_later_ones_pass() {
    let mut queue = queue();
    let tried = Waiting {
        attempt: 1,
        due: at(3_600_000).wall,
        rest: Duration::from_secs(3_600),
        ..waiting(1, 7, Priority::Interactive)
    };
    add(&mut queue, tried, at(0));
    add(&mut queue, waiting(2, 7, Priority::Interactive), at(0));
    assert_eq!(
        take(&mut queue, Priority::Interactive, at(0)).unwrap().id(),
        id(2)
    );
    assert_eq!(
        queue.standing(id(1), at(0)),
        Some(Standing::Scheduled {
            due: at(3_600_000).wall,
            attempt: 1
        })
    );
}

#[test]
fn a_customer_at_the_pair_limit_rests_and_others_go() {
    let mut queue = queue();
    for (number, contact) in [(1, 7), (2, 8)] {
        add(&mut queue, waiting(number, contact, Priority::Bulk), at(0));
    }
    let limited = ContactId::from_bytes([7; 16]);
    let admit = |contact, _: &Waiting| {
        if contact == limited {
            Err(NotYet::Pair(Duration::from_secs(6)))
        } else {
            Ok(())
        }
    };
    assert_eq!(queue.take(Priority::Bulk, at(0), admit).unwrap().id(), id(2));
    assert!(queue.take(Priority::Bulk, at(0), admit).is_none());
    let Some(Standing::InCustomerQueue { in_queue, .. }) = queue.standing(id(1), at(0)) else {
        panic!("it waits in its customer's queue")
    };
    assert_eq!(
        in_queue.hold.map(|hold| hold.reason),
        Some(DelayReason::PairLimit)
    );
    queue.turn(at(6_000));
    assert_eq!(take(&mut queue, Priority::Bulk, at(6_000)).unwrap().id(), id(1));
}

#[test]
fn a_scheduled_message_goes_when_it_is_due_and_an_expired_one_comes_out() {
    let mut queue = queue();
    let later = Waiting {
        due: at(5_000).wall,
        ..waiting(1, 7, Priority::Bulk)
    };
    let mortal = Waiting {
        valid_until: Some(at(2_000).wall),
        ..waiting(2, 8, Priority::Bulk)
    };
    add(&mut queue, later, at(0));
    add(&mut queue, mortal, at(0));
    assert!(
        queue.take_expired(at(2_000)).is_none(),
        "valid to the last moment"
    );
    assert_eq!(queue.take_expired(at(2_001)).unwrap().id(), id(2));
    queue.turn(at(4_999));
    assert!(take(&mut queue, Priority::Bulk, at(4_999)).is_none());
    queue.turn(at(5_000));
    assert_eq!(take(&mut queue, Priority::Bulk, at(5_000)).unwrap().id(), id(1));
}

#[test]
fn what_has_no_room_comes_back_and_of_the_schedule_the_latest() {
    let mut queue = Queue::new(1, 1, Duration::from_secs(120));
    let later = |number, due| Waiting {
        due: at(due).wall,
        ..waiting(number, 9, Priority::Bulk)
    };
    assert!(add(&mut queue, waiting(1, 7, Priority::Bulk), at(0)).is_none());
    assert_eq!(
        add(&mut queue, waiting(2, 8, Priority::Bulk), at(0))
            .unwrap()
            .id(),
        id(2)
    );
    assert!(add(&mut queue, waiting(3, 8, Priority::Interactive), at(0)).is_none());
    assert!(add(&mut queue, later(4, 9_000), at(0)).is_none());
    assert_eq!(add(&mut queue, later(5, 5_000), at(0)).unwrap().id(), id(4));
    assert_eq!((queue.len(), queue.scheduled()), (3, 1));
    assert!(
        add(&mut queue, waiting(1, 7, Priority::Bulk), at(0)).is_none(),
        "known already"
    );
    assert_eq!(queue.len(), 3);
}

#[test]
fn bulk_gets_its_share_beside_a_flood_of_interactive_messages_and_no_more() {
    let mut share = Share::new(20);
    let mut went = Vec::new();
    for _ in 0..1_000 {
        let priority = share.order()[0];
        share.note(priority, Waits::Yes);
        went.push(priority);
    }
    let bulk = went
        .iter()
        .filter(|priority| **priority == Priority::Bulk)
        .count();
    assert_eq!(bulk, 50);
    let longest = went
        .split(|priority| *priority == Priority::Bulk)
        .map(<[_]>::len)
        .max();
    assert_eq!(longest, Some(19));
}

#[test]
fn interactive_messages_pay_nothing_back_for_the_time_when_no_bulk_waited() {
    let mut share = Share::new(20);
    for _ in 0..500 {
        share.note(Priority::Interactive, Waits::No);
    }
    assert_eq!(share.order()[0], Priority::Interactive);
}

/// What may happen to a queue.
#[derive(Debug, Clone)]
enum Step {
    Add {
        contact: u8,
        priority: Priority,
        delay: u64,
    },
    Take {
        priority: Priority,
        limit: bool,
    },
    End {
        which: usize,
        again_after: Option<u64>,
    },
    Forget {
        which: usize,
    },
    Pass {
        ms: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop_oneof![Just(Priority::Interactive), Just(Priority::Bulk)];
    prop_oneof![
        4 => (0_u8..5, priority.clone(), prop_oneof![Just(0), 1_u64..5_000])
            .prop_map(|(contact, priority, delay)| Step::Add { contact, priority, delay }),
        4 => (priority, any::<bool>()).prop_map(|(priority, limit)| Step::Take { priority, limit }),
        3 => (any::<usize>(), proptest::option::of(0_u64..5_000))
            .prop_map(|(which, again_after)| Step::End { which, again_after }),
        1 => any::<usize>().prop_map(|which| Step::Forget { which }),
        2 => (1_u64..3_000).prop_map(|ms| Step::Pass { ms }),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_overtaken_whatever_happens(steps in proptest::collection::vec(step(), 1..120)) {
        let mut queue = Queue::new(10_000, 10_000, Duration::from_secs(1_000));
        let mut now = at(0);
        let mut alive: BTreeMap<MessageId, Waiting> = BTreeMap::new();
        let mut in_flight: Vec<Item> = Vec::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Add { contact, priority, delay } => {
                    number += 1;
                    let waiting = Waiting { due: now.wall_after(Duration::from_millis(delay)), ..waiting(number, contact, priority) };
                    prop_assert!(add(&mut queue, waiting.clone(), now).is_none());
                    alive.insert(waiting.message, waiting);
                }
                Step::Take { priority, limit } => {
                    let until = now.mono + Duration::from_millis(700);
                    let taken = queue.take(priority, now, |contact, _| {
                        if limit && contact.as_bytes()[0] == 0 { Err(NotYet::Pair(until)) } else { Ok(()) }
                    });
                    if let Some(item) = taken {
                        prop_assert_eq!(item.waiting.priority, priority);
                        prop_assert!(item.waiting.due <= now.wall);
                        prop_assert!(in_flight.iter().all(|other| other.waiting.contact != item.waiting.contact));
                        let overtaken = alive.values().any(|other| {
                            other.contact == item.waiting.contact && other.priority == priority
                                && other.message < item.id()
                                // What was scheduled stands in its customer's queue from its time on, as the queue last saw it.
                                && (other.attempt > 0 || matches!(queue.standing(other.message, now), Some(Standing::InCustomerQueue { .. })))
                        });
                        prop_assert!(!overtaken);
                        in_flight.push(item);
                    }
                }
                Step::End { which, again_after } if !in_flight.is_empty() => {
                    let mut item = in_flight.swap_remove(which % in_flight.len());
                    if let Some(delay) = again_after {
                        item.waiting.attempt += 1;
                        item.waiting.due = now.wall_after(Duration::from_millis(delay));
                        item.hold = Some(Hold { until: now.mono_at(item.waiting.due), reason: DelayReason::Throttled });
                        alive.insert(item.id(), item.waiting.clone());
                        prop_assert!(queue.give_back(item, now).is_none());
                    } else {
                        alive.remove(&item.id());
                        queue.free(item.waiting.contact, now);
                    }
                }
                Step::Forget { which } if !alive.is_empty() => {
                    let message = *alive.keys().nth(which % alive.len()).unwrap();
                    let was_in_hand = in_flight.iter().any(|item| item.id() == message);
                    prop_assert_eq!(queue.forget(message, now).is_none(), was_in_hand);
                    if !was_in_hand {
                        alive.remove(&message);
                    }
                }
                Step::End { .. } | Step::Forget { .. } => {}
                Step::Pass { ms } => {
                    now = at(u64::try_from(now.mono.as_millis()).unwrap() + ms);
                    queue.turn(now);
                }
            }
            prop_assert_eq!(queue.len() + in_flight.len(), alive.len());
            let in_customer_queues: usize = PRIORITIES.iter().map(|priority| queue.in_customer_queues(*priority)).sum();
            prop_assert_eq!(in_customer_queues + queue.scheduled(), queue.len());
        }
        // In the end everything comes out, once.
        for item in in_flight {
            alive.remove(&item.id());
            queue.free(item.waiting.contact, now);
        }
        let mut out = HashSet::new();
        let mut order: HashMap<(ContactId, Priority), MessageId> = HashMap::new();
        now = at(100_000_000);
        queue.turn(now);
        while let Some(item) = PRIORITIES.iter().find_map(|priority| take(&mut queue, *priority, now)) {
            let before = order.insert((item.waiting.contact, item.waiting.priority), item.id());
            prop_assert!(before.is_none_or(|before| before < item.id()));
            queue.free(item.waiting.contact, now);
            prop_assert!(out.insert(item.id()));
        }
        prop_assert_eq!(out.len(), alive.len());
        prop_assert_eq!(queue.len(), 0);
    }
}
