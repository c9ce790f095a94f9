//! One chain, however many write it and whatever fails; and what a look at it finds.

mod broken;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::places::{OF_ACTOR, WAITING};
use super::*;
use crate::domain::{TenantId, TestClock, UserId};
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

const TENANT: AuditScope = AuditScope::Tenant(TenantId::new(1));
const OTHER: AuditScope = AuditScope::Tenant(TenantId::new(2));
const DAY: Duration = Duration::from_secs(86_400);
const KEEP: Duration = Duration::from_secs(400 * 86_400);
/// 2026-11-30, an hour before the next month.
const EVENING: Timestamp = Timestamp::from_secs(1_796_079_600);

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn log(store: &Arc<impl Store + 'static>, clock: &TestClock, seed: u64) -> AuditLog {
    let store: Arc<dyn Store> = store.clone();
    AuditLog::new(store, Arc::new(clock.clone()), KEEP, seed)
}

fn by(user: u8, action: AuditAction) -> AuditEvent {
    AuditEvent {
        actor: AuditActor::User(UserId::from_bytes([user; 16])),
        action,
        target: None,
        address: Some("192.0.2.7".parse().unwrap()),
        details: AuditDetails::default(),
    }
}

/// The places of a month's entries, and what was done there.
async fn read(log: &AuditLog, scope: AuditScope, month: Month) -> Vec<(u64, AuditAction)> {
    let page = log.in_order(scope, month, 0, 1_000).await.unwrap();
    assert_eq!(page.next, None);
    page.entries
        .iter()
        .map(|one| (one.seq, one.entry.as_ref().unwrap().action))
        .collect()
}

async fn verdict(log: &AuditLog, month: Month) -> Verdict {
    log.verify(TENANT, month, 0, None).await.unwrap()
}

#[tokio::test]
async fn entries_stand_without_a_hole_in_a_chain_of_each_log() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::at(EVENING));
    let log = log(&store, &clock, 1);
    let november = month("2026-11");
    assert_eq!(verdict(&log, november).await, Verdict::default());
    for (scope, seq) in [
        (TENANT, 1),
        (TENANT, 2),
        (OTHER, 1),
        (TENANT, 3),
        (AuditScope::Operators, 1),
    ] {
        let place = log.record(scope, by(1, AuditAction::RoleChanged)).await.unwrap();
        assert_eq!(place, EntryPlace { month: november, seq });
    }
    let found = verdict(&log, november).await;
    assert_eq!((found.entries, found.broken, found.next), (3, None, None));
    // What was noted elsewhere is found again.
    let (seq, hash) = found.last.unwrap();
    let noted = log
        .verify(TENANT, november, 0, Some(Noted { seq, hash }))
        .await
        .unwrap();
    assert_eq!(noted.broken, None);
    let other = log
        .verify(OTHER, november, 0, Some(Noted { seq: 1, hash }))
        .await
        .unwrap();
    assert_eq!(other.broken.unwrap().0, 1);
    let gone = log
        .verify(TENANT, november, 0, Some(Noted { seq: 4, hash }))
        .await
        .unwrap();
    assert_eq!(gone.broken.unwrap().0, 4);
    // A look goes on where the one before ended.
    let rest = log.verify(TENANT, november, 2, None).await.unwrap();
    assert_eq!((rest.entries, rest.broken, rest.last), (1, None, found.last));
}

#[tokio::test(start_paused = true)]
async fn of_two_gateways_whose_clocks_differ_neither_breaks_the_chain_at_the_end_of_a_month() {
    let store = Arc::new(FaultyStore::default());
    // So that they come in between each other.
    *store.delay.lock().unwrap() = Duration::from_millis(1);
    let (early, late) = (TestClock::at(EVENING), TestClock::at(EVENING));
    let logs = [log(&store, &early, 1), log(&store, &late, 1 << 32)];
    for round in 0..6 {
        if round == 3 {
            late.advance(DAY);
        }
        let all = (0..20).map(|n| logs[n % 2].record(TENANT, by(1, AuditAction::KeyCreated)));
        for recorded in join_all(all).await {
            recorded.unwrap();
        }
    }
    let (november, december) = (month("2026-11"), month("2026-12"));
    let mut written = 0;
    for month in [november, december] {
        let found = verdict(&logs[0], month).await;
        assert_eq!(found.broken, None, "{month}");
        written += found.entries;
    }
    // One entry closes the month, and nothing stands behind it.
    assert_eq!(written, 121);
    let november = read(&logs[1], TENANT, november).await;
    let closed = november
        .iter()
        .position(|(_, action)| *action == AuditAction::MonthClosed);
    assert_eq!(closed, Some(november.len() - 1));
}

#[tokio::test]
async fn a_clock_that_goes_back_opens_no_month_again_and_months_without_entries_are_passed_over() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::at(EVENING));
    let written = log(&store, &clock, 1);
    written
        .record(TENANT, by(1, AuditAction::KeyCreated))
        .await
        .unwrap();
    clock.advance(70 * DAY);
    let next = written
        .record(TENANT, by(1, AuditAction::KeyRevoked))
        .await
        .unwrap();
    assert_eq!(
        next,
        EntryPlace {
            month: month("2027-02"),
            seq: 1
        }
    );
    clock.jump_wall_to(EVENING);
    // Another process, which remembers nothing.
    let log = log(&store, &clock, 2);
    let back = log.record(TENANT, by(1, AuditAction::KeyRevoked)).await.unwrap();
    assert_eq!(
        back,
        EntryPlace {
            month: month("2027-02"),
            seq: 2
        }
    );
    let found = verdict(&log, month("2027-02")).await;
    assert_eq!((found.broken, found.month_before), (None, Some(month("2026-11"))));
    assert_eq!(verdict(&log, month("2026-11")).await.broken, None);
    // Where nothing was recorded since, the way back leads to the last entry.
    let later = verdict(&log, month("2027-05")).await;
    assert_eq!(
        (later.entries, later.broken, later.month_before),
        (0, None, Some(month("2027-02")))
    );
}

#[tokio::test]
async fn all_entries_of_a_month_end_together_and_the_chain_behind_it_holds() {
    let store = Arc::new(MemoryStore::new());
    let clock = TestClock::at(EVENING.before(20 * DAY));
    let first = log(&store, &clock, 1);
    first
        .record(TENANT, by(1, AuditAction::KeyCreated))
        .await
        .unwrap();
    clock.advance(19 * DAY);
    // Other settings hold from the next month on.
    let keep = 90 * DAY;
    let log = AuditLog::new(store.clone(), Arc::new(clock.clone()), keep, 2);
    log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    clock.advance(2 * DAY);
    log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    let (november, december) = (month("2026-11"), month("2026-12"));
    clock.jump_wall_to(december.kept_until(keep));
    assert_eq!(read(&log, TENANT, december).await, []);
    assert_eq!(read(&log, TENANT, november).await.len(), 3);
    clock.jump_wall_to(november.kept_until(KEEP).before(Duration::from_millis(1)));
    assert_eq!(read(&log, TENANT, november).await.len(), 3);
    assert_eq!(verdict(&log, november).await.broken, None);
    clock.jump_wall_to(november.kept_until(KEEP));
    assert_eq!(read(&log, TENANT, november).await, []);
    // The log goes on behind what is over.
    let place = log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    let found = verdict(&log, place.month).await;
    assert_eq!((found.entries, found.broken), (1, None));
}

#[tokio::test]
async fn after_a_kill_behind_an_entry_the_log_goes_on_behind_it() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(EVENING));
    let killed = log(&store, &clock, 1);
    killed
        .record(TENANT, by(1, AuditAction::KeyCreated))
        .await
        .unwrap();
    // Entries are written, and their place is not noted.
    for _ in 0..3 {
        let head = store
            .plain_row(AuditHead::at(TENANT), EVENING)
            .await
            .unwrap()
            .unwrap();
        killed
            .record(TENANT, by(1, AuditAction::KeyRevoked))
            .await
            .unwrap();
        let after = store
            .plain_row(AuditHead::at(TENANT), EVENING)
            .await
            .unwrap()
            .unwrap();
        let set_back = store.replace_plain_row(AuditHead::at(TENANT), Some(after.body), Some(head), EVENING);
        assert!(set_back.await.unwrap());
    }
    assert_eq!(verdict(&killed, month("2026-11")).await.broken, None);
    let next = log(&store, &clock, 2);
    let place = next.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    assert_eq!(place.seq, 5);
    assert_eq!(verdict(&next, month("2026-11")).await.broken, None);
}

#[tokio::test]
async fn an_entry_whose_answer_was_lost_stands_once_and_one_that_is_refused_does_not() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(EVENING));
    let log = log(&store, &clock, 1);
    log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    let faults = |all: &[Fault]| store.plain_faults.lock().unwrap().extend(all.iter().copied());
    faults(&[Fault::LoseAnswer, Fault::LoseAnswer]);
    let place = log.record(TENANT, by(1, AuditAction::RoleChanged)).await.unwrap();
    assert_eq!(place.seq, 2);
    faults(&[Fault::Refuse(StoreErrorKind::Full)]);
    let refused = log.record(TENANT, by(1, AuditAction::KeyRevoked)).await;
    assert!(matches!(refused, Err(AuditError::Store(_))), "{refused:?}");
    let place = log
        .record(TENANT, by(1, AuditAction::TenantCreated))
        .await
        .unwrap();
    assert_eq!(place.seq, 3);
    let found = read(&log, TENANT, place.month).await;
    let expected = [
        AuditAction::KeyCreated,
        AuditAction::RoleChanged,
        AuditAction::TenantCreated,
    ];
    assert_eq!(found, [1, 2, 3].into_iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(verdict(&log, place.month).await.broken, None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_holds_nobody_for_long_and_no_more_than_there_is_room_for() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(EVENING));
    *store.delay.lock().unwrap() = Duration::from_secs(3_600);
    let log = log(&store, &clock, 1);
    let began = tokio::time::Instant::now();
    let one = |n: usize| by(u8::try_from(n / 8).unwrap(), AuditAction::KeyCreated);
    let all = join_all((0..WAITING + 3).map(|n| log.record(TENANT, one(n)))).await;
    let late = all
        .iter()
        .filter(|one| matches!(one, Err(AuditError::Late)))
        .count();
    let busy = all
        .iter()
        .filter(|one| matches!(one, Err(AuditError::Busy)))
        .count();
    // Who waits for others is not who waits for the store.
    assert!(late >= 1 && busy >= 3, "{late} late, {busy} busy");
    assert_eq!(late + busy, WAITING + 3);
    assert!(began.elapsed() < DEADLINE * 2, "{:?}", began.elapsed());
    // Another log has places of its own.
    *store.delay.lock().unwrap() = Duration::ZERO;
    log.record(OTHER, by(1, AuditAction::KeyCreated)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_actor_or_of_sign_ins_holds_up_nobody_else() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(EVENING));
    let log = log(&store, &clock, 1);
    log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    *store.delay.lock().unwrap() = Duration::from_millis(20);
    let sign_ins = join_all((0..100).map(|_| log.record_behind(TENANT, by(9, AuditAction::SignInFailed))));
    let flood = join_all((0..WAITING).map(|_| log.record(TENANT, by(1, AuditAction::KeyCreated))));
    let other = async {
        // Behind both.
        tokio::task::yield_now().await;
        let began = tokio::time::Instant::now();
        let (removal, revocation) = tokio::join!(
            log.record(TENANT, by(2, AuditAction::MemberRemoved)),
            log.record(TENANT, by(1, AuditAction::KeyRevoked)),
        );
        (removal.unwrap(), revocation.unwrap(), began.elapsed())
    };
    let (sign_ins, flood, (removal, revocation, took)) = tokio::join!(sign_ins, flood, other);
    assert_eq!(sign_ins.iter().filter(|one| one.is_ok()).count(), 100);
    assert_eq!(flood.iter().filter(|one| one.is_ok()).count(), OF_ACTOR);
    // The revocation has a turn of its own: before it stand a few entries, and not all that wait.
    assert!(revocation.seq < 12, "{revocation:?}");
    assert!(removal.seq < 2 + 3 * 20, "{removal:?}");
    assert!(took < DEADLINE, "{took:?}");
    assert_eq!(verdict(&log, month("2026-11")).await.broken, None);
}

/// Where the next entry goes.
async fn place_of(log: &AuditLog) -> EntryPlace {
    log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap()
}

#[tokio::test]
async fn a_gateway_that_rested_until_its_month_was_over_forks_no_chain() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::at(EVENING));
    let resting = log(&store, &clock, 1);
    let other = log(&store, &clock, 1 << 32);
    place_of(&resting).await;
    place_of(&other).await;
    clock.advance(DAY);
    let december = place_of(&other).await;
    assert_eq!(december.month, month("2026-12"));
    // November is over, and with it the places that the resting one would write to; December is not.
    clock.jump_wall_to(month("2026-11").kept_until(KEEP));
    let next = place_of(&resting).await;
    assert!(next.month > december.month, "{next:?}");
    assert_eq!(place_of(&other).await.seq, next.seq + 1);
    assert_eq!(read(&resting, TENANT, month("2026-11")).await, []);
    for month in [december.month, next.month] {
        assert_eq!(verdict(&resting, month).await.broken, None, "{month}");
    }
}

#[tokio::test(start_paused = true)]
async fn gateways_that_find_a_log_whose_last_month_is_over_go_on_in_one_chain() {
    let store = Arc::new(FaultyStore::default());
    let (early, late) = (TestClock::at(EVENING), TestClock::at(EVENING));
    place_of(&log(&store, &early, 1)).await;
    // Two years later their clocks differ at the end of a month.
    let end = month("2028-12").begins();
    early.jump_wall_to(end.before(Duration::from_secs(60)));
    late.jump_wall_to(end.after(Duration::from_secs(60)));
    *store.delay.lock().unwrap() = Duration::from_millis(1);
    let logs = [log(&store, &early, 1 << 32), log(&store, &late, 1 << 40)];
    let all = join_all((0..20).map(|n| place_of(&logs[n % 2]))).await;
    let mut places: Vec<(Month, u64)> = all.iter().map(|place| (place.month, place.seq)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 20, "no place is given twice");
    let (mut entries, mut at) = (0, Some(month("2028-12")));
    while let Some(month) = at.filter(|at| *at > super::tests::month("2026-11")) {
        let found = verdict(&logs[1], month).await;
        assert_eq!(found.broken, None, "{month}");
        entries += found.entries;
        at = found.month_before;
    }
    assert!((20..=21).contains(&entries), "{entries}");
}

#[tokio::test]
async fn pages_lead_back_from_the_newest_entry_and_show_what_is_asked_for() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::at(EVENING));
    let log = log(&store, &clock, 1);
    let november = month("2026-11");
    for n in 0..450_u32 {
        let action = if n % 150 == 0 {
            AuditAction::RoleChanged
        } else {
            AuditAction::KeyCreated
        };
        let user = if n < 20 { 1 } else { 2 };
        log.record(TENANT, by(user, action)).await.unwrap();
    }
    let (mut seen, mut next) = (Vec::new(), None);
    loop {
        let page = log
            .newest(TENANT, november, next, &AuditFilter::default(), 100)
            .await
            .unwrap();
        seen.extend(page.entries.iter().map(|one| one.seq));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=450).rev().collect::<Vec<u64>>());
    for (actor, action, expected) in [
        (None, Some(AuditAction::RoleChanged), vec![301, 151, 1]),
        (
            Some(UserId::from_bytes([1; 16]).to_string()),
            None,
            (1..=20).rev().collect(),
        ),
        (Some("operator".to_owned()), None, Vec::new()),
        (
            Some("user".to_owned()),
            Some(AuditAction::RoleChanged),
            vec![301, 151, 1],
        ),
    ] {
        let filter = AuditFilter { actor, action };
        let page = log.newest(TENANT, november, None, &filter, 100).await.unwrap();
        let places: Vec<u64> = page.entries.iter().map(|one| one.seq).collect();
        assert_eq!((places, page.next), (expected, None), "{filter:?}");
    }
    let usual = async |month, until| {
        let all = AuditFilter::default();
        let page = log.newest(TENANT, month, until, &all, 100).await.unwrap();
        (page.entries.first().map(|newest| newest.seq), page.next)
    };
    let newest = usual(november, None).await;
    assert_eq!(usual(november, Some(u64::MAX)).await, newest);
    assert_eq!(usual(month("2026-10"), Some(u64::MAX)).await, (None, None));
    let part = log.in_order(TENANT, november, 100, 50).await.unwrap();
    let places: Vec<u64> = part.entries.iter().map(|one| one.seq).collect();
    assert_eq!((places, part.next), ((101..=150).collect(), Some(150)));
}
