// Canned replies: found and taken while one writes, made and changed without leaving the thread.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { contrastProblems, namelessControls } from './access.mjs';
import { atTheDesk } from './at_the_desk.mjs';
import { eventually, openConversation, soon } from './hands.mjs';

const HOURS = 'We are open from Monday to Saturday.';
const ARABIC = 'نحن مفتوحون من الاثنين إلى السبت.';
const STOCK = { address: 'Garden Lane 12, opening hours on the door', hours: HOURS, 'hours-ar': ARABIC, thanks: 'Thank you!\nSee you.' };

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** At the desk with canned replies, and Sari's thread open. */
const desk = (name, body, stock = STOCK) =>
  test(name, () =>
    atTheDesk(browser.context, async (all) => {
      for (const [shortcut, text] of Object.entries(stock)) all.gateway.ledger.putCannedReply(shortcut, text);
      await openConversation(all.page, all.people.sari);
      await body(all);
    }),
  );

const write = (page) => page.locator('#write');
const written = (page) => write(page).inputValue();
const list = (page) => page.getByRole('listbox', { name: 'Canned replies' });
const found = (page) => list(page).locator('.canned-shortcut').allTextContents();
const chosen = (page) => list(page).locator('[aria-selected="true"]').textContent();
const option = (page, name) => list(page).getByRole('option', { name });
const dialog = (page) => page.locator('#dialog');
const sent = (gateway, id) => gateway.ledger.messages.get(id).length;

async function type(page, text) {
  await write(page).pressSequentially(text);
}

async function shows(page, ...shortcuts) {
  await eventually(`the list shows ${shortcuts}`, async () => String(await found(page)) === String(shortcuts));
}

async function isClosed(page) {
  await eventually('the list is closed', async () => !(await list(page).isVisible()));
}

desk('a slash opens the list, what follows narrows it, and Enter takes one without sending', async ({ page, gateway, people, wrong }) => {
  const count = sent(gateway, people.sari);
  await type(page, '/');
  await shows(page, '/address', '/hours', '/hours-ar', '/thanks');
  await type(page, 'HOU');
  await shows(page, '/hours', '/hours-ar', '/address');
  await soon.match(() => chosen(page), /^\/hours We are open/);
  await page.keyboard.press('ArrowDown');
  await soon.match(() => chosen(page), /^\/hours-ar/);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await isClosed(page);
  await soon.equal(() => written(page), HOURS);
  await soon.deepEqual(() => write(page).evaluate((node) => [node.selectionStart, node.selectionEnd]), [HOURS.length, HOURS.length]);
  assert.equal(sent(gateway, people.sari), count);
  await page.keyboard.press('Enter');
  await eventually('the second Enter sends it', () => gateway.ledger.messages.get(people.sari).at(-1).content.text?.body === HOURS);
  assert.deepEqual(wrong, []);
});

desk('Tab and the mouse take one as well', async ({ page }) => {
  await type(page, '/thank');
  await shows(page, '/thanks');
  await page.keyboard.press('Tab');
  await soon.equal(() => written(page), STOCK.thanks);
  await write(page).fill('');
  await type(page, '/');
  await option(page, '/hours-ar').click();
  await soon.equal(() => written(page), ARABIC);
  await soon.equal(() => page.evaluate(() => document.activeElement.id), 'write');
});

desk('a pointer that rests where the list opens chooses nothing', async ({ page }) => {
  const box = await page.locator('.write').boundingBox();
  await page.mouse.move(box.x + 200, box.y - 70);
  await type(page, '/');
  await shows(page, '/address', '/hours', '/hours-ar', '/thanks');
  const under = () =>
    page.evaluate(([x, y]) => document.elementFromPoint(x, y).closest('[role="option"]')?.id, [box.x + 200, box.y - 70]);
  await soon.match(() => under(), /^canned-/);
  await type(page, 'h');
  await soon.match(() => chosen(page), /^\/hours /);
  // As browsers do when something moves under the pointer: an event without a movement.
  await page.mouse.move(box.x + 200, box.y - 70);
  await soon.notEqual(() => under(), 'canned-reply-hours');
  await soon.match(() => chosen(page), /^\/hours /);
  await page.mouse.move(box.x + 202, box.y - 70);
  const id = await under();
  await eventually('one that it moves over is chosen', async () => (await list(page).locator('[aria-selected="true"]').getAttribute('id')) === id);
});

desk('nothing is sent while the list is open, and Esc leaves the text as it is', async ({ page, gateway, people }) => {
  const count = sent(gateway, people.sari);
  await type(page, '/etc/hosts');
  await eventually('it finds nothing', async () => /No canned reply has “etc\/hosts”/.test(await page.locator('.canned-status').textContent()));
  for (const key of ['Enter', 'Control+Enter']) await page.keyboard.press(key);
  await soon.equal(() => written(page), '/etc/hosts');
  assert.equal(sent(gateway, people.sari), count);
  await page.keyboard.press('Escape');
  await isClosed(page);
  await soon.equal(() => written(page), '/etc/hosts');
  await soon.ok(() => page.locator('#thread-head').isVisible(), 'the conversation is still open');
  await type(page, ' is a file');
  await isClosed(page);
  await page.keyboard.press('Enter');
  await eventually('it is sent as it is', () => gateway.ledger.messages.get(people.sari).at(-1).content.text?.body === '/etc/hosts is a file');
});

desk('a slash before a draft or within one opens nothing', async ({ page }) => {
  await type(page, 'and/or');
  await isClosed(page);
  await write(page).evaluate((node) => node.setSelectionRange(0, 0));
  await page.keyboard.type('/');
  await soon.equal(() => written(page), '/and/or');
  await isClosed(page);
});

desk('the button adds to a draft at the cursor, and opens the list over an empty text', async ({ page }) => {
  const button = page.getByRole('button', { name: 'Canned replies' });
  await type(page, 'Hello! ');
  await button.click();
  await option(page, '/thanks').click();
  await soon.equal(() => written(page), `Hello! ${STOCK.thanks}`);
  await button.click();
  await option(page, '/thanks').waitFor();
  await page.keyboard.type('x');
  await isClosed(page);
  await soon.equal(() => written(page), `Hello! ${STOCK.thanks}x`);
  await write(page).fill('');
  await button.click();
  await page.keyboard.type('than');
  await shows(page, '/thanks');
  await button.click();
  await isClosed(page);
});

desk('a note takes them too, and a draft of either kind stays', async ({ page, gateway, people }) => {
  await type(page, 'For Sari');
  await page.keyboard.press('Alt+KeyP');
  await type(page, '/hours');
  await shows(page, '/hours', '/hours-ar', '/address');
  await page.keyboard.press('Enter');
  await soon.equal(() => written(page), HOURS);
  await page.keyboard.press('Enter');
  await eventually('it is a note', () => gateway.ledger.messages.get(people.sari).at(-1).content.note?.body === HOURS);
  await page.keyboard.press('Alt+KeyL');
  await soon.equal(() => written(page), 'For Sari');
  await openConversation(page, people.hannah);
  await isClosed(page);
  await soon.ok(() => page.getByRole('button', { name: 'Canned replies' }).isHidden(), 'a closed window takes no text');
});

desk('the list is a list box that the text names while it is open', async ({ page }) => {
  const attributes = () =>
    write(page).evaluate((node) => ['role', 'aria-expanded', 'aria-controls', 'aria-activedescendant'].map((name) => node.getAttribute(name)));
  await type(page, '/hours-');
  await shows(page, '/hours-ar');
  await soon.deepEqual(() => attributes(), ['combobox', 'true', 'canned-list', 'canned-reply-hours-ar']);
  await soon.equal(() => page.locator('#canned-list').getAttribute('role'), 'listbox');
  await soon.equal(() => page.locator('#canned-reply-hours-ar').getAttribute('role'), 'option');
  await page.keyboard.press('Escape');
  await soon.deepEqual(() => attributes(), [null, null, null, null]);
});

desk('it fits a narrow screen, can be read in both lights, and runs in the direction of its texts', async ({ page }) => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 640 });
    await write(page).fill('');
    await type(page, '/');
    await shows(page, '/address', '/hours', '/hours-ar', '/thanks');
    await soon.ok(async () => {
      const box = await page.locator('.canned').boundingBox();
      return box.x >= 0 && box.x + box.width <= 360 && box.y >= 0;
    }, 'it is on the screen');
    await soon.equal(() => page.evaluate(() => document.documentElement.scrollWidth), 360);
    const sides = () => page.evaluate(() =>
      ['hours', 'hours-ar'].map((shortcut) => {
        const node = document.querySelector(`#canned-reply-${shortcut} .canned-text`);
        const range = document.createRange();
        range.selectNodeContents(node);
        const [text, room] = [range.getBoundingClientRect(), node.getBoundingClientRect()];
        return [getComputedStyle(node).direction, Math.abs(text.left - room.left) < 2, Math.abs(text.right - room.right) < 2];
      }),
    );
    await soon.deepEqual(async () => {
      const [latin, arabic] = await sides();
      return [latin.slice(0, 2), arabic[0], arabic[2]];
    }, [['ltr', true], 'rtl', true]);
    await soon.deepEqual(async () => [await namelessControls(page), await contrastProblems(page)], [[], []], colorScheme);
    await option(page, 'Manage…').click();
    await eventually('the dialog is open', () => dialog(page).isVisible());
    await dialog(page).getByRole('button', { name: 'Delete /hours', exact: true }).click();
    const wide = () => dialog(page).evaluate((node) => node.scrollWidth - node.clientWidth);
    await soon.deepEqual(async () => [await wide(), await namelessControls(page)], [0, []]);
    await page.keyboard.press('Escape');
  }
});

desk(
  'without any it says how to make one, and the one that is made is there at once',
  async ({ page, gateway }) => {
    await type(page, '/opening');
    await eventually('it says so', async () => /no canned replies yet/.test(await page.locator('.canned-status').textContent()));
    await option(page, 'New canned reply…').click();
    const name = dialog(page).getByLabel('Shortcut');
    await soon.equal(() => name.inputValue(), 'opening');
    await dialog(page).getByLabel('Text').fill(`  ${HOURS}\n`);
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await shows(page, '/opening');
    assert.equal(gateway.ledger.cannedReplies.get('opening').text, HOURS);
    await page.keyboard.press('Enter');
    await soon.equal(() => written(page), HOURS);
  },
  {},
);

desk('a draft is saved as a canned reply and stays a draft', async ({ page, gateway }) => {
  await type(page, 'We deliver on Fridays.');
  await page.getByRole('button', { name: 'Canned replies' }).click();
  await option(page, 'Save as canned reply…').click();
  await soon.equal(() => dialog(page).getByLabel('Text').inputValue(), 'We deliver on Fridays.');
  await dialog(page).getByLabel('Shortcut').fill('/Delivery');
  await page.keyboard.press('Enter');
  await eventually('it is saved', () => gateway.ledger.cannedReplies.get('delivery')?.text === 'We deliver on Fridays.');
  await eventually('the dialog is closed', () => dialog(page).isHidden());
  await soon.equal(() => written(page), 'We deliver on Fridays.');
});

desk('they are edited and deleted in the dialog, and only after a question', async ({ page, gateway }) => {
  const kept = gateway.ledger.cannedReplies;
  await type(page, '/');
  await option(page, 'Manage…').click();
  await dialog(page).getByRole('button', { name: 'New canned reply' }).waitFor();
  const press = (name) => dialog(page).getByRole('button', { name, exact: true }).click();
  await press('Edit /hours');
  await dialog(page).getByLabel('Text').fill('Closed in August.');
  await press('Save');
  await eventually('it is changed', () => kept.get('hours').text === 'Closed in August.');
  await eventually('the list shows it', async () => (await dialog(page).textContent()).includes('Closed in August.'));
  await press('Delete /hours');
  await press('Keep /hours');
  await eventually('nothing is asked any more', () => dialog(page).getByText('Delete it for everybody?').isHidden());
  assert.ok(kept.has('hours'));
  await press('Delete /hours');
  await dialog(page).getByText('Delete it for everybody?').waitFor();
  await soon.equal(() => page.evaluate(() => document.activeElement.textContent), 'Keep');
  await press('Delete /hours');
  await eventually('it is deleted', () => !kept.has('hours'));
  await page.keyboard.press('Escape');
  await shows(page, '/address', '/hours-ar', '/thanks');
});

desk('what is wrong is told in words, and what was written is not thrown away', async ({ page, gateway }) => {
  await type(page, '/');
  await option(page, 'New canned reply…').click();
  const problem = () => dialog(page).locator('#canned-problem').textContent();
  const told = (words) => eventually(`it says ${words}`, async () => words.test(await problem()));
  const save = async (shortcut, text) => {
    await dialog(page).getByLabel('Shortcut').fill(shortcut);
    await dialog(page).getByLabel('Text').fill(text);
    await dialog(page).getByRole('button', { name: 'Save' }).click();
  };
  await save('two words', 'x');
  await told(/^A shortcut is 1 to 32/);
  await soon.equal(() => dialog(page).getByLabel('Shortcut').getAttribute('aria-invalid'), 'true');
  await save('fine', ' ');
  await told(/^Write the text/);
  await save('fine', '🌱'.repeat(4_100));
  await told(/4 characters too long/);
  await save('fine', 'Hello {{nombre}}');
  await told(/^\{\{nombre\}\} stands for nothing/);
  await save('hours', 'Another text');
  await told(/There is a canned reply \/hours already/);
  assert.equal(gateway.ledger.cannedReplies.get('hours').text, HOURS);
  gateway.faults.changeCannedReply = [422, 'limit_reached'];
  await save('fine', 'Fine');
  await told(/as many canned replies as there may be/);
  gateway.faults.changeCannedReply = [403, 'forbidden'];
  await save('fine', 'Fine');
  await told(/but not change them/);
  await page.keyboard.press('Escape');
  await told(/not saved yet/);
  await page.mouse.click(5, 5);
  await soon.equal(() => dialog(page).getByLabel('Text').inputValue(), 'Fine');
  gateway.faults.changeCannedReply = undefined;
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await eventually('it is saved', () => gateway.ledger.cannedReplies.get('fine')?.text === 'Fine');
});

desk('a refusal to delete leaves it in the list, with the reason', async ({ page, gateway }) => {
  gateway.faults.changeCannedReply = [403, 'forbidden'];
  await type(page, '/');
  await option(page, 'Manage…').click();
  await dialog(page).getByRole('button', { name: 'Delete /thanks' }).click();
  await dialog(page).getByText('Delete it for everybody?').waitFor();
  await dialog(page).getByRole('button', { name: 'Delete /thanks' }).click();
  await eventually('it says why', async () => /but not change them/.test(await dialog(page).textContent()));
  await soon.ok(() => dialog(page).getByRole('button', { name: 'Edit /thanks' }).isVisible());
});

desk('a list that could not be loaded says so, keeps Enter from sending, and comes when tried again', async ({ page, gateway, people }) => {
  const count = sent(gateway, people.sari);
  gateway.faults.cannedReplies = 503;
  gateway.faults.cannedPage = 2;
  await type(page, '/');
  await eventually('it says so', async () => (await page.locator('.canned-status').textContent()) === 'The canned replies could not be loaded.');
  gateway.faults.cannedReplies = undefined;
  await page.keyboard.press('Enter');
  await shows(page, '/address', '/hours', '/hours-ar', '/thanks');
  assert.equal(sent(gateway, people.sari), count);
});

desk('they are asked for once, and again when the dialog opens', async ({ page, gateway }) => {
  const asked = [];
  page.on('request', (request) => request.url().includes('canned-replies') && asked.push(request.method()));
  for (const text of ['/h', '/t']) {
    await write(page).fill('');
    await type(page, text);
    await list(page).getByRole('option').first().waitFor();
  }
  assert.deepEqual(asked, ['GET']);
  gateway.ledger.putCannedReply('bens', 'Ben made this one');
  await option(page, 'Manage…').click();
  await eventually('a colleague’s is there', async () => (await dialog(page).textContent()).includes('Ben made this one'));
  assert.deepEqual(asked, ['GET', 'GET']);
});
