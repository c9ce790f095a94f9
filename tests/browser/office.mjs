// A gateway to which people sign in, for one test.

import assert from 'node:assert/strict';
import { openPage } from './browser.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { tell } from './fake/story.mjs';
import { eventually, isLive, keepsWhatIsTold } from './hands.mjs';

export const SECRET = 'clay otter ninety lamps';
/** What Chromium says of answers that the page asks for: this is no demo, nobody is signed in, a refusal, no server. */
const EXPECTED = /Failed to load resource: (the server responded with a status of 4(00|01|03|04|09|22|29)|net::ERR_CONNECTION_REFUSED)/;

/** Makes a gateway one to which Ana, an owner, Ben, an agent, and Rita, who may read, sign in. */
export function withStaff(gateway) {
  const people = gateway.withPeople();
  const staff = {
    ana: people.user('Ana Ruiz', 'ana@example.com', SECRET),
    ben: people.user('بن يوسف', 'ben@example.com', SECRET),
    rita: people.user('Rita', 'rita@example.com', SECRET),
  };
  const tenant = people.team('Toko Maju', [
    [staff.ana, 'owner'],
    [staff.ben, 'agent'],
    [staff.rita, 'read_only'],
  ]);
  return { people, staff, tenant };
}

/**
 * Runs `body({gateway, people, staff, tenant, customers, open})`, and cleans up whatever happens. `open(hash)`
 * opens a page, and nothing may go wrong on it but what is expected.
 */
export async function inTheOffice(context, body, expected = EXPECTED) {
  const gateway = new FakeGateway();
  const { people, staff, tenant } = withStaff(gateway);
  const customers = tell(gateway.ledger);
  await gateway.start();
  await context.clearCookies();
  const pages = [];
  const open = async (hash = '') => {
    const opened = await openPage(context, `${gateway.localUrl}/${hash}`);
    pages.push(opened);
    return opened.page;
  };
  try {
    await body({ gateway, people, staff, tenant, customers, open });
    for (const { page } of pages) if (!page.isClosed()) await keepsWhatIsTold(page);
    for (const { wrong } of pages) assert.deepEqual(wrong.filter((line) => !expected.test(line)), []);
  } finally {
    for (const { page } of pages) await page.close({ runBeforeUnload: false });
    await gateway.stop();
  }
}

/** The sheet of those who are not signed in. */
export const sheet = (page) => page.locator('#sign-in');

/** Fills the sign-in form in and sends it. */
export async function signIn(page, email, password = SECRET) {
  await sheet(page).getByLabel('E-mail').fill(email);
  await sheet(page).getByLabel('Password').fill(password);
  await sheet(page).getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Opens the inbox as somebody. */
export async function atWork(open, email, hash = '') {
  const page = await open(hash);
  await signIn(page, email);
  await isLive(page);
  return page;
}

/** Chooses from the menu of the account. */
export async function choose(page, entry) {
  await page.getByRole('button', { name: 'Your account' }).click();
  await page.locator('#person-menu').getByRole('button', { name: entry }).click();
}

/** Goes to a page by the rail, and gives the place that it is in. */
export async function visit(page, name) {
  await page.locator('#rail').getByRole('link', { name, exact: true }).click();
  const place = page.locator('#page');
  await eventually(`${name} is there`, async () => (await place.getByRole('heading', { level: 1 }).textContent()) === name);
  return place;
}

/** Waits for a sentence on a sheet. */
export async function says(place, pattern) {
  await eventually(`it says ${pattern}`, async () => pattern.test(await place.textContent()));
}

/** Waits until the page asks for the account. */
export const isAsked = (page) => eventually('it asks for the account', () => sheet(page).getByRole('button', { name: 'Sign in', exact: true }).isVisible());
