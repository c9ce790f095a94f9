//! Tenants, numbers, keys, leases and what was put aside: small rows, each written by itself.

use super::codec::{self, NEVER};
use super::keys::{self, Kind, Space};
use super::txn::Txn;
use crate::domain::{Fence, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::{ApiKey, Number, Quarantined, Tenant};

pub(super) fn put_tenant(txn: &mut Txn, tenant: &Tenant) -> Result<(), StoreError> {
    let key = keys::global(Kind::Tenant, &tenant.id.get().to_be_bytes());
    txn.put(Space::Rows, key, codec::json(NEVER, tenant)?);
    Ok(())
}

pub(super) fn put_number(txn: &mut Txn, number: &Number) -> Result<(), StoreError> {
    let key = keys::global(Kind::Number, number.id.as_str().as_bytes());
    let held: Option<Number> = txn.row(&key)?;
    if held.is_some_and(|held| held.tenant != number.tenant) {
        return Err(StoreError::number_taken());
    }
    txn.put(Space::Rows, key, codec::json(NEVER, number)?);
    Ok(())
}

pub(super) fn put_key(txn: &mut Txn, api_key: &ApiKey) -> Result<(), StoreError> {
    let key = keys::global(Kind::Key, &api_key.hash.0);
    if let Some(before) = txn.row::<ApiKey>(&key)? {
        txn.delete(Space::Rows, keys::key_of(before.tenant, &before.hash));
    }
    txn.put(Space::Rows, key, codec::json(NEVER, api_key)?);
    let of = keys::key_of(api_key.tenant, &api_key.hash);
    txn.put(Space::Rows, of, codec::bytes(NEVER, &[]));
    Ok(())
}

/// The next fence of a lease.
pub(super) fn lease(txn: &mut Txn, tenant: TenantId) -> Result<Fence, StoreError> {
    let key = keys::row(Kind::Lease, tenant, &[]);
    let last: Option<u64> = txn.row(&key)?;
    let next = last.unwrap_or(0).saturating_add(1);
    txn.put(Space::Rows, key, codec::json(NEVER, &next)?);
    Ok(Fence::new(next))
}

/// Puts an element aside: time, reason and body.
pub(super) fn quarantine(txn: &mut Txn, item: &Quarantined) -> Result<(), StoreError> {
    let reason = item.reason.as_bytes();
    let length = u8::try_from(reason.len())
        .map_err(|error| StoreError::new(crate::store::StoreErrorKind::Invalid, error.to_string()))?;
    let mut body = item.at.as_millis().to_be_bytes().to_vec();
    body.push(length);
    body.extend_from_slice(reason);
    body.extend_from_slice(&item.body);
    let key = keys::global(Kind::Quarantine, item.id.as_bytes());
    txn.put(Space::Rows, key, codec::bytes(item.until(), &body));
    Ok(())
}

/// Reads an element that was put aside.
pub(super) fn parse_quarantined(key: &[u8], value: &[u8]) -> Result<Quarantined, StoreError> {
    let broken = || StoreError::corrupt("quarantine", "too short");
    let (at, rest) = codec::body(value)?.split_first_chunk::<8>().ok_or_else(broken)?;
    let (length, rest) = rest.split_first().ok_or_else(broken)?;
    let (reason, body) = rest.split_at_checked(usize::from(*length)).ok_or_else(broken)?;
    Ok(Quarantined {
        id: crate::domain::JournalId::from_bytes(keys::reference_of(key).ok_or_else(broken)?),
        at: Timestamp::from_millis(i64::from_be_bytes(*at)),
        reason: String::from_utf8_lossy(reason).into_owned(),
        body: bytes::Bytes::copy_from_slice(body),
    })
}
