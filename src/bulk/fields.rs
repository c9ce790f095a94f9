//! What a column of a file is taken for: suggested by its header, in the languages of the console.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::AttributeKey;
use crate::domain::contact_terms::fold;
use crate::domain::display_name::{is_one_line, shows};
use crate::store::tables::AttributeType;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Field {
    /// The phone.
    Phone,
    /// What the business calls the contact.
    Name,
    /// A label, or several.
    Label,
    /// A list, or several: by id or by name.
    List,
    /// Who looks after it: a member.
    Owner,
    /// Whether it wants no marketing.
    OptedOut,
    /// Since when it wants none.
    OptedOutAt,
    /// Whether it is under age.
    IsMinor,
    /// A field of the business's own.
    Attribute(AttributeKey),
    /// One that it does not have yet: it is made when the import is started.
    NewAttribute(NewAttribute),
    /// Nothing.
    Skip,
}

/// An attribute that is made for a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewAttribute {
    /// What values it takes; no choice, since nobody has said between what.
    pub kind: AttributeType,
    /// What people see.
    pub name: String,
}

/// What columns are taken for, by their headers.
pub type Mapping = BTreeMap<String, Field>;

/// Headers that say what stands below, [folded](fold) and without what is no letter or digit. English, Malay and Indonesian, Spanish,
/// Arabic; and what other programs export.
const KNOWN: &[(Field, &[&str])] = &[
    (
        Field::Phone,
        &[
            "phone",
            "phonenumber",
            "mobile",
            "mobilenumber",
            "mobilephone",
            "cell",
            "cellphone",
            "tel",
            "telephone",
            "whatsapp",
            "whatsappnumber",
            "waid",
            "number",
            "msisdn",
            "telefon",
            "nomortelepon",
            "nomorhp",
            "nohp",
            "notelefon",
            "nomortelefon",
            "nombortelefon",
            "telepon",
            "hp",
            "nomorwhatsapp",
            "nowa",
            "telefono",
            "celular",
            "movil",
            "numero",
            "numerodetelefono",
            "الهاتف",
            "رقمالهاتف",
            "هاتف",
            "جوال",
            "رقمالجوال",
            "موبايل",
            "واتساب",
        ],
    ),
    (
        Field::Name,
        &[
            "name",
            "fullname",
            "givenname",
            "contactname",
            "customer",
            "customername",
            "displayname",
            "nama",
            "namalengkap",
            "namapenuh",
            "pelanggan",
            "nombre",
            "nombrecompleto",
            "cliente",
            "الاسم",
            "اسم",
            "الاسمالكامل",
        ],
    ),
    (
        Field::Label,
        &[
            "label",
            "labels",
            "tag",
            "tags",
            "penanda",
            "etiqueta",
            "etiquetas",
            "وسم",
            "الوسوم",
            "التصنيف",
        ],
    ),
    (
        Field::List,
        &[
            "list",
            "lists",
            "group",
            "groups",
            "senarai",
            "daftar",
            "kumpulan",
            "grup",
            "lista",
            "listas",
            "grupo",
            "قايمة",
            "القايمة",
            "مجموعة",
        ],
    ),
    (
        Field::Owner,
        &[
            "owner",
            "agent",
            "assignee",
            "accountmanager",
            "pemilik",
            "ejen",
            "agen",
            "responsable",
            "agente",
            "المسوول",
        ],
    ),
    (
        Field::OptedOut,
        &[
            "optedout",
            "optout",
            "unsubscribed",
            "donotcontact",
            "berhentilangganan",
            "baja",
            "dadodebaja",
            "ملغيالاشتراك",
        ],
    ),
    (Field::OptedOutAt, &["optedoutat"]),
    (Field::IsMinor, &["isminor", "minor", "underage"]),
    // What an export tells beside that, which Meta or the gateway itself says.
    (Field::Skip, &["contactid", "profilename", "username", "created"]),
];

impl Field {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "`phone`, `name`, `label`, `list`, `owner`, `opted_out`, `opted_out_at`, `is_minor`, `skip`, `attribute.` with an attribute's key, or `attribute.new:` with the name of a new one (`attribute.new.number:`, `attribute.new.date:`, `attribute.new.boolean:`)";

    /// Whether several columns may be taken for it.
    pub const fn may_repeat(&self) -> bool {
        matches!(self, Self::Label | Self::List | Self::Skip)
    }
}

impl NewAttribute {
    /// Characters of its name.
    const LONGEST: usize = 100;

    /// The key that it gets, as long as no other has it: its name in the letters of keys.
    pub fn key(&self) -> Option<AttributeKey> {
        let folded = fold(&self.name);
        let words = folded.split(|c: char| !c.is_ascii_alphanumeric());
        let joined = words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("_");
        let begins = joined.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        // ASCII alone is left: bytes are letters.
        begins.get(..begins.len().min(32))?.parse().ok()
    }
}

/// What a mapping says of an attribute that is made.
const NEW: [(&str, AttributeType); 4] = [
    ("", AttributeType::Text),
    (".number", AttributeType::Number),
    (".date", AttributeType::Date),
    (".boolean", AttributeType::Boolean),
];

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Label => "label",
            Self::List => "list",
            Self::Owner => "owner",
            Self::OptedOut => "opted_out",
            Self::OptedOutAt => "opted_out_at",
            Self::IsMinor => "is_minor",
            Self::Attribute(key) => return write!(f, "attribute.{key}"),
            Self::NewAttribute(NewAttribute { kind, name }) => {
                let kind = NEW
                    .iter()
                    .find(|(_, of)| of == kind)
                    .map_or("", |(kind, _)| *kind);
                return write!(f, "attribute.new{kind}:{name}");
            }
            Self::Skip => "skip",
        })
    }
}

impl FromStr for Field {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = [
            Self::Phone,
            Self::Name,
            Self::Label,
            Self::List,
            Self::Owner,
            Self::OptedOut,
            Self::OptedOutAt,
            Self::IsMinor,
            Self::Skip,
        ];
        if let Some(field) = plain.into_iter().find(|field| field.to_string() == text) {
            return Ok(field);
        }
        let key = text.strip_prefix("attribute.").ok_or(Self::RULE)?;
        if let Some((new, name)) = key.strip_prefix("new").and_then(|new| new.split_once(':')) {
            let kind = NEW.iter().find(|(kind, _)| *kind == new).map(|(_, kind)| *kind);
            let name = name.trim();
            let is_name = (1..=NewAttribute::LONGEST).contains(&name.chars().count())
                && is_one_line(name)
                && shows(name);
            return match kind {
                Some(kind) if is_name => Ok(Self::NewAttribute(NewAttribute {
                    kind,
                    name: name.to_owned(),
                })),
                _ => Err(Self::RULE),
            };
        }
        key.parse().map(Self::Attribute).map_err(|_rule| Self::RULE)
    }
}

impl TryFrom<String> for Field {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.to_string()
    }
}

/// A header as it is compared: what a person would not tell apart is one.
pub fn header_key(header: &str) -> String {
    fold(header).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Headers that are there and tell columns apart: none is empty, none is twice.
pub fn headers(cells: Vec<(usize, String)>, columns: usize) -> Vec<String> {
    let mut headers: Vec<String> = vec![String::new(); columns];
    for (column, text) in cells {
        if let Some(header) = headers.get_mut(column) {
            text.trim().clone_into(header);
        }
    }
    let mut unique: Vec<String> = Vec::with_capacity(columns);
    for (place, header) in headers.into_iter().enumerate() {
        let header = if header.is_empty() {
            format!("column {}", place + 1)
        } else {
            header
        };
        let mut name = header.clone();
        let mut again = 2;
        while unique.contains(&name) {
            name = format!("{header} ({again})");
            again += 1;
        }
        unique.push(name);
    }
    unique
}

/// What columns are probably to be taken for. `remembered` is what such headers were taken for before, by [`header_key`];
/// `attributes` what the business's own fields are called, by their keys.
pub fn suggest(
    columns: &[String],
    remembered: &BTreeMap<String, Field>,
    attributes: &BTreeMap<AttributeKey, String>,
) -> Mapping {
    let mut taken: Vec<Field> = Vec::new();
    let mut mapping = Mapping::new();
    for column in columns {
        let key = header_key(column);
        let known = || KNOWN.iter().find(|(_, headers)| headers.contains(&key.as_str()));
        let attribute = || {
            let is_it = |(attribute, name): &(&AttributeKey, &String)| {
                header_key(attribute.as_str()) == key || header_key(name) == key
            };
            attributes
                .iter()
                .find(is_it)
                .map(|(attribute, _)| attribute.clone())
        };
        let field = (column.parse().ok())
            .or_else(|| remembered.get(&key).cloned())
            .or_else(|| attribute().map(Field::Attribute))
            .or_else(|| known().map(|(field, _)| field.clone()))
            .filter(|field| match field {
                Field::Attribute(attribute) => attributes.contains_key(attribute),
                // A file makes none by itself.
                Field::NewAttribute(_) => false,
                _ => true,
            })
            .filter(|field| field.may_repeat() || !taken.contains(field))
            .unwrap_or(Field::Skip);
        taken.push(field.clone());
        mapping.insert(column.clone(), field);
    }
    mapping
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_in_four_languages() {
        let attributes = BTreeMap::from([
            ("city".parse().unwrap(), "Ciudad de envío".to_owned()),
            ("tier".parse().unwrap(), "Tier".to_owned()),
        ]);
        let remembered = BTreeMap::from([(header_key("Segmento"), Field::Label)]);
        for (header, field) in [
            ("Phone Number", "phone"),
            ("No. HP", "phone"),
            ("Teléfono", "phone"),
            ("رقم الهاتف", "phone"),
            ("NAMA", "name"),
            ("Nombre completo", "name"),
            ("الاسم", "name"),
            ("tags", "label"),
            ("Grupo", "list"),
            ("Opt-out", "opted_out"),
            ("ciudad de envio", "attribute.city"),
            ("attribute.tier", "attribute.tier"),
            ("TIER", "attribute.tier"),
            ("attribute.unknown", "skip"),
            ("segmento", "label"),
            ("contact_id", "skip"),
            ("favourite colour", "skip"),
        ] {
            let columns = [header.to_owned()];
            let mapping = suggest(&columns, &remembered, &attributes);
            assert_eq!(mapping[header].to_string(), field, "{header}");
        }
    }

    #[test]
    fn a_column_is_taken_for_an_attribute_that_is_not_there_yet() {
        for (text, key) in [
            ("attribute.new:Date of birth", Some("date_of_birth")),
            ("attribute.new.number:Spent (€)", Some("spent")),
            ("attribute.new.date:2nd visit", Some("nd_visit")),
            ("attribute.new.boolean:Città", Some("citta")),
            ("attribute.new:المدينة", None),
        ] {
            let field: Field = text.parse().unwrap();
            assert_eq!(field.to_string(), text);
            let Field::NewAttribute(new) = field else {
                panic!("{text}")
            };
            assert_eq!(new.key().as_ref().map(AttributeKey::as_str), key, "{text}");
        }
        assert!(matches!("attribute.new".parse(), Ok(Field::Attribute(_))));
        let long = format!("attribute.new:{}", "x".repeat(101));
        for wrong in [
            "attribute.new:",
            "attribute.new: ",
            "attribute.new.choice:x",
            "attribute.new:a\nb",
            &long,
        ] {
            assert!(wrong.parse::<Field>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_two_columns_are_taken_for_one_phone_but_for_labels_they_are() {
        let columns = ["Phone", "Mobile", "tag", "label"].map(str::to_owned);
        let mapping = suggest(&columns, &BTreeMap::new(), &BTreeMap::new());
        let fields: Vec<String> = columns.iter().map(|column| mapping[column].to_string()).collect();
        assert_eq!(fields, ["phone", "skip", "label", "label"]);
    }

    #[test]
    fn every_column_has_a_header_of_its_own() {
        let cells = [(0, " a "), (1, "b"), (3, "a")].map(|(column, text)| (column, text.to_owned()));
        assert_eq!(
            headers(cells.to_vec(), 5),
            ["a", "b", "column 3", "a (2)", "column 5"]
        );
    }

    #[test]
    fn each_known_header_is_written_as_it_is_compared() {
        let all: Vec<&&str> = KNOWN.iter().flat_map(|(_, headers)| headers.iter()).collect();
        for (place, header) in all.iter().enumerate() {
            assert_eq!(header_key(header), **header);
            assert!(!all[..place].contains(header), "{header} is there twice");
        }
    }
}
