//! Whose turn it is to change a tenant's row, which is read and replaced as a whole.

use serde::{Deserialize, Serialize};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::{TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where that is declared.
pub const TENANT_TURN: Table = Table {
    name: "tenant_turn",
    says: "whose turn it is to change a tenant's row, for some seconds; a random number",
    key: "tenant",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// A turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantTurn {
    /// Whose: a random number, which no other call has.
    pub by: [u8; 16],
    /// Until when, should it not be ended.
    pub until: Timestamp,
}

impl TenantTurn {
    /// The one of a tenant's row.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&TENANT_TURN, tenant).row(&[])
    }
}

impl PlainRow for TenantTurn {
    const TABLE: &'static Table = &TENANT_TURN;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}
