//! The simulator by remote control: everything that [`Simulator`](super::Simulator) can do, under `/_control`.
//!
//! Requests and answers are JSON; a bad request is a 400 with `{"error": …}`.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | `POST /_control/say` | [`Say`]: who says what to which number | `{"wamid"}` |
//! | `POST /_control/echo` | [`Echo`]: what the business writes on its phone | `{"wamid"}` |
//! | `POST /_control/history` | [`Import`]: what was written before | `{"wamids"}` |
//! | `POST /_control/standby` | [`Standby`]: in a thread that another program has | `{"wamid"}` |
//! | `POST /_control/customers` | [`CustomerSpec`] | the customer |
//! | `POST /_control/customers/move` | [`MoveNumber`]: phone change | the customer; a `system` message goes out |
//! | `POST /_control/push` | [`PushUpdate`]: any webhook field with any value | `{}` |
//! | `GET, PUT /_control/faults` | [`Faults`] | the faults in force |
//! | `POST /_control/storm` | [`StormCall`]: kind and `for_ms` | `{}` |
//! | `GET, PUT /_control/chatter` | [`ChatterConfig`]; rate 0 stops it | the chatter in force |
//! | `PUT /_control/webhook` | [`WebhookTarget`] | `{}`; with `verify`, only if the callback proves itself |
//! | `POST /_control/webhook/verify` | – | `{}`, or why the callback fails |
//! | `PUT /_control/templates` | [`TemplateSpec`] | `{"id"}` |
//! | `POST /_control/templates/change` | [`TemplateFate`] | `{}`; told by webhooks |
//! | `POST /_control/numbers/change` | [`NumberFate`] | `{}`; told by webhooks |
//! | `GET /_control/stats` | – | [`Stats`] |
//! | `GET /_control/bill` | – | [`Bill`]: what Meta would charge for what was delivered |
//! | `GET /_control/sends` | query as [`SendQuery`] | accepted sends, oldest first |
//! | `POST /_control/quiesce` | `{"timeout_ms"}` | `{"quiet", "webhooks"}` once nothing is left to post |
//! | `POST /_control/reset` | – | `{}`; forgets sends, messages, rates, windows, faults, chatter |

use actix_web::web::{self, Data, Json, Query, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::act;
use super::bill::Bill;
use super::chatter::ChatterConfig;
use super::customers::{CustomerSpec, CustomerView};
use super::elsewhere::{self, Echo, Import, Standby};
use super::faults::{Faults, StormKind};
use super::media_faults::SaidFile;
use super::numbers::NumberFate;
use super::templates::{TemplateFate, TemplateSpec};
use super::webhooks::WebhookStats;
use super::world::{Counts, Shared};
use super::{SimulatorError, sends::SendView};

/// A customer says something to a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Say {
    /// Phone number or business-scoped user id; who is unknown comes into being.
    pub from: String,
    /// The number's id; the first one when left out.
    pub phone_number_id: Option<String>,
    /// Plain words.
    pub text: Option<String>,
    /// Or a whole message: `type`, what it names, and perhaps `context` or `referral`.
    pub message: Option<Map<String, Value>>,
    /// Or a file, which may have a fault.
    pub file: Option<SaidFile>,
}

/// A customer calls a business number, which nobody answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallNumber {
    /// Phone number or business-scoped user id; who is unknown comes into being.
    pub from: String,
    /// The business number; the first one when left out.
    #[serde(default)]
    pub phone_number_id: Option<String>,
}

/// A customer moves to another phone number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveNumber {
    /// Phone number or business-scoped user id so far.
    pub from: String,
    /// The new phone number.
    pub to: String,
    /// The business number that is told; the first one when left out.
    #[serde(default)]
    pub phone_number_id: Option<String>,
}

/// An update of any field.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushUpdate {
    /// The account; the first number's when left out.
    #[serde(default)]
    pub waba_id: Option<String>,
    /// `account_update`, `message_template_status_update`, …
    pub field: String,
    /// What `value` holds.
    pub value: Value,
}

/// A storm, from now on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StormCall {
    /// What it does.
    pub kind: StormKind,
    /// How long, in milliseconds.
    pub for_ms: u64,
}

/// Where webhooks go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookTarget {
    /// The callback; none holds webhooks back.
    pub url: Option<String>,
    /// Another secret to sign with.
    pub app_secret: Option<String>,
    /// Another token to verify with.
    pub verify_token: Option<String>,
    /// Whether the callback must first prove itself.
    pub verify: bool,
}

/// Which accepted sends to tell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SendQuery {
    /// Only to this phone number, user id or group.
    pub to: Option<String>,
    /// Only through this number.
    pub phone_number_id: Option<String>,
    /// Only this message of the gateway.
    pub message_id: Option<String>,
    /// Only with this in `biz_opaque_callback_data`.
    pub token: Option<String>,
    /// Only with this in the body, of those whose body is kept.
    pub contains: Option<String>,
    /// Only those after this index.
    pub after: Option<u32>,
    /// At most so many; 100 when left out, 10,000 at most.
    pub limit: Option<usize>,
}

/// Where the simulator stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Where all chance comes from.
    pub seed: u64,
    /// What Graph answered.
    pub graph: Counts,
    /// Calls to send that were not answered yet.
    pub calls_open: u64,
    /// What happened to webhooks.
    pub webhooks: WebhookStats,
    /// Messages that customers wrote.
    pub inbound: u64,
    /// Of those, in a webhook that was answered 200.
    pub inbound_acknowledged: u64,
    /// Messages written by chatter and by answering customers.
    pub chatter: u64,
    /// Customers that exist.
    pub customers: u64,
    /// Different customers whom the business wrote to outside a service window: they use up its messaging limit.
    pub approached: u64,
    /// The busiest sliding second of each number, in messages both ways.
    pub busiest_second: Vec<BusiestSecond>,
}

/// A number's busiest second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusiestSecond {
    /// The number.
    pub phone_number_id: String,
    /// Messages in it.
    pub messages: u64,
    /// The most in any second that ended with one which asked for leave to be sent, granted or refused. What a customer
    /// writes into a full second is not counted here, for no sender can prevent it.
    pub asked: u64,
    /// What its rate allows.
    pub rate: u32,
}

/// How long [`Simulator::quiesce`](super::Simulator::quiesce) waits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quiesce {
    /// In milliseconds.
    pub timeout_ms: u64,
}

impl Default for Quiesce {
    fn default() -> Self {
        Self { timeout_ms: 30_000 }
    }
}

impl ResponseError for SimulatorError {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::BadRequest().json(json!({"error": self.to_string()}))
    }
}

type Answer<T> = Result<Json<T>, SimulatorError>;

/// Adds the routes.
pub(crate) fn routes(service: &mut ServiceConfig) {
    service
        .route("/say", web::post().to(say))
        .route("/call", web::post().to(call))
        .route("/echo", web::post().to(echo))
        .route("/history", web::post().to(import))
        .route("/standby", web::post().to(stand_by))
        .route("/customers", web::post().to(customer))
        .route("/customers/move", web::post().to(move_number))
        .route("/push", web::post().to(push))
        .route("/faults", web::get().to(faults))
        .route("/faults", web::put().to(set_faults))
        .route("/storm", web::post().to(storm))
        .route("/chatter", web::get().to(chatter))
        .route("/chatter", web::put().to(set_chatter))
        .route("/webhook", web::put().to(set_webhook))
        .route("/webhook/verify", web::post().to(verify_webhook))
        .route("/templates", web::put().to(put_template))
        .route("/templates/change", web::post().to(change_template))
        .route("/numbers/change", web::post().to(change_number))
        .route("/stats", web::get().to(stats))
        .route("/bill", web::get().to(bill))
        .route("/sends", web::get().to(sends))
        .route("/quiesce", web::post().to(quiesce))
        .route("/reset", web::post().to(reset));
}

async fn say(shared: Data<Shared>, body: Json<Say>) -> Answer<Value> {
    let wamid = act::say(&shared, &body)?;
    Ok(Json(json!({"wamid": wamid})))
}

async fn call(shared: Data<Shared>, body: Json<CallNumber>) -> Answer<Value> {
    act::call(&shared, &body)?;
    Ok(Json(json!({})))
}

async fn echo(shared: Data<Shared>, body: Json<Echo>) -> Answer<Value> {
    let wamid = elsewhere::echo(&shared, &body)?;
    Ok(Json(json!({"wamid": wamid})))
}

async fn import(shared: Data<Shared>, body: Json<Import>) -> Answer<Value> {
    let wamids = elsewhere::import(&shared, &body)?;
    Ok(Json(json!({"wamids": wamids})))
}

async fn stand_by(shared: Data<Shared>, body: Json<Standby>) -> Answer<Value> {
    let wamid = elsewhere::stand_by(&shared, &body)?;
    Ok(Json(json!({"wamid": wamid})))
}

async fn customer(shared: Data<Shared>, body: Json<CustomerSpec>) -> Answer<CustomerView> {
    act::customer(&shared, &body).map(Json)
}

async fn move_number(shared: Data<Shared>, body: Json<MoveNumber>) -> Answer<CustomerView> {
    act::move_number(&shared, &body).map(Json)
}

async fn push(shared: Data<Shared>, body: Json<PushUpdate>) -> Answer<Value> {
    act::push(&shared, body.into_inner())?;
    Ok(Json(json!({})))
}

async fn faults(shared: Data<Shared>) -> Json<Faults> {
    Json(shared.with(|world, _| world.faults))
}

async fn set_faults(shared: Data<Shared>, body: Json<Faults>) -> Answer<Faults> {
    act::set_faults(&shared, &body)?;
    Ok(body)
}

async fn storm(shared: Data<Shared>, body: Json<StormCall>) -> Json<Value> {
    act::storm(&shared, *body);
    Json(json!({}))
}

async fn chatter(shared: Data<Shared>) -> Json<ChatterConfig> {
    Json(shared.with(|world, _| world.chatter.config().clone()))
}

async fn set_chatter(shared: Data<Shared>, body: Json<ChatterConfig>) -> Answer<ChatterConfig> {
    act::set_chatter(&shared, body.clone())?;
    Ok(body)
}

async fn set_webhook(shared: Data<Shared>, body: Json<WebhookTarget>) -> Answer<Value> {
    act::set_webhook(&shared, &body).await?;
    Ok(Json(json!({})))
}

async fn verify_webhook(shared: Data<Shared>) -> Answer<Value> {
    act::verify_webhook(&shared).await?;
    Ok(Json(json!({})))
}

async fn put_template(shared: Data<Shared>, body: Json<TemplateSpec>) -> Json<Value> {
    let id = act::put_template(&shared, body.into_inner());
    Json(json!({"id": id}))
}

async fn change_template(shared: Data<Shared>, body: Json<TemplateFate>) -> Answer<Value> {
    act::change_template(&shared, &body)?;
    Ok(Json(json!({})))
}

async fn change_number(shared: Data<Shared>, body: Json<NumberFate>) -> Answer<Value> {
    act::change_number(&shared, &body)?;
    Ok(Json(json!({})))
}

async fn stats(shared: Data<Shared>) -> Json<Stats> {
    Json(act::stats(&shared))
}

async fn bill(shared: Data<Shared>) -> Json<Bill> {
    Json(act::bill(&shared))
}

async fn sends(shared: Data<Shared>, query: Query<SendQuery>) -> Json<Vec<SendView>> {
    Json(act::sends(&shared, &query))
}

async fn quiesce(shared: Data<Shared>, body: Option<Json<Quiesce>>) -> Json<Value> {
    let wait = body.map_or_else(Quiesce::default, Json::into_inner);
    let webhooks = act::quiesce(&shared, std::time::Duration::from_millis(wait.timeout_ms)).await;
    Json(json!({"quiet": webhooks.quiet(), "webhooks": webhooks}))
}

async fn reset(shared: Data<Shared>) -> Json<Value> {
    act::reset(&shared);
    Json(json!({}))
}
