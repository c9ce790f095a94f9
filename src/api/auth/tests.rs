//! Which keys are let in, and for how long.

use ring::rand::SystemRandom;
use secrecy::ExposeSecret as _;

use super::*;
use crate::config::Config;
use crate::domain::{TestClock, Timestamp};
use crate::mail::inbox::Inbox;
use crate::store::memory::MemoryStore;
use key::NewKey;

/// A ring that knows of one key, which is let in at the clock's time.
struct Rig {
    store: Arc<MemoryStore>,
    clock: Arc<TestClock>,
    ring: KeyRing,
    mine: NewKey,
    key: ApiKey,
}

async fn rig() -> Rig {
    let now = Timestamp::from_secs(1_800_000_000);
    let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(TestClock::at(now)));
    let mine = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
    let key = ApiKey {
        hash: mine.hash,
        id: mine.id.clone(),
        tenant: TenantId::new(1),
        name: "mine".to_owned(),
        scopes: Vec::new(),
        created: now,
        created_by: None,
        revoked: None,
        expires: None,
    };
    store.put_key(key.clone()).await.unwrap();
    let config = Config::from_sources(None, []).unwrap();
    let clock_of_ring: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
    let (mailer, _inbox) = Inbox::open(Arc::clone(&clock_of_ring));
    let accounts = Accounts::new(
        store.clone(),
        Arc::clone(&clock_of_ring),
        config.accounts.clone(),
        mailer,
    );
    let quotas = QuotaCache::by_default(store.clone(), &clock_of_ring);
    let ring = KeyRing::new(
        store.clone(),
        Arc::new(accounts),
        Arc::new(quotas),
        clock_of_ring,
        &config.limits,
    );
    ring.recognise(mine.text.expose_secret()).await.unwrap();
    Rig {
        store,
        clock,
        ring,
        mine,
        key,
    }
}

#[tokio::test]
async fn a_socket_learns_within_half_a_minute_what_another_gateway_revoked() {
    let Rig {
        store,
        clock,
        ring,
        mine,
        key,
    } = rig().await;
    let revoked = Some(key.created);
    store.put_key(ApiKey { revoked, ..key }).await.unwrap();
    let voucher = Voucher {
        key: mine.hash,
        user: None,
    };
    // Its ping comes just before what was looked up is too old, and the next one is the last that is in time.
    let heartbeat = crate::api::ws::SocketOptions::of(&Config::defaults().unwrap()).heartbeat;
    clock.advance(heartbeat - Duration::from_millis(1));
    ring.look_at(voucher).await.unwrap();
    clock.advance(heartbeat);
    let refused = ring.look_at(voucher).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unauthorized);
    assert!(heartbeat * 2 <= FRESH);
}

#[tokio::test]
async fn a_flood_of_invented_keys_keeps_nobody_out_whose_key_is_known() {
    let Rig {
        clock, ring, mine, ..
    } = rig().await;
    clock.advance(FRESH);
    let all = u32::try_from(LOOKUPS).unwrap();
    let _flood = ring.lookups.acquire_many(all).await.unwrap();
    ring.recognise(mine.text.expose_secret()).await.unwrap();
    let invented = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
    let refused = ring.recognise(invented.text.expose_secret()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Busy);
}
