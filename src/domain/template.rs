//! Message templates as the business knows them: which one, and how it stands with Meta.

use serde::{Deserialize, Serialize};

use super::ids::{TemplateId, WabaId, digest16};

/// What names a template at Meta.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName {
    /// The account.
    pub waba: WabaId,
    /// The name, the same in all languages.
    pub name: String,
    /// The language, as Meta writes it: `en_US`.
    pub language: String,
}

impl TemplateName {
    /// Names one. Some of Meta's webhooks, and some callers, write `en-US`.
    pub fn new(waba: WabaId, name: impl Into<String>, language: &str) -> Self {
        Self {
            waba,
            name: name.into(),
            language: language.replace('-', "_"),
        }
    }

    /// The id under which the gateway keeps it. Those of one account begin alike, so that they stand together.
    pub fn id(&self) -> TemplateId {
        let mut id = digest16(&[
            b"template",
            self.waba.as_str().as_bytes(),
            self.name.as_bytes(),
            self.language.as_bytes(),
        ]);
        for (byte, first) in id.iter_mut().zip(Self::first_of(&self.waba)) {
            *byte = first;
        }
        TemplateId::from_bytes(id)
    }

    /// What the ids of an account's templates begin with. Another account's may begin so, too.
    pub fn first_of(waba: &WabaId) -> [u8; 4] {
        let [first, second, third, fourth, ..] = digest16(&[b"template account", waba.as_str().as_bytes()]);
        [first, second, third, fourth]
    }
}

/// How it stands with Meta.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateStatus {
    /// It may be sent.
    Approved,
    /// Meta reviews it.
    Pending,
    /// Meta refused it.
    Rejected,
    /// Customers do not like it; it comes back by itself, or by hand.
    Paused,
    /// It was paused too often, for good.
    Disabled,
    /// The business objects to Meta's refusal.
    InAppeal,
    /// The account has too many.
    LimitExceeded,
    /// It is being deleted.
    PendingDeletion,
    /// It is gone.
    Deleted,
    /// It was not used for twelve months.
    Archived,
    /// What this version does not know.
    Other(String),
}

impl TemplateStatus {
    /// As Meta writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Approved => "APPROVED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
            Self::InAppeal => "IN_APPEAL",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::PendingDeletion => "PENDING_DELETION",
            Self::Deleted => "DELETED",
            Self::Archived => "ARCHIVED",
            Self::Other(text) => text,
        }
    }

    /// Whether a message with it is refused for sure. What this version does not know is for Meta to refuse.
    pub const fn is_refused(&self) -> bool {
        !matches!(self, Self::Approved | Self::Other(_))
    }
}

impl From<&str> for TemplateStatus {
    fn from(text: &str) -> Self {
        let text = text.to_ascii_uppercase();
        match text.as_str() {
            "APPROVED" => Self::Approved,
            "PENDING" => Self::Pending,
            "REJECTED" => Self::Rejected,
            "PAUSED" => Self::Paused,
            "DISABLED" => Self::Disabled,
            "IN_APPEAL" => Self::InAppeal,
            "LIMIT_EXCEEDED" => Self::LimitExceeded,
            "PENDING_DELETION" => Self::PendingDeletion,
            "DELETED" => Self::Deleted,
            "ARCHIVED" => Self::Archived,
            _ => Self::Other(text),
        }
    }
}

impl Serialize for TemplateStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TemplateStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_one_id_however_its_language_is_written() {
        let named = |language: &str| TemplateName::new(WabaId::parse("1").unwrap(), "a", language);
        assert_eq!(named("en-US").id(), named("en_US").id());
        assert_ne!(named("en").id(), named("en_US").id());
        let other = TemplateName::new(WabaId::parse("2").unwrap(), "a", "en_US");
        assert_ne!(other.id(), named("en_US").id());
        let first = TemplateName::first_of(&WabaId::parse("1").unwrap());
        assert!(named("en").id().as_bytes().starts_with(&first));
        assert!(named("en_US").id().as_bytes().starts_with(&first));
        assert!(!other.id().as_bytes().starts_with(&first));
    }

    #[test]
    fn a_status_is_kept_as_meta_writes_it() {
        for text in ["APPROVED", "PAUSED", "IN_APPEAL", "PENDING_DELETION", "FLAGGED"] {
            let status = TemplateStatus::from(text);
            assert_eq!(status.as_str(), text);
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<TemplateStatus>(&json).unwrap(), status);
        }
        assert!(TemplateStatus::Paused.is_refused() && !TemplateStatus::from("FLAGGED").is_refused());
    }
}
