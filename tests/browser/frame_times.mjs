// How long the page takes for a frame with many conversations: `node frame_times.mjs [CONVERSATIONS]`. Prints milliseconds of
// script, style and layout: for the first list, for a message in the row on top, and for one that moves a row there.

import { launch, openPage } from './browser.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { eventually, isLive } from './hands.mjs';

const many = Number(process.argv[2] ?? 1_000);
const EVENTS = 200;
const gateway = new FakeGateway();
const { ledger } = gateway;
const at = Date.now() - 3_600_000;
const ids = Array.from({ length: many }, (_, i) => {
  const id = ledger.meet({ name: `Guest ${i}`, phone: `62812${String(i).padStart(7, '0')}` }, at - i * 1_000);
  ledger.receive(id, { type: 'text', text: { body: `Hello ${i}` } }, at - i * 1_000);
  return id;
});
await gateway.start();
const { context, close } = await launch();
await context.addInitScript(() => {
  window.frames_ = [];
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (run) =>
    ask((time) => {
      const start = performance.now();
      run(time);
      document.body?.getBoundingClientRect();
      window.frames_.push(performance.now() - start);
    });
});
const { page } = await openPage(context, `${gateway.url}/?agent=ana`);
await isLive(page);
await eventually('all rows are there', async () => {
  await page.locator('#rows').evaluate((rows) => rows.scrollTo(0, rows.scrollHeight));
  return Number(await page.locator('.row').first().getAttribute('aria-setsize')) === many;
}, 60_000);
await page.locator('#rows').evaluate((rows) => rows.scrollTo(0, 0));

/** The frames of events that come one after another. */
async function timed(what, choose) {
  await page.evaluate(() => (window.frames_.length = 0));
  for (let i = 0; i < EVENTS; i += 1) {
    const before = await page.evaluate(() => window.frames_.length);
    ledger.receive(choose(i), { type: 'text', text: { body: `News ${i}` } });
    await eventually('it is shown', () => page.evaluate((count) => window.frames_.length > count, before));
  }
  const frames = (await page.evaluate(() => window.frames_)).sort((one, other) => one - other);
  const part = (share) => frames[Math.floor(share * (frames.length - 1))].toFixed(1);
  console.log(`${what}: median ${part(0.5)} ms, 95 % ${part(0.95)} ms, most ${part(1)} ms (${frames.length} frames)`);
}

console.log(`first frames: most ${Math.max(...(await page.evaluate(() => window.frames_))).toFixed(1)} ms`);
await timed('a message in the row on top', () => ids[0]);
await timed('a row that moves to the top', (i) => ids[(i * 37) % many]);
await close();
await gateway.stop();
