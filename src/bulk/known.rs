//! What a business has of its own, by which the values of a file are understood: attributes, lists, members.

use std::collections::BTreeMap;

use super::fields::Field;
use super::import::Import;
use super::imports::Imports;
use super::new_attributes::plan;
use super::rows::Reading;
use crate::domain::contact_terms::fold;
use crate::domain::filter;
use crate::domain::{AgentId, AttributeShape, ContactChange, ListId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainRow, PlainTable};
use crate::store::tables::{ContactAttribute, ContactList, Team, User};
use crate::store::{Store, StoreError};

/// Rows that are read at once, and pages of them: there are no more attributes and lists than this.
const PAGE: usize = 500;
const MOST: usize = 2_000;

/// A business's own fields, but for those that are being deleted.
pub async fn attributes(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<ContactAttribute>, StoreError> {
    let mut all: Vec<ContactAttribute> =
        all(PlainTable::of(store, now), ContactAttribute::of(tenant)).await?;
    all.retain(|attribute| !attribute.is_leaving);
    Ok(all)
}

/// A business's lists, but for those that are being deleted.
pub async fn lists(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<ContactList>, StoreError> {
    let mut all: Vec<ContactList> = all(PlainTable::of(store, now), ContactList::of(tenant)).await?;
    all.retain(|list| !list.is_leaving);
    Ok(all)
}

/// What a business's filters may name.
pub async fn filter_definitions(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Result<filter::Definitions, StoreError> {
    let attributes = attributes(store, tenant, now).await?.into_iter();
    let lists = lists(store, tenant, now).await?;
    Ok(filter::Definitions {
        attributes: attributes.map(|one| (one.key.clone(), one.into())).collect(),
        lists: lists.into_iter().map(|list| list.id).collect(),
    })
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

/// Lists by their ids and by their folded names, as far as these mean one list alone.
fn by_name(lists: &[ContactList]) -> BTreeMap<String, ListId> {
    let mut called: BTreeMap<String, Vec<ListId>> = BTreeMap::new();
    for list in lists {
        called.entry(fold(&list.name)).or_default().push(list.id);
    }
    let alone = called.into_iter().filter_map(|(name, ids)| match ids.as_slice() {
        [only] => Some((name, *only)),
        _ => None,
    });
    alone
        .chain(lists.iter().map(|list| (list.id.to_string(), list.id)))
        .collect()
}

/// What a business has at a moment that values of files may name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Definitions {
    attributes: Vec<ContactAttribute>,
    lists: Vec<ContactList>,
}

impl Definitions {
    /// With what the rows of an import are read.
    pub(super) fn reading(&self, import: &Import, owners: BTreeMap<String, AgentId>) -> Reading {
        let order = &import.order;
        let labels = order.labels.iter().cloned().map(ContactChange::AddLabel);
        let for_all = order.lists.iter().copied().map(ContactChange::AddList);
        let mut attributes = self.attributes.clone();
        // A dry run makes none of them: what it tells is as if they were there.
        let fields = match plan(&order.mapping, &attributes) {
            Ok(planned) => {
                attributes.extend(planned.new);
                planned.mapping
            }
            Err(_changed_since) => order.mapping.clone(),
        };
        let field = |column: &String| fields.get(column).cloned().unwrap_or(Field::Skip);
        Reading {
            fields: import.columns.iter().map(field).collect(),
            country: order.default_country,
            attributes: attributes
                .into_iter()
                .map(|one| (one.key.clone(), AttributeShape::from(one)))
                .collect(),
            lists: by_name(&self.lists),
            owners,
            changes: labels.chain(for_all).collect(),
            notation: order.notation,
            bad_cells: order.bad_cells,
        }
    }

    /// Whether a list that everybody is put on is there.
    pub(super) fn has_lists_of(&self, import: &Import) -> bool {
        let is_there = |list: &ListId| self.lists.iter().any(|one| one.id == *list);
        import.order.lists.iter().all(is_there)
    }

    /// What takes from a contact what is there no more since.
    pub(super) fn gone_since(&self, since: &Self) -> Vec<ContactChange> {
        let attributes = self.attributes.iter().filter(|one| {
            let stays = |other: &ContactAttribute| other.key == one.key && other.kind == one.kind;
            !since.attributes.iter().any(stays)
        });
        let lists = self
            .lists
            .iter()
            .filter(|one| since.lists.iter().all(|other| other.id != one.id));
        attributes
            .map(|one| ContactChange::Attribute(one.key.clone(), None))
            .chain(lists.map(|one| ContactChange::RemoveList(one.id)))
            .collect()
    }
}

impl Imports {
    pub(super) async fn definitions(&self, tenant: TenantId) -> Result<Definitions, StoreError> {
        let (store, now) = (self.store.as_ref(), self.clock.now());
        Ok(Definitions {
            attributes: attributes(store, tenant, now).await?,
            lists: lists(store, tenant, now).await?,
        })
    }

    /// Members by their ids and addresses.
    pub(super) async fn owners(&self, tenant: TenantId) -> Result<BTreeMap<String, AgentId>, StoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_two_lists_have_means_neither() {
        let list = |id, name: &str| ContactList {
            id: ListId::from_bytes([id; 16]),
            name: name.to_owned(),
            created: Timestamp::default(),
            is_leaving: false,
        };
        let lists = [list(1, "VIP"), list(2, "vip"), list(3, "Friends")];
        let found = by_name(&lists);
        assert_eq!(
            (found.get("vip"), found.get("friends")),
            (None, Some(&lists[2].id))
        );
        assert_eq!(found.get(&lists[1].id.to_string()), Some(&lists[1].id));
    }
}
