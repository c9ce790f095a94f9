import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeDelivery } from '../../../console/delivery.js';
import { emptyState, inOrder, reduce } from '../../../console/store.js';

const conversation = (id, changes = {}) => ({
  id,
  number: '1',
  contact_id: `k-${id}`,
  status: 'open',
  labels: [],
  unread: 0,
  last_activity: 1,
  last_message_seq: 1,
  created: 0,
  ...changes,
});

const inbound = (id, conversation_id = 'c') => ({
  id,
  conversation_id,
  direction: 'inbound',
  author: { kind: 'contact' },
  content: { type: 'text', text: { body: id } },
  created: 0,
});

const outbound = (id, delivery = {}) => ({
  ...inbound(id),
  direction: 'outbound',
  author: { kind: 'agent', id: 'ana' },
  delivery: { state: 'queued', times: {}, attempts: 0, ...delivery },
});

const said = (seq, message, row = {}) => ({
  seq,
  at: seq,
  kind: 'message',
  conversation_id: message.conversation_id,
  data: { message, conversation: conversation(message.conversation_id, { last_activity: seq, ...row }) },
});

const moved = (seq, message_id, times, more = {}) => ({
  seq,
  at: seq,
  kind: 'status',
  conversation_id: 'c',
  data: { message_id, state: Object.keys(times).at(-1), times, attempts: 1, ...more },
});

const run = (state, ...actions) => actions.reduce(reduce, state);
const asked = { type: 'thread_asked', id: 'c' };
const page = (rows, complete = true) => ({ type: 'thread_loaded', id: 'c', rows, complete });
const happened = (...events) => ({ type: 'events', events });
const ids = (state) => state.threads.get('c').messages.map((message) => message.id);

const opened = run(emptyState(), { type: 'signed_in', me: { agent: 'ana' } }, asked, page([]));

test('ticks never go backwards, whatever order the statuses come in', () => {
  const steps = [{ claimed: 1 }, { sent: 2 }, { delivered: 3 }, { read: 4 }];
  for (const order of [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 3, 0, 2],
    [2, 2, 1, 3, 1],
  ]) {
    const seen = order
      .map((at) => steps[at])
      .reduce((known, times) => mergeDelivery(known, { times, attempts: 1 }), undefined);
    assert.equal(seen.state, order.includes(3) ? 'read' : 'delivered');
  }
});

test('a failure shows unless the message is proven delivered', () => {
  const failed = { times: { failed: 5 }, error: { code: 131026 } };
  assert.equal(mergeDelivery({ times: { sent: 1 } }, failed).state, 'failed');
  const delivered = mergeDelivery({ times: { delivered: 1 } }, failed);
  assert.equal(delivered.state, 'delivered');
  assert.equal(delivered.error, undefined);
});

test('a time that comes twice is the earlier one, whichever comes first', () => {
  for (const order of [
    [3, 8],
    [8, 3],
  ]) {
    const seen = order.reduce((known, read) => mergeDelivery(known, { times: { read } }), undefined);
    assert.equal(seen.times.read, 3);
  }
});

test('an event that comes twice changes nothing', () => {
  const once = run(opened, happened(said(1, inbound('m1')), moved(2, 'm1', { sent: 1 })));
  const twice = run(once, happened(said(1, inbound('m1'))));
  assert.deepEqual(ids(twice), ['m1']);
});

test('a state is never changed in place', () => {
  const before = run(opened, happened(said(1, outbound('m1'))));
  const copy = structuredClone(before);
  run(before, happened(said(2, inbound('m2')), moved(3, 'm1', { sent: 1 }, { wamid: 'w' })), page([inbound('m0')]), {
    type: 'queued',
    item: { client_msg_id: 'x', conversation_id: 'c', kind: 'note', text: '' },
  });
  assert.deepEqual(before, copy);
});

test('a status that comes while its message is still being loaded is not lost', () => {
  const state = run(emptyState(), asked, happened(moved(7, 'm1', { sent: 1 }, { wamid: 'w' })), page([outbound('m1')]));
  const [message] = state.threads.get('c').messages;
  assert.equal(message.delivery.state, 'sent');
  assert.equal(message.wamid, 'w');
});

test('a page that is older than what is shown does not take ticks back', () => {
  const state = run(
    opened,
    happened(said(1, outbound('m1')), moved(2, 'm1', { sent: 1, read: 2 })),
    asked,
    page([outbound('m1')]),
  );
  assert.equal(state.threads.get('c').messages[0].delivery.state, 'read');
});

test('messages stand in the order of their ids, wherever they come from', () => {
  const state = run(
    opened,
    happened(said(1, inbound('m5')), said(2, inbound('m3'))),
    asked,
    page([inbound('m4'), inbound('m3'), inbound('m2')]),
  );
  assert.deepEqual(ids(state), ['m2', 'm3', 'm4', 'm5']);
});

test('a message from long ago does not stand beside messages that are not loaded', () => {
  const state = run(emptyState(), asked, page([inbound('m9'), inbound('m8')], false), happened(said(1, inbound('m1'))));
  assert.deepEqual(ids(state), ['m8', 'm9']);
  assert.equal(state.threads.get('c').before, 'm8');
  assert.deepEqual(ids(run(state, asked, page([inbound('m7'), inbound('m1')]))), ['m1', 'm7', 'm8', 'm9']);
});

test('conversations stand newest activity first', () => {
  const state = run(
    emptyState(),
    happened(said(5, inbound('m1', 'a')), said(6, inbound('m2', 'b')), said(7, inbound('m3', 'a'))),
  );
  assert.deepEqual(
    inOrder(state).map((row) => row.id),
    ['a', 'b'],
  );
});

test('a page of the list does not put an older row over a newer event', () => {
  const state = run(emptyState(), happened(said(9, inbound('m1'), { unread: 3 })), {
    type: 'list_loaded',
    rows: [conversation('c', { unread: 1 }), conversation('d')],
    cursor: null,
  });
  assert.equal(state.conversations.get('c').unread, 3);
  assert.ok(state.conversations.has('d'));
});

test('a reload forgets what was known and takes the position of the answer', () => {
  const state = run(opened, happened(said(9, inbound('m1'))), {
    type: 'list_loaded',
    fresh: true,
    epoch: 'e2',
    as_of_seq: 40,
    rows: [conversation('z')],
    cursor: null,
  });
  assert.deepEqual([...state.conversations.keys()], ['z']);
  assert.equal(state.threads.size, 0);
  assert.deepEqual([state.epoch, state.seq], ['e2', 40]);
});

test('what is being sent goes away when its message comes, before or after it was accepted', () => {
  const queued = { type: 'queued', item: { client_msg_id: 'x', conversation_id: 'c', kind: 'send' } };
  const accepted = { type: 'accepted', client_msg_id: 'x', message_id: 'm1' };
  const came = happened(said(1, outbound('m1', { client_msg_id: 'x' })));
  assert.equal(run(opened, queued).pending.get('x').state, 'sending');
  assert.equal(run(opened, queued, accepted).pending.get('x').state, 'accepted');
  assert.equal(run(opened, queued, accepted, came).pending.size, 0);
  assert.equal(run(opened, queued, came, accepted).pending.size, 0);
  assert.equal(run(opened, queued, accepted, asked, page([outbound('m1')])).pending.size, 0);
});

test('a note is known again by its text, since nothing else of it is ours', () => {
  const note = {
    ...inbound('m1'),
    direction: 'note',
    author: { kind: 'agent', id: 'ana' },
    content: { type: 'note', note: { body: 'hm' } },
  };
  const item = (text) => ({ type: 'queued', item: { client_msg_id: 'x', conversation_id: 'c', kind: 'note', text } });
  assert.equal(run(opened, item('hm'), happened(said(1, note))).pending.size, 0);
  assert.equal(run(opened, item('ah'), happened(said(1, note))).pending.size, 1);
});

test('a refused message stays until somebody drops it', () => {
  const refused = run(
    opened,
    { type: 'queued', item: { client_msg_id: 'x', conversation_id: 'c', kind: 'send' } },
    { type: 'refused', client_msg_id: 'x', error: { code: 'window_closed' } },
  );
  assert.equal(refused.pending.get('x').error.code, 'window_closed');
  assert.equal(run(refused, { type: 'dropped', client_msg_id: 'x' }).pending.size, 0);
});

test('a turn of a shown conversation leaves one line, however often it comes', () => {
  const turn = {
    seq: 4,
    at: 4,
    kind: 'conversation',
    conversation_id: 'c',
    data: { conversation: conversation('c', { assignee: 'ben' }), by: { kind: 'agent', id: 'ana' } },
  };
  const state = run(opened, happened(said(1, inbound('m1'))), happened(turn), happened(turn));
  assert.deepEqual(
    state.threads.get('c').lines.map((line) => [line.what, line.to]),
    [['assigned', 'ben']],
  );
});

test('contacts that turn out to be one person have one name, and the thread that is left says so', () => {
  const contact = { id: 'k-a', name: 'Usr', phone: '628900000901' };
  const joined = {
    seq: 4,
    at: 4,
    kind: 'contact',
    data: {
      contact,
      changed: ['link'],
      linked: ['k-c'],
      conversation: conversation('a', { last_inbound: 7 }),
      instead_of: ['c'],
    },
  };
  const state = run(opened, happened(said(1, inbound('m1'))), happened(joined), happened(joined));
  assert.equal(state.contacts.get('k-c').name, 'Usr');
  assert.equal(state.conversations.get('a').last_inbound, 7);
  assert.equal(state.conversations.get('c').contact_id, 'k-a');
  assert.deepEqual(
    state.threads.get('c').lines.map((line) => [line.what, line.to]),
    [['joined', 'a']],
  );
});

test('threads that nobody looked at for long are forgotten', () => {
  let state = opened;
  for (let i = 0; i < 30; i += 1) state = run(state, { type: 'thread_asked', id: `t${i}` });
  assert.equal(state.threads.size, 20);
  assert.ok(state.threads.has('t29'));
});

test('a colleague who stopped typing without saying so is not shown for ever', () => {
  const state = run(opened, { type: 'typing', conversation_id: 'c', agent: 'ben', on: true, now: 0 });
  assert.equal(run(state, { type: 'typing_ended', now: 7_000 }).typing.size, 1);
  assert.equal(run(state, { type: 'typing_ended', now: 9_000 }).typing.size, 0);
});

const amended = (seq, kind, message, row = {}) => ({ ...said(seq, message, row), kind });
const shown = (state) => state.conversations.get('c').preview;

test('an edited message says something else in its place, and the list with it', () => {
  const first = said(1, inbound('a'), { preview: 'one', last_message_id: 'a' });
  const edited = { ...inbound('a'), edited_at: 2, versions: [{ content: inbound('a').content, at: 0 }] };
  const state = run(opened, happened(first, amended(2, 'message_changed', edited, { preview: 'two', last_message_id: 'a' })));
  assert.deepEqual(ids(state), ['a']);
  assert.equal(state.threads.get('c').messages[0].versions.length, 1);
  assert.equal(shown(state), 'two');
});

test('what was taken back stays so, whatever a page that was read before it says', () => {
  const edited = { ...inbound('a'), edited_at: 2, versions: [{ content: inbound('a').content, at: 0 }] };
  const gone = { ...inbound('a'), content: { type: 'revoked' }, revoked_at: 3 };
  const state = run(opened, happened(said(1, edited), amended(2, 'message_revoked', gone)), page([edited]));
  const [message] = state.threads.get('c').messages;
  assert.equal(message.content.type, 'revoked');
  assert.equal(message.versions, undefined);
});

test('an event about another message leaves the beginning that the list shows', () => {
  const events = [
    said(1, inbound('b'), { preview: 'newest', last_message_id: 'b' }),
    said(2, inbound('a'), { last_message_id: 'b' }),
    { seq: 3, at: 3, kind: 'conversation', conversation_id: 'c', data: { conversation: conversation('c', { last_message_id: 'b' }) } },
  ];
  const state = run(opened, happened(...events));
  assert.equal(shown(state), 'newest');
  assert.deepEqual(ids(state), ['a', 'b']);
});

test('a list that is read again forgets what is below it, but for what the agent has in hand', () => {
  const row = (id, last_activity, more = {}) => ({ ...conversation(id, { last_activity, ...more }), contact: { id: `k-${id}`, name: id, updated: 1 } });
  const known = run(
    emptyState(),
    { type: 'signed_in', me: { agent: 'ana' } },
    { type: 'list_loaded', fresh: true, rows: [row('new', 90), row('mine', 5, { assignee: 'ana' }), row('open', 4), row('read', 3), row('old', 2)], cursor: null, epoch: 'e', as_of_seq: 1 },
    { type: 'thread_asked', id: 'read' },
    { type: 'thread_loaded', id: 'read', rows: [{ ...inbound('m', 'read'), contact_id: 'k-member' }], complete: true },
    happened({ seq: 2, at: 2, kind: 'contact', data: { contact: { id: 'k-member', name: 'Member' }, changed: ['names'] } }),
  );
  const state = run(known, { type: 'list_renewed', rows: [row('newer', 95), row('new', 80)], cursor: 'below', open: 'open' });
  assert.deepEqual(inOrder(state).map(({ id }) => id), ['newer', 'new', 'mine', 'open', 'read']);
  assert.equal(state.conversations.get('new').last_activity, 90, 'what an event told is newer than the page');
  assert.deepEqual([...state.contacts.keys()].sort(), ['k-member', 'k-mine', 'k-new', 'k-newer', 'k-open', 'k-read']);
  assert.equal(state.listCursor, 'below');
  assert.equal(known.conversations.size, 5, 'the state before is as it was');
});

test('who looks at nothing and who is away take no room', () => {
  const viewing = (agents) => ({ type: 'viewing', conversation_id: 'c', agents });
  const presence = (state) => ({ type: 'presence', agents: [{ agent: 'ben', state }] });
  const seen = run(emptyState(), viewing(['ben']), presence('online'));
  assert.deepEqual([seen.viewing.size, seen.presence.size], [1, 1]);
  const gone = run(seen, viewing([]), presence('offline'));
  assert.deepEqual([gone.viewing.size, gone.presence.size], [0, 0]);
});
