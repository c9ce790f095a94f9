import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../console/http.js';
import { addTexts } from '../../../console/language.js';
import { PIECE } from '../../../console/media.js';
import { Upload, messagesOf } from '../../../console/uploads.js';
import '../english.mjs';

await addTexts('media');

/** A gateway of one upload. `faults` are thrown by the calls to come, in their order; null lets one through. */
class Shelf {
  heard = [];
  faults = [];
  bytes = 0;
  got = [];
  id = 0;

  #call(what) {
    this.heard.push(what);
    const fault = this.faults.shift();
    if (fault) throw fault;
  }

  async begin({ bytes }) {
    this.#call('begin');
    this.bytes = bytes;
    this.got = [];
    this.id += 1;
    return { upload_id: `u${this.id}`, offset: 0 };
  }

  get #shown() {
    const offset = this.got.reduce((sum, size) => sum + size, 0);
    return offset === this.bytes ? { bytes: this.bytes, media_id: 'm', kind: 'document', mime: 'application/pdf', name: 'a.pdf' } : { offset, bytes: this.bytes };
  }

  async upload(id) {
    this.#call(`ask ${id}`);
    return this.#shown;
  }

  async piece(id, offset, piece) {
    this.#call(`piece ${offset}`);
    assert.equal(offset, this.#shown.offset, 'a piece begins where the gateway stands');
    this.got.push(piece.size);
    return this.#shown;
  }
}

const broken = () => new ApiError(0, 'unreachable', '');

function uploading(shelf, { size = 2.5 * PIECE, file } = {}) {
  const states = [];
  // A rest is over at once.
  const timers = { setTimeout: (run) => setImmediate(run), clearTimeout: clearImmediate };
  const upload = new Upload({
    file: file ?? new Blob([new Uint8Array(size)]),
    name: 'a.pdf',
    mime: 'application/pdf',
    kind: 'document',
    api: shelf,
    changed: () => states.at(-1) !== upload?.state && states.push(upload?.state),
    timers,
    random: () => 0,
  });
  return { upload, states };
}

test('a file goes in pieces, and is ready with the last one', async () => {
  const shelf = new Shelf();
  const { upload, states } = uploading(shelf);
  await upload.start();
  assert.deepEqual(shelf.heard, ['begin', 'piece 0', `piece ${PIECE}`, `piece ${2 * PIECE}`]);
  assert.deepEqual(states, ['uploading', 'ready']);
  assert.deepEqual(upload.media, { media_id: 'm', kind: 'document', mime: 'application/pdf', bytes: 2.5 * PIECE, name: 'a.pdf' });
});

test('after a line that was cut the gateway is asked where it stands, and the rest goes', async () => {
  const shelf = new Shelf();
  shelf.faults = [null, null, broken(), broken(), null];
  const { upload, states } = uploading(shelf);
  await upload.start();
  assert.deepEqual(shelf.heard, ['begin', 'piece 0', `piece ${PIECE}`, 'ask u1', 'ask u1', `piece ${PIECE}`, `piece ${2 * PIECE}`]);
  assert.deepEqual(states, ['uploading', 'waiting', 'uploading', 'waiting', 'uploading', 'ready']);
});

test('an answer to the last piece that got lost costs nothing', async () => {
  const shelf = new Shelf();
  const { upload } = uploading(shelf, { size: 10 });
  const { piece } = Shelf.prototype;
  shelf.piece = async (...given) => {
    await piece.apply(shelf, given);
    throw broken();
  };
  await upload.start();
  assert.deepEqual([upload.state, shelf.heard], ['ready', ['begin', 'piece 0', 'ask u1']]);
});

test('an upload that the gateway has forgotten begins anew', async () => {
  const shelf = new Shelf();
  shelf.faults = [null, null, broken(), new ApiError(404, 'not_found', '')];
  const { upload } = uploading(shelf);
  await upload.start();
  assert.equal(upload.state, 'ready');
  assert.deepEqual(shelf.heard.slice(3), ['ask u1', 'begin', 'piece 0', `piece ${PIECE}`, `piece ${2 * PIECE}`]);
});

test('a gateway that stands still is asked again after a while, and not for ever', async () => {
  const shelf = new Shelf();
  const { upload } = uploading(shelf);
  shelf.piece = async () => ({ offset: 0, bytes: shelf.bytes });
  await upload.start();
  assert.deepEqual([upload.state, shelf.heard.filter((call) => call === 'ask u1').length], ['failed', 12]);
});

test('a refusal is final and told in words; trying again goes on where it was', async () => {
  const shelf = new Shelf();
  shelf.faults = [null, null, new ApiError(422, 'file_type_refused', 'raw')];
  const { upload } = uploading(shelf);
  await upload.start();
  assert.deepEqual([upload.state, upload.why], ['failed', 'WhatsApp does not take this file.']);
  await upload.start();
  assert.equal(upload.state, 'ready');
  assert.deepEqual(shelf.heard.slice(3), ['ask u1', `piece ${PIECE}`, `piece ${2 * PIECE}`]);
});

test('a full quota lasts, and is told at once', async () => {
  const shelf = new Shelf();
  shelf.faults = [new ApiError(507, 'storage_full', 'raw')];
  const { upload } = uploading(shelf);
  await upload.start();
  assert.deepEqual([upload.state, upload.why, shelf.heard], ['failed', 'Your files have as many bytes as they may. Delete some, or ask an owner or admin.', ['begin']]);
});

test('a gateway that never answers is given up after some minutes', async () => {
  const shelf = new Shelf();
  shelf.faults = Array.from({ length: 99 }, broken);
  const { upload } = uploading(shelf);
  await upload.start();
  assert.equal(upload.state, 'failed');
  assert.equal(shelf.heard.length, 13);
});

test('a file that is gone from the disk is told as that, at once', async () => {
  const shelf = new Shelf();
  const file = { size: 10, slice: () => ({ arrayBuffer: async () => Promise.reject(new Error('NotReadable')) }) };
  const { upload } = uploading(shelf, { file });
  await upload.start();
  assert.deepEqual([upload.state, upload.why, shelf.heard], ['failed', 'The file cannot be read any more. Choose it again.', ['begin']]);
});

test('one that is stopped sends nothing more', async () => {
  const shelf = new Shelf();
  const { upload } = uploading(shelf);
  const { piece } = Shelf.prototype;
  shelf.piece = (...given) => {
    upload.stop();
    return piece.apply(shelf, given);
  };
  await upload.start();
  assert.deepEqual(shelf.heard, ['begin', 'piece 0']);
  assert.notEqual(upload.state, 'ready');
});

const file = (kind, more) => ({ media: { media_id: kind, kind, mime: 'x', bytes: 1, name: `${kind}.x` }, ...more });

test('a text stands below the first file where WhatsApp has room for it there, else after the files', () => {
  const sent = (files, text, quoted) => messagesOf(files, text, quoted).map(({ message }) => message);
  assert.deepEqual(sent([file('image'), file('document')], 'Here', { wamid: 'w' }), [
    { type: 'image', image: { media_id: 'image', caption: 'Here' }, context: { message_id: 'w' } },
    { type: 'document', document: { media_id: 'document', filename: 'document.x' } },
  ]);
  assert.deepEqual(sent([file('audio', { isVoice: true })], 'Here'), [
    { type: 'audio', audio: { media_id: 'audio', voice: true } },
    { type: 'text', text: { body: 'Here' } },
  ]);
  assert.deepEqual(sent([file('video')], 'x'.repeat(1_025)).map(({ type }) => type), ['video', 'text']);
  assert.deepEqual(sent([file('sticker')], ''), [{ type: 'sticker', sticker: { media_id: 'sticker' } }]);
});
