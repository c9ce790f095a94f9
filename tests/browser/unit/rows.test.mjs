import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowReader } from '../../../console/row_reader.js';
import { merge } from '../../../console/rows.js';
import { emptyState, reduce } from '../../../console/store.js';
import { Clock, settle } from './wire.mjs';

const row = (changes = {}) => ({
  id: 'c',
  number: '1',
  contact_id: 'k',
  status: 'open',
  labels: [],
  unread: 0,
  last_activity: 1,
  last_message_seq: 1,
  last_message_id: 'm1',
  last_message_by: { kind: 'agent', id: 'ana' },
  preview: 'one',
  created: 0,
  ...changes,
});

const message = (id) => ({
  id,
  conversation_id: 'c',
  direction: 'inbound',
  author: { kind: 'contact' },
  content: { type: 'text', text: { body: id } },
  created: 0,
});

const event = (seq, kind, data, conversation_id = 'c') => ({ seq, at: seq, kind, conversation_id, data });
const changed = (seq, conversation_changes, more = {}) =>
  event(seq, 'conversation', { conversation_changes, by: { kind: 'agent', id: 'ben' }, ...more });
const said = (seq, id, conversation_changes) =>
  event(seq, 'message', { message: message(id), conversation_changes: { last_message_id: id, ...conversation_changes } });
const happened = (...events) => ({ type: 'events', events });
const run = (state, ...actions) => actions.reduce(reduce, state);
const shown = (state) => state.conversations.get('c');
const known = run(emptyState(), {
  type: 'list_loaded',
  fresh: true,
  rows: [{ ...row(), contact: { id: 'k', name: 'Ada' } }],
  cursor: null,
  epoch: 'e',
  as_of_seq: 0,
});

test('a merge patch does what RFC 7396 says', () => {
  for (const [target, patch, merged] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: ['c', 'd'] }, { a: ['c', 'd'] }],
    [{ a: { b: 'c', d: 1 } }, { a: { b: null, e: 2 } }, { a: { d: 1, e: 2 } }],
    [{ a: [{ b: 'c' }] }, { a: { b: 'c', d: null } }, { a: { b: 'c' } }],
    [undefined, { a: { b: { c: null } } }, { a: { b: {} } }],
  ]) {
    assert.deepEqual(merge(target, patch), merged);
  }
});

test('changes leave all that they do not name', () => {
  const state = run(
    known,
    happened(
      changed(1, { assignee: 'ben', labels: ['vip'] }),
      said(2, 'm2', { preview: 'two', unread: 1, last_message_by: { kind: 'contact', id: null, key: null } }),
      changed(3, { assignee: null }),
    ),
  );
  const { preview, labels, unread, assignee, number, last_message_by } = shown(state);
  assert.deepEqual(
    { preview, labels, unread, assignee, number, last_message_by },
    { preview: 'two', labels: ['vip'], unread: 1, assignee: undefined, number: '1', last_message_by: { kind: 'contact' } },
  );
  assert.equal(state.contacts.get('k').name, 'Ada');
});

test('the beginning of a message that another event made the last one is not known', () => {
  const state = run(known, happened(changed(1, { last_message_id: 'm0', preview: null })));
  assert.equal(shown(state).preview, undefined);
});

test('a turn that came as a change leaves its line', () => {
  const state = run(
    known,
    { type: 'thread_asked', id: 'c' },
    { type: 'thread_loaded', id: 'c', rows: [], complete: true },
    happened(changed(1, { assignee: 'ben' }), changed(2, { unread: 0 })),
  );
  assert.deepEqual(
    state.threads.get('c').lines.map((line) => [line.what, line.to]),
    [['assigned', 'ben']],
  );
});

test('changes of a conversation that is not known wait until it is read', () => {
  const events = [
    said(5, 'm2', { preview: 'two', unread: 1 }),
    event(6, 'status', { message_id: 'm2', state: 'failed', times: {} }),
    changed(7, { unread: 0 }),
  ];
  const waiting = run(emptyState(), happened(...events));
  assert.equal(waiting.conversations.size, 0);
  assert.equal(waiting.seq, 7);
  // The answer may be older than the first of them, or newer than the last.
  for (const read of [row(), row({ last_message_id: 'm2', preview: 'two', last_message_failed: true })]) {
    const state = run(waiting, { type: 'conversation_loaded', conversation: { ...read, contact: { id: 'k' } } });
    const { preview, unread, last_message_failed } = shown(state);
    assert.deepEqual({ preview, unread, last_message_failed }, { preview: 'two', unread: 0, last_message_failed: true });
    assert.equal(state.unknown.size, 0);
    assert.ok(state.contacts.has('k'));
  }
});

test('a page of the list that was read before a change is brought up to date by it', () => {
  const state = run(emptyState(), happened(changed(5, { status: 'pending' })), {
    type: 'list_loaded',
    rows: [{ ...row(), contact: null }],
    cursor: null,
  });
  assert.equal(shown(state).status, 'pending');
  assert.equal(state.unknown.size, 0);
});

test('a whole conversation makes changes that waited needless', () => {
  const whole = event(6, 'conversation', { conversation: row({ status: 'open' }), contact: { id: 'k', name: 'Ada' } });
  const state = run(emptyState(), happened(changed(5, { status: 'pending' }), whole, changed(7, { unread: 2 })));
  assert.equal(state.unknown.size, 0);
  assert.equal(shown(state).status, 'open');
  assert.equal(shown(state).unread, 2);
  assert.equal(state.contacts.get('k').name, 'Ada');
});

test('a conversation that is gone is not waited for', () => {
  const waiting = run(emptyState(), happened(changed(5, { status: 'pending' })));
  assert.equal(run(waiting, { type: 'conversation_gone', id: 'c' }).unknown.size, 0);
});

test('who turned out to be somebody else is so in a conversation that is being read, too', () => {
  const joined = {
    seq: 6,
    at: 6,
    kind: 'contact',
    data: {
      contact: { id: 'k2', name: 'Ada' },
      changed: ['link'],
      linked: ['k'],
      conversation: row({ id: 'd', contact_id: 'k2' }),
      instead_of: ['c'],
    },
  };
  const waiting = run(emptyState(), happened(changed(5, { unread: 1 }), joined));
  const state = run(waiting, { type: 'conversation_loaded', conversation: { ...row(), contact: { id: 'k' } } });
  assert.equal(shown(state).contact_id, 'k2');
  assert.equal(state.conversations.get('d').contact_id, 'k2');
});

/** A reader over a network that answers when told to. */
function reader(wanted) {
  const clock = new Clock();
  const calls = [];
  const seen = { loaded: [], gone: [] };
  const rows = new RowReader({
    wanted: () => wanted,
    read: (id) => new Promise((resolve, reject) => calls.push({ id, resolve, reject })),
    loaded: (conversation) => {
      seen.loaded.push(conversation.id);
      wanted.delete(conversation.id);
    },
    gone: (id) => {
      seen.gone.push(id);
      wanted.delete(id);
    },
    timers: clock,
    random: () => 1,
  });
  return { clock, calls, seen, rows };
}

test('at most four conversations are read at a time, each once', async () => {
  const { calls, seen, rows } = reader(new Set(['a', 'b', 'c', 'd', 'e', 'f']));
  rows.look();
  rows.look();
  assert.deepEqual(
    calls.map((call) => call.id),
    ['a', 'b', 'c', 'd'],
  );
  for (const call of calls) call.resolve({ id: call.id });
  await settle();
  assert.deepEqual(
    calls.slice(4).map((call) => call.id),
    ['e', 'f'],
  );
  assert.deepEqual(seen.loaded, ['a', 'b', 'c', 'd']);
});

test('one that cannot be read is tried again, ever more slowly, and one that is gone is not', async () => {
  const { clock, calls, seen, rows } = reader(new Set(['a', 'b']));
  rows.look();
  calls[0].reject({ status: 503 });
  calls[1].reject({ status: 404 });
  await clock.pass(0);
  assert.deepEqual(seen.gone, ['b']);
  await clock.pass(499);
  assert.equal(calls.length, 2);
  await clock.pass(1);
  calls[2].reject({ status: 0 });
  await clock.pass(999);
  assert.equal(calls.length, 3);
  await clock.pass(1);
  calls[3].resolve({ id: 'a' });
  await settle();
  assert.deepEqual(seen.loaded, ['a']);
});

test('an answer that was asked for before everything was loaded anew does not count', async () => {
  const { clock, calls, seen, rows } = reader(new Set(['a']));
  rows.look();
  rows.forget();
  calls[0].resolve({ id: 'a' });
  await clock.pass(60_000);
  assert.deepEqual(seen.loaded, []);
  rows.look();
  calls[1].resolve({ id: 'a' });
  await settle();
  assert.deepEqual(seen.loaded, ['a']);
});
