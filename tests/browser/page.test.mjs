// What the page shows and how it is used, by mouse, by keyboard, on a small screen, by a screen reader.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage } from './browser.mjs';
import { contrastProblems, namelessControls } from './access.mjs';
import { BEN, atTheDesk, text } from './at_the_desk.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { bubbles, eventually, isLive, openConversation, reply, shownIds, soon } from './hands.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const desk = (name, body) => test(name, () => atTheDesk(browser.context, body));

desk('older messages come when one scrolls up, and the place is kept', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  const all = gateway.ledger.messages
    .get(people.sari)
    .filter((message) => message.content.type !== 'reaction')
    .map((message) => message.id);
  const before = await shownIds(page);
  assert.ok(before.length < all.length);
  const top = await page.locator('#log').evaluate((log, id) => {
    log.scrollTop = 150;
    return log.querySelector(`[data-id="${id}"]`).getBoundingClientRect().top;
  }, before[0]);
  await eventually('the older ones are there', async () => (await shownIds(page)).length > before.length);
  const now = () => page.locator(`[data-id="${before[0]}"]`).evaluate((node) => node.getBoundingClientRect().top);
  await soon.ok(async () => Math.abs((await now()) - top) < 60, 'the first message stays where it was');
  await eventually('all are there', async () => {
    await page.locator('#log').evaluate((log) => (log.scrollTop = 0));
    return (await shownIds(page)).length === all.length;
  });
  await soon.deepEqual(() => shownIds(page), all);
  await eventually('it says that this is all', () =>
    page.getByText('This is where the conversation begins').isVisible(),
  );
});

desk('a closed window takes a template, and notes, but no text', async ({ page, gateway, people }) => {
  await openConversation(page, people.hannah);
  await eventually('no text is taken', () => page.locator('#write').isDisabled());
  await soon.match(() => page.locator('#closed').textContent(), /24-hour window is closed/);
  await page.getByRole('button', { name: 'Send template' }).click();
  await page.getByRole('button', { name: /^olive_tree English/ }).click();
  await page.getByLabel('Text for {{1}}').fill('Saturday');
  await page.locator('#dialog').getByRole('button', { name: 'Send template' }).click();
  const sent = await eventually('it is sent', () =>
    gateway.ledger.messages.get(people.hannah).find((message) => message.content.type === 'template'),
  );
  assert.deepEqual(sent.content.template, {
    name: 'olive_tree',
    language: { code: 'en' },
    components: [{ type: 'body', parameters: [{ type: 'text', text: 'Saturday' }] }],
  });
  await page.keyboard.press('Alt+KeyP');
  await eventually('a note is taken', () => page.locator('#write').isEnabled());
  gateway.ledger.receive(people.hannah, text('I am back'));
  await page.keyboard.press('Alt+KeyL');
  await eventually('it opens when she writes', () => page.locator('#write').isEnabled());
});

desk('every kind of content has a face, and unknown ones show what they hold', async ({ page, people, wrong }) => {
  await openConversation(page, people.dewi);
  const parts = [
    'Came from an ad',
    'balcony_offer',
    'Yes, tell me more',
    'Photo',
    'Voice message',
    'Pick a size',
    'Medium',
    'Jalan Melati 12',
    'Ketut (gate)',
    'offer-medium-balcony.pdf',
    'Total',
    'Sticker',
    'does not hand this kind',
    'hologram',
    'changed from 6281255501077',
  ];
  for (const part of parts) await soon.ok(async () => (await page.locator('#log').textContent()).includes(part), part);
  assert.deepEqual(wrong, []);
});

desk('the list tells a failed message and a note from others', async ({ page, gateway, people }) => {
  const row = page.locator(`.row[data-id="${people.hannah}"]`);
  const preview = () => row.locator('.preview').textContent();
  const failed = row.getByRole('img', { name: 'Not delivered' });
  const sent = gateway.ledger.submit(people.hannah, text('On its way'), { author: BEN });
  await eventually('it is shown', async () => /ben: On its way/i.test(await preview()));
  await soon.equal(() => failed.count(), 0);
  gateway.ledger.move(sent, 'failed', { error: { code: 131026 } });
  await eventually('its failure is shown', async () => (await failed.count()) === 1);
  await page.reload();
  await eventually('and after a reload', async () => (await failed.count()) === 1);
  gateway.ledger.move(sent, 'delivered');
  await eventually('it came all the same', async () => (await failed.count()) === 0);
  gateway.ledger.note(people.hannah, 'Wants the blue one', { author: { kind: 'agent', id: 'ana' } });
  await eventually('a note is one', async () => /^Your note: Wants the blue one/.test(await preview()));
});

desk('a failure says why, with the code of Meta, and shows everything on demand', async ({ page, people }) => {
  await openConversation(page, people.tomas);
  await soon.match(() => page.locator('.is-failed .problem').textContent(), /cannot be delivered.*\(131026\)/);
  await page.locator('.is-failed .problem button').click();
  const sheet = page.locator('#dialog');
  await eventually('the details are there', async () => /Message undeliverable/.test(await sheet.textContent()));
  await soon.match(() => sheet.textContent(), /wamid\./);
  await page.keyboard.press('Escape');
  await soon.equal(() => sheet.isVisible(), false);
  await soon.equal(() => page.locator('.is-unknown').getByRole('button', { name: /again/i }).count(), 0);
});

desk('a draft stays with its conversation', async ({ page, people }) => {
  await openConversation(page, people.sari);
  await page.locator('#write').fill('For Sari');
  await openConversation(page, people.dewi);
  await eventually('the draft is there', async () => (await page.locator('#write').inputValue()) === '');
  await page.keyboard.press('Alt+KeyP');
  await page.locator('#write').fill('A note about Dewi');
  await openConversation(page, people.sari);
  await eventually('the draft is there', async () => (await page.locator('#write').inputValue()) === 'For Sari');
  await openConversation(page, people.dewi);
  await eventually(
    'the draft is there',
    async () => (await page.locator('#write').inputValue()) === 'A note about Dewi',
  );
  await soon.equal(() => page.locator('#tab-note').getAttribute('aria-selected'), 'true');
});

desk('a reply can quote a message, and react to one', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  const question = gateway.ledger.messages.get(people.sari).at(-1);
  const bubble = page.locator(`[data-id="${question.id}"]`);
  await bubble.hover();
  await bubble.getByRole('button', { name: 'Reply' }).click();
  await reply(page, 'Yes please');
  const sent = await eventually('it is sent', () =>
    gateway.ledger.messages.get(people.sari).find((message) => message.content.text?.body === 'Yes please'),
  );
  assert.equal(sent.content.context.message_id, question.wamid);
  await soon.match(() => bubbles(page, 'Yes please').locator('.quote').textContent(), /should we bring gloves/);
  await bubble.hover();
  await bubble.getByRole('button', { name: 'React' }).click();
  await page.getByRole('menuitem', { name: '🙏' }).click();
  await eventually('it is on the message', async () => (await bubble.locator('.reactions').textContent()) === '🙏');
});

desk('the page works by keyboard alone', async ({ page, gateway, people }) => {
  await page.keyboard.press('Alt+KeyJ');
  await eventually(
    'the first is open',
    async () => (await page.locator('.row').first().getAttribute('aria-selected')) === 'true',
  );
  await eventually('one can write at once', () => page.evaluate(() => document.activeElement.id === 'write'));
  await page.keyboard.press('Alt+KeyJ');
  await eventually(
    'the second is open',
    async () => (await page.locator('.row').nth(1).getAttribute('aria-selected')) === 'true',
  );
  await page.keyboard.press('Alt+KeyK');
  await eventually(
    'the first is open again',
    async () => (await page.locator('.row').first().getAttribute('aria-selected')) === 'true',
  );
  await page.keyboard.type('One');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('Two');
  await page.keyboard.press('Control+Enter');
  const last = () => gateway.ledger.messages.get(people.sari).at(-1);
  await eventually('it is sent with its line break', () => last().content.text?.body === 'One\nTwo');
  await page.getByRole('button', { name: 'Enter sends', exact: true }).click();
  await page.keyboard.type('Three');
  await page.keyboard.press('Enter');
  await eventually('the draft is there', async () => (await page.locator('#write').inputValue()) === 'Three\n');
  await page.locator('#write').fill('');
  await page.keyboard.press('Alt+KeyE');
  await eventually('it is resolved', () => gateway.ledger.conversations.get(people.sari).status === 'resolved');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await eventually('nothing is open', () => page.locator('#nothing').isVisible());
  await page.keyboard.press('/');
  await page.keyboard.type('hannah');
  await eventually('one is found', async () => (await page.locator('.row').count()) === 1);
});

desk('one can write in a conversation at once, however late the next frame is', async ({ page }) => {
  await page.addInitScript(() => {
    window.requestAnimationFrame = () => 0;
  });
  await page.reload();
  await isLive(page);
  await page.keyboard.press('Alt+KeyJ');
  await soon.equal(() => page.evaluate(() => document.activeElement.id), 'write');
});

desk('the list does not move under the pointer, and says that there is more', async ({ page, gateway, people }) => {
  const first = await page.locator('.row').first().getAttribute('data-id');
  await page.locator('.row').nth(2).hover();
  gateway.ledger.receive(people.hannah, text('Me first'));
  await eventually('it says so', async () => (await page.locator('#fresh').textContent()) === '1 new');
  await soon.equal(() => page.locator('.row').first().getAttribute('data-id'), first);
  await page.locator('#fresh').click();
  await eventually(
    'she is on top',
    async () => (await page.locator('.row').first().getAttribute('data-id')) === people.hannah,
  );
});

desk('taking, labelling and closing are seen by all', async ({ page, gateway, people }) => {
  await openConversation(page, people.dewi);
  await page.getByRole('button', { name: 'Take it' }).click();
  await eventually('it is hers', () => gateway.ledger.conversations.get(people.dewi).assignee === 'ana');
  await eventually('a line says so', async () =>
    (await page.locator('.line').allTextContents()).some((line) => line.startsWith('You took this')),
  );
  await page.getByLabel('Add a label').fill('balcony');
  await page.getByLabel('Add a label').press('Enter');
  await eventually('it has the label', () => gateway.ledger.conversations.get(people.dewi).labels.includes('balcony'));
  await page.getByRole('button', { name: 'Remove balcony' }).click();
  await eventually('it has lost it', () => gateway.ledger.conversations.get(people.dewi).labels.length === 0);
  gateway.ledger.organise(people.dewi, { status: 'pending' }, BEN);
  await eventually('the other is seen', async () =>
    (await page.locator('.line').allTextContents()).some((line) => line.startsWith('Ben marked this as pending')),
  );
  await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'Resolved' }).click();
  await eventually('it is resolved', () => gateway.ledger.conversations.get(people.dewi).status === 'resolved');
});

desk('what is open and seen is marked as read, for agents and for the customer', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  await eventually('it is read', () => gateway.ledger.conversations.get(people.sari).unread === 0);
  assert.equal(gateway.heard.find((frame) => frame.type === 'read').receipt, true);
  await soon.equal(() => page.locator('.new').count(), 1);
});

desk('every control has a name, and every text can be read, in both lights', async ({ page, people }) => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const who of ['sari', 'tomas', 'dewi', 'hannah']) {
      await openConversation(page, people[who]);
      await soon.deepEqual(() => namelessControls(page), [], `${who} ${colorScheme}`);
      await soon.deepEqual(() => contrastProblems(page), [], `${who} ${colorScheme}`);
    }
  }
  const log = page.locator('#log');
  await soon.equal(() => log.getAttribute('role'), 'log');
  await soon.equal(() => log.getAttribute('aria-live'), 'polite');
});

desk('a narrow screen shows one column, and nothing sticks out', async ({ page, people }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  const fits = () =>
    page.evaluate(() =>
      [
        document.scrollingElement,
        ...document.querySelectorAll('#rows, #log, #thread-head, #composer, .inbox-head, .seek, .tabs'),
      ]
        .filter((node) => node.scrollWidth > node.clientWidth)
        .map((node) => `${node.id || node.className} ${node.scrollWidth} > ${node.clientWidth}`),
    );
  await soon.equal(() => page.locator('.thread').isVisible(), false);
  await soon.deepEqual(() => fits(), []);
  for (const who of ['dewi', 'hannah', 'tomas']) {
    await openConversation(page, people[who]);
    await soon.equal(() => page.locator('.inbox').isVisible(), false);
    await soon.deepEqual(() => fits(), [], who);
    await page.getByRole('button', { name: 'Back to the list' }).click();
    await soon.equal(() => page.locator('.inbox').isVisible(), true);
  }
});

desk('what chooses conversations stays whole however many there are', async ({ page, gateway }) => {
  for (let guest = 0; guest < 120; guest += 1) {
    gateway.ledger.meet({ name: `Guest ${guest}`, phone: `628120001${String(guest).padStart(3, '0')}` }, Date.now() - guest);
  }
  await page.reload();
  await eventually('there are three digits', async () => /Unassigned\s*\d{3}/.test(await page.locator('#tabs').innerText()));
  for (const width of [1280, 1024, 770, 360]) {
    await page.setViewportSize({ width, height: 700 });
    const cut = () => page.evaluate(() => {
      const edge = document.querySelector('.inbox').getBoundingClientRect();
      return [...document.querySelectorAll('.tab, #status-filter, #search')]
        .map((node) => [node.id || node.innerText, node.getBoundingClientRect()])
        .filter(([, box]) => box.left < edge.left || box.right > edge.right || box.width < 30)
        .map(([name, box]) => `${name}: ${Math.round(box.left)} to ${Math.round(box.right)} of ${Math.round(edge.right)}`);
    });
    await soon.deepEqual(cut, [], `at ${width}`);
  }
});

desk('no word, however long, makes the page wider than the screen', async ({ page, people }) => {
  for (const width of [1440, 1280, 1024, 360]) {
    await page.setViewportSize({ width, height: 800 });
    if (width === 1440) await openConversation(page, people.wide);
    await page.locator('#log').evaluate((log) => log.querySelectorAll('details').forEach((one) => (one.open = true)));
    const wide = () => page.evaluate(() =>
      [...document.querySelectorAll('#frame *')]
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && node.checkVisibility())
        .map((node) => `${node.tagName} ${node.className} ${Math.round(node.getBoundingClientRect().right)}`),
    );
    const over = () => page.locator('#log').evaluate((node) => node.scrollWidth - node.clientWidth);
    await soon.deepEqual(async () => [width, (await wide()).slice(0, 5), await over()], [width, [], 0]);
    await soon.equal(() => page.evaluate(() => document.documentElement.scrollWidth), width);
  }
});

desk('a message that says more than a text, or less than it should, says what it is', async ({ page, people }) => {
  await openConversation(page, people.iklan);
  const seen = () => page.locator('#log').textContent();
  for (const part of [
    'could not hand this message over',
    'This message is currently unavailable (131060)',
    'no price',
    'monstera-60',
    'You may call me',
    'Please do not call me',
  ])
    await soon.ok(async () => (await seen()).includes(part), part);
  await soon.doesNotMatch(seen, /NaN|does not know/);
});

desk('beside a laptop’s thread the panel takes its own room', async ({ page, people }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await openConversation(page, people.iklan);
  const edges = () => page.evaluate(() => {
    const right = (id) => Math.round(document.getElementById(id).getBoundingClientRect().right);
    return [right('log'), right('composer'), Math.round(document.getElementById('about').getBoundingClientRect().left)];
  });
  await soon.ok(async () => {
    const [log, composer, about] = await edges();
    return log <= about && composer <= about && log > 800;
  }, 'thread and composer end where it begins');
});

desk('labels are whole, or cut with a sign', async ({ page, people }) => {
  await page.locator(`.row[data-id="${people.iklan}"] .label`).first().waitFor();
  const cut = () => page.locator(`.row[data-id="${people.iklan}"] .label`).evaluateAll((labels) =>
    labels.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent),
  );
  await soon.deepEqual(cut, []);
});

desk('a name that is written from the right stands beside its face', async ({ page, people }) => {
  await openConversation(page, people.yara);
  const gap = () => page.evaluate(() => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector('#thread-head h1'));
    return range.getBoundingClientRect().left - document.querySelector('.head-face').getBoundingClientRect().right;
  });
  await soon.ok(async () => (await gap()) < 30, 'the name begins beside the face');
});

desk('a text that is too long is kept whole, and not sent', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  const count = gateway.ledger.messages.get(people.sari).length;
  await page.locator('#write').fill('🌱'.repeat(4_100));
  await soon.equal(() => page.locator('#write').inputValue(), '🌱'.repeat(4_100));
  await eventually('it says by how much', async () => (await page.locator('#length').textContent()) === '4 too many');
  await page.locator('#write').press('Enter');
  await soon.ok(() => page.locator('.send').isDisabled());
  assert.equal(gateway.ledger.messages.get(people.sari).length, count);
  await page.locator('#write').fill('🌱'.repeat(4_096));
  await eventually('it can be sent', () => page.locator('.send').isEnabled());
});

desk('the search is blind to accents, and takes a phone as people write it', async ({ page, people }) => {
  const found = async (query) => {
    await page.locator('#search').fill(query);
    await page.waitForFunction((text) => document.querySelector('#search').value === text, query);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    return page.locator('.row').evaluateAll((rows) => rows.map((row) => row.dataset.id));
  };
  for (const query of ['tomas', 'TOMÁS', '+34 600', '34600 555', '0034600']) await soon.deepEqual(() => found(query), [people.tomas], query);
  await soon.equal(async () => (await found('leila')).length, 1);
});

const REFUSED = {
  state: 'paused',
  scope: 'all',
  reason: 'access_token',
  code: 190,
  title: 'Error validating access token',
  details: 'The session has expired',
};

desk('a number that Meta refuses is told above everything, with its words and what helps', async ({ page, gateway, people }) => {
  const banner = page.locator('#banner');
  await soon.equal(() => banner.isVisible(), false);
  await openConversation(page, people.sari);
  gateway.ledger.stand({ ...REFUSED, until: Date.now() + 240_000 });
  await eventually('it is told', () => banner.isVisible());
  const told = () => banner.textContent();
  for (const part of [
    'Sending from +62 811 1000 200 is paused',
    'Error validating access token. The session has expired. (190)',
    'mesej number add',
    'What you send waits',
    'One message is tried ',
  ])
    await soon.ok(async () => (await told()).includes(part), part);
  await soon.doesNotMatch(told, /in \d+ min/, 'an alert holds no countdown');
  await soon.match(() => page.locator('#delay').textContent(), /what you send waits here/);
  await page.keyboard.press('Alt+KeyP');
  await eventually('a note does not wait', async () => !(await page.locator('#delay').isVisible()));
  await page.keyboard.press('Alt+KeyL');
  for (const [width, height] of [[1280, 800], [800, 900], [360, 740]]) {
    await page.setViewportSize({ width, height });
    const fits = () => page.evaluate((screen) => {
      const box = (id) => document.getElementById(id).getBoundingClientRect();
      const log = box('log');
      return box('banner').bottom <= log.top && log.height > 150 && box('composer').bottom <= screen + 1;
    }, height);
    await soon.ok(fits, `at ${width}`);
    await soon.equal(() => page.evaluate(() => document.documentElement.scrollWidth), width);
  }
  gateway.ledger.stand({ state: 'running', scope: 'all' });
  await eventually('it ends', async () => !(await banner.isVisible()));
  await soon.equal(() => page.locator('#delay').isVisible(), false);
});

desk('what stands still is known after a reload, and forgotten by a server that forgot it', async ({ page, gateway }) => {
  gateway.ledger.lane = REFUSED;
  await page.reload();
  await eventually('it is told', () => page.locator('#banner').isVisible());
  gateway.ledger.lane = { state: 'running', scope: 'all' };
  for (const session of gateway.sessions) session.cut();
  await eventually('it is told no more', async () => !(await page.locator('#banner').isVisible()));
});

desk('where broadcasts alone are paused, replies go out as before', async ({ page, gateway, people }) => {
  await openConversation(page, people.sari);
  gateway.ledger.stand({ ...REFUSED, scope: 'bulk', reason: 'spam_limit', code: 131048, title: 'Spam rate limit hit' });
  await eventually('it is told', async () => /Replies go out as before/.test(await page.locator('#banner').textContent()));
  await soon.equal(() => page.locator('#delay').isVisible(), false);
});

desk('what is new is offered without covering a name or a tab', async ({ page, gateway, people }) => {
  await page.locator('.row').nth(2).hover();
  for (const who of ['hannah', 'dewi']) gateway.ledger.receive(people[who], text('Me first'));
  await eventually('it says so', async () => (await page.locator('#fresh').textContent()) === '2 new');
  const covered = () => page.evaluate(() => {
    const button = document.getElementById('fresh').getBoundingClientRect();
    return [...document.querySelectorAll('.row-name, .row time, .tab')]
      .filter((node) => {
        const range = document.createRange();
        range.selectNodeContents(node);
        const box = range.getBoundingClientRect();
        return box.bottom > button.top && box.top < button.bottom;
      })
      .map((node) => node.textContent);
  });
  await soon.deepEqual(covered, []);
});

desk('a group has no window, and no sign of one', async ({ page }) => {
  const row = page.locator('.row', { hasText: 'Sunday gardeners' });
  await soon.equal(() => row.locator('.window').count(), 0);
  await openConversation(page, await row.getAttribute('data-id'));
  await soon.equal(() => page.locator('#thread-head .window').isVisible(), false);
});

desk('a message that failed was sent before, whatever second Meta gives', async ({ page, gateway, people }) => {
  const sent = gateway.ledger.submit(people.sari, text('On its way'), { author: { kind: 'agent', id: 'ana' } });
  const at = Date.now();
  gateway.ledger.move(sent, 'sent', { at });
  gateway.ledger.move(sent, 'failed', { at: at - 400, error: { code: 131026 } });
  await openConversation(page, people.sari);
  await page.locator('.is-failed .problem button').last().click();
  await soon.deepEqual(() => page.locator('#dialog dl').first().locator('dt').allTextContents(), ['Queued', 'Sent', 'Failed']);
});

desk('what opens a conversation again bears another sign than what resolves it', async ({ page, people }) => {
  await openConversation(page, people.sari);
  const sign = () => page.locator('.done path').first().getAttribute('d');
  const resolves = await sign();
  await page.keyboard.press('Alt+KeyE');
  await page.getByRole('button', { name: 'Open again' }).waitFor();
  await soon.notEqual(() => sign(), resolves);
});
