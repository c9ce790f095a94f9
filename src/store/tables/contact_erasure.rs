//! Customers who are being erased, and those who were a short while ago.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::{Alias, Contact, ContactId, NameDigest, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// How long it stays once it is done: an import that began before it and has the customer in its file is at its end by then.
const KEPT: Duration = Duration::from_hours(72);

/// Where erasures of customers are declared.
pub const CONTACT_ERASURE: Table = Table {
    name: "contact_erasure",
    says: "that a customer is being erased, and for three days after that by which names an import that is under way would bring it back; \
           ids and digests",
    key: "tenant · contact; once it is done tenant · time · contact",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    ..PLAIN
};

/// A customer who is being erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactErasure {
    /// Whose customer.
    pub tenant: TenantId,
    /// Under which contact it was shown.
    pub contact: ContactId,
    /// All contacts of the customer: once some are gone they do not lead to the others any more.
    pub contacts: Vec<ContactId>,
    /// By which names it went.
    pub names: Vec<NameDigest>,
    /// Since when.
    pub begun: Timestamp,
    /// Since when nothing is left.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gone: Option<Timestamp>,
}

impl ContactErasure {
    /// The erasure of whoever is shown under a contact, with all contacts of the customer.
    pub fn new(tenant: TenantId, contact: ContactId, customer: &[Contact], begun: Timestamp) -> Self {
        let forms = customer
            .iter()
            .flat_map(Contact::all_names)
            .flat_map(|name| name.forms());
        Self {
            tenant,
            contact,
            contacts: customer.iter().map(|row| row.id).collect(),
            names: forms.map(|name| digest(tenant, &name)).collect(),
            begun,
            gone: None,
        }
    }

    /// The same with what further cards of the customer say.
    #[must_use]
    pub fn with(&self, customer: &[Contact]) -> Self {
        let mut all = self.clone();
        let more = Self::new(self.tenant, self.contact, customer, self.begun);
        let contacts = more.contacts.into_iter();
        all.contacts
            .extend(contacts.filter(|contact| !self.contacts.contains(contact)));
        let names = more.names.into_iter();
        all.names.extend(names.filter(|name| !self.names.contains(name)));
        all
    }

    /// Whether the customer went by a name.
    pub fn is_of(&self, name: &Alias) -> bool {
        name.forms()
            .any(|form| self.names.contains(&digest(self.tenant, &form)))
    }

    /// All that are not done.
    pub fn open() -> Partition {
        Partition::of(&CONTACT_ERASURE, &[])
    }

    /// The place before those of a tenant that are not done.
    pub fn before_those_of(tenant: TenantId) -> Bytes {
        Bytes::copy_from_slice(&tenant.get().to_be_bytes())
    }

    /// The one of a customer that is not done.
    pub fn at(tenant: TenantId, contact: ContactId) -> PlainKey {
        Self::open().row(&[&tenant.get().to_be_bytes()[..], contact.as_bytes()].concat())
    }

    /// A tenant's that are done, in order of when they were.
    pub fn done(tenant: TenantId) -> Partition {
        Partition::of_tenant(&CONTACT_ERASURE, tenant)
    }

    /// The place before those that were done at a time.
    pub fn before(time: Timestamp) -> Bytes {
        Bytes::copy_from_slice(&time.as_millis().to_be_bytes())
    }

    /// The same erasure as one that is done, and where it stands then.
    pub fn ended(&self, gone: Timestamp) -> (PlainKey, Self) {
        let sort = [&Self::before(gone)[..], self.contact.as_bytes()].concat();
        let ended = Self {
            gone: Some(gone),
            ..self.clone()
        };
        (Self::done(self.tenant).row(&sort), ended)
    }
}

fn digest(tenant: TenantId, name: &Alias) -> NameDigest {
    NameDigest::from_bytes(name.key(tenant))
}

impl PlainRow for ContactErasure {
    const TABLE: &'static Table = &CONTACT_ERASURE;

    fn expires(&self) -> Option<Timestamp> {
        self.gone.map(|gone| gone.after(KEPT))
    }
}
