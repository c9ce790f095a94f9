//! Places in a list, handed to callers as opaque texts.
//!
//! A cursor opens nothing: rows are read with the caller's own tenant whatever it says. Its check only makes sure that
//! a cursor is used where it came from: the same tenant, the same filter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ApiError;
use crate::domain::ids::digest16;
use crate::domain::{ConversationId, TenantId, Timestamp};
use crate::store::{ConversationCursor, ConversationFilter};

const ACTIVITY: usize = 8;
const PLACE: usize = ACTIVITY + 16;
const CHECK: usize = 8;

/// Writes a place in a conversation list.
pub(super) fn write(tenant: TenantId, filter: &ConversationFilter, cursor: ConversationCursor) -> String {
    let mut bytes = Vec::with_capacity(PLACE + CHECK);
    bytes.extend_from_slice(&cursor.last_activity.as_millis().to_be_bytes());
    bytes.extend_from_slice(cursor.conversation.as_bytes());
    let check = check(tenant, filter, &bytes);
    bytes.extend_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a place that [`write()`] wrote for the same tenant and filter.
pub(super) fn read(
    tenant: TenantId,
    filter: &ConversationFilter,
    text: &str,
) -> Result<ConversationCursor, ApiError> {
    let place = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (place, sum) = bytes.split_at_checked(PLACE)?;
        let (activity, conversation) = place.split_first_chunk::<ACTIVITY>()?;
        (sum == check(tenant, filter, place)).then_some(())?;
        Some(ConversationCursor {
            last_activity: Timestamp::from_millis(i64::from_be_bytes(*activity)),
            conversation: ConversationId::from_bytes(conversation.try_into().ok()?),
        })
    };
    place().ok_or_else(|| ApiError::invalid("`cursor` must be a `next_cursor` of the same list"))
}

fn check(tenant: TenantId, filter: &ConversationFilter, place: &[u8]) -> [u8; CHECK] {
    let status = serde_json::to_vec(&filter.status).unwrap_or_default();
    let number = filter.number.as_ref().map_or("", |number| number.as_str());
    let full = digest16(&[
        b"cursor",
        &tenant.get().to_be_bytes(),
        &status,
        number.as_bytes(),
        place,
    ]);
    full.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ConversationStatus;

    #[test]
    fn a_cursor_works_only_for_the_tenant_and_the_filter_that_it_came_from() {
        let filter = ConversationFilter {
            status: Some(ConversationStatus::Open),
            number: None,
        };
        let place = ConversationCursor {
            last_activity: Timestamp::from_millis(1_700_000_000_123),
            conversation: ConversationId::from_bytes([7; 16]),
        };
        let (mine, other) = (TenantId::new(1), TenantId::new(2));
        let text = write(mine, &filter, place);
        assert_eq!(read(mine, &filter, &text).unwrap(), place);
        assert!(read(other, &filter, &text).is_err());
        assert!(read(mine, &ConversationFilter::default(), &text).is_err());
        for slip in [
            "",
            "x",
            &text[1..],
            &format!("{text}AA"),
            &text.replace(char::is_uppercase, "_"),
        ] {
            assert!(read(mine, &filter, slip).is_err(), "{slip}");
        }
    }
}
