//! Writing to a ledger: who may, where it stands, and what its ops change.

use super::codec::{self, Head};
use super::engine::Engine;
use super::keys::{self, Kind, Space};
use super::rows::TenantRows;
use super::txn::Txn;
use crate::domain::{Epoch, Fence, Seq, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::op::Op;
use crate::store::row::{ClaimOutcome, ClaimWant};
use crate::store::{Append, Appended, TenantHead, derive};

/// Takes over writing.
pub(super) fn open(
    txn: &mut Txn,
    tenant: TenantId,
    fence: Fence,
    fresh_epoch: Epoch,
) -> Result<TenantHead, StoreError> {
    let head = match txn.head(tenant)? {
        Some(head) if fence < head.fence => return Err(StoreError::fenced()),
        Some(head) => Head { fence, ..head },
        None => Head {
            epoch: fresh_epoch,
            fence,
            head: Seq::default(),
            events_until: Timestamp::default(),
            floor: Seq::new(1),
        },
    };
    txn.put_head(tenant, head);
    Ok(TenantHead {
        epoch: head.epoch,
        head: head.head,
    })
}

/// Where it stands.
pub(super) fn head(engine: &Engine, tenant: TenantId) -> Result<Option<TenantHead>, StoreError> {
    let value = engine.get(Space::Rows, &keys::row(Kind::Head, tenant, &[]))?;
    let head = value
        .map(|value| codec::parse_head(codec::body(&value)?))
        .transpose()?;
    Ok(head.map(|Head { epoch, head, .. }| TenantHead { epoch, head }))
}

pub(super) fn admitted(txn: &Txn, tenant: TenantId, fence: Fence) -> Result<Head, StoreError> {
    let head = txn.head(tenant)?.ok_or_else(StoreError::not_opened)?;
    derive::admit(head.fence, fence)?;
    Ok(head)
}

/// Evaluates a batch.
pub(super) fn append(txn: &mut Txn, batch: &Append) -> Result<Appended, StoreError> {
    let mut at = admitted(txn, batch.tenant, batch.fence)?;
    let mut rows = TenantRows::new(batch.tenant, batch.now, at.events_until, txn);
    let appended = derive::append(batch, at.head, &mut rows)?;
    at.head = appended.head;
    at.events_until = rows.events_until();
    if !appended.events.is_empty() {
        txn.put_head(batch.tenant, at);
    }
    Ok(appended)
}

/// Evaluates claims.
pub(super) fn claim(
    txn: &mut Txn,
    tenant: TenantId,
    fence: Fence,
    wants: &[ClaimWant],
    now: Timestamp,
) -> Result<Vec<ClaimOutcome>, StoreError> {
    let at = admitted(txn, tenant, fence)?;
    let mut rows = TenantRows::new(tenant, now, at.events_until, txn);
    derive::claims((tenant, fence), now, wants, &mut rows)
}

/// About how many bytes a batch will take in memory and in the log: each content stands in its row and in its event.
pub(super) fn cost(ops: &[Op]) -> usize {
    ops.iter().map(|op| 1_024 + 2 * op.body_bytes()).sum()
}
