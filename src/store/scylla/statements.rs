//! Every statement by name, prepared once when the store opens.

use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::link::{Link, Prepared};
use super::options::ScyllaOptions;
use super::profile::Purpose;
use crate::store::error::StoreError;

/// Statements prepared at once.
const TOGETHER: usize = 16;

macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $purpose:ident $cql:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name { $(pub(super) $field: Prepared,)+ }

        impl $name {
            async fn prepare(link: &Link, put_in: impl Fn(&str) -> String) -> Result<Self, StoreError> {
                let all = vec![$(link.prepare(stringify!($field), Purpose::$purpose, put_in($cql))),+];
                let prepared: Vec<Prepared> = futures_util::stream::iter(all)
                    .buffered(TOGETHER)
                    .try_collect()
                    .await?;
                let mut prepared = prepared.into_iter();
                Ok(Self {
                    $($field: prepared
                        .next()
                        .ok_or_else(|| StoreError::corrupt("statement", stringify!($field)))?,)+
                })
            }
        }
    };
}

statements! {
    /// All statements but those on messages.
    Statements {
        read_ledger: SerialRead
            "SELECT epoch, fence, head, stamp, events_until, redo FROM {lwt}.ledger WHERE tenant = ?",
        begin_ledger: ConditionalOnce
            "INSERT INTO {lwt}.ledger (tenant, epoch, fence, head, stamp, events_until, redo) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS",
        take_ledger: ConditionalOnce
            "UPDATE {lwt}.ledger SET fence = ?, stamp = ? WHERE tenant = ? IF fence = ? AND stamp = ?",
        commit: ConditionalOnce
            "UPDATE {lwt}.ledger SET head = ?, stamp = ?, events_until = ?, redo = ? WHERE tenant = ? IF fence = ? AND stamp = ?",
        read_lease: SerialRead "SELECT fence FROM {lwt}.lease WHERE kind = ? AND id = ?",
        begin_lease: ConditionalOnce "INSERT INTO {lwt}.lease (kind, id, fence) VALUES (?, ?, ?) IF NOT EXISTS",
        grow_lease: ConditionalOnce "UPDATE {lwt}.lease SET fence = ? WHERE kind = ? AND id = ? IF fence = ?",
        read_number: SerialRead "SELECT tenant, body FROM {lwt}.number WHERE number = ?",
        add_number: Conditional "INSERT INTO {lwt}.number (number, tenant, body) VALUES (?, ?, ?) IF NOT EXISTS",
        change_number: Conditional "UPDATE {lwt}.number SET body = ? WHERE number = ? IF tenant = ?",
        numbers: Scan "SELECT body FROM {lwt}.number",

        put_event: Write
            "INSERT INTO {data}.event (tenant, segment, seq, at, kind, conversation, expires, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?",
        events: ScanBodies
            "SELECT seq, at, kind, conversation, expires, body FROM {data}.event WHERE tenant = ? AND segment = ? AND seq > ?",
        event_expiry: Read "SELECT expires FROM {data}.event WHERE tenant = ? AND segment = ? AND seq = ?",

        buckets: Read "SELECT bucket, class FROM {data}.message_bucket WHERE tenant = ? AND conversation = ?",
        classes: Read
            "SELECT class FROM {data}.message_bucket WHERE tenant = ? AND conversation = ? AND bucket = ?",
        put_bucket: Write
            "INSERT INTO {data}.message_bucket (tenant, conversation, bucket, class) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
        drop_bucket: Write
            "DELETE FROM {data}.message_bucket USING TIMESTAMP ? WHERE tenant = ? AND conversation = ? AND bucket = ? AND class = ?",
        drop_buckets: Write
            "DELETE FROM {data}.message_bucket USING TIMESTAMP ? WHERE tenant = ? AND conversation = ?",

        seen: Read
            "SELECT conversation, message, expires FROM {data}.seen WHERE tenant = ? AND shard = ? AND key = ?",
        seen_among: Read
            "SELECT key, conversation, message, expires FROM {data}.seen WHERE tenant = ? AND shard IN ? AND key IN ?",
        seen_of_shard: Scan
            "SELECT key, conversation, message, expires FROM {data}.seen WHERE tenant = ? AND shard = ?",
        put_seen: Write
            "INSERT INTO {data}.seen (tenant, shard, key, conversation, message, expires) VALUES (?, ?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?",
        idempotency: Read
            "SELECT request, conversation, message, expires FROM {data}.idempotency WHERE tenant = ? AND shard = ? AND key = ?",
        idempotency_among: Read
            "SELECT key, request, conversation, message, expires FROM {data}.idempotency WHERE tenant = ? AND shard IN ? AND key IN ?",
        idempotency_of_shard: Scan
            "SELECT key, request, conversation, message, expires FROM {data}.idempotency WHERE tenant = ? AND shard = ?",
        put_idempotency: Write
            "INSERT INTO {data}.idempotency (tenant, shard, key, request, conversation, message, expires) VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?",

        conversation_from: Read
            "SELECT conversation FROM {data}.conversation WHERE tenant = ? AND shard = ? AND conversation >= ?",
        conversation: Read
            "SELECT preview_until, preview, body FROM {data}.conversation WHERE tenant = ? AND shard = ? AND conversation = ?",
        conversations_among: Read
            "SELECT conversation, preview_until, preview, body FROM {data}.conversation WHERE tenant = ? AND shard IN ? AND conversation IN ?",
        conversations_of_shard: Scan
            "SELECT preview_until, preview, body FROM {data}.conversation WHERE tenant = ? AND shard = ?",
        places_of_shard: Scan
            "SELECT conversation, number, status, activity, preview_until FROM {data}.conversation WHERE tenant = ? AND shard = ?",
        put_conversation: Write
            "INSERT INTO {data}.conversation (tenant, shard, conversation, number, status, activity, preview_until, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
        put_preview: Write
            "UPDATE {data}.conversation USING TTL ? AND TIMESTAMP ? SET preview = ? WHERE tenant = ? AND shard = ? AND conversation = ?",
        drop_conversation: Write
            "DELETE FROM {data}.conversation USING TIMESTAMP ? WHERE tenant = ? AND shard = ? AND conversation = ?",

        contact: Read "SELECT body FROM {data}.contact WHERE tenant = ? AND shard = ? AND contact = ?",
        contacts_among: Read
            "SELECT contact, body FROM {data}.contact WHERE tenant = ? AND shard IN ? AND contact IN ?",
        contacts_of_shard_after: Read
            "SELECT body FROM {data}.contact WHERE tenant = ? AND shard = ? AND contact > ?",
        contacts_of_shard: Scan "SELECT body FROM {data}.contact WHERE tenant = ? AND shard = ?",
        put_contact: Write
            "INSERT INTO {data}.contact (tenant, shard, contact, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
        drop_contact: Write
            "DELETE FROM {data}.contact USING TIMESTAMP ? WHERE tenant = ? AND shard = ? AND contact = ?",
        alias: Read "SELECT contact FROM {data}.alias WHERE tenant = ? AND shard = ? AND key = ?",
        aliases_among: Read
            "SELECT key, contact FROM {data}.alias WHERE tenant = ? AND shard IN ? AND key IN ?",
        aliases_of_shard: Scan "SELECT key, contact FROM {data}.alias WHERE tenant = ? AND shard = ?",
        put_alias: Write
            "INSERT INTO {data}.alias (tenant, shard, key, contact) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
        drop_alias: Write "DELETE FROM {data}.alias USING TIMESTAMP ? WHERE tenant = ? AND shard = ? AND key = ?",
        belongings: Scan "SELECT what, reference FROM {data}.contact_index WHERE tenant = ? AND contact = ?",
        put_belonging: Write
            "INSERT INTO {data}.contact_index (tenant, contact, what, reference) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
        drop_belongings: Write "DELETE FROM {data}.contact_index USING TIMESTAMP ? WHERE tenant = ? AND contact = ?",

        put_term: Write
            "INSERT INTO {data}.contact_term (tenant, term, place, contact) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
        drop_term: Write
            "DELETE FROM {data}.contact_term USING TIMESTAMP ? WHERE tenant = ? AND term = ? AND place = ? AND contact = ?",
        term_from: Read "SELECT place, contact FROM {data}.contact_term WHERE tenant = ? AND term = ?",
        term_after: Read
            "SELECT place, contact FROM {data}.contact_term WHERE tenant = ? AND term = ? AND (place, contact) > (?, ?)",
        term_down: Read
            "SELECT place, contact FROM {data}.contact_term WHERE tenant = ? AND term = ? ORDER BY place DESC, contact DESC",
        term_before: Read
            "SELECT place, contact FROM {data}.contact_term WHERE tenant = ? AND term = ? AND (place, contact) < (?, ?) ORDER BY place DESC, contact DESC",
        terms_made: Read "SELECT fence FROM {lwt}.lease WHERE kind = 'terms' AND id = ?",
        put_terms_made: Write "INSERT INTO {lwt}.lease (kind, id, fence) VALUES ('terms', ?, ?)",

        tally: Read "SELECT expires, body FROM {data}.broadcast_tally WHERE tenant = ? AND broadcast = ?",
        tallies: Scan "SELECT expires, body FROM {data}.broadcast_tally WHERE tenant = ?",
        put_tally: Write
            "INSERT INTO {data}.broadcast_tally (tenant, broadcast, expires, body) VALUES (?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?",

        outbox_row: Read
            "SELECT body FROM {data}.outbox WHERE tenant = ? AND number = ? AND slot = ? AND message = ?",
        outbox_after: ScanBodies
            "SELECT body FROM {data}.outbox WHERE tenant = ? AND number = ? AND slot = ? AND message > ?",
        outbox_from: ScanBodies
            "SELECT body FROM {data}.outbox WHERE tenant = ? AND number = ? AND slot = ? AND message >= ?",
        put_outbox: Write
            "INSERT INTO {data}.outbox (tenant, number, slot, message, body) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
        drop_outbox: Write
            "DELETE FROM {data}.outbox USING TIMESTAMP ? WHERE tenant = ? AND number = ? AND slot = ? AND message = ?",
        slots: Scan "SELECT slot FROM {data}.outbox_slot WHERE tenant = ? AND number = ? AND slot >= ?",
        all_slots: Scan "SELECT number, slot FROM {data}.outbox_slot WHERE tenant = ?",
        tenants_with_slots: Scan "SELECT DISTINCT tenant FROM {data}.outbox_slot",
        put_slot: Write
            "INSERT INTO {data}.outbox_slot (tenant, number, slot) VALUES (?, ?, ?) USING TIMESTAMP ?",
        drop_slot: Write
            "DELETE FROM {data}.outbox_slot USING TIMESTAMP ? WHERE tenant = ? AND number = ? AND slot = ?",

        put_journal: Write "INSERT INTO {data}.journal (shard, minute, id, received, body) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
        drop_journal: Write "DELETE FROM {data}.journal USING TIMESTAMP ? WHERE shard = ? AND minute = ? AND id = ?",
        journal: ScanLarge "SELECT id, received, body FROM {data}.journal WHERE shard = ? AND minute = ? AND id > ?",
        journal_from: ScanLarge
            "SELECT id, received, body FROM {data}.journal WHERE shard = ? AND minute = ? AND id >= ?",
        journal_among: ScanLarge
            "SELECT id, received, body FROM {data}.journal WHERE shard = ? AND minute = ? AND id IN ?",
        journal_received: Scan "SELECT received FROM {data}.journal WHERE shard = ? AND minute = ?",
        put_minute: Write "INSERT INTO {data}.journal_minute (shard, minute) VALUES (?, ?)",
        minutes: Scan "SELECT minute FROM {data}.journal_minute WHERE shard = ? AND minute >= ?",
        drop_minutes: Write "DELETE FROM {data}.journal_minute USING TIMESTAMP ? WHERE shard = ? AND minute < ?",
        put_quarantined: Write "INSERT INTO {data}.quarantine (shard, id, at, reason, body) VALUES (?, ?, ?, ?, ?) USING TTL ?",
        quarantined_written: Read "SELECT WRITETIME(body) FROM {data}.quarantine WHERE shard = ? AND id = ?",
        drop_quarantined: Write "DELETE FROM {data}.quarantine USING TIMESTAMP ? WHERE shard = ? AND id = ?",
        quarantined: ScanLarge
            "SELECT id, at, reason, body FROM {data}.quarantine WHERE shard = ? AND id > ?",
        quarantined_from: ScanLarge
            "SELECT id, at, reason, body FROM {data}.quarantine WHERE shard = ? AND id >= ?",

        tenant_written: Read "SELECT WRITETIME(body) FROM {data}.tenant WHERE tenant = ?",
        put_tenant: Write "INSERT INTO {data}.tenant (tenant, body) VALUES (?, ?) USING TIMESTAMP ?",
        tenants: Scan "SELECT body FROM {data}.tenant",
        tenant: Read "SELECT body FROM {data}.tenant WHERE tenant = ?",
        put_key: Write "INSERT INTO {data}.api_key (hash, tenant, body) VALUES (?, ?, ?) USING TIMESTAMP ?",
        key_written: Read "SELECT tenant, WRITETIME(body) FROM {data}.api_key WHERE hash = ?",
        key: Read "SELECT body FROM {data}.api_key WHERE hash = ?",
        put_key_of_tenant: Write
            "INSERT INTO {data}.api_key_of_tenant (tenant, hash, body) VALUES (?, ?, ?) USING TIMESTAMP ?",
        key_of_tenant_written: Read
            "SELECT WRITETIME(body) FROM {data}.api_key_of_tenant WHERE tenant = ? AND hash = ?",
        drop_key_of_tenant: Write
            "DELETE FROM {data}.api_key_of_tenant USING TIMESTAMP ? WHERE tenant = ? AND hash = ?",
        keys_of_tenant: Scan "SELECT body FROM {data}.api_key_of_tenant WHERE tenant = ?",
        put_retention_job: Write "INSERT INTO {data}.retention_job (tenant, body) VALUES (?, ?) USING TIMESTAMP ?",
        retention_job: Read "SELECT body FROM {data}.retention_job WHERE tenant = ?",
        retention_jobs: Scan "SELECT body FROM {data}.retention_job",
        plain_row: Read "SELECT body, expires FROM {lwt}.plain_row WHERE tab = ? AND part = ? AND sort = ?",
        plain_row_now: SerialRead "SELECT body, expires FROM {lwt}.plain_row WHERE tab = ? AND part = ? AND sort = ?",
        plain_rows: ScanBodies
            "SELECT sort, body, expires FROM {lwt}.plain_row WHERE tab = ? AND part = ? AND sort > ?",
        plain_rows_from: ScanBodies "SELECT sort, body, expires FROM {lwt}.plain_row WHERE tab = ? AND part = ?",
        all_plain_rows: ScanBodies "SELECT tab, part, sort, body, expires FROM {lwt}.plain_row",
        replace_plain_row: Conditional
            "UPDATE {lwt}.plain_row USING TTL ? SET body = ?, expires = ? WHERE tab = ? AND part = ? AND sort = ? IF body = ?",
        drop_plain_row: Conditional
            "DELETE FROM {lwt}.plain_row WHERE tab = ? AND part = ? AND sort = ? IF body = ?",
        put_pulse: Write "INSERT INTO {lwt}.lease (kind, id, fence) VALUES ('pulse', 0, ?)",
        put_time: Write "INSERT INTO {lwt}.lease (kind, id, fence) VALUES ('time', 0, ?)",
        time: Read "SELECT fence, WRITETIME(fence) FROM {lwt}.lease WHERE kind = 'time' AND id = 0",
        put_numbers_version: Write
            "INSERT INTO {lwt}.lease (kind, id, fence) VALUES ('numbers', 0, ?) USING TIMESTAMP ?",
        numbers_version_written: Read
            "SELECT WRITETIME(fence) FROM {lwt}.lease WHERE kind = 'numbers' AND id = 0",
        numbers_version: Read "SELECT fence FROM {lwt}.lease WHERE kind = 'numbers' AND id = 0",
        put_process: Write "INSERT INTO {data}.process (shard, id, state) VALUES (0, ?, ?) USING TTL 8",
        drop_process: Write "DELETE FROM {data}.process WHERE shard = 0 AND id = ?",
        processes: Scan "SELECT id, state FROM {data}.process WHERE shard = 0",
        put_owner: Write
            "INSERT INTO {lwt}.lease (kind, id, fence) VALUES ('owner', ?, ?) USING TIMESTAMP ?",
        owner: Read "SELECT fence FROM {lwt}.lease WHERE kind = 'owner' AND id = ?",
        put_forwarded: Write
            "INSERT INTO {data}.forwarded (recipient, sender, bucket, number, body) VALUES (?, ?, ?, ?, ?)",
        forwarded: Scan
            "SELECT number, body FROM {data}.forwarded WHERE recipient = ? AND sender = ? AND bucket = ? AND number > ?",
        pulse: Read "SELECT fence FROM {lwt}.lease WHERE kind = 'pulse' AND id = 0",
    }
}

statements! {
    /// Statements on one of the tables of messages.
    MessageStatements {
        put: Write
            "INSERT INTO {table} (tenant, conversation, bucket, message, expires, body) VALUES (?, ?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?",
        one: Read
            "SELECT expires, body FROM {table} WHERE tenant = ? AND conversation = ? AND bucket = ? AND message = ?",
        page: Read
            "SELECT expires, body FROM {table} WHERE tenant = ? AND conversation = ? AND bucket = ?",
        page_before: Read
            "SELECT expires, body FROM {table} WHERE tenant = ? AND conversation = ? AND bucket = ? AND message < ?",
        drop: Write
            "DELETE FROM {table} USING TIMESTAMP ? WHERE tenant = ? AND conversation = ? AND bucket = ? AND message = ?",
        drop_from: Write
            "DELETE FROM {table} USING TIMESTAMP ? WHERE tenant = ? AND conversation = ? AND bucket = ? AND message >= ?",
        drop_all: Write
            "DELETE FROM {table} USING TIMESTAMP ? WHERE tenant = ? AND conversation = ? AND bucket = ?",
    }
}

/// All statements.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) rows: Statements,
    pub(super) short: MessageStatements,
    pub(super) middle: MessageStatements,
    pub(super) long: MessageStatements,
}

impl Book {
    /// Prepares all.
    pub(super) async fn prepare(link: &Link, options: &ScyllaOptions) -> Result<Self, StoreError> {
        let of = async |table: &str| {
            let name = options.named(table);
            MessageStatements::prepare(link, |cql| cql.replace("{table}", &name)).await
        };
        Ok(Self {
            rows: Statements::prepare(link, |cql| options.named(cql)).await?,
            short: of("{data}.message_s").await?,
            middle: of("{data}.message_m").await?,
            long: of("{data}.message_l").await?,
        })
    }
}
