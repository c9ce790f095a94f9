//! A tenant's rows as they are dumped.

use bytes::Bytes;

use super::state::State;
use crate::domain::{TenantId, Timestamp};
use crate::store::dump::{Family, entry};
use crate::store::error::StoreError;

impl State {
    /// Every row of a tenant, in order.
    pub(super) fn dump(&self, tenant: TenantId, now: Timestamp) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        let mut out = Vec::new();
        if let Some(row) = self.tenants.get(&tenant) {
            out.push(entry(Family::Tenant, &[], None, row)?);
        }
        for (id, row) in self.numbers.iter().filter(|(_, row)| row.tenant == tenant) {
            out.push(entry(Family::Number, &[id.as_str().as_bytes()], None, row)?);
        }
        for (hash, row) in self.keys.iter().filter(|(_, row)| row.tenant == tenant) {
            out.push(entry(Family::Key, &[&hash.0], None, row)?);
        }
        for ((_, id), row) in self.agents.iter().filter(|((of, _), _)| *of == tenant) {
            out.push(entry(Family::Agent, &[id.as_str().as_bytes()], None, row)?);
        }
        if let Some(row) = self.jobs.get(&tenant) {
            out.push(entry(Family::Retention, &[], None, row)?);
        }
        if let Some(ledger) = self.ledgers.get(&tenant) {
            out.extend(ledger.dump(now)?);
        }
        out.sort();
        Ok(out)
    }
}
