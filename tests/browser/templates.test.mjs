// Message templates: sent from the composer, read, written and deleted on their page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { atTheDesk } from './at_the_desk.mjs';
import { axeProblems } from './axe.mjs';
import { launch } from './browser.mjs';
import { blank, png } from './files.mjs';
import { eventually, openConversation, soon } from './hands.mjs';
import { atWork, inTheOffice, visit } from './office.mjs';
import { isAccessible, isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ reducedMotion: 'reduce' })));
after(() => browser?.close());

const dialog = (page) => page.locator('#dialog');
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label') || document.activeElement.id);

/** A field has the focus. */
const isWriting = (page) => eventually('a field has the focus', () => page.evaluate(() => document.activeElement.tagName === 'INPUT'));

// --- the picker ----------------------------------------------------------------------------------------------------

/** In Hannah's conversation, whose window is closed, with the picker open. */
const picking = (name, body) =>
  test(name, () =>
    atTheDesk(browser.context, async (all) => {
      const { page, gateway, people } = all;
      await openConversation(page, people.hannah);
      await page.getByRole('button', { name: 'Send template' }).click();
      await dialog(page).getByRole('button', { name: /^order_update/ }).waitFor();
      const sent = () => gateway.ledger.messages.get(people.hannah).find((message) => message.content.type === 'template')?.content.template;
      await body({ ...all, sent });
    }),
  );
const take = (page, name) => dialog(page).getByRole('button', { name: new RegExp(`^${name}`) }).click();
const send = (page) => dialog(page).getByRole('button', { name: 'Send template' }).click();
const preview = (page) => dialog(page).getByRole('region', { name: /as .* sees it/i });

picking('only what can be sent is offered, and found by its name', async ({ page, gateway }) => {
  const names = () => dialog(page).locator('.picker-name bdi').allTextContents();
  await soon.deepEqual(() => names(), ['olive_tree', 'olive_tree', 'order_update', 'sign_in_code', 'spring_photo', 'three_pots', 'visit_us']);
  await isAccessible(page, 'the picker');
  await soon.deepEqual(() => axeProblems(page), []);
  await isWriting(page);
  await page.keyboard.type('oli');
  await eventually('it is narrowed', async () => String(await names()) === 'olive_tree,olive_tree');
  await page.keyboard.type('x');
  await eventually('it says so', () => dialog(page).getByText('No template is like that').isVisible());
  gateway.templates.faults.list = [503, 'unavailable'];
  await page.keyboard.press('Backspace');
  await dialog(page).getByRole('button', { name: 'Try again' }).waitFor();
  gateway.templates.faults = {};
  await dialog(page).getByRole('button', { name: 'Try again' }).click();
  await eventually('they are there', async () => (await names()).length === 2);
  await page.keyboard.press('Escape');
  await eventually('it is closed', () => dialog(page).isHidden());
});

picking('it asks for what the template leaves open, shows the message, and sends it', async ({ page, sent, wrong }) => {
  await take(page, 'order_update');
  const labels = () => dialog(page).locator('.field label').allTextContents();
  await soon.deepEqual(labels, ['Heading: text for {{1}}', 'Text for {{1}}', 'Text for {{2}}', 'End of the link of “Track it”']);
  await soon.match(() => dialog(page).textContent(), /For example: 4411.*For example: Sari/);
  await send(page);
  await soon.equal(() => dialog(page).getByText('Fill this in.').count(), 4);
  await soon.equal(() => page.evaluate(() => document.activeElement.dataset.key), 'header.1');
  await isAccessible(page, 'what is missing');
  await page.keyboard.type('4411');
  await dialog(page).getByLabel('Text for {{1}}', { exact: true }).fill('Hannah');
  await dialog(page).getByLabel('Text for {{2}}').fill('on its *way*');
  await dialog(page).getByLabel(/^End of the link/).fill('44 11');
  await soon.match(() => preview(page).textContent(), /Order 4411Hi Hannah, your order is on its way\.Garden Lane/);
  await send(page);
  await eventually('it says why not', () => dialog(page).getByText('An address has no spaces').isVisible());
  await dialog(page).getByLabel(/^End of the link/).fill('4411');
  await soon.match(() => preview(page).textContent(), /https:\/\/shop\.example\/t\/4411/);
  await soon.deepEqual(() => axeProblems(page), []);
  await send(page);
  await eventually('it is sent', sent);
  assert.deepEqual(sent(), {
    name: 'order_update',
    language: { code: 'en_US' },
    components: [
      { type: 'header', parameters: [{ type: 'text', text: '4411' }] },
      { type: 'body', parameters: [{ type: 'text', text: 'Hannah' }, { type: 'text', text: 'on its *way*' }] },
      { type: 'button', sub_type: 'url', index: '1', parameters: [{ type: 'text', text: '4411' }] },
    ],
  });
  await soon.ok(() => dialog(page).isHidden());
  assert.deepEqual(wrong, []);
});

picking('the thread shows what the customer sees, by the version of its time', async ({ page, gateway, people, wrong }) => {
  const kept = [...gateway.templates.kept.values()].find((one) => one.name === 'order_update');
  const card = page.locator('#log article.out .card').last();
  await take(page, 'order_update');
  for (const [label, value] of [['Heading: text for {{1}}', '4411'], ['Text for {{1}}', 'Hannah'], ['Text for {{2}}', 'on its *way*'], ['End of the link of “Track it”', '4411']]) await dialog(page).getByLabel(label, { exact: true }).fill(value);
  await send(page);
  await eventually('its text is there', async () => /Order 4411Hi Hannah, your order is on its way\.Garden LaneThanksTrack it/.test(await card.textContent()));
  await soon.equal(() => card.locator('strong', { hasText: 'way' }).count(), 1);
  await isAccessible(page, 'a template in the thread');
  // Meta has taken another text since.
  const components = kept.components.map((one) => (one.type === 'BODY' ? { ...one, text: 'Dear {{1}}: {{2}}' } : one));
  Object.assign(kept, { changed_at: Date.now() + 60_000, components, versions: [{ at: Date.now() + 60_000, status: 'APPROVED', category: 'UTILITY', components }, ...kept.versions] });
  await page.reload();
  await openConversation(page, people.hannah);
  await eventually('the text of then', async () => /Hi Hannah, your order is on its way/.test(await card.textContent()));
  // What nothing is known of says what filled it.
  gateway.templates.kept.clear();
  await page.reload();
  await openConversation(page, people.hannah);
  await eventually('name and values', async () => /order_update.*\{\{1\}\}Hannah/.test(await card.textContent()));
  assert.deepEqual(wrong, []);
});

picking('a picture is uploaded for the header and shown, and the code of a coupon is asked for', async ({ page, gateway, sent }) => {
  await take(page, 'spring_photo');
  const choose = dialog(page).getByLabel(/^Photo above the text/);
  await choose.setInputFiles({ name: 'a.pdf', mimeType: 'application/pdf', buffer: blank(10) });
  await eventually('another kind is refused', () => dialog(page).getByText('This needs another kind of file: Photo.').isVisible());
  await choose.setInputFiles({ name: 'tree.png', mimeType: 'image/png', buffer: png(40, 30) });
  await eventually('it is in the preview', async () => (await preview(page).locator('canvas').count()) === 1);
  await dialog(page).getByLabel('Text for {{first_name}}').fill('Hannah');
  await dialog(page).getByLabel('Code to be copied').fill('SPRING26');
  await send(page);
  await eventually('it is sent', sent);
  const [header, body, button] = sent().components;
  assert.deepEqual(gateway.media.files.get(header.parameters[0].image.media_id).bytes, png(40, 30));
  assert.deepEqual(body.parameters, [{ type: 'text', parameter_name: 'first_name', text: 'Hannah' }]);
  assert.deepEqual(button, { type: 'button', sub_type: 'copy_code', index: '0', parameters: [{ type: 'coupon_code', coupon_code: 'SPRING26' }] });
});

picking('cards and places are filled in, too', async ({ page, sent }) => {
  await take(page, 'visit_us');
  await send(page);
  await eventually('it says what is missing', () => dialog(page).getByText('Fill this in').isVisible());
  await dialog(page).getByLabel('Latitude').fill('-6.2');
  await dialog(page).getByLabel('Longitude').fill('106.8');
  await dialog(page).getByLabel('Name of the place').fill('Garden Lane');
  await dialog(page).getByRole('button', { name: 'Another template' }).click();
  await take(page, 'three_pots');
  await dialog(page).getByLabel('Text for {{1}}', { exact: true }).fill('Hannah');
  for (const card of [1, 2]) {
    await dialog(page).getByLabel(`Card ${card}: Photo`, { exact: false }).setInputFiles({ name: 'p.png', mimeType: 'image/png', buffer: png(10, 10) });
    await dialog(page).getByLabel(`Card ${card}: Text for {{1}}`).fill(`${card}0`);
    await dialog(page).getByLabel(`Card ${card}: End of the link`, { exact: false }).fill('pot');
  }
  await eventually('both are there', async () => (await dialog(page).getByText('p.png is there').count()) === 2);
  await isAccessible(page, 'cards');
  await soon.deepEqual(() => axeProblems(page), []);
  await send(page);
  await eventually('it is sent', sent);
  const carousel = sent().components.at(-1);
  assert.deepEqual(carousel.cards.map(({ components }) => components[1].parameters[0].text), ['10', '20']);
});

picking('the code of a sign-in is asked for once', async ({ page, sent }) => {
  await take(page, 'sign_in_code');
  await soon.equal(() => dialog(page).locator('.field').count(), 1);
  await isWriting(page);
  await page.keyboard.type('123456');
  await page.keyboard.press('Enter');
  await eventually('it is sent', sent);
  assert.deepEqual(sent().components.map(({ parameters }) => parameters[0].text), ['123456', '123456']);
});

picking('what the gateway refuses stands at its field, nothing is sent, and nothing written is lost', async ({ page, gateway, sent }) => {
  await take(page, 'olive_tree English');
  await dialog(page).getByLabel('Text for {{1}}').fill('Friday');
  gateway.templates.faults.check = [422, 'template_invalid', 'is not a day', { path: 'template.components[0].parameters[0].text' }];
  await send(page);
  await eventually('it is at its field', async () => /Is not a day/.test(await dialog(page).locator('.field').textContent()));
  gateway.templates.faults.check = [422, 'template_not_sendable', 'no', { status: 'PAUSED' }];
  await send(page);
  await eventually('its state', () => dialog(page).getByText('WhatsApp does not let this template be sent now: Paused').isVisible());
  gateway.faults.cut = () => true;
  await send(page);
  await eventually('no connection', () => dialog(page).getByText(/cannot be reached/).isVisible());
  assert.equal(sent(), undefined);
  await soon.equal(() => dialog(page).getByLabel('Text for {{1}}').inputValue(), 'Friday');
  await page.mouse.click(5, 5);
  await soon.ok(() => dialog(page).isVisible());
  gateway.faults.cut = undefined;
  gateway.templates.faults = {};
  await send(page);
  await eventually('it is sent', sent);
});

test('a template goes within the window, too, and not as a note', () =>
  atTheDesk(browser.context, async ({ page, gateway, people }) => {
    await openConversation(page, people.sari);
    const button = page.locator('#composer').getByRole('button', { name: 'Send template' });
    await page.keyboard.press('Alt+KeyP');
    await eventually('not as a note', () => button.isHidden());
    await page.keyboard.press('Alt+KeyL');
    await button.click();
    await take(page, 'olive_tree English');
    await isWriting(page);
    await page.keyboard.type('Friday');
    await page.keyboard.press('Enter');
    await eventually('it is sent', () => gateway.ledger.messages.get(people.sari).at(-1).content.type === 'template');
  }));

// --- the page ------------------------------------------------------------------------------------------------------

const REFUSED = /Failed to load resource: (the server responded with a status of 4(01|04|22)|net::ERR_EMPTY_RESPONSE)/;
const office = (name, body) => test(name, () => inTheOffice(browser.context, body, REFUSED));
const row = (place, name) => place.locator('.template-row').filter({ hasText: name }).first();
const rows = (place) => place.locator('.template-name').allTextContents();
const says = (place, words) => eventually(`it says ${words}`, async () => words.test(await place.textContent()));

office('templates are listed as they stand, found, and read again from Meta with progress', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Templates');
  await eventually('all are there', async () => (await rows(place)).length === 8);
  await soon.match(() => row(place, 'old_offer').textContent(), /Marketing.*Everything must go\.RejectedQuality: low/);
  await says(place, /8 templates, read (at )?\S/);
  await isSound(page, 'the list');
  await place.getByLabel('Status').selectOption('REJECTED');
  await eventually('one is rejected', async () => String(await rows(place)) === 'old_offer');
  await place.getByLabel('Status').selectOption('');
  await place.getByLabel('Category').selectOption('AUTHENTICATION');
  await eventually('one has codes', async () => String(await rows(place)) === 'sign_in_code');
  await place.getByLabel('Category').selectOption('');
  await place.getByLabel('Name begins with').fill('or');
  await eventually('one begins so', async () => String(await rows(place)) === 'order_update');
  await place.getByLabel('Name begins with').fill('zz');
  await says(place, /No template is like that/);
  await place.getByLabel('Name begins with').fill('');
  await place.getByRole('button', { name: 'Read from WhatsApp again' }).click();
  await says(place, /3 templates so far/);
  await isSound(page, 'reading');
  gateway.templates.add({ name: 'brand_new', language: 'en', category: 'UTILITY', components: [{ type: 'BODY', text: 'New' }] });
  gateway.templates.finish();
  await eventually('the new one is there', async () => (await rows(place)).includes('brand_new'));
  gateway.templates.accounts[0] = { waba_id: '2201', state: 'failed', at: 1, templates: 0, error: 'token_refused' };
  await visit(page, 'Team');
  await says(await visit(page, 'Templates'), /could not be read from WhatsApp\. token_refused/);
});

office('what is pressed as soon as the page is there is not taken back', async ({ open }) => {
  const page = await atWork(open, 'ana@example.com');
  await page.evaluate(() => {
    const place = document.getElementById('page');
    new MutationObserver((_, observer) => {
      const button = [...place.querySelectorAll('button')].find((one) => one.textContent === 'New template');
      if (!button) return;
      observer.disconnect();
      button.click();
    }).observe(place, { childList: true, subtree: true });
    location.hash = '#/templates';
  });
  await page.locator('#page').getByLabel('Text', { exact: true }).waitFor();
});

office('one template shows why it stands so, its other languages and what it was', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Templates');
  await row(place, 'old_offer').click();
  await says(place, /It promotes something/);
  await eventually('the heading has the focus', async () => (await focused(page)) === 'old_offer');
  await isSound(page, 'a template');
  assert.match(page.url(), /#\/templates\/[0-9a-f]{32}$/);
  await page.goBack();
  await row(place, 'olive_tree').click();
  await place.getByRole('button', { name: 'Spanish', exact: true }).click();
  await says(place, /Su olivo espera hasta/);
  await place.locator('.template-versions summary').click();
  await eventually('what it was', () => place.getByRole('region', { name: /^Version of/ }).isVisible());
  await place.getByRole('button', { name: 'Delete', exact: true }).click();
  await isSound(page, 'the question');
  await soon.equal(() => focused(page), 'Keep it');
  gateway.templates.faults.change = [422, 'meta_refused', 'no', {}];
  await place.getByRole('button', { name: 'Delete in Spanish' }).click();
  await says(place, /No\./);
  gateway.templates.faults = {};
  await place.getByRole('button', { name: 'Delete in all languages' }).click();
  await eventually('they are gone', async () => (await rows(place)).length === 6);
});

office('a link leads to one template, and says when it is gone', async ({ gateway, open }) => {
  const [{ template_id: id }] = gateway.templates.kept.values();
  const page = await atWork(open, 'ben@example.com', `#/templates/${id}`);
  await says(page.locator('#page'), /Your olive tree waits until/);
  gateway.templates.kept.delete(id);
  await page.evaluate(() => (location.hash = '#/templates'));
  await says(page.locator('#page'), /order_update/);
  await page.goBack();
  await says(page.locator('#page'), /not there any more/);
  await page.locator('#page').getByRole('button', { name: 'All templates' }).click();
  await says(page.locator('#page'), /order_update/);
});

office('a template is written with a preview and checks, refused in words, and submitted', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Templates');
  await place.getByRole('button', { name: 'New template' }).click();
  await soon.equal(() => place.locator('.field-problem, .verdict-doubtful').count(), 0, 'nothing is wrong with what is not begun');
  await place.getByLabel('Name', { exact: true }).fill('Table Ready');
  await soon.equal(() => place.getByLabel('Name', { exact: true }).inputValue(), 'table_ready');
  await place.getByLabel('Header above the text').selectOption('TEXT');
  await place.getByLabel('Text of the header').fill('Hello');
  await place.getByLabel('Text', { exact: true }).fill('Dear {{name}}, your table waits at {{time}} o’clock.');
  await place.getByLabel('Footer', { exact: true }).fill('Garden Lane');
  await place.getByRole('button', { name: 'Add a button' }).click();
  await says(place, /WhatsApp would refuse this: 2 problems/);
  await soon.deepEqual(() => place.locator('.template-part', { hasText: 'Examples' }).locator('.field-problem').allTextContents(), ['Fill this in.', 'Fill this in.'], 'at the examples, and not at the text');
  await place.getByLabel('Words on the button').fill('On my way');
  await place.getByLabel('Example for {{name}}').fill('Sari');
  await place.getByLabel('Example for {{time}}').fill('7');
  await says(place, /WhatsApp has nothing to refuse at once/);
  const shown = place.getByRole('region', { name: 'As the customer sees it' });
  await soon.match(() => shown.textContent(), /HelloDear Sari, your table waits at 7 o’clock\.Garden LaneOn my way/);
  await isSound(page, 'the editor');
  gateway.templates.faults.change = [422, 'meta_refused', 'raw', { meta: { code: 100, title: 'Invalid', details: 'The name is taken' } }];
  await place.getByRole('button', { name: 'Submit to WhatsApp' }).click();
  await says(place, /WhatsApp refused it: Invalid: The name is taken/);
  gateway.faults.cut = () => true;
  await place.getByRole('button', { name: 'Submit to WhatsApp' }).click();
  await says(place, /cannot be reached|may have been done|no answer/i);
  gateway.faults.cut = undefined;
  gateway.templates.faults = {};
  await place.getByRole('button', { name: 'Submit to WhatsApp' }).click();
  await eventually('it is in review', async () => /In review/.test(await row(place, 'table_ready').textContent()));
  const made = [...gateway.templates.kept.values()].at(-1);
  assert.deepEqual([made.category, made.parameter_format, made.waba_id], ['UTILITY', 'named', '2201']);
  assert.deepEqual(made.components, [
    { type: 'HEADER', format: 'TEXT', text: 'Hello' },
    { type: 'BODY', text: 'Dear {{name}}, your table waits at {{time}} o’clock.', example: { body_text_named_params: [{ param_name: 'name', example: 'Sari' }, { param_name: 'time', example: '7' }] } },
    { type: 'FOOTER', text: 'Garden Lane' },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'On my way' }] },
  ]);
});

office('a template is changed and gets another language, and what is written is not thrown away unasked', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Templates');
  await row(place, 'order_update').click();
  await place.getByRole('button', { name: 'Edit', exact: true }).click();
  await soon.ok(() => place.getByLabel('Category').isDisabled(), 'Meta lets nobody change it once it is approved');
  await place.getByLabel('Footer', { exact: true }).fill('Garden Lane 12');
  await place.getByRole('button', { name: 'Cancel' }).click();
  await says(place, /not submitted yet/);
  await place.getByRole('button', { name: 'Go on writing' }).click();
  await place.getByRole('button', { name: 'Submit to WhatsApp' }).click();
  await eventually('it is changed', () => [...gateway.templates.kept.values()].some(({ components }) => components.some(({ text }) => text === 'Garden Lane 12')));
  const [, , change] = gateway.templates.heard.find(([method]) => method === 'PUT');
  assert.deepEqual(Object.keys(change), ['components']);
  await row(place, 'spring_photo').click();
  await place.getByRole('button', { name: 'Add a language' }).click();
  await place.getByLabel('Language').selectOption('id');
  await place.getByLabel('Text', { exact: true }).fill('Halo {{first_name}}, musim semi tiba.');
  await place.getByLabel(/^A sample/).setInputFiles({ name: 'tree.png', mimeType: 'image/png', buffer: png(20, 20) });
  await eventually('it is in the preview', async () => (await place.locator('.template-preview canvas').count()) === 1);
  await place.getByRole('button', { name: 'Submit to WhatsApp' }).click();
  const made = await eventually('it is there', () => [...gateway.templates.kept.values()].find(({ language }) => language === 'id'));
  assert.equal(made.name, 'spring_photo');
  assert.ok(gateway.media.files.has(made.components[0].example.media_id));
});

office('a template of the library and one for codes are begun with', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Templates');
  await place.getByRole('button', { name: 'WhatsApp’s library' }).click();
  await says(place, /Sari, your order came today/);
  await isSound(page, 'the library');
  await place.getByRole('button', { name: 'Use delivery_confirmation_1' }).click();
  await soon.equal(() => place.getByLabel('Text', { exact: true }).inputValue(), '{{1}}, your order came {{2}}.');
  for (const name of ['Remove button 2', 'Remove button 1']) await place.getByRole('button', { name }).click();
  await place.getByLabel('Category').selectOption('AUTHENTICATION');
  await place.getByLabel('Name', { exact: true }).fill('code');
  await place.getByLabel('Minutes that the code lasts').fill('5');
  await isSound(page, 'codes');
  await place.getByRole('button', { name: 'Submit to WhatsApp' }).click();
  const made = await eventually('it is there', () => [...gateway.templates.kept.values()].find(({ name }) => name === 'code'));
  assert.deepEqual(made.components, [{ type: 'BODY', add_security_recommendation: true }, { type: 'FOOTER', code_expiration_minutes: 5 }, { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] }]);
});

office('a template of the library is taken as it is, with what its buttons lead to', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Templates');
  await place.getByRole('button', { name: 'WhatsApp’s library' }).click();
  await place.getByRole('button', { name: 'Use as it is: delivery_confirmation_1' }).click();
  await isSound(page, 'taking a template of the library');
  await place.getByLabel('Name', { exact: true }).fill('came');
  await place.getByLabel('Address of “Look”').fill('http://shop.example');
  const take = place.getByRole('button', { name: 'Use as it is', exact: true });
  await take.click();
  await says(place, /must begin with https/);
  await place.getByLabel('Address of “Look”').fill('https://shop.example/{{1}}');
  await place.getByLabel('Example of “Look”').fill('https://shop.example/7');
  await place.getByLabel('Phone number of “Call”').fill('+60123456789');
  gateway.templates.faults.change = [422, 'template_limit', 'no', { limit: 'name', until: Date.now() + 86_400_000 }];
  await take.click();
  await says(place, /keeps its name in this language until/);
  delete gateway.templates.faults.change;
  await take.click();
  const made = await eventually('it is there', () => [...gateway.templates.kept.values()].find(({ name }) => name === 'came'));
  assert.equal(made.status, 'APPROVED');
  assert.deepEqual(made.inputs, [
    { type: 'URL', url: { base_url: 'https://shop.example/{{1}}', url_suffix_example: 'https://shop.example/7' } },
    { type: 'PHONE_NUMBER', phone_number: '+60123456789' },
  ]);
  await row(place, 'came').waitFor();
});

office('whoever may not manage the business reads templates and changes none', async ({ open }) => {
  const page = await atWork(open, 'rita@example.com');
  const place = await visit(page, 'Templates');
  await eventually('all are there', async () => (await rows(place)).length === 8);
  await row(place, 'order_update').click();
  await says(place, /As the customer sees it|Order \{\{1\}\}/);
  for (const name of ['New template', 'Edit', 'Delete', 'Add a language', 'Read from WhatsApp again', 'WhatsApp’s library']) await soon.equal(() => place.getByRole('button', { name, exact: true }).count(), 0, name);
});
