//! What can be done to a running simulator: the one implementation behind its methods and behind the control interface.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::SimulatorError;
use super::bill::{self, Bill};
use super::chatter::{self, ChatterConfig};
use super::control::{
    BusiestSecond, CallNumber, MoveNumber, PushUpdate, Say, SendQuery, Stats, StormCall, WebhookTarget,
};
use super::customers::{CustomerIndex, CustomerSpec, CustomerView};
use super::elsewhere;
use super::faults::{Faults, Storm};
use super::numbers::{NumberFate, NumberIndex};
use super::oracle::{EventsSeen, HistoryRead, OptOut, Report, Submission};
use super::phone::Phone;
use super::sends::{Recipient, SendIndex, SendView, Token};
use super::templates::{TemplateFate, TemplateSpec};
use super::wamid::Way;
use super::webhooks::{self, OtherUpdate, Update, WebhookStats};
use super::world::{Shared, World};
use crate::ids::{PhoneNumberId, TenantId};

pub(super) fn bad(why: impl Into<String>) -> SimulatorError {
    SimulatorError::Request { why: why.into() }
}

pub(super) fn number(world: &World, id: Option<&str>) -> Result<NumberIndex, SimulatorError> {
    match id {
        None => Ok(NumberIndex(0)),
        Some(id) => world
            .numbers
            .find(id)
            .ok_or_else(|| bad(format!("no number has the id {id}"))),
    }
}

/// Plain words or a whole message.
pub(super) fn content(
    text: Option<&str>,
    message: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, SimulatorError> {
    match (message, text) {
        (Some(message), _) if message.contains_key("type") => Ok(message.clone()),
        (Some(_), _) => Err(bad("message needs a type")),
        (None, Some(text)) => Ok(chatter::text(text)),
        (None, None) => Err(bad("one of text and message is needed")),
    }
}

pub(super) fn person(world: &mut World, field: &str, who: &str) -> Result<CustomerIndex, SimulatorError> {
    let wrong = || {
        bad(format!(
            "{field} must be a phone number or a business-scoped user id"
        ))
    };
    world.customers.find_or_make(who).ok_or_else(wrong)
}

pub(super) fn say(shared: &Shared, say: &Say) -> Result<String, SimulatorError> {
    let content = match &say.file {
        Some(file) => shared.with(|world, _| world.media.said(file))?,
        None => content(say.text.as_deref(), say.message.as_ref())?,
    };
    shared.with(|world, now| {
        let number = number(world, say.phone_number_id.as_deref())?;
        let customer = person(world, "from", &say.from)?;
        if elsewhere::amends(&content) {
            return world.amend(now, customer, number, content);
        }
        world
            .write(now, customer, number, content)
            .ok_or_else(|| bad("the message cannot be written"))
    })
}

pub(super) fn call(shared: &Shared, call: &CallNumber) -> Result<(), SimulatorError> {
    shared.with(|world, now| {
        let number = number(world, call.phone_number_id.as_deref())?;
        let customer = person(world, "from", &call.from)?;
        world
            .call(now, customer, number)
            .ok_or_else(|| bad("the call cannot be made"))
    })
}

pub(super) fn customer(shared: &Shared, spec: &CustomerSpec) -> Result<CustomerView, SimulatorError> {
    shared.with(|world, now| {
        world
            .script(now, spec)
            .and_then(|index| world.customers.view(index))
            .ok_or_else(|| bad("phone must be a phone number and user_id a business-scoped user id"))
    })
}

pub(super) fn move_number(shared: &Shared, change: &MoveNumber) -> Result<CustomerView, SimulatorError> {
    let to = Phone::parse(&change.to).ok_or_else(|| bad("to must be a phone number"))?;
    shared.with(|world, now| {
        let number = number(world, change.phone_number_id.as_deref())?;
        let customer = person(world, "from", &change.from)?;
        world
            .change_number(now, customer, to.whatsapp(), number)
            .and_then(|_| world.customers.view(customer))
            .ok_or_else(|| bad("the customer cannot move"))
    })
}

pub(super) fn push(shared: &Shared, update: PushUpdate) -> Result<(), SimulatorError> {
    let value = serde_json::value::to_raw_value(&update.value).map_err(|error| bad(error.to_string()))?;
    shared.with(|world, now| {
        let waba = match update.waba_id {
            Some(waba) => waba,
            None => world
                .numbers
                .get(NumberIndex(0))
                .map(|number| number.config.waba_id.as_str().to_owned())
                .ok_or_else(|| bad("there is no number"))?,
        };
        let other = Update::Other(
            OtherUpdate {
                waba,
                field: update.field,
                value,
                at: now.wall,
                review: None,
            }
            .into(),
        );
        world.schedule(now, other, now.us);
        Ok(())
    })
}

pub(super) fn set_faults(shared: &Shared, faults: &Faults) -> Result<(), SimulatorError> {
    if let Some(name) = faults.impossible_share() {
        return Err(bad(format!("{name} must be between 0 and 1")));
    }
    shared.with(|world, _| world.faults = *faults);
    Ok(())
}

pub(super) fn storm(shared: &Shared, call: StormCall) {
    shared.with(|world, now| {
        world.storm = Some(Storm {
            kind: call.kind,
            until_us: now.us.saturating_add(call.for_ms.saturating_mul(1_000)),
        });
    });
}

pub(super) fn set_chatter(shared: &Shared, config: ChatterConfig) -> Result<(), SimulatorError> {
    shared
        .with(|world, now| world.set_chatter(now, config))
        .map_err(bad)
}

/// The people who write by themselves.
pub(super) fn chatting(shared: &Shared) -> Vec<CustomerView> {
    shared.with(|world, _| world.chatting())
}

/// Whether webhooks can be posted to an address.
pub(super) fn check_callback(url: Option<&str>) -> Result<(), SimulatorError> {
    let can_be_posted_to = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match url {
        Some(url) if !reqwest::Url::parse(url).is_ok_and(|url| can_be_posted_to(&url)) => Err(bad(format!(
            "{url:?} is no address for webhooks: it must begin with http:// or https:// and name a host"
        ))),
        Some(_) | None => Ok(()),
    }
}

pub(super) async fn set_webhook(shared: &Shared, target: &WebhookTarget) -> Result<(), SimulatorError> {
    check_callback(target.url.as_deref())?;
    if let (true, Some(url)) = (target.verify, &target.url) {
        let token = shared.with(|world, _| world.config.verify_token.clone());
        webhooks::verify(shared, url, target.verify_token.as_ref().unwrap_or(&token)).await?;
    }
    shared.with(|world, _| {
        let before = std::mem::replace(&mut world.config.webhook_url, target.url.clone());
        world.outbox.redirect(before, target.url.clone());
        if let Some(secret) = &target.app_secret {
            world.config.app_secret.clone_from(secret);
        }
        if let Some(token) = &target.verify_token {
            world.config.verify_token.clone_from(token);
        }
        world.outbox.wake_now();
    });
    Ok(())
}

pub(super) async fn verify_webhook(shared: &Shared) -> Result<(), SimulatorError> {
    let (url, token) = shared.with(|world, _| {
        (
            world.config.webhook_url.clone(),
            world.config.verify_token.clone(),
        )
    });
    let url = url.ok_or_else(|| bad("no webhook is set"))?;
    webhooks::verify(shared, &url, &token).await
}

pub(super) fn change_template(shared: &Shared, fate: &TemplateFate) -> Result<(), SimulatorError> {
    shared.with(|world, now| world.change_template(now, fate))
}

pub(super) fn change_number(shared: &Shared, fate: &NumberFate) -> Result<(), SimulatorError> {
    shared.with(|world, now| world.change_number_standing(now, fate))
}

pub(super) fn put_template(shared: &Shared, spec: TemplateSpec) -> String {
    shared.with(|world, _| {
        let waba = world.first_account();
        world.templates.put(&waba, spec).to_string()
    })
}

pub(super) fn stats(shared: &Shared) -> Stats {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    shared.with(|world, _| Stats {
        seed: world.config.seed,
        graph: world.counts,
        calls_open: world.calls_open,
        webhooks: world.outbox.stats(),
        inbound: count(world.inbounds.len()),
        inbound_acknowledged: count(
            world
                .inbounds
                .iter()
                .filter(|(_, inbound)| inbound.acknowledged)
                .count(),
        ),
        chatter: world.chatter.written,
        customers: count(world.customers.len()),
        approached: count(world.approached.len()),
        busiest_second: world
            .numbers
            .all()
            .iter()
            .map(|number| BusiestSecond {
                phone_number_id: number.config.phone_number_id.as_str().to_owned(),
                messages: count(number.second.busiest()),
                asked: count(number.second.busiest_asked()),
                rate: number.config.rate,
            })
            .collect(),
    })
}

/// How many sends a query looks at under the lock at once.
const LOOK: u32 = 10_000;

/// What Meta would charge so far.
pub(super) fn bill(shared: &Shared) -> Bill {
    shared.with(|world, _| bill::bill(world))
}

pub(super) fn sends(shared: &Shared, query: &SendQuery) -> Vec<SendView> {
    let limit = query.limit.unwrap_or(100).min(10_000);
    let mut found = Vec::new();
    let mut next = query.after.map_or(0, |after| after.saturating_add(1));
    loop {
        let more = shared.with(|world, _| {
            let end = u32::try_from(world.sends.len()).unwrap_or(u32::MAX);
            let until = next.saturating_add(LOOK).min(end);
            for index in next..until {
                if found.len() >= limit {
                    return false;
                }
                found.extend(view(world, SendIndex(index), query));
            }
            next = until;
            until < end
        });
        if !more || found.len() >= limit {
            return found;
        }
    }
}

fn view(world: &World, index: SendIndex, query: &SendQuery) -> Option<SendView> {
    let sent = world.sends.get(index)?;
    let number = world.numbers.get(sent.number)?;
    let attempt = match &sent.token {
        Token::Attempt(token) => Some(*token),
        _ => None,
    };
    let message_id = attempt.map(|token| token.message.to_string());
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
    };
    if !is(&query.message_id, message_id.as_deref())
        || !is(
            &query.phone_number_id,
            Some(number.config.phone_number_id.as_str()),
        )
    {
        return None;
    }
    let token = sent.token.text();
    if !is(&query.token, token.as_deref()) {
        return None;
    }
    let to = match sent.to {
        Recipient::Group(group) => world.groups.get(usize::try_from(group).ok()?)?.clone(),
        Recipient::UserId(customer) => world.customers.user_id(customer),
        Recipient::Phone(customer) => world.customers.get(customer)?.phone?.to_string(),
    };
    if let Some(wanted) = &query.to {
        let same_phone = Phone::parse(wanted).is_some_and(|phone| phone.whatsapp().to_string() == to);
        if *wanted != to && !same_phone {
            return None;
        }
    }
    let body = world.sends.body(index);
    if let Some(wanted) = &query.contains
        && !body.is_some_and(|body| body.contains(wanted.as_str()))
    {
        return None;
    }
    Some(SendView {
        index: index.0,
        wamid: world.wamids.write(Way::Out, sent.address, index.0),
        phone_number_id: number.config.phone_number_id.as_str().to_owned(),
        to,
        kind: sent.kind.to_owned(),
        accepted_at_ms: sent.at.as_millis(),
        token,
        message_id,
        attempt: attempt.map(|token| token.attempt),
        status: sent.reached.map(|step| step.name().to_owned()),
        body: body.and_then(|body| serde_json::from_str(body).ok()),
    })
}

pub(super) async fn quiesce(shared: &Shared, timeout: Duration) -> WebhookStats {
    let look = || shared.with(|world, _| (world.outbox.stats(), world.chatter.pending()));
    let wait = async {
        loop {
            let rung = shared.quiet.notified();
            let (webhooks, answers) = look();
            if webhooks.quiet() && answers == 0 {
                return;
            }
            // An answer that a customer still has in mind rings no bell, hence the second way out.
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
    };
    let _ = tokio::time::timeout(timeout, wait).await;
    look().0
}

pub(super) fn reset(shared: &Shared) {
    shared.with(|world, now| {
        let mut config = world.config.clone();
        config.faults = Faults::default();
        let reign = world.reign;
        *world = World::new(config, now.wall);
        world.reign = reign + 1;
        world.outbox.wake_now();
    });
}

/// How many reports are entered under the lock at once.
const ENTRIES: usize = 1_000;

pub(super) fn submissions(shared: &Shared, submissions: &[Submission]) {
    for chunk in submissions.chunks(ENTRIES) {
        shared.with(|world, _| world.submissions(chunk));
    }
}

pub(super) fn events_seen(shared: &Shared, seen: &[EventsSeen]) {
    for view in seen {
        shared.with(|world, _| world.events_seen(view));
    }
}

pub(super) fn history_read(shared: &Shared, history: &HistoryRead) {
    for chunk in history.rows.chunks(ENTRIES) {
        shared.with(|world, _| world.history_read(history.tenant, chunk));
    }
}

pub(super) fn opt_outs(shared: &Shared, opt_outs: &[OptOut]) {
    shared.with(|world, _| world.opt_outs(opt_outs));
}

pub(super) fn tenants(shared: &Shared, owners: HashMap<TenantId, Vec<PhoneNumberId>>) {
    shared.with(|world, _| world.tenants(owners));
}

pub(super) fn forget_history(shared: &Shared) {
    shared.with(|world, _| world.forget_history());
}

pub(super) fn report(shared: &Shared) -> Report {
    shared.with(|world, _| world.report())
}
