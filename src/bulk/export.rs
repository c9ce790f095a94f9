//! Contacts as lines of a file that an import reads again.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::cells::{BYTE_ORDER_MARK, joined, write_line};
use super::phones;
use super::records::Format;
use super::values::written;
use crate::domain::{AttributeKey, AttributeValue, Contact, ListId};

/// Columns before those of attributes. An import leaves out those that it does not take: Meta or the gateway says them.
const COLUMNS: [&str; 12] = [
    "contact_id",
    "phone",
    "name",
    "label",
    "list",
    "owner",
    "opted_out",
    "opted_out_at",
    "is_minor",
    "profile_name",
    "username",
    "created",
];

/// What lines are written with.
#[derive(Debug, Clone)]
pub struct Lines {
    /// How records stand.
    pub format: Format,
    /// The business's own fields, each a column.
    pub attributes: Vec<AttributeKey>,
    /// What lists are told by: their names where no other has the same, else their ids.
    pub lists: BTreeMap<ListId, String>,
}

impl Lines {
    /// What stands before the first contact.
    pub fn head(&self, out: &mut Vec<u8>) {
        if self.format == Format::Csv {
            out.extend_from_slice(BYTE_ORDER_MARK);
            let attributes: Vec<String> = self
                .attributes
                .iter()
                .map(|key| format!("attribute.{key}"))
                .collect();
            write_line(
                COLUMNS.into_iter().chain(attributes.iter().map(String::as_str)),
                out,
            );
        }
    }

    /// One contact.
    pub fn line(&self, contact: &Contact, out: &mut Vec<u8>) {
        match self.format {
            Format::Csv => self.cells(contact, out),
            Format::Ndjson => {
                out.extend_from_slice(Value::Object(self.object(contact)).to_string().as_bytes());
                out.push(b'\n');
            }
        }
    }

    fn lists<'a>(&'a self, contact: &'a Contact) -> impl Iterator<Item = String> + 'a {
        let told = |list: &ListId| self.lists.get(list).cloned().unwrap_or_else(|| list.to_string());
        contact.lists.iter().map(told)
    }

    fn cells(&self, contact: &Contact, out: &mut Vec<u8>) {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let lists: Vec<String> = self.lists(contact).collect();
        let own = [
            contact.id.to_string(),
            contact.phone.as_deref().map(phones::spaced).unwrap_or_default(),
            text(contact.given_name.as_ref().map(|name| name.as_str())),
            joined(contact.labels.iter().map(|label| label.as_str())),
            joined(lists.iter().map(String::as_str)),
            text(contact.owner.as_ref().map(|owner| owner.as_str())),
            text(contact.opted_out_at.map(|_| "true")),
            contact.opted_out_at.map(written).unwrap_or_default(),
            text(contact.is_minor.then_some("true")),
            text(contact.name.as_deref()),
            text(contact.username.as_deref()),
            created(contact),
        ];
        let attributes = self
            .attributes
            .iter()
            .map(|key| match contact.attributes.get(key) {
                None => String::new(),
                Some(AttributeValue::Text(text)) => text.as_str().to_owned(),
                Some(AttributeValue::Number(number)) => number.to_string(),
                Some(AttributeValue::Boolean(truth)) => truth.to_string(),
            });
        let all: Vec<String> = own.into_iter().chain(attributes).collect();
        write_line(all.iter().map(String::as_str), out);
    }

    fn object(&self, contact: &Contact) -> Map<String, Value> {
        let all = [
            ("contact_id", json!(contact.id)),
            ("phone", json!(phone(contact))),
            ("name", json!(contact.given_name)),
            ("label", json!(contact.labels)),
            ("list", json!(self.lists(contact).collect::<Vec<_>>())),
            ("owner", json!(contact.owner)),
            ("opted_out", json!(contact.opted_out_at.map(|_| true))),
            ("opted_out_at", json!(contact.opted_out_at.map(written))),
            ("is_minor", json!(contact.is_minor.then_some(true))),
            ("profile_name", json!(contact.name)),
            ("username", json!(contact.username)),
            ("created", json!(created(contact))),
            ("attributes", json!(contact.attributes)),
        ];
        let is_there = |value: &Value| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            _ => true,
        };
        let fields = all.into_iter().filter(|(_, value)| is_there(value));
        fields.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn phone(contact: &Contact) -> Option<String> {
    contact.phone.as_ref().map(|digits| format!("+{digits}"))
}

fn created(contact: &Contact) -> String {
    crate::domain::date::Date::of(contact.created).to_string()
}

#[cfg(test)]
mod tests;
