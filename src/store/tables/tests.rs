//! That the declarations leave out nothing that the backends keep, and that the page of them is theirs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::domain::Retention;
use crate::store::conformance::contents::PAGE;
use crate::store::conformance::scene::{Scene, TENANT};
use crate::store::conformance::{Backend as _, Memory, j_erasure};
use crate::store::scylla::schema::{Server, migrations};

/// Tables of the cluster that hold no rows of the store's: its processes, what they tell each other, and one that nothing writes to any
/// more.
const NOT_DECLARED: [&str; 3] = ["process", "forwarded", "agent"];
/// Letters of the embedded store's own notes: when files are rewritten, how many commits there are, and that contacts stand under
/// their terms.
const ITS_OWN: [&str; 4] = ["W", "w", "Z", "F"];

/// Where rows stand; that of plain rows once.
fn places(of: fn(&Table) -> &'static [&'static str]) -> Vec<&'static str> {
    let tables = ALL.iter().filter(|table| table.copied != Copied::Plain);
    let own = tables.flat_map(|table| of(table));
    own.chain(of(&PLAIN)).copied().collect()
}

#[test]
fn every_table_of_the_cluster_is_declared_once() {
    let statements: Vec<String> = migrations()
        .iter()
        .flat_map(|migration| migration.statements(Server::Cassandra))
        .collect();
    let made: BTreeSet<&str> = statements
        .iter()
        .filter_map(|cql| cql.strip_prefix("CREATE TABLE IF NOT EXISTS "))
        .filter_map(|rest| rest.split([' ', '.']).nth(1))
        .collect();
    let all: Vec<&str> = places(|table| table.cluster);
    let declared: BTreeSet<&str> = all.iter().copied().chain(NOT_DECLARED).collect();
    assert_eq!(made, declared);
    assert_eq!(all.len() + NOT_DECLARED.len(), declared.len(), "one stands twice");
}

#[test]
fn every_letter_of_the_embedded_store_is_declared_once() {
    let keys = include_str!("../fjall/keys.rs");
    let (_, letters) = keys.split_once("impl Kind {").unwrap();
    let (letters, _) = letters.split_once("\n}\n").unwrap();
    let used: Vec<&str> = letters
        .lines()
        .filter_map(|line| line.split_once("=> b'")?.1.get(..1))
        .collect();
    let folder = places(|table| table.folder);
    let declared = folder.iter().filter_map(|place| {
        let (space, letter) = place.split_once(' ')?;
        (space == "rows" || space == "index").then_some(letter)
    });
    let declared: Vec<&str> = declared.chain(ITS_OWN).collect();
    let set = |letters: &[&str]| {
        letters
            .iter()
            .map(|letter| (*letter).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&used), set(&declared));
    assert_eq!((used.len(), declared.len()), (set(&used).len(), set(&used).len()));
}

#[test]
fn what_a_copy_takes_along_is_what_is_declared() {
    let declared = ALL.iter().filter_map(|table| match table.copied {
        Copied::Ledger(kind) => Some((kind, table.name)),
        _ => None,
    });
    let declared: BTreeSet<_> = declared.collect();
    let copied = RecordKind::ALL.iter().map(|kind| (*kind, kind.table().name));
    assert_eq!(declared, copied.collect());
}

/// The fields, below a row, in which a text stands that has one of these words in it.
fn fields_with(row: &serde_json::Value, words: &[&str], field: &str, found: &mut BTreeSet<String>) {
    match row {
        serde_json::Value::String(text) if words.iter().any(|word| text.contains(word)) => {
            found.insert(field.to_owned());
        }
        serde_json::Value::Array(items) => items
            .iter()
            .for_each(|item| fields_with(item, words, field, found)),
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let field = if field.is_empty() { name } else { field };
                fields_with(value, words, field, found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn what_tells_of_a_customer_stands_in_fields_that_are_declared_personal() {
    let backend = Memory::open();
    let mut scene = Scene::of(&backend).await;
    j_erasure::fill(&mut scene).await;
    for kind in RecordKind::ALL {
        let mut found = BTreeSet::new();
        let page = scene
            .store
            .export(TENANT, kind, None, PAGE, scene.now)
            .await
            .unwrap();
        for record in &page.records {
            let record = serde_json::to_value(record).unwrap();
            // A record names its kind, and a row with an expiry stands beside it.
            let fields = record.as_object().unwrap().values().next().unwrap();
            let row = fields.get("row").unwrap_or(fields);
            fields_with(row, &j_erasure::CANARIES, "", &mut found);
        }
        let personal: BTreeSet<String> = kind.table().personal.iter().map(ToString::to_string).collect();
        assert!(found.is_subset(&personal), "{}: {found:?}", kind.table().name);
        assert!(
            personal.is_empty() || !found.is_empty(),
            "{}: nothing is there",
            kind.table().name
        );
    }
}

#[test]
fn the_page_says_what_is_declared() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/data.md");
    let page = page();
    if std::env::var_os("MESEJ_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/data.md is not what src/store/tables.rs says: MESEJ_WRITE_DOCS=1 cargo test --lib tables:: writes it"
    );
}

const HEAD_OF_PAGE: &str = "\
# What the store keeps

The data catalogue: every kind of row, whose it is, how long it is kept, and what an erasure does to it. Written from
`src/store/tables.rs` by `MESEJ_WRITE_DOCS=1 cargo test --lib tables::`; a test compares. Nothing here is encrypted yet.

An expired row is in no answer from that moment on. Space is freed later: by sweeps and compaction in a data folder, by TTL on a
cluster. *Retention* is the tenant's, 1 to 1,826 days.

| Row | What it is | Whose | Kept | Personal or secret fields | On erasure of its customer | Copied by `mesej store copy` |
|---|---|---|---|---|---|---|
";

const OF_A_USER: &str = "
## Of a user

Every row whose subject is a user is in that user's export (`GET /v1/profile/export`) and is removed with the account. Rows of the
business keep the user's id, which leads to nobody then. Fields that would let somebody in are in no export:

";

const REST_OF_PAGE: &str = "
Beside these rows a data folder holds `engine.watermark` and `webhooks.watermark` (how far was acknowledged), `claims-ahead` (ids of
claims for which no call had begun), `loss-accepted` (that a start went on without what was missing) and `damaged/` (what such a start
put aside, with customers' data, until somebody removes it). On a cluster `process` lists running gateways for some seconds. Logs hold
no personal data.
";

fn page() -> String {
    let mut page = HEAD_OF_PAGE.to_owned();
    for table in ALL {
        let personal: Vec<String> = table.personal.iter().map(|field| format!("`{field}`")).collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            table.name,
            table.says,
            whose(table.subject),
            kept(table.kept),
            personal.join(", "),
            erased(table.erasure),
            copied(table.copied),
        )
        .unwrap();
    }
    page.push_str("\n## Where they stand\n\n| Row | Key | Data folder | Cluster |\n|---|---|---|---|\n");
    for table in ALL {
        let cluster: Vec<String> = table.cluster.iter().map(|name| format!("`{name}`")).collect();
        let folder: Vec<String> = table.folder.iter().map(|place| format!("`{place}`")).collect();
        let (folder, cluster) = (folder.join(", "), cluster.join(", "));
        writeln!(
            page,
            "| `{}` | {} | {folder} | {cluster} |",
            table.name, table.key
        )
        .unwrap();
    }
    page.push_str(OF_A_USER);
    for table in ALL.iter().filter(|table| !table.secret.is_empty()) {
        let secret: Vec<String> = table.secret.iter().map(|field| format!("`{field}`")).collect();
        writeln!(page, "- `{}`: {}", table.name, secret.join(", ")).unwrap();
    }
    page + REST_OF_PAGE
}

fn whose(subject: Subject) -> &'static str {
    match subject {
        Subject::Contact => "customer",
        Subject::Tenant => "tenant",
        Subject::Operator => "operator",
        Subject::User => "user",
        Subject::Nobody => "nobody",
    }
}

fn kept(kept: Kept) -> String {
    let days = |time: std::time::Duration| time.as_secs() / 86_400;
    match kept {
        Kept::WithMessage => "retention".to_owned(),
        Kept::WithEvent => format!(
            "{} days, or retention where that is less",
            days(Retention::EVENTS)
        ),
        Kept::PastRetries => format!("retention, and at least {} days", days(Retention::DEDUPE)),
        Kept::Hours(hours) if hours > 72 => format!("{} days", hours / 24),
        Kept::Hours(hours) => format!("{hours} hours"),
        Kept::UntilSettled => "until the message is settled".to_owned(),
        Kept::UntilApplied => "until it is applied".to_owned(),
        Kept::AsLongAsItSays => "until it ends by itself".to_owned(),
        Kept::UntilRemoved => "until it is removed or replaced".to_owned(),
    }
}

fn erased(erasure: Erasure) -> &'static str {
    match erasure {
        Erasure::Removed => "removed",
        Erasure::Blanked => "stays without what it tells of the customer",
        Erasure::Nothing => "",
        Erasure::Searched => "removed where it names the customer",
        Erasure::WaitedFor => "applied first",
    }
}

fn copied(copied: Copied) -> &'static str {
    match copied {
        Copied::Ledger(_) | Copied::ByItself | Copied::Plain => "yes",
        Copied::Made => "made anew",
        Copied::No => "no",
    }
}

#[test]
fn every_table_about_users_says_how_the_rows_of_one_are_found_and_no_other_does() {
    for table in ALL {
        let says = !matches!(table.of_user, OfUser::None);
        let name = table.name;
        assert_eq!(says, table.subject == Subject::User, "{name}: `of_user`");
        assert!(!says || table.copied == Copied::Plain, "{name} is no plain table");
    }
    // Whoever goes on with an erasure that was cut off needs what later rows lead to: those are removed after what they lead to.
    let place = |wanted: &Table| ALL.iter().position(|table| table.name == wanted.name);
    assert!(place(&SESSION) < place(&SESSION_OF_USER));
}
