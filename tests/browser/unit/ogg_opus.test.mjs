// Opus out of WebM, and into OGG.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoOpus, checksum, oggOf, packetsOf, samplesOf } from '../../../console/ogg_opus.js';

const HEAD = [...Buffer.from('OpusHead'), 1, 1, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0];
/** Twenty milliseconds of CELT. */
const FRAME = 0xf8;
const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const sized = (bytes) => [0x40 | (bytes.length >> 8), bytes.length & 0xff];
const element = (id, bytes, size = sized(bytes)) => [...id, ...size, ...bytes];
const block = (packet, flags = 0x80, id = [0xa3]) => element(id, [0x81, 0, 0, flags, ...packet]);
const track = element([0xae], [...element([0xd7], [1]), ...element([0x86], [...Buffer.from('A_OPUS')]), ...element([0x63, 0xa2], HEAD)]);

/** As a recorder writes it, which does not know where the whole ends. */
const webm = (...clusters) =>
  Uint8Array.from([
    ...element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], [...Buffer.from('webm')])),
    ...element([0x18, 0x53, 0x80, 0x67], [], UNKNOWN),
    ...element([0x16, 0x54, 0xae, 0x6b], track),
    ...clusters.flatMap((blocks) => element([0x1f, 0x43, 0xb6, 0x75], [...element([0xe7], [0]), ...blocks.flat()], UNKNOWN)),
  ]);

const fails = (bytes) => assert.throws(() => packetsOf(bytes), NoOpus);

test('packets are found in clusters whose end is not known, also in groups of blocks', () => {
  const grouped = element([0xa0], block([FRAME, 3], 0, [0xa1]));
  const { head, packets } = packetsOf(webm([block([FRAME, 1])], [block([FRAME, 2]), grouped]));
  assert.deepEqual([...head], HEAD);
  assert.deepEqual(packets.map((packet) => [...packet]), [[FRAME, 1], [FRAME, 2], [FRAME, 3]]);
});

test('a block that is cut off at the end is left out', () => {
  const whole = webm([block([FRAME, 1]), block([FRAME, 2, 2, 2])]);
  assert.equal(packetsOf(whole.subarray(0, whole.length - 2)).packets.length, 1);
});

test('what is no Opus in WebM is refused', () => {
  fails(new Uint8Array(4));
  fails(Uint8Array.from(Buffer.from('OggS and so on')));
  fails(webm());
  fails(webm([block([FRAME, 1], 0x82)]));
  fails(Uint8Array.from(block([FRAME, 1])));
  fails(Uint8Array.from(element([0xec], [], UNKNOWN)));
});

test('a packet says itself how long it plays', () => {
  const packet = (config, code, count = 0) => Uint8Array.of((config << 3) | code, count);
  assert.deepEqual([0, 1, 2, 3, 12, 13, 16, 17, 18, 19, 31].map((config) => samplesOf(packet(config, 0))), [480, 960, 1920, 2880, 480, 960, 120, 240, 480, 960, 960]);
  assert.deepEqual([samplesOf(packet(31, 1)), samplesOf(packet(31, 2)), samplesOf(packet(31, 3, 0x83))], [1920, 1920, 2880]);
});

/** The pages of an OGG stream, with the packets that end on each. */
function pagesOf(ogg) {
  const pages = [];
  for (let at = 0; at < ogg.length; ) {
    const view = new DataView(ogg.buffer, ogg.byteOffset + at);
    const table = [...ogg.subarray(at + 27, at + 27 + ogg[at + 26])];
    let from = at + 27 + table.length;
    const end = from + table.reduce((sum, one) => sum + one, 0);
    const whole = Uint8Array.from(ogg.subarray(at, end));
    whole.fill(0, 22, 26);
    assert.equal(view.getUint32(22, true), checksum(whole), 'its checksum');
    const packets = [];
    let length = 0;
    for (const part of table) {
      length += part;
      if (part === 255) continue;
      packets.push(ogg.subarray(from, from + length));
      from += length;
      length = 0;
    }
    pages.push({ mark: Buffer.from(ogg.subarray(at, at + 4)).toString(), kind: ogg[at + 5], granule: Number(view.getBigUint64(6, true)), serial: view.getUint32(14, true), sequence: view.getUint32(18, true), packets });
    at = end;
  }
  return pages;
}

test('an OGG stream has head, tags and whole packets, numbered, with what has played by then', () => {
  // Also one whose length is a multiple of 255, which ends with an empty part.
  const packets = Array.from({ length: 120 }, (_, i) => new Uint8Array(i === 3 ? 510 : 90).fill(i).fill(FRAME, 0, 1));
  const pages = pagesOf(oggOf({ head: Uint8Array.from(HEAD), packets }, 0xfeedbeef));
  assert.deepEqual(pages.map(({ mark, serial, sequence }, i) => [mark, serial, sequence, i]), pages.map((_, i) => ['OggS', 0xfeedbeef, i, i]));
  assert.deepEqual(pages.map(({ kind }) => kind), [2, 0, 0, 0, 4]);
  assert.deepEqual(pages.map(({ granule }) => granule), [0, 0, 50 * 960, 100 * 960, 120 * 960]);
  assert.deepEqual([[...pages[0].packets[0]], Buffer.from(pages[1].packets[0].subarray(0, 8)).toString()], [HEAD, 'OpusTags']);
  assert.deepEqual(pages.slice(2).flatMap((page) => page.packets.map((packet) => [packet.length, packet[1]])), packets.map((packet) => [packet.length, packet[1]]));
});

test('large packets are spread over more pages, none of which is overfull', () => {
  const packets = Array.from({ length: 40 }, () => new Uint8Array(5_000).fill(FRAME));
  const pages = pagesOf(oggOf({ head: Uint8Array.from(HEAD), packets }, 1));
  assert.equal(pages.slice(2).flatMap((page) => page.packets).length, 40);
  assert.ok(pages.length > 4);
});

test('the checksum is that of OGG', () => {
  assert.equal(checksum(Buffer.from('123456789')), 0x89a1897f);
});
