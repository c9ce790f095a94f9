//! Teams of a business: some of its people, and the numbers that they answer.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::auth::{Call, CanRead, SessionCall};
use super::error::ApiError;
use super::json::Fields;
use super::name::Name;
use super::state::to_its_end;
use super::team::{demand_numbers, team_of};
use crate::accounts::{AccountError, NewTeam};
use crate::domain::{NumberLimit, PhoneNumberId, TeamId, TenantId, UserId};
use crate::store::tables::{AuditTargetKind, NamedTeam};

/// A team, without numbers that whoever asks is limited away from.
fn shown(team: &NamedTeam, limit: &NumberLimit) -> Value {
    let numbers = team.numbers.iter().filter(|number| limit.admits(number));
    json!({
        "team_id": team.id,
        "name": team.name,
        "members": team.members,
        "numbers": numbers.collect::<Vec<_>>(),
    })
}

/// `GET /v1/teams`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let teams = call.state().accounts.named_teams(call.tenant()).await?;
    let teams: Vec<Value> = teams.iter().map(|team| shown(team, call.limit())).collect();
    Ok(HttpResponse::Ok().json(json!({ "teams": teams })))
}

async fn read(call: &SessionCall, tenant: TenantId) -> Result<NewTeam, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name<100>>("name")?.into_text();
    let members = fields.required::<BTreeSet<UserId>>("members")?;
    let numbers = fields.required::<BTreeSet<PhoneNumberId>>("numbers")?;
    fields.finish()?;
    demand_numbers(call.state(), tenant, &numbers).await?;
    Ok(NewTeam {
        name,
        members,
        numbers,
    })
}

fn named(call: &SessionCall) -> Result<TeamId, ApiError> {
    let id = call.path("team_id").parse();
    id.map_err(|_malformed| AccountError::NoSuchTeam.into())
}

/// `POST /v1/teams`
pub(super) async fn make(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (tenant, by) = team_of(&call)?;
    let new = read(&call, tenant).await?;
    let fresh = TeamId::from_bytes(call.state().fresh()?);
    call.note().target(AuditTargetKind::Team, &fresh.to_string());
    let team = call.state().accounts.make_team(tenant, by, fresh, new).await?;
    Ok(HttpResponse::Created().json(shown(&team, &NumberLimit::All)))
}

/// `PUT /v1/teams/{team_id}`: what is left out of it is so at once for those whose limits name it.
pub(super) async fn change(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (tenant, by) = team_of(&call)?;
    let (id, new) = (named(&call)?, read(&call, tenant).await?);
    let state = call.shared_state();
    let changing = async move {
        let (team, limited) = state.accounts.change_team(tenant, by, id, new).await?;
        for user in limited {
            state.keys.forget_user(user);
        }
        Ok(team)
    };
    let team = to_its_end(changing).await?;
    Ok(HttpResponse::Ok().json(shown(&team, &NumberLimit::All)))
}

/// `DELETE /v1/teams/{team_id}`: limits that name it lose it.
pub(super) async fn remove(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (tenant, by) = team_of(&call)?;
    let (id, state) = (named(&call)?, call.shared_state());
    let removing = async move {
        let limited = state.accounts.remove_team(tenant, by, id).await?;
        for user in limited {
            state.keys.forget_user(user);
        }
        Ok(())
    };
    to_its_end(removing).await?;
    Ok(HttpResponse::Ok().json(json!({ "team_id": id })))
}
