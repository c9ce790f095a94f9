// The operators' part: a token that stays in the tab, tenants, health, quarantine.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { eventually, keptByBrowser, soon } from './hands.mjs';
import { atWork, inTheOffice, says, sheet, visit } from './office.mjs';
import { isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' })));
after(() => browser?.close());

const office = (name, body, expected) => test(name, () => inTheOffice(browser.context, body, expected));
const hashOf = (page) => new URL(page.url()).hash;

async function enter(open, token, hash = '#/operator') {
  const page = await open(hash);
  await sheet(page).locator('[name=token]').fill(token);
  await page.keyboard.press('Enter');
  await page.locator('#page h1').waitFor();
  return page;
}

/** A gateway with something of everything. */
function filled({ operators }) {
  const tenant = operators.tenant('Toko Maju', { region: 'Malaysia' });
  for (let n = 0; n < 120; n += 1) operators.tenant(`Kedai ${String(n).padStart(3, '0')}`);
  operators.numbers = [{ phone_number_id: '1098', display_phone_number: '+60 12-345 6789', waba_id: '2201', app: 'main', rate: 80, lane: { state: 'running' } }];
  operators.keys = [{ key_id: 'k1', name: 'Web shop', scopes: ['send'], created: Date.now(), revoked: null, expires: null }];
  for (const reason of ['malformed', 'poison', 'unknown_number', 'wrong_app', 'poison']) operators.putAside(reason);
  return tenant;
}

office('a token is asked for, kept in the tab alone, and asked for again', async ({ gateway, open }) => {
  const page = await open('#/operator/health');
  const token = sheet(page).locator('[name=token]');
  await token.waitFor();
  await soon.equal(() => token.getAttribute('autocomplete'), 'off');
  await isSound(page, 'the token');
  await token.fill('wrong');
  await page.keyboard.press('Enter');
  await says(sheet(page), /unknown, revoked or expired/);
  await token.fill('pas un jeton é');
  await page.keyboard.press('Enter');
  await says(sheet(page), /unknown, revoked or expired/);
  const own = gateway.operators.add('Olga', 'admin');
  await token.fill(own);
  await page.keyboard.press('Enter');
  await eventually('the health', async () => (await page.locator('#page h1').textContent()) === 'Health');
  await says(page.locator('#rail'), /Olga/);
  await soon.deepEqual(() => keptByBrowser(page), []);
  await soon.equal(async () => (await page.content()).includes(own), false);
  await page.reload();
  await token.waitFor();
  await token.fill(own);
  await page.keyboard.press('Enter');
  await eventually('the health again', async () => (await page.locator('#page h1').textContent()) === 'Health');
  gateway.operators.tokens.delete(own);
  await page.locator('#rail').getByRole('link', { name: 'Tenants' }).click();
  await token.waitFor();
});

office('operators find their part from the sign-in', async ({ open }) => {
  const page = await open();
  await sheet(page).getByRole('button', { name: 'For operators' }).click();
  await sheet(page).locator('[name=token]').waitFor();
  assert.match(hashOf(page), /^#\/operator/);
});

office('tenants are searched, shown in parts, and opened', async ({ gateway, open }) => {
  const { tenant_id } = filled(gateway);
  const page = await enter(open, 'settings-token-of-the-gateway');
  const place = page.locator('#page');
  await says(place, /121 tenants/);
  await soon.equal(() => place.locator('[data-tenant]').count(), 50);
  await place.getByRole('button', { name: 'Show more' }).click();
  await eventually('the next ones are there', async () => (await place.locator('[data-tenant]').count()) === 100);
  await place.getByLabel('Search by name or id').fill('maju toko');
  await says(place, /1 tenant(?!s)/);
  await place.getByLabel('Search by name or id').fill(tenant_id);
  await place.getByRole('link', { name: 'Toko Maju' }).click();
  await eventually('it is open', async () => (await place.locator('h1').textContent()) === 'Toko Maju' && hashOf(page) === `#/operator/tenants/${tenant_id}`);
  await says(place, /Malaysia.*\+60 12-345 6789.*Web shop.*Messages are kept for 365 days\..*12 of 200/s);
  await place.getByRole('button', { name: 'Check' }).click();
  await says(place, /GREEN/);
  await place.getByLabel('Quota', { exact: true }).selectOption('agents');
  await place.getByLabel('Limit', { exact: true }).fill('25');
  await place.getByRole('button', { name: 'Set the limit' }).click();
  await says(place, /9 of 25/);
  await place.getByRole('button', { name: 'Revoke Web shop' }).click();
  await place.getByRole('button', { name: 'Revoke: Web shop' }).click();
  await says(place, /Revoked/);
  await place.getByLabel('E-mail of the person').fill('ana@example.com');
  await place.getByRole('button', { name: 'Make the link' }).click();
  await says(place, /Send it to ana@example\.com yourself/);
  await isSound(page, 'a tenant');
  await page.goBack();
  await says(place, /121 tenants/);
  await place.getByRole('button', { name: 'New tenant' }).click();
  await place.getByLabel('Name', { exact: true }).fill('Warung Baru');
  await page.keyboard.press('Enter');
  await eventually('the new one is open', async () => (await place.locator('h1').textContent()) === 'Warung Baru');
});

office('health is read again while somebody looks', async ({ gateway, open }) => {
  filled(gateway);
  const page = await enter(open, 'settings-token-of-the-gateway', '#/operator/health');
  const place = page.locator('#page');
  await says(place, /Ready.*0\.1\.0.*Waiting in the journal3.*Waiting, replies2.*Waiting, broadcasts5/s);
  const { operators } = gateway;
  operators.ready = { status: 'ready', missing_tenants: { count: 1, ids: [operators.tenants[0].tenant_id] } };
  operators.metrics['mesej_lane_paused{reason="token"}'] = 2;
  await says(place, /1 tenant cannot be started:.*access token refused: 2/s);
  operators.ready = { status: 'store' };
  await says(place, /Not ready: the store does not answer/);
  await isSound(page, 'health');
}, /status of 503/);

office('what was put aside is replayed, one or all, and the page tells how far it is', async ({ gateway, open }) => {
  filled(gateway);
  const page = await enter(open, 'settings-token-of-the-gateway', '#/operator/quarantine');
  const place = page.locator('#page');
  await says(place, /Malformed.*signed by main/s);
  await place.locator('[data-item]').first().getByRole('button').click();
  await eventually('one is gone', async () => gateway.operators.quarantined.length === 4 && (await place.locator('[data-item]').count()) === 4);
  await place.getByRole('button', { name: 'Replay all', exact: true }).click();
  await isSound(page, 'the question');
  await eventually('the harmless button has the focus', () => page.evaluate(() => document.activeElement.textContent === 'Cancel'));
  await place.getByRole('button', { name: 'Replay all that is put aside' }).click();
  await says(place, /4 replayed\..*Nothing is put aside\./s);
  assert.equal(gateway.operators.heard.filter((call) => call === 'POST quarantine/replay').length, 3);
});

office('an operator who only looks has nothing to press that changes something', async ({ gateway, open }) => {
  const { tenant_id } = filled(gateway);
  const page = await enter(open, gateway.operators.add('Vera', 'viewer'));
  const place = page.locator('#page');
  const buttons = () => place.getByRole('button').allTextContents();
  await says(place, /121 tenants/);
  await soon.deepEqual(() => buttons(), ['Show more']);
  await page.evaluate((id) => (location.hash = `#/operator/tenants/${id}`), tenant_id);
  await says(place, /Web shop.*Messages are kept for 365 days\..*12 of 200/s);
  await soon.deepEqual(() => buttons(), ['Check']);
  await page.evaluate(() => (location.hash = '#/operator/quarantine'));
  await says(place, /Malformed/);
  await soon.deepEqual(() => buttons(), []);
  assert.deepEqual(gateway.operators.heard.filter((call) => !call.startsWith('GET')), []);
});

for (const language of ['en', 'ar'])
  office(`every page of operators is well made in ${language}, and worked by keyboard`, async ({ gateway, open }) => {
    const { tenant_id } = filled(gateway);
    await browser.context.addCookies([{ name: 'language', value: language, url: gateway.localUrl, sameSite: 'Lax' }]);
    const page = await enter(open, 'settings-token-of-the-gateway');
    await soon.equal(() => page.evaluate(() => document.documentElement.dir), language === 'ar' ? 'rtl' : 'ltr');
    for (const [name, there] of [['tenants', '[data-tenant]'], ['health', '.health'], ['quarantine', '[data-item]'], [`tenants/${tenant_id}`, '[data-key]']]) {
      await page.evaluate((hash) => (location.hash = hash), `#/operator/${name}`);
      await page.locator(`#page ${there}`).first().waitFor();
      await eventually('the heading has the focus', () => page.evaluate(() => document.activeElement.tagName === 'H1'));
      await isSound(page, name);
      if (name === 'health') continue;
      await page.keyboard.press('Tab');
      await soon.equal(() => page.evaluate(() => document.getElementById('page').contains(document.activeElement)), true, `Tab goes into ${name}`);
    }
  });

office('at a listener that is for operators alone the page asks for the token', async ({ gateway, open }) => {
  const page = await open('#/operator');
  await page.route('**/v1/sign-up', (route) => route.fulfill({ status: 404, json: { error: { code: 'not_found', message: 'no call has this path' } } }));
  await page.goto(`${gateway.localUrl}/`);
  await sheet(page).locator('[name=token]').waitFor();
  assert.equal(hashOf(page), '#/operator');
});

office('somebody signed in comes to the token by its address, and back', async ({ open }) => {
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Team');
  await page.evaluate(() => (location.hash = '#/operator'));
  await sheet(page).locator('[name=token]').waitFor();
  await sheet(page).getByRole('button', { name: 'Back' }).click();
  await page.locator('.live[data-state=live]').waitFor();
});
