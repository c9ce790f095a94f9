//! Signing in by a tenant's own identity provider: which one it is, whom it vouched for, and who is on the way.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Kept, OfUser, PLAIN, Subject, Table};
use crate::domain::ids::digest16;
use crate::domain::roles::Role;
use crate::domain::{Issuer, TenantId, Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where providers are declared.
pub const SIGN_IN_PROVIDER: Table = Table {
    name: "sign_in_provider",
    says: "the identity provider by which a tenant's people sign in, and the roles that it gives",
    key: "tenant",
    subject: Subject::Tenant,
    personal: &["client_secret"],
    secret: &["client_secret"],
    ..PLAIN
};

/// Where those are whom a provider vouched for.
pub const SIGN_IN_IDENTITY: Table = Table {
    name: "sign_in_identity",
    says: "the user whom a tenant's provider means; the provider's name for the person as a digest",
    key: "tenant · digest of issuer and subject",
    subject: Subject::User,
    // What is listed may have turned out to be another user's.
    of_user: OfUser::Shared(
        |known| {
            let accounts = known.user.provider_accounts.iter();
            accounts.map(ProviderAccount::key).collect()
        },
        |known, row| serde_json::from_slice::<SignInIdentity>(row).is_ok_and(|row| row.user == known.user.id),
    ),
    ..PLAIN
};

/// Where sign-ins are that went to a provider and did not come back yet.
pub const SIGN_IN_ATTEMPT: Table = Table {
    name: "sign_in_attempt",
    says: "a browser that was sent to a tenant's provider, for ten minutes, and who connects an account; its cookie as a hash",
    key: "hash of the state",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Nobody,
    personal: &["nonce", "verifier"],
    secret: &["nonce", "verifier"],
    ..PLAIN
};

/// Who gets in by a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPeople {
    /// Whoever the provider gives a role: an account is made at the first sign-in.
    Provisioned,
    /// Members of the team alone, who connected their account.
    Refused,
}

/// A tenant's identity provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInProvider {
    /// Which one.
    pub issuer: Issuer,
    /// What it calls this gateway.
    pub client_id: String,
    /// What this gateway proves that with; `None` for a public client.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_secret: Option<String>,
    /// Scopes that are asked for beside `openid`, `email` and `profile`.
    pub scopes: Vec<String>,
    /// The claim that holds a person's groups or roles.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub roles_claim: Option<String>,
    /// The role of those who are in a group.
    pub roles: BTreeMap<String, Role>,
    /// The role of everybody else; `None` refuses them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub other_role: Option<Role>,
    /// Whether people are let in who are new.
    pub new_people: NewPeople,
    /// Since when it is so.
    pub changed: Timestamp,
    /// Since when it is this client of this issuer. Sessions that it opened name it: one that is set again opens none of them again.
    pub since: Timestamp,
}

/// Secrets do not belong into logs.
impl fmt::Debug for SignInProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignInProvider({})", self.issuer)
    }
}

impl SignInProvider {
    /// That of a tenant.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&SIGN_IN_PROVIDER, tenant).row(&[])
    }

    /// Whether it gives this role to anybody.
    pub fn gives(&self, role: Role) -> bool {
        self.other_role == Some(role) || self.roles.values().any(|given| *given == role)
    }
}

impl PlainRow for SignInProvider {
    const TABLE: &'static Table = &SIGN_IN_PROVIDER;
}

/// An account at the provider of a tenant's, by what the provider calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderAccount {
    /// For whom the provider vouches.
    pub tenant: TenantId,
    /// Of the provider and its name for the person.
    pub digest: [u8; 16],
}

impl ProviderAccount {
    /// The one with this name.
    pub fn named(tenant: TenantId, issuer: &Issuer, subject: &str) -> Self {
        let (issuer, subject) = (issuer.as_str().as_bytes(), subject.as_bytes());
        Self {
            tenant,
            digest: digest16(&[b"sign-in identity", issuer, subject]),
        }
    }

    /// Where it stands whom the provider means by it.
    pub fn key(&self) -> PlainKey {
        Partition::of_tenant(&SIGN_IN_IDENTITY, self.tenant).row(&self.digest)
    }
}

/// Whom a provider means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInIdentity {
    /// The user.
    pub user: UserId,
    /// When the user was let into the team, or connected the account. Whoever was in the team once and left it is not let in again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admitted: Option<Timestamp>,
    /// When the account ended that the provider had made, because its last team let the user go: the provider alone makes no other one.
    /// It means nobody any more, until somebody connects it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Timestamp>,
}

impl SignInIdentity {
    /// What is left of it once the account ended that the provider had made: it names no user.
    pub fn ended(self, at: Timestamp) -> Self {
        Self {
            user: UserId::from_bytes([0; 16]),
            ended: Some(at),
            ..self
        }
    }
}

impl PlainRow for SignInIdentity {
    const TABLE: &'static Table = &SIGN_IN_IDENTITY;
}

/// A browser that was sent to a provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInAttempt {
    /// For which tenant.
    pub tenant: TenantId,
    /// To which provider.
    pub issuer: Issuer,
    /// As which client.
    pub client_id: String,
    /// The token in the browser's cookie.
    pub browser: KeyHash,
    /// What the provider has to repeat.
    pub nonce: String,
    /// The secret of PKCE.
    pub verifier: String,
    /// The user who connects an account; `None` for somebody who signs in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connects: Option<UserId>,
    /// The generation of that user's password: a new one ends what was begun with the old one.
    pub generation: u32,
    /// The session by which it came back. It comes back once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub returned: Option<KeyHash>,
    /// From when on it is refused.
    pub expires: Timestamp,
}

/// Secrets do not belong into logs.
impl fmt::Debug for SignInAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignInAttempt({})", self.tenant)
    }
}

impl SignInAttempt {
    /// The one with this state.
    pub fn at(state: KeyHash) -> PlainKey {
        Partition::of(&SIGN_IN_ATTEMPT, &state.0).row(&[])
    }
}

impl PlainRow for SignInAttempt {
    const TABLE: &'static Table = &SIGN_IN_ATTEMPT;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}
