// People: they sign in and out, accept invitations, and follow links.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { eventually, getsThrough, isLive, keptByBrowser, openConversation, reply, soon } from './hands.mjs';
import { SECRET, atWork, choose, inTheOffice, isAsked, says, sheet, signIn } from './office.mjs';
import { isAccessible, isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' })));
after(() => browser?.close());

const office = (name, body, expected) => test(name, () => inTheOffice(browser.context, body, expected));
const isIn = (page) => eventually('the inbox is there', async () => !(await sheet(page).isVisible()) && page.locator('.me-name').isVisible());
const hashOf = (page) => new URL(page.url()).hash;

// --- signing in and out --------------------------------------------------------------------------------------------

office('somebody signs in, answers under the own name, and stays signed in when the page is loaded again', async ({ gateway, staff, customers, open }) => {
  const page = await open();
  await isAsked(page);
  await soon.equal(() => page.locator('.live-text').textContent(), 'Not signed in');
  await isAccessible(page, 'signing in');
  await signIn(page, 'ana@example.com');
  await isLive(page);
  await soon.equal(() => page.locator('.me-name').textContent(), 'Ana Ruiz');
  await openConversation(page, customers.sari);
  await reply(page, 'Ready on Friday');
  const last = () => gateway.ledger.messages.get(customers.sari).at(-1);
  await eventually('it is sent', () => last().content.text?.body === 'Ready on Friday');
  assert.deepEqual(last().author, { kind: 'agent', id: staff.ana.id });
  // A message on its way would keep the page from being loaded again.
  await getsThrough(page);
  await page.reload();
  await isLive(page);
  await soon.equal(() => sheet(page).isVisible(), false);
  await soon.deepEqual(() => keptByBrowser(page), ['__Host-mesej']);
  await soon.equal(() => page.evaluate(() => document.cookie), '');
});

office('what is wrong with signing in is said in words, and the field keeps the focus', async ({ gateway, open }) => {
  const page = await open();
  for (const email of ['ana@example.com', 'nobody@example.com']) {
    await signIn(page, email, 'not the password');
    await says(sheet(page), /The e-mail address or the password is wrong\./);
    await soon.equal(() => page.evaluate(() => document.activeElement.name), 'password');
  }
  // One click an attempt: the button has another name until the answer is there, and clicks wait for it.
  for (const secret of ['nor this one', 'nor that one', 'nor the last one']) await signIn(page, 'ana@example.com', secret);
  await says(sheet(page), /Too many attempts\. Try again in 9 seconds\./);
  await gateway.stop();
  await sheet(page).getByRole('button', { name: 'Sign in', exact: true }).click();
  await says(sheet(page), /The server cannot be reached/);
  await gateway.start();
});

office('a password manager can tell the fields, and Escape leads nowhere', async ({ open }) => {
  const page = await open();
  await isAsked(page);
  const fields = () => sheet(page).locator('form input').evaluateAll((inputs) => inputs.map((input) => [input.type, input.autocomplete]));
  await soon.deepEqual(fields, [['email', 'username'], ['password', 'current-password']]);
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('Escape');
  await soon.equal(() => sheet(page).isVisible(), true);
});

office('a sign-in that the browser does not keep is told as that', async ({ gateway, open }) => {
  const page = await open();
  await page.route('**/v1/session', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    return route.fulfill({ status: 201, json: {} });
  });
  await signIn(page, 'ana@example.com');
  await says(sheet(page), /does not keep the sign-in at this address\. Open the page by https\./);
  assert.equal(gateway.people.sessions.size, 0);
});

office('signing out ends the session and leaves nothing on the page', async ({ people, customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  await choose(page, 'Sign out');
  await isAsked(page);
  await eventually('the list is empty', async () => (await page.locator('.row').count()) === 0);
  assert.equal(people.sessions.size, 0);
  assert.equal(hashOf(page), '');
  await soon.deepEqual(() => keptByBrowser(page), []);
});

office('signing out asks before messages are thrown away, and can be done all the same', async ({ gateway, people, customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  gateway.faults.silent = true;
  await reply(page, 'Not on its way');
  await choose(page, 'Sign out');
  await says(sheet(page), /1 message of yours is still on its way/);
  await soon.equal(() => page.evaluate(() => document.activeElement.textContent), 'Stay signed in');
  await page.keyboard.press('Enter');
  await isIn(page);
  assert.equal(people.sessions.size, 1);
  await choose(page, 'Sign out');
  await sheet(page).getByRole('button', { name: 'Sign out' }).click();
  await isAsked(page);
  assert.equal(people.sessions.size, 0);
});

office('a sheet is not left while its call is under way', async ({ open }) => {
  const page = await open();
  await isAsked(page);
  let let_go;
  const held = new Promise((resolve) => (let_go = resolve));
  await page.route('**/v1/session', async (route) => {
    if (route.request().method() === 'POST') await held;
    return route.continue();
  });
  await signIn(page, 'ana@example.com');
  await eventually('it is under way', () => sheet(page).getByRole('button', { name: 'Signing in…' }).isVisible());
  await sheet(page).getByRole('button', { name: 'Forgot your password?' }).click();
  await soon.equal(() => sheet(page).getByRole('heading').textContent(), 'Sign in');
  let_go();
  await isIn(page);
  await isLive(page);
});

office('who is in a team is not told to be in none because a call failed', async ({ people, staff, open }) => {
  people.team('Warung Dua', [[staff.ben, 'agent']]);
  people.team('Kedai Tiga', [[staff.ben, 'agent']]);
  const page = await open();
  await isAsked(page);
  let isFirst = true;
  await page.route('**/v1/session', async (route) => {
    if (route.request().method() !== 'GET' || !isFirst) return route.continue();
    isFirst = false;
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), tenant_id: null, role: null } });
  });
  await page.route('**/v1/session/tenant', (route) => route.fulfill({ status: 503, json: { error: { code: 'unavailable', message: '' } } }), { times: 1 });
  await signIn(page, 'ben@example.com');
  await says(sheet(page), /The server cannot do that just now/);
  await sheet(page).getByRole('button', { name: 'Try again' }).click();
  await isIn(page);
  await isLive(page);
}, /status of (503|4(01|03|04))/);

office('a session that ends asks for the account, and the draft is still there', async ({ gateway, people, customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  await page.locator('#write').fill('Half a sentence');
  people.end(() => true);
  await says(sheet(page), /You are signed out: the session has ended, or you are no longer in the team of Toko Maju\. Sign in again/);
  await soon.equal(() => sheet(page).getByLabel('E-mail').inputValue(), 'ana@example.com');
  await soon.equal(() => page.evaluate(() => document.activeElement.name), 'password');
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await page.keyboard.type(SECRET);
  await page.keyboard.press('Enter');
  await isIn(page);
  await isLive(page);
  await soon.equal(() => page.locator('#write').inputValue(), 'Half a sentence');
  gateway.ledger.receive(customers.sari, { type: 'text', text: { body: 'Still there?' } });
  await eventually('what comes is shown', () => page.locator('.message', { hasText: 'Still there?' }).isVisible());
});

office('a call that finds the session over asks for the account as well', async ({ people, open }) => {
  const page = await atWork(open, 'ana@example.com');
  people.onEnded = () => {};
  people.end(() => true);
  await page.locator('#rail').getByRole('link', { name: 'Team' }).click();
  await says(sheet(page), /You are signed out/);
});

office('somebody else who signs in there gets a page of their own', async ({ people, customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  await page.locator('#write').fill('Half a sentence');
  people.end(() => true);
  await says(sheet(page), /You are signed out/);
  await signIn(page, 'ben@example.com');
  await eventually('Ben is there', async () => (await page.locator('.me-name').textContent()) === 'بن يوسف');
  await isLive(page);
  await openConversation(page, customers.sari);
  await soon.equal(() => page.locator('#write').inputValue(), '');
});

office('a tab follows when another one signs somebody else in', async ({ people, customers, open }) => {
  const first = await atWork(open, 'ana@example.com');
  await openConversation(first, customers.sari);
  people.onEnded = () => {};
  const second = await open();
  await isLive(second);
  await choose(second, 'Sign out');
  await isAsked(second);
  await signIn(second, 'ben@example.com');
  await isLive(second);
  await choose(first, 'Sign out');
  await eventually('the first is Ben’s, too', async () => (await first.locator('.me-name').textContent()) === 'بن يوسف');
  assert.equal(people.sessions.size, 1, 'Ben was not signed out by a page of Ana’s');
});

office('a tab shows nothing of another business that one joined in a second tab', async ({ people, staff, open }) => {
  const other = people.team('Warung Dua', [[staff.ben, 'owner']]);
  const first = await atWork(open, 'ana@example.com');
  const told = people.onEnded;
  people.onEnded = () => {};
  const second = await open(`#/invitation/${other}/${people.invite(other, 'ana@example.com', 'agent')}`);
  await sheet(second).getByLabel('Password of your account').fill(SECRET);
  await second.keyboard.press('Enter');
  await isLive(second);
  people.onEnded = told;
  const asked = [];
  first.on('response', (response) => response.url().endsWith('/v1/team') && asked.push(response.status()));
  await first.bringToFront();
  await first.locator('#rail').getByRole('link', { name: 'Team', exact: true }).click();
  const menu = first.locator('#person-menu');
  await eventually('the first is loaded anew for the other business', async () => /Agent at Warung Dua/.test(await menu.textContent({ timeout: 1_000 })));
  assert.equal(asked[0], 403, 'the rows of the other business were not given to a page of this one');
});

// --- links ---------------------------------------------------------------------------------------------------------

office('somebody new accepts an invitation with a name and a good password', async ({ people, tenant, open }) => {
  const token = people.invite(tenant, 'nia@example.com', 'supervisor');
  const page = await open(`#/invitation/${tenant}/${token}`);
  await says(sheet(page), /Join the team of Toko Maju as Supervisor, with the address nia@example\.com\./);
  assert.equal(hashOf(page), '');
  await isAccessible(page, 'an invitation');
  const password = sheet(page).getByLabel('Choose a password');
  const join = sheet(page).getByRole('button', { name: 'Join the team' });
  await soon.equal(() => password.getAttribute('autocomplete'), 'new-password');
  await sheet(page).getByLabel('Your name').fill('Nia');
  await soon.equal(() => sheet(page).getByRole('link', { name: 'privacy policy' }).getAttribute('href'), 'https://example.com/privacy');
  await says(sheet(page), /privacy@example\.com/);
  await sheet(page).getByLabel('I am 16 years old or older').check();
  await sheet(page).getByLabel('I have read the privacy policy').check();
  await password.fill('password1234');
  await join.click();
  await says(sheet(page), /This is easy to guess: add another word or two\./);
  await soon.equal(() => password.getAttribute('aria-invalid'), 'true');
  await soon.ok(async () => {
    const described = (await password.getAttribute('aria-describedby')).split(' ');
    const texts = await Promise.all(described.map((id) => page.locator(`#${id}`).textContent()));
    return texts.some((text) => /easy to guess/.test(text));
  }, 'the field names what is wrong with it');
  await password.fill(SECRET);
  await page.keyboard.press('Enter');
  await isIn(page);
  await isLive(page);
  await soon.equal(() => page.locator('.me-name').textContent(), 'Nia');
  assert.equal(people.teams.get(tenant).members.size, 4);
});

office('somebody with an account accepts with its password, and may work for both businesses', async ({ people, staff, open }) => {
  const other = people.team('Warung Dua', [[staff.ana, 'owner']]);
  const token = people.invite(other, 'ben@example.com', 'agent');
  const page = await open(`#/invitation/${other}/${token}`);
  await says(sheet(page), /You have an account here already/);
  const password = sheet(page).getByLabel('Password of your account');
  await password.fill('something else');
  await page.keyboard.press('Enter');
  await says(sheet(page), /This is not the password of your account\./);
  await password.fill(SECRET);
  await page.keyboard.press('Enter');
  await isLive(page);
  await choose(page, 'My account');
  const here = page.locator('#page li', { hasText: 'Warung Dua' });
  await soon.match(() => here.textContent(), /You are here/);
  await isAccessible(page, 'businesses');
  await page.locator('#page').getByRole('button', { name: 'Work for Toko Maju' }).click();
  await eventually('the other business', async () => {
    await page.getByRole('button', { name: 'Your account' }).click();
    return /Agent at Toko Maju/.test(await page.locator('#person-menu').textContent());
  });
});

office('a link that is over or cut says so, and leads to signing in', async ({ tenant, open }) => {
  for (const hash of [`#/invitation/${tenant}/mj_invite_gone`, '#/invitation/abc', '#/password/']) {
    const page = await open(hash);
    await says(sheet(page), /This link was used already, is over, or was taken back\. Ask for a new one\./);
    assert.equal(hashOf(page), '');
    await soon.equal(() => page.evaluate(() => document.activeElement.tagName), 'BUTTON');
    await page.keyboard.press('Enter');
    await isAsked(page);
  }
});

office('a new password by a link, then one signs in with it', async ({ people, staff, open }) => {
  const page = await open(`#/password/${people.reset(staff.ana)}`);
  const password = sheet(page).getByLabel('New password');
  await password.waitFor();
  assert.equal(hashOf(page), '');
  await isAccessible(page, 'a new password');
  await password.fill('password of mine');
  await page.keyboard.press('Enter');
  await says(sheet(page), /This is easy to guess/);
  await password.fill('seven quiet harbours');
  await page.keyboard.press('Enter');
  await says(sheet(page), /The new password is set\. Sign in with it\./);
  await signIn(page, 'ana@example.com', 'seven quiet harbours');
  await isLive(page);
});

office('somebody in no team is told so, and comes in once there is one', async ({ people, tenant, open }) => {
  const lone = people.user('Lone', 'lone@example.com', SECRET);
  const page = await open();
  await signIn(page, 'lone@example.com');
  await says(sheet(page), /you are in no team here/);
  await isAccessible(page, 'no team');
  people.teams.get(tenant).members.set(lone.id, { role: 'agent', since: Date.now() });
  await sheet(page).getByRole('button', { name: 'Look again' }).click();
  await isLive(page);
  people.end(() => true);
  people.teams.get(tenant).members.delete(lone.id);
  await says(sheet(page), /You are signed out/);
  await signIn(page, 'lone@example.com');
  await says(sheet(page), /you are in no team here/);
  await sheet(page).getByRole('button', { name: 'Sign out' }).click();
  await isAsked(page);
});

office('who goes elsewhere while a conversation is looked for stays there', async ({ customers, gateway, open }) => {
  const page = await atWork(open, 'ana@example.com');
  let let_go;
  const held = new Promise((resolve) => (let_go = resolve));
  const id = gateway.ledger.meet({ name: 'Old one', phone: '6281999' }, 1);
  await page.route(`**/v1/conversations/${id}`, async (route) => (await held, route.continue()));
  await page.evaluate((to) => (location.hash = `#/conversations/${to}`), id);
  await page.evaluate(() => (location.hash = '#/team'));
  await page.getByRole('heading', { level: 1, name: 'Team' }).waitFor();
  const answered = page.waitForResponse((response) => response.url().endsWith(id));
  let_go();
  await answered;
  await page.evaluate((to) => (location.hash = `#/conversations/${to}`), customers.sari);
  await eventually('the next one is open', async () => (await page.locator('.row[aria-selected="true"]').getAttribute('data-id')) === customers.sari);
  assert.equal(gateway.heard.some((frame) => frame.type === 'viewing' && frame.conversation_id === id), false);
});

office('a link to a conversation opens it, before and after signing in', async ({ customers, open }) => {
  const page = await open(`#/conversations/${customers.dewi}`);
  await signIn(page, 'ana@example.com');
  const selected = () => page.locator('.row[aria-selected="true"]').getAttribute('data-id');
  await eventually('it is open', async () => (await selected()) === customers.dewi);
  await openConversation(page, customers.sari);
  assert.equal(hashOf(page), `#/conversations/${customers.sari}`);
  await page.evaluate((id) => (location.hash = `#/conversations/${id}`), customers.dewi);
  await eventually('a link pasted later', async () => (await selected()) === customers.dewi);
  await page.evaluate(() => (location.hash = `#/conversations/${'0'.repeat(32)}`));
  await eventually('one that is not there', () => page.getByText('This conversation is not there, or not of this business').isVisible());
});

// --- the menu ------------------------------------------------------------------------------------------------------

office('the menu works by keyboard alone', async ({ open }) => {
  const page = await atWork(open, 'ana@example.com');
  const button = page.getByRole('button', { name: 'Your account' });
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  await button.focus();
  await page.keyboard.press('Enter');
  await soon.equal(() => button.getAttribute('aria-expanded'), 'true');
  await isAccessible(page, 'the menu');
  await soon.equal(() => focused(), 'My account');
  await page.keyboard.press('ArrowUp');
  await soon.equal(() => focused(), 'Sign out');
  await page.keyboard.press('ArrowDown');
  await soon.equal(() => focused(), 'My account');
  await page.keyboard.press('Escape');
  await soon.equal(() => button.getAttribute('aria-expanded'), 'false');
  await soon.equal(() => button.evaluate((node) => node === document.activeElement), true);
});

// --- the demo ------------------------------------------------------------------------------------------------------

test('in the demo one press opens the whole console, and signing up stands beside it', () =>
  inTheOffice(browser.context, async ({ gateway, open }) => {
    gateway.demo = { people: [{ name: 'Ana', email: 'ana@example.com' }, { name: 'Ben', email: 'ben@example.com' }], password: SECRET, mails: '/data/mail' };
    const page = await open();
    await says(sheet(page), /This is a demo/);
    await isSound(page, 'the first sheet of the demo');
    await sheet(page).getByRole('button', { name: 'Create an account' }).click();
    await sheet(page).getByLabel('Your name').waitFor();
    await sheet(page).getByRole('button', { name: 'Back' }).click();
    await sheet(page).getByRole('button', { name: 'Open as Ana' }).click();
    await isLive(page);
    await soon.deepEqual(() => page.locator('#rail').getByRole('link').allTextContents().then((all) => ['Contacts', 'Templates', 'Broadcasts', 'Team'].filter((name) => !all.some((text) => text.includes(name)))), []);
    await choose(page, 'Sign out');
    await sheet(page).getByRole('button', { name: 'Open as Ben' }).click();
    await isLive(page);
  }));

test('whoever comes first meets no error in the browser', () =>
  inTheOffice(
    browser.context,
    async ({ open }) => {
      await isAsked(await open());
    },
    /$^/,
  ));
