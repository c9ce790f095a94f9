import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowWindow } from '../../../console/row_window.js';

const ids = Array.from({ length: 100 }, (_, i) => `r${i}`);

test('rows in view and some beside them are there, and the others are room', () => {
  const rows = new RowWindow();
  assert.deepEqual(rows.of(ids, { top: 0, room: 900 }), { from: 0, to: 20, above: 0, below: 80 * 90 });
  assert.deepEqual(rows.of(ids, { top: 4_500, room: 900 }), { from: 40, to: 70, above: 40 * 90, below: 30 * 90 });
  assert.deepEqual(rows.of(ids, { top: 100_000, room: 900 }), { from: 89, to: 100, above: 89 * 90, below: 0 });
  assert.deepEqual(rows.of([], { top: 300, room: 900 }), { from: 0, to: 0, above: 0, below: 0 });
  assert.deepEqual(rows.of(['r0'], { top: 300, room: 900 }), { from: 0, to: 1, above: 0, below: 0 });
});

test('a row that was shown is as high as it was, and one that is not laid out changes nothing', () => {
  const rows = new RowWindow();
  for (const id of ids.slice(0, 50)) rows.measured(id, 60);
  rows.measured('r0', 0);
  assert.deepEqual(rows.of(ids, { top: 3_000, room: 900, spare: 0 }), { from: 50, to: 60, above: 3_000, below: 40 * 90 });
  assert.deepEqual(rows.place(ids, 50), { top: 3_000, bottom: 3_090 });
  assert.deepEqual(rows.place(ids, 10), { top: 600, bottom: 660 });
});

test('heights of rows that are listed no more are forgotten', () => {
  const rows = new RowWindow();
  for (let i = 0; i < 1_000; i += 1) rows.measured(`gone${i}`, 40);
  rows.measured('r0', 40);
  rows.of(ids, { top: 0, room: 900 });
  assert.deepEqual(rows.place(['gone1'], 0), { top: 0, bottom: 90 });
  assert.deepEqual(rows.place(ids, 0), { top: 0, bottom: 40 });
});
