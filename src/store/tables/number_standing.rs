//! How numbers stand with Meta: what it told of them last.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::{PhoneNumberId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where that is declared.
pub const NUMBER_STANDING: Table = Table {
    name: "number_standing",
    says: "how a number stands with Meta: quality, messaging limit, name, and when it was asked",
    key: "tenant · number",
    subject: Subject::Tenant,
    ..PLAIN
};

/// How a number stands with Meta. Values are as Meta writes them: new ones appear without notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberStanding {
    /// How customers like what it sends: GREEN, YELLOW, RED, or UNKNOWN and NA for one that sends little.
    pub quality: Option<String>,
    /// How many customers may be written to first in 24 hours, by all numbers of the portfolio: TIER_250, …
    pub messaging_limit: Option<String>,
    /// How the name that customers see stands: APPROVED, PENDING_REVIEW, DECLINED, …
    pub name_status: Option<String>,
    /// CONNECTED when it can send.
    pub status: Option<String>,
    /// When Meta was asked.
    pub at: Timestamp,
}

impl NumberStanding {
    /// Those of a tenant's numbers.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&NUMBER_STANDING, tenant)
    }

    /// That of one.
    pub fn at(tenant: TenantId, number: &PhoneNumberId) -> PlainKey {
        Self::of(tenant).row(number.as_str().as_bytes())
    }
}

impl PlainRow for NumberStanding {
    const TABLE: &'static Table = &NUMBER_STANDING;
}
