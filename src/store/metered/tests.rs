use super::*;
use crate::store::memory::MemoryStore;

#[tokio::test]
async fn a_measured_store_answers_as_the_one_below() {
    let below = Arc::new(MemoryStore::new());
    let store = Metered::new(below.clone());
    let fence = store.lease(TenantId::new(1)).await.unwrap();
    store
        .open_tenant(TenantId::new(1), fence, Epoch::new(5))
        .await
        .unwrap();
    let stale = store
        .open_tenant(TenantId::new(1), Fence::new(0), Epoch::new(5))
        .await;
    assert_eq!(stale.unwrap_err().kind, StoreErrorKind::Fenced);
    let again = below
        .open_tenant(TenantId::new(1), fence, Epoch::new(6))
        .await
        .unwrap();
    assert_eq!(again.epoch, Epoch::new(5));
}

#[test]
fn refusals_that_callers_expect_are_told_from_a_store_that_is_down() {
    let of = |kind| outcome::<()>(&Err(StoreError::new(kind, "")));
    assert_eq!(outcome(&Ok(())), StoreOutcome::Ok);
    assert_eq!(of(StoreErrorKind::Fenced), StoreOutcome::Refused);
    assert_eq!(of(StoreErrorKind::Full), StoreOutcome::Unavailable);
    assert_eq!(of(StoreErrorKind::Unknown), StoreOutcome::Unknown);
    assert_eq!(of(StoreErrorKind::Corrupt), StoreOutcome::Corrupt);
}

#[test]
fn a_call_is_recorded_under_its_name_and_outcome() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    ::metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let store = Metered::new(Arc::new(MemoryStore::new()));
            store.tenants().await.unwrap();
            let nobody = store.claim(TenantId::new(1), Fence::new(1), Vec::new(), Timestamp::default());
            assert!(nobody.await.is_err());
        });
    });
    let text = handle.render();
    for line in [
        r#"_count{op="read",outcome="ok"} 1"#,
        r#"_count{op="claim",outcome="refused"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}
