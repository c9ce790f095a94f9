//! Places in a list of contacts, handed to callers as opaque texts. Like those of conversations they open nothing: their check
//! makes sure that one is used for the list that it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::error::ApiError;
use crate::domain::ids::digest16;
use crate::domain::{ContactId, ConversationId, TenantId, TermPlace, Timestamp};
use crate::store::ConversationCursor;

const CHECK: usize = 8;

/// A list: whose, and what was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) tenant: TenantId,
    /// All parameters that decide who is on it.
    pub(super) asked: &'a str,
}

impl List<'_> {
    fn check(self, place: &[u8]) -> [u8; CHECK] {
        let full = digest16(&[
            b"contacts",
            &self.tenant.get().to_be_bytes(),
            self.asked.as_bytes(),
            place,
        ]);
        full.first_chunk().copied().unwrap_or_default()
    }

    fn text(self, place: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([place, &self.check(place)].concat())
    }

    fn bytes(self, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (place, check) = bytes.split_last_chunk::<CHECK>()?;
        (*check == self.check(place)).then(|| place.to_vec())
    }

    /// Writes a place under a term.
    pub(super) fn write(self, place: &TermPlace) -> String {
        self.text(&[place.contact.as_bytes(), place.order.as_slice()].concat())
    }

    /// Reads one.
    pub(super) fn read(self, text: &str) -> Result<TermPlace, ApiError> {
        let place = || {
            let bytes = self.bytes(text)?;
            let (contact, order) = bytes.split_first_chunk()?;
            Some(TermPlace {
                order: order.to_vec(),
                contact: ContactId::from_bytes(*contact),
            })
        };
        place().ok_or_else(wrong)
    }

    /// Writes a place in the list of conversations.
    pub(super) fn write_activity(self, place: ConversationCursor) -> String {
        let at = place.last_activity.as_millis().to_be_bytes();
        self.text(&[place.conversation.as_bytes(), &at[..]].concat())
    }

    /// Reads one.
    pub(super) fn read_activity(self, text: &str) -> Result<ConversationCursor, ApiError> {
        let place = || {
            let bytes = self.bytes(text)?;
            let (conversation, at) = bytes.split_first_chunk()?;
            Some(ConversationCursor {
                last_activity: Timestamp::from_millis(i64::from_be_bytes(at.try_into().ok()?)),
                conversation: ConversationId::from_bytes(*conversation),
            })
        };
        place().ok_or_else(wrong)
    }
}

fn wrong() -> ApiError {
    ApiError::invalid("`cursor` must be a `next_cursor` of the same list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_for_the_list_that_it_came_from_alone() {
        let list = |tenant, asked| List {
            tenant: TenantId::new(tenant),
            asked,
        };
        let place = TermPlace {
            order: b"ana".to_vec(),
            contact: ContactId::from_bytes([7; 16]),
        };
        let activity = ConversationCursor {
            last_activity: Timestamp::from_secs(9),
            conversation: ConversationId::from_bytes([7; 16]),
        };
        let text = list(1, "sort=name").write(&place);
        assert_eq!(list(1, "sort=name").read(&text).unwrap(), place);
        let other = list(1, "x").write_activity(activity);
        assert_eq!(list(1, "x").read_activity(&other).unwrap(), activity);
        assert!(list(2, "sort=name").read(&text).is_err());
        assert!(list(1, "").read(&text).is_err());
        for slip in ["", "x", &text[1..], &format!("{text}AA")] {
            assert!(list(1, "sort=name").read(slip).is_err(), "{slip}");
            assert!(list(1, "x").read_activity(slip).is_err(), "{slip}");
        }
    }
}
