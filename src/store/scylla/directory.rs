//! Tenants, numbers, keys and leases: small rows, each written by itself.

use bytes::Bytes;
use scylla::serialize::row::SerializeRow;
use serde::de::DeserializeOwned;

use super::ScyllaStore;
use super::change::{json, parse};
use super::keys;
use super::link::Prepared;
use crate::domain::{Fence, PhoneNumberId, TenantId, Timestamp};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::{ApiKey, KeyHash, Number, Tenant};

/// How often a conditional write is offered.
pub(super) const TRIES: u32 = 12;

pub(super) fn too_many() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "others write to the same row")
}

fn all<T: DeserializeOwned>(rows: Vec<(Bytes,)>) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(|(body,)| parse(&body)).collect()
}

impl ScyllaStore {
    /// The next fence. A write whose answer was lost only leaves a gap between fences.
    pub(super) async fn next_fence(&self, tenant: TenantId) -> Result<Fence, StoreError> {
        let id = keys::tenant(tenant);
        let rows = &self.book.rows;
        for tries in 0..TRIES {
            if tries > 0 {
                self.pause(tries).await;
            }
            let last: Option<(i64,)> = self.link.row(&rows.read_lease, ("tenant", id)).await?;
            let (next, grown) = match last {
                Some((last,)) => {
                    let next = last.saturating_add(1);
                    let values = (next, "tenant", id, last);
                    (next, self.link.write_if(&rows.grow_lease, values).await)
                }
                None => (
                    1,
                    self.link.write_if(&rows.begin_lease, ("tenant", id, 1_i64)).await,
                ),
            };
            match grown {
                Ok(true) => return Ok(Fence::new(next.cast_unsigned())),
                Ok(false) => tracing::debug!(tries, "another took the fence"),
                Err(error) if error.kind == StoreErrorKind::Unknown => {
                    tracing::warn!(tries, error = %error, "nobody can tell whether a fence was taken");
                }
                Err(error) => return Err(error),
            }
        }
        Err(too_many())
    }

    /// Writes a number, and then that there was a change: who sees the second sees the first.
    pub(super) async fn write_number(&self, number: &Number) -> Result<(), StoreError> {
        self.write_number_row(number).await?;
        self.write_numbers_version()
            .await
            .map_err(StoreError::into_unknown)
    }

    async fn write_numbers_version(&self) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        // After the number: two who see the same stamp have both written theirs by then.
        let stamp = self.stamp_over(&rows.numbers_version_written, ()).await?;
        let version = (self.link.jitter.any(), stamp);
        self.link.write(&rows.put_numbers_version, version).await
    }

    pub(super) async fn read_numbers_version(&self) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.link.row(&self.book.rows.numbers_version, ()).await?;
        Ok(row.map_or(0, |(version,)| version))
    }

    async fn write_number_row(&self, number: &Number) -> Result<(), StoreError> {
        let of = keys::tenant(number.tenant);
        let id = number.id.as_str();
        let body = json(number)?;
        let rows = &self.book.rows;
        for tries in 0..TRIES {
            if tries > 0 {
                self.pause(tries).await;
            }
            let held: Option<(i64, Bytes)> = self.link.row(&rows.read_number, (id,)).await?;
            let written = match held {
                Some((holder, _)) if holder != of => return Err(StoreError::number_taken()),
                Some((_, stored)) if stored == body && tries > 0 => return Ok(()),
                Some(_) => self.link.write_if(&rows.change_number, (&body, id, of)).await,
                None => self.link.write_if(&rows.add_number, (id, of, &body)).await,
            };
            match written {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.kind == StoreErrorKind::Unknown => {}
                Err(error) => return Err(error),
            }
        }
        Err(too_many())
    }

    pub(super) async fn one_number(&self, id: &PhoneNumberId) -> Result<Option<Number>, StoreError> {
        let row: Option<(i64, Bytes)> = self.link.row(&self.book.rows.read_number, (id.as_str(),)).await?;
        row.map(|(_, body)| parse(&body)).transpose()
    }

    pub(super) async fn all_numbers(&self) -> Result<Vec<Number>, StoreError> {
        let mut numbers: Vec<Number> = self.every(&self.book.rows.numbers).await?;
        numbers.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(numbers)
    }

    pub(super) async fn write_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        let of = keys::tenant(tenant.id);
        let stamp = self.stamp_over(&rows.tenant_written, (of,)).await?;
        self.link
            .write(&rows.put_tenant, (of, json(tenant)?, stamp))
            .await
    }

    pub(super) async fn all_tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut tenants: Vec<Tenant> = self.every(&self.book.rows.tenants).await?;
        tenants.sort_by_key(|tenant| tenant.id);
        Ok(tenants)
    }

    pub(super) async fn one_tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        let row: Option<(Bytes,)> = self
            .link
            .row(&self.book.rows.tenant, (keys::tenant(tenant),))
            .await?;
        row.map(|(body,)| parse(&body)).transpose()
    }

    pub(super) async fn write_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        let hash = key.hash.0;
        let of = keys::tenant(key.tenant);
        let body = json(key)?;
        let before: Option<(i64, i64)> = self.link.row(&rows.key_written, (hash,)).await?;
        let mut stamp = before.map_or(0, |(_, written)| written).saturating_add(1);
        for listed in [Some(of), before.map(|(tenant, _)| tenant)].into_iter().flatten() {
            stamp = stamp.max(
                self.stamp_over(&rows.key_of_tenant_written, (listed, hash))
                    .await?,
            );
        }
        if let Some((tenant, _)) = before.filter(|(tenant, _)| *tenant != of) {
            self.link
                .write(&rows.drop_key_of_tenant, (stamp, tenant, hash))
                .await?;
        }
        // The list first: a key that opens something can always be found and revoked.
        self.link
            .write(&rows.put_key_of_tenant, (of, hash, &body, stamp))
            .await?;
        self.link.write(&rows.put_key, (hash, of, &body, stamp)).await
    }

    /// What is remembered of the time, and when the server says that it was written, in microseconds.
    pub(super) async fn read_time(&self) -> Result<Option<(Timestamp, i64)>, StoreError> {
        let row: Option<(i64, i64)> = self.link.row(&self.book.rows.time, ()).await?;
        Ok(row.map(|(time, written)| (Timestamp::from_millis(time), written)))
    }

    pub(super) async fn write_time(&self, now: Timestamp) -> Result<(), StoreError> {
        let values = (now.as_millis(),);
        self.link.write(&self.book.rows.put_time, values).await
    }

    pub(super) async fn read_key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<(Bytes,)> = self.link.row(&self.book.rows.key, (hash.0,)).await?;
        row.map(|(body,)| parse(&body)).transpose()
    }

    pub(super) async fn keys_of(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        self.of_tenant(&self.book.rows.keys_of_tenant, tenant).await
    }

    /// A stamp for what takes a row's place: it comes after the row that is there, whatever clock stamped that.
    pub(super) async fn stamp_over(
        &self,
        written: &Prepared,
        key: impl SerializeRow + Send + Sync,
    ) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.link.row(written, key).await?;
        Ok(row.map_or(0, |(stamp,)| stamp).saturating_add(1))
    }

    async fn every<T: DeserializeOwned>(&self, statement: &Prepared) -> Result<Vec<T>, StoreError> {
        all(self.link.rows(statement, (), usize::MAX).await?)
    }

    async fn of_tenant<T: DeserializeOwned>(
        &self,
        statement: &Prepared,
        tenant: TenantId,
    ) -> Result<Vec<T>, StoreError> {
        let values = (keys::tenant(tenant),);
        all(self.link.rows(statement, values, usize::MAX).await?)
    }
}
