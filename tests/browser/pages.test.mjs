// The console's frame, and the pages of the business.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { atTheDesk } from './at_the_desk.mjs';
import { launch } from './browser.mjs';
import { someUsage } from './fake/business.mjs';
import { eventually, isLive, openConversation, soon } from './hands.mjs';
import { atWork, inTheOffice, says, signIn, visit } from './office.mjs';
import { isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' })));
after(() => browser?.close());

const office = (name, body, expected) => test(name, () => inTheOffice(browser.context, body, expected));
const rail = (page) => page.locator('#rail');
const hashOf = (page) => new URL(page.url()).hash;
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());

// --- the frame -----------------------------------------------------------------------------------------------------

office('each page has an address, the history leads back and forth, and the focus goes to the heading', async ({ customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  await page.locator('#write').fill('Half a sentence');
  await visit(page, 'Team');
  await eventually('the heading has the focus', async () => (await focused(page)) === 'Team');
  assert.equal(hashOf(page), '#/team');
  await soon.match(() => page.title(), /Team · Mesej/);
  await soon.equal(() => page.locator('.inbox').isVisible(), false);
  await visit(page, 'Usage');
  await page.goBack();
  await eventually('the team again', async () => (await focused(page)) === 'Team');
  await page.goBack();
  await eventually('the conversation again', async () => (await page.locator('#write').inputValue()) === 'Half a sentence');
  assert.equal(hashOf(page), `#/conversations/${customers.sari}`);
  await soon.equal(() => page.locator('#page').isVisible(), false);
  await page.goForward();
  await eventually('the team once more', async () => (await focused(page)) === 'Team');
  await rail(page).getByRole('link', { name: /^Inbox/ }).click();
  await eventually('the entry leads to what was open', async () => hashOf(page) === `#/conversations/${customers.sari}`);
  await soon.equal(() => page.locator('#write').inputValue(), 'Half a sentence');
});

office('a link to a page opens it after signing in, and one that the role does not allow says so', async ({ people, staff, tenant, open }) => {
  const page = await open('#/keys');
  await signIn(page, 'ana@example.com');
  await isLive(page);
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  people.teams.get(tenant).members.get(staff.rita.id).role = 'read_only';
  await browser.context.clearCookies();
  const other = await open('#/business');
  await signIn(other, 'rita@example.com');
  await says(other.locator('#page'), /Your role does not allow this page/);
  await soon.deepEqual(() => rail(other).getByRole('link').allTextContents(), ['Inbox5', 'Contacts', 'Team', 'Templates']);
  await isSound(other, 'refused');
});

office('going through conversations leaves a history, and Back leads to the list below them', async ({ customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  await openConversation(page, customers.dewi);
  await page.goBack();
  await eventually('the one before', async () => (await page.locator('.row[aria-selected="true"]').getAttribute('data-id')) === customers.sari);
  await openConversation(page, customers.tomas);
  await page.locator('#write').blur();
  await page.keyboard.press('Escape');
  await eventually('the list', () => ['', '#/'].includes(hashOf(page)));
  await eventually('nothing is open', () => page.locator('#nothing').isVisible());
  await page.goForward();
  await eventually('forward again', async () => (await page.locator('.row[aria-selected="true"]').getAttribute('data-id')) === customers.sari);
});

office('a conversation is not read while another page is shown', async ({ gateway, customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  await eventually('it is read', () => gateway.ledger.conversations.get(customers.sari).unread === 0);
  await visit(page, 'Team');
  const count = () => page.locator('.rail-count').textContent();
  const before = [...gateway.ledger.conversations.values()].filter((row) => row.unread > 0 && row.status !== 'resolved').length;
  await eventually('the rail counts what is unread', async () => Number(await count()) === before);
  gateway.ledger.receive(customers.sari, { type: 'text', text: { body: 'Are you there?' } });
  await eventually('the rail counts it', async () => Number(await count()) === before + 1);
  assert.equal(gateway.ledger.conversations.get(customers.sari).unread, 1);
  const views = gateway.heard.filter((frame) => frame.type === 'viewing');
  assert.equal(views.at(-1).conversation_id, null);
});

office('on a narrow screen the rail is a bar with a menu, and gives the thread the whole screen', async ({ customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await page.setViewportSize({ width: 360, height: 740 });
  await eventually('the rail is a bar', async () => {
    const bar = await rail(page).boundingBox();
    return bar.y > 600 && bar.width === 360;
  });
  await soon.equal(() => rail(page).getByRole('link', { name: 'Team' }).isVisible(), false);
  const more = page.getByRole('button', { name: 'More pages' });
  await more.click();
  await isSound(page, 'the menu');
  await page.setViewportSize({ width: 360, height: 740 });
  await page.keyboard.press('Escape');
  await eventually('Escape closes it', async () => (await more.getAttribute('aria-expanded')) === 'false');
  await more.click();
  await visit(page, 'Usage');
  await eventually('the menu is closed', async () => (await more.getAttribute('aria-expanded')) === 'false');
  await page.goBack();
  await page.locator(`.row[data-id="${customers.sari}"]`).click();
  await page.locator('#write').waitFor();
  await soon.equal(() => rail(page).isVisible(), false);
  await page.getByRole('button', { name: 'Back to the list' }).click();
  await soon.equal(() => rail(page).isVisible(), true);
  await page.setViewportSize({ width: 1440, height: 900 });
});

office('details are a column from 1,100 pixels on; below, a drawer that covers nothing one writes with', async ({ customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  const box = (selector) => page.locator(selector).boundingBox();
  const overlap = (one, other) => one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
  for (const width of [1440, 1100]) {
    await page.setViewportSize({ width, height: 800 });
    await soon.equal(() => page.locator('#about').isVisible(), true, `at ${width}`);
    await soon.equal(async () => overlap(await box('#about'), await box('#thread')), false, `at ${width}`);
  }
  for (const width of [1099, 800, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await soon.equal(() => page.locator('#about').isVisible(), false, `at ${width}`);
    await page.getByRole('button', { name: 'About this conversation' }).click();
    await soon.equal(async () => overlap(await box('#about'), await box('#composer')), false, `at ${width}`);
    await soon.equal(async () => overlap(await box('#about'), await box('#thread-head')), false, `at ${width}`);
    await page.keyboard.press('Escape');
    await soon.equal(() => page.locator('#about').isVisible(), false, `at ${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

office('a page whose calls the gateway does not know says so', async ({ gateway, open }) => {
  gateway.business.unknown = new Set(['business', 'keys', 'usage', 'quotas', 'audit']);
  const page = await atWork(open, 'ana@example.com');
  for (const name of ['Business', 'API keys', 'Usage', 'Audit log']) await says(await visit(page, name), /This gateway does not offer this\./);
  await isSound(page, 'not offered');
});

// --- the business --------------------------------------------------------------------------------------------------

office('an owner says what the business is, and a refusal leaves what was written', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Business');
  const about = place.getByRole('region', { name: 'About the business' });
  await place.getByLabel('Region').fill('Malaysia');
  await place.getByLabel('Contact for privacy').fill('privacy@toko.example');
  await about.getByRole('button', { name: 'Save' }).click();
  await eventually('it is saved', () => gateway.business.facts.region === 'Malaysia');
  assert.equal(gateway.business.facts.privacy_contact, 'privacy@toko.example');
  await isSound(page, 'the business');
  await place.getByLabel('Region').fill('');
  await about.getByRole('button', { name: 'Save' }).click();
  await eventually('it is emptied', () => gateway.business.facts.region === null);
  await page.route('**/v1/business', (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 422, json: { error: { code: 'strange', message: 'that name is strange' } } }) : route.continue()));
  await place.getByLabel('Name').fill('Toko Baru');
  await about.getByRole('button', { name: 'Save' }).click();
  await says(place, /That name is strange\./);
  await soon.equal(() => place.getByLabel('Name').inputValue(), 'Toko Baru');
});

office('retention changes only after a preview of all its parts, and its progress is followed', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Business');
  await says(place, /Messages are kept for 365 days\./);
  await place.getByLabel('Days').fill('90');
  await soon.equal(() => place.getByRole('button', { name: /^Keep messages/ }).count(), 0);
  await page.keyboard.press('Enter');
  await says(place, /Messages now10,000/);
  await says(place, /Gone at once9,100/);
  await isSound(page, 'the preview');
  await place.getByLabel('Days').fill('91');
  await eventually('another number needs another preview', async () => (await place.getByRole('button', { name: /^Keep messages/ }).count()) === 0);
  await page.keyboard.press('Enter');
  await place.getByRole('button', { name: 'Keep messages for 91 days' }).click();
  await says(place, /3 of 12 conversations/);
  assert.equal(gateway.business.days, 91);
  gateway.business.finish();
  await says(place, /The last change/);
  await isSound(page, 'a change');
});

office('an owner sets the identity provider; its secret goes in and never comes out', async ({ gateway, tenant, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = (await visit(page, 'Business')).locator('section', { has: page.getByRole('heading', { name: 'Sign in with your company' }) });
  await place.getByLabel('Issuer').fill('http://login.example.com');
  await place.getByLabel('Client ID').fill('mesej');
  await place.getByLabel('Client secret').fill('a secret of the client');
  await place.getByLabel('Claim with the groups').fill('groups');
  await place.getByRole('button', { name: 'Add a group' }).click();
  await place.getByLabel('Group 1', { exact: true }).fill('support');
  await place.getByRole('button', { name: 'Add a group' }).click();
  await place.getByLabel('Group 2', { exact: true }).fill('it');
  await place.getByLabel('Role of group 2').selectOption('admin');
  const shown = () => place.getByLabel('Password now').fill('kopi tubruk di pasar minggu');
  await shown();
  await isSound(page, 'the provider');
  await place.getByRole('button', { name: 'Set the provider' }).click();
  await says(place, /identity provider does not answer as it should/);
  await place.getByLabel('Issuer').fill('https://login.example.com');
  await place.getByRole('button', { name: 'Set the provider' }).click();
  await eventually('it is set', () => gateway.business.provider?.roles.it === 'admin');
  await says(place, /It is set\. Leave this empty to keep it\./);
  await soon.equal(() => place.getByLabel('Client secret').inputValue(), '');
  await soon.equal(() => place.getByLabel('Link for your team').inputValue(), `${gateway.localUrl}/#/sign-in/company/${tenant}`);
  await place.getByRole('button', { name: 'Remove group 1' }).click();
  await eventually('the group is not there', async () => (await place.getByLabel('Group 2', { exact: true }).count()) === 0);
  await shown();
  await place.getByRole('button', { name: 'Set the provider' }).click();
  await eventually('a group is gone', () => !('support' in gateway.business.provider.roles));
  assert.equal(gateway.business.provider.has_client_secret, true);
  await place.getByRole('button', { name: 'Remove the provider' }).click();
  const question = place.locator('.account-question');
  await question.getByLabel('Password now').fill('kopi tubruk di pasar minggu');
  await question.getByRole('button', { name: 'Remove the provider' }).click();
  await eventually('it is gone', () => gateway.business.provider === null);
});

office('teams are made, changed and deleted, and members limited to them', async ({ gateway, people, staff, tenant, open }) => {
  gateway.business.teams = [];
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Team');
  await place.getByRole('button', { name: 'New group' }).click();
  await place.getByLabel('Name of the group').fill('Penang');
  await place.getByRole('checkbox', { name: 'Rita' }).check();
  await place.getByRole('checkbox', { name: '+62 811 1000 200' }).check();
  await isSound(page, 'a team');
  await page.getByRole('button', { name: 'Save the group' }).click();
  const row = place.locator('[data-team]');
  await says(row, /Penang.*Rita.*\+62 811 1000 200/s);
  const [{ team_id, numbers, members }] = gateway.business.teams;
  assert.deepEqual([numbers, members], [[gateway.ledger.number], [staff.rita.id]]);
  await row.getByRole('button', { name: 'Change Penang' }).click();
  await place.getByLabel('Name of the group').fill('Ipoh');
  await page.keyboard.press('Enter');
  await says(row, /Ipoh/);
  assert.equal(gateway.business.teams[0].team_id, team_id);
  const rita = place.locator(`[data-user="${staff.rita.id}"]`);
  await rita.getByRole('button', { name: 'Limit of Rita' }).click();
  await rita.getByLabel('Sees').selectOption('some');
  await rita.getByRole('checkbox', { name: 'Ipoh' }).check();
  await isSound(page, 'a limit');
  await rita.getByRole('button', { name: 'Save' }).click();
  await says(rita, /sees Ipoh/);
  assert.deepEqual(people.teams.get(tenant).members.get(staff.rita.id).limit, { numbers: [], teams: [team_id] });
  await soon.equal(() => place.locator(`[data-user="${staff.ana.id}"]`).getByRole('button', { name: /^Limit/ }).count(), 0);
  await place.getByRole('button', { name: 'Invite somebody' }).click();
  await place.getByLabel('E-mail of the person').fill('nia@example.com');
  await place.getByLabel('Sees').selectOption('some');
  await place.getByRole('button', { name: 'Make the link' }).click();
  await says(place, /Choose at least one number or group\./);
  await place.getByRole('checkbox', { name: 'Ipoh' }).check();
  await place.getByRole('button', { name: 'Make the link' }).click();
  await says(place, /Send it to nia@example\.com yourself/);
  assert.deepEqual([...people.invitations.values()][0].limit, { numbers: [], teams: [team_id] });
  await place.getByRole('button', { name: 'Done' }).click();
  await says(place.locator('[data-invitation]'), /as Agent.*the link works until .*sees Ipoh/s);
  await row.getByRole('button', { name: 'Delete Ipoh' }).click();
  await row.getByRole('button', { name: 'Delete: Ipoh' }).click();
  await says(place, /There is no group yet\./);
  await says(rita, /sees no number/);
  // Who does not see a conversation is not offered to answer it.
  await page.evaluate(() => (location.hash = '#/'));
  await page.reload();
  await page.locator('#rows [role=option]').first().click();
  await eventually('colleagues are offered', async () => (await page.locator('#assignee option').allTextContents()).some((name) => name.startsWith('Ana')));
  await soon.ok(async () => !(await page.locator('#assignee option').allTextContents()).includes('Rita'));
});

office('who manages the business hears of its subscription, and others do not', async ({ gateway, open }) => {
  gateway.business.subscription = { state: 'past_due', plan: 'Team', trial_ends: null, paid_until: Date.now(), checkout_url: null, portal_url: 'https://pay.example.com/portal' };
  const page = await atWork(open, 'ana@example.com');
  await says(page.locator('#banner'), /A payment for your subscription is missing/);
  await page.locator('#banner').getByRole('link', { name: 'See the subscription' }).click();
  const place = page.locator('#page');
  await says(place, /Subscription.*payment missing.*Team/s);
  await soon.equal(() => place.getByRole('link', { name: 'Manage payments' }).getAttribute('href'), 'https://pay.example.com/portal');
  await soon.equal(() => place.getByRole('link', { name: 'Subscribe' }).count(), 0);
  await isSound(page, 'the subscription');
  await browser.context.clearCookies();
  const other = await atWork(open, 'ben@example.com');
  await soon.equal(() => other.locator('#banner').isVisible(), false);
});

office('a message that is refused for the subscription stays where it is, with its reason', async ({ gateway, customers, open }) => {
  const page = await atWork(open, 'ben@example.com');
  await openConversation(page, customers.sari);
  gateway.faults = { refuse: 'subscription_ended' };
  await page.locator('#write').fill('A long answer that nobody wants to write twice');
  await page.keyboard.press('Enter');
  const failed = page.locator('.message.is-failed');
  await says(failed, /A long answer that nobody wants to write twice.*The subscription of the business has ended/s);
  gateway.faults = {};
  await failed.getByRole('button', { name: /again/i }).click();
  await eventually('it goes out once it may', async () => (await page.locator('.message.pending').count()) === 0 && gateway.ledger.messages.get(customers.sari).some((one) => one.content?.text?.body === 'A long answer that nobody wants to write twice'));
});

office('a number is added with its token, checked, and its webhook address copied', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Numbers');
  await place.getByRole('button', { name: 'Add a number' }).click();
  await isSound(page, 'adding a number');
  await place.getByLabel('Phone number', { exact: true }).fill('+60 12-345 6789');
  await place.getByLabel('Phone number ID').fill('1098765');
  await place.getByLabel('WhatsApp Business Account ID').fill('2201');
  await place.getByLabel('Access token').fill('wrong');
  await page.keyboard.press('Enter');
  await says(place, /WhatsApp does not accept this access token/);
  await soon.equal(() => place.getByLabel('Phone number ID').inputValue(), '1098765');
  await place.getByLabel('Access token').fill('right');
  await page.keyboard.press('Enter');
  const added = place.locator('[data-number="1098765"]');
  await says(added, /\+60 12-345 6789/);
  await says(added, /Quality\s*low: many customers block or report it.*TIER_2K.*PENDING_REVIEW/s);
  assert.equal(gateway.business.numbers.get('1098765').rate, 80);
  // By itself: whose webhooks go elsewhere would wait for what never comes.
  await says(added, /2 things need a look\./);
  await added.getByRole('button', { name: 'Check' }).click();
  await says(added, /2 things need a look\./);
  await soon.deepEqual(() => added.locator('tbody th').allTextContents(), ['webhook', 'quality', 'access token'], 'what is missing comes first');
  await isSound(page, 'a check');
  await place.getByRole('button', { name: 'Copy' }).click();
  await eventually('it is copied', async () => (await page.evaluate(() => navigator.clipboard.readText())) === gateway.business.webhook.url);
  await added.getByRole('button', { name: 'Change' }).click();
  await soon.equal(() => place.getByLabel('Access token').inputValue(), '');
  await soon.equal(() => place.getByLabel('Phone number ID').inputValue(), '1098765');
});

office('a number that Meta refuses says why', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  gateway.ledger.stand({ state: 'paused', scope: 'all', reason: 'payment', code: 131042, title: 'Business eligibility payment issue' });
  const place = await visit(page, 'Numbers');
  await says(place, /is paused\. WhatsApp cannot charge the account/);
  await isSound(page, 'a paused number');
});

office('a key is shown once, and revoked after a question', async ({ gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'API keys');
  await says(place, /There is no key yet\./);
  await place.getByRole('button', { name: 'New key' }).click();
  await place.getByLabel('Name', { exact: true }).fill('Web shop');
  await place.getByRole('checkbox', { name: /^read/ }).uncheck();
  await place.getByRole('button', { name: 'Make the key' }).click();
  await says(place, /Choose at least one thing/);
  await place.getByRole('checkbox', { name: /^send/ }).check();
  await place.getByLabel('Days until it expires').fill('30');
  await isSound(page, 'making a key');
  await place.getByRole('button', { name: 'Make the key' }).click();
  await says(place, /It is shown only now/);
  const text = await place.getByRole('textbox', { name: 'The key' }).inputValue();
  assert.match(text, /^mj_live_/);
  assert.deepEqual(gateway.business.keys[0].scopes, ['send']);
  await isSound(page, 'a key');
  await place.getByRole('button', { name: 'Done' }).click();
  await eventually('it is gone', async () => !(await page.content()).includes(text));
  await says(place.locator('[data-key]'), /made by Ana Ruiz/);
  await place.getByRole('button', { name: 'Revoke Web shop' }).click();
  await eventually('the harmless button has the focus', async () => (await focused(page)) === 'Keep it');
  await place.getByRole('button', { name: 'Revoke: Web shop' }).click();
  await eventually('it is revoked', () => gateway.business.keys[0].revoked !== null);
  await says(place.locator('[data-key]'), /Revoked/);
  await soon.equal(() => place.getByRole('button', { name: 'Revoke Web shop' }).count(), 0);
});

office('canned replies are written, edited and deleted on their page', async ({ gateway, open }) => {
  gateway.ledger.putCannedReply('hours', 'We open at nine.', { kind: 'api', key: 'demo' });
  const page = await atWork(open, 'ben@example.com');
  const place = await visit(page, 'Canned replies');
  await says(place, /\/hours/);
  await isSound(page, 'canned replies');
  await place.getByRole('button', { name: 'Edit /hours' }).click();
  await page.locator('#dialog').getByLabel('Text').fill('We open at ten.');
  await page.locator('#dialog').getByRole('button', { name: 'Save' }).click();
  await says(place, /We open at ten\./);
  await soon.equal(() => page.locator('#dialog').isVisible(), false);
  await place.getByRole('button', { name: 'New canned reply' }).click();
  await page.locator('#dialog').getByLabel('Shortcut').fill('thanks');
  await page.locator('#dialog').getByLabel('Text').fill('Thank you!');
  await page.locator('#dialog').getByRole('button', { name: 'Save' }).click();
  await says(place, /\/thanks/);
  await place.getByRole('button', { name: 'Delete /hours' }).click();
  await place.getByText('Delete it for everybody?').waitFor();
  await place.getByRole('button', { name: 'Delete /hours' }).click();
  await eventually('it is deleted', () => !gateway.ledger.cannedReplies.has('hours'));
});

// --- the audit log and usage ---------------------------------------------------------------------------------------

office('the audit log is read page by page, filtered, verified and exported', async ({ gateway, staff, open }) => {
  const { business } = gateway;
  for (let i = 0; i < 60; i += 1) business.note({ kind: 'user', id: staff.ben.id }, 'signed_in', { details: { turn: i } });
  business.note({ kind: 'user', id: staff.ana.id }, 'role_changed', { target: { kind: 'user', id: staff.ben.id }, details: { role: 'admin', role_before: 'agent' } });
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Audit log');
  const rows = place.locator('tbody tr');
  await eventually('a page', async () => (await rows.count()) === 50);
  await soon.match(() => rows.first().textContent(), /Ana Ruiz.*role changed.*بن يوسف.*role: Agent → Admin/);
  await place.getByRole('button', { name: 'Older entries' }).click();
  await eventually('all', async () => (await rows.count()) === 61);
  await soon.equal(() => place.getByRole('button', { name: 'Older entries' }).count(), 0);
  await isSound(page, 'the audit log');
  await page.setViewportSize({ width: 360, height: 740 });
  await soon.deepEqual(() => place.locator('.table-frame').evaluate((frame) => frame.scrollWidth - frame.clientWidth), 0, 'each entry is a card');
  await soon.match(() => rows.first().evaluate((row) => row.innerText), /Ana Ruiz[^]*role changed[^]*بن يوسف/);
  await soon.equal(() => place.getByRole('columnheader').count(), 0);
  await page.setViewportSize({ width: 1440, height: 900 });
  await place.getByLabel('Who').selectOption(staff.ana.id);
  await eventually('hers', async () => (await rows.count()) === 1);
  await place.getByLabel('Who').selectOption('key');
  await says(place, /Nothing like that happened in this month\./);
  await place.getByLabel('Who').selectOption('');
  await place.getByLabel('Action').selectOption('role_changed');
  await eventually('that action alone', async () => (await rows.count()) === 1);
  await place.getByLabel('Action').selectOption('key_revoked');
  await says(place, /Nothing like that happened in this month\./);
  await place.getByRole('button', { name: 'Verify the month' }).click();
  await says(place, /Intact: 61 entries/);
  business.intact = false;
  await place.getByRole('button', { name: 'Verify the month' }).click();
  await says(place, /Broken at entry 3: the entry was changed/);
  const month = new Date().toISOString().slice(0, 7);
  const token = [];
  page.on('request', (request) => request.url().endsWith(`/v1/audit/export?month=${month}`) && token.push(request.headers()['x-csrf-token']));
  await page.route('**/v1/audit/export**', (route) => route.fulfill({ contentType: 'application/x-ndjson', body: '{"seq":1}\n' }));
  const [file] = await Promise.all([page.waitForEvent('download'), place.getByRole('button', { name: 'Export' }).click()]);
  assert.equal(file.suggestedFilename(), `audit-${month}.ndjson`);
  assert.equal(await readFile(await file.path(), 'utf8'), '{"seq":1}\n');
  assert.match(token[0], /^[0-9a-f]{32}$/, 'with the rights of the page');
});

office('usage is shown in sums, bars and numbers, with the quotas', async ({ gateway, open }) => {
  gateway.business.rows = someUsage(7, Date.now());
  const asked = [];
  const page = await atWork(open, 'ana@example.com');
  page.on('request', (request) => request.url().includes('/v1/usage') && asked.push(new URL(request.url()).search));
  const place = await visit(page, 'Usage');
  await eventually('a row for each day', async () => (await place.locator('tbody tr').count()) === 7);
  await soon.equal(() => place.locator('svg.chart rect').count(), 14);
  await says(place, /Members of the team.*9 of 10/);
  await says(place, /Storage.*1\.2 GB, no limit/);
  await isSound(page, 'usage');
  await place.getByLabel('By', { exact: true }).selectOption('hour');
  await eventually('it asks by hour', () => asked.at(-1)?.includes('by=hour'));
  await page.route('**/v1/usage?**format=csv**', (route) => route.fulfill({ contentType: 'text/csv', body: route.request().url() }));
  const [file] = await Promise.all([page.waitForEvent('download'), place.getByRole('button', { name: 'Download as CSV' }).click()]);
  assert.match(await readFile(await file.path(), 'utf8'), /by=hour.*format=csv/);
  gateway.business.rows = [];
  await place.getByLabel('By', { exact: true }).selectOption('day');
  await says(place, /There was nothing in this time\./);
});

office('rows of one filter are not shown under another', async ({ gateway, open }) => {
  gateway.business.rows = someUsage(3, Date.now());
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Usage');
  await place.locator('tbody tr').first().waitFor();
  await page.route('**/v1/usage?**by=hour**', (route) => route.fulfill({ status: 503, json: { error: { code: 'unavailable', message: '' } } }));
  await place.getByLabel('By', { exact: true }).selectOption('hour');
  await says(place, /cannot do that just now/);
  await soon.equal(() => place.locator('tbody tr').count(), 0);
}, /status of (503|4(01|03|04))/);

office('a token that was written for one number is not saved for another', async ({ gateway, open }) => {
  for (const id of ['111', '222'])
    gateway.business.numbers.set(id, { phone_number_id: id, display_phone_number: `+60 ${id}`, waba_id: '9', rate: 80, lane: { state: 'running' } });
  const page = await atWork(open, 'ana@example.com');
  const place = await visit(page, 'Numbers');
  await place.getByRole('button', { name: /\+60 111/ }).last().click();
  await place.getByLabel('Access token').fill('token-of-111');
  await place.getByRole('button', { name: /\+60 222/ }).last().click();
  await eventually('the form is that of the other', async () => (await place.locator('[name=phone_number_id]').inputValue()) === '222');
  await soon.equal(() => place.getByLabel('Access token').inputValue(), '');
});

// --- the library ---------------------------------------------------------------------------------------------------

test('the library is what its checksums say, and the policy leaves no way from text to markup', async () => {
  const vendor = new URL('../../console/vendor/', import.meta.url);
  const sums = (await readFile(new URL('SHA256SUMS', vendor), 'utf8')).trim().split('\n').map((line) => line.split(/\s+/));
  assert.equal(sums.length, 4);
  for (const [sum, name] of sums) assert.equal(createHash('sha256').update(await readFile(new URL(name, vendor))).digest('hex'), sum, name);
  await atTheDesk(browser.context, async ({ page }) => {
    const refused = await page.evaluate(async () => {
      const { html, render } = await import('/console/view.js');
      const place = document.createElement('div');
      const refusals = [];
      try {
        render(html`<p dangerouslySetInnerHTML=${{ __html: '<img src=x>' }}></p>`, place);
      } catch (error) {
        refusals.push(error.name);
      }
      return { refusals, images: place.querySelectorAll('img').length };
    });
    assert.deepEqual(refused, { refusals: ['TypeError'], images: 0 });
  });
});

office('on a phone the address of the inbox leads to the list, after a conversation and a page', async ({ open }) => {
  const page = await atWork(open, 'ana@example.com');
  await page.setViewportSize({ width: 375, height: 700 });
  await page.locator('#rows [role=option]').first().click();
  await eventually('the conversation is there', () => page.locator('#log').isVisible());
  for (const hash of ['#/contacts', '#/']) await page.evaluate((to) => (location.hash = to), hash);
  await eventually('the list is there', () => page.locator('#rows [role=option]').first().isVisible());
});
