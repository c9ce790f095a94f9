use std::sync::Arc;

use ring::rand::SystemRandom;

use super::*;
use crate::config::Config;
use crate::domain::{Clock, TestClock, Timestamp};
use crate::mail::inbox::Inbox;
use crate::store::Store;
use crate::store::fjall::{FjallOptions, FjallStore};
use crate::store::plain::PlainTable;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const STEP: std::time::Duration = std::time::Duration::from_secs(30);

fn typed(code: &str) -> SecondFactorCode {
    SecondFactorCode::try_from(code.to_owned()).unwrap()
}

#[tokio::test]
async fn two_who_read_the_row_before_either_used_the_code_do_not_both_get_in() {
    let folder = tempfile::tempdir().unwrap();
    // A write of this store is awaited, so that the second reads before the first has written.
    let store: Arc<dyn Store> = Arc::new(FjallStore::open(folder.path(), FjallOptions::default()).unwrap());
    let clock = TestClock::at(NOW);
    let settings = Config::defaults().unwrap().accounts;
    let (mailer, _) = Inbox::open(Arc::new(clock.clone()));
    let accounts = Accounts::new(Arc::clone(&store), Arc::new(clock.clone()), settings, mailer);
    let recovery = RecoveryCodes::generate(&SystemRandom::new()).unwrap();
    let secret = codes::new_secret(&SystemRandom::new()).unwrap();
    let shown = |clock: &TestClock| codes::shown(&secret.0, clock.now());
    let begun = codes::begun(&secret, &typed(&shown(&clock)), NOW, KeyHash([0; 32]), &recovery);
    let ana = User {
        id: UserId::from_bytes([7; 16]),
        email: "ana@example.com".parse().unwrap(),
        name: "Ana".to_owned(),
        password: String::new(),
        generation: 0,
        reset: None,
        second_factor: Some(begun.unwrap()),
        pending_factor: None,
        phone: None,
        policy: None,
        email_change: None,
        provider_accounts: Vec::new(),
        created: NOW,
        closing: None,
    };
    let table = PlainTable::<User>::of(store.as_ref(), NOW);
    assert!(table.replace(&User::at(ana.id), None, Some(&ana)).await.unwrap());
    clock.advance(STEP);
    for code in [shown(&clock), recovery.texts[0].clone()] {
        let code = typed(&code);
        let by = |token| accounts.use_code_for(&ana, &code, KeyHash([token; 32]), None);
        let (one, other) = tokio::join!(by(1), by(2));
        assert!(one.is_ok() != other.is_ok(), "both or neither");
        let refused = one.and(other);
        assert!(matches!(refused, Err(AccountError::WrongCode)));
    }
    store.close().await.unwrap();
}
