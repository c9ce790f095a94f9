//! Files are found in logs, of tenants that run here and of those that run nowhere.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::super::super::tests::{NOW, directory_on, files, received};
use super::*;
use crate::actors::port::WebhookTenants;
use crate::domain::{Clock, Content, Retention, TestClock};
use crate::shutdown::Shutdown;
use crate::store::faulty::{FaultyStore, Processes};
use crate::store::memory::MemoryStore;
use crate::store::{Op, ProcessId, ProcessState, Store as _, Tenant};

const TENANT: TenantId = TenantId::new(1);

/// A customer's picture.
fn picture(wamid: &str) -> Op {
    let Op::Receive(mut receive) = received(wamid, NOW) else {
        panic!("it is received")
    };
    let json = r#"{"type":"image","image":{"id":"900","mime_type":"image/png"}}"#;
    receive.content = serde_json::from_str::<Content>(json).unwrap();
    Op::Receive(receive)
}

/// A gateway of several on one store.
async fn gateway(
    process: i64,
    processes: &Arc<Processes>,
    inner: &Arc<MemoryStore>,
    clock: &TestClock,
) -> MediaJob {
    let store = FaultyStore::of_process(ProcessId::new(process), processes, inner);
    let (store, clock): (_, Arc<dyn Clock>) = (Arc::new(store), Arc::new(clock.clone()));
    let tenant = Tenant::new(TENANT, "Toko Maju", Retention::DEFAULT, NOW);
    store.put_tenant(tenant).await.unwrap();
    let directory = directory_on(vec![actix::Arbiter::current()], &store, &clock).await;
    files(directory, &clock, &Shutdown::default())
}

impl MediaJob {
    async fn commit(&self, op: Op) {
        let ledger = self.directory.tenant(TENANT).await.unwrap().ledger;
        ledger.commit(op).await.unwrap();
    }
}

/// The next tasks that are found.
async fn tasks(taken: &mut mpsc::Receiver<Found>) -> Vec<MediaTask> {
    loop {
        let next = tokio::time::timeout(Duration::from_mins(30), taken.recv()).await;
        match next.expect("nothing was found").unwrap() {
            Found::Tasks(_, tasks) if !tasks.is_empty() => return tasks,
            _ => {}
        }
    }
}

#[actix::test]
async fn files_are_found_in_the_log_of_a_tenant_that_runs_here_each_once() {
    tokio::time::pause();
    let clock = TestClock::at(NOW);
    let job = gateway(1, &Arc::default(), &Arc::default(), &clock).await;
    job.commit(picture("wamid.1")).await;
    let (found, mut taken) = mpsc::channel(4);
    let watching = actix::spawn({
        let job = job.clone();
        async move { watch(&job, &found).await }
    });
    let first = tasks(&mut taken).await;
    job.commit(received("wamid.2", NOW)).await;
    job.commit(picture("wamid.3")).await;
    let second = tasks(&mut taken).await;
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first[0].id, second[0].id);
    watching.abort();
}

#[actix::test]
async fn what_a_gateway_that_died_left_is_found_by_one_of_the_others_alone() {
    tokio::time::pause();
    let clock = TestClock::at(NOW);
    let (processes, inner) = (Arc::default(), Arc::default());
    let dying = gateway(1, &processes, &inner, &clock).await;
    for n in 0..3 {
        dying.commit(picture(&format!("wamid.{n}"))).await;
    }
    let (two, three) = (
        gateway(2, &processes, &inner, &clock).await,
        gateway(3, &processes, &inner, &clock).await,
    );
    let (found, mut taken) = mpsc::channel(64);
    let recover = |job: &MediaJob| {
        let (job, found) = (job.clone(), found.clone());
        actix::spawn(async move { recover(&job, &found).await })
    };
    let both = [recover(&two), recover(&three)];
    // While it lives its tenant is left to it.
    tokio::time::sleep(RECOVERY / 2).await;
    while let Ok(told) = taken.try_recv() {
        assert!(matches!(told, Found::Elsewhere(TENANT)));
    }
    for job in [&two, &three] {
        job.directory.look_at_others(ProcessState::Serving).await;
    }
    processes.kill(ProcessId::new(1));
    for job in [&two, &three] {
        job.directory.look_at_others(ProcessState::Serving).await;
        // What it took in is read from the journal.
        let gone = WebhookTenants::gone_and_unlisted(job.directory.as_ref());
        assert_eq!(gone.len(), 1);
        WebhookTenants::listed(job.directory.as_ref(), &gone);
    }
    let first = tasks(&mut taken).await;
    assert_eq!(first.len(), 3);
    // The other one leaves it alone, as long as the first says that it is at it.
    let mut rows = 0;
    for _ in 0..6 {
        clock.advance(RECOVERY);
        tokio::time::sleep(RECOVERY).await;
        while let Ok(told) = taken.try_recv() {
            rows += usize::from(matches!(told, Found::Rows(TENANT)));
        }
    }
    assert!((4..=7).contains(&rows), "{rows} in six turns");
    both.iter().for_each(tokio::task::JoinHandle::abort);
}
