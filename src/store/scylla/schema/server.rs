//! Which server answers: a few statements of the schema are understood by one of the two alone.

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Apache Cassandra.
    Cassandra,
    /// ScyllaDB, by its own version.
    Scylla {
        /// Year, or major number of the open-source line.
        major: u32,
        /// The number after it.
        minor: u32,
    },
}

impl Server {
    /// By what `system.versions` says on ScyllaDB; Cassandra has no such table.
    pub(super) fn of(scylla_version: Option<&str>) -> Self {
        let Some(version) = scylla_version else {
            return Self::Cassandra;
        };
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|part| part.parse().unwrap_or(0));
        Self::Scylla {
            major: numbers.next().unwrap_or(0),
            minor: numbers.next().unwrap_or(0),
        }
    }

    /// Whether conditional writes need a keyspace without tablets.
    pub(super) const fn wants_vnodes(self) -> bool {
        match self {
            Self::Cassandra => false,
            Self::Scylla { major, minor } => major < 2025 || (major == 2025 && minor < 4),
        }
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cassandra => f.write_str("Apache Cassandra"),
            Self::Scylla { major, minor } => write!(f, "ScyllaDB {major}.{minor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_decide_where_tablets_are_turned_off() {
        for (version, vnodes) in [
            (None, false),
            (Some("5.4.9"), true),
            (Some("6.2.0-0.20241013.b8a9fd4e49e8"), true),
            (Some("2025.1.2"), true),
            (Some("2025.4.0-rc1"), false),
            (Some("2026.1.0"), false),
        ] {
            assert_eq!(Server::of(version).wants_vnodes(), vnodes, "{version:?}");
        }
    }
}
