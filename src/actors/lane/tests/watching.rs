//! The watch over unknown outcomes by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::actors::lane::UnknownLimits;
use crate::actors::lane::unknown::{ClaimNumber, Doubt, Verdict, Watch, Watched};
use crate::actors::lane::waiting::Moment;
use crate::domain::{
    AttemptToken, ContactId, ConversationId, MessageId, PhoneNumberId, Priority, Purpose, TenantId,
    Timestamp, UnknownPolicy,
};
use crate::store::{MessageRef, OutboxRow, OutboxState};

fn at(secs: u64) -> Moment {
    Moment {
        wall: Timestamp::from_secs(1_000_000 + i64::try_from(secs).unwrap()),
        mono: Duration::from_secs(secs),
    }
}

fn id(number: u64) -> MessageId {
    MessageId::new(Timestamp::from_secs(900_000), 0, number)
}

fn row(number: u64, policy: UnknownPolicy) -> OutboxRow {
    OutboxRow {
        number: PhoneNumberId::parse("1065").unwrap(),
        at: MessageRef {
            conversation: ConversationId::from_bytes([1; 16]),
            message: id(number),
        },
        contact: ContactId::from_bytes([1; 16]),
        state: OutboxState::Unknown,
        attempt: 1,
        claimed_under: None,
        priority: Priority::Bulk,
        due: at(0).wall,
        valid_until: None,
        on_unknown: policy,
        may_be_held: false,
        purpose: Purpose::Other,
        broadcast: None,
        hours: None,
        since: at(0).wall,
        payload: Arc::from(serde_json::value::to_raw_value("x").unwrap()),
    }
}

fn token(number: u64, attempt: u8) -> AttemptToken {
    AttemptToken {
        tenant: TenantId::new(1),
        conversation: ConversationId::from_bytes([1; 16]),
        message: id(number),
        attempt,
    }
}

fn watch() -> Watch {
    Watch::new(UnknownLimits::default(), 100)
}

/// Watches message 0, claimed at time 0, with the given policy.
fn watch_one(watch: &mut Watch, row: &OutboxRow) {
    let claim = watch.note_claim(row.at.message);
    assert_eq!(watch.add(Doubt::new(row, at(0).wall, claim, at(0))), Watched::Yes);
}

fn prove(watch: &mut Watch, statuses: std::ops::Range<u64>) {
    for number in statuses {
        watch.note_claim(id(number));
        watch.note_status(&token(number, 1), Duration::from_secs(1));
    }
}

/// When something is decided, looking every second, and what.
fn decided(watch: &mut Watch, seconds: std::ops::RangeInclusive<u64>) -> Option<(u64, Verdict)> {
    seconds.into_iter().find_map(|second| {
        watch
            .decide(at(second).mono)
            .map(|(_, verdict)| (second, verdict))
    })
}

#[test]
fn silence_proves_something_only_when_statuses_of_later_claims_arrive() {
    let mut watch = watch();
    prove(&mut watch, 10..20);
    watch_one(&mut watch, &row(0, UnknownPolicy::NeverDuplicate));
    prove(&mut watch, 20..22);
    assert_eq!(
        decided(&mut watch, 0..=1_000),
        None,
        "two later statuses are too few"
    );
    prove(&mut watch, 22..23);
    let (second, verdict) = decided(&mut watch, 1_000..=1_100).unwrap();
    assert_eq!(verdict, Verdict::GiveUp);
    assert!(second <= 1_010, "looked at again within {second}");
    assert_eq!(watch.len(), 0);
}

#[test]
fn with_proof_it_is_given_up_at_the_deadline_and_not_before() {
    let mut watch = watch();
    watch_one(&mut watch, &row(0, UnknownPolicy::NeverDuplicate));
    prove(&mut watch, 1..4);
    assert_eq!(decided(&mut watch, 0..=1_000), Some((600, Verdict::GiveUp)));
}

#[test]
fn the_same_status_twice_proves_no_more_than_once() {
    let mut watch = watch();
    watch_one(&mut watch, &row(0, UnknownPolicy::NeverDuplicate));
    watch.note_claim(id(1));
    for _ in 0..5 {
        watch.note_status(&token(1, 1), Duration::from_secs(1));
    }
    assert_eq!(decided(&mut watch, 0..=1_000), None);
}

#[test]
fn without_proof_it_is_given_up_after_a_day() {
    let mut watch = watch();
    watch_one(&mut watch, &row(0, UnknownPolicy::NeverDuplicate));
    assert_eq!(decided(&mut watch, 0..=90_000), Some((86_400, Verdict::GiveUp)));
}

#[test]
fn a_template_that_may_be_held_is_given_a_day_whatever_the_proof() {
    let mut watch = watch();
    let held = OutboxRow {
        may_be_held: true,
        ..row(0, UnknownPolicy::NeverDuplicate)
    };
    watch_one(&mut watch, &held);
    prove(&mut watch, 1..10);
    assert_eq!(decided(&mut watch, 0..=90_000), Some((86_400, Verdict::GiveUp)));
}

#[test]
fn the_policy_that_allows_it_sends_once_more_and_then_never_again() {
    let mut watch = watch();
    watch_one(&mut watch, &row(0, UnknownPolicy::RetryAfterDeadline));
    assert_eq!(decided(&mut watch, 0..=100), Some((20, Verdict::SendAgain)));
    let second = OutboxRow {
        attempt: 2,
        ..row(0, UnknownPolicy::RetryAfterDeadline)
    };
    watch_one(&mut watch, &second);
    prove(&mut watch, 1..10);
    assert_eq!(decided(&mut watch, 0..=1_000), Some((600, Verdict::GiveUp)));
}

#[test]
fn an_agent_is_waited_for_a_day() {
    let mut watch = watch();
    watch_one(&mut watch, &row(0, UnknownPolicy::Ask));
    prove(&mut watch, 1..10);
    assert_eq!(decided(&mut watch, 0..=90_000), Some((86_400, Verdict::GiveUp)));
}

#[test]
fn a_status_of_the_call_itself_has_the_ledger_checked_and_the_wait_goes_on_if_it_did_nothing() {
    let mut watch = watch();
    watch_one(&mut watch, &row(0, UnknownPolicy::RetryAfterDeadline));
    watch.note_status(&token(0, 1), Duration::from_secs(10));
    assert_eq!(decided(&mut watch, 10..=100), Some((40, Verdict::Check)));
    watch.unsettled(id(0), Duration::from_secs(41));
    assert_eq!(decided(&mut watch, 41..=100), Some((51, Verdict::SendAgain)));
}

#[test]
fn a_status_of_an_older_call_settles_nothing() {
    let mut watch = watch();
    let second = OutboxRow {
        attempt: 2,
        ..row(0, UnknownPolicy::NeverDuplicate)
    };
    watch_one(&mut watch, &second);
    watch.note_status(&token(0, 1), Duration::from_secs(10));
    assert_eq!(decided(&mut watch, 10..=500), None);
}

#[test]
fn a_deadline_counts_from_the_claim_and_not_from_when_the_process_saw_it_nor_from_a_clock_that_is_set() {
    let mut watch = watch();
    let old = row(0, UnknownPolicy::RetryAfterDeadline);
    let seen = at(15);
    watch.add(Doubt::new(&old, at(0).wall, ClaimNumber::default(), seen));
    assert_eq!(watch.next_look(), Some(Duration::from_secs(20)));
}

#[test]
fn what_has_no_room_is_refused() {
    let mut watch = Watch::new(UnknownLimits::default(), 1);
    let doubt = |number| {
        Doubt::new(
            &row(number, UnknownPolicy::Ask),
            at(0).wall,
            ClaimNumber::default(),
            at(0),
        )
    };
    assert_eq!(watch.add(doubt(0)), Watched::Yes);
    assert_eq!(watch.add(doubt(0)), Watched::Yes);
    assert_eq!(watch.add(doubt(1)), Watched::NoRoom);
}
