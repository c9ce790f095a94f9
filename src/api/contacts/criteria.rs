//! Which contacts a list shows: what its address asks for, and what the caller may see.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::super::auth::{Call, CanRead};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::segments;
use crate::domain::contact_terms::{DIGITS, fold, words};
use crate::domain::filter::Filter;
use crate::domain::{
    AgentId, AttributeKey, AttributeValue, Author, Contact, ContactId, ContactLabel, ConversationId, ListId,
    NumberLimit, PhoneNumberId, SegmentId, TenantId, Term, TermKey,
};
use crate::store::contact_filter::MeantContacts;
use crate::store::contact_search::Condition;
use crate::store::tables::ContactAttribute;
use crate::store::{Store, StoreError};

/// Conversations looked up at once.
const TOGETHER: usize = 16;
/// Characters of a search.
const LONGEST_SEARCH: usize = 100;

/// Who is to look after a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OwnerIs {
    Nobody,
    Somebody(AgentId),
}

/// Whether marketing may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    OptedOut,
    Allowed,
}

/// What is looked for in names and phones.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Search {
    /// Each is how a word begins; folded.
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
            return Ok(Self::Digits(digits));
        }
        let words = words(text);
        if words.is_empty() {
            return Err(refused());
        }
        Ok(Self::Words(words))
    }

    fn finds(&self, contact: &Contact) -> bool {
        match self {
            Self::Digits(digits) => contact
                .phone
                .as_deref()
                .is_some_and(|phone| phone.contains(digits.as_str())),
            Self::Words(asked) => {
                let there: Vec<String> = contact.name_texts().flat_map(words).collect();
                let begins = |word: &String| there.iter().any(|one| one.starts_with(word.as_str()));
                asked.iter().all(begins)
            }
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Criteria {
    label: Option<ContactLabel>,
    list: Option<ListId>,
    owner: Option<OwnerIs>,
    attribute: Option<(AttributeKey, AttributeValue)>,
    consent: Option<Consent>,
    search: Option<Search>,
    number: Option<PhoneNumberId>,
    /// Whom a filter or a segment means.
    meant: Option<MeantContacts>,
    limit: NumberLimit,
}

impl Criteria {
    /// What the address asks for.
    pub(super) async fn read(call: &Call<CanRead>, params: &mut Params) -> Result<Self, ApiError> {
        let owner = params.take::<String>("owner", "a user_id, `me` or `none`")?;
        let attribute = params.take::<String>("attribute", "`key:value`")?;
        let consent = params.take::<String>("consent", "`opted_out` or `allowed`")?;
        let search = params.take::<String>("search", Search::RULE)?;
        let segment = params.take::<SegmentId>("segment", "a segment_id")?;
        let filter = params.take::<String>("filter", "a filter")?;
        let filter = filter.map(|text| text.parse::<Filter>()).transpose()?;
        let meant = if segment.is_some() || filter.is_some() {
            let filter = segments::meant(call, filter, segment).await?;
            Some(segments::seen(call, filter).await?)
        } else {
            None
        };
        Ok(Self {
            label: params.take("label", "a label")?,
            list: params.take("list", "a list_id")?,
            owner: owner.map(|owner| owner_of(call, &owner)).transpose()?,
            attribute: match attribute {
                Some(attribute) => Some(attribute_of(call, &attribute).await?),
                None => None,
            },
            consent: match consent.as_deref() {
                None => None,
                Some("opted_out") => Some(Consent::OptedOut),
                Some("allowed") => Some(Consent::Allowed),
                Some(_) => return Err(ApiError::invalid("`consent` must be `opted_out` or `allowed`")),
            },
            search: search.map(|text| Search::parse(&text)).transpose()?,
            number: params.take("number", "a phone_number_id")?,
            meant,
            limit: call.limit().clone(),
        })
    }

    /// The number whose conversations are asked for.
    pub(super) const fn number(&self) -> Option<&PhoneNumberId> {
        self.number.as_ref()
    }

    /// What its row says of a contact.
    fn row_fits(&self, contact: &Contact) -> bool {
        let label = |label: &ContactLabel| {
            let folded = fold(label.as_str());
            contact.labels.iter().any(|one| fold(one.as_str()) == folded)
        };
        let owner = |owner: &OwnerIs| match owner {
            OwnerIs::Nobody => contact.owner.is_none(),
            OwnerIs::Somebody(agent) => contact.owner.as_ref() == Some(agent),
        };
        let attribute =
            |(key, value): &(AttributeKey, AttributeValue)| match (contact.attributes.get(key), value) {
                (Some(AttributeValue::Text(one)), AttributeValue::Text(other)) => {
                    fold(one.as_str()) == fold(other.as_str())
                }
                (Some(AttributeValue::Number(one)), AttributeValue::Number(other)) => {
                    one.as_f64() == other.as_f64()
                }
                (one, other) => one == Some(other),
            };
        self.label.as_ref().is_none_or(label)
            && self.list.is_none_or(|list| contact.lists.contains(&list))
            && self.owner.as_ref().is_none_or(owner)
            && self.attribute.as_ref().is_none_or(attribute)
            && self.search.as_ref().is_none_or(|search| search.finds(contact))
            && self
                .consent
                .is_none_or(|consent| contact.opted_out_at.is_some() == (consent == Consent::OptedOut))
    }
}

fn owner_of(call: &Call<CanRead>, text: &str) -> Result<OwnerIs, ApiError> {
    match text {
        "none" => Ok(OwnerIs::Nobody),
        "me" => match call.author() {
            Author::Agent { id } => Ok(OwnerIs::Somebody(id)),
            _ => Err(ApiError::invalid(
                "`owner` may be `me` for somebody who is signed in, or acted as",
            )),
        },
        other => Ok(OwnerIs::Somebody(AgentId::parse(other)?)),
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
    let found = found.ok_or_else(no_such)?.row;
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
    let ids: Vec<ContactId> = std::iter::once(contact.id)
        .chain(contact.linked.iter().copied())
        .collect();
    for id in ids {
        for number in numbers.clone() {
            let conversation = ConversationId::derive(tenant, number, id);
            if store.conversation(tenant, conversation).await?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[async_trait]
impl Condition for Criteria {
    fn terms(&self, key: TermKey) -> Vec<Term> {
        let mut terms = Vec::new();
        match &self.search {
            Some(Search::Digits(digits)) => terms.push(key.digits(digits)),
            Some(Search::Words(words)) => {
                // The longest are the rarest.
                let mut words: Vec<&String> = words.iter().collect();
                words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
                terms.extend(words.into_iter().take(2).map(|word| key.prefix(word)));
            }
            None => {}
        }
        terms.extend(self.list.map(|list| key.list(list)));
        terms.extend(self.label.as_ref().map(|label| key.label(label)));
        terms.extend(
            self.attribute
                .as_ref()
                .map(|(name, value)| key.attribute(name, value)),
        );
        if let Some(OwnerIs::Somebody(agent)) = &self.owner {
            terms.push(key.owner(agent));
        }
        if self.consent == Some(Consent::OptedOut) {
            terms.push(key.opted_out());
        }
        terms.extend(self.meant.iter().flat_map(|meant| meant.terms(key)));
        terms
    }

    async fn hold(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        mut contacts: Vec<Contact>,
    ) -> Result<Vec<Contact>, StoreError> {
        contacts.retain(|contact| self.row_fits(contact));
        if let Some(meant) = &self.meant {
            contacts = meant.hold(store, tenant, contacts).await?;
        }
        let asked = self.number.as_ref();
        let seen = self.limit.listed();
        if asked.is_none() && seen.is_none() {
            return Ok(contacts);
        }
        if asked.is_some_and(|number| !self.limit.admits(number)) {
            return Ok(Vec::new());
        }
        let numbers: Vec<&PhoneNumberId> = match (asked, seen) {
            (Some(number), _) => vec![number],
            (None, Some(seen)) => seen.iter().collect(),
            (None, None) => Vec::new(),
        };
        let numbers = &numbers;
        stream::iter(contacts)
            .map(|contact| async move {
                let talks = talks_on(store, tenant, &contact, numbers.iter().copied()).await?;
                Ok::<_, StoreError>(talks.then_some(contact))
            })
            .buffered(TOGETHER)
            .try_filter_map(|contact| std::future::ready(Ok(contact)))
            .try_collect()
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alias, ContactAliases, Timestamp};

    #[test]
    fn a_search_is_of_words_or_of_digits() {
        let digits = |text: &str| Search::Digits(text.to_owned());
        let words = |words: &[&str]| Search::Words(words.iter().map(|word| (*word).to_owned()).collect());
        for (text, meant) in [
            ("0812-34", digits("081234")),
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

    #[test]
    fn each_word_begins_a_word_of_a_name_and_digits_stand_together() {
        let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
        let mut ana = Contact::new(ContactId::from_bytes([1; 16]), &aliases, Timestamp::default());
        ana.name = Some("Ana Lucía Budiman-Prasetyo".into());
        for (text, finds) in [
            ("luc", true),
            ("budimanprasetyo", false),
            ("prasetyo an", true),
            ("ana x", false),
            ("na", false),
            ("3456", true),
            ("6789 1", false),
            ("62812345678", true),
        ] {
            assert_eq!(Search::parse(text).unwrap().finds(&ana), finds, "{text}");
        }
    }
}
