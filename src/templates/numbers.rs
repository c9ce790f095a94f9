//! How the numbers of an account stand with Meta: asked for when the account is looked up, shown in lists, and measured.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::timeout;

use super::{TemplateBook, TemplateError, schedule};
use crate::domain::{PhoneNumberId, TenantId, Timestamp, WabaId};
use crate::store::StoreError;
use crate::store::tables::{NumberStanding, NumberWarning};
use crate::telemetry::labels::NumberQuality;
use crate::whatsapp::client::{BearerToken, GraphError};
use crate::whatsapp::number_check::NumberFacts;
use crate::whatsapp::webhook::{NumberNews, Warning};

/// Numbers of an account that are asked for in one look-up; Meta allows fewer.
const MOST: usize = 50;
/// Rows that are read at once.
const ROWS: usize = 500;
/// How long one look-up's questions may take, together.
const DEADLINE: Duration = Duration::from_secs(60);

impl TemplateBook {
    /// Keeps what Meta just told of a number.
    pub async fn keep_standing(
        &self,
        tenant: TenantId,
        number: &PhoneNumberId,
        facts: &NumberFacts,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let kept = |before: Option<&NumberStanding>| {
            let before = before.cloned().unwrap_or_else(|| nothing_known(now));
            let quality_since = if before.quality == facts.quality {
                before.quality_since
            } else {
                Some(now)
            };
            // Customers like it again.
            let is_good = facts.quality.as_deref() == Some("GREEN");
            let flagged = before.flagged.map(|warning| NumberWarning {
                is_lifted: warning.is_lifted || is_good,
                ..warning
            });
            Ok(Some(NumberStanding {
                quality: facts.quality.clone(),
                messaging_limit: facts.messaging_limit.clone(),
                name_status: facts.name_status.clone(),
                status: facts.status.clone(),
                at: now,
                quality_since,
                flagged,
                restricted: before.restricted,
            }))
        };
        let key = NumberStanding::at(tenant, number);
        let table = self.table::<NumberStanding>();
        table.change::<StoreError>(key, kept).await.map(drop)
    }

    /// Takes over what a webhook warns of, for the number that it names or for all of the account.
    pub async fn warn(&self, tenant: TenantId, waba: &WabaId, news: &NumberNews) -> Result<(), StoreError> {
        let now = self.clock.now();
        for owner in self.store.number_owners().await? {
            if (owner.tenant, &owner.waba) != (tenant, waba) {
                continue;
            }
            if let Some(display) = &news.display {
                let number = self.store.number(owner.id.clone()).await?;
                let shown = number.map(|number| number.display).unwrap_or_default();
                let digits = shown.chars().filter(char::is_ascii_digit);
                if !digits.eq(display.chars()) {
                    continue;
                }
            }
            let warned = |before: Option<&NumberStanding>| {
                let before = before.cloned().unwrap_or_else(|| nothing_known(now));
                Ok(Some(warned(before, news, now)))
            };
            let key = NumberStanding::at(tenant, &owner.id);
            let table = self.table::<NumberStanding>();
            table.change::<StoreError>(key, warned).await?;
        }
        Ok(())
    }

    /// How each of a tenant's numbers stands that Meta was asked about.
    pub async fn standings(
        &self,
        tenant: TenantId,
    ) -> Result<BTreeMap<PhoneNumberId, NumberStanding>, StoreError> {
        let (mut all, mut after) = (BTreeMap::new(), None);
        loop {
            let table = self.table::<NumberStanding>();
            let page = table.page(NumberStanding::of(tenant), after.take(), ROWS).await?;
            after = page.items.last().map(|found| found.sort.clone());
            for found in page.items {
                let id = std::str::from_utf8(&found.sort).ok();
                if let Some(id) = id.and_then(|id| PhoneNumberId::parse(id).ok()) {
                    all.insert(id, found.row);
                }
            }
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// A webhook tells that something changed of an account's numbers: it tells a part alone, so that Meta is asked for all soon.
    pub fn numbers_changed(&self, tenant: TenantId, waba: &WabaId) {
        self.look_up(tenant, waba, schedule::AFTER_NEWS);
    }

    /// Asks Meta about an account's numbers. One that Meta does not tell of stays as it was, with the time of then.
    pub(super) async fn ask_for_numbers(&self, tenant: TenantId, waba: &WabaId, numbers: &[PhoneNumberId]) {
        let all = async {
            for number in numbers.iter().take(MOST) {
                if let Err(error) = self.ask_for(tenant, waba, number).await {
                    tracing::warn!(tenant.id = %tenant, number.id = %number, %error, "cannot tell how a number stands with Meta");
                }
            }
        };
        if timeout(DEADLINE, all).await.is_err() {
            tracing::warn!(tenant.id = %tenant, waba.id = %waba, "Meta is slow to tell how an account's numbers stand");
        }
    }

    async fn ask_for(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        id: &PhoneNumberId,
    ) -> Result<(), TemplateError> {
        let number = self.store.number(id.clone()).await?;
        let Some(number) = number.filter(|number| number.tenant == tenant && number.waba == *waba) else {
            return Ok(());
        };
        let token = BearerToken::parse(number.access_token.reveal())
            .map_err(|_malformed| GraphError::Unreachable("the number has no usable token".to_owned()))?;
        let facts = self.graph.describe_number(id, &token).await?;
        Ok(self.keep_standing(tenant, id, &facts).await?)
    }

    /// How many of an account's numbers are of which quality.
    pub(super) async fn qualities(
        &self,
        tenant: TenantId,
        numbers: &[PhoneNumberId],
    ) -> Result<HashMap<NumberQuality, u32>, StoreError> {
        let standings = self.standings(tenant).await?;
        let mut counts = HashMap::new();
        for number in numbers {
            let told = standings.get(number).and_then(|row| row.quality.as_deref());
            let count: &mut u32 = counts.entry(NumberQuality::of(told)).or_default();
            *count = count.saturating_add(1);
        }
        Ok(counts)
    }
}

/// How a number stands that Meta was not asked about.
const fn nothing_known(now: Timestamp) -> NumberStanding {
    NumberStanding {
        quality: None,
        messaging_limit: None,
        name_status: None,
        status: None,
        at: now,
        quality_since: None,
        flagged: None,
        restricted: None,
    }
}

/// What a warning makes of a row. One that is told late, after a newer one of its kind, changes nothing, and nor does a repetition.
fn warned(before: NumberStanding, news: &NumberNews, now: Timestamp) -> NumberStanding {
    let told_at = news.at.unwrap_or(now);
    let (said, until, is_lifted) = match &news.warning {
        Warning::Flagged(said) => (said, None, false),
        Warning::Restricted(said, until) => (said, *until, false),
        Warning::Unflagged(said) | Warning::Unrestricted(said) => (said, None, true),
    };
    let mut after = before;
    let slot = match &news.warning {
        Warning::Flagged(_) | Warning::Unflagged(_) => &mut after.flagged,
        Warning::Restricted(..) | Warning::Unrestricted(_) => &mut after.restricted,
    };
    let is_old = slot
        .as_ref()
        .is_some_and(|known| told_at < known.told_at || told_at == known.told_at && known.said == *said);
    if !is_old {
        *slot = Some(NumberWarning {
            said: said.clone(),
            told_at,
            since: now,
            until,
            is_lifted,
        });
    }
    after
}
