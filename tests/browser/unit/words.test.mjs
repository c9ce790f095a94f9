import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ticksOf } from '../../../console/ticks.js';
import { ago, agoInWords, serviceWindow, until } from '../../../console/time.js';
import '../english.mjs';

const HOUR = 3_600_000;
const NOW = new Date(2026, 10, 24, 15, 0).getTime();
const ticks = (delivery, delay) => ticksOf(delivery, { delay, now: NOW });

test('the window closes exactly a day after the customer wrote', () => {
  assert.equal(serviceWindow(0, 24 * HOUR - 1).open, true);
  assert.equal(serviceWindow(0, 24 * HOUR).open, false);
  assert.equal(serviceWindow(undefined, 0).tone, 'closed');
  assert.equal(serviceWindow(undefined, 0, 'a group').open, true);
});

test('the window changes its tone at six hours and at one', () => {
  const tone = (left) => serviceWindow(0, 24 * HOUR - left).tone;
  assert.deepEqual([tone(7 * HOUR), tone(6 * HOUR), tone(HOUR), tone(0)], ['wide', 'narrow', 'last', 'closed']);
});

test('times near by are told by distance, times far off by the calendar', () => {
  assert.equal(ago(NOW - 59_000, NOW), 'now');
  assert.equal(ago(NOW - 61_000, NOW), '1 min');
  assert.equal(ago(NOW - 26 * HOUR, NOW), 'Yesterday');
  assert.equal(until(NOW + 3_500, NOW), 'in 4 s');
});

test('what is not of today says its day, and what is not of this year its year', () => {
  assert.equal(agoInWords(NOW - 2 * HOUR, NOW), 'at 1:00 PM');
  for (const hours of [25, 5 * 24]) assert.match(agoInWords(NOW - hours * HOUR, NOW), /Nov (23|19), 2026/);
  assert.equal(ago(NOW - 400 * 24 * HOUR, NOW), 'Oct 20, 2025');
  assert.equal(ago(NOW - 40 * 24 * HOUR, NOW), 'Oct 15');
});

test('a message that waits says why and until when', () => {
  assert.match(ticks({ state: 'queued' }, { reason: 'pair_limit', expected_at: NOW + 4_000 }).label, /pacing.*in 4 s/);
  assert.match(ticks({ state: 'claimed', due: NOW + 9_000 }).label, /^Queued: .*in 9 s/);
});

test('a failure is told with the code of Meta and a plain sentence', () => {
  const failed = ticks({ state: 'failed', error: { code: 131047, title: 'Re-engagement message' } });
  assert.match(failed.problem, /24 hours.*\(131047\)/);
  assert.equal(failed.retry, false);
  assert.match(ticks({ state: 'failed', error: { code: 999999, title: 'New' } }).problem, /^New \(999999\)/);
});

test('an unknown outcome offers no way to send it twice', () => {
  const unknown = ticks({ state: 'unknown' });
  assert.equal(unknown.icon, 'dashed');
  assert.match(unknown.problem, /checking with whatsapp/i);
  assert.equal(unknown.retry, undefined);
});

test('every state has a look of its own', () => {
  const looks = ['queued', 'unknown', 'sent', 'delivered', 'read', 'failed'].map((state) => {
    const { icon, tone } = ticks({ state });
    return `${icon} ${tone}`;
  });
  assert.equal(new Set(looks).size, looks.length);
});
