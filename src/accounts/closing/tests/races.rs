//! What others do while an account is erased, or while somebody joins a team.

use super::*;
use crate::accounts::sessions::OpenedBy;
use crate::store::tables::{Leaving, SessionOfUser, SignInEvent, SignInResult, TEAM, UserEmail};

async fn teams_of(rig: &Rig, user: UserId) -> Vec<TenantId> {
    let teams = rig.accounts.tenants_of(user).await.unwrap();
    teams.into_iter().map(|(tenant, _)| tenant).collect()
}

async fn remove(rig: &Rig, tenant: TenantId, user: UserId) {
    let removal = Removal {
        tenant,
        by: Actor::Operator,
        user,
        assign_to: None,
        confirmed: Confirmation::Missing,
    };
    rig.accounts.remove_member(removal).await.unwrap();
}

#[tokio::test]
async fn who_gets_the_address_of_an_account_that_is_half_erased_keeps_it() {
    let mut cut_off_in_between = 0;
    for writes in 0..40 {
        let rig = Rig::new().await;
        let ana = rig.fill().await;
        let address: EmailAddress = "ana@example.com".parse().unwrap();
        *rig.store.plain_writes_left.lock().unwrap() = Some(writes);
        let erased = rig.accounts.erase_user(ana.user).await;
        *rig.store.plain_writes_left.lock().unwrap() = None;
        rig.clock.advance(Duration::from_secs(1));
        let key = UserEmail::at(&address);
        let claim = rig.accounts.table::<UserEmail>().get(&key);
        let is_free = claim.await.unwrap().is_none();
        let is_half_erased = rig.accounts.user(ana.user).await.unwrap().is_some();
        if erased.is_err() && is_free && is_half_erased {
            cut_off_in_between += 1;
            rig.join(OTHER, "ana@example.com", Role::Agent, user(9)).await;
            rig.invite(ONE, "ana@example.com", Role::Agent).await;
            rig.finish_erasures().await;
            let claim = rig.accounts.table::<UserEmail>().get(&key);
            assert_eq!(claim.await.unwrap().unwrap().row.user, user(9), "{writes}");
            rig.sign_in("ana@example.com").await.unwrap();
            assert_eq!(rig.accounts.invitations(ONE).await.unwrap().len(), 1, "{writes}");
            assert!(rig.accounts.user(ana.user).await.unwrap().is_none());
        }
    }
    assert!(cut_off_in_between > 0);
}

#[tokio::test]
async fn what_is_written_while_the_last_row_goes_is_removed_later() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let before = rig.accounts.user(ana.user).await.unwrap().unwrap();
    rig.accounts.erase_user(ana.user).await.unwrap();
    // A sign-in that had read the row is refused, and leaves nothing.
    let from = origin(BROWSER);
    let late = rig
        .accounts
        .open_session(&before, None, token("late"), &from, NOW, OpenedBy::Password);
    assert!(matches!(late.await, Err(AccountError::WrongCredentials)));
    assert_eq!(
        rig.left_of_ana().await,
        BTreeSet::from(["leaving", "team", "user_erasure"])
    );
    // One that is killed in the middle, a refusal that was being noted, and a membership.
    let hash = KeyHash::of("killed");
    let session = Session {
        id: "killed".to_owned(),
        user: ana.user,
        tenant: None,
        member_since: None,
        provider_since: None,
        generation: 0,
        created: NOW,
        used: NOW,
        idle_until: NOW.after(Duration::from_hours(1)),
        ends: NOW.after(Duration::from_hours(1)),
        browser: BROWSER.to_owned(),
        address: None,
    };
    let listed = SessionOfUser {
        listed: NOW,
        ends: session.ends,
    };
    let event = SignInEvent {
        at: NOW,
        outcome: SignInResult::WrongPassword,
        address: None,
        browser: BROWSER.to_owned(),
        is_new_device: false,
        expires: session.ends,
    };
    let accounts = &rig.accounts;
    let (table, key) = (accounts.table(), SessionOfUser::at(ana.user, hash));
    assert!(table.replace(&key, None, Some(&listed)).await.unwrap());
    let (table, key) = (accounts.table(), Session::at(hash));
    assert!(table.replace(&key, None, Some(&session)).await.unwrap());
    let (table, key) = (accounts.table(), SignInEvent::at(ana.user, NOW, 0));
    assert!(table.replace(&key, None, Some(&event)).await.unwrap());
    let (table, key) = (accounts.table(), Membership::at(ana.user, OTHER));
    let membership = Membership { tenant: OTHER };
    assert!(table.replace(&key, None, Some(&membership)).await.unwrap());
    rig.finish_erasures().await;
    assert_eq!(rig.left_of_ana().await, BTreeSet::from(["leaving", "team"]));
    assert!(
        !rig.rows()
            .await
            .iter()
            .any(|(table, text)| { *table == "session" && text.contains("killed") })
    );
}

#[tokio::test]
async fn nobody_whose_account_is_erased_gets_into_a_team() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let add = || {
        rig.accounts
            .add_member(OTHER, Actor::Operator, ana.user, (Role::Owner, None))
    };
    rig.accounts.lock(ana.user).await.unwrap();
    assert!(matches!(add().await, Err(AccountError::NoSuchLink)));
    assert_eq!(teams_of(&rig, ana.user).await, [ONE]);
    rig.accounts.erase_user(ana.user).await.unwrap();
    assert!(matches!(add().await, Err(AccountError::NoSuchLink)));
    assert_eq!(rig.accounts.members_of(OTHER).await.unwrap(), 0);
    assert!(rig.accounts.former_members(OTHER).await.unwrap().is_empty());
    rig.finish_erasures().await;
    assert_eq!(rig.left_of_ana().await, BTreeSet::from(["leaving", "team"]));
}

#[tokio::test]
async fn an_erasure_that_is_refused_leaves_the_account_in_all_teams() {
    let rig = Rig::new().await;
    rig.fill().await;
    let cem = rig.join(ONE, "cem@example.com", Role::Agent, user(3)).await;
    rig.join(OTHER, "cem@example.com", Role::Owner, user(3)).await;
    let row = UserErasure {
        user: cem.user,
        begun: NOW,
        gone: None,
    };
    // It was looked at the teams before the other owner left.
    let (table, key) = (rig.accounts.table(), UserErasure::at(cem.user));
    assert!(table.replace(&key, None, Some(&row)).await.unwrap());
    let refused = rig.accounts.go_on_erasing(cem.user).await;
    assert!(matches!(refused, Err(AccountError::LastOwner)));
    assert_eq!(teams_of(&rig, cem.user).await, [ONE, OTHER]);
    // Once the account is locked it is too late for that.
    rig.accounts.lock(cem.user).await.unwrap();
    rig.accounts.go_on_erasing(cem.user).await.unwrap();
    assert_eq!(rig.accounts.members_of(OTHER).await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_is_taken_back_is_what_the_team_knew_before() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let add = async |user| {
        let added = rig
            .accounts
            .add_member(ONE, Actor::Operator, user, (Role::Agent, None));
        added.await.unwrap()
    };
    remove(
        &rig,
        OTHER,
        rig.join(OTHER, "x@example.com", Role::Agent, user(8)).await.user,
    )
    .await;
    // A stranger.
    let added = add(user(8)).await;
    rig.accounts.take_back(ONE, user(8), added.former).await.unwrap();
    assert!(rig.accounts.former_members(ONE).await.unwrap().is_empty());
    assert!(teams_of(&rig, user(8)).await.is_empty());
    // Somebody who left, and whose conversations are being handed over.
    let demoted = rig
        .accounts
        .set_role(ONE, Actor::Operator, ana.user, Role::Agent, Confirmation::Shown);
    demoted.await.unwrap();
    remove(&rig, ONE, ana.user).await;
    let former = rig.accounts.former_members(ONE).await.unwrap();
    let added = add(ana.user).await;
    let key = Leaving::at(ONE, ana.user);
    rig.accounts.table::<Leaving>().remove(key.clone()).await.unwrap();
    rig.accounts.take_back(ONE, ana.user, added.former).await.unwrap();
    assert!(rig.accounts.former_members(ONE).await.unwrap() == former);
    let listed = rig.accounts.table::<Leaving>().get(&key).await.unwrap();
    assert!(listed.is_some());
}

#[tokio::test]
async fn a_session_from_before_somebody_left_does_not_come_back_with_the_member() {
    let rig = Rig::new().await;
    rig.join(ONE, "ben@example.com", Role::Owner, user(2)).await;
    let cem = rig.join(ONE, "cem@example.com", Role::Agent, user(3)).await;
    remove(&rig, ONE, cem.user).await;
    // Whoever removed the member was stopped before the sessions ended.
    rig.clock.advance(Duration::from_secs(1));
    let added = rig
        .accounts
        .add_member(ONE, Actor::Operator, cem.user, (Role::Admin, None));
    assert!(added.await.unwrap().is_new);
    let before = rig
        .accounts
        .session(cem.token, super::super::super::Asking::Looks);
    assert_eq!(before.await.unwrap().unwrap().tenant, None);
    let now = rig.sign_in("cem@example.com").await.unwrap();
    assert_eq!(now.tenant, Some((ONE, Role::Admin)));
}

#[tokio::test]
async fn who_is_an_owner_changes_only_with_the_password() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let (ben, by) = (user(2), Actor::Member(ana.user));
    let missing = |done: Result<Role, AccountError>| {
        assert!(matches!(done, Err(AccountError::PasswordRequired)), "{done:?}");
    };
    let role = |user, role, confirmed| rig.accounts.set_role(ONE, by, user, role, confirmed);
    missing(role(ben, Role::Agent, Confirmation::Missing).await);
    let removal = |confirmed| Removal {
        tenant: ONE,
        by,
        user: ben,
        assign_to: None,
        confirmed,
    };
    let removed = rig.accounts.remove_member(removal(Confirmation::Missing)).await;
    missing(removed.map(|()| Role::Owner));
    let before = role(ben, Role::Agent, Confirmation::Shown).await.unwrap();
    assert_eq!(before, Role::Owner);
    missing(role(ben, Role::Owner, Confirmation::Missing).await);
    role(ben, Role::Admin, Confirmation::Missing).await.unwrap();
    rig.accounts
        .remove_member(removal(Confirmation::Missing))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_those_who_left_are_called_is_read_once_and_gone_with_the_account() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let (ana, ben) = (ana.user, user(2));
    let names = async || rig.accounts.names_of(&[ana, ben, user(7)]).await.unwrap();
    let of = |email: &str| Some(format!("Name of {email}"));
    let both = [of("ana@example.com"), of("ben@example.com"), None];
    assert_eq!(names().await, both);
    let renamed = rig.accounts.table::<User>().change(User::at(ben), |before| {
        Ok::<_, AccountError>(before.map(|before| User {
            name: "Ben".to_owned(),
            ..before.clone()
        }))
    });
    renamed.await.unwrap();
    assert_eq!(names().await, both, "as it was read before");
    rig.accounts.erase_user(ana).await.unwrap();
    assert_eq!(names().await, [None, of("ben@example.com"), None]);
    rig.clock.advance(Duration::from_secs(30));
    assert_eq!(names().await, [None, Some("Ben".to_owned()), None]);
}

#[tokio::test]
async fn one_export_is_made_at_a_time() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let other = rig.accounts.exports.try_acquire().unwrap();
    let busy = rig.accounts.export_user(ana.user).await;
    assert!(matches!(busy, Err(AccountError::Busy)));
    let busy = rig.accounts.export_own(ana.user).await;
    assert!(matches!(busy, Err(AccountError::Busy)));
    drop(other);
    rig.accounts.export_user(ana.user).await.unwrap();
    // One that was refused is not counted.
    rig.accounts.export_own(ana.user).await.unwrap();
    let again = rig.accounts.export_own(ana.user).await;
    assert!(
        matches!(again, Err(AccountError::TooManyRequests(_))),
        "{again:?}"
    );
    rig.accounts.export_own(user(2)).await.unwrap();
    // Operators have no pace.
    rig.accounts.export_user(ana.user).await.unwrap();
    rig.clock.advance(Duration::from_mins(1));
    rig.accounts.export_own(ana.user).await.unwrap();
}

#[tokio::test]
async fn all_erasures_are_found_however_many_there_are() {
    let rig = Rig::new().await;
    let table = rig.accounts.table();
    for n in 0..450_u128 {
        let user = UserId::from_bytes(n.to_be_bytes());
        let row = UserErasure {
            user,
            begun: NOW,
            gone: None,
        };
        assert!(
            table
                .replace(&UserErasure::at(user), None, Some(&row))
                .await
                .unwrap()
        );
    }
    assert_eq!(rig.accounts.erasures().await.unwrap().len(), 450);
}

#[tokio::test]
async fn a_session_read_before_does_not_begin_a_second_factor_over_another() {
    use crate::accounts::codes::{self, RecoveryCodes, SecondFactorCode};
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let random = ring::rand::SystemRandom::new();
    let (accounts, from) = (&rig.accounts, origin(BROWSER));
    let offer = async |secret: &_| {
        let offered = accounts.offer_second_factor(&ana, PASSWORD.into(), secret, &from);
        offered.await
    };
    let recovery = RecoveryCodes::generate(&random).unwrap();
    let secret = codes::new_secret(&random).unwrap();
    offer(&secret).await.unwrap();
    let code = SecondFactorCode::try_from(codes::shown(&secret.0, NOW)).unwrap();
    let on = accounts.turn_on_second_factor(&ana, &code, &recovery, token("on"), &from);
    on.await.unwrap();
    assert!(!ana.has_second_factor, "as it was read before");
    let again = offer(&codes::new_secret(&random).unwrap()).await;
    assert!(matches!(again, Err(AccountError::SecondFactorOn)), "{again:?}");
    // Nor by one that was offered before.
    let pending = accounts.table::<User>().change(User::at(ana.user), |before| {
        Ok::<_, AccountError>(before.map(|before| User {
            pending_factor: Some(secret.clone()),
            ..before.clone()
        }))
    });
    pending.await.unwrap();
    let again = accounts.turn_on_second_factor(&ana, &code, &recovery, token("again"), &from);
    assert!(matches!(again.await, Err(AccountError::SecondFactorOn)));
}

/// Ana and Ben own a team; Ana owns another with Cem, too.
async fn owners() -> (Rig, UserId, UserId) {
    let rig = Rig::new().await;
    let ana = rig.fill().await.user;
    rig.join(OTHER, "cem@example.com", Role::Owner, user(3)).await;
    let also = rig
        .accounts
        .add_member(OTHER, Actor::Operator, ana, (Role::Owner, None));
    also.await.unwrap();
    (rig, ana, user(2))
}

async fn owners_of(rig: &Rig, tenant: TenantId) -> usize {
    rig.accounts.team_row(tenant).await.unwrap().owners()
}

#[tokio::test]
async fn of_two_owners_who_erase_themselves_at_once_one_stays() {
    let (rig, ana, ben) = owners().await;
    let pause = rig.store.pause(TEAM.name);
    let (of_ben, of_ana) = tokio::join!(rig.accounts.erase_user(ben), async {
        pause.arrived().await;
        let erased = rig.accounts.erase_user(ana).await;
        pause.go_on();
        erased
    });
    of_ana.unwrap();
    assert!(matches!(of_ben, Err(AccountError::LastOwner)), "{of_ben:?}");
    rig.finish_erasures().await;
    assert_eq!((owners_of(&rig, ONE).await, owners_of(&rig, OTHER).await), (1, 1));
    // Whoever stays is an owner as before.
    assert!(rig.accounts.erasures().await.unwrap().is_empty());
    rig.sign_in("ben@example.com").await.unwrap();
    assert_eq!(teams_of(&rig, ben).await, [ONE]);
}

#[tokio::test]
async fn an_owner_who_may_not_go_is_counted_on_again_by_every_team() {
    let (rig, ana, ben) = owners().await;
    // Whether the team with or without another owner comes first.
    for (tenant, other) in [(ONE, ben), (OTHER, user(3))] {
        let demoted = rig
            .accounts
            .set_role(tenant, Actor::Operator, other, Role::Agent, Confirmation::Shown);
        demoted.await.unwrap();
        let refused = rig.accounts.resign(ana).await;
        assert!(matches!(refused, Err(AccountError::LastOwner)), "{refused:?}");
        for team in [ONE, OTHER] {
            let row = rig.accounts.team_row(team).await.unwrap();
            assert_eq!(row.members[&ana].erasing, None, "{tenant} {team}");
        }
        let promoted =
            rig.accounts
                .set_role(tenant, Actor::Operator, other, Role::Owner, Confirmation::Shown);
        promoted.await.unwrap();
    }
}

#[tokio::test]
async fn no_team_is_left_to_an_owner_whose_account_is_being_erased() {
    let (rig, ana, ben) = owners().await;
    rig.accounts.resign(ana).await.unwrap();
    let lasts = |done: Result<(), AccountError>| {
        assert!(matches!(done, Err(AccountError::LastOwner)), "{done:?}");
    };
    let demoted = rig
        .accounts
        .set_role(ONE, Actor::Operator, ben, Role::Admin, Confirmation::Shown);
    lasts(demoted.await.map(drop));
    lasts(rig.accounts.hand_over_ownership(ONE, ben, ana).await);
    let removal = Removal {
        tenant: ONE,
        by: Actor::Operator,
        user: ben,
        assign_to: None,
        confirmed: Confirmation::Shown,
    };
    lasts(rig.accounts.remove_member(removal).await);
    lasts(rig.accounts.erase_user(ben).await);
    // Whoever is cut off there is erased with the next look.
    rig.accounts.erase_user(ana).await.unwrap();
    assert_eq!(owners_of(&rig, ONE).await, 1);
}

#[tokio::test]
async fn no_team_is_handed_over_to_whoever_erases_the_account_at_that_moment() {
    for by_operator in [false, true] {
        let rig = Rig::new().await;
        let owner = rig.join(ONE, "ben@example.com", Role::Owner, user(2)).await.user;
        let admin = rig.join(ONE, "ana@example.com", Role::Admin, user(1)).await.user;
        // The erasure has looked at the team, and has not told it yet.
        let pause = rig.store.pause(TEAM.name);
        let (erased, given) = tokio::join!(rig.accounts.erase_user(admin), async {
            pause.arrived().await;
            let given = if by_operator {
                let given =
                    rig.accounts
                        .set_role(ONE, Actor::Operator, admin, Role::Owner, Confirmation::Shown);
                let gone = Removal {
                    tenant: ONE,
                    by: Actor::Operator,
                    user: owner,
                    assign_to: None,
                    confirmed: Confirmation::Shown,
                };
                given.await.unwrap();
                rig.accounts.remove_member(gone).await
            } else {
                rig.accounts.hand_over_ownership(ONE, owner, admin).await
            };
            pause.go_on();
            given
        });
        given.unwrap();
        assert!(matches!(erased, Err(AccountError::LastOwner)), "{erased:?}");
        assert_eq!(owners_of(&rig, ONE).await, 1);
    }
}

#[tokio::test]
async fn no_team_is_handed_over_to_whose_account_is_being_erased() {
    let rig = Rig::new().await;
    let owner = rig.join(ONE, "ben@example.com", Role::Owner, user(2)).await.user;
    let admin = rig.join(ONE, "ana@example.com", Role::Admin, user(1)).await.user;
    rig.accounts.resign(admin).await.unwrap();
    let given = rig.accounts.hand_over_ownership(ONE, owner, admin).await;
    assert!(matches!(given, Err(AccountError::LastOwner)), "{given:?}");
    assert_eq!(owners_of(&rig, ONE).await, 1);
}
