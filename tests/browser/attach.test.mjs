// Files that agents send: chosen, pasted, dropped, recorded, at hand; and canned replies that are filled in.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { atTheDesk } from './at_the_desk.mjs';
import { checksum } from '../../console/ogg_opus.js';
import { axeProblems } from './axe.mjs';
import { launch } from './browser.mjs';
import { blank, png } from './files.mjs';
import { eventually, keptByBrowser, openConversation, soon } from './hands.mjs';
import { atWork, inTheOffice, visit } from './office.mjs';
import { isAccessible, isSound } from './sound.mjs';

/** A microphone, and a browser that records OGG, which Chromium does not. */
const MICROPHONE = () => {
  let granted = 0;
  navigator.mediaDevices.getUserMedia = async () => {
    if (window.noMicrophone) throw new DOMException('no', 'NotAllowedError');
    granted += 1;
    return { getTracks: () => [{ stop: () => (window.stopped = (window.stopped ?? 0) + 1) }] };
  };
  window.granted = () => granted;
  window.MediaRecorder = class extends EventTarget {
    static isTypeSupported = (type) => type === 'audio/ogg;codecs=opus';
    state = 'inactive';
    start() {
      this.state = 'recording';
    }
    stop() {
      this.state = 'inactive';
      setTimeout(() => {
        this.dispatchEvent(Object.assign(new Event('dataavailable'), { data: new Blob(['OggS…'], { type: 'audio/ogg' }) }));
        this.dispatchEvent(new Event('stop'));
      });
    }
  };
};

let browser;
let withMicrophone;
before(async () => {
  browser = await launch({ reducedMotion: 'reduce' });
  withMicrophone = await launch({ reducedMotion: 'reduce' });
  await withMicrophone.context.addInitScript(MICROPHONE);
});
after(async () => {
  await browser?.close();
  await withMicrophone?.close();
});

/** At the desk with Sari's thread open. */
const desk = (name, body, at = () => browser) =>
  test(name, () =>
    atTheDesk(at().context, async (all) => {
      await openConversation(all.page, all.people.sari);
      const last = () => all.gateway.ledger.messages.get(all.people.sari).at(-1);
      await body({ ...all, last, count: () => all.gateway.ledger.messages.get(all.people.sari).length });
    }),
  );

const write = (page) => page.locator('#write');
const send = (page) => page.getByRole('button', { name: 'Send', exact: true });
const tray = (page) => page.getByRole('list', { name: 'Attached files' });
const ready = (page, count = 1) => eventually(`${count} are ready`, async () => (await tray(page).getByText('Ready to send').count()) === count);
const toast = (page, words) => eventually(`it says ${words}`, async () => words.test(await page.locator('.toasts').textContent()));
const focused = (page) => page.evaluate(() => document.activeElement.textContent);
const file = (name, mimeType, buffer = blank(1000)) => ({ name, mimeType, buffer });

async function choose(page, ...files) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: /^Attach files/ }).click()]);
  await chooser.setFiles(files);
}

/** Hands files to the page as a paste or a drop does. */
const hand = (page, selector, kind, files, text) =>
  page.locator(selector).evaluate(
    (node, [type, all, plain]) => {
      const data = new DataTransfer();
      for (const [name, mime, size] of all) data.items.add(new File([new Uint8Array(size).fill(7)], name, { type: mime }));
      if (plain) data.setData('text/plain', plain);
      const more = { bubbles: true, cancelable: true };
      const event = type === 'paste' ? new ClipboardEvent(type, { ...more, clipboardData: data }) : new DragEvent(type, { ...more, dataTransfer: data });
      return node.dispatchEvent(event);
    },
    [kind, files, text],
  );

desk('files are chosen, shown with their progress, and sent with the text below the first', async ({ page, gateway, last, count, wrong }) => {
  const before = count();
  await choose(page, file('garden.png', 'image/png', png(60, 60)), file('offer.pdf', 'application/pdf', blank(3 * 1_048_576)));
  await ready(page, 2);
  assert.equal(gateway.media.heard.filter((call) => call === 'PUT uploads').length, 1 + 3, 'in pieces');
  await eventually('the picture is drawn', async () => (await tray(page).locator('canvas').count()) === 1);
  await isAccessible(page, 'attached');
  await soon.deepEqual(() => axeProblems(page), []);
  await soon.equal(() => page.evaluate(() => document.activeElement.id), 'write');
  await page.keyboard.type('Here it is');
  await page.keyboard.press('Enter');
  await eventually('both are sent', () => count() === before + 2);
  const [first, second] = gateway.ledger.messages.get(last().conversation_id).slice(-2);
  const [one, other] = [first.content.image, second.content.document];
  assert.deepEqual([one.caption, other.filename, other.caption], ['Here it is', 'offer.pdf', undefined]);
  assert.deepEqual(gateway.media.files.get(one.media_id).bytes, png(60, 60));
  assert.equal(gateway.media.files.get(other.media_id).bytes.length, 3 * 1_048_576);
  await soon.deepEqual(async () => [await write(page).inputValue(), await tray(page).isVisible()], ['', false]);
  await eventually('the picture is in the thread', async () => (await page.locator(`[data-id="${first.id}"] canvas`).count()) === 1);
  assert.equal(gateway.media.heard.filter((call) => call === 'GET media').length, 0, 'the page had it already');
  await soon.deepEqual(async () => [await keptByBrowser(page), wrong], [[], []]);
});

desk('type and size are checked before anything is uploaded', async ({ page, gateway }) => {
  await choose(page, file('page.html', 'text/html'), file('huge.png', 'image/png', blank(5_000_001)), file('nothing.pdf', 'application/pdf', Buffer.alloc(0)));
  await toast(page, /does not take files like page\.html/);
  await toast(page, /huge\.png has 5 MB\. WhatsApp takes 5 MB at most/);
  await toast(page, /nothing\.pdf is empty/);
  await soon.equal(() => tray(page).isVisible(), false);
  assert.deepEqual(gateway.media.heard.filter((call) => /uploads/.test(call)), []);
});

desk('pictures are pasted and files are dropped; a text that is pasted with its picture stays a text', async ({ page }) => {
  assert.equal(await hand(page, '#write', 'paste', [['image.png', 'image/png', 40]]), false);
  await ready(page, 1);
  assert.equal(await hand(page, '#write', 'paste', [['cell.png', 'image/png', 40]], 'A1'), true);
  await hand(page, '#log', 'dragover', [['a.pdf', 'application/pdf', 40]]);
  await eventually('it says where', () => page.getByText('Drop files here').isVisible());
  assert.equal(await hand(page, '#log', 'drop', [['a.pdf', 'application/pdf', 40]]), false);
  await ready(page, 2);
  await eventually('it says so no more', async () => !(await page.getByText('Drop files here').isVisible()));
  assert.equal(await hand(page, '#rows', 'dragover', [['b.pdf', 'application/pdf', 40]]), false, 'the page is not left for a file');
  assert.equal(await hand(page, '#rows', 'drop', [['b.pdf', 'application/pdf', 40]]), false);
  await page.keyboard.press('Alt+KeyP');
  await hand(page, '#log', 'drop', [['c.pdf', 'application/pdf', 40]]);
  await eventually('a note has no files', async () => !(await tray(page).isVisible()));
  await eventually('none are offered', async () => !(await page.getByRole('button', { name: /^Attach files/ }).isVisible()));
  await page.keyboard.press('Alt+KeyL');
  await ready(page, 2);
  await hand(page, '#log', 'drop', Array.from({ length: 9 }, (_, i) => [`d${i}.pdf`, 'application/pdf', 40]));
  await toast(page, /At most 10 files/);
  await ready(page, 10);
  await soon.equal(() => tray(page).getByText('c.pdf').count(), 0, 'it was dropped on a note');
});

desk('what is done before a frame has passed belongs to what was changed to', async ({ page, gateway, people }) => {
  const outbound = () => [...gateway.ledger.messages.values()].flat().filter(({ direction }) => direction === 'outbound').length;
  const before = outbound();
  await write(page).fill('For Sari alone');
  const written = await page.evaluate(() => {
    const write = /** @type {HTMLTextAreaElement} */ (document.getElementById('write'));
    const key = (code, more) => write.dispatchEvent(new KeyboardEvent('keydown', { code, bubbles: true, cancelable: true, ...more }));
    const drop = (name) => {
      const data = new DataTransfer();
      data.items.add(new File(['%PDF'], name, { type: 'application/pdf' }));
      document.getElementById('log').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));
    };
    key('KeyP', { altKey: true });
    drop('note.pdf');
    key('KeyL', { altKey: true });
    drop('reply.pdf');
    key('KeyJ', { altKey: true });
    key('Enter', { key: 'Enter' });
    return write.value;
  });
  assert.equal(written, '', 'the other customer has no draft');
  await openConversation(page, people.sari);
  await ready(page);
  await soon.deepEqual(() => tray(page).locator('.tray-name').allTextContents(), ['reply.pdf']);
  await soon.equal(() => write(page).inputValue(), 'For Sari alone');
  assert.equal(outbound(), before);
});

desk('over a line that is cut an upload goes on where it was, and nothing is sent before it is whole', async ({ page, gateway, count }) => {
  const before = count();
  gateway.faults.cut = (method, url) => method !== 'POST' && url.pathname.startsWith('/v1/uploads') && url.searchParams.get('offset') !== '0';
  await choose(page, file('film.mp4', 'video/mp4', blank(2_500_000)));
  await eventually('it waits', () => tray(page).getByText('Waiting for the connection').isVisible());
  await page.keyboard.type('Watch this');
  await page.keyboard.press('Enter');
  await eventually('it says why not', () => page.getByText('A file is still being uploaded').isVisible());
  assert.equal(count(), before);
  gateway.faults.cut = undefined;
  await ready(page);
  const parts = gateway.media.heard.filter((call) => call === 'PUT uploads').length;
  assert.equal(parts, 3, 'no piece came twice');
  await page.keyboard.press('Enter');
  await eventually('it is sent', () => count() === before + 1);
});

desk('an upload is stopped, and one that failed is tried again', async ({ page, gateway, count, last }) => {
  const before = count();
  gateway.faults.cut = () => true;
  await choose(page, file('one.pdf', 'application/pdf'));
  await page.getByRole('button', { name: 'Stop uploading one.pdf' }).click();
  await eventually('it is gone', async () => !(await tray(page).isVisible()));
  await soon.equal(() => page.evaluate(() => document.activeElement.id), 'write');
  gateway.faults.cut = undefined;
  gateway.media.faults.begin = [422, 'limit_reached'];
  await choose(page, file('two.pdf', 'application/pdf'));
  await eventually('it says why', () => tray(page).getByText('There is no room for more files').isVisible());
  await isAccessible(page, 'a failed upload');
  await soon.deepEqual(() => axeProblems(page), []);
  await write(page).press('Enter');
  await eventually('it is not sent', () => page.getByText('A file was not uploaded').isVisible());
  assert.equal(count(), before);
  gateway.media.faults = {};
  await page.getByRole('button', { name: 'Try again: two.pdf' }).click();
  await ready(page);
  await send(page).click();
  await eventually('it is sent', () => last().content.document?.filename === 'two.pdf');
});

desk('files stay with their conversation, and the page asks before they are lost', async ({ page, people, wrong }) => {
  await choose(page, file('garden.png', 'image/png', png(10, 10)));
  await ready(page);
  await openConversation(page, people.tomas);
  await soon.equal(() => tray(page).isVisible(), false);
  await openConversation(page, people.hannah);
  await soon.equal(() => page.getByRole('button', { name: /^Attach files/ }).isVisible(), false, 'a closed window takes none');
  await openConversation(page, people.sari);
  await ready(page);
  await page.close({ runBeforeUnload: true });
  await eventually('it asks', () => wrong.some((line) => line.startsWith('dialog:')));
});

desk('a refused file stays in the thread, and is sent again from there', async ({ page, gateway, last }) => {
  gateway.faults.refuse = 'opted_out';
  await choose(page, file('garden.png', 'image/png', png(10, 10)));
  await ready(page);
  await send(page).click();
  const failed = page.locator('.message.pending');
  await eventually('it says why', async () => /does not want messages/.test(await failed.textContent()));
  await eventually('with the picture', async () => (await failed.locator('canvas').count()) === 1);
  gateway.faults.refuse = undefined;
  await failed.getByRole('button', { name: 'Try again' }).click();
  await eventually('it is sent', () => last().content.image !== undefined);
});

desk('somebody else’s answer is shown before a file goes, and it goes when told so', async ({ page, gateway, people, last, count }) => {
  await choose(page, file('garden.png', 'image/png', png(10, 10)));
  await ready(page);
  gateway.ledger.submit(people.sari, { type: 'text', text: { body: 'I have it' } }, { author: { kind: 'agent', id: 'ben' } });
  const before = count();
  await eventually('it says so', () => page.getByText(/Ben replied/).isVisible());
  await send(page).click();
  await soon.equal(() => focused(page), 'Review');
  assert.equal(count(), before);
  await page.getByRole('button', { name: 'Send anyway' }).click();
  await eventually('it is sent', () => last().content.image !== undefined);
});

desk('without a browser that records what WhatsApp takes no recording is offered', async ({ page }) => {
  await page.addInitScript(() => delete window.MediaRecorder);
  await page.reload();
  await page.getByRole('button', { name: /^Attach files/ }).waitFor();
  await soon.equal(() => page.getByRole('button', { name: 'Record a voice message' }).isVisible(), false);
});

desk(
  'a voice message is recorded, can be heard and discarded, and is sent as one',
  async ({ page, gateway, people, count, last, wrong }) => {
    const before = count();
    const record = page.getByRole('button', { name: 'Record a voice message' });
    await record.click();
    await eventually('it counts', () => page.getByText(/Recording 0:0[1-9]/).isVisible());
    await page.getByRole('button', { name: 'Discard the recording' }).click();
    await eventually('nothing is kept', async () => !(await tray(page).isVisible()));
    await soon.equal(() => page.evaluate(() => window.stopped), 1, 'the microphone is off');
    await record.click();
    await page.getByRole('button', { name: 'Stop recording' }).waitFor();
    await write(page).fill('x');
    await write(page).press('Enter');
    await eventually('not before it is stopped', () => page.getByText('still being recorded').isVisible());
    await write(page).fill('');
    await page.getByRole('button', { name: 'Stop recording' }).click();
    await ready(page);
    await soon.equal(() => tray(page).locator('audio').count(), 1);
    await soon.equal(() => page.evaluate(() => window.stopped), 2);
    await isAccessible(page, 'recorded');
    await write(page).press('Enter');
    await eventually('it is sent', () => count() === before + 1);
    assert.equal(last().content.audio.voice, true);
    assert.equal(gateway.media.files.get(last().content.audio.media_id).mime, 'audio/ogg');
    await record.click();
    await page.getByRole('button', { name: 'Stop recording' }).waitFor();
    await openConversation(page, people.tomas);
    await eventually('the microphone is off elsewhere', async () => (await page.evaluate(() => window.stopped)) === 3);
    await openConversation(page, people.sari);
    await ready(page);
    await page.getByRole('button', { name: 'Remove voice.ogg' }).click();
    await page.evaluate(() => (window.noMicrophone = true));
    await record.click();
    await toast(page, /does not allow this page to use the microphone/);
    await soon.equal(() => tray(page).isVisible(), false);
    assert.deepEqual(wrong, []);
  },
  () => withMicrophone,
);

/** What the pages of an OGG stream say, in order; fails where one is not whole. */
function pagesOf(bytes) {
  const pages = [];
  for (let at = 0; at < bytes.length; ) {
    assert.equal(bytes.toString('latin1', at, at + 4), 'OggS');
    const count = bytes[at + 26];
    const table = [...bytes.subarray(at + 27, at + 27 + count)];
    const body = at + 27 + count;
    const end = body + table.reduce((sum, one) => sum + one, 0);
    const whole = Buffer.from(bytes.subarray(at, end));
    const sum = whole.readUInt32LE(22);
    whole.writeUInt32LE(0, 22);
    assert.equal(checksum(whole), sum);
    pages.push({ kind: bytes[at + 5], granule: Number(bytes.readBigUInt64LE(at + 6)), begin: bytes.toString('latin1', body, body + 8), channels: bytes[body + 9] });
    at = end;
  }
  return pages;
}

test("what the browser's own recorder records becomes a voice message in OGG, which it plays", async () => {
  const recorder = await launch({ reducedMotion: 'reduce', args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });
  try {
    await atTheDesk(recorder.context, async ({ page, gateway, people, wrong }) => {
      await openConversation(page, people.sari);
      const count = () => gateway.ledger.messages.get(people.sari).length;
      const before = count();
      await page.getByRole('button', { name: 'Record a voice message' }).click();
      await eventually('two seconds are recorded', () => page.getByText(/Recording 0:0[2-9]/).isVisible());
      await page.getByRole('button', { name: 'Stop recording' }).click();
      await ready(page);
      await eventually('the browser can play it', () => tray(page).locator('audio').evaluate((audio) => audio.duration > 1 && audio.duration < 60));
      await write(page).press('Enter');
      await eventually('it is sent', () => count() === before + 1);
      const { audio } = gateway.ledger.messages.get(people.sari).at(-1).content;
      assert.equal(audio.voice, true);
      const { mime, bytes } = gateway.media.files.get(audio.media_id);
      assert.equal(mime, 'audio/ogg');
      const pages = pagesOf(Buffer.from(bytes));
      assert.deepEqual(pages.slice(0, 2).map(({ begin, kind }) => [begin, kind]), [['OpusHead', 2], ['OpusTags', 0]]);
      assert.deepEqual([pages[0].channels, pages.at(-1).kind], [1, 4]);
      assert.ok(pages.at(-1).granule > 48_000, 'more than a second');
      assert.deepEqual(wrong, []);
    });
  } finally {
    await recorder.close();
  }
});

// --- what is at hand -----------------------------------------------------------------------------------------------

const list = (page) => page.getByRole('listbox', { name: 'Canned replies' });

desk('a canned reply is filled in, and shown so before it is taken; what is not known is not sent', async ({ page, gateway, count, last }) => {
  gateway.ledger.putCannedReply('hi', 'Hello {{name}}, this is {{agent}}.');
  gateway.ledger.putCannedReply('ship', 'We ship to {{attribute.city}} today.');
  await write(page).pressSequentially('/hi');
  await eventually('it is filled in', async () => /Hello Sari Wijaya, this is Ana\./.test(await list(page).textContent()));
  await page.keyboard.press('Enter');
  await soon.equal(() => write(page).inputValue(), 'Hello Sari Wijaya, this is Ana.');
  await write(page).fill('');
  await write(page).pressSequentially('/ship');
  await list(page).getByRole('option', { name: '/ship' }).waitFor();
  await page.keyboard.press('Enter');
  const selected = () => write(page).evaluate((node) => node.value.slice(node.selectionStart, node.selectionEnd));
  await soon.equal(() => selected(), '{{attribute.city}}');
  const before = count();
  await page.keyboard.press('Enter');
  await eventually('it says what is missing', () => page.getByText('Nothing is known for {{attribute.city}}').isVisible());
  assert.equal(count(), before);
  await page.keyboard.type('Ubud');
  await page.keyboard.press('Enter');
  await eventually('it is sent', () => last().content.text?.body === 'We ship to Ubud today.');
});

desk('what looks like a hole and is none goes out as it was written', async ({ page, gateway, people, last }) => {
  gateway.ledger.putCannedReply('hi', 'Hello {{name}}.');
  await write(page).fill('Put {{name}} where the name goes');
  await page.keyboard.press('Enter');
  await eventually('it is sent', () => last().content.text?.body === 'Put {{name}} where the name goes');
  const { contact_id: contact } = gateway.ledger.conversations.get(people.sari);
  gateway.contacts.change(contact, { name: '{{agent}}' });
  await eventually('the customer is called so', async () => (await page.locator('#thread-head h1').textContent()) === '{{agent}}');
  await write(page).pressSequentially('/hi');
  await list(page).getByRole('option', { name: '/hi' }).waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await eventually('and to somebody who is called like one', () => last().content.text?.body === 'Hello {{agent}}.');
});

desk('nobody has canned replies of their own where nobody signs in', async ({ page }) => {
  await write(page).pressSequentially('/');
  await list(page).getByRole('option', { name: 'New canned reply…' }).click();
  await page.locator('#dialog').getByLabel('Text').waitFor();
  await soon.equal(() => page.locator('#dialog').getByLabel('Only for me').count(), 0);
});

const office = (name, body) => test(name, () => inTheOffice(browser.context, body));

office('a canned reply of one’s own is marked, and stays one’s own when it is edited', async ({ gateway, customers, open }) => {
  const page = await atWork(open, 'ben@example.com');
  await openConversation(page, customers.sari);
  await write(page).pressSequentially('/');
  await list(page).getByRole('option', { name: 'New canned reply…' }).click();
  const dialog = page.locator('#dialog');
  await dialog.getByLabel('Shortcut').fill('mine');
  await dialog.getByLabel('Text').fill('Only mine');
  await dialog.getByLabel('Only for me').check();
  await soon.deepEqual(() => axeProblems(page), []);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await eventually('it is private', () => gateway.ledger.cannedReplies.get('mine')?.private === true);
  await eventually('it is marked', async () => /Only you see this one/.test(await list(page).textContent()));
  await list(page).getByRole('option', { name: 'Manage…' }).click();
  await dialog.getByRole('button', { name: 'Edit /mine' }).click();
  await soon.ok(() => dialog.getByLabel('Only for me').isChecked());
  await dialog.getByLabel('Only for me').uncheck();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await eventually('it is everybody’s', () => gateway.ledger.cannedReplies.get('mine').private === undefined);
});

desk('a file at hand is attached by its shortcut, and not to a note', async ({ page, gateway, last }) => {
  const { media_id } = gateway.media.keep('application/pdf', blank(2_000), 'prices.pdf');
  gateway.media.quick.set('prices', media_id);
  gateway.ledger.putCannedReply('hours', 'From 9 to 5');
  await write(page).pressSequentially('/pri');
  await eventually('it is found', async () => /\/prices.*prices\.pdf/.test(await list(page).textContent()));
  await page.keyboard.press('Enter');
  await ready(page);
  await soon.equal(() => write(page).inputValue(), '');
  await page.keyboard.type('Our prices');
  await page.keyboard.press('Enter');
  await eventually('it is sent', () => last().content.document?.caption === 'Our prices');
  assert.equal(last().content.document.media_id, media_id);
  await page.keyboard.press('Alt+KeyP');
  await write(page).pressSequentially('/');
  await list(page).getByRole('option', { name: '/hours' }).waitFor();
  await soon.equal(() => list(page).getByRole('option', { name: '/prices' }).count(), 0);
});

test('files at hand are added and deleted on the page of the canned replies', () =>
  inTheOffice(browser.context, async ({ gateway, open }) => {
    const page = await atWork(open, 'ben@example.com');
    const place = await visit(page, 'Canned replies');
    await place.getByRole('button', { name: 'Add a file' }).click();
    await place.getByLabel('Shortcut').fill('two words');
    const save = () => place.getByRole('button', { name: 'Save' }).click();
    const says = (words) => eventually(`it says ${words}`, async () => words.test(await place.textContent()));
    await save();
    await says(/A shortcut is 1 to 32/);
    await place.getByLabel('Shortcut').fill('/Prices');
    await save();
    await says(/Choose a file first/);
    await place.getByLabel('File', { exact: true }).setInputFiles(file('prices.exe', 'application/x-msdownload'));
    await save();
    await says(/does not take files like prices\.exe/);
    await place.getByLabel('File', { exact: true }).setInputFiles(file('prices.pdf', 'application/pdf', blank(1_500_000)));
    await isSound(page, 'a file at hand');
    await save();
    await says(/\/prices.*prices\.pdf.*1\.5 MB/);
    assert.equal(gateway.media.quick.size, 1);
    await isSound(page, 'files at hand');
    await place.getByRole('button', { name: 'Delete the file /prices' }).click();
    await place.locator('.account-question').getByRole('button', { name: 'Delete the file /prices' }).click();
    await eventually('it is deleted', () => gateway.media.quick.size === 0);
    await says(/There are none yet/);
  }));

test('who may only read is offered no files', () =>
  inTheOffice(browser.context, async ({ customers, open }) => {
    const page = await atWork(open, 'rita@example.com');
    await openConversation(page, customers.sari);
    await eventually('it says so', () => page.getByText('You may read here').isVisible());
    await soon.equal(() => page.getByRole('button', { name: /^Attach files/ }).isVisible(), false);
    await hand(page, '#log', 'drop', [['a.pdf', 'application/pdf', 40]]);
    await soon.equal(() => tray(page).isVisible(), false);
  }));
