// Broadcasts on the fake gateway, as docs/api.md has them: what is written, planned, launched, and how it goes. Nothing goes on by itself
// but a plan, which is ready the second time somebody looks.

import { randomBytes } from 'node:crypto';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const ok = (json, status = 200) => ({ status, json });
const error = (status, code, message = code, more = {}) => ({ status, json: { error: { code, message, ...more } } });
const OUTCOMES = ['queued', 'unknown', 'held', 'sent', 'delivered', 'read', 'failed', 'expired', 'cancelled', 'erased'];
const PAGE = 50;
const sumOf = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

export class Broadcasts {
  /** Newest first. */
  rows = [];
  /** Calls that fail: a function from `method path` to `[status, code, message]`, or nothing. */
  fail = () => undefined;
  /** Whether a plan is ready the next time that somebody looks; else `finishPlan(id)` makes it so. */
  isQuick = true;
  /** What was called for: `[method, path, body]`. */
  heard = [];
  #ledger;
  #contacts;
  #plans = new Map();
  #files = new Map();

  constructor(ledger, contacts) {
    this.#ledger = ledger;
    this.#contacts = contacts;
  }

  /** Makes one that stands somewhere already. */
  add(row) {
    const at = Date.now();
    const by = { kind: 'agent', id: 'ana' };
    const one = {
      broadcast_id: hex(16),
      name: 'Spring',
      template: { name: 'olive_tree', language: { code: 'en' }, components: [{ type: 'body', parameters: [{ type: 'text', text: 'Friday' }] }] },
      numbers: [this.#ledger.number],
      audience: { type: 'upload' },
      exclude: { lists: [], segments: [] },
      rate: null,
      at: null,
      not_after: null,
      state: 'draft',
      version: 1,
      problem: null,
      upload: null,
      plan: null,
      created_by: by,
      created_at: at,
      changed_by: by,
      changed_at: at,
      launched_by: null,
      launched_at: null,
      ended_at: null,
      ...row,
    };
    this.rows.unshift(one);
    return one;
  }

  /** One that runs, with so many recipients; `outcomes` are those of whom a turn came. */
  addRunning(name, recipients, outcomes = {}, more = {}) {
    const at = Date.now();
    const plan = { total: recipients + 3, recipients, suppressed: { opted_out: 2, phone_invalid: 1 }, purpose: 'marketing', at };
    const row = this.add({ name, state: 'running', plan, launched_at: at, launched_by: { kind: 'agent', id: 'ana' }, rate_now: 80, limited_by: 'number_rate', expected_end: at + 600_000, ...more });
    this.#plans.set(row.broadcast_id, Array.from({ length: Math.min(recipients + 3, 120) }, (_, i) => ({ no: i + 1, contact_id: hex(16), name: `Customer ${i + 1}`, phone: `62812${1_000_000 + i}`, outcome: 'planned' })));
    this.#count(row, outcomes);
    return row;
  }

  one(id) {
    return this.rows.find((row) => row.broadcast_id === id);
  }

  /** Lets one go on: so many recipients came to each outcome. An event tells it, if it is to. */
  goOn(row, outcomes, { isTold = true, ...more } = {}) {
    this.#count(row, outcomes, more.counts);
    Object.assign(row, more, { counts: row.counts });
    const { left: _left, messages: _messages, moved_at: _moved, ...counts } = row.counts;
    if (isTold) this.#ledger.tellBroadcast({ broadcast_id: row.broadcast_id, numbers: row.numbers, run: 'running', counts: { ...counts, outcomes }, since: {} });
  }

  #count(row, outcomes, more = {}) {
    const submitted = sumOf(outcomes);
    row.counts = {
      submitted,
      messages: submitted,
      outcomes: { ...Object.fromEntries(OUTCOMES.map((one) => [one, 0])), ...outcomes },
      suppressed: {},
      failed_by_code: {},
      failed_by_other_codes: 0,
      reactions: {},
      left: row.plan.recipients - submitted + (outcomes.queued ?? 0),
      moved_at: Date.now(),
      ...more,
    };
    const came = Object.entries(outcomes).flatMap(([outcome, count]) => Array.from({ length: Math.min(count, 120) }, () => outcome));
    const plan = this.#plans.get(row.broadcast_id) ?? [];
    plan.filter((one) => one.outcome !== 'suppressed').forEach((one, i) => Object.assign(one, { outcome: came[i] ?? 'planned', ...(came[i] && { at: Date.now() }), ...(came[i] === 'failed' && { code: 131026 }) }));
  }

  /** Somebody else changes one. */
  change(row, change, by = { kind: 'agent', id: 'ben' }) {
    Object.assign(row, change, { version: row.version + 1, changed_by: by, changed_at: Date.now() });
  }

  answer({ method, path: [, id, part], url, body, rights, by }) {
    const failed = this.fail(`${method} /broadcasts${id ? `/${part ?? 'one'}` : ''}`);
    this.heard.push([method, part ?? (id ? 'one' : 'all'), body]);
    if (failed) return error(...failed);
    const right = part === 'export' ? 'manage_business' : method === 'GET' ? 'see_broadcasts' : 'broadcast';
    if (!rights.includes(right)) return error(403, 'forbidden');
    if (id === undefined) return method === 'GET' ? this.#page(url.searchParams) : ok({ broadcast: this.add({ ...given(body), created_by: by, changed_by: by }) }, 201);
    const row = this.one(id);
    if (!row) return error(404, 'not_found');
    if (part === 'recipients') return this.#recipients(row, url.searchParams);
    if (part === 'export') return { status: 200, raw: this.#export(row, url.searchParams), headers: { 'content-type': 'text/csv' } };
    if (part === 'audience') return this.#upload(row, body, url.searchParams);
    if (part === 'dry-run') return this.#dryRun(row);
    if (method === 'GET') return ok({ broadcast: this.#looked(row) });
    if (method === 'DELETE') {
      this.rows = this.rows.filter((one) => one !== row);
      return ok({ broadcast_id: id });
    }
    if (method === 'PUT') return this.#put(row, body, by);
    return this.#steer(row, part, body, by);
  }

  #page(query) {
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? PAGE);
    return ok({ broadcasts: this.rows.slice(from, from + limit), next_cursor: from + limit < this.rows.length ? String(from + limit) : null });
  }

  #put(row, { version, ...definition }, by) {
    if (!['draft', 'ready'].includes(row.state)) return error(409, 'broadcast_state', 'it can be changed as a draft', { state: row.state });
    if (version !== row.version) return error(409, 'broadcast_changed', 'the broadcast is not as you saw it');
    this.change(row, { ...given(definition), state: 'draft', plan: null, problem: null }, by);
    return ok({ broadcast: row });
  }

  #upload(row, body, query) {
    const [head, ...lines] = body.toString('utf8').trim().split('\n').map((line) => line.split(','));
    const phone = query.get('phone') ?? head.find((column) => /phone/i.test(column));
    if (!head.includes(phone)) return error(400, 'invalid_request', 'no column is called after a phone: say in `phone` which it is');
    this.#files.set(row.broadcast_id, lines.map((cells) => Object.fromEntries(head.map((column, i) => [column, cells[i] ?? '']))));
    this.change(row, { state: 'draft', plan: null, upload: { columns: head, phone, rows: lines.length, at: Date.now() } }, row.changed_by);
    return ok({ broadcast: row });
  }

  #steer(row, what, body, by) {
    const { state } = row;
    const wrong = () => error(409, 'broadcast_state', `the broadcast is ${state}`, { state });
    if (what === 'plan') {
      if (!row.template) return error(400, 'invalid_request', 'the broadcast has no `template` yet');
      this.change(row, { state: 'planning', problem: null, progress: { read: 0, planned: 0, suppressed: 0 } }, by);
      return ok({ broadcast: row }, 202);
    }
    if (what === 'launch') {
      if (body.version !== row.version) return error(409, 'broadcast_changed', 'the broadcast is not as you saw it');
      if (state !== 'ready') return wrong();
      if (body.recipients !== row.plan.recipients) return error(409, 'count_differs', 'others', { recipients: row.plan.recipients });
      this.change(row, { state: row.at || row.at_local ? 'scheduled' : 'running', launched_at: Date.now(), launched_by: by, rate_now: 80, limited_by: row.rate ? 'broadcast_rate' : 'number_rate' }, by);
      this.#count(row, {});
      return ok({ broadcast: row }, 202);
    }
    if (what === 'retry') {
      if (!['done', 'cancelled'].includes(state) || row.retried_by) return wrong();
      const { name, numbers, template } = row;
      const made = this.add({ name, numbers, template, audience: { type: 'retry', broadcast_id: row.broadcast_id }, created_by: by, changed_by: by });
      this.change(row, { retried_by: made.broadcast_id }, by);
      return ok({ broadcast: made }, 201);
    }
    if (what === 'cancel' && state === 'planning') this.change(row, { state: 'draft', plan: null }, by);
    else if (what === 'cancel') this.change(row, { state: 'cancelled', ended_at: Date.now() }, by);
    else if (what === 'pause' && state === 'running') this.change(row, { state: 'paused' }, by);
    else if (what === 'resume' && state === 'paused') this.change(row, { state: 'running', problem: null }, by);
    else return wrong();
    return ok({ broadcast: row });
  }

  #looked(row) {
    const shown = structuredClone(row);
    if (row.state === 'planning' && this.isQuick) this.finishPlan(row);
    return shown;
  }

  /** Writes the recipients down. */
  finishPlan(row) {
    const { audience, template, exclude } = row;
    const file = this.#files.get(row.broadcast_id) ?? [];
    const people = audience.type === 'upload' ? file.map((cells, i) => ({ cells, line: i + 2, phone: cells[row.upload.phone] })) : this.#contacts.meant(audience).map((contact) => ({ contact, phone: contact.phone }));
    const left = new Set(exclude.lists.flatMap((list_id) => this.#contacts.meant({ list_id })).map((one) => one.id));
    const seen = new Set();
    const plan = people.map(({ contact, cells = {}, line, phone }, i) => {
      const fill = (value) => (value?.from ? (value.from === 'name' ? contact?.name : value.from === 'attribute' ? contact?.attributes?.[value.key] : cells[value.key]) || value.fallback || null : value);
      const components = JSON.parse(JSON.stringify(template.components ?? []), (_, value) => (value?.from ? fill(value) : value));
      const isMissing = JSON.stringify(components).includes(':null');
      const reason = contact && left.has(contact.id) ? 'excluded' : contact?.opted_out_at ? 'opted_out' : !/^\+?\d{8,}$/.test(phone ?? '') ? 'phone_invalid' : seen.has(phone) ? 'duplicate' : isMissing ? 'variable_missing' : undefined;
      seen.add(phone);
      return { no: i + 1, ...(line && { line }), contact_id: contact?.id, name: contact?.given_name ?? contact?.name, phone, outcome: reason ? 'suppressed' : 'planned', reason, template: reason ? undefined : { ...template, components } };
    });
    this.#plans.set(row.broadcast_id, plan);
    const suppressed = {};
    for (const { reason } of plan) if (reason) suppressed[reason] = (suppressed[reason] ?? 0) + 1;
    const recipients = plan.filter(({ reason }) => !reason).length;
    this.change(row, { state: 'ready', plan: { total: plan.length, recipients, suppressed, purpose: 'marketing', at: Date.now() } }, row.changed_by);
  }

  #recipients(row, query) {
    const all = (this.#plans.get(row.broadcast_id) ?? []).filter((one) => !query.get('outcome') || one.outcome === query.get('outcome'));
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? 100);
    const shown = all.slice(from, from + limit).map(({ template, ...one }) => ({ ...one, ...(query.get('filled') === 'true' && template && { template }) }));
    return ok({ recipients: shown, next_cursor: from + limit < all.length ? String(from + limit) : null });
  }

  /** Everybody is in Malaysia but the last, who is nowhere that is known. */
  #dryRun(row) {
    if (!['ready', 'scheduled'].includes(row.state)) return error(409, 'broadcast_state', 'a dry run is of one that is ready', { state: row.state });
    const { total, recipients, suppressed } = row.plan;
    const perSecond = row.rate ?? 80;
    const starts = Math.max(Date.now(), row.at ?? 0);
    const ends = starts + Math.ceil((recipients * 1_000) / perSecond);
    const of = (market, messages, price) => ({ market, countries: {}, messages, price: String(price / 1e4), cost: String((messages * price) / 1e4) });
    const markets = [of('Malaysia', recipients - 1, 860), of('Other', 1, 604)].filter((one) => one.messages > 0);
    const spend = { category: 'marketing', currency: 'USD', rate_card: { date: '2026-01-01', source: 'made up' }, markets, total: String(((recipients - 1) * 860 + 604) / 1e4), unpriced: 0 };
    const hours = [{ at: Math.floor(starts / 3_600_000) * 3_600_000, messages: recipients }];
    const limited = row.rate ? 'broadcast_rate' : 'number_rate';
    return ok({ dry_run: { broadcast_id: row.broadcast_id, version: row.version, total, recipients, suppressed, starts_at: starts, ends_at: ends, seconds: Math.ceil((ends - starts) / 1_000), per_second: perSecond, limited_by: limited, hours, later: 0, spend } });
  }

  #export(row, query) {
    const all = (this.#plans.get(row.broadcast_id) ?? []).filter((one) => !query.get('outcome') || one.outcome === query.get('outcome'));
    if (query.get('format') === 'ndjson') return all.map((one) => JSON.stringify(one)).join('\n');
    return ['no,phone,name,outcome', ...all.map((one) => `${one.no},${one.phone ?? ''},${one.name ?? ''},${one.outcome}`)].join('\n');
  }
}

/** What a definition says, with what it leaves out. */
function given({ name, template = null, numbers, audience, exclude = { lists: [], segments: [] }, rate = null, at = null, not_after = null, hours = null, at_local = null, not_after_local = null }) {
  return { name, template, numbers, audience, exclude, rate, at, not_after, hours, at_local, not_after_local };
}
