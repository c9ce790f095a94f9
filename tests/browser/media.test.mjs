// Files in the thread: pictures, players, documents, and those that are not there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { atTheDesk } from './at_the_desk.mjs';
import { axeProblems } from './axe.mjs';
import { launch } from './browser.mjs';
import { blank, bomb, png, wav } from './files.mjs';
import { eventually, keptByBrowser, openConversation, soon } from './hands.mjs';
import { isAccessible } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ reducedMotion: 'reduce' })));
after(() => browser?.close());

const content = (kind, more = {}) => ({ type: kind, [kind]: { id: '77', ...more } });

/** At the desk, with a customer who sends `files`: `[kind, media, content]`; the messages come as `sent`. */
const desk = (name, files, body) =>
  test(name, () =>
    atTheDesk(browser.context, async (all) => {
      const { ledger, media } = all.gateway;
      const id = ledger.meet({ name: 'Intan', phone: '628123' });
      const sent = files(media).map(([kind, file, more]) => ledger.receive(id, content(kind, more), Date.now(), file));
      await eventually('the row is there', () => all.page.locator(`.row[data-id="${id}"]`).isVisible());
      await openConversation(all.page, id);
      await body({ ...all, sent, id, card: (message) => all.page.locator(`[data-id="${message.id}"] .media`) });
    }),
  );

const colourAt = (canvas) => canvas.evaluate((node) => [...node.getContext('2d').getImageData(node.width / 2, node.height / 2, 1, 1).data].slice(0, 3));

desk(
  'a picture is drawn small, and opens over the page; keys lead to the others and back',
  (media) => [
    ['image', media.keep('image/png', png(1600, 900, [200, 80, 40])), { caption: 'The garden' }],
    ['image', media.keep('image/png', png(40, 40, [10, 120, 200]))],
    ['sticker', media.keep('image/png', png(64, 64, [9, 9, 9]))],
  ],
  async ({ page, gateway, sent, card, wrong }) => {
    const first = card(sent[0]).getByRole('button', { name: 'Open The garden' });
    await eventually('it is drawn', async () => (await first.locator('canvas').count()) === 1);
    await soon.deepEqual(() => colourAt(first.locator('canvas')), [200, 80, 40]);
    await soon.ok(async () => (await first.locator('canvas').evaluate((node) => node.width)) <= 640, 'a small picture, not the whole one');
    await eventually('all are drawn', async () => (await page.locator('#log .picture canvas').count()) === 3);
    await soon.equal(() => page.locator('#log img').count(), 0);
    await isAccessible(page, 'pictures');
    await soon.deepEqual(() => axeProblems(page), []);
    await first.click();
    const viewer = page.getByRole('dialog', { name: 'Picture' });
    const picture = viewer.locator('img');
    const width = () => picture.evaluate((node) => node.naturalWidth);
    await eventually('it is shown whole', async () => (await width()) === 1600);
    await soon.equal(() => picture.getAttribute('alt'), 'The garden');
    await soon.match(() => viewer.textContent(), /1 of 3/);
    await soon.deepEqual(() => axeProblems(page), []);
    await page.keyboard.press('ArrowRight');
    await eventually('the next one', async () => (await width()) === 40);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await eventually('the last one', async () => /3 of 3/.test(await viewer.textContent()));
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await eventually('the first again', async () => (await width()) === 1600);
    await page.keyboard.press('+');
    await soon.equal(() => picture.evaluate((node) => node.getBoundingClientRect().width), 1600);
    const address = await picture.getAttribute('src');
    await page.keyboard.press('Escape');
    await eventually('it is closed', () => viewer.isHidden());
    await soon.equal(() => page.evaluate(() => document.activeElement.dataset.mediaId), sent[0].media.media_id);
    await soon.ok(() => page.locator('#thread-head').isVisible(), 'the conversation is still open');
    await assert.rejects(page.evaluate((url) => fetch(url), address));
    await soon.equal(() => gateway.media.heard.filter((call) => call === 'GET media').length, 3 + 5, 'a thumbnail each, and each time it was opened');
    await soon.deepEqual(async () => [await keptByBrowser(page), wrong.filter((line) => !/Refused to connect|violates the following|Fetch API cannot load/.test(line))], [[], []]);
  },
);

desk(
  'a picture with more pixels than a browser has memory for is never decoded, and can be downloaded',
  (media) => [['image', media.keep('image/png', bomb(30_000, 30_000))], ['image', media.keep('image/png', png(40, 40))]],
  async ({ page, sent, card }) => {
    await eventually('it says why', async () => /too many pixels/.test(await card(sent[0]).textContent()));
    await soon.equal(() => card(sent[0]).getByRole('button', { name: /^Download/ }).count(), 1);
    await soon.equal(() => card(sent[0]).locator('canvas, img, .picture').count(), 0);
    await eventually('the other one is drawn', async () => (await card(sent[1]).locator('canvas').count()) === 1);
    await isAccessible(page, 'too many pixels');
  },
);

desk(
  'a bubble that is made anew shows its picture at once',
  (media) => [['image', media.keep('image/png', png(40, 40))]],
  async ({ page, gateway, sent, card, id }) => {
    await eventually('it is drawn', async () => (await card(sent[0]).locator('canvas').count()) === 1);
    gateway.ledger.receive(id, { type: 'reaction', reaction: { message_id: sent[0].wamid, emoji: '👍' } });
    await eventually('the bubble is another one', async () => /👍/.test(await page.locator(`[data-id="${sent[0].id}"]`).textContent()));
    await eventually('with its picture', async () => (await card(sent[0]).locator('canvas').count()) === 1);
    assert.equal(gateway.media.heard.filter((call) => call === 'GET media').length, 1);
  },
);

desk(
  'audio plays from an address of its own, at the speed that was chosen, one at a time',
  (media) => [
    ['audio', media.keep('audio/wav', wav(30), 'voice.wav'), { voice: true }],
    ['audio', media.keep('audio/wav', wav(30))],
  ],
  async ({ page, gateway, id, sent, card, wrong }) => {
    await card(sent[0]).getByRole('button', { name: 'Play voice.wav' }).click();
    const player = card(sent[0]).locator('audio');
    await eventually('it plays', () => player.evaluate((node) => node.currentTime > 0 && !node.paused));
    await soon.match(() => player.getAttribute('src'), /^\/media\/[0-9a-f]+$/);
    const speed = card(sent[0]).getByRole('button', { name: /^Speed/ });
    for (const expected of [1.5, 2, 1]) {
      await speed.click();
      await soon.equal(() => player.evaluate((node) => node.playbackRate), expected);
    }
    gateway.ledger.receive(id, { type: 'reaction', reaction: { message_id: sent[0].wamid, emoji: '👍' } });
    await eventually('the bubble is another one', async () => /👍/.test(await page.locator(`[data-id="${sent[0].id}"]`).textContent()));
    const at = await player.evaluate((node) => node.currentTime);
    await eventually('it goes on playing in it', () => player.evaluate((node, before) => !node.paused && node.currentTime > before, at));
    await card(sent[1]).getByRole('button', { name: /^Play/ }).click();
    await eventually('the other plays alone', async () => (await player.evaluate((node) => node.paused)) && card(sent[1]).locator('audio').evaluate((node) => !node.paused));
    await isAccessible(page, 'players');
    await soon.deepEqual(async () => [await axeProblems(page), wrong], [[], []]);
  },
);

desk(
  'what the browser cannot play is said, and offered as a download',
  (media) => [['video', media.keep('video/mp4', blank(4000), 'film.mp4')]],
  async ({ page, sent, card }) => {
    await card(sent[0]).getByRole('button', { name: 'Play film.mp4' }).click();
    await eventually('it says so', async () => /cannot play it/.test(await card(sent[0]).textContent()));
    const [download] = await Promise.all([page.waitForEvent('download'), card(sent[0]).getByRole('button', { name: 'Download film.mp4' }).click()]);
    assert.equal(download.suggestedFilename(), 'film.mp4');
  },
);

const HTML = Buffer.from('<script>document.title = "taken"</script><img src=x onerror="document.title = \'taken\'">');

desk(
  'a document is a card with name, type and size, and is only ever downloaded',
  (media) => [
    ['document', media.keep('application/pdf', blank(1_234_567), 'offer.pdf'), { filename: 'offer.pdf' }],
    ['document', media.keep('text/html', HTML, '<b>page</b>.html'), { filename: '<b>page</b>.html' }],
    ['image', media.keep('image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"/>'), 'drawing.svg')],
    ['image', media.keep('image/png', HTML)],
  ],
  async ({ page, gateway, sent, card, wrong }) => {
    await eventually('name and size', async () => /offer\.pdf.*PDF · 1\.2 MB/.test(await card(sent[0]).textContent()));
    const [download] = await Promise.all([page.waitForEvent('download'), card(sent[0]).getByRole('button', { name: 'Download offer.pdf' }).click()]);
    assert.equal(download.suggestedFilename(), 'offer.pdf');
    await soon.ok(async () => (await card(sent[1]).textContent()).includes('<b>page</b>.html'));
    const before = page.url();
    const [page_] = await Promise.all([page.waitForEvent('download'), card(sent[1]).getByRole('button', { name: /^Download/ }).click()]);
    assert.match(page_.suggestedFilename(), /page.*\.html$/);
    assert.equal(page.url(), before);
    await eventually('a drawing with scripts is a file like others', () => card(sent[2]).getByRole('button', { name: /^Download/ }).isVisible());
    await eventually('a picture that is none says so', async () => /cannot be shown/.test(await card(sent[3]).textContent()));
    await soon.ok(async () => !/taken/.test(await page.title()));
    assert.equal(page.context().pages().length, 2);
    gateway.media.faults.link = [410, 'media_removed'];
    await card(sent[0]).getByRole('button', { name: 'Download offer.pdf' }).click();
    await eventually('a refusal is said', async () => /not kept any more/.test(await page.locator('.toasts').textContent()));
    assert.deepEqual(wrong.filter((line) => !/status of 410/.test(line)), []);
  },
);

desk(
  'a file that is on its way is said, and appears when it is there; so do those that never come',
  () => [
    ['image', { media_id: 'a1', state: 'pending' }, { caption: 'Soon' }],
    ['document', { media_id: 'a2', state: 'pending' }, { filename: 'setup.exe' }],
    ['audio', { media_id: 'a3', state: 'pending' }],
    ['video', { media_id: 'a4', state: 'removed' }],
  ],
  async ({ page, gateway, sent, card }) => {
    const says = (message, words) => eventually(`it says ${words}`, async () => words.test(await card(message).textContent()));
    await says(sent[0], /On its way/);
    await says(sent[3], /not kept any more/);
    gateway.ledger.settle(sent[0], gateway.media.keep('image/png', png(30, 30)));
    await eventually('it is drawn', async () => (await card(sent[0]).locator('canvas').count()) === 1);
    gateway.ledger.settle(sent[1], { media_id: 'a2', state: 'refused', why: 'it is a program' });
    await says(sent[1], /was not taken\. Reason: it is a program\./);
    gateway.ledger.settle(sent[2], { media_id: 'a3', state: 'failed' });
    await says(sent[2], /could not be fetched/);
    await isAccessible(page, 'states');
  },
);

desk(
  'a picture that cannot be fetched now is fetched when tried again',
  (media) => ((media.faults.bytes = [503, 'unavailable']), [['image', media.keep('image/png', png(30, 30))]]),
  async ({ gateway, sent, card }) => {
    await eventually('it says so', () => card(sent[0]).getByRole('button', { name: 'Try again' }).isVisible());
    gateway.media.faults = {};
    await card(sent[0]).getByRole('button', { name: 'Try again' }).click();
    await eventually('it is drawn', async () => (await card(sent[0]).locator('canvas').count()) === 1);
  },
);

desk(
  'whoever is at the end of the thread stays there when pictures come',
  (media) => Array.from({ length: 6 }, () => ['image', media.keep('image/png', png(300, 300))]),
  async ({ page }) => {
    // What is new and does not fit is begun with.
    // A picture that comes in the very frame of the scroll moves the end before the page has heard of the scroll: then it is scrolled again.
    const toTheEnd = (node) =>
      new Promise((done) => {
        node.scrollTop = node.scrollHeight;
        requestAnimationFrame(() => requestAnimationFrame(() => done(node.scrollHeight - node.scrollTop - node.clientHeight < 5)));
      });
    await eventually('it is scrolled to the end', () => page.locator('#log').evaluate(toTheEnd));
    await eventually('the last is drawn', async () => (await page.locator('.message').last().locator('canvas').count()) === 1);
    await eventually('the end is in view', () => page.locator('#log').evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 5));
  },
);
