//! Contacts that a person of the business merged: cards of one customer, of whom one stays and shows the others.
//!
//! Addresses stay what they are: Meta's window, names and conversations belong to each contact, so a merge links nothing. What
//! holds for a customer wherever they are met (what they agreed to, that they are under age) stands the same on every card, so that
//! whoever sends looks at one row alone. What the business notes stands on the card that stays; the others keep what was
//! noted of them until then, for the merge to be undone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::consent::{Consent, ConsentPurpose, ConsentState, WishSource};
use super::contact::Contact;
use super::contact_details::{AttributeKey, AttributeValue, ContactLabel, GivenName};
use super::ids::{AgentId, ContactId, ListId, PhoneNumberId};

/// Another card of the same customer, as the one that stays shows it, and by which it is found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The contact.
    pub contact_id: ContactId,
    /// Its phone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Arc<str>>,
    /// Its profile name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// Its user name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<Arc<str>>,
    /// Contacts that turned out to be the same person as it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub linked: Vec<ContactId>,
    /// Numbers that block it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub blocked_on: Vec<PhoneNumberId>,
    /// Numbers on which it has conversations; left out where it is shown.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub talked_on: Vec<PhoneNumberId>,
}

impl Card {
    /// Of a contact.
    pub fn of(contact: &Contact) -> Self {
        Self {
            contact_id: contact.id,
            phone: contact.phone.clone(),
            name: contact.name.clone(),
            username: contact.username.clone(),
            linked: contact.linked.clone(),
            blocked_on: contact.blocked_on.clone(),
            talked_on: contact.talked_on.clone(),
        }
    }

    /// As it is shown: without what the customer is only found by.
    #[must_use]
    pub fn shown(mut self) -> Self {
        self.talked_on.clear();
        self
    }
}

/// What a customer said of marketing, as far as it is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Marketing {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    out_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    out_by: Option<WishSource>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    in_at: Option<Timestamp>,
}

/// What holds for a customer wherever they are met.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    marketing: Marketing,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    consents: BTreeMap<ConsentPurpose, Consent>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    is_minor: bool,
}

impl Facts {
    /// Of a contact.
    pub fn of(contact: &Contact) -> Self {
        Self {
            marketing: Marketing {
                out_at: contact.opted_out_at,
                out_by: contact.opted_out_by,
                in_at: contact.opted_in_at,
            },
            consents: contact.consents.clone(),
            is_minor: contact.is_minor,
        }
    }

    /// Puts them on a contact; says whether that changed anything.
    pub fn put_on(&self, contact: &mut Contact) -> bool {
        let news = Self::of(contact) != *self;
        if news {
            contact.opted_out_at = self.marketing.out_at;
            contact.opted_out_by = self.marketing.out_by;
            contact.opted_in_at = self.marketing.in_at;
            contact.consents.clone_from(&self.consents);
            contact.is_minor = self.is_minor;
        }
        news
    }

    /// Both, the stricter where they differ: nobody who is merged is sent more than either was.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        self.with(
            other,
            |ours, theirs| ours.out_at.max(theirs.out_at),
            |ours, theirs| {
                let weight = |one: &Consent| (one.state == ConsentState::Withdrawn, one.at);
                weight(theirs) > weight(ours)
            },
        )
    }

    /// Both, the later where they differ: since they stood the same, one of them changed.
    #[must_use]
    pub fn later(&self, other: &Self) -> Self {
        let stands = |ours: &Marketing, theirs: &Marketing| {
            let back = ours.in_at.max(theirs.in_at);
            ours.out_at.max(theirs.out_at).filter(|out| Some(*out) >= back)
        };
        self.with(other, stands, |ours, theirs| {
            let weight = |one: &Consent| (one.at, one.state == ConsentState::Withdrawn);
            weight(theirs) > weight(ours)
        })
    }

    fn with(
        &self,
        other: &Self,
        out_of: impl Fn(&Marketing, &Marketing) -> Option<Timestamp>,
        counts: impl Fn(&Consent, &Consent) -> bool,
    ) -> Self {
        let (ours, theirs) = (&self.marketing, &other.marketing);
        let marketing = if ours == theirs {
            *ours
        } else {
            let out_at = out_of(ours, theirs);
            let whose = if ours.out_at == out_at { ours } else { theirs };
            Marketing {
                out_at,
                out_by: out_at.and(whose.out_by),
                in_at: ours.in_at.max(theirs.in_at),
            }
        };
        let mut consents = self.consents.clone();
        for (purpose, theirs) in &other.consents {
            let ours = consents.get(purpose);
            // What is said of marketing goes with what marketing is held to.
            let takes = if purpose.is_marketing() {
                let state = match marketing.out_at {
                    Some(_) => ConsentState::Withdrawn,
                    None => ConsentState::Given,
                };
                let fits = |one: &Consent| one.state == state;
                fits(theirs) && ours.is_none_or(|ours| !fits(ours) || theirs.at > ours.at)
            } else {
                ours.map_or(consents.len() < Contact::MOST_CONSENTS, |ours| {
                    counts(ours, theirs)
                })
            };
            if takes {
                consents.insert(purpose.clone(), theirs.clone());
            }
        }
        Self {
            marketing,
            consents,
            is_minor: self.is_minor || other.is_minor,
        }
    }

    /// What is unchanged since they were merged goes back to what it was before; the rest stands as it is now.
    #[must_use]
    fn back(&self, merged: &Self, before: &Self) -> Self {
        let marketing = if self.marketing == merged.marketing {
            before.marketing
        } else {
            self.marketing
        };
        let is_back = self.marketing == merged.marketing;
        let mut consents = self.consents.clone();
        let purposes: BTreeSet<_> = merged
            .consents
            .keys()
            .chain(before.consents.keys())
            .cloned()
            .collect();
        for purpose in purposes {
            let unchanged = self.consents.get(&purpose) == merged.consents.get(&purpose);
            if !unchanged || (purpose.is_marketing() && !is_back) {
                continue;
            }
            match before.consents.get(&purpose) {
                Some(consent) => consents.insert(purpose, consent.clone()),
                None => consents.remove(&purpose),
            };
        }
        let is_minor = if self.is_minor == merged.is_minor {
            before.is_minor
        } else {
            self.is_minor
        };
        Self {
            marketing,
            consents,
            is_minor,
        }
    }
}

/// What the card that stays took over from the other.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Taken {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    given_name: Option<GivenName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    owner: Option<AgentId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    labels: Vec<ContactLabel>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    lists: Vec<ListId>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    attributes: BTreeMap<AttributeKey, AttributeValue>,
}

impl Taken {
    /// What a card has that it did not have before.
    fn between(before: &Contact, after: &Contact) -> Self {
        fn more<T: Clone + PartialEq>(before: &[T], after: &[T]) -> Vec<T> {
            after
                .iter()
                .filter(|one| !before.contains(one))
                .cloned()
                .collect()
        }
        let attributes = after
            .attributes
            .iter()
            .filter(|(key, _)| !before.attributes.contains_key(*key));
        Self {
            given_name: after.given_name.clone().filter(|_| before.given_name.is_none()),
            owner: after.owner.clone().filter(|_| before.owner.is_none()),
            labels: more(&before.labels, &after.labels),
            lists: more(&before.lists, &after.lists),
            attributes: attributes
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        }
    }

    /// Takes it from a card again, as far as it stands there unchanged, goes with those who leave, and none of the others that stay
    /// has it, too.
    fn leave(&self, card: &mut Contact, leaving: &[Contact], others: &[Contact]) {
        // Who was merged then may be among those who stay now: what is theirs stays with them.
        let goes = |has: &dyn Fn(&Contact) -> bool| leaving.iter().any(has) && !others.iter().any(has);
        card.labels
            .retain(|label| !(self.labels.contains(label) && goes(&|other| other.labels.contains(label))));
        card.lists
            .retain(|list| !(self.lists.contains(list) && goes(&|other| other.lists.contains(list))));
        card.attributes.retain(|key, value| {
            let taken = self.attributes.get(key) == Some(value);
            !(taken && goes(&|other| other.attributes.get(key) == Some(value)))
        });
        let name = self.given_name.is_some() && card.given_name == self.given_name;
        if name && goes(&|other| other.given_name == self.given_name) {
            card.given_name = None;
        }
        let owner = self.owner.is_some() && card.owner == self.owner;
        if owner && goes(&|other| other.owner == self.owner) {
            card.owner = None;
        }
    }
}

/// What a merge did, so that it can be undone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeDone {
    /// The card that stays.
    pub contact: ContactId,
    /// Those that were one with it already.
    pub with: Vec<ContactId>,
    /// The card that it took over.
    pub other: ContactId,
    /// Those that were one with that already.
    pub others: Vec<ContactId>,
    taken: Taken,
    ours: Facts,
    theirs: Facts,
    merged: Facts,
}

/// Personal data: what was noted of customers stays out of logs.
impl fmt::Debug for MergeDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MergeDone({} into {})", self.other, self.contact)
    }
}

impl MergeDone {
    /// What merging one card into another does; nothing is changed yet. `None` where they are one already, or too many.
    pub fn of(contact: &Contact, other: &Contact) -> Option<Self> {
        let ids = |cards: &[Card]| cards.iter().map(|card| card.contact_id).collect::<Vec<_>>();
        let (with, others) = (ids(&contact.merged), ids(&other.merged));
        let is_one = contact.id == other.id || contact.merged_into.is_some() || other.merged_into.is_some();
        if is_one || with.len() + others.len() + 1 > Contact::MOST_MERGED {
            return None;
        }
        let mut after = contact.clone();
        after.adopt_details(other);
        let (ours, theirs) = (Facts::of(contact), Facts::of(other));
        Some(Self {
            contact: contact.id,
            with,
            other: other.id,
            others,
            taken: Taken::between(contact, &after),
            merged: ours.stricter(&theirs),
            ours,
            theirs,
        })
    }

    /// What holds for all cards of the customer from then on.
    pub const fn facts(&self) -> &Facts {
        &self.merged
    }

    /// What holds for whom is parted again, by what holds for both now.
    #[must_use]
    pub fn theirs_again(&self, now: &Facts) -> Facts {
        now.back(&self.merged, &self.theirs)
    }

    /// What holds for who stays, likewise.
    #[must_use]
    pub fn ours_again(&self, now: &Facts) -> Facts {
        now.back(&self.merged, &self.ours)
    }

    /// Takes from a card that stays what it took over from those who leave; `others` are those that stay with it.
    pub fn give_back(&self, card: &mut Contact, leaving: &[Contact], others: &[Contact]) {
        self.taken.leave(card, leaving, others);
    }
}

impl Contact {
    /// Further cards of one customer.
    pub const MOST_MERGED: usize = 32;

    /// The card under which the customer is shown: this one, or the one into which it was merged.
    pub fn shown_under(&self) -> ContactId {
        self.merged_into.unwrap_or(self.id)
    }

    /// Every contact of the customer, as far as this card tells: all of them where it is the one that stays.
    pub fn all_ids(&self) -> impl Iterator<Item = ContactId> + '_ {
        let own = std::iter::once(self.id).chain(self.linked.iter().copied());
        let of = |card: &Card| std::iter::once(card.contact_id).chain(card.linked.clone());
        own.chain(self.merged.iter().flat_map(of))
    }

    /// Every contact of the customer that this card names, also the one to which it leads.
    pub fn everyone(&self) -> impl Iterator<Item = ContactId> + '_ {
        let leads_to = self.linked_to.into_iter().chain(self.merged_into);
        leads_to.chain(self.all_ids())
    }

    /// Whether the customer has several cards.
    pub fn is_merged(&self) -> bool {
        self.merged_into.is_some() || !self.merged.is_empty()
    }

    /// As a conversation of this contact shows it: with what is noted on the card that stays.
    #[must_use]
    pub fn shown_as(mut self, card: &Self) -> Self {
        if self.merged_into == Some(card.id) {
            self.take_details(card);
        }
        self
    }

    /// Leaves of what is noted of it only what is noted of another, too.
    pub fn keep_details_of(&mut self, other: &Self) {
        self.given_name = self
            .given_name
            .take()
            .filter(|name| other.given_name.as_ref() == Some(name));
        self.owner = self
            .owner
            .take()
            .filter(|owner| other.owner.as_ref() == Some(owner));
        self.labels.retain(|label| other.labels.contains(label));
        self.lists.retain(|list| other.lists.contains(list));
        self.attributes
            .retain(|key, value| other.attributes.get(key) == Some(value));
    }

    /// Gets what is noted of another, instead of what was noted of it.
    pub fn take_details(&mut self, other: &Self) {
        self.given_name.clone_from(&other.given_name);
        self.owner.clone_from(&other.owner);
        self.labels.clone_from(&other.labels);
        self.lists.clone_from(&other.lists);
        self.attributes.clone_from(&other.attributes);
    }
}
