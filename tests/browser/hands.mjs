// What a test does with the page, and what it reads off it.

import assert from 'node:assert/strict';
import { CHOICES, ON_THE_WAY, SESSION } from '../../console/preferences.js';

/** Long, for a machine that is busy: it costs nothing where all is well. */
const PATIENCE = 30_000;

/** Waits until `look()` gives something true, and gives it back. */
export async function eventually(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  let seen;
  for (;;) {
    try {
      seen = await look();
      if (seen) return seen;
    } catch (error) {
      seen = error;
    }
    if (Date.now() > end)
      assert.fail(`it did not come to this within ${patience / 1000} s: ${what}; last seen: ${seen}`);
    await rest();
  }
}

const rest = () => new Promise((resolve) => setTimeout(resolve, 25));

/**
 * `assert` for what is read off a page, which shows a change a frame after it: reads again until it holds.
 * `soon.equal(() => field.inputValue(), 'x')`. What is not to happen is looked for only after a sign that all has been done.
 */
export const soon = {
  ok: until(assert.ok),
  equal: until(assert.equal),
  notEqual: until(assert.notEqual),
  deepEqual: until(assert.deepEqual),
  match: until(assert.match),
  doesNotMatch: until(assert.doesNotMatch),
};

function until(holds) {
  return async (look, ...expected) => {
    const end = Date.now() + PATIENCE;
    for (;;) {
      try {
        return holds(await look(), ...expected);
      } catch (error) {
        if (Date.now() > end) throw error;
      }
      await rest();
    }
  };
}

/** Waits for the chip to say this. */
export async function isLive(page, text = 'Live', patience = PATIENCE) {
  await eventually(
    `the chip says ${text}`,
    async () => (await page.locator('.live-text').textContent()).startsWith(text),
    patience,
  );
}

/** Opens a conversation by its id, and waits for its messages. */
export async function openConversation(page, id) {
  const row = page.locator(`.row[data-id="${id}"]`);
  await row.click();
  await eventually(
    'its messages are there',
    async () =>
      (await row.getAttribute('aria-selected')) === 'true' &&
      (await page.locator('#log').getAttribute('aria-busy')) === 'false',
  );
  await page.mouse.move(900, 300);
}

/** Writes a reply and sends it. */
export async function reply(page, text) {
  await page.locator('#write').fill(text);
  await page.locator('#write').press('Enter');
}

/** Sees that all that was written is accepted; a customer who wrote in the same moment may make the page ask. */
export async function getsThrough(page, patience = PATIENCE) {
  const asked = page.getByRole('button', { name: 'Send anyway' });
  await eventually(
    'everything is accepted',
    async () => {
      if (await asked.isVisible()) await asked.click({ timeout: 1_000 });
      return (await page.locator('.message.pending').count()) === 0 && !(await asked.isVisible());
    },
    patience,
  );
}

/** The bubbles with exactly this text. */
export function bubbles(page, text) {
  return page.locator('.message').filter({
    has: page.locator('.prose', { hasText: new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) }),
  });
}

/** The ids of the messages shown, in their order; a message that is not accepted yet has none. */
export function shownIds(page) {
  return page.locator('#log [data-id]').evaluateAll((nodes) => nodes.map((node) => node.dataset.id));
}

/** Writes down every look that the ticks of a message with this text take, from before it is sent. */
export async function watchTicks(page, text) {
  await page.evaluate((wanted) => {
    const seen = (window.seenTicks = []);
    const look = () => {
      for (const message of document.querySelectorAll('.message')) {
        if (message.querySelector('.prose')?.textContent !== wanted) continue;
        const ticks = message.querySelector('.ticks');
        const state = ticks
          ? `${ticks.dataset.icon} ${[...ticks.classList].find((name) => name.startsWith('tone-'))}`
          : 'none';
        if (seen.at(-1) !== state) seen.push(state);
      }
    };
    new MutationObserver(look).observe(document.getElementById('log'), {
      childList: true,
      subtree: true,
      attributes: true,
    });
  }, text);
  return () => page.evaluate(() => window.seenTicks);
}

const RANKS = ['clock tone-wait', 'dashed tone-unknown', 'tick tone-sent', 'ticks tone-sent', 'ticks tone-read'];

/** Fails unless the looks only ever went up. */
export function onlyForward(looks) {
  const ranks = looks.map((look) => RANKS.indexOf(look));
  assert.ok(!ranks.includes(-1), `looks that nobody expects: ${looks}`);
  assert.deepEqual(
    ranks,
    ranks.toSorted((one, other) => one - other),
    `ticks went back: ${looks}`,
  );
}

/** Calls the gateway beside the page, with a key of its own. */
export async function gatewayApi(base) {
  const { api_key: key } = await (await fetch(`${base}/demo/session`)).json();
  return async (path) => {
    const response = await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${key}` } });
    assert.ok(response.ok, `${path} answered ${response.status}`);
    return response.json();
  };
}

/** Every message of a conversation, oldest first, as REST gives it. */
export async function wholeThread(api, id) {
  const all = [];
  let before = '';
  do {
    const page = await api(`/v1/conversations/${id}/messages?limit=100${before}`);
    all.unshift(...page.messages.toReversed());
    before = page.next_cursor ? `&before=${page.next_cursor}` : null;
  } while (before);
  return all;
}

/** Fails if the browser keeps anything of this page that is not told of on the page of one's own account. */
export async function keepsWhatIsTold(page) {
  const told = [...CHOICES, SESSION, ON_THE_WAY];
  assert.deepEqual((await keptByBrowser(page)).filter((name) => !told.includes(name)), [], 'kept by the browser, and told nowhere');
}

/** What the browser keeps of this page. */
export async function keptByBrowser(page) {
  const cookies = await page.context().cookies();
  const stored = await page.evaluate(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map((one) => one.name),
    caches: 'caches' in window ? await caches.keys() : [],
  }));
  return [...cookies.map((cookie) => cookie.name), ...Object.values(stored).flat()];
}
