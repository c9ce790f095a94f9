// A page on a fake gateway of its own, for one test.

import { openPage } from './browser.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { tell } from './fake/story.mjs';
import { isLive, keepsWhatIsTold } from './hands.mjs';

/** Runs `body({page, gateway, people, wrong})`, and cleans up whatever happens. */
export async function atTheDesk(context, body) {
  const gateway = new FakeGateway();
  const people = tell(gateway.ledger);
  await gateway.start();
  let page;
  try {
    const opened = await openPage(context, `${gateway.url}/?agent=ana`);
    page = opened.page;
    await isLive(page);
    await body({ page, gateway, people, wrong: opened.wrong });
    if (!page.isClosed()) await keepsWhatIsTold(page);
  } finally {
    await page?.close();
    await gateway.stop();
  }
}

/** A text in Meta's shape. */
export const text = (body) => ({ type: 'text', text: { body } });

/** Another agent. */
export const BEN = { kind: 'agent', id: 'ben' };
