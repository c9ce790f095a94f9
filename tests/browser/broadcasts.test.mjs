// Broadcasts: their list, one as it goes, and one that is written from its name to its launch.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axeProblems } from './axe.mjs';
import { launch } from './browser.mjs';
import { eventually, soon } from './hands.mjs';
import { SECRET, atWork, inTheOffice, says, visit } from './office.mjs';
import { isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ reducedMotion: 'reduce' })));
after(() => browser?.close());

/** A gateway that refuses something is part of these tests. */
const EXPECTED = /Failed to load resource: the server responded with a status of (400|401|403|404|409|422|503)/;
const office = (name, body) => test(name, () => inTheOffice(browser.context, body, EXPECTED));
const button = (place, name) => place.getByRole('button', { name, exact: true });
const row = (page, one) => page.locator(`[data-broadcast="${one.broadcast_id}"]`);
const cells = (page, one) => row(page, one).locator('td').allTextContents();
const state = (page) => page.locator('.page-head .broadcast-state');
const isState = (page, text) => eventually(`it is ${text}`, async () => (await state(page).textContent()) === text);
const count = (page, outcome) => page.locator(`[data-outcome="${outcome}"] dd`);
const counts = (page, outcome, text) => eventually(`${outcome} is ${text}`, async () => (await count(page, outcome).textContent()).startsWith(text));
/** Waits for the step of this title, whose heading has the focus. */
const isAt = (page, title) => eventually(`the step ${title}`, async () => (await page.locator('#step-title').textContent()) === title);
const asks = (broadcasts, ...call) => broadcasts.heard.filter(([method, part]) => method === call[0] && part === call[1]);

/** A list of so many contacts, a segment, and an attribute. */
function audience(contacts, many) {
  contacts.attributes.push({ key: 'city', name: 'City', type: 'text' });
  contacts.lists.push({ list_id: 'l1', name: 'Newsletter', created: 1 }, { list_id: 'l2', name: 'Staff', created: 1 });
  contacts.segments.push({ segment_id: 's1', name: 'Regulars', filter: 'label = "vip"', words: 'Whoever has the label vip.', changed_at: 1 });
  contacts.fill(many, (i) => ({ name: `Customer ${i}`, phone: `6019${1_000_000 + i}`, lists: i === 1 ? ['l1', 'l2'] : ['l1'], labels: i < 3 ? ['vip'] : undefined, attributes: i === 0 ? undefined : { city: 'Ubud' } }));
}

/** Begins a broadcast of this name. */
async function begun(open, name, email = 'ana@example.com') {
  const page = await atWork(open, email);
  const place = await visit(page, 'Broadcasts');
  await place.getByRole('link', { name: 'New broadcast' }).click();
  await isAt(page, 'What is it called?');
  await place.getByLabel('Name', { exact: true }).fill(name);
  await button(place, 'Save and go on').click();
  await isAt(page, 'Whom is it for?');
  return { page, place };
}

const goOn = (place) => button(place, 'Save and go on').click();

// --- the list --------------------------------------------------------------------------------------------------------

office('an empty list says what to do; a full one is read on, and kept up to date by events without a call', async ({ gateway, open }) => {
  const { broadcasts } = gateway;
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Broadcasts');
  await says(place, /No broadcast yet.*Press “New broadcast”/);
  for (let i = 0; i < 35; i += 1) broadcasts.add({ name: `Old ${i}` });
  const draft = broadcasts.add({ name: 'June', template: null, problem: { code: 'list_gone', message: 'gone' } });
  const running = broadcasts.addRunning('Spring sale', 4_000, { read: 100, delivered: 200, sent: 50, failed: 10 });
  await page.reload();
  await row(page, running).waitFor();
  await soon.deepEqual(async () => (await cells(page, running)).slice(0, 6), ['Running', '4,000', '350', '300', '100', '10']);
  await soon.match(async () => (await cells(page, draft))[0], /Draft.*needs a look/);
  await soon.match(() => row(page, draft).textContent(), /no template yet · nobody chosen yet/);
  const called = broadcasts.heard.length;
  broadcasts.goOn(running, { read: 400, delivered: 200, sent: 50, failed: 20 });
  await eventually('an event brings it up to date', async () => (await cells(page, running)).slice(2, 6).join() === '650,600,400,20');
  assert.equal(broadcasts.heard.length, called, 'without a call');
  await soon.equal(() => page.locator('[data-broadcast]').count(), 30);
  await button(place, 'Earlier broadcasts').click();
  await eventually('the rest is there', async () => (await page.locator('[data-broadcast]').count()) === 37 && (await button(place, 'Earlier broadcasts').count()) === 0);
  // No event tells that one has ended: it is read again when nothing is left of it.
  broadcasts.goOn(running, { read: 4_000 }, { state: 'done', ended_at: Date.now() });
  await eventually('it has ended', async () => (await cells(page, running))[0] === 'Done');
  await isSound(page, 'the list');
});

// --- one as it goes --------------------------------------------------------------------------------------------------

office('one that runs is shown as events tell, stopped and ended; what failed is told with advice', async ({ gateway, open }) => {
  const { broadcasts } = gateway;
  const one = broadcasts.addRunning('Spring sale', 4_000, { read: 100, delivered: 200, sent: 50, queued: 80, failed: 10, unknown: 2 });
  Object.assign(one.counts, { failed_by_code: { 131026: 7, 131049: 3 }, reactions: { replied: 5 } });
  const page = await atWork(open, 'ana@example.com', `#/broadcasts/${one.broadcast_id}`);
  const place = page.locator('#page');
  await isState(page, 'Running');
  await soon.deepEqual(() => place.locator('[data-outcome]').evaluateAll((nodes) => nodes.map((node) => node.dataset.outcome)), ['read', 'delivered', 'sent', 'queued', 'planned', 'unknown', 'failed', 'suppressed']);
  await says(place, /Speed now.*80 messages a second.*rate of the number.*Expected end/);
  one.cost = { currency: 'EUR', rate_card: { date: '2026-01-01', source: 'made up' }, estimate: '284.8', messages: 350, told: '24.92', unpriced: 0 };
  broadcasts.goOn(one, { read: 101, delivered: 200, sent: 50, queued: 80, failed: 10, unknown: 2 }, { counts: { failed_by_code: one.counts.failed_by_code, reactions: one.counts.reactions } });
  await says(place, /Cost\s*€24\.92 so far, €284\.80 reckoned before/);
  await says(place, /Why some failed.*7.*take it off your lists.*3.*another day/is);
  await says(place, /2\s*Wants no marketing from you.*1\s*No country has such a phone number/is);
  await says(place, /Replied\s*5/);
  for (const read of [300, 500, 700]) {
    broadcasts.goOn(one, { read, delivered: 200, sent: 50, queued: 80, failed: 10 });
    await counts(page, 'read', String(read));
  }
  await place.locator('.broadcast-chart').waitFor();
  await isSound(page, 'a broadcast that runs');
  await button(place, 'Pause').click();
  await isState(page, 'Paused');
  await button(place, 'Resume').click();
  await isState(page, 'Running');
  await button(place, 'Cancel it').click();
  await says(place, /What was not sent yet is never sent/);
  await button(place, 'Keep as it is').click();
  await button(place, 'Cancel it').click();
  assert.equal(asks(broadcasts, 'POST', 'cancel').length, 0, 'it is asked before');
  await button(place, 'Yes, cancel it').click();
  await isState(page, 'Cancelled');
  await button(place, 'Delete').click();
  await button(place, 'Yes, delete it').click();
  await eventually('the list is there', async () => (await place.getByRole('heading', { level: 1 }).textContent()) === 'Broadcasts');
  assert.equal(broadcasts.rows.length, 0);
});

office('recipients are found by their outcome, and taken away as files', async ({ gateway, open }) => {
  const { broadcasts } = gateway;
  const one = broadcasts.addRunning('Spring sale', 117, { read: 60, failed: 3 }, { state: 'paused', problem: { code: 'too_late', message: 'late' } });
  const page = await atWork(open, 'ana@example.com', `#/broadcasts/${one.broadcast_id}`);
  const card = page.getByRole('region', { name: 'Recipients' }).first();
  await says(page.locator('#page'), /Its time passed before it could begin/);
  const numbers = () => page.locator('[data-no]').count();
  await eventually('the first are there', async () => (await numbers()) === 50);
  await button(card, 'More recipients').click();
  await eventually('more are there', async () => (await numbers()) === 100);
  await card.getByLabel('Outcome').selectOption('Failed');
  await eventually('only those that failed', async () => (await numbers()) === 3);
  await soon.match(() => page.locator('[data-no]').first().textContent(), /Customer 61.*no WhatsApp.*\(code 131026\)/);
  for (const [name, form] of [['Download CSV', /Spring sale-failed\.csv/], ['Download NDJSON', /Spring sale-failed\.ndjson/]]) {
    const download = page.waitForEvent('download');
    await button(card, name).click();
    assert.match((await download).suggestedFilename(), form);
    assert.match(await readFile(await (await download).path(), 'utf8'), /Customer 61/);
  }
  await card.getByLabel('Outcome').selectOption('Not sent to');
  await says(card, /Nobody\./);
});

// --- writing one -----------------------------------------------------------------------------------------------------

office('one is written step by step, planned, looked at and launched with its count typed', async ({ gateway, open }) => {
  const { broadcasts, contacts } = gateway;
  audience(contacts, 1_502);
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Broadcasts');
  await place.getByRole('link', { name: 'New broadcast' }).click();
  await isAt(page, 'What is it called?');
  await goOn(place);
  await says(place, /Give it a name\./);
  await place.getByLabel('Name', { exact: true }).fill('Summer');
  await goOn(place);
  await isAt(page, 'Whom is it for?');
  await soon.match(() => new URL(page.url()).hash, /^#\/broadcasts\/[0-9a-f]{32}$/, 'the draft is kept at the gateway');
  await goOn(place);
  await says(place, /Choose whom it is for\./);
  await place.getByLabel('everybody in a segment').check();
  await place.getByLabel('Segment', { exact: true }).selectOption('Regulars');
  await says(place, /3 contacts/);
  await place.getByLabel('everybody on a list').check();
  await place.getByLabel('List', { exact: true }).selectOption('Newsletter');
  await says(place, /1,502 contacts/);
  await place.getByText('Left out').click();
  await place.getByLabel('Staff').check();
  await goOn(place);
  await isAt(page, 'What does it say?');
  await place.getByLabel('Find a template').fill('order');
  await place.getByRole('button', { name: /^order_update/ }).click();
  await place.getByLabel('Heading: text for {{1}}: where it comes from').selectOption('the name');
  await place.getByLabel('Text for {{1}}: where it comes from', { exact: true }).selectOption('an attribute');
  await place.getByLabel('Text for {{1}}: which one', { exact: true }).selectOption('City');
  await place.getByLabel('Text for {{2}}: the text').fill('here');
  await goOn(place);
  await says(place, /Fill this in\./);
  await place.getByLabel('End of the link of “Track it”: the text').fill('77');
  await says(page.getByRole('region', { name: 'As the customer sees it' }), /Order \[the name\].*Hi \[City\].*here/s);
  await isSound(page, 'the template');
  await goOn(place);
  await isAt(page, 'When does it go out, and how fast?');
  await place.getByLabel('Rate of its own').fill('900');
  await button(place, 'Work out who gets it').click();
  await says(place, /The number itself is not that fast\./);
  await place.getByLabel('Rate of its own').fill('10');
  await button(place, 'Work out who gets it').click();
  await isAt(page, 'Who gets it?');
  await eventually('the plan is there', async () => (await place.locator('[data-recipients="1500"]').count()) === 1);
  await says(place, /1\s*What fills the template is missing.*1\s*On a list or in a segment that you left out/is);
  await says(place, /Takes about\s*3 minutes, at 10 messages a second/);
  const foretold = page.getByRole('region', { name: 'When it goes out, and what it costs' });
  await says(foretold, /Expected end.*the rate that was chosen for it \(10 a second\).*Cost\s*US\$128\.97\s*by the rate card of 2026-01-01/s);
  await foretold.getByText('By market').first().click();
  await soon.deepEqual(() => foretold.locator('[data-market="Malaysia"] td').allTextContents(), ['1,499', 'US$0.086', 'US$128.91']);
  await soon.deepEqual(() => foretold.locator('[data-market="Other"] :is(th, td)').allTextContents(), ['All other countries', '1', 'US$0.0604', 'US$0.0604']);
  await foretold.getByText('By hour').first().click();
  await soon.deepEqual(() => foretold.locator('[data-hour] td').allTextContents(), ['1,500']);
  const preview = page.getByRole('region', { name: /as .* sees it/i });
  await says(preview, /Order Customer 2.*Hi Ubud/s);
  await button(place, 'Next').click();
  await says(preview, /Order Customer 3/);
  await isSound(page, 'the review');
  await place.getByLabel(/^Type how many get it: 1,500/).fill('150');
  await button(place, 'Send to 1,500 people').click();
  await says(place, /That is not the number/);
  assert.equal(asks(broadcasts, 'POST', 'launch').length, 0);
  await place.getByLabel(/^Type how many get it/).fill('1,500');
  await button(place, 'Send to 1,500 people').click();
  await isState(page, 'Running');
  const [, , launched] = asks(broadcasts, 'POST', 'launch').at(-1);
  assert.equal(launched.recipients, 1_500);
  await says(place, /the rate that was chosen for it \(10 a second\)/);
});

office('a file is uploaded with its columns, fills the template, and tells which rows get nothing', async ({ gateway, open }) => {
  const { page, place } = await begun(open, 'From a file');
  await place.getByLabel('the people in a file').check();
  await goOn(place);
  await says(place, /Upload the file first\./);
  const file = (name, text) => place.getByLabel(/File of recipients|Another file/).setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  await file('people.xlsx', 'x');
  await says(place, /This is no CSV/);
  await file('people.csv', 'No,Code\n628111111111,A1\n12,B2\n628122222222,\n628111111111,C3\n');
  await button(place, 'Upload').click();
  await says(place, /No column is called after a phone/);
  await place.getByLabel('Column of the phone').selectOption('No');
  await button(place, 'Upload').click();
  await says(place, /The file is there\. Rows: 4\. Phones are in the column No\./);
  await goOn(place);
  await place.getByRole('button', { name: /^olive_tree.*English/ }).click();
  await place.getByLabel('Text for {{1}}: where it comes from').selectOption('a column of the file');
  await goOn(place);
  await says(place, /Choose where the text comes from\./);
  await place.getByLabel('Text for {{1}}: which one').selectOption('Code');
  await goOn(place);
  await isAt(page, 'When does it go out, and how fast?');
  await place.getByLabel('At a time').check();
  await place.getByLabel('Begins at').fill('2020-01-01T10:00');
  await button(place, 'Work out who gets it').click();
  await says(place, /This time has passed\./);
  await place.getByLabel('Begins at').fill('2099-01-01T10:00');
  gateway.broadcasts.isQuick = false;
  await button(place, 'Work out who gets it').click();
  await isState(page, 'Being planned');
  gateway.broadcasts.finishPlan(gateway.broadcasts.rows[0]);
  await isState(page, 'Ready');
  await place.getByText('Show them one by one').click();
  const lines = place.getByRole('region', { name: 'Not sent to, one by one' }).first();
  await eventually('line by line', async () => (await lines.locator('[data-no]').count()) === 3);
  await soon.deepEqual(() => lines.locator('[data-no]').evaluateAll((rows) => rows.map((one) => [one.children[1].textContent, one.children[3].textContent.slice(0, 12)])), [['3', 'No country h'], ['4', 'What fills t'], ['5', 'The same per']]);
  await button(place, 'Schedule for 1 person').click();
  await isState(page, 'Scheduled');
  await says(place, /Begins.*2099.*not after/s);
});

office('hours are chosen, and a time by the clock of each, and the page tells where it is quiet', async ({ gateway, open }) => {
  const { broadcasts, contacts } = gateway;
  audience(contacts, 3);
  const { page, place } = await begun(open, 'Night');
  await place.getByLabel('everybody on a list').check();
  await place.getByLabel('List', { exact: true }).selectOption('Newsletter');
  await goOn(place);
  await place.getByRole('button', { name: /^olive_tree.*English/ }).click();
  await place.getByLabel('Text for {{1}}: the text').fill('here');
  await goOn(place);
  await isAt(page, 'When does it go out, and how fast?');
  await place.getByLabel('By each person’s own clock').check();
  await place.getByLabel('Begins at').fill('2099-01-01T22:00');
  await place.getByLabel('Only at certain hours').check();
  await place.getByLabel('From', { exact: true }).fill('21:00');
  await place.getByLabel('Until', { exact: true }).fill('21:00');
  await button(place, 'Work out who gets it').click();
  await says(place, /Say from when until when\./);
  await place.getByLabel('Until', { exact: true }).fill('07:00');
  await place.getByLabel('Sunday').uncheck();
  await place.getByLabel('For whom nothing tells it').selectOption('Asia/Jakarta');
  await isSound(page, 'the schedule');
  await button(place, 'Work out who gets it').click();
  await isAt(page, 'Who gets it?');
  const night = [['21:00', '07:00']];
  const [one] = broadcasts.rows;
  assert.deepEqual([one.at, one.at_local, one.not_after_local], [null, '2099-01-01T22:00', '2099-01-01T23:00']);
  assert.deepEqual(one.hours, { zone: 'recipient', fallback_zone: 'Asia/Jakarta', days: { mon: night, tue: night, wed: night, thu: night, fri: night, sat: night } });
  await says(place, /2099.*where each person is.*Monday 21:00–07:00/s);
  await button(place, 'Schedule for 3 people').click();
  await isState(page, 'Scheduled');
  const opens = Date.now() + 3_600_000;
  const zones = [
    { zones: ['Asia/Jakarta', 'Asia/Makassar'], recipients: 40, state: 'passed' },
    { zones: ['Europe/Berlin'], recipients: 60, state: 'closed', opens_at: opens },
  ];
  const running = broadcasts.addRunning('Day', 100, { read: 40 }, { rate_now: null, limited_by: 'quiet_hours', next_opens_at: opens, expected_end: null, zones });
  await visit(page, 'Broadcasts');
  await row(page, running).getByRole('link').click();
  await isState(page, 'Running');
  await says(place, /quiet hours.*The next recipients can be sent to.*Where recipients are.*60\s*Europe\/Berlin: quiet, until.*40\s*Asia\/Jakarta, Asia\/Makassar: all had their turn/s);
  await isSound(page, 'a broadcast in quiet hours');
});

office('what somebody else changed meanwhile is said, and takes nothing away', async ({ gateway, staff, open }) => {
  const { broadcasts, contacts } = gateway;
  audience(contacts, 3);
  const { page, place } = await begun(open, 'Mine');
  const [one] = broadcasts.rows;
  const by = { kind: 'agent', id: staff.ben.id };
  const write = async () => {
    await place.getByLabel('everybody on a list').check();
    await place.getByLabel('List', { exact: true }).selectOption('Newsletter');
  };
  await write();
  broadcasts.change(one, { name: 'Theirs' }, by);
  await goOn(place);
  await says(place, /بن يوسف.* changed this broadcast meanwhile/);
  await soon.equal(() => place.getByLabel('List', { exact: true }).inputValue(), 'l1', 'what was chosen is there');
  await button(place, 'Take the other version').click();
  await eventually('theirs is there', async () => (await place.getByRole('heading', { level: 1 }).textContent()) === 'Theirs');
  await write();
  broadcasts.change(one, { name: 'Theirs again' }, by);
  await goOn(place);
  await button(place, 'Keep what I wrote').click();
  await eventually('mine is kept over theirs', () => one.name === 'Theirs' && one.audience.list_id === 'l1');
  await goOn(place);
  await isAt(page, 'What does it say?');
  await place.getByRole('button', { name: /^olive_tree.*English/ }).click();
  await place.getByLabel('Text for {{1}}: the text').fill('Monday');
  // Somebody sends it on its way.
  broadcasts.finishPlan(Object.assign(one, { template: { name: 'visit_us', language: { code: 'en' } } }));
  broadcasts.change(one, { state: 'running', launched_at: Date.now() }, by);
  broadcasts.goOn(one, { sent: 3 });
  await says(place, /sent this broadcast on its way meanwhile/);
  await button(place, 'Keep mine as a new draft').click();
  await eventually('it is another draft', () => broadcasts.rows.length === 2 && broadcasts.rows[0].template?.components?.[0].parameters[0].text === 'Monday');
  await eventually('which is open', async () => new URL(page.url()).hash === `#/broadcasts/${broadcasts.rows[0].broadcast_id}`);
  await isState(page, 'Draft');
  assert.equal(broadcasts.rows[1].state, 'running');
});

office('a draft is opened where it was left, and a plan that could not be made says why', async ({ gateway, open }) => {
  const { broadcasts, contacts } = gateway;
  audience(contacts, 3);
  const one = broadcasts.add({ name: 'June', audience: { type: 'list', list_id: 'l1' }, problem: { code: 'list_gone', message: 'gone' }, rate: 5 });
  const page = await atWork(open, 'ana@example.com', `#/broadcasts/${one.broadcast_id}`);
  const place = page.locator('#page');
  await isAt(page, 'Who gets it?');
  await says(place, /A list that it names was deleted\. Choose another audience\./);
  await place.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: 'Template' }).click();
  await eventually('what fills it is there', async () => (await place.getByLabel('Text for {{1}}: the text').inputValue()) === 'Friday');
  await place.getByLabel('Text for {{1}}: the text').fill('Saturday');
  await button(place, 'Save and close').click();
  await eventually('it is kept', () => one.template.components[0].parameters[0].text === 'Saturday' && one.rate === 5);
  await row(page, one).getByRole('link').click();
  await isAt(page, 'Who gets it?');
  await button(place, 'Delete').click();
  await button(place, 'Yes, delete it').click();
  await eventually('it is gone', () => broadcasts.rows.length === 0);
});

office('those whom one failed to reach get it again by a draft of their own, once', async ({ gateway, open }) => {
  const { broadcasts } = gateway;
  const one = broadcasts.addRunning('June', 100, { read: 90, failed: 10 });
  broadcasts.goOn(one, { read: 90, failed: 10 }, { state: 'done', ended_at: Date.now() });
  const page = await atWork(open, 'ana@example.com', `#/broadcasts/${one.broadcast_id}`);
  const place = page.locator('#page');
  await isState(page, 'Done');
  await button(place, 'Send again to the failed').click();
  await isAt(page, 'Who gets it?');
  await place.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: 'Audience' }).click();
  await soon.equal(() => place.getByLabel('those whom the earlier broadcast failed to reach').isChecked(), true);
  await button(place, 'Save and close').click();
  const [made] = broadcasts.rows;
  await row(page, made).waitFor();
  assert.deepEqual(made.audience, { type: 'retry', broadcast_id: one.broadcast_id });
  await says(place, /those whom another broadcast failed to reach/);
  await row(page, one).getByRole('link').click();
  await isState(page, 'Done');
  await soon.equal(() => button(place, 'Send again to the failed').count(), 0);
});

// --- who may what, and how it is read --------------------------------------------------------------------------------

office('a supervisor sees how it goes and has no buttons, an agent has no such page', async ({ gateway, people, tenant, open }) => {
  const { broadcasts } = gateway;
  const sue = people.user('Sue', 'sue@example.com', SECRET);
  people.teams.get(tenant).members.set(sue.id, { role: 'supervisor', since: Date.now() });
  const one = broadcasts.addRunning('Spring sale', 100, { read: 10 });
  const draft = broadcasts.add({ name: 'June' });
  const page = await atWork(open, 'sue@example.com');
  const place = await visit(page, 'Broadcasts');
  await row(page, one).waitFor();
  await soon.equal(() => place.getByRole('link', { name: 'New broadcast' }).count(), 0);
  await row(page, draft).getByRole('link').click();
  await isState(page, 'Draft');
  await says(place, /Who gets it is not worked out yet/);
  await page.goto(`${gateway.localUrl}/#/broadcasts/${one.broadcast_id}`);
  await counts(page, 'read', '10');
  for (const name of ['Pause', 'Cancel it', 'Delete', 'Download CSV']) await soon.equal(() => button(place, name).count(), 0, name);
  await page.context().clearCookies();
  const agents = await atWork(open, 'ben@example.com', '#/broadcasts');
  await says(agents.locator('#page'), /Your role does not allow this page/);
  await soon.equal(() => agents.locator('#rail').getByRole('link', { name: 'Broadcasts' }).count(), 0);
});

office('it is read from right to left in Arabic, in both lights', async ({ gateway, open }) => {
  const { broadcasts, contacts } = gateway;
  audience(contacts, 3);
  const one = broadcasts.addRunning('Spring sale', 4_000, { read: 100, failed: 10 });
  const draft = broadcasts.add({ name: 'June', audience: { type: 'list', list_id: 'l1' } });
  const page = await atWork(open, 'ana@example.com', `#/broadcasts/${one.broadcast_id}`);
  await counts(page, 'read', '100');
  await page.context().addCookies([{ name: 'language', value: 'ar', url: gateway.localUrl }]);
  for (const [what, shown, colorScheme] of [[one, '.broadcast-totals', 'light'], [draft, '#step-title', 'dark']]) {
    await page.goto(`${gateway.localUrl}/#/broadcasts/${what.broadcast_id}`);
    await page.reload();
    await page.locator(shown).waitFor();
    await eventually('it is in Arabic', async () => (await page.locator('html').getAttribute('dir')) === 'rtl' && /[\u0600-\u06ff]/.test(await page.locator('#page').textContent()));
    await page.emulateMedia({ colorScheme });
    await soon.deepEqual(() => axeProblems(page), [], `${what.name}, ${colorScheme}`);
    await page.setViewportSize({ width: 360, height: 740 });
    await soon.equal(() => page.evaluate(() => document.getElementById('page').scrollWidth > document.getElementById('page').clientWidth), false, what.name);
    await page.setViewportSize({ width: 1440, height: 900 });
  }
});
