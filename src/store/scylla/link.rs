//! The one session with the cluster, and how statements of each kind are asked: deadline, consistency, repetition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::cluster::ClusterState;
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::ExecutionError;
use scylla::policies::load_balancing::{DefaultPolicy, NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::response::query_result::QueryResult;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency, Statement};
use secrecy::ExposeSecret as _;

use super::answer::Answer;
use super::datacenter;
use super::failure::{self, Effect};
use super::jitter::Jitter;
use super::options::ScyllaOptions;
use super::partitions::BoundStatement;
use super::profile::{Profiles, Purpose, SECOND_CONDITIONAL};
use super::request_batches::Replicas;
use super::slow_log::SlowLog;
use super::tls_proxy::{ContactPoints, TlsProxy, host_and_port};
use crate::store::error::StoreError;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a session may take to come about: nine nodes that do not answer, one after another. On a connection that breaks
/// while it is asked something, the driver may wait for ever.
const OPEN: Duration = Duration::from_secs(45);
/// How often an idle connection is tried, and how long it may take to answer before it is given up: what a node that
/// hangs was asked is asked of another one then, and nothing more is asked of it.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(6));
/// A statement that the cluster knows.
#[derive(Debug)]
pub(super) struct Prepared {
    name: &'static str,
    purpose: Purpose,
    statement: PreparedStatement,
}

impl Prepared {
    /// The nodes that have the partition that values name; `None` where that cannot be told.
    pub(super) fn replicas(&self, values: &impl SerializeRow, cluster: &ClusterState) -> Option<Replicas> {
        let token = self.statement.calculate_token(values).ok().flatten()?;
        let table = self.statement.get_table_spec()?;
        let endpoints = cluster.get_token_endpoints(table.ks_name(), table.table_name(), token);
        let mut replicas: Replicas = endpoints
            .iter()
            .map(|(node, shard)| (node.host_id.as_u128(), *shard))
            .collect();
        replicas.sort_unstable();
        (!replicas.is_empty()).then_some(replicas)
    }
}

/// The session, and how its statements are asked.
pub(super) struct Link {
    session: Session,
    profiles: Profiles,
    slow_log: SlowLog,
    pub(super) jitter: Jitter,
    /// The datacentre that is asked.
    pub(super) datacenter: String,
    /// With TLS: what leads to the first nodes.
    _listeners: Option<ContactPoints>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Connects.
    pub(super) async fn open(options: &ScyllaOptions) -> Result<Self, StoreError> {
        // No stamps of this machine's clock, which somebody may set: a statement names its own, or the server stamps it.
        let mut builder = SessionBuilder::new()
            .connection_timeout(CONNECT)
            .keepalive_interval(KEEP_ALIVE.0)
            .keepalive_timeout(KEEP_ALIVE.1)
            // Where rows stand follows from the keyspaces; what is in them we know ourselves.
            .keyspaces_to_fetch([options.named("{data}"), options.named("{lwt}")])
            .fetch_schema_metadata(true)
            .fetch_full_schema_metadata(false);
        let mut listeners = None;
        builder = match (&options.tls, options.contact_points.first()) {
            (Some(tls), Some(first)) => {
                let (_, port) = host_and_port(first)?;
                let proxy = Arc::new(TlsProxy::new(tls, port)?);
                let first = proxy.contact_points_through(&options.contact_points).await?;
                let known = first.addresses();
                listeners = Some(first);
                // A listener leads to a node, not to one of its shards.
                builder
                    .known_nodes(known)
                    .address_translator(proxy)
                    .disallow_shard_aware_port(true)
            }
            _ => builder.known_nodes(&options.contact_points),
        };
        if let Some(login) = &options.login {
            builder = builder.user(&login.user, login.password.expose_secret());
        }
        let session = tokio::time::timeout(OPEN, builder.build())
            .await
            .map_err(|_elapsed| failure::of_silence())?
            .map_err(|error| failure::of_connecting(&error))?;
        let nodes = session.get_cluster_state();
        let seen = nodes
            .get_nodes_info()
            .iter()
            .filter_map(|node| node.datacenter.clone());
        let datacenter = datacenter::choose(options.datacenter.as_deref(), seen.collect())?;
        let balancing = DefaultPolicy::builder()
            .token_aware(true)
            .permit_dc_failover(false)
            .prefer_datacenter(datacenter.clone())
            .build();
        Ok(Self {
            session,
            profiles: Profiles::new(options.deadlines, &balancing),
            slow_log: SlowLog::default(),
            jitter: Jitter::new(options.seed),
            datacenter,
            _listeners: listeners,
        })
    }

    /// Which nodes there are, and what stands where.
    pub(super) fn cluster(&self) -> Arc<ClusterState> {
        self.session.get_cluster_state()
    }

    /// Makes a statement known to the cluster.
    pub(super) async fn prepare(
        &self,
        name: &'static str,
        purpose: Purpose,
        cql: String,
    ) -> Result<Prepared, StoreError> {
        let (profile, page) = self.profiles.of(purpose);
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

    /// Waits for an answer, and learns from how long that took.
    async fn watched<T, E>(
        &self,
        name: &str,
        purpose: Purpose,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let answer = self.slow_log.watch(name, answer).await;
        self.profiles.took(purpose, began.elapsed());
        answer
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
            let room = limit - found.len();
            let asked = self.session.execute_single_page(&statement, &values, at);
            let (rows, next) = self.page_of(prepared, asked).await?;
            found.extend(rows.into_iter().take(room));
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(found)
    }

    /// Reads one page of rows from a place on, and where the next one begins.
    pub(super) async fn page<R>(
        &self,
        prepared: &Prepared,
        values: impl SerializeRow,
        at: PagingState,
    ) -> Result<(Vec<R>, Option<PagingState>), StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        let asked = self.session.execute_single_page(&prepared.statement, values, at);
        self.page_of(prepared, asked).await
    }

    async fn page_of<R>(
        &self,
        prepared: &Prepared,
        asked: impl Future<Output = Result<(QueryResult, PagingStateResponse), ExecutionError>>,
    ) -> Result<(Vec<R>, Option<PagingState>), StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        let name = prepared.name;
        let (answer, next) = self
            .watched(name, prepared.purpose, asked)
            .await
            .map_err(|error| failure::of_request(name, Effect::Reads, &error))?;
        let answer = answer
            .into_rows_result()
            .map_err(|error| failure::of_answer(name, error))?;
        let rows = answer
            .rows::<R>()
            .map_err(|error| failure::of_answer(name, error))?;
        let rows: Result<Vec<R>, _> = rows.collect();
        let rows = rows.map_err(|error| failure::of_answer(name, error))?;
        Ok((rows, next.into_paging_control_flow().continue_value()))
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
        let (answer, _) = self
            .watched(name, prepared.purpose, asked)
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
        self.watched(prepared.name, prepared.purpose, asked)
            .await
            .map(|_| ())
            .map_err(|error| failure::of_request(prepared.name, Effect::Writes, &error))
    }

    /// Writes rows of one partition, or of some that stand on the same nodes.
    pub(super) async fn write_together(&self, lines: &[BoundStatement<'_>]) -> Result<(), StoreError> {
        let [first, others @ ..] = lines else {
            return Ok(());
        };
        if others.is_empty() {
            return self.write(first.statement, &first.values).await;
        }
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_execution_profile_handle(Some(self.profiles.write.clone()));
        batch.set_is_idempotent(true);
        for line in lines {
            debug_assert_eq!(line.statement.purpose, Purpose::Write);
            batch.append_statement(line.statement.statement.clone());
        }
        let values: Vec<_> = lines.iter().map(|line| &line.values).collect();
        let name = first.statement.name;
        self.watched(name, Purpose::Write, self.session.batch(&batch, values))
            .await
            .map(|_| ())
            .map_err(|error| failure::of_request(name, Effect::Writes, &error))
    }

    /// Writes if the statement's condition holds; whether it did.
    pub(super) async fn write_if(
        &self,
        prepared: &Prepared,
        values: impl SerializeRow,
    ) -> Result<bool, StoreError> {
        debug_assert!(matches!(
            prepared.purpose,
            Purpose::Conditional | Purpose::ConditionalOnce
        ));
        let name = prepared.name;
        let began = Instant::now();
        let of_two = || prepared.purpose == Purpose::ConditionalOnce && began.elapsed() >= SECOND_CONDITIONAL;
        let asked = self.session.execute_unpaged(&prepared.statement, values);
        let answer = self
            .watched(name, prepared.purpose, asked)
            .await
            .map_err(|error| {
                let told = failure::of_request(name, Effect::Writes, &error);
                // The driver tells what the last one said; the one that was asked first may have carried it out.
                if told.is_retryable() && of_two() {
                    told.into_unknown()
                } else {
                    told
                }
            })?;
        let answer = answer
            .into_rows_result()
            .map_err(|error| failure::of_answer(name, error))?;
        // The other columns differ between servers, so this one is looked for by its name.
        let column = answer.column_specs().get_by_name("[applied]").map(|(at, _)| at);
        let row: scylla::value::Row = answer
            .first_row()
            .map_err(|error| failure::of_answer(name, error))?;
        let applied = column
            .and_then(|at| row.columns.get(at)?.as_ref()?.as_boolean())
            .ok_or_else(|| failure::of_answer(name, "no [applied] in the answer to a conditional write"))?;
        // Asked of two nodes, the one says "no" because the other carried it out.
        if !applied && of_two() {
            return Err(failure::of_two(name));
        }
        Ok(applied)
    }

    /// Runs a statement that is not worth preparing: of the migrations' own tables.
    pub(super) async fn run(&self, name: &str, cql: &str) -> Result<Answer, StoreError> {
        self.run_statement(name, Statement::new(cql)).await
    }

    /// Runs a statement of the schema. Everybody asks the same node, which does one after the other: two nodes that are asked
    /// for the same table at once may make two of it.
    pub(super) async fn run_at_first_node(&self, name: &str, cql: &str) -> Result<Answer, StoreError> {
        let cluster = self.session.get_cluster_state();
        let there = cluster.get_nodes_info().iter().filter(|node| node.is_connected());
        let first = there.min_by_key(|node| node.host_id).map(Arc::clone);
        let mut statement = Statement::new(cql);
        statement.set_load_balancing_policy(
            first.map(|node| SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(node), None)),
        );
        self.run_statement(name, statement).await
    }

    async fn run_statement(&self, name: &str, mut statement: Statement) -> Result<Answer, StoreError> {
        statement.set_execution_profile_handle(Some(self.profiles.scan.clone()));
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
