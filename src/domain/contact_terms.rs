//! By what a contact is found: its terms, all of which follow from its row alone.
//!
//! A term is a kind and a digest, and under it stand contacts in an order. Whoever writes a contact's row writes what changed
//! of its terms with it. Digests may meet: whoever reads under a term looks at the row before believing it. A contact that
//! leads to another has none, and neither has a group.

use std::collections::BTreeSet;

use icu_normalizer::DecomposingNormalizerBorrowed;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::clock::Timestamp;
use super::contact::Contact;
use super::contact_details::{AttributeKey, AttributeValue, ContactLabel};
use super::ids::{AgentId, ContactId, ListId, PhoneNumberId, TenantId, digest16};

/// Characters of a word by which it is found.
pub const LONGEST_PREFIX: usize = 8;
/// Words of one name by which it is found.
pub const MOST_WORDS: usize = 8;
/// Digits of a phone by which it is found.
pub const DIGITS: usize = 4;
/// Bytes of a name by which contacts stand in order; those whose names begin alike for longer stand in any.
const NAME_ORDER: usize = 24;

/// What kind of thing contacts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// That they are there, in the order in which they were first seen.
    All,
    /// The same, in the order of their names.
    Name,
    /// A label.
    Label,
    /// A list.
    List,
    /// What an attribute says.
    Attribute,
    /// Who looks after them.
    Owner,
    /// That they want no marketing.
    OptedOut,
    /// How a word of a name begins.
    Prefix,
    /// Digits somewhere in the phone.
    Digits,
    /// That an attribute says anything.
    HasAttribute,
    /// A number that blocks them.
    Blocked,
    /// A number on which they have a conversation.
    Number,
    /// That they have a conversation at all.
    Talks,
}

impl TermKind {
    /// The number under which stores write it down. It never changes, and none is used twice.
    pub const fn code(self) -> u8 {
        match self {
            Self::All => 1,
            Self::Name => 2,
            Self::Label => 3,
            Self::List => 4,
            Self::Attribute => 5,
            Self::Owner => 6,
            Self::OptedOut => 7,
            Self::Prefix => 8,
            Self::Digits => 9,
            Self::HasAttribute => 10,
            Self::Blocked => 11,
            Self::Number => 12,
            Self::Talks => 13,
        }
    }
}

/// What a tenant's digests are made with, so that they say nothing to who has them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermKey([u8; 16]);

impl TermKey {
    /// The one of a tenant.
    pub fn of(tenant: TenantId) -> Self {
        Self(digest16(&[b"contact terms", &tenant.get().to_be_bytes()]))
    }

    fn term(self, kind: TermKind, parts: &[&[u8]]) -> Term {
        let code = [kind.code()];
        let all: Vec<&[u8]> = [&self.0[..], &code]
            .into_iter()
            .chain(parts.iter().copied())
            .collect();
        let mut term = [0; Term::BYTES];
        let bytes = code.into_iter().chain(digest16(&all));
        term.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        Term(term)
    }

    /// Every contact, in the order in which they were first seen.
    pub fn all(self) -> Term {
        self.term(TermKind::All, &[])
    }

    /// Every contact, in the order of their names.
    pub fn by_name(self) -> Term {
        self.term(TermKind::Name, &[])
    }

    /// Those that stand under a term, in the order of their names. Not under every term they stand so: each costs a row of every contact.
    pub fn by_name_under(self, term: Term) -> Option<Term> {
        const SO: [TermKind; 5] = [
            TermKind::Label,
            TermKind::List,
            TermKind::Owner,
            TermKind::OptedOut,
            TermKind::Number,
        ];
        let is_so = SO.iter().any(|kind| kind.code() == term.0[0]);
        is_so.then(|| self.term(TermKind::Name, &[&term.0]))
    }

    /// Contacts with a label.
    pub fn label(self, label: &ContactLabel) -> Term {
        self.term(TermKind::Label, &[fold(label.as_str()).as_bytes()])
    }

    /// Contacts on a list.
    pub fn list(self, list: ListId) -> Term {
        self.term(TermKind::List, &[list.as_bytes()])
    }

    /// Contacts of whom an attribute says this.
    pub fn attribute(self, key: &AttributeKey, value: &AttributeValue) -> Term {
        let value: (&[u8], Vec<u8>) = match value {
            AttributeValue::Boolean(yes) => (b"b", vec![u8::from(*yes)]),
            // 2 and 2.0 are the same, and so are 0 and -0.0.
            AttributeValue::Number(number) => {
                let number = number.as_f64().unwrap_or_default() + 0.0;
                (b"n", number.to_bits().to_be_bytes().to_vec())
            }
            AttributeValue::Text(text) => (b"t", fold(text.as_str()).into_bytes()),
        };
        self.term(TermKind::Attribute, &[key.as_str().as_bytes(), value.0, &value.1])
    }

    /// Contacts of whom an attribute says anything.
    pub fn has_attribute(self, key: &AttributeKey) -> Term {
        self.term(TermKind::HasAttribute, &[key.as_str().as_bytes()])
    }

    /// Contacts that somebody looks after.
    pub fn owner(self, owner: &AgentId) -> Term {
        self.term(TermKind::Owner, &[owner.as_str().as_bytes()])
    }

    /// Contacts that want no marketing.
    pub fn opted_out(self) -> Term {
        self.term(TermKind::OptedOut, &[])
    }

    /// Contacts that a number blocks.
    pub fn blocked(self, number: &PhoneNumberId) -> Term {
        self.term(TermKind::Blocked, &[number.as_str().as_bytes()])
    }

    /// Contacts that have, or had, a conversation on a number.
    pub fn number(self, number: &PhoneNumberId) -> Term {
        self.term(TermKind::Number, &[number.as_str().as_bytes()])
    }

    /// Contacts that have, or had, a conversation on any number.
    pub fn talks(self) -> Term {
        self.term(TermKind::Talks, &[])
    }

    /// Contacts of whose names a word begins like this one, as far as terms tell. `word` is folded.
    pub fn prefix(self, word: &str) -> Term {
        let beginning: String = word.chars().take(LONGEST_PREFIX).collect();
        self.term(TermKind::Prefix, &[beginning.as_bytes()])
    }

    /// Contacts whose phone has these digits somewhere; the last four of them, as far as terms tell.
    pub fn digits(self, digits: &str) -> Term {
        let last = digits.len().saturating_sub(DIGITS);
        self.term(
            TermKind::Digits,
            &[digits.get(last..).unwrap_or(digits).as_bytes()],
        )
    }
}

/// What contacts have in common: the code of its kind, and a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term([u8; Self::BYTES]);

impl Term {
    /// Bytes of one.
    pub const BYTES: usize = 9;

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

/// Where a contact stands under a term: what its order is by, and its id. Compares as the order does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermPlace {
    /// Eight bytes of when it was first seen, or the beginning of its name, which is personal data.
    pub order: Vec<u8>,
    /// The contact.
    pub contact: ContactId,
}

impl TermPlace {
    /// By when a contact was first seen.
    pub fn by_age(contact: &Contact) -> Self {
        Self {
            order: in_order(contact.created).to_vec(),
            contact: contact.id,
        }
    }

    /// By what it is called; by its phone where it is called nothing, since digits come before letters.
    pub fn by_name(contact: &Contact) -> Self {
        let name = contact.shown_name().or(contact.phone.as_deref()).unwrap_or("");
        let mut order = fold(name).into_bytes();
        // All are of one length: none is the beginning of another's key.
        order.resize(NAME_ORDER, 0);
        Self {
            order,
            contact: contact.id,
        }
    }
}

/// Big-endian with the sign turned, so that the order of bytes is that of times before 1970, too.
fn in_order(at: Timestamp) -> [u8; 8] {
    (at.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// A text as it is looked for: without case, accents and the like. Two letters that are written otherwise in other places or in capitals are
/// one: `ς` is `σ`, `ß` is `ss`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let normal = DecomposingNormalizerBorrowed::new_nfkd();
    let lower: String = normal
        .normalize(text)
        .chars()
        .flat_map(char::to_lowercase)
        .collect();
    let mut folded = String::with_capacity(lower.len());
    for c in normal.normalize(&lower).chars() {
        match c {
            'ς' => folded.push('σ'),
            'ß' => folded.push_str("ss"),
            mark if mark.general_category() == GeneralCategory::NonspacingMark => {}
            other => folded.push(other),
        }
    }
    folded
}

/// The words of a text as they are looked for.
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Contact {
    /// The texts by whose words it is found.
    pub fn name_texts(&self) -> impl Iterator<Item = &str> {
        let given = self.given_name.as_ref().map(super::GivenName::as_str);
        let own = [given, self.name.as_deref(), self.username.as_deref()];
        let merged = self.merged.iter();
        let theirs = merged.flat_map(|card| [card.name.as_deref(), card.username.as_deref()]);
        own.into_iter().chain(theirs).flatten()
    }

    /// The phones by which it is found.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        let merged = self.merged.iter().filter_map(|card| card.phone.as_deref());
        self.phone.as_deref().into_iter().chain(merged)
    }

    /// The numbers that block the customer, under whichever contact.
    pub fn all_blocks(&self) -> impl Iterator<Item = &PhoneNumberId> {
        let merged = self.merged.iter().flat_map(|card| &card.blocked_on);
        self.blocked_on.iter().chain(merged)
    }

    /// The numbers on which there is a conversation with the customer, under whichever contact, and perhaps some on which there was.
    pub fn all_numbers(&self) -> impl Iterator<Item = &PhoneNumberId> {
        let merged = self.merged.iter().flat_map(|card| &card.talked_on);
        self.talked_on.iter().chain(merged)
    }

    /// The words by which it is found.
    pub fn name_words(&self) -> impl Iterator<Item = String> {
        let texts = self.name_texts();
        texts.flat_map(|text| words(text).into_iter().take(MOST_WORDS))
    }

    /// Where it stands, under each of its terms.
    pub fn terms(&self, key: TermKey) -> BTreeSet<(Term, TermPlace)> {
        let mut all = BTreeSet::new();
        if !self.has_terms() {
            return all;
        }
        let (by_age, by_name) = (TermPlace::by_age(self), TermPlace::by_name(self));
        all.insert((key.by_name(), by_name.clone()));
        let mut terms = BTreeSet::from([key.all()]);
        terms.extend(self.labels.iter().map(|label| key.label(label)));
        terms.extend(self.lists.iter().map(|list| key.list(*list)));
        for (attribute, value) in &self.attributes {
            terms.extend([key.attribute(attribute, value), key.has_attribute(attribute)]);
        }
        terms.extend(self.owner.as_ref().map(|owner| key.owner(owner)));
        terms.extend(self.opted_out_at.map(|_| key.opted_out()));
        terms.extend(self.all_blocks().map(|number| key.blocked(number)));
        terms.extend(self.all_numbers().map(|number| key.number(number)));
        terms.extend(self.all_numbers().next().map(|_| key.talks()));
        let so = terms.iter().filter_map(|term| key.by_name_under(*term));
        all.extend(so.map(|term| (term, by_name.clone())));
        for word in self.name_words() {
            let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
            terms.extend(
                ends.take(LONGEST_PREFIX)
                    .filter_map(|end| Some(key.prefix(word.get(..end)?))),
            );
        }
        for phone in self.phones_searched() {
            let pieces = (0..phone.len()).filter_map(|at| phone.get(at..at.checked_add(DIGITS)?));
            terms.extend(pieces.map(|piece| key.digits(piece)));
        }
        all.extend(terms.into_iter().map(|term| (term, by_age.clone())));
        all
    }

    /// Whether it is found: it leads to no other contact, and is no group.
    pub const fn has_terms(&self) -> bool {
        self.linked_to.is_none() && self.merged_into.is_none() && self.group_id.is_none()
    }

    /// Whether another state of it has the same terms, told without making them.
    fn has_terms_of(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.has_terms(), one.created, one.opted_out_at.is_some());
        of(self) == of(other)
            && self.phones_searched().eq(other.phones_searched())
            && self.name_texts().eq(other.name_texts())
            && self.labels == other.labels
            && self.lists == other.lists
            && self.attributes == other.attributes
            && self.owner == other.owner
            && self.all_blocks().eq(other.all_blocks())
            && self.all_numbers().eq(other.all_numbers())
    }
}

/// What a change of a contact changes of its terms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TermChanges {
    /// Where it stands no more.
    pub removed: Vec<(Term, TermPlace)>,
    /// Where it stands since.
    pub added: Vec<(Term, TermPlace)>,
}

impl TermChanges {
    /// From what a contact was to what it is; `None` where it is not there.
    pub fn between(key: TermKey, before: Option<&Contact>, after: Option<&Contact>) -> Self {
        if let (Some(before), Some(after)) = (before, after)
            && before.has_terms_of(after)
        {
            return Self::default();
        }
        let terms = |contact: Option<&Contact>| contact.map(|row| row.terms(key)).unwrap_or_default();
        let (before, after) = (terms(before), terms(after));
        Self {
            removed: before.difference(&after).cloned().collect(),
            added: after.difference(&before).cloned().collect(),
        }
    }

    /// Whether it changes nothing.
    pub const fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

#[cfg(test)]
mod tests;
