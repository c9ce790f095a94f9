//! Putting aside what cannot be applied, each element by itself.

use crate::domain::JournalId;
use crate::domain::ids::digest16;
use crate::store::{JournalEntry, Quarantined, Store, StoreError};
use crate::telemetry::labels::QuarantineReason;
use crate::telemetry::{Label as _, metrics};
use crate::whatsapp::webhook;

use super::signed;

/// What of an entry is put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// All of it.
    Whole,
    /// The element that stands there.
    Element(usize),
}

/// Puts a body aside under an id of its own.
pub(super) async fn put(
    store: &dyn Store,
    entry: &JournalEntry,
    what: What,
    reason: QuarantineReason,
    body: bytes::Bytes,
) -> Result<(), StoreError> {
    let item = Quarantined {
        id: match what {
            What::Whole => entry.id,
            What::Element(index) => id_of(entry.id, index),
        },
        at: entry.received,
        reason: reason.label().to_owned(),
        body,
    };
    let put = store.quarantine(item).await;
    match &put {
        Ok(()) => metrics::quarantined_total(reason).increment(1),
        Err(error) => tracing::warn!(journal.id = %entry.id, error = %error, "cannot put an element aside"),
    }
    put
}

/// Puts aside what of an entry can never be applied: these elements, or all of it where nobody knows which.
pub(super) async fn put_poison(
    store: &dyn Store,
    id: JournalId,
    elements: &[usize],
) -> Result<(), StoreError> {
    const REASON: QuarantineReason = QuarantineReason::Poison;
    let Some(entry) = store.journal_read(vec![id]).await?.pop() else {
        return Ok(());
    };
    if elements.is_empty() {
        return put(store, &entry, What::Whole, REASON, entry.body.clone()).await;
    }
    let (signer, body) = signed::open(&entry.body);
    let all = webhook::parse(&body).unwrap_or_default().elements;
    for (index, element) in all.into_iter().enumerate() {
        if elements.contains(&index) {
            let body = signed::seal(&signer, element.to_single_webhook());
            put(store, &entry, What::Element(index), REASON, body).await?;
        }
    }
    Ok(())
}

/// Time-ordered like its entry, and the same whenever the entry is applied again.
fn id_of(entry: JournalId, index: usize) -> JournalId {
    let index = u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes();
    let tail = digest16(&[entry.as_bytes(), &index]);
    let mut bytes = *entry.as_bytes();
    bytes
        .iter_mut()
        .zip(tail)
        .skip(8)
        .for_each(|(slot, byte)| *slot = byte);
    JournalId::from_bytes(bytes)
}
