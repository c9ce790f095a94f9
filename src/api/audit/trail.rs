//! What each call leaves in the audit log: one line a route, so that none is forgotten.

use actix_web::http::Method;

use crate::domain::AuditAction;
use crate::store::tables::AuditTargetKind as Kind;
use crate::telemetry::labels::HttpRoute;

/// What a call leaves in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Trail {
    /// Nothing: it changes nothing.
    Nothing,
    /// Nothing: the tenant's ledger, or Meta's journal, tells what was done and by whom.
    InLedger,
    /// An entry as soon as the caller is let in, before anything is done.
    Entry(AuditAction),
    /// The same, with what a part of the path names.
    Named(AuditAction, Kind, &'static str),
    /// An entry before anything is done, as soon as the handler knows who it is: the caller is not signed in.
    ByHandler(AuditAction),
    /// An entry behind the answer: somebody signed in, or tried to, or set a new password by a link.
    SignIn,
}

/// The trails of a route's methods.
#[derive(Debug, Clone, Copy)]
struct Trails {
    get: Trail,
    post: Option<Trail>,
    put: Option<Trail>,
    delete: Option<Trail>,
}

/// A route that only reads.
const READS: Trails = Trails {
    get: Trail::Nothing,
    post: None,
    put: None,
    delete: None,
};

impl Trails {
    const fn get(self, trail: Trail) -> Self {
        Self { get: trail, ..self }
    }

    const fn post(self, trail: Trail) -> Self {
        Self {
            post: Some(trail),
            ..self
        }
    }

    const fn put(self, trail: Trail) -> Self {
        Self {
            put: Some(trail),
            ..self
        }
    }

    const fn delete(self, trail: Trail) -> Self {
        Self {
            delete: Some(trail),
            ..self
        }
    }
}

/// What a call leaves; `None` where there is no such call.
pub(in crate::api) fn trail(route: HttpRoute, method: &Method) -> Option<Trail> {
    let trails = trails(route);
    match *method {
        Method::GET | Method::HEAD => Some(trails.get),
        Method::POST => trails.post,
        Method::PUT => trails.put,
        Method::DELETE => trails.delete,
        _ => None,
    }
}

const fn trails(route: HttpRoute) -> Trails {
    use AuditAction as Action;
    use Trail::{ByHandler, Entry, InLedger, Named, Nothing, SignIn};
    match route {
        HttpRoute::Conversations
        | HttpRoute::TemplateVersions
        | HttpRoute::TemplateLibrary
        | HttpRoute::Conversation
        | HttpRoute::History
        | HttpRoute::Events
        | HttpRoute::CannedReplies
        | HttpRoute::Attributes
        | HttpRoute::BroadcastDryRun
        | HttpRoute::BroadcastRecipients
        | HttpRoute::ImportErrors
        | HttpRoute::MediaFile
        | HttpRoute::LinkedMedia
        | HttpRoute::MediaUsage
        | HttpRoute::TenantMedia
        | HttpRoute::QuickFiles
        | HttpRoute::Duplicates
        | HttpRoute::ScheduledMessages
        | HttpRoute::Merges
        | HttpRoute::Consents
        | HttpRoute::Sessions
        | HttpRoute::SignIns
        | HttpRoute::Team
        | HttpRoute::Socket
        | HttpRoute::Tenant
        | HttpRoute::Quotas
        | HttpRoute::Subscription
        | HttpRoute::Usage
        | HttpRoute::TenantUsage
        | HttpRoute::BusinessWebhook
        | HttpRoute::OwnNumberCheck
        | HttpRoute::NumberCheck
        | HttpRoute::Quarantine
        | HttpRoute::Audit
        | HttpRoute::AuditVerify
        | HttpRoute::AdminAudit
        | HttpRoute::AdminAuditVerify
        | HttpRoute::Healthz
        | HttpRoute::Readyz
        | HttpRoute::Metrics
        | HttpRoute::DemoSession
        | HttpRoute::Page
        | HttpRoute::ConsoleFile
        | HttpRoute::Nowhere => READS,
        HttpRoute::Messages
        | HttpRoute::Resolve
        | HttpRoute::Notes
        | HttpRoute::Assign
        | HttpRoute::Labels
        | HttpRoute::Status
        | HttpRoute::Read
        | HttpRoute::Webhooks => READS.post(InLedger),
        HttpRoute::Message => READS.delete(InLedger),
        HttpRoute::Contacts => READS.post(InLedger),
        HttpRoute::Contact => {
            READS
                .put(InLedger)
                .delete(Named(Action::ContactErased, Kind::Contact, "contact_id"))
        }
        // Its history tells who recorded it.
        HttpRoute::Consent => READS.put(InLedger),
        HttpRoute::ContactMerge => READS.post(Named(Action::ContactsMerged, Kind::Contact, "contact_id")),
        HttpRoute::MergeUndo => READS.post(Entry(Action::MergeUndone)),
        HttpRoute::ContactBlock => READS
            .put(Named(Action::ContactBlocked, Kind::Contact, "contact_id"))
            .delete(Named(Action::ContactUnblocked, Kind::Contact, "contact_id")),
        HttpRoute::ContactNotes => READS.post(Entry(Action::ContactNoteWritten)),
        HttpRoute::ContactNote => READS.delete(Entry(Action::ContactNoteRemoved)),
        HttpRoute::Attribute => READS
            .put(Named(Action::AttributeWritten, Kind::Attribute, "key"))
            .delete(Named(Action::AttributeRemoved, Kind::Attribute, "key")),
        HttpRoute::Lists => READS.post(Entry(Action::ContactListWritten)),
        HttpRoute::ContactList => READS
            .put(Named(Action::ContactListWritten, Kind::ContactList, "list_id"))
            .delete(Named(Action::ContactListRemoved, Kind::ContactList, "list_id")),
        // Nobody is told of each contact.
        HttpRoute::ListMembers => READS.post(Named(Action::ContactListFilled, Kind::ContactList, "list_id")),
        // Who may make a ticket may do all that its socket may.
        HttpRoute::Ticket
        | HttpRoute::TemplateCheck
        | HttpRoute::TemplateDefinitionCheck
        | HttpRoute::InvitationLook
        | HttpRoute::SignUpLook
        | HttpRoute::RetentionPreview
        | HttpRoute::BusinessRetentionPreview => READS.post(Nothing),
        HttpRoute::SignIn => READS,
        HttpRoute::SignInCallback => READS.get(SignIn),
        // What is begun holds once it comes back.
        HttpRoute::SessionProvider => READS.post(Nothing).delete(Entry(Action::ProviderAccountRemoved)),
        HttpRoute::OwnSignInProvider | HttpRoute::TenantSignInProvider => READS
            .put(Entry(Action::SignInProviderSet))
            .delete(Entry(Action::SignInProviderRemoved)),
        HttpRoute::SegmentExplain | HttpRoute::ContactCount => READS.post(Nothing),
        HttpRoute::Segments => READS.post(Entry(Action::SegmentWritten)),
        HttpRoute::Segment => READS
            .put(Named(Action::SegmentWritten, Kind::Segment, "segment_id"))
            .delete(Named(Action::SegmentRemoved, Kind::Segment, "segment_id")),
        HttpRoute::ContactExport => READS.get(Entry(Action::ContactsExported)),
        HttpRoute::Imports => READS.post(Entry(Action::ImportUploaded)),
        HttpRoute::Import => READS.delete(Named(Action::ImportRemoved, Kind::Import, "import_id")),
        HttpRoute::ImportStart => READS.post(Named(Action::ImportStarted, Kind::Import, "import_id")),
        HttpRoute::Broadcasts => READS.post(Entry(Action::BroadcastWritten)),
        HttpRoute::Broadcast => READS
            .put(Named(Action::BroadcastWritten, Kind::Broadcast, "broadcast_id"))
            .delete(Named(Action::BroadcastRemoved, Kind::Broadcast, "broadcast_id")),
        HttpRoute::BroadcastAudience => {
            READS.put(Named(Action::BroadcastWritten, Kind::Broadcast, "broadcast_id"))
        }
        // What is planned is sent once it is launched.
        HttpRoute::BroadcastPlan => READS.post(Nothing),
        HttpRoute::BroadcastLaunch => {
            READS.post(Named(Action::BroadcastLaunched, Kind::Broadcast, "broadcast_id"))
        }
        HttpRoute::BroadcastPause => {
            READS.post(Named(Action::BroadcastPaused, Kind::Broadcast, "broadcast_id"))
        }
        HttpRoute::BroadcastResume => {
            READS.post(Named(Action::BroadcastResumed, Kind::Broadcast, "broadcast_id"))
        }
        HttpRoute::BroadcastCancel => {
            READS.post(Named(Action::BroadcastCancelled, Kind::Broadcast, "broadcast_id"))
        }
        HttpRoute::BroadcastRetry => {
            READS.post(Named(Action::BroadcastWritten, Kind::Broadcast, "broadcast_id"))
        }
        HttpRoute::BroadcastExport => {
            READS.get(Named(Action::BroadcastExported, Kind::Broadcast, "broadcast_id"))
        }
        HttpRoute::CannedReply => READS
            .put(Named(Action::CannedReplyWritten, Kind::CannedReply, "shortcut"))
            .delete(Named(Action::CannedReplyRemoved, Kind::CannedReply, "shortcut")),
        HttpRoute::Templates => READS.post(Entry(Action::TemplateWritten)),
        HttpRoute::TemplateSync => READS.post(Entry(Action::TemplatesLookedUp)),
        HttpRoute::Template => READS
            .put(Named(Action::TemplateWritten, Kind::Template, "template_id"))
            .delete(Named(Action::TemplateDeleted, Kind::Template, "template_id")),
        // What is uploaded changes nothing until it is sent.
        HttpRoute::Media | HttpRoute::Uploads => READS.post(Nothing),
        HttpRoute::Upload => READS.put(Nothing),
        // It removes what nobody could be handed any more.
        HttpRoute::MediaSweep => READS.post(Nothing),
        HttpRoute::QuickFile => READS
            .put(Named(Action::QuickFileWritten, Kind::File, "shortcut"))
            .delete(Named(Action::QuickFileRemoved, Kind::File, "shortcut")),
        HttpRoute::MediaLink => READS.post(Named(Action::FileLinked, Kind::File, "media_id")),
        HttpRoute::Session => READS.post(SignIn).delete(Entry(Action::SignedOut)),
        HttpRoute::SessionTenant => READS.put(SignIn),
        HttpRoute::SessionPassword => READS.put(Entry(Action::PasswordChanged)),
        // What is offered holds once it is turned on.
        HttpRoute::SecondFactor => READS
            .post(Nothing)
            .put(Entry(Action::SecondFactorOn))
            .delete(Entry(Action::SecondFactorRemoved)),
        HttpRoute::RecoveryCodes => READS.post(Entry(Action::RecoveryCodesRenewed)),
        HttpRoute::SecondFactorRemovals => READS.post(Entry(Action::SecondFactorRemoved)),
        HttpRoute::Password => READS.put(SignIn),
        // Anybody asks in anybody's name: what the link is used for is told.
        HttpRoute::ForgottenPassword | HttpRoute::SignUp => READS.post(Nothing),
        HttpRoute::SignUpComplete => READS.post(ByHandler(Action::SignedUp)),
        HttpRoute::SignUpInvitations => READS.post(Entry(Action::SignUpInvited)),
        HttpRoute::OneSession => READS.delete(Named(Action::SessionEnded, Kind::Session, "session_id")),
        HttpRoute::InvitationAccept => READS.post(ByHandler(Action::InvitationAccepted)),
        HttpRoute::Invitations | HttpRoute::TenantInvitations => READS.post(Entry(Action::InvitationMade)),
        HttpRoute::Invitation => READS.delete(Named(
            Action::InvitationWithdrawn,
            Kind::Invitation,
            "invitation_id",
        )),
        HttpRoute::TeamMember => READS
            .put(Named(Action::RoleChanged, Kind::User, "user_id"))
            .delete(Named(Action::MemberRemoved, Kind::User, "user_id")),
        HttpRoute::NamedTeams => READS.post(Entry(Action::TeamMade)),
        HttpRoute::NamedTeam => READS
            .put(Named(Action::TeamChanged, Kind::Team, "team_id"))
            .delete(Named(Action::TeamRemoved, Kind::Team, "team_id")),
        HttpRoute::TeamOwner => READS.put(Entry(Action::OwnershipHandedOver)),
        HttpRoute::Profile => READS
            .put(Entry(Action::ProfileChanged))
            .delete(Entry(Action::AccountErased)),
        HttpRoute::ProfilePolicy => READS.put(Entry(Action::PolicyAccepted)),
        HttpRoute::ProfileEmail => READS.put(Entry(Action::EmailChangeAsked)),
        HttpRoute::ProfileEmailConfirm => READS.post(ByHandler(Action::EmailChanged)),
        HttpRoute::ProfileExport => READS.get(Entry(Action::AccountExported)),
        HttpRoute::UserExport => READS.post(Entry(Action::AccountExported)),
        HttpRoute::UserErasure => READS.post(Entry(Action::AccountErased)),
        HttpRoute::Tenants => READS.post(Entry(Action::TenantCreated)),
        HttpRoute::Business => READS.put(Entry(Action::BusinessChanged)),
        HttpRoute::OptOutWords => READS.put(Entry(Action::OptOutWordsChanged)),
        HttpRoute::Retention | HttpRoute::BusinessRetention => READS.put(Entry(Action::RetentionChanged)),
        HttpRoute::TenantSubscription => READS.put(Entry(Action::SubscriptionChanged)),
        // What it changes is recorded with the tenant that it is about.
        HttpRoute::PaymentWebhooks => READS.post(ByHandler(Action::SubscriptionChanged)),
        HttpRoute::TenantQuotas => READS.put(Entry(Action::QuotasChanged)),
        HttpRoute::Numbers | HttpRoute::TenantNumbers => READS.post(Entry(Action::NumberWritten)),
        HttpRoute::Keys | HttpRoute::OwnKeys => READS.post(Entry(Action::KeyCreated)),
        HttpRoute::Key | HttpRoute::OwnKey => READS.delete(Named(Action::KeyRevoked, Kind::Key, "key_id")),
        HttpRoute::PasswordResets => READS.post(Entry(Action::PasswordLinkMade)),
        HttpRoute::Operators => READS.post(Entry(Action::OperatorAdded)),
        HttpRoute::Operator => READS.delete(Named(Action::OperatorRevoked, Kind::Operator, "operator_id")),
        HttpRoute::Replay => READS.post(Entry(Action::QuarantineReplayed)),
        HttpRoute::AuditExport | HttpRoute::AdminAuditExport => READS.get(Entry(Action::AuditExported)),
    }
}
