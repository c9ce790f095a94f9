//! What one tenant has in a webhook of several, as an entry of its own: another process has that tenant, and applies it apart
//! from the rest.

use bytes::Bytes;

use super::signed;
use crate::actors::port::Signer;
use crate::domain::ids::digest16;
use crate::domain::{JournalId, TenantId};
use crate::store::JournalEntry;
use crate::whatsapp::Element;

/// An element of an entry, for one of its owners.
pub(super) fn of(
    entry: &JournalEntry,
    signer: &Signer,
    (index, element): (usize, &Element),
    owner: TenantId,
) -> JournalEntry {
    let body: Bytes = signed::seal(signer, element.to_single_webhook());
    JournalEntry {
        id: id_of(entry.id, index, owner),
        received: entry.received,
        body: signed::seal_for(owner, &body),
    }
}

/// Beside its entry and before what came later, elements in order; the same whenever it is split again.
fn id_of(entry: JournalId, index: usize, owner: TenantId) -> JournalId {
    let place = u16::try_from(index).unwrap_or(u16::MAX).to_be_bytes();
    let index = u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes();
    let tail = digest16(&[entry.as_bytes(), &index, &owner.get().to_be_bytes()]);
    let mut bytes = *entry.as_bytes();
    bytes
        .iter_mut()
        .skip(8)
        .zip(place.into_iter().chain(tail))
        .for_each(|(slot, byte)| *slot = byte);
    JournalId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::ids::JournalIds;
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn parts_stand_in_order_before_what_came_later_and_have_ids_of_their_own() {
        let ids = JournalIds::new(u64::MAX);
        let now = Timestamp::from_secs(1_800_000_000);
        let (entry, later) = (ids.next(now), ids.next(now));
        let [one, two] = [1, 2].map(TenantId::new);
        let first = id_of(entry, 0, one);
        assert_eq!(first, id_of(entry, 0, one));
        assert_ne!(first, id_of(entry, 0, two));
        assert!(first < id_of(entry, 1, one) && id_of(entry, 1, one) < id_of(entry, 300, one));
        assert!(id_of(entry, usize::MAX, one) < later);
        assert_ne!(first, entry);
    }
}
