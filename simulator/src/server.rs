//! The running simulator: its HTTP server and background tasks, and a handle to command it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

use super::bill::Bill;
use super::chatter::{self, ChatterConfig};
use super::config::SimulatorConfig;
use super::control::{CallNumber, MoveNumber, PushUpdate, Say, SendQuery, Stats, StormCall, WebhookTarget};
use super::customers::{CustomerSpec, CustomerView};
use super::elsewhere::{self, Echo, Import, Standby};
use super::faults::Faults;
use super::numbers::NumberFate;
use super::oracle::{EventsSeen, HistoryRead, OptOut, Report, Submission};
use super::sends::SendView;
use super::templates::{TemplateFate, TemplateSpec};
use super::webhooks::{self, WebhookStats};
use super::world::Shared;
use super::{SimulatorError, act, control, graph, oracle};
use crate::clock::{Clock, SystemClock};
use crate::ids::{PhoneNumberId, TenantId};

/// A control request may carry many reports of drivers.
const LARGEST_CONTROL_BODY: usize = 64 * 1024 * 1024;

/// A running simulator. Dropping it stops it without waiting; [`Simulator::stop`] waits.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    handle: ServerHandle,
}

/// Starts a simulator on the machine's clocks. Must be called inside a tokio runtime or an actix system.
pub async fn start(config: SimulatorConfig) -> Result<Simulator, SimulatorError> {
    start_with(config, Arc::new(SystemClock::new())).await
}

/// Starts a simulator on given clocks: limits, windows and delays follow them, timers still follow the runtime's.
pub async fn start_with(config: SimulatorConfig, clock: Arc<dyn Clock>) -> Result<Simulator, SimulatorError> {
    if let Some(name) = config.faults.impossible_share() {
        return Err(SimulatorError::Request {
            why: format!("faults.{name} must be between 0 and 1"),
        });
    }
    if config.numbers.is_empty() {
        return Err(SimulatorError::Request {
            why: "numbers must not be empty".to_owned(),
        });
    }
    act::check_callback(config.webhook_url.as_deref())?;
    let listen = config.listen;
    let workers = config.workers.max(1);
    let shared = Arc::new(Shared::new(config, clock));
    let data = web::Data::from(Arc::clone(&shared));
    let refused = |source| SimulatorError::Listen { listen, source };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(web::JsonConfig::default().limit(LARGEST_CONTROL_BODY))
            .service(web::scope("/_control").configure(control::routes))
            .service(web::scope("/_oracle").configure(oracle::routes))
            .default_service(web::to(graph::dispatch))
    })
    .workers(workers)
    .on_connect(graph::remember)
    .disable_signals()
    .shutdown_timeout(1)
    .bind(listen)
    .map_err(refused)?;
    let addr = server.addrs().first().copied().unwrap_or(listen);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    tokio::spawn(webhooks::run(Arc::clone(&shared)));
    tokio::spawn(chatter::run(Arc::clone(&shared)));
    Ok(Simulator { addr, shared, handle })
}

impl Simulator {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base address for a Cloud API client, without version and without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops the server and the background tasks, and waits for the server to end.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.handle.stop(false).await;
    }

    /// A customer says something. Returns the message's wamid.
    pub fn say(&self, say: &Say) -> Result<String, SimulatorError> {
        act::say(&self.shared, say)
    }

    /// A customer says a text to the first number. Returns the message's wamid.
    pub fn say_text(&self, from: &str, text: &str) -> Result<String, SimulatorError> {
        self.say(&Say {
            from: from.to_owned(),
            text: Some(text.to_owned()),
            ..Say::default()
        })
    }

    /// A customer calls a business number. That opens the service window.
    pub fn call(&self, call: &CallNumber) -> Result<(), SimulatorError> {
        act::call(&self.shared, call)
    }

    /// The business writes on its phone, or changes what it wrote there. Returns the message's wamid.
    pub fn echo(&self, echo: &Echo) -> Result<String, SimulatorError> {
        elsewhere::echo(&self.shared, echo)
    }

    /// Tells what was written before the number was connected. Returns the wamids.
    pub fn import(&self, import: &Import) -> Result<Vec<String>, SimulatorError> {
        elsewhere::import(&self.shared, import)
    }

    /// Something happens in a thread that another program has. Returns the message's wamid.
    pub fn stand_by(&self, standby: &Standby) -> Result<String, SimulatorError> {
        elsewhere::stand_by(&self.shared, standby)
    }

    /// Makes a customer, or changes one.
    pub fn customer(&self, spec: &CustomerSpec) -> Result<CustomerView, SimulatorError> {
        act::customer(&self.shared, spec)
    }

    /// Moves a customer to another phone number and tells the business.
    pub fn move_number(&self, change: &MoveNumber) -> Result<CustomerView, SimulatorError> {
        act::move_number(&self.shared, change)
    }

    /// Posts an update of any webhook field.
    pub fn push(&self, update: PushUpdate) -> Result<(), SimulatorError> {
        act::push(&self.shared, update)
    }

    /// The faults in force.
    pub fn faults(&self) -> Faults {
        self.shared.with(|world, _| world.faults)
    }

    /// Sets the faults.
    pub fn set_faults(&self, faults: &Faults) -> Result<(), SimulatorError> {
        act::set_faults(&self.shared, faults)
    }

    /// Calls up a storm from now on.
    pub fn storm(&self, call: StormCall) {
        act::storm(&self.shared, call);
    }

    /// Sets how customers write by themselves; a rate of 0 silences them.
    pub fn set_chatter(&self, config: ChatterConfig) -> Result<(), SimulatorError> {
        act::set_chatter(&self.shared, config)
    }

    /// Who writes by themselves, while they are set to.
    pub fn chatting(&self) -> Vec<CustomerView> {
        act::chatting(&self.shared)
    }

    /// Sets where webhooks go.
    pub async fn set_webhook(&self, target: &WebhookTarget) -> Result<(), SimulatorError> {
        act::set_webhook(&self.shared, target).await
    }

    /// Makes the callback prove itself, as Meta does when it is set.
    pub async fn verify_webhook(&self) -> Result<(), SimulatorError> {
        act::verify_webhook(&self.shared).await
    }

    /// Changes a template and tells it by webhook, as Meta does.
    pub fn change_template(&self, fate: &TemplateFate) -> Result<(), SimulatorError> {
        act::change_template(&self.shared, fate)
    }

    /// Changes how a number stands and tells it by webhook, as Meta does.
    pub fn change_number(&self, fate: &NumberFate) -> Result<(), SimulatorError> {
        act::change_number(&self.shared, fate)
    }

    /// Adds a template, or replaces the one of the same name and language. Returns its id.
    pub fn put_template(&self, spec: TemplateSpec) -> String {
        act::put_template(&self.shared, spec)
    }

    /// Where everything stands.
    pub fn stats(&self) -> Stats {
        act::stats(&self.shared)
    }

    /// What Meta would charge for what was delivered.
    pub fn bill(&self) -> Bill {
        act::bill(&self.shared)
    }

    /// Accepted sends, oldest first.
    pub fn sends(&self, query: &SendQuery) -> Vec<SendView> {
        act::sends(&self.shared, query)
    }

    /// Waits until nothing is left to post, or the time is up. Chatter must be silent.
    pub async fn quiesce(&self, timeout: Duration) -> WebhookStats {
        act::quiesce(&self.shared, timeout).await
    }

    /// Forgets everything but the configuration, the webhook's address and secrets.
    pub fn reset(&self) {
        act::reset(&self.shared);
    }

    /// Enters sends that the gateway acknowledged.
    pub fn report_submissions(&self, submissions: &[Submission]) {
        act::submissions(&self.shared, submissions);
    }

    /// Enters what agents' sockets showed.
    pub fn report_events(&self, seen: &[EventsSeen]) {
        act::events_seen(&self.shared, seen);
    }

    /// Enters rows read back from the gateway, each once.
    pub fn report_history(&self, history: &HistoryRead) {
        act::history_read(&self.shared, history);
    }

    /// Enters refusals that the gateway has committed.
    pub fn report_opt_outs(&self, opt_outs: &[OptOut]) {
        act::opt_outs(&self.shared, opt_outs);
    }

    /// Enters who owns which numbers.
    pub fn report_tenants(&self, owners: HashMap<TenantId, Vec<PhoneNumberId>>) {
        act::tenants(&self.shared, owners);
    }

    /// Forgets what was read back, for another reading.
    pub fn forget_history(&self) {
        act::forget_history(&self.shared);
    }

    /// Where the gateway's word and the facts disagree.
    pub fn report(&self) -> Report {
        act::report(&self.shared)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        // The command is sent at once; only waiting for its end needs the future.
        drop(self.handle.stop(false));
    }
}
