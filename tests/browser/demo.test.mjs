// A day at the desk: against a running demo (MESEJ_URL), or against the stand-in with customers who write.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { after, before, test } from 'node:test';
import { launch, openPage } from './browser.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { HOSTILE, tell } from './fake/story.mjs';
import {
  bubbles,
  eventually,
  gatewayApi,
  getsThrough,
  isLive,
  keptByBrowser,
  onlyForward,
  openConversation,
  reply,
  shownIds,
  soon,
  watchTicks,
  wholeThread,
} from './hands.mjs';

const run = promisify(execFile);
const SLOW = 60_000;

let base = process.env.MESEJ_URL;
let restart = process.env.MESEJ_RESTART && (() => run('bash', ['-c', process.env.MESEJ_RESTART]));
let browser;
let done = [];

before(async () => {
  browser = await launch();
  if (!base) await standIn();
});

after(async () => {
  for (const stop of done) await stop();
  await browser?.close();
});

async function standIn() {
  const gateway = new FakeGateway();
  const people = Object.values(tell(gateway.ledger));
  await gateway.start();
  base = gateway.url;
  let turn = 0;
  const talk = setInterval(() => {
    turn += 1;
    gateway.ledger.receive(people[turn % people.length], { type: 'text', text: { body: `Hello number ${turn}` } });
  }, 700);
  restart = async () => {
    await gateway.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await gateway.start();
  };
  done.push(
    () => clearInterval(talk),
    () => gateway.stop(),
  );
}

/** The newest conversation in which one may write freely. */
async function someoneToAnswer(api) {
  return eventually(
    'a customer has written lately',
    async () => {
      const { conversations } = await api('/v1/conversations?limit=50');
      return conversations.find((row) => row.last_inbound && Date.now() - row.last_inbound < 20 * 3_600_000);
    },
    SLOW,
  );
}

test('a message that a customer writes appears by itself', async () => {
  const api = await gatewayApi(base);
  const { page, wrong } = await openPage(browser.context, `${base}/?agent=ana`);
  await isLive(page);
  const { as_of_seq: start } = await api('/v1/conversations?limit=1');
  const event = await eventually(
    'a customer writes',
    async () =>
      (await api(`/v1/events?after=${start}&limit=500`)).events.find(
        (one) => one.kind === 'message' && one.data.message.direction === 'inbound',
      ),
    SLOW,
  );
  const row = page.locator(`.row[data-id="${event.conversation_id}"]`);
  await eventually('the row is there', () => row.isVisible());
  await eventually('it is marked as unread', async () => (await row.locator('.badge').count()) === 1);
  assert.deepEqual(wrong, []);
  await page.close();
});

test('a reply goes out, and its ticks go from queued to read, never back', async () => {
  const api = await gatewayApi(base);
  const { page, wrong } = await openPage(browser.context, `${base}/?agent=ana`);
  await isLive(page);
  const { id } = await someoneToAnswer(api);
  await openConversation(page, id);
  const text = `On its way, ${Date.now()}`;
  const ticks = await watchTicks(page, text);
  await reply(page, text);
  await getsThrough(page, SLOW);
  await eventually('the customer has read it', async () => (await ticks()).at(-1) === 'ticks tone-read', SLOW);
  const looks = await ticks();
  onlyForward(looks);
  assert.equal(looks[0], 'clock tone-wait');
  assert.ok(looks.includes('ticks tone-sent'), `it was delivered on its way: ${looks}`);
  await soon.equal(() => bubbles(page, text).count(), 1);
  const sent = (await wholeThread(api, id)).filter((message) => message.content.text?.body === text);
  assert.equal(sent.length, 1);
  assert.deepEqual(wrong, []);
  await page.close();
});

test('text that would run as markup is shown as the text that it is', async () => {
  const api = await gatewayApi(base);
  const { page, wrong } = await openPage(browser.context, `${base}/?agent=ana`);
  await isLive(page);
  const { id } = await someoneToAnswer(api);
  await openConversation(page, id);
  await page.keyboard.press('Alt+KeyP');
  for (const line of HOSTILE) {
    await reply(page, line);
    await eventually(`it is shown: ${line}`, async () =>
      (await page.locator('.message.note .prose').allTextContents()).includes(line),
    );
  }
  await eventually('all are accepted', async () => (await page.locator('.message.pending').count()) === 0);
  await page.reload();
  await isLive(page);
  await openConversation(page, id);
  for (const line of HOSTILE) await soon.ok(async () => (await page.locator('.prose').allTextContents()).includes(line), line);
  await soon.equal(() => page.evaluate(() => window.stolen), undefined);
  await soon.equal(() => page.locator('#log script, #log iframe, #log img, #log a[href^="javascript"]').count(), 0);
  assert.deepEqual(wrong, []);
  await page.close();
});

test('the browser keeps nothing, and the policy of the page is strict', async () => {
  const page = await browser.context.newPage();
  const answer = await page.goto(`${base}/?agent=ana`);
  await isLive(page);
  const policy = answer.headers()['content-security-policy'] ?? '';
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"])
    assert.ok(policy.includes(rule), policy);
  assert.ok(!policy.includes('unsafe'), policy);
  await soon.deepEqual(() => keptByBrowser(page), []);
  await soon.doesNotMatch(() => answer.text(), /\sstyle=|<style|<script(?![^>]*\ssrc=)/);
  // How much room rows take that are not drawn is set by script, which the policy lets pass, and nothing else is.
  await soon.equal(() => page.evaluate(() => document.querySelectorAll('[style]:not(.rows > [role=presentation]), script:not([src])').length), 0);
  await page.close();
});

test('what a colleague does is seen by the other', async () => {
  const api = await gatewayApi(base);
  const ana = await openPage(browser.context, `${base}/?agent=ana`);
  const ben = await openPage(browser.context, `${base}/?agent=ben`);
  await isLive(ana.page);
  await isLive(ben.page);
  const { id } = await someoneToAnswer(api);
  await ana.page.bringToFront();
  await openConversation(ana.page, id);
  await ben.page.bringToFront();
  await openConversation(ben.page, id);
  await eventually('Ana sees that Ben looks', async () =>
    (await ana.page.locator('.viewers').textContent()).includes('Ben'),
  );
  await eventually('Ana sees that Ben types', async () => {
    // Whoever rests is not told of any more.
    await ben.page.locator('#write').pressSequentially('Let me ');
    return (await ana.page.locator('.others').textContent()).includes('Ben is typing');
  });
  await ben.page.locator('#assignee').selectOption('ben');
  await eventually('Ana sees that it is his', async () =>
    (await ana.page.locator(`.row[data-id="${id}"] .assignee`).textContent()).includes('Ben'),
  );
  await ben.page.locator('#write').fill('');
  await ana.page.close();
  await ben.page.close();
});

test('a canned reply is made, sent and deleted without leaving the thread', async () => {
  const api = await gatewayApi(base);
  const { page, wrong } = await openPage(browser.context, `${base}/?agent=ana`);
  await isLive(page);
  const { id } = await someoneToAnswer(api);
  await openConversation(page, id);
  const shortcut = `test-${Date.now()}`;
  const text = `We open at nine.\nسنفتح في التاسعة. ${Date.now()}`;
  const write = page.locator('#write');
  const dialog = page.locator('#dialog');
  const kept = async () => (await api('/v1/canned-replies?limit=500')).canned_replies.find((one) => one.shortcut === shortcut);
  await write.pressSequentially(`/${shortcut}`);
  await page.getByRole('option', { name: 'New canned reply…' }).click();
  await dialog.getByLabel('Text').fill(text);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('option', { name: `/${shortcut}` }).waitFor();
  await soon.equal(async () => (await kept()).text, text);
  await write.press('Enter');
  await soon.equal(() => write.inputValue(), text);
  await write.press('Enter');
  await getsThrough(page, SLOW);
  const sent = (await wholeThread(api, id)).filter((message) => message.content.text?.body === text);
  assert.equal(sent.length, 1);
  await write.pressSequentially('/');
  await page.getByRole('option', { name: 'Manage…' }).click();
  await dialog.getByRole('button', { name: `Delete /${shortcut}` }).click();
  await dialog.getByText('Delete it for everybody?').waitFor();
  await dialog.getByRole('button', { name: `Delete /${shortcut}` }).click();
  await eventually('it is deleted', async () => !(await kept()));
  await page.keyboard.press('Escape');
  await write.fill('');
  assert.deepEqual(wrong, []);
  await page.close();
});

test(
  'a server that is killed and comes back leaves nothing out and repeats nothing',
  { skip: !restart && process.env.MESEJ_URL && 'no MESEJ_RESTART' },
  async () => {
    const api = await gatewayApi(base);
    const { page } = await openPage(browser.context, `${base}/?agent=ana`);
    await isLive(page);
    const { id } = await someoneToAnswer(api);
    await openConversation(page, id);
    const texts = [1, 2, 3].map((number) => `Across the restart ${number} ${Date.now()}`);
    await reply(page, texts[0]);
    const back = restart();
    await eventually(
      'the page knows that the line is down',
      async () => (await page.locator('#live').getAttribute('data-state')) !== 'live',
    );
    await reply(page, texts[1]);
    await page.keyboard.press('Alt+KeyP');
    await reply(page, texts[2]);
    await back;
    await isLive(page, 'Live', SLOW);
    await getsThrough(page, SLOW);
    for (const text of texts) await soon.equal(() => bubbles(page, text).count(), 1, text);
    const again = await gatewayApi(base);
    const thread = await eventually('history has all three', async () => {
      const all = await wholeThread(again, id);
      return texts.every((text) => all.some((one) => (one.content.text ?? one.content.note)?.body === text)) && all;
    });
    for (const text of texts)
      assert.equal(thread.filter((one) => (one.content.text ?? one.content.note)?.body === text).length, 1, text);
    await sameAsHistory(page, again, id);
    await page.close();
  },
);

/** The page shows exactly the newest part of what history holds: no hole in it, no repeat, in order. */
async function sameAsHistory(page, api, id) {
  await eventually('the page shows what history holds', async () => {
    const ids = await shownIds(page);
    const all = (await wholeThread(api, id))
      .filter((message) => message.content.type !== 'reaction')
      .map((message) => message.id);
    assert.equal(new Set(ids).size, ids.length, 'no message stands twice');
    const expected = all.slice(all.indexOf(ids[0]));
    assert.deepEqual(ids, expected);
    return true;
  });
}
