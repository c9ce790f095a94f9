// What operators call on the fake gateway, as docs/api.md has it: tenants, quarantine, health.

import { hex, ok } from './people.mjs';

const DAY = 86_400_000;
const error = (status, code, message = code) => ({ status, json: { error: { code, message } } });

export class Operators {
  /** Tokens, and whose they are; null is the one of the settings. */
  tokens = new Map([['settings-token-of-the-gateway', null]]);
  tenants = [];
  numbers = [];
  keys = [];
  quotas = [{ name: 'sockets', limit: 200, used: 12 }, { name: 'agents', limit: 10, used: 9 }];
  quarantined = [];
  ready = { status: 'ready' };
  metrics = { 'mesej_build_info{version="0.1.0"}': 1, mesej_start_time_seconds: 1_790_000_000, mesej_journal_backlog: 3, 'mesej_lane_queue_depth{priority="interactive"}': 2, 'mesej_lane_queue_depth{priority="bulk"}': 5 };
  /** How many one call replays. */
  part = 2;
  heard = [];
  days = 365;

  /** An operator with a token of its own; the token. */
  add(name, role) {
    const operator_id = hex(6);
    const token = `mj_op_${operator_id}_${hex(20)}_${hex(3)}`;
    this.tokens.set(token, { operator_id, name, role, created: Date.now(), expires: null, revoked: null });
    return token;
  }

  tenant(name, more = {}) {
    const one = { tenant_id: hex(8), name, retention_days: 365, created: Date.now() - 40 * DAY, region: null, privacy_contact: null, ...more };
    this.tenants.push(one);
    return one;
  }

  putAside(reason) {
    this.quarantined.push({ id: hex(8), at: Date.now(), reason, app: 'main', bytes: 1234 });
  }

  #found(query) {
    const words = (query.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.tenants
      .filter(({ name, tenant_id: id }) => words.every((word) => `${name} ${id}`.toLowerCase().includes(word)))
      .toSorted((one, other) => (one.name.toLowerCase() < other.name.toLowerCase() ? -1 : 1));
    const [begin, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit') ?? 100)];
    const end = begin + limit;
    return { tenants: found.slice(begin, end), found: found.length, next_cursor: end < found.length ? String(end) : null };
  }

  text() {
    return Object.entries(this.metrics).map(([name, value]) => `${name} ${value}`).join('\n');
  }

  /** Answers a call below `/v1/admin`. */
  answer(method, path, query, body, headers) {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (!this.tokens.has(token)) return error(401, 'unauthorized');
    const { role = 'admin' } = this.tokens.get(token) ?? {};
    if (method !== 'GET' && role === 'viewer') return error(403, 'forbidden');
    this.heard.push(`${method} ${path.join('/')}`);
    const [first, id, part] = path;
    const tenant = this.tenants.find((one) => one.tenant_id === id);
    if (first === 'tenants' && id && !tenant) return error(404, 'not_found', 'there is no such tenant');
    const call = `${method} ${first}${id ? '/one' : ''}${part ? `/${part}` : ''}`;
    switch (first === 'quarantine' ? `${method} ${path.join('/')}` : call) {
      case 'GET operators':
        return ok({ operators: [...this.tokens.values()].filter(Boolean) });
      case 'GET tenants':
        return ok(this.#found(query));
      case 'POST tenants':
        return ok(this.tenant(body.name), 201);
      case 'GET tenants/one':
        return ok(tenant);
      case 'GET tenants/one/numbers':
        return path.at(-1) === 'check' ? ok({ checks: [{ name: 'quality', ok: true, verdict: 'good', detail: 'GREEN' }] }) : ok({ numbers: this.numbers });
      case 'GET tenants/one/keys':
        return ok({ keys: this.keys });
      case 'DELETE tenants/one/keys':
        this.keys.find((key) => key.key_id === path[3]).revoked = Date.now();
        return ok({});
      case 'GET tenants/one/retention':
        return ok({ retention_days: this.days, change: null });
      case 'GET tenants/one/quotas':
        return ok({ quotas: this.quotas });
      case 'PUT tenants/one/quotas':
        for (const quota of this.quotas) if (quota.name in body) quota.limit = body[quota.name] ?? 200;
        return ok({ quotas: this.quotas });
      case 'POST tenants/one/invitations':
        return ok({ ...body, link: `http://localhost/#/invitation/${id}/x`, token: 'x', expires: Date.now() + DAY, mailed: false }, 201);
      case 'GET quarantine':
        return ok({ quarantined: this.quarantined, next_cursor: null });
      case 'POST quarantine/replay':
        return this.#replay(body);
      default:
        return error(404, 'not_found');
    }
  }

  #replay({ ids, all }) {
    if (ids) {
      this.quarantined = this.quarantined.filter((one) => !ids.includes(one.id));
      return ok({ replayed: ids.length, more: false });
    }
    if (!all) return error(400, 'invalid_request');
    const gone = this.quarantined.splice(0, this.part);
    const more = this.quarantined.length > 0;
    return ok({ replayed: gone.length, more, ...(more && { next: { all: true, after: gone.at(-1).id, until: Date.now() } }) });
  }
}
