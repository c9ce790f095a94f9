// That a page is well made, in both lights, wide and narrow.

import { contrastProblems, namelessControls } from './access.mjs';
import { axeProblems } from './axe.mjs';
import { soon } from './hands.mjs';

/** Neither axe nor the screen's edge finds anything. */
export async function isSound(page, what) {
  const before = page.viewportSize();
  for (const [colorScheme, width] of [['light', 1280], ['dark', 1280], ['light', 360], ['dark', 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 740 });
    await soon.deepEqual(() => axeProblems(page), [], `${what}, ${colorScheme}, ${width}`);
    const wide = () => page.evaluate(() =>
      [document.scrollingElement, document.getElementById('page')].filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.id || node.tagName),
    );
    await soon.deepEqual(wide, [], `${what} sticks out at ${width}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

/** Nothing sticks out of the page or of what is open on it. */
const sticksOut = (page) =>
  page.evaluate(() =>
    [document.scrollingElement, ...document.querySelectorAll('dialog[open], #page:not([hidden]), .inbox-head, .menu:not([hidden])')]
      .filter((node) => node.scrollWidth > node.clientWidth)
      .map((node) => `${node.id || node.className} ${node.scrollWidth} > ${node.clientWidth}`),
  );

/** Everything on it has a name and can be read, in both lights, and nothing sticks out of a narrow screen. */
export async function isAccessible(page, what) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await soon.deepEqual(async () => [await namelessControls(page), await contrastProblems(page)], [[], []], `${what}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 640 });
  await soon.deepEqual(() => sticksOut(page), [], what);
  await page.setViewportSize(before);
}
