//! Members who are limited to some numbers: what each call makes of that, and the checks that it needs.
//!
//! A conversation, a message or a number outside of a limit is answered like an id that nobody has. For whoever is not limited nothing
//! here costs a read.

use super::auth::{Call, Need};
use super::error::ApiError;
use crate::actors::request::{Destination, Missing, Refusal};
use crate::domain::{ConversationId, MessageId, NumberLimit, PhoneNumberId};
#[cfg(test)]
use crate::telemetry::labels::HttpRoute;

const NO_CONVERSATION: Refusal = Refusal::NotFound(Missing::Conversation);

impl<N: Need> Call<N> {
    /// Refuses a conversation that the caller may not see, as if it were not there.
    pub(super) async fn demand_conversation(&self, id: ConversationId) -> Result<(), ApiError> {
        if *self.limit() == NumberLimit::All {
            return Ok(());
        }
        let found = self.state().store.conversation(self.tenant(), id).await?;
        let number = found.map(|row| row.number);
        if number.is_some_and(|number| self.limit().admits(&number)) {
            return Ok(());
        }
        Err(NO_CONVERSATION.into())
    }

    /// The same for a message that was sent, or is to be.
    pub(super) async fn demand_message(&self, id: MessageId) -> Result<(), ApiError> {
        if *self.limit() == NumberLimit::All {
            return Ok(());
        }
        let state = self.state();
        let no_such = Refusal::NotFound(Missing::Message);
        let now = state.clock.now();
        let at = state.store.find_outbound(self.tenant(), id, now).await?;
        let seen = self.demand_conversation(at.ok_or(no_such.clone())?.conversation);
        seen.await.map_err(|refused| {
            if refused.code() == super::ErrorCode::NotFound {
                no_such.into()
            } else {
                refused
            }
        })
    }
}

/// The number that a message to a contact goes out from: whoever is limited to one need not name it, as whoever has one need not.
pub(super) fn demand_sender(limit: &NumberLimit, to: &mut Destination) -> Result<(), Refusal> {
    let (Some(numbers), Destination::Contact { number, .. }) = (limit.listed(), to) else {
        return Ok(());
    };
    if number.is_none() && numbers.len() == 1 {
        *number = numbers.first().cloned();
    }
    let is_seen = |number: &PhoneNumberId| numbers.contains(number);
    if number.as_ref().is_some_and(is_seen) {
        return Ok(());
    }
    Err(Refusal::UnknownNumber)
}

/// What a route makes of a caller's limit: one line a route, so that none is forgotten.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Honours {
    /// It is about one conversation or message, and answers one outside as not there.
    Hides,
    /// It shows several things, without those outside.
    Filters,
    /// What is sent goes out from a number within.
    Sends,
    /// The socket that follows leaves out what is outside.
    Socket,
    /// Only roles that are never limited get so far.
    Unlimited,
    /// It tells of no conversation and no number.
    Unconcerned,
}

/// See [`Honours`].
#[cfg(test)]
pub(super) const fn honours(route: HttpRoute) -> Honours {
    match route {
        HttpRoute::Messages => Honours::Sends,
        HttpRoute::Message
        | HttpRoute::Resolve
        | HttpRoute::Conversation
        | HttpRoute::History
        | HttpRoute::Contact
        | HttpRoute::ContactNotes
        | HttpRoute::ContactMerge
        | HttpRoute::MergeUndo
        | HttpRoute::Consents
        | HttpRoute::Consent
        | HttpRoute::ContactBlock
        | HttpRoute::ContactNote
        | HttpRoute::Notes
        | HttpRoute::Assign
        | HttpRoute::Labels
        | HttpRoute::Status
        | HttpRoute::Read
        | HttpRoute::MediaFile
        | HttpRoute::MediaLink
        | HttpRoute::Broadcast
        | HttpRoute::BroadcastDryRun
        | HttpRoute::BroadcastRecipients => Honours::Hides,
        HttpRoute::Conversations
        | HttpRoute::Contacts
        | HttpRoute::ListMembers
        | HttpRoute::ContactCount
        | HttpRoute::Duplicates
        | HttpRoute::Merges
        | HttpRoute::Events
        | HttpRoute::Numbers
        | HttpRoute::ScheduledMessages
        | HttpRoute::Broadcasts
        | HttpRoute::Team
        | HttpRoute::NamedTeams
        | HttpRoute::Session => Honours::Filters,
        HttpRoute::Socket | HttpRoute::Ticket => Honours::Socket,
        HttpRoute::ContactExport
        | HttpRoute::BroadcastAudience
        | HttpRoute::BroadcastPlan
        | HttpRoute::BroadcastLaunch
        | HttpRoute::BroadcastPause
        | HttpRoute::BroadcastResume
        | HttpRoute::BroadcastCancel
        | HttpRoute::BroadcastRetry
        | HttpRoute::BroadcastExport
        | HttpRoute::Imports
        | HttpRoute::Import
        | HttpRoute::ImportStart
        | HttpRoute::ImportErrors
        | HttpRoute::Invitations
        | HttpRoute::Invitation
        | HttpRoute::NamedTeam
        | HttpRoute::TeamOwner
        | HttpRoute::Business
        | HttpRoute::BusinessRetention
        | HttpRoute::BusinessRetentionPreview
        | HttpRoute::BusinessWebhook
        | HttpRoute::OptOutWords
        | HttpRoute::OwnKeys
        | HttpRoute::OwnKey
        | HttpRoute::OwnNumberCheck
        | HttpRoute::Usage
        | HttpRoute::Quotas
        | HttpRoute::Audit
        | HttpRoute::AuditExport
        | HttpRoute::AuditVerify
        | HttpRoute::Tenants
        | HttpRoute::Tenant
        | HttpRoute::Retention
        | HttpRoute::RetentionPreview
        | HttpRoute::TenantQuotas
        | HttpRoute::TenantUsage
        | HttpRoute::TenantNumbers
        | HttpRoute::NumberCheck
        | HttpRoute::Keys
        | HttpRoute::Key
        | HttpRoute::Operators
        | HttpRoute::Operator
        | HttpRoute::TenantInvitations
        | HttpRoute::PasswordResets
        | HttpRoute::SecondFactorRemovals
        | HttpRoute::SignUpInvitations
        | HttpRoute::UserExport
        | HttpRoute::UserErasure
        | HttpRoute::Subscription
        | HttpRoute::OwnSignInProvider
        | HttpRoute::TenantSignInProvider
        | HttpRoute::TenantSubscription
        | HttpRoute::AdminAudit
        | HttpRoute::AdminAuditExport
        | HttpRoute::AdminAuditVerify
        | HttpRoute::TenantMedia
        | HttpRoute::MediaSweep
        | HttpRoute::Quarantine
        | HttpRoute::Replay => Honours::Unlimited,
        HttpRoute::TemplateCheck => Honours::Sends,
        HttpRoute::CannedReplies
        | HttpRoute::CannedReply
        | HttpRoute::Attributes
        | HttpRoute::Attribute
        | HttpRoute::Lists
        | HttpRoute::ContactList
        | HttpRoute::Segments
        | HttpRoute::SegmentExplain
        | HttpRoute::Segment
        | HttpRoute::Templates
        | HttpRoute::Template
        | HttpRoute::TemplateVersions
        | HttpRoute::TemplateDefinitionCheck
        | HttpRoute::TemplateLibrary
        | HttpRoute::TemplateSync
        | HttpRoute::LinkedMedia
        | HttpRoute::Media
        | HttpRoute::MediaUsage
        | HttpRoute::Uploads
        | HttpRoute::Upload
        | HttpRoute::QuickFiles
        | HttpRoute::QuickFile
        | HttpRoute::SessionTenant
        | HttpRoute::SessionProvider
        | HttpRoute::SignIn
        | HttpRoute::SignInCallback
        | HttpRoute::SessionPassword
        | HttpRoute::SecondFactor
        | HttpRoute::RecoveryCodes
        | HttpRoute::SignIns
        | HttpRoute::Password
        | HttpRoute::ForgottenPassword
        | HttpRoute::Profile
        | HttpRoute::ProfileExport
        | HttpRoute::ProfilePolicy
        | HttpRoute::ProfileEmail
        | HttpRoute::ProfileEmailConfirm
        | HttpRoute::SignUp
        | HttpRoute::SignUpLook
        | HttpRoute::SignUpComplete
        | HttpRoute::Sessions
        | HttpRoute::OneSession
        | HttpRoute::InvitationLook
        | HttpRoute::InvitationAccept
        | HttpRoute::TeamMember
        | HttpRoute::Webhooks
        | HttpRoute::PaymentWebhooks
        | HttpRoute::Healthz
        | HttpRoute::Readyz
        | HttpRoute::Metrics
        | HttpRoute::DemoSession
        | HttpRoute::Page
        | HttpRoute::ConsoleFile
        | HttpRoute::Nowhere => Honours::Unconcerned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ContactAliases;

    #[test]
    fn whoever_is_limited_sends_from_their_numbers_alone() {
        let number = |n: u8| format!("10{n}").parse::<PhoneNumberId>().unwrap();
        let all = NumberLimit::All;
        let (none, one) = (NumberLimit::only([]), NumberLimit::only([number(1)]));
        let two = NumberLimit::only([number(1), number(2)]);
        for (limit, named, sent) in [
            (&all, None, Ok(None)),
            (&all, Some(9), Ok(Some(9))),
            (&none, None, Err(Refusal::UnknownNumber)),
            (&none, Some(1), Err(Refusal::UnknownNumber)),
            (&one, None, Ok(Some(1))),
            (&one, Some(1), Ok(Some(1))),
            (&one, Some(2), Err(Refusal::UnknownNumber)),
            (&two, None, Err(Refusal::UnknownNumber)),
            (&two, Some(2), Ok(Some(2))),
        ] {
            let mut to = Destination::Contact {
                number: named.map(number),
                aliases: ContactAliases::of([]),
            };
            let done = demand_sender(limit, &mut to);
            let Destination::Contact { number: from, .. } = to else {
                panic!()
            };
            assert_eq!(
                done.map(|()| from),
                sent.map(|n| n.map(number)),
                "{limit:?} {named:?}"
            );
        }
    }
}
