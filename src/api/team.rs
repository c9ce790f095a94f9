//! A tenant's team: its members, and invitations into it.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::admin::keys::made_by;
use super::audit::{Note, event, record, signed_in};
use super::auth::key::{KeyKind, PresentedKey};
use super::auth::{Call, CanRead, OpenCall, SessionCall, new_token};
use super::error::ApiError;
use super::json::Fields;
use super::name::Name;
use super::proof::Shown;
use super::sessions::{forget, opened_anew, password};
use super::state::{ApiState, to_its_end};
use crate::accounts::audit::AuditEvent;
use crate::accounts::{
    Accepting, AccountError, Actor, Confirmation, Ending, FormerMember, Inviting, NewLink, Newcomer, OfAge,
    Removal, TeamMember, Told,
};
use crate::config::ServerConfig;
use crate::domain::email::EmailAddress;
use crate::domain::roles::{Right, Role};
use crate::domain::{AuditAction, MemberLimit, PhoneNumberId, TenantId, UserId};
use crate::mail::{Handed, Link};
use crate::store::tables::{AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind, Invitation};

/// A member.
fn shown(member: &TeamMember, limit: Option<&MemberLimit>) -> Value {
    json!({
        "limit": limit,
        "user_id": member.user,
        "agent": member.user.to_string(),
        "name": member.name,
        "email": member.email,
        "role": member.role,
        "since": member.since,
        "is_provisioned": member.is_provisioned,
    })
}

/// Somebody who left. Whose account is erased has no name any more.
fn shown_former(former: &FormerMember) -> Value {
    let handover = former
        .row
        .handover
        .map(|handover| json!({ "assign_to": handover.to, "conversations": former.conversations }));
    json!({
        "user_id": former.user,
        "agent": former.user.to_string(),
        "name": former.name,
        "left": former.row.left,
        "handover": handover,
    })
}

fn invitation(invitation: &Invitation) -> Value {
    json!({
        "invitation_id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "limit": invitation.limit,
        "by": invitation.by,
        "created": invitation.created,
        "expires": invitation.expires,
    })
}

/// The tenant that somebody is signed in for, and who that is.
pub(super) fn team_of(call: &SessionCall) -> Result<(TenantId, Actor), ApiError> {
    // Whether it may be done is decided where the team's row is changed.
    Ok((call.demand(Right::Read)?, Actor::Member(call.who().user)))
}

/// An invitation with the link that it is followed by: the one answer that holds the token. A member who invites an owner shows the
/// password.
pub(super) async fn invite(
    state: &ApiState,
    tenant: TenantId,
    by: Actor,
    body: &[u8],
    member: Option<&SessionCall>,
    note: &Note<'_>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(body)?;
    let email = fields.required::<EmailAddress>("email")?;
    let role = fields.required::<Role>("role")?;
    let limit = fields.optional::<MemberLimit>("limit")?;
    let shown = Shown::read(&mut fields)?;
    fields.finish()?;
    if let Some(limit) = &limit {
        demand_numbers(state, tenant, &limit.numbers).await?;
    }
    if let Some(call) = member {
        let confirmed = shown.confirmation(call).await?;
        if role == Role::Owner && confirmed == Confirmation::Missing {
            call.demand(Right::ManageOwners)?;
            return Err(AccountError::PasswordRequired.into());
        }
    }
    let (text, link) = new_link(state, KeyKind::Invitation, &format!("invitation/{tenant}"))?;
    let address = link.link.text().to_owned();
    let asked = Inviting {
        tenant,
        by,
        email,
        role,
        limit,
        link,
    };
    note.target(AuditTargetKind::Invitation, &asked.link.token.id);
    let Told { made, mail } = state.accounts.invite(asked).await?;
    tracing::info!(tenant.id = %tenant, invitation.id = made.id, role = role.as_str(), "somebody was invited");
    let mut answer = invitation(&made);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("token".to_owned(), json!(text.expose_secret()));
        fields.insert("link".to_owned(), json!(address));
        fields.insert("mailed".to_owned(), json!(mail == Handed::Over));
    }
    Ok(HttpResponse::Created().json(answer))
}

/// A new token and the address of the console that it is followed by.
pub(super) fn new_link(
    state: &ApiState,
    kind: KeyKind,
    place: &str,
) -> Result<(SecretString, NewLink), ApiError> {
    let (new, token) = new_token(state, kind)?;
    let address = link(state, &format!("{place}/{}", new.text.expose_secret()));
    let link = Link::new(address);
    Ok((new.text, NewLink { token, link }))
}

/// An address of the console. The part behind `#` never leaves the browser, so that no log of a proxy holds it.
fn link(state: &ApiState, place: &str) -> String {
    format!("{}/#/{place}", base(&state.config.server))
}

/// Where people sign in.
pub(super) fn front_page(state: &ApiState) -> Link {
    Link::new(link(state, ""))
}

/// How people reach this server, without a trailing slash.
pub(super) fn base(server: &ServerConfig) -> String {
    if let Some(url) = &server.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let scheme = if server.has_tls() { "https" } else { "http" };
    format!("{scheme}://{}", server.listen)
}

/// `GET /v1/team`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let accounts = &call.state().accounts;
    let (team, mut limits) = (
        accounts.team(call.tenant()).await?,
        accounts.limits(call.tenant()).await?,
    );
    // Whoever is limited learns of no other numbers.
    for limit in limits.values_mut() {
        limit.numbers.retain(|number| call.limit().admits(number));
    }
    let members = team.iter().map(|one| shown(one, limits.get(&one.user)));
    let mut members: Vec<Value> = members.collect();
    if call.user().is_none() {
        for member in &mut members {
            member.as_object_mut().map(|fields| fields.shift_remove("email"));
        }
    }
    let former = call.state().accounts.former_members(call.tenant()).await?;
    let former: Vec<Value> = former.iter().map(shown_former).collect();
    Ok(HttpResponse::Ok().json(json!({ "members": members, "former": former })))
}

/// Refuses numbers that the business has not.
pub(super) async fn demand_numbers(
    state: &ApiState,
    tenant: TenantId,
    named: &BTreeSet<PhoneNumberId>,
) -> Result<(), ApiError> {
    if named.is_empty() {
        return Ok(());
    }
    let numbers = state.tenants.numbers(tenant).await?;
    let is_there = |id: &&PhoneNumberId| numbers.iter().any(|number| number.id == **id);
    match named.iter().find(|id| !is_there(id)) {
        None => Ok(()),
        Some(id) => Err(ApiError::invalid(format!("the business has no number {id}"))),
    }
}

/// `PUT /v1/team/{user_id}`: another role, with which the member signs in again, or another limit.
pub(super) async fn set_role(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let role = fields.required::<Role>("role")?;
    // Left out, it stays as it is; `null` takes it away.
    let limit = match fields.peek("limit") {
        Some(_) => Some(fields.required::<Option<MemberLimit>>("limit")?),
        None => fields.optional::<Option<MemberLimit>>("limit")?,
    };
    let shown = Shown::read(&mut fields)?;
    fields.finish()?;
    let (state, (tenant, by)) = (call.shared_state(), team_of(&call)?);
    let user = member(&call)?;
    if let Some(Some(limit)) = &limit {
        if !role.may_be_limited() {
            return Err(AccountError::LimitNotAllowed.into());
        }
        demand_numbers(&state, tenant, &limit.numbers).await?;
        state.accounts.check_limit(tenant, limit).await?;
    }
    // Who becomes one who sees all, and is that no more one day, starts anew.
    let limit = if role.may_be_limited() { limit } else { Some(None) };
    let noted = limit.clone().flatten();
    let confirmed = shown.confirmation(&call).await?;
    let changing = async move {
        let before = state.accounts.set_role(tenant, by, user, role, confirmed).await?;
        if before != role {
            end_there(&state, tenant, user).await?;
            tracing::info!(tenant.id = %tenant, user.id = %user, role = role.as_str(), "a member has another role");
        }
        if let Some(limit) = limit {
            state.accounts.set_limit(tenant, by, user, limit).await?;
            state.keys.forget_user(user);
        }
        Ok(before)
    };
    let before = to_its_end(changing).await?;
    call.note().details(AuditDetails {
        role: Some(role),
        role_before: Some(before),
        limit: noted,
        ..AuditDetails::default()
    });
    Ok(HttpResponse::Ok().json(json!({ "user_id": user, "role": role })))
}

/// `DELETE /v1/team/{user_id}`: out of the team, by somebody who may, or by oneself; the member's sessions and sockets end.
pub(super) async fn remove(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, (tenant, by)) = (call.shared_state(), team_of(&call)?);
    let user = member(&call)?;
    let mut fields = Fields::read(call.body())?;
    let assign_to = fields.optional::<UserId>("assign_to")?;
    let shown = Shown::read(&mut fields)?;
    fields.finish()?;
    let removal = Removal {
        tenant,
        by,
        user,
        assign_to,
        confirmed: shown.confirmation(&call).await?,
    };
    // They are the business's and go on. Whoever may revoke them is told; what may fail comes before the member is gone.
    let keys = match call.demand(Right::ManageBusiness) {
        Ok(tenant) => made_by(call.state(), tenant, user).await?,
        Err(_may_not) => Vec::new(),
    };
    let removing = async move {
        state.accounts.remove_member(removal).await?;
        end_there(&state, tenant, user).await?;
        tracing::info!(tenant.id = %tenant, user.id = %user, "a member left the team");
        Ok(())
    };
    to_its_end(removing).await?;
    Ok(HttpResponse::Ok().json(json!({ "user_id": user, "keys": keys })))
}

fn member(call: &SessionCall) -> Result<UserId, ApiError> {
    let id = call.path("user_id").parse();
    id.map_err(|_malformed| AccountError::NoSuchMember.into())
}

async fn end_there(state: &ApiState, tenant: TenantId, user: UserId) -> Result<(), ApiError> {
    // First, in case that the store refuses what follows.
    state.keys.forget_user(user);
    let ended = state
        .accounts
        .end_sessions(user, Ending::OfTenant(tenant))
        .await?;
    forget(state, &ended);
    // Sockets on which programs act for the member, and sessions that were not listed yet.
    state.keys.forget_user(user);
    Ok(())
}

/// `PUT /v1/team/owner`: another member becomes owner, and the caller an admin, in one step.
pub(super) async fn hand_over(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let to = fields.required::<UserId>("user_id")?;
    let shown = Shown::required(&mut fields)?;
    fields.finish()?;
    let (state, from, (tenant, _)) = (call.shared_state(), call.who().user, team_of(&call)?);
    shown.demand(&call).await?;
    let handing_over = async move {
        state.accounts.hand_over_ownership(tenant, from, to).await?;
        state.keys.forget_user(from);
        // The new owner signs in again; whoever gave it goes on with fewer rights.
        if to != from {
            end_there(&state, tenant, to).await?;
        }
        tracing::info!(tenant.id = %tenant, user.id = %to, by = %from, "a team was handed over");
        Ok(())
    };
    to_its_end(handing_over).await?;
    Ok(HttpResponse::Ok().json(json!({ "user_id": to })))
}

/// `POST /v1/team/invitations`
pub(super) async fn invite_member(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (tenant, by) = team_of(&call)?;
    invite(call.state(), tenant, by, call.body(), Some(&call), &call.note()).await
}

/// `GET /v1/team/invitations`
pub(super) async fn invitations(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = call.demand(Right::ManageTeam)?;
    let open = call.state().accounts.invitations(tenant).await?;
    let open: Vec<Value> = open.iter().map(invitation).collect();
    Ok(HttpResponse::Ok().json(json!({ "invitations": open })))
}

/// `DELETE /v1/team/invitations/{invitation_id}`
pub(super) async fn withdraw(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.demand(Right::ManageTeam)?;
    let (tenant, by) = team_of(&call)?;
    let id = call.path("invitation_id");
    call.state().accounts.withdraw_invitation(tenant, by, id).await?;
    Ok(HttpResponse::Ok().json(json!({ "invitation_id": id })))
}

/// `POST /v1/invitations/look`: whom a link invites, and into whose team.
pub(super) async fn look(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let (tenant, token) = invited(&mut fields)?;
    fields.finish()?;
    let state = call.state();
    let invited = state.accounts.invited(tenant, token.hash()).await?;
    let name = state.store.tenant(tenant).await?.map(|tenant| tenant.name);
    Ok(HttpResponse::Ok().json(json!({
        "tenant_id": tenant,
        "tenant_name": name,
        "email": invited.email,
        "role": invited.role,
        "has_account": invited.is_known,
    })))
}

/// `POST /v1/invitations/accept`: into the team, and signed in.
pub(super) async fn accept(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let (tenant, token) = invited(&mut fields)?;
    let name = fields.optional::<Name<100>>("name")?.map(Name::into_text);
    let is_of_age = fields.optional::<bool>("is_of_age")?.unwrap_or(false);
    let policy = fields.optional::<String>("policy_version")?;
    let password = password(&mut fields, "password")?;
    let code = fields.optional("code")?;
    fields.finish()?;
    let state = call.state();
    let (new, session) = new_token(state, KeyKind::Session)?;
    let asked = Accepting {
        tenant,
        token: token.hash(),
        newcomer: Newcomer {
            name,
            age: is_of_age.then_some(OfAge),
            policy,
        },
        password,
        code,
        fresh: new_user_id(state)?,
        session,
        origin: call.origin(),
    };
    let address = call.origin().address;
    let accepted = state
        .accounts
        .accept_recorded(asked, async |user: UserId, invitation: &Invitation| {
            let accepted = AuditEvent {
                target: AuditTarget::of(AuditTargetKind::Invitation, &invitation.id),
                details: AuditDetails {
                    role: Some(invitation.role),
                    ..AuditDetails::default()
                },
                ..event(
                    state,
                    call.request(),
                    AuditActor::User(user),
                    AuditAction::InvitationAccepted,
                )
            };
            record(state, call.request(), &[AuditScope::Tenant(tenant)], accepted).await
        });
    let who = accepted.await?;
    signed_in(state, &who, address);
    tracing::info!(tenant.id = %tenant, user.id = %who.user, "an invitation was accepted");
    opened_anew(&call, &who, &new).await
}

/// An id that nobody has.
pub(super) fn new_user_id(state: &ApiState) -> Result<UserId, ApiError> {
    Ok(UserId::from_bytes(state.fresh()?))
}

fn invited(fields: &mut Fields) -> Result<(TenantId, PresentedKey), ApiError> {
    let tenant = fields.required::<TenantId>("tenant_id")?;
    let token = fields.required::<String>("token")?;
    let token = PresentedKey::parse(KeyKind::Invitation, &token).ok_or(AccountError::NoSuchLink)?;
    Ok((tenant, token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn links_begin_as_the_server_is_reached() {
        let tls = "tls_certificate = \"c.pem\"\ntls_key = \"k.pem\"";
        for (settings, expected) in [
            ("", "http://127.0.0.1:8080"),
            (tls, "https://127.0.0.1:8080"),
            (
                "public_url = \"https://mesej.example.com\"",
                "https://mesej.example.com",
            ),
        ] {
            let file = format!("[server]\n{settings}");
            let config = Config::from_sources(Some(("mesej.toml", &file)), []).unwrap();
            assert_eq!(base(&config.server), expected);
        }
    }
}
