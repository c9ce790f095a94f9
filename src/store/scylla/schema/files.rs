//! The files of `cql/`, compiled in, and their statements.

use super::server::Server;
use crate::domain::ids::digest16;
use crate::domain::ids::hex;

const KEYSPACES: &str = include_str!("../../../../cql/keyspaces.cql");
const KEYSPACES_VNODES: &str = include_str!("../../../../cql/keyspaces.scylla-vnodes.cql");

/// One step of the schema. Never changed once released: whatever is wrong is mended by the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number; dense, from 1.
    pub version: u32,
    /// What it is about.
    pub name: &'static str,
    /// For both servers.
    shared: &'static str,
    /// For Cassandra alone.
    cassandra: &'static str,
    /// For ScyllaDB alone.
    scylla: &'static str,
}

const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "tables",
        shared: include_str!("../../../../cql/0001_tables.cql"),
        cassandra: include_str!("../../../../cql/0001_tables.cassandra.cql"),
        scylla: "",
    },
    Migration {
        version: 2,
        name: "retention",
        shared: include_str!("../../../../cql/0002_retention.cql"),
        cassandra: "",
        scylla: "",
    },
    Migration {
        version: 3,
        name: "processes",
        shared: include_str!("../../../../cql/0003_processes.cql"),
        cassandra: "",
        scylla: "",
    },
    Migration {
        version: 4,
        name: "plain_rows",
        shared: include_str!("../../../../cql/0004_plain_rows.cql"),
        cassandra: "",
        scylla: "",
    },
    Migration {
        version: 5,
        name: "forwarded",
        shared: include_str!("../../../../cql/0005_forwarded.cql"),
        cassandra: "",
        scylla: "",
    },
    Migration {
        version: 6,
        name: "contact_term",
        shared: include_str!("../../../../cql/0006_contact_term.cql"),
        cassandra: "",
        scylla: "",
    },
    Migration {
        version: 7,
        name: "broadcast_tally",
        shared: include_str!("../../../../cql/0007_broadcast_tally.cql"),
        cassandra: "",
        scylla: "",
    },
];

/// All migrations, in order.
pub const fn migrations() -> &'static [Migration] {
    ALL
}

impl Migration {
    /// Its statements for a server, in order. Each may be repeated.
    pub fn statements(&self, server: Server) -> Vec<String> {
        let own = match server {
            Server::Cassandra => self.cassandra,
            Server::Scylla { .. } => self.scylla,
        };
        split(self.shared).into_iter().chain(split(own)).collect()
    }

    /// Tells whether a file was changed after it was applied.
    pub(super) fn checksum(&self) -> String {
        hex(&digest16(&[
            self.shared.as_bytes(),
            self.cassandra.as_bytes(),
            self.scylla.as_bytes(),
        ]))
    }
}

/// The statements that make the keyspaces.
pub(super) fn keyspaces(server: Server) -> Vec<String> {
    split(if server.wants_vnodes() {
        KEYSPACES_VNODES
    } else {
        KEYSPACES
    })
}

/// The statements of a file: comments dropped, parted at semicolons, of which the files have none inside texts.
fn split(file: &str) -> Vec<String> {
    let code: String = file
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    code.split(';')
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_from_one() {
        let numbers: Vec<u32> = migrations().iter().map(|migration| migration.version).collect();
        let expected: Vec<u32> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn every_statement_may_be_repeated() {
        for migration in migrations() {
            for server in [
                Server::Cassandra,
                Server::Scylla {
                    major: 2026,
                    minor: 1,
                },
            ] {
                for statement in migration.statements(server) {
                    assert!(
                        statement.contains("IF NOT EXISTS") || statement.contains(" WITH "),
                        "{statement}"
                    );
                }
            }
        }
    }

    #[test]
    fn shared_files_hold_nothing_that_one_server_alone_understands() {
        let own = [
            "read_repair",
            "tablets",
            "tombstone_gc",
            "IncrementalCompaction",
            "MATERIALIZED",
            "CREATE INDEX",
            "counter",
            "ALLOW FILTERING",
        ];
        for migration in migrations() {
            for statement in split(migration.shared) {
                for word in own {
                    assert!(!statement.contains(word), "{word} in {statement}");
                }
            }
        }
    }

    #[test]
    fn tables_in_time_windows_have_a_default_ttl_and_few_windows() {
        for migration in migrations() {
            for statement in split(migration.shared) {
                if !statement.contains("TimeWindow") {
                    continue;
                }
                let number = |after: &str| -> u64 {
                    let rest = statement.split_once(after).unwrap().1;
                    let digits: String = rest
                        .chars()
                        .skip_while(|c| !c.is_ascii_digit())
                        .take_while(char::is_ascii_digit)
                        .collect();
                    digits.parse().unwrap()
                };
                let unit = if statement.contains("'HOURS'") {
                    3_600
                } else {
                    86_400
                };
                let windows = number("default_time_to_live") / (number("compaction_window_size") * unit);
                assert!((1..=50).contains(&windows), "{windows} windows in {statement}");
            }
        }
    }
}
