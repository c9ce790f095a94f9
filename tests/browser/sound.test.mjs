// Every sheet before the inbox, and the pages of a business, are well made: in both directions of writing, both lights, wide and narrow.

import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { someUsage } from './fake/business.mjs';
import { eventually, soon } from './hands.mjs';
import { SECRET, inTheOffice, sheet } from './office.mjs';
import { isSound } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ reducedMotion: 'reduce' })));
after(() => browser?.close());

const textsOf = async (language) => Object.assign({}, ...(await Promise.all(['account', 'inbox', 'pages'].map(async (name) => (await import(`../../console/messages/${language}/${name}.js`)).default))));

/** Somebody signed up, up to the link of the mail. */
async function signUp(page, texts) {
  await sheet(page).getByRole('button', { name: texts['sign_up.title'] }).click();
  await sheet(page).locator('[name=phone]').waitFor();
  await isSound(page, 'signing up');
  for (const [name, value] of [['name', 'Nia'], ['email', 'nia@example.com'], ['phone', '+60123456789'], ['business', 'Kedai Bunga']]) await sheet(page).locator(`[name=${name}]`).fill(value);
  for (const box of await sheet(page).getByRole('checkbox').all()) await box.check();
  await sheet(page).getByRole('button', { name: texts['sign_up.do'] }).click();
  await sheet(page).getByRole('button', { name: texts['mail.back'] }).waitFor();
  await isSound(page, 'look into your mail');
}

for (const language of ['en', 'ar']) {
  const office = (name, body) =>
    test(`${name}, in ${language}`, () =>
      inTheOffice(browser.context, async (all) => {
        await browser.context.addCookies([{ name: 'language', value: language, url: all.gateway.localUrl, sameSite: 'Lax' }]);
        const open = async (hash) => {
          const page = await all.open(hash);
          await soon.equal(() => page.evaluate(() => document.documentElement.dir), language === 'ar' ? 'rtl' : 'ltr');
          return page;
        };
        await body({ ...all, open, texts: await textsOf(language) });
      }));

  office('the sheets before the inbox are well made', async ({ people, staff, tenant, open, texts }) => {
    const page = await open();
    await sheet(page).locator('[name=password]').waitFor();
    await isSound(page, 'signing in');
    await sheet(page).getByRole('button', { name: texts['forgotten.ask'] }).click();
    await sheet(page).getByRole('button', { name: texts['forgotten.do'] }).waitFor();
    await isSound(page, 'a forgotten password');
    await sheet(page).getByRole('button', { name: texts['any.back'] }).click();
    await signUp(page, texts);
    const [{ link }] = people.own.mails;
    for (const [what, hash] of [['completing it', link], ['an invitation', `#/invitation/${tenant}/${people.invite(tenant, 'dewi@example.com', 'agent')}`], ['a new password', `#/password/${people.reset(staff.rita)}`]]) {
      const other = await open(hash);
      await sheet(other).locator('[type=password]').waitFor();
      await isSound(other, what);
      await other.close();
    }
    people.own.protect(staff.ben);
    const code = await open();
    await sheet(code).locator('[name=email]').fill('ben@example.com');
    await sheet(code).locator('[name=password]').fill(SECRET);
    await code.keyboard.press('Enter');
    await sheet(code).locator('[name=code]').waitFor();
    await isSound(code, 'the code');
  });

  office('the pages of a business are well made', async ({ gateway, people, staff, tenant, open, texts }) => {
    const { business } = gateway;
    business.rows = someUsage(7, Date.now());
    business.note({ kind: 'user', id: staff.ana.id }, 'role_changed', { target: { kind: 'user', id: staff.ben.id }, details: { role: 'admin', role_before: 'agent' } });
    people.invite(tenant, 'dewi@example.com', 'agent');
    const page = await open();
    await sheet(page).locator('[name=email]').fill('ana@example.com');
    await sheet(page).locator('[name=password]').fill(SECRET);
    await page.keyboard.press('Enter');
    await page.locator('.live[data-state=live]').waitFor();
    for (const [name, there] of [['team', 'li[data-user]'], ['business', '.card'], ['numbers', '[data-number]'], ['keys', 'button.primary'], ['usage', 'table'], ['audit', 'tbody tr']]) {
      await page.evaluate((hash) => (location.hash = hash), `#/${name}`);
      await eventually(`${name} is there`, async () => (await page.locator('#page h1').textContent()) === texts[`page.${name}`] && (await page.locator(`#page ${there}`).count()) > 0);
      await isSound(page, name);
    }
  });
}
