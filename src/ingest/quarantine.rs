//! Putting aside what cannot be applied, each element by itself.

use std::time::Duration;

use crate::actors::port::Signer;
use crate::domain::ids::digest16;
use crate::domain::message::Amendment;
use crate::domain::{Alias, JournalId, MessageId, Timestamp};
use crate::store::{JournalEntry, Quarantined, Store, StoreError};
use crate::telemetry::labels::QuarantineReason;
use crate::telemetry::{Label as _, metrics};
use crate::whatsapp::{Element, IncomingMessage, webhook};

use super::signed;

/// Authors take back what is two days old at most. Source: Cloud API, Revoke messages webhooks (2026).
const TAKEN_BACK_WITHIN: Duration = Duration::from_hours(3 * 24);
/// Elements read together, and how often that is done for one message.
const PAGE: usize = 64;
const PAGES: usize = 8;

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

/// Removes what was put aside of a message that its author takes back, told by the same app. Looks at what came since authors
/// can have written what they take back, and at a bounded number of elements: a quarantine that overflows is no reason to read
/// all of it for each message that is taken back. What it passes over ends with the quarantine's own time.
pub(super) async fn forget(
    store: &dyn Store,
    signer: &Signer,
    taken_back: &IncomingMessage,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_it = |item: &Quarantined| {
        let (by, body) = signed::open(&item.body);
        let elements = webhook::parse(&body).unwrap_or_default().elements;
        by == *signer
            && elements
                .iter()
                .any(|element| matches!(element, Element::Message(message) if is_of(message, taken_back)))
    };
    let first = MessageId::new(taken_back.at.before(TAKEN_BACK_WITHIN), 0, 0);
    let mut after = Some(JournalId::from_bytes(*first.as_bytes()));
    for _ in 0..PAGES {
        let some = store.quarantined(after, PAGE, now).await?;
        for item in some.iter().filter(|item| is_it(item)) {
            store.quarantine_remove(item.id).await?;
        }
        match some.last() {
            Some(last) if some.len() == PAGE => after = Some(last.id),
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Whether an element is the message that is taken back, or an edit of it, by the same author.
fn is_of(element: &IncomingMessage, taken_back: &IncomingMessage) -> bool {
    let Some(amends) = &taken_back.amends else {
        return false;
    };
    let is_it = match &element.amends {
        None => element.wamid == amends.original,
        Some(edit) => edit.original == amends.original && edit.change != Amendment::Revoked,
    };
    let mut names = element.aliases.strongest_first();
    let is_known = |name: &Alias| taken_back.aliases.strongest_first().any(|known| known == name);
    is_it && element.by == taken_back.by && element.number == taken_back.number && names.any(is_known)
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
