import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { addTexts, has } from '../../../console/language.js';
import { ACTIONS, detailText, joined, lastMonths, monthName, queryOf, verifyMonth } from '../../../console/pages/audit_text.js';
import { addedUp } from '../../../console/pages/retention.js';
import { amountText, bars, dayOf, fitted, totalsOf, usageQuery } from '../../../console/pages/usage_sums.js';
import { mayOpen } from '../../../console/rail.js';
import { PAGES } from '../../../console/route.js';
import '../english.mjs';

await addTexts('manage');
await addTexts('audit');

const part = (more) => ({
  from_days: 365,
  to_days: 90,
  messages: 10,
  gone: 0,
  gone_oldest: null,
  gone_newest: null,
  ends_first: null,
  ends_last: null,
  next_cursor: null,
  ...more,
});

test('the parts of a preview are added up, with the first and the last moments of all', async () => {
  const parts = [
    part({ gone: 4, gone_oldest: 20, gone_newest: 30, ends_first: 70, ends_last: 90, next_cursor: 'a' }),
    part({ gone: 1, gone_oldest: 10, gone_newest: 25, next_cursor: 'b' }),
    part({ ends_first: 60, ends_last: 80 }),
  ];
  const asked = [];
  const whole = await addedUp(90, async (body) => {
    asked.push(body);
    return parts[asked.length - 1];
  });
  assert.deepEqual(asked, [{ days: 90 }, { days: 90, cursor: 'a' }, { days: 90, cursor: 'b' }]);
  const { messages, gone, gone_oldest, gone_newest, ends_first, ends_last } = whole;
  assert.deepEqual([messages, gone, gone_oldest, gone_newest, ends_first, ends_last], [30, 5, 10, 30, 60, 90]);
});

test('a preview that never ends is given up', async () => {
  await assert.rejects(addedUp(90, async () => part({ next_cursor: 'again' })), /no end/);
});

test('months are those of UTC, newest first, over the turn of a year', () => {
  assert.deepEqual(lastMonths(Date.parse('2026-01-31T23:30:00Z'), 3), ['2026-01', '2025-12', '2025-11']);
  assert.equal(monthName('2026-03'), 'March 2026');
});

test('a filter leaves out what is empty', () => {
  assert.equal(queryOf({ month: '2026-11', actor: '', action: 'a b', after: null }), '?month=2026-11&action=a+b');
});

test('a month is verified part by part, up to the first place that is broken', async () => {
  const parts = { '?month=2026-11': { entries: 5, is_intact: true, next: 5 }, '?month=2026-11&after=5': { entries: 2, is_intact: false, broken_at: 7, next: null } };
  assert.deepEqual(await verifyMonth('2026-11', async (query) => parts[query]), { entries: 7, is_intact: false, broken_at: 7, next: null });
  const whole = await verifyMonth('2026-11', async () => ({ entries: 3, is_intact: true, next: null }));
  assert.equal(whole.entries, 3);
});

test('details become one line, with what was before beside what is now', () => {
  assert.equal(detailText({ role: 'admin', role_before: 'agent', days: 90, days_before: 365 }), 'role: Agent → Admin, days: 365 → 90');
  assert.equal(detailText({ scopes: ['read', 'send'], quotas: { sockets: 1_000 }, month: '2026-10', later_word: true }), 'scopes: read, send, quotas: Pages of the console that are open: 1,000, month: October 2026, later word: true');
  assert.equal(detailText({ refused: 'last_owner', role: 'agent' }).startsWith('not done: The team would have no owner.'), true);
  assert.equal(detailText(undefined), '');
});

test('the log has words for every action of a tenant that the API names', async () => {
  const docs = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  const [, table] = docs.split('| `signed_in` |');
  const named = ['signed_in', ...[...table.split('\n\n')[0].matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, action]) => action)];
  assert.deepEqual(ACTIONS.toSorted(), named.filter((action) => !action.startsWith('operator_')).toSorted());
  for (const action of ACTIONS) assert.ok(has(`audit.action.${action}`), action);
});

const row = (inbound, outbound, categories) => ({ messages: { inbound, outbound }, categories });

test('sums name only categories that there are any of', () => {
  const sums = totalsOf([row(1, 2, { marketing: 0, service: 3 }), row(4, 5, { service: 1 }), row(0, 0, undefined)]);
  assert.deepEqual(sums, { inbound: 5, outbound: 7, categories: { service: 4 } });
});

test('the highest bar fills the height, and nothing at all has none', () => {
  assert.deepEqual(bars([row(5, 10), row(0, 2)], 100), [{ inbound: 50, outbound: 100 }, { inbound: 0, outbound: 20 }]);
  assert.deepEqual(bars([row(0, 0)], 100), [{ inbound: 0, outbound: 0 }]);
});

test('amounts of storage are written in their units', () => {
  assert.equal(amountText('sockets', 1234), '1,234');
  assert.equal(amountText('storage', 0), '0 byte');
  assert.equal(amountText('storage_bytes', 1_234_567_890), '1.2 GB');
  assert.equal(amountText('storage', null), '–');
});

test('days and ranges are asked for as the gateway names them', () => {
  assert.equal(dayOf(Date.parse('2026-11-30T23:59:00Z')), '2026-11-30');
  assert.equal(usageQuery({ from: '2026-11-01', to: '2026-11-30', by: 'day' }), '?from=2026-11-01&to=2026-11-30&by=day');
});

test('what nobody wants to know any more is asked no further', async () => {
  const stop = new AbortController();
  let asked = 0;
  const answer = (more) => async () => {
    asked += 1;
    if (asked === 2) stop.abort();
    return more;
  };
  await assert.rejects(addedUp(90, answer(part({ next_cursor: 'again' })), stop.signal), { name: 'AbortError' });
  assert.equal(asked, 2);
  asked = 0;
  await assert.rejects(verifyMonth('2026-11', answer({ entries: 1, is_intact: true, next: 1 }), stop.signal), { name: 'AbortError' });
});

test('a range is never longer than the gateway tells of, and the end that was not chosen follows', () => {
  const range = { from: '2026-11-01', to: '2026-11-30', by: 'day' };
  assert.deepEqual(fitted(range, 'from'), range);
  assert.deepEqual(fitted({ ...range, from: '2026-01-01' }, 'from'), { from: '2026-01-01', to: '2026-04-02', by: 'day' });
  assert.deepEqual(fitted({ ...range, from: '2026-09-01', by: 'hour' }, 'by'), { from: '2026-10-31', to: '2026-11-30', by: 'hour' });
  assert.deepEqual(fitted({ ...range, from: '2026-12-05' }, 'from'), { from: '2026-12-05', to: '2026-12-05', by: 'day' });
});

test('rights decide which pages there are', () => {
  const open = (rights) => PAGES.filter((page) => mayOpen(page, rights));
  assert.deepEqual(open(['read']), ['contacts', 'team', 'templates', 'profile']);
  assert.deepEqual(open(['read', 'answer']), ['contacts', 'team', 'canned-replies', 'templates', 'profile']);
  assert.deepEqual(open(['read', 'see_broadcasts']), ['contacts', 'broadcasts', 'team', 'templates', 'profile']);
  assert.deepEqual(open(['read', 'answer', 'manage_business', 'read_audit', 'see_broadcasts']), PAGES);
  assert.equal(mayOpen('inbox', []), true);
});

test('a call and what became of it are one line, also where one of both is on another page', () => {
  const entry = (seq, details, target = null) => ({ seq, action: 'key_created', target, details });
  const of = (seq) => ({ month: '2026-11', seq });
  const key = { kind: 'key', id: 'k1' };
  const entries = [
    entry(5, { of: of(2), refused: 'forbidden' }),
    entry(4, { of: of(3) }, key),
    entry(3, { scopes: ['send'] }),
  ];
  assert.deepEqual(joined(entries, '2026-11'), [entries[0], entry(3, { scopes: ['send'] }, key)]);
  assert.deepEqual(joined(entries, '2026-12'), entries);
});
