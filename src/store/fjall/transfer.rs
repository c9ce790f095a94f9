//! Rows out of the folder and into it, as all backends mean them.

use std::ops::Bound;

use super::codec;
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use super::ledger::admitted;
use super::rows::TenantRows;
use super::scan::{Moment, Pair};
use super::txn::Txn;
use crate::domain::{ContactId, Conversation, Fence, Message, TenantId, Timestamp, WamidHash};
use crate::store::error::StoreError;
use crate::store::row::{Idempotency, Seen};
use crate::store::transfer::{self, Exported, Mark, Record, RecordKind};

/// Bytes of one page.
const BYTES: usize = 4 << 20;

/// Where rows of a kind stand.
fn place(tenant: TenantId, kind: RecordKind) -> (Space, Key) {
    let row = |space, kind| (space, keys::row(kind, tenant, &[]));
    match kind {
        RecordKind::Contact => row(Space::Rows, Kind::Contact),
        RecordKind::Alias => row(Space::Rows, Kind::Alias),
        RecordKind::Message => (Space::Messages, keys::tenant(tenant)),
        RecordKind::Conversation => row(Space::Rows, Kind::Conversation),
        RecordKind::Seen => row(Space::Index, Kind::Seen),
        RecordKind::Idempotency => row(Space::Index, Kind::Idempotency),
        RecordKind::Outbox => row(Space::Rows, Kind::Outbox),
        RecordKind::Tally => row(Space::Index, Kind::Broadcast),
        RecordKind::Event => (Space::Events, keys::tenant(tenant)),
        RecordKind::Head => row(Space::Rows, Kind::Head),
    }
}

/// Rows of one kind after a mark.
pub(super) fn export(
    engine: &Engine,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<&Mark>,
    limit: usize,
    now: Timestamp,
) -> Result<Exported, StoreError> {
    let (space, prefix) = place(tenant, kind);
    let moment = Moment::of(engine);
    let start = after.map_or_else(
        || Bound::Included(prefix.clone()),
        |mark| Bound::Excluded(Key::stored(&mark.0)),
    );
    let end = prefix.after_prefix().map_or(Bound::Unbounded, Bound::Excluded);
    let mut page = Exported::default();
    let mut bytes = 0_usize;
    for pair in moment.range(space, (start, end)) {
        let pair = pair?;
        if let Some(record) = record(&moment, tenant, kind, &pair, now)? {
            bytes = bytes.saturating_add(record.size());
            page.records.push(record);
        }
        if page.records.len() >= limit || bytes >= BYTES {
            page.next = Some(Mark(pair.key.to_vec()));
            break;
        }
    }
    Ok(page)
}

/// A stored row as a record; `None` when its time is over.
fn record(
    moment: &Moment<'_>,
    tenant: TenantId,
    kind: RecordKind,
    pair: &Pair,
    now: Timestamp,
) -> Result<Option<Record>, StoreError> {
    let Some(body) = codec::live(&pair.value, now)? else {
        return Ok(None);
    };
    let expires = codec::expires(&pair.value)?;
    let broken = || StoreError::corrupt("row", "key too short");
    let digest = || keys::reference_of(&pair.key).ok_or_else(broken);
    Ok(Some(match kind {
        RecordKind::Contact => Record::Contact(codec::parse(body)?),
        RecordKind::Alias => Record::Alias {
            key: digest()?,
            contact: codec::parse::<ContactId>(body)?,
        },
        RecordKind::Message => Record::Message {
            row: codec::parse::<Box<Message>>(body)?,
            expires,
        },
        RecordKind::Conversation => {
            let mut row: Box<Conversation> = codec::parse(body)?;
            if row.preview.is_some() && !is_last_live(moment, tenant, &row, now)? {
                row.preview = None;
            }
            Record::Conversation(row)
        }
        RecordKind::Seen => Record::Seen {
            key: WamidHash::from_bytes(digest()?),
            at: codec::parse::<Seen>(body)?.at,
            expires,
        },
        RecordKind::Idempotency => Record::Idempotency {
            key: digest()?,
            row: codec::parse::<Idempotency>(body)?,
            expires,
        },
        RecordKind::Outbox => Record::Outbox(codec::parse(body)?),
        RecordKind::Tally => Record::Tally {
            row: codec::parse(body)?,
            expires,
        },
        RecordKind::Event => Record::event(&super::events::parse(&pair.key, &pair.value)?, expires)?,
        RecordKind::Head => {
            let head = codec::parse_head(body)?;
            Record::Head {
                epoch: head.epoch,
                head: head.head,
            }
        }
    }))
}

/// Whether the message whose beginning a conversation shows may be read.
fn is_last_live(
    moment: &Moment<'_>,
    tenant: TenantId,
    row: &Conversation,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(last) = row.last_message_id else {
        return Ok(false);
    };
    let stored = moment.get(Space::Messages, &keys::message(tenant, row.id, last))?;
    stored.map_or(Ok(false), |value| Ok(codec::live(&value, now)?.is_some()))
}

/// Writes records of another store.
pub(super) fn import(
    txn: &mut Txn,
    tenant: TenantId,
    fence: Fence,
    records: &[Record],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut at = admitted(txn, tenant, fence)?;
    // Events end as they did where they come from, also when they are written again after later ones.
    let mut rows = TenantRows::new(tenant, now, Timestamp::default(), txn);
    transfer::put(&mut rows, records)?;
    at.events_until = at.events_until.max(rows.events_until());
    at.head = transfer::head_in(records).unwrap_or(at.head);
    txn.put_head(tenant, at);
    Ok(())
}
