//! What an entry says of what was asked for: a few fields of the body, each of a type that holds no text.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::quota::Quota;
use crate::domain::{AuditAction, PhoneNumberId, Retention};
use crate::store::tables::{AuditDetails, AuditTarget, AuditTargetKind};

/// What of a body belongs into the entry. What cannot be read is left out: the handler refuses it.
pub(super) fn asked(action: AuditAction, body: &[u8]) -> (AuditDetails, Option<AuditTarget>) {
    let mut details = AuditDetails::default();
    let mut target = None;
    let fields = Fields::of(body);
    match action {
        AuditAction::RoleChanged | AuditAction::InvitationMade => details.role = fields.read("role"),
        AuditAction::TenantCreated => details.days = fields.days("retention_days"),
        AuditAction::RetentionChanged => details.days = fields.days("days"),
        AuditAction::KeyCreated => {
            details.scopes = fields.read("scopes").unwrap_or_default();
            details.days = fields.read("expires_days");
        }
        AuditAction::OperatorAdded => {
            details.operator_role = fields.read("role");
            details.days = fields.read("expires_days");
        }
        AuditAction::OwnershipHandedOver => {
            let user = fields.read::<String>("user_id");
            target = user.and_then(|user| AuditTarget::of(AuditTargetKind::User, &user));
        }
        AuditAction::QuotasChanged => {
            for quota in *Quota::ALL {
                details.quotas.set(quota, fields.read(quota.as_str()));
            }
        }
        AuditAction::SubscriptionChanged => details.subscription = fields.read("state"),
        AuditAction::NumberWritten => {
            let number = fields.read::<PhoneNumberId>("phone_number_id");
            target = number.and_then(|number| AuditTarget::of(AuditTargetKind::Number, number.as_str()));
        }
        AuditAction::QuarantineReplayed => {
            let ids = fields.read::<Vec<Value>>("ids");
            details.count = ids.and_then(|ids| u32::try_from(ids.len()).ok());
        }
        _ => {}
    }
    (details, target)
}

struct Fields(Map<String, Value>);

impl Fields {
    fn of(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).unwrap_or_default())
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0
            .get(name)
            .and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    fn days(&self, name: &str) -> Option<u32> {
        self.read::<Retention>(name).map(Retention::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::roles::Role;

    #[test]
    fn only_what_is_no_text_is_taken_from_a_body() {
        let body = br#"{"role":"admin","email":"ana@example.com","name":"Ana","password":"kopi"}"#;
        for action in AuditAction::ALL {
            let (details, target) = asked(*action, body);
            let text = format!("{} {target:?}", serde_json::to_string(&details).unwrap());
            for word in ["ana", "Ana", "kopi"] {
                assert!(!text.contains(word), "{action}: {text}");
            }
        }
        let (details, _) = asked(AuditAction::RoleChanged, body);
        assert_eq!(details.role, Some(Role::Admin));
        let number = br#"{"phone_number_id":"106540352242922","access_token":"secret"}"#;
        let (_, target) = asked(AuditAction::NumberWritten, number);
        assert_eq!(
            target,
            AuditTarget::of(AuditTargetKind::Number, "106540352242922")
        );
        // What is no JSON, or of another type, is refused elsewhere.
        for body in [b"".as_slice(), b"[]", b"{\"role\":7}", b"{\"role\":\"king\"}"] {
            assert_eq!(asked(AuditAction::RoleChanged, body).0, AuditDetails::default());
        }
    }
}
