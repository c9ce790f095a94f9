//! Having a client's request done by the core.

use bytes::Bytes;

use super::super::protocol::{Answered, Command, accepted};
use super::super::sockets::Shared;
use super::super::tickets::Pass;
use crate::actors::SessionId;
use crate::actors::request::{Acceptance, Accepted, Attendance};
use crate::api::error::{ApiError, ErrorCode};
use crate::domain::Quota;
use crate::store::op::OrganiseChange;
use crate::telemetry::labels::SendOrigin;
use crate::telemetry::metrics;

/// Has it done; gives the frame that answers it, if it is not a plain `ok`.
pub(super) async fn ask(
    shared: &Shared,
    who: &Pass,
    session: SessionId,
    answered: &Answered,
    command: Command,
) -> Result<Option<Bytes>, ApiError> {
    let commands = &shared.commands;
    // A key that was revoked since the last ping changes nothing any more. When the store cannot tell, whoever was let in stays.
    let known = if matches!(command, Command::Attend(_)) {
        None
    } else {
        match shared.keys.look_up(who.key.hash).await {
            Ok(known) => Some(known),
            Err(refused) if refused.code() == ErrorCode::Unauthorized => return Err(refused),
            Err(_) => None,
        }
    };
    let quotas = known.as_ref().map(|known| known.quotas().clone());
    // The newest limit: the socket itself may just be about to hear of it.
    let limit = known.as_ref().map_or(&who.limit, |known| known.limit());
    let visible = shared.numbers.visible(who.tenant, limit);
    match command {
        Command::Submit(mut request) => {
            if let Some(quotas) = &quotas {
                quotas
                    .demand_subscription(shared.clock.now())
                    .inspect_err(|error| metrics::sends_refused_total(error.code().label()).increment(1))?;
            }
            visible.demand_destination(&mut request.to).await?;
            let gate = shared.templates.demand(who.tenant, &mut request).await;
            gate.inspect_err(|error| metrics::sends_refused_total(error.code().label()).increment(1))?;
            request.most_waiting = quotas.as_ref().map(|quotas| quotas.most(Quota::Backlog));
            match commands.submit(who.tenant, *request).await {
                Ok(done) => {
                    count(done);
                    Ok(Some(accepted(answered, done)))
                }
                Err(refusal) => {
                    let error = ApiError::from(refusal);
                    metrics::sends_refused_total(error.code().label()).increment(1);
                    Err(quotas.map_or(error.clone(), |quotas| quotas.explain(error)))
                }
            }
        }
        Command::Note(request) => {
            visible.demand(request.conversation).await?;
            let done = commands.note(who.tenant, request).await?;
            Ok(Some(accepted(answered, done)))
        }
        Command::Organise(change) => {
            visible.demand(change.conversation).await?;
            if let OrganiseChange::Assign(Some(agent)) = &change.change {
                shared.keys.demand_present(who.tenant, agent).await?;
                if let Some(number) = shared.numbers.of(who.tenant, change.conversation).await? {
                    shared.keys.demand_assignable(who.tenant, agent, &number).await?;
                }
            }
            commands.organise(who.tenant, change).await?;
            Ok(None)
        }
        Command::Read(change, told) => {
            let conversation = change.conversation;
            visible.demand(conversation).await?;
            let seen = match change.change {
                OrganiseChange::Read { seen } => seen,
                _ => None,
            };
            commands.organise(who.tenant, change).await?;
            if let Some(receipt) = told {
                commands.receipt(who.tenant, conversation, seen, receipt).await?;
            }
            Ok(None)
        }
        Command::Attend(what) => {
            match &what {
                Attendance::Viewing(Some(id)) | Attendance::Typing(id, _) => visible.demand(*id).await?,
                Attendance::Viewing(None) | Attendance::Presence(_) => {}
            }
            let presence = &shared.presence;
            presence
                .attend(who.tenant, who.agent.clone(), session, what)
                .await?;
            Ok(None)
        }
    }
}

fn count(done: Accepted) {
    match done.acceptance {
        Acceptance::New => metrics::sends_accepted_total(SendOrigin::Ws).increment(1),
        Acceptance::Repeated => metrics::sends_repeated_total(SendOrigin::Ws).increment(1),
    }
}
