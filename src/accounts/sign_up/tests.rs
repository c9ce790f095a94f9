//! A sign-up that is stopped anywhere is gone on with, and makes one business.

use std::collections::BTreeSet;

use super::super::stage::{PASSWORD, Stage, email, id, origin};
use super::*;
use crate::domain::TenantId;
use crate::store::Store as _;
use crate::telemetry::labels::MailKind;

const ANA: &str = "ana@example.com";

async fn sign_up(stage: &mut Stage, invitation: Option<KeyHash>) -> Result<KeyHash, AccountError> {
    let link = stage.link("sign-up");
    let token = link.token.hash;
    let asked = SigningUp {
        email: email(ANA),
        name: "Ana K".to_owned(),
        phone: "+62 812 3456 789".parse().unwrap(),
        business: "Toko Maju".to_owned(),
        policy: None,
        invitation,
        link,
        page: Link::new("https://mesej.example.com/#/".to_owned()),
        origin: origin(),
    };
    stage.accounts.sign_up(asked).await?;
    Ok(token)
}

async fn complete(stage: &mut Stage, token: KeyHash, fresh: u8) -> Result<SignedUp, AccountError> {
    stage.clock.advance(Duration::from_secs(60));
    let asked = CompletingSignUp {
        token,
        password: PASSWORD.to_owned().into(),
        fresh: SignUpIds {
            tenant: TenantId::new(u64::from(fresh)),
            user: id(fresh),
        },
        retention: Retention::DEFAULT,
        session: stage.token(),
        origin: origin(),
    };
    stage
        .accounts
        .complete_sign_up(asked, async |_ids: SignUpIds| Ok(()))
        .await
}

#[tokio::test]
async fn a_stop_after_any_write_is_gone_on_from_and_makes_one_business() {
    let mut stops = 0;
    for writes in 0.. {
        let mut stage = Stage::with("sign_up = \"open\"");
        let token = sign_up(&mut stage, None).await.unwrap();
        assert_eq!(stage.inbox.next().await.kind, MailKind::SignUp);
        stage.stop_after(Some(writes));
        let first = complete(&mut stage, token, 1).await;
        stage.stop_after(None);
        let was_whole = first.is_ok();
        let done = match first {
            Ok(done) => done,
            // The link is over once everything is made: then the owner signs in.
            Err(_) => match complete(&mut stage, token, 2).await {
                Err(AccountError::NoSuchLink) => {
                    let who = stage.signed_in(ANA).await.unwrap();
                    let tenant = who.tenant.unwrap().0;
                    let tenant = stage.store.tenant(tenant).await.unwrap().unwrap();
                    SignedUp { who, tenant }
                }
                other => other.unwrap(),
            },
        };
        assert_eq!(done.who.tenant, Some((done.tenant.id, Role::Owner)), "{writes}");
        assert_eq!(done.tenant.name, "Toko Maju");
        let tenants = stage.store.tenants().await.unwrap();
        assert_eq!(tenants.len(), 1, "{writes}");
        let teams = stage.accounts.tenants_of(done.who.user).await.unwrap();
        assert_eq!(teams.len(), 1, "{writes}");
        let user = stage.accounts.profile(done.who.user).await.unwrap();
        assert_eq!(user.phone.unwrap().as_str(), "+628123456789");
        let over = stage.accounts.signing_up(token).await;
        assert!(matches!(over, Err(AccountError::NoSuchLink)), "{writes}");
        if was_whole {
            break;
        }
        stops += 1;
    }
    assert!(stops >= 8, "{stops}");
}

#[tokio::test]
async fn whoever_goes_on_needs_the_password_of_the_first_try() {
    let mut stage = Stage::with("sign_up = \"open\"");
    let token = sign_up(&mut stage, None).await.unwrap();
    stage.inbox.next().await;
    // The ids, the address and the user are written.
    stage.stop_after(Some(3));
    complete(&mut stage, token, 1).await.unwrap_err();
    stage.stop_after(None);
    let other = CompletingSignUp {
        token,
        password: "rendang daging tok wan".to_owned().into(),
        fresh: SignUpIds {
            tenant: TenantId::new(2),
            user: id(2),
        },
        retention: Retention::DEFAULT,
        session: stage.token(),
        origin: origin(),
    };
    let refused: Result<SignedUp, AccountError> = stage
        .accounts
        .complete_sign_up(other, async |_ids: SignUpIds| Ok(()))
        .await;
    assert!(
        matches!(refused, Err(AccountError::WrongCredentials)),
        "{refused:?}"
    );
    assert!(stage.accounts.tenants_of(id(1)).await.unwrap().is_empty());
    assert_eq!(complete(&mut stage, token, 3).await.unwrap().who.user, id(1));
}

#[tokio::test]
async fn of_two_who_use_one_invitation_one_signs_up() {
    let mut stage = Stage::with("sign_up = \"invitation\"");
    let refused = sign_up(&mut stage, None).await;
    assert!(
        matches!(refused, Err(AccountError::InvitationNeeded)),
        "{refused:?}"
    );
    let invitation = stage.link("sign-up-invitation");
    let hash = invitation.token.hash;
    let invited = stage.accounts.invite_business(None, invitation).await.unwrap();
    assert_eq!(invited.mail, Handed::Back);
    let mut tokens = Vec::new();
    for address in [ANA, "ben@example.com"] {
        let token = sign_up_as(&mut stage, address, hash).await.unwrap();
        assert_eq!(stage.inbox.next().await.to, address);
        tokens.push(token);
    }
    assert!(complete(&mut stage, tokens[0], 1).await.is_ok());
    let late = complete(&mut stage, tokens[1], 2).await;
    assert!(matches!(late, Err(AccountError::NoSuchLink)), "{late:?}");
    let third = sign_up_as(&mut stage, "cici@example.com", hash).await;
    assert!(matches!(third, Err(AccountError::NoSuchLink)), "{third:?}");
    assert_eq!(stage.store.tenants().await.unwrap().len(), 1);
}

async fn sign_up_as(stage: &mut Stage, address: &str, invitation: KeyHash) -> Result<KeyHash, AccountError> {
    let link = stage.link("sign-up");
    let token = link.token.hash;
    let asked = SigningUp {
        email: email(address),
        name: "Somebody".to_owned(),
        phone: "+62 812 3456 789".parse().unwrap(),
        business: "Toko".to_owned(),
        policy: None,
        invitation: Some(invitation),
        link,
        page: Link::new("https://mesej.example.com/#/".to_owned()),
        origin: origin(),
    };
    stage.accounts.sign_up(asked).await?;
    Ok(token)
}

#[tokio::test]
async fn an_invitation_for_one_address_admits_no_other() {
    let mut stage = Stage::with("sign_up = \"invitation\"");
    let invitation = stage.link("sign-up-invitation");
    let hash = invitation.token.hash;
    let invited = stage
        .accounts
        .invite_business(Some(email("ben@example.com")), invitation)
        .await;
    assert_eq!(invited.unwrap().mail, Handed::Over);
    assert_eq!(stage.inbox.next().await.kind, MailKind::SignUpInvitation);
    let refused = sign_up(&mut stage, Some(hash)).await;
    assert!(matches!(refused, Err(AccountError::NoSuchLink)), "{refused:?}");
    assert!(sign_up_as(&mut stage, "ben@example.com", hash).await.is_ok());
}

#[tokio::test]
async fn a_network_has_few_of_the_sign_ups_that_may_wait() {
    let mut stage = Stage::with("sign_up = \"open\"");
    let mut outcomes = BTreeSet::new();
    for count in 0..6 {
        let admitted = sign_up(&mut stage, None).await;
        outcomes.insert((count, admitted.is_ok()));
        if let Err(error) = admitted {
            assert!(matches!(error, AccountError::TooManyRequests(_)), "{error}");
        }
    }
    assert_eq!(outcomes.iter().filter(|(_, is_admitted)| *is_admitted).count(), 5);
    stage.clock.advance(Duration::from_secs(3_600));
    assert!(sign_up(&mut stage, None).await.is_ok());
}

/// A sign-up that waits, from an address.
fn waiting(stage: &Stage, address: &str) -> SignUp {
    SignUp {
        email: email(ANA),
        name: "Ana".to_owned(),
        phone: "+62 812 3456 789".parse().unwrap(),
        business: "Toko".to_owned(),
        policy: None,
        invitation: None,
        network: Some(WideNetwork::of(address.parse().unwrap())),
        expires: stage.clock_now().after(LASTS),
        ids: None,
    }
}

async fn put(stage: &mut Stage, address: &str, ids: Option<SignUpIds>) -> KeyHash {
    let row = SignUp {
        ids,
        ..waiting(stage, address)
    };
    let token = stage.token().hash;
    let key = SignUp::at(token);
    let put = stage.accounts.table().replace(&key, None, Some(&row)).await;
    assert!(put.unwrap());
    token
}

async fn ask(stage: &mut Stage, row: SignUp) -> Result<(), AccountError> {
    // The pace of mails to one address is not what is looked at.
    stage.clock.advance(Duration::from_secs(1));
    let address = format!("somebody-{}@example.com", stage.clock_now().as_secs());
    let row = SignUp {
        email: email(&address),
        ..row
    };
    let link = stage.link("sign-up");
    let page = Link::new("https://mesej.example.com/#/".to_owned());
    stage.accounts.mail_sign_up(row, link, page).await
}

#[tokio::test]
async fn sign_ups_that_wait_are_bounded_in_all_and_end() {
    let mut stage = Stage::with("sign_up = \"open\"");
    for network in 0..MOST_SIGN_UPS {
        let address = format!("10.{}.{}.1", network / 256, network % 256);
        put(&mut stage, &address, None).await;
    }
    let row = waiting(&stage, "192.0.2.1");
    let full = ask(&mut stage, row.clone()).await;
    assert!(
        matches!(full, Err(AccountError::TooMany(MOST_SIGN_UPS))),
        "{full:?}"
    );
    assert!(stage.inbox.is_empty());
    // A day later they are over.
    stage.clock.advance(LASTS);
    let row = waiting(&stage, "192.0.2.1");
    ask(&mut stage, row).await.unwrap();
    assert_eq!(stage.inbox.next().await.kind, MailKind::SignUp);
}

#[tokio::test]
async fn a_provider_s_customer_with_many_networks_has_few_of_those_that_wait() {
    let mut stage = Stage::with("sign_up = \"open\"");
    for network in 0..MOST_OF_NETWORK {
        let row = waiting(&stage, &format!("2001:db8:1:{network:x}::1"));
        ask(&mut stage, row).await.unwrap();
    }
    let row = waiting(&stage, "2001:db8:1:ffff::1");
    let full = ask(&mut stage, row).await;
    assert!(
        matches!(full, Err(AccountError::TooMany(MOST_OF_NETWORK))),
        "{full:?}"
    );
    let row = waiting(&stage, "2001:db8:2::1");
    ask(&mut stage, row).await.unwrap();
}

#[tokio::test]
async fn who_fills_all_that_may_wait_from_many_networks_shuts_nobody_out() {
    let mut stage = Stage::with("sign_up = \"open\"");
    let crowd = "198.51.100.1";
    let first = put(&mut stage, crowd, None).await;
    stage.clock.advance(Duration::from_secs(1));
    let second = put(&mut stage, crowd, None).await;
    for network in 2..MOST_SIGN_UPS {
        let address = format!("10.{}.{}.1", network / 256, network % 256);
        put(&mut stage, &address, None).await;
    }
    let row = waiting(&stage, "192.0.2.1");
    ask(&mut stage, row.clone()).await.unwrap();
    assert_eq!(stage.inbox.next().await.kind, MailKind::SignUp);
    // The oldest of the network that had two.
    let gone = stage.accounts.signing_up(first).await;
    assert!(matches!(gone, Err(AccountError::NoSuchLink)));
    stage.accounts.signing_up(second).await.unwrap();
    assert_eq!(stage.accounts.all_sign_ups().await.unwrap().len(), MOST_SIGN_UPS);
    // Now each has one: nobody gives way.
    let full = ask(&mut stage, row).await;
    assert!(
        matches!(full, Err(AccountError::TooMany(MOST_SIGN_UPS))),
        "{full:?}"
    );
}

#[tokio::test]
async fn a_sign_up_that_has_begun_to_make_an_account_does_not_give_way() {
    let mut stage = Stage::with("sign_up = \"open\"");
    let ids = Some(SignUpIds {
        tenant: TenantId::new(1),
        user: id(1),
    });
    for _ in 0..2 {
        put(&mut stage, "198.51.100.1", ids).await;
    }
    for network in 2..MOST_SIGN_UPS {
        let address = format!("10.{}.{}.1", network / 256, network % 256);
        put(&mut stage, &address, None).await;
    }
    let row = waiting(&stage, "192.0.2.1");
    let full = ask(&mut stage, row).await;
    assert!(
        matches!(full, Err(AccountError::TooMany(MOST_SIGN_UPS))),
        "{full:?}"
    );
}

#[tokio::test]
async fn who_may_sign_up_is_asked_again_at_the_end() {
    for (mode, is_refused) in [("closed", true), ("invitation", true), ("open", false)] {
        let mut stage = Stage::with("sign_up = \"open\"");
        let token = sign_up(&mut stage, None).await.unwrap();
        assert_eq!(stage.inbox.next().await.kind, MailKind::SignUp);
        stage.restart(&format!("sign_up = \"{mode}\""));
        let done = complete(&mut stage, token, 1).await;
        assert_eq!(done.is_err(), is_refused, "{mode}: {done:?}");
        match (mode, done) {
            ("closed", Err(AccountError::SignUpClosed))
            | ("invitation", Err(AccountError::InvitationNeeded))
            | ("open", Ok(_)) => {}
            (_, other) => panic!("{mode}: {other:?}"),
        }
        let made = usize::from(!is_refused);
        assert_eq!(stage.store.tenants().await.unwrap().len(), made, "{mode}");
    }
}
