//! People who sign in, found by id and by e-mail address.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::email::EmailAddress;
use crate::domain::{Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where users are declared.
pub const USER: Table = Table {
    name: "user",
    says: "a person who signs in: e-mail address, name, and the password as an argon2id hash",
    key: "user",
    subject: Subject::User,
    personal: &["email", "name", "password"],
    ..PLAIN
};

/// Where their addresses are.
pub const USER_EMAIL: Table = Table {
    name: "user_email",
    says: "the user that an e-mail address belongs to; the address as a digest",
    key: "digest of the address",
    subject: Subject::User,
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
    /// How often the password was replaced: sessions of another generation are over.
    #[serde(default)]
    pub generation: u32,
    /// The one link by which a new password may be set; the token as a hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reset: Option<Reset>,
    /// Since when the account is there.
    pub created: Timestamp,
}

/// A link to a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Its token.
    pub token: KeyHash,
    /// From when on it is refused.
    pub expires: Timestamp,
}

impl User {
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
