use super::*;
use crate::domain::{Contact, Epoch};
use crate::shutdown::Shutdown;
use crate::store::Record;
use crate::store::memory::MemoryStore;

const TENANT: TenantId = TenantId::new(7);
const BEFORE: Timestamp = Timestamp::from_secs(1_800_000_000);
const BEGUN: Timestamp = Timestamp::from_secs(1_800_000_100);
const AFTER: Timestamp = Timestamp::from_secs(1_800_000_200);

fn phone(text: &str) -> Alias {
    Alias::phone(text).unwrap()
}

/// A store with contacts of these phones, made at these times.
async fn with_contacts(contacts: &[(&Alias, Timestamp)]) -> MemoryStore {
    let store = MemoryStore::new();
    let fence = store.lease(TENANT).await.unwrap();
    store.open_tenant(TENANT, fence, Epoch::new(1)).await.unwrap();
    let mut records = Vec::new();
    for (phone, made) in contacts {
        let aliases = ContactAliases::of([(*phone).clone()]);
        let id = aliases.new_contact_id(TENANT).unwrap();
        records.push(Record::Contact(Box::new(Contact::new(id, &aliases, *made))));
        records.push(Record::Alias {
            key: phone.key(TENANT),
            contact: id,
        });
    }
    store.import(TENANT, fence, records, AFTER).await.unwrap();
    store
}

/// A customer who went by two phones, and whose contact follows from neither.
fn erasure(phones: &[&Alias]) -> ContactErasure {
    let contact = ContactId::from_bytes([9; 16]);
    let cards = phones.iter().map(|phone| {
        let aliases = ContactAliases::of([(*phone).clone()]);
        Contact::new(contact, &aliases, BEFORE)
    });
    ContactErasure::new(TENANT, contact, &cards.collect::<Vec<_>>(), BEGUN)
}

#[tokio::test]
async fn a_contact_that_a_file_made_of_an_erased_customer_is_erased_and_nobody_elses() {
    let [ada, of_another] = ["628111111111", "628222222222"].map(phone);
    let store = with_contacts(&[(&ada, AFTER), (&of_another, BEFORE)]).await;
    let shutdown = Shutdown::default();
    let looking = Looking {
        store: &store,
        tenant: TENANT,
        now: AFTER,
        waits: Waits { shutdown: &shutdown },
    };
    let erased = Erased(vec![erasure(&[&ada, &of_another])]);
    let noted = [ada.clone(), of_another.clone()];
    erased
        .erase_again(&Erased::default(), &noted, looking)
        .await
        .unwrap();
    let listed = Erased::look_up(looking, AFTER).await.unwrap();
    let made = |phone: &Alias| {
        ContactAliases::of([phone.clone()])
            .new_contact_id(TENANT)
            .unwrap()
    };
    assert!(listed.has_contact(made(&ada)), "the contact made anew");
    assert!(
        listed.has_contact(ContactId::from_bytes([9; 16])),
        "and that of then"
    );
    assert!(
        !listed.has_contact(made(&of_another)),
        "somebody else has the number since"
    );
}

#[tokio::test]
async fn erasures_of_one_business_are_found_among_those_of_others() {
    let store = MemoryStore::new();
    let phones = ["628111111111", "628222222222", "628333333333"].map(phone);
    let tenants = [TenantId::new(6), TENANT, TenantId::new(8)];
    let table = PlainTable::of(&store, BEFORE);
    for (tenant, phone) in tenants.into_iter().zip(&phones) {
        let aliases = ContactAliases::of([phone.clone()]);
        let card = Contact::new(ContactId::from_bytes([1; 16]), &aliases, BEFORE);
        let row = ContactErasure::new(tenant, card.id, &[card], BEGUN);
        let key = ContactErasure::at(tenant, row.contact);
        assert!(table.replace(&key, None, Some(&row)).await.unwrap());
    }
    let shutdown = Shutdown::default();
    let looking = Looking {
        store: &store,
        tenant: TENANT,
        now: AFTER,
        waits: Waits { shutdown: &shutdown },
    };
    let found = Erased::look_up(looking, BEFORE).await.unwrap();
    assert_eq!(
        phones.each_ref().map(|phone| found.has(phone)),
        [false, true, false]
    );
    let later = Erased::look_up(looking, BEFORE).await.unwrap().begun_since(AFTER);
    assert!(!later.has(&phones[1]), "it was listed before");
}
