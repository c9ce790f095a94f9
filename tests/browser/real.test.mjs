// People at the gateway itself: MESEJ_BINARY is the program.

import { after, before, test } from 'node:test';
import { axeProblems } from './axe.mjs';
import { launch, openPage } from './browser.mjs';
import { eventually, isLive, soon } from './hands.mjs';
import { SECRET, says, sheet, signIn, visit } from './office.mjs';
import { ADMIN_TOKEN, startGateway } from './real.mjs';

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
  await sheet(page).getByLabel(/years old or older/).check();
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
  await ben.getByRole('button', { name: 'Hand over ownership to Ben' }).click();
  await soon.deepEqual(() => axeProblems(page), []);
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
  await eventually('he hands over, too', () => page.getByRole('button', { name: 'Hand over ownership to Ana' }).isVisible());
});

test('an operator looks at a tenant, the health and the quarantine', async () => {
  const { tenant_id } = await gateway.operator('POST', 'tenants', { name: 'Kedai Bunga' });
  const { token } = await gateway.operator('POST', 'operators', { name: 'Vera', role: 'viewer' });
  const enter = async (with_, hash) => {
    await browser.context.clearCookies();
    const { page } = await openPage(browser.context, `${gateway.url}/${hash}`);
    await sheet(page).getByLabel('Token').fill(with_);
    await page.keyboard.press('Enter');
    await page.locator('#page h1').waitFor();
    return page;
  };
  const page = await enter(ADMIN_TOKEN, '#/operator');
  const place = page.locator('#page');
  await place.getByLabel('Search by name or id').fill('bunga');
  await place.getByRole('link', { name: 'Kedai Bunga' }).click();
  await says(place, new RegExp(`${tenant_id}.*has no number yet.*There is no key yet.*Messages are kept for .* days?\\..*Pages of the console that are open0 of`, 's'));
  await place.getByLabel('Quota', { exact: true }).selectOption('agents');
  await place.getByLabel('Limit', { exact: true }).fill('7');
  await place.getByRole('button', { name: 'Set the limit' }).click();
  await says(place, /0 of 7/);
  await page.locator('#rail').getByRole('link', { name: 'Health' }).click();
  await says(place, /Ready.*Version\d+\.\d+.*Waiting in the journal0.*Put aside since the start0/s);
  await page.locator('#rail').getByRole('link', { name: 'Quarantine' }).click();
  await says(place, /Nothing is put aside\./);
  const other = await enter(token, `#/operator/tenants/${tenant_id}`);
  await says(other.locator('#rail'), /Vera/);
  await says(other.locator('#page'), /0 of 7/);
  await soon.equal(() => other.locator('#page').getByRole('button').count(), 0);
});

test('an admin defines, adds, changes and finds contacts', async () => {
  const { tenant_id } = await gateway.operator('POST', 'tenants', { name: 'Warung Kopi' });
  const { link } = await gateway.operator('POST', `tenants/${tenant_id}/invitations`, { email: 'dina@example.com', role: 'admin' });
  const page = await join(link, 'Dina');
  const place = await visit(page, 'Contacts');
  await says(place, /There are no contacts yet/);
  await place.getByRole('link', { name: 'Attributes' }).click();
  for (const [name, kind] of [['City', 'Text'], ['Tier', 'Number'], ['Wholesale', 'Yes or no'], ['Customer since', 'Date']]) {
    await place.getByRole('button', { name: 'New attribute' }).click();
    await place.getByLabel('Name of the attribute').fill(name);
    await place.getByLabel('Kind').selectOption(kind);
    await place.getByRole('button', { name: 'Save' }).click();
    await place.locator('li[data-key]', { hasText: name }).waitFor();
  }
  await place.getByRole('link', { name: 'Lists' }).click();
  await place.getByRole('button', { name: 'New list' }).click();
  await place.getByLabel('Name of the list').fill('Newsletter');
  await page.keyboard.press('Enter');
  await place.getByRole('link', { name: 'Newsletter' }).waitFor();
  await place.getByRole('link', { name: 'All contacts' }).click();
  for (const [phone, name] of [['+60 12 345 6789', 'Nur Aisyah'], ['+62 813 5550 1234', 'Sari Wijaya']]) {
    await place.getByRole('button', { name: 'Add a contact' }).click();
    await place.getByLabel('Phone').fill(phone);
    await place.locator('.contacts-list').getByLabel('Your name for them').fill(name);
    await page.keyboard.press('Enter');
    await eventually(`${name} is open`, async () => (await page.locator('.contacts-one h2').textContent()) === name);
  }
  const card = page.locator('#page .contact-card');
  await card.getByLabel('City').fill('Jakarta');
  await card.getByLabel('Tier').fill('2.5');
  await card.getByLabel('Customer since').fill('2024-12-31');
  await card.getByLabel('Customer since').blur();
  await card.getByLabel('Wholesale').selectOption('No');
  await card.getByLabel('Label the contact').fill('vip');
  await page.keyboard.press('Enter');
  await card.getByLabel('Add to a list').selectOption('Newsletter');
  await card.getByLabel('Looked after by').selectOption('Dina');
  await card.getByLabel('Add the note').fill('Likes olive trees');
  await card.getByRole('button', { name: 'Add the note' }).click();
  await says(card, /Likes olive trees.*Dina/);
  await eventually('nothing is refused, and all is saved', async () => (await card.getByText('Saved').count()) >= 7 && (await card.locator('[role=alert]:not(:empty)').allTextContents()).every((text) => text.trim() === ''));
  await soon.deepEqual(() => axeProblems(page), []);
  await page.reload();
  await isLive(page);
  await eventually('it is all there again', async () => {
    const values = await Promise.all(['City', 'Tier', 'Customer since', 'Wholesale'].map((label) => card.getByLabel(label).inputValue()));
    return values.join() === 'Jakarta,2.5,2024-12-31,false';
  });
  await says(card, /vip.*Newsletter.*Likes olive trees/);
  const found = (names) => eventually(`${names} are found`, async () => (await page.locator('.contact-name').allTextContents()).sort().join() === names);
  await found('Nur Aisyah,Sari Wijaya');
  await place.getByLabel('Search').fill('wij');
  await found('Sari Wijaya');
  await place.getByLabel('Search').fill('345 6789');
  await found('Nur Aisyah');
  await place.getByLabel('Search').fill('');
  await place.locator('.contact-more summary').click();
  await place.getByLabel('List', { exact: true }).selectOption('Newsletter');
  await found('Sari Wijaya');
  await place.getByRole('button', { name: 'Clear the filters' }).click();
  await place.getByLabel('Attribute').selectOption('Tier');
  await place.getByLabel('Value of Tier').fill('2.5');
  await found('Sari Wijaya');
  await place.getByRole('button', { name: 'Clear the filters' }).click();
  await place.getByLabel('Order').selectOption('Name, Z to A');
  await eventually('the other way round', async () => (await page.locator('.contact-name').allTextContents()).join() === 'Sari Wijaya,Nur Aisyah');
  await place.getByRole('button', { name: 'Add a contact' }).click();
  await place.getByLabel('Phone').fill('60123456789');
  await page.keyboard.press('Enter');
  await place.getByRole('link', { name: 'Open the contact that has this phone' }).click();
  await eventually('that one is open', async () => (await page.locator('.contacts-one h2').textContent()) === 'Nur Aisyah');
  await page.close();
});
