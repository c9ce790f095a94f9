// The page in each language and theme: whose choice holds, and that nothing is left in English, sticks out or is hard to read.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axeProblems } from './axe.mjs';
import { contrastProblems, namelessControls } from './access.mjs';
import { launch } from './browser.mjs';
import { png } from './files.mjs';
import { eventually, keptByBrowser, openConversation, soon } from './hands.mjs';
import { SECRET, inTheOffice, sheet } from './office.mjs';

let browser;
before(async () => (browser = await launch({ reducedMotion: 'reduce' })));
after(() => browser.close());

const office = (name, body, expected) => test(name, () => inTheOffice(browser.context, body, expected));
const root = (page, name) => page.evaluate((attribute) => document.documentElement.getAttribute(attribute), name);

/** What is wider than its place. */
const sticksOut = (page) =>
  page.evaluate(() =>
    [document.scrollingElement, ...document.querySelectorAll('dialog[open], #page:not([hidden]), .rail, .thread-head, .inbox-head')]
      .filter((node) => node.scrollWidth > node.clientWidth + 1)
      .map((node) => `${node.id || node.className} ${node.scrollWidth} > ${node.clientWidth}`),
  );

async function isWellMade(page, what) {
  await soon.deepEqual(() => axeProblems(page), [], what);
  await soon.deepEqual(() => contrastProblems(page), [], what);
  await soon.deepEqual(() => namelessControls(page), [], what);
  await soon.deepEqual(() => sticksOut(page), [], what);
}

/** Keeps a choice as the page does. */
const prefer = (context, gateway, name, value) => context.addCookies([{ name, value, url: gateway.localUrl, sameSite: 'Lax' }]);

const WORDS = {
  en: { direction: 'ltr', signIn: 'Sign in', account: 'My account', resolve: 'Resolve' },
  ms: { direction: 'ltr', signIn: 'Log masuk', account: 'Akaun saya', resolve: 'Selesaikan' },
  es: { direction: 'ltr', signIn: 'Iniciar sesión', account: 'Mi cuenta', resolve: 'Resolver' },
  ar: { direction: 'rtl', signIn: 'تسجيل الدخول', account: 'حسابي', resolve: 'إنهاء' },
};

for (const [language, words] of Object.entries(WORDS))
  for (const theme of ['light', 'dark'])
    office(`${language} in ${theme}: signing in, a conversation and one's account`, async ({ gateway, customers, open }) => {
      await prefer(browser.context, gateway, 'language', language);
      await prefer(browser.context, gateway, 'theme', theme);
      const page = await open();
      await sheet(page).getByRole('heading', { name: words.signIn }).waitFor();
      await soon.deepEqual(async () => [await root(page, 'lang'), await root(page, 'dir'), await root(page, 'data-theme')], [language, words.direction, theme]);
      await isWellMade(page, 'signing in');
      await sheet(page).locator('[name=email]').fill('ana@example.com');
      await sheet(page).locator('[name=password]').fill(SECRET);
      await page.keyboard.press('Enter');
      await page.locator('.live[data-state=live]').waitFor();
      await openConversation(page, customers.sari);
      await page.getByRole('button', { name: words.resolve, exact: true }).waitFor();
      await isWellMade(page, 'a conversation');
      await page.locator('.composer input[type=file]').setInputFiles({ name: 'garden.png', mimeType: 'image/png', buffer: png(40, 40) });
      await page.locator('.tray-file[data-state=ready] canvas').waitFor();
      await isWellMade(page, 'an attached file');
      await page.locator('.tray-file .icon-button').click();
      await openConversation(page, customers.hannah);
      await page.locator('#closed button').click();
      await page.locator('.picker-entry', { hasText: 'order_update' }).click();
      await page.locator('.picker .primary').click();
      await page.locator('.picker .field-problem').first().waitFor();
      await isWellMade(page, 'a template to be filled in');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.evaluate(() => (location.hash = '#/templates'));
      await page.locator('.template-row', { hasText: 'order_update' }).click();
      await page.locator('.template-versions > li').waitFor();
      await isWellMade(page, 'a template');
      await page.locator('.page-head .buttons button').first().click();
      await page.locator('.template-editor .verdict-good').waitFor();
      await isWellMade(page, 'the editor');
      await page.evaluate(() => (location.hash = '#/profile'));
      await page.getByRole('heading', { level: 1, name: words.account }).waitFor();
      await page.locator('#page [data-session]').waitFor();
      await isWellMade(page, 'the account');
      await page.setViewportSize({ width: 360, height: 740 });
      await isWellMade(page, 'the account on a phone');
      await page.setViewportSize({ width: 1440, height: 900 });
      await soon.deepEqual(async () => (await keptByBrowser(page)).toSorted(), ['__Host-mesej', 'language', 'theme'].toSorted());
    });

office('what customers write keeps its own direction, and what points is turned around', async ({ gateway, customers, open }) => {
  await prefer(browser.context, gateway, 'language', 'ar');
  const page = await open();
  await sheet(page).locator('[name=email]').fill('ana@example.com');
  await sheet(page).locator('[name=password]').fill(SECRET);
  await page.keyboard.press('Enter');
  await page.locator('.live[data-state=live]').waitFor();
  await openConversation(page, customers.sari);
  const directions = () => page.locator('#log .prose').evaluateAll((all) => [...new Set(all.map((one) => `${one.dir} ${getComputedStyle(one).direction}`))]);
  await soon.deepEqual(directions, ['auto ltr']);
  await soon.equal(() => page.locator('#write').getAttribute('dir'), 'auto');
  const side = (place) => page.locator(place).first().evaluate((node) => getComputedStyle(node).textAlign);
  await soon.deepEqual(async () => [await side('.row-name'), await side('.thread-head h1')], ['right', 'right'], 'at the page’s own side');
  await soon.equal(() => page.locator('#write').evaluate((node) => getComputedStyle(node).direction), 'rtl', 'what it says while it is empty');
  await soon.match(() => page.locator('.address').textContent(), /\u2068\+62 813 555 01234\u2069/);
  await soon.equal(() => page.locator('.send .icon').evaluate((icon) => getComputedStyle(icon).transform), 'matrix(-1, 0, 0, 1, 0, 0)');
  await soon.ok(async () => {
    const [list, thread] = await Promise.all(['#inbox', '#thread'].map((place) => page.locator(place).boundingBox()));
    return list.x > thread.x;
  }, 'the list is where reading begins');
});

test('without a choice the language is the browser’s, and the theme the system’s', async () => {
  const other = await launch({ locale: 'es-MX', colorScheme: 'dark' });
  try {
    await inTheOffice(other.context, async ({ open }) => {
      const page = await open();
      await sheet(page).getByRole('heading', { name: 'Iniciar sesión' }).waitFor();
      const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const dark = await paper();
      await sheet(page).getByLabel('Tema').selectOption('light');
      await eventually('it is light', async () => (await paper()) !== dark);
      await sheet(page).getByLabel('Idioma').selectOption('ms');
      await sheet(page).getByRole('heading', { name: 'Log masuk' }).waitFor();
      await sheet(page).getByLabel('Bahasa').selectOption('');
      await sheet(page).getByRole('heading', { name: 'Iniciar sesión' }).waitFor();
      await sheet(page).getByLabel('Tema').selectOption('');
      await eventually('it is dark again', async () => (await paper()) === dark);
      await soon.deepEqual(() => keptByBrowser(page), [], 'a choice that is taken back leaves no cookie');
    });
  } finally {
    await other.close();
  }
});

test('a link that is being followed is followed again in another language', async () => {
  const other = await launch();
  try {
    await inTheOffice(other.context, async ({ people, staff, open }) => {
      const page = await open(`#/password/${people.reset(staff.ben)}`);
      await sheet(page).getByRole('heading', { name: 'New password' }).waitFor();
      await sheet(page).getByLabel('Language').selectOption('ar');
      await sheet(page).getByRole('heading', { name: 'كلمة المرور الجديدة' }).waitFor();
      assert.equal(new URL(page.url()).hash, '', 'the token is not left on the screen');
      await sheet(page).locator('[name=new-password]').fill('walnut harbour sixty kites');
      await sheet(page).locator('.primary').click();
      await eventually('it is set', () => staff.ben.password === 'walnut harbour sixty kites');
    });
  } finally {
    await other.close();
  }
});

office('a language that cannot be loaded leaves the page in English', async ({ gateway, open }) => {
  await prefer(browser.context, gateway, 'language', 'ms');
  await browser.context.route('**/console/messages/ms.js', (route) => route.abort());
  try {
    const page = await open();
    await eventually('it asks for the account', () => sheet(page).getByRole('heading', { name: 'Sign in' }).isVisible());
    await soon.equal(() => root(page, 'lang'), 'en');
  } finally {
    await browser.context.unroute('**/console/messages/ms.js');
  }
}, /Failed to load resource/);
