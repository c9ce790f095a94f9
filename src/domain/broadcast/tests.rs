//! How a tally moves.

use std::collections::BTreeSet;

use super::*;
use crate::domain::ids::MessageId;

fn tally() -> BroadcastTally {
    let now = Timestamp::from_secs(1_000);
    let number = PhoneNumberId::parse("1").unwrap();
    BroadcastTally::new(
        BroadcastId::from_bytes([1; 16]),
        vec![number],
        BroadcastRun::Running,
        now,
    )
}

const fn reached(outcome: RecipientOutcome, code: i64) -> Reached {
    Reached { outcome, code }
}

const QUEUED: Reached = reached(RecipientOutcome::Queued, 0);

#[test]
fn each_recipient_stands_in_one_count_whatever_it_goes_through() {
    let (mut tally, now) = (tally(), Timestamp::from_secs(1_001));
    for _ in 0..3 {
        tally.accept(10, now);
    }
    tally.suppress(Suppression::OptedOut, now);
    tally.change(QUEUED, reached(RecipientOutcome::Failed, 131_026), None, now);
    tally.change(QUEUED, reached(RecipientOutcome::Sent, 0), None, now);
    // Shown as failed, and delivered all the same.
    let failed = reached(RecipientOutcome::Failed, 131_026);
    tally.change(failed, reached(RecipientOutcome::Delivered, 0), None, now);
    let counts = &tally.counts;
    assert_eq!((counts.submitted, counts.messages(), counts.bytes), (4, 3, 30));
    let standing: Vec<u64> = RecipientOutcome::ALL.iter().map(|one| counts.of(*one)).collect();
    assert_eq!(standing, [1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(counts.failed_by_code.values().sum::<u64>(), 0);
}

#[test]
fn codes_are_bounded_and_what_is_counted_is_found_again() {
    let (mut tally, now) = (tally(), Timestamp::from_secs(1_001));
    let failed = |code| reached(RecipientOutcome::Failed, code);
    for code in 1..=40 {
        tally.accept(0, now);
        tally.change(QUEUED, failed(code), None, now);
    }
    assert_eq!(tally.counts.failed_by_code.len(), BroadcastCounts::MOST_CODES);
    assert_eq!(tally.counts.failed_by_other_codes, 8);
    for code in 1..=40 {
        tally.change(failed(code), reached(RecipientOutcome::Delivered, 0), None, now);
    }
    assert_eq!(tally.counts.failed_by_code.values().sum::<u64>(), 0);
    assert_eq!(tally.counts.failed_by_other_codes, 0);
    assert_eq!(tally.counts.of(RecipientOutcome::Failed), 0);
}

#[test]
fn events_tell_each_message_once_and_at_most_one_a_second() {
    let mut tally = tally();
    let at = |millis| Timestamp::from_secs(1_000).after(Duration::from_millis(millis));
    let category = PricingCategory::try_from("marketing".to_owned()).unwrap();
    let mut sum = ProgressSince::default();
    let mut events = 0;
    for step in 0..100 {
        let now = at(step * 50);
        tally.accept(7, now);
        tally.price(category.clone(), now);
        if tally.is_due(now) {
            let since = tally.tell(now);
            events += 1;
            sum.messages += since.messages;
            sum.bytes += since.bytes;
            *sum.categories.entry(category.clone()).or_default() += since.categories[&category];
        }
    }
    assert_eq!(events, 4);
    let rest = tally.tell(at(6_000));
    assert_eq!(sum.messages + rest.messages, 100);
    assert_eq!(sum.bytes + rest.bytes, 700);
    assert_eq!(sum.categories[&category] + rest.categories[&category], 100);
    assert!(!tally.is_due(at(60_000)), "nothing moved since");
    tally.accept(0, at(60_000));
    assert!(tally.is_due(at(0)), "the clock was set back");
}

#[test]
fn what_was_cancelled_goes_on_no_more() {
    let (mut tally, now) = (tally(), Timestamp::from_secs(1_001));
    assert!(tally.steer(BroadcastRun::Halted, Some(BroadcastProblem::FailureSpike), 1, now));
    assert_eq!(tally.problem, Some(BroadcastProblem::FailureSpike));
    assert!(tally.steer(BroadcastRun::Running, None, 2, now));
    // An older word comes late.
    assert!(tally.steer(BroadcastRun::Halted, None, 1, now));
    assert_eq!((tally.run, tally.problem), (BroadcastRun::Running, None));
    assert!(tally.steer(BroadcastRun::Cancelled, None, 3, now));
    assert!(tally.steer(BroadcastRun::Cancelled, None, 3, now));
    assert!(!tally.steer(BroadcastRun::Running, None, 4, now));
    assert_eq!(tally.run, BroadcastRun::Cancelled);
}

#[test]
fn a_reaction_counts_once_and_within_a_week() {
    let sent = Timestamp::from_secs(1_000);
    let mut last = LastBroadcast {
        broadcast: BroadcastId::from_bytes([1; 16]),
        message_id: MessageId::new(sent, 0, 1),
        reactions: BTreeSet::new(),
    };
    let in_time = sent.after(LastBroadcast::COUNTS_FOR - Duration::from_secs(1));
    assert!(last.react(Reaction::Replied, in_time));
    assert!(!last.react(Reaction::Replied, in_time));
    assert!(!last.react(Reaction::Clicked, in_time.after(Duration::from_secs(1))));
}

#[test]
fn keys_of_a_recipient_are_apart() {
    let one = BroadcastRecipient {
        broadcast: BroadcastId::from_bytes([1; 16]),
        no: 1,
    };
    let mut keys: BTreeSet<WamidHash> = Suppression::ALL.map(|why| one.suppressed_key(why)).into();
    keys.insert(one.key());
    keys.insert(BroadcastRecipient { no: 2, ..one }.key());
    assert_eq!(keys.len(), Suppression::ALL.len() + 2);
}

#[test]
fn what_an_earlier_version_says_late_is_not_heard() {
    let (mut tally, now) = (tally(), Timestamp::from_secs(1_001));
    let halted = |tally: &BroadcastTally| tally.run == BroadcastRun::Halted;
    assert!(tally.steer(BroadcastRun::Running, None, 5, now));
    assert!(tally.steer(BroadcastRun::Halted, None, 6, now) && halted(&tally));
    assert!(tally.steer(BroadcastRun::Running, None, 5, now));
    assert!(halted(&tally), "it says that it runs, and was paused since");
    assert!(tally.steer(BroadcastRun::Halted, None, 6, now), "the same again");
    let written = serde_json::to_string(&tally).unwrap();
    let mut read: BroadcastTally = serde_json::from_str(&written).unwrap();
    assert!(read.steer(BroadcastRun::Running, None, 5, now) && halted(&read));
    assert!(read.steer(BroadcastRun::Running, None, 7, now) && !halted(&read));
}
