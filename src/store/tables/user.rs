//! People who sign in, found by id and by e-mail address.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Kept, OfUser, PLAIN, ProviderAccount, Subject, Table};
use crate::domain::email::EmailAddress;
use crate::domain::phone::Phone;
use crate::domain::{Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where users are declared.
pub const USER: Table = Table {
    name: "user",
    says: "a person who signs in: e-mail address, name, phone, accepted policy, the password as an argon2id hash, and the second factor: \
           its secret, which is readable, and hashes of recovery codes",
    key: "user",
    subject: Subject::User,
    personal: &[
        "email",
        "name",
        "phone",
        "password",
        "second_factor",
        "pending_factor",
        "email_change",
    ],
    secret: &[
        "password",
        "reset",
        "second_factor",
        "pending_factor",
        "email_change",
    ],
    of_user: OfUser::WithId,
    ..PLAIN
};

/// Where their addresses are.
pub const USER_EMAIL: Table = Table {
    name: "user_email",
    says: "the user that an e-mail address belongs to; the address as a digest",
    key: "digest of the address",
    subject: Subject::User,
    // Once it is removed somebody else may get the address, while the erasure goes on.
    of_user: OfUser::Shared(
        |known| vec![UserEmail::at(&known.user.email)],
        |known, row| serde_json::from_slice::<UserEmail>(row).is_ok_and(|row| row.user == known.user.id),
    ),
    ..PLAIN
};

/// Where links that confirm another address are.
pub const EMAIL_CHANGE: Table = Table {
    name: "email_change",
    says: "whose a link to another e-mail address is; the user's row says whether it still holds",
    key: "hash of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    of_user: OfUser::Named(|known| {
        let change = known.user.email_change.iter();
        change.map(|change| EmailChangeLink::at(change.token)).collect()
    }),
    ..PLAIN
};

/// A person who signs in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// What the person signs in with.
    pub email: EmailAddress,
    /// What colleagues see.
    pub name: String,
    /// The password, as a PHC string.
    pub password: String,
    /// How often what opens the account was replaced: sessions of another generation are over.
    #[serde(default)]
    pub generation: u32,
    /// The one link by which a new password may be set; the token as a hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reset: Option<Reset>,
    /// What signing in asks for beside the password.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub second_factor: Option<SecondFactor>,
    /// The secret of one that is not used until a code has shown that the person's app knows it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pending_factor: Option<TotpSecret>,
    /// The person's own phone number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Phone>,
    /// The policy that the person accepted last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<AcceptedPolicy>,
    /// The one link by which another address may be confirmed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email_change: Option<EmailChange>,
    /// Accounts at tenants' identity providers by which the person signs in.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub provider_accounts: Vec<ProviderAccount>,
    /// Since when the account is there.
    pub created: Timestamp,
    /// Since when it is being erased: nobody signs in any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closing: Option<Timestamp>,
}

/// Names, addresses and hashes do not belong into logs.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({})", self.id)
    }
}

/// A link to a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Its token.
    pub token: KeyHash,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// When it was made; not known of links of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub made: Option<Timestamp>,
}

/// A policy that somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedPolicy {
    /// Its version.
    pub version: String,
    /// When.
    pub accepted: Timestamp,
}

/// An address that a user wants, and the link that confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// The address.
    pub email: EmailAddress,
    /// The link's token.
    pub token: KeyHash,
    /// From when on it is refused.
    pub expires: Timestamp,
}

/// What an authenticator app and the gateway both know, in base32. It has to be readable: codes are computed from it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TotpSecret(pub String);

/// A second factor: codes by the time (RFC 6238), and recovery codes for who lost the app.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// What the codes are computed from.
    pub secret: TotpSecret,
    /// The latest step of time whose code was used: it and earlier ones are refused.
    pub used_step: u64,
    /// For which new token a code was used last. Two who use one code at the same moment so write different rows, and one of them is
    /// refused; else the second would find what it wants.
    pub used_for: KeyHash,
    /// Recovery codes that were not used yet.
    pub recovery: Vec<KeyHash>,
}

impl User {
    /// A person who has just come, without anything that would let somebody in.
    pub fn new(id: UserId, email: EmailAddress, name: String, created: Timestamp) -> Self {
        Self {
            id,
            email,
            name,
            password: String::new(),
            generation: 0,
            reset: None,
            second_factor: None,
            pending_factor: None,
            phone: None,
            policy: None,
            email_change: None,
            provider_accounts: Vec::new(),
            created,
            closing: None,
        }
    }

    /// One of them.
    pub fn at(id: UserId) -> PlainKey {
        Partition::of(&USER, id.as_bytes()).row(&[])
    }
}

impl PlainRow for User {
    const TABLE: &'static Table = &USER;
}

/// Whose an address is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEmail {
    /// Whose.
    pub user: UserId,
    /// The link by which that user got it; `None` for the first address of an account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<KeyHash>,
}

impl UserEmail {
    /// The row of an address.
    pub fn at(email: &EmailAddress) -> PlainKey {
        Partition::of(&USER_EMAIL, &email.key()).row(&[])
    }
}

impl PlainRow for UserEmail {
    const TABLE: &'static Table = &USER_EMAIL;
}

/// A link to another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChangeLink {
    /// Whose.
    pub user: UserId,
    /// From when on it is refused.
    pub expires: Timestamp,
}

impl EmailChangeLink {
    /// The one with this token.
    pub fn at(token: KeyHash) -> PlainKey {
        Partition::of(&EMAIL_CHANGE, &token.0).row(&[])
    }
}

impl PlainRow for EmailChangeLink {
    const TABLE: &'static Table = &EMAIL_CHANGE;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_first_versions_are_read() {
        let digits = "0".repeat(32);
        let user = format!(
            "{{\"id\":\"{digits}\",\"email\":\"ana@example.com\",\"name\":\"Ana\",\"password\":\"x\",\"created\":1}}"
        );
        let user = serde_json::from_str::<User>(&user).unwrap();
        assert_eq!((user.phone, user.policy, user.email_change), (None, None, None));
        let claim = serde_json::from_str::<UserEmail>(&format!("{{\"user\":\"{digits}\"}}")).unwrap();
        assert_eq!(claim.link, None);
        // What is not there is not written: rows are compared as they were read.
        assert_eq!(
            serde_json::to_string(&claim).unwrap(),
            format!("{{\"user\":\"{digits}\"}}")
        );
    }
}
