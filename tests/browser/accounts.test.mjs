// Signing up, a forgotten password, the second step: as somebody does it who has an account, or none yet.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axeProblems } from './axe.mjs';
import { launch } from './browser.mjs';
import { CODE } from './fake/own_account.mjs';
import { eventually, isLive, soon } from './hands.mjs';
import { SECRET, inTheOffice, says, sheet, signIn } from './office.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const inside = (body) => () => inTheOffice(browser.context, body);
const press = (page, name) => sheet(page).getByRole('button', { name, exact: true }).click();
const title = (page, name) => sheet(page).getByRole('heading', { name, exact: true }).waitFor();

async function fillSignUp(page, phone = '+60 12 345 6789') {
  await sheet(page).getByLabel('Your name').fill('Nia Putri');
  await sheet(page).getByLabel('E-mail').fill('nia@example.com');
  await sheet(page).getByLabel('Phone').fill(phone);
  await sheet(page).getByLabel('Name of the business').fill('Kedai Bunga');
  await sheet(page).getByLabel('I am 16 years old or older.').check();
  await sheet(page).getByLabel('I have read the privacy policy').check();
}

test(
  'somebody new signs up, and completes it by the link of the mail',
  inside(async ({ people, open }) => {
    const page = await open();
    await press(page, 'Create an account');
    await title(page, 'Create an account');
    await soon.equal(() => sheet(page).getByRole('link', { name: 'privacy policy' }).getAttribute('href'), 'https://example.com/privacy');
    await says(sheet(page), /Questions about your data: privacy@example\.com/);
    await fillSignUp(page, '12');
    await press(page, 'Create the account');
    await says(sheet(page), /`phone` is no phone number\./);
    await sheet(page).getByLabel('Phone').fill('+60 12 345 6789');
    await press(page, 'Create the account');
    await says(sheet(page), /A mail is on its way to nia@example\.com/);
    await press(page, 'Back to signing in');
    await title(page, 'Sign in');
    const [{ to, link }] = people.own.mails;
    assert.equal(to, 'nia@example.com');
    const other = await open(link);
    await says(sheet(other), /Welcome, Nia Putri.*Kedai Bunga/);
    assert.equal(new URL(other.url()).hash, '', 'the token is not left on the screen');
    await sheet(other).getByLabel('Choose a password').fill('short');
    await sheet(other).getByLabel('Choose a password').evaluate((input) => input.removeAttribute('minlength'));
    await press(other, 'Complete the account');
    await says(sheet(other), /use at least 12 characters/i);
    await sheet(other).getByLabel('Choose a password').fill(SECRET);
    await press(other, 'Complete the account');
    await isLive(other);
    const [user] = [...people.users.values()].filter((one) => one.email === 'nia@example.com');
    assert.deepEqual([user.phone, user.policy.version], ['+60 12 345 6789', '2026-05-04']);
  }),
);

test(
  'a gateway that is closed, or takes only who is invited, says so',
  inside(async ({ people, open }) => {
    people.own.rules = { ...people.own.rules, mode: 'invitation', policy: null };
    const page = await open();
    await title(page, 'Sign in');
    await soon.equal(() => sheet(page).getByRole('button', { name: 'Create an account' }).isVisible(), false);
    const invited = await open(`#/sign-up-invitation/${people.own.inviteToSignUp()}`);
    await title(invited, 'Create an account');
    await sheet(invited).getByLabel('Your name').waitFor();
    await soon.equal(() => sheet(invited).getByRole('link').count(), 0, 'no policy, no link to one');
    people.own.rules = { ...people.own.rules, mode: 'closed' };
    const closed = await open(`#/sign-up-invitation/${people.own.inviteToSignUp()}`);
    await says(sheet(closed), /Nobody can sign up here/);
  }),
);

test(
  'a forgotten password is replaced by a link that comes by mail, and nobody learns who has an account',
  inside(async ({ people, open }) => {
    const page = await open();
    await sheet(page).getByLabel('E-mail').fill('nobody@example.com');
    await press(page, 'Forgot your password?');
    await soon.equal(() => sheet(page).getByLabel('E-mail').inputValue(), 'nobody@example.com');
    await press(page, 'Send the link');
    await says(sheet(page), /If there is an account of nobody@example\.com/);
    assert.equal(people.own.mails.length, 0);
    await press(page, 'Back to signing in');
    await press(page, 'Forgot your password?');
    await sheet(page).getByLabel('E-mail').fill('ben@example.com');
    await press(page, 'Send the link');
    await says(sheet(page), /If there is an account of ben@example\.com/);
    const reset = await open(people.own.mails[0].link);
    await sheet(reset).getByLabel('New password').fill('walnut harbour sixty kites');
    await press(reset, 'Set the password');
    await says(sheet(reset), /The new password is set/);
    people.own.missing.add('POST password/forgotten');
    await press(reset, 'Forgot your password?');
    await sheet(reset).getByLabel('E-mail').fill('ben@example.com');
    await press(reset, 'Send the link');
    await says(sheet(reset), /sends no mails/);
  }),
);

test(
  'an account with a second factor asks for a code, and takes a recovery code once',
  inside(async ({ people, staff, open }) => {
    people.own.protect(staff.ana);
    const page = await open();
    await signIn(page, 'ana@example.com', 'not this one at all');
    await says(sheet(page), /password is wrong/);
    await signIn(page, 'ana@example.com');
    await title(page, 'Second step');
    await sheet(page).getByLabel('Code').fill('000000');
    await press(page, 'Sign in');
    await says(sheet(page), /This code is wrong/);
    await press(page, 'Back');
    await soon.equal(() => sheet(page).getByLabel('E-mail').inputValue(), 'ana@example.com');
    await signIn(page, 'ana@example.com');
    await sheet(page).getByLabel('Code').fill('otter-lamp-1');
    await press(page, 'Sign in');
    await isLive(page);
    people.end(({ user }) => user === staff.ana.id);
    await signIn(page, 'ana@example.com');
    await sheet(page).getByLabel('Code').fill('otter-lamp-1');
    await press(page, 'Sign in');
    await says(sheet(page), /This code is wrong/);
    await sheet(page).getByLabel('Code').fill(CODE);
    await press(page, 'Sign in');
    await isLive(page);
  }),
);

test(
  'somebody with a second factor joins another team with a code',
  inside(async ({ people, staff, open }) => {
    people.own.protect(staff.ben);
    const team = people.team('Warung Kopi', [[people.user('Chi', 'chi@example.com', SECRET), 'owner']]);
    const page = await open(`#/invitation/${team}/${people.invite(team, 'ben@example.com', 'agent')}`);
    await sheet(page).getByLabel('Password of your account').fill(SECRET);
    await soon.equal(() => sheet(page).getByLabel('Code').isVisible(), false);
    await press(page, 'Join the team');
    await sheet(page).getByLabel('Code').fill(CODE);
    await press(page, 'Join the team');
    await isLive(page);
  }),
);

test(
  'a new e-mail address is confirmed by hand, and a policy that is new is asked about',
  inside(async ({ people, staff, open }) => {
    const page = await open();
    await signIn(page, 'ana@example.com');
    await isLive(page);
    const token = staff.ana.email;
    people.own.changeEmail(staff.ana, { email: 'ana.ruiz@example.com', password: SECRET });
    const link = await open(people.own.mails[0].link);
    await title(link, 'Your new e-mail address');
    assert.equal(staff.ana.email, token, 'nothing happens before somebody presses the button');
    await press(link, 'Use the new address');
    await isLive(link);
    assert.equal(staff.ana.email, 'ana.ruiz@example.com');
    const again = await open(people.own.mails[0].link);
    await press(again, 'Use the new address');
    await says(sheet(again), /used already/);
    await press(again, 'Not now');
    await isLive(again);

    staff.ana.policy = { version: '2025-01-01', accepted: 1 };
    const asked = await open();
    await title(asked, 'The privacy policy is new');
    await press(asked, 'Not now');
    await isLive(asked);
    await asked.reload();
    await title(asked, 'The privacy policy is new');
    await press(asked, 'I agree');
    await isLive(asked);
    await eventually('it is written down', () => staff.ana.policy.version === '2026-05-04');
  }),
);

test(
  'somebody goes to the company’s own page by its id or its link, and hears what came of it',
  inside(async ({ tenant, open }) => {
    const went = [];
    const page = await open();
    await page.route('**/v1/sign-in/**', (route) => (went.push(new URL(route.request().url()).pathname), route.fulfill({ status: 302, headers: { location: '/#/sign-in?error=no_role' } })));
    await press(page, 'Sign in with your company');
    await sheet(page).getByLabel('Id of the business').fill(`  ${tenant.toUpperCase()} `);
    await page.keyboard.press('Enter');
    await says(sheet(page), /Your groups in the company have no role here/);
    assert.deepEqual(went, [`/v1/sign-in/${tenant}`]);
    assert.equal(new URL(page.url()).hash, '');
    await press(page, 'Sign in with your company');
    await press(page, 'Use a password');
    await title(page, 'Sign in');
    const linked = await open(`#/sign-in/company/${tenant}`);
    await linked.route('**/v1/sign-in/**', (route) => route.fulfill({ status: 302, headers: { location: '/#/sign-in?error=rate_limited' } }));
    await soon.equal(() => sheet(linked).getByLabel('Id of the business').isVisible(), false);
    await soon.deepEqual(() => axeProblems(linked), []);
    await soon.equal(() => linked.evaluate(() => document.activeElement.tagName), 'BUTTON');
    await linked.keyboard.press('Enter');
    await says(sheet(linked), /Try again in a moment/);
    const strange = await open('#/sign-in?error=something_new');
    await says(sheet(strange), /That did not work\./);
  }),
);
