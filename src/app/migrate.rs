//! Looking after the schema of a cluster, apart from serving.

use super::AppError;
use crate::config::{Backend, Config};
use crate::store::scylla::{Login, ScyllaOptions, Tls, schema};

/// The cluster that the settings name.
pub(super) fn cluster(config: &Config) -> ScyllaOptions {
    let store = &config.store;
    let own = ScyllaOptions::new(store.contact_points.clone(), store.keyspace.clone());
    ScyllaOptions {
        replication_factor: store.replication_factor,
        datacenter: Some(store.datacenter.clone()).filter(|name| !name.is_empty()),
        login: store.password.clone().map(|password| Login {
            user: store.user.clone(),
            password,
        }),
        tls: (!store.tls_ca.as_os_str().is_empty()).then(|| Tls {
            authorities: store.tls_ca.clone(),
            server_name: Some(store.tls_server_name.clone()).filter(|name| !name.is_empty()),
        }),
        in_flight: store.in_flight,
        seed: super::core::seed(),
        ..own
    }
}

fn only_cluster(config: &Config) -> Result<ScyllaOptions, AppError> {
    match config.store.backend {
        Backend::Scylla => Ok(cluster(config)),
        Backend::Fjall | Backend::Memory => Err(AppError::NoCluster),
    }
}

/// Where a cluster's schema stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaReport {
    /// What the cluster is.
    pub server: String,
    /// The version that it has.
    pub applied: u32,
    /// The version that this program needs.
    pub known: u32,
    /// What is missing, in order; after `migrate`, what that applied.
    pub steps: Vec<SchemaStep>,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its number.
    pub version: u32,
    /// What it is about.
    pub name: String,
    /// What it does on this cluster.
    pub statements: Vec<String>,
}

fn report(status: &schema::Status, of: impl Fn(&schema::Migration) -> bool) -> SchemaReport {
    let steps = schema::migrations()
        .iter()
        .filter(|migration| of(migration))
        .map(|migration| SchemaStep {
            version: migration.version,
            name: migration.name.to_owned(),
            statements: migration.statements(status.server),
        });
    SchemaReport {
        server: status.server.to_string(),
        applied: status.applied,
        known: status.known,
        steps: steps.collect(),
    }
}

/// Looks where the schema stands and what is missing. Changes nothing.
pub async fn schema_status(config: &Config) -> Result<SchemaReport, AppError> {
    let status = schema::status(&only_cluster(config)?).await?;
    Ok(report(&status, |migration| migration.version > status.applied))
}

/// Brings the schema up to date. `holder` names this process to others that wait.
pub async fn migrate(config: &Config, holder: &str) -> Result<SchemaReport, AppError> {
    let options = only_cluster(config)?;
    // In containers all processes have the same number.
    let holder = format!("{holder}, run {:016x}", options.seed);
    let done = schema::migrate(&options, &holder).await?;
    Ok(report(&done.status, |migration| {
        done.migrations.contains(migration)
    }))
}
