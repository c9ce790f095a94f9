// A business from its first minute on, at the gateway itself with a simulated Meta beside it; and the demo. MESEJ_BINARY is the program.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { launch, openPage } from './browser.mjs';
import { eventually, isLive, keepsWhatIsTold, soon } from './hands.mjs';
import { SECRET, choose, says, sheet, visit } from './office.mjs';
import { freePort, metaAt, startGateway, startMeta } from './real.mjs';

const COOKIE = '__Host-mesej';
const CUSTOMER = '6281234567801';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The code of an authenticator app (RFC 6238). */
function codeOf(secret) {
  const bits = [...secret.replace(/\s/g, '')].map((char) => ALPHABET.indexOf(char).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const sum = createHmac('sha1', key).update(count).digest();
  return String((sum.readUInt32BE(sum[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const sessionOf = async (context) => (await context.cookies()).find(({ name }) => name === COOKIE)?.value;

/** A page of somebody else's, on a port of its own. */
async function strangersPage() {
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<title>Strange</title>'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://localhost:${server.address().port}/`, stop: () => new Promise((resolve) => server.close(resolve)) };
}

test('a business signs up, adds a second factor, a number and a colleague, who answers until removed; stolen, planted and foreign calls are refused', async () => {
  const port = await freePort();
  const gateway = await startGateway(process.env.MESEJ_BINARY, { more: { ...metaAt(port), MESEJ_ACCOUNTS__SIGN_UP: 'open' } });
  const meta = await startMeta(process.env.MESEJ_BINARY, port, gateway);
  const stranger = await strangersPage();
  const [hers, his] = [await launch({ reducedMotion: 'reduce' }), await launch({ reducedMotion: 'reduce' })];
  const statusOf = async (token) => (await fetch(`${gateway.url}/v1/session`, { headers: { cookie: `${COOKIE}=${token}` } })).status;
  try {
    // She signs up by the link of the mail.
    const { page, wrong } = await openPage(hers.context, gateway.url);
    await sheet(page).getByRole('button', { name: 'Create an account' }).click();
    await sheet(page).getByLabel('Your name').fill('Ana Ruiz');
    await sheet(page).getByLabel('E-mail').fill('ana@example.com');
    await sheet(page).getByLabel('Your phone').or(sheet(page).locator('[name=phone]')).first().fill('+60123456789');
    await sheet(page).getByLabel('Name of the business').fill('Kedai Bunga');
    await sheet(page).getByRole('checkbox').check();
    await sheet(page).getByRole('button', { name: 'Create the account' }).click();
    await says(sheet(page), /Look into your mail/);
    assert.deepEqual(wrong, [], 'nothing was refused to somebody who is not signed in');
    const link = await eventually('the mail is there', async () => (await gateway.mails()).join('\n').match(/http\S+#\/sign-up\/[\w-]+/)?.[0]);
    await page.goto(link);
    await page.reload();
    await sheet(page).getByLabel('Choose a password').fill(SECRET);
    await sheet(page).getByRole('button', { name: 'Complete the account' }).click();
    await isLive(page);

    // A session of hers elsewhere, for what somebody may plant.
    const elsewhere = await fetch(`${gateway.url}/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json', origin: gateway.url }, body: JSON.stringify({ email: 'ana@example.com', password: SECRET }) });
    assert.equal(elsewhere.status, 201);
    const planted = elsewhere.headers.get('set-cookie').match(/^__Host-mesej=([^;]+)/)[1];

    // The second factor: a new session, and the one before is over.
    const before = await sessionOf(hers.context);
    await choose(page, 'My account');
    const factor = page.locator('#page section', { has: page.getByRole('heading', { name: 'Second factor' }) });
    await factor.getByRole('button', { name: 'Turn it on' }).click();
    await factor.getByLabel('Password').fill(SECRET);
    await page.keyboard.press('Enter');
    const secret = await eventually('the secret', () => factor.getByLabel('Secret of the second factor').inputValue());
    await factor.getByLabel(/code/i).fill(codeOf(secret));
    await page.keyboard.press('Enter');
    const recovery = await eventually('the recovery codes', () => factor.locator('li.mono').first().textContent());
    const rotated = await sessionOf(hers.context);
    assert.notEqual(rotated, before);
    assert.deepEqual([await statusOf(before), await statusOf(rotated)], [401, 200]);

    // Signing out ends it, whoever copied the cookie; signing in asks for a code.
    await page.reload();
    await isLive(page);
    await choose(page, 'Sign out');
    await sheet(page).getByLabel('E-mail').fill('ana@example.com');
    assert.equal(await statusOf(rotated), 401, 'a copy of the cookie is worth nothing');
    await sheet(page).getByLabel('Password').fill(SECRET);
    await page.keyboard.press('Enter');
    await sheet(page).locator('input[name=code]').fill(recovery);
    await page.keyboard.press('Enter');
    await isLive(page);

    // Her number, at the simulated Meta.
    const numbers = await visit(page, 'Numbers');
    await numbers.getByRole('button', { name: 'Add a number' }).click();
    await numbers.getByLabel('Phone number', { exact: true }).fill('+62 811 1111 1111');
    await numbers.getByLabel('Phone number ID').fill('106540352242922');
    await numbers.getByLabel('WhatsApp Business Account ID').fill('102290129340398');
    await numbers.getByLabel('Access token').fill('simulated-access-token');
    await page.keyboard.press('Enter');
    await numbers.locator('[data-number="106540352242922"]').waitFor();

    // A colleague joins in another browser, into which somebody planted a session.
    const team = await visit(page, 'Team');
    await team.getByRole('button', { name: 'Invite somebody' }).click();
    await team.getByLabel('E-mail of the person').fill('carl@example.com');
    await team.getByRole('button', { name: 'Make the link' }).click();
    const invitation = await eventually('the link', async () => (await team.locator('input').evaluateAll((all) => all.map((one) => one.value))).find((value) => /#\/invitation\//.test(value)));
    await his.context.addCookies([{ name: COOKIE, value: planted, url: gateway.url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' }]);
    const { page: carl } = await openPage(his.context, invitation);
    await sheet(carl).getByLabel('Your name').fill('Carl Ng');
    await sheet(carl).getByLabel('Choose a password').fill('kopi tubruk di pasar minggu');
    await sheet(carl).getByRole('checkbox').check();
    await sheet(carl).getByRole('button', { name: 'Join the team' }).click();
    await isLive(carl);
    assert.notEqual(await sessionOf(his.context), planted);
    assert.equal(await statusOf(planted), 401, 'who planted it is signed in as nobody');

    // He answers a customer.
    await meta.say(CUSTOMER, 'How much is it?');
    await carl.locator('.row', { hasText: 'How much is it?' }).click();
    await carl.locator('#write').fill('Ten');
    await carl.locator('#write').press('Enter');
    const answer = carl.locator('#log .message', { hasText: 'Ten' });
    await eventually('it arrives', async () => ['ticks'].includes(await answer.locator('.ticks').getAttribute('data-icon')));
    await page.goto(carl.url());
    await page.locator('#log .message', { hasText: 'Ten' }).waitFor();

    // Pages of another origin change nothing, with her session in the browser.
    const { page: strange } = await openPage(hers.context, stranger.url);
    const own = await sessionOf(hers.context);
    const statuses = [];
    strange.on('response', (response) => response.url().startsWith(gateway.url) && statuses.push([new URL(response.url()).pathname, response.status()]));
    await strange.evaluate(async (url) => {
      const body = JSON.stringify({ email: 'mallory@example.com', role: 'admin' });
      await fetch(`${url}/v1/team/invitations`, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(() => {});
      await fetch(`${url}/v1/session`, { method: 'DELETE', credentials: 'include' }).catch(() => {});
      await fetch(`${url}/v1/team`, { credentials: 'include', mode: 'no-cors' }).catch(() => {});
    }, gateway.url);
    await strange.evaluate((url) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: `${url}/v1/session`, enctype: 'text/plain' });
      document.body.append(form);
      form.submit();
    }, gateway.url);
    await eventually('the form was answered', () => statuses.some(([path, status]) => path === '/v1/session' && status === 403));
    for (const path of ['/v1/team/invitations', '/v1/team']) assert.deepEqual(statuses.filter(([one]) => one === path).map(([, status]) => status), [403], path);
    assert.deepEqual([await sessionOf(hers.context), await statusOf(own)], [own, 200], 'she is still signed in');
    await strange.close();

    // He is removed: his page asks for an account at once, and his session is over.
    await page.goto(`${gateway.url}/#/team`);
    await isLive(page);
    const row = page.locator('#page li[data-user]', { hasText: 'Carl Ng' });
    await soon.doesNotMatch(() => page.locator('#page').textContent(), /mallory/);
    const his_session = await sessionOf(his.context);
    await row.getByRole('button', { name: 'Remove Carl Ng' }).click();
    await row.getByRole('button', { name: 'Remove: Carl Ng' }).click();
    await says(sheet(carl), /You are signed out/);
    assert.equal(await statusOf(his_session), 401);
    await keepsWhatIsTold(page);
    await keepsWhatIsTold(carl);
  } finally {
    await hers.close();
    await his.close();
    await stranger.stop();
    await meta.stop();
    await gateway.stop();
  }
});

test('in the demo one press opens the whole console, and an address the inbox beside it', async () => {
  const gateway = await startGateway(process.env.MESEJ_BINARY, { command: 'demo' });
  const browser = await launch({ reducedMotion: 'reduce' });
  try {
    const { page, wrong } = await openPage(browser.context, gateway.url);
    await sheet(page).getByRole('button', { name: 'Create an account' }).waitFor();
    await sheet(page).getByRole('button', { name: 'Open as Ana' }).click();
    await isLive(page);
    for (const name of ['Contacts', 'Templates', 'Broadcasts', 'Team', 'Numbers', 'API keys', 'Usage', 'Audit log']) await visit(page, name);
    const { page: ben, wrong: wrongOfBen } = await openPage(browser.context, `${gateway.url}/?agent=ben`);
    await isLive(ben);
    await soon.equal(() => ben.locator('#rail').isVisible(), false);
    assert.deepEqual([wrong, wrongOfBen], [[], []]);
    await keepsWhatIsTold(page);
  } finally {
    await browser.close();
    await gateway.stop();
  }
});
