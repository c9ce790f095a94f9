//! What every handler shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{HttpRequest, web};
use metrics_exporter_prometheus::PrometheusHandle;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::auth::{KeyRing, OPEN_CALLS, OPERATOR_LOOKUPS, WrongTokens};
use super::demo::DemoSession;
use super::error::{ApiError, ErrorCode};
use super::gcra::SharedPace;
use super::origin::AllowedOrigins;
use super::quotas::QuotaCache;
use super::templates::TemplateGate;
use super::webhook::WebhookDoor;
use super::webhook::payments::PaymentsDoor;
use super::ws::{SocketOptions, SocketParts, Sockets};
use crate::accounts::Accounts;
use crate::accounts::audit::AuditLog;
use crate::accounts::single_sign_on::SingleSignOn;
use crate::accounts::subscriptions::SubscriptionBook;
use crate::actors::{IntakePort, TenantPort};
use crate::broadcast::Broadcasts;
use crate::bulk::imports::Imports;
use crate::config::Config;
use crate::domain::{Clock, TenantId};
use crate::mail::Mailer;
use crate::media::Media;
use crate::privacy::Erasures;
use crate::shutdown::Shutdown;
use crate::store::{Store, Tenant};
use crate::templates::TemplateBook;
use crate::tenant_places::TenantPlaces;
use crate::whatsapp::Graph;

/// Counts of one tenant at once.
const COUNTS_OF_ONE: usize = 2;
/// Calls that take long, of all tenants; each has one. The same for exports and counts.
const SLOW_CALLS: usize = 16;
/// Uploads at once; each holds up to 8 MiB.
const UPLOADS: usize = 16;
/// The same of one tenant.
const UPLOADS_OF_ONE: usize = 4;
/// Requests at once that bring many messages; each holds up to 2 MiB.
const BULK_SENDS: usize = 16;
/// The same of one tenant.
const BULK_SENDS_OF_ONE: usize = 4;
/// Locks of tenants' rows.
const ROW_LOCKS: usize = 64;

/// What the API is built on.
#[derive(Clone)]
pub struct Foundation {
    /// The core.
    pub tenants: Arc<dyn TenantPort>,
    /// Where webhooks go.
    pub intake: Arc<dyn IntakePort>,
    /// Where rows are read.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub config: Arc<Config>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// Says when the process ends.
    pub shutdown: Shutdown,
    /// The Graph API, for looking at numbers.
    pub graph: Arc<dyn Graph>,
    /// Message templates.
    pub templates: Arc<TemplateBook>,
    /// Files of customers and of the business.
    pub media: Arc<Media>,
    /// Takes mails to people.
    pub mailer: Mailer,
    /// What the demonstration hands out; `None` outside of demo mode.
    pub demo: Option<DemoSession>,
    /// Where request ids begin, so that two runs have different ones.
    pub seed: u64,
}

/// Has something done to its end, although the client goes away meanwhile.
pub(super) async fn to_its_end<T: 'static>(
    work: impl Future<Output = Result<T, ApiError>> + 'static,
) -> Result<T, ApiError> {
    let done = actix_web::rt::spawn(work.in_current_span()).await;
    done.map_err(ApiError::internal)?
}

/// What every handler shares, in all HTTP workers.
pub struct ApiState {
    /// The core.
    pub tenants: Arc<dyn TenantPort>,
    /// Where webhooks go.
    pub intake: Arc<dyn IntakePort>,
    /// Where rows are read.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub config: Arc<Config>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// Says when the process ends.
    pub shutdown: Shutdown,
    /// The Graph API, for looking at numbers.
    pub graph: Arc<dyn Graph>,
    /// Message templates.
    pub templates: Arc<TemplateBook>,
    /// What refuses messages with templates.
    pub(super) template_gate: Arc<TemplateGate>,
    /// Files of customers and of the business.
    pub media: Arc<Media>,
    /// What the demonstration hands out; `None` outside of demo mode.
    pub demo: Option<DemoSession>,
    /// People who sign in.
    pub accounts: Arc<Accounts>,
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// People who sign in by a tenant's own identity provider.
    pub single_sign_on: SingleSignOn,
    /// Pages of the gateway's own.
    pub(super) own_origins: AllowedOrigins,
    /// Who is let in.
    pub keys: Arc<KeyRing>,
    /// What each tenant may have.
    pub(crate) quotas: Arc<QuotaCache>,
    /// Held by who reads a tenant's row in order to replace it: one for many tenants, so that one whose core hangs delays few others.
    tenant_rows: [tokio::sync::Mutex<()>; ROW_LOCKS],
    /// Calls of businesses that take long.
    pub(super) slow_calls: Arc<TenantPlaces>,
    /// Counts of contacts. They are asked for while somebody writes a filter, and keep nothing else waiting.
    pub(super) counts: Arc<TenantPlaces>,
    /// Exports of contacts that are under way.
    pub(super) exports: Arc<TenantPlaces>,
    /// Imports of contacts.
    pub imports: Arc<Imports>,
    /// Erasures of customers.
    pub erasures: Arc<Erasures>,
    /// Broadcasts.
    pub broadcasts: Arc<Broadcasts>,
    /// Files that are being uploaded.
    pub(super) uploads: Arc<TenantPlaces>,
    /// Requests that bring many messages.
    pub(super) bulk_sends: Arc<TenantPlaces>,
    /// Calls of people who are not signed in yet.
    pub(super) open_calls: Arc<Semaphore>,
    /// Look-ups of operators' tokens.
    pub(super) operator_lookups: Semaphore,
    /// Who showed wrong operator's tokens.
    pub(super) wrong_tokens: WrongTokens,
    /// The pace of requests that clients send before the answer to the one before was there.
    pub(super) sent_ahead: SharedPace,
    /// Meta's door.
    pub webhooks: WebhookDoor,
    /// The payment provider's.
    pub(super) payments: PaymentsDoor,
    /// What businesses pay for.
    pub subscriptions: Arc<SubscriptionBook>,
    /// Agents' sockets.
    pub sockets: Sockets,
    /// Secrets come from here.
    pub random: SystemRandom,
    next_request: AtomicU64,
}

impl ApiState {
    /// Puts the API onto its foundation. Must be called within an actix system.
    pub fn new(foundation: Foundation) -> Arc<Self> {
        let Foundation {
            tenants,
            intake,
            store,
            clock,
            config,
            metrics,
            shutdown,
            graph,
            templates,
            media,
            mailer,
            demo,
            seed,
        } = foundation;
        let accounts = Arc::new(Accounts::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.accounts.clone(),
            mailer,
        ));
        let audit = AuditLog::new(Arc::clone(&store), Arc::clone(&clock), config.audit.keep(), seed);
        let audit = Arc::new(audit);
        let subscriptions = Arc::new(SubscriptionBook::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&audit),
            (config.payments.clone(), config.plans.clone()),
        ));
        let quotas = Arc::new(QuotaCache::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.quotas(),
            Arc::clone(&subscriptions),
        ));
        let keys = Arc::new(KeyRing::new(
            Arc::clone(&store),
            Arc::clone(&accounts),
            Arc::clone(&quotas),
            Arc::clone(&clock),
            &config.limits,
        ));
        let template_gate = Arc::new(TemplateGate::new(
            Arc::clone(&templates),
            tenants.clone(),
            Arc::clone(&store),
            Arc::clone(&clock),
        ));
        let sockets = Sockets::start(SocketParts {
            templates: Arc::clone(&template_gate),
            commands: tenants.clone(),
            presence: tenants.clone(),
            store: Arc::clone(&store),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            options: SocketOptions::of(&config),
            seed,
        });
        let imports = Imports::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&tenants),
            (&config.imports, &config.store),
        );
        let imports = Arc::new(imports);
        let erasures = Erasures::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&tenants),
            Arc::clone(&media),
        );
        let broadcasts = Broadcasts::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            (Arc::clone(&tenants), Arc::clone(&templates)),
            Arc::clone(&audit),
            &config,
            seed,
        );
        let single_sign_on = SingleSignOn::new(Arc::clone(&accounts), Arc::clone(&clock), &config.accounts);
        Arc::new(Self {
            single_sign_on,
            accounts,
            audit,
            own_origins: AllowedOrigins::new(&[], config.server.public_url.as_ref()),
            keys,
            quotas,
            sockets,
            sent_ahead: SharedPace::default(),
            tenant_rows: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            slow_calls: TenantPlaces::new(1, SLOW_CALLS),
            counts: TenantPlaces::new(COUNTS_OF_ONE, SLOW_CALLS),
            exports: TenantPlaces::new(1, SLOW_CALLS),
            imports,
            erasures: Arc::new(erasures),
            broadcasts: Arc::new(broadcasts),
            uploads: TenantPlaces::new(UPLOADS_OF_ONE, UPLOADS),
            bulk_sends: TenantPlaces::new(BULK_SENDS_OF_ONE, BULK_SENDS),
            open_calls: Arc::new(Semaphore::new(OPEN_CALLS)),
            operator_lookups: Semaphore::new(OPERATOR_LOOKUPS),
            wrong_tokens: WrongTokens::new(),
            webhooks: WebhookDoor::new(&config),
            payments: PaymentsDoor::new(&config),
            subscriptions,
            random: SystemRandom::new(),
            next_request: AtomicU64::new(seed),
            tenants,
            intake,
            store,
            clock,
            config,
            metrics,
            shutdown,
            graph,
            template_gate,
            templates,
            media,
            demo,
        })
    }

    /// Bytes that nobody foresees, for ids.
    pub(super) fn fresh<const N: usize>(&self) -> Result<[u8; N], ApiError> {
        let mut fresh = [0_u8; N];
        let filled = self.random.fill(&mut fresh);
        filled.map_err(|_unspecified| ApiError::internal("no randomness to make an id from"))?;
        Ok(fresh)
    }

    /// The state that the server was started with.
    pub fn of(request: &HttpRequest) -> Result<web::Data<Self>, ApiError> {
        let state = request.app_data::<web::Data<Self>>().cloned();
        state
            .ok_or_else(|| ApiError::because(ErrorCode::Internal, "the server was started without its state"))
    }

    /// A tenant's row.
    pub(super) async fn tenant(&self, id: TenantId) -> Result<Tenant, ApiError> {
        let found = self.store.tenant(id).await?;
        found.ok_or_else(|| {
            ApiError::absent(format!(
                "no tenant has the id {id}: `mesej tenant list` shows all"
            ))
        })
    }

    /// Waits until nobody else of this process changes a tenant's row.
    pub(super) async fn row_lock(&self, id: TenantId) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let locks = self.tenant_rows.len();
        let place = usize::try_from(id.get()).unwrap_or(0) % locks;
        let lock = self.tenant_rows.get(place)?;
        Some(lock.lock().await)
    }

    /// An id for a request that no other of this run has.
    pub fn request_id(&self) -> String {
        format!("{:016x}", self.next_request.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[actix_web::test]
    async fn what_has_begun_is_done_although_nobody_waits_for_it() {
        let ((goes_on, may_go_on), (done, is_done)) = (oneshot::channel::<()>(), oneshot::channel());
        let work = to_its_end(async move {
            may_go_on.await.map_err(ApiError::internal)?;
            done.send(()).map_err(|()| ApiError::internal("nobody listens"))
        });
        assert!(work.now_or_never().is_none(), "the client hung up");
        goes_on.send(()).unwrap();
        is_done.await.unwrap();
    }
}
