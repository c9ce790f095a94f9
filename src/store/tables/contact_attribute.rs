//! Which attributes a business's contacts may have, and which lists there are.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::date::Date;
use crate::domain::{AttributeKey, AttributeShape, AttributeValue, ListId, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where attributes are declared.
pub const CONTACT_ATTRIBUTE: Table = Table {
    name: "contact_attribute",
    says: "an attribute that a business's contacts may have: its key, name, type and choices",
    key: "tenant · key",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where lists are.
pub const CONTACT_LIST: Table = Table {
    name: "contact_list",
    says: "a list of contacts that a business keeps: its name; who is on it stands with the contacts",
    key: "tenant · list",
    subject: Subject::Tenant,
    ..PLAIN
};

/// What values an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// Any text on one line.
    Text,
    /// A number.
    Number,
    /// A day, YYYY-MM-DD.
    Date,
    /// Yes or no.
    Boolean,
    /// One of some texts.
    Choice,
}

/// An attribute that contacts may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAttribute {
    /// What it is known by.
    pub key: AttributeKey,
    /// What people see.
    pub name: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Of a choice: between these.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub choices: Vec<String>,
    /// Whether it is being deleted: no contact gets a value of it any more.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub is_leaving: bool,
}

impl ContactAttribute {
    /// Attributes of a tenant.
    pub const MOST: usize = 100;

    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&CONTACT_ATTRIBUTE, tenant)
    }

    /// The one under a key.
    pub fn at(tenant: TenantId, key: &AttributeKey) -> PlainKey {
        Self::of(tenant).row(key.as_str().as_bytes())
    }

    /// What is wrong with a value, if anything is.
    pub fn complaint(&self, value: &AttributeValue) -> Option<String> {
        let (fits, rule) = match (self.kind, value) {
            (AttributeType::Text, AttributeValue::Text(_))
            | (AttributeType::Number, AttributeValue::Number(_))
            | (AttributeType::Boolean, AttributeValue::Boolean(_)) => return None,
            (AttributeType::Date, AttributeValue::Text(text)) => (text.as_str().parse::<Date>().is_ok(), ""),
            (AttributeType::Choice, AttributeValue::Text(text)) => {
                (self.choices.iter().any(|choice| choice == text.as_str()), "")
            }
            (AttributeType::Text, _) => (false, "a text"),
            (AttributeType::Number, _) => (false, "a number"),
            (AttributeType::Boolean, _) => (false, "true or false"),
            (AttributeType::Date | AttributeType::Choice, _) => (false, ""),
        };
        let rule = match self.kind {
            AttributeType::Date => Date::RULE.to_owned(),
            AttributeType::Choice => format!("one of {}", self.choices.join(", ")),
            AttributeType::Text | AttributeType::Number | AttributeType::Boolean => rule.to_owned(),
        };
        (!fits).then(|| format!("`{}` must be {rule}", self.key))
    }

    /// A value that stands in an address or a file, as the attribute means it.
    pub fn parse(&self, text: &str) -> Option<AttributeValue> {
        let value = match self.kind {
            AttributeType::Number => AttributeValue::Number(text.trim().parse().ok()?),
            AttributeType::Boolean => AttributeValue::Boolean(text.trim().parse().ok()?),
            AttributeType::Text | AttributeType::Date | AttributeType::Choice => {
                AttributeValue::Text(text.trim().parse().ok()?)
            }
        };
        self.complaint(&value).is_none().then_some(value)
    }
}

impl From<ContactAttribute> for AttributeShape {
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

impl PlainRow for ContactAttribute {
    const TABLE: &'static Table = &CONTACT_ATTRIBUTE;
}

/// A list of contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactList {
    /// Its id.
    #[serde(rename = "list_id")]
    pub id: ListId,
    /// What people see.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is being deleted: no contact is put on it any more.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub is_leaving: bool,
}

impl ContactList {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&CONTACT_LIST, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, list: ListId) -> PlainKey {
        Self::of(tenant).row(list.as_bytes())
    }
}

impl PlainRow for ContactList {
    const TABLE: &'static Table = &CONTACT_LIST;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_its_attributes_type() {
        let of = |kind| ContactAttribute {
            key: "x".parse().unwrap(),
            name: "X".to_owned(),
            kind,
            choices: vec!["gold".to_owned(), "silver".to_owned()],
            is_leaving: false,
        };
        for (kind, good, bad) in [
            (AttributeType::Text, "Jakarta", "a\nb"),
            (AttributeType::Number, "2.5", "two"),
            (AttributeType::Date, "2026-02-28", "2026-02-30"),
            (AttributeType::Boolean, "true", "yes"),
            (AttributeType::Choice, "gold", "bronze"),
        ] {
            let value = of(kind).parse(good).unwrap();
            assert_eq!(of(kind).complaint(&value), None);
            assert!(of(kind).parse(bad).is_none(), "{kind:?}");
        }
        let number: AttributeValue = serde_json::from_str("2").unwrap();
        let why = of(AttributeType::Choice).complaint(&number).unwrap();
        assert_eq!(why, "`x` must be one of gold, silver");
    }
}
