//! People: who signs in, who is in which team, and what lets somebody in once.
//!
//! Rows are plain ones ([`crate::store::plain`]), so that every gateway of a cluster knows the same people. Tokens and ids are
//! made by the caller and kept as hashes; what a session or an invitation is worth is read from the store each time.
//!
//! | File | What it holds |
//! |---|---|
//! | `sign_in.rs` | signing in, and a new password |
//! | `second_factor.rs`, `codes.rs` | the second factor, and its codes |
//! | `behind.rs` | the one writer of what is recorded behind an answer |
//! | `sign_in_log.rs`, `device.rs` | what a user sees of sign-ins, and which are on a new device |
//! | `sessions.rs` | who is signed in where |
//! | `single_sign_on.rs` | signing in by a tenant's own identity provider |
//! | `invitations.rs`, `team.rs` | who gets into a team, and who is in it |
//! | `leaving.rs` | who leaves a team, and what becomes of the conversations |
//! | `limits.rs` | teams, and which numbers a member works on |
//! | `names.rs` | what those who left are called |
//! | `closing.rs` | what is kept of a user, and the end of an account |
//! | `audit.rs` | the audit log: recording, reading, verifying |
//! | `sign_up.rs` | businesses that open an account by themselves |
//! | `preset.rs` | people whom the gateway puts into a team by itself |
//! | `profile.rs`, `addresses.rs` | people's own data, and whose an e-mail address is |
//! | `forgotten.rs` | links to new passwords, for who forgot one |
//! | `letters.rs` | what people are told by e-mail |
//! | `passwords.rs` | password hashes, computed by a bounded pool |
//! | `strength.rs` | which passwords are too easy to guess |
//! | `subscriptions.rs` | what businesses pay for, by the payment provider's events |
//! | `requests.rs` | how fast people who are not signed in may have mails sent |
//! | `throttle.rs` | how fast wrong passwords may come |
//!
//! Nothing here serves HTTP, and `single_sign_on` alone calls by it. Time is passed in, but for the deadlines of calls, of the
//! pool's queue and of the audit log, which are timers of tokio.

mod addresses;
pub mod audit;
mod behind;
mod closing;
pub mod codes;
mod device;
mod forgotten;
mod invitations;
mod leaving;
mod letters;
mod limits;
mod names;
pub mod passwords;
mod preset;
mod profile;
mod requests;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_in_log;
mod sign_up;
pub mod single_sign_on;
#[cfg(test)]
mod stage;
pub mod strength;
pub mod subscriptions;
mod team;
pub mod throttle;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::AccountsConfig;
use crate::domain::{Clock, Timestamp, UserId};
use crate::limiter::{Allowance, Buckets};
use crate::mail::{Link, Mailer};
use crate::store::plain::{PlainRow, PlainTable};
use crate::store::{KeyHash, Store, StoreError};
use behind::BackgroundWriter;
use invitations::NewUser;
use names::Names;
use passwords::{PasswordError, Passwords};
use requests::Requests;
use sign_in_log::SignInLog;
use throttle::SignInThrottle;

pub use addresses::ChangingEmail;
pub use forgotten::Forgotten;
pub use invitations::{Accepting, Invited, Inviting, Newcomer, OfAge};
pub use leaving::{Confirmation, DueHandover, FormerMember, MOST_FORMER, Removal};
pub use letters::Told;
pub use limits::{MOST_TEAMS, NewTeam};
pub use preset::PresetMember;
pub use profile::{Policy, ProfileChange};
pub use second_factor::Proof;
pub use sessions::{Asking, Ending, MOST_SESSIONS, SignInMethod, SignedIn};
pub use sign_in::{OfferedReset, SigningIn};
pub use sign_up::{CompletingSignUp, MOST_SIGN_UPS, SignedUp, SigningUp};
pub use team::{Actor, Standing, TeamMember};

/// Exports of a user's own data: each reads the list of all tenants, and they share one place with everybody's.
const OWN_EXPORTS: Allowance = Allowance::new(1, Duration::from_mins(1));
/// Users who are remembered for it.
const EXPORTING: usize = 4_096;

/// Invitations of a tenant that nobody accepted yet.
pub const MOST_INVITATIONS: usize = 300;

/// A token that the caller made: what it is called in lists, and its hash. The token itself is never stored.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The public part.
    pub id: String,
    /// What the store keeps.
    pub hash: KeyHash,
}

/// A link that the caller made: its token, and the address that it is followed by.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Its token.
    pub token: NewToken,
    /// The address, which holds the token.
    pub link: Link,
}

#[cfg(test)]
impl NewLink {
    /// One that leads nowhere.
    pub(crate) fn of(token: NewToken) -> Self {
        let link = Link::new(format!("https://mesej.example.com/#/{}", token.id));
        Self { token, link }
    }
}

/// Where somebody signs in from.
#[derive(Clone)]
pub struct SignInOrigin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What its browser calls itself.
    pub browser: String,
}

/// Addresses do not belong into logs.
impl std::fmt::Debug for SignInOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInOrigin")
    }
}

/// Why something about accounts was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The e-mail address or the password.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// The account asks for a code beside the right password.
    #[error("the account asks for a code of its second factor")]
    SecondFactorRequired,
    /// The code is wrong, or was used.
    #[error("the code is wrong or was used")]
    WrongCode,
    /// There is a second factor already.
    #[error("the account has a second factor already: remove it first")]
    SecondFactorOn,
    /// There is none, and none was begun.
    #[error("the account has no second factor")]
    NoSecondFactor,
    /// An owner is made, or is one no more.
    #[error("`password` is missing: who is an owner changes only with the caller's password")]
    PasswordRequired,
    /// Too many were wrong.
    #[error("too many wrong passwords or codes: wait")]
    Throttled(Duration),
    /// Too many mails were asked for.
    #[error("too many requests of this kind: wait")]
    TooManyRequests(Duration),
    /// Too many do it at once.
    #[error("too many do this at this moment")]
    Busy,
    /// The password is too easy to guess.
    #[error("{0}")]
    WeakPassword(String),
    /// A link that leads nowhere.
    #[error("this link is unknown, was used, or is over: ask for a new one")]
    NoSuchLink,
    /// A new person needs a name.
    #[error("`name` is missing: what colleagues see")]
    NoName,
    /// A new person has to be old enough, and to say so.
    #[error("`is_of_age` must be true: who has an account is at least {0} years old")]
    NotOfAge(u8),
    /// Nobody with this id.
    #[error("nobody in the team has this id")]
    NoSuchMember,
    /// No team with this id.
    #[error("no team has this id")]
    NoSuchTeam,
    /// A team or a limit names too much.
    #[error("{0}")]
    TooMuchNamed(&'static str),
    /// Who looks after the business sees all of it.
    #[error(
        "owners and admins see all numbers: only supervisors, agents and read-only members may be limited"
    )]
    LimitNotAllowed,
    /// The member does not work on the conversation's number.
    #[error(
        "this member is limited to other numbers: assign the conversation to somebody who works on its number"
    )]
    AssigneeLimited,
    /// The role does not allow it.
    #[error("your role does not allow this")]
    NotAllowed,
    /// It concerns more than the tenant whose provider let somebody in.
    #[error("you signed in by your company's provider: this needs a session by your own password")]
    ByProvider,
    /// The company's provider made the account.
    #[error("an owner needs an account with a password: this one was made by the company's provider")]
    OwnerWithoutPassword,
    /// It asks for proof, and there is no password.
    #[error("sign in by your company's provider once more: that must be at most five minutes ago")]
    SignInAgain,
    /// Somebody has to stay who can do everything.
    #[error("the team would have no owner: make somebody else an owner first")]
    LastOwner,
    /// The person is there already.
    #[error("this person is in the team already")]
    AlreadyMember,
    /// The team has as many members as it may.
    #[error("the team has {0} members, and no more may be")]
    TeamFull(u32),
    /// There are as many as there may be.
    #[error("there are {0} already, and no more may be")]
    TooMany(usize),
    /// The address belongs to another account.
    #[error("this e-mail address belongs to another account")]
    AddressTaken,
    /// The address is the account's own.
    #[error("this is the account's e-mail address already")]
    SameAddress,
    /// Another policy is in force.
    #[error("the policy in force has another version: {0:?}")]
    OtherPolicy(String),
    /// Nobody opens an account here.
    #[error("nobody can sign up here: ask who looks after this server")]
    SignUpClosed,
    /// Who signs up needs an invitation.
    #[error("signing up needs an invitation here: ask who looks after this server")]
    InvitationNeeded,
    /// Something is broken here.
    #[error("{0}")]
    Broken(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PasswordError> for AccountError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Broken(why) => Self::Broken(why),
        }
    }
}

/// Everything about accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: AccountsConfig,
    passwords: Passwords,
    throttle: SignInThrottle,
    mailer: Mailer,
    requests: Requests,
    sign_in_log: Arc<SignInLog>,
    background: Arc<BackgroundWriter>,
    names: Names,
    /// Exports of users that are made at once.
    exports: Semaphore,
    /// How often each user may have one.
    own_exports: Mutex<Buckets<UserId>>,
}

impl Accounts {
    /// On a store, at the settings' pace. Must be called within the runtime that lasts as long as the process.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: AccountsConfig,
        mailer: Mailer,
    ) -> Self {
        let background = Arc::new(BackgroundWriter::new());
        let log = SignInLog::new(
            Arc::clone(&store),
            settings.sign_ins_kept_days,
            mailer.clone(),
            Arc::clone(&background),
        );
        Self {
            passwords: Passwords::new(&settings),
            throttle: SignInThrottle::new(),
            mailer,
            requests: Requests::new(),
            sign_in_log: Arc::new(log),
            background,
            store,
            clock,
            settings,
            names: Names::default(),
            exports: Semaphore::new(1),
            own_exports: Mutex::new(Buckets::new(OWN_EXPORTS, EXPORTING)),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn table<R: PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store.as_ref(), self.now())
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}
