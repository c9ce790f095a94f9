//! What one gateway tells another: webhooks that it took in and that concern the other's tenants.
//!
//! A sender writes one row after another, with growing numbers, so that a reader never wades through what it read before and
//! nothing needs to be removed. Rows for one reader are written in turn ([`outgoing`]): none can show up behind its back. Only
//! what living processes sent is read; what one that is gone took in is found in the journal.

mod cursors;
mod outgoing;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use futures_util::stream::StreamExt as _;

use self::cursors::{Cursors, From, Taken, bucket};
use self::outgoing::Outgoing;
use super::ScyllaStore;
use crate::domain::{JournalId, TenantId};
use crate::store::error::StoreError;
use crate::store::{Forwarded, ForwardedPage, ProcessId, Rest, Urgency};

/// Senders asked at once.
const TOGETHER: usize = 16;
/// Rows of one sender read at once. What is beyond them is read right after.
const ROWS: usize = 256;
/// Bytes of one webhook in a row.
const BYTES: usize = 29;

/// How far this process wrote, and how far it read what others wrote.
#[derive(Debug, Default)]
pub(super) struct Forwarding {
    outgoing: Outgoing,
    read: Mutex<Cursors>,
}

impl Forwarding {
    fn cursors(&self) -> MutexGuard<'_, Cursors> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScyllaStore {
    /// Tells another process of webhooks. Durable on return.
    pub(super) async fn forward_to(
        &self,
        recipient: ProcessId,
        webhooks: &[Forwarded],
    ) -> Result<(), StoreError> {
        let write = |number, row: Vec<Forwarded>| async move {
            // Of all that is told, only a write counts as a call: whoever waits for others to write must hold up nobody.
            let _permit = self.permit()?;
            let (recipient, sender) = (recipient.get(), self.process.get());
            let values = (recipient, sender, bucket(number), number, encode(&row));
            self.link.write(&self.book.rows.put_forwarded, values).await
        };
        self.forwarding.outgoing.tell(recipient, webhooks, write).await
    }

    /// What other processes told this one since it was asked last, that of one sender in order.
    pub(super) async fn read_forwarded(&self) -> Result<ForwardedPage, StoreError> {
        let living: BTreeSet<_> = self.other_living().await?.into_keys().collect();
        let senders = self.forwarding.cursors().after(&living);
        let statement = &self.book.rows.forwarded;
        let reads = senders.into_iter().map(|(sender, from)| async move {
            let From { bucket, after } = from;
            let from = (self.process.get(), sender.get(), bucket, after);
            let rows = self.link.rows(statement, from, ROWS).await;
            FromSender { sender, rows }
        });
        let read: Vec<_> = futures_util::stream::iter(reads.collect::<Vec<_>>())
            .buffer_unordered(TOGETHER)
            .collect()
            .await;
        // Only now that the caller gets all of it.
        Ok(gather(read, &mut self.forwarding.cursors()))
    }
}

/// Rows of one sender.
struct FromSender {
    sender: ProcessId,
    rows: Result<Vec<(i64, Option<Bytes>)>, StoreError>,
}

/// Puts together what senders told, and notes how far they were read. One that cannot be read now, and a row that never can be,
/// keep no other from being heard.
fn gather(read: Vec<FromSender>, cursors: &mut Cursors) -> ForwardedPage {
    let mut page = ForwardedPage::default();
    for FromSender { sender, rows } in read {
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                page.failed = Some(error);
                continue;
            }
        };
        let last = rows.last().map(|(number, _)| *number);
        let (taken, rest) = cursors.found(sender, last);
        if rest == Rest::More || rows.len() == ROWS {
            page.rest = Rest::More;
        }
        if taken == Taken::No {
            continue;
        }
        for (number, body) in rows {
            match decode(body.unwrap_or_default()) {
                Ok(webhooks) if !webhooks.is_empty() => page.webhooks.extend(webhooks),
                unreadable => {
                    page.unreadable += 1;
                    let error = unreadable.err().map(|error| error.to_string());
                    tracing::error!(
                        sender = sender.get(),
                        number,
                        error,
                        "webhooks that another gateway left to this one cannot be read: the whole journal is read instead"
                    );
                }
            }
        }
    }
    page
}

fn encode(webhooks: &[Forwarded]) -> Bytes {
    let mut body = BytesMut::with_capacity(webhooks.len() * BYTES);
    for webhook in webhooks {
        body.put_slice(webhook.entry.as_bytes());
        body.put_u64(webhook.tenant.get());
        body.put_u32(u32::try_from(webhook.size).unwrap_or(u32::MAX));
        body.put_u8(match webhook.urgency {
            Urgency::Prompt => 0,
            Urgency::Statuses => 1,
        });
    }
    body.freeze()
}

fn decode(mut body: Bytes) -> Result<Vec<Forwarded>, StoreError> {
    if !body.len().is_multiple_of(BYTES) {
        return Err(StoreError::corrupt("forwarded webhooks", "cut off"));
    }
    let mut webhooks = Vec::with_capacity(body.len() / BYTES);
    while body.has_remaining() {
        let mut entry = [0; 16];
        body.copy_to_slice(&mut entry);
        webhooks.push(Forwarded {
            entry: JournalId::from_bytes(entry),
            tenant: TenantId::new(body.get_u64()),
            size: usize::try_from(body.get_u32()).unwrap_or(usize::MAX),
            urgency: match body.get_u8() {
                0 => Urgency::Prompt,
                1 => Urgency::Statuses,
                _ => return Err(StoreError::corrupt("forwarded webhooks", "of a later version")),
            },
        });
    }
    Ok(webhooks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_as_it_was_and_half_of_it_is_refused() {
        let webhooks: Vec<Forwarded> = [(7, Urgency::Prompt), (u64::MAX, Urgency::Statuses)]
            .into_iter()
            .map(|(tenant, urgency)| Forwarded {
                entry: JournalId::from_bytes([9; 16]),
                tenant: TenantId::new(tenant),
                size: 1_234,
                urgency,
            })
            .collect();
        let body = encode(&webhooks);
        assert_eq!(body.len(), 2 * BYTES);
        assert_eq!(decode(body.clone()).unwrap(), webhooks);
        assert!(decode(body.slice(1..)).is_err());
    }

    #[test]
    fn a_row_that_cannot_be_read_and_a_sender_that_fails_keep_nobody_from_being_heard() {
        let [bad, failing, good] = [1, 2, 3].map(ProcessId::new);
        let webhook = |n| Forwarded {
            entry: JournalId::from_bytes([n; 16]),
            tenant: TenantId::new(1),
            size: 1,
            urgency: Urgency::Prompt,
        };
        let row = |n| Some(encode(&[webhook(n)]));
        let cut = row(9).map(|body| body.slice(1..));
        let silent = StoreError::new(crate::store::StoreErrorKind::Unavailable, "no answer");
        let read = vec![
            FromSender {
                sender: bad,
                rows: Ok(vec![(1, row(1)), (2, cut), (3, None), (4, row(4))]),
            },
            FromSender {
                sender: failing,
                rows: Err(silent),
            },
            FromSender {
                sender: good,
                rows: Ok(vec![(1, row(5))]),
            },
        ];
        let mut cursors = Cursors::default();
        let page = gather(read, &mut cursors);
        assert_eq!(page.webhooks, [webhook(1), webhook(4), webhook(5)]);
        assert_eq!(page.unreadable, 2);
        assert!(page.failed.is_some());
        let all = [bad, failing, good].into();
        let after: Vec<_> = cursors.after(&all).iter().map(|(_, from)| from.after).collect();
        assert_eq!(after, [4, 0, 1]);
        assert_eq!(page.rest, Rest::Nothing);
        let full = (2..2 + i64::try_from(ROWS).unwrap()).map(|n| (n, row(6)));
        let read = vec![FromSender {
            sender: good,
            rows: Ok(full.collect()),
        }];
        assert_eq!(gather(read, &mut cursors).rest, Rest::More);
    }
}
