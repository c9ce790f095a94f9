// The page of one's own account.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axeProblems } from './axe.mjs';
import { launch } from './browser.mjs';
import { CODE } from './fake/own_account.mjs';
import { eventually, isLive, keptByBrowser, soon } from './hands.mjs';
import { SECRET, atWork, choose, inTheOffice, says, sheet } from './office.mjs';

let browser;
before(async () => (browser = await launch({ permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' })));
after(() => browser.close());

const office = (name, body, expected) => test(name, () => inTheOffice(browser.context, body, expected));
const card = (page, title) => page.locator('#page section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
const press = (place, name) => place.getByRole('button', { name, exact: true }).click();

/** The page of the account of somebody who has just signed in. */
async function atHome(open, email) {
  const page = await atWork(open, email);
  await choose(page, 'My account');
  await eventually('the page is there', async () => (await page.getByRole('heading', { level: 1, name: 'My account' }).count()) === 1);
  return page;
}

office('name and phone are corrected, and the new name is shown at once', async ({ staff, open }) => {
  const page = await atHome(open, 'ana@example.com');
  const about = card(page, 'About me');
  await about.getByLabel('Your name').fill('Ana María Ruiz');
  await about.getByLabel('Phone').fill('+60 12 345 6789');
  await press(about, 'Save');
  await eventually('it is saved', () => page.getByText('Your data are saved').isVisible());
  assert.deepEqual([staff.ana.name, staff.ana.phone], ['Ana María Ruiz', '+60 12 345 6789']);
  await eventually('the menu has it', async () => /Ana María Ruiz/.test(await page.locator('#person-menu').textContent()));
  await soon.deepEqual(() => axeProblems(page), []);
});

office('another e-mail address needs the password, and a mail goes to it', async ({ people, staff, open }) => {
  const page = await atHome(open, 'ana@example.com');
  const about = card(page, 'About me');
  await press(about, 'Change the e-mail address');
  await about.getByLabel('New e-mail address').fill('ana.ruiz@example.com');
  await about.getByLabel('Password now').fill('not that one at all');
  await page.keyboard.press('Enter');
  await says(about, /This is not your password\./);
  await soon.equal(() => sheet(page).isVisible(), false);
  await about.getByLabel('Password now').fill(SECRET);
  await page.keyboard.press('Enter');
  await says(about, /A link is on its way to ana\.ruiz@example\.com/);
  assert.equal(people.own.mails[0].to, 'ana.ruiz@example.com');
  assert.equal(staff.ana.email, 'ana@example.com');
});

office('a second factor is turned on with a picture, renewed and turned off', async ({ people, staff, open }) => {
  const page = await atHome(open, 'ana@example.com');
  const factor = card(page, 'Second factor');
  await press(factor, 'Turn it on');
  await factor.getByLabel('Password now').fill(SECRET);
  await press(factor, 'Next');
  await factor.getByRole('img', { name: 'Picture for the app' }).waitFor();
  await soon.equal(() => factor.getByLabel('Secret of the second factor').inputValue(), 'JBSWY3DPEHPK3PXP');
  await soon.deepEqual(() => axeProblems(page), []);
  await factor.getByLabel('Code').fill('000000');
  await press(factor, 'Turn it on');
  await says(factor, /This code is wrong/);
  await factor.getByLabel('Code').fill(CODE);
  await press(factor, 'Turn it on');
  await factor.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  await soon.deepEqual(() => factor.locator('li').allTextContents(), staff.ana.factor.codes);
  await press(factor, 'Copy them');
  await eventually('they are copied', async () => (await page.evaluate(() => navigator.clipboard.readText())) === staff.ana.factor.codes.join('\n'));
  await page.emulateMedia({ media: 'print' });
  const printed = () => page.locator('#page .card, #rail').evaluateAll((nodes) => nodes.filter((node) => node.checkVisibility()).length);
  await soon.equal(printed, 1, 'the codes are printed, and nothing else');
  await page.emulateMedia({ media: 'screen' });
  await press(factor, 'I have kept them');
  await says(factor, /On/);
  await press(factor, 'New recovery codes');
  await factor.getByLabel('Password now').fill(SECRET);
  const [used, ...rest] = staff.ana.factor.codes;
  await factor.getByLabel('Code').fill(used);
  await press(factor, 'New recovery codes');
  await factor.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  assert.equal(staff.ana.factor.codes.some((code) => rest.includes(code)), false);
  await press(factor, 'I have kept them');
  await press(factor, 'Turn it off');
  await factor.getByLabel('Password now').fill(SECRET);
  await factor.getByLabel('Code').fill(CODE);
  await press(factor, 'Turn it off');
  await says(factor, /Off/);
  assert.equal(people.users.get(staff.ana.id).factor, null);
});

office('recovery codes are shown whatever becomes of the calls after', async ({ staff, open }) => {
  const page = await atHome(open, 'ana@example.com');
  const factor = card(page, 'Second factor');
  await press(factor, 'Turn it on');
  await factor.getByLabel('Password now').fill(SECRET);
  await press(factor, 'Next');
  await page.route('**/v1/session', (route) => route.fulfill({ status: 503, json: { error: { code: 'unavailable', message: '' } } }));
  await factor.getByLabel('Code').fill(CODE);
  await press(factor, 'Turn it on');
  await factor.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  await soon.deepEqual(() => factor.locator('li').allTextContents(), staff.ana.factor.codes);
  await press(factor, 'I have kept them');
  await factor.getByRole('button', { name: 'New recovery codes' }).waitFor();
  await says(factor, /On/);
  await page.unroute('**/v1/session');
  await press(factor, 'Turn it off');
  await factor.getByLabel('Password now').fill(SECRET);
  await factor.getByLabel('Code').fill(CODE);
  await press(factor, 'Turn it off');
  await says(factor, /Off/);
}, /status of (503|4(01|03|04))/);

office('sessions are listed by browser, and ended one by one or all', async ({ people, staff, tenant, open }) => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  for (const browserText of [firefox, 'curl/8.9', '']) people.open(staff.ana, tenant, browserText);
  const page = await atHome(open, 'ana@example.com');
  const sessions = card(page, 'My sessions');
  const rows = sessions.locator('[data-session]');
  await eventually('all are there', async () => (await rows.count()) === 4);
  await soon.match(() => rows.first().textContent(), /this one/);
  await sessions.getByRole('button', { name: 'End the session of Firefox on Linux' }).click();
  await eventually('one ended', async () => (await rows.count()) === 3);
  await press(sessions, 'Sign out everywhere else');
  await eventually('the others ended', async () => (await rows.count()) === 1);
  assert.equal(people.sessions.size, 1);
  await soon.equal(() => sheet(page).isVisible(), false);
});

office('a password is changed with the old one, and the page stays signed in', async ({ people, staff, tenant, open }) => {
  people.open(staff.ana, tenant);
  const page = await atHome(open, 'ana@example.com');
  const password = card(page, 'Password');
  await press(password, 'Change password');
  const [now, fresh] = [password.getByLabel('Password now'), password.getByLabel('New password')];
  await now.fill('not that one at all');
  await fresh.fill('seven quiet harbours');
  await page.keyboard.press('Enter');
  await says(password, /This is not your password\./);
  await soon.equal(() => sheet(page).isVisible(), false);
  await now.fill(SECRET);
  await fresh.fill('password of mine');
  await page.keyboard.press('Enter');
  await says(password, /This is easy to guess/);
  await fresh.fill(' seven quiet harbours ');
  await page.keyboard.press('Enter');
  await eventually('it says so', () => page.getByText('The password is changed, and all other sessions have ended').isVisible());
  assert.equal(staff.ana.password, ' seven quiet harbours ', 'taken as it is written');
  assert.equal(people.sessions.size, 1);
});

office('attempts to sign in are shown page by page, new devices and wrong codes among them', async ({ people, staff, open }) => {
  people.own.protect(staff.ben);
  for (let i = 0; i < 24; i += 1) people.own.signedIn(staff.ana, { 'user-agent': 'curl/8.9' });
  assert.throws(() => people.own.checkCode({ ...staff.ben, id: staff.ana.id }, '1'));
  const page = await atHome(open, 'ana@example.com');
  const attempts = card(page, 'Attempts to sign in');
  await eventually('the first page', async () => (await attempts.locator('li').count()) === 20);
  await soon.match(() => attempts.textContent(), /Wrong code/);
  await press(attempts, 'Earlier ones');
  await eventually('the rest', async () => (await attempts.locator('li').count()) === 26);
  await soon.match(() => attempts.locator('li').last().textContent(), /a new device/);
  await soon.equal(() => attempts.getByRole('button').count(), 0);
});

office('a policy that is due is agreed to on the page', async ({ staff, open }) => {
  staff.ana.policy = { version: '2025-01-01', accepted: Date.now() };
  const page = await open();
  await sheet(page).getByLabel('E-mail').fill('ana@example.com');
  await sheet(page).getByLabel('Password').fill(SECRET);
  await press(sheet(page), 'Sign in');
  await press(sheet(page), 'Not now');
  await isLive(page);
  await choose(page, 'My account');
  const about = card(page, 'About me');
  await press(about, 'I agree');
  await says(about, /version 2026-05-04/);
  await soon.equal(() => about.getByRole('button', { name: 'I agree' }).count(), 0);
});

office('a copy of everything is downloaded, and the account is closed with the password', async ({ people, staff, tenant, open }) => {
  const page = await atHome(open, 'ana@example.com');
  const [file] = await Promise.all([page.waitForEvent('download'), press(card(page, 'A copy of my data'), 'Download the copy')]);
  assert.equal(file.suggestedFilename(), 'mesej-account.json');
  assert.equal(JSON.parse(await readFile(await file.path(), 'utf8')).user.email, 'ana@example.com');
  const closing = card(page, 'Close the account');
  await press(closing, 'Close my account');
  await closing.getByLabel('Password now').fill(SECRET);
  await press(closing, 'Erase my account');
  await says(closing, /You are the only owner of a business/);
  people.teams.get(tenant).members.set(staff.ben.id, { role: 'owner', since: 1 });
  await press(closing, 'Erase my account');
  await sheet(page).getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(people.users.has(staff.ana.id), false);
});

office('whoever has a second factor shows a code of it before the password or the account is touched', async ({ people, staff, tenant, open }) => {
  people.teams.get(tenant).members.set(staff.ben.id, { role: 'owner', since: 1 });
  const page = await atHome(open, 'ana@example.com');
  people.own.protect(staff.ana);
  await page.reload();
  await isLive(page);
  await choose(page, 'My account');
  const password = card(page, 'Password');
  await press(password, 'Change password');
  await password.getByLabel('Password now').fill(SECRET);
  await password.getByLabel('New password').fill('seven quiet harbours');
  await password.getByLabel('Code').fill('000000');
  await soon.deepEqual(() => axeProblems(page), []);
  await page.keyboard.press('Enter');
  await says(password, /This code is wrong/);
  assert.equal(staff.ana.password, SECRET);
  await password.getByLabel('Code').fill(CODE);
  await page.keyboard.press('Enter');
  await eventually('it is changed', () => staff.ana.password === 'seven quiet harbours');
  const mine = card(page, 'My businesses');
  await press(mine, 'Leave Toko Maju');
  await mine.getByLabel('Password now').fill('seven quiet harbours');
  await mine.getByLabel('Code').fill('000000');
  await press(mine, 'Yes, leave Toko Maju');
  await says(mine, /This code is wrong/);
  const closing = card(page, 'Close the account');
  await press(closing, 'Close my account');
  await closing.getByLabel('Password now').fill('seven quiet harbours');
  await closing.getByLabel('Code').fill('otter-lamp-1');
  await press(closing, 'Erase my account');
  await sheet(page).getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(people.users.has(staff.ana.id), false);
});

office('an account at the provider of a business is connected with the password, listed and disconnected', async ({ gateway, people, staff, tenant, open }) => {
  const first = await atHome(open, 'ana@example.com');
  await card(first, 'My businesses').waitFor();
  await soon.equal(() => card(first, 'Sign-in by a company').count(), 0, 'no business of hers has a provider');
  people.teams.get(tenant).issuer = `${gateway.localUrl}/#/team`;
  await first.reload();
  await isLive(first);
  await choose(first, 'My account');
  const ways = card(first, 'Sign-in by a company');
  await press(ways, 'Connect an account at the provider of Toko Maju');
  await ways.getByLabel('Password now').fill(SECRET);
  await soon.deepEqual(() => axeProblems(first), []);
  await press(ways, 'Next');
  await eventually('the browser goes there', () => first.url().endsWith('#/team'));
  assert.equal(staff.ana.connections.has(tenant), true);
  await isLive(first);
  await choose(first, 'My account');
  await says(ways, /Toko Maju.*since/);
  await soon.equal(() => ways.getByRole('button', { name: /^Connect/ }).count(), 0);
  await press(ways, 'Disconnect from Toko Maju');
  await eventually('it is gone', () => staff.ana.connections.size === 0);
  await ways.getByRole('button', { name: /^Connect/ }).waitFor();
});

office('somebody leaves a business, and says to whom the conversations go', async ({ people, staff, tenant, open }) => {
  const asked = [];
  const page = await atHome(open, 'rita@example.com');
  page.on('request', (request) => request.method() === 'DELETE' && asked.push(request.postDataJSON()));
  const mine = card(page, 'My businesses');
  await press(mine, 'Leave Toko Maju');
  await mine.getByLabel('Your conversations go to').selectOption('Ana Ruiz');
  await press(mine, 'Yes, leave Toko Maju');
  await sheet(page).getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(asked, [{ assign_to: staff.ana.id }]);
  assert.equal(people.teams.get(tenant).members.has(staff.rita.id), false);
});

office('a gateway that does not know these calls says so in each part', async ({ people, open }) => {
  for (const call of ['GET profile', 'GET sign-ins', 'GET profile/export', 'POST session/second-factor']) people.own.missing.add(call);
  const page = await atHome(open, 'ana@example.com');
  await says(card(page, 'About me'), /This gateway does not offer this\./);
  await says(card(page, 'Attempts to sign in'), /This gateway does not offer this\./);
  // What is pressed may be gone: that says nothing about the gateway.
  await press(card(page, 'A copy of my data'), 'Download the copy');
  await says(card(page, 'A copy of my data'), /This is not there any more\./);
  const factor = card(page, 'Second factor');
  await press(factor, 'Turn it on');
  await factor.getByLabel('Password now').fill(SECRET);
  await press(factor, 'Next');
  await says(factor, /This is not there any more\./);
  await eventually('the sessions are there', async () => (await card(page, 'My sessions').locator('[data-session]').count()) === 1);
});

office('the theme changes at once, the language with the page, and two cookies are all that is kept', async ({ open }) => {
  const page = await atHome(open, 'ana@example.com');
  const looks = card(page, 'Language and theme');
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const before = await paper();
  await looks.getByLabel('Theme').selectOption('dark');
  await eventually('it is dark', async () => (await paper()) !== before);
  await soon.deepEqual(() => axeProblems(page), []);
  await soon.deepEqual(async () => (await keptByBrowser(page)).toSorted(), ['__Host-mesej', 'theme']);
  await page.reload();
  await soon.notEqual(() => paper(), before, 'dark from the beginning');
  await looks.getByLabel('Theme').selectOption('');
  await eventually('it is as before', async () => (await paper()) === before);
  await looks.getByLabel('Language').selectOption('en');
  await press(looks, 'Use this language');
  await eventually('the page is there again', async () => (await page.getByRole('heading', { level: 1, name: 'My account' }).count()) === 1);
  await soon.deepEqual(async () => (await keptByBrowser(page)).toSorted(), ['__Host-mesej', 'language']);
  const [cookie] = (await page.context().cookies()).filter((one) => one.name === 'language');
  assert.deepEqual([cookie.value, cookie.sameSite, cookie.httpOnly], ['en', 'Lax', false]);
});

office('what the page says that the browser keeps is what it keeps once everything is chosen', async ({ open }) => {
  const page = await atHome(open, 'ana@example.com');
  const looks = card(page, 'Language and theme');
  await looks.getByLabel('Theme').selectOption('dark');
  await looks.getByRole('switch', { name: /Keys of one letter/ }).uncheck();
  await looks.getByLabel('Language').selectOption('en');
  await press(looks, 'Use this language');
  await eventually('the page is there again', async () => (await looks.locator('[data-cookies]').count()) === 1);
  // As if the browser allowed it, which Chromium without a head does not.
  await page.evaluate(() => Object.defineProperty(Notification, 'permission', { get: () => 'granted' }));
  await page.evaluate(() => (Notification.requestPermission = async () => 'granted'));
  await looks.getByRole('switch', { name: /system’s notifications/ }).click();
  await soon.deepEqual(async () => (await keptByBrowser(page)).toSorted(), ['__Host-mesej', 'language', 'letters', 'notices', 'theme']);
  const words = await looks.locator('[data-cookies]').textContent();
  const named = words.match(/__Host-[\w-]+|\b(language|theme|letters|notices)\b/g);
  assert.deepEqual(named.toSorted(), ['__Host-mesej', '__Host-mesej-sign-in', 'language', 'letters', 'notices', 'theme']);
});

office('keys of one letter can be turned off', async ({ open }) => {
  const page = await atHome(open, 'ana@example.com');
  const inbox = async () => {
    await page.locator('#rail').getByRole('link', { name: /^Inbox/ }).click();
    await eventually('the inbox is there', () => page.locator('#search').isVisible());
    await page.locator('#inbox-title').focus();
    await page.keyboard.press('?');
  };
  await card(page, 'Language and theme').getByRole('switch', { name: /Keys of one letter/ }).uncheck();
  await soon.deepEqual(() => axeProblems(page), []);
  await inbox();
  await page.keyboard.press('/');
  await soon.deepEqual(async () => [await page.locator('#dialog').isVisible(), await page.evaluate(() => document.activeElement.id)], [false, 'inbox-title']);
  await page.reload();
  await isLive(page);
  await choose(page, 'My account');
  await eventually('it is kept', async () => !(await card(page, 'Language and theme').getByRole('switch', { name: /Keys of one letter/ }).isChecked()));
  await card(page, 'Language and theme').getByRole('switch', { name: /Keys of one letter/ }).check();
  await inbox();
  await eventually('the keys are listed', () => page.locator('#dialog').isVisible());
});

office('a browser that allows no notifications says so, and the wish stays off', async ({ open }) => {
  const page = await atHome(open, 'ana@example.com');
  const wish = card(page, 'Language and theme').getByRole('switch', { name: /system’s notifications/ });
  // Chromium without a head gives no leave.
  await wish.click();
  await eventually('it says why not', () => page.getByText('This browser does not allow it.').isVisible());
  await eventually('it is off', async () => !(await wish.isChecked()));
  await soon.deepEqual(async () => (await keptByBrowser(page)).filter((name) => name === 'notices'), []);
});
