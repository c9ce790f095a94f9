//! What is asked of a cluster: every statement names a whole partition key, and docs/cql.md tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Those that read a whole table: a row for each tenant or number, a partition for each tenant that sends, or what a copy takes.
const WHOLE_TABLES: [&str; 5] = [
    "numbers",
    "tenants",
    "retention_jobs",
    "tenants_with_slots",
    "all_plain_rows",
];

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The columns of each table's partition key.
fn partition_keys() -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cql");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let code: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect();
        for table in code.join(" ").split("CREATE TABLE IF NOT EXISTS ").skip(1) {
            let (name, columns) = table.split_once('(').unwrap();
            let key = match columns.split_once("PRIMARY KEY ((") {
                Some((_, rest)) => rest.split_once(')').unwrap().0,
                // `column type PRIMARY KEY`: the column alone.
                None => columns.split_whitespace().next().unwrap(),
            };
            let key = key.split(',').map(|column| column.trim().to_owned()).collect();
            keys.insert(name.trim().to_owned(), key);
        }
    }
    keys
}

/// Every statement by name.
fn statements() -> BTreeMap<String, String> {
    let text = file("src/store/scylla/statements.rs");
    let pieces: Vec<&str> = text.split('"').collect();
    pieces
        .windows(2)
        .step_by(2)
        .filter_map(|pair| {
            let [before, cql] = pair else { return None };
            let named = before.trim_end().rsplit_once(':')?.0;
            let name = named.rsplit(char::is_whitespace).next()?;
            let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
            let is_cql = verbs.iter().any(|verb| cql.starts_with(verb));
            is_cql.then(|| (name.to_owned(), cql.replace("{table}", "{data}.message_s")))
        })
        .collect()
}

fn between<'a>(text: &'a str, start: &str, ends: &[&str]) -> &'a str {
    let Some((_, rest)) = text.split_once(start) else {
        return "";
    };
    let end = ends.iter().filter_map(|end| rest.find(end)).min();
    &rest[..end.unwrap_or(rest.len())]
}

/// The table, and the columns that a statement says the value of.
fn said(cql: &str) -> (&str, BTreeSet<String>) {
    if let Some(rest) = cql.strip_prefix("INSERT INTO ") {
        let (table, columns) = rest.split_once(" (").unwrap();
        let columns = columns.split_once(')').unwrap().0.split(", ");
        return (table, columns.map(str::to_owned).collect());
    }
    let table = match cql.strip_prefix("UPDATE ") {
        Some(rest) => rest.split(' ').next().unwrap(),
        None => between(cql, " FROM ", &[" "]),
    };
    let conditions = between(cql, " WHERE ", &[" IF "]).split(" AND ");
    // Among a few values that are named is as good as equal.
    let equal = conditions.filter_map(|condition| {
        let among = || condition.split_once(" IN ");
        condition.split_once(" = ").or_else(among)
    });
    (table, equal.map(|(column, _)| column.to_owned()).collect())
}

#[test]
fn every_statement_names_whole_partitions_of_one_tenant_and_none_filters() {
    let (keys, statements) = (partition_keys(), statements());
    assert!(statements.len() > 80, "{} statements were read", statements.len());
    assert_eq!(keys.len(), 29, "{keys:?}");
    for (name, cql) in &statements {
        let (table, columns) = said(cql);
        let key = keys
            .get(table)
            .unwrap_or_else(|| panic!("{name} asks {table:?}, of which cql/ does not know"));
        let whole = key.is_subset(&columns);
        assert_eq!(whole, !WHOLE_TABLES.contains(&name.as_str()), "{name}: {cql}");
        for forbidden in ["ALLOW FILTERING", "PER PARTITION"] {
            assert!(!cql.contains(forbidden), "{name}: {cql}");
        }
        // Whoever names a few says so in the statement's name: the code that asks sees to how many there are.
        assert_eq!(cql.contains(" IN "), name.ends_with("_among"), "{name}: {cql}");
        assert!(!cql.contains("tenant IN"), "{name}: {cql}");
    }
}

#[test]
fn all_messages_stand_under_the_same_key_whatever_their_class() {
    let keys = partition_keys();
    let of = |class: &str| &keys[&format!("{{data}}.message_{class}")];
    assert_eq!(of("s"), of("m"));
    assert_eq!(of("s"), of("l"));
}

#[test]
fn the_page_on_the_cluster_tells_of_every_statement_and_of_no_other() {
    let text = file("docs/cql.md");
    let (_, table) = text
        .split_once("## Which question reads which partitions")
        .unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let told: BTreeSet<&str> = rows
        .skip(1)
        .filter_map(|row| row.split(" | ").nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let statements = statements();
    let there: BTreeSet<&str> = statements.keys().map(String::as_str).collect();
    assert_eq!(told, there);
}
