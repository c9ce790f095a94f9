// How large a picture is, read from its first bytes: one of a few megabytes can have more pixels than a browser has memory for.

/** What a browser draws without trouble: the largest photos of phones have less. */
const MOST_PIXELS = 50_000_000;

/** Demands that a picture can be drawn. One that says nothing about its size is none. */
export async function demandDrawable(blob) {
  const size = sizeOf(new DataView(await blob.arrayBuffer()));
  if (size === null) throw new Error('no picture');
  if (size[0] * size[1] > MOST_PIXELS) throw Object.assign(new Error('too many pixels'), { isHuge: true });
}

/** The width and height of a PNG, JPEG or WebP picture; null for anything else. */
export function sizeOf(bytes) {
  try {
    if (bytes.getUint32(0) === 0x89504e47 && bytes.getUint32(12) === 0x49484452) return [bytes.getUint32(16), bytes.getUint32(20)];
    if (bytes.getUint16(0) === 0xffd8) return jpegSize(bytes);
    if (bytes.getUint32(0) === 0x52494646 && bytes.getUint32(8) === 0x57454250) return webpSize(bytes);
  } catch (error) {
    // It ends before it says.
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
}

// Segments with their lengths, until that of a frame comes (SOF: C0 to CF, without the tables C4, C8 and CC).
function jpegSize(bytes) {
  for (let at = 2; ; ) {
    if (bytes.getUint8(at) !== 0xff) return null;
    const marker = bytes.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return [bytes.getUint16(at + 7), bytes.getUint16(at + 5)];
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else at += 2 + bytes.getUint16(at + 2);
  }
}

function webpSize(bytes) {
  const uint24 = (at) => bytes.getUint16(at, true) + 65_536 * bytes.getUint8(at + 2);
  switch (bytes.getUint32(12)) {
    case 0x56503858: // "VP8X"
      return [uint24(24) + 1, uint24(27) + 1];
    case 0x5650384c: {
      // "VP8L"
      const packed = bytes.getUint32(21, true);
      return [(packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1];
    }
    case 0x56503820: // "VP8 "
      return [bytes.getUint16(26, true) & 0x3fff, bytes.getUint16(28, true) & 0x3fff];
    default:
      return null;
  }
}
