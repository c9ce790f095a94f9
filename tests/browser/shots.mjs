// Pictures of the page in its states: `node shots.mjs FOLDER`, to be looked at after a change of the looks.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launch, openPage } from './browser.mjs';
import { someUsage } from './fake/business.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { blank, png, wav } from './files.mjs';
import { tell } from './fake/story.mjs';
import { choose, signIn, withStaff } from './office.mjs';

const folder = process.argv[2] ?? 'shots';
const only = process.argv[3];
await mkdir(folder, { recursive: true });

const show = (name) => (page) =>
  page
    .locator('.row', { hasText: name })
    .first()
    .click()
    .then(() => page.mouse.move(900, 400))
    .then(() => page.waitForTimeout(400));
const canned = async (page, gateway) => {
  const { ledger } = gateway;
  ledger.putCannedReply('address', 'We are at 12 Garden Lane, behind the market.\nThe gate is open from 8:00.');
  ledger.putCannedReply('hours', 'We are open from Monday to Saturday, 8:00 to 18:00.');
  ledger.putCannedReply('hours-ar', 'نحن مفتوحون من الاثنين إلى السبت، من 8:00 إلى 18:00.');
  await show('Sari')(page);
  await page.locator('#write').pressSequentially('/');
  await page.waitForTimeout(300);
};
const chosen = (entry) => async (page) => {
  await choose(page, entry);
  await page.waitForTimeout(400);
};
const SHOTS = {
  welcome: { agent: null },
  empty: {},
  garden: { act: show('Sari') },
  kinds: { act: show('Dewi') },
  kinds_top: {
    act: async (page) => {
      await show('Dewi')(page);
      await page.locator('#log').evaluate((log) => (log.scrollTop = 0));
      await page.waitForTimeout(300);
    },
  },
  failed: { act: show('Tomás') },
  closed: { act: show('Hannah') },
  hostile: { act: show('Mallory') },
  unbroken: { act: show('eyJ') },
  odd: { act: show('Iklan') },
  rtl: { act: show('يارا') },
  details: {
    act: async (page) => {
      await show('Tomás')(page);
      await page.getByRole('button', { name: 'Details' }).and(page.locator('.problem button')).first().click();
      await page.waitForTimeout(300);
    },
  },
  template: {
    act: async (page) => {
      await show('Hannah')(page);
      await page.getByRole('button', { name: 'Send template' }).click();
      await page.getByRole('button', { name: /^order_update/ }).click();
      await page.waitForTimeout(300);
    },
  },
  files: {
    act: async (page, gateway) => {
      const { ledger, media } = gateway;
      const id = ledger.meet({ name: 'Intan', phone: '628123' });
      const sent = (kind, file, more) => ledger.receive(id, { type: kind, [kind]: { id: '7', ...more } }, Date.now(), file);
      sent('image', media.keep('image/png', png(800, 500)), { caption: 'The garden' });
      sent('audio', media.keep('audio/wav', wav(30)), { voice: true });
      sent('document', media.keep('application/pdf', blank(1_234_567), 'offer.pdf'), { filename: 'offer.pdf' });
      sent('video', { media_id: 'x', state: 'pending' });
      await show('Intan')(page);
      await page.locator('.composer input[type=file]').setInputFiles({ name: 'tree.png', mimeType: 'image/png', buffer: png(40, 40, [60, 120, 60]) });
      await page.waitForTimeout(600);
    },
  },
  canned: { act: canned },
  canned_dialog: {
    act: async (page, gateway) => {
      await canned(page, gateway);
      await page.getByRole('option', { name: 'Manage…' }).click();
      await page.getByRole('button', { name: 'Delete /address' }).click();
      await page.waitForTimeout(300);
    },
  },
  note: {
    act: async (page) => {
      await show('Sari')(page);
      await page.keyboard.press('Alt+KeyP');
      await page.keyboard.type('Ask her about the gloves');
      await page.waitForTimeout(200);
    },
  },
  changed: {
    act: async (page, gateway, people) => {
      await show('Sari')(page);
      await page.locator('#write').fill('Gloves are');
      await page.waitForTimeout(200);
      gateway.ledger.submit(
        people.sari,
        { type: 'text', text: { body: 'Gloves are here, no need to bring any!' } },
        { author: { kind: 'agent', id: 'ben' } },
      );
      await page.waitForTimeout(400);
    },
  },
  paused: {
    act: async (page, gateway) => {
      gateway.ledger.stand({
        state: 'paused',
        scope: 'all',
        reason: 'access_token',
        code: 190,
        title: 'Error validating access token',
        details: 'The session has been invalidated because the user changed their password.',
        until: Date.now() + 4 * 60_000,
      });
      await show('Sari')(page);
    },
  },
  paused_list: {
    act: async (page, gateway) => {
      gateway.ledger.stand({ state: 'paused', scope: 'all', reason: 'payment', code: 131042, title: 'Business eligibility payment issue' });
      await page.waitForTimeout(300);
    },
  },
  fresh: {
    act: async (page, gateway, people) => {
      await page.locator('.row').nth(2).hover();
      for (const who of ['hannah', 'dewi']) gateway.ledger.receive(people[who], { type: 'text', text: { body: 'Me first' } });
      await page.waitForTimeout(300);
    },
  },
  group: { act: show('Sunday') },
  about: {
    act: async (page) => {
      await show('Dewi')(page);
      await page.getByRole('button', { name: 'About this conversation' }).click();
      await page.waitForTimeout(300);
    },
  },
  hover: {
    act: async (page) => {
      await show('Sari')(page);
      await page.locator('.message.in').nth(-2).hover();
      await page.waitForTimeout(300);
    },
  },
  sign_in: { staff: { email: null } },
  invitation: { staff: { email: null, hash: ({ people, tenant }) => `#/invitation/${tenant}/${people.invite(tenant, 'nia@example.com', 'agent')}` } },
  new_password: { staff: { email: null, hash: ({ people, staff }) => `#/password/${people.reset(staff.ana)}` } },
  no_team: { staff: { email: 'lone@example.com' } },
  menu: { staff: { email: 'ana@example.com' }, act: (page) => page.getByRole('button', { name: 'Your account' }).click() },
  contacts: { staff: { email: 'ana@example.com', hash: () => '#/contacts' } },
  contact: { staff: { email: 'ana@example.com', hash: () => '#/contacts' }, act: (page) => page.locator('.contact-row', { hasText: 'Sari' }).click().then(() => page.waitForTimeout(400)) },
  segment: {
    staff: { email: 'ana@example.com', hash: () => '#/contacts/segments' },
    act: async (page) => {
      await page.getByRole('button', { name: 'New segment' }).click();
      await page.getByLabel('Who is in it').fill('label = "vip" and owner = none');
      await page.waitForTimeout(900);
    },
  },
  import: {
    staff: { email: 'ana@example.com', hash: () => '#/contacts/imports' },
    act: async (page) => {
      await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'customers.csv', mimeType: 'text/csv', buffer: Buffer.from('Phone,Name,City\n+6012345678,Nur,Ipoh\n+6012345679,Ali,Muar\n') });
      await page.waitForTimeout(500);
    },
  },
  broadcasts: { staff: { email: 'ana@example.com', hash: () => '#/broadcasts' } },
  // The other picture of README.md, docs/broadcast.png, is `broadcast-laptop`.
  broadcast: {
    staff: { email: 'ana@example.com', hash: () => '#/broadcasts' },
    act: async (page, { broadcasts }) => {
      await page.getByRole('link', { name: 'Spring sale' }).click();
      await page.locator('.broadcast-totals').waitFor();
      const one = broadcasts.rows.find(({ name }) => name === 'Spring sale');
      for (let i = 1; i < 6; i += 1) {
        await page.waitForTimeout(1_100);
        const { counts } = one;
        broadcasts.goOn(one, { read: 9_000 + 700 * i ** 2, delivered: 14_000 + 900 * i, sent: 3_100 + 200 * i, queued: 80, failed: 250 + 20 * i, unknown: 1 }, { counts: { failed_by_code: counts.failed_by_code, reactions: counts.reactions } });
      }
      await page.waitForTimeout(1_200);
    },
  },
  broadcast_template: {
    staff: { email: 'ana@example.com', hash: () => '#/broadcasts' },
    act: async (page) => {
      await page.getByRole('link', { name: 'Opening hours in June' }).click();
      await page.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: 'Template' }).click();
      await page.getByRole('button', { name: 'Choose another' }).click();
      await page.getByRole('button', { name: /^order_update/ }).click();
      await page.getByLabel('Text for {{1}}: where it comes from', { exact: true }).selectOption('the name');
      await page.waitForTimeout(400);
    },
  },
  team: { staff: { email: 'ana@example.com', hash: () => '#/team' } },
  business: { staff: { email: 'ana@example.com', hash: () => '#/business' } },
  retention: {
    staff: { email: 'ana@example.com', hash: () => '#/business' },
    act: async (page) => {
      await page.getByLabel('Days').fill('90');
      await page.getByRole('button', { name: 'Show what would change' }).click();
      await page.waitForTimeout(400);
    },
  },
  numbers: { staff: { email: 'ana@example.com', hash: () => '#/numbers' }, act: (page) => page.getByRole('button', { name: /^Check/ }).click() },
  number_form: { staff: { email: 'ana@example.com', hash: () => '#/numbers' }, act: (page) => page.getByRole('button', { name: 'Add a number' }).click() },
  api_keys: { staff: { email: 'ana@example.com', hash: () => '#/keys' }, act: (page) => page.getByRole('button', { name: 'New key' }).click() },
  canned_page: { staff: { email: 'ana@example.com', hash: () => '#/canned-replies' } },
  usage: { staff: { email: 'ana@example.com', hash: () => '#/usage' } },
  audit: { staff: { email: 'ana@example.com', hash: () => '#/audit' } },
  rail_menu: { staff: { email: 'ana@example.com' }, act: (page) => page.getByRole('button', { name: 'More pages' }).click() },
  team_question: {
    staff: { email: 'ana@example.com', hash: () => '#/team' },
    act: async (page) => {
      await page.getByRole('button', { name: 'Remove Rita' }).click();
    },
  },
  account: { staff: { email: 'ana@example.com', hash: () => '#/profile' }, act: async () => {} },
  read_only: { staff: { email: 'rita@example.com' }, act: show('Sari') },
  // The picture of README.md, docs/page.png, is that of `readme-laptop`: without the customers whose names and words are there to break something.
  readme: {
    staff: { email: 'ana@example.com' },
    act: async (page, { ledger }, { mallory, iklan, wide }) => {
      for (const id of [mallory, iklan, wide]) ledger.conversations.delete(id);
      await page.setViewportSize({ width: 1280, height: 760 });
      await page.reload();
      await page.waitForTimeout(700);
      await show('Sari')(page);
      await page.waitForTimeout(700);
    },
  },
  reconnecting: {
    act: async (page, gateway) => {
      await show('Sari')(page);
      gateway.faults.ticket = 503;
      for (const session of gateway.sessions) session.cut();
      await page.waitForTimeout(4_000);
      await page.locator('#write').fill('Written while the line is down');
      await page.keyboard.press('Enter');
      await page.waitForTimeout(300);
    },
  },
};

/** Something to see on each page. */
function furnish({ broadcasts, business, contacts, ledger }, { ana, ben }) {
  const now = Date.now();
  contacts.attributes.push({ key: 'city', name: 'City', type: 'text' }, { key: 'plan', name: 'Plan', type: 'choice', choices: ['basic', 'plus'] });
  contacts.lists.push({ list_id: 'l1', name: 'Newsletter', created: now - 9e9 });
  contacts.segments.push({ segment_id: 's1', name: 'Regulars', filter: 'label = "vip"', words: 'Whoever has the label vip.', changed_at: now });
  const sari = [...ledger.contacts.values()].find((one) => one.name?.startsWith('Sari'));
  contacts.change(sari.id, { given_name: 'Ibu Sari', labels: ['vip', 'garden'], owner: ana.id, attributes: { city: 'Jakarta' }, lists: ['l1'], consents: { marketing: { state: 'given', at: now - 9e8, source: 'form in the shop' } } });
  const by = { kind: 'agent', id: ana.id };
  const audience = { type: 'list', list_id: 'l1' };
  const more = { created_by: by, launched_by: by, audience, expected_end: now + 780_000 };
  broadcasts.addRunning('Ramadan hours', 12_400, { read: 8_100, delivered: 3_200, sent: 900, failed: 200 }, { ...more, state: 'done', ended_at: now, launched_at: now - 9e8 });
  const sale = broadcasts.addRunning('Spring sale', 80_000, { read: 9_000, delivered: 14_000, sent: 3_100, queued: 80, failed: 250, unknown: 1 }, more);
  Object.assign(sale.counts, { failed_by_code: { 131026: 160, 131049: 90 }, reactions: { replied: 412, clicked: 380, opted_out: 21 } });
  broadcasts.add({ name: 'Opening hours in June', audience, created_by: by });
  business.rows = someUsage(30, now);
  business.keys.push(
    { key_id: '0a1b2c3d', name: 'Web shop', scopes: ['send', 'read'], created: now - 9e8, revoked: null, expires: now + 9e9 },
    { key_id: '1a1b2c3d', name: 'Old import', scopes: ['read'], created: now - 9e9, revoked: now - 9e7, expires: null },
  );
  business.note({ kind: 'user', id: ana.id }, 'role_changed', { target: { kind: 'user', id: ben.id }, details: { before: 'agent', after: 'admin' } });
  business.note({ kind: 'nobody', id: null }, 'sign_in_failed', { details: { why: 'wrong_password' } });
  business.note({ kind: 'key', id: '0a1b2c3d', name: 'Web shop' }, 'canned_reply_written', { target: { kind: 'canned_reply', id: 'address' } });
  ledger.putCannedReply('address', 'We are at 12 Garden Lane, behind the market.\nThe gate is open from 8:00.');
}

const openDemo = (context, gateway, agent) => openPage(context, agent ? `${gateway.url}/?agent=${agent}` : gateway.url);

/** The page of a gateway to which people sign in; as somebody, unless that is null. */
async function openOffice(context, gateway, { email, hash = () => '' }) {
  const office = withStaff(gateway);
  furnish(gateway, office.staff);
  office.people.user('Lone', 'lone@example.com', office.staff.ana.password);
  await context.clearCookies();
  const { page } = await openPage(context, `${gateway.localUrl}/${hash(office)}`);
  if (email) await signIn(page, email);
  // What Chromium says of a 401 is no mistake of the page.
  return { page, wrong: [] };
}

const LOOKS = {
  light: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' },
  narrow: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  laptop: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  tablet: { viewport: { width: 800, height: 900 }, colorScheme: 'light' },
  middle: { viewport: { width: 1024, height: 720 }, colorScheme: 'dark' },
};

for (const [look, options] of Object.entries(LOOKS)) {
  const { context, close } = await launch(options);
  for (const [name, { act, agent = 'ana', staff }] of Object.entries(SHOTS)) {
    if (only && !`${name}-${look}`.includes(only)) continue;
    const gateway = new FakeGateway();
    const people = tell(gateway.ledger);
    await gateway.start();
    const { page, wrong } = staff ? await openOffice(context, gateway, staff) : await openDemo(context, gateway, agent);
    await page.waitForTimeout(700);
    await act?.(page, gateway, people).catch((error) => console.log(name, look, error.message.split('\n')[0]));
    await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
    if (wrong.length > 0) console.log(name, look, wrong);
    await page.close({ runBeforeUnload: false });
    await gateway.stop();
  }
  await close();
}
