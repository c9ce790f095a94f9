// A slow browser and a slow gateway on purpose: what a test reads before the page has come so far, it reads wrong every time, and not
// once in a hundred. See run.sh for the variables.

import { setTimeout } from 'node:timers/promises';

const RENDER_DELAY = Number(process.env.MESEJ_RENDER_DELAY ?? 0);
const ANSWER_DELAY = Number(process.env.MESEJ_ANSWER_DELAY ?? 0);
const CPU_RATE = Number(process.env.MESEJ_CPU_RATE ?? 1);

/**
 * Frames come late, and with them the views that follow what is known, and what the library does after it has shown something. What it shows
 * after an event it shows before the next one, however slow a browser is.
 */
const rendersLate = (delay) => {
  const later = (run) => setTimeout(() => run(performance.now()), delay);
  window.requestAnimationFrame = /** @type {any} */ (later);
  window.cancelAnimationFrame = clearTimeout;
  if (!location.protocol.startsWith('http')) return;
  import('/console/vendor/preact.js').then(
    ({ options }) => Object.assign(options, { requestAnimationFrame: later }),
    () => {},
  );
};

/** Makes every page of a browser as slow as it is to be. */
export async function slowDown(context) {
  if (RENDER_DELAY > 0) await context.addInitScript(rendersLate, RENDER_DELAY);
  if (CPU_RATE > 1) {
    context.on('page', async (page) => {
      // A page that is closed at once is no matter.
      const session = await context.newCDPSession(page).catch(() => null);
      await session?.send('Emulation.setCPUThrottlingRate', { rate: CPU_RATE }).catch(() => {});
    });
  }
}

/** Waits before a call is heard, and before it is answered: differently each time, so that answers overtake each other. */
export async function takesItsTime() {
  if (ANSWER_DELAY > 0) await setTimeout(ANSWER_DELAY * (0.25 + 0.75 * Math.random()));
}
