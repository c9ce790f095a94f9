// The inbox: finding older conversations, keys, what is refused, and what is read out.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BEN, atTheDesk, text } from './at_the_desk.mjs';
import { launch } from './browser.mjs';
import { eventually, isLive, openConversation } from './hands.mjs';
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
  await eventually('that is all', async () => (await page.locator('.rows-empty').textContent()) === 'No conversation has that.');
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
  assert.match(await tab.textContent(), /\d\+$/);
  await page.getByRole('button', { name: 'Look in older ones' }).click();
  await eventually('older ones are shown', async () => (await theirs()) === 3);
  await eventually('nothing more to look in', async () => (await page.getByRole('button', { name: 'Look in older ones' }).count()) === 0);
  assert.doesNotMatch(await tab.textContent(), /\+/);
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
  assert.equal(await about.getByLabel('Add a label').inputValue(), '');
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
  assert.equal(await page.locator('.toast').count(), 0);
});

desk('what is read out does not count seconds', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  await page.locator('#write').fill('Half a sentence');
  gateway.ledger.submit(people.sari, text('I will'), { author: BEN });
  await page.locator('.bar').waitFor();
  assert.match(await page.locator('.bar').textContent(), /Ben replied at \d\d:\d\d/);
  gateway.ledger.stand({ state: 'slowed', scope: 'all', reason: 'throttled', until: Date.now() + 50_000 });
  await eventually('it says so', async () => /tried again at/.test(await page.locator('#delay').textContent()));
  assert.doesNotMatch(await page.locator('#delay').textContent(), /in \d+ s/);
  gateway.faults.ticket = 503;
  gateway.sessions.forEach((session) => session.cut());
  await eventually('it comes back after a while', async () => /in \d+ s/.test(await page.locator('.live-more').textContent()));
  assert.equal(await page.locator('.live-text').textContent(), 'Reconnecting');
  assert.equal(await page.locator('.live-more').getAttribute('aria-hidden'), 'true');
});
