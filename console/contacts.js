// Contacts: the calls about them, what the business has defined for them, and how values are written. No DOM in here.

import { ApiError } from './http.js';
import { has, number, t } from './language.js';
import { day } from './time.js';

/** @import { Contact } from './types.d.ts' */

/** As long as lists and attributes are taken for known: others may change them. */
const KNOWN_FOR = 300_000;
/** So many calls are made for one press: a search that finds little reads on that far by itself. */
const MOST_CALLS = 8;
const ENOUGH = 40;
/** A count goes on in so many steps, then it says what it has. The gateway makes one long call of a business at a time: it waits for others. */
const MOST_STEPS = 400;
const MOST_WAITS = 8;
/** In as many parts as this a list or attribute is taken from its contacts. */
const MOST_PARTS = 1_000;

/** What a list of contacts can be looked through by; nothing is chosen. */
export const NO_FILTER = Object.freeze({ search: '', label: '', list: '', owner: '', consent: '', number: '', segment: '', key: '', how: '', value: '', condition: '', sort: 'created', order: 'desc' });

/** Whether anything is chosen that leaves contacts out. `key`, `how` and `value` are what `condition` is made of. */
export function isFiltered({ sort: _sort, order: _order, key: _key, how: _how, value: _value, ...filter }) {
  return Object.values(filter).some((value) => value !== '');
}

/** The query of a page of contacts. */
export function queryOf({ key: _key, how: _how, value: _value, condition, ...filter }, cursor = null) {
  const query = new URLSearchParams({ limit: '50' });
  for (const [name, chosen] of Object.entries({ ...filter, filter: condition })) if (chosen.trim() !== '') query.set(name, chosen.trim());
  if (cursor !== null) query.set('cursor', cursor);
  return `?${query}`;
}

/**
 * Reads pages until enough contacts are there or the end is: `{contacts, next}`. A page may be short, or empty, although more follow;
 * after so many calls it stops where it is. `onPage(contacts)` gets what each brings.
 *
 * @param {(cursor: string | null) => Promise<{contacts: Contact[], next_cursor?: string | null}>} read
 * @param {string | null} [cursor]
 * @param {{signal?: AbortSignal, onPage?: (contacts: Contact[]) => void}} [how]
 */
export async function readOn(read, cursor = null, { signal, onPage = () => {} } = {}) {
  const contacts = [];
  let next = cursor;
  for (let calls = 0; calls < MOST_CALLS; calls += 1) {
    const page = await read(next);
    signal?.throwIfAborted();
    contacts.push(...page.contacts);
    next = page.next_cursor ?? null;
    onPage(page.contacts);
    if (next === null || contacts.length >= ENOUGH) break;
  }
  return { contacts, next };
}

/**
 * Counts step by step: `onStep(count)` hears how many so far. Resolves with `{count, isWhole}`.
 *
 * @param {(method: string, path: string, body: unknown, how: object) => Promise<any>} ask
 * @param {{filter?: string, segment?: string}} wanted
 * @param {{signal?: AbortSignal, onStep?: (count: number) => void, pause?: (ms: number) => Promise<unknown>}} [how]
 */
export async function countOn(ask, wanted, { signal, onStep = () => {}, pause = rest } = {}) {
  let count = 0;
  let cursor = null;
  let waits = 0;
  const step = async () => {
    for (;;)
      try {
        return await ask('POST', '/v1/contacts/count', { ...wanted, ...(cursor && { cursor }) }, { signal });
      } catch (error) {
        waits += 1;
        if (error.code !== 'busy' || waits > MOST_WAITS) throw error;
        await pause(error.wait ?? 1_000);
        signal?.throwIfAborted();
      }
  };
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const part = await step();
    signal?.throwIfAborted();
    count += part.count;
    cursor = part.next_cursor ?? null;
    if (cursor === null) return { count, isWhole: true };
    onStep(count);
  }
  return { count, isWhole: false };
}

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Which of many rows of one height are in view, and some beside them. */
export function windowOf({ count, height, top, room, spare = 12 }) {
  const first = Math.floor(Math.max(0, top) / height);
  const from = Math.max(0, Math.min(first - spare, count - 1));
  return { from, to: Math.min(count, Math.max(first, 0) + Math.ceil(room / height) + spare) };
}

/** The kinds of attribute. */
export const ATTRIBUTE_TYPES = ['text', 'number', 'date', 'boolean', 'choice'];

/** The value of an attribute as people read it. */
export function valueText(type, value) {
  if (typeof value === 'boolean') return t(value ? 'attribute.yes' : 'attribute.no');
  if (typeof value === 'number') return number(value, { maximumFractionDigits: 10 });
  if (type === 'date' && /^\d{4}-\d{2}-\d{2}$/.test(value)) return day(new Date(`${value}T00:00`).getTime());
  return String(value);
}

/** What is written in the field of an attribute, as the gateway takes it; null takes it away. */
export function valueOf(type, text) {
  const written = text.trim();
  if (written === '') return null;
  if (type === 'number') return Number(written);
  if (type === 'boolean') return written === 'true';
  return written;
}

/** A key made of a name: small letters, digits and `_`, with a letter first. */
export function keyOf(name) {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[_\d]+|_+$/g, '')
    .slice(0, 32);
}

/** What a purpose of consent is called: the page's own word, or what the business calls it. */
export function purposeName(purpose) {
  return has(`purpose.${purpose}`) ? t(`purpose.${purpose}`) : purpose;
}

/** The calls about contacts, by `ask(method, path, body, how)`. */
export class Contacts {
  #ask;
  #now;
  #known = new Map();
  /** Imports that may still be making attributes, as far as this page knows. */
  #importing = new Set();
  /** Notes that are begun, by contact. */
  drafts = new Map();
  /** The labels that the page has seen, by how the gateway compares them. */
  #labels = new Map();
  #learned = null;

  constructor(ask, now = () => Date.now()) {
    this.#ask = ask;
    this.#now = now;
  }

  async page(filter, cursor, signal) {
    const page = await this.#ask('GET', `/v1/contacts${queryOf(filter, cursor)}`, undefined, { signal });
    page.contacts.forEach((contact) => this.seen(contact));
    return page;
  }

  one(id) {
    return this.#ask('GET', pathOf(id));
  }

  /** Notes the labels of a contact: they are suggested from then on. */
  seen({ labels = [] }) {
    for (const label of labels) if (!this.#labels.has(foldedLabel(label))) this.#labels.set(foldedLabel(label), label);
  }

  /** The labels that are known, in order. */
  get labels() {
    return [...this.#labels.values()].sort((one, other) => one.localeCompare(other));
  }

  /** A label as it is written already: "VIP" and "vip" are one. */
  spelled(label) {
    return this.#labels.get(foldedLabel(label)) ?? label;
  }

  /** Sees the contacts that were active last, once: what labels they have is what is in use. Resolves when it has, or cannot. */
  learnLabels() {
    this.#learned ??= this.page({ ...NO_FILTER, sort: 'activity' }, null).then(
      () => {},
      () => (this.#learned = null),
    );
    return this.#learned;
  }

  create(contact) {
    return this.#ask('POST', '/v1/contacts', contact);
  }

  async change(id, changes) {
    const contact = await this.#ask('PUT', pathOf(id), changes);
    this.seen(contact);
    return contact;
  }

  /** Puts contacts on a list, or takes them off it. At most 1,000 a call. */
  members(list, changes) {
    return this.#ask('POST', `/v1/lists/${encodeURIComponent(list)}/members`, changes);
  }

  async notes(id) {
    return (await this.#ask('GET', `${pathOf(id)}/notes`)).notes;
  }

  addNote(id, text) {
    return this.#ask('POST', `${pathOf(id)}/notes`, { text });
  }

  removeNote(id, note) {
    return this.#ask('DELETE', `${pathOf(id)}/notes/${encodeURIComponent(note)}`);
  }

  async consents(id) {
    return (await this.#ask('GET', `${pathOf(id)}/consents`)).consents;
  }

  setConsent(id, purpose, consent) {
    return this.#ask('PUT', `${pathOf(id)}/consents/${encodeURIComponent(purpose)}`, consent);
  }

  block(id, phone_number_id, isBlocked) {
    return this.#ask(isBlocked ? 'PUT' : 'DELETE', `${pathOf(id)}/block`, { phone_number_id });
  }

  merge(id, other) {
    return this.#ask('POST', `${pathOf(id)}/merge`, { other });
  }

  async merges(id) {
    return (await this.#ask('GET', `/v1/merges?contact=${id}`)).merges;
  }

  undoMerge(id) {
    return this.#ask('POST', `/v1/merges/${encodeURIComponent(id)}/undo`, {});
  }

  /** Erases a customer, for good: `{contact_id, done}`. */
  erase(id) {
    return this.#ask('DELETE', pathOf(id));
  }

  duplicates(cursor) {
    return this.#ask('GET', `/v1/contacts/duplicates${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`);
  }

  /** The attributes that the business has defined; `fresh` asks again. */
  attributes(fresh) {
    return this.#defined('attributes', fresh);
  }

  lists(fresh) {
    return this.#defined('lists', fresh);
  }

  segments(fresh) {
    return this.#defined('segments', fresh);
  }

  /** The numbers of the business. */
  numbers(fresh) {
    return this.#defined('numbers', fresh);
  }

  /** Notes how an import stands: it makes attributes of its columns, so what is known of them holds for no longer. */
  imported(id, isRunning) {
    if (isRunning) this.#importing.add(id);
    else this.#importing.delete(id);
    this.#known.delete('attributes');
  }

  /** Changes a definition, so that it is read again: `what` is `attributes`, `lists` or `segments`. */
  async define(what, method, id, body, cursor = null) {
    const path = id === null ? `/v1/${what}` : `/v1/${what}/${encodeURIComponent(id)}`;
    const answer = await this.#ask(method, cursor === null ? path : `${path}?cursor=${encodeURIComponent(cursor)}`, body);
    this.#known.delete(what);
    return answer;
  }

  /** Deletes a definition. One that very many contacts have goes part by part: the gateway says that it is not done, and is asked again. */
  async remove(what, id) {
    let cursor = null;
    for (let parts = 0; parts < MOST_PARTS; parts += 1) {
      const answer = await this.define(what, 'DELETE', id, undefined, cursor);
      if (answer.done !== false) return;
      cursor = answer.next_cursor ?? null;
    }
    throw new ApiError(0, 'no_answer', '');
  }

  #defined(what, fresh = false) {
    const known = this.#known.get(what);
    const isSettled = what !== 'attributes' || this.#importing.size === 0;
    if (known && !fresh && isSettled && this.#now() - known.at < KNOWN_FOR) return known.read;
    const read = this.#ask('GET', `/v1/${what}`).then((answer) => answer[what]);
    const entry = { at: this.#now(), read };
    this.#known.set(what, entry);
    // What could not be read is asked for again by whoever needs it next.
    read.catch(() => this.#known.get(what) === entry && this.#known.delete(what));
    return read;
  }
}

/** A label as the gateway compares it: without case and accents. */
export function foldedLabel(label) {
  return label.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function pathOf(id) {
  return `/v1/contacts/${encodeURIComponent(id)}`;
}

const made = new WeakMap();

/** The calls about contacts of a page's context: what they know is known to all its parts. */
export function contactsOf(context) {
  if (!made.has(context)) made.set(context, new Contacts(context.ask));
  return made.get(context);
}
