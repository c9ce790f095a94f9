// People at the gateway itself: MESEJ_BINARY is the program.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axeProblems } from './axe.mjs';
import { launch, openPage } from './browser.mjs';
import { eventually, isLive } from './hands.mjs';
import { SECRET, says, sheet, signIn, visit } from './office.mjs';
import { startGateway } from './real.mjs';

let browser;
let gateway;
before(async () => {
  browser = await launch({ reducedMotion: 'reduce' });
  gateway = await startGateway(process.env.MESEJ_BINARY);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Accepts an invitation as somebody new, in the page. */
async function join(link, name) {
  await browser.context.clearCookies();
  const { page } = await openPage(browser.context, link);
  await sheet(page).getByLabel('Your name').fill(name);
  await sheet(page).getByLabel('Choose a password').fill(SECRET);
  await sheet(page).getByRole('button', { name: 'Join the team' }).click();
  await isLive(page);
  return page;
}

test('an owner hands ownership over, and goes on as an admin', async () => {
  const { tenant_id } = await gateway.operator('POST', 'tenants', { name: 'Toko Maju' });
  const invite = async (email, role) => (await gateway.operator('POST', `tenants/${tenant_id}/invitations`, { email, role })).link;
  await (await join(await invite('ben@example.com', 'agent'), 'Ben')).close();
  const page = await join(await invite('ana@example.com', 'owner'), 'Ana');
  const team = await visit(page, 'Team');
  const ben = team.locator('li[data-user]', { hasText: 'Ben' });
  await ben.getByRole('button', { name: 'Hand ownership over to Ben' }).click();
  assert.deepEqual(await axeProblems(page), []);
  await ben.getByLabel('Password').fill('not this one at all');
  await page.keyboard.press('Enter');
  await says(ben, /This is not your password/);
  await ben.getByLabel('Password').fill(SECRET);
  await page.keyboard.press('Enter');
  await eventually('Ben is the owner', async () => /Owner/.test(await ben.textContent()) && (await ben.getByRole('button').count()) === 0);
  await says(page.locator('#page li[data-user]', { hasText: 'Ana' }), /Admin/);
  await browser.context.clearCookies();
  await page.goto(gateway.url);
  await signIn(page, 'ben@example.com');
  await isLive(page);
  await visit(page, 'Team');
  await eventually('he hands over, too', () => page.getByRole('button', { name: 'Hand ownership over to Ana' }).isVisible());
});
