use std::sync::Mutex;

use super::*;
use crate::domain::{Alias, ContactAliases, Epoch, Timestamp};
use crate::store::Record;
use crate::store::memory::MemoryStore;

const TENANT: TenantId = TenantId::new(5);

/// A condition by labels, which counts the rows that it is shown.
struct Labels {
    of: Vec<&'static str>,
    /// Labels that there are no terms named for.
    beside: Vec<&'static str>,
    looked: Mutex<usize>,
    calls: Mutex<usize>,
}

impl Labels {
    fn of(of: &[&'static str], beside: &[&'static str]) -> Self {
        Self {
            of: of.to_vec(),
            beside: beside.to_vec(),
            looked: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    fn holds(&self, contact: &Contact) -> bool {
        let has = |label: &str| contact.labels.iter().any(|one| one.as_str() == label);
        let mut all = self.of.iter().chain(&self.beside);
        all.all(|label| match label.strip_prefix('!') {
            Some(denied) => !has(denied),
            None => label.split('|').any(has),
        })
    }
}

#[async_trait]
impl Condition for Labels {
    /// A name of several is one of these.
    fn terms(&self, key: TermKey) -> Vec<AnyTerm> {
        let term = |label: &str| key.label(&label.parse().unwrap());
        let any = |labels: &&str| labels.split('|').map(term).collect();
        self.of.iter().map(any).collect()
    }

    fn told_by_terms(&self, key: TermKey) -> Option<ToldByTerms> {
        let without = self.beside.iter().map(|label| label.strip_prefix('!'));
        let without: Option<Vec<&str>> = without.collect();
        Some(ToldByTerms {
            under: if self.of.is_empty() {
                vec![vec![key.all()]]
            } else {
                self.terms(key)
            },
            without: without?
                .iter()
                .map(|label| key.label(&label.parse().unwrap()))
                .collect(),
        })
    }

    async fn hold(&self, _: &dyn Store, _: TenantId, rows: Vec<Contact>) -> Result<Vec<Contact>, StoreError> {
        *self.looked.lock().unwrap() += rows.len();
        *self.calls.lock().unwrap() += 1;
        Ok(rows.into_iter().filter(|row| self.holds(row)).collect())
    }
}

/// Contacts in the order in which they were first seen; which labels the n-th has is told by `labels`.
async fn store_of(count: u32, labels: impl Fn(u32) -> Vec<&'static str>) -> (MemoryStore, Vec<Contact>) {
    let store = MemoryStore::new();
    let fence = store.lease(TENANT).await.unwrap();
    store.open_tenant(TENANT, fence, Epoch::new(1)).await.unwrap();
    let rows: Vec<Contact> = (0..count)
        .map(|n| {
            let aliases = ContactAliases::of([Alias::phone(&format!("62812{n:07}")).unwrap()]);
            let id = aliases.new_contact_id(TENANT).unwrap();
            let mut row = Contact::new(id, &aliases, Timestamp::from_secs(i64::from(n)));
            row.name = Some(format!("{:07}", n.wrapping_mul(7_919) % 1_000_003).into());
            row.labels = labels(n)
                .into_iter()
                .map(|label| label.parse().unwrap())
                .collect();
            row
        })
        .collect();
    let records = rows.iter().map(|row| Record::Contact(Box::new(row.clone())));
    store
        .import(TENANT, fence, records.collect(), Timestamp::default())
        .await
        .unwrap();
    (store, rows)
}

/// What all pages of a search show, and how many pages there are.
async fn all(
    store: &MemoryStore,
    condition: &Labels,
    sort: ContactOrder,
    order: ListOrder,
) -> (Vec<ContactId>, usize) {
    let search = ContactSearch {
        store,
        tenant: TENANT,
        condition,
        sort,
        order,
    };
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        *condition.looked.lock().unwrap() = 0;
        *condition.calls.lock().unwrap() = 0;
        let page = search.page(after.take(), 20).await.unwrap();
        assert!(page.contacts.len() <= 20);
        assert!(*condition.looked.lock().unwrap() <= MOST_CONTACTS);
        // However seldom the condition holds, rows are looked at together.
        assert!(*condition.calls.lock().unwrap() <= 8);
        found.extend(page.contacts.iter().map(|row| row.id));
        pages += 1;
        assert!(pages < 1_000, "it does not end");
        match page.next {
            Some(next) => after = Some(next),
            None => return (found, pages),
        }
    }
}

#[tokio::test]
async fn every_search_shows_each_contact_once_in_order_from_both_ends() {
    let labels = |n: u32| {
        let with = [(2, "two"), (3, "three"), (7, "seven"), (500, "few")];
        with.into_iter()
            .filter(|(by, _)| n.is_multiple_of(*by))
            .map(|(_, label)| label)
            .collect()
    };
    let (store, rows) = store_of(3_000, labels).await;
    for (of, beside) in [
        (&[][..], &[][..]),
        (&["two"], &[]),
        (&["two", "three"], &[]),
        (&["few", "two"], &["three"]),
        (&["two", "three", "seven"], &[]),
        (&[], &["few"]),
        (&["two"], &["nobody"]),
        (&["nobody", "two"], &[]),
        (&["three|seven"], &[]),
        (&["seven|three|few|two", "three"], &["two"]),
        (&["nobody|few"], &["!three"]),
        (&[], &["!two", "!three"]),
    ] {
        let condition = Labels::of(of, beside);
        for sort in [ContactOrder::Created, ContactOrder::Name] {
            let mut expected: Vec<(TermPlace, ContactId)> = rows
                .iter()
                .filter(|row| condition.holds(row))
                .map(|row| (sort.place(row), row.id))
                .collect();
            expected.sort();
            let mut expected: Vec<ContactId> = expected.into_iter().map(|(_, id)| id).collect();
            let found = all(&store, &condition, sort, ListOrder::Ascending).await.0;
            assert_eq!(found, expected, "{of:?} {beside:?} {sort:?}");
            expected.reverse();
            let found = all(&store, &condition, sort, ListOrder::Descending).await.0;
            assert_eq!(found, expected, "{of:?} {beside:?} {sort:?}");
        }
    }
}

#[tokio::test]
async fn a_count_by_terms_is_that_of_the_rows_and_reads_none() {
    let labels = |n: u32| {
        let with = [(2, "two"), (3, "three"), (7, "seven")];
        let with = with.into_iter().filter(|(by, _)| n.is_multiple_of(*by));
        with.map(|(_, label)| label).collect()
    };
    let (store, rows) = store_of(50_000, labels).await;
    for (of, beside) in [
        (&[][..], &[][..]),
        (&["two"], &[]),
        (&["two", "three|seven"], &[]),
        (&[], &["!two"]),
        (&["three"], &["!two", "!seven"]),
        (&["nobody"], &[]),
    ] {
        let condition = Labels::of(of, beside);
        let expected = rows.iter().filter(|row| condition.holds(row)).count();
        let search = ContactSearch {
            store: &store,
            tenant: TENANT,
            condition: &condition,
            sort: ContactOrder::Created,
            order: ListOrder::Ascending,
        };
        let (mut count, mut after, mut calls) = (0, None, 0);
        loop {
            let (more, next) = search.count(after.take()).await.unwrap();
            count += more;
            calls += 1;
            match next {
                Some(next) if calls < 20 => after = Some(next),
                _ => break,
            }
        }
        assert_eq!(count, expected, "{of:?} {beside:?}");
        assert!(calls <= 8, "{of:?} {beside:?}: {calls} calls");
        assert_eq!(*condition.looked.lock().unwrap(), 0);
    }
}

#[tokio::test]
async fn by_name_a_label_of_many_is_walked_and_nobody_else() {
    let labels = |n: u32| if n.is_multiple_of(5) { vec!["some"] } else { vec![] };
    let (store, _) = store_of(6_000, labels).await;
    let condition = Labels::of(&["some"], &[]);
    let (found, pages) = all(&store, &condition, ContactOrder::Name, ListOrder::Ascending).await;
    // Full pages of 20, whoever else has a name between.
    assert_eq!((found.len(), pages), (1_200, 60));
}

#[tokio::test]
async fn a_call_ends_although_terms_have_nothing_in_common() {
    let labels = |n: u32| vec![if n.is_multiple_of(2) { "even" } else { "odd" }];
    let (store, _) = store_of(10_000, labels).await;
    let condition = Labels::of(&["even", "odd"], &[]);
    let (found, pages) = all(&store, &condition, ContactOrder::Created, ListOrder::Ascending).await;
    assert!(found.is_empty());
    assert!((2..20).contains(&pages), "{pages}");
}

#[tokio::test]
async fn few_among_many_are_met_without_reading_those() {
    let labels = |n: u32| match n {
        9_000.. => vec!["many", "few"],
        _ => vec!["many"],
    };
    let (store, _) = store_of(9_010, labels).await;
    let condition = Labels::of(&["many", "few"], &[]);
    let (found, pages) = all(&store, &condition, ContactOrder::Created, ListOrder::Ascending).await;
    assert_eq!((found.len(), pages), (10, 1));
}
