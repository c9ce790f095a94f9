//! What a record of a file says of a contact, by what its columns are taken for; and what is wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cells::{plain, split};
use super::fields::Field;
use super::phones::{self, Country, PhoneProblem};
use super::records::{Format, Record, Unreadable};
use super::values::{Notation, moment, truth};
use crate::domain::contact_details::Age;
use crate::domain::contact_terms::fold;
use crate::domain::{
    AgentId, Alias, AttributeKey, AttributeShape, AttributeValue, ContactChange, ListId, Timestamp,
};

/// Characters of a wrong value that are told.
const TOLD: usize = 100;

/// What becomes of a row with a cell that makes no sense. One without a phone, or where it cannot be told whether marketing is refused,
/// is refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadCells {
    /// Nothing of the row counts.
    #[default]
    RejectRow,
    /// The rest of the row counts.
    LeaveOut,
}

/// What the values of a file are read with.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// What each column is taken for.
    pub fields: Vec<Field>,
    /// The country of phones that are written without one.
    pub country: Option<Country>,
    /// The business's own fields.
    pub attributes: BTreeMap<AttributeKey, AttributeShape>,
    /// The business's lists, by id and by [folded](fold) name.
    pub lists: BTreeMap<String, ListId>,
    /// The business's members, by id and by address in small letters.
    pub owners: BTreeMap<String, AgentId>,
    /// What is noted of everybody beside that.
    pub changes: Vec<ContactChange>,
    /// How numbers and days are written.
    pub notation: Notation,
    /// What becomes of rows with a cell that makes no sense.
    pub bad_cells: BadCells,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it begins.
    pub line: u64,
    /// Whom it is about.
    pub phone: Alias,
    /// What is noted of them.
    pub changes: Vec<ContactChange>,
    /// Whether they want no marketing.
    pub opted_out: bool,
    /// Since when, if that is told.
    pub opted_out_at: Option<Timestamp>,
    /// What was left out because it makes no sense.
    pub left_out: Vec<RowError>,
}

/// What is wrong with a value, or with a whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowProblem {
    /// There is none.
    PhoneMissing,
    /// A spreadsheet dropped digits of it.
    PhoneShortened,
    /// It has no country, and none is given for those that have none.
    PhoneWithoutCountry,
    /// No country has such a number.
    PhoneInvalid,
    /// See [`GivenName`](crate::domain::GivenName).
    NameInvalid,
    /// See [`ContactLabel`](crate::domain::ContactLabel).
    LabelInvalid,
    /// The business has no such list.
    ListUnknown,
    /// Nobody in the team is called so.
    OwnerUnknown,
    /// It is no text that an attribute says.
    TextInvalid,
    /// It is no number.
    NotANumber,
    /// It is no day.
    NotADate,
    /// It is neither yes nor no.
    NotABoolean,
    /// It is none of the attribute's choices.
    NotAChoice,
    /// The attribute is there no more.
    AttributeUnknown,
    /// The phone, or the same contact, stood there before.
    Duplicate,
    /// The contact would have more labels, lists or attributes than one may.
    TooMany,
    /// The customer was erased since the import began.
    Erased,
    /// The gateway could not take it.
    NotTaken,
    /// No record can be made of it: too long, too wide, no text, no JSON.
    Unreadable,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Where the record begins.
    pub line: u64,
    /// The column's place; `None` where it is about the whole record.
    pub column: Option<usize>,
    /// What it is.
    pub problem: RowProblem,
    /// Why, in words.
    pub reason: String,
    /// The value, or its beginning. Personal data.
    pub value: String,
}

impl RowProblem {
    /// The name under which it is told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PhoneMissing => "phone_missing",
            Self::PhoneShortened => "phone_shortened",
            Self::PhoneWithoutCountry => "phone_without_country",
            Self::PhoneInvalid => "phone_invalid",
            Self::NameInvalid => "name_invalid",
            Self::LabelInvalid => "label_invalid",
            Self::ListUnknown => "list_unknown",
            Self::OwnerUnknown => "owner_unknown",
            Self::TextInvalid => "text_invalid",
            Self::NotANumber => "not_a_number",
            Self::NotADate => "not_a_date",
            Self::NotABoolean => "not_a_boolean",
            Self::NotAChoice => "not_a_choice",
            Self::AttributeUnknown => "attribute_unknown",
            Self::Duplicate => "duplicate",
            Self::TooMany => "too_many",
            Self::Erased => "erased",
            Self::NotTaken => "not_taken",
            Self::Unreadable => "unreadable",
        }
    }

    /// What is told of it in words.
    const fn reason(self) -> &'static str {
        match self {
            Self::PhoneMissing => "the row has no phone",
            Self::PhoneShortened => {
                "a spreadsheet shortened the number: store the column as text and export again"
            }
            Self::PhoneWithoutCountry => "the number has no country code, and no default country is set",
            Self::PhoneInvalid => "this is not a phone number of any country",
            Self::NameInvalid => "a name is 1 to 128 characters on one line",
            Self::LabelInvalid => "a label is 1 to 64 characters on one line",
            Self::ListUnknown => "there is no list of this name or id, or several of this name",
            Self::OwnerUnknown => "nobody in the team has this id or e-mail address",
            Self::TextInvalid => "a text is 1 to 256 characters on one line",
            Self::NotANumber => "this is not a number as the import's `decimal` says",
            Self::NotADate => "this is not a day as YYYY-MM-DD, or as the import's `date_format` says",
            Self::NotABoolean => "this is neither yes nor no",
            Self::NotAChoice => "this is none of the attribute's choices",
            Self::AttributeUnknown => "the attribute is there no more",
            Self::Duplicate => "the file has this contact in an earlier row",
            Self::TooMany => "the contact would have more labels, lists or attributes than one may",
            Self::Erased => "the customer was erased since the import began",
            Self::NotTaken => "the gateway could not take the row",
            Self::Unreadable => "the row cannot be read",
        }
    }

    /// About a record.
    pub fn of_record(self, line: u64) -> RowError {
        RowError {
            line,
            column: None,
            problem: self,
            reason: self.reason().to_owned(),
            value: String::new(),
        }
    }

    /// About a value of it.
    pub fn of_value(self, line: u64, column: usize, value: &str) -> RowError {
        RowError {
            column: Some(column),
            value: value.chars().take(TOLD).collect(),
            ..self.of_record(line)
        }
    }
}

impl From<(u64, Unreadable)> for RowError {
    fn from((line, why): (u64, Unreadable)) -> Self {
        Self {
            reason: why.to_string(),
            ..RowProblem::Unreadable.of_record(line)
        }
    }
}

impl From<PhoneProblem> for RowProblem {
    fn from(problem: PhoneProblem) -> Self {
        match problem {
            PhoneProblem::Shortened => Self::PhoneShortened,
            PhoneProblem::NoCountry => Self::PhoneWithoutCountry,
            PhoneProblem::Invalid => Self::PhoneInvalid,
        }
    }
}

impl Reading {
    /// What a record says, or all that is wrong with it: then nothing of it counts.
    pub fn row(&self, record: &Record, format: Format) -> Result<Row, Vec<RowError>> {
        let line = record.line;
        let (mut phone, mut changes) = (None, self.changes.clone());
        let (mut errors, mut left_out) = (Vec::new(), Vec::new());
        let (mut opted_out, mut opted_out_at) = (None, None);
        for (column, cell) in &record.cells {
            let text = match format {
                Format::Csv => plain(cell),
                Format::Ndjson => cell,
            };
            // Files that were joined have such a mark in the middle.
            let text = text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() {
                continue;
            }
            // Objects keep several values apart.
            let several = || match format {
                Format::Csv => split(plain(cell)),
                Format::Ndjson => vec![text.to_owned()],
            };
            let field = self.fields.get(*column).unwrap_or(&Field::Skip);
            let read = match field {
                // Those are attributes once the import is started.
                Field::Skip | Field::NewAttribute(_) => Ok(()),
                Field::Phone => phones::read(text, self.country)
                    .map(|alias| phone = Some(alias))
                    .map_err(RowProblem::from),
                Field::Name => text
                    .parse()
                    .map(|name| changes.push(ContactChange::GivenName(Some(name))))
                    .map_err(|_rule| RowProblem::NameInvalid),
                Field::Label => several().iter().try_for_each(|text| {
                    let label = text.parse().map_err(|_rule| RowProblem::LabelInvalid)?;
                    changes.push(ContactChange::AddLabel(label));
                    Ok(())
                }),
                Field::List => several().iter().try_for_each(|text| {
                    let list = self.lists.get(text).or_else(|| self.lists.get(&fold(text)));
                    changes.push(ContactChange::AddList(*list.ok_or(RowProblem::ListUnknown)?));
                    Ok(())
                }),
                Field::Owner => {
                    let owner = self
                        .owners
                        .get(text)
                        .or_else(|| self.owners.get(&text.to_lowercase()));
                    let owner = owner.ok_or(RowProblem::OwnerUnknown);
                    owner.map(|owner| changes.push(ContactChange::Owner(Some(owner.clone()))))
                }
                Field::OptedOut => truth(text).map(|yes| opted_out = Some(yes)),
                // One who is not says nothing: the mark is lifted by hand alone.
                Field::IsMinor => {
                    truth(text).map(|yes| changes.extend(yes.then_some(ContactChange::Minor(Age::Minor))))
                }
                Field::OptedOutAt => {
                    let at = moment(text, self.notation.date_format).ok_or(RowProblem::NotADate);
                    at.map(|at| opted_out_at = Some(at))
                }
                Field::Attribute(key) => self.attribute(key, text).map(|value| {
                    changes.push(ContactChange::Attribute(key.clone(), Some(value)));
                }),
            };
            if let Err(problem) = read {
                let error = problem.of_value(line, *column, text);
                let is_needed = matches!(
                    field,
                    Field::Phone | Field::OptedOut | Field::OptedOutAt | Field::IsMinor
                );
                if self.bad_cells == BadCells::LeaveOut && !is_needed {
                    left_out.push(error);
                } else {
                    errors.push(error);
                }
            }
        }
        let has_phone = phone.is_some() || errors.iter().any(|error| self.is_phone(error));
        if !has_phone {
            errors.push(RowProblem::PhoneMissing.of_record(line));
        }
        match phone {
            Some(phone) if errors.is_empty() => Ok(Row {
                line,
                phone,
                changes,
                // A day on which somebody stopped says that they did, where nothing says that they did not.
                opted_out: opted_out.unwrap_or(opted_out_at.is_some()),
                opted_out_at,
                left_out,
            }),
            _ => Err(errors),
        }
    }

    fn is_phone(&self, error: &RowError) -> bool {
        let field = error.column.and_then(|column| self.fields.get(column));
        field == Some(&Field::Phone)
    }

    fn attribute(&self, key: &AttributeKey, text: &str) -> Result<AttributeValue, RowProblem> {
        let shape = self.attributes.get(key).ok_or(RowProblem::AttributeUnknown)?;
        shape.read(text, self.notation)
    }
}

#[cfg(test)]
mod tests;
