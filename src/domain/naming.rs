//! By which names a contact goes now, and by which it went: a name that finds a contact is not therefore its current one.
//!
//! Webhooks come late, twice and out of order, so what counts is Meta's own time of what it says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::contact::{Alias, AliasKind, Contact, ContactAliases};
use super::national;

/// More names than this are not remembered; the oldest goes first.
const MOST: usize = 16;

/// A name by which a contact went. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerName {
    /// What kind of name it is.
    pub kind: AliasKind,
    /// The name.
    pub value: Arc<str>,
    /// Since when the contact does not go by it any more, by Meta's time.
    pub until: Timestamp,
}

impl Contact {
    /// The current name of a kind.
    pub const fn name_of(&self, kind: AliasKind) -> Option<&Arc<str>> {
        match kind {
            AliasKind::ParentBsuid => self.parent_bsuid.as_ref(),
            AliasKind::Bsuid => self.bsuid.as_ref(),
            AliasKind::Phone => self.phone.as_ref(),
            AliasKind::Group => self.group_id.as_ref(),
        }
    }

    const fn slot(&mut self, kind: AliasKind) -> &mut Option<Arc<str>> {
        match kind {
            AliasKind::ParentBsuid => &mut self.parent_bsuid,
            AliasKind::Bsuid => &mut self.bsuid,
            AliasKind::Phone => &mut self.phone,
            AliasKind::Group => &mut self.group_id,
        }
    }

    /// Whether it goes by this name now, in whatever form.
    pub fn goes_by(&self, alias: &Alias) -> bool {
        self.name_of(alias.kind)
            .is_some_and(|name| same(alias.kind, name, &alias.value))
    }

    /// When it ceased to go by this name, if it did.
    pub fn went_by_until(&self, alias: &Alias) -> Option<Timestamp> {
        let is_it =
            |former: &&FormerName| former.kind == alias.kind && same(alias.kind, &former.value, &alias.value);
        self.former.iter().find(is_it).map(|former| former.until)
    }

    /// Takes names for kinds of which none is known, unless it ceased to go by them. Says whether that was news.
    pub fn fill(&mut self, names: &ContactAliases) -> bool {
        let mut news = false;
        for alias in names.strongest_first() {
            if self.name_of(alias.kind).is_none() && self.went_by_until(alias).is_none() {
                *self.slot(alias.kind) = Some(Arc::clone(&alias.value));
                news = true;
            }
        }
        news
    }

    /// Goes by these names from a time on; kinds that are not told stay. Says whether that was news.
    pub fn rename(&mut self, names: &ContactAliases, at: Timestamp) -> bool {
        let mut news = false;
        for alias in names.strongest_first() {
            if self.name_of(alias.kind) != Some(&alias.value) {
                self.retire(alias.kind, at);
                self.take(alias);
                news = true;
            }
        }
        if news || self.named_at.is_none() {
            self.named_at = self.named_at.max(Some(at));
        }
        news
    }

    /// Goes by these names and no others from a time on: who changes numbers gets new ids with them. Says whether that
    /// was news.
    pub fn move_to(&mut self, names: &ContactAliases, at: Timestamp) -> bool {
        let before = self.aliases();
        for kind in [AliasKind::ParentBsuid, AliasKind::Bsuid, AliasKind::Phone] {
            let kept = names
                .strongest_first()
                .any(|alias| alias.kind == kind && self.goes_by(alias));
            if !kept {
                self.retire(kind, at);
            }
        }
        for alias in names.strongest_first() {
            self.take(alias);
        }
        self.named_at = self.named_at.max(Some(at));
        self.aliases() != before
    }

    /// Ceases to go by a name; says whether it went by it.
    pub fn lose(&mut self, alias: &Alias, at: Timestamp) -> bool {
        let had = self.goes_by(alias);
        if had {
            self.retire(alias.kind, at);
            self.named_at = self.named_at.max(Some(at));
        }
        had
    }

    /// Remembers that it went by a name until a time.
    pub fn remember(&mut self, alias: &Alias, until: Timestamp) {
        if !self.goes_by(alias) && self.went_by_until(alias).is_none() {
            self.former.push(FormerName {
                kind: alias.kind,
                value: Arc::clone(&alias.value),
                until,
            });
            let over = self.former.len().saturating_sub(MOST);
            self.former.drain(..over);
        }
    }

    fn take(&mut self, alias: &Alias) {
        self.former
            .retain(|former| former.kind != alias.kind || !same(alias.kind, &former.value, &alias.value));
        *self.slot(alias.kind) = Some(Arc::clone(&alias.value));
    }

    fn retire(&mut self, kind: AliasKind, at: Timestamp) {
        if let Some(value) = self.slot(kind).take() {
            self.remember(&Alias { kind, value }, at);
        }
    }
}

fn same(kind: AliasKind, one: &str, other: &str) -> bool {
    one == other || (kind == AliasKind::Phone && national::is_same(one, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TenantId;

    const T: fn(i64) -> Timestamp = Timestamp::from_secs;

    fn names(phone: &str, bsuid: &str) -> ContactAliases {
        ContactAliases::of(Alias::phone(phone).into_iter().chain(Alias::bsuid(bsuid)))
    }

    fn contact(phone: &str, bsuid: &str) -> Contact {
        let names = names(phone, bsuid);
        Contact::new(names.new_contact_id(TenantId::new(1)).unwrap(), &names, T(0))
    }

    fn shown(contact: &Contact) -> (Option<&str>, Option<&str>) {
        (contact.phone.as_deref(), contact.bsuid.as_deref())
    }

    #[test]
    fn a_former_name_does_not_fill_an_empty_place() {
        let mut contact = contact("5730001", "CO.1");
        assert!(contact.move_to(&names("", "CO.2"), T(5)));
        assert_eq!(shown(&contact), (None, Some("CO.2")));
        assert!(!contact.fill(&names("5730001", "CO.1")));
        assert!(contact.fill(&names("5730002", "")));
        assert_eq!(shown(&contact), (Some("5730002"), Some("CO.2")));
        assert_eq!(
            contact.went_by_until(&Alias::phone("5730001").unwrap()),
            Some(T(5))
        );
    }

    #[test]
    fn who_goes_back_to_a_name_goes_by_it_again() {
        let mut contact = contact("5730001", "CO.1");
        contact.move_to(&names("5730002", "CO.2"), T(5));
        contact.move_to(&names("5730001", "CO.3"), T(9));
        assert_eq!(shown(&contact), (Some("5730001"), Some("CO.3")));
        assert_eq!(contact.went_by_until(&Alias::phone("5730001").unwrap()), None);
        assert_eq!(contact.named_at, Some(T(9)));
    }

    #[test]
    fn the_other_form_of_a_number_is_no_former_name() {
        let mut contact = contact("5551987654321", "");
        assert!(contact.rename(&names("555187654321", ""), T(5)));
        assert_eq!(contact.phone.as_deref(), Some("555187654321"));
        assert!(contact.former.is_empty());
    }

    #[test]
    fn names_beyond_number_are_not_kept() {
        let mut contact = contact("5730001", "CO.1");
        for n in 0..40 {
            contact.rename(&names(&format!("57300{n:02}9"), ""), T(n));
        }
        assert_eq!(contact.former.len(), MOST);
        assert_eq!(contact.former.last().unwrap().until, T(39));
    }

    #[test]
    fn a_contact_without_former_names_is_written_as_it_always_was() {
        let json = serde_json::to_string(&contact("5730001", "CO.1")).unwrap();
        assert!(!json.contains("former") && !json.contains("named_at") && !json.contains("linked"));
    }
}
