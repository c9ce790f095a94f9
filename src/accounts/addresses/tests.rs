//! Addresses change hands in steps, and whoever is stopped between two locks nobody out.

use std::time::Duration;

use super::super::stage::{PASSWORD, Stage, email, id, origin};
use super::super::{NewUser, Proof};
use super::*;
use crate::store::tables::{USER, USER_EMAIL};
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
    // The address that the account has hears of it while it can be prevented.
    let mail = stage.inbox.next().await;
    assert_eq!((mail.to.as_str(), mail.kind), (OLD, MailKind::EmailChangeAsked));
    assert!(
        mail.text.contains("change your password") && !mail.text.contains("://"),
        "{}",
        mail.text
    );
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
    let mail = stage.inbox.next().await;
    assert_eq!((mail.to.as_str(), mail.kind), (OLD, MailKind::EmailChangeAsked));
    // Nobody has this link, and it takes the address from nobody.
    let taken = confirm(&stage, token).await;
    assert!(matches!(taken, Err(AccountError::AddressTaken)), "{taken:?}");
    let same = asked_for(&mut stage, &who, OLD).await;
    assert!(matches!(same, Err(AccountError::SameAddress)), "{same:?}");
}

/// Somebody makes an account with the new address, in a task of its own.
fn makes_account(stage: &Stage, number: u8) -> tokio::task::JoinHandle<Result<User, AccountError>> {
    let accounts = std::sync::Arc::clone(&stage.accounts);
    tokio::spawn(async move {
        let new = NewUser {
            email: email(NEW),
            name: "Somebody".to_owned(),
            phone: None,
            policy: None,
        };
        accounts
            .make_user(new, PASSWORD.to_owned().into(), id(number))
            .await
    })
}

/// An address of which a row is left that leads to nobody.
async fn left_over() -> Stage {
    let stage = Stage::with("");
    stage
        .accounts
        .claim_address(&email(NEW), id(9), None)
        .await
        .unwrap();
    stage
}

async fn owner(stage: &Stage) -> Option<UserId> {
    stage.accounts.user_at(&email(NEW)).await.unwrap()
}

#[tokio::test]
async fn who_loses_the_race_for_an_address_that_leads_to_nobody_is_told_that_it_is_taken() {
    let stage = left_over().await;
    let pause = stage.store.pause(USER_EMAIL.name);
    let first = makes_account(&stage, 1);
    pause.arrived().await;
    makes_account(&stage, 2).await.unwrap().unwrap();
    pause.go_on();
    let late = first.await.unwrap();
    assert!(matches!(late, Err(AccountError::AddressTaken)), "{late:?}");
    assert_eq!(owner(&stage).await, Some(id(2)));
    assert!(stage.accounts.user(id(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn who_is_overtaken_between_the_claim_and_the_account_makes_none() {
    let stage = Stage::with("");
    let pause = stage.store.pause(USER.name);
    let first = makes_account(&stage, 1);
    pause.arrived().await;
    makes_account(&stage, 2).await.unwrap().unwrap();
    pause.go_on();
    let late = first.await.unwrap();
    assert!(matches!(late, Err(AccountError::Busy)), "{late:?}");
    assert_eq!(owner(&stage).await, Some(id(2)));
    assert!(stage.accounts.user(id(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn who_overtakes_an_account_that_was_made_meanwhile_gives_the_address_back() {
    let stage = Stage::with("");
    let account = stage.store.pause(USER.name);
    let first = makes_account(&stage, 1);
    account.arrived().await;
    let claim = stage.store.pause(USER_EMAIL.name);
    let second = makes_account(&stage, 2);
    claim.arrived().await;
    account.go_on();
    first.await.unwrap().unwrap();
    claim.go_on();
    let late = second.await.unwrap();
    assert!(matches!(late, Err(AccountError::AddressTaken)), "{late:?}");
    assert_eq!(owner(&stage).await, Some(id(1)));
}

#[tokio::test]
async fn a_new_password_ends_a_change_of_address_that_was_asked_for() {
    const OTHER: &str = "rendang daging tok wan";
    for by_link in [false, true] {
        let mut stage = Stage::with("");
        stage.user(OLD, 1).await;
        let who = stage.signed_in(OLD).await.unwrap();
        let token = asked_for(&mut stage, &who, NEW).await.unwrap();
        if by_link {
            let link = stage.link("password");
            let reset = link.token.hash;
            stage.accounts.offer_reset(&email(OLD), link).await.unwrap();
            let from = origin();
            let set = stage.accounts.reset_password(reset, OTHER.into(), &from);
            set.await.unwrap();
        } else {
            stage.clock.advance(Duration::from_secs(120));
            let session = stage.token();
            let current = Proof {
                password: PASSWORD.into(),
                code: None,
                origin: origin(),
            };
            let changed = stage
                .accounts
                .change_password(&who, current, OTHER.into(), session);
            changed.await.unwrap();
        }
        let late = confirm(&stage, token).await;
        assert!(
            matches!(late, Err(AccountError::NoSuchLink)),
            "{by_link}: {late:?}"
        );
        assert_eq!(
            stage.accounts.user(id(1)).await.unwrap().unwrap().email,
            email(OLD)
        );
    }
}
