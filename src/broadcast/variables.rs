//! What of a template is filled for each recipient: found in its components, resolved from who the recipient is, and filled in. Pure.
//!
//! Components stand as Meta takes them with a message. Where a text may stand there may be an object that says where the text comes
//! from: `{"from": "name"}`, `{"from": "attribute", "key": "city"}` or `{"from": "column", "key": "Code"}`, each with a `fallback`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::{AttributeKey, AttributeValue, Contact};
use crate::store::tables::{BroadcastTemplate, Unsendable};

/// Different variables of a broadcast.
pub const MOST: usize = 50;
/// Characters of one value: more than Meta takes anywhere.
const LONGEST: usize = 1_024;
/// Bytes of one recipient's values.
const BYTES: usize = 16 << 10;
/// The member by which a variable is known.
const MARK: &str = "from";

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// What the contact is called.
    Name,
    /// A field of the business's own.
    Attribute(AttributeKey),
    /// A column of the uploaded file.
    Column(String),
}

/// A text that is filled in for each recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Where it comes from.
    pub origin: Origin,
    /// What stands there where that says nothing.
    pub fallback: Option<Arc<str>>,
}

/// What is wrong with a template's variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// One of them cannot be read.
    #[error(
        "a variable must be {{\"from\": \"name\"}}, or \"attribute\" or \"column\" with a `key`, and may have a `fallback`: {0}"
    )]
    Malformed(String),
    /// There are too many.
    #[error("a broadcast has at most {MOST} different variables")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: From,
    key: Option<String>,
    fallback: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum From {
    Name,
    Attribute,
    Column,
}

impl Variable {
    fn read(value: &Value) -> Result<Self, VariableError> {
        let malformed = |why: &str| VariableError::Malformed(why.to_owned());
        let written = Written::deserialize(value).map_err(|error| malformed(&error.to_string()))?;
        let origin = match (written.from, written.key) {
            (From::Name, None) => Origin::Name,
            (From::Name, Some(_)) => return Err(malformed("a name has no `key`")),
            (From::Attribute, Some(key)) => Origin::Attribute(key.parse().map_err(malformed)?),
            (From::Column, Some(key)) => Origin::Column(key),
            (From::Attribute | From::Column, None) => return Err(malformed("`key` is missing")),
        };
        let fallback = written.fallback.filter(|text| !text.trim().is_empty());
        Ok(Self {
            origin,
            fallback: fallback.map(Arc::from),
        })
    }

    /// Its text for a recipient; `None` where there is none.
    fn text(&self, who: Who<'_>) -> Option<Arc<str>> {
        let found = match &self.origin {
            Origin::Name => who.contact.and_then(Contact::shown_name).map(str::to_owned),
            Origin::Attribute(key) => {
                let value = who.contact.and_then(|contact| contact.attributes.get(key));
                value.map(|value| match value {
                    AttributeValue::Text(text) => text.as_str().to_owned(),
                    AttributeValue::Number(number) => number.to_string(),
                    AttributeValue::Boolean(truth) => truth.to_string(),
                })
            }
            Origin::Column(column) => who.cells.get(column.as_str()).map(|cell| (*cell).to_owned()),
        };
        let found = found.map(|text| text.trim().to_owned());
        let found = found.filter(|text| !text.is_empty()).map(Arc::from);
        found.or_else(|| self.fallback.clone())
    }
}

/// Who a recipient is, as far as texts come from it.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The contact, where there is one.
    pub contact: Option<&'a Contact>,
    /// The row, by its columns.
    pub cells: &'a BTreeMap<&'a str, &'a str>,
}

/// A template, and what of it is filled for each recipient.
#[derive(Debug, Clone)]
pub struct Filling {
    template: BroadcastTemplate,
    variables: Vec<Variable>,
}

impl Filling {
    /// Finds the variables of a template, each once, in the order in which they stand there.
    pub fn of(template: &BroadcastTemplate) -> Result<Self, VariableError> {
        let mut variables = Vec::new();
        find(&template.components, &mut variables)?;
        Ok(Self {
            template: template.clone(),
            variables,
        })
    }

    /// What is filled.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The texts of one recipient.
    pub fn resolve(&self, who: Who<'_>) -> Result<Vec<Arc<str>>, Unsendable> {
        let texts = self.variables.iter().map(|variable| variable.text(who));
        let texts: Option<Vec<Arc<str>>> = texts.collect();
        let texts = texts.ok_or(Unsendable::VariableMissing)?;
        let is_long = texts.iter().any(|text| text.chars().count() > LONGEST);
        if is_long || texts.iter().map(|text| text.len()).sum::<usize>() > BYTES {
            return Err(Unsendable::VariableRefused);
        }
        Ok(texts)
    }

    /// The columns that its texts come from.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.variables
            .iter()
            .filter_map(|variable| match &variable.origin {
                Origin::Column(column) => Some(column.as_str()),
                Origin::Name | Origin::Attribute(_) => None,
            })
    }

    /// What stood in the columns of a recipient, read from the components that were sent.
    pub fn cells_of(&self, sent: &Value) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        take_back(&self.template.components, sent, &mut found);
        found
    }

    /// The `template` object of a message with these texts.
    pub fn fill(&self, texts: &[Arc<str>]) -> Value {
        let mut components = self.template.components.clone();
        put(&mut components, &self.variables, texts);
        let mut template = json!({
            "name": self.template.name,
            "language": { "code": self.template.language },
        });
        if let (Some(object), false) = (template.as_object_mut(), components.is_null()) {
            object.insert("components".to_owned(), components);
        }
        template
    }
}

fn find(value: &Value, found: &mut Vec<Variable>) -> Result<(), VariableError> {
    match value {
        Value::Object(members) if members.contains_key(MARK) => {
            let variable = Variable::read(value)?;
            if !found.contains(&variable) {
                found.push(variable);
            }
            if found.len() > MOST {
                return Err(VariableError::TooMany);
            }
            Ok(())
        }
        Value::Object(members) => members.values().try_for_each(|member| find(member, found)),
        Value::Array(items) => items.iter().try_for_each(|item| find(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn take_back(value: &Value, sent: &Value, found: &mut BTreeMap<String, String>) {
    match (value, sent) {
        (Value::Object(members), Value::String(text)) if members.contains_key(MARK) => {
            if let Ok(Variable {
                origin: Origin::Column(column),
                ..
            }) = Variable::read(value)
            {
                found.insert(column, text.clone());
            }
        }
        (Value::Object(members), Value::Object(sent)) => {
            for (name, member) in members {
                if let Some(sent) = sent.get(name) {
                    take_back(member, sent, found);
                }
            }
        }
        (Value::Array(items), Value::Array(sent)) => {
            for (item, sent) in items.iter().zip(sent) {
                take_back(item, sent, found);
            }
        }
        _ => {}
    }
}

fn put(value: &mut Value, variables: &[Variable], texts: &[Arc<str>]) {
    match value {
        Value::Object(members) if members.contains_key(MARK) => {
            let read = Variable::read(value).ok();
            let place = variables
                .iter()
                .position(|variable| Some(variable) == read.as_ref());
            let text = place.and_then(|place| texts.get(place));
            *value = Value::String(text.map_or_else(String::new, |text| text.as_ref().to_owned()));
        }
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| put(member, variables, texts)),
        Value::Array(items) => items.iter_mut().for_each(|item| put(item, variables, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alias, ContactAliases, ContactId, Timestamp};

    fn template(components: Value) -> BroadcastTemplate {
        BroadcastTemplate {
            name: "promo".to_owned(),
            language: "en".to_owned(),
            components,
        }
    }

    fn contact() -> Contact {
        let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
        let mut contact = Contact::new(ContactId::from_bytes([1; 16]), &aliases, Timestamp::default());
        contact.name = Some("Ana".into());
        let city = serde_json::from_value(json!("Bandung")).unwrap();
        contact.attributes.insert("city".parse().unwrap(), city);
        contact
    }

    #[test]
    fn what_stood_in_columns_is_read_back_from_what_was_sent() {
        let components = parameters(&json!([
            { "type": "text", "text": { "from": "name", "fallback": "friend" } },
            { "type": "text", "text": { "from": "column", "key": "Code" } },
            { "type": "text", "text": { "from": "column", "key": "Off", "fallback": "5%" } },
        ]));
        let filling = Filling::of(&template(components)).unwrap();
        assert_eq!(filling.columns().collect::<Vec<_>>(), ["Code", "Off"]);
        let sent = filling.fill(&["Ana".into(), "X1".into(), "7%".into()]);
        let cells = filling.cells_of(&sent["components"]);
        let cells: Vec<(&str, &str)> = cells
            .iter()
            .map(|(column, text)| (column.as_str(), text.as_str()))
            .collect();
        assert_eq!(cells, [("Code", "X1"), ("Off", "7%")]);
        assert!(filling.cells_of(&Value::Null).is_empty());
    }

    fn parameters(parameters: &Value) -> Value {
        json!([{ "type": "body", "parameters": parameters }])
    }

    #[test]
    fn texts_come_from_the_contact_and_from_the_row() {
        let components = parameters(&json!([
            { "type": "text", "text": { "from": "name" } },
            { "type": "text", "text": { "from": "attribute", "key": "city" } },
            { "type": "text", "text": { "from": "column", "key": "Code" } },
            { "type": "text", "text": { "from": "name" } },
            { "type": "text", "text": "fixed" },
        ]));
        let filling = Filling::of(&template(components)).unwrap();
        assert_eq!(filling.variables().len(), 3, "the same one is resolved once");
        let cells = BTreeMap::from([("Code", " X-1 ")]);
        let contact = contact();
        let who = Who {
            contact: Some(&contact),
            cells: &cells,
        };
        let texts = filling.resolve(who).unwrap();
        let filled = filling.fill(&texts);
        let text = |n: usize| {
            filled
                .pointer(&format!("/components/0/parameters/{n}/text"))
                .unwrap()
        };
        assert_eq!(
            [text(0), text(1), text(2), text(3), text(4)],
            ["Ana", "Bandung", "X-1", "Ana", "fixed"]
        );
        assert_eq!(filled.pointer("/language/code").unwrap(), "en");
    }

    #[test]
    fn what_says_nothing_is_filled_by_the_fallback_or_told() {
        let cells = BTreeMap::from([("Code", "  ")]);
        let who = Who {
            contact: None,
            cells: &cells,
        };
        let with = |fallback: Value| {
            let variable = json!({ "from": "column", "key": "Code", "fallback": fallback });
            let filling = Filling::of(&template(parameters(&json!([{ "text": variable }])))).unwrap();
            filling.resolve(who)
        };
        assert_eq!(with(json!("friend")).unwrap(), [Arc::from("friend")]);
        assert_eq!(with(Value::Null), Err(Unsendable::VariableMissing));
        assert_eq!(with(json!(" ")), Err(Unsendable::VariableMissing));
    }

    #[test]
    fn a_text_that_nothing_takes_is_told_and_not_kept() {
        let filling = Filling::of(&template(parameters(
            &json!([{ "text": { "from": "column", "key": "c" } }]),
        )));
        let long = "x".repeat(LONGEST + 1);
        let cells = BTreeMap::from([("c", long.as_str())]);
        let who = Who {
            contact: None,
            cells: &cells,
        };
        assert_eq!(filling.unwrap().resolve(who), Err(Unsendable::VariableRefused));
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_refused() {
        for bad in [
            json!({ "from": "nowhere" }),
            json!({ "from": "attribute" }),
            json!({ "from": "attribute", "key": "No Key" }),
            json!({ "from": "name", "key": "x" }),
            json!({ "from": "name", "fall": "x" }),
            json!({ "from": 1 }),
        ] {
            let found = Filling::of(&template(parameters(&json!([{ "text": bad }]))));
            assert!(matches!(found, Err(VariableError::Malformed(_))), "{bad}");
        }
        let many: Vec<Value> = (0..=MOST)
            .map(|n| json!({ "text": { "from": "column", "key": n.to_string() } }))
            .collect();
        let found = Filling::of(&template(parameters(&json!(many))));
        assert_eq!(found.unwrap_err(), VariableError::TooMany);
    }

    #[test]
    fn a_template_without_variables_is_sent_as_it_is() {
        let filling = Filling::of(&template(Value::Null)).unwrap();
        let cells = BTreeMap::new();
        let who = Who {
            contact: None,
            cells: &cells,
        };
        let texts = filling.resolve(who).unwrap();
        assert_eq!(
            filling.fill(&texts),
            json!({ "name": "promo", "language": { "code": "en" } })
        );
    }
}
