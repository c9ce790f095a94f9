//! Which contacts a list shows: what its address asks for, as a filter, and what the caller may see. Digits that stand anywhere in a phone
//! are no condition of filters.

use async_trait::async_trait;

use super::super::auth::{Call, CanRead};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::segments;
use crate::domain::contact_terms::{DIGITS, words};
use crate::domain::filter::{AnyTerm, Condition as Asked, Filter, Match, Order, Owner, Test};
use crate::domain::{
    AgentId, AttributeKey, AttributeValue, Author, Contact, ContactLabel, ConversationId, ListId,
    PhoneNumberId, SegmentId, TenantId, TermKey,
};
use crate::store::contact_filter::MeantContacts;
use crate::store::contact_search::Condition;
use crate::store::tables::ContactAttribute;
use crate::store::{Store, StoreError};

/// Characters of a search.
const LONGEST_SEARCH: usize = 100;

/// What is looked for in names and phones.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Search {
    /// Each is how a word begins.
    Words(Vec<String>),
    /// They stand somewhere in the phone.
    Digits(String),
}

impl Search {
    const RULE: &'static str = "the beginnings of words of a name, or at least four digits of a phone";

    fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = || ApiError::invalid(format!("`search` must be {}", Self::RULE));
        if text.chars().count() > LONGEST_SEARCH {
            return Err(refused());
        }
        let is_phone = text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.'));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if is_phone && digits.len() >= DIGITS {
            // A number is kept with its country's code, and dialled with zeros in its place.
            let written = digits.trim_start_matches('0');
            let digits = if written.len() < DIGITS { &digits } else { written };
            return Ok(Self::Digits(digits.to_owned()));
        }
        let words = words(text);
        if words.is_empty() {
            return Err(refused());
        }
        Ok(Self::Words(words))
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Criteria {
    meant: MeantContacts,
    digits: Option<String>,
    number: Option<PhoneNumberId>,
    /// A number that blocks them.
    blocked_on: Option<PhoneNumberId>,
}

impl Criteria {
    /// What the address asks for.
    pub(super) async fn read(call: &Call<CanRead>, params: &mut Params) -> Result<Self, ApiError> {
        let segment = params.take::<SegmentId>("segment", "a segment_id")?;
        let filter = params.take::<String>("filter", "a filter")?;
        let filter = match filter {
            Some(text) => Some(segments::parse(call, &text).await?),
            None => None,
        };
        let mut filter = segments::meant(call, filter, segment).await?;
        let mut also = |condition| filter = std::mem::take(&mut filter).and(Filter::Is(condition));
        if let Some(label) = params.take::<ContactLabel>("label", "a label")? {
            also(Asked::Label(label));
        }
        if let Some(list) = params.take::<ListId>("list", "a list_id")? {
            also(Asked::List(list));
        }
        if let Some(owner) = params.take::<String>("owner", "a user_id, `me` or `none`")? {
            also(Asked::Owner(owner_of(call, &owner)?));
        }
        if let Some(attribute) = params.take::<String>("attribute", "`key:value`")? {
            let (key, value) = attribute_of(call, &attribute).await?;
            also(Asked::Attribute(key, same(value)));
        }
        let number = params.take::<PhoneNumberId>("number", "a phone_number_id")?;
        if let Some(number) = &number {
            also(Asked::Number(number.clone()));
        }
        let search = params.take::<String>("search", Search::RULE)?;
        let digits = match search.map(|text| Search::parse(&text)).transpose()? {
            Some(Search::Words(words)) => {
                for word in words {
                    also(Asked::Name(Match::Begins, word));
                }
                None
            }
            Some(Search::Digits(digits)) => Some(digits),
            None => None,
        };
        let consent = params.take::<String>("consent", "`opted_out` or `allowed`")?;
        let filter = match consent.as_deref() {
            None => filter,
            Some("opted_out") => filter.and(Filter::Is(Asked::OptedOut)),
            Some("allowed") => filter.and(Filter::Not(Box::new(Filter::Is(Asked::OptedOut)))),
            Some(_) => return Err(ApiError::invalid("`consent` must be `opted_out` or `allowed`")),
        };
        Ok(Self {
            meant: segments::seen(call, filter).await?,
            digits,
            number,
            blocked_on: params.take("blocked_on", "a phone_number_id")?,
        })
    }

    /// The number whose conversations are asked for.
    pub(super) const fn number(&self) -> Option<&PhoneNumberId> {
        self.number.as_ref()
    }
}

/// What an attribute is compared with that must say this.
fn same(value: AttributeValue) -> Test {
    match value {
        AttributeValue::Boolean(truth) => Test::Truth(truth),
        AttributeValue::Number(number) => Test::Number(Order::Same, number.as_f64().unwrap_or_default()),
        AttributeValue::Text(text) => Test::Text(Match::Whole, text.into()),
    }
}

fn owner_of(call: &Call<CanRead>, text: &str) -> Result<Owner, ApiError> {
    match text {
        "none" => Ok(Owner::Nobody),
        // Also as whom a program acts.
        "me" => match call.author() {
            Author::Agent { id } => Ok(Owner::User(id)),
            _ => Err(ApiError::invalid(
                "`owner` may be `me` for somebody who is signed in, or acted as",
            )),
        },
        other => Ok(Owner::User(AgentId::parse(other)?)),
    }
}

async fn attribute_of(call: &Call<CanRead>, text: &str) -> Result<(AttributeKey, AttributeValue), ApiError> {
    let (key, value) = text
        .split_once(':')
        .ok_or_else(|| ApiError::invalid("`attribute` must be `key:value`"))?;
    let no_such = || {
        ApiError::invalid(format!(
            "there is no attribute `{key}`: `GET /v1/attributes` lists them"
        ))
    };
    let key: AttributeKey = key.parse().map_err(|_malformed| no_such())?;
    let found = call
        .table::<ContactAttribute>()
        .get(&ContactAttribute::at(call.tenant(), &key))
        .await?;
    let found = found
        .filter(|found| !found.row.is_leaving)
        .ok_or_else(no_such)?
        .row;
    let value = found
        .parse(value)
        .ok_or_else(|| ApiError::invalid(format!("`attribute`: not a value of `{key}`")))?;
    Ok((key, value))
}

/// Whether a contact has a conversation on one of some numbers, under whichever of its ids.
pub(super) async fn talks_on(
    store: &dyn Store,
    tenant: TenantId,
    contact: &Contact,
    numbers: impl Iterator<Item = &PhoneNumberId> + Clone,
) -> Result<bool, StoreError> {
    let ids = contact.all_ids().flat_map(|id| {
        let of = move |number: &PhoneNumberId| ConversationId::derive(tenant, number, id);
        numbers
            .clone()
            .filter(move |number| contact.may_talk_on(number))
            .map(of)
    });
    let rows = store.conversations(tenant, ids.collect()).await?;
    Ok(rows.iter().any(Option::is_some))
}

#[async_trait]
impl Condition for Criteria {
    fn terms(&self, key: TermKey) -> Vec<AnyTerm> {
        let digits = self.digits.as_ref().map(|digits| vec![key.digits(digits)]);
        let blocked = self.blocked_on.as_ref().map(|number| vec![key.blocked(number)]);
        digits
            .into_iter()
            .chain(blocked)
            .chain(self.meant.terms(key))
            .collect()
    }

    async fn hold(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        mut contacts: Vec<Contact>,
    ) -> Result<Vec<Contact>, StoreError> {
        if let Some(digits) = &self.digits {
            let has = |phone: std::sync::Arc<str>| phone.contains(digits.as_str());
            contacts.retain(|contact| contact.phones_searched().any(has));
        }
        if let Some(number) = &self.blocked_on {
            contacts.retain(|contact| contact.all_blocks().any(|blocks| blocks == number));
        }
        self.meant.hold(store, tenant, contacts).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_of_words_or_of_digits() {
        let digits = |text: &str| Search::Digits(text.to_owned());
        let words = |words: &[&str]| Search::Words(words.iter().map(|word| (*word).to_owned()).collect());
        for (text, meant) in [
            ("0812-34", digits("81234")),
            ("0000", digits("0000")),
            ("00 62 812", digits("62812")),
            ("+62 812", digits("62812")),
            ("812", words(&["812"])),
            ("@Ana", words(&["ana"])),
            ("José bu", words(&["jose", "bu"])),
            ("7-eleven", words(&["7", "eleven"])),
        ] {
            assert_eq!(Search::parse(text).unwrap(), meant, "{text}");
        }
        for bad in ["", "@", "--", &"x".repeat(101)] {
            assert!(Search::parse(bad).is_err(), "{bad}");
        }
    }
}
