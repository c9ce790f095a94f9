//! What was tried with a user's password: where somebody signed in, and who was refused.

use serde::{Deserialize, Serialize};

use super::{Kept, OfUser, PLAIN, Subject, Table};
use crate::domain::{Timestamp, UserId};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const SIGN_IN_EVENT: Table = Table {
    name: "sign_in_event",
    says: "that somebody signed in as a user, was refused, or set a new password by a link: when, from which address, with which browser",
    key: "user · time, newest first",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    personal: &["address", "browser"],
    of_user: OfUser::WithId,
    ..PLAIN
};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInResult {
    /// A session was opened.
    SignedIn,
    /// The password was wrong.
    WrongPassword,
    /// The password was right, the code of the second factor wrong.
    WrongCode,
    /// A new password was set by a link.
    PasswordReset,
}

impl SignInResult {
    /// Whether somebody was kept out. Refusals are kept beside the others, so that whoever tries passwords pushes nothing out.
    pub const fn is_refusal(self) -> bool {
        match self {
            Self::WrongPassword | Self::WrongCode => true,
            Self::SignedIn | Self::PasswordReset => false,
        }
    }
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEvent {
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: SignInResult,
    /// From which address.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub browser: String,
    /// Whether nobody had signed in from such a place before.
    pub is_new_device: bool,
    /// From when on it is not kept.
    pub expires: Timestamp,
}

impl SignInEvent {
    /// All of a user's, the newest first.
    pub fn of(user: UserId) -> Partition {
        Partition::of(&SIGN_IN_EVENT, user.as_bytes())
    }

    /// One of those of a moment.
    pub fn at(user: UserId, at: Timestamp, nth: u8) -> PlainKey {
        let newest_first = i64::MAX.wrapping_sub(at.as_millis().max(0));
        let sort = [newest_first.to_be_bytes().as_slice(), &[nth]].concat();
        Self::of(user).row(&sort)
    }
}

impl PlainRow for SignInEvent {
    const TABLE: &'static Table = &SIGN_IN_EVENT;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_newer_stands_before_what_is_older() {
        let user = UserId::from_bytes([7; 16]);
        let keys = [(2_000, 0), (2_000, 1), (1_999, 0), (0, 0)];
        let keys = keys.map(|(millis, nth)| SignInEvent::at(user, Timestamp::from_millis(millis), nth));
        assert!(keys.is_sorted());
    }
}
