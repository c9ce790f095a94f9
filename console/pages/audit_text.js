// Months, filters, actions and details of the audit log, as texts. Pure.

import { roleName, sentenceOf } from '../account.js';
import { dateTime, facts, has, number, t } from '../language.js';

/** The last months, newest first, as the gateway names them: "2026-11". Its months are those of UTC. */
export function lastMonths(now, count) {
  const today = new Date(now);
  return Array.from({ length: count }, (_, back) => new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
}

/** "November 2026". */
export function monthName(month) {
  return dateTime(Date.parse(`${month}-01T00:00:00Z`), { year: 'numeric', month: 'long', timeZone: 'UTC' });
}

/** What entries of a tenant can be about: the names of actions in the API. */
export const ACTIONS = [
  'signed_in',
  'sign_in_failed',
  'signed_out',
  'session_ended',
  'password_changed',
  'password_link_made',
  'password_reset',
  'profile_changed',
  'policy_accepted',
  'email_change_asked',
  'email_changed',
  'sign_up_invited',
  'signed_up',
  'second_factor_on',
  'second_factor_removed',
  'recovery_codes_renewed',
  'provider_account_connected',
  'provider_account_removed',
  'member_provisioned',
  'invitation_made',
  'invitation_withdrawn',
  'invitation_accepted',
  'role_changed',
  'member_removed',
  'ownership_handed_over',
  'team_made',
  'team_changed',
  'team_removed',
  'account_exported',
  'account_erased',
  'canned_reply_written',
  'canned_reply_removed',
  'contact_erased',
  'contact_note_written',
  'contact_note_removed',
  'attribute_written',
  'attribute_removed',
  'contact_list_written',
  'contact_list_filled',
  'contact_list_removed',
  'segment_written',
  'segment_removed',
  'import_uploaded',
  'import_started',
  'import_removed',
  'broadcast_written',
  'broadcast_launched',
  'broadcast_paused',
  'broadcast_resumed',
  'broadcast_cancelled',
  'broadcast_removed',
  'broadcast_exported',
  'contacts_exported',
  'template_written',
  'template_deleted',
  'templates_looked_up',
  'file_linked',
  'quick_file_written',
  'quick_file_removed',
  'contacts_merged',
  'merge_undone',
  'contact_blocked',
  'contact_unblocked',
  'tenant_created',
  'business_changed',
  'opt_out_words_changed',
  'sign_in_provider_set',
  'sign_in_provider_removed',
  'retention_changed',
  'quotas_changed',
  'subscription_changed',
  'number_written',
  'key_created',
  'key_revoked',
  'quarantine_replayed',
  'audit_exported',
  'month_closed',
];

/** An action as people read it. */
export function actionText(action) {
  return named('action', action);
}

/** What kind of thing an entry is about. */
export function kindText(kind) {
  return named('kind', kind);
}

// What a later version of the gateway writes has no text here yet.
function named(what, name) {
  return has(`audit.${what}.${name}`) ? t(`audit.${what}.${name}`) : name.replaceAll('_', ' ');
}

/** Entries, newest first, with the one that follows a call's first one told in its line: what was made, refused, or is unknown. */
export function joined(entries, month) {
  const places = new Set(entries.map(({ seq }) => seq));
  const first = ({ details }) => (details?.of?.month === month && places.has(details.of.seq) ? details.of.seq : null);
  const followed = new Map(entries.filter((entry) => first(entry) !== null).map((entry) => [first(entry), entry]));
  const one = (entry) => {
    const more = followed.get(entry.seq);
    if (!more) return entry;
    const { of, ...details } = more.details;
    return { ...entry, target: more.target ?? entry.target, details: { ...entry.details, ...details } };
  };
  return entries.filter((entry) => first(entry) === null).map(one);
}

const MOST_PARTS = 10_000;

/**
 * Asks whether a month is intact by `ask(query)`, part by part, up to the first place that is not, or until `signal` says that nobody
 * wants to know any more.
 */
export async function verifyMonth(month, ask, signal) {
  let entries = 0;
  let after;
  for (let part = 0; part < MOST_PARTS; part += 1) {
    const found = await ask(queryOf({ month, after }));
    signal?.throwIfAborted();
    entries += found.entries;
    if (!found.is_intact || (found.next ?? null) === null) return { ...found, entries };
    after = found.next;
  }
  throw new Error('the month has no end');
}

/** The query of a filter, without what is empty. */
export function queryOf(filter) {
  const given = Object.entries(filter).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return `?${new URLSearchParams(given)}`;
}

/** Details in one line: "role: Agent → Admin, days: 90". */
export function detailText(details) {
  const all = Object.entries(details ?? {});
  return facts(all.filter(([name]) => !isBefore(name, details)).map(([name, value]) => {
    const before = details[`${name}_before`];
    const text = valueText(name, value);
    return `${named('detail', name)}: ${before === undefined ? text : `${valueText(name, before)} → ${text}`}`;
  }));
}

const BEFORE = '_before';

/** What something was before stands beside what it is now. */
function isBefore(name, details) {
  return name.endsWith(BEFORE) && name.slice(0, -BEFORE.length) in details;
}

function valueText(name, value) {
  if (value === null) return '–';
  if (name === 'role') return roleName(value);
  if (name === 'refused' || name === 'unknown') return has(`refusal.${value}`) ? sentenceOf({ code: value, message: '' }) : value;
  if (name === 'scopes' && Array.isArray(value)) return facts(value.map((scope) => (has(`api_keys.${scope}`) ? t(`api_keys.${scope}`) : scope)));
  if (name === 'month') return monthName(value);
  if (Array.isArray(value)) return facts(value.map((one) => valueText('', one)));
  if (typeof value === 'number') return number(value);
  if (typeof value === 'object') return facts(Object.entries(value).map(([part, one]) => `${partName(part)}: ${valueText(part, one)}`));
  return String(value);
}

/** A part of a detail: a quota, or the place of another entry. */
function partName(name) {
  return has(`quota.${name}`) ? t(`quota.${name}`) : named('detail', name);
}
