//! Who is who: tenants, their numbers and keys.

use std::fmt;

use ring::digest;
use serde::{Deserialize, Serialize};

use crate::domain::quota::Quotas;
use crate::domain::{OptOutWords, PhoneNumberId, Retention, SendRate, TenantId, Timestamp, UserId, WabaId};

/// A business account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// How long its messages are kept.
    pub retention: Retention,
    /// When it was created.
    pub created: Timestamp,
    /// Where the business says that its customers' data may be processed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// Whom customers are told to ask about their data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub privacy_contact: Option<String>,
    /// By which words its customers stop marketing, instead of those that are built in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opt_out_words: Option<OptOutWords>,
    /// What an operator set for it, beside the settings.
    #[serde(skip_serializing_if = "Quotas::is_empty", default)]
    pub quotas: Quotas,
}

impl Tenant {
    /// One that said nothing about itself yet.
    pub fn new(id: TenantId, name: impl Into<String>, retention: Retention, created: Timestamp) -> Self {
        Self {
            id,
            name: name.into(),
            retention,
            created,
            region: None,
            privacy_contact: None,
            opt_out_words: None,
            quotas: Quotas::default(),
        }
    }
}

/// Graph's access token for a number. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessToken(String);

impl AccessToken {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token, for the Authorization header alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// A WhatsApp business phone number of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// Meta's id.
    pub id: PhoneNumberId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The account that holds it.
    pub waba: WabaId,
    /// The app that it belongs to: a name from `whatsapp.apps`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app: Option<String>,
    /// As people write it.
    pub display: String,
    /// What Meta allows it, inbound and outbound together.
    pub rate: SendRate,
    /// Graph's token for it.
    pub access_token: AccessToken,
}

/// Whose a number is: what is known of it while its tenant rests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NumberOwner {
    /// Meta's id of the number.
    pub id: PhoneNumberId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The account that holds it.
    pub waba: WabaId,
    /// The app that it belongs to.
    #[serde(default)]
    pub app: Option<String>,
}

impl From<Number> for NumberOwner {
    fn from(number: Number) -> Self {
        Self {
            id: number.id,
            tenant: number.tenant,
            waba: number.waba,
            app: number.app,
        }
    }
}

/// SHA-256 of an API key. Keys are random and long, so that a slow hash would add nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// Hashes a key as it is presented.
    pub fn of(presented: &str) -> Self {
        let mut out = [0_u8; 32];
        let full = digest::digest(&digest::SHA256, presented.as_bytes());
        out.iter_mut()
            .zip(full.as_ref())
            .for_each(|(slot, byte)| *slot = *byte);
        Self(out)
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Send messages and change conversations.
    Send,
    /// Read conversations and messages.
    Read,
    /// Let agents connect: make tickets. On their sockets they may do what the key may.
    Agents,
    /// Act as an agent whom it names, also as a member of the team: as the author, and on tickets.
    ActAs,
}

impl Scope {
    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Agents => "agents",
            Self::ActAs => "act_as",
        }
    }
}

/// A program's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Hash of the secret.
    pub hash: KeyHash,
    /// The public part, shown in lists and as the author of messages.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created: Timestamp,
    /// Which member made it; an operator when nobody is named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_by: Option<UserId>,
    /// Since when it is refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<Timestamp>,
    /// From when on it is refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it lets anybody in at this time.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_of_an_earlier_version_is_read_and_written_as_it_was() {
        let stored =
            r#"{"id":"00ff00ff00ff00ff","name":"Toko Maju","retention":365,"created":1800000000000}"#;
        let tenant: Tenant = serde_json::from_str(stored).unwrap();
        assert_eq!((&tenant.region, &tenant.privacy_contact), (&None, &None));
        assert!(tenant.quotas.is_empty());
        assert_eq!(serde_json::to_string(&tenant).unwrap(), stored);
    }
}
