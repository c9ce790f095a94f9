// The team: people are invited, get roles, leave, and see only what their role lets them change.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { CODE } from './fake/own_account.mjs';
import { eventually, isLive, openConversation, soon } from './hands.mjs';
import { SECRET, atWork, choose, inTheOffice, isAsked, says, sheet, signIn, visit } from './office.mjs';
import { isAccessible } from './sound.mjs';

let browser;
before(async () => (browser = await launch({ permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' })));
after(() => browser?.close());

const office = (name, body, expected) => test(name, () => inTheOffice(browser.context, body, expected));
const row = (page, user) => page.locator(`#page [data-user="${user.id}"]`);
const hashOf = (page) => new URL(page.url()).hash;

office('an owner invites somebody: the link is shown once, copied, and can be taken back', async ({ people, open }) => {
  const page = await atWork(open, 'ana@example.com');
  const team = await visit(page, 'Team');
  await team.getByRole('button', { name: 'Invite somebody' }).click();
  await team.getByLabel('E-mail of the person').fill('ben@example.com');
  await isAccessible(page, 'inviting');
  await page.keyboard.press('Enter');
  await says(team, /This person is in the team already\./);
  await team.getByLabel('E-mail of the person').fill('nia@example.com');
  await team.getByLabel('Role', { exact: true }).selectOption('supervisor');
  await team.getByRole('button', { name: 'Make the link' }).click();
  await says(team, /Send it to nia@example\.com yourself/);
  await isAccessible(page, 'the link');
  const [token] = people.invitations.keys();
  const link = await team.getByLabel('Link of the invitation').inputValue();
  assert.ok(link.endsWith(token), link);
  await team.getByRole('button', { name: 'Copy' }).click();
  await eventually('it is copied', async () => (await page.evaluate(() => navigator.clipboard.readText())) === link);
  await team.getByRole('button', { name: 'Done' }).click();
  const open_ = team.locator('[data-invitation]');
  await eventually('it is in the list', async () => /nia@example\.com.*Supervisor.*Ana Ruiz/.test(await open_.textContent()));
  await soon.equal(() => team.getByText(token).count(), 0);
  await isAccessible(page, 'the team');
  await team.getByRole('button', { name: 'Take back the invitation of nia@example.com' }).click();
  await eventually('it is gone', async () => (await open_.count()) === 0);
  assert.equal(people.invitations.size, 0);
});

office('roles change and members leave only after a question, and refusals are told', async ({ people, staff, tenant, open }) => {
  const roleOf = (user) => people.teams.get(tenant).members.get(user.id)?.role;
  const page = await atWork(open, 'ana@example.com');
  const team = await visit(page, 'Team');
  await row(page, staff.ben).getByLabel('Role of').selectOption('admin');
  await says(row(page, staff.ben), /becomes Admin: everything but who is an owner/);
  await isAccessible(page, 'a question');
  assert.equal(roleOf(staff.ben), 'agent');
  await row(page, staff.ben).getByRole('button', { name: /^Keep/ }).click();
  await soon.equal(() => row(page, staff.ben).getByLabel('Role of').inputValue(), 'agent');
  await row(page, staff.ben).getByLabel('Role of').selectOption('admin');
  await row(page, staff.ben).getByRole('button', { name: 'Change the role' }).click();
  await eventually('it is changed', () => roleOf(staff.ben) === 'admin');
  await row(page, staff.rita).getByRole('button', { name: 'Remove Rita' }).click();
  await row(page, staff.rita).getByRole('button', { name: 'Remove: Rita' }).click();
  await eventually('she is gone', async () => (await row(page, staff.rita).count()) === 0 && !roleOf(staff.rita));
  await row(page, staff.ana).getByRole('button', { name: 'Leave the team' }).click();
  await row(page, staff.ana).getByRole('button', { name: 'Leave: Ana Ruiz' }).click();
  await says(team, /The team would have no owner\. Make somebody else an owner first\./);
  assert.equal(roleOf(staff.ana), 'owner');
});

office('a role is chosen by the arrow keys, which ask about each and keep the focus', async ({ staff, people, tenant, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Team');
  const select = row(page, staff.ben).getByLabel('Role of');
  await select.focus();
  await page.keyboard.press('ArrowUp');
  await says(row(page, staff.ben), /becomes Supervisor/);
  await page.keyboard.press('ArrowUp');
  await says(row(page, staff.ben), /becomes Admin/);
  await soon.equal(() => select.evaluate((node) => node === document.activeElement), true);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await eventually('nothing is asked any more', async () => (await row(page, staff.ben).locator('.account-question').count()) === 0);
  assert.equal(people.teams.get(tenant).members.get(staff.ben.id).role, 'agent');
});

office('a question that was refused keeps what was chosen, and says why', async ({ staff, people, tenant, open }) => {
  people.teams.get(tenant).members.get(staff.ben.id).role = 'owner';
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Team');
  const ben = row(page, staff.ben);
  await ben.getByRole('button', { name: /^Remove/ }).click();
  await ben.getByLabel('The conversations go to').selectOption('Ana Ruiz');
  await ben.getByLabel('Password now').fill('not that one at all');
  await page.route('**/v1/team/*', (route) => route.fulfill({ status: 401, json: { error: { code: 'wrong_credentials', message: '' } } }), { times: 1 });
  await ben.getByRole('button', { name: /^Remove: / }).click();
  await says(ben, /This is not your password\./);
  await soon.equal(() => ben.getByLabel('Password now').inputValue(), 'not that one at all');
  await soon.equal(() => ben.getByLabel('The conversations go to').inputValue(), staff.ana.id);
  await ben.getByLabel('Password now').fill(SECRET);
  await ben.getByRole('button', { name: /^Remove: / }).click();
  await eventually('he is gone', async () => (await ben.count()) === 0);
});

office('who leaves on the page of the team is signed out, and sees nothing of it any more', async ({ open }) => {
  const page = await atWork(open, 'rita@example.com');
  await visit(page, 'Team');
  await page.locator('#page').getByRole('button', { name: 'Leave the team' }).click();
  await page.locator('#page').getByRole('button', { name: 'Leave: Rita' }).click();
  await isAsked(page);
  await soon.doesNotMatch(() => sheet(page).textContent(), /Sign in again to go on/);
  await soon.equal(() => page.locator('.row, [data-user]').count(), 0);
});

office('an owner hands ownership over with the password, and goes on as an admin', async ({ people, staff, tenant, open }) => {
  const roleOf = (user) => people.teams.get(tenant).members.get(user.id)?.role;
  const page = await atWork(open, 'ana@example.com');
  const team = await visit(page, 'Team');
  await soon.equal(() => row(page, staff.ana).getByRole('button', { name: /Hand over ownership/ }).count(), 0);
  await row(page, staff.ben).getByRole('button', { name: /Hand over ownership/ }).click();
  await says(row(page, staff.ben), /becomes owner \(everything, owners too\).*You become admin \(everything but who is an owner\)/);
  await isAccessible(page, 'handing over');
  await row(page, staff.ben).getByLabel('Password').fill('not this one at all');
  await page.keyboard.press('Enter');
  await says(team, /This is not your password/);
  assert.deepEqual([roleOf(staff.ana), roleOf(staff.ben)], ['owner', 'agent']);
  await row(page, staff.ben).getByLabel('Password').fill(SECRET);
  await page.keyboard.press('Enter');
  await eventually('the roles are changed', () => roleOf(staff.ana) === 'admin' && roleOf(staff.ben) === 'owner');
  await eventually('nothing is left to hand over', async () => /Owner/.test(await row(page, staff.ben).textContent()) && (await team.getByRole('button', { name: /Hand over ownership/ }).count()) === 0);
  assert.equal(hashOf(page), '#/team');
});

office('an owner with a second factor shows a code of it before another becomes owner', async ({ people, staff, tenant, open }) => {
  const roleOf = (user) => people.teams.get(tenant).members.get(user.id)?.role;
  const page = await atWork(open, 'ana@example.com');
  people.own.protect(staff.ana);
  await page.reload();
  await isLive(page);
  const team = await visit(page, 'Team');
  await row(page, staff.rita).getByLabel('Role of').selectOption('owner');
  await row(page, staff.rita).getByLabel('Password').fill(SECRET);
  await isAccessible(page, 'a question with a code');
  await row(page, staff.rita).getByRole('button', { name: 'Change the role' }).click();
  await eventually('nothing is done without it', async () => /code/i.test(await row(page, staff.rita).getByRole('alert').textContent()));
  assert.equal(roleOf(staff.rita), 'read_only');
  await row(page, staff.rita).getByLabel('Code').fill('otter-lamp-1');
  await row(page, staff.rita).getByRole('button', { name: 'Change the role' }).click();
  await eventually('it is done with it', () => roleOf(staff.rita) === 'owner');
  await row(page, staff.ben).getByRole('button', { name: /Hand over ownership/ }).click();
  await row(page, staff.ben).getByLabel('Password').fill(SECRET);
  await row(page, staff.ben).getByLabel('Code').fill(CODE);
  await page.keyboard.press('Enter');
  await eventually('the roles are changed', () => roleOf(staff.ana) === 'admin' && roleOf(staff.ben) === 'owner');
  await eventually('nothing is left to hand over', async () => (await team.getByRole('button', { name: /Hand over ownership/ }).count()) === 0);
});

office('whoever removes somebody is told of the keys that go on to work', async ({ gateway, staff, open }) => {
  const by = (user, name) => ({ key_id: name, name, scopes: ['send'], created: 1, created_by: { user_id: user.id, name: user.name }, expires: null, revoked: null });
  gateway.business.keys.push(by(staff.ben, 'Web shop'), by(staff.ana, 'Till'), { ...by(staff.ben, 'Old'), revoked: 2 });
  const page = await atWork(open, 'ana@example.com');
  await visit(page, 'Team');
  await row(page, staff.ben).getByRole('button', { name: /^Remove/ }).click();
  await row(page, staff.ben).getByRole('button', { name: /^Remove:/ }).click();
  const told = page.getByText(/Keys that .* made go on to work/);
  await told.waitFor();
  await soon.match(() => told.textContent(), /: Web shop\./);
});

office('an admin does not touch owners, and others see members only', async ({ people, staff, tenant, open }) => {
  people.teams.get(tenant).members.get(staff.ben.id).role = 'admin';
  const admin = await atWork(open, 'ben@example.com');
  const team = await visit(admin, 'Team');
  await says(row(admin, staff.ana), /Owner/);
  await soon.equal(() => row(admin, staff.ana).locator('button, select').count(), 0);
  await soon.deepEqual(() => row(admin, staff.rita).locator('option').allTextContents(), ['Admin', 'Supervisor', 'Agent', 'Read only']);
  await choose(admin, 'Sign out');
  await isAsked(admin);
  await signIn(admin, 'rita@example.com');
  await isLive(admin);
  await visit(admin, 'Team');
  await says(row(admin, staff.ana), /Owner/);
  await soon.equal(() => team.locator('select').count(), 0);
  await soon.deepEqual(() => team.locator('li button').allTextContents(), ['Leave']);
  await soon.equal(() => team.getByRole('button', { name: 'Invite somebody' }).count(), 0);
});

office('colleagues are called by their names, also those who join later', async ({ gateway, people, staff, tenant, customers, open }) => {
  const page = await atWork(open, 'ana@example.com');
  await openConversation(page, customers.sari);
  const ben = { kind: 'agent', id: staff.ben.id };
  gateway.ledger.submit(customers.sari, { type: 'text', text: { body: 'I will' } }, { author: ben });
  gateway.ledger.organise(customers.sari, { assignee: staff.ben.id }, ben);
  const plain = (text) => text.replace(/[\u2066-\u2069]/g, '');
  const author = () => page.locator('.message.out .author').last().textContent();
  await eventually('the author', async () => plain(await author()) === 'بن يوسف');
  const assigned = page.locator('#about').getByLabel('Assigned to');
  await eventually('who answers', async () => plain(await assigned.locator('option:checked').textContent()) === 'بن يوسف');
  const offered = async () => (await assigned.locator('option').allTextContents()).map(plain);
  await soon.deepEqual(offered, ['Nobody yet', 'Ana Ruiz (you)', 'بن يوسف'], 'who may only read gets nothing to answer');
  const nia = people.user('Nia', 'nia@example.com', SECRET);
  people.teams.get(tenant).members.set(nia.id, { role: 'agent', since: Date.now() });
  gateway.ledger.organise(customers.sari, { assignee: nia.id }, ben);
  await eventually('the new one', async () => (await assigned.locator('option:checked').textContent()) === 'Nia');
  people.teams.get(tenant).former = [{ user_id: nia.id, agent: nia.id, name: 'Nia', left: Date.now(), handover: null }];
  people.teams.get(tenant).members.delete(nia.id);
  gateway.ledger.organise(customers.sari, { assignee: undefined }, { kind: 'agent', id: nia.id });
  await page.reload();
  await isLive(page);
  await openConversation(page, customers.sari);
  gateway.ledger.submit(customers.sari, { type: 'text', text: { body: 'My last one' } }, { author: { kind: 'agent', id: nia.id } });
  await eventually('who left keeps the name', async () => plain(await author()) === 'Nia');
  await soon.doesNotMatch(async () => (await assigned.locator('option').allTextContents()).join(' '), /Nia/, 'and gets nothing to answer');
  const gone = 'f00dcafe'.repeat(4);
  gateway.ledger.organise(customers.sari, { assignee: gone }, ben);
  await eventually('one who left', async () => (await assigned.locator('option:checked').textContent()) === 'Agent f00dca');
});

office('who may only read has nothing to press that the gateway would refuse', async ({ gateway, customers, open }) => {
  const page = await atWork(open, 'rita@example.com');
  gateway.ledger.receive(customers.sari, { type: 'text', text: { body: 'Anybody?' } });
  await openConversation(page, customers.sari);
  await says(page.locator('#composer'), /You may read here, but not answer\./);
  await soon.equal(() => page.locator('#write').isVisible(), false);
  await soon.equal(() => page.locator('#composer button:visible').count(), 0);
  await soon.equal(() => page.locator('#thread-head .done').isVisible(), false);
  await soon.equal(() => page.locator('#about :is(select, input, .segments button, .label button)').count(), 0);
  const tools = page.locator('.message .tools').last().locator('button');
  await soon.deepEqual(() => tools.evaluateAll((all) => all.map((one) => one.title)), ['Copy', 'Details']);
  await isAccessible(page, 'reading');
  for (const key of ['Alt+KeyE', 'Alt+KeyP', 'Alt+KeyL']) await page.keyboard.press(key);
  // What is sent after them has come, so that they would have, too.
  const before = gateway.heard.length;
  await openConversation(page, customers.dewi);
  await eventually('the next frame has come', () => gateway.heard.slice(before).some((frame) => frame.type === 'viewing' && frame.conversation_id === customers.dewi));
  const refused = gateway.heard.filter(({ type }) => !['hello', 'ack', 'ping', 'viewing', 'presence'].includes(type));
  assert.deepEqual(refused, []);
});
