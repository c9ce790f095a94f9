//! What does it cost to have very many contacts? One JSON line for each question.
//!
//! `cargo bench --bench contacts`. `MESEJ_BENCH_CONTACTS` says how many (1,000,000), `MESEJ_BENCH_FOLDER` which disk is measured, and
//! `MESEJ_BENCH_CQL` (host:port) a server that is measured instead, in a keyspace of its own. Contacts are made as an import makes
//! them: ops of 500 at once, told to nobody. Then lists and searches are asked for at random.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a measurement: it prints, and a panic is how it fails"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mesej::domain::{
    Alias, Author, Clock, Contact, ContactAliases, ContactChange, Epoch, Retention, Seq, SystemClock,
    TenantId, Term, TermKey,
};
use mesej::store::contact_search::{Condition, ContactOrder, ContactSearch};
use mesej::store::fjall::{FjallOptions, FjallStore};
use mesej::store::op::{Audience, ChangeContact, Whom};
use mesej::store::scylla::{ScyllaOptions, ScyllaStore, schema};
use mesej::store::{Append, ListOrder, Op, OpOutcome, Store, StoreError};

const TENANT: TenantId = TenantId::new(1);
/// Ops of one commit.
const BATCH: u32 = 500;
/// Names from which people's are put together.
const FIRST: [&str; 20] = [
    "Ana", "Budi", "Citra", "Dewi", "Eko", "Fitri", "Gita", "Hadi", "Indra", "Joko", "Kartika", "Lestari",
    "Maya", "Nadia", "Oki", "Putri", "Rina", "Sari", "Tono", "Wulan",
];
const LAST: [&str; 10] = [
    "Hidayat", "Kusuma", "Nugroho", "Permata", "Pratama", "Rahman", "Santoso", "Siregar", "Wibowo",
    "Yulianto",
];

/// A label, a word, digits: all of which a contact must have.
#[derive(Default)]
struct Wanted {
    label: Option<&'static str>,
    word: Option<&'static str>,
    digits: Option<String>,
}

#[async_trait]
impl Condition for Wanted {
    fn terms(&self, key: TermKey) -> Vec<Term> {
        let digits = self.digits.iter().map(|digits| key.digits(digits));
        let words = self.word.iter().map(|word| key.prefix(word));
        let labels = self.label.iter().map(|label| key.label(&label.parse().unwrap()));
        digits.chain(words).chain(labels).collect()
    }

    async fn hold(&self, _: &dyn Store, _: TenantId, rows: Vec<Contact>) -> Result<Vec<Contact>, StoreError> {
        let digits = |row: &Contact| {
            let phone = row.phone.as_deref().unwrap_or_default();
            self.digits.as_deref().is_none_or(|digits| phone.contains(digits))
        };
        Ok(rows.into_iter().filter(digits).collect())
    }
}

fn main() {
    let measured = std::env::args().any(|arg| arg == "--bench");
    let count = std::env::var("MESEJ_BENCH_CONTACTS")
        .ok()
        .and_then(|text| text.parse().ok());
    let count: u32 = count.unwrap_or(if measured { 1_000_000 } else { 1_000 });
    let disk = std::env::var_os("MESEJ_BENCH_FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(disk).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store: Arc<dyn Store> = match std::env::var("MESEJ_BENCH_CQL") {
            Ok(server) => {
                let options = ScyllaOptions::new(vec![server], "bench_contacts");
                schema::migrate(&options, "bench").await.unwrap();
                Arc::new(
                    ScyllaStore::open(&options, Arc::new(SystemClock::new()))
                        .await
                        .unwrap(),
                )
            }
            Err(_) => {
                Arc::new(FjallStore::open(folder.path().join("store"), FjallOptions::default()).unwrap())
            }
        };
        make(store.as_ref(), count).await;
        println!(
            r#"{{"what":"resident after the import","mib":{:.0}}}"#,
            resident_mib()
        );
        ask(store.as_ref(), count).await;
        println!(
            r#"{{"what":"resident after searches","mib":{:.0}}}"#,
            resident_mib()
        );
        store.close().await.unwrap();
    });
}

fn one(n: u32) -> Op {
    let phone = Alias::phone(&format!("6281{:09}", u64::from(n) * 7_919 % 1_000_000_000)).unwrap();
    let pick = |names: &'static [&'static str], n: u32| names.iter().cycle().nth(n as usize % names.len());
    let name = format!("{} {}", pick(&FIRST, n).unwrap(), pick(&LAST, n / 20).unwrap());
    let mut changes = vec![ContactChange::GivenName(Some(name.parse().unwrap()))];
    for (by, label) in [(2, "customer"), (10, "vip"), (10_000, "press")] {
        if n.is_multiple_of(by) {
            changes.push(ContactChange::AddLabel(label.parse().unwrap()));
        }
    }
    Op::ChangeContact(Box::new(ChangeContact {
        who: Whom::Named(ContactAliases::of([phone])),
        changes,
        by: Author::BusinessApp,
        audience: Audience::Nobody,
    }))
}

async fn make(store: &dyn Store, count: u32) {
    let clock = SystemClock::new();
    let fence = store.lease(TENANT).await.unwrap();
    let at = store.open_tenant(TENANT, fence, Epoch::new(1)).await.unwrap();
    let (began, mut times) = (Instant::now(), Vec::new());
    let mut from = 0;
    while from < count {
        let to = count.min(from.saturating_add(BATCH));
        let asked = Instant::now();
        let appended = store
            .append(Append {
                tenant: TENANT,
                fence,
                expect_head: at.head.max(Seq::default()),
                now: clock.now(),
                retention: Retention::DEFAULT,
                ops: (from..to).map(one).collect(),
            })
            .await
            .unwrap();
        assert!(
            appended
                .outcomes
                .iter()
                .all(|made| matches!(made, OpOutcome::Contact { .. }))
        );
        times.push(asked.elapsed());
        from = to;
    }
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    times.sort_unstable();
    println!(
        r#"{{"what":"contacts made","count":{count},"per_s":{rate:.0},"batch_p50_ms":{:.1},"batch_p99_ms":{:.1}}}"#,
        millis(&times, 50),
        millis(&times, 99),
    );
}

async fn ask(store: &dyn Store, count: u32) {
    let mut chance = fastrand::Rng::with_seed(4);
    let label = |label| Wanted {
        label: Some(label),
        ..Wanted::default()
    };
    let word = |word| Wanted {
        word: Some(word),
        ..Wanted::default()
    };
    let questions: [(&str, ContactOrder, Wanted); 8] = [
        ("newest 50", ContactOrder::Created, Wanted::default()),
        ("first 50 by name", ContactOrder::Name, Wanted::default()),
        (
            "50 of half of them, by a label",
            ContactOrder::Created,
            label("customer"),
        ),
        (
            "50 of one in 10,000, by a label and name",
            ContactOrder::Name,
            label("press"),
        ),
        (
            "50 by the first letter of a word",
            ContactOrder::Created,
            word("s"),
        ),
        ("50 by a word", ContactOrder::Created, word("lestari")),
        (
            "50 by a word and a label",
            ContactOrder::Created,
            Wanted {
                word: Some("sari"),
                label: Some("vip"),
                digits: None,
            },
        ),
        (
            "by nine digits of a phone",
            ContactOrder::Created,
            Wanted::default(),
        ),
    ];
    for (what, sort, mut wanted) in questions {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..200 {
            if what.starts_with("by nine") {
                let n = u64::from(chance.u32(0..count));
                wanted.digits = Some(format!("{:09}", n * 7_919 % 1_000_000_000));
            }
            let search = ContactSearch {
                store,
                tenant: TENANT,
                condition: &wanted,
                sort,
                order: if sort == ContactOrder::Created {
                    ListOrder::Descending
                } else {
                    ListOrder::Ascending
                },
            };
            let asked = Instant::now();
            // A page may be short: what somebody waits for is something to be seen.
            let (mut after, mut calls) = (None, 0);
            loop {
                let page = search.page(after, 50).await.unwrap();
                calls += 1;
                found += page.contacts.len();
                after = page.next;
                if !page.contacts.is_empty() || after.is_none() || calls > 100 {
                    break;
                }
            }
            times.push(asked.elapsed());
        }
        times.sort_unstable();
        println!(
            r#"{{"what":"{what}","rows":{:.1},"p50_ms":{:.2},"p99_ms":{:.2}}}"#,
            found as f64 / 200.0,
            millis(&times, 50),
            millis(&times, 99),
        );
    }
}

fn millis(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).unwrap().as_secs_f64() * 1_000.0
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1_024.0
}
