use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::SecretString;

use super::*;
use crate::accounts::{NewToken, SigningIn};
use crate::config::{AccountsConfig, ByteSize, Config};
use crate::domain::{Clock, TestClock};
use crate::mail::inbox::Inbox;
use crate::store::KeyHash;
use crate::store::memory::MemoryStore;
use crate::store::metered::Metered;
use crate::store::tables::UserEmail;

const ANA: UserId = UserId::from_bytes([7; 16]);
const PASSWORD: &str = "kopi tubruk di pasar minggu";
const START: Timestamp = Timestamp::from_secs(1_800_000_000);

fn settings() -> AccountsConfig {
    AccountsConfig {
        hash_memory: ByteSize::bytes(64 << 10),
        hash_passes: 1,
        ..Config::defaults().unwrap().accounts
    }
}

fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn origin(address: &str) -> SignInOrigin {
    SignInOrigin {
        address: Some(address.parse().unwrap()),
        browser: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(),
    }
}

/// Accounts on a store, with one user.
async fn accounts(store: Arc<dyn Store>, clock: &TestClock) -> Accounts {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let (mailer, _) = Inbox::open(Arc::clone(&clock));
    let accounts = Accounts::new(Arc::clone(&store), clock, settings(), mailer);
    let hash = accounts
        .passwords
        .hash(SecretString::from(PASSWORD))
        .await
        .unwrap();
    let ana = User {
        id: ANA,
        email: email("ana@example.com"),
        name: "Ana".to_owned(),
        password: hash.into(),
        generation: 0,
        reset: None,
        second_factor: None,
        pending_factor: None,
        phone: None,
        policy: None,
        email_change: None,
        provider_accounts: Vec::new(),
        created: START,
        closing: None,
    };
    let claim = UserEmail {
        user: ANA,
        link: None,
    };
    let table = PlainTable::<UserEmail>::of(store.as_ref(), START);
    let key = UserEmail::at(&ana.email);
    assert!(table.replace(&key, None, Some(&claim)).await.unwrap());
    let table = PlainTable::<User>::of(store.as_ref(), START);
    assert!(table.replace(&User::at(ANA), None, Some(&ana)).await.unwrap());
    accounts
}

async fn written(accounts: &Accounts) {
    assert_eq!(accounts.sign_ins_written(Duration::from_secs(10)).await, 0);
}

async fn all(accounts: &Accounts) -> Vec<SignInEvent> {
    let page = accounts.sign_ins(ANA, None, READ).await.unwrap();
    assert!(!page.more);
    page.items.into_iter().map(|found| found.row).collect()
}

#[tokio::test]
async fn the_newest_of_each_kind_stay_and_refusals_push_out_no_sign_in() {
    let clock = TestClock::at(START);
    let accounts = accounts(Arc::new(MemoryStore::new()), &clock).await;
    let ana = email("ana@example.com");
    let note = async |outcome, count| {
        for _ in 0..count {
            clock.advance(Duration::from_secs(1));
            accounts.note_sign_in(&ana, &origin("198.51.100.7"), outcome);
            written(&accounts).await;
        }
    };
    note(SignInResult::SignedIn, 3).await;
    note(SignInResult::WrongPassword, MOST + 5).await;
    note(SignInResult::WrongCode, 2).await;
    let kept = all(&accounts).await;
    let of = |outcome| kept.iter().filter(|event| event.outcome == outcome).count();
    assert_eq!(of(SignInResult::SignedIn), 3);
    assert_eq!(of(SignInResult::WrongCode), 2);
    assert_eq!(of(SignInResult::WrongPassword), MOST - 2);
    let times: Vec<Timestamp> = kept.iter().map(|event| event.at).collect();
    assert!(times.is_sorted_by(|newer, older| newer > older), "newest first");
    // The oldest refusals went.
    let oldest = kept
        .iter()
        .rfind(|event| event.outcome == SignInResult::WrongPassword);
    assert_eq!(
        oldest.unwrap().at,
        START.after(Duration::from_secs(3 + 5 + 2 + 1))
    );
    note(SignInResult::SignedIn, MOST).await;
    let kept = all(&accounts).await;
    assert_eq!(kept.len(), 2 * MOST);
}

#[tokio::test]
async fn tries_of_one_moment_each_have_a_row_and_those_nobody_made_have_none() {
    let clock = TestClock::at(START);
    let accounts = accounts(Arc::new(MemoryStore::new()), &clock).await;
    for nth in 0..4 {
        let from = origin(&format!("198.51.100.{nth}"));
        accounts.note_sign_in(&email("ana@example.com"), &from, SignInResult::WrongPassword);
        accounts.note_sign_in(&email("nobody@example.com"), &from, SignInResult::WrongPassword);
    }
    written(&accounts).await;
    assert_eq!(all(&accounts).await.len(), 4);
    let store = accounts.store.export_plain(None, 1_000, START).await.unwrap();
    // The four, the user, and the address.
    assert_eq!(store.records.len(), 6);
    clock.advance(Duration::from_secs(90 * 86_400));
    assert_eq!(all(&accounts).await.len(), 0);
}

/// How often the store was asked, by operation.
fn calls(handle: &metrics_exporter_prometheus::PrometheusHandle) -> Vec<String> {
    let page = handle.render();
    let counts = page
        .lines()
        .filter(|line| line.starts_with("mesej_store_op_seconds_count"));
    let mut counts: Vec<String> = counts
        .filter(|line| !line.ends_with(" 0"))
        .map(str::to_owned)
        .collect();
    counts.sort();
    counts
}

#[test]
fn an_answer_takes_the_same_calls_whether_or_not_there_is_such_an_account() {
    let until_the_answer = |address: &'static str| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // One thread: what is written after the answer does not begin before it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = TestClock::at(START);
        metrics_of(&recorder, || {
            runtime.block_on(async {
                drop(accounts(Arc::clone(&inner), &clock).await);
                let metered = Arc::new(Metered::new(inner));
                let clock: Arc<dyn Clock> = Arc::new(clock.clone());
                let (mailer, _) = Inbox::open(Arc::clone(&clock));
                let accounts = Accounts::new(metered, clock, settings(), mailer);
                let asked = SigningIn {
                    email: email(address),
                    password: SecretString::from("kopi tubruk di pasar senin"),
                    code: None,
                    tenant: None,
                    token: NewToken {
                        id: "x".to_owned(),
                        hash: KeyHash([1; 32]),
                    },
                    origin: origin("198.51.100.7"),
                };
                let refused = accounts.sign_in(asked).await;
                assert!(matches!(refused, Err(AccountError::WrongCredentials)));
                let calls = calls(&handle);
                // Either is looked up once more afterwards; what follows is nobody's business.
                assert_eq!(accounts.background.waiting(), 1);
                written(&accounts).await;
                calls
            })
        })
    };
    let known = until_the_answer("ana@example.com");
    assert!(!known.is_empty());
    assert_eq!(known, until_the_answer("nobody@example.com"));
}

/// Runs something whose metrics go to a recorder of its own.
fn metrics_of<T>(recorder: &metrics_exporter_prometheus::PrometheusRecorder, run: impl FnOnce() -> T) -> T {
    ::metrics::with_local_recorder(recorder, run)
}
