//! Addresses change hands in steps, and whoever is stopped between two locks nobody out.

use std::time::Duration;

use super::super::stage::{PASSWORD, Stage, email, id, origin};
use super::*;
use crate::telemetry::labels::MailKind;

const OLD: &str = "ana@example.com";
const NEW: &str = "ana@example.org";

async fn confirm(stage: &Stage, token: KeyHash) -> Result<User, AccountError> {
    stage
        .accounts
        .confirm_email(token, async |_user: UserId| Ok(()))
        .await
}

async fn asked_for(stage: &mut Stage, who: &SignedIn, address: &str) -> Result<KeyHash, AccountError> {
    stage.clock.advance(Duration::from_secs(3_600));
    let link = stage.link("email");
    let token = link.token.hash;
    let asked = ChangingEmail {
        code: None,
        email: email(address),
        password: PASSWORD.to_owned().into(),
        link,
        page: Link::new("https://mesej.example.com/#/".to_owned()),
        origin: origin(),
    };
    stage.accounts.change_email(who, asked).await.map(|()| token)
}

/// Which of both addresses signs in.
async fn signs_in(stage: &mut Stage) -> [bool; 2] {
    [
        stage.signed_in(OLD).await.is_ok(),
        stage.signed_in(NEW).await.is_ok(),
    ]
}

#[tokio::test]
async fn an_address_changes_by_the_link_that_it_got_and_the_old_one_hears_of_it() {
    let mut stage = Stage::with("");
    stage.user(OLD, 1).await;
    let who = stage.signed_in(OLD).await.unwrap();
    let token = asked_for(&mut stage, &who, NEW).await.unwrap();
    let mail = stage.inbox.next().await;
    assert_eq!((mail.to.as_str(), mail.kind), (NEW, MailKind::ConfirmEmail));
    assert_eq!(signs_in(&mut stage).await, [true, false]);
    let user = confirm(&stage, token).await.unwrap();
    assert_eq!((user.id, user.email), (id(1), email(NEW)));
    let mail = stage.inbox.next().await;
    assert_eq!((mail.to.as_str(), mail.kind), (OLD, MailKind::EmailChanged));
    assert_eq!(signs_in(&mut stage).await, [false, true]);
    let again = confirm(&stage, token).await;
    assert!(matches!(again, Err(AccountError::NoSuchLink)), "{again:?}");
    // The old one is free, and may be had back.
    assert_eq!(stage.user(OLD, 2).await.id, id(2));
}

#[tokio::test]
async fn a_stop_between_any_two_steps_locks_nobody_out_and_is_gone_on_from() {
    // The claim, the user's row, the old address, the link.
    for writes in 0..4 {
        let mut stage = Stage::with("");
        stage.user(OLD, 1).await;
        let who = stage.signed_in(OLD).await.unwrap();
        let token = asked_for(&mut stage, &who, NEW).await.unwrap();
        stage.stop_after(Some(writes));
        assert!(confirm(&stage, token).await.is_err(), "{writes}");
        stage.stop_after(None);
        let is_changed = writes >= 2;
        assert_eq!(signs_in(&mut stage).await, [!is_changed, is_changed], "{writes}");
        // Nobody else gets the new address meanwhile.
        let taken = stage.accounts.claim_address(&email(NEW), id(2), None).await;
        if writes > 0 {
            assert!(
                matches!(taken, Err(AccountError::AddressTaken)),
                "{writes}: {taken:?}"
            );
        } else {
            taken.unwrap();
            continue;
        }
        let again = confirm(&stage, token).await;
        assert_eq!(again.is_ok(), !is_changed, "{writes}: {again:?}");
        assert_eq!(signs_in(&mut stage).await, [false, true], "{writes}");
        // The old one is free, whether or not its row was removed.
        assert_eq!(stage.user(OLD, 3).await.id, id(3), "{writes}");
        assert_eq!(signs_in(&mut stage).await, [true, true], "{writes}");
    }
}

#[tokio::test]
async fn an_address_that_was_claimed_and_never_confirmed_is_free_when_the_link_is_over() {
    let mut stage = Stage::with("");
    stage.user(OLD, 1).await;
    let who = stage.signed_in(OLD).await.unwrap();
    let token = asked_for(&mut stage, &who, NEW).await.unwrap();
    stage.stop_after(Some(1));
    confirm(&stage, token).await.unwrap_err();
    stage.stop_after(None);
    stage.clock.advance(Duration::from_secs(3_600));
    assert_eq!(stage.user(NEW, 2).await.id, id(2));
    let late = confirm(&stage, token).await;
    assert!(matches!(late, Err(AccountError::NoSuchLink)), "{late:?}");
    assert_eq!(signs_in(&mut stage).await, [true, true]);
}

#[tokio::test]
async fn of_two_users_who_confirm_one_address_one_gets_it() {
    let mut stage = Stage::with("");
    stage.user(OLD, 1).await;
    stage.user("ben@example.com", 2).await;
    let ana = stage.signed_in(OLD).await.unwrap();
    let ben = stage.signed_in("ben@example.com").await.unwrap();
    let one = asked_for(&mut stage, &ana, NEW).await.unwrap();
    stage.clock.advance(Duration::from_secs(60));
    let link = stage.link("email");
    let other = link.token.hash;
    let asked = ChangingEmail {
        code: None,
        email: email(NEW),
        password: PASSWORD.to_owned().into(),
        link,
        page: Link::new("https://mesej.example.com/#/".to_owned()),
        origin: origin(),
    };
    stage.accounts.change_email(&ben, asked).await.unwrap();
    assert_eq!(confirm(&stage, other).await.unwrap().id, id(2));
    let late = confirm(&stage, one).await;
    assert!(matches!(late, Err(AccountError::AddressTaken)), "{late:?}");
    assert_eq!(stage.signed_in(NEW).await.unwrap().user, id(2));
    assert_eq!(stage.signed_in(OLD).await.unwrap().user, id(1));
}

#[tokio::test]
async fn an_address_that_somebody_has_is_told_and_the_answer_tells_nothing() {
    let mut stage = Stage::with("");
    stage.user(OLD, 1).await;
    stage.user(NEW, 2).await;
    let who = stage.signed_in(OLD).await.unwrap();
    let token = asked_for(&mut stage, &who, NEW).await.unwrap();
    let mail = stage.inbox.next().await;
    assert_eq!((mail.to.as_str(), mail.kind), (NEW, MailKind::HasAccount));
    // Nobody has this link, and it takes the address from nobody.
    let taken = confirm(&stage, token).await;
    assert!(matches!(taken, Err(AccountError::AddressTaken)), "{taken:?}");
    let same = asked_for(&mut stage, &who, OLD).await;
    assert!(matches!(same, Err(AccountError::SameAddress)), "{same:?}");
}
