//! How numbers stand with Meta: what it told of them last.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::{PhoneNumberId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where that is declared.
pub const NUMBER_STANDING: Table = Table {
    name: "number_standing",
    says: "how a number stands with Meta: quality, messaging limit, name, what webhooks warned of, and when it was asked",
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
    /// Since when it is of this quality, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality_since: Option<Timestamp>,
    /// That a webhook told of a fall of its quality.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flagged: Option<NumberWarning>,
    /// That a webhook told of a restriction of its account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub restricted: Option<NumberWarning>,
}

/// Something against a number that a webhook told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberWarning {
    /// In Meta's words.
    pub said: String,
    /// When Meta says that it was: what comes late changes nothing.
    pub told_at: Timestamp,
    /// When it was heard here.
    pub since: Timestamp,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
    /// It is over.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub is_lifted: bool,
}

impl NumberWarning {
    /// Whether it is so now.
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.is_lifted && self.until.is_none_or(|until| now < until)
    }
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
