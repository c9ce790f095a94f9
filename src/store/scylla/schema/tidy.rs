//! For tests: keyspaces that are used again, and removed.

use super::apply::read_status;
use crate::store::error::StoreError;
use crate::store::scylla::link::Link;
use crate::store::scylla::options::ScyllaOptions;

/// How often a table is emptied before that is a failure.
const TRIES: u32 = 5;

/// Empties all tables of a keyspace.
pub(in crate::store) async fn empty(options: &ScyllaOptions) -> Result<(), StoreError> {
    let link = Link::open(options).await?;
    read_status(&link, options).await?.check()?;
    for keyspace in [options.keyspace.clone(), format!("{}_lwt", options.keyspace)] {
        let cql = format!("SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}'");
        let tables = link.run("tables", &cql).await?;
        for row in 0..tables.len() {
            let table = tables.text(row, "table_name").unwrap_or_default();
            if !table.starts_with("schema_") {
                let cql = format!("TRUNCATE {keyspace}.{table}");
                // A server that is busy with other tests may take too long over it.
                let mut tries = 0;
                while let Err(error) = link.run("empty", &cql).await {
                    tries += 1;
                    if tries >= TRIES {
                        return Err(error);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Removes both keyspaces.
pub(in crate::store) async fn remove(options: &ScyllaOptions) -> Result<(), StoreError> {
    let link = Link::open(options).await?;
    for keyspace in ["{data}", "{lwt}"] {
        let cql = options.named(&format!("DROP KEYSPACE IF EXISTS {keyspace}"));
        link.run("remove", &cql).await?;
    }
    link.agree().await
}
