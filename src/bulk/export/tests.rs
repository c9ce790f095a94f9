use proptest::prelude::*;

use super::super::fields::{Field, headers, suggest};
use super::super::records::{Place, Records, Separator};
use super::super::rows::Reading;
use super::*;
use crate::domain::contact_details::Age;
use crate::domain::{AgentId, Alias, AttributeShape, ContactAliases, ContactChange, ContactId, Timestamp};

const LIST: ListId = ListId::from_bytes([5; 16]);

fn key(text: &str) -> AttributeKey {
    text.parse().unwrap()
}

/// What a business may note.
fn change() -> impl Strategy<Value = ContactChange> {
    let line = "[a'=+@;,|\\\\\"é-][a =;,|\\\\\"é]{0,5}[a'=;|\"é]";
    let text = move || proptest::string::string_regex(line).unwrap();
    let number = (-1_000_000_i64..1_000_000).prop_map(|number| AttributeValue::Number(number.into()));
    let value = move || text().prop_map(|text| AttributeValue::Text(text.parse().unwrap()));
    prop_oneof![
        text().prop_map(|text| ContactChange::GivenName(Some(text.parse().unwrap()))),
        text().prop_map(|text| ContactChange::AddLabel(text.parse().unwrap())),
        Just(ContactChange::AddList(LIST)),
        Just(ContactChange::Minor(Age::Minor)),
        Just(ContactChange::AddList(ListId::from_bytes([6; 16]))),
        Just(ContactChange::Owner(Some(AgentId::parse("ana").unwrap()))),
        value().prop_map(|value| ContactChange::Attribute(key("city"), Some(value))),
        number.prop_map(|number| ContactChange::Attribute(key("tier"), Some(number))),
        any::<bool>()
            .prop_map(|truth| ContactChange::Attribute(key("paid"), Some(AttributeValue::Boolean(truth)))),
    ]
}

proptest! {
    #[test]
    fn what_is_exported_is_imported_as_it_was(
        changes in prop::collection::vec(change(), 0..12),
        format in prop_oneof![Just(Format::Csv), Just(Format::Ndjson)],
        stopped in any::<bool>(),
    ) {
        let phone = Alias::phone("+62 812 3456 789").unwrap();
        let aliases = ContactAliases::of([phone.clone()]);
        let fresh = || Contact::new(ContactId::from_bytes([1; 16]), &aliases, Timestamp::from_secs(1_700_000_000));
        let mut contact = fresh();
        contact.name = Some("=cmd()".into());
        for change in &changes {
            contact.change(change).unwrap();
        }
        if stopped {
            contact.change(&ContactChange::NoMarketing(contact.created)).unwrap();
        }
        let shapes = [("city", AttributeShape::Text), ("paid", AttributeShape::Boolean), ("tier", AttributeShape::Number)];
        let lines = Lines {
            format,
            attributes: shapes.iter().map(|(name, _)| key(name)).collect(),
            lists: BTreeMap::from([(LIST, "Friends; of us".to_owned())]),
        };
        let mut file = Vec::new();
        lines.head(&mut file);
        lines.line(&contact, &mut file);
        // Excel takes it for UTF-8 by that; whatever takes a file in takes it off.
        let text = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&file);
        prop_assert_eq!(text.len() < file.len(), format == Format::Csv);
        let mut records = Records::new(text, format, Separator::Comma, Vec::new(), Place::START);
        let mut record = records.read_next().unwrap().unwrap().unwrap();
        let mut columns = records.columns().to_vec();
        if format == Format::Csv {
            columns = headers(record.cells.clone(), record.cells.len());
            record = records.read_next().unwrap().unwrap().unwrap();
        }
        let names = shapes.iter().map(|(name, _)| (key(name), String::new())).collect();
        let mapping = suggest(&columns, &BTreeMap::new(), &names);
        let other = ListId::from_bytes([6; 16]);
        let reading = Reading {
            fields: columns.iter().map(|column| mapping[column].clone()).collect(),
            attributes: shapes.into_iter().map(|(name, shape)| (key(name), shape)).collect(),
            lists: BTreeMap::from([("friends; of us".to_owned(), LIST), (other.to_string(), other)]),
            owners: BTreeMap::from([("ana".to_owned(), AgentId::parse("ana").unwrap())]),
            ..Reading::default()
        };
        prop_assert!(reading.fields.contains(&Field::Phone));
        let row = reading.row(&record, format).unwrap();
        prop_assert_eq!(row.phone, phone);
        prop_assert_eq!(row.opted_out, stopped);
        prop_assert_eq!(row.opted_out_at, contact.opted_out_at);
        let mut again = fresh();
        for change in &row.changes {
            again.change(change).unwrap();
        }
        let noted = |contact: &Contact| {
            let mut noted = contact.clone();
            (noted.name, noted.opted_out_at, noted.opted_out_by) = (None, None, None);
            noted.wishes.clear();
            noted.consents.clear();
            noted
        };
        prop_assert!(noted(&again) == noted(&contact));
    }
}
