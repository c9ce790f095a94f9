//! By what requests over HTTP are told apart: routes as they are written in the code, never an address.

use crate::telemetry::table::label_enums;

label_enums! {
    /// A route, by its pattern.
    HttpRoute {
        /// A message to send.
        Messages = "/v1/messages",
        /// Those whose time has not come.
        ScheduledMessages = "/v1/messages/scheduled",
        /// One message.
        Message = "/v1/messages/{message_id}",
        /// The decision about an unknown outcome.
        Resolve = "/v1/messages/{message_id}/resolve",
        /// The list of conversations.
        Conversations = "/v1/conversations",
        /// One conversation.
        Conversation = "/v1/conversations/{conversation_id}",
        /// What was said in one.
        History = "/v1/conversations/{conversation_id}/messages",
        /// A private note.
        Notes = "/v1/conversations/{conversation_id}/notes",
        /// Who answers.
        Assign = "/v1/conversations/{conversation_id}/assign",
        /// Labels of a conversation.
        Labels = "/v1/conversations/{conversation_id}/labels",
        /// Its status.
        Status = "/v1/conversations/{conversation_id}/status",
        /// Read by an agent.
        Read = "/v1/conversations/{conversation_id}/read",
        /// The ledger, for programs that poll.
        Events = "/v1/events",
        /// The tenant's numbers.
        Numbers = "/v1/numbers",
        /// Contacts.
        Contacts = "/v1/contacts",
        /// Contacts that may be one customer.
        Duplicates = "/v1/contacts/duplicates",
        /// Two contacts are one customer.
        ContactMerge = "/v1/contacts/{contact_id}/merge",
        /// What of that can be undone.
        Merges = "/v1/merges",
        /// It is undone.
        MergeUndo = "/v1/merges/{merge_id}/undo",
        /// What a contact agreed to.
        Consents = "/v1/contacts/{contact_id}/consents",
        /// For one purpose.
        Consent = "/v1/contacts/{contact_id}/consents/{purpose}",
        /// A number blocks one.
        ContactBlock = "/v1/contacts/{contact_id}/block",
        /// One contact.
        Contact = "/v1/contacts/{contact_id}",
        /// Notes about one.
        ContactNotes = "/v1/contacts/{contact_id}/notes",
        /// One of them.
        ContactNote = "/v1/contacts/{contact_id}/notes/{note_id}",
        /// Attributes that contacts may have.
        Attributes = "/v1/attributes",
        /// One of them.
        Attribute = "/v1/attributes/{key}",
        /// Lists of contacts.
        Lists = "/v1/lists",
        /// One of them.
        ContactList = "/v1/lists/{list_id}",
        /// Who is on it.
        ListMembers = "/v1/lists/{list_id}/members",
        /// Texts that agents send often.
        CannedReplies = "/v1/canned-replies",
        /// One of them.
        CannedReply = "/v1/canned-replies/{shortcut}",
        /// Segments of contacts.
        Segments = "/v1/segments",
        /// A filter in words.
        SegmentExplain = "/v1/segments/explain",
        /// One segment.
        Segment = "/v1/segments/{segment_id}",
        /// How many contacts a filter means.
        ContactCount = "/v1/contacts/count",
        /// Contacts as a file.
        ContactExport = "/v1/contacts/export",
        /// Imports of contacts.
        Imports = "/v1/imports",
        /// One import.
        Import = "/v1/imports/{import_id}",
        /// Starting one.
        ImportStart = "/v1/imports/{import_id}/start",
        /// What was wrong with its rows.
        ImportErrors = "/v1/imports/{import_id}/errors",
        /// Broadcasts.
        Broadcasts = "/v1/broadcasts",
        /// One of them.
        Broadcast = "/v1/broadcasts/{broadcast_id}",
        /// A file of its recipients.
        BroadcastAudience = "/v1/broadcasts/{broadcast_id}/audience",
        /// Its recipients are written down.
        BroadcastPlan = "/v1/broadcasts/{broadcast_id}/plan",
        /// What would become of it.
        BroadcastDryRun = "/v1/broadcasts/{broadcast_id}/dry-run",
        /// It begins.
        BroadcastLaunch = "/v1/broadcasts/{broadcast_id}/launch",
        /// It halts.
        BroadcastPause = "/v1/broadcasts/{broadcast_id}/pause",
        /// It goes on.
        BroadcastResume = "/v1/broadcasts/{broadcast_id}/resume",
        /// It ends.
        BroadcastCancel = "/v1/broadcasts/{broadcast_id}/cancel",
        /// Sends to its failed recipients again, by another one.
        BroadcastRetry = "/v1/broadcasts/{broadcast_id}/retry",
        /// What became of its recipients.
        BroadcastRecipients = "/v1/broadcasts/{broadcast_id}/recipients",
        /// The same as a file.
        BroadcastExport = "/v1/broadcasts/{broadcast_id}/export",
        /// The tenant's message templates.
        Templates = "/v1/templates",
        /// How they are looked up at Meta.
        TemplateSync = "/v1/templates/sync",
        /// What a message would show.
        TemplateCheck = "/v1/templates/check",
        /// What Meta's review would refuse.
        TemplateDefinitionCheck = "/v1/templates/check-definition",
        /// One template.
        Template = "/v1/templates/{template_id}",
        /// How it changed.
        TemplateVersions = "/v1/templates/{template_id}/versions",
        /// Meta's ready templates; it asks Meta.
        TemplateLibrary = "/v1/template-library",
        /// A file to upload.
        Media = "/v1/media",
        /// How many files there are.
        MediaUsage = "/v1/media/usage",
        /// A file to upload in pieces.
        Uploads = "/v1/uploads",
        /// One of them.
        Upload = "/v1/uploads/{upload_id}",
        /// How many files a tenant has.
        TenantMedia = "/v1/admin/tenants/{tenant_id}/media",
        /// Removing files that nobody needs.
        MediaSweep = "/v1/admin/media/sweep",
        /// Files that agents send often.
        QuickFiles = "/v1/quick-files",
        /// One of them.
        QuickFile = "/v1/quick-files/{shortcut}",
        /// A file of a message, or one that was uploaded.
        MediaFile = "/v1/media/{media_id}",
        /// A link to it.
        MediaLink = "/v1/media/{media_id}/link",
        /// A file by such a link.
        LinkedMedia = "/media/{token}",
        /// Signing in and out, and who is signed in.
        Session = "/v1/session",
        /// For which tenant.
        SessionTenant = "/v1/session/tenant",
        /// The password of who is signed in.
        SessionPassword = "/v1/session/password",
        /// The second factor of who is signed in.
        SecondFactor = "/v1/session/second-factor",
        /// Its recovery codes.
        RecoveryCodes = "/v1/session/recovery-codes",
        /// Where somebody signed in, and who was refused.
        SignIns = "/v1/sign-ins",
        /// The identity provider's account of who is signed in.
        SessionProvider = "/v1/session/provider",
        /// To a tenant's identity provider.
        SignIn = "/v1/sign-in/{tenant_id}",
        /// Back from it.
        SignInCallback = "/v1/sign-in/{tenant_id}/callback",
        /// A new password by a link.
        Password = "/v1/password",
        /// A link to one, for who forgot it.
        ForgottenPassword = "/v1/password/forgotten",
        /// What somebody sees and corrects of the own data.
        Profile = "/v1/profile",
        /// All that is kept of that person.
        ProfileExport = "/v1/profile/export",
        /// Accepting the policy.
        ProfilePolicy = "/v1/profile/policy",
        /// Another e-mail address.
        ProfileEmail = "/v1/profile/email",
        /// Following the link to it.
        ProfileEmailConfirm = "/v1/profile/email/confirm",
        /// Signing up, and what is asked for it.
        SignUp = "/v1/sign-up",
        /// Who signs up by a link.
        SignUpLook = "/v1/sign-up/look",
        /// Following it.
        SignUpComplete = "/v1/sign-up/complete",
        /// Where somebody is signed in.
        Sessions = "/v1/sessions",
        /// One of these places.
        OneSession = "/v1/sessions/{session_id}",
        /// What an invitation says.
        InvitationLook = "/v1/invitations/look",
        /// Following it.
        InvitationAccept = "/v1/invitations/accept",
        /// Who is in the team.
        Team = "/v1/team",
        /// Invitations into it.
        Invitations = "/v1/team/invitations",
        /// One of them.
        Invitation = "/v1/team/invitations/{invitation_id}",
        /// Whose it is.
        TeamOwner = "/v1/team/owner",
        /// One member.
        TeamMember = "/v1/team/{user_id}",
        /// Teams of the business.
        NamedTeams = "/v1/teams",
        /// One of them.
        NamedTeam = "/v1/teams/{team_id}",
        /// What a business says about itself.
        Business = "/v1/business",
        /// How long its messages are kept, set by itself.
        BusinessRetention = "/v1/business/retention",
        /// What a change of that would do.
        BusinessRetentionPreview = "/v1/business/retention/preview",
        /// By which words its customers stop marketing.
        OptOutWords = "/v1/business/opt-out-words",
        /// What it tells Meta.
        BusinessWebhook = "/v1/business/webhook",
        /// Its keys, for itself.
        OwnKeys = "/v1/keys",
        /// One of them.
        OwnKey = "/v1/keys/{key_id}",
        /// What Meta says of one of its numbers; it asks Meta.
        OwnNumberCheck = "/v1/numbers/{phone_number_id}/check",
        /// What it used.
        Usage = "/v1/usage",
        /// What it may have of what all share.
        Quotas = "/v1/quotas",
        /// What it pays for.
        Subscription = "/v1/subscription",
        /// Who did what in the tenant.
        Audit = "/v1/audit",
        /// A month of it in one piece.
        AuditExport = "/v1/audit/export",
        /// Whether it is as it was written.
        AuditVerify = "/v1/audit/verify",
        /// The identity provider by which the own people sign in.
        OwnSignInProvider = "/v1/business/sign-in-provider",
        /// Handshakes of agents' sockets.
        Socket = "/v1/ws",
        /// Tickets for them.
        Ticket = "/v1/ws/ticket",
        /// Tenants.
        Tenants = "/v1/admin/tenants",
        /// One tenant.
        Tenant = "/v1/admin/tenants/{tenant_id}",
        /// How long its messages are kept.
        Retention = "/v1/admin/tenants/{tenant_id}/retention",
        /// What a change of that would do.
        RetentionPreview = "/v1/admin/tenants/{tenant_id}/retention/preview",
        /// What a tenant used.
        TenantUsage = "/v1/admin/tenants/{tenant_id}/usage",
        /// What a tenant may have of what all share.
        TenantQuotas = "/v1/admin/tenants/{tenant_id}/quotas",
        /// What a tenant pays for.
        TenantSubscription = "/v1/admin/tenants/{tenant_id}/subscription",
        /// A tenant's numbers, for the operator.
        TenantNumbers = "/v1/admin/tenants/{tenant_id}/numbers",
        /// What Meta says of one; it asks Meta.
        NumberCheck = "/v1/admin/tenants/{tenant_id}/numbers/{phone_number_id}/check",
        /// A tenant's keys.
        Keys = "/v1/admin/tenants/{tenant_id}/keys",
        /// One key.
        Key = "/v1/admin/tenants/{tenant_id}/keys/{key_id}",
        /// Invitations into a tenant's team, by an operator.
        TenantInvitations = "/v1/admin/tenants/{tenant_id}/invitations",
        /// What is kept of a user, for an operator.
        UserExport = "/v1/admin/users/export",
        /// The end of a user's account, by an operator.
        UserErasure = "/v1/admin/users/erase",
        /// Invitations to sign up.
        SignUpInvitations = "/v1/admin/sign-up-invitations",
        /// The identity provider by which a tenant's people sign in, for the operator.
        TenantSignInProvider = "/v1/admin/tenants/{tenant_id}/sign-in-provider",
        /// Links to new passwords.
        PasswordResets = "/v1/admin/password-resets",
        /// The end of a second factor, by an operator.
        SecondFactorRemovals = "/v1/admin/second-factor-removals",
        /// Operators with tokens of their own.
        Operators = "/v1/admin/operators",
        /// One of them.
        Operator = "/v1/admin/operators/{operator_id}",
        /// Who did what, for operators.
        AdminAudit = "/v1/admin/audit",
        /// A month of it in one piece.
        AdminAuditExport = "/v1/admin/audit/export",
        /// Whether it is as it was written.
        AdminAuditVerify = "/v1/admin/audit/verify",
        /// What could not be applied.
        Quarantine = "/v1/admin/quarantine",
        /// Applying it again.
        Replay = "/v1/admin/quarantine/replay",
        /// Meta's webhooks, and its check of the address.
        Webhooks = "/webhooks/whatsapp",
        /// The payment provider's webhooks.
        PaymentWebhooks = "/webhooks/payments",
        /// Whether the process answers.
        Healthz = "/healthz",
        /// Whether it wants work.
        Readyz = "/readyz",
        /// What is read here.
        Metrics = "/metrics",
        /// The demonstration's key.
        DemoSession = "/demo/session",
        /// The console's page.
        Page = "/",
        /// Its files.
        ConsoleFile = "/console/{file:.*}",
        /// No route: a wrong path, or a head that is too large to be looked at.
        Nowhere = "none",
    }

    /// A method.
    HttpMethod {
        /// Reads.
        Get = "get",
        /// Reads without the body.
        Head = "head",
        /// Makes or does something.
        Post = "post",
        /// Puts something in the place of what there is.
        Put = "put",
        /// Takes away.
        Delete = "delete",
        /// Any other, as no route knows it.
        Other = "other",
    }

    /// The class of an answer's status.
    StatusClass {
        /// Another protocol from here on: a socket.
        Switching = "1xx",
        /// Done.
        Done = "2xx",
        /// It stands elsewhere, or is known already.
        Elsewhere = "3xx",
        /// The caller has to do something else.
        Refused = "4xx",
        /// It failed here; the caller may come again.
        Failed = "5xx",
    }
}
