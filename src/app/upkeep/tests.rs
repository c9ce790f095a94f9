//! What goes on beside the roads when the disk does not.

use std::sync::atomic::Ordering;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::{DirectoryParts, TenantLimits};
use crate::domain::{TestClock, Timestamp};
use crate::store::faulty::FaultyStore;
use crate::whatsapp::GraphClient;
use crate::whatsapp::client::GraphSettings;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

async fn directory(store: &Arc<FaultyStore>, clock: &Arc<dyn Clock>) -> Arc<Directory> {
    let settings = GraphSettings::new("http://127.0.0.1:9", "v24.0");
    let parts = DirectoryParts {
        store: store.clone(),
        graph: Arc::new(GraphClient::new(settings, Arc::clone(clock)).unwrap()),
        clock: Arc::clone(clock),
        arbiters: Vec::new(),
        tenant_limits: TenantLimits::default(),
        lane_limits: LaneLimits::default(),
        calls: Arc::new(tokio::sync::Semaphore::new(1)),
        seed: 1,
    };
    Arc::new(Directory::open(parts).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_ends_the_process_although_a_sweep_waits_for_it() {
    let store = Arc::new(FaultyStore::default());
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let metrics = telemetry::install(clock.now()).unwrap();
    let directory = directory(&store, &clock).await;
    let shutdown = Shutdown::default();
    let upkeep = tokio::spawn(run(directory, clock, metrics, shutdown.clone()));
    tokio::time::sleep(SWEEP / 2).await;
    store.hung.store(true, Ordering::Release);
    let ended = tokio::time::timeout(SWEEP * 10, upkeep).await;
    assert_eq!(ended.unwrap().unwrap(), Ended::StoreFailed);
    assert!(shutdown.has_begun());
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
        let mut looks = Box::pin(measure(store.as_ref(), &clock));
        assert!(futures_util::FutureExt::now_or_never(&mut looks).is_none());
    });
    let text = shown.render();
    assert!(text.contains("mesej_journal_backlog 3"), "{text}");
    assert!(text.contains("mesej_journal_oldest_seconds 99"), "{text}");
}
