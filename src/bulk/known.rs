//! What a business has of its own, by which the values of a file are understood: attributes, lists, members.

use std::collections::BTreeMap;

use super::import::Import;
use super::imports::Imports;
use super::rows::{Reading, Shape};
use crate::domain::contact_terms::fold;
use crate::domain::{AgentId, ContactChange, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainRow, PlainTable};
use crate::store::tables::{AttributeType, ContactAttribute, ContactList, Team, User};
use crate::store::{Store, StoreError};

/// Rows that are read at once, and pages of them: there are no more attributes and lists than this.
const PAGE: usize = 500;
const MOST: usize = 2_000;

/// A business's own fields.
pub async fn attributes(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<ContactAttribute>, StoreError> {
    all(PlainTable::of(store, now), ContactAttribute::of(tenant)).await
}

/// A business's lists.
pub async fn lists(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<ContactList>, StoreError> {
    all(PlainTable::of(store, now), ContactList::of(tenant)).await
}

async fn all<R: PlainRow>(table: PlainTable<'_, R>, of: Partition) -> Result<Vec<R>, StoreError> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = table.page(of.clone(), after, PAGE).await?;
        after = page.items.last().map(|found| found.sort.clone());
        all.extend(page.items.into_iter().map(|found| found.row));
        if !page.more || all.len() >= MOST {
            return Ok(all);
        }
    }
}

impl Imports {
    /// With what the rows of an import are read.
    pub(super) async fn reading(&self, tenant: TenantId, import: &Import) -> Result<Reading, StoreError> {
        let (store, now) = (self.store.as_ref(), self.clock.now());
        let order = &import.order;
        let labels = order.labels.iter().cloned().map(ContactChange::AddLabel);
        let for_all = order.lists.iter().copied().map(ContactChange::AddList);
        let attributes = attributes(store, tenant, now).await?;
        let mut by_name = BTreeMap::new();
        for list in lists(store, tenant, now).await? {
            by_name.insert(fold(&list.name), list.id);
            by_name.insert(list.id.to_string(), list.id);
        }
        Ok(Reading {
            fields: import.fields(),
            country: order.default_country,
            attributes: attributes
                .into_iter()
                .map(|one| (one.key.clone(), Shape::from(one)))
                .collect(),
            lists: by_name,
            owners: self.owners(tenant).await?,
            changes: labels.chain(for_all).collect(),
        })
    }

    /// Members by their ids and addresses.
    async fn owners(&self, tenant: TenantId) -> Result<BTreeMap<String, AgentId>, StoreError> {
        let team = self.table::<Team>().get(&Team::at(tenant)).await?;
        let mut owners = BTreeMap::new();
        for user in team
            .map(|found| found.row.members)
            .unwrap_or_default()
            .into_keys()
        {
            let Ok(agent) = AgentId::parse(&user.to_string()) else {
                continue;
            };
            if let Some(found) = self.table::<User>().get(&User::at(user)).await? {
                owners.insert(found.row.email.as_str().to_lowercase(), agent.clone());
            }
            owners.insert(user.to_string(), agent);
        }
        Ok(owners)
    }
}

impl From<ContactAttribute> for Shape {
    fn from(attribute: ContactAttribute) -> Self {
        match attribute.kind {
            AttributeType::Text => Self::Text,
            AttributeType::Number => Self::Number,
            AttributeType::Date => Self::Date,
            AttributeType::Boolean => Self::Boolean,
            AttributeType::Choice => Self::Choice(attribute.choices),
        }
    }
}
