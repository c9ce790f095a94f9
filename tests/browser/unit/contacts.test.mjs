// Contacts without a page: queries, reading on, counting, windows of rows, values, and what columns of a file are.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contacts, NO_FILTER, countOn, isFiltered, keyOf, queryOf, readOn, valueOf, valueText, windowOf } from '../../../console/contacts.js';
import { changeAll, mostFrequent, partsOf } from '../../../console/bulk.js';
import { readFiles } from '../../../console/pages/contact_files.js';
import { countries } from '../../../console/countries.js';
import { baseOf, fieldOptions, fieldText, labelsOf, mappingProblem, progressOf, reasonsOf, typeOf } from '../../../console/imports.js';
import { ApiError } from '../../../console/http.js';
import { addTexts } from '../../../console/language.js';
import { nameOf, addressOf } from '../../../console/people.js';
import { hashOfPage, routeOf } from '../../../console/route.js';
import { sendingFetch } from '../../../console/sending_fetch.js';

await addTexts('contacts');

test('a query holds what is chosen, and nothing else', () => {
  assert.equal(queryOf(NO_FILTER), '?limit=50&sort=created&order=desc');
  assert.equal(queryOf({ ...NO_FILTER, search: ' an&a ', condition: 'attribute.city = "Ubud"' }, 'c+1'), '?limit=50&search=an%26a&sort=created&order=desc&filter=attribute.city+%3D+%22Ubud%22&cursor=c%2B1');
  assert.equal(queryOf({ ...NO_FILTER, key: 'city', how: '=' }), '?limit=50&sort=created&order=desc');
  assert.deepEqual([isFiltered(NO_FILTER), isFiltered({ ...NO_FILTER, key: 'city', how: '=' }), isFiltered({ ...NO_FILTER, sort: 'name' }), isFiltered({ ...NO_FILTER, label: 'vip' })], [false, false, false, true]);
});

test('short pages are read on until there is enough, the end, or the bound', async () => {
  const pages = (of, per) => {
    const asked = [];
    const read = async (cursor) => {
      asked.push(cursor);
      const at = Number(cursor ?? 0);
      return { contacts: Array.from({ length: per }, (_, i) => ({ id: `${at}.${i}` })), next_cursor: at + 1 < of ? String(at + 1) : null };
    };
    return { asked, read };
  };
  const few = pages(3, 1);
  assert.deepEqual([(await readOn(few.read)).contacts.length, (await readOn(few.read)).next, few.asked.length], [3, null, 6]);
  const empty = pages(100, 0);
  assert.deepEqual(await readOn(empty.read), { contacts: [], next: '8' });
  assert.equal(empty.asked.length, 8);
  const full = pages(100, 50);
  const seen = [];
  assert.equal((await readOn(full.read, '7', { onPage: (page) => seen.push(page.length) })).next, '8');
  assert.deepEqual([full.asked, seen], [['7'], [50]]);
});

test('attributes are asked for anew while an import may make some, and once after it', async () => {
  let asked = [];
  const contacts = new Contacts(async (method, path) => (asked.push(path), { attributes: [], lists: [] }), () => 0);
  const reads = async () => {
    asked = [];
    for (let turn = 0; turn < 2; turn += 1) await Promise.all([contacts.attributes(), contacts.lists()]);
    return asked.filter((path) => path === '/v1/attributes').length;
  };
  assert.equal(await reads(), 1);
  assert.equal(await reads(), 0);
  contacts.imported('i1', true);
  assert.equal(await reads(), 2);
  contacts.imported('i1', false);
  assert.equal(await reads(), 1);
  assert.equal(asked.includes('/v1/lists'), false);
});

test('files are read for in turns, no further than enough or the bound, and go on where they were', async () => {
  const asked = [];
  const read = (pages) => async (path) => {
    const url = new URL(path, 'http://x');
    const [, id] = /conversations\/(\w+)\/messages/.exec(url.pathname);
    asked.push(`${id}${url.searchParams.get('before') ?? ''}`);
    const at = Number(url.searchParams.get('before') ?? 0);
    return { messages: [{ id: `${id}${at}`, media: at % 2 === 1 ? { media_id: 'm' } : undefined }], next_cursor: at + 1 < pages[id] ? String(at + 1) : null };
  };
  const first = await readFiles(read({ a: 9, b: 2 }), ['a', 'b'].map((id) => ({ id, before: null })));
  assert.deepEqual([asked, first.found.map(({ id }) => id), first.places], [['a', 'b', 'a1', 'b1', 'a2'], ['a1', 'b1'], [{ id: 'a', before: '3' }]]);
  const second = await readFiles(read({ a: 5 }), first.places);
  assert.deepEqual([second.found.map(({ id }) => id), second.places], [['a3'], []]);
  const many = { messages: Array.from({ length: 100 }, (_, i) => ({ id: String(i), media: {} })), next_cursor: '1' };
  let calls = 0;
  await readFiles(async () => ((calls += 1), many), [{ id: 'a', before: null }]);
  assert.equal(calls, 1);
});

test('what was stopped brings nothing any more', async () => {
  const turn = new AbortController();
  const seen = [];
  const read = async () => (turn.abort(), { contacts: [{ id: 'a' }], next_cursor: null });
  await assert.rejects(readOn(read, null, { signal: turn.signal, onPage: (page) => seen.push(page) }), { name: 'AbortError' });
  assert.deepEqual(seen, []);
});

test('a count goes on to its end and tells on its way, but not for ever', async () => {
  const bodies = [];
  const ask = (of) => async (method, path, body) => {
    bodies.push(body);
    const at = Number(body.cursor ?? 0);
    return { count: 10, next_cursor: at + 1 < of ? String(at + 1) : null };
  };
  const told = [];
  assert.deepEqual(await countOn(ask(3), { filter: 'x' }, { onStep: (count) => told.push(count) }), { count: 30, isWhole: true });
  assert.deepEqual([told, bodies], [[10, 20], [{ filter: 'x' }, { filter: 'x', cursor: '1' }, { filter: 'x', cursor: '2' }]]);
  assert.deepEqual(await countOn(ask(Infinity), {}), { count: 4_000, isWhole: false });
});

test('a count waits for another long call of the business, and not for ever', async () => {
  let refusals = 2;
  const waited = [];
  const pause = async (ms) => waited.push(ms);
  const ask = async () => {
    refusals -= 1;
    if (refusals >= 0) throw new ApiError(503, 'busy', '', refusals === 0 ? 250 : null);
    return { count: 7, next_cursor: null };
  };
  assert.deepEqual(await countOn(ask, {}, { pause }), { count: 7, isWhole: true });
  assert.deepEqual(waited, [1_000, 250]);
  refusals = Infinity;
  await assert.rejects(countOn(ask, {}, { pause }), { code: 'busy' });
  assert.equal(waited.length, 10);
});

test('a window of rows holds what is in view and some beside it, and never more rows than there are', () => {
  assert.deepEqual(windowOf({ count: 1_000, height: 50, top: 0, room: 500 }), { from: 0, to: 22 });
  assert.deepEqual(windowOf({ count: 1_000, height: 50, top: 10_000, room: 500 }), { from: 188, to: 222 });
  assert.deepEqual(windowOf({ count: 1_000, height: 50, top: 49_900, room: 500 }), { from: 986, to: 1_000 });
  assert.deepEqual(windowOf({ count: 5, height: 50, top: 9_000, room: 500 }), { from: 4, to: 5 });
  assert.deepEqual(windowOf({ count: 1_000, height: 50, top: -400, room: 500 }), { from: 0, to: 22 });
  assert.deepEqual(windowOf({ count: 0, height: 50, top: 0, room: 500 }), { from: 0, to: 0 });
});

test('values of attributes are read and written by their kinds', () => {
  assert.deepEqual([valueOf('text', ' a '), valueOf('number', '2.5'), valueOf('boolean', 'false'), valueOf('date', '2026-11-30'), valueOf('choice', 'x'), valueOf('number', ' ')], ['a', 2.5, false, '2026-11-30', 'x', null]);
  assert.deepEqual([valueText('boolean', true), valueText('number', 1234.5), valueText('date', '2026-11-30'), valueText('date', 'soon'), valueText('text', 'x')], ['Yes', '1,234.5', 'Nov 30, 2026', 'soon', 'x']);
  assert.deepEqual([keyOf('Size of the Garden'), keyOf('Año (1)'), keyOf('حجم'), keyOf('x'.repeat(60)), keyOf('2 phones')], ['size_of_the_garden', 'ano_1', '', 'x'.repeat(32), 'phones']);
});

test('definitions are read once, again after a change, after a while, and after a failure', async () => {
  let now = 0;
  let isAway = false;
  const asked = [];
  const contacts = new Contacts(
    async (method, path) => {
      asked.push(`${method} ${path}`);
      if (isAway) throw new Error('away');
      return { lists: [asked.length] };
    },
    () => now,
  );
  assert.deepEqual(await Promise.all([contacts.lists(), contacts.lists()]), [[1], [1]]);
  await contacts.define('lists', 'PUT', 'a/b', { name: 'x' });
  assert.deepEqual(await contacts.lists(), [3]);
  now = 300_000;
  isAway = true;
  await assert.rejects(contacts.lists());
  isAway = false;
  assert.deepEqual(await contacts.lists(), [5]);
  assert.deepEqual(await contacts.lists(true), [6]);
  assert.deepEqual(asked, ['GET /v1/lists', 'PUT /v1/lists/a%2Fb', 'GET /v1/lists', 'GET /v1/lists', 'GET /v1/lists', 'GET /v1/lists']);
});

test('a customer is called as the business calls them', () => {
  const contact = { given_name: 'Ibu Sari', name: 'Sari W', username: 'sari', phone: '6281355501234' };
  assert.equal(nameOf(contact), 'Ibu Sari');
  assert.equal(addressOf({ given_name: 'Ibu Sari', phone: '6281355501234' }), '+62 813 555 01234');
  assert.equal(nameOf({ ...contact, given_name: undefined }), 'Sari W');
});

test('parts of the page of contacts have addresses', () => {
  const id = 'ab'.repeat(16);
  for (const part of ['lists', 'segments', 'attributes', 'imports', 'duplicates', id, 'list/l-1', 'segment/s_1'])
    assert.deepEqual(routeOf(hashOfPage('contacts', part)), { kind: 'page', page: 'contacts', part });
  assert.deepEqual(routeOf('#/contacts'), { kind: 'page', page: 'contacts' });
  for (const wrong of ['#/contacts/', '#/contacts/other', '#/contacts/list/', '#/contacts/list/a/b', '#/team/lists']) assert.equal(routeOf(wrong), null, wrong);
});

test('a mapping has one phone, and no field twice that can be there once', () => {
  assert.equal(mappingProblem({ A: 'phone', B: 'label', C: 'label', D: 'skip', E: 'skip' }), '');
  assert.match(mappingProblem({ A: 'name' }), /which column is the phone/);
  assert.match(mappingProblem({ A: 'phone', B: 'phone' }), /Phone/);
  assert.match(mappingProblem({ A: 'phone', B: 'attribute.city', C: 'attribute.city' }), /city/);
});

test('columns may be what there is, and what the file suggests', () => {
  const attributes = [{ key: 'city', name: 'City' }];
  const options = fieldOptions('attribute.shoe', attributes);
  assert.deepEqual(options.slice(-2), [['attribute.city', 'City'], ['attribute.shoe', 'shoe']]);
  assert.equal(fieldOptions('phone', attributes).length, options.length - 1);
  assert.equal(fieldOptions('skip', attributes).length, options.length - 1);
});

test('files are told by their ends, labels by commas, progress by bytes', () => {
  assert.deepEqual([typeOf('a.CSV'), typeOf('a.b.tsv'), typeOf('x.jsonl'), typeOf('x.xlsx'), typeOf('csvfile')], ['text/csv', 'text/csv', 'application/x-ndjson', null, null]);
  assert.deepEqual(labelsOf(' a, b ;a،c,, '), ['a', 'b', 'c']);
  assert.deepEqual([progressOf({ state: 'running', bytes: 200, bytes_read: 50 }), progressOf({ state: 'running', bytes: 0 }), progressOf({ state: 'done', bytes: 200, bytes_read: 50 })], [0.25, 0, 1]);
});

test('sending a file tells how far it is, answers as fetch does, and is stopped by a signal', async () => {
  const made = [];
  class Request {
    upload = {};
    headers = {};
    constructor() {
      made.push(this);
    }
    open(...line) {
      this.line = line;
    }
    setRequestHeader(name, value) {
      this.headers[name] = value;
    }
    send(body) {
      this.body = body;
    }
    abort() {
      this.onabort();
    }
  }
  const told = [];
  const send = (signal) => sendingFetch((...parts) => told.push(parts), Request)('/v1/imports', { method: 'POST', headers: { 'x-csrf-token': 't' }, body: 'b', signal });
  const sent = send(new AbortController().signal);
  made[0].upload.onprogress({ loaded: 1, total: 4 });
  Object.assign(made[0], { status: 201, statusText: 'Created', responseText: '{}' }).onload();
  const answer = await sent;
  assert.deepEqual([answer.ok, answer.status, await answer.text()], [true, 201, '{}']);
  assert.deepEqual([told, made[0].line, made[0].headers, made[0].body], [[[1, 4]], ['POST', '/v1/imports'], { 'x-csrf-token': 't' }, 'b']);
  const turn = new AbortController();
  const stopped = send(turn.signal);
  turn.abort();
  await assert.rejects(stopped, { name: 'AbortError' });
  await assert.rejects(send(AbortSignal.abort()), { name: 'AbortError' });
  const lost = send(new AbortController().signal);
  made.at(-1).onerror();
  await assert.rejects(lost, TypeError);
});

test('what very many contacts have is deleted part by part, and is not asked about for ever', async () => {
  let parts = 3;
  const contacts = new Contacts(async () => ({ done: (parts -= 1) <= 0 }));
  await contacts.remove('lists', 'l');
  assert.equal(parts, 0);
  const paths = [];
  const goesOn = async (_, path) => (paths.push(path), paths.length < 2 ? { done: false, next_cursor: 'a/b' } : { done: true });
  await new Contacts(goesOn).remove('lists', 'l');
  assert.deepEqual(paths, ['/v1/lists/l', '/v1/lists/l?cursor=a%2Fb']);
  parts = Infinity;
  await assert.rejects(contacts.remove('lists', 'l'), { code: 'no_answer' });
  await new Contacts(async () => ({ segment_id: 's' })).remove('segments', 's');
});

test('many are changed a few at a time; what fails is told, and one that may not goes no further', async () => {
  const refused = (status, code = 'x', wait = null) => new ApiError(status, code, '', wait);
  const steps = [];
  let running = 0;
  let most = 0;
  const tries = new Map();
  const run = async (item) => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    tries.set(item, (tries.get(item) ?? 0) + 1);
    if (item === 3) throw refused(404, 'not_found');
    if (item === 4 && tries.get(4) < 3) throw refused(429, 'too_many', 10);
    if (item === 5) throw refused(503);
  };
  const pauses = [];
  const { done, failed } = await changeAll([1, 2, 3, 4, 5, 6, 7], run, { onStep: (...step) => steps.push(step), pause: async (ms) => pauses.push(ms) });
  assert.deepEqual([done, failed.map(({ item }) => item).sort(), steps.at(-1), tries.get(5)], [5, [3, 5], [5, 2], 6]);
  assert.ok(most > 1 && most <= 3, String(most));
  assert.deepEqual(pauses.filter((ms) => ms === 10).length, 2);
  const lost = await changeAll([1, 2, 3, 4, 5, 6, 7, 8], async () => Promise.reject(refused(403, 'forbidden')));
  assert.deepEqual([lost.done, lost.failed.length], [0, 8]);
  assert.equal(mostFrequent([...failed, ...lost.failed]).code, 'forbidden');
  assert.equal(mostFrequent([]), null);
  const turn = new AbortController();
  const stopped = await changeAll([1, 2, 3, 4, 5, 6, 7, 8], async () => turn.abort(), { signal: turn.signal });
  assert.ok(stopped.done < 8 && stopped.failed.length === 0);
  assert.deepEqual(partsOf([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
});

test('labels that were seen are suggested once, as they are written', async () => {
  let calls = 0;
  const contacts = new Contacts(async (method, path) => {
    calls += 1;
    if (calls === 1) throw new ApiError(0, 'unreachable', '');
    return path.startsWith('/v1/contacts?') ? { contacts: [{ id: '1', labels: ['VIP', 'shop'] }, { id: '2', labels: ['vip'] }] } : { id: '3', labels: ['Été'] };
  });
  await contacts.learnLabels();
  await contacts.learnLabels();
  await contacts.learnLabels();
  assert.equal(calls, 2, 'what could not be read is asked for again, what was is not');
  await contacts.change('3', {});
  assert.deepEqual([contacts.labels, contacts.spelled('vip'), contacts.spelled('ETE'), contacts.spelled('new')], [['Été', 'shop', 'VIP'], 'VIP', 'Été', 'new']);
});

test('a column may become an attribute of its own, of a kind', () => {
  const fields = (...given) => fieldOptions(...given).map(([field]) => field);
  assert.deepEqual(fields('skip', [], 'E-mail').slice(-4), ['attribute.new:E-mail', 'attribute.new.number:E-mail', 'attribute.new.date:E-mail', 'attribute.new.boolean:E-mail']);
  assert.ok(!fields('skip', []).some((field) => field.startsWith('attribute.new')));
  assert.equal(new Set(fields('attribute.new:E-mail', [], 'E-mail')).size, fields('skip', [], 'E-mail').length);
  assert.deepEqual([fieldText('attribute.new.date:Born: on'), fieldText('attribute.new:City')], ['New attribute Born: on: Date', 'New attribute City: Text']);
  assert.match(mappingProblem({ a: 'phone', b: 'attribute.new:City', c: 'attribute.new:City' }), /New attribute City/);
});

test('the most frequent reasons come first, those without words as they are', () => {
  assert.deepEqual(reasonsOf({}), []);
  assert.deepEqual(reasonsOf({ reasons: { duplicate: 1, of_tomorrow: 9, phone_missing: 3 } }), [['of_tomorrow', 9], ['The row has no phone', 3], ['The file has this contact in an earlier row', 1]]);
  assert.equal(reasonsOf({ reasons: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`r${i}`, i])) }).length, 5);
  assert.deepEqual(['a.b.csv', 'none', 'x.ndjson'].map(baseOf), ['a.b', 'none', 'x']);
});

test('countries are called by their names, in order, and none twice', () => {
  const all = countries('es');
  assert.ok(all.length > 230);
  assert.equal(new Set(all.map(([code]) => code)).size, all.length);
  assert.deepEqual(all.find(([code]) => code === 'ES'), ['ES', 'España']);
  assert.ok(all.every(([code, name]) => name !== code), 'each has a name');
});
