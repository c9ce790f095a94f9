// Contacts on the fake gateway: the list, one contact and what belongs to it, definitions, imports, merges. The contacts are those
// of the ledger, as events know them.

import { randomBytes } from 'node:crypto';

const DAY = 86_400_000;
const hex = (bytes) => randomBytes(bytes).toString('hex');
const ok = (json, status = 200, headers = {}) => ({ status, json, headers });
const error = (status, code, message = code, more = {}) => ({ status, json: { error: { code, message, ...more } } });
const folded = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
const given = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0) && !(value.constructor === Object && Object.keys(value).length === 0)));

const PARTS = ['contacts', 'attributes', 'lists', 'segments', 'imports', 'merges'];
const MANAGED = ['segments', 'imports'];

/** The conditions of the filter language that tests write. */
const CONDITIONS = [
  [/^label = "([^"]+)"$/, (value) => [(one) => (one.labels ?? []).includes(value), `has the label ${value}`]],
  [/^owner = none$/, () => [(one) => !one.owner, 'is looked after by nobody']],
  [/^not opted_out$/, () => [(one) => !one.opted_out_at, 'has not opted out']],
  [/^attribute\.(\w+) = "([^"]+)"$/, (key, value) => [(one) => one.attributes?.[key] === value, `${key} is ${value}`]],
  [/^attribute\.(\w+) >= ([\d.]+)$/, (key, value) => [(one) => one.attributes?.[key] >= Number(value), `${key} is at least ${value}`]],
  [/^(not )?has attribute\.(\w+)$/, (not, key) => [(one) => (one.attributes?.[key] === undefined) === Boolean(not), `${not ?? ''}has ${key}`]],
  [/^list = "([^"]+)"$/, (id) => [(one) => (one.lists ?? []).includes(id), `is on the list ${id}`]],
  [/^last_active < (\d+)d$/, (days) => [() => true, `was active in the last ${days} days`]],
];

function parsed(filter) {
  const tests = [];
  const words = [];
  let position = 0;
  if (filter.trim() === '') return { matches: () => true, words: 'Everybody.' };
  for (const part of filter.split(/ and /)) {
    const [form, make] = CONDITIONS.find(([form]) => form.test(part.trim())) ?? [];
    if (!form) return { wrong: { message: 'a condition was expected, such as `label = "vip"`', position } };
    const [test, said] = make(...form.exec(part.trim()).slice(1));
    tests.push(test);
    words.push(said);
    position += [...part].length + ' and '.length;
  }
  return { matches: (one) => tests.every((test) => test(one)), words: `Whoever ${words.join(' and ')}.` };
}

export class Contacts {
  attributes = [];
  lists = [];
  segments = [];
  notes = new Map();
  consents = new Map();
  imports = new Map();
  merges = [];
  /** Whether an erasure is done when it is answered. */
  isQuick = true;
  proposals = [];
  /** How many contacts a call looks at: pages are short where few of them are wanted. */
  looksAt = 50;
  /** How many a step of counting looks at. */
  countsAt = 1_000;
  /** Calls that fail once or always: a function from `method path` to an answer, or nothing. */
  fail = () => undefined;
  /** What was uploaded, and what imports were started with. */
  uploaded = [];
  started = [];
  /** In how many calls the next list or attribute is deleted. */
  parts = 1;
  /** What an answer tells of how cells are read: empty for a gateway that reads them in one way. */
  flexible = { default_country: 'ID', bad_cells: 'reject_row', date_format: 'ymd', decimal: 'point' };
  /** Whether a file is kept once it was tried. */
  keepsTried = true;
  #ledger;

  constructor(ledger) {
    this.#ledger = ledger;
  }

  /** Adds many contacts that have never written. */
  fill(count, make = (i) => ({ name: `Customer ${String(i).padStart(5, '0')}`, phone: `6019${String(1_000_000 + i)}` })) {
    for (let i = 0; i < count; i += 1) {
      const at = Date.now() - 400 * DAY - i * 1_000;
      const contact = { id: hex(16), created: at, updated: at, ...make(i) };
      this.#ledger.contacts.set(contact.id, contact);
    }
  }

  /** The contact of a conversation. */
  of(conversation) {
    return this.#ledger.contacts.get(this.#ledger.conversations.get(conversation).contact_id);
  }

  /** Changes a contact, as another agent would. */
  change(id, changes) {
    const contact = this.#ledger.contacts.get(id);
    const next = given({ ...contact, ...changes, updated: Math.max(Date.now(), contact.updated + 1) });
    this.#ledger.contacts.set(id, next);
    this.#ledger.tellContact(next);
    return next;
  }

  /** Answers a call; null for one about something else. */
  answer({ method, path, url, body, headers, rights, user }) {
    if (!PARTS.includes(path[0]) && !(path[0] === 'contacts')) return null;
    const failed = this.fail(`${method} /${path.join('/')}`);
    if (failed) return error(...failed);
    const changes = method !== 'GET' && path.at(-1) !== 'explain' && path[1] !== 'count';
    if (MANAGED.includes(path[0]) && changes && !rights.includes('manage_business')) return error(403, 'forbidden');
    if (path[0] === 'imports') return this.#import(method, path, url, body, headers, rights);
    if (['attributes', 'lists', 'segments'].includes(path[0])) return this.#define(method, path, body);
    if (path[0] === 'merges') return path[2] === 'undo' ? this.#undo(path[1]) : this.#merges(url.searchParams.get('contact'));
    if (path.length === 1) return method === 'POST' ? this.#create(body) : this.#page(url.searchParams, user);
    if (path[1] === 'count') return this.#count(body);
    if (path[1] === 'duplicates') return ok({ proposals: this.proposals.map(({ contacts, why }) => ({ contacts: contacts.map((id) => this.#ledger.contacts.get(id)), why })), next_cursor: null });
    if (path[1] === 'export') return { status: 200, raw: this.#export(url.searchParams), headers: { 'content-type': 'text/csv' } };
    return this.#one(method, path, body, user);
  }

  /** Who is on a list, or in a segment. */
  meant({ list_id: list, segment_id: id }) {
    const segment = this.segments.find((one) => one.segment_id === id);
    const matches = list ? (one) => (one.lists ?? []).includes(list) : parsed(segment?.filter ?? 'label = "nobody"').matches;
    return this.#all.filter(matches);
  }

  get #all() {
    return [...this.#ledger.contacts.values()].filter((one) => !one.group_id);
  }

  #activity(id) {
    return Math.max(0, ...[...this.#ledger.conversations.values()].filter((row) => row.contact_id === id).map((row) => row.last_activity));
  }

  #matches(query) {
    const of = (name) => query.get(name) ?? '';
    const segment = this.segments.find((one) => one.segment_id === of('segment'));
    const inSegment = segment ? parsed(segment.filter).matches : () => true;
    const inFilter = parsed(of('filter')).matches;
    const search = folded(of('search').replace(/^@/, ''));
    const digits = search.replace(/\D/g, '');
    return (one) =>
      (search === '' ||
        [one.given_name, one.name, one.username].filter(Boolean).some((name) => folded(name).split(/[\s.]+/).some((word) => word.startsWith(search))) ||
        (digits.length >= 4 && (one.phone ?? '').includes(digits))) &&
      (of('label') === '' || (one.labels ?? []).includes(of('label'))) &&
      (of('list') === '' || (one.lists ?? []).includes(of('list'))) &&
      (of('owner') === '' || (of('owner') === 'none' ? !one.owner : one.owner === of('owner'))) &&
      (of('consent') === '' || Boolean(one.opted_out_at) === (of('consent') === 'opted_out')) &&
      inFilter(one) &&
      inSegment(one);
  }

  #page(query) {
    const limit = Number(query.get('limit') ?? 50);
    const from = Number(query.get('cursor') ?? 0);
    const by = { created: (one) => one.created, activity: (one) => this.#activity(one.id), name: (one) => folded(one.given_name ?? one.name ?? '') }[query.get('sort') ?? 'created'];
    const turn = query.get('order') === 'asc' ? 1 : -1;
    const all = this.#all.sort((one, other) => turn * (by(one) < by(other) ? -1 : 1));
    const matches = this.#matches(query);
    const seen = all.slice(from, from + Math.max(this.looksAt, 1));
    const contacts = seen.filter(matches).slice(0, limit);
    const next_cursor = from + seen.length < all.length ? String(from + seen.length) : null;
    return ok({ contacts, next_cursor, epoch: this.#ledger.epoch, as_of_seq: this.#ledger.head });
  }

  #count({ filter, segment, cursor }) {
    const text = filter ?? this.segments.find((one) => one.segment_id === segment)?.filter;
    const { wrong, matches } = parsed(text);
    if (wrong) return error(422, 'invalid_filter', wrong.message, { position: wrong.position });
    const from = Number(cursor ?? 0);
    const seen = this.#all.slice(from, from + this.countsAt);
    return ok({ count: seen.filter(matches).length, next_cursor: from + seen.length < this.#all.length ? String(from + seen.length) : null });
  }

  #create({ phone, given_name }) {
    const digits = phone.replace(/\D/g, '');
    if (digits.length < 8) return error(400, 'invalid_request', '`phone` is no phone number');
    const known = this.#all.find((one) => one.phone === digits);
    if (known) return error(409, 'contact_exists', 'there is one', { contact_id: known.id });
    const now = Date.now();
    const contact = given({ id: hex(16), phone: digits, given_name, created: now, updated: now });
    this.#ledger.contacts.set(contact.id, contact);
    return ok(contact, 201);
  }

  #one(method, [, id, part, which], body, user) {
    const contact = this.#ledger.contacts.get(id);
    if (!contact) return error(404, 'not_found');
    const by = { kind: 'agent', id: user };
    if (part === undefined) {
      if (method === 'GET') return ok({ contact, conversations: [...this.#ledger.conversations.values()].filter((row) => row.contact_id === id) });
      if (method === 'DELETE') {
        this.#ledger.erase(id);
        return ok({ contact_id: id, done: this.isQuick }, this.isQuick ? 200 : 202);
      }
      return ok(this.change(id, this.#changed(contact, body)));
    }
    if (part === 'notes') {
      const notes = this.notes.get(id) ?? [];
      if (method === 'GET') return ok({ notes });
      if (method === 'DELETE') {
        this.notes.set(id, notes.filter((one) => one.note_id !== which));
        return ok({});
      }
      const note = { note_id: hex(8), text: body.text, at: Date.now(), by };
      this.notes.set(id, [note, ...notes]);
      return ok(note, 201);
    }
    if (part === 'consents') {
      const consents = this.consents.get(id) ?? [];
      if (method === 'GET') return ok({ consents });
      const { state, source, proof } = body;
      this.consents.set(id, [{ purpose: which, state, at: Date.now(), source, proof, by }, ...consents]);
      return ok(this.change(id, { consents: { ...contact.consents, [which]: { state, at: Date.now(), source } } }));
    }
    if (part === 'block') {
      const others = (contact.blocked_on ?? []).filter((one) => one !== body.phone_number_id);
      return ok(this.change(id, { blocked_on: method === 'PUT' ? [...others, body.phone_number_id] : others }));
    }
    if (part === 'merge') return this.#merge(contact, body.other);
    return error(404, 'not_found');
  }

  #changed(contact, { given_name, attributes = {}, labels = {}, lists = {}, owner, is_minor }) {
    const set = (now = [], { add = [], remove = [] }) => [...new Set([...now.filter((one) => !remove.includes(one)), ...add])];
    return {
      ...(given_name !== undefined && { given_name }),
      ...(owner !== undefined && { owner }),
      ...(is_minor !== undefined && { is_minor }),
      attributes: Object.fromEntries(Object.entries({ ...contact.attributes, ...attributes }).filter(([, value]) => value !== null)),
      labels: set(contact.labels, labels),
      lists: set(contact.lists, lists),
    };
  }

  #merges(contact) {
    if (!contact) return error(400, 'invalid_request');
    return ok({ merges: this.merges.filter((one) => one.contact === contact).map(({ before, ...shown }) => shown) });
  }

  #merge(contact, otherId) {
    const other = this.#ledger.contacts.get(otherId);
    if (!other) return error(404, 'not_found');
    const merge_id = hex(8);
    this.merges.unshift({ merge_id, contact: contact.id, other: otherId, at: Date.now(), by: null, undo_until: Date.now() + 30 * DAY, before: [contact, other] });
    this.#ledger.contacts.delete(otherId);
    this.proposals = this.proposals.filter((one) => !one.contacts.includes(otherId));
    const merged = [...(contact.merged ?? []), { contact_id: otherId, name: other.name, phone: other.phone }];
    return ok({ merge_id, contact: this.change(contact.id, { merged, labels: [...new Set([...(contact.labels ?? []), ...(other.labels ?? [])])] }) });
  }

  #undo(id) {
    const merge = this.merges.find((one) => one.merge_id === id);
    if (!merge) return error(404, 'not_found');
    this.merges = this.merges.filter((one) => one !== merge);
    for (const one of merge.before) this.#ledger.contacts.set(one.id, { ...one, updated: Date.now() + 1 });
    return ok({ contacts: merge.before.map((one) => this.#ledger.contacts.get(one.id)) });
  }

  #define(method, [what, id, ...rest], body) {
    const key = { attributes: 'key', lists: 'list_id', segments: 'segment_id' }[what];
    if (id === 'explain') {
      const { wrong, words } = parsed(body.filter);
      return wrong ? error(422, 'invalid_filter', wrong.message, { position: wrong.position }) : ok({ filter: body.filter, words });
    }
    if (what === 'lists' && rest[0] === 'members') return this.#members(id, body);
    if (rest.length > 0) return error(404, 'not_found');
    if (method === 'GET') return ok({ [what]: this[what] });
    const at = this[what].findIndex((one) => one[key] === id);
    if (method === 'DELETE') {
      if (at < 0) return error(404, 'not_found');
      // One that very many contacts have goes part by part.
      this.parts -= 1;
      if (this.parts > 0 && what !== 'segments') return ok({ [key]: id, done: false }, 202);
      this[what].splice(at, 1);
      return ok({ [key]: id, ...(what !== 'segments' && { done: true }) });
    }
    if (what === 'attributes' && at >= 0 && this[what][at].type !== body.type) return error(400, 'invalid_request', '`type` stays as it was');
    if (what === 'segments' && parsed(body.filter).wrong) {
      const { message, position } = parsed(body.filter).wrong;
      return error(422, 'invalid_filter', message, { position });
    }
    const more = what === 'segments' ? { words: parsed(body.filter).words, changed_at: Date.now() } : what === 'lists' ? { created: Date.now() } : {};
    const one = { [key]: id ?? hex(8), ...more, ...body };
    if (at < 0) this[what].push(one);
    else this[what][at] = { ...this[what][at], ...one };
    return ok(one, at < 0 ? 201 : 200);
  }

  #members(list, { add = [], remove = [] }) {
    if (add.length + remove.length > 1_000) return error(400, 'invalid_request', 'at most 1,000 contacts');
    for (const id of [...add, ...remove]) this.change(id, this.#changed(this.#ledger.contacts.get(id), { lists: { add: add.includes(id) ? [list] : [], remove: remove.includes(id) ? [list] : [] } }));
    return ok({ added: add.length, removed: remove.length });
  }

  #export(query) {
    const matches = this.#matches(query);
    return ['phone,name', ...this.#all.filter(matches).map((one) => `${one.phone ?? ''},${one.given_name ?? one.name ?? ''}`)].join('\n');
  }

  #import(method, [, id, part], url, body, headers, rights) {
    if (!rights.includes('manage_business')) return error(403, 'forbidden');
    if (method === 'POST' && id === undefined) {
      const text = body.toString('utf8');
      const [head, ...rows] = text.trim().split('\n').map((line) => line.split(','));
      const mapping = Object.fromEntries(head.map((column) => [column, { Phone: 'phone', Name: 'name', City: 'attribute.city' }[column] ?? 'skip']));
      const one = { import_id: hex(8), state: 'uploaded', name: url.searchParams.get('name'), bytes: body.length, format: 'csv', encoding: 'UTF-8', separator: ',', columns: head, sample: rows.slice(0, 3), mapping, of: rows.length, ...this.flexible };
      this.uploaded.push({ type: headers['content-type'], bytes: body.length });
      this.imports.set(one.import_id, one);
      return ok(one, 201);
    }
    if (id === undefined) return ok({ imports: [...this.imports.values()].reverse() });
    const one = this.imports.get(id);
    if (!one) return error(404, 'not_found');
    if (part === 'start') {
      if (one.state !== 'uploaded' && !(this.keepsTried && one.state === 'done' && one.dry_run)) return error(409, 'import_started');
      this.started.push(body);
      Object.assign(one, { state: 'running', dry_run: body.dry_run, rows: 0, created: 0, updated: 0, unchanged: 0, rejected: 0, bytes_read: 0, sample: [], mapping: body.mapping, ...(this.flexible.bad_cells && { reasons: {}, left_out: 0 }) });
      return ok({ import_id: id, state: 'running' }, 202);
    }
    if (part === 'errors' && url.searchParams.get('of') === 'rows') return { status: 200, raw: 'Phone,Name,reason\nabc,Ali,this is no phone number\n', headers: { 'content-type': 'text/csv' } };
    if (part === 'errors') return { status: 200, raw: 'line,column,code,reason,value\n3,Phone,no_phone,this is no phone number,abc\n', headers: { 'content-type': 'text/csv' } };
    if (method === 'DELETE') {
      if (one.state === 'running') one.state = 'cancelled';
      else this.imports.delete(id);
      return ok({});
    }
    return ok(one);
  }

  #makeAttributes(mapping) {
    for (const field of Object.values(mapping)) {
      const [, type = 'text', name] = /^attribute\.new(?:\.(\w+))?:(.*)$/.exec(field) ?? [];
      if (name) this.attributes.push({ key: name.toLowerCase(), name, type });
    }
  }

  /** Lets an import go on: to a part of it, or to its end. */
  goOn(id, share = 1) {
    const one = this.imports.get(id);
    const rows = Math.round(one.of * share);
    Object.assign(one, { rows, bytes_read: Math.round(one.bytes * share), created: Math.max(0, rows - 2), updated: Math.min(rows, 1), rejected: Math.min(Math.max(rows - 1, 0), 1) });
    if (one.reasons) Object.assign(one, { reasons: { phone_invalid: one.rejected, not_a_date: 2 * one.rejected }, left_out: 2 * one.rejected });
    if (share === 1) one.state = 'done';
    if (share === 1 && !one.dry_run) this.#makeAttributes(one.mapping);
  }
}
