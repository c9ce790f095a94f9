// What a business manages itself on the fake gateway, as docs/api.md has it: its facts, retention, numbers, keys, audit, usage.

import { randomBytes } from 'node:crypto';

const DAY = 86_400_000;
const PART = 4_000;
const hex = (bytes) => randomBytes(bytes).toString('hex');
const ok = (json, status = 200) => ({ status, json });
const error = (status, code, message = code) => ({ status, json: { error: { code, message } } });

/** What a role allows. */
export const RIGHTS = {
  owner: ['read', 'answer', 'manage_team', 'manage_owners', 'manage_business', 'read_audit', 'broadcast', 'see_broadcasts'],
  admin: ['read', 'answer', 'manage_team', 'manage_business', 'read_audit', 'broadcast', 'see_broadcasts'],
  supervisor: ['read', 'answer', 'see_broadcasts'],
  agent: ['read', 'answer'],
  read_only: ['read'],
};

export class Business {
  facts = { name: 'Toko Maju', region: null, privacy_contact: null, created: Date.now() - 200 * DAY };
  days = 365;
  change = null;
  webhook = { url: 'https://chat.example.com/webhooks/whatsapp', verify_token_set: true };
  keys = [];
  numbers = new Map();
  /** What `check` finds, by number. */
  checks = [
    { name: 'access token', ok: true, verdict: 'good', detail: 'accepted by Meta' },
    { name: 'webhook', ok: false, verdict: 'bad', detail: 'the account is subscribed by no app: subscribe it' },
    { name: 'quality', ok: true, verdict: 'doubtful', detail: 'YELLOW: customers block or report this number' },
  ];
  entries = [];
  intact = true;
  quotas = [
    { name: 'sockets', limit: 200, used: 12 },
    { name: 'agents', limit: 10, used: 9 },
    { name: 'storage', limit: null, used: 1_234_567_890 },
  ];
  rows = [];
  /** The subscription; null without a payment provider. */
  subscription = null;
  /** Teams; null on a gateway that knows none. */
  teams = null;
  /** Words to opt out: those of the business, or null. */
  words = null;
  /** The identity provider; null for none. */
  provider = null;
  /** Calls that this gateway does not know: their first part. */
  unknown = new Set();

  /** Writes an entry of the audit log. */
  note(actor, action, more = {}) {
    const seq = this.entries.length + 1;
    this.entries.push({ seq, at: Date.now(), actor, action, target: null, address: '203.0.113.7', details: {}, ...more });
  }

  /** Answers a call of somebody with a role; null for one about something else. */
  answer(ledger, tenant, { method, path, url, body, role, user }) {
    if (this.unknown.has(path[0])) return error(404, 'not_found');
    const manages = RIGHTS[role].includes('manage_business');
    const call = `${method} ${path[0]}`;
    if (call === 'GET numbers' && path.length === 1) return ok({ numbers: [{ waba_id: '2201', app: 'main', rate: 80, ...ledger.shownNumber, lane: ledger.lane }, ...this.numbers.values()] });
    if (path[0] === 'subscription') return this.subscription && manages ? ok(this.subscription) : error(404, 'not_found');
    if (path[0] === 'teams') return this.#team(method, path[1], body, RIGHTS[role]);
    if (!['business', 'numbers', 'keys', 'audit', 'usage', 'quotas'].includes(path[0])) return null;
    if (!manages) return error(403, 'forbidden');
    if (path[1] === 'opt-out-words') {
      if (method === 'PUT') this.words = body.words;
      return ok({ words: this.words, defaults: ['stop', 'berhenti', 'baja'] });
    }
    if (path[1] === 'sign-in-provider') return this.#provider(tenant, method, body);
    switch (call) {
      case 'GET business':
        return path[1] === 'webhook' ? ok(this.webhook) : ok(this.#shown(tenant));
      case 'PUT business':
        return path[1] === 'retention' ? this.#keep(body) : this.#put(tenant, body);
      case 'POST business':
        return ok(this.#preview(body));
      case 'POST numbers':
        return this.#putNumber(body);
      case 'GET numbers':
        return ok({ checks: this.checks });
      case 'GET keys':
        return ok({ keys: this.keys });
      case 'POST keys':
        return this.#makeKey(body, user);
      case 'DELETE keys':
        return this.#revoke(path[1]);
      case 'GET audit':
        return path[1] === 'verify' ? ok(this.#verified()) : ok(this.#audit(url.searchParams));
      case 'GET usage':
        return ok({ rows: this.rows });
      case 'GET quotas':
        return ok({ quotas: this.quotas });
      default:
        return error(404, 'not_found');
    }
  }

  #team(method, id, body, rights) {
    if (this.teams === null) return error(404, 'not_found');
    if (method === 'GET') return ok({ teams: this.teams });
    if (!rights.includes('manage_team')) return error(403, 'forbidden');
    const team_id = id ?? hex(4);
    const before = this.teams.findIndex((one) => one.team_id === team_id);
    if (method === 'DELETE') return ok(this.teams.splice(before, 1)[0]);
    const team = { team_id, ...body };
    this.teams.splice(before < 0 ? this.teams.length : before, 1, team);
    return ok(team, method === 'POST' ? 201 : 200);
  }

  #provider(tenant, method, body) {
    if (method !== 'GET' && !body?.password) return error(400, 'invalid_request', '`password` is missing');
    if (method === 'PUT') {
      if (!body.issuer.startsWith('https://')) return error(422, 'provider_unavailable');
      const { client_secret, password: _, ...shown } = body;
      const has_client_secret = client_secret !== undefined || Boolean(this.provider?.has_client_secret);
      this.provider = { scopes: [], roles: {}, other_role: null, roles_claim: null, ...shown, has_client_secret, changed: Date.now(), callback_url: `https://chat.example.com/v1/sign-in/${tenant}/callback` };
    }
    if (this.provider === null) return error(404, 'not_found');
    const shown = this.provider;
    if (method === 'DELETE') this.provider = null;
    return ok(shown);
  }

  #shown(tenant_id) {
    return { tenant_id, ...this.facts, retention: { days: this.days, change: this.change } };
  }

  #put(tenant, { name, ...more }) {
    if (name !== undefined && name.trim() === '') return error(400, 'invalid_request', '`name` is empty');
    Object.assign(this.facts, name !== undefined && { name }, more);
    return ok(this.#shown(tenant));
  }

  /** Of ten thousand messages, ten a day, as many go as are older; told in parts. */
  #preview({ days, cursor }) {
    const from = Number(cursor ?? 0);
    const now = Date.now();
    const messages = Math.min(PART, 10_000 - from);
    const gone = Math.max(0, Math.min(messages, 10_000 - days * 10 - from));
    return {
      from_days: this.days,
      to_days: days,
      messages,
      gone,
      gone_oldest: gone > 0 ? now - (1_000 - from / 10) * DAY : null,
      gone_newest: gone > 0 ? now - days * DAY : null,
      ends_first: gone < messages ? now + DAY : null,
      ends_last: gone < messages ? now + days * DAY : null,
      note: 'Nothing comes back.',
      next_cursor: from + PART < 10_000 ? String(from + PART) : null,
    };
  }

  #keep({ days }) {
    this.change = {
      from_days: this.days,
      to_days: days,
      state: 'running',
      started: Date.now(),
      finished: null,
      conversations_done: 3,
      conversations_of: 12,
      messages_seen: 100,
      messages_removed: 40,
      messages_moved: 60,
      note: 'Nothing comes back.',
    };
    this.days = days;
    return ok(this.change, 202);
  }

  /** Ends the change of the retention that runs. */
  finish() {
    Object.assign(this.change, { state: 'done', finished: Date.now(), conversations_done: 12 });
  }

  #putNumber({ access_token: token, ...number }) {
    if (token === 'wrong') return error(422, 'token_refused', 'Meta does not accept the access token');
    const standing = { quality: 'RED', messaging_limit: 'TIER_2K', name_status: 'PENDING_REVIEW', status: 'CONNECTED', at: Date.now() };
    const shown = { app: 'main', rate: 80, ...number, lane: { state: 'running' }, standing };
    this.numbers.set(number.phone_number_id, shown);
    return ok(shown, 201);
  }

  #makeKey({ name, scopes, expires_days: days }, { id: user, name: by }) {
    if (scopes.length === 0) return error(400, 'invalid_request', '`scopes` must name at least one');
    const created = Date.now();
    const key = { key_id: hex(4), name, scopes, created, created_by: { user_id: user, name: by }, revoked: null, expires: days ? created + days * DAY : null };
    this.keys.push(key);
    this.note({ kind: 'user', id: user }, 'key_created', { target: { kind: 'key', id: key.key_id }, details: { scopes } });
    return ok({ ...key, key: `mj_live_${hex(16)}` }, 201);
  }

  #revoke(id) {
    const key = this.keys.find((one) => one.key_id === id);
    if (!key) return error(404, 'not_found', 'you have no key with this id');
    key.revoked ??= Date.now();
    return ok(key);
  }

  #audit(query) {
    const limit = 50;
    const wanted = this.entries.filter(
      (entry) =>
        new Date(entry.at).toISOString().startsWith(query.get('month')) &&
        (!query.get('actor') || [entry.actor.id, entry.actor.kind].includes(query.get('actor'))) &&
        (!query.get('action') || entry.action === query.get('action')) &&
        (!query.get('after') || entry.seq < Number(query.get('after'))),
    );
    const entries = wanted.toReversed().slice(0, limit);
    return { month: query.get('month'), entries, next: wanted.length > limit ? entries.at(-1).seq : null };
  }

  #verified() {
    return { month: '', entries: this.entries.length, is_intact: this.intact, broken_at: this.intact ? null : 3, why: this.intact ? null : 'the entry was changed' };
  }
}

/** A month of usage, for pictures. */
export function someUsage(days, now) {
  return Array.from({ length: days }, (_, i) => {
    const wave = 1 + Math.sin(i / 2);
    return {
      from: Math.floor(now / DAY) * DAY - (days - 1 - i) * DAY,
      messages: { inbound: Math.round(320 * wave + i), outbound: Math.round(410 * wave) },
      categories: { marketing: Math.round(90 * wave), utility: Math.round(60 * wave), authentication: 0, service: Math.round(260 * wave) },
      active_contacts: Math.round(120 * wave),
      agents: 4,
      storage_bytes: 1_200_000_000 + i * 3_000_000,
    };
  });
}
