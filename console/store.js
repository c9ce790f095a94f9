// What the page knows: a pure function from a state and an action to the next state. No DOM, no network, no clock.
//
// A state is never changed in place: a view may compare by reference to see whether anything of it changed. Everything
// that the gateway says may come twice (by REST and by the socket), so every step is idempotent.

import { mergeDelivery } from './delivery.js';
import { conversationOf, rowAfter } from './rows.js';

const MOST_THREADS = 20;
const TYPING_LASTS = 8_000;

/** @import { Contact, Conversation, Lane, Message, PhoneNumber } from './types.d.ts' */

/**
 * What the page knows.
 *
 * @typedef {object} State
 * @property {any} me who sits here
 * @property {string | null} epoch
 * @property {number} seq the position of the last applied event
 * @property {boolean} listLoaded
 * @property {string | null} listCursor
 * @property {Map<string, Conversation>} conversations
 * @property {Map<string, any[]>} unknown events about conversations that are not known, of which they tell only what changed:
 *   applied once they are
 * @property {Map<string, Contact>} contacts
 * @property {Map<string, any>} threads
 * @property {Map<string, any>} pending
 * @property {Map<string, any>} delays
 * @property {Map<string, Lane>} lanes how sending from each number stands
 * @property {Map<string, PhoneNumber>} numbers
 * @property {Map<string, string[]>} viewing the agents who look at a conversation
 * @property {Map<string, any>} typing
 * @property {Map<string, string>} presence
 * @property {any} link how the connection stands, as the socket says it
 */

/**
 * A page that knows nothing yet.
 *
 * @returns {State}
 */
export function emptyState() {
  return {
    me: null,
    epoch: null,
    seq: 0,
    listLoaded: false,
    listCursor: null,
    conversations: new Map(),
    unknown: new Map(),
    contacts: new Map(),
    threads: new Map(),
    pending: new Map(),
    delays: new Map(),
    lanes: new Map(),
    numbers: new Map(),
    viewing: new Map(),
    typing: new Map(),
    presence: new Map(),
    link: { state: 'connecting' },
  };
}

const STEPS = {
  /** Who sits here: `{agent, name}`, and for somebody who signed in `readOnly` and `colleagues`. */
  signed_in: (state, { me }) => ({ ...state, me }),
  /** The names of the team: a map from agent to `{name, role}`. */
  colleagues_loaded: (state, { colleagues }) => ({ ...state, me: { ...state.me, colleagues } }),
  /** How the connection stands, as the socket says it. */
  link: (state, { link }) => ({ ...state, link }),
  list_loaded: listLoaded,
  list_renewed: listRenewed,
  conversation_loaded: (state, { conversation }) => withConversations(state, [conversation]),
  // The answer to a change may come after the event of a later one.
  contact_changed: (state, { contact }) => (state.contacts.get(contact.id)?.updated <= contact.updated ? { ...state, contacts: new Map(state.contacts).set(contact.id, contact) } : state),
  conversation_gone: (state, { id }) => {
    const unknown = new Map(state.unknown);
    unknown.delete(id);
    return { ...state, unknown };
  },
  thread_asked: threadAsked,
  thread_loaded: threadLoaded,
  thread_used: (state, { id }) => withThread(state, id, (thread) => thread),
  thread_failed: (state, { id }) =>
    withThread(state, id, (thread) => ({ ...thread, loading: false, failed: true, meanwhile: [] })),
  events: (state, { events }) => events.reduce(applyEvent, { ...state, ...copies(state) }),
  queued: (state, { item }) => withPending(state, item.client_msg_id, { ...item, state: 'sending' }),
  accepted,
  refused: (state, { client_msg_id, error }) =>
    withPending(state, client_msg_id, { ...state.pending.get(client_msg_id), state: 'failed', error }),
  dropped: (state, { client_msg_id }) => withPending(state, client_msg_id, undefined),
  /** Why queued messages wait, as far as somebody looks at them: a map from message id. */
  delays: (state, { delays }) => ({ ...state, delays }),
  numbers_loaded: numbersLoaded,
  welcome: (state, { present = [], viewing = [] }) => ({
    ...state,
    presence: new Map(present.map((one) => [one.agent, one.state])),
    viewing: new Map(viewing.map((one) => [one.conversation_id, one.agents])),
    typing: new Map(),
  }),
  viewing: (state, { conversation_id, agents }) => {
    const viewing = new Map(state.viewing).set(conversation_id, agents);
    if (agents.length === 0) viewing.delete(conversation_id);
    return { ...state, viewing };
  },
  presence: (state, { agents }) => {
    const now = new Map([...state.presence, ...agents.map((one) => [one.agent, one.state])]);
    return { ...state, presence: new Map([...now].filter(([, presence]) => presence !== 'offline')) };
  },
  typing: typingChanged,
  typing_ended: (state, { now }) => typingEnded(state, now),
};

/**
 * The state after an action. An action that nobody knows leaves it as it is.
 *
 * @param {State} state
 * @param {{type: string, [key: string]: any}} action
 * @returns {State}
 */
export function reduce(state, action) {
  const step = STEPS[action.type];
  return step ? step(state, action) : state;
}

function copies(state) {
  return {
    conversations: new Map(state.conversations),
    unknown: new Map(state.unknown),
    contacts: new Map(state.contacts),
    threads: new Map(state.threads),
    pending: new Map(state.pending),
    lanes: new Map(state.lanes),
  };
}

/** The tenant's numbers. `before` are the lanes as they were when they were asked for: an event since then is newer. */
function numbersLoaded(state, { numbers, before }) {
  const lanes = new Map(state.lanes);
  for (const { phone_number_id: id, lane } of numbers)
    if (lane && lanes.get(id) === before.get(id)) lanes.set(id, lane);
  return { ...state, lanes, numbers: new Map(numbers.map((number) => [number.phone_number_id, number])) };
}

// --- conversations -----------------------------------------------------------------------------------------------

function withConversations(state, rows) {
  const conversations = new Map(state.conversations);
  const unknown = new Map(state.unknown);
  const contacts = new Map(state.contacts);
  for (const { contact, ...row } of rows) {
    // One that an event already brought is at least as new as a page of the list. One of which events told meanwhile what
    // changed may have been read before these.
    if (!conversations.has(row.id)) conversations.set(row.id, (unknown.get(row.id) ?? []).reduce(rowAfter, row));
    unknown.delete(row.id);
    if (contact && !(contacts.get(contact.id)?.updated > contact.updated)) contacts.set(contact.id, contact);
  }
  return { ...state, conversations, unknown, contacts };
}

/** A page of the list; `fresh` replaces all that was known, as after a resync. */
function listLoaded(state, { rows, cursor, epoch, as_of_seq, fresh }) {
  const base = fresh
    ? {
        ...state,
        conversations: new Map(),
        unknown: new Map(),
        contacts: new Map(),
        threads: new Map(),
        epoch,
        seq: as_of_seq,
      }
    : state;
  return { ...withConversations(base, rows), listLoaded: true, listCursor: cursor };
}

/**
 * The first page of the list, read again: what is below it is forgotten, and comes back by the cursor. What stays is what the
 * agent has open, had open lately, or is responsible for.
 */
function listRenewed(state, { rows, cursor, open }) {
  const next = withConversations(state, rows);
  const lowest = Math.min(...rows.map((row) => row.last_activity));
  const isKept = ([id, row]) => row.last_activity >= lowest || id === open || state.threads.has(id) || row.assignee === state.me.agent;
  const conversations = new Map([...next.conversations].filter(isKept));
  const people = new Set([...conversations.values()].map((row) => row.contact_id));
  for (const { messages } of state.threads.values()) for (const message of messages) people.add(message.contact_id);
  const contacts = new Map([...next.contacts].filter(([id]) => people.has(id)));
  return { ...next, conversations, contacts, listCursor: cursor };
}

/** Conversations, newest activity first. */
export function inOrder(state) {
  return [...state.conversations.values()].sort(
    (one, other) => other.last_activity - one.last_activity || (one.id < other.id ? -1 : 1),
  );
}

// --- threads -----------------------------------------------------------------------------------------------------

const UNASKED = {
  messages: [],
  /** Who took, gave away or closed it while it was shown. */
  lines: [],
  loaded: false,
  loading: false,
  failed: false,
  /** Whether it reaches back to its beginning; if not, it holds all from the message `before` on. */
  complete: false,
  before: null,
  /** Events that came while a page was on its way. */
  meanwhile: [],
};

function withThread(state, id, change) {
  const threads = new Map(state.threads);
  const thread = threads.get(id) ?? UNASKED;
  // The one used last is the last to be forgotten.
  threads.delete(id);
  threads.set(id, change(thread));
  for (const old of threads.keys()) {
    if (threads.size <= MOST_THREADS) break;
    threads.delete(old);
  }
  return { ...state, threads };
}

function threadAsked(state, { id }) {
  return withThread(state, id, (thread) => ({ ...thread, loading: true, failed: false, meanwhile: [] }));
}

/**
 * A page of a thread. Events that came while it was on its way are applied again on top: the page may have been read
 * before them, and its messages were not there yet to take their statuses.
 */
function threadLoaded(state, { id, rows, complete }) {
  const asked = state.threads.get(id);
  if (!asked) return state;
  const next = withThread({ ...state, pending: new Map(state.pending) }, id, (thread) => ({
    ...thread,
    messages: rows.reduce(insertMessage, thread.messages),
    loaded: true,
    loading: false,
    complete: thread.complete || complete,
    before: rows.at(-1)?.id ?? thread.before,
    meanwhile: [],
  }));
  for (const row of rows) settlePending(next, row);
  return asked.meanwhile.reduce(applyToThread, next);
}

/** A list of messages with this one in its place, joined with what was known of it. The list stays ordered by id. */
function insertMessage(messages, message) {
  let at = messages.length;
  while (at > 0 && messages[at - 1].id > message.id) at -= 1;
  const known = at > 0 && messages[at - 1].id === message.id ? messages[at - 1] : undefined;
  if (!known) return messages.toSpliced(at, 0, message);
  return messages.with(at - 1, joined(known, message));
}

function joined(known, news) {
  // What was taken back stays so, whatever a page that was read before it says.
  if (known.revoked_at && !news.revoked_at) return known;
  const message = news.revoked_at ? { ...news } : { ...known, ...news };
  if (known.delivery && news.delivery) message.delivery = mergeDelivery(known.delivery, news.delivery);
  return message;
}

function updateThread(state, id, change) {
  const thread = state.threads.get(id);
  if (thread) state.threads.set(id, change(thread));
}

// --- events ------------------------------------------------------------------------------------------------------

// The maps of `state` are fresh copies made for this batch: `set` on them changes nothing that anybody else holds.
function applyEvent(state, event) {
  state.seq = event.seq;
  const { data } = event;
  for (const person of [data?.contact, data?.member]) if (person) state.contacts.set(person.id, person);
  switch (event.kind) {
    case 'message':
      showConversation(state, event);
      settlePending(state, data.message);
      break;
    case 'message_changed':
    case 'message_revoked':
    case 'conversation':
      showConversation(state, event);
      break;
    case 'status':
      showDelivery(state, event);
      break;
    case 'contact':
      // Who turned out to be this person goes by the same names from now on.
      for (const id of data.linked ?? []) state.contacts.set(id, data.contact);
      if (data.conversation) noteJoin(state, event);
      break;
    case 'lane':
      state.lanes.set(data.number, data);
      break;
    default:
  }
  if (event.conversation_id) {
    updateThread(state, event.conversation_id, (thread) =>
      thread.loading ? { ...thread, meanwhile: [...thread.meanwhile, event] } : thread,
    );
  }
  return applyToThread(state, event);
}

function showConversation(state, event) {
  const id = conversationOf(event);
  const before = state.conversations.get(id);
  const row = rowAfter(before, event);
  if (!row) {
    keepUntilKnown(state, id, event);
    return;
  }
  state.conversations.set(id, row);
  state.unknown.delete(id);
  noteTurn(state, event, before, row);
}

function showDelivery(state, event) {
  const id = conversationOf(event);
  const row = state.conversations.get(id);
  if (row) state.conversations.set(id, rowAfter(row, event));
  else if (state.unknown.has(id)) keepUntilKnown(state, id, event);
}

function keepUntilKnown(state, id, event) {
  state.unknown.set(id, [...(state.unknown.get(id) ?? []), event]);
}

function applyToThread(state, event) {
  const { data } = event;
  if (event.kind === 'message') {
    updateThread(state, data.message.conversation_id, (thread) => {
      // One from long ago would stand beside messages that are not loaded: it comes with its own page.
      if (!thread.complete && thread.before !== null && data.message.id < thread.before) return thread;
      return { ...thread, messages: insertMessage(thread.messages, data.message) };
    });
  } else if (event.kind === 'message_changed' || event.kind === 'message_revoked') {
    updateThread(state, data.message.conversation_id, (thread) => {
      // An edit stands for its message until that comes.
      const stood = data.instead_of ?? data.message.id;
      const others = thread.messages.filter((message) => message.id !== stood);
      if (others.length === thread.messages.length) return thread;
      return { ...thread, messages: insertMessage(others, data.message) };
    });
  } else if (event.kind === 'status') {
    updateThread(state, event.conversation_id, (thread) => withStatus(thread, data));
  } else if (event.kind === 'media') {
    updateThread(state, conversationOf(event) ?? data.conversation_id, (thread) => withFile(thread, data));
  }
  return state;
}

function withStatus(thread, { message_id, wamid, ...delivery }) {
  const at = thread.messages.findLastIndex((message) => message.id === message_id);
  if (at < 0) return thread;
  const known = thread.messages[at];
  const message = { ...known, delivery: mergeDelivery(known.delivery, delivery) };
  if (wamid) message.wamid = wamid;
  return { ...thread, messages: thread.messages.with(at, message) };
}

/** The file of a message has come, or will not come any more. */
function withFile(thread, { message_id, media }) {
  const at = thread.messages.findLastIndex((message) => message.id === message_id);
  if (at < 0) return thread;
  const known = thread.messages[at];
  const files = known.files?.map((file) => (file.media_id === media.media_id ? media : file));
  const isIn = files?.some((file) => file === media);
  return { ...thread, messages: thread.messages.with(at, isIn ? { ...known, files } : { ...known, media }) };
}

/** Keeps a line about who took, gave away or closed a conversation, for a thread that is shown. */
function noteTurn(state, event, before, conversation) {
  const { by } = event.data;
  if (!before || !state.threads.has(conversation.id)) return;
  const lines = [];
  if ((before.assignee ?? null) !== (conversation.assignee ?? null))
    lines.push({ what: 'assigned', to: conversation.assignee });
  if (before.status !== conversation.status) lines.push({ what: 'status', to: conversation.status });
  if (lines.length === 0) return;
  updateThread(state, conversation.id, (thread) => ({
    ...thread,
    lines: [
      ...thread.lines.filter((line) => line.seq !== event.seq),
      ...lines.map((line) => ({ ...line, by, at: event.at, seq: event.seq })),
    ],
  }));
}

/** Two contacts are one person: one of their conversations goes on, and the others say so. */
function noteJoin(state, event) {
  const { conversation, instead_of = [] } = event.data;
  state.conversations.set(conversation.id, rowAfter(state.conversations.get(conversation.id), event));
  state.unknown.delete(conversation.id);
  for (const id of instead_of) {
    if (state.unknown.has(id)) keepUntilKnown(state, id, event);
    const left = state.conversations.get(id);
    if (left) state.conversations.set(id, rowAfter(left, event));
    updateThread(state, id, (thread) => ({
      ...thread,
      lines: [
        ...thread.lines.filter((line) => line.seq !== event.seq),
        { what: 'joined', to: conversation.id, at: event.at, seq: event.seq },
      ],
    }));
  }
}

// --- what is being sent ------------------------------------------------------------------------------------------

function withPending(state, id, item) {
  const pending = new Map(state.pending);
  if (item) pending.set(id, item);
  else pending.delete(id);
  return { ...state, pending };
}

/** The gateway has it: from here on the message itself shows it. */
function accepted(state, { client_msg_id, message_id }) {
  const item = state.pending.get(client_msg_id);
  if (!item) return state;
  const thread = state.threads.get(item.conversation_id);
  const shown = thread?.messages.some((message) => message.id === message_id);
  return withPending(state, client_msg_id, shown ? undefined : { ...item, state: 'accepted', message_id });
}

/** A message of ours came back as an event: what stood for it goes away. A note carries no id of ours, but its text. */
function settlePending(state, message) {
  for (const [id, item] of state.pending) {
    const same =
      item.message_id === message.id ||
      message.delivery?.client_msg_id === id ||
      (message.direction === 'note' &&
        item.kind === 'note' &&
        item.state === 'sending' &&
        item.conversation_id === message.conversation_id &&
        item.text === message.content.note?.body &&
        message.author.id === state.me?.agent);
    if (same) {
      state.pending.delete(id);
      return;
    }
  }
}

// --- who else is here --------------------------------------------------------------------------------------------

function typingChanged(state, { conversation_id, agent, on, now }) {
  const typing = new Map(state.typing);
  const agents = new Map(typing.get(conversation_id));
  if (on) agents.set(agent, now + TYPING_LASTS);
  else agents.delete(agent);
  typing.set(conversation_id, agents);
  return { ...state, typing };
}

function typingEnded(state, now) {
  // Each second: a state that is the same is shown to nobody again.
  if (![...state.typing.values()].some((agents) => [...agents.values()].some((ends) => ends <= now))) return state;
  const typing = new Map();
  for (const [id, agents] of state.typing) {
    const still = [...agents].filter(([, ends]) => ends > now);
    if (still.length > 0) typing.set(id, new Map(still));
  }
  return { ...state, typing };
}
