import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Desk } from '../../../console/desk.js';
import { ApiError } from '../../../console/http.js';
import { Clock, settle } from './wire.mjs';

const row = (id) => ({ id, contact_id: `c-${id}`, number: 'n', status: 'open', labels: [], unread: 0, last_activity: 1, last_message_seq: 1, contact: { id: `c-${id}`, name: id } });
const message = (id, conversation_id) => ({ id, conversation_id, direction: 'inbound', created: 1, content: { type: 'text', text: { body: id } } });

/** A desk over conversations `a` and `b`; a call whose name is in `held` waits until it is let go. */
async function desk({ missing = [], rows = () => [row('a'), row('b')], mayForget } = {}) {
  const held = new Map();
  const said = [];
  const holding = async (name, answer) => {
    await held.get(name)?.promise;
    return answer();
  };
  const api = {
    conversations: () => holding('list', () => ({ conversations: rows(), next_cursor: null, epoch: 'e', as_of_seq: 1 })),
    conversation: (id) => holding(`row ${id}`, () => row(id)),
    messages: (id) =>
      holding(`messages ${id}`, () => {
        if (missing.includes(id)) throw new ApiError(404, 'not_found', '');
        return { messages: [message(`${id}-1`, id)], next_cursor: null, epoch: 'e' };
      }),
    ticket: async () => {
      throw new ApiError(503, 'unavailable', '');
    },
  };
  const clock = new Clock();
  const made = new Desk({
    api,
    changed: () => {},
    watched: () => false,
    mayForget,
    say: (text) => said.push(text),
    now: clock.now,
    uuid: () => 'u',
    socket: { url: 'ws://x', WebSocket: class {}, timers: clock, random: () => 1 },
  });
  await made.start({ agent: 'ana', name: 'Ana' });
  const hold = (name) => {
    let resolve;
    held.set(name, { promise: new Promise((done) => (resolve = done)), resolve });
  };
  const release = (name) => (held.get(name).resolve(), held.delete(name));
  return { desk: made, clock, hold, release, said, reload: () => made.socket.on.reload('moved') };
}

const shown = ({ state, open }) => state.threads.get(open)?.messages.map(({ id }) => id);

test('a conversation that is opened while all is loaded anew shows its messages', async () => {
  const { desk: at, hold, release, reload } = await desk();
  await at.show('a');
  hold('messages a');
  const reloaded = reload();
  await settle();
  await at.show('b');
  assert.deepEqual(shown(at), ['b-1']);
  release('messages a');
  await reloaded;
  await settle();
  assert.equal(at.open, 'b');
  assert.deepEqual(shown(at), ['b-1']);
});

test('a conversation that is gone closes none that was opened meanwhile', async () => {
  const missing = [];
  const { desk: at, hold, release, reload } = await desk({ missing });
  await at.show('a');
  missing.push('a');
  hold('messages a');
  const reloaded = reload();
  await settle();
  await at.show('b');
  release('messages a');
  await reloaded;
  await settle();
  assert.deepEqual([at.open, shown(at)], ['b', ['b-1']]);
});

test('a conversation that is gone is closed when all is loaded anew', async () => {
  const missing = [];
  const { desk: at, reload } = await desk({ missing });
  await at.show('a');
  missing.push('a');
  await reload();
  assert.equal(at.open, null);
});

test('a list that has grown long is read again and cut, at most once a minute, and not while somebody looks', async () => {
  let isLookedAt = true;
  let read = 0;
  const rows = () => {
    read += 1;
    return [{ ...row('a'), last_activity: 1e6 }];
  };
  const { desk: at, clock } = await desk({ rows, mayForget: () => !isLookedAt });
  const many = (from) => Array.from({ length: 1_100 }, (_, i) => ({ ...row(`old-${from + i}`), last_activity: from + i }));
  const grow = (from) => at.dispatch({ type: 'list_loaded', rows: many(from), cursor: null });
  await clock.pass(60_000);
  grow(2);
  await at.forget();
  assert.deepEqual([read, at.state.conversations.size], [1, 1_101]);
  isLookedAt = false;
  await at.forget();
  assert.deepEqual([read, at.state.conversations.size], [2, 1]);
  grow(2);
  await at.forget();
  assert.equal(read, 2, 'not again so soon');
  await clock.pass(60_000);
  await at.forget();
  assert.deepEqual([read, at.state.conversations.size], [3, 1]);
});
