//! What a caller wants to be noted of a contact, from the fields of a body.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::auth::{Call, CanSend};
use super::super::error::ApiError;
use super::super::json::Fields;
use crate::domain::contact_details::Age;
use crate::domain::contact_details::AttributeText;
use crate::domain::{AttributeKey, AttributeValue, ContactChange, ContactLabel, ListId};
use crate::store::tables::{ContactAttribute, ContactList};

/// Labels or lists in one change.
const MOST: usize = 100;

/// Some to add, some to remove.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddRemove<T> {
    #[serde(default = "Vec::new")]
    add: Vec<T>,
    #[serde(default = "Vec::new")]
    remove: Vec<T>,
}

impl<T> Default for AddRemove<T> {
    fn default() -> Self {
        Self {
            add: Vec::new(),
            remove: Vec::new(),
        }
    }
}

impl<T> AddRemove<T> {
    fn few(self, name: &str) -> Result<Self, ApiError> {
        if self.add.len().max(self.remove.len()) > MOST {
            return Err(ApiError::invalid(format!("`{name}`: at most {MOST} at once")));
        }
        Ok(self)
    }
}

/// What is noted of a contact that is made.
pub(super) async fn of_new(
    call: &Call<CanSend>,
    fields: &mut Fields,
) -> Result<Vec<ContactChange>, ApiError> {
    let added = |add| AddRemove {
        add,
        remove: Vec::new(),
    };
    let labels = fields
        .optional::<Vec<ContactLabel>>("labels")?
        .unwrap_or_default();
    let lists = fields.optional::<Vec<ListId>>("lists")?.unwrap_or_default();
    let rest = Rest {
        given_name: given(fields, "given_name", ContactChange::GivenName)?,
        owner: given(fields, "owner", ContactChange::Owner)?,
        attributes: attributes(fields)?,
        minor: None,
    };
    gather(
        call,
        rest,
        added(labels),
        AddRemove {
            add: lists,
            remove: Vec::new(),
        },
    )
    .await
}

/// What is changed about one that is there.
pub(super) async fn of_known(
    call: &Call<CanSend>,
    fields: &mut Fields,
) -> Result<Vec<ContactChange>, ApiError> {
    let labels = fields
        .optional::<AddRemove<ContactLabel>>("labels")?
        .unwrap_or_default();
    let lists = fields.optional::<AddRemove<ListId>>("lists")?.unwrap_or_default();
    let minor = fields.optional::<bool>("is_minor")?;
    let rest = Rest {
        given_name: given(fields, "given_name", ContactChange::GivenName)?,
        owner: given(fields, "owner", ContactChange::Owner)?,
        attributes: attributes(fields)?,
        minor: minor.map(|minor| if minor { Age::Minor } else { Age::Other }),
    };
    gather(call, rest, labels, lists).await
}

struct Rest {
    given_name: Option<ContactChange>,
    owner: Option<ContactChange>,
    attributes: BTreeMap<AttributeKey, Option<AttributeValue>>,
    minor: Option<Age>,
}

/// What attributes are to say; null for nothing.
fn attributes(fields: &mut Fields) -> Result<BTreeMap<AttributeKey, Option<AttributeValue>>, ApiError> {
    let given = fields.optional::<BTreeMap<String, Value>>("attributes")?;
    let mut attributes = BTreeMap::new();
    for (name, value) in given.unwrap_or_default() {
        let key: AttributeKey = (name.parse())
            .map_err(|rule| ApiError::invalid(format!("`attributes`: a key must be {rule}")))?;
        let value = serde_json::from_value::<Option<AttributeValue>>(value).map_err(|_none_of_them| {
            ApiError::invalid(format!(
                "`attributes.{key}` must be a text of 1 to {} characters on one line, a number, true, false or null",
                AttributeText::LONGEST
            ))
        })?;
        attributes.insert(key, value);
    }
    Ok(attributes)
}

/// A field that may be left out, which changes nothing, or null, which empties.
fn given<T: DeserializeOwned>(
    fields: &mut Fields,
    name: &'static str,
    change: fn(Option<T>) -> ContactChange,
) -> Result<Option<ContactChange>, ApiError> {
    match fields.peek(name) {
        None => {
            // Noted as known.
            fields.optional::<Value>(name)?;
            Ok(None)
        }
        Some(_) => Ok(Some(change(fields.required(name)?))),
    }
}

async fn gather(
    call: &Call<CanSend>,
    rest: Rest,
    labels: AddRemove<ContactLabel>,
    lists: AddRemove<ListId>,
) -> Result<Vec<ContactChange>, ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let (labels, lists) = (labels.few("labels")?, lists.few("lists")?);
    if let Some(ContactChange::Owner(Some(owner))) = &rest.owner {
        state.accounts.demand_present(tenant, owner).await?;
    }
    let known = call.table::<ContactAttribute>();
    for (key, value) in &rest.attributes {
        let Some(value) = value else { continue };
        let row = known.get(&ContactAttribute::at(tenant, key)).await?;
        let row = row.filter(|found| !found.row.is_leaving).ok_or_else(|| {
            ApiError::invalid(format!(
                "there is no attribute `{key}`: `PUT /v1/attributes/{key}` makes it"
            ))
        })?;
        if let Some(complaint) = row.row.complaint(value) {
            return Err(ApiError::invalid(complaint));
        }
    }
    let known = call.table::<ContactList>();
    for list in &lists.add {
        let found = known.get(&ContactList::at(tenant, *list)).await?;
        if found.is_none_or(|found| found.row.is_leaving) {
            return Err(ApiError::invalid(format!(
                "there is no list {list}: `GET /v1/lists` lists them"
            )));
        }
    }
    // What goes first makes room.
    let mut changes: Vec<ContactChange> = Vec::new();
    changes.extend(labels.remove.into_iter().map(ContactChange::RemoveLabel));
    changes.extend(labels.add.into_iter().map(ContactChange::AddLabel));
    changes.extend(lists.remove.into_iter().map(ContactChange::RemoveList));
    changes.extend(lists.add.into_iter().map(ContactChange::AddList));
    let (set, emptied): (Vec<_>, Vec<_>) = rest
        .attributes
        .into_iter()
        .partition(|(_, value)| value.is_some());
    let attribute = |(key, value)| ContactChange::Attribute(key, value);
    changes.extend(emptied.into_iter().chain(set).map(attribute));
    changes.extend(rest.given_name.into_iter().chain(rest.owner));
    changes.extend(rest.minor.map(ContactChange::Minor));
    Ok(changes)
}
