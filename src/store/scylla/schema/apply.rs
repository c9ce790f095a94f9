//! Bringing a cluster's schema up to date: once each, in order, one process at a time.
//!
//! A lock that is written conditionally and expires by itself keeps others out; whoever waits for it finds the work done.
//! Every statement may be repeated, so that a process that died in the middle leaves nothing to mend by hand.

use std::time::Duration;

use super::Status;
use super::files::{Migration, keyspaces, migrations};
use super::server::Server;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::scylla::link::Link;
use crate::store::scylla::options::ScyllaOptions;

/// A lock that its holder did not give back is free again after this many seconds. It is renewed before each statement, which
/// takes less, with all that waits for it.
const LOCKED_S: u32 = 120;
/// How often a lock is renewed before it is called lost.
const RENEWALS: u32 = 5;
/// How often the lock is asked for; with the pause, a little longer than it can be held.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(250);

/// What was done to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Where it stands now.
    pub status: Status,
    /// What was applied by this call.
    pub migrations: Vec<Migration>,
}

/// Where a cluster stands.
pub async fn status(options: &ScyllaOptions) -> Result<Status, StoreError> {
    let link = Link::open(options).await?;
    read_status(&link, options).await
}

/// Applies what is missing. `holder` names this process and no other, also for whoever looks who holds the lock.
pub async fn migrate(options: &ScyllaOptions, holder: &str) -> Result<Applied, StoreError> {
    let link = Link::open(options).await?;
    let server = server(&link).await?;
    if !has_lock(&link, options).await? {
        begin(&link, options, server).await?;
    }
    lock(&link, options, holder).await?;
    let work = Work {
        link: &link,
        options,
        holder,
    };
    let applied = work.apply_missing(server).await;
    // Given back also after a failure: the next one must not wait for the lock to expire.
    let given_back = unlock(&link, options, holder).await;
    let migrations = applied?;
    given_back?;
    Ok(Applied {
        status: read_status(&link, options).await?,
        migrations,
    })
}

/// Where a cluster stands, over a session that is there.
pub(super) async fn read_status(link: &Link, options: &ScyllaOptions) -> Result<Status, StoreError> {
    let known = migrations().last().map_or(0, |migration| migration.version);
    let server = server(link).await?;
    let applied = if has_versions(link, options).await? {
        versions(link, options)
            .await?
            .into_iter()
            .map(|row| row.version)
            .max()
    } else {
        None
    };
    Ok(Status {
        applied: applied.unwrap_or(0),
        known,
        server,
    })
}

async fn server(link: &Link) -> Result<Server, StoreError> {
    let found = link
        .run(
            "find server",
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system' AND table_name = 'versions'",
        )
        .await?;
    if found.len() == 0 {
        return Ok(Server::of(None));
    }
    let version = link
        .run(
            "server version",
            "SELECT version FROM system.versions WHERE key = 'local'",
        )
        .await?;
    Ok(Server::of(Some(version.text(0, "version").unwrap_or_default())))
}

async fn has_versions(link: &Link, options: &ScyllaOptions) -> Result<bool, StoreError> {
    let cql = format!(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{}_lwt' AND table_name = 'schema_version'",
        options.keyspace
    );
    Ok(link.run("find schema", &cql).await?.len() > 0)
}

struct Version {
    version: u32,
    checksum: String,
}

async fn versions(link: &Link, options: &ScyllaOptions) -> Result<Vec<Version>, StoreError> {
    let cql = options.named("SELECT version, checksum FROM {lwt}.schema_version WHERE scope = 'mesej'");
    let answer = link.run("read schema", &cql).await?;
    Ok((0..answer.len())
        .filter_map(|row| {
            Some(Version {
                version: u32::try_from(answer.int(row, "version")?).ok()?,
                checksum: answer.text(row, "checksum")?.to_owned(),
            })
        })
        .collect())
}

/// The keyspaces, and what the migrations themselves need: all that is made without the lock, which stands in it.
async fn begin(link: &Link, options: &ScyllaOptions, server: Server) -> Result<(), StoreError> {
    let replication = format!(
        "{{'class': 'NetworkTopologyStrategy', '{}': {}}}",
        link.datacenter.replace('\'', "''"),
        options.replication_factor
    );
    let own = [
        "CREATE TABLE IF NOT EXISTS {lwt}.schema_version (scope text, version int, name text, checksum text, PRIMARY KEY ((scope), version))",
        "CREATE TABLE IF NOT EXISTS {lwt}.schema_lock (scope text PRIMARY KEY, holder text)",
    ];
    let make = keyspaces(server)
        .into_iter()
        .map(|cql| cql.replace("{replication}", &replication))
        .chain(own.map(str::to_owned));
    for cql in make {
        change(link, &options.named(&cql), || async { Ok(()) }).await?;
    }
    Ok(())
}

async fn has_lock(link: &Link, options: &ScyllaOptions) -> Result<bool, StoreError> {
    let cql = format!(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{}_lwt' AND table_name = 'schema_lock'",
        options.keyspace
    );
    Ok(link.run("find lock", &cql).await?.len() > 0)
}

/// Runs a statement of the schema, and waits until all nodes know. Two processes that make the same thing at once may get
/// in each other's way: the statement is repeated then. Before each try, `before_each`.
async fn change<F>(link: &Link, cql: &str, before_each: impl Fn() -> F) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut tries = 0;
    loop {
        before_each().await?;
        let done = match link.run_at_first_node("schema", cql).await {
            Ok(_) => link.agree().await,
            Err(error) => Err(error),
        };
        match done {
            Err(error) if tries < 5 && error.kind != StoreErrorKind::Invalid => {
                tries += 1;
                tracing::debug!(error = %error, tries, "a change of the schema is repeated");
                tokio::time::sleep(link.jitter.spread(PAUSE * tries)).await;
            }
            other => return other,
        }
    }
}

async fn lock(link: &Link, options: &ScyllaOptions, holder: &str) -> Result<(), StoreError> {
    let holder = quoted(holder);
    let cql = options.named(&format!(
        "INSERT INTO {{lwt}}.schema_lock (scope, holder) VALUES ('mesej', {holder}) IF NOT EXISTS USING TTL {LOCKED_S}"
    ));
    for tries in 0..TRIES {
        match link.run("schema lock", &cql).await {
            Ok(answer) if answer.applied() => return Ok(()),
            // An earlier try that seemed lost may have been carried out.
            Ok(answer) if answer.text(0, "holder").map(quoted).as_deref() == Some(holder.as_str()) => {
                return Ok(());
            }
            Ok(answer) if tries == 0 => {
                tracing::info!(
                    holder = answer.text(0, "holder"),
                    "another process changes the schema: waiting"
                );
            }
            Ok(_) => {}
            Err(error) if error.kind == StoreErrorKind::Unknown => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(link.jitter.spread(PAUSE)).await;
    }
    Err(StoreError::new(
        StoreErrorKind::Unavailable,
        "another process holds the lock of the schema",
    ))
}

async fn unlock(link: &Link, options: &ScyllaOptions, holder: &str) -> Result<(), StoreError> {
    let cql = options.named(&format!(
        "DELETE FROM {{lwt}}.schema_lock WHERE scope = 'mesej' IF holder = {}",
        quoted(holder)
    ));
    link.run("schema unlock", &cql).await.map(|_| ())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What is done while the lock is held.
struct Work<'a> {
    link: &'a Link,
    options: &'a ScyllaOptions,
    holder: &'a str,
}

impl Work<'_> {
    async fn apply_missing(&self, server: Server) -> Result<Vec<Migration>, StoreError> {
        let there = versions(self.link, self.options).await?;
        let mut applied = Vec::new();
        for migration in migrations() {
            if let Some(row) = there.iter().find(|row| row.version == migration.version) {
                if row.checksum != migration.checksum() {
                    return Err(StoreError::new(
                        StoreErrorKind::Invalid,
                        format!(
                            "migration {} was applied by a mesej that had another file of that number",
                            migration.version
                        ),
                    ));
                }
                continue;
            }
            for statement in migration.statements(server) {
                self.change(&statement).await?;
            }
            self.change(&format!(
                "INSERT INTO {{lwt}}.schema_version (scope, version, name, checksum) VALUES ('mesej', {}, {}, {}) IF NOT EXISTS",
                migration.version,
                quoted(migration.name),
                quoted(&migration.checksum())
            ))
            .await?;
            applied.push(*migration);
        }
        Ok(applied)
    }

    async fn change(&self, cql: &str) -> Result<(), StoreError> {
        change(self.link, &self.options.named(cql), || self.renew()).await
    }

    /// Holds the lock for another while. An error when somebody else has it.
    async fn renew(&self) -> Result<(), StoreError> {
        let holder = quoted(self.holder);
        let cql = self.options.named(&format!(
            "UPDATE {{lwt}}.schema_lock USING TTL {LOCKED_S} SET holder = {holder} WHERE scope = 'mesej' IF holder = {holder}"
        ));
        let mut tries = 0;
        loop {
            match self.link.run("schema lock", &cql).await {
                Ok(answer) if answer.applied() => return Ok(()),
                Ok(_) => {
                    return Err(StoreError::new(
                        StoreErrorKind::Unavailable,
                        "the lock of the schema was lost, perhaps to another process: run it again",
                    ));
                }
                // It is either renewed or not, and can be so again.
                Err(error) if tries < RENEWALS && error.kind != StoreErrorKind::Invalid => {
                    tries += 1;
                    tokio::time::sleep(self.link.jitter.spread(PAUSE * tries)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
