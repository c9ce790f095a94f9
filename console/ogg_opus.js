// Opus in WebM, as some browsers record it, put into OGG, in which WhatsApp shows a voice message. Only the container changes: the packets are
// taken over as they are. No DOM in here.
//
// WebM is EBML (RFC 8794): elements of an id, a size and data. The page of an OGG stream is that of RFC 3533, Opus in it RFC 7845.

/** Elements that hold elements: what is in them is read on, so that it does not matter where they end, which a recorder does not know. */
const MASTERS = new Set([0x18538067, 0x1654ae6b, 0xae, 0x1f43b675, 0xa0]);
const CODEC_PRIVATE = 0x63a2;
const BLOCKS = new Set([0xa1, 0xa3]);
const LACED = 0x06;
/** At most so many packets a page: a second of speech. */
const PACKETS = 50;
/** A page's table has so many places; a packet takes one for each 255 bytes begun. */
const PLACES = 255;
const FIRST = 2;
const LAST = 4;

/** What is no WebM of one Opus track. */
export class NoOpus extends Error {}

/**
 * The head and the packets of Opus in a WebM file.
 *
 * @param {Uint8Array} bytes
 * @returns {{head: Uint8Array, packets: Uint8Array[]}}
 */
export function packetsOf(bytes) {
  const packets = [];
  let head = null;
  let at = 0;
  while (at < bytes.length) {
    const id = number(bytes, at, { isId: true });
    const size = number(bytes, at + id.length);
    const begin = at + id.length + size.length;
    at = begin;
    if (MASTERS.has(id.value)) continue;
    if (size.value === null) throw new NoOpus('an element without an end');
    const end = begin + size.value;
    // The last one may be cut off, as a recording is that was ended by force.
    if (end > bytes.length) break;
    if (id.value === CODEC_PRIVATE) head = bytes.subarray(begin, end);
    if (BLOCKS.has(id.value)) packets.push(packetOf(bytes.subarray(begin, end)));
    at = end;
  }
  if (head === null || text(head.subarray(0, 8)) !== 'OpusHead') throw new NoOpus('no head of Opus');
  if (packets.length === 0) throw new NoOpus('nothing was recorded');
  return { head, packets };
}

/** A number of EBML: its first byte says how long it is. A size of ones alone is not known: null. */
function number(bytes, at, { isId = false } = {}) {
  const first = bytes[at];
  if (!first) throw new NoOpus('no EBML');
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) throw new NoOpus('cut off within a number');
  let value = isId ? first : first & (0xff >> length);
  let isKnown = value !== 0xff >> length;
  for (let i = 1; i < length; i += 1) {
    value = value * 256 + bytes[at + i];
    isKnown ||= bytes[at + i] !== 0xff;
  }
  return { length, value: isId || isKnown ? value : null };
}

/** The packet of a block: after the number of its track, its time and its flags. */
function packetOf(block) {
  const track = number(block, 0);
  const flags = block[track.length + 2];
  if (flags & LACED) throw new NoOpus('several packets in one block');
  return block.subarray(track.length + 3);
}

/** How long a packet plays, in samples of 48 kHz: its first byte says it (RFC 6716, 3.1). */
export function samplesOf(packet) {
  const config = packet[0] >> 3;
  const [short, ...long] = config < 12 ? [480, 960, 1920, 2880] : config < 16 ? [480, 960, 480, 960] : [120, 240, 480, 960];
  const frame = [short, ...long][config & 3];
  const count = [1, 2, 2, packet[1] & 0x3f][packet[0] & 3];
  return frame * count;
}

/**
 * An OGG file of these packets; `serial` is any number of 32 bits.
 *
 * @param {{head: Uint8Array, packets: Uint8Array[]}} opus
 * @param {number} serial
 */
export function oggOf({ head, packets }, serial) {
  const pages = [];
  const put = (of, granule, kind) => pages.push(page(of, { granule, kind, serial, sequence: pages.length }));
  put([head], 0, FIRST);
  put([tags()], 0, 0);
  let granule = 0;
  let waiting = [];
  let places = 0;
  packets.forEach((packet, i) => {
    const needed = Math.floor(packet.length / 255) + 1;
    if (waiting.length === PACKETS || places + needed > PLACES) {
      put(waiting, granule, 0);
      waiting = [];
      places = 0;
    }
    waiting.push(packet);
    places += needed;
    granule += samplesOf(packet);
    if (i === packets.length - 1) put(waiting, granule, LAST);
  });
  return joined(pages);
}

/** Who made it, and nothing about the person. */
function tags() {
  const vendor = new TextEncoder().encode('Mesej');
  const bytes = new Uint8Array(16 + vendor.length);
  bytes.set(new TextEncoder().encode('OpusTags'));
  new DataView(bytes.buffer).setUint32(8, vendor.length, true);
  bytes.set(vendor, 12);
  return bytes;
}

/** A page of whole packets, which fit. */
function page(packets, { granule, kind, serial, sequence }) {
  const table = packets.flatMap(({ length }) => [...new Array(Math.floor(length / 255)).fill(255), length % 255]);
  const bytes = joined([new Uint8Array(27), Uint8Array.from(table), ...packets]);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('OggS'));
  bytes[5] = kind;
  view.setBigUint64(6, BigInt(granule), true);
  view.setUint32(14, serial >>> 0, true);
  view.setUint32(18, sequence, true);
  bytes[26] = table.length;
  view.setUint32(22, checksum(bytes), true);
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  return sum;
});

/** The checksum of a page, whose own place in it is zero: CRC-32 without reflection. */
export function checksum(bytes) {
  let sum = 0;
  for (const byte of bytes) sum = ((sum << 8) ^ TABLE[(sum >>> 24) ^ byte]) >>> 0;
  return sum;
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function text(bytes) {
  return String.fromCharCode(...bytes);
}
