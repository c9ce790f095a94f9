//! Changes of tenants' rows by two gateways at one moment.

use super::*;
use crate::api::error::ErrorCode;
use crate::domain::Clock as _;
use crate::store::plain::PlainTable;
use crate::store::tables::TenantTurn;

/// Another gateway's turn.
async fn taken(api: &Api) -> TenantTurn {
    let turn = TenantTurn {
        by: [7; 16],
        until: api.clock.now().after(Duration::from_secs(10)),
    };
    assert!(
        turns(api)
            .replace(&TenantTurn::at(ONE), None, Some(&turn))
            .await
            .unwrap()
    );
    turn
}

fn turns(api: &Api) -> PlainTable<'_, TenantTurn> {
    PlainTable::of(api.store.as_ref(), api.clock.now())
}

#[actix_web::test]
async fn whoever_changes_a_row_waits_for_another_gateway_and_undoes_nothing_of_it() {
    let api = Api::start().await;
    tokio::time::pause();
    taken(&api).await;
    let mut change = std::pin::pin!(
        api.state
            .change_tenant(ONE, |row| row.region = Some("MY".to_owned()))
    );
    let waited = tokio::time::timeout(Duration::from_secs(1), &mut change).await;
    assert!(waited.is_err(), "the other one is at it");
    let mut row = api.store.tenant(ONE).await.unwrap().unwrap();
    row.name = "Toko Maju".to_owned();
    api.store.put_tenant(row).await.unwrap();
    turns(&api).remove(TenantTurn::at(ONE)).await.unwrap();
    let changed = change.await.unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.region.as_deref()),
        ("Toko Maju", Some("MY"))
    );
    assert_eq!(api.store.tenant(ONE).await.unwrap(), Some(changed));
    assert!(
        turns(&api).get(&TenantTurn::at(ONE)).await.unwrap().is_none(),
        "it is ended"
    );
}

#[actix_web::test]
async fn a_turn_that_nobody_ends_is_waited_for_no_longer_than_it_lasts() {
    let api = Api::start().await;
    tokio::time::pause();
    taken(&api).await;
    let refused = api.state.change_tenant(ONE, |_| ()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Busy);
    api.clock.advance(Duration::from_secs(10));
    let changed = api
        .state
        .change_tenant(ONE, |row| row.name = "Toko Jaya".to_owned())
        .await;
    assert_eq!(changed.unwrap().name, "Toko Jaya");
}
