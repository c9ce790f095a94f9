use std::sync::Arc;

use ring::rand::SystemRandom;

use super::*;
use crate::config::Config;
use crate::domain::{Clock, SteadyClock, TestClock, Timestamp};
use crate::mail::inbox::Inbox;
use crate::store::Store;
use crate::store::fjall::{FjallOptions, FjallStore};
use crate::store::memory::MemoryStore;
use crate::store::plain::PlainTable;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const STEP: std::time::Duration = std::time::Duration::from_secs(30);

fn typed(code: &str) -> SecondFactorCode {
    SecondFactorCode::try_from(code.to_owned()).unwrap()
}

struct Rig {
    store: Arc<dyn Store>,
    accounts: Accounts,
    ana: User,
    secret: TotpSecret,
    recovery: RecoveryCodes,
}

impl Rig {
    /// Ana, who turned the second factor on at a time.
    async fn on(store: Arc<dyn Store>, clock: Arc<dyn Clock>, at: Timestamp) -> Self {
        let settings = Config::defaults().unwrap().accounts;
        let (mailer, _) = Inbox::open(Arc::clone(&clock));
        let accounts = Accounts::new(Arc::clone(&store), clock, settings, mailer);
        let recovery = RecoveryCodes::generate(&SystemRandom::new()).unwrap();
        let secret = codes::new_secret(&SystemRandom::new()).unwrap();
        let code = typed(&codes::shown(&secret.0, at));
        let times = Times::of(&TestClock::at(at));
        let begun = codes::begun(&secret, &code, times, KeyHash([0; 32]), &recovery);
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
        Self {
            store,
            accounts,
            ana,
            secret,
            recovery,
        }
    }

    /// What the app of Ana's shows at a time.
    fn shown(&self, at: Timestamp) -> String {
        codes::shown(&self.secret.0, at)
    }

    async fn uses(&self, code: &str, token: u8) -> Result<User, AccountError> {
        let (code, token) = (typed(code), KeyHash([token; 32]));
        self.accounts.use_code_for(&self.ana, &code, token, None).await
    }
}

#[tokio::test]
async fn two_who_read_the_row_before_either_used_the_code_do_not_both_get_in() {
    let folder = tempfile::tempdir().unwrap();
    // A write of this store is awaited, so that the second reads before the first has written.
    let store: Arc<dyn Store> = Arc::new(FjallStore::open(folder.path(), FjallOptions::default()).unwrap());
    let clock = TestClock::at(NOW);
    let rig = Rig::on(store, Arc::new(clock.clone()), NOW).await;
    clock.advance(STEP);
    for code in [rig.shown(clock.now()), rig.recovery.texts[0].clone()] {
        let (one, other) = tokio::join!(rig.uses(&code, 1), rig.uses(&code, 2));
        assert!(one.is_ok() != other.is_ok(), "both or neither");
        let refused = one.and(other);
        assert!(matches!(refused, Err(AccountError::WrongCode)));
    }
    rig.store.close().await.unwrap();
}

#[tokio::test]
async fn codes_by_the_right_time_let_in_while_the_clock_is_doubted() {
    for stop in [10, 60, 60 * 24 * 40] {
        let stop = std::time::Duration::from_mins(stop);
        let machine = TestClock::at(NOW);
        let clock = SteadyClock::over(Arc::new(machine.clone()));
        clock.resume(NOW.before(stop));
        assert!(clock.doubt().is_some());
        let rig = Rig::on(
            Arc::new(MemoryStore::new()),
            Arc::new(clock),
            NOW.before(stop * 2),
        )
        .await;
        // More than wrong ones may come in a row.
        for token in 1..=12 {
            let code = rig.shown(machine.now());
            rig.uses(&code, token).await.unwrap();
            let again = rig.uses(&code, 99).await;
            assert!(matches!(again, Err(AccountError::WrongCode)), "{again:?}");
            machine.advance(STEP);
        }
    }
}
