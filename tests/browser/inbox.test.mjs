// The inbox: finding older conversations, keys, what is refused, and what is read out.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BEN, atTheDesk, text } from './at_the_desk.mjs';
import { launch } from './browser.mjs';
import { eventually, isLive, openConversation, soon } from './hands.mjs';
import { isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const desk = (name, body) => test(name, () => atTheDesk(browser.context, body));

desk('a search that finds nothing among many looks further', async ({ page, gateway }) => {
  for (let guest = 0; guest < 120; guest += 1) {
    gateway.ledger.meet({ name: `Guest ${guest}`, phone: `628120001${String(guest).padStart(3, '0')}` }, Date.now() - guest * 1000);
  }
  await page.reload();
  await page.locator('.row').first().waitFor();
  await page.locator('#search').fill('mallory');
  await page.getByRole('button', { name: 'Look in older ones' }).click();
  await eventually('one is found', async () => (await page.locator('.row').count()) === 1);
  await page.locator('#search').fill('nobody at all');
  await eventually('that is all', async () => (await page.locator('.rows-empty').textContent()) === 'No name, phone, label or last message has that.');
});

desk('a filter that finds a few among many offers to look further, and counts them as the least', async ({ page, gateway }) => {
  const mine = [];
  for (let guest = 0; guest < 150; guest += 1) {
    const met = gateway.ledger.meet({ name: `Guest ${guest}`, phone: `628120001${String(guest).padStart(3, '0')}` }, Date.now() - guest * 1000);
    if ([5, 75, 145].includes(guest)) mine.push(met);
  }
  for (const row of gateway.ledger.conversations.values()) row.assignee = mine.includes(row.id) ? 'ana' : undefined;
  await page.reload();
  await page.locator('.row').first().waitFor();
  const tab = page.locator('#tabs').getByRole('button', { name: /^Mine/ });
  await tab.click();
  const theirs = () => page.locator('.row').count();
  await eventually('hers among those loaded', async () => (await theirs()) === 2);
  await soon.match(() => tab.textContent(), /\d\+$/);
  await page.getByRole('button', { name: 'Look in older ones' }).click();
  await eventually('older ones are shown', async () => (await theirs()) === 3);
  await eventually('nothing more to look in', async () => (await page.getByRole('button', { name: 'Look in older ones' }).count()) === 0);
  await soon.doesNotMatch(() => tab.textContent(), /\+/);
});

desk('of a long list only what is in view is on the page, wherever one scrolls and whatever key leads there', async ({ page, gateway }) => {
  const { ledger } = gateway;
  const now = Date.now();
  const met = Array.from({ length: 400 }, (_, guest) => {
    const id = ledger.meet({ name: `Guest ${guest}`, phone: `628120001${String(guest).padStart(3, '0')}` }, now - 200 * 3_600_000 - guest * 60_000);
    if (guest % 3 === 0) ledger.conversations.get(id).labels = ['long', 'labels', 'more'];
    return id;
  });
  await page.reload();
  const rows = page.locator('.row');
  await rows.first().waitFor();
  const list = page.locator('#rows');
  const whole = async () => Number(await rows.first().getAttribute('aria-setsize'));
  const total = ledger.conversations.size;
  // The pointer over the list holds what is in it; what is read from further down comes all the same.
  await list.hover();
  await eventually('all are read', async () => {
    await list.evaluate((place) => (place.scrollTop = place.scrollHeight));
    return (await whole()) === total;
  });
  await eventually('the last is in view', async () => {
    await list.evaluate((place) => (place.scrollTop = place.scrollHeight));
    return (await rows.last().getAttribute('aria-posinset')) === String(total);
  });
  await soon.ok(async () => (await rows.count()) < 60, `${await rows.count()} rows`);
  await page.mouse.move(900, 400);
  // Scrolling up by steps shows each row in its turn: none is left out, none stands twice.
  const seen = new Set();
  for (let step = 0; step < 12; step += 1) {
    await list.evaluate((place) => (place.scrollTop -= 500));
    const places = await eventually('the view is full', () =>
      list.evaluate((place) => {
        const box = place.getBoundingClientRect();
        const options = [...place.querySelectorAll('[role=option]')];
        const [first, last] = [options[0].getBoundingClientRect().top, options.at(-1).getBoundingClientRect().bottom];
        return first <= box.top + 8 && last >= box.bottom - 24 && options.map((one) => Number(one.getAttribute('aria-posinset')));
      }),
    );
    assert.deepEqual(places, places.map((_, i) => places[0] + i));
    for (const place of places) seen.add(place);
  }
  assert.deepEqual([...seen].sort((one, other) => one - other), Array.from({ length: seen.size }, (_, i) => total - seen.size + 1 + i));
  const at = () => page.evaluate(() => Number(document.activeElement.getAttribute('aria-posinset')));
  await list.evaluate((place) => (place.scrollTop = 0));
  await eventually('the first again', async () => (await rows.first().getAttribute('aria-posinset')) === '1');
  await rows.first().focus();
  for (const [key, place] of [['ArrowDown', 2], ['End', total], ['ArrowUp', total - 1], ['Home', 1]]) {
    await page.keyboard.press(key);
    await eventually(`${key} leads to ${place}`, async () => (await at()) === place);
  }
  await page.keyboard.press('End');
  await soon.equal(at, total);
  await page.keyboard.press('Enter');
  await eventually('the last is open', async () => (await page.locator('#thread-head h1').textContent()) === 'Guest 399');
  await list.evaluate((place) => (place.scrollTop = 0));
  await page.keyboard.press('Alt+KeyK');
  await eventually('the one above it is open, and in view', async () => (await page.locator(`.row[data-id="${met[398]}"]`).getAttribute('aria-selected')) === 'true');
  await isSound(page, 'a long list');
});

desk('on a Mac, Alt and a letter in a text write that letter, and do nothing else', async ({ page, gateway, people }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'platform', { value: 'MacIntel' }));
  await page.reload();
  await isLive(page);
  await openConversation(page, people.sari);
  const status = () => gateway.ledger.conversations.get(people.sari).status;
  const before = status();
  await page.locator('#write').focus();
  const taken = await page.evaluate(() => {
    const press = new KeyboardEvent('keydown', { code: 'KeyE', key: '´', altKey: true, bubbles: true, cancelable: true });
    return !document.activeElement.dispatchEvent(press);
  });
  assert.equal(taken, false, 'the accent is written');
  await page.locator('#write').blur();
  await page.keyboard.press('Alt+KeyE');
  await eventually('outside of the text it is the key', () => status() !== before);
  await page.keyboard.press('?');
  await eventually('the list of keys says so', async () => /On a Mac, Alt .* writes letters/.test(await page.locator('#dialog').textContent()));
});

desk('what the gateway refuses of a conversation is taken back on the page, and what was written is not', async ({ page, gateway, people }) => {
  gateway.ledger.organise(people.sari, { assignee: 'ana' }, BEN);
  await openConversation(page, people.sari);
  const about = page.locator('#about');
  const assigned = about.getByLabel('Assigned to');
  await eventually('Ana answers', async () => (await assigned.inputValue()) === 'ana');
  gateway.faults.organise = 'forbidden';
  await assigned.selectOption('');
  await eventually('it is said', () => page.locator('.toast-bad', { hasText: 'Your role does not allow this.' }).first().isVisible());
  await eventually('Ana still does', async () => (await assigned.inputValue()) === 'ana');
  const label = about.getByLabel('Add a label');
  await label.fill('wholesale');
  await page.keyboard.press('Enter');
  await eventually('the label can be tried again', async () => (await about.getByLabel('Add a label').inputValue()) === 'wholesale');
  gateway.faults.organise = undefined;
  await about.getByLabel('Add a label').press('Enter');
  await eventually('it is there', () => gateway.ledger.conversations.get(people.sari).labels.includes('wholesale'));
  await soon.equal(() => about.getByLabel('Add a label').inputValue(), '');
});

desk('a message that cannot be taken back for the network is told in words', async ({ page, gateway, people }) => {
  gateway.fate = () => [];
  const sent = gateway.ledger.submit(people.sari, text('Not yet'), { author: { kind: 'agent', id: 'ana' } });
  await openConversation(page, people.sari);
  await page.locator(`.message[data-id="${sent.id}"]`).hover();
  await page.locator(`.message[data-id="${sent.id}"]`).getByRole('button', { name: 'Details' }).click();
  await page.route('**/v1/messages/**', (route) => (route.request().method() === 'DELETE' ? route.abort() : route.continue()));
  await page.locator('#dialog').getByRole('button', { name: 'Take it back' }).click();
  await eventually('it is said', async () => /cannot be reached/.test((await page.locator('.toast-bad').allTextContents()).join(' ')));
  await page.keyboard.press('Escape');
  await isSound(page, 'what went wrong');
  await page.locator('.toast-bad').getByRole('button', { name: 'Close' }).click();
  await soon.equal(() => page.locator('.toast').count(), 0);
});

desk('what is read out does not count seconds', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  await page.locator('#write').fill('Half a sentence');
  gateway.ledger.submit(people.sari, text('I will'), { author: BEN });
  await page.locator('.bar').waitFor();
  await soon.match(() => page.locator('.bar').textContent(), /Ben replied at \d\d:\d\d/);
  gateway.ledger.stand({ state: 'slowed', scope: 'all', reason: 'throttled', until: Date.now() + 50_000 });
  await eventually('it says so', async () => /tried again at/.test(await page.locator('#delay').textContent()));
  await soon.doesNotMatch(() => page.locator('#delay').textContent(), /in \d+ s/);
  gateway.faults.ticket = 503;
  gateway.sessions.forEach((session) => session.cut());
  await eventually('it comes back after a while', async () => /in \d+ s/.test(await page.locator('.live-more').textContent()));
  await soon.equal(() => page.locator('.live-text').textContent(), 'Reconnecting');
  await soon.equal(() => page.locator('.live-more').getAttribute('aria-hidden'), 'true');
});

desk('with several numbers one sees which one a customer wrote to, and can look at one alone', async ({ page, gateway, people, wrong }) => {
  await soon.ok(() => page.getByLabel('Number of yours').isHidden(), 'one number is nothing to choose from');
  await openConversation(page, people.sari);
  await soon.doesNotMatch(() => page.locator('#thread-head').textContent(), /811 1000/);
  gateway.ledger.otherNumbers.push({ phone_number_id: '2', display_phone_number: '+1 555 071 0001', waba_id: '2201', lane: { state: 'running', scope: 'all' } });
  const id = gateway.ledger.meet({ name: 'Nurul', phone: '+60123456789', number: '2' });
  gateway.ledger.receive(id, text('Is this the other shop?'));
  await page.reload();
  const row = (name) => page.locator('#rows [role=option]', { hasText: name });
  await eventually('the row says so', async () => (await row('Nurul').locator('.row-number').textContent()) === '+1 555 071 0001');
  await isSound(page, 'a list with two numbers');
  await page.getByLabel('Number of yours').selectOption({ label: '+1 555 071 0001' });
  await eventually('only those of that number', async () => (await page.locator('#rows [role=option]').count()) === 1);
  await row('Nurul').click();
  await eventually('the head says so', async () => /to \+1 555 071 0001/.test(await page.locator('#thread-head').textContent()));
  await page.getByLabel('Number of yours').selectOption({ label: 'Any number' });
  await eventually('the others are there', async () => (await row('Nurul').count()) + (await row('Sari Wijaya').count()) === 2);
  assert.deepEqual(wrong, []);
});

desk('the search finds what it says, and a message of a program is no word of the customer', async ({ page, gateway, people }) => {
  const id = gateway.ledger.meet({ name: 'Olga', phone: '+60111222333' });
  Object.assign(gateway.ledger.contacts.get(gateway.ledger.conversations.get(id).contact_id), { labels: ['wholesale'] });
  gateway.ledger.receive(id, text('First words'));
  gateway.ledger.submit(id, text('Your parcel is here'), { author: { kind: 'api', key: 'shop' } });
  const row = page.locator(`#row-${id}`);
  await eventually('who wrote last', async () => (await row.locator('.preview').textContent()) === 'A program: Your parcel is here');
  for (const [query, found] of [['wholes', 1], ['parcel', 1], ['222333', 1], ['First words', 0]]) {
    await page.locator('#search').fill(query);
    await eventually(`${query} finds ${found}`, async () => (await row.count()) === found);
  }
  await soon.equal(() => page.locator('.rows-empty').textContent(), 'No name, phone, label or last message has that.');
});

desk('in the demo the address keeps who sits here and what is open: a reload leads back to both', async ({ page, gateway, people }) => {
  await page.goto(gateway.url);
  const sheet = page.getByRole('dialog');
  await soon.match(() => sheet.textContent(), /This is a demo: /);
  await soon.deepEqual(() => sheet.locator('.preference-foot label').allInnerTexts().then((all) => all.map((one) => one.split('\n')[0].trim())), ['Language', 'Theme']);
  await page.goto(`${gateway.url}/?agent=${encodeURIComponent('Ana Ruíz')}`);
  await isLive(page);
  await openConversation(page, people.sari);
  await page.reload();
  await isLive(page);
  await eventually('the conversation is open', async () => (await page.locator('#thread-head h1').textContent()) === 'Sari Wijaya');
  await soon.deepEqual(async () => [await page.locator('.me-name').first().textContent(), await page.getByRole('dialog').count()], ['Ana Ruíz', 0]);
  await openConversation(page, people.dewi);
  await page.goBack();
  await eventually('back to the one before', async () => (await page.locator('#thread-head h1').textContent()) === 'Sari Wijaya');
  await isSound(page, 'a conversation of an address');
});

desk('a conversation with more that is new than fits opens where that begins', async ({ page, gateway, people, wrong }) => {
  const id = gateway.ledger.meet({ name: 'Olga', phone: '+60111222333' });
  for (let i = 0; i < 30; i += 1) gateway.ledger.receive(id, text(`Message ${i}`));
  await openConversation(page, id);
  const isInView = (name) => page.evaluate((wanted) => {
    const log = document.querySelector('#log').getBoundingClientRect();
    const found = [...document.querySelectorAll('#log .new, #log article')].find((one) => one.textContent.includes(wanted))?.getBoundingClientRect();
    return found !== undefined && found.top >= log.top - 1 && found.bottom <= log.bottom + 1;
  }, name);
  await eventually('the first is in view', () => isInView('Message 0'));
  await soon.ok(() => isInView('New'));
  await soon.ok(async () => !(await isInView('Message 29')));
  await page.locator('#to-end').click();
  await eventually('the last is in view', () => isInView('Message 29'));
  // Read, it opens at its end.
  await openConversation(page, people.sari);
  await openConversation(page, id);
  await eventually('the end is in view', () => isInView('Message 29'));
  assert.deepEqual(wrong, []);
});

desk('a message that goes out later says when', async ({ page, gateway, people }) => {
  const sent = gateway.ledger.submit(people.sari, text('See you tomorrow'), { author: { kind: 'api', key: 'shop' } });
  Object.assign(sent.delivery, { send_at: Date.now() + 900_000 });
  await page.reload();
  await openConversation(page, people.sari);
  await eventually('it says so', async () => /goes out at \d/.test(await page.locator(`[data-id="${sent.id}"]`).textContent()));
});
