//! Businesses that are about to open an account, and who may.

use serde::{Deserialize, Serialize};

use super::{AcceptedPolicy, Kept, OfUser, PLAIN, Subject, Table};
use crate::domain::email::EmailAddress;
use crate::domain::network::WideNetwork;
use crate::domain::phone::Phone;
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where sign-ups are declared.
pub const SIGN_UP: Table = Table {
    name: "sign_up",
    says: "a business that signs up and has not set a password yet; gone when it has",
    key: "hash of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    personal: &["email", "name", "phone", "business", "network"],
    secret: &["invitation"],
    // Who signs up has no account yet, but may get one by an invitation into a team before the row ends.
    of_user: OfUser::Among(SignUp::all, |known, row| {
        serde_json::from_slice::<SignUp>(row).is_ok_and(|row| row.email == known.user.email)
    }),
    ..PLAIN
};

/// Where invitations to sign up are.
pub const SIGN_UP_INVITATION: Table = Table {
    name: "sign_up_invitation",
    says: "an operator's invitation to sign up, and which sign-up used it",
    key: "hash of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    personal: &["email"],
    secret: &["used_by"],
    of_user: OfUser::Among(SignUpInvitation::all, |known, row| {
        serde_json::from_slice::<SignUpInvitation>(row)
            .is_ok_and(|row| row.email.as_ref() == Some(&known.user.email))
    }),
    ..PLAIN
};

/// A business that signs up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    /// What its first owner signs in with.
    pub email: EmailAddress,
    /// What colleagues see.
    pub name: String,
    /// The owner's phone number.
    pub phone: Phone,
    /// What the business is called.
    pub business: String,
    /// The policy that the owner accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<AcceptedPolicy>,
    /// By which invitation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invitation: Option<KeyHash>,
    /// From where, to bound how many wait of one network.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network: Option<WideNetwork>,
    /// From when on its link is refused.
    pub expires: Timestamp,
    /// Chosen when the link is followed first: whoever goes on after a stop makes nothing twice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ids: Option<SignUpIds>,
}

/// Whom a sign-up makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUpIds {
    /// The business.
    pub tenant: TenantId,
    /// Its first owner.
    pub user: UserId,
}

impl SignUp {
    /// All of them: they are counted.
    pub fn all() -> Partition {
        Partition::of(&SIGN_UP, &[])
    }

    /// The one with this token.
    pub fn at(token: KeyHash) -> PlainKey {
        Self::all().row(&token.0)
    }
}

impl PlainRow for SignUp {
    const TABLE: &'static Table = &SIGN_UP;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

/// An invitation to sign up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUpInvitation {
    /// For this address alone; anybody's when nobody is named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<EmailAddress>,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// The sign-up that used it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub used_by: Option<KeyHash>,
}

impl SignUpInvitation {
    /// All of them: those of one address are looked for.
    pub fn all() -> Partition {
        Partition::of(&SIGN_UP_INVITATION, &[])
    }

    /// The one with this token.
    pub fn at(token: KeyHash) -> PlainKey {
        Self::all().row(&token.0)
    }

    /// Whether somebody may sign up by it.
    pub fn admits(&self, email: &EmailAddress) -> bool {
        self.used_by.is_none() && self.email.as_ref().is_none_or(|only| only == email)
    }
}

impl PlainRow for SignUpInvitation {
    const TABLE: &'static Table = &SIGN_UP_INVITATION;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}
