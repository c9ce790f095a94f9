//! Every metric: its name, help, labels and the function that records it. No other file names a metric.

use super::labels::{
    ActorKind, AttemptResult, AuditOutcome, CloseReason, Code, ConnectionEnd, DelayReason, ElementKind,
    ErasureOf, FrameRefusal, GraphCall, HandshakeEnd, HttpMethod, HttpRoute, ImportOutcome, ImportedRow,
    MailKind, MailOutcome, MediaFetch, MediaUpload, NumberQuality, PauseReason, PaymentWebhookOutcome,
    ProviderSignIn, QuarantineReason, RecipientTurn, ReloadEnd, ResyncReason, RetentionFate, SendOrigin,
    SignInOutcome, StatusClass, StoreOp, StoreOutcome, TemplateState, TenantState, UnknownResolution,
    Version, WebhookOutcome,
};
use super::table::metrics_table;
pub use super::table::{number, signed};
use crate::domain::subscription::SubscriptionState;
use crate::domain::{BroadcastProblem, EventKind, Priority, Quota};

/// For what happens within this machine: 100 µs to 5 s.
const LOCAL: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// For calls to Meta: 10 ms to the longest deadline.
const REMOTE: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// For waiting in a lane: 1 ms to hours. 0.25 is the promise for replies.
const WAIT: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 14_400.0,
];
/// For counts of things done together.
const BATCH: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

metrics_table! {
    /// Webhook posts, by how they were answered.
    counter webhooks_total = "mesej_webhooks_total" { outcome: WebhookOutcome };
    /// Seconds from a webhook's first byte to its answer.
    histogram(LOCAL) webhook_ack_seconds = "mesej_webhook_ack_seconds";
    /// Webhook posts being worked on.
    gauge webhooks_in_flight = "mesej_webhooks_in_flight";
    /// Webhooks in the journal that are not applied yet.
    gauge journal_backlog = "mesej_journal_backlog";
    /// Age of the oldest webhook in the journal that is not applied yet.
    gauge journal_oldest_seconds = "mesej_journal_oldest_seconds";
    /// Seconds until a webhook was durable.
    histogram(LOCAL) journal_append_seconds = "mesej_journal_append_seconds";
    /// Webhooks read again from the journal after a start or a failure.
    counter journal_replayed_total = "mesej_journal_replayed_total";
    /// Webhooks that were left to another gateway, which has their tenant.
    counter webhooks_forwarded_total = "mesej_webhooks_forwarded_total";
    /// Seconds since all that other gateways left to this one was read; 0 while it keeps up.
    gauge forwarded_behind_seconds = "mesej_forwarded_behind_seconds";
    /// Rows in which another gateway left webhooks and that cannot be read. The whole journal is read instead.
    counter forwarded_unreadable_total = "mesej_forwarded_unreadable_total";

    /// Requests over HTTP, by route, method and class of the status. Webhooks and handshakes of sockets are among them.
    counter http_requests_total = "mesej_http_requests_total" { route: HttpRoute, method: HttpMethod, status: StatusClass };
    /// Seconds from a request's head to the head of its answer, by route, method and class of the status.
    histogram(LOCAL) http_request_seconds = "mesej_http_request_seconds" { route: HttpRoute, method: HttpMethod, status: StatusClass };

    /// Elements of webhooks that were applied, by kind.
    counter applied_total = "mesej_applied_total" { kind: ElementKind };
    /// Elements of webhooks that had been applied before.
    counter duplicates_total = "mesej_duplicates_total" { kind: ElementKind };
    /// Webhooks or parts of them that were put aside, by reason.
    counter quarantined_total = "mesej_quarantined_total" { reason: QuarantineReason };

    /// Events committed to ledgers, by kind.
    counter events_committed_total = "mesej_events_committed_total" { kind: EventKind };
    /// Operations committed together by a ledger.
    histogram(BATCH) ledger_batch_size = "mesej_ledger_batch_size";
    /// Seconds until a ledger's batch was durable.
    histogram(LOCAL) ledger_append_seconds = "mesej_ledger_append_seconds";
    /// Ledgers that looked where they stand because an append's outcome was unknown.
    counter ledger_reloads_total = "mesej_ledger_reloads_total";
    /// Ledgers that were lost to another process.
    counter ledger_takeovers_total = "mesej_ledger_takeovers_total";
    /// Batches of events handed to feeds.
    counter feed_publishes_total = "mesej_feed_publishes_total";

    /// Open connections, sockets among them.
    gauge connections_open = "mesej_connections_open";
    /// Connections that were refused, or closed because their clients did nothing, by reason.
    counter connections_ended_total = "mesej_connections_ended_total" { reason: ConnectionEnd };
    /// Handshakes of TLS on the listener, by how they ended.
    counter tls_handshakes_total = "mesej_tls_handshakes_total" { outcome: HandshakeEnd };
    /// Unix time at which the certificate that clients are shown ends, or the first of its chain. Absent without TLS.
    gauge tls_certificate_expires_seconds = "mesej_tls_certificate_expires_seconds";
    /// Times that the certificate's files had changed, by what became of it.
    counter tls_reloads_total = "mesej_tls_reloads_total" { outcome: ReloadEnd };
    /// Events that were gone before it was counted what tenants used in them.
    counter usage_events_missed_total = "mesej_usage_events_missed_total";
    /// What was refused because the tenant had as much as it may, by quota.
    counter quota_refusals_total = "mesej_quota_refusals_total" { quota: Quota };
    /// Webhooks of the payment provider, by what became of them.
    counter payment_webhooks_total = "mesej_payment_webhooks_total" { outcome: PaymentWebhookOutcome };
    /// Message templates of all accounts, by how they stood when they were looked up last. Each gateway shows all of them.
    gauge templates = "mesej_templates" { state: TemplateState };
    /// Numbers of all tenants, by their quality when Meta was asked last. Each gateway shows all of them.
    gauge numbers = "mesej_numbers" { quality: NumberQuality };
    /// Message templates that Meta rejected, paused or disabled, by which of it.
    counter templates_lost_total = "mesej_templates_lost_total" { state: TemplateState };
    /// Seconds since the templates of the account that waits longest were looked up.
    gauge templates_behind_seconds = "mesej_templates_behind_seconds";
    /// Tenants that ever had a subscription or a trial, by how it is with it. Each gateway shows all of them.
    gauge subscriptions = "mesej_subscriptions" { state: SubscriptionState };
    /// Open sockets.
    gauge sockets_open = "mesej_sockets_open";
    /// Handshakes refused, by error code.
    counter handshakes_refused_total = "mesej_handshakes_refused_total" { code: Code };
    /// Sockets closed, by reason.
    counter sockets_closed_total = "mesej_sockets_closed_total" { reason: CloseReason };
    /// Clients told to load afresh, by reason.
    counter resyncs_total = "mesej_resyncs_total" { reason: ResyncReason };
    /// Frames from clients, by kind.
    counter frames_in_total = "mesej_frames_in_total" { kind: Code };
    /// Frames from clients that were refused, by reason.
    counter frames_refused_total = "mesej_frames_refused_total" { reason: FrameRefusal };
    /// Bytes written to sockets.
    counter deliveries_bytes_total = "mesej_deliveries_bytes_total";

    /// Password hashes being computed.
    gauge password_hashes_in_flight = "mesej_password_hashes_in_flight";
    /// Attempts to sign in with a password, by outcome.
    counter sign_ins_total = "mesej_sign_ins_total" { outcome: SignInOutcome };
    /// Sign-ins and refusals that people will not see in their lists: too many were being written, or the store did not take them.
    counter sign_in_events_lost_total = "mesej_sign_in_events_lost_total";
    /// Entries of audit logs, by what became of them. What could not be recorded was not done, but for sign-ins.
    counter audit_entries_total = "mesej_audit_entries_total" { outcome: AuditOutcome };
    /// Steps of sign-ins by tenants' identity providers, by outcome.
    counter provider_sign_ins_total = "mesej_provider_sign_ins_total" { outcome: ProviderSignIn };

    /// Mails to people, by what they say and what became of them.
    counter mails_total = "mesej_mails_total" { kind: MailKind, outcome: MailOutcome };
    /// Mails that wait to be sent, those with it that are tried again.
    gauge mails_waiting = "mesej_mails_waiting";

    /// Sends accepted, by where they came from.
    counter sends_accepted_total = "mesej_sends_accepted_total" { origin: SendOrigin };
    /// Sends refused, by error code.
    counter sends_refused_total = "mesej_sends_refused_total" { code: Code };
    /// Sends that repeated an earlier one under the same key and got its answer.
    counter sends_repeated_total = "mesej_sends_repeated_total" { origin: SendOrigin };
    /// Messages waiting in lanes, by priority.
    gauge lane_queue_depth = "mesej_lane_queue_depth" { priority: Priority };
    /// Seconds from acceptance to claim, by priority.
    histogram(WAIT) lane_wait_seconds = "mesej_lane_wait_seconds" { priority: Priority };
    /// Calls to Meta for one message, by result.
    counter attempts_total = "mesej_attempts_total" { result: AttemptResult };
    /// Calls to Meta in flight.
    gauge attempts_in_flight = "mesej_attempts_in_flight";
    /// Unknown outcomes, by how they were resolved.
    counter unknown_resolved_total = "mesej_unknown_resolved_total" { how: UnknownResolution };
    /// Unknown outcomes waiting to be resolved.
    gauge unknown_open = "mesej_unknown_open";
    /// Messages that Meta took and holds back, mostly for a quality check of their template.
    gauge held_open = "mesej_held_open";
    /// Messages that a customer got twice under the policy that allows it.
    counter outbound_duplicates_total = "mesej_outbound_duplicates_total";
    /// Lanes standing still, by reason.
    gauge lane_paused = "mesej_lane_paused" { reason: PauseReason };
    /// Seconds of one call to Meta, by call.
    histogram(REMOTE) graph_call_seconds = "mesej_graph_call_seconds" { call: GraphCall };
    /// Sends that a limit held back, by limit.
    counter limiter_delays_total = "mesej_limiter_delays_total" { reason: DelayReason };

    /// Seconds of one operation of the store, by operation and outcome.
    histogram(LOCAL) store_op_seconds = "mesej_store_op_seconds" { op: StoreOp, outcome: StoreOutcome };
    /// Seconds of one durable commit of the embedded store.
    histogram(LOCAL) store_commit_seconds = "mesej_store_commit_seconds";
    /// Operations committed together by the embedded store.
    histogram(BATCH) store_batch_size = "mesej_store_batch_size";
    /// Bytes that the embedded store occupies on disk.
    gauge store_disk_bytes = "mesej_store_disk_bytes";
    /// Bytes that may still be written on the disk of the embedded store.
    gauge store_disk_free_bytes = "mesej_store_disk_free_bytes";
    /// 1 when this process found no embedded store and made a new, empty one; else 0.
    gauge store_made = "mesej_store_made";
    /// Rows whose time was over and that were removed.
    counter store_expired_total = "mesej_store_expired_total";

    /// Seconds by which the wall clock is ahead of the time that is believed, or behind it when negative. Nothing expires unless it is 0.
    gauge clock_doubt_seconds = "mesej_clock_doubt_seconds";

    /// Members who left a team and whose conversations are not handed over yet.
    gauge handovers = "mesej_handovers";
    /// How long the handover that has stood still longest has done so, in seconds. 0 when all move on or none is open.
    gauge handovers_stalled_seconds = "mesej_handovers_stalled_seconds";
    /// Conversations that were handed over from members who left.
    counter handover_conversations_total = "mesej_handover_conversations_total";
    /// Accounts and customers that are being erased.
    gauge erasures = "mesej_erasures" { kind: ErasureOf };
    /// How long the oldest of them is listed, in seconds. 0 when there is none.
    gauge erasures_oldest_seconds = "mesej_erasures_oldest_seconds" { kind: ErasureOf };
    /// Changes of retention that are not done yet.
    gauge retention_jobs = "mesej_retention_jobs";
    /// Conversations that changes of retention have yet to come to.
    gauge retention_conversations_left = "mesej_retention_conversations_left";
    /// How long the change of retention that has stood still longest has done so, in seconds. 0 when all move on or none is open.
    gauge retention_stalled_seconds = "mesej_retention_stalled_seconds";
    /// Messages that changes of retention came to, by what became of them.
    counter retention_messages_total = "mesej_retention_messages_total" { how: RetentionFate };

    /// Imports of contacts that are being carried out.
    gauge imports_running = "mesej_imports_running";
    /// Imports of contacts that came to their end, by how.
    counter imports_total = "mesej_imports_total" { outcome: ImportOutcome };
    /// Rows of imports, by what became of them.
    counter import_rows_total = "mesej_import_rows_total" { outcome: ImportedRow };

    /// Broadcasts that run in this process.
    gauge broadcasts_running = "mesej_broadcasts_running";
    /// Broadcasts that run and have not moved for ten minutes, although nothing that is told holds their number.
    gauge broadcasts_stalled = "mesej_broadcasts_stalled";
    /// People for whom broadcasts are: written down, and by what became of their turn.
    counter broadcast_recipients_total = "mesej_broadcast_recipients_total" { outcome: RecipientTurn };
    /// Broadcasts that the gateway paused by itself, by why.
    counter broadcast_auto_pauses_total = "mesej_broadcast_auto_pauses_total" { reason: BroadcastProblem };
    /// Seconds from the beginning of a broadcast's plan to its end.
    histogram(WAIT) broadcast_plan_seconds = "mesej_broadcast_plan_seconds";
    /// Tries to fetch files of messages, by how they ended.
    counter media_fetches_total = "mesej_media_fetches_total" { outcome: MediaFetch };
    /// Bytes of files that were fetched and kept.
    counter media_fetched_bytes_total = "mesej_media_fetched_bytes_total";
    /// Files of messages to customers that were wanted at Meta, by how that ended.
    counter media_uploads_total = "mesej_media_uploads_total" { outcome: MediaUpload };
    /// Bytes of all files that are kept, as the last sweep counted them.
    gauge media_stored_bytes = "mesej_media_stored_bytes";
    /// 1 while no file is removed, because it is not known that the folder or bucket is this store's.
    gauge media_sweep_held = "mesej_media_sweep_held";
    /// News of templates that cannot be written down: the next look-up of the account tells the same.
    counter template_news_skipped_total = "mesej_template_news_skipped_total";
    /// 1 while files that customers send stay at Meta, because the folder's disk is nearly full.
    gauge media_waits_for_room = "mesej_media_waits_for_room";
    /// Files whose bytes were found to be others than those that were kept; they are not handed out.
    counter media_changed_total = "mesej_media_changed_total";
    /// Events that tell of a file which cannot be noted: it is not fetched.
    counter media_events_skipped_total = "mesej_media_events_skipped_total";
    /// Tenants whose files have more bytes than their quota, as counted by the last sweep.
    gauge media_tenants_over_quota = "mesej_media_tenants_over_quota";
    /// Files that are to be fetched, as far as this gateway knows.
    gauge media_pending = "mesej_media_pending";
    /// For how long the oldest of them is. Meta keeps what customers send for seven days.
    gauge media_oldest_seconds = "mesej_media_oldest_seconds";

    /// Tenants, by whether they have actors or rest until somebody needs them.
    gauge tenants = "mesej_tenants" { state: TenantState };
    /// Tenants that could not be started when it was tried last.
    gauge tenants_missing = "mesej_tenants_missing";
    /// Actors alive, by kind.
    gauge actors_running = "mesej_actors_running" { kind: ActorKind };
    /// Actors started again after a panic or a failure, by kind.
    counter actor_restarts_total = "mesej_actor_restarts_total" { kind: ActorKind };
    /// Messages refused because a mailbox was full, by receiver.
    counter permits_refused_total = "mesej_permits_refused_total" { queue: ActorKind };

    /// Memory of the process that is in RAM.
    gauge process_resident_bytes = "mesej_process_resident_bytes";
    /// Whole seconds that the processors have worked for the process since it started.
    counter process_cpu_seconds_total = "mesej_process_cpu_seconds_total";
    /// Files and sockets that the process has open.
    gauge process_open_fds = "mesej_process_open_fds";
    /// Files and sockets that the process may have open.
    gauge process_max_fds = "mesej_process_max_fds";
    /// When the process started, in seconds since 1970.
    gauge start_time_seconds = "mesej_start_time_seconds";
    /// Always 1; tells which version runs.
    gauge build_info = "mesej_build_info" { version: Version };
}
