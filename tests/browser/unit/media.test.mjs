import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addTexts } from '../../../console/language.js';
import { MediaApi, acceptedTypes, bytesText, kindOfFile, spanText } from '../../../console/media.js';
import { demandDrawable, sizeOf } from '../../../console/picture_size.js';
import { emptyState, reduce } from '../../../console/store.js';
import '../english.mjs';
import { png } from '../files.mjs';

await addTexts('media');

const file = (name, type, size = 1_000) => kindOfFile({ name, type, size });

test('WhatsApp’s kinds go by type, and by the ending where a browser knows no type', () => {
  const kinds = [
    ['a.jpg', 'image/jpeg', 'image'],
    ['a.webp', 'image/webp', 'sticker'],
    ['a.mp4', 'video/mp4', 'video'],
    ['voice.ogg', 'audio/ogg; codecs=opus', 'audio'],
    ['a.pdf', 'application/pdf', 'document'],
    ['a.DOCX', '', 'document'],
    ['b.opus', '', 'audio'],
  ];
  for (const [name, type, kind] of kinds) assert.equal(file(name, type).kind, kind, name);
  assert.equal(file('a.DOCX', '').mime, 'application/vnd.openxmlformats-officedocument.wordprocessingml.document');
  for (const [name, type] of [['a.svg', 'image/svg+xml'], ['a.html', 'text/html'], ['a.pdf', 'text/html'], ['a.exe', ''], ['noending', ''], ['constructor', 'constructor']])
    assert.match(file(name, type).problem, /does not take files like/, name);
});

test('each kind has its largest size, and nothing is sent empty', () => {
  for (const [name, type, most] of [
    ['a.png', 'image/png', 5e6],
    ['a.mp4', 'video/mp4', 16e6],
    ['a.ogg', 'audio/ogg', 16e6],
    ['a.webp', 'image/webp', 5e5],
    ['a.pdf', 'application/pdf', 100e6],
  ]) {
    assert.equal(file(name, type, most).problem, undefined, name);
    assert.match(file(name, type, most + 1).problem, /at most/, name);
  }
  assert.match(file('a.png', 'image/png', 0).problem, /is empty/);
});

test('a dialog for choosing files offers types and endings, of some kinds or of all', () => {
  assert.equal(acceptedTypes(['image']), 'image/jpeg,.jpg,.jpeg,image/png,.png');
  assert.ok(acceptedTypes().includes('.pptx'));
});

test('sizes and lengths are written as people read them', () => {
  assert.deepEqual([0, 999, 1_000, 240_044, 1_234_567, 100e6].map(bytesText), ['0 bytes', '999 bytes', '1 kB', '240 kB', '1.2 MB', '100 MB']);
  assert.deepEqual([0, 5.9, 65, 600].map(spanText), ['0:00', '0:05', '1:05', '10:00']);
});

test('an address of a file is one on this server, whatever it is called there, and nothing else', async () => {
  const answering = (url) => new MediaApi({ asked: async () => ({ url }) }).link('1');
  assert.equal(await answering('https://gateway.example/media/abc?x=1'), '/media/abc?x=1');
  assert.equal(await answering('/media/abc'), '/media/abc');
  assert.equal(await answering('https://example.com/chat/media/abc'), '/media/abc', 'a public address with a path');
  for (const url of ['https://evil.example/elsewhere', 'javascript:alert(1)', '/console/app.js', '/media/../v1/session'])
    await assert.rejects(answering(url), undefined, url);
});

test('a file that has come is in its message, also when the event was faster than the page of the thread', () => {
  const message = { id: 'm1', conversation_id: 'c', direction: 'inbound', created: 1, content: { type: 'image', image: {} }, media: { media_id: 'f', state: 'pending' } };
  const stored = { media_id: 'f', state: 'stored', mime: 'image/png', bytes: 9 };
  const event = { seq: 7, at: 1, kind: 'media', conversation_id: 'c', data: { message_id: 'm1', conversation_id: 'c', media: stored } };
  const loaded = { type: 'thread_loaded', id: 'c', rows: [message], complete: true };
  const media = (...actions) => actions.reduce(reduce, emptyState()).threads.get('c').messages[0].media;
  const asked = { type: 'thread_asked', id: 'c' };
  const events = { type: 'events', events: [event] };
  assert.deepEqual(media(asked, loaded), message.media);
  assert.deepEqual(media(asked, loaded, events, events), stored);
  assert.deepEqual(media(asked, events, loaded), stored);
});

/** Bytes, of numbers and texts. */
const bytesOf = (...parts) => new DataView(new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((one) => one.charCodeAt(0)) : part))).buffer);

test('the size of a picture is read from its first bytes', async () => {
  const u16 = (n) => [n >> 8, n & 255];
  const frame = (marker, width, height) => [0xff, marker, ...u16(17), 8, ...u16(height), ...u16(width)];
  const pictures = [
    ['PNG', new DataView(new Uint8Array(png(300, 200)).buffer), [300, 200]],
    ['JPEG', bytesOf([0xff, 0xd8, 0xff, 0xe0, ...u16(4), 1, 2], frame(0xc0, 640, 480)), [640, 480]],
    ['JPEG, progressive, with a table and a filled marker before', bytesOf([0xff, 0xd8, 0xff, 0xc4, ...u16(3), 1, 0xff], frame(0xc2, 65_535, 65_535)), [65_535, 65_535]],
    ['WebP', bytesOf('RIFF', [0, 0, 0, 0], 'WEBPVP8 ', [0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0]), [320, 240]],
    ['WebP, lossless', bytesOf('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [0, 0, 0, 0, 0x2f, 0x3f, 0xc1, 0x3b, 0]), [320, 240]],
    ['WebP, extended', bytesOf('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [10, 0, 0, 0, 0, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 1]), [320, 65_776]],
    ['none', bytesOf('GIF89a', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), null],
    ['cut off', bytesOf([0xff, 0xd8, 0xff, 0xe0, ...u16(4), 1, 2]), null],
    ['empty', bytesOf(), null],
  ];
  for (const [name, bytes, size] of pictures) assert.deepEqual(sizeOf(bytes), size, name);
  const blob = (width, height) => new Blob([bytesOf([0xff, 0xd8], frame(0xc0, width, height))]);
  await demandDrawable(blob(8_160, 6_120));
  await assert.rejects(demandDrawable(blob(30_000, 30_000)), ({ isHuge }) => isHuge === true);
  await assert.rejects(demandDrawable(new Blob(['text'])), ({ isHuge }) => isHuge === undefined);
});
