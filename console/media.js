// Files of messages: what the page asks the gateway about them, and in what words it speaks of them. No DOM in here.

import { isolated, number, t } from './language.js';

/** How long a file may be on its way: 100 MB over a slow line. */
const DOWNLOAD_LASTS = 600_000;
/** A piece of an upload: small enough to show progress, and to lose little when the line is cut. */
export const PIECE = 1_048_576;
const PIECE_LASTS = 120_000;

/**
 * What WhatsApp takes, by kind, and how large a file of it may be. Source: Cloud API, Media (Jun 16 2026). A sticker may have 500 KB when
 * it moves, and 100 KB when it does not, which only the gateway can tell.
 */
const KINDS = {
  image: { most: 5, types: { 'image/jpeg': ['jpg', 'jpeg'], 'image/png': ['png'] } },
  video: { most: 16, types: { 'video/mp4': ['mp4'], 'video/3gpp': ['3gp'] } },
  audio: {
    most: 16,
    types: { 'audio/aac': ['aac'], 'audio/amr': ['amr'], 'audio/mpeg': ['mp3'], 'audio/mp4': ['m4a'], 'audio/ogg': ['ogg', 'opus'] },
  },
  sticker: { most: 0.5, types: { 'image/webp': ['webp'] } },
  document: {
    most: 100,
    types: {
      'application/pdf': ['pdf'],
      'text/plain': ['txt'],
      'application/msword': ['doc'],
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document': ['docx'],
      'application/vnd.ms-excel': ['xls'],
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': ['xlsx'],
      'application/vnd.ms-powerpoint': ['ppt'],
      'application/vnd.openxmlformats-officedocument.presentationml.presentation': ['pptx'],
    },
  },
};
const MB = 1_000_000;

/** What a browser's dialog for choosing files offers; of the kinds named, or of all. */
export function acceptedTypes(kinds = Object.keys(KINDS)) {
  return kinds.flatMap((kind) => Object.entries(KINDS[kind].types).flatMap(([type, endings]) => [type, ...endings.map((ending) => `.${ending}`)])).join(',');
}

/**
 * What WhatsApp would make of a file: `{kind, mime}`, or `{problem}` in words. A browser that does not know a type leaves it out: then the
 * name's ending tells it.
 */
export function kindOfFile({ name, type, size }) {
  const ending = /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? '';
  const plain = type.split(';')[0].trim().toLowerCase();
  for (const [kind, { most, types }] of Object.entries(KINDS)) {
    const mime = Object.hasOwn(types, plain) ? plain : plain === '' && Object.keys(types).find((one) => types[one].includes(ending));
    if (!mime) continue;
    if (size === 0) return { problem: t('media.empty', { name }) };
    if (size > most * MB) return { problem: t('media.too_large', { name, size: bytesText(size), most: bytesText(most * MB), kind: t(`kind.${kind}`) }) };
    return { kind, mime };
  }
  return { problem: t('media.wrong_type', { name }) };
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** A size as people read it: "1.2 MB". */
export function bytesText(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return isolated(number(bytes / 1000 ** step, { style: 'unit', unit: UNITS[step], unitDisplay: step > 0 ? 'short' : 'long', maximumFractionDigits: step > 1 ? 1 : 0 }));
}

/** A length of time: "1:05". */
export function spanText(seconds) {
  const whole = Math.floor(seconds);
  return `${number(Math.floor(whole / 60))}:${number(whole % 60, { minimumIntegerDigits: 2 })}`;
}

/** The calls about files. */
export class MediaApi {
  #access;

  constructor(access) {
    this.#access = access;
  }

  /** The bytes of a file. */
  bytes(id, signal) {
    return this.#access.asked('GET', `/v1/media/${encodeURIComponent(id)}`, undefined, { as: 'blob', deadline: DOWNLOAD_LASTS, signal });
  }

  /** An address on this server that gives the file without a session for a while. */
  async link(id) {
    const { url } = await this.#access.asked('POST', `/v1/media/${encodeURIComponent(id)}/link`, {});
    // The gateway may name itself by another host than the one that this page is at; it is the same server.
    const { pathname, search } = new URL(url, 'https://gateway.invalid');
    // Its public address may have a path of its own before this one.
    const [path] = /\/media\/[^/]+$/.exec(pathname) ?? [];
    if (!path) throw new Error('not an address of a file');
    return path + search;
  }

  /** Begins an upload. */
  begin(upload) {
    return this.#access.asked('POST', '/v1/uploads', upload);
  }

  /** How far an upload has come; when it is whole, the file, too. */
  upload(id) {
    return this.#access.asked('GET', `/v1/uploads/${encodeURIComponent(id)}`);
  }

  /** Adds a piece to an upload. */
  piece(id, offset, bytes, signal) {
    return this.#access.asked('PUT', `/v1/uploads/${encodeURIComponent(id)}?offset=${offset}`, bytes, { deadline: PIECE_LASTS, signal });
  }

  /** Keeps a file at hand under a shortcut. */
  putQuickFile(shortcut, media_id) {
    return this.#access.asked('PUT', `/v1/quick-files/${encodeURIComponent(shortcut)}`, { media_id });
  }

  /** Does not keep it at hand any more. */
  deleteQuickFile(shortcut) {
    return this.#access.asked('DELETE', `/v1/quick-files/${encodeURIComponent(shortcut)}`);
  }
}
