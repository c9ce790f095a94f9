//! Attributes that an import makes: those that its columns are taken for and that the business does not have yet.

use super::fields::{Field, Mapping, NewAttribute, header_key};
use crate::domain::AttributeKey;
use crate::store::tables::ContactAttribute;

/// What columns are taken for once the attributes are there.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// By column.
    pub mapping: Mapping,
    /// Those that are to be made.
    pub new: Vec<ContactAttribute>,
}

/// Finds what a mapping makes. One of the same name and type that is there already is taken instead. `Err` says why it cannot be.
pub fn plan(mapping: &Mapping, there: &[ContactAttribute]) -> Result<Plan, String> {
    let (mut planned, mut all) = (Mapping::new(), there.to_vec());
    for (column, field) in mapping {
        let field = match field {
            Field::NewAttribute(new) => Field::Attribute(key_of(new, &mut all)?),
            other => other.clone(),
        };
        planned.insert(column.clone(), field);
    }
    if all.len() > there.len() && all.len() > ContactAttribute::MOST {
        return Err(format!(
            "there would be more than {} attributes: delete some first",
            ContactAttribute::MOST
        ));
    }
    Ok(Plan {
        mapping: planned,
        new: all.split_off(there.len()),
    })
}

/// Under which key it stands; it is added to all where it is not among them.
fn key_of(new: &NewAttribute, all: &mut Vec<ContactAttribute>) -> Result<AttributeKey, String> {
    let called = header_key(&new.name);
    let is_it = |one: &&ContactAttribute| {
        header_key(&one.name) == called || header_key(one.key.as_str()) == called && !called.is_empty()
    };
    if let Some(one) = all.iter().find(is_it) {
        if one.kind == new.kind {
            return Ok(one.key.clone());
        }
        let name = &new.name;
        return Err(format!("there is an attribute {name:?} of another type already"));
    }
    let base = new.key().map_or_else(|| "field".to_owned(), String::from);
    let beginning = base.get(..base.len().min(28)).unwrap_or(&base);
    let candidates = (2..=999).map(|n| format!("{beginning}_{n}"));
    let key = std::iter::once(base.clone())
        .chain(candidates)
        .filter_map(|key| key.parse::<AttributeKey>().ok())
        .find(|key| all.iter().all(|one| one.key != *key));
    let key = key.ok_or_else(|| format!("no key can be made of {:?}", new.name))?;
    all.push(ContactAttribute {
        key: key.clone(),
        name: new.name.clone(),
        kind: new.kind,
        choices: Vec::new(),
        is_leaving: false,
    });
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::AttributeType;

    fn attribute(key: &str, name: &str, kind: AttributeType) -> ContactAttribute {
        ContactAttribute {
            key: key.parse().unwrap(),
            name: name.to_owned(),
            kind,
            choices: Vec::new(),
            is_leaving: false,
        }
    }

    fn mapping(fields: &[(&str, &str)]) -> Mapping {
        fields
            .iter()
            .map(|(column, field)| ((*column).to_owned(), field.parse().unwrap()))
            .collect()
    }

    #[test]
    fn what_is_there_is_taken_and_the_rest_is_made() {
        let there = [
            attribute("city", "Ciudad", AttributeType::Text),
            attribute("spent", "Other", AttributeType::Text),
        ];
        let wanted = mapping(&[
            ("a", "phone"),
            ("b", "attribute.new:CIUDAD"),
            ("c", "attribute.new:City"),
            ("d", "attribute.new.number:Spent!"),
            ("e", "attribute.new:مدينة"),
            ("f", "attribute.new:البلد"),
        ]);
        // `Spent!` would be `spent`, which is something else.
        assert!(plan(&wanted, &there).unwrap_err().contains("another type"));
        let there = [
            there[0].clone(),
            attribute("spent_x", "Other", AttributeType::Text),
        ];
        let planned = plan(&wanted, &there).unwrap();
        let fields: Vec<String> = planned.mapping.values().map(Field::to_string).collect();
        let expected = [
            "phone",
            "attribute.city",
            "attribute.city",
            "attribute.spent",
            "attribute.field",
            "attribute.field_2",
        ];
        assert_eq!(fields, expected);
        let new: Vec<_> = planned
            .new
            .iter()
            .map(|one| (one.key.as_str(), one.kind))
            .collect();
        let text = AttributeType::Text;
        assert_eq!(
            new,
            [
                ("spent", AttributeType::Number),
                ("field", text),
                ("field_2", text)
            ]
        );
        // Once they are there nothing is made.
        let there = [&there[..], &planned.new].concat();
        assert_eq!(plan(&wanted, &there).unwrap().new, []);
    }

    #[test]
    fn no_more_are_made_than_there_may_be() {
        let there: Vec<_> = (0..ContactAttribute::MOST)
            .map(|n| attribute(&format!("a{n}"), &format!("A{n}"), AttributeType::Text))
            .collect();
        assert!(plan(&mapping(&[("b", "attribute.a1")]), &there).is_ok());
        assert!(plan(&mapping(&[("b", "attribute.new:B")]), &there).is_err());
    }
}
