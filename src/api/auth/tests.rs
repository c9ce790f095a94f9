//! Which keys are let in, and for how long.

use ring::rand::SystemRandom;
use secrecy::ExposeSecret as _;

use super::*;
use crate::accounts::{
    Accepting, Actor, Confirmation, Inviting, NewLink, NewToken, Newcomer, Removal, SignInOrigin,
};
use crate::config::Config;
use crate::domain::{TestClock, Timestamp};
use crate::mail::inbox::Inbox;
use crate::store::memory::MemoryStore;
use key::NewKey;

const TENANT: TenantId = TenantId::new(1);

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
        tenant: TENANT,
        name: "mine".to_owned(),
        scopes: Vec::new(),
        created: now,
        created_by: None,
        revoked: None,
        expires: None,
    };
    store.put_key(key.clone()).await.unwrap();
    let (ring, _accounts) = gateway(&store, &clock);
    ring.recognise(mine.text.expose_secret()).await.unwrap();
    Rig {
        store,
        clock,
        ring,
        mine,
        key,
    }
}

/// What a process of its own has over the same store.
fn gateway(store: &Arc<MemoryStore>, clock: &Arc<TestClock>) -> (KeyRing, Arc<Accounts>) {
    let config = Config::from_sources(None, []).unwrap();
    let clock_of_ring: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    let (mailer, _inbox) = Inbox::open(Arc::clone(&clock_of_ring));
    let accounts = Arc::new(Accounts::new(
        store.clone(),
        Arc::clone(&clock_of_ring),
        config.accounts.clone(),
        mailer,
    ));
    let quotas = QuotaCache::by_default(store.clone(), &clock_of_ring);
    let ring = KeyRing::new(
        store.clone(),
        Arc::clone(&accounts),
        Arc::new(quotas),
        clock_of_ring,
        &config.limits,
    );
    (ring, accounts)
}

/// Somebody joins the team by one gateway, and is signed in.
async fn member(accounts: &Accounts) -> SignedIn {
    let new = |id: &str| NewToken {
        id: id.to_owned(),
        hash: KeyHash::of(id),
    };
    let inviting = Inviting {
        tenant: TENANT,
        by: Actor::Operator,
        email: "ana@example.com".parse().unwrap(),
        role: Role::Agent,
        limit: None,
        link: NewLink::of(new("invitation")),
    };
    accounts.invite(inviting).await.unwrap();
    let accepting = Accepting {
        tenant: TENANT,
        token: KeyHash::of("invitation"),
        newcomer: Newcomer::of_age("Ana"),
        password: "kopi tubruk di pasar minggu".into(),
        code: None,
        fresh: UserId::from_bytes([7; 16]),
        session: new("session"),
        origin: SignInOrigin {
            address: None,
            browser: String::new(),
        },
    };
    accounts.accept(accepting).await.unwrap()
}

#[tokio::test]
async fn who_is_removed_on_one_gateway_is_out_within_half_a_minute_on_another() {
    let Rig {
        store,
        clock,
        ring: here,
        ..
    } = rig().await;
    let (there, elsewhere) = gateway(&store, &clock);
    let who = member(&elsewhere).await;
    let voucher = Voucher {
        key: who.token,
        user: Some(who.user),
    };
    let heartbeat = crate::api::ws::SocketOptions::of(&Config::defaults().unwrap()).heartbeat;
    // Of calls and of sockets, whichever looked just before.
    for ring in [&here, &there] {
        ring.look_up(who.token).await.unwrap();
        ring.look_at(voucher).await.unwrap();
    }
    let removal = Removal {
        tenant: TENANT,
        by: Actor::Operator,
        user: who.user,
        assign_to: None,
        confirmed: Confirmation::Shown,
    };
    elsewhere.remove_member(removal).await.unwrap();
    there.forget_user(who.user);
    let unauthorized = |refused: ApiError| assert_eq!(refused.code(), ErrorCode::Unauthorized);
    // The session is of no team any more.
    let nowhere = |refused: ApiError| assert_eq!(refused.code(), ErrorCode::Forbidden);
    nowhere(there.look_up(who.token).await.unwrap_err());
    unauthorized(there.look_at(voucher).await.unwrap_err());
    // Here nobody told of it. A call that reads the session itself knows at once, others by what was looked up.
    let known = here.session(who.token).await.unwrap().unwrap();
    assert_eq!(known.tenant, None);
    clock.advance(heartbeat - Duration::from_millis(1));
    here.look_at(voucher).await.unwrap();
    clock.advance(Duration::from_millis(1));
    unauthorized(here.look_at(voucher).await.unwrap_err());
    // Sockets ask as often, so the last ping that is let through is followed by one that is not, in time.
    assert!(heartbeat * 2 <= FRESH);
    clock.advance(FRESH - heartbeat);
    nowhere(here.look_up(who.token).await.unwrap_err());
}

#[tokio::test]
async fn what_a_call_goes_by_is_looked_up_again_within_half_a_minute_of_a_removal_elsewhere() {
    let Rig {
        store,
        clock,
        ring: here,
        ..
    } = rig().await;
    let (_there, elsewhere) = gateway(&store, &clock);
    let who = member(&elsewhere).await;
    here.look_up(who.token).await.unwrap();
    let removal = Removal {
        tenant: TENANT,
        by: Actor::Operator,
        user: who.user,
        assign_to: None,
        confirmed: Confirmation::Shown,
    };
    elsewhere.remove_member(removal).await.unwrap();
    clock.advance(Duration::from_secs(30));
    let refused = here.look_up(who.token).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Forbidden);
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
