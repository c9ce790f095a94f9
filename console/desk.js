// What the page does: holds what it knows, and carries out what the agent asks for. No DOM in here.

import { sentenceOf } from './account.js';
import { has, t } from './language.js';
import { RowReader } from './row_reader.js';
import { AgentSocket } from './socket.js';
import { emptyState, reduce } from './store.js';

/** @import { Api } from './api.js' */

const DELAY_SHOWN_AFTER = 2_000;
const MOST_DELAYS_ASKED = 5;
const RECEIPT_EVERY = 20_000;
/** With more conversations than these, those that are far down the list are forgotten, at most once a minute. */
const MOST_ROWS = 1_000;
const FORGET_EVERY = 60_000;

export class Desk {
  state = emptyState();
  /** The conversation that is open, or null. */
  open = null;
  /** Whether customers see that their messages were read. */
  receipts = true;
  /** Last reply by somebody else, and texts of ours that were refused because of it, by conversation. */
  others = new Map();
  conflicts = new Map();
  #api;
  #changed;
  #now;
  #uuid;
  #watched;
  #tell;
  #met;
  #arrived;
  #progressed;
  #reading = new Set();
  #asking = new Set();
  #named = new Set();
  #mayForget;
  #forgot = 0;
  #rows;
  #typed = { id: null, at: 0 };

  /**
   * `changed()` is called after every change; `watched()` says whether the agent can see the page; `say(text, tone)` shows
   * a passing line; `met(agents)` is called with colleagues that the page shows; `mayForget()` says whether nobody looks at what is far
   * down the list; `arrived(message)` is called with what customers write; `progressed(told)` with how broadcasts go, and with null where something may have
   * been missed; `socket` holds what the socket needs from the browser.
   *
   * @param {{api: Api, changed: () => void, watched: () => boolean, say: (text: string, tone?: string) => void,
   *   met?: (agents: (string | undefined)[]) => void, arrived?: (message: import('./types.d.ts').Message) => void, progressed?: (told: any) => void, mayForget?: () => boolean, now: () => number, uuid: () => string, socket: any}} given
   */
  constructor({ api, changed, watched, say, met = () => {}, arrived = () => {}, progressed = () => {}, mayForget = () => true, now, uuid, socket }) {
    this.#api = api;
    this.#changed = changed;
    this.#watched = watched;
    this.#tell = say;
    this.#met = met;
    this.#arrived = arrived;
    this.#progressed = progressed;
    this.#mayForget = mayForget;
    this.#now = now;
    this.#uuid = uuid;
    this.#rows = new RowReader({
      wanted: () => this.state.unknown.keys(),
      read: (id) => api.conversation(id),
      loaded: (conversation) => this.dispatch({ type: 'conversation_loaded', conversation }),
      gone: (id) => this.dispatch({ type: 'conversation_gone', id }),
      timers: socket.timers,
      random: socket.random,
    });
    this.socket = new AgentSocket({
      ...socket,
      now,
      ticket: () => api.ticket(this.state.me),
      cursor: () => ({
        epoch: this.state.epoch ?? undefined,
        seq: this.state.epoch === null ? undefined : this.state.seq,
      }),
      on: {
        link: (link) => this.#linked(link),
        welcome: (frame) => {
          this.dispatch({ ...frame, type: 'welcome' });
          this.#meet();
        },
        events: (events) => this.#happened(events),
        reload: () => this.#reload(),
        accepted: (frame) => this.dispatch({ ...frame, type: 'accepted' }),
        refused: (frame) => this.#refused(frame),
        caughtUp: (count) => count > 0 && say(t('desk.caught_up', { count }), 'good'),
        frame: (frame) => this.#told(frame),
      },
    });
  }

  /** Changes what is known. */
  dispatch(action) {
    this.state = reduce(this.state, action);
    this.#changed();
  }

  /** Sits down as an agent: see `signed_in` in the store. */
  async start(me) {
    this.dispatch({ type: 'signed_in', me });
    // When this fails the socket does it again: it has no position to go on from.
    await this.#reload().catch(() => {});
    this.socket.start();
  }

  // --- reading -----------------------------------------------------------------------------------------------------

  async #reload() {
    const list = await this.#api.conversations();
    const id = this.open;
    const page = id ? await this.#api.messages(id).catch(gone) : null;
    const rows = list.conversations;
    if (page && !rows.some((row) => row.id === id)) rows.push(await this.#api.conversation(id));
    this.#rows.forget();
    this.state = reduce(this.state, {
      type: 'list_loaded',
      fresh: true,
      rows,
      cursor: list.next_cursor,
      epoch: list.epoch,
      as_of_seq: list.as_of_seq,
    });
    // Threads of before are gone with the list. Another conversation may have been opened while this was asked for.
    if (page) this.state = [{ type: 'thread_asked', id }, loaded(id, page)].reduce(reduce, this.state);
    else if (this.open === id) this.open = null;
    this.#changed();
    this.#progressed(null);
    if (this.open && this.open !== id) this.#reopened(this.open);
  }

  async #reopened(id) {
    const isKnown = await this.find(id).catch(() => true);
    if (this.open !== id) return;
    if (isKnown) await this.#page(id, undefined);
    else this.show(null);
  }

  /** Shows a conversation. */
  async show(id) {
    if (this.open === id) return;
    if (this.open) this.typing(false);
    this.open = id;
    this.dispatch({ type: 'delays', delays: new Map() });
    this.socket.tell({ type: 'viewing', conversation_id: id });
    if (id && !this.state.threads.get(id)?.loaded) await this.#page(id, undefined);
    else if (id) this.dispatch({ type: 'thread_used', id });
  }

  /** Makes a conversation known, wherever in the list it is; says whether it is there. */
  async find(id) {
    if (this.state.conversations.has(id)) return true;
    const conversation = await this.#api.conversation(id).catch(gone);
    if (conversation) this.dispatch({ type: 'conversation_loaded', conversation });
    return conversation !== null;
  }

  /** Loads older messages of the open conversation. */
  async older() {
    const thread = this.state.threads.get(this.open);
    if (thread?.loaded && !thread.loading && !thread.complete) await this.#page(this.open, thread.before);
  }

  /** Tries again to load the open conversation. */
  async reopen() {
    await this.#page(this.open, undefined);
  }

  async #page(id, before) {
    if (this.state.threads.get(id)?.loading) return;
    this.dispatch({ type: 'thread_asked', id });
    try {
      const page = await this.#api.messages(id, before);
      // An answer from another epoch belongs to a list that is about to be loaded anew.
      if (page.epoch !== this.state.epoch) throw new Error('another epoch');
      this.dispatch(loaded(id, page));
    } catch {
      this.dispatch({ type: 'thread_failed', id });
    }
  }

  /** Loads more of the list. */
  async more() {
    const cursor = this.state.listCursor;
    if (!cursor || this.#asking.has(cursor)) return;
    this.#asking.add(cursor);
    try {
      const list = await this.#api.conversations(cursor);
      if (list.epoch === this.state.epoch)
        this.dispatch({ type: 'list_loaded', rows: list.conversations, cursor: list.next_cursor });
    } catch {
      this.#tell(t('desk.list_failed'), 'bad');
    }
    this.#asking.delete(cursor);
  }

  /** Forgets what is far down a list that has grown long: a page that stays open for days would hold everything else. */
  async forget() {
    const { conversations, contacts, epoch } = this.state;
    if (Math.max(conversations.size, contacts.size) <= MOST_ROWS || !this.#mayForget() || this.#now() - this.#forgot < FORGET_EVERY) return;
    this.#forgot = this.#now();
    const list = await this.#api.conversations().catch(() => null);
    if (!list || list.conversations.length === 0 || list.epoch !== epoch || this.state.epoch !== epoch || !this.#mayForget()) return;
    this.dispatch({ type: 'list_renewed', rows: list.conversations, cursor: list.next_cursor, open: this.open });
    this.#named.clear();
    for (const id of this.others.keys()) if (!this.state.conversations.has(id)) this.others.delete(id);
  }

  /** Everything about a message, fresh. */
  details(id) {
    return this.#api.message(id);
  }

  /** Marks the open conversation as read, once the agent can see it. */
  async seen() {
    const id = this.open;
    const row = this.state.conversations.get(id);
    if (!row || row.unread === 0 || this.state.me.readOnly || !this.#watched() || this.#reading.has(id)) return;
    this.#reading.add(id);
    await this.socket
      .ask({ type: 'read', conversation_id: id, last_seen_seq: row.last_message_seq, receipt: this.receipts })
      .catch(() => {});
    this.#reading.delete(id);
  }

  /** Learns why messages of the open thread still wait. */
  async askDelays() {
    const thread = this.state.threads.get(this.open);
    if (!thread || this.state.link.state !== 'live') return;
    const waiting = thread.messages
      .filter(
        (one) => ['queued', 'claimed'].includes(one.delivery?.state) && this.#now() - one.created > DELAY_SHOWN_AFTER,
      )
      .slice(-MOST_DELAYS_ASKED);
    if (waiting.length === 0 && this.state.delays.size === 0) return;
    const answers = await Promise.all(waiting.map((one) => this.#api.message(one.id).catch(() => null)));
    this.dispatch({ type: 'delays', delays: new Map(answers.filter(Boolean).map((one) => [one.id, one.delay])) });
  }

  /** Learns how sending from each number stands. */
  async askNumbers() {
    const before = this.state.lanes;
    const numbers = await this.#api.numbers().catch(() => null);
    if (numbers) this.dispatch({ type: 'numbers_loaded', numbers, before });
  }

  /** Looks again after numbers that stand still: that a pause lasts longer is not told by an event. */
  refreshPauses() {
    if ([...this.state.lanes.values()].some((lane) => lane.state !== 'running')) this.askNumbers();
  }

  // --- writing -----------------------------------------------------------------------------------------------------

  /**
   * Sends a content to the customer of a conversation. `anyway` does not mind what others wrote meanwhile; `file` is what the content
   * has of a file, to be shown until the gateway shows it.
   *
   * @param {string} conversation_id
   * @param {import('./types.d.ts').Content} message
   * @param {{anyway?: boolean, file?: import('./types.d.ts').MediaFile}} [how]
   */
  send(conversation_id, message, { anyway = false, file } = {}) {
    const row = this.state.conversations.get(conversation_id);
    // A reaction answers one message: it does not matter what was written after it.
    const last_seen_seq = anyway || message.type === 'reaction' ? undefined : row?.last_message_seq;
    this.#submit({ type: 'send', conversation_id, message, last_seen_seq }, { content: message, seen: last_seen_seq, ...(file && { media: file }) });
  }

  /** Writes a note that only agents see. */
  note(conversation_id, text) {
    this.#submit({ type: 'note', conversation_id, text }, { text, content: { type: 'note', note: { body: text } } });
  }

  #submit(frame, shown) {
    const client_msg_id = this.#uuid();
    const item = {
      client_msg_id,
      conversation_id: frame.conversation_id,
      kind: frame.type,
      created: this.#now(),
      ...shown,
    };
    this.dispatch({ type: 'queued', item });
    if (!this.socket.submit({ ...frame, client_msg_id })) {
      this.dispatch({
        type: 'refused',
        client_msg_id,
        error: { code: 'outbox_full' },
      });
    }
  }

  /** Sends a refused message once more, as a new one. */
  again(item) {
    this.drop(item);
    if (item.kind === 'note') this.note(item.conversation_id, item.text);
    else this.send(item.conversation_id, item.content, { file: item.media });
  }

  /** Takes a refused message off the page. */
  drop(item) {
    this.dispatch({ type: 'dropped', client_msg_id: item.client_msg_id });
  }

  /** Takes back a message that still waits. */
  withdraw(id) {
    return this.#api.withdraw(id);
  }

  /** Decides about an unknown outcome. */
  resolve(id, action) {
    return this.#api.resolve(id, action);
  }

  /** Tells the others, and now and then the customer, that the agent is writing. */
  typing(on) {
    const now = this.#now();
    const same = this.#typed.id === this.open;
    if (!on) {
      if (this.#typed.id) this.socket.tell({ type: 'typing', conversation_id: this.#typed.id, on: false });
      this.#typed = { id: null, at: 0, told: this.#typed.told };
    } else if (this.open && !(same && now - this.#typed.at < 3_000)) {
      this.socket.tell({ type: 'typing', conversation_id: this.open, on: true });
      const told = same && now - (this.#typed.told ?? 0) < RECEIPT_EVERY ? this.#typed.told : now;
      if (told === now && this.receipts)
        this.socket.tell({ type: 'read', conversation_id: this.open, receipt: true, typing: true });
      this.#typed = { id: this.open, at: now, told };
    }
  }

  // --- organising --------------------------------------------------------------------------------------------------

  /**
   * Changes the open conversation: `{type: 'assign', agent}`, `{type: 'label', add, remove}` or `{type: 'status', status}`. Resolves
   * with whether it was done; a refusal is said.
   */
  async organise(change) {
    try {
      await this.socket.ask({ ...change, conversation_id: this.open });
      return true;
    } catch (error) {
      this.#tell(refusalText(error), 'bad');
      return false;
    }
  }

  // --- what the gateway says ---------------------------------------------------------------------------------------

  #linked(link) {
    const was = this.state.link.state;
    this.dispatch({ type: 'link', link });
    if (link.state !== 'live' || was === 'live') return;
    this.socket.tell({ type: 'presence', state: 'online' });
    if (this.open) this.socket.tell({ type: 'viewing', conversation_id: this.open });
    // A server that started anew has forgotten what stood still.
    this.askNumbers();
  }

  #happened(events) {
    for (const { kind, seq, at, data } of events) {
      const message = kind === 'message' ? data.message : null;
      const foreign = message?.direction === 'outbound' && !message.via && message.author.id !== this.state.me.agent;
      if (foreign) this.others.set(message.conversation_id, { seq, at, by: message.author, id: message.id });
    }
    this.dispatch({ type: 'events', events });
    for (const { kind, data } of events) if (kind === 'message' && data.message.direction === 'inbound' && !data.message.via) this.#arrived(data.message);
    for (const { kind, data } of events) if (kind === 'broadcast') this.#progressed(data);
    this.#rows.look();
    this.#fetchNames();
    this.#meet();
    this.forget();
  }

  #meet() {
    const rows = [...this.state.conversations.values()];
    const writers = rows.map((row) => (row.last_message_by?.kind === 'agent' ? row.last_message_by.id : undefined));
    this.#met([...this.state.presence.keys(), ...rows.map((row) => row.assignee), ...writers]);
  }

  // A server of an earlier version left events that give a conversation whole and not its contact.
  async #fetchNames() {
    for (const row of this.state.conversations.values()) {
      if (this.state.contacts.has(row.contact_id) || this.#named.has(row.id)) continue;
      this.#named.add(row.id);
      try {
        this.dispatch({ type: 'conversation_loaded', conversation: await this.#api.conversation(row.id) });
      } catch {
        // It stays without a name; asking again for every event would not help.
      }
    }
  }

  #refused(frame) {
    const item = this.state.pending.get(frame.client_msg_id);
    if (frame.code === 'conversation_changed' && item?.content.type === 'text') {
      this.conflicts.set(item.conversation_id, [...(this.conflicts.get(item.conversation_id) ?? []), item]);
      this.drop(item);
      return;
    }
    this.dispatch({
      type: 'refused',
      client_msg_id: frame.client_msg_id,
      error: { code: frame.code, message: frame.message },
    });
  }

  #told(frame) {
    if (frame.type === 'typing') this.dispatch({ ...frame, now: this.#now() });
    else if (frame.type === 'viewing') this.dispatch(frame);
    else if (frame.type === 'presence') {
      this.dispatch(frame);
      this.#meet();
    }
    else if (frame.type === 'error') this.#tell(refusalText(frame), 'bad');
  }
}

function loaded(id, page) {
  return { type: 'thread_loaded', id, rows: page.messages, complete: page.next_cursor === null };
}

/** What the socket refused, in words. */
function refusalText({ code, message }) {
  return has(`link_refusal.${code}`) ? t(`link_refusal.${code}`) : sentenceOf({ code, message });
}

function gone(error) {
  if (error.status === 404) return null;
  throw error;
}
