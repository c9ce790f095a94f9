import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterClose, backoff } from '../../../console/backoff.js';
import { ApiError } from '../../../console/http.js';
import { comesBack, greet, wire } from './wire.mjs';

test('the wait grows from half a second to half a minute, and jitter takes any part of it', () => {
  assert.equal(
    backoff(0, () => 1),
    500,
  );
  assert.equal(
    backoff(3, () => 1),
    4_000,
  );
  assert.equal(
    backoff(40, () => 1),
    30_000,
  );
  assert.equal(
    backoff(40, () => 0),
    0,
  );
});

test('every close code of the gateway is answered as its table says', () => {
  const next = (code, told) => afterClose(code, { failures: 0, told, random: () => 0 });
  for (const code of [1000, 1009, 4400, 4409]) assert.equal(next(code).stop, true, `${code}`);
  for (const code of [1001, 1006, 1012, 4401, 4408, 4503]) assert.deepEqual(next(code), { wait: 0 }, `${code}`);
  assert.deepEqual(next(4429), { wait: 5_000 });
  assert.deepEqual(next(1012, 7_000), { wait: 7_000 });
});

test('it comes back exactly when the server told it to', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say({ type: 'reconnect', after_ms: 7_000, reason: 'restarting' });
  wired.line().end(1012);
  await wired.clock.pass(6_999);
  assert.equal(wired.lines.length, 1);
  await wired.clock.pass(1);
  assert.equal(wired.lines.length, 2);
});

test('it stays away when coming back would not help, until somebody asks', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().end(4409);
  await wired.clock.pass(600_000);
  assert.equal(wired.lines.length, 1);
  assert.equal(wired.seen.links.at(-1).state, 'stopped');
  wired.socket.nudge();
  await wired.clock.pass(0);
  assert.equal(wired.lines.length, 1, 'that the window got the focus is nobody asking');
  wired.socket.start();
  await wired.clock.pass(0);
  assert.equal(wired.lines.length, 2);
});

test('why it stays away is what the gateway said before it closed', async () => {
  const wired = await wire();
  greet(wired);
  wired.line().say({ type: 'error', code: 'too_many_sockets', message: 'raw' });
  wired.line().end(4409);
  assert.equal(wired.seen.links.at(-1).code, 'too_many_sockets');
});

test('a ticket that a quota refuses is asked for when the gateway says, and not before', async () => {
  let asked = 0;
  const ticket = async () => {
    asked += 1;
    throw new ApiError(429, 'too_many_tickets', 'raw', 20_000);
  };
  const wired = await wire({ socket: { ticket } });
  const { state, code, until } = wired.seen.links.at(-1);
  assert.deepEqual([state, code, until], ['waiting', 'too_many_tickets', wired.clock.time + 20_000]);
  await wired.clock.pass(19_000);
  wired.socket.nudge();
  assert.equal(asked, 1);
  await wired.clock.pass(1_000);
  assert.equal(asked, 2);
});

test('whom the gateway does not let in is told so, and asks no more', async () => {
  let asked = 0;
  const ticket = async () => {
    asked += 1;
    throw new ApiError(403, 'forbidden', 'raw');
  };
  const wired = await wire({ socket: { ticket } });
  await wired.clock.pass(600_000);
  assert.deepEqual([asked, wired.seen.links.at(-1).state, wired.seen.links.at(-1).code], [1, 'stopped', 'forbidden']);
});

test('a ticket that cannot be had is asked for again, ever more slowly', async () => {
  let asked = 0;
  const wired = await wire({
    socket: {
      ticket: async () => {
        asked += 1;
        throw new Error('down');
      },
    },
  });
  await wired.clock.pass(60_000);
  assert.ok(asked >= 5 && asked <= 12, `asked ${asked} times in a minute`);
  assert.equal(wired.seen.links.at(-1).state, 'waiting');
});

test('a connection that fails at once again and again is not tried at once', async () => {
  const wired = await wire();
  for (let i = 0; i < 8; i += 1) {
    greet(wired);
    wired.line().end();
    await comesBack(wired);
  }
  wired.line().open();
  wired.line().end();
  const { until } = wired.seen.links.at(-1);
  assert.ok(until - wired.clock.time >= 10_000);
});

test('a connection that has stood for a while makes the next failure the first', async () => {
  const wired = await wire();
  for (let i = 0; i < 8; i += 1) {
    wired.line().open();
    wired.line().end();
    await comesBack(wired);
  }
  greet(wired);
  await wired.clock.pass(6_000);
  wired.line().end();
  assert.ok(wired.seen.links.at(-1).until - wired.clock.time <= 500);
});

test('a connection that went silent is noticed and replaced', async () => {
  const wired = await wire();
  greet(wired);
  await wired.clock.pass(25_000);
  assert.equal(wired.line().of('ping').length, 1);
  wired.line().say({ type: 'pong' });
  await wired.clock.pass(34_000);
  assert.equal(wired.lines[0].closedWith, undefined);
  await wired.clock.pass(30_000);
  assert.equal(wired.lines[0].closedWith, 4000);
  assert.ok(wired.lines.length > 1);
});

test('a server that never greets is given up', async () => {
  const wired = await wire();
  wired.line().open();
  await wired.clock.pass(11_000);
  assert.equal(wired.lines[0].closedWith, 4000);
  assert.equal(wired.lines.length, 2);
});
