// Broadcasts without a page: sums and words of one, what is written of one and back, and when it is looked at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../english.mjs';
import { Watch } from '../../../console/broadcast_watch.js';
import { columnsIn, definitionOf, draftOf, emptyDraft, firstMissing, isSame, localText, missingIn, samplesOf, timeOf, typedCount, valuesFrom, wrongInValue } from '../../../console/broadcast_draft.js';
import { adviceOf, countsOf, doesOf, failuresOf, lastsFor, limitText, linesOf, problemText, reachOf, reasonText, sampled, shareOf, spanText, suppressedOf, withEvent } from '../../../console/broadcasts.js';
import { addTexts } from '../../../console/language.js';
import { hashOfPage, routeOf } from '../../../console/route.js';

await addTexts('broadcasts');

const RUNNING = {
  broadcast_id: 'b1',
  state: 'running',
  plan: { total: 1_000, recipients: 900, suppressed: { opted_out: 80, phone_invalid: 20 } },
  counts: {
    submitted: 500,
    messages: 490,
    outcomes: { queued: 40, sent: 100, delivered: 200, read: 120, failed: 25, expired: 5, held: 0 },
    suppressed: { opted_out: 10 },
    failed_by_code: { 131026: 5, 131049: 20 },
    failed_by_other_codes: 0,
    reactions: { replied: 3 },
    left: 440,
  },
};

test('each recipient stands in one outcome, and all of them are there', () => {
  const counts = countsOf(RUNNING);
  assert.deepEqual(counts, [['read', 120], ['delivered', 200], ['sent', 100], ['queued', 40], ['planned', 400], ['failed', 25], ['expired', 5], ['suppressed', 110]]);
  assert.equal(counts.reduce((sum, [, count]) => sum + count, 0), RUNNING.plan.total);
  assert.deepEqual(countsOf({ state: 'draft', plan: null }), []);
  assert.deepEqual(countsOf({ state: 'ready', plan: RUNNING.plan }), [['planned', 900], ['suppressed', 100]]);
  assert.deepEqual(countsOf({ ...RUNNING, state: 'cancelled' }).find(([one]) => one === 'cancelled'), ['cancelled', 400], 'whose turn never came');
});

test('how far messages came counts with those that came further', () => {
  assert.deepEqual(reachOf(RUNNING), { messages: 490, sent: 420, delivered: 320, read: 120, failed: 30 });
  assert.deepEqual(reachOf({}), { messages: 0, sent: 0, delivered: 0, read: 0, failed: 0 });
  assert.deepEqual([shareOf(RUNNING), shareOf({ ...RUNNING, state: 'done' }), shareOf({ state: 'draft' })], [1 - 440 / 900, 1, 0]);
});

test('an event brings the counts up to date, and what it leaves out is none', () => {
  const { counts } = withEvent(RUNNING, { counts: { submitted: 600, outcomes: { queued: 10, read: 580 }, suppressed: { opted_out: 10 } } });
  assert.deepEqual([counts.messages, counts.left, counts.outcomes], [590, 310, { queued: 10, read: 580 }]);
});

test('reasons and codes come with the most frequent first, in words', () => {
  assert.deepEqual(suppressedOf(RUNNING), [['opted_out', 90], ['phone_invalid', 20]]);
  assert.deepEqual(failuresOf(RUNNING), [['131049', 20], ['131026', 5]]);
  assert.match(adviceOf('131049'), /try another day/);
  assert.match(adviceOf('131008'), /WhatsApp requires is missing/);
  assert.equal(adviceOf('0'), adviceOf('other'));
  assert.equal(adviceOf('999'), 'WhatsApp did not take it.');
  assert.deepEqual([reasonText('blocked'), reasonText('new_reason')], ['The number blocks this contact.', 'new reason']);
  assert.match(problemText({ problem: { code: 'too_late', message: '' } }), /^Its time passed/);
  assert.deepEqual([problemText({ problem: { code: 'new', message: 'something' } }), problemText({ problem: null })], ['something', '']);
});

test('what limits it is told, also by reasons that are newer than the page', () => {
  assert.match(limitText({ limited_by: 'number_rate' }, 80), /80 a second/);
  assert.match(limitText({ limited_by: 'broadcast_rate', rate: 5 }), /5 a second/);
  assert.match(limitText({ limited_by: 'access_token' }), /access token/);
  assert.equal(limitText({ limited_by: 'moon' }), 'the number is held up');
});

test('spans are told in one unit, and durations by the slowest rate', () => {
  assert.deepEqual([0.2, 40, 60, 1_500, 5_000, 200_000].map(spanText), ['1 second', '40 seconds', '1 minute', '25 minutes', '1.5 hours', '2.5 days']);
  assert.deepEqual([lastsFor(1_000, null, 80), lastsFor(1_000, 5, 80), lastsFor(1_000)], [13, 200, null]);
});

test('what can be done goes by where it stands', () => {
  const does = Object.fromEntries(['draft', 'planning', 'ready', 'scheduled', 'running', 'paused', 'done', 'cancelled'].map((state) => [state, doesOf({ state }).join()]));
  assert.deepEqual(does, { draft: 'remove', planning: 'cancel', ready: 'remove', scheduled: 'cancel', running: 'pause,cancel', paused: 'resume,cancel', done: 'remove', cancelled: 'remove' });
  const failed = { state: 'done', counts: { outcomes: { failed: 2 } } };
  assert.deepEqual(doesOf(failed), ['retry', 'remove']);
  assert.deepEqual(doesOf({ ...failed, retried_by: 'b2' }), ['remove'], 'once at a time');
});

test('samples of one second are one, and many become half', () => {
  let samples = [];
  for (let i = 0; i < 10; i += 1) samples = sampled(samples, RUNNING, i * 500);
  assert.deepEqual(samples.map(({ at }) => at), [0, 1_000, 2_000, 3_000, 4_000]);
  for (let i = 5; i < 800; i += 1) samples = sampled(samples, RUNNING, i * 1_000);
  assert.ok(samples.length <= 600 && samples.at(-1).at === 799_000, `${samples.length}`);
  assert.deepEqual(sampled([], { state: 'ready' }, 0), []);
});

test('lines of a chart begin and end where the first and the last sample are', () => {
  const sample = (at, read) => ({ at, sent: 100, delivered: 50, read, failed: 0 });
  const { least, most, lines } = linesOf([sample(0, 0), sample(10, 50)], 100, 10);
  assert.deepEqual([least, most, lines.sent, lines.read], [0, 100, '0,0 100,0', '0,10 100,5']);
});

// --- what is written -------------------------------------------------------------------------------------------------

const TEMPLATE = { name: 'hi', language: 'en', category: 'MARKETING', components: [{ type: 'BODY', text: 'Hi {{1}}, your code is {{2}} at {{3}}.' }] };
const VALUES = { 'body.1': { from: 'name', fallback: ' friend ' }, 'body.2': { from: 'column', key: 'Code', fallback: '' }, 'body.3': { from: 'text', text: 'Ubud' } };
const WRITTEN = { ...emptyDraft(), name: ' Spring ', number: '1', to: 'list', list: 'l1', template: TEMPLATE, values: VALUES, isFilledHere: true, isNow: false, at: '2026-12-01T10:00', late: 15, rate: '5' };

test('what is written is what the gateway takes, and comes back from it', () => {
  const definition = definitionOf(WRITTEN);
  const at = new Date('2026-12-01T10:00').getTime();
  assert.deepEqual(definition, {
    name: 'Spring',
    template: { name: 'hi', language: { code: 'en' }, components: [{ type: 'body', parameters: [{ type: 'text', text: { from: 'name', fallback: 'friend' } }, { type: 'text', text: { from: 'column', key: 'Code' } }, { type: 'text', text: 'Ubud' }] }] },
    numbers: ['1'],
    audience: { type: 'list', list_id: 'l1' },
    exclude: { lists: [], segments: [] },
    rate: 5,
    at,
    not_after: at + 15 * 60_000,
  });
  const back = draftOf({ ...definition, upload: null });
  assert.ok(isSame(definitionOf(back), definition));
  assert.deepEqual(valuesFrom(TEMPLATE, definition.template), { 'body.1': { from: 'name', key: '', fallback: 'friend' }, 'body.2': { from: 'column', key: 'Code', fallback: '' }, 'body.3': VALUES['body.3'] });
  assert.deepEqual(definitionOf(emptyDraft()), { name: '', numbers: [''], audience: { type: 'upload' }, exclude: { lists: [], segments: [] } });
  assert.deepEqual([localText(at), timeOf(''), timeOf('2026-12')], ['2026-12-01T10:00', NaN, NaN]);
});

test('hours, and a time where each person is, come back as they were written', () => {
  const local = { ...WRITTEN, isLocal: true, hasHours: true, opens: '22:00', closes: '06:00', days: ['mon', 'sun'], zone: 'Asia/Jakarta' };
  const definition = definitionOf(local);
  assert.deepEqual([definition.at, definition.at_local, definition.not_after_local], [undefined, '2026-12-01T10:00', '2026-12-01T10:15']);
  assert.deepEqual(definition.hours, { zone: 'recipient', fallback_zone: 'Asia/Jakarta', days: { mon: [['22:00', '06:00']], sun: [['22:00', '06:00']] } });
  const over = definitionOf({ ...local, at: '2026-12-31T23:50' });
  assert.equal(over.not_after_local, '2027-01-01T00:05');
  const back = (one) => definitionOf(draftOf({ ...one, upload: null }));
  assert.ok(isSame(back(definition), definition));
  const one = definitionOf({ ...WRITTEN, hasHours: true, isOneZone: true, zone: 'Asia/Jakarta' });
  assert.equal(one.hours.zone, 'Asia/Jakarta');
  assert.equal(Object.keys(one.hours.days).length, 7);
  assert.ok(isSame(back(one), one));
  // What a program wrote, and nobody can write here, stays.
  const kept = { ...one, hours: { zone: 'recipient', zone_attribute: 'tz', fallback_zone: 'Etc/UTC', days: { mon: [['09:00', '12:00'], ['13:00', '18:00']], sat: [['10:00', '12:00']] } } };
  assert.ok(isSame(back(kept), kept));
  const anyHour = definitionOf({ ...local, hasHours: false });
  assert.deepEqual(anyHour.hours, { zone: 'recipient', fallback_zone: 'Asia/Jakarta' });
  assert.ok(isSame(back(anyHour), anyHour));
});

test('what fills a template comes back, also where it is no text', () => {
  const template = { ...TEMPLATE, components: [{ type: 'HEADER', format: 'LOCATION' }, { type: 'BODY', text: 'Here' }] };
  const sent = { components: [{ type: 'header', parameters: [{ type: 'location', location: { latitude: 3.1, longitude: 101.7, name: 'KL' } }] }] };
  assert.deepEqual(valuesFrom(template, sent), { header: { latitude: '3.1', longitude: '101.7', name: 'KL' } });
  assert.deepEqual(valuesFrom(TEMPLATE, null), {});
});

test('two that say the same are the same in whatever order', () => {
  assert.ok(isSame({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }));
  assert.ok(!isSame({ a: [1, 2] }, { a: [2, 1] }));
});

test('what is missing is told step by step', () => {
  const known = { hasFile: false, ownRate: 80 };
  const of = (step, more, now = 0) => missingIn(step, { ...WRITTEN, ...more }, known, now)?.[1] ?? null;
  assert.deepEqual([of('name'), of('audience'), of('template'), of('schedule')], [null, null, null, null]);
  assert.deepEqual([of('name', { name: ' ' }), of('name', { number: '' })], ['broadcasts.need.name', 'broadcasts.need.number']);
  assert.deepEqual([of('audience', { to: '' }), of('audience', { to: 'segment' }), of('audience', { to: 'upload' })], ['broadcasts.need.audience', 'broadcasts.need.segment', 'broadcasts.need.file']);
  assert.equal(missingIn('audience', { ...WRITTEN, to: 'upload' }, { hasFile: true }), null);
  assert.equal(of('template', { template: null, sent: null }), 'broadcasts.need.template');
  assert.deepEqual([of('schedule', { rate: '0' }), of('schedule', { rate: '1.5' }), of('schedule', { rate: '81' })], ['broadcasts.need.rate', 'broadcasts.need.rate', 'broadcasts.need.rate_below']);
  assert.deepEqual([of('schedule', { at: '' }), of('schedule', {}, Date.UTC(2027, 1))], ['broadcasts.need.time', 'broadcasts.need.future']);
  const hours = { hasHours: true, opens: '09:00', closes: '20:00', days: ['mon'] };
  assert.deepEqual([of('schedule', hours), of('schedule', { ...hours, days: [] }), of('schedule', { ...hours, closes: '09:00' })], [null, 'broadcasts.need.days', 'broadcasts.need.hours']);
  assert.deepEqual([of('schedule', { isLocal: true }, Date.UTC(2026, 11, 1, 21)), of('schedule', { isLocal: true }, Date.UTC(2026, 11, 1, 22))], [null, 'broadcasts.need.future']);
  assert.deepEqual([firstMissing(WRITTEN, known), firstMissing({ ...WRITTEN, to: '' }, known)], ['review', 'audience']);
});

test('what fills a field is looked at by where it comes from', () => {
  const field = { kind: 'text', part: 'body', longest: 10 };
  const of = (value) => wrongInValue(field, value);
  assert.deepEqual([of(undefined), of({ from: 'text', text: 'ok' }), of({ from: 'text', text: 'a\nb' })], ['fill.missing', null, 'fill.no_breaks']);
  assert.deepEqual([of({ from: 'name', fallback: '' }), of({ from: 'column', key: '' }), of({ from: 'column', key: 'x', fallback: 'much too long a text' })], [null, 'broadcasts.need.source', 'fill.too_long']);
  assert.deepEqual(samplesOf(VALUES, ({ key }) => `[${key ?? 'name'}]`), { 'body.1': 'friend', 'body.2': '[Code]', 'body.3': 'Ubud' });
});

test('the columns of a file are told from its beginning', () => {
  assert.deepEqual(columnsIn('\uFEFFPhone;Full name;Code\r\n62811;Ana, B;7\r\n'), ['Phone', 'Full name', 'Code']);
  assert.deepEqual(columnsIn('"Phone, main","say ""hi""",City\n1,2,3'), ['Phone, main', 'say "hi"', 'City']);
  assert.deepEqual(columnsIn('{"phone":"62811","city":"Ubud"}\n{"phone":'), ['phone', 'city']);
  assert.deepEqual([columnsIn('{"phone":'), columnsIn(''), columnsIn('Phone\n1')], [[], [], ['Phone']]);
});

test('a count is typed in any digits and groups, and nothing else is one', () => {
  assert.deepEqual(['1500', '1,500', '1.500', ' 1 500 ', '١٥٠٠', '١٬٥٠٠'].map(typedCount), Array(6).fill(1_500));
  assert.deepEqual(['', '15OO', '-1500', '1500 people'].map(typedCount), Array(4).fill(NaN));
});

test('addresses lead to the list, to a new one and to one', () => {
  const id = 'ab'.repeat(16);
  assert.deepEqual(['#/broadcasts', '#/broadcasts/new', `#/broadcasts/${id}`, '#/broadcasts/x'].map((hash) => routeOf(hash)?.part), [undefined, 'new', id, undefined]);
  assert.deepEqual([routeOf('#/broadcasts').page, routeOf('#/broadcasts/x'), hashOfPage('broadcasts', id)], ['broadcasts', null, `#/broadcasts/${id}`]);
});

// --- when it is looked at --------------------------------------------------------------------------------------------

/** A watch by a clock that goes on by hand. */
function watched(answers) {
  let time = 0;
  let due = null;
  const seen = { reads: [], put: [], failed: [], isSeen: true };
  const timers = { setTimeout: (run, wait) => (due = { run, at: time + wait }), clearTimeout: () => (due = null) };
  const read = async () => {
    seen.reads.push(time);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const watch = new Watch({ read, put: (one) => seen.put.push(one), failed: (error) => seen.failed.push(error), isSeen: () => seen.isSeen, timers, now: () => time });
  const goTo = async (until) => {
    for (;;) {
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
      if (due === null || due.at > until) break;
      const { run, at } = due;
      due = null;
      time = at;
      run();
    }
    time = until;
  };
  return { watch, seen, goTo };
}

test('however many events come, it is looked at once a second', async () => {
  const { watch, seen, goTo } = watched([{ state: 'done' }]);
  for (let i = 0; i <= 30; i += 1) {
    watch.hint();
    await goTo(i * 100);
  }
  await goTo(10_000);
  assert.deepEqual(seen.reads, [0, 1_000, 2_000, 3_000], 'and no more once nothing happens');
});

test('a plan is looked at again by itself, and so is a run, less often', async () => {
  const { watch, seen, goTo } = watched([{ state: 'planning' }, { state: 'planning' }, { state: 'running' }, { state: 'running' }, { state: 'done' }]);
  watch.hint();
  await goTo(60_000);
  assert.deepEqual(seen.reads, [0, 1_000, 2_000, 7_000, 12_000]);
  assert.equal(seen.put.at(-1).state, 'done');
});

test('nothing is asked for while nobody sees the page, and at once when somebody does', async () => {
  const { watch, seen, goTo } = watched([{ state: 'running' }]);
  watch.hint();
  await goTo(100);
  seen.isSeen = false;
  await goTo(60_000);
  watch.hint();
  await goTo(70_000);
  assert.deepEqual(seen.reads, [0]);
  seen.isSeen = true;
  watch.shown();
  await goTo(70_001);
  assert.deepEqual(seen.reads, [0, 70_000]);
  watch.stop();
  await goTo(200_000);
  assert.equal(seen.reads.length, 2, 'and never once it is stopped');
});

test('after failures it waits longer, and what is gone is left alone', async () => {
  const { watch, seen, goTo } = watched([new Error('away'), new Error('away'), { state: 'done' }]);
  watch.hint();
  await goTo(60_000);
  assert.deepEqual([seen.reads, seen.failed.length, seen.put.length], [[0, 2_000, 6_000], 2, 1]);
  const gone = watched([Object.assign(new Error('gone'), { status: 404 })]);
  gone.watch.hint();
  await gone.goTo(60_000);
  assert.deepEqual(gone.seen.reads, [0]);
});
