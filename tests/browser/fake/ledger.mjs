// What a tenant holds, in memory: a dense ledger and the rows derived from it. Survives a "restart" of the fake gateway.

import { randomBytes } from 'node:crypto';
import { mergeDelivery } from '../../../console/delivery.js';

/** As long as the gateway takes a conversation for known to its clients without activity. */
const QUIET = 600_000;

const hex = (bytes) => randomBytes(bytes).toString('hex');

/** Time-ordered ids, as text too. */
let lastId = 0;
export function messageId(at) {
  lastId += 1;
  return at.toString(16).padStart(12, '0') + lastId.toString(16).padStart(6, '0') + hex(7);
}

export class Ledger {
  epoch = hex(8);
  number = '106540352242922';
  shownNumber = { phone_number_id: this.number, display_phone_number: '+62 811 1000 200', waba_id: '2201' };
  /** Further numbers of the same account. */
  otherNumbers = [];
  lane = { state: 'running', scope: 'all' };
  events = [];
  conversations = new Map();
  contacts = new Map();
  messages = new Map();
  answered = new Map();
  cannedReplies = new Map();
  /** Conversations as the last event told of them. */
  #told = new Map();
  /** Called with every new event. */
  onEvent = () => {};

  get head() {
    return this.events.length;
  }

  #commit(kind, conversation_id, data, at) {
    const event = {
      seq: this.head + 1,
      at,
      kind,
      ...(conversation_id && { conversation_id }),
      data: structuredClone(data),
    };
    this.events.push(event);
    this.onEvent(event);
    return event;
  }

  /** Tells how a broadcast goes. */
  tellBroadcast(data, at = Date.now()) {
    return this.#commit('broadcast', undefined, data, at);
  }

  /** Adds a canned reply, or replaces it. */
  putCannedReply(shortcut, text, changed_by = { kind: 'api', key: 'demo' }, isPrivate = false) {
    const reply = { shortcut, text, ...(isPrivate && { private: true }), changed_at: Date.now(), changed_by };
    this.cannedReplies.set(shortcut, reply);
    return reply;
  }

  /** A customer, and the conversation with them. */
  meet({ name, phone, username, bsuid, group_id, number = this.number }, at = Date.now()) {
    const contact = { id: hex(16), created: at, updated: at, name, phone, username, bsuid, group_id };
    this.contacts.set(contact.id, contact);
    return this.begin(contact.id, at, number);
  }

  /** Begins a conversation with a contact. */
  begin(contact_id, at = Date.now(), number = this.number) {
    const conversation = {
      id: hex(16),
      number,
      contact_id,
      status: 'open',
      labels: [],
      unread: 0,
      last_activity: at,
      last_message_seq: 0,
      created: at,
    };
    this.conversations.set(conversation.id, conversation);
    this.messages.set(conversation.id, []);
    return conversation.id;
  }

  #add(id, message, changes) {
    const conversation = this.conversations.get(id);
    this.messages.get(id).push(message);
    Object.assign(conversation, {
      last_activity: message.created,
      last_message_seq: this.head + 1,
      last_message_by: message.author,
      last_message_id: message.id,
      last_message_kind: message.content.type,
      last_message_failed: false,
      preview: preview(message.content),
      ...changes,
    });
    this.#commit('message', id, { message, ...this.#shown(id, message, message.created) }, message.created);
    return message;
  }

  /** A conversation as an event shows it: whole where a client may not have it, else what changed. */
  #shown(id, message, at) {
    const row = structuredClone(this.conversations.get(id));
    const before = this.#told.get(id);
    this.#told.set(id, row);
    const isAboutTheLast = message?.id === row.last_message_id;
    const opens = before?.status !== 'open' && row.status === 'open';
    if (!before || opens || at - before.last_activity >= QUIET) {
      const conversation = isAboutTheLast ? row : { ...row, preview: undefined };
      return { conversation, contact: this.contacts.get(row.contact_id) };
    }
    const conversation_changes = changes(before, row);
    delete conversation_changes.preview;
    if (isAboutTheLast) conversation_changes.preview = row.preview ?? null;
    else if (before.last_message_id !== row.last_message_id) conversation_changes.preview = null;
    return { conversation_changes };
  }

  /** The customer writes. */
  receive(id, content, at = Date.now(), media = undefined) {
    const conversation = this.conversations.get(id);
    const opens = content.type !== 'system' && content.type !== 'reaction';
    return this.#add(
      id,
      this.#message(id, 'inbound', { kind: 'contact' }, content, at, { wamid: `wamid.${hex(12)}`, ...(media && { media }) }),
      {
        unread: conversation.unread + (content.type === 'system' ? 0 : 1),
        ...(opens && { last_inbound: at }),
        ...(conversation.status === 'resolved' && { status: 'open' }),
      },
    );
  }

  #message(id, direction, author, content, at, more) {
    const { contact_id, number } = this.conversations.get(id);
    return {
      id: messageId(at),
      conversation_id: id,
      contact_id,
      number,
      direction,
      author,
      content,
      created: at,
      ...more,
    };
  }

  /** An agent or a program writes. */
  submit(id, content, { author, client_msg_id, at = Date.now(), wamid, media }) {
    const delivery = {
      state: 'queued',
      times: {},
      priority: 'interactive',
      on_unknown: 'ask',
      attempts: 0,
      ...(client_msg_id && { client_msg_id }),
    };
    return this.#add(id, this.#message(id, 'outbound', author, content, at, { delivery, ...(wamid && { wamid }), ...(media && { media }) }), {});
  }

  note(id, text, { author, at = Date.now() }) {
    return this.#add(id, this.#message(id, 'note', author, { type: 'note', note: { body: text } }, at), {});
  }

  /** An outbound message moves. */
  move(message, state, { at = Date.now(), error, due, wamid } = {}) {
    if (wamid) message.wamid = wamid;
    message.delivery = mergeDelivery(message.delivery, {
      times: { [state]: at },
      attempts: 1,
      ...(error && { error }),
    });
    const { delivery } = message;
    const conversation = this.conversations.get(message.conversation_id);
    if (conversation.last_message_id === message.id) {
      conversation.last_message_failed = ['failed', 'expired'].includes(delivery.state);
    }
    return this.#commit(
      'status',
      message.conversation_id,
      { message_id: message.id, ...(message.wamid && { wamid: message.wamid }), ...delivery, ...(due && { due }) },
      at,
    );
  }

  /** The file of a message comes, or will not come any more. */
  settle(message, media) {
    message.media = media;
    return this.#commit('media', message.conversation_id, { message_id: message.id, conversation_id: message.conversation_id, media }, Date.now());
  }

  /** Something else about a conversation changes. */
  organise(id, changes, by, at = Date.now()) {
    const conversation = this.conversations.get(id);
    Object.assign(conversation, changes);
    return this.#commit('conversation', id, { ...this.#shown(id, undefined, at), by }, at);
  }

  /** A contact changes. */
  tellContact(contact) {
    return this.#commit('contact', undefined, { contact, changed: ['details'] }, contact.updated);
  }

  /** How sending from the number stands changes. */
  stand(lane) {
    this.lane = lane;
    return this.#commit('lane', undefined, { number: this.number, ...lane }, Date.now());
  }

  /** Erases a customer: rows go, what was told of them is blank, and one event says so. */
  erase(contact_id) {
    this.contacts.delete(contact_id);
    for (const row of [...this.conversations.values()].filter((one) => one.contact_id === contact_id)) {
      this.conversations.delete(row.id);
      this.messages.delete(row.id);
      this.events = this.events.map((event) => (event.conversation_id === row.id ? { seq: event.seq, kind: 'erased' } : event));
    }
    const event = { seq: this.head + 1, kind: 'erased' };
    this.events.push(event);
    this.onEvent(event);
  }

  /** A restore from an old backup: another epoch, the same rows. */
  loseTheLog() {
    this.epoch = hex(8);
    this.events = [];
  }

  find(message_id) {
    for (const list of this.messages.values()) {
      const found = list.find((message) => message.id === message_id);
      if (found) return found;
    }
    return undefined;
  }
}

// The kinds of which the gateway shows the first words; the others have no preview.
const WITH_WORDS = ['text', 'note', 'image', 'video', 'document', 'button', 'reaction'];

function preview(content) {
  const object = WITH_WORDS.includes(content.type) ? content[content.type] : {};
  return (object.body ?? object.caption ?? object.text ?? object.emoji)?.slice(0, 120);
}

const FIELDS_OF_AN_AUTHOR = { kind: null, id: null, key: null };

/** What changed, as a merge patch. */
function changes(before, row) {
  const patch = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(row)])) {
    if (JSON.stringify(before[name]) === JSON.stringify(row[name])) continue;
    patch[name] = row[name] ?? null;
  }
  // A merge patch goes into objects: it says which fields this author does not have.
  if (patch.last_message_by) patch.last_message_by = { ...FIELDS_OF_AN_AUTHOR, ...patch.last_message_by };
  // The gateway leaves it out unless it is so.
  if (patch.last_message_failed === false) patch.last_message_failed = null;
  return patch;
}
