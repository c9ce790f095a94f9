import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comesBack, events, greet, settle, welcome, wire } from './wire.mjs';

const note = (id) => ({ type: 'note', client_msg_id: id, conversation_id: 'c', text: 'x' });

test('it says hello with its cursor and shows its ticket as a subprotocol', async () => {
  const wired = await wire();
  wired.line().open();
  assert.deepEqual(wired.line().protocols, ['mesej.v2', 'ticket.t1']);
  assert.deepEqual(wired.line().sent, [{ type: 'hello', epoch: 'e1', seq: 10 }]);
});

test('it comes back with a new ticket and the cursor of the last applied event', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say(events(11, 14));
  wired.line().end();
  await comesBack(wired);
  wired.line().open();
  assert.equal(wired.lines.length, 2);
  assert.deepEqual(wired.line().protocols, ['mesej.v2', 'ticket.t2']);
  assert.deepEqual(wired.line().sent, [{ type: 'hello', epoch: 'e1', seq: 14 }]);
});

test('an event that was applied before is not applied again', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say(events(11, 13));
  wired.line().say(events(12, 15));
  wired.line().say(events(9, 15));
  assert.deepEqual(wired.seen.events, [11, 12, 13, 14, 15]);
});

test('a gap is never patched over: the connection is given up and resumed before it', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say(events(11, 12));
  wired.line().say(events(14, 15));
  assert.deepEqual(wired.seen.events, [11, 12]);
  assert.equal(wired.lines[0].closedWith, 4000);
  await comesBack(wired);
  wired.line().open();
  assert.deepEqual(wired.line().sent[0], { type: 'hello', epoch: 'e1', seq: 12 });
  wired.line().say(welcome({ seq: 12, head_seq: 15 }));
  wired.line().say(events(13, 15));
  assert.deepEqual(wired.seen.events, [11, 12, 13, 14, 15]);
});

test('what comes before a gap in the same frame is applied, what comes after is not', async () => {
  const wired = await wire();
  greet(wired);
  const frame = events(11, 14);
  frame.events.splice(2, 1);
  wired.line().say(frame);
  assert.deepEqual(wired.seen.events, [11, 12]);
});

test('a connection that was given up is not heard any more', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say(events(12, 12));
  wired.lines[0].say(events(11, 12));
  assert.deepEqual(wired.seen.events, []);
});

test('when gaps do not end, everything is reloaded', async () => {
  const wired = await wire();
  for (let i = 0; i < 3; i += 1) {
    greet(wired);
    wired.line().say(events(12, 12));
    if (i < 2) await comesBack(wired);
  }
  await settle();
  assert.deepEqual(wired.seen.reloads, ['gap']);
  assert.equal(wired.seen.links.at(-1).state, 'live');
});

test('a resync reloads and goes on from the position of the answer, with what came meanwhile', async () => {
  let finish;
  const wired = await wire({
    on: (seen, page) => ({
      reload: (reason) => {
        seen.reloads.push(reason);
        return new Promise((resolve) => {
          finish = () => {
            page.epoch = 'e2';
            page.seq = 52;
            resolve();
          };
        });
      },
    }),
  });
  wired.line().open();
  wired.line().say({ type: 'resync', epoch: 'e2', head_seq: 50, reason: 'epoch_changed' });
  wired.line().say(events(51, 54));
  assert.deepEqual(wired.seen.events, []);
  finish();
  await settle();
  assert.deepEqual(wired.seen.events, [53, 54]);
  wired.line().say(events(55, 55));
  assert.deepEqual(wired.seen.events, [53, 54, 55]);
});

test('an event that was erased leads to a reload: later ones may tell only what changed since', async () => {
  const wired = await wire({
    on: (seen, page) => ({
      reload: async (reason) => {
        seen.reloads.push(reason);
        page.seq = 13;
      },
    }),
  });
  greet(wired);
  wired.line().say({
    type: 'events',
    events: [...events(11, 11).events, { seq: 12, kind: 'erased' }, ...events(13, 13).events],
  });
  await settle();
  assert.deepEqual(wired.seen.reloads, ['erased']);
  assert.deepEqual(wired.seen.events, []);
  wired.line().say(events(14, 14));
  assert.deepEqual(wired.seen.events, [14]);
});

test('a reload that fails is tried again with the next connection', async () => {
  let tries = 0;
  const wired = await wire({
    on: (seen, page) => ({
      reload: async () => {
        tries += 1;
        if (tries === 1) throw new Error('503');
        page.epoch = 'e2';
        page.seq = 50;
      },
    }),
  });
  const resync = { type: 'resync', epoch: 'e2', head_seq: 50, reason: 'too_old' };
  wired.line().open();
  wired.line().say(resync);
  await comesBack(wired);
  wired.line().open();
  assert.deepEqual(wired.line().sent[0], { type: 'hello', epoch: 'e1', seq: 10 });
  wired.line().say(resync);
  await settle();
  assert.equal(wired.seen.links.at(-1).state, 'live');
});

test('a welcome that goes on from somewhere else leads to a reload', async () => {
  for (const elsewhere of [{ epoch: 'e9' }, { seq: 12, head_seq: 12 }]) {
    const wired = await wire();
    greet(wired, elsewhere);
    await settle();
    assert.deepEqual(wired.seen.reloads, ['moved']);
  }
});

test('a message is sent again after a reconnect until the gateway has it', async () => {
  const wired = await wire();
  wired.socket.submit(note('n1'));
  assert.equal(wired.line().of('note').length, 0);
  greet(wired);
  assert.equal(wired.line().of('note').length, 1);
  wired.line().end();
  await comesBack(wired);
  greet(wired);
  assert.equal(wired.line().of('note').length, 1);
  wired.line().say({ type: 'accepted', client_msg_id: 'n1', message_id: 'm', conversation_id: 'c', duplicate: true });
  assert.deepEqual(wired.seen.accepted, ['n1']);
  wired.line().end();
  await comesBack(wired);
  greet(wired);
  assert.equal(wired.line().of('note').length, 0);
});

test('a refusal is final unless it says when to come back', async () => {
  const wired = await wire();
  greet(wired);
  wired.socket.submit(note('n1'));
  wired.line().say({ type: 'error', code: 'unavailable', message: '', client_msg_id: 'n1', retry_after_ms: 2_000 });
  assert.deepEqual(wired.seen.refused, []);
  await wired.clock.pass(2_000);
  assert.equal(wired.line().of('note').length, 2);
  wired.line().say({ type: 'error', code: 'window_closed', message: '', client_msg_id: 'n1' });
  assert.deepEqual(
    wired.seen.refused.map((frame) => frame.code),
    ['window_closed'],
  );
  assert.equal(wired.socket.outbox.size, 0);
});

test('what an agent wrote to one customer goes out one after the other', async () => {
  const wired = await wire();
  greet(wired);
  const sent = () =>
    wired
      .line()
      .of('note')
      .map((frame) => frame.client_msg_id);
  for (const id of ['n1', 'n2', 'n3']) wired.socket.submit(note(id));
  wired.socket.submit({ ...note('other'), conversation_id: 'd' });
  await wired.clock.pass(1_000);
  assert.deepEqual(sent(), ['n1', 'other']);
  wired.line().say({ type: 'error', code: 'busy', message: '', client_msg_id: 'n1', retry_after_ms: 1_000 });
  await wired.clock.pass(900);
  assert.deepEqual(sent(), ['n1', 'other']);
  await wired.clock.pass(200);
  wired.line().say({ type: 'accepted', client_msg_id: 'n1', message_id: 'm1' });
  await wired.clock.pass(100);
  wired.line().say({ type: 'accepted', client_msg_id: 'n2', message_id: 'm2' });
  await wired.clock.pass(100);
  assert.deepEqual(sent(), ['n1', 'other', 'n1', 'n2', 'n3']);
});

test('a full outbox stays below the frames that the gateway takes in a second', async () => {
  const wired = await wire();
  for (let i = 0; i < 100; i += 1) wired.socket.submit({ ...note(`n${i}`), conversation_id: `c${i}` });
  greet(wired);
  for (let second = 1; second <= 5; second += 1) {
    const before = wired.line().of('note').length;
    for (let tenth = 0; tenth < 10; tenth += 1) {
      for (const frame of wired.line().of('note'))
        wired.line().say({ type: 'accepted', client_msg_id: frame.client_msg_id, message_id: 'm' });
      await wired.clock.pass(100);
    }
    const sent = wired.line().of('note').length - before;
    assert.ok(sent >= 5 && sent <= 12, `${sent} in second ${second}`);
  }
});

test('a message that is never answered is asked about again', async () => {
  const wired = await wire();
  greet(wired);
  wired.socket.submit(note('n1'));
  for (let i = 0; i < 3; i += 1) {
    await wired.clock.pass(8_000);
    wired.line().say({ type: 'pong' });
  }
  assert.equal(wired.line().of('note').length, 2);
});

test('it acknowledges at most once a second, or every hundred events, and in the end everything', async () => {
  const wired = await wire();
  greet(wired);
  for (let seq = 11; seq <= 40; seq += 1) wired.line().say(events(seq, seq));
  assert.deepEqual(wired.line().of('ack'), []);
  await wired.clock.pass(1_000);
  assert.deepEqual(wired.line().of('ack'), [{ type: 'ack', seq: 40 }]);
  wired.line().say(events(41, 140));
  assert.deepEqual(wired.line().of('ack').at(-1), { type: 'ack', seq: 140 });
});

test('it counts the messages that it caught up with', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().end();
  await comesBack(wired);
  greet(wired, { head_seq: 13 });
  wired.line().say(events(11, 12));
  assert.deepEqual(wired.seen.caughtUp, []);
  wired.line().say(events(13, 15));
  assert.deepEqual(wired.seen.caughtUp, [3]);
});

test('what came before the first connection was missed by nobody', async () => {
  const wired = await wire();
  greet(wired, { head_seq: 13 });
  wired.line().say(events(11, 13));
  assert.deepEqual(wired.seen.caughtUp, []);
});

test('an ask gets its own answer, and an end of the connection is an answer too', async () => {
  const wired = await wire();
  greet(wired);
  const [one, two, three] = ['a', 'b', 'c'].map((id) => wired.socket.ask({ type: 'read', conversation_id: id }));
  const [first, second] = wired.line().of('read');
  wired.line().say({ type: 'error', ref: second.ref, code: 'not_found', message: '' });
  wired.line().say({ type: 'ok', ref: first.ref });
  assert.equal((await one).type, 'ok');
  await assert.rejects(two, { code: 'not_found' });
  wired.line().end();
  await assert.rejects(three, { code: 'disconnected' });
});

const skipped = (from, to, epoch = 'e1') => ({ type: 'skipped', epoch, from, to });

test('what the limit leaves out moves the cursor, and is no gap', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say(events(11, 11));
  wired.line().say(skipped(12, 20));
  wired.line().say(events(21, 22));
  assert.deepEqual(wired.seen.events, [11, 20, 21, 22]);
  assert.equal(wired.line().closedWith, undefined);
  assert.deepEqual(wired.seen.reloads, []);
  wired.line().say(skipped(15, 22));
  assert.equal(wired.page.seq, 22, 'one that was heard before changes nothing');
  wired.line().end();
  await comesBack(wired);
  wired.line().open();
  assert.deepEqual(wired.line().sent[0], { type: 'hello', epoch: 'e1', seq: 22 });
});

test('a gap before what is left out is still a gap, and another epoch is loaded afresh', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say(skipped(13, 20));
  assert.equal(wired.lines[0].closedWith, 4000);
  assert.equal(wired.page.seq, 10);
  const other = await wire();
  greet(other);
  other.line().say(skipped(11, 20, 'e9'));
  await settle();
  assert.deepEqual(other.seen.reloads, ['moved']);
});
