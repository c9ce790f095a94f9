//! What one process on a cluster tells another, and who lives.

use std::sync::Arc;

use futures_util::future::join_all;

use super::own::another;
use super::{Cluster, options};
use crate::domain::{JournalId, SystemClock};
use crate::store::conformance::Backend as _;
use crate::store::conformance::scene::{Scene, TENANT};
use crate::store::scylla::{ScyllaOptions, ScyllaStore};
use crate::store::{
    FORWARDED_FOR, Forwarded, ForwardedPage, ProcessState, Rest, Store, TenantOwner, Urgency,
};

#[tokio::test]
async fn a_process_knows_who_has_a_tenant_and_is_told_once_of_what_others_took_in_for_its_own() {
    let backend = Cluster::open();
    let one = another(backend.keyspace.name(), 1);
    let two = another(backend.keyspace.name(), 2);
    assert!(one.others(ProcessState::Serving).await.unwrap().is_empty());
    let first = *two.others(ProcessState::Serving).await.unwrap().first().unwrap();
    let second = *one.others(ProcessState::Serving).await.unwrap().first().unwrap();
    assert_eq!(two.owner(TENANT).await.unwrap(), None);
    Scene::take_over(Arc::clone(&one), TENANT).await;
    assert_eq!(one.owner(TENANT).await.unwrap(), Some(TenantOwner::ThisProcess));
    assert_eq!(two.owner(TENANT).await.unwrap(), Some(TenantOwner::Living(first)));
    // More than one row holds.
    let many: Vec<Forwarded> = (0..200).map(webhook).collect();
    two.forward(first, many.clone()).await.unwrap();
    two.forward(first, vec![webhook(201)]).await.unwrap();
    one.forward(second, vec![webhook(202)]).await.unwrap();
    let expected: Vec<Forwarded> = many.into_iter().chain([webhook(201)]).collect();
    assert_eq!(one.forwarded().await.unwrap().webhooks, expected);
    assert!(
        one.forwarded().await.unwrap().webhooks.is_empty(),
        "each is told once"
    );
    two.forward(first, vec![webhook(7)]).await.unwrap();
    assert_eq!(one.forwarded().await.unwrap().webhooks, [webhook(7)]);
    one.others(ProcessState::Ending).await.unwrap();
    assert_eq!(two.owner(TENANT).await.unwrap(), Some(TenantOwner::Ending(first)));
    assert_eq!(two.others(ProcessState::Serving).await.unwrap(), [first].into());
    one.close().await.unwrap();
    assert_eq!(two.owner(TENANT).await.unwrap(), Some(TenantOwner::Gone(first)));
    assert!(
        two.forwarded().await.unwrap().webhooks.is_empty(),
        "what one that is gone took in stands in the journal"
    );
}

fn webhook(n: u8) -> Forwarded {
    Forwarded {
        entry: JournalId::from_bytes([n; 16]),
        tenant: TENANT,
        size: usize::from(n),
        urgency: Urgency::Statuses,
    }
}

#[tokio::test]
async fn those_who_wait_to_tell_another_process_take_no_permits_from_others() {
    let backend = Cluster::open();
    let one = another(backend.keyspace.name(), 1);
    let few = ScyllaOptions {
        seed: 2,
        in_flight: 2,
        ..options(backend.keyspace.name())
    };
    let two = ScyllaStore::open(&few, Arc::new(SystemClock::new()))
        .await
        .unwrap();
    one.others(ProcessState::Serving).await.unwrap();
    let first = *two.others(ProcessState::Serving).await.unwrap().first().unwrap();
    let tell = (0..100).map(|n| two.forward(first, vec![webhook(n)]));
    let told = join_all(tell).await;
    assert!(told.iter().all(Result::is_ok), "{told:?}");
    let mut read = one.forwarded().await.unwrap().webhooks;
    read.sort_by_key(|webhook| webhook.size);
    assert_eq!(read, (0..100).map(webhook).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_passed_over_and_what_comes_after_it_is_read() {
    let backend = Cluster::open();
    let one = another(backend.keyspace.name(), 1);
    let two = another(backend.keyspace.name(), 2);
    let second = *{
        two.others(ProcessState::Serving).await.unwrap();
        one.others(ProcessState::Serving).await.unwrap()
    }
    .first()
    .unwrap();
    let first = *two.others(ProcessState::Serving).await.unwrap().first().unwrap();
    two.forward(first, vec![webhook(1)]).await.unwrap();
    two.forward(first, vec![webhook(2)]).await.unwrap();
    let spoil = format!(
        "UPDATE {}.forwarded SET body = 0x00 WHERE recipient = {} AND sender = {} AND bucket = 0 AND number = 1",
        backend.keyspace.name(),
        first.get(),
        second.get()
    );
    backend.store.write_raw(spoil).await.unwrap();
    let ForwardedPage {
        webhooks,
        unreadable,
        rest,
        failed,
    } = one.forwarded().await.unwrap();
    assert_eq!((webhooks, unreadable, rest), (vec![webhook(2)], 1, Rest::Nothing));
    assert!(failed.is_none());
    assert!(one.forwarded().await.unwrap().webhooks.is_empty());
}

#[test]
fn rows_stand_as_long_as_readers_believe() {
    let ttl = FORWARDED_FOR.as_secs();
    let cql = include_str!("../../../../cql/0005_forwarded.cql");
    assert!(cql.contains(&format!("default_time_to_live = {ttl} ")));
}
