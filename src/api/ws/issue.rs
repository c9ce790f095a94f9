//! `POST /v1/ws/ticket`: a program vouches for an agent, or somebody who is signed in opens a socket.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::sockets::Sockets;
use super::tickets::{Pass, TicketRefusal, VALID_FOR};
use crate::accounts::Standing;
use crate::api::auth::{Call, CanManageAgents};
use crate::api::error::{ApiError, ErrorCode};
use crate::api::json::Fields;
use crate::api::name::Name;
use crate::domain::{AgentId, Quota};
use crate::store::directory::Scope;

/// When a tenant that has all it may should ask again.
const LATER: Duration = Duration::from_secs(5);

/// Makes a ticket for one socket.
pub(in crate::api) async fn ticket(
    call: Call<CanManageAgents>,
    sockets: web::Data<Sockets>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let (agent, name, user) = if let Some(user) = call.user() {
        // Nobody is anybody else.
        (user.agent.clone(), Arc::clone(&user.name), Some(user.id))
    } else {
        let agent = fields.required::<AgentId>("agent")?;
        let given = fields.optional::<Name<128>>("name")?.map(Name::into_text);
        let accounts = &call.state().accounts;
        let (name, user) = match accounts.standing(call.tenant(), &agent).await? {
            Standing::Member(user) => {
                call.key().demand(&[Scope::ActAs])?;
                (accounts.name_of(user).await?, Some(user))
            }
            Standing::Former => {
                let why = "this agent is a person who left the team: nobody speaks for them";
                return Err(ApiError::because(ErrorCode::Forbidden, why));
            }
            Standing::Program => (given, None),
        };
        let name = name.map_or_else(|| agent.as_str().into(), Into::into);
        (agent, name, user)
    };
    fields.finish()?;
    let pass = Pass {
        tenant: call.tenant(),
        agent,
        name,
        user,
        key: Arc::clone(call.key()),
        limit: call.limit().clone(),
    };
    let quotas = call.quotas();
    let over = |code, quota| quotas.refuse(code, quota).retry_after(LATER);
    if sockets.open_of(pass.tenant) >= quotas.most(Quota::Sockets) {
        return Err(over(ErrorCode::TooManySockets, Quota::Sockets));
    }
    let issued = sockets.tickets().issue(pass, quotas.most(Quota::Tickets));
    let ticket = issued.map_err(|refusal| match refusal {
        TicketRefusal::TooMany => ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)),
        TicketRefusal::TooManyOfTenant => over(ErrorCode::TooManyTickets, Quota::Tickets),
        TicketRefusal::NoChance => ApiError::internal(refusal),
    })?;
    Ok(HttpResponse::Created().json(json!({ "ticket": ticket, "expires_in_s": VALID_FOR.as_secs() })))
}
