//! That an export holds everything and an erasure leaves nothing, wherever it is cut off.

use std::collections::BTreeSet;
use std::sync::Arc;

mod races;

use super::*;
use crate::accounts::single_sign_on::Connecting;
use crate::accounts::{
    Accepting, ChangingEmail, Inviting, NewLink, NewToken, Newcomer, SignInOrigin, SignedIn, SigningIn,
};
use crate::config::Config;
use crate::domain::roles::Role;
use crate::domain::{AgentId, Author, Clock, MemberLimit, Retention, TestClock};
use crate::mail::Link;
use crate::mail::inbox::Inbox;
use crate::store::faulty::FaultyStore;
use crate::store::tables::{
    CannedReply, LimitedMember, OwnReply, ProviderAccount, Shortcut, SignUp, SignUpInvitation, Team,
};
use crate::store::{Store, Tenant};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ONE: TenantId = TenantId::new(1);
const OTHER: TenantId = TenantId::new(2);
const PASSWORD: &str = "kopi tubruk di pasar minggu";
const BROWSER: &str = "Firefox of Ana";

struct Rig {
    store: Arc<FaultyStore>,
    clock: TestClock,
    accounts: Accounts,
}

fn token(id: &str) -> NewToken {
    NewToken {
        id: id.to_owned(),
        hash: KeyHash::of(id),
    }
}

fn origin(browser: &str) -> SignInOrigin {
    SignInOrigin {
        address: Some("192.0.2.7".parse().unwrap()),
        browser: browser.to_owned(),
    }
}

fn user(byte: u8) -> UserId {
    UserId::from_bytes([byte; 16])
}

impl Rig {
    async fn new() -> Self {
        let store = Arc::new(FaultyStore::default());
        for id in [ONE, OTHER] {
            let tenant = Tenant {
                privacy_contact: Some("privacy@example.org".parse().unwrap()),
                ..Tenant::new(id, format!("tenant {id}"), Retention::DEFAULT, NOW)
            };
            store.put_tenant(tenant).await.unwrap();
        }
        let clock = TestClock::at(NOW);
        let of_accounts: Arc<dyn Clock> = Arc::new(clock.clone());
        let (mailer, _) = Inbox::open(Arc::clone(&of_accounts));
        let settings = Config::defaults().unwrap().accounts;
        let accounts = Accounts::new(store.clone(), of_accounts, settings, mailer);
        Self {
            store,
            clock,
            accounts,
        }
    }

    async fn invite(&self, tenant: TenantId, email: &str, role: Role) -> KeyHash {
        let token = token(&format!("{email} into {tenant}"));
        let hash = token.hash;
        let inviting = Inviting {
            tenant,
            by: Actor::Operator,
            email: email.parse().unwrap(),
            role,
            limit: None,
            link: NewLink::of(token),
        };
        self.accounts.invite(inviting).await.unwrap();
        hash
    }

    async fn join(&self, tenant: TenantId, email: &str, role: Role, fresh: UserId) -> SignedIn {
        let invitation = self.invite(tenant, email, role).await;
        let accepting = Accepting {
            tenant,
            token: invitation,
            newcomer: Newcomer::of_age(format!("Name of {email}")),
            password: PASSWORD.into(),
            code: None,
            fresh,
            session: token(&format!("first session of {email} in {tenant}")),
            origin: origin(BROWSER),
        };
        self.accounts.accept(accepting).await.unwrap()
    }

    async fn sign_in(&self, email: &str) -> Result<SignedIn, AccountError> {
        let asked = SigningIn {
            email: email.parse().unwrap(),
            password: PASSWORD.into(),
            code: None,
            tenant: None,
            token: token(&format!("second session of {email}")),
            origin: origin(BROWSER),
        };
        self.accounts.sign_in(asked).await
    }

    /// Ana, about whom every table has a row, and Ben, who stays.
    async fn fill(&self) -> SignedIn {
        self.join(ONE, "ben@example.com", Role::Owner, user(2)).await;
        let ana = self.join(ONE, "ana@example.com", Role::Owner, user(1)).await;
        self.invite(OTHER, "ana@example.com", Role::Agent).await;
        let reset = NewLink::of(token("a link to a new password"));
        let issuer = "https://login.example.org".parse().unwrap();
        let account = ProviderAccount::named(ONE, &issuer, "ana");
        self.accounts
            .connect_account(
                Connecting {
                    user: ana.user,
                    generation: 0,
                },
                account,
            )
            .await
            .unwrap();
        let email = ana.email.clone();
        self.accounts.offer_reset(&email, reset).await.unwrap();
        let ana = self.sign_in("ana@example.com").await.unwrap();
        let change = ChangingEmail {
            code: None,
            email: "ana@example.org".parse().unwrap(),
            password: PASSWORD.into(),
            link: NewLink::of(token("a link to another address")),
            page: Link::new("https://mesej.example.com/#/".to_owned()),
            origin: origin(BROWSER),
        };
        self.accounts.change_email(&ana, change).await.unwrap();
        let unwritten = self.accounts.sign_ins_written(Duration::from_secs(20)).await;
        assert_eq!(unwritten, 0);
        // From when she was an agent.
        let limited = LimitedMember {
            user: user(1),
            since: NOW,
            limit: MemberLimit::default(),
        };
        let key = LimitedMember::at(ONE, user(1));
        let table = self.accounts.table();
        assert!(table.replace(&key, None, Some(&limited)).await.unwrap());
        let shortcut: Shortcut = "mine".parse().unwrap();
        let own = OwnReply {
            tenant: ONE,
            reply: CannedReply {
                shortcut: shortcut.clone(),
                text: "See you".to_owned(),
                changed_at: NOW,
                changed_by: Author::Agent {
                    id: AgentId::parse(&user(1).to_string()).unwrap(),
                },
            },
        };
        let key = OwnReply::at(user(1), ONE, &shortcut);
        let table = self.accounts.table();
        assert!(table.replace(&key, None, Some(&own)).await.unwrap());
        for (n, email) in ["ana@example.com", "ben@example.com"].into_iter().enumerate() {
            self.sign_up(&format!("{n}"), email).await;
        }
        ana
    }

    /// Of somebody who was invited into a team before the link of the sign-up was followed.
    async fn sign_up(&self, link: &str, email: &str) {
        let (email, expires) = (
            email.parse::<EmailAddress>().unwrap(),
            NOW.after(WRITTEN_BY * 100),
        );
        let sign_up = SignUp {
            email: email.clone(),
            name: format!("Name of {}", email.as_str()),
            phone: "+62 812 3456 789".parse().unwrap(),
            business: "Toko Maju".to_owned(),
            policy: None,
            invitation: Some(KeyHash::of("an invitation")),
            network: None,
            expires,
            ids: None,
        };
        let key = SignUp::at(KeyHash::of(&format!("sign-up {link}")));
        let table = self.accounts.table();
        assert!(table.replace(&key, None, Some(&sign_up)).await.unwrap());
        let invitation = SignUpInvitation {
            email: Some(email),
            expires,
            used_by: None,
        };
        let key = SignUpInvitation::at(KeyHash::of(&format!("invitation {link}")));
        let table = self.accounts.table();
        assert!(table.replace(&key, None, Some(&invitation)).await.unwrap());
    }

    /// What upkeep does.
    async fn finish_erasures(&self) {
        for _ in 0..2 {
            for open in self.accounts.erasures().await.unwrap() {
                self.accounts.go_on_erasing(open.user).await.unwrap();
            }
            self.clock.advance(WRITTEN_BY);
        }
        assert!(self.accounts.erasures().await.unwrap().is_empty());
    }

    /// All plain rows: table, key and value as one text.
    async fn rows(&self) -> Vec<(&'static str, String)> {
        let rows = self.store.export_plain(None, 10_000, NOW).await.unwrap().records;
        let text = |row: &crate::store::plain::PlainRecord| {
            let key = [row.key.partition.part.as_ref(), row.key.sort.as_ref()].concat();
            let body = String::from_utf8_lossy(&row.value.body).into_owned();
            format!("{} {body}", crate::domain::ids::hex(&key))
        };
        rows.iter()
            .map(|row| (row.key.partition.table, text(row)))
            .collect()
    }

    /// Where something of Ana's stands.
    async fn left_of_ana(&self) -> BTreeSet<&'static str> {
        let id = user(1).to_string();
        let digest = crate::domain::ids::hex(&"ana@example.com".parse::<EmailAddress>().unwrap().key());
        let rows = self.rows().await.into_iter();
        let hers = rows.filter(|(_, text)| {
            [id.as_str(), "ana@example.com", &digest]
                .iter()
                .any(|word| text.contains(word))
        });
        hers.map(|(table, _)| table).collect()
    }
}

#[tokio::test]
async fn an_export_holds_every_row_of_the_user_and_nothing_that_lets_somebody_in() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    let export = rig.accounts.export_user(ana.user).await.unwrap();
    let tables = export["rows"].as_object().unwrap();
    let about_users: BTreeSet<&str> = of_users().map(|table| table.name).collect();
    assert_eq!(
        tables.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        about_users
    );
    for (table, rows) in tables {
        // Nothing is being erased.
        let expected = table != USER_ERASURE.name;
        assert_eq!(!rows.as_array().unwrap().is_empty(), expected, "{table}");
    }
    assert_eq!(tables["session"].as_array().unwrap().len(), 2);
    assert_eq!(tables["session"][0]["browser"], BROWSER);
    assert_eq!(tables["user"][0]["email"], "ana@example.com");
    let team = &export["teams"][0];
    assert_eq!(
        (&team["role"], &team["privacy_contact"]),
        (&json!("owner"), &json!("privacy@example.org"))
    );
    assert_eq!(
        export["left_out"]["user"],
        json!([
            "password",
            "reset",
            "second_factor",
            "pending_factor",
            "email_change"
        ])
    );
    let text = export.to_string();
    assert!(
        !text.contains("argon2") && !text.contains("ben@example.com"),
        "{text}"
    );
    // Hashes of tokens are arrays of bytes.
    for secret in [
        "a link to a new password",
        "a link to another address",
        "ana@example.com into 2",
    ] {
        let hash = serde_json::to_string(&KeyHash::of(secret)).unwrap();
        assert!(!text.contains(&hash), "{secret}");
    }
}

#[tokio::test]
async fn an_erasure_that_is_cut_off_at_any_write_is_finished_and_leaves_nothing() {
    let mut writes = 0;
    loop {
        let rig = Rig::new().await;
        let ana = rig.fill().await;
        assert!(rig.left_of_ana().await.len() >= 8);
        *rig.store.plain_writes_left.lock().unwrap() = Some(writes);
        let erased = rig.accounts.erase_user(ana.user).await;
        *rig.store.plain_writes_left.lock().unwrap() = None;
        // The next process finds it, or it had not begun.
        rig.finish_erasures().await;
        let left = rig.left_of_ana().await;
        if erased.is_ok() {
            assert!(writes > 10, "{writes}");
        }
        if writes > 0 {
            // Ids alone: who left, and whose conversations are handed over.
            assert!(
                left.is_subset(&BTreeSet::from(["leaving", "team"])),
                "{writes}: {left:?}"
            );
            let former = rig.accounts.former_members(ONE).await.unwrap();
            assert_eq!((former[0].user, &former[0].name), (ana.user, &None));
            let refused = rig.sign_in("ana@example.com").await.unwrap_err();
            assert!(matches!(refused, AccountError::WrongCredentials), "{refused:?}");
            rig.sign_in("ben@example.com").await.unwrap();
        }
        if erased.is_ok() {
            break;
        }
        writes += 1;
    }
    assert!(writes < 100);
}

#[tokio::test]
async fn the_only_owner_of_a_team_hands_it_over_before_the_account_is_erased() {
    let rig = Rig::new().await;
    let ana = rig.fill().await;
    rig.join(OTHER, "cem@example.com", Role::Owner, user(3)).await;
    let cem = rig.accounts.erase_user(user(3)).await.unwrap_err();
    assert!(matches!(cem, AccountError::LastOwner));
    assert!(rig.accounts.erasures().await.unwrap().is_empty());
    // The other owner left at the same moment: it was listed, and nothing more.
    let row = UserErasure {
        user: user(3),
        begun: NOW,
        gone: None,
    };
    let listed = rig.accounts.table::<UserErasure>();
    listed
        .replace(&UserErasure::at(user(3)), None, Some(&row))
        .await
        .unwrap();
    let cem = rig.accounts.go_on_erasing(user(3)).await.unwrap_err();
    assert!(matches!(cem, AccountError::LastOwner));
    assert!(rig.accounts.erasures().await.unwrap().is_empty());
    rig.sign_in("cem@example.com").await.unwrap();
    rig.accounts.erase_user(ana.user).await.unwrap();
    let team = rig
        .accounts
        .table::<Team>()
        .get(&Team::at(ONE))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(team.row.owners(), 1);
    // The address is free again, for a new account.
    rig.join(ONE, "ana@example.com", Role::Agent, user(9)).await;
}
