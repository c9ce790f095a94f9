// Contacts: their page, and what is known of one beside the thread.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { blank, png } from './files.mjs';
import { eventually, isLive, openConversation, soon } from './hands.mjs';
import { SECRET, atWork, choose, inTheOffice, isAsked, says, signIn, visit } from './office.mjs';
import { isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ reducedMotion: 'reduce' })));
after(() => browser?.close());

/** A gateway that cannot do something for a while is part of these tests. */
const EXPECTED = /Failed to load resource: (the server responded with a status of (400|401|403|404|409|422|503)|net::ERR_CONNECTION_REFUSED)/;
const office = (name, body) => test(name, () => inTheOffice(browser.context, body, EXPECTED));
const hashOf = (page) => new URL(page.url()).hash;
const rows = (page) => page.locator('.contact-row');
const namesOf = (page) => page.locator('.contact-name').allTextContents();
const card = (page) => page.locator('#page .contact-card');
const onPage = (page) => page.locator('#page');

/** Attributes of each kind, a list and a segment. */
function defined(contacts) {
  contacts.attributes.push(
    { key: 'city', name: 'City', type: 'text' },
    { key: 'tier', name: 'Tier', type: 'number' },
    { key: 'since', name: 'Customer since', type: 'date' },
    { key: 'wholesale', name: 'Wholesale', type: 'boolean' },
    { key: 'plan', name: 'Plan', type: 'choice', choices: ['basic', 'plus'] },
  );
  contacts.lists.push({ list_id: 'l1', name: 'Newsletter', created: 1 });
  contacts.segments.push({ segment_id: 's1', name: 'Regulars', filter: 'label = "vip"', words: 'Whoever has the label vip.', changed_at: 1 });
}

// --- the list ------------------------------------------------------------------------------------------------------

office('a long list is read as one scrolls, and only what is in view is on the page', async ({ gateway, open }) => {
  gateway.contacts.fill(600);
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Contacts');
  await eventually('the first are there', async () => (await rows(page).count()) > 10);
  await soon.ok(async () => (await rows(page).count()) < 60);
  await says(page.locator('.contacts-count'), /^50 contacts so far$/);
  const whole = async () => Number((await rows(page).first().getAttribute('aria-setsize')) ?? 0);
  await eventually('all are read', async () => {
    await onPage(page).evaluate((place) => (place.scrollTop = place.scrollHeight));
    return (await whole()) > 600 && (await page.locator('.contacts-count').textContent()).endsWith('contacts');
  });
  await soon.ok(async () => (await rows(page).count()) < 60, 'what is out of view is gone');
  const last = rows(page).last();
  await eventually('the end is in view', async () => {
    await onPage(page).evaluate((place) => (place.scrollTop = place.scrollHeight));
    return (await last.getAttribute('aria-posinset')) === (await last.getAttribute('aria-setsize'));
  });
  await soon.equal(() => last.locator('.contact-name').textContent(), 'Customer 00599');
  await isSound(page, 'contacts');
});

office('a search reads on over empty pages by itself, and no further than it may', async ({ gateway, open }) => {
  gateway.contacts.fill(900, (i) => ({ name: i === 200 ? 'Zulaikha' : `Customer ${i}`, phone: `6019${1_000_000 + i}` }));
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Contacts');
  await place.getByLabel('Search').fill('zulai');
  await eventually('she is found on the fifth page', async () => (await namesOf(page)).join() === 'Zulaikha');
  await eventually('after eight pages it asks', async () => (await place.getByRole('button', { name: 'Look further' }).count()) === 1);
  await place.getByLabel('Search').fill('nobody is called that');
  await says(place, /None so far\. There are more contacts to look through\./);
  await isSound(page, 'none so far');
  const further = place.getByRole('button', { name: 'Look further' });
  await eventually('it was pressed until there are no more', async () => {
    if (await further.isVisible()) await further.click({ timeout: 1_000 });
    return /No contact is like that\./.test(await place.textContent());
  });
  await place.getByLabel('Search').fill('1000 205');
  await eventually('by the digits of a phone', async () => (await namesOf(page)).join() === 'Customer 205');
});

office('filters narrow the list, and an answer that is overtaken counts for nothing', async ({ gateway, customers, staff, open }) => {
  const { contacts } = gateway;
  defined(contacts);
  const [sari, dewi, tomas] = [customers.sari, customers.dewi, customers.tomas].map((id) => contacts.of(id).id);
  contacts.change(sari, { labels: ['vip'], owner: staff.ben.id, attributes: { plan: 'plus', city: 'Jakarta' }, lists: ['l1'] });
  contacts.change(dewi, { labels: ['vip'], opted_out_at: 5, attributes: { city: 'Bandung' } });
  contacts.change(tomas, { given_name: 'Señor Tomás' });
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Contacts');
  const found = (names) => eventually(`${names}`, async () => (await namesOf(page)).sort().join() === names);
  const clear = async () => {
    await place.getByRole('button', { name: 'Clear the filters' }).click();
    await place.getByRole('button', { name: 'Clear the filters' }).waitFor({ state: 'hidden' });
  };
  await place.getByText('Filters').click();
  await place.getByLabel('Label').fill('vip');
  await found('Dewi Lestari,Sari Wijaya');
  await says(place, /Filters: 1 chosen/);
  await clear();
  // What is chosen before the text counts is not taken back by it.
  await place.getByLabel('Label').fill('vip');
  await place.getByLabel('Marketing').selectOption('Opted out');
  await found('Dewi Lestari');
  await says(place, /Filters: 2 chosen/);
  await clear();
  await place.getByLabel('Looked after by').selectOption({ value: staff.ben.id });
  await found('Sari Wijaya');
  await place.getByLabel('Looked after by').selectOption('Nobody');
  await eventually('all others', async () => (await namesOf(page)).length > 10 && !(await namesOf(page)).includes('Sari Wijaya'));
  await clear();
  await place.getByLabel('Attribute').selectOption('City');
  await place.getByLabel('Value of City').fill('Bandung');
  await found('Dewi Lestari');
  await place.getByLabel('Attribute').selectOption('Plan');
  await place.getByLabel('Value of Plan').selectOption('plus');
  await found('Sari Wijaya');
  await place.getByLabel('Attribute').selectOption('City');
  await place.getByLabel('How City is compared').selectOption('is there');
  await soon.equal(() => place.getByLabel('Value of City').count(), 0);
  await found('Dewi Lestari,Sari Wijaya');
  const download = page.waitForEvent('download');
  await place.getByRole('button', { name: 'Export what is shown' }).click();
  assert.match(await readFile(await (await download).path(), 'utf8'), /Sari Wijaya/);
  await isSound(page, 'filters');
  await clear();
  await place.getByLabel('List', { exact: true }).selectOption('Newsletter');
  await found('Sari Wijaya');
  await clear();
  await place.getByLabel('Segment').selectOption('Regulars');
  await found('Dewi Lestari,Sari Wijaya');
  await clear();
  await place.getByLabel('Order').selectOption('Name, A to Z');
  await eventually('by name', async () => (await namesOf(page))[1] === 'Aroha Ngata');
  // The slower answer is that of the earlier search.
  let held;
  await page.route(/search=to/, async (route) => {
    await new Promise((resolve) => (held = resolve));
    await route.continue().catch(() => {});
  });
  await place.getByLabel('Search').fill('to');
  await eventually('the first search is on its way', () => held);
  await place.getByLabel('Search').fill('sari');
  await found('Sari Wijaya');
  held();
  await page.unroute(/search=to/);
  await place.getByLabel('Search').fill('senor');
  await found('Señor Tomás');
});

office('the keyboard goes through the list, also to what is not on the page yet', async ({ gateway, open }) => {
  gateway.contacts.fill(120);
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Contacts');
  await rows(page).first().focus();
  const at = () => page.evaluate(() => Number(document.activeElement.getAttribute('aria-posinset')));
  for (const [key, place] of [['ArrowDown', 2], ['ArrowDown', 3], ['ArrowUp', 2], ['Home', 1]]) {
    await page.keyboard.press(key);
    await eventually(`${key} leads to ${place}`, async () => (await at()) === place);
  }
  await page.keyboard.press('End');
  await eventually('the end of what is read', async () => (await at()) >= 50);
  const there = await at();
  await page.keyboard.press('ArrowUp');
  await eventually('one up', async () => (await at()) === there - 1);
  await page.keyboard.press('Enter');
  await eventually('Enter opens it', () => /^#\/contacts\/[0-9a-f]{32}$/.test(hashOf(page)));
  await card(page).waitFor();
  await page.keyboard.press('ArrowUp');
  await eventually('and leaves the keyboard where it was', async () => (await at()) === there - 2);
  await soon.equal(() => page.locator('.contact-row[tabindex="0"]').count(), 1);
});

office('who goes elsewhere by an address leaves a row that has the focus', async ({ gateway, open }) => {
  gateway.contacts.fill(5);
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Contacts');
  await rows(page).first().click();
  await card(page).waitFor();
  await rows(page).first().focus();
  await page.evaluate(() => (location.hash = '#/team'));
  await eventually('the team is there', async () => (await page.locator('#page h1').textContent()) === 'Team');
});

office('several are chosen, labelled, put on a list and given to somebody; what fails is told and tried again', async ({ gateway, staff, open }) => {
  const { contacts, ledger } = gateway;
  defined(contacts);
  contacts.fill(120, (i) => ({ name: `Customer ${String(i).padStart(3, '0')}`, phone: `6019${1_000_000 + i}`, labels: i === 0 ? ['VIP'] : undefined }));
  const named = (name) => [...ledger.contacts.values()].find((one) => one.name === name);
  const page = await atWork(open, 'ben@example.com');
  const place = await visit(page, 'Contacts');
  await place.getByLabel('Search').fill('customer');
  await eventually('they are there', async () => (await rows(page).first().locator('.contact-name').textContent()) === 'Customer 000');
  await place.getByRole('button', { name: 'Choose several' }).click();
  const bulk = place.getByRole('region', { name: 'Several contacts' });
  await bulk.waitFor();
  await rows(page).nth(0).click();
  await rows(page).nth(1).focus();
  await page.keyboard.press('Space');
  await says(bulk, /Chosen: 2/);
  await soon.deepEqual(async () => [await rows(page).nth(1).getAttribute('aria-selected'), hashOf(page)], ['true', '#/contacts']);
  await isSound(page, 'choosing');
  await bulk.getByLabel('Label').fill('vip');
  await bulk.getByRole('button', { name: 'Add the label' }).click();
  await says(bulk, /Changed: 2/);
  assert.deepEqual([named('Customer 000').labels, named('Customer 001').labels], [['VIP'], ['VIP']], 'as it is written already');
  await rows(page).nth(0).click();
  await says(bulk, /Chosen: 1/);
  await bulk.getByRole('button', { name: /^Choose all, up to 2,000/ }).click();
  await says(bulk, /Chosen: 120/);
  await bulk.getByLabel('Add to a list').selectOption('Newsletter');
  await says(bulk, /Changed: 120/);
  assert.equal([...ledger.contacts.values()].filter((one) => one.lists?.includes('l1')).length, 120);
  let away = 3;
  contacts.fail = (call) => (call.startsWith('PUT /contacts') && (away -= 1) >= 0 ? [409, 'conflict', 'It changed meanwhile.'] : undefined);
  await bulk.getByLabel('Looked after by').selectOption('Ana Ruiz');
  await says(bulk, /Changed: 117.*Not changed: 3\./);
  await isSound(page, 'some failed');
  await bulk.getByRole('button', { name: 'Try again' }).click();
  await says(bulk, /Changed: 3/);
  assert.equal([...ledger.contacts.values()].filter((one) => one.owner === staff.ana.id).length, 120);
  await bulk.getByRole('button', { name: 'Done' }).click();
  await bulk.waitFor({ state: 'hidden' });
  await rows(page).nth(0).click();
  await eventually('a press opens again', () => /^#\/contacts\/[0-9a-f]{32}$/.test(hashOf(page)));
});

office('from a contact one goes to its conversation, or begins one with a template', async ({ gateway, customers, open }) => {
  const { contacts, ledger } = gateway;
  contacts.fill(1, () => ({ name: 'Nur Aini', phone: '60123456789' }));
  const nur = [...ledger.contacts.values()].find((one) => one.name === 'Nur Aini');
  const page = await atWork(open, 'ben@example.com', `#/contacts/${nur.id}`);
  const write = page.getByRole('region', { name: 'Write to the contact' });
  await soon.equal(() => write.getByRole('link').count(), 0);
  await write.getByRole('button', { name: 'Send a template' }).click();
  const dialog = page.locator('#dialog');
  await dialog.getByRole('button', { name: /^olive_tree.*English/ }).click();
  await dialog.getByLabel('Text for {{1}}').fill('Friday');
  gateway.faults.send = [503, 'unavailable'];
  await dialog.getByRole('button', { name: 'Send template' }).click();
  await says(write, /The server cannot do that just now/);
  await isSound(page, 'not sent');
  gateway.faults.send = undefined;
  await write.getByRole('button', { name: 'Try again' }).click();
  await eventually('its conversation is open', () => hashOf(page).startsWith('#/conversations/'));
  const id = hashOf(page).split('/').at(-1);
  assert.equal(ledger.conversations.get(id).contact_id, nur.id);
  assert.deepEqual(ledger.messages.get(id).map((one) => one.content.template?.name), ['olive_tree']);
  assert.equal(gateway.accepted.size, 1);
  const { id: sari } = contacts.of(customers.sari);
  await page.goto(`${gateway.localUrl}/#/contacts/${sari}`);
  await write.getByRole('link', { name: 'Open the conversation' }).click();
  await eventually('the one that there is', () => hashOf(page) === `#/conversations/${customers.sari}`);
});

office('a contact is added; one whose phone is known already is offered', async ({ gateway, customers, open }) => {
  const page = await atWork(open, 'ben@example.com');
  const place = await visit(page, 'Contacts');
  await place.getByRole('button', { name: 'Add a contact' }).click();
  await eventually('the phone is to be written', async () => (await page.evaluate(() => document.activeElement.name)) === 'phone');
  await place.getByLabel('Phone').fill('12');
  await page.keyboard.press('Enter');
  await says(place, /`phone` is no phone number/i);
  await place.getByLabel('Phone').fill(gateway.contacts.of(customers.sari).phone);
  await page.keyboard.press('Enter');
  await says(place, /There is a contact with this phone already\./);
  await isSound(page, 'adding');
  const link = place.getByRole('link', { name: 'Open the contact that has this phone' });
  await soon.equal(() => link.getAttribute('href'), `#/contacts/${gateway.contacts.of(customers.sari).id}`);
  await place.getByLabel('Phone').fill('+60 12 345 6789');
  await place.getByLabel('Your name for them').fill('Nur');
  await page.keyboard.press('Enter');
  await eventually('it is open', async () => (await page.locator('.contacts-one h2').textContent()) === 'Nur');
  await soon.equal(async () => (await namesOf(page))[0], 'Nur');
});

office('a gateway that is away leaves what is there, and is asked again', async ({ gateway, open }) => {
  gateway.contacts.fill(120);
  let isAway = false;
  gateway.contacts.fail = (call) => (isAway && call === 'GET /contacts' ? [503, 'unavailable'] : undefined);
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Contacts');
  await says(page.locator('.contacts-count'), /50 contacts so far/);
  isAway = true;
  await onPage(page).evaluate((at) => (at.scrollTop = at.scrollHeight));
  await says(place, /The server cannot do that just now/);
  await soon.equal(() => rows(page).first().getAttribute('aria-setsize'), '50');
  isAway = false;
  await place.getByRole('button', { name: 'Try again' }).click();
  await eventually('it goes on', async () => Number(await rows(page).first().getAttribute('aria-setsize')) > 50);
  isAway = true;
  await place.getByLabel('Search').fill('x');
  await says(place, /The server cannot do that just now/);
  await isSound(page, 'away');
});

office('who may only read sees contacts and changes nothing', async ({ gateway, customers, open }) => {
  defined(gateway.contacts);
  const { id } = gateway.contacts.of(customers.sari);
  gateway.contacts.change(id, { labels: ['vip'], attributes: { tier: 3, wholesale: true, since: '2025-01-02', unheard: 'of' }, lists: ['l1'], is_minor: true });
  const page = await atWork(open, 'rita@example.com');
  const place = await visit(page, 'Contacts');
  await soon.equal(() => place.locator('.part-links').count(), 0);
  await soon.equal(() => place.getByRole('button', { name: /Add a contact|Export/ }).count(), 0);
  await page.locator(`[data-id="${id}"]`).click();
  await says(card(page), /Newsletter.*Tier3.*WholesaleYes.*Customer since2 Jan 2025.*unheardof.*Is a minorYes/);
  await soon.equal(() => card(page).locator(':is(input, select, textarea, button):not(.contact-files *)').count(), 0);
  await isSound(page, 'reading a contact');
  await page.goto(`${gateway.localUrl}/#/contacts/segments`);
  await says(place, /Your role does not allow this page/);
  await page.goto(`${gateway.localUrl}/#/`);
  await openConversation(page, customers.sari);
  await says(page.locator('#about'), /Newsletter/);
  await soon.equal(() => page.locator('#about .contact-card :is(input, select, textarea, button):not(.contact-files *)').count(), 0);
});

// --- one contact ---------------------------------------------------------------------------------------------------

office('what is written about a contact is saved where it stands', async ({ gateway, customers, staff, open }) => {
  const { contacts, ledger } = gateway;
  defined(contacts);
  const { id } = contacts.of(customers.sari);
  const now = () => ledger.contacts.get(id);
  const page = await atWork(open, 'ben@example.com', `#/contacts/${id}`);
  const at = card(page);
  await at.getByLabel('Your name for them').fill('Ibu Sari');
  await page.keyboard.press('Enter');
  await eventually('the name', () => now().given_name === 'Ibu Sari');
  await eventually('it is shown everywhere', async () => (await page.locator('.contacts-one h2').textContent()) === 'Ibu Sari' && (await namesOf(page)).includes('Ibu Sari'));
  await says(page.locator('.contacts-one'), /In WhatsApp: Sari Wijaya/);
  await at.getByLabel('Tier').fill('2.5');
  await at.getByLabel('City').fill('Bandung');
  await at.getByLabel('City').blur();
  await at.getByLabel('Wholesale').selectOption('No');
  await at.getByLabel('Plan').selectOption('plus');
  await at.getByLabel('Customer since').fill('2024-12-31');
  await at.getByLabel('Customer since').blur();
  await eventually('attributes by their kinds', () => JSON.stringify(Object.entries(now().attributes ?? {}).sort()) === JSON.stringify([['city', 'Bandung'], ['plan', 'plus'], ['since', '2024-12-31'], ['tier', 2.5], ['wholesale', false]]));
  await at.getByLabel('City').fill('');
  await at.getByLabel('City').blur();
  await eventually('an emptied one is gone', () => !('city' in now().attributes));
  await at.getByLabel('Label the contact').fill('vip');
  await page.keyboard.press('Enter');
  await eventually('a label', () => now().labels?.join() === 'vip');
  await eventually('the field is empty again', async () => (await at.getByLabel('Label the contact').inputValue()) === '');
  await at.getByRole('button', { name: 'Take the label vip off the contact' }).click();
  await eventually('and off again', () => !now().labels);
  await at.getByLabel('Add to a list').selectOption('Newsletter');
  await eventually('a list', () => now().lists?.join() === 'l1');
  await at.getByRole('button', { name: 'Take off the list Newsletter' }).click();
  await eventually('off the list', () => !now().lists);
  await at.getByLabel('Looked after by').selectOption('Ana Ruiz');
  await eventually('an owner', () => now().owner === staff.ana.id);
  await at.getByText('Is a minor').click();
  await eventually('a minor', () => now().is_minor === true);
  await isSound(page, 'a contact');
});

office('a refused change leaves what was written, and is tried again', async ({ gateway, customers, open }) => {
  const { contacts, ledger } = gateway;
  defined(contacts);
  const { id } = contacts.of(customers.sari);
  let isAway = true;
  contacts.fail = (call) => (isAway && call.startsWith('PUT /contacts') ? [503, 'unavailable'] : undefined);
  const page = await atWork(open, 'ana@example.com', `#/contacts/${id}`);
  const at = card(page);
  await at.getByLabel('City').fill('Bogor');
  await page.keyboard.press('Enter');
  await says(at, /The server cannot do that just now/);
  await soon.equal(() => at.getByLabel('City').inputValue(), 'Bogor');
  contacts.change(id, { attributes: { city: 'Depok' } });
  await at.getByLabel('Plan').selectOption('plus');
  await eventually('a choice goes back', async () => (await at.getByLabel('Plan').locator('option:checked').textContent()) === '–');
  await soon.equal(() => at.getByLabel('City').inputValue(), 'Bogor', 'what is written goes before what others did');
  isAway = false;
  await at.getByRole('button', { name: 'Try again' }).click();
  await eventually('it is saved', () => ledger.contacts.get(id).attributes.city === 'Bogor');
});

office('beside the thread stands what is known of the customer, and follows what others change', async ({ gateway, customers, staff, open }) => {
  const { contacts, ledger } = gateway;
  defined(contacts);
  const { id } = contacts.of(customers.sari);
  const page = await atWork(open, 'ben@example.com');
  const about = page.locator('#about');
  await openConversation(page, customers.sari);
  await about.getByLabel('City').waitFor();
  contacts.change(id, { given_name: 'Ibu Sari', attributes: { city: 'Jakarta' }, owner: staff.ana.id });
  await eventually('the field', async () => (await about.getByLabel('City').inputValue()) === 'Jakarta');
  await eventually('the head of the thread', async () => (await page.locator('#thread-head h1').textContent()) === 'Ibu Sari');
  await says(about, /In WhatsApp: Sari Wijaya/);
  await about.getByLabel('City').fill('Solo');
  await page.keyboard.press('Enter');
  await eventually('saved', () => ledger.contacts.get(id).attributes.city === 'Solo');
  await about.getByLabel('City').fill('Malang');
  await page.keyboard.press('Alt+KeyJ');
  await eventually('saved on the way to the next conversation', () => ledger.contacts.get(id).attributes.city === 'Malang');
  await openConversation(page, customers.sari);
  await eventually('and there again', async () => (await about.getByLabel('City').inputValue()) === 'Malang');
  await about.getByLabel('Add the note').fill('Likes olive trees');
  // Half a note is still there after another conversation.
  await openConversation(page, customers.dewi);
  await eventually('no note is begun there', async () => (await about.getByLabel('Add the note').inputValue()) === '');
  await openConversation(page, customers.sari);
  await eventually('here it is', async () => (await about.getByLabel('Add the note').inputValue()) === 'Likes olive trees');
  await about.getByRole('button', { name: 'Add the note' }).click();
  await says(about, /Likes olive trees.*بن يوسف/);
  assert.equal(contacts.notes.get(id)[0].text, 'Likes olive trees');
  await about.getByRole('button', { name: /Delete the note/ }).click();
  await about.getByRole('button', { name: 'Delete', exact: true }).click();
  await eventually('the note is gone', () => contacts.notes.get(id).length === 0);
  await isSound(page, 'beside the thread');
  await page.locator('.row', { hasText: 'Sunday gardeners' }).click();
  await eventually('a group is no person', async () => (await about.locator('.contact-card').count()) === 0);
});

office('what was saved once is never saved again over what a colleague changed since', async ({ gateway, customers, open }) => {
  const { contacts, ledger } = gateway;
  defined(contacts);
  const { id } = contacts.of(customers.sari);
  const page = await atWork(open, 'ben@example.com');
  const about = page.locator('#about');
  const city = about.getByLabel('City');
  await openConversation(page, customers.sari);
  await city.fill('Jakarta');
  await page.keyboard.press('Enter');
  await eventually('saved', () => ledger.contacts.get(id).attributes.city === 'Jakarta');
  // The field has the focus still.
  contacts.change(id, { attributes: { city: 'Bandung' } });
  await eventually('the colleague’s city shows', async () => (await city.inputValue()) === 'Bandung');
  const puts = [];
  page.on('request', (request) => request.method() === 'PUT' && puts.push(request.postData()));
  await city.blur();
  await openConversation(page, customers.dewi);
  await openConversation(page, customers.sari);
  await eventually('it is there again', async () => (await city.inputValue()) === 'Bandung');
  // What is being written goes before it, and only once.
  await city.fill('Sol');
  contacts.change(id, { attributes: { city: 'Malang' } });
  await eventually('the other field has come', async () => (await page.evaluate(() => document.activeElement.value)) === 'Sol');
  await city.fill('Solo');
  await city.blur();
  await eventually('saved', () => ledger.contacts.get(id).attributes.city === 'Solo');
  assert.deepEqual(puts.filter((body) => body?.includes('city')).map((body) => JSON.parse(body).attributes.city), ['Solo']);
});

office('consent is written down with its source, withdrawn, and its history told', async ({ gateway, customers, open }) => {
  const { contacts, ledger } = gateway;
  const { id } = contacts.of(customers.sari);
  const page = await atWork(open, 'ben@example.com', `#/contacts/${id}`);
  const at = card(page);
  await at.getByRole('button', { name: 'Write down a consent' }).click();
  await at.getByLabel('Where it comes from').fill('form in the shop');
  await at.getByLabel('Proof').fill('form 12');
  await isSound(page, 'writing a consent down');
  await at.getByRole('button', { name: 'Write down consent', exact: true }).click();
  await says(at, /Marketing: given/);
  assert.deepEqual(contacts.consents.get(id).map(({ purpose, state, source, proof }) => [purpose, state, source, proof]), [['marketing', 'given', 'form in the shop', 'form 12']]);
  await at.getByRole('button', { name: 'Write down that consent is withdrawn: Marketing' }).click();
  await at.getByLabel('Where it comes from').fill('phone call');
  await at.getByLabel('Where it comes from').press('Enter');
  await eventually('withdrawn', () => ledger.contacts.get(id).consents.marketing.state === 'withdrawn');
  await at.getByText('How that came about').click();
  await says(at, /Marketing: withdrawn.*phone call.*Marketing: given.*form in the shop.*form 12/);
  for (const [by, text] of [['preference', /as set in WhatsApp\./], ['refusal', /WhatsApp refused a message\./], ['keyword', /wrote a word for it\./], ['business', /as the business noted\./]]) {
    contacts.change(id, { opted_out_at: Date.now(), opted_out_by: by });
    await page.reload();
    await isLive(page);
    await says(at, text);
  }
});

office('a customer is blocked on a number only after a question', async ({ gateway, customers, open }) => {
  const { ledger, contacts } = gateway;
  const { id } = contacts.of(customers.sari);
  const page = await atWork(open, 'ben@example.com', `#/contacts/${id}`);
  const at = card(page);
  await at.getByRole('button', { name: /^Block on/ }).click();
  await eventually('the focus is at the harmless button', async () => (await page.evaluate(() => document.activeElement.textContent)) === 'Keep as it is');
  await isSound(page, 'before blocking');
  await at.getByRole('button', { name: 'Block', exact: true }).click();
  await eventually('blocked', () => ledger.contacts.get(id).blocked_on?.join() === ledger.number);
  await at.getByRole('button', { name: /^Unblock on/ }).click();
  await eventually('and not any more', () => !ledger.contacts.get(id).blocked_on);
});

office('two contacts of one person are merged, and taken apart again', async ({ gateway, customers, open }) => {
  const { ledger, contacts } = gateway;
  const { id } = contacts.of(customers.sari);
  const other = contacts.of(customers.dewi).id;
  contacts.change(other, { labels: ['club'] });
  const page = await atWork(open, 'ben@example.com', `#/contacts/${id}`);
  const at = card(page);
  await at.getByText('Merge with another contact').click();
  await at.getByLabel('Find the other contact').fill('dewi');
  await at.getByRole('button', { name: 'Choose Dewi Lestari' }).click();
  await says(at, /Make Sari Wijaya and Dewi Lestari one contact\?/);
  await isSound(page, 'before merging');
  await at.getByRole('button', { name: 'Merge', exact: true }).click();
  await eventually('one', () => !ledger.contacts.has(other) && ledger.contacts.get(id).labels.join() === 'club');
  await eventually('one in the list', async () => (await namesOf(page)).filter((name) => /Sari|Dewi/.test(name)).join() === 'Sari Wijaya');
  await says(at, /Sari Wijaya and Dewi Lestari.*Can be undone until/);
  await at.getByRole('button', { name: /Undo the merge/ }).click();
  await eventually('two again', () => ledger.contacts.has(other));
  await says(page.locator('.toasts'), /They are two contacts again/);
});

office('a customer is erased only after it was said what goes, and open consoles lose them', async ({ gateway, customers, open }) => {
  const { ledger, contacts } = gateway;
  const { id } = contacts.of(customers.sari);
  const page = await atWork(open, 'ana@example.com', `#/contacts/${id}`);
  const other = await open(`#/conversations/${customers.sari}`);
  await isLive(other);
  await eventually('it is open in another window', async () => (await other.getByText('Sari Wijaya').filter({ visible: true }).count()) > 0);
  const at = card(page);
  await at.getByRole('button', { name: 'Erase this customer…' }).click();
  await says(at, /This cannot be undone.*all messages with the customer.*every contact merged with it.*still to be sent.*Erase Sari Wijaya for good\?/);
  await eventually('the focus is at the harmless button', async () => (await page.evaluate(() => document.activeElement.textContent)) === 'Keep as it is');
  await isSound(page, 'before erasing');
  await at.getByRole('button', { name: 'Keep as it is' }).click();
  assert.ok(ledger.contacts.has(id));
  await at.getByRole('button', { name: 'Erase this customer…' }).click();
  await at.getByRole('button', { name: 'Erase for good' }).click();
  await eventually('erased', () => !ledger.contacts.has(id));
  await says(page.locator('.toasts'), /Sari Wijaya is erased/);
  await eventually('not in the list any more', async () => !(await namesOf(page)).includes('Sari Wijaya'));
  await eventually('the card is closed', async () => (await card(page).count()) === 0);
  await eventually('nor in the inbox of another', async () => (await other.getByText('Sari Wijaya').filter({ visible: true }).count()) === 0);
});

office('an erasure that takes longer says so', async ({ gateway, customers, open }) => {
  const { contacts } = gateway;
  contacts.isQuick = false;
  const { id } = contacts.of(customers.sari);
  const page = await atWork(open, 'ana@example.com', `#/contacts/${id}`);
  await card(page).getByRole('button', { name: 'Erase this customer…' }).click();
  await card(page).getByRole('button', { name: 'Erase for good' }).click();
  await says(page.locator('.toasts'), /is being erased. That goes on by itself/);
});

office('whoever only answers customers cannot erase one', async ({ gateway, customers, open }) => {
  const { id } = gateway.contacts.of(customers.sari);
  const page = await atWork(open, 'ben@example.com', `#/contacts/${id}`);
  await says(card(page), /Merge with another contact/);
  await soon.equal(() => card(page).getByRole('button', { name: 'Erase this customer…' }).count(), 0);
});

office('proposals of duplicates are merged or left', async ({ gateway, customers, open }) => {
  const { contacts } = gateway;
  const [sari, dewi, tomas] = [customers.sari, customers.dewi, customers.tomas].map((id) => contacts.of(id).id);
  contacts.proposals = [{ contacts: [sari, dewi], why: 'phone' }, { contacts: [tomas, sari], why: 'a reason of tomorrow' }];
  const page = await atWork(open, 'ben@example.com', '#/contacts/duplicates');
  const place = onPage(page);
  await says(place, /Their phone numbers end alike.*a reason of tomorrow/);
  await isSound(page, 'duplicates');
  await place.getByRole('button', { name: 'Not now: Tomás Rivera and Sari Wijaya' }).click();
  await place.getByRole('button', { name: 'Merge Sari Wijaya and Dewi Lestari' }).click();
  await place.getByRole('button', { name: 'Merge', exact: true }).click();
  await says(place, /No two contacts look like one person\./);
  await place.getByRole('button', { name: 'Undo the merge of Sari Wijaya and Dewi Lestari' }).click();
  await eventually('nothing is merged any more', async () => (await place.getByText('Merged lately').count()) === 0);
});

// --- what contacts are sorted by -----------------------------------------------------------------------------------

office('the files of a contact are found in its messages, the newest first, also beside the thread', async ({ gateway, customers, open }) => {
  const { ledger, media } = gateway;
  const id = ledger.conversations.get(customers.sari).contact_id;
  const sends = (kind, file, more) => ledger.receive(customers.sari, { type: kind, [kind]: { id: '77', ...more } }, Date.now(), file);
  sends('document', media.keep('application/pdf', blank(2_000), { name: 'invoice.pdf' }), { filename: 'invoice.pdf' });
  for (let i = 0; i < 150; i += 1) ledger.receive(customers.sari, { type: 'text', text: { body: `Line ${i}` } }, Date.now());
  sends('image', media.keep('image/png', png(60, 40, [200, 80, 40])), { caption: 'The garden' });
  const page = await atWork(open, 'ana@example.com', `#/contacts/${id}`);
  const files = card(page).getByRole('region', { name: 'Files' });
  await files.getByRole('button', { name: 'Show the files' }).click();
  await eventually('the picture, then the document of a page before', async () => (await files.locator('li').count()) === 2);
  await eventually('it is drawn', async () => (await files.locator('li').first().locator('canvas').count()) === 1);
  await says(files.locator('li').last(), /invoice\.pdf.*Received/s);
  await soon.equal(() => files.getByRole('button', { name: 'Older files' }).count(), 0);
  await isSound(page, 'files of a contact');
  await files.getByRole('button', { name: 'Open The garden' }).click();
  const viewer = page.getByRole('dialog', { name: 'Picture' });
  await eventually('it is shown whole', async () => (await viewer.locator('img').evaluate((node) => node.naturalWidth)) === 60);
  await page.keyboard.press('Escape');
  await viewer.waitFor({ state: 'hidden' });
  await page.evaluate((hash) => (location.hash = hash), `#/contacts/${ledger.conversations.get(customers.tomas).contact_id}`);
  await eventually('another has no files', async () => (await files.locator('li').count()) === 0);
  await files.getByRole('button', { name: 'Show the files' }).click();
  await says(files, /No files/);
});

office('a segment is checked, put into words and counted while it is written', async ({ gateway, customers, open }) => {
  const { contacts } = gateway;
  contacts.fill(2_500, (i) => ({ name: `Customer ${i}`, phone: `6019${1_000_000 + i}`, labels: i % 2 === 0 ? ['vip'] : undefined }));
  contacts.change(contacts.of(customers.sari).id, { labels: ['vip'] });
  const page = await atWork(open, 'ana@example.com', '#/contacts/segments');
  const place = onPage(page);
  await says(place, /There are no segments yet\./);
  await place.getByRole('button', { name: 'New segment' }).click();
  await place.getByLabel('Name of the segment').fill('Regulars');
  await place.getByText('As text').click();
  const filter = place.getByRole('textbox', { name: 'As text' });
  await filter.fill('label = "vip" and nonsense ~ "x"');
  await says(place, /This cannot be understood: a condition was expected/);
  await soon.equal(() => place.locator('mark').textContent(), 'nonsense ~ "x"');
  await says(place, /written in a way that rows cannot show/);
  await isSound(page, 'a wrong filter');
  await filter.fill('label = "vip"');
  await says(place, /Whoever has the label vip\..*1,251 contacts now/);
  // Rows say the same as the text, and what is chosen in one of them stands in the other.
  const condition = (number) => place.getByRole('group', { name: `Condition ${number}` });
  await soon.equal(() => condition(1).getByLabel('Value').inputValue(), 'vip');
  await place.getByRole('button', { name: 'Add a condition' }).click();
  await condition(2).getByLabel('What is looked at').selectOption('Looked after by');
  await condition(2).getByLabel('Value').selectOption('Nobody');
  await soon.equal(() => filter.inputValue(), 'label = "vip" and owner = none');
  await place.getByRole('button', { name: 'Add a condition' }).click();
  await condition(3).getByLabel('What is looked at').selectOption('Last active');
  await condition(3).getByLabel('Value').fill('7');
  await soon.equal(() => filter.inputValue(), 'label = "vip" and owner = none and last_active < 7d');
  await isSound(page, 'a segment');
  await condition(3).getByRole('button', { name: 'Remove condition 3' }).click();
  await soon.equal(() => filter.inputValue(), 'label = "vip" and owner = none');
  await says(place, /is looked after by nobody/);
  await place.getByRole('button', { name: 'Save the segment' }).click();
  await eventually('it is there', () => contacts.segments[0]?.filter === 'label = "vip" and owner = none');
  await eventually('the focus is at what opens another', async () => (await page.evaluate(() => document.activeElement.textContent)) === 'New segment');
  await place.getByRole('button', { name: 'Count the contacts of Regulars' }).click();
  await says(place, /1,251 contacts now/);
  await place.getByRole('link', { name: 'Regulars' }).click();
  await eventually('its contacts', async () => (await rows(page).count()) > 10 && hashOf(page).startsWith('#/contacts/segment/'));
  const download = page.waitForEvent('download');
  await place.getByRole('button', { name: 'Export this segment' }).click();
  assert.equal((await download).suggestedFilename(), 'Regulars.csv');
  await soon.equal(() => place.getByRole('heading', { level: 2 }).textContent(), 'Regulars');
  await says(place, /Whoever has the label vip and is looked after by nobody\./);
  await place.getByRole('button', { name: 'Count all' }).click();
  await says(place, /1,251 contacts now/);
  await isSound(page, 'in a segment');
  await place.getByRole('link', { name: 'All contacts' }).click();
  await eventually('all again', async () => (await place.getByRole('heading', { level: 2 }).count()) === 0 && (await place.getByRole('button', { name: 'Export all' }).count()) === 1);
  await place.getByRole('button', { name: 'Count all' }).click();
  await says(place, /2,5\d\d contacts now/);
});

office('lists and attributes are made, changed and deleted', async ({ gateway, open }) => {
  const { contacts } = gateway;
  const page = await atWork(open, 'ben@example.com', '#/contacts');
  const parts = async () => (await page.locator('.part-links a').allTextContents()).join();
  await eventually('the parts of an agent', async () => (await parts()) === 'All contacts,Duplicates');
  await choose(page, 'Sign out');
  await isAsked(page);
  await signIn(page, 'ana@example.com');
  await isLive(page);
  await visit(page, 'Contacts');
  await eventually('the parts', async () => (await parts()) === 'All contacts,Lists,Segments,Attributes,Import,Duplicates');
  const place = onPage(page);
  await place.getByRole('link', { name: 'Lists' }).click();
  await place.getByRole('button', { name: 'New list' }).click();
  await place.getByLabel('Name of the list').fill('Newsletter');
  await page.keyboard.press('Enter');
  await eventually('a list', () => contacts.lists[0]?.name === 'Newsletter');
  await place.getByRole('button', { name: 'Rename Newsletter' }).click();
  await place.getByLabel('Name of the list').fill('Club');
  await page.keyboard.press('Enter');
  await eventually('renamed', () => contacts.lists[0].name === 'Club');
  await isSound(page, 'lists');
  await place.getByRole('button', { name: 'Delete Club' }).click();
  await says(place, /The contacts in it stay/);
  await place.getByRole('button', { name: 'Delete', exact: true }).click();
  await eventually('gone', () => contacts.lists.length === 0);
  await place.getByRole('link', { name: 'Attributes' }).click();
  await place.getByRole('button', { name: 'New attribute' }).click();
  await place.getByLabel('Name of the attribute').fill('Size of the garden');
  await soon.equal(() => place.getByLabel('Key').inputValue(), 'size_of_the_garden');
  await place.getByLabel('Kind').selectOption('Choice');
  await place.getByLabel('Choices').fill('small\n\nlarge\n');
  await isSound(page, 'attributes');
  await place.getByRole('button', { name: 'Save' }).click();
  await eventually('an attribute', () => JSON.stringify(contacts.attributes) === JSON.stringify([{ key: 'size_of_the_garden', name: 'Size of the garden', type: 'choice', choices: ['small', 'large'] }]));
  await place.getByRole('button', { name: 'Change Size of the garden' }).click();
  await soon.equal(() => place.getByLabel('Kind').count(), 0, 'its kind stays');
  await place.getByLabel('Choices').fill('small\nlarge\nhuge');
  await place.getByRole('button', { name: 'Save' }).click();
  await eventually('another choice', () => contacts.attributes[0].choices.join() === 'small,large,huge');
  await place.getByRole('button', { name: 'New attribute' }).click();
  await place.getByLabel('Name of the attribute').fill('Size of the garden');
  await place.getByRole('button', { name: 'Save' }).click();
  await says(place, /There is an attribute size_of_the_garden already/);
  await place.getByRole('button', { name: 'Cancel' }).click();
  contacts.parts = 4;
  await place.getByRole('button', { name: 'Delete Size of the garden' }).click();
  await place.getByRole('button', { name: 'Delete', exact: true }).click();
  await eventually('gone, too', () => contacts.attributes.length === 0);
});

office('what is begun while something else is being saved is not closed by its answer', async ({ gateway, open }) => {
  const { contacts } = gateway;
  contacts.lists.push({ list_id: 'l1', name: 'Club', created: 1 }, { list_id: 'l2', name: 'Newsletter', created: 2 });
  const page = await atWork(open, 'ana@example.com', '#/contacts/lists');
  const place = onPage(page);
  let answer;
  await page.route(/\/v1\/.*lists\/l1/, (route) => (answer = () => route.continue()), { times: 1 });
  await place.getByRole('button', { name: 'Rename Club' }).click();
  await place.getByLabel('Name of the list').fill('Circle');
  await page.keyboard.press('Enter');
  await eventually('it is on its way', () => answer);
  await place.getByRole('button', { name: 'Rename Newsletter' }).click();
  await place.getByLabel('Name of the list').fill('Letters');
  await answer();
  await place.getByRole('link', { name: 'Circle' }).waitFor();
  await soon.equal(() => place.getByLabel('Name of the list').inputValue(), 'Letters');
  await page.keyboard.press('Enter');
  await eventually('both are renamed', () => contacts.lists.map(({ name }) => name).join() === 'Circle,Letters');
  await place.getByLabel('Name of the list').waitFor({ state: 'hidden' });
});

office('on a narrow screen a contact takes the place of the list, and Back leads to where the list was', async ({ gateway, open }) => {
  gateway.contacts.fill(200);
  const page = await atWork(open, 'ana@example.com', '#/contacts');
  await says(page.locator('.contacts-count'), /50 contacts so far/);
  await page.setViewportSize({ width: 360, height: 740 });
  const top = () => onPage(page).evaluate((place) => place.scrollTop);
  const row = page.locator('.contact-row[aria-posinset="26"]');
  await eventually('row 26', async () => {
    await onPage(page).evaluate((place) => (place.scrollTop = 1_800));
    return row.isVisible();
  });
  await row.click();
  await card(page).waitFor();
  await eventually('the way back has the focus', async () => (await page.evaluate(() => document.activeElement.textContent)) === 'Back to the contacts');
  await soon.deepEqual(async () => [await page.locator('.contacts-list').isVisible(), await top()], [false, 0]);
  await page.keyboard.press('Escape');
  await eventually('the row has it again', async () => (await page.evaluate(() => document.activeElement.getAttribute('aria-posinset'))) === '26');
  await soon.ok(async () => Math.abs((await top()) - 1_800) < 80, String(await top()));
  await page.setViewportSize({ width: 1440, height: 900 });
});

office('a business has words of its own to opt out, and takes them back', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Business');
  const words = place.getByLabel('Words', { exact: true });
  await soon.equal(() => words.inputValue(), 'stop\nberhenti\nbaja');
  await words.fill('stop\n\nno more\nstop');
  await place.getByRole('region', { name: 'Words to opt out' }).getByRole('button', { name: 'Save' }).click();
  await eventually('they are kept', () => gateway.business.words?.join() === 'stop,no more');
  await isSound(page, 'words to opt out');
  await place.getByRole('button', { name: 'Use those again' }).click();
  await eventually('and taken back', () => gateway.business.words === null);
  await eventually('the field shows it', async () => (await words.inputValue()) === 'stop\nberhenti\nbaja');
});

// --- importing -----------------------------------------------------------------------------------------------------

const FILE = { name: 'customers.csv', mimeType: 'text/csv', buffer: Buffer.from('Phone,Name,City,Shoe\n+6012345,Nur,Ipoh,38\nabc,Ali,Muar,40\n012,Lim,Klang,41\n') };

office('a file is uploaded, its columns named, tried, then imported', async ({ gateway, open }) => {
  const { contacts } = gateway;
  defined(contacts);
  const page = await atWork(open, 'ana@example.com', '#/contacts/imports');
  const place = onPage(page);
  await says(place, /Nothing was imported yet/);
  await place.getByLabel('File').setInputFiles({ ...FILE, name: 'customers.xlsx' });
  await says(place, /This is no CSV, TSV or NDJSON file/);
  assert.equal(contacts.uploaded.length, 0);
  await place.getByLabel('File').setInputFiles(FILE);
  await says(place, /Read as UTF-8; columns are separated by commas\./);
  assert.deepEqual(contacts.uploaded, [{ type: 'text/csv', bytes: FILE.buffer.length }]);
  await says(place, /38/);
  const column = (name) => place.getByLabel(`What the column ${name} is`);
  await soon.equal(() => column('City').locator('option:checked').textContent(), 'City');
  await soon.equal(() => column('Shoe').locator('option:checked').textContent(), 'Leave it out');
  await column('Shoe').selectOption('Phone');
  await place.getByRole('button', { name: 'Try it' }).click();
  await says(place, /Two columns are said to be this: Phone/);
  await column('Shoe').selectOption('Leave it out');
  await soon.equal(() => place.getByLabel('Country of phones').locator('option:checked').textContent(), 'Indonesia', 'as the numbers of the business');
  await place.getByLabel('Country of phones').selectOption('Malaysia');
  await column('Shoe').selectOption('New attribute: Number');
  await place.getByLabel('Dates are written').selectOption('Day/month/year: 31/12/2026');
  await place.getByLabel('Labels for all of them').fill('shop, fair,shop');
  await place.getByLabel('Newsletter').check();
  await isSound(page, 'columns');
  await place.getByRole('button', { name: 'Try it' }).click();
  await says(place, /Trying customers\.csv\. Nothing is changed\./);
  const wanted = { mapping: { Phone: 'phone', Name: 'name', City: 'attribute.city', Shoe: 'attribute.new.number:Shoe' }, default_country: 'MY', bad_cells: 'leave_out', date_format: 'dmy', decimal: 'point', labels: ['shop', 'fair'], lists: ['l1'] };
  assert.deepEqual(contacts.started, [{ ...wanted, dry_run: true }]);
  const [id] = contacts.imports.keys();
  contacts.goOn(id, 1 / 3);
  await eventually('the progress', async () => /3\d%/.test(await place.textContent()));
  await isSound(page, 'progress');
  contacts.goOn(id);
  await says(place, /customers\.csv was tried\. Nothing is changed yet\./);
  await says(place.locator('.outcome'), /Rows3New1Changed1As they were0Refused1Cells left empty2/);
  await says(place.locator('.outcome'), /Why, most often.*This is no date as chosen: 2.*no phone number of any country: 1/);
  await says(place.locator('.outcome'), /MalaysiaLabels for all of themshop and fairLists for all of themNewsletter/);
  await says(place, /Imports so far.*Tried, nothing is changed yet/);
  const downloads = async (name) => {
    const download = page.waitForEvent('download');
    await place.locator('.outcome').getByRole('button', { name }).click();
    return (await download).suggestedFilename();
  };
  assert.deepEqual([await downloads(/the refused rows/), await downloads(/line by line/)], ['customers-refused.csv', 'customers-problems.csv']);
  await isSound(page, 'tried');
  // What was chosen is still chosen, and the first rows are there.
  await place.getByRole('button', { name: 'Change the columns' }).click();
  await says(place, /Klang/);
  await soon.deepEqual(async () => [await place.getByLabel('Labels for all of them').inputValue(), await place.getByLabel('Newsletter').isChecked(), await column('Shoe').locator('option:checked').textContent()], ['shop, fair', true, 'New attribute: Number']);
  await place.getByRole('button', { name: 'Try it' }).click();
  await eventually('it is tried again', () => contacts.started.length === 2);
  assert.deepEqual(contacts.started[1], { ...wanted, dry_run: true });
  contacts.goOn(id);
  await place.getByRole('button', { name: 'Import now' }).click();
  await eventually('it is started', () => contacts.started.length === 3);
  assert.deepEqual(contacts.started[2], { ...wanted, dry_run: false });
  contacts.goOn(id);
  await says(place.locator('.outcome'), /customers\.csv is imported/);
  await place.getByRole('button', { name: 'Done' }).click();
  await says(place, /Imports so far.*customers\.csvImported.*Rows: 3/);
  // The attribute that it made is there at once: for the next file, and for segments.
  await place.getByLabel('File').setInputFiles(FILE);
  await eventually('for the next file', async () => (await column('Shoe').locator('option').allTextContents()).includes('Shoe'));
  await place.getByRole('link', { name: 'Segments' }).click();
  await place.getByRole('button', { name: 'New segment' }).click();
  await eventually('for segments', async () => (await place.locator('select option').allTextContents()).includes('Shoe'));
});

office('a file that the gateway does not keep once it was tried is uploaded again by itself', async ({ gateway, open }) => {
  const { contacts } = gateway;
  contacts.keepsTried = false;
  contacts.flexible = {};
  const page = await atWork(open, 'ana@example.com', '#/contacts/imports');
  const place = onPage(page);
  await place.getByLabel('File').setInputFiles(FILE);
  await place.getByRole('button', { name: 'Try it' }).click();
  await says(place, /Trying customers\.csv\. /);
  const [tried] = contacts.imports.keys();
  contacts.goOn(tried);
  await place.getByRole('button', { name: 'Import now' }).click();
  await says(place, /Importing customers\.csv/);
  const [id, ...others] = contacts.imports.keys();
  assert.deepEqual([others, contacts.uploaded.length, contacts.started.map((one) => one.dry_run)], [[], 2, [true, false]]);
  assert.notEqual(id, tried);
  contacts.goOn(id);
  await says(place.locator('.outcome'), /customers\.csv is imported/);
  // After a reload the page has no file to upload.
  await place.getByRole('button', { name: 'Done' }).click();
  Object.assign(contacts.imports.get(id), { dry_run: true });
  await page.reload();
  await isLive(page);
  await place.getByRole('button', { name: 'Open the import of customers.csv' }).click();
  await place.getByRole('button', { name: 'Import now' }).click();
  await says(place, /This import was started already\./);
});

office('an import is stopped, and one that the gateway cannot tell of is asked about again', async ({ gateway, open }) => {
  const { contacts } = gateway;
  const page = await atWork(open, 'ana@example.com', '#/contacts/imports');
  const place = onPage(page);
  contacts.fail = (call) => (call === 'POST /imports' ? [503, 'unavailable'] : undefined);
  await place.getByLabel('File').setInputFiles(FILE);
  await says(place, /The server cannot do that just now/);
  contacts.fail = () => undefined;
  await place.getByRole('button', { name: 'Try again' }).click();
  await place.getByRole('button', { name: 'Try it' }).click();
  await says(place, /Trying customers\.csv\. /);
  const [id] = contacts.imports.keys();
  contacts.fail = (call) => (call === `GET /imports/${id}` ? [503, 'unavailable'] : undefined);
  await says(place, /The server cannot do that just now/);
  contacts.fail = () => undefined;
  contacts.goOn(id, 1 / 3);
  await eventually('it tells again', async () => /3\d%/.test(await place.textContent()));
  await place.getByRole('button', { name: 'Stop the import' }).click();
  await says(place, /The import of customers\.csv was stopped/);
  await place.getByRole('button', { name: 'Done' }).click();
  await place.getByRole('button', { name: 'Delete customers.csv' }).click();
  await place.getByRole('button', { name: 'Delete', exact: true }).click();
  await eventually('it is gone', () => contacts.imports.size === 0);
});

office('an upload can be taken back while it is on its way', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com', '#/contacts/imports');
  const place = onPage(page);
  let held;
  await page.route(/\/v1\/imports\?/, (route) => {
    held = route;
  });
  await place.getByLabel('File').setInputFiles(FILE);
  await says(place, /Uploading customers\.csv/);
  await eventually('it is on its way', () => held);
  await isSound(page, 'uploading');
  const stopped = page.waitForEvent('requestfailed');
  await place.getByRole('button', { name: 'Cancel' }).click();
  await soon.match(async () => (await stopped).url(), /\/v1\/imports\?name=customers\.csv/);
  await place.getByLabel('File').waitFor();
  await held.abort().catch(() => {});
  assert.equal(gateway.contacts.uploaded.length, 0);
  await soon.doesNotMatch(() => place.textContent(), /cannot/);
});

office('in Arabic the page runs from right to left, in its own words', async ({ gateway, customers, open }) => {
  defined(gateway.contacts);
  gateway.contacts.change(gateway.contacts.of(customers.sari).id, { labels: ['vip'], is_minor: true });
  const page = await open();
  await page.context().addCookies([{ name: 'language', value: 'ar', url: gateway.localUrl }]);
  await page.reload();
  await page.locator('#sign-in input[type=email]').fill('ana@example.com');
  await page.locator('#sign-in input[type=password]').fill(SECRET);
  await page.keyboard.press('Enter');
  await page.locator('#rail a[href="#/contacts"]').click();
  await eventually('the heading', async () => (await page.locator('#page h1').textContent()) === 'جهات الاتصال');
  await page.locator('.contact-row', { hasText: 'Sari' }).click();
  await says(card(page), /قاصر/);
  await soon.ok(async () => (await page.locator('.contacts-one').boundingBox()).x < 500, 'the contact stands at the left');
  await isSound(page, 'Arabic');
  for (const part of ['lists', 'segments', 'attributes', 'imports', 'duplicates']) {
    await page.locator(`.part-links a[href="#/contacts/${part}"]`).click();
    await eventually(`${part} is there`, async () => (await page.locator('#page .card h2').count()) > 0);
    await isSound(page, `Arabic ${part}`);
  }
});
