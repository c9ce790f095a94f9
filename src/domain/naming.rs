//! By which names a contact goes now, and by which it went: a name that finds a contact is not therefore its current one.
//!
//! Webhooks come late, twice and out of order, so what counts is Meta's own time of what it says.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::contact::{Alias, AliasKind, Contact, ContactAliases};
use super::ids::ContactId;
use super::national;

/// More names than this are not remembered; the oldest goes first.
const MOST: usize = 16;

/// Meta tells times in seconds.
const JUST_BEFORE: Duration = Duration::from_millis(1);

/// A name by which a contact went. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerName {
    /// What kind of name it is.
    pub kind: AliasKind,
    /// The name.
    pub value: Arc<str>,
    /// Until when the contact went by it, by Meta's time.
    pub until: Timestamp,
}

/// A name that another contact had before. What is told of an earlier time means the other. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenName {
    /// What kind of name it is.
    pub kind: AliasKind,
    /// The name.
    pub value: Arc<str>,
    /// When this contact was first known to go by it, by Meta's time.
    pub since: Timestamp,
    /// Who had it before.
    pub from: ContactId,
}

impl Contact {
    /// The phones by which a search finds it: these in every form in which they may be written, and those that it had before.
    pub fn phones_searched(&self) -> impl Iterator<Item = Arc<str>> {
        let former = self.former.iter().filter(|name| name.kind == AliasKind::Phone);
        let former = former.map(|name| Arc::clone(&name.value));
        let all = self.phones().map(Arc::from).chain(former);
        all.flat_map(|phone: Arc<str>| {
            let other = national::other_form(&phone);
            std::iter::once(phone).chain(other)
        })
    }

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
        let further: &[Arc<str>] = match alias.kind {
            AliasKind::Bsuid => &self.bsuids,
            AliasKind::ParentBsuid | AliasKind::Phone | AliasKind::Group => &[],
        };
        let mut names = self.name_of(alias.kind).into_iter().chain(further);
        names.any(|name| same(alias.kind, name, &alias.value))
    }

    /// Until when it went by this name, if it does no more.
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

    /// From whom it has this name, if another had it before.
    pub fn took(&self, alias: &Alias) -> Option<&TakenName> {
        let is_it =
            |taken: &&TakenName| taken.kind == alias.kind && same(alias.kind, &taken.value, &alias.value);
        self.taken.iter().find(is_it)
    }

    /// Notes from whom it has a name, and since when.
    pub fn take_from(&mut self, alias: &Alias, from: ContactId, since: Timestamp) {
        self.taken
            .retain(|taken| taken.kind != alias.kind || !same(alias.kind, &taken.value, &alias.value));
        self.taken.push(TakenName {
            kind: alias.kind,
            value: Arc::clone(&alias.value),
            since,
            from,
        });
        let over = self.taken.len().saturating_sub(MOST);
        self.taken.drain(..over);
    }

    /// Whether it is known to have ceased to go by a name at this time or later.
    fn ceased_since(&self, alias: &Alias, at: Timestamp) -> bool {
        self.went_by_until(alias).is_some_and(|until| at <= until)
    }

    /// Goes by these names from a time on; kinds that are not told stay, and so do those that it ceased to go by later.
    /// Says whether that was news.
    pub fn rename(&mut self, names: &ContactAliases, at: Timestamp) -> bool {
        let mut news = false;
        let is_spanned = names
            .parent_bsuid
            .as_ref()
            .is_some_and(|parent| self.goes_by(parent));
        for alias in names.strongest_first() {
            let is_bsuid = alias.kind == AliasKind::Bsuid;
            let is_known = self.name_of(alias.kind) == Some(&alias.value) || is_bsuid && self.goes_by(alias);
            if is_known || self.ceased_since(alias, at) {
                continue;
            }
            if is_bsuid && is_spanned && self.bsuid.is_some() && self.bsuids.len() < MOST {
                // Another portfolio's id of the same person.
                self.forget_former(alias);
                self.bsuids.push(Arc::clone(&alias.value));
            } else {
                self.retire(alias.kind, at);
                self.take(alias);
            }
            news = true;
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
            if !self.ceased_since(alias, at) {
                self.take(alias);
            }
        }
        self.named_at = self.named_at.max(Some(at));
        self.aliases() != before
    }

    /// Ceases to go by a name that somebody else has from a time on; says whether it went by it.
    pub fn lose(&mut self, alias: &Alias, at: Timestamp) -> bool {
        let had = self.goes_by(alias);
        if had {
            self.retire(alias.kind, at.before(JUST_BEFORE));
        }
        had
    }

    /// Ceased to go by a name at this very time, as its notice says.
    pub fn cease(&mut self, alias: &Alias, at: Timestamp) {
        let is_it = |former: &&mut FormerName| {
            former.kind == alias.kind && same(alias.kind, &former.value, &alias.value)
        };
        match self.former.iter_mut().find(is_it) {
            Some(former) => former.until = former.until.min(at),
            None => self.remember(alias, at),
        }
    }

    /// Went by a name at a time, and somebody else does since.
    pub fn went_by_at(&mut self, alias: &Alias, at: Timestamp) {
        let is_it = |former: &&mut FormerName| {
            former.kind == alias.kind && same(alias.kind, &former.value, &alias.value)
        };
        match self.former.iter_mut().find(is_it) {
            Some(former) => former.until = former.until.max(at),
            None => self.remember(alias, at),
        }
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
        self.forget_former(alias);
        *self.slot(alias.kind) = Some(Arc::clone(&alias.value));
    }

    fn forget_former(&mut self, alias: &Alias) {
        self.former
            .retain(|former| former.kind != alias.kind || !same(alias.kind, &former.value, &alias.value));
    }

    fn retire(&mut self, kind: AliasKind, at: Timestamp) {
        let further = match kind {
            AliasKind::Bsuid => std::mem::take(&mut self.bsuids),
            AliasKind::ParentBsuid | AliasKind::Phone | AliasKind::Group => Vec::new(),
        };
        for value in self.slot(kind).take().into_iter().chain(further) {
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
    fn ids_of_several_portfolios_go_together_under_one_parent() {
        let parent = |names: ContactAliases| ContactAliases {
            parent_bsuid: Alias::bsuid("CO.ENT.1"),
            ..names
        };
        let mut contact = contact("5730001", "CO.1");
        contact.rename(&parent(names("5730001", "CO.1")), T(1));
        assert_eq!(contact.reach().bsuid, Alias::bsuid("CO.1"));
        assert!(contact.rename(&parent(names("5730001", "CO.2")), T(2)));
        for (n, id) in [(3, "CO.1"), (4, "CO.2")] {
            assert!(!contact.rename(&parent(names("5730001", id)), T(n)), "{id}");
            assert!(contact.goes_by(&Alias::bsuid(id).unwrap()));
        }
        assert!(contact.former.is_empty());
        // Either portfolio's numbers reach it by what spans them.
        assert_eq!(contact.reach(), parent(names("5730001", "")));
        contact.move_to(&names("5730002", "CO.3"), T(5));
        assert_eq!(
            (shown(&contact), contact.bsuids.len()),
            ((Some("5730002"), Some("CO.3")), 0)
        );
        assert_eq!(contact.former.len(), 4);
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
