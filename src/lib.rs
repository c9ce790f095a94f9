//! Mesej, a gateway between Meta's WhatsApp Cloud API and the agents and programs of many businesses. This page is the map.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`domain`] | what the business means: ids, contacts, content, statuses, the service window, clocks. Pure |
//! | [`config`] | settings; every default is in `config.default.toml` |
//! | [`telemetry`] | metrics and logs |
//! | [`store`] | one trait for everything durable; `derive` decides what an op changes; backends `fjall`, `scylla`, `memory` |
//! | [`whatsapp`] | Meta's side: signatures, webhooks, request bodies, the HTTP client, the table of error codes |
//! | [`limiter`] | rates of numbers, customers, API keys and wrong secrets. Pure |
//! | [`media`] | files that customers and agents send: fetched, kept, handed out, brought to Meta |
//! | [`mail`] | e-mail to people: texts, queue, SMTP or files |
//! | [`actors`] | directory, tenants, conversations, ledgers, lanes, feeds |
//! | [`accounts`] | people: signing in, sessions, invitations, teams, passwords, slowing of wrong ones; the audit log |
//! | [`bulk`] | import and export of contacts |
//! | [`privacy`] | what customers may ask of a business: their erasure |
//! | [`templates`] | the message templates of each account: rows, look-ups at Meta, what messages are checked against |
//! | [`broadcast`] | a template to many: audience, plan, run, results |
//! | [`ingest`] | what happens to a webhook after the journal: parse, route, commit, done |
//! | [`api`] | HTTP: all routes in `api.rs`, one file a resource; `api/ws` is the agents' socket |
//! | [`app`] | puts the parts together; start, stop, background jobs |
//! | [`cli`] | the command line |
//! | [`crash`], [`shutdown`], [`tenant_places`] | named crash points for tests; the signal for an orderly stop; work that is bounded by tenant |
//!
//! Imports go downward only; `tests/layers.rs` holds the table. `docs/architecture.md` follows a message through the files, in
//! and out.
//!
//! # Where to look
//!
//! - What a frame of a client's may be, and its size: `api/ws/inbound.rs`; frames to it: `api/ws/frame.rs`.
//! - Signing in, and what ends a session: `accounts/sign_in.rs`, `accounts/sessions.rs`; its cookie: `api/auth/session.rs`. Who may do
//!   what: `domain/roles.rs`; as scopes: `api/auth.rs`.
//! - What a business sets for itself: `api/business.rs`; what operators set for it: `api/admin/`. Both do the same work.
//! - Quotas of a tenant: `domain/quota.rs`, `api/quotas.rs`. What it used: `domain/usage.rs`, `store/usage.rs`, `app/upkeep/usage.rs`,
//!   `api/usage.rs`.
//! - Who leaves a team: `accounts/leaving.rs`, `app/upkeep/handovers.rs`; sockets of who may stay no longer: `api/auth/watch.rs`. A
//!   user's export and erasure: `accounts/closing.rs`.
//! - The audit log: what each call leaves in it: `api/audit/trail.rs`; before and behind a handler: `api/audit/record.rs`. Its chain:
//!   `accounts/audit.rs`; names of actions: `domain/audit.rs`; rows: `store/tables/audit_entry.rs`.
//! - Passwords: `accounts/passwords.rs` (hashes and their pool), `accounts/strength.rs`; wrong ones: `accounts/throttle.rs`.
//! - What people get by e-mail: `mail/letter.rs`; how often it is tried: `mail/worker.rs`. Forgotten passwords: `accounts/forgotten.rs`;
//!   another address: `accounts/addresses.rs`; sign-up: `accounts/sign_up.rs`.
//! - Files: found in the log by `media/discover.rs`, fetched by `media/fetch.rs`, scheduled by `app/upkeep/media.rs`; where bytes are:
//!   `media/storage.rs`; what a file may be: `media/content_type.rs`, `domain/media.rs`; which files a message names: `domain/media/named.rs`; before a send:
//!   `actors/lane/files.rs`. Samples of templates: `media/samples.rs`, `api/templates/samples.rs`. Erased with their customer:
//!   `media/erasing.rs`.
//! - TLS: `api/tls.rs`; a renewed certificate: `api/tls/reload.rs`. Whose `X-Forwarded-For` is believed: `api/client_address.rs`.
//! - A webhook's signature and its 200: `api/webhook.rs`, `whatsapp/signature.rs`, `ingest.rs`.
//! - API keys and scopes: `api/auth.rs` and `api/auth/call.rs`; operators' tokens: `api/auth/admin.rs`.
//! - Is this webhook a repeat? In `store/derive`, messages: `receive.rs` with `known.rs`; statuses: `delivery.rs`; edits and
//!   revocations: `amend.rs`; imported history: `imported.rs`; changed numbers and ids: `link.rs`; what becomes a `meta`
//!   event: `organise.rs`.
//! - What an event shows of its conversation and contact: `store/derive/shown.rs`.
//! - How numbers stand with Meta (quality, messaging limit, name): `templates/numbers.rs`, rows: `store/tables/number_standing.rs`; webhooks
//!   that have Meta asked: `whatsapp/webhook/numbers.rs`.
//! - Broadcasts. Counts and turns: `domain/broadcast.rs`, `store/derive/broadcast.rs`; what a halt keeps back: `actors/lane/parked.rs`;
//!   why so: ADR 039.
//! - Templates. What a message must fill: `whatsapp/templates/fill.rs`; what Meta's review refuses: `whatsapp/templates/rules.rs`; rows
//!   and look-ups: `templates.rs`.
//! - Which contact does a phone or BSUID mean? `store/derive/names.rs`, `identity.rs`, `link.rs`.
//! - What a business notes of a contact: `domain/contact_details.rs`, `store/derive/details.rs`. By what contacts are found:
//!   `domain/contact_terms.rs`, each backend's `terms.rs`, `store/contact_search.rs`; on which numbers they talk: `derive/shown.rs`; why
//!   so: ADR 034.
//! - Words by which customers stop marketing: `domain/opt_out_words.rs`, asked in `ingest/route.rs`, applied in `store/derive/consent.rs`.
//!   Consents by purpose: `domain/consent.rs`, `api/contacts/consents.rs`. Blocks at Meta: `api/contacts/block.rs`, `app/upkeep/blocks.rs`.
//! - Contacts that somebody merged: `domain/cards.rs`, `store/derive/merge.rs`, `api/contacts/merges.rs`; why so: ADR 038.
//! - The language of filters: `domain/filter.rs`, its grammar in `parse.rs` there; searches by them: `store/contact_filter.rs`. Segments:
//!   `api/segments.rs`. Imports: `bulk/records.rs` (reading), `rows.rs` (what values mean), `run.rs` and `job.rs` (carrying out); exports:
//!   `bulk/export.rs`; why so: ADR 035.
//! - Broadcasts: what people do with them: `broadcast/changes.rs`; whom one is for: `broadcast/audience.rs`, written down by
//!   `broadcast/plan.rs`; sent by `broadcast/runner.rs`; what the ledger knows of one: `domain/broadcast.rs`, `store/derive/broadcast.rs`;
//!   when one stops by itself: `broadcast/guard.rs`; routes: `api/broadcasts.rs`; why so: ADR 039, ADR 041.
//! - 24-hour window, opt-out, `last_seen_seq`, idempotency key of a new message: `store/derive/submit.rs`. How long a window
//!   is open: `domain/conversation.rs`.
//! - A message that waits: `actors/lane.rs`; the reason that callers see: `actors/lane/delay_estimate.rs`.
//! - Rate limits: `limiter/number.rs` and `limiter/pair.rs`, whose state each lane holds; `limiter/api.rs` for API keys;
//!   `api/gcra.rs` for sockets; `api/connection_limits.rs` for connections.
//! - What an error code of Meta's (131056, say) leads to: `whatsapp/error/table.rs`, then `actors/lane/response_policy.rs` and
//!   `actors/lane/results.rs`; for a failed status, `actors/lane/refusals.rs`. What an
//!   answer proves, an unreadable 200 too: `whatsapp/client/answer.rs`.
//! - Waits after failures: `domain/backoff.rs`; each `BACKOFF` stands with its user.
//! - Unknown outcomes: `actors/lane/unknown.rs`, `store/derive/delivery.rs`.
//! - How an event reaches a socket, and when the client is told to `resync`: `actors/feed.rs`, `actors/feed/cursor.rs`,
//!   `api/ws/outgoing.rs`. What the feed no longer holds is read by `actors/feed/log_reader.rs`. Stuck sockets are closed by
//!   `api/ws/reaper.rs`.
//! - Retention. Expiry: `domain/retention.rs`, `actors/ledger/keeping.rs`. Removal of expired rows: `app/upkeep.rs`. A
//!   change: `store/retention.rs`, `app/upkeep/retention.rs`.
//! - Erasure of a customer: `api/contacts/erasing.rs` (the call), `privacy/erasure.rs` (its steps), `store/erasure.rs` (what), each
//!   backend's `erase.rs`; that nothing is sold to whoever was erased: `store/derive/erase.rs`; why so: ADR 040.
//! - SIGTERM: `shutdown.rs`, then `Core::serve` in `app/core.rs` (the order) and `app/stop.rs` (the deadlines).
//! - Start and rest of tenants: `actors/directory/start.rs`, `starts.rs` (failures) and `rest.rs`. Ownership on a cluster:
//!   `store/scylla/ownership.rs`; gateways that are gone, and numbers that others added: `actors/directory/processes.rs`,
//!   `app/upkeep/others.rs`; webhooks for another gateway's tenants: `ingest/turn.rs`, `ingest/forwarded.rs`.
//! - A new table that is not written or read with each message: a file in `store/tables/` with its declaration and type, its line
//!   in `store/tables.rs`, and `docs/data.md` (`MESEJ_WRITE_DOCS=1` writes it). `store/plain.rs` reads, writes, copies and expires its
//!   rows on every backend. A table about users says how the rows of one are found (`of_user`). Example: `store/tables/canned_reply.rs`, which `api/canned_replies.rs` uses.
//! - A new kind of row in the ledger: `store/tables.rs` declares it, and its tests compare that with the layouts. `store/row.rs` says how an
//!   op reads and writes it. Each backend keeps it: `store/fjall/keys.rs` and `rows.rs`; `store/memory/rows.rs`;
//!   `cql/` (at the root) with `store/scylla/statements.rs`, `change.rs`, `load.rs`, `view.rs`, `written.rs` and `write.rs`. Where that concerns it:
//!   `store/transfer.rs` for copies, and each backend's `transfer.rs`, `erase.rs`, `sweep.rs` and `retention.rs`; `store/erasure.rs`. Tests
//!   compare both `format.txt`, `docs/data.md` (`MESEJ_WRITE_DOCS=1` writes it) and `docs/cql.md`. Why so many
//!   files, and what is to become of them: `docs/adr/018-rows-are-declared-above-one-engine.md`.
//! - Codes, names and defaults: `api/error.rs` (API errors), `telemetry/metrics.rs` (metrics), `config.default.toml` (settings).
//!   What else a new one needs: `CONTRIBUTING.md`.

pub mod accounts;
pub mod actors;
pub mod api;
pub mod app;
pub mod broadcast;
pub mod bulk;
pub mod cli;
pub mod config;
pub mod crash;
pub mod domain;
pub mod ingest;
pub mod limiter;
pub mod mail;
pub mod media;
pub mod privacy;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod templates;
pub mod tenant_places;
pub mod whatsapp;
