//! How rows of templates are changed: nobody's change is written over, and what they become is noted in their history afterwards.

use bytes::Bytes;

use super::merge::{Listed, told};
use super::{TemplateBook, schedule};
use crate::domain::{TemplateId, TemplateName, TemplateStatus, TenantId, WabaId};
use crate::store::plain::{PlainRow, PlainTable};
use crate::store::tables::{Heard, Template, TemplateAccount, TemplateHistory, TemplateVersion};
use crate::store::{StoreError, StoreErrorKind};
use crate::telemetry::metrics;
use crate::whatsapp::webhook::TemplateNews;

/// How often a row that others change, too, is read again.
const TRIES: usize = 8;
/// Rows that are read at once.
const ROWS: usize = 200;

impl TemplateBook {
    /// The rows of one type, now.
    pub(super) fn table<R: PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    /// One of a tenant's templates.
    pub async fn get(&self, tenant: TenantId, id: TemplateId) -> Result<Option<Template>, StoreError> {
        let found = self.table::<Template>().get(&Template::at(tenant, id)).await?;
        Ok(found.map(|found| found.row))
    }

    /// A page of an account's templates, and after which row the next one begins.
    pub(super) async fn page_of(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        after: Option<Bytes>,
    ) -> Result<(Vec<Template>, Option<Bytes>), StoreError> {
        let first = TemplateName::first_of(waba);
        let after = after.unwrap_or_else(|| Bytes::copy_from_slice(&first));
        let table = self.table::<Template>();
        let page = table.page(Template::of(tenant), Some(after), ROWS).await?;
        let last = page.items.last().map(|found| found.sort.clone());
        let next = last.filter(|last| page.more && last.starts_with(&first));
        let rows = page.items.into_iter().map(|found| found.row);
        Ok((rows.filter(|row| row.waba == *waba).collect(), next))
    }

    /// How one of them changed, newest first.
    pub async fn versions(
        &self,
        tenant: TenantId,
        id: TemplateId,
    ) -> Result<Vec<TemplateVersion>, StoreError> {
        let key = TemplateHistory::at(tenant, id);
        let found = self.table::<TemplateHistory>().get(&key).await?;
        Ok(found.map(|found| found.row.versions).unwrap_or_default())
    }

    /// How an account was looked up last.
    pub async fn account(
        &self,
        tenant: TenantId,
        waba: &WabaId,
    ) -> Result<Option<TemplateAccount>, StoreError> {
        let key = TemplateAccount::at(tenant, waba);
        let found = self.table::<TemplateAccount>().get(&key).await?;
        Ok(found.map(|found| found.row))
    }

    /// Takes over what a webhook tells of a template, and has the account looked up soon: webhooks tell a part alone.
    pub async fn apply(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        news: &TemplateNews,
    ) -> Result<(), StoreError> {
        let generation = self.generation(tenant, waba).await?;
        let heard = Heard {
            generation,
            at: news.at,
        };
        let id = TemplateName::new(waba.clone(), news.name.as_str(), &news.language).id();
        let now = self.clock.now();
        self.change(tenant, id, "webhook", |before| {
            told(before?, &news.change, heard, now)
        })
        .await?;
        self.look_up(tenant, waba, schedule::AFTER_NEWS);
        Ok(())
    }

    /// The look-up of an account that began last.
    pub(super) async fn generation(&self, tenant: TenantId, waba: &WabaId) -> Result<u64, StoreError> {
        let account = self.account(tenant, waba).await?;
        Ok(account.map_or(0, |account| account.generation))
    }

    /// Takes over a template as Meta lists it.
    pub(super) async fn apply_listed(
        &self,
        tenant: TenantId,
        listed: &Listed,
        generation: u64,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.change(tenant, listed.name.id(), "sync", |before| {
            Some(listed.clone().row(before, generation, now))
        })
        .await
    }

    /// Reads a row, decides what it becomes, and writes that; again when somebody else changed it meanwhile.
    pub(super) async fn change(
        &self,
        tenant: TenantId,
        id: TemplateId,
        why: &str,
        decide: impl Fn(Option<&Template>) -> Option<Template>,
    ) -> Result<(), StoreError> {
        let key = Template::at(tenant, id);
        for _ in 0..TRIES {
            let table = self.table::<Template>();
            let before = table.get(&key).await?;
            let old = before.as_ref().map(|found| &found.row);
            let Some(after) = decide(old).filter(|after| Some(after) != old) else {
                return Ok(());
            };
            if table.replace(&key, before.as_ref(), Some(&after)).await? {
                self.known.forget(tenant, id);
                count(old, &after);
                return self.note(tenant, id, old, &after, why).await;
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Overloaded,
            "others change the same template",
        ))
    }

    /// Notes in a template's history what it became, and what it was, should whoever changed it then have been killed before they noted
    /// it. Where somebody has changed it since, they note both.
    async fn note(
        &self,
        tenant: TenantId,
        id: TemplateId,
        before: Option<&Template>,
        after: &Template,
        why: &str,
    ) -> Result<(), StoreError> {
        if self.get(tenant, id).await?.as_ref() != Some(after) {
            return Ok(());
        }
        let why = match &after.reason {
            Some(reason) => format!("{why}: {reason}"),
            None => why.to_owned(),
        };
        let noted = self.table::<TemplateHistory>().change::<StoreError>(
            TemplateHistory::at(tenant, id),
            |stands: Option<&TemplateHistory>| {
                let mut history = stands.cloned().unwrap_or_default();
                if let Some(before) = before {
                    history.note(before, "sync".to_owned());
                }
                history.note(after, why.clone());
                Ok(Some(history))
            },
        );
        noted.await.map(|_| ())
    }
}

/// Counts templates that can be sent no more.
fn count(before: Option<&Template>, after: &Template) {
    let was = before.map(|before| &before.status);
    let is_trouble = matches!(
        after.status,
        TemplateStatus::Paused | TemplateStatus::Rejected | TemplateStatus::Disabled
    );
    if is_trouble && was.is_some_and(|was| *was != after.status) {
        metrics::templates_lost_total((&after.status).into()).increment(1);
        tracing::warn!(
            template.name = after.name,
            template.language = after.language,
            waba.id = %after.waba,
            status = after.status.as_str(),
            reason = after.reason,
            "a template can be sent no more"
        );
    }
}
