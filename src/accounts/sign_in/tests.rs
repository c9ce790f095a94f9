//! Whoever tries many passwords keeps nobody out where that person is known.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::super::stage::{PASSWORD, Stage, email, origin};
use super::*;

const ANA: &str = "ana@example.com";
/// From where Ana signs in.
const HOME: &str = "192.0.2.7";

async fn sign_in(stage: &mut Stage, from: &str, password: &str) -> Result<SignedIn, AccountError> {
    let asked = SigningIn {
        email: email(ANA),
        password: password.to_owned().into(),
        code: None,
        tenant: None,
        token: stage.token(),
        origin: SignInOrigin {
            address: Some(from.parse().unwrap()),
            ..origin()
        },
    };
    stage.accounts.sign_in(asked).await
}

/// Wrong passwords from as many networks as there may be.
fn besiege(stage: &Stage) {
    let (throttle, now) = (&stage.accounts.throttle, stage.accounts.clock.monotonic());
    let networks = (0..200_u128).map(|n| Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (n << 64)));
    for address in networks.map(IpAddr::V6) {
        if throttle.admit(email(ANA).key(), address, now).is_ok() {
            throttle.failed(email(ANA).key(), address, now);
        }
    }
}

async fn is_shut(stage: &mut Stage, from: &str, password: &str) -> bool {
    matches!(
        sign_in(stage, from, password).await,
        Err(AccountError::Throttled(_))
    )
}

#[tokio::test]
async fn nobody_is_kept_out_where_an_earlier_process_let_that_person_in() {
    let mut stage = Stage::with("");
    stage.user(ANA, 1).await;
    sign_in(&mut stage, HOME, PASSWORD).await.unwrap();
    let unwritten = stage.accounts.sign_ins_written(Duration::from_secs(10)).await;
    assert_eq!(unwritten, 0);
    stage.restart("");
    besiege(&stage);
    assert!(is_shut(&mut stage, "198.51.100.9", PASSWORD).await);
    sign_in(&mut stage, HOME, PASSWORD).await.unwrap();
    // Others are where they were.
    assert!(is_shut(&mut stage, "198.51.100.9", PASSWORD).await);
}

#[tokio::test]
async fn a_new_password_by_a_mailed_link_opens_an_account_that_others_shut() {
    const OTHER: &str = "rendang daging tok wan";
    const PHONE: &str = "198.51.100.9";
    let mut stage = Stage::with("");
    stage.user(ANA, 1).await;
    besiege(&stage);
    assert!(is_shut(&mut stage, PHONE, PASSWORD).await);
    let link = stage.link("password");
    let token = link.token.hash;
    stage.accounts.offer_reset(&email(ANA), link).await.unwrap();
    let from = SignInOrigin {
        address: Some(PHONE.parse().unwrap()),
        ..origin()
    };
    let reset = stage.accounts.reset_password(token, OTHER.into(), &from);
    reset.await.unwrap();
    // Also when they go on.
    besiege(&stage);
    sign_in(&mut stage, PHONE, OTHER).await.unwrap();
    assert!(is_shut(&mut stage, "203.0.113.1", OTHER).await);
}
