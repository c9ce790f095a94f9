//! What goes on beside the roads when the disk does not.

mod blocks;
mod handovers;

use std::sync::atomic::Ordering;

use super::*;
use crate::accounts::Accounts;
use crate::actors::DirectoryParts;
use crate::domain::{
    Alias, ContactAliases, Content, PhoneNumberId, Retention, SteadyClock, TenantId, TestClock, Timestamp,
    Wamid,
};
use crate::media::{Files, Media};
use crate::store::faulty::FaultyStore;
use crate::store::op::Receive;
use crate::store::{Op, RetentionJob};
use crate::whatsapp::GraphClient;
use crate::whatsapp::client::GraphSettings;

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const KEEP_USAGE: Duration = Duration::from_hours(400 * 24);

/// A Graph API that nobody reaches.
fn nobody(clock: &Arc<dyn Clock>) -> Arc<dyn Graph> {
    let settings = GraphSettings::new("http://127.0.0.1:9", "v24.0");
    Arc::new(GraphClient::new(settings, Arc::clone(clock)).unwrap())
}

async fn directory(store: &Arc<FaultyStore>, clock: &Arc<dyn Clock>) -> Arc<Directory> {
    directory_on(Vec::new(), store, clock).await
}

/// Who looks after people who left.
fn people(directory: Arc<Directory>, clock: &Arc<dyn Clock>, shutdown: &Shutdown) -> People {
    let settings = crate::config::Config::defaults().unwrap().accounts;
    let store = Arc::clone(directory.store());
    People {
        subscriptions: crate::accounts::subscriptions::SubscriptionBook::by_default(&store, clock),
        accounts: Arc::new(Accounts::new(
            store,
            Arc::clone(clock),
            settings,
            crate::mail::inbox::Inbox::open(Arc::clone(clock)).0,
        )),
        tenants: Arc::new(crate::actors::Gateway::new(Arc::clone(&directory))),
        directory,
        shutdown: shutdown.clone(),
    }
}

/// Who fetches files.
pub(super) fn files(directory: Arc<Directory>, clock: &Arc<dyn Clock>, shutdown: &Shutdown) -> MediaJob {
    let settings = GraphSettings::new("http://127.0.0.1:9", "v24.0");
    let graph = Arc::new(GraphClient::new(settings, Arc::clone(clock)).unwrap());
    let (store, nowhere) = (Arc::clone(directory.store()), Files::in_memory());
    let quotas = Arc::new(crate::api::QuotaCache::by_default(Arc::clone(&store), clock));
    MediaJob {
        media: Arc::new(Media::new(store, Arc::clone(clock), nowhere, graph)),
        tenants: Arc::new(crate::actors::Gateway::new(Arc::clone(&directory))),
        directory,
        clock: Arc::clone(clock),
        quotas,
        shutdown: shutdown.clone(),
    }
}

pub(super) async fn directory_on(
    arbiters: Vec<actix::ArbiterHandle>,
    store: &Arc<FaultyStore>,
    clock: &Arc<dyn Clock>,
) -> Arc<Directory> {
    let parts = DirectoryParts::for_tests(store.clone(), Arc::clone(clock), arbiters);
    Arc::new(Directory::open(parts).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_ends_the_process_although_a_sweep_waits_for_it() {
    let store = Arc::new(FaultyStore::default());
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let metrics = telemetry::install(clock.now()).unwrap();
    let directory = directory(&store, &clock).await;
    let shutdown = Shutdown::default();
    let failing = Failing::EndsTheProcess;
    let upkeep = tokio::spawn(run(
        people(Arc::clone(&directory), &clock, &shutdown),
        files(directory, &clock, &shutdown),
        nobody(&clock),
        clock,
        metrics,
        failing,
        KEEP_USAGE,
    ));
    tokio::time::sleep(SWEEP / 2).await;
    store.hung.store(true, Ordering::Release);
    let ended = tokio::time::timeout(SWEEP * 10, upkeep).await;
    assert_eq!(ended.unwrap().unwrap(), Ended::StoreFailed);
    assert!(shutdown.has_begun());
}

#[tokio::test(start_paused = true)]
async fn nothing_expires_by_a_clock_that_jumped_and_everything_does_once_it_is_believed() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _counted = ::metrics::set_default_local_recorder(&recorder);
    let doubt = || {
        let shown = handle.render();
        let line = shown
            .lines()
            .find_map(|line| line.strip_prefix("mesej_clock_doubt_seconds "));
        line.map(str::to_owned)
    };
    let store = Arc::new(FaultyStore::default());
    let machine = TestClock::at(NOW);
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::over(Arc::new(machine.clone())));
    let item = crate::store::Quarantined {
        id: crate::domain::JournalId::from_bytes([1; 16]),
        at: NOW,
        reason: "malformed".to_owned(),
        body: bytes::Bytes::new(),
    };
    store.quarantine(item.clone()).await.unwrap();
    let directory = directory(&store, &clock).await;
    let shutdown = Shutdown::default();
    let upkeep = tokio::spawn(run(
        people(Arc::clone(&directory), &clock, &shutdown),
        files(directory, &clock, &shutdown),
        nobody(&clock),
        Arc::clone(&clock),
        recorder.handle(),
        Failing::IsWaitedFor,
        KEEP_USAGE,
    ));
    tokio::time::sleep(SWEEP / 2).await;
    machine.jump_wall_to(NOW.after(Duration::from_secs(366 * 86_400)));
    tokio::time::sleep(SWEEP * 2).await;
    let kept = store.quarantined(None, 9, NOW).await.unwrap();
    let all = [item];
    assert_eq!(kept, all, "it does not come back when the clock does");
    assert_eq!(doubt().as_deref(), Some("31622400"));
    assert_eq!(store.last_time().await.unwrap(), Some(NOW));
    // However long it stays so: nobody else says that it is right.
    machine.advance(Duration::from_secs(86_400 * 29));
    tokio::time::sleep(SWEEP * 2).await;
    assert_eq!(store.quarantined(None, 9, NOW).await.unwrap(), all);
    clock.witnessed(machine.now());
    tokio::time::sleep(SWEEP * 2).await;
    assert_eq!(store.quarantined(None, 9, NOW).await.unwrap(), []);
    assert_eq!(doubt().as_deref(), Some("0"));
    shutdown.begin();
    assert_eq!(upkeep.await.unwrap(), Ended::Asked);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_away_is_waited_for() {
    let store = Arc::new(FaultyStore::default());
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let directory = directory(&store, &clock).await;
    let shutdown = Shutdown::default();
    let failing = Failing::IsWaitedFor;
    let upkeep = tokio::spawn(run(
        people(Arc::clone(&directory), &clock, &shutdown),
        files(directory, &clock, &shutdown),
        nobody(&clock),
        clock,
        recorder.handle(),
        failing,
        KEEP_USAGE,
    ));
    tokio::time::sleep(SWEEP / 2).await;
    store.hung.store(true, Ordering::Release);
    tokio::time::sleep(SWEEP * 10).await;
    assert!(!shutdown.has_begun(), "the process does not end itself");
    shutdown.begin();
    assert_eq!(upkeep.await.unwrap(), Ended::Asked);
}

#[tokio::test(start_paused = true)]
async fn the_journals_backlog_and_its_oldest_entry_are_shown_whoever_has_them_in_hand() {
    let store = Arc::new(FaultyStore::default());
    for n in 1..=3 {
        let entry = crate::store::JournalEntry {
            id: crate::domain::JournalId::from_bytes([n; 16]),
            received: NOW.before(Duration::from_secs(u64::from(100 - n))),
            body: bytes::Bytes::new(),
        };
        store.journal_append(entry).await.unwrap();
    }
    let clock = TestClock::at(NOW);
    // Installed in this thread alone: other tests count, too.
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    ::metrics::with_local_recorder(&recorder, || {
        let mut looks = Box::pin(measure(store.as_ref(), &clock, MEASURE));
        assert!(futures_util::FutureExt::now_or_never(&mut looks).is_none());
    });
    let text = shown.render();
    assert!(text.contains("mesej_journal_backlog 3"), "{text}");
    assert!(text.contains("mesej_journal_oldest_seconds 99"), "{text}");
}

pub(super) fn received(wamid: &str, at: Timestamp) -> Op {
    Op::Receive(Box::new(Receive {
        number: PhoneNumberId::parse("1065").unwrap(),
        by: crate::domain::message::Side::Customer,
        via: None,
        aliases: ContactAliases::of([Alias::phone("628123456789").unwrap()]),
        naming: crate::store::op::Naming::Current,
        keyword: None,
        group: None,
        name: None,
        username: None,
        wamid: Wamid::parse(wamid).unwrap(),
        at,
        content: Content::text("hello"),
    }))
}

#[actix::test]
async fn a_change_of_retention_that_somebody_left_half_done_is_carried_out() {
    let (tenant, days) = (TenantId::new(1), |days| Retention::days(days).unwrap());
    let store = Arc::new(FaultyStore::default());
    let row = |retention| crate::store::Tenant::new(tenant, "Toko Maju", retention, NOW);
    store.put_tenant(row(days(365))).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let directory = directory_on(vec![actix::Arbiter::current()], &store, &clock).await;
    let ledger = directory.tenant(tenant).await.unwrap().ledger;
    for n in 0..200 {
        // Ten of them lie behind.
        let at = NOW.before(Duration::from_secs(86_400 * (n / 190)));
        ledger.commit(received(&format!("wamid.{n}"), at)).await.unwrap();
    }
    let job = RetentionJob::new(tenant, days(365), days(1), NOW);
    store.begin_retention(row(days(1)), job).await.unwrap();
    store.step_retention(tenant, NOW, 7).await.unwrap();
    let shutdown = Shutdown::default();
    let work = retention::run(&directory, clock.as_ref(), &shutdown);
    let done = async {
        loop {
            let jobs = store.retention_jobs().await.unwrap();
            if jobs.iter().all(|job| job.finished.is_some()) {
                return jobs;
            }
            tokio::task::yield_now().await;
        }
    };
    let jobs = tokio::select! {
        () = work => Vec::new(),
        jobs = tokio::time::timeout(Duration::from_secs(60), done) => jobs.unwrap(),
    };
    assert_eq!((jobs[0].messages, jobs[0].removed, jobs[0].moved), (200, 10, 190));
    // What comes after it is kept by the new value, although whoever began it is gone.
    let outcome = ledger.commit(received("wamid.late", NOW)).await.unwrap();
    let crate::store::OpOutcome::Committed { at: Some(at), .. } = outcome else {
        panic!("not committed")
    };
    let day = NOW.after(Duration::from_secs(86_400));
    assert!(store.message(tenant, at, day).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_retention_that_cannot_go_on_is_shown_to_stand_still() {
    let (tenant, days) = (TenantId::new(1), |days| Retention::days(days).unwrap());
    let store = Arc::new(FaultyStore::default());
    let row = crate::store::Tenant::new(tenant, "Toko Maju", days(1), NOW);
    let job = RetentionJob::new(tenant, days(365), days(1), NOW);
    store.begin_retention(row, job).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    // Nobody takes the tenant on, without which there is no step.
    let directory = directory(&store, &clock).await;
    let shutdown = Shutdown::default();
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let mut work = Box::pin(retention::run(&directory, clock.as_ref(), &shutdown));
    let counted = std::future::poll_fn(|context| {
        ::metrics::with_local_recorder(&recorder, || work.as_mut().poll(context))
    });
    tokio::time::timeout(Duration::from_secs(1_200), counted)
        .await
        .unwrap_err();
    let text = shown.render();
    let stalled = text
        .lines()
        .find_map(|line| line.strip_prefix("mesej_retention_stalled_seconds "));
    let stalled: f64 = stalled.unwrap().parse().unwrap();
    assert!((1_190.0..=1_200.0).contains(&stalled), "{stalled}");
}

/// Waits until a tenant's messages are counted; how many they are.
async fn counted(store: &FaultyStore, tenant: TenantId, expected: u64) {
    let all = async {
        loop {
            let mut inbound = 0;
            let each = |hour: crate::store::tables::UsageHour| inbound += hour.counts.inbound;
            let (from, to) = (NOW.before(KEEP_USAGE), NOW.after(KEEP_USAGE));
            crate::store::usage::hours(store, tenant, from, to, NOW, each)
                .await
                .unwrap();
            if inbound == expected {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
}

#[actix::test]
async fn what_was_left_uncounted_is_counted_and_no_tenant_is_woken_for_it() {
    let tenant = TenantId::new(1);
    let store = Arc::new(FaultyStore::default());
    let row = crate::store::Tenant::new(tenant, "Toko Maju", Retention::days(365).unwrap(), NOW);
    store.put_tenant(row).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    {
        let directory = directory_on(vec![actix::Arbiter::current()], &store, &clock).await;
        let ledger = directory.tenant(tenant).await.unwrap().ledger;
        for n in 0..1_100 {
            ledger.commit(received(&format!("wamid.{n}"), NOW)).await.unwrap();
        }
    }
    // Another process.
    let directory = directory_on(vec![actix::Arbiter::current()], &store, &clock).await;
    let shutdown = Shutdown::default();
    let work = usage::run(&directory, clock.as_ref(), &shutdown, KEEP_USAGE);
    tokio::select! {
        () = work => panic!("it goes on for ever"),
        () = counted(&store, tenant, 1_100) => {}
    }
    assert!(directory.running().is_empty(), "nobody was woken");
    // One that runs is counted on from there.
    let ledger = directory.tenant(tenant).await.unwrap().ledger;
    ledger.commit(received("wamid.late", NOW)).await.unwrap();
    let work = usage::run(&directory, clock.as_ref(), &shutdown, KEEP_USAGE);
    tokio::select! {
        () = work => panic!("it goes on for ever"),
        () = counted(&store, tenant, 1_101) => {}
    }
}
