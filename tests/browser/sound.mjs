// That a page is well made, in both lights, wide and narrow.

import assert from 'node:assert/strict';
import { axeProblems } from './axe.mjs';

/** Neither axe nor the screen's edge finds anything. */
export async function isSound(page, what) {
  const before = page.viewportSize();
  for (const [colorScheme, width] of [['light', 1280], ['dark', 1280], ['light', 360], ['dark', 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 740 });
    assert.deepEqual(await axeProblems(page), [], `${what}, ${colorScheme}, ${width}`);
    const wide = await page.evaluate(() =>
      [document.scrollingElement, document.getElementById('page')].filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.id || node.tagName),
    );
    assert.deepEqual(wide, [], `${what} sticks out at ${width}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}
