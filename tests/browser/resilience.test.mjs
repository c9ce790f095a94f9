// What the page does when the gateway, or the way to it, misbehaves.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { BEN, atTheDesk, text } from './at_the_desk.mjs';
import { bubbles, eventually, isLive, openConversation, reply, shownIds, soon } from './hands.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const desk = (name, body) => test(name, () => atTheDesk(browser.context, body));
const only = (gateway) => [...gateway.sessions][0];
const say = (gateway, id, count, from = 0) =>
  Array.from({ length: count }, (_, i) => gateway.ledger.receive(id, text(`Line ${from + i}`)).id);
const times = (gateway, type) => gateway.heard.filter((frame) => frame.type === type).length;

/** The page shows each of these messages once, and nothing twice. */
async function showsOnce(page, ids) {
  await eventually('all are shown', async () => {
    const shown = await shownIds(page);
    assert.deepEqual(
      shown.filter((id) => ids.includes(id)),
      ids,
    );
    assert.equal(new Set(shown).size, shown.length);
    return true;
  });
}

desk('events that come twice are shown once', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  only(gateway).repeat = true;
  await showsOnce(page, say(gateway, people.sari, 20));
});

desk(
  'an event that was left out is fetched by coming back, and nothing is missing',
  async ({ page, gateway, people }) => {
    await openConversation(page, people.sari);
    only(gateway).skip.add(gateway.ledger.head + 3);
    await showsOnce(page, say(gateway, people.sari, 8));
    assert.equal(times(gateway, 'hello'), 2);
  },
);

desk('what happened while the line was down is caught up, and said', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  gateway.faults.ticket = 503;
  only(gateway).cut();
  await isLive(page, 'Reconnecting');
  const ids = say(gateway, people.sari, 60);
  gateway.faults.ticket = undefined;
  await page.locator('#live').click();
  await eventually('it is said', async () =>
    (await page.locator('.toast').allTextContents()).includes('60 messages caught up'),
  );
  await showsOnce(page, ids);
});

desk('a message whose acceptance was lost is sent again and shown once', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  gateway.faults.cutBeforeAccepted = true;
  await reply(page, 'Only once, please');
  await eventually(
    'it is sent',
    async () =>
      (await page.locator('.message.pending').count()) === 0 &&
      (await bubbles(page, 'Only once, please').count()) === 1,
  );
  await isLive(page);
  await eventually('it was asked twice', () => times(gateway, 'send') === 2);
  assert.equal(
    gateway.ledger.messages.get(people.sari).filter((message) => message.content.text?.body === 'Only once, please')
      .length,
    1,
  );
});

desk('what is written while the line is down goes out when it is back', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  await gateway.stop();
  await eventually('the page knows', async () => (await page.locator('#live').getAttribute('data-state')) !== 'live');
  await reply(page, 'First');
  await reply(page, 'Second');
  await eventually('both wait', async () => (await page.locator('.message.pending').count()) === 2);
  await gateway.start();
  await isLive(page, 'Live', 40_000);
  await eventually('both are accepted', async () => (await page.locator('.message.pending').count()) === 0);
  const said = gateway.ledger.messages
    .get(people.sari)
    .slice(-2)
    .map((message) => message.content.text.body);
  assert.deepEqual(said, ['First', 'Second']);
});

desk('a ledger that began anew is loaded afresh, and the page goes on', async ({ page, gateway, people, wrong }) => {
  await openConversation(page, people.sari);
  gateway.ledger.loseTheLog();
  only(gateway).close(1012);
  await eventually('it has said hello again', () => times(gateway, 'hello') === 2);
  await isLive(page);
  await eventually('the thread is there', async () => (await page.locator('.message').count()) > 40);
  await showsOnce(page, say(gateway, people.sari, 3));
  assert.deepEqual(wrong, []);
});

desk('a server that comes back with another key is entered again', async ({ page, gateway }) => {
  await gateway.stop();
  await eventually('the page knows', async () => (await page.locator('#live').getAttribute('data-state')) !== 'live');
  await gateway.start();
  gateway.key = 'another key';
  await isLive(page, 'Live', 40_000);
});

desk('statuses in any order move the ticks forward alone', async ({ page, gateway, people }) => {
  gateway.fate = () => [];
  await openConversation(page, people.sari);
  await reply(page, 'Out of order');
  const message = await eventually('it is there', () =>
    gateway.ledger.messages.get(people.sari).find((one) => one.content.text?.body === 'Out of order'),
  );
  const ticks = bubbles(page, 'Out of order').locator('.ticks');
  const shows = (label) => eventually(`it is ${label}`, async () => (await ticks.getAttribute('aria-label')) === label);
  gateway.ledger.move(message, 'delivered');
  await shows('Delivered');
  gateway.ledger.move(message, 'sent', { at: Date.now() - 1000 });
  gateway.ledger.move(message, 'failed', { error: { code: 131026, title: 'Message undeliverable' } });
  await shows('Delivered');
  gateway.ledger.move(message, 'read');
  await shows('Read');
});

desk('a message that waits says why, and stops saying it when it goes', async ({ page, gateway, people }) => {
  gateway.fate = () => [];
  await openConversation(page, people.sari);
  await reply(page, 'In the queue');
  const message = await eventually('it is there', () =>
    gateway.ledger.messages.get(people.sari).find((one) => one.content.text?.body === 'In the queue'),
  );
  gateway.delays.set(message.id, { reason: 'pair_limit', expected_at: Date.now() + 40_000 });
  const ticks = bubbles(page, 'In the queue').locator('.ticks');
  await eventually('it says why', async () =>
    /pacing for this customer: in \d+ s/.test(await ticks.getAttribute('title')),
  );
  gateway.ledger.move(message, 'sent');
  await eventually('it is sent', async () => (await ticks.getAttribute('title')) === 'Sent');
});

desk('when somebody else has answered, the text is not sent but kept', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  await page.locator('#write').fill('Yes, bring gloves');
  await eventually('the page has noted it', async () => page.locator('.send').isEnabled());
  gateway.ledger.submit(people.sari, text('No gloves needed'), { author: BEN });
  await eventually('the bar is there', async () => /^Ben replied/.test(await page.locator('.bar').textContent()));
  await page.locator('#write').press('Enter');
  await soon.equal(() => page.evaluate(() => document.activeElement.textContent), 'Review');
  assert.equal(times(gateway, 'send'), 0);
  await page.getByRole('button', { name: 'Review' }).click();
  await eventually('the bar is gone', async () => !(await page.locator('.bar').isVisible()));
  await soon.equal(() => page.locator('#write').inputValue(), 'Yes, bring gloves');
  await page.locator('#write').press('Enter');
  await eventually('it is sent', () => times(gateway, 'send') === 1);
});

desk('when the gateway refuses because of somebody else, both ways out work', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  gateway.faults.refuse = 'conversation_changed';
  await reply(page, 'First try');
  await eventually('the bar is there', async () =>
    (await page.locator('.bar').textContent()).startsWith('Sari Wijaya wrote while you did'),
  );
  await soon.equal(() => bubbles(page, 'First try').count(), 0);
  gateway.faults.refuse = undefined;
  await page.getByRole('button', { name: 'Send anyway' }).click();
  await eventually(
    'it is sent',
    async () =>
      (await bubbles(page, 'First try').count()) === 1 && (await page.locator('.message.pending').count()) === 0,
  );
  assert.equal(gateway.heard.findLast((frame) => frame.type === 'send').last_seen_seq, undefined);
  gateway.faults.refuse = 'conversation_changed';
  await reply(page, 'Second try');
  await eventually('the bar is there', () => page.locator('.bar').isVisible());
  await page.getByRole('button', { name: 'Review' }).click();
  await eventually('the text is back', async () => (await page.locator('#write').inputValue()) === 'Second try');
});

desk('a refusal is shown with its reason, and can be tried again', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  gateway.faults.refuse = 'window_closed';
  await reply(page, 'Too late');
  await eventually('it says why', async () =>
    (await page.locator('.problem').last().textContent()).includes('24-hour window is closed'),
  );
  gateway.faults.refuse = undefined;
  await page.getByRole('button', { name: 'Try again' }).click();
  await eventually(
    'it is sent',
    async () =>
      (await page.locator('.message.pending').count()) === 0 && (await bubbles(page, 'Too late').count()) === 1,
  );
});
