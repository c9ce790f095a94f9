//! Accounts on a store that stops where a test says, and an inbox of what people are told.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::Config;
use crate::domain::email::EmailAddress;
use crate::domain::{TestClock, UserId};
use crate::mail::inbox::Inbox;
use crate::store::faulty::FaultyStore;
use crate::store::tables::User;

pub(super) const PASSWORD: &str = "kopi tubruk di pasar minggu";
pub(super) const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

pub(super) struct Stage {
    pub(super) accounts: Arc<Accounts>,
    pub(super) store: Arc<FaultyStore>,
    pub(super) clock: TestClock,
    pub(super) inbox: Inbox,
    tokens: u64,
}

pub(super) fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

pub(super) fn id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

pub(super) fn origin() -> SignInOrigin {
    SignInOrigin {
        address: Some("192.0.2.7".parse().unwrap()),
        browser: "Mozilla/5.0".to_owned(),
    }
}

impl Stage {
    pub(super) fn with(settings: &str) -> Self {
        let file = format!("[accounts]\n{settings}\n");
        let config = Config::from_sources(Some(("test", &file)), []).unwrap();
        let clock = TestClock::at(NOW);
        let store = Arc::new(FaultyStore::default());
        let (mailer, inbox) = Inbox::open(Arc::new(clock.clone()));
        let accounts = Accounts::new(store.clone(), Arc::new(clock.clone()), config.accounts, mailer);
        Self {
            accounts: Arc::new(accounts),
            store,
            clock,
            inbox,
            tokens: 0,
        }
    }

    /// Has the same store looked after under other settings.
    pub(super) fn restart(&mut self, settings: &str) {
        let config = Config::from_sources(Some(("test", &format!("[accounts]\n{settings}\n"))), []).unwrap();
        let (mailer, inbox) = Inbox::open(Arc::new(self.clock.clone()));
        let clock = Arc::new(self.clock.clone());
        let accounts = Accounts::new(self.store.clone(), clock, config.accounts, mailer);
        (self.accounts, self.inbox) = (Arc::new(accounts), inbox);
    }

    pub(super) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn token(&mut self) -> NewToken {
        self.tokens += 1;
        let text = format!("token {}", self.tokens);
        NewToken {
            id: text.clone(),
            hash: KeyHash::of(&text),
        }
    }

    pub(super) fn link(&mut self, place: &str) -> NewLink {
        let token = self.token();
        let link = Link::new(format!(
            "https://mesej.example.com/#/{place}/{}",
            token.id.replace(' ', "-")
        ));
        NewLink { token, link }
    }

    /// Lets so many rows be written, then stops; nothing more stops it.
    pub(super) fn stop_after(&self, writes: Option<usize>) {
        *self.store.plain_writes_left.lock().unwrap() = writes;
    }

    pub(super) async fn user(&self, address: &str, number: u8) -> User {
        let new = NewUser {
            email: email(address),
            name: "Ana K".to_owned(),
            phone: None,
            policy: None,
        };
        self.accounts
            .make_user(new, PASSWORD.to_owned().into(), id(number))
            .await
            .unwrap()
    }

    pub(super) async fn signed_in(&mut self, address: &str) -> Result<SignedIn, AccountError> {
        // The throttle is not what is looked at.
        self.clock.advance(Duration::from_secs(120));
        let asked = SigningIn {
            email: email(address),
            password: PASSWORD.to_owned().into(),
            code: None,
            tenant: None,
            token: self.token(),
            origin: origin(),
        };
        self.accounts.sign_in(asked).await
    }
}
