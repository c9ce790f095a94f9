//! Entries that stand in the journal although it did not say so, or did not show them when it was asked.

use std::sync::atomic::Ordering;

use super::*;
use crate::store::StoreErrorKind;
use crate::store::faulty::Fault;

/// Longer than the journal is asked for what it did not show at first.
const LONG: Duration = Duration::from_mins(20);

async fn comes(road: &Road, message: usize) {
    until("the message comes", LONG, async || {
        texts(&road.store, STUCK).await == [message]
    })
    .await;
    road.applied().await;
}

#[actix::test]
async fn an_entry_that_was_refused_and_written_all_the_same_is_applied_without_a_start() {
    tokio::time::pause();
    let road = Road::open(&["demo"]).await;
    road.store.lost_receipts.store(1, Ordering::Release);
    let refused = road.intake.accept(demo(), webhook(STUCK, 1, 1)).await;
    assert!(refused.is_err());
    comes(&road, 1).await;
    road.close().await;
}

#[actix::test]
async fn an_entry_that_the_journal_shows_only_later_is_applied_then() {
    tokio::time::pause();
    let road = Road::open(&["demo"]).await;
    // It has to be applied again, and is read for that.
    let refuse = Fault::Refuse(StoreErrorKind::Unavailable);
    road.store.append_faults.lock().unwrap().push_back(refuse);
    road.store.blind_reads.store(4, Ordering::Release);
    road.intake.accept(demo(), webhook(STUCK, 1, 1)).await.unwrap();
    comes(&road, 1).await;
    assert_eq!(road.store.blind_reads.load(Ordering::Acquire), 0);
    road.close().await;
}
