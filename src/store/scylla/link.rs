//! The one session with the cluster, and how statements of each kind are asked: deadline, consistency, repetition.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::DeserializeRow;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::retry::{DefaultRetryPolicy, FallthroughRetryPolicy, RetryPolicy};
use scylla::policies::speculative_execution::{SimpleSpeculativeExecutionPolicy, SpeculativeExecutionPolicy};
use scylla::policies::timestamp_generator::MonotonicTimestampGenerator;
use scylla::response::PagingState;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency, Statement};
use secrecy::ExposeSecret as _;

use super::answer::Answer;
use super::failure::{self, Effect};
use super::options::ScyllaOptions;
use super::tunnel::{FirstDoors, Tunnel, host_and_port};
use crate::store::error::StoreError;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// A read that was not answered by now is asked of another node, too.
const SECOND_OPINION: Duration = Duration::from_millis(20);
/// Rows asked for at once.
const PAGE: i32 = 500;
/// Rows asked for at once where some are large.
const MIDDLE_PAGE: i32 = 100;
/// Rows asked for at once where each may be of several mebibytes.
const SMALL_PAGE: i32 = 20;

/// A request that takes longer is told of in the log.
const SLOW: Duration = Duration::from_secs(1);

/// Waits for an answer, and tells of it when that took long.
async fn watched<T, E>(name: &str, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let began = Instant::now();
    let answer = answer.await;
    let took = began.elapsed();
    if took > SLOW {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            statement = name,
            ms,
            failed = answer.is_err(),
            "the cluster was slow to answer"
        );
    }
    answer
}

/// What a statement is for, which decides how it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads what somebody waits for.
    Read,
    /// Reads what conditional writes wrote, finishing those that are under way.
    SerialRead,
    /// Reads many rows.
    Scan,
    /// Reads rows of which some are large.
    ScanBodies,
    /// Reads rows that may each be of several mebibytes.
    ScanLarge,
    /// Writes whatever stands there; may be repeated.
    Write,
    /// Writes on a condition; never repeated by the driver.
    Conditional,
}

/// A statement that the cluster knows.
#[derive(Debug)]
pub(super) struct Prepared {
    name: &'static str,
    purpose: Purpose,
    statement: PreparedStatement,
}

/// The session, and how its statements are asked.
pub(super) struct Link {
    session: Session,
    interactive: ExecutionProfileHandle,
    write: ExecutionProfileHandle,
    conditional: ExecutionProfileHandle,
    scan: ExecutionProfileHandle,
    /// With TLS: what leads to the first nodes.
    _doors: Option<FirstDoors>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Connects.
    pub(super) async fn open(options: &ScyllaOptions) -> Result<Self, StoreError> {
        let mut balancing = DefaultPolicy::builder()
            .token_aware(true)
            .permit_dc_failover(false);
        if let Some(datacenter) = &options.datacenter {
            balancing = balancing.prefer_datacenter(datacenter.clone());
        }
        let balancing = balancing.build();
        let profile = |timeout: Duration,
                       retry: Arc<dyn RetryPolicy>,
                       twice: Option<Arc<dyn SpeculativeExecutionPolicy>>| {
            ExecutionProfile::builder()
                .request_timeout(Some(timeout))
                .consistency(Consistency::LocalQuorum)
                .serial_consistency(Some(SerialConsistency::LocalSerial))
                .load_balancing_policy(Arc::clone(&balancing))
                .retry_policy(retry)
                .speculative_execution_policy(twice)
                .build()
                .into_handle()
        };
        let twice: Arc<dyn SpeculativeExecutionPolicy> = Arc::new(SimpleSpeculativeExecutionPolicy {
            max_retry_count: 1,
            retry_interval: SECOND_OPINION,
        });
        let usual = || -> Arc<dyn RetryPolicy> { Arc::new(DefaultRetryPolicy::new()) };
        let deadlines = options.deadlines;
        let interactive = profile(deadlines.interactive, usual(), Some(twice));
        let write = profile(deadlines.write, usual(), None);
        let conditional = profile(
            deadlines.conditional,
            Arc::new(FallthroughRetryPolicy::new()),
            None,
        );
        let scan = profile(deadlines.scan, usual(), None);
        let mut builder = SessionBuilder::new()
            .connection_timeout(CONNECT)
            .default_execution_profile_handle(scan.clone())
            .timestamp_generator(Arc::new(MonotonicTimestampGenerator::new()))
            // Where rows stand follows from the keyspaces; what is in them we know ourselves.
            .keyspaces_to_fetch([options.named("{data}"), options.named("{lwt}")])
            .fetch_schema_metadata(true)
            .fetch_full_schema_metadata(false);
        let mut doors = None;
        builder = match (&options.tls, options.contact_points.first()) {
            (Some(tls), Some(first)) => {
                let (_, port) = host_and_port(first)?;
                let tunnel = Arc::new(Tunnel::new(tls, port)?);
                let first = tunnel.first_doors(&options.contact_points).await?;
                let known = first.addresses();
                doors = Some(first);
                // A door leads to a node, not to one of its shards.
                builder
                    .known_nodes(known)
                    .address_translator(tunnel)
                    .disallow_shard_aware_port(true)
            }
            _ => builder.known_nodes(&options.contact_points),
        };
        if let Some(login) = &options.login {
            builder = builder.user(&login.user, login.password.expose_secret());
        }
        let session = builder
            .build()
            .await
            .map_err(|error| failure::of_connecting(&error))?;
        Ok(Self {
            session,
            interactive,
            write,
            conditional,
            scan,
            _doors: doors,
        })
    }

    /// Makes a statement known to the cluster.
    pub(super) async fn prepare(
        &self,
        name: &'static str,
        purpose: Purpose,
        cql: String,
    ) -> Result<Prepared, StoreError> {
        let (profile, page) = match purpose {
            Purpose::Read => (&self.interactive, PAGE),
            Purpose::SerialRead => (&self.conditional, PAGE),
            Purpose::Scan => (&self.scan, PAGE),
            Purpose::ScanBodies => (&self.scan, MIDDLE_PAGE),
            Purpose::ScanLarge => (&self.scan, SMALL_PAGE),
            Purpose::Write => (&self.write, PAGE),
            Purpose::Conditional => (&self.conditional, PAGE),
        };
        let mut statement = self
            .session
            .prepare(cql)
            .await
            .map_err(|error| failure::of_preparing(name, &error))?;
        statement.set_execution_profile_handle(Some(profile.clone()));
        statement.set_page_size(page);
        statement.set_is_idempotent(purpose != Purpose::Conditional);
        if purpose == Purpose::SerialRead {
            statement.set_consistency(Consistency::LocalSerial);
        }
        Ok(Prepared {
            name,
            purpose,
            statement,
        })
    }

    /// Reads rows, at most `limit`, page by page.
    pub(super) async fn rows<R>(
        &self,
        prepared: &Prepared,
        values: impl SerializeRow,
        limit: usize,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        let name = prepared.name;
        let mut found = Vec::new();
        let mut at = PagingState::start();
        // The server reads no further than to the end of a page.
        let mut statement = std::borrow::Cow::Borrowed(&prepared.statement);
        if let Ok(page) = i32::try_from(limit)
            && (1..statement.get_page_size()).contains(&page)
        {
            statement.to_mut().set_page_size(page);
        }
        while found.len() < limit {
            let asked = self.session.execute_single_page(&statement, &values, at);
            let (answer, next) = watched(name, asked)
                .await
                .map_err(|error| failure::of_request(name, Effect::Reads, &error))?;
            let answer = answer
                .into_rows_result()
                .map_err(|error| failure::of_answer(name, error))?;
            let rows = answer
                .rows::<R>()
                .map_err(|error| failure::of_answer(name, error))?;
            for row in rows.take(limit - found.len()) {
                found.push(row.map_err(|error| failure::of_answer(name, error))?);
            }
            match next.into_paging_control_flow() {
                std::ops::ControlFlow::Continue(next) => at = next,
                std::ops::ControlFlow::Break(()) => break,
            }
        }
        Ok(found)
    }

    /// Reads a row by its whole key.
    pub(super) async fn row<R>(
        &self,
        prepared: &Prepared,
        values: impl SerializeRow,
    ) -> Result<Option<R>, StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        let name = prepared.name;
        let asked = self
            .session
            .execute_single_page(&prepared.statement, &values, PagingState::start());
        let (answer, _) = watched(name, asked)
            .await
            .map_err(|error| failure::of_request(name, Effect::Reads, &error))?;
        let answer = answer
            .into_rows_result()
            .map_err(|error| failure::of_answer(name, error))?;
        answer
            .maybe_first_row::<R>()
            .map_err(|error| failure::of_answer(name, error))
    }

    /// Writes.
    pub(super) async fn write(
        &self,
        prepared: &Prepared,
        values: impl SerializeRow,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(prepared.purpose, Purpose::Write);
        let asked = self.session.execute_unpaged(&prepared.statement, values);
        watched(prepared.name, asked)
            .await
            .map(|_| ())
            .map_err(|error| failure::of_request(prepared.name, Effect::Writes, &error))
    }

    /// Writes if the statement's condition holds; whether it did.
    pub(super) async fn write_if(
        &self,
        prepared: &Prepared,
        values: impl SerializeRow,
    ) -> Result<bool, StoreError> {
        debug_assert_eq!(prepared.purpose, Purpose::Conditional);
        let name = prepared.name;
        let asked = self.session.execute_unpaged(&prepared.statement, values);
        let answer = watched(name, asked)
            .await
            .map_err(|error| failure::of_request(name, Effect::Writes, &error))?;
        let answer = answer
            .into_rows_result()
            .map_err(|error| failure::of_answer(name, error))?;
        // The other columns differ between servers, so this one is looked for by its name.
        let column = answer.column_specs().get_by_name("[applied]").map(|(at, _)| at);
        let row: scylla::value::Row = answer
            .first_row()
            .map_err(|error| failure::of_answer(name, error))?;
        column
            .and_then(|at| row.columns.get(at)?.as_ref()?.as_boolean())
            .ok_or_else(|| failure::of_answer(name, "no [applied] in the answer to a conditional write"))
    }

    /// Runs a statement that is not worth preparing: of the schema, and of the migrations' own tables.
    pub(super) async fn run(&self, name: &str, cql: &str) -> Result<Answer, StoreError> {
        let mut statement = Statement::new(cql);
        statement.set_execution_profile_handle(Some(self.scan.clone()));
        statement.set_serial_consistency(Some(SerialConsistency::LocalSerial));
        let answer = self
            .session
            .query_unpaged(statement, ())
            .await
            .map_err(|error| match &error {
                // The words of the server about a statement of ours tell no customer's data.
                scylla::errors::ExecutionError::LastAttemptError(attempt) => {
                    let kind = failure::of_request(name, Effect::Writes, &error).kind;
                    StoreError::new(kind, format!("{name}: {attempt}"))
                }
                _ => failure::of_request(name, Effect::Writes, &error),
            })?;
        if !answer.is_rows() {
            return Ok(Answer::default());
        }
        let answer = answer
            .into_rows_result()
            .map_err(|error| failure::of_answer(name, error))?;
        let columns = answer
            .column_specs()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let rows = answer
            .rows::<scylla::value::Row>()
            .map_err(|error| failure::of_answer(name, error))?;
        let rows: Result<Vec<_>, _> = rows.collect();
        Ok(Answer {
            columns,
            rows: rows.map_err(|error| failure::of_answer(name, error))?,
        })
    }

    /// Waits until all nodes that can be reached know the same schema.
    pub(super) async fn agree(&self) -> Result<(), StoreError> {
        self.session
            .await_schema_agreement()
            .await
            .map(|_| ())
            .map_err(|error| {
                StoreError::new(
                    crate::store::StoreErrorKind::Unavailable,
                    format!("the nodes do not agree on the schema: {error}"),
                )
            })
    }
}
